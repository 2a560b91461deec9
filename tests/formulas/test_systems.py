"""Every formula in every number system, tied to the Arb ball."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from flint import arb, fmpz
from hypothesis import given, settings
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.instance import Instance
from dsmverify.systems import load, strict
from dsmverify.testing.strategies import instances
from tests.formulas.fixtures import FORMULAS, INSTANCES

BITS = 256

OVERFLOWS = ("separated_risk_bounds", "apart")
"""Written for balls: `exp(d^2)` is no float there."""

every_formula = pytest.mark.parametrize("name", FORMULAS)
every_instance = pytest.mark.parametrize("case", INSTANCES.values(), ids=INSTANCES.keys())

NO_RUNNING_BOUND = {"batch_hessian", "separated_risk_bounds"}
"""Formulas for balls only: matrix products, and `exp(d^2)` that floats cannot hold."""


def flat(value: Any) -> list[Any]:
    return list(np.asarray(value, dtype=object).ravel())


def balls(name: str, case: Instance, bits: int = BITS) -> list[arb]:
    with precision(bits):
        return flat(FORMULAS[name](load("arb"), case))


def size(values: list[arb]) -> float:
    return max(abs(float(value.mid())) for value in values)


def is_within(value: float, ball: arb, error: float) -> bool:
    """Whether every number of a ball lies within `error` of a float."""
    with precision(BITS):
        return bool(abs(ball - arb(value)) <= arb(error))


def as_exact(value: Any) -> arb:
    """An mpmath or SymPy float as the exact dyadic ball that it is."""
    sign, mantissa, exponent, _ = value._mpf_
    with precision(2000):
        dyadic: arb = (-1) ** sign * arb(fmpz(int(mantissa))) * arb(2) ** int(exponent)
        return dyadic


@every_instance
@every_formula
def test_floats_lie_within_the_running_error_bound_of_the_ball(name: str, case: Instance) -> None:
    if (name, case.name) == OVERFLOWS:
        pytest.skip("exp(d^2) is no float there")
    expected = balls(name, case)
    if name in NO_RUNNING_BOUND:
        # Sums of less than 1000 products of less than 30 factors, each right to a few roundings,
        # in norm: 1000 * 30 * 2^-53 < 4e-12.
        errors = [4e-12 * size(expected)] * len(expected)
    else:
        running = FORMULAS[name](load("running"), case)
        errors = list(np.ravel(running.bound))
        for value, ball, error in zip(np.ravel(running.value), expected, errors, strict=True):
            assert is_within(value, ball, error)
        # The bound is of use: it is a small part of the norm. The longest exponent here is 450 (30
        # noise levels), which multiplies 2^-53 to 5e-14; the third moment loses 5 digits by
        # cancellation.
        assert max(errors) <= 1e-8 * size(expected)
    for system in ("float64", "torch"):
        values = np.ravel(np.asarray(FORMULAS[name](load(system), case)))
        # torch adds and exponentiates in another order; the bound holds for any, twice it covers
        # its exp.
        for value, ball, error in zip(values, expected, errors, strict=True):
            assert is_within(float(value), ball, 2 * error), (system, value, ball, error)


@every_instance
@every_formula
def test_mpmath_lies_in_the_ball(name: str, case: Instance) -> None:
    # The same operations in the same order, Arb with 8 bits less than mpmath: at every step the
    # ball grows by more than mpmath's rounding, 2^8 times as much, so no padding is needed.
    with mp.workdps(50):
        values = flat(FORMULAS[name](load("mpmath"), case) * mp.one)
        narrow = balls(name, case, mp.prec - 8)
    assert max(float(ball.rad()) for ball in narrow) <= 1e-38 * size(narrow)
    for value, ball in zip(values, narrow, strict=True):
        assert ball.contains(as_exact(value))


@pytest.mark.parametrize("case", [INSTANCES["pair"]], ids=["pair"])
@every_formula
def test_sympy_equals_the_ball(name: str, case: Instance) -> None:
    expected = balls(name, case)
    # sympy.N gives 40 correct digits of what is not 0; of an exact 0 it stops at 10^-40 or below.
    error = arb(10) ** -38
    for expression, ball in zip(flat(FORMULAS[name](load("sympy"), case)), expected, strict=True):
        assert not expression.atoms(sympy.Float)
        value = sympy.Float(sympy.N(expression, 40), 40)
        with precision(BITS):
            gap = abs(as_exact(value) - ball)
            assert gap <= error * (1 + abs(ball)), (value, ball)


@every_instance
@every_formula
def test_strict_tracer_accepts_every_formula(name: str, case: Instance) -> None:
    if (name, case.name) == OVERFLOWS:
        pytest.skip("exp(d^2) is no float there")
    values = flat(FORMULAS[name](load("strict"), case))
    assert len(values) == len(balls(name, case))
    assert all(isinstance(value, strict.Traced) and np.isfinite(value.value) for value in values)


CHEATS: dict[str, Callable[[Any], Any]] = {
    "float factor": lambda x: 0.5 * x,
    "float term": lambda x: x + 1.0,
    "square root as a power": lambda x: x**0.5,
    "integer power": lambda x: x**2,
    "comparison": lambda x: x < 1,
    "equality": lambda x: x == 1,
    "truth value": bool,
    "conversion": float,
    "absolute value outside the system": abs,
    "array of floats": lambda x: x * np.array([0.5]),
}


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=CHEATS.keys())
def test_strict_tracer_refuses(cheat: Callable[[Any], Any]) -> None:
    with pytest.raises(strict.StrictError):
        cheat(load("strict").constant(2))


@settings(max_examples=25)
@given(case=instances(max_size=5, max_width=5))
def test_drawn_instances_agree(case: Instance) -> None:
    """Containment on drawn instances: running bound, and ball at 128 bits around that at 256."""
    for name, formula in FORMULAS.items():
        if name in NO_RUNNING_BOUND:
            continue
        narrow, wide = balls(name, case, 256), balls(name, case, 128)
        running = formula(load("running"), case)
        entries = zip(np.ravel(running.value), np.ravel(running.bound), narrow, wide, strict=True)
        for value, error, ball, loose in entries:
            assert loose.contains(ball), name
            assert is_within(value, ball, error), name

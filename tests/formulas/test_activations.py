"""Closed moments of activations: against mpmath's quadrature, and in every number system."""

from __future__ import annotations

import inspect
import math
import sys
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.formulas import activations
from dsmverify.formulas.activations import CLOSED, Moments, moments
from dsmverify.systems import load
from dsmverify.systems.float64 import arctan_defect, sinh_excess

TIMES = tuple(map(Fraction, ("1/1000000", "1/100", "1/10", "1", "5")))
FIELDS = ("mean", "linear", "nonlinear", "shared", "fresh")
DIGITS = 48
every_case = pytest.mark.parametrize(
    ("name", "time"), [(name, time) for name in CLOSED for time in TIMES]
)


def at_time(system: str, name: str, time: Fraction) -> Moments[Any]:
    ns: Any = load(system)
    t = ns.constant(time)
    return moments(ns, name, ns.exp(-t), -ns.expm1(-2 * t))


def values(found: Moments[Any]) -> list[Any]:
    return [getattr(found, field) for field in FIELDS]


def normal(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def mean_given(name: str, m: Any, s: Any) -> Any:
    """`E rho(m + s z)`, z standard normal."""
    below = mp.erfc(-m / s / mp.sqrt(2)) / 2 if s else mp.mpf(m > 0)
    bell = s * normal(m / s) if s else mp.mpf(0)
    return {
        "relu": lambda: m * below + bell,
        "abs": lambda: m * (2 * below - 1) + 2 * bell,
        "erf": lambda: mp.erf(m / mp.sqrt(1 + 2 * s * s)),
        "sin": lambda: mp.sin(m) * mp.exp(-s * s / 2),
        "linear": lambda: m,
    }[name]()


RHO = {
    "relu": lambda x: x * (x > 0),
    "abs": abs,
    "erf": mp.erf,
    "sin": mp.sin,
    "linear": lambda x: x,
}


def expectation(function: Any, scale: Any = 1, smooth: bool = False) -> Any:
    """Mean under the normal law; the cuts are where a function of width `scale` turns.

    For erf and sine the trapezoidal rule of step 1/6 leaves `exp(-2 pi^2 36/3) < 1e-100` (the
    integrands grow like exp(y^2) at most off the real line), 15 deviations leave 1e-49.
    """
    if smooth:
        return sum(function(x) * normal(x) for x in (mp.mpf(k) / 6 for k in range(-90, 91))) / 6
    cuts = sorted({mp.mpf(0), mp.mpf(3), mp.mpf(8), mp.mpf(15), scale, min(3, 8 * scale)})
    return mp.quad(lambda x: (function(x) + function(-x)) * normal(x), cuts)


@cache
def timeless(name: str) -> tuple[Any, ...]:
    """Mean, linear part and second moment."""
    with mp.workdps(DIGITS):
        rho = RHO[name]
        smooth = name in {"erf", "sin", "linear"}
        mean = expectation(rho, smooth=smooth)
        linear = expectation(lambda x: x * rho(x), smooth=smooth)
        return mean, linear**2, expectation(lambda x: rho(x) ** 2, smooth=smooth)


@cache
def oracle(name: str, time: Fraction) -> tuple[Any, ...]:
    """The five moments from one-dimensional integrals, by plain differences at 48 digits."""
    mean, linear, square = timeless(name)
    with mp.workdps(DIGITS):
        c = mp.exp(-2 * mp.mpf(time.numerator) / time.denominator)
        s = mp.sqrt(1 - c * c)
        smooth = name in {"erf", "sin", "linear"}
        kernel = expectation(lambda x: RHO[name](x) * mean_given(name, c * x, s), s, smooth)
        shared = kernel - mean**2 - c * linear
        nonlinear = square - mean**2 - linear
        return mean, linear, nonlinear, shared, nonlinear - shared


@every_case
def test_balls_contain_quadrature(name: str, time: Fraction) -> None:
    with precision(180):
        found = values(at_time("arb", name, time))
    for ball, expected in zip(found, oracle(name, time), strict=True):
        # mpmath's error is an estimate: 40 digits of what is of size 1 are asked for, and of the
        # ball that it is as good.
        with mp.workdps(60):
            gap = abs(mp.mpf(ball.mid().str(60, radius=False)) - expected)
        assert gap < mp.mpf(10) ** -40
        assert float(ball.rad()) < 1e-45


@pytest.mark.parametrize("system", ["float64", "torch", "mpmath", "strict"])
@every_case
def test_every_moment_is_accurate_in_every_system(system: str, name: str, time: Fraction) -> None:
    found = values(at_time(system, name, time))
    for field, number, expected in zip(FIELDS, found, oracle(name, time), strict=True):
        value = float(getattr(number, "value", number))
        if system == "strict" and field in {"shared", "fresh"}:
            # The tracer has no accurate differences: it shows that nothing else is used.
            assert value == pytest.approx(float(expected), abs=1e-14)
        else:
            # Fewer than 30 roundings of terms of one sign, and differences that lose a factor 3;
            # quadrature leaves 1e-50 where the moment is 0.
            assert value == pytest.approx(float(expected), rel=4e-15, abs=1e-40), field


@every_case
def test_running_bounds_hold_and_are_small(name: str, time: Fraction) -> None:
    found = values(at_time("running", name, time))
    for value, expected in zip(found, oracle(name, time), strict=True):
        gap = float(abs(mp.mpf(float(value.value)) - expected))
        assert gap <= float(value.bound) + 1e-45
        assert float(value.bound) <= 1e-13 * abs(float(expected)) + 1e-290


@every_case
def test_sympy_equals_the_ball(name: str, time: Fraction) -> None:
    with precision(256):
        balls = values(at_time("arb", name, time))
    for value, ball in zip(values(at_time("sympy", name, time)), balls, strict=True):
        assert not value.atoms(sympy.Float)
        gap = abs(sympy.N(value, 40) - sympy.Float(ball.mid().str(50, radius=False), 50))
        assert gap < sympy.Float("1e-38", 40)


@pytest.mark.parametrize("name", CLOSED)
def test_arrays_of_times(name: str) -> None:
    times = np.array([float(time) for time in TIMES])
    ns: Any = load("float64")
    together = moments(ns, name, np.exp(-times), -np.expm1(-2 * times))
    tensors = torch.from_numpy(times)
    in_torch = moments(load("torch"), name, torch.exp(-tensors), -torch.expm1(-2 * tensors))
    for k, time in enumerate(times):
        alone = moments(ns, name, np.exp(-time), -np.expm1(-2 * time))
        for field in ("shared", "fresh"):
            value = np.broadcast_to(getattr(together, field), times.shape)[k]
            # NumPy's vector exponentials may differ from its scalar ones in the last place.
            assert value == pytest.approx(float(getattr(alone, field)), rel=4e-15)
            tensor = np.broadcast_to(getattr(in_torch, field).numpy(), times.shape)[k]
            assert tensor == pytest.approx(value, rel=4e-15)


@pytest.mark.parametrize("name", ["relu", "erf", "sin", "abs"])
def test_torch_differentiates(name: str) -> None:
    """`d s^2/d(a^2)` at fixed `a^2 + h = 1` against a difference of the oracle's kind."""
    time = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    found = moments(load("torch"), name, torch.exp(-time), -torch.expm1(-2 * time))
    (slope,) = torch.autograd.grad(found.fresh, time)
    step = Fraction(1, 10**12)
    near = Fraction(0.3)
    with precision(300):
        ends = [at_time("arb", name, near + side * step).fresh for side in (1, -1)]
        quotient = float(((ends[0] - ends[1]) / load("arb").constant(2 * step)).mid())
    assert float(slope) == pytest.approx(quotient, rel=1e-12)


def test_what_the_moments_add_up_to() -> None:
    for name in CLOSED:
        for time in TIMES:
            found = at_time("mpmath", name, time)
            assert float(found.shared + found.fresh) == pytest.approx(
                float(found.nonlinear), rel=1e-14
            )


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'tanh' has no closed form here: relu, erf"):
        at_time("float64", "tanh", Fraction(1))


MUTANTS = {
    "relu": ("ns.constant(1) / 4", "ns.constant(1) / 5"),
    "abs": ("u * h + 2 * c", "u * h + 3 * c"),
    "erf": ("h * h / 9", "h * h / 8"),
    "sin": ("quarter = (1 + c) / 4", "quarter = (1 + c) / 5"),
    "linear": ("linear=ns.constant(1), non", "linear=ns.constant(2), non"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_constant_is_seen(name: str) -> None:
    right, wrong = MUTANTS[name]
    source = inspect.getsource(activations)
    assert source.count(right) == 1
    planted = ModuleType("dsmverify.formulas.planted")
    sys.modules[planted.__name__] = planted
    try:
        exec(source.replace(right, wrong), vars(planted))
        ns: Any = load("float64")
        found = planted.moments(ns, name, np.exp(-0.1), -np.expm1(-0.2))
    finally:
        del sys.modules[planted.__name__]
    expected = [float(value) for value in oracle(name, Fraction(1, 10))]
    assert values(found) != pytest.approx(expected, rel=1e-6, abs=1e-40)


@pytest.mark.parametrize("function", ["arctan_defect", "sinh_excess"])
@pytest.mark.parametrize("x", [0, 1e-200, 1e-30, -1e-5, 0.01, -0.24, 0.26, 0.7, 1.0, -1.001, 3.0])
def test_differences_near_0(function: str, x: float) -> None:
    exact = Fraction(x)
    with mp.workdps(500):
        y = mp.mpf(x)
        expected = y - mp.atan(y) if function == "arctan_defect" else mp.sinh(y) - y
        expected = +expected
    for system in ("float64", "torch", "mpmath", "running"):
        ns: Any = load(system)
        value = getattr(ns, function)(ns.constant(exact))
        value = float(getattr(value, "value", value))
        # 14 terms of one sign, or a difference that loses a factor of at most 7.
        assert value == pytest.approx(float(expected), rel=2e-15, abs=0)
    with precision(128):
        ball = getattr(load("arb"), function)(load("arb").constant(exact))
        assert float(ball.rad()) <= 1e-35 * abs(float(ball.mid()))
    with precision(1000), mp.workdps(50):
        middle = mp.mpf(ball.mid().str(60, radius=False))
        assert abs(middle - expected) <= mp.mpf(10) ** -34 * abs(expected)


def test_differences_on_wide_balls() -> None:
    from flint import arb

    ns: Any = load("arb")
    for function in (ns.arctan_defect, ns.sinh_excess):
        for low, high in ((-0.1, 0.3), (0.2, 0.3), (1, 2), (-3, -0.01)):
            image = function(arb(low).union(arb(high)))
            for share in range(11):
                x = arb(low + (high - low) * share / 10)
                assert image.overlaps(function(x))
            # No wider than the values at the ends ask for.
            exact = function(arb(high)) - function(arb(low))
            assert float(image.rad()) <= 0.51 * float(exact.mid())


def test_float64_differences_on_arrays() -> None:
    x = np.array([[0.0, -0.5], [1.0, 2.0]])
    assert arctan_defect(x).shape == sinh_excess(x).shape == (2, 2)
    assert sinh_excess(x)[1, 1] == pytest.approx(math.sinh(2) - 2, rel=1e-15)
    assert arctan_defect(x)[0, 1] == -arctan_defect(0.5)

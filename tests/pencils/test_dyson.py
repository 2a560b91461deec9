from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from dsmverify.errors import InputError, PrecisionError
from dsmverify.pencils import random_features as features
from dsmverify.pencils.dyson import DysonEquation, solve
from dsmverify.pencils.pencil import Gaussian, Pencil
from dsmverify.systems import float64, mpmath

from . import _scalar as scalar

TWO = (("0.5", "0.5"), ("0.5", "1.5"))
REFERENCE = [
    # Activation, m, psi_n, psi_p, lam, E_test, E_train: random-features.md, "Reference".
    (scalar.relu, 1, "4", "2", "0.01", "3.4345255386867304", "0.439560183244971629"),
    (scalar.relu, math.inf, "4", "2", "0.01", "0.567760536641530235", "0.815954500852997322"),
    (scalar.tanh, 2, "3", "3", "0.001", "5.01659504493428366", "0.38157476213143768"),
]


def point(
    psi_n: str = "4",
    psi_p: str = "2",
    ridge: str = "0.01",
    copies: float = 1,
    time: str = "0.1",
    atoms: Any = (("1", "1"),),
    activation: Any = scalar.relu,
) -> scalar.Point:
    numbers = tuple((mp.mpf(weight), mp.mpf(xi)) for weight, xi in atoms)
    t = mp.mpf(time)
    chosen = activation(t)
    return scalar.Point(t, chosen, mp.mpf(psi_n), mp.mpf(psi_p), mp.mpf(ridge), copies, numbers)


def parameters(at: scalar.Point, number: Any = mp.mpf) -> features.Parameters:
    linear, shared, fresh = map(number, at.moments)
    return features.Parameters(
        signal=number(mp.exp(-2 * at.time)),
        noise=number(-mp.expm1(-2 * at.time)),
        linear=linear,
        shared=shared,
        fresh=fresh,
        psi_n=number(at.psi_n),
        psi_p=number(at.psi_p),
        ridge=number(at.ridge),
        copies=at.copies,
        atoms=tuple((number(weight), number(xi)) for weight, xi in at.atoms),
    )


@pytest.mark.parametrize(("activation", "copies", "n", "p", "ridge", "test", "train"), REFERENCE)
def test_the_reference_values(
    activation: Any, copies: float, n: str, p: str, ridge: str, test: str, train: str
) -> None:
    with mp.workdps(60):
        at = point(n, p, ridge, copies, activation=activation)
        found = features.observables(mpmath.SYSTEM, parameters(at), 40)
        for value, expected in ((found.test_error, test), (found.train_error, train)):
            # As many digits as the note prints; its last one is rounded.
            assert abs(value / mp.mpf(expected) - 1) < mp.mpf(10) ** -16
    near = features.observables(float64.SYSTEM, parameters(at, float))
    assert near.test_error == pytest.approx(float(test), rel=1e-13, abs=0)
    assert near.train_error == pytest.approx(float(train), rel=1e-13, abs=0)


@pytest.mark.parametrize(
    "options",
    [
        {"copies": 1},
        {"copies": 3},
        {"copies": 5, "psi_p": "0.4"},
        {"copies": math.inf},
        {"copies": 2, "psi_n": "0.5", "psi_p": "7", "time": "1", "ridge": "0.3"},
        {"copies": 1, "atoms": TWO},
        {"copies": 3, "atoms": TWO},
        {"copies": 3, "atoms": (("0.8", "0.25"), ("0.2", "4")), "psi_p": "9"},
        {"copies": math.inf, "atoms": (("0.8", "0.25"), ("0.2", "4")), "psi_n": "0.7"},
    ],
)
def test_both_routes_agree_in_float64(options: Any) -> None:
    """To 1e-12, isotropic data and two eigenvalues."""
    with mp.workdps(50):
        at = point(**options)
        expected = scalar.errors(at)
        assert abs(expected["train"] / expected["other train"] - 1) < 1e-20
    found = features.observables(float64.SYSTEM, parameters(at, float))
    assert found.test_error == pytest.approx(float(expected["test"]), rel=1e-12, abs=0)
    assert found.train_error == pytest.approx(float(expected["train"]), rel=1e-12, abs=0)
    assert found.memorisation_error == pytest.approx(float(expected["memory"]), rel=1e-12, abs=0)
    assert found.solution.residual < 1e-14


@pytest.mark.parametrize(
    "options",
    [
        {"ridge": "1e-10", "psi_p": "4"},  # p = n m
        {"ridge": "1e-10", "psi_p": "9", "copies": 2},  # beyond it
        {"ridge": "1e-10", "psi_p": "9", "copies": math.inf},
        {"ridge": "1e-6", "psi_p": "8", "copies": 2, "atoms": TWO},
    ],
)
def test_both_routes_agree_at_40_digits_where_float64_cannot(options: Any) -> None:
    with mp.workdps(110):
        at = point(**options)
        expected = scalar.errors(at)
        found = features.observables(mpmath.SYSTEM, parameters(at), 60)
        pairs = [
            (found.test_error, expected["test"]),
            (found.train_error, expected["train"]),
            (found.memorisation_error, expected["memory"]),
        ]
        for value, other in pairs:
            assert abs(value / other - 1) < mp.mpf(10) ** -40
        assert found.solution.residual < 1e-60


def test_float64_near_the_peak_is_off_by_its_condition_only() -> None:
    with mp.workdps(80):
        at = point(ridge="1e-10", psi_p="4")
        best = features.observables(mpmath.SYSTEM, parameters(at), 40, memory=False)
    near = features.observables(float64.SYSTEM, parameters(at, float), memory=False)
    assert near.memorisation_error is None
    # Newton's matrix is singular at the peak like sqrt(lam): 1e-16/1e-5, and a margin of 1000.
    assert near.test_error == pytest.approx(float(best.test_error), rel=1e-8, abs=0)


def test_the_linearised_equation_gives_derivatives() -> None:
    """Against symmetric differences, entry by entry."""
    with mp.workdps(70):
        own = parameters(point(copies=2))
        pencil = features.pencil(mpmath.SYSTEM, own)
        direction = {("u", "u"): mp.mpf(1), ("w", "w"): mp.mpf(3)}
        step = mp.mpf(10) ** -15
        change = solve(pencil, features.RAMP, 50).derivative(direction)
        sides = [
            solve(
                pencil.shifted({place: sign * step * x for place, x in direction.items()}),
                features.RAMP,
                50,
            )
            for sign in (1, -1)
        ]
        for place, value in change.items():
            other = (sides[0][place] - sides[1][place]) / (2 * step)
            assert abs(value - other) < mp.mpf(10) ** -20


def test_the_semicircle() -> None:
    """`g = (z - sqrt(z^2 - 8))/4` for z + X + X^T, entries of variance 1."""
    wigner = Pencil(
        "Wigner",
        {"a": 1.0},
        {"u": "a"},
        {("u", "u"): 5.0},
        (Gaussian("X", 1.0, {("u", "u"): 1.0}),),
    )
    found = solve(wigner, {("u", "u"): 1})
    assert found["u", "u"] == pytest.approx((5 - math.sqrt(17)) / 4, rel=1e-14)
    # Inside the bulk there is no real solution, and that is said.
    with pytest.raises(PrecisionError, match=r"Dyson equation of pencil Wigner: .*Newton does not"):
        solve(dataclasses.replace(wigner, fixed={("u", "u"): 1.0}), {("u", "u"): 1})


def test_a_limit_that_is_infinite_is_named() -> None:
    own = dataclasses.replace(parameters(point(psi_p="9", copies=2), float), ridge=0.0)
    message = "pencil m = 2: not reached at 53 bits (the solution grows without limit"
    with pytest.raises(PrecisionError, match=re.escape(message)):
        solve(features.pencil(float64.SYSTEM, own), features.RAMP)


def test_without_ridge_below_the_threshold_the_limit_is_reached() -> None:
    own = parameters(point(copies=2), float)
    none = solve(
        features.pencil(float64.SYSTEM, dataclasses.replace(own, ridge=0.0)), features.RAMP
    )
    tiny = dataclasses.replace(own, ridge=1e-13)
    near = solve(features.pencil(float64.SYSTEM, tiny), features.RAMP)
    assert none["u", "u"] == pytest.approx(near["u", "u"], rel=1e-9)


def test_the_wrong_branch_is_refused() -> None:
    own = parameters(point(), float)
    pencil = features.pencil(float64.SYSTEM, own)
    with pytest.raises(PrecisionError, match=r"Newton does not converge|wrong branch"):
        solve(dataclasses.replace(pencil, signs={"u": -1}), features.RAMP)


def test_a_start_that_is_singular_is_named() -> None:
    pencil = Pencil("empty", {"a": 1.0}, {"u": "a", "v": "a"}, {("u", "u"): 1.0})
    with pytest.raises(PrecisionError, match=r"pencil empty: .*with a ramp of 10000"):
        solve(pencil, {("u", "u"): 1})
    with pytest.raises(InputError, match="pencil empty: block: 'x', but the blocks are 'u', 'v'"):
        solve(pencil, {("x", "x"): 1})


def test_the_dyson_equation_against_random_matrices() -> None:
    """One draw at d = 150, m = 2: traces of `L^-1` within 9/d in their own units."""
    own = parameters(point(copies=2, psi_n="1.5", psi_p="2", ridge="0.5"), float)
    pencil = features.pencil(float64.SYSTEM, own)
    solution = solve(pencil, features.RAMP)
    size = 150
    chance = np.random.default_rng(7)
    counts = {name: round(value * size) for name, value in pencil.sizes.items()}
    starts = pencil.offsets(counts)
    total = sum(counts[dimension] for dimension in pencil.blocks.values())
    whole = np.zeros((total, total))
    spans = {
        name: slice(starts[name], starts[name] + counts[dimension])
        for name, dimension in pencil.blocks.items()
    }
    for (row, column), value in pencil.fixed.items():
        whole[spans[row], spans[column]] = value * np.eye(counts[pencil.blocks[row]])
        whole[spans[column], spans[row]] = whole[spans[row], spans[column]]
    for gaussian in pencil.gaussians:
        rows, columns = (counts[dimension] for dimension in pencil.shape(gaussian))
        drawn = chance.normal(size=(rows, columns)) * math.sqrt(gaussian.variance / size)
        for (row, column), value in gaussian.places.items():
            whole[spans[row], spans[column]] += value * drawn
            whole[spans[column], spans[row]] += value * drawn.T
    inverse = np.linalg.inv(whole)
    equation = DysonEquation(pencil)
    for i, j in equation.pairs:
        one, two = equation.names[i], equation.names[j]
        block = inverse[spans[one], spans[two]]
        scale = math.sqrt(abs(solution[one, one] * solution[two, two])) + 1
        assert abs(np.trace(block) / len(block) - solution[one, two]) < 9 * scale / size

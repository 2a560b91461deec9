"""The reduced system and its observables, exact: on solutions that are rational by construction."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from flint import arb
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.curves.sensitivities import moving
from dsmverify.formulas import learning_curves as curves
from dsmverify.formulas import random_features as rf
from dsmverify.systems import load
from dsmverify.systems.balls import ball
from dsmverify.systems.dual import Dual, Duals
from dsmverify.systems.rational import SYSTEM as RATIONAL

Copies = int | float

PRINTED = (
    "test_error",
    "train_error",
    "memorisation_error",
    "new_data_loss",
    "degrees_of_freedom",
)

copies_ = pytest.mark.parametrize("copies", [1, 2, 7, math.inf])
seeds = pytest.mark.parametrize("seed", range(4))


def inverse(copies: Copies) -> Fraction:
    return Fraction(0) if copies == math.inf else Fraction(1, int(copies))


def draw(seed: int, copies: Copies, atoms: int = 1) -> dict[str, Any]:
    """A solution of the equations in rational numbers.

    Everything but v0^2, psi_n and psi_p is drawn; the equations are linear in these three.
    """
    rng = random.Random(f"{seed} {copies} {atoms}")

    def share() -> Fraction:
        return Fraction(rng.randint(1, 19), 20)

    a2, mu, s2, lam, big_h = share(), share(), share(), share(), 3 * share()
    h = 1 - a2
    weights = [Fraction(k + 1, atoms * (atoms + 1) // 2) for k in range(atoms)]
    xi = [Fraction(1)] if atoms == 1 else [share() for _ in range(atoms)]
    mean = sum(w * x for w, x in zip(weights, xi, strict=True))
    xi = [x / mean for x in xi]
    first = share() / 2
    part = inverse(copies)
    if copies == math.inf:
        second, v02 = Fraction(1), share()
    elif copies == 1:
        # delta_2 plays no part: it follows, below.
        second, v02 = Fraction(1), share()
    else:
        second, v02 = first + (1 - first) * share(), Fraction(0)
    strength = [first * (a2 * x + h * part) * mu + (1 - part) * second * h * mu for x in xi]
    kernel = [big_h / (1 + value * big_h) for value in strength]

    def integral(values: list[Fraction]) -> Fraction:
        return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0))

    first_load = integral([(a2 * x + h * part) * mu * k for x, k in zip(xi, kernel, strict=True)])
    second_load = h * mu * integral(kernel) + s2 * big_h
    if copies not in (1, math.inf):
        ratio = (1 / second - 1) / (1 / first - 1)
        v02 = (second_load * part / ratio - first_load) / big_h - s2 * part
    psi_n = (first_load + (v02 + s2 * part) * big_h) / (1 / first - 1)
    if copies == 1:
        second = 1 / (1 + second_load / psi_n)
    shift = lam + first * (v02 + s2 * part) + (1 - part) * second * s2
    used = integral([x * k for x, k in zip(strength, kernel, strict=True)])
    return {
        "a2": a2,
        "h": h,
        "mu": mu,
        "s2": s2,
        "v02": v02,
        "lam": lam,
        "psi_n": psi_n,
        "psi_p": shift * big_h + used,
        "part": part,
        "delta": (first, second),
        "H": big_h,
        "xi": xi,
        "weights": weights,
    }


def state_of(ns: Any, solution: dict[str, Any]) -> rf.State[Any]:
    """The drawn solution in a number system."""
    c = ns.constant
    spectrum = rf.isotropic(ns)
    if len(solution["xi"]) > 1:
        spectrum = rf.Spectrum(ns, c(solution["xi"]), c(solution["weights"]))
    parameters = rf.Parameters(
        ns=ns,
        psi_n=c(solution["psi_n"]),
        psi_p=c(solution["psi_p"]),
        signal=c(solution["a2"]),
        noise=c(solution["h"]),
        inverse_copies=c(solution["part"]),
        ridge=c(solution["lam"]),
        linear=c(solution["mu"]),
        shared=c(solution["v02"]),
        fresh=c(solution["s2"]),
        spectrum=spectrum,
        unit=c(1),
    )
    delta = (c(solution["delta"][0]), c(solution["delta"][1]))
    return rf.state(parameters, delta, c(solution["H"]))


@seeds
@copies_
def test_drawn_solutions_solve_the_equations(copies: Copies, seed: int) -> None:
    solution = draw(seed, copies)
    at = state_of(RATIONAL, solution)
    g = solution["H"] / solution["psi_p"]
    assert rf.residuals(at) == (0, 0, 0)
    assert rf.quadratic(solution["psi_p"], at.linear, at.shift, g) == 0
    assert rf.invariants(at) == (0, 0)
    # The printed invariants, literally.
    m, psi_n, psi_p, lam = copies, solution["psi_n"], solution["psi_p"], solution["lam"]
    if m == math.inf:
        left = psi_n * (1 - at.delta[0])
        right = psi_p - solution["h"] * solution["mu"] * at.kernel
        assert left == right - (solution["s2"] + lam) * solution["H"]
    else:
        assert psi_n * int(m) * (1 - at.dbar) == psi_p * (1 - lam * g)


@seeds
@copies_
@pytest.mark.parametrize("atoms", [1, 3])
def test_sums_of_positive_terms_equal_the_forms_of_the_text(
    copies: Copies, seed: int, atoms: int
) -> None:
    at = state_of(RATIONAL, draw(seed, copies, atoms))
    assert rf.residuals(at) == (0, 0, 0)
    system = rf.linearise(at)
    ours, printed = curves.observables(at, system), curves.printed_observables(at, system)
    for name in PRINTED:
        assert getattr(ours, name) == printed[name], name
    assert ours.train_error == printed["train_error_from_minimum"]
    assert ours.minimum - at.parameters.ridge * ours.ridge_slope == ours.train_error
    for direction in curves.directions(at.parameters):
        along = curves.slope_along(at, system, direction)
        assert along.slope == curves.printed_slope(at, system, direction)
    if copies == math.inf:
        assert ours.memorisation_error == ours.train_error


@pytest.mark.parametrize("copies", [1, 3, math.inf])
@pytest.mark.parametrize("direction", range(3))
def test_slopes_against_the_equations_differentiated_by_sympy(
    copies: Copies, direction: int
) -> None:
    """`dF/dq` from the equations as printed, by SymPy's Jacobian: nothing of the engine is used."""
    s = draw(5, copies)
    p = {name: sympy.Rational(s[name]) for name in ("a2", "h", "mu", "s2", "v02", "lam", "part")}
    psi_n, psi_p = sympy.Rational(s["psi_n"]), sympy.Rational(s["psi_p"])
    d1, d2, g, q = sympy.symbols("d1 d2 g q")
    q_a, q_s = [
        (p["a2"] * p["mu"] * q, p["v02"] * q),
        (p["h"] * p["mu"] * q, p["s2"] * q),
        (0, q),
    ][direction]
    p1, n1 = (p["a2"] + p["h"] * p["part"]) * p["mu"], p["v02"] + p["s2"] * p["part"]
    p2, n2, w2 = p["h"] * p["mu"], p["s2"], 1 - p["part"]
    big_a = d1 * p1 + w2 * d2 * p2 + q_a
    big_s = p["lam"] + d1 * n1 + w2 * d2 * n2 + q_s
    kernel = psi_p * g / (1 + big_a * psi_p * g)
    equations = sympy.Matrix(
        [
            big_s * big_a * psi_p * g**2 + (big_s + big_a * (1 - psi_p)) * g - 1,
            d1 * (1 + (p1 * kernel + n1 * psi_p * g) / psi_n) - 1,
            d2 * (1 + p["part"] * (p2 * kernel + n2 * psi_p * g) / psi_n) - 1,
        ]
    )
    dbar = d1 * p["part"] + w2 * d2
    least = dbar * (1 - p["h"] * p["mu"] * dbar * kernel)
    point = {d1: s["delta"][0], d2: s["delta"][1], g: s["H"] / s["psi_p"], q: 0}
    point = {symbol: sympy.Rational(value) for symbol, value in point.items()}
    assert all(value == 0 for value in equations.subs(point))
    unknowns = sympy.Matrix([d1, d2, g])
    jacobian = equations.jacobian(unknowns).subs(point)
    move = -jacobian.LUsolve(equations.diff(q).subs(point))
    slope = least.diff(q).subs(point)
    slope += (sympy.Matrix([least]).jacobian(unknowns).subs(point) * move)[0]
    at = state_of(RATIONAL, s)
    found = curves.slope_along(
        at, rf.linearise(at), curves.directions(at.parameters)[direction]
    ).slope
    assert sympy.Rational(found) == slope


@copies_
def test_the_inverse_is_the_inverse(copies: Copies) -> None:
    """Off the fixed point too, where Newton's method uses it; J against a difference quotient."""
    at = state_of(RATIONAL, draw(2, copies))
    system = rf.linearise(at)
    ((j11, j12), (j21, j22)), ((b11, b12), (b21, b22)) = system.jacobian, system.inverse
    assert ((1 - j11) * b11 - j12 * b21, (1 - j11) * b12 - j12 * b22) == (1, 0)
    assert (-j21 * b11 + (1 - j22) * b21, -j21 * b12 + (1 - j22) * b22) == (0, 1)
    ns = load("mpmath")
    with mp.workdps(60):
        base = state_of(ns, draw(2, copies)).parameters
        here, step = (mp.mpf("0.7"), mp.mpf("0.9")), mp.mpf(10) ** -20

        def image(k: int, moved: tuple[Any, Any]) -> Any:
            return 1 / rf.damping(rf.state(base, moved), k)

        off = rf.state(base, here)
        images = (image(0, here), image(1, here))
        found = rf.linearise(off, images)
        for k in range(2):
            for l, ends in enumerate(
                (
                    ((here[0] + step, here[1]), (here[0] - step, here[1])),
                    ((here[0], here[1] + step), (here[0], here[1] - step)),
                )
            ):
                quotient = (image(k, ends[0]) - image(k, ends[1])) / (2 * step)
                # Central difference: step^2 times a third derivative of order 1.
                assert abs(found.jacobian[k][l] - quotient) < mp.mpf(10) ** -35
        if all(value >= each for value, each in zip(here, images, strict=True)):
            (c11, c12), (c21, c22) = found.inverse
            ((k11, k12), (k21, k22)) = found.jacobian
            assert abs((1 - k11) * c11 - k12 * c21 - 1) < mp.mpf(10) ** -50
            assert abs(-k21 * c12 + (1 - k22) * c22 - 1) < mp.mpf(10) ** -50


@copies_
@pytest.mark.parametrize("field", ["psi_n", "psi_p", "ridge", "linear", "shared", "fresh", "unit"])
def test_responses_satisfy_the_equations_to_first_order(copies: Copies, field: str) -> None:
    """Dual residuals have tangent 0, exactly, where delta and H move by the linear solve."""
    for atoms in (1, 2):
        at = state_of(RATIONAL, draw(3, copies, atoms))
        system = rf.linearise(at)
        moved = moving(at, system, [{field: Fraction(1)}])
        assert moved.test_error.value == curves.observables(at, system).test_error
        _, lifted = _jacobian(at)
        duals: Duals[Any] = Duals(RATIONAL, 1)
        faster = duals.variable(getattr(at.parameters, field), 0, Fraction(1))
        changed: dict[str, Any] = {field: faster}
        parameters = replace(lifted(duals), **changed)
        step = _solved_move(at, parameters)
        delta = tuple(Dual(at.delta[k], (step[k],)) for k in range(2))
        there = rf.state(parameters, (delta[0], delta[1]), Dual(at.resolvent, (step[2],)))
        assert [residual.tangents[0] for residual in rf.residuals(there)] == [0, 0, 0]
        again = curves.observables(there, rf.linearise(there))
        for name in PRINTED:
            assert getattr(moved, name).tangents[0] == getattr(again, name).tangents[0]


@copies_
def test_rounding_of_a_right_side_moves_the_observables(copies: Copies) -> None:
    """`delta_k = (1 + eps) T_k` for one k: the residual of that equation becomes eps."""
    at = state_of(RATIONAL, draw(4, copies))
    moved = moving(at, rf.linearise(at), [], rounding=True)
    jacobian, lifted = _jacobian(at)
    for k in range(2):
        right = sympy.Matrix([1 - k, k, 0])
        step = [Fraction(int(x.p), int(x.q)) for x in jacobian.LUsolve(right)]
        duals: Duals[Any] = Duals(RATIONAL, 1)
        delta = tuple(Dual(at.delta[l], (step[l],)) for l in range(2))
        there = rf.state(lifted(duals), (delta[0], delta[1]), Dual(at.resolvent, (step[2],)))
        again = curves.observables(there, rf.linearise(there))
        for name in PRINTED:
            assert getattr(moved, name).tangents[k] == getattr(again, name).tangents[0]


def _solved_move(at: rf.State[Any], parameters: rf.Parameters[Any]) -> list[Fraction]:
    """How the unknowns move, by a linear solve of dual residuals: no use of `respond`."""
    jacobian, _ = _jacobian(at)
    duals: Duals[Any] = parameters.ns  # type: ignore[assignment]
    here = rf.state(
        parameters,
        (duals.fixed(at.delta[0]), duals.fixed(at.delta[1])),
        duals.fixed(at.resolvent),
    )
    right = sympy.Matrix(
        [-sympy.Rational(residual.tangents[0] or 0) for residual in rf.residuals(here)]
    )
    return [Fraction(int(x.p), int(x.q)) for x in jacobian.LUsolve(right)]


def _jacobian(at: rf.State[Any]) -> tuple[Any, Callable[[Duals[Any]], rf.Parameters[Any]]]:
    """Jacobian of the residuals by delta_1, delta_2, H; and the point, fixed, in dual numbers."""

    def lifted(duals: Duals[Any]) -> rf.Parameters[Any]:
        law = at.parameters.spectrum
        weights = None if law.weights is None else duals.fixed(law.weights)
        numbers = {
            each.name: duals.fixed(getattr(at.parameters, each.name))
            for each in fields(rf.Parameters)
            if each.name not in {"ns", "spectrum"}
        }
        spectrum = rf.Spectrum(duals, duals.fixed(law.atoms), weights)
        return rf.Parameters(ns=duals, spectrum=spectrum, **numbers)

    duals: Duals[Any] = Duals(RATIONAL, 3)
    unknown = [
        duals.variable(value, k, Fraction(1)) for k, value in enumerate((*at.delta, at.resolvent))
    ]
    there = rf.state(lifted(duals), (unknown[0], unknown[1]), unknown[2])
    rows = [
        [sympy.Rational(part) if part is not None else 0 for part in residual.tangents]
        for residual in rf.residuals(there)
    ]
    return sympy.Matrix(rows), lifted


@copies_
def test_observables_in_every_system(copies: Copies) -> None:
    seed = next(k for k in range(100) if draw(k, copies)["v02"] > 0)
    solution = draw(seed, copies)
    exact = curves.observables(*_solved(RATIONAL, solution))
    for name in ("float64", "torch", "strict", "mpmath", "sympy"):
        with mp.workdps(30):
            found = curves.observables(*_solved(load(name), solution))
        for each in fields(curves.Observables):
            value, wanted = getattr(found, each.name), getattr(exact, each.name)
            value = getattr(value, "value", value)
            if name == "sympy":
                assert value == sympy.Rational(wanted)
                continue
            # Some 60 roundings of positive terms; the ridge's slope takes a difference.
            size = 1 + abs(float(wanted))
            if name == "mpmath":
                with mp.workdps(30):
                    gap = abs(value - mp.mpf(wanted.numerator) / wanted.denominator)
                assert gap <= 1e-27 * size, each.name
            else:
                assert abs(float(value) - float(wanted)) <= 100 * 2.0**-53 * size, each.name
    with precision(128):
        balls = curves.observables(*_solved(load("arb"), solution))
        for each in fields(curves.Observables):
            value = getattr(balls, each.name)
            assert value.overlaps(ball(getattr(exact, each.name)))
            assert value.rel_accuracy_bits() > 100


def _solved(ns: Any, solution: dict[str, Any]) -> tuple[rf.State[Any], rf.Linearised[Any]]:
    at = state_of(ns, solution)
    return at, rf.linearise(at)


@pytest.mark.parametrize("psi_p", ["1/1000", "1/2", "1", "3/2", "10000"])
@pytest.mark.parametrize("linear", ["0", "1/1000000000", "1", "50"])
@pytest.mark.parametrize("shift", ["1/100000000000000", "1/3", "1000000"])
def test_the_root_of_the_quadratic(psi_p: str, linear: str, shift: str) -> None:
    numbers = [Fraction(text) for text in (psi_p, linear, shift)]
    with precision(400):
        p, a, s = (ball(x) for x in numbers)
        exact = rf.isotropic_resolvent(load("arb"), p, a, s)
        residual = rf.quadratic(p, a, s, exact / p)
        assert residual.contains(0) and float(residual.rad()) < 1e-60
        assert exact > 0
    value = rf.isotropic_resolvent(load("float64"), *(np.float64(x) for x in numbers))
    with precision(400):
        # About 12 roundings of positive terms, and the input's.
        assert abs(arb(float(value)) / exact - 1) < 32 * 2.0**-53


def test_the_saturated_state_is_the_limit_of_small_ridge() -> None:
    """Linear features that outnumber the dimensions: 40 digits at ridge 1e-50."""
    ns = load("mpmath")
    with mp.workdps(80):
        solution = draw(1, math.inf) | {"v02": Fraction(0), "s2": Fraction(0)}
        solution |= {"psi_p": Fraction(3, 2), "lam": Fraction(1, 10**50)}
        base = state_of(ns, solution).parameters
        delta = (mp.mpf(1) / 3, mp.mpf(1))
        near = rf.state(base, delta)
        limit = rf.saturated_state(replace(base, ridge=mp.mpf(0)), delta)
        found = curves.observables(near, rf.linearise(near))
        wanted = curves.observables(limit, rf.linearise(limit))
        for name in PRINTED:
            gap = abs(getattr(found, name) - getattr(wanted, name))
            assert gap < mp.mpf(10) ** -45, name

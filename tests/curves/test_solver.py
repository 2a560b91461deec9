"""The fixed point in float64: monotone, convergent everywhere, and never a wrong number."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from benchmarks.curves import random_points
from dsmverify.certify import precision
from dsmverify.curves import CurveWarning, learning_curve, solver
from dsmverify.formulas.random_features import (
    Parameters,
    Spectrum,
    damping,
    isotropic,
    linearise,
    residuals,
    state,
)
from dsmverify.systems.float64 import SYSTEM
from tests.curves.oracle import Oracle


def grid(
    psi_n: Any, psi_p: Any, ridge: Any, copies: Any, time: float = 0.1, **moments: float
) -> Parameters[Any]:
    """Points with moments near those of ReLU."""
    n, p, lam, m = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, dtype=float)) for x in (psi_n, psi_p, ridge, copies))
    )
    one = np.ones(n.shape)
    of = {"linear": 0.25, "shared": 0.06, "fresh": 0.03} | moments
    return Parameters(
        ns=SYSTEM,
        psi_n=n,
        psi_p=p,
        signal=math.exp(-2 * time) * one,
        noise=-math.expm1(-2 * time) * one,
        inverse_copies=1 / m,
        ridge=lam,
        linear=of["linear"] * one,
        shared=of["shared"] * one,
        fresh=of["fresh"] * one,
        spectrum=isotropic(SYSTEM),
        unit=one,
    )


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("ridge", [None, 1e-10, 1e-14])
def test_every_point_of_the_range_settles(ridge: float | None, near: bool) -> None:
    points = random_points(4000, 7, ridge=ridge, near=near)
    curve = points.curve()
    assert np.isfinite(curve.test_error).all()
    for name in ("test_error", "train_error", "memorisation_error", "new_data_loss"):
        assert (getattr(curve, name) > 0).all()
    assert ((curve.delta_1 > 0) & (curve.delta_1 <= curve.delta_2)).all()
    assert (curve.delta_2 <= 1).all()
    assert (curve.degrees_of_freedom <= points.psi_p * (1 + 1e-12)).all()
    limit = np.minimum(points.psi_p, points.psi_n * points.noise_samples)
    assert (curve.degrees_of_freedom <= limit * (1 + 1e-9)).all()


def test_the_residual_is_at_rounding_level_and_steps_are_few() -> None:
    draw = np.random.default_rng(3)
    psi_n = 10 ** draw.uniform(-3, 4, 2000)
    m = np.round(10 ** draw.uniform(0, 3, 2000))
    parameters = grid(psi_n, psi_n * m * (1 + draw.normal(size=2000) * 1e-6), 1e-10, m)
    found = solver.solve(parameters)
    assert found.settled.all()
    # delta is 1e-5 at least there: 17 halvings from 1, and the last quadratic steps.
    assert found.steps <= 40
    at = state(parameters, found.delta)
    first, second, trace = residuals(at)
    assert max(np.abs(first).max(), np.abs(second).max()) <= solver.RESIDUAL
    assert (np.abs(trace) <= solver.RESIDUAL * parameters.psi_p).all()


def test_newton_goes_down_and_never_passes_the_fixed_point() -> None:
    """The claim of the module's first paragraph, on points near the threshold."""
    parameters = grid([4.0, 4.0, 4.0, 0.01], [4.0, 4.0001, 9.0, 7.0], 1e-8, [1, 1, 2, 300])
    final = np.stack(solver.solve(parameters).delta)
    here = np.ones((2, 4))
    for _ in range(12):
        at = state(parameters, (here[0], here[1]))
        images = np.stack([1 / damping(at, k) for k in range(2)])
        assert (images <= here * (1 + 1e-15)).all()
        (b11, b12), (b21, b22) = linearise(at, (images[0], images[1])).inverse
        gap = here - images
        moved = here - np.stack([b11 * gap[0] + b12 * gap[1], b21 * gap[0] + b22 * gap[1]])
        assert (moved <= images * (1 + 1e-14)).all()  # no slower than the plain iteration
        assert (moved >= final * (1 - 1e-10)).all()
        here = moved


def test_plain_iteration_is_no_way_there() -> None:
    parameters = grid(4.0, 4.0, 1e-10, 1.0)
    final = solver.solve(parameters).delta[0][0]
    here = (np.ones(1), np.ones(1))
    for _ in range(1000):
        at = state(parameters, here)
        here = (1 / damping(at, 0), 1 / damping(at, 1))
    assert here[0][0] > 20 * final


def test_where_float64_cannot_tell_the_side_there_is_no_number() -> None:
    """One unit of rounding above p = n m, the ridge vanishing."""
    psi_p = np.array([2.0, np.nextafter(3.0, 4.0), 3 * (1 + 1e-12)])
    with pytest.warns(CurveWarning, match=r"1 of 3 points .*psi_p=3\.0000000000000004.*enclose"):
        curve = learning_curve("relu", 3.0, psi_p, 0.1, "0+", 1)
    assert np.isnan(curve.test_error).tolist() == [False, True, False]
    assert np.isnan(curve.delta_1).tolist() == [False, True, False]
    balls = curve.enclose(12, index=1)
    assert balls.test_error > 10**16
    near = learning_curve("relu", 3.0, psi_p[2:], 0.1, "0+", 1)
    exact = near.enclose(12, index=0).test_error
    assert float(abs(exact - arb(float(near.test_error[0]))) / exact) < 1e-3


def test_an_endless_search_ends() -> None:
    parameters = replace(grid([4.0, 4.0], [2.0, 2.0], 0.01, 1.0), fresh=np.array([0.03, np.nan]))
    found = solver.solve(parameters)
    assert found.settled.tolist() == [True, False]
    assert np.isnan(found.delta[0][1])


ATOMS = (("1/4", "1/2"), ("7/4", "1/2"))


@pytest.mark.parametrize(
    ("arguments", "atoms"),
    [
        (("relu", "4", "2", "0.1", "0.01", 1), None),
        (("relu", "4", "2", "0.1", "0.01", math.inf), None),
        (("relu", "1", "5", "0.7", "0.02", 3), None),
        (("relu", "0.3", "0.6", "2", "1000", 2), None),
        (("tanh", "3", "3", "0.7", "0.01", 2), None),
        (("relu", "2", "5", "0.5", "0.05", 3), ATOMS),
        (("relu", "2", "1/2", "0.5", "0.05", math.inf), ATOMS),
    ],
)
def test_against_plain_iteration_and_difference_quotients(
    arguments: tuple[Any, ...], atoms: tuple[tuple[str, str], ...] | None
) -> None:
    """Nothing shared: mpmath, printed equations, slopes of F by differences, 40 digits."""
    rho, n, p, t, lam, m = arguments
    oracle = Oracle(rho, n, p, t, lam, m, atoms or (("1", "1"),))
    wanted = oracle.observables()
    spectrum = None
    if atoms is not None:
        spectrum = ([Fraction(x) for x, _ in atoms], [Fraction(w) for _, w in atoms])
    curve = learning_curve(rho, n, p, t, lam, m, spectrum)
    # The Hermite series of tanh takes seconds to 30 digits.
    digits = 15 if rho == "tanh" else 30
    balls = curve.enclose(digits)
    for entry, value in wanted.items():
        name = entry.replace("_again", "")
        ball = getattr(balls, name)
        text = oracle.mp.nstr(value, 40)
        with precision(200):
            assert float(abs(ball - arb(text)).upper()) <= 10.0 ** (1 - digits) * abs(
                float(text)
            ), name
        found = float(getattr(curve, name))
        allowed = 1e-14 * float(curve.condition[name])
        assert abs(found - float(text)) <= allowed + 1e-16 * abs(float(text)), name


def test_the_resolvent_over_a_spectrum() -> None:
    """Power-law atoms over six decades, and one atom given as a spectrum."""
    atoms = 10.0 ** np.arange(-3, 4)
    weights = atoms**-0.7
    weights /= weights.sum()
    atoms /= (weights * atoms).sum()
    base = grid([1.0, 0.01, 3.0], [0.5, 200.0, 3.1], [1e-10, 1e-3, 1e3], [1, 7, math.inf])
    law = Spectrum(SYSTEM, atoms[:, None], weights[:, None])
    parameters = replace(base, spectrum=law)
    delta = (np.array([0.3, 1e-6, 0.9]), np.array([0.5, 1e-3, 1.0]))
    value = solver.resolvent_over(parameters, delta)
    trace = residuals(state(parameters, delta, value))[2]
    assert (np.abs(trace) <= 1e-14 * parameters.psi_p).all()
    single = replace(base, spectrum=Spectrum(SYSTEM, np.ones((1, 1)), np.ones((1, 1))))
    found, plain = solver.solve(single), solver.solve(base)
    np.testing.assert_allclose(found.delta, plain.delta, rtol=1e-13)

"""Translations of trained networks: moments against moved biases, floors, rates, the best score.

The oracle moves the biases and works the risk out anew, with the same noise or by quadrature.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dsmverify.ensembles import translation
from dsmverify.ensembles.optimum import optimal_risk, score
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch

LINE = Problem(np.array([-1.0, 0.2, 1.5]), 0.8, 0.5)
PLANE = Problem(np.array([[0.0, 1.0], [1.0, -0.5], [2.0, 0.5]]), 0.8, 0.5)


def start(model: Model, problem: Problem, seed: int = 3) -> Networks:
    ensemble = Ensemble.of(model, Batch(1, "mean", replacement=True), [problem], [0.1], [seed], [0])
    return ensemble.start()


def accurate(problem: Problem, dimension: int, steep: float = 1.0) -> tuple[Model, Networks]:
    """A network whose score is exactly `-steep y/sigma^2`, two neurons for each axis."""
    model = Model(2 * dimension, dimension)
    eye = np.eye(dimension)
    inner = np.concatenate((eye, -eye))[None]
    outer = -steep * model.width * inner / problem.sigma**2
    zeros = np.zeros((1, model.width))
    still = np.full(1, -1, dtype=np.int64)
    return model, Networks(outer, zeros, inner, np.zeros((1, dimension)), still)


def quadrature(problem: Problem, model: Model, networks: Networks) -> tuple[Any, Any]:
    """`[n, k, d]` noise and `[n, k]` weights, tensor panels graded to 1/40 of sigma."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    ends = np.linspace(-9, 9, 721 if problem.dimension == 1 else 181)
    half = np.diff(ends)[:, None] / 2
    z = ((ends[1:] + ends[:-1])[:, None] / 2 + half * nodes).ravel()
    mass = (half * weights).ravel() * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if problem.dimension == 1:
        return z[:, None], mass
    grid = np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid, np.outer(mass, mass).ravel()


def moved_risk(problem: Problem, model: Model, networks: Networks, v: Any) -> float:
    """`R_n` of network 0 with its biases moved by v."""
    z, mass = quadrature(problem, model, networks)
    moved = replace(networks, bias=networks.bias + v)
    total = 0.0
    for x in problem.points:
        f = moved.scores(model, problem.mu * x + problem.sigma * z)[0] + z / problem.sigma
        total += float(mass @ (f * f).sum(axis=1)) / problem.size
    return total


@pytest.mark.parametrize("problem", [LINE, PLANE], ids=["line", "plane"])
def test_curvature_is_the_second_difference_of_the_moved_risk(problem: Problem) -> None:
    d = problem.dimension
    model = Model(6, d, bias_deviation=1.0)
    networks = start(model, problem)
    found = translation.translation_of(problem, model, networks, 0, seed=5, draws=40_000)
    step, defined = 0.02, 0.0
    risks = []
    for axis in range(d):
        v = step * networks.inner[0, :, axis]
        risks = [moved_risk(problem, model, networks, sign * v) for sign in (-1, 0, 1)]
        defined += (risks[0] - 2 * risks[1] + risks[2]) / step**2
    # The step costs step^2/12 fourth derivatives of about 1/sigma^6 = 64, that is 0.002; the
    # quadrature's kinks 1e-3 (error 1e-7 over step^2). Beyond that, five standard errors.
    room = 0.02
    assert abs(found.curvature.value - defined) < room + 5 * found.curvature.error
    assert abs(found.risk.value - risks[1]) < 1e-6 + 5 * found.risk.error
    assert found.squared_length == pytest.approx(float((networks.inner**2).sum()), rel=1e-14)
    assert (found.curvature.error == 0) == (d == 1)
    assert found.curvature.error < 0.5


@pytest.mark.parametrize("problem", [LINE, PLANE], ids=["line", "plane"])
def test_slope_is_that_of_differences_of_the_score(problem: Problem) -> None:
    model = Model(5, problem.dimension, bias_deviation=1.0)
    networks = start(model, problem, seed=8)
    found = translation.translation_of(problem, model, networks, 0, seed=2, draws=40_000)
    z, mass = quadrature(problem, model, networks)
    step, defined = 1e-6, 0.0
    for x in problem.points:
        y = problem.mu * x + problem.sigma * z
        for axis in range(problem.dimension):
            shift = step * np.eye(problem.dimension)[axis]
            ends = [networks.scores(model, y + sign * shift)[0] for sign in (-1, 1)]
            slope = (ends[1] - ends[0]) / (2 * step)
            defined += float(mass @ (slope * slope).sum(axis=1)) / problem.size
    # nodes 1/40 or 1/10 of sigma apart see jumps of the slope to about that part of their size
    assert abs(found.slope.value - defined) < 0.01 * defined + 5 * found.slope.error


@pytest.mark.parametrize("dimension", [1, 3])
def test_floors_and_rates_of_an_accurate_network(dimension: int) -> None:
    # One training point at 0: the score -y/sigma^2 is exact, the risk 0 and every bound attained.
    problem = Problem(np.zeros((1, dimension)), 0.8, 0.5)
    model, networks = accurate(problem, dimension)
    found = translation.translation_of(problem, model, networks, 0)
    fourth = problem.sigma**4
    assert found.risk.value == pytest.approx(0, abs=1e-20)
    assert found.curvature.value == pytest.approx(2 * dimension / fourth, rel=1e-9)
    assert found.curvature_floor == pytest.approx(2 * dimension / fourth, rel=1e-6)
    assert found.slope.value == pytest.approx(dimension / fourth, rel=1e-12)
    assert found.slope_floor == pytest.approx(dimension / fourth, rel=1e-6)
    assert found.length == pytest.approx(1)  # |w1_l| = 1
    rates = translation.critical_rate_of_translation(problem, model, networks, 0)
    assert rates.flat.value == pytest.approx(fourth / dimension, rel=1e-9)
    assert rates.stable.value == pytest.approx(fourth / dimension, rel=1e-9)
    assert found.sharpness_floor.value == pytest.approx(1 / fourth / model.width * 2 * dimension)
    assert found.kernel_floor.value == pytest.approx(1 / fourth / model.width * dimension)


@pytest.mark.parametrize("steep", [0.9, 0.5, 0.0])
@pytest.mark.parametrize("dimension", [1, 4])
def test_floors_hold_and_stability_needs_the_forced_risk(dimension: int, steep: float) -> None:
    problem = Problem(np.zeros((1, dimension)), 0.8, 0.5)
    model, networks = accurate(problem, dimension, steep)
    found = translation.translation_of(problem, model, networks, 0, draws=20_000)
    assert found.curvature.value + 5 * found.curvature.error >= found.curvature_floor
    # -steep y/sigma^2 has J = steep^2 d/sigma^4 and R_n = (1 - steep)^2 d/sigma^2: equality
    assert found.slope.value == pytest.approx(steep**2 * dimension / problem.sigma**4, abs=1e-12)
    assert found.risk.value == pytest.approx(
        (1 - steep) ** 2 * dimension / problem.sigma**2, abs=5 * found.risk.error + 1e-12
    )
    if steep:
        rate = translation.critical_rates(found).stable.value
        floors = translation.risk_floors(rate, problem.sigma, dimension, found.length)
        assert floors.stable == pytest.approx((1 - steep) ** 2 * dimension / problem.sigma**2)
    else:
        assert translation.critical_rates(found).stable.value == math.inf


def test_risk_floors_solve_their_equations() -> None:
    eta, sigma, d, w = 0.03, 0.4, 5, 1.3
    floors = translation.risk_floors(eta, sigma, d, w)
    for risk, slope in ((floors.flat, 2.0), (floors.flat_all_axes, 2 / math.sqrt(d))):
        r = sigma * math.sqrt(risk)
        left = 2 / sigma**4 * (1 - slope * r - r * r / 2)
        assert left == pytest.approx(2 * w / (d * eta), rel=1e-12)
    r = sigma * math.sqrt(floors.stable)
    assert eta * (math.sqrt(d) - r) ** 2 / sigma**4 == pytest.approx(w, rel=1e-12)
    at_one = translation.risk_floors(eta, sigma)
    assert at_one.flat == pytest.approx(at_one.flat_all_axes, rel=1e-14)
    # shift4 and shift7 at the rates that they name, in d dimensions
    named = translation.risk_floors(2 * sigma**4 * w / d, sigma, d, w)
    assert named.flat == pytest.approx((math.sqrt(5) - 2) ** 2 / sigma**2, rel=1e-12)
    named = translation.risk_floors(4 * sigma**4 * w / d, sigma, d, w)
    assert named.stable == pytest.approx(d / (4 * sigma**2), rel=1e-12)
    assert translation.risk_floors(sigma**4 / 2, sigma) == translation.RiskFloors(0, 0, 0)


def test_the_page_table_is_that_of_the_docstring() -> None:
    rows = translation.page_table()
    assert len(rows) == 16
    text = translation.__doc__ or ""
    for first in rows[::4]:
        block = [row for row in rows if (row.dimension, row.time) == (first.dimension, first.time)]
        assert [row.learning_rate for row in block] == list(translation.PAGE_RATES)
        forced = [
            max(row.floors.flat, row.floors.flat_all_axes, row.floors.stable) for row in block
        ]
        cells = [f"{first.dimension}", f"{first.time}", f"{first.sigma:.5f}"]
        (line,) = [x for x in text.splitlines() if x.startswith("| " + " | ".join(cells))]
        _, _, _, flat, stable, zero, shown = [cell.strip() for cell in line.strip("|").split("|")]
        values = [first.flat_rate, first.stable_rate, first.zero_risk]
        assert [float(cell) for cell in (flat, stable, zero)] == pytest.approx(values, rel=5e-5)
        assert [float(cell) for cell in shown.split(", ")] == pytest.approx(forced, rel=5e-3)


def line_means(problem: Problem) -> tuple[float, float]:
    """A and B at d = 1, s* differenced in y and integrated against the density of Y."""
    y = np.linspace(-8, 8, 160_001)
    means = problem.mu * problem.points[:, 0]
    apart = (y[:, None] - means) / problem.sigma
    density = np.exp(-(apart**2) / 2).mean(axis=1) / (problem.sigma * math.sqrt(2 * math.pi))
    best = score(problem, y)[:, 0]
    slope = np.gradient(best, y)
    load = np.gradient(slope, y) + slope * best
    inside = slice(5, -5)
    width = y[1] - y[0]
    return (
        float((slope**2 * density)[inside].sum() * width),
        float((load**2 * density)[inside].sum() * width),
    )


def test_derivatives_of_the_best_score() -> None:
    found = translation.best_score(LINE)
    slope, load = line_means(LINE)
    # differences over 1e-4, relative error about (1e-4/sigma)^2
    assert found.slope.value == pytest.approx(slope, rel=1e-5)
    assert found.load.value == pytest.approx(load, rel=1e-4)
    assert found.slope.error == 0
    # The same points on a line in the plane: one more axis along which s* is -y/sigma^2.
    flat = Problem(np.column_stack((LINE.points[:, 0], 0 * LINE.points[:, 0])), LINE.mu, LINE.sigma)
    plane = translation.best_score(flat, seed=1, draws=20_000)
    expected = slope + LINE.sigma**-4, load + LINE.sigma**-6
    for estimate, value in zip((plane.slope, plane.load), expected, strict=True):
        assert 0 < estimate.error < 0.02 * value
        assert abs(estimate.value - value) < 5 * estimate.error + 1e-4 * value
    assert found.critical_rate(1.5).value == pytest.approx(1.5 / slope, rel=1e-5)


def test_far_points_give_the_bound_of_shift7_in_every_dimension() -> None:
    for d in (1, 3):
        problem = Problem(100 * np.eye(3)[:, :d] if d > 1 else np.array([0.0, 90.0]), 0.8, 0.5)
        best = translation.best_score(problem, seed=4, draws=20_000)
        assert best.critical_rate().value == pytest.approx(problem.sigma**4 / d, rel=1e-9)
        for rate in (0.01, 0.05, 0.3):
            # the load of d = 3 is a mean of 60 000 draws of |Z|^2/sigma^6: 0.4 per cent
            assert best.excess_floor(rate) == pytest.approx(
                translation.risk_floors(rate, problem.sigma, d).stable, rel=0.02, abs=1e-12
            )


@pytest.mark.parametrize("factor", [0.0, 0.3, 0.7, 1.0, 1.4])
def test_the_slope_of_a_score_is_bounded_by_its_excess_risk(factor: float) -> None:
    """`J >= (A - sqrt(excess B))_+^2/A`, at scores `factor s*`, whose J and excess are known."""
    best = translation.best_score(LINE)
    steep, load = best.slope.value, best.load.value
    # R_n(factor s*) - R_n(s*) = (1 - factor)^2 E[s*^2], and E[s*^2] = 1/sigma^2 - R_n(s*).
    excess = (1 - factor) ** 2 * (1 / LINE.sigma**2 - optimal_risk(LINE))
    floor = max(steep - math.sqrt(excess * load), 0.0) ** 2 / steep
    assert factor**2 * steep >= floor * (1 - 1e-12)
    if factor:
        rate = 1 / (factor**2 * steep)
        assert best.excess_floor(rate) <= excess + 1e-12


def test_parameters_that_are_not_finite_give_no_number() -> None:
    model = Model(4, 2)
    networks = start(model, PLANE)
    networks.outer[0, 0, 0] = np.nan
    found = translation.translation_of(PLANE, model, networks, 0)
    assert math.isnan(found.risk.value)
    assert math.isnan(translation.critical_rates(found).flat.value)
    assert found.squared_length > 0


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"e": 1}, "e"),
        ({"problem": LINE}, "problem"),
        ({"seed": -1}, "seed"),
        ({"draws": 1}, "draws"),
    ],
)
def test_bad_input_is_named(changes: dict[str, Any], argument: str) -> None:
    model = Model(4, 2)
    given: dict[str, Any] = {"problem": PLANE, "e": 0, "seed": 0, "draws": 10} | changes
    with pytest.raises(InputError, match=argument):
        translation.translation_of(
            given["problem"], model, start(model, PLANE), given["e"],
            seed=given["seed"], draws=given["draws"],
        )  # fmt: skip

"""Weak errors against closed forms: what few steps do, and what the answers may claim."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from dsmverify.diffusion import convergence
from dsmverify.diffusion.backward import Generation, generate, starting_points
from dsmverify.diffusion.convergence import (
    euler_cluster_variance,
    flow_finely,
    recommend_steps,
    weak_error,
)
from dsmverify.diffusion.scores import EmpiricalScore, GaussianScore, Score, checked
from dsmverify.errors import InputError

Floats = NDArray[np.float64]

SQUARE = 1 - math.exp(-0.02)
"""sigma^2 at delta = 0.01."""
FAR = np.array([[-2.0, 0.0], [2.0, 0.5]])
"""28 sigma apart: two isolated clusters."""
REACH = 4.5
"""Standard errors: 7e-6 in both tails."""


def one_point(point: float = 0.7) -> Score:
    """Score of one noised point in d = 1; not an `EmpiricalScore`."""

    def score(y: Floats, time: float) -> Floats:
        result: Floats = (math.exp(-time) * point - y) / (1 - math.exp(-2 * time))
        return result

    return checked(score, 1)


def exact_spread() -> float:
    """Variance at 0.01 of one point's process that starts from variance 1 at time 1."""
    late = 1 - math.exp(-2)
    slope = math.exp(-0.99) * SQUARE / late
    return SQUARE - slope**2 * late + slope**2


def test_euler_variance_by_hand() -> None:
    # One step from 1 to 0.01: the factor is 1 + 0.99 (1 - 2 / (1 - e^-2)).
    factor = 1 + 0.99 * (1 - 2 / (1 - math.exp(-2)))
    assert euler_cluster_variance(1) == pytest.approx(factor**2 + 1.98, rel=1e-14)
    assert euler_cluster_variance(1, variance=0.0) == pytest.approx(1.98, rel=1e-14)
    # Two steps over [0.2, 0.8], through 0.5 or, geometrically, through 0.4.
    for spacing, middle in (("uniform", 0.5), ("geometric", 0.4)):
        found = 1.0
        for time, h in ((0.8, 0.8 - middle), (middle, middle - 0.2)):
            found = (1 + h - 2 * h / (1 - math.exp(-2 * time))) ** 2 * found + 2 * h
        given: Any = spacing
        assert euler_cluster_variance(2, 0.2, 0.8, given) == pytest.approx(found, rel=1e-13)


def test_euler_variance_converges_to_the_bridge() -> None:
    true = exact_spread()
    errors = [euler_cluster_variance(k) - true for k in (4000, 8000)]
    # Order 1 from above; the next term is about 50 h = 1.2 % of it at 4000 steps.
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.03)
    assert 0 < errors[1] < 0.01 * true


def test_euler_variance_is_what_euler_does() -> None:
    count = 20_000
    x = generate(one_point(), Generation("euler", 100, count, spacing="uniform"), 3)
    found = x.var(ddof=1)
    assert found == pytest.approx(
        euler_cluster_variance(100, spacing="uniform"), rel=REACH * math.sqrt(2 / count)
    )


def test_bridge_reference_measures_the_blur() -> None:
    generation = Generation("euler", 100, 20_000, spacing="uniform")
    found = weak_error(EmpiricalScore(FAR), generation, FAR, 5, tolerance=0.05)
    expected = euler_cluster_variance(100, spacing="uniform") / exact_spread()
    assert found.reference == "bridge"
    assert abs(found.spread - expected) < REACH * found.spread_deviation
    # Independent clouds: sqrt(2 / (d count)) for each variance.
    by_theory = math.hypot(expected, 1) * math.sqrt(1 / 20_000)
    assert found.spread_deviation == pytest.approx(by_theory, rel=0.5)
    assert found.resolved is False
    value, deviation = found.largest("variance")
    assert abs(value - (expected - 1)) < REACH * deviation
    assert found.largest("share")[0] == pytest.approx(0, abs=REACH * 0.005)


def test_answers_claim_no_more_than_is_shown() -> None:
    score = EmpiricalScore(FAR)
    fine = Generation("heun", 40, 20_000)
    found = weak_error(score, fine, FAR, 5, tolerance=0.1)
    assert found.resolved is True
    # Values within the tolerance with bands that are not: unknown.
    size, band = np.abs(found.errors), found.reach * found.deviations
    for tolerance, answer in (
        (1.001 * (size + band).max(), True),
        (0.999 * (size + band).max(), None),
        (1.001 * size.max(), None),
        (0.999 * size.max(), None),
    ):
        assert replace(found, tolerance=tolerance).resolved is answer
    # 20 000 points know a variance to about 1 %: neither yes nor no to 0.5 %.
    assert weak_error(score, fine, FAR, 5, tolerance=0.005).resolved is None
    # A cluster without points cannot be called resolved.
    empty = np.vstack((FAR, [[40.0, 0.0]]))
    few = Generation("heun", 10, 2000)
    found = weak_error(checked(score, 2), few, empty, 5, tolerance=0.5)
    assert found.reference == "refined"
    assert found.resolved is None
    assert np.isnan(found.errors[(found.clusters == 2) & (found.kinds > 0)]).all()
    assert (found.deviations[found.kinds == 0] > 0).all()


def test_bands_are_joint() -> None:
    found = weak_error(EmpiricalScore(FAR), Generation(count=200, steps=3), FAR, 5, level=0.01)
    # 2 clusters of 1 share, 2 means, 3 covariances and 1 variance; 32 groups.
    assert len(found.errors) == 14
    assert found.reach == pytest.approx(stats.t.ppf(1 - 0.01 / 28, 31), rel=1e-9)
    for kind, count in enumerate((2, 4, 6, 2)):
        assert (found.kinds == kind).sum() == count


def test_refined_reference_extrapolates() -> None:
    generation = Generation("euler", 100, 20_000, spacing="uniform")
    points = np.array([[0.7], [30.0]])
    found = weak_error(one_point(), generation, points, 9)
    assert found.reference == "refined"
    # What Richardson's rule gives for variances that are known: no sampling, so exact.
    coarse, fine = (euler_cluster_variance(k, spacing="uniform") for k in (100, 400))
    expected = 1 + 4 / 3 * (coarse / fine - 1)
    assert abs(found.spread - expected) < REACH * found.spread_deviation
    assert found.spread_deviation < 0.05
    # Without the factor 4/3 it would be told apart.
    assert abs(coarse / fine - expected) > REACH * found.spread_deviation


@pytest.mark.parametrize(
    ("method", "factor"), [("euler", 4 / 3), ("exponential", 4 / 3), ("heun", 16 / 15)]
)
def test_refined_reference_knows_the_order(
    method: Any, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clouds that are given, no sampling: an error of 4^-p at 4 K steps leaves 1 - 4^-p of it."""
    draws = np.random.default_rng(3).standard_normal((2, 200, 1))
    clouds = {10: 0.7 + 0.2 * draws[0], 40: 0.7 + 0.15 * draws[1]}
    monkeypatch.setattr(convergence, "generate", lambda score, given, seed: clouds[given.steps])
    points = [[0.7], [30.0]]
    found = weak_error(one_point(), Generation(method, 10, 200), points, 9)
    coarse, fine = (np.var(clouds[steps], ddof=1) for steps in (10, 40))
    # The same moments by other sums: rounding.
    assert found.spread == pytest.approx(1 + factor * (coarse / fine - 1), rel=1e-10)
    (error,) = found.errors[(found.kinds == 3) & (found.clusters == 0)]
    assert error == pytest.approx(factor * (coarse / fine - 1), rel=1e-10)


def test_fine_flow_is_the_flow() -> None:
    score = GaussianScore([0.5], [[0.36]])
    x = flow_finely(score, Generation("ode", 1, 50), 4)
    begin = starting_points(4, slice(0, 50), 1)
    early, late = (math.exp(-2 * t) * 0.36 + 1 - math.exp(-2 * t) for t in (0.01, 1.0))
    true = 0.5 * math.exp(-0.01) + math.sqrt(early / late) * (begin - 0.5 * math.exp(-1))
    # Local errors of 1e-10 over some tens of steps.
    np.testing.assert_allclose(x, true, atol=1e-8)


def test_flows_are_compared_path_by_path() -> None:
    points = np.array([[-1.0], [1.0]])
    score = EmpiricalScore(points)
    few = weak_error(score, Generation("ode", 2, 2000), points, 4, tolerance=0.1)
    many = weak_error(score, Generation("ode", 100, 2000), points, 4, tolerance=0.1)
    assert few.reference == many.reference == "fine"
    assert few.resolved is False
    # 2000 independent points would leave 4 % on a variance; the paths leave next to nothing.
    assert many.resolved is True
    assert many.spread_deviation < 0.003


def test_steps_are_recommended() -> None:
    generation = Generation("euler", 10, 8000)
    found = recommend_steps(EmpiricalScore(FAR), generation, FAR, 6, tolerance=0.3, largest=160)
    true = exact_spread()
    assert found.steps is not None
    blur = euler_cluster_variance(found.steps, spacing="geometric") / true - 1
    assert blur < 0.3
    # The first number is not it: it is off by more.
    blur = euler_cluster_variance(10, spacing="geometric") / true - 1
    assert blur > 0.3
    assert found.rows[0].resolved is False
    tried = [row.generation.steps for row in found.rows]
    assert tried == [10 << k for k in range(len(tried))]
    assert [row.resolved for row in found.rows[-2:]] == [True, True]
    assert tried[-2] == found.steps
    # All tried numbers together have the level: 5 numbers up to 160.
    assert found.rows[0].reach == pytest.approx(stats.t.ppf(1 - 0.05 / 5 / 28, 31), rel=1e-9)


def test_no_steps_are_recommended_without_evidence() -> None:
    score = EmpiricalScore(FAR)
    coarse = Generation("euler", 10, 2000, spacing="uniform")
    found = recommend_steps(score, coarse, FAR, 6, largest=20)
    assert found.steps is None
    assert "off by more than 0.05 at 20 steps" in found.reason
    found = recommend_steps(score, Generation(steps=40, count=2000), FAR, 6, largest=80)
    assert found.steps is None
    assert "do not tell" in found.reason
    found = recommend_steps(score, Generation(steps=40, count=60), FAR, 6, largest=80, tolerance=2)
    assert found.steps is None
    assert "fewer than 50 of 60" in found.reason


@pytest.mark.parametrize(
    ("points", "options", "words"),
    [
        ([[0.0, 1.0]], {}, "1 point"),
        ([[0.0, 1.0], [2.0, 0.0], [0.0, 1.0]], {}, "rows 0, 2 are equal"),
        ([[0.0], [1.0]], {}, "dimension 1"),
        (FAR, {"tolerance": 0.0}, "tolerance: 0.0"),
        (FAR, {"level": 1.0}, "level: 1.0"),
    ],
)
def test_bad_input_is_refused(points: Any, options: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        weak_error(EmpiricalScore(FAR), Generation(count=10), points, 1, **options)


def test_large_dimensions_and_short_sequences_are_refused() -> None:
    points = np.zeros((2, 100_000))
    points[1] = 1
    with pytest.raises(InputError, match="covariances of 2 clusters in d = 100000"):
        weak_error(EmpiricalScore(points), Generation(count=10), points, 1)
    with pytest.raises(InputError, match="largest: 150"):
        recommend_steps(EmpiricalScore(FAR), Generation(count=10), FAR, 1, largest=150)


def test_means_are_measured_in_standard_deviations() -> None:
    """A cluster 4 times as wide as the noise: its numbers are relative to it, not to the noise."""
    score = GaussianScore([0.5], [[0.36]])
    found = weak_error(score, Generation("heun", 10, 4000), [[0.5], [30.0]], 7)
    # Two clouds, and 16/15 for Richardson's factor at order 2. The jackknife of 32 groups knows an
    # error to one part in sqrt(62).
    root = 16 / 15 * math.sqrt(2 / 4000)
    assert found.largest("mean")[1] == pytest.approx(root, rel=0.5)
    assert found.largest("variance")[1] == pytest.approx(math.sqrt(2) * root, rel=0.5)

"""What is no number, point, time or score is refused by name, wherever it may be given."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dsmverify.diffusion.backward import Generation, generate
from dsmverify.diffusion.bridge import cluster_moments, generate_exactly
from dsmverify.diffusion.convergence import (
    euler_cluster_variance,
    flow_finely,
    recommend_steps,
    weak_error,
)
from dsmverify.diffusion.scores import EmpiricalScore, GaussianScore, checked
from dsmverify.ensembles.arguments import real, reals, whole
from dsmverify.ensembles.noise_loss import Exam
from dsmverify.ensembles.posterior import empirical_score
from dsmverify.ensembles.settings import as_points
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.metrics.metric import Metric, standard
from dsmverify.metrics.mmd import Pair, mmd_squared
from dsmverify.metrics.nearest import memorisation_ratio, nearest_distances
from dsmverify.metrics.power import measure_power
from dsmverify.metrics.wasserstein import sliced_wasserstein2, wasserstein2, wasserstein2_line

POINTS = np.array([[0.0, 1.0], [2.0, -1.0], [4.0, 0.5]])
SCORE = EmpiricalScore(POINTS)
FEW = Generation("euler", 2, 3)
NOTHING = Metric("nothing", "", "statistic", lambda x, y: 0.0)

SEEDS: dict[str, Callable[[Any], object]] = {
    "generate": lambda seed: generate(SCORE, FEW, seed),
    "exactly": lambda seed: generate_exactly(POINTS, 3, seed),
    "moments": lambda seed: cluster_moments(POINTS, seed=seed),
    "sample": lambda seed: GaussianScore(np.zeros(2), np.eye(2)).sample(3, seed),
    "weak error": lambda seed: weak_error(SCORE, FEW, POINTS, seed),
    "steps": lambda seed: recommend_steps(SCORE, FEW, POINTS, seed),
    "flow": lambda seed: flow_finely(SCORE, FEW, seed),
    "sliced": lambda seed: sliced_wasserstein2(POINTS, POINTS, seed=seed),
    "exam": lambda seed: Exam(POINTS, Times(count=2), seed),
}


@pytest.mark.parametrize("where", SEEDS)
def test_seeds_are_whole_numbers_of_64_bits(where: str) -> None:
    bad: Any
    for bad in ("1", None, 1.5, 1.0, True, -1, 2**64, [1], math.nan):
        with pytest.raises(InputError) as caught:
            SEEDS[where](bad)
        assert caught.value.argument == "seed", bad


COUNTS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "steps": ("generation.steps", lambda k: Generation(steps=k)),
    "generation": ("count", lambda k: Generation(count=k)),
    "euler": ("generation.steps", euler_cluster_variance),
    "exactly": ("count", lambda k: generate_exactly(POINTS, k, 1)),
    "draws of moments": ("count", lambda k: cluster_moments(POINTS, draws=k)),
    "nodes": ("nodes", lambda k: cluster_moments(POINTS, nodes=(4, k))),
    "sample": ("count", lambda k: GaussianScore([0.0], [[1.0]]).sample(k, 1)),
    "checked": ("dimension", lambda k: checked(lambda y, t: -y, k)),
    "largest": ("largest", lambda k: recommend_steps(SCORE, FEW, POINTS, 1, largest=k)),
    "times": ("times.count", lambda k: Times(count=k)),
    "exam": ("draws", lambda k: Exam(POINTS, Times(count=2), 1, k)),
    "threads": ("threads", lambda k: empirical_score(POINTS, POINTS, 1.0, 1.0, threads=k)),
    "chunk": ("chunk", lambda k: empirical_score(POINTS, POINTS, 1.0, 1.0, chunk=k)),
    "projections": ("projections", lambda k: sliced_wasserstein2(POINTS, POINTS, projections=k)),
    "transport": ("transport_points", lambda k: standard(transport_points=k)),
    "repeats": (
        "repeats",
        lambda k: measure_power(NOTHING, lambda r: POINTS, lambda r: POINTS, POINTS, repeats=k),
    ),
}


@pytest.mark.parametrize("where", COUNTS)
def test_counts_are_whole_numbers(where: str) -> None:
    name, call = COUNTS[where]
    bad: Any
    for bad in ("5", 5.5, True, 0, math.nan, 5j):
        with pytest.raises(InputError) as caught:
            call(bad)
        assert caught.value.argument == name, bad


REALS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "start": ("generation.start", lambda x: Generation(start=x)),
    "end": ("generation.end", lambda x: Generation(end=x)),
    "exactly": ("start", lambda x: generate_exactly(POINTS, 3, 1, start=x)),
    "moments": ("end", lambda x: cluster_moments(POINTS, end=x)),
    "times": ("times.start", lambda x: Times(start=x)),
    "last time": ("times.end", lambda x: Times(end=x)),
    "score": ("time", lambda x: SCORE(POINTS, x)),
    "sample": ("time", lambda x: GaussianScore([0.0], [[1.0]]).sample(3, 1, x)),
    "mu": ("mu", lambda x: empirical_score(POINTS, POINTS, x, 1.0)),
    "sigma": ("sigma", lambda x: empirical_score(POINTS, POINTS, 1.0, x)),
    "variance": ("variance", lambda x: euler_cluster_variance(2, variance=x)),
    "tolerance": ("tolerance", lambda x: weak_error(SCORE, FEW, POINTS, 1, tolerance=x)),
    "level": ("level", lambda x: weak_error(SCORE, FEW, POINTS, 1, level=x)),
    "levels": ("level", lambda x: recommend_steps(SCORE, FEW, POINTS, 1, level=x)),
    "factor": ("factor", lambda x: memorisation_ratio(POINTS, POINTS, factor=x)),
    "bandwidth": ("bandwidth", lambda x: mmd_squared(POINTS, POINTS, x)),
    "power": (
        "level",
        lambda x: measure_power(NOTHING, lambda r: POINTS, lambda r: POINTS, POINTS, level=x),
    ),
}


@pytest.mark.parametrize("where", REALS)
def test_numbers_are_real_and_finite(where: str) -> None:
    name, call = REALS[where]
    bad: Any
    for bad in ("a", "0.5", None, True, 0.5 + 0j, math.nan, math.inf, -1.0, 10**400, np.ones(())):
        with pytest.raises(InputError) as caught:
            call(bad)
        assert caught.value.argument == name, bad


TABLES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "points": ("points", lambda x: as_points("points", x)),
    "exactly": ("points", lambda x: generate_exactly(x, 3, 1)),
    "empirical": ("points", lambda x: empirical_score(x, POINTS, 1.0, 1.0)),
    "empirical places": ("y", lambda x: empirical_score(POINTS, x, 1.0, 1.0)),
    "score": ("y", lambda x: SCORE(x, 0.5)),
    "mean": ("mean", lambda x: GaussianScore(x, np.eye(2))),
    "covariance": ("covariance", lambda x: GaussianScore([0.0, 1.0], x)),
    "fitted": ("points", GaussianScore.fitted),
    "exam": ("points", lambda x: Exam(x, Times(count=2), 1)),
    "weak error": ("points", lambda x: weak_error(SCORE, FEW, x, 1)),
    "mmd": ("x", lambda x: mmd_squared(x, POINTS, 1.0)),
    "other mmd": ("y", lambda x: mmd_squared(POINTS, x, 1.0)),
    "pair": ("x", lambda x: Pair(x, POINTS)),
    "sliced": ("y", lambda x: sliced_wasserstein2(POINTS, x)),
    "transport": ("x", lambda x: wasserstein2(x, POINTS)),
    "line": ("x", lambda x: wasserstein2_line(x, [0.0, 1.0])),
    "nearest": ("points", lambda x: nearest_distances(POINTS, x)),
}
BAD_TABLES: dict[str, tuple[Any, str]] = {
    "ragged": ([[0.0, 1.0], [2.0]], "as many in each row"),
    "text": ("points", "real numbers"),
    "numbers as text": ([["0", "1"], ["2", "3"]], "real numbers"),
    "complex": (POINTS + 1j, "complex128, but .*real numbers"),
    "complex list": ([[0.0, 1j], [1.0, 2.0]], "complex128, but .*real numbers"),
    "truth": (POINTS > 0, "bool, but .*real numbers"),
    "nothing": (None, "real numbers"),
    "holes": ([[0.0, None], [1.0, 2.0]], "real numbers"),
    "huge": ([[0, 10**400], [1, 2]], "beyond the floats"),
    "masked": (np.ma.masked_greater(POINTS, 3.0), "masked"),
}


@pytest.mark.parametrize("where", TABLES)
def test_points_are_tables_of_real_numbers(where: str) -> None:
    name, call = TABLES[where]
    for bad, message in BAD_TABLES.values():
        with pytest.raises(InputError, match=message) as caught:
            call(bad)
        assert caught.value.argument == name


def test_functions_without_a_dimension_are_no_scores() -> None:
    bad: Any
    for bad in (lambda y, time: -y, None, 3, Generation()):
        for call in (
            lambda score: generate(score, FEW, 1),
            lambda score: flow_finely(score, FEW, 1),
            lambda score: weak_error(score, FEW, POINTS, 1),
        ):
            with pytest.raises(InputError, match=r"^score: .*`checked\(function, dimension\)`"):
                call(bad)
    with pytest.raises(InputError, match=r"^function: None, but a score is called"):
        checked(None, 2)  # type: ignore[arg-type]


def test_precision_of_a_score() -> None:
    masked = checked(lambda y, time: np.ma.masked_greater(-y, 0.0), 2)
    with pytest.raises(InputError, match=r"score at time 0.5: a masked array.*filled"):
        masked(POINTS, 0.5)
    with pytest.raises(InputError, match=r"type float16, but .* 32 bits or more"):
        checked(lambda y, time: -y.astype(np.float16), 2)(POINTS, 0.5)
    for kind in (np.float32, np.longdouble):

        def other(y: Any, time: float, kind: Any = kind) -> Any:
            return -y.astype(kind)

        found = checked(other, 2)(POINTS, 0.5)
        assert found.dtype == np.float64
        assert (found == -POINTS).all()
    with pytest.raises(InputError, match="inf in row 0"):
        checked(lambda y, time: y.astype(np.longdouble) * 0 + np.longdouble("1e400"), 2)(POINTS, 1)


def test_fractions_and_numpy_numbers_are_numbers() -> None:
    half = Fraction(1, 2)
    assert mmd_squared(POINTS, POINTS + 1, half) == mmd_squared(POINTS, POINTS + 1, 0.5)
    assert (Times(half, 1, np.int64(3)).values == [0.5, 0.75, 1.0]).all()  # type: ignore[arg-type]
    given: Any = Generation("euler", np.int32(2), np.uint8(3), half, np.float32(1))  # type: ignore[arg-type]
    plain = Generation("euler", 2, 3, 0.5, 1.0)
    assert (generate(SCORE, given, np.uint64(1)) == generate(SCORE, plain, 1)).all()  # type: ignore[arg-type]
    assert (reals("x", [[half, 2], [3, 0.25]]) == [[0.5, 2.0], [3.0, 0.25]]).all()


def test_ends_of_ranges() -> None:
    assert (whole("k", 2, 2, 5), whole("k", 4, 2, 5)) == (2, 4)
    for number in (1, 5):
        with pytest.raises(InputError, match=r"k: \d, but why: it must be .* 2 and below 5"):
            whole("k", number, 2, 5, why="why")
    assert real("x", 0, least=0) == 0
    for bad in (
        {"value": 0.0, "above": 0.0},
        {"value": 1.0, "below": 1.0},
        {"value": -1e-9, "least": 0.0},
    ):
        with pytest.raises(InputError, match=r"x: .*finite number"):
            real("x", **bad)  # type: ignore[arg-type]

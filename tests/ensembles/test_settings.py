"""What is trained: input that is refused, initial draws, and scores by the definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dsmverify.ensembles import philox
from dsmverify.ensembles.settings import (
    ARRAYS,
    EXPERIMENTS,
    THEORY,
    Ensemble,
    Model,
    Networks,
    Problem,
)
from dsmverify.errors import InputError
from dsmverify.instance import Batch

LINE = Problem(np.array([-1.0, 0.5, 0.2]), 0.8, 0.6)
PLANE = Problem(np.array([[0.0, 1.0], [2.0, 3.0]]), 0.8, 0.6)
SMALL = Model(width=3)


def problem(**given: Any) -> Problem:
    arguments: dict[str, Any] = {"points": np.array([0.0, 1.0]), "mu": 0.8, "sigma": 0.6}
    return Problem(**arguments | given)


def ensemble(**given: Any) -> Ensemble:
    arguments: dict[str, Any] = {
        "model": SMALL,
        "batch": Batch(2, "mean", replacement=False),
        "problems": [LINE, LINE],
        "learning_rates": [0.1, 0.2],
        "seeds": [1, 2],
        "steps": [10, 20],
    }
    return Ensemble.of(**arguments | given)


POSITIVE = "it must be positive and finite; give"
INTEGER = "it must be a positive integer; give"

REFUSED: list[tuple[Callable[[], object], str]] = [
    (
        lambda: problem(points=np.zeros((0, 1))),
        "points: shape (0, 1), but there must be at least one point, one row each; give an array "
        "of shape [n, d]",
    ),
    (lambda: problem(points=np.zeros((2, 2, 2))), "points: shape (2, 2, 2), but there must be"),
    (lambda: problem(points=np.array(3.0)), "points: shape (), but there must be at least one"),
    (
        lambda: problem(points=[0.0, math.nan]),
        "points: a NaN or infinity, but points are finite; remove it",
    ),
    (lambda: problem(points=[0.0, math.inf]), "points: a NaN or infinity, but points are finite"),
    (lambda: problem(mu=0.0), f"mu: 0.0, but {POSITIVE} mu > 0"),
    (lambda: problem(mu=math.nan), f"mu: nan, but {POSITIVE} mu > 0"),
    (lambda: problem(sigma=-0.5), f"sigma: -0.5, but {POSITIVE} sigma > 0"),
    (lambda: problem(sigma=math.inf), f"sigma: inf, but {POSITIVE} sigma > 0"),
    (lambda: Model(width=0), f"model.width: 0, but {INTEGER} 1 or more"),
    (lambda: Model(width=-3), f"model.width: -3, but {INTEGER}"),
    (lambda: Model(width=2.0), f"model.width: 2.0, but {INTEGER}"),  # type: ignore[arg-type]
    (lambda: Model(width=True), f"model.width: True, but {INTEGER}"),
    (lambda: Model(dimension=0), f"model.dimension: 0, but {INTEGER} 1 or more"),
    (
        lambda: Model(inner="normal"),  # type: ignore[arg-type]
        "model.inner: 'normal', but unknown choice; give 'signs' or 'gaussian'",
    ),
    (
        lambda: Model(output="sum"),  # type: ignore[arg-type]
        "model.output: 'sum', but unknown choice; give 'mean' or 'root'",
    ),
    (
        lambda: Model(bias_deviation=-1.0),
        "model.bias_deviation: -1.0, but it must be at least 0; give a standard deviation",
    ),
    (lambda: Model(bias_deviation=math.nan), "model.bias_deviation: nan, but it must be at least"),
    (
        lambda: Model(inner="signs", train_inner=True),
        "model.inner: 'signs', but signs are for d = 1 and stay as they are; give dimension = 1 "
        "and train_inner = false, or inner = 'gaussian'",
    ),
    (
        lambda: Model(inner="signs", train_inner=False, dimension=2),
        "model.inner: 'signs', but signs are for d = 1",
    ),
    (
        lambda: Model(train_inner="no"),  # type: ignore[arg-type]
        "model.train_inner: 'no', but it is a yes or no; give true or false",
    ),
    (lambda: Model(offset=1), "model.offset: 1, but it is a yes or no"),  # type: ignore[arg-type]
    (
        lambda: Model(rate_times_width=None),  # type: ignore[arg-type]
        "model.rate_times_width: None, but it is a yes or no",
    ),
    (
        lambda: Model(bias_deviation="1"),  # type: ignore[arg-type]
        "model.bias_deviation: '1', but it must be at least 0",
    ),
    (
        lambda: problem(points=[[1], [1, 2]]),
        "points: [[1], [1, 2]], but it must be an array of real numbers, as many in each row",
    ),
    (
        lambda: problem(points=["a"]),
        "points: shape (1,), dtype <U1, but it must be an array of real",
    ),
    (lambda: problem(mu="0.5"), f"mu: '0.5', but {POSITIVE} mu > 0"),
    (lambda: problem(sigma=True), f"sigma: True, but {POSITIVE} sigma > 0"),
    (lambda: problem(sigma=np.float64(-1)), f"sigma: -1.0, but {POSITIVE} sigma > 0"),
    (lambda: ensemble(learning_rates=["0.1", 1]), f"learning_rate[0]: '0.1', but {POSITIVE}"),
    (lambda: ensemble(learning_rates=np.zeros(2)), f"learning_rate[0]: 0.0, but {POSITIVE}"),
    (lambda: ensemble(steps=[math.nan, 1]), "steps[0]: nan, but it must be an integer of at least"),
    (lambda: ensemble(steps=[1, math.inf]), "steps[1]: inf, but it must be an integer of at least"),
    (lambda: ensemble(steps=[2**63, 1]), "steps[0]: 9223372036854775808, but it must be an int"),
    (lambda: ensemble(steps=["3", 1]), "steps[0]: '3', but it must be an integer of at least 0"),
    (lambda: ensemble(seeds=[math.nan, 1]), "seed[0]: nan, but it must lie in 0..2^64 - 1"),
    (lambda: Batch(0), "batch.size: 0, but it must be a positive integer; give size >= 1"),
    (lambda: Batch(-1), "batch.size: -1, but it must be a positive integer"),
    (
        lambda: ensemble(seeds=[1]),
        "ensemble: 2 problems, 2 rates, 1 seeds and 2 step counts, but there is one of each for "
        "every network, and at least one network; give sequences of equal length",
    ),
    (
        lambda: ensemble(problems=[], learning_rates=[], seeds=[], steps=[]),
        "ensemble: 0 problems, 0 rates, 0 seeds and 0 step counts, but there is one of each",
    ),
    (
        lambda: ensemble(learning_rates=[0.1, 0.0]),
        "learning_rate[1]: 0.0, but it must be positive and finite; give eta > 0",
    ),
    (lambda: ensemble(learning_rates=[-0.1, 0.1]), "learning_rate[0]: -0.1, but it must be posi"),
    (lambda: ensemble(learning_rates=[0.1, math.nan]), "learning_rate[1]: nan, but it must be po"),
    (lambda: ensemble(learning_rates=[0.1, math.inf]), "learning_rate[1]: inf, but it must be po"),
    (
        lambda: ensemble(steps=[10, -1]),
        "steps[1]: -1, but it must be an integer of at least 0; give 0 or more",
    ),
    (lambda: ensemble(steps=[2.5, 1]), "steps[0]: 2.5, but it must be an integer of at least 0"),
    (
        lambda: ensemble(seeds=[1, -2]),
        "seed[1]: -2, but it must lie in 0..2^64 - 1; give another seed",
    ),
    (lambda: ensemble(seeds=[2**64, 1]), "seed[0]: 18446744073709551616, but it must lie in"),
    (lambda: ensemble(seeds=[0.5, 1]), "seed[0]: 0.5, but it must lie in 0..2^64 - 1"),
    (
        lambda: ensemble(problems=[LINE, PLANE]),
        "problems[1]: dimension 2, but the model's dimension is 1; give both the same dimension",
    ),
    (
        lambda: ensemble(batch=Batch(4, "mean", replacement=False)),
        "batch.size: 4, but a batch without replacement has at most the 3 points of problems[0]; "
        "give a smaller size, or replacement = true",
    ),
]


@pytest.mark.parametrize(("bad", "message"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_bad_input_is_refused(bad: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        bad()
    assert str(caught.value).startswith(message)
    assert caught.value.way_out


def test_limits_are_accepted() -> None:
    ensemble(seeds=[0, 2**64 - 1], steps=[0, 1], batch=Batch(3, "sum", replacement=False))
    ensemble(batch=Batch(50, "mean", replacement=True))
    assert ensemble(seeds=[0, 2**64 - 1]).seeds[1] == 2**64 - 1


def test_problems_keep_their_points() -> None:
    given = np.array([0.3, 0.1, 0.3])
    kept = Problem(given, 0.5, 0.5)
    given[0] = 9
    assert kept.points.tolist() == [[0.3], [0.1], [0.3]]
    assert (kept.size, kept.dimension) == (3, 1)
    assert (PLANE.size, PLANE.dimension) == (2, 2)
    with pytest.raises(ValueError, match="read-only"):
        kept.points[0] = 1


def test_factors() -> None:
    assert Model(width=50).output_scale == 1 / 50
    assert Model(width=50).rate_factor == 50
    assert Model(width=50, output="root").output_scale == 1 / math.sqrt(50)
    assert Model(width=50, rate_times_width=False).rate_factor == 1
    assert THEORY.trained == ("outer", "bias")
    assert EXPERIMENTS.trained == ("outer", "bias", "inner")
    assert Model(offset=True, train_inner=False).trained == ("outer", "bias", "offset")


def test_padding_and_parts() -> None:
    other = Problem(np.array([7.0]), 0.3, 0.4)
    both = ensemble(problems=[LINE, other], batch=Batch(2, replacement=True))
    assert both.sizes.tolist() == [3, 1]
    assert both.points[..., 0].tolist() == [[-1.0, 0.5, 0.2], [7.0, 0.0, 0.0]]
    assert (both.mu.tolist(), both.sigma.tolist()) == ([0.8, 0.3], [0.6, 0.4])
    part = both.part([1])
    assert part.count == 1
    assert part.points.tolist() == [[[7.0]]]
    assert (part.learning_rates.tolist(), part.seeds.tolist()) == ([0.2], [2])
    assert part.steps.tolist() == [20]
    # The start of a network is that of its seed, alone or in company.
    for name in ARRAYS:
        assert np.array_equal(getattr(part.start(), name)[0], getattr(both.start(), name)[1])


CHANCE = 1e-6
"""Level of the tests of initial draws, fixed with seeds and sizes before the first draw."""


@pytest.mark.parametrize("dimension", [1, 10])
def test_initial_draws(dimension: int) -> None:
    """Outer weights of variance 1, inner ones of 1/d, biases of their own deviation."""
    model = Model(width=500, dimension=dimension, bias_deviation=0.3)
    points = Problem(np.zeros((1, dimension)), 0.8, 0.6)
    start = Ensemble.of(
        model, Batch(1), [points] * 20, [0.1] * 20, range(20), [1] * 20
    ).start(np.float64)  # fmt: skip
    assert (start.step, start.count, start.outer.shape) == (0, 20, (20, 500, dimension))
    drawn = [
        (start.outer, 1.0),
        (start.inner, 1 / math.sqrt(dimension)),
        (start.bias, 0.3),
    ]
    for values, deviation in drawn:
        assert stats.kstest(values.ravel() / deviation, "norm").pvalue > CHANCE
        # The sum of squares: a deviation wrong by 10 % is far outside.
        square = (values.ravel() / deviation) @ (values.ravel() / deviation)
        low, high = stats.chi2.interval(1 - CHANCE, values.size)
        assert low <= square <= high
        assert high < 1.1**2 * values.size or values.size <= 10_000
    # The groups are drawn apart, and so are networks.
    reach = stats.norm.isf(CHANCE / 2)
    for left, right in (
        (start.outer[..., 0], start.inner[..., 0]),
        (start.outer[..., 0], start.bias),
        (start.outer[:-1], start.outer[1:]),
    ):
        product = (left * right).ravel()
        assert abs(product.mean()) <= reach * product.std() / math.sqrt(product.size)
    assert (start.offset == 0).all()
    assert (start.diverged == -1).all()


def test_initial_draws_are_the_streams_of_the_seed() -> None:
    start = ensemble(seeds=[11, 12]).start()
    outer = philox.normals(12, philox.Stream.OUTER, 0, 3)
    assert np.array_equal(start.outer[1, :, 0], outer)
    assert np.array_equal(start.inner[1, :, 0], philox.normals(12, philox.Stream.INNER, 0, 3))
    assert (start.bias == 0).all()  # the experiments start with biases of 0
    single = ensemble(seeds=[11, 12]).start(np.float32)
    assert all(getattr(single, name).dtype == np.float32 for name in ARRAYS)
    assert np.array_equal(single.outer, start.outer.astype(np.float32))


def test_signs_alternate() -> None:
    model = Model(width=5, inner="signs", train_inner=False, bias_deviation=1.0)
    start = ensemble(model=model).start()
    assert start.inner[..., 0].tolist() == [[1.0, -1.0, 1.0, -1.0, 1.0]] * 2
    start.inner[0, 0] = 7  # an array of its own
    assert start.inner[1, 0, 0] == 1
    for e, seed in enumerate((1, 2)):
        assert np.array_equal(start.bias[e], philox.normals(seed, philox.Stream.BIAS, 0, 5))


def random_networks(model: Model, count: int) -> Networks:
    draw = np.random.default_rng(5)
    m, d = model.width, model.dimension
    return Networks(
        outer=draw.standard_normal((count, m, d)),
        bias=draw.standard_normal((count, m)),
        inner=draw.standard_normal((count, m, d)),
        offset=draw.standard_normal((count, d)),
        diverged=np.full(count, -1),
    )


@pytest.mark.parametrize("output", ["mean", "root"])
@pytest.mark.parametrize("dimension", [1, 3])
def test_scores_by_a_double_loop(dimension: int, output: Any) -> None:
    model = Model(width=7, dimension=dimension, output=output, offset=True)
    networks = random_networks(model, 2)
    y = np.random.default_rng(6).standard_normal((4, dimension))
    found = networks.scores(model, y)
    assert found.shape == (2, 4, dimension)
    factor = 1 / 7 if output == "mean" else 1 / math.sqrt(7)
    for e in range(2):
        for place in range(4):
            for c in range(dimension):
                total = 0.0
                for l in range(7):
                    active = networks.bias[e, l]
                    for i in range(dimension):
                        active += networks.inner[e, l, i] * y[place, i]
                    total += networks.outer[e, l, c] * max(active, 0.0)
                expected = factor * total + networks.offset[e, c]
                # Sums of at most 7 (3 + 1) terms of size below 20: 40 roundings of 600.
                assert abs(found[e, place, c] - expected) <= 40 * 600 * 2.0**-53
    if dimension == 1:
        assert np.array_equal(networks.scores(model, y[:, 0]), found)


def test_scores_of_float32_networks_are_worked_out_in_float64() -> None:
    networks = random_networks(SMALL, 1)
    single = networks.copy()
    for name in ARRAYS:
        setattr(single, name, getattr(networks, name).astype(np.float32))
    double = single.copy()
    for name in ARRAYS:
        setattr(double, name, getattr(single, name).astype(np.float64))
    y = np.linspace(-2, 2, 5)
    found = single.scores(SMALL, y)
    assert found.dtype == np.float64
    assert np.array_equal(found, double.scores(SMALL, y))


def test_copies_are_independent() -> None:
    networks = random_networks(SMALL, 2)
    networks.step = 9
    copy = networks.copy()
    assert copy.step == 9
    for name in (*ARRAYS, "diverged"):
        before = getattr(copy, name).copy()
        getattr(networks, name)[:] = 5
        assert np.array_equal(getattr(copy, name), before)


def test_problems_and_ensembles_compare_by_identity() -> None:
    """Arrays have no truth value, so that field by field there would be no answer."""
    assert problem() != problem()
    assert LINE == LINE  # noqa: PLR0124
    assert len({LINE, PLANE}) == 2
    assert ensemble() != ensemble()


def test_scores_of_a_diverged_network_are_not_finite_and_no_warning() -> None:
    networks = random_networks(SMALL, 2)
    networks.outer[1] = math.inf
    networks.bias[1] = math.nan
    found = networks.scores(SMALL, np.array([0.0, 1.0]))
    assert np.isfinite(found[0]).all()
    assert not np.isfinite(found[1]).any()

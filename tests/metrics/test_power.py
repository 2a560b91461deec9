"""Metrics with names, and planted ones: blind, good, measuring the wrong thing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from dsmverify.errors import InputError
from dsmverify.metrics.metric import Metric, standard, values
from dsmverify.metrics.mmd import Cloud, mmd_squared
from dsmverify.metrics.nearest import memorisation_ratio
from dsmverify.metrics.power import Power, _band, _rank, measure_power, measure_powers
from dsmverify.metrics.wasserstein import wasserstein2

Floats = NDArray[np.float64]

MU, SIGMA = math.exp(-0.01), math.sqrt(1 - math.exp(-0.02))


class World:
    """Ten training points, and samples around them: memorised, Gaussian and blurred."""

    def __init__(self, d: int, count: int) -> None:
        self.d, self.count = d, count
        self.points = 2 * np.random.default_rng([0, d]).standard_normal((10, d))

    def memorised(self, number: int, role: int = 1, width: float = 1) -> Floats:
        draw = np.random.default_rng([role, number])
        chosen = self.points[draw.integers(10, size=self.count)]
        noise = draw.standard_normal((self.count, self.d))
        return np.asarray(MU * chosen + width * SIGMA * noise, dtype=np.float64)

    def gaussian(self, number: int) -> Floats:
        draw = np.random.default_rng([2, number])
        centred = (self.points - self.points.mean(axis=0)) / math.sqrt(10)
        clean = self.points.mean(axis=0) + draw.standard_normal((self.count, 10)) @ centred
        noise = draw.standard_normal((self.count, self.d))
        return np.asarray(MU * clean + SIGMA * noise, dtype=np.float64)

    def blurred(self, number: int) -> Floats:
        return self.memorised(number, role=3, width=2)

    def power(self, metric: Metric, repeats: int = 5) -> Power:
        return measure_power(
            metric,
            self.memorised,
            self.gaussian,
            self.points,
            repeats=repeats,
            blurred=self.blurred,
        )


def planted(
    value: Callable[[Floats, Floats], float],
    kind: Literal["distance", "statistic"] = "distance",
    larger_is: Literal["away", "towards"] = "away",
) -> Metric:
    return Metric("planted", "", kind, value, larger_is)


def chosen(name: str, bandwidth: str = "") -> Metric:
    return next(m for m in standard() if (m.name, m.bandwidth) == (name, bandwidth))


PLANE = World(2, 60)


def to_training(x: Floats) -> float:
    """Mean distance to the nearest training point of PLANE, by a loop."""
    near = [min(math.dist(row, MU * point) for point in PLANE.points) for row in x]
    return math.fsum(near) / len(near)


def test_a_constant_is_uninformative() -> None:
    for kind in ("distance", "statistic"):
        power = PLANE.power(planted(lambda x, y: 0.25, kind))
        assert (power.separates, power.orders, power.informative) == (False, False, False)
        assert power.null == power.extreme
        assert "overlap" in power.reason


def test_a_good_distance_is_informative() -> None:
    power = PLANE.power(planted(lambda x, y: abs(to_training(x) - to_training(y))))
    assert (power.separates, power.orders, power.informative) == (True, True, True)
    assert power.blurred is not None
    assert power.blurred_gaussian is not None
    assert power.blurred.high < power.blurred_gaussian.low
    assert "comes out on the memorised side" in power.reason


def test_a_distance_that_measures_the_width_of_clusters_does_not_order() -> None:
    # The fraction within three sigma of a training point: 0.99 memorised, 0.68 blurred, less
    # Gaussian. In its twelfth power, 0.87 and 0.01, the blurred memoriser is Gaussian.
    def tight(x: Floats) -> float:
        near = [min(math.dist(row, MU * p) for p in PLANE.points) < 3 * SIGMA for row in x]
        return (sum(near) / len(near)) ** 12

    for metric in (
        planted(lambda x, y: abs(tight(x) - tight(y))),
        planted(lambda x, points: tight(x), "statistic", "towards"),
    ):
        power = PLANE.power(metric)
        assert (power.separates, power.orders, power.informative) == (True, False, False)
        assert "width of clusters" in power.reason


def scripted(
    metric: Literal["distance", "statistic", "falling"], bands: dict[str, tuple[float, float]]
) -> Power:
    """Power of a metric with given values on both repetitions of each case."""

    def sampler(role: str) -> Callable[[int], Floats]:
        def sample(number: int) -> Floats:
            return np.full((2, 1), float(10 * "mgb".index(role) + number))

        return sample

    def value(x: Floats, y: Floats) -> float:
        role, number = divmod(int(x[0, 0]), 10)
        other = divmod(int(y[0, 0]), 10)[0]
        r = number if role == 2 else number // 2
        case = "mgb"[role] + ("mg"[other] if metric == "distance" else "")
        return bands[case][r]

    kind: Any = "statistic" if metric == "falling" else metric
    return measure_power(
        planted(value, kind, "towards" if metric == "falling" else "away"),
        sampler("m"),
        sampler("g"),
        np.array([[50.0], [51.0]]),
        repeats=2,
        blurred=sampler("b"),
    )


DISTANCES = {
    "mm": (0.0, 2.0),
    "gg": (1.0, 1.5),
    "mg": (5.0, 9.0),
    "bm": (1.0, 3.0),
    "bg": (4.0, 8.0),
}


@pytest.mark.parametrize(
    ("change", "separates", "orders"),
    [
        ({}, True, True),
        ({"mm": (0.0, 6.0)}, False, False),  # overlaps, medians in order
        ({"gg": (0.0, 6.0)}, False, False),
        ({"mm": (0.0, 5.0)}, False, False),  # touches
        ({"bm": (1.0, 6.0)}, True, False),
        ({"bg": (1.0, 8.0)}, True, False),
        ({"bm": (4.0, 8.0), "bg": (1.0, 3.0)}, True, False),
    ],
)
def test_bands_of_a_distance(
    change: dict[str, tuple[float, float]], separates: bool, orders: bool
) -> None:
    power = scripted("distance", DISTANCES | change)
    assert (power.separates, power.orders) == (separates, orders)
    assert power.informative == (separates and orders)


@pytest.mark.parametrize(
    ("m", "g", "b", "separates", "orders"),
    [
        ((0.0, 2.0), (9.0, 11.0), (0.0, 5.4), True, True),  # the middle is 5.5
        ((0.0, 2.0), (9.0, 11.0), (0.0, 5.6), True, False),
        ((0.0, 2.0), (9.0, 11.0), (5.6, 9.0), True, False),
        ((0.0, 10.0), (9.0, 11.0), (0.0, 1.0), False, False),
    ],
)
def test_bands_of_a_statistic(
    m: tuple[float, float],
    g: tuple[float, float],
    b: tuple[float, float],
    separates: bool,
    orders: bool,
) -> None:
    rising = scripted("statistic", {"m": m, "g": g, "b": b})
    assert (rising.separates, rising.orders) == (separates, orders)
    turned = {k: (-v[0], -v[1]) for k, v in {"m": m, "g": g, "b": b}.items()}
    falling = scripted("falling", turned)
    assert (falling.separates, falling.orders) == (separates, orders)
    assert not scripted("statistic", turned).separates


def test_statistics_have_a_direction() -> None:
    right = PLANE.power(planted(lambda x, points: to_training(x), "statistic"))
    wrong = PLANE.power(planted(lambda x, points: to_training(x), "statistic", "towards"))
    falling = PLANE.power(planted(lambda x, points: -to_training(x), "statistic", "towards"))
    assert [p.informative for p in (right, wrong, falling)] == [True, False, True]
    assert right.null_gaussian is None
    assert right.blurred_gaussian is None
    assert right.floor is None
    negative = PLANE.power(planted(lambda x, y: -abs(to_training(x) - to_training(y))))
    assert not negative.separates
    assert negative.floor is None


def test_each_null_counts() -> None:
    # Blind between memorised samples, wild between Gaussian ones: no use against the Gaussian.
    spread = planted(lambda x, y: float(to_training(x) > 0.3) + float(to_training(y) > 0.3))
    power = PLANE.power(spread)
    assert power.null_gaussian is not None
    assert (power.null.high, power.extreme.low, power.null_gaussian.value) == (0, 1, 2)
    assert not power.separates
    assert power.floor == 2


def test_without_a_blurred_memoriser_nothing_is_informative() -> None:
    power = measure_power(
        chosen("memorised"), PLANE.memorised, PLANE.gaussian, PLANE.points, repeats=4
    )
    assert (power.separates, power.orders, power.informative) == (True, False, False)
    assert power.blurred is None
    assert "no blurred memoriser was tried" in power.reason


@pytest.mark.parametrize(
    ("repeats", "wanted", "level", "left_out"),
    [
        (4, 0.05, 2 / 5, 0),  # too few: from the least to the largest
        (4, 0.9, 4 / 5, 1),
        (5, 0.7, 4 / 6, 1),
    ],
)
def test_what_a_band_promises(repeats: int, wanted: float, level: float, left_out: int) -> None:
    # Of all orders of R + 1 different values, in how many the last lies outside the others' band.
    rank = _rank(repeats, wanted)
    outside = 0
    orders = list(itertools.permutations(map(float, range(repeats + 1))))
    for *order, last in orders:
        band = _band(order, rank)
        ordered = sorted(order)
        assert (band.low, band.high) == (ordered[left_out], ordered[-1 - left_out])
        outside += not band.low <= last <= band.high
    assert outside / len(orders) == pytest.approx(level, rel=1e-15)
    power = measure_power(
        planted(lambda x, points: float(x[0, 0]), "statistic"),
        lambda number: np.full((2, 1), orders[0][number // 2]),
        lambda number: np.full((2, 1), 9.0),
        np.array([[0.0], [1.0]]),
        repeats=repeats,
        level=wanted,
    )
    assert power.null == _band(orders[0][:-1], rank)
    assert power.level == pytest.approx(level, rel=1e-15)


@pytest.mark.parametrize(
    ("repeats", "wanted", "rank"),
    # 0.29 * 200 / 2 is 29, and a float below it.
    [(39, 0.05, 1), (79, 0.05, 2), (100, 0.05, 2), (119, 0.05, 3), (199, 0.29, 29)],
)
def test_ranks_of_usual_bands(repeats: int, wanted: float, rank: int) -> None:
    power = measure_power(
        planted(lambda x, points: float(x[0, 0]), "statistic"),
        lambda number: np.full((2, 1), float(number // 2)),
        lambda number: np.full((2, 1), 1e3 + number // 2),
        np.array([[0.0], [1.0]]),
        repeats=repeats,
        level=wanted,
    )
    assert (power.null.low, power.null.high) == (rank - 1, repeats - rank)
    assert power.null.value == (repeats - 1) / 2
    assert power.level <= wanted * (1 + 1e-15)


def test_samples_of_a_repetition_are_different_ones() -> None:
    seen: list[tuple[str, int]] = []

    def sampler(name: str) -> Callable[[int], Floats]:
        def sample(number: int) -> Floats:
            seen.append((name, number))
            return np.array([[float(number)], [float(number)]])

        return sample

    power = measure_power(
        planted(lambda x, y: abs(float(x[0, 0] - y[0, 0]))),
        sampler("memorised"),
        sampler("gaussian"),
        np.array([[0.0], [1.0]]),
        repeats=3,
        blurred=sampler("blurred"),
    )
    assert len(set(seen)) == len(seen) == 15
    assert power.null.value == power.null_gaussian.value == 1  # type: ignore[union-attr]


def test_predictions_in_a_thousand_dimensions() -> None:
    # Worked out on paper: at h = 1 a blurred memoriser has (1 + 8 s^2)^-500 = e^-73 inside its
    # clusters, where the memorised has 3.7e-9: to the kernel it is as empty as the Gaussian.
    world = World(1000, 200)
    names = (
        chosen("mmd2_unbiased", "1"),
        chosen("mmd2_biased", "1"),
        chosen("memorised"),
        chosen("nearest_distance"),
    )
    unbiased, biased, memorised, nearest = measure_powers(
        names, world.memorised, world.gaussian, world.points, repeats=5, blurred=world.blurred
    )
    assert (unbiased.separates, unbiased.orders) == (True, False)
    # A tenth of the pairs share a training point. Counts vary by sqrt(10 / 200) a point, and k
    # inside a cluster of 20 by some tenths: half is allowed for.
    assert unbiased.extreme.value == pytest.approx(3.7e-10, rel=0.5, abs=0)
    assert not biased.informative
    assert biased.extreme.value == pytest.approx(2 / 200, rel=1e-6, abs=0)
    assert biased.floor == pytest.approx(1, abs=1e-6)
    assert memorised.informative
    assert memorised.null.value == 1
    assert nearest.informative
    # mu x_i + sigma Z: |(1 - mu) x_i|^2 + sigma^2 d, root about 4.45; the blurred one 8.9.
    assert nearest.null.value == pytest.approx(math.sqrt(1000) * SIGMA, rel=0.03)


def test_bandwidth_one_is_informative_in_the_plane() -> None:
    world = World(2, 300)
    assert world.power(chosen("mmd2_unbiased", "1")).informative
    assert world.power(chosen("memorised")).informative


def test_standard_metrics_by_name() -> None:
    x, y, points = PLANE.memorised(0), PLANE.gaussian(0), PLANE.points
    every = standard((1, "median", (0.5, 2.0)), transport_points=15)
    labels = [metric.label for metric in every]
    kernels = ("mmd2_unbiased", "mmd2_biased", "mmd_biased")
    assert labels == [
        *(f"{name} ({h})" for h in ("1", "median", "sum 0.5;2") for name in kernels),
        "sliced_w2",
        "w2 (first 15 points)",
        "memorised",
        "nearest_distance",
    ]
    found = {m.label: m.value(x, y if m.kind == "distance" else points) for m in every}
    assert found["mmd2_unbiased (1)"] == mmd_squared(x, y, 1.0)
    assert found["mmd2_biased (sum 0.5;2)"] == mmd_squared(x, y, (0.5, 2.0), biased=True)
    assert found["mmd_biased (1)"] == math.sqrt(mmd_squared(x, y, 1.0, biased=True))
    assert found["w2 (first 15 points)"] == wasserstein2(x[:15], y[:15])
    assert found["memorised"] == memorisation_ratio(x, points, factor=1 / 3)
    kinds = ([m for m in every if m.kind == kind] for kind in ("distance", "statistic"))
    for metrics, other in zip(kinds, (y, points), strict=True):
        together = values(metrics, x, other)
        # Bandwidths computed together share products, not roundings.
        assert together == pytest.approx([found[m.label] for m in metrics], rel=1e-11)
    kept = values(every[:4], Cloud(x), Cloud(y))
    assert kept == pytest.approx([found[label] for label in labels[:4]], rel=1e-11)


def test_root_of_equal_clouds() -> None:
    # Of fifty rounding errors of 1e-16 some are negative.
    for seed in range(50):
        x = np.random.default_rng(seed).standard_normal((7, 2))
        assert 0 <= chosen("mmd_biased", "1").value(x, x) < 1e-7


def test_bad_input() -> None:
    good = chosen("memorised")
    world = PLANE
    with pytest.raises(InputError, match="distances and statistics"):
        values(standard(), world.memorised(0), world.points)
    with pytest.raises(InputError, match=r"^repeats: 1"):
        world.power(good, repeats=1)
    with pytest.raises(InputError, match=r"^level: 1"):
        measure_power(good, world.memorised, world.gaussian, world.points, level=1.0)
    with pytest.raises(InputError, match=r"^planted: nan on null, repetition 0"):
        world.power(planted(lambda x, y: math.nan))
    with pytest.raises(InputError, match=r"^memorised\(0\): shape"):
        measure_power(good, lambda k: np.zeros(3), world.gaussian, world.points)
    with pytest.raises(InputError, match=r"^dimension: 3 and 2"):
        measure_power(good, lambda k: np.zeros((4, 3)), world.gaussian, world.points)
    doubled = np.vstack((world.points, world.points[4]))
    with pytest.raises(InputError, match="row 4 == row 10"):
        measure_power(good, world.memorised, world.gaussian, doubled)
    with pytest.raises(InputError, match=r"^transport_points: 1"):
        standard(transport_points=1)
    with pytest.raises(InputError, match=r"^bandwidth: 0"):
        standard((0,))
    bad: Any = "other"
    with pytest.raises(InputError, match=r"^kind: 'other'"):
        Metric("x", "", bad, lambda x, y: 0.0)
    with pytest.raises(InputError, match=r"^larger_is: 'towards'"):
        Metric("x", "", "distance", lambda x, y: 0.0, "towards")

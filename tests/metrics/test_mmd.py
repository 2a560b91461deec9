"""MMD against double loops at 40 digits, enumerations, and closed forms for Gaussian clusters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from dsmverify.errors import InputError
from dsmverify.metrics import distances
from dsmverify.metrics.mmd import Pair, median_bandwidth, mmd_squared

Floats = NDArray[np.float64]

NOISE = 1 - math.exp(-0.02)
"""sigma^2 at time 0.01."""


def draws(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


def squared_by_loops(x: Floats, y: Floats, bandwidths: Sequence[float], biased: bool) -> mpmath.mpf:
    """By the definition, at 40 digits."""
    with mpmath.workdps(40):

        def kernel(a: Floats, b: Floats) -> mpmath.mpf:
            square = mpmath.fsum(
                (mpmath.mpf(float(p)) - mpmath.mpf(float(q))) ** 2
                for p, q in zip(a, b, strict=True)
            )
            return mpmath.fsum(mpmath.exp(-square / (2 * mpmath.mpf(h) ** 2)) for h in bandwidths)

        def inside(z: Floats) -> mpmath.mpf:
            pairs = [
                kernel(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if biased or i != j
            ]
            return mpmath.fsum(pairs) / len(pairs)

        across = mpmath.fsum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))
        return inside(x) + inside(y) - 2 * across


CASES: list[tuple[str, Floats, Floats]] = [
    ("plane", draws(1, 5, 2), 0.5 + draws(2, 7, 2)),
    ("line, tie inside", np.array([[0.0], [0.0], [1.5]]), np.array([[0.0], [2.0]])),
    ("many dimensions", 0.3 * draws(3, 6, 60), 0.3 * draws(4, 4, 60)),
    # Differences of 1 at 1e6 from the centre: the product alone would err by 1e12 eps, 2e-4.
    (
        "far clusters in many dimensions",
        np.repeat([[1e6], [-1e6]], 3, axis=0) + 0.1 * draws(5, 6, 60),
        np.repeat([[1e6], [-1e6]], 2, axis=0) + 0.1 * draws(6, 4, 60),
    ),
    # Differences of numbers of size 1e8 are exact only before the centre is taken off.
    ("far from the origin", 1e8 + draws(7, 4, 50), 1e8 + draws(8, 5, 50)),
]


@pytest.mark.parametrize(("name", "x", "y"), CASES)
@pytest.mark.parametrize("bandwidths", [(1.0,), (0.7, 3.0), (0.5, 1.0, 2.0, 4.0), (8.0, 2.0)])
@pytest.mark.parametrize("biased", [False, True])
def test_definition(
    name: str, x: Floats, y: Floats, bandwidths: tuple[float, ...], biased: bool
) -> None:
    truth = float(squared_by_loops(x, y, bandwidths, biased))
    # Each of up to 4 L kernel means, each at most L = 1 a bandwidth, errs by 1e4 d eps = 1.4e-10
    # relative at worst, times k |log k| <= 1/e.
    allowed = 1e-10 * len(bandwidths) if x.shape[1] > 2 else 1e-14 * len(bandwidths)
    assert mmd_squared(x, y, bandwidths, biased=biased) == pytest.approx(truth, abs=allowed, rel=0)
    assert mmd_squared(y, x, bandwidths, biased=biased) == pytest.approx(truth, abs=allowed, rel=0)
    assert Pair(x, y).mmd_squared(bandwidths, biased=biased) == mmd_squared(
        x, y, bandwidths, biased=biased
    )


def test_mean_over_all_samples_is_the_population_value() -> None:
    # Every sample of 3 of a law on 4 points with every sample of 2 of a law on 3: the mean of the
    # unbiased statistic is the MMD of the two laws, which is the biased one of the two supports.
    first, second = draws(9, 4, 2), 0.4 + draws(10, 3, 2)
    population = float(squared_by_loops(first, second, (0.8,), True))
    samples = [
        (first[list(i)], second[list(j)])
        for i in itertools.product(range(4), repeat=3)
        for j in itertools.product(range(3), repeat=2)
    ]
    mean = math.fsum(mmd_squared(x, y, 0.8) for x, y in samples) / len(samples)
    assert mean == pytest.approx(
        population, abs=1e-14, rel=0
    )  # sums of numbers below 4, exact mean
    # The biased one's mean is larger by (1 - E k(x, x'))/3 + (1 - E k(y, y'))/2.
    agree = [
        np.mean([math.exp(-(math.dist(a, b) ** 2) / 1.28) for a in z for b in z])
        for z in (first, second)
    ]
    excess = math.fsum(mmd_squared(x, y, 0.8, biased=True) for x, y in samples) / len(samples)
    assert excess - mean == pytest.approx((1 - agree[0]) / 3 + (1 - agree[1]) / 2, abs=1e-14)


def test_tiny_kernels_survive() -> None:
    # One pair at distance 6.4 in x: exp(-20.48), 1.3e-9; all else is 40 or more apart.
    x = np.array([[0.0, 0.0], [6.4, 0.0]])
    y = np.array([[0.0, 1e3], [40.0, 1e3]])
    # 2/(2 * 1) of one kernel value; the argument 20.48 is right to 2 eps, so k to 50 eps.
    assert mmd_squared(x, y, 1.0) == pytest.approx(math.exp(-20.48), rel=1e-14, abs=0)


def test_clusters_in_a_thousand_dimensions() -> None:
    # Predicted before it was computed: E k = (1 + 2 s^2)^(-d/2) = 3.7e-9 inside one cluster.
    d, n = 1000, 400
    x = math.sqrt(NOISE) * draws(11, n, d)
    far = 100 + 3 * draws(12, n, d)
    s2 = NOISE
    mean = (1 + 2 * s2) ** (-d / 2)
    assert mean == pytest.approx(3.7e-9, rel=0.02)
    # Variance of a U-statistic: at most 4 zeta_1/n + 2 zeta_2/(n (n - 1)), with zeta_1 the variance
    # of E[k | x] = (1 + s^2)^(-d/2) exp(-|x|^2/(2 (1 + s^2))), zeta_2 that of k.
    zeta_1 = (1 + s2) ** -d * (1 + 2 * s2 / (1 + s2)) ** (-d / 2) - mean**2
    zeta_2 = (1 + 4 * s2) ** (-d / 2) - mean**2
    deviation = math.sqrt(4 * zeta_1 / n + 2 * zeta_2 / (n * (n - 1)))
    assert deviation < 0.1 * mean
    # The other cloud adds nothing: its points are 130 apart. 5 deviations: chance below 1e-5.
    assert mmd_squared(x, far, 1.0) == pytest.approx(mean, abs=5 * deviation, rel=0)
    # The biased one is 2/n to seven digits, whatever the clouds are.
    assert mmd_squared(x, far, 1.0, biased=True) == pytest.approx(2 / n, rel=1e-6, abs=0)


def test_biased_and_unbiased_between_samples_of_one_law() -> None:
    # (2/n)(1 - E k), with E k = (1 + 2/h^2)^(-d/2) for standard Gaussians.
    n, d, h = 500, 3, 1.5
    x, y = draws(13, n, d), draws(14, n, d)
    gap = mmd_squared(x, y, h, biased=True) - mmd_squared(x, y, h)
    expected = 2 / n * (1 - (1 + 2 / h**2) ** (-d / 2))
    # The mean of k inside a cloud of n points deviates by at most 2/sqrt(n) 0.5 / sqrt(2); times 5.
    assert gap == pytest.approx(expected, abs=2 / n * 5 / math.sqrt(2 * n), rel=0)
    # Identity: the gap is (1 - U_x)/n + (1 - U_y)/n with U the means over different points.
    inside = [
        float(squared_by_loops(z, np.full((2, d), 1e5), (h,), False) - 1) for z in (x[:20], y[:20])
    ]
    small = mmd_squared(x[:20], y[:20], h, biased=True) - mmd_squared(x[:20], y[:20], h)
    assert small == pytest.approx((2 - inside[0] - inside[1]) / 20, abs=1e-14)


def test_equal_clouds() -> None:
    x = draws(15, 30, 4)
    assert mmd_squared(x, x, 1.0, biased=True) == pytest.approx(0, abs=1e-15)  # sums of size 1
    assert mmd_squared(x, x, 1.0) < 0


def test_halved_bandwidths_where_kernels_underflow() -> None:
    # At h = 4 the kernel is e^-128, 2.6e-56; at h = 0.5 its 64th power, far below all floats; at
    # h = 2, e^-512, 4.5e-223, still counts.
    x, y = np.array([[0.0], [64.0]]), np.array([[1e4], [2e4]])
    assert mmd_squared(x, y, (4.0, 2.0, 1.0, 0.5)) == pytest.approx(
        math.exp(-128), rel=1e-13, abs=0
    )
    assert Pair(x, y).mmd_squared(0.5) == 0
    # 512 eps and some.
    assert mmd_squared(x, y, 2.0) == pytest.approx(math.exp(-512), rel=1e-12, abs=0)
    kernels = [Pair(x, y).mmd_squared(h) for h in (4.0, 2.0)]
    together = Pair(x, y)
    together.mmd_squared((4.0, 2.0))
    assert [together.mmd_squared(h) for h in (4.0, 2.0)] == pytest.approx(kernels, rel=1e-12, abs=0)


@pytest.mark.parametrize("d", [2, 60])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, d: int) -> None:
    x, y = 0.4 * draws(16, 23, d), 0.4 * draws(17, 31, d)
    whole, median = mmd_squared(x, y, 1.0), Pair(x, y).median_bandwidth
    for size in (1, 64, 300):
        monkeypatch.setattr(distances, "BLOCK", size)
        # Sums in another order; products of other shapes: 1e-13 of a distance below 40.
        assert mmd_squared(x, y, 1.0) == pytest.approx(whole, abs=1e-12, rel=0)
        assert Pair(x, y).median_bandwidth == pytest.approx(median, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 2), (4, 3), (6, 5)])
def test_median_of_all_pairs_of_both(n: int, m: int) -> None:
    # 6, 10, 21 and 55 pairs: even and odd.
    x, y = draws(18, n, 3), 2 + draws(19, m, 3)
    pooled = [*x, *y]
    apart = sorted(math.dist(a, b) for a, b in itertools.combinations(pooled, 2))
    half = len(apart) // 2
    middle = apart[half] if len(apart) % 2 else (apart[half - 1] + apart[half]) / 2
    assert median_bandwidth(x, y) == pytest.approx(middle, rel=1e-15)


def test_median_of_coinciding_points_is_refused() -> None:
    x = np.zeros((3, 2))
    with pytest.raises(InputError, match=r"bandwidth: 'median', but the median distance is 0"):
        _ = Pair(x, np.array([[0.0, 0.0], [1.0, 0.0]])).median_bandwidth


@pytest.mark.parametrize(
    "bandwidth", [0.0, -1.0, math.nan, math.inf, [], [1.0, 0.0], "median", True, None, 1e-200]
)
def test_bad_bandwidths(bandwidth: Any) -> None:
    x = draws(20, 3, 2)
    with pytest.raises(InputError, match=r"^bandwidth"):
        mmd_squared(x, x, bandwidth)
    with pytest.raises(InputError, match=r"^bandwidth"):
        Pair(x, x).mmd_squared(bandwidth)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), "^x: 1 points, but at least 2"),
        (np.zeros((3, 2)), np.zeros((0, 2)), "^y: 0 points, but at least 2"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "^dimension: 2 and 4"),
        (np.zeros((3, 0)), np.zeros((3, 0)), r"^x: shape \(3, 0\)"),
        (np.zeros(3), np.zeros((3, 1)), r"^x: shape \(3,\)"),
        (np.zeros((3, 2)), np.array([[0, 1], [math.nan, 0]]), r"^y\[1, 0\]: nan"),
        (np.zeros((3, 2)), np.array([[0, 1], [0, -math.inf]]), r"^y\[1, 1\]: -inf"),
        (np.array([[0, 1e200], [0, 0]]), np.zeros((3, 2)), r"^x\[0, 1\]: 1e\+200"),
        (np.zeros((3, 2), dtype=complex), np.zeros((3, 2)), "^x: .*complex128"),
    ],
)
def test_bad_clouds(x: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mmd_squared(x, y, 1.0)
    with pytest.raises(InputError, match=message):
        Pair(x, y)


def test_distances_that_do_not_fit_are_refused_with_their_size() -> None:
    with pytest.raises(InputError, match=r"all distances of 3000000 points: .*TiB"):
        Pair(np.zeros((3_000_000, 1)), np.zeros((2, 1)))


def test_distances_keep_their_accuracy_in_a_thousand_dimensions() -> None:
    # Clusters as figure 4 has them, against sums in extended precision (11 more bits).
    points = 2 * draws(21, 4, 1000)
    x = np.repeat(points, 5, axis=0) + math.sqrt(NOISE) * draws(22, 20, 1000)
    found = np.concatenate(list(distances.between(x, x)))
    long = x.astype(np.longdouble)
    truth = ((long[:, None] - long[None]) ** 2).sum(axis=2)
    np.fill_diagonal(truth, 1)
    np.fill_diagonal(found, 1)
    # The bound of `between`; the median is far better.
    assert np.abs(found / truth - 1).max() < 1e-10
    assert (np.diag(np.concatenate(list(distances.between(x, x)))) == 0).all()

"""Wasserstein distances against all permutations, linear programs and shifts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from dsmverify.errors import InputError
from dsmverify.metrics.wasserstein import sliced_wasserstein2, wasserstein2, wasserstein2_line

Floats = NDArray[np.float64]


def draws(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (4, 2), (5, 60), (6, 3)])
def test_all_permutations(n: int, d: int) -> None:
    x, y = draws(n, n, d), 0.5 + draws(100 + n, n, d)
    least = min(
        math.fsum(math.dist(x[i], y[j]) ** 2 for i, j in enumerate(permutation))
        for permutation in itertools.permutations(range(n))
    )
    # Sums of n d squares: relative error n d eps at most.
    assert wasserstein2(x, y) == pytest.approx(math.sqrt(least / n), rel=1e-13)


@pytest.mark.parametrize(("n", "m"), [(2, 3), (4, 6), (5, 5), (7, 3)])
def test_line_against_a_linear_program(n: int, m: int) -> None:
    x, y = draws(200 + n, n), 1 + draws(300 + m, m)
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    plan = linprog(
        ((x[:, None] - y) ** 2).ravel(),
        A_eq=np.vstack((rows, columns)),
        b_eq=np.concatenate((np.full(n, 1 / n), np.full(m, 1 / m))),
    )
    # HiGHS keeps its constraints to 1e-7.
    assert wasserstein2_line(x, y) == pytest.approx(math.sqrt(plan.fun), rel=1e-6)
    assert wasserstein2_line(y, x) == pytest.approx(wasserstein2_line(x, y), rel=1e-14)


def test_line_of_unequal_sizes_is_that_of_repeated_values() -> None:
    x, y = draws(1, 4), draws(2, 6)
    repeated = np.sort(np.repeat(x, 3)) - np.sort(np.repeat(y, 2))
    assert wasserstein2_line(x, y) == pytest.approx(math.sqrt(np.mean(repeated**2)), rel=1e-14)


def test_line_is_the_exact_one_in_one_dimension() -> None:
    x, y = draws(3, 40), draws(4, 40) ** 2
    expected = wasserstein2(x[:, None], y[:, None])
    assert wasserstein2_line(x, y) == pytest.approx(expected, rel=1e-13)
    sliced = sliced_wasserstein2(x[:, None], y[:, None], projections=3)
    assert sliced == pytest.approx(expected, rel=1e-13)


def test_order_two_not_one() -> None:
    # Half of the mass moves by 3: W_1 is 1.5, W_2 is 3/sqrt 2.
    assert wasserstein2_line([0.0, 0.0], [0.0, 3.0]) == pytest.approx(3 / math.sqrt(2), rel=1e-15)


@pytest.mark.parametrize("sizes", [(30, 30), (30, 45)])
def test_sliced_of_a_scaled_direction(sizes: tuple[int, int]) -> None:
    # Clouds at one point each, v apart: the mean of (u . v)^2 is |v|^2/d over unit vectors u, with
    # variance |v|^4 2 (d - 1)/(d^2 (d + 2)) each. 5 deviations: chance below 1e-6.
    d, count = 7, 4000
    v = draws(5, d)
    x, y = (np.zeros((size, d)) for size in sizes)
    squared = sliced_wasserstein2(x, y + v, projections=count, seed=3) ** 2
    deviation = float(v @ v) * math.sqrt(2 * (d - 1) / (d**2 * (d + 2) * count))
    assert squared == pytest.approx((v @ v) / d, abs=5 * deviation, rel=0)


def test_sliced_is_fixed_by_its_seed() -> None:
    x, y = draws(6, 20, 3), draws(7, 25, 3)
    first = sliced_wasserstein2(x, y, projections=10, seed=1)
    assert sliced_wasserstein2(x, y, projections=10, seed=1) == first
    assert sliced_wasserstein2(x[::-1], y, projections=10, seed=1) == pytest.approx(
        first, rel=1e-13
    )
    assert sliced_wasserstein2(x, y, projections=10, seed=2) != first
    # A projection shortens: the sliced distance is below the exact one.
    assert sliced_wasserstein2(x, y[:20]) < wasserstein2(x, y[:20])


def test_far_from_the_origin() -> None:
    x, y = draws(8, 12, 3), draws(9, 12, 3)
    for distance in (wasserstein2, sliced_wasserstein2):
        # The shift itself rounds coordinates to 1e-10.
        assert distance(x + 1e6, y + 1e6) == pytest.approx(distance(x, y), abs=1e-9)


def test_bad_input() -> None:
    x = draws(10, 5, 2)
    with pytest.raises(InputError, match=r"y: 4 points against 5.*sliced"):
        wasserstein2(x, x[:4])
    with pytest.raises(InputError, match=r"x: 2001 points, but .*0.032 GB.*8e\+09 steps.*sliced"):
        wasserstein2(np.zeros((2001, 1)), np.zeros((2001, 1)))
    with pytest.raises(InputError, match="dimension: 2 and 1"):
        wasserstein2(x, x[:, :1])
    with pytest.raises(InputError, match="dimension: 2 and 1"):
        sliced_wasserstein2(x, x[:, :1])
    with pytest.raises(InputError, match="projections: 0"):
        sliced_wasserstein2(x, x, projections=0)
    with pytest.raises(
        InputError,
        match=r"projections of 5 and 5 points in d = 2: .*TiB.*fewer points or projections",
    ):
        sliced_wasserstein2(x, x, projections=10**12)
    with pytest.raises(InputError, match=r"y\[1, 0\]: nan"):
        wasserstein2_line([0.0, 1.0], [0.0, math.nan])
    with pytest.raises(InputError, match="x: 1 points"):
        wasserstein2_line([0.0], [0.0, 1.0])

"""Distances to training points against sorted lists, and the memorisation ratio by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.metrics import distances
from dsmverify.metrics.nearest import (
    median_nearest_distance,
    memorisation_ratio,
    nearest_distances,
)

LINE = np.array([[0.0], [4.0], [100.0]])


@pytest.mark.parametrize("d", [1, 3, 64])
@pytest.mark.parametrize("n", [2, 600])
@pytest.mark.parametrize("block", [1, 2**18])
def test_sorted_distances(monkeypatch: pytest.MonkeyPatch, d: int, n: int, block: int) -> None:
    monkeypatch.setattr(distances, "BLOCK", block)
    draw = np.random.default_rng(d + n)
    x, points = draw.standard_normal((13, d)), draw.standard_normal((n, d))
    expected = [sorted(math.dist(a, b) for b in points)[:2] for a in x]
    assert nearest_distances(x, points) == pytest.approx(np.array(expected), rel=1e-12)


def test_ratio_by_hand() -> None:
    # r_1 < r_2/3 between 0 and 4 is |x| < 1; the border itself is not within.
    x = np.array([[0.0], [0.999], [1.0], [1.001], [2.0], [3.1], [-1.9], [-2.1]])
    # -1.9: 1.9 against 5.9/3 = 1.967: within; -2.1: 2.1 against 6.1/3 = 2.033: not.
    found = [memorisation_ratio(row[None], LINE) for row in x]
    assert found == [1, 1, 0, 0, 0, 1, 1, 0]
    assert memorisation_ratio(x, LINE) == 4 / 8
    assert memorisation_ratio(x, LINE, factor=0.99) == 7 / 8  # all but the middle


def test_a_point_on_a_training_point() -> None:
    assert nearest_distances(LINE, LINE)[:, 0].tolist() == [0, 0, 0]
    assert memorisation_ratio(LINE, LINE) == 1


def test_median() -> None:
    x = np.array([[1.0], [-3.0], [104.0], [102.5]])  # 1, 3, 4, 2.5
    assert median_nearest_distance(x, LINE) == 2.75
    assert median_nearest_distance(x[:3], LINE) == 3


def test_bad_input() -> None:
    points = np.array([[0.0, 1.0], [2.0, 0.0], [3.0, 3.0], [2.0, 0.0], [0.0, 1.0]])
    with pytest.raises(InputError, match=r"points: row 1 == row 3, but training points are differ"):
        nearest_distances(points, points)
    with pytest.raises(InputError, match="points: 1 points, but at least 2"):
        nearest_distances(points, points[:1])
    with pytest.raises(InputError, match="x: 0 points"):
        nearest_distances(points[:0], points[:3])
    with pytest.raises(InputError, match="dimension: 2 and 1"):
        nearest_distances(points, LINE)
    for factor in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(InputError, match="factor"):
            memorisation_ratio(LINE, LINE, factor=factor)

"""Distances to training points, and the fraction of points that memorise one.

| letter | here | meaning |
|---|---|---|
| x | `x` | generated points |
| x_i | `points` | training points |
| r_1, r_2 | columns of `nearest_distances` | distance to the nearest and the second nearest |
| c | `factor` | a point memorises when `r_1 < c r_2` |

Every distance is taken: a tree saves nothing in many dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.ensembles.arguments import real
from dsmverify.errors import InputError
from dsmverify.metrics.distances import between, check_same_dimension, cloud

Floats = NDArray[np.float64]


def nearest_distances(x: ArrayLike, points: ArrayLike) -> Floats:
    """Distance of each point to its nearest and second nearest training point. `[k, 2]`.

    Args:
        x: `[k, d]`, one point or more.
        points: `[n, d]`, two or more, all different.

    Result: approximate, relative error as of `distances.between`.

    Raises:
        InputError: a table is not one of finite numbers, dimensions differ, there are fewer than
            two training points, or two of them are equal.
    """
    generated, trained = cloud("x", x, least=1), cloud("points", points)
    check_same_dimension(generated, trained)
    check_distinct(trained)
    squares = [np.partition(block, 1, axis=1)[:, :2] for block in between(generated, trained)]
    return np.sqrt(np.concatenate(squares))


def memorisation_ratio(x: ArrayLike, points: ArrayLike, *, factor: float = 1 / 3) -> float:
    """Fraction of points whose nearest training point is within c times the second's distance.

    Args:
        x: `[k, d]`, one point or more.
        points: `[n, d]`, two or more, all different.
        factor: c, between 0 and 1.

    Result: exact, but for points within rounding of the border.

    Raises:
        InputError: as `nearest_distances`, or the factor is not between 0 and 1.
    """
    factor = real("factor", factor, above=0, below=1)
    first, second = nearest_distances(x, points).T
    return float(np.mean(first < factor * second))


def median_nearest_distance(x: ArrayLike, points: ArrayLike) -> float:
    """Median over points of the distance to the nearest training point.

    Args:
        x: `[k, d]`, one point or more.
        points: `[n, d]`, two or more, all different.

    Result: approximate, relative error as of `distances.between`.

    Raises:
        InputError: as `nearest_distances`.
    """
    return float(np.median(nearest_distances(x, points)[:, 0]))


def check_distinct(points: Floats) -> None:
    """Raise InputError naming the first two equal rows: no distance tells them apart."""
    _, first, which = np.unique(points, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(points):
        return
    which = which.reshape(-1)
    again = next(i for i in range(len(points)) if first[which[i]] != i)
    raise InputError(
        "points",
        f"row {int(first[which[again]])} == row {again}",
        "training points are different",
        "keep one of each",
    )

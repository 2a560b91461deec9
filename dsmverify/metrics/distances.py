"""Squared distances between points, in blocks, with the close pairs kept accurate.

| letter | here | meaning |
|---|---|---|
| x, y | `x`, `y` | clouds, one point in each row |
| d | columns | dimension |
| c | `centre` | mean of all points of both clouds |

In few dimensions every difference is taken. In many, `|x|^2 + |y|^2 - 2 x.y` of the points less c
is a matrix product, far faster, but errs by about `eps (|x - c|^2 + |y - c|^2)`: nothing for points
far apart, everything for points close together far from c. Pairs that are closer than a hundredth
of their distances from c are therefore done again by differences of the points as given.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from dsmverify.ensembles.arguments import reals
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]

BLOCK = 2**18
"""Entries of a block of distances: 2 MiB, so that what follows finds them in the cache."""

PRODUCT_FROM = 48
"""Dimension from which the matrix product is faster than differences."""

CLOSE = 1e-4
"""Squared ratio below which a pair is done again: the product then keeps all but four digits."""

LARGEST = 1e150
"""Coordinates beyond have squares that overflow."""


def cloud(name: str, value: ArrayLike, least: int = 2) -> Floats:
    """Points as a float64 array, checked.

    Args:
        name: of the argument, for the message.
        value: `[k, d]`.
        least: number of points needed.

    Result: exact. `[k, d]`.

    Raises:
        InputError: not a table of real numbers, a number that is not finite or is beyond 1e150, or
            too few points.
    """
    given = reals(name, value)
    if given.ndim != 2 or given.shape[1] < 1:
        raise InputError(
            name,
            f"shape {given.shape}",
            "a cloud is a table, one point in each row",
            "give an array [points, dimension]",
        )
    points = np.ascontiguousarray(given)
    if len(points) < least:
        raise InputError(
            name,
            f"{len(points)} points",
            f"at least {least} points are needed",
            "give more points",
        )
    bad = ~(np.abs(points) <= LARGEST)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{name}[{row}, {column}]",
            show(float(points[row, column])),
            "coordinates are finite and at most 1e150",
            "leave the point out, or find out why it diverged",
        )
    return points


def check_same_dimension(x: Floats, y: Floats) -> None:
    """Raise InputError when clouds have points of different dimensions."""
    if x.shape[1] != y.shape[1]:
        raise InputError(
            "dimension",
            f"{x.shape[1]} and {y.shape[1]}",
            "both clouds lie in the same space",
            "give points of the same dimension",
        )


def between(x: Floats, y: Floats) -> Iterator[Floats]:
    """Squared distances of rows of x to all rows of y, in blocks of rows of x: `[rows, len(y)]`.

    Args:
        x: `[k, d]`.
        y: `[l, d]`.

    Result: approximate, relative error below d eps by differences, and about 1e4 sqrt(d) eps at
        most by the product (1e-10 in d = 1000; 2e-9 if all its roundings agreed).
    """
    distances = _Distances(x, y)
    rows = max(1, BLOCK // len(y))
    for first in range(0, len(x), rows):
        yield distances.block(first, first + rows, 0)


def within(x: Floats) -> Iterator[Floats]:
    """Squared distances of all pairs i < j of rows, in blocks, each flat. No row meets itself.

    Args:
        x: `[k, d]`.

    Result: as `between`.
    """
    distances = _Distances(x, x)
    rows = max(1, BLOCK // len(x))
    for first in range(0, len(x), rows):
        block = distances.block(first, first + rows, first)
        corner = np.triu_indices(len(block), 1)
        yield np.concatenate((block[:, : len(block)][corner], block[:, len(block) :].ravel()))


class _Distances:
    """The clouds, and what the product needs of them."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y
        self.by_product = x.shape[1] >= PRODUCT_FROM
        if self.by_product:
            centre = (x.sum(axis=0) + y.sum(axis=0)) / (len(x) + len(y))
            self.moved_x, self.moved_y = x - centre, y - centre
            self.norms_x = np.einsum("kd,kd->k", self.moved_x, self.moved_x)
            self.norms_y = np.einsum("kd,kd->k", self.moved_y, self.moved_y)

    def block(self, first: int, end: int, column: int) -> Floats:
        """Rows `first..end - 1` of x against rows of y from `column`."""
        if not self.by_product:
            found: Floats = cdist(self.x[first:end], self.y[column:], "sqeuclidean")
            return found
        norms = np.add.outer(self.norms_x[first:end], self.norms_y[column:])
        found = self.moved_x[first:end] @ self.moved_y[column:].T
        found *= -2
        found += norms
        norms *= CLOSE
        close = np.argwhere(found < norms)
        size = max(1, BLOCK // self.x.shape[1])
        for start in range(0, len(close), size):
            i, j = close[start : start + size].T
            apart = self.x[first + i] - self.y[column + j]
            found[i, j] = np.einsum("kd,kd->k", apart, apart)
        return found

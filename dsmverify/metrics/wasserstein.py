"""Wasserstein distances of order p = 2: on the line, sliced, and exact for few points.

    W_2(x, y)^2 = least mean of |x_i - y_pi(i)|^2 over all couplings pi of the two clouds

- On the line the best coupling is the monotone one: sorted values, merged by quantiles when the
  numbers of points differ.
- Sliced: the root of the mean of W_2^2 over projections on fixed unit vectors. No factor for the
  dimension: for laws that differ by a shift it is |shift| / sqrt(d) in the mean over directions.
- Exact in any dimension by an assignment, for as many points on both sides.

The distance of two samples of one law goes to 0 as N^(-1/d) only: in many dimensions two
independent samples are nearly as far apart as samples of different laws (`power` shows it).

Source: the page says that "the Wasserstein distance" agrees; which one, it does not say.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from dsmverify.ensembles.arguments import reals, whole
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.philox import Stream, normals
from dsmverify.ensembles.settings import MAX_SEED
from dsmverify.errors import InputError
from dsmverify.metrics.distances import between, check_same_dimension, cloud

Floats = NDArray[np.float64]

LARGEST_ASSIGNMENT = 2000
"""Points of an exact assignment: 32 MB and several seconds; the time grows as the cube."""

BLOCK = 2**21
"""Numbers in the largest array of a block of projections: 16 MiB."""


def wasserstein2_line(x: ArrayLike, y: ArrayLike) -> float:
    """W_2 of two samples of numbers, of any sizes.

    Args:
        x: `[n]`.
        y: `[m]`.

    Result: approximate, relative error about 1e-15 (differences of the numbers as given).

    Raises:
        InputError: not a list of real numbers, fewer than two, or one that is not finite.
    """
    a, b = (cloud(name, reals(name, z)[..., None]) for name, z in (("x", x), ("y", y)))
    return math.sqrt(_squares_by_column(a, b)[0])


def sliced_wasserstein2(
    x: ArrayLike, y: ArrayLike, *, projections: int = 100, seed: int = 0
) -> float:
    """Root of the mean of W_2^2 over projections on fixed directions.

    Args:
        x: `[n, d]`.
        y: `[m, d]`.
        projections: number of directions.
        seed: of the directions, below 2^64.

    Result: approximate, relative error about 1e-14, for these directions. Over directions it
        estimates the sliced distance, with a standard error that falls as projections^(-1/2).

    Raises:
        InputError: as `mmd.mmd_squared`; no projection, a seed out of range, or arrays that do not
            fit into memory.
    """
    a, b = cloud("x", x), cloud("y", y)
    check_same_dimension(a, b)
    projections = whole("projections", projections, 1)
    seed = whole("seed", seed, 0, MAX_SEED)
    count, d = len(a) + len(b), a.shape[1]
    rows = min(projections, max(1, BLOCK // max(count, d)))
    # Both clouds from their centre; of a block, words of the normals, then projections, the same
    # sorted, and both merged at up to n + m levels.
    require_memory(
        f"{projections} projections of {len(a)} and {len(b)} points in d = {d}",
        8 * (count * (d + 4) + projections + rows * (9 * d + 4 * count)),
        way_out="give fewer points or projections, or a smaller dimension",
    )
    centre = a.mean(axis=0)
    a, b = a - centre, b - centre
    squares = np.empty(projections)
    for first in range(0, projections, rows):
        numbers = np.arange(first, min(projections, first + rows))
        directions = normals(seed, Stream.EVALUATION, numbers, d)
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        squares[numbers] = _squares_by_column(a @ directions.T, b @ directions.T)
    return math.sqrt(np.mean(squares))


def wasserstein2(x: ArrayLike, y: ArrayLike) -> float:
    """W_2 of two clouds of the same number of points, by an optimal assignment.

    Args:
        x: `[n, d]`, n from 2 to 2000.
        y: `[n, d]`.

    Result: approximate, relative error about 1e-14; the assignment is optimal up to rounding of
        its costs (`distances.between`).

    Raises:
        InputError: as `mmd.mmd_squared`, numbers of points differ, or there are more than 2000.
    """
    a, b = cloud("x", x), cloud("y", y)
    check_same_dimension(a, b)
    n = len(a)
    if n != len(b):
        raise InputError(
            "y",
            f"{len(b)} points against {n}",
            "an assignment pairs every point with one other",
            "give as many points on both sides, or use sliced_wasserstein2",
        )
    if n > LARGEST_ASSIGNMENT:
        raise InputError(
            "x",
            f"{n} points",
            f"an exact assignment would take {8 * n * n / 1e9:.2g} GB and about n^3 = "
            f"{float(n) ** 3:.1g} steps",
            f"give at most {LARGEST_ASSIGNMENT} points, or use sliced_wasserstein2",
        )
    rows, columns = linear_sum_assignment(np.concatenate(list(between(a, b))))
    apart = a[rows] - b[columns]
    return math.sqrt(np.einsum("kd,kd->", apart, apart) / n)


def _squares_by_column(x: Floats, y: Floats) -> Floats:
    """W_2^2 of each column of x and of y: quantile functions are steps, merged at all their jumps.

    Levels i/n and j/m are compared as integers i m and j n, so that no step is lost to rounding.
    """
    n, m = len(x), len(y)
    jumps = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(jumps, prepend=0) / (n * m)
    apart = np.sort(x, axis=0)[(jumps - 1) // m] - np.sort(y, axis=0)[(jumps - 1) // n]
    found: Floats = widths @ apart**2
    return found

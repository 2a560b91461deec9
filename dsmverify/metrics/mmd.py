"""Squared maximum mean discrepancy of two clouds, with Gaussian kernels.

| letter | here | meaning |
|---|---|---|
| h | `bandwidth` | of the kernel `exp(-|x - y|^2 / (2 h^2))`; several: the sum of their kernels |
| n, m | `len(x)`, `len(y)` | numbers of points, which may differ |
| k | | the kernel; `k(x, x)` is the number of bandwidths |

    unbiased   2/(n(n-1)) sum_{i<j} k(x_i, x_j) + 2/(m(m-1)) sum_{i<j} k(y_i, y_j) - 2 mean k(x, y)
    biased     the same with all pairs, i = j among them: the squared MMD of the two clouds as laws

The unbiased one has the squared MMD of the two laws as its mean, so it is negative about half the
time where they agree. Between two samples of n points of one law the biased one is larger by
`(2/n)(1 - E k)`, about 2/n once the kernel sees no two points together, whatever the two laws are.

In many dimensions E k is tiny: (1 + 2 sigma^2)^(-d/2) at h = 1 between points with noise sigma of
one training point, 4e-9 at sigma^2 = 0.0198, d = 1000. The sums run over i < j, so that nothing of
this is lost in a sum of ones.

Source: appendix D (Gaussian kernel, bandwidth 1); Gretton, Borgwardt, Rasch, Schölkopf, Smola, A
kernel two-sample test (JMLR 2012), section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.ensembles.arguments import real
from dsmverify.ensembles.memory import require_memory
from dsmverify.errors import InputError
from dsmverify.metrics.distances import between, check_same_dimension, cloud, within

Floats = NDArray[np.float64]
Widths = float | Fraction | Sequence[float | Fraction]

SMALLEST = 3e-308
"""Least kernel value that counts."""


def mmd_squared(x: ArrayLike, y: ArrayLike, bandwidth: Widths, *, biased: bool = False) -> float:
    """Squared MMD of two clouds. Memory does not grow with the number of pairs.

    Args:
        x: `[n, d]`, n at least 2.
        y: `[m, d]`, m at least 2.
        bandwidth: h, or several: the kernel is then the sum of their kernels.
        biased: whether each point is paired with itself too (the V-statistic).

    Result: approximate. The relative error of a kernel value k is |log k| times that of the squared
        distance (`distances.between`): about 1e-15 in few dimensions, below 1e-10 in d = 1000. The
        three sums then err by that much relatively, the biased one by 1e-16 of its ones besides.

    Source: Gretton et al. 2012, eqs. (3) and (5).

    Raises:
        InputError: a cloud is no table of finite numbers or has fewer than two points, dimensions
            differ, or a bandwidth is not positive and finite.
    """
    bandwidths = checked_bandwidths(bandwidth)
    a, b = cloud("x", x), cloud("y", y)
    check_same_dimension(a, b)
    sums = [kernel_sums(blocks, bandwidths) for blocks in (within(a), within(b), between(a, b))]
    return _squared(sums, len(a), len(b), biased)


def median_bandwidth(x: ArrayLike, y: ArrayLike) -> float:
    """Median distance over all pairs of different rows of both clouds taken together.

    Pairs inside x, inside y and across count alike, each once; no row is paired with itself. With
    an even number of pairs, the mean of the two middle distances.

    Args:
        x: `[n, d]`, n at least 2.
        y: `[m, d]`, m at least 2.

    Result: approximate, relative error as of a distance.

    Raises:
        InputError: as `mmd_squared`; the distances do not fit into memory; or the median is 0.
    """
    return Pair(x, y).median_bandwidth


class Cloud:
    """Points, and what only they decide: distances inside the cloud and sums over them, kept.

    Args:
        points: `[n, d]`, n at least 2.
        name: of the argument, for messages.

    Raises:
        InputError: no table of finite numbers, fewer than two points, or the distances do not fit
            into memory.
    """

    def __init__(self, points: ArrayLike, name: str = "points") -> None:
        self.points = cloud(name, points)
        count = len(self.points)
        require_memory(
            f"{name}: all distances of {count} points",
            4 * count * (count - 1),
            way_out="give fewer points",
        )
        self._sums: dict[float, float] = {}

    @cached_property
    def squares(self) -> list[Floats]:
        """Squared distances of pairs i < j, in flat blocks."""
        return list(within(self.points))

    def sums(self, bandwidths: Sequence[float]) -> list[float]:
        """Sums of kernels over pairs i < j."""
        return _kept_sums(self._sums, self.squares, bandwidths)


class Pair:
    """Two clouds and all their distances: several bandwidths for the price of one.

    Args:
        x: `[n, d]`, or a cloud.
        y: `[m, d]`, or a cloud.

    Raises:
        InputError: as `mmd_squared`, or the distances do not fit into memory.
    """

    def __init__(self, x: ArrayLike | Cloud, y: ArrayLike | Cloud) -> None:
        self.x = x if isinstance(x, Cloud) else Cloud(x, "x")
        self.y = y if isinstance(y, Cloud) else Cloud(y, "y")
        check_same_dimension(self.x.points, self.y.points)
        count = len(self.x.points) + len(self.y.points)
        # The median needs a second copy, which it sorts in part.
        require_memory(
            f"all distances of {count} points",
            8 * count * (count - 1),
            way_out="give fewer points, or take `mmd_squared`, which keeps none",
        )
        self._sums: dict[float, float] = {}

    @cached_property
    def _across(self) -> list[Floats]:
        return list(between(self.x.points, self.y.points))

    @cached_property
    def median_bandwidth(self) -> float:
        """See the function of this name."""
        blocks = (*self.x.squares, *self.y.squares, *self._across)
        squares = np.concatenate([block.ravel() for block in blocks])
        middle = (len(squares) - 1) // 2, len(squares) // 2
        squares.partition(middle)
        found = math.fsum(math.sqrt(squares[i]) for i in middle) / 2
        if found == 0:
            raise InputError(
                "bandwidth",
                "'median'",
                "the median distance is 0: at least half of all pairs coincide",
                "give a positive bandwidth",
            )
        return found

    def mmd_squared(self, bandwidth: Widths, *, biased: bool = False) -> float:
        """See the function of this name."""
        bandwidths = checked_bandwidths(bandwidth)
        sums = (
            self.x.sums(bandwidths),
            self.y.sums(bandwidths),
            _kept_sums(self._sums, self._across, bandwidths),
        )
        return _squared(sums, len(self.x.points), len(self.y.points), biased)


def checked_bandwidths(bandwidth: Widths) -> tuple[float, ...]:
    """One bandwidth or several, as a tuple.

    Args:
        bandwidth: real numbers of any kind, fractions among them.

    Raises:
        InputError: there is none, or one is not a positive finite number.
    """
    given: tuple[Any, ...] = (bandwidth,)
    if isinstance(bandwidth, Sequence) and not isinstance(bandwidth, str):
        given = tuple(bandwidth)
    elif isinstance(bandwidth, np.ndarray) and bandwidth.ndim:
        given = tuple(bandwidth.ravel())
    if not given:
        raise InputError("bandwidth", "[]", "a sum has a first term", "give one or more bandwidths")
    # The square of a bandwidth stays among the floats.
    return tuple(
        real("bandwidth", h, above=1e-150, below=1e150, way_out="give h > 0, 1 say") for h in given
    )


def kernel_sums(blocks: Iterable[Floats], bandwidths: Sequence[float]) -> list[float]:
    """Sum over all pairs of `exp(-distance^2 / (2 h^2))`, for each h.

    Half a bandwidth is the fourth power of the kernel, two products instead of an exponential; it
    multiplies the relative error by four, as an exponential of four times the argument does.

    Args:
        blocks: squared distances.
        bandwidths: h.

    Result: approximate, relative error about eps (1 + |log k|) of each kernel value k beyond that
        of its distance. Values below 3e-308, where floats lose digits and speed, are left out.
    """
    descending = sorted(set(bandwidths), reverse=True)
    parts: dict[float, list[float]] = {h: [] for h in descending}
    for block in blocks:
        kernel, last = np.empty(0), 0.0
        for h in descending:
            if last == 2 * h:
                kernel = _above(SMALLEST**0.25, kernel)
                kernel *= kernel
                kernel *= kernel
            else:
                kernel = _above(math.log(SMALLEST), block.ravel() * (-1 / (2 * h * h)))
                np.exp(kernel, out=kernel)
            parts[h].append(float(kernel.sum()))
            last = h
    return [math.fsum(parts[h]) for h in bandwidths]


def _above(least: float, values: Floats) -> Floats:
    """Values above the least one that counts; the same array where that is all of them."""
    return values if not len(values) or values.min() > least else values[values > least]


def _kept_sums(
    kept: dict[float, float], blocks: Iterable[Floats], bandwidths: Sequence[float]
) -> list[float]:
    """Sums of kernels, each computed once."""
    new = [h for h in bandwidths if h not in kept]
    if new:
        kept.update(zip(new, kernel_sums(blocks, new), strict=True))
    return [kept[h] for h in bandwidths]


def _squared(sums: Sequence[Sequence[float]], n: int, m: int, biased: bool) -> float:
    """Squared MMD from the sums over i < j inside x, inside y, and over all pairs across."""
    terms = []
    for inside_x, inside_y, across in zip(*sums, strict=True):
        terms.append(-2 * across / (n * m))
        if biased:
            terms += [1 / n, 2 * inside_x / n**2, 1 / m, 2 * inside_y / m**2]
        else:
            terms += [2 * inside_x / (n * (n - 1)), 2 * inside_y / (m * (m - 1))]
    return math.fsum(terms)

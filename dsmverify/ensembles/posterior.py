"""The exact score of many points at many places: two matrix products and one pass of exp.

| letter | here | meaning |
|---|---|---|
| x_i | `points` | training points, `[n, d]` |
| y | | places, `[k, d]` |
| alpha | | softmax over i of -abs(y - mu x_i)^2 / (2 sigma^2), the posterior odds, normalised |
| s* | `empirical_score` | (mu sum_i alpha_i x_i - y) / sigma^2 |

The term abs(y)^2 of the square is the same for every i and drops out of the softmax. The others are
one product of `(y, 1)` with `(mu x_i / sigma^2, -abs(mu x_i)^2 / (2 sigma^2))`; a second product of
the odds with `(mu x_i, 1)` gives the sum over points and what divides it. Everything is measured
from the mean point.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from dsmverify.ensembles.arguments import real, reals, whole
from dsmverify.ensembles.memory import require_memory
from dsmverify.errors import InputError

Floats = NDArray[np.float64]

CHUNK = 2**18
"""Numbers in a chunk's largest array: two megabytes, which stay in a cache."""

FEWEST_ROWS = 16
"""Places in a chunk, however many points there are: a matrix product of fewer rows is slow."""

FLOOR = -350.0
"""Least logarithm of the odds that is told from lesser ones. Its exponential, 1e-152, adds nothing
to a sum in which the largest odds are 1. Below -708 an exponential is a denormal number or 0: exp
itself was measured to take four times as long there, and there are processors that multiply
denormal numbers a hundred times more slowly."""

SPLITTER = 2.0**27 + 1
"""Veltkamp's: cuts the 53 bits of a number into two halves whose products are exact."""


def empirical_score(
    points: ArrayLike,
    y: ArrayLike,
    mu: float,
    sigma: float,
    *,
    threads: int | None = None,
    chunk: int | None = None,
) -> Floats:
    """`s*(y) = sum_i alpha_i (mu x_i - y) / sigma^2`, for any number of points. `[k, d]`.

    Args:
        points: `[n, d]`, finite, n >= 1; order and ties are free (a tie is a point of twice the
            weight).
        y: `[k, d]`, finite; however far from the points.
        mu: signal factor, at least 0.
        sigma: noise level, positive.
        threads: chunks at the same time; None takes every core this process may use. It changes no
            byte.
        chunk: places in a chunk; None keeps a chunk in cache. Memory beyond the result is two
            copies of the points and `chunk (n + 2 d)` numbers for each thread.

    Result: approximate. With a = abs(y - mu x), x the mean point, and R the largest
    abs(mu (x_i - x)): the logarithms of the odds have an error of about 1e-16 sqrt(d) R (a + R) /
    sigma^2, which moves s* where the posterior switches and nowhere else; all else has an error of
    about 1e-15 (a + R) / sigma^2. Both are what moving y by some 1e-16 (a + R) does to the exact
    s*. A distance of the points from the origin costs nothing: it is taken off without rounding.

    Source: eqs. 6 and 9, pp. 4 and 7.

    Raises:
        InputError: a table is not one of real numbers; a shape, mu, sigma, `threads` or `chunk` is
            out of range; a point or place is not finite, or so far away that squares overflow; the
            arrays do not fit into memory.
    """
    x, places = reals("points", points), reals("y", y)
    mu = real("mu", mu, least=0)
    sigma = real("sigma", sigma, above=1e-150, below=1e150)  # its square is positive and finite
    _check(x, places)
    (n, d), count = x.shape, len(places)
    rows = max(FEWEST_ROWS, CHUNK // max(n, d + 1)) if chunk is None else whole("chunk", chunk, 1)
    rows = min(rows, max(count, 1))
    workers = _cores() if threads is None else whole("threads", threads, 1)
    workers = min(workers, -(-count // rows)) or 1
    require_memory(
        f"the score of {n} points at {count} places in d = {d}",
        8 * (count * d + 2 * n * (d + 1) + workers * rows * (n + 2 * (d + 1))),
    )
    found = np.empty((count, d))
    with np.errstate(over="ignore", invalid="ignore"):  # the first chunk is refused
        prepared = _Prepared(x, mu, sigma)

    def fill(worker: int) -> None:
        room = prepared.room(rows)
        for start in range(worker * rows, count, workers * rows):
            part = slice(start, start + rows)
            prepared.fill(places[part], found[part], room)

    with _libraries().limit(limits=1, user_api="blas"):
        if workers == 1:
            fill(0)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(fill, range(workers)))
    return found


class _Prepared:
    """What does not depend on the place.

    Attributes:
        to_odds: `[d + 1, n]`, what `(y, 1)` is multiplied by.
        to_mean: `[n, d + 1]`, what the odds are multiplied by.
        centre: mu times the mean point, as two numbers whose sum it is exactly. `[d]` each.
    """

    def __init__(self, points: Floats, mu: float, sigma: float) -> None:
        n, d = points.shape
        self.variance = sigma * sigma
        middle = points.mean(axis=0)
        self.centre = _exact_product(mu, middle)
        self.to_mean = np.ones((n, d + 1))
        means = self.to_mean[:, :d]
        np.subtract(points, middle, out=means)
        means *= mu
        squares = np.einsum("ij,ij->i", means, means)
        self.to_odds = np.empty((d + 1, n))
        np.divide(means.T, self.variance, out=self.to_odds[:d])
        np.divide(squares, -2 * self.variance, out=self.to_odds[d])
        self.reach = math.sqrt(float(squares.max()))

    def room(self, rows: int) -> tuple[Floats, Floats, Floats]:
        """Arrays for one thread: places with a 1, odds, sums."""
        d, n = self.to_odds.shape[0] - 1, self.to_odds.shape[1]
        return np.ones((rows, d + 1)), np.empty((rows, n)), np.empty((rows, d + 1))

    def fill(self, y: Floats, result: Floats, room: tuple[Floats, Floats, Floats]) -> None:
        """s* of a chunk, into `result`."""
        at, odds, sums = (array[: len(y)] for array in room)
        d = y.shape[1]
        high, low = self.centre
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(y, high, out=at[:, :d])
            at[:, :d] -= low
            self._check_reach(max(float(at.max()), -float(at.min())) * math.sqrt(d))
        np.matmul(at, self.to_odds, out=odds)
        odds -= odds.max(axis=1, keepdims=True)
        np.maximum(odds, FLOOR, out=odds)
        np.exp(odds, out=odds)
        np.matmul(odds, self.to_mean, out=sums)
        np.divide(sums[:, :d], sums[:, d:], out=result)
        result -= at[:, :d]
        result /= self.variance

    def _check_reach(self, apart: float) -> None:
        """Refuse places so far from the mean point that an odds' logarithm might overflow."""
        if not math.isfinite(4 * (self.reach + 1) * (apart + self.reach + 1) / self.variance):
            raise InputError(
                "y",
                f"places up to {apart:.3g} and points up to {self.reach:.3g} from the mean point",
                f"squares over sigma^2 = {self.variance:.3g} overflow",
                "give places and points nearer to each other, or a larger noise level",
            )


def _exact_product(factor: float, values: Floats) -> tuple[Floats, Floats]:
    """Rounded product and its rounding error (Dekker). `[d]` each; without overflow exact.

    Reference: Dekker, A floating-point technique for extending the available precision (1971).
    """
    high = factor * values

    def halves(x: Any) -> tuple[Any, Any]:
        upper = SPLITTER * x - (SPLITTER * x - x)
        return upper, x - upper

    (a, b), (c, d) = halves(factor), halves(values)
    return high, ((a * c - high) + a * d + b * c) + b * d


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """BLAS as loaded; kept, since the search for it takes as long as a small score."""
    return ThreadpoolController()


def _cores() -> int:
    """Cores that this process may use; 1 where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _check(points: Floats, y: Floats) -> None:
    if points.ndim != 2 or not points.size:
        raise InputError(
            "points",
            f"shape {points.shape}",
            "there must be at least one point, one row each",
            "give an array of shape [n, d]",
        )
    if y.ndim != 2 or y.shape[1] != points.shape[1]:
        raise InputError(
            "y",
            f"shape {y.shape}",
            f"the points have dimension {points.shape[1]}",
            "give an array of shape [k, d]",
        )
    for name, array in (("points", points), ("y", y)):
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).all(axis=1)))
            raise InputError(
                f"{name}[{row}]", "a NaN or infinity", "every row is finite", "remove or repair it"
            )

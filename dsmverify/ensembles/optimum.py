"""What a trained score is compared with: the best score, the best linear score and zero.

| letter | here | meaning |
|---|---|---|
| s* | `score` | minimiser of the risk, (mu E[X given Y = y] - y) / sigma^2 |
| R_n(s*) | `optimal_risk` | its risk, split at the outermost noised means |
| C | | covariance of the uniform law on the training points, [d, d] |

Order and ties of the training points are free: a tie is a point of twice the weight.

In d dimensions the risk has the squared Euclidean norm: the sum over coordinates, not the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify import order
from dsmverify.ensembles.posterior import empirical_score
from dsmverify.ensembles.settings import Problem
from dsmverify.errors import InputError
from dsmverify.formulas import posterior
from dsmverify.formulas.setting import Sample
from dsmverify.systems.float64 import SYSTEM, legendre_rule

Floats = NDArray[np.float64]
T = TypeVar("T")

REACH = 40.0
"""Sigmas beyond the outermost means that count: exp(-40^2/2) is below every float64."""

NODES, FEWER_NODES = 24, 16
"""Gauss-Legendre nodes on a panel; the difference of the two rules decides what is bisected."""

SETTLED = 1e-15
"""A panel is settled when its two rules differ by less than this part of the whole integral."""

BISECTIONS = 40
"""Most rounds of bisection: panels of 1e-12 of their first width, below any feature of s*."""

BLOCK = 2**20
"""Entries of the largest array in a sum over training points."""


@dataclass(frozen=True)
class Sides(Generic[T]):
    """One value for each part of the line.

    Attributes:
        left: for y < mu x_1, x_1 the least training point.
        inside: for mu x_1 <= y <= mu x_n.
        right: for y > mu x_n.
    """

    left: T
    inside: T
    right: T


def sample_of(problem: Problem) -> Sample[Any]:
    """Points in ascending order, ties kept, as the formulas take them (d = 1).

    Raises:
        InputError: the problem has d > 1.
    """
    if problem.dimension != 1:
        raise InputError(
            "problem",
            f"dimension {problem.dimension}",
            "exact measurements are for d = 1",
            "use dsmverify.ensembles.dimensions",
        )
    points = np.sort(problem.points[:, 0])
    return Sample(points, np.float64(problem.mu), np.float64(problem.sigma), problem.size)


def score(problem: Problem, y: ArrayLike) -> Floats:
    """`s*(y)`, the minimiser of the risk. `[k, d]`.

    Args:
        problem: training points and noise level.
        y: `[k, d]`, or `[k]` for d = 1; any finite points, nothing overflows.

    Result: approximate, error about 1e-15 of (abs(y) + mu max abs(x)) / sigma^2, times a logarithm
    of the posterior odds, `mu max abs(x) abs(y) / sigma^2`, where the posterior switches; for d > 1
    as `dsmverify.ensembles.posterior` says.

    Source: eqs. 6 and 9, pp. 4 and 7.

    Raises:
        InputError: y has another dimension, or for d > 1 a NaN or infinity.
    """
    places = np.asarray(y, dtype=np.float64)
    places = places[:, None] if places.ndim == 1 else places
    if places.ndim != 2 or places.shape[1] != problem.dimension:
        raise InputError(
            "y",
            f"shape {np.shape(y)}",
            f"the problem has dimension {problem.dimension}",
            "give an array of shape [k, d]",
        )
    if problem.dimension > 1:
        return empirical_score(problem.points, places, problem.mu, problem.sigma)
    found = np.empty_like(places)
    one = sample_of(problem)
    rows = max(1, BLOCK // problem.size)
    for start in range(0, len(places), rows):
        at = places[start : start + rows, 0]
        anchors = order.nearest(one.points, at / one.mu)
        found[start : start + rows, 0] = posterior.empirical_score(SYSTEM, at, one, anchors)
    return found


def zero_risk(problem: Problem) -> float:
    """`R_n(0) = d / sigma^2`, sum over coordinates. Exact."""
    return problem.dimension / problem.sigma**2


def linear_risk(problem: Problem) -> float:
    """Least risk of a linear score `A y + b`: the score of the Gaussian fitted to the noised data.

    The target `-(Y - mu X)/sigma^2` has mean 0 and covariance -I with Y, and Y has covariance
    `S = mu^2 C + sigma^2 I`: the best line is `-S^{-1} (y - E Y)`, of risk
    `d/sigma^2 - tr S^{-1} = sum_j mu^2 c_j / (sigma^2 (mu^2 c_j + sigma^2))` with c_j the
    eigenvalues of C. Result: approximate, relative error about 1e-15.
    """
    apart = problem.points - problem.points.mean(axis=0)
    # Singular values, not eigenvalues of C: a sample on a line has exact zeros to keep.
    spread = np.linalg.svd(apart, compute_uv=False) ** 2 / problem.size
    spread *= problem.mu**2
    variance = problem.sigma**2
    return float((spread / (variance * (spread + variance))).sum())


def optimal_risk(problem: Problem) -> float:
    """`R_n(s*)` in d = 1. Approximate, relative error about 1e-13; 0 where it underflows.

    Source: eqs. 5 and 9.

    Raises:
        InputError: the problem has d > 1.
    """
    parts = optimal_risk_by_side(problem)
    return math.fsum((parts.left, parts.inside, parts.right))


def optimal_risk_by_side(problem: Problem) -> Sides[float]:
    """`R_n(s*)` from each part of the line; kept, so that a problem is integrated once.

    `(mu^2/sigma^4) int p(y) V[X given y] dy`, by Gauss-Legendre on panels graded towards the
    switches of the posterior and bisected until two rules agree. Error as in `optimal_risk`.

    Raises:
        InputError: the problem has d > 1.
    """
    points = sample_of(problem).points
    return _optimal_risk_by_side(points.tobytes(), problem.mu, problem.sigma)


@lru_cache(maxsize=4096)
def _optimal_risk_by_side(points: bytes, mu: float, sigma: float) -> Sides[float]:
    x = np.frombuffer(points)
    sample: Sample[Any] = Sample(x, np.float64(mu), np.float64(sigma), len(x))

    def integrand(y: Floats) -> Floats:
        anchors = order.nearest(x, y / mu)
        value: Floats = posterior.risk_density(SYSTEM, y, sample, anchors)
        return value

    low, high = mu * x[0], mu * x[-1]
    return integrate_by_side(integrand, _panels(sample), low, high, width=len(x))


def integrate_by_side(
    integrand: Callable[[Floats], Floats], cuts: Floats, low: float, high: float, *, width: int = 1
) -> Sides[float]:
    """Integral of a function that is smooth between cuts, split at low and high.

    Args:
        integrand: `[k]` to `[k]`.
        cuts: ascending, low and high among them.
        low: end of the left part.
        high: end of the inside part.
        width: entries that the integrand needs for each y.

    Result: approximate, relative error about 1e-13 where the sign does not change.
    """
    left, right = cuts[:-1], cuts[1:]
    settled: list[tuple[Floats, Floats]] = []
    total = 0.0
    for _ in range(BISECTIONS):
        fine = _rule(integrand, left, right, NODES, width)
        coarse = _rule(integrand, left, right, FEWER_NODES, width)
        whole = total + float(np.abs(fine).sum())
        rough = np.abs(fine - coarse) > SETTLED * whole
        settled.append((left[~rough], fine[~rough]))
        total += float(np.abs(fine[~rough]).sum())
        left, right, fine = left[rough], right[rough], fine[rough]
        if not left.size:
            break
        middle = (left + right) / 2
        left, right = np.concatenate((left, middle)), np.concatenate((middle, right))
    else:
        settled.append((left, _rule(integrand, left, right, NODES, width)))
    starts = np.concatenate([part[0] for part in settled])
    values = np.concatenate([part[1] for part in settled])
    is_left, is_right = starts < low, starts >= high
    masks = is_left, ~is_left & ~is_right, is_right
    return Sides(*(math.fsum(values[mask]) for mask in masks))


def _rule(
    integrand: Callable[[Floats], Floats], left: Floats, right: Floats, nodes: int, width: int
) -> Floats:
    """Gauss-Legendre on each panel. `[panels]`."""
    points, weights = legendre_rule(nodes)
    result = np.empty(left.size)
    rows = max(1, BLOCK // (nodes * width))
    for start in range(0, left.size, rows):
        part = slice(start, start + rows)
        length = (right[part] - left[part])[:, None]
        y = left[part, None] + length * points
        values = integrand(y.ravel()).reshape(y.shape)
        result[part] = (values * length) @ weights
    return result


def _panels(sample: Sample[Any]) -> Floats:
    """Cuts at means and midpoints, graded towards the midpoints, where the posterior switches.

    Between neighbours at distance g the posterior odds change by a factor e over sigma^2/g.
    """
    mu, sigma = float(sample.mu), float(sample.sigma)
    means = np.unique(mu * sample.points)
    steps = sigma * np.concatenate((np.arange(1, 13), [16, 20, 26, REACH]))
    cuts = [means, means[0] - steps, means[-1] + steps]
    if means.size > 1:
        half = np.diff(means) / 2
        middle = means[:-1] + half
        cuts.append(middle)
        step = np.minimum(sigma**2 / (2 * half), sigma)
        while (step < half).any():
            inside = step < half
            cuts += [(middle - step)[inside], (middle + step)[inside]]
            step = 2 * step
    return np.unique(np.concatenate(cuts))

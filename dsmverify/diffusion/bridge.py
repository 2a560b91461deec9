"""Generation with the exact score, without any error of discretisation.

Under s*, the score of the noised sample, the backward process is the forward process of a training
point drawn at random, run backwards. So its kernel from T to delta is a mixture: given X_T = y, the
forward process began at x_i with probability `alpha_i(T, y)`, and given both ends the path between
them is an Ornstein-Uhlenbeck bridge, whose law at delta is Gaussian:

    X_delta = a x_i + b y + sqrt(v) Z,   a = mu_delta sigma_h^2 / sigma_T^2,
    b = mu_h sigma_delta^2 / sigma_T^2,  v = sigma_delta^2 sigma_h^2 / sigma_T^2,   h = T - delta.

(Multiply the densities of X_delta | X_0 = x_i, of mean mu_delta x_i and variance sigma_delta^2, and
of y | X_delta, of mean mu_h X_delta and variance sigma_h^2; sigma_T^2 = mu_h^2 sigma_delta^2 +
sigma_h^2.)

A kernel does not know the law of what it is applied to. The transition density q(x | y) of the
backward equation solves that equation's Kolmogorov equations, in which only the drift, hence only
s*, occurs; the bridges' mixture solves them too (for p_T-almost every y by reversal of time, then
for every y, since both sides are continuous in y), and the solution is unique, as the drift is
Lipschitz on [delta, T]. So the law of the generated points is this mixture for every law of X_T,
also for N(0, I), which is not p_T: that start changes the weights of the training points and
nothing else.

| letter | here | meaning |
|---|---|---|
| x_i | `points` | training points |
| alpha_i(T, y) | `choice_probabilities` | probability that what is at y at T began at x_i |
| a, b, v | `Bridge` | the bridge's law |
| w_i, m_i, C_i | `Clusters` | probability, mean and covariance of what was generated from x_i |
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import philox
from dsmverify.ensembles.arguments import whole
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.settings import MAX_SEED, as_points
from dsmverify.ensembles.times import in_order, noise_deviation, signal_factor

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHUNK = 1 << 18
"""Numbers in one array of a chunk of rows: 2 MiB."""
NODES = (96, 64)
"""Gauss-Hermite rules, per axis: the one that is reported, and the one it is compared with."""
APART = 1 << 63
"""Added to a point's number, so that exact and discretised generation never share a draw."""


@dataclass(frozen=True)
class Bridge:
    """Law of X_earlier, given X_0 and X_later: N(`origin` X_0 + `place` X_later, `variance` I)."""

    origin: float
    place: float
    variance: float

    @classmethod
    def between(cls, earlier: float, later: float) -> Bridge:
        """The bridge's coefficients for 0 < earlier < later.

        Approximate, relative error about 1e-16 / (later - earlier).
        """
        gap = later - earlier
        inner, outer, whole = (float(noise_deviation(t)) ** 2 for t in (earlier, gap, later))
        return cls(
            float(signal_factor(earlier)) * outer / whole,
            float(signal_factor(gap)) * inner / whole,
            inner * outer / whole,
        )


def choice_probabilities(points: Floats, y: Floats, time: float) -> Floats:
    """`alpha_i(time, y) = softmax_i(-|y - mu x_i|^2 / (2 sigma^2))`. `[k, n]`.

    Args:
        points: `[n, d]`.
        y: `[k, d]`.
        time: positive.

    Result: approximate, absolute error about 1e-16 (|y|^2 + |x|^2) / sigma^2.

    Source: section 5, eq. 9.
    """
    mu, square = float(signal_factor(time)), float(noise_deviation(time)) ** 2
    exponents = (mu / square) * (y @ points.T)
    exponents -= (mu * mu / (2 * square)) * (points * points).sum(axis=1)
    exponents -= exponents.max(axis=1, keepdims=True)
    np.exp(exponents, out=exponents)
    exponents /= exponents.sum(axis=1, keepdims=True)
    return exponents


def generate_exactly(
    points: Any, count: int, seed: int, *, start: float = 0.01, end: float = 1.0
) -> Floats:
    """Points generated with the exact score s*, from N(0, I) at `end` to `start`. `[count, d]`.

    Result: exact samples of the law, up to rounding: no step, no error of discretisation.

    Args:
        points: `[n, d]`, training points; a point given twice counts twice.
        count: number of points to generate.
        seed: 0 <= seed < 2^64. The draws are apart from those of `generate` with the same seed.
        start: delta, positive.
        end: T, above `start`.

    Source: section 7, p. 11 (the process and its start); the mixture is derived above.

    Raises:
        InputError: the points, the count, the seed or a time is out of range, or the points do not
            fit into memory.
    """
    return draw_choices(points, count, seed, start=start, end=end)[0]


def draw_choices(
    points: Any, count: int, seed: int, *, start: float = 0.01, end: float = 1.0
) -> tuple[Floats, Integers]:
    """The points of `generate_exactly`, and the number of the training point behind each.

    Returns:
        `[count, d]` and `[count]`.

    Raises:
        InputError: as `generate_exactly`.
    """
    sample = as_points("points", points)
    count, seed = check_draws(count, seed)
    start, end = in_order(start, end)
    bridge = Bridge.between(start, end)
    n, d = sample.shape
    # Points twice; of a chunk: y, the words of the normals, and the probabilities' sums and levels.
    require_memory(
        f"{count} points in d = {d} from {n}",
        8 * (count * (d + 1) + 2 * n * d + chunk_rows(count, max(n, d)) * (10 * d + 4 * n)),
        way_out="give a smaller count or dimension, or fewer training points",
    )
    found, chosen = np.empty((count, d)), np.empty(count, dtype=np.int64)
    for rows in row_chunks(count, max(n, d)):
        numbers = np.arange(rows.start, rows.stop, dtype=np.uint64) + np.uint64(APART)
        y = philox.normals(seed, philox.Stream.START, numbers, d)
        sums = np.cumsum(choice_probabilities(sample, y, end), axis=1)
        picks = philox.words(seed, philox.Stream.GENERATION, numbers, 2**32 - 1)[2]
        levels = (picks.astype(np.float64) + 0.5) * 2.0**-32 * sums[:, -1]
        choice = (levels[:, None] > sums).sum(axis=1)
        noise = philox.normals(seed, philox.Stream.GENERATION, numbers, d)
        found[rows] = (
            bridge.origin * sample[choice] + bridge.place * y + math.sqrt(bridge.variance) * noise
        )
        chosen[rows] = choice
    return found, chosen


@dataclass(frozen=True)
class Clusters:
    """Moments at delta of what the exact score generates, by the training point it began at.

    Attributes:
        weights: `[n]`, w_i; they add up to 1.
        means: `[n, d]`, m_i.
        covariances: `[n, d, d]`, C_i.
        weight_errors, mean_errors, covariance_errors: of the same shapes; the difference between
            two quadrature rules, or a standard error.
        by_quadrature: whether the errors are differences between rules.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    weight_errors: Floats
    mean_errors: Floats
    covariance_errors: Floats
    by_quadrature: bool


def cluster_moments(
    points: Any,
    *,
    start: float = 0.01,
    end: float = 1.0,
    draws: int = 200_000,
    seed: int = 0,
    nodes: tuple[int, int] = NODES,
) -> Clusters:
    """Probability, mean and covariance of what s* generates from each training point.

    With Y ~ N(0, I): `w_i = E alpha_i(T, Y)`, `m_i = a x_i + b E_i Y`, `C_i = v I + b^2 Cov_i Y`,
    where `E_i f = E[alpha_i f] / w_i`.

    Result: approximate. In d = 1 and 2 by Gauss-Hermite quadrature, with the difference between two
    rules as error (not a bound); in more dimensions by Monte Carlo, with standard errors.

    Args:
        points: `[n, d]`, training points.
        start: delta, positive.
        end: T, above `start`.
        draws: for d > 2, draws of Y.
        seed: for d > 2, 0 <= seed < 2^64.
        nodes: for d <= 2, nodes per axis of the two rules.

    Source: as the module.

    Raises:
        InputError: an argument is out of range, or the covariances do not fit into memory.
    """
    sample = as_points("points", points)
    draws, seed = check_draws(draws, seed)
    start, end = in_order(start, end)
    n, d = sample.shape
    largest = max(whole("nodes", k, 1) for k in nodes)
    # Of a rule: loads, and the nodes from every mean, twice. Of draws: as in `draw_choices`.
    places = largest**d * n * (2 * d + 4) if d <= 2 else chunk_rows(draws, max(n, d)) * 10 * (n + d)
    require_memory(
        f"covariances of {n} clusters in d = {d}",
        8 * (n * d * d * 6 + places),
        way_out="give fewer points, a smaller dimension or fewer nodes",
    )
    bridge = Bridge.between(start, end)
    if d <= 2:
        first, second = (_by_rule(sample, end, bridge, k) for k in nodes)
        return Clusters(
            *first,
            np.abs(first[0] - second[0]),
            np.abs(first[1] - second[1]),
            np.abs(first[2] - second[2]),
            by_quadrature=True,
        )
    return _by_sampling(sample, end, bridge, draws, seed)


def _by_rule(
    points: Floats, time: float, bridge: Bridge, count: int
) -> tuple[Floats, Floats, Floats]:
    nodes, masses = np.polynomial.hermite_e.hermegauss(count)
    d = points.shape[1]
    grid = np.stack(np.meshgrid(*[nodes] * d, indexing="ij"), axis=-1).reshape(-1, d)
    mass = np.stack(np.meshgrid(*[masses] * d, indexing="ij"), axis=-1).reshape(-1, d).prod(axis=1)
    loads = choice_probabilities(points, grid, time) * (mass / mass.sum())[:, None]
    weights = loads.sum(axis=0)
    loads /= weights
    centres = loads.T @ grid
    apart = grid[None, :, :] - centres[:, None, :]
    spread = np.einsum("gi,igj,igk->ijk", loads, apart, apart, optimize=True)
    return weights, *_moments(points, bridge, centres, spread)


def _by_sampling(points: Floats, time: float, bridge: Bridge, draws: int, seed: int) -> Clusters:
    n, d = points.shape

    def chunks() -> Iterator[tuple[Floats, Floats]]:
        for rows in row_chunks(draws, max(n, d)):
            numbers = np.arange(rows.start, rows.stop, dtype=np.uint64) + np.uint64(APART)
            y = philox.normals(seed, philox.Stream.START, numbers, d)
            yield y, choice_probabilities(points, y, time)

    weights, squares, centres = np.zeros(n), np.zeros(n), np.zeros((n, d))
    for y, alpha in chunks():
        weights += alpha.sum(axis=0)
        squares += (alpha * alpha).sum(axis=0)
        centres += alpha.T @ y
    centres /= weights[:, None]
    spread, centre_squares = np.zeros((n, d, d)), np.zeros((n, d))
    fourth, cross = np.zeros((n, d, d)), np.zeros((n, d, d))
    for y, alpha in chunks():
        for i in range(n):
            apart = y - centres[i]
            spread[i] += (alpha[:, i, None] * apart).T @ apart
            # Delta method for ratios: the sum of (alpha f)^2 with f centred, over (sum of alpha)^2.
            heavy = (alpha[:, i, None] * apart) ** 2
            centre_squares[i] += heavy.sum(axis=0)
            fourth[i] += heavy.T @ (apart * apart)
            cross[i] += (alpha[:, i, None] ** 2 * apart).T @ apart
    spread /= weights[:, None, None]
    fourth += spread**2 * squares[:, None, None] - 2 * spread * cross
    deviation = np.sqrt(np.maximum(squares / draws - (weights / draws) ** 2, 0) / draws)
    means, covariances = _moments(points, bridge, centres, spread)
    return Clusters(
        weights / draws,
        means,
        covariances,
        deviation,
        bridge.place * np.sqrt(centre_squares) / weights[:, None],
        bridge.place**2 * np.sqrt(np.maximum(fourth, 0)) / weights[:, None, None],
        by_quadrature=False,
    )


def _moments(
    points: Floats, bridge: Bridge, centres: Floats, spread: Floats
) -> tuple[Floats, Floats]:
    means = bridge.origin * points + bridge.place * centres
    return means, bridge.variance * np.eye(points.shape[1]) + bridge.place**2 * spread


def row_chunks(count: int, width: int) -> Iterator[slice]:
    """Rows 0..count - 1 in pieces of at most `CHUNK` numbers, one row at least."""
    rows = chunk_rows(count, width)
    for first in range(0, count, rows):
        yield slice(first, min(count, first + rows))


def chunk_rows(count: int, width: int) -> int:
    """Rows of the first piece, the largest."""
    return min(count, max(1, CHUNK // width))


def check_draws(count: int, seed: int) -> tuple[int, int]:
    """Number of points and seed as Python's integers.

    Raises:
        InputError: the count is not in 1..2^31, or the seed not in 0..2^64 - 1.
    """
    return whole("count", count, 1, 2**31 + 1), whole("seed", seed, 0, MAX_SEED)

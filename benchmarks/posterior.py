"""The exact score of many points at many places, beside the products and the exp it contains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pairs import Measurement, paired
from dsmverify.ensembles.posterior import empirical_score

Floats = NDArray[np.float64]

DIMENSION, POINTS, PLACES = 64, 1000, 10_000
SIGMAS = (0.14, 0.5, 0.93)
"""Noise levels at times 0.01, 0.14 and 1."""

SHARE = 0.6
"""Part of the speed of the products and the exp that is asked for."""

SPREAD = 2.0
"""Standard deviation of the points."""


def empirical_scores(rounds: int) -> Iterator[Measurement]:
    """One thread at three noise levels, two threads at one of them, and small noise unclamped."""
    for sigma in SIGMAS:
        yield _beside_parts(sigma, 1, rounds)
    yield _beside_parts(SIGMAS[1], 2, rounds)
    yield _clamped(0.02, rounds)


def _beside_parts(sigma: float, threads: int, rounds: int) -> Measurement:
    """Ours against the products and the exp, into arrays that exist already."""
    points, y, mu = _data(sigma)
    halves = np.array_split(np.arange(PLACES), threads)
    odds = -np.random.default_rng(2).exponential(20.0, (PLACES, POINTS))
    room, sums = np.empty((PLACES, POINTS)), np.empty((PLACES, DIMENSION))

    def parts(rows: NDArray[np.int64]) -> None:
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        np.matmul(y[part], points.T, out=room[part])
        np.exp(odds[part], out=room[part])
        np.matmul(room[part], points, out=sums[part])

    note = f"n={POINTS} d={DIMENSION}, {PLACES} places, threads {threads}; baseline: products, exp"
    name = f"empirical_score@{sigma}" + (f"x{threads}" if threads > 1 else "")
    ours = partial(empirical_score, points, y, mu, sigma, threads=threads)
    if threads == 1:
        return paired(name, ours, partial(parts, halves[0]), rounds=rounds, target=SHARE, note=note)
    with ThreadPoolExecutor(threads) as pool:

        def spread() -> None:
            list(pool.map(parts, halves))

        return paired(name, ours, spread, rounds=rounds, target=SHARE, note=note)


def _clamped(sigma: float, rounds: int) -> Measurement:
    """What the floor of the odds' logarithms is worth at small noise: the same sums without it."""
    points, y, mu = _data(sigma)
    points, y = points - points.mean(axis=0), y - mu * points.mean(axis=0)
    variance, chunk = sigma**2, 256

    def without() -> None:
        means = mu * points
        right, squares = means.T / variance, (means * means).sum(axis=1) / (2 * variance)
        room, sums = np.empty((chunk, POINTS)), np.empty((chunk, DIMENSION))
        for start in range(0, PLACES, chunk):
            at = y[start : start + chunk]
            odds = np.matmul(at, right, out=room[: len(at)])
            odds -= squares
            odds -= odds.max(axis=1, keepdims=True)
            np.exp(odds, out=odds)
            np.matmul(odds, means, out=sums[: len(at)])

    ours: Callable[[], Any] = partial(empirical_score, points, y, mu, sigma, threads=1, chunk=chunk)
    note = f"n={POINTS} d={DIMENSION}, {PLACES} places; baseline: same chunks, exp without a floor"
    return paired(
        f"empirical_score_floor@{sigma}", ours, without, rounds=rounds, target=1, note=note
    )


def _data(sigma: float) -> tuple[Floats, Floats, float]:
    """Points, places drawn from the noised law of them, and mu."""
    generator = np.random.default_rng(1)
    mu = float(np.sqrt(1 - sigma**2))
    points = SPREAD * generator.standard_normal((POINTS, DIMENSION))
    chosen = generator.integers(POINTS, size=PLACES)
    y = mu * points[chosen] + sigma * generator.standard_normal((PLACES, DIMENSION))
    return points, y, mu

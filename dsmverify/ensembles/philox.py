"""Counter-based randomness: Philox4x32-10, and the draws of a training step, in NumPy.

A draw is a function of (run seed, stream, step, number): no state, so that every path, any order,
any number of threads and any restart sees the same numbers. This module is the definition; the
kernel's and torch's versions are tied to it by tests.

| letter | here | meaning |
|---|---|---|
| key | | (low, high) 32 bits of the run's seed |
| counter | | (block, low and high 32 bits of the step, stream) |
| w0..w3 | `words` | the block's four random 32-bit words |

A step of batch size B in d dimensions needs B d normals and B indices. Normal q = j d + c (element
j, coordinate c) is the cosine (q even) or sine (q odd) half of the Box-Muller pair made of w0, w1
of block q // 2. The index of element j comes from w2 (j even) or w3 (j odd) of block j // 2.
Where a step also draws one of several times for each element, element j's comes from word j mod 4
of block j // 4 of a stream of its own, held against whole thresholds.

Uniforms have 32 bits, the least being 2^-33: normals beyond sqrt(66 ln 2), about 6.764, do not
occur, and the probability of an index deviates from 1/n by less than 2^-32.

Reference: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Indices = NDArray[np.int64]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = 0xFFFFFFFF


class Stream(IntEnum):
    """What a draw is for: the last word of the counter."""

    TRAINING = 0
    OUTER = 1
    INNER = 2
    BIAS = 3
    DATA = 4
    EVALUATION = 5
    RESAMPLING = 6
    TIMES = 7
    GENERATION = 8
    START = 9


def words(seed: Any, stream: int, step: Any, block: Any) -> tuple[Words, Words, Words, Words]:
    """The four 32-bit words of blocks, as uint64. Arguments broadcast.

    Args:
        seed: run seeds, below 2^64.
        stream: what for.
        step: step numbers, below 2^64.
        block: block numbers, below 2^32.
    """
    seed, step, block = (np.asarray(x, dtype=np.uint64) for x in (seed, step, block))
    mask, half = np.uint64(MASK), np.uint64(32)
    seed, step, c0 = np.broadcast_arrays(seed, step, block)
    k0, k1 = seed & mask, seed >> half
    c1, c2 = step & mask, step >> half
    c3 = np.full_like(c0, stream)
    m0, m1 = (np.uint64(x) for x in MULTIPLIERS)
    w0, w1 = (np.uint64(x) for x in WEYL)
    for _ in range(ROUNDS):
        p0, p1 = m0 * c0, m1 * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & mask, (p0 >> half) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + w0) & mask, (k1 + w1) & mask
    return c0, c1, c2, c3


def normals(seed: Any, stream: int, step: Any, count: int) -> Floats:
    """Standard normals number 0..count - 1 of each (seed, step). `[..., count]`, float64."""
    blocks = np.arange((count + 1) // 2)
    first, second, _, _ = words(_column(seed), stream, _column(step), blocks)
    return _box_muller(first, second)[..., :count]


def training_draws(
    seed: Any, step: Any, size: int, dimension: int, points: int, *, replacement: bool
) -> tuple[Indices, Floats]:
    """Point numbers `[..., size]` and noise `[..., size, dimension]` of one training step.

    Args:
        seed: run seeds `[...]`.
        step: step number, an integer or `[...]`.
        size: elements of the batch; at most `points` without replacement.
        dimension: d.
        points: training points, n.
        replacement: whether points are drawn with replacement.
    """
    count = size * dimension
    blocks = np.arange((count + 1) // 2)
    w0, w1, w2, w3 = words(_column(seed), Stream.TRAINING, _column(step), blocks)
    noise = _box_muller(w0, w1)[..., :count]
    noise = noise.reshape((*noise.shape[:-1], size, dimension))
    picks = np.stack((w2, w3), axis=-1).reshape((*w2.shape[:-1], -1))[..., :size]
    return indices(picks, points, replacement=replacement), noise


def indices(picks: Words, points: int, *, replacement: bool) -> Indices:
    """Point numbers from random words: independent, or a Fisher-Yates prefix. `[..., size]`."""
    half = np.uint64(32)
    if replacement:
        return ((picks * np.uint64(points)) >> half).astype(np.int64)
    size = picks.shape[-1]
    deck = np.broadcast_to(np.arange(points), (*picks.shape[:-1], points)).copy()
    for place in range(size):
        offset = (picks[..., place] * np.uint64(points - place)) >> half
        other = place + offset.astype(np.int64)[..., None]
        chosen = np.take_along_axis(deck, other, axis=-1)
        np.put_along_axis(deck, other, deck[..., place : place + 1], axis=-1)
        deck[..., place : place + 1] = chosen
    return deck[..., :size]


def thresholds(probabilities: Floats) -> Indices:
    """Whole numbers that cut the range of a word in proportion to probabilities. `[count - 1]`.

    Number i is taken by words from threshold i - 1 to below threshold i. A probability is met to
    2^-32; a category of less may never be drawn.

    Args:
        probabilities: `[count]`, of sum 1.
    """
    sums = [math.fsum(probabilities[: i + 1]) for i in range(len(probabilities) - 1)]
    return np.array([min(round(x * 2**32), 2**32) for x in sums], dtype=np.int64)


def times(seed: Any, step: Any, size: int, cuts: Indices) -> Indices:
    """Numbers of the times of one training step's elements. `[..., size]`.

    Args:
        seed: run seeds `[...]`.
        step: step number, an integer or `[...]`.
        size: elements of the batch.
        cuts: `thresholds` of the times' probabilities.
    """
    found = words(_column(seed), Stream.TIMES, _column(step), np.arange((size + 3) // 4))
    picks = np.stack(found, axis=-1).reshape((*found[0].shape[:-1], -1))[..., :size]
    return np.searchsorted(cuts, picks.astype(np.int64), side="right").astype(np.int64)


def _box_muller(first: Words, second: Words) -> Floats:
    """Cosine and sine halves in turn. `[..., 2 * blocks]`."""
    scale = 2.0**-32
    radius = np.sqrt(-2.0 * np.log((first.astype(np.float64) + 0.5) * scale))
    angle = (2.0 * np.pi) * ((second.astype(np.float64) + 0.5) * scale)
    both = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
    return both.reshape((*both.shape[:-2], -1))


def _column(value: Any) -> Any:
    return np.asarray(value, dtype=np.uint64)[..., None]

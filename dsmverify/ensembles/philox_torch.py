"""The draws of `philox`, in torch, on any device.

torch has no unsigned 64-bit arithmetic, so words are kept in int64: a product of two 32-bit words
wraps to the right 64 bits, and the arithmetic shift of a negative one is masked to its upper half.

Words and point numbers are exactly those of `philox`; normals are float64 and differ from NumPy's
by the rounding of log, sine and cosine only, a few units in the last place.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from dsmverify.ensembles.philox import MASK, MULTIPLIERS, ROUNDS, WEYL, Stream


def seed_tensor(seeds: NDArray[np.uint64], device: torch.device | str = "cpu") -> torch.Tensor:
    """Seeds as int64 of the same 64 bits: seeds from 2^63 on come out negative. `[...]`."""
    return torch.from_numpy(np.ascontiguousarray(seeds, dtype=np.uint64).view(np.int64)).to(device)


def words(
    seed: torch.Tensor, stream: int, step: torch.Tensor, block: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The four 32-bit words of blocks, exact, as int64 in 0..2^32 - 1. Arguments broadcast.

    Args:
        seed: int64, the 64 bits of the run seeds, from `seed_tensor`.
        stream: what for.
        step: int64, step numbers.
        block: int64, block numbers, below 2^32.
    """
    seed, step, c0 = _broadcast(seed, step, block)
    k0, k1 = seed & MASK, (seed >> 32) & MASK
    c1, c2 = step & MASK, (step >> 32) & MASK
    c3 = torch.full_like(c0, stream)
    for _ in range(ROUNDS):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c2 = ((p1 >> 32) & MASK) ^ c1 ^ k0, ((p0 >> 32) & MASK) ^ c3 ^ k1
        c1, c3 = p1 & MASK, p0 & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3


def training_draws(
    seed: torch.Tensor,
    step: torch.Tensor,
    size: int,
    dimension: int,
    points: torch.Tensor,
    *,
    most_points: int,
    replacement: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Point numbers `[..., size]`, int64, and noise `[..., size, dimension]`, float64, of steps.

    The draws of `philox.training_draws`: point numbers exactly, noise approximate, to rounding.

    Args:
        seed: int64 `[...]`, from `seed_tensor`.
        step: int64 `[...]`, step numbers; broadcasts with `seed`.
        size: elements of the batch; at most the smallest of `points` without replacement.
        dimension: d.
        points: int64 `[...]`, number of training points; broadcasts with `seed`.
        most_points: largest of `points`; given, so that nothing waits for the device.
        replacement: whether points are drawn with replacement.
    """
    count = size * dimension
    blocks = torch.arange((count + 1) // 2, device=seed.device)
    seed, step, points = _broadcast(seed, step, points)
    w0, w1, w2, w3 = words(seed[..., None], Stream.TRAINING, step[..., None], blocks)
    noise = _box_muller(w0, w1)[..., :count]
    noise = noise.reshape((*noise.shape[:-1], size, dimension))
    picks = torch.stack((w2, w3), dim=-1).flatten(-2)[..., :size]
    if replacement:
        return (picks * points[..., None]) >> 32, noise
    return _prefix(picks, points, most_points), noise


def times(seed: torch.Tensor, step: torch.Tensor, size: int, cuts: torch.Tensor) -> torch.Tensor:
    """Numbers of the times of training steps, exactly `philox.times`. `[..., size]`, int64.

    Args:
        seed: int64 `[...]`, from `seed_tensor`.
        step: int64 `[...]`, step numbers; broadcasts with `seed`.
        size: elements of the batch.
        cuts: int64, `philox.thresholds`.
    """
    blocks = torch.arange((size + 3) // 4, device=seed.device)
    found = words(seed[..., None], Stream.TIMES, step[..., None], blocks)
    picks = torch.stack(found, dim=-1).flatten(-2)[..., :size].contiguous()
    return torch.searchsorted(cuts, picks, right=True)


def _prefix(picks: torch.Tensor, points: torch.Tensor, most_points: int) -> torch.Tensor:
    """Beginning of a Fisher-Yates shuffle of `0..points - 1`. `[..., size]`."""
    size = picks.shape[-1]
    deck = torch.arange(most_points, device=picks.device)
    deck = deck.expand(*picks.shape[:-1], most_points).clone()
    for place in range(size):
        other = place + ((picks[..., place] * (points - place)) >> 32)[..., None]
        chosen = deck.gather(-1, other)
        deck.scatter_(-1, other, deck[..., place : place + 1].clone())
        deck[..., place : place + 1] = chosen
    return deck[..., :size]


def _box_muller(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Cosine and sine halves in turn. `[..., 2 * blocks]`."""
    scale = 2.0**-32
    radius = torch.sqrt(-2.0 * torch.log((first.to(torch.float64) + 0.5) * scale))
    angle = (2.0 * math.pi) * ((second.to(torch.float64) + 0.5) * scale)
    both = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), dim=-1)
    return both.flatten(-2)


def _broadcast(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(torch.broadcast_tensors(*tensors))  # type: ignore[no-untyped-call]

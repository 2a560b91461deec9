"""SGD steps of networks in one dimension with the batch sorted: numba, one thread per network.

A neuron is active on a half-line, so on a prefix (w1 < 0) or a suffix (w1 > 0) of the sorted batch
y_1 <= ... <= y_B, and all it needs to know is how many points that is:

    count_l = #{j : w1_l y_j + b_l > 0}
    s(y_j)  = k (y_j sum w2_l w1_l + sum w2_l b_l) + c            sums over neurons active at y_j
    G_l     = sum g_j,  H_l = sum g_j y_j                         sums over points that activate l
    grad    : w2_l: k (w1_l H_l + b_l G_l),  b_l: k w2_l G_l,  w1_l: k w2_l H_l,  c: sum_j g_j

with g_j the derivative of the batch loss by s(y_j). Given the counts a step is O(m + B): neurons go
into bins by direction and count, and running sums over bins and over points give the rest. The
counts are B comparisons per neuron in vector instructions, or, for a long batch, a binary search.

Rounding is monotone: `w1 y + b`, computed in the parameters' type, is monotone in y, so the active
set is exactly a prefix or a suffix, and the one that the definition gives, equal points and points
on kinks included. So a neuron has an exact threshold among the floats. With a = |w1| and t the
largest float such that fl(a t) <= -b, it is active where y > t (w1 > 0), or y < -t (w1 < 0). Since
fl(a t) <= -b for t <= -b/a, and for no t beyond -b/a by more than a unit in the last place, t is
fl(-b/a) or the float next to it on either side: two products decide. Numbers near underflow or
overflow, zeros and NaN break that argument; a step that meets one looks for its counts by search.

Points are rounded to the parameters' type, float32 or float64, and parameters
and their updates are in it; targets, outputs and all sums over neurons or points are in float64.
A result depends on the run alone: not on other networks, threads, or where a call stops.
"""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.philox_compiled import compiled, fill_draws, steps_at_once
from dsmverify.ensembles.runs import over_networks
from dsmverify.ensembles.settings import Ensemble, Networks
from dsmverify.errors import InputError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

VECTOR = 32
"""Arrays are padded to multiples of this, so that no loop over neurons has a scalar remainder."""

LEAST, MOST = 2.0**-40, 2.0**40
"""Sizes of numbers between which a threshold is exact in float32 as in float64."""

GROUP = 10
"""Points that a neuron is compared with in one pass; as many as fit the vector registers."""

LANES = 4
"""Copies of each bin, so that successive neurons of one bin need not wait for each other."""

LONGEST_COUNTED = 256
"""Batch size up to which comparing everything beats sorting and binary search."""

ODD = 1 << 30
"""Added to the count of a neuron whose threshold is in doubt; above every count."""

SHELL_GAPS = (1750, 701, 301, 132, 57, 23, 10, 4, 1)
"""Ciura's gaps for Shell sort, short to compile."""


def advance(ensemble: Ensemble, networks: Networks, last: int, *, threads: int = 2) -> None:
    """Make steps `networks.step` .. `last - 1` in place.

    The parameters after a step are approximate: each is within a few roundings, in the parameters'
    type, of exact arithmetic on the draws from the parameters before the step.

    Args:
        ensemble: runs, of dimension 1.
        networks: their parameters, float32 or float64.
        last: step to stop before.
        threads: networks trained at the same time; changes no result.

    Raises:
        InputError: the dimension is not 1, or `threads` is not positive.
        MissingExtraError: numba is not installed.
    """
    if ensemble.model.dimension != 1:
        raise InputError(
            "model.dimension",
            str(ensemble.model.dimension),
            "a batch can be sorted in one dimension only",
            "train on the dense path",
        )

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        return _run(ensemble, networks, e, first, end, stopped)

    over_networks(run, ensemble, networks, last, threads=threads)


def _run(
    ensemble: Ensemble, networks: Networks, e: int, first: int, end: int, stopped: Event
) -> int:
    """Steps of network e; the step at which it diverged, or -1."""
    model, batch = ensemble.model, ensemble.batch
    dtype = networks.outer.dtype
    single = dtype == np.float32
    m, size = model.width, batch.size
    width = _padded(m, VECTOR)
    outer, bias, inner = (np.zeros(width, dtype=dtype) for _ in range(3))
    outer[:m], inner[:m] = networks.outer[e, :, 0], networks.inner[e, :, 0]
    bias[:m] = networks.bias[e]
    offset = networks.offset[e].copy()
    counts = np.uint32 if single else np.uint64
    pair = np.uint64 if single else np.complex128
    slots = np.empty(width, dtype=counts)
    sums = np.zeros(4 * (size + 1), dtype=dtype)
    own_sums = np.empty(2 * width, dtype=dtype)
    rank = np.empty(_padded(size, VECTOR), dtype=counts)
    at_once = steps_at_once(size, 1)
    picks = np.empty((at_once, size), dtype=np.int64)
    noise = np.empty((at_once, size))
    points = ensemble.points[e, : ensemble.sizes[e], 0].copy()
    mu, sigma = float(ensemble.mu[e]), float(ensemble.sigma[e])
    rate = float(ensemble.learning_rates[e])
    rate_neuron = rate * model.rate_factor * model.output_scale
    rate_offset = rate if model.offset else 0.0
    weight = 2.0 / size if batch.reduction == "mean" else 2.0
    diverged = -1
    for start in range(first, end, at_once):
        if stopped.is_set():
            break
        length = min(at_once, end - start)
        fill_draws(
            ensemble.seeds[e], start, len(points), batch.replacement, picks[:length], noise[:length]
        )
        made = _steps(
            outer, bias, inner, offset, slots, rank, sums, sums.view(pair), own_sums,
            own_sums.view(pair), points, mu, sigma, picks[:length], noise[:length],
            rate_neuron, rate_offset, model.output_scale, weight, model.train_inner,
        )  # fmt: skip
        if made < length:
            diverged = start + made
            break
    networks.outer[e, :, 0], networks.inner[e, :, 0] = outer[:m], inner[:m]
    networks.bias[e] = bias[:m]
    networks.offset[e] = offset
    return diverged


def _padded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


@compiled
def _steps(
    outer: Any, bias: Any, inner: Any, offset: Any, slots: Any, rank: Any,
    sums: Any, sum_pairs: Any, own_sums: Any, own_pairs: Any,
    points: Floats, mu: float, sigma: float, picks: Indices, noise: Floats,
    rate: float, rate_offset: float, scale: float, weight: float, train_inner: bool,
) -> int:  # fmt: skip
    """Steps of one network on given draws; how many were made before its output was not finite.

    Bin `B + 1 + c` holds neurons active on the last c points, bin c those on the first c.
    `sums[2 bin]` and `sums[2 bin + 1]` are the bin's G and H times the rate; `sum_pairs` and
    `own_pairs` are the same memory, two numbers as one word, so that a neuron's two are one load.
    """
    width = outer.shape[0]
    steps, size = len(picks), picks.shape[1]
    padded = (size + GROUP - 1) // GROUP * GROUP
    drawn = np.full(rank.shape[0], np.inf, dtype=outer.dtype)
    # the padding, NaN, lies above no threshold
    y = np.full(padded, np.nan, dtype=outer.dtype)
    target = np.empty(size)
    slope_at = np.empty(size)
    bins = np.empty((2 * (size + 1), LANES, 2))
    zero = outer.dtype.type(0)
    low, high = slots.dtype.type(size), slots.dtype.type(size + 1)
    none, many = slots.dtype.type(0), slots.dtype.type(ODD)
    least, most = outer.dtype.type(LEAST), outer.dtype.type(MOST)
    unit = 2.0**-24 if outer.itemsize == 4 else 2.0**-53
    # x + |x| next_float rounds to the float after x, for x far from underflow (Rump et al. 2009,
    # Computing predecessor and successor in rounding to nearest)
    next_float = outer.dtype.type(unit * (1 + 2 * unit))
    threshold = np.empty(width, dtype=outer.dtype)
    for s in range(steps):
        for j in range(size):
            drawn[j] = mu * points[picks[s, j]] + sigma * noise[s, j]
        if size <= LONGEST_COUNTED:
            for j in range(rank.shape[0]):
                rank[j] = 0
            for i in range(size):
                pivot = drawn[i]
                for j in range(rank.shape[0]):
                    rank[j] += rank.dtype.type(pivot < drawn[j])
            total = 0
            for j in range(size):
                total += int(rank[j])
            if 2 * total < size * (size - 1):  # equal points share a rank
                for i in range(size):
                    for j in range(i + 1, size):
                        rank[j] += rank.dtype.type(drawn[i] == drawn[j])
            for j in range(size):
                y[rank[j]] = drawn[j]
                target[rank[j]] = noise[s, j] / sigma
        else:
            for j in range(size):
                y[j], target[j] = drawn[j], noise[s, j] / sigma
            for gap in SHELL_GAPS:
                for i in range(gap, size):
                    moved, moved_target, j = y[i], target[i], i
                    while j >= gap and y[j - gap] > moved:
                        y[j], target[j] = y[j - gap], target[j - gap]
                        j -= gap
                    y[j], target[j] = moved, moved_target

        odd = 1
        if size <= LONGEST_COUNTED:
            odd = 0
            for j in range(size):
                odd += not (LEAST <= abs(y[j]) <= MOST)
            for l in range(width):
                w, b = inner[l], bias[l]
                steep = abs(w)
                kink = -b / steep
                above, below = kink + abs(kink) * next_float, kink - abs(kink) * next_float
                last = above if steep * above <= -b else (kink if steep * kink <= -b else below)
                threshold[l] = last if w > zero else -(last + abs(last) * next_float)
                ordinary = (least <= steep) & (steep <= most) & (abs(b) <= most)
                ordinary &= (least <= abs(b)) | (b == zero)
                # all zeros, like the padding: whatever its count, it adds and gains nothing
                ordinary |= (w == zero) & (b == zero) & (outer[l] == zero)
                slots[l] = none if ordinary else many
            for j in range(0, padded, GROUP):
                y0, y1, y2, y3, y4 = y[j], y[j + 1], y[j + 2], y[j + 3], y[j + 4]
                y5, y6, y7, y8, y9 = y[j + 5], y[j + 6], y[j + 7], y[j + 8], y[j + 9]
                for l in range(width):
                    t = threshold[l]
                    slots[l] += slots.dtype.type(
                        slots.dtype.type(y0 > t)
                        + slots.dtype.type(y1 > t)
                        + slots.dtype.type(y2 > t)
                        + slots.dtype.type(y3 > t)
                        + slots.dtype.type(y4 > t)
                        + slots.dtype.type(y5 > t)
                        + slots.dtype.type(y6 > t)
                        + slots.dtype.type(y7 > t)
                        + slots.dtype.type(y8 > t)
                        + slots.dtype.type(y9 > t)
                    )
            seen = none
            for l in range(width):
                n = slots[l]
                seen |= n
                slots[l] = high + n if inner[l] > zero else low - n
            odd += seen >= many
        if odd:
            for l in range(width):
                rising = inner[l] > zero
                left, right = 0, size
                while left < right:
                    middle = (left + right) // 2
                    # "not <=" instead of ">": NaN counts as active, and so shows in the outputs
                    if (not inner[l] * y[middle] + bias[l] <= zero) == rising:
                        right = middle
                    else:
                        left = middle + 1
                slots[l] = 2 * size + 1 - left if rising else left

        bins[:] = 0.0
        for l in range(width):
            v = np.float64(outer[l])
            slot, lane = slots[l], l % LANES
            bins[slot, lane, 0] += v * np.float64(inner[l])
            bins[slot, lane, 1] += v * np.float64(bias[l])
        slope, level = 0.0, 0.0
        for j in range(size - 1, -1, -1):
            here = bins[j + 1]
            slope += (here[0, 0] + here[1, 0]) + (here[2, 0] + here[3, 0])
            level += (here[0, 1] + here[1, 1]) + (here[2, 1] + here[3, 1])
            slope_at[j] = slope * y[j] + level
        slope, level = 0.0, 0.0
        for j in range(size):
            here = bins[2 * size + 1 - j]
            slope += (here[0, 0] + here[1, 0]) + (here[2, 0] + here[3, 0])
            level += (here[0, 1] + here[1, 1]) + (here[2, 1] + here[3, 1])
            slope_at[j] += slope * y[j] + level
        finite = True
        for j in range(size):
            out = scale * slope_at[j] + offset[0]
            finite = finite and np.isfinite(outer.dtype.type(out))
            slope_at[j] = weight * (out + target[j])
        if not finite:
            return s

        level, slope = 0.0, 0.0
        for j in range(size):
            level += slope_at[j]
            slope += slope_at[j] * y[j]
            sums[2 * (j + 1)] = rate * level
            sums[2 * (j + 1) + 1] = rate * slope
        offset[0] -= rate_offset * level
        level, slope = 0.0, 0.0
        for j in range(size):
            level += slope_at[size - 1 - j]
            slope += slope_at[size - 1 - j] * y[size - 1 - j]
            sums[2 * (size + 2 + j)] = rate * level
            sums[2 * (size + 2 + j) + 1] = rate * slope
        for l in range(width):
            own_pairs[l] = sum_pairs[slots[l]]
        for l in range(width):
            g, h = own_sums[2 * l], own_sums[2 * l + 1]
            w, b, v = inner[l], bias[l], outer[l]
            outer[l] = v - (w * h + b * g)
            bias[l] = b - v * g
            if train_inner:
                inner[l] = w - v * h
    return steps

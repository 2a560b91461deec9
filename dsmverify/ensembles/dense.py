"""SGD steps of networks in any dimension: every neuron at every point, numba, one thread each.

A bias is the weight of a coordinate that is always 1. With the points of a batch as rows of
`Y [B, d + 1]`, first-layer weights and biases as columns of `V [d + 1, m]` and outer weights as
columns of `W [d, m]`:

    A = relu(Y V) [B, m],   s = k A W^T + c [B, d],   g = dRhat/ds [B, d]
    Q = (g W) where A > 0, else 0
    gradients: W: k g^T A,   V: k Y^T Q,   c: column sums of g

so a step is one reduction over neurons and four products whose last axis is the neurons, the axis
that vector instructions run along. All of it is in the parameters' type, float32 or float64, but
for points and targets, rounded once from float64.

A result depends on the run alone: not on other networks, threads, or where a call stops. In one
dimension it is the check on `sorted_batch`: both compute `w1 y + b` with the same two roundings and
so agree on which neurons are active.
"""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.philox_compiled import compiled, fill_draws, steps_at_once
from dsmverify.ensembles.runs import over_networks
from dsmverify.ensembles.settings import Ensemble, Networks

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

VECTOR = 32
"""Neurons are padded to a multiple of this, so that no loop over them has a scalar remainder."""

GROUP = 5
"""Terms added in one pass over the neurons; more would not fit the vector registers."""


def advance(ensemble: Ensemble, networks: Networks, last: int, *, threads: int = 2) -> None:
    """Make steps `networks.step` .. `last - 1` in place.

    The parameters after a step are approximate: sums over d, B or m terms in the parameters' type.

    Args:
        ensemble: the runs.
        networks: their parameters, float32 or float64.
        last: step to stop before.
        threads: networks trained at the same time; changes no result.

    Raises:
        InputError: `threads` is not positive.
        MissingExtraError: numba is not installed.
    """

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        return _run(ensemble, networks, e, first, end, stopped)

    over_networks(run, ensemble, networks, last, threads=threads)


def _run(
    ensemble: Ensemble, networks: Networks, e: int, first: int, end: int, stopped: Event
) -> int:
    """Steps of network e; the step at which it diverged, or -1."""
    model, batch = ensemble.model, ensemble.batch
    dtype = networks.outer.dtype
    m, d, size = model.width, model.dimension, batch.size
    width = -(-m // VECTOR) * VECTOR
    outer, first_layer = np.zeros((d, width), dtype=dtype), np.zeros((d + 1, width), dtype=dtype)
    outer[:, :m] = networks.outer[e].T
    first_layer[:d, :m] = networks.inner[e].T
    first_layer[d, :m] = networks.bias[e]
    offset = networks.offset[e].copy()
    hidden, back = np.empty((2, size, width), dtype=dtype)
    points = ensemble.points[e, : ensemble.sizes[e]].copy()
    at_once = steps_at_once(size, d)
    picks = np.empty((at_once, size), dtype=np.int64)
    noise = np.empty((at_once, size * d))
    rate = float(ensemble.learning_rates[e])
    diverged = -1
    for start in range(first, end, at_once):
        if stopped.is_set():
            break
        length = min(at_once, end - start)
        fill_draws(
            ensemble.seeds[e], start, len(points), batch.replacement, picks[:length], noise[:length]
        )
        made = _steps(
            outer, first_layer, offset, hidden, back, points,
            float(ensemble.mu[e]), float(ensemble.sigma[e]), picks[:length], noise[:length],
            rate * model.rate_factor * model.output_scale, rate if model.offset else 0.0,
            model.output_scale, 2.0 / size if batch.reduction == "mean" else 2.0,
            model.train_inner,
        )  # fmt: skip
        if made < length:
            diverged = start + made
            break
    networks.outer[e] = outer[:, :m].T
    networks.inner[e] = first_layer[:d, :m].T
    networks.bias[e] = first_layer[d, :m]
    networks.offset[e] = offset
    return diverged


@compiled(fused=True)
def _add_product(left: Any, right: Any, out: Any) -> None:
    """`out += left @ right`, along the last axis of `right`: `[r, k]`, `[k, m]`, `[r, m]`."""
    whole = left.shape[1] // GROUP * GROUP
    for r in range(left.shape[0]):
        row = out[r]
        for k in range(0, whole, GROUP):
            a0, a1, a2, a3, a4 = (
                left[r, k], left[r, k + 1], left[r, k + 2], left[r, k + 3], left[r, k + 4],
            )  # fmt: skip
            v0, v1, v2, v3, v4 = right[k], right[k + 1], right[k + 2], right[k + 3], right[k + 4]
            for l in range(row.shape[0]):
                row[l] = row[l] + a0 * v0[l] + a1 * v1[l] + a2 * v2[l] + a3 * v3[l] + a4 * v4[l]
        for k in range(whole, left.shape[1]):
            a0, v0 = left[r, k], right[k]
            for l in range(row.shape[0]):
                row[l] = row[l] + a0 * v0[l]


@compiled(fused=True, reordered=True)
def _inner_products(left: Any, right: Any, out: Any) -> None:
    """`out = left @ right.T`, summed over the last axes: `[r, m]`, `[k, m]`, `[r, k]`."""
    zero = left.dtype.type(0)
    whole = right.shape[0] // GROUP * GROUP
    for r in range(left.shape[0]):
        row = left[r]
        for k in range(0, whole, GROUP):
            v0, v1, v2, v3, v4 = right[k], right[k + 1], right[k + 2], right[k + 3], right[k + 4]
            s0, s1, s2, s3, s4 = zero, zero, zero, zero, zero
            for l in range(row.shape[0]):
                s0 += row[l] * v0[l]
                s1 += row[l] * v1[l]
                s2 += row[l] * v2[l]
                s3 += row[l] * v3[l]
                s4 += row[l] * v4[l]
            out[r, k], out[r, k + 1], out[r, k + 2] = s0, s1, s2
            out[r, k + 3], out[r, k + 4] = s3, s4
        for k in range(whole, right.shape[0]):
            v0 = right[k]
            s0 = zero
            for l in range(row.shape[0]):
                s0 += row[l] * v0[l]
            out[r, k] = s0


@compiled
def _steps(
    outer: Any, first_layer: Any, offset: Any, hidden: Any, back: Any, points: Floats,
    mu: float, sigma: float, picks: Indices, noise: Floats,
    rate: float, rate_offset: float, scale: float, weight: float, train_inner: bool,
) -> int:  # fmt: skip
    """Steps of one network on given draws; how many were made before its output was not finite."""
    d, width = outer.shape
    steps, size = len(picks), picks.shape[1]
    zero = outer.dtype.type(0)
    y = np.ones((size, d + 1), dtype=outer.dtype)
    turned = np.ones((d + 1, size), dtype=outer.dtype)
    out = np.empty((size, d), dtype=outer.dtype)
    slope = np.empty((size, d), dtype=outer.dtype)
    turned_slope = np.empty((d, size), dtype=outer.dtype)
    outer_change = np.empty((d, width), dtype=outer.dtype)
    first_change = np.empty((d + 1, width), dtype=outer.dtype)
    frozen = 0 if train_inner else d
    for s in range(steps):
        for j in range(size):
            for c in range(d):
                place = mu * points[picks[s, j], c] + sigma * noise[s, j * d + c]
                y[j, c] = place
                turned[c, j] = place
        hidden[:] = zero
        _add_product(y, first_layer, hidden)
        for j in range(size):
            row = hidden[j]
            for l in range(width):
                row[l] = zero if row[l] <= zero else row[l]  # keeps NaN
        _inner_products(hidden, outer, out)
        finite = True
        for j in range(size):
            for c in range(d):
                value = scale * np.float64(out[j, c]) + offset[c]
                finite = finite and np.isfinite(outer.dtype.type(value))
                found = weight * (value + noise[s, j * d + c] / sigma)
                slope[j, c] = found * rate
                turned_slope[c, j] = found * rate
        if not finite:
            return s
        for c in range(d):
            total = 0.0
            for j in range(size):
                value = scale * np.float64(out[j, c]) + offset[c]
                total += weight * (value + noise[s, j * d + c] / sigma)
            offset[c] -= rate_offset * total
        back[:] = zero
        _add_product(slope, outer, back)
        for j in range(size):
            row, active = back[j], hidden[j]
            for l in range(width):
                row[l] = row[l] if active[l] > zero else zero
        outer_change[:] = zero
        _add_product(turned_slope, hidden, outer_change)
        first_change[frozen:] = zero
        _add_product(turned[frozen:], back, first_change[frozen:])
        for c in range(d):
            for l in range(width):
                outer[c, l] -= outer_change[c, l]
        for c in range(frozen, d + 1):
            for l in range(width):
                first_layer[c, l] -= first_change[c, l]
    return steps

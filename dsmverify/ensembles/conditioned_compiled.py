"""Noise prediction over many times in few dimensions: numba, one thread each, no BLAS.

As in `dense`, with the time as one more coordinate, but a batch of thousands goes through in blocks
of `ROWS` rows, so that hidden values `[rows, m]` stay in a core's own cache and all of them are
never held:

    for each block:  A = relu(X V),  s = k A W^T + c,  g = dRhat/ds,  Q = (g W) where A > 0, else 0
                     outer change += g^T A,   first-layer change += X^T Q

with `X [rows, d + 2]` rows `(t, y, 1)`, `V [d + 2, m]`, `W [d, m]`. Sums are made in the order of
blocks, so a result depends on the run alone: not on other networks, threads, or where a call stops.

Up to two dimensions all of it is two passes over the neurons, one before and one after the outputs
are known, with every term of a pair of rows in registers; d = 1 has a coordinate of zeros more.
"""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.philox_compiled import compiled, fill_draws, fill_times
from dsmverify.ensembles.runs import over_networks
from dsmverify.ensembles.settings import Networks

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PAIR = 2
"""Dimension up to which passes are fused."""

VECTOR = 32
"""Neurons are padded to a multiple of this, so that no loop over them has a scalar remainder."""

ROWS = 32
"""Rows of a block: 128 KB of hidden values in float32 at width 1000, and as much behind them."""


def advance(
    ensemble: ConditionedEnsemble, networks: Networks, last: int, *, threads: int = 2
) -> None:
    """Make steps `networks.step` .. `last - 1` in place.

    The parameters after a step are approximate: sums over d, B or m terms in the parameters' type.

    Args:
        ensemble: the runs.
        networks: their parameters, float32 or float64.
        last: step to stop before.
        threads: networks trained at the same time; changes no result.

    Raises:
        InputError: `threads` is not positive, or a batch does not fit into memory.
        MissingExtraError: numba is not installed.
    """
    ensemble.require_memory(networks.outer.itemsize)

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        return _run(ensemble, networks, e, first, end, stopped)

    over_networks(run, ensemble, networks, last, threads=threads)


def _run(
    ensemble: ConditionedEnsemble,
    networks: Networks,
    e: int,
    first: int,
    end: int,
    stopped: Event,
) -> int:
    """Steps of network e; the step at which it diverged, or -1."""
    model, batch = ensemble.model, ensemble.batch
    dtype = networks.outer.dtype
    m, d, size = model.width, model.dimension, batch.size
    width = -(-m // VECTOR) * VECTOR
    outputs, terms = max(d, PAIR), max(d + 2, PAIR + 2)
    outer, first_layer = np.zeros((outputs, width), dtype), np.zeros((terms, width), dtype)
    outer[:d, :m] = networks.outer[e].T
    first_layer[: d + 1, :m] = networks.inner[e].T
    first_layer[d + 1, :m] = networks.bias[e]
    offset = networks.offset[e].copy()
    inputs, added = np.zeros((size + size % 2, terms), dtype), np.empty((size, d), dtype)
    rate = float(ensemble.learning_rates[e])
    diverged = -1
    for step in range(first, end):
        if stopped.is_set():
            break
        fill_examples(ensemble, e, step, inputs, added)
        if not _step(
            outer, first_layer, offset, inputs, added,
            rate * model.rate_factor * model.output_scale, rate if model.offset else 0.0,
            model.output_scale, 2.0 / size if batch.reduction == "mean" else 2.0,
            model.train_inner,
        ):  # fmt: skip
            diverged = step
            break
    networks.outer[e] = outer[:d, :m].T
    networks.inner[e] = first_layer[: d + 1, :m].T
    networks.bias[e] = first_layer[d + 1, :m]
    networks.offset[e] = offset
    return diverged


def fill_examples(
    ensemble: ConditionedEnsemble, e: int, step: int, inputs: NDArray[Any], added: NDArray[Any]
) -> None:
    """Network e's batch at a step, as `ensemble.examples`, rounded once; approximate, to rounding.

    Args:
        ensemble: the runs.
        e: number of the network.
        step: number of the step.
        inputs: `[>= B, >= d + 2]`, filled with rows `(t, Y, 1)` and otherwise left.
        added: `[B, d]`, filled with `-Z`.
    """
    size, d, times = ensemble.batch.size, ensemble.model.dimension, ensemble.times
    picks, drawn = np.empty((2, 1, size), dtype=np.int64)
    noise = np.empty((1, size * d))
    fill_draws(
        ensemble.seeds[e], step, int(ensemble.sizes[e]), ensemble.batch.replacement, picks, noise
    )
    fill_times(ensemble.seeds[e], step, ensemble.cuts, drawn)
    _examples(
        ensemble.samples[e], times.values, times.mu, times.sigma, picks[0], drawn[0],
        noise[0].reshape(size, d), inputs, added,
    )  # fmt: skip


@compiled
def _examples(
    sample: Floats, times: Floats, mu: Floats, sigma: Floats, picks: Indices, drawn: Indices,
    noise: Floats, inputs: Any, added: Any,
) -> None:  # fmt: skip
    """Rows `(t, Y, 1)` and `-Z`, rounded once from float64."""
    for j in range(len(picks)):
        i, k = picks[j], drawn[j]
        inputs[j, 0] = times[k]
        for c in range(noise.shape[1]):
            inputs[j, 1 + c] = mu[k] * sample[i, c] + sigma[k] * noise[j, c]
            added[j, c] = -noise[j, c]
        inputs[j, 1 + noise.shape[1]] = 1.0


@compiled(fused=True)
def _add_product(left: Any, right: Any, out: Any) -> None:
    """`out += left @ right`, along the last axis of `right`: `[r, k]`, `[k, m]`, `[r, m]`."""
    rows, terms = left.shape
    even, whole = rows // 2 * 2, terms // 4 * 4
    for r in range(0, even, 2):
        row, next_row = out[r], out[r + 1]
        for k in range(0, whole, 4):
            a0, a1, a2, a3 = left[r, k], left[r, k + 1], left[r, k + 2], left[r, k + 3]
            b0, b1, b2, b3 = (
                left[r + 1, k], left[r + 1, k + 1], left[r + 1, k + 2], left[r + 1, k + 3],
            )  # fmt: skip
            v0, v1, v2, v3 = right[k], right[k + 1], right[k + 2], right[k + 3]
            for l in range(row.shape[0]):
                row[l] = row[l] + a0 * v0[l] + a1 * v1[l] + a2 * v2[l] + a3 * v3[l]
                next_row[l] = next_row[l] + b0 * v0[l] + b1 * v1[l] + b2 * v2[l] + b3 * v3[l]
        for k in range(whole, terms):
            a0, b0, v0 = left[r, k], left[r + 1, k], right[k]
            for l in range(row.shape[0]):
                row[l] = row[l] + a0 * v0[l]
                next_row[l] = next_row[l] + b0 * v0[l]
    for r in range(even, rows):
        row = out[r]
        for k in range(terms):
            a0, v0 = left[r, k], right[k]
            for l in range(row.shape[0]):
                row[l] = row[l] + a0 * v0[l]


@compiled(fused=True, reordered=True)
def _inner_products(left: Any, right: Any, out: Any) -> None:
    """`out = left @ right.T`, summed over the last axes: `[r, m]`, `[k, m]`, `[r, k]`."""
    zero = left.dtype.type(0)
    whole = left.shape[0] // 4 * 4
    for k in range(right.shape[0]):
        v = right[k]
        for r in range(0, whole, 4):
            r0, r1, r2, r3 = left[r], left[r + 1], left[r + 2], left[r + 3]
            s0, s1, s2, s3 = zero, zero, zero, zero
            for l in range(v.shape[0]):
                s0 += r0[l] * v[l]
                s1 += r1[l] * v[l]
                s2 += r2[l] * v[l]
                s3 += r3[l] * v[l]
            out[r, k], out[r + 1, k], out[r + 2, k], out[r + 3, k] = s0, s1, s2, s3
        for r in range(whole, left.shape[0]):
            r0 = left[r]
            s0 = zero
            for l in range(v.shape[0]):
                s0 += r0[l] * v[l]
            out[r, k] = s0


@compiled(fused=True, reordered=True)
def _forward_pair(rows: Any, first_layer: Any, outer: Any, hidden: Any, out: Any) -> None:
    """`hidden = relu(rows @ first_layer)`, `out = hidden @ outer.T`; four terms, two outputs.

    `[r, 4]`, `[4, m]`, `[2, m]`, `[r, m]`, `[r, 2]`, with r even.
    """
    zero = hidden.dtype.type(0)
    v0, v1, v2, v3 = first_layer[0], first_layer[1], first_layer[2], first_layer[3]
    w0, w1 = outer[0], outer[1]
    for r in range(0, rows.shape[0], 2):
        above, below = hidden[r], hidden[r + 1]
        x0, x1, x2, x3 = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        y0, y1, y2, y3 = rows[r + 1, 0], rows[r + 1, 1], rows[r + 1, 2], rows[r + 1, 3]
        s0, s1, t0, t1 = zero, zero, zero, zero
        for l in range(v0.shape[0]):
            a = x0 * v0[l] + x1 * v1[l] + x2 * v2[l] + x3 * v3[l]
            a = zero if a <= zero else a  # keeps NaN
            above[l] = a
            s0 += a * w0[l]
            s1 += a * w1[l]
            b = y0 * v0[l] + y1 * v1[l] + y2 * v2[l] + y3 * v3[l]
            b = zero if b <= zero else b
            below[l] = b
            t0 += b * w0[l]
            t1 += b * w1[l]
        out[r, 0], out[r, 1], out[r + 1, 0], out[r + 1, 1] = s0, s1, t0, t1


@compiled(fused=True)
def _gradient_pair(
    rows: Any, slope: Any, hidden: Any, outer: Any, outer_change: Any, first_change: Any
) -> None:
    """Adds `slope.T @ hidden` and `rows.T @ Q`, `Q = slope @ outer` where `hidden > 0`, else 0.

    `[r, 4]`, `[r, 2]`, `[r, m]`, `[2, m]`, `[2, m]`, `[4, m]`, with r even.
    """
    zero = hidden.dtype.type(0)
    w0, w1, c0, c1 = outer[0], outer[1], outer_change[0], outer_change[1]
    f0, f1, f2, f3 = first_change[0], first_change[1], first_change[2], first_change[3]
    for r in range(0, rows.shape[0], 2):
        above, below = hidden[r], hidden[r + 1]
        s0, s1, t0, t1 = slope[r, 0], slope[r, 1], slope[r + 1, 0], slope[r + 1, 1]
        x0, x1, x2, x3 = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        y0, y1, y2, y3 = rows[r + 1, 0], rows[r + 1, 1], rows[r + 1, 2], rows[r + 1, 3]
        for l in range(w0.shape[0]):
            a, b = above[l], below[l]
            p, q = s0 * w0[l] + s1 * w1[l], t0 * w0[l] + t1 * w1[l]
            p, q = p if a > zero else zero, q if b > zero else zero
            c0[l] = c0[l] + s0 * a + t0 * b
            c1[l] = c1[l] + s1 * a + t1 * b
            f0[l] = f0[l] + x0 * p + y0 * q
            f1[l] = f1[l] + x1 * p + y1 * q
            f2[l] = f2[l] + x2 * p + y2 * q
            f3[l] = f3[l] + x3 * p + y3 * q


@compiled
def _forward(rows: Any, first_layer: Any, outer: Any, hidden: Any, out: Any) -> None:
    """As `_forward_pair`, for any number of terms and outputs."""
    zero = hidden.dtype.type(0)
    hidden[:] = zero
    _add_product(rows, first_layer, hidden)
    for j in range(hidden.shape[0]):
        row = hidden[j]
        for l in range(row.shape[0]):
            row[l] = zero if row[l] <= zero else row[l]  # keeps NaN
    _inner_products(hidden, outer, out)


@compiled
def _gradient(
    rows: Any, slope: Any, hidden: Any, outer: Any, outer_change: Any, first_change: Any, back: Any
) -> None:
    """As `_gradient_pair`, for any number of terms and outputs; `back` is filled with Q."""
    zero = hidden.dtype.type(0)
    back[:] = zero
    _add_product(slope, outer, back)
    for j in range(back.shape[0]):
        row, active = back[j], hidden[j]
        for l in range(row.shape[0]):
            row[l] = row[l] if active[l] > zero else zero
    _add_product(slope.T, hidden, outer_change)
    _add_product(rows.T, back, first_change)


@compiled
def _step(
    outer: Any, first_layer: Any, offset: Any, inputs: Any, added: Any,
    rate: float, rate_offset: float, scale: float, weight: float, train_inner: bool,
) -> bool:  # fmt: skip
    """One step of one network; False, and nothing has changed, if its output was not finite.

    Args:
        outer: `[d, m]`, at least two rows, those from d on 0, as with the next.
        first_layer: `[d + 2, m]`, at least four rows.
        offset: `[d]`.
        inputs: `[B, d + 2]`; B is made even by a row of zeros, d + 2 at least 4 by columns of them.
        added: `[B, d]`, what the loss adds to the outputs.
        rate: of the changes of weights, with the factor k of the output's derivative.
        rate_offset: of the change of the output bias.
        scale: k.
        weight: derivative of the loss, over twice a residual.
        train_inner: whether weights of the first layer change, or biases alone.
    """
    size, d = added.shape
    outputs, width = outer.shape
    even, terms = inputs.shape
    fused = outputs == PAIR
    hidden = np.empty((ROWS, width), dtype=outer.dtype)
    back = np.empty((ROWS, width), dtype=outer.dtype)
    out = np.empty((ROWS, outputs), dtype=outer.dtype)
    slope = np.zeros((ROWS, outputs), dtype=outer.dtype)
    outer_change = np.zeros((outputs, width), dtype=outer.dtype)
    first_change = np.zeros((terms, width), dtype=outer.dtype)
    offset_change = np.zeros(d)
    finite = True
    for first in range(0, even, ROWS):
        count = min(ROWS, even - first)
        rows, a = inputs[first : first + count], hidden[:count]
        if fused:
            _forward_pair(rows, first_layer, outer, a, out)
        else:
            _forward(rows, first_layer, outer, a, out)
        slope[:] = 0.0
        for j in range(min(count, size - first)):
            for c in range(d):
                value = scale * np.float64(out[j, c]) + offset[c]
                finite = finite and np.isfinite(outer.dtype.type(value))
                found = weight * (value + added[first + j, c])
                slope[j, c] = found * rate
                offset_change[c] += found
        if not finite:
            return False
        g = slope[:count]
        if fused:
            _gradient_pair(rows, g, a, outer, outer_change, first_change)
        else:
            _gradient(rows, g, a, outer, outer_change, first_change, back[:count])
    for c in range(d):
        offset[c] -= rate_offset * offset_change[c]
    for c in range(outputs):
        for l in range(width):
            outer[c, l] -= outer_change[c, l]
    for c in range(0 if train_inner else d + 1, terms):
        for l in range(width):
            first_layer[c, l] -= first_change[c, l]
    return True

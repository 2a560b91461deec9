"""Tangent kernel and Hessian of the risk: matrices, and products in O(m).

| letter | here | meaning |
|---|---|---|
| T | `tangent_kernel` | (1/n) sum_i E[grad s (grad s)^T] |
| hess R_n | `hessian` | 2 T + 2 E[f hess s], f the residual |
| 1_l | | half line where neuron l is active |
| d_l | | distance abs(y - tau_l) |

Every derivative of `s_theta` is a combination of the two features `d_l 1_l` and `1_l` of one
neuron: outer weight `abs(w1) d 1`, bias `w2 1`, inner weight `w2 (tau + sign(w1) d) 1`, all
divided by m. So both matrices come from the Gram matrices of the features, whose entries are
moments between two kinks, summed piece by piece; every term is non-negative and nothing cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

import numpy as np

from dsmverify.formulas.network import pieces, tail_sums
from dsmverify.formulas.risk import (
    PAPER_PARAMETERS,
    Parameter,
    geometry,
    residual_means,
)
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import Integers, N, Numbers, at_least, earlier_and_later, inverse_order


@dataclass(frozen=True)
class Mixture(Generic[N]):
    """Moments of the noised mixture Y on the pieces of a network.

    Attributes:
        gaps: `[m - 1]`, distances between successive kinks.
        mass: `[m + 1]`, P(piece).
        lower: `[m]`, E[Y - lower end ; piece p], p = 1..m.
        upper: `[m]`, E[upper end - Y ; piece p], p = 0..m-1.
        lower_square: `[m]`, E[(Y - lower end)^2 ; p], p = 1..m.
        upper_square: `[m]`, E[(upper end - Y)^2 ; p], p = 0..m-1.
        across: `[m - 1]`, E[(Y - lower end)(upper end - Y) ; p], p = 1..m-1.
    """

    gaps: N
    mass: N
    lower: N
    upper: N
    lower_square: N
    upper_square: N
    across: N


def mixture(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Mixture[N]:
    """Moments of Y on each piece, about the piece's ends."""
    m, sigma = network.width, sample.sigma
    seen = geometry(ns, sample, network)
    mass, first, second = seen.moments
    above, below = seen.centre[:, 1:] - seen.z, seen.z - seen.centre[:, :m]

    def mean(x: N) -> N:
        return ns.sum(x, axis=0) / sample.size

    lower = above * mass[:, 1:] + first[:, 1:]
    upper = below * mass[:, :m] - first[:, :m]
    lower_square = above * (above * mass[:, 1:] + 2 * first[:, 1:]) + second[:, 1:]
    upper_square = below * (below * mass[:, :m] - 2 * first[:, :m]) + second[:, :m]
    rise, fall = above[:, : m - 1], below[:, 1:]
    across = rise * upper[:, 1:] + fall * first[:, 1:m] - second[:, 1:m]
    return Mixture(
        seen.parts.gaps,
        mean(mass),
        sigma * mean(lower),
        sigma * mean(upper),
        sigma * sigma * mean(lower_square),
        sigma * sigma * mean(upper_square),
        sigma * sigma * mean(across),
    )


def feature_grams(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> tuple[N, N, N]:
    """`E[d_l d_k 1_l 1_k]`, `E[d_l 1_l 1_k]`, `E[1_l 1_k]`. Three `[m, m]`, sorted kinks.

    For two neurons active on the same side the half lines nest and the moments are those beyond
    the farther kink; for opposite sides the overlap lies between the kinks, or is empty.
    """
    m = network.width
    zero = ns.constant(np.zeros(1, dtype=int))
    y = mixture(ns, sample, network)
    right = tail_sums(ns, y.mass[1:], m)
    right_far = tail_sums(ns, y.lower + ns.concatenate((y.gaps * right[1:], zero)), m)
    step = y.gaps * (2 * right_far[1:] + y.gaps * right[1:])
    right_square = tail_sums(ns, y.lower_square + ns.concatenate((step, zero)), m)
    left = ns.cumsum(y.mass[:m])
    left_far = ns.cumsum(y.upper + ns.concatenate((zero, y.gaps * left[: m - 1])))
    step = y.gaps * (2 * left_far[: m - 1] + y.gaps * left[: m - 1])
    left_square = ns.cumsum(y.upper_square + ns.concatenate((zero, step)))

    row, column = np.arange(m)[:, None], np.arange(m)[None, :]
    earlier, later = earlier_and_later(row, column)
    apart = network.kinks[later] - network.kinks[earlier]
    rises, falls = network.signs > 0, network.signs < 0
    both_right = ns.constant(rises[row] & rises[column])
    both_left = ns.constant(falls[row] & falls[column])
    # `d_l` is measured from l's own kink: beyond the later kink, the earlier one adds the gap.
    is_earlier, is_later = ns.constant(row < column), ns.constant(row > column)

    between, from_row, to_column, product = _between(ns, network, y)
    facing = ns.constant(rises[row] & falls[column] & (row < column))
    square = (
        both_right * (right_square[later] + apart * right_far[later])
        + both_left * (left_square[earlier] + apart * left_far[earlier])
        + _symmetric(facing * product)
    )
    mixed = (
        both_right * (right_far[later] + is_earlier * apart * right[later])
        + both_left * (left_far[earlier] + is_later * apart * left[earlier])
        + facing * from_row
        + (facing * to_column).T
    )
    counts = both_right * right[later] + both_left * left[earlier] + _symmetric(facing * between)
    return square, mixed, counts


def tangent_kernel(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
) -> N:
    """`T = (1/n) sum_i E[grad s_theta(Y) grad s_theta(Y)^T]`. `[groups * m, groups * m]`.

    Source: prop10, p. 20; first term of eq. 15, p. 26.
    """
    square, mixed, counts = feature_grams(ns, sample, network)
    neuron = inverse_order(network.order)
    loadings = [_loading(ns, network, name) for name in parameters]
    rows = []
    for far, near in loadings:
        blocks = []
        for other_far, other_near in loadings:
            block = _outer(far, other_far) * square + _outer(near, other_near) * counts
            block = block + _outer(far, other_near) * mixed
            block = block + _outer(near, other_far) * mixed.T
            blocks.append(block[neuron][:, neuron] / (network.width * network.width))
        rows.append(ns.concatenate(blocks))
    return _stack(ns, rows)


def kink_density_means(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`(1/n) sum_i f_i(tau_l) p_i(tau_l)`, p_i the density of N(mu x_i, sigma^2). `[m]`, sorted.

    Source: the boundary term of the Hessian (derivations/hessian.py).
    """
    z = (network.kinks - (sample.mu * sample.points)[:, None]) / sample.sigma
    density = ns.exp(-(z * z) / 2) / (ns.root(2 * ns.pi, 2) * sample.sigma)
    at_kink = pieces(ns, network).values + z / sample.sigma
    return ns.sum(at_kink * density, axis=0) / sample.size


def residual_curvature(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    *,
    boundary: bool = True,
) -> dict[tuple[Parameter, Parameter], N]:
    """Blocks of `E[f hess s_theta]`, each diagonal: pairs of groups to diagonals `[m]`, by neuron.

    With `boundary=False` the Dirac terms are left out, which is the mean of the pointwise Hessian
    that stochastic gradient descent sees.

    Source: eqs. 15-16, p. 26, derived in derivations/hessian.py (the printed sign differs).
    """
    active, far = residual_means(ns, sample, network)
    neuron = inverse_order(network.order)
    inner_mean = network.kinks * active + ns.constant(network.signs) * far
    zero = 0 * active
    dirac = zero
    if boundary:
        scale = ns.absolute(network.inner)[network.order]
        dirac = network.outer[network.order] / scale * kink_density_means(ns, sample, network)
    table = {
        ("outer", "outer"): zero,
        ("outer", "bias"): active,
        ("outer", "inner"): inner_mean,
        ("bias", "bias"): dirac,
        ("bias", "inner"): network.kinks * dirac,
        ("inner", "inner"): network.kinks * network.kinks * dirac,
    }
    blocks: dict[tuple[Parameter, Parameter], N] = {}
    for first in parameters:
        for second in parameters:
            key = (first, second) if (first, second) in table else (second, first)
            blocks[first, second] = table[key][neuron] / network.width
    return blocks


def hessian(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    *,
    boundary: bool = True,
) -> N:
    """`hess R_n(theta) = 2 T + 2 E[f hess s_theta]`. `[groups * m, groups * m]`.

    Source: eq. 15, p. 26, derived in derivations/hessian.py.
    """
    kernel = tangent_kernel(ns, sample, network, parameters)
    diagonals = residual_curvature(ns, sample, network, parameters, boundary=boundary)
    eye = ns.constant(np.eye(network.width, dtype=int))
    rows = [
        ns.concatenate([eye * diagonals[first, second][:, None] for second in parameters])
        for first in parameters
    ]
    return 2 * kernel + 2 * _stack(ns, rows)


@dataclass(frozen=True)
class KernelProduct(Generic[N]):
    """What a product with T (or with the Hessian) needs, computed once in O(n m).

    For sorted kinks T is semiseparable: a product is a handful of running sums.
    """

    ns: Numbers[N]
    network: Network[N]
    moments: Mixture[N]
    loadings: tuple[tuple[N, N], ...]
    width: int

    @cached_property
    def _masks(self) -> tuple[N, N, N, Integers]:
        """Indicators of right- and left-active neurons, a zero, and each neuron's place."""
        ns, signs = self.ns, self.network.signs
        zero = ns.constant(np.zeros(1, dtype=int))
        neuron = inverse_order(self.network.order)
        return ns.constant(signs > 0), ns.constant(signs < 0), zero, neuron

    @cached_property
    def _scaled(self) -> tuple[tuple[N, N], ...]:
        """Loadings over m^2, by neuron."""
        neuron, square = self._masks[3], self.width * self.width
        return tuple((far[neuron] / square, near[neuron] / square) for far, near in self.loadings)

    def __call__(self, vector: N) -> N:
        """`T v` in O(m). `[groups * m]`."""
        ns, m, y = self.ns, self.width, self.moments
        rising, falling, zero, neuron = self._masks
        order = self.network.order
        sorted_parts = [
            vector[group * m : (group + 1) * m][order] for group in range(len(self.loadings))
        ]
        far = self._combine([load[0] for load in self.loadings], sorted_parts)
        near = self._combine([load[1] for load in self.loadings], sorted_parts)
        # The function s'(v) on every piece: slopes, values at kinks, and steps at kinks.
        slopes_right = ns.cumsum(rising * far)
        slopes_left = tail_sums(ns, falling * far, m)
        slopes = ns.concatenate((zero, slopes_right)) - ns.concatenate((slopes_left, zero))
        climbed = ns.concatenate((zero, ns.cumsum(slopes_right[: m - 1] * y.gaps)))
        descended = ns.concatenate((tail_sums(ns, slopes_left[1:] * y.gaps, m - 1), zero))
        hinges = climbed + descended
        steps_left = tail_sums(ns, falling * near, m)
        at_lower = hinges + ns.cumsum(rising * near) + ns.concatenate((steps_left[1:], zero))
        at_upper = hinges[:1] + steps_left[:1]
        inside = slopes[1:]
        mean = ns.concatenate(
            (
                at_upper * y.mass[:1] - slopes[:1] * y.upper[:1],
                at_lower * y.mass[1:] + inside * y.lower,
            )
        )
        from_lower = at_lower * y.lower + inside * y.lower_square
        to_upper = ns.concatenate(
            (
                at_upper * y.upper[:1] - slopes[:1] * y.upper_square[:1],
                at_lower[: m - 1] * y.upper[1:] + slopes[1:m] * y.across,
            )
        )
        # Its means against the features of each neuron.
        right = tail_sums(ns, mean[1:], m)
        beyond = ns.concatenate((y.gaps * right[1:], zero))
        left = ns.cumsum(mean[:m])
        before = ns.concatenate((zero, y.gaps * left[: m - 1]))
        active = (rising * right + falling * left)[neuron]
        distance = rising * tail_sums(ns, from_lower + beyond, m)
        distance = (distance + falling * ns.cumsum(to_upper + before))[neuron]
        return ns.concatenate([far * distance + near * active for far, near in self._scaled])

    def _combine(self, loads: Sequence[N], parts: Sequence[N]) -> N:
        total = loads[0] * parts[0]
        for load, part in zip(loads[1:], parts[1:], strict=True):
            total = total + load * part
        return total


def tangent_kernel_product(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
) -> KernelProduct[N]:
    """The map `v -> T v`, O(n m) to set up and O(m) to apply.

    Source: prop10, p. 20.
    """
    loadings = tuple(_loading(ns, network, name) for name in parameters)
    return KernelProduct(ns, network, mixture(ns, sample, network), loadings, network.width)


def _loading(ns: Numbers[N], network: Network[N], name: Parameter) -> tuple[N, N]:
    """Coefficients of `m ds/d(parameter)` on `d_l 1_l` and `1_l`. Two `[m]`, sorted kinks."""
    outer = network.outer[network.order]
    scale = ns.absolute(network.inner)[network.order]
    if name == "outer":
        return scale, 0 * scale
    if name == "bias":
        return 0 * outer, outer
    return outer * ns.constant(network.signs), outer * network.kinks


def _between(ns: Numbers[N], network: Network[N], y: Mixture[N]) -> tuple[N, N, N, N]:
    """Moments between kink k (row) and a later kink j (column). Four `[m, m]`, 0 for `j <= k`.

    P(between), E[Y - tau_k], E[tau_j - Y], E[(Y - tau_k)(tau_j - Y)], each on the event that Y
    lies between; running sums over the pieces, all terms non-negative.
    """
    m = network.width
    zero = ns.constant(np.zeros(1, dtype=int))
    above = ns.constant(np.arange(m)[:, None] < np.arange(m)[None, :])
    # Column j holds the piece that ends at kink j: pieces 1..m-1, none ends at the first kink.
    mass = ns.concatenate((zero, y.mass[1:m]))
    lower = ns.concatenate((zero, y.lower[: m - 1]))
    upper = ns.concatenate((zero, y.upper[1:]))
    across = ns.concatenate((zero, y.across))
    gap = ns.concatenate((zero, y.gaps))
    start = ns.concatenate((network.kinks[:1], network.kinks[: m - 1]))
    offset = above * (start[None, :] - network.kinks[:, None])
    before = at_least(np.arange(m) - 1, 0)
    probability = ns.cumsum(above * mass)
    from_row = ns.cumsum(above * lower + offset * mass)
    to_column = ns.cumsum(above * (gap * probability[:, before] + upper))
    product = ns.cumsum(above * (gap * from_row[:, before] + across) + offset * upper)
    return probability, from_row, to_column, product


def _outer(first: N, second: N) -> N:
    return first[:, None] * second[None, :]


def _symmetric(x: N) -> N:
    return x + x.T


def _stack(ns: Numbers[N], rows: Sequence[N]) -> N:
    """Join matrices of equal width one below the other."""
    return ns.concatenate([row.T for row in rows]).T

"""A two-layer ReLU network as a piecewise linear function.

`s(y) = (1/m) sum_l w2_l relu(w1_l y + b_l)` has slope changes at the kinks `tau_l = -b_l/w1_l`. A
neuron with `w1 > 0` is active right of its kink and adds `w2 |w1| (y - tau)`; one with `w1 < 0` is
active left of it and adds `w2 |w1| (tau - y)`. Slopes and values at kinks are running sums over
sorted kinks; values are sums of slope times gap, so that a shift of the data costs no digits.

Pieces are numbered 0..m from the left; piece p lies between sorted kinks p and p + 1 (from 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np

from dsmverify.formulas.setting import Network
from dsmverify.numbers import Integers, N, Numbers, at_least, first_members


@dataclass(frozen=True)
class Pieces(Generic[N]):
    """A network's linear pieces.

    Attributes:
        gaps: `[m - 1]`, distances between successive kinks.
        slopes: `[m + 1]`, slope of each piece.
        values: `[m]`, value of the network at each sorted kink.
    """

    gaps: N
    slopes: N
    values: N


def tail_sums(ns: Numbers[N], x: N, count: int) -> N:
    """Running sums from the right end: `x_k + x_{k+1} + ...`. `[..., count]`."""
    back = np.arange(count)[::-1].copy()
    return ns.cumsum(x[..., back])[..., back]


def hinge_values(ns: Numbers[N], heights: N, gaps: N, signs: Integers) -> tuple[N, N]:
    """Sum of hinges `h_k (y - tau_k)_+` (sign +1) and `h_k (tau_k - y)_+` (sign -1).

    Args:
        ns: number system.
        heights: `[m]`, h_k in sorted-kink order.
        gaps: `[m - 1]`, distances between successive kinks.
        signs: `[m]`, +1 or -1.

    Returns:
        Slopes of the pieces `[m + 1]` and values at the kinks `[m]`.
    """
    count = len(signs)
    zero = ns.constant(np.zeros(1, dtype=int))
    rising = ns.constant(signs > 0) * heights
    falling = ns.constant(signs < 0) * heights
    slopes_right = ns.concatenate((zero, ns.cumsum(rising)))
    slopes_left = ns.concatenate((tail_sums(ns, falling, count), zero))
    inner = slice(1, count)
    values_right = ns.concatenate((zero, ns.cumsum(slopes_right[inner] * gaps)))
    values_left = ns.concatenate((tail_sums(ns, slopes_left[inner] * gaps, count - 1), zero))
    return slopes_right - slopes_left, values_right + values_left


def pieces(ns: Numbers[N], network: Network[N]) -> Pieces[N]:
    """Slopes and kink values of a network.

    Source: D of s_theta, section 0.
    """
    heights = (ns.absolute(network.inner) * network.outer)[network.order] / network.width
    gaps = network.kinks[1:] - network.kinks[:-1]
    slopes, values = hinge_values(ns, heights, gaps, network.signs)
    return Pieces(gaps, slopes, values)


def value(ns: Numbers[N], y: N, network: Network[N], position: Integers) -> N:
    """`s_theta(y)`. `[k]`.

    Args:
        ns: number system.
        y: `[k]`.
        network: the network.
        position: `[k]`, number of kinks left of each y, exact (at a kink either side serves).

    Source: section 0.
    """
    parts = pieces(ns, network)
    kink = at_least(position - 1, 0)
    return parts.values[kink] + parts.slopes[position] * (y - network.kinks[kink])


def direct_value(ns: Numbers[N], y: N, network: Network[N]) -> N:
    """`s_theta(y) = (1/m) sum_l w2_l relu(w1_l y + b_l)`, term by term; y one number.

    Needs no place of y among the kinks, and encloses wide y; `value` is the accurate one.

    Source: section 0.
    """
    active = ns.maximum(network.inner * y + network.bias, 0 * network.bias)
    return ns.sum(network.outer * active) / network.width


def slope(ns: Numbers[N], network: Network[N], position: Integers) -> N:
    """`s_theta'` on the pieces numbered `position`. `[k]`.

    Source: section 0.
    """
    return pieces(ns, network).slopes[position]


def slope_jumps(ns: Numbers[N], network: Network[N]) -> N:
    """Mass of `s_theta''` at each distinct kink: `(1/m) sum |w1_l| w2_l` over merged kinks. `[m]`.

    The entry of a merged group stands at the group's number; unused entries are 0.

    Source: D-tv, p. 9.
    """
    heights = (ns.absolute(network.inner) * network.outer)[network.order] / network.width
    member = ns.constant(network.group[None, :] == np.arange(network.width)[:, None])
    return ns.sum(member * heights)


def total_variation(ns: Numbers[N], network: Network[N], kink_weights: N) -> N:
    """`TV(s_theta) = sum over distinct kinks of |slope jump| pi(tau)`.

    Args:
        ns: number system.
        network: the network.
        kink_weights: `[m]`, pi at each sorted kink (0 outside the closed range of the data).

    Source: D-tv, pp. 6 and 9.
    """
    first = first_members(network.group, network.width)
    return ns.sum(ns.absolute(slope_jumps(ns, network)) * kink_weights[first])

"""Order, decided exactly: sorted kinks, merged kinks, places among them, pieces of the weight.

Formulas see no ordering. What they need of it is worked out here, in `Fraction` on the exact
input, and handed to them as integers. Only one order is ever approximate: which training point or
kink lies nearest a point given as a float, where any answer gives the right value and the nearest
one gives the accurate value (`nearest`, `positions`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.numbers import Integers


@dataclass(frozen=True)
class KinkOrder:
    """Kinks of a network in exact order.

    Attributes:
        kinks: the kinks `-b/w1`, ascending.
        order: `[m]`, neuron of each sorted kink; equal kinks keep their neurons' order.
        signs: `[m]`, sign of the inner weight, in sorted order.
        group: `[m]`, number of the distinct kink (equal kinks share one).
    """

    kinks: tuple[Fraction, ...]
    order: Integers
    signs: Integers
    group: Integers


def kink_order(inner: Sequence[Fraction], bias: Sequence[Fraction]) -> KinkOrder:
    """Sort the kinks `-b/w1` exactly and merge equal ones."""
    raw = [-b / w for w, b in zip(inner, bias, strict=True)]
    order = sorted(range(len(raw)), key=raw.__getitem__)
    kinks = tuple(raw[index] for index in order)
    group, current = [], -1
    for place, kink in enumerate(kinks):
        current += place == 0 or kink != kinks[place - 1]
        group.append(current)
    signs = [1 if inner[index] > 0 else -1 for index in order]
    return KinkOrder(kinks, np.array(order), np.array(signs), np.array(group))


def float_kink_order(inner: NDArray[np.float64], bias: NDArray[np.float64]) -> KinkOrder:
    """Order of float kinks as float64 sees them, for code that computes in float64 throughout."""
    raw = -bias / inner
    order = np.argsort(raw, kind="stable")
    ordered = raw[order]
    group = np.concatenate(([0], np.cumsum(ordered[1:] != ordered[:-1])))
    signs = np.where(inner[order] > 0, 1, -1)
    return KinkOrder(tuple(ordered), order, signs, group)


def positions(cuts: ArrayLike, points: ArrayLike) -> Integers:
    """How many cuts lie left of each point, as floats see it. `[points]`."""
    return np.searchsorted(np.asarray(cuts, dtype=float), np.asarray(points, dtype=float))


def nearest(points: ArrayLike, y: ArrayLike) -> Integers:
    """Index of the point nearest each `y`, as floats see it. Shape of `y`."""
    ordered = np.asarray(points, dtype=float)
    at = np.asarray(y, dtype=float)
    right = np.clip(np.searchsorted(ordered, at), 1, len(ordered) - 1)
    is_left = at - ordered[right - 1] <= ordered[right] - at
    return np.where(is_left, right - 1, right)


@dataclass(frozen=True)
class ExactWeightPieces:
    """min(pi^+, pi^-)/mu in the coordinate u/mu: cuts, values at lower cuts, slopes. Exact."""

    cuts: tuple[Fraction, ...]
    value: tuple[Fraction, ...]
    slope: tuple[Fraction, ...]


def weight_pieces(points: Sequence[Fraction]) -> ExactWeightPieces:
    """Linear pieces of min(pi^+, pi^-)/mu between training points.

    On `(x_i, x_{i+1})`, `pi^-(mu x)/mu = (i/n^2) sum_{j<=i} (x - x_j)` rises and
    `pi^+(mu x)/mu = ((n-i)/n^2) sum_{j>i} (x_j - x)` falls; they cross at most once, in a gap or at
    a training point where both jump.

    Source: D-pi, pp. 6-7.
    """
    n = len(points)
    cuts: list[Fraction] = [points[0]]
    values: list[Fraction] = []
    slopes: list[Fraction] = []
    until, total = Fraction(0), sum(points, Fraction(0))
    for i in range(1, n):
        left, right = points[i - 1], points[i]
        rise = Fraction(i * i, n * n)
        fall = Fraction((n - i) * (n - i), n * n)
        until += left
        below = Fraction(i, n * n) * (i * left - until)
        above = Fraction(n - i, n * n) * (total - until - (n - i) * left)
        crossing = left + (above - below) / (rise + fall)
        if crossing <= left:
            cuts, values, slopes = _append((cuts, values, slopes), right, above, -fall)
        elif crossing >= right:
            cuts, values, slopes = _append((cuts, values, slopes), right, below, rise)
        else:
            top = below + rise * (crossing - left)
            lists = _append((cuts, values, slopes), crossing, below, rise)
            cuts, values, slopes = _append(lists, right, top, -fall)
    return ExactWeightPieces(tuple(cuts), tuple(values), tuple(slopes))


def exact_position(cuts: Sequence[Fraction], point: Fraction) -> int:
    """How many cuts are strictly left of a point, exactly."""
    return bisect_left(cuts, point)


_Lists = tuple[list[Fraction], list[Fraction], list[Fraction]]


def _append(lists: _Lists, cut: Fraction, value: Fraction, slope: Fraction) -> _Lists:
    cuts, values, slopes = lists
    return [*cuts, cut], [*values, value], [*slopes, slope]

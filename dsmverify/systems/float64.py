"""float64 arrays.

Truncated normal moments are integrated by Gauss-Legendre on each piece, from the point nearest 0
outward: every term is positive, so the relative error stays near the unit roundoff for pieces of
any width, near or far in the tail, where the closed form would cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dsmverify.numbers import Exact, Integers, Numbers, nearest_cut

Floats = NDArray[np.float64]

NARROW_RANGE = 1.5
"""Largest fall of the log density on a piece that the short rule handles to rounding."""

SHORT_NODES, NARROW_NODES, WIDE_NODES = 6, 10, 40

SHORT_RANGE = 0.5
"""Largest `length (start + 3)` that `SHORT_NODES` handle to 2e-15."""

CUT_OFF = 46.0
"""Fall of the log density after which the rest of a piece is below the unit roundoff."""


RULE_DIGITS = 40
"""Digits in which rules are worked out; SciPy's own are right to 12 only, worst near the ends."""


@cache
def legendre_rule(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1], to the last bit. Two `[nodes]`.

    Two Newton steps from SciPy's nodes; the weights are `1 / ((1 - x^2) P_n'(x)^2)`.
    """
    from mpmath import MPContext

    mp = MPContext()
    mp.dps = RULE_DIGITS
    points, weights = [], []
    for start in special.roots_legendre(nodes)[0]:
        x = mp.mpf(float(start))
        for _ in range(2):
            value, slope = _legendre(x, nodes)
            x = x - value / slope
        _, slope = _legendre(x, nodes)
        points.append(float((x + 1) / 2))
        weights.append(float(1 / ((1 - x * x) * slope * slope)))
    return np.array(points), np.array(weights)


def _legendre(x: Any, degree: int) -> tuple[Any, Any]:
    """Legendre polynomial and its slope at x, by the three-term recurrence."""
    before, value = 1, x
    for k in range(2, degree + 1):
        before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
    return value, degree * (x * value - before) / (x * x - 1)


def one_sided_moments(start: Floats, length: Floats) -> Floats:
    """`integral_0^length u^k phi(start + u) du` for k = 0, 1, 2. `[3, ...]`.

    Relative error about 1e-15, and `start^2 / 2` roundings more: 1e-13 at 38 sigma.

    Args:
        start: `[...]`, distance from 0 where the piece begins, at least 0.
        length: `[...]`, at least 0, may be infinite.

    The density falls by `exp(-start u - u^2/2)`; beyond a fall of `CUT_OFF` nothing counts. Within
    it 40 Gauss-Legendre nodes reach the unit roundoff, 10 where the fall is small, and 6 on the
    short pieces of a wide network.
    """
    reach = 2 * CUT_OFF / (start + np.sqrt(start * start + 2 * CUT_OFF))
    length = np.minimum(length, reach)
    start, length, shape = start.ravel(), length.ravel(), start.shape
    short = length * (start + 3) <= SHORT_RANGE
    narrow = length * (start + length / 2) <= NARROW_RANGE
    moments = np.empty((3, start.size))
    rules = (short, SHORT_NODES), (narrow & ~short, NARROW_NODES), (~narrow & ~short, WIDE_NODES)
    for mask, nodes in rules:
        if mask.all():
            return _integrate(start, length, nodes).reshape(3, *shape)
        chosen = np.flatnonzero(mask)
        if chosen.size:
            moments[:, chosen] = _integrate(start[chosen], length[chosen], nodes)
    return moments.reshape(3, *shape)


def _integrate(start: Floats, length: Floats, nodes: int) -> Floats:
    result = np.zeros((3, start.size))
    for point, weight in zip(*legendre_rule(nodes), strict=True):
        u = point * length
        term = np.exp(-u * (start + u / 2)) * weight
        for power in range(3):
            result[power] += term
            term *= u
    density = np.exp(-(start * start) / 2) / np.sqrt(2 * np.pi) * length
    return result * density


def normal_pieces(cuts: Floats, position: Integers) -> tuple[Floats, Floats, Floats, Floats]:
    """float64's own `Numbers.normal_pieces`.

    Relative error about 1e-15, growing to 1e-13 at 38 sigma; of the first moment of the piece that
    holds 0, relative to its two halves.
    """
    rows, count = cuts.shape
    row = np.arange(rows)[:, None]
    infinite = np.full((rows, 1), np.inf)
    ends = np.concatenate((-infinite, cuts, infinite), axis=1)
    choice = nearest_cut(position, count)
    centre = np.where(choice == 0, 0.0, ends[row, np.maximum(choice, 1)])
    up = np.maximum(ends[:, 1:] - centre, 0)
    down = np.maximum(centre - ends[:, :-1], 0)
    piece = np.arange(count + 1)
    is_left = piece < position[:, None]
    moments = one_sided_moments(np.abs(centre), np.where(is_left, down, up))
    moments[1] = np.where(is_left, -moments[1], moments[1])
    straddling = row[:, 0], position
    moments[:, *straddling] += np.array([[1], [-1], [1]]) * one_sided_moments(
        np.zeros(rows), down[straddling]
    )
    return centre, moments[0], moments[1], moments[2]


ARC_NODES = 14
"""Nodes that integrate `v^2/(1 + x^2 v^2)` on [0, 1] to 2e-17 for |x| <= 1 (poles at i/x)."""

SINH_TERMS = 9
"""Terms of `(sinh x - x)/x^3` that leave 2e-18 of it for |x| <= 1."""


def arctan_defect(x: Any) -> Any:
    """`x - arctan x`, relative error about 5e-16.

    Up to 1 as `x^3 int_0^1 v^2/(1 + x^2 v^2) dv`, whose integrand is positive; beyond 1 the
    difference loses a factor of at most 5.
    """
    x = np.asarray(x, dtype=np.float64)
    square = np.minimum(x * x, 1.0)
    mean = np.zeros_like(x)
    for point, weight in zip(*legendre_rule(ARC_NODES), strict=True):
        mean += weight * point * point / (1 + square * (point * point))
    return np.where(np.abs(x) <= 1, x * x * x * mean, x - np.arctan(x))[()]


def sinh_excess(x: Any) -> Any:
    """`sinh x - x`, relative error about 1e-15; up to 1 by its series, of one sign."""
    x = np.asarray(x, dtype=np.float64)
    square = np.minimum(x * x, 1.0)
    total = np.ones_like(x)
    for term in range(SINH_TERMS, 1, -1):
        total = 1 + total * square / (2 * term * (2 * term + 1))
    return np.where(np.abs(x) <= 1, x * x * x * total / 6, np.sinh(x) - x)[()]


def nearest_float(value: Exact) -> float:
    """Nearest float64, infinite where a number is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def nearest_floats(values: Sequence[Any] | NDArray[Any]) -> Floats:
    """Nearest float64 of each entry."""
    exact = np.asarray(values)
    if exact.dtype != object:
        return exact.astype(np.float64)
    rounded = [nearest_float(entry) for entry in exact.ravel()]
    return np.array(rounded, dtype=np.float64).reshape(exact.shape)


class Float64:
    """NumPy float64."""

    name = "float64"

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> Any:
        """Nearest float64 to an exact value, or array of them."""
        if isinstance(value, int | Fraction):
            return np.float64(nearest_float(value))
        return nearest_floats(value)

    @property
    def pi(self) -> Any:
        """The number pi."""
        return np.float64(np.pi)

    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    erfc = staticmethod(special.erfc)
    arctan_defect = staticmethod(arctan_defect)
    sinh_excess = staticmethod(sinh_excess)
    absolute = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    normal_pieces = staticmethod(normal_pieces)

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return np.sqrt(x) if degree == 2 else np.cbrt(x) if degree == 3 else x ** (1 / degree)

    def sum(self, x: Any, axis: int = -1) -> Any:
        """Sum over one axis."""
        return np.sum(x, axis=axis)

    def cumsum(self, x: Any, axis: int = -1) -> Any:
        """Running sum over one axis."""
        return np.cumsum(x, axis=axis)

    def concatenate(self, parts: Sequence[Any]) -> Any:
        """Join along the last axis."""
        return np.concatenate(list(parts), axis=-1)


SYSTEM: Numbers[Any] = Float64()

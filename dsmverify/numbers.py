"""All that a formula may use: arithmetic, some functions, and no ordering.

A formula of this package is written once, against `Numbers`, and runs in five number systems:
float64, torch, mpmath, Arb balls and SymPy. The protocol is small on purpose. It has no comparison
and accepts no float literal: an order that a formula needs (sorted kinks, the kinks left of a
noised point) is worked out beforehand, in exact arithmetic, and handed in as integers.

Arrays. float64 uses NumPy arrays and torch its tensors; mpmath, Arb and SymPy use NumPy arrays of
dtype object, so that the same lines broadcast over points and kinks everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.intp]
"""Integer index arrays: orders and positions, the only thing a formula may index with."""

Exact = int | Fraction
"""Numbers that enter every system without loss."""


class Scalar(Protocol):
    """What a formula may do with a number or an array of numbers."""

    def __add__(self, other: Any, /) -> Self: ...
    def __radd__(self, other: Any, /) -> Self: ...
    def __sub__(self, other: Any, /) -> Self: ...
    def __rsub__(self, other: Any, /) -> Self: ...
    def __mul__(self, other: Any, /) -> Self: ...
    def __rmul__(self, other: Any, /) -> Self: ...
    def __truediv__(self, other: Any, /) -> Self: ...
    def __rtruediv__(self, other: Any, /) -> Self: ...
    def __neg__(self) -> Self: ...
    def __getitem__(self, index: Any, /) -> Self: ...
    @property
    def T(self) -> Self:
        """Transpose of a matrix."""
        ...


N = TypeVar("N", bound=Scalar)


class Numbers(Protocol[N]):
    """A number system.

    Every method works elementwise on arrays and broadcasts; `axis` is always negative or zero.
    """

    name: str

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> N:
        """Exact value, or array of them, in this system (float64 and torch round to nearest)."""
        ...

    @property
    def pi(self) -> N:
        """The number pi."""
        ...

    def exp(self, x: N, /) -> N:
        """Exponential."""
        ...

    def expm1(self, x: N, /) -> N:
        """`exp(x) - 1` without cancellation near 0."""
        ...

    def root(self, x: N, degree: int) -> N:
        """Non-negative root of a non-negative number; `degree` 2 is the square root."""
        ...

    def erfc(self, x: N, /) -> N:
        """Complementary error function."""
        ...

    def arctan_defect(self, x: N, /) -> N:
        """`x - arctan(x)` without cancellation near 0.

        Every angle of a kernel is an arctangent of at most 1, and what a formula needs of it is
        this rest, which is x^3/3 near 0: from the angle itself it would be lost in float64.
        """
        ...

    def sinh_excess(self, x: N, /) -> N:
        """`sinh(x) - x` without cancellation near 0, where it is x^3/6."""
        ...

    def absolute(self, x: N, /) -> N:
        """Absolute value."""
        ...

    def maximum(self, x: N, y: N, /) -> N:
        """Larger of two values; on balls an enclosure of it, never a choice."""
        ...

    def sum(self, x: N, axis: int = -1) -> N:
        """Sum over one axis."""
        ...

    def cumsum(self, x: N, axis: int = -1) -> N:
        """Running sum over one axis."""
        ...

    def concatenate(self, parts: Sequence[N]) -> N:
        """Join along the last axis."""
        ...

    def normal_pieces(self, cuts: N, position: Integers) -> tuple[N, N, N, N]:
        """Truncated moments of the standard normal law between successive cuts.

        Args:
            cuts: `[rows, cuts]`, ascending in each row, in units of the standard deviation.
            position: `[rows]`, how many cuts of each row count as left of 0. Any count gives the
                right value; the true one gives the accurate one.

        Returns:
            Four arrays `[rows, cuts + 1]`, one entry for each piece of the line: the point `c` of
            the piece nearest 0, and `E[(Z - c)^k ; Z in piece]` for k = 0, 1, 2.
        """
        ...


def closed_normal_pieces(ns: Numbers[N], cuts: N, position: Integers) -> tuple[N, N, N, N]:
    """Closed form of `Numbers.normal_pieces`, from `exp` and `erfc`.

    With `q(z) = (z's tail)` signed by the side of 0, `M0 = q(a) - q(b) + [0 in piece]`,
    `M1 = phi(a) - phi(b) - c M0` and `M2 = M0 + a phi(a) - b phi(b) - c (phi(a) - phi(b)) - c M1`.
    In exact systems cancellation costs working bits, which `certify` buys back; float64 and torch
    integrate the same moments by Gauss-Legendre, where nothing cancels.

    Source: section 5 (truncated moments; derivations/truncated_moments.py).
    """
    rows, count = cuts.shape  # type: ignore[attr-defined]
    piece = np.arange(count + 1)
    row = np.arange(rows)[:, None]
    side = np.where(np.arange(count) < position[:, None], -1, 1)
    side_of = ns.constant(side)
    tail = ns.erfc(side_of * cuts / ns.root(ns.constant(2), 2)) / 2
    zero = ns.constant(np.zeros((rows, 1), dtype=int))
    padded_tail = ns.concatenate((zero, side_of * tail, zero))
    density = ns.exp(-(cuts * cuts) / 2) / ns.root(2 * ns.pi, 2)
    padded_density = ns.concatenate((zero, density, zero))
    padded_first = ns.concatenate((zero, cuts * density, zero))
    holds_zero = ns.constant(piece == position[:, None])
    mass = padded_tail[:, :-1] - padded_tail[:, 1:] + holds_zero
    centre = ns.concatenate((zero, cuts))[row, nearest_cut(position, count)]
    drop = padded_density[:, :-1] - padded_density[:, 1:]
    first = drop - centre * mass
    second = mass + (padded_first[:, :-1] - padded_first[:, 1:]) - centre * drop - centre * first
    return centre, mass, first, second


def nearest_cut(position: Integers, count: int) -> Integers:
    """Which cut of each piece is nearest 0: its number from 1, or 0 where the piece holds 0.

    Args:
        position: `[rows]`, cuts left of 0 in each row.
        count: number of cuts.
    """
    piece = np.arange(count + 1)
    left, right = piece < position[:, None], piece > position[:, None]
    return np.where(left, piece + 1, np.where(right, piece, 0))


def inverse_order(order: Integers) -> Integers:
    """Place of each element in an order: `inverse[order[k]] = k`."""
    return np.argsort(order)


def at_least(index: Integers, lowest: int) -> Integers:
    """Indices, with those below `lowest` raised to it."""
    return np.maximum(index, lowest)


def earlier_and_later(row: Integers, column: Integers) -> tuple[Integers, Integers]:
    """Smaller and larger of two indices, broadcast."""
    return np.minimum(row, column), np.maximum(row, column)


def first_members(group: Integers, count: int) -> Integers:
    """First index of each group number 0..count-1 (numbers that do not occur: the last index)."""
    return np.minimum(np.searchsorted(group, np.arange(count)), count - 1)

"""float64 with a running error bound: every number carries how far it can be from the exact one.

Midpoint-radius arithmetic in plain float64, vectorised: `|exact - value| <= error`. Radii are
computed in float64 too; `INFLATION` covers their own rounding (a chain of up to 10^6 operations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dsmverify.numbers import Exact, Integers, nearest_cut
from dsmverify.systems import float64

Floats = NDArray[np.float64]

UNIT = 2.0**-53
"""Unit roundoff of float64."""

ELEMENTARY = 4 * UNIT
"""Relative error allowed for exp, expm1, erfc and roots; NumPy's and SciPy's stay below 2 ulp."""

DIFFERENCE = 32 * UNIT
"""Relative error of `x - arctan x` and `sinh x - x`: 14 positive terms, or a loss by 8."""

MOMENTS = 64 * UNIT
"""Relative error of the Gauss-Legendre moments: 40 positive terms, nodes, exponentials."""

TINY = 1e-300
"""Absolute error that stands for underflow."""

INFLATION = 1 + 2.0**-30
"""Covers the rounding of the radii themselves."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """A float64 array and a bound on the distance of each entry from the exact value."""

    value: Any
    error: Any

    __array_ufunc__ = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return np.shape(self.value)

    @property
    def T(self) -> Rounded:
        """Transpose."""
        return Rounded(self.value.T, self.error.T)

    @property
    def bound(self) -> Floats:
        """The error bound, inflated for the rounding of the bound itself."""
        return self.error * INFLATION + TINY

    def __getitem__(self, index: Any) -> Rounded:
        return Rounded(self.value[index], self.error[index])

    def __len__(self) -> int:
        return len(self.value)

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.error)

    def __add__(self, other: Any) -> Rounded:
        other = lift(other)
        value = self.value + other.value
        return Rounded(value, self.error + other.error + UNIT * np.abs(value))

    def __radd__(self, other: Any) -> Rounded:
        return self + other

    def __sub__(self, other: Any) -> Rounded:
        other = lift(other)
        value = self.value - other.value
        return Rounded(value, self.error + other.error + UNIT * np.abs(value))

    def __rsub__(self, other: Any) -> Rounded:
        return lift(other) - self

    def __mul__(self, other: Any) -> Rounded:
        if isinstance(other, int) and other in (-1, 0, 1, 2, 4):
            return Rounded(self.value * other, self.error * abs(other))
        other = lift(other)
        value = self.value * other.value
        error = np.abs(self.value) * other.error + (np.abs(other.value) + other.error) * self.error
        return Rounded(value, error + UNIT * np.abs(value) + TINY * 1e-8)

    def __rmul__(self, other: Any) -> Rounded:
        return self * other

    def __truediv__(self, other: Any) -> Rounded:
        if isinstance(other, int) and other == 2:
            return Rounded(self.value / 2, self.error / 2)
        other = lift(other)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.value / other.value
            room = np.abs(other.value) - other.error
            error = (self.error + np.abs(value) * other.error) / room
        error = np.where(room > 0, error, np.inf)
        return Rounded(value, error + UNIT * np.abs(value))

    def __rtruediv__(self, other: Any) -> Rounded:
        return lift(other) / self


def lift(value: Any) -> Rounded:
    """An integer as an exact `Rounded`, or a `Rounded` as it is."""
    if isinstance(value, Rounded):
        return value
    if isinstance(value, int | np.integer):
        return Rounded(np.float64(value), np.float64(0))
    raise TypeError(f"a formula met {value!r}: only integers and its own numbers may be used")


class Running:
    """float64 with running error bounds."""

    name = "running"

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> Rounded:
        """Nearest float64, with the rounding of non-integers as error."""
        if isinstance(value, int | Fraction):
            value = [value]
            return self.constant(value)[0]
        exact = np.asarray(value)
        rounded = float64.nearest_floats(exact)
        whole = exact.dtype != object and exact.dtype.kind in "biu"
        error = np.zeros_like(rounded) if whole else UNIT * np.abs(rounded)
        return Rounded(rounded, error)

    def floats(self, value: Floats) -> Rounded:
        """float64 data taken as exact."""
        return Rounded(value, np.zeros_like(value))

    @property
    def pi(self) -> Rounded:
        """The number pi."""
        return Rounded(np.float64(np.pi), np.float64(UNIT * np.pi))

    def exp(self, x: Rounded) -> Rounded:
        """Exponential."""
        value = np.exp(x.value)
        return Rounded(value, value * (np.expm1(x.error) + ELEMENTARY) + TINY)

    def expm1(self, x: Rounded) -> Rounded:
        """`exp(x) - 1`."""
        value = np.expm1(x.value)
        return Rounded(value, np.exp(x.value) * np.expm1(x.error) + ELEMENTARY * np.abs(value))

    def root(self, x: Rounded, degree: int) -> Rounded:
        """Non-negative root; an error e of x moves it by at most `root(x) e / (x - e)`."""
        value = float64.SYSTEM.root(x.value, degree)
        room = x.value - x.error
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.where(room > 0, value * x.error / room, np.where(x.error > 0, np.inf, 0.0))
        return Rounded(value, error + ELEMENTARY * value)

    def erfc(self, x: Rounded) -> Rounded:
        """Complementary error function; its slope is at most `2/sqrt(pi) < 1.13`."""
        value = special.erfc(x.value)
        return Rounded(value, 1.13 * x.error + ELEMENTARY * value + TINY)

    def arctan_defect(self, x: Rounded) -> Rounded:
        """`x - arctan x`; its slope is `x^2/(1 + x^2)`, below 1 and below x^2."""
        value, reach = float64.arctan_defect(x.value), np.abs(x.value) + x.error
        slope = np.minimum(reach * reach, 1)
        return Rounded(value, slope * x.error + DIFFERENCE * np.abs(value) + TINY)

    def sinh_excess(self, x: Rounded) -> Rounded:
        """`sinh x - x`; its slope is `cosh x - 1 = 2 sinh^2(x/2)`."""
        value, half = float64.sinh_excess(x.value), np.sinh((np.abs(x.value) + x.error) / 2)
        return Rounded(value, 2 * half * half * x.error + DIFFERENCE * np.abs(value) + TINY)

    def absolute(self, x: Rounded) -> Rounded:
        """Absolute value."""
        return Rounded(np.abs(x.value), x.error)

    def maximum(self, x: Rounded, y: Rounded) -> Rounded:
        """Larger of two values."""
        return Rounded(np.maximum(x.value, y.value), np.maximum(x.error, y.error))

    def sum(self, x: Rounded, axis: int = -1) -> Rounded:
        """Sum; any order of summation errs by at most `count u sum |x|`."""
        growth = np.shape(x.value)[axis] * UNIT
        error = np.sum(x.error, axis=axis) + growth * np.sum(np.abs(x.value), axis=axis)
        return Rounded(np.sum(x.value, axis=axis), error)

    def cumsum(self, x: Rounded, axis: int = -1) -> Rounded:
        """Running sum; partial sum k errs by at most u times the sizes of the partials before."""
        value = np.cumsum(x.value, axis=axis)
        error = np.cumsum(x.error + UNIT * np.abs(value), axis=axis)
        return Rounded(value, error)

    def concatenate(self, parts: Sequence[Rounded]) -> Rounded:
        """Join along the last axis."""
        value = np.concatenate([part.value for part in parts], axis=-1)
        return Rounded(value, np.concatenate([part.error for part in parts], axis=-1))

    def normal_pieces(
        self, cuts: Rounded, position: Integers
    ) -> tuple[Rounded, Rounded, Rounded, Rounded]:
        """Truncated moments with the effect of uncertain cuts.

        A moment about c changes with an end e at the rate `|e - c|^k phi(e)` and with c at the rate
        `k` times the moment below; `phi` is taken at the nearest point the end can have.
        """
        rows, count = cuts.shape
        row = np.arange(rows)[:, None]
        centre, *moments = float64.normal_pieces(cuts.value, position)
        choice = nearest_cut(position, count)
        slack = np.where(choice == 0, 0.0, cuts.error[row, np.maximum(choice - 1, 0)])
        closest = np.maximum(np.abs(cuts.value) - cuts.error, 0)
        flow = np.exp(-(closest * closest) / 2) / np.sqrt(2 * np.pi) * cuts.error
        zero = np.zeros((rows, 1))
        flow = np.concatenate((zero, flow, zero), axis=1)
        ends = np.concatenate((zero, cuts.value, zero), axis=1)
        errors = np.concatenate((zero, cuts.error, zero), axis=1)
        reach = np.abs(ends[:, :-1] - centre) + errors[:, :-1] + slack
        reach_up = np.abs(ends[:, 1:] - centre) + errors[:, 1:] + slack
        at_low, at_high = flow[:, :-1], flow[:, 1:]
        # Bounds the first absolute moment; the product of the two would underflow.
        spread = np.sqrt(moments[0]) * np.sqrt(moments[2])
        # The rounded square in exp(-c^2/2) adds up to c^2/2 roundings, far more in the tails.
        relative = MOMENTS + UNIT * centre * centre
        error_mass = at_low + at_high + relative * moments[0] + TINY
        error_first = reach * at_low + reach_up * at_high + slack * (moments[0] + error_mass)
        error_first = error_first + relative * spread + TINY
        error_second = reach * reach * at_low + reach_up * reach_up * at_high
        error_second = error_second + slack * (2 * (spread + error_first) + slack * error_mass)
        error_second = error_second + relative * moments[2] + TINY
        return (
            Rounded(centre, slack),
            Rounded(moments[0], error_mass),
            Rounded(moments[1], error_first),
            Rounded(moments[2], error_second),
        )


SYSTEM = Running()

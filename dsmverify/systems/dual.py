"""Numbers with tangents: any number system, and first derivatives along.

A formula that runs in a number system runs on its dual numbers too, and gives its derivatives along
several directions at once, as exactly as that system computes. Only what is differentiable is
there: no maximum, no absolute value, no truncated moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NoReturn

from numpy.typing import NDArray

from dsmverify.numbers import Exact, Integers, N, Numbers


class Dual(Generic[N]):
    """A number, or an array of them, and its derivatives along some directions.

    Attributes:
        value: the number.
        tangents: one for each direction; None stands for 0.
    """

    __slots__ = ("tangents", "value")
    __array_ufunc__ = None

    def __init__(self, value: N, tangents: tuple[N | None, ...]) -> None:
        """A number with its derivatives."""
        self.value = value
        self.tangents = tangents

    def __add__(self, other: Any) -> Dual[N]:
        if not isinstance(other, Dual):
            return Dual(self.value + other, self.tangents)
        return Dual(self.value + other.value, _added(self.tangents, other.tangents))

    __radd__ = __add__

    def __neg__(self) -> Dual[N]:
        return Dual(-self.value, _scaled(self.tangents, -1))

    def __sub__(self, other: Any) -> Dual[N]:
        if not isinstance(other, Dual):
            return Dual(self.value - other, self.tangents)
        return Dual(self.value - other.value, _added(self.tangents, _scaled(other.tangents, -1)))

    def __rsub__(self, other: Any) -> Dual[N]:
        return Dual(other - self.value, _scaled(self.tangents, -1))

    def __mul__(self, other: Any) -> Dual[N]:
        if not isinstance(other, Dual):
            return Dual(self.value * other, _scaled(self.tangents, other))
        return Dual(
            self.value * other.value,
            _added(_scaled(self.tangents, other.value), _scaled(other.tangents, self.value)),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual[N]:
        if not isinstance(other, Dual):
            return Dual(self.value / other, _divided(self.tangents, other))
        quotient = self.value / other.value
        moved = _added(self.tangents, _scaled(other.tangents, -quotient))
        return Dual(quotient, _divided(moved, other.value))

    def __rtruediv__(self, other: Any) -> Dual[N]:
        quotient = other / self.value
        return Dual(quotient, _scaled(self.tangents, -quotient / self.value))

    def __getitem__(self, index: Any) -> Dual[N]:
        parts = tuple(None if part is None else part[index] for part in self._spread())
        return Dual(self.value[index], parts)

    @property
    def T(self) -> Dual[N]:
        """Transpose of a matrix."""
        return Dual(
            self.value.T, tuple(None if part is None else part.T for part in self._spread())
        )

    def _spread(self) -> tuple[Any, ...]:
        """The tangents in the value's own shape: they may be kept in one that broadcasts to it."""
        value: Any = self.value
        return tuple(None if part is None else part + 0 * value for part in self.tangents)


def _added(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        b if a is None else a if b is None else a + b for a, b in zip(left, right, strict=True)
    )


def _scaled(parts: tuple[Any, ...], factor: Any) -> tuple[Any, ...]:
    return tuple(None if part is None else part * factor for part in parts)


def _divided(parts: tuple[Any, ...], divisor: Any) -> tuple[Any, ...]:
    # Never by a product with `1 / divisor`: of two integers that would be a rounded float.
    return tuple(None if part is None else part / divisor for part in parts)


class Duals(Generic[N]):
    """Dual numbers over a number system.

    Args:
        base: the system of values and tangents.
        directions: how many derivatives are carried along.
    """

    name = "dual"

    def __init__(self, base: Numbers[N], directions: int) -> None:
        self.base = base
        self.directions = directions

    def fixed(self, value: N) -> Dual[N]:
        """A number that does not change."""
        return Dual(value, (None,) * self.directions)

    def variable(self, value: N, direction: int, speed: N) -> Dual[N]:
        """A number that changes along one direction."""
        parts: list[N | None] = [None] * self.directions
        parts[direction] = speed
        return Dual(value, tuple(parts))

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> Dual[N]:
        """Exact value, or array of them."""
        return self.fixed(self.base.constant(value))

    @property
    def pi(self) -> Dual[N]:
        """The number pi."""
        return self.fixed(self.base.pi)

    def exp(self, x: Dual[N], /) -> Dual[N]:
        """Exponential."""
        value = self.base.exp(x.value)
        return Dual(value, _scaled(x.tangents, value))

    def expm1(self, x: Dual[N], /) -> Dual[N]:
        """`exp(x) - 1`."""
        return Dual(self.base.expm1(x.value), _scaled(x.tangents, self.base.exp(x.value)))

    def root(self, x: Dual[N], degree: int) -> Dual[N]:
        """Root of a positive number."""
        value = self.base.root(x.value, degree)
        return Dual(value, _scaled(x.tangents, value / (degree * x.value)))

    def erfc(self, x: Dual[N], /) -> Dual[N]:
        """Complementary error function."""
        slope = -2 * self.base.exp(-(x.value * x.value)) / self.base.root(self.base.pi, 2)
        return Dual(self.base.erfc(x.value), _scaled(x.tangents, slope))

    def arctan_defect(self, x: Dual[N], /) -> Dual[N]:
        """`x - arctan(x)`."""
        square = x.value * x.value
        return Dual(self.base.arctan_defect(x.value), _scaled(x.tangents, square / (1 + square)))

    def sinh_excess(self, x: Dual[N], /) -> Dual[N]:
        """`sinh(x) - x`; its slope is `2 sinh^2(x/2)`."""
        half = x.value / 2 + self.base.sinh_excess(x.value / 2)
        return Dual(self.base.sinh_excess(x.value), _scaled(x.tangents, 2 * half * half))

    def sum(self, x: Dual[N], axis: int = -1) -> Dual[N]:
        """Sum over one axis; tangents that broadcast along it are spread first."""
        parts = tuple(
            None if part is None else self.base.sum(part + 0 * x.value, axis) for part in x.tangents
        )
        return Dual(self.base.sum(x.value, axis), parts)

    def cumsum(self, x: Dual[N], axis: int = -1) -> Dual[N]:
        """Running sum over one axis."""
        parts = tuple(
            None if part is None else self.base.cumsum(part + 0 * x.value, axis)
            for part in x.tangents
        )
        return Dual(self.base.cumsum(x.value, axis), parts)

    def concatenate(self, parts: Sequence[Dual[N]]) -> NoReturn:
        """Not needed by any formula that is differentiated."""
        self._refuse("concatenate")

    def absolute(self, x: Dual[N], /) -> NoReturn:
        """Not differentiable at 0."""
        self._refuse("absolute")

    def maximum(self, x: Dual[N], y: Dual[N], /) -> NoReturn:
        """Not differentiable where both are equal."""
        self._refuse("maximum")

    def normal_pieces(self, cuts: Dual[N], position: Integers) -> NoReturn:
        """Not needed by any formula that is differentiated."""
        self._refuse("normal_pieces")

    def _refuse(self, name: str) -> NoReturn:
        raise TypeError(f"{name}: dual numbers have only what is differentiable")

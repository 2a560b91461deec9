"""A tracer that refuses what a formula must not do.

A formula may add, subtract, multiply, divide and negate its numbers, with integers, and call the
functions of `Numbers`. A float literal, a power, a comparison, a conversion to float or bool raises
`StrictError` here, whatever the other systems would silently accept.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise


class StrictError(TypeError):
    """A formula did what only some number systems can follow."""


class Traced:
    """A number that allows exactly what the protocol `Scalar` allows."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        """Wrap a float."""
        self.value = value

    def __add__(self, other: Any) -> Any:
        return _combine(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _combine(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _combine(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _combine(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _combine(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _combine(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _combine(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _combine(operator.truediv, other, self)

    def __neg__(self) -> Traced:
        return Traced(-self.value)

    def _refuse(self, *_: Any) -> NoReturn:
        raise StrictError("a formula compared, converted or raised a number to a power")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __bool__ = __float__ = __int__ = __abs__ = __pow__ = __rpow__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def _combine(operation: Callable[[Any, Any], float], left: Any, right: Any) -> Any:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return NotImplemented  # NumPy takes over, entry by entry
    return Traced(operation(_operand(left), _operand(right)))


def _operand(other: Any) -> Any:
    if isinstance(other, Traced):
        return other.value
    if isinstance(other, int) and not isinstance(other, bool):
        return other
    raise StrictError(f"a formula used {other!r} of type {type(other).__name__}; use an integer")


def _function(function: Any, arguments: int = 1) -> Any:
    def traced(*values: Traced) -> Traced:
        return Traced(function(*(value.value for value in values)))

    return elementwise(traced, arguments)


class Strict(ObjectNumbers):
    """Floats inside a tracer."""

    name = "strict"

    def scalar(self, value: Exact) -> Traced:
        """Traced number."""
        return Traced(float(Fraction(value)))

    @property
    def pi(self) -> Traced:
        """The number pi."""
        return Traced(math.pi)

    exp = staticmethod(_function(math.exp))
    expm1 = staticmethod(_function(math.expm1))
    erfc = staticmethod(_function(math.erfc))
    arctan_defect = staticmethod(_function(lambda x: x - math.atan(x)))
    sinh_excess = staticmethod(_function(lambda x: math.sinh(x) - x))
    absolute = staticmethod(_function(abs))
    maximum = staticmethod(_function(max, 2))

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return _function(lambda value: math.pow(value, 1 / degree))(x)


SYSTEM = Strict()

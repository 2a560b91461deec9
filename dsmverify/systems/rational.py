"""Exact rational numbers: arithmetic only, for hypotheses that touch equality.

Balls cannot decide `2 = 2` once one side was rounded; `Fraction` can. Whatever is not rational
raises `IrrationalError`.
"""

from __future__ import annotations

import operator
from fractions import Fraction
from math import isqrt
from typing import Any, NoReturn

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise


class IrrationalError(ArithmeticError):
    """A value left the rational numbers."""


def _root(value: Fraction) -> Fraction:
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top != value.numerator or bottom * bottom != value.denominator:
        raise IrrationalError(f"the square root of {value} is irrational")
    return Fraction(top, bottom)


class Rational(ObjectNumbers):
    """Fractions."""

    name = "rational"

    absolute = staticmethod(elementwise(abs))
    maximum = staticmethod(elementwise(max, 2))

    def scalar(self, value: Exact) -> Fraction:
        """The value itself."""
        return Fraction(value)

    def root(self, x: Any, degree: int) -> Any:
        """Square root of a rational square."""
        if degree != 2:
            self._refuse()
        return elementwise(_root)(x)

    @property
    def pi(self) -> NoReturn:
        """Not rational."""
        self._refuse()

    def exp(self, x: Any) -> NoReturn:
        """Not rational."""
        self._refuse(x)

    def expm1(self, x: Any) -> NoReturn:
        """Not rational."""
        self._refuse(x)

    def erfc(self, x: Any) -> NoReturn:
        """Not rational."""
        self._refuse(x)

    def arctan_defect(self, x: Any) -> NoReturn:
        """Not rational."""
        self._refuse(x)

    def sinh_excess(self, x: Any) -> NoReturn:
        """Not rational."""
        self._refuse(x)

    def _refuse(self, *_: Any) -> NoReturn:
        raise IrrationalError("only rational operations have exact values")


SYSTEM = Rational()

RELATIONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
"""The relations, exact on Fractions."""

"""SymPy expressions: formulas run on symbols, to be compared with the derivations."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise


class Symbolic(ObjectNumbers):
    """Exact expressions. `constant` also takes arrays that already hold expressions."""

    name = "sympy"

    def scalar(self, value: Exact) -> Any:
        """Exact number as an expression."""
        if isinstance(value, Fraction):
            return sympy.Rational(value.numerator, value.denominator)
        return sympy.Integer(value)

    @property
    def pi(self) -> Any:
        """The number pi."""
        return sympy.pi

    exp = staticmethod(elementwise(sympy.exp))
    expm1 = staticmethod(elementwise(lambda x: sympy.exp(x) - 1))
    erfc = staticmethod(elementwise(sympy.erfc))
    arctan_defect = staticmethod(elementwise(lambda x: x - sympy.atan(x)))
    sinh_excess = staticmethod(elementwise(lambda x: (sympy.exp(x) - sympy.exp(-x)) / 2 - x))
    absolute = staticmethod(elementwise(sympy.Abs))
    maximum = staticmethod(elementwise(sympy.Max, 2))

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return elementwise(lambda value: sympy.root(value, degree))(x)


SYSTEM = Symbolic()

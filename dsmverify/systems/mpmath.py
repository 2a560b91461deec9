"""mpmath numbers: as many digits as asked for, rounded, not certified."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import mp

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise


class Multiprecision(ObjectNumbers):
    """mpmath's real numbers at the precision of its global context."""

    name = "mpmath"

    def scalar(self, value: Exact) -> Any:
        """Nearest number to an exact value."""
        if isinstance(value, Fraction):
            return mp.mpf(value.numerator) / value.denominator
        return mp.mpf(value)

    @property
    def pi(self) -> Any:
        """The number pi."""
        return +mp.pi

    exp = staticmethod(elementwise(mp.exp))
    expm1 = staticmethod(elementwise(mp.expm1))
    erfc = staticmethod(elementwise(mp.erfc))
    absolute = staticmethod(elementwise(abs))
    maximum = staticmethod(elementwise(max, 2))

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return elementwise(lambda value: mp.root(value, degree))(x)


SYSTEM = Multiprecision()

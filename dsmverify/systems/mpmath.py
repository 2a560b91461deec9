"""mpmath numbers: as many digits as asked for, rounded, not certified."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import mp

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise

FAR = 10**30
"""Beyond this mpmath's erfc overflows; the asymptotic series then has 200 digits in four terms."""


def complementary_error(x: Any) -> Any:
    """Complementary error function at any distance.

    Far out `exp(-x^2)/(x sqrt pi) (1 - 1/(2 x^2) + 3/(4 x^4) - 15/(8 x^6))`.
    """
    if abs(x) <= FAR:
        return mp.erfc(x)
    if x < 0:
        return 2 - complementary_error(-x)
    t = 1 / (2 * x * x)
    return mp.exp(-x * x) / (x * mp.sqrt(mp.pi)) * (1 - t * (1 - 3 * t * (1 - 5 * t)))


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
    erfc = staticmethod(elementwise(complementary_error))
    absolute = staticmethod(elementwise(abs))
    maximum = staticmethod(elementwise(max, 2))

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return elementwise(lambda value: mp.root(value, degree))(x)


SYSTEM = Multiprecision()

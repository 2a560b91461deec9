"""mpmath numbers: as many digits as asked for, rounded, not certified."""

from __future__ import annotations

from collections.abc import Callable
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


def _without_cancellation(difference: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A difference that is cubic near 0, with the digits added that it loses there."""

    def accurate(x: Any) -> Any:
        with mp.workprec(mp.prec + 8 + 2 * max(0, -int(mp.mag(x)) if x else 0)):
            value = difference(x)
        return +value

    return accurate


arctan_defect = _without_cancellation(lambda x: x - mp.atan(x))
sinh_excess = _without_cancellation(lambda x: mp.sinh(x) - x)


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
    arctan_defect = staticmethod(elementwise(arctan_defect))
    sinh_excess = staticmethod(elementwise(sinh_excess))
    absolute = staticmethod(elementwise(abs))
    maximum = staticmethod(elementwise(max, 2))

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return elementwise(lambda value: mp.root(value, degree))(x)


SYSTEM = Multiprecision()

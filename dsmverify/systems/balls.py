"""Arb balls: every result encloses the exact value.

The working precision is one process-wide setting of the library; `dsmverify.certify` owns it.
Nothing here compares balls.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import acb, arb, fmpq, fmpz

from dsmverify.numbers import Exact
from dsmverify.systems.objects import ObjectNumbers, elementwise


def ball(value: Exact) -> arb:
    """Ball around an exact value: a point if it has a short binary expansion."""
    if isinstance(value, Fraction):
        return arb(fmpq(fmpz(value.numerator), fmpz(value.denominator)))
    return arb(fmpz(value))


class Balls(ObjectNumbers):
    """Real balls."""

    name = "arb"

    def scalar(self, value: Exact) -> arb:
        """Ball around an exact value."""
        return ball(value)

    @property
    def pi(self) -> arb:
        """The number pi."""
        return arb.pi()

    exp = staticmethod(elementwise(lambda x: x.exp()))
    expm1 = staticmethod(elementwise(lambda x: x.expm1()))
    erfc = staticmethod(elementwise(lambda x: x.erfc()))
    absolute = staticmethod(elementwise(lambda x: abs(x)))
    maximum = staticmethod(elementwise(lambda x, y: x.max(y), 2))

    def root(self, x: Any, degree: int) -> Any:
        """Root of non-negative balls; of a ball that only touches the negatives, of its rest."""
        return elementwise(lambda value: value.root(degree))(x)


class ComplexBalls(Balls):
    """Complex balls, for integrands that Arb's rigorous integration evaluates off the real line.

    No absolute value and no maximum: they are not analytic.
    """

    name = "arb-complex"

    def scalar(self, value: Exact) -> acb:
        """Ball around an exact value."""
        return acb(ball(value))

    @property
    def pi(self) -> acb:
        """The number pi."""
        return acb.pi()


SYSTEM = Balls()
COMPLEX = ComplexBalls()

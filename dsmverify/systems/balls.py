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


WIDE = arb(1) / 16
"""Radius from which Arb bounds an exponential through 30-bit magnitudes."""


def ball_exp(x: arb) -> arb:
    """Exponential, tight on wide balls too.

    Of a wide ball far from 0 Arb's own enclosure is wider by a factor `exp(10^-9 |x|)`, which is
    astronomical where exponents reach 10^12; by monotonicity the ends suffice. Either way is right.
    """
    if x.rad() < WIDE:
        return x.exp()
    return x.lower().exp().union(x.upper().exp())


class Balls(ObjectNumbers):
    """Real balls."""

    name = "arb"

    def scalar(self, value: Exact) -> Any:
        """Ball around an exact value."""
        return ball(value)

    @property
    def pi(self) -> Any:
        """The number pi."""
        return arb.pi()

    exp = staticmethod(elementwise(ball_exp))
    expm1 = staticmethod(elementwise(lambda x: x.expm1()))
    erfc = staticmethod(elementwise(lambda x: x.erfc()))
    absolute = staticmethod(elementwise(abs))
    maximum = staticmethod(elementwise(lambda x, y: x.max(y), 2))

    def root(self, x: Any, degree: int) -> Any:
        """Root of non-negative balls; of a ball that only touches the negatives, of its rest."""
        return elementwise(lambda value: value.root(degree))(x)


class ComplexBalls(Balls):
    """Complex balls, for integrands that Arb's rigorous integration evaluates off the real line.

    No absolute value and no maximum: they are not analytic.
    """

    name = "arb-complex"

    exp = staticmethod(elementwise(lambda x: x.exp()))

    def scalar(self, value: Exact) -> Any:
        """Ball around an exact value."""
        return acb(ball(value))

    @property
    def pi(self) -> Any:
        """The number pi."""
        return acb.pi()


SYSTEM = Balls()
COMPLEX = ComplexBalls()

"""Arb balls: every result encloses the exact value.

The working precision is one process-wide setting of the library; `dsmverify.certify` owns it.
Nothing here compares balls.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import acb, arb, ctx, fmpq, fmpz

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


NEAR_0 = arb(1) / 4
"""Below this the differences that are cubic at 0 are summed as series; above, 8 bits are lost."""


def _at_ends(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """An increasing function on balls, from its values at exact numbers."""

    def enclose(x: arb) -> arb:
        if x.is_exact() or not x.is_finite():
            return function(x)
        return function(x.lower()).union(function(x.upper()))

    return enclose


def _arctan_defect(x: arb) -> arb:
    """`x - arctan x` at a number; near 0 by `x^3 (1/3 - x^2/5 + ...)`, whose terms fall by 1/16."""
    if not abs(x) < NEAR_0:
        return x - x.atan()
    square, power, total = x * x, arb(1), arb(0)
    for term in range(1 + int(ctx.prec) // 4):
        total += (-1) ** term * power / (2 * term + 3)
        power *= square
    return x * square * (total + power * arb(0, 1))


def _sinh_excess(x: arb) -> arb:
    """`sinh x - x` at a number; near 0 by its series, whose rest is below the last term."""
    if not abs(x) < NEAR_0:
        return x.sinh() - x
    square = x * x
    term, total = arb(1) / 6, arb(0)
    for k in range(2, 3 + int(ctx.prec) // 8):
        total += term
        term *= square / (2 * k * (2 * k + 1))
    # The terms fall by 1/300 at least, so the rest is less than twice its first.
    return x * square * (total + (2 * term).union(arb(0)))


arctan_defect = _at_ends(_arctan_defect)
sinh_excess = _at_ends(_sinh_excess)


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
    arctan_defect = staticmethod(elementwise(arctan_defect))
    sinh_excess = staticmethod(elementwise(sinh_excess))
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
    arctan_defect = staticmethod(elementwise(lambda x: x - x.atan()))
    sinh_excess = staticmethod(elementwise(lambda x: x.sinh() - x))

    def scalar(self, value: Exact) -> Any:
        """Ball around an exact value."""
        return acb(ball(value))

    @property
    def pi(self) -> Any:
        """The number pi."""
        return acb.pi()


SYSTEM = Balls()
COMPLEX = ComplexBalls()

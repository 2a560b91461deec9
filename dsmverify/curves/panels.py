"""Certified Gaussian means of a piecewise analytic function, by Gauss-Legendre sums on panels.

Three errors are bounded:

- on a panel, by the supremum of the integrand on an ellipse around it (`_panel_error`), rho from
  its own enclosure on complex balls, the Hermite function from Mehler's formula (`hermite_bound`);
- beyond the last panel, by the declared growth of rho;
- rounding, by ball arithmetic.

A piece of rho must be analytic on and around its interval, and its function has to say where it is
not, by a result that is no number: a quotient does so at a pole, a root or a logarithm must be
told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from typing import Any

import numpy as np
from flint import acb, arb, ctx

from dsmverify.certify import precision
from dsmverify.errors import InputError
from dsmverify.systems.balls import ball
from dsmverify.truth import certainly_below

ComplexFunction = Callable[[acb], acb]

PANEL = 2
"""Length of a panel before it is halved for the sake of poles."""

ELLIPSES = tuple(Fraction(eighths, 8) for eighths in (96, 72, 56, 44, 36, 28, 22, 18, 15, 13, 11))
"""Sums of the semi-axes that are tried, in units of half the panel."""

COVER = (8, 2)
"""Boxes that cover the upper half of an ellipse, along and across."""

NARROWEST = 12
"""How often a panel is halved before rho counts as not analytic there."""

ROUGH = 64
"""Bits at which suprema are enclosed: only their size matters."""

MOST_NODES = 200
"""Nodes of a rule from which a panel is halved."""

FARTHEST = 200
"""Deviations after which rho counts as growing too fast to be integrated."""


@dataclass(frozen=True)
class Growth:
    """What is known of rho far out: `|rho(x)| <= constant exp(rate |x| + square x^2)`, x real.

    It is taken on trust beyond the last panel, and looked at in the middle of each panel.

    Attributes:
        constant: non-negative.
        rate: non-negative.
        square: non-negative, below 1/4, where the second moment ceases to be finite.

    Raises:
        InputError: a number out of its range.
    """

    constant: Fraction | int = 1
    rate: Fraction | int = 0
    square: Fraction | int = 0

    def __post_init__(self) -> None:
        for name in ("constant", "rate", "square"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | Fraction) or value < 0:
                rule = "a bound of growth is made of non-negative integers or fractions"
                raise InputError(f"growth.{name}", repr(value), rule, "write Fraction(1, 2), say")
        if self.square >= Fraction(1, 4):
            raise InputError(
                "growth.square",
                str(self.square),
                "with exp(x^2/4) or more E rho(g)^2 is infinite, or not shown to be finite",
                "take an activation whose square has a Gaussian mean",
            )

    def at(self, x: arb) -> arb:
        """The bound at a real number."""
        size = abs(x)
        return ball(self.constant) * ((ball(self.rate) + ball(self.square) * size) * size).exp()


@dataclass(frozen=True, eq=False)
class PiecewiseAnalytic:
    """A real function on the line, analytic between its kinks.

    Attributes:
        name: how it is called in errors.
        pieces: from left to right, one more than there are kinks, on complex balls; each is
            analytic around its interval, real on it, and no number where it is not analytic.
        kinks: ascending.
        growth: bound on the real line.
        odd: whether it is odd, if that is known: half the coefficients are 0 then.
    """

    name: str
    pieces: tuple[ComplexFunction, ...]
    kinks: tuple[Fraction, ...] = ()
    growth: Growth = Growth()
    odd: bool = False

    def piece_at(self, x: Fraction) -> ComplexFunction:
        """The piece that a number lies on; at a kink the right one."""
        return self.pieces[sum(kink <= x for kink in self.kinks)]

    def on(self, x: arb) -> arb:
        """Enclosure on a real ball, of both pieces where it holds a kink."""
        found: list[arb] = []
        ends = [None, *map(ball, self.kinks), None]
        for piece, (low, high) in zip(self.pieces, pairwise(ends), strict=True):
            outside = (high is not None and bool(x > high)) or (low is not None and bool(x < low))
            if not outside:
                found.append(piece(acb(x)).real)
        value = found[0]
        for other in found[1:]:
            value = value.union(other)
        return value


def expectations(function: PiecewiseAnalytic, bits: int) -> tuple[arb, arb, arb]:
    """`E rho(g)`, `E rho(g) g` and `E rho(g)^2`; enclosures, radius about `2^-bits`.

    Raises:
        InputError: a piece is not analytic around its interval, or the growth bound is wrong.
    """
    with precision(bits + 64):
        made = gaussian_rule(function, bits, 2)
        spread = arb(0, 1) * made.error
        return made.even.sum() + spread, (made.nodes * made.odd).sum() + spread, made.square


@dataclass(frozen=True)
class Rule:
    """Nodes on the half-line and weights for `E[rho(g) p(g)]`, with rho and the density in them.

    Attributes:
        nodes: positive.
        even: weights for an even p: those of both sides, added.
        odd: weights for an odd p: those of the left side subtracted.
        error: what any of the first normalised Hermite polynomials can miss.
        square: `E rho(g)^2`.
    """

    nodes: Any
    even: Any
    odd: Any
    error: arb
    square: arb


def gaussian_rule(function: PiecewiseAnalytic, bits: int, count: int) -> Rule:
    """A rule with total error about `2^-bits` for the first `count` Hermite polynomials.

    Raises:
        InputError: a piece is not analytic around its interval, or the growth bound is wrong.
    """
    reach, (error, square) = _reach(function, bits, count)
    # A count of panels that bounds the true one; a panel that is halved has half the room.
    room = arb(2) ** (-bits) / (4 * reach + 8 * len(function.kinks) + 8)
    nodes: list[arb] = []
    sides: tuple[list[arb], list[arb]] = ([], [])
    for panel in _panels(function, reach, count, room):
        for place, part in zip(*legendre(panel.nodes), strict=True):
            x = panel.middle + panel.half * place
            weight = panel.half * part * (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
            nodes.append(x)
            for side, piece, into in zip((1, -1), panel.pieces, sides, strict=True):
                value = piece(acb(side * x)).real
                into.append(weight * value)
                square += weight * value * value
        error += 2 * panel.error
        square += 2 * arb(0, 1) * panel.error
    right, left = (np.array(side, dtype=object) for side in sides)
    return Rule(np.array(nodes, dtype=object), right + left, right - left, error, square)


@lru_cache(maxsize=256)
def _legendre_at(nodes: int, _bits: int) -> tuple[tuple[arb, ...], tuple[arb, ...]]:
    pairs = [arb.legendre_p_root(nodes, k, weight=True) for k in range(nodes)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def legendre(nodes: int) -> tuple[tuple[arb, ...], tuple[arb, ...]]:
    """Nodes and weights of Gauss-Legendre on [-1, 1] at the working precision."""
    return _legendre_at(nodes, int(ctx.prec))


@dataclass(frozen=True)
class _Panel:
    """A panel right of 0 and its mirror image, with one rule: so many nodes leave this error."""

    pieces: tuple[ComplexFunction, ComplexFunction]
    middle: arb
    half: arb
    nodes: int
    error: arb


def _panels(function: PiecewiseAnalytic, reach: int, count: int, room: arb) -> Iterator[_Panel]:
    cuts = {abs(kink) for kink in function.kinks if 0 < abs(kink) < reach}
    ends = sorted({Fraction(0), *cuts, Fraction(reach)})
    for start, stop in pairwise(ends):
        pieces = (function.piece_at((start + stop) / 2), function.piece_at(-(start + stop) / 2))
        parts = max(1, -int(-(stop - start) // PANEL))
        for part in range(parts):
            low = start + (stop - start) * part / parts
            high = start + (stop - start) * (part + 1) / parts
            yield from _divided(function, pieces, (low, high), count, room, NARROWEST)


def _divided(
    function: PiecewiseAnalytic,
    pieces: tuple[ComplexFunction, ComplexFunction],
    ends: tuple[Fraction, Fraction],
    count: int,
    room: arb,
    halvings: int,
) -> Iterator[_Panel]:
    """The panel, or its halves where no ellipse around it is free of poles."""
    low, high = ends
    middle, half = (low + high) / 2, (high - low) / 2
    with precision(ROUGH):
        for side in (1, -1):
            _check_growth(function, ball(side * middle))
        best: tuple[int, arb] | None = None
        for size in ELLIPSES:
            bound = _panel_error(pieces, middle, half, size, count)
            if bound is not None and bound.is_finite():
                # Smallest even n with bound size^(-2n) < room.
                ratio = (bound.max(room) / room).log() / (2 * ball(size).log())
                needed = 2 * max(1, int(float(ratio.upper())) // 2 + 1)
                if best is None or needed < best[0]:
                    best = needed, arb((bound / ball(size) ** (2 * needed)).upper())
    if best is not None and (best[0] <= MOST_NODES or not halvings):
        yield _Panel(pieces, ball(middle), ball(half), *best)
    elif halvings:
        for part in ((low, middle), (middle, high)):
            yield from _divided(function, pieces, part, count, room / 2, halvings - 1)
    else:
        raise InputError(
            "activation",
            function.name,
            f"it must be analytic around +-[{float(low):.6g}, {float(high):.6g}]",
            "give the place of its kink, and a function for each side",
        )


def _panel_error(
    pieces: tuple[ComplexFunction, ComplexFunction],
    middle: Fraction,
    half: Fraction,
    size: Fraction | int,
    count: int,
) -> arb | None:
    """B such that n Gauss-Legendre nodes miss at most `B size^(-2n)`; None where rho has poles.

    For the panel and its mirror image each, and for `rho He_k phi/sqrt(k!)` and `rho^2 phi`.
    """
    width = half * (size + 1 / Fraction(size)) / 2
    height = half * (size - 1 / Fraction(size)) / 2
    right = _supremum(pieces[0], middle, width, height)
    left = _supremum(pieces[1], -middle, width, height)
    if right is None or left is None:
        return None
    largest = right.max(left)
    nearest = max(middle - width, Fraction(0))
    density = ((ball(height) ** 2 - ball(nearest) ** 2) / 2).exp() / (2 * arb.pi()).sqrt()
    with_hermite = largest * hermite_bound(count, nearest, height)
    worst = with_hermite.max(largest * largest * density)
    return arb((rule_constant(size) * ball(half) * worst).upper())


def rule_constant(size: Fraction | int) -> arb:
    """B such that n Gauss-Legendre nodes on [-1, 1] miss at most `B M size^(-2n)`.

    Let f be analytic and at most M inside the ellipse with foci -1 and 1 and semi-axes of sum
    `size`. Its Chebyshev coefficients are at most `2 M size^-k`. The rule is exact below degree 2n;
    of an odd `T_k` it and the integral are 0, and of an even one with k >= 2 the integral,
    `2/(1 - k^2)`, is at most 2/3 and the rule, whose weights are positive of sum 2, at most 2. So
    the error is at most `(2 + 2/3) 2 M sum_j size^{-2n-2j} = (16/3) M size^{-2n}/(1 - size^-2)`.
    """
    return arb(16) / (3 * (1 - 1 / ball(size) ** 2))


@lru_cache(maxsize=8192)
def _supremum(
    piece: ComplexFunction, middle: Fraction, width: Fraction, height: Fraction
) -> arb | None:
    """Bound of |rho| on a rectangle around a real point; None if rho may not be analytic there.

    A rectangle's lower half is the mirror image of its upper one, as rho is real on the line.
    """
    largest = arb(0)
    along, across = COVER
    for i in range(along):
        left = middle - width + 2 * width * i / along
        x = ball(left).union(ball(left + 2 * width / along))
        for j in range(across):
            y = ball(height * j / across).union(ball(height * (j + 1) / across))
            value = piece(acb(x, y)).abs_upper()
            if not value.is_finite():
                return None
            largest = largest.max(value)
    return largest


def hermite_bound(count: int, x: Fraction, y: Fraction) -> arb:
    """Bound of `|He_k(z) phi(z)|/sqrt(k!)` for k < count, |Re z| >= x and |Im z| <= y.

    Mehler's formula at z and its conjugate is a sum of positive terms, for every s in (0, 1):
    `sum_k s^k |He_k(z)|^2/k! = exp(s x^2/(1 + s) + s y^2/(1 - s))/sqrt(1 - s^2)`. One term, times
    the density: `s^{-k/2} (1 - s^2)^{-1/4} exp(-x^2/(2 (1 + s)) + y^2/(2 (1 - s)))/sqrt(2 pi)`.
    """
    s = ball(_mehler_parameter(count, y))
    exponent = ball(y) ** 2 / (2 * (1 - s)) - ball(x) ** 2 / (2 * (1 + s))
    power = (-s.log() * (count - 1) / 2).exp()
    return power * exponent.exp() / ((1 - s * s).root(4) * (2 * arb.pi()).sqrt())


def _mehler_parameter(count: int, y: Fraction) -> Fraction:
    """The s of `hermite_bound`: any is right, and near `1 - y/sqrt(count)` it is smallest."""
    gap = min(Fraction(1, 2), max(y, Fraction(1, 8)) / (isqrt(count) + 1))
    return 1 - gap.limit_denominator(1000)


def _reach(function: PiecewiseAnalytic, bits: int, count: int) -> tuple[int, tuple[arb, arb]]:
    """Where the panels may end, and what lies beyond: of any coefficient, and of the square."""
    growth = function.growth
    constant, rate, square = map(ball, (growth.constant, growth.rate, growth.square))
    s = ball(_mehler_parameter(count, Fraction(0)))
    scale = hermite_bound(count, Fraction(0), Fraction(0))
    reach = 2
    while True:
        with_hermite = constant * scale * gaussian_tail(1 / (2 * (1 + s)) - square, rate, reach)
        of_square = constant * constant * gaussian_tail(arb(1) / 2 - 2 * square, 2 * rate, reach)
        of_square /= (2 * arb.pi()).sqrt()
        if certainly_below(with_hermite.max(of_square), arb(2) ** -bits):
            return reach, (arb(with_hermite.upper()), arb(0).union(arb(of_square.upper())))
        reach += 1
        if reach > FARTHEST:
            raise InputError(
                "growth",
                repr(growth),
                f"the Gaussian tail beyond {FARTHEST} deviations must be below 2^-{bits}",
                "give a smaller bound on the growth, or ask for fewer digits",
            )


def gaussian_tail(decay: arb, rate: arb, start: int) -> arb:
    """`2 int_start^inf exp(rate x - decay x^2) dx`."""
    root = decay.sqrt()
    lift = (rate * rate / (4 * decay)).exp()
    return (arb.pi() / decay).sqrt() * lift * (root * start - rate / (2 * root)).erfc()


def _check_growth(function: PiecewiseAnalytic, x: arb) -> None:
    if certainly_below(function.growth.at(x), abs(function.on(x))):
        raise InputError(
            "growth",
            repr(function.growth),
            f"|rho| is larger at {float(x.mid()):.6g}",
            "give a bound that holds on the whole line",
        )

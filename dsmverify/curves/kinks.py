"""Moments of an activation with kinks, by a certified integral over the plane.

Its Hermite coefficients fall too slowly for a series. Let U, V be standard normal of correlation
`c = a^2`; with p, q independent, `alpha = sqrt((1 + c)/2)` and `beta = sqrt(h/2)`

    U = alpha p + beta q,  V = alpha p - beta q
    s^2 = E (rho(U) - rho(V))^2 / 2 - h mu_1^2

where nothing cancels at small times. The plane falls into cells on which both values lie on one
piece of rho each: U or V meets a kink k on the lines `alpha p = k -+ beta q`, and lines cross
where `2 beta q` is the difference of two kinks. Between two lines and two crossings the integrand
is analytic, in q and in the share of the way from one line to the other. It is integrated by
Gauss-Legendre in both, with the error bound of `panels` in each; the integrand is even in q. Far
out the declared growth of rho bounds what is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product
from typing import Any, Literal

from flint import acb, arb, ctx

from dsmverify.certify import precision
from dsmverify.curves.panels import (
    FARTHEST,
    ROUGH,
    ComplexFunction,
    PiecewiseAnalytic,
    expectations,
    gaussian_tail,
    legendre,
    rule_constant,
)
from dsmverify.errors import InputError
from dsmverify.formulas.activations import Moments
from dsmverify.systems.balls import ball
from dsmverify.truth import certainly_below

PANEL = 2
"""Largest side of a panel, in deviations."""

ELLIPSES = (8, Fraction(7, 2), Fraction(9, 5))
"""Sums of the semi-axes that are tried, in units of half the panel, until one needs few nodes."""

BOXES, REAL_BOXES = 4, 2
"""Boxes that cover the upper half of an ellipse, and a side of a panel."""

NARROWEST = 10
"""How often a panel is divided before rho counts as not analytic there."""

FEW_NODES, MOST_NODES = 30, 80
"""Nodes along a side that are not worth another ellipse, and from which a panel is divided."""

Line = tuple[int, Fraction]
"""`(sign, kink)` for `alpha p = kink + sign beta q`; sign 0 for `p = kink`, an end of the plane."""


def kinked_moments(function: PiecewiseAnalytic, a: arb, h: arb) -> Moments[Any]:
    """Moments at one time; enclosures, with about the working precision's bits.

    Args:
        function: the activation.
        a: `e^{-t}`.
        h: `1 - e^{-2t}`.

    Raises:
        InputError: a piece is not analytic around its interval, or the growth bound is wrong.
    """
    bits = int(ctx.prec) + 8
    small = max(0, -math.floor(float(h.log().mid()) / math.log(2)))
    mean, linear, square = expectations(function, bits + small)
    with precision(bits + 2 * small + 32):
        linear = linear * linear
        nonlinear = square - mean * mean - linear
        fresh = half_square_difference(function, a, h, bits + small) - h * linear
        return Moments(mean, linear, nonlinear, nonlinear - fresh, fresh)


def half_square_difference(function: PiecewiseAnalytic, a: arb, h: arb, bits: int) -> arb:
    """`E (rho(U) - rho(V))^2 / 2`; an enclosure, of radius about `2^-bits`.

    Args:
        function: the activation.
        a: `e^{-t}`.
        h: `1 - e^{-2t}`.
        bits: accuracy aimed at, absolute.
    """
    alpha, beta = ((1 + a * a) / 2).sqrt(), (h / 2).sqrt()
    reach, total = _reach(function, bits)
    plane = _Plane(function, alpha, beta, reach)
    # As for panels on the line: a bound on their number, and half the room for each half of one.
    room = arb(2) ** -bits / (64 * reach * reach * (1 + len(function.kinks)) ** 3)
    for panel in plane.panels():
        for part in _divided(plane, panel, room, NARROWEST):
            # Twice the half-plane q > 0, of half the square.
            total += part
    return total


def _reach(function: PiecewiseAnalytic, bits: int) -> tuple[int, arb]:
    """Where the plane may end, and what lies beyond.

    `(rho(U) - rho(V))^2/2 <= rho(U)^2 + rho(V)^2`, and as `|U| <= |p| + |q|` and
    `U^2 <= p^2 + q^2`, each is at most `constant^2 f(p) f(q)`, f of the growth.
    """
    growth = function.growth
    constant, rate, square = map(ball, (growth.constant, growth.rate, growth.square))

    def beyond(start: int) -> arb:
        tail = gaussian_tail(arb(1) / 2 - 2 * square, 2 * rate, start)
        return tail / (2 * arb.pi()).sqrt()

    for reach in range(2, FARTHEST):
        outside = 4 * constant * constant * beyond(reach) * beyond(0)
        if certainly_below(outside, arb(2) ** -bits):
            # Every kink has its lines inside, with room to spare: alpha >= 1/sqrt 2, beta <= that.
            far = max((abs(kink) for kink in function.kinks), default=Fraction(0))
            wide = reach + 2 + math.ceil(2 * far)
            return wide, arb(0).union(arb(outside.upper()))
    raise InputError(
        "growth",
        repr(growth),
        f"the Gaussian tail beyond {FARTHEST} deviations must be below 2^-{bits}",
        "give a smaller bound on the growth, or ask for fewer digits",
    )


@dataclass(frozen=True)
class _Panel:
    """Part of a cell: `q` between two numbers, and a share of the way between two lines.

    Attributes:
        low: line where the share is 0.
        high: line where it is 1.
        pieces: of rho, at U and at V.
        start: smallest q.
        stop: largest q.
        share: ends of the share.
    """

    low: Line
    high: Line
    pieces: tuple[ComplexFunction, ComplexFunction]
    start: arb
    stop: arb
    share: tuple[Fraction, Fraction]


@dataclass(frozen=True)
class _Plane:
    """The half-plane `q > 0` up to some distance."""

    function: PiecewiseAnalytic
    alpha: arb
    beta: arb
    reach: int

    def panels(self) -> Iterator[_Panel]:
        """All panels; `2 beta q` is counted as y, in which crossings are exact."""
        kinks = self.function.kinks
        gaps = sorted({high - low for low in kinks for high in kinks if high > low})
        cuts: list[arb] = [arb(0)]
        middles: list[Fraction] = []
        before = Fraction(0)
        for gap in gaps:
            crossing = ball(gap) / (2 * self.beta)
            if not crossing < self.reach - 1:
                break
            cuts.append(crossing)
            middles.append((before + gap) / 2)
            before = gap
        # Up to the next crossing, or beyond the last one: no order changes there before `reach`,
        # or, where a crossing comes in between, it is made a cut as well.
        later = [gap for gap in gaps if gap > before]
        if later and not ball(later[0]) / (2 * self.beta) > self.reach:
            cuts.append(ball(later[0]) / (2 * self.beta))
            middles.append((before + later[0]) / 2)
        else:
            cuts.append(arb(self.reach))
            middles.append(before + (Fraction(1) if not later else (later[0] - before) / 2))
        for (start, stop), y in zip(pairwise(cuts), middles, strict=True):
            yield from self._between(start, stop, y)

    def _between(self, start: arb, stop: arb, y: Fraction) -> Iterator[_Panel]:
        """Panels between two crossings, where the lines have one order, as at `2 beta q = y`."""
        lines = [(sign, kink) for kink in self.function.kinks for sign in (-1, 1)]
        places = sorted((kink + sign * y / 2, (sign, kink)) for sign, kink in lines)
        wide = places[-1][0] - places[0][0] + 4
        ends = [(places[0][0] - wide, (0, Fraction(-2 * self.reach))), *places]
        ends.append((places[-1][0] + wide, (0, Fraction(2 * self.reach))))
        count = max(1, math.ceil(float(((stop - start) / PANEL).upper())))
        for (left, low), (right, high) in pairwise(ends):
            u = (left + right) / 2
            pieces = (self.function.piece_at(u + y / 2), self.function.piece_at(u - y / 2))
            for k in range(count):
                first = start + (stop - start) * k / count
                last = start + (stop - start) * (k + 1) / count
                width = max(
                    float((self.at(high, acb(q)) - self.at(low, acb(q))).real.upper())
                    for q in (first, last)
                )
                parts = max(1, math.ceil(width / PANEL))
                for part in range(parts):
                    share = (Fraction(part, parts), Fraction(part + 1, parts))
                    yield _Panel(low, high, pieces, first, last, share)

    def at(self, line: Line, q: acb) -> acb:
        """The p of a line."""
        side, kink = line
        if not side:
            return acb(ball(kink))
        return (ball(kink) + side * self.beta * q) / self.alpha


def _divided(plane: _Plane, panel: _Panel, room: arb, divisions: int) -> Iterator[arb]:
    """Integrals over a panel, or over its parts where rho has poles near it."""
    with precision(ROUGH):
        along_q = _nodes(plane, panel, "q", room)
        along_share = None if along_q is None else _nodes(plane, panel, "share", room)
    if along_q is not None and along_share is not None:
        yield _integral(plane, panel, (along_q[0], along_share[0])) + arb(0, 1) * (
            along_q[1] + along_share[1]
        )
        return
    if not divisions:
        raise InputError(
            "activation",
            plane.function.name,
            "it must be analytic around each interval between its kinks",
            "give the place of every kink, and a function for each side",
        )
    middle = (panel.start + panel.stop) / 2
    low, high = panel.share
    for start, stop in ((panel.start, middle), (middle, panel.stop)):
        for share in ((low, (low + high) / 2), ((low + high) / 2, high)):
            part = _Panel(panel.low, panel.high, panel.pieces, start, stop, share)
            yield from _divided(plane, part, room / 4, divisions - 1)


def _nodes(
    plane: _Plane, panel: _Panel, side: Literal["q", "share"], room: arb
) -> tuple[int, arb] | None:
    """How many nodes along one side leave less than `room`, and what they leave."""
    best: tuple[int, arb] | None = None
    area = (panel.stop - panel.start) * ball(panel.share[1] - panel.share[0])
    for size in ELLIPSES:
        largest = _supremum(plane, panel, side, size)
        if largest is None:
            continue
        # The rule's error on [-1, 1], times the length of the other side and half that of this.
        bound = rule_constant(size) * largest * area / 2
        ratio = (bound.max(room) / room).log() / (2 * ball(size).log())
        needed = 2 * max(1, int(float(ratio.upper())) // 2 + 1)
        if best is None or needed < best[0]:
            best = needed, arb((bound / ball(size) ** (2 * needed)).upper())
        if needed <= FEW_NODES:
            break
    return best if best is None or best[0] <= MOST_NODES else None


def _supremum(
    plane: _Plane, panel: _Panel, side: Literal["q", "share"], size: Fraction | int
) -> arb | None:
    """Bound of the integrand with one side on an ellipse; None where it may not be analytic.

    `|exp(-(p^2 + q^2)/2)|` is bounded by the real and imaginary parts' own bounds.
    """
    low, top = (ball(end) for end in panel.share)
    middles = {"q": (panel.start + panel.stop) / 2, "share": (low + top) / 2}
    halves = {"q": (panel.stop - panel.start) / 2, "share": (top - low) / 2}
    largest = arb(0)
    for box, real in product(*_boxes(size)):
        pair = {"q": real, "share": real, side: box}
        q, share = (middles[key] + halves[key] * pair[key] for key in ("q", "share"))
        start, stop = plane.at(panel.low, q), plane.at(panel.high, q)
        p = start + (stop - start) * share
        u, v = plane.alpha * p, plane.beta * q
        difference = panel.pieces[0](u + v) - panel.pieces[1](u - v)
        factor = (difference * difference * (stop - start)).abs_upper()
        if not factor.is_finite():
            return None
        if factor == 0:
            continue
        exponent = arb(0)
        for number in (p, q):
            exponent += number.imag.abs_upper() ** 2 - number.real.abs_lower() ** 2
        largest = largest.max(factor * (exponent / 2).exp())
    return arb((largest / (2 * arb.pi())).upper())


@lru_cache(maxsize=64)
def _boxes(size: Fraction | int) -> tuple[tuple[acb, ...], tuple[acb, ...]]:
    """Boxes over the upper half of the ellipse around [-1, 1], and over [-1, 1]."""
    wide, high = (size + 1 / Fraction(size)) / 2, (size - 1 / Fraction(size)) / 2
    height = arb(0).union(ball(high))
    return (
        tuple(acb(part, height) for part in _parts(wide, BOXES)),
        tuple(acb(part) for part in _parts(Fraction(1), REAL_BOXES)),
    )


def _parts(end: Fraction, count: int) -> Iterator[arb]:
    for low, high in pairwise(Fraction(2 * k, count) - 1 for k in range(count + 1)):
        yield ball(end * low).union(ball(end * high))


def _integral(plane: _Plane, panel: _Panel, nodes: tuple[int, int]) -> arb:
    """The Gauss-Legendre sum."""
    total = arb(0)
    low, top = (ball(end) for end in panel.share)
    middle, half = (panel.start + panel.stop) / 2, (panel.stop - panel.start) / 2
    shares = [
        ((low + top) / 2 + (top - low) / 2 * place, weight * (top - low) / 2)
        for place, weight in zip(*legendre(nodes[1]), strict=True)
    ]
    for place, weight in zip(*legendre(nodes[0]), strict=True):
        q = middle + half * place
        start, stop = plane.at(panel.low, acb(q)).real, plane.at(panel.high, acb(q)).real
        v, inner = plane.beta * q, arb(0)
        for share, part in shares:
            p = start + (stop - start) * share
            u = plane.alpha * p
            difference = panel.pieces[0](acb(u + v)).real - panel.pieces[1](acb(u - v)).real
            inner += part * difference * difference * (-p * p / 2).exp()
        total += weight * half * (stop - start) * inner * (-q * q / 2).exp()
    return total / (2 * arb.pi())

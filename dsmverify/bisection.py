"""Deciding an inequality on a whole interval, and enclosing a minimum on it, by bisection.

Each cell is one ball, so that a TRUE covers every point of the interval; a FALSE needs an exact
point certainly inside it. Cells are parts `[a, b]` of [0, 1], with `y = low + t (high - low)`; the
two ends may be balls. Budgets are counted in cells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from flint import arb

from dsmverify.claims import Relation
from dsmverify.exact import spell
from dsmverify.findings import Finding, slack_ratio
from dsmverify.systems.balls import ball
from dsmverify.truth import Truth, certainly_below, compare, is_number

CELLS = 3000
"""Cells that one range of `y` may cost at one level."""

NARROWEST = Fraction(1, 2**60)
"""Cells of a range are not bisected below this share of it."""

MINIMUM_CELLS = 400
"""Cells spent on the minimum of a function over an interval."""


def decide_over_interval(
    sides: Callable[[arb], tuple[arb, arb]],
    relation: Relation,
    ends: tuple[arb, arb],
    finding: Finding,
    where: Mapping[str, str] | None = None,
) -> Finding:
    """Decide `left(y) relation right(y)` for every y between two ends."""
    low, high = ends
    free = dict(where or {})
    queue = deque([(Fraction(0), Fraction(1))])
    spent = 0
    while queue:
        first, last = queue.popleft()  # widest cells first: a counterexample shows early
        spent += 1
        if spent > CELLS or last - first < NARROWEST:
            reason = f"budget: {CELLS} cells" if spent > CELLS else "equality: the sides touch"
            return replace(
                finding,
                truth=Truth.UNKNOWN,
                reason=reason,
                evaluations=finding.evaluations + spent,
            )
        y = exact_between(low, high, (first + last) / 2, last - first)
        if y is not None:
            left, right = sides(ball(y))
            if compare(left, relation, right) is Truth.FALSE:
                found = replace(finding, evaluations=finding.evaluations + spent)
                ratio = slack_ratio(relation, left, right)
                return found.failed(left, right, {**free, "y": spell(y)}, ratio)
            finding = finding.tightest(relation, left, right, {**free, "y": spell(y)})
        left, right = sides(_cell(low, high, first, last))
        if compare(left, relation, right) is not Truth.TRUE:
            middle = (first + last) / 2
            queue += [(first, middle), (middle, last)]
    return replace(finding, evaluations=finding.evaluations + spent)


def enclose_minimum(function: Callable[[arb], arb], low: arb, high: arb) -> arb:
    """Enclosure of the smallest value of a continuous function between two ends."""
    best = function(low)  # a value is an upper bound of the minimum
    best = _smaller(best, function(high))
    queue = deque([(Fraction(0), Fraction(1))])
    floor = arb(best.lower())
    for _ in range(MINIMUM_CELLS):
        if not queue:
            break
        first, last = queue.popleft()
        value = function(_cell(low, high, first, last))
        if is_number(value) and not certainly_below(arb(value.lower()), best * (1 - arb(2) ** -12)):
            floor = _smaller(floor, arb(value.lower()))
            continue
        middle = (first + last) / 2
        best = _smaller(best, function(_at(low, high, middle)))
        queue += [(first, middle), (middle, last)]
    for first, last in queue:
        value = function(_cell(low, high, first, last))
        floor = _smaller(floor, arb(value.lower()))
    return floor.union(arb(best.upper()))


def exact_between(
    low: arb, high: arb, part: Fraction, share: Fraction = Fraction(1)
) -> Fraction | None:
    """A short exact point near the part of an interval, certainly inside it; None if none is.

    Args:
        low: lower end.
        high: upper end.
        part: where, as a part of the interval.
        share: of the interval that the point is to stand for; a smaller one is met more finely.
    """
    target = _at(low, high, part)
    middle = exact_fraction(target.mid())
    width = exact_fraction((high - low).mid())
    if width <= 0:
        return None
    fineness = max(4, 12 - _log2(width * share))
    short = Fraction(round(middle * 2**fineness), 2**fineness) if fineness < 4000 else middle
    point = ball(short)
    inside = compare(point, ">=", low) is Truth.TRUE and compare(point, "<=", high) is Truth.TRUE
    return short if inside else None


def exact_fraction(point: arb) -> Fraction:
    """The exact dyadic number in a ball of radius 0."""
    mantissa, exponent = (int(part) for part in point.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _smaller(left: arb, right: arb) -> arb:
    return left.min(right)


def _cell(low: arb, high: arb, first: Fraction, last: Fraction) -> arb:
    return _at(low, high, first).union(_at(low, high, last))


def _at(low: arb, high: arb, part: Fraction) -> arb:
    return low + (high - low) * ball(part)


def _log2(value: Fraction) -> int:
    return value.numerator.bit_length() - value.denominator.bit_length()

"""Proofs for every sample of two or three points, and best constants over them.

Up to shift and unit an instance of n points has n - 1 shape parameters (`normal_forms`). They are
subdivided over a compact range, each box a ball on which both sides are enclosed by the engine's
own formulas; what lies beyond is left to a written argument whose inequalities are checked here
(`EndArgument`). A claim proved so is proved for that n, and for no other.

A proof with a factor above 1 says that much more: for `left <= right`, `factor left <= right`.
Every budget is a count of boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from flint import arb

from dsmverify import catalogue, content
from dsmverify.certify import precision
from dsmverify.claims import (
    Claim,
    Enclosure,
    Hypothesis,
    Inequality,
    Interval,
    Places,
    Relation,
)
from dsmverify.exact import lower_decimal, spell, upper_decimal
from dsmverify.facts import Facts
from dsmverify.formulas.case import Case
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.normal_forms import Invariance, at_point, ball_case, indexed_forms
from dsmverify.shape_records import (
    Box,
    Checked,
    Cover,
    EndArgument,
    Parameter,
    Place,
    Shape,
    ShapeProof,
    Sharp,
    SharpConstant,
    Span,
    Term,
)
from dsmverify.systems.balls import ball
from dsmverify.truth import Truth, compare, is_number, margin_decides

BITS = 64
"""Working precision of boxes."""

SHARP_BITS = 192
"""Working precision of values at exact samples."""

SHARP_ACCURACY = Accuracy(bits=40)
"""Accuracy of integrals at exact samples."""

BOXES = 5_000
"""Boxes that one proof may cost, undecided ones included."""

DIGITS = 12
"""Digits of enclosures in records."""

BOX_DIGITS = 6
"""Digits of the sides on a box. The relation is required of the rounded ends, as recorded."""

BRACKET = 2**40
"""Where hypotheses start to hold is found to one part in this many."""

_UNIT: Span = (Fraction(0), Fraction(1))
_HALF = Fraction(1, 2)


def prove_shapes(
    shapes: Iterable[Shape] | None = None, budget: int = BOXES
) -> tuple[ShapeProof, ...]:
    """Try to prove each claim for every sample of its size.

    Args:
        shapes: what to prove; None stands for the content's own list.
        budget: boxes that one proof may cost.
    """
    wanted = content.shapes().SHAPES if shapes is None else shapes
    return tuple(prove(shape, _claim(shape.claim), budget=budget) for shape in wanted)


def prove(
    shape: Shape, claim: Claim, factor: Fraction = Fraction(1), budget: int = BOXES
) -> ShapeProof:
    """Try to prove a claim, with a factor on its smaller side, for every sample of one size.

    Args:
        shape: size, ranges and the argument beyond them.
        claim: the claim.
        factor: positive; 1 for the claim itself, more for a stronger one.
        budget: boxes that it may cost.

    Raises:
        ValueError: the claim's conclusion is not one inequality `<=` or `>=`, or it has an index
            that is over neither points nor gaps.
    """
    conclusion = claim.conclusion
    if not isinstance(conclusion, Inequality) or conclusion.relation not in {"<=", ">="}:
        raise ValueError(f"claim: the conclusion of {claim.id} is not one inequality <= or >=")
    return _Prover(shape, claim, conclusion, factor, budget).proof()


class _GaveUp(Exception):
    """No proof, and why: caught by the prover, which records it."""


@dataclass
class _Prover:
    shape: Shape
    claim: Claim
    conclusion: Inequality
    factor: Fraction
    budget: int

    def proof(self) -> ShapeProof:
        method: Literal["boxes", "identity"] = "identity" if self.shape.end is None else "boxes"
        found = ShapeProof(
            claim=self.claim.id,
            n=self.shape.n,
            method=method,
            relation=self.conclusion.relation,
            factor=self.factor,
            hypotheses=tuple(premise.statement for premise in self.claim.hypotheses),
            invariance=self.shape.invariance,
            invariance_checks=(),
            start=(),
            covers=(),
            end=self.shape.end,
            end_checks=(),
            bits=BITS,
        )
        with precision(BITS):
            try:
                return self._by_identity(found) if self.shape.end is None else self._by_boxes(found)
            except _GaveUp as why:
                return replace(found, reason=str(why))

    # Identical sides.

    def _by_identity(self, found: ShapeProof) -> ShapeProof:
        """Both sides as expressions in every point, mu and sigma: no normal form is needed."""
        if self.factor != 1:
            raise _GaveUp("the two sides are identical: no factor above 1 can hold")
        invariance = self._invariance()
        if invariance.differences():
            raise _GaveUp("the two sides are not identical")
        return replace(found, invariance_checks=("left side - right side = 0",))

    # Boxes.

    def _by_boxes(self, found: ShapeProof) -> ShapeProof:
        assert self.shape.end is not None  # the caller's distinction
        invariance = self._invariance()
        failures = invariance.failures()
        if failures:
            raise _GaveUp(f"not shown to be invariant: {'; '.join(sorted(set(failures)))}")
        unsteady = invariance.unsteady()
        if unsteady:
            raise _GaveUp(f"not shown to hold from some kappa on: {unsteady[0]}")
        found = replace(found, invariance_checks=invariance.statements(), start=self._start())
        found = replace(found, end_checks=self._beyond(self.shape.end))
        covers: list[Cover] = []
        for i, places in indexed_forms(self.claim, self.shape.n):
            for place in self._choices():
                covers.append(self._cover(i, places, place))
        for cover in covers:
            if not is_tiled(cover):
                raise _GaveUp("the boxes do not cover the range")
        return replace(found, covers=tuple(covers))

    def _invariance(self) -> Invariance:
        return Invariance(self.claim, self.shape.n, self.shape.scaling)

    def _choices(self) -> Sequence[int | None]:
        span = self.claim.range.y
        if span is None or isinstance(span, Interval):
            return (None,)
        if isinstance(span, Places):
            return range(len(span.sides))
        raise _GaveUp("the claim is about unboundedly many y")

    def _start(self) -> tuple[Checked, ...]:
        """At the least kappa every hypothesis fails or is an equality.

        Each holds from some kappa on (`Invariance.unsteady`), so none does below.
        """
        if not self.claim.hypotheses:
            raise _GaveUp("nothing bounds kappa from below")
        checks = []
        lowest = ball(self.shape.lowest)
        for premise in self.claim.hypotheses:
            if not isinstance(premise, Hypothesis):
                raise _GaveUp(f"hypothesis is no inequality: {premise.statement}")
            opposite: Relation = "<=" if premise.relation in {">=", ">"} else ">="
            _, places = indexed_forms(self.claim, self.shape.n)[0]
            case = ball_case(places, lowest, arb(0))
            statement = f"{premise.statement}: not met below kappa = {self.shape.lowest}"
            checks.append(_certified(statement, premise.left(case), opposite, premise.right(case)))
        return tuple(checks)

    def _cover(self, i: int, places: tuple[Place, ...], place: int | None) -> Cover:
        parameters: list[Parameter] = ["kappa"]
        ranges: list[Span] = [(self.shape.lowest, self.shape.highest)]
        if self.shape.n > 2:
            parameters.append("s")
            ranges.append((Fraction(0), self.shape.widest))
        if isinstance(self.claim.range.y, Interval):
            parameters.append("t")
            ranges.append(_UNIT)
        names = tuple(parameters)
        boxes: list[Box] = []
        waiting = [tuple(ranges)]
        while waiting:
            spans = waiting.pop()
            if self.budget == 0:
                raise _GaveUp("budget: boxes")
            self.budget -= 1
            shown = self._decide(i, places, place, names, spans)
            if shown is not None:
                boxes.append(shown)
                continue
            middle = tuple(_middle(span) for span in spans)
            self._refuse_if_false(i, places, place, names, middle)
            waiting += _halves(spans, names)
        boxes.sort(key=lambda box: box.spans)
        return Cover(i, place, places, names, tuple(ranges), tuple(boxes))

    def _decide(
        self,
        i: int,
        places: tuple[Place, ...],
        place: int | None,
        names: tuple[Parameter, ...],
        spans: tuple[Span, ...],
    ) -> Box | None:
        case = self._case(i, places, place, dict(zip(names, spans, strict=True)))
        left, right = self.conclusion.left(case), self.conclusion.right(case)
        if not (is_number(left) and is_number(right)):
            return None
        box = Box(spans, _enclosure(left, BOX_DIGITS), _enclosure(right, BOX_DIGITS))
        if self._holds(_recorded(box.left), _recorded(box.right)) is Truth.TRUE:
            return box
        margin_of = self.conclusion.margin
        if margin_of is None or self.factor != 1:
            return None
        margin = margin_of(case)
        if not margin_decides(left, self.conclusion.relation, right, margin):
            return None
        return replace(box, margin=_enclosure(margin, BOX_DIGITS))

    def _refuse_if_false(
        self,
        i: int,
        places: tuple[Place, ...],
        place: int | None,
        names: tuple[Parameter, ...],
        at: tuple[Fraction, ...],
    ) -> None:
        spans = {name: (value, value) for name, value in zip(names, at, strict=True)}
        case = self._case(i, places, place, spans)
        left, right = self.conclusion.left(case), self.conclusion.right(case)
        if self._holds(left, right) is Truth.FALSE:
            where = ", ".join(
                f"{name} = {spell(value)}" for name, value in zip(names, at, strict=True)
            )
            raise _GaveUp(f"fails at i = {i}, {where}")

    def _holds(self, left: arb, right: arb) -> Truth:
        factor = ball(self.factor)
        if self.conclusion.relation == "<=":
            return compare(factor * left, "<=", right)
        return compare(left, ">=", factor * right)

    def _case(
        self,
        i: int,
        places: tuple[Place, ...],
        place: int | None,
        spans: dict[Parameter, Span],
    ) -> Case[Any]:
        stretch = _hull(spans["s"]) if "s" in spans else arb(0)
        case = ball_case(places, _hull(spans["kappa"]), stretch)
        span = self.claim.range.y
        if isinstance(span, Interval):
            low, high = (at_point(case, i, None) for _ in range(2))
            t = _hull(spans["t"])
            return at_point(case, i, span.lower(low) * (1 - t) + span.upper(high) * t)
        if isinstance(span, Places):
            assert place is not None  # `_choices` numbers them
            return at_point(case, i, span.sides[place](at_point(case, i, None)))
        return at_point(case, i, None)

    # The ends.

    def _beyond(self, end: EndArgument) -> tuple[Checked, ...]:
        """Check the end argument where it is used: kappa beyond the boxes, or s beyond them."""
        used_from = self.shape.highest if self.shape.n == 2 else self.shape.lowest
        checks = [_certified("where the argument holds", end.since, "<=", used_from)]
        for term, first in [
            *[(term, used_from) for term in (*end.ratio, *end.lost)],
            *[(term, end.since) for term in end.decreasing],
        ]:
            checks.append(_certified(f"{term.text()} >= 0", term.coefficient, ">=", Fraction(0)))
            checks.append(_certified(f"{term.text()} decays", term.rate, ">=", Fraction(0)))
            statement = f"{term.text()} is non-increasing from kappa = {first}: power <= 2 rate k^2"
            power, limit = Fraction(term.power), 2 * term.rate * first * first
            checks.append(_certified(statement, power, "<=", limit))
        ratio, lost = _total(end.ratio, used_from), _total(end.lost, used_from)
        whole = ratio.scaled(self.factor).plus(lost)
        statement = f"factor * ratio + lost <= 1 at kappa = {used_from}"
        checks.append(_certified(statement, whole.value(), "<=", Fraction(1)))
        return tuple(checks)


@dataclass(frozen=True)
class _Sum:
    """A rational number plus balls: sums of terms without decay stay exact."""

    exact: Fraction
    rest: tuple[arb, ...]

    def scaled(self, factor: Fraction) -> _Sum:
        return _Sum(self.exact * factor, tuple(part * ball(factor) for part in self.rest))

    def plus(self, other: _Sum) -> _Sum:
        return _Sum(self.exact + other.exact, (*self.rest, *other.rest))

    def value(self) -> Fraction | arb:
        return sum(self.rest, ball(self.exact)) if self.rest else self.exact


def _total(terms: Sequence[Term], kappa: Fraction) -> _Sum:
    exact, rest = Fraction(0), []
    for term in terms:
        size = term.coefficient * kappa**term.power
        if term.rate:
            rest.append(ball(size) * ball(-term.rate * kappa * kappa).exp())
        else:
            exact += size
    return _Sum(exact, tuple(rest))


def is_tiled(cover: Cover) -> bool:
    """Whether the boxes lie in the range, do not overlap, and fill it, all exactly."""
    volume = Fraction(0)
    for box in cover.boxes:
        if len(box.spans) != len(cover.range):
            return False
        for (low, high), (first, last) in zip(box.spans, cover.range, strict=True):
            if not first <= low < high <= last:
                return False
        volume += _volume(box.spans)
    if volume != _volume(cover.range):
        return False
    ordered = sorted(box.spans for box in cover.boxes)
    for number, spans in enumerate(ordered):
        for other in ordered[number + 1 :]:
            if other[0][0] >= spans[0][1]:
                break  # sorted by the first parameter: nothing later reaches back
            if all(a < d and c < b for (a, b), (c, d) in zip(spans, other, strict=True)):
                return False
    return True


# Best constants.


def sharpest_constants(
    sharp: Iterable[Sharp] | None = None, budget: int = BOXES
) -> tuple[SharpConstant, ...]:
    """Enclose the best constant of each claim over the samples of its size.

    Args:
        sharp: what to enclose; None stands for the content's own list.
        budget: boxes that one proof may cost.

    Raises:
        ValueError: a factor in the list is not proved.
    """
    data = content.shapes()
    wanted = data.SHARP if sharp is None else sharp
    shapes = {(shape.claim, shape.n): shape for shape in data.SHAPES}
    return tuple(_sharpest(entry, shapes[entry.claim, entry.n], budget) for entry in wanted)


def _sharpest(entry: Sharp, shape: Shape, budget: int) -> SharpConstant:
    claim = _claim(entry.claim)
    reach = shape if entry.highest is None else replace(shape, highest=entry.highest)
    proof = prove(reach, claim, entry.factor, budget)
    if not proof.is_proved:
        raise ValueError(f"factor: {entry.factor} for {entry.claim}: {proof.verdict}")
    with precision(SHARP_BITS):
        if shape.end is None:
            exact = lower_decimal(Fraction(1), DIGITS)
            return SharpConstant(
                claim=claim.id,
                n=shape.n,
                infimum=Enclosure(exact, exact),
                argument=entry.argument,
                lower_by=proof.text,
                upper_by={},
                proved_factor=entry.factor,
            )
        if entry.is_increasing:
            before, after = _first_allowed(shape, claim)
            low = _ratio_at(claim, before, None, 0)
            lower_by = (
                f"the argument, and the value at kappa = {before}, below which no sample meets the "
                f"hypotheses; without the argument: {proof.text}"
            )
            kappa, t, i = after, None, 0
        else:
            assert entry.at is not None  # data give one of the two
            kappa, t, i = entry.at
            low = ball(entry.factor)
            lower_by = proof.text
        high = _ratio_at(claim, kappa, t, i)
        where = {"x": f"0, {kappa}", "mu": "1/2", "sigma": "1/2"}
        if i:
            where["i"] = str(i)
        if t is not None:
            where["t"] = spell(t)
        return SharpConstant(
            claim=claim.id,
            n=shape.n,
            infimum=Enclosure(lower_decimal(low, DIGITS), upper_decimal(high, DIGITS)),
            argument=entry.argument,
            lower_by=lower_by,
            upper_by=where,
            proved_factor=entry.factor,
        )


def _first_allowed(shape: Shape, claim: Claim) -> tuple[Fraction, Fraction]:
    """Neighbours between which the hypotheses start to hold; one value if that is a rational."""

    def holds(kappa: Fraction) -> Truth:
        case = _exact_facts(kappa).case()
        truth = Truth.TRUE
        for premise in claim.hypotheses:
            assert isinstance(premise, Hypothesis)  # `prove` has seen to it
            found = compare(premise.left(case), premise.relation, premise.right(case))
            truth = found if found is not Truth.TRUE else truth
        return truth

    low, high = shape.lowest, shape.highest
    if holds(low) is Truth.TRUE:
        return low, low
    while (high - low) * BRACKET > 1:
        middle = (low + high) / 2
        if holds(middle) is Truth.TRUE:
            high = middle
        else:
            low = middle
    return low, high


def _exact_facts(kappa: Fraction) -> Facts:
    """The sample 0, kappa at mu = sigma = 1/2, one that the setting allows."""
    noise = NoiseLevel(mu=_HALF, sigma=_HALF)
    return Facts(Instance(f"kappa = {kappa}", (Fraction(0), kappa), noise), SHARP_ACCURACY)


def _ratio_at(claim: Claim, kappa: Fraction, t: Fraction | None, i: int) -> arb:
    """Larger over smaller side at an exact sample."""
    conclusion, span = claim.conclusion, claim.range.y
    assert isinstance(conclusion, Inequality)  # `prove` has seen to it
    facts = _exact_facts(kappa)
    case = facts.case(i)
    if isinstance(span, Interval) and t is not None:
        part = ball(t)
        case = facts.case(i, span.lower(case) * (1 - part) + span.upper(case) * part)
    elif isinstance(span, Places):
        case = facts.case(i, span.sides[0](case))
    left: arb = conclusion.left(case)
    right: arb = conclusion.right(case)
    return right / left if conclusion.relation == "<=" else left / right


# Small parts.


def _claim(name: str) -> Claim:
    return catalogue.select([name])[0]


def _hull(span: Span) -> arb:
    return ball(span[0]).union(ball(span[1]))


def _middle(span: Span) -> Fraction:
    return (span[0] + span[1]) / 2


def _volume(spans: Sequence[Span]) -> Fraction:
    product = Fraction(1)
    for low, high in spans:
        product *= high - low
    return product


def _halves(spans: tuple[Span, ...], names: tuple[Parameter, ...]) -> list[tuple[Span, ...]]:
    """The box cut in two across the parameter that moves exponents of kappa^2 most."""
    kappa = spans[0][1]
    pull = {"kappa": kappa, "s": Fraction(2), "t": Fraction(4)}
    moved = [(high - low) * pull[name] for name, (low, high) in zip(names, spans, strict=True)]
    widest = moved.index(max(moved))
    low, high = spans[widest]
    middle = _middle(spans[widest])
    return [
        (*spans[:widest], part, *spans[widest + 1 :]) for part in ((low, middle), (middle, high))
    ]


def _certified(
    statement: str, left: arb | Fraction, relation: Relation, right: arb | Fraction
) -> Checked:
    """The inequality, exact where both sides are; no proof without it."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        holds = {"<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right}
        truth = Truth.TRUE if holds[relation] else Truth.FALSE
    else:
        truth = compare(_as_ball(left), relation, _as_ball(right))
    if truth is not Truth.TRUE:
        raise _GaveUp(f"not certified: {statement}")
    return Checked(statement, _enclosure(left), relation, _enclosure(right))


def _as_ball(value: arb | Fraction) -> arb:
    return ball(value) if isinstance(value, Fraction) else value


def _enclosure(value: arb | Fraction, digits: int = DIGITS) -> Enclosure:
    if isinstance(value, arb) and not is_number(value):
        raise _GaveUp("a side is unbounded")
    return Enclosure(lower_decimal(value, digits), upper_decimal(value, digits))


def _recorded(enclosure: Enclosure) -> arb:
    """The ball of an enclosure as written."""
    return ball(Fraction(enclosure.lower)).union(ball(Fraction(enclosure.upper)))

"""Deciding a claim at an instance with balls. The only module that sets the working precision.

Precision rises until the answer is certain or the cap is reached; every budget is a count. At each
level hypotheses come first: one certified false makes the claim NOT_APPLICABLE there and is named
with both sides, one undecided makes the answer UNKNOWN. A conclusion over a range of `y` is decided
on the whole range by bisection, each cell as a ball; a FALSE needs an exact point inside the range.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from dsmverify.claims import (
    Claim,
    Enclosure,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    RealLine,
    Relation,
    Row,
    Stated,
    Structural,
)
from dsmverify.exact import lower_decimal, spell, upper_decimal
from dsmverify.facts import Facts
from dsmverify.formulas.case import Case
from dsmverify.formulas.stability import batch_hessian_moments
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.minima import MAX_WIDTH, Minimum, find_minimum
from dsmverify.rationals import RELATIONS, rational_case
from dsmverify.spectra import is_positive_definite, largest_eigenvalue
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.systems.rational import IrrationalError
from dsmverify.truth import (
    Truth,
    agreeing_digits,
    certainly_below,
    compare,
    differ,
    every,
    is_nonnegative,
    is_number,
)

LEVELS = (96, 192, 384, 768)
"""Working precisions, in bits, tried one after the other."""

ACCURACIES = (12, 30, 60, 60)
"""Relative bits of integrals at these levels."""

CELLS = 3000
"""Cells that one range of `y` may cost at one level."""

EQUALITY_DIGITS = 50
"""Undecided sides that agree to more digits than this are reported as touching equality."""

NARROWEST = Fraction(1, 2**60)
"""Cells of a range are not bisected below this share of it."""

NO_PLACE = "the instance's y lies in the range of the claim: it does not"

ALL_DIGITS = 10**6
"""Stands for agreement that nothing contradicts."""

DIGITS = 12
"""Digits of the enclosures in reports."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Run a block of ball arithmetic at a working precision."""
    before = int(ctx.prec)
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


@dataclass
class Finding:
    """What is known of a conclusion while it is being decided.

    Attributes:
        truth: so far.
        left: left side where the slack is smallest, or where it fails.
        right: right side there.
        where: free variables there.
        trivial: every value of the free variables was trivial.
        reason: why it is UNKNOWN.
        evaluations: spent.
    """

    truth: Truth = Truth.TRUE
    left: arb | None = None
    right: arb | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    trivial: bool = True
    reason: str | None = None
    evaluations: int = 0
    slack: arb | None = None

    def failed(
        self, left: arb, right: arb, where: Mapping[str, str], slack: arb | None = None
    ) -> Finding:
        """The finding that a conclusion is FALSE at one point."""
        return replace(
            self,
            truth=Truth.FALSE,
            left=left,
            right=right,
            where=where,
            trivial=False,
            reason=None,
            slack=slack,
        )


class Session:
    """One instance being decided: certified values are kept between claims at each precision."""

    def __init__(self, instance: Instance, proved: frozenset[str] = frozenset()) -> None:
        """Start on an instance.

        Args:
            instance: the exact instance.
            proved: ids of claims that hold on their whole domain; identities among them are TRUE.
        """
        self.instance = instance
        self.proved = proved
        self._facts: dict[tuple[int, bool], Facts] = {}
        self._minima: dict[int, Minimum] = {}
        self._stability: dict[tuple[int, str | None], tuple[Truth, str]] = {}

    def decide(self, claim: Claim) -> Row:
        """Answer of a claim at this instance."""
        row = Row(claim.id, self.instance.name, "UNKNOWN", reason="budget: nothing tried")
        for level, bits in enumerate(LEVELS):
            with precision(bits):
                row = _Decision(self, claim, level).row()
            if row.answer != "UNKNOWN" or _is_about_identities(claim):
                break  # precision never decides an identity that holds
        return row

    def facts(self, level: int, *, at_minimum: bool) -> Facts:
        """Certified values at one level of precision."""
        key = (level, at_minimum)
        if key not in self._facts:
            minimum = self.minimum(level).network if at_minimum else None
            self._facts[key] = Facts(self.instance, Accuracy(ACCURACIES[level]), minimum)
        return self._facts[key]

    def minimum(self, level: int) -> Minimum:
        """The local minimum near the instance's network."""
        if level not in self._minima:
            facts = self.facts(level, at_minimum=False)
            self._minima[level] = find_minimum(
                facts.sample, facts.network, is_last=level == len(LEVELS) - 1
            )
        return self._minima[level]

    def stability(self, level: int, reading: str | None) -> tuple[Truth, str]:
        """Whether the minimum is linearly stable at the instance's rate, and why."""
        key = (level, reading)
        if key not in self._stability:
            self._stability[key] = _linear_stability(
                self.facts(level, at_minimum=True), reading or "sum"
            )
        return self._stability[key]


class _Decision:
    """One claim at one instance and one precision."""

    def __init__(self, session: Session, claim: Claim, level: int) -> None:
        self.session, self.claim, self.level = session, claim, level
        self.instance = session.instance
        is_restricted = self.instance.parameters.get("y") is not None
        self.found_place = claim.range.y is None or not is_restricted

    def row(self) -> Row:
        missing = self._missing_subject()
        if missing is not None:
            return self._row("NOT_APPLICABLE", failed_hypothesis=missing)
        for premise in self.claim.hypotheses:
            truth, said = self._premise(premise)
            if truth is Truth.FALSE:
                return self._row("NOT_APPLICABLE", failed_hypothesis=said)
            if truth is Truth.UNKNOWN:
                return self._row("UNKNOWN", reason=f"budget: hypothesis undecided: {said}")
        conclusion = self.claim.conclusion
        if isinstance(conclusion, Inequality):
            finding = self._inequality(conclusion)
            if not self.found_place:
                return self._row("NOT_APPLICABLE", failed_hypothesis=NO_PLACE)
            return self._finding_row(finding)
        if isinstance(conclusion, Stated):
            return self._identity_row([self._check(check) for check in conclusion.checks])
        if isinstance(conclusion, Identity):
            conclusion = (conclusion,)
        assert isinstance(conclusion, tuple)  # ReadOff has no rows of its own
        return self._identity_row([self._identity(identity) for identity in conclusion])

    @property
    def facts(self) -> Facts:
        return self.session.facts(self.level, at_minimum=self.claim.subject == "minimum")

    def _missing_subject(self) -> str | None:
        if self.claim.subject in {"network", "minimum"} and self.instance.network is None:
            return "the instance has a network: it has none"
        if self.claim.subject == "minimum":
            assert self.instance.network is not None
            if self.instance.learning_rate is None:
                return "a learning rate is given: it is not"
            if any(abs(weight) != 1 for weight in self.instance.network.inner_weights):
                return "every inner weight is +1 or -1: one is not"
        given = self.instance.parameters
        absent = [name for name in self.claim.parameters if given.get(name) is None]
        if absent:
            return f"parameters {', '.join(absent)} are given: they are not"
        return None

    # Hypotheses.

    def _premise(self, premise: Hypothesis | Structural) -> tuple[Truth, str]:
        if isinstance(premise, Structural):
            return self._structural(premise)
        if self.claim.subject == "minimum":
            facts = self.session.facts(self.level, at_minimum=True)
        else:
            facts = self.facts
        left, right = premise.left(facts.case()), premise.right(facts.case())
        truth = compare(left, premise.relation, right)
        if truth is Truth.UNKNOWN:
            truth = self._exactly(premise)
        return truth, f"{premise.statement}: {_short(left)} {premise.relation} {_short(right)}"

    def _exactly(self, premise: Hypothesis) -> Truth:
        """A hypothesis that balls cannot decide, in rational numbers where both sides are."""
        try:
            case = rational_case(self.instance)
            left, right = premise.left(case), premise.right(case)
        except IrrationalError:
            return Truth.UNKNOWN
        return _truth(RELATIONS[premise.relation](left, right))

    def _structural(self, premise: Structural) -> tuple[Truth, str]:
        data, text = self.instance.network, premise.statement
        match premise.predicate:
            case "has_network":
                return _truth(data is not None), text
            case "has_learning_rate":
                return _truth(self.instance.learning_rate is not None), text
            case "has_power":
                return _truth(self.instance.parameters.get("k") is not None), text
            case "has_function":
                return _truth(self.instance.parameters.get("f") is not None), text
            case "inner_weights_are_signs":
                signs = data is not None and all(abs(w) == 1 for w in data.inner_weights)
                return _truth(signs), text
            case "outer_weights_within_bound" | "outer_weights_inside_bound":
                return self._within_bound(premise)
            case "is_local_minimum":
                return self._local_minimum(text)
            case "is_linearly_stable":
                truth, said = self.session.stability(self.level, self.claim.reading)
                return truth, f"{text}: {said}"
            case "function_slope_bounded_below":
                return self._slope_bounded_below(text)

    def _within_bound(self, premise: Structural) -> tuple[Truth, str]:
        facts = self.facts  # of the proved minimum where the claim is about one
        relation: Relation = "<=" if premise.predicate == "outer_weights_within_bound" else "<"
        largest = arb(0)
        for weight in facts.network.outer:
            largest = largest.max(abs(weight))
        truth = compare(largest, relation, facts.bound)
        return truth, f"{premise.statement}: {_short(largest)} {relation} {_short(facts.bound)}"

    def _local_minimum(self, text: str) -> tuple[Truth, str]:
        minimum = self.session.minimum(self.level)
        said = f"{text}: |grad R_n| = {_short(minimum.gradient)} at the instance's network"
        if minimum.truth is Truth.TRUE:
            return Truth.TRUE, said
        assert self.instance.network is not None
        if self.instance.network.width > MAX_WIDTH and minimum.truth is Truth.UNKNOWN:
            return Truth.UNKNOWN, f"{said}; wider than {MAX_WIDTH} neurons"
        return minimum.truth, f"{said}, and Krawczyk's test proves no minimum next to it"

    def _slope_bounded_below(self, text: str) -> tuple[Truth, str]:
        facts = self.facts
        coefficients = list(facts("parameter:f"))
        gamma, delta = facts("parameter:gamma"), facts("parameter:delta")

        def room(y: arb) -> tuple[arb, arb]:
            slope = arb(0)
            for power in range(len(coefficients) - 1, 0, -1):
                slope = slope * y + power * coefficients[power]
            return slope, -gamma

        finding = _over_interval(room, ">=", (-delta, delta), Finding())
        return finding.truth, text

    # Conclusions.

    def _inequality(self, conclusion: Inequality) -> Finding:
        finding = Finding()
        for index in self._indices():
            finding = self._at_index(conclusion, index, finding)
            if finding.truth is Truth.FALSE:
                return finding
        return finding

    def _at_index(self, conclusion: Inequality, index: int, finding: Finding) -> Finding:
        case = self.facts.case(index)
        span = self.claim.range.y
        restricted = self.instance.parameters.get("y")
        if span is None:
            return self._at_point(conclusion, index, None, finding)
        if restricted is not None:
            y = ball(restricted)
            if not self._is_in_range(y, span, case):
                return finding
            self.found_place = True
            return self._at_point(conclusion, index, y, finding, restricted)
        if isinstance(span, Places):
            for place in span.sides:
                finding = self._at_point(conclusion, index, place(case), finding)
                if finding.truth is Truth.FALSE:
                    break
            return finding
        ends = self._ends(span, case)
        if _is_trivial(conclusion, self.facts.case(index, ends[0])):
            return finding

        def sides(y: arb) -> tuple[arb, arb]:
            at = self.facts.case(index, y)
            return conclusion.left(at), conclusion.right(at)

        where = {"i": str(index)} if index else {}
        finding = replace(finding, trivial=False)
        return _over_interval(sides, conclusion.relation, ends, finding, where)

    def _is_in_range(self, y: arb, span: Interval | RealLine | Places, case: Case[Any]) -> bool:
        """Whether a point that an instance asks for certainly is one that the claim is about."""
        if isinstance(span, Places):
            return any(place(case).overlaps(y) for place in span.sides)
        low, high = self._ends(span, case)
        return every((compare(y, ">=", low), compare(y, "<=", high))) is Truth.TRUE

    def _ends(self, span: Interval | RealLine, case: Case[Any]) -> tuple[arb, arb]:
        if isinstance(span, Interval):
            return span.lower(case), span.upper(case)
        # Outside the closed range of the data pi is 0; there is nothing more to decide.
        return case.mu * case.x(1), case.mu * case.x(case.n)

    def _at_point(
        self,
        conclusion: Inequality,
        index: int,
        y: arb | None,
        finding: Finding,
        exact: Fraction | None = None,
    ) -> Finding:
        case = self.facts.case(index, y)
        left, right = conclusion.left(case), conclusion.right(case)
        truth = compare(left, conclusion.relation, right)
        if truth is Truth.UNKNOWN and conclusion.margin is not None:
            margin = is_nonnegative(conclusion.margin(case))
            truth = Truth.TRUE if margin is Truth.TRUE else Truth.UNKNOWN
        where = {"i": str(index)} if index else {}
        if y is not None:
            where["y"] = _exact_text(y) if exact is None else spell(exact)
        finding = replace(finding, evaluations=finding.evaluations + 1)
        if truth is Truth.FALSE:
            ratio = slack_ratio(conclusion.relation, left, right)
            return finding.failed(left, right, where, ratio)
        if truth is Truth.UNKNOWN:
            digits = agreeing_digits(left, right)
            reason = "equality" if digits > EQUALITY_DIGITS else "budget"
            return replace(
                finding,
                truth=Truth.UNKNOWN,
                trivial=False,
                left=left,
                right=right,
                where=where,
                reason=f"{reason}: the two sides agree to {digits} digits",
            )
        if conclusion.nonnegative_left and compare(right, "<=", arb(0)) is Truth.TRUE:
            return finding
        return _keep_tightest(
            replace(finding, trivial=False), conclusion.relation, left, right, where
        )

    def _identity(self, identity: Identity) -> tuple[Finding, int]:
        """The entry that differs most, if one certainly does, or the one that agrees least."""
        worst, digits, gap = Finding(trivial=False), ALL_DIGITS, arb(0)
        for index in self._indices():
            for y in self._identity_points():
                case = self.facts.case(index, None if y is None else ball(y))
                left_side: Any = np.asarray(identity.left(case), dtype=object)
                right_side: Any = np.asarray(identity.right(case), dtype=object)
                for place in np.ndindex(left_side.shape):
                    left, right = left_side[place], right_side[place]
                    where = {} if y is None else {"y": spell(y)}
                    if place:
                        where["entry"] = ",".join(str(part + 1) for part in place)
                    if differ(left, right) is Truth.TRUE:
                        size = arb(abs(left - right).lower())
                        if worst.truth is not Truth.FALSE or certainly_below(gap, size):
                            worst, gap = worst.failed(left, right, where), size
                    elif worst.truth is not Truth.FALSE:
                        agreed = agreeing_digits(left, right)
                        if worst.left is None or agreed < digits:
                            digits = agreed
                            worst = replace(worst, left=left, right=right, where=where)
        if worst.truth is Truth.FALSE:
            return worst, 0
        return replace(worst, truth=Truth.UNKNOWN), digits

    def _identity_points(self) -> list[Fraction | None]:
        if self.claim.range.y is None:
            return [None]
        return list(points_of(self.instance))

    def _check(self, check: Inequality | Identity) -> tuple[Finding, int]:
        if isinstance(check, Identity):
            return self._identity(check)
        finding = self._at_point(check, 0, None, Finding())
        return replace(finding, trivial=False), 0 if finding.truth is Truth.UNKNOWN else ALL_DIGITS

    def _indices(self) -> range | tuple[int, ...]:
        size = self.instance.size
        chosen = self.instance.parameters.get("i")
        match self.claim.range.index:
            case "points":
                return (chosen,) if chosen else range(1, size + 1)
            case "gaps":
                if chosen:
                    return (chosen,) if chosen < size else ()
                return range(1, size)
            case _:
                return (0,)

    # Rows.

    def _identity_row(self, found: list[tuple[Finding, int]]) -> Row:
        for finding, _ in found:
            if finding.truth is Truth.FALSE:
                return self._finding_row(finding)
        is_proved = self.claim.id in self.session.proved
        digits = min((agreed for _, agreed in found), default=0)
        shown = next((finding for finding, _ in found if finding.left is not None), Finding())
        shown = replace(shown, trivial=False, slack=None)
        if is_proved:
            return self._finding_row(replace(shown, truth=Truth.TRUE))
        agreed = (
            "its checks hold" if digits >= ALL_DIGITS else f"the two sides agree to {digits} digits"
        )
        reason = f"equality: {agreed}"
        return self._finding_row(replace(shown, truth=Truth.UNKNOWN, reason=reason))

    def _finding_row(self, finding: Finding) -> Row:
        return self._row(
            finding.truth.value,
            lhs=_enclosure(finding.left),
            rhs=_enclosure(finding.right),
            slack=slack_text(finding),
            trivial=finding.trivial and finding.truth is Truth.TRUE,
            where=finding.where,
            reason=finding.reason if finding.truth is Truth.UNKNOWN else None,
            evaluations=finding.evaluations,
        )

    def _row(self, answer: str, **fields: Any) -> Row:
        return Row(
            claim=self.claim.id,
            instance=self.instance.name,
            answer=answer,  # type: ignore[arg-type]
            bits=LEVELS[self.level],
            **fields,
        )


def points_of(instance: Instance) -> tuple[Fraction, ...]:
    """Where functions of `y` are looked at: the instance's own points, or some near the data."""
    if instance.at:
        return instance.at
    mu = Fraction(_float_mu(instance)).limit_denominator(10**6)
    x = instance.points
    chosen = sorted({0, len(x) // 2, len(x) - 1})
    means = [mu * x[index] for index in chosen]
    middle = mu * (x[0] + x[1]) / 2
    return tuple(sorted({*means, middle}))


def _over_interval(
    sides: Callable[[arb], tuple[arb, arb]],
    relation: Any,
    ends: tuple[arb, arb],
    finding: Finding,
    where: Mapping[str, str] | None = None,
) -> Finding:
    """Decide `left(y) relation right(y)` for every y between two ends, by bisection.

    Cells are parts `[a, b]` of [0, 1], with `y = low + t (high - low)`; the two ends may be balls.
    """
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
        y = _exact_between(low, high, (first + last) / 2)
        if y is not None:
            left, right = sides(ball(y))
            if compare(left, relation, right) is Truth.FALSE:
                found = replace(finding, evaluations=finding.evaluations + spent)
                ratio = slack_ratio(relation, left, right)
                return found.failed(left, right, {**free, "y": spell(y)}, ratio)
            finding = _keep_tightest(finding, relation, left, right, {**free, "y": spell(y)})
        cell = _at(low, high, first).union(_at(low, high, last))
        left, right = sides(cell)
        if compare(left, relation, right) is not Truth.TRUE:
            middle = (first + last) / 2
            queue += [(first, middle), (middle, last)]
    return replace(finding, evaluations=finding.evaluations + spent)


def _at(low: arb, high: arb, part: Fraction) -> arb:
    return low + (high - low) * ball(part)


def _exact_between(low: arb, high: arb, part: Fraction) -> Fraction | None:
    """A short exact point near the part of an interval, certainly inside it; None if none is."""
    target = _at(low, high, part)
    middle = exact_fraction(target.mid())
    width = exact_fraction((high - low).mid())
    if width <= 0:
        return None
    fineness = max(4, 12 - _log2(width))
    short = Fraction(round(middle * 2**fineness), 2**fineness) if fineness < 4000 else middle
    point = ball(short)
    inside = compare(point, ">=", low) is Truth.TRUE and compare(point, "<=", high) is Truth.TRUE
    return short if inside else None


def exact_fraction(point: arb) -> Fraction:
    """The exact dyadic number in a ball of radius 0."""
    mantissa, exponent = (int(part) for part in point.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _log2(value: Fraction) -> int:
    return value.numerator.bit_length() - value.denominator.bit_length()


def _exact_text(y: arb) -> str:
    return spell(exact_fraction(y.mid()))


def _keep_tightest(
    finding: Finding, relation: str, left: arb, right: arb, where: Mapping[str, str]
) -> Finding:
    ratio = slack_ratio(relation, left, right)
    if ratio is None:
        if finding.left is None:
            return replace(finding, left=left, right=right, where=where)
        return finding
    if finding.slack is None or certainly_below(ratio, finding.slack):
        return replace(finding, left=left, right=right, where=where, slack=ratio)
    return finding


def slack_ratio(relation: str, left: arb, right: arb) -> arb | None:
    """How much room an inequality has: larger side over smaller; None unless both are positive."""
    large, small = (left, right) if relation in {">=", ">"} else (right, left)
    if (
        compare(large, ">", arb(0)) is not Truth.TRUE
        or compare(small, ">", arb(0)) is not Truth.TRUE
    ):
        return None
    return large / small


def slack_text(finding: Finding) -> str | None:
    """A slack as a decimal of four digits, rounded down: at least this much room.

    Where an inequality is certified its slack is at least 1, whatever the two balls leave open.
    """
    if finding.slack is None:
        return None
    touches = compare(finding.slack, ">=", arb(1)) is not Truth.TRUE
    return "1.000" if finding.truth is Truth.TRUE and touches else lower_decimal(finding.slack, 4)


def _is_trivial(conclusion: Inequality, case: Case[Any]) -> bool:
    if not conclusion.nonnegative_left:
        return False
    return compare(conclusion.right(case), "<=", arb(0)) is Truth.TRUE


def _linear_stability(facts: Facts, reading: str) -> tuple[Truth, str]:
    """D-stable, decided by second moments.

    With `H` the stochastic pointwise Hessian: `2 E[H] - m eta E[H^2]` positive definite makes
    `E |(I - m eta H) v|^2 < |v|^2`, so second moments contract and some ball is kept: TRUE. An
    eigenvalue of `E[H]` with `|1 - m eta lambda| > 1` lets the mean run away: FALSE.
    """
    batch, rate = facts.batch, facts.network.width * facts.learning_rate
    shape = (batch.size, reading == "mean", batch.replacement)
    mean, square = batch_hessian_moments(SYSTEM, facts.sample, facts.network, shape)
    if is_positive_definite(2 * mean - rate * square) is Truth.TRUE:
        return Truth.TRUE, "second moments contract"
    top = rate * largest_eigenvalue(mean)
    if compare(top, ">", arb(2)) is Truth.TRUE:
        return Truth.FALSE, f"m eta lambda_max(E[H]) = {_short(top)} > 2"
    bottom = -largest_eigenvalue(-mean)
    if compare(bottom, "<", arb(0)) is Truth.TRUE:
        return Truth.FALSE, f"lambda_min(E[H]) = {_short(bottom)} < 0"
    return Truth.UNKNOWN, f"second moments not shown to contract, m eta lambda_max = {_short(top)}"


def _is_about_identities(claim: Claim) -> bool:
    conclusion = claim.conclusion
    return isinstance(conclusion, Identity | tuple | Stated)


def _float_mu(instance: Instance) -> float:
    from dsmverify.express import float_mu

    return float_mu(instance)


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE


def _short(value: arb) -> str:
    return upper_decimal(value, 4) if is_number(value) else "unbounded"


def _enclosure(value: arb | None) -> Enclosure | None:
    if value is None or not is_number(value):
        return None
    return Enclosure(lower_decimal(value, DIGITS), upper_decimal(value, DIGITS))

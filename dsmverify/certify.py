"""Deciding a claim at an instance with balls. The only module that sets the working precision.

Precision rises until the answer is certain or the cap is reached; every budget is a count. At each
level hypotheses come first: one certified false makes the claim NOT_APPLICABLE there and is named
with both sides, one undecided makes the answer UNKNOWN. A conclusion over a range of `y` is decided
on the whole range by bisection, each cell as a ball; a FALSE needs an exact point inside the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np
from flint import arb, ctx

from dsmverify.batch_hessians import batch_hessian
from dsmverify.bisection import decide_over_interval, exact_between, exact_fraction
from dsmverify.claims import (
    Claim,
    Enclosure,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Part,
    Places,
    Ray,
    ReadOff,
    RealLine,
    Relation,
    Row,
    Stated,
    Structural,
)
from dsmverify.exact import lower_decimal, spell, upper_decimal
from dsmverify.facts import BeyondSettingError, Facts
from dsmverify.findings import (
    Finding,
    HypothesisFinding,
    merged,
    room_text,
    slack_ratio,
    slack_text,
)
from dsmverify.formulas.case import Case
from dsmverify.instance import Instance, Tried
from dsmverify.integrals import Accuracy
from dsmverify.mean_square import MAX_SIZE, contraction
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
    is_number,
    margin_decides,
)

LEVELS = (96, 192, 384, 768)
"""Working precisions, in bits, tried one after the other."""

ACCURACIES = (12, 30, 60, 60)
"""Relative bits of integrals at these levels."""

EQUALITY_DIGITS = 50
"""Undecided sides that agree to more digits than this are reported as touching equality."""

NO_PLACE = "the instance's y lies in the range of the claim: it does not"

NO_NUMBER = "budget: a side, a place or an end of a range is no number"

NO_INDEX = "the claim's index has a value at this sample size: it has none"

IN_WINDOW = "limit: certified in a window of an unbounded range only"

WINDOW = 8
"""Noise levels that the window of an unbounded range reaches beyond its start or the data."""

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


class Free(NamedTuple):
    """Values of a claim's indices; 0 where it has none."""

    i: int = 0
    k: int = 0
    l: int = 0

    def named(self) -> dict[str, str]:
        """The indices by the names that rows and instance files give them."""
        return {INDEX_KEYS[name]: str(value) for name, value in self._asdict().items() if value}


NO_FREE = Free()

INDEX_KEYS: Mapping[str, str] = {"i": "i", "k": "j", "l": "l"}
"""Names of the indices in rows and instance files (`k` is lemma 13's power there)."""

Span = Interval | RealLine | Ray | Places

KINDS: Mapping[str, str] = {"sample": "a sample", "curve": "a point of a learning curve"}
"""Kinds of instances in words."""


class CertifiedValues(Protocol):
    """Certified values of an instance that is no sample."""

    def case(self, i: int = 0, y: arb | None = None, k: int = 0, l: int = 0) -> Any:
        """The instance as the sides of a claim see it."""
        ...

    def of_setting(self, name: str) -> Any:
        """A value that needs the setting only."""
        ...


class OwnValues(Tried, Protocol):
    """An instance that is no sample: it brings its certified values itself."""

    def facts(self) -> CertifiedValues:
        """Its values, worked out at the precision at which they are asked for."""
        ...

    def rational_case(self) -> Any:
        """Itself as the sides of a claim see it, in rational numbers."""
        ...


class Session:
    """One instance being decided: certified values are kept between claims at each precision."""

    def __init__(
        self, instance: Instance | OwnValues, proved: frozenset[str] = frozenset()
    ) -> None:
        """Start on an instance.

        Args:
            instance: the exact instance.
            proved: ids of claims that hold on their whole domain; identities among them are TRUE.
        """
        self.instance = instance
        self.proved = proved
        self._facts: dict[tuple[int, bool], Facts] = {}
        self._own: dict[int, CertifiedValues] = {}
        self._minima: dict[int, Minimum] = {}
        self._stability: dict[tuple[int, str | None], tuple[Truth, str]] = {}

    def decide(self, claim: Claim) -> Row:
        """Answer of a claim at this instance."""
        row = Row(claim.id, self.instance.name, "UNKNOWN", reason="budget: nothing tried")
        for level, bits in enumerate(LEVELS):
            with precision(bits):
                row = _Decision(self, claim, level).row()
            if row.answer != "UNKNOWN" or _is_about_identities(claim) or row.reason == IN_WINDOW:
                break  # precision never decides an identity that holds, nor what lies beyond
        return row

    @property
    def sample(self) -> Instance:
        """The instance, which is a sample."""
        assert isinstance(self.instance, Instance)
        return self.instance

    def values(self, level: int, *, at_minimum: bool = False) -> Facts | CertifiedValues:
        """Certified values at one level of precision, of an instance of any kind."""
        if isinstance(self.instance, Instance):
            return self.facts(level, at_minimum=at_minimum)
        if level not in self._own:
            self._own[level] = self.instance.facts()
        return self._own[level]

    def facts(self, level: int, *, at_minimum: bool) -> Facts:
        """Certified values of a sample at one level of precision."""
        key = (level, at_minimum)
        if key not in self._facts:
            minimum = self.minimum(level).network if at_minimum else None
            self._facts[key] = Facts(self.sample, Accuracy(ACCURACIES[level]), minimum)
        return self._facts[key]

    def rational_case(self, free: Free) -> Any:
        """The instance in rational numbers, at values of the indices."""
        if isinstance(self.instance, Instance):
            return replace(rational_case(self.instance), i=free.i, k=free.k, l=free.l)
        return self.instance.rational_case()

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
        self.room: list[str | None] = []

    def row(self) -> Row:
        missing = self._missing_subject()
        if missing is not None:
            return self._row("NOT_APPLICABLE", failed_hypothesis=missing)
        for place, premise in enumerate(self.claim.hypotheses, start=1):
            found = self._premise(premise)
            self.room.append(room_text([found]))
            if found.truth is Truth.TRUE:
                continue
            later = self.claim.hypotheses[place:]
            self.room += [room_text(self._in_setting(premise)) for premise in later]
            if found.truth is Truth.FALSE:
                return self._row("NOT_APPLICABLE", failed_hypothesis=found.said)
            return self._row("UNKNOWN", reason=f"budget: hypothesis undecided: {found.said}")
        excluded = NO_INDEX
        values: dict[Free, list[HypothesisFinding]] = {}
        conditions: list[HypothesisFinding] = []
        for free in self._free_values():
            truth, said, conditions = self._restriction(free)
            if truth is Truth.FALSE:
                excluded = said
                continue
            if truth is Truth.UNKNOWN:
                self._add_room([conditions])
                return self._row("UNKNOWN", reason=f"budget: condition undecided: {said}")
            values[free] = conditions
        if not values:
            self._add_room([conditions])
            return self._row("NOT_APPLICABLE", failed_hypothesis=excluded)
        finding = self._conclusion([*values])
        own = [free for free in values if free.named().items() <= finding.where.items()]
        self._add_room([values[free] for free in own or values])
        if not self.found_place:
            return self._row("NOT_APPLICABLE", failed_hypothesis=NO_PLACE)
        return self._finding_row(finding)

    @property
    def facts(self) -> Facts:
        """Certified values of the sample that claims of samples are decided with."""
        return self.session.facts(self.level, at_minimum=self.claim.subject == "minimum")

    def _missing_subject(self) -> str | None:
        wanted, found = self.claim.instance_kind, self.instance.kind
        if wanted != found:
            return f"the instance is {KINDS[wanted]}: it is {KINDS[found]}"
        if isinstance(self.instance, Instance):
            network, rate = self.instance.network, self.instance.learning_rate
        else:
            network, rate = None, None
        if self.claim.subject in {"network", "minimum"} and network is None:
            return "the instance has a network: it has none"
        if self.claim.subject == "minimum":
            assert network is not None
            if rate is None:
                return "a learning rate is given: it is not"
            if any(abs(weight) != 1 for weight in network.inner_weights):
                return "every inner weight is +1 or -1: one is not"
        given = self.instance.parameters
        absent = [name for name in self.claim.parameters if given.get(name) is None]
        if absent:
            return f"parameters {', '.join(absent)} are given: they are not"
        return None

    # Hypotheses.

    def _premise(self, premise: Hypothesis | Structural) -> HypothesisFinding:
        if isinstance(premise, Structural):
            return HypothesisFinding(*self._structural(premise))
        return self._hypothesis(premise, self._case(NO_FREE), NO_FREE)

    def _in_setting(self, premise: Hypothesis | Structural) -> list[HypothesisFinding]:
        """A hypothesis that is not reached, if it is about the setting: for its slack only."""
        if isinstance(premise, Structural):
            return []
        facts = self.session.values(self.level)
        try:
            case = replace(facts.case(), quantities=facts.of_setting)
            return [self._hypothesis(premise, case, NO_FREE)]
        except BeyondSettingError:
            return []

    def _restriction(self, free: Free) -> tuple[Truth, str, list[HypothesisFinding]]:
        """Whether the values of the indices are among those that the claim is about."""
        found, said, tests = Truth.TRUE, "", []
        for condition in self.claim.range.where:
            finding = self._hypothesis(condition, self._case(free), free)
            tests.append(finding)
            if finding.truth is Truth.FALSE:
                return finding.truth, finding.said, tests
            if finding.truth is Truth.UNKNOWN:
                found, said = finding.truth, finding.said
        return found, said, tests

    def _add_room(self, tests: Sequence[Sequence[HypothesisFinding]]) -> None:
        """Note the slack of the conditions, from what came out of them at some indices."""
        # The conditions that each index came to: all of them, unless one failed.
        self.room += [room_text(column) for column in zip(*tests, strict=True)]

    def _hypothesis(self, premise: Hypothesis, case: Case[Any], free: Free) -> HypothesisFinding:
        left, right = premise.left(case), premise.right(case)
        truth = compare(left, premise.relation, right)
        if truth is Truth.UNKNOWN and is_number(left) and is_number(right):
            truth = self._exactly(premise, free)
        said = f"{premise.statement}: {_short(left)} {premise.relation} {_short(right)}"
        return HypothesisFinding(truth, said, slack_ratio(premise.relation, left, right))

    def _exactly(self, sides: Hypothesis | Inequality, free: Free) -> Truth:
        """An inequality that balls cannot decide, in rational numbers where both sides are."""
        try:
            case = self.session.rational_case(free)
            left, right = sides.left(case), sides.right(case)
            return _truth(RELATIONS[sides.relation](left, right))
        except IrrationalError:
            return Truth.UNKNOWN

    def _structural(self, premise: Structural) -> tuple[Truth, str]:
        sample, text = self.session.sample, premise.statement
        data = sample.network
        match premise.predicate:
            case "has_network":
                return _truth(data is not None), text
            case "has_learning_rate":
                return _truth(sample.learning_rate is not None), text
            case "has_power":
                return _truth(sample.parameters.get("k") is not None), text
            case "has_function":
                return _truth(sample.parameters.get("f") is not None), text
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
        network = self.session.sample.network
        assert network is not None
        if network.width > MAX_WIDTH and minimum.truth is Truth.UNKNOWN:
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

        finding = decide_over_interval(room, ">=", (-delta, delta), Finding())
        return finding.truth, text

    # Conclusions.

    def _conclusion(self, values: list[Free]) -> Finding:
        conclusion = self.claim.conclusion
        assert not isinstance(conclusion, ReadOff)  # it has no rows of its own
        if isinstance(conclusion, Stated):
            parts: tuple[Part, ...] = conclusion.checks
        else:
            parts = conclusion if isinstance(conclusion, tuple) else (conclusion,)
        found = []
        for number, part in enumerate(parts, start=1):
            finding = self._part(part, values)
            if len(parts) > 1 and finding.left is not None:
                finding = replace(finding, where={**finding.where, "part": str(number)})
            found.append(finding)
            if finding.truth is Truth.FALSE:
                break
        if isinstance(conclusion, Stated):
            return self._stated(found)
        return merged(found)

    def _stated(self, checks: list[Finding]) -> Finding:
        """A conclusion that its checks can contradict and only a proof can confirm."""
        finding = replace(merged(checks), trivial=False, slack=None)
        if finding.truth is Truth.FALSE:
            return finding
        if self.claim.id in self.session.proved and all(_shows_numbers(check) for check in checks):
            return replace(finding, truth=Truth.TRUE, reason=None)
        reason = finding.reason or "equality: its checks hold"
        return replace(finding, truth=Truth.UNKNOWN, reason=reason)

    def _part(self, part: Part, values: list[Free]) -> Finding:
        decide = self._identity if isinstance(part, Identity) else self._inequality
        found = []
        for free in values:
            finding = decide(part, free)  # type: ignore[arg-type]
            found.append(finding)
            if finding.truth is Truth.FALSE:
                break
        return merged(found)

    def _inequality(self, conclusion: Inequality, free: Free) -> Finding:
        case = self._case(free)
        span = self.claim.range.y
        if span is None:
            return self._at_point(conclusion, free, None)
        restricted = self.instance.parameters.get("y")
        if restricted is not None:
            y = ball(restricted)
            if not self._is_in_range(y, span, case):
                return Finding()
            self.found_place = True
            return self._at_point(conclusion, free, y, restricted)
        if isinstance(span, Places):
            return merged([self._at_point(conclusion, free, place(case)) for place in span.sides])
        ends = self._window(span, case)
        if not (is_number(ends[0]) and is_number(ends[1])):
            return Finding().undecided(NO_NUMBER, None, None, free.named())
        if _is_trivial(conclusion, self._case(free, ends[0].union(ends[1]))):
            return Finding()

        def sides(y: arb) -> tuple[arb, arb]:
            at = self._case(free, y)
            return conclusion.left(at), conclusion.right(at)

        finding = Finding(trivial=False)
        finding = decide_over_interval(sides, conclusion.relation, ends, finding, free.named())
        if finding.truth is Truth.TRUE and not isinstance(span, Interval):
            return self._unbounded(finding)
        return finding

    def _unbounded(self, finding: Finding) -> Finding:
        """What holds in a window of an unbounded range holds on it only if the claim is proved."""
        if self.claim.id in self.session.proved:
            return finding
        return replace(finding, truth=Truth.UNKNOWN, reason=IN_WINDOW)

    def _is_in_range(self, y: arb, span: Span, case: Case[Any]) -> bool:
        """Whether a point that an instance asks for certainly is one that the claim is about."""
        match span:
            case Places():
                places = [place(case) for place in span.sides]
                return any(is_number(place) and place.overlaps(y) for place in places)
            case RealLine():
                return True
            case Ray():
                start = span.start(case)
                above = compare(y, ">=", start) if span.direction > 0 else compare(y, "<=", start)
                return above is Truth.TRUE
            case Interval():
                low, high = span.lower(case), span.upper(case)
                return every((compare(y, ">=", low), compare(y, "<=", high))) is Truth.TRUE

    def _window(self, span: Interval | RealLine | Ray, case: Case[Any]) -> tuple[arb, arb]:
        """Ends of the interval that is decided: all of it if it is bounded, else a part of it."""
        if isinstance(span, Interval):
            return span.lower(case), span.upper(case)
        reach = WINDOW * case.sigma
        if isinstance(span, RealLine):
            return case.mu * case.x(1) - reach, case.mu * case.x(case.n) + reach
        start = span.start(case)
        return (start, start + reach) if span.direction > 0 else (start - reach, start)

    def _at_point(
        self, conclusion: Inequality, free: Free, y: arb | None, exact: Fraction | None = None
    ) -> Finding:
        if y is not None and not is_number(y):
            return Finding().undecided(NO_NUMBER, None, None, free.named())
        case = self._case(free, y)
        left, right = conclusion.left(case), conclusion.right(case)
        truth = compare(left, conclusion.relation, right)
        numbers = is_number(left) and is_number(right)
        if truth is Truth.UNKNOWN and numbers and conclusion.margin is not None:
            margin = conclusion.margin(case)
            if margin_decides(left, conclusion.relation, right, margin):
                truth = Truth.TRUE
        if truth is Truth.UNKNOWN and numbers and y is None:
            truth = self._exactly(conclusion, free)
        where = free.named()
        if y is not None:
            where["y"] = _exact_text(y) if exact is None else spell(exact)
        finding = Finding(evaluations=1)
        if truth is Truth.FALSE:
            ratio = slack_ratio(conclusion.relation, left, right)
            return finding.failed(left, right, where, ratio)
        if truth is Truth.UNKNOWN:
            digits = agreeing_digits(left, right)
            reason = "equality" if digits > EQUALITY_DIGITS else "budget"
            said = f"{reason}: the two sides agree to {digits} digits"
            return finding.undecided(said, left, right, where)
        if conclusion.nonnegative_left and compare(right, "<=", arb(0)) is Truth.TRUE:
            return finding
        return replace(finding, trivial=False).tightest(conclusion.relation, left, right, where)

    def _identity(self, identity: Identity, free: Free) -> Finding:
        """The entry that differs most, if one certainly does, or the one that agrees least."""
        worst, gap, unbounded = Finding(trivial=False), arb(0), False
        for y, spelled in self._identity_points(free):
            if y is not None and not is_number(y):
                unbounded = True
                continue
            case = self._case(free, y)
            left_side: Any = np.asarray(identity.left(case), dtype=object)
            right_side: Any = np.asarray(identity.right(case), dtype=object)
            if left_side.shape != right_side.shape:
                raise ValueError(
                    f"{self.claim.id}: sides of shapes {left_side.shape} and {right_side.shape}"
                )
            for place in np.ndindex(left_side.shape):
                left, right = left_side[place], right_side[place]
                where = free.named() | ({} if spelled is None else {"y": spelled})
                if place:
                    where["entry"] = ",".join(str(part + 1) for part in place)
                worst = replace(worst, evaluations=worst.evaluations + 1)
                unbounded = unbounded or not (is_number(left) and is_number(right))
                if differ(left, right) is Truth.TRUE:
                    size = arb(abs(left - right).lower())
                    if worst.truth is not Truth.FALSE or certainly_below(gap, size):
                        worst, gap = worst.failed(left, right, where), size
                elif worst.truth is not Truth.FALSE:
                    digits = agreeing_digits(left, right)
                    if worst.agreed is None or digits < worst.agreed:
                        worst = replace(worst, left=left, right=right, where=where, agreed=digits)
        if worst.truth is Truth.FALSE:
            return worst
        if unbounded:  # a side that is no number could hide a difference
            return replace(worst, truth=Truth.UNKNOWN, reason=NO_NUMBER)
        if self.claim.id in self.session.proved:
            return worst
        reason = f"equality: the two sides agree to {worst.agreed or 0} digits"
        return replace(worst, truth=Truth.UNKNOWN, reason=reason)

    def _identity_points(self, free: Free) -> list[tuple[arb | None, str | None]]:
        """Where an identity in y is compared, and how the points are spelled."""
        span, case = self.claim.range.y, self._case(free)
        restricted = self.instance.parameters.get("y")
        if span is None:
            return [(None, None)]
        if restricted is not None:
            self.found_place = self._is_in_range(ball(restricted), span, case)
            return [(ball(restricted), spell(restricted))] if self.found_place else []
        if isinstance(span, RealLine):
            return [(ball(y), spell(y)) for y in points_of(self.session.sample)]
        if isinstance(span, Places):
            places = [side(case) for side in span.sides]
            return [(y, _exact_text(y) if is_number(y) else None) for y in places]
        low, high = self._window(span, case)
        if not (is_number(low) and is_number(high)):
            return [(low, None), (high, None)]
        inside = (exact_between(low, high, Fraction(part, 8)) for part in (1, 4, 6))
        return [(ball(y), spell(y)) for y in inside if y is not None]

    def _case(self, free: Free, y: arb | None = None) -> Case[Any]:
        values = self.session.values(self.level, at_minimum=self.claim.subject == "minimum")
        case: Case[Any] = values.case(free.i, y, free.k, free.l)
        return case

    def _free_values(self) -> list[Free]:
        """Values of the indices; those that an instance asks for, if it does."""
        if self.claim.range.index == "none":
            return [NO_FREE]
        n, given = self.instance.size, self.instance.parameters
        network = self.session.sample.network
        neurons = range(1, network.width + 1) if network is not None else range(0)
        points = range(1, n + 1)
        match self.claim.range.index:
            case "points":
                found = [Free(i) for i in points]
            case "gaps":
                found = [Free(i) for i in range(1, n)]
            case "pairs":
                found = [Free(i, k) for i in points for k in range(i + 1, n + 1)]
            case "others":
                found = [Free(i, k) for i in points for k in points if k != i]
            case "neurons":
                found = [Free(l=neuron) for neuron in neurons]
            case "neurons and points":
                found = [Free(i, l=neuron) for neuron in neurons for i in points]
        wanted = {name: given[key] for name, key in INDEX_KEYS.items() if key in given}
        return [
            free
            for free in found
            if all(getattr(free, name) in {0, value} for name, value in wanted.items())
        ]

    # Rows.

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
            hypothesis_slack=self._hypothesis_slack(),
            **fields,
        )

    def _hypothesis_slack(self) -> tuple[str | None, ...]:
        if not any(self.room):
            return ()
        missing = len(self.claim.assumptions) - len(self.room)
        return (*self.room, *(None for _ in range(missing)))


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


def _exact_text(y: arb) -> str:
    return spell(exact_fraction(y.mid()))


def _shows_numbers(check: Finding) -> bool:
    """Whether what a check compared last were numbers: others could hide that it fails."""
    return all(side is None or is_number(side) for side in (check.left, check.right))


def _is_trivial(conclusion: Inequality, case: Case[Any]) -> bool:
    if not conclusion.nonnegative_left:
        return False
    return compare(conclusion.right(case), "<=", arb(0)) is Truth.TRUE


def _linear_stability(facts: Facts, reading: str) -> tuple[Truth, str]:
    """D-stable, decided by second moments.

    With `H` the stochastic pointwise Hessian: `2 E[H] - m eta E[H^2]` positive definite makes
    `E |(I - m eta H) v|^2 < |v|^2`, so second moments contract and some ball is kept: TRUE. An
    eigenvalue of `E[H]` with `|1 - m eta lambda| > 1` lets the mean run away: FALSE. Between the
    two second moments may contract in another norm, which `contraction` looks for: TRUE as well.
    """
    rate = facts.network.width * facts.learning_rate
    batch = replace(facts.batch, reduction="mean" if reading == "mean" else "sum")
    hessian = batch_hessian(SYSTEM, facts.sample, facts.network, batch)
    mean = hessian.mean
    if is_positive_definite(2 * mean - rate * hessian.square) is Truth.TRUE:
        return Truth.TRUE, "second moments contract"
    top = rate * largest_eigenvalue(mean)
    if compare(top, ">", arb(2)) is Truth.TRUE:
        return Truth.FALSE, f"m eta lambda_max(E[H]) = {_short(top)} > 2"
    bottom = -largest_eigenvalue(-mean)
    if compare(bottom, "<", arb(0)) is Truth.TRUE:
        return Truth.FALSE, f"lambda_min(E[H]) = {_short(bottom)} < 0"
    said = f"m eta lambda_max(E[H]) = {_short(top)}"
    if len(mean) > MAX_SIZE:
        return Truth.UNKNOWN, f"wider than {MAX_SIZE // 2} neurons, {said}"
    radius = contraction(hessian, rate)
    if radius is not None:
        return Truth.TRUE, f"second moments contract in some norm, {said}"
    return Truth.UNKNOWN, f"second moments not shown to contract, {said}"


def _is_about_identities(claim: Claim) -> bool:
    conclusion = claim.conclusion
    if isinstance(conclusion, tuple):
        return all(isinstance(part, Identity) for part in conclusion)
    return isinstance(conclusion, Identity | Stated)


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

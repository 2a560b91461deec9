"""What a claim is, and what can be answered about it.

A claim is data: who says it, what it assumes, what it concludes, and references to the formulas of
both sides. It contains no arithmetic. Deciding is the work of `certify`; the two vocabularies of
answers, at one instance and over all of them, are kept apart here so that they cannot be confused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Side = Callable[..., Any]
"""A formula of one side of a claim: `side(case)`, generic in the number system of the case."""

Relation = Literal[">=", "<=", ">", "<"]
Answer = Literal["TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE"]
Verdict = Literal["PROVED", "REFUTED", "HOLDS", "VACUOUS", "UNDECIDED"]
Reason = Literal["budget", "equality", "no_witness", "limit", "empirical_only"]
Kind = Literal["claim", "step"]
Form = Literal["printed", "repaired", "sharpened"]
Severity = Literal["statement", "constant", "step only", "null set", "typographical"]
Index = Literal["none", "points", "gaps", "pairs", "others", "neurons", "neurons and points"]
Subject = Literal["sample", "network", "minimum", "function", "curve"]
InstanceKind = Literal["sample", "curve"]
Predicate = Literal[
    "has_network",
    "has_learning_rate",
    "has_power",
    "has_function",
    "inner_weights_are_signs",
    "outer_weights_within_bound",
    "outer_weights_inside_bound",
    "is_local_minimum",
    "is_linearly_stable",
    "function_slope_bounded_below",
]


@dataclass(frozen=True)
class Source:
    """Where a claim stands: its name in the source, the page, and the version of the text."""

    statement: str
    page: int
    version: str = "arXiv 2502.03435v1"


@dataclass(frozen=True)
class Hypothesis:
    """An inequality that an instance must satisfy for the claim to speak about it."""

    statement: str
    left: Side
    relation: Relation
    right: Side


@dataclass(frozen=True)
class Structural:
    """A hypothesis about what an instance is, decided by the engine rather than by two sides."""

    statement: str
    predicate: Predicate


Premise = Hypothesis | Structural


@dataclass(frozen=True)
class Interval:
    """All `y` of a closed interval, whose ends may depend on the index `i`."""

    lower: Side
    upper: Side


@dataclass(frozen=True)
class RealLine:
    """All real `y`."""


@dataclass(frozen=True)
class Places:
    """`y` in a finite set."""

    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Ray:
    """All `y` from a start on: upwards (`direction` 1) or downwards (-1)."""

    start: Side
    direction: Literal[1, -1]


@dataclass(frozen=True)
class Range:
    """The free variables of a conclusion: indices, a point, both or none.

    `points` means `i = 1..n`, `gaps` `i = 1..n-1`, `pairs` `1 <= i < k <= n`, `others` all `i` and
    `k` that differ, `neurons` `l = 1..m` (kinks in ascending order), `neurons and points` all `l`
    and `i`. `where` restricts them: values at which one of its inequalities fails are left out.

    An unbounded range (`RealLine`, `Ray`) is looked at in a window around the data: a FALSE there
    is one, but TRUE needs a proof on the whole range (`Claim.derivation`).
    """

    index: Index = "none"
    y: Interval | RealLine | Ray | Places | None = None
    where: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True)
class Inequality:
    """`left relation right` for every value of the free variables.

    `nonnegative_left` says that the left side is non-negative by definition, so that a right side
    certified `<= 0` makes the inequality trivial. `margin`, where the sides can touch, is `left -
    right` (`right - left` for `<=`), or a lower bound of it, without cancellation: certified
    non-negative, or positive where the relation is strict, it decides what two balls cannot. One
    that certainly is above that difference decides nothing.
    """

    left: Side
    relation: Relation
    right: Side
    nonnegative_left: bool = False
    margin: Side | None = None


@dataclass(frozen=True)
class Identity:
    """`left = right`, entry by entry where the sides are arrays."""

    left: Side
    right: Side


@dataclass(frozen=True)
class Stated:
    """A conclusion that is no single relation between two numbers.

    Its proof is a derivation. `checks` are inequalities that follow from it and can contradict it
    at an instance; their holding proves nothing.
    """

    kind: Literal["minimiser", "monotonicity", "regularity", "uniqueness", "limit", "equivalence"]
    checks: tuple[Inequality | Identity, ...] = ()


@dataclass(frozen=True)
class ReadOff:
    """An informal statement whose verdict is another claim's."""

    claim: str


Part = Inequality | Identity
Conclusion = Part | tuple[Part, ...] | Stated | ReadOff


@dataclass(frozen=True)
class Claim:
    """One printed or repaired statement.

    Attributes:
        id: permanent, from the list of claims; readings carry a suffix (`eq08@sum`).
        statement: as printed, in plain text.
        subject: what the statement is about, which decides the instances it is tried on.
        hypotheses: beyond the setting, which is a hypothesis of every claim.
        serves: of a step, the claim whose proof it belongs to.
        leans_on: ids of the steps and claims that its printed proof uses.
        derivation: module of `derivations/` that proves it, if one does.
        reading: name of the reading where the printed words are ambiguous.
        literal: whether this reading is the printed one.
        severity: what kind of failure it is, should it fail.
        repairs: id of the printed form that this one replaces.
        sharpens: id of the printed form that this one improves on, though that one stands.
        change: of a repaired or sharpened form, what was changed and why, in one sentence.
        undecidable: why no evaluation at an instance can decide it, for the few where none can.
        remark: a convention of this project on which the verdict depends.
        parameters: what an instance must give beyond its sample, by name (`k`, `A`, ..).
        enclosed_by: how a side is enclosed that no formula gives: an eigenvalue, an integral.
    """

    id: str
    source: Source
    statement: str
    conclusion: Conclusion
    subject: Subject = "sample"
    hypotheses: tuple[Premise, ...] = ()
    range: Range = field(default_factory=Range)
    kind: Kind = "claim"
    form: Form = "printed"
    reading: str | None = None
    literal: bool = True
    serves: str | None = None
    leans_on: tuple[str, ...] = ()
    derivation: str | None = None
    severity: Severity | None = None
    repairs: str | None = None
    sharpens: str | None = None
    change: str = ""
    undecidable: str = ""
    remark: str = ""
    parameters: tuple[str, ...] = ()
    enclosed_by: str = ""

    @property
    def instance_kind(self) -> InstanceKind:
        """What an instance must be for this claim to be tried on it."""
        return "curve" if self.subject == "curve" else "sample"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Statements of the hypotheses, then of the conditions of the range, in their order."""
        return tuple(part.statement for part in (*self.hypotheses, *self.range.where))


@dataclass(frozen=True)
class Enclosure:
    """A closed interval with decimal ends, rounded outward."""

    lower: str
    upper: str


@dataclass(frozen=True)
class Row:
    """What was found about one claim at one instance.

    Attributes:
        answer: TRUE only if certified; NOT_APPLICABLE only if a hypothesis is certified false or
            the instance lacks what the claim is about, named in `failed_hypothesis`.
        lhs: enclosure of the left side where the slack is smallest (or the claim fails).
        slack: how much room the inequality has there, as a ratio (1 is equality, above 1 holds).
        trivial: the right side is certified to say nothing.
        where: free variables (`i`, `y`) of `lhs` and `rhs`, exact.
        reason: why the answer is UNKNOWN, or what an identity agrees to.
        bits: working precision that decided.
        evaluations: how often the two sides were evaluated.
        hypothesis_slack: room in each of the claim's `assumptions`, a ratio as `slack` is: 1 or
            more where it is certified, below 1 where it is certified false; None where it was not
            evaluated, is undecided or has no ratio. Of a condition of the range, at the index in
            `where`, or least over the indices that remain. Empty if it would be None throughout.
    """

    claim: str
    instance: str
    answer: Answer
    lhs: Enclosure | None = None
    rhs: Enclosure | None = None
    slack: str | None = None
    failed_hypothesis: str | None = None
    trivial: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    bits: int = 0
    evaluations: int = 0
    hypothesis_slack: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Slack:
    """Smallest and median slack over the applicable, non-trivial instances."""

    min: str
    median: str


@dataclass(frozen=True)
class ClaimOutcome:
    """The verdict on one claim over all instances tried.

    `tried = trivial + true + false + unknown + not_applicable`, and
    `applicable = tried - not_applicable`; `true` does not count trivial rows.
    """

    claim: Claim
    verdict: Verdict
    reason: str | None
    method: str
    tried: int
    applicable: int
    trivial: int
    true: int
    false: int
    unknown: int
    not_applicable: int
    slack: Slack | None
    witness: Mapping[str, Any] | None
    certificate: Mapping[str, Any] | None
    severity: Severity | None

"""What is known of a conclusion while it is being decided: truth, tightest place, slack.

A slack is a ratio: larger side over smaller, so that 1 is equality. Findings of several values of
the free variables, or of several parts of one conclusion, are merged here; FALSE wins over UNKNOWN,
UNKNOWN over TRUE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flint import arb

from dsmverify.exact import lower_decimal
from dsmverify.truth import Truth, certainly_below, compare


@dataclass
class Finding:
    """What is known of a conclusion so far.

    Attributes:
        truth: so far.
        left: left side where the slack is smallest, or where it fails.
        right: right side there.
        where: free variables there.
        trivial: every value of the free variables was trivial.
        reason: why it is UNKNOWN.
        evaluations: spent.
        slack: room at that place; None while both sides are not certainly positive.
        agreed: decimal digits to which the sides of an identity agree.
    """

    truth: Truth = Truth.TRUE
    left: arb | None = None
    right: arb | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    trivial: bool = True
    reason: str | None = None
    evaluations: int = 0
    slack: arb | None = None
    agreed: int | None = None

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

    def undecided(
        self, reason: str, left: arb | None, right: arb | None, where: Mapping[str, str]
    ) -> Finding:
        """The finding that a conclusion is UNKNOWN at one point."""
        return replace(
            self,
            truth=Truth.UNKNOWN,
            left=left,
            right=right,
            where=where,
            trivial=False,
            reason=reason,
        )

    def tightest(self, relation: str, left: arb, right: arb, where: Mapping[str, str]) -> Finding:
        """This finding, at the given place if its slack is certainly smaller there."""
        ratio = slack_ratio(relation, left, right)
        if ratio is None:
            if self.left is None:
                return replace(self, left=left, right=right, where=where)
            return self
        if self.slack is None or certainly_below(ratio, self.slack):
            return replace(self, left=left, right=right, where=where, slack=ratio)
        return self


def merged(parts: list[Finding]) -> Finding:
    """Findings of all parts of one conclusion, or of all values of its free variables, as one.

    Sides, place and slack are those of a part that is FALSE, or else UNKNOWN, or else tightest.
    """
    if not parts:
        return Finding()
    spent = sum(part.evaluations for part in parts)
    for truth in (Truth.FALSE, Truth.UNKNOWN):
        for part in parts:
            if part.truth is truth:
                return replace(part, evaluations=spent, trivial=False)
    best = parts[0]
    for part in parts[1:]:
        if best.left is None or (
            part.slack is not None
            and (best.slack is None or certainly_below(part.slack, best.slack))
        ):
            best = part
    trivial = all(part.trivial for part in parts)
    return replace(best, evaluations=spent, trivial=trivial)


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

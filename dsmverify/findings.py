"""What is known of a conclusion while it is being decided: truth, tightest place, slack.

A slack is a ratio: larger side over smaller, so that 1 is equality. Findings of several values of
the free variables, or of several parts of one conclusion, are merged here; FALSE wins over UNKNOWN,
UNKNOWN over TRUE. Hypotheses have a slack of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from flint import arb

from dsmverify.exact import lower_decimal
from dsmverify.truth import Truth, certainly_below, compare, is_positive

JUST_BELOW = "0.9999"
"""Slack of a hypothesis that is certified false where its ratio may be 1: below 1 it fails."""


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


class HypothesisFinding(NamedTuple):
    """What came out of one hypothesis, or of one condition on the indices.

    Attributes:
        truth: whether it holds.
        said: the statement with both sides, for a reader.
        ratio: its slack; None while both sides are not certainly positive, or it has none.
    """

    truth: Truth
    said: str
    ratio: arb | None = None


def room_text(tests: Sequence[HypothesisFinding]) -> str | None:
    """Least slack of one hypothesis at several values of the indices, of four digits, rounded down.

    None if it has no slack at one of them, or is undecided there: the least is then not known. A
    slack of 1 or more is that of a hypothesis certified true, one below 1 of one certified false.
    """
    least: HypothesisFinding | None = None
    for test in tests:
        if test.ratio is None or test.truth is Truth.UNKNOWN:
            return None
        if least is None or least.ratio is None or certainly_below(test.ratio, least.ratio):
            least = test
    if least is None or least.ratio is None or is_positive(least.ratio) is not Truth.TRUE:
        return None
    if least.truth is Truth.TRUE:
        return slack_text(Finding(Truth.TRUE, slack=least.ratio))
    fails = certainly_below(least.ratio, arb(1))
    return lower_decimal(least.ratio, 4) if fails else JUST_BELOW

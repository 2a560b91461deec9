"""Three-valued truth, and the only comparisons of balls.

Two overlapping balls decide nothing: every relation here answers UNKNOWN unless it is certain.
NaN and infinite radii are UNKNOWN too.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from flint import arb

from dsmverify.claims import Relation


class Truth(Enum):
    """TRUE and FALSE are certified; anything else is UNKNOWN."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"

    def __bool__(self) -> bool:
        """Refuse to be read as true or false by accident.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self} has three values: compare it with Truth.TRUE or Truth.FALSE")


def compare(left: arb, relation: Relation, right: arb) -> Truth:
    """Whether `left relation right`, for every number in the two balls."""
    if not (is_number(left) and is_number(right)):
        return Truth.UNKNOWN
    if relation in {"<=", "<"}:
        mirrored: Relation = ">=" if relation == "<=" else ">"
        return compare(right, mirrored, left)
    if relation == ">=":
        return _decide(bool(left >= right), bool(left < right))
    return _decide(bool(left > right), bool(left <= right))


def is_number(ball: arb) -> bool:
    """Whether a ball encloses real numbers at all: finite, not NaN."""
    return bool(ball.is_finite())


def is_positive(ball: arb) -> Truth:
    """Whether every number in the ball is positive."""
    return compare(ball, ">", arb(0))


def is_nonnegative(ball: arb) -> Truth:
    """Whether every number in the ball is at least 0."""
    return compare(ball, ">=", arb(0))


def margin_decides(left: arb, relation: Relation, right: arb, margin: arb) -> bool:
    """Whether a margin shows `left relation right` where the two balls overlap.

    It is a lower bound of the larger side less the smaller, by the word of the claim. One that
    certainly is above that difference is none and shows nothing; a strict relation needs a
    positive one.
    """
    room = left - right if relation in {">=", ">"} else right - left
    shown = is_positive(margin) if relation in {">", "<"} else is_nonnegative(margin)
    return shown is Truth.TRUE and not certainly_below(room, margin)


def differ(left: arb, right: arb) -> Truth:
    """TRUE if the balls are disjoint; never FALSE, since overlapping balls prove no equality."""
    if is_number(left) and is_number(right) and not left.overlaps(right):
        return Truth.TRUE
    return Truth.UNKNOWN


def sign(ball: arb) -> int:
    """+1 or -1 if certain, 0 if undecided (or exactly 0)."""
    if is_number(ball):
        if ball > 0:
            return 1
        if ball < 0:
            return -1
    return 0


def certainly_below(left: arb, right: arb) -> bool:
    """Whether `left < right` is certain; a convenience for control flow."""
    return compare(left, "<", right) is Truth.TRUE


def every(truths: Iterable[Truth]) -> Truth:
    """Conjunction: FALSE as soon as one is FALSE, TRUE only if all are."""
    result = Truth.TRUE
    for truth in truths:
        if truth is Truth.FALSE:
            return Truth.FALSE
        if truth is Truth.UNKNOWN:
            result = Truth.UNKNOWN
    return result


def agreeing_digits(left: arb, right: arb) -> int:
    """How many leading decimal digits the two enclosures show to agree; 0 if none.

    From `|left - right| <= 10^-d max(|left|, |right|)`; infinite agreement is cut at the precision.
    """
    difference = abs(left - right).upper()
    size = abs(left).upper().max(abs(right).upper())
    if not is_number(difference) or not is_number(size) or size == 0:
        return 0
    if difference == 0:
        return 999
    ratio = (size / difference).log() / arb(10).log()
    return max(0, int(float(ratio.lower())))


def _decide(is_true: bool, is_false: bool) -> Truth:
    return Truth.TRUE if is_true else Truth.FALSE if is_false else Truth.UNKNOWN

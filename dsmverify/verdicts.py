"""From the answers at instances to the verdict on a claim.

The only place that turns rows into verdicts. Two principles: what is malformed or contradicts
itself never counts as a pass (`sound_row` makes it UNKNOWN and says why), and UNKNOWN and
NOT_APPLICABLE are counted beside the passes, never among them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from dsmverify import content
from dsmverify.claims import (
    Answer,
    Claim,
    ClaimOutcome,
    Enclosure,
    Identity,
    Inequality,
    Part,
    Reason,
    Row,
    Severity,
    Slack,
    Verdict,
)

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)
_EXACT = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+|/[0-9]+)?", re.ASCII)
_ANSWERS: tuple[str, ...] = get_args(Answer)
_REASONS: tuple[str, ...] = get_args(Reason)
_SHOWN_REASONS = 3

SEVERITIES: tuple[str, ...] = get_args(Severity)
"""From what changes the theorem to what changes a letter."""

CONTRADICTION = "CONTRADICTION"
"""How the reason of an outcome begins where a proof and an evaluation disagree."""

_INDICES = ("i", "j", "l")


@dataclass(frozen=True)
class Expected:
    """The verdict recorded for a claim, and why it is the right one."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Mismatch:
    """A verdict, or an answer, that is not what was recorded.

    Attributes:
        claim: id of the claim.
        expected: recorded verdict, or "none recorded".
        found: verdict found, or the contradicting answer and its instance.
        reason: why the recorded verdict was recorded.
    """

    claim: str
    expected: str
    found: str
    reason: str


def decimal_value(text: object) -> Decimal | None:
    """Exact value of a finite decimal such as `1.3e+45`; None for anything else (`nan`, `inf`).

    Result: exact.
    """
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of more than eighteen digits
        return None


def sound_row(row: Row, claim: Claim | None = None) -> Row:
    """The row itself, or the same row as UNKNOWN where it cannot be what it says it is.

    Malformed: an answer that is none of the four, a side or a slack that is no finite decimal, an
    enclosure whose lower end is above its upper end. Contradictory: a conclusion decided although
    a hypothesis failed, a FALSE that is trivial, and sides that say the opposite of the answer.

    Args:
        row: what was found at one instance.
        claim: its claim, whose relation the sides are compared with; None skips that comparison.
    """
    fault = _fault(row, claim)
    if fault is None:
        return row
    return replace(row, answer="UNKNOWN", trivial=False, slack=None, reason=f"malformed: {fault}")


def decide_verdict(
    claim: Claim,
    rows: Sequence[Row],
    proof: bool | None = None,
    instances: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    vacuous: bool = False,
    method: str | None = None,
    certificate: Mapping[str, Any] | None = None,
) -> ClaimOutcome:
    """Verdict on a claim from its rows, as the table of verdicts has it.

    REFUTED if any applicable instance is FALSE, whatever else is known; PROVED if there is a proof
    and one instance that meets the hypotheses; VACUOUS if that was certified and no instance
    contradicts it; HOLDS if at least one instance is TRUE and not trivial and none is UNKNOWN;
    UNDECIDED otherwise, with the reason.

    Args:
        claim: the claim.
        rows: its rows, one per instance tried, in any order; they are read through `sound_row`.
        proof: True if the claim is proved on its whole domain; False if a proof was tried and
            failed; None if there is none.
        instances: instance files by name, at least of every instance that can be a witness.
        vacuous: certified that no point of the domain meets the hypotheses.
        method: how the claim was decided; a plain description is made up when it is None.
        certificate: what an independent checker needs beside the witness.

    Raises:
        ValueError: a row belongs to another claim, or the instance of a witness is not in
            `instances`.
    """
    for row in rows:
        if row.claim != claim.id:
            raise ValueError(f"rows: a row of {row.claim!r} among the rows of {claim.id!r}")
    sound = [sound_row(row, claim) for row in rows]
    counts = tally(sound)
    false = [row for row in sound if row.answer == "FALSE"]
    known = instances or {}
    verdict: Verdict
    witness: Row | None = None
    reason: str | None = None
    if claim.undecidable:
        kind = claim.undecidable.partition(":")[0]
        verdict = "UNDECIDED"
        reason = claim.undecidable if kind in _REASONS else f"limit: {claim.undecidable}"
    elif false:
        verdict, witness = "REFUTED", _simplest(false, known)
        if proof:
            reason = _contradiction("a proof is claimed", false)
        elif vacuous:
            reason = _contradiction("no instance should be applicable", false)
    elif proof:
        witness = _simplest(_meeting_hypotheses(sound), known)
        verdict = "PROVED" if witness is not None else "UNDECIDED"
        reason = None if witness is not None else "no_witness"
    elif vacuous:
        met = _meeting_hypotheses(sound)
        verdict = "UNDECIDED" if met else "VACUOUS"
        reason = _contradiction("no instance should be applicable", met) if met else None
    elif counts["true"] and not counts["unknown"]:
        verdict = "HOLDS"
    else:
        verdict = "UNDECIDED"
        reason = _why_unknown(sound) if counts["unknown"] else "no_witness"
    if proof is False and verdict != "REFUTED":
        reason = "; ".join(part for part in (reason, "its derivation failed") if part)
    return ClaimOutcome(
        claim=claim,
        verdict=verdict,
        reason=reason,
        method=method if method is not None else _describe_method(claim, verdict),
        slack=smallest_and_median_slack(sound),
        witness=None if witness is None else witness_file(witness, known),
        certificate=_certificate(witness, certificate),
        severity=claim.severity if verdict == "REFUTED" else None,
        **counts,
    )


def read_off(
    claim: Claim, outcome: ClaimOutcome, rows: Iterable[Row]
) -> tuple[ClaimOutcome, tuple[Row, ...]]:
    """Outcome and rows of an informal claim whose verdict is another claim's.

    Args:
        claim: the informal claim.
        outcome: outcome of the claim that it is read off.
        rows: rows of that claim.
    """
    # The slacks are those of the other claim's hypotheses.
    own = tuple(replace(row, claim=claim.id, hypothesis_slack=()) for row in rows)
    method = f"read off {outcome.claim.id} ({outcome.method})"
    severity = (claim.severity or outcome.severity) if outcome.verdict == "REFUTED" else None
    return replace(outcome, claim=claim, method=method, severity=severity), own


def by_severity(outcomes: Iterable[ClaimOutcome]) -> list[ClaimOutcome]:
    """Refuted outcomes, the gravest first, claims before steps, then by id."""

    def rank(outcome: ClaimOutcome) -> tuple[int, bool, str]:
        grade = outcome.severity or SEVERITIES[-1]
        return (SEVERITIES.index(grade), outcome.claim.kind == "step", outcome.claim.id)

    refuted = (entry for entry in outcomes if entry.verdict == "REFUTED")
    return sorted(refuted, key=rank)


def tally(rows: Iterable[Row]) -> dict[str, int]:
    """Counts over the rows of one claim: `tried`, `applicable` and the five that add up to it."""
    counts = dict.fromkeys(
        ("tried", "applicable", "trivial", "true", "false", "unknown", "not_applicable"), 0
    )
    for row in rows:
        trivial = row.answer == "TRUE" and row.trivial
        counts["trivial" if trivial else row.answer.lower()] += 1
        counts["tried"] += 1
        counts["applicable"] += row.answer != "NOT_APPLICABLE"
    return counts


def smallest_and_median_slack(rows: Iterable[Row]) -> Slack | None:
    """Smallest and median slack over the decided, non-trivial rows; None if none has a slack.

    The median of an even number of slacks is the lower of the two middle ones, so that it is a
    slack that some instance has. Result: exact, the spelling is that of the row.
    """
    values = []
    for row in rows:
        value = decimal_value(row.slack)
        if value is not None and row.answer in {"TRUE", "FALSE"} and not row.trivial:
            values.append((value, str(row.slack)))
    if not values:
        return None
    values.sort()
    return Slack(min=values[0][1], median=values[(len(values) - 1) // 2][1])


def find_mismatches(
    outcomes: Iterable[ClaimOutcome],
    rows: Iterable[Row],
    expected: Mapping[str, Expected],
    *,
    battery: bool,
) -> tuple[Mismatch, ...]:
    """What differs from the record, sorted by claim.

    On the battery: every verdict that is not the recorded one. On a user's own data, where fewer
    instances are tried: every claim that is FALSE at an instance although PROVED or HOLDS is
    recorded. On both: a proof and an evaluation that contradict each other, whatever is recorded.
    """
    found = []
    listed = list(outcomes)
    for outcome in listed:
        record = expected.get(outcome.claim.id)
        if not battery:
            continue
        if record is None:
            found.append(Mismatch(outcome.claim.id, "none recorded", outcome.verdict, ""))
        elif record.verdict != outcome.verdict:
            found.append(Mismatch(outcome.claim.id, record.verdict, outcome.verdict, record.reason))
    if not battery:
        for row in rows:
            record = expected.get(row.claim)
            if row.answer == "FALSE" and record and record.verdict in {"PROVED", "HOLDS"}:
                answer = f"FALSE at {row.instance}"
                found.append(Mismatch(row.claim, record.verdict, answer, record.reason))
    known = {mismatch.claim for mismatch in found}
    for outcome in listed:
        if (outcome.reason or "").startswith(CONTRADICTION) and outcome.claim.id not in known:
            record = expected.get(outcome.claim.id)
            verdict = record.verdict if record is not None else "none recorded"
            answer = f"{outcome.verdict}, with a contradiction"
            found.append(Mismatch(outcome.claim.id, verdict, answer, outcome.reason or ""))
    return tuple(sorted(found, key=lambda mismatch: (mismatch.claim, mismatch.found)))


def witness_file(row: Row, instances: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Instance file of a row, with the row's free variables among its parameters.

    Args:
        row: the row.
        instances: instance files by name.

    Raises:
        ValueError: the row's instance is not among them.
    """
    if row.instance not in instances:
        raise ValueError(f"instances: the instance {row.instance!r} of a witness is missing")
    document = dict(instances[row.instance])
    free: dict[str, str | int] = {
        name: int(value) if name in _INDICES and value.isdecimal() else value
        for name, value in sorted(row.where.items())
        if name in {*_INDICES, "y"} and _EXACT.fullmatch(value) is not None
    }
    if free:
        document["parameters"] = {**document.get("parameters", {}), **free}
    return document


def _fault(row: Row, claim: Claim | None) -> str | None:
    if row.answer not in _ANSWERS:
        return f"answer {row.answer!r} is none of {', '.join(_ANSWERS)}"
    if row.answer not in {"TRUE", "FALSE"}:
        return None
    if row.failed_hypothesis is not None:
        return f"{row.answer} although a hypothesis failed"
    if row.answer == "FALSE" and row.trivial:
        return "FALSE although trivial"
    if row.slack is not None and decimal_value(row.slack) is None:
        return f"slack {row.slack!r} is no finite decimal"
    for name, side in (("lhs", row.lhs), ("rhs", row.rhs)):
        if side is None:
            continue
        lower, upper = decimal_value(side.lower), decimal_value(side.upper)
        if lower is None or upper is None:
            return f"{name} [{side.lower}, {side.upper}] is no pair of finite decimals"
        if lower > upper:
            return f"{name} [{side.lower}, {side.upper}] is empty"
    if claim is not None and row.lhs is not None and row.rhs is not None:
        said = _what_sides_say(_part_of(claim, row), row.lhs, row.rhs)
        if said is not None and said != row.answer:
            return f"{row.answer} although the sides say {said}"
    return None


def _part_of(claim: Claim, row: Row) -> Part | None:
    """The relation that the sides of a row belong to, None where it is not one of two sides."""
    conclusion = claim.conclusion
    if isinstance(conclusion, tuple):
        number = row.where.get("part", "1")
        known = number.isdecimal() and 1 <= int(number) <= len(conclusion)
        return conclusion[int(number) - 1] if known else None
    return conclusion if isinstance(conclusion, Inequality | Identity) else None


def _what_sides_say(conclusion: Part | None, lhs: Enclosure, rhs: Enclosure) -> str | None:
    # The ends are rounded outward, so what they decide is certain; what they leave open is not.
    left_low, left_high = Decimal(lhs.lower), Decimal(lhs.upper)
    right_low, right_high = Decimal(rhs.lower), Decimal(rhs.upper)
    if isinstance(conclusion, Inequality):
        if conclusion.relation in {">", "<"} and left_low == left_high == right_low == right_high:
            return "FALSE"
        if left_low > right_high:
            return "TRUE" if conclusion.relation in {">=", ">"} else "FALSE"
        if left_high < right_low:
            return "TRUE" if conclusion.relation in {"<=", "<"} else "FALSE"
    elif isinstance(conclusion, Identity) and (left_low > right_high or left_high < right_low):
        return "FALSE"
    return None


def _meeting_hypotheses(rows: Iterable[Row]) -> list[Row]:
    """Rows at which every hypothesis was certified: TRUE ones, else undecided ones with sides."""
    true = [row for row in rows if row.answer == "TRUE"]
    if true:
        return [row for row in true if not row.trivial] or true
    return [
        row
        for row in rows
        if row.answer == "UNKNOWN"
        and row.failed_hypothesis is None
        and row.lhs is not None
        and row.rhs is not None
        and not (row.reason or "").startswith("malformed")
    ]


def _simplest(rows: Iterable[Row], instances: Mapping[str, Mapping[str, Any]]) -> Row | None:
    """Row of the smallest instance; ties are broken by name, never by the order of the rows."""

    def size(row: Row) -> tuple[int, int, int, str, str]:
        document = instances.get(row.instance)
        where = json.dumps(dict(row.where), sort_keys=True)
        if document is None:  # last, and then an error that names it
            return (1, 0, 0, row.instance, where)
        text = json.dumps(document, sort_keys=True, default=str)
        return (0, len(document.get("x", ())), len(text), row.instance, where)

    return min(rows, key=size, default=None)


def _certificate(
    witness: Row | None, certificate: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    found: dict[str, Any] = dict(certificate or {})
    if witness is not None:
        found["witness"] = {
            "instance": witness.instance,
            "answer": witness.answer,
            "where": dict(witness.where),
            "lhs": _ends(witness.lhs),
            "rhs": _ends(witness.rhs),
            "slack": witness.slack,
            "bits": witness.bits,
        }
    return found or None


def _ends(enclosure: Enclosure | None) -> dict[str, str] | None:
    return None if enclosure is None else {"lower": enclosure.lower, "upper": enclosure.upper}


def _contradiction(expectation: str, rows: Sequence[Row]) -> str:
    names = sorted(row.instance for row in rows)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    answers = "/".join(sorted({row.answer for row in rows}))
    return (
        f"{CONTRADICTION}: {expectation}, but the answer is {answers} at {names[0]}{more}; "
        "either the proof or the evaluation is wrong"
    )


def _why_unknown(rows: Iterable[Row]) -> str:
    kinds = Counter(
        (row.reason or "budget").partition(":")[0].strip() or "budget"
        for row in rows
        if row.answer == "UNKNOWN"
    )
    ranked = sorted(kinds.items(), key=lambda item: (item[0] not in _REASONS, -item[1], item[0]))
    parts = [
        f"{kind} at {count} instance{'s' if count > 1 else ''}"
        for kind, count in ranked[:_SHOWN_REASONS]
    ]
    if len(ranked) > _SHOWN_REASONS:
        parts.append(f"{sum(count for _, count in ranked[_SHOWN_REASONS:])} more")
    return "; ".join(parts)


def _describe_method(claim: Claim, verdict: Verdict) -> str:
    if verdict == "PROVED":
        if claim.derivation is not None:
            trust = "SymPy trusted, re-checked with balls"
            if content.chosen() is not None:  # our own derivations are tied to our claims by tests
                trust += "; that it proves this claim is its author's word"
            return f"symbolic derivation {claim.derivation} ({trust})"
        return "balls over the whole domain"
    if verdict == "VACUOUS":
        return "balls: the hypotheses exclude each other"
    where = "an exact instance" if verdict == "REFUTED" else "every instance tried"
    detail = f" ({claim.enclosed_by})" if claim.enclosed_by else ""
    return f"balls at {where}{detail}"

"""`report.md`: the report for people."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Sequence

from dsmverify.claims import ClaimOutcome, Row
from dsmverify.report.json import render as render_json
from dsmverify.report.model import Input, Report
from dsmverify.report.text import markdown as escape
from dsmverify.report.text import plain, show_enclosure, show_number
from dsmverify.verdicts import by_severity

_SHOWN_ROWS = 3
_SHOWN_WITNESS = 4_000
_SHOWN_INPUTS = 100

HOW_TO_READ = """\
At one instance the answer is TRUE or FALSE only if interval arithmetic certifies it there, over \
the whole range of `i` and `y` that the statement speaks about; UNKNOWN if it does not decide; \
and NOT_APPLICABLE if a hypothesis is certified to fail. PROVED means: proved symbolically, or \
by intervals over the whole domain. REFUTED means: at one exact instance every hypothesis is \
certified and the conclusion certified false. HOLDS means: certified TRUE at every applicable \
instance tried, k of them; it is not a proof. VACUOUS means: certified that nothing meets the \
hypotheses. UNDECIDED is everything else. UNKNOWN, NOT_APPLICABLE and trivial instances (the \
right side says nothing there) are never counted as passes. The slack is the room that an \
inequality leaves: 1 is equality, 2 holds by a factor of 2, below 1 fails; the median is the \
lower one."""

_LIMITS = """\
The findings concern {} only. "Fails as printed" is not "the theorem \
is wrong": a constant, a range of indices or one step can fail and the result stand; the severity \
says which. SymPy's proofs are trusted (and re-checked with balls at random rational points), not \
certified."""


def render(report: Report, *, digest: str | None = None) -> str:
    """Text of `report.md`.

    Args:
        report: what to show.
        digest: SHA-256 of the `report.json` beside it; None works it out.
    """
    parts = [
        *_head(report),
        *_counts(report),
        *_mismatches(report),
        *_failed(report),
        *_undecided(report),
        *_all_claims(report),
        *_tables(report),
        "## How to read this",
        HOW_TO_READ,
        escape(limits(report)),
        *_statements(report),
        *_inputs(report),
        *_foot(report, digest),
    ]
    return "\n\n".join(parts) + "\n"


def limits(report: Report) -> str:
    """What the findings are about, and what they are not, in plain text."""
    if report.other_content is None:
        return _LIMITS.format("version 1 of the paper on arXiv")
    texts = sorted({outcome.claim.source.version for outcome in report.claims})
    return _LIMITS.format(" and ".join(f'"{text}"' for text in texts) or "no text")


def first_line(report: Report) -> str:
    """What was checked on what, and how many tied points were merged, in plain text."""
    claims = _number(len(report.claims), "claim")
    inputs = report.inputs
    if report.battery:
        subject = f"the bundled battery of {_number(len(inputs), 'instance')}"
    elif len(inputs) == 1:
        points = _number(inputs[0].size, "point") if inputs[0].size else "of a learning curve"
        subject = f"{inputs[0].name} ({points})"
    else:
        subject = _number(len(inputs), "instance")
    if not report.merged:
        return f"{claims} checked on {subject}; no points were merged"
    tied = [entry for entry in inputs if entry.merged]
    names = ", ".join(f"{entry.name} {entry.merged}" for entry in tied[:5])
    more = f" and {len(tied) - 5} more" if len(tied) > 5 else ""
    verb = "was" if report.merged == 1 else "were"
    merged = f"{_number(report.merged, 'tied point')} {verb} merged ({names}{more})"
    return f"{claims} checked on {subject}; {merged}"


def _head(report: Report) -> Iterable[str]:
    yield f"# {escape(first_line(report))}"
    made = sorted({entry.generated for entry in report.inputs if entry.generated})
    if made and not report.battery:
        count = sum(entry.generated is not None for entry in report.inputs)
        text = f"{_number(count, 'instance')} generated, not given: {'; '.join(made)}."
        yield escape(text)


def _counts(report: Report) -> Iterable[str]:
    yield "## Verdicts"
    counts = report.counts
    yield _table([[*counts], [str(count) for count in counts.values()]])
    answers = report.answers
    yield "Answers, one per claim and instance:"
    yield _table([[*answers], [str(count) for count in answers.values()]])


def _mismatches(report: Report) -> Iterable[str]:
    yield "## Against the record"
    rule = (
        "Every verdict is the recorded one."
        if report.battery
        else "No answer contradicts a recorded verdict."
    )
    if not report.mismatches:
        yield rule
        return
    yield _table(
        [
            ["claim", "recorded", "found", "why that was recorded"],
            *([m.claim, m.expected, m.found, m.reason] for m in report.mismatches),
        ]
    )


def _failed(report: Report) -> Iterable[str]:
    yield "## What failed"
    failed = by_severity(report.claims)
    if not failed:
        yield "Nothing: no claim is FALSE at an applicable instance."
    for outcome in failed:
        yield from _failure(report, outcome)


def _failure(report: Report, outcome: ClaimOutcome) -> Iterable[str]:
    claim = outcome.claim
    yield f"### {escape(claim.id)}"
    if outcome.reason:
        yield f"**{escape(outcome.reason)}**"
    severity = f" Severity: {escape(outcome.severity)}." if outcome.severity else ""
    yield (
        f"{escape(claim.statement.rstrip('.'))} "
        f"({escape(claim.source.statement)}, p. {claim.source.page})."
        f"{severity} FALSE at {outcome.false} of "
        f"{_number(outcome.applicable, 'applicable instance')}."
    )
    rows = [row for row in report.rows_of(claim.id) if row.answer == "FALSE"]
    first = (outcome.certificate or {}).get("witness", {}).get("instance")
    rows.sort(key=lambda row: row.instance != first)  # stable: the witness, then by name
    yield _table(
        [
            ["instance", "where", "left side", "right side", "slack"],
            *(_failure_row(row) for row in rows[:_SHOWN_ROWS]),
        ]
    )
    if len(rows) > _SHOWN_ROWS:
        yield f"The other {len(rows) - _SHOWN_ROWS} are in report.json."
    if outcome.witness is not None:
        text = json.dumps(dict(outcome.witness), sort_keys=True, default=str)
        if len(text) > _SHOWN_WITNESS:
            yield "The exact instance is long; report.json has it as the claim's `witness`."
        else:
            command = f"{report.check_command} witness.json --claims {shlex.quote(plain(claim.id))}"
            yield (
                "The exact instance; saved as witness.json it is checked again by "
                f"{_code(command)}:"
            )
            yield _block(text)


def _failure_row(row: Row) -> list[str]:
    where = ", ".join(f"{name} = {value}" for name, value in sorted(row.where.items()))
    sides = [show_enclosure(row.lhs), show_enclosure(row.rhs)]
    return [row.instance, where or "-", *sides, show_number(row.slack, 4)]


def _undecided(report: Report) -> Iterable[str]:
    undecided = [outcome for outcome in report.claims if outcome.verdict == "UNDECIDED"]
    if undecided:
        yield "## What is undecided"
        yield _table(
            [
                ["claim", "reason", "true", "unknown", "not applicable"],
                *(
                    [
                        outcome.claim.id,
                        outcome.reason or "-",
                        *map(str, (outcome.true, outcome.unknown, outcome.not_applicable)),
                    ]
                    for outcome in undecided
                ),
            ]
        )


def _all_claims(report: Report) -> Iterable[str]:
    yield "## All claims"
    head = ["claim", "kind", "verdict", "tried", "applicable", "trivial", "true", "false"]
    head += ["unknown", "not applicable", "slack min", "slack median"]
    yield _table([head, *(_claim_row(outcome) for outcome in report.claims)])


def _claim_row(outcome: ClaimOutcome) -> list[str]:
    claim, slack = outcome.claim, outcome.slack
    counts = (outcome.tried, outcome.applicable, outcome.trivial, outcome.true, outcome.false)
    return [
        claim.id,
        claim.kind if claim.form == "printed" else f"{claim.kind}, {claim.form}",
        outcome.verdict,
        *map(str, (*counts, outcome.unknown, outcome.not_applicable)),
        show_number(slack.min if slack else None, 4),
        show_number(slack.median if slack else None, 4),
    ]


def _tables(report: Report) -> Iterable[str]:
    for table in report.tables:
        yield f"## {escape(table.title)}"
        yield escape(table.note)
        yield _table([table.columns, *table.rows])


def _statements(report: Report) -> Iterable[str]:
    yield "## What the claims say"
    yield "\n".join(_statement(outcome) for outcome in report.claims)


def _statement(outcome: ClaimOutcome) -> str:
    claim = outcome.claim
    place = f"{claim.source.statement}, p. {claim.source.page}, {claim.source.version}"
    parts = [f"- **{escape(claim.id)}** ({escape(place)}): {escape(claim.statement)}"]
    if claim.serves:
        parts.append(f"A step of {escape(claim.serves)}.")
    if claim.repairs:
        parts.append(f"Repairs {escape(claim.repairs)}: {escape(claim.change)}")
    if claim.sharpens:
        parts.append(f"Sharpens {escape(claim.sharpens)}: {escape(claim.change)}")
    if claim.reading:
        which = "the printed one" if claim.literal else "a variant"
        parts.append(f"Reading: {escape(claim.reading)}, {which}.")
    if claim.remark:
        parts.append(f"Convention: {escape(claim.remark)}")
    method = f"Method: {outcome.method}"
    parts.append(escape(method if method.endswith(".") else f"{method}."))
    return " ".join(parts)


def _inputs(report: Report) -> Iterable[str]:
    yield "## Instances"
    shown = report.inputs[:_SHOWN_INPUTS]
    yield _table([["instance", "points", "merged", "notes"], *(_input_row(e) for e in shown)])
    if len(report.inputs) > len(shown):
        yield f"The other {len(report.inputs) - len(shown)} are in report.json."


def _input_row(entry: Input) -> list[str]:
    notes = [*entry.notes, *([f"generated: {entry.generated}"] if entry.generated else [])]
    return [entry.name, str(entry.size or "-"), str(entry.merged), "; ".join(notes) or "-"]


def _foot(report: Report, digest: str | None) -> Iterable[str]:
    yield "## Versions"
    yield ", ".join(f"{escape(name)} {escape(text)}" for name, text in report.versions.items())
    if digest is None:
        digest = hashlib.sha256(render_json(report).encode()).hexdigest()
    yield f"SHA-256 of the report.json that belongs to this page: `{digest}`"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Table of plain texts; the first row is its head."""
    lines = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _code(text: str) -> str:
    fence = _fence(text, 1)
    pad = " " if fence != "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _block(text: str) -> str:
    fence = _fence(text, 3)
    return f"{fence}json\n{text}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

"""What the page shows, worked out from a report: small typed records, no HTML but the drawings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsmverify.claims import ClaimOutcome, Row, Verdict
from dsmverify.report.html import claims, records
from dsmverify.report.html.claims import ClaimView
from dsmverify.report.html.drawing import (
    graph,
    learning_curves,
    rates,
    regime_map,
    samples,
    strip,
)
from dsmverify.report.markdown import HOW_TO_READ, first_line, limits
from dsmverify.report.model import Input, Report
from dsmverify.report.tables import Table
from dsmverify.report.text import plain, show_number
from dsmverify.verdicts import by_severity

_LONGEST_DOCUMENT = 2_000
_SHOWN_NAMES = 8
_MEANINGS: Mapping[Verdict, str] = {
    "PROVED": "on the whole stated domain",
    "REFUTED": "at an exact instance",
    "HOLDS": "where tried; no proof",
    "VACUOUS": "nothing meets the hypotheses",
    "UNDECIDED": "no pass",
}
_ANSWER_MEANINGS = {
    "TRUE": "certified",
    "FALSE": "certified",
    "UNKNOWN": "not decided; no pass",
    "NOT_APPLICABLE": "a hypothesis fails; no pass",
    "trivial": "the right side says nothing; no pass",
}
_FILES = (
    ("explorer.html", "the bound explorer"),
    ("report.json", "for programs"),
    ("report.md", "as text"),
    ("junit.xml", "for CI"),
)


@dataclass(frozen=True)
class Count:
    """A number of the first screen, with what it means in a few words."""

    name: str
    number: int
    meaning: str


@dataclass(frozen=True)
class MismatchView:
    """A verdict, or an answer, that is not the recorded one."""

    claim: str
    anchor: str | None
    expected: str
    found: str
    reason: str


@dataclass(frozen=True)
class Failure:
    """A refuted claim on the first screen."""

    id: str
    anchor: str
    kind: str
    statement: str
    source: str
    false: int
    applicable: int
    instance: str
    slack: str


@dataclass(frozen=True)
class Failures:
    """Refuted claims of one severity."""

    severity: str
    claims: tuple[Failure, ...]


@dataclass(frozen=True)
class Open:
    """A claim that is neither proved nor refuted, and why."""

    id: str
    anchor: str
    verdict: str
    words: str


@dataclass(frozen=True)
class InputView:
    """An instance that claims were checked on."""

    name: str
    size: int
    merged: int
    notes: str
    digest: str
    document: str


@dataclass(frozen=True)
class TableView:
    """A table beside the verdicts, for printing as it is."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Choice:
    """An option of a filter, and how many it leaves."""

    value: str
    number: int


@dataclass(frozen=True)
class CurvesView:
    """Learning curves at one setting, drawn and as numbers."""

    drawing: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Pictures:
    """The drawings; an empty tuple or None where the report has no numbers for one."""

    graph: Markup
    regimes: tuple[Markup, ...]
    samples: tuple[Markup, ...]
    strip: Markup
    rates: Markup | None
    curves: tuple[CurvesView, ...]
    regime_note: str
    sample_note: str
    curve_note: str


@dataclass(frozen=True)
class Page:
    """The page."""

    title: str
    subtitle: str
    subject: str
    paper: str
    verdicts: tuple[Count, ...]
    answers: tuple[Count, ...]
    rule: str
    mismatches: tuple[MismatchView, ...]
    failures: tuple[Failures, ...]
    open: tuple[Open, ...]
    how_to_read: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    has_explorer: bool
    claims: tuple[ClaimView, ...]
    is_old: bool
    groups: tuple[Choice, ...]
    pictures: Pictures
    tables: tuple[TableView, ...]
    answer_names: tuple[str, ...]
    island: Markup
    rows: int
    inputs: tuple[InputView, ...]
    versions: tuple[tuple[str, str], ...]
    digest: str


def page(report: Report, runs: Sequence[Mapping[str, str]] | None, digest: str) -> Page:
    """The view of a report.

    Args:
        report: what to show.
        runs: rows of `fig2.csv`, or None.
        digest: SHA-256 of the report's file.
    """
    views = claims.views(report)
    title, _, rest = first_line(report).partition("; ")
    groups = Counter(view.group for view in views)
    return Page(
        title=plain(title),
        subtitle=plain(rest),
        subject=_subject(report),
        paper=_paper(report),
        verdicts=tuple(
            Count(name, number, _MEANINGS[name]) for name, number in report.counts.items()
        ),
        answers=tuple(_answers(report)),
        rule=_rule(report),
        mismatches=tuple(_mismatches(report)),
        failures=_failures(report),
        open=tuple(_open(report)),
        how_to_read=tuple(text.replace("`", "") for text in (HOW_TO_READ, limits(report))),
        files=_FILES if report.other_content is None else _FILES[1:],
        has_explorer=report.other_content is None,
        claims=views,
        is_old=_is_old(report),
        groups=tuple(Choice(name, groups[name]) for name in dict.fromkeys(_by_page(report))),
        pictures=_pictures(report, runs),
        tables=tuple(_table(table) for table in report.tables),
        answer_names=records.ANSWERS,
        island=records.island(report),
        rows=len(report.rows),
        inputs=tuple(_input(entry) for entry in report.inputs),
        versions=tuple((plain(name), plain(text)) for name, text in report.versions.items()),
        digest=digest,
    )


def _subject(report: Report) -> str:
    """What was checked on what, beside the first line."""
    if report.battery:
        return "The battery brings its own samples, noise levels and networks."
    given = [entry.name for entry in report.inputs if entry.generated is None]
    made = sorted({entry.generated for entry in report.inputs if entry.generated})
    count = len(report.inputs) - len(given)
    names = ", ".join(given[:_SHOWN_NAMES])
    more = f" and {len(given) - _SHOWN_NAMES} more" if len(given) > _SHOWN_NAMES else ""
    words = f"Given: {names}{more}." if given else "No instance was given."
    if count:
        words += f" {count} more generated: {'; '.join(made)}."
    return plain(words)


def _paper(report: Report) -> str:
    """The text that most claims stand in."""
    versions = Counter(one.claim.source.version for one in report.claims)
    return plain(min(versions, key=lambda name: (-versions[name], name), default=""))


def _is_old(report: Report) -> bool:
    """Whether hypotheses and instances are not on record: a form from before 1.2."""
    hypotheses = any(outcome.claim.assumptions for outcome in report.claims)
    return not hypotheses and all(entry.sha256 is None for entry in report.inputs)


def _answers(report: Report) -> Iterable[Count]:
    for name in records.ANSWERS:
        yield Count(name, report.answers[name], _ANSWER_MEANINGS[name])


def _rule(report: Report) -> str:
    if report.battery:
        return "Every verdict is the recorded one."
    return "No answer contradicts a recorded verdict."


def _mismatches(report: Report) -> Iterable[MismatchView]:
    known = {outcome.claim.id for outcome in report.claims}
    for one in report.mismatches:
        target = claims.anchor(one.claim) if one.claim in known else None
        texts = (plain(one.expected), plain(one.found), plain(one.reason))
        yield MismatchView(plain(one.claim), target, *texts)


def _failures(report: Report) -> tuple[Failures, ...]:
    found: dict[str, list[Failure]] = {}
    for outcome in by_severity(report.claims):
        severity = outcome.severity or "not graded"
        found.setdefault(severity, []).append(_failure(outcome, report.rows_of(outcome.claim.id)))
    return tuple(Failures(severity, tuple(listed)) for severity, listed in found.items())


def _failure(outcome: ClaimOutcome, rows: Sequence[Row]) -> Failure:
    claim, certificate = outcome.claim, outcome.certificate or {}
    named = certificate.get("instance") or certificate.get("witness", {}).get("instance")
    failing = [row for row in rows if row.answer == "FALSE"]
    failing.sort(key=lambda row: row.instance != named)  # stable: the witness, then by name
    first = failing[0] if failing else None
    return Failure(
        id=plain(claim.id),
        anchor=claims.anchor(claim.id),
        kind=claim.kind,
        statement=claim.statement,
        source=plain(f"{claim.source.statement}, p. {claim.source.page}"),
        false=outcome.false,
        applicable=outcome.applicable,
        instance=plain(first.instance) if first else "",
        slack=show_number(first.slack if first else None, 4),
    )


def _open(report: Report) -> Iterable[Open]:
    """UNDECIDED claims with their reason, then what HOLDS without a proof, then what is vacuous."""
    order = ("UNDECIDED", "HOLDS", "VACUOUS")
    for verdict in order:
        for outcome in report.claims:
            if outcome.verdict != verdict:
                continue
            words = plain(outcome.reason or "")
            if verdict == "HOLDS":
                words = (
                    f"TRUE at all {outcome.true} instances that it says something about; no proof"
                )
            name = outcome.claim.id
            yield Open(plain(name), claims.anchor(name), verdict, words)


def _by_page(report: Report) -> list[str]:
    """Groups of sources in the order of the paper's pages."""
    sources = sorted((o.claim.source for o in report.claims), key=lambda s: (s.page, s.statement))
    return [plain(claims.group(source.statement)) for source in sources]


def _pictures(report: Report, runs: Sequence[Mapping[str, str]] | None) -> Pictures:
    found = report.pictures
    return Pictures(
        graph=graph.draw(report),
        regime_note=regime_map.NOTE,
        sample_note=samples.NOTE,
        regimes=tuple(regime_map.draw(picture, runs) for picture in found.regime_maps),
        samples=tuple(samples.draw(picture) for picture in found.samples),
        strip=strip.draw(report),
        rates=None if runs is None else rates.draw(runs, found.regime_maps),
        curves=tuple(
            CurvesView(learning_curves.draw(picture), *learning_curves.table(picture))
            for picture in found.curves
        ),
        curve_note=learning_curves.NOTE,
    )


def _table(table: Table) -> TableView:
    rows = tuple(tuple(plain(cell) for cell in row) for row in table.rows)
    columns = tuple(plain(column) for column in table.columns)
    return TableView(plain(table.title), plain(table.note), columns, rows)


def _input(entry: Input) -> InputView:
    notes = [*entry.notes, *([f"generated: {entry.generated}"] if entry.generated else [])]
    document = "" if entry.document is None else json.dumps(dict(entry.document), sort_keys=True)
    return InputView(
        name=plain(entry.name),
        size=entry.size,
        merged=entry.merged,
        notes=plain("; ".join(notes)),
        digest=plain(entry.sha256 or ""),
        document=document if len(document) <= _LONGEST_DOCUMENT else "",
    )

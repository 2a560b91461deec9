"""What the command line prints of reports, differences and values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsmverify.errors import show
from dsmverify.report.text import plain, show_number
from dsmverify.terminal import Column, echo, is_limited, print_table, say

if TYPE_CHECKING:
    from dsmverify.report import Report
    from dsmverify.report.changes import Difference, Kind

_JUDGED: tuple[Kind, ...] = ("verdict", "answer")
_SHOWN_CHANGES = 20
_LONGEST_CELL = 100
_MAIN_FILES = ("report.html", "report.md")
_STYLES = {
    # HOLDS is no proof: it does not look like one
    **{"PROVED": "green", "REFUTED": "red", "HOLDS": "cyan"},
    **{"VACUOUS": "yellow", "UNDECIDED": "yellow"},
}
_DIRECTIONS = {"worse": "red", "better": "green", "other": "yellow"}


def print_summary(report: Report, *, quiet: bool = False) -> None:
    """Print the verdicts as a table, all counts, and what differs from the record.

    Args:
        report: what was found.
        quiet: leaves out the table.
    """
    from dsmverify.report.markdown import first_line

    if not quiet:
        _print_verdicts(report)
        say("")
    say(first_line(report))
    say(", ".join(f"{count} {verdict}" for verdict, count in report.counts.items()), breaks=", ")
    counts = ", ".join(f"{count} {answer}" for answer, count in report.answers.items())
    say(f"answers: {counts}", breaks=", ")
    for mismatch in report.mismatches:
        text = f"{mismatch.claim}: {mismatch.found}, but recorded: {mismatch.expected}"
        say(text, "red")
    if not report.mismatches:
        say(
            "every verdict is the recorded one"
            if report.battery
            else "no answer contradicts a recorded verdict"
        )


def add_step_summary(report: Report) -> None:
    """Append to the file that GitHub Actions shows for a step, if the environment names one.

    The report is complete without it: what cannot be appended is a warning.
    """
    name = "GITHUB_STEP_SUMMARY"
    path = os.environ.get(name)
    if not path:
        return
    from dsmverify.report import github

    try:
        added = github.append(report, path)
    except OSError as error:
        reason = error.strerror or error
        echo(f"warning: {name}: {show(path)} cannot be written ({reason})", error=True)
        return
    if not added:
        echo(f"warning: {name}: {show(path)} has no room for a summary", error=True)


def print_files(paths: Sequence[Path], folder: Path) -> None:
    """Print what was written, in one line; the file to open comes first.

    Args:
        paths: all files.
        folder: named where none of the files is meant for reading.
    """
    by_name = {path.name: path for path in paths}
    first = next((by_name[name] for name in _MAIN_FILES if name in by_name), folder)
    others = ", ".join(sorted(path.name for path in paths if path != first))
    echo(plain(f"report: {first} (with {others})" if others else f"report: {first}"))


def print_difference(difference: Difference) -> None:
    """Print what changed between two reports: the first changes of each kind, and all counts."""
    from dsmverify.report.changes import KINDS

    if not difference.changes:
        say("nothing changed")
        return
    for kind in KINDS:
        found = difference.of(kind)
        if not found:
            continue
        judged = kind in _JUDGED
        columns = [Column(kind, words=True), Column("old", words=True), Column("new", words=True)]
        columns += [Column("direction", styles=_DIRECTIONS)] if judged else []
        rows = []
        for change in found[:_SHOWN_CHANGES]:
            new = _cell(change.new) + (f" ({_cell(change.note)})" if change.note else "")
            row = [_cell(change.name), _cell(change.old), new]
            rows.append([*row, *([change.direction] if judged else []), "; ".join(change.why)])
        print_table([*columns, Column("why", words=True)], rows)
        if len(found) > _SHOWN_CHANGES:
            say(f"and {len(found) - _SHOWN_CHANGES} more; --json lists all of them")
        say("")
    for kind in _JUDGED:
        counts = (f"{len(difference.of(kind, one))} {one}" for one in ("worse", "other", "better"))
        say(f"{kind}s: {', '.join(counts)}", breaks=", ")
    rest = [f"{kind} {len(difference.of(kind))}" for kind in KINDS if kind not in _JUDGED]
    say(f"other changes: {', '.join(rest)}", breaks=", ")
    say("why: the recorded changes that can be the cause, not that they are")


def print_values(result: Mapping[str, Any]) -> None:
    """Print what `evaluate` returns: every number with its place, and what there is not."""
    say(f"system {result['system']}, {result['digits']} digits")
    # In a file each quantity is one line, however long: people search there.
    columns = [Column("quantity"), Column("value", words=is_limited())]
    print_table(columns, list(_flat("", result["values"])))
    for name, reason in sorted((result.get("unavailable") or {}).items()):
        say(f"{name}: not available: {reason}")


def print_claims() -> None:
    """Print id, source and statement of every claim."""
    from dsmverify import catalogue

    columns = [Column("id"), Column("source", words=True), Column("statement", words=True)]
    rows = [
        [claim.id, f"{claim.source.statement}, p. {claim.source.page}", claim.statement]
        for claim in catalogue.claims()
    ]
    print_table(columns, rows)


def _print_verdicts(report: Report) -> None:
    columns = [
        Column("claim"),
        Column("verdict", styles=_STYLES),
        Column("applicable", right=True, spare=3),
        Column("true", right=True),
        Column("false", right=True),
        Column("unknown", right=True),
        Column("trivial", right=True, spare=2),
        Column("n/a", right=True),
        Column("least slack", right=True, spare=1),
    ]
    rows = []
    for outcome in report.claims:
        counts = (outcome.applicable, outcome.true, outcome.false, outcome.unknown)
        slack = show_number(outcome.slack.min if outcome.slack else None, 4)
        numbers = map(str, (*counts, outcome.trivial, outcome.not_applicable))
        rows.append([outcome.claim.id, outcome.verdict, *numbers, slack])
    print_table(columns, rows)


def _cell(text: str | None) -> str:
    """Text for a cell of a table in the terminal: a dash for what is not there; not too long."""
    if not text:
        return "-"
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 3]}..."


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Names and spellings of all numbers in what `evaluate` returns."""
    if isinstance(value, Mapping) and set(value) == {"lower", "upper"}:
        yield name, f"[{value['lower']}, {value['upper']}]"
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), entry)
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _flat(f"{name}[{index}]", entry)
    else:
        yield name, str(value)

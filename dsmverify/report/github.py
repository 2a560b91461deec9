"""The summary of a step of GitHub Actions: a report in short, in GitHub's Markdown.

Counts first, then what is not as recorded, what failed, what is undecided, and all claims. What
does not fit into the size that GitHub shows is left out from the end, and the summary says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from dsmverify.claims import ClaimOutcome
from dsmverify.report.markdown import first_line
from dsmverify.report.model import Report
from dsmverify.report.text import markdown, show_number
from dsmverify.verdicts import by_severity

LIMIT = 1024 * 1024
"""Bytes that GitHub shows of a step; of a longer file it shows nothing."""

_LONGEST_CELL = 300
_MOST_ROWS = 1000
_READING = (
    "UNKNOWN, NOT_APPLICABLE and trivial answers are not passes. HOLDS is not a proof. "
    "report.html and report.json have everything."
)


def render(report: Report, *, limit: int = LIMIT) -> str:
    """The summary, in Markdown.

    Args:
        report: what was found.
        limit: bytes that it may have, encoded as UTF-8; "" if not even the counts fit.
    """
    page = _Page(limit)
    page.add([f"### dsmverify: {_shown(first_line(report))}", ""])
    page.add([_against_the_record(report), ""])
    page.add(_counts(report))
    page.add([_READING, ""])
    if page.left < 0:
        return ""
    if report.mismatches:
        rows = ([m.claim, m.found, m.expected, m.reason] for m in report.mismatches)
        head = ["claim", "found", "recorded", "why that was recorded"]
        page.table("Not as recorded", head, rows)
    failed = by_severity(report.claims)
    if failed:
        head = ["claim", "source", "severity", "FALSE at", "least slack"]
        page.table(f"What failed: {_number(len(failed))}", head, map(_failure, failed))
    undecided = [outcome for outcome in report.claims if outcome.verdict == "UNDECIDED"]
    if undecided:
        head = ["claim", "reason", "TRUE", "UNKNOWN", "trivial", "NOT_APPLICABLE"]
        page.table(f"Undecided: {_number(len(undecided))}", head, map(_undecided, undecided))
    head = ["claim", "verdict", "applicable", "TRUE", "FALSE", "UNKNOWN", "trivial"]
    head += ["NOT_APPLICABLE", "least slack"]
    page.table("All claims", head, map(_claim, report.claims), folded=True)
    return "\n".join(page.lines)


def append(report: Report, path: str | os.PathLike[str], *, limit: int = LIMIT) -> bool:
    """Append the summary to a file, within the limit for the whole file.

    Args:
        report: what was found.
        path: the file; made if need be.
        limit: bytes that the file may have.

    Returns:
        Whether there was room for at least the counts.

    Raises:
        OSError: the file cannot be written.
    """
    with open(path, "ab") as stream:
        size = stream.seek(0, os.SEEK_END)
        gap = "\n\n" if size else ""  # whatever stands there ends before ours begins
        text = render(report, limit=limit - size - len(gap))
        if text:
            stream.write((gap + text).encode("utf-8"))
    return bool(text)


class _Page:
    """Lines within a number of bytes."""

    def __init__(self, limit: int) -> None:
        self.lines: list[str] = []
        self.left = limit

    def add(self, lines: Iterable[str]) -> None:
        """Add lines, whatever room is left."""
        for line in lines:
            self.lines.append(line)
            self.left -= _size(line)

    def table(
        self,
        title: str,
        head: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        folded: bool = False,
    ) -> None:
        """Add the first rows, as many as there is room for; without room for the head, nothing."""
        start = [f"<details><summary>{title}</summary>", ""] if folded else [f"#### {title}", ""]
        start += [_row(head), f"|{' --- |' * len(head)}"]
        end = ["", "</details>", ""] if folded else [""]
        lines = [_row(map(_shown, row)) for row in rows]
        note = ["", f"The other {len(lines)} are in report.json."]
        self.left -= sum(map(_size, [*end, *note]))
        if sum(map(_size, start)) > self.left:
            return
        self.add(start)
        fitting = 0
        while fitting < min(len(lines), _MOST_ROWS) and _size(lines[fitting]) <= self.left:
            self.add([lines[fitting]])
            fitting += 1
        missing = len(lines) - fitting
        self.lines += ["", f"The other {missing} are in report.json."] if missing else []
        self.lines += end


def _against_the_record(report: Report) -> str:
    count = len(report.mismatches)
    if count:
        return f"**{count} {'is' if count == 1 else 'are'} not as recorded.**"
    if report.battery:
        return "Every verdict is the recorded one."
    return "No answer contradicts a recorded verdict."


def _counts(report: Report) -> Iterator[str]:
    verdicts = {str(verdict): count for verdict, count in report.counts.items()}
    for title, counts in (("claims", verdicts), ("answers", report.answers)):
        yield _row([title, *counts])
        yield f"|{' ---: |' * (len(counts) + 1)}"
        yield _row(map(str, (sum(counts.values()), *counts.values())))
        yield ""


def _failure(outcome: ClaimOutcome) -> list[str]:
    claim = outcome.claim
    return [
        claim.id,
        f"{claim.source.statement}, p. {claim.source.page}",
        outcome.severity or "-",
        f"{outcome.false} of {outcome.applicable}",
        _slack(outcome),
    ]


def _undecided(outcome: ClaimOutcome) -> list[str]:
    counts = (outcome.true, outcome.unknown, outcome.trivial, outcome.not_applicable)
    return [outcome.claim.id, outcome.reason or "-", *map(str, counts)]


def _claim(outcome: ClaimOutcome) -> list[str]:
    counts = (outcome.applicable, outcome.true, outcome.false, outcome.unknown, outcome.trivial)
    numbers = map(str, (*counts, outcome.not_applicable))
    return [outcome.claim.id, outcome.verdict, *numbers, _slack(outcome)]


def _slack(outcome: ClaimOutcome) -> str:
    return show_number(outcome.slack.min if outcome.slack else None, 4)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(text: str) -> str:
    """Text that GitHub shows as it is, shortened if it is long; an address is no link."""
    if len(text) > _LONGEST_CELL:
        text = f"{text[: _LONGEST_CELL - 3]}..."
    escaped = markdown(text).replace("://", ":&#47;&#47;")
    return re.sub(r"(?i)\bwww\.", lambda found: f"{found[0][:-1]}&#46;", escaped)


def _size(line: str) -> int:
    return len(line.encode("utf-8")) + 1


def _number(count: int) -> str:
    return f"{count} {'claim' if count == 1 else 'claims'}"

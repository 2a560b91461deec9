"""Every row of a report as one compact JSON island, which the page's script makes tables of.

Columns of numbers, words held once: 10^5 rows are a few megabytes. The island is ASCII and has no
`<`, `>` or `&`, so no text in it can end the element that it stands in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from dsmverify.claims import Enclosure, Row
from dsmverify.report.model import Report
from dsmverify.report.text import plain

ANSWERS = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE", "trivial")
"""Answers in the order in which they are numbered; trivial rows are no TRUE ones."""

_SAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_MISSING = "-"


class _Words:
    """Numbers for words, in the order of their first use; 0 is the empty word."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {"": 0}
        self.column: list[int] = []

    def add(self, word: str) -> None:
        self.column.append(self.numbers.setdefault(word, len(self.numbers)))


def island(report: Report) -> Markup:
    """All rows of a report, in its order, as the JSON of a `script` element.

    `claims` and `counts` say how many rows each claim has, one claim after the other; every other
    column has a number per row, which is a place in `words` (or in `answers`).
    """
    columns = {
        name: _Words()
        for name in ("instance", "left", "right", "slack", "where", "note", "hypotheses")
    }
    answers: list[int] = []
    for row in report.rows:
        answers.append(ANSWERS.index(answer(row)))
        for name, word in _cells(row).items():
            columns[name].add(word)
    document: dict[str, Any] = {
        "claims": [plain(outcome.claim.id) for outcome in report.claims],
        "counts": [len(report.rows_of(outcome.claim.id)) for outcome in report.claims],
        "answers": list(ANSWERS),
        "words": {name: list(words.numbers) for name, words in columns.items()},
        "columns": {"answer": answers} | {name: words.column for name, words in columns.items()},
    }
    return as_island(document)


def as_island(document: Any) -> Markup:
    """JSON that is safe inside a `script` element of HTML."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_SAFE))


def answer(row: Row) -> str:
    """The answer under which a row is counted."""
    return "trivial" if row.trivial and row.answer == "TRUE" else row.answer


def place(row: Row) -> str:
    """The free variables of a row in words; empty if there are none."""
    return ", ".join(f"{plain(name)} = {plain(row.where[name])}" for name in sorted(row.where))


def side(enclosure: Enclosure | None) -> str:
    """An enclosure with all digits on record; empty if there is none."""
    if enclosure is None:
        return ""
    lower, upper = plain(enclosure.lower), plain(enclosure.upper)
    return lower if lower == upper else f"[{lower}, {upper}]"


def note(row: Row) -> str:
    """Why a row is NOT_APPLICABLE or UNKNOWN, or what else is said of it; empty if nothing is."""
    parts: Iterable[str | None] = (row.failed_hypothesis, row.reason)
    return "; ".join(plain(part) for part in parts if part)


def _cells(row: Row) -> dict[str, str]:
    given = row.hypothesis_slack
    return {
        "instance": plain(row.instance),
        "left": side(row.lhs),
        "right": side(row.rhs),
        "slack": plain(row.slack or ""),
        "where": place(row),
        "note": note(row),
        "hypotheses": "\t".join(_MISSING if one is None else plain(one) for one in given),
    }

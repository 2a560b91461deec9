"""The tables as CSV, one file each.

Text that a spreadsheet would take for a formula has an apostrophe before it; numbers are as they
are. An enclosure takes two columns.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from dsmverify.report.paper.cells import Appendix, Cell, Column, PaperTable
from dsmverify.report.text import plain

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_VERSIONS = "versions.csv"


def render(appendix: Appendix) -> dict[str, str]:
    """Texts by file name: a file per table, and one with versions, digest and what is left out."""
    about = [
        ("name", "value"),
        *((name, version) for name, version in appendix.versions.items()),
        ("SHA-256 of report.json", appendix.digest),
        *(("left out", sentence) for sentence in appendix.left_out),
    ]
    texts = {f"{table.name}.csv": _text(_lines(table)) for table in appendix.tables}
    return texts | {_VERSIONS: _text(iter([safe(cell) for cell in line] for line in about))}


def safe(text: str) -> str:
    """Text in one line that no spreadsheet runs as a formula."""
    shown = plain(text)
    is_formula = _FORMULA.match(shown) and not _NUMBER.fullmatch(shown)
    return f"'{shown}" if is_formula else shown


def _lines(table: PaperTable) -> Iterator[list[str]]:
    heads: list[str] = []
    for column in table.columns:
        ends = ("lower", "upper") if column.kind == "enclosure" else ("",)
        heads += [safe(f"{column.head} {end}".strip()) for end in ends]
    yield heads
    for row in table.rows:
        yield [
            field
            for cell, column in zip(row, table.columns, strict=True)
            for field in _fields(cell, column)
        ]


def _fields(cell: Cell, column: Column) -> tuple[str, ...]:
    if cell is None:
        return ("", "") if column.kind == "enclosure" else ("",)
    if isinstance(cell, tuple):
        return cell
    return (str(cell) if column.kind in {"count", "number"} else safe(str(cell)),)


def _text(lines: Iterator[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()

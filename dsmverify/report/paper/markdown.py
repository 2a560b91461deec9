"""The tables as GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from dsmverify.report.paper.cells import Appendix, Cell, Column, PaperTable
from dsmverify.report.text import markdown as escape

_FILE = "tables.md"
_RIGHT = {"count", "number", "enclosure"}


def render(appendix: Appendix) -> dict[str, str]:
    """Text by file name."""
    return {_FILE: "\n\n".join(_parts(appendix)) + "\n"}


def _parts(appendix: Appendix) -> Iterator[str]:
    yield "# Tables"
    yield f"{escape(appendix.stamp)}; SHA-256 of report.json: `{appendix.digest}`"
    for sentence in appendix.left_out:
        yield f"Left out: {escape(sentence)}"
    for table in appendix.tables:
        yield f"## {escape(table.title)}"
        yield escape(table.note)
        yield "\n".join(_lines(table))


def _lines(table: PaperTable) -> Iterator[str]:
    yield _line(escape(column.head) for column in table.columns)
    yield _line("---:" if column.kind in _RIGHT else "---" for column in table.columns)
    for row in table.rows:
        yield _line(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True))


def _line(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, tuple):
        low, high = cell
        return low if low == high else f"[{low}, {high}]"
    text = escape(str(cell))
    refuted = column.kind == "verdict" and text in {"REFUTED", "FALSE"}
    return f"**{text}**" if refuted else text

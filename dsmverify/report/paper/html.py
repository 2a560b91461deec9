"""The tables as one HTML file: no script, nothing loaded, light and dark, prints well."""

from __future__ import annotations

import html
from collections.abc import Iterator

from dsmverify.report.paper.cells import Appendix, Cell, Column, PaperTable
from dsmverify.report.text import plain

_FILE = "tables.html"

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
.wide { margin-top: 2rem; overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
caption { caption-side: top; text-align: left; padding-bottom: .5rem; max-width: 60rem; }
caption b { display: block; font-size: 1.125rem; }
thead { border-top: 2px solid; border-bottom: 1px solid; }
tbody { border-bottom: 2px solid; }
th, td { padding: .15rem .5rem; text-align: left; vertical-align: top; }
.count, .number, .enclosure { text-align: right; font-variant-numeric: tabular-nums; }
.number, .enclosure { white-space: nowrap; }
.name { font-family: ui-monospace, monospace; overflow-wrap: break-word; min-width: 9ch; }
.fails { font-weight: bold; }
.digest { overflow-wrap: anywhere; }
@media print { body { max-width: none; } .wide { overflow: visible; } tr { break-inside: avoid; } }
"""


def render(appendix: Appendix) -> dict[str, str]:
    """Text by file name."""
    return {_FILE: "\n".join(_lines(appendix)) + "\n"}


def _lines(appendix: Appendix) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Tables of a dsmverify report</title>\n<style>\n{_STYLE}</style>\n</head>"
    yield "<body>\n<main>\n<h1>Tables</h1>"
    yield f'<p class="digest">{_escape(appendix.stamp)}; SHA-256 of report.json: '
    yield f"<code>{_escape(appendix.digest)}</code></p>"
    for sentence in appendix.left_out:
        yield f"<p>Left out: {_escape(sentence)}</p>"
    for table in appendix.tables:
        yield from _table(table)
    yield "</main>\n</body>\n</html>"


def _table(table: PaperTable) -> Iterator[str]:
    title = _escape(table.title)
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{title}">'
    yield f'<table id="{_escape(table.name)}">'
    yield f"<caption><b>{title}</b> {_escape(table.note)}</caption>\n<thead>"
    heads = (
        f'<th scope="col" class="{column.kind}">{_escape(column.head)}</th>'
        for column in table.columns
    )
    yield f"<tr>{''.join(heads)}</tr>\n</thead>\n<tbody>"
    for row in table.rows:
        cells = (_cell(cell, column) for cell, column in zip(row, table.columns, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody>\n</table>\n</div>"


def _cell(cell: Cell, column: Column) -> str:
    fails = " fails" if column.kind == "verdict" and cell in {"REFUTED", "FALSE"} else ""
    return f'<td class="{column.kind}{fails}">{_shown(cell)}</td>'


def _shown(cell: Cell) -> str:
    if cell is None:
        return "&ndash;"
    if isinstance(cell, tuple):
        low, high = cell
        return _escape(low if low == high else f"[{low}, {high}]")
    return _escape(str(cell))


def _escape(text: str) -> str:
    return html.escape(plain(text), quote=True)

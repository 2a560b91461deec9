"""Docstrings of this project for autodoc: plain text with `code`, tables and indented formulas.

They are written to be read in a terminal. reStructuredText would read `s*` as the start of emphasis
and a table of letters as a jumble, so they are rewritten line by line before autodoc parses them.
Formulas have many arguments of the same two or three types, which their signatures here leave out.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

_CODE = re.compile(r"(`[^`]+`)", re.DOTALL)
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields|Examples?|Note):\s*$")
_GLUE = "\\ "
_BAR = re.compile(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)")  # not inside code
_TABLE_RULE = re.compile(r"^\|[\s:|-]+\|$")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to autodoc, before napoleon (priority 500) sees the lines."""
    app.connect("autodoc-process-docstring", _process_docstring, priority=400)
    app.connect("autodoc-process-signature", _process_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def rewrite(lines: list[str]) -> list[str]:
    """The lines of one docstring as reStructuredText.

    Args:
        lines: without the common indentation.
    """
    found: list[str] = []
    block: list[str] = []
    in_section = in_list = False
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
            continue
        if block:
            first = block[0]
            if not first.startswith(" "):
                in_section = _SECTION.match(first) is not None
                in_list = first.startswith(("- ", "* ")) or re.match(r"\d+\. ", first) is not None
            found += _block(block, plain=in_section or in_list)
            block = []
        found.append("")
    return found


def _block(lines: list[str], plain: bool) -> list[str]:
    """One block of lines without a blank: a table, a formula of its own, examples, or text."""
    if lines[0].lstrip().startswith(">>>"):
        return lines
    for start, line in enumerate(lines):
        if line.startswith("|"):
            table = [row for row in lines[start:] if row.startswith("|")]
            rest = lines[start + len(table) :]
            before = [*_block(lines[:start], plain), ""] if start else []
            return [*before, *_table(table), *(["", *_block(rest, plain)] if rest else [])]
    if lines[0].startswith("    ") and not plain:
        return ["::", "", *lines]
    return _text("\n".join(lines)).split("\n")


def _table(lines: list[str]) -> list[str]:
    rows = [
        [cell.strip() for cell in _BAR.split(line.strip().strip("|"))]
        for line in lines
        if not _TABLE_RULE.match(line)
    ]
    found = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        for number, cell in enumerate(row):
            found.append(f"   {'*' if number == 0 else ' '} - {_text(cell)}".rstrip())
    return found


def _text(text: str) -> str:
    """Text in which only what stands between backquotes is code, and nothing else is markup."""
    parts = _CODE.split(text)
    for place, part in enumerate(parts):
        if place % 2:
            before = _GLUE if parts[place - 1][-1:].isalnum() else ""
            after = _GLUE if parts[place + 1][:1].isalnum() else ""
            parts[place] = f"{before}``{part[1:-1]}``{after}"
        else:
            escaped = re.sub(r"([\\*|`])", r"\\\1", part)
            parts[place] = re.sub(r"_(?![A-Za-z0-9_])", r"\\_", escaped)
    return "".join(parts)


def _process_docstring(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = rewrite(lines)


def _process_signature(
    app: Sphinx,
    what: str,
    name: str,
    thing: Any,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    if not name.startswith("dsmverify.formulas.") or what not in ("function", "method"):
        # A field with a factory has no value to show, and its placeholder is no Python.
        return None if signature is None else (signature.replace("<factory>", "..."), returns)
    found = inspect.signature(thing)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in found.parameters.values()
        if parameter.name != "self"
    ]
    shown = found.replace(parameters=bare, return_annotation=inspect.Signature.empty)
    return str(shown), None

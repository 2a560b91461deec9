"""Links from a page to files outside `docs/`, which work when the text is read in the repository.

A file is copied beside the pages and offered there. A folder is named and not linked, since a web
server has no folder of the repository beside the pages; so is Markdown that is no page.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_LINK = re.compile(r"\[([^\]\n]+)\]\(((?:\.\./)*)([^)\s#:]*)(#[^)\s]*)?\)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite links as pages are read."""
    app.connect("source-read", _rewrite)
    app.connect("include-read", _rewrite_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(name)).resolve()
    source[0] = rewrite(source[0], page.parent, page.parent, Path(app.srcdir).resolve())


def _rewrite_included(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
    at = (Path(app.srcdir) / path).resolve().parent
    into = Path(app.env.doc2path(page)).resolve().parent
    source[0] = rewrite(source[0], at, into, Path(app.srcdir).resolve())


def rewrite(text: str, at: Path, into: Path, docs: Path) -> str:
    """Text whose relative links lead somewhere from the page that it is built into.

    Args:
        text: Markdown.
        at: folder of the file that the text is from.
        into: folder of the page that it becomes part of.
        docs: folder of all pages.
    """

    def link(match: re.Match[str]) -> str:
        words, up, rest, anchor = match.groups()
        if not up + rest:
            return match[0]
        target = (at / (up + rest)).resolve()
        if target.is_dir() or (target.suffix == ".md" and not target.is_relative_to(docs)):
            return words if words.strip("`") == up + rest else f"{words} (`{rest}`)"
        if not target.exists():
            return match[0]
        relative = Path(os.path.relpath(target, into.resolve())).as_posix()
        return f"[{words}]({relative}{anchor or ''})"

    return _LINK.sub(link, text)

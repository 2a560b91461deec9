"""What Sphinx and the theme leave out for readers without a mouse, or without sight.

Boxes that scroll sideways can be reached by the Tab key, captions of the menu say what level of
heading they are, and the two columns beside the text have names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_AIDS = {
    r"<pre>": '<pre tabindex="0">',
    r'<div class="(table-wrapper[^"]*)">': r'<div class="\1" tabindex="0">',
    r'<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    r'<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    r'<aside class="(toc-drawer[^"]*)">': r'<aside class="\1" aria-label="On this page">',
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Complete the pages when they are all written."""
    app.connect("build-finished", _complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _complete(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).glob("*.html"):
            path.write_text(aided(path.read_text(encoding="utf-8")), encoding="utf-8")


def aided(text: str) -> str:
    """HTML with what is missing; what is there already stays as it is.

    Args:
        text: one page.
    """
    for pattern, complete in _AIDS.items():
        text = re.sub(pattern, complete, text)
    return text

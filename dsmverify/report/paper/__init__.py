"""Tables to paste into a paper's appendix, made of a stored report.

`source` reads the report, `content` says what the tables hold without regard to any format, and
there is one renderer per format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

from dsmverify.errors import InputError
from dsmverify.report import files
from dsmverify.report.paper import commas, content, html, latex, markdown, source
from dsmverify.report.paper.cells import Appendix

Format = Literal["latex", "markdown", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""What the tables can be written as."""

_RENDERERS: Mapping[Format, Callable[[Appendix], dict[str, str]]] = {
    "latex": latex.render,
    "markdown": markdown.render,
    "csv": commas.render,
    "html": html.render,
}


def read(path: str | os.PathLike[str], figures: str | os.PathLike[str] | None = None) -> Appendix:
    """The tables of a stored report.

    Args:
        path: a `report.json`, or the folder that holds it.
        figures: folder with `fig2.csv`; None looks for `figures` beside the report's folder, and
            leaves the table out where there is none.

    Raises:
        InputError: no report, one that was changed or is of a newer form, or a bad `fig2.csv`.
    """
    stored = source.read(path)
    rows = source.figure_2(stored.path, figures)
    try:
        return content.appendix(stored, rows)
    except TypeError as error:
        rule = f"its parts are not what they should be ({error})"
        way_out = "write the report again; this one was changed by hand"
        raise InputError("REPORT", "", rule, way_out, str(stored.path)) from error


def write(appendix: Appendix, form: Format, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write the tables in one format, all files or none; returns their paths.

    Raises:
        OutputError: the folder or a file in it cannot be written.
    """
    return files.write_files(folder, _RENDERERS[form](appendix))


__all__ = ["FORMATS", "Appendix", "Format", "read", "write"]

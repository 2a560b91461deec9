"""`report.html`: the report as one page that needs nothing else, no network and no build step.

`content` and `claims` say what the page shows, `mathml` sets the statements, `records` packs the
rows, `drawing` draws, and the template puts it together. The same report gives the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from dsmverify.errors import InputError
from dsmverify.report import files
from dsmverify.report.html import content, mathml
from dsmverify.report.model import Report
from dsmverify.report.text import plain

_STYLES = ("style.css", "graph.css", "pictures.css")


def render(
    report: Report,
    runs: Sequence[Mapping[str, str]] | None = None,
    *,
    digest: str | None = None,
) -> str:
    """Text of `report.html`.

    Args:
        report: what to show.
        runs: rows of `fig2.csv` by column, for the picture of risk against rate; None leaves it
            out.
        digest: SHA-256 of the `report.json` that the page stands beside; None takes that of the
            file that `Report.write` would write.
    """
    if digest is None:
        from dsmverify.report import json

        digest = hashlib.sha256(json.render(report).encode("utf-8")).hexdigest()
    return _template().render(
        page=content.page(report, runs, digest),
        style=Markup("\n").join(_resource(name) for name in _STYLES),
        script=_resource("page.js"),
    )


def pages(
    report: Report,
    runs: Sequence[Mapping[str, str]] | None = None,
    *,
    digest: str | None = None,
) -> dict[str, str]:
    """Text of every page that stands beside a `report.json`, by file name.

    Args:
        report: what to show.
        runs: rows of `fig2.csv`, as `render` takes them.
        digest: SHA-256 of the `report.json`, as `render` takes it.
    """
    from dsmverify import explorer

    page = {"report.html": render(report, runs, digest=digest)}
    if report.other_content is not None:  # the explorer has the bounds of our own paper
        return page
    return {explorer.FILE_NAME: explorer.render(), **page}


def write(
    path: str | os.PathLike[str],
    *,
    figures: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> tuple[Path, ...]:
    """Write the pages of a stored report again; returns their paths.

    Args:
        path: a `report.json`, or the folder that holds it.
        figures: folder with `fig2.csv`; None looks for `figures` beside the report's folder.
        folder: where to; None takes the report's own folder.

    Raises:
        InputError: no report, one that was changed or is of a newer form, or a bad `fig2.csv`.
        OutputError: the folder or a file in it cannot be written.
    """
    from dsmverify.report.paper import source

    stored = source.read(path)
    runs = source.figure_2(stored.path, figures)
    try:
        texts = pages(stored.report, runs, digest=stored.digest)
    except (TypeError, AttributeError) as error:
        rule = f"its parts are not what they should be ({error})"
        way_out = "write the report again; this one was changed by hand"
        raise InputError("REPORT", "", rule, way_out, str(stored.path)) from error
    return files.write_files(stored.path.parent if folder is None else folder, texts)


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    environment.filters["formula"] = mathml.statement
    return environment.from_string(_text("page.html"))


def _resource(name: str) -> Markup:
    return Markup(_text(name))


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


__all__ = ["pages", "render", "write"]

"""The bound explorer: a self-contained page with sliders, independent of any report.

`render` gives the text of `explorer.html`. Closed forms are evaluated in the browser in float64
(`formulas.js`, held against the reference table by a test); integrals come from `grids.json`
(`make_grids`). Nothing that the page shows is certified, and it says so.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["FILE_NAME", "render"]

FILE_NAME: Final = "explorer.html"

SCRIPTS: Final = (
    "formulas.js",
    "typography.js",
    "integrals.js",
    "truths.js",
    "bounds.js",
    "verdicts.js",
    "regime.js",
    "curves.js",
    "picture.js",
    "explorer.js",
)
"""In this order: each uses those before it."""


def render() -> str:
    """The page, complete with its style, scripts and tables: the same text every time."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(_resource(FILE_NAME))
    # Our own files, none of them data: they go in as they are.
    return page.render(
        style=Markup(_resource("style.css")),
        scripts=[Markup(_resource(name)) for name in SCRIPTS],
        grids=Markup(_resource("grids.json").replace("<", "\\u003c")),
    )


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")

"""The extensions that build the pages: docstrings, links that leave docs/."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.documented import ROOT

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install '.[docs]'")


def _extension(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "_ext" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["The score s*, and `s*`."], [r"The score s\*, and ``s*``.", ""]),
        (["`x`s of M_k and (x)_ a|b"], [r"``x``\ s of M_k and (x)\_ a\|b", ""]),
        (["Text.", "", "    x ~ N(0, 1)"], ["Text.", "", "::", "", "    x ~ N(0, 1)", ""]),
        (["Args:", "    a_b: the `c`."], ["Args:", "    a_b: the ``c``.", ""]),
        (["- one", "", "    more"], ["- one", "", "    more", ""]),
        ([">>> 2 * 3", "6"], [">>> 2 * 3", "6", ""]),
    ],
)
def test_docstrings_become_text_without_other_markup(lines: list[str], expected: list[str]) -> None:
    assert _extension("docstring_text").rewrite(lines) == expected


def test_a_table_of_letters_keeps_bars_in_code() -> None:
    lines = ["| letter | meaning |", "|---|---|", "| k | `exp(-|x|)` |"]
    assert _extension("docstring_text").rewrite(lines) == [
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - letter",
        "     - meaning",
        "   * - k",
        "     - ``exp(-|x|)``",
        "",
    ]


def test_links_out_of_the_pages(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "engine").mkdir()
    for name in ("engine/code.py", "REPORT.md", "docs/page.md"):
        (tmp_path / name).write_text("", encoding="utf-8")

    def rewritten(text: str, at: Path = docs) -> str:
        result: str = _extension("outside_links").rewrite(text, at, docs, docs)
        return result

    assert rewritten("[a](../engine/code.py)") == "[a](../engine/code.py)"
    assert rewritten("[the engine](../engine)") == "the engine (`engine`)"
    assert rewritten("[`../engine`](../engine)") == "`../engine`"
    assert rewritten("[it](../REPORT.md)") == "it (`REPORT.md`)"
    assert rewritten("[p](page.md#x) [q](#y) [w](https://a.b)") == (
        "[p](page.md#x) [q](#y) [w](https://a.b)"
    )
    assert rewritten("[p](docs/page.md)", tmp_path) == "[p](page.md)"
    assert rewritten("[gone](nowhere.md)") == "[gone](nowhere.md)"

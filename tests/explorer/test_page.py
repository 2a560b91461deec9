"""The text of the explorer: one file, its own policy, nothing parsed from data."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from dsmverify import cli, explorer


@pytest.fixture(scope="module")
def page() -> str:
    return explorer.render()


def test_it_is_the_same_every_time(page: str) -> None:
    assert explorer.render() == page


def test_it_needs_nothing_else(page: str) -> None:
    """No address but the namespace of SVG, nothing loaded, and a policy that forbids it."""
    assert set(re.findall(r"https?://[^\s\"'<)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b|\ssrc=|@import|url\((?!#)", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")


def test_scripts_never_parse_text_as_html() -> None:
    folder = resources.files("dsmverify.explorer")
    scripts = [folder / name for name in explorer.SCRIPTS]
    found = {entry.name for entry in folder.iterdir() if entry.name.endswith(".js")}
    assert found == set(explorer.SCRIPTS)
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(|"
            r"XMLHttpRequest|localStorage",
            text,
        ), script.name
        assert "</script" not in text
        assert "<!--" not in text


def test_the_data_island_ends_where_it_should(page: str) -> None:
    island = re.search(r'<script type="application/json" id="grids">(.*?)</script>', page, re.S)
    assert island is not None
    assert "<" not in island[1]
    assert json.loads(island[1]) == json.loads(
        (resources.files("dsmverify.explorer") / "grids.json").read_text(encoding="utf-8")
    )


def test_it_is_small(page: str) -> None:
    assert len(page.encode()) < 500_000


@pytest.mark.parametrize("name", ["bounds.html", "folder", "new/deep/page.html"])
def test_the_command_writes_it(
    name: str, page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    assert cli.main(["explorer", "--out", str(out)]) == 0
    written = out if out.suffix else out / "explorer.html"
    assert written.read_text(encoding="utf-8") == page
    assert str(written) in capsys.readouterr().out


def test_the_command_replaces_an_old_page(page: str, tmp_path: Path) -> None:
    (tmp_path / "explorer.html").write_text("old")
    assert cli.main(["explorer", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "explorer.html").read_text(encoding="utf-8") == page
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_in_the_way_stays_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for out in (taken, taken / "explorer.html"):
        assert cli.main(["explorer", "--out", str(out)]) == 2
        assert "taken" in capsys.readouterr().err
    assert taken.read_text() == "mine"

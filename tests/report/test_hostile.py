"""Hostile text in every field of a report is text in every format.

Each format is read back by a reader of its own kind: an HTML parser, a Markdown renderer, an XML
parser, a CSV reader, TeX. What stands there must be what was written, and nothing else: the same
elements as with harmless text.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from dsmverify import cli
from dsmverify.report import badge, from_json, github, junit, markdown
from dsmverify.report import json as report_json
from dsmverify.report.text import plain
from dsmverify.verdicts import decimal_value
from tests.report import hostile

REPORT = hostile.report()
HARMLESS = hostile.report(hostile.HARMLESS)
SHOWN = tuple(plain(text) for text in hostile.TEXTS)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MATHML = {"mi", "mn", "mo", "ms", "mtext", "mspace", "mrow", "msub", "msup", "msubsup", "munder"}
MATHML |= {"mover", "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle"}
OF_MATHML = {"class", "mathvariant", "form", "stretchy", "lspace", "rspace", "accent", "width"}
TEX = shutil.which("pdflatex")


def _squeezed(text: str) -> str:
    """Without blanks, which HTML folds."""
    return re.sub(r"\s", "", text)


def _check_markup(text: str, shown: tuple[str, ...], *, harmless: str) -> BeautifulSoup:
    """No element or attribute that harmless text does not have, no address, and all texts."""
    page, model = (BeautifulSoup(source, "html.parser") for source in (text, harmless))
    for formula in [*page.find_all("math"), *model.find_all("math")]:
        parts = formula.find_all(True)  # which parts a formula has is its own affair
        assert {part.name for part in parts} <= MATHML
        assert all(set(part.attrs) <= OF_MATHML for part in parts)
        formula.clear()
    for place in [*page.find_all("wbr"), *model.find_all("wbr")]:
        assert not place.attrs  # where an id may break: a dot or `@` in it gives one
        place.decompose()
    known = {(tag.name, name) for tag in model.find_all(True) for name in (None, *tag.attrs)}
    addresses = ("href", "src", "action")
    ours = {str(tag.get(name)) for tag in model.find_all(True) for name in addresses}
    for tag in page.find_all(True):
        for name in (None, *tag.attrs):
            assert (tag.name, name) in known, str(tag)[:200]
        for name in addresses:
            address = str(tag.get(name, ""))
            assert address in ours or urlsplit(address)[:2] == ("", ""), address
    free = {"math", "g", "rect"}  # formulas, and boxes of the graph that `@` in a name opens
    numbers = [
        Counter(tag.name for tag in found.find_all(True) if tag.name not in free)
        for found in (page, model)
    ]
    assert numbers[0] == numbers[1]
    assert not CONTROLS.search(text)
    words = _squeezed(page.get_text())
    for one in shown:
        assert _squeezed(one) in words, one
    return page


def _rendered(text: str) -> str:
    """What a Markdown renderer makes of a page: GitHub's tables, HTML let through."""
    maker = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return str(maker.render(text))


def _outside_code(text: str) -> str:
    return re.sub(r"(?s)(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_the_report_itself_keeps_every_text() -> None:
    text = report_json.render(REPORT)
    again = from_json(text)
    assert report_json.render(again) == text
    assert {outcome.claim.id for outcome in again.claims} == set(hostile.TEXTS)
    assert {entry.name for entry in again.inputs} == set(hostile.TEXTS)
    assert text.isascii()


def test_report_html() -> None:
    from dsmverify.report import html

    text = html.render(REPORT)
    page = _check_markup(text, SHOWN, harmless=html.render(HARMLESS))
    # The islands of data end where the page ends them, and no comment opens in one.
    for island in page.find_all("script"):
        assert "<" not in island.get_text() or not island.get("type")
    for island in page.find_all("script", type="application/json"):
        assert set(SHOWN) & set(_strings(json.loads(island.get_text())))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(found for one in value.values() for found in _strings(one))]
    if isinstance(value, list):
        return [found for one in value for found in _strings(one)]
    return []


def test_report_md() -> None:
    text = markdown.render(REPORT)
    _check_markup(_rendered(text), SHOWN, harmless=_rendered(markdown.render(HARMLESS)))
    assert not re.search(r"(?<!\\)\$", _outside_code(text))  # no formula of GitHub's


def test_step_summary() -> None:
    cut = tuple(one for one in SHOWN if len(one) < 250)
    text = github.render(REPORT)
    _check_markup(_rendered(text), cut, harmless=_rendered(github.render(HARMLESS)))
    assert not re.search(r"(?<!\\)\$", _outside_code(text))
    assert not any(line.startswith("::") for line in text.splitlines())


def test_junit_xml() -> None:
    text = junit.render(REPORT)
    root, model = (
        ElementTree.fromstring(found.encode("utf-8")) for found in (text, junit.render(HARMLESS))
    )
    assert sorted(tag.tag for tag in root.iter()) == sorted(tag.tag for tag in model.iter())
    names = {case.get("name") for case in root.iter("testcase")}
    assert set(SHOWN) <= names
    messages = " ".join(str(tag.get("message")) for tag in root.iter("skipped"))
    assert all(one in messages for one in SHOWN)
    assert not CONTROLS.search(text)


def test_the_badge_has_no_text_of_others() -> None:
    assert badge.render(REPORT) == badge.render(HARMLESS)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the hostile report, as it would come from somebody else."""
    folder = tmp_path_factory.mktemp("from elsewhere")
    REPORT.write(folder)
    return folder


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("harmless")
    HARMLESS.write(folder)
    return folder


def _tables(folder: Path, form: str, out: Path) -> dict[str, str]:
    assert cli.main(["tables", str(folder), "--format", form, "--out", str(out)]) == 0
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(out.iterdir())}


def test_tables_in_csv(stored: Path, tmp_path: Path) -> None:
    cells = []
    for text in _tables(stored, "csv", tmp_path).values():
        for line in csv.reader(io.StringIO(text, newline="")):
            cells += line
        assert not CONTROLS.search(text)
    for cell in cells:
        assert not re.match(r"\s*[=+\-@\t\r]", cell) or decimal_value(cell) is not None
    found = {cell.removeprefix("'") for cell in cells}
    assert set(SHOWN) <= found


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_tables_in_html_and_markdown(
    form: str, stored: Path, harmless: Path, tmp_path: Path
) -> None:
    show: Callable[[str], str] = _rendered if form == "markdown" else str
    (text,), (model,) = (
        _tables(folder, form, tmp_path / folder.name).values() for folder in (stored, harmless)
    )
    _check_markup(show(text), SHOWN, harmless=show(model))


def test_tables_in_latex(stored: Path, tmp_path: Path) -> None:
    texts = _tables(stored, "latex", tmp_path)
    for text in texts.values():
        for command in (r"\input{/etc", r"\write18", r"\catcode", r"\end{document} "):
            assert command not in text
    if TEX is None:
        pytest.skip("no pdflatex: the LaTeX tables are not compiled (see .ci/run)")
    options = ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape")
    done = subprocess.run(
        [TEX, *options, "appendix.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    log = (tmp_path / "appendix.log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "/etc/passwd" not in re.findall(r"\(([^\s()]+)", log)


def test_the_terminal(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dsmverify import printing

    capsys.readouterr()
    printing.print_summary(REPORT)
    out = capsys.readouterr().out
    assert not CONTROLS.search(out)
    words = _squeezed(out)
    assert all(_squeezed(one) in words for one in SHOWN)


def test_differences(stored: Path, harmless: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", str(harmless), str(stored)]) == 1
    captured = capsys.readouterr()
    assert not CONTROLS.search(captured.out + captured.err)
    assert cli.main(["diff", str(harmless), str(stored), "--json"]) == 1
    out = capsys.readouterr().out
    assert not CONTROLS.search(out)
    json.loads(out)


FILES = (
    "<img src=x onerror=alert(1)>.csv",
    "=cmd|' C calc'!A0.csv",
    "](javascript:alert(1)) \\input{passwd} % $ _ # ~ ^ &.csv",
    "::error::a\x1b[31mb\u202ec.csv",
    "**b** `c` | " + "x" * 200 + ".csv",
)


@pytest.fixture(scope="module")
def from_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report on files with hostile names and columns."""
    folder = tmp_path_factory.mktemp("files")
    for number, name in enumerate(FILES, 1):
        lines = ["<b>y</b>,=1+1", *(f"{number * step}/4,t" for step in (1, 2, 3))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    paths = [str(folder / name) for name in FILES]
    options = ("--sigma", "1/8", "--claims", "prop02a", "--out", str(folder / "out"))
    assert cli.main(["check", *options, "--", *paths]) == 0
    return folder / "out"


def test_names_of_files(from_files: Path, tmp_path: Path) -> None:
    names = [plain(name.removesuffix(".csv")) for name in FILES]
    for name, show in (("report.html", str), ("report.md", _rendered)):
        page = BeautifulSoup(show(_read(from_files / name)), "html.parser")
        assert not page.find_all("img") and not page.find_all("b", string="y")
        assert all(_squeezed(one) in _squeezed(page.get_text()) for one in names), name
        assert not CONTROLS.search(page.get_text())
    cases = ElementTree.fromstring(_read(from_files / "junit.xml")).iter("testcase")
    assert {case.get("name") for case in cases} == set(names)
    for form in ("html", "markdown", "csv", "latex"):
        for text in _tables(from_files, form, tmp_path / form).values():
            assert not CONTROLS.search(text)
            assert "<img" not in text or form in {"csv", "latex"}
            assert r"\input{passwd}" not in text or form != "latex"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_messages_about_files(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    for text in ("<b>,x\n\x1b[31m,1\n", "no number\n"):
        path.write_text(text, encoding="utf-8")
        status = cli.main(["check", "--sigma", "1/8", "--out", str(tmp_path / "out"), str(path)])
        captured = capsys.readouterr()
        assert status == 2 and captured.out == ""
        assert len(captured.err.splitlines()) == 1
        assert not CONTROLS.search(captured.err)
    for arguments in (["tables", str(path)], ["html", str(path)], ["diff", str(path), str(path)]):
        assert cli.main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and not CONTROLS.search(captured.err)


def test_folders_with_hostile_names(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "\x1b[31m<b>\u202e"
    for arguments in (["html", str(stored)], ["tables", str(stored), "--format", "csv"]):
        assert cli.main([*arguments, "--out", str(out)]) == 0
        captured = capsys.readouterr()
        assert not CONTROLS.search(captured.out + captured.err)
    assert (out / "report.html").is_file()

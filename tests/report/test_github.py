"""The step summary: what it says, that it fits, and that no text of a report steers the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from dsmverify import cli
from dsmverify.report import Expected, Report, github
from tests.report.outcomes import claim, report, row

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "back`tick``s",
    "[x](javascript:alert(1)) ![i](https://example.org/y.png)",
    "<img src=x onerror=alert(1)>",
    "bell\x07 null\x00 escape\x1b[31m",
    "line\nbreak\r\n| --- |\n\n# head",
    "</details></td></table>",
    "see https://example.org and www.example.org",
    "\\| \\` \\<b> &lt;b&gt; &#60;b&#62;",
    "*bold* _it_ ~~gone~~ $x$ <!-- hidden",
    "\ud800 \u202e",
]


def _mixed(**fields: Any) -> Report:
    rows = [
        row("TRUE", "small"),
        row("FALSE", "large", slack="0.5"),
        row("UNKNOWN", "third", "thm04", reason="budget"),
        row("NOT_APPLICABLE", "fourth", "thm04", failed_hypothesis="Delta >= 2 sigma/mu"),
        row("TRUE", "fifth", "lem13"),
        row("TRUE", "sixth", "lem13", trivial=True),
    ]
    return report(rows, claims=(claim(), claim("thm04"), claim("lem13")), **fields)


def _tables(text: str) -> list[list[list[str]]]:
    """Tables as a reader of Markdown finds them: rows of texts."""
    tables: list[list[list[str]]] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level == 4:
            tables[-1][-1].append("".join(child.content for child in token.children or []))
    return tables


def test_counts_have_unknown_and_undecided_beside_the_passes() -> None:
    verdicts, answers, *_ = _tables(github.render(_mixed()))
    assert dict(zip(*verdicts, strict=True)) == {
        **{"claims": "3", "PROVED": "0", "REFUTED": "1", "HOLDS": "1", "VACUOUS": "0"},
        "UNDECIDED": "1",
    }
    assert dict(zip(*answers, strict=True)) == {
        **{"answers": "6", "TRUE": "2", "FALSE": "1", "UNKNOWN": "1", "NOT_APPLICABLE": "1"},
        "trivial": "1",
    }


def test_what_is_not_as_recorded_comes_first() -> None:
    expected = {"prop02a": Expected("PROVED", "derived"), "lem13": Expected("HOLDS", "tried")}
    text = github.render(_mixed(expected=expected))
    assert "**1 is not as recorded.**" in text
    heads = re.findall(r"^#### (.*)$", text, re.MULTILINE)
    assert heads == ["Not as recorded", "What failed: 1 claim", "Undecided: 1 claim"]
    mismatches = _tables(text)[2]
    assert mismatches[1] == ["prop02a", "FALSE at large", "PROVED", "derived"]


def test_failed_undecided_and_all_claims_are_listed() -> None:
    failed, undecided, everything = _tables(github.render(_mixed()))[2:]
    assert failed[1][0] == "prop02a"
    assert failed[1][3:] == ["1 of 2", "0.5"]
    assert undecided[1] == ["thm04", "budget at 1 instance", "0", "1", "0", "1"]
    assert [line[:2] for line in everything[1:]] == [
        ["lem13", "HOLDS"],
        ["prop02a", "REFUTED"],
        ["thm04", "UNDECIDED"],
    ]


def test_hostile_texts_are_shown_as_they_are() -> None:
    rows = [row("FALSE", name, f"c{n}") for n, name in enumerate(HOSTILE)]
    claims = [claim(f"c{number}") for number in range(len(HOSTILE))]
    expected = {f"c{n}": Expected("PROVED", name) for n, name in enumerate(HOSTILE)}
    text = github.render(report(rows, claims=claims, expected=expected))
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    allowed = {"h3", "h4", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    tags = set(re.findall(r"<\s*/?\s*([a-z!][a-z0-9]*)", rendered, re.IGNORECASE))
    assert tags <= allowed | {"details", "summary"}
    reasons = [line[3] for line in _tables(text)[2][1:]]
    assert "<script>alert(1)</script>" in reasons
    assert "a|b" in reasons
    assert "back`tick``s" in reasons
    assert HOSTILE[3] in reasons
    assert "\x1b" not in text
    assert "://" not in text
    assert "www." not in text


@pytest.mark.parametrize("limit", [400, 700, 1000, 2000, 5000])
def test_it_stays_within_the_limit_and_says_what_is_left_out(limit: int) -> None:
    claims = [claim(f"claim{number:03}") for number in range(100)]
    rows = [row("FALSE", name=one.id) for one in claims]
    whole = report(rows, claims=claims)
    text = github.render(whole, limit=limit)
    assert len(text.encode("utf-8")) <= limit
    if not text:
        assert limit < 700
        return
    shown = len(_tables(text)[2]) - 1 if "#### What" in text else 0
    assert shown < 100
    if shown:
        assert f"The other {100 - shown} are in report.json." in text
    assert text.count("<details>") == text.count("</details>")


def test_appending_keeps_what_is_there_and_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("# before", encoding="utf-8")
    assert github.append(_mixed(), file)
    text = file.read_text(encoding="utf-8")
    assert text == f"# before\n\n{github.render(_mixed())}"
    file.write_text("x" * (github.LIMIT - 1500), encoding="utf-8")
    assert github.append(_mixed(), file)
    assert github.LIMIT - 1500 < file.stat().st_size <= github.LIMIT
    file.write_text("x" * (github.LIMIT - 10), encoding="utf-8")
    assert not github.append(_mixed(), file)
    assert file.stat().st_size == github.LIMIT - 10


def _check(tmp_path: Path) -> int:
    data = tmp_path / "x.csv"
    data.write_text("x\n0\n1\n3\n", encoding="utf-8")
    arguments = ["check", str(data), "--sigma", "0.1", "--claims", "prop02a"]
    return cli.main([*arguments, "--quiet", "--out", str(tmp_path / "out")])


def test_check_appends_for_github_and_summary_prints_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert _check(tmp_path) == 0
    capsys.readouterr()
    assert cli.main(["summary", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (file.read_text(encoding="utf-8"), "")
    assert out.startswith("### dsmverify: 1 claim checked on ")


@pytest.mark.parametrize("name", ["", "no/such/folder"])
def test_check_is_complete_without_the_file(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", f"{tmp_path}/{name}")
    assert _check(tmp_path) == 0
    out, err = capsys.readouterr()
    assert err.startswith("warning: GITHUB_STEP_SUMMARY: ")
    assert err.count("\n") == 1
    assert (tmp_path / "out" / "report.json").exists()
    assert out.splitlines()[-1].startswith("report: ")


def test_summary_of_no_report_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["summary", str(tmp_path)]) == 2
    assert "error: REPORT" in capsys.readouterr().err


def test_every_verdict_is_said_of_the_battery_only() -> None:
    rows = [row("TRUE", "small")]
    expected = {"prop02a": Expected("HOLDS", "tried")}
    whole = "Every verdict is the recorded one."
    part = "No answer contradicts a recorded verdict."
    for battery, said, other in ((True, whole, part), (False, part, whole)):
        text = github.render(report(rows, expected=expected, battery=battery))
        assert said in text
        assert other not in text


def test_true_and_trivial_are_told_apart_in_the_list_of_all_claims() -> None:
    rows = [row("TRUE", name, trivial=name != "small") for name in ("small", "large", "third")]
    (_, found) = _tables(github.render(report(rows)))[-1]
    assert found[:7] == ["prop02a", "HOLDS", "3", "1", "0", "0", "2"]


def test_long_texts_and_tables_are_cut() -> None:
    claims = [claim(f"claim{number:04}") for number in range(1003)]
    expected = {claims[0].id: Expected("PROVED", "why " * 1000)}
    whole = report([row("FALSE", name=claims[0].id)], claims=claims, expected=expected)
    text = github.render(whole)
    reason = _tables(text)[2][1][3]
    assert len(reason) == 300
    assert reason.endswith("...")
    assert [len(table) - 1 for table in _tables(text)[-2:]] == [1000, 1000]
    assert "The other 2 are in report.json." in text  # 1002 are undecided
    assert "The other 3 are in report.json." in text

"""`dsmverify tables`: files, what it prints, and reports that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsmverify import cli
from dsmverify.report import certificates
from tests.report.outcomes import claim, report, row

FILES = {
    "latex": {"tables.tex", "appendix.tex"},
    "markdown": {"tables.md"},
    "csv": {"summary.csv", "verdicts.csv", "slack.csv", "versions.csv"},
    "html": {"tables.html"},
}


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["tables", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def _stored(folder: Path) -> Path:
    report([row("TRUE", slack="1.818")], claims=[claim(repairs=None)]).write(folder)
    return folder / "report.json"


@pytest.mark.parametrize("form", sorted(FILES))
def test_tables_are_written_and_named(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _stored(tmp_path / "r")
    status, out, err = _run(capsys, str(path), "--format", form, "--out", str(tmp_path / "t"))
    assert (status, err) == (0, "")
    assert {file.name for file in (tmp_path / "t").iterdir()} == FILES[form]
    *left_out, last = out.splitlines()
    assert all(line.startswith("left out: ") for line in left_out)
    assert any("fig2.csv" in line for line in left_out)
    assert all(str(tmp_path / "t" / name) in last for name in FILES[form])


def test_the_folder_of_the_report_will_do_and_bytes_are_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _stored(tmp_path / "r")
    for source, out in ((path, "a"), (path.parent, "b")):
        assert _run(capsys, str(source), "--format", "html", "--out", str(tmp_path / out))[0] == 0
    first, second = (tmp_path / name / "tables.html" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def _edit(change: Callable[[dict[str, Any]], None], *, seal: bool) -> Callable[[str], str]:
    def edited(text: str) -> str:
        document = json.loads(text)
        change(document)
        if seal:
            document["sha256"] = certificates.digest(document)
        return json.dumps(document)

    return edited


def _cut_claims(document: dict[str, Any]) -> None:
    document["claims"], document["instances"] = [], []


def _number_ids(document: dict[str, Any]) -> None:
    document["claims"][0]["id"] = document["instances"][0]["claim"] = 7


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "truncated": (lambda text: text[: len(text) // 2], "not JSON"),
    "empty": (lambda _: "", "empty"),
    "nested": (lambda _: "[" * 100_000, "not JSON"),
    "list": (lambda _: "[]", "schema_version"),
    "newer": (_edit(lambda d: d.update(schema_version="9.0"), seal=True), "schema_version"),
    "edited": (_edit(lambda d: d["claims"][0].update(severity="null set"), seal=False), "sha256"),
    "verdict": (_edit(lambda d: d["claims"][0].update(verdict="FINE"), seal=True), "FINE"),
    "no claims": (_edit(_cut_claims, seal=True), "at least one"),
    "id": (_edit(_number_ids, seal=True), "7 is no name"),
    "page": (
        _edit(lambda d: d["claims"][0]["source"].update(page="seven"), seal=True),
        "'seven' is no count",
    ),
    "version": (_edit(lambda d: d["versions"].update(arb=3), seal=True), "versions: arb"),
    "columns": (
        _edit(
            lambda d: d["tables"].append(
                {"name": "regimes", "title": "T", "note": "", "columns": [], "rows": []}
            ),
            seal=True,
        ),
        "tables: 'regimes': it must have at least one column",
    ),
    "cell": (
        _edit(
            lambda d: d["tables"].append(
                {"name": "t", "title": "T", "note": "", "columns": ["a"], "rows": [[1]]}
            ),
            seal=True,
        ),
        "tables: t: 1, but every cell must be text",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_report_that_is_none_is_bad_input_and_leaves_the_old_tables(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, named = BAD[case]
    path = _stored(tmp_path / "r")
    path.write_text(change(path.read_text()))
    old = tmp_path / "t" / "tables.md"
    old.parent.mkdir()
    old.write_text("old")
    status, out, err = _run(capsys, str(path), "--format", "markdown", "--out", str(old.parent))
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert named in err
    assert [file.read_text() for file in old.parent.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nowhere.json", "--format", "csv"], "nowhere.json"),
        (["r", "--format", "pdf"], "pdf"),
        (["r"], "--format"),
        (["r", "--format", "csv", "--out", "file"], "--out"),
        (["r", "--format", "csv", "--out", "file/below"], "--out"),
        (["r", "--format", "csv", "--figures", "nowhere"], "--figures"),
    ],
    ids=str,
)
def test_bad_usage_is_one_line_and_writes_nothing(
    arguments: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _stored(tmp_path / "r")
    (tmp_path / "file").write_text("old")
    monkeypatch.chdir(tmp_path)
    status, out, err = _run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert named in err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "r"]
    assert (tmp_path / "file").read_text() == "old"

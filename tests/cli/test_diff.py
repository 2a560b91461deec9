"""`dsmverify diff`: what it prints, and with which exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsmverify import cli
from dsmverify.report import Input
from tests.report.outcomes import report, row


def _write(folder: Path, answer: str, count: int = 1, slack: str | None = None) -> str:
    names = [f"in{number:02d}\x1b[31m" for number in range(count)]
    rows = [row(answer, name, slack=slack) for name in names]
    report(rows, inputs=tuple(Input(name, 2) for name in names)).write(folder)
    return str(folder)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["diff", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_status_is_one_only_if_a_verdict_got_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holds, open_ = _write(tmp_path / "a", "TRUE"), _write(tmp_path / "b", "UNKNOWN")
    status, out, err = _run(capsys, holds, open_)
    assert (status, err) == (1, "")
    words = out.splitlines()[1].split()
    assert words[:2] == ["prop02a", "HOLDS"]
    assert "worse" in words
    assert "nothing recorded explains it" in out
    assert "verdicts: 1 worse, 0 other, 0 better" in out
    assert out.splitlines()[-1].endswith("can be the cause, not that they are")
    status, out, _ = _run(capsys, open_, f"{holds}/report.json")
    assert (status, "verdicts: 0 worse, 0 other, 1 better" in out) == (0, True)
    assert _run(capsys, holds, holds) == (0, "nothing changed\n", "")


def test_only_the_first_changes_of_a_kind_are_printed_and_nothing_steers_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = _write(tmp_path / "a", "TRUE", 30), _write(tmp_path / "b", "UNKNOWN", 30)
    _, out, _ = _run(capsys, old, new)
    assert out.count("prop02a at in") == 20
    assert "and 10 more; --json lists all of them" in out
    assert "answers: 30 worse, 0 other, 0 better" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 132


def test_json_lists_all_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = _write(tmp_path / "a", "TRUE", 30), _write(tmp_path / "b", "UNKNOWN", 30)
    status, out, _ = _run(capsys, old, new, "--json")
    document = json.loads(out)
    assert (status, document["exit_status"]) == (1, 1)
    assert sum(change["kind"] == "answer" for change in document["changes"]) == 30


def test_the_threshold_of_slacks_is_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = (
        _write(tmp_path / name, "TRUE", slack=slack) for name, slack in (("a", "2"), ("b", "2.1"))
    )
    assert "slack 3" in _run(capsys, old, new)[1]
    assert _run(capsys, old, new, "--slack", "0.05")[1] == "nothing changed\n"


@pytest.mark.parametrize("part", ["-0.1", "nan", "a lot", "1/2"])
def test_a_threshold_that_is_none(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _write(tmp_path / "a", "TRUE")
    status, out, err = _run(capsys, folder, folder, "--slack", part)
    assert (status, out) == (2, "")
    assert err.startswith("error: --slack: ")


@pytest.mark.parametrize("place", [0, 1])
def test_bad_reports_are_bad_input(
    place: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [_write(tmp_path / "a", "TRUE"), _write(tmp_path / "b", "TRUE")]
    changed = tmp_path / "ab"[place] / "report.json"
    changed.write_text(changed.read_text().replace('"HOLDS"', '"PROVED"'))
    status, out, err = _run(capsys, *paths)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {changed}: sha256: ")
    assert err.count("\n") == 1
    paths[place] = str(tmp_path / "none")
    status, out, err = _run(capsys, *paths)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {('OLD', 'NEW')[place]}: ")

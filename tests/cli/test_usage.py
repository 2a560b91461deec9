"""The command line where it needs no evaluation: usage, errors, lists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsmverify import catalogue, cli, derivation
from dsmverify.errors import NotCompletedError, PrecisionError


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["check", "-h"], ["evaluate", "-h"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert out.startswith("Usage: dsmverify")


def test_help_says_what_each_command_does_in_a_whole_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = _run(capsys, "--help")
    lines = [line.strip() for line in out.partition("Commands:")[2].strip().splitlines()]
    assert [line.split()[0] for line in lines] == sorted(cli.cli.commands)
    assert [line for line in lines if line.endswith("...") or not line.endswith(".")] == []


def test_version_names_what_verdicts_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run(capsys, "--version")
    assert status == 0
    names = [line.split()[0] for line in out.splitlines()]
    assert names[0] == "dsmverify"
    assert {"arb", "sympy", "torch"} <= set(names)


REFEREE = Path(__file__).resolve().parents[2] / "reports" / "referee"

BAD_USAGE = [
    ([], "Missing command; see `dsmverify --help`"),
    (["chekc"], "chekc"),
    (["refute"], "Missing argument 'CLAIM'; see `dsmverify refute --help`"),
    (["refute", "prop2a"], "CLAIM: 'prop2a', but there is no claim with this id; did you mean"),
    (["refute", "cor03a", "--out", "."], "--out: '.', but it is a folder"),
    (["refute", "cor03a", "--out", "none/w.json"], "there is no folder none"),
    (["refute", "cor03a", "--out", "good.csv/w.json"], "there is no folder good.csv"),
    (["recheck", "none"], "REPORT: 'none', but it cannot be read"),
    (["recheck", "."], "REPORT: '.', but it cannot be read (the folder has no report.json)"),
    (["summary", "."], "the folder has no report.json"),
    (["scripts", "none", "--out", "out"], "REPORT: 'none', but it cannot be read"),
    (["scripts", str(REFEREE), "--out", "good.csv"], "--out: 'good.csv'"),
    (["check", "--jobs", "0"], "--jobs"),
    (["check", "--jobs", "two"], "--jobs"),
    (["check", "--speed"], "--speed"),
    (["check", "--claims", "prop2a"], "did you mean 'prop02a'"),
    (["check", "--claims", "prop02a,,thm04"], "--claims"),
    (["check", "--claims", ""], "--claims"),
    (["check", "--sigma", "0.1"], "--sigma: '0.1', but the bundled battery"),
    (["check", "--drop-ties"], "--drop-ties"),
    (["check", "nowhere.csv", "--sigma", "0.1"], "nowhere.csv"),
    (["check", "good.csv"], "noise level"),
    (["check", "good.csv", "--mu", "0.5"], "mu"),
    (["check", "good.csv", "--sigma", "1.5"], "sigma"),
    (["check", "good.csv", "--sigma", "nan"], "sigma"),
    (["check", "good.csv", "--sigma", "0.1", "--time", "1"], "time"),
    (["check", "good.csv", "--sigma", "0.1", "--column", "2"], "column"),
    (["check", "good.csv", "--sigma", "0.1", "--network", "no.npz"], "no.npz"),
    (["check", "good.csv", "--sigma", "0.1", "--out", "good.csv"], "--out"),
    (["check", "good.csv", "--sigma", "0.1", "--out", "good.csv/below"], "--out"),
    (["check", "tied.csv", "--sigma", "0.1"], "--drop-ties"),
    (["evaluate"], "INSTANCE.json"),
    (["evaluate", "nowhere.json"], "INSTANCE.json: 'nowhere.json'"),
    (["evaluate", "good.csv"], "INSTANCE.json: 'good.csv', but an instance is read from a .json"),
    (["evaluate", "two.json"], "2 instances"),
    (["evaluate", "two.json", "--system", "float32"], "float32"),
    (["evaluate", "two.json", "--digits", "0"], "--digits"),
    (["derive", "no-such-derivation"], "derivation"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD_USAGE, ids=str)
def test_bad_usage_is_one_line_and_status_two(
    arguments: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "good.csv").write_text("x\n1\n2\n3\n")
    (tmp_path / "tied.csv").write_text("x\n1\n1\n3\n")
    one = '{"x": [1, 2], "sigma": "1/3"}'
    (tmp_path / "two.json").write_text(f"[{one}, {one}]")
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    status, out, err = _run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert named in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 3),
        (NotCompletedError("stopped after 3 of 9"), 3),
        (PrecisionError("R_n(s*)", 4096, "limit"), 3),
        (MemoryError(), 3),
    ],
    ids=repr,
)
def test_what_is_not_completed_is_status_three(
    error: BaseException,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(catalogue, "claims", fail)
    found, _, err = _run(capsys, "claims")
    assert found == status
    assert err.strip().startswith("error: ")  # on an interrupt click ends the line of the ^C


def test_claims_are_listed_with_source_and_statement(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _run(capsys, "claims")
    assert (status, err) == (0, "")
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].split() == ["id", "source", "statement"]
    first = {line.split()[0] for line in lines if line.strip()}
    assert {claim.id for claim in catalogue.claims()} <= first


def test_derivations_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run(capsys, "derive")
    assert status == 0
    assert out.split() == derivation.names()


def test_module_runs_without_colours_or_traceback(tmp_path: Path) -> None:
    root = Path(cli.__file__).parent.parent
    found = subprocess.run(
        [sys.executable, "-m", "dsmverify", "check", "\x1b[31mno.csv", "--sigma", "0.1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.startswith("error: ")
    assert "\x1b" not in found.stderr
    assert "Traceback" not in found.stderr


def test_recheck_of_a_damaged_report_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text('{"claims": [', encoding="utf-8")
    assert cli.main(["recheck", str(tmp_path)]) == 1
    assert "no report" in capsys.readouterr().out


def test_searches_belong_to_the_battery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "x.csv"
    data.write_text("x\n0\n1\n", encoding="utf-8")
    assert cli.main(["check", str(data), "--sigma", "0.5", "--budget", "5"]) == 2
    assert "--budget" in capsys.readouterr().err

"""`dsmverify refute`: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsmverify.cli import main


def test_witness_is_written_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "witness.json"
    assert main(["refute", "cor03a", "--seed", "4", "--budget", "3000", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "cor03a is FALSE at" in said
    assert "seed 4" in said
    assert len(json.loads(out.read_text())["x"]) >= 2


def test_finding_none_is_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["refute", "prop02b", "--n", "2", "--budget", "60"]) == 0
    assert "(not a proof)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["refute"], ["refute", "nosuch"], ["refute", "cor03a", "--n", "1"],
     ["refute", "cor03a", "--budget", "0"], ["refute", "cor03a", "--seed", "-1"]],
)  # fmt: skip
def test_bad_usage(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_unwritable_file(tmp_path: Path) -> None:
    out = str(tmp_path / "missing" / "witness.json")
    assert main(["refute", "cor03a", "--budget", "3000", "--out", out]) == 2

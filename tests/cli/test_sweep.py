"""`dsmverify sweep`: run, go on, say how far it is, export, and what it refuses."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import pytest

from dsmverify import cli

TEXT = """
[[check]]
claims = ["prop02a"]
proofs = false
sigma = [0.1, 0.2]
learning_rates = ["1/1000"]
[[check.samples]]
name = "three"
points = [0, 1, 3]
[[check.samples]]
name = "four"
points = [0, 1, 3, 4]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep file and its store, all four cells done."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "sweep.toml").write_text(TEXT, encoding="utf-8")
    assert run(folder, "--jobs", "2", "--bundle", "1") == 0
    return folder


def run(folder: Path, *arguments: str) -> int:
    return cli.main(
        ["sweep", str(folder / "sweep.toml"), "--store", str(folder / "sweep.db"), *arguments]
    )


def test_a_finished_sweep_has_nothing_to_do(
    swept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(swept, "--resume", "--retry-failed") == 0
    assert "cells: 4, done before 4, done now 0, failed now 0" in capsys.readouterr().out


def test_status(swept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(swept, "--status") == 0
    assert capsys.readouterr().out == "check: 4 done, 0 failed, 0 left\n"


def test_csv_on_standard_output_and_in_a_file(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(swept, "--export", "csv") == 0
    said = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert said.err == ""
    assert {row["state"] for row in rows} == {"done"}
    assert list(dict.fromkeys((row["sample"], row["sigma"]) for row in rows)) == [
        ("three", "0.1"),
        ("three", "0.2"),
        ("four", "0.1"),
        ("four", "0.2"),
    ]
    assert run(swept, "--export", "csv", str(tmp_path / "out.csv")) == 0
    assert (tmp_path / "out.csv").read_bytes() == said.out.encode()
    assert run(swept, "--export", "csv", str(tmp_path / "no" / "out.csv")) == 2
    assert "--export" in capsys.readouterr().err


def test_parquet(swept: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    assert run(swept, "--export", "parquet", str(tmp_path / "out.parquet")) == 0
    table = parquet.read_table(tmp_path / "out.parquet")
    assert set(table.column("state").to_pylist()) == {"done"}


def test_dry_run_needs_no_store_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    assert cli.main(["sweep", str(tmp_path / "sweep.toml"), "--dry-run"]) == 0
    assert run(tmp_path, "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "check sample=three points=3 sigma=0.1 learning_rate=0.001 seed=0 prop02a" in lines[0]
    assert lines[4] == "4 cells to do, of 4"
    assert "not known before some of it is done" in lines[6]
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.toml"]


def test_limit_then_an_export_that_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    assert run(tmp_path, "--limit", "1", "--jobs", "1") == 0
    assert "done now 1" in capsys.readouterr().out
    assert run(tmp_path, "--export", "csv") == 0
    said = capsys.readouterr()
    assert "3 cells are missing" in said.err
    assert said.out.count("check,missing,") == 3
    assert run(tmp_path, "--dry-run") == 0
    assert "3 cells to do, of 4" in capsys.readouterr().out


def test_damage_is_named_and_repaired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    assert run(tmp_path, "--jobs", "1") == 0
    assert run(tmp_path, "--export", "csv", str(tmp_path / "before.csv")) == 0
    database = sqlite3.connect(tmp_path / "sweep.db")
    database.execute("UPDATE cells SET seconds = seconds + 1 WHERE rowid = 2")
    database.commit()
    database.close()
    assert run(tmp_path, "--export", "csv", str(tmp_path / "damaged.csv")) == 1
    assert "damaged: " in capsys.readouterr().err
    assert run(tmp_path, "--repair", "--jobs", "1") == 0
    assert "1 damaged cells are taken out" in capsys.readouterr().out
    assert run(tmp_path, "--export", "csv", str(tmp_path / "after.csv")) == 0
    assert (tmp_path / "after.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sweep.toml"], "--store"),
        (["nope.toml", "--store", "a.db"], "there is no such file"),
        (["sweep.toml", "--store", "a.db", "--status"], "there is no such store"),
        (["sweep.toml", "--store", "no/a.db"], "its folder does not exist"),
        (["sweep.toml", "out.csv", "--store", "a.db"], "it is where an export goes"),
        (["sweep.toml", "--store", "a.db", "--export", "parquet"], "give a FILE after it"),
        (["sweep.toml", "--store", "a.db", "--status", "--dry-run"], "give one of the two"),
        (
            ["sweep.toml", "--store", "a.db", "--scheduler", "tcp://127.0.0.1:9", "--jobs", "2"],
            "the workers of --scheduler are started elsewhere",
        ),
        (["sweep.toml", "--store", "a.db", "--time-limit", "0"], "--time-limit"),
        (["sweep.toml", "--store", "a.db", "--quick"], "a sweep file has one size"),
    ],
)
def test_bad_input(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    assert cli.main(["sweep", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.toml"]


def test_two_sweeps_on_one_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dsmverify.sweeps.store import Store

    (tmp_path / "sweep.toml").write_text(TEXT, encoding="utf-8")
    with Store.open(tmp_path / "sweep.db", write=True):
        assert run(tmp_path) == 2
    assert "one process does at a time" in capsys.readouterr().err

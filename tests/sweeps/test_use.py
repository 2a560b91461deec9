"""`dsmverify sweep` as somebody uses it who has not read the manual: what is refused, and kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dsmverify.cli import main
from dsmverify.sweeps import cells, configuration, kinds
from dsmverify.sweeps.store import Store

TEXT = """
[[check]]
claims = ["prop02a"]
sigma = [0.1, 0.2, 0.2]
learning_rates = [0.001]
proofs = false
[[check.samples]]
name = "first"
points = [0, 0.5, 1.25]
[[check.samples]]
name = "second\\nof two lines"
points = [0, 0.5, 1.25]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sweep.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def store(file: Path, tmp_path: Path) -> Path:
    """One of two cells is done."""
    path = tmp_path / "sweep.db"
    with Store.open(path, write=True) as opened:
        opened.put(kinds.run(cells.expand(configuration.load(file))[0]))
    return path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*arguments: object) -> tuple[int, str, str]:
        status = main(["sweep", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return called


@pytest.mark.parametrize("target", ["sweep.db", "sweep.db.lock", "./sweep.toml", "link.csv"])
def test_an_export_does_not_overwrite_what_it_is_made_from(
    target: str, run: Run, file: Path, store: Path
) -> None:
    (file.parent / "link.csv").symlink_to(store)
    before = {path: path.read_bytes() for path in (file, store)}
    status, _, err = run(file, "--store", store, "--export", "csv", target)
    assert status == 2
    assert "not overwritten by an export; name another file" in err
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("options", [[], ["--repair"], ["--status"], ["--jobs", "1"]])
def test_a_file_that_is_no_store_stays_as_it_is(options: list[str], run: Run, file: Path) -> None:
    status, _, err = run(file, "--store", file, *options)
    assert status == 2
    assert "it is no store of results; name another file" in err
    assert file.read_text() == TEXT
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("kept", [b"SQLite format 3\0", b"dsmv"])
def test_a_store_whose_head_is_damaged_is_still_one(kept: bytes, run: Run, store: Path) -> None:
    data = store.read_bytes()
    head = bytes(
        0 if not data.find(kept) <= k < data.find(kept) + len(kept) else data[k] for k in range(100)
    )
    store.with_name("sweep.db.lock").unlink()
    store.write_bytes(head + data[100:])
    status, _, err = run("sweep.toml", "--store", store, "--status")
    assert status == 2
    assert "no store of results" not in err
    store.write_bytes(bytes(100) + data[100:])
    assert "no store of results" in run("sweep.toml", "--store", store, "--status")[2]
    store.with_name("sweep.db.lock").touch()
    assert "it is damaged" in run("sweep.toml", "--store", store, "--status")[2]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--time-limit", "nan"], "--time-limit: nan, but it is no time"),
        (["--memory-limit", "inf"], "--memory-limit: inf, but it must be finite"),
        (["--memory-limit", "nan"], "--memory-limit: nan, but it must be finite"),
        (["--scheduler", "127.0.0.1"], "'127.0.0.1', but it is no address of a scheduler"),
        (["--status", "--repair"], "--repair: --status is something else to do"),
        (["--export", "csv", "--repair"], "--repair: --export is something else to do"),
    ],
)
def test_options_that_cannot_be_meant(options: list[str], says: str, run: Run, store: Path) -> None:
    status, _, err = run("sweep.toml", "--store", store, *options)
    assert (status, says in err) == (2, True), err
    assert "Traceback" not in err


def test_a_dry_run_prints_what_a_run_would_do(run: Run, store: Path) -> None:
    """Each cell once and in one line, under the name that it has first."""
    first, second = dict.fromkeys(
        cell.key for cell in cells.expand(configuration.load("sweep.toml"))
    )
    status, out, _ = run("sweep.toml", "--store", store, "--dry-run")
    assert status == 0
    line, *rest = out.splitlines()
    assert (
        line
        == f"{second[:16]} check sample=first points=3 sigma=0.2 learning_rate=0.001 seed=0 prop02a"
    )
    assert rest[:2] == ["1 cells to do, of 2", "check: 1 done, 0 failed, 1 left"]
    assert first[:16] not in out
    # What has failed is not run again unless that is asked for.
    with Store.open(store, write=True) as opened:
        opened.fail(cells.expand(configuration.load("sweep.toml"))[1], "a\nreason")
    assert run("sweep.toml", "--store", store, "--dry-run")[1].startswith("0 cells to do, of 2\n")
    again = run("sweep.toml", "--store", store, "--dry-run", "--retry-failed")[1]
    assert "1 cells to do, of 2" in again.splitlines()


def test_a_reader_that_has_seen_enough(store: Path) -> None:
    """`| head`: no traceback, and the status says that not all was read."""
    command = [sys.executable, "-m", "dsmverify", "sweep", "sweep.toml"]
    with Store.open(store, write=False):
        pass
    process = subprocess.Popen(
        [*command, "--store", str(store), "--export", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 3
    assert b"Traceback" not in err


FIRST = 'name = "first"\npoints = [0, 0.5, 1.25]'


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("[[check]]\n", "[check]\n", 2, "check: there may be several such tables; write [[check]]"),
        (FIRST, 'file = "no.csv"', 8, "no.csv', but there is no such file"),
        (FIRST, 'file = "."', 8, "', but data are read from a .csv"),
        (FIRST, 'file = "points.npy"\ncolumn = 2', 9, "samples[0].column: 2, but only CSV"),
    ],
)
def test_mistakes_are_named_in_the_words_of_the_file(
    old: str, new: str, line: int, says: str, run: Run, file: Path
) -> None:
    text = TEXT.replace(old, new, 1)
    if new == "[check]\n":
        text = text.replace("[[check.samples]]", "[[check.sample]]")
    file.write_text(text)
    status, _, err = run(file, "--dry-run")
    assert status == 2
    assert err.startswith(f"error: {file}, line {line}: check")
    assert says in err

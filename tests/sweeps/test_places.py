"""What `--store` and an export's FILE may name, and what they may not: nothing there is touched."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dsmverify.cli import main
from dsmverify.errors import InputError, StoreError
from dsmverify.sweeps import export
from dsmverify.sweeps.kinds import Result
from dsmverify.sweeps.store import Store
from tests.sweeps.results import cell, result

ONE = cell(0)
"""It has a large array."""

TEXT = """
[[check]]
claims = ["prop02a"]
sigma = [0.1]
learning_rates = [0.001]
proofs = false
[[check.samples]]
points = [0, 0.5, 1.25]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.toml").write_text(TEXT)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["sweep", "sweep.toml", *arguments]) == 2
    return capsys.readouterr().err


def test_a_name_that_sqlite_takes_for_memory_is_a_file_like_any_other(here: Path) -> None:
    with Store.open(":memory:", write=True) as store:
        assert store.put(result(ONE))
    assert (here / ":memory:").is_file()
    with Store.open(":memory:", write=False) as store:
        assert store.has([ONE.key]) == {ONE.key}


@pytest.mark.parametrize("options", [[], ["--status"], ["--dry-run"], ["--repair"]])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "it is a folder; name a file"),
        ("/", "it is a folder; name a file"),
        ("pipe", "it is a device or a pipe; name a file"),
        ("to-a-device", "it is a device or a pipe; name a file"),
        ("circle", "it cannot be looked at ("),
        (300 * "a", "it cannot be looked at (file name too long)"),
    ],
)
def test_what_can_be_no_store_is_named(
    name: str, says: str, options: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    (here / "to-a-device").symlink_to(os.devnull)
    (here / "circle").symlink_to("circle")
    before = sorted(os.listdir(here))
    if options == ["--dry-run"] and len(name) == 300:
        return  # there is none yet: nothing is opened
    assert says in said(capsys, "--store", name, *options)
    assert sorted(os.listdir(here)) == before


def test_a_store_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--status"], ["--export", "csv", "out.csv"]):
        assert "results are kept in a database" in said(capsys, "--store", "", *options)


def test_a_store_by_another_name_is_the_same_one(here: Path) -> None:
    """One lock, one log, one folder of arrays: those of the file, not those of the link."""
    (here / "data").mkdir()
    (here / "link.db").symlink_to("data/sweep.db")
    with Store.open("link.db", write=True) as store:
        assert store.put(result(ONE))
        with pytest.raises(StoreError, match=f"process {os.getpid()}"):
            Store.open("data/sweep.db", write=True)
        log = here / "data" / "sweep.db-wal"
        assert log.stat().st_size > 0
        generator = np.random.Generator(np.random.PCG64(0))
        for number in range(100, 200):
            store.put(
                Result(cell(number).key, ONE.kind, {}, {"a": generator.random(8000)}, 0.0, {})
            )
            assert log.stat().st_size < 5 * 2**20
    for name in ("data/sweep.db", "link.db"):
        with Store.open(name, write=False) as store:
            assert store.read(ONE.key) is not None
    assert sorted(os.listdir(here)) == ["data", "link.db", "sweep.toml"]


@pytest.fixture
def store(here: Path) -> Path:
    with Store.open(here / "sweep.db", write=True) as opened:
        opened.put(result(ONE))
    return here / "sweep.db"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_replaces_files_only(
    form: str, here: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    (here / "to-a-device").symlink_to(os.devnull)
    for name, reason in (
        ("folder", "is a directory"),
        ("pipe", "it is a device or a pipe"),
        ("to-a-device", "it is a device or a pipe"),
        ("none/out", "no such file or directory"),
    ):
        error = said(capsys, "--store", str(store), "--export", form, name)
        assert f"'{name}', but it cannot be written ({reason}); name a file in a folder" in error
    assert not list(here.rglob("*.part"))
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert stat.S_ISCHR(os.stat("to-a-device").st_mode)


FULL = """
import resource, signal, sys
from pathlib import Path
from dsmverify.errors import InputError
from dsmverify.sweeps import export
from dsmverify.sweeps.store import Store
from tests.sweeps.results import cell
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store.open(sys.argv[1], write=False) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    write = getattr(export, sys.argv[2])
    try:
        write(store, [cell(0)], Path(sys.argv[3]))
    except InputError as error:
        print(error)
"""


@pytest.mark.parametrize("write", ["write_csv_file", "write_parquet"])
def test_an_export_that_does_not_fit_leaves_the_old_file(
    write: str, here: Path, store: Path
) -> None:
    if write == "write_parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    out = here / "out"
    out.write_text("old")
    command = [sys.executable, "-c", FULL, str(store), write, str(out)]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert "but it cannot be written (file too large)" in found.stdout
    assert out.read_text() == "old"
    assert not list(here.glob("*.part"))


class Writing(io.StringIO):
    """A reader of an export in whose time the sweep goes on."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(newline="")
        self.act = act

    def write(self, text: str) -> int:
        if text.startswith("kind,"):
            self.act()
        return super().write(text)


def test_an_export_is_of_one_moment(store: Path) -> None:
    """A cell that comes in between may have arrays for which there are no columns."""
    other = cell(1)
    late = Result(other.key, other.kind, {}, {"late": np.ones(2)}, 0.0, {})
    with (
        Store.open(store, write=True) as writer,
        Store.open(store, write=False) as reader,
    ):
        stream = Writing(lambda: writer.put(late))
        first = export.write_csv(reader, [ONE, other], stream)
        assert writer.has([other.key]) == {other.key}
        assert (first.done, first.missing) == (1, 1)
        second = export.write_csv(reader, [ONE, other], io.StringIO(newline=""))
        assert (second.done, second.missing) == (2, 0)
        with pytest.raises(InputError, match="cannot be written"):
            export.write_csv_file(reader, [ONE], Path("none/out.csv"))
        assert export.write_csv(reader, [ONE], io.StringIO(newline="")).done == 1

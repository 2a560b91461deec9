"""Faults that really happen: each is named, what else can be done is done, and nothing is wrong.

When a fault is gone the same sweep goes on to its end, with the bytes of one that met none.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dsmverify import cli
from dsmverify.errors import StoreError
from dsmverify.sweeps import schema
from dsmverify.sweeps.repair import repair
from dsmverify.sweeps.store import Store
from tests.sweeps import faults
from tests.sweeps.clusters import PATIENCE, ROOT
from tests.sweeps.faults import CELLS, SCENARIOS


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = faults.library(tmp_path_factory.mktemp("library"))
    if found is None:
        pytest.skip("no C compiler: faults of disks and clocks cannot be injected")
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store."""
    store = tmp_path_factory.mktemp("unbroken") / "sweep.db"
    assert faults.swept(store) == ""
    assert len(faults.held(store)) == len(CELLS)
    return store


@pytest.fixture
def store(unbroken: Path, tmp_path: Path) -> Path:
    """A copy of the finished store."""
    return shutil.copytree(unbroken.parent, tmp_path / "store") / "sweep.db"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("what", ["database", "arrays", "repair"])
def test_reads_writes_and_syncs_that_fail(what: str, library: Path, tmp_path: Path) -> None:
    """EIO, a full disk, a read-only one, half a write: at one place after the other."""
    names = [name for name in SCENARIOS if name.startswith(what)]
    found = run(
        sys.executable,
        "-m",
        "tests.sweeps.faults",
        str(tmp_path),
        *names,
        LD_PRELOAD=str(library),
    )
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert [line.rpartition(" ")[0] for line in lines] == names
    assert all(int(line.rpartition(" ")[2]) >= 3 for line in lines), found.stdout


SMALL = """
[[check]]
claims = ["prop02a"]
proofs = false
sigma = [0.1, 0.2, 0.3, 0.4]
learning_rates = ["1/1000"]
[[check.samples]]
points = [0, 1, 3]
"""


def test_the_command_when_the_disk_fails_and_the_clock_jumps(
    library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.toml").write_text(SMALL, encoding="utf-8")
    command = ["sweep", str(tmp_path / "sweep.toml"), "--store", str(tmp_path / "sweep.db")]
    command += ["--jobs", "1", "--bundle", "1"]
    assert cli.main([*command, "--limit", "1"]) == 0
    broken = run(
        sys.executable,
        "-m",
        "dsmverify",
        *command,
        LD_PRELOAD=str(library),
        FAULTS=f"{faults.WRITE} */sweep.db-wal {errno.EIO} 0 -1",
    )
    assert broken.returncode == 3, (broken.stdout, broken.stderr)
    said = broken.stdout + broken.stderr
    assert "disk I/O error" in said
    assert "start the sweep again: it goes on" in said
    assert "Traceback" not in said
    # The same command: no fault, but the time of day jumps by years at every look.
    again = run(
        sys.executable, "-m", "dsmverify", *command, LD_PRELOAD=str(library), FAULTS_CLOCK="1"
    )
    assert again.returncode == 0, (again.stdout, again.stderr)
    assert "left 0" in again.stdout
    other = [*command[:3], str(tmp_path / "other.db"), *command[4:]]
    assert cli.main(other) == 0
    exports = []
    for arguments in (command[:4], other[:4]):
        capfd.readouterr()
        assert cli.main([*arguments, "--export", "csv"]) == 0
        exports.append(capfd.readouterr().out)
    assert exports[0] == exports[1]
    with Store.open(tmp_path / "sweep.db", write=False) as opened:
        rows = opened.database.execute("SELECT written FROM cells").fetchall()
        assert opened.verify() == []
    assert len({written[:4] for (written,) in rows}) > 1, "the clock did not jump"


FULL = """
import subprocess, sys
from pathlib import Path
from tests.sweeps import faults
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], check=True)
print(faults.swept(disk / "sweep.db"))
print("--")
subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
print(faults.swept(disk / "sweep.db"))
sys.stdout.flush()
subprocess.run(["cp", "-r", f"{disk}/.", sys.argv[2]], check=True)
"""


def test_a_disk_that_is_full(tmp_path: Path, unbroken: Path) -> None:
    """A file system of 300 KiB, and then a larger one."""
    alone = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "-r", "--mount"]
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    copy.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "none", str(disk)]
        subprocess.run([*alone, *mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here: none can be filled")
    found = run(*alone, sys.executable, "-c", FULL, str(disk), str(copy))
    assert found.returncode == 0, found.stderr
    first, second = found.stdout.split("--\n")
    assert "full" in first or "no space left" in first
    assert "make room or choose another place" in first
    assert second == "\n"
    assert faults.held(copy / "sweep.db") == faults.held(unbroken)


READ_ONLY = """
import os, sys
from pathlib import Path
from tests.sweeps import faults
if os.getuid() == 0:
    os.setuid(65534)  # root may write everywhere
print(faults.swept(Path(sys.argv[1])))
"""


def test_a_folder_that_is_read_only(unbroken: Path) -> None:
    # Not below pytest's own folder, which no other user may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        found = run(sys.executable, "-c", READ_ONLY, str(folder / "sweep.db"))
        assert found.returncode == 0, found.stderr
        assert "permission denied" in found.stdout
        assert "choose a folder that can be written to" in found.stdout
        folder.chmod(0o755)
        assert faults.swept(folder / "sweep.db") == ""
        assert faults.held(folder / "sweep.db") == faults.held(unbroken)


def test_a_stale_temporary_file(store: Path, unbroken: Path) -> None:
    with Store.open(store, write=True) as opened:
        opened.discard([CELLS[0].key])
    (file, *_) = sorted(store.with_name("sweep.db.arrays").rglob("*.npy"))
    stale = file.with_name(f"{file.name}.part")
    stale.write_bytes(file.read_bytes()[:1000])
    assert str(stale) in faults.swept(store)
    assert not stale.exists()
    assert faults.held(store) == faults.held(unbroken)


def test_a_newer_schema(store: Path, unbroken: Path) -> None:
    newest = max(schema.MIGRATIONS)
    for version in (newest + 1, newest):
        with sqlite3.connect(store) as database:
            database.execute(f"PRAGMA user_version = {version}")
        database.close()
        said = faults.swept(store)
        assert said == "" or (f"schema {version}" in said and "knows up to" in said)
        assert (said == "") == (version == newest)
    assert faults.held(store) == faults.held(unbroken)


def is_named(store: Path) -> bool:
    """Whether something says that a store is damaged."""
    try:
        with Store.open(store, write=False) as opened:
            return opened.verify() != []
    except StoreError:
        return True


def test_flipped_bytes(store: Path, unbroken: Path) -> None:
    """In the database or in an array: repaired and swept again, it has the same bytes."""
    generator = np.random.Generator(np.random.PCG64(3))
    files = sorted(store.with_name("sweep.db.arrays").rglob("*.npy"))
    sound = {file: file.read_bytes() for file in (store, *files)}
    named = {True: 0, False: 0}
    for file in (*[store] * 12, *files):
        content = bytearray(sound[file])
        # Zeros are mostly space that nothing uses.
        place = generator.choice(np.flatnonzero(np.frombuffer(content, np.uint8)))
        content[place] ^= 1 << int(generator.integers(8))
        file.write_bytes(content)
        if is_named(store):
            named[file == store] += 1
            assert repair(store).damages
            assert faults.swept(store) == ""
        assert faults.held(store) == faults.held(unbroken)
        for other in store.parent.glob("sweep.db*"):
            if other.is_file():
                other.unlink()
        for other, data in sound.items():
            other.write_bytes(data)
    assert named[True] >= 3
    assert named[False] == len(files)

"""Faults of disks and clocks, injected into real processes by `faults.c`.

`python -m tests.sweeps.faults FOLDER SCENARIO ...`, with the library loaded, sweeps again and
again: a fault happens at the first call, then at a later one, and so on until there are no more.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dsmverify.errors import DsmverifyError
from dsmverify.sweeps import runner
from dsmverify.sweeps.executors import Engine
from dsmverify.sweeps.repair import repair
from dsmverify.sweeps.store import Store
from tests.sweeps import trouble

WRITE, SYNC, READ, TRUNCATE = 1, 2, 4, 8

DATABASE: Final = "*/sweep.db,*/sweep.db-wal,*/sweep.db-shm"
FILES: Final = "*/sweep.db.arrays/*.part"
REBUILT: Final = "*/sweep.db.rebuilt,*/sweep.db.rebuilt-wal"
FOLDERS: Final = "*/sweep.db.arrays,*/sweep.db.arrays/??"

CELLS: Final = [trouble.cell("work", number) for number in range(7)]
"""Three of them have a large array."""


@dataclass(frozen=True)
class Scenario:
    """Which calls fail, and how.

    Attributes:
        calls: `WRITE` and so on, added.
        paths: globs.
        error: an errno; 0 for a write that takes half.
        count: calls that fail; -1 for all from the first on.
        step: calls from one fault to the next.
        says: part of what is said then; "" where nothing has to be.
        act: what is done to a store.
    """

    calls: int
    paths: str
    error: int
    count: int
    step: int
    says: str
    act: Callable[[Path], str]


def library(folder: Path) -> Path | None:
    """`faults.c` compiled; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    source, found = Path(__file__).with_name("faults.c"), folder / "faults.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(found), str(source)]
    subprocess.run([*command, "-ldl", "-lpthread"], check=True)
    return found


def swept(store: Path) -> str:
    """Sweep over `CELLS` in a thread; what was said, if anything."""
    try:
        with Store.open(store, write=True) as opened, ThreadPoolExecutor(1) as pool:
            summary = runner.run(CELLS, opened, Engine(pool, 1), bundle=3)
    except DsmverifyError as error:
        return str(error)
    if summary.left or summary.failed:
        assert summary.exit_status != 0
    return "\n".join(summary.notes)


def held(store: Path) -> dict[str, tuple[str, dict[str, bytes]]]:
    """All that a store says of `CELLS`, to the bit: an export has nothing else to go by."""
    with Store.open(store, write=False) as opened:
        assert opened.verify() == []
        found = [opened.read(cell.key) for cell in CELLS]
    return {
        one.key: (repr(one.record), {n: a.tobytes() for n, a in one.arrays.items()})
        for one in found
        if one is not None
    }


def repaired(store: Path) -> str:
    """Repair a damaged database: what was said; if nothing, what it says it kept is there."""
    try:
        found = repair(store)
    except DsmverifyError as error:
        return str(error)
    assert found.aside is not None
    assert len(held(store)) == found.kept
    return ""


def damaged(store: Path) -> None:
    """A finished store whose last page, of arrays, cannot be read."""
    assert swept(store) == ""
    content = bytearray(store.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content[-size : -size + 64] = b"\xa5" * 64
    store.write_bytes(content)


SCENARIOS: Final = {
    "database, one write": Scenario(WRITE, DATABASE, errno.EIO, 1, 4, "disk I/O error", swept),
    "database, all writes": Scenario(WRITE, DATABASE, errno.EIO, -1, 13, "disk I/O error", swept),
    "database, disk full": Scenario(
        WRITE, DATABASE, errno.ENOSPC, -1, 11, "full|disk I/O error", swept
    ),
    "database, syncs": Scenario(SYNC, DATABASE, errno.EIO, 1, 1, "disk I/O error", swept),
    "database, one read": Scenario(
        READ, DATABASE, errno.EIO, 1, 3, "disk I/O error|is damaged", swept
    ),
    "database, short writes": Scenario(WRITE, DATABASE, 0, 2, 13, "", swept),
    "arrays, one write": Scenario(WRITE, FILES, errno.EIO, 1, 1, "input/output error", swept),
    "arrays, all writes": Scenario(WRITE, FILES, errno.EIO, -1, 1, "input/output error", swept),
    "arrays, disk full": Scenario(WRITE, FILES, errno.ENOSPC, -1, 1, "no space left", swept),
    "arrays, read-only": Scenario(WRITE, FILES, errno.EROFS, -1, 1, "read-only file system", swept),
    "arrays, syncs of files": Scenario(SYNC, FILES, errno.EIO, 1, 1, "input/output error", swept),
    "arrays, syncs of folders": Scenario(
        SYNC, FOLDERS, errno.EIO, 1, 2, "input/output error", swept
    ),
    "arrays, short writes": Scenario(WRITE, FILES, 0, 2, 1, "", swept),
    "repair, all writes": Scenario(WRITE, REBUILT, errno.EIO, -1, 7, "disk I/O error", repaired),
    "repair, syncs": Scenario(SYNC, REBUILT, errno.EIO, -1, 1, "disk I/O error", repaired),
}


def main() -> int:
    folder = Path(sys.argv[1])
    runner.FLUSH = 0.0  # type: ignore[misc]
    disk = ctypes.CDLL(os.environ["LD_PRELOAD"])
    assert swept(folder / "unbroken.db") == ""
    expected = held(folder / "unbroken.db")
    for number, name in enumerate(sys.argv[2:]):
        print(name, injected(disk, SCENARIOS[name], folder / str(number), expected), flush=True)
    return 0


def injected(disk: ctypes.CDLL, scenario: Scenario, folder: Path, expected: object) -> int:
    """A fault at every place in turn, then the same sweep without; returns how many there were."""
    folder.mkdir()
    after, faults = 0, 0
    while True:
        place = folder / f"{after}"
        place.mkdir()
        store = place / "sweep.db"
        if scenario.act is repaired:
            damaged(store)
        armed = (scenario.calls, scenario.paths.encode(), scenario.error, after, scenario.count)
        disk.faults_arm(*armed)
        said = scenario.act(store)
        hits = disk.faults_hits()
        disk.faults_arm(0, b"", 0, 0, 0)
        if not hits:
            return faults
        if not any(part in said for part in scenario.says.split("|")):
            raise AssertionError(f"nothing said of a fault after {after} calls: {said!r}")
        # The fault is gone: the same comes to its end.
        again = scenario.act(store)
        assert again == "", again
        assert swept(store) == ""
        assert held(store) == expected
        assert not list(place.rglob("*.part"))
        shutil.rmtree(place)
        after, faults = after + scenario.step, faults + 1


if __name__ == "__main__":
    sys.exit(main())

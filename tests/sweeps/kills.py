"""`kill -9` at random instants: of the client, of its workers, of a Dask cluster's processes.

A campaign kills so often, sweeps to the end, and compares the export byte for byte with that of a
sweep that nobody disturbed. `make torture` runs many of them, and goes on where it was stopped:

    python -m tests.sweeps.kills [--kills 300] [--out build/torture]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from dsmverify.sweeps import runner
from dsmverify.sweeps.executors import Engine
from dsmverify.sweeps.store import Store
from tests.sweeps import trouble
from tests.sweeps.clusters import PATIENCE, ROOT, Cluster, descendants, is_worker, wait_until

What = Literal["client", "worker", "dask client", "dask worker", "scheduler"]

CELLS: Final = 450
STOPPED: Final = (2, 3)
"""Exit status of a client whose scheduler is gone, before it has answered or later."""

_KILLS = 5
_EVERY: Final[tuple[What, ...]] = (
    "client",
    "worker",
    "client",
    "worker",
    "dask worker",
    "dask client",
    "scheduler",
)


@dataclass(frozen=True)
class Campaign:
    """Whom to kill, how often, and how the sweep is cut up.

    Attributes:
        what: who is killed.
        kills: at most so many: a sweep may end before.
        jobs: workers.
        bundle: cells in a task; None to learn it.
        seed: of the instants.
    """

    what: What
    kills: int
    jobs: int
    bundle: int | None
    seed: int


def unbroken(folder: Path) -> bytes:
    """The export of a sweep in one thread, cell by cell."""
    cells = [trouble.named(number) for number in range(CELLS)]
    with Store.open(folder / "unbroken.db", write=True) as store, ThreadPoolExecutor(1) as pool:
        assert runner.run(cells, store, Engine(pool, 1), bundle=1).done == CELLS
    return trouble.csv_of(folder / "unbroken.db", cells, folder / "unbroken.csv")


def run(campaign: Campaign, folder: Path, expected: bytes) -> int:
    """Kill, sweep to the end, compare.

    Returns:
        How many processes were killed.
    """
    if campaign.what in ("client", "worker"):
        return _Killing(campaign, folder, None).run(expected)
    with Cluster(folder, campaign.jobs) as cluster:
        return _Killing(campaign, folder, cluster).run(expected)


class _Killing:
    def __init__(self, campaign: Campaign, folder: Path, cluster: Cluster | None) -> None:
        self.campaign = campaign
        self.store = folder / "sweep.db"
        self.folder = folder
        self.cluster = cluster
        self.random = random.Random(campaign.seed)
        self.made = 0

    def run(self, expected: bytes) -> int:
        what = self.campaign.what
        client = self.start()
        while self.made < self.campaign.kills and self.wait(client):
            if what in ("client", "dask client"):
                workers = descendants(client.pid)
                client.kill()
                self.made += 1
                client.wait(PATIENCE)
                wait_until("its workers end too", lambda w=workers: not any(map(is_worker, w)))
            elif what in ("worker", "dask worker"):
                self.kill_worker(client)
                continue
            else:
                assert self.cluster is not None
                self.cluster.scheduler.kill()
                self.made += 1
                assert client.wait(PATIENCE) in STOPPED, self.said()
                self.cluster.stop()
                self.cluster.start()
            client.wait(PATIENCE)
            client = self.start()
        # Cells that were hit several times may count as failed: the next run tries them again.
        if self.ended(client) != 0:
            assert self.ended(self.start()) == 0, self.said()
        cells = [trouble.named(number) for number in range(CELLS)]
        found = trouble.csv_of(self.store, cells, self.folder / "out.csv")
        assert found == expected, f"the export differs after {self.campaign}; {self.said()}"
        return self.made

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.sweeps.trouble", str(self.store)]
        command += ["--cells", str(CELLS), "--jobs", str(self.campaign.jobs)]
        if self.campaign.bundle is not None:
            command += ["--bundle", str(self.campaign.bundle)]
        if self.cluster is not None:
            command += ["--scheduler", self.cluster.address]
        with (self.folder / "client.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)

    def wait(self, client: subprocess.Popen[bytes]) -> bool:
        """Wait for a random instant; returns whether the client still runs then.

        Mostly it lies after some more cells are done, sometimes while everything starts.
        """
        if self.random.random() < 0.75:
            # So many cells that those which are left over are enough for the other kills.
            left = (CELLS - self.rows()) // (self.campaign.kills - self.made + 1)
            enough = self.rows() + self.random.randint(1, max(1, left))
            wait_until(
                "more cells are done",
                lambda: self.has_ended(client) or self.rows() >= enough,
            )
            time.sleep(self.random.uniform(0, 0.3))
        else:
            time.sleep(self.random.uniform(0, 3))
        return client.poll() is None

    def ended(self, client: subprocess.Popen[bytes]) -> int:
        """Wait for the end of a client; returns its exit status."""
        wait_until("the sweep ends", lambda: self.has_ended(client))
        return client.wait()

    def has_ended(self, client: subprocess.Popen[bytes]) -> bool:
        """Whether a client has ended; if it has not, the cluster keeps its number of workers."""
        if client.poll() is not None:
            return True
        if self.cluster is not None and self.campaign.what == "dask worker":
            self.cluster.replace_ended()
        return False

    def kill_worker(self, client: subprocess.Popen[bytes]) -> None:
        found = descendants(client.pid) if self.cluster is None else self.cluster.workers()
        if found:
            try:
                os.kill(self.random.choice(found), signal.SIGKILL)
            except ProcessLookupError:
                return
            self.made += 1

    def rows(self) -> int:
        try:
            database = sqlite3.connect(f"{self.store.as_uri()}?mode=ro", uri=True, timeout=30)
            try:
                return int(database.execute("SELECT count(*) FROM cells").fetchone()[0])
            finally:
                database.close()
        except sqlite3.Error:  # not there yet
            return 0

    def said(self) -> str:
        return (self.folder / "client.log").read_text(errors="replace")[-3000:]


def campaign_of(number: int) -> Campaign:
    """The campaign of a number: all of them differ in whom they hit, workers and bundles."""
    return Campaign(
        _EVERY[number % len(_EVERY)],
        _KILLS,
        (1, 2, 4)[number % 3],
        (None, 1, 7, 40)[number % 4],
        number,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("build/torture"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    record = options.out / "campaigns.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    made = sum(int(json.loads(line)["killed"]) for line in lines)
    number = len(lines)
    reference = options.out / "unbroken.csv"
    if not reference.exists():
        with tempfile.TemporaryDirectory() as place:
            reference.write_bytes(unbroken(Path(place)))
    expected = reference.read_bytes()
    while made < options.kills:
        campaign = campaign_of(number)
        folder = options.out / f"campaign-{number}"  # stays if it fails
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        killed = run(campaign, folder, expected)
        made, number = made + killed, number + 1
        with record.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(campaign) | {"killed": killed}) + "\n")
        shutil.rmtree(folder)
        print(
            f"{made} of {options.kills} kills: {campaign}, {killed} killed, same bytes", flush=True
        )
    print(f"{made} kills in {number} campaigns: every export has the bytes of an unbroken sweep")
    return 0


if __name__ == "__main__":
    sys.exit(main())

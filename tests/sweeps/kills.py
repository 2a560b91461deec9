"""`kill -9` at random instants: of the client, of its workers, of a Dask cluster's processes.

A campaign kills so often, sweeps to the end, and compares the export byte for byte with that of a
sweep that nobody disturbed. `make torture` runs many of them, and goes on where it was stopped:

    python -m tests.sweeps.kills [--kills 300] [--out build/torture]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, Self

from dsmverify.sweeps import runner
from dsmverify.sweeps.executors import Engine
from dsmverify.sweeps.store import Store
from tests.sweeps import trouble
from tests.sweeps.clusters import (
    PATIENCE,
    ROOT,
    Cluster,
    descendants,
    is_worker,
    kill,
    wait_until,
)

What = Literal["client", "worker", "dask client", "dask worker", "scheduler"]

CELLS: Final = 450
STOPPED: Final = (2, 3)
"""Exit status of a client whose scheduler is gone, before it has answered or later."""

_KILLS = 5
_ROUNDS = 20
"""Sweeps after which a campaign gives up: each may end before all of its kills are made."""

_START = 3.0
"""Seconds in which a client, its workers and their first cells come up, about."""

_FLUSH = 0.1
"""Seconds after which the client stores what it has: often, so that kills come in between."""

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
        kills: how often.
        jobs: workers.
        bundle: cells in a task; None to learn it.
        seed: of the instants.
        cells: how many the sweep has.
        nanny: whether workers of Dask have one.
    """

    what: What
    kills: int
    jobs: int
    bundle: int | None
    seed: int
    cells: int = CELLS
    nanny: bool = False

    @property
    def is_on_dask(self) -> bool:
        """Whether it needs a cluster."""
        return self.what not in ("client", "worker")


def unbroken(folder: Path, count: int = CELLS) -> bytes:
    """The export of a sweep in one thread, cell by cell."""
    cells = [trouble.named(number) for number in range(count)]
    with Store.open(folder / "unbroken.db", write=True) as store, ThreadPoolExecutor(1) as pool:
        assert runner.run(cells, store, Engine(pool, 1), bundle=1).done == count
    return trouble.csv_of(folder / "unbroken.db", cells, folder / "unbroken.csv")


def run(campaign: Campaign, folder: Path, expected: bytes) -> int:
    """Kill, sweep to the end, compare; once more with a new store while kills are left.

    Returns:
        How many processes were killed: as many as were asked for.
    """
    chance = random.Random(campaign.seed)
    made = 0
    with ExitStack() as stack:
        cluster = None
        if campaign.is_on_dask:
            cluster = Cluster(folder, campaign.jobs, nanny=campaign.nanny)
            stack.enter_context(cluster)
        for number in range(_ROUNDS):
            killing = _Killing(campaign, folder / f"sweep-{number}.db", cluster, chance)
            with killing:
                made += killing.run(expected, campaign.kills - made)
            if made == campaign.kills:
                return made
    raise AssertionError(f"{_ROUNDS} sweeps ended before {campaign} had made its kills")


class _Killing:
    """One store, swept to the end with so many kills on the way."""

    def __init__(
        self, campaign: Campaign, store: Path, cluster: Cluster | None, chance: random.Random
    ) -> None:
        self.campaign = campaign
        self.store = store
        self.folder = store.parent
        self.cluster = cluster
        self.random = chance
        self.kills = 0
        self.made = 0
        self.client: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.client is not None:
            self.client.kill()
            self.client.wait(PATIENCE)

    def run(self, expected: bytes, kills: int) -> int:
        self.kills = kills
        client = self.start()
        while self.made < self.kills and self.wait(client):
            if self.campaign.what in ("worker", "dask worker"):
                self.kill_worker(client)
                continue
            if self.campaign.what == "scheduler":
                self.kill_scheduler(client)
            else:
                workers = descendants(client.pid)
                client.kill()
                self.made += 1
                client.wait(PATIENCE)
                wait_until("its workers end too", lambda w=workers: not any(map(is_worker, w)))
            client = self.start()
        # Cells that were hit several times may count as failed: the next run tries them again.
        if self.ended(client) != 0:
            assert self.ended(self.start()) == 0, self.said()
        cells = [trouble.named(number) for number in range(self.campaign.cells)]
        found = trouble.csv_of(self.store, cells, self.folder / "out.csv")
        assert found == expected, f"the export differs after {self.campaign}; {self.said()}"
        return self.made

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.sweeps.trouble", str(self.store)]
        command += ["--cells", str(self.campaign.cells), "--jobs", str(self.campaign.jobs)]
        command += ["--flush", str(_FLUSH)]
        if self.campaign.bundle is not None:
            command += ["--bundle", str(self.campaign.bundle)]
        if self.cluster is not None:
            command += ["--scheduler", self.cluster.address]
        with (self.folder / "client.log").open("ab") as log:
            self.client = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        return self.client

    def wait(self, client: subprocess.Popen[bytes]) -> bool:
        """Wait for a random instant; returns whether the client still runs then.

        Mostly it lies after some more cells are done, sometimes while everything starts.
        """
        # So many cells that those which are left over are enough for the other kills.
        before = self.rows()
        share = max(1, (self.campaign.cells - before) // (self.kills - self.made + 1))
        if self.random.random() < 0.75:
            enough, latest = before + self.random.randint(1, share), math.inf
        else:
            enough = before + share
            latest = time.monotonic() + self.random.uniform(0, _START)
        wait_until(
            "more cells are done",
            lambda: self.has_ended(client) or self.rows() >= enough or time.monotonic() >= latest,
        )
        time.sleep(self.random.uniform(0, _FLUSH))
        return client.poll() is None

    def ended(self, client: subprocess.Popen[bytes]) -> int:
        """Wait for the end of a client; returns its exit status."""
        wait_until("the sweep ends", lambda: self.has_ended(client))
        return client.wait(PATIENCE)

    def has_ended(self, client: subprocess.Popen[bytes]) -> bool:
        """Whether a client has ended; if it has not, the cluster keeps its number of workers."""
        if client.poll() is not None:
            return True
        if self.cluster is not None:
            self.cluster.keep_up()
        return False

    def kill_worker(self, client: subprocess.Popen[bytes]) -> None:
        found = descendants(client.pid) if self.cluster is None else self.cluster.workers()
        if found:
            self.made += kill(self.random.choice(found))

    def kill_scheduler(self, client: subprocess.Popen[bytes]) -> None:
        """The client ends by itself; then there is a new cluster, at another address."""
        assert self.cluster is not None
        self.cluster.scheduler.kill()
        self.made += 1
        status = client.wait(PATIENCE)
        # The sweep may have come to its end just before.
        assert status in STOPPED or self.rows() == self.campaign.cells, (status, self.said())
        self.cluster.stop()
        self.cluster.start()

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
        nanny=number // len(_EVERY) % 2 == 0,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("build/torture"))
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    record = out / "campaigns.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    made = sum(int(json.loads(line)["killed"]) for line in lines)
    number = len(lines)
    # Its keys are those of the code of the cells.
    reference = out / f"unbroken-{trouble.named(0).key[:16]}.csv"
    if not reference.exists():
        with tempfile.TemporaryDirectory() as place:
            reference.write_bytes(unbroken(Path(place)))
    expected = reference.read_bytes()
    while made < options.kills:
        campaign = campaign_of(number)
        folder = out / f"campaign-{number}"  # stays if it fails
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

"""A Dask cluster on loopback made of real processes, and a way to kill any of them."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 300.0
"""Seconds until something that must happen counts as hung."""

_PORTS: Final = range(20_000, 32_000)
"""Below those that the kernel gives away: a connection to a scheduler that is gone cannot take its
place."""

_SCHEDULERS: Final = 5
_STUCK: Final = 60.0
"""Seconds without a worker after which a nanny is given up."""


class Cluster:
    """A scheduler and workers, each a process or, under a nanny, two.

    Attributes:
        address: of the scheduler; "" before the start.
    """

    def __init__(
        self,
        folder: Path,
        workers: int,
        *,
        losses: int = 20,
        path: str = "",
        nanny: bool = False,
        options: tuple[str, ...] = (),
    ) -> None:
        """Nothing starts yet.

        Args:
            folder: for logs and what workers write.
            workers: how many.
            losses: how many workers may be lost with a task before Dask gives it up.
            path: folders where workers find modules, beside the checkout.
            nanny: whether each worker has one, which starts it again.
            options: more of `dask worker`'s.
        """
        self.folder = folder
        self.address = ""
        self._count = workers
        self._losses = losses
        self._path = path
        self._nanny = nanny
        self._options = options
        self._processes: list[subprocess.Popen[bytes]] = []
        self._childless: dict[int, float] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def scheduler(self) -> subprocess.Popen[bytes]:
        return self._processes[0]

    def start(self) -> None:
        """A scheduler that answers, and workers, which may still be starting."""
        for _ in range(_SCHEDULERS):
            port = _free_port()
            self.address = f"tcp://127.0.0.1:{port}"
            self._run("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
            wait_until(
                "the scheduler answers or has ended",
                lambda port=port: self.scheduler.poll() is not None or answers(port),
            )
            if self.scheduler.poll() is None:
                break
            self._processes.clear()  # somebody else was faster and has the port
        else:
            raise AssertionError(f"no scheduler starts: {self.said()}")
        for _ in range(self._count):
            self.add_worker()

    def add_worker(self, **environment: str) -> None:
        """One worker more.

        Args:
            **environment: variables of its own.
        """
        self._run(
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--nanny" if self._nanny else "--no-nanny",
            "--no-dashboard",
            "--death-timeout",
            str(PATIENCE),
            "--local-directory",
            str(self.folder),
            *self._options,
            **environment,
        )

    def stop(self) -> None:
        """Kill everything: what is asked politely may hang, a nanny whose worker starts say."""
        children = [pid for process in self._processes[1:] for pid in descendants(process.pid)]
        for process in self._processes:
            process.kill()
        for pid in children:
            kill(pid)
        for process in self._processes:
            process.wait(PATIENCE)
        self._processes.clear()

    def keep_up(self) -> None:
        """New workers for those that ended, and for nannies that have none and start none."""
        now = time.monotonic()
        for process in self._processes[1:]:
            pid = process.pid
            if not self._nanny or descendants(pid):
                self._childless.pop(pid, None)
            elif now - self._childless.setdefault(pid, now) > _STUCK:
                process.kill()
                process.wait(PATIENCE)
            if process.poll() is not None:
                self._processes.remove(process)
                self.add_worker()

    def workers(self) -> list[int]:
        """Numbers of the processes that run cells."""
        found = [process.pid for process in self._processes[1:] if process.poll() is None]
        return [child for pid in found for child in descendants(pid)] if self._nanny else found

    def said(self) -> str:
        return (self.folder / "dask.log").read_text(errors="replace")[-3000:]

    def _run(self, *arguments: str, **environment: str) -> None:
        settings = {
            "PYTHONPATH": os.pathsep.join(filter(None, (self._path, str(ROOT)))),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self._losses),
            "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn",
        }
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        with (self.folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=os.environ | settings | environment,
                cwd=self.folder,
            )
        self._processes.append(process)


def _free_port() -> int:
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_PORTS)
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as found:
        found.settimeout(5)
        return found.connect_ex(("127.0.0.1", port)) == 0


def kill(pid: int) -> bool:
    """`kill -9`; returns whether there was such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def descendants(pid: int) -> list[int]:
    """Spawned worker processes below a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == pid and is_worker(int(entry.name)):
            found.append(int(entry.name))
    return found


def is_worker(pid: int) -> bool:
    """Whether a process was spawned by Python's multiprocessing and has not ended."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_until(what: str, is_so: object, seconds: float = PATIENCE) -> None:
    """Wait for something that happens in another process."""
    assert callable(is_so)
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds:g} seconds: {what}")
        time.sleep(0.05)

"""A Dask cluster on loopback made of real processes, and a way to kill any of them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 600.0
"""Seconds until something that must happen counts as hung."""


class Cluster:
    """A scheduler and workers, each with a nanny that starts it again.

    Attributes:
        address: of the scheduler.
    """

    def __init__(self, folder: Path, workers: int, *, losses: int = 20, path: str = "") -> None:
        """Nothing starts yet.

        Args:
            folder: for logs and what workers write.
            workers: how many.
            losses: how many workers may be lost with a task before Dask gives it up.
            path: folders where workers find modules, beside the checkout.
        """
        self.folder = folder
        self._count = workers
        self._losses = losses
        self._path = path
        self._processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = found.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
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
        self._run("scheduler", "--host", "127.0.0.1", "--port", str(self._port))
        for _ in range(self._count):
            self.add_worker()

    def add_worker(self, **environment: str) -> None:
        self._run(
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--nanny",
            "--no-dashboard",
            "--death-timeout",
            "60",
            "--local-directory",
            str(self.folder),
            **environment,
        )

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def replace_ended(self) -> None:
        """New workers for those that ended: a nanny gives up on one that is killed as it starts."""
        for process in self._processes[1:]:
            if process.poll() is not None:
                self._processes.remove(process)
                self.add_worker()

    def workers(self) -> list[int]:
        """Numbers of the processes that run cells."""
        found = [process.pid for process in self._processes[1:] if process.poll() is None]
        return [child for pid in found for child in descendants(pid)]

    def _run(self, *arguments: str, **environment: str) -> None:
        log = (self.folder / "dask.log").open("ab")
        settings = {
            "PYTHONPATH": os.pathsep.join(filter(None, (self._path, str(ROOT)))),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self._losses),
            "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn",
        }
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        if arguments[0] == "scheduler":
            command.append("--no-dashboard")
        with log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=os.environ | settings | environment,
                cwd=self.folder,
            )
        self._processes.append(process)


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
        time.sleep(0.02)

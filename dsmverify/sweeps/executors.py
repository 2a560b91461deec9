"""Where cells run: processes of this machine, a Dask cluster, or any `concurrent.futures.Executor`.

| engine | executor | a worker that is lost |
|---|---|---|
| `Engine` | any, that of `mpi4py.futures` say | as the executor has it |
| `Pool` | `ProcessPoolExecutor`, spawned | a new pool; the cells that ran are tried alone |
| `Dask` | `Client.get_executor()` | Dask runs its tasks elsewhere, a few times |

None of them schedules anything by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from dsmverify.errors import InputError, MissingExtraError, NotCompletedError, VersionError, show
from dsmverify.sweeps import origins, workers
from dsmverify.sweeps.workers import Outcome, Task

SCHEDULER: Final = "--scheduler"

GONE: Final = (
    "the scheduler is gone, and the tasks with it; what was done is stored: start the sweep again "
    "to go on"
)

_CONNECT: Final = 15
"""Seconds in which a scheduler has to answer."""

_REFRESH: Final = 5.0
"""Seconds after which the number of a cluster's workers is asked for again."""

_EMPTY: Final = 3
"""How often in a row a cluster is found without workers before that is said."""

_CLOSED: Final = ("closing", "closed")
"""What Dask calls a client that takes no more tasks."""

_WAITING: Final = (
    "the cluster has no worker: the sweep waits for one; start `dask worker` with the scheduler's "
    "address, or stop with Ctrl-C and go on later"
)


class Engine:
    """What the runner asks of an executor; this one takes any that somebody else has set up.

    Attributes:
        notes: what was noticed, one sentence each.
    """

    def __init__(self, executor: Executor | None = None, slots: int = 1) -> None:
        """An executor.

        Args:
            executor: its workers can import this package; whoever made it shuts it down.
            slots: how many tasks it runs at the same time.
        """
        self.notes: list[str] = []
        self._executor = executor
        self._slots = slots

    def slots(self) -> int:
        """How many tasks run at the same time."""
        return self._slots

    def may_be_alone(self) -> int:
        """How many suspects may run at the same time."""
        return self.slots()

    def submit(self, task: Task, *, alone: bool = False) -> Future[Outcome]:
        """Start a task.

        Args:
            task: what to do.
            alone: a suspect: no task of another cell may be lost with it.
        """
        assert self._executor is not None
        return self._executor.submit(workers.run, task)

    def is_loss(self, error: BaseException) -> bool:
        """Whether an error of a task means that its worker was lost, not that the task failed."""
        return isinstance(error, BrokenExecutor)

    def is_gone(self, error: BaseException) -> bool:
        """Whether an error of a task means that nothing can be run any more."""
        return False

    def lost(self, *, alone: bool) -> dict[str, bool] | None:
        """After a loss: go on with new workers.

        Returns:
            Cells that ran in the workers that were lost, and whether the time limit ended them;
            None where the executor itself has tried each task several times.

        Raises:
            NotCompletedError: there can be no new workers.
        """
        raise NotCompletedError(
            "the executor has lost its workers; what was done is stored: start the sweep again to "
            "go on"
        )

    def refuse(self, worker: str, why: VersionError) -> bool:
        """Give a worker nothing more; returns whether another one is left."""
        return False

    def blames(self, error: BaseException) -> bool:
        """Whether a task that could not be run should be given to another worker."""
        return False

    def ask_to_stop(self) -> None:
        """Let tasks that run end after the cells that they have begun, where that is possible."""

    def stop(self) -> None:
        """End all workers that are this engine's own, whatever they do."""


class Pool(Engine):
    """Processes of this machine, each with one thread for numerical libraries."""

    def __init__(self, jobs: int, *, memory: int | None = None) -> None:
        """Nothing starts yet.

        Args:
            jobs: processes.
            memory: bytes of data that each may have; None for no limit.
        """
        super().__init__(slots=jobs)
        self._memory = memory
        self._pools: dict[bool, tuple[ProcessPoolExecutor, Path]] = {}

    def may_be_alone(self) -> int:
        """One: a second pool has one process."""
        return 1

    def submit(self, task: Task, *, alone: bool = False) -> Future[Outcome]:
        """Start a task in a process; a suspect in a pool of its own."""
        executor, _ = self._pool(alone)
        try:
            return executor.submit(workers.run, task)
        except BrokenExecutor as error:  # between two tasks
            broken: Future[Outcome] = Future()
            broken.set_exception(error)
            return broken

    def lost(self, *, alone: bool) -> dict[str, bool] | None:
        """A new pool; says what the processes of the old one were doing."""
        executor, folder = self._pools.pop(alone)
        executor.shutdown(wait=True)  # it ends the other workers too
        found = workers.running(folder)
        shutil.rmtree(folder, ignore_errors=True)
        return found

    def ask_to_stop(self) -> None:
        """Let each process end the cell that it has begun."""
        for _, folder in self._pools.values():
            workers.ask_to_stop(folder)

    def stop(self) -> None:
        """Kill the processes."""
        for executor, folder in self._pools.values():
            own = {file.name for file in folder.iterdir()}
            found = [p for p in multiprocessing.active_children() if str(p.pid) in own]
            executor.shutdown(wait=False, cancel_futures=True)
            for process in found:
                process.kill()
            for process in found:
                process.join()
            shutil.rmtree(folder, ignore_errors=True)
        self._pools.clear()

    def _pool(self, alone: bool) -> tuple[ProcessPoolExecutor, Path]:
        if alone not in self._pools:
            folder = Path(tempfile.mkdtemp(prefix="dsmverify-sweep-"))
            try:
                executor = ProcessPoolExecutor(
                    1 if alone else self._slots,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=workers.prepare,
                    initargs=(str(folder), self._memory),
                )
            except BaseException:  # Ctrl-C, say
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._pools[alone] = executor, folder
        return self._pools[alone]


class Dask(Engine):
    """Workers of a Dask cluster that runs already."""

    def __init__(
        self, address: str, kinds: Iterable[str], *, say: Callable[[str], None] | None = None
    ) -> None:
        """Connect, and compare the versions of every worker with ours.

        Args:
            address: of the scheduler, `tcp://host:port`.
            kinds: of the cells: what the comparison is about.
            say: told once each time that the cluster has had no worker for some seconds.

        Raises:
            MissingExtraError: distributed is not installed.
            InputError: no scheduler answers there.
            NotCompletedError: it is gone again.
            VersionError: every worker differs.
        """
        super().__init__()
        try:
            self._distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise MissingExtraError("dask", "distributed", SCHEDULER) from None
        self._kinds = tuple(dict.fromkeys(kinds))
        try:
            self._client = self._distributed.Client(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                SCHEDULER,
                show(address),
                f"no Dask scheduler answers there ({type(error).__name__}: {error})",
                "start `dask scheduler`, and write the address that it prints: tcp://host:8786",
            ) from None
        self._tasks = self._client.get_executor(pure=False)
        self._good: set[str] = set()
        self._bad: dict[str, VersionError | None] = {}
        self._count = 0
        self._say = say
        self._empty = 0
        self._asked = -_REFRESH
        try:
            self._look()
            if self._bad and not self._good:
                raise next(
                    (why for why in self._bad.values() if why is not None),
                    VersionError("dsmverify", "this version", "none", "every worker"),
                )
        except BaseException:
            self._client.close()
            raise

    def slots(self) -> int:
        """Workers: a process runs one cell at a time however many threads it has."""
        now = time.monotonic()
        if now - self._asked > _REFRESH:
            with contextlib.suppress(Exception):  # a scheduler that is gone shows in its tasks
                self._count = len(self._client.nthreads())
                self._empty = 0 if self._count else self._empty + 1
                if self._empty == _EMPTY and self._say is not None:
                    self._say(_WAITING)
            self._asked = now
        return max(1, self._count - len(self._bad))

    def submit(self, task: Task, *, alone: bool = False) -> Future[Outcome]:
        """Give a task to the cluster; Dask decides where it runs."""
        # A list of workers costs bytes in every task: only where some are left out.
        where = {"workers": sorted(self._good)} if self._bad else {}
        try:
            found: Future[Outcome] = self._tasks.submit(workers.run, task, **where)
        except Exception as error:
            # A client closes itself when its scheduler stays away.
            if isinstance(error, OSError | RuntimeError) or self._client.status in _CLOSED:
                raise NotCompletedError(GONE) from error
            raise
        return found

    def is_loss(self, error: BaseException) -> bool:
        """Whether Dask has given a task up, after several workers were lost with it."""
        return isinstance(error, self._distributed.KilledWorker)

    def is_gone(self, error: BaseException) -> bool:
        """Whether the connection broke; errors of cells never come this way."""
        return isinstance(error, OSError | CancelledError)

    def lost(self, *, alone: bool) -> dict[str, bool] | None:
        """Dask has other workers already."""
        return None

    def refuse(self, worker: str, why: VersionError) -> bool:
        """Give a worker nothing more; returns whether another one is left."""
        if worker not in self._bad:
            self._bad[worker] = why
            self.notes.append(f"worker {worker} gets nothing: {why}")
        self._good.discard(worker)
        self._look()
        return bool(self._good)

    def blames(self, error: BaseException) -> bool:
        """Whether a worker has joined that differs from us, and another one is left."""
        before = len(self._bad)
        self._look()
        return len(self._bad) > before and bool(self._good)

    def stop(self) -> None:
        """Leave the cluster; its workers are not ours."""
        # A client that looks for its lost scheduler complains at length when it is closed.
        log = logging.getLogger("distributed.client")
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            # What it raises where the scheduler is gone would hide the error that says so.
            with contextlib.suppress(Exception):
                self._tasks.shutdown(wait=False)
            with contextlib.suppress(Exception):
                self._client.close(timeout=2)
        finally:
            log.setLevel(level)

    def _look(self) -> None:
        """Compare workers that were not there before."""
        ours = {kind: origins.of(kind) for kind in self._kinds}
        known = self._good | {*self._bad}
        try:
            new = [name for name in self._client.nthreads() if name not in known]
            if not new:
                return
            found: dict[str, Any] = self._client.run(
                workers.origins_here, self._kinds, workers=new, on_error="return"
            )
        except (Exception, asyncio.CancelledError) as error:
            raise NotCompletedError(GONE) from error
        for name in sorted(found):
            why = _difference(ours, found[name], name)
            if why is None:
                self._good.add(name)
                continue
            self._bad[name] = why
            self.notes.append(f"worker {name} gets nothing: {why}")


def _difference(
    ours: dict[str, origins.Origin], theirs: dict[str, origins.Origin] | Exception, worker: str
) -> VersionError | None:
    """What a worker has that this process has not; None if nothing."""
    where = f"worker {worker}"
    if isinstance(theirs, BaseException):
        return VersionError("dsmverify", "this version", f"none ({theirs})", where)
    for kind, origin in ours.items():
        other = theirs[kind]
        for name in sorted({*origin.libraries, *other.libraries}):
            wanted, found = (one.libraries.get(name, "none") for one in (origin, other))
            if wanted != found:
                return VersionError(name, wanted, found, where)
        if origin.code != other.code:
            return VersionError("source code", origin.code[:16], other.code[:16], where)
    return None

"""What happens in a worker process: cells of a bundle, one after the other, within limits.

Only one cell runs in a process at a time, also where an executor gives it several threads: the
precision of certified arithmetic is one setting of the whole process.

A cell over its time limit is interrupted first: by an alarm in a main thread, by an exception that
another thread sends elsewhere. If that does not stop it (compiled code does not look), the process
is ended two seconds later by a thread that needs nothing of Python, and the executor sees a lost
worker.

This module imports the standard library only, so that a new process sets its limits and its number
of threads before any numerical library is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import platform
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from dsmverify.errors import VersionError
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.kinds import Result
    from dsmverify.sweeps.origins import Origin

GRACE: Final = 2.0
"""Seconds between asking a cell to end and ending its process."""

_FOREVER: Final = 1e9
"""Seconds, thirty years, from which a limit is none: timers do not count so far."""

THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Environment variables that numerical libraries read when they are loaded."""

_KEY_LENGTH = 64
_STOP = "stop"
_OVER = ".over"


@dataclass(frozen=True)
class Task:
    """A bundle of cells for one worker.

    Attributes:
        cells: at least one.
        seconds: time limit of each cell; infinite for none.
        client: host name and number of the process that asks; that one is never ended.
        given: records of other cells that these need, by key.
    """

    cells: tuple[Cell, ...]
    seconds: float
    client: tuple[str, int]
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A cell that raised, or went over a limit."""

    key: str
    error: str
    seconds: float


@dataclass
class Outcome:
    """What came of a task.

    Attributes:
        worker: address on a cluster, else the number of the process.
        done: results.
        failed: cells that have failed.
        left: keys of cells that were not begun.
        refused: why the worker may not do such cells at all, if so.
    """

    worker: str
    done: list[Result] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    refused: VersionError | None = None


class TimeLimit(BaseException):
    """Ends a cell; no `except Exception` in its code swallows it."""


class Marks:
    """What the workers of a pool are doing, in a folder: who is lost takes no secret along.

    | file | content |
    |---|---|
    | `PID` | key of the cell that runs, or blanks |
    | `PID.over` | where a cell was that had to be ended, or nothing |
    | `stop` | if it is there, no worker begins another cell |
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mine = folder / str(os.getpid())
        self._handle = os.open(mine, os.O_RDWR | os.O_CREAT, 0o600)
        self.over: IO[str] = mine.with_suffix(_OVER).open("w", encoding="utf-8")
        self._stop = str(folder / _STOP)

    def set(self, key: str) -> None:
        """Note which cell runs; "" for none."""
        os.pwrite(self._handle, key.ljust(_KEY_LENGTH).encode("ascii"), 0)

    @property
    def stopped(self) -> bool:
        """Whether the sweep was asked to end."""
        return os.path.exists(self._stop)

    def remove(self) -> None:
        """Take the files of this process away, and the folder with the last of them."""
        with contextlib.suppress(OSError):
            for file in self.folder.glob(f"{os.getpid()}*"):
                file.unlink()
            (self.folder / _STOP).unlink(missing_ok=True)
            self.folder.rmdir()


def running(folder: Path) -> dict[str, bool]:
    """Cells that ran when their workers ended.

    Args:
        folder: of `Marks`; its processes have ended.

    Returns:
        Whether the time limit ended them, by key.
    """
    found = {}
    for file in sorted(folder.iterdir()):
        if file.name.isdecimal():
            key = file.read_text(encoding="ascii").strip()
            over = file.with_suffix(_OVER)
            if key:
                found[key] = over.exists() and over.stat().st_size > 0
    return found


def ask_to_stop(folder: Path) -> None:
    """Let the workers of a pool end after the cells that they have begun."""
    (folder / _STOP).touch()


_marks: Marks | None = None
_one_at_a_time = threading.Lock()


def prepare(folder: str, memory: int | None) -> None:
    """Set up a process of a pool: threads, memory limit, and that it ends with its parent.

    Args:
        folder: of `Marks`.
        memory: bytes of data that the process may have; None for no limit.
    """
    global _marks  # noqa: PLW0603 - a process has one
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    for name in THREADS:
        os.environ[name] = "1"
    if memory is not None:
        # Nobody gets more than the limit of the whole session, however much is asked for.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        kept = min(memory, sys.maxsize if most == resource.RLIM_INFINITY else most)
        resource.setrlimit(resource.RLIMIT_DATA, (kept, kept))
    _marks = Marks(Path(folder))
    threading.Thread(target=_end_with_parent, args=(_marks,), daemon=True).start()


def _end_with_parent(marks: Marks) -> None:
    """A killed parent closes nothing that its workers wait for."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        marks.remove()
        os._exit(1)


def run(task: Task) -> Outcome:
    """Work a bundle out; a cell that fails does not keep the others from being done.

    Args:
        task: what to do.
    """
    from dsmverify.errors import VersionError
    from dsmverify.sweeps import kinds

    outcome = Outcome(_address())
    is_client = task.client == (platform.node(), os.getpid())
    with _one_thread():
        for place, cell in enumerate(task.cells):
            if _marks is not None and _marks.stopped:
                outcome.left = [other.key for other in task.cells[place:]]
                break
            with _one_at_a_time:
                began, made = perf_counter(), None
                try:
                    with _marked(cell.key), _limited(task.seconds, may_end=not is_client):
                        made = kinds.run(cell, task.given)
                except VersionError as refused:
                    outcome.refused = refused
                    outcome.left = [other.key for other in task.cells[place:]]
                    break
                except TimeLimit:
                    error = f"time limit of {task.seconds:g} seconds"
                except MemoryError as raised:
                    error = f"memory limit, or no memory left ({str(raised) or 'no more said'})"
                except (Exception, SystemExit) as raised:
                    error = _worded(raised)
                if made is None:
                    outcome.failed.append(Failed(cell.key, error, perf_counter() - began))
                else:  # also where its time was over just after it had come to an end
                    outcome.done.append(made)
    return outcome


def origins_here(kinds: tuple[str, ...]) -> dict[str, Origin]:
    """Code and libraries of this process for each kind.

    Args:
        kinds: of cells.
    """
    from dsmverify.sweeps import origins

    return {kind: origins.of(kind) for kind in kinds}


@contextlib.contextmanager
def _marked(key: str) -> Iterator[None]:
    if _marks is None:
        yield
        return
    _marks.set(key)
    try:
        yield
    finally:
        _marks.set("")


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Libraries that were loaded before; the others read the environment."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch: Any = sys.modules.get("torch")
    if torch is not None and _marks is not None:
        torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


@contextlib.contextmanager
def _limited(seconds: float, *, may_end: bool) -> Iterator[None]:
    """Raise `TimeLimit` in the block after some seconds; end the process if that is no use.

    Args:
        seconds: infinite for no limit.
        may_end: whether this process may be ended.
    """
    if seconds >= _FOREVER:
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()
    with contextlib.ExitStack() as stack:
        if may_end:
            place = sys.__stderr__ if _marks is None else _marks.over
            if place is None:
                place = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=place)
            stack.callback(faulthandler.cancel_dump_traceback_later)
        with _alarmed(seconds) if is_main else _told(seconds):
            yield


@contextlib.contextmanager
def _alarmed(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeLimit


@contextlib.contextmanager
def _told(seconds: float) -> Iterator[None]:
    """Signals reach main threads only; another thread gets its exception from a timer."""
    thread, guard, is_over = threading.get_ident(), threading.Lock(), False

    def tell() -> None:
        with guard:
            if not is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(TimeLimit)
                )

    timer = threading.Timer(seconds, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with guard:
            is_over = True
        timer.cancel()


def _address() -> str:
    distributed: Any = sys.modules.get("distributed")
    if distributed is not None:
        with contextlib.suppress(ValueError):  # this is no worker of a cluster
            return str(distributed.get_worker().address)
    return f"process {os.getpid()}"


def _worded(error: BaseException) -> str:
    """An error in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    try:
        said = str(error)
    except Exception:
        said = "it has no text"
    return f"{type(error).__name__}: {' '.join(said.split())}{where}"

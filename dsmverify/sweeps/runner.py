"""Runs the cells of a sweep that are not done yet, and hands what comes out to the store.

The process that calls `run` is the only one that writes the store; results come back to it bundle
by bundle and are stored at most a second later. Killed at any instant it loses what was not stored
by then, and the next run does just that again.

A cell that needs the results of others, of derivations say, waits until they are stored; where one
of those has failed it stays undone, and a note says so.

A cell fails (and is recorded, with the reason) when it raises, goes over its time or memory limit,
gives what cannot be stored, or ends its worker again when it is tried alone. The rest goes on.
"""

from __future__ import annotations

import os
import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from dsmverify.errors import NotCompletedError, StoreError
from dsmverify.sweeps.bundles import Bundles
from dsmverify.sweeps.executors import GONE
from dsmverify.sweeps.needs import Needs
from dsmverify.sweeps.workers import Outcome, Task

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.executors import Engine
    from dsmverify.sweeps.kinds import Result
    from dsmverify.sweeps.store import Store

Progress = Callable[[int, int, str], None]

TIME_LIMIT: Final = 86400.0
"""Seconds for one cell unless something else is asked for: a hung cell ends some time."""

FLUSH: Final = 1.0
"""Seconds after which results are stored."""

ALONE: Final = 2
"""How often a cell whose worker was lost is tried alone before it counts as failed."""

_MANY = 1000
_AHEAD = 2
"""Tasks for each worker: one that runs and one that waits for it."""

_PATIENCE = 5.0
"""Seconds that tasks get to end when the sweep is stopped."""

_STARTS = 3
_REFUSED_WRITES = 3


@dataclass
class Summary:
    """What a run came to.

    Attributes:
        total: cells of the sweep, each key once.
        before: of these, done before.
        done: finished by this run.
        failed: recorded as failed by this run.
        left: neither done nor failed now.
        skipped: failed before and not tried again.
        unstored: of those left, worked out or failed, and not written to the store.
        stopped: whether it was interrupted.
        notes: what was noticed, one sentence each.
    """

    total: int
    before: int
    done: int = 0
    failed: int = 0
    left: int = 0
    skipped: int = 0
    unstored: int = 0
    stopped: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """0 if all that was asked for is done, 1 if cells have failed, 3 if it was cut short."""
        if self.stopped or self.unstored:
            return NotCompletedError.exit_status
        return 1 if self.failed or self.skipped else 0

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [f"note: {note}" for note in self.notes]
        found.append(
            f"cells: {self.total}, done before {self.before}, done now {self.done}, "
            f"failed now {self.failed}, failed before {self.skipped}, left {self.left}"
        )
        return found


def run(
    cells: Sequence[Cell],
    store: Store,
    engine: Engine,
    *,
    retry_failed: bool = False,
    limit: int | None = None,
    time_limit: float = TIME_LIMIT,
    bundle: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Work out what is missing.

    Interrupted (Ctrl-C) it stores what has come back, ends the workers and returns.

    Args:
        cells: of the sweep, in its order.
        store: open for writing.
        engine: where cells run; it is stopped at the end.
        retry_failed: also try again what has failed before.
        limit: at most so many cells; None for all.
        time_limit: seconds for one cell.
        bundle: cells in every task; None to learn a good number.
        progress: told how many are done, how many there are, and what came last.

    Returns:
        Counts and notes.

    Raises:
        NotCompletedError: workers cannot be started, the scheduler is gone, or the store cannot be
            written any more; what was stored stays.
        VersionError: no worker has our code and libraries.
    """
    unique = {cell.key: cell for cell in cells}
    done = store.has(unique)
    failed = set() if retry_failed else store.failed(unique).keys()
    todo = [cell for key, cell in unique.items() if key not in done and key not in failed]
    summary = Summary(len(unique), len(done), skipped=len(failed), left=len(todo))
    asked = todo[:limit]
    needs = _needs(asked, failed, store)
    waiting = Bundles(needs.admit(asked), size=bundle)
    run_of = _Run(store, engine, summary, waiting, needs, len(asked), time_limit, progress)
    try:
        run_of.go()
    finally:
        engine.stop()
        store.try_to_fold()
        summary.notes += [*engine.notes, *store.notes]
        summary.left = len(todo) - summary.done - summary.failed
    if not summary.stopped:
        for key, count in needs.held.items():
            what = " ".join(filter(None, (unique[key].kind, *unique[key].labels.values())))
            summary.notes.append(f"{count} cells wait for {key[:16]} ({what}), which is not done")
    return summary


def _needs(cells: Sequence[Cell], failed: Set[str], store: Store) -> Needs:
    """What the store has of the results that cells need, and which are to come.

    Raises:
        StoreError: one of them is damaged.
    """
    wanted = {key for cell in cells for key in cell.needs}
    done = {key: store.read(key) for key in sorted(store.has(wanted))}
    given = {key: stored.record for key, stored in done.items() if stored is not None}
    return Needs(given, wanted & (failed | {cell.key for cell in cells}))


@dataclass
class _Flight:
    cells: tuple[Cell, ...]
    alone: bool
    pool: int


class _Run:
    """One run: what waits, what is under way, and what is to be stored."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        summary: Summary,
        waiting: Bundles,
        needs: Needs,
        total: int,
        time_limit: float,
        progress: Progress | None,
    ) -> None:
        self.store = store
        self.engine = engine
        self.summary = summary
        self.waiting = waiting
        self.needs = needs
        self.time_limit = time_limit
        self.progress = progress
        self.client = (platform.node(), os.getpid())
        self.flights: dict[Future[Outcome], _Flight] = {}
        # `wait` would look at every task under way each time that one comes back.
        self.ready: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self.alone = 0
        self.suspects: deque[Cell] = deque()
        self.strikes: Counter[str] = Counter()
        self.pools = {False: 0, True: 0}
        self.losses: dict[tuple[bool, int], dict[str, bool] | None] = {}
        self.empty_losses = 0
        self.results: list[Result] = []
        self.cells: dict[str, Cell] = {}
        self.flushed = time.monotonic()
        self.total = total
        self.refused_writes = 0

    def go(self) -> None:
        try:
            while self.waiting or self.suspects or self.flights:
                self.submit()
                self.collect(FLUSH)
                is_idle = not (self.waiting or self.flights)
                if (
                    is_idle  # what is stored now may be what others wait for
                    or len(self.results) >= _MANY
                    or time.monotonic() - self.flushed >= FLUSH
                ):
                    self.flush()
        except KeyboardInterrupt:
            self.stop()
        finally:
            self.flush()

    def submit(self) -> None:
        slots = self.engine.slots()
        while self.suspects and self.alone < self.engine.may_be_alone():
            self.start((self.suspects.popleft(),), alone=True)
        while self.waiting and len(self.flights) - self.alone < _AHEAD * slots:
            self.start(self.waiting.take(slots), alone=False)

    def start(self, cells: tuple[Cell, ...], *, alone: bool) -> None:
        task = Task(cells, self.time_limit, self.client, self.needs.given(cells))
        flight = _Flight(cells, alone, self.pools[alone])
        future = self.engine.submit(task, alone=alone)
        self.flights[future] = flight
        self.alone += alone
        future.add_done_callback(self.ready.put)

    def collect(self, seconds: float) -> None:
        """Take what has come back; wait for something if there is nothing."""
        try:
            ready = [self.ready.get(timeout=seconds)]
        except Empty:
            return
        while not self.ready.empty():
            ready.append(self.ready.get())
        for future in ready:
            flight = self.flights.pop(future)
            self.alone -= flight.alone
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                self.take(flight, future.result())
            elif isinstance(error, CancelledError) or self.engine.is_gone(error):
                raise NotCompletedError(GONE) from error
            elif self.engine.is_loss(error):
                self.lose(flight, error)
            elif self.engine.blames(error):
                self.waiting.put_back(flight.cells)
            elif len(flight.cells) == 1:
                self.fail(flight.cells[0], f"{type(error).__name__}: {error}", 0.0)
            else:  # one of them cannot be sent or brought back
                self.suspects.extend(flight.cells)

    def take(self, flight: _Flight, outcome: Outcome) -> None:
        by_key = {cell.key: cell for cell in flight.cells}
        self.empty_losses = 0
        for result in outcome.done:
            self.cells[result.key] = by_key[result.key]
            self.results.append(result)
        for failed in outcome.failed:
            self.fail(by_key[failed.key], failed.error, failed.seconds)
        self.waiting.put_back([by_key[key] for key in outcome.left])
        seconds = {one.key: one.seconds for one in outcome.done + outcome.failed}
        self.waiting.learn(flight.cells, seconds)
        if outcome.refused is not None and not self.engine.refuse(outcome.worker, outcome.refused):
            raise outcome.refused
        self.tell(flight.cells[-1])

    def lose(self, flight: _Flight, error: BaseException) -> None:
        """A worker has ended, and the flight with it."""
        pool = (flight.alone, flight.pool)
        if pool not in self.losses:  # the first flight of its pool
            self.losses[pool] = self.engine.lost(alone=flight.alone)
            self.pools[flight.alone] += 1
            self.empty_losses += not self.losses[pool]
        running = self.losses[pool]
        if running is None:
            if len(flight.cells) == 1:
                self.fail(flight.cells[0], f"its workers were lost ({error})", 0.0)
            else:
                self.suspects.extend(flight.cells)
            return
        if self.empty_losses >= _STARTS:
            raise NotCompletedError(
                f"worker processes end before they begin a cell ({error}); is there too little "
                "memory for them?"
            )
        back = []
        for cell in flight.cells:
            if running.get(cell.key):
                limit = f"time limit of {self.time_limit:g} seconds; its worker had to be ended"
                self.fail(cell, limit, self.time_limit)
            elif cell.key not in running:
                back.append(cell)
            else:
                self.strikes[cell.key] += flight.alone
                if self.strikes[cell.key] < ALONE:
                    self.suspects.append(cell)
                    continue
                self.fail(
                    cell,
                    f"its worker process ended each time, {ALONE} times with no other cell: "
                    "killed, out of memory, or crashed",
                    0.0,
                )
        if flight.alone:
            self.suspects.extend(back)
        else:
            self.waiting.put_back(back)

    def fail(self, cell: Cell, error: str, seconds: float) -> None:
        try:
            self.store.fail(cell, error, seconds=seconds)
        except StoreError as refused:
            self.not_written(cell, refused)
            return
        self.refused_writes = 0
        self.summary.failed += 1
        self.tell(cell)

    def tell(self, cell: Cell) -> None:
        if self.progress is not None:
            done = self.summary.done + len(self.results) + self.summary.failed
            self.progress(done, self.total, " ".join(filter(None, cell.labels.values())))

    def flush(self) -> None:
        """Store what has come back."""
        self.flushed = time.monotonic()
        if not self.results:
            return
        try:
            self.summary.done += self.store.put_many(self.results)
        except StoreError as error:
            note = f"results were written again, one by one: {error}"
            if note not in self.summary.notes:
                self.summary.notes.append(note)
            self.put_singly()
        except (ValueError, TypeError):
            self.put_singly()
        else:
            self.refused_writes = 0
            for result in self.results:
                self.stored(result)
        self.results.clear()
        self.cells.clear()

    def stored(self, result: Result) -> None:
        """Cells that waited for a result can run."""
        if not self.summary.stopped:
            self.waiting.add(self.needs.came(result.key, result.record))

    def put_singly(self) -> None:
        """Find what it is that cannot be stored; the rest is."""
        while self.results:
            result = self.results.pop(0)
            cell = self.cells[result.key]
            try:
                self.summary.done += self.store.put(result)
                self.refused_writes = 0
                self.stored(result)
            except StoreError as error:
                self.not_written(cell, error)
            except (ValueError, TypeError) as error:
                self.fail(cell, f"its result cannot be stored: {error}", result.seconds)

    def not_written(self, cell: Cell, error: StoreError) -> None:
        """One is passed over, and is worked out again by the next run; several in a row are not."""
        self.refused_writes += 1
        if self.refused_writes >= _REFUSED_WRITES:
            self.results.clear()
            raise NotCompletedError(str(error)) from error
        self.summary.unstored += 1
        self.summary.notes.append(f"cell {cell.key[:16]} could not be stored: {error}")

    def stop(self) -> None:
        """Interrupted: bundles end after the cells that they have begun, if that is soon."""
        self.summary.stopped = True
        self.waiting.drop()
        self.suspects.clear()
        self.engine.ask_to_stop()
        for future in [future for future in self.flights if future.cancel()]:
            self.flights.pop(future)
        try:
            wait(self.flights, timeout=_PATIENCE)
        except KeyboardInterrupt:
            return
        for future, flight in self.flights.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.take(flight, future.result())


def kinds_of(cells: Iterable[Cell]) -> list[str]:
    """Kinds of cells, each once, in their order."""
    return list(dict.fromkeys(cell.kind for cell in cells))

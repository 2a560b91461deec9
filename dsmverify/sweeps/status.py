"""How far a sweep is: cells by state and kind, failures, and how long the rest may take.

The estimate multiplies the work that is left by the seconds that a unit of work took so far, kind
by kind; where nothing of a kind is done yet it says so instead of guessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.store import Failure, Store


@dataclass(frozen=True)
class Kind:
    """Cells of one kind.

    Attributes:
        name: the kind.
        done: cells.
        failed: cells.
        missing: cells, neither done nor failed.
        spent: seconds of one process that the done ones took.
        left: seconds of one process that the missing ones may take; None if nothing tells.
    """

    name: str
    done: int
    failed: int
    missing: int
    spent: float
    left: float | None


@dataclass(frozen=True)
class Status:
    """A sweep against its store.

    Attributes:
        kinds: in the order of the cells.
        failures: failed cells in their order, with their labels.
        others: cells in the store that the sweep does not have.
    """

    kinds: tuple[Kind, ...]
    failures: tuple[tuple[Cell, Failure], ...]
    others: int = 0

    @property
    def left(self) -> float | None:
        """Seconds of one process for all that is missing; None if a kind cannot be told."""
        each = [kind.left for kind in self.kinds]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if len(known) == len(each) else None

    def lines(self, *, workers: int = 1) -> list[str]:
        """For the terminal: a line for each kind, the estimate, and every failure.

        Args:
            workers: processes among which the estimate divides the work.
        """
        found = [
            f"{kind.name}: {kind.done} done, {kind.failed} failed, {kind.missing} left"
            for kind in self.kinds
        ]
        if any(kind.missing for kind in self.kinds):
            among = "1 worker" if workers == 1 else f"{workers} workers"
            left = self.left
            found.append(
                "time for the rest: not known before some of it is done"
                if left is None
                else f"time for the rest: about {spelled(left / workers)} with {among}"
            )
        if self.others:
            found.append(
                f"others in the store: {self.others}, of other settings, data, code or libraries"
            )
        for cell, failure in self.failures:
            what = ", ".join(f"{name} {value}" for name, value in cell.labels.items() if value)
            what = " ".join(what.split())  # a name may have a line break
            times = "once" if failure.attempts == 1 else f"{failure.attempts} times"
            found.append(f"failed {times}: {cell.key[:16]} ({what}): {failure.error}")
        return found


def of(store: Store | None, cells: Sequence[Cell]) -> Status:
    """Status of a sweep.

    Args:
        store: open; None if there is none yet.
        cells: of the sweep.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = [cell.key for cell in cells]
    seconds: dict[str, float] = {}
    failed: dict[str, Failure] = {}
    others = 0
    if store is not None:
        with store.unchanged():
            seconds, failed = store.seconds(keys), store.failed(keys)
            others = store.count() - len(seconds) - len(failed)
    kinds = []
    for name in dict.fromkeys(cell.kind for cell in cells):
        # Cells of one key are one piece of work.
        own = list({cell.key: cell for cell in cells if cell.kind == name}.values())
        done = [cell for cell in own if cell.key in seconds]
        bad = [cell for cell in own if cell.key in failed]
        rest = [cell for cell in own if cell.key not in seconds and cell.key not in failed]
        spent, work = sum(seconds[c.key] for c in done), sum(c.work for c in done)
        left = 0.0 if not rest else None
        if rest and work:
            left = sum(cell.work for cell in rest) * spent / work
        kinds.append(Kind(name, len(done), len(bad), len(rest), spent, left))
    unique: dict[str, Cell] = {}
    for cell in cells:
        unique.setdefault(cell.key, cell)  # what has two names goes by its first
    failures = tuple((cell, failed[key]) for key, cell in unique.items() if key in failed)
    return Status(tuple(kinds), failures, others)


def spelled(seconds: float) -> str:
    """A duration in its largest fitting unit."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"

"""Bundles: so many cells in one task that it lasts about a second and a half.

How long a cell takes is learnt while the sweep runs: seconds for a unit of work (`Cell.work`), kind
by kind. A kind that nothing is known of starts with one cell, and a bundle has at most four times
as many cells as the largest of its kind that has come back. Near the end bundles get smaller, so
that all workers end together. No result depends on any of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell

SECONDS: Final = 1.5
"""How long a task is meant to last, with up to 150 workers."""

RATE: Final = 100.0
"""Tasks a second that a scheduler is asked to handle: with more workers tasks last longer."""

_GROWTH = 4
_SHARE = 0.5
"""Weight of the newest measurement."""


class Bundles:
    """Cells that wait, and how many of them go into the next task."""

    def __init__(
        self, cells: Iterable[Cell], *, size: int | None = None, seconds: float = SECONDS
    ) -> None:
        """Cells in their order.

        Args:
            cells: what is to be done.
            size: cells in every bundle; None to learn it.
            seconds: what a task is meant to last.
        """
        self._waiting = deque(cells)
        self._size = size
        self._seconds = seconds
        self._pace: dict[str, float] = {}
        self._largest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, cells: Iterable[Cell]) -> None:
        """Cells that can be run now come last, in their order."""
        self._waiting.extend(cells)

    def put_back(self, cells: Iterable[Cell]) -> None:
        """Cells whose worker was lost come first again, in their order."""
        self._waiting.extendleft(reversed(list(cells)))

    def drop(self) -> None:
        """Forget what is waiting."""
        self._waiting.clear()

    def learn(self, cells: Iterable[Cell], seconds: Mapping[str, float]) -> None:
        """Take note of how long cells took.

        Args:
            cells: of one bundle.
            seconds: by key, of those that came to something.
        """
        spent: dict[str, list[float]] = {}
        for cell in cells:
            if cell.key in seconds:
                one = spent.setdefault(cell.kind, [0.0, 0.0, 0.0])
                one[0] += seconds[cell.key]
                one[1] += cell.work
                one[2] += 1
        for kind, (total, work, count) in spent.items():
            pace = total / work if work > 0 else 0.0
            known = self._pace.get(kind, pace)
            self._pace[kind] = (1 - _SHARE) * known + _SHARE * pace
            self._largest[kind] = max(self._largest.get(kind, 0), int(count))

    def take(self, workers: int) -> tuple[Cell, ...]:
        """The next bundle; empty if nothing waits.

        Args:
            workers: among whom the rest is shared.
        """
        if self._size is not None:
            count = min(self._size, len(self._waiting))
            return tuple(self._waiting.popleft() for _ in range(count))
        found: list[Cell] = []
        seconds, expected = max(self._seconds, workers / RATE), 0.0
        share = max(1, len(self._waiting) // (2 * max(1, workers)))
        while self._waiting and len(found) < share:
            cell = self._waiting[0]
            pace = self._pace.get(cell.kind)
            if found and (
                pace is None
                or cell.kind != found[0].kind
                or expected + pace * cell.work > seconds
                or len(found) >= _GROWTH * self._largest[cell.kind]
            ):
                break
            found.append(self._waiting.popleft())
            if pace is None:
                break
            expected += pace * cell.work
        return tuple(found)

"""Cells that wait for the results of others: those of claims for the derivations of the claims.

A result that others wait for is handed to them once it is stored. Where it fails they are not
tried: they are neither done nor failed, and go on when it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.kinds import Given


class Needs:
    """What has come, and who waits for the rest."""

    def __init__(self, given: Given, awaited: Collection[str]) -> None:
        """Nobody waits yet.

        Args:
            given: records that are there already, by key.
            awaited: keys of cells whose results may come, or cannot since they have failed; a
                result that is in neither is worked out by the cell that needs it.
        """
        self._given = dict(given)
        self._awaited = {*awaited} - given.keys()
        self._held: dict[str, list[Cell]] = {}

    @property
    def held(self) -> Mapping[str, int]:
        """How many cells wait, by the first key that they wait for."""
        return {key: len(cells) for key, cells in self._held.items()}

    def admit(self, cells: Iterable[Cell]) -> list[Cell]:
        """Those of the cells that can run now; the others are kept.

        Args:
            cells: in their order.
        """
        ready = []
        for cell in cells:
            missing = next((key for key in cell.needs if key in self._awaited), None)
            if missing is None:
                ready.append(cell)
            else:
                self._held.setdefault(missing, []).append(cell)
        return ready

    def came(self, key: str, record: Mapping[str, object]) -> list[Cell]:
        """Cells that can run now that a result is stored.

        Args:
            key: the result's.
            record: the result's, in JSON's types.
        """
        if key not in self._awaited:
            return []
        self._awaited.discard(key)
        self._given[key] = record
        return self.admit(self._held.pop(key, ()))

    def given(self, cells: Iterable[Cell]) -> Given:
        """Records that some cells need."""
        keys = dict.fromkeys(key for cell in cells for key in cell.needs)
        return {key: self._given[key] for key in keys if key in self._given}

"""Tables that a report carries beside its verdicts: what leans on what, constants, regimes.

A table is plain data: a title, a note, column heads, and cells that are text. Whoever makes one
says in its note what kind of numbers it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: permanent short name, a key of `report.json`.
        title: heading.
        note: what the numbers are, in a sentence or two.
        columns: heads.
        rows: cells, as many in each row as there are heads.

    Raises:
        ValueError: a row has another length.
    """

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check that rows and heads fit."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"rows: {self.name}: a row of {len(row)} cells under {len(self.columns)} heads"
                )

    @classmethod
    def of(
        cls, name: str, title: str, note: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> Table:
        """Table from any sequences."""
        return cls(name, title, note, tuple(columns), tuple(tuple(row) for row in rows))

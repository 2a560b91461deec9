"""Tables for a paper as plain data, before any format.

| kind | cell |
|---|---|
| `text` | any text |
| `name` | an id, a name or an expression, as it is typed |
| `verdict` | a verdict, with what belongs to it in brackets |
| `count` | an integer |
| `number` | a decimal, rounded already; `inf` and `-inf` too |
| `enclosure` | two decimals, rounded outward already |

Any cell may be None: there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from typing import Literal

Kind = Literal["text", "name", "verdict", "count", "number", "enclosure"]
Cell = str | int | tuple[str, str] | None

_TYPES: Mapping[Kind, type] = {
    "text": str,
    "name": str,
    "verdict": str,
    "count": int,
    "number": str,
    "enclosure": tuple,
}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: its head.
        kind: what its cells are.
        share: of the line's width, where the column is printed and its texts are long; 0 takes
            the width that the longest cell needs.
        short: head where there is little room; the head itself by default.
        printed: whether it is shown where there is little room.
    """

    head: str
    kind: Kind = "text"
    share: float = 0.0
    short: str = ""
    printed: bool = True


@dataclass(frozen=True)
class PaperTable:
    """One table.

    Attributes:
        name: permanent short name: of its label, its anchor and its CSV file.
        title: one line.
        note: what the numbers are.
        columns: heads and kinds.
        rows: cells.

    Raises:
        ValueError: a row has another length.
        TypeError: a cell is not of its column's kind.
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        """Check that cells and columns fit."""
        for row in self.rows:
            for cell, column in zip(row, self.columns, strict=True):
                if cell is not None and type(cell) is not _TYPES[column.kind]:
                    raise TypeError(f"{self.name}: {column.head}: {cell!r} is no {column.kind}")

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        note: str,
        columns: Iterable[Column],
        rows: Iterable[Iterable[Cell]],
    ) -> PaperTable:
        """Table from any iterables."""
        return cls(name, title, note, tuple(columns), tuple(tuple(row) for row in rows))

    @property
    def printed(self) -> PaperTable:
        """The table without the columns for which paper has no room."""
        kept = [column.printed for column in self.columns]
        columns = compress(self.columns, kept)
        return replace(
            self,
            columns=tuple(columns),
            rows=tuple(tuple(compress(row, kept)) for row in self.rows),
        )


@dataclass(frozen=True)
class Appendix:
    """All tables of one report.

    Attributes:
        versions: of what the verdicts depend on, by name.
        digest: SHA-256 of the bytes of `report.json`.
        tables: in the order in which they are shown.
        left_out: what is not there and why, one sentence each.
    """

    versions: Mapping[str, str]
    digest: str
    tables: tuple[PaperTable, ...]
    left_out: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """Versions in one line, without the digest."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())

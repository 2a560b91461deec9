"""Rows of cells in a store's database: a result packed, sealed and written, read and compared.

A row's `content` is the SHA-256 of what came out: its record, and the digests of its arrays. Its
`seal` is that of the whole row: key, columns, provenance and content. Both are compared when the
row is read, and the arrays with their digests.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import StoreError
from dsmverify.sweeps import arrays

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.kinds import Result

Floats = NDArray[np.float64]

_AGAIN: Final = "work the cell out again: `dsmverify sweep --repair` takes it out of the store"
_COLUMNS: Final = (
    "cells.kind, state, attempts, error, seconds, written, document, record, content, seal"
)


@dataclass(frozen=True)
class Stored:
    """A finished cell as the store has it.

    Attributes:
        key: the cell's.
        kind: the cell's.
        record: in JSON's types.
        arrays: float64, by name.
        seconds: how long it took.
        provenance: code and libraries that made it.
        written: when, by the clock of the writer; nothing depends on it.
    """

    key: str
    kind: str
    record: Mapping[str, Any]
    arrays: Mapping[str, Floats]
    seconds: float
    provenance: Mapping[str, Any]
    written: str


class DamagedError(StoreError):
    """A cell in the store is not as it was written.

    Args:
        path: the database.
        key: the cell's.
        what: what is wrong.
    """

    def __init__(self, path: str, key: str, what: str) -> None:
        super().__init__(path, f"cell {key[:16]} is damaged ({what})", _AGAIN)
        self.args = (path, key, what)
        self.key = key
        self.what = what


@dataclass(frozen=True)
class Packed:
    """A result as it goes into rows.

    Attributes:
        result: as it came.
        text: its record.
        arrays: digest and bytes by name; no bytes where a file has them.
    """

    result: Result
    text: str
    arrays: Mapping[str, tuple[str, bytes | None]]

    @property
    def content(self) -> bytes:
        """SHA-256 of what came out."""
        return _content(self.text, {name: digest for name, (digest, _) in self.arrays.items()})


@dataclass(frozen=True)
class _Head:
    """What a row says beside what came out; in the order in which it is sealed."""

    kind: str
    state: Literal["done", "failed"]
    attempts: int
    error: str | None
    seconds: float
    written: str
    document: str


class Rows:
    """The rows of one database, cell by cell; transactions are the caller's."""

    def __init__(self, path: Path, database: sqlite3.Connection, folder: arrays.Folder) -> None:
        """Nothing is read yet.

        Args:
            path: the database, for messages.
            database: its connection.
            folder: of its large arrays.
        """
        self._path = path
        self._database = database
        self._folder = folder

    def pack(self, result: Result) -> Packed:
        """A result's record as text, and its arrays; large ones are on the disk then.

        Raises:
            StoreError: an array cannot be written.
            ValueError: the record is not JSON, or has a number that is none.
            TypeError: the record is not JSON.
        """
        text = _canonical(result.record)
        found: dict[str, tuple[str, bytes | None]] = {}
        for name in sorted(result.arrays):
            data = arrays.encode(result.arrays[name])
            digest = arrays.digest(data)
            if len(data) > arrays.INLINE:
                self._folder.write(digest, data)
                found[name] = (digest, None)
            else:
                found[name] = (digest, data)
        return Packed(result, text, found)

    def add(self, packed: Packed, written: str) -> Literal["new", "same", "different"]:
        """Write a result; one that is done already stays, and is compared.

        Args:
            packed: of `pack`.
            written: the time.
        """
        result = packed.result
        key = bytes.fromhex(result.key)
        row = self._database.execute(
            "SELECT state, attempts, content FROM cells WHERE key = ?", (key,)
        ).fetchone()
        if row is not None and row[0] == "done":
            return "same" if row[2] == packed.content else "different"
        attempts = 1 if row is None else int(row[1]) + 1
        document, seconds = _canonical(result.provenance), float(result.seconds)
        self._write(
            key, _Head(result.kind, "done", attempts, None, seconds, written, document), packed
        )
        return "new"

    def fail(self, cell: Cell, error: str, seconds: float, written: str) -> None:
        """Write that a cell has failed, once more if it had before; a done cell stays done.

        Args:
            cell: which.
            error: why, in words.
            seconds: how long it took.
            written: the time.
        """
        key = bytes.fromhex(cell.key)
        row = self._database.execute(
            "SELECT state, attempts FROM cells WHERE key = ?", (key,)
        ).fetchone()
        if row is not None and row[0] == "done":
            return
        attempts = 1 if row is None else int(row[1]) + 1
        text = error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        document = _canonical({"code": cell.origin.code, "libraries": dict(cell.origin.libraries)})
        head = _Head(cell.kind, "failed", attempts, text, float(seconds), written, document)
        self._write(key, head, None)

    def remove(self, key: str) -> int:
        """Take a cell out; returns how many rows of cells that were, 0 or 1."""
        raw = bytes.fromhex(key)
        self._database.execute("DELETE FROM arrays WHERE key = ?", (raw,))
        return self._database.execute("DELETE FROM cells WHERE key = ?", (raw,)).rowcount

    def read(self, key: str) -> Stored | None:
        """A finished cell, every digest compared; None if it has failed, or is not there.

        Raises:
            DamagedError: the row or a file of it is not as it was written.
            sqlite3.Error: the database cannot be read.
        """
        row = self._find(key)
        return None if row is None or row[1] == "failed" else self._checked(key, row)

    def compare(self, key: str) -> None:
        """Compare the row of a cell that is done or has failed with its digests.

        Raises:
            DamagedError: it is not as it was written, or not there.
            sqlite3.Error: the database cannot be read.
        """
        row = self._find(key)
        if row is None:
            raise DamagedError(str(self._path), key, "its row cannot be found by its key")
        self._checked(key, row)

    def _find(self, key: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(
            f"SELECT {_COLUMNS} FROM cells LEFT JOIN provenance ON provenance.id = provenance "
            "WHERE key = ?",
            (bytes.fromhex(key),),
        ).fetchone()
        return row

    def _checked(self, key: str, row: tuple[Any, ...]) -> Stored:
        """What a row and its files say, if both are as they were written."""
        try:
            *head, record, content, seal = row
            kind, _, _, _, seconds, written, document = head
            names = self._database.execute(
                "SELECT name, digest, data FROM arrays WHERE key = ? ORDER BY name",
                (bytes.fromhex(key),),
            ).fetchall()
            text = None if record is None else zlib.decompress(record).decode("utf-8")
            digests = {str(name): digest.hex() for name, digest, _ in names}
            if text is not None and _content(text, digests) != content:
                raise DamagedError(str(self._path), key, "its record is not as it was written")
            if _seal(key, head, content) != seal:
                raise DamagedError(str(self._path), key, "its row is not as it was written")
            found = {}
            for name, digest, inline in names:
                data = self._folder.read(digest.hex()) if inline is None else bytes(inline)
                if arrays.digest(data) != digest.hex():
                    raise DamagedError(
                        str(self._path), key, f"its array {name} is not as it was written"
                    )
                found[str(name)] = arrays.decode(data)
            return Stored(
                key,
                str(kind),
                {} if text is None else json.loads(text),
                found,
                float(seconds),
                json.loads(document),
                str(written),
            )
        except DamagedError:
            raise
        except StoreError as error:  # a file beside the database
            raise DamagedError(str(self._path), key, f"{error.path}: {error.rule}") from None
        except (zlib.error, ValueError, TypeError, AttributeError) as error:
            raise DamagedError(str(self._path), key, f"its row cannot be read: {error}") from None

    def _write(self, key: bytes, head: _Head, packed: Packed | None) -> None:
        database, content = self._database, None if packed is None else packed.content
        columns = list(vars(head).values())
        database.execute("INSERT OR IGNORE INTO provenance (document) VALUES (?)", (head.document,))
        database.execute(
            """
            INSERT OR REPLACE INTO cells
            SELECT ?, ?, ?, ?, ?, ?, ?, id, ?, ?, ? FROM provenance WHERE document = ?
            """,
            (
                key,
                *columns[:-1],
                None if packed is None else zlib.compress(packed.text.encode("utf-8")),
                content,
                _seal(key.hex(), columns, content),
                head.document,
            ),
        )
        # There are none, unless a damaged row has lost its key.
        database.execute("DELETE FROM arrays WHERE key = ?", (key,))
        if packed is not None:
            database.executemany(
                "INSERT INTO arrays VALUES (?, ?, ?, ?)",
                [(key, name, bytes.fromhex(d), data) for name, (d, data) in packed.arrays.items()],
            )


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _content(text: str, digests: Mapping[str, str]) -> bytes:
    """SHA-256 of what came out."""
    found = hashlib.sha256(text.encode("utf-8"))
    found.update(_canonical(dict(digests)).encode())
    return found.digest()


def _seal(key: str, head: Sequence[Any], content: bytes | None) -> bytes:
    """SHA-256 of a row: its key, its columns in order, and what came out."""
    whole = [key, *head, None if content is None else content.hex()]
    return hashlib.sha256(_canonical(whole).encode()).digest()

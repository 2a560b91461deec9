"""The result store: one SQLite database, written by one process, and large arrays beside it.

    sweep.db            the database, in WAL mode
    sweep.db.arrays/    arrays of more than 64 KiB, named by their SHA-256
    sweep.db.lock       who writes it

A cell is in the store when it is done or has failed, and then completely: its row, its arrays and
its provenance are written in one transaction, after the files that it names. Killed at any instant,
a process leaves the store as it was after its last transaction; a power failure may take back the
last transactions, never part of one.

Every row carries the SHA-256 of all that it says and is compared with it when it is read, as are
the files. A finished cell is never written again: where a second result differs from the first, the
first stays and `notes` says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import StoreError
from dsmverify.sweeps import arrays, schema
from dsmverify.sweeps.locks import Lock, written_at

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.kinds import Result

Floats = NDArray[np.float64]
Clock = Callable[[], float]

DONE: Final = "done"
FAILED: Final = "failed"

_FEW: Final = 500
"""Keys up to which each is looked up by itself; beyond, all of the store's are read at once."""

_LONG: Final = 4 * 2**20
"""Bytes of the log from which it is folded into the database after a transaction."""

_DAMAGES: Final = (sqlite3.Error, UnicodeError)
"""What reading a damaged database raises: names in its messages may be no text either."""

_READ_ONLY: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)

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


@dataclass(frozen=True)
class Failure:
    """A cell that has failed: how often it was tried, and why it failed last."""

    attempts: int
    error: str


@dataclass(frozen=True)
class Damage:
    """Something in a store that is not as it was written.

    Attributes:
        key: the cell that it is about; None for the database itself.
        what: in words.
    """

    key: str | None
    what: str


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


class CorruptError(StoreError):
    """The database itself cannot be read, wholly or in part.

    Args:
        path: the database.
        said: by SQLite.
    """

    def __init__(self, path: str, said: str) -> None:
        super().__init__(
            path,
            f"it is damaged (SQLite says: {said})",
            "`dsmverify sweep --repair` keeps what can be read, and the old file",
        )
        self.args = (path, said)


class Store:
    """Results of cells, by key.

    Attributes:
        path: the database.
        notes: what was found and put right, one sentence each.
    """

    def __init__(
        self,
        path: Path,
        database: sqlite3.Connection,
        lock: Lock | None,
        clock: Clock,
        folder: arrays.Folder,
    ) -> None:
        self.path = path
        self.notes: list[str] = []
        self._database = database
        self._lock = lock
        self._clock = clock
        self._folder = folder

    @property
    def database(self) -> sqlite3.Connection:
        """The connection, for repairs."""
        return self._database

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        write: bool,
        clock: Clock = time.time,
        beside: Path | None = None,
    ) -> Self:
        """A store, for writing created if need be.

        Args:
            path: the database.
            write: whether to lock and change it; several may read at once, also while one writes.
            clock: seconds since 1970, for provenance; nothing depends on it.
            beside: the database whose large arrays it shares; None for itself.

        Raises:
            StoreError: it is locked (the message names the holder), missing, damaged, newer, not a
                store, or the folder cannot be written.
        """
        file = Path(path)
        if write and not file.parent.is_dir():
            raise StoreError(str(file), "its folder does not exist", "create the folder")
        if not write and not file.is_file():
            raise StoreError(str(file), "there is no such store", "run a sweep with this --store")
        schema.refuse_other_files(file)
        lock = Lock.take(file, clock) if write else None
        database = None
        try:
            with _wording(file):
                database = _connect(file, write)
                schema.prepare(database, str(file), write=write)
            owner = file if beside is None else beside
            folder = arrays.Folder(owner.with_name(f"{owner.name}.arrays"))
            found = cls(file, database, lock, clock, folder)
            if write:
                found._sweep_up()
        except BaseException:
            if database is not None:
                database.close()
            if lock is not None:
                lock.release()
            raise
        return found

    def close(self) -> None:
        """Close it; the last one to do so folds the log into the database."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fold(self) -> None:
        """Fold the log into the database and bring both to the disk; closing does it as well.

        Raises:
            StoreError: it cannot be written; the log keeps what it has, and is read with the rest.
        """
        with _wording(self.path):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose cells are done.

        Raises:
            StoreError: the database cannot be read.
        """
        return self._with_state(DONE, keys)

    def failed(self, keys: Iterable[str]) -> dict[str, Failure]:
        """Those of the keys whose cells have failed, and how.

        Raises:
            StoreError: the database cannot be read.
        """
        found = {}
        with _wording(self.path):
            for key in sorted(self._with_state(FAILED, keys)):
                row = self._database.execute(
                    "SELECT attempts, error FROM cells WHERE key = ?", (bytes.fromhex(key),)
                ).fetchone()
                found[key] = Failure(int(row[0]), str(row[1]))
        return found

    def seconds(self, keys: Iterable[str]) -> dict[str, float]:
        """How long each of the keys' cells took that are done.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with _wording(self.path):
            rows = self._database.execute("SELECT key, seconds FROM cells WHERE state = ?", (DONE,))
            known = {key.hex(): float(seconds) for key, seconds in rows}
        return {key: known[key] for key in wanted if key in known}

    def put(self, result: Result) -> bool:
        """Store a result; see `put_many`. Returns whether it was new."""
        return self.put_many([result]) == 1

    def put_many(self, results: Sequence[Result]) -> int:
        """Store results in one transaction: all of them, or none if anything fails.

        A cell that had failed is done now. One that was done stays as it is.

        Returns:
            How many were new.

        Raises:
            StoreError: the disk is full, say; the store is as it was before.
        """
        # Files first: a row never names one that is not there.
        packed = [self._packed(result) for result in results]
        with self._transaction():
            return sum(self._insert(*one) for one in packed)

    def fail(self, cell: Cell, error: str, *, seconds: float = 0.0) -> None:
        """Note that a cell has failed, once more if it had before; a done cell stays done.

        Args:
            cell: which.
            error: why, in words.
            seconds: how long it took.

        Raises:
            StoreError: it cannot be written; the store is as it was before.
        """
        key = bytes.fromhex(cell.key)
        origin = {"code": cell.origin.code, "libraries": dict(cell.origin.libraries)}
        with self._transaction():
            row = self._database.execute(
                "SELECT state, attempts FROM cells WHERE key = ?", (key,)
            ).fetchone()
            if row is not None and row[0] == DONE:
                return
            attempts = 1 if row is None else int(row[1]) + 1
            text = error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
            self._write(_Row(cell.kind, FAILED, attempts, text, seconds, origin), key, None, {})

    def read(self, key: str) -> Stored | None:
        """A finished cell, every digest compared; None if it is not done.

        Raises:
            DamagedError: the row or a file of it is not as it was written.
            StoreError: the database cannot be read.
        """
        with _wording(self.path):
            return self.checked(key)

    def array_names(self, keys: Iterable[str]) -> list[str]:
        """Names of arrays that any of the keys' cells has, sorted.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with _wording(self.path):
            rows = self._database.execute("SELECT key, name FROM arrays")
            return sorted({str(name) for key, name in rows if key.hex() in wanted})

    def verify(self) -> list[Damage]:
        """Everything that is not as it was written; reads the whole store.

        Returns:
            Damages, the database's first, then by key; empty if there are none.
        """
        found: list[Damage] = []
        try:
            for (line,) in self._database.execute("PRAGMA integrity_check"):
                if line != "ok":
                    found.append(Damage(None, str(line)))
            keys = [row[0].hex() for row in self._database.execute("SELECT key FROM cells")]
        except _DAMAGES as error:
            return [*found, Damage(None, str(error))]
        for key in sorted(keys):
            try:
                row = self._row(key)
                if row is None:
                    found.append(Damage(key, "its row cannot be found by its key"))
                else:
                    self._checked(key, row)
            except DamagedError as error:
                found.append(Damage(key, error.what))
            except _DAMAGES as error:
                found.append(Damage(key, str(error)))
        return found

    def discard(self, keys: Iterable[str]) -> int:
        """Take cells out of the store, damaged ones say, so that they are worked out again.

        Files stay: another cell may name them, and a damaged one is replaced when it is written.

        Returns:
            How many there were.

        Raises:
            StoreError: it cannot be written.
        """
        count = 0
        with self._transaction():
            for key in keys:
                raw = bytes.fromhex(key)
                self._database.execute("DELETE FROM arrays WHERE key = ?", (raw,))
                count += self._database.execute("DELETE FROM cells WHERE key = ?", (raw,)).rowcount
        return count

    def checked(self, key: str) -> Stored | None:
        """`read`, with SQLite's own errors."""
        row = self._row(key)
        return None if row is None or row[1] == FAILED else self._checked(key, row)

    def _with_state(self, state: str, keys: Iterable[str]) -> set[str]:
        wanted = set(keys)
        with _wording(self.path):
            if len(wanted) <= _FEW:
                one = "SELECT 1 FROM cells WHERE state = ? AND key = ?"
                return {
                    key
                    for key in wanted
                    if self._database.execute(one, (state, bytes.fromhex(key))).fetchone()
                }
            rows = self._database.execute("SELECT key FROM cells WHERE state = ?", (state,))
            return wanted.intersection([key.hex() for (key,) in rows])

    def _row(self, key: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(
            f"SELECT {_COLUMNS} FROM cells LEFT JOIN provenance ON provenance.id = provenance "
            "WHERE key = ?",
            (bytes.fromhex(key),),
        ).fetchone()
        return row

    def _checked(self, key: str, row: tuple[Any, ...]) -> Stored:
        """What a row and its files say, if both are as they were written."""
        try:
            kind, state, attempts, error, seconds, written, document, record, content, seal = row
            names = self._database.execute(
                "SELECT name, digest, data FROM arrays WHERE key = ? ORDER BY name",
                (bytes.fromhex(key),),
            ).fetchall()
            text = None if record is None else zlib.decompress(record).decode("utf-8")
            digests = {str(name): digest.hex() for name, digest, _ in names}
            if text is not None and _content(text, digests) != content:
                raise DamagedError(str(self.path), key, "its record is not as it was written")
            head = [kind, state, attempts, error, seconds, written, document]
            if _seal(key, head, content) != seal:
                raise DamagedError(str(self.path), key, "its row is not as it was written")
            found = {}
            for name, digest, inline in names:
                data = self._folder.read(digest.hex()) if inline is None else bytes(inline)
                if arrays.digest(data) != digest.hex():
                    raise DamagedError(
                        str(self.path), key, f"its array {name} is not as it was written"
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
            raise DamagedError(str(self.path), key, f"{error.path}: {error.rule}") from None
        except (zlib.error, ValueError, TypeError, AttributeError) as error:
            raise DamagedError(str(self.path), key, f"its row cannot be read: {error}") from None

    def _packed(self, result: Result) -> tuple[Result, str, dict[str, tuple[str, bytes | None]]]:
        """A result's record as text, and its arrays; large ones are on the disk then."""
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
        return result, text, found

    def _insert(
        self, result: Result, text: str, found: Mapping[str, tuple[str, bytes | None]]
    ) -> bool:
        key = bytes.fromhex(result.key)
        row = self._database.execute(
            "SELECT state, attempts, content FROM cells WHERE key = ?", (key,)
        ).fetchone()
        if row is not None and row[0] == DONE:
            digests = {name: digest for name, (digest, _) in found.items()}
            if _content(text, digests) != row[2]:
                self.notes.append(
                    f"cell {result.key[:16]} came out differently a second time; the first result "
                    "stays"
                )
            return False
        attempts = 1 if row is None else int(row[1]) + 1
        head = _Row(result.kind, DONE, attempts, None, result.seconds, result.provenance)
        self._write(head, key, text, found)
        return True

    def _write(
        self,
        row: _Row,
        key: bytes,
        text: str | None,
        found: Mapping[str, tuple[str, bytes | None]],
    ) -> None:
        database = self._database
        document, written = _canonical(row.provenance), written_at(self._clock)
        content = None
        if text is not None:
            content = _content(text, {name: digest for name, (digest, _) in found.items()})
        seconds = float(row.seconds)
        head = [row.kind, row.state, row.attempts, row.error, seconds, written, document]
        database.execute("INSERT OR IGNORE INTO provenance (document) VALUES (?)", (document,))
        database.execute(
            """
            INSERT OR REPLACE INTO cells
            SELECT ?, ?, ?, ?, ?, ?, ?, id, ?, ?, ? FROM provenance WHERE document = ?
            """,
            (
                key,
                row.kind,
                row.state,
                row.attempts,
                row.error,
                seconds,
                written,
                None if text is None else zlib.compress(text.encode("utf-8")),
                content,
                _seal(key.hex(), head, content),
                document,
            ),
        )
        # There are none, unless a damaged row has lost its key.
        database.execute("DELETE FROM arrays WHERE key = ?", (key,))
        database.executemany(
            "INSERT INTO arrays VALUES (?, ?, ?, ?)",
            [(key, name, bytes.fromhex(digest), data) for name, (digest, data) in found.items()],
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _wording(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")
                raise
        if self._log_is_long():
            self.try_to_fold()

    def try_to_fold(self) -> None:
        """`fold`, and where that fails a note: what was stored is in the log, and so in the store.

        SQLite would fold a long log by itself, and keep to itself what goes wrong.
        """
        try:
            self.fold()
        except StoreError as error:
            note = f"what is stored stays in the log beside {self.path.name} ({error.rule})"
            if note not in self.notes:
                self.notes.append(note)

    def _log_is_long(self) -> bool:
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size >= _LONG
        except OSError:
            return False

    def _sweep_up(self) -> None:
        for file in self._folder.stale():
            stale = f"{file}, which a stopped process had begun to write"
            try:
                file.unlink()
            except OSError as error:
                self.notes.append(f"{stale}, cannot be removed ({arrays.reason(error)})")
            else:
                self.notes.append(f"removed {stale}")


@dataclass(frozen=True)
class _Row:
    kind: str
    state: str
    attempts: int
    error: str | None
    seconds: float
    provenance: Mapping[str, Any]


def _connect(file: Path, write: bool) -> sqlite3.Connection:
    """A connection in autocommit mode."""
    if write:
        database = sqlite3.connect(file, isolation_level=None, timeout=30)
        # Fetched: a write that fails on the way is raised with the second step, not the first.
        database.execute("PRAGMA journal_mode = WAL").fetchone()
        # A transaction that a power failure takes back is a cell that is worked out again.
        database.execute("PRAGMA synchronous = NORMAL")
        # `try_to_fold` does it; the log is cut to what is in it, so that its length tells.
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("PRAGMA journal_size_limit = 0")
        return database
    place = file.absolute().as_uri()
    database = sqlite3.connect(f"{place}?mode=ro", uri=True, isolation_level=None, timeout=30)
    try:
        database.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        # In a folder that is read-only the files of the log cannot be created. Without a log nobody
        # writes, and the database can be read as it is.
        database.close()
        log = file.with_name(f"{file.name}-wal")
        is_read_only = error.sqlite_errorcode & 0xFF in _READ_ONLY
        if not is_read_only or (log.exists() and log.stat().st_size):
            raise
        database = sqlite3.connect(f"{place}?immutable=1", uri=True, isolation_level=None)
    return database


@contextlib.contextmanager
def _wording(file: Path) -> Iterator[None]:
    """What SQLite raises, as an error that names the store and the way out."""
    try:
        yield
    except _DAMAGES as error:
        said = str(error)
        if "full" in said or "I/O" in said:
            way_out = "make room or choose another place, and start the sweep again: it goes on"
        elif "readonly" in said or "unable to open" in said:
            way_out = "choose a folder that can be written to"
        elif "locked" in said:
            way_out = "wait for the other process, or stop it"
        else:
            raise CorruptError(str(file), said) from error
        raise StoreError(str(file), f"SQLite says: {said}", way_out) from error


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

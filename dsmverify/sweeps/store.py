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
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from dsmverify.errors import StoreError
from dsmverify.sweeps import arrays, databases, schema
from dsmverify.sweeps.databases import UNREADABLE, wording
from dsmverify.sweeps.locks import Lock, written_at
from dsmverify.sweeps.rows import DamagedError, Rows, Stored

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.kinds import Result

Clock = Callable[[], float]

_FEW: Final = 500
"""Keys up to which each is looked up by itself; beyond, all of the store's are read at once."""


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
        self._rows = Rows(path, database, folder)

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
        file = databases.located(Path(path), write=write)
        schema.refuse_other_files(file)
        lock = Lock.take(file, clock) if write else None
        database = None
        try:
            with wording(file):
                database = databases.connect(file, write=write)
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
        with wording(self.path):
            databases.fold(self._database)

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose cells are done.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with wording(self.path):
            if len(wanted) <= _FEW:
                one = "SELECT 1 FROM cells WHERE state = 'done' AND key = ?"
                return {
                    key
                    for key in wanted
                    if self._database.execute(one, (bytes.fromhex(key),)).fetchone()
                }
            rows = self._database.execute("SELECT key FROM cells WHERE state = 'done'")
            return wanted.intersection([key.hex() for (key,) in rows])

    def failed(self, keys: Iterable[str]) -> dict[str, Failure]:
        """Those of the keys whose cells have failed, and how.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with wording(self.path):
            rows = self._database.execute(
                "SELECT key, attempts, error FROM cells WHERE state = 'failed' ORDER BY key"
            )
            return {
                key.hex(): Failure(int(attempts), str(error))
                for key, attempts, error in rows
                if key.hex() in wanted
            }

    def seconds(self, keys: Iterable[str]) -> dict[str, float]:
        """How long each of the keys' cells took that are done.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with wording(self.path):
            rows = self._database.execute("SELECT key, seconds FROM cells WHERE state = 'done'")
            known = {key.hex(): float(seconds) for key, seconds in rows}
        return {key: known[key] for key in wanted if key in known}

    def count(self) -> int:
        """How many cells there are, done or failed, of whatever sweep.

        Raises:
            StoreError: the database cannot be read.
        """
        with wording(self.path):
            (found,) = self._database.execute("SELECT count(*) FROM cells").fetchone()
            return int(found)

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
        packed = [self._rows.pack(result) for result in results]
        count = 0
        with self._transaction():
            for one in packed:
                came = self._rows.add(one, written_at(self._clock))
                count += came == "new"
                if came == "different":
                    self.notes.append(
                        f"cell {one.result.key[:16]} came out differently a second time; the first "
                        "result stays"
                    )
        return count

    def fail(self, cell: Cell, error: str, *, seconds: float = 0.0) -> None:
        """Note that a cell has failed, once more if it had before; a done cell stays done.

        Args:
            cell: which.
            error: why, in words.
            seconds: how long it took.

        Raises:
            StoreError: it cannot be written; the store is as it was before.
        """
        with self._transaction():
            self._rows.fail(cell, error, seconds, written_at(self._clock))

    def read(self, key: str) -> Stored | None:
        """A finished cell, every digest compared; None if it is not done.

        Raises:
            DamagedError: the row or a file of it is not as it was written.
            StoreError: the database cannot be read.
        """
        with wording(self.path):
            return self._rows.read(key)

    def array_names(self, keys: Iterable[str]) -> list[str]:
        """Names of arrays that any of the keys' cells has, sorted.

        Raises:
            StoreError: the database cannot be read.
        """
        wanted = set(keys)
        with wording(self.path):
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
        except UNREADABLE as error:
            return [*found, Damage(None, str(error))]
        for key in sorted(keys):
            try:
                self._rows.compare(key)
            except DamagedError as error:
                found.append(Damage(key, error.what))
            except UNREADABLE as error:
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
        with self._transaction():
            return sum(self._rows.remove(key) for key in keys)

    def checked(self, key: str) -> Stored | None:
        """`read`, with SQLite's own errors."""
        return self._rows.read(key)

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read the database as it is when it is read first, whatever another process writes.

        Raises:
            StoreError: the database cannot be read.
        """
        with wording(self.path):
            self._database.execute("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with wording(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")
                raise
        if databases.is_log_long(self.path):
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

    def _sweep_up(self) -> None:
        for file in self._folder.stale():
            stale = f"{file}, which a stopped process had begun to write"
            try:
                file.unlink()
            except OSError as error:
                self.notes.append(f"{stale}, cannot be removed ({arrays.reason(error)})")
            else:
                self.notes.append(f"removed {stale}")

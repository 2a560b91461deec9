"""The database file of a store: how it is opened, folded, and what SQLite's errors are called.

A database that is written is in WAL mode: what is new goes into a log beside it, `PATH-wal`, which
is folded into the database now and then. It is read as it is, also from a folder that is read-only.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dsmverify.errors import StoreError
from dsmverify.sweeps.arrays import reason

UNREADABLE: Final = (sqlite3.Error, UnicodeError)
"""What reading a damaged database raises: names in its messages may be no text either."""

_LONG: Final = 4 * 2**20
"""Bytes of the log from which it is folded into the database after a transaction."""

_READ_ONLY: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


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


def located(path: Path, *, write: bool) -> Path:
    """The database itself, where there can be one; the files beside it lie beside its own name.

    Args:
        path: as it was given.
        write: whether it may be created.

    Raises:
        StoreError: it is missing, no file, or cannot be looked at.
    """
    try:
        # By two names it would have two locks, two logs and two folders of arrays.
        file = path.resolve() if path.is_symlink() else path
        if file.is_dir():
            raise StoreError(str(path), "it is a folder", "name a file: --store sweep.db, say")
        if file.exists() and not file.is_file():
            raise StoreError(str(path), "it is a device or a pipe", "name a file for the store")
        if write and not file.parent.is_dir():
            raise StoreError(str(path), "its folder does not exist", "create the folder")
        if not write and not file.exists():
            raise StoreError(str(path), "there is no such store", "run a sweep with this --store")
    except (OSError, RuntimeError) as error:  # of links in a circle, say
        said = reason(error) if isinstance(error, OSError) else str(error).lower()
        raise StoreError(
            str(path), f"it cannot be looked at ({said})", "name another file for the store"
        ) from None
    return file


def connect(file: Path, *, write: bool) -> sqlite3.Connection:
    """A connection in autocommit mode.

    Args:
        file: the database.
        write: whether it may be changed, and created.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    if write:
        # Absolute: SQLite takes `:memory:` for no file at all.
        database = sqlite3.connect(file.absolute(), isolation_level=None, timeout=30)
        try:
            # Fetched: a write that fails on the way is raised with the second step, not the first.
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            # A transaction that a power failure takes back is a cell that is worked out again.
            database.execute("PRAGMA synchronous = NORMAL")
            # The store folds it itself; the log is cut to what is in it: its length tells.
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.execute("PRAGMA journal_size_limit = 0")
        except BaseException:
            database.close()
            raise
        return database
    place = file.absolute().as_uri()
    database = sqlite3.connect(f"{place}?mode=ro", uri=True, isolation_level=None, timeout=30)
    try:
        database.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        # In a folder that is read-only the files of the log cannot be created. Without a log nobody
        # writes, and the database can be read as it is.
        database.close()
        log = _log_of(file)
        is_read_only = error.sqlite_errorcode & 0xFF in _READ_ONLY
        if not is_read_only or (log.exists() and log.stat().st_size):
            raise
        database = sqlite3.connect(f"{place}?immutable=1", uri=True, isolation_level=None)
    return database


def fold(database: sqlite3.Connection) -> None:
    """Fold the log into the database and bring both to the disk, as far as no reader needs it.

    Args:
        database: open for writing.

    Raises:
        sqlite3.Error: that cannot be done; the log keeps what it has, and is read with the rest.
    """
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def is_log_long(file: Path) -> bool:
    """Whether the log of a database should be folded.

    Args:
        file: the database.
    """
    try:
        return _log_of(file).stat().st_size >= _LONG
    except OSError:
        return False


@contextlib.contextmanager
def wording(file: Path) -> Iterator[None]:
    """What SQLite raises, as an error that names the store and the way out.

    Args:
        file: the database.

    Raises:
        CorruptError: the database is damaged.
        StoreError: the disk is full, say, or another process has locked it.
    """
    try:
        yield
    except UNREADABLE as error:
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


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")

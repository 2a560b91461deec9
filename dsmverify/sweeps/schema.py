"""Tables of the store, their version, and the way from an older one.

| table | a row |
|---|---|
| `cells` | a cell that is done or has failed; its record is compressed JSON |
| `arrays` | an array of a done cell; `data` is NULL where a file beside the database has it |
| `provenance` | code and libraries that made results |

`content` is the SHA-256 of what came out (record and arrays), `seal` that of the whole row with its
provenance: a changed byte anywhere in a row is found when it is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dsmverify.errors import StoreError

APPLICATION: Final = 0x64736D76
"""Marks the database as one of ours: `dsmv`."""

_DATABASE: Final = b"SQLite format 3\0"
_HEAD: Final = 72
"""Bytes at the start of an SQLite file, up to the end of the application's mark."""

MIGRATIONS: Final[Mapping[int, Sequence[str]]] = {
    1: (
        """
        CREATE TABLE provenance (
            id INTEGER PRIMARY KEY,
            document TEXT NOT NULL UNIQUE
        ) STRICT
        """,
        """
        CREATE TABLE cells (
            key BLOB PRIMARY KEY CHECK (length(key) = 32),
            kind TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
            attempts INTEGER NOT NULL,
            error TEXT,
            seconds REAL NOT NULL,
            written TEXT NOT NULL,
            provenance INTEGER NOT NULL REFERENCES provenance (id),
            record BLOB,
            content BLOB,
            seal BLOB NOT NULL,
            CHECK ((state = 'done') = (record IS NOT NULL AND content IS NOT NULL)),
            CHECK ((state = 'failed') = (error IS NOT NULL))
        ) STRICT
        """,
        "CREATE INDEX by_state ON cells (state, key, seconds)",
        """
        CREATE TABLE arrays (
            key BLOB NOT NULL REFERENCES cells (key) ON DELETE CASCADE,
            name TEXT NOT NULL,
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            data BLOB,
            PRIMARY KEY (key, name)
        ) STRICT, WITHOUT ROWID
        """,
    ),
}
"""Statements that lead from the version before to each version."""


def refuse_other_files(file: Path) -> None:
    """Refuse a file that was never a store, before anything is created beside it.

    A damaged store is none: of the mark of a database, that of ours and the lock beside it one
    at least is left.

    Args:
        file: where a store is asked for; nothing or an empty file is one that begins.

    Raises:
        StoreError: it is something else.
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return  # whoever opens it says what is wrong
    is_marked = head.startswith(_DATABASE) or head[_HEAD - 4 :] == APPLICATION.to_bytes(4, "big")
    if head and not is_marked and not file.with_name(f"{file.name}.lock").exists():
        raise StoreError(str(file), "it is no store of results", "name another file for the store")


def prepare(
    database: sqlite3.Connection,
    path: str,
    *,
    write: bool,
    migrations: Mapping[int, Sequence[str]] = MIGRATIONS,
) -> None:
    """Bring a database to the newest version, or refuse it.

    Every step is one transaction: it is done or not begun.

    Args:
        database: in autocommit mode.
        path: for messages.
        write: whether it may be changed.
        migrations: statements by the version that they lead to, from 1 on.

    Raises:
        StoreError: it is somebody else's database, it is newer, or it is older and may not be
            changed.
        sqlite3.Error: it is damaged, or cannot be written.
    """
    newest = max(migrations)
    version = _number(database, "user_version")
    application = _number(database, "application_id")
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if (tables or version) and application != APPLICATION:
        raise StoreError(
            path, "it is a database of another program", "name another file for the store"
        )
    if version > newest:
        raise StoreError(
            path,
            f"it has schema {version}, and this version of dsmverify knows up to {newest}",
            "use the version that wrote it, or give another --store",
        )
    if version < newest and not write:
        raise StoreError(
            path,
            f"it has schema {version}, and schema {newest} is read"
            if version
            else "there is no finished store in it",
            "run a sweep on it once, which brings it up to date",
        )
    for step in range(version + 1, newest + 1):
        database.execute("BEGIN IMMEDIATE")
        try:
            for statement in migrations[step]:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {step}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])

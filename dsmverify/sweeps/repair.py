"""What becomes of a damaged store: damaged cells are taken out, all others stay.

Where only rows or files are damaged, their cells are discarded. Where the database itself is, every
cell that can still be read, and is as it was written, goes into a new database, and the old one is
kept beside it under the name `PATH.damaged`. What was taken out is missing then, and the next run
of the sweep works it out again. Notes of failures are not kept: such cells are tried again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dsmverify.errors import StoreError
from dsmverify.sweeps import arrays
from dsmverify.sweeps.databases import UNREADABLE, CorruptError, located
from dsmverify.sweeps.kinds import Result
from dsmverify.sweeps.locks import Lock
from dsmverify.sweeps.store import Damage, Store
from dsmverify.writing import sync

_LOG: Final = ("-wal", "-shm")
_TABLES: Final = ("cells NOT INDEXED", "cells INDEXED BY by_state")
"""Two ways to the cells: one may be damaged where the other is not."""


@dataclass(frozen=True)
class Repaired:
    """What a repair found and did.

    Attributes:
        damages: what was wrong.
        kept: done cells that the store has now.
        aside: the old database; None if it was repaired in place.
    """

    damages: tuple[Damage, ...]
    kept: int
    aside: Path | None = None


def repair(path: str | Path, *, clock: Callable[[], float] = time.time) -> Repaired:
    """Take what is damaged out of a store; a sound store stays as it is.

    Args:
        path: the database.
        clock: as in `Store.open`.

    Raises:
        StoreError: it is missing, locked, newer, or cannot be written.
    """
    file = located(Path(path), write=False)
    try:
        with Store.open(file, write=True, clock=clock) as store:
            damages = store.verify()
            if all(damage.key is not None for damage in damages):
                store.discard(damage.key for damage in damages if damage.key is not None)
                return Repaired(tuple(damages), _count(store))
    except CorruptError as error:
        damages = [Damage(None, error.rule)]
    return _rebuild(file, damages, clock)


def _rebuild(file: Path, damages: list[Damage], clock: Callable[[], float]) -> Repaired:
    lock = Lock.take(file, clock)
    try:
        return _rebuilt(file, damages, clock)
    except OSError as error:
        raise StoreError(
            str(file),
            f"it cannot be written anew ({arrays.reason(error)})",
            "make room or copy the store elsewhere, and repair it again",
        ) from None
    finally:
        lock.release()


def _rebuilt(file: Path, damages: list[Damage], clock: Callable[[], float]) -> Repaired:
    """`_rebuild`, under its lock."""
    part = file.with_name(f"{file.name}.rebuilt")
    for suffix in ("", *_LOG, ".lock"):
        part.with_name(f"{part.name}{suffix}").unlink(missing_ok=True)
    found = list(damages)
    # Its large arrays are those of the old one.
    with Store.open(part, write=True, clock=clock, beside=file) as store:
        for result in _readable(file, found):
            store.put(result)
        kept = _count(store)
        store.fold()  # the log would not go with it under its new name
    part.with_name(f"{part.name}.lock").unlink(missing_ok=True)
    aside = _set_aside(file)
    part.replace(file)
    sync(file.parent)
    return Repaired(tuple(found), kept, aside)


def _readable(file: Path, damages: list[Damage]) -> Iterator[Result]:
    """Cells of a damaged database that are as they were written; damages are added to the list."""
    try:
        old = Store.open(file, write=False)
    except StoreError:
        return  # not even its tables
    with old:
        for key in _keys(old.database):
            try:
                stored = old.checked(key)
            except StoreError as error:
                damages.append(Damage(key, error.rule))
            except UNREADABLE as error:
                damages.append(Damage(key, str(error)))
            else:
                if stored is not None:
                    yield Result(
                        stored.key,
                        stored.kind,
                        stored.record,
                        stored.arrays,
                        stored.seconds,
                        stored.provenance,
                    )


def _keys(database: sqlite3.Connection) -> list[str]:
    """Keys that any way leads to, row by row, so that a bad page hides its own rows only."""
    found: set[Any] = set()  # what is damaged may be of any type
    for table in _TABLES:
        with contextlib.suppress(*UNREADABLE):
            found.update(key for (key,) in database.execute(f"SELECT key FROM {table}"))
        with contextlib.suppress(*UNREADABLE):
            (last,) = database.execute(f"SELECT max(rowid) FROM {table}").fetchone()
            for number in range(1, (last or 0) + 1):
                with contextlib.suppress(*UNREADABLE):
                    found.update(
                        key
                        for (key,) in database.execute(
                            "SELECT key FROM cells NOT INDEXED WHERE rowid = ?", (number,)
                        )
                    )
    return sorted(key.hex() for key in found if isinstance(key, bytes) and len(key) == 32)


def _set_aside(file: Path) -> Path:
    """The damaged database under another name too, and its log under that name only."""
    number = 0
    while True:
        aside = file.with_name(f"{file.name}.damaged{f'-{number}' if number else ''}")
        try:
            os.link(file, aside)
            break
        except FileExistsError:
            number += 1
    for suffix in _LOG:
        # A log that stayed would be taken for the new database's.
        with contextlib.suppress(FileNotFoundError):
            file.with_name(f"{file.name}{suffix}").replace(f"{aside}{suffix}")
    return aside


def _count(store: Store) -> int:
    (count,) = store.database.execute("SELECT count(*) FROM cells WHERE state = 'done'").fetchone()
    return int(count)

"""One writer at a time: a locked file beside the store that says who holds it.

The lock is the kernel's (`flock`): it ends with the process, however that ends, so that a lock file
that was left behind locks nobody out. Its content only tells others whom to ask.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from dsmverify.errors import StoreError


class Lock:
    """The writer's lock on a store.

    Attributes:
        file: the locked file.
    """

    def __init__(self, file: Path, handle: int) -> None:
        self.file = file
        self._handle = handle

    @classmethod
    def take(cls, store: Path, clock: Callable[[], float]) -> Self:
        """Lock a store, or say who has.

        Args:
            store: the database.
            clock: seconds since 1970, for the message to others.

        Raises:
            StoreError: another process writes it, or the file cannot be created.
        """
        file = store.with_name(f"{store.name}.lock")
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StoreError(
                str(file),
                f"it cannot be created ({(error.strerror or str(error)).lower()})",
                "choose a folder that can be written to",
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(handle)
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise StoreError(
                    str(file), f"it cannot be locked ({error.strerror})", "use a local disk"
                ) from None
            raise StoreError(
                str(store),
                f"{holder} writes it, and one process does at a time",
                "wait for it to end, stop it, or give another --store",
            ) from None
        mine = {"pid": os.getpid(), "host": platform.node(), "started": written_at(clock)}
        with contextlib.suppress(OSError):  # a full disk does not unlock it
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(mine).encode(), 0)
        return cls(file, handle)

    def release(self) -> None:
        """Unlock; the file stays, since somebody else may be waiting at it."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, 0)
        os.close(self._handle)


def written_at(clock: Callable[[], float]) -> str:
    """The time of a clock, in UTC: for people, nothing is decided by it."""
    try:
        return datetime.fromtimestamp(clock(), UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return "unknown"


def _holder(handle: int) -> str:
    try:
        found = json.loads(os.pread(handle, 4096, 0))
        return f"process {found['pid']} on {found['host']}, since {found['started']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"

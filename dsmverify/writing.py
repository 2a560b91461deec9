"""Files that are there whole or not at all, also when the machine stops while they are written.

What is new is written under a name of its own beside the file, brought to the disk, and renamed. A
process that is killed in between leaves `NAME.*.part` behind, and the old file as it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".part"
"""How the names of files end that are being written."""


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A name to write to; what is there at the end takes the file's place.

    Args:
        file: in a folder that exists. Several processes may replace it at the same time: one of
            their files stays, whole. A device, a pipe or a folder is not replaced.

    Yields:
        Where to write.

    Raises:
        OSError: it cannot be written; unless the very last step failed, which brings the new name
            to the disk, the old file is as it was.
    """
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if file.exists() and not file.is_file():
        # Who may do everything would put a file in the place of /dev/stdout, for everybody.
        raise OSError(errno.EINVAL, "It is a device or a pipe", str(file))
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(file.parent)


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk.

    Raises:
        OSError: that cannot be done.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

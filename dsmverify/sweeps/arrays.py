"""Arrays of results: small ones in the database, large ones in files beside it.

A file is named by the SHA-256 of its content and lies in the folder `PATH.arrays` beside the
database. It is written under a temporary name, brought to the disk and renamed, before the row that
names it is: a row never waits for a file, a file without a row is harmless and found again by its
name. What is read is compared with the digest.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import StoreError
from dsmverify.writing import TEMPORARY, replacing, sync

Floats = NDArray[np.float64]

INLINE: Final = 64 * 1024
"""Bytes up to which an array is kept in the database itself."""

SUFFIX: Final = ".npy"


def encode(array: Floats) -> bytes:
    """The array as an `.npy` file: little-endian float64 in C order, the same on every machine."""
    stream = io.BytesIO()
    plain = np.ascontiguousarray(array, dtype="<f8").reshape(np.shape(array))
    np.lib.format.write_array(stream, plain, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def decode(data: bytes) -> Floats:
    """The array of an `.npy` file.

    Raises:
        ValueError: it is none.
    """
    return np.asarray(
        np.lib.format.read_array(io.BytesIO(data), allow_pickle=False), dtype=np.float64
    )


def digest(data: bytes) -> str:
    """SHA-256 of an encoded array, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def reason(error: OSError) -> str:
    """What the system says of a file that it does not read or write, for the middle of a line."""
    return (error.strerror or str(error)).lower()


class Folder:
    """Files of one store's large arrays.

    Attributes:
        path: the folder; created with its first file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        """Where an array of a digest lies."""
        return self.path / name[:2] / f"{name}{SUFFIX}"

    def write(self, name: str, data: bytes) -> None:
        """Bring an array to the disk, unless it is there already and whole.

        Args:
            name: `digest` of the data.
            data: of `encode`.

        Raises:
            StoreError: it cannot be written; nothing is left behind.
        """
        file = self.file(name)
        try:
            if file.exists() and digest(file.read_bytes()) == name:
                sync(file.parent)  # an earlier attempt may have failed just here
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                with replacing(file) as part:
                    part.write_bytes(data)
            for folder in (self.path, self.path.parent):
                sync(folder)
        except OSError as error:
            raise StoreError(
                str(file),
                f"it cannot be written ({reason(error)})",
                "make room or choose another place, and start the sweep again: it goes on",
            ) from None

    def read(self, name: str) -> bytes:
        """An array's file, as it was written.

        Raises:
            StoreError: it is missing, cannot be read, or is not what its name says.
        """
        file = self.file(name)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise StoreError(str(file), f"it cannot be read ({reason(error)})", _AGAIN) from None
        if digest(data) != name:
            raise StoreError(str(file), "its content is not that of its name", _AGAIN)
        return data

    def stale(self) -> Iterator[Path]:
        """Temporary files; while the store is locked by us none of them is being written."""
        yield from sorted(self.path.glob(f"*/*{TEMPORARY}"))


_AGAIN: Final = "the cell can be worked out again: see `dsmverify sweep --repair`"

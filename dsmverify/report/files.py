"""Writing a report: all of it or nothing, and never half a file.

More than `writing.replacing` does for one file: all files of a report are written before the first
takes its place, the old ones come back if a later one fails, and they keep their permissions.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dsmverify.errors import OutputError
from dsmverify.writing import sync


def prepare_folder(path: str | os.PathLike[str], *, argument: str = "--out") -> Path:
    """The folder, if a report can be written there; creates and leaves nothing.

    Meant to be called before the long work. A folder that does not exist yet is judged by its
    nearest parent that does.

    Args:
        path: folder for the report.
        argument: what the folder was given as, for the message.

    Raises:
        OutputError: it is a file, or neither it nor its parent can be written to.
    """
    folder = Path(path)
    try:
        present = folder
        while not _exists(present) and present != present.parent:
            present = present.parent
        if not stat.S_ISDIR(present.stat().st_mode):
            raise OutputError(str(folder), f"{present} is not a folder", argument)
        if not os.access(present, os.W_OK | os.X_OK):
            raise OutputError(str(folder), f"no permission to write to {present}", argument)
        with tempfile.TemporaryFile(dir=present) as probe:
            probe.write(b"\0")
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise OutputError(str(folder), _reason(error), argument) from error
    return folder


def write_files(
    folder: str | os.PathLike[str], texts: Mapping[str, str], *, argument: str = "--out"
) -> tuple[Path, ...]:
    """Write files into a folder, which is created if need be; returns their paths.

    Every file is first written in full under a temporary name in the same folder and brought to
    the disk; only when all of them are there do they replace the old ones, in the order given. If
    anything fails, the old files are as they were: those that were replaced already come back.
    The temporary files are removed in any case, and so is a folder that was created for nothing.

    Args:
        folder: where to.
        texts: content by file name, encoded as UTF-8.
        argument: what the folder was given as, for the message.

    Raises:
        OutputError: the folder or a file cannot be written (the message says why).
    """
    target = Path(folder)
    created: list[Path] = []
    waiting: dict[Path, Path] = {}
    complete = False
    try:
        _create(target, created)
        for name, text in texts.items():
            waiting[target / name] = _write_beside(target / name, text, waiting)
        _replace(target, waiting)
        complete = True
        _sync_folder(target)
    except (OSError, ValueError) as error:
        raise OutputError(str(target), _reason(error), argument) from error
    finally:
        for temporary in waiting.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        for path in reversed([] if complete else created):
            with contextlib.suppress(OSError):
                path.rmdir()  # refuses a folder that is not empty
    return tuple(target / name for name in texts)


def _exists(path: Path) -> bool:
    """Whether there is something; unlike os.path.lexists, a name too long is an error."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _create(folder: Path, created: list[Path]) -> None:
    missing = [path for path in (folder, *folder.parents) if not _exists(path)]
    for path in reversed(missing):
        path.mkdir()
        created.append(path)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")


def _write_beside(path: Path, text: str, waiting: dict[Path, Path]) -> Path:
    data = text.encode("utf-8")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    waiting[path] = Path(name)  # known before anything can fail, so that it is removed
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), _mode(path))
    return Path(name)


def _replace(folder: Path, waiting: dict[Path, Path]) -> None:
    """Put the new files in the places of the old ones: all, or after a failure none."""
    for path in waiting:
        if path.is_dir():
            raise IsADirectoryError(f"{path.name} is a folder")
    kept = Path(tempfile.mkdtemp(prefix=".old.", suffix=".tmp", dir=folder))
    touched: dict[Path, Path | None] = {}
    complete = False
    try:
        for number, path in enumerate(list(waiting)):
            touched[path] = kept / str(number) if _exists(path) else None
            with contextlib.suppress(OSError):  # there is none, or the file system has no links
                os.link(path, kept / str(number), follow_symlinks=False)
            waiting[path].replace(path)
            del waiting[path]
        complete = True
    finally:
        for path, old in () if complete else touched.items():
            with contextlib.suppress(OSError):
                path.unlink() if old is None else old.replace(path)
        shutil.rmtree(kept, ignore_errors=True)


def _mode(path: Path) -> int:
    """Permissions of the file to be replaced, or those that a new file would get."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Bring the new names to the disk, where the system can do that for a folder."""
    with contextlib.suppress(OSError):
        sync(folder)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)

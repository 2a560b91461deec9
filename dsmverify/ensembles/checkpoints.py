"""Networks on disk while they are trained: written whole or not at all, and read only if they fit.

A checkpoint carries the digest of everything that decides the result: another configuration,
another path or another version is refused, never continued.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dsmverify.ensembles.runs import Runs
from dsmverify.ensembles.settings import ARRAYS, Networks
from dsmverify.errors import InputError
from dsmverify.writing import replacing

FORMAT = 1
"""Changes whenever the content of a checkpoint, or what a step computes, changes."""


def digest(ensemble: Runs, dtype: Any, path: str) -> str:
    """SHA-256 of everything that decides the trained networks, as hexadecimal digits.

    Args:
        ensemble: what is trained.
        dtype: of the parameters.
        path: name of the training path; two paths agree to rounding only.
    """
    head = {**ensemble.rules, "dtype": np.dtype(dtype).name, "path": path}
    found = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    for name in ensemble.DECISIVE:
        array = np.ascontiguousarray(getattr(ensemble, name))
        found.update(f"{name}{array.dtype.str}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def with_start(content: str, start: Networks) -> str:
    """The digest of a run that begins with networks of its own, from that of the ensemble's run.

    Args:
        content: `digest` of the ensemble.
        start: what the run begins with.
    """
    found = hashlib.sha256(content.encode())
    for name in (*ARRAYS, "diverged"):
        array = np.ascontiguousarray(getattr(start, name))
        found.update(f"{name}{array.dtype.str}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def write(file: Path, networks: Networks, content: str) -> None:
    """Write a checkpoint atomically: a temporary file, flushed to the disk, then renamed.

    Args:
        file: where to.
        networks: between two steps.
        content: the run's `digest`.

    Raises:
        InputError: the file cannot be written.
    """
    head = json.dumps(
        {
            "format": FORMAT,
            "version": version("dsmverify"),
            "digest": content,
            "step": networks.step,
        }
    )
    arrays = {name: getattr(networks, name) for name in (*ARRAYS, "diverged")}
    buffer = io.BytesIO()
    np.savez(buffer, head=np.array(head), **arrays)
    write_atomically(file, buffer.getvalue())


def write_atomically(file: Path, data: bytes) -> None:
    """Replace a file's content whole or not at all, also when the machine stops in between.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            part.write_bytes(data)
    except OSError as error:
        raise InputError(
            "checkpoint",
            str(file),
            f"it cannot be written: {error.strerror}",
            "choose another folder",
        ) from None


def read(file: Path, content: str) -> Networks | None:
    """Networks of a checkpoint; None if there is no such file.

    Args:
        file: where from.
        content: the run's `digest`, which the checkpoint must carry.

    Raises:
        InputError: the file is damaged, or from another configuration, path or version.
    """
    if not file.exists():
        return None
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            head = json.loads(str(stored["head"]))
            arrays = {name: stored[name] for name in (*ARRAYS, "diverged")}
        form, written_by = head["format"], head["version"]
        known, step = head["digest"], int(head["step"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            "checkpoint", str(file), f"it cannot be read ({error})", "delete it to start anew"
        ) from None
    ours = (FORMAT, version("dsmverify"))
    if (form, written_by) != ours:
        raise InputError(
            "checkpoint",
            str(file),
            f"dsmverify {written_by} wrote it in format {form}; this is {ours[1]}, format "
            f"{ours[0]}",
            "delete it to start anew, or go on with the version that wrote it",
        )
    if known != content:
        raise InputError(
            "checkpoint",
            str(file),
            "it belongs to another configuration (data, model, rates, seeds, steps, dtype or path)",
            "delete it to start anew, or give another --out",
        )
    return Networks(**arrays, step=step)

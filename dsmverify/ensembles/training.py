"""Train an ensemble to its end: choose the path, go on from a checkpoint, say how far it is.

Noise is a function of run and step, and a path's result does not depend on threads or on where a
run is cut into slices; so a run that was killed and started again ends in the same bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np

from dsmverify.ensembles import checkpoints
from dsmverify.ensembles.settings import Ensemble, Networks
from dsmverify.errors import InputError, MissingExtraError, show

PathName = Literal["auto", "sorted", "dense", "batched", "reference"]
Progress = Callable[[int, int, str], None]
"""Called with network steps made, network steps in all, and a text."""

SLICE_SECONDS = 0.5
"""Aimed-at length of a slice: progress is told and the checkpoint considered between slices."""

DEVICE_SLICE_SECONDS = 5.0
"""The same elsewhere than on the CPU, where a slice begins with a transfer and a capture."""

FIRST_SLICE = 100
"""Steps of the first slice, from which the pace is taken."""


class Advance(Protocol):
    """A training path: makes the steps up to `last` in place."""

    def __call__(self, ensemble: Ensemble, networks: Networks, last: int) -> None:
        """Make steps `networks.step` to `last - 1` of every network that has them."""


def train(
    ensemble: Ensemble,
    *,
    path: PathName = "auto",
    start: Networks | None = None,
    dtype: Any = np.float32,
    device: str = "cpu",
    threads: int | None = None,
    checkpoint: Path | None = None,
    every: float = 30.0,
    progress: Progress | None = None,
) -> Networks:
    """Networks at the end of their runs.

    Args:
        ensemble: what to train.
        path: `"sorted"` (CPU, d = 1), `"dense"` (CPU), `"batched"` (torch, any device),
            `"reference"` (torch modules, one at a time); `"auto"` takes sorted for d = 1 and dense
            for d > 1 on the CPU, and batched elsewhere.
        start: networks to begin with, before their first step; not changed. None begins with the
            ensemble's own, which its seeds decide.
        dtype: float32 or float64, of the parameters.
        device: torch's name of a device.
        threads: of the CPU paths; None takes every core this process may use. It changes no byte.
        checkpoint: file to go on from and to write; it holds the final networks at the end.
        every: seconds between checkpoints, at least.
        progress: called after every slice.

    Raises:
        InputError: unknown path or device, threads below 1, a start of another shape or with steps
            made, or a checkpoint that does not fit.
        MissingExtraError: the path's library is not installed.
    """
    name = _path_name(path, ensemble, device)
    advance = _path(name, device, _thread_count(threads))
    content = checkpoints.digest(ensemble, dtype, name)
    if start is not None:
        _check_start(ensemble, start)
        content = checkpoints.with_start(content, start)
    networks = checkpoints.read(checkpoint, content) if checkpoint else None
    if networks is None:
        networks = ensemble.start(dtype) if start is None else start.astype(dtype)
    aim = SLICE_SECONDS if device == "cpu" else DEVICE_SLICE_SECONDS
    total, last = int(ensemble.steps.sum()), int(ensemble.steps.max())
    length, saved, stored = FIRST_SLICE, time.monotonic(), networks.step
    while networks.step < last:
        begin, first = time.monotonic(), networks.step
        advance(ensemble, networks, min(first + length, last))
        now = time.monotonic()
        # The first slice may contain a compilation: growth is bounded, so that it corrects itself.
        pace = (networks.step - first) / max(now - begin, 1e-9)
        length = int(min(max(pace * aim, 1), 4 * length))
        if checkpoint and now - saved >= every and networks.step < last:
            checkpoints.write(checkpoint, networks, content)
            saved, stored = now, networks.step
        if progress:
            progress(_steps_made(ensemble, networks), total, "network steps")
    if checkpoint and (stored < last or not checkpoint.exists()):
        checkpoints.write(checkpoint, networks, content)
    return networks


def _check_start(ensemble: Ensemble, start: Networks) -> None:
    model = ensemble.model
    wanted = (ensemble.count, model.width, model.dimension)
    if start.outer.shape != wanted or start.inner.shape != wanted:
        raise InputError(
            "start",
            f"outer weights of shape {start.outer.shape}",
            f"the ensemble has {wanted[0]} networks of {wanted[1]} neurons in dimension "
            f"{wanted[2]}",
            "give networks of its shape",
        )
    if start.step != 0:
        raise InputError(
            "start",
            f"networks at step {start.step}",
            "noise is a function of run and step, and these steps would be left out",
            "give networks before their first step",
        )


def _steps_made(ensemble: Ensemble, networks: Networks) -> int:
    return int(np.minimum(ensemble.steps, networks.step).sum())


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if threads < 1:
        raise InputError("threads", show(threads), "at least one thread works", "give 1 or more")
    return threads


def _path_name(path: PathName, ensemble: Ensemble, device: str) -> PathName:
    if path not in get_args(PathName):
        known = ", ".join(get_args(PathName))
        raise InputError(
            "path", show(path), "there is no such training path", f"give one of {known}"
        )
    if path == "auto":
        if device != "cpu":
            return "batched"
        return "sorted" if ensemble.model.dimension == 1 else "dense"
    if path != "batched" and device != "cpu":
        raise InputError(
            "device", show(device), f"the {path} path runs on the CPU", "give path = 'batched'"
        )
    return path


def _path(name: PathName, device: str, threads: int) -> Advance:
    """The training path, its library imported here.

    Raises:
        MissingExtraError: numba or torch is not installed.
    """
    try:
        if name == "sorted":
            from dsmverify.ensembles import sorted_batch

            return lambda e, n, last: sorted_batch.advance(e, n, last, threads=threads)
        if name == "dense":
            from dsmverify.ensembles import dense

            return lambda e, n, last: dense.advance(e, n, last, threads=threads)
        if name == "batched":
            from dsmverify.ensembles import batched

            return lambda e, n, last: batched.advance(e, n, last, device=device)
        from dsmverify.ensembles import reference

        return reference.advance
    except ModuleNotFoundError as error:
        if error.name not in ("numba", "torch"):
            raise
        raise MissingExtraError("train", error.name, "training") from None

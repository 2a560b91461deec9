"""Train an ensemble to its end: choose the path, go on from a checkpoint, say how far it is.

Noise is a function of run and step, and a path's result does not depend on threads or on where a
run is cut into slices; so a run that was killed and started again ends in the same bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np

from dsmverify.ensembles import checkpoints
from dsmverify.ensembles.runs import Runs
from dsmverify.ensembles.settings import Networks, TrainingPath
from dsmverify.errors import InputError, MissingExtraError, show

PathName = Literal["auto", "sorted", "dense", "batched", "reference"]
Progress = Callable[[int, int, str], None]
"""Called with network steps made, network steps in all, and a text."""

SLICE_SECONDS = 0.5
"""Aimed-at length of a slice: progress is told and the checkpoint considered between slices."""

DEVICE_SLICE_SECONDS = 5.0
"""The same elsewhere than on the CPU, where a slice begins with a transfer and a capture."""

FIRST_SLICE = 1
"""Steps of the first slice, from which the pace is taken: one can last seconds."""


class Advance(Protocol):
    """A training path: makes the steps up to `last` in place."""

    def __call__(self, ensemble: Runs, networks: Networks, last: int) -> None:
        """Make steps `networks.step` to `last - 1` of every network that has them."""


def train(
    ensemble: Runs,
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
        path: `"sorted"` (CPU, d = 1, one noise level), `"dense"` (CPU), `"batched"` (torch, any
            device), `"reference"` (torch modules, one at a time); `"auto"` takes batched elsewhere
            than on the CPU. There it takes sorted for d = 1 and dense for d > 1; over many times,
            dense in few dimensions and batched in many.
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
    advance = _path(ensemble.PATHS[name], device, _thread_count(threads))
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


def _check_start(ensemble: Runs, start: Networks) -> None:
    model = ensemble.model
    wanted = (ensemble.count, model.width, model.dimension)
    inner = (ensemble.count, model.width, ensemble.inputs)
    if start.outer.shape != wanted or start.inner.shape != inner:
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


def _steps_made(ensemble: Runs, networks: Networks) -> int:
    return int(np.minimum(ensemble.steps, networks.step).sum())


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if threads < 1:
        raise InputError("threads", show(threads), "at least one thread works", "give 1 or more")
    return threads


def _path_name(path: PathName, ensemble: Runs, device: str) -> str:
    known = [name for name in get_args(PathName) if name == "auto" or name in ensemble.PATHS]
    if path not in known:
        raise InputError(
            "path",
            show(path),
            "there is no such training path for this ensemble",
            f"give one of {', '.join(known)}",
        )
    name = ensemble.usual_path(device) if path == "auto" else path
    if device != "cpu" and "device" not in ensemble.PATHS[name].options:
        raise InputError(
            "device", show(device), f"the {path} path runs on the CPU", "give path = 'batched'"
        )
    return name


def _path(path: TrainingPath, device: str, threads: int) -> Advance:
    """The training path, its library imported here.

    Raises:
        MissingExtraError: numba or torch is not installed.
    """
    known = {"device": device, "threads": threads}
    options = {name: known[name] for name in path.options}
    try:
        module = import_module(f"dsmverify.ensembles.{path.module}")
    except ModuleNotFoundError as error:
        if error.name not in ("numba", "torch"):
            raise
        raise MissingExtraError("train", error.name, "training") from None
    return partial(module.advance, **options)

"""What training asks of an ensemble, and its networks spread over threads.

Which steps each network makes, and what happens when one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.settings import Floats, Model, Networks, TrainingPath
from dsmverify.errors import InputError, show
from dsmverify.instance import Batch

Run = Callable[[int, int, int, Event], int]
"""Makes steps `[first, end)` of network e unless an event is set; step of divergence, or -1."""


class Runs(Protocol):
    """Runs that are trained together: what `training`, checkpoints and the reference path ask.

    Attributes:
        PATHS: modules that make its steps, by the name of the path.
        DECISIVE: names of the arrays that decide the runs, beside `rules`.
    """

    PATHS: ClassVar[Mapping[str, TrainingPath]]
    DECISIVE: ClassVar[tuple[str, ...]]

    @property
    def model(self) -> Model:
        """The model."""

    @property
    def batch(self) -> Batch:
        """How mini-batches are drawn."""

    @property
    def learning_rates(self) -> Floats:
        """`[E]`."""

    @property
    def seeds(self) -> NDArray[np.uint64]:
        """`[E]`."""

    @property
    def steps(self) -> NDArray[np.int64]:
        """`[E]`."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of training points of each network. `[E]`."""

    @property
    def points(self) -> Floats:
        """Training points, padded with zeros. `[E, max n, d]`."""

    @property
    def count(self) -> int:
        """E."""

    @property
    def inputs(self) -> int:
        """Inputs of a network."""

    @property
    def rules(self) -> dict[str, Any]:
        """What decides the runs beside arrays, for JSON."""

    def usual_path(self, device: str) -> str:
        """The path that `"auto"` takes on a device."""

    def examples(self, e: int, step: int) -> tuple[Floats, Floats]:
        """Inputs of network e's batch at a step, and what the loss adds to the outputs."""

    def start(self, dtype: Any = np.float64) -> Networks:
        """Initial networks."""


def over_networks(run: Run, ensemble: Runs, networks: Networks, last: int, *, threads: int) -> None:
    """Bring every network to step `last`, or to its own last step; longest runs first.

    When a run raises, or the caller is interrupted, the others stop early and `networks` is of no
    further use: some of its networks are ahead of others.

    Args:
        run: what trains one network, without the interpreter's lock.
        ensemble: the runs.
        networks: their parameters; `diverged` and `step` are set here.
        last: step to stop before.
        threads: networks at the same time.

    Raises:
        InputError: `threads` is not positive.
    """
    if threads < 1:
        raise InputError("threads", show(threads), "it must be at least 1", "give 1 or more")
    first = networks.step
    ends = {
        e: min(last, int(ensemble.steps[e]))
        for e in range(ensemble.count)
        if networks.diverged[e] < 0 and min(last, int(ensemble.steps[e])) > first
    }
    order = sorted(ends, key=lambda e: -ends[e])
    stopped = Event()

    def one(e: int) -> None:
        networks.diverged[e] = run(e, first, ends[e], stopped)

    if threads == 1 or len(order) < 2:
        for e in order:
            one(e)
    else:
        with ThreadPoolExecutor(min(threads, len(order))) as pool:
            tasks = [pool.submit(one, e) for e in order]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    networks.step = max(first, last)

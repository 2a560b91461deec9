"""Networks spread over threads: which steps each one makes, and what happens when one fails."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from dsmverify.ensembles.settings import Ensemble, Networks
from dsmverify.errors import InputError, show

Run = Callable[[int, int, int, Event], int]
"""Makes steps `[first, end)` of network e unless an event is set; step of divergence, or -1."""


def over_networks(
    run: Run, ensemble: Ensemble, networks: Networks, last: int, *, threads: int
) -> None:
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

"""Cells that behave badly, each in its own way, and a client that sweeps over given ones.

`python -m tests.sweeps.trouble STORE --cells N [--jobs J] [--bundle B] [--flush S] [--scheduler A]`
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dsmverify.errors import DsmverifyError
from dsmverify.sweeps import export, runner
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.executors import Dask, Engine, Pool
from dsmverify.sweeps.kinds import Made
from dsmverify.sweeps.samples import Data
from dsmverify.sweeps.store import Store
from tests.sweeps import results

_NAP = 0.02


def cell(what: str, number: int = 0, **settings: Any) -> Cell:
    labels = {"sample": f"{what} {number}"}
    data = Data.of({})
    return Cell.of(
        f"{__name__}:{what}", {"number": number, **settings}, data, labels=labels, work=1.0
    )


def named(number: int) -> Cell:
    """Cells of the survival tests; `__main__` is another name for this module in the client."""
    labels = {"sample": f"sample {number}"}
    kind = "tests.sweeps.trouble:slow"
    return Cell.of(kind, {"number": number}, Data.of({}), labels=labels)


def is_over(one: Cell) -> bool:
    """Whether a cell's trouble has passed: the file that stood for it is gone."""
    place = one.settings.get("trouble")
    return place is not None and not Path(place).exists()


def work(one: Cell) -> Made:
    return results.work(one)


def slow(one: Cell) -> Made:
    """A little time and a little data; some cells have a file beside the database."""
    time.sleep(_NAP)
    number = one.settings["number"]
    generator = np.random.Generator(np.random.PCG64(number))
    arrays = {"small": generator.random(2)}
    if number % 150 == 0:
        arrays["large"] = generator.random(results.LARGE)
    return {"number": number}, arrays


def threads(one: Cell) -> Made:
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    np.ones((2, 2)) @ np.ones((2, 2))
    found = {str(pool["num_threads"]) for pool in threadpool_info()}
    return {"threads": sorted(found), "numba": os.environ.get("NUMBA_NUM_THREADS")}, {}


def broken(one: Cell) -> Made:
    raise ValueError(f"cell {one.settings['number']} is\nbroken")


def leaving(one: Cell) -> Made:
    sys.exit("leaving")


def hanging(one: Cell) -> Made:
    """A loop that looks at signals."""
    if is_over(one):
        return results.work(one)
    while True:
        try:
            time.sleep(0.05)
        except Exception:  # what a cell catches does not keep it alive
            continue


def stuck(one: Cell) -> Made:
    """A call of compiled code that holds the interpreter: no signal handler runs."""
    if is_over(one):
        return results.work(one)
    library, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)  # for ever
    raise AssertionError


def killing(one: Cell) -> Made:
    if is_over(one):
        return results.work(one)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def killing_once(one: Cell) -> Made:
    """Ends its worker the first time only: as if somebody else had."""
    mark = Path(one.settings["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return results.work(one)


def hungry(one: Cell) -> Made:
    """More memory than there may be."""
    if is_over(one):
        return results.work(one)
    kept = [np.empty(2**24) for _ in range(100)]
    return {"kept": len(kept)}, {}


def eating(one: Cell) -> Made:
    """More memory than a worker of a cluster may have: it is written to, and so counts."""
    kept: list[Any] = []
    while not is_over(one):
        if len(kept) < 100:
            kept.append(np.ones(2**22))
        time.sleep(0.05)
    return results.work(one)


def unsaid(one: Cell) -> Made:
    """A record that JSON has no word for."""
    return {"value": float("nan")}, {}


def unsent(one: Cell) -> Made:
    """A record that no process can send."""
    return {"value": lambda: 0}, {}


def csv_of(store: Path, cells: Sequence[Cell], file: Path) -> bytes:
    """The export of a store, byte for byte."""
    with Store.open(store, write=False) as opened:
        assert opened.verify() == []
        with file.open("w", encoding="utf-8", newline="") as stream:
            export.write_csv(opened, cells, stream)
    return file.read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bundle", type=int)
    parser.add_argument("--flush", type=float, default=runner.FLUSH)
    parser.add_argument("--scheduler")
    options = parser.parse_args()
    runner.FLUSH = options.flush  # type: ignore[misc]
    cells = [named(number) for number in range(options.cells)]
    try:
        engine: Engine = (
            Pool(options.jobs)
            if options.scheduler is None
            else Dask(options.scheduler, runner.kinds_of(cells))
        )
        with Store.open(options.store, write=True) as store:
            summary = runner.run(cells, store, engine, bundle=options.bundle, retry_failed=True)
    except DsmverifyError as error:
        print(error, flush=True)
        return error.exit_status
    print(*summary.lines(), sep="\n", flush=True)
    return summary.exit_status


if __name__ == "__main__":
    sys.exit(main())

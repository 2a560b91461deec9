"""`python -m benchmarks.sweeps [--out FILE]`: what the runner costs, and what workers bring.

Times of the wall clock stand beside seconds of processors, and the load of the machine is noted:
on a machine that is busy with something else only the second say anything.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from dsmverify.sweeps import cells as sweep_cells
from dsmverify.sweeps import configuration, runner, workers
from dsmverify.sweeps.bundles import Bundles
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.executors import Dask, Engine, Pool
from dsmverify.sweeps.kinds import Made, Result
from dsmverify.sweeps.runner import Summary
from dsmverify.sweeps.samples import Data
from dsmverify.sweeps.store import Store
from tests.sweeps.clusters import Cluster, wait_until

SMALL: Final = 20
LARGE: Final = 10_020
STORED: Final = 20_000
BATTERY: Final = """
[[check]]
claims = [["prop02a", "prop02b", "prop02c"], ["prop09a", "prop09b"], "thm08"]
sigma = [0.1, 0.3]
learning_rates = ["1/1000"]
proofs = false
[[check.samples]]
family = "normal"
size = [6, 8]
seed = {seeds}
"""

MANY: Final = f"""
[[check]]
claims = ["prop02a", "prop09a", "thm08", "prop10"]
sigma = {[f"{k}/1000" for k in range(1, 251)]}
learning_rates = ["1/1000"]
proofs = false
[[check.samples]]
family = "normal"
size = [6, 8]
seed = {list(range(50))}
"""
"""A sweep file of 10^5 cells."""


def nothing(cell: Cell) -> Made:
    """A cell of about the size that a claim has, without its work."""
    number = cell.settings["number"]
    row = {"claim": "thm08", "answer": "TRUE", "number": number, "lhs": ["0.1234567", "0.1234568"]}
    return {"rows": [row, row, row]}, {}


@dataclass(frozen=True)
class Cost:
    """Seconds of a run: by the clock, and of all processors of this machine's own processes."""

    wall: float
    processor: float
    summary: Summary


def measured(cells: Sequence[Cell], start: Callable[[], Engine], **options: Any) -> Cost:
    """Run cells into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        with Store.open(Path(folder) / "sweep.db", write=True) as store:
            before, began = _processor(), time.perf_counter()
            summary = runner.run(cells, store, start(), **options)
            wall = time.perf_counter() - began
        return Cost(wall, _processor() - before, summary)


def per_cell(start: Callable[[], Engine]) -> dict[str, float]:
    """Milliseconds for one more cell that does nothing: what is left of starting is taken off."""
    few, many = (measured(_nothings(count), start) for count in (SMALL, LARGE))
    count = LARGE - SMALL
    return {
        "wall_ms": 1000 * (many.wall - few.wall) / count,
        "processor_ms": 1000 * (many.processor - few.processor) / count,
    }


def throughput(cells: Sequence[Cell], start: Callable[[], Engine]) -> float:
    """Certified cells a second, after every worker has begun."""
    warm = cells[: max(8, len(cells) // 20)]
    first, second = measured(warm, start), measured(cells, start)
    return (len(cells) - len(warm)) / (second.wall - first.wall)


def speedup(
    cells: Sequence[Cell], one: Callable[[], Engine], two: Callable[[], Engine], rounds: int
) -> dict[str, float]:
    """Cells a second with one and with two workers, in turn so that both see the same machine.

    The ratio is the median over the rounds; its smallest and largest value stand beside it.
    """
    found = [(throughput(cells, one), throughput(cells, two)) for _ in range(rounds)]
    ratios = sorted(second / first for first, second in found)
    return {
        "cells": len(cells),
        "rounds": rounds,
        "one_per_s": median(first for first, _ in found),
        "two_per_s": median(second for _, second in found),
        "ratio": median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
    }


def sizes() -> dict[str, float]:
    """Bytes on the way to a worker and back, and bytes of the store, for one cell more."""
    cells = _nothings(1000)
    client = ("host", 1)
    one, many = (
        len(pickle.dumps(workers.Task(tuple(cells[:count]), 1.0, client))) for count in (1, 1000)
    )
    outcome = workers.run(workers.Task(tuple(cells), 86400.0, client))
    back = len(pickle.dumps(outcome)) / 1000
    with tempfile.TemporaryDirectory() as folder:
        store_path = Path(folder) / "sweep.db"
        results = [Result(f"{k:064x}", "check", *nothing(_numbered(k))) for k in range(STORED)]
        with Store.open(store_path, write=True) as store:
            began = time.perf_counter()
            for k in range(0, STORED, 1000):
                store.put_many(results[k : k + 1000])
            stored = (time.perf_counter() - began) / STORED
        growth = store_path.stat().st_size / STORED
    return {
        "task_bytes": one,
        "cell_bytes": (many - one) / 999,
        "result_bytes": back,
        "store_bytes": growth,
        "store_ms": 1000 * stored,
    }


def resuming(runs: int = 5) -> dict[str, float]:
    """Seconds of `dsmverify sweep`, the whole process, that finds all of 10^5 cells done.

    The median over some runs. Of these seconds, those in which the process has read the file, made
    the cells and found them done are measured once more in this process, which has loaded
    everything already.
    """
    with tempfile.TemporaryDirectory() as folder:
        file, path = Path(folder) / "sweep.toml", Path(folder) / "sweep.db"
        file.write_text(MANY, encoding="utf-8")
        cells = sweep_cells.expand(configuration.load(file))
        record, _ = nothing(_numbered(0))
        with Store.open(path, write=True) as store:
            for k in range(0, len(cells), 5000):
                store.put_many([Result(c.key, c.kind, record) for c in cells[k : k + 5000]])
        began, before = time.perf_counter(), _processor()
        again = sweep_cells.expand(configuration.load(file))
        expanded = _processor() - before
        with Store.open(path, write=True) as store:
            assert runner.run(again, store, Pool(1)).before == len(cells)
        inside = time.perf_counter() - began, _processor() - before
        found = [_command("sweep", str(file), "--store", str(path)) for _ in range(runs)]
        started = [_command("--version") for _ in range(runs)]
    assert all(f"cells: {len(cells)}, done before {len(cells)}," in said for *_, said in found)
    return {
        "cells": len(cells),
        "runs": runs,
        "wall_s": median(wall for wall, _, _ in found),
        "processor_s": median(processor for _, processor, _ in found),
        "processor_min_s": min(processor for _, processor, _ in found),
        "processor_max_s": max(processor for _, processor, _ in found),
        "version_processor_s": median(processor for _, processor, _ in started),
        "inside_wall_s": inside[0],
        "inside_processor_s": inside[1],
        "expanding_processor_s": expanded,
    }


def _command(*arguments: str) -> tuple[float, float, str]:
    """Seconds of a `dsmverify` command by the clock and of processors, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dsmverify", *arguments], capture_output=True, text=True, check=True
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent, done.stdout


def simulated(count: int, among: int, seconds: float, spread: float) -> dict[str, float]:
    """The bundles of a large sweep, without running it: real `Bundles`, times that are drawn.

    Args:
        count: cells.
        among: workers.
        seconds: of a cell, the median.
        spread: deviation of the logarithm of the times.
    """
    generator = np.random.Generator(np.random.PCG64(1))
    cells = [_Light(str(k)) for k in range(count)]
    times = seconds * np.exp(spread * generator.standard_normal(count))
    waiting = Bundles(cells)  # type: ignore[arg-type]
    free = np.zeros(among)
    tasks, began = 0, time.perf_counter()
    while waiting:
        worker = int(free.argmin())
        bundle = waiting.take(among)
        spent = {cell.key: float(times[int(cell.key)]) for cell in bundle}
        free[worker] += sum(spent.values())
        waiting.learn(bundle, spent)
        tasks += 1
    end = float(free.max())
    return {
        "cells": count,
        "workers": among,
        "tasks": tasks,
        "makespan_s": end,
        "ideal_s": float(times.sum()) / among,
        "tasks_per_s": tasks / end,
        "cells_per_s": count / end,
        "client_ms_per_cell": 1000 * (time.perf_counter() - began) / count,
    }


@dataclass(frozen=True)
class _Light:
    """As much of a cell as bundles look at."""

    key: str
    kind: str = "check"
    work: float = 1.0


@contextmanager
def cluster(count: int) -> Iterator[Callable[[], Engine]]:
    """Dask on loopback, each worker in a process of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = stack.enter_context(Cluster(folder, count))
        first = Dask(found.address, ["check"])
        wait_until("the workers have joined", lambda: len(first._client.nthreads()) == count)
        first.stop()
        yield lambda: Dask(found.address, ["check"])


def _numbered(number: int) -> Cell:
    return Cell.of("benchmarks.sweeps:nothing", {"number": number}, Data.of({}))


def _nothings(count: int) -> list[Cell]:
    return [_numbered(number) for number in range(count)]


def _processor() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/sweeps.json"))
    parser.add_argument("--seeds", type=int, default=45, help="samples of each size")
    parser.add_argument("--rounds", type=int, default=3, help="of one worker, then two")
    parser.add_argument("--only-resuming", action="store_true", help="keep the rest of the file")
    options = parser.parse_args()
    found: dict[str, Any] = {"load": os.getloadavg()[0], "processors": os.cpu_count()}
    if options.only_resuming:
        found = json.loads(options.out.read_text(encoding="utf-8"))

    def note(name: str, value: dict[str, float]) -> None:
        found[name] = value | {"load": os.getloadavg()[0]}
        said = ", ".join(f"{key} {number:.4g}" for key, number in found[name].items())
        print(f"{name}: {said}", flush=True)

    note("resuming", resuming())
    if not options.only_resuming:
        note("sizes", sizes())
        for seconds in (0.01, 0.1, 1.0):
            note(f"simulated@{seconds}", simulated(1_000_000, 1000, seconds, 0.5))
        text = BATTERY.format(seeds=list(range(options.seeds)))
        cells = sweep_cells.expand(configuration.parse(text, "battery"))
        note("overhead_process", per_cell(lambda: Pool(1)))
        note("pool", speedup(cells, lambda: Pool(1), lambda: Pool(2), options.rounds))
        with cluster(1) as one, cluster(2) as two:
            note("overhead_dask", per_cell(one))
            note("dask", speedup(cells, one, two, options.rounds))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()

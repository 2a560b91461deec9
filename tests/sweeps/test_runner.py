"""The runner: what fails is found, named and recorded, and the rest is done; nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsmverify.errors import NotCompletedError, VersionError
from dsmverify.sweeps import runner, workers
from dsmverify.sweeps.bundles import Bundles
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.executors import Engine, Pool
from dsmverify.sweeps.origins import Origin
from dsmverify.sweeps.runner import Summary
from dsmverify.sweeps.store import Failure, Store
from tests.sweeps import trouble
from tests.sweeps.results import refuse

GOOD = [trouble.cell("work", number) for number in range(12)]
FOREVER = 600.0


def swept(
    store: Path, cells: Sequence[Cell], engine: Engine | None = None, **options: Any
) -> tuple[Summary, dict[str, Failure]]:
    with Store.open(store, write=True) as opened:
        summary = runner.run(cells, opened, engine or Pool(1), **options)
        return summary, opened.failed([cell.key for cell in cells])


def in_threads(number: int = 2) -> Engine:
    return Engine(ThreadPoolExecutor(number), number)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("unbroken")
    swept(folder / "sweep.db", GOOD, in_threads(1), bundle=1)
    return trouble.csv_of(folder / "sweep.db", GOOD, folder / "out.csv")


def test_everything_is_done_once_and_again_it_is_nothing(tmp_path: Path, unbroken: bytes) -> None:
    store = tmp_path / "sweep.db"
    summary, failed = swept(store, [*GOOD, GOOD[0]], in_threads())
    assert (summary.total, summary.done, summary.left, failed) == (12, 12, 0, {})
    assert summary.exit_status == 0
    assert trouble.csv_of(store, GOOD, tmp_path / "out.csv") == unbroken
    again, _ = swept(store, GOOD, in_threads())
    assert (again.before, again.done, again.exit_status) == (12, 0, 0)


@pytest.mark.parametrize(("jobs", "bundle"), [(1, 5), (2, 1), (4, 3)])
def test_export_is_the_same_for_any_number_of_processes(
    jobs: int, bundle: int, tmp_path: Path, unbroken: bytes
) -> None:
    store = tmp_path / "sweep.db"
    swept(store, GOOD, Pool(jobs), bundle=bundle)
    assert trouble.csv_of(store, GOOD, tmp_path / "out.csv") == unbroken


def test_limit_and_going_on(tmp_path: Path, unbroken: bytes) -> None:
    store = tmp_path / "sweep.db"
    first, _ = swept(store, GOOD, in_threads(), limit=5)
    assert (first.done, first.left, first.exit_status) == (5, 7, 0)
    second, _ = swept(store, GOOD, in_threads())
    assert (second.before, second.done, second.left) == (5, 7, 0)
    assert trouble.csv_of(store, GOOD, tmp_path / "out.csv") == unbroken


def test_failed_cells_are_named_and_tried_again_only_when_asked(tmp_path: Path) -> None:
    store = tmp_path / "sweep.db"
    bad = [trouble.cell("broken", 3), trouble.cell("leaving"), trouble.cell("unsaid")]
    cells = [*bad, *GOOD]
    summary, failed = swept(store, cells, in_threads(), bundle=4)
    assert (summary.done, summary.failed, summary.exit_status) == (12, 3, 1)
    errors = [failed[cell.key].error for cell in bad]
    assert errors[0].startswith("ValueError: cell 3 is broken (trouble.py:")
    assert errors[1].startswith("SystemExit: leaving")
    assert errors[2].startswith("its result cannot be stored: ")
    again, failed = swept(store, cells, in_threads())
    assert (again.skipped, again.failed, again.exit_status) == (3, 0, 1)
    assert failed[bad[0].key].attempts == 1
    third, failed = swept(store, cells, in_threads(), retry_failed=True)
    assert (third.skipped, third.failed, failed[bad[0].key].attempts) == (0, 3, 2)


def test_trouble_in_processes(tmp_path: Path, unbroken: bytes) -> None:
    """Every kind of trouble in one sweep: a pool is started anew for some of it."""
    store, mark, ill = tmp_path / "sweep.db", tmp_path / "mark", tmp_path / "ill"
    ill.touch()
    hanging, stuck, killing, hungry = (
        trouble.cell(name, 20, trouble=str(ill))
        for name in ("hanging", "stuck", "killing", "hungry")
    )
    unsent, killed = trouble.cell("unsent"), trouble.cell("killing_once", 7, mark=str(mark))
    cells = [GOOD[0], hanging, killing, killed, *GOOD[1:6], unsent, stuck, hungry, *GOOD[6:]]
    engine = Pool(2, memory=2**30)
    summary, failed = swept(store, cells, engine, time_limit=10, bundle=3)
    assert (summary.done, summary.failed, summary.left) == (13, 5, 0)
    said = {
        name: failed[cell.key].error
        for name, cell in (
            ("hanging", hanging),
            ("stuck", stuck),
            ("killing", killing),
            ("hungry", hungry),
            ("unsent", unsent),
        )
    }
    assert said["hanging"] == "time limit of 10 seconds"
    assert said["stuck"] == "time limit of 10 seconds; its worker had to be ended"
    assert said["killing"].startswith("its worker process ended each time, 2 times")
    assert said["hungry"].startswith("memory limit")
    assert "pickle" in said["unsent"]
    assert trouble.csv_of(store, GOOD, tmp_path / "out.csv") == unbroken
    assert not multiprocessing.active_children()
    # The trouble has passed: the same sweep has the bytes of one that met none.
    ill.unlink()
    summary, failed = swept(store, cells, Pool(1), retry_failed=True)
    assert (summary.before, summary.done, summary.failed) == (13, 4, 1)
    cells.remove(unsent)
    swept(tmp_path / "well.db", cells, in_threads(1))
    after, well = (
        trouble.csv_of(path, cells, tmp_path / "out.csv") for path in (store, tmp_path / "well.db")
    )
    assert after == well


def test_a_worker_has_one_thread_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one = trouble.cell("threads")
    swept(tmp_path / "sweep.db", [one])
    with Store.open(tmp_path / "sweep.db", write=False) as store:
        found = store.read(one.key)
    assert found is not None
    assert found.record == {"threads": ["1"], "numba": "1"}
    assert not list(tmp_path.glob("dsmverify-sweep-*"))


def test_time_limit_in_a_thread(tmp_path: Path) -> None:
    """Where no signal reaches: a worker of Dask, say."""
    one = trouble.cell("hanging")
    summary, failed = swept(
        tmp_path / "sweep.db", [one, *GOOD], in_threads(1), time_limit=1, bundle=13
    )
    assert (summary.done, summary.failed) == (12, 1)
    assert failed[one.key].error == "time limit of 1 seconds"


@pytest.mark.parametrize("engine", [lambda: in_threads(1), lambda: Pool(1, memory=2**80)])
def test_limits_beyond_what_a_machine_counts_are_none(
    engine: Callable[[], Engine], tmp_path: Path
) -> None:
    for seconds in (9e8, 1e10, 1e300):
        found, failed = swept(
            tmp_path / f"{seconds}.db", GOOD[:2], engine(), time_limit=seconds, bundle=1
        )
        assert (found.done, failed) == (2, {})


LOWER = """
import resource, sys
from dsmverify.sweeps import workers
resource.setrlimit(resource.RLIMIT_DATA, (2**33, 2**33))
for asked in (2**34, 2**80, 2**32):
    workers.prepare(sys.argv[1], asked)
    print(resource.getrlimit(resource.RLIMIT_DATA) == (min(asked, 2**33),) * 2)
"""


def test_a_limit_of_the_session_holds_too(tmp_path: Path) -> None:
    """A process may not have more than its parent; that is no reason not to start."""
    found = subprocess.run(
        [sys.executable, "-c", LOWER, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["True"] * 3


def test_one_cell_at_a_time_in_a_process(tmp_path: Path) -> None:
    """Precision is one setting of the process: threads take turns."""
    done = [workers.Task((cell,), FOREVER, ("", 0)) for cell in GOOD]
    with workers._one_at_a_time, ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(workers.run, task) for task in done[:2]]
        assert not any(future.done() for future in futures)
        workers._one_at_a_time.release()
        assert [len(future.result().done) for future in futures] == [1, 1]
        workers._one_at_a_time.acquire()


def test_another_version_stops_the_sweep_and_is_no_failure(tmp_path: Path) -> None:
    other = Origin("0" * 64, GOOD[0].origin.libraries)
    cells = [GOOD[0], replace(GOOD[1], origin=other), *GOOD[2:]]
    with pytest.raises(VersionError, match=r"source code: process .* install the same version"):
        swept(tmp_path / "sweep.db", cells, in_threads(1), bundle=1)
    with Store.open(tmp_path / "sweep.db", write=False) as store:
        keys = [cell.key for cell in cells]
        assert store.has(keys) >= {GOOD[0].key}
        assert store.failed(keys) == {}


def test_a_cell_that_cannot_be_written_is_named_and_the_rest_is_stored(tmp_path: Path) -> None:
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        refuse(store, [GOOD[4].key, GOOD[7].key])
        summary = runner.run(GOOD, store, in_threads(1), bundle=12)
        assert (summary.done, summary.failed, summary.left) == (10, 0, 2)
        again, *notes = summary.notes
        assert again.startswith("results were written again, one by one: ")
        assert len([note for note in notes if "disk is full" in note]) == 2
        refuse(store, [])
        assert runner.run(GOOD, store, in_threads(1)).done == 2
        assert store.verify() == []


def test_a_full_disk_stops_the_sweep(tmp_path: Path) -> None:
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        refuse(store, [cell.key for cell in GOOD])
        with pytest.raises(NotCompletedError, match="full"):
            runner.run(GOOD, store, in_threads(1), bundle=12)
        assert store.has(cell.key for cell in GOOD) == set()
        refuse(store, [])
        assert runner.run(GOOD, store, in_threads(1)).done == 12


def test_workers_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(NotCompletedError, match="end before they begin a cell"):
        swept(tmp_path / "sweep.db", GOOD, Pool(1, memory=2**20))


def test_an_executor_that_loses_its_workers(tmp_path: Path) -> None:
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as pool,
        pytest.raises(NotCompletedError, match="has lost its workers"),
    ):
        swept(tmp_path / "sweep.db", [trouble.cell("killing")], Engine(pool, 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_keeps_what_was_done(number: signal.Signals, tmp_path: Path) -> None:
    store, text = tmp_path / "sweep.db", tmp_path / "slow.toml"
    text.write_text(
        '[[check]]\nclaims = ["prop02a"]\nproofs = false\nsigma = [0.1]\n'
        'learning_rates = ["1/1000"]\n'
        '[[check.samples]]\nfamily = "normal"\nsize = [4]\n'
        f"seed = {list(range(3000))}\n",
        encoding="utf-8",
    )
    # A shell that starts this in the background lets nothing below it see Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = ["sweep", str(text), "--store", str(store), "--jobs", "1", "--bundle", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dsmverify", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while _rows(store) == 0:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    out, err = process.communicate(timeout=FOREVER)
    assert process.returncode == 3, err
    assert "the same command goes on from here" in err
    assert "Traceback" not in err
    assert f"done now {_rows(store)}, failed now 0" in out
    with Store.open(store, write=True) as opened:
        assert opened.verify() == []


def _rows(store: Path) -> int:
    try:
        database = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM cells").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error:
        return 0


def test_bundles_grow_with_what_is_measured() -> None:
    cells = [trouble.cell("work", number) for number in range(1000)]
    waiting = Bundles(cells, seconds=1.005)
    assert len(waiting.take(1)) == 1
    assert len(waiting.take(1)) == 1  # nothing is known yet
    waiting.learn(cells[:1], {cells[0].key: 0.01})
    sizes = []
    for _ in range(5):
        bundle = waiting.take(1)
        sizes.append(len(bundle))
        waiting.learn(bundle, {cell.key: 0.01 for cell in bundle})
    assert sizes == [4, 16, 64, 100, 100]
    waiting.learn(cells[:1], {cells[0].key: 5.0})
    assert len(waiting.take(1)) == 1


def test_many_workers_get_longer_tasks() -> None:
    """A scheduler handles so many tasks a second, whoever asks."""
    cells = [trouble.cell("work", number) for number in range(30)]
    waiting = Bundles(cells * 200)
    waiting.learn(cells, {cell.key: 1.0 for cell in cells})
    assert len(waiting.take(1)) == 1
    assert len(waiting.take(1000)) == 2  # the rest, shared
    waiting = Bundles(cells * 20_000)
    waiting.learn(cells, {cell.key: 1.0 for cell in cells})
    assert len(waiting.take(1000)) == 10


def test_bundles_shrink_at_the_end_and_are_of_one_kind() -> None:
    cells = [trouble.cell("work", number) for number in range(10)]
    others = [trouble.cell("slow", number) for number in range(3)]
    waiting = Bundles([*cells, *others])
    waiting.learn(cells, {cell.key: 1e-6 for cell in cells})
    waiting.learn(others, {cell.key: 1e-6 for cell in others})
    taken = []
    while waiting:
        taken.append(waiting.take(2))
    assert [len(bundle) for bundle in taken][:3] == [3, 2, 2]
    assert all(len({cell.kind for cell in bundle}) == 1 for bundle in taken)
    assert [cell.key for bundle in taken for cell in bundle] == [
        cell.key for cell in (*cells, *others)
    ]


def test_bundles_put_back_come_first_in_their_order() -> None:
    cells = [trouble.cell("work", number) for number in range(6)]
    waiting = Bundles(cells, size=3)
    first = waiting.take(1)
    waiting.put_back(first)
    assert waiting.take(1) == tuple(cells[:3])

"""Sweeps on a Dask cluster of real processes on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsmverify.errors import InputError, NotCompletedError, VersionError
from dsmverify.sweeps import executors, runner, workers
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.executors import Dask
from dsmverify.sweeps.samples import Data
from dsmverify.sweeps.store import Store
from tests.sweeps import trouble
from tests.sweeps.clusters import PATIENCE, ROOT, Cluster, wait_until
from tests.sweeps.test_runner import GOOD, in_threads, swept

pytest.importorskip("distributed", reason="distributed is not installed")

MODULE = "elsewhere"
SOURCE = 'def work(cell):\n    return {"number": cell.settings["number"]}, {}\n'


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders with a module of one name: ours, and one of another version."""
    found = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("other")
    for place, text in zip(found, (SOURCE, f"# another version\n{SOURCE}"), strict=True):
        (place / f"{MODULE}.py").write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, places: tuple[Path, Path]
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    memory = ("--memory-limit", "1GiB")
    path = str(places[0])
    with Cluster(folder, 2, losses=1, path=path, nanny=True, options=memory) as found:
        yield found


def engine(cluster: Cluster, cells: list[Cell]) -> Dask:
    return Dask(cluster.address, runner.kinds_of(cells))


@pytest.mark.parametrize("bundle", [None, 5])
def test_same_bytes_as_in_one_process(cluster: Cluster, bundle: int | None, tmp_path: Path) -> None:
    summary, _ = swept(tmp_path / "dask.db", GOOD, engine(cluster, GOOD), bundle=bundle)
    assert (summary.done, summary.notes) == (12, [])
    swept(tmp_path / "here.db", GOOD, in_threads(1))
    found, expected = (
        trouble.csv_of(tmp_path / f"{name}.db", GOOD, tmp_path / f"{name}.csv")
        for name in ("dask", "here")
    )
    assert found == expected


def test_trouble_is_found_in_its_bundle(cluster: Cluster, tmp_path: Path) -> None:
    killing, hanging = trouble.cell("killing"), trouble.cell("hanging")
    broken, unsent = trouble.cell("broken", 1), trouble.cell("unsent")
    cells = [*GOOD[:3], killing, *GOOD[3:6], hanging, broken, *GOOD[6:], unsent]
    summary, failed = swept(
        tmp_path / "sweep.db", cells, engine(cluster, cells), bundle=4, time_limit=10
    )
    assert (summary.done, summary.failed, summary.left) == (12, 4, 0)
    assert failed[killing.key].error.startswith("its workers were lost (")
    assert failed[hanging.key].error == "time limit of 10 seconds"
    assert failed[broken.key].error.startswith("ValueError: cell 1 is broken")
    assert failed[unsent.key].error


def test_a_cell_that_eats_memory(cluster: Cluster, tmp_path: Path) -> None:
    """Its worker is ended by the nanny, and the next one; the others are worked out."""
    store, ill = tmp_path / "sweep.db", tmp_path / "ill"
    ill.touch()
    eating = trouble.cell("eating", 20, trouble=str(ill))
    cells = [eating, *GOOD]
    summary, failed = swept(store, cells, engine(cluster, cells), bundle=1, time_limit=PATIENCE)
    assert (summary.done, summary.failed, summary.left) == (12, 1, 0)
    assert failed[eating.key].error.startswith("its workers were lost (")
    ill.unlink()
    summary, failed = swept(store, cells, engine(cluster, cells), retry_failed=True)
    assert (summary.before, summary.done, failed) == (12, 1, {})


def test_a_worker_of_another_version_is_named_and_gets_nothing(
    cluster: Cluster,
    places: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(places[0]))
    cells = [
        Cell.of(f"{MODULE}:work", {"number": number}, Data.of({}), labels={"sample": str(number)})
        for number in range(30)
    ]
    before = engine(cluster, cells)
    assert before.notes == []
    cluster.add_worker(PYTHONPATH=f"{places[1]}:{ROOT}")
    client = before._client
    wait_until("the other worker has joined", lambda: len(client.nthreads()) == 3)
    # It joined after the comparison: a task finds out.
    summary, failed = swept(tmp_path / "late.db", cells, before, bundle=1)
    assert (summary.done, failed) == (30, {})
    # It was there before: the comparison finds out.
    after = engine(cluster, cells)
    (note,) = after.notes
    assert "source code" in note
    assert "gets nothing" in note
    summary, failed = swept(tmp_path / "early.db", cells, after, bundle=3)
    assert (summary.done, failed) == (30, {})
    assert summary.notes == [note]


def test_no_worker_has_our_version(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(places[0]))
    cells = [Cell.of(f"{MODULE}:work", {"number": 0}, Data.of({}))]
    with Cluster(tmp_path, 1, path=str(places[1])) as other:
        first = Dask(other.address, [])
        wait_until("a worker has joined", lambda: len(first._client.nthreads()) == 1)
        first.stop()
        with pytest.raises(VersionError, match="source code: worker tcp"):
            engine(other, cells)


def test_a_scheduler_that_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client gives up and closes itself: that is said, and no error of Dask's."""
    monkeypatch.setattr(executors, "_CONNECT", 2)
    with Cluster(tmp_path, 0) as other:
        one = Dask(other.address, [])
        other.scheduler.kill()
        wait_until("the client gives up", lambda: one._client.status == "closed")
        with pytest.raises(NotCompletedError, match="the scheduler is gone"):
            one.submit(workers.Task((GOOD[0],), PATIENCE, ("", 0)))
        one.stop()


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_CONNECT", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        Dask("tcp://127.0.0.1:9", [])
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        Dask("nonsense://here", [])


def test_a_store_that_was_left_open_is_whole(tmp_path: Path) -> None:
    """What a killed client leaves is read without its log being thrown away."""
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        assert runner.run(GOOD, store, in_threads(1), limit=4).done == 4
        with Store.open(tmp_path / "sweep.db", write=False) as reader:
            assert len(reader.has([cell.key for cell in GOOD])) == 4

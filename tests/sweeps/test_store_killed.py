"""A writer that is killed with SIGKILL leaves whole cells or none, and the sweep goes on."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from dsmverify.sweeps.store import Store
from tests.sweeps.results import cell, result, work

COUNT = 60
KILLS = 12


def write(path: Path, bundle: int, said: Connection) -> None:
    """Write every cell that is not there, and say so after each transaction."""
    cells = [cell(number) for number in range(COUNT)]
    said.send("ready")
    with Store.open(path, write=True) as store:
        done = store.has(one.key for one in cells)
        todo = [one for one in cells if one.key not in done]
        for start in range(0, len(todo), bundle):
            store.put_many([result(one) for one in todo[start : start + bundle]])
            said.send("put")
    said.send("end")


@pytest.mark.parametrize("bundle", [1, 7])
def test_kill_at_random_instants(tmp_path: Path, bundle: int) -> None:
    path = tmp_path / "sweep.db"
    keys = [cell(number).key for number in range(COUNT)]
    instants = random.Random(bundle)
    # Real processes, forked from a server that has the modules already.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    before: set[str] = set()
    killed = 0
    for attempt in range(KILLS + 1):
        said, theirs = context.Pipe(duplex=False)
        writer = context.Process(target=write, args=(path, bundle, theirs))
        writer.start()
        theirs.close()
        assert said.recv() == "ready"
        if attempt < KILLS:
            # So many transactions, then some moment of the next one.
            for _ in range(instants.randrange(COUNT // KILLS // bundle + 1)):
                if said.recv() == "end":
                    break
            time.sleep(instants.random() * 0.004)
            writer.kill()
        writer.join()
        # The last cells may be done before their writer is killed.
        assert writer.exitcode in ((-9, 0) if attempt < KILLS else (0,))
        killed += writer.exitcode == -9
        said.close()
        if not path.exists():
            continue  # killed before it was created
        with Store.open(path, write=True) as store:
            assert store.verify() == []
            done = store.has(keys)
            assert before <= done  # nothing that was there is lost
            for number, key in enumerate(keys):
                found = store.read(key)
                assert (found is not None) == (key in done)
                if found is not None:
                    record, arrays = work(cell(number))
                    assert found.record == record
                    assert {n: a.tolist() for n, a in found.arrays.items()} == {
                        n: a.tolist() for n, a in arrays.items()
                    }
            before = done
    assert before == set(keys)
    assert killed
    assert not list(tmp_path.rglob("*.part"))

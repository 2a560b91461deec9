"""Repairs: what is damaged goes, everything else stays, and the sweep can go on."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from dsmverify.errors import StoreError
from dsmverify.sweeps.repair import repair
from dsmverify.sweeps.store import Store
from tests.sweeps.results import cell, result, work

COUNT = 80
CELLS = [cell(number) for number in range(COUNT)]
KEYS = [one.key for one in CELLS]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sweep.db"
    with Store.open(path, write=True) as store:
        store.put_many([result(one) for one in CELLS])
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound.parent, tmp_path / "store")
    return tmp_path / "store" / "sweep.db"


def complete(path: Path) -> int:
    """How many cells were missing: the others are right, and afterwards all are there."""
    with Store.open(path, write=True) as store:
        assert store.verify() == []
        there = store.has(KEYS)
        for number in (n for n in range(COUNT) if KEYS[n] in there):
            found = store.read(KEYS[number])
            assert found is not None
            record, arrays = work(CELLS[number])
            assert found.record == record
            assert all(np.array_equal(a, found.arrays[n]) for n, a in arrays.items())
        assert store.put_many([result(one) for one in CELLS]) == COUNT - len(there)
        assert store.verify() == []
    return COUNT - len(there)


def test_a_sound_store_stays_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    found = repair(path)
    assert (found.damages, found.kept, found.aside) == ((), COUNT, None)
    assert path.read_bytes() == before


def test_damaged_rows_and_files_are_taken_out_in_place(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE cells SET attempts = 9 WHERE key = ?", (bytes.fromhex(KEYS[1]),))
    database.close()
    file = next((path.parent / "sweep.db.arrays").rglob("*.npy"))
    file.write_bytes(file.read_bytes()[:-1])
    found = repair(path)
    assert (len(found.damages), found.kept, found.aside) == (2, COUNT - 2, None)
    assert complete(path) == 2


def test_a_database_with_destroyed_pages_keeps_the_rest(path: Path) -> None:
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    pages = len(content) // size
    rebuilt = 0
    assert pages > 10
    for page in range(1, pages):
        for suffix in ("", ".damaged"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        damaged = bytearray(content)
        damaged[page * size : page * size + 64] = b"\xa5" * 64
        path.write_bytes(damaged)
        with Store.open(path, write=False) as store:
            assert store.verify() != []
        found = repair(path)
        assert found.damages
        if found.aside is not None:
            rebuilt += 1
            assert found.aside.read_bytes() == damaged
        missing = complete(path)
        assert missing == COUNT - found.kept
    assert rebuilt


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"not a database" * 400])
def test_a_store_that_is_lost_wholly_starts_anew(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    found = repair(path)
    assert found.kept == 0
    if content:
        assert found.aside is not None
        assert found.aside.read_bytes() == content
    assert complete(path) == COUNT


def test_a_locked_store_is_left_alone(path: Path) -> None:
    with (
        Store.open(path, write=True),
        pytest.raises(StoreError, match="one process does at a time"),
    ):
        repair(path)


def test_a_newer_store_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="schema 99"):
        repair(path)


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such store"):
        repair(tmp_path / "a.db")

"""The store: complete rows, every damage named, one writer, and errors that leave it valid."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsmverify.errors import StoreError
from dsmverify.sweeps import arrays, schema
from dsmverify.sweeps.rows import DamagedError
from dsmverify.sweeps.store import Failure, Store
from tests.sweeps.results import LARGE, cell, result, work

CELLS = [cell(number) for number in range(12)]
KEYS = [one.key for one in CELLS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with half of the cells."""
    place = tmp_path / "sweep.db"
    with Store.open(place, write=True) as store:
        assert store.put_many([result(one) for one in CELLS[:6]]) == 6
    return place


def holds(store: Store, number: int) -> bool:
    """Whether a cell is there, and just as it was made."""
    found = store.read(KEYS[number])
    if found is None:
        return False
    record, made = work(CELLS[number])
    assert found.record == record
    assert found.arrays.keys() == made.keys()
    assert all(np.array_equal(array, found.arrays[name]) for name, array in made.items())
    return True


def test_what_is_put_is_read(path: Path) -> None:
    with Store.open(path, write=False) as store:
        assert [holds(store, number) for number in range(12)] == [True] * 6 + [False] * 6
        assert store.has(KEYS) == set(KEYS[:6])
        assert store.seconds(KEYS) == dict.fromkeys(KEYS[:6], 0.25)
        assert store.array_names(KEYS) == ["large", "small"]
        assert store.verify() == []
    files = [file.name for file in (path.parent / "sweep.db.arrays").rglob("*.npy")]
    assert len(files) == 2  # cells 0 and 3
    # Readable without us.
    file = next((path.parent / "sweep.db.arrays").rglob("*.npy"))
    assert np.load(file).shape == (LARGE,)


def test_has_answers_the_same_for_few_and_for_many_keys(path: Path) -> None:
    others = [f"{number:064x}" for number in range(1000)]
    with Store.open(path, write=False) as store:
        assert store.has(KEYS) == store.has(KEYS + others)


def test_a_finished_cell_is_not_written_again(path: Path) -> None:
    with Store.open(path, write=True) as store:
        assert not store.put(result(CELLS[0], seconds=99))
        assert store.put_many([result(one) for one in CELLS]) == 6
        assert store.seconds(KEYS[:1]) == {KEYS[0]: 0.25}
        assert store.notes == []


def test_a_second_result_that_differs_is_named(path: Path) -> None:
    with Store.open(path, write=True) as store:
        store.put(replace(result(CELLS[0]), record={"number": -1}))
        assert [KEYS[0][:16] in note for note in store.notes] == [True]
        assert holds(store, 0)


def test_failures_are_counted_and_end_with_a_result(path: Path) -> None:
    with Store.open(path, write=True) as store:
        store.fail(CELLS[7], "first")
        store.fail(CELLS[7], "second: \ud800 \0")
        assert store.failed(KEYS) == {KEYS[7]: Failure(2, "second: \\ud800 \\0")}
        assert store.read(KEYS[7]) is None
        assert KEYS[7] not in store.has(KEYS)
        assert store.verify() == []
        assert store.put(result(CELLS[7]))
        assert store.failed(KEYS) == {}
        assert holds(store, 7)
        store.fail(CELLS[7], "late")  # of a worker that was given up
        assert holds(store, 7)


def test_a_discarded_cell_is_worked_out_again(path: Path) -> None:
    with Store.open(path, write=True) as store:
        assert store.discard([KEYS[0], KEYS[11]]) == 1
        assert not holds(store, 0)
        assert store.put(result(CELLS[0]))
        assert holds(store, 0)


def test_what_json_has_no_words_for_is_refused_and_nothing_is_stored(path: Path) -> None:
    with Store.open(path, write=True) as store:
        bad = replace(result(CELLS[8]), record={"number": float("nan")})
        with pytest.raises(ValueError, match="JSON"):
            store.put_many([result(CELLS[7]), bad])
        assert store.has(KEYS) == set(KEYS[:6])


def test_numbers_come_back_to_the_bit(tmp_path: Path) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 0.1])
    with Store.open(tmp_path / "a.db", write=True) as store:
        shapes = {"odd": odd, "table": np.arange(6.0).reshape(2, 3), "one": np.array(3.0)}
        store.put(replace(result(CELLS[0]), arrays={**shapes, "none": np.empty(0)}))
        found = store.read(KEYS[0])
    assert found is not None
    assert found.arrays["odd"].tobytes() == odd.tobytes()
    assert [found.arrays[n].shape for n in ("table", "one", "none")] == [(2, 3), (), (0,)]


def columns() -> Iterator[tuple[str, str]]:
    yield from (
        ("kind", "UPDATE cells SET kind = 'other'"),
        ("attempts", "UPDATE cells SET attempts = 2"),
        ("seconds", "UPDATE cells SET seconds = 0.26"),
        ("written", "UPDATE cells SET written = 'never'"),
        ("record", "UPDATE cells SET record = (SELECT record FROM cells WHERE key = x'{other}')"),
        ("content", "UPDATE cells SET content = zeroblob(32)"),
        ("seal", "UPDATE cells SET seal = zeroblob(32)"),
        ("key", "UPDATE cells SET key = x'{last}'"),
        ("provenance", "UPDATE provenance SET document = '{{}}'"),
        ("array", "UPDATE arrays SET data = zeroblob(length(data))"),
        ("digest", "UPDATE arrays SET digest = zeroblob(32)"),
        ("lost array", "DELETE FROM arrays"),
        ("name", "UPDATE arrays SET name = 'b' || name"),
    )


@pytest.mark.parametrize(("what", "statement"), list(columns()), ids=[n for n, _ in columns()])
def test_a_changed_value_anywhere_in_a_row_is_found(path: Path, what: str, statement: str) -> None:
    with sqlite3.connect(path) as database:
        text = statement.format(other=KEYS[2], last=KEYS[9])
        if "provenance" not in what:
            text += f" WHERE key = x'{KEYS[1]}'"
        assert database.execute(text).rowcount >= 1
    database.close()
    with Store.open(path, write=True) as store:
        damages = store.verify()
        keys = {damage.key for damage in damages}
        if what == "provenance":
            assert keys == set(KEYS[:6])
        else:
            assert keys == {KEYS[9] if what == "key" else KEYS[1]}
            assert holds(store, 0)
        with pytest.raises(DamagedError, match="dsmverify sweep --repair"):
            store.read(next(iter(keys)) or "")
        # The way out: taken out, worked out again.
        store.discard(key for key in keys if key is not None)
        store.put_many([result(one) for one in CELLS])
        assert store.verify() == []


def test_a_flipped_byte_of_the_database_is_never_silent(path: Path, tmp_path: Path) -> None:
    """Every result that is read from a damaged database is the right one, or an error says so."""
    content = path.read_bytes()
    copy = tmp_path / "copy.db"
    shutil.copytree(path.with_name("sweep.db.arrays"), tmp_path / "copy.db.arrays")
    generator = np.random.Generator(np.random.PCG64(8))
    outcomes = {"named": 0, "harmless": 0}
    for place in generator.choice(len(content), size=400, replace=False):
        changed = bytearray(content)
        changed[place] ^= 1 << int(generator.integers(8))
        copy.write_bytes(changed)
        named = False
        try:
            with Store.open(copy, write=False) as store:
                for number in range(6):
                    try:
                        found = holds(store, number)
                    except StoreError:
                        named = True
                    else:
                        # An absent cell is worked out again; what became of its row is found.
                        named |= not found
                        assert found or store.verify()
        except StoreError:
            named = True
        outcomes["named" if named else "harmless"] += 1
    # Unused space and the header's counters are most of so small a file.
    assert outcomes["named"] > 50


def test_a_flipped_byte_of_an_array_is_named_and_the_rest_goes_on(path: Path) -> None:
    files = sorted((path.parent / "sweep.db.arrays").rglob("*.npy"))
    content = bytearray(files[0].read_bytes())
    content[-3] ^= 4
    files[0].write_bytes(content)
    with Store.open(path, write=True) as store:
        (damage,) = store.verify()
        assert str(files[0]) in damage.what
        number = KEYS.index(damage.key or "")
        with pytest.raises(DamagedError, match="its content is not that of its name"):
            store.read(KEYS[number])
        assert all(holds(store, other) for other in range(6) if other != number)
        store.discard([KEYS[number]])
        store.put(result(CELLS[number]))
        assert store.verify() == []


def test_a_missing_array_is_named(path: Path) -> None:
    shutil.rmtree(path.parent / "sweep.db.arrays")
    with Store.open(path, write=False) as store:
        assert [damage.key for damage in store.verify()] == sorted([KEYS[0], KEYS[3]])


def test_a_stale_temporary_file_is_removed_and_named(path: Path) -> None:
    folder = path.parent / "sweep.db.arrays" / "ab"
    folder.mkdir(exist_ok=True)
    stale = folder / f"ab{'0' * 62}.npy.part"
    stale.write_bytes(b"half")
    with Store.open(path, write=False) as store:  # a reader touches nothing
        assert stale.exists()
        assert store.notes == []
    with Store.open(path, write=True) as store:
        assert not stale.exists()
        assert [str(stale) in note for note in store.notes] == [True]


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    for write in (True, False):
        with pytest.raises(StoreError, match=r"schema 99.*knows up to"):
            Store.open(path, write=write)
    assert path.read_bytes() == before


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cells (a)")
    database.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path, write=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a database" * 100, "it is no store of results"),
        (b"SQLite format 3\0" + b"\xff" * 99, r"is damaged \(SQLite says"),
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    for write in (True, False):
        with pytest.raises(StoreError, match=says):
            Store.open(path, write=write)


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such store"):
        Store.open(tmp_path / "a.db", write=False)
    with pytest.raises(StoreError, match="create the folder"):
        Store.open(tmp_path / "b" / "a.db", write=True)


def test_migrations_run_in_order_and_a_failing_one_changes_nothing(path: Path) -> None:
    later = {**schema.MIGRATIONS, 2: ("ALTER TABLE cells ADD COLUMN extra TEXT",)}
    broken = {**later, 3: ("CREATE TABLE more (a)", "CREATE TABLE more (a)")}
    database = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(StoreError, match="has schema 1, and schema 2 is read"):
        schema.prepare(database, "a.db", write=False, migrations=later)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        schema.prepare(database, "a.db", write=True, migrations=broken)
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    assert database.execute("SELECT count(*), count(extra) FROM cells").fetchone() == (6, 0)
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema")]
    assert "more" not in names
    database.close()


HOLDER = """
import sys
from dsmverify.sweeps.store import Store
with Store.open(sys.argv[1], write=True):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_who_holds_it(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError) as caught:
            Store.open(path, write=True)
        said = str(caught.value)
        assert f"process {holder.pid} on {os.uname().nodename}, since 2" in said
        with Store.open(path, write=False) as store:  # readers are welcome
            assert store.has(KEYS) == set(KEYS[:6])
    finally:
        holder.kill()
        holder.communicate()
    # The lock ends with the process, however that ends.
    with Store.open(path, write=True) as store:
        assert holds(store, 0)


def test_one_process_cannot_open_it_twice_for_writing(path: Path) -> None:
    with Store.open(path, write=True), pytest.raises(StoreError, match=f"process {os.getpid()}"):
        Store.open(path, write=True)


def test_a_reader_sees_what_a_writer_has_finished(path: Path) -> None:
    with Store.open(path, write=False) as reader, Store.open(path, write=True) as writer:
        writer.put(result(CELLS[7]))
        assert holds(reader, 7)


def test_a_clock_that_jumps_decides_nothing(tmp_path: Path) -> None:
    times = iter([1e9, 5.0, -3e11, 1e300, float("nan"), *range(100)])
    with Store.open(tmp_path / "a.db", write=True, clock=lambda: next(times)) as store:
        for one in CELLS[:5]:
            store.put(result(one))
        assert all(holds(store, number) for number in range(5))
        assert store.verify() == []
        written = [found.written for key in KEYS[:5] if (found := store.read(key))]
    assert "unknown" in written


READ_ONLY = """
import os, sys
from pathlib import Path
from dsmverify.errors import StoreError
from dsmverify.sweeps.store import Store
if os.getuid() == 0:
    os.setuid(65534)  # root may write everywhere
path = Path(sys.argv[1])
with Store.open(path, write=False) as store:
    print(len(store.verify()), store.read(sys.argv[2]).record["number"])
for place in (path, path.with_name("new.db")):
    try:
        Store.open(place, write=True)
    except StoreError as error:
        print(error)
"""


def test_a_read_only_folder_is_read_and_not_written(path: Path) -> None:
    # Not below pytest's own folder, which no other user may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = shutil.copytree(path.parent, Path(name) / "store")
        Path(name).chmod(0o755)
        for file in folder.iterdir():
            file.chmod(0o555 if file.is_dir() else 0o444)
        folder.chmod(0o555)
        try:
            found = subprocess.run(
                [sys.executable, "-c", READ_ONLY, str(folder / path.name), KEYS[3]],
                capture_output=True,
                text=True,
                check=True,
            )
        finally:
            folder.chmod(0o755)
    counts, *errors = found.stdout.splitlines()
    assert counts == "0 3"
    assert len(errors) == 2
    assert all("permission denied" in error and "can be written to" in error for error in errors)


FULL = """
import resource, signal, sys
from dsmverify.errors import StoreError
from dsmverify.sweeps.store import Store
from tests.sweeps.results import cell, result
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(sys.argv[1], write=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
failed = []
for number in range(6, 40):
    one = cell(number)
    try:
        store.put(result(one))
    except StoreError as error:
        failed.append(number)
        message = str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
there = [n for n in range(40) if store.read(cell(n).key)]
assert sorted(there + failed) == list(range(40)), (there, failed)
assert store.verify() == []
for number in failed:
    assert store.put(result(cell(number)))
store.close()
print(len(failed), message)
"""


@pytest.mark.parametrize(
    ("limit", "says"), [(60_000, "too large"), (40_000, "SQLite says|too large")]
)
def test_a_write_that_fails_is_named_and_the_store_stays_valid(
    path: Path, limit: int, says: str
) -> None:
    """A limit on the size of files stands for a full disk: first arrays, then the log, fail."""
    found = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    count, _, message = found.stdout.partition(" ")
    assert int(count) > 0
    assert any(part in message for part in says.split("|"))
    assert "start the sweep again: it goes on" in message
    assert not list(path.parent.rglob("*.part"))
    with Store.open(path, write=False) as store:
        assert len(store.has(cell(number).key for number in range(40))) == 40
        assert store.verify() == []


def test_an_array_is_the_same_file_on_every_machine() -> None:
    data = arrays.encode(np.array([1.0, 2.0]))
    assert data == arrays.encode(np.array([1, 2], dtype=">f8"))
    assert data == arrays.encode(np.array([1.0, 0, 2.0, 0])[::2])
    assert arrays.decode(data).tolist() == [1.0, 2.0]


def test_a_long_log_is_folded_into_the_database(path: Path) -> None:
    log, generator = path.with_name("sweep.db-wal"), np.random.Generator(np.random.PCG64(0))
    with Store.open(path, write=True) as store:
        for number in range(100, 230):
            array = generator.random(8000)
            assert store.put(replace(result(cell(number)), arrays={"a": array}))
            assert log.stat().st_size < 5 * 2**20
        assert path.stat().st_size > 2**22
        assert store.notes == []

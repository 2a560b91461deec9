"""Exports and status: the order of the cells, the same bytes whatever happened, nothing silent."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dsmverify.errors import MissingExtraError
from dsmverify.sweeps import cells, configuration, export, status
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.export import Exported
from dsmverify.sweeps.kinds import Result
from dsmverify.sweeps.store import Store

TEXT = """
[[check]]
claims = ["thm08", ["prop02a", "prop02b"]]
sigma = [0.1, 0.2]
proofs = false
[[check.samples]]
name = "a, \\"quoted\\" name"
points = [0, 1, 3]
[[train]]
rates = [0.01, 0.02]
steps = [100]
runs = 3
runs_per_cell = 2
sigma = [0.1]
[[train.samples]]
points = [0, 1]
"""


@pytest.fixture(scope="module")
def todo() -> list[Cell]:
    return cells.expand(configuration.parse(TEXT, "mine.toml"))


def made(cell: Cell) -> Result:
    """What such a cell may come to; of its key only."""
    number = int(cell.key[:6], 16)
    if cell.kind == "train":
        count = len(cell.settings["seeds"])
        values = {"excess": np.full(count, number / 7), "risk": np.full(count, np.inf)}
        return Result(cell.key, cell.kind, {"networks": count}, values, number / 1e6, {})
    row = {
        "claim": cell.settings["claims"][0],
        "answer": "TRUE",
        "lhs": {"lower": "1", "upper": "2"},
        "rhs": None,
        "slack": str(number),
        "failed_hypothesis": None,
        "trivial": False,
        "where": {"y": "1/3", "i": "2"},
        "reason": None,
        "bits": 64,
        "evaluations": 3,
        "hypothesis_slack": ["1.5", None],
    }
    rows = [{**row, "instance": ""}, {**row, "instance": "[random]"}]
    return Result(cell.key, cell.kind, {"rows": rows, "notes": []}, {}, number / 1e6, {})


def written(path: Path, todo: list[Cell]) -> tuple[str, Exported]:
    stream = io.StringIO(newline="")
    with Store.open(path, write=False) as store:
        counts = export.write_csv(store, todo, stream)
    return stream.getvalue(), counts


def test_rows_are_in_the_order_of_the_cells(tmp_path: Path, todo: list[Cell]) -> None:
    path = tmp_path / "a.db"
    with Store.open(path, write=True) as store:
        store.put_many([made(cell) for cell in todo])
    text, counts = written(path, todo)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(dict.fromkeys(row["key"] for row in rows)) == [cell.key for cell in todo]
    assert (counts.rows, counts.done, counts.missing, counts.damaged) == (len(rows), 8, 0, [])
    first, second = rows[:2]
    assert first["sample"] == 'a, "quoted" name'
    assert (first["network"], second["network"]) == ("", "random")
    assert (first["lhs_lower"], first["rhs_lower"], first["trivial"]) == ("1", "", "false")
    assert (first["where"], first["hypothesis_slack"]) == ("i=2 y=1/3", '["1.5", null]')
    runs = [row for row in rows if row["kind"] == "train"]
    assert [row["run"] for row in runs] == ["0", "1", "0"] * 2
    train = [cell for cell in todo if cell.kind == "train"]
    seeds = [str(seed) for cell in train for seed in cell.settings["seeds"]]
    assert [row["seed"] for row in runs] == seeds
    assert float(runs[0]["excess"]) == int(train[0].key[:6], 16) / 7
    assert {row["risk"] for row in runs} == {"inf"}


def test_the_bytes_do_not_depend_on_order_bundles_or_clocks(
    tmp_path: Path, todo: list[Cell]
) -> None:
    texts = set()
    for seed in range(4):
        order = random.Random(seed).sample(todo, len(todo))
        path = tmp_path / f"{seed}.db"
        with Store.open(path, write=True, clock=partial(float, 1e8 * seed)) as store:
            for start in range(0, len(order), seed + 1):
                store.put_many([made(cell) for cell in order[start : start + seed + 1]])
            store.put_many([made(cell) for cell in todo])
        texts.add(written(path, todo)[0])
    assert len(texts) == 1


def test_what_is_not_there_has_a_row_that_says_so(tmp_path: Path, todo: list[Cell]) -> None:
    path = tmp_path / "a.db"
    with Store.open(path, write=True) as store:
        store.put_many([made(cell) for cell in todo[:3]])
        store.fail(todo[4], "too long", seconds=3)
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE cells SET seconds = 7 WHERE key = ?", (bytes.fromhex(todo[1].key),)
        )
    database.close()
    text, counts = written(path, todo)
    states = {row["key"]: row["state"] for row in csv.DictReader(io.StringIO(text))}
    assert [states[cell.key] for cell in todo] == (
        ["done", "damaged", "done", "missing", "failed"] + ["missing"] * 3
    )
    assert (counts.done, counts.missing, counts.failed, len(counts.damaged)) == (2, 4, 1, 1)
    assert todo[1].key[:16] in counts.damaged[0]


def test_cells_of_one_key_share_their_result(tmp_path: Path) -> None:
    twice = TEXT.replace(
        "[[train]]", '[[check.samples]]\nname = "again"\npoints = [0, 1, 3]\n[[train]]'
    )
    todo = cells.expand(configuration.parse(twice, "mine.toml"))
    assert len({cell.key for cell in todo}) == len(todo) - 4
    path = tmp_path / "a.db"
    with Store.open(path, write=True) as store:
        assert store.put_many([made(cell) for cell in todo]) == len(todo) - 4
        assert store.notes == []
    rows = list(csv.DictReader(io.StringIO(written(path, todo)[0])))
    assert {row["state"] for row in rows} == {"done"}
    assert [row["sample"] for row in rows].count("again") == 8


def test_parquet_holds_what_the_csv_does(tmp_path: Path, todo: list[Cell]) -> None:
    path, file = tmp_path / "a.db", tmp_path / "a.parquet"
    with Store.open(path, write=True) as store:
        store.put_many([made(cell) for cell in todo[:5]])
        try:
            import pyarrow.parquet as pq  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:
            with pytest.raises(MissingExtraError, match=r"pip install 'dsmverify\[parquet\]'"):
                export.write_parquet(store, todo, file)
            pytest.skip("pyarrow is not installed")
        counts = export.write_parquet(store, todo, file)
        first = file.read_bytes()
        export.write_parquet(store, todo, file)
    assert file.read_bytes() == first
    table = pq.read_table(file)
    assert table.num_rows == counts.rows
    text, _ = written(path, todo)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [{k: export._spelled(v) for k, v in row.items()} for row in table.to_pylist()] == rows


def test_status_counts_and_estimates(tmp_path: Path, todo: list[Cell]) -> None:
    empty = status.of(None, todo)
    assert [(k.name, k.done, k.missing, k.left) for k in empty.kinds] == [
        ("check", 0, 4, None),
        ("train", 0, 4, None),
    ]
    assert "not known" in "\n".join(empty.lines())
    with Store.open(tmp_path / "a.db", write=True) as store:
        # Two networks of the first cell took 4 seconds; cells of two and of one network are left.
        train = [cell for cell in todo if cell.kind == "train"]
        store.put_many([made(cell) for cell in todo if cell.kind == "check"][:3])
        store.fail(todo[3], "a reason")
        one = made(train[0])
        store.put(Result(one.key, one.kind, one.record, one.arrays, 4.0, {}))
        assert store.count() == 5
        found = status.of(store, todo)
        # The same cells to somebody whose sweep has fewer of them.
        fewer = status.of(store, todo[1:3])
    check, trained = found.kinds
    assert (check.done, check.failed, check.missing, check.left) == (3, 1, 0, 0.0)
    assert (trained.done, trained.missing, trained.left) == (1, 3, 2.0 + 4.0 + 2.0)
    assert found.left == 8.0
    lines = found.lines(workers=2)
    assert "time for the rest: about 4 seconds with 2 workers" in lines
    assert (found.others, fewer.others) == (0, 3)
    assert not any("others" in line for line in lines)
    said = "others in the store: 3, of other settings, data, code or libraries"
    assert fewer.lines() == ["check: 2 done, 0 failed, 0 left", said]
    assert "failed once" in lines[-1]
    assert "a reason" in lines[-1]

"""Derivations are run once for a sweep, and what they prove is handed to the cells of claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsmverify import derivation
from dsmverify.errors import DerivationError
from dsmverify.sweeps import cells, configuration, export, kinds, runner
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.executors import Engine, Pool
from dsmverify.sweeps.kinds import Given, Made, Result
from dsmverify.sweeps.needs import Needs
from dsmverify.sweeps.rows import DamagedError
from dsmverify.sweeps.samples import Data
from dsmverify.sweeps.store import Store
from tests.sweeps.results import refuse

# Of two short derivations, and of none.
CLAIMS = ["eq06", "prop02a", "prop10"]
TEXT = """
[[check]]
claims = {claims}
sigma = [0.2, 0.3]
learning_rates = [0.01]
proofs = {proofs}
[[check.samples]]
points = [0, 1, 3]
"""


def expand(claims: list[Any], *, proofs: bool = True) -> list[Cell]:
    text = TEXT.format(claims=json.dumps(claims), proofs=json.dumps(proofs))
    return cells.expand(configuration.parse(text, "mine.toml"))


def in_threads(number: int = 1) -> Engine:
    return Engine(ThreadPoolExecutor(number), number)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each derivation is run in this process."""
    found: Counter[str] = Counter()
    run = derivation.run

    def counted(name: str) -> derivation.Derivation:
        found[name] += 1
        return run(name)

    monkeypatch.setattr(derivation, "run", counted)
    kinds._run_derivation.cache_clear()
    yield found
    kinds._run_derivation.cache_clear()


def test_derivations_come_first_each_once_and_their_claims_need_them() -> None:
    todo = expand(["eq06", ["prop02a", "prop10"]])
    proofs = {cell.settings["derivation"]: cell for cell in todo if cell.kind == "prove"}
    assert [cell.kind for cell in todo] == ["prove", "prove", *["check"] * 4]
    assert list(proofs) == sorted(proofs) == ["empirical_score", "posterior_bounds"]
    needs = {cell.settings["claims"]: cell.needs for cell in todo if cell.kind == "check"}
    assert needs == {
        ("eq06",): (proofs["empirical_score"].key,),
        ("prop02a", "prop10"): (proofs["posterior_bounds"].key,),
    }
    # What was proved is of the code that uses it.
    assert all(cell.origin == todo[-1].origin for cell in proofs.values())


def test_without_proofs_there_are_none() -> None:
    todo = expand(CLAIMS, proofs=False)
    assert {cell.kind for cell in todo} == {"check"}
    assert {cell.needs for cell in todo} == {()}


def answers(result: Result) -> set[str]:
    return {row["answer"] for row in result.record["rows"]}


def test_what_is_given_decides_and_what_is_missing_is_run(runs: Counter[str]) -> None:
    proof, check = (cell for cell in expand(["eq06"]) if cell.labels.get("sigma") != "0.3")
    name = "empirical_score"
    nothing = {"derivation": name, "proves": [], "failed": "a residual is not 0"}
    something = {"derivation": name, "proves": ["eq06"], "failed": None}
    found = [kinds.run(check, {proof.key: record}) for record in (nothing, something)]
    assert [answers(result) for result in found] == [{"UNKNOWN"}, {"TRUE"}]
    assert [result.provenance["given"] for result in found] == [[proof.key]] * 2
    assert runs == {}
    alone = kinds.run(check)
    assert alone.record == found[1].record
    assert "given" not in alone.provenance
    assert kinds.run(proof).record == something
    assert runs == {name: 1}


def test_a_derivation_of_other_claims_proves_nothing_here() -> None:
    """Of a claim its own derivation counts, whatever another one says it proves."""
    proof, check = (cell for cell in expand(["eq06"]) if cell.labels.get("sigma") != "0.3")
    other = {"derivation": "another", "proves": ["eq06"], "failed": None}
    own = {"derivation": "empirical_score", "proves": ["eq07"], "failed": None}
    both = replace(check, needs=(proof.key, "0" * 64))
    assert answers(kinds.run(both, {proof.key: own, "0" * 64: other})) == {"UNKNOWN"}


def test_a_derivation_that_does_not_arrive_is_a_result_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, runs: Counter[str], tmp_path: Path
) -> None:
    def failing(name: str) -> derivation.Derivation:
        raise DerivationError(name, "left is not right")

    monkeypatch.setattr(derivation, "run", failing)
    todo = expand(["eq06"])
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        assert runner.run(todo, store, in_threads()).exit_status == 0
        rows = list(export.rows(store, todo, export.Exported(0, 0, 0, 0, [])))
    assert [row.get("reason") for row in rows if row["kind"] == "prove"] == ["left is not right"]
    assert {row["answer"] for row in rows if row["kind"] == "check"} == {"UNKNOWN"}


def test_each_is_run_once_for_all_cells_and_not_again_by_the_next_run(
    runs: Counter[str], tmp_path: Path
) -> None:
    todo = expand(CLAIMS)
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        first = runner.run(todo, store, in_threads(), limit=2)
        assert (first.done, first.left, first.notes) == (2, 6, [])
        # As in a worker that has run none.
        kinds._run_derivation.cache_clear()
        second = runner.run(todo, store, in_threads())
        assert (second.before, second.done, second.exit_status) == (2, 6, 0)
        assert runs == {"empirical_score": 1, "posterior_bounds": 1}
        for cell in todo:
            stored = store.read(cell.key)
            assert stored is not None
            assert stored.provenance.get("given", []) == sorted(cell.needs)


@pytest.mark.parametrize(("jobs", "bundle"), [(1, 1), (2, 3)])
def test_bytes_are_the_same_in_processes(jobs: int, bundle: int, tmp_path: Path) -> None:
    todo, texts = expand(CLAIMS), []
    for name, engine, size in (("here", in_threads(), None), ("there", Pool(jobs), bundle)):
        with Store.open(tmp_path / f"{name}.db", write=True) as store:
            summary = runner.run(todo, store, engine, bundle=size)
            assert (summary.done, summary.left, summary.notes) == (8, 0, [])
            file = tmp_path / f"{name}.csv"
            export.write_csv_file(store, todo, file)
            texts.append(file.read_bytes())
    assert texts[0] == texts[1]
    assert b"prove,done,empirical_score" in texts[0]
    assert b",eq06,PROVED," in texts[0]


def giving(cell: Cell) -> Made:
    if cell.settings["is_bad"]:
        raise ValueError("bad")
    return {"value": cell.settings["number"]}, {}


def taking(cell: Cell, given: Given | None = None) -> Made:
    values = [record["value"] for record in (given or {}).values()]
    return {"sum": sum(values), "count": len(values)}, {}


def giver(number: int, *, is_bad: bool = False) -> Cell:
    return Cell.of(
        f"{__name__}:giving",
        {"number": number, "is_bad": is_bad},
        Data.of({}),
        labels={"sample": f"giver {number}"},
    )


def taker(number: int, *givers: Cell) -> Cell:
    keys = tuple(cell.key for cell in givers)
    settings = {"number": number, "of": keys}
    return Cell.of(f"{__name__}:taking", settings, Data.of({}), needs=keys)


ONE, TEN = giver(1), giver(10)


def test_a_cell_waits_for_all_that_it_needs(tmp_path: Path) -> None:
    """Whatever the order of the cells is."""
    first, both, none = taker(0, ONE), taker(1, ONE, TEN), taker(2)
    todo = [both, first, ONE, none, TEN]
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        assert runner.run(todo, store, Pool(2), bundle=2).done == 5
        found = [store.read(cell.key) for cell in (first, both)]
    assert [one and one.record for one in found] == [
        {"sum": 1, "count": 1},
        {"sum": 11, "count": 2},
    ]


def test_where_one_has_failed_others_wait_and_are_not_called_failed(tmp_path: Path) -> None:
    bad = giver(3, is_bad=True)
    waiting = [taker(number, ONE, bad) for number in range(4)]
    todo = [ONE, bad, *waiting, taker(9, ONE)]
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        for retry, skipped in ((False, 0), (False, 1), (True, 0)):
            summary = runner.run(todo, store, in_threads(2), retry_failed=retry)
            assert (summary.failed, summary.skipped, summary.left) == (1 - skipped, skipped, 4)
            assert summary.exit_status == 1
            (note,) = summary.notes
            assert note.startswith(f"4 cells wait for {bad.key[:16]} (")
            assert "giver 3" in note
        assert set(store.failed(cell.key for cell in todo)) == {bad.key}


def test_what_is_not_stored_is_not_used(tmp_path: Path) -> None:
    todo = [ONE, TEN, taker(0, ONE), taker(1, TEN)]
    with Store.open(tmp_path / "sweep.db", write=True) as store:
        refuse(store, [ONE.key])
        summary = runner.run(todo, store, in_threads())
        assert (summary.done, summary.left, summary.exit_status) == (2, 2, 3)
        refuse(store, [])
        assert runner.run(todo, store, in_threads()).done == 2


def test_a_damaged_result_is_named_before_it_is_used(tmp_path: Path) -> None:
    path, todo = tmp_path / "sweep.db", [ONE, taker(0, ONE)]
    with Store.open(path, write=True) as store:
        runner.run(todo, store, in_threads(), limit=1)
        store.database.execute("UPDATE cells SET seconds = 77")
        with pytest.raises(DamagedError, match=f"cell {ONE.key[:16]} is damaged.*--repair"):
            runner.run(todo, store, in_threads())
        assert store.has([todo[1].key]) == set()


def test_what_comes_from_elsewhere_is_not_waited_for() -> None:
    """A sweep over some cells only: the cell works out itself what nobody will give it."""
    needs = Needs({}, [])
    cell = taker(0, ONE)
    assert needs.admit([cell]) == [cell]
    assert needs.given([cell]) == {}
    assert needs.came(ONE.key, {"value": 1}) == []

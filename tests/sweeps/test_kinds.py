"""What cells do: the rows of a report, the same numbers in every process, and no wrong labels."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dsmverify
from dsmverify import claims
from dsmverify.errors import VersionError
from dsmverify.instance import Instance
from dsmverify.report import json as report_json
from dsmverify.sweeps import cells, configuration, kinds, origins
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.kinds import Result

TRAIN = """
[[train]]
rates = [0.01]
steps = [20]
runs = 2
sigma = [0.3]
widths = [10]
[[train.samples]]
points = [0, 1]
"""


def expand(text: str) -> list[Cell]:
    return cells.expand(configuration.parse(text, "mine.toml"))


def check_text(names: list[str], *, proofs: bool) -> str:
    return (
        f"[[check]]\nclaims = [{json.dumps(names)}]\nsigma = [0.3]\nlearning_rates = [0.01]\n"
        f"proofs = {json.dumps(proofs)}\nseeds = [3]\n[[check.samples]]\npoints = [0, 1, 3]\n"
    )


# Of a sample, of networks, of minima; an identity that is proved; one that is read off another.
CLAIMS = ["prop02a", "thm08@sum", "lem12", "lem13", "eq06"]


def read_off() -> str:
    found = [c for c in dsmverify.catalogue.claims() if isinstance(c.conclusion, claims.ReadOff)]
    return min(found, key=lambda claim: claim.id).id


@pytest.mark.parametrize("names", [CLAIMS, [read_off()]], ids=["decided", "read off"])
def test_rows_are_those_of_the_report(names: list[str]) -> None:
    *proofs, cell = expand(check_text(names, proofs=True))
    given = {proof.key: kinds.run(proof).record for proof in proofs}
    assert set(given) == set(cell.needs)
    sample = Instance.from_json({"x": [0, 1, 3], "sigma": "0.3", "learning_rate": "0.01"}, name="s")
    report = dsmverify.check([sample], claims=names, seed=3)
    document = json.loads(report_json.render(report))
    expected = [
        {**row, "instance": row["instance"].removeprefix("s")} for row in document["instances"]
    ]
    record = json.loads(json.dumps(kinds.run(cell, given).record))

    def order(row: dict[str, Any]) -> str:
        return json.dumps(row, sort_keys=True)

    assert sorted(record["rows"], key=order) == sorted(expected, key=order)
    assert len({row["instance"] for row in record["rows"]}) > 1


def test_without_proofs_an_identity_stays_unknown() -> None:
    identity = next(
        c.id
        for c in dsmverify.catalogue.claims()
        if c.id == "eq06" or (isinstance(c.conclusion, claims.Identity) and c.subject == "sample")
    )
    answers = []
    for proofs in (True, False):
        *_, cell = expand(check_text([identity], proofs=proofs))
        answers.append({row["answer"] for row in kinds.run(cell).record["rows"]})
    assert answers == [{"TRUE"}, {"UNKNOWN"}]


def same(one: Result, other: Result) -> bool:
    return (
        one.key == other.key
        and one.record == other.record
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(a, other.arrays[n], equal_nan=True) for n, a in one.arrays.items())
    )


def test_a_spawned_worker_comes_to_the_same() -> None:
    work = expand(TRAIN) + expand(check_text(["prop02a"], proofs=False))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        theirs = list(pool.map(kinds.run, work))
    ours = [kinds.run(cell) for cell in work]
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    measured = ours[0].arrays
    assert measured["excess"].shape == (2,)
    assert np.isfinite(measured["excess"]).all()


def test_networks_do_not_depend_on_which_are_trained_together() -> None:
    (whole,) = expand(TRAIN)
    parts = expand(TRAIN.replace("runs = 2", "runs = 2\nruns_per_cell = 1"))
    together = kinds.run(whole).arrays["excess"]
    apart = [kinds.run(part).arrays["excess"][0] for part in parts]
    assert together.tolist() == apart


@pytest.mark.parametrize("what", ["source code", "numpy", "python"])
def test_another_version_is_refused_by_name(what: str) -> None:
    (cell,) = expand(TRAIN)
    ours = origins.of("train")
    other = (
        replace(ours, code="0" * 64)
        if what == "source code"
        else replace(ours, libraries={**ours.libraries, what: "0.1"})
    )
    with pytest.raises(VersionError, match=f"^{what}: process .* the same version everywhere$"):
        kinds.run(replace(cell, origin=other))

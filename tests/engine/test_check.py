"""The main job: reports do not depend on the number of workers, and hold what was checked."""

from __future__ import annotations

import json

import pytest

from dsmverify.battery import battery
from dsmverify.checking import check
from dsmverify.instance import Instance
from dsmverify.report.certificates import digest
from dsmverify.report.json import render

CLAIMS = ["eq06", "tweedie", "prop02a", "prop02c", "prop09b", "prop10", "lem13"]
NAMES = ("sample-pair-touching", "random-pair", "minimum-pair-ends")


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one() -> None:
    chosen = [instance for instance in battery() if instance.name in NAMES]
    assert len(chosen) == len(NAMES)
    one, two = (render(check(chosen, CLAIMS, jobs=jobs)) for jobs in (1, 2))
    assert one == two
    document = json.loads(one)
    assert {row["instance"].partition("[")[0] for row in document["instances"]} == set(NAMES)


def test_a_report_holds_what_it_was_made_from() -> None:
    chosen = [instance for instance in battery() if instance.name in NAMES]
    report = check(chosen, ["prop02a", "lem05"])
    assert {entry.name for entry in report.inputs} > set(NAMES)
    given = {instance.name: instance for instance in chosen}
    for entry in report.inputs:
        assert entry.document is not None
        assert entry.sha256 == digest(entry.document)
        again = Instance.from_json(entry.document, name=entry.name)
        assert again.to_json() == entry.document
        assert again.points == given[entry.name.partition("[")[0]].points
        assert again.network is not None or entry.name == NAMES[0]
    drawn = [picture.name for picture in report.pictures.samples]
    assert sorted(drawn) == sorted(NAMES)
    assert report.pictures.regime_maps
    (outcome,) = (entry for entry in report.claims if entry.claim.id == "lem05")
    assert outcome.claim.assumptions == ("every inner weight is +1 or -1",)

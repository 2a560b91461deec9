"""The main job: reports do not depend on the number of workers."""

from __future__ import annotations

import json

import pytest

from dsmverify.battery import battery
from dsmverify.checking import check
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

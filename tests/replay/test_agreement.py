"""The second path against the engine: both sides, hypotheses and answers, on small instances."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import islice

import pytest

from dsmverify import catalogue
from dsmverify.battery import battery
from dsmverify.certify import Session
from dsmverify.claims import Claim, Row
from dsmverify.instance import Instance

recheck = importlib.import_module("dsmverify.replay.recheck")
CLAIMS = {claim.id: claim for claim in catalogue.claims()}
SMALL = [
    instance
    for instance in battery()
    if instance.size <= 3 and (instance.network is None or instance.network.width <= 3)
]
FAMILIES = {
    "score": ("lem11a", "lem11b", "lem11.a", "prop02a", "prop02b", "prop02c", "cor03a", "cor03.b"),
    "weight": ("prop09a", "prop09b", "prop09.0", "prop09.a", "prop09.b", "prop09.f", "pi-smooth"),
    "function": ("lem13", "lem14a", "lem14b", "lem14.a", "lem14.c"),
    "network": ("unbiased@sum", "hess15.e", "prop06.e", "prop10.d", "prop10.f@since", "prop07.a2"),
    "threshold": ("thm08.a", "thm08.b", "thm08.e", "thm08.e2", "thm08.h"),
    "lambda": ("prop10",),
}
EACH = 12


def rows(claim: Claim) -> Iterator[tuple[Instance, Row]]:
    """Decided rows with both sides."""
    for instance in SMALL:
        row = Session(instance).decide(claim)
        if row.answer in {"TRUE", "FALSE", "UNKNOWN"} and row.lhs and row.rhs:
            yield instance, row


def agreement(instance: Instance, row: Row) -> list[str]:
    """What the second path finds wrong with a row."""
    parts, premises = recheck.evaluate(row.claim, instance.to_json(), dict(row.where), row.bits)
    if "part" in row.where:
        parts = [parts[int(row.where["part"]) - 1]]
    assert row.lhs is not None
    assert row.rhs is not None
    left = {"lower": row.lhs.lower, "upper": row.lhs.upper}
    right = {"lower": row.rhs.lower, "upper": row.rhs.upper}
    by_part = [recheck._side_faults(part, left, right) for part in parts]
    faults: list[str] = min(by_part, key=len)
    faults += recheck._premise_faults(premises)
    if any(recheck._fails(part) for part in parts) != (row.answer == "FALSE"):
        faults.append(f"the answer is {row.answer}")
    return [f"{row.claim} at {instance.name}, {dict(row.where)}: {fault}" for fault in faults]


@pytest.mark.parametrize("family", FAMILIES)
def test_both_paths_agree(family: str) -> None:
    claims = FAMILIES[family]
    share = -(-EACH // len(claims))
    found = [
        (instance, row) for name in claims for instance, row in islice(rows(CLAIMS[name]), share)
    ]
    assert len(found) >= EACH
    assert [fault for instance, row in found for fault in agreement(instance, row)] == []


def test_every_claim_that_can_have_a_certificate_has_a_second_path() -> None:
    decidable = {claim.id for claim in CLAIMS.values() if not claim.undecidable}
    assert decidable - set(recheck.ENTRIES) == set()

"""The search finds planted failures by itself, certifies them, and claims nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dsmverify import catalogue
from dsmverify.certify import Session
from dsmverify.claims import Claim, Inequality, ReadOff
from dsmverify.formulas import bounds
from dsmverify.formulas.case import Case
from dsmverify.instance import Instance
from dsmverify.search import NotFound, Refutation, refute


def claim_called(name: str) -> Claim:
    (found,) = catalogue.select([name])
    return found


def halved_mean_bound(c: Case[Any]) -> Any:
    return bounds.mean_distance_bound(c) / (2 * c.n)


def planted() -> Claim:
    """prop02b with its bound divided by 2n: false, since at n = 2 the slack is below 4."""
    claim = claim_called("prop02b")
    conclusion = Inequality(bounds.mean_distance, "<=", halved_mean_bound)
    return replace(claim, id="planted", conclusion=conclusion)


@pytest.mark.parametrize("name", ["cor03a", "prop09a", "hess15", "unbiased@sum"])
def test_known_failures_are_found_and_certified(name: str) -> None:
    found = refute(claim_called(name), budget=4000, seed=3)
    assert isinstance(found, Refutation)
    instance = Instance.from_json(json.dumps(found.instance), name="again")
    row = Session(instance).decide(claim_called(name))
    assert row.answer == "FALSE"
    assert instance.spacing > 0
    assert instance.size <= 3


def test_planted_failure_is_found() -> None:
    found = refute(planted(), budget=4000, seed=1)
    assert isinstance(found, Refutation)
    instance = Instance.from_json(json.dumps(found.instance), name="again")
    assert Session(instance).decide(planted()).answer == "FALSE"


def test_same_seed_same_witness_other_seed_other_witness() -> None:
    first = refute(planted(), budget=4000, seed=1)
    again = refute(planted(), budget=4000, seed=1)
    other = refute(planted(), budget=4000, seed=2)
    assert isinstance(first, Refutation)
    assert isinstance(again, Refutation)
    assert isinstance(other, Refutation)
    assert first.to_json() == again.to_json()
    assert first.instance != other.instance


@pytest.mark.parametrize("name", ["prop02b", "lem14b"])
def test_true_claims_are_not_refuted(name: str) -> None:
    found = refute(claim_called(name), budget=300, seed=0)
    assert isinstance(found, NotFound)
    assert found.evaluations >= 200
    assert "not a proof" in found.statement
    assert "no counterexample in" in found.statement


def test_size_is_respected() -> None:
    found = refute(claim_called("cor03a"), budget=4000, seed=0, sizes=(4,))
    assert isinstance(found, Refutation)
    assert len(found.instance["x"]) <= 4


def test_read_off_claims_have_nothing_to_search() -> None:
    claim = claim_called("thm01")
    assert isinstance(claim.conclusion, ReadOff)
    found = refute(claim, budget=10)
    assert isinstance(found, NotFound)
    assert found.evaluations == 0
    assert "read off" in found.statement

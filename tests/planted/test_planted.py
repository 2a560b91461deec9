"""The referee refereed: planted false claims are refuted, planted true ones never are.

Every false variant is FALSE at one of a fixed list of instances, and the witness of its verdict,
read back from JSON and decided again, is FALSE too. The search finds witnesses of its own for
variants that were never used while it was tuned.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import get_args

import pytest

from dsmverify.catalogue import claims
from dsmverify.certify import Session
from dsmverify.claims import Claim, ClaimOutcome, Row
from dsmverify.instance import Instance
from dsmverify.search.refute import Refutation, refute
from dsmverify.verdicts import decide_verdict, sound_row
from tests.planted.false_claims import FALSE
from tests.planted.instances import instances, session
from tests.planted.mutate import Kind, Planted
from tests.planted.true_claims import TRUE

BEYOND = "not in the paper"
"""Source of statements of this project, which the planted variants leave out."""

SEARCH_BUDGET = 4000
"""Evaluations, a fifth of what `dsmverify refute` spends by default."""


def names(table: tuple[Planted, ...]) -> list[str]:
    return [planted.name for planted in table]


@cache
def files() -> dict[str, dict[str, object]]:
    return {name: instance.to_json() for name, instance in instances().items()}


def rows(claim: Claim, *, until_false: bool) -> list[Row]:
    found = []
    for name in instances():
        found.append(sound_row(session(name).decide(claim), claim))
        if until_false and found[-1].answer == "FALSE":
            break
    return found


def replayed(claim: Claim, witness: object) -> Row:
    """A witness read back from its JSON and decided in a session of its own."""
    instance = Instance.from_json(json.dumps(witness), name="replayed")
    return sound_row(Session(instance).decide(claim), claim)


@cache
def verdict_of_true(name: str) -> ClaimOutcome:
    (planted,) = (one for one in TRUE if one.name == name)
    return verdict(planted.claim, until_false=False)


def verdict(claim: Claim, *, until_false: bool, proof: bool | None = None) -> ClaimOutcome:
    return decide_verdict(claim, rows(claim, until_false=until_false), proof, files())


@pytest.mark.parametrize("planted", FALSE, ids=names(FALSE))
def test_a_false_variant_is_refuted_with_a_witness_that_fails_again(planted: Planted) -> None:
    claim = planted.claim
    outcome = verdict(claim, until_false=True)
    assert outcome.verdict == "REFUTED"
    again = replayed(claim, outcome.witness)
    assert again.answer == "FALSE"
    assert outcome.certificate is not None
    ends = outcome.certificate["witness"]
    for name, side in (("lhs", again.lhs), ("rhs", again.rhs)):
        assert side is not None
        assert ends[name] == {"lower": side.lower, "upper": side.upper}


@pytest.mark.parametrize("planted", TRUE, ids=names(TRUE))
def test_a_true_variant_is_false_nowhere(planted: Planted) -> None:
    outcome = verdict_of_true(planted.name)
    assert outcome.false == 0
    assert outcome.verdict in {"HOLDS", "UNDECIDED"}


def test_a_proof_of_a_false_variant_is_contradicted() -> None:
    for planted in FALSE[:5]:
        outcome = verdict(planted.claim, until_false=True, proof=True)
        assert outcome.verdict == "REFUTED"
        assert str(outcome.reason).startswith("CONTRADICTION")


def test_there_are_enough_variants_of_every_claim_and_kind() -> None:
    assert min(len(FALSE), len(TRUE)) >= 60
    assert len({planted.name for planted in (*FALSE, *TRUE)}) == len(FALSE) + len(TRUE)
    printed = (one for one in claims() if one.kind == "claim" and one.form == "printed")
    # Variants of claims about learning curves are in test_planted_curves.
    statements = {
        one.id for one in printed if one.source.version != BEYOND and one.subject != "curve"
    }
    for table in (FALSE, TRUE):
        covered = {planted.base for planted in table}
        assert statements - covered == set()
        assert all(planted.argument.endswith(".") for planted in table)
    used = Counter(planted.kind for planted in (*FALSE, *TRUE))
    assert set(used) == set(get_args(Kind))


def test_most_true_variants_are_decided() -> None:
    """Never FALSE is not enough: an engine that says UNKNOWN everywhere would pass that."""
    verdicts = Counter(verdict_of_true(planted.name).verdict for planted in TRUE)
    assert verdicts["HOLDS"] >= len(TRUE) // 2


@pytest.mark.parametrize(
    "planted", [one for one in FALSE if one.held_out], ids=lambda one: one.name
)
def test_the_search_refutes_what_never_tuned_it(planted: Planted) -> None:
    assert_search_refutes(planted, seed=1)


SEARCHED = tuple(
    planted
    for planted in FALSE
    if planted.claim.subject in {"sample", "function"} and planted.name != "lem14a-any-beta"
)
"""What the search is asked for: it draws no gamma above beta, and no minima here."""


@pytest.mark.slow
@pytest.mark.parametrize("planted", SEARCHED, ids=names(SEARCHED))
def test_the_search_refutes_false_variants(planted: Planted) -> None:
    assert_search_refutes(planted, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("planted", TRUE, ids=names(TRUE))
def test_the_search_refutes_no_true_variant(planted: Planted) -> None:
    assert not isinstance(refute(planted.claim, budget=500, seed=0), Refutation)


def assert_search_refutes(planted: Planted, seed: int) -> None:
    claim = planted.claim
    found = refute(claim, budget=SEARCH_BUDGET, seed=seed)
    assert isinstance(found, Refutation)
    assert replayed(claim, found.instance).answer == "FALSE"

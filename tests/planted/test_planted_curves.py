"""Planted variants of claims about learning curves: false ones are refuted, true ones never are.

As `test_planted` for the other claims, on a fixed list of points.
"""

from __future__ import annotations

import json

import pytest

from dsmverify.catalogue import claims
from dsmverify.certify import Session
from dsmverify.claims import Claim, ClaimOutcome, ReadOff
from dsmverify.curves.points import CurvePoint
from dsmverify.verdicts import decide_verdict, sound_row
from tests.planted.curve_claims import FALSE_CURVES, TRUE_CURVES
from tests.planted.instances import curve_points, curve_session
from tests.planted.mutate import Planted


def verdict(claim: Claim, *, until_false: bool, proof: bool | None = None) -> ClaimOutcome:
    rows = []
    for name in curve_points():
        rows.append(sound_row(curve_session(name).decide(claim), claim))
        if until_false and rows[-1].answer == "FALSE":
            break
    files = {name: point.to_json() for name, point in curve_points().items()}
    return decide_verdict(claim, rows, proof, files)


@pytest.mark.parametrize("planted", FALSE_CURVES, ids=[one.name for one in FALSE_CURVES])
def test_a_false_variant_is_refuted_with_a_witness_that_fails_again(planted: Planted) -> None:
    claim = planted.claim
    outcome = verdict(claim, until_false=True, proof=True)
    assert outcome.verdict == "REFUTED"
    assert str(outcome.reason).startswith("CONTRADICTION")
    assert verdict(claim, until_false=True).verdict == "REFUTED"
    again = CurvePoint.from_json(json.dumps(outcome.witness), name="replayed")
    assert sound_row(Session(again).decide(claim), claim).answer == "FALSE"


@pytest.mark.parametrize("planted", TRUE_CURVES, ids=[one.name for one in TRUE_CURVES])
def test_a_true_variant_is_false_nowhere(planted: Planted) -> None:
    outcome = verdict(planted.claim, until_false=False)
    assert outcome.false == 0
    assert outcome.true or outcome.unknown
    decided = planted.kind not in {"equivalent form"} and planted.base != "rf.pencil"
    assert outcome.verdict == "HOLDS" or not decided or outcome.unknown


def test_there_are_variants_of_every_claim() -> None:
    statements = {one.id for one in claims() if one.subject == "curve" and not one.undecidable}
    for table in (FALSE_CURVES, TRUE_CURVES):
        assert statements == {planted.base for planted in table}
        assert len({planted.name for planted in table}) == len(table)
        assert all(planted.argument.endswith(".") for planted in table)
        assert not any(isinstance(planted.claim.conclusion, ReadOff) for planted in table)

"""The main job on the whole battery: coverage, recorded verdicts, counts, certificates."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dsmverify.checking import check
from dsmverify.claims import ReadOff
from dsmverify.curves.points import instance_from_json
from dsmverify.instance import Instance
from dsmverify.report import Report, schema

MINIMUM_COVERAGE = 8


@pytest.fixture(scope="module")
def report() -> Report:
    return check(jobs=2)


def test_every_verdict_is_the_recorded_one(report: Report) -> None:
    assert report.mismatches == ()
    assert report.exit_status == 0


def test_every_claim_is_applicable_and_not_trivial_often_enough(report: Report) -> None:
    for outcome in report.claims:
        claim = outcome.claim
        if claim.undecidable:
            continue
        assert outcome.applicable >= 1, claim.id
        is_numbered = claim.kind == "claim" and claim.form == "printed"
        if is_numbered and claim.source.version.startswith("arXiv"):
            assert outcome.applicable - outcome.trivial >= MINIMUM_COVERAGE, claim.id


def test_counts_add_up_and_nothing_undecided_is_a_pass(report: Report) -> None:
    for outcome in report.claims:
        parts = (
            outcome.trivial,
            outcome.true,
            outcome.false,
            outcome.unknown,
            outcome.not_applicable,
        )
        assert sum(parts) == outcome.tried
        if outcome.verdict == "HOLDS":
            assert outcome.true > 0
            assert outcome.unknown == outcome.false == 0
        if outcome.verdict == "PROVED":
            of_another = isinstance(outcome.claim.conclusion, ReadOff)
            assert of_another or outcome.claim.derivation is not None
            assert outcome.false == 0


def test_every_refutation_has_an_exact_witness_that_fails_again(report: Report) -> None:
    refuted = [outcome for outcome in report.claims if outcome.verdict == "REFUTED"]
    assert refuted
    for outcome in refuted:
        assert outcome.witness is not None
        again = instance_from_json(json.dumps(outcome.witness), name="witness")
        replayed = check([again], [outcome.claim.id])
        rows = [row for row in replayed.rows if row.claim == outcome.claim.id]
        assert Counter(row.answer for row in rows) == {"FALSE": 1}


def test_an_inapplicable_claim_names_the_hypothesis(report: Report) -> None:
    rows = [row for row in report.rows if row.answer == "NOT_APPLICABLE"]
    assert rows
    assert all(row.failed_hypothesis for row in rows)


def test_every_claim_has_a_row_at_every_trial_of_its_kind(report: Report) -> None:
    by_claim = Counter(row.claim for row in report.rows)
    for outcome in report.claims:
        assert by_claim[outcome.claim.id] == outcome.tried
        assert (outcome.tried == 0) == bool(outcome.claim.undecidable)
        if isinstance(outcome.claim.conclusion, ReadOff):
            assert by_claim[outcome.claim.id] == by_claim[outcome.claim.conclusion.claim]


def test_the_written_report_meets_its_schema(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert len(document["claims"]) == len(report.claims)


def test_instances_of_one_name_are_told_apart() -> None:
    documents: list[dict[str, Any]] = [
        {"x": ["0", "1", "3"], "sigma": "1/10", "mu": "1/2"},
        {"x": ["1", "3"], "sigma": "1/5", "mu": "1/2"},
    ]
    report = check([Instance.from_json(one) for one in documents], claims=["prop09a", "cor03a"])
    names = [entry.name for entry in report.inputs]
    assert names == ["instance", "instance (2)"]
    by_id = {outcome.claim.id: outcome for outcome in report.claims}
    assert by_id["prop09a"].witness is not None and by_id["cor03a"].witness is not None
    assert by_id["prop09a"].witness["x"] == ["0", "1", "3"]
    assert by_id["cor03a"].witness["x"] == ["1", "3"]

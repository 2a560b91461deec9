from __future__ import annotations

from typing import Any

import pytest

from dsmverify.claims import Claim, Enclosure, Row, Slack
from dsmverify.verdicts import (
    Expected,
    decide_verdict,
    decimal_value,
    find_mismatches,
    read_off,
    smallest_and_median_slack,
    sound_row,
)
from tests.report.outcomes import INSTANCES, claim, identity, row

TRUE, FALSE = row("TRUE"), row("FALSE", "large")
TRIVIAL = row("TRUE", "large", trivial=True)
UNKNOWN = row("UNKNOWN", "large", reason="equality: agrees to 40 digits")
UNDECIDED_HYPOTHESIS = row("UNKNOWN", failed_hypothesis="Delta >= 2 sigma/mu", reason="budget")
ELSEWHERE = row("NOT_APPLICABLE", "large", failed_hypothesis="Delta >= 2 sigma/mu")


@pytest.mark.parametrize(
    ("rows", "proof", "verdict", "reason"),
    [
        ([], None, "UNDECIDED", "no_witness"),
        ([ELSEWHERE], None, "UNDECIDED", "no_witness"),
        ([TRIVIAL], None, "UNDECIDED", "no_witness"),
        ([TRUE], None, "HOLDS", None),
        ([TRUE, TRIVIAL], None, "HOLDS", None),
        ([TRUE, ELSEWHERE], None, "HOLDS", None),
        ([TRUE, UNKNOWN], None, "UNDECIDED", "equality at 1 instance"),
        ([UNKNOWN, row("UNKNOWN")], None, "UNDECIDED", None),
        ([TRUE, FALSE], None, "REFUTED", None),
        ([UNKNOWN, FALSE], None, "REFUTED", None),
        ([TRUE], True, "PROVED", None),
        ([TRIVIAL], True, "PROVED", None),
        ([TRUE, UNKNOWN], True, "PROVED", None),
        ([ELSEWHERE], True, "UNDECIDED", "no_witness"),
        ([], True, "UNDECIDED", "no_witness"),
        ([UNKNOWN], True, "UNDECIDED", "no_witness"),  # no sides: hypotheses not certified
        ([UNDECIDED_HYPOTHESIS], True, "UNDECIDED", "no_witness"),
        ([TRUE], False, "HOLDS", "its derivation failed"),
    ],
)
def test_verdict_table(
    rows: list[Row], proof: bool | None, verdict: str, reason: str | None
) -> None:
    outcome = decide_verdict(claim(), rows, proof, INSTANCES)
    assert outcome.verdict == verdict
    if reason is not None:
        assert outcome.reason == reason
    assert outcome.tried == len(rows)
    counted = outcome.trivial + outcome.true + outcome.false + outcome.unknown
    assert counted + outcome.not_applicable == outcome.tried
    assert outcome.applicable == outcome.tried - outcome.not_applicable


def test_order_of_rows_changes_nothing() -> None:
    rows = [TRUE, FALSE, UNKNOWN, row("FALSE", "small"), ELSEWHERE]
    forward = decide_verdict(claim(), rows, None, INSTANCES)
    assert decide_verdict(claim(), rows[::-1], None, INSTANCES) == forward


def test_undecided_sides_are_a_witness_of_certified_hypotheses() -> None:
    sides: dict[str, Any] = {"lhs": Enclosure("1", "2"), "rhs": Enclosure("1", "2")}
    outcome = decide_verdict(claim(), [row("UNKNOWN", **sides)], True, INSTANCES)
    assert outcome.verdict == "PROVED"
    assert outcome.true == 0


def test_proof_and_false_row_contradict_each_other_loudly() -> None:
    outcome = decide_verdict(claim(), [TRUE, FALSE], True, INSTANCES)
    assert outcome.verdict == "REFUTED"
    assert outcome.reason is not None
    assert outcome.reason.startswith("CONTRADICTION")
    assert "large" in outcome.reason


def test_vacuous_and_what_contradicts_it() -> None:
    assert decide_verdict(claim(), [ELSEWHERE], None, INSTANCES, vacuous=True).verdict == "VACUOUS"
    contradicted = decide_verdict(claim(), [TRUE], None, INSTANCES, vacuous=True)
    assert contradicted.verdict == "UNDECIDED"
    assert str(contradicted.reason).startswith("CONTRADICTION")
    refuted = decide_verdict(claim(), [FALSE], None, INSTANCES, vacuous=True)
    assert refuted.verdict == "REFUTED"


def test_witness_is_the_smallest_instance_with_its_free_variables() -> None:
    rows = [FALSE, row("FALSE", "small", where={"i": "1", "y": "1/3"}, bits=128)]
    outcome = decide_verdict(claim(severity="constant"), rows, None, INSTANCES)
    assert outcome.witness == {**INSTANCES["small"], "parameters": {"i": 1, "y": "1/3"}}
    assert outcome.certificate is not None
    assert outcome.certificate["witness"]["instance"] == "small"
    assert outcome.certificate["witness"]["lhs"] == {"lower": "1.0", "upper": "1.1"}
    assert outcome.severity == "constant"
    assert "parameters" not in INSTANCES["small"]


def test_witness_without_its_instance_is_refused() -> None:
    with pytest.raises(ValueError, match="large"):
        decide_verdict(claim(), [FALSE], None, {})


def test_rows_of_another_claim_are_refused() -> None:
    with pytest.raises(ValueError, match="thm04"):
        decide_verdict(claim(), [row("TRUE", name="thm04")], None, INSTANCES)


@pytest.mark.parametrize(
    "planted",
    [
        row("true"),
        row("PASS"),
        row("nan"),
        row(float("nan")),
        row(True),
        row(None),
        row("TRUE", slack="nan"),
        row("TRUE", slack="inf"),
        row("TRUE", slack=" 2"),
        row("TRUE", slack="2,5"),
        row("TRUE", slack="1e" + "9" * 30),
        row("TRUE", slack="\u0662"),
        row("TRUE", failed_hypothesis="Delta >= 2 sigma/mu"),
        row("TRUE", lhs=Enclosure("nan", "nan"), rhs=Enclosure("0", "0")),
        row("TRUE", lhs=Enclosure("1", "inf"), rhs=Enclosure("0", "0")),
        row("TRUE", lhs=Enclosure("2", "1"), rhs=Enclosure("0", "0")),
        row("TRUE", lhs=Enclosure("1", "2"), rhs=Enclosure("3", "4")),
        row("FALSE", lhs=Enclosure("3", "4"), rhs=Enclosure("1", "2")),
        row("FALSE", trivial=True),
        row("FALSE", slack="nan"),
    ],
    ids=repr,
)
def test_planted_nasties_are_unknown(planted: Row) -> None:
    sound = sound_row(planted, claim())
    assert sound.answer == "UNKNOWN"
    assert str(sound.reason).startswith("malformed")
    for proof in (None, True):
        outcome = decide_verdict(claim(), [planted], proof, INSTANCES)
        assert (outcome.verdict, outcome.true, outcome.unknown) == ("UNDECIDED", 0, 1)
    assert decide_verdict(claim(), [TRUE, planted], None, INSTANCES).verdict == "UNDECIDED"


def test_strict_relation_fails_at_equality_and_disjoint_identity_is_never_true() -> None:
    from dsmverify.claims import Inequality

    one = Enclosure("1", "1")
    strict = claim(conclusion=Inequality(lambda _: 0, ">", lambda _: 0))
    assert sound_row(row("TRUE", lhs=one, rhs=one), strict).answer == "UNKNOWN"
    assert sound_row(row("TRUE", lhs=one, rhs=one), claim()).answer == "TRUE"
    apart = row("TRUE", name="eq09", lhs=one, rhs=Enclosure("2", "2"))
    assert sound_row(apart, identity()).answer == "UNKNOWN"


def test_slack_is_exact_far_beyond_the_doubles() -> None:
    slacks = ["1e+400", "1.0000000000000000000000000000000000000002e+400", "3e-5000", "1e+5000"]
    rows = [row("TRUE", slack=slack) for slack in slacks]
    assert smallest_and_median_slack(rows) == Slack("3e-5000", "1e+400")
    assert smallest_and_median_slack(reversed(rows)) == Slack("3e-5000", "1e+400")


def test_slack_leaves_out_trivial_undecided_and_missing() -> None:
    rows = [
        row("TRUE", trivial=True, slack="0.1"),
        row("UNKNOWN", slack="0.2"),
        row("TRUE"),
    ]
    assert smallest_and_median_slack(rows) is None
    assert smallest_and_median_slack([*rows, row("FALSE", slack="0.9")]) == Slack("0.9", "0.9")


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-Infinity", "", "1_000", "0x1", "1e5\n", None, 1.0]
)
def test_only_finite_decimals_have_a_value(text: object) -> None:
    assert decimal_value(text) is None


def test_why_unknown_names_the_reasons_of_the_style_first() -> None:
    reasons = ["odd: 1", "odd: 2", "odd: 3", "budget: 4096 bits", "equality", "limit", "x", None]
    rows = [row("UNKNOWN", reason=reason) for reason in reasons]
    reason = decide_verdict(claim(), rows, None, INSTANCES).reason
    assert reason == ("budget at 2 instances; equality at 1 instance; limit at 1 instance; 4 more")


def test_read_off_copies_verdict_counts_and_rows() -> None:
    outcome = decide_verdict(claim("thm08"), [row("TRUE", name="thm08")], None, INSTANCES)
    own, rows = read_off(claim("thm01"), outcome, [row("TRUE", name="thm08")])
    assert (own.verdict, own.true, own.claim.id) == ("HOLDS", 1, "thm01")
    assert [entry.claim for entry in rows] == ["thm01"]
    assert "thm08" in own.method


def _mismatches(recorded: Any, rows: list[Row], *, battery: bool) -> list[str]:
    outcome = decide_verdict(claim(), rows, None, INSTANCES)
    expected = {} if recorded is None else {"prop02a": Expected(recorded, "why")}
    found = find_mismatches([outcome], rows, expected, battery=battery)
    return [mismatch.found for mismatch in found]


def test_battery_must_give_every_recorded_verdict() -> None:
    assert _mismatches("HOLDS", [TRUE], battery=True) == []
    assert _mismatches("PROVED", [TRUE], battery=True) == ["HOLDS"]
    assert _mismatches("REFUTED", [TRUE], battery=True) == ["HOLDS"]
    assert _mismatches("HOLDS", [FALSE], battery=True) == ["REFUTED"]
    assert _mismatches(None, [TRUE], battery=True) == ["HOLDS"]


def test_own_data_mismatch_only_by_contradiction() -> None:
    for recorded in ("PROVED", "HOLDS"):
        assert _mismatches(recorded, [TRUE, FALSE], battery=False) == ["FALSE at large"]
        assert _mismatches(recorded, [UNKNOWN, ELSEWHERE], battery=False) == []
    for other in ("REFUTED", "UNDECIDED", "VACUOUS", None):
        assert _mismatches(other, [FALSE], battery=False) == []


def test_identity_claims_count_like_others() -> None:
    one: Claim = identity()
    unknown = row("UNKNOWN", name="eq09", reason="equality: 40 digits agree")
    assert decide_verdict(one, [unknown], None, INSTANCES).verdict == "UNDECIDED"

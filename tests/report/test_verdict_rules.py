"""The rules by which rows become verdicts, one by one."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from typing import Any

import pytest

from dsmverify.claims import (
    Claim,
    Enclosure,
    Identity,
    Inequality,
    Relation,
    Row,
    Slack,
    Stated,
)
from dsmverify.verdicts import (
    Expected,
    Mismatch,
    by_severity,
    decide_verdict,
    decimal_value,
    find_mismatches,
    read_off,
    smallest_and_median_slack,
    sound_row,
    tally,
    witness_file,
)
from tests.report.outcomes import INSTANCES, claim, row, side

LOW, HIGH = Enclosure("1.0", "1.1"), Enclosure("2.0", "2.1")
ANSWERS = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE")


def relation(symbol: Relation) -> Claim:
    return claim(conclusion=Inequality(side, symbol, side))


# Decimals.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Decimal(1)),
        ("-1.5", Decimal("-1.5")),
        ("+2.", Decimal(2)),
        ("1.3e+45", Decimal("1.3e45")),
        ("1E-3", Decimal("0.001")),
        ("1e999999999999999999999", None),
        ("1/3", None),
        (".5", None),
        ("1e", None),
        (" 1", None),
        ("1 ", None),
        ("", None),
        (None, None),
        (1, None),
        (Decimal(1), None),
    ],
)
def test_decimals(text: object, value: Decimal | None) -> None:
    assert decimal_value(text) == value


# Rows.


def test_a_sound_row_is_the_row_itself() -> None:
    for answer in ANSWERS:
        good = row(answer)
        assert sound_row(good, claim()) is good
        assert sound_row(good) is good


def test_a_fault_is_named_and_takes_slack_and_triviality_away() -> None:
    bad = row("TRUE", slack="nan", trivial=True)
    sound = sound_row(bad)
    assert (sound.answer, sound.trivial, sound.slack) == ("UNKNOWN", False, None)
    assert sound.reason == "malformed: slack 'nan' is no finite decimal"
    assert (sound.lhs, sound.rhs) == (bad.lhs, bad.rhs)


def test_undecided_rows_may_show_anything() -> None:
    for answer in ("UNKNOWN", "NOT_APPLICABLE"):
        odd = row(answer, slack="nan", lhs=Enclosure("nan", "nan"), failed_hypothesis="planted")
        assert sound_row(odd, claim()) is odd


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"answer": "PASS"}, "answer 'PASS' is none of TRUE, FALSE, UNKNOWN, NOT_APPLICABLE"),
        ({"answer": "TRUE", "failed_hypothesis": "h"}, "TRUE although a hypothesis failed"),
        ({"answer": "FALSE", "failed_hypothesis": "h"}, "FALSE although a hypothesis failed"),
        ({"answer": "FALSE", "trivial": True}, "FALSE although trivial"),
        (
            {"answer": "TRUE", "lhs": Enclosure("2", "inf"), "rhs": LOW},
            "lhs [2, inf] is no pair of finite decimals",
        ),
        (
            {"answer": "TRUE", "lhs": Enclosure("nan", "3"), "rhs": LOW},
            "lhs [nan, 3] is no pair of finite decimals",
        ),
        (
            {"answer": "TRUE", "lhs": HIGH, "rhs": Enclosure("-inf", "0")},
            "rhs [-inf, 0] is no pair of finite decimals",
        ),
        ({"answer": "TRUE", "lhs": Enclosure("3", "2"), "rhs": LOW}, "lhs [3, 2] is empty"),
        ({"answer": "TRUE", "lhs": HIGH, "rhs": Enclosure("1", "0.9")}, "rhs [1, 0.9] is empty"),
        ({"answer": "TRUE", "lhs": LOW, "rhs": HIGH}, "TRUE although the sides say FALSE"),
        ({"answer": "FALSE", "lhs": HIGH, "rhs": LOW}, "FALSE although the sides say TRUE"),
    ],
)
def test_faults_by_name(fields: dict[str, Any], words: str) -> None:
    assert sound_row(row(**fields), claim()).reason == f"malformed: {words}"


def test_one_missing_side_is_no_fault() -> None:
    for lhs, rhs in ((None, HIGH), (LOW, None), (None, None)):
        good = row("TRUE", lhs=lhs, rhs=rhs)
        assert sound_row(good, claim()) is good
    bad = row("TRUE", lhs=None, rhs=Enclosure("2", "1"))
    assert sound_row(bad, claim()).answer == "UNKNOWN"


def test_sides_are_compared_only_with_a_claim() -> None:
    odd = row("TRUE", lhs=LOW, rhs=HIGH)
    assert sound_row(odd) is odd
    assert sound_row(odd, claim()).answer == "UNKNOWN"


POINTS = [Enclosure(low, high) for low, high in itertools.combinations_with_replacement("1234", 2)]


def said(symbol: str, lhs: Enclosure, rhs: Enclosure) -> str | None:
    """What two intervals of integers say of a relation, by all pairs of their ends."""
    holds = {">=": int.__ge__, "<=": int.__le__, ">": int.__gt__, "<": int.__lt__}[symbol]
    pairs = itertools.product((lhs.lower, lhs.upper), (rhs.lower, rhs.upper))
    answers = {holds(int(a), int(b)) for a, b in pairs}
    return None if len(answers) > 1 else "TRUE" if answers.pop() else "FALSE"


@pytest.mark.parametrize("symbol", [">=", "<=", ">", "<"])
def test_an_answer_against_its_sides_is_no_answer(symbol: Any) -> None:
    """Sides that touch at an end leave the answer alone: certified balls need not show it."""
    for lhs, rhs in itertools.product(POINTS, POINTS):
        expected = said(symbol, lhs, rhs)
        touch = lhs.lower == rhs.upper or lhs.upper == rhs.lower
        are_equal = lhs.lower == lhs.upper == rhs.lower == rhs.upper
        for answer in ("TRUE", "FALSE"):
            sound = sound_row(row(answer, lhs=lhs, rhs=rhs), relation(symbol)).answer
            if expected is None:
                assert sound == answer
            elif are_equal:
                assert sound == ("UNKNOWN" if symbol in "<>" and answer == "TRUE" else answer)
            elif touch:
                assert sound == answer
            else:
                assert sound == (answer if answer == expected else "UNKNOWN")


def test_disjoint_sides_of_an_identity_are_false() -> None:
    one = claim(conclusion=Identity(side, side))
    for lhs, rhs in itertools.product(POINTS, POINTS):
        apart = int(lhs.upper) < int(rhs.lower) or int(rhs.upper) < int(lhs.lower)
        assert sound_row(row("TRUE", lhs=lhs, rhs=rhs), one).answer == (
            "UNKNOWN" if apart else "TRUE"
        )
        assert sound_row(row("FALSE", lhs=lhs, rhs=rhs), one).answer == "FALSE"


def test_sides_belong_to_the_part_that_the_row_names() -> None:
    parts = (
        Inequality(side, ">=", side),
        Inequality(side, "<=", side),
        Identity(side, side),
        Inequality(side, ">", side),
    )
    one = claim(conclusion=parts)
    falling: dict[str, Any] = {"lhs": HIGH, "rhs": LOW}
    for part, answer in (("1", "TRUE"), ("2", "FALSE"), ("3", "FALSE"), ("4", "TRUE")):
        named = row(answer, where={"part": part}, **falling)
        assert sound_row(named, one) is named
        other = "FALSE" if answer == "TRUE" else "TRUE"
        assert sound_row(row(other, where={"part": part}, **falling), one).answer == "UNKNOWN"
    assert sound_row(row("FALSE", **falling), one).answer == "UNKNOWN"  # the first by default
    for unknown in ("0", "5", "-1", "x", "1.0"):
        for answer in ("TRUE", "FALSE"):
            named = row(answer, where={"part": unknown}, **falling)
            assert sound_row(named, one) is named
    stated = claim(conclusion=Stated("regularity"))
    for answer in ("TRUE", "FALSE"):
        assert sound_row(row(answer, **falling), stated).answer == answer


# Counts and slacks.


def test_counts_add_up() -> None:
    rows = [
        row("TRUE"), row("TRUE"), row("TRUE", trivial=True), row("FALSE"), row("UNKNOWN"),
        row("UNKNOWN", trivial=True), row("NOT_APPLICABLE"),
    ]  # fmt: skip
    assert tally(rows) == {
        "tried": 7, "applicable": 6, "trivial": 1, "true": 2, "false": 1, "unknown": 2,
        "not_applicable": 1,
    }  # fmt: skip
    assert set(tally([]).values()) == {0}


@pytest.mark.parametrize(
    ("slacks", "least", "middle"),
    [
        (["2"], "2", "2"),
        (["3", "2"], "2", "2"),
        (["3", "2", "5"], "2", "3"),
        (["9", "3", "2", "5"], "2", "3"),
        (["10", "9"], "9", "9"),
        (["1e+2", "99"], "99", "99"),
        (["2.000", "2"], "2", "2"),
    ],
)
def test_smallest_and_median(slacks: list[str], least: str, middle: str) -> None:
    found = smallest_and_median_slack([row("TRUE", slack=slack) for slack in slacks])
    assert found == Slack(least, middle)


def test_slacks_of_trivial_and_undecided_rows_do_not_count() -> None:
    rows = [
        row("TRUE", slack="5"),
        row("FALSE", slack="0.5"),
        row("TRUE", slack="1", trivial=True),
        row("UNKNOWN", slack="0.1"),
        row("NOT_APPLICABLE", slack="0.1"),
        row("TRUE", slack=None),
        row("TRUE", slack="nan"),
    ]
    assert smallest_and_median_slack(rows) == Slack("0.5", "0.5")
    assert smallest_and_median_slack(rows[2:]) is None


# Verdicts.

T, F, U, N = (row(answer) for answer in ANSWERS)
TRIVIAL = row("TRUE", trivial=True)
SHOWN = row("UNKNOWN", lhs=LOW, rhs=LOW)


def rule(rows: list[Row], proof: bool | None, vacuous: bool) -> str:
    """The table of verdicts, written again."""
    answers = {sound_row(one, claim()).answer for one in rows}
    if "FALSE" in answers:
        return "REFUTED"
    meets = [one for one in rows if one.answer == "TRUE" or one is SHOWN]
    if proof:
        return "PROVED" if meets else "UNDECIDED"
    if vacuous:
        return "UNDECIDED" if meets else "VACUOUS"
    telling = [one for one in rows if one.answer == "TRUE" and not one.trivial]
    return "HOLDS" if telling and "UNKNOWN" not in answers else "UNDECIDED"


@pytest.mark.parametrize("proof", [None, True, False])
@pytest.mark.parametrize("vacuous", [False, True])
def test_every_short_list_of_rows_has_the_verdict_of_the_table(
    proof: bool | None, vacuous: bool
) -> None:
    for count in range(4):
        for rows in itertools.combinations_with_replacement((T, F, U, N, TRIVIAL, SHOWN), count):
            outcome = decide_verdict(claim(), rows, proof, INSTANCES, vacuous=vacuous)
            assert outcome.verdict == rule([*rows], proof, vacuous), (rows, proof, vacuous)
            reason = outcome.reason or ""
            is_refuted = outcome.verdict == "REFUTED"
            assert ("its derivation failed" in reason) is (proof is False and not is_refuted)
            assert (outcome.witness is not None) is (outcome.verdict in {"REFUTED", "PROVED"})
            assert reason.startswith("CONTRADICTION") is (
                (is_refuted and (proof is True or vacuous))
                or (vacuous and not proof and outcome.verdict == "UNDECIDED")
            )
            if outcome.verdict == "UNDECIDED":
                assert reason


def test_a_contradiction_says_what_and_where() -> None:
    rows = [row("FALSE", "large"), row("FALSE", "small"), row("FALSE", "small", where={"i": "2"})]
    reason = decide_verdict(claim(), rows, True, INSTANCES).reason
    assert reason == (
        "CONTRADICTION: a proof is claimed, but the answer is FALSE at large and 2 more; "
        "either the proof or the evaluation is wrong"
    )
    reason = decide_verdict(claim(), rows[:1], None, INSTANCES, vacuous=True).reason
    assert reason == (
        "CONTRADICTION: no instance should be applicable, but the answer is FALSE at large; "
        "either the proof or the evaluation is wrong"
    )
    reason = decide_verdict(claim(), [T, SHOWN], None, INSTANCES, vacuous=True).reason
    assert reason is not None
    assert "the answer is TRUE at small;" in reason


def test_an_undecidable_claim_is_undecided_whatever_its_rows_say() -> None:
    one = claim(undecidable="planted")
    for rows in ([], [T], [F]):
        outcome = decide_verdict(one, rows, None, INSTANCES)
        assert (outcome.verdict, outcome.reason) == ("UNDECIDED", "limit: planted")
        assert outcome.witness is None


def test_why_unknown_counts_and_orders() -> None:
    rows = [
        row("UNKNOWN", reason="zebra: 1"), row("UNKNOWN", reason="zebra: 2"),
        row("UNKNOWN", reason="budget: 9"), row("UNKNOWN"), row("UNKNOWN", reason=""),
        row("UNKNOWN", reason="equality"), row("UNKNOWN", reason="apple"), row("TRUE"),
    ]  # fmt: skip
    reason = decide_verdict(claim(), rows, None, INSTANCES).reason
    assert reason == "budget at 3 instances; equality at 1 instance; zebra at 2 instances; 1 more"
    assert decide_verdict(claim(), rows[2:3], None, INSTANCES).reason == "budget at 1 instance"
    three = decide_verdict(claim(), [rows[0], *rows[5:7]], None, INSTANCES).reason
    assert three == "equality at 1 instance; apple at 1 instance; zebra at 1 instance"


# Witnesses, methods, certificates.


def test_the_simplest_witness_is_the_one_with_fewest_points_then_shortest() -> None:
    known: dict[str, dict[str, Any]] = {
        "b-three": {"x": ["0", "1", "2"], "sigma": "1/3"},
        "c-two-long": {"x": ["0", "1000000"], "sigma": "1/3"},
        "d-two": {"x": ["0", "1"], "sigma": "1/3"},
        "a-two": {"x": ["0", "1"], "sigma": "1/3"},
    }
    rows = [row("FALSE", name) for name in known]

    def chosen(rows: list[Row]) -> str:
        certificate = decide_verdict(claim(), rows, None, known).certificate
        assert certificate is not None
        name: str = certificate["witness"]["instance"]
        return name

    for order in itertools.permutations(rows):
        assert chosen([*order]) == "a-two"
    assert chosen(rows[:3]) == "d-two"
    assert chosen(rows[:2]) == "c-two-long"
    places = [row("FALSE", "d-two", where={"i": index}) for index in ("2", "1", "3")]
    certificate = decide_verdict(claim(), places, None, known).certificate
    assert certificate is not None
    assert certificate["witness"]["where"] == {"i": "1"}


def test_a_witness_has_its_free_variables_as_parameters() -> None:
    where = {"i": "2", "j": "3", "l": "4", "y": "-1/3", "part": "2", "entry": "1"}
    document = witness_file(row("FALSE", "large", where=where), INSTANCES)
    assert document["parameters"] == {"k": 2, "i": 2, "j": 3, "l": 4, "y": "-1/3"}
    assert document["x"] == INSTANCES["large"]["x"]
    odd = witness_file(row("FALSE", "small", where={"y": "nan", "i": "x"}), INSTANCES)
    assert odd == INSTANCES["small"]
    for text in ("1e-3", "2.5", "-7"):
        assert witness_file(row("FALSE", where={"y": text}), INSTANCES)["parameters"]["y"] == text
    with pytest.raises(ValueError, match="'nowhere' of a witness is missing"):
        witness_file(row("FALSE", "nowhere"), INSTANCES)


def test_a_certificate_shows_the_witness_and_what_was_handed_in() -> None:
    refuting = row("FALSE", slack="0.5", bits=192, where={"i": "1"})
    outcome = decide_verdict(claim(), [refuting], None, INSTANCES, certificate={"more": 1})
    assert outcome.certificate == {
        "more": 1,
        "witness": {
            "instance": "small", "answer": "FALSE", "where": {"i": "1"},
            "lhs": {"lower": "1.0", "upper": "1.1"}, "rhs": {"lower": "2.0", "upper": "2.1"},
            "slack": "0.5", "bits": 192,
        },
    }  # fmt: skip
    sideless = row("TRUE", lhs=None, rhs=None)
    certificate = decide_verdict(claim(), [sideless], True, INSTANCES).certificate
    assert certificate is not None
    assert (certificate["witness"]["lhs"], certificate["witness"]["rhs"]) == (None, None)
    assert decide_verdict(claim(), [T], None, INSTANCES).certificate is None


def test_a_telling_row_is_preferred_as_the_witness_of_a_proof() -> None:
    telling = row("TRUE", "large")
    certificate = decide_verdict(claim(), [TRIVIAL, SHOWN, telling], True, INSTANCES).certificate
    assert certificate is not None
    assert certificate["witness"]["instance"] == "large"
    shown = row("UNKNOWN", "large", lhs=LOW, rhs=LOW)
    certificate = decide_verdict(claim(), [TRIVIAL, shown], True, INSTANCES).certificate
    assert certificate is not None
    assert certificate["witness"]["instance"] == "small"


@pytest.mark.parametrize(
    "fields",
    [
        {"lhs": LOW},
        {"rhs": LOW},
        {"lhs": LOW, "rhs": LOW, "failed_hypothesis": "h"},
        {"lhs": LOW, "rhs": LOW, "reason": "malformed: planted"},
    ],
)
def test_an_undecided_row_without_certified_hypotheses_is_no_witness(fields: Any) -> None:
    outcome = decide_verdict(claim(), [row("UNKNOWN", **fields)], True, INSTANCES)
    assert (outcome.verdict, outcome.reason) == ("UNDECIDED", "no_witness")


@pytest.mark.parametrize(
    ("rows", "options", "method"),
    [
        ([T], {"proof": True}, "balls over the whole domain"),
        ([T], {}, "balls at every instance tried"),
        ([F], {}, "balls at an exact instance"),
        ([], {"vacuous": True}, "balls: the hypotheses exclude each other"),
        ([], {}, "balls at every instance tried"),
        ([T], {"method": "by hand"}, "by hand"),
    ],
)
def test_methods(rows: list[Row], options: dict[str, Any], method: str) -> None:
    options = {"proof": None, **options}
    proof = options.pop("proof")
    assert decide_verdict(claim(), rows, proof, INSTANCES, **options).method == method
    if method.startswith("balls at"):
        one = claim(enclosed_by="planted")
        found = decide_verdict(one, rows, proof, INSTANCES, **options).method
        assert found == f"{method} (planted)"


def test_a_derivation_is_named() -> None:
    method = decide_verdict(claim(derivation="planted"), [T], True, INSTANCES).method
    assert method.startswith("symbolic derivation planted")


@pytest.mark.parametrize("severity", [None, "constant"])
def test_a_severity_is_that_of_a_refutation(severity: Any) -> None:
    one = claim(severity=severity)
    assert decide_verdict(one, [F], None, INSTANCES).severity == severity
    for rows, vacuous in (([T], False), ([U], False), ([N], True), ([], False)):
        assert decide_verdict(one, rows, None, INSTANCES, vacuous=vacuous).severity is None


def test_reading_off_keeps_severity_only_of_refutations() -> None:
    refuted = decide_verdict(claim(severity="constant"), [F], None, INSTANCES)
    own, rows = read_off(claim("thm01"), refuted, [F])
    assert (own.verdict, own.severity, own.claim.id) == ("REFUTED", "constant", "thm01")
    assert own.method == "read off prop02a (balls at an exact instance)"
    assert [one.claim for one in rows] == ["thm01"]
    own, _ = read_off(claim("thm01", severity="statement"), refuted, [])
    assert own.severity == "statement"
    holding = decide_verdict(claim(severity="constant"), [T], None, INSTANCES)
    own, _ = read_off(claim("thm01", severity="statement"), holding, [])
    assert own.severity is None


def test_reading_off_what_is_undecided_or_vacuous_has_no_severity() -> None:
    one = claim(severity="constant")
    for outcome in (
        decide_verdict(one, [U], None, INSTANCES),
        decide_verdict(one, [N], None, INSTANCES, vacuous=True),
    ):
        own, _ = read_off(claim("thm01", severity="statement"), outcome, [])
        assert (own.verdict, own.severity) == (outcome.verdict, None)


@pytest.mark.parametrize("other", ["aaa", "zzz", "prop02"])
def test_rows_of_any_other_claim_are_refused(other: str) -> None:
    with pytest.raises(ValueError, match=f"a row of '{other}' among the rows of 'prop02a'"):
        decide_verdict(claim(), [row("TRUE", name=other)], None, INSTANCES)


def test_texts_are_compared_by_what_they_say() -> None:
    """Answers and verdicts read from a file are other objects than the constants here."""
    answer: Any = "".join(["TR", "UE"])
    good = row("TRUE")
    read = Row("".join(["prop", "02a"]), good.instance, answer, good.lhs, good.rhs)
    assert sound_row(read, claim()) is read
    outcome = decide_verdict(claim(), [read], None, INSTANCES)
    assert outcome.verdict == "HOLDS"
    verdict: Any = "".join(["HO", "LDS"])
    expected = {"prop02a": Expected(verdict, "")}
    assert find_mismatches([outcome], [read], expected, battery=True) == ()


def test_a_known_instance_is_preferred_as_a_witness() -> None:
    rows = [row("FALSE", "a-missing"), row("FALSE", "large"), row("FALSE", "z-missing")]
    certificate = decide_verdict(claim(), rows, None, INSTANCES).certificate
    assert certificate is not None
    assert certificate["witness"]["instance"] == "large"


def test_ties_between_places_are_broken_by_name_of_the_variable() -> None:
    places = [{"j": "2", "i": "1"}, {"i": "2", "j": "0"}, {"y": "0", "i": "3"}]
    rows = [row("FALSE", where=where) for where in places]
    for order in itertools.permutations(rows):
        certificate = decide_verdict(claim(), order, None, INSTANCES).certificate
        assert certificate is not None
        assert certificate["witness"]["where"] == {"i": "1", "j": "2"}


def test_two_contradicting_rows_are_counted() -> None:
    rows = [row("FALSE", "large"), row("FALSE", "small")]
    reason = decide_verdict(claim(), rows, True, INSTANCES).reason
    assert reason is not None
    assert "at large and 1 more;" in reason


def test_a_whole_number_stays_a_text_where_it_is_no_index() -> None:
    document = witness_file(row("FALSE", where={"y": "5", "i": "2"}), INSTANCES)
    assert document["parameters"] == {"i": 2, "y": "5"}


def test_what_is_not_true_is_never_counted_as_trivial() -> None:
    for answer in ANSWERS[1:]:
        assert tally([row(answer, trivial=True)])["trivial"] == 0
        assert tally([row(answer, trivial=True)])[answer.lower()] == 1


def test_an_inapplicable_row_with_sides_is_no_witness() -> None:
    shown = row("NOT_APPLICABLE", lhs=LOW, rhs=LOW)
    assert decide_verdict(claim(), [shown], True, INSTANCES).verdict == "UNDECIDED"
    assert decide_verdict(claim(), [shown], None, INSTANCES, vacuous=True).verdict == "VACUOUS"


@pytest.mark.parametrize("record", [Expected("HOLDS", ""), Mismatch("a", "b", "c", "d")])
def test_records_cannot_be_changed(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        record.reason = "other"


def test_refuted_outcomes_come_worst_first_and_others_not_at_all() -> None:
    def outcome(name: str, severity: Any, rows: list[Row], **more: Any) -> Any:
        own = [replace(one, claim=name) for one in rows]
        one = claim(name, severity=severity, **more)
        return decide_verdict(one, own, None, INSTANCES)

    outcomes = [
        outcome("f", None, [F]),
        outcome("e", "typographical", [F]),
        outcome("a1", "constant", [F], kind="step"),
        outcome("c", "constant", [F]),
        outcome("b", "constant", [F]),
        outcome("a", "statement", [F], kind="step"),
        outcome("g", "statement", [T]),
        outcome("h", "statement", [U]),
        outcome("i", "statement", []),
    ]
    for order in (outcomes, outcomes[::-1]):
        assert [entry.claim.id for entry in by_severity(order)] == ["a", "b", "c", "a1", "e", "f"]


# The record.


def test_mismatches_on_the_battery_and_off_it() -> None:
    holding = decide_verdict(claim("a"), [row("TRUE", name="a")], None, INSTANCES)
    refuted = decide_verdict(claim("b"), [row("FALSE", name="b")], None, INSTANCES)
    unknown = decide_verdict(claim("c"), [row("TRUE", name="c")], None, INSTANCES)
    rows = [row("FALSE", name="b"), row("TRUE", name="a"), row("FALSE", "large", name="b")]
    expected = {"a": Expected("REFUTED", "why a"), "b": Expected("HOLDS", "why b")}
    outcomes = [unknown, refuted, holding]
    assert find_mismatches(outcomes, rows, expected, battery=True) == (
        Mismatch("a", "REFUTED", "HOLDS", "why a"),
        Mismatch("b", "HOLDS", "REFUTED", "why b"),
        Mismatch("c", "none recorded", "HOLDS", ""),
    )
    assert find_mismatches(outcomes, rows, expected, battery=False) == (
        Mismatch("b", "HOLDS", "FALSE at large", "why b"),
        Mismatch("b", "HOLDS", "FALSE at small", "why b"),
    )
    expected = {
        "a": Expected("HOLDS", ""),
        "b": Expected("REFUTED", ""),
        "c": Expected("HOLDS", ""),
    }
    for battery in (True, False):
        assert find_mismatches(outcomes, rows, expected, battery=battery) == ()
    proved = {"b": Expected("PROVED", "why")}
    assert len(find_mismatches([], rows, proved, battery=False)) == 2


@pytest.mark.parametrize("battery", [True, False])
@pytest.mark.parametrize("record", [None, Expected("REFUTED", "known")])
def test_a_proof_and_a_counterexample_fail_the_run_whatever_is_recorded(
    record: Expected | None, battery: bool
) -> None:
    contradiction = decide_verdict(claim("a"), [row("FALSE", name="a")], True, INSTANCES)
    expected = {} if record is None else {"a": record}
    rows = [row("FALSE", name="a")]
    (found,) = find_mismatches([contradiction], rows, expected, battery=battery)
    assert found.claim == "a"
    if record is not None or not battery:
        assert found.found == "REFUTED, with a contradiction"
        assert found.reason.startswith("CONTRADICTION: a proof is claimed")
    refuted = decide_verdict(claim("a"), rows, None, INSTANCES)
    if record is not None:
        assert find_mismatches([refuted], rows, expected, battery=battery) == ()

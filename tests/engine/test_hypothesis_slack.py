"""How much room each hypothesis has at an instance, and what is not said of it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flint import arb

from dsmverify import catalogue
from dsmverify.battery import battery
from dsmverify.certify import Session
from dsmverify.checking import check
from dsmverify.claims import Claim, Hypothesis, Inequality, Range, Row, Source, Structural
from dsmverify.exact import upper_decimal
from dsmverify.facts import OF_SETTING, BeyondSettingError, Facts
from dsmverify.findings import JUST_BELOW, HypothesisFinding, room_text
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.truth import Truth

THREE = (Fraction(0), Fraction(1), Fraction(3))
NOISE = NoiseLevel(sigma=Fraction(1, 5), mu=Fraction(1, 2))
CASE = Instance("planted", THREE, NOISE)
NETWORK = NetworkData((Fraction(1),), (Fraction(-1, 4),), (Fraction(2),))


def number(value: str | int) -> Any:
    return lambda c: c.ns.constant(Fraction(value))


def index(c: Any) -> Any:
    return c.ns.constant(c.i)


def never(_: Any) -> Any:
    raise AssertionError("this side is not needed")


def least_risk(c: Any) -> Any:
    return c.quantity("risk")


HOLDS = Inequality(number(2), ">=", number(1))


def premise(left: Any, relation: Any, right: Any) -> Hypothesis:
    sides = [side if callable(side) else number(side) for side in (left, right)]
    return Hypothesis(f"{left} {relation} {right}", sides[0], relation, sides[1])


def decide(*hypotheses: Any, instance: Instance = CASE, **more: Any) -> Row:
    more.setdefault("conclusion", HOLDS)
    claim = Claim("planted", Source("planted", 0), "planted", hypotheses=hypotheses, **more)
    row = Session(instance).decide(claim)
    assert len(row.hypothesis_slack) in {0, len(claim.assumptions)}
    return row


@pytest.mark.parametrize(
    ("hypothesis", "answer", "slack"),
    [
        (premise(3, ">=", 2), "TRUE", "1.500"),
        (premise(2, "<=", 3), "TRUE", "1.500"),
        (premise(1, ">", "1/4"), "TRUE", "4.000"),
        (premise(2, ">=", 4), "NOT_APPLICABLE", "0.5000"),
        (premise(2, "<", 1), "NOT_APPLICABLE", "0.5000"),
        (premise("1/3", ">=", "1/3"), "TRUE", "1.000"),  # decided in rational numbers
        (premise("1/3", ">", "1/3"), "NOT_APPLICABLE", JUST_BELOW),
        (premise(1, ">=", "1.00000001"), "NOT_APPLICABLE", JUST_BELOW),
        (premise("1.00000001", ">=", 1), "TRUE", "1.000"),
        (premise(1, ">", 0), "TRUE", None),
        (premise(1, ">=", -1), "TRUE", None),
        (premise(-2, "<=", -1), "TRUE", None),
        (premise(0, ">=", 1), "NOT_APPLICABLE", None),
    ],
)
def test_a_hypothesis_has_the_slack_of_an_inequality(
    hypothesis: Hypothesis, answer: str, slack: str | None
) -> None:
    row = decide(hypothesis)
    assert (row.answer, row.hypothesis_slack) == (answer, () if slack is None else (slack,))


def test_structural_hypotheses_have_none() -> None:
    network = Structural("a network", "has_network")
    row = decide(network, premise(3, ">=", 2), instance=Instance("n", THREE, NOISE, NETWORK))
    assert (row.answer, row.hypothesis_slack) == ("TRUE", (None, "1.500"))
    assert decide(network).hypothesis_slack == ()


def test_later_hypotheses_about_the_setting_have_theirs_too() -> None:
    later = (
        premise(3, ">=", 2),
        Structural("a network", "has_network"),
        premise(least_risk, "<=", 1),
        Hypothesis("Delta >= 1/2", lambda c: c.spacing, ">=", number("1/2")),
        Hypothesis("eta >= 1", lambda c: c.learning_rate, ">=", number(1)),
        Hypothesis("beta >= 1", lambda c: c.parameter("beta"), ">=", number(1)),
    )
    row = decide(premise(1, ">=", 2), *later)
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis == "1 >= 2: 1.000 >= 2.000"
    assert row.hypothesis_slack == ("0.5000", "1.500", None, None, "2.000", None, None)
    given = Instance("g", THREE, NOISE, learning_rate=Fraction(3), parameters={"beta": 5})
    assert decide(premise(1, ">=", 2), *later, instance=given).hypothesis_slack[-2:] == (
        "3.000",
        "5.000",
    )


def test_an_undecided_hypothesis_has_no_slack_and_the_later_ones_do() -> None:
    def third(c: Any) -> Any:
        return c.ns.exp(c.ns.constant(1))  # balls never tell it from itself

    row = decide(premise(third, "<=", third), premise(3, ">=", 2))
    assert row.answer == "UNKNOWN"
    assert str(row.reason).startswith("budget: hypothesis undecided")
    assert row.hypothesis_slack == (None, "1.500")


def test_nothing_is_evaluated_for_a_slack_where_nothing_is_asked() -> None:
    assert decide(premise(3, ">=", 2), conclusion=HOLDS, subject="network").hypothesis_slack == ()
    with pytest.raises(AssertionError, match="not needed"):
        decide(premise(never, ">=", 2))


def points(*where: Hypothesis, **more: Any) -> Row:
    return decide(range=Range("points", where=where), **more)


def test_a_condition_is_shown_at_the_row_s_own_index() -> None:
    tight = Inequality(lambda c: c.ns.constant(4 - c.i), ">=", number("1/2"))
    row = points(premise(index, "<=", 4), conclusion=tight)
    assert (row.where, row.hypothesis_slack) == ({"i": "3"}, ("1.333",))
    excluded = points(premise(index, "<=", 2), conclusion=tight)
    assert (excluded.where, excluded.hypothesis_slack) == ({"i": "2"}, ("1.000",))


def test_a_condition_of_a_trivial_row_is_shown_at_its_least() -> None:
    trivial = Inequality(number(2), ">=", number(-1), nonnegative_left=True)
    row = points(premise(index, "<=", 4), premise(index, ">=", "1/2"), conclusion=trivial)
    assert (row.trivial, row.where) == (True, {})
    assert row.hypothesis_slack == ("1.333", "2.000")


def test_where_no_index_remains_the_condition_named_is_shown() -> None:
    row = points(premise(index, ">=", "1/2"), premise(index, ">=", 4), premise(1, ">=", 1))
    assert (row.answer, row.failed_hypothesis) == (
        "NOT_APPLICABLE",
        f"{index} >= 4: 3.000 >= 4.000",
    )
    assert row.hypothesis_slack == ("6.000", "0.7500", None)


def test_where_the_claim_has_no_index_there_is_none() -> None:
    row = decide(premise(3, ">=", 2), range=Range("neurons", where=(premise(1, ">=", 2),)))
    assert (row.answer, row.hypothesis_slack) == ("NOT_APPLICABLE", ("1.500", None))


def assessed(truth: Truth, ratio: str | None) -> HypothesisFinding:
    return HypothesisFinding(truth, "", None if ratio is None else arb(ratio))


def test_the_least_is_given_only_where_all_are_known() -> None:
    true = [assessed(Truth.TRUE, ratio) for ratio in ("3", "2", "5")]
    assert room_text(true) == "2.000"
    assert room_text([*true, assessed(Truth.TRUE, None)]) is None
    assert room_text([*true, assessed(Truth.UNKNOWN, "4")]) is None
    assert room_text([]) is None
    wide = HypothesisFinding(Truth.TRUE, "", arb(3, 4))
    assert room_text([wide]) is None  # a ratio that may be negative says nothing


def test_what_needs_more_than_the_setting_is_refused() -> None:
    facts = Facts(CASE, Accuracy(12))
    for name in OF_SETTING - {"learning_rate"}:
        facts.of_setting(name)
    for name in ("risk", "network", "learning_rate", "parameter:beta", "hessian_lambda_max"):
        with pytest.raises(BeyondSettingError):
            facts.of_setting(name)


@pytest.mark.parametrize("name", ["minimum-pair-ends", "shape-structured", "large-rate-triple-one"])
def test_on_the_battery_a_slack_says_what_the_answer_says(name: str) -> None:
    (instance,) = (entry for entry in battery() if entry.name == name)
    session, said = Session(instance), 0
    for claim in catalogue.claims():
        if claim.undecidable or not (claim.hypotheses or claim.range.where):
            continue
        row = session.decide(claim)
        known = [slack for slack in row.hypothesis_slack if slack is not None]
        said += len(known)
        assert len(row.hypothesis_slack) in {0, len(claim.assumptions)}
        if row.answer in {"TRUE", "FALSE"}:
            assert all(Decimal(slack) >= 1 for slack in known), row
        failed = str(row.failed_hypothesis)
        for statement, slack in zip(claim.assumptions, row.hypothesis_slack, strict=False):
            if slack is not None and failed.startswith(f"{statement}: "):
                assert Decimal(slack) < 1, row
    assert said > 30


def test_theorem_8_says_how_far_each_of_its_thresholds_is() -> None:
    (instance,) = (entry for entry in battery() if entry.name == "minimum-pair-ends")
    (claim,) = catalogue.select(["thm08@sum"])
    row = Session(instance).decide(claim)
    found = dict(zip(claim.assumptions, row.hypothesis_slack, strict=True))
    rate, sigma = found["eta > 2^12 sigma^2/(mu n^2 Delta)"], found["sigma <= sigma_0"]
    noise = Fraction(3, 5)
    threshold = 2**12 * noise**2 / (Fraction(4, 5) * 4 * 2)
    assert instance.learning_rate is not None
    exact = instance.learning_rate / threshold
    assert rate is not None and sigma is not None
    assert Fraction(rate) <= exact <= Fraction(upper_decimal(exact, 3))
    assert Fraction(sigma) < Fraction(1, 10)


def test_rows_that_are_read_off_have_no_slack_of_hypotheses_that_are_not_theirs() -> None:
    (instance,) = (entry for entry in battery() if entry.name == "minimum-pair-ends")
    report = check([instance], ["thm01"])
    (read_off,) = report.rows_of("thm01")
    (source,) = report.rows_of("thm08@sum")
    assert any(source.hypothesis_slack)
    assert read_off.hypothesis_slack == ()

"""What a certified answer says, field by field: places, indices, texts, counts and windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from dsmverify import bisection, certify
from dsmverify.batch_hessians import BatchHessian, PointHessian
from dsmverify.certify import LEVELS, NO_INDEX, NO_PLACE, Session, points_of, precision
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Range,
    Ray,
    RealLine,
    Relation,
    Row,
    Source,
    Stated,
    Structural,
)
from dsmverify.facts import Facts
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.minima import Minimum
from dsmverify.truth import Truth

Side = Callable[[Any], Any]

NOISE = NoiseLevel(sigma=Fraction(2, 5), mu=Fraction(4, 5))
CASE = Instance("planted", (Fraction(0), Fraction(1), Fraction(3)), NOISE)
IRRATIONAL = replace(CASE, noise=NoiseLevel(sigma=Fraction(2, 5)))
NETWORK = NetworkData(
    (Fraction(1), Fraction(-1)),
    (Fraction(0), Fraction(1)),
    (Fraction(1), Fraction(-2)),
    Fraction(2),
)
TRAINED = replace(CASE, network=NETWORK, learning_rate=Fraction(1, 100))
PROVED = frozenset({"planted"})
UNIT = Range(y=Interval(lambda c: c.ns.constant(0), lambda c: c.ns.constant(1)))


def number(value: int | str) -> Side:
    exact = Fraction(value)
    return lambda c: c.ns.constant(exact)


def point(c: Any) -> Any:
    return c.point


def index_i(c: Any) -> Any:
    return c.ns.constant(c.i)


def touching(c: Any) -> Any:
    """`sqrt(2)^2 - 2`: 0, which no precision certifies and no rational arithmetic sees."""
    return c.ns.root(c.ns.constant(2), 2) * c.ns.root(c.ns.constant(2), 2) - c.ns.constant(2)


def wide(centre: int, radius: str) -> Side:
    """A ball of that radius at any precision, and no rational number."""
    return lambda c: c.ns.exp(c.ns.constant(0)) * centre + arb(0, radius)


def claim(conclusion: Any, **more: Any) -> Claim:
    return Claim("planted", Source("planted", 0), "planted", conclusion, **more)


def decide(
    conclusion: Any, instance: Instance = CASE, proved: frozenset[str] = frozenset(), **more: Any
) -> Row:
    return Session(instance, proved).decide(claim(conclusion, **more))


def given(**parameters: Any) -> Instance:
    return replace(CASE, parameters=parameters)


HOLDING = Inequality(number(2), ">=", number(1))
FAILING = Inequality(number(1), ">=", number(2))


# Rows.


def test_a_row_names_claim_instance_precision_and_count() -> None:
    row = decide(HOLDING)
    assert (row.claim, row.instance, row.bits, row.evaluations) == ("planted", "planted", 96, 1)
    assert (row.slack, row.reason, row.failed_hypothesis, row.where) == ("2.000", None, None, {})
    row = decide(FAILING)
    assert (row.answer, row.evaluations, row.reason, row.trivial) == ("FALSE", 1, None, False)
    assert row.slack is not None
    assert Decimal("0.499") < Decimal(row.slack) <= Decimal("0.5")


def test_sides_are_shown_to_twelve_digits_rounded_outward() -> None:
    third = lambda c: c.ns.exp(c.ns.constant(1)) / 3  # noqa: E731
    row = decide(Inequality(third, ">=", number(0)))
    assert row.lhs is not None
    exact = Decimal("0.90609394281968174512")
    assert Decimal(row.lhs.lower) <= exact <= Decimal(row.lhs.upper)
    assert Decimal(row.lhs.upper) - Decimal(row.lhs.lower) <= Decimal("2e-12")
    assert len(row.lhs.lower.lstrip("0.").replace(".", "")) == certify.DIGITS == 12


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_precision_rises_until_the_answer_is_certain(level: int) -> None:
    gap = Fraction(1, 2 ** (LEVELS[level] * 3 // 4))
    close = Inequality(
        lambda c: c.ns.exp(c.ns.constant(1)), "<", lambda c: c.ns.exp(c.ns.constant(1 + gap))
    )
    row = decide(close)
    assert (row.answer, row.bits) == ("TRUE", LEVELS[level])


def test_precision_stays_low_for_identities() -> None:
    same = Identity(number("1/3"), number("1/3"))
    for conclusion in (same, (same, same), Stated("minimiser", (same,)), Stated("regularity")):
        assert decide(conclusion).bits == LEVELS[0]
    assert decide((same, Inequality(number("1/3"), ">", number(0)))).bits == LEVELS[-1]


def test_undecided_sides_say_how_far_they_agree() -> None:
    root = lambda c: c.ns.root(c.ns.constant(2), 2) * c.ns.root(c.ns.constant(2), 2)  # noqa: E731
    row = decide(Inequality(root, ">", number(2)))
    assert row.reason is not None
    words, digits = row.reason.rsplit(" agree to ", 1)
    assert words == "equality: the two sides"
    assert int(digits.split()[0]) > certify.EQUALITY_DIGITS
    row = decide(Inequality(wide(1, "1e-9"), ">", number(1)))
    digits_shown = {f"budget: the two sides agree to {digits} digits" for digits in (8, 9)}
    assert row.reason in digits_shown
    assert (row.lhs is not None, row.rhs is not None, row.slack) == (True, True, None)


def test_the_digits_that_separate_budget_from_equality(monkeypatch: pytest.MonkeyPatch) -> None:
    for digits, word in ((49, "budget"), (50, "budget"), (51, "equality")):
        monkeypatch.setattr(certify, "agreeing_digits", lambda *_, digits=digits: digits)
        row = decide(Inequality(touching, ">", number(0)))
        assert row.reason == f"{word}: the two sides agree to {digits} digits"


# Indices.


@pytest.mark.parametrize(
    ("index", "values"),
    [
        ("points", [("1",), ("2",), ("3",)]),
        ("gaps", [("1",), ("2",)]),
        ("pairs", [("1", "2"), ("1", "3"), ("2", "3")]),
        ("others", [("1", "2"), ("1", "3"), ("2", "1"), ("2", "3"), ("3", "1"), ("3", "2")]),
        ("neurons", [("1",), ("2",)]),
        (
            "neurons and points",
            [("1", "1"), ("2", "1"), ("3", "1"), ("1", "2"), ("2", "2"), ("3", "2")],
        ),
    ],
)
def test_every_value_of_an_index_is_named_and_can_fail_alone(
    index: Any, values: list[tuple[str, ...]]
) -> None:
    def number_of(c: Any) -> int:
        return int(100 * c.i + 10 * c.k + c.l)

    for tried, value in enumerate(values, start=1):
        keys = {"neurons": ("l",), "neurons and points": ("i", "l")}.get(index, ("i", "j"))
        where = dict(zip(keys, value, strict=False))
        wanted = 100 * int(where.get("i", 0)) + 10 * int(where.get("j", 0)) + int(where.get("l", 0))

        def left(c: Any, wanted: int = wanted) -> Any:
            return c.ns.constant(0 if number_of(c) == wanted else 1)

        row = decide(Inequality(left, ">", number("1/2")), TRAINED, range=Range(index))
        assert (row.answer, row.where, row.evaluations) == ("FALSE", where, tried)
    row = decide(HOLDING, TRAINED, range=Range(index))
    assert (row.answer, row.evaluations) == ("TRUE", len(values))


def test_an_index_without_values_is_not_applicable() -> None:
    row = decide(HOLDING, range=Range("neurons"))
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", NO_INDEX)
    row = decide(HOLDING, given(i=3), range=Range("gaps"))
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", NO_INDEX)


def test_an_instance_can_ask_for_values_of_the_indices() -> None:
    row = decide(Inequality(index_i, ">=", number(2)), given(i=2), range=Range("points"))
    assert (row.answer, row.evaluations, row.where) == ("TRUE", 1, {"i": "2"})
    row = decide(Inequality(index_i, ">=", number(2)), given(i=2, j=3), range=Range("pairs"))
    assert (row.answer, row.evaluations, row.where) == ("TRUE", 1, {"i": "2", "j": "3"})
    row = decide(Inequality(index_i, ">=", number(1)), given(j=3), range=Range("pairs"))
    assert (row.answer, row.evaluations) == ("TRUE", 2)
    row = decide(HOLDING, given(i=2))
    assert (row.answer, row.where) == ("TRUE", {})


# Conditions and hypotheses.


def condition(left: Side, relation: Relation, right: Side, words: str = "planted") -> Hypothesis:
    return Hypothesis(words, left, relation, right)


def test_conditions_are_all_asked_and_the_failing_one_is_named() -> None:
    always = condition(number(1), ">", number(0), "always")
    late = condition(index_i, ">", number(9), "i > 9")
    row = decide(HOLDING, range=Range("points", where=(always, late)))
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis is not None
    assert row.failed_hypothesis.startswith("i > 9: ")
    row = decide(HOLDING, range=Range("points", where=(late, always)))
    assert row.failed_hypothesis is not None
    assert row.failed_hypothesis.startswith("i > 9: ")
    second = condition(index_i, "<=", number(2), "i <= 2")
    row = decide(HOLDING, range=Range("points", where=(always, second)))
    assert (row.answer, row.evaluations) == ("TRUE", 2)


def test_a_false_condition_wins_over_an_undecided_one() -> None:
    undecided = condition(touching, ">", number(0), "undecided")
    false = condition(number(0), ">", number(1), "false")
    for where in ((undecided, false), (false, undecided)):
        row = decide(HOLDING, range=Range("points", where=where))
        assert row.answer == "NOT_APPLICABLE"
        assert row.failed_hypothesis is not None
        assert row.failed_hypothesis.startswith("false: ")
    row = decide(HOLDING, range=Range("points", where=(undecided,)))
    assert row.answer == "UNKNOWN"
    assert row.reason is not None
    assert row.reason.startswith("budget: condition undecided: undecided: ")
    assert row.bits == LEVELS[-1]


def test_values_left_out_do_not_fail() -> None:
    """The conclusion fails at i = 2 alone, which the condition leaves out."""
    odd = condition(lambda c: c.ns.constant(abs(c.i - 2)), ">", number(0), "i != 2")
    conclusion = Inequality(lambda c: c.ns.constant(abs(c.i - 2)), ">", number(0))
    row = decide(conclusion, range=Range("points", where=(odd,)))
    assert (row.answer, row.evaluations) == ("TRUE", 2)
    assert decide(conclusion, range=Range("points")).answer == "FALSE"


def test_hypotheses_are_all_asked_in_order() -> None:
    true, false = condition(number(1), ">", number(0)), condition(number(0), ">", number(1), "no")
    undecided = condition(touching, ">", number(0), "maybe")
    for premises, answer in (
        ((true, true), "TRUE"),
        ((true, false), "NOT_APPLICABLE"),
        ((false, undecided), "NOT_APPLICABLE"),
        ((true, undecided), "UNKNOWN"),
    ):
        row = decide(HOLDING, hypotheses=premises)
        assert row.answer == answer
    row = decide(FAILING, hypotheses=(undecided,))
    assert row.reason is not None
    assert row.reason.startswith("budget: hypothesis undecided: maybe: ")
    row = decide(HOLDING, hypotheses=(false,))
    assert row.failed_hypothesis is not None
    assert row.failed_hypothesis.startswith("no: ")
    nan = condition(lambda _: arb("nan"), ">", number(0), "nan")
    row = decide(HOLDING, hypotheses=(nan,))
    assert row.reason is not None
    assert "nan: unbounded > " in row.reason


@pytest.mark.parametrize("relation", [">=", "<=", ">", "<"])
@pytest.mark.parametrize("gap", [-1, 0, 1])
def test_rational_sides_are_compared_exactly(relation: Relation, gap: int) -> None:
    """`1/3 + gap 10^-400` against 1/3: no working precision tells them apart."""
    small = Fraction(gap, 10**400)
    third = lambda c: c.ns.constant(1) / 3 + c.ns.constant(small)  # noqa: E731
    holds = {">=": gap >= 0, "<=": gap <= 0, ">": gap > 0, "<": gap < 0}[relation]
    row = decide(Inequality(third, relation, number("1/3")))
    assert row.answer == ("TRUE" if holds else "FALSE")
    row = decide(HOLDING, hypotheses=(condition(third, relation, number("1/3")),))
    assert row.answer == ("TRUE" if holds else "NOT_APPLICABLE")


def test_rational_sides_see_the_indices() -> None:
    at = lambda c: c.x(c.i) / 3 + c.x(c.k) / 7  # noqa: E731
    same = lambda c: (7 * c.x(c.i) + 3 * c.x(c.k)) / 21  # noqa: E731
    assert decide(Inequality(at, ">=", same), range=Range("pairs")).answer == "TRUE"
    assert decide(Inequality(at, ">", same), range=Range("pairs")).answer == "FALSE"
    where = condition(at, ">=", same)
    assert decide(HOLDING, range=Range("pairs", where=(where,))).answer == "TRUE"
    label = lambda c: c.ns.constant(c.l) / 3  # noqa: E731
    thirds = lambda c: c.ns.constant(Fraction(c.l, 3))  # noqa: E731
    assert decide(Inequality(label, ">=", thirds), TRAINED, range=Range("neurons")).answer == "TRUE"


def test_irrational_sides_that_touch_stay_undecided() -> None:
    mu = Inequality(lambda c: c.mu / 3, ">=", lambda c: c.mu * c.ns.constant(Fraction(1, 3)))
    assert decide(mu).answer == "TRUE"
    assert decide(mu, IRRATIONAL).answer == "UNKNOWN"


# Places and intervals.


def test_every_place_is_tried_and_named() -> None:
    places = Places((number(0), number("1/2"), number(1)))
    for wanted in ("0", "0.5", "1"):
        at = Fraction(wanted)

        def left(c: Any, at: Fraction = at) -> Any:
            return abs(c.point - c.ns.constant(at))

        row = decide(Inequality(left, ">", number("1/4")), range=Range(y=places))
        assert (row.answer, Fraction(row.where["y"]), row.evaluations) == ("FALSE", at, 3)
    row = decide(Inequality(point, ">=", number(-1)), range=Range("gaps", y=places))
    assert (row.answer, row.evaluations) == ("TRUE", 6)


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (Interval(number(0), number(1)), ["0", "1/2", "1"], ["-1/1000", "1001/1000"]),
        (Ray(number(1), 1), ["1", "5"], ["0", "999/1000"]),
        (Ray(number(1), -1), ["1", "-5"], ["2", "1001/1000"]),
        (RealLine(), ["0", "1000000"], []),
        (Places((number(1), number(2))), ["1", "2"], ["0", "3/2"]),
    ],
)
def test_an_instance_can_ask_for_a_place(span: Any, inside: list[str], outside: list[str]) -> None:
    same = Identity(point, point)
    for y in inside:
        row = decide(
            Inequality(point, "<=", number(10**7)), given(y=Fraction(y)), range=Range(y=span)
        )
        assert (row.answer, Fraction(row.where["y"]), row.evaluations) == ("TRUE", Fraction(y), 1)
        row = decide(
            Inequality(point, ">", number(10**7)), given(y=Fraction(y)), range=Range(y=span)
        )
        assert (row.answer, Fraction(row.where["y"])) == ("FALSE", Fraction(y))
        row = decide(same, given(y=Fraction(y)), PROVED, range=Range(y=span))
        assert (row.answer, Fraction(row.where["y"])) == ("TRUE", Fraction(y))
    for y in outside:
        for conclusion in (Inequality(point, ">", number(10**7)), same):
            row = decide(conclusion, given(y=Fraction(y)), PROVED, range=Range(y=span))
            assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", NO_PLACE)


def test_a_place_that_one_index_allows_is_enough() -> None:
    span = Interval(lambda c: c.x(c.i), lambda c: c.x(c.i + 1))
    row = decide(Inequality(point, ">", number(9)), given(y=Fraction(2)), range=Range("gaps", span))
    assert (row.answer, row.where["i"]) == ("FALSE", "2")
    row = decide(Inequality(point, "<", number(9)), given(y=Fraction(2)), range=Range("gaps", span))
    assert (row.answer, row.evaluations) == ("TRUE", 1)
    row = decide(HOLDING, given(y=Fraction(4)), range=Range("gaps", span))
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", NO_PLACE)


def test_a_given_place_is_ignored_where_the_claim_has_none() -> None:
    assert decide(HOLDING, given(y=Fraction(4))).answer == "TRUE"
    assert decide(FAILING, given(y=Fraction(4))).answer == "FALSE"


@pytest.mark.parametrize(
    ("span", "low", "high"),
    [
        (RealLine(), Fraction(-16, 5), Fraction(28, 5)),  # 8 sigma beyond 0 and 3 mu
        (Ray(number(1), 1), Fraction(1), Fraction(21, 5)),
        (Ray(number(1), -1), Fraction(-11, 5), Fraction(1)),
        (Interval(number(1), number(2)), Fraction(1), Fraction(2)),
    ],
)
def test_windows_of_unbounded_ranges(span: Any, low: Fraction, high: Fraction) -> None:
    """A bound just inside an end of the window fails, one just outside it does not."""
    near = Fraction(1, 50)
    for bound, relation, fails in (
        (low + near, ">", True),
        (low - near, ">", False),
        (high - near, "<", True),
        (high + near, "<", False),
    ):
        conclusion = Inequality(point, relation, number(bound))  # type: ignore[arg-type]
        row = decide(conclusion, range=Range(y=span))
        is_bounded = isinstance(span, Interval)
        assert row.answer == ("FALSE" if fails else "TRUE" if is_bounded else "UNKNOWN")
        proved = decide(conclusion, CASE, PROVED, range=Range(y=span))
        assert proved.answer == ("FALSE" if fails else "TRUE")
        if row.answer == "UNKNOWN":
            assert row.reason is not None
            assert row.reason.endswith(": certified in a window of an unbounded range only")
            assert row.bits == LEVELS[0]  # more bits would not help


def test_an_interval_says_where_it_fails() -> None:
    row = decide(Inequality(point, "<=", number("9/10")), range=replace(UNIT, index="gaps"))
    assert (row.answer, row.where["i"]) == ("FALSE", "1")
    assert Fraction(9, 10) < Fraction(row.where["y"]) <= 1
    row = decide(Inequality(point, "<=", number(2)), range=UNIT)
    assert (row.answer, row.trivial, row.slack is not None) == ("TRUE", False, True)


# Triviality and margins.


@pytest.mark.parametrize(("right", "trivial"), [("-1", True), ("0", True), ("1/2", False)])
@pytest.mark.parametrize("span", [None, UNIT.y, Places((number(0),))])
def test_trivial_inequalities(right: str, trivial: bool, span: Any) -> None:
    conclusion = Inequality(number(1), ">=", number(right), nonnegative_left=True)
    row = decide(conclusion, range=Range(y=span))
    assert (row.answer, row.trivial) == ("TRUE", trivial)
    plain = decide(replace(conclusion, nonnegative_left=False), range=Range(y=span))
    assert (plain.answer, plain.trivial) == ("TRUE", False)


@pytest.mark.parametrize("rises", [True, False])
def test_what_is_trivial_at_one_end_is_decided_on_the_whole_interval(rises: bool) -> None:
    """The right side is negative at one end and 9 at the other, above the left side's 2."""

    def right(c: Any) -> Any:
        share = c.point if rises else 1 - c.point
        return 10 * share - c.ns.constant(1)

    row = decide(Inequality(number(2), ">=", right, nonnegative_left=True), range=UNIT)
    assert row.answer == "FALSE"
    row = decide(Inequality(number(20), ">=", right, nonnegative_left=True), range=UNIT)
    assert (row.answer, row.trivial) == ("TRUE", False)


def test_margins_decide_only_certainly_and_only_true() -> None:
    one = lambda c: c.ns.exp(c.ns.constant(1))  # noqa: E731
    for relation in (">=", "<="):
        for margin, answer in (
            (number(0), "TRUE"), (number(-1), "UNKNOWN"), (lambda _: arb(0, 1), "UNKNOWN"),
        ):  # fmt: skip
            touching = Inequality(one, relation, one, margin=margin)
            assert decide(touching).answer == answer
    assert decide(replace(FAILING, margin=number(1))).answer == "FALSE"
    with_place = Inequality(one, ">=", one, margin=lambda c: c.point - 1)
    for y, answer in (("1", "TRUE"), ("2", "UNKNOWN"), ("1/2", "UNKNOWN")):
        row = decide(with_place, given(y=Fraction(y)), range=Range(y=RealLine()))
        assert row.answer == answer


@pytest.mark.parametrize("relation", [">=", "<=", ">", "<"])
def test_a_margin_above_the_difference_is_not_believed(relation: Relation) -> None:
    """A claim can declare any margin; one that the sides contradict decides nothing."""
    one = lambda c: c.ns.exp(c.ns.constant(1))  # noqa: E731
    for margin in ("1", "1/100000000000000000000"):
        equal = Inequality(one, relation, one, margin=number(margin))
        assert decide(equal).answer == "UNKNOWN"


@pytest.mark.parametrize("relation", [">", "<"])
def test_a_margin_of_0_does_not_show_a_strict_inequality(relation: Relation) -> None:
    one = lambda c: c.ns.exp(c.ns.constant(1))  # noqa: E731
    assert decide(Inequality(one, relation, one, margin=number(0))).answer == "UNKNOWN"


# Parts and statements.


def test_parts_are_numbered_from_one() -> None:
    for failing in (1, 2, 3):
        parts = tuple(FAILING if part == failing else HOLDING for part in (1, 2, 3))
        row = decide(parts)
        assert (row.answer, row.where) == ("FALSE", {"part": str(failing)})
        assert row.evaluations == failing
    assert decide((HOLDING,)).where == {}
    tight = Inequality(number(3), ">=", number(2))
    assert decide((HOLDING, tight, HOLDING)).where == {"part": "2"}


def test_a_statement_is_true_only_if_proved_and_false_by_its_checks() -> None:
    for checks in ((), (HOLDING,), (HOLDING, Identity(number(1), number(1)))):
        row = decide(Stated("minimiser", checks))
        assert (row.answer, row.slack, row.trivial) == ("UNKNOWN", None, False)
        row = decide(Stated("minimiser", checks), CASE, PROVED)
        assert (row.answer, row.slack, row.trivial) == ("TRUE", None, False)
        assert row.reason is None
    for proved in (frozenset[str](), PROVED):
        row = decide(Stated("minimiser", (HOLDING, FAILING)), CASE, proved)
        assert (row.answer, row.where) == ("FALSE", {"part": "2"})
    assert decide(Stated("minimiser", (HOLDING,))).reason == "equality: its checks hold"
    same = Identity(number("1/3"), number("1/3"))
    reason = decide(Stated("minimiser", (same,))).reason
    assert reason is not None
    assert reason.startswith("equality: the two sides agree to ")


# Identities.


def test_the_entry_that_differs_most_is_shown() -> None:
    def left(c: Any) -> Any:
        return np.array([[c.ns.constant(1), c.ns.constant(5)], [c.ns.constant(2), c.mu]])

    def right(c: Any) -> Any:
        return np.array([[c.ns.constant(2), c.ns.constant(9)], [c.ns.constant(4), c.mu]])

    row = decide(Identity(left, right))
    assert (row.answer, row.where, row.evaluations) == ("FALSE", {"entry": "1,2"}, 4)
    assert row.lhs is not None and row.rhs is not None
    assert [Decimal(row.lhs.lower), Decimal(row.rhs.lower)] == [Decimal(5), Decimal(9)]


def test_the_entry_that_agrees_least_is_shown() -> None:
    def left(c: Any) -> Any:
        return np.array([arb(1), arb(1, "1e-6"), arb(1, "1e-9")], dtype=object)

    def right(c: Any) -> Any:
        return np.array([arb(1), arb(1), arb(1)], dtype=object)

    row = decide(Identity(left, right))
    assert (row.answer, row.where) == ("UNKNOWN", {"entry": "2"})
    shown = {f"equality: the two sides agree to {digits} digits" for digits in (5, 6)}
    assert row.reason in shown
    assert row.evaluations == 3
    row = decide(Identity(left, right), CASE, PROVED)
    assert (row.answer, row.reason, row.trivial) == ("TRUE", None, False)
    assert decide(Identity(left, right), CASE, frozenset({"other"})).answer == "UNKNOWN"


def test_an_identity_is_compared_at_its_points() -> None:
    at = replace(CASE, at=(Fraction(1, 2), Fraction(5, 2)))
    off = Identity(point, lambda c: c.point + c.ns.constant(1))
    row = decide(off, at, range=Range(y=RealLine()))
    assert (row.answer, row.evaluations, row.where) == ("FALSE", 2, {"y": "0.5"})
    assert decide(off, range=Range(y=RealLine())).evaluations == len(points_of(CASE)) == 4
    row = decide(off, range=Range("gaps", UNIT.y))
    assert (row.answer, row.evaluations, row.where["i"]) == ("FALSE", 3, "1")
    places = Places((number("1/4"), number("3/4")))
    row = decide(off, range=Range(y=places))
    assert (row.evaluations, row.where) == (2, {"y": "0.25"})
    seen = []

    def left(c: Any) -> Any:
        seen.append(c.point)
        return c.point

    decide(Identity(left, point), range=Range(y=Interval(number(0), number(8))))
    assert [float(y.mid()) for y in seen] == [1, 4, 6]


def test_places_that_are_no_numbers_hide_no_difference() -> None:
    nan: Side = lambda _: arb("nan")  # noqa: E731
    off = Identity(point, lambda c: c.point + c.ns.constant(1))
    for places in ((nan, number(1)), (number(1), nan)):
        assert decide(off, CASE, PROVED, range=Range(y=Places(places))).answer == "FALSE"
    same = Identity(point, point)
    for ends in ((nan, number(1)), (number(0), nan), (nan, nan)):
        row = decide(same, CASE, PROVED, range=Range(y=Interval(*ends)))
        assert (row.answer, row.reason) == ("UNKNOWN", certify.NO_NUMBER)
        row = decide(HOLDING, range=Range(y=Interval(*ends)))
        assert (row.answer, row.reason) == ("UNKNOWN", certify.NO_NUMBER)
    nothing = Identity(wide(0, "1"), wide(0, "1"))
    assert decide(nothing).reason == "equality: the two sides agree to 0 digits"


def test_an_index_that_the_claim_does_not_have_is_no_restriction() -> None:
    asking = replace(TRAINED, parameters={"i": 1})
    row = decide(HOLDING, asking, range=Range("neurons"))
    assert (row.answer, row.evaluations) == ("TRUE", 2)
    row = decide(HOLDING, asking, range=Range("neurons and points"))
    assert (row.answer, row.evaluations) == ("TRUE", 2)


def test_every_neuron_has_its_turn() -> None:
    ones = (Fraction(1),) * 3
    three = replace(TRAINED, network=NetworkData(ones, tuple(map(Fraction, (1, 2, 3))), ones))
    row = decide(HOLDING, three, range=Range("neurons"))
    assert (row.answer, row.evaluations) == ("TRUE", 3)
    row = decide(HOLDING, three, range=Range("neurons and points"))
    assert (row.answer, row.evaluations) == ("TRUE", 9)


def test_points_near_the_data() -> None:
    four = replace(CASE, points=tuple(map(Fraction, (1, 2, 4, 8))))
    expected = {Fraction(4, 5), Fraction(6, 5), Fraction(16, 5), Fraction(32, 5)}
    assert points_of(four) == tuple(sorted(expected))
    assert points_of(CASE) == (Fraction(0), Fraction(2, 5), Fraction(4, 5), Fraction(12, 5))
    assert points_of(replace(CASE, at=(Fraction(7),))) == (Fraction(7),)
    five = replace(CASE, points=tuple(map(Fraction, (0, 1, 2, 3, 5))))
    assert points_of(five) == (Fraction(0), Fraction(2, 5), Fraction(8, 5), Fraction(4))
    irrational = points_of(IRRATIONAL)
    assert irrational[-1].denominator <= 10**6
    assert abs(float(irrational[-1]) - 3 * 0.84**0.5) < 1e-5


# Subjects and structural hypotheses.


@pytest.mark.parametrize(
    ("instance", "more", "words"),
    [
        (CASE, {"subject": "network"}, "the instance has a network: it has none"),
        (CASE, {"subject": "minimum"}, "the instance has a network: it has none"),
        (
            replace(TRAINED, learning_rate=None),
            {"subject": "minimum"},
            "a learning rate is given: it is not",
        ),
        (
            replace(TRAINED, network=replace(NETWORK, inner_weights=(Fraction(1), Fraction(2)))),
            {"subject": "minimum"},
            "every inner weight is +1 or -1: one is not",
        ),
        (CASE, {"parameters": ("k",)}, "parameters k are given: they are not"),
        (given(k=1), {"parameters": ("k", "A", "f")}, "parameters A, f are given: they are not"),
    ],
)
def test_what_a_claim_is_about_is_missing(instance: Instance, more: Any, words: str) -> None:
    row = decide(HOLDING, instance, **more)
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", words)


def test_a_minimum_of_a_network_in_the_class_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "minimum", lambda *_: Minimum(Truth.TRUE, None, arb(0)))
    assert decide(HOLDING, TRAINED, subject="minimum").answer == "TRUE"
    for weight in (Fraction(1, 2), Fraction(-3)):
        network = replace(NETWORK, inner_weights=(Fraction(1), weight))
        row = decide(HOLDING, replace(TRAINED, network=network), subject="minimum")
        assert row.answer == "NOT_APPLICABLE"


def test_what_a_claim_is_about_is_there() -> None:
    assert decide(HOLDING, TRAINED, subject="network").answer == "TRUE"
    assert decide(HOLDING, given(k=1), parameters=("k",)).answer == "TRUE"
    assert decide(HOLDING, subject="function").answer == "TRUE"


@pytest.mark.parametrize(
    ("predicate", "with_it"),
    [
        ("has_network", TRAINED),
        ("has_learning_rate", TRAINED),
        ("has_power", given(k=2)),
        ("has_function", given(f=[Fraction(1)])),
        ("inner_weights_are_signs", TRAINED),
    ],
)
def test_structural_hypotheses(predicate: Any, with_it: Instance) -> None:
    premise = Structural("planted words", predicate)
    assert decide(HOLDING, with_it, hypotheses=(premise,)).answer == "TRUE"
    row = decide(HOLDING, hypotheses=(premise,))
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", "planted words")


def test_inner_weights_that_are_no_signs() -> None:
    premise = Structural("signs", "inner_weights_are_signs")
    for weight in (Fraction(2), Fraction(-1, 2)):
        network = replace(NETWORK, inner_weights=(Fraction(1), weight))
        row = decide(HOLDING, replace(TRAINED, network=network), hypotheses=(premise,))
        assert row.answer == "NOT_APPLICABLE"


@pytest.mark.parametrize(
    ("predicate", "bound", "answer"),
    [
        ("outer_weights_within_bound", 3, "TRUE"),
        ("outer_weights_within_bound", 2, "TRUE"),
        ("outer_weights_inside_bound", 3, "TRUE"),
        ("outer_weights_inside_bound", 2, "NOT_APPLICABLE"),
    ],
)
def test_bounds_on_outer_weights(predicate: Any, bound: int, answer: str) -> None:
    network = replace(NETWORK, bound=Fraction(bound))
    premise = Structural("bound", predicate)
    row = decide(HOLDING, replace(TRAINED, network=network), hypotheses=(premise,))
    assert row.answer == answer
    if answer == "NOT_APPLICABLE":
        assert row.failed_hypothesis is not None
        assert row.failed_hypothesis.startswith("bound: 2.0")
        assert " < 2.0" in row.failed_hypothesis
    light = (Fraction(1, 4), Fraction(-1, 8))
    network = replace(NETWORK, outer_weights=light, bound=Fraction(1, 2))
    assert (
        decide(HOLDING, replace(TRAINED, network=network), hypotheses=(premise,)).answer == "TRUE"
    )
    heavy = replace(NETWORK, outer_weights=(Fraction(10**30), Fraction(1)), bound=None)
    row = decide(HOLDING, replace(TRAINED, network=heavy), hypotheses=(premise,))
    assert row.answer == "NOT_APPLICABLE"


@pytest.mark.parametrize(
    ("f", "gamma", "delta", "answer"),
    [
        (["5", "-1"], "2", "1", "TRUE"),
        (["5", "-3"], "2", "1", "NOT_APPLICABLE"),
        (["0", "0", "1"], "5", "2", "TRUE"),  # slope 2 y, down to -4 on [-2, 2]
        (["0", "0", "1"], "3", "2", "NOT_APPLICABLE"),
        (["0", "0", "0", "1"], "1/10", "1", "TRUE"),  # slope 3 y^2
        (["0", "-2", "0", "1"], "3", "1", "TRUE"),
        (["0", "-2", "0", "1"], "1", "1", "NOT_APPLICABLE"),
        (["7"], "1", "1", "TRUE"),
    ],
)
def test_slopes_bounded_below(f: list[str], gamma: str, delta: str, answer: str) -> None:
    instance = given(f=[Fraction(c) for c in f], gamma=Fraction(gamma), delta=Fraction(delta))
    premise = Structural("slope", "function_slope_bounded_below")
    row = decide(HOLDING, instance, hypotheses=(premise,), subject="function")
    assert row.answer == answer


def local_minimum(truth: Truth, width: int, monkeypatch: pytest.MonkeyPatch) -> Row:
    monkeypatch.setattr(Session, "minimum", lambda *_: Minimum(truth, None, arb(3)))
    ones = (Fraction(1),) * width
    network = NetworkData(ones, tuple(map(Fraction, range(width))), ones)
    instance = replace(TRAINED, network=network)
    premise = Structural("minimum", "is_local_minimum")
    return decide(HOLDING, instance, hypotheses=(premise,), subject="network")


def test_local_minima(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_minimum(Truth.TRUE, 2, monkeypatch).answer == "TRUE"
    row = local_minimum(Truth.FALSE, 2, monkeypatch)
    assert (row.answer, row.failed_hypothesis) == (
        "NOT_APPLICABLE",
        "minimum: |grad R_n| = 3.000 at the instance's network, and Krawczyk's test proves no "
        "minimum next to it",
    )  # fmt: skip
    for width in (2, 12):
        narrow = local_minimum(Truth.UNKNOWN, width, monkeypatch)
        assert narrow.answer == "UNKNOWN"
        assert "proves no minimum" in str(narrow.reason)
    wide = local_minimum(Truth.UNKNOWN, 13, monkeypatch)
    assert wide.answer == "UNKNOWN"
    assert str(wide.reason).endswith("; wider than 12 neurons")
    assert local_minimum(Truth.FALSE, 13, monkeypatch).answer == "NOT_APPLICABLE"


# Stability.


def stability(mean: Any, square: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Truth, str]:
    """With rate `m eta = 1/50`, `E[H S H] = S E[H^2]`: what a multiple of a fixed matrix has."""

    def matrix(entries: Any) -> Any:
        return np.array([[arb(entry) for entry in row] for row in entries], dtype=object)

    one: PointHessian[Any] = PointHessian(
        matrix(mean), (matrix([[1, 0], [0, 1]]),), (matrix(square),)
    )
    found = BatchHessian((one,), Batch(1))
    monkeypatch.setattr(certify, "batch_hessian", lambda *_: found)
    with precision(96):
        return certify._linear_stability(Facts(TRAINED, Accuracy()), "sum")


def test_stability_by_second_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    eye = [[1, 0], [0, 1]]

    def scaled(factor: float) -> Any:
        return [[factor, 0], [0, factor]]

    assert stability(eye, scaled(99), monkeypatch) == (Truth.TRUE, "second moments contract")
    truth, words = stability(eye, scaled(101), monkeypatch)
    assert truth is Truth.UNKNOWN
    assert words == "second moments not shown to contract, m eta lambda_max(E[H]) = 0.02001" or (
        words.startswith("second moments not shown to contract, m eta lambda_max(E[H]) = 0.02")
    )
    truth, words = stability(scaled(99), scaled(99**2), monkeypatch)
    assert truth is Truth.TRUE
    truth, words = stability(scaled(101), scaled(101**2), monkeypatch)
    assert truth is Truth.FALSE
    assert words.startswith("m eta lambda_max(E[H]) = 2.02")
    assert words.endswith(" > 2")
    truth, words = stability([[1, 0], [0, -1]], eye, monkeypatch)
    assert truth is Truth.FALSE
    assert words.startswith("lambda_min(E[H]) = -")
    assert words.endswith(" < 0")
    assert stability(scaled(0), scaled(1), monkeypatch)[0] is Truth.UNKNOWN


def test_the_reading_of_a_claim_reaches_the_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def spying(*arguments: Any) -> Any:
        shapes.append(arguments[-1])
        eye = np.array([[arb(1), arb(0)], [arb(0), arb(1)]], dtype=object)
        return BatchHessian((PointHessian(eye, (eye,), (eye,)),), arguments[-1])

    monkeypatch.setattr(certify, "batch_hessian", spying)
    premise = Structural("stable", "is_linearly_stable")
    for reading in (None, "sum", "mean"):
        row = decide(HOLDING, TRAINED, hypotheses=(premise,), reading=reading, subject="network")
        assert row.answer in {"TRUE", "UNKNOWN", "NOT_APPLICABLE"}
    assert [shape.reduction for shape in shapes] == ["sum", "sum", "mean"]


# Sessions.


def test_values_are_kept_between_claims_at_each_precision() -> None:
    session = Session(CASE)
    assert session.facts(0, at_minimum=False) is session.facts(0, at_minimum=False)
    assert session.facts(0, at_minimum=False) is not session.facts(1, at_minimum=False)
    assert session.facts(1, at_minimum=False).accuracy.bits == certify.ACCURACIES[1]
    assert certify.LEVELS == (96, 192, 384, 768)
    assert certify.ACCURACIES == (12, 30, 60, 60)


def test_a_minimum_is_searched_once_at_each_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def spying(*_: Any, is_last: bool) -> Minimum:
        asked.append(is_last)
        return Minimum(Truth.UNKNOWN, None, arb(1))

    monkeypatch.setattr(certify, "find_minimum", spying)
    session = Session(TRAINED)
    for level in (0, 0, 1, 2, 3, 3):
        with precision(LEVELS[level]):
            session.minimum(level)
    assert asked == [False, False, False, True]


def test_precision_is_put_back() -> None:
    before = ctx.prec
    with precision(before + 7):
        assert ctx.prec == before + 7
    assert ctx.prec == before
    assert decide(HOLDING).answer == "TRUE"
    assert ctx.prec == before


def test_budgets_of_cells_reach_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bisection, "CELLS", 10)
    row = decide(Inequality(lambda _: arb(0, 1), ">", number(0)), range=UNIT)
    assert (row.answer, row.reason, row.evaluations) == ("UNKNOWN", "budget: 10 cells", 11)

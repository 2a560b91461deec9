"""How findings are kept, compared and merged."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from flint import arb

from dsmverify.claims import Relation
from dsmverify.findings import Finding, merged, slack_ratio, slack_text
from dsmverify.truth import Truth

HERE, THERE = {"i": "1"}, {"i": "2"}


def found(truth: Truth = Truth.TRUE, slack: str | None = None, **more: Any) -> Finding:
    more.setdefault("left", arb(1))
    return Finding(truth, slack=None if slack is None else arb(slack), **more)


def test_nothing_found_yet_is_true_trivial_and_free() -> None:
    assert Finding() == Finding(Truth.TRUE, None, None, {}, True, None, 0, None, None)


def test_a_failure_keeps_what_was_spent_and_forgets_the_rest() -> None:
    before = Finding(evaluations=7, reason="budget", slack=arb(3))
    after = before.failed(arb(1), arb(2), HERE, arb("0.5"))
    assert (after.truth, after.trivial, after.reason) == (Truth.FALSE, False, None)
    assert (after.left, after.right, after.where, after.slack) == (arb(1), arb(2), HERE, arb("0.5"))
    assert after.evaluations == 7
    assert before.failed(arb(1), arb(2), HERE).slack is None


def test_what_is_undecided_says_why() -> None:
    after = Finding(evaluations=7).undecided("equality", arb(1), None, HERE)
    assert (after.truth, after.trivial, after.reason) == (Truth.UNKNOWN, False, "equality")
    assert (after.left, after.right, after.where, after.evaluations) == (arb(1), None, HERE, 7)


def test_the_tightest_place_is_kept() -> None:
    first = Finding(trivial=False).tightest(">=", arb(6), arb(2), HERE)
    assert (first.left, first.right, first.where, first.slack) == (arb(6), arb(2), HERE, arb(3))
    tighter = first.tightest(">=", arb(4), arb(2), THERE)
    assert (tighter.left, tighter.where, tighter.slack) == (arb(4), THERE, arb(2))
    assert tighter.tightest(">=", arb(5), arb(2), HERE) == tighter
    assert tighter.tightest(">=", arb(4), arb(2), HERE) == tighter  # no tighter: the first stays
    assert tighter.tightest(">=", arb("4.1", 1), arb(2), HERE) == tighter  # nor certainly so
    assert tighter.tightest("<=", arb(2), arb(3), HERE).slack is not None
    assert tighter.tightest("<=", arb(2), arb(3), HERE).where == HERE


def test_a_place_without_a_slack_is_kept_until_one_has_it() -> None:
    unknown = Finding().tightest(">=", arb(1), arb(-1), HERE)
    assert (unknown.left, unknown.right, unknown.where, unknown.slack) == (
        arb(1), arb(-1), HERE, None,
    )  # fmt: skip
    assert unknown.tightest(">=", arb(2), arb(-2), THERE) == unknown
    known = unknown.tightest(">=", arb(4), arb(2), THERE)
    assert (known.left, known.where, known.slack) == (arb(4), THERE, arb(2))
    assert known.tightest(">=", arb(1), arb(0), HERE) == known


def test_merging_nothing_finds_nothing() -> None:
    assert merged([]) == Finding()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_false_wins_over_unknown_and_unknown_over_true(place: int) -> None:
    true = [found(Truth.TRUE, "2", evaluations=1), found(Truth.TRUE, "3", evaluations=10)]
    for truth in (Truth.FALSE, Truth.UNKNOWN):
        odd = found(truth, evaluations=100, where=THERE, reason="why", trivial=True)
        parts = [*true[:place], odd, *true[place:]]
        result = merged(parts)
        assert (result.truth, result.where, result.reason) == (truth, THERE, "why")
        assert (result.evaluations, result.trivial) == (111, False)
    both = [found(Truth.UNKNOWN), *true, found(Truth.FALSE, where=THERE)]
    assert merged(both).truth is Truth.FALSE
    assert merged(both).where == THERE
    assert merged(both[:3]).truth is Truth.UNKNOWN


def test_the_tightest_of_true_findings_is_shown() -> None:
    wide, tight = found(slack="5", where=HERE), found(slack="2", where=THERE)
    for parts in ([wide, tight], [tight, wide], [wide, wide, tight], [tight, wide, wide]):
        assert merged(parts).where == THERE
        assert merged(parts).slack == arb(2)
    none = found(where={"i": "3"})
    assert merged([none, tight]).where == THERE
    assert merged([tight, none]).where == THERE
    assert merged([none, none]).where == {"i": "3"}
    assert merged([none, found(where=HERE)]).where == {"i": "3"}
    equal = found(slack="2", where=HERE)
    assert merged([tight, equal]).where == THERE
    nowhere = Finding(trivial=True)
    assert merged([nowhere, none]).where == {"i": "3"}
    assert merged([nowhere, tight]).where == THERE
    assert merged([tight, nowhere]).where == THERE


def test_findings_are_trivial_together_only() -> None:
    trivial, telling = found(trivial=True), found(trivial=False)
    assert merged([trivial, trivial]).trivial
    assert not merged([trivial, telling]).trivial
    assert not merged([telling, trivial]).trivial


@pytest.mark.parametrize("relation", get_args(Relation))
def test_a_slack_is_larger_over_smaller(relation: Relation) -> None:
    larger, smaller = arb(6), arb(2)
    sides = (larger, smaller) if relation in {">=", ">"} else (smaller, larger)
    assert slack_ratio(relation, *sides) == arb(3)
    third = slack_ratio(relation, *reversed(sides))
    assert third is not None
    assert third.overlaps(arb(1) / 3)
    for odd in (arb(0), arb(-1), arb(0, 1), arb("nan"), arb("inf"), arb("0.5", 1)):
        assert slack_ratio(relation, odd, smaller) is None
        assert slack_ratio(relation, smaller, odd) is None
    half = arb("0.5")
    assert slack_ratio(relation, half, half) == arb(1)
    tiny = arb(2) ** -80
    assert slack_ratio(relation, tiny, tiny) == arb(1)


@pytest.mark.parametrize(
    ("truth", "slack", "text"),
    [
        (Truth.TRUE, arb("1.5"), "1.5"),
        (Truth.TRUE, arb(1), "1"),
        (Truth.TRUE, arb(1, "1e-9"), "1"),
        (Truth.TRUE, arb("0.9999"), "1"),
        (Truth.TRUE, arb("1.0005", "1e-9"), "1.0005"),
        (Truth.FALSE, arb("0.5"), "0.5"),
        (Truth.FALSE, arb("0.9999", "1e-9"), "0.9999"),
        (Truth.UNKNOWN, arb(1, "1e-3"), "0.999"),
        (Truth.UNKNOWN, arb(2), "2"),
    ],
)
def test_a_certified_slack_is_at_least_one(truth: Truth, slack: arb, text: str) -> None:
    shown = slack_text(Finding(truth, slack=slack))
    assert shown is not None
    assert float(text) - 0.001 <= float(shown) <= float(text)
    assert truth is not Truth.TRUE or float(shown) >= 1


def test_no_slack_has_no_text() -> None:
    assert slack_text(Finding()) is None

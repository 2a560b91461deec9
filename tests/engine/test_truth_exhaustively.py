"""Comparisons of balls against the definition, on every pair of small intervals."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import get_args

import pytest
from flint import arb

from dsmverify.certify import precision
from dsmverify.claims import Relation
from dsmverify.truth import (
    Truth,
    agreeing_digits,
    certainly_below,
    compare,
    differ,
    every,
    is_nonnegative,
    is_number,
    is_positive,
    sign,
)

RELATIONS: tuple[Relation, ...] = get_args(Relation)
HOLDS = {
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
}


def exact(point: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in point.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def ends(ball: arb) -> tuple[Fraction, Fraction]:
    """The exact ends of a ball."""
    middle, radius = exact(ball.mid()), exact(arb(ball.rad()))
    return middle - radius, middle + radius


def point(value: Fraction) -> arb:
    """A dyadic number as a ball of radius 0."""
    return arb(value.numerator) / value.denominator


WIDE = [arb(middle, radius) for middle in (-1, 0, 1) for radius in (0, 1, 2)]
BALLS = [*WIDE, *(point(end) for ball in WIDE for end in ends(ball))]
"""Balls, and points at their ends: touching ones among them."""
ZERO = (Fraction(0), Fraction(0))

Ends = tuple[Fraction, Fraction]


def expected(left: Ends, relation: Relation, right: Ends) -> Truth:
    """What holds at every pair of ends holds on the intervals: all relations are monotone."""
    answers = {HOLDS[relation](a, b) for a in left for b in right}
    if len(answers) > 1:
        return Truth.UNKNOWN
    return Truth.TRUE if answers.pop() else Truth.FALSE


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_comparison_is_decided_exactly_where_it_can_be(relation: Relation) -> None:
    for left, right in itertools.product(BALLS, BALLS):
        truth = compare(left, relation, right)
        assert truth is expected(ends(left), relation, ends(right)), (left, relation, right)


def test_signs_and_disjointness_are_decided_exactly_where_they_can_be() -> None:
    for left, right in itertools.product(BALLS, BALLS):
        (low, high), (first, last) = ends(left), ends(right)
        apart = high < first or last < low
        assert differ(left, right) is (Truth.TRUE if apart else Truth.UNKNOWN)
        assert certainly_below(left, right) is (high < first)
        assert is_positive(left) is expected((low, high), ">", ZERO)
        assert is_nonnegative(left) is expected((low, high), ">=", ZERO)
        assert sign(left) == (1 if low > 0 else -1 if high < 0 else 0)


@pytest.mark.parametrize("tiny", [arb(2) ** -900, arb(1) / 3 - arb(1) / 3 + arb(2) ** -20])
def test_signs_of_tiny_numbers(tiny: arb) -> None:
    assert is_positive(tiny) is is_nonnegative(tiny) is Truth.TRUE
    assert is_positive(-tiny) is is_nonnegative(-tiny) is Truth.FALSE
    assert (sign(tiny), sign(-tiny)) == (1, -1)


def test_every_is_the_weakest() -> None:
    order = [Truth.FALSE, Truth.UNKNOWN, Truth.TRUE]
    for count in range(4):
        for truths in itertools.product(order, repeat=count):
            weakest = min(truths, key=order.index, default=Truth.TRUE)
            assert every(truths) is weakest
            assert every(iter(truths)) is weakest


@pytest.mark.parametrize(
    ("left", "right", "digits"),
    [
        ("1", "1", 999),
        ("-7", "-7", 999),
        ("0", "0", 0),
        ("1", "2", 0),
        ("1", "-1", 0),
        ("1000", "1001", 3),
        ("1001", "1000", 3),
        ("-1000", "-1001", 3),
        ("1", "1.0001", 4),
        ("1e-30", "1.0001e-30", 4),
        ("1e40", "1.0001e40", 4),
        ("nan", "1", 0),
        ("1", "nan", 0),
        ("inf", "1", 0),
        ("1", "-inf", 0),
        ("inf", "inf", 0),
        ("0", "1", 0),
    ],
)
def test_agreeing_digits(left: str, right: str, digits: int) -> None:
    assert agreeing_digits(arb(left), arb(right)) == digits


def test_agreeing_digits_of_wide_balls_are_what_all_their_numbers_share() -> None:
    assert agreeing_digits(arb(1, "1e-5"), arb(1, "1e-5")) == 4
    assert agreeing_digits(arb(1, 1), arb(1, 1)) == 0
    assert agreeing_digits(arb(0, "inf"), arb(1)) == 0


@pytest.mark.parametrize("digits", [20, 50, 200])
def test_many_digits_agree(digits: int) -> None:
    with precision(800):
        assert agreeing_digits(arb(1), 1 + arb(10) ** -digits) in {digits, digits - 1}
        assert agreeing_digits(arb(3), 3 + arb(10) ** -digits) == digits


def test_numbers_are_finite() -> None:
    assert is_number(arb(3)) and is_number(arb(0, 5))
    for odd in (arb("nan"), arb("inf"), arb("-inf"), arb(0, "inf")):
        assert not is_number(odd)


@pytest.mark.parametrize("truth", Truth)
def test_a_truth_is_no_boolean(truth: Truth) -> None:
    with pytest.raises(TypeError, match=truth.value):
        bool(truth)

"""Three-valued comparison of balls."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from dsmverify.claims import Relation
from dsmverify.systems.balls import ball
from dsmverify.truth import (
    Truth,
    agreeing_digits,
    certainly_below,
    compare,
    differ,
    every,
    is_nonnegative,
    is_positive,
    sign,
)

NAN = arb("nan")
RELATIONS: tuple[Relation, ...] = get_args(Relation)
UNDECIDED = [NAN, arb.pos_inf(), arb.neg_inf(), arb(0, "inf"), arb(1, 2)]


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("odd", UNDECIDED, ids=str)
def test_nan_infinity_and_overlap_decide_nothing(odd: arb, relation: Relation) -> None:
    assert compare(odd, relation, arb(1)) is Truth.UNKNOWN
    assert compare(arb(1), relation, odd) is Truth.UNKNOWN
    assert compare(odd, relation, odd) is Truth.UNKNOWN
    assert differ(odd, arb(1)) is Truth.UNKNOWN


def test_equal_points() -> None:
    expected = {"<=": Truth.TRUE, ">=": Truth.TRUE, "<": Truth.FALSE, ">": Truth.FALSE}
    assert {r: compare(arb(2), r, arb(2)) for r in RELATIONS} == expected


def test_touching_balls() -> None:
    left, right = arb(1).union(arb(2)), arb(3).union(arb(4))
    assert compare(left, "<", right) is Truth.TRUE
    assert compare(left, ">=", right) is Truth.FALSE
    assert differ(left, right) is Truth.TRUE
    assert compare(left, "<", arb(2)) is Truth.UNKNOWN


ENDS = st.tuples(st.fractions(-5, 5, max_denominator=8), st.fractions(0, 3, max_denominator=8))


@given(left=ENDS, right=ENDS, relation=st.sampled_from(RELATIONS))
def test_an_answer_holds_at_every_end(
    left: tuple[Fraction, Fraction], right: tuple[Fraction, Fraction], relation: Relation
) -> None:
    """Eighths are exact in binary, radii too: only a ball of 30-bit radius may be wider."""
    balls = [ball(Fraction(int(8 * low), 8)).union(ball(Fraction(int(8 * (low + width)), 8)))
             for low, width in (left, right)]  # fmt: skip
    corners = [
        [Fraction(int(8 * low), 8), Fraction(int(8 * (low + w)), 8)] for low, w in (left, right)
    ]
    holds = {
        {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[relation]
        for a in corners[0]
        for b in corners[1]
    }
    answer = compare(balls[0], relation, balls[1])
    if answer is not Truth.UNKNOWN:
        assert holds == {answer is Truth.TRUE}


def test_truth_is_no_bool() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(Truth.TRUE)
    with pytest.raises(TypeError):
        assert not Truth.UNKNOWN


def test_conjunction() -> None:
    t, f, u = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
    assert every([]) is t
    assert every([t, t]) is t
    assert every([t, u]) is u
    assert every([u, f]) is f


def test_signs() -> None:
    assert [sign(x) for x in (arb(2), arb(-2), arb(0), arb(0, 1), NAN)] == [1, -1, 0, 0, 0]
    assert is_positive(arb(0)) is Truth.FALSE
    assert is_nonnegative(arb(0)) is Truth.TRUE
    assert is_positive(arb(0, 1)) is Truth.UNKNOWN
    assert not certainly_below(arb(0), arb(0, 1))


@pytest.mark.parametrize(
    ("left", "right", "digits"),
    [
        (arb(1), arb(1), 999),
        (arb(1), arb(2), 0),
        (arb(10**6), arb(10**6 + 1), 6),
        (arb(0), arb(0), 0),
        (NAN, arb(1), 0),
        (arb(1, "1e-5"), arb(1), 4),
    ],
    ids=str,
)
def test_agreeing_digits(left: arb, right: arb, digits: int) -> None:
    assert agreeing_digits(left, right) in {digits, digits + (digits == 4)}

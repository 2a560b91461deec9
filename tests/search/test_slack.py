"""The slack that guides the search: signs, order, hypotheses as penalties."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmverify import catalogue
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.search.slack import INFEASIBLE, LARGEST, Slack, room_between

POSITIVE = st.floats(1e-300, 1e300)


def instance(*points: str, mu: str = "1/2", sigma: str = "1/5") -> Instance:
    noise = NoiseLevel(mu=Fraction(mu), sigma=Fraction(sigma))
    return Instance("tried", tuple(Fraction(point) for point in points), noise)


@given(POSITIVE, POSITIVE)
def test_room_is_negative_exactly_where_the_large_side_is_smaller(a: float, b: float) -> None:
    assert (room_between(a, b) < 0) == (a < b)
    assert abs(room_between(a, b)) <= LARGEST


@pytest.mark.parametrize(
    ("large", "small", "sign"),
    [(1.0, 0.0, 1), (0.0, 1.0, -1), (1.0, -1.0, 1), (-1.0, 1.0, -1), (-1.0, -2.0, 1),
     (-2.0, -1.0, -1), (0.0, 0.0, 0), (0.0, -1.0, 1), (-1.0, 0.0, -1)],
)  # fmt: skip
def test_room_of_other_signs(large: float, small: float, sign: int) -> None:
    room = room_between(large, small)
    assert (room > 0) - (room < 0) == sign


def test_printed_failure_has_negative_slack() -> None:
    (claim,) = catalogue.select(["cor03a"])
    assert Slack(claim)(instance("1", "3")).looks_false  # x_1 is the midpoint


def test_failed_hypothesis_is_a_penalty_that_grows() -> None:
    (claim,) = catalogue.select(["prop02b"])
    slack = Slack(claim)
    near, far = slack(instance("0", "0.7")), slack(instance("0", "0.001"))
    assert INFEASIBLE < near.value < far.value
    assert slack(instance("0", "10")).value < INFEASIBLE
    assert slack.evaluations == 3


def test_slack_is_the_logarithm_of_the_ratio() -> None:
    (claim,) = catalogue.select(["prop02a"])
    # V[W(m_1)] = 1/4 of the squared gap at n = 2, where the claim touches equality.
    assert Slack(claim)(instance("0", "1")).value == pytest.approx(0.0, abs=1e-9)
    assert math.isfinite(Slack(claim)(instance("0", "1", "3")).value)

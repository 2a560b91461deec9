"""Ball functions: they contain what they enclose, on balls of any width."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpz
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.systems.balls import SYSTEM, ball, ball_exp

MAGNITUDES = st.integers(-80, 45).map(lambda power: Fraction(2) ** power)


@given(
    middle=st.tuples(st.integers(-1000, 1000), MAGNITUDES),
    radius=st.tuples(st.integers(0, 1000), MAGNITUDES),
    inside=st.fractions(-1, 1, max_denominator=64),
)
@example(middle=(-1, Fraction(10) ** 12), radius=(1, Fraction(10) ** 11), inside=Fraction(1))
@example(middle=(0, Fraction(1)), radius=(0, Fraction(1)), inside=Fraction(0))
def test_ball_exp_contains_exp(
    middle: tuple[int, Fraction], radius: tuple[int, Fraction], inside: Fraction
) -> None:
    centre, width = middle[0] * middle[1], radius[0] * radius[1]
    point = centre + inside * width
    with precision(64):
        x = (ball(centre - width)).union(ball(centre + width))
        image = ball_exp(x)
    with mp.workdps(60):
        value = mp.exp(mp.mpf(point.numerator) / point.denominator)
        sign, mantissa, exponent, _ = value._mpf_
    with precision(300):
        dyadic = (-1) ** sign * arb(fmpz(int(mantissa))) * arb(2) ** fmpz(int(exponent))
        # mpmath's value is right to 60 digits: pad it by its own rounding.
        padded = dyadic * (1 + arb(0, "1e-55"))
    assert image.overlaps(padded)
    if image.is_finite() and width > 0 and abs(inside) < 1:
        assert image.contains(padded)


def test_ball_exp_is_tight_far_from_0() -> None:
    with precision(128):
        x = arb(-(10**12)).union(arb(-(10**12) + 1))
        ratio = (ball_exp(x).upper().log() + 10**12 - 1).abs_upper()
    assert ratio < 1e-8  # a radius has 30 bits


def test_maximum_encloses_both_choices() -> None:
    left, right = arb(0, 1), arb("0.5", "0.1")
    largest = SYSTEM.maximum(left, right)
    assert largest.contains(arb(1))
    assert largest.contains(arb("0.45"))


def test_constants_enter_exactly() -> None:
    with precision(64):
        assert (ball(Fraction(1, 3)) * 3).contains(1)
        assert ball(Fraction(3, 8)).rad() == 0
        assert ball(Fraction(1, 10)).rad() > 0

"""Exact reading and spelling, and outward rounding of decimals."""

from __future__ import annotations

import decimal
import time
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsmverify.errors import InputError
from dsmverify.exact import (
    lower_decimal,
    nearest_decimal,
    parse_exact,
    spell,
    upper_decimal,
)


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1/3", Fraction(1, 3)),
        (" -1 / 3 ", Fraction(-1, 3)),
        ("1e-3", Fraction(1, 1000)),
        ("-.5", Fraction(-1, 2)),
        ("+5.", Fraction(5)),
        ("1.5E+2", Fraction(150)),
        ("-0", Fraction(0)),
        ("1e-0005000", Fraction(1, 10**5000)),
        ("0" * 4000, Fraction(0)),
        (0.1, Fraction(3602879701896397, 2**55)),
        (7, Fraction(7)),
        (decimal.Decimal("0.1"), Fraction(1, 10)),
        (np.float32(0.1), Fraction(13421773, 2**27)),
        (np.int8(-3), Fraction(-3)),
        (Fraction(2, 7), Fraction(2, 7)),
    ],
)
def test_parse(given_value: object, value: Fraction) -> None:
    assert parse_exact(given_value, field="x") == value


@pytest.mark.parametrize(
    "bad",
    ["1e" + "9" * 10**6, "9" * 10**6, "1/" + "9" * 10**6, 10**5000, None, True, b"1", 1j],
    ids=range(8),
)
def test_refused_at_once(bad: object) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match="x: "):
        parse_exact(bad, field="x")
    # Building 10^(10^6) alone takes longer than a second.
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 10), "0.1"),
        (Fraction(-1, 3), "-1/3"),
        (Fraction(1000), "1000"),
        (Fraction(10) ** 30, "1e30"),
        (Fraction(3, 2 * 10**40), "1.5e-40"),
        (Fraction(0), "0"),
        (Fraction(0.1), "3602879701896397/36028797018963968"),
        (Fraction(1, 8), "0.125"),
    ],
)
def test_spell(value: Fraction, text: str) -> None:
    assert spell(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "1e-5000",
        "0.001e-5000",
        "1000e5000",
        "9" * 4000 + "e5000",
        "." + "0" * 3999 + "1e-5000",
        "0." + "3" * 3999 + "e-5000",
        "1" * 4000 + "/" + "3" * 3999 + "1",
    ],
)
def test_extreme_texts_round_trip(text: str) -> None:
    value = parse_exact(text, field="x")
    assert parse_exact(spell(value), field="x") == value


@given(
    st.fractions()
    | st.floats(allow_nan=False, allow_infinity=False).map(Fraction)
    | st.decimals(allow_nan=False, allow_infinity=False).map(Fraction)
)
@example(Fraction(5e-324))
def test_spelling_round_trips(value: Fraction) -> None:
    assert parse_exact(spell(value), field="x") == value


@given(st.fractions(), st.integers(1, 40))
@example(Fraction(99999, 100000), 3)
@example(Fraction(-2, 3), 1)
@example(Fraction(1, 10**6), 1)
def test_outward_and_tight(value: Fraction, digits: int) -> None:
    lower = Fraction(lower_decimal(value, digits))
    upper = Fraction(upper_decimal(value, digits))
    nearest = Fraction(nearest_decimal(value, digits))
    assert lower <= value <= upper
    assert lower <= nearest <= upper
    assert nearest in {lower, upper}
    assert 2 * abs(nearest - value) <= upper - lower
    # One unit in the last digit of a decimal of this length, at most.
    assert upper - lower <= abs(value) / Fraction(10) ** (digits - 1)
    assert (lower == upper) == (value in {lower, upper})


def test_fails_if_rounded_to_nearest() -> None:
    two_thirds, third = Fraction(2, 3), Fraction(1, 3)
    assert lower_decimal(two_thirds, 4) == "0.6666"
    assert upper_decimal(third, 4) == "0.3334"
    assert lower_decimal(-third, 4) == "-0.3334"
    assert upper_decimal(-two_thirds, 4) == "-0.6666"
    assert (nearest_decimal(two_thirds, 4), nearest_decimal(third, 4)) == ("0.6667", "0.3333")
    assert upper_decimal(Fraction(9991, 10), 3) == "1000"
    assert upper_decimal(Fraction(1) + Fraction(1, 10**30), 3) == "1.01"


@given(
    st.integers(-(2**80), 2**80),
    st.integers(-40_000, 40_000),
    st.integers(0, 2**25),
    st.integers(-400, 10),
    st.integers(1, 30),
)
def test_balls(mantissa: int, exponent: int, radius: int, offset: int, digits: int) -> None:
    middle = flint.arb((mantissa, exponent))
    ball = flint.arb(middle, flint.arb((radius, exponent + offset)))
    m, e = (int(part) for part in ball.mid().man_exp())
    r, f = (int(part) for part in ball.rad().man_exp())
    centre, half = m * Fraction(2) ** e, r * Fraction(2) ** f
    assert lower_decimal(ball, digits) == lower_decimal(centre - half, digits)
    assert upper_decimal(ball, digits) == upper_decimal(centre + half, digits)


def test_far_scales_are_outward() -> None:
    tiny = flint.arb((1, -(10**8)))
    one = flint.arb(flint.arb(1), tiny)
    assert (lower_decimal(one, 5), upper_decimal(one, 5)) == ("0.99999", "1.0001")
    wide = flint.arb(tiny, flint.arb(1))
    # Arb rounds a radius up, to 1 + 2^-29 here.
    assert lower_decimal(wide, 5) == "-1.0001"
    assert upper_decimal(wide, 5) == "1.0001"


@pytest.mark.parametrize("exponent", [-(10**7), 10**8, -(10**18)])
def test_large_exponents(exponent: int) -> None:
    ball = flint.arb((3, exponent))
    start = time.perf_counter()
    lower, upper = lower_decimal(ball, 20), upper_decimal(ball, 20)
    assert time.perf_counter() - start < 1
    # Oracle: correctly rounded logarithms of the decimal module.
    with decimal.localcontext() as context:
        context.prec = 60
        log = decimal.Decimal(3).log10() + exponent * decimal.Decimal(2).log10()
        ends = []
        for text in (lower, upper):
            digits, _, power = text.partition("e")
            ends.append(decimal.Decimal(digits).log10() + int(power))
        assert ends[0] < log < ends[1]
        assert ends[1] - ends[0] < decimal.Decimal("1e-19")


def test_not_finite() -> None:
    for text in ("nan", "0 +/- inf"):
        ball = flint.arb(text)
        assert (lower_decimal(ball, 5), upper_decimal(ball, 5)) == ("-inf", "inf")
    infinite = flint.arb("inf")
    assert (lower_decimal(infinite, 5), upper_decimal(-infinite, 5)) == ("inf", "-inf")
    assert [nearest_decimal(v, 5) for v in (float("nan"), -float("inf"))] == ["nan", "-inf"]
    assert nearest_decimal(mpmath.mpf("-inf"), 5) == "-inf"
    assert nearest_decimal(mpmath.nan, 5) == "nan"


def test_nearest_is_to_even() -> None:
    assert nearest_decimal(Fraction(5, 2), 1) == "2"
    assert nearest_decimal(Fraction(7, 2), 1) == "4"
    assert nearest_decimal(mpmath.mpf(-0.1), 20) == "-0.10000000000000000555"
    assert nearest_decimal(mpmath.mpf(0), 3) == "0"


def test_digits_must_be_positive() -> None:
    with pytest.raises(InputError, match="digits: 0, but"):
        lower_decimal(Fraction(1), 0)

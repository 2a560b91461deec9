"""Short rationals near floats."""

from __future__ import annotations

import math
from fractions import Fraction

from dsmverify.exact import spell


def rounded(value: float | Fraction, digits: int, scale: float | None = None) -> Fraction:
    """A decimal of so many significant digits, relative to a scale or to the number itself.

    Args:
        value: finite.
        digits: at least 1.
        scale: positive; the last digit kept is that of `scale` to `digits` digits.
    """
    size = abs(_exact(value if scale is None else scale))
    if not size:
        return Fraction(0)
    exponent = exponent_of(size)
    unit = Fraction(10) ** (exponent + 1 - digits)
    return round(_exact(value) / unit) * unit


def _exact(value: float | Fraction) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(value)


def exponent_of(value: Fraction) -> int:
    """Decimal exponent of a positive number: 0 for `1 <= value < 10`."""
    bits = value.numerator.bit_length() - value.denominator.bit_length()
    guess = math.floor(bits * math.log10(2)) - 1
    while Fraction(10) ** (guess + 1) <= value:
        guess += 1
    return guess


def rounded_inside(value: float, digits: int) -> Fraction:
    """A decimal strictly between 0 and 1 near a number, with more digits next to 1."""
    if value < 0.5:
        return max(rounded(max(value, 1e-300), digits), Fraction(1, 10**300))
    rest = rounded(max(1 - value, 1e-15), digits)
    return min(1 - rest, Fraction(10**15 - 1, 10**15))


def length(value: Fraction) -> int:
    """Characters that a number is spelled with."""
    return len(spell(value))

"""Decimals for print: few digits, rounded to the safe side.

Everything here is decimal arithmetic with directed rounding; no float decides a digit.
"""

from __future__ import annotations

from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
)

from dsmverify.verdicts import decimal_value

MOST_DIGITS = 6
"""Digits of an enclosure, at most."""

_ENDS = 2
_WIDE = 60


def enclosure(lower: str, upper: str, most: int = MOST_DIGITS) -> tuple[str, str] | None:
    """An enclosure with as many digits as are certain; None if an end is no finite decimal.

    Both ends are rounded outward at one place: the last one, of at most `most` digits, at which
    they are then no more than two units apart. Where they never are, each end has two digits of
    its own.

    Example:
        >>> enclosure("31.4056180049", "31.4056180050"), enclosure("0.119991", "0.120013")
        (('31.4056', '31.4057'), ('0.1199', '0.1201'))
        >>> enclosure("0.31", "40.01")
        ('0.31', '41')
    """
    low, high = decimal_value(lower), decimal_value(upper)
    if low is None or high is None:
        return None
    largest = max(abs(low), abs(high))
    if not largest:
        return "0", "0"
    for digits in range(most, 0, -1):
        place = Decimal((0, (1,), largest.adjusted() - digits + 1))
        down, up = _at(low, place, ROUND_FLOOR), _at(high, place, ROUND_CEILING)
        if up - down <= 2 * place:
            return _spell(down), _spell(up)
    return _spell(_plus(low, _ENDS, ROUND_FLOOR)), _spell(_plus(high, _ENDS, ROUND_CEILING))


def down(text: str | None, digits: int) -> str | None:
    """A decimal with so many digits, not above the given one; infinities stay as they are.

    Example:
        >>> down("0.99999", 3), down("-0.99999", 3), down("inf", 3), down("?", 3)
        ('0.999', '-1.00', 'inf', None)
    """
    return _rounded(text, digits, ROUND_FLOOR)


def up(text: str | None, digits: int) -> str | None:
    """A decimal with so many digits, not below the given one; infinities stay as they are."""
    return _rounded(text, digits, ROUND_CEILING)


def nearest(text: str | None, digits: int) -> str | None:
    """The nearest decimal with so many digits, for what is measured and not certified."""
    return _rounded(text, digits, ROUND_HALF_EVEN)


def magnitude(text: str | None) -> str | None:
    """Decimal logarithm of a positive decimal, with two places, not above the true one.

    Example:
        >>> magnitude("1000"), magnitude("999.9"), magnitude("0.8969"), magnitude("0")
        ('3.00', '2.99', '-0.05', None)
    """
    value = decimal_value(text)
    if value is None or value <= 0:
        return None
    context = _context(_WIDE, ROUND_FLOOR)
    logarithm = context.log10(value)  # rounded to nearest, whatever the context says
    if context.scaleb(Decimal(1), logarithm.to_integral_value()) != value:
        logarithm = context.next_minus(logarithm)
    return _spell(_at(logarithm, Decimal("0.01"), ROUND_FLOOR))


def _rounded(text: str | None, digits: int, rounding: str) -> str | None:
    if text in {"inf", "-inf"}:
        return text
    value = decimal_value(text)
    return None if value is None else _spell(_plus(value, digits, rounding))


def _plus(value: Decimal, digits: int, rounding: str) -> Decimal:
    return _context(digits, rounding).plus(value)


def _at(value: Decimal, place: Decimal, rounding: str) -> Decimal:
    return value.quantize(place, context=_context(_WIDE, rounding))


def _context(digits: int, rounding: str) -> Context:
    return Context(prec=digits, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN)


def _spell(value: Decimal) -> str:
    return str(value).replace("E", "e")

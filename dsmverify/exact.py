"""Exact numbers: how they are read, how they are spelled, and outward decimal rounding.

Everything here is integer arithmetic. No floating-point operation decides a digit, and the
process-wide precision of Arb is neither read nor set.
"""

from __future__ import annotations

import math
import numbers
import re
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from dsmverify.errors import InputError, show

if TYPE_CHECKING:
    from flint import arb
    from mpmath import mpf

MAX_EXPONENT: Final = 5000
"""Largest decimal exponent, in absolute value, that may be written after the letter `e`."""

MAX_DIGITS: Final = 4000
"""Largest number of digits of a decimal's mantissa, a numerator or a denominator."""

ExactInput = str | int | float | Fraction
"""What may be given for a number: text is exact, a float is the double it denotes."""

_DECIMAL = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]*))?|\.(?P<only>[0-9]+))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+))?"
)
_RATIO = re.compile(r"(?P<numerator>[+-]?[0-9]+) */ *(?P<denominator>[0-9]+)")
_COMMA = re.compile(r"[+-]?[0-9]*(?:[. ][0-9]{3})*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|1\.#(?:inf|ind|qnan))", re.IGNORECASE)

_LONGEST_PLAIN: Final = 17
"""Longest spelling without the letter `e` that is kept though another one is shorter."""

_FAR: Final = 4096
_NEAR: Final = 128
_LARGE_POWER: Final = 20_000

_WAYS = "write a finite decimal (0.25, 1e-3) or a fraction (1/3)"


class WrittenFloat(float):
    """A double that remembers how it was written (a JSON number)."""

    written: str

    def __new__(cls, written: str) -> WrittenFloat:
        """Nearest double of a decimal text."""
        self = super().__new__(cls, written)
        self.written = written
        return self

    def __reduce__(self) -> tuple[type[WrittenFloat], tuple[str]]:
        """Copied and pickled by its text."""
        return WrittenFloat, (self.written,)


def looks_numeric(text: str) -> bool:
    """Whether a field was meant as a number: also NaN, infinities and decimal commas."""
    text = text.strip()
    return any(p.fullmatch(text) for p in (_DECIMAL, _RATIO, _COMMA, _NOT_FINITE))


def has_decimal_comma(text: str) -> bool:
    """Whether a field is a number written with a decimal comma."""
    return _COMMA.fullmatch(text.strip()) is not None


def parse_exact(value: object, *, field: str) -> Fraction:
    """Exact value of a number that was given as text or as a Python number.

    Text is exact: `"0.1"` is 1/10, and so are `"1/3"`, `"1e-3"` and `"-.5"`. A float is the double
    that it denotes. Limits are checked before any large integer is built.

    Args:
        value: text, an integer, a float, a `Fraction`, a `Decimal` or a NumPy number.
        field: name of the argument, used in messages.

    Returns:
        The number, exact.

    Raises:
        InputError: not a number, not finite, or beyond `MAX_EXPONENT` or `MAX_DIGITS`.

    Example:
        >>> parse_exact("0.1", field="sigma"), parse_exact(0.5, field="sigma")
        (Fraction(1, 10), Fraction(1, 2))
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool | np.bool_):
        raise InputError(field, show(value), "it must be a number", _WAYS)
    if isinstance(value, str):
        return _parse_text(value, field)
    if isinstance(value, Decimal):
        return _parse_text(str(value), field)
    if isinstance(value, numbers.Integral):
        integer = int(value)
        # 10^4000 has 13288 bits.
        if integer.bit_length() > 13288:
            raise InputError(
                field, show(integer), f"at most {MAX_DIGITS} digits are read", "round the number"
            )
        return Fraction(integer)
    if isinstance(value, WrittenFloat):
        _parse_text(value.written, field)
        if not math.isfinite(value):
            raise InputError(
                field,
                value.written,
                "a JSON number is the double it denotes, and this one overflows",
                f'write it as a string, which is exact: "{value.written}"',
            )
        return Fraction(float(value))
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise InputError(
                field, str(value), "it must be finite", "remove the entry or replace it by a number"
            )
        return Fraction(*value.as_integer_ratio())
    raise InputError(field, show(value), "it must be a number", _WAYS)


def _parse_text(text: str, field: str) -> Fraction:
    stripped = text.strip()
    if match := _DECIMAL.fullmatch(stripped):
        whole = match["whole"] or ""
        part = match["part"] or match["only"] or ""
        digits, written = whole + part, match["exponent"] or "0"
        if len(digits) > MAX_DIGITS:
            raise _too_many_digits(field, text, len(digits))
        size = written.lstrip("+-").lstrip("0") or "0"
        if len(size) > 4 or int(size) > MAX_EXPONENT:
            raise InputError(
                field,
                show(text),
                f"a decimal exponent must lie between -{MAX_EXPONENT} and {MAX_EXPONENT}",
                "rescale the data or round the number to 0",
            )
        mantissa = _integer(digits)
        if match["sign"] == "-":
            mantissa = -mantissa
        shift = (-int(size) if written.startswith("-") else int(size)) - len(part)
        if shift >= 0:
            return Fraction(mantissa * 10**shift)
        return Fraction(mantissa, 10**-shift)
    if match := _RATIO.fullmatch(stripped):
        numerator, denominator = match["numerator"], match["denominator"]
        longest = max(len(numerator.lstrip("+-")), len(denominator))
        if longest > MAX_DIGITS:
            raise _too_many_digits(field, text, longest)
        if not denominator.strip("0"):
            raise InputError(field, show(text), "a denominator must not be 0", _WAYS)
        sign = -1 if numerator.startswith("-") else 1
        return Fraction(sign * _integer(numerator.lstrip("+-")), _integer(denominator))
    if not stripped:
        raise InputError(
            field, show(text), "it must not be empty", "remove the entry or fill in a number"
        )
    if _NOT_FINITE.fullmatch(stripped):
        raise InputError(
            field, show(text), "it must be finite", "remove the entry or replace it by a number"
        )
    if _COMMA.fullmatch(stripped):
        raise InputError(
            field,
            show(text),
            "a decimal comma is not read",
            "write decimal points, and no thousands separators: 0.5, not 0,5",
        )
    raise InputError(field, show(text), "it must be a number", _WAYS)


def _too_many_digits(field: str, text: str, count: int) -> InputError:
    rule = f"at most {MAX_DIGITS} digits are read, and it has {count}"
    return InputError(field, show(text), rule, f"round it to {MAX_DIGITS} digits or fewer")


def _integer(digits: str) -> int:
    """Value of decimal digits, whatever limit Python sets on text of this length."""
    if len(digits) <= 500:
        return int(digits)
    half = len(digits) // 2
    low: int = 10 ** (len(digits) - half)
    return _integer(digits[:half]) * low + _integer(digits[half:])


def _digits(value: int) -> str:
    """Decimal digits of a non-negative integer, whatever limit Python sets on their number."""
    if value.bit_length() <= 1600:
        return str(value)
    half = value.bit_length() * 3 // 20
    high, low = divmod(value, 10**half)
    return _digits(high) + _digits(low).rjust(half, "0")


def spell(value: Fraction) -> str:
    """Exact text of a number: a finite decimal where that is short, `p/q` where that is shorter.

    `parse_exact` gives the number back, for every number that `parse_exact` can return from a text.

    Example:
        >>> spell(Fraction(1, 10)), spell(Fraction(-1, 3)), spell(Fraction(10) ** 30)
        ('0.1', '-1/3', '1e30')
    """
    sign = "-" if value < 0 else ""
    numerator, denominator = abs(value.numerator), value.denominator
    twos = (denominator & -denominator).bit_length() - 1
    rest = denominator >> twos
    # The power of 5 in the rest is found by its logarithm, and checked.
    fives = round(math.log(rest) / math.log(5))
    if rest != 5**fives:
        return f"{sign}{_digits(numerator)}/{_digits(denominator)}"
    places = max(twos, fives)
    digits = _digits(numerator * 2 ** (places - twos) * 5 ** (places - fives))
    texts = [_scientific(digits.rstrip("0") or "0", len(digits) - 1 - places)]
    if max(len(digits), places) <= _LONGEST_PLAIN:
        plain = _plain(digits, -places)
        if len(plain) <= _LONGEST_PLAIN:
            return sign + plain
        texts.append(plain)
    if denominator > 1:
        texts.append(f"{_digits(numerator)}/{_digits(denominator)}")
    return sign + min(filter(_is_readable, texts), key=len, default=texts[0])


def _is_readable(text: str) -> bool:
    return all(
        sum(c.isdigit() for c in part) <= MAX_DIGITS for part in text.partition("e")[0].split("/")
    )


def _plain(digits: str, exponent: int) -> str:
    """`digits * 10^exponent` without the letter e and without zeros at the end of its decimals."""
    if exponent >= 0:
        return digits + "0" * exponent
    digits = digits.rjust(1 - exponent, "0")
    whole, part = digits[:exponent], digits[exponent:].rstrip("0")
    return f"{whole}.{part}" if part else whole


def _scientific(digits: str, exponent: int) -> str:
    """`d.ddd * 10^exponent`; an exponent beyond the limit is made up for by zeros."""
    if abs(exponent) > MAX_EXPONENT:
        limit = math.copysign(MAX_EXPONENT, exponent)
        shifted = _plain(digits, exponent - int(limit) - len(digits) + 1)
        return f"{shifted.removeprefix('0')}e{int(limit)}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{exponent}"


Direction = Literal["down", "up", "nearest"]


def lower_decimal(value: Fraction | int | arb, digits: int) -> str:
    """Largest decimal of so many significant digits that is not above the value.

    Args:
        value: exact number, or a ball, whose lower end is taken.
        digits: significant digits, at least 1.

    Returns:
        A rigorous lower bound; `-inf` for a ball without a finite lower end, NaN included.

    Raises:
        InputError: fewer than 1 digit.

    Example:
        >>> lower_decimal(Fraction(2, 3), 4), lower_decimal(Fraction(-2, 3), 4)
        ('0.6666', '-0.6667')
    """
    return _bound(value, digits, "down")


def upper_decimal(value: Fraction | int | arb, digits: int) -> str:
    """Smallest decimal of so many significant digits that is not below the value.

    Args:
        value: exact number, or a ball, whose upper end is taken.
        digits: significant digits, at least 1.

    Returns:
        A rigorous upper bound; `inf` for a ball without a finite upper end, NaN included.

    Raises:
        InputError: fewer than 1 digit.

    Example:
        >>> upper_decimal(Fraction(2, 3), 4), upper_decimal(Fraction(-2, 3), 4)
        ('0.6667', '-0.6666')
    """
    return _bound(value, digits, "up")


def nearest_decimal(value: Fraction | float | mpf, digits: int) -> str:
    """Decimal of so many significant digits that is nearest to the value (ties to even).

    Args:
        value: exact number, or a float or mpmath number, which is the dyadic number it denotes.
        digits: significant digits, at least 1.

    Returns:
        The value rounded once; `nan`, `inf` and `-inf` are spelled so.

    Raises:
        InputError: fewer than 1 digit.

    Example:
        >>> nearest_decimal(Fraction(2, 3), 4), nearest_decimal(0.1, 20)
        ('0.6667', '0.10000000000000000555')
    """
    if isinstance(value, int | Fraction):
        return _round(value.numerator, value.denominator, 0, digits, "nearest")
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(float(value))
        return _round(*value.as_integer_ratio(), 0, digits, "nearest")
    sign, mantissa, exponent, _ = value._mpf_
    if not mantissa and exponent:
        return {-123: "nan", -456: "inf", -789: "-inf"}[exponent]
    mantissa = -int(mantissa) if sign else int(mantissa)
    return _round(mantissa, 1, int(exponent), digits, "nearest")


def _bound(value: Fraction | int | arb, digits: int, direction: Literal["down", "up"]) -> str:
    if isinstance(value, int | Fraction):
        return _round(value.numerator, value.denominator, 0, digits, direction)
    if not value.is_finite():
        if value.is_nan() or not value.rad().is_finite():
            return "-inf" if direction == "down" else "inf"
        return "inf" if value > 0 else "-inf"
    mantissa, exponent = _ball_end(value, direction)
    return _round(mantissa, 1, exponent, digits, direction)


def _ball_end(ball: arb, direction: Literal["down", "up"]) -> tuple[int, int]:
    """Mantissa and exponent of 2 of a ball's end, exact unless midpoint and radius are far off."""
    (m, e), (r, f) = (
        (int(man), int(exp)) for man, exp in (ball.mid().man_exp(), ball.rad().man_exp())
    )
    if direction == "down":
        r = -r
    if not r:
        return m, e
    if not m:
        return r, f
    # The scales are far apart when aligning them would append more than `_FAR` zero bits to one;
    # then the small one is replaced, outward, by 2^-_NEAR of the other's unit.
    if e - f > _FAR and r.bit_length() + f <= e - _NEAR:
        return (m << _NEAR) + (1 if r > 0 else -1), e - _NEAR
    if f - e > _FAR and m.bit_length() + e <= f - _NEAR:
        return (r << _NEAR) + (1 if r > 0 else -1), f - _NEAR
    unit = min(e, f)
    return (m << (e - unit)) + (r << (f - unit)), unit


def _round(numerator: int, denominator: int, exponent: int, digits: int, to: Direction) -> str:
    """Decimal text of `numerator / denominator * 2^exponent`, denominator positive."""
    if digits < 1:
        raise InputError("digits", str(digits), "it must be at least 1", "give digits >= 1")
    if not numerator:
        return "0"
    if numerator < 0:
        opposite: dict[Direction, Direction] = {"down": "up", "up": "down", "nearest": "nearest"}
        return "-" + _round(-numerator, denominator, exponent, digits, opposite[to])
    # Decimal exponent, from that of 2: an estimate, at most 1 off, put right below.
    bits = numerator.bit_length() - denominator.bit_length() + exponent
    if abs(bits) < 10**6:
        decimal_exponent = bits * 30103 // 100000
    else:
        context = Context(prec=abs(bits).bit_length() // 3 + 22)
        decimal_exponent = int(context.multiply(Decimal(bits), context.log10(Decimal(2))))
    while True:
        scale = decimal_exponent - digits + 1
        twice = _doubled_floor(numerator, denominator, exponent, scale, digits)
        # floor(2 v) and whether 2 v is an integer decide every rounding of v.
        floor = twice[0] >> 1
        if floor >= 10**digits:
            decimal_exponent += 1
        elif floor < 10 ** (digits - 1):
            decimal_exponent -= 1
        else:
            break
    doubled, is_integer = twice
    half, exact = bool(doubled & 1), is_integer and not doubled & 1
    if to == "up":
        floor += not exact
    elif to == "nearest":
        floor += half and (not is_integer or bool(floor & 1))
    if floor == 10**digits:
        floor, decimal_exponent = floor // 10, decimal_exponent + 1
    text = _digits(floor)
    if -5 <= decimal_exponent < 16:
        if decimal_exponent < 0:
            return "0." + "0" * (-decimal_exponent - 1) + text
        whole = text[: decimal_exponent + 1].ljust(decimal_exponent + 1, "0")
        part = text[decimal_exponent + 1 :]
        return f"{whole}.{part}" if part else whole
    tail = f".{text[1:]}" if digits > 1 else ""
    return f"{text[0]}{tail}e{decimal_exponent}"


def _doubled_floor(
    numerator: int, denominator: int, exponent: int, scale: int, digits: int
) -> tuple[int, bool]:
    """Integer part of `2 v`, and whether `2 v` is an integer.

    Here `v = numerator/denominator 2^exponent / 10^scale`. Where the powers are large, `5^|scale|`
    is enclosed between two integers of limited length times a power of 2, by repeated squaring
    rounded down and rounded up; the answer is taken when both ends agree. Otherwise the enclosure
    is refined, and at last the power is exact.
    """
    shift = exponent - scale + 1
    if abs(exponent) + abs(scale) > _LARGE_POWER and exponent:
        precision = 64 + 4 * digits + 2 * abs(scale).bit_length()
        for _ in range(4):
            lower, upper = (
                _quotient(numerator, denominator, shift, scale, precision, up=up)
                for up in (False, True)
            )
            # A rest at the lower end says that 2 v is above this integer, and not equal to it.
            if lower[0] == upper[0] and lower[1]:
                return lower[0], False
            precision *= 2
    top, bottom = numerator, denominator
    if scale > 0:
        bottom *= 5**scale
    else:
        top *= 5**-scale
    if shift >= 0:
        top <<= shift
    else:
        bottom <<= -shift
    doubled, rest = divmod(top, bottom)
    return doubled, not rest


def _quotient(
    numerator: int, denominator: int, shift: int, scale: int, precision: int, *, up: bool
) -> tuple[int, int]:
    """Quotient and rest of a bound of `numerator/denominator 2^shift / 5^scale`."""
    # Dividing by a power that is too large gives the lower end.
    power, exponent = _power_of_five(abs(scale), precision, up=up == (scale < 0))
    if scale > 0:
        denominator, shift = denominator * power, shift - exponent
    else:
        numerator, shift = numerator * power, shift + exponent
    if shift >= 0:
        return divmod(numerator << shift, denominator)
    return divmod(numerator, denominator << -shift)


def _power_of_five(power: int, precision: int, *, up: bool) -> tuple[int, int]:
    """Mantissa and exponent of 2 of a bound of `5^power`, from above or from below."""
    mantissa, exponent = 1, 0
    for bit in bin(power)[2:]:
        mantissa, exponent = mantissa * mantissa, 2 * exponent
        if bit == "1":
            mantissa *= 5
        excess = mantissa.bit_length() - precision
        if excess > 0:
            mantissa = -(-mantissa >> excess) if up else mantissa >> excess
            exponent += excess
    return mantissa, exponent

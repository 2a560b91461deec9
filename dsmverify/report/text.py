"""Text for people: spellings of numbers and of names that we did not choose."""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context

from dsmverify.claims import Enclosure
from dsmverify.verdicts import decimal_value

_NOT_PLAIN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_DIGITS = 10


def plain(text: str) -> str:
    """Text in one line, without characters that steer a terminal or that XML forbids.

    Blanks of any kind become a space, control characters, marks that reverse the direction of
    writing and lone surrogates the replacement character.
    """
    return _NOT_PLAIN.sub("\ufffd", re.sub(r"[\t\n\r\u2028\u2029]+", " ", text))


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a paragraph or in a cell of a table."""
    shown = plain(text).replace("\\", "\\\\")
    shown = re.sub(r"&(?=[#A-Za-z])", "&amp;", shown).replace("<", "&lt;")
    shown = re.sub(r"([`|~$])", r"\\\1", shown)
    shown = re.sub(r"\*(?! )|(?<! )\*", r"\\*", shown)  # `a * b` is no emphasis
    shown = re.sub(r"_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_", r"\\_", shown)  # nor is `x_i`
    return shown.replace("](", "]\\(")


def show_number(text: str | None, digits: int = _DIGITS) -> str:
    """A decimal with few digits, rounded down; other text as it is; a dash for None."""
    if text is None:
        return "-"
    value = decimal_value(text)
    if value is None:
        return text
    return str(_context(digits, ROUND_FLOOR).plus(value)).replace("E", "e")


def show_enclosure(enclosure: Enclosure | None, digits: int = _DIGITS) -> str:
    """An enclosure with few digits, rounded outward; a dash for None."""
    if enclosure is None:
        return "-"
    lower, upper = decimal_value(enclosure.lower), decimal_value(enclosure.upper)
    if lower is None or upper is None:
        return f"[{enclosure.lower}, {enclosure.upper}]"
    low = str(_context(digits, ROUND_FLOOR).plus(lower)).replace("E", "e")
    high = str(_context(digits, ROUND_CEILING).plus(upper)).replace("E", "e")
    return low if low == high else f"[{low}, {high}]"


def _context(digits: int, rounding: str) -> Context:
    return Context(prec=digits, rounding=rounding, Emax=MAX_EMAX, Emin=MIN_EMIN)

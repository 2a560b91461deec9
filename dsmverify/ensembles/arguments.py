"""Arguments as numbers: what is none is refused by name, before anything is computed.

Nothing is rounded to make it fit: 1.5 is no count, "1" no seed, and a complex number has no float.
"""

from __future__ import annotations

import math
from numbers import Rational, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]


def is_finite(value: Any) -> bool:
    """Whether a value is a finite real number; True and text are none."""
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return is_number and (isinstance(value, Rational) or math.isfinite(value))


def spelled(value: Any) -> str:
    """Spelling of a number without the name of its NumPy type."""
    return show(value.item() if isinstance(value, np.generic) else value)


def whole(name: str, value: Any, least: int = 0, below: int | None = None, *, why: str = "") -> int:
    """An integer in a range.

    Args:
        name: of the argument, for the message.
        value: a Python or NumPy integer.
        least: smallest one allowed.
        below: smallest one that is too large.
        why: what the range comes from, as the rule's first words.

    Raises:
        InputError: it is none.
    """
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not (is_integer and value >= least and (below is None or value < below)):
        ends = f"at least {least}" + (f" and below {below}" if below is not None else "")
        rule = f"it must be an integer of {ends}"
        raise InputError(
            name, spelled(value), f"{why}: {rule}" if why else rule, "give such a number"
        )
    return int(value)


def real(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    way_out: str = "give such a number",
) -> float:
    """A finite real number in a range, rounded to the nearest float.

    Args:
        name: of the argument, for the message.
        value: any real number: Python's, NumPy's or a fraction.
        least: smallest one allowed.
        above: largest one that is too small.
        below: smallest one that is too large.
        way_out: for the message.

    Raises:
        InputError: it is none.
    """
    try:
        number = float(value) if is_finite(value) else math.nan
    except OverflowError:
        number = math.nan
    if (
        math.isfinite(number)
        and (least is None or number >= least)
        and (above is None or number > above)
        and (below is None or number < below)
    ):
        return number
    ends = [
        f"{words} {end:g}"
        for words, end in (("of at least", least), ("above", above), ("below", below))
        if end is not None
    ]
    rule = " ".join(["it must be a finite number", " and ".join(ends)]).rstrip()
    raise InputError(name, spelled(value), rule, way_out)


def reals(name: str, given: Any) -> Floats:
    """Real numbers as float64: the array that was given if it is one, otherwise a new one.

    Integers and every floating-point type are rounded to the nearest float64.

    Args:
        name: of the argument, for the message.
        given: numbers, or sequences of them of equal lengths.

    Raises:
        InputError: text, complex numbers, truth values, rows of different lengths, masked entries.
    """
    try:
        array = np.asanyarray(given)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch, of what has a gradient
        raise _no_reals(name, show(given)) from None
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(
            name,
            f"a masked array of shape {array.shape}",
            "floats have no mask: what is masked would count",
            "leave it out, or give `.filled(value)`",
        )
    is_real = array.dtype.kind in "fiu"
    if array.dtype.kind == "O":
        is_real = all(isinstance(x, Real) and not isinstance(x, bool) for x in array.flat)
    if not is_real:
        raise _no_reals(name, f"shape {array.shape}, dtype {array.dtype}")
    try:
        with np.errstate(over="ignore"):  # infinities are refused by whoever needs finite numbers
            return np.asarray(array, dtype=np.float64)
    except OverflowError:
        raise _no_reals(name, "an integer beyond the floats") from None


def _no_reals(name: str, value: str) -> InputError:
    return InputError(
        name,
        value,
        "it must be an array of real numbers, as many in each row",
        "give integers or floats: no text, no complex numbers, no rows of different lengths",
    )

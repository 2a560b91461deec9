"""Shared ground of the systems whose numbers are Python objects in NumPy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from numbers import Integral
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dsmverify.numbers import Exact, Integers, Numbers, closed_normal_pieces

Objects = NDArray[np.object_]


class ObjectNumbers(ABC):
    """A number system on object arrays, from the elementary functions of its numbers."""

    name: str

    @abstractmethod
    def scalar(self, value: Exact) -> Any:
        """One exact value in this system."""

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> Any:
        """Exact value, or array of them.

        Raises:
            TypeError: an entry that is neither an integer nor a `Fraction`: a float is none of a
                formula's numbers, and would be cut off here.
        """
        if isinstance(value, int | Fraction):
            return self.scalar(value)
        array = np.asarray(value)
        if array.dtype == bool:
            array = array.astype(int)
        result = np.empty(array.shape, dtype=object)
        for index, entry in np.ndenumerate(array):
            result[index] = self.scalar(entry if isinstance(entry, Fraction) else _integer(entry))
        return result

    def sum(self, x: Objects, axis: int = -1) -> Any:
        """Sum over one axis."""
        if x.shape[axis] == 0:
            # [()] takes the number out of an array without axes, and leaves other arrays alone.
            return self.constant(np.zeros(np.delete(x.shape, axis), dtype=int))[()]
        return np.add.reduce(x, axis=axis)

    def cumsum(self, x: Objects, axis: int = -1) -> Any:
        """Running sum over one axis."""
        return np.add.accumulate(x, axis=axis)

    def concatenate(self, parts: Sequence[Objects]) -> Any:
        """Join along the last axis."""
        return np.concatenate(list(parts), axis=-1)

    def normal_pieces(self, cuts: Objects, position: Integers) -> tuple[Any, Any, Any, Any]:
        """Truncated normal moments, in closed form."""
        # Subclasses complete the protocol with their elementary functions.
        return closed_normal_pieces(cast(Numbers[Any], self), cuts, position)


def _integer(entry: Any) -> int:
    if not isinstance(entry, Integral):
        raise TypeError(
            f"constant: {entry!r} is a {type(entry).__name__}, but constants are exact; "
            "write Fraction(value)"
        )
    return int(entry)


def elementwise(function: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    """A function of numbers, applied to each entry of object arrays (or to bare numbers)."""
    ufunc = np.frompyfunc(function, arguments, 1)

    def apply(*values: Any) -> Any:
        return ufunc(*values)

    return apply

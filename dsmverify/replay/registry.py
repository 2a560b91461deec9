"""Which function gives the two sides of which claim, and its hypotheses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Part = tuple[Any, str, Any]
"""Left side, relation (`=`, `>=`, `<=`, `>`, `<`), right side."""

Hypothesis = tuple[str, Any, str, Any]
"""Statement, left side, relation, right side."""

Sides = Callable[..., list[Part]]
Given = Callable[..., Hypothesis]


@dataclass(frozen=True)
class Entry:
    """What the second path knows about a claim.

    Attributes:
        sides: the parts of its conclusion, in the order of the page.
        given: its hypotheses beyond the setting, those that are inequalities.
    """

    sides: Sides
    given: tuple[Given, ...]


ENTRIES: dict[str, Entry] = {}
"""Second paths by claim id."""


def side(*ids: str, given: tuple[Given, ...] = ()) -> Callable[[Sides], Sides]:
    """Register a function as the second path of one or more claims.

    Raises:
        ValueError: an id has two functions.
    """

    def register(function: Sides) -> Sides:
        for name in ids:
            if name in ENTRIES:
                raise ValueError(f"ids: {name!r} has two second paths")
            ENTRIES[name] = Entry(function, given)
        return function

    return register

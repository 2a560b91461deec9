"""Which function gives the two sides of which claim, and its hypotheses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsmverify.replay.definitions import Setting

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
        setting: what an instance of its kind is read into.
    """

    sides: Sides
    given: tuple[Given, ...]
    setting: type[Any]


ENTRIES: dict[str, Entry] = {}
"""Second paths by claim id."""


def side(
    *ids: str, given: tuple[Given, ...] = (), setting: type[Any] = Setting
) -> Callable[[Sides], Sides]:
    """Register a function as the second path of one or more claims, about samples by default.

    Raises:
        ValueError: an id has two functions.
    """

    def register(function: Sides) -> Sides:
        for name in ids:
            if name in ENTRIES:
                raise ValueError(f"ids: {name!r} has two second paths")
            ENTRIES[name] = Entry(function, given, setting)
        return function

    return register

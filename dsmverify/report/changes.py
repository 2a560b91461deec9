"""Changes between two reports, and which changes of a verdict or an answer are worse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "verdict",
    "answer",
    "value",
    "slack",
    "table",
    "claim",
    "precision",
    "input",
    "version",
]
Direction = Literal["worse", "other", "better"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can change, in the order in which it is shown."""

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

WORSE_VERDICTS: Mapping[str, frozenset[str | None]] = {
    "PROVED": frozenset({"HOLDS", "REFUTED", "VACUOUS", "UNDECIDED", None}),
    "HOLDS": frozenset({"REFUTED", "VACUOUS", "UNDECIDED", None}),
    "REFUTED": frozenset({"HOLDS", "VACUOUS", "UNDECIDED", None}),
    "VACUOUS": frozenset({"UNDECIDED", None}),
    "UNDECIDED": frozenset({None}),
}
"""Verdicts that are worse than a given one; None is a claim that is gone.

Verdicts have no total order. Worse is to lose what was shown: support (PROVED, HOLDS), a
counterexample (REFUTED to HOLDS too, since HOLDS says nothing against it), a certificate (VACUOUS),
or the claim itself. REFUTED to PROVED is not worse and not better: two certificates contradict each
other, unless the statement or an input changed. An open or vacuous claim that is now REFUTED is
news, and nothing is lost.
"""

BETTER_VERDICTS: Mapping[str, frozenset[str | None]] = {
    "HOLDS": frozenset({"PROVED"}),
    "VACUOUS": frozenset({"PROVED", "HOLDS"}),
    "UNDECIDED": frozenset({"PROVED", "HOLDS"}),
}
"""Verdicts that are better than a given one: more support than there was."""

TRIVIAL = "TRUE, trivial"
"""Answer of a row that says nothing."""

WORSE_ANSWERS: Mapping[str, frozenset[str | None]] = {
    "TRUE": frozenset({TRIVIAL, "FALSE", "UNKNOWN", "NOT_APPLICABLE", None}),
    TRIVIAL: frozenset({"FALSE", "UNKNOWN"}),
    "FALSE": frozenset({"UNKNOWN", "NOT_APPLICABLE", None}),
}
"""Answers at an instance that are worse than a given one, by the same rule; None is no answer."""

BETTER_ANSWERS: Mapping[str, frozenset[str | None]] = {
    TRIVIAL: frozenset({"TRUE"}),
    "UNKNOWN": frozenset({"TRUE", TRIVIAL}),
    "NOT_APPLICABLE": frozenset({"TRUE"}),
}
"""Answers at an instance that are better than a given one."""

NOTHING = "nothing recorded explains it"
"""Cause of a change that no recorded cause explains."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        kind: what changed.
        name: which one: a claim, a claim at an instance, a cell of a table, a version.
        old: what it was; None if it was not there.
        new: what it is; None if it is gone.
        direction: of verdicts and answers only; everything else is neither worse nor better.
        why: the recorded changes that can have caused it: not that they did. `NOTHING` if there
            is none; empty for inputs and versions, which are causes themselves.
        note: what else is known: the reason of the new verdict, the ratio of two slacks.
    """

    kind: Kind
    name: str
    old: str | None
    new: str | None
    direction: Direction = "other"
    why: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Difference:
    """All changes from one report to another, in a fixed order: by kind, the worse ones first.

    Attributes:
        changes: the changes.
    """

    changes: tuple[Change, ...]

    def of(self, kind: Kind, direction: Direction | None = None) -> tuple[Change, ...]:
        """Changes of one kind, and of one direction if one is given."""
        return tuple(
            change
            for change in self.changes
            if change.kind == kind and direction in {None, change.direction}
        )

    @property
    def exit_status(self) -> int:
        """1 if a verdict got worse, 0 otherwise."""
        return 1 if self.of("verdict", "worse") else 0

    def render(self) -> Iterator[str]:
        """Lines of one JSON object: counts by kind and direction, then a line for each change."""
        counts = Counter((change.kind, change.direction) for change in self.changes)
        by_kind = {
            kind: {direction: counts[kind, direction] for direction in DIRECTIONS} for kind in KINDS
        }
        yield f'{{"exit_status": {self.exit_status},'
        yield f' "counts": {json.dumps(by_kind)},'
        yield ' "changes": ['
        for number, change in enumerate(self.changes, 1):
            document = {name: getattr(change, name) for name in Change.__slots__}
            yield f"  {json.dumps(document)}{',' if number < len(self.changes) else ''}"
        yield " ]}"


def verdict_direction(old: str | None, new: str | None) -> Direction:
    """Whether a verdict got worse or better; None is a claim that is not there."""
    return _direction(old, new, WORSE_VERDICTS, BETTER_VERDICTS)


def answer_direction(old: str | None, new: str | None) -> Direction:
    """Whether an answer at an instance got worse or better; None is no answer."""
    return _direction(old, new, WORSE_ANSWERS, BETTER_ANSWERS)


def _direction(
    old: str | None,
    new: str | None,
    worse: Mapping[str, frozenset[str | None]],
    better: Mapping[str, frozenset[str | None]],
) -> Direction:
    if old is not None and new in worse.get(old, ()):
        return "worse"
    return "better" if old is not None and new in better.get(old, ()) else "other"

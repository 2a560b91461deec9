"""Small changes of a claim of the catalogue: what planted variants are made of.

A change takes a claim and gives a claim. A side takes a case and gives a number, in any system, as
the formulas do; sides of variants are sides of the catalogue's claims, scaled, shifted, added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from dsmverify.catalogue import select
from dsmverify.claims import (
    Claim,
    Conclusion,
    Hypothesis,
    Identity,
    Inequality,
    Part,
    Premise,
    Range,
    ReadOff,
    Relation,
    Side,
)

Change = Callable[[Claim], Claim]
Exact = int | str | Fraction

Kind = Literal[
    "constant",
    "tight constant",
    "sign",
    "relation",
    "power of n",
    "power of sigma",
    "power of mu",
    "dropped hypothesis",
    "dropped term",
    "index",
    "place",
    "min and max",
    "exponent",
    "false consequence",
    "weaker constant",
    "restricted hypothesis",
    "restricted range",
    "equivalent form",
    "weaker conclusion",
]


@dataclass(frozen=True)
class Planted:
    """A variant whose truth is known beforehand.

    Attributes:
        name: of the variant, unique.
        base: id of the claim that it changes.
        kind: of mutation.
        changes: what was done to the claim.
        argument: why the variant is false, or true, in one line.
        held_out: a false variant that was never used while the search was tuned.
    """

    name: str
    base: str
    kind: Kind
    changes: tuple[Change, ...]
    argument: str
    held_out: bool = False

    @property
    def claim(self) -> Claim:
        """The variant as a claim; no derivation is about it."""
        (found,) = select([self.base])
        for change in self.changes:
            found = change(found)
        return replace(found, id=f"planted.{self.name}", derivation=None, leans_on=())


# Sides.


def times(factor: Exact) -> Callable[[Side], Side]:
    """The side times a rational number."""
    exact = Fraction(factor)
    return lambda side: lambda c: side(c) * c.ns.constant(exact)


def times_n(power: int) -> Callable[[Side], Side]:
    """The side times `n^power`."""
    return lambda side: lambda c: side(c) * c.ns.constant(Fraction(c.n) ** power)


def times_m(side: Side) -> Side:
    """The side times the width of the network."""
    return lambda c: side(c) * c.m


def times_sigma(power: int) -> Callable[[Side], Side]:
    """The side times `sigma^power`."""

    def scale(side: Side) -> Side:
        def scaled(c: Any) -> Any:
            value = side(c)
            for _ in range(power):
                value = value * c.sigma
            return value

        return scaled

    return scale


def times_mu(side: Side) -> Side:
    """The side times mu."""
    return lambda c: side(c) * c.mu


def over_mu(side: Side) -> Side:
    """The side over mu."""
    return lambda c: side(c) / c.mu


def negated(side: Side) -> Side:
    """Minus the side."""
    return lambda c: -side(c)


def at_next_index(side: Side) -> Side:
    """The side at `i + 1`."""
    return lambda c: side(replace(c, i=c.i + 1))


def instead(other: Side) -> Callable[[Side], Side]:
    """Another side."""
    return lambda _: other


def number(value: Exact) -> Side:
    """A rational number."""
    exact = Fraction(value)
    return lambda c: c.ns.constant(exact)


def size(c: Any) -> Any:
    """`n`."""
    return c.ns.constant(c.n)


# Changes.


def _changed(part: int | None, change: Callable[[Part], Part]) -> Change:
    """The claim with one part of its conclusion changed, and that part alone if it has several."""

    def changed(claim: Claim) -> Claim:
        conclusion = claim.conclusion
        if isinstance(conclusion, tuple):
            conclusion = conclusion[part or 0]
        assert isinstance(conclusion, Inequality | Identity)
        return replace(claim, conclusion=change(conclusion))

    return changed


def right(change: Callable[[Side], Side], part: int | None = None) -> Change:
    """Another right side; a margin was about the old one."""

    def changed(old: Part) -> Part:
        if isinstance(old, Inequality):
            return replace(old, right=change(old.right), margin=None)
        return replace(old, right=change(old.right))

    return _changed(part, changed)


def left(change: Callable[[Side], Side], part: int | None = None) -> Change:
    """Another left side; a margin was about the old one."""

    def changed(old: Part) -> Part:
        if isinstance(old, Inequality):
            return replace(old, left=change(old.left), margin=None, nonnegative_left=False)
        return replace(old, left=change(old.left))

    return _changed(part, changed)


def both(change: Callable[[Side], Side], part: int | None = None) -> Change:
    """Both sides changed alike."""

    def changed(claim: Claim) -> Claim:
        return right(change)(left(change, part)(claim))

    return changed


def turned(relation: Relation) -> Change:
    """Another relation."""

    def changed(old: Part) -> Part:
        assert isinstance(old, Inequality)
        return replace(old, relation=relation, margin=None)

    return _changed(None, changed)


def concluding(conclusion: Conclusion) -> Change:
    """Another conclusion altogether."""
    return lambda claim: replace(claim, conclusion=conclusion)


def without(words: str) -> Change:
    """Without the hypotheses that contain the words."""

    def changed(claim: Claim) -> Claim:
        kept = tuple(premise for premise in claim.hypotheses if words not in premise.statement)
        assert len(kept) < len(claim.hypotheses)
        return replace(claim, hypotheses=kept)

    return changed


def assuming(*premises: Premise) -> Change:
    """With further hypotheses."""
    return lambda claim: replace(claim, hypotheses=(*claim.hypotheses, *premises))


def over(span: Range) -> Change:
    """Over another range of the free variables."""
    return lambda claim: replace(claim, range=span)


def at_least(count: int) -> Hypothesis:
    """`n >= count`."""
    return Hypothesis(f"n >= {count}", size, ">=", number(count))


def as_theorem(claim: Claim) -> Claim:
    """An informal claim with the hypotheses and the conclusion of what it is read off."""
    assert isinstance(claim.conclusion, ReadOff)
    (formal,) = select([claim.conclusion.claim])
    return formal

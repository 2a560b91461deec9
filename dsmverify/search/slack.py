"""How much room a claim has at an instance, in floats: what the search makes small.

The sides of the claim itself are run in float64, over a few values of its free variables; nothing
is known here about single claims. The number is

- for an inequality the logarithm of the larger side over the smaller one,
- for an identity the logarithm of a tolerance over the relative disagreement,
- for several parts, and over the free variables, the smallest,
- where a hypothesis fails, at least `INFEASIBLE` and by how much the first one fails.

Negative means that the claim looks false. It is a guide for the search, never an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
from flint import arb

from dsmverify import express
from dsmverify.certify import points_of, precision
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Ray,
    ReadOff,
    Stated,
    Structural,
)
from dsmverify.errors import DsmverifyError
from dsmverify.formulas.case import Case
from dsmverify.instance import Instance
from dsmverify.rationals import rational_case
from dsmverify.search.floats import BITS, FloatFacts
from dsmverify.systems.balls import SYSTEM as BALLS
from dsmverify.systems.balls import ball
from dsmverify.systems.float64 import SYSTEM
from dsmverify.systems.rational import IrrationalError

INFEASIBLE: Final = 1000.0
"""Slack from which on a hypothesis fails; how far above says by how much."""

NOTHING: Final = 1e6
"""Slack of an instance at which the claim cannot be evaluated."""

LARGEST: Final = 690.0
"""Logarithms are cut here."""

SIGNED: Final = 60.0
"""Stands for the logarithm where one side is positive and the other is not."""

DISAGREEMENT: Final = 1e-7
"""Relative disagreement from which on two sides of an identity look different in floats."""

SHARES: Final = (0, 1, Fraction(1, 2), Fraction(1, 4), Fraction(3, 4), Fraction(1, 32),
                 Fraction(31, 32), Fraction(1, 1024), Fraction(1023, 1024))  # fmt: skip
"""Parts of an interval of `y` at which the sides are compared."""

REACHES: Final = (0, 1, 4, 16)
"""Distances, in ranges of the noised data, to which unbounded ranges of `y` are looked at."""

MOST_INDICES: Final = 40
"""Values of the indices that one measurement looks at."""

_FAILURES: Final = (
    ArithmeticError, DsmverifyError, IndexError, KeyError, RuntimeError, TypeError, ValueError,
    np.linalg.LinAlgError,
)  # fmt: skip
"""What a side may raise at an instance that it is not about."""


@dataclass(frozen=True)
class Measured:
    """Slack of a claim at one instance, and where it is smallest.

    Attributes:
        value: the slack.
        where: free variables there: `i`, `k`, `l` and `y`, the last one exact.
    """

    value: float
    where: dict[str, Any] = field(default_factory=dict)

    @property
    def looks_false(self) -> bool:
        """Whether floats say that the hypotheses hold and the conclusion fails."""
        return self.value < 0


class Slack:
    """Slack of one claim, counting how often it is measured."""

    def __init__(self, claim: Claim) -> None:
        """Start counting.

        Args:
            claim: any claim; of `ReadOff` and of regularity there is nothing to measure.
        """
        self.claim = claim
        self.evaluations = 0

    def __call__(self, instance: Instance) -> Measured:
        """Slack at an instance."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            try:
                return _Measurement(self.claim, instance).smallest()
            except _FAILURES:
                return Measured(NOTHING)

    def admits(self, sample: Instance) -> bool:
        """Whether no hypothesis that needs nothing but the sample looks false there."""
        measurement = _Measurement(self.claim, sample)
        with np.errstate(all="ignore"):
            return all(measurement.may_hold(premise) for premise in self.claim.hypotheses)


class _Measurement:
    """One claim at one instance."""

    def __init__(self, claim: Claim, instance: Instance) -> None:
        self.claim, self.instance = claim, instance
        self.facts = FloatFacts(instance)
        self.sample = express.sample(SYSTEM, instance)
        self.places = express.places(instance)

    def smallest(self) -> Measured:
        missing = [p for p in self.claim.parameters if self.instance.parameters.get(p) is None]
        if missing or (self.claim.subject in {"network", "minimum"} and not self.instance.network):
            return Measured(NOTHING)
        left = len(self.claim.hypotheses)
        for premise in self.claim.hypotheses:
            left -= 1
            violation = self._violation(premise)
            if violation > 0:  # the more hypotheses are left to check, the farther away
                return Measured(INFEASIBLE * (1 + left) + min(violation, LARGEST))
        best = Measured(NOTHING - 1)
        for index in self._indices():
            for y in self._points(index):
                if not self._is_included(index, y):
                    continue
                value = min((self._part(part, index, y) for part in self._parts()), default=NOTHING)
                if value < best.value:
                    names = dict(zip(("i", "k", "l"), index, strict=True))
                    where = {name: number for name, number in names.items() if number}
                    best = Measured(value, where if y is None else {**where, "y": y})
        return best

    def _parts(self) -> tuple[Inequality | Identity, ...]:
        conclusion = self.claim.conclusion
        if isinstance(conclusion, Stated):
            return conclusion.checks
        if isinstance(conclusion, ReadOff):
            return ()
        return conclusion if isinstance(conclusion, tuple) else (conclusion,)

    def _case(self, index: tuple[int, int, int], y: Any = None) -> Case[Any]:
        i, k, l = index
        size = self.instance.batch.size if self.instance.batch else 1
        point = None if y is None else SYSTEM.constant(y)
        return Case(SYSTEM, self.sample, self.facts, self.places, i, point, size, k, l)

    def _ball_case(self, index: tuple[int, int, int], y: Any = None) -> Case[Any]:
        i, k, l = index
        exact = None if y is None else ball(y)
        return replace(self.facts.balls.case(i, exact), k=k, l=l)

    # Hypotheses.

    def may_hold(self, premise: Hypothesis | Structural) -> bool:
        """Whether a hypothesis does not look false; those about more than there is may hold."""
        if isinstance(premise, Structural):
            return True
        try:
            return self._violation(premise) <= 0
        except _FAILURES:
            return True

    def _violation(self, premise: Hypothesis | Structural) -> float:
        if isinstance(premise, Structural):
            return self._structural(premise)
        room = self._room(premise.left, premise.relation, premise.right, (0, 0, 0), None)
        return max(0.0, -room)

    def _structural(self, premise: Structural) -> float:
        data = self.instance.network
        match premise.predicate:
            case "inner_weights_are_signs":
                return 0.0 if data and all(abs(w) == 1 for w in data.inner_weights) else 1.0
            case "outer_weights_within_bound" | "outer_weights_inside_bound":
                if data is None:
                    return 1.0
                largest = max(abs(weight) for weight in data.outer_weights)
                if not largest:
                    return 0.0
                return max(0.0, math.log(float(largest)) - math.log(float(self.facts("bound"))))
            case "function_slope_bounded_below":
                return self._steepness()
            case "has_network":
                return 0.0 if data else 1.0
            case "has_learning_rate":
                return 0.0 if self.instance.learning_rate else 1.0
            case _:  # a minimum, its stability: by construction, and certified in the end
                return 0.0

    def _steepness(self) -> float:
        given = self.instance.parameters
        gamma, delta = float(given["gamma"]), float(given["delta"])
        slopes = [k * float(entry) for k, entry in enumerate(given["f"])][1:]
        y = np.linspace(-delta, delta, 65)
        lowest = float(np.min(np.polynomial.polynomial.polyval(y, slopes or [0.0])))
        return max(0.0, (-gamma - lowest) / gamma)

    # Free variables.

    def _indices(self) -> Iterator[tuple[int, int, int]]:
        n = self.instance.size
        m = self.instance.network.width if self.instance.network else 0
        given = self.instance.parameters
        wanted = (given.get("i"), given.get("j"), given.get("l"))
        found: list[tuple[int, int, int]]
        match self.claim.range.index:
            case "points":
                found = [(i, 0, 0) for i in range(1, n + 1)]
            case "gaps":
                found = [(i, 0, 0) for i in range(1, n)]
            case "pairs":
                found = [(i, k, 0) for i in range(1, n + 1) for k in range(i + 1, n + 1)]
            case "others":
                found = [(i, k, 0) for i in range(1, n + 1) for k in range(1, n + 1) if i != k]
            case "neurons":
                found = [(0, 0, l) for l in range(1, m + 1)]
            case "neurons and points":
                found = [(i, 0, l) for l in range(1, m + 1) for i in range(1, n + 1)]
            case _:
                found = [(0, 0, 0)]
        found = [
            index
            for index in found
            if all(part in {0, asked or part} for part, asked in zip(index, wanted, strict=True))
        ]
        stride = max(1, -(-len(found) // MOST_INDICES))
        yield from found[::stride]

    def _points(self, index: tuple[int, int, int]) -> Iterator[Fraction | None]:
        """Exact values of `y`: those of the claim where mu is rational, else near them."""
        span = self.claim.range.y
        given = self.instance.parameters.get("y")
        if span is None:
            yield None
        elif given is not None:
            yield given
        elif any(isinstance(part, Identity) for part in self._parts()):
            yield from points_of(self.instance)
        elif isinstance(span, Places):
            for side in span.sides:
                yield self._exact(side, index)
        elif isinstance(span, Interval):
            low, high = self._exact(span.lower, index), self._exact(span.upper, index)
            for share in SHARES:
                yield low + share * (high - low)
        elif isinstance(span, Ray):
            start = self._exact(span.start, index)
            for reach in REACHES:
                for share in SHARES[1:]:
                    yield start + span.direction * reach * share * self._length()
        else:
            x, mu = self.instance.points, Fraction(self.places.mu)
            low, high = mu * x[0], mu * x[-1]
            for reach in REACHES:
                yield low - reach * self._length()
                yield high + reach * self._length()
            for share in SHARES[2:]:
                yield low + share * (high - low)

    def _length(self) -> Fraction:
        x = self.instance.points
        return Fraction(self.places.mu) * (x[-1] - x[0])

    def _exact(self, side: Any, index: tuple[int, int, int]) -> Fraction:
        i, k, l = index
        try:
            return Fraction(side(replace(rational_case(self.instance), i=i, k=k, l=l)))
        except (IrrationalError, TypeError, AttributeError, KeyError):
            return Fraction(float(side(self._case(index))))

    def _is_included(self, index: tuple[int, int, int], y: Fraction | None) -> bool:
        return all(
            self._room(h.left, h.relation, h.right, index, y) >= 0 for h in self.claim.range.where
        )

    # Sides.

    def _part(
        self, part: Inequality | Identity, index: tuple[int, int, int], y: Fraction | None
    ) -> float:
        if isinstance(part, Identity):
            return self._agreement(part, index, y)
        room = self._room(part.left, part.relation, part.right, index, y)
        if part.margin is not None and abs(room) < DISAGREEMENT:
            margin = float(part.margin(self._case(index, y)))
            return max(room, 0.0) if margin >= 0 else min(room, -1e-12)
        return room

    def _room(
        self, left: Any, relation: str, right: Any, index: tuple[int, int, int], y: Fraction | None
    ) -> float:
        case = self._case(index, y)
        try:
            sides = float(left(case)), float(right(case))
        except (OverflowError, FloatingPointError):
            sides = math.nan, math.nan
        large, small = sides if relation in {">=", ">"} else sides[::-1]
        if math.isfinite(large) and math.isfinite(small) and (large or small):
            return room_between(large, small)
        with precision(BITS):
            exact = self._ball_case(index, y)
            balls = left(exact), right(exact)
            return _room_of_balls(*(balls if relation in {">=", ">"} else balls[::-1]))

    def _agreement(
        self, identity: Identity, index: tuple[int, int, int], y: Fraction | None
    ) -> float:
        with precision(2 * BITS):
            case = self._ball_case(index, y)
            left: Any = np.asarray(identity.left(case), dtype=object).ravel()
            right: Any = np.asarray(identity.right(case), dtype=object).ravel()
            worst = 0.0
            for a, b in zip(left, right, strict=True):
                apart = BALLS.constant(0) + (a - b)
                if apart.contains(0):
                    continue
                size = abs(BALLS.constant(0) + a).max(abs(BALLS.constant(0) + b)).mid()
                worst = max(worst, express.as_float(abs(apart).mid() / size))
        return math.log(DISAGREEMENT / worst) if worst > 0 else SIGNED


def room_between(large: float, small: float) -> float:
    """Logarithm of `large / small`, continued to sides that are not positive."""
    if large > 0 and small > 0:
        value = math.log(large) - math.log(small)
        if abs(value) < DISAGREEMENT:
            value = (large - small) / small
        return min(max(value, -LARGEST), LARGEST)
    if large > 0:
        return SIGNED + min(1.0, -small / large)
    if small > 0:
        return -SIGNED - min(1.0, -large / small)
    if large == small:
        return 0.0
    if large == 0:
        return SIGNED
    return -SIGNED if small == 0 else room_between(-small, -large)


def _room_of_balls(large: arb, small: arb) -> float:
    large, small = large.mid(), small.mid()
    if not (large.is_finite() and small.is_finite()):
        return NOTHING
    if large > 0 and small > 0:
        value = express.as_float((large.log() - small.log()).mid())
        if abs(value) < DISAGREEMENT:
            value = express.as_float(((large - small) / small).mid())
        return min(max(value, -LARGEST), LARGEST)
    if large <= 0 and small <= 0:
        return 0.0 if large == small else _room_of_balls(-small, -large) if small != 0 else -SIGNED
    return SIGNED if large > 0 else -SIGNED

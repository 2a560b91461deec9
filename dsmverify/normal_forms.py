"""Normal forms of samples of two or three points, and why they stand for all samples.

| letter | here | meaning |
|---|---|---|
| kappa | `kappa` | mu Delta / sigma |
| s | `stretch` | larger gap over smaller, minus 1; 0 where there are two points |
| (a, b) | a place | a training point at `kappa (a + b s)` |

The sample `x_j = x + (sigma/mu) z_j` at noise level `(mu, sigma)`, seen at `y = mu x + sigma u`,
has the normal form `z_j` at noise level (1, 1), seen at u. That both sides of a claim at the sample
are one power product of mu and sigma times their values at the normal form is shown by SymPy, on
the engine's own formulas; an integral over y is `sigma` times one over u.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from dsmverify import order
from dsmverify.claims import Claim, Hypothesis, Inequality, Interval, Places, Side
from dsmverify.derivation import is_evidently_nonnegative, residual_form
from dsmverify.express import Places as Hints
from dsmverify.express import as_float
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Sample
from dsmverify.formulas.weight import WeightPieces
from dsmverify.numbers import Numbers
from dsmverify.shape_records import Place
from dsmverify.systems.balls import SYSTEM
from dsmverify.two_points import (
    enclose_risk,
    enclose_variation,
    risk_integrand,
    variation_integrand,
)

_ONE, _NONE = Fraction(1), Fraction(0)

_FROM_FIRST: dict[int, tuple[tuple[Place, ...], ...]] = {
    2: (((_NONE, _NONE), (_ONE, _NONE)),),
    3: (
        ((_NONE, _NONE), (_ONE, _NONE), (Fraction(2), _ONE)),
        ((_NONE, _NONE), (_ONE, _ONE), (Fraction(2), _ONE)),
    ),
}
"""Places counted from the first point, for each size and each order of the gaps."""

Integrals = dict[str, tuple[Callable[[Case[Any]], Any], Callable[[Case[Any]], arb], int]]

INTEGRALS: Integrals = {
    "risk_empirical_score": (risk_integrand, enclose_risk, -3),
    "tv_empirical_score": (variation_integrand, enclose_variation, -2),
}
"""Integrals over y: integrand, enclosure, and the power of sigma by which the integrand scales."""


def normal_forms(n: int, i: int) -> tuple[tuple[Place, ...], ...]:
    """Places of the points for each order of the gaps, with `x_i` (or, for 0, the middle) at 0."""
    return tuple(tuple(_centred(places, i)) for places in _FROM_FIRST[n])


def _centred(places: Sequence[Place], i: int) -> Iterator[Place]:
    shift = places[i - 1] if i else (places[-1][0] / 2, places[-1][1] / 2)
    for a, b in places:
        yield a - shift[0], b - shift[1]


@dataclass(frozen=True)
class _Noise:
    """How a normal form lies on the line: `x_j = origin + (sigma/mu) z_j`."""

    mu: Any
    sigma: Any
    origin: Any


@dataclass(frozen=True)
class _Quantities:
    """Values by name for a normal form, or for a sample that has it."""

    ns: Numbers[Any]
    places: tuple[Place, ...]
    kappa: Any
    noise: _Noise
    integral: Callable[[str, _Quantities], Any]

    def __call__(self, name: str) -> Any:
        if name == "spacing":
            return self.kappa * self.noise.sigma / self.noise.mu
        if name == "weight_pieces" and not any(b for _, b in self.places):
            return self._weight_pieces()
        if name in INTEGRALS:
            return self.integral(name, self)
        raise KeyError(f"{name}: normal forms have no value of this name")

    def _weight_pieces(self) -> WeightPieces[Any]:
        """Pieces for the unit gap, which scale with the gap and move with the origin."""
        exact = order.weight_pieces([a for a, _ in self.places])
        unit = self("spacing")
        return WeightPieces(
            self.noise.origin + unit * self.ns.constant(_objects(exact.cuts)),
            unit * self.ns.constant(_objects(exact.value)),
            self.ns.constant(_objects(exact.slope)),
            len(exact.slope),
        )


def ball_case(places: tuple[Place, ...], kappa: arb, stretch: arb) -> Case[Any]:
    """A normal form as the sides of a claim see it, its shape parameters balls.

    Args:
        places: places of the points.
        kappa: the spacing ratio.
        stretch: s.
    """
    one, zero = SYSTEM.scalar(1), SYSTEM.scalar(0)
    noise = _Noise(one, one, zero)

    def integral(name: str, seen: _Quantities) -> Any:
        return INTEGRALS[name][1](_case(SYSTEM, seen, stretch))

    return _case(SYSTEM, _Quantities(SYSTEM, places, kappa, noise, integral), stretch)


def _case(ns: Numbers[Any], seen: _Quantities, stretch: Any, hints: Any = None) -> Case[Any]:
    noise = seen.noise
    unit = noise.sigma / noise.mu
    offsets = [seen.kappa * (ns.constant(a) + ns.constant(b) * stretch) for a, b in seen.places]
    points = _objects([noise.origin + unit * offset for offset in offsets])
    if hints is None:
        cuts = [] if any(b for _, b in seen.places) else list(seen("weight_pieces").cuts)
        at, cut_at = [as_float(point) for point in points], [as_float(cut) for cut in cuts]
        hints = Hints(Fraction(0), at, cut_at, 1.0)
    sample = Sample(points, noise.mu, noise.sigma, len(seen.places))
    return Case(ns, sample, seen, hints)


class _FirstPoint:
    """Hints for symbols: any answer gives the right value."""

    def nearest(self, y: Any) -> int:
        return 0

    def among_weight_cuts(self, y: Any) -> int:
        return 0


@dataclass(frozen=True)
class _Pair:
    """One side at a sample and at its normal form.

    SymPy may write `|a|` as `|-a|` in one of the two, so sides that are a positive factor times an
    absolute value are compared up to the sign inside.
    """

    at_sample: Any
    at_normal_form: Any

    def residual(self, scale: Any) -> Any:
        """What vanishes when the side at the sample is `scale` times that at the normal form."""
        import sympy

        values = (self.at_sample, scale * self.at_normal_form)
        if not any(value.has(sympy.Abs) for value in values):
            return values[0] - values[1]
        first, second = (_without_absolute_value(value) for value in values)
        return first - second if residual_form(first - second) == 0 else first + second


@dataclass(frozen=True)
class Invariance:
    """Shows that a claim at a sample says what it says at the sample's normal form.

    Attributes:
        claim: an inequality over points, gaps or none, of y too.
        n: sample size.
        scaling: both sides at a sample are `mu^p sigma^q` times those at its normal form.
    """

    claim: Claim
    n: int
    scaling: tuple[int, int]

    def failures(self) -> list[str]:
        """What SymPy does not confirm; nothing if the claim is invariant."""
        return [text for text, residual in self._residuals() if residual_form(residual) != 0]

    def differences(self) -> list[str]:
        """Where SymPy does not confirm `left = right` at every sample; nothing if it does."""
        found = []
        conclusion = self._conclusion()
        for i, places in indexed_forms(self.claim, self.n):
            symbols = _Symbols(i, places)
            left, right = symbols.pair(conclusion.left), symbols.pair(conclusion.right)
            if residual_form(left.at_sample - right.at_sample) != 0:
                found.append(f"i = {i}")
        return found

    def statements(self) -> tuple[str, ...]:
        """What SymPy confirms, in words."""
        p, q = self.scaling
        said = [f"left and right at a sample = mu^({p}) sigma^({q}) times those at its normal form"]
        for premise in self._hypotheses():
            said.append(
                f"depends on the normal form only, true from some kappa: {premise.statement}"
            )
        if self.claim.range.y is not None:
            said.append(
                "the range of y at a sample = mu x + sigma times the one at its normal form"
            )
        return tuple(said)

    def unsteady(self) -> list[str]:
        """Hypotheses that SymPy does not show to be true from some kappa on, and false before.

        `left - right` of a `>=` must not depend on s, and have a derivative in kappa that is
        evidently non-negative and not identically 0; being analytic, it then increases strictly.
        """
        found = []
        for i, places in indexed_forms(self.claim, self.n):
            symbols = _Symbols(i, places)
            for premise in self._hypotheses():
                left, right = symbols.pair(premise.left), symbols.pair(premise.right)
                room = left.at_normal_form - right.at_normal_form
                rise = room.diff(symbols.kappa)
                if premise.relation in {"<=", "<"}:
                    rise = -rise
                is_fixed = residual_form(room.diff(symbols.stretch)) == 0
                is_flat = residual_form(rise) == 0
                if is_flat or not is_fixed or not is_evidently_nonnegative(rise):
                    found.append(premise.statement)
        return found

    def _conclusion(self) -> Inequality:
        assert isinstance(self.claim.conclusion, Inequality)  # said of the attribute
        return self.claim.conclusion

    def _hypotheses(self) -> list[Hypothesis]:
        return [part for part in self.claim.hypotheses if isinstance(part, Hypothesis)]

    def _residuals(self) -> Iterator[tuple[str, Any]]:
        conclusion = self._conclusion()
        sides = [("left side", conclusion.left), ("right side", conclusion.right)]
        if conclusion.margin is not None:
            sides.append(("margin", conclusion.margin))
        p, q = self.scaling
        for i, places in indexed_forms(self.claim, self.n):
            symbols = _Symbols(i, places)
            mu, sigma = symbols.sample.mu, symbols.sample.sigma
            for name, side in sides:
                yield f"{name}, i = {i}", symbols.pair(side).residual(mu**p * sigma**q)
            for name in sorted(symbols.used):
                integrand, _, power = INTEGRALS[name]
                yield f"integrand of {name}", symbols.pair(integrand).residual(sigma**power)
            for premise in self._hypotheses():
                left, right = symbols.pair(premise.left), symbols.pair(premise.right)
                crossed = left.at_sample * right.at_normal_form
                yield premise.statement, crossed - right.at_sample * left.at_normal_form
            for end in _ends(self.claim):
                found = symbols.pair(end)
                moved = mu * symbols.sample.origin + sigma * found.at_normal_form
                yield "range of y", found.at_sample - moved


class _Symbols:
    """A sample and its normal form in symbols, at one index and one order of the gaps.

    Attributes:
        sample: noise level and origin of the sample.
        kappa: the spacing ratio.
        stretch: s.
        used: integrals that a side has asked for.
    """

    def __init__(self, i: int, places: tuple[Place, ...]) -> None:
        import sympy

        mu, sigma, self.kappa, self.stretch = sympy.symbols("mu sigma kappa s", positive=True)
        origin, self._u = sympy.symbols("x u", real=True)
        self.sample = _Noise(mu, sigma, origin)
        self.used: set[str] = set()
        self._i, self._places = i, places
        self._normal = _Noise(sympy.Integer(1), sympy.Integer(1), sympy.Integer(0))

    def pair(self, side: Side) -> _Pair:
        """A side at the sample and at the normal form."""
        return _Pair(self._value(side, self.sample), self._value(side, self._normal))

    def _value(self, side: Side, noise: _Noise) -> Any:
        import sympy

        from dsmverify.systems.symbolic import SYSTEM as SYMBOLIC

        seen = _Quantities(SYMBOLIC, self._places, self.kappa, noise, self._integral)
        case = _case(SYMBOLIC, seen, self.stretch, _FirstPoint())
        y = noise.mu * noise.origin + noise.sigma * self._u
        return sympy.sympify(side(at_point(case, self._i, y)))

    def _integral(self, name: str, seen: _Quantities) -> Any:
        import sympy

        self.used.add(name)
        return sympy.Symbol(name, positive=True) * seen.noise.sigma ** (INTEGRALS[name][2] + 1)


def indexed_forms(claim: Claim, n: int) -> list[tuple[int, tuple[Place, ...]]]:
    """Every index of a claim with every order of the gaps, as normal forms around that index.

    Raises:
        ValueError: an index that is not over points, gaps or none.
    """
    match claim.range.index:
        case "none":
            indices = range(0, 1)
        case "points":
            indices = range(1, n + 1)
        case "gaps":
            indices = range(1, n)
        case other:
            raise ValueError(f"index: {claim.id} is about {other}; normal forms have points, gaps")
    return [(i, places) for i in indices for places in normal_forms(n, i)]


def at_point(c: Case[Any], i: int, y: Any) -> Case[Any]:
    """The case at one value of the free variables."""
    return Case(c.ns, c.sample, c.quantities, c.places, i, y)


def _ends(claim: Claim) -> tuple[Side, ...]:
    span = claim.range.y
    if isinstance(span, Interval):
        return span.lower, span.upper
    if isinstance(span, Places):
        return span.sides
    return ()


def _without_absolute_value(expression: Any) -> Any:
    import sympy

    return expression.xreplace({part: part.args[0] for part in expression.atoms(sympy.Abs)})


def _objects(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array

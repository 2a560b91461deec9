"""Bounds of proposition 2, corollary 3, proposition 9, theorem 4 and lemmas 12 and 14.

Two kinds of tests. The rules that read a sign off an expression, and the refusal of everything
else. And float64 oracles, written from the definitions and sharing nothing with the derivations:
the words of a derivation are not checked by SymPy, so what they lead to is tried on samples.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest
import sympy
from scipy.special import ndtr

from dsmverify import content, derivation
from dsmverify.derivation import Bound, Chain, Derivation, is_evidently_nonnegative, verify
from dsmverify.errors import DerivationError

MODULES = (
    "posterior_bounds",
    "curvature_tail",
    "weight_bounds",
    "total_variation",
    "slope_lower_bound",
)

KINDS = ("claim", "step")

x, y = sympy.symbols("x y", real=True)
p, q = sympy.symbols("p q", nonnegative=True)
s = sympy.Symbol("s", positive=True)
z = sympy.Symbol("z")

# Evident signs -----------------------------------------------------------------------------------

EVIDENT = [
    sympy.Integer(0),
    p * q + s,
    x**2 * sympy.exp(-x),
    (x - y) ** 4 / s,
    (p + q) ** 2 - p**2,
    sympy.exp(x) - 1 - x,
    3 * sympy.exp(x) - 3 - 3 * x + p,
    sympy.exp(p) - p,
    sympy.exp(p * q) - 1,
    2 * sympy.exp(s) - 2,
    1 - sympy.exp(-p * s),
    sympy.exp(-p) * (1 - sympy.exp(-q)) + sympy.erfc(x),
    sympy.sqrt(s) * sympy.sqrt(p),
    sympy.exp(-sympy.Rational(3, 5)) - sympy.Rational(1, 2),
    sympy.Rational(5, 6) - sympy.exp(-sympy.Rational(3, 16)) + p,
    s**x,
]

UNSEEN = [
    x,
    z**2,
    p - q,
    x**3,
    p / q,
    1 / x**2,
    -p * s,
    sympy.exp(z),
    sympy.exp(x) - 1,
    sympy.exp(-p) - 1,
    1 - sympy.exp(p),
    1 - sympy.exp(-x),
    sympy.exp(p) - 1 - p - q,
    sympy.exp(p) - 2,
    1 + x - sympy.exp(x),
    sympy.sqrt(x),
    sympy.log(s),
    sympy.exp(-1) - sympy.Rational(1, 2),
    sympy.Rational(1, 2) - sympy.exp(-sympy.Rational(3, 5)),
    x**2 - 2 * x * y - y**2,
]


@pytest.mark.parametrize("expression", EVIDENT, ids=str)
def test_a_sign_that_is_evident_is_seen(expression: Any) -> None:
    assert is_evidently_nonnegative(expression)


@pytest.mark.parametrize("expression", UNSEEN, ids=str)
def test_no_other_sign_is_seen(expression: Any) -> None:
    assert not is_evidently_nonnegative(expression)


def test_a_sign_that_is_seen_is_true() -> None:
    """All of `EVIDENT` at random values that meet the declarations."""
    chance = np.random.default_rng(20)
    for expression in EVIDENT:
        symbols = sorted(expression.free_symbols, key=str)
        for _ in range(20):
            values = {
                symbol: float(chance.normal() if symbol in (x, y) else chance.exponential())
                for symbol in symbols
            }
            assert float(expression.evalf(subs=values)) >= -1e-15


def _planted(bound: Bound) -> Derivation:
    chain = Chain()
    chain.bounds.append(bound)
    return chain.derivation("planted", "Planted", "nowhere", "nothing")


@pytest.mark.parametrize(
    ("bound", "fault"),
    [
        (Bound("wrong gap", p, p + q, q**2), "the gap is not the difference"),
        (Bound("wrong way", p + q, p, -q), "no evident sign"),
        (Bound("no sign", x, x + y, y), "no evident sign"),
        (Bound("constant 1 % off", sympy.Rational(5, 9), sympy.exp(-sympy.Rational(3, 5)),
               sympy.exp(-sympy.Rational(3, 5)) - sympy.Rational(5, 9)), "no evident sign"),
    ],
    ids=lambda value: value.text if isinstance(value, Bound) else "",
)  # fmt: skip
def test_a_false_bound_is_refused(bound: Bound, fault: str) -> None:
    with pytest.raises(DerivationError, match=fault):
        verify(_planted(bound))


def test_the_balls_contradict_a_rule_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "is_evidently_nonnegative", lambda _: True)
    with pytest.raises(DerivationError, match="below 0"):
        verify(_planted(Bound("wrong way", p + s, p, -s)))


@pytest.mark.parametrize("name", MODULES)
def test_every_bound_is_refused_the_other_way_round(name: str) -> None:
    module: Any = importlib.import_module(f"derivations.{name}")
    result: Derivation = module.derive()
    assert result.bounds
    for bound in result.bounds:
        turned = Bound(bound.text, bound.larger, bound.smaller, -bound.gap)
        with pytest.raises(DerivationError, match="no evident sign"):
            verify(dataclasses.replace(result, identities=(), bounds=(turned,)))


@pytest.mark.parametrize("name", MODULES)
def test_bounds_are_shown_with_the_reason(name: str) -> None:
    result = derivation.run(name)
    text = derivation.render_text(result)
    assert f"and {len(result.bounds)} inequalities" in text
    assert text.count("\n         by ") == len(result.bounds)


# What the words lead to, on samples --------------------------------------------------------------

MARGIN = 1e-9
"""Relative rounding of float64 sums of at most nine terms, with ample room."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A sample and a noise level, with the posterior from its definition."""

    points: Any
    mu: float
    sigma: float

    @property
    def n(self) -> int:
        return len(self.points)

    @property
    def spacing(self) -> float:
        return float(np.min(np.diff(self.points)))

    @property
    def ratio(self) -> float:
        return self.mu * self.spacing / self.sigma

    def moments(self, at: Any) -> tuple[Any, Any, Any]:
        """Mean, variance and third central moment of W(y), y an array."""
        power = -((np.asarray(at)[:, None] - self.mu * self.points) ** 2) / (2 * self.sigma**2)
        weights = np.exp(power - power.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        mean = weights @ self.points
        away = self.points - mean[:, None]
        return mean, (weights * away**2).sum(axis=1), (weights * away**3).sum(axis=1)

    def weight(self, at: float, cells: int = 40_000) -> float:
        """`pi(y)` by the midpoint rule; relative error of the order of 1/cells at the jumps."""
        low, high = self.mu * self.points[0], self.mu * self.points[-1]
        low, high = max(low, at - 9 * self.sigma), min(high, at + 9 * self.sigma)
        width = (high - low) / cells
        u = low + width * (np.arange(cells) + 0.5)
        away = u[:, None] - self.mu * self.points
        left = (away > 0).mean(axis=1) * np.maximum(away, 0).mean(axis=1)
        right = (away < 0).mean(axis=1) * np.maximum(-away, 0).mean(axis=1)
        density = np.exp(-((u - at) ** 2) / (2 * self.sigma**2)) / np.sqrt(2 * np.pi) / self.sigma
        return float((np.minimum(left, right) * density).sum() * width)

    def noised_weight(self, at: float) -> float:
        """`min(P(Y < y) E(y - Y)_+, P(Y > y) E(Y - y)_+)`, in closed form."""
        a = (at - self.mu * self.points) / self.sigma
        density = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
        left = ndtr(a).mean() * (a * ndtr(a) + density).mean()
        right = ndtr(-a).mean() * (-a * ndtr(-a) + density).mean()
        return float(self.sigma * min(left, right))


def _settings(least: float, most: float) -> list[Setting]:
    """Samples of 2 to 9 points whose `mu Delta/sigma` is spread over `[least, most]`."""
    chance = np.random.default_rng(4)
    found = []
    for n in (2, 2, 3, 3, 4, 5, 7, 9):
        gaps = 1 + chance.exponential(size=n - 1) * chance.integers(0, 3, size=n - 1)
        points = np.concatenate([[0.0], np.cumsum(gaps)]) - chance.uniform(0, 3)
        mu = chance.uniform(0.2, 0.95)
        ratio = least * (most / least) ** chance.uniform()
        found.append(Setting(points, mu, mu * float(np.min(np.diff(points))) / ratio))
    return found


def test_proposition_2_on_samples() -> None:
    for case in _settings(2, 8):
        n, near = case.n, np.linspace(-1, 1, 41) * case.mu * case.spacing / 4
        small = np.exp(-(case.ratio**2) / 4)
        for point in case.points:
            mean, variance, _ = case.moments(case.mu * point + near)
            assert np.all(np.abs(mean - point) <= n * case.spacing * small * (1 + MARGIN))
            assert np.all(variance <= 4 * n**2 * case.spacing**2 * small * (1 + MARGIN))


def test_the_variance_at_midpoints_on_samples() -> None:
    for case in _settings(0.01, 20):
        middle = case.mu * (case.points[1:] + case.points[:-1]) / 2
        floor = np.diff(case.points) ** 2 / (2 * case.n)
        assert np.all(case.moments(middle)[1] >= floor * (1 - MARGIN))


def test_corollary_3_on_samples() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    for case in _settings(2, 12):
        total = 0.0
        for point in case.points:
            at = case.mu * point + case.sigma * nodes
            score = (case.mu * case.moments(at)[0] - at) / case.sigma**2
            error = score + (at - case.mu * point) / case.sigma**2
            total += float((weights * error**2).sum() / np.sqrt(2 * np.pi)) / case.n
        spread = case.points[-1] - case.points[0]
        scale = case.mu**2 * spread**2 / case.sigma**4
        # 120 nodes are exact to about 1e-3 here: the bound is tried with half of its constant.
        assert total <= 2 * scale * np.exp(-(case.ratio**2) / 32)


def test_lemma_12_on_samples() -> None:
    for case in _settings(0.05, 8):
        first, last = case.points[0], case.points[-1]
        reach = max(last, 0) - min(first, 0)
        ends = np.array([min(first, 0), max(last, 0)]) * 2 * case.mu
        spread, far = last - first, 60 * case.sigma**2 / (case.mu * case.spacing)
        at = np.linspace(ends[0] - far, ends[1] + far, 200_001)
        curvature = np.abs(case.moments(at)[2]) * case.mu**3 / case.sigma**6
        for beyond, distance in ((at >= ends[1], at), (at <= ends[0], -at)):
            decay = np.exp(-distance * case.mu * case.spacing / (2 * case.sigma**2))
            bound = 2 * case.mu**3 * (case.n - 1) * spread**3 / case.sigma**6 * decay
            # Below 1e-16 of the moment's scale the posterior's rounding is all that is seen.
            floor = 1e-14 * case.mu**3 * spread**3 / case.sigma**6
            assert np.all(curvature[beyond] <= bound[beyond] + floor)
        mass = float(curvature.sum() * (at[1] - at[0]))
        tails = 2 * (case.n - 1) * case.sigma**2 / case.spacing
        # Half of the first term is kept, as the remark of the derivation says.
        scale = 4 * case.mu**2 * spread**3 / case.sigma**6
        assert mass <= scale * (case.mu**2 * reach / 2 + tails) * 1.01


def test_the_weight_on_samples() -> None:
    for case in _settings(0.3, 6):
        n, small = case.n, np.exp(-(case.ratio**2) / 2)
        ceiling = case.mu * (case.points[-1] - case.points[0]) / 8
        for i in range(1, n):
            low, high = case.points[i - 1], case.points[i]
            floor = min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1)) / 2 * case.spacing
            scale = case.mu / n**2 * floor
            for share in (0.001, 0.3, 0.5, 0.999):
                at = case.mu * (low + share * (high - low))
                # The midpoint rule misses by about one cell at a jump: 1e-3 is ample.
                value = case.weight(at)
                assert value >= scale * (0.5 - small) * 0.999
                assert value <= ceiling * 1.001
                assert case.noised_weight(at) >= scale * 0.5 * (1 - MARGIN)


def test_the_weight_in_the_middle_of_a_gap_on_samples() -> None:
    """`pi(y) >= (mu Delta/(8 n^2)) P(|xi| <= mu Delta/8)`, which carries theorem 4 at n = 2, 3."""
    for case in _settings(0.3, 12):
        width = case.mu * case.spacing / 8
        chance = 1 - 2 * ndtr(-width / case.sigma)
        for low, high in zip(case.points[:-1], case.points[1:], strict=True):
            for at in (low + case.spacing / 4, (low + high) / 2, high - case.spacing / 4):
                value = case.weight(case.mu * at)
                assert value >= width / case.n**2 * chance * 0.999


@pytest.mark.parametrize("n", [2, 3, 4, 6, 10, 13])
def test_theorem_4_on_samples(n: int) -> None:
    """Equal gaps at the edge of the hypothesis, where the bound is tightest."""
    ratio = np.sqrt(4 * np.log(16 * n**3))
    case = Setting(np.arange(n, dtype=float), 0.5, 0.5 / ratio)
    at = np.linspace(0, 0.5 * (n - 1), 120 * (n - 1) + 1)[1:-1]
    weights = np.array([case.weight(float(place), cells=2000) for place in at])
    curvature = np.abs(case.moments(at)[2]) * case.mu**3 / case.sigma**6
    variation = float((curvature * weights).sum() * (at[1] - at[0]))
    power = {2: 10, 3: 11, 4: 10}.get(n, 9)
    assert variation >= case.mu**3 * n / (2**power * case.sigma**4)
    jumps = sum(
        min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1)) * (1 - 2 * np.exp(-(ratio**2) / 2))
        for i in range(1, n)
    )
    step = 1 / (2 * n) - 4 * n**2 * np.exp(-(ratio**2) / 4)
    printed_sum = case.mu**3 / (4 * n**2) * jumps * 2 / case.sigma**4 * step
    assert variation >= printed_sum * 0.999


def test_the_count_of_the_middle_half() -> None:
    """thm04.c and thm04.d, integer by integer."""
    for n in range(2, 400):
        inside = range(-(-n // 4) + 1, 3 * n // 4)
        if n >= 10:
            assert 4 * len(inside) >= n
        for i in inside:
            assert 64 * min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1)) >= n**3


# Rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MODULES, "translation", "score_slope", "score_curvature"])
def test_what_is_proved_is_claimed_and_the_other_way_round(name: str) -> None:
    module: Any = importlib.import_module(f"derivations.{name}")
    result: Derivation = module.derive()
    rows = [claim for module in content.claim_modules() for claim in module.CLAIMS]
    named = {
        kind: {c.id for c in rows if c.derivation == name and c.kind == kind} for kind in KINDS
    }
    assert set(result.proves) == named["claim"]
    assert set(result.proves_steps) == named["step"]

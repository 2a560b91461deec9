"""The rows of checks/: complete, sourced, and with sides that every number system can run."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from dsmverify import content
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    ReadOff,
    Side,
    Stated,
)
from dsmverify.formulas import bounds, weight_steps
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Network, Sample
from dsmverify.systems import load

IDS = """
    eq06 tweedie unbiased@sum unbiased@mean eq08@sum eq08@mean eq09 prop02a prop02b prop02c
    cor03a cor03a@mu cor03b thm04 lem05 hess15 prop06a prop06b@sum prop06b@mean prop07 thm01
    thm08@sum thm08@mean excess prop09a prop09b prop10 lem11a lem11b lem12 lem13 lem14a lem14b
""".split()  # noqa: SIM905 (a list of ids reads better as words)
"""Section 1 of the list of claims, an ambiguous one once for each reading."""

PAPER, OWN = "arXiv 2502.03435v1", "not in the paper"
CURVES, OWN_CURVES = "arXiv 2502.00336", "random-features.md, own derivation"

VERDICTS = {"PROVED", "REFUTED", "HOLDS", "VACUOUS", "UNDECIDED"}
SYSTEMS = ("float64", "mpmath", "arb")
"""The systems that claims are evaluated in."""


class Anywhere:
    """Places of a point: always the second training point and the first piece."""

    def nearest(self, y: Any) -> int:
        return 1

    def among_weight_cuts(self, y: Any) -> int:
        return 1


def claims() -> list[Claim]:
    return [claim for module in content.claim_modules() for claim in module.CLAIMS]


def conclusions(claim: Claim) -> Iterator[Inequality | Identity]:
    conclusion = claim.conclusion
    if isinstance(conclusion, Stated):
        yield from conclusion.checks
    elif isinstance(conclusion, tuple):
        yield from conclusion
    elif not isinstance(conclusion, ReadOff):
        yield conclusion


def sides(claim: Claim) -> Iterator[Side]:
    for conclusion in conclusions(claim):
        yield conclusion.left
        yield conclusion.right
    for premise in claim.hypotheses:
        if isinstance(premise, Hypothesis):
            yield premise.left
            yield premise.right
    if isinstance(claim.range.y, Interval):
        yield claim.range.y.lower
        yield claim.range.y.upper
    if isinstance(claim.range.y, Places):
        yield from claim.range.y.sides


POINTS = (Fraction(-3, 4), Fraction(1, 4), Fraction(1), Fraction(5, 2))
MU, SIGMA = Fraction(4, 5), Fraction(1, 5)


def case(
    name: str,
    points: tuple[Fraction, ...] = POINTS,
    i: int = 2,
    y: Fraction = Fraction(3, 8),
    sigma: Fraction = SIGMA,
) -> Case[Any]:
    """A case with invented values for what the engine certifies: only the sides are on trial."""
    ns = load(name)
    gaps = [right - left for left, right in pairwise(points)]
    one_neuron = np.array([0])
    ones = ns.constant(np.array([1], dtype=object))
    network = Network(
        inner=ones,
        bias=ones,
        outer=ones,
        kinks=ones,
        order=one_neuron,
        signs=one_neuron + 1,
        position=np.zeros(len(points), dtype=int),
        group=one_neuron,
        width=3,
    )
    known: dict[str, int | Fraction] = {
        "spacing": min(gaps),
        "parameter:beta": 3,
        "learning_rate": Fraction(1, 8),
    }
    known |= {"parameter:gamma": 2, "parameter:delta": Fraction(1, 3), "parameter:A": 5}

    def quantities(quantity: str) -> Any:
        if quantity == "network":
            return network
        if quantity == "parameter:k":
            return 3
        if quantity == "parameter:f":
            return list(ns.constant(np.array([-1, 2, 1], dtype=object)))
        if quantity == "gap_excesses":
            return ns.constant(np.array([gap - min(gaps) for gap in gaps], dtype=object))
        return ns.constant(known.get(quantity, Fraction(2)))

    sample = Sample(
        ns.constant(np.array(points, dtype=object)),
        ns.constant(MU),
        ns.constant(sigma),
        len(points),
    )
    return Case(ns, sample, quantities, i=i, y=ns.constant(y), places=Anywhere())


def number(x: Any) -> float:
    """A scalar of any system as a float."""
    inner = x.value if hasattr(x, "value") else x
    return float(inner)


def test_every_printed_claim_has_its_row_and_no_other_has() -> None:
    printed = [
        claim.id
        for claim in claims()
        if claim.kind == "claim" and claim.form == "printed" and claim.source.version == PAPER
    ]
    assert sorted(printed) == sorted(IDS)


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_a_row_says_what_is_claimed_and_where(claim: Claim) -> None:
    assert claim.statement.endswith(".")
    assert claim.source.statement
    assert 2 <= claim.source.page <= 36
    assert claim.source.version in {PAPER, OWN, CURVES, OWN_CURVES}
    assert (claim.subject == "curve") == (claim.source.version in {CURVES, OWN_CURVES})
    assert (claim.form == "repaired") == (claim.repairs is not None)
    assert (claim.form == "sharpened") == (claim.sharpens is not None)
    assert (claim.form != "printed") == bool(claim.change)
    if claim.kind == "step" and not claim.id.startswith("prose") and claim.form != "sharpened":
        assert claim.serves is not None
    if "@" in claim.id:
        assert claim.reading == claim.id.partition("@")[2]


def test_one_reading_of_each_ambiguous_claim_is_the_literal_one() -> None:
    families: dict[str, list[bool]] = {}
    for claim in claims():
        families.setdefault(claim.id.partition("@")[0], []).append(claim.literal)
    assert {family: sum(flags) for family, flags in families.items()} == dict.fromkeys(families, 1)


def test_claims_lean_on_claims_and_on_steps_of_claims_that_exist() -> None:
    known = {claim.id for claim in claims()}
    prefixes = {claim.partition("@")[0].rstrip("abc") for claim in known}
    for claim in claims():
        for other in claim.leans_on:
            assert other in known or other.partition(".")[0] in prefixes, (claim.id, other)
            assert "." in other or other in known
        if isinstance(claim.conclusion, ReadOff):
            assert claim.conclusion.claim in known


def test_every_row_has_an_expected_verdict_with_a_reason() -> None:
    table = tomllib.loads(content.resource_text("checks/expected.toml"))
    assert sorted(table) == sorted(claim.id for claim in claims())
    for entry in table.values():
        assert entry.keys() == {"verdict", "reason"}
        assert entry["verdict"] in VERDICTS
        assert entry["reason"].endswith(".")
        assert "\n" not in entry["reason"]


WEIGHT_SIDES = (
    bounds.weight,
    weight_steps.noised_weight,
    weight_steps.slope_changes_by_least_weight,
    weight_steps.weight_at_first_mean,
    weight_steps.weight_at_last_mean,
)
"""Sides that need the exactly ordered pieces of pi; tests/formulas and test_steps_.. have them."""


def _is_of_a_sample(side: Side) -> bool:
    """Sides of networks need certified values; tests/formulas/test_network_steps.py has them."""
    module = getattr(side, "__module__", "")
    return module.rpartition(".")[2] not in {
        "network_steps",
        "threshold_steps",
        "sharper",
        "dimensions",
        "curve_bounds",  # tests/claims/test_curves.py has them
        "curve_limits",
    }


SIDES = sorted(
    {
        (getattr(side, "__name__", repr(getattr(side, "keywords", ""))), side)
        for claim in claims()
        for side in sides(claim)
        if side not in WEIGHT_SIDES and _is_of_a_sample(side)
    },
    key=lambda pair: pair[0],
)


@pytest.mark.parametrize("side", [side for _, side in SIDES], ids=[name for name, _ in SIDES])
def test_a_side_has_one_value_in_every_system(side: Side) -> None:
    with mp.workdps(40):
        reference = number(side(case("mpmath")))
    for name in SYSTEMS:
        # a dozen operations on numbers of moderate size, none of which cancels more than 10^3
        assert number(side(case(name))) == pytest.approx(reference, rel=1e-11), name


# Sides against the printed formulas, spelt once more in mpmath.


def alphas(points: tuple[Fraction, ...], y: Any, sigma: Fraction) -> list[Any]:
    weights = [mp.exp(-((y - mp.mpf(4) / 5 * _mp(x)) ** 2) / (2 * _mp(sigma) ** 2)) for x in points]
    return [weight / mp.fsum(weights) for weight in weights]


def _mp(x: Fraction) -> Any:
    return mp.mpf(x.numerator) / x.denominator


def variance(points: tuple[Fraction, ...], y: Any, sigma: Fraction) -> Any:
    weights = alphas(points, y, sigma)
    mean = mp.fsum(a * _mp(x) for a, x in zip(weights, points, strict=True))
    return mp.fsum(a * (_mp(x) - mean) ** 2 for a, x in zip(weights, points, strict=True))


@pytest.mark.parametrize("sigma", [Fraction(1, 10), SIGMA, Fraction(9, 10)])
@pytest.mark.parametrize("points", [POINTS, POINTS[:2], POINTS[1:]])
@pytest.mark.parametrize("i", [1, 2, 3])
def test_margins_are_left_minus_right(
    points: tuple[Fraction, ...], sigma: Fraction, i: int
) -> None:
    if i >= len(points):
        return
    with mp.workdps(60):
        c = case("mpmath", points, i, MU * points[i], sigma)
        middle = variance(points, _mp(MU * (points[i - 1] + points[i]) / 2), sigma)
        gap = _mp(points[i] - points[i - 1])
        margin = middle - gap**2 / (2 * len(points))
        assert mp.almosteq(bounds.midpoint_variance_margin(c), margin, 1e-40, 1e-40)
        small = min(right - left for left, right in pairwise(points))
        n, scale = len(points), _mp(MU) ** 2 / _mp(sigma) ** 4
        tail = mp.exp(-((_mp(MU * small) / _mp(sigma)) ** 2) / 4)
        bound = 4 * n * n * _mp(small) ** 2 * tail
        there = variance(points, _mp(MU * points[i]), sigma)
        margin = scale * ((middle - there) - (gap**2 / (2 * n) - bound))
        assert mp.almosteq(bounds.slope_jump_margin(c), margin, 1e-40, 1e-40)


def test_the_midpoint_margin_of_two_points_is_exactly_zero() -> None:
    c = case("arb", (Fraction(1, 3), Fraction(5, 7)), 1)
    assert bounds.midpoint_variance_margin(c) == 0


def test_lemma_14_closed_form_and_margin() -> None:
    with mp.workdps(40):
        c = case("mpmath")
        s, d = mp.mpf(1) / 5, mp.mpf(1) / 3
        integral = mp.quad(lambda x: x * x * mp.exp(-x * x / (2 * s * s)), [-d, 0, d])
        value = bounds.truncated_square(c)
        assert mp.almosteq(value, integral / mp.sqrt(2 * mp.pi * s * s), 1e-30)
        margin = value - bounds.truncated_square_floor(c)
        assert mp.almosteq(bounds.truncated_square_margin(c), margin, 1e-35)


def test_derivatives_of_the_score_by_the_quotient_rule() -> None:
    with mp.workdps(50):
        y = Fraction(3, 8)

        def score(t: Any) -> Any:
            weights = alphas(POINTS, t, SIGMA)
            mean = mp.fsum(a * _mp(x) for a, x in zip(weights, POINTS, strict=True))
            return (_mp(MU) * mean - t) / _mp(SIGMA) ** 2

        c = case("mpmath", y=y)
        assert mp.almosteq(bounds.printed_score(c), score(_mp(y)), 1e-40)
        # central differences at 50 digits: step 10^-20, so an error of about 10^-15
        first, second = mp.diff(score, _mp(y)), mp.diff(score, _mp(y), 2)
        assert mp.almosteq(bounds.differentiated_score(c), first, 1e-12)
        assert mp.almosteq(bounds.twice_differentiated_score(c), second, 1e-12)


def test_the_literal_corollary_fails_where_a_training_point_is_a_midpoint() -> None:
    points = (Fraction(1), Fraction(3))
    ns = load("mpmath")
    c = case("mpmath", points, 1, Fraction(1), Fraction(1, 5))
    half = Sample(c.sample.points, ns.constant(Fraction(1, 2)), c.sigma, 2)
    there = Case(ns, half, c.quantities, Anywhere(), i=1, y=c.y)
    assert number(bounds.slope_jump(there)) == 0
    assert number(bounds.slope_jump_bound(there)) > 0

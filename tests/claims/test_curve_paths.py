"""Claims about learning curves along two paths: every side, and every hypothesis.

The engine's sides are formulas in balls on a certified fixed point. The second path has the printed
equations, moments by quadrature, and difference quotients; the two share no code. Every part of
every conclusion is compared, not only the one that decides a row.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from mpmath.ctx_mp import MPContext

from dsmverify import catalogue
from dsmverify.certify import precision
from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, ReadOff, Stated
from dsmverify.curves.bundled import bundled_points
from dsmverify.curves.facts import CurveFacts
from dsmverify.replay.curves import CurveSetting
from dsmverify.replay.families import ENTRIES
from dsmverify.truth import Truth, compare

BITS = 240
CLAIMS = {
    claim.id: claim
    for claim in catalogue.claims()
    if claim.subject == "curve"
    and not isinstance(claim.conclusion, ReadOff)
    and not claim.undecidable
}
POINTS = {point.name.removeprefix("curve-"): point for point in bundled_points()}
CHOSEN = (
    *("reference-one", "reference-all", "fewer-erf", "fewer-abs", "more-before", "more-ten"),
    *("more-linear", "all-abs", "all-linear", "all-late", "peak-erf", "peak-relu", "large-ridge"),
    *("limit-relu", "limit-erf", "limit-sin", "limit-linear", "limit-few", "limit-law"),
)
"""Points that together meet the hypotheses of every claim, and miss those of every claim."""


@cache
def engine(name: str) -> CurveFacts:
    with precision(BITS):
        return CurveFacts(POINTS[name])


@cache
def replay(name: str) -> CurveSetting:
    context = MPContext()
    context.prec = BITS
    return CurveSetting(context, POINTS[name].to_json(), {}, 1)


def holds(left: Any, relation: str, right: Any) -> bool:
    """The relation, where equal sides may differ by rounding."""
    slack = abs(right) * 1e-50
    if relation in {"<=", ">="}:
        return bool(left <= right + slack if relation == "<=" else left >= right - slack)
    return bool(left < right if relation == "<" else left > right)


def assumed(claim: Claim, name: str) -> bool:
    """Whether the engine certifies every hypothesis of the claim at the point."""
    case, truths = engine(name).case(), []
    for premise in claim.hypotheses:
        assert isinstance(premise, Hypothesis)
        truths.append(compare(premise.left(case), premise.relation, premise.right(case)))
    assert Truth.FALSE in truths or Truth.UNKNOWN not in truths
    return Truth.FALSE not in truths


def parts_of(claim: Claim) -> tuple[Inequality | Identity, ...]:
    conclusion = claim.conclusion
    if isinstance(conclusion, Stated):
        return conclusion.checks
    if isinstance(conclusion, tuple):
        return conclusion
    assert isinstance(conclusion, Inequality | Identity)
    return (conclusion,)


@pytest.mark.parametrize("name", CHOSEN)
def test_both_paths_assume_the_same(name: str) -> None:
    for claim in CLAIMS.values():
        with precision(BITS):
            first = assumed(claim, name)
        given = ENTRIES[claim.id].given
        assert first == all(holds(*premise(replay(name))[1:]) for premise in given), claim.id


@pytest.mark.parametrize("name", CHOSEN)
def test_both_paths_have_the_same_sides(name: str) -> None:
    for claim in CLAIMS.values():
        with precision(BITS):
            if not assumed(claim, name):
                continue
            case = engine(name).case()
            values = [
                (part.left(case), getattr(part, "relation", "="), part.right(case))
                for part in parts_of(claim)
            ]
        found = ENTRIES[claim.id].sides(replay(name))
        assert len(found) == len(values), claim.id
        for (left, relation, right), (low, sign, high) in zip(values, found, strict=True):
            assert relation == sign, claim.id
            for ball, value in ((left, low), (right, high)):
                # lam = 0+ is a ridge of 2^-120 there; difference quotients leave some 2^-80
                off = 1e-10 * max(abs(float(low)), abs(float(high))) + 1e-40
                assert abs(float(ball.mid()) - float(value)) <= off, (claim.id, sign)


def test_the_points_meet_and_miss_the_hypotheses_of_every_claim() -> None:
    met: set[str] = set()
    missed: set[str] = set()
    for name in CHOSEN:
        with precision(BITS):
            for claim in CLAIMS.values():
                (met if assumed(claim, name) else missed).add(claim.id)
    assert met == missed == set(CLAIMS)


@pytest.mark.parametrize("name", ["peak-erf", "peak-relu"])
def test_both_paths_have_the_same_largest_small_ridge(name: str) -> None:
    (premise,) = [one for one in CLAIMS["rf.peak3"].hypotheses if "100" in one.statement]
    (given,) = [one for one in ENTRIES["rf.peak3"].given if one.__name__ == "small_ridge"]
    assert isinstance(premise, Hypothesis)
    with precision(BITS):
        largest = float(premise.right(engine(name).case()).mid())
    assert largest == pytest.approx(float(given(replay(name))[3]), rel=1e-12)


def test_a_margin_is_the_difference_of_its_sides() -> None:
    seen = 0
    for name in ("reference-one", "fewer-abs", "more-ten", "peak-erf", "large-ridge", "all-linear"):
        with precision(BITS):
            case = engine(name).case()
            for claim in CLAIMS.values():
                for part in parts_of(claim):
                    if isinstance(part, Inequality) and part.margin and assumed(claim, name):
                        margin = abs(part.left(case) - part.right(case))
                        assert float(part.margin(case)) == pytest.approx(float(margin), rel=1e-12)
                        seen += 1
    assert seen >= 12

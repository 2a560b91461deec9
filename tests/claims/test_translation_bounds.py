"""shift5 and shift6: rows at instances, planted errors, and derivations with one line changed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from dsmverify import catalogue, content
from dsmverify.battery import battery
from dsmverify.certify import Session, precision
from dsmverify.claims import Claim, Inequality, Row
from dsmverify.derivation import Chain, verify
from dsmverify.errors import DerivationError
from dsmverify.facts import Facts
from dsmverify.formulas import dimensions
from dsmverify.integrals import Accuracy

recheck = importlib.import_module("dsmverify.replay.recheck")
IDS = ("shift5", "shift5.s1", "shift6")
CLAIMS = {claim.id: claim for claim in catalogue.select(IDS)}
INSTANCES = {instance.name: instance for instance in battery()}
TELLING = "fitted-pair-eight"
"""A network of a risk so small that all floors are positive, left sides 1.1 to 1.5 of them."""

Side = Callable[[Any], Any]


def decide(claim: Claim, name: str = TELLING) -> Row:
    return Session(INSTANCES[name]).decide(claim)


@pytest.mark.parametrize("name", IDS)
def test_it_holds_at_accurate_networks_with_little_room(name: str) -> None:
    row = decide(CLAIMS[name])
    assert row.answer == "TRUE"
    assert not row.trivial
    assert row.slack is not None
    assert 1 < float(row.slack) < 2


@pytest.mark.parametrize("name", IDS)
def test_at_least_eight_instances_have_a_positive_floor(name: str) -> None:
    chosen = [one for one in INSTANCES.values() if one.network and one.name.startswith("fitted")]
    rows = [Session(instance).decide(CLAIMS[name]) for instance in chosen]
    assert {row.answer for row in rows} == {"TRUE"}
    assert sum(row.rhs is not None and float(Fraction(row.rhs.lower)) > 0 for row in rows) >= 8


def raised(floor: Side) -> Side:
    """The floor with 3 in the place of its first 2."""
    return lambda c: floor(c) + 1 / (c.sigma * c.sigma * c.sigma * c.sigma)


def steeper(floor: Side) -> Side:
    """The floor with sigma^5 in the place of sigma^4."""
    return lambda c: floor(c) / c.sigma


PLANTED = {
    "shift5": (dimensions.curvature_in_dimensions, dimensions.curvature_floor_in_dimensions),
    "shift5.s1": (dimensions.mean_squared_jacobian, dimensions.squared_jacobian_floor),
    "shift6": (dimensions.curvature_of_deep, dimensions.curvature_floor_of_deep),
}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("change", [raised, steeper])
def test_a_floor_with_another_constant_fails(name: str, change: Callable[[Side], Side]) -> None:
    left, floor = PLANTED[name]
    planted = replace(CLAIMS[name], conclusion=Inequality(left, ">=", change(floor)))
    assert decide(replace(planted, conclusion=Inequality(left, ">=", floor))).answer == "TRUE"
    assert decide(planted).answer == "FALSE"


def test_a_direction_that_is_no_unit_vector_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimensions, "DIRECTION", (Fraction(1, 3),) * 3)
    assert decide(CLAIMS["shift5"]).answer == "FALSE"


CHANGES = (
    ("add_translation", "+ eps * dot(weight, u),", "- eps * dot(weight, u),"),
    ("add_floor", "1 - 2 * root - root**2 / 2", "1 - root - root**2 / 2"),
    ("add_floor", "1 - 2 * root - root**2 / 2", "1 - 2 * root - root**2 / 4"),
    ("add_change_of_variable", "2 / sigma**4 - 4", "2 / sigma**3 - 4"),
    ("add_change_of_variable", "2 / sigma**4 - 4", "3 / sigma**4 - 4"),
    ("add_change_of_variable", "(zeta**2 - 1) * norm", "(zeta**2 + 1) * norm"),
    (
        "add_length",
        "2 * sigma**4 * ratio / dimension + over",
        "sigma**4 * ratio / dimension + over",
    ),
    ("add_all_axes", "1 - 2 * root / scale", "1 - root / scale"),
    ("add_jacobian", "DIMENSION * dot", "2 * dot"),
    ("add_engine", "sympy.Rational(1, 1024)", "sympy.Rational(1, 1025)"),
)
"""Part of the derivation, and what one of its lines becomes: constants, powers and signs."""


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[0]}: {change[2]}")
def test_a_changed_derivation_fails(change: tuple[str, str, str]) -> None:
    part, line, changed = change
    text = content.resource_text("derivations/translation_in_dimensions.py")
    assert text.count(line) == 1
    original: Any = content.derivation_module("translation_in_dimensions")
    space = {"__name__": original.__name__, "__package__": original.__package__}
    exec(compile(text.replace(line, changed), "changed", "exec"), space)
    add: Any = space[part]
    chain = Chain()
    add(chain)
    with pytest.raises(DerivationError):
        verify(chain.derivation("changed", "", "", ""))


@pytest.mark.parametrize("name", IDS)
def test_both_paths_agree_on_every_side(name: str) -> None:
    claim, instance = CLAIMS[name], INSTANCES["shape-one-right"]
    row = Session(instance).decide(claim)
    found, _ = recheck.evaluate(name, instance.to_json(), dict(row.where), row.bits)
    conclusion = claim.conclusion
    parts = conclusion if isinstance(conclusion, tuple) else (conclusion,)
    with precision(row.bits):
        case = Facts(instance, Accuracy(30)).case()
        for part, (left, relation, right) in zip(parts, found, strict=True):
            assert isinstance(part, Inequality)
            assert relation == part.relation
            for side, value in ((part.left, left), (part.right, right)):
                # both know about 96 bits of numbers that are sums of terms of their own size
                assert float(side(case).mid()) == pytest.approx(float(value.value), rel=1e-14)
    assert not any(recheck._fails(one) for one in found)

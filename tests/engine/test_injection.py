"""NaN, infinities, exceptions and exhausted budgets, at every place where a verdict is formed.

None of them may ever give TRUE, HOLDS or PROVED. Every place has a control: with a sound value
there the same claim is TRUE, so the place is one that the answer depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from dsmverify import bisection, catalogue, certify, derivation, facts, witnesses
from dsmverify.batch_hessians import BatchHessian, PointHessian
from dsmverify.battery import battery
from dsmverify.certify import LEVELS, Session, precision
from dsmverify.claims import (
    Claim,
    Enclosure,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Range,
    Ray,
    ReadOff,
    RealLine,
    Relation,
    Row,
    Source,
    Stated,
    Structural,
)
from dsmverify.errors import DerivationError, DsmverifyError, InputError
from dsmverify.facts import Facts
from dsmverify.findings import Finding, merged
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy, absolute_integral, integral
from dsmverify.minima import Minimum, find_minimum
from dsmverify.spectra import (
    collatz_wielandt,
    is_positive_definite,
    largest_eigenvalue,
    spectral_floor,
)
from dsmverify.truth import Truth, is_number
from dsmverify.verdicts import decide_verdict, read_off, sound_row

check: Any = import_module("dsmverify.checking")  # the package exports a function of this name

Side = Callable[[Any], Any]

NOISE = NoiseLevel(sigma=Fraction(2, 5), mu=Fraction(4, 5))
NETWORK = NetworkData(
    (Fraction(1), Fraction(-1)),
    (Fraction(0), Fraction(1)),
    (Fraction(1), Fraction(-2)),
    Fraction(9),
)
CASE = Instance("planted", (Fraction(0), Fraction(1, 3), Fraction(2)), NOISE)
AT_POINT = replace(CASE, parameters={"y": Fraction(1, 2)})
WITH_NETWORK = replace(CASE, network=NETWORK, learning_rate=Fraction(1, 100))
WITH_FUNCTION = replace(
    CASE,
    parameters={
        "f": [Fraction(0), Fraction(-1)], "beta": Fraction(3), "gamma": Fraction(2),
        "delta": Fraction(1),
    },
)  # fmt: skip


class PlantedError(Exception):
    """What a planted side raises."""


def broken(_: Any) -> Any:
    raise PlantedError


ODD: dict[str, Side] = {
    "nan": lambda _: arb("nan"),
    "inf": lambda _: arb("inf"),
    "-inf": lambda _: arb("-inf"),
    "unbounded": lambda _: arb(0, "inf"),
    "0/0": lambda c: c.ns.constant(0) / c.ns.constant(0),
    "raises": broken,
}
ODD_BALLS = [arb("nan"), arb("inf"), arb("-inf"), arb(0, "inf")]


@pytest.fixture(autouse=True)
def precision_is_kept() -> Iterator[None]:
    before = ctx.prec
    yield
    assert ctx.prec == before


@pytest.fixture(autouse=True)
def small_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a budget is 60 or 3000 cells decides nothing here but the time."""
    monkeypatch.setattr(bisection, "CELLS", 60)


def number(value: int | str) -> Side:
    exact = Fraction(value)
    return lambda c: c.ns.constant(exact)


def point(c: Any) -> Any:
    return c.point


def claim(conclusion: Any, **more: Any) -> Claim:
    return Claim("planted", Source("planted", 0), "planted", conclusion, **more)


HOLDING = Inequality(number(2), ">=", number(1))
EXP: Side = lambda c: c.ns.exp(c.ns.constant(1))  # noqa: E731
UNIT = Range(y=Interval(number(0), number(1)))
PROVED = frozenset({"planted"})


@dataclass(frozen=True)
class Place:
    """Where a value enters a verdict.

    Attributes:
        build: the claim, with a side in that place.
        good: a side with which it is TRUE.
        instance: what it is decided at.
        proved: ids that count as proved.
    """

    build: Callable[[Side], Claim]
    good: Side
    instance: Instance = CASE
    proved: frozenset[str] = frozenset()


def premise(left: Side, relation: Relation, right: Side) -> Hypothesis:
    return Hypothesis("planted premise", left, relation, right)


PLACES: dict[str, Place] = {
    "left of >=": Place(lambda s: claim(Inequality(s, ">=", number(0))), number(1)),
    "left of >": Place(lambda s: claim(Inequality(s, ">", number(0))), number(1)),
    "left of <=": Place(lambda s: claim(Inequality(s, "<=", number(2))), number(1)),
    "left of <": Place(lambda s: claim(Inequality(s, "<", number(2))), number(1)),
    "right of >=": Place(lambda s: claim(Inequality(number(2), ">=", s)), number(1)),
    "right of >": Place(lambda s: claim(Inequality(number(2), ">", s)), number(1)),
    "right of <=": Place(lambda s: claim(Inequality(number(0), "<=", s)), number(1)),
    "right of <": Place(lambda s: claim(Inequality(number(0), "<", s)), number(1)),
    "right that could be trivial": Place(
        lambda s: claim(Inequality(number(2), ">=", s, nonnegative_left=True)), number(1)
    ),
    "right that could be trivial, on an interval": Place(
        lambda s: claim(Inequality(number(2), ">=", s, nonnegative_left=True), range=UNIT),
        number(-1),
    ),
    "both sides": Place(
        lambda s: claim(Inequality(s, ">=", s, margin=number(0))), number(1)
    ),
    "margin": Place(lambda s: claim(Inequality(EXP, ">=", EXP, margin=s)), number(0)),
    "margin of <=": Place(lambda s: claim(Inequality(EXP, "<=", EXP, margin=s)), number(0)),
    "first part": Place(lambda s: claim((Inequality(s, ">=", number(0)), HOLDING)), number(1)),
    "last part": Place(lambda s: claim((HOLDING, Inequality(number(2), ">=", s))), number(1)),
    "value of an index": Place(
        lambda s: claim(
            Inequality(lambda c: s(c) if c.i == 2 else number(1)(c), ">=", number(0)),
            range=Range("points"),
        ),
        number(1),
    ),
    "left on an interval": Place(
        lambda s: claim(Inequality(s, ">=", number(0)), range=UNIT), number(1)
    ),
    "right on an interval": Place(
        lambda s: claim(Inequality(point, ">=", s), range=UNIT), number(-1)
    ),
    "one spot of an interval": Place(
        lambda s: claim(
            Inequality(
                lambda c: s(c) if c.point.overlaps(arb(1) / 3) else number(1)(c), ">=", number(0)
            ),
            range=UNIT,
        ),
        number(1),
    ),
    "lower end": Place(
        lambda s: claim(Inequality(point, ">=", number(-9)), range=Range(y=Interval(s, number(1)))),
        number(0),
    ),
    "upper end": Place(
        lambda s: claim(Inequality(point, "<=", number(9)), range=Range(y=Interval(number(0), s))),
        number(1),
    ),
    "end of an interval that the sides ignore": Place(
        lambda s: claim(HOLDING, range=Range(y=Interval(s, number(1)))), number(0)
    ),
    "upper end of an interval that the sides ignore": Place(
        lambda s: claim(HOLDING, range=Range(y=Interval(number(0), s))), number(1)
    ),
    "lower end around a given point": Place(
        lambda s: claim(HOLDING, range=Range(y=Interval(s, number(1)))), number(0), AT_POINT
    ),
    "upper end around a given point": Place(
        lambda s: claim(HOLDING, range=Range(y=Interval(number(0), s))), number(1), AT_POINT
    ),
    "place": Place(
        lambda s: claim(Inequality(point, ">=", number(-9)), range=Range(y=Places((s,)))),
        number(0),
    ),
    "second place": Place(
        lambda s: claim(HOLDING, range=Range(y=Places((number(0), s)))), number(1)
    ),
    "place of a given point": Place(
        lambda s: claim(HOLDING, range=Range(y=Places((s,)))), number("1/2"), AT_POINT
    ),
    "start of a ray": Place(
        lambda s: claim(HOLDING, range=Range(y=Ray(s, 1))), number(0), proved=PROVED
    ),
    "start of a ray downwards": Place(
        lambda s: claim(HOLDING, range=Range(y=Ray(s, -1))), number(0), proved=PROVED
    ),
    "start of a ray before a given point": Place(
        lambda s: claim(HOLDING, range=Range(y=Ray(s, 1))), number(0), AT_POINT
    ),
    "start of a ray after a given point": Place(
        lambda s: claim(HOLDING, range=Range(y=Ray(s, -1))), number(1), AT_POINT
    ),
    "side on the line": Place(
        lambda s: claim(Inequality(s, ">=", number(0)), range=Range(y=RealLine())),
        number(1), proved=PROVED,
    ),
    "left of a hypothesis": Place(
        lambda s: claim(HOLDING, hypotheses=(premise(s, ">=", number(0)),)), number(1)
    ),
    "right of a hypothesis": Place(
        lambda s: claim(HOLDING, hypotheses=(premise(number(2), ">", s),)), number(1)
    ),
    "right of a hypothesis with <=": Place(
        lambda s: claim(HOLDING, hypotheses=(premise(number(0), "<=", s),)), number(1)
    ),
    "second hypothesis": Place(
        lambda s: claim(
            HOLDING,
            hypotheses=(premise(number(1), ">", number(0)), premise(s, "<", number(9))),
        ),
        number(1),
    ),
    "left of a condition": Place(
        lambda s: claim(
            HOLDING, range=Range("points", where=(premise(s, ">=", number(0)),))
        ),
        number(1),
    ),
    "right of a condition": Place(
        lambda s: claim(
            HOLDING, range=Range("points", where=(premise(number(0), "<", s),))
        ),
        number(1),
    ),
    "second condition": Place(
        lambda s: claim(
            HOLDING,
            range=Range(
                "points",
                where=(premise(number(0), "<", number(1)), premise(s, "<", number(9))),
            ),
        ),
        number(1),
    ),
    "condition at one index": Place(
        lambda s: claim(
            HOLDING,
            range=Range(
                "points",
                where=(
                    premise(lambda c: s(c) if c.i == 3 else number(1)(c), ">", number(0)),
                ),
            ),
        ),
        number(1),
    ),
    "left of a proved identity": Place(
        lambda s: claim(Identity(s, number(1))), number(1), proved=PROVED
    ),
    "right of a proved identity": Place(
        lambda s: claim(Identity(number(1), s)), number(1), proved=PROVED
    ),
    "entry of a proved identity": Place(
        lambda s: claim(
            Identity(
                lambda c: np.array([c.mu, s(c), c.sigma], dtype=object),
                lambda c: np.array([c.mu, c.ns.constant(1), c.sigma], dtype=object),
            )
        ),
        number(1), proved=PROVED,
    ),
    "proved identity at one of its points": Place(
        lambda s: claim(
            Identity(
                lambda c: s(c) if c.point.overlaps(arb("0.5")) else number(1)(c), number(1)
            ),
            range=UNIT,
        ),
        number(1), AT_POINT, PROVED,
    ),
    "end of the range of a proved identity": Place(
        lambda s: claim(
            Identity(point, point), range=Range(y=Interval(s, number(1)))
        ),
        number(0), proved=PROVED,
    ),
    "check of a proved statement": Place(
        lambda s: claim(Stated("minimiser", (Inequality(s, ">=", number(0)),))),
        number(1), proved=PROVED,
    ),
    "second check of a proved statement": Place(
        lambda s: claim(Stated("minimiser", (HOLDING, Inequality(number(2), ">=", s)))),
        number(1), proved=PROVED,
    ),
    "check of a proved statement on the line": Place(
        lambda s: claim(
            Stated("minimiser", (Inequality(s, ">=", number(0)),)), range=Range(y=RealLine())
        ),
        number(1), proved=PROVED,
    ),
    "identity among the checks": Place(
        lambda s: claim(Stated("minimiser", (Identity(s, number(1)),))),
        number(1), proved=PROVED,
    ),
    "identity beside an inequality": Place(
        lambda s: claim((HOLDING, Identity(s, number(1)))), number(1), proved=PROVED
    ),
}  # fmt: skip


def assert_no_pass(one: Claim, rows: list[Row], names: dict[str, Any]) -> None:
    """No answer TRUE, no verdict HOLDS, nor PROVED where a proof is claimed.

    A proof holds whatever rows say, but needs an instance that certainly meets the hypotheses: one
    with sides that are numbers will do, even if they leave the conclusion undecided.
    """
    for row in rows:
        assert sound_row(row, one).answer != "TRUE"
    assert decide_verdict(one, rows, None, names).verdict != "HOLDS"
    if any(row.lhs is None or row.rhs is None for row in rows):
        assert decide_verdict(one, rows, True, names).verdict != "PROVED"


@pytest.mark.parametrize("name", PLACES)
def test_with_a_sound_value_every_place_is_true(name: str) -> None:
    place = PLACES[name]
    row = Session(place.instance, place.proved).decide(place.build(place.good))
    assert row.answer == "TRUE", row
    outcome = decide_verdict(place.build(place.good), [row], None, {"planted": {}})
    assert outcome.verdict == ("UNDECIDED" if row.trivial else "HOLDS")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", PLACES)
def test_an_odd_value_in_any_place_is_no_pass(name: str, odd: str) -> None:
    place = PLACES[name]
    one = place.build(ODD[odd])
    try:
        row = Session(place.instance, place.proved).decide(one)
    except (PlantedError, ValueError):
        return  # no row at all
    assert_no_pass(one, [row], {"planted": CASE.to_json()})


@pytest.mark.parametrize("odd", ["nan", "unbounded"])
@pytest.mark.parametrize("name", PLACES)
def test_an_odd_value_at_low_precision_is_forgotten_at_a_higher_one(name: str, odd: str) -> None:
    """What is no number at 96 bits and sound at 192 is decided at 192, or stays undecided."""
    place = PLACES[name]

    def late(c: Any) -> Any:
        return ODD[odd](c) if ctx.prec == LEVELS[0] else place.good(c)

    try:
        row = Session(place.instance, place.proved).decide(place.build(late))
    except ValueError:
        return
    assert row.answer in {"TRUE", "UNKNOWN", "NOT_APPLICABLE"}
    if row.answer == "TRUE":
        assert row.bits >= LEVELS[1]


# Budgets.


def test_an_exhausted_budget_of_cells_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """`y (3/2 - y) <= 6/10` on [0, 1] takes some cells."""

    def hill(c: Any) -> Any:
        return c.point * (c.ns.constant(Fraction(3, 2)) - c.point)

    one = claim(Inequality(hill, "<=", number("6/10")), range=UNIT)
    assert Session(CASE).decide(one).answer == "TRUE"
    monkeypatch.setattr(bisection, "CELLS", 3)
    row = Session(CASE).decide(one)
    assert (row.answer, row.reason) == ("UNKNOWN", "budget: 3 cells")
    assert decide_verdict(one, [row], None, {}).verdict == "UNDECIDED"
    monkeypatch.setattr(bisection, "CELLS", 0)
    assert Session(CASE).decide(one).answer == "UNKNOWN"


def test_an_exhausted_precision_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    one = claim(Inequality(EXP, "<", lambda c: c.ns.exp(c.ns.constant(1 + Fraction(1, 10**60)))))
    assert Session(CASE).decide(one).answer == "TRUE"
    monkeypatch.setattr(certify, "LEVELS", (96,))
    assert Session(CASE).decide(one).answer == "UNKNOWN"
    monkeypatch.setattr(certify, "LEVELS", ())
    row = Session(CASE).decide(one)
    assert (row.answer, row.reason) == ("UNKNOWN", "budget: nothing tried")


def test_an_exhausted_budget_of_a_minimum_encloses_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bisection, "MINIMUM_CELLS", 1)
    with precision(96):
        found = bisection.enclose_minimum(lambda y: (y - arb("0.3")) ** 2, arb(0), arb(1))
        assert found.overlaps(arb(0))


def test_an_undecided_condition_on_sigma_is_an_enclosure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The root that defines sigma_2 is not found: what is left is everything up to the end."""
    monkeypatch.setattr(facts, "compare", lambda *_: Truth.UNKNOWN)
    with precision(96):
        found = Facts(CASE, Accuracy()).sigma_2
        assert not found > 0


# Structural hypotheses.


def structural(predicate: Any, **more: Any) -> Claim:
    return claim(HOLDING, hypotheses=(Structural(predicate, predicate),), **more)


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
@pytest.mark.parametrize("predicate", ["outer_weights_within_bound", "outer_weights_inside_bound"])
def test_odd_bounds_and_weights_are_no_pass(
    predicate: str, odd: arb, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = structural(predicate, subject="network")
    assert Session(WITH_NETWORK).decide(one).answer == "TRUE"
    monkeypatch.setattr(Facts, "bound", odd)
    assert_no_pass(one, [Session(WITH_NETWORK).decide(one)], {"planted": {}})
    monkeypatch.undo()
    session = Session(WITH_NETWORK)
    for level, bits in enumerate(LEVELS):
        with precision(bits):
            known = session.facts(level, at_minimum=False)
            weights = np.array([known.network.outer[0], odd], dtype=object)
            known.__dict__["network"] = replace(known.network, outer=weights)
    assert_no_pass(one, [session.decide(one)], {"planted": {}})


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
@pytest.mark.parametrize("name", ["gamma", "delta", "f"])
def test_odd_slopes_and_widths_are_no_pass(
    name: str, odd: arb, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = structural(
        "function_slope_bounded_below", subject="function", parameters=("f", "gamma", "delta")
    )
    assert Session(WITH_FUNCTION).decide(one).answer == "TRUE"
    sound = Facts._parameter

    def planted(self: Facts, asked: str) -> Any:
        if asked != name:
            return sound(self, asked)
        return [arb(0), odd] if name == "f" else odd

    monkeypatch.setattr(Facts, "_parameter", planted)
    try:
        row = Session(WITH_FUNCTION).decide(one)
    except ValueError:
        return
    assert_no_pass(one, [row], {"planted": {}})


@pytest.mark.parametrize("truth", [Truth.UNKNOWN, Truth.FALSE])
@pytest.mark.parametrize("gradient", [arb(0), *ODD_BALLS], ids=str)
def test_no_proved_minimum_is_no_pass(
    truth: Truth, gradient: arb, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = structural("is_local_minimum", subject="minimum")
    monkeypatch.setattr(certify, "find_minimum", lambda *_, **__: Minimum(truth, None, gradient))
    assert_no_pass(one, [Session(WITH_NETWORK).decide(one)], {"planted": {}})


def test_undecided_stability_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    one = structural("is_linearly_stable", subject="minimum")
    for truth, answer in ((Truth.TRUE, "TRUE"), (Truth.UNKNOWN, "UNKNOWN")):
        monkeypatch.setattr(Session, "stability", lambda *_, truth=truth: (truth, "planted"))
        monkeypatch.setattr(Session, "minimum", lambda *_: Minimum(Truth.TRUE, None, arb(0)))
        assert Session(WITH_NETWORK).decide(one).answer == answer


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
@pytest.mark.parametrize("where", [(0, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("which", [0, 1])
def test_odd_moments_of_the_hessian_decide_no_stability(
    odd: arb, where: tuple[int, int], which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with precision(96):
        known = Facts(WITH_NETWORK, Accuracy())
        moments = [np.array([[arb(1), arb(0)], [arb(0), arb(1)]], dtype=object) for _ in range(2)]
        eye = moments[0].copy()

        def planted(*_: Any) -> BatchHessian[Any]:
            return BatchHessian((PointHessian(moments[0], (eye,), (moments[1],)),), Batch(1))

        monkeypatch.setattr(certify, "batch_hessian", planted)
        assert certify._linear_stability(known, "sum")[0] is Truth.TRUE
        moments[which][where] = moments[which][where[::-1]] = odd
        assert certify._linear_stability(known, "sum")[0] is Truth.UNKNOWN


@pytest.mark.parametrize("name", ["risk.gradient", "curvature.hessian"])
@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
def test_odd_derivatives_prove_no_minimum(
    name: str, odd: arb, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsmverify import minima

    (bundled,) = (one for one in battery_named("minimum-pair-ends"))
    module, _, function = name.partition(".")
    sound = getattr(getattr(minima, module), function)

    def planted(*arguments: Any) -> Any:
        value = sound(*arguments).copy()
        value[(0,) * value.ndim] = odd
        return value

    with precision(192):
        known = Facts(bundled, Accuracy())
        sample, network = known.sample, known.network
        assert find_minimum(sample, network, is_last=False).truth is Truth.TRUE
        monkeypatch.setattr(getattr(minima, module), function, planted)
        try:
            found = find_minimum(sample, network, is_last=False)
        except ValueError:
            return
        assert found.truth is not Truth.TRUE


@cache
def bundled_instances() -> dict[str, Instance]:
    return {instance.name: instance for instance in battery()}


def battery_named(*names: str) -> list[Instance]:
    return [bundled_instances()[name] for name in names]


# Bounds on eigenvalues, integrals, minima: an odd entry leaves no finite bound.


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
@pytest.mark.parametrize("where", [(0, 0), (0, 1), (1, 1)])
def test_odd_matrices_have_no_certain_eigenvalue(odd: arb, where: tuple[int, int]) -> None:
    matrix = np.array([[arb(2), arb(0)], [arb(0), arb(3)]], dtype=object)
    matrix[where] = matrix[where[::-1]] = odd
    assert is_positive_definite(matrix) is not Truth.TRUE
    assert not is_number(largest_eigenvalue(matrix))


@pytest.mark.parametrize("odd", [arb("nan"), arb("inf"), arb(0, "inf")], ids=str)
def test_odd_products_bound_no_eigenvalue(odd: arb) -> None:
    start = np.array([arb(1), arb(1)], dtype=object)
    for image in ([odd, arb(1)], [arb(1), odd]):
        product = partial(_image, image)
        assert not is_number(collatz_wielandt(product, start))
        assert not is_number(spectral_floor(product, start))


def _image(entries: list[arb], _: Any) -> Any:
    return np.array(entries, dtype=object)


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
def test_odd_integrands_have_no_finite_integral(odd: arb) -> None:
    from flint import acb

    panels = [arb(0), arb(1), arb(2)]
    with precision(96):
        assert not is_number(integral(lambda _: acb(odd), panels, arb(1), Accuracy(12, 50, 500)))
        found = absolute_integral(lambda _: odd, lambda _: acb(odd), panels, Accuracy(12, 50, 500))
        assert not is_number(found)


# Certified quantities: whichever a claim asks for, an odd value of it is no pass.


def quantities_of(one: Claim, instance: Instance) -> tuple[Row, set[str]]:
    """The row of a claim, and the names of the balls that its sides asked for."""
    asked: set[str] = set()
    sound = Facts.__call__

    def spying(self: Facts, name: str) -> Any:
        value = sound(self, name)
        if isinstance(value, arb):
            asked.add(name)
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Facts, "__call__", spying)
        row = Session(instance).decide(one)
    return row, asked


INSTANCES_OF_QUANTITIES = ("sample-pair-wide", "fitted-triple-nine", "large-rate-pair-one")


def cases_of_quantities() -> list[tuple[Claim, Instance, str]]:
    """Claims that are TRUE, each quantity that they ask for, and the first instance where."""
    found: dict[tuple[str, str], tuple[Claim, Instance, str]] = {}
    for name in INSTANCES_OF_QUANTITIES:
        (instance,) = battery_named(name)
        for one in catalogue.claims():
            if isinstance(one.conclusion, ReadOff) or one.undecidable:
                continue
            row, asked = quantities_of(one, instance)
            if row.answer == "TRUE" and not row.trivial:
                for quantity in sorted(asked):
                    found.setdefault((one.id, quantity), (one, instance, quantity))
    return [*found.values()]


def test_an_odd_quantity_is_no_pass() -> None:
    """A claim whose sides ask for a quantity is never TRUE when that quantity is no number."""
    cases = cases_of_quantities()
    assert len({quantity for _, _, quantity in cases}) >= 15
    assert len({one.id for one, _, _ in cases}) >= 40
    sound = Facts.__call__
    passed = []
    for one, instance, quantity in cases:
        for odd in (arb("nan"), arb(0, "inf")):

            def planted(self: Facts, name: str, quantity: str = quantity, odd: arb = odd) -> Any:
                return odd if name == quantity else sound(self, name)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Facts, "__call__", planted)
                patch.setattr(certify, "LEVELS", LEVELS[:1])
                try:
                    row = Session(instance).decide(one)
                except (ValueError, DsmverifyError):
                    continue
                if row.answer == "TRUE":
                    passed.append((one.id, quantity, str(odd)))
    assert passed == []


# Merging.


@pytest.mark.parametrize("truth", [Truth.UNKNOWN, Truth.FALSE])
def test_one_part_that_is_not_true_is_enough(truth: Truth) -> None:
    true = Finding(left=arb(2), right=arb(1), slack=arb(2), trivial=False)
    odd = replace(true, truth=truth)
    for parts in ([odd], [true, odd], [odd, true], [true, odd, true]):
        assert merged(parts).truth is truth


@pytest.mark.parametrize("odd", ODD_BALLS, ids=str)
def test_an_odd_slack_is_never_shown(odd: arb) -> None:
    finding = Finding(trivial=False).tightest(">=", odd, arb(1), {})
    assert finding.slack is None
    assert finding.tightest(">=", arb(1), odd, {}).slack is None


# Rows into verdicts.

GOOD = Enclosure("2.0", "2.1")
LESS = Enclosure("1.0", "1.1")
MALFORMED: dict[str, dict[str, Any]] = {
    "nan slack": {"slack": "nan"},
    "infinite slack": {"slack": "inf"},
    "slack that is no text": {"slack": 2.0},
    "nan side": {"lhs": Enclosure("nan", "nan")},
    "nan end": {"lhs": Enclosure("2.0", "nan")},
    "infinite side": {"rhs": Enclosure("-inf", "1")},
    "unbounded side": {"lhs": Enclosure("2.0", "inf")},
    "empty side": {"lhs": Enclosure("2.1", "2.0")},
    "side that is no text": {"rhs": Enclosure(1.0, 1.0)},  # type: ignore[arg-type]
    "side that contradicts": {"lhs": LESS, "rhs": GOOD},
    "failed hypothesis": {"failed_hypothesis": "planted"},
    "answer PASS": {"answer": "PASS"},
    "answer true": {"answer": "true"},
    "answer None": {"answer": None},
    "answer NaN": {"answer": float("nan")},
}


def good_row(**fields: Any) -> Row:
    known: dict[str, Any] = {"answer": "TRUE", "lhs": GOOD, "rhs": LESS, "slack": "1.8"}
    return Row("planted", "planted", **{**known, **fields})


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_row_is_no_pass(name: str) -> None:
    one = claim(HOLDING)
    assert decide_verdict(one, [good_row()], None, {"planted": {}}).verdict == "HOLDS"
    assert decide_verdict(one, [good_row()], True, {"planted": {}}).verdict == "PROVED"
    rows = [good_row(**MALFORMED[name])]
    assert_no_pass(one, rows, {"planted": {}})
    mixed = decide_verdict(one, [good_row(), *rows], None, {"planted": {}})
    assert mixed.verdict == "UNDECIDED"
    assert mixed.unknown == 1


@pytest.mark.parametrize("answer", ["UNKNOWN", "NOT_APPLICABLE"])
def test_what_is_not_decided_is_no_pass(answer: str) -> None:
    row = Row("planted", "planted", answer)  # type: ignore[arg-type]
    assert_no_pass(claim(HOLDING), [row], {"planted": {}})
    assert_no_pass(claim(HOLDING), [row, row], {"planted": {}})
    assert_no_pass(claim(HOLDING), [], {})


def test_a_claim_that_nothing_can_decide_is_no_pass() -> None:
    one = claim(HOLDING, undecidable="planted")
    for proof in (None, True):
        outcome = decide_verdict(one, [good_row()], proof, {"planted": {}})
        assert (outcome.verdict, outcome.reason) == ("UNDECIDED", "limit: planted")


def test_a_false_row_is_refuted_whatever_else_is_claimed() -> None:
    rows = [good_row(), good_row(answer="FALSE", lhs=LESS, rhs=GOOD, slack="0.5")]
    for proof in (None, True, False):
        for vacuous in (False, True):
            outcome = decide_verdict(claim(HOLDING), rows, proof, {"planted": {}}, vacuous=vacuous)
            assert outcome.verdict == "REFUTED"


def test_what_is_read_off_is_what_its_source_says() -> None:
    source = decide_verdict(claim(HOLDING), [], None, {})
    own, _ = read_off(claim(ReadOff("planted")), source, [])
    assert own.verdict == "UNDECIDED"


# Derivations.


@dataclass
class Derived:
    """What a derivation gives."""

    proves: tuple[str, ...] = ()
    proves_steps: tuple[str, ...] = ()


DERIVED = claim(Identity(number(1), number(1)), derivation="planted")


def test_a_derivation_that_raises_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str) -> Any:
        raise DerivationError(name, "planted")

    monkeypatch.setattr(derivation, "run", failing)
    assert check.prove([DERIVED]) == {"planted": False}
    monkeypatch.setattr(derivation, "run", broken)
    with pytest.raises(PlantedError):
        check.prove([DERIVED])


@pytest.mark.parametrize("listed", [(), ("another",), ("planted.a",), ("plante",), ("PLANTED",)])
def test_a_derivation_that_does_not_list_a_claim_does_not_prove_it(
    listed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derivation, "run", lambda _: Derived(listed, listed))
    assert check.prove([DERIVED]) == {}
    assert check.prove([replace(DERIVED, derivation=None)]) == {}
    monkeypatch.setattr(derivation, "run", lambda _: Derived(("planted",)))
    assert check.prove([DERIVED]) == {"planted": True}


def test_a_failed_proof_is_no_pass_of_an_identity() -> None:
    row = Session(CASE, frozenset({"another"})).decide(DERIVED)
    assert row.answer == "UNKNOWN"
    for proof in (None, False):
        assert decide_verdict(DERIVED, [row], proof, {"planted": {}}).verdict == "UNDECIDED"


# Stored witnesses.


def store(monkeypatch: pytest.MonkeyPatch, name: str, document: str) -> None:
    """One stored witness, and no other."""
    stored = SimpleNamespace(
        resource_names=lambda *_: [f"{name}.json"], resource_text=lambda _: document
    )
    monkeypatch.setattr(witnesses, "content", stored)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ('{"x": ["0", "nan"], "sigma": "1/3"}', InputError),
        ('{"x": ["0", "1"], "sigma": "inf"}', InputError),
        ('{"x": ["0", "0"], "sigma": "1/3"}', InputError),
        ('{"x": ["0", NaN], "sigma": "1/3"}', InputError),
        ("", InputError),
    ],
)
def test_a_stored_witness_that_is_no_instance_is_an_error(
    document: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    store(monkeypatch, "prop02a", document)
    with pytest.raises(error):
        witnesses.kept()


def test_a_stored_witness_is_decided_again_and_refutes_only_if_false(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The witness of a claim that is true is one more instance, and nothing else."""
    document = '{"x": ["0", "1"], "sigma": "1/3", "mu": "1/2"}'
    store(monkeypatch, "prop02b", document)
    monkeypatch.setattr(check, "battery", list)
    report = check.check(None, ["prop02b"])
    (outcome,) = report.claims
    assert (outcome.verdict, outcome.tried, outcome.applicable) == ("UNDECIDED", 1, 0)
    (row,) = report.rows
    assert row.instance == f"{witnesses.PREFIX}prop02b"
    assert row.answer == "NOT_APPLICABLE"


# Whole checks.


def stand_in(monkeypatch: pytest.MonkeyPatch, planted: Claim) -> None:
    """A catalogue of one claim."""
    monkeypatch.setattr(catalogue, "select", lambda ids=None: (planted,) if ids else ())
    monkeypatch.setattr(catalogue, "claims", lambda: (planted,))
    monkeypatch.setattr(catalogue, "recorded", dict)


@pytest.mark.parametrize("odd", ["nan", "unbounded"])
def test_an_odd_side_of_a_claim_of_the_catalogue_is_no_pass_of_a_check(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known,) = catalogue.select(["cor03.d"])
    assert isinstance(known.conclusion, Inequality)
    planted = replace(known, conclusion=replace(known.conclusion, left=ODD[odd], margin=ODD[odd]))
    stand_in(monkeypatch, planted)
    report = check.check([CASE], ["cor03.d"])
    (outcome,) = report.claims
    assert outcome.verdict == "UNDECIDED"
    assert outcome.true == 0


def test_an_exception_in_a_side_ends_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    (known,) = catalogue.select(["cor03.d"])
    planted = replace(known, conclusion=Inequality(broken, ">=", number(0)))
    stand_in(monkeypatch, planted)
    with pytest.raises(PlantedError):
        check.check([CASE], ["cor03.d"])

"""The referee refereed: planted claims and what the engine must say about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, ctx
from mpmath import mp

from dsmverify import bisection, certify
from dsmverify.certify import LEVELS, Session, precision
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Range,
    Ray,
    RealLine,
    Relation,
    Row,
    Source,
    Structural,
)
from dsmverify.findings import Finding, slack_text
from dsmverify.instance import Instance, NoiseLevel

CASE = Instance(
    "planted",
    (Fraction(0), Fraction(1, 3), Fraction(2)),
    NoiseLevel(sigma=Fraction(2, 5), mu=Fraction(4, 5)),
)

Side = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def precision_is_kept() -> Iterator[None]:
    before = ctx.prec
    yield
    assert ctx.prec == before


def claim(conclusion: Any, name: str = "planted", **more: Any) -> Claim:
    return Claim(name, Source("planted", 0), "planted", conclusion, **more)


def decide(conclusion: Any, instance: Instance = CASE, **more: Any) -> Row:
    return Session(instance).decide(claim(conclusion, **more))


def number(value: str | int) -> Side:
    fraction = Fraction(value)
    return lambda c: c.ns.constant(fraction)


def variance(c: Any) -> Any:
    return c.posterior_variance(c.point)


def midpoint(c: Any) -> Any:
    return c.midpoint(c.i)


def variance_in_mpmath(y: Fraction) -> Any:
    assert CASE.noise.mu is not None and CASE.noise.sigma is not None
    mu, sigma = (mp.mpf(v.numerator) / v.denominator for v in (CASE.noise.mu, CASE.noise.sigma))
    x = [mp.mpf(p.numerator) / p.denominator for p in CASE.points]
    at = mp.mpf(y.numerator) / y.denominator
    weights = [mp.npdf(at, mu * p, sigma) for p in x]
    mean = mp.fdot(weights, x) / mp.fsum(weights)
    return mp.fdot(weights, [(p - mean) ** 2 for p in x]) / mp.fsum(weights)


def encloses(enclosure: Any, value: Any) -> bool:
    return bool(mp.mpf(enclosure.lower) <= value <= mp.mpf(enclosure.upper))


# Inequalities.


@pytest.mark.parametrize(
    ("relation", "answer"), [(">=", "TRUE"), (">", "TRUE"), ("<=", "FALSE"), ("<", "FALSE")]
)
def test_flipped_relations_flip_the_answer(relation: Relation, answer: str) -> None:
    row = decide(Inequality(number(3), relation, number(2)))
    assert row.answer == answer
    assert row.lhs is not None and row.rhs is not None
    assert Decimal(row.lhs.lower) == 3
    assert Decimal(row.rhs.upper) == 2


def test_a_false_bound_is_refuted_at_an_exact_point_that_mpmath_confirms() -> None:
    """`V[W(y)] <= 1/10` fails near the midpoint of the wide gap only."""
    between = Range("gaps", Interval(lambda c: c.mu * c.x(c.i), lambda c: c.mu * c.x(c.i + 1)))
    row = decide(Inequality(variance, "<=", number("1/10")), range=between)
    assert row.answer == "FALSE"
    y, i = Fraction(row.where["y"]), int(row.where["i"])
    means = [Fraction(4, 5) * x for x in CASE.points]
    assert means[i - 1] <= y <= means[i]
    with mp.workdps(40):
        value = variance_in_mpmath(y)
        assert value > mp.mpf(1) / 10
        assert encloses(row.lhs, value)
        assert row.rhs is not None
        assert Fraction(row.rhs.lower) <= Fraction(1, 10) <= Fraction(row.rhs.upper)


def test_a_true_bound_over_a_range_holds_with_slack_rounded_down() -> None:
    between = Range("none", Interval(lambda c: c.mu * c.x(1), lambda c: c.mu * c.x(3)))
    row = decide(Inequality(variance, "<=", number(1)), range=between)  # (x_3 - x_1)^2/4 = 1
    assert row.answer == "TRUE"
    assert row.slack is not None
    with mp.workdps(40):
        value = variance_in_mpmath(Fraction(row.where["y"]))
        assert mp.mpf(row.slack) <= 1 / value <= mp.mpf(row.slack) * (1 + mp.mpf("0.002"))


@pytest.mark.parametrize("width", ["1/100", "1/10000"])
def test_a_violation_in_a_narrow_interval_is_found(width: str) -> None:
    """`(y - 7/10)^2 >= width^2` on [0, 1] fails within width of 7/10, which no grid point meets."""
    conclusion = Inequality(
        lambda c: (
            (c.point - c.ns.constant(Fraction(7, 10))) * (c.point - c.ns.constant(Fraction(7, 10)))
        ),
        ">=",
        number(Fraction(width) ** 2),  # type: ignore[arg-type]
    )
    row = decide(conclusion, range=Range("none", Interval(number(0), number(1))))
    assert row.answer == "FALSE"
    assert abs(Fraction(row.where["y"]) - Fraction(7, 10)) < Fraction(width)


def test_a_range_that_touches_equality_is_unknown() -> None:
    conclusion = Inequality(lambda c: c.point * c.point, ">=", number(0))
    shifted = Inequality(
        lambda c: (
            (c.point - c.ns.constant(Fraction(1, 3))) * (c.point - c.ns.constant(Fraction(1, 3)))
        ),
        ">",
        number(0),
    )
    span = Range("none", Interval(number(-1), number(1)))
    assert decide(conclusion, range=span).answer in {"TRUE", "UNKNOWN"}
    row = decide(shifted, range=span)
    assert row.answer == "UNKNOWN"
    assert row.reason is not None


def test_equality_is_unknown_and_named() -> None:
    """`exp(1/3)^3 >= exp(1)`."""

    def cube(c: Any) -> Any:
        third = c.ns.exp(c.ns.constant(Fraction(1, 3)))
        return third * third * third

    row = decide(Inequality(cube, ">=", lambda c: c.ns.exp(c.ns.constant(1))))
    assert row.answer == "UNKNOWN"
    assert row.reason is not None and row.reason.startswith("equality")
    assert row.bits == LEVELS[-1]


def test_close_sides_are_told_apart_by_more_bits() -> None:
    close = Inequality(
        lambda c: c.ns.exp(c.ns.constant(1)),
        "<",
        lambda c: c.ns.exp(c.ns.constant(1 + Fraction(1, 10**60))),
    )
    row = decide(close)
    assert row.answer == "TRUE"
    assert LEVELS[0] < row.bits
    assert row.slack == "1.000"


def test_nan_is_unknown() -> None:
    nan: Side = lambda c: c.ns.constant(0) / c.ns.constant(0)  # noqa: E731
    for conclusion in (Inequality(nan, ">=", number(0)), Inequality(number(0), "<=", nan)):
        row = decide(conclusion)
        assert row.answer == "UNKNOWN"
        assert row.lhs is None or row.rhs is None


def test_an_exception_is_no_answer_and_restores_precision() -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError("planted")

    with precision(77):
        with pytest.raises(ZeroDivisionError, match="planted"):
            decide(Inequality(broken, ">=", number(0)))
        assert ctx.prec == 77
        decide(Inequality(number(1), ">=", number(0)))
        assert ctx.prec == 77


def test_trivial_rows_are_flagged() -> None:
    row = decide(Inequality(number(1), ">=", number(-1), nonnegative_left=True))
    assert (row.answer, row.trivial) == ("TRUE", True)
    for plain in (
        Inequality(number(1), ">=", number(-1)),
        Inequality(number(1), ">=", number("1/2"), nonnegative_left=True),
    ):
        row = decide(plain)
        assert (row.answer, row.trivial) == ("TRUE", False)


def test_one_index_that_says_something_makes_a_row_not_trivial() -> None:
    conclusion = Inequality(number(1), ">=", lambda c: c.x(c.i) - 1, nonnegative_left=True)
    row = decide(conclusion, range=Range("points"))  # right sides -1, -2/3, 1
    assert (row.answer, row.trivial) == ("UNKNOWN" if row.answer == "UNKNOWN" else "TRUE", False)


def test_a_margin_decides_where_sides_touch() -> None:
    same: Side = lambda c: c.ns.exp(c.ns.constant(1))  # noqa: E731
    assert decide(Inequality(same, ">=", same)).answer == "UNKNOWN"
    assert decide(Inequality(same, ">=", same, margin=number(0))).answer == "TRUE"
    assert decide(Inequality(same, ">=", same, margin=number(-1))).answer == "UNKNOWN"


def test_places_are_all_tried() -> None:
    at = Range("gaps", Places((midpoint, lambda c: c.mu * c.x(c.i))))
    row = decide(Inequality(variance, "<=", number("1/2")), range=at)
    assert row.answer == "FALSE"
    assert row.where == {"i": "2", "y": row.where["y"]}
    with mp.workdps(40):
        assert variance_in_mpmath(Fraction(row.where["y"])) > mp.mpf(1) / 2


# Hypotheses.


def test_an_impossible_hypothesis_is_named_with_its_numbers() -> None:
    impossible = Hypothesis("sigma >= 1/2", lambda c: c.sigma, ">=", number("1/2"))
    row = decide(Inequality(number(0), ">=", number(1)), hypotheses=(impossible,))
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis is not None
    assert row.failed_hypothesis.startswith("sigma >= 1/2: 0.4")
    assert row.failed_hypothesis.endswith(">= 0.5000") or "0.5" in row.failed_hypothesis


def test_a_hypothesis_that_touches_equality_is_decided_exactly() -> None:
    """`sigma >= 2/5` holds with equality, `sigma > 2/5` fails."""
    holds = Hypothesis("sigma >= 2/5", lambda c: c.sigma, ">=", number("2/5"))
    assert decide(Inequality(number(1), ">=", number(0)), hypotheses=(holds,)).answer == "TRUE"
    fails = replace(holds, statement="sigma > 2/5", relation=">")
    row = decide(Inequality(number(1), ">=", number(0)), hypotheses=(fails,))
    assert row.answer == "NOT_APPLICABLE"


def test_an_undecided_hypothesis_leaves_the_claim_undecided() -> None:
    touching = Hypothesis(
        "exp(0.4) >= exp(sigma)",
        lambda c: c.ns.exp(c.ns.constant(Fraction(2, 5))),
        ">=",
        lambda c: c.ns.exp(c.sigma),
    )
    for conclusion in (
        Inequality(number(1), ">=", number(0)),
        Inequality(number(0), ">=", number(1)),
    ):
        row = decide(conclusion, hypotheses=(touching,))
        assert row.answer == "UNKNOWN"
        assert row.reason is not None and touching.statement in row.reason


@pytest.mark.parametrize("predicate", ["has_network", "has_learning_rate", "has_power"])
def test_what_an_instance_lacks_is_named(predicate: Any) -> None:
    row = decide(
        Inequality(number(1), ">=", number(0)),
        hypotheses=(Structural(f"planted {predicate}", predicate),),
    )
    assert (row.answer, row.failed_hypothesis) == ("NOT_APPLICABLE", f"planted {predicate}")


def test_a_claim_about_networks_needs_one() -> None:
    row = decide(Inequality(number(1), ">=", number(0)), subject="network")
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis is not None and "network" in row.failed_hypothesis


# Identities.


def posterior_mean(c: Any) -> Any:
    return c.posterior_mean(c.point)


def mean_from_score(c: Any) -> Any:
    return (c.sigma * c.sigma * c.score(c.point) + c.point) / c.mu


def wrong_mean(c: Any) -> Any:
    return (c.sigma * c.score(c.point) + c.point) / c.mu


ANYWHERE = Range("none", Interval(number(0), number(1)))


def test_an_identity_is_true_only_where_it_is_proved() -> None:
    planted = claim(Identity(posterior_mean, mean_from_score), range=ANYWHERE)
    row = Session(CASE).decide(planted)
    assert row.answer == "UNKNOWN"
    assert row.reason is not None and "agree to" in row.reason
    assert Session(CASE, frozenset({"planted"})).decide(planted).answer == "TRUE"
    assert Session(CASE, frozenset({"another"})).decide(planted).answer == "UNKNOWN"


def test_a_false_identity_is_false_even_where_it_is_called_proved() -> None:
    planted = claim(Identity(posterior_mean, wrong_mean), range=ANYWHERE)
    for proved in (frozenset[str](), frozenset({"planted"})):
        row = Session(CASE, proved).decide(planted)
        assert row.answer == "FALSE"
        assert "y" in row.where


def test_one_false_entry_refutes_an_identity_of_vectors() -> None:
    import numpy as np

    def left(c: Any) -> Any:
        return np.array([c.mu, c.sigma, c.mu], dtype=object)

    def right(c: Any) -> Any:
        return np.array([c.mu, c.sigma, c.sigma], dtype=object)

    row = decide(Identity(left, right))
    assert (row.answer, row.where["entry"]) == ("FALSE", "3")


# Slack and precision.


@pytest.mark.parametrize(
    ("slack", "text"),
    [("1.99999", "1.999"), ("1.00009", "1.000"), ("123456", "1.234e+5"), ("2", "2.000")],
)
def test_slack_is_rounded_down(slack: str, text: str) -> None:
    with precision(96):
        shown = slack_text(Finding(slack=arb(slack)))
    assert shown is not None
    assert Decimal(text) * Decimal("0.999") <= Decimal(shown) <= Decimal(slack)


def test_precision_is_restored_after_an_exception() -> None:
    before = ctx.prec
    with pytest.raises(KeyError), precision(500):
        assert ctx.prec == 500
        raise KeyError
    assert ctx.prec == before


def test_budgets_are_counts() -> None:
    assert tuple(sorted(certify.LEVELS)) == certify.LEVELS
    assert isinstance(bisection.CELLS, int)


# Ranges of indices, parts, exact sides.


def quantity_of_indices(c: Any) -> Any:
    return c.ns.constant(100 * c.i + 10 * c.k + c.l)


@pytest.mark.parametrize(
    ("index", "count", "last"),
    [("points", 3, "3"), ("gaps", 2, "2"), ("pairs", 3, "2,3"), ("others", 6, "3,2")],
)
def test_every_value_of_an_index_is_decided(index: Any, count: int, last: str) -> None:
    greatest = {"points": 300, "gaps": 200, "pairs": 230, "others": 320}[index]
    claim = Range(index)
    row = decide(Inequality(quantity_of_indices, "<=", number(greatest)), range=claim)
    assert (row.answer, row.evaluations) == ("TRUE", count)
    row = decide(Inequality(quantity_of_indices, "<", number(greatest)), range=claim)
    assert row.answer == "FALSE"
    assert ",".join(row.where[name] for name in ("i", "j") if name in row.where) == last


def test_a_condition_leaves_values_out() -> None:
    beyond_first = Hypothesis("i > 1", lambda c: c.ns.constant(c.i), ">", number(1))
    span = Range("points", where=(beyond_first,))
    row = decide(Inequality(quantity_of_indices, ">=", number(200)), range=span)
    assert (row.answer, row.evaluations) == ("TRUE", 2)
    nothing = Hypothesis("i > 9", lambda c: c.ns.constant(c.i), ">", number(9))
    row = decide(
        Inequality(quantity_of_indices, ">=", number(0)), range=Range("points", where=(nothing,))
    )
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis is not None and row.failed_hypothesis.startswith("i > 9")


def test_an_undecided_condition_is_unknown() -> None:
    root = lambda c: c.ns.root(c.ns.constant(2), 2) * c.ns.root(c.ns.constant(2), 2)  # noqa: E731
    condition = Hypothesis("2 > 2", root, ">", number(2))
    span = Range("points", where=(condition,))
    row = decide(Inequality(number(1), ">=", number(0)), range=span)
    assert row.answer == "UNKNOWN"


def test_parts_are_all_decided() -> None:
    good = Inequality(number(2), ">=", number(1))
    row = decide((good, Inequality(number(3), ">", number(1))))
    assert (row.answer, row.where["part"], row.slack) == ("TRUE", "1", "2.000")
    row = decide((good, Inequality(number(3), ">", number(4)), good))
    assert (row.answer, row.where["part"]) == ("FALSE", "2")
    row = decide((good, Identity(number(3), number(4))))
    assert (row.answer, row.where["part"]) == ("FALSE", "2")
    row = decide((good, Identity(number(3), number(3))))
    assert row.answer == "UNKNOWN"  # an identity at an instance is TRUE only if proved


def test_equal_rational_sides_are_decided_exactly() -> None:
    third = lambda c: c.ns.constant(1) / 3  # noqa: E731
    row = decide(Inequality(third, ">=", number("1/3")))
    assert row.answer == "TRUE"
    row = decide(Inequality(third, ">", number("1/3")))
    assert row.answer == "FALSE"


def test_an_unbounded_range_is_never_true_without_a_proof() -> None:
    square = lambda c: c.point * c.point  # noqa: E731
    for span in (RealLine(), Ray(number(0), 1), Ray(number(0), -1)):
        row = decide(Inequality(square, ">=", number(-1)), range=Range(y=span))
        assert row.answer == "UNKNOWN"
        assert row.reason is not None and "window" in row.reason
        row = decide(Inequality(square, ">", number("1/9")), range=Range(y=span))
        assert row.answer == "FALSE"

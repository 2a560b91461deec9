"""Inequalities on whole intervals, minima over intervals, and exact points inside."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from flint import arb

from dsmverify import bisection
from dsmverify.bisection import decide_over_interval, enclose_minimum, exact_between, exact_fraction
from dsmverify.claims import Relation
from dsmverify.findings import Finding
from dsmverify.truth import Truth

HALF = arb("0.5")


def against(bound: Any) -> Callable[[arb], tuple[arb, arb]]:
    """`y` on the left, a number on the right."""
    return lambda y: (y, arb(bound))


def constantly(value: arb) -> Callable[[arb], arb]:
    """One value everywhere."""
    return lambda _: value


def parabola(centre: str, least: int) -> Callable[[arb], arb]:
    """`(y - centre)^2 + least`."""
    return lambda y: (y - arb(centre)) ** 2 + least


def decide(
    sides: Callable[[arb], tuple[arb, arb]], relation: Relation, ends: tuple[Any, Any] = (0, 1)
) -> Finding:
    low, high = ends
    return decide_over_interval(sides, relation, (arb(low), arb(high)), Finding(trivial=False))


@pytest.mark.parametrize(
    ("relation", "bound", "truth"),
    [
        ("<=", "1.5", Truth.TRUE),
        ("<", "1.5", Truth.TRUE),
        (">=", "-0.5", Truth.TRUE),
        (">", "-0.5", Truth.TRUE),
        ("<=", "0.9", Truth.FALSE),
        (">=", "0.1", Truth.FALSE),
        ("<", "0.5", Truth.FALSE),
        (">", "0.5", Truth.FALSE),
    ],
)
def test_a_straight_line(relation: Relation, bound: str, truth: Truth) -> None:
    finding = decide(against(bound), relation)
    assert finding.truth is truth
    assert finding.evaluations >= 1
    if truth is Truth.FALSE:
        y = Fraction(finding.where["y"])
        assert 0 <= y <= 1
        assert finding.left == arb(y.numerator) / y.denominator
        assert finding.right is not None
        assert finding.right.overlaps(arb(bound))


def test_one_cell_decides_what_one_ball_decides() -> None:
    finding = decide(against(2), "<=")
    assert (finding.truth, finding.evaluations) == (Truth.TRUE, 1)
    assert finding.where == {"y": "0.5"} or Fraction(finding.where["y"]) == Fraction(1, 2)
    assert finding.slack is not None
    assert finding.slack == arb(4)


def test_what_was_spent_before_counts() -> None:
    before = Finding(trivial=False, evaluations=7)
    ends = (arb(0), arb(1))
    assert decide_over_interval(against(2), "<=", ends, before).evaluations == 8
    assert decide_over_interval(against("0.1"), "<=", ends, before).evaluations == 8
    touching = decide_over_interval(against(0), ">", ends, before)
    assert touching.evaluations > 8


@pytest.mark.parametrize("cells", [1, 2, 10, 11])
def test_a_budget_is_a_count_of_cells(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bisection, "CELLS", cells)
    before, ends = Finding(evaluations=7), (arb(0), arb(1))
    finding = decide_over_interval(lambda y: (arb(0, 1), arb(0)), ">", ends, before)
    assert (finding.truth, finding.evaluations) == (Truth.UNKNOWN, 7 + cells + 1)
    assert finding.reason == f"budget: {cells} cells"
    finding = decide_over_interval(against(-1), ">=", ends, before)
    assert finding.truth is Truth.TRUE


def test_free_variables_stay_beside_the_point() -> None:
    ends = (arb(0), arb(1))
    finding = decide_over_interval(against("0.1"), "<=", ends, Finding(), {"i": "3"})
    assert (finding.truth, finding.where["i"], set(finding.where)) == (
        Truth.FALSE, "3", {"i", "y"},
    )  # fmt: skip
    finding = decide_over_interval(against(2), "<=", ends, Finding(), {"i": "3"})
    assert (finding.truth, set(finding.where)) == (Truth.TRUE, {"i", "y"})


def test_the_tightest_point_seen_is_kept() -> None:
    """`6/10 >= y (3/2 - y)` on [0, 1] is undecided at first; 9/16 at 3/4 is the largest value."""
    finding = decide(lambda y: (arb("0.6"), y * (arb("1.5") - y)), ">=")
    assert finding.truth is Truth.TRUE
    assert 3 < finding.evaluations < 100
    assert Fraction(finding.where["y"]) == Fraction(3, 4)
    assert finding.slack is not None
    assert arb("1.06") < finding.slack < arb("1.07")


@pytest.mark.parametrize(("centre", "width"), [("0.7", "1e-4"), ("0.1", "1e-3"), ("0.9", "1e-4")])
def test_a_narrow_violation_is_found(centre: str, width: str) -> None:
    def sides(y: arb) -> tuple[arb, arb]:
        return (y - arb(centre)) ** 2, arb(width) ** 2

    finding = decide(sides, ">=")
    assert finding.truth is Truth.FALSE
    assert abs(Fraction(finding.where["y"]) - Fraction(centre)) < Fraction(width)


def test_touching_sides_are_equality() -> None:
    finding = decide(lambda y: (abs(y - arb(1) / 3), arb(0)), ">")
    assert finding.truth is Truth.UNKNOWN
    assert finding.reason == "equality: the sides touch"
    assert 60 < finding.evaluations < bisection.CELLS
    assert finding.trivial is False


def test_a_budget_that_runs_out_is_unknown_and_says_so() -> None:
    calls = 0

    def sides(y: arb) -> tuple[arb, arb]:
        nonlocal calls
        calls += 1
        return y, y

    finding = decide(sides, ">")
    assert finding.truth is not Truth.TRUE  # a point shows it false at once
    finding = decide(lambda y: (arb(0, 1), arb(0)), ">")
    assert finding.truth is Truth.UNKNOWN
    assert finding.reason == f"budget: {bisection.CELLS} cells"
    assert finding.evaluations == bisection.CELLS + 1


@pytest.mark.parametrize("odd", [arb("nan"), arb("inf"), arb(0, "inf")], ids=str)
def test_no_number_in_a_cell_is_no_answer(odd: arb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bisection, "CELLS", 50)
    for sides in (lambda y: (odd, y), lambda y: (y, odd)):
        assert decide(sides, ">=").truth is Truth.UNKNOWN


def test_no_number_at_an_end_is_no_answer() -> None:
    for ends in ((arb("nan"), arb(1)), (arb(0), arb("inf")), (arb("-inf"), arb(0))):
        with pytest.raises(ValueError, match="finite"):
            decide_over_interval(against(2), "<=", ends, Finding())


def test_ends_may_be_balls_and_a_counterexample_is_certainly_inside() -> None:
    low, high = arb(1) / 3, arb(2) / 3
    finding = decide_over_interval(against("0.66"), "<=", (low, high), Finding())
    assert finding.truth is Truth.FALSE
    y = Fraction(finding.where["y"])
    assert Fraction(66, 100) < y < Fraction(2, 3)
    assert decide_over_interval(against("0.67"), "<=", (low, high), Finding()).truth is Truth.TRUE


def test_a_point_is_an_interval_too() -> None:
    third = arb(1) / 3
    assert decide_over_interval(against(1), "<=", (third, third), Finding()).truth is Truth.TRUE
    failing = decide_over_interval(against(0), "<=", (third, third), Finding())
    assert failing.truth is Truth.UNKNOWN  # no exact point certainly inside


# Minima.


@pytest.mark.parametrize(
    ("function", "low", "high", "least"),
    [
        (lambda y: y, 0, 1, "0"),
        (lambda y: y, -3, 1, "-3"),
        (lambda y: -y, 0, 1, "-1"),
        (lambda y: (y - arb("0.3")) ** 2 + 5, 0, 1, "5"),
        (lambda y: (y - arb("0.7")) ** 2 + 5, 0, 1, "5"),
        (lambda y: abs(y - HALF) + 2, 0, 1, "2"),
        (lambda y: arb(7), 0, 1, "7"),
        (lambda y: arb(7), 2, 2, "7"),
        (lambda y: 3 + (2 * arb.pi() * y).sin(), 0, 1, "2"),
        (lambda y: y**4 - y**2 + 1, -1, 1, "0.75"),
    ],
)
def test_a_minimum_is_enclosed_narrowly(
    function: Callable[[arb], arb], low: int, high: int, least: str
) -> None:
    found = enclose_minimum(function, arb(low), arb(high))
    assert found.contains(arb(least)) or found.overlaps(arb(least))
    assert arb(found.lower()) <= arb(least) + arb("1e-12")
    assert arb(found.rad()) < arb("0.002")


def test_a_minimum_never_exceeds_a_value_nor_misses_one() -> None:
    """A bound from above is a value; a bound from below holds for every point."""

    def function(y: arb) -> arb:
        return (y - arb("0.37")) ** 2 * (y - arb("0.81")) ** 2 + y / 10

    found = enclose_minimum(function, arb(0), arb(1))
    lowest, largest = arb(found.lower()), arb(found.upper())
    for step in range(1001):
        value = function(arb(step) / 1000)
        assert not value < lowest
    assert largest <= arb("0.0301")
    assert lowest >= arb("0.0290")


def test_a_minimum_of_no_numbers_is_no_number() -> None:
    for odd in (arb("nan"), arb(0, "inf")):
        found = enclose_minimum(constantly(odd), arb(0), arb(1))
        assert not found.is_finite()


def test_a_function_that_is_no_number_somewhere_has_no_lower_bound() -> None:
    def function(y: arb) -> arb:
        is_inside = arb("-0.1") < y < arb("0.1") or arb("0.9") < y < arb("1.1")
        return arb(1) if is_inside else arb("nan")

    found = enclose_minimum(function, arb(0), arb(1))
    assert not found.is_finite()


@pytest.mark.parametrize("cells", [0, 1, 2, 5])
def test_a_minimum_is_enclosed_whatever_it_may_cost(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells that no budget was left for bound it from below all the same."""
    monkeypatch.setattr(bisection, "MINIMUM_CELLS", cells)
    for centre in ("0.1", "0.3", "0.9"):
        found = enclose_minimum(parabola(centre, 0), arb(0), arb(1))
        assert found.contains(arb(0))
        found = enclose_minimum(parabola(centre, -3), arb(0), arb(1))
        assert found.contains(arb(-3))


def test_minima_cost_a_bounded_number_of_values() -> None:
    calls = 0

    def function(y: arb) -> arb:
        nonlocal calls
        calls += 1
        return arb(0, 1)

    enclose_minimum(function, arb(0), arb(1))
    assert calls <= 4 * bisection.MINIMUM_CELLS + 4


# Exact points.


@pytest.mark.parametrize("part", [Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize(
    ("low", "high"),
    [("0", "1"), ("-1", "1"), ("1e-30", "2e-30"), ("1e30", "2e30"), ("1000", "1000.001")],
)
def test_an_exact_point_is_inside_near_its_place_and_short(
    low: str, high: str, part: Fraction
) -> None:
    first, last = Fraction(low), Fraction(high)
    point = exact_between(arb(low), arb(high), part)
    if point is None:
        assert part in {0, 1}  # at an end that is no dyadic number
        return
    assert first <= point <= last
    assert abs(point - (first + part * (last - first))) <= (last - first) / 2**10
    assert point.denominator & (point.denominator - 1) == 0
    width = last - first
    assert point.denominator <= 2**4 or point.denominator * width <= 2**14


def test_there_is_no_exact_point_in_an_empty_or_backward_interval() -> None:
    assert exact_between(arb(1), arb(1), Fraction(1, 2)) is None
    assert exact_between(arb(2), arb(1), Fraction(1, 2)) is None


def test_there_is_no_exact_point_between_ends_that_may_coincide() -> None:
    wide = arb(0, 1)
    assert exact_between(wide, wide + arb("0.5"), Fraction(1, 2)) is None
    assert exact_between(arb(0, 1), arb(3, 1), Fraction(1, 2)) is not None


def test_points_of_tiny_intervals_are_exact() -> None:
    low = arb(1)
    point = exact_between(low, low + arb(2) ** -50, Fraction(1, 2))
    assert point == 1 + Fraction(1, 2**51)


@pytest.mark.parametrize("value", ["0", "1", "-3", "0.5", "-0.375", "1024", "1e20"])
def test_a_dyadic_number_is_read_exactly(value: str) -> None:
    assert exact_fraction(arb(value)) == Fraction(value)
    assert exact_fraction(arb(2) ** -300) == Fraction(1, 2**300)

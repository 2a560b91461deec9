"""What every system does alike: loading, constants, sums over empty axes, roots."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dsmverify import systems


@pytest.fixture(params=[*systems.NAMES, "running", "strict"])
def ns(request: pytest.FixtureRequest) -> Any:
    return systems.load(request.param)


def as_float(value: Any) -> float:
    return float(getattr(value, "value", value))


def test_names(ns: Any) -> None:
    assert ns.name in {*systems.NAMES, "running", "strict"}


def test_unknown_system() -> None:
    with pytest.raises(ValueError, match="'decimal' is not one of"):
        systems.load("decimal")


@pytest.mark.parametrize(("exact", "expected"), [(3, 3.0), (Fraction(1, 4), 0.25)])
def test_scalars(ns: Any, exact: Any, expected: float) -> None:
    assert as_float(ns.constant(exact)) == expected


def test_arrays_of_booleans_and_fractions(ns: Any) -> None:
    values = np.array([Fraction(1, 2), Fraction(-3)], dtype=object)
    entries = ns.constant(values)
    assert [as_float(entries[k]) for k in range(2)] == [0.5, -3.0]
    flags = ns.constant(np.array([True, False]))
    assert [as_float(flags[k]) for k in range(2)] == [1.0, 0.0]


@pytest.mark.parametrize("value", [0.7, [0.7, 2.5], np.float64(0.5), "1"])
@pytest.mark.parametrize("name", ["mpmath", "arb", "sympy", "strict"])
def test_objects_refuse_what_is_not_exact(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match="exact"):
        systems.load(name).constant(value)


def test_functions_at_known_points(ns: Any) -> None:
    def at(text: str) -> Any:
        return ns.constant(Fraction(text))

    # exp(0) = 1, erfc(0) = 1, exp(0) - 1 = 0, roots of squares and cubes are exact or rounded once.
    assert as_float(ns.exp(at("0"))) == 1
    assert as_float(ns.expm1(at("0"))) == 0
    assert as_float(ns.erfc(at("0"))) == 1
    assert as_float(ns.arctan_defect(at("0"))) == as_float(ns.sinh_excess(at("0"))) == 0
    assert as_float(ns.arctan_defect(at("1"))) == pytest.approx(1 - np.pi / 4, rel=1e-15)
    assert as_float(ns.sinh_excess(at("-1"))) == pytest.approx(1 - np.sinh(1), rel=2e-15)
    assert as_float(ns.root(at("9/4"), 2)) == pytest.approx(1.5, rel=1e-15)
    assert as_float(ns.root(at("8"), 3)) == pytest.approx(2, rel=1e-15)
    assert as_float(ns.root(at("16"), 4)) == pytest.approx(2, rel=1e-15)
    assert as_float(ns.absolute(at("-2"))) == 2
    assert as_float(ns.maximum(at("-2"), at("1/2"))) == 0.5
    assert as_float(ns.pi) == pytest.approx(np.pi, rel=1e-15)


def test_sums(ns: Any) -> None:
    x = ns.constant(np.arange(6).reshape(2, 3))
    assert [as_float(ns.sum(x)[k]) for k in range(2)] == [3, 12]
    assert [as_float(ns.sum(x, axis=0)[k]) for k in range(3)] == [3, 5, 7]
    assert as_float(ns.cumsum(x)[1, 2]) == 12
    assert as_float(ns.concatenate((x, x))[1, 5]) == 5


def test_sum_over_nothing(ns: Any) -> None:
    empty = ns.constant(np.zeros((2, 0), dtype=int))
    assert [as_float(ns.sum(empty)[k]) for k in range(2)] == [0, 0]

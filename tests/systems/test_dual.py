"""Dual numbers: derivatives of every function, in balls and in floats, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.systems import load
from dsmverify.systems.balls import ball
from dsmverify.systems.dual import Dual, Duals

BALLS: Duals[Any] = Duals(load("arb"), 1)
AT = Fraction(3, 7)

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda ns, x: ns.exp(x),
    "expm1": lambda ns, x: ns.expm1(x),
    "erfc": lambda ns, x: ns.erfc(x),
    "square root": lambda ns, x: ns.root(x, 2),
    "cube root": lambda ns, x: ns.root(x, 3),
    "arctan defect": lambda ns, x: ns.arctan_defect(x),
    "sinh excess": lambda ns, x: ns.sinh_excess(x),
    "product": lambda ns, x: 3 * x * (x - 2) * (5 - x) * ns.constant(Fraction(1, 3)),
    "quotient": lambda ns, x: (x / 3 + 1 / (1 + x)) / (x * x / 7 - ns.pi),
    "negative": lambda ns, x: -x / 3,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_in_balls(name: str) -> None:
    """Against mpmath's derivative at 60 digits; integers that are divided by lose nothing."""
    function = FUNCTIONS[name]
    with mp.workdps(80):
        at = mp.mpf(AT.numerator) / AT.denominator
        wanted = mp.nstr(
            mp.diff(lambda x: function(load("mpmath"), x), at, h=mp.mpf(10) ** -30), 45
        )
    with precision(200):
        value = function(BALLS, BALLS.variable(ball(AT), 0, arb(1)))
        slope = value.tangents[0]
        # The quotient's step of 1e-30 leaves an error of its own size in a one-sided difference.
        assert float(abs(slope - arb(wanted)).upper()) < 1e-27
        assert slope.rel_accuracy_bits() > 150
        assert value.value.overlaps(function(load("arb"), ball(AT)))


def test_an_integer_divisor_stays_exact() -> None:
    with precision(200):
        third: Any = BALLS.variable(arb(1), 0, arb(1)) / 3
        assert third.tangents[0].overlaps(arb(1) / 3)
        assert third.tangents[0].rel_accuracy_bits() > 190


def test_directions_are_independent_and_sums_follow_their_axes() -> None:
    duals: Duals[Any] = Duals(load("float64"), 2)
    x: Any = duals.variable(np.array([[1.0, 2.0], [3.0, 4.0]]), 0, np.array([1.0, 10.0]))
    y = duals.variable(np.array([5.0, 7.0]), 1, np.float64(1))
    product: Any = x * y
    assert product.tangents[0].tolist() == [5, 70]  # broadcasts against the value
    assert product.tangents[1].tolist() == [[1, 2], [3, 4]]
    total: Any = duals.sum(x, axis=0)
    assert total.tangents[0].tolist() == [2, 20] and total.tangents[1] is None
    running: Any = duals.cumsum(x)
    assert running.tangents[0].tolist() == [[1, 11], [1, 11]]
    assert product[0].tangents[1].tolist() == [1, 2]
    assert product[0].tangents[0].tolist() == [5, 70]
    assert product.T.tangents[0].tolist() == [[5, 5], [70, 70]]
    assert duals.fixed(np.float64(2)).tangents == (None, None)
    assert isinstance(1 - x, Dual)


@pytest.mark.parametrize("name", ["absolute", "maximum", "concatenate", "normal_pieces"])
def test_what_is_not_differentiable_is_refused(name: str) -> None:
    one = BALLS.constant(1)
    arguments: tuple[Any, ...] = (one, one) if name in {"maximum", "normal_pieces"} else (one,)
    with pytest.raises(TypeError, match=f"{name}: dual numbers"):
        getattr(BALLS, name)(*arguments)

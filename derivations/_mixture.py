"""Moment functions of the noised mixture, for any number of points.

With `e(x) = exp(-(y - mu x)^2 / (2 sigma^2))`, `M_k(y) = sum_i x_i^k e(x_i)`, or the integral of
`x^k e(x)` against the law of a general X. Everything about the posterior is a rational function
of M_0, M_1, ... , and the single rule `M_k' = (mu M_{k+1} - y M_k)/sigma^2` replaces n.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy

from dsmverify.derivation import Chain, ball

y = sympy.Symbol("y", real=True)
x = sympy.Symbol("x", real=True)
mu, sigma = sympy.symbols("mu sigma", positive=True)
k = sympy.Symbol("k", integer=True, positive=True)

STAND_IN = ((Fraction(-7, 10), 2), (Fraction(3, 10), 1), (Fraction(6, 5), 3))
"""Points and multiplicities that stand for the sample in the re-check with balls."""


class Moment(sympy.Function):  # type: ignore[misc]
    """`M_k(y)`, opaque but for its derivative in y."""

    nargs = 2

    @property
    def free_symbols(self) -> set[Any]:
        """The noise level counts: M_k depends on it."""
        return {*super().free_symbols, mu, sigma}

    def fdiff(self, argindex: int = 2) -> Any:
        """`M_k' = (mu M_{k+1} - y M_k)/sigma^2`."""
        order, point = self.args
        if argindex != 2:
            raise sympy.ArgumentIndexError(self, argindex)
        return (mu * Moment(order + 1, point) - point * Moment(order, point)) / sigma**2

    def ball(self, values: Mapping[Any, Any]) -> Any:
        """Value for the stand-in sample."""
        total = 0
        for point, weight in STAND_IN:
            away = (values[self.args[1]] - values[mu] * ball(point)) / values[sigma]
            factors = [ball(point)] * int(self.args[0])
            power = functools.reduce(lambda a, b: a * b, factors, ball(weight))
            total = total + (-(away * away) / 2).exp() * power
        return total

    def _latex(self, printer: Any, exp: Any = None) -> str:
        text = f"M_{{{printer._print(self.args[0])}}}({printer._print(self.args[1])})"
        return text if exp is None else rf"{text}^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"M_{printer._print(self.args[0])}({printer._print(self.args[1])})"


def moment(order: int) -> Any:
    """`M_order(y)`."""
    return Moment(sympy.Integer(order), y)


def likelihood(point: Any) -> Any:
    """`exp(-(y - mu point)^2/(2 sigma^2))`."""
    return sympy.exp(-((y - mu * point) ** 2) / (2 * sigma**2))


def posterior_moment(order: int) -> Any:
    """`E[W(y)^order]`."""
    return moment(order) / moment(0)


def mean() -> Any:
    """`E[W(y)]`."""
    return posterior_moment(1)


def variance() -> Any:
    """`V[W(y)]`."""
    return posterior_moment(2) - posterior_moment(1) ** 2


def third_moment() -> Any:
    """`E[(W(y) - E[W(y)])^3]`."""
    return posterior_moment(3) - 3 * posterior_moment(2) * mean() + 2 * mean() ** 3


def score() -> Any:
    """`s*(y) = (mu M_1/M_0 - y)/sigma^2`."""
    return (mu * mean() - y) / sigma**2


def add_moment_rule(chain: Chain, general: bool = False) -> None:
    """The derivative rule, for one generic term and then for the sum (or integral)."""
    chain.step(
        "Let M_k(y) be "
        + (
            "the integral of x^k exp(-(y - mu x)^2/(2 sigma^2)) against the law of X."
            if general
            else "sum_i x_i^k exp(-(y - mu x_i)^2/(2 sigma^2)); then E[W(y)^k] = M_k/M_0."
        )
    )
    term = x**k * likelihood(x)
    chain.identity(
        "The derivative of the term of one generic point x, for every k",
        sympy.Derivative(term, y),
        (mu * x ** (k + 1) - y * x**k) * likelihood(x) / sigma**2,
    )
    chain.identity(
        "and for k = 0",
        sympy.Derivative(likelihood(x), y),
        (mu * x - y) * likelihood(x) / sigma**2,
    )
    order = sympy.Symbol("k", integer=True, nonnegative=True)
    chain.step(
        "Summed over the points (a finite sum, n arbitrary):"
        if not general
        else "Integrated against the law of X (justified below):",
        sympy.Eq(sympy.Derivative(Moment(order, y), y), Moment(order, y).fdiff(2), evaluate=False),
    )


def symbolic_sample() -> tuple[Any, Any, dict[Any, Any]]:
    """A symbolic sample of two points for the engine, its points, and M_k spelled out for it."""
    import numpy as np

    from dsmverify.formulas.setting import Sample

    first, second = sympy.symbols("x1 x2", real=True)
    sample: Any = Sample(np.array([first, second], dtype=object), mu, sigma, 2)
    spelled = {
        moment(order): sum(point**order * likelihood(point) for point in (first, second))
        for order in range(4)
    }
    return sample, (first, second), spelled


def engine_pairs(formula: Any, derived: Any) -> list[tuple[Any, Any]]:
    """The engine's formula at a symbolic y, with either point as anchor, beside the derived one."""
    import numpy as np

    from dsmverify.systems import symbolic

    sample, _, spelled = symbolic_sample()
    point = np.array([y], dtype=object)
    target = derived.xreplace(spelled)
    return [
        (formula(symbolic.SYSTEM, point, sample, np.array([anchor]))[0], target)
        for anchor in (0, 1)
    ]

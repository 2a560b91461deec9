"""Means of a Gaussian kernel under Gaussian laws, by completing squares.

Two densities multiply to a third one: for X ~ N(a, v) and a kernel of variance u around b,

    exp(-(x - a)^2/(2 v)) exp(-(x - b)^2/(2 u)) = exp(-(a - b)^2/(2 (u + v))) exp(-(x - m)^2/(2 t))
    m = (a u + b v)/(u + v),  t = u v/(u + v)

and a Gaussian density integrates to 1, so the mean of the kernel is sqrt(t/v) times the first
factor. Nothing else is used; coordinates are independent, so their factors multiply.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import kernel_means
from dsmverify.systems.symbolic import SYSTEM

x, a, b, c = sympy.symbols("x a b c", real=True)
u, v, w = sympy.symbols("u v w", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    total = u + v
    middle, spread = (a * u + b * v) / total, u * v / total
    chain.identity(
        "A density times a kernel is a number times a density: exponents, times -2",
        (x - a) ** 2 / v + (x - b) ** 2 / u,
        (a - b) ** 2 / total + (x - middle) ** 2 / spread,
    )
    chain.identity("with the square of the factor sqrt(t/v)", spread / v, u / total)
    chain.step(
        "The new density integrates to 1: E exp(-(X - b)^2/(2 u)) = sqrt(u/(u + v)) "
        "exp(-(a - b)^2/(2 (u + v))) for X ~ N(a, v). A kernel averaged over Y ~ N(b, w) is the "
        "case u = h^2 + w times sqrt(h^2/(h^2 + w)), as x - Y is N(x - b, w)."
    )
    chain.identity(
        "The factors of both means together, squared: h^2/(h^2 + v + w)",
        (u / (u + w)) * ((u + w) / (u + w + v)),
        u / (u + v + w),
    )
    pair = v + w
    between, narrow = (b * w + c * v) / pair, v * w / pair
    chain.identity(
        "Two averaged kernels, of variances v around b and w around c, are one of variance "
        "v w/(v + w): exponents, times -2",
        (x - b) ** 2 / v + (x - c) ** 2 / w,
        (b - c) ** 2 / pair + (x - between) ** 2 / narrow,
    )
    chain.identity(
        "The factors of the mean of their product under N(a, u), squared: h^4/((v + w)(t + u))",
        (1 / v) * (1 / w) * narrow / (narrow + u),
        1 / (pair * (narrow + u)),
    )
    chain.engine("kernel_mean, two axes, one of them twice", [_mean_on_symbols()])
    chain.engine("kernel_overlap, one axis", [_overlap_on_symbols()])
    return chain.derivation(
        __name__,
        "Means of a Gaussian kernel under mixtures of Gaussians",
        "not in the paper",
        "every dimension, bandwidth h > 0 and finite mixtures of Gaussians with common axes",
    )


def _bell(gap: Any, variance: Any) -> Any:
    return sympy.exp(-(gap**2) / (2 * variance))


def _law(means: list[Any], variances: list[Any], counts: tuple[int, ...]) -> Any:
    """One Gaussian with symbols for its means."""
    one = np.array([sympy.Integer(1)], dtype=object)
    centre, spread = (np.array([row], dtype=object) for row in (means, variances))
    return kernel_means.Mixture(one, centre, spread, counts)


def _mean_on_symbols() -> tuple[Any, Any]:
    """h^2 = 4, spreads 9 and 16: every root is rational."""
    rational = sympy.Rational
    p = _law([a, b], [rational(2), rational(5)], (2, 1))
    q = _law([c, x], [rational(3), rational(7)], (2, 1))
    value = kernel_means.kernel_mean(SYSTEM, SYSTEM.scalar(4), p, q)
    derived = rational(4, 9) * rational(1, 2) * _bell(a - c, 9) ** 2 * _bell(b - x, 16)
    return value, derived


def _overlap_on_symbols() -> tuple[Any, Any]:
    """h^2 = 4, u = 6 and u' = 12: t = 4, and with v = 1/2 the root is sqrt(16/81)."""
    p, q, r = (
        _law([mean], [SYSTEM.scalar(variance)], (1,))
        for mean, variance in ((a, Fraction(1, 2)), (b, 2), (c, 8))
    )
    value = kernel_means.kernel_overlap(SYSTEM, SYSTEM.scalar(4), p, q, r)
    middle = (12 * b + 6 * c) / 18
    wide = sympy.Rational(9, 2)
    return value, sympy.Rational(4, 9) * _bell(b - c, 18) * _bell(a - middle, wide)

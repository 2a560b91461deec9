"""Tweedie's formula for a general X of finite variance.

`Y = mu X + sigma xi` has density `p(y) = M_0(y)/(sqrt(2 pi) sigma)`, where `M_k(y)` is the integral
of `x^k exp(-(y - mu x)^2/(2 sigma^2))` against the law P of X, and `E[X | Y = y] = M_1/M_0`
(Bayes). Differentiation under the integral: `|d/dy e(x)| = |t| exp(-t^2/2)/sigma <=
exp(-1/2)/sigma` with `t = (y - mu x)/sigma`, a constant, which is integrable against the
probability law P. So `M_0' = (mu M_1 - y M_0)/sigma^2`, and `y + sigma^2 (log p)' = mu M_1/M_0`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import posterior

from ._mixture import add_moment_rule, engine_pairs, mean, moment, mu, score, sigma, y


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_moment_rule(chain, general=True)
    t = sympy.Symbol("t", real=True)
    chain.step(
        "Domination for k = 0: with t = (y - mu x)/sigma the derivative is -t exp(-t^2/2)/sigma, "
        "and the square of t exp(-t^2/2) is largest where t^2 = 1:"
    )
    chain.identity(
        "derivative of t^2 exp(-t^2), which has the sign of t (1 - t^2)",
        sympy.Derivative(t**2 * sympy.exp(-(t**2)), t),
        2 * t * (1 - t**2) * sympy.exp(-(t**2)),
    )
    density = moment(0) / (sympy.sqrt(2 * sympy.pi) * sigma)
    chain.step("The density of Y is", density)
    chain.step(
        "M_1 is finite, since |x| exp(-(y - mu x)^2/(2 sigma^2)) is bounded in x, and "
        "E[X | Y = y] = M_1(y)/M_0(y) by Bayes."
    )
    chain.identity(
        "(y + sigma^2 (log p)'(y))/mu, with (log p)' = p'/p",
        (y + sigma**2 * sympy.Derivative(density, y) / density) / mu,
        mean(),
    )
    # (log p)' is the empirical score when X is uniform on the sample.
    derived = sympy.diff(density, y) / density
    chain.identity("for X uniform on the sample, (log p)' = s*", derived, score())
    chain.engine(
        "empirical_score against (log p)', n = 2", engine_pairs(posterior.empirical_score, derived)
    )
    return chain.derivation(
        __name__,
        "Tweedie's formula",
        "p. 4",
        "every law of X (finite variance is more than enough), every mu, sigma > 0, every real y",
        proves=("tweedie",),
    )

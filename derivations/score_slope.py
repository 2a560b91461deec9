"""The slope of the empirical score, for every n.

From `s* = (mu M_1/M_0 - y)/sigma^2` and `M_k' = (mu M_{k+1} - y M_k)/sigma^2`:
`(M_1/M_0)' = (mu/sigma^2)(M_2/M_0 - M_1^2/M_0^2) = (mu/sigma^2) V[W(y)]`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import posterior

from ._mixture import (
    add_moment_rule,
    engine_pairs,
    likelihood,
    mean,
    moment,
    mu,
    score,
    sigma,
    variance,
    x,
    y,
)
from .empirical_score import spelled_score


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_moment_rule(chain)
    chain.identity(
        "The score as printed in eq. 6, by W(y)", spelled_score(), (-y + mu * mean()) / sigma**2
    )
    chain.identity(
        "The responsibility of a generic point x",
        sympy.Derivative(likelihood(x) / moment(0), y),
        mu / sigma**2 * (likelihood(x) / moment(0)) * (x - mean()),
    )
    chain.identity("The mean of W(y)", sympy.Derivative(mean(), y), mu / sigma**2 * variance())
    slope = (-1 + mu**2 / sigma**2 * variance()) / sigma**2
    chain.identity("The score", sympy.Derivative(score(), y), slope)
    chain.engine(
        "posterior_variance, n = 2", engine_pairs(posterior.posterior_variance, variance())
    )
    chain.engine(
        "empirical_score_slope, n = 2", engine_pairs(posterior.empirical_score_slope, slope)
    )
    return chain.derivation(
        __name__,
        "The slope of the empirical score",
        "eq. 9, p. 7; lemma 11, p. 32",
        "every n, every real x_1..x_n, every mu, sigma > 0, every real y",
        proves=("eq09", "lem11a"),
        proves_steps=("lem11.a",),
    )

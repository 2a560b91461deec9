"""The curvature of the empirical score, for every n.

From `s*' = (-1 + (mu^2/sigma^2) V[W])/sigma^2` and the rule for M_k:
`V[W]' = (mu/sigma^2)(E[W^3] - 3 E[W^2] E[W] + 2 E[W]^3) = (mu/sigma^2) E[(W - E[W])^3]`.
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
    posterior_moment,
    score,
    sigma,
    third_moment,
    variance,
    x,
    y,
)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_moment_rule(chain)
    chain.identity(
        "The variance of W(y)", sympy.Derivative(variance(), y), mu / sigma**2 * third_moment()
    )
    w, centre = sympy.symbols("w c", real=True)
    chain.identity(
        "The third power of a generic value w about a centre c opens into powers of w",
        (w - centre) ** 3,
        w**3 - 3 * w**2 * centre + 3 * w * centre**2 - centre**3,
    )
    opened = posterior_moment(3) - 3 * posterior_moment(2) * mean() + 3 * mean() ** 3 - mean() ** 3
    chain.identity("so, with c = E[W], the third central moment is", opened, third_moment())
    curvature = mu**3 / sigma**6 * third_moment()
    chain.identity("The score, twice", sympy.Derivative(score(), (y, 2)), curvature)
    share = likelihood(x) / moment(0)
    second = posterior_moment(2)
    chain.identity(
        "A responsibility, twice (the printed lem11.d)",
        sympy.Derivative(share, (y, 2)),
        mu**2 * share / sigma**4 * (x**2 - 2 * x * mean() - second + 2 * mean() ** 2),
    )
    chain.identity(
        "or, with sigma^4 in both terms (lem11.c, where the page has sigma^2 in the first)",
        sympy.Derivative(share, (y, 2)),
        mu**2 * share / sigma**4 * (x - mean()) ** 2
        - mu**2 * share / sigma**4 * (second - mean() ** 2),
    )
    chain.step(
        "E[W^2] - E[W]^2 = sum_i x_i alpha_i (x_i - E[W]), so this is lem11.b as well. Times x_j "
        "and summed over j, lem11.d gives lem11.e:"
    )
    third = posterior_moment(3) - 2 * second * mean() - second * mean() + 2 * mean() ** 3
    chain.identity("the sum", mu / sigma**2 * (mu**2 / sigma**4) * third, curvature)
    chain.engine(
        "posterior_third_moment, n = 2",
        engine_pairs(posterior.posterior_third_moment, third_moment()),
    )
    chain.engine(
        "empirical_score_curvature, n = 2",
        engine_pairs(posterior.empirical_score_curvature, curvature),
    )
    return chain.derivation(
        __name__,
        "The curvature of the empirical score",
        "lemma 11, p. 32",
        "every n, every real x_1..x_n, every mu, sigma > 0, every real y",
        proves=("lem11b",),
        proves_steps=("lem11.b", "lem11.c.r1", "lem11.d", "lem11.e"),
    )

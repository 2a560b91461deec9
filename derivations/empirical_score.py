"""The empirical optimal score: the pointwise minimiser of the risk.

Start: `R_n(s) = (1/n) sum_i E[(s(Y) + (Y - mu x_i)/sigma^2)^2]`, `Y ~ N(mu x_i, sigma^2)`.

Written as one integral over y, the integrand is, up to the factor `1/(n sqrt(2 pi) sigma)`,
`J(u, y) = sum_i (u + (y - mu x_i)/sigma^2)^2 e(x_i)` with `u = s(y)`. For one point the square
opens into powers of x_i, so J is a combination of M_0, M_1, M_2, whatever n is. Completing the
square in u, `J(u) = M_0 (u - s*)^2 + J(s*)` with `s* = (mu M_1/M_0 - y)/sigma^2` and M_0 > 0.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import posterior

from ._mixture import engine_pairs, likelihood, mean, moment, mu, score, sigma, x, y


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    u = sympy.Symbol("u", real=True)
    add_integrand(chain, u)
    integrand = risk_integrand(u)
    chain.identity("Complete the square in u", integrand, minimal_integrand(u))
    chain.identity(
        "The minimiser, where the derivative in u vanishes",
        sympy.Derivative(integrand, u),
        2 * moment(0) * (u - score()),
    )
    chain.step(
        "M_0(y) > 0 for every y, so u = s*(y) is the only minimiser at every y; s* is measurable "
        "and |s*(y)| <= (|y| + mu max|x_i|)/sigma^2 is square-integrable, so s* minimises R_n, and "
        "any other minimiser equals it almost everywhere."
    )
    chain.identity("In terms of W(y): s* = (mu E[W(y)] - y)/sigma^2", score(), spelled_score())
    chain.engine("posterior_mean, n = 2", engine_pairs(posterior.posterior_mean, mean()))
    chain.engine("empirical_score, n = 2", engine_pairs(posterior.empirical_score, score()))
    return chain.derivation(
        __name__,
        "The empirical score as pointwise minimiser of the risk",
        "eq. 6, p. 4; first half of eq. 9, p. 7",
        "every n, every real x_1..x_n (ties allowed), every mu, sigma > 0, every real y",
        proves=("eq06",),
    )


def spelled_score() -> sympy.Expr:
    """`sum_i (mu x_i - y) e(x_i) / (sigma^2 sum_i e(x_i))`, as printed, in M_0 and M_1."""
    return (mu * moment(1) - y * moment(0)) / (sigma**2 * moment(0))


def risk_integrand(u: sympy.Expr) -> sympy.Expr:
    """`J(u, y) = sum_i (u + (y - mu x_i)/sigma^2)^2 e(x_i)` by moment functions."""
    level = u + y / sigma**2
    ratio = mu / sigma**2
    return level**2 * moment(0) - 2 * level * ratio * moment(1) + ratio**2 * moment(2)


def minimal_integrand(u: sympy.Expr) -> sympy.Expr:
    """`M_0 (u - s*)^2 + (mu^2/sigma^4)(M_2 - M_1^2/M_0)`."""
    floor = (mu**2 / sigma**4) * (moment(2) - moment(1) ** 2 / moment(0))
    return moment(0) * (u - score()) ** 2 + floor


def add_integrand(chain: Chain, u: sympy.Expr) -> None:
    """From the definition of the risk to the integrand in moment functions."""
    chain.step(
        "R_n(s) = (1/(n sqrt(2 pi) sigma)) int J(s(y), y) dy with "
        "J(u, y) = sum_i (u + (y - mu x_i)/sigma^2)^2 exp(-(y - mu x_i)^2/(2 sigma^2)); all terms "
        "are non-negative, so sum and integral may be exchanged."
    )
    level, ratio = u + y / sigma**2, mu / sigma**2
    chain.identity(
        "The term of one generic point x, in powers of x",
        (u + (y - mu * x) / sigma**2) ** 2 * likelihood(x),
        (level**2 - 2 * level * ratio * x + ratio**2 * x**2) * likelihood(x),
    )
    chain.step("Summed over any number of points, J is", risk_integrand(u))

"""The excess risk is a mean square distance, for every function and every n.

With `J(u, y)` the integrand of the risk (derivation `empirical_score`), for every real u
`J(u, y) - J(s*(y), y) = M_0(y) (u - s*(y))^2 = sum_i (u - s*(y))^2 e(x_i)`, because the cross term
`2 (u - s*) sum_i (s* + (y - mu x_i)/sigma^2) e(x_i)` vanishes (orthogonality). Integrated over y
this is the claim, for any square-integrable s, in particular for every network.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import posterior

from ._mixture import engine_pairs, moment, mu, score, sigma, variance, y
from .empirical_score import add_integrand, risk_integrand


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    u = sympy.Symbol("u", real=True)
    add_integrand(chain, u)
    chain.identity(
        "Orthogonality: sum_i (s* + (y - mu x_i)/sigma^2) e(x_i) vanishes",
        (score() + y / sigma**2) * moment(0) - mu / sigma**2 * moment(1),
        sympy.Integer(0),
    )
    chain.identity(
        "so the excess of the integrand is a square, at every y and for every u",
        risk_integrand(u) - risk_integrand(score()),
        moment(0) * (u - score()) ** 2,
    )
    chain.step(
        "A network grows at most linearly, so it is square-integrable and both risks are finite; "
        "with u = s(y), integrated over y and divided by n sqrt(2 pi) sigma, the left side is "
        "R_n(s) - R_n(s*) and the right side (1/n) sum_i E[(s(Y) - s*(Y))^2]."
    )
    chain.identity(
        "The risk of s* itself: J(s*, y) = (mu^2/sigma^4) M_0 V[W(y)]",
        risk_integrand(score()),
        mu**2 / sigma**4 * moment(0) * variance(),
    )
    density = moment(0) / (2 * sympy.sqrt(2 * sympy.pi) * sigma)
    derived = mu**2 / sigma**4 * density * variance()
    chain.engine("density, n = 2", engine_pairs(posterior.density, density))
    chain.engine("risk_density, n = 2", engine_pairs(posterior.risk_density, derived))
    return chain.derivation(
        __name__,
        "The excess risk as a mean square distance to the empirical score",
        "p. 10",
        "every n, mu, sigma > 0, every network (any m, any weights), every square-integrable s",
        proves=("excess",),
    )

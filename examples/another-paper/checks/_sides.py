"""The sides of the note's claims, for any number system.

No float literal, no power, no comparison: the engine runs every formula in a tracer that refuses
them before it certifies anything.
"""

from __future__ import annotations

from dsmverify.formulas.case import Case
from dsmverify.numbers import N


def square(x: N) -> N:
    """`x^2`."""
    return x * x


def size(c: Case[N]) -> N:
    """`n`."""
    return c.ns.constant(c.n)


def three(c: Case[N]) -> N:
    """The number 3."""
    return c.ns.constant(3)


def midpoint(c: Case[N]) -> N:
    """`m_i = mu (x_i + x_{i+1})/2`."""
    return c.midpoint(c.i)


def squared_length(c: Case[N]) -> N:
    """`L^2`, `L = x_n - x_1`."""
    return square(c.x(c.n) - c.x(1))


def variance(c: Case[N]) -> N:
    """`V[W(y)]`."""
    return c.posterior_variance(c.point)


def printed_ceiling(c: Case[N]) -> N:
    """`L^2/8`, as printed."""
    return squared_length(c) / 8


def ceiling(c: Case[N]) -> N:
    """`L^2/4`."""
    return squared_length(c) / 4


def product_of_distances(c: Case[N]) -> N:
    """`(E[W(y)] - x_1)(x_n - E[W(y)])`, each factor without cancellation."""
    return c.posterior_offset(c.point, 1) * -c.posterior_offset(c.point, c.n)


def slope(c: Case[N]) -> N:
    """`s'(y)`."""
    return c.score_slope(c.point)


def printed_slope_ceiling(c: Case[N]) -> N:
    """`(mu^2 L^2/(8 sigma^2) - 1)/sigma^2`, as printed."""
    return _slope_at(c, printed_ceiling(c))


def slope_ceiling(c: Case[N]) -> N:
    """`(mu^2 L^2/(4 sigma^2) - 1)/sigma^2`."""
    return _slope_at(c, ceiling(c))


def slope_floor(c: Case[N]) -> N:
    """`-1/sigma^2`."""
    return -1 / square(c.sigma)


def least_risk(c: Case[N]) -> N:
    """The least risk, an integral that the engine encloses."""
    return c.quantity("risk_empirical_score")


def printed_risk_ceiling(c: Case[N]) -> N:
    """`mu^2 L^2/(8 sigma^4)`, as printed."""
    return _risk_at(c, printed_ceiling(c))


def risk_ceiling(c: Case[N]) -> N:
    """`mu^2 L^2/(4 sigma^4)`."""
    return _risk_at(c, ceiling(c))


def _slope_at(c: Case[N], spread: N) -> N:
    """`(mu^2 spread/sigma^2 - 1)/sigma^2`."""
    return (square(c.mu / c.sigma) * spread - 1) / square(c.sigma)


def _risk_at(c: Case[N], spread: N) -> N:
    """`mu^2 spread/sigma^4`."""
    return square(c.mu / square(c.sigma)) * spread

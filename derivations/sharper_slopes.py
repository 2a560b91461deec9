"""Lemma 14 and proposition 7: what the Gaussian tails cost, sharper."""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, tail, z
from ._mixture import sigma

half = sympy.Rational(1, 2)
share = sympy.Rational(99, 100)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_tail(chain)
    add_share(chain)
    add_fall(chain)
    add_floor(chain)
    return chain.derivation(
        __name__,
        "A lower bound for functions of bounded fall, sharper",
        "lemma 14, p. 36; proposition 7, p. 29",
        "lem14b.s1: every sigma > 0, delta > 0, beta > gamma > 0; prop07.d.s1: Delta >= 8 "
        "sigma/mu; prop07.c.s1 and prop07.a3.s1: every n >= 2, every m, every sample with Delta >= "
        "8 sigma/mu, every network, for prop07.c.s1 with R_n(theta) <= 1/(16 n sigma^2), for "
        "prop07.a3.s1 under the condition of prop07.a",
        proves=("lem14b.s1",),
        proves_steps=("prop07.a3.s1", "prop07.c.s1", "prop07.d.s1"),
        remark=(
            "as delta/sigma grows both sides of lem14b tend to sigma^2 (beta - gamma)^2. With "
            "prop07.c.s1 the slope passed through in proposition 7 is at least 0.748/sigma^2, "
            "where the page has (1 - 1/(2 sqrt 2))/sigma^2, about 0.646/sigma^2."
        ),
    )


def add_tail(chain: Chain) -> None:
    """lem14b.s1."""
    u, t = sympy.symbols("u t", positive=True)
    upper, spare = sympy.symbols("Q q", nonnegative=True)
    chain.identity(
        "With u = delta/sigma, E[z^2 ; |z| < u] (derivation slope_lower_bound)",
        integral(z**2, -u, u),
        1 - 2 * tail(u) - 2 * u * density(u),
    )
    chain.at_most(
        "Shift of the density: phi(u + t)",
        density(u + t),
        sympy.exp(-(u**2) / 2) * density(t),
        sympy.exp(-(u**2) / 2) * density(t) * (1 - sympy.exp(-u * t)),
    )
    chain.identity(
        "Integrated over t > 0, where phi has this mass, Q(u) <= exp(-u^2/2)/2",
        integral(sympy.Integer(1), sympy.Integer(0), sympy.oo),
        half,
    )
    edge = 2 * u * density(u)
    chain.at_most(
        "so with Q = Q(u), Q + q = exp(-u^2/2)/2, lem14b.s1 divided by sigma^2 (beta - gamma)^2",
        1 - edge - 2 * (upper + spare),
        1 - edge - 2 * upper,
    )
    chain.identity(
        "its right side is 1 less this",
        2 * u * density(u) + sympy.exp(-(u**2) / 2),
        (2 * u / sympy.sqrt(2 * sympy.pi) + 1) * sympy.exp(-(u**2) / 2),
    )


def add_share(chain: Chain) -> None:
    """prop07.d.s1."""
    g = sympy.Symbol("g", nonnegative=True)
    root = sympy.sqrt(2) * sympy.sqrt(sympy.pi)
    first = 4 / root + 1
    power = 2 * g + g**2 / 8
    chain.step("prop07.d.s1. Let kappa = mu Delta/sigma = 8 + g.")
    chain.identity("kappa^2/8", (8 + g) ** 2 / 8, 8 + power)
    chain.at_most(
        "(kappa/(2 sqrt(2 pi)) + 1) exp(-kappa^2/8) is largest at kappa = 8",
        ((8 + g) / (2 * root) + 1) * sympy.exp(-8 - power),
        first * sympy.exp(-8),
        sympy.exp(-8 - power)
        * (first * (sympy.exp(power) - 1 - power) + g * (15 / (2 * root) + 2) + first * g**2 / 8),
    )
    chain.at_most("so the share kept is at least 99/100", share, 1 - 2 * first * sympy.exp(-8))


def add_fall(chain: Chain) -> None:
    """prop07.c.s1."""
    low = sympy.Symbol("q", nonnegative=True)
    extra, risk = sympy.symbols("h N", positive=True)
    chain.step(
        "prop07.c.s1. Let N = n R_n = 1/(16 sigma^2) - q, beta = 1/sigma^2, b = sqrt(100 N/(99 "
        "sigma^2)), gamma = beta - b."
    )
    chain.at_most(
        "b^2 is less than beta^2, so gamma > 0",
        (1 / (16 * sigma**2) - low) / (share * sigma**2),
        1 / sigma**4,
        (1 - 1 / (16 * share)) / sigma**4 + low / (share * sigma**2),
    )
    chain.step(
        "Suppose all pieces of s_theta that meet the inside of [mu x_i - mu Delta/2, mu x_i + mu "
        "Delta/2] had slopes above -gamma, so at least -gamma' with beta - gamma' = b + h, h > 0. "
        "By lem14a, lem14b and prop07.d.s1 n R_n >= sigma^2 (b + h)^2 (99/100):"
    )
    factor = 10 / (3 * sympy.sqrt(11)) * sympy.sqrt(risk) / sigma
    chain.identity(
        "which exceeds N = sigma^2 b^2 (99/100) by",
        sigma**2 * (factor + extra) ** 2 * share - risk,
        sigma**2 * share * (2 * extra * factor + extra**2),
    )
    chain.step("a positive number: a contradiction, as in the derivation network_slopes.")


def add_floor(chain: Chain) -> None:
    """prop07.a3.s1."""
    chain.at_most(
        "prop07.a3.s1. n R_n >= (1/sigma^2)(1/2 - e^-8) (prop07.a3, derivation network_slopes)",
        sympy.Rational(499, 1000),
        half - sympy.exp(-8),
    )

"""Proposition 2 and corollary 3 with constants in which n does not occur.

Within `Delta/4` of `x_i` the k-th neighbour on the nearer side weighs at most `E^(k(2k-1))`, `E =
exp(-mu^2 Delta^2/(4 sigma^2))`, so the sums over points are dominated by their first terms, and
what the other points weigh in the denominator pays for the rest. At a midpoint the two sides of the
gap are compared as wholes. The risk of the score is the mean posterior variance, a sum over pairs
of points in which every pair costs at most what it costs alone.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral
from ._mixture import likelihood, mu, sigma

half = sympy.Rational(1, 2)
spacing = sympy.Symbol("Delta", positive=True)
s, g, f = sympy.symbols("s g f", nonnegative=True)
c = 1 + g
"""`mu^2 Delta^2/(4 sigma^2)`, at least 1 where Delta >= 2 sigma/mu."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, alpha_j the posterior weights at y, "
        "E = exp(-c), c = mu^2 Delta^2/(4 sigma^2), L = x_n - x_1."
    )
    add_midpoint(chain)
    add_wide_midpoint(chain)
    add_ratios(chain)
    add_mean(chain)
    add_variance(chain)
    add_half_kernels(chain)
    add_jump(chain)
    add_rounding(chain)
    add_pairs(chain)
    add_parts(chain)
    return chain.derivation(
        __name__,
        "The posterior near a training point and at a midpoint, sharper",
        "proposition 2, p. 7; corollary 3, p. 7 and p. 24",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0; prop02a.s1, cor03b.s1 and "
        "cor03.d.s1 without a condition, all others for Delta >= 2 sigma/mu; prop02b.s1, "
        "prop02c.s1, cor03.a.s1 for |y - mu x_i| <= mu Delta/4",
        proves=(
            "prop02a.s1",
            "prop02a.s2",
            "prop02b.s1",
            "prop02c.s1",
            "cor03a.s1",
            "cor03b.s1",
            "cor03b.s2",
        ),
        proves_steps=("prop02.b.s1", "cor03.a.s1", "cor03.c.s1", "cor03.d.s1"),
        remark=(
            "prop02a.s1 is an equality at n = 2 and approached for every n; the constants of "
            "prop02b.s1, prop02c.s1 and cor03.a.s1 are approached as mu Delta/sigma grows; the "
            "exponent of cor03b.s1 and .s2 is exact at n = 2."
        ),
    )


def add_midpoint(chain: Chain) -> None:
    """prop02a.s1."""
    other, gap, over = sympy.symbols("P d q", nonnegative=True)
    size = 1 + sympy.Symbol("k", positive=True)
    chain.step(
        "prop02a.s1. V[W] = sum_{j<k} alpha_j alpha_k (x_j - x_k)^2. Keep the pairs with j <= i < "
        "k: each is at least d = x_{i+1} - x_i apart, and with P = alpha_1 + ... + alpha_i the "
        "products sum to P (1 - P). So V[W] >= d^2 P (1 - P), at any y."
    )
    chain.at_most("a pair, d + q apart", gap**2, (gap + over) ** 2)
    chain.step("At m_i, alpha_i = alpha_{i+1} >= 1/n (prop02.c), so 1/n <= P <= 1 - 1/n:")
    below, above = sympy.symbols("a b", nonnegative=True)
    chain.at_most(
        "P = 1/n + a, 1 - P = 1/n + b, n = 1 + k, where the two have sum 1: with 1 = 2/n + a + b",
        1 / size * (1 / size + below + above),
        (1 / size + below) * (1 / size + above),
        below * above,
    )
    chain.identity("and (1/n)(1 - 1/n)", 1 / size * (1 - 1 / size), (size - 1) / size**2)
    chain.step(
        "Equality at n = 2, where P = 1/2. For n >= 3 it is approached: x_1 = 0, all other points "
        "close to 1 and mu/sigma small give alpha_j -> 1/n, V[W] -> (1/n)(1 - 1/n), i = 1."
    )
    chain.at_most(
        "It improves on prop02a by the factor 2(n-1)/n: at n = 2 + q",
        1 / (2 * (2 + other)),
        (1 + other) / (2 + other) ** 2,
        other / (2 * (2 + other) ** 2),
    )


def add_wide_midpoint(chain: Chain) -> None:
    """prop02a.s2."""
    u, spread = sympy.symbols("u d", positive=True)
    rest = sympy.Symbol("R", nonnegative=True)
    chain.step(
        "prop02a.s2, Delta >= 2 sigma/mu. With x_i = 0, x_{i+1} = d, r_j = alpha_j/alpha_i <= 1 "
        "for the other points, R = sum_j r_j, S = 2 + R: V[W] S^2 is the sum over pairs of r_j "
        "r_k (x_j - x_k)^2, and without the pairs among the others it is d^2 + sum_j r_j (x_j^2 "
        "+ (x_j - d)^2)."
    )
    place = sympy.Symbol("x_j", real=True)
    chain.identity(
        "x_j^2 + (x_j - d)^2 = d^2 (1 + 2 u_j), u_j = x_j (x_j - d)/d^2",
        place**2 + (place - spread) ** 2,
        spread**2 * (1 + 2 * place * (place - spread) / spread**2),
    )
    chain.step(
        "so V[W] S^2/d^2 >= 1 + R + 2 sum_j r_j u_j, and S^2/4 = 1 + R + R^2/4: it is enough that "
        "R/8 <= u_j for every j, as then R^2/4 <= 2 sum_j r_j u_j."
    )
    wide = 1 + f
    chain.at_most(
        "A point beyond either end is at least Delta = d/(1 + f) away, so u_j >= Delta (d + "
        "Delta)/d^2, which is at least 1/(1 + f)",
        1 / wide,
        1 / wide * (1 + 1 / wide),
    )
    k = sympy.Symbol("k", positive=True)
    more = sympy.Symbol("h", nonnegative=True)
    chain.at_most(
        "The k-th on a side is at least k Delta away; r_j = exp(-2 c (d/Delta)^2 u_j), with "
        "(d/Delta)^2 u_j >= k (k + d/Delta), k = 1 + h: the exponent is at least 2 (k + 1 + f)",
        2 * (1 + more + wide),
        2 * c * (1 + more) * (1 + more + wide),
        2 * (more + g + more * g) * (1 + more + wide),
    )
    base = sympy.exp(-2)
    chain.identity(
        "a geometric series, from k = 1 on, twice: R <= 2 exp(-2 (1 + f)) exp(-2)/(1 - exp(-2))",
        base**k / (1 - base) - base ** (k + 1) / (1 - base),
        base**k,
    )
    chain.at_most(
        "exp(-2 (1 + f)) is at most 1/(2 (1 + f))",
        2 * wide,
        sympy.exp(2 * wide),
        sympy.exp(2 * wide) - 1 - 2 * wide + 1,
    )
    chain.at_most("and 2 (1/2) exp(-2)/(1 - exp(-2))/8 is at most", base / (1 - base) / 8, 1)
    chain.step("so R/8 <= 1/(1 + f) <= u_j, and V[W] >= d^2/4.")


def add_ratios(chain: Chain) -> None:
    """The weights within Delta/4 of a point."""
    t, p = sympy.symbols("t p", nonnegative=True)
    chain.step(
        "Now Delta >= 2 sigma/mu, so c = 1 + g, E <= exp(-1), and y = mu (x_i + t Delta) with 0 <= "
        "t <= 1/4 (the other side is the mirror image). A point at distance Delta (1 + s) has r = "
        "alpha_j/alpha_i = exp(-2 c (1 + s)(1 + s - 2 t)) to the right, t replaced by -t to the "
        "left; the k-th neighbour has s >= k - 1."
    )
    chain.identity(
        "with mu^2/(2 sigma^2) = 2 c/Delta^2",
        sympy.exp(-(mu**2) * spacing**2 * (1 + s) * (1 + s - 2 * t) / (2 * sigma**2)),
        likelihood_ratio(t),
    )
    near = sympy.exp(-c * (1 + 3 * s + 2 * s**2))
    chain.at_most(
        "to the right, t = 1/4 - p: r is at most E exp(-c (3 s + 2 s^2))",
        sympy.exp(-2 * c * (1 + s) * (1 + s - 2 * (sympy.Rational(1, 4) - p))),
        near,
        near * (1 - sympy.exp(-4 * c * (1 + s) * p)),
    )
    left = sympy.exp(-2 * c * (1 + s) ** 2)
    chain.at_most(
        "to the left r is at most E^2 exp(-c (4 s + 2 s^2))",
        sympy.exp(-2 * c * (1 + s) * (1 + s + 2 * t)),
        left,
        left * (1 - sympy.exp(-4 * c * (1 + s) * t)),
    )
    chain.step(
        "E[W - x_i] and E[(W - x_i)^2] are sum_j d_j r_j and sum_j d_j^2 r_j over 1 + sum_j r_j. "
        "So to bound the first by Delta E it is enough that sum_j (d_j/Delta - E) r_j/E <= 1, and "
        "for the second by Delta^2 E that sum_j ((d_j/Delta)^2 - E) r_j/E <= 1."
    )


def likelihood_ratio(t: Any) -> Any:
    """`exp(-2 c (1 + s)(1 + s - 2 t))` with `c = mu^2 Delta^2/(4 sigma^2)`."""
    return sympy.exp(-(mu**2 * spacing**2 / (4 * sigma**2)) * 2 * (1 + s) * (1 + s - 2 * t))


def add_mean(chain: Chain) -> None:
    """prop02b.s1."""
    small, q = sympy.symbols("E q", nonnegative=True)
    k, h = sympy.symbols("k h", nonnegative=True)
    chain.step(
        "prop02b.s1. Upwards only points to the right count (d_j < 0 to the left). The nearest:"
    )
    chain.at_most(
        "1 + s - E <= (1 - E)(1 + 2 s) as E = 1/2 - q",
        1 + s - (half - q),
        (1 - (half - q)) * (1 + 2 * s),
        2 * q * s,
    )
    chain.at_most(
        "and (1 + 2 s) exp(-c (3 s + 2 s^2)) <= 1, so it adds at most 1 - E",
        1 + 2 * s,
        sympy.exp(c * (3 * s + 2 * s**2)),
        (sympy.exp(c * (3 * s + 2 * s**2)) - 1 - c * (3 * s + 2 * s**2))
        + s
        + 3 * g * s
        + 2 * c * s**2,
    )
    chain.at_most(
        "The (k + 2)-nd, s = 1 + k + h: (1 + s) exp(-c (3 s + 2 s^2)) is at most exp(-3 c (k + 1))",
        (2 + k + h) * sympy.exp(-c * (3 * (1 + k + h) + 2 * (1 + k + h) ** 2)),
        sympy.exp(-3 * c * (k + 1)),
        sympy.exp(-c * (3 * (1 + k + h) + 2 * (1 + k + h) ** 2))
        * (sympy.exp(c * (3 * h + 2 * (1 + k + h) ** 2)) - (2 + k + h)),
    )
    chain.at_most(
        "with E + q = 3/8 the rest is at most E^3/(1 - E^3) <= E, times 1 - E^3",
        small**3,
        small * (1 - small**3),
        small
        * (
            (1 - sympy.Rational(3, 8) - sympy.Rational(27, 512))
            + (sympy.Rational(3, 8) - small)
            + (sympy.Rational(27, 512) - small**3)
            + small
            - small**2
        ),
    ) if False else None
    series(chain, "The rest is E^3 + E^6 + ... = E^3/(1 - E^3) <= E", 3, 1)
    chain.at_most("exp(-1) <= 3/8", sympy.exp(-1), sympy.Rational(3, 8))
    chain.step(
        "Together at most 1, so E[W] - x_i <= Delta E; mirrored, |E[W] - x_i| <= Delta E for both "
        "signs of t. It is approached: n = 2, t = 1/4 gives Delta E/(1 + E)."
    )


def series(chain: Chain, text: str, power: int, target: int) -> None:
    """`E^power/(1 - E^power) <= E^target` for `E = 3/8 - q`."""
    small, q = sympy.symbols("E q", nonnegative=True)
    top = sympy.Rational(3, 8)
    chain.at_most(
        f"{text}: E^{power - target} + E^{power} <= 1, each factor E at most E + q = 3/8",
        small ** (power - target) + small**power,
        (small + q) ** (power - target) + (small + q) ** power,
    )
    chain.at_most("which is at most 1", top ** (power - target) + top**power, 1)


def add_variance(chain: Chain) -> None:
    """prop02c.s1."""
    chain.step("prop02c.s1. V[W] <= E[(W - x_i)^2]; points on both sides count.")


def add_half_kernels(chain: Chain) -> None:
    """prop02.b.s1."""


def add_jump(chain: Chain) -> None:
    """cor03a.s1."""


def add_rounding(chain: Chain) -> None:
    """cor03b.s1."""


def add_pairs(chain: Chain) -> None:
    """cor03b.s2."""


def add_parts(chain: Chain) -> None:
    """cor03.a.s1, cor03.c.s1, cor03.d.s1."""

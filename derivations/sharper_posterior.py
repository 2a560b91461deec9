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

TOP = sympy.Rational(3, 8)
"""Above `exp(-1)`, which `E = exp(-c)` is at most."""


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
    spread = sympy.Symbol("d", positive=True)
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
        near * (1 - sympy.exp(sympy.expand(-4 * c * (1 + s) * p))),
    )
    left = sympy.exp(-2 * c * (1 + s) ** 2)
    chain.at_most(
        "to the left r is at most E^2 exp(-c (4 s + 2 s^2))",
        sympy.exp(-2 * c * (1 + s) * (1 + s + 2 * t)),
        left,
        left * (1 - sympy.exp(sympy.expand(-4 * c * (1 + s) * t))),
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
    q = sympy.Symbol("q", nonnegative=True)
    chain.step(
        "prop02b.s1. Upwards only points to the right count (d_j < 0 to the left). The nearest:"
    )
    chain.at_most(
        "1 + s - E <= (1 - E)(1 + 2 s) with E = 1/2 - q",
        1 + s - (half - q),
        (1 - (half - q)) * (1 + 2 * s),
        2 * q * s,
    )
    power = c * (3 * s + 2 * s**2)
    chain.at_most(
        "and (1 + 2 s) exp(-c (3 s + 2 s^2)) <= 1, so it adds at most 1 - E",
        1 + 2 * s,
        sympy.exp(power),
        (sympy.exp(power) - 1 - power) + sympy.expand(power - 2 * s),
    )
    chain.step("The (k + 2)-nd neighbour, k >= 0, has s = 1 + k + h with h >= 0.")
    add_far(chain, 3)
    chain.step("The same bound serves 1 + s <= (1 + s)^2.")
    add_series(chain, "The rest is E^3 + E^6 + ... = E^3/(1 - E^3) <= E", 2, 3)
    chain.step(
        "Together at most 1, so E[W] - x_i <= Delta E. Downwards only points to the left count, "
        "whose r is smaller still; so |E[W] - x_i| <= Delta E, for t < 0 by the mirror image. It "
        "is approached: n = 2, t = 1/4 gives Delta E/(1 + E)."
    )


def add_far(chain: Chain, rate: int) -> None:
    """`(1 + s)^2 exp(-c (rate s + 2 s^2)) <= exp(-rate c (k + 1))` for `s = 1 + k + h`."""
    k, h = sympy.symbols("k h", nonnegative=True)
    place = 1 + k + h
    decay = sympy.exp(-c * (rate * place + 2 * place**2))
    tangent = sympy.exp(place) - 1 - place
    rise = sympy.expand(c * (rate * h + 2 * place**2) - 2 * place)
    chain.at_most(
        f"(1 + s)^2 exp(-c ({rate} s + 2 s^2)) is at most exp(-{rate} c (k + 1))",
        (1 + place) ** 2 * decay,
        sympy.exp(-rate * c * (k + 1)),
        decay
        * (sympy.exp(2 * place) * (sympy.exp(rise) - 1) + tangent * (sympy.exp(place) + 1 + place)),
    )


def add_series(chain: Chain, text: str, first: int, second: int) -> None:
    """`E^first + E^second <= 1` for `E <= 3/8`."""
    small, q = sympy.symbols("E q", nonnegative=True)
    chain.at_most(
        f"{text}: E^{first} + E^{second} <= 1, as E + q = 3/8",
        small**first + small**second,
        (small + q) ** first + (small + q) ** second,
    )
    chain.at_most("where exp(-1), which E is at most, is at most", sympy.exp(-1), TOP)
    chain.at_most("and the sum is at most 1", TOP**first + TOP**second, 1)


def add_variance(chain: Chain) -> None:
    """prop02c.s1."""
    e, r = sympy.symbols("e r", nonnegative=True)
    q = sympy.Symbol("q", nonnegative=True)
    chain.step(
        "prop02c.s1. V[W] <= E[(W - x_i)^2]; points on both sides count. The nearest to the "
        "right, with h = c (3 s + 2 s^2) and exp(-h/3) = 1 - p:"
    )
    power = c * (3 * s + 2 * s**2)
    tangent = sympy.exp(s) - 1 - s
    chain.at_most(
        "(1 + s)^2 exp(-h) is at most exp(-h/3)",
        (1 + s) ** 2 * sympy.exp(-power),
        sympy.exp(-power / 3),
        sympy.exp(-power)
        * (
            sympy.exp(2 * s) * (sympy.exp(sympy.expand(2 * power / 3 - 2 * s)) - 1)
            + tangent * (sympy.exp(s) + 1 + s)
        ),
    )
    missing, kept = r / (1 + r), 1 / (1 + r)
    small = 1 / (3 * (1 + e))
    chain.at_most(
        "so it adds at most (1 - p) - E (1 - p)^3, at most 1 - E + E^2/2: where E = 1/(3 (1 + e)), "
        "p = r/(1 + r)",
        kept - small * kept**3,
        1 - small + small**2 / 2,
        small**2 / 2 + missing * e / (1 + e) + small * missing**2 * (2 + kept),
    )
    share = e / (1 + e)
    small = sympy.Rational(1, 3) + share / 24
    third, eighth = sympy.Rational(1, 3), sympy.Rational(1, 8)
    chain.at_most(
        "and where 1/3 <= E < 3/8, E = 1/3 + e/(24 (1 + e))",
        kept - small * kept**3,
        1 - small + small**2 / 2,
        share / 24 * (2 * third + share / 24) / 2
        + eighth * missing / (1 + e)
        + share / 24 * missing**2 * (2 + kept)
        + third * missing**2 * kept
        + 2 * third * (missing - sympy.Rational(3, 32)) ** 2
        + sympy.Rational(1, 18)
        - sympy.Rational(3, 512),
    )
    chain.at_most(
        "The nearest to the left: (1 + s)^2 - E <= (1 - E)(1 + 2 s)^2 with E = 1/2 - q",
        (1 + s) ** 2 - (half - q),
        (1 - (half - q)) * (1 + 2 * s) ** 2,
        4 * q * s + (1 + 4 * q) * s**2,
    )
    chain.at_most(
        "and (1 + 2 s)^2 exp(-c (4 s + 2 s^2)) <= 1, so it adds at most E (1 - E)",
        (1 + 2 * s) ** 2,
        sympy.exp(c * (4 * s + 2 * s**2)),
        sympy.exp(4 * s) * (sympy.exp(4 * g * s + 2 * c * s**2) - 1)
        + (sympy.exp(2 * s) - 1 - 2 * s) * (sympy.exp(2 * s) + 1 + 2 * s),
    )
    small = sympy.Symbol("E", nonnegative=True)
    chain.identity(
        "The two nearest add at most",
        1 - small + small**2 / 2 + small * (1 - small),
        1 - small**2 / 2,
    )
    add_far(chain, 4)
    chain.at_most(
        "The rest is E^3/(1 - E^3) + E E^4/(1 - E^4), which is at most E^2/2: divided by E^2 it "
        "grows with E, and at E = 3/8 it is",
        TOP / (1 - TOP**3) + TOP**3 / (1 - TOP**4),
        half,
    )
    chain.step(
        "Together at most 1: V[W] <= Delta^2 E. It is approached: n = 2, t = 1/4 gives Delta^2 "
        "E/(1 + E)^2."
    )


def add_half_kernels(chain: Chain) -> None:
    """prop02.b.s1."""
    k, h = sympy.symbols("k h", nonnegative=True)
    place = 1 + k + h
    chain.step(
        "prop02.b.s1. The terms of the sum are Delta E (1 + s) exp(-c (2 s + s^2)); the first is "
        "at most Delta E (prop02.b), the (k + 2)-nd with s = 1 + k + h:"
    )
    power = c * (2 * h + place**2)
    decay = sympy.exp(-c * (2 * place + place**2))
    chain.at_most(
        "(1 + s) exp(-c (2 s + s^2)) is at most exp(-2 c (k + 1))",
        (1 + place) * decay,
        sympy.exp(-2 * c * (k + 1)),
        decay * ((sympy.exp(power) - 1 - power) + sympy.expand(power - place)),
    )
    chain.at_most(
        "so the sum over Delta E is at most 1 + E^2/(1 - E^2), which grows with E; at E = 3/8",
        1 + TOP**2 / (1 - TOP**2),
        sympy.Rational(6, 5),
    )


def add_jump(chain: Chain) -> None:
    """cor03a.s1."""
    q = sympy.Symbol("q", nonnegative=True)
    chain.step(
        "cor03a.s1. At y = mu x_i, t = 0 and r = E^2 exp(-c (4 s + 2 s^2)) on either side. V[W] <= "
        "2 Delta^2 E^2 as soon as the sum of ((1 + s)^2 - 2 E^2) r/E^2 over both sides is at most "
        "2. With 2 E^2 = 1/2 - q the nearest on a side:"
    )
    chain.at_most(
        "(1 + s)^2 - 2 E^2 is at most (1 - 2 E^2)(1 + 4 s + 2 s^2)",
        (1 + s) ** 2 - (half - q),
        (half + q) * (1 + 4 * s + 2 * s**2),
        q * (4 * s + 2 * s**2),
    )
    power = c * (4 * s + 2 * s**2)
    chain.at_most(
        "so it adds at most 1 - 2 E^2, as 1 + 4 s + 2 s^2 is at most",
        1 + 4 * s + 2 * s**2,
        sympy.exp(power),
        (sympy.exp(power) - 1 - power) + g * (4 * s + 2 * s**2),
    )
    chain.step("The others on a side add at most E^4/(1 - E^4), by the bound with 4 c above.")
    add_series(chain, "Two sides, 2 - 4 E^2 + 2 E^4/(1 - E^4) <= 2 if E^2/2 + E^4 <= 1", 2, 4)
    low, high = sympy.symbols("V_y V_m", real=True)
    scale = mu**2 / sigma**4
    chain.identity(
        "By eq. 9 (derivation score_slope), with V_y = V[W(y)], V_m = V[W(m_i)]: s*'(m_i) - s*'(y)",
        (-1 + mu**2 / sigma**2 * high) / sigma**2 - (-1 + mu**2 / sigma**2 * low) / sigma**2,
        scale * (high - low),
    )
    floor, ceiling, over, under = sympy.symbols("F B q_1 q_2", nonnegative=True)
    chain.at_most(
        "V_m = F + q_1 with F = (x_i - x_{i+1})^2/4 (prop02a.s2), V_y = B - q_2 with B = 2 Delta^2 "
        "E^2, at y = mu x_i and, for the index i + 1, at y = mu x_{i+1}",
        scale * (floor - ceiling),
        scale * ((floor + over) - (ceiling - under)),
        scale * (over + under),
    )


def add_rounding(chain: Chain) -> None:
    """cor03b.s1."""
    mean, value, point = sympy.symbols("M z x_i", real=True)
    chain.step(
        "cor03b.s1. By eq. 9, R_n(s*) = (mu^2/sigma^4) (1/n) sum_i int p_i (E[W] - x_i)^2 dy, p_i "
        "the density of Y given i. With p = (1/n) sum_i p_i and alpha_i = p_i/(n p) it is "
        "(mu^2/sigma^4) int p V[W] dy. Let z(y) be the training point nearest y/mu."
    )
    chain.at_most(
        "(M - x_i)^2 plus a term whose mean over alpha_i is 0, M = E[W], is at most (z - x_i)^2",
        (mean - point) ** 2 + 2 * (mean - point) * (value - mean),
        (value - point) ** 2,
        (value - mean) ** 2,
    )
    chain.step(
        "So V[W] <= sum_i alpha_i (z - x_i)^2, and R_n(s*) is at most (mu^2/sigma^4) times the "
        "mean square error of z(Y). Given i, z = x_i unless the noise passes half of the gap on "
        "one side, with probability at most Q(kappa/2) for each side that has a gap, kappa = mu "
        "Delta/sigma; then the error is at most L. Of the 2 n sides 2 n - 2 have a gap."
    )
    step, width = sympy.symbols("t w", positive=True)
    chain.at_most(
        "The tail of the normal law: phi(w + t) against exp(-w^2/2) phi(t)",
        density(width + step),
        sympy.exp(-(width**2) / 2) * density(step),
        sympy.exp(-(width**2) / 2) * density(step) * (1 - sympy.exp(-width * step)),
    )
    chain.identity(
        "Integrated over t > 0, where phi has this mass, Q(w) <= exp(-w^2/2)/2",
        integral(sympy.Integer(1), sympy.Integer(0), sympy.oo),
        half,
    )
    n = sympy.Symbol("n", positive=True)
    chain.identity(
        "The mean over i, with w = kappa/2",
        (2 * n - 2) / n * sympy.exp(-((mu * spacing / (2 * sigma)) ** 2) / 2) / 2,
        (n - 1) / n * sympy.exp(-(mu**2) * spacing**2 / (8 * sigma**2)),
    )


def add_pairs(chain: Chain) -> None:
    """cor03b.s2."""
    one, two = sympy.symbols("a b", positive=True)
    rest = sympy.Symbol("R", nonnegative=True)
    chain.step(
        "cor03b.s2. V[W] = sum_{j<k} alpha_j alpha_k (x_j - x_k)^2, and p alpha_j alpha_k = (1/n) "
        "p_j p_k/sum_i p_i. With p_j = a^2, p_k = b^2 and the other densities summing to R:"
    )
    chain.at_most(
        "p_j p_k/sum_i p_i is at most half of sqrt(p_j p_k)",
        one**2 * two**2 / (one**2 + two**2 + rest),
        one * two / 2,
        one * two * ((one - two) ** 2 + rest) / (2 * (one**2 + two**2 + rest)),
    )
    left, right = sympy.symbols("x_j x_k", real=True)
    chain.identity(
        "p_j p_k, up to the same factor on both sides, is a Gaussian about the midpoint, squared",
        likelihood(left) * likelihood(right),
        likelihood((left + right) / 2) ** 2
        * sympy.exp(-(mu**2) * (right - left) ** 2 / (4 * sigma**2)),
    )
    chain.step(
        "so int sqrt(p_j p_k) dy = exp(-mu^2 d^2/(8 sigma^2)), d = x_k - x_j, and R_n(s*) <= "
        "(mu^2/sigma^4) (1/(2 n)) sum_{j<k} d^2 exp(-mu^2 d^2/(8 sigma^2)), for every Delta."
    )
    chain.step(
        "Let Delta >= 2 sigma/mu, so a = mu^2 Delta^2/(8 sigma^2) = 1/2 + g. There are n - k <= n "
        "- 1 pairs k places apart, with d^2 = w Delta^2, w >= k^2. Of w exp(-a w)/exp(-a):"
    )
    wide = 1 + f
    chain.at_most(
        "a may be replaced by 1/2, w = 1 + f",
        wide * sympy.exp(-(half + g) * f),
        wide * sympy.exp(-f / 2),
        wide * sympy.exp(-f / 2) * (1 - sympy.exp(-g * f)),
    )
    w = sympy.Symbol("w", positive=True)
    chain.at_most(
        "k = 1: w exp(-(w - 1)/2) is at most 2 exp(-1/2)",
        w * sympy.exp(-(w - 1) / 2),
        2 * sympy.exp(-half),
        2 * sympy.exp(-(w - 1) / 2) * (sympy.exp(w / 2 - 1) - w / 2),
    )
    k = sympy.Symbol("k", nonnegative=True)
    low = (2 + k) ** 2
    chain.at_most(
        "k + 2 for k: w = (k + 2)^2 + f, w exp(-(w - 1)/2) is at most its value at f = 0",
        (low + f) * sympy.exp(-(low + f - 1) / 2),
        low * sympy.exp(-(low - 1) / 2),
        sympy.exp(-(low + f - 1) / 2)
        * (low * (sympy.exp(f / 2) - 1 - f / 2) + sympy.expand(low * f / 2 - f)),
    )
    far = (4 + k) ** 2
    chain.at_most(
        "k + 4 for k: with w/4 <= exp(w/4 - 1) that value is at most 4 exp(-1/2) exp(-(k + 4))",
        far * sympy.exp(-(far - 1) / 2),
        4 * sympy.exp(-half - 4 - k),
        4
        * sympy.exp(-(far - 1) / 2)
        * (
            (sympy.exp(far / 4 - 1) - far / 4)
            + sympy.exp(far / 4 - 1) * (sympy.exp(sympy.expand(far / 4 - 4 - k)) - 1)
        ),
    )
    total = 2 * sympy.exp(-half) + 4 * sympy.exp(-3 * half) + 9 * sympy.exp(-4)
    total = total + 4 * sympy.exp(-half - 4) / (1 - sympy.exp(-1))
    chain.at_most("so they sum to at most", total, sympy.Rational(5, 2))
    n = sympy.Symbol("n", positive=True)
    chain.identity(
        "and with the factor (n - 1)/(2 n) before the sum",
        (n - 1) / (2 * n) * sympy.Rational(5, 2),
        5 * (n - 1) / (4 * n),
    )
    u, b = sympy.symbols("u b", real=True)
    minus, plus = sympy.exp(-((u - b) ** 2) / 2), sympy.exp(-((u + b) ** 2) / 2)
    chain.identity(
        "The exponent is exact at n = 2: about the midpoint, in units of sigma, b = kappa/2",
        minus * plus / (minus + plus),
        sympy.exp(-(u**2) / 2) * sympy.exp(-(b**2) / 2) / (sympy.exp(b * u) + sympy.exp(-b * u)),
    )
    chain.step(
        "so R_2(s*) = (mu^2 Delta^2/(4 sigma^4)) exp(-kappa^2/8) E[1/cosh(kappa Z/2)], for every "
        "kappa, and the last mean falls like 1/kappa only."
    )


def add_parts(chain: Chain) -> None:
    """cor03.a.s1, cor03.c.s1, cor03.d.s1."""
    chain.step(
        "cor03.a.s1. s*(y) - (mu x_i - y)/sigma^2 = (mu/sigma^2)(E[W] - x_i) (posterior_bounds), "
        "and prop02b.s1."
    )
    root = sympy.exp(-(mu**2) * spacing**2 / (4 * sigma**2))
    chain.identity(
        "Its square",
        (mu * spacing / sigma**2 * root) ** 2,
        mu**2 * spacing**2 / sigma**4 * sympy.exp(-(mu**2) * spacing**2 / (2 * sigma**2)),
    )
    outside, lost, near, far = sympy.symbols("p q N F", nonnegative=True)
    chain.at_most(
        "cor03.c.s1. Where the noise stays within mu Delta/4 the residual squared is at most N, "
        "elsewhere F = mu^2 L^2/sigma^4 (cor03.b); p = P(|sigma Z| > mu Delta/4), p + q = "
        "exp(-mu^2 Delta^2/(32 sigma^2)) (posterior_bounds, cor03.c)",
        (1 - outside) * near + outside * far,
        near + far * (outside + lost),
        outside * near + far * lost,
    )
    more, spare = sympy.Symbol("k", positive=True), sympy.Symbol("e", nonnegative=True)
    chain.at_most(
        "cor03.d.s1: n = 1 + k, L = (n - 1) Delta + e; equality for equispaced points",
        (1 + more) * spacing,
        (1 + more) / more * (more * spacing + spare),
        (1 + more) / more * spare,
    )

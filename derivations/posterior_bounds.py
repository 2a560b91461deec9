"""Proposition 2 and corollary 3: the posterior near a training point and at a midpoint.

Everything is said about one generic point `x_j` beside `x_i` and then summed over j, so n is
arbitrary. With `x = y/mu` and the responsibilities alpha, the ratio `alpha_j/alpha_i = exp(-mu^2
(x_j - x_i)(x_j + x_i - 2x)/(2 sigma^2))` is at most `exp(-mu^2 (x_j - x_i)^2/(4 sigma^2))` within
`Delta/4` of `x_i`. With `d = Delta (1 + s)` the distance and `c = mu^2 Delta^2/(4 sigma^2) >= 1`,
`(1 + s)^k <= exp(k s) <= exp(c (2 s + s^2))` for k = 1, 2 bounds every term of the sums by the term
at distance Delta; this is what lemma 13 is used for on the page.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, tail
from ._mixture import mu, sigma

half = sympy.Rational(1, 2)
point, place = sympy.symbols("x_i x", real=True)
spacing = sympy.Symbol("Delta", positive=True)
distance = sympy.Symbol("d", positive=True)
share, others = sympy.symbols("alpha_j rho", nonnegative=True)


def kernel(at: Any) -> Any:
    """`exp(-(y - mu at)^2/(2 sigma^2))` at `y = mu x`."""
    return sympy.exp(-((mu * place - mu * at) ** 2) / (2 * sigma**2))


def ratio(first: Any, second: Any) -> Any:
    """`alpha_j/alpha_i` at `y = mu x` for `x_j = first`, `x_i = second`."""
    exponent = mu**2 * (first - second) * (first + second - 2 * place) / (2 * sigma**2)
    return sympy.exp(-exponent)


def decay(length: Any, parts: int) -> Any:
    """`exp(-mu^2 length^2/(parts sigma^2))`."""
    return sympy.exp(-(mu**2) * length**2 / (parts * sigma**2))


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, y = mu x, alpha_j the posterior "
        "weights, L = x_n - x_1. i is fixed, j is any other index; sums run over j."
    )
    add_any_place(chain)
    add_near_point(chain)
    add_sums(chain)
    add_midpoint(chain)
    add_variance(chain)
    add_slope_jump(chain)
    add_risk(chain)
    return chain.derivation(
        __name__,
        "The posterior near a training point and at a midpoint, and the risk of the score",
        "proposition 2, p. 7, pp. 22-23; corollary 3, pp. 7 and 24",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0; prop02.a0 and cor03.b for "
        "every real y, prop02.a for |y - mu x_i| <= mu Delta/4; prop02.b, .e, prop02b, prop02c, "
        "cor03.a, .c, cor03a, cor03b for Delta >= 2 sigma/mu, and of these prop02.e, prop02b, "
        "prop02c, cor03.a for |y - mu x_i| <= mu Delta/4",
        proves=("prop02a", "prop02b", "prop02c", "cor03a@mu", "cor03a.r1", "cor03b"),
        proves_steps=(
            "prop02.a0",
            "prop02.a",
            "prop02.b",
            "prop02.c",
            "prop02.c2.r1",
            "prop02.d",
            "prop02.e",
            "cor03.a",
            "cor03.b",
            "cor03.c",
            "cor03.d",
        ),
        remark=(
            "prop02.b holds with n - 1 for n, prop02.e with room everywhere, and cor03.c with half "
            "of its second term."
        ),
    )


def add_any_place(chain: Chain) -> None:
    """prop02.a0: no condition on y."""
    other = sympy.Symbol("x_j", real=True)
    chain.identity("The ratio alpha_j/alpha_i", kernel(other) / kernel(point), ratio(other, point))
    r = sympy.Symbol("r", positive=True)
    chain.step(
        "The weights have sum 1, so E[W] - x_i = sum_j (x_j - x_i) alpha_j. With r = "
        "alpha_j/alpha_i and rho = sum_{j != i} alpha_j >= 0, alpha_j = r alpha_i = r (1 - rho)."
    )
    chain.at_most(
        "A term with j > i, d = x_j - x_i > 0",
        distance * r * (1 - others),
        distance * r,
        distance * r * others,
    )
    chain.at_most("A term with j < i, d = x_i - x_j > 0", -distance * share, 0, distance * share)
    chain.step("Summed over j this is prop02.a0.")


def add_near_point(chain: Chain) -> None:
    """prop02.a: within Delta/4 of x_i."""
    below, further = sympy.symbols("e f", nonnegative=True)
    chain.step(
        "Let x <= x_i + Delta/4, that is x = x_i + Delta/4 - e, and j > i, so x_j = x_i + Delta + "
        "f; e, f >= 0."
    )
    near = {place: point + spacing / 4 - below}
    other, length = point + spacing + further, spacing + further
    chain.at_most(
        "the page's x_j - x >= (3/4)(x_j - x_i)",
        sympy.Rational(3, 4) * length,
        (other - place).xreplace(near),
        further / 4 + below,
    )
    chain.at_most(
        "x_j + x_i - 2x >= (x_j - x_i)/2",
        length / 2,
        (other + point - 2 * place).xreplace(near),
        further / 2 + 2 * below,
    )
    chain.at_most(
        "so the ratio is small",
        ratio(other, point).xreplace(near),
        decay(length, 4),
        decay(length, 4)
        * (1 - sympy.exp(-(mu**2) * length * (further / 2 + 2 * below) / (2 * sigma**2))),
    )
    chain.step("Put into prop02.a0 this is prop02.a (only x <= x_i + Delta/4 was used).")
    other = sympy.Symbol("x_j", real=True)
    chain.identity(
        "The ratio is unchanged when every sign is turned, so for j < i and x >= x_i - Delta/4 "
        "also alpha_j <= exp(-mu^2 (x_j - x_i)^2/(4 sigma^2))",
        ratio(other, point),
        ratio(other, point).xreplace({other: -other, point: -point, place: -place}),
    )


def add_sums(chain: Chain) -> None:
    """prop02.b, its square, and prop02b."""
    room, more, s, g = sympy.symbols("h q s g", nonnegative=True)
    chain.step("Let Delta >= 2 sigma/mu, that is Delta = 2 sigma (1 + h)/mu with h >= 0.")
    chain.at_most(
        "Then c = mu^2 Delta^2/(4 sigma^2) is at least 1",
        1,
        mu**2 * (2 * sigma * (1 + room) / mu) ** 2 / (4 * sigma**2),
        2 * room + room**2,
    )
    chain.step("Write c = 1 + g and the distance |x_j - x_i| = Delta (1 + s), s, g >= 0.")
    c = 1 + g
    far, rise = sympy.exp(-c * (1 + s) ** 2), c * (2 * s + s**2)
    tangent = sympy.exp(s) - 1 - s
    chain.identity("c (1 + s)^2 - c", c * (1 + s) ** 2 - c, rise)
    chain.at_most(
        "The term at distance Delta is the largest (k = 1)",
        spacing * (1 + s) * far,
        spacing * sympy.exp(-c),
        spacing * far * (sympy.exp(s) * (sympy.exp(s + s**2 + g * (2 * s + s**2)) - 1) + tangent),
    )
    chain.at_most(
        "and so it is with the distance squared (k = 2)",
        spacing**2 * (1 + s) ** 2 * far,
        spacing**2 * sympy.exp(-c),
        spacing**2
        * far
        * (
            sympy.exp(2 * s) * (sympy.exp(s**2 + g * (2 * s + s**2)) - 1)
            + tangent * (sympy.exp(s) + 1 + s)
        ),
    )
    count, term = sympy.symbols("k T", nonnegative=True)
    chain.at_most(
        "A sum of k <= n terms, each at most T, k = n - q", count * term, (count + more) * term
    )
    chain.step(
        "So sum_{j > i} (x_j - x_i) exp(-mu^2 (x_j - x_i)^2/(4 sigma^2)) <= n Delta exp(-mu^2 "
        "Delta^2/(4 sigma^2)), prop02.b; and the sum over j != i of the squared distances times "
        "the same exponentials is at most n Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))."
    )
    chain.step(
        "E[W] - x_i <= n Delta exp(-mu^2 Delta^2/(4 sigma^2)) by prop02.a and .b; turning all "
        "signs gives the same for x_i - E[W]. This is prop02b."
    )


def add_midpoint(chain: Chain) -> None:
    """prop02.c, .c2.r1, .d and prop02a."""
    away, n = sympy.symbols("w n", positive=True)
    middle = {place: point + distance / 2}
    chain.step("At m_i, x = (x_i + x_{i+1})/2; let d = x_{i+1} - x_i > 0. No condition on Delta.")
    chain.identity(
        "Both neighbours weigh the same",
        kernel(point + distance).xreplace(middle),
        kernel(point).xreplace(middle),
    )
    for text, other in (
        ("x_j = x_i - w weighs no more", point - away),
        ("x_j = x_{i+1} + w weighs no more", point + distance + away),
    ):
        chain.at_most(
            text,
            kernel(other).xreplace(middle),
            kernel(point).xreplace(middle),
            kernel(point).xreplace(middle)
            * (1 - sympy.exp(-(mu**2) * away * (away + distance) / (2 * sigma**2))),
        )
    chain.step(
        "No point lies between x_i and x_{i+1}. So in alpha_i(m_i) = exp(-(m_i - mu x_i)^2/(2 "
        "sigma^2)) / sum_j exp(-(m_i - mu x_j)^2/(2 sigma^2)) no term of the sum exceeds the "
        "numerator (prop02.c2.r1), the sum is at most n times it, and alpha_i = alpha_{i+1} >= 1/n "
        "(prop02.c)."
    )
    mean = sympy.Symbol("w_bar", real=True)
    second, first, rest = sympy.symbols("p_2 p_1 R", nonnegative=True)
    left, right = (point - mean) ** 2, (point + distance - mean) ** 2
    chain.step(
        "V[W] = sum_j alpha_j (x_j - E[W])^2; let alpha_i = 1/n + p_1, alpha_{i+1} = 1/n + p_2, R "
        ">= 0 the other terms, w_bar = E[W]."
    )
    chain.at_most(
        "First half of prop02.d",
        (left + right) / n,
        (1 / n + first) * left + (1 / n + second) * right + rest,
        first * left + second * right + rest,
    )
    chain.at_most(
        "Second half of prop02.d",
        distance**2 / (2 * n),
        (left + right) / n,
        (2 * point + distance - 2 * mean) ** 2 / (2 * n),
    )
    chain.step("The two together are prop02a.")


def add_variance(chain: Chain) -> None:
    """prop02.e and prop02c."""
    one, two = sympy.symbols("a b", real=True)
    chain.at_most(
        "With a = x_j - x_i and b = x_i - E[W]: (x_j - E[W])^2",
        (one + two) ** 2,
        2 * one**2 + 2 * two**2,
        (one - two) ** 2,
    )
    size, slack = sympy.symbols("u q", nonnegative=True)
    n = sympy.Symbol("n", positive=True)
    chain.identity(
        "prop02b squared",
        (n * spacing * decay(spacing, 4)) ** 2,
        n**2 * spacing**2 * decay(spacing, 2),
    )
    chain.at_most(
        "and with B = |b| + q the bound of prop02b, b^2 <= B^2; here u = |b|",
        size**2,
        (size + slack) ** 2,
        2 * size * slack + slack**2,
    )
    chain.step(
        "This is the first part of prop02.e. Averaged over alpha_j, with V[W] = sum_j alpha_j (x_j "
        "- E[W])^2, sum_j alpha_j = 1 and alpha_j <= exp(-mu^2 (x_j - x_i)^2/(4 sigma^2)) for j != "
        "i, it is the second part; the sum is bounded above (k = 2), which is the third part."
    )
    more, c = sympy.symbols("k c", nonnegative=True)
    count = 1 + more
    small = sympy.exp(-c)
    chain.at_most(
        "Last part of prop02.e, n = 1 + k, c = mu^2 Delta^2/(4 sigma^2)",
        2 * count**2 * spacing**2 * sympy.exp(-2 * c) + 2 * count * spacing**2 * small,
        4 * count**2 * spacing**2 * small,
        2 * count**2 * spacing**2 * small * (1 - small) + 2 * count * more * spacing**2 * small,
    )
    chain.step("The parts together are prop02c.")


def add_slope_jump(chain: Chain) -> None:
    """cor03a read with the noised means."""
    at, middle = sympy.symbols("V_y V_m", real=True)
    scale = mu**2 / sigma**4
    chain.identity(
        "By eq. 9 (derivation score_slope), with V_y = V[W(y)], V_m = V[W(m_i)]: s*'(m_i) - s*'(y)",
        (-1 + mu**2 / sigma**2 * middle) / sigma**2 - (-1 + mu**2 / sigma**2 * at) / sigma**2,
        scale * (middle - at),
    )
    floor, ceiling, over, under = sympy.symbols("F B q_1 q_2", nonnegative=True)
    chain.at_most(
        "V_m = F + q_1 with F = (x_i - x_{i+1})^2/(2n) (prop02a), V_y = B - q_2 with B the bound "
        "of prop02c, used at y = mu x_i and, for the index i + 1, at y = mu x_{i+1}",
        scale * (floor - ceiling),
        scale * ((floor + over) - (ceiling - under)),
        scale * (over + under),
    )
    chain.step("|s*'(y) - s*'(m_i)| >= s*'(m_i) - s*'(y), so this is cor03a read with mu.")


def add_risk(chain: Chain) -> None:
    """cor03.a to .d and cor03b."""
    mean, y = sympy.symbols("w_bar y", real=True)
    chain.identity(
        "By eq. 9, s*(y) - (mu x_i - y)/sigma^2",
        (-y + mu * mean) / sigma**2 - (mu * point - y) / sigma**2,
        mu / sigma**2 * (mean - point),
    )
    chain.step(
        "With prop02b this is cor03.a. For cor03.b let x_i = x_1 + v = x_n - z and E[W], a mean of "
        "the x_j, be x_1 + u = x_n - t; u, v, z, t >= 0:"
    )
    u, v, z, t = sympy.symbols("u v z t", nonnegative=True)
    chain.at_most("x_i - E[W] <= x_n - x_1 = v + z", v - u, v + z, u + z)
    chain.at_most("E[W] - x_i <= x_n - x_1 = u + t", u - v, u + t, v + t)
    more, spare = sympy.symbols("k q", nonnegative=True)
    chain.at_most(
        "cor03.d: n = 2 + k, x_n - x_1 = (n - 1) Delta + q",
        (2 + more) * spacing,
        2 * ((1 + more) * spacing + spare),
        more * spacing + 2 * spare,
    )
    edge = mu * spacing / (4 * sigma)
    chain.step(
        "R_n(s*) is the mean over i of E[(s*(Y) + (Y - mu x_i)/sigma^2)^2], Y = mu x_i + sigma Z. "
        "Where |Z| <= w = mu Delta/(4 sigma) use cor03.a, elsewhere cor03.b. The event |Z| > w has "
        "probability 2 Q(w)."
    )
    n = sympy.Symbol("n", positive=True)
    chain.identity(
        "The square of cor03.a",
        (n * mu * spacing / sigma**2 * decay(spacing, 4)) ** 2,
        n**2 * mu**2 * spacing**2 / sigma**4 * decay(spacing, 2),
    )
    step, width = sympy.symbols("t w", positive=True)
    chain.at_most(
        "The tail of the normal law: phi(w + t) against exp(-w^2/2) phi(t)",
        density(width + step),
        sympy.exp(-(width**2) / 2) * density(step),
        sympy.exp(-(width**2) / 2) * density(step) * (1 - sympy.exp(-width * step)),
    )
    chain.identity(
        "Integrated over t > 0, where phi has this mass, 2 Q(w) <= exp(-w^2/2)",
        integral(sympy.Integer(1), sympy.Integer(0), sympy.oo),
        half,
    )
    chain.identity("P(|Z| > w)", 1 - integral(sympy.Integer(1), -width, width), 2 * tail(width))
    chain.identity("exp(-w^2/2) at this w", sympy.exp(-(edge**2) / 2), decay(spacing, 32))
    outside, lost, near, spread = sympy.symbols("p q E_2 L", nonnegative=True)
    far = mu**2 * spread**2 / sigma**4
    chain.at_most(
        "cor03.c: p = P(|Z| > w), p + q = exp(-w^2/2), E_2 the square of cor03.a",
        (1 - outside) * near + outside * far,
        near + 2 * far * (outside + lost),
        outside * near + far * outside + 2 * far * lost,
    )
    g, x = sympy.Symbol("g", nonnegative=True), sympy.Symbol("z", positive=True)
    power = sympy.Rational(15, 8) * (1 + g)
    chain.at_most(
        "With v = mu^2 Delta^2/(32 sigma^2) = (1 + g)/8, exp(-16 v) <= exp(-v)/2",
        sympy.exp(-2 * (1 + g)),
        sympy.exp(-(1 + g) / 8) / 2,
        sympy.exp(-2 * (1 + g)) * (sympy.exp(power) - 2) / 2,
    )
    size, low = sympy.symbols("a E_16", nonnegative=True)
    chain.at_most(
        "cor03b from cor03.c and .d, without the factor mu^2/sigma^4: a = n Delta, 2 L = a + q, "
        "E_16 = exp(-16 v), exp(-v) = 2 E_16 + p",
        size**2 * low + (size + lost) ** 2 / 2 * (2 * low + outside),
        (size + lost) ** 2 * (2 * low + outside),
    )
    chain.at_most(
        "(z/3)^3 <= exp(z)",
        (x / 3) ** 3,
        sympy.exp(x),
        (sympy.exp(x / 3) - x / 3)
        * (sympy.exp(2 * x / 3) + sympy.exp(x / 3) * x / 3 + (x / 3) ** 2),
    )
    chain.step(
        "With z = q/sigma^2, q = mu^2 Delta^2/32: exp(-q/sigma^2)/sigma^4 <= 27 sigma^2/q^3, so "
        "the bound tends to 0 with sigma, mu and the sample fixed."
    )

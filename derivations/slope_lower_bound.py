"""Lemma 14: a function that cannot fall fast is far from the line `-beta x`.

First part. Let `F(x) = f(x) + beta x`, so `F' >= beta - gamma > 0` on `[-delta, delta]`, and for
`0 <= x <= delta`, `F(x) - F(-x) >= 2 (beta - gamma) x >= 0`. Since `p^2 + q^2 = (p - q)^2/2 + (p +
q)^2/2`, `F(x)^2 + F(-x)^2 >= (F(x) - F(-x))^2/2 >= 2 (beta - gamma)^2 x^2`. Integrated against the
even density of N(0, sigma^2) over `[0, delta]` this is the claim. (The printed step lem14.a
replaces F by its lower line inside the square, which is wrong where that line is negative or F is
below it.)

Second part. With `u = delta/sigma`, `E[x^2 ; |x| < delta] = sigma^2 (1 - 2 Q(u) - 2 u phi(u))`, and
`Q(u) = int_0^oo phi(u + t) dt = exp(-u^2/2) int_0^oo exp(-u t) phi(t) dt <= exp(-u^2/2)/2`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, primitive, tail, z


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    beta, gamma, p, q = sympy.symbols("beta gamma p q", real=True)
    sigma, delta, u, t, x = sympy.symbols("sigma delta u t x", positive=True)
    gap = beta - gamma
    chain.step(
        "Let beta > gamma > 0, delta > 0, f' >= -gamma on [-delta, delta], F(x) = f(x) + beta x."
    )
    chain.step(
        "G(x) = F(x) - (beta - gamma) x = f(x) + gamma x has G' >= 0, so G(x) >= G(-x) for "
        "0 <= x <= delta:"
    )
    chain.identity(
        "with p = F(x), q = F(-x), G(x) - G(-x) is",
        (p - gap * x) - (q + gap * x),
        (p - q) - 2 * gap * x,
    )
    chain.identity("A sum of squares", p**2 + q**2, (p - q) ** 2 / 2 + (p + q) ** 2 / 2)
    above, rise = sympy.symbols("h b", nonnegative=True)
    chain.at_most(
        "so with b = beta - gamma >= 0 and p = q + 2 b x + h, h >= 0 by the step before",
        2 * rise**2 * x**2,
        (q + 2 * rise * x + above) ** 2 + q**2,
        (2 * q + 2 * rise * x + above) ** 2 / 2 + above**2 / 2 + 2 * rise * x * above,
    )
    chain.step(
        "Integrate over 0 < x < delta against the even density of N(0, sigma^2); outside "
        "[-delta, delta] the square only adds. Without the outer part this is lem14.a.r1, with it "
        "lem14a (f^2 integrable or not)."
    )
    chain.identity(
        "Antiderivative of z^2 phi(z)", sympy.Derivative(primitive(z**2), z), z**2 * density(z)
    )
    chain.identity(
        "With u = delta/sigma, E[z^2 ; |z| < u]",
        integral(z**2, -u, u),
        1 - 2 * tail(u) - 2 * u * density(u),
    )
    chain.identity(
        "which is lem14.c, divided by sigma^2 (beta - gamma)^2: P(|z| <= u) - 2 u phi(u)",
        integral(z**2, -delta / sigma, delta / sigma),
        integral(sympy.Integer(1), -delta / sigma, delta / sigma)
        - 2 * (delta / sigma) * density(delta / sigma),
    )
    level = sympy.Symbol("f_0", real=True)
    chain.identity(
        "lem14.b: the odd term has integral 0, with y = sigma z",
        integral((gap * sigma * z) ** 2 + 2 * gap * level * sigma * z + level**2, -u, u),
        integral((gap * sigma * z) ** 2 + level**2, -u, u),
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
        sympy.Rational(1, 2),
    )
    chain.identity("P(|z| <= u)", integral(sympy.Integer(1), -u, u), 1 - 2 * tail(u))
    upper, spare = sympy.symbols("Q q", nonnegative=True)
    edge = 2 * u * density(u)
    chain.at_most(
        "so lem14.d with exp(-delta^2/(2 sigma^2)): Q = Q(u), Q + q = exp(-u^2/2)/2",
        -edge + 1 - 4 * (upper + spare),
        -edge + 1 - 2 * upper,
    )
    chain.at_most(
        "and lem14.d as printed, with P = P(|z| <= u) >= 0",
        -edge + 1 - 2 * sympy.exp(u**2 / 2),
        -edge + upper,
        upper + 1 + 2 * (sympy.exp(u**2 / 2) - 1),
    )
    claimed = 1 - 2 * (u / sympy.sqrt(2 * sympy.pi) + 1) * sympy.exp(-(u**2) / 2)
    chain.identity(
        "The second moment exceeds the claimed bound by 2 (exp(-u^2/2)/2 - Q(u)) + exp(-u^2/2), "
        "a sum of a non-negative and a positive term",
        integral(z**2, -u, u) - claimed,
        2 * (sympy.exp(-(u**2) / 2) / 2 - tail(u)) + sympy.exp(-(u**2) / 2),
    )
    chain.step("This is lem14b, with room: the last term, exp(-u^2/2), could be kept.")
    return chain.derivation(
        __name__,
        "A lower bound for functions of bounded fall",
        "lemma 14, p. 36",
        "every sigma > 0, delta > 0, beta > gamma > 0, every f differentiable on [-delta, delta] "
        "with f' >= -gamma there (measurable elsewhere); lem14.b, .c, .d and lem14.d.r1 for every "
        "real beta, gamma",
        proves=("lem14a", "lem14b"),
        proves_steps=("lem14.a.r1", "lem14.b", "lem14.c", "lem14.d", "lem14.d.r1"),
        remark=(
            "the printed step lem14.a is not used; lem14a is proved by pairing x with -x. In "
            "lem14b, 2 (delta/sqrt(2 pi sigma^2) + 1) may be replaced by the smaller "
            "2 delta/sqrt(2 pi sigma^2) + 1."
        ),
    )

"""The smallest gap of uniform points.

The n points, in increasing order, are uniform on `0 < u_1 < ... < u_n < a`, a simplex of volume
`a^n/n!`. Subtracting `(i-1) t` from `u_i` maps the part on which all gaps exceed t onto the same
simplex with `a - (n-1) t` for a, and keeps volumes. Hence `P(Delta > t) = (1 - (n-1) t/a)^n` for `0
<= t <= a/(n-1)`, and the mean is an integral.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

a, t = sympy.symbols("a t", positive=True)
n = sympy.Symbol("n", integer=True, positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2 points be independent and uniform on an interval of length a; almost surely no "
        "two coincide. In increasing order, 0 < u_1 < ... < u_n < a, they have the density n!/a^n: "
        "each of the n! orders is equally likely."
    )
    one, two = sympy.symbols("u_i u_k", real=True)
    i = sympy.Symbol("i", integer=True, positive=True)
    chain.identity(
        "Let v_i = u_i - (i - 1) t, k = i + 1. A gap of the v is a gap of the u less t",
        (two - i * t) - (one - (i - 1) * t),
        (two - one) - t,
    )
    chain.step(
        "so all gaps of the u exceed t exactly if 0 < v_1 < ... < v_n; u_n < a is v_n < a - (n - "
        "1) t. A shift keeps volumes, and the simplex 0 < v_1 < ... < v_n < b has volume b^n/n!."
    )
    length = sympy.Symbol("b", nonnegative=True)
    chain.identity(
        "so for b = a - (n - 1) t >= 0, P(Delta > t) is (n!/a^n) (b^n/n!)",
        sympy.factorial(n) / a**n * (length**n / sympy.factorial(n)),
        length**n * a ** (-n),
    )
    survival = (a - (n - 1) * t) ** n / a**n
    chain.step("that is, with b = a - (n - 1) t (and 0 for larger t),", survival)
    chain.identity(
        "An antiderivative in b: dt = -db/(n - 1)",
        sympy.Derivative(length ** (n + 1) / (n + 1), length),
        length**n,
    )
    chain.identity(
        "The mean of Delta is the integral of P(Delta > t) over t, b running from 0 to a:",
        a ** (n + 1) / ((n + 1) * (n - 1) * a**n),
        a / (n**2 - 1),
    )
    more = sympy.Symbol("k", nonnegative=True)
    count = 2 + more
    chain.at_most(
        "n = 2 + k: this is at least a/n^2",
        a / count**2,
        a / (count**2 - 1),
        a / (count**2 * ((1 + more) * (3 + more))),
    )
    chain.at_most(
        "and at most (4/3) a/n^2",
        a / (count**2 - 1),
        sympy.Rational(4, 3) * a / count**2,
        a * (more**2 + 4 * more) / (3 * count**2 * (1 + more) * (3 + more)),
    )
    chain.step("So E Delta = a/(n^2 - 1) lies between a/n^2 and (4/3) a/n^2.")
    add_concentration(chain)
    return chain.derivation(
        __name__,
        "The smallest gap of uniform points",
        "remark after definition of Delta, p. 6",
        "every n >= 2, every a > 0, points independent and uniform on an interval of length a; the "
        "order is that of the mean, and in probability from both sides",
        proves_steps=("prose.c",),
        remark="n^2 Delta/a tends in law to a standard exponential variable, so it is of order 1.",
    )


def add_concentration(chain: Chain) -> None:
    """`Delta` is of order `a/n^2` in probability, not only in the mean."""
    s = sympy.Symbol("s", positive=True)
    chain.step(
        "In probability: at t = s a/n^2, P(Delta > t) = p^n with p = 1 - (n - 1) s/n^2 (if p >= 0, "
        "else 0)."
    )
    rate = sympy.Symbol("w", positive=True)
    chain.at_most(
        "1 - w <= exp(-w), with w = (n - 1) s/n^2",
        1 - rate,
        sympy.exp(-rate),
        sympy.exp(-rate) - 1 + rate,
    )
    more = sympy.Symbol("k", nonnegative=True)
    count = 2 + more
    chain.at_most(
        "so P(Delta > t) <= exp(-(n - 1) s/n) <= exp(-s/2), n = 2 + k",
        sympy.exp(-s / 2 - s * more / (2 * count)),
        sympy.exp(-s / 2),
        sympy.exp(-s / 2) * (1 - sympy.exp(-s * more / (2 * count))),
    )
    chain.identity("the exponent", s / 2 + s * more / (2 * count), (count - 1) * s / count)
    chain.step(
        "From below, p^n >= 1 - n (1 - p) by Bernoulli's inequality: P(Delta <= t) <= (n - 1) s/n "
        "<= s. Both tails are small for small and for large s, with bounds free of n."
    )

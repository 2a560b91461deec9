"""Popoviciu's inequality for the posterior, for any number of points.

Only two things are used of W(y): it lies in [x_1, x_n], and expectations of non-negative numbers
are not negative. So the proof is about the two moments `m = E[W]` and `q = E[W^2]`, and about `g =
E[(W - x_1)(x_n - W)] >= 0`, which is `(x_1 + x_n) m - x_1 x_n - q`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    first, m = sympy.symbols("x_1 m", real=True)
    length, sigma = sympy.symbols("L sigma", positive=True)
    mu = sympy.Symbol("mu", positive=True)
    g = sympy.Symbol("g", nonnegative=True)
    last = first + length
    chain.step(
        "Let n >= 2, x_1 <= W <= x_n = x_1 + L, m = E[W], and g = E[(W - x_1)(x_n - W)], which is "
        "not negative, since no value of (W - x_1)(x_n - W) is."
    )
    q = (first + last) * m - first * last - g
    chain.step("Multiplied out, g = (x_1 + x_n) m - x_1 x_n - E[W^2], so E[W^2] is", q)
    variance = q - m**2
    product = (m - first) * (last - m)
    chain.identity("V[W] = E[W^2] - m^2", variance, product - g)
    chain.at_most("(a): V[W] <= (m - x_1)(x_n - m)", variance, product, g)
    off_centre = (m - first - length / 2) ** 2
    chain.at_most("(b), repaired: the product is at most L^2/4", product, length**2 / 4, off_centre)
    chain.at_most("Theorem 1, repaired", variance, length**2 / 4, off_centre + g)
    ratio = mu / sigma**2
    chain.at_most(
        "Corollary 2, repaired: s'(y) = (mu^2 V[W]/sigma^2 - 1)/sigma^2",
        ratio**2 * variance - sigma ** (-2),
        ratio**2 * length**2 / 4 - sigma ** (-2),
        ratio**2 * (off_centre + g),
    )
    return chain.derivation(
        __name__,
        "Popoviciu's inequality for the posterior",
        "theorem 1 and corollary 2",
        "every n >= 2, every sample, every mu, sigma > 0, every real y",
        proves=("thm1.r1", "cor2.r1"),
        proves_steps=("thm1.a", "thm1.b.r1"),
    )

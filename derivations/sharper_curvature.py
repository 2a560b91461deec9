"""Lemma 12 without the smallest gap: the mass of the curvature of the empirical score.

The third central moment is at most the variance times the larger distance of the mean from an end
of the data, and the variance is the slope of the posterior mean, up to a constant. So the mass of
`s*''` is an integral over the posterior mean, which runs through `[x_1, x_n]` once.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._mixture import mu, sigma

half, third = sympy.Rational(1, 2), sympy.Rational(1, 3)
sharp = 1 / (6 * sympy.sqrt(3))
"""Largest third central moment on `[0, 1]`."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n, L = x_n - x_1, m = E[W(y)], V = V[W(y)], M_3 = E[(W - m)^3]. "
        "dm/dy = (mu/sigma^2) V (derivation score_slope) and s*'' = (mu^3/sigma^6) M_3 "
        "(derivation score_curvature)."
    )
    add_mass(chain)
    add_largest(chain)
    add_tail(chain)
    return chain.derivation(
        __name__,
        "The mass of the curvature of the empirical score, without the smallest gap",
        "lemma 12, pp. 34-35",
        "every n >= 2, every sample of distinct points, every mu, sigma > 0; lem12.b2.s1 for every "
        "real y, lem12.b.s1 for y >= 2 mu (x_n)_+ and, mirrored, y <= 2 mu (x_1)_-",
        proves=("lem12.s1",),
        proves_steps=("lem12.b.s1", "lem12.b2.s1", "lem12.c.s1"),
        remark=(
            "the choice A = C_n/sigma^6 is larger than needed: int |s*''| <= C/(2 sigma^4) with C "
            "= 3 mu^2 (x_n - x_1)^2/2, so A = max(1, C)/sigma^4 serves. At n = 2 the mass is "
            "mu^2 L^2/(2 sigma^4), so no constant below 1/2 serves. lem12.b2.s1 is attained at "
            "n = 2."
        ),
    )


def add_mass(chain: Chain) -> None:
    """lem12.s1."""
    up, down, place = sympy.symbols("a b q", nonnegative=True)
    mean = sympy.Symbol("m", real=True)
    chain.at_most(
        "With x_j = m + a - q, x_n = m + a: (x_j - m)^3 is at most (x_n - m)(x_j - m)^2",
        (up - place) ** 3,
        up * (up - place) ** 2,
        place * (up - place) ** 2,
    )
    chain.at_most(
        "With x_j = m - b + q, x_1 = m - b: -(m - x_1)(x_j - m)^2 is at most (x_j - m)^3",
        -down * (place - down) ** 2,
        (place - down) ** 3,
        place * (place - down) ** 2,
    )
    chain.step(
        "Averaged over alpha_j: |M_3| <= max(x_n - m, m - x_1) V, hence |s*''| <= (mu^2/sigma^4) "
        "max(x_n - m, m - x_1) dm/dy."
    )
    chain.identity(
        "the scale: (mu^3/sigma^6) V with V = (sigma^2/mu) dm/dy",
        mu**3 / sigma**6 * (sigma**2 / mu),
        mu**2 / sigma**4,
    )
    length = sympy.Symbol("L", positive=True)
    chain.step(
        "V > 0, so m increases in y and stays in (x_1, x_n): the integral over y is at most that "
        "of max(x_n - m, m - x_1) over m from x_1 to x_n, twice that of m - x_1 over the upper "
        "half."
    )
    primitive = (mean - sympy.Symbol("x_1", real=True)) ** 2 / 2
    chain.identity(
        "An antiderivative of m - x_1",
        sympy.Derivative(primitive, mean),
        mean - sympy.Symbol("x_1", real=True),
    )
    chain.identity(
        "twice its increase from m - x_1 = L/2 to L",
        2 * (length**2 / 2 - (length / 2) ** 2 / 2),
        sympy.Rational(3, 4) * length**2,
    )
    share = sympy.Symbol("p", real=True)
    chain.step(
        "This is lem12.s1. At n = 2 with weights p and 1 - p, M_3 = L^3 p (1-p)(1-2p) and V = L^2 "
        "p (1-p), so |s*''| = (mu^2/sigma^4) L |1 - 2p| dm/dy, m = x_1 + (1-p) L:"
    )
    chain.identity(
        "M_3",
        share * (-(1 - share)) ** 3 + (1 - share) * share**3,
        -(share * (1 - share)) * (1 - 2 * share),
    )
    chain.step("and the mass is (mu^2/sigma^4) L^2 int_0^1 |1 - 2p| dp = mu^2 L^2/(2 sigma^4).")
    size, more, spacing = sympy.symbols("n_1 e Delta", positive=True)
    spread = size * spacing + more
    chain.at_most(
        "It is less than the second term of lemma 12 alone: with n - 1 = n_1 >= 1 as 1 + k, L = (n "
        "- 1) Delta + e, the quotient of the two, 8 L (n - 1)/Delta, is at least 3/4",
        sympy.Rational(3, 4),
        (8 * spread * size / spacing).subs(size, 1 + sympy.Symbol("k", nonnegative=True)),
    )


def add_largest(chain: Chain) -> None:
    """lem12.b2.s1 and lem12.c.s1."""
    a, e, q, h = sympy.symbols("a e q h", nonnegative=True)
    chain.step(
        "lem12.b2.s1. Let W = x_1 + L w, 0 <= w <= 1, with mean m in (0, 1). Case m <= 1/3: the "
        "cubic (w - m)^3 lies below the line through its values at w = 0 and w = 1."
    )
    w, rest = a / (1 + a), 1 / (1 + a)
    mean = third / (1 + e)
    chain.at_most(
        "m = 1/(3 (1 + e)), w = a/(1 + a) (at w = 1 both sides are equal)",
        (w - mean) ** 3,
        (1 - 3 * mean + 3 * mean**2) * (w - mean) + mean * (1 - mean) * (1 - 2 * mean),
        w * rest * (w + e / (1 + e)),
    )
    chain.at_most(
        "Averaged, M_3/L^3 <= m (1 - m)(1 - 2m); with m = 1/2 - h",
        (half - h) * (half + h) * (2 * h),
        sharp,
        2 * (h - 1 / (2 * sympy.sqrt(3))) ** 2 * (h + 1 / sympy.sqrt(3)),
    )
    middle = sympy.Symbol("m", real=True)
    touch = (3 * middle - 1) / 2
    above = sympy.Symbol("v", nonnegative=True)
    chain.at_most(
        "Case m >= 1/3: the line that meets it at w = 1 and touches it at w = (3 m - 1)/2; w = 1 - "
        "v",
        (1 - above - middle) ** 3,
        slope(middle) * (1 - above - middle) + (1 - middle) ** 3 / 4,
        above * (1 - above - touch) ** 2,
    )
    chain.at_most(
        "Averaged, M_3/L^3 <= (1 - m)^3/4, 1 - m = a with a + q = 2/3",
        a**3 / 4,
        (a + q) ** 3 / 4,
    )
    chain.at_most("(2/3)^3/4", sympy.Rational(2, 27), sharp)
    chain.step(
        "The mirror image w -> 1 - w turns the sign of M_3, so |M_3| <= L^3/(6 sqrt 3). Attained "
        "at n = 2 where alpha_1 = (1 + 1/sqrt 3)/2."
    )
    reach, length = sympy.symbols("P L", nonnegative=True)
    chain.identity(
        "lem12.c.s1: length of the interval times (mu^3/sigma^6) L^3/(6 sqrt 3), P = (x_n)_+ - "
        "(x_1)_-",
        2 * mu * reach * mu**3 * length**3 / sigma**6 * sharp,
        mu**4 * length**3 * reach / (3 * sympy.sqrt(3) * sigma**6),
    )


def slope(mean: Any) -> Any:
    """Slope of `(w - m)^3` at `w = (3 m - 1)/2`."""
    return 3 * ((1 - mean) / 2) ** 2


def add_tail(chain: Chain) -> None:
    """lem12.b.s1."""
    count, length, decay = sympy.symbols("k L E", nonnegative=True)
    less, under = sympy.symbols("p q", nonnegative=True)
    cut = sympy.Symbol("D", nonnegative=True)
    chain.step(
        "lem12.b.s1. |M_3| <= L V as |x_j - m| <= L, and V <= E[(W - x_n)^2] = sum_{j<n} D_j^2 "
        "alpha_j, D_j = x_n - x_j <= L, alpha_j <= E = exp(-y mu Delta/(2 sigma^2)) (lem12.a)."
    )
    chain.at_most(
        "one of the k = n - 1 terms, D + p = L, alpha_j = a, a + q = E",
        cut**2 * decay,
        (cut + less) ** 2 * (decay + under),
    )
    chain.identity(
        "so |s*''| is at most",
        mu**3 / sigma**6 * length * (count * length**2 * decay),
        mu**3 * count * length**3 / sigma**6 * decay,
    )
    chain.step("Half of lem12.b; on the left by the mirror image.")

"""Lemma 12: the total mass of the curvature of the empirical score.

Far to the right of the data the posterior sits on `x_n`: for j < n the ratio `alpha_j/alpha_n =
exp(-mu (x_n - x_j)(2 y - mu (x_n + x_j))/(2 sigma^2))` is at most `exp(-mu Delta y/(2 sigma^2))`
once `y >= 2 mu (x_n)_+`. Jensen's inequality for the cube, by its tangent, carries this to the
third central moment; between the tails the moment is at most `(x_n - x_1)^3`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._mixture import likelihood, mu, sigma, y


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, L = x_n - x_1, alpha_j the posterior "
        "weights at y, D_j = x_n - x_j >= 0. (t)_+ = max(0, t), (t)_- = min(0, t)."
    )
    add_ratio(chain)
    add_third_moment(chain)
    add_integrals(chain)
    return chain.derivation(
        __name__,
        "The mass of the curvature of the empirical score",
        "lemma 12, pp. 34-35",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0; lem12.a and .b for y "
        ">= 2 mu (x_n)_+ and, mirrored, y <= 2 mu (x_1)_-; lem12.b2 for every real y",
        proves=("lem12",),
        proves_steps=("lem12.a", "lem12.b", "lem12.b2", "lem12.c", "lem12.d"),
        remark=("lem12.c holds with 2 for 4, so the first term of lemma 12 may be halved."),
    )


def add_ratio(chain: Chain) -> None:
    """lem12.a."""
    last = sympy.Symbol("x_n", real=True)
    other = sympy.Symbol("x_j", real=True)
    exponent = mu * (last - other) * (2 * y - mu * (last + other)) / (2 * sigma**2)
    chain.identity(
        "The ratio alpha_j/alpha_n", likelihood(other) / likelihood(last), sympy.exp(-exponent)
    )
    spacing = sympy.Symbol("Delta", positive=True)
    further, lift, above, reach = sympy.symbols("f q g P", nonnegative=True)
    chain.step(
        "Let P = (x_n)_+, so x_n = P - q, y = 2 mu P + g and, for j < n, x_j = x_n - Delta - f; P, "
        "q, g, f >= 0."
    )
    far = {last: reach - lift, y: 2 * mu * reach + above}
    place = reach - lift - spacing - further
    bound = sympy.exp(-mu * spacing * y / (2 * sigma**2))
    over = (spacing + further) * (above + 2 * mu * lift + mu * (spacing + further)) + further * (
        2 * mu * reach + above
    )
    chain.at_most(
        "lem12.a, as alpha_j <= alpha_j/alpha_n",
        sympy.exp(-exponent).xreplace({other: place}).xreplace(far),
        bound.xreplace(far),
        bound.xreplace(far) * (1 - sympy.exp(-mu * over / (2 * sigma**2))),
    )
    chain.identity(
        "The mirror image: likelihoods are unchanged when y and all points change sign, (x_1)_- "
        "becomes -(x_n)_+, and n and 1 change places",
        likelihood(other),
        likelihood(other).xreplace({other: -other, y: -y}),
    )


def add_third_moment(chain: Chain) -> None:
    """lem12.b2 and lem12.b."""
    size, other = sympy.symbols("S D", nonnegative=True)
    chain.step(
        "For lem12.b2 let S = sum_j D_j alpha_j = x_n - E[W] >= 0 (D_n = 0) and D = D_j. The cube "
        "lies above its tangent at S:"
    )
    chain.at_most(
        "S^3 + 3 S^2 (D - S) <= D^3",
        size**3 + 3 * size**2 * (other - size),
        other**3,
        (other - size) ** 2 * (other + 2 * size),
    )
    share, rest = sympy.symbols("alpha_n rho", nonnegative=True)
    chain.step(
        "Averaged over alpha_j, where D - S has mean 0: S^3 <= sum_{j < n} D_j^3 alpha_j. And "
        "alpha_n <= 1, with rho = 1 - alpha_n the weight of the others:"
    )
    chain.at_most("S^3 alpha_n <= S^3", size**3 * share, size**3 * (share + rest), size**3 * rest)
    chain.step(
        "This is the chain of lem12.b2. E[W] and every x_j lie in [x_1, x_n], so |x_j - E[W]| <= "
        "L and |E[(W - E[W])^3]| <= L^3; with s*'' = (mu^3/sigma^6) E[(W - E[W])^3] (lemma 11, "
        "derivation score_curvature), |s*''| <= (mu^3/sigma^6) L^3 everywhere."
    )
    count = sympy.Symbol("k", nonnegative=True)
    spread, decay, cube, weight, less, under = sympy.symbols("L E c w p q", nonnegative=True)
    chain.step(
        "For lem12.b let E = exp(-y mu Delta/(2 sigma^2)) >= alpha_j for j < n = k + 1. In sum_j "
        "|x_j - E[W]|^3 alpha_j each term with j < n is at most L^3 E; the term of x_n is at most "
        "sum_{j < n} D_j^3 alpha_j, again k terms of at most L^3 E:"
    )
    chain.at_most(
        "one such term, its cube c with c + p = L^3, its weight w with w + q = E",
        cube * weight,
        (cube + less) * (weight + under),
    )
    chain.identity(
        "so |s*''| is at most",
        mu**3 / sigma**6 * (count * spread**3 * decay + count * spread**3 * decay),
        2 * mu**3 * count * spread**3 / sigma**6 * decay,
    )


def add_integrals(chain: Chain) -> None:
    """lem12.c, lem12.d and lemma 12."""
    spread, reach, low, more = sympy.symbols("L P N k", nonnegative=True)
    spacing = sympy.Symbol("Delta", positive=True)
    length = 2 * mu * (reach + low)
    chain.at_most(
        "lem12.c: length of the interval times (mu^3/sigma^6) L^3, with P = (x_n)_+, N = -(x_1)_-",
        length * mu**3 * spread**3 / sigma**6,
        4 * mu**4 * spread**3 * (reach + low) / sigma**6,
    )
    rate = mu * spacing / (2 * sigma**2)
    height = 2 * mu**3 * more * spread**3 / sigma**6
    primitive = -height / rate * sympy.exp(-rate * y)
    chain.identity(
        "An antiderivative of the bound lem12.b, n - 1 = k, that vanishes at +oo",
        sympy.Derivative(primitive, y),
        height * sympy.exp(-rate * y),
    )
    start = {y: 2 * mu * reach}
    tail = 4 * mu**2 * more * spread**3 / (sigma**4 * spacing)
    chain.at_most(
        "lem12.d: the integral from 2 mu P on",
        -primitive.xreplace(start),
        tail,
        tail * (1 - sympy.exp(-(mu**2) * spacing * reach / sigma**2)),
    )
    chain.step("The other tail is its mirror image, with N for P.")
    chain.at_most(
        "Lemma 12: the middle and two tails",
        length * mu**3 * spread**3 / sigma**6 + 2 * tail,
        4 * mu**2 * spread**3 / sigma**6 * (mu**2 * (reach + low) + 2 * more * sigma**2 / spacing),
        2 * mu**4 * spread**3 * (reach + low) / sigma**6,
    )

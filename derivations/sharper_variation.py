"""Theorem 4 and proposition 9, sharper: the total variation grows like n squared.

With the bounds of the derivation sharper_posterior the slope of the score changes by a quarter of
the squared gap, not by a share 1/n of it, between a training point and a midpoint; so the bound of
theorem 4 gains a factor n. Sizes up to 5 are gone through one by one.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, tail
from ._mixture import mu, sigma

half, quarter = sympy.Rational(1, 2), sympy.Rational(1, 4)
spacing = sympy.Symbol("Delta", positive=True)
more = sympy.Symbol("k", nonnegative=True)
scale = mu**3 * spacing**3 / sigma**4


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, c = mu^2 Delta^2/(4 sigma^2), E = "
        "exp(-c), L = x_n - x_1."
    )
    add_ceiling(chain)
    add_floor(chain)
    add_premise(chain)
    add_jump(chain)
    add_large_sizes(chain)
    add_small_sizes(chain)
    add_count(chain)
    add_diffusion(chain)
    return chain.derivation(
        __name__,
        "The total variation of the empirical score, sharper",
        "theorem 4, pp. 8-9; proposition 9, pp. 18-19",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0; thm04.s1 and thm04.0.s1 "
        "for 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1, thm04.d.s1 for n >= 10, thm04.f.s1 for "
        "every t > 0",
        proves=("thm04.s1", "prop09a.s1", "prop09b.s1"),
        proves_steps=("prop09.d.s1", "thm04.0.s1", "thm04.d.s1", "thm04.f.s1"),
        remark=(
            "thm04.s1 holds with 2^9 for n >= 6. The order sigma^-4 is right: TV(s*) <= 3 mu^3 "
            "L^3/(32 sigma^4) always. prop09b.s1 is approached at n = 2, thm04.d.s1 is an equality "
            "at n = 10, thm04.f.s1 is approached as t tends to 0."
        ),
    )


def add_ceiling(chain: Chain) -> None:
    """prop09b.s1."""
    chance, low, high = sympy.symbols("p a b", nonnegative=True)
    chain.step(
        "prop09b.s1. Let mu x_1 < u < mu x_n, p = P(mu U < u), a = u - mu x_1, b = mu x_n - u, so "
        "a + b = mu L. pi^-(u) <= p^2 a and pi^+(u) <= (1 - p)^2 b, and the square of the minimum "
        "is at most their product, (p (1 - p))^2 a b."
    )
    chain.at_most("p (1 - p)", chance * (1 - chance), quarter, (chance - half) ** 2)
    chain.at_most("a b", low * high, (low + high) ** 2 / 4, (low - high) ** 2 / 4)
    chain.identity(
        "so that square is at most", quarter**2 * (low + high) ** 2 / 4, ((low + high) / 8) ** 2
    )
    chain.step(
        "pi is a mean of values at most mu L/8, or 0. At n = 2, u the midpoint, p = 1/2 and both "
        "are p^2 mu L/2 = mu L/8, which pi at the midpoint tends to with sigma to 0."
    )


def add_floor(chain: Chain) -> None:
    """prop09.d.s1 and prop09a.s1."""
    whole, step = sympy.symbols("c t", nonnegative=True)
    one = sympy.Integer(1)
    chain.at_most(
        "prop09.d.s1. Shift of the density by c = mu (x_{i+1} - x_i)/sigma",
        density(whole + step),
        sympy.exp(-(whole**2) / 2) * density(step),
        sympy.exp(-(whole**2) / 2) * density(step) * (1 - sympy.exp(-whole * step)),
    )
    chain.identity(
        "Integrated over t > 0, where phi has this mass: Q(c) <= exp(-c^2/2)/2",
        integral(one, 0, sympy.oo),
        half,
    )
    chain.identity(
        "so P(0 < z < c) >= (1 - exp(-c^2/2))/2",
        integral(one, 0, whole),
        half - tail(whole),
    )
    floor, above, chance, extra = sympy.symbols("m q P r", nonnegative=True)
    chain.at_most(
        "prop09a.s1. By prop09.c (derivation weight_bounds) pi(y) is at least the minimum of two "
        "sums, m + q, times a chance P + r, P = (1 - exp(-mu^2 Delta^2/(2 sigma^2)))/2",
        floor * chance,
        (floor + above) * (chance + extra),
    )
    chain.step(
        "with m = (mu/n^2) min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta by prop09.e and prop09.e.r1; "
        "a gap above Delta only raises the chance."
    )


def add_premise(chain: Chain) -> None:
    """thm04.0.s1."""
    chain.step(
        "From here on 16 n^3 E <= 1. thm04.0.s1: exp(c) >= 16 n^3, which is at least 128 (n = 2 + "
        "k):"
    )
    chain.at_most("so", 128, 16 * (2 + more) ** 3)
    ratio = sympy.Rational(22, 5)
    chain.at_most("exp(((22/5)^2)/4) is less", sympy.exp(ratio**2 / 4), 128)
    chain.step("so c >= (22/5)^2/4, that is mu Delta/sigma >= 22/5.")


def add_jump(chain: Chain) -> None:
    """The change of slope."""
    gap, under, lost = sympy.symbols("f q l", nonnegative=True)
    chain.step(
        "By prop02a.s2 V[W(m_i)] >= (x_{i+1} - x_i)^2/4, by prop02c.s1 V[W(y)] <= Delta^2 E where "
        "|y - mu x_i| <= mu Delta/4 (derivation sharper_posterior). So |s*'(m_i) - s*'(y)| >= J = "
        "(mu^2 Delta^2/sigma^4) (1/4 - 1/(16 n^3)) there, and likewise around mu x_{i+1}."
    )
    chain.at_most(
        "with E + q = 1/(16 n^3), a gap Delta + f",
        spacing**2 * (quarter - (lost + under)),
        (spacing + gap) ** 2 / 4 - spacing**2 * lost,
        (2 * spacing * gap + gap**2) / 4 + spacing**2 * under,
    )


def jump(size: int) -> Any:
    """`J` without `mu^2 Delta^2/sigma^4`."""
    return quarter - sympy.Rational(1, 16 * size**3)


def partial(k: Any) -> Any:
    """`sum_{i <= k} (i^3 - i^2)`."""
    return (k - 1) * k * (k + 1) * (3 * k + 2) / 12


def add_large_sizes(chain: Chain) -> None:
    """thm04.s1 from n = 4 on."""
    k = sympy.Symbol("k", positive=True)
    chain.step(
        "n >= 4: by thm04.a and prop09a.s1 TV(s*) >= (mu/n^2) ((1 - E^2)/2) Delta M 2 J, M = sum_i "
        "min(i^2 (i-1), (n-i)^2 (n-i-1))/2; E <= 1/1024, and J without its scale is at least 1/4 - "
        "1/1024."
    )
    chain.identity(
        "A(k) = sum_{i <= k} (i^3 - i^2) by induction; A(0) = 0",
        partial(k),
        partial(k - 1) + k**3 - k**2,
    )
    chain.step("M = A(k) for n = 2k + 1, and M = A(k-1) + (k^3 - k^2)/2 for n = 2k.")
    least = (1 - sympy.Rational(1, 1024) ** 2) / 2 * 2 * (quarter - sympy.Rational(1, 1024))
    for number, total in ((4, 2), (5, 4)):
        size = sympy.Integer(number)
        chain.at_most(
            f"n = {number}, M = {total}, with 2^10",
            size**2 * scale / 2**10,
            least * total * scale / size**2,
        )
    base = 3 + more
    for text, size, total in (
        ("n = 2k + 1", 2 * base + 1, partial(base)),
        ("n = 2k", 2 * base, partial(base - 1) + (base**3 - base**2) / 2),
    ):
        chain.at_most(
            f"{text}, k replaced by k + 3, with 2^9: n^4/2^9 is at most",
            size**4 / 2**9,
            least * total,
        )


def add_small_sizes(chain: Chain) -> None:
    """thm04.s1 for two and three points."""
    n = sympy.Symbol("n", positive=True)
    place, over, up = sympy.symbols("e p q", nonnegative=True)
    chain.step(
        "n = 2, 3. Where |xi| <= mu Delta/8, u = y - xi stays at least mu Delta/8 from both ends "
        "of the gap for y from mu x_i + mu Delta/4 to mu x_{i+1} - mu Delta/4, so P(mu U < u) >= "
        "1/n and E[(u - mu U)_+] >= mu Delta/(8 n), and both the same above."
    )
    chain.at_most(
        "pi^-(u), and pi^+(u), is at least (mu Delta/n^2)/8",
        mu * spacing / (8 * n**2),
        (1 / n + over) * ((mu * spacing / 8 + up) / n + place),
        over * ((mu * spacing / 8 + up) / n + place) + (up / n + place) / n,
    )
    chain.step(
        "n = 3, first gap, y from m_1 on: u - mu x_1 >= (1/2 - 1/8) mu Delta, so pi^-(u) >= (3/8) "
        "mu Delta/9; above u lie x_2 and x_3, the latter by more than mu Delta, so pi^+(u) >= "
        "(2/3) mu Delta/3, which is more. The second gap is the mirror image."
    )
    chain.identity(
        "w^2/2 = c/32 for w = mu Delta/(8 sigma)",
        (mu * spacing / (8 * sigma)) ** 2 / 2,
        mu**2 * spacing**2 / (4 * sigma**2) / 32,
    )
    for number, exponent, chance, weights in (
        (2, sympy.Rational(24, 5), sympy.Rational(2, 5), 2 * sympy.Rational(1, 8)),
        (3, sympy.Integer(6), sympy.Rational(9, 20), 2 * (sympy.Rational(1, 8) + 3 * half**3)),
    ):
        size = sympy.Integer(number)
        chain.at_most(
            f"n = {number}: exp(c) >= 16 n^3, so c >= {exponent}",
            sympy.exp(exponent),
            16 * size**3,
        )
        chain.at_most(
            f"so P(|xi| <= mu Delta/8) = 1 - erfc(w/sqrt 2) >= {chance}, as it grows with w",
            chance,
            1 - sympy.erfc(sympy.sqrt(exponent / 32, evaluate=True)),
        )
        chain.at_most(
            f"The two half-intervals of each gap, each its weight times J, with 2^10: the weights "
            f"sum to {weights} mu Delta/n^2 times that chance",
            size**2 * scale / 2**10,
            weights * chance / size**2 * jump(number) * scale,
        )
    chain.step("This is thm04.s1.")
    length = sympy.Symbol("L", positive=True)
    chain.identity(
        "From above, TV(s*) <= max pi int |s*''| with prop09b.s1 and lem12.s1",
        mu * length / 8 * (3 * mu**2 * length**2 / (4 * sigma**4)),
        3 * mu**3 * length**3 / (32 * sigma**4),
    )


def add_count(chain: Chain) -> None:
    """thm04.d.s1."""
    chain.step(
        "thm04.d.s1: floor(3n/4) - ceil(n/4) - 1 indices; for n = 4q + r >= 10, q is at least 3 "
        "for r = 0, 1 and at least 2 for r = 2, 3."
    )
    for rest, least, lower, upper in ((0, 3, 0, 0), (1, 3, 0, 1), (2, 2, 1, 1), (3, 2, 2, 1)):
        q = least + more
        chain.at_most(
            f"r = {rest}, q = {least} + k: floor(3n/4) = 3q + {lower}, ceil(n/4) = q + {upper}",
            sympy.Rational(3, 10) * (4 * q + rest),
            (3 * q + lower) - (q + upper) - 1,
        )


def add_diffusion(chain: Chain) -> None:
    """thm04.f.s1."""
    time, lost = sympy.symbols("t q", nonnegative=True)
    noise = sympy.Symbol("v", positive=True)
    chain.step("thm04.f.s1: mu = exp(-t), v = sigma^2 = 1 - exp(-2t), t > 0.")
    chain.at_most("sigma^2 <= 2t", 1 - sympy.exp(-2 * time), 2 * time)
    cube = sympy.exp(-3 * time)
    chain.at_most(
        "with 2t = v + q: exp(-3t)/(4 t^2) <= exp(-3t)/sigma^4",
        cube / (noise + lost) ** 2,
        cube / noise**2,
        cube * (2 * noise * lost + lost**2) / (noise**2 * (noise + lost) ** 2),
    )

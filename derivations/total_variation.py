"""Theorem 4 for every n: the total variation of the empirical score.

The printed proof needs at least n/4 indices in the middle half, which begins at n = 10, and its
lower bound of the weight is 0 at every index for n = 2, 3 once its sign slip is mended. Here the
sum of thm04.b.r1 is evaluated over all indices in closed form, for every n >= 6, and number by
number for n = 4, 5. For n = 2, 3 the middle halves of the gaps serve, where the weight is at least
`mu Delta/(8 n^2)` times the chance that the noise stays below `mu Delta/8`. The constant 2^12 of
the theorem comes out as 2^11, and from n = 6 on as 2^9.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._mixture import mu, sigma

spacing = sympy.Symbol("Delta", positive=True)
scale = mu**3 * spacing**3 / sigma**4


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, c = mu^2 Delta^2/(4 sigma^2), E = "
        "exp(-c) and 16 n^3 E <= 1. Results of the derivations posterior_bounds and weight_bounds "
        "are named by their ids."
    )
    add_jump(chain)
    add_sums(chain)
    add_middles(chain)
    return chain.derivation(
        __name__,
        "The total variation of the empirical score",
        "theorem 4, p. 8",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0 with 16 n^3 exp(-mu^2 "
        "Delta^2/(4 sigma^2)) <= 1",
        proves=("thm04",),
        remark=(
            "the printed proof gives n >= 10 only (thm04.d), after the repair of prop09a; the "
            "statement survives at every n >= 2, with 2^11 for 2^12, and with 2^9 for n >= 6."
        ),
    )


def add_jump(chain: Chain) -> None:
    """The bound of cor03a under the theorem's hypothesis."""
    n = sympy.Symbol("n", positive=True)
    lost, further = sympy.symbols("q f", nonnegative=True)
    chain.at_most(
        "The bound of cor03a at a gap Delta + f, without mu^2/sigma^4; 16 n^3 E = 1 - q",
        spacing**2 / (4 * n),
        (spacing + further) ** 2 / (2 * n) - 4 * n**2 * spacing**2 * (1 - lost) / (16 * n**3),
        (2 * spacing * further + further**2) / (2 * n) + spacing**2 * lost / (4 * n),
    )
    chain.step(
        "Call J = (mu^2/sigma^4) Delta^2/(4n) > 0. Delta >= 2 sigma/mu by thm04.0, and prop02c "
        "holds wherever |y - mu x_i| <= mu Delta/4; so |s*'(m_i) - s*'(y)| >= J at every such y, "
        "and likewise around mu x_{i+1}."
    )


def jump(size: Any) -> Any:
    """`J` at a sample size."""
    return mu**2 / sigma**4 * spacing**2 / (4 * size)


def add_sums(chain: Chain) -> None:
    """From n = 4 on, by the sum over all gaps."""
    small, less, more = sympy.symbols("E r e", nonnegative=True)
    k = sympy.Symbol("k", positive=True)
    chain.step(
        "n >= 4: by thm04.a and prop09a.r1 the total variation is at least (mu/n^2)(1/2 - E^2) "
        "Delta M 2 J, M = sum_i min(i^2 (i-1), (n-i)^2 (n-i-1))/2. k^2 (k-1) grows with k, so the "
        "minimum is that of the smaller of i and n - i."
    )
    chain.at_most("E <= 1/128, so E^2 <= 1/2^14; E + r = 1/128", small**2, (small + less) ** 2)
    least = sympy.Rational(8191, 16384)
    chain.identity("1/2 - 1/2^14", sympy.Rational(1, 2) - sympy.Rational(1, 128) ** 2, least)
    chain.identity(
        "A(k) = sum_{i <= k} (i^3 - i^2) = (k-1) k (k+1) (3k+2)/12 by induction; A(0) = 0",
        partial(k),
        partial(k - 1) + k**3 - k**2,
    )
    chain.step("M = A(k) for n = 2k + 1, and M = A(k-1) + (k^3 - k^2)/2 for n = 2k.")

    def floor(size: Any, total: Any) -> Any:
        return mu / size**2 * least * spacing * total * 2 * jump(size)

    half = 3 + more
    for text, size, total in (
        ("n = 2k + 1, k = 3 + e, with 2^9", 2 * half + 1, partial(half)),
        ("n = 2k, k = 3 + e, with 2^9", 2 * half, partial(half - 1) + (half**3 - half**2) / 2),
    ):
        chain.at_most(
            f"{text}, without mu^3 Delta^3/sigma^4 and after multiplication by n^3",
            size**4 / 2**9,
            floor(size, total) / scale * size**3,
            least * total / 2 - size**4 / 2**9,
        )
    for number, total in ((4, 2), (5, 4)):
        size = sympy.Integer(number)
        chain.at_most(
            f"n = {number}, M = {total}, with 2^10", size * scale / 2**10, floor(size, total)
        )


def partial(k: Any) -> Any:
    """`sum_{i <= k} (i^3 - i^2)`."""
    return (k - 1) * k * (k + 1) * (3 * k + 2) / 12


def add_middles(chain: Chain) -> None:
    """Two and three points, by a bound of the weight in the middle half of a gap."""
    n = sympy.Symbol("n", positive=True)
    place, more, above = sympy.symbols("e p q", nonnegative=True)
    point = sympy.Symbol("x_i", real=True)
    chain.step(
        "n = 2, 3: let y = mu x with x_i + Delta/4 <= x <= x_{i+1} - Delta/4 and |xi| <= mu "
        "Delta/8; then u = y - xi has distance at least mu Delta/8 from mu x_i and mu x_{i+1}."
    )
    chain.at_most(
        "u - mu x_i, with x = x_i + Delta/4 + e, xi = mu Delta/8 - q",
        mu * spacing / 8,
        mu * (point + spacing / 4 + place) - (mu * spacing / 8 - above) - mu * point,
        mu * place + above,
    )
    chain.step(
        "pi^-(u) = P(mu U < u) E[(u - mu U)_+], and both factors are at least what x_i alone "
        "gives: 1/n and (u - mu x_i)/n. So pi^-(u) >= mu Delta/(8 n^2); pi^+(u) in the same way."
    )
    chain.at_most(
        "the product, u - mu x_i = mu Delta/8 + q, the factors larger by p and e",
        mu * spacing / (8 * n**2),
        (1 / n + more) * ((mu * spacing / 8 + above) / n + place),
        more * ((mu * spacing / 8 + above) / n + place) + (above / n + place) / n,
    )
    chain.step(
        "Hence pi(y) >= (mu Delta/(8 n^2)) P, P = P(|xi| <= mu Delta/8) = 1 - erfc(w/sqrt 2) with "
        "w = mu Delta/(8 sigma), which grows with w."
    )
    chain.identity(
        "w^2/2 = c/32",
        (mu * spacing / (8 * sigma)) ** 2 / 2,
        mu**2 * spacing**2 / (4 * sigma**2) / 32,
    )
    for number, exponent, chance, power in (
        (2, sympy.Rational(24, 5), sympy.Rational(2, 5), 10),
        (3, sympy.Integer(6), sympy.Rational(9, 20), 11),
    ):
        size = sympy.Integer(number)
        chain.at_most(
            f"n = {number}: exp(c) >= 16 n^3, so c >= {exponent}",
            sympy.exp(exponent),
            16 * size**3,
        )
        chain.at_most(
            f"so P >= {chance}", chance, 1 - sympy.erfc(sympy.sqrt(exponent / 32, evaluate=True))
        )
        floor = mu * spacing / (8 * size**2) * chance
        chain.at_most(
            f"Each of the n - 1 gaps has two intervals, from mu x_i + mu Delta/4 to m_i and from "
            f"m_i to mu x_{{i+1}} - mu Delta/4, each worth at least the weight times J, as in "
            f"thm04.a; with 2^{power}",
            size * scale / 2**power,
            2 * (size - 1) * floor * jump(size),
        )

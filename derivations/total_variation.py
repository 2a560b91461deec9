"""Theorem 4 for every n: the total variation of the empirical score.

The printed proof needs at least n/4 indices in the middle half, which begins at n = 10, and its
lower bound of the weight is 0 at every index for n = 2, 3 once its sign slip is mended. Three
ranges close the gap: n >= 10 by the printed chain (thm04.e.r1), 4 <= n <= 9 by the same sum
evaluated at each n, and n = 2, 3 by looking at the middle halves of the gaps, where the weight is
at least `mu Delta/(8 n^2)` times the chance that the noise stays below `mu Delta/8`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._mixture import mu, sigma

half = sympy.Rational(1, 2)
spacing = sympy.Symbol("Delta", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, c = mu^2 Delta^2/(4 sigma^2), E = "
        "exp(-c) and 16 n^3 E <= 1. Results of the derivations posterior_bounds and weight_bounds "
        "are named by their ids."
    )
    add_jump(chain)
    add_large(chain)
    add_medium(chain)
    add_small(chain)
    return chain.derivation(
        __name__,
        "The total variation of the empirical score",
        "theorem 4, p. 8",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0 with 16 n^3 exp(-mu^2 "
        "Delta^2/(4 sigma^2)) <= 1",
        proves=("thm04",),
        remark=(
            "the printed proof gives n >= 10 only (thm04.d), after the repair of prop09a; the "
            "statement itself survives at every n >= 2."
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


def add_large(chain: Chain) -> None:
    """From n = 10 on."""
    n = sympy.Symbol("n", positive=True)
    chain.identity(
        "n >= 10: the last term of thm04.e.r1",
        mu**3 * n * spacing**3 / (256 * sigma**4) * (half - half**2) * (half - half**2),
        n * mu**3 * spacing**3 / (2**12 * sigma**4),
    )


def add_medium(chain: Chain) -> None:
    """From n = 4 to n = 9."""
    chain.step(
        "4 <= n <= 9: the sum of thm04.b.r1 over all i is at least (mu/n^2)(1/2 - exp(-2c)) Delta "
        "M 2 J with M = sum_i min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2), and 1/2 - exp(-2c) >= 1/4 "
        "(thm04.d2: E <= 1/128)."
    )
    scale = mu**3 * spacing**3 / sigma**4
    for n in range(4, 10):
        total = sum(
            sympy.Rational(min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1)), 2) for i in range(1, n)
        )
        jump = mu**2 / sigma**4 * spacing**2 / (4 * n)
        chain.at_most(
            f"n = {n}, M = {total}",
            n * scale / 2**12,
            mu / sympy.Integer(n) ** 2 * sympy.Rational(1, 4) * spacing * total * 2 * jump,
        )


def add_small(chain: Chain) -> None:
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
        "Hence pi(y) >= (mu Delta/(8 n^2)) P(|xi| <= mu Delta/8), and P >= 1 - exp(-w^2/2) with w "
        "= mu Delta/(8 sigma), by 2 Q(w) <= exp(-w^2/2) (cor03.c):"
    )
    chain.identity(
        "w^2/2 = c/32",
        (mu * spacing / (8 * sigma)) ** 2 / 2,
        mu**2 * spacing**2 / (4 * sigma**2) / 32,
    )
    room = sympy.Symbol("g", nonnegative=True)
    chain.at_most("16 n^3 >= exp(6) at n = 3, so c >= 6", sympy.exp(6), sympy.Integer(16 * 3**3))
    chain.at_most("and at n = 2, c >= 24/5", sympy.exp(sympy.Rational(24, 5)), 16 * 2**3)
    for size, exponent, chance in (
        (3, sympy.Integer(6), sympy.Rational(1, 6)),
        (2, sympy.Rational(24, 5), sympy.Rational(1, 8)),
    ):
        chain.at_most(
            f"n = {size}: P >= {chance}, c = {exponent} + g",
            chance,
            1 - sympy.exp(-(exponent + room) / 32),
            (1 - chance - sympy.exp(-exponent / 32))
            + sympy.exp(-exponent / 32) * (1 - sympy.exp(-room / 32)),
        )
        floor = mu * spacing / (8 * sympy.Integer(size) ** 2) * chance
        jump = mu**2 / sigma**4 * spacing**2 / (4 * size)
        chain.at_most(
            f"n = {size}: each of the {size - 1} gaps gives two intervals, from mu x_i + mu "
            "Delta/4 to m_i and from m_i to mu x_{i+1} - mu Delta/4, each at least the weight "
            "times J, as in thm04.a",
            size * mu**3 * spacing**3 / (2**12 * sigma**4),
            2 * (size - 1) * floor * jump,
        )

"""Theorem 8: the steps that turn two bounds of the weighted variation into a threshold.

Every step is an implication between inequalities in `t = mu Delta`, n, sigma, A and `R_n`; none
looks at a network again. `B = mu n^2 Delta/sigma^2` is the unit in which the page counts: the
variation is at least `B/2^11`, the kink term at most `B/2^12`, the cross term at most `B/2^13`, and
`B/2^13` is left for `1/(2 eta)`.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

half = sympy.Rational(1, 2)
mu, sigma, spacing, spread, bound, n = sympy.symbols("mu sigma Delta L A n", positive=True)
root_e = sympy.exp(half)
more, lost = sympy.symbols("g q", nonnegative=True)
risk = sympy.Symbol("R_n", nonnegative=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let L = x_n - x_1, A = C_n/sigma^6 or more, C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - "
        "(x_1)_-) + 2 (n-1)/Delta)), 0 < sigma <= 1, n >= 2."
    )
    add_start(chain)
    add_exponential_condition(chain)
    add_small_risk(chain)
    add_third_term(chain)
    add_second_term(chain)
    add_threshold(chain)
    add_noise_level(chain)
    return chain.derivation(
        __name__,
        "The arithmetic of theorem 8",
        "proof of theorem 8, pp. 31-32",
        "every n >= 2, every sample, every mu > 0, 0 < sigma <= 1, A >= C_n/sigma^6 (equal to it "
        "in thm08.h and prose.d); each step from the inequalities it names, whatever theta is. "
        "thm08.a2 leans on corollary 3; prose.d: eta, mu and the sample fixed",
        proves_steps=(
            "thm08.a",
            "thm08.a2",
            "thm08.b.r1",
            "thm08.c",
            "thm08.e",
            "thm08.e2",
            "thm08.f",
            "thm08.g",
            "thm08.h",
            "prose.d",
        ),
        remark=(
            "in thm08.b the factor Delta of the condition has to be Delta^3; where Delta >= 1 the "
            "printed condition is the stronger one, where Delta < 1 it is too weak. thm08.e2 is "
            "sharp: at equality in eq. 19 both sides agree."
        ),
    )


def add_start(chain: Chain) -> None:
    """thm08.a and .a2."""
    chain.at_most(
        "thm08.a. sigma <= mu Delta/8, so mu Delta = 8 sigma + g, and 2 sigma/mu is at most Delta",
        2 * sigma / mu,
        (8 * sigma + more) / mu,
        (6 * sigma + more) / mu,
    )
    chain.step("which is what corollary 3 (cor03b) asks for.")
    excess, own = sympy.symbols("E_b B_3", nonnegative=True)
    chain.at_most(
        "thm08.a2. R_n(theta*) - R_n(s*) = E_b - g with E_b the assumed bound, R_n(s*) = B_3 - q "
        "with B_3 the bound of cor03b; their sum is at most",
        (excess - more) + (own - lost),
        excess + own,
        more + lost,
    )


def add_exponential_condition(chain: Chain) -> None:
    """thm08.b.r1."""
    scale = sympy.pi * n**5 / (root_e * bound**4)
    limit = scale * mu * spacing**3 / (2**38 * spread**2)
    part = scale * mu**3 * spacing**3 / (2**36 * sigma**4)
    chain.at_most(
        "thm08.b.r1. With exp(-mu^2 Delta^2/(32 sigma^2)) = pi n^5 mu Delta^3/(2^38 e^(1/2) L^2 "
        "A^4) - q, the last term of thm08.a2 is at most its first",
        4 * mu**2 * spread**2 / sigma**4 * (limit - lost),
        part,
        4 * mu**2 * spread**2 / sigma**4 * lost,
    )
    chain.identity(
        "and twice the first is eq. 19", 2 * part, scale * mu**3 * spacing**3 / (2**35 * sigma**4)
    )


def add_small_risk(chain: Chain) -> None:
    """thm08.c."""
    count, over = sympy.symbols("k p", nonnegative=True)
    length = (1 + count) * spacing + over
    chain.step("thm08.c. t = mu Delta; n - 1 = 1 + k, L = (n - 1) Delta + p.")
    chain.at_most(
        "C_n is at least 8 mu^2 L^3 2 (n - 1)/Delta, and that at least 16 t^2",
        16 * mu**2 * spacing**2,
        8 * mu**2 * length**3 * 2 * (1 + count) / spacing,
    )
    chain.step("C_n^4 >= t^3: for t <= 1 because C_n >= 1, for t = 1 + p because")
    chain.at_most("(16 t^2)^4 is at least t^3", (1 + over) ** 3, (16 * (1 + over) ** 2) ** 4)
    cube = sympy.Symbol("T", positive=True)
    chain.at_most(
        "A^4 >= C_n^4/sigma^24 with C_n^4 = T + q, T = t^3, so T/(A^4 sigma^4) is at most sigma^20",
        cube / ((cube + lost) / sigma**24 * sigma**4),
        sigma**20,
        sigma**20 * lost / (cube + lost),
    )
    chain.step(
        "So eq. 19 gives 16 n sigma^2 R_n <= 16 pi (n sigma)^6 sigma^16/(2^35 e^(1/2)); n sigma "
        "<= 1 by sigma_3, sigma <= 1, and"
    )
    chain.identity(
        "the powers",
        16 * n * sigma**2 * sympy.pi * n**5 * sigma**20 / (2**35 * root_e),
        16 * sympy.pi / (2**35 * root_e) * (n * sigma) ** 6 * sigma**16,
    )
    chain.at_most("the constant", 16 * sympy.pi / (2**35 * root_e), 1)
    chain.step("so R_n <= 1/(16 n sigma^2), eq. 20.")


def add_third_term(chain: Chain) -> None:
    """thm08.e and .e2."""
    above = sympy.Symbol("epsilon", nonnegative=True)
    e = 1 + above
    chain.step("thm08.e. e = 1 + epsilon; both sides are non-negative, compare their sixth powers.")
    chain.identity(
        "The right one, (2 pi e) A^2 sigma^2 (n R_n)^2, minus the left one, (2 n R_n)^3",
        2 * sympy.pi * e * bound**2 * sigma**2 * (n * risk) ** 2 - (2 * n * risk) ** 3,
        8 * n**3 * risk**2 * (sympy.pi * e / 4 * bound**2 * sigma**2 / n - risk),
    )
    chain.step(
        "For R_n > 0 it is non-negative exactly if R_n <= (pi e/4) A^2 sigma^2/n; for R_n = 0 "
        "both statements hold. A sigma^2 >= 1/sigma^4 >= 1, A sigma^2 = 1 + g, and by eq. 20 R_n "
        "= 1/(16 n sigma^2) - q:"
    )
    unit = 1 / (16 * n * sigma**2)
    pi_e = 4 * sympy.pi
    chain.at_most(
        "this is at most (pi e/4) A^2 sigma^2/n",
        unit - lost,
        sympy.pi * e / 4 * ((1 + more) / sigma**2) ** 2 * sigma**2 / n,
        (pi_e - 1) * unit + pi_e * above * unit + pi_e * e * (2 * more + more**2) * unit + lost,
    )
    two_pi = sympy.sqrt(2) * sympy.sqrt(sympy.pi)
    cube = root_e * bound**4 * n * risk / (2 * sympy.pi * sigma**2)
    chain.identity(
        "thm08.e2. The cube of (A/(sqrt(2 pi) sigma)) (sqrt(2 pi e) A sigma n R_n)^(1/3)",
        bound**3 / (two_pi * sigma) ** 3 * (two_pi * root_e * bound * sigma * n * risk),
        cube,
    )
    chain.step(
        "is the cube of e^(1/6) A^(4/3) n^(1/3) R_n^(1/3)/((2 pi)^(1/3) sigma^(2/3)): exponents "
        "1/2, 4, 1, 1, 1 and 2. By eq. 19, with R_n = pi n^5 mu^3 Delta^3/(2^35 e^(1/2) A^4 "
        "sigma^4) - q,"
    )
    limit = sympy.pi * n**5 * mu**3 * spacing**3 / (2**35 * root_e * bound**4 * sigma**4)
    chain.at_most(
        "it is at most the cube of mu n^2 Delta/(2^12 sigma^2)",
        cube.subs(risk, limit - lost),
        (mu * n**2 * spacing / (2**12 * sigma**2)) ** 3,
        root_e * bound**4 * n * lost / (2 * sympy.pi * sigma**2),
    )


def add_second_term(chain: Chain) -> None:
    """thm08.f."""
    chain.step(
        "thm08.f. sigma_4 = mu n^(5/2) Delta/2^10. For sigma <= sigma_4, mu Delta = (2^10 sigma + "
        "g)/n^(5/2), and by eq. 20 R_n = 1/(16 n sigma^2) - q."
    )
    product = (2**10 * sigma + more) / (n**2 * sympy.sqrt(n))
    chain.at_most(
        "R_n/4 is at most the square of mu n^2 Delta/(2^13 sigma^2)",
        (1 / (16 * n * sigma**2) - lost) / 4,
        (product * n**2 / (2**13 * sigma**2)) ** 2,
        (2**11 * sigma * more + more**2) / (2**26 * n * sigma**4) + lost / 4,
    )


def add_threshold(chain: Chain) -> None:
    """thm08.g."""
    unit = sympy.Symbol("B", positive=True)
    chain.identity(
        "thm08.g. B = mu n^2 Delta/sigma^2: what is left for 1/(2 eta)",
        unit / 2**11 - unit / 2**12 - unit / 2**13,
        unit / 2**13,
    )
    chain.at_most(
        "With 1/(2 eta) = B/2^13 + q, eta is at most 2^12/B",
        1 / (2 * (unit / 2**13 + lost)),
        2**12 / unit,
        2**25 * lost / (unit * (unit + 2**13 * lost)),
    )


def add_noise_level(chain: Chain) -> None:
    """thm08.h and prose.d."""
    x, rate = sympy.symbols("x c", positive=True)
    chain.step(
        "thm08.h. sigma <= sigma_0 = min(sigma_1, .., sigma_4) is the four conditions together. "
        "It is positive: sigma_1, sigma_3 and sigma_4 are products of positive numbers. The "
        "condition of sigma_2 with A = C_n/sigma^6 is exp(-c/sigma^2)/sigma^24 <= c', c = mu^2 "
        "Delta^2/32, c' > 0 free of sigma."
    )
    chain.at_most("x <= exp(x)", x, sympy.exp(x), sympy.exp(x) - x)
    chain.identity(
        "To the power 13 at x = c/(13 sigma^2), as a bound of exp(-c/sigma^2)/sigma^24",
        (13 * sigma**2 / rate) ** 13 / sigma**24,
        13**13 * sigma**2 / rate**13,
    )
    chain.step(
        "which is below c' for every small enough sigma: sigma_2 > 0, with Delta or with Delta^3."
    )
    chain.step(
        "prose.d. Let eta, mu and the sample be fixed. sigma <= sigma_0 holds for every sigma in "
        "(0, sigma_0], and with mu n^2 Delta eta = 2^12 sigma'^2 the second condition, eta > 2^12 "
        "sigma^2/(mu n^2 Delta), holds for every sigma below sigma':"
    )
    level = sympy.Symbol("s", positive=True)
    chain.at_most(
        "with sigma' = sigma + s, 2^12 sigma^2/(mu n^2 Delta) is at most eta, and below it",
        2**12 * sigma**2 / (mu * n**2 * spacing),
        2**12 * (sigma + level) ** 2 / (mu * n**2 * spacing),
        2**12 * (2 * sigma * level + level**2) / (mu * n**2 * spacing),
    )

"""The risk of the empirical score by the overlap of neighbouring densities: corollary 3, sharper.

Only where two points' noised densities overlap is the score wrong, and the overlap of two Gaussians
at distance mu d is `exp(-mu^2 d^2/(8 sigma^2))`. Summed over pairs this has neither the spread of
the data nor n in it, and four times the printed exponent.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._mixture import likelihood, mu, sigma

half = sympy.Rational(1, 2)
spacing = sympy.Symbol("Delta", positive=True)
more = sympy.Symbol("f", nonnegative=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta >= 2 sigma/mu, p_i the density of Y given "
        "i, alpha_j = p_j/sum_k p_k. By eq. 9, s*(y) + (y - mu x_i)/sigma^2 = (mu/sigma^2)(E[W] - "
        "x_i), so R_n(s*) = (mu^2/sigma^4) (1/n) sum_i int p_i (E[W] - x_i)^2 dy."
    )
    add_overlap(chain)
    add_sum(chain)
    return chain.derivation(
        __name__,
        "The risk of the empirical score by overlaps",
        "corollary 3, eq. 10, p. 7",
        "every n >= 2, every sample with Delta >= 2 sigma/mu, every mu, sigma > 0",
        proves=("cor03b.s3",),
        remark=(
            "neither x_n - x_1 nor n is in the bound, and the exponent is four times the printed "
            "one. Where 80 n kappa^2 exp(-kappa^2/8) <= 1, kappa = mu Delta/sigma, it is at most "
            "1/(32 n sigma^2), and the excess risk in thm08.r2 exceeds 1/(32 n sigma^2)."
        ),
    )


def add_overlap(chain: Chain) -> None:
    """One pair of points."""
    apart, mean = sympy.symbols("d M", real=True)
    chain.at_most(
        "E[W] - x_i = M is the mean of d = x_j - x_i over alpha_j; averaged over alpha_j this is "
        "M^2 <= sum_j alpha_j (x_j - x_i)^2",
        mean**2 + 2 * mean * (apart - mean),
        apart**2,
        (apart - mean) ** 2,
    )
    one, two = sympy.symbols("a b", positive=True)
    rest = sympy.Symbol("r", nonnegative=True)
    chain.at_most(
        "p_i alpha_j with p_i = a^2, p_j = b^2, the other densities summing to r, is at most half "
        "of the root of p_i p_j",
        one**2 * two**2 / (one**2 + two**2 + rest),
        one * two / 2,
        one * two * ((one - two) ** 2 + rest) / (2 * (one**2 + two**2 + rest)),
    )
    left, right = sympy.symbols("x_i x_j", real=True)
    middle = (left + right) / 2
    chain.identity(
        "The product p_i p_j is, up to a factor 1/(2 pi sigma^2) on both sides, a Gaussian about "
        "the midpoint, squared",
        likelihood(left) * likelihood(right),
        likelihood(middle) ** 2 * sympy.exp(-(mu**2) * (right - left) ** 2 / (4 * sigma**2)),
    )
    chain.step(
        "so int sqrt(p_i p_j) dy = exp(-mu^2 d^2/(8 sigma^2)), and R_n(s*) <= (mu^2/sigma^4) (1/(2 "
        "n)) sum_{i != j} d_ij^2 exp(-mu^2 d_ij^2/(8 sigma^2))."
    )


def add_sum(chain: Chain) -> None:
    """The sum over pairs."""
    over, t = sympy.symbols("g t", nonnegative=True)
    chain.step(
        "Of each x_i the k-th neighbour on either side has d = t Delta with t >= k. Let c = mu^2 "
        "Delta^2/(8 sigma^2) = 1/2 + g, and t^2 = s = 1 + f for k = 1."
    )
    chain.at_most(
        "exp(-s c) = exp(-c) exp(-f c) is at most exp(-c) exp(-f/2)",
        sympy.exp(-(1 + more) * (half + over)),
        sympy.exp(-(half + over)) * sympy.exp(-more / 2),
        sympy.exp(-(half + over)) * sympy.exp(-more / 2) * (1 - sympy.exp(-more * over)),
    )
    chain.step(
        "So the sum over one side is at most Delta^2 exp(-c) times the sum over k of the largest s "
        "exp(-(s - 1)/2) with s >= k^2."
    )
    real = sympy.Symbol("s", positive=True)
    chain.at_most(
        "k = 1: s/2 <= exp(s/2 - 1), so s exp(-(s - 1)/2) <= 2 exp(-1/2)",
        real / 2,
        sympy.exp(real / 2 - 1),
        sympy.exp(real / 2 - 1) - real / 2,
    )
    chain.at_most(
        "k >= 2: k^2 = 2 + t, s = k^2 + f, s/k^2 is at most exp(f/2), so s = k^2 is the worst",
        1 + more / (2 + t),
        sympy.exp(more / 2),
        (sympy.exp(more / 2) - 1 - more / 2) + more * t / (2 * (2 + t)),
    )
    chain.at_most(
        "From k >= 4 on, k = 4 + t: the exponent grows by at least 4 from k to k + 1, as ((k+1)^2 "
        "- k^2)/2 is at least",
        4,
        ((5 + t) ** 2 - (4 + t) ** 2) / 2,
    )
    chain.at_most(
        "and (k+1)^2 is at most (25/16) k^2",
        (5 + t) ** 2,
        sympy.Rational(25, 16) * (4 + t) ** 2,
    )
    ratio = sympy.Rational(25, 16) * sympy.exp(-4)
    first = 2 * sympy.exp(-half) + 4 * sympy.exp(-3 * half) + 9 * sympy.exp(-4)
    tail = 16 * sympy.exp(-15 * half) / (1 - ratio)
    chain.at_most(
        "so the terms k = 1, 2, 3 and a geometric series sum to at most 5/2",
        first + tail,
        sympy.Rational(5, 2),
    )
    chain.identity(
        "Two sides, n points i, the factor 1/(2 n)",
        mu**2 / sigma**4 / 2 * 2 * spacing**2 * sympy.Rational(5, 2),
        5 * mu**2 * spacing**2 / (2 * sigma**4),
    )
    chain.step(
        "This is R_n(s*) <= (5 mu^2 Delta^2/(2 sigma^4)) exp(-mu^2 Delta^2/(8 sigma^2)), cor03b.s3."
    )

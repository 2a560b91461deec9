"""Proposition 6: what the Hessian's other two terms can be, and the kink term by the risk.

One neuron's kink contributes `|f(tau)| exp(-(tau - mu x_i)^2/(2 sigma^2))`, f the residual of one
point. f is Lipschitz, so it stays above `|f(tau)|/2` on an interval around tau, and the risk pays
for that interval. Written in units of sigma the interval is `[c - r, c + r]`, c the distance of tau
from `mu x_i`. The printed way to bound its mass from below (prop06.h, .h2) fails for far kinks; by
symmetry about c,

    int_{c-r}^{c+r} exp(-y^2/2) dy = 2 exp(-c^2/2) int_0^r exp(-t^2/2) cosh(c t) dt,

and what has to be shown is that the last integral is at least `r exp(-1/2)` whenever `c - r >= -1`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

half = sympy.Rational(1, 2)
sigma, bound, n, m = sympy.symbols("sigma A n m", positive=True)
size = sympy.Symbol("F", nonnegative=True)
"""`|f(tau)|`."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_cross_term(chain)
    add_diagonal(chain)
    add_slope(chain)
    add_interval(chain)
    add_wide_case(chain)
    add_other_case(chain)
    add_maximum(chain)
    add_proposition(chain)
    return chain.derivation(
        __name__,
        "The kink term of the Hessian, bounded by the risk",
        "proof of proposition 6, pp. 26-29",
        "every n, every m, every sample, every mu > 0, 0 < sigma <= 1, every network with inner "
        "weights +-1 and outer weights at most A >= C_n/sigma^6, C_n >= 1 (prop06.a to .d2.r1: "
        "every A and sigma > 0; .e to .j and prop06a.r1 need only A sigma^2 >= 1); in prop06.b.r1, "
        ".d2.r1 and prop06a.r1 TV is the variation with the noised weight",
        proves=("prop06a.r1",),
        proves_steps=(
            "prop06.a",
            "prop06.a2.r1",
            "prop06.b.r1",
            "prop06.c",
            "prop06.d",
            "prop06.d2.r1",
            "prop06.e",
            "prop06.f",
            "prop06.g",
            "prop06.h.r1",
            "prop06.h2.r1",
            "prop06.i",
            "prop06.j",
        ),
        remark=(
            "prop06.i is proved without prop06.h and .h2, which fail for kinks far from the data; "
            "so prop06.j and the kink term of proposition 6 stand."
        ),
    )


def add_cross_term(chain: Chain) -> None:
    """prop06.c."""
    one, two = sympy.symbols("a b", real=True)
    chain.step(
        "prop06.c. H(y) couples the two entries a = v_{w2,l} and b = v_{b,l} of each neuron: v^T "
        "H v = 2 sum_l 1_l a b, with 1_l in {0, 1}."
    )
    chain.at_most("2 a b", 2 * one * two, one**2 + two**2, (one - two) ** 2)
    chain.at_most("-2 a b", -2 * one * two, one**2 + two**2, (one + two) ** 2)
    chain.step(
        "so |v^T H(y) v| <= |v|^2 = 1 at every y (this is lambda_max(H) <= 1, and the same for "
        "-H). Then |E[f v^T H v]| <= E|f|, with E the mean over points and noise, and E|f| = M, "
        "E[f^2] = R_n:"
    )
    value, mean = sympy.symbols("u M", real=True)
    chain.at_most(
        "u = |f|: M^2 + 2 M (u - M) <= u^2, whose mean is M^2 <= R_n",
        mean**2 + 2 * mean * (value - mean),
        value**2,
        (value - mean) ** 2,
    )
    chain.step("The factor (2/(mn)) sum_i is (2/m) times the mean over points: prop06.c.")


def add_diagonal(chain: Chain) -> None:
    """prop06.d."""
    entry, under, share = sympy.symbols("d e s", nonnegative=True)
    chain.step(
        "prop06.d. D is diagonal, |v^T D v| <= sum_l v_{b,l}^2 |D_ll| <= max_l |D_ll|, the "
        "v_{b,l}^2 summing to at most 1; for one l, |D_ll| = d - e with d the maximum, s = "
        "v_{b,l}^2:"
    )
    chain.at_most("one term", share * entry, share * (entry + under), share * under)
    chain.step(
        "|D_ll| = (sqrt 2/(sqrt(pi) m n sigma)) |w2_l w1_l| |sum_i f_i(tau_l) e_i|, e_i the "
        "exponential, whatever its sign: |w2_l| <= A, |w1_l| = 1, and a sum of n terms is at most "
        "n times the largest."
    )
    chain.identity(
        "The factor",
        sympy.sqrt(2) / (sympy.sqrt(sympy.pi) * m * n * sigma) * bound * n,
        sympy.sqrt(2) * bound / (sympy.sqrt(sympy.pi) * m * sigma),
    )


def add_slope(chain: Chain) -> None:
    """prop06.e."""
    more, below = sympy.symbols("q g", nonnegative=True)
    chain.step(
        "prop06.e. On a piece s_theta' is (1/m) sum of w1_l w2_l over active neurons, at most A in "
        "size; s_theta is continuous, so f has the Lipschitz constant A + 1/sigma^2."
    )
    inverse = 1 + below
    chain.at_most(
        "A >= 1/sigma^2 where A = C_n/sigma^6 + q, C_n = 1 + p, 1/sigma^2 = 1 + g (sigma <= 1)",
        inverse,
        (1 + sympy.Symbol("p", nonnegative=True)) * inverse**3 + more,
    )
    chain.at_most(
        "so with A = 1/sigma^2 + q, A + 1/sigma^2 is at most 2 A",
        (1 / sigma**2 + more) + 1 / sigma**2,
        2 * (1 / sigma**2 + more),
        more,
    )
    apart = sympy.Symbol("h", nonnegative=True)
    chain.at_most(
        "Where |y - tau| = F/(4A) - h, F = |f(tau)|, F/2 is at most F - 2 A |y - tau| <= |f(y)|",
        size / 2,
        size - 2 * bound * (size / (4 * bound) - apart),
        2 * bound * apart,
    )


def add_interval(chain: Chain) -> None:
    """prop06.f."""
    y = sympy.Symbol("y", real=True)
    chain.step(
        "prop06.f. n R_n is a sum of non-negative means over points; that of point i is at least "
        "its part on |y - tau| <= r = F/(4A), where f^2 >= F^2/4. In u = y - mu x_i this is the "
        "interval of half-width r about tau - mu x_i; the density is even in u:"
    )
    gauss = sympy.exp(-(y**2) / (2 * sigma**2)) / sympy.sqrt(2 * sympy.pi) / sigma
    chain.identity("its mirror image", gauss, gauss.subs(y, -y))
    chain.step("so tau - mu x_i may be replaced by c = |tau - mu x_i|, and the interval by D.")
    chain.identity(
        "The factor",
        size**2 / 4 * gauss,
        size**2 / (4 * sympy.sqrt(2 * sympy.pi) * sigma) * sympy.exp(-(y**2) / (2 * sigma**2)),
    )


def add_wide_case(chain: Chain) -> None:
    """prop06.g."""
    z, u = sympy.symbols("z u", real=True)
    chain.step("prop06.g. D holds [-sigma, sigma]; in units of sigma, [-1, 1].")
    add_lower_exponential(chain, z)
    chain.identity(
        "An antiderivative of 1 - z^2/2", sympy.Derivative(u - u**3 / 6, u), 1 - u**2 / 2
    )
    primitive = u - u**3 / 6
    mass = primitive.subs(u, 1) - primitive.subs(u, -1)
    chain.at_most(
        "so P(|z| <= 1) is at least (1/sqrt(2 pi)) int_{-1}^{1} (1 - z^2/2) dz, and that at least",
        half,
        mass / sympy.sqrt(2 * sympy.pi),
    )
    chain.identity("Then n R_n >= (F^2/4)(1/2)", size**2 / 4 * half, size**2 / 8)


def add_lower_exponential(chain: Chain, z: Any) -> None:
    """`exp(-z^2/2) >= 1 - z^2/2`."""
    chain.at_most(
        "exp(p) >= 1 + p at p = -z^2/2",
        1 - z**2 / 2,
        sympy.exp(-(z**2) / 2),
        sympy.exp(-(z**2) / 2) - (1 - z**2 / 2),
    )


def add_other_case(chain: Chain) -> None:
    """prop06.i."""
    c, t = sympy.symbols("c t", real=True)
    chain.step(
        "prop06.i. Let [-1, 1] not lie in [c - r, c + r], c >= 0 (units of sigma). Then c - r > "
        "-1: if not, c - r <= -1, so r >= 1 + c and c + r >= 1, and [-1, 1] would lie in it."
    )
    under = sympy.Symbol("k", nonnegative=True)
    near = sympy.Symbol("c", nonnegative=True)
    chain.at_most(
        "so r = c + 1 - k, k > 0, and c + r is at most 2 c + 1 (prop06.h.r1)",
        near + (near + 1 - under),
        2 * near + 1,
        under,
    )
    chain.step(
        "For y in [c - r, c], either -1 < y < 0 and y^2 <= 1, or 0 <= y <= c and y^2 <= c^2; so "
        "y^2 = 1 + c^2 - 2 k with k >= 0:"
    )
    chain.at_most(
        "prop06.h2.r1, exp(-y^2/2) there",
        sympy.exp(-half) * sympy.exp(-(near**2) / 2),
        sympy.exp(-half - near**2 / 2 + under),
        sympy.exp(-half - near**2 / 2 + under) * (1 - sympy.exp(-under)),
    )
    chain.identity(
        "About its middle, y = c + t",
        sympy.exp(-((c + t) ** 2) / 2),
        sympy.exp(-(c**2) / 2) * sympy.exp(-(t**2) / 2) * sympy.exp(-c * t),
    )
    chain.step(
        "t and -t together: int_{c-r}^{c+r} exp(-y^2/2) dy = 2 exp(-c^2/2) J, J = int_0^r "
        "exp(-t^2/2) cosh(c t) dt. To show: J >= r exp(-1/2)."
    )
    ct = sympy.Symbol("p", nonnegative=True)
    chain.at_most(
        "cosh >= 1, from (exp(p/2) - exp(-p/2))^2 >= 0",
        1,
        (sympy.exp(ct) + sympy.exp(-ct)) / 2,
        (sympy.exp(ct / 2) - sympy.exp(-ct / 2)) ** 2 / 2,
    )
    chain.at_most(
        "Case r <= 1: 0 <= t <= r, t^2/2 = 1/2 - k, exp(-t^2/2) is at least exp(-1/2), and J >= r "
        "exp(-1/2)",
        sympy.exp(-half),
        sympy.exp(-half + under),
        sympy.exp(-half + under) * (1 - sympy.exp(-under)),
    )
    add_long_interval(chain)
    length = sympy.Symbol("r", positive=True)
    chain.identity(
        "In all, in the units of the page, with r = F/(4 A sigma) and c sigma = |tau - mu x_i|: "
        "sigma 2 r exp(-1/2) exp(-c^2/2)",
        (sigma * 2 * length * sympy.exp(-half)).subs(length, size / (4 * bound * sigma)),
        size / (2 * bound) * sympy.exp(-half),
    )
    chain.identity(
        "and by prop06.f n R_n is at least this times F^2/(4 sqrt(2 pi) sigma)",
        size**2 / (4 * sympy.sqrt(2 * sympy.pi) * sigma) * (size / (2 * bound) * sympy.exp(-half)),
        size**3 / (8 * sympy.sqrt(2 * sympy.pi) * sympy.exp(half) * bound * sigma),
    )
    chain.step("sqrt(2 pi e) = sqrt(2 pi) exp(1/2), so this is prop06.i.")


def add_long_interval(chain: Chain) -> None:
    """The case r > 1 of prop06.i."""
    s, more = sympy.symbols("s k", nonnegative=True)
    t, u = sympy.symbols("t u", real=True)
    time = sympy.Symbol("t", nonnegative=True)
    chain.step("Case r = 1 + s, s > 0: c > r - 1 = s, so c = s + k with k > 0.")
    chain.at_most(
        "cosh grows: cosh(s t) <= cosh((s + k) t) for t >= 0",
        (sympy.exp(s * time) + sympy.exp(-s * time)) / 2,
        (sympy.exp((s + more) * time) + sympy.exp(-(s + more) * time)) / 2,
        sympy.exp(s * time)
        * sympy.exp(more * time)
        * (1 - sympy.exp(-more * time))
        * (1 - sympy.exp(-2 * s * time - more * time))
        / 2,
    )
    chain.identity(
        "J is at least the same integral with s for c, which is half of int_{-r}^{r} exp(-t^2/2 + "
        "s t) dt; with t = u + s",
        sympy.exp(-(t**2) / 2 + s * t).subs(t, u + s),
        sympy.exp(s**2 / 2) * sympy.exp(-(u**2) / 2),
    )
    chain.identity("upper end: t = r is u", (1 + s) - s, 1)
    chain.identity("lower end: t = -r is u", -(1 + s) - s, -1 - 2 * s)
    chain.step(
        "so J >= (1/2) exp(s^2/2) int_{-1}^{1} exp(-u^2/2) du, and as above that integral is at "
        "least 5/3."
    )
    growth = sympy.exp(s**2 / 2)
    chain.at_most(
        "exp(p) >= 1 + p at p = s^2/2",
        1 + s**2 / 2,
        growth,
        growth - 1 - s**2 / 2,
    )
    chain.at_most("exp(-1/2)", sympy.exp(-half), sympy.Rational(61, 100))
    lower = sympy.Rational(5, 6) * (1 + s**2 / 2)
    upper = sympy.Rational(61, 100) * (1 + s)
    square = sympy.Rational(5, 12) * (s - sympy.Rational(183, 250)) ** 2
    chain.at_most(
        "and (61/100)(1 + s), hence r exp(-1/2), is at most (5/6)(1 + s^2/2), hence J",
        upper,
        lower,
        square + sympy.expand(lower - upper - square),
    )


def add_maximum(chain: Chain) -> None:
    """prop06.j."""
    x, decay = sympy.symbols("x k", nonnegative=True)
    risk = sympy.Symbol("R_n", positive=True)
    chain.step(
        "prop06.j. E = exp(-(tau - mu x_i)^2/(2 sigma^2)) = exp(-k) <= 1. In the first case F^2 "
        "<= 8 n R_n and F E <= F."
    )
    chain.identity("The square of 2 sqrt(2 n R_n)", (2 * sympy.sqrt(2) * x) ** 2, 8 * x**2)
    chain.step(
        "with x = sqrt(n R_n). In the second case F^3 E <= 8 sqrt(2 pi e) A sigma n R_n, and"
    )
    chain.at_most(
        "(F E)^3 is at most F^3 E",
        (size * sympy.exp(-decay)) ** 3,
        size**3 * sympy.exp(-decay),
        size**3 * sympy.exp(-decay) * (1 - sympy.exp(-2 * decay)),
    )
    chain.identity("A cube root", (2 * risk) ** 3, 8 * risk**3)
    chain.step(
        "so F E <= 2 (sqrt(2 pi e) A sigma n R_n)^(1/3). In either case F E is at most twice the "
        "larger of the two (squares and cubes of non-negative numbers keep their order)."
    )


def add_proposition(chain: Chain) -> None:
    """prop06.a, .a2.r1, .b.r1, .d2.r1 and proposition 6 with the noised weight."""
    sharpness, root, worst = sympy.symbols("lambda R x", nonnegative=True)
    spare, unused = sympy.symbols("q p", nonnegative=True)
    chain.step(
        "prop06.a. The largest eigenvalue of a symmetric matrix is the maximum of its quadratic "
        "form over unit vectors, v among them. By eq. 15 with its sign corrected (derivation "
        "hessian) the form is a sum of three: v^T (2 T) v = 2 lambda_max(T), T = (1/n) sum_i "
        "E[grad s grad s^T], as v is a unit top eigenvector of T; the cross term; and v^T D v "
        "(prop06.a2.r1)."
    )
    chain.step(
        "2 lambda_max(T) >= (4/m) TV with TV = int |s_theta''| weight_noised (prop10.r1, "
        "derivation tangent_kernel_bound); the other two are at least minus their sizes Q_2 and "
        "Q_3, so (4/m) TV <= lambda_max(hess R_n) + Q_2 + Q_3 (prop06.b.r1). With the bounds of "
        "prop06.c and .d for Q_2 and Q_3 it is eq. 18 (prop06.d2.r1)."
    )
    kink = sympy.sqrt(2) * bound / (sympy.sqrt(sympy.pi) * m * sigma) * 2 * worst
    chain.at_most(
        "Times m/4, with lambda = lambda_max(hess R_n), R = sqrt(R_n), x the maximum in prop06.j, "
        "Q_2 = (2/m) R - q, Q_3 = (sqrt(2) A/(sqrt(pi) m sigma)) 2 x - p: TV is at most",
        m / 4 * (sharpness + (2 / m * root - spare) + (kink - unused)),
        sharpness * m / 4
        + root / 2
        + bound / (sympy.sqrt(2) * sympy.sqrt(sympy.pi) * sigma) * worst,
        m / 4 * (spare + unused),
    )
    chain.step("which is proposition 6a with the noised weight, prop06a.r1.")

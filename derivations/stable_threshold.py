"""Theorem 8 repaired: what stability says is about the tangent kernel alone.

Linear stability speaks of the batch losses, whose Hessians exist at almost every noise and lack the
kink term of `hess R_n`. Their mean at an interior local minimum is `2 T`, T the tangent kernel
matrix: the cross term is 0 there. So stability bounds `lambda_max(T)` itself, hence the weighted
variation, without A and without the risk; and small risk bounds the variation from below.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

m, rate, sigma = sympy.symbols("m eta sigma", positive=True)
unit = sympy.Symbol("B", positive=True)
"""`mu n^2 Delta/sigma^2`."""
lost = sympy.Symbol("q", nonnegative=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_stability(chain)
    add_mean_hessian(chain)
    add_variation(chain)
    add_theorem(chain)
    add_printed_theorem(chain)
    return chain.derivation(
        __name__,
        "The threshold of theorem 8, repaired",
        "theorem 8, p. 10",
        "every n >= 4 (eq08.r1 and prop06b.r1: every n), every m, every sample, every mu, sigma > "
        "0, every interior linearly stable local minimum; batches independent of each other and "
        "not empty, every point as likely to be in them as any other, the batch loss a sum or a "
        "mean. thm08.r2: Delta >= 8 sigma/mu. thm08.r1: mu <= 1, sigma <= sigma_0 with the "
        "condition of sigma_2 as printed (A = C_n/sigma^6 in it) or with Delta^3, A >= C_n/sigma^6",
        proves=(
            "eq08.r1@sum",
            "eq08.r1@mean",
            "prop06b.r1@sum",
            "prop06b.r1@mean",
            "thm08.r1@sum",
            "thm08.r1@mean",
            "thm08.r2@sum",
            "thm08.r2@mean",
        ),
        remark=(
            "thm08.r2 bounds the risk below without A. Nothing is said at n = 2 and n = 3, where "
            "proposition 7 fails. For n >= 5 the threshold is 2^9 sigma^2/(mu n^2 Delta). Nowhere "
            "is sigma_4 needed, nor the bound of the kink term."
        ),
    )


def add_stability(chain: Chain) -> None:
    """eq08.r1."""
    eigenvalue = sympy.Symbol("lambda", real=True)
    chain.step(
        "eq08.r1. Let d_j = theta_j - theta*, d_{j+1} = d_j - m eta (g_j + H_j d_j), g_j and H_j "
        "gradient and pointwise Hessian of batch loss j at theta*: they are independent of d_j. "
        "E[g_j] is a multiple of grad R_n(theta*) = 0; let H = E[H_j]. So E[d_{j+1}] = (I - m eta "
        "H) E[d_j]."
    )
    positive = sympy.Symbol("p", positive=True)
    chain.identity(
        "Suppose H v = lambda v, |v| = 1, lambda = 2/(m eta) + p with p > 0. Along v the factor is",
        (1 - m * rate * eigenvalue).subs(eigenvalue, 2 / (m * rate) + positive),
        -(1 + m * rate * positive),
    )
    chain.step(
        "so |v . E[d_j]| grows without bound from d_0 = (eps/2) v, and E||d_j|| >= |v . E[d_j]|: "
        "theta* is not stable. Hence lambda_max(H) <= 2/(m eta)."
    )


def add_mean_hessian(chain: Chain) -> None:
    """The mean of the pointwise Hessians at an interior local minimum."""
    value, slope, bend = sympy.symbols("f s_1 s_2", real=True)
    chain.step(
        "At almost every noise no point lies on a kink, and the loss f^2 of one point, f = "
        "s_theta + (y - mu x_i)/sigma^2, is twice differentiable; with s_1 a first and s_2 a "
        "second derivative of s_theta"
    )
    t = sympy.Symbol("t", real=True)
    residual = value + slope * t + bend * t**2 / 2
    chain.identity(
        "its second derivative at t = 0 along a line, by the Taylor polynomial of f",
        sympy.diff(residual**2, t, 2).subs(t, 0),
        2 * slope**2 + 2 * value * bend,
    )
    chain.step(
        "The second derivatives of s_theta that are not 0 are those by w2_l and b_l, 1_l/m for "
        "w1_l = +1 or -1. So H is c (2 T + cross), T = (1/n) sum_i E[grad s grad s^T], cross with "
        "the entries (2/m) a_l, a_l = (1/n) sum_i E[f_i 1_l], in (w2_l, b_l); c = 1 for a mean "
        "over the batch, c >= 1 its mean size for a sum. At an interior local minimum every a_l "
        "is 0 (derivation hessian_at_minimum): H = 2 c T. There is no kink term."
    )


def add_variation(chain: Chain) -> None:
    """prop06b.r1."""
    size, top = sympy.symbols("p lambda", nonnegative=True)
    chain.at_most(
        "T is positive semidefinite, lambda = lambda_max(T) >= 0, c = 1 + p: 2 lambda is at most "
        "lambda_max(H)",
        2 * top,
        2 * (1 + size) * top,
    )
    chain.identity(
        "so lambda_max(T) <= 1/(m eta), and by prop10.r1 (derivation tangent_kernel_bound), "
        "TV_noised <= (m/2) lambda_max(T), which is at most",
        m / 2 * (1 / (m * rate)),
        1 / (2 * rate),
    )
    chain.step("This is prop06b.r1: TV_noised(s_theta*) <= 1/(2 eta).")


def add_theorem(chain: Chain) -> None:
    """thm08.r2."""
    chain.step(
        "thm08.r2. Suppose R_n(theta*) <= 1/(16 n sigma^2). By the derivation weighted_count, "
        "TV_noised >= B/2^11 for n >= 4 and B/2^10 for n >= 5, B = mu n^2 Delta/sigma^2."
    )
    for exponent in (11, 10):
        chain.at_most(
            f"From 1/(2 eta) = B/2^{exponent} + q, eta is at most 2^{exponent - 1}/B",
            1 / (2 * (unit / 2**exponent + lost)),
            2 ** (exponent - 1) / unit,
            2 ** (2 * exponent - 1) * lost / (unit * (unit + 2**exponent * lost)),
        )
    chain.step(
        "So eta > 2^10 sigma^2/(mu n^2 Delta) (2^9 for n >= 5) leaves only R_n(theta*) > 1/(16 n "
        "sigma^2)."
    )


def add_printed_theorem(chain: Chain) -> None:
    """thm08.r1."""
    mu, n, spread, constant = sympy.symbols("mu n L C_n", positive=True)
    root_e = sympy.exp(sympy.Rational(1, 2))
    chain.step(
        "thm08.r1, the constants of the page. Let sigma <= sigma_0, A >= C_n/sigma^6, and suppose "
        "the excess risk is at most E_b = pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4). Delta "
        ">= 8 sigma/mu by sigma_1, and E_b <= 1/(32 n sigma^2): twice E_b is the bound of eq. 19, "
        "and thm08.c (derivation threshold_arithmetic) puts that below 1/(16 n sigma^2)."
    )
    score = 4 * mu**2 * spread**2 / sigma**4
    limit = sympy.pi * n**5 * mu / (2**38 * root_e * spread**2 * (constant / sigma**6) ** 4)
    chain.identity(
        "By cor03b and the condition of sigma_2 as printed, without Delta^3, R_n(s*) is at most",
        score * limit,
        sympy.pi * n**5 * mu**3 * sigma**20 / (2**36 * root_e * constant**4),
    )
    chain.identity(
        "32 n sigma^2 times this",
        32 * n * sigma**2 * sympy.pi * n**5 * mu**3 * sigma**20 / (2**36 * root_e * constant**4),
        32 * sympy.pi / (2**36 * root_e) * mu**3 * (n * sigma) ** 6 * sigma**16 / constant**4,
    )
    chain.at_most("where the constant is", 32 * sympy.pi / (2**36 * root_e), 1)
    chain.step(
        "and the other factors are at most 1: mu <= 1, n sigma <= 1 by sigma_3, sigma <= 1, C_n "
        ">= 1. So R_n(theta*) <= 1/(32 n sigma^2) + 1/(32 n sigma^2) = 1/(16 n sigma^2); with "
        "Delta^3 in the condition the same holds by thm08.b.r1. By thm08.r2,"
    )
    chain.at_most("eta <= 2^10/B, and that is at most", 2**10 / unit, 2**12 / unit)
    chain.step("so eta > 2^12 sigma^2/(mu n^2 Delta) is impossible: the excess risk exceeds E_b.")

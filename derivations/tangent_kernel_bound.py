"""Proposition 10: the steps of its proof that are right, and the bound with the noised weight.

The printed proof fixes the noise xi and pairs every training point with the same xi; its step
prop10.b confuses `E ||Phi^T v||^2` with `E ||Phi u||^2`, and only the other steps are derived here.

The repaired bound needs no such step. With `g = m grad s_theta(Y)` and `T = (1/n) sum_i E[grad
grad^T] = E[g g^T]/m^2`, Y the noised mixture, `E[g g^T] - E[g] E[g]^T` is positive semidefinite. So
`m^2 lambda_max(T) >= |E[g]|^2 = sum_l (r_l^2 + w_l^2 q_l^2) >= 2 sum_l |w_l| q_l r_l`, with `r_l`
the mean of neuron l's relu, `q_l` the probability that it is active, w_l its outer weight; and
`q_l r_l` is one of the two products whose minimum is the noised weight at the kink.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

m, n = sympy.symbols("m n", integer=True, positive=True)
first, second = sympy.symbols("p q", nonnegative=True)
"""Sizes of two non-negative quantities."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_eigenvalue(chain)
    add_features(chain)
    add_weights(chain)
    add_noised(chain)
    return chain.derivation(
        __name__,
        "The tangent kernel and the weighted kinks",
        "proposition 10, pp. 20-21",
        "every n, every m, every sample, every mu, sigma > 0, every network with inner weights "
        "+-1; in prop10.d and .e for every noise value at which no kink is hit (almost every "
        "one). prop10.r1: every y in R counts, the weight is that of the noised mixture",
        proves=("prop10.r1",),
        proves_steps=(
            "prop10.a",
            "prop10.b.r1",
            "prop10.c",
            "prop10.d",
            "prop10.e",
            "prop10.f",
            "prop10.f.r1",
            "prop10.g",
        ),
        remark=(
            "the noised weight is min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]); the printed "
            "pi has the mean over the noise outside of the minimum and of the products."
        ),
    )


def add_eigenvalue(chain: Chain) -> None:
    """prop10.a and .c: the largest eigenvalue as a maximum."""
    entries = sympy.symbols("Phi_1 Phi_2", real=True)
    direction = sympy.symbols("v_1 v_2", real=True)
    projection = sum(one * two for one, two in zip(entries, direction, strict=True))
    quadratic = sum(
        direction[row] * entries[row] * entries[column] * direction[column]
        for row in range(2)
        for column in range(2)
    )
    chain.step(
        "v^T Phi Phi^T v = ||Phi^T v||^2 for every matrix and every v, a double sum over the rows "
        "of Phi, column by column; for two rows and one column:"
    )
    chain.identity("that sum", quadratic, projection**2)
    chain.step(
        "Taking means, v^T E[Phi Phi^T] v = E ||Phi^T v||^2. E[Phi Phi^T] is symmetric, and the "
        "largest eigenvalue of a symmetric matrix is the maximum of its quadratic form over unit "
        "vectors; parameters number 2m. Divided by n this is prop10.a."
    )
    chain.identity(
        "For prop10.c: the vector u of n entries 1/sqrt(n) has norm",
        n * (1 / sympy.sqrt(n)) ** 2,
        1,
    )
    chain.step(
        "so u is one of the vectors of the maximum, and ||Phi u||^2 = (1/n) ||Phi 1||^2: prop10.c."
    )


def add_features(chain: Chain) -> None:
    """prop10.d: the gradient, and the inequality between two squares and their product."""
    total, outer, active = sympy.symbols("R w I", real=True)
    chain.step(
        "The gradient of s_theta at y has the entries phi(w1_l y + b_l)/m (for w2_l) and w2_l "
        "1[w1_l y + b_l > 0]/m (for b_l). Phi 1 sums them over the points: with R = sum_i phi(w1_l "
        "(xi + mu x_i) + b_l), I = sum_i I_{i,l}, w = w2_l, neuron l adds to ||Phi 1||^2/n^2"
    )
    chain.identity(
        "this",
        ((total / m) ** 2 + (active * outer / m) ** 2) / n**2,
        (total**2 + (active * outer) ** 2) / (m**2 * n**2),
    )
    chain.at_most(
        "Two squares and their product, p = |R|, q = |I w|",
        2 * first * second,
        first**2 + second**2,
        (first - second) ** 2,
    )
    chain.step("Summed over l, with I >= 0, this is prop10.d.")


def add_weights(chain: Chain) -> None:
    """prop10.e and .f."""
    share, mean, outer = sympy.symbols("P E w", nonnegative=True)
    chain.step(
        "With U uniform on the points, P = P(xi + mu U in C_l) and E the mean of |w1_l (xi + mu "
        "U) + b_l| given that event, sum_i I_{i,l} = n P and |sum_i phi(...)| = n P E (both 0 "
        "where the event is empty), so the term of neuron l, w = |w2_l|, is"
    )
    chain.identity(
        "this",
        2 / (m**2 * n**2) * outer * (n * share * mean) * (n * share),
        2 / m**2 * share**2 * outer * mean,
    )
    value, kink, noise = sympy.symbols("u tau xi", real=True)
    chain.identity(
        "For w1_l = +1, tau = -b_l: C_l is y > tau, xi + u in C_l means u > tau - xi, and there",
        (noise + value) - kink,
        value - (kink - noise),
    )
    chain.identity(
        "For w1_l = -1, tau = b_l: C_l is y < tau, xi + u in C_l means u < tau - xi, and there",
        -(noise + value) + kink,
        (kink - noise) - value,
    )
    chain.step(
        "So P^2 E is pi^+(tau - xi), respectively pi^-(tau - xi): the definitions of pi^+ and pi^- "
        "read off. This is prop10.e."
    )
    slope = sympy.Symbol("y", real=True)
    for sign in (1, -1):
        chain.identity(
            f"prop10.f.r1, w1_l = {sign:+d}: slope of phi(w1_l y + b_l) right of tau_l less that "
            "left of it",
            (sympy.diff(sign * slope, slope) if sign > 0 else 0)
            - (sympy.diff(sign * slope, slope) if sign < 0 else 0),
            1,
        )
    chain.step(
        "so s_theta'' has at every place the mass (1/m) sum w2_l over the kinks there, whose size "
        "is at most (1/m) sum |w2_l|. pi^+(tau - xi) and pi^-(tau - xi) are at least their "
        "minimum, which the kinks of one place share: summed over places this is prop10.f, an "
        "equality where no two kinks coincide."
    )
    chain.step(
        "prop10.g, read as the mean over xi of prop10.d to .f: on the right the mean of the "
        "minimum at tau - xi is pi(tau) by definition for tau in [mu x_1, mu x_n]; elsewhere pi "
        "is 0, and the mean is not negative."
    )


def add_noised(chain: Chain) -> None:
    """prop10.r1."""
    value, mean = sympy.symbols("G M", real=True)
    chain.step(
        "prop10.r1. Let Y be the noised mixture, g = m grad s_theta(Y), T = (1/n) sum_i E[grad "
        "grad^T] = E[g g^T]/m^2, v a vector of R^{2m}, G = v . g, M = E[G] = v . E[g]."
    )
    chain.identity(
        "A square around its mean",
        value**2,
        mean**2 + 2 * mean * (value - mean) + (value - mean) ** 2,
    )
    chain.step(
        "The middle term has mean 0, the last one mean >= 0, so m^2 v^T T v = E[G^2] >= (v . "
        "E[g])^2. With v = E[g]/|E[g]| (nothing is to be shown if E[g] = 0, see the last line): "
        "m^2 lambda_max(T) >= |E[g]|^2. E[g]/m is (1/n) E[Phi] 1, so this is prop10.b.r1."
    )
    chain.step(
        "E[g] has the entries r_l = E[phi(w1_l Y + b_l)] and w_l q_l, q_l = P(w1_l Y + b_l > 0), "
        "w_l = w2_l (an event of probability 0 is left out: Y has a density). By the inequality "
        "above with p = r_l, q = |w_l| q_l, |E[g]|^2 = sum_l (r_l^2 + w_l^2 q_l^2) >= 2 sum_l "
        "|w_l| q_l r_l."
    )
    chain.step(
        "For w1_l = +1, q_l r_l = P(Y > tau_l) E[(Y - tau_l)_+]; for w1_l = -1, q_l r_l = P(Y < "
        "tau_l) E[(tau_l - Y)_+]. Both are at least weight_noised(tau_l), their minimum."
    )
    scale = sympy.Symbol("S", real=True)
    chain.identity(
        "Divided by m^2, with S = sum_l |w_l| weight_noised(tau_l): 2 S/m^2, and S/m is the sum of "
        "the sizes of the unmerged masses of s_theta'' times the weight",
        2 * scale / m**2,
        2 / m * (scale / m),
    )
    chain.step(
        "Merging kinks of one place only lowers the sum (triangle inequality): lambda_max(T) >= "
        "(2/m) int |s_theta''(y)| weight_noised(y) dy. If E[g] = 0 every r_l q_l is 0 and so is "
        "the right side."
    )

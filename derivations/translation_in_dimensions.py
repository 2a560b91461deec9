"""The translation bound in d dimensions, and for every network that sees y in its first layer only.

Moving the first layer's biases by `epsilon W1 u` translates the score by `epsilon u`. The change of
variable is that of one dimension in the direction u; what is new is the vector algebra, shown here
in components for d = 3, the same sums in every d. What needs no calculation is said in words: that
a function of equal arguments is equal, that a least value is at most a mean, that derivatives may
be taken under the mean, and Cauchy-Schwarz for means.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import dimensions
from dsmverify.systems import symbolic

from ._gaussian import density, integral
from ._gaussian import z as on_the_line
from ._network import SmallNetwork, sigma

DIMENSION = 3
AXES = range(DIMENSION)

eps = sympy.Symbol("epsilon", real=True)
f = sympy.symbols("f1:4", real=True)
u = sympy.symbols("u1:4", real=True)
z = sympy.symbols("z1:4", real=True)
root, dimension = sympy.symbols("r d", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_translation(chain)
    add_change_of_variable(chain)
    add_floor(chain)
    add_length(chain)
    add_all_axes(chain)
    add_jacobian(chain)
    add_engine(chain)
    return chain.derivation(
        __name__,
        "Curvature of the risk along translations, in d dimensions and for deep networks",
        "beyond the printed theorem, shift5 and shift6",
        "every d, n, m, every sample (ties allowed), every mu, sigma > 0, every theta at which "
        "R_n is twice differentiable; shift5: two-layer ReLU networks, every w1_l non-zero or b_l "
        "non-zero where w1_l = 0; shift6: every network s_theta(y) = G(W1 y + b1; theta') with "
        "one free bias for each unit of the first layer, W1 and theta' trained or not",
        proves=("shift5", "shift5.s1", "shift6"),
        remark=(
            "Twice differentiability serves twice: F(epsilon) is finite near 0, which lets the "
            "derivatives be taken under the mean without any condition on G, and F''(0) is v^T "
            "hess R_n v. A network that sees y again past its first layer (a skip connection of "
            "the input), or whose first layer shares biases, is not covered."
        ),
    )


def add_translation(chain: Chain) -> None:
    """The premise: moved biases translate the score."""
    weight, y = sympy.symbols("w1:4", real=True), sympy.symbols("y1:4", real=True)
    bias = sympy.Symbol("b", real=True)
    chain.identity(
        "A unit of the first layer whose bias moves by epsilon (w . u): its argument",
        dot(weight, y) + bias + eps * dot(weight, u),
        dot(weight, [a + eps * b for a, b in zip(y, u, strict=True)]) + bias,
    )
    chain.step(
        "So with v = W1 u at b1 and 0 at all other parameters, W1 y + b1 + epsilon W1 u = W1 (y + "
        "epsilon u) + b1, and s_{theta + epsilon v}(y) = G(W1 (y + epsilon u) + b1; theta') = "
        "s_theta(y + epsilon u), whatever the measurable G is: outer weights and ReLU (shift5), or "
        "further layers and any activation (shift6). |v|^2 = |W1 u|^2 = sum_l (w1_l . u)^2. If W1 "
        "or theta' are trained as well, v has zeros there and nothing changes."
    )
    chain.step(
        "Two layers, ReLU: the mean of relu(w . Y + b) relu(w' . Y + b') and of Y relu(w . Y + b) "
        "over a normal Y is twice continuously differentiable in w, b, w', b' where w and w' are "
        "not 0: w . Y + b is normal with a smooth density, so second derivatives are integrals "
        "over the kink (lemma 5, derivation regularity, along w). Where w_l = 0 and b_l is not, "
        "the kink is at a distance of |b_l|/|w| and its density, with all derivatives, tends to 0 "
        "as w does. So R_n is twice differentiable. Where w_l = 0 and b_l = 0 it need not be, and "
        "shift5 says nothing."
    )


def add_change_of_variable(chain: Chain) -> None:
    """The quadratic form of the Hessian by moments of noise and residual."""
    chain.step(
        "Let |u| = 1, F(epsilon) = R_n(theta + epsilon v), given i Y = mu x_i + sigma Z, f = "
        "s_theta(Y) + (Y - mu x_i)/sigma^2. Put Y' = Y + epsilon u, again called mu x_i + sigma z: "
        "the residual becomes f - epsilon u/sigma^2, and"
    )
    moved = [a - eps * b / sigma**2 for a, b in zip(f, u, strict=True)]
    chain.identity(
        "its squared norm, with |u|^2 = u . u",
        dot(moved, moved),
        dot(f, f) - 2 * eps * dot(u, f) / sigma**2 + eps**2 * dot(u, u) / sigma**4,
    )
    chain.identity(
        "the density",
        sympy.prod(density(a - eps * b / sigma) for a, b in zip(z, u, strict=True)),
        sympy.prod(density(a) for a in z)
        * sympy.exp(eps * dot(z, u) / sigma - eps**2 * dot(u, u) / (2 * sigma**2)),
    )
    zeta, along = sympy.symbols("zeta p", real=True)
    norm = sympy.Symbol("N", nonnegative=True)
    tilt = sympy.exp(eps * zeta / sigma - eps**2 / (2 * sigma**2))
    square = norm - 2 * eps * along / sigma**2 + eps**2 / sigma**4
    chain.step(
        "Hence, with N = |f|^2, p = u . f, zeta = Z . u, F(epsilon) is the mean of", square * tilt
    )
    lean = zeta / sigma - eps / sigma**2
    second = (
        2 / sigma**4
        + 2 * (2 * eps / sigma**4 - 2 * along / sigma**2) * lean
        + square * (lean**2 - 1 / sigma**2)
    ) * tilt
    chain.identity(
        "Its second derivative by epsilon", sympy.Derivative(square * tilt, (eps, 2)), second
    )
    chain.step(
        "R_n is twice differentiable at theta, so F(epsilon) is finite for |epsilon| <= 2 a, some "
        "a > 0; then E[|f|^2 exp(2 a |zeta|/sigma)] is finite. For |epsilon| <= a both derivatives "
        "are at most a polynomial of |zeta| times (1 + |f|^2) exp(a |zeta|/sigma), hence a "
        "constant times (1 + |f|^2) exp(2 a |zeta|/sigma): they may be taken under the mean, and "
        "F''(0) = v^T hess R_n(theta) v."
    )
    chain.identity(
        "At epsilon = 0: shift1 in d dimensions",
        second.subs(eps, 0),
        2 / sigma**4 - 4 / sigma**3 * zeta * along + (zeta**2 - 1) * norm / sigma**2,
    )


def add_floor(chain: Chain) -> None:
    """The floor of shift5 and shift6 along one direction."""
    chain.step(
        "E[zeta^2] = |u|^2 = 1. E[zeta p] <= sqrt(E[zeta^2] E[p^2]) by Cauchy-Schwarz, and p^2 <= "
        "|f|^2, as |u|^2 = 1 and"
    )
    pairs = combinations(AXES, 2)
    chain.at_most(
        "(u . f)^2 <= |u|^2 |f|^2",
        dot(u, f) ** 2,
        dot(u, u) * dot(f, f),
        sum((u[i] * f[j] - u[j] * f[i]) ** 2 for i, j in pairs),
    )
    below, far = sympy.symbols("q a", nonnegative=True)
    chain.at_most(
        "E[|f|^2] = R_n = r^2/sigma^2. With E[zeta p] = r/sigma - q and E[zeta^2 |f|^2] = a",
        2 / sigma**4 * (1 - 2 * root - root**2 / 2),
        2 / sigma**4
        - 4 / sigma**3 * (root / sigma - below)
        + (far - (root / sigma) ** 2) / sigma**2,
        4 * below / sigma**3 + far / sigma**2,
    )
    chain.step("This is the first part of shift5, and of shift6. W1 u = 0 is no exception:")
    chain.step(
        "then v = 0, the left side is 0, and s_theta does not vary along u, so E[zeta p] = "
        "E[zeta^2]/sigma = 1/sigma: r >= 1, and the floor is negative."
    )


def add_length(chain: Chain) -> None:
    """The best direction, and the rate."""
    weight = sympy.symbols("w1:4", real=True)
    basis = [(1, 2, 2), (2, 1, -2), (2, -2, 1)]
    chain.identity(
        "Over an orthonormal basis sum_k (w . u_k)^2 = |w|^2; over (1, 2, 2)/3, (2, 1, -2)/3, (2, "
        "-2, 1)/3, say",
        sum(dot(weight, [sympy.Rational(x, 3) for x in one]) ** 2 for one in basis),
        dot(weight, weight),
    )
    chain.step(
        "So the mean over the basis of |W1 u_k|^2 is ||W1||_F^2/d = sum_l |w1_l|^2/d, and the best "
        "u has at most that (the least eigenvalue of W1^T W1 is at most their mean). lambda_max >= "
        "v^T hess R_n v/|v|^2 for that u where the floor is positive, which it can be only if v is "
        "not 0. Without choosing: sum_k v_k^T hess R_n v_k <= lambda_max sum_k |v_k|^2, so "
        "lambda_max ||W1||_F^2/d is at least the mean over k of v_k^T hess R_n v_k, and that is at "
        "least the floor. This is the second part of shift5 and of shift6."
    )
    chain.step(
        "The rate: let w = sum_l |w1_l|^2/m, lambda_max <= 2/(m eta) and eta >= 2 sigma^4 w/d. "
        "Then floor <= 2 w/(d eta) <= 1/sigma^4, so 2 - 4 r - r^2 <= 1 as in shift4: r >= sqrt 5 - "
        "2. Inner weights of variance 1/d have w = 1 in the mean: the rate is 2 sigma^4/d."
    )
    ratio = sympy.Symbol("w", positive=True)
    over = sympy.Symbol("q", nonnegative=True)
    chain.at_most(
        "2 w/(d eta) <= 1/sigma^4 for eta = 2 sigma^4 w/d + q",
        2 * ratio / (dimension * (2 * sigma**4 * ratio / dimension + over)),
        1 / sigma**4,
        dimension * over / (sigma**4 * (2 * sigma**4 * ratio + dimension * over)),
    )


def add_all_axes(chain: Chain) -> None:
    """The first part of shift5.s1."""
    chain.step(
        "shift5.s1: sum the quadratic form over the axes, u = e_k: 2 d/sigma^4 - (4/sigma^3) E[Z . "
        "f] + (1/sigma^2) E[(|Z|^2 - d) |f|^2]. E[|Z|^2] = d, so E[Z . f] <= sqrt(d) sqrt(R_n) by "
        "Cauchy-Schwarz, and E[|Z|^2 |f|^2] >= 0."
    )
    below, far = sympy.symbols("q a", nonnegative=True)
    scale = sympy.sqrt(dimension)
    chain.at_most(
        "With E[Z . f] = sqrt(d) r/sigma - q and E[|Z|^2 |f|^2] = a, d times the floor",
        dimension * 2 / sigma**4 * (1 - 2 * root / scale - root**2 / 2),
        2 * dimension / sigma**4
        - 4 / sigma**3 * (scale * root / sigma - below)
        + (far - dimension * (root / sigma) ** 2) / sigma**2,
        4 * below / sigma**3 + far / sigma**2,
    )
    chain.step("Divide by d; the mean over k is at most lambda_max sum_l |w1_l|^2/d.")


def add_jacobian(chain: Chain) -> None:
    """The second part of shift5.s1, and what stability makes of it."""
    chain.step(
        "v_k . grad s_theta^j(y) = d_k s_theta^j(y) for almost every y, so v_k^T T v_k = E[|d_k "
        "s_theta(Y)|^2] with T = sum_j E[grad s^j (grad s^j)^T], and lambda_max(T) sum_k |v_k|^2 "
        ">= E||D s_theta||_F^2. Along almost every line s_theta is piecewise linear, so partial "
        "integration in z_k (derivation translation, shift3) gives E[Z_k f_k] = sigma E[d_k "
        "s_theta^k + 1/sigma^2]; summed, E[div s_theta] = -d/sigma^2 + E[Z . f]/sigma."
    )
    entries = sympy.symbols("D1:4", real=True)
    chain.at_most(
        "The trace: (D_11 + D_22 + D_33)^2 <= 3 (D_11^2 + D_22^2 + D_33^2); off the diagonal "
        "squares add",
        sum(entries) ** 2,
        DIMENSION * dot(entries, entries),
        sum((entries[i] - entries[j]) ** 2 for i, j in combinations(AXES, 2)),
    )
    below, spread, short = sympy.symbols("q a b", nonnegative=True)
    scale = sympy.sqrt(dimension)
    chain.at_most(
        "-E[div s] >= (d - sqrt(d) r)/sigma^2, with E[Z . f] = sqrt(d) r/sigma - q",
        (dimension - scale * root) / sigma**2,
        dimension / sigma**2 - (scale * root / sigma - below) / sigma,
        below / sigma,
    )
    chain.at_most(
        "E||D s||_F^2 >= E[(div s)^2]/d = ((E[div s])^2 + a)/d; if r = sqrt d - b, -E[div s] = "
        "sqrt(d) b/sigma^2 + q",
        (short / sigma**2) ** 2,
        ((scale * short / sigma**2 + below) ** 2 + spread) / dimension,
        (2 * scale * short * below / sigma**2 + below**2 + spread) / dimension,
    )
    chain.step("If r > sqrt d the bound is 0. This is shift5.s1.")
    chain.step(
        "Stability (no claim of its own): by the argument of shift7, with H the mean pointwise "
        "Hessian of a batch loss that is a mean, lambda_max(H) <= 2/(m eta); v_k^T H v_k = 2 "
        "E[|d_k s|^2], so eta E||D s||_F^2 <= w = sum_l |w1_l|^2/m. With shift5.s1, (sqrt d - r)_+ "
        "<= sigma^2 sqrt(w/eta), and eta >= 4 sigma^4 w/d gives r >= sqrt(d)/2, R_n >= d/(4 "
        "sigma^2)."
    )
    extra = sympy.Symbol("a", nonnegative=True)
    chain.at_most(
        "r >= sqrt(d)/2, where sigma^2 sqrt(w/eta) = sqrt(d)/2 - a and r = sqrt d - that + q",
        scale / 2,
        scale - (scale / 2 - extra) + below,
        extra + below,
    )


def add_engine(chain: Chain) -> None:
    """The engine's curvatures and risks, of the networks that claims are tried at."""
    for sign in (1, -1):
        small = SmallNetwork((sign,), (0,), size=1)
        chain.engine(f"three layers, n = 1, m = 1, sign {sign:+d}", deep_pairs(small))
        chain.engine(f"d = 3, n = 1, one neuron on each axis, sign {sign:+d}", spread_pairs(small))


def deep_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """Risk and curvature of the three-layer network beside the definitions."""
    leak, beta = sympy.Rational(1, 1024), sigma**2 / 16

    def residual(point: Any, piece: int, y: Any) -> Any:
        argument = small.weights[0] * (y - small.kinks[0])
        active = small.is_active(0, piece)
        height = small.outer[0] * argument * (1 if active else leak)
        return height + beta * height**2 + on_the_line / sigma

    def squared(point: Any, piece: int, y: Any) -> Any:
        return residual(point, piece, y) ** 2

    def moments(point: Any, piece: int, y: Any) -> Any:
        at = residual(point, piece, y)
        tilted = -4 / sigma**3 * on_the_line * at
        return 2 / sigma**4 + tilted + (on_the_line**2 - 1) * at**2 / sigma**2

    found = dimensions.deep(symbolic.SYSTEM, small.sample(), small.network())
    return [(found.risk, small.mean(squared)), (found.curvature, small.mean(moments))]


def spread_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """Risk, and curvature along (1, 2, 2)/3, of the network in three dimensions."""
    cut = (small.kinks[0] - small.sample().mu * small.points[0]) / sigma
    ends = [(-sympy.oo, cut), (cut, sympy.oo)]
    coupling = sympy.Rational(1, 16)
    direction = [sympy.Rational(1, 3), sympy.Rational(2, 3), sympy.Rational(2, 3)]
    means = {
        (piece, power): integral(on_the_line**power, *ends[piece])
        for piece in (0, 1)
        for power in range(5)
    }

    def mean(function: Any) -> Any:
        """Mean over three independent coordinates, piece by piece, power by power."""
        total = sympy.Integer(0)
        for number in range(2**DIMENSION):
            pieces = [(number >> k) & 1 for k in AXES]
            scores = [
                small.outer[0]
                * small.weights[0]
                * (small.sample().mu * small.points[0] + sigma * z[k] - small.kinks[0])
                if small.is_active(0, pieces[k])
                else sympy.Integer(0)
                for k in AXES
            ]
            residuals = [
                scores[j] + z[j] / sigma + coupling * scores[(j - 1) % DIMENSION] for j in AXES
            ]
            for powers, factor in sympy.Poly(function(residuals), *z).terms():
                total += factor * sympy.prod(means[pieces[k], powers[k]] for k in AXES)
        return total

    def squared(residuals: Any) -> Any:
        return dot(residuals, residuals)

    def moments(residuals: Any) -> Any:
        zeta = dot(z, direction)
        tilted = -4 / sigma**3 * zeta * dot(direction, residuals)
        return 2 / sigma**4 + tilted + (zeta**2 - 1) * squared(residuals) / sigma**2

    found = dimensions.spread(symbolic.SYSTEM, small.sample(), small.network())
    curvature = found.curvature(symbolic.SYSTEM, dimensions.DIRECTION)
    return [(found.risk, mean(squared)), (curvature, mean(moments))]


def dot(left: Any, right: Any) -> Any:
    """Inner product."""
    return sum(a * b for a, b in zip(left, right, strict=True))

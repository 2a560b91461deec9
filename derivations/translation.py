"""The translation bound: biases moved along their inner weights translate the learned score.

With `v = (0, w1)`, `s_{theta + eps v}(y) = s_theta(y + eps)`, so the second derivative of the risk
along v is that of `F(eps) = (1/n) sum_i E[(s_theta(Y + eps) + (Y - mu x_i)/sigma^2)^2]`. Moving the
shift from the network into the normal density leaves a polynomial of degree two times an
exponential, differentiated twice at 0. Nothing is asked of the spacing, of the bound of the outer
weights, or of n and m.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import translation
from dsmverify.systems import symbolic

from ._gaussian import density, z
from ._network import SmallNetwork, sigma

eps = sympy.Symbol("epsilon", real=True)
residual = sympy.Symbol("f", real=True)
root, risk = sympy.symbols("r R", nonnegative=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_identity(chain)
    add_sharpness(chain)
    add_kernel(chain)
    add_rates(chain)
    add_engine(chain)
    return chain.derivation(
        __name__,
        "Curvature of the risk along the translation of the score",
        "beyond the printed theorem, shift1 to shift4 and shift7",
        "every n, every m, every sample (ties allowed), every theta, inner weights +-1, every mu, "
        "sigma > 0; shift4 where lambda_max(hess R_n) <= 2/(m eta) and eta >= 2 sigma^4; shift7 at "
        "an interior, linearly stable local minimum, the batch loss a mean, every batch size",
        proves=("shift1", "shift2", "shift3", "shift4", "shift7"),
        remark=(
            "no bound on the outer weights and no condition on the spacing is used. shift7 uses "
            "that the mean of the pointwise batch Hessian along v is 2 E[s_theta'(Y)^2]; it does "
            "not use eq. 8."
        ),
    )


def add_identity(chain: Chain) -> None:
    """shift1."""
    weight, bias, y = sympy.symbols("w b y", real=True)
    chain.identity(
        "The argument of a neuron whose bias moves by epsilon w",
        weight * y + (bias + eps * weight),
        weight * (y + eps) + bias,
    )
    chain.step(
        "So s_{theta + epsilon v}(y) = s_theta(y + epsilon), v = (0, w1), |v|^2 = sum_l w1_l^2 = "
        "m. R_n is twice continuously differentiable (lemma 5, derivation regularity), and v^T "
        "hess R_n v = F''(0) with F(epsilon) = R_n(theta + epsilon v)."
    )
    centre = sympy.Symbol("c", real=True)
    score = sympy.Symbol("S", real=True)
    chain.step(
        "Given i let Y = c + sigma Z, c = mu x_i. Put Y' = Y + epsilon, again called c + sigma z:"
    )
    chain.identity(
        "the residual, where S = s_theta(Y') and f = S + (Y' - c)/sigma^2",
        score + (centre + sigma * z - eps - centre) / sigma**2,
        (score + (centre + sigma * z - centre) / sigma**2) - eps / sigma**2,
    )
    tilt = sympy.exp(eps * z / sigma - eps**2 / (2 * sigma**2))
    chain.identity("the density", density(z - eps / sigma), density(z) * tilt)
    function = (residual - eps / sigma**2) ** 2 * tilt
    lean = z / sigma - eps / sigma**2
    second = (
        2 / sigma**4
        - 4 * (residual - eps / sigma**2) / sigma**2 * lean
        + (residual - eps / sigma**2) ** 2 * (lean**2 - 1 / sigma**2)
    ) * tilt
    chain.step("Hence F(epsilon) is the mean over i and z ~ N(0, 1) of", function)
    chain.identity("Its second derivative by epsilon", sympy.Derivative(function, (eps, 2)), second)
    chain.step(
        "f grows at most linearly in z, so for |epsilon| <= 1 the first two derivatives are "
        "bounded by a polynomial of |z| times exp(|z|/sigma), integrable against phi: they may be "
        "taken under the mean."
    )
    chain.identity(
        "At epsilon = 0 this is shift1",
        second.subs(eps, 0),
        2 / sigma**4 - 4 / sigma**3 * z * residual + (z**2 - 1) * residual**2 / sigma**2,
    )


def add_sharpness(chain: Chain) -> None:
    """shift2."""
    chain.step(
        "shift2: R = E[f^2], E[Z^2] = 1. By Cauchy-Schwarz E[Z f] <= sqrt(R) = r/sigma; and "
        "E[Z^2 f^2] >= 0."
    )
    below, square = sympy.symbols("q a", nonnegative=True)
    chain.at_most(
        "With E[Z f] = r/sigma - q and E[Z^2 f^2] = a",
        2 / sigma**4 * (1 - 2 * root - root**2 / 2),
        2 / sigma**4
        - 4 / sigma**3 * (root / sigma - below)
        + (square - (root / sigma) ** 2) / sigma**2,
        4 * below / sigma**3 + square / sigma**2,
    )
    chain.step("lambda_max(hess R_n) >= v^T hess R_n v/|v|^2, and |v|^2 = m. This is shift2.")


def add_kernel(chain: Chain) -> None:
    """shift3."""
    chain.step(
        "shift3: v . grad s_theta(y) = d/d(epsilon) s_theta(y + epsilon) = s_theta'(y) for almost "
        "every y, so v^T T v = E[s_theta'(Y)^2] with T = E[grad s_theta grad s_theta^T]; divide by "
        "|v|^2 = m."
    )
    start, slope = sympy.symbols("p q", real=True)
    line = start + slope * z
    chain.identity(
        "On a piece f is linear in z, f = p + q z: the derivative of f phi",
        sympy.Derivative(line * density(z), z),
        (slope - z * line) * density(z),
    )
    chain.step(
        "Summed over the pieces (f phi is continuous and vanishes at both ends of the line): E[Z "
        "f] = E[df/dz] = sigma E[s_theta'(Y) + 1/sigma^2]. So E[s_theta'(Y)] = -1/sigma^2 + E[Z "
        "f]/sigma."
    )
    below, spread, short = sympy.symbols("q a b", nonnegative=True)
    chain.at_most(
        "-E[s_theta'] >= (1 - r)/sigma^2, with E[Z f] = r/sigma - q",
        (1 - root) / sigma**2,
        1 / sigma**2 - (root / sigma - below) / sigma,
        below / sigma,
    )
    chain.at_most(
        "E[s'^2] = (E[s'])^2 + a, a the variance; if r <= 1, r = 1 - b, and -E[s'] = b/sigma^2 + q",
        (short / sigma**2) ** 2,
        (short / sigma**2 + below) ** 2 + spread,
        2 * short * below / sigma**2 + below**2 + spread,
    )
    chain.step("If r > 1 the bound is 0. This is shift3.")


def add_rates(chain: Chain) -> None:
    """shift4 and shift7."""
    chain.step(
        "shift4: 2/eta >= m lambda_max(hess R_n) >= (2/sigma^4)(1 - 2 r - r^2/2), and 2/eta <= "
        "1/sigma^4. So 1 >= 2 - 4 r - r^2, that is r^2 + 4 r - 1 >= 0:"
    )
    five = sympy.sqrt(5)
    chain.identity("its factors", root**2 + 4 * root - 1, (root - (five - 2)) * (root + five + 2))
    chain.at_most("The second is positive, so r >= sqrt 5 - 2, which is > 0", 0, five - 2)
    chain.identity("R = r^2/sigma^2", (root / sigma) ** 2, root**2 / sigma**2)
    chain.step(
        "shift7: the linearised update is e_{j+1} = e_j - m eta (g_j + H_j e_j), e_j = theta_j - "
        "theta*, where g_j and H_j are the gradient and the (almost surely existing) pointwise "
        "Hessian of the batch loss at theta*, independent of e_j. E g_j = grad R_n(theta*) = 0 at "
        "an interior local minimum (derivation unbiased_batch). So E e_{j+1} = (1 - m eta H) E "
        "e_j with H = E[H_j], a fixed symmetric matrix."
    )
    chain.step(
        "Start at e_0 = epsilon u, u a unit eigenvector of the largest eigenvalue lambda of H: "
        "E||e_j|| >= ||E e_j|| = |1 - m eta lambda|^j epsilon. limsup <= epsilon forces |1 - m "
        "eta lambda| <= 1, so lambda <= 2/(m eta)."
    )
    slope, value, noise = sympy.symbols("a b d", real=True)
    chain.step(
        "Along v a loss term is (s_theta(Y + epsilon) + d)^2, d = (Y - mu x_i)/sigma^2, and "
        "s_theta is linear near almost every Y: s_theta(Y + epsilon) = b + a epsilon, a = "
        "s_theta'(Y)."
    )
    chain.identity(
        "The second derivative of such a term",
        sympy.Derivative((value + slope * eps + noise) ** 2, (eps, 2)),
        2 * slope**2,
    )
    chain.step(
        "Every point has the same chance of being in the batch and the loss is a mean, so v^T H v "
        "= 2 E[s_theta'(Y)^2] <= |v|^2 lambda <= 2/eta: eta E[s_theta'(Y)^2] <= 1."
    )
    over, above = sympy.symbols("q a", nonnegative=True)
    chain.step(
        "With shift3, (1 - r)_+ <= sigma^2/sqrt(eta) =: k, so r >= (1 - k)_+ and R >= (1 - "
        "k)_+^2/sigma^2. For eta >= 4 sigma^4, k = 1/2 - a:"
    )
    chain.at_most(
        "r >= 1/2, where r = 1 - k + q",
        sympy.Rational(1, 2),
        1 - (sympy.Rational(1, 2) - above) + over,
        above + over,
    )
    chain.step("so R >= 1/(4 sigma^2). This is shift7.")


def add_engine(chain: Chain) -> None:
    """The engine's two forms of shift1 and its mean squared slope."""
    for signs, order in (((1,), (0,)), ((-1,), (0,)), ((1, -1), (0, 1)), ((-1, 1), (1, 0))):
        small = SmallNetwork(signs, order, size=1)
        names = " ".join(f"{sign:+d}" for sign in signs)
        chain.engine(f"shift1 and E[s'^2], n = 1, signs {names}", engine_pairs(small))


def engine_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """Curvature along v in both of the engine's forms, and `E[s'^2]`, beside the definitions."""

    def integrand(point: Any, piece: int, y: Any) -> Any:
        f = small.residual(point, piece, y)
        return 2 / sigma**4 - 4 / sigma**3 * z * f + (z**2 - 1) * f**2 / sigma**2

    def squared_slope(point: Any, piece: int, y: Any) -> Any:
        del point, y
        active = [index for index in range(small.width) if small.is_active(index, piece)]
        slope = sum(small.outer[index] * small.weights[index] for index in active)
        return sympy.sympify((slope / small.width) ** 2)

    defined, slopes = small.mean(integrand), small.mean(squared_slope)
    given = (symbolic.SYSTEM, small.sample(), small.network())
    return [
        (translation.translated_curvature(*given), defined),
        (translation.translated_curvature_by_moments(*given), defined),
        (translation.squared_slope_mean(*given), slopes),
    ]

"""Curvature of the risk where every bias moves along its inner weight: the score is translated.

| letter | here | meaning |
|---|---|---|
| v | `translation_vector` | (0, w1), along which `s_theta` becomes `s_theta(. + eps)` |
| f | | s_theta(Y) + (Y - mu x_i)/sigma^2, the residual |
| Z | | (Y - mu x_i)/sigma |
| r | `risk_root` | sigma sqrt(R_n(theta)) |

None of this is in the paper: these are the sides of the translation bound and what they need.
"""

from __future__ import annotations

from dsmverify.formulas.bounds import one, power, risk, zero
from dsmverify.formulas.case import Case
from dsmverify.formulas.curvature import (
    mixture,
    residual_curvature,
    tangent_kernel_product,
)
from dsmverify.formulas.network import pieces
from dsmverify.formulas.risk import residual_of
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers

# Of a sample and a network.


def translation_vector(ns: Numbers[N], network: Network[N]) -> N:
    """`v = (0, w1)`: outer weights, then biases. `[2m]`."""
    return ns.concatenate((0 * network.inner, network.inner))


def translated_curvature(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`v^T hess R_n(theta) v`, from the tangent kernel and the kink term of the Hessian. Exact.

    Source: beyond the printed theorem, shift1; the Hessian of derivations/hessian.py.
    """
    vector = translation_vector(ns, network)
    kernel = tangent_kernel_product(ns, sample, network)(vector)
    kink = residual_curvature(ns, sample, network)["bias", "bias"]
    return 2 * ns.sum(vector * kernel) + 2 * ns.sum(network.inner * network.inner * kink)


def translated_curvature_by_moments(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`2/sigma^4 - (4/sigma^3) E[Z f] + (1/sigma^2) E[(Z^2 - 1) f^2]`. Exact.

    On a piece `f = f(c) + a (z - c)`, and `E[(Z^2 - 1) f^2] = 2 E[Z f f']`, f' = a in z.

    Source: beyond the printed theorem, shift1 (derivations/translation.py).
    """
    f = residual_of(ns, sample, network)
    mass, first, second = f.seen.moments
    centre, value, slope = f.seen.centre, f.value, f.slope
    tilted = centre * (value * mass + slope * first) + value * first + slope * second
    mean = ns.sum(ns.sum(tilted)) / sample.size
    spread = 2 * ns.sum(ns.sum(slope * tilted)) / sample.size
    square = sample.sigma * sample.sigma
    return 2 / (square * square) - 4 * mean / (square * sample.sigma) + spread / square


def squared_slope_mean(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`E[s_theta'(Y)^2]`, Y the noised mixture: squared slopes times masses of pieces. Exact.

    Source: beyond the printed theorem, shift3.
    """
    slopes = pieces(ns, network).slopes
    return ns.sum(slopes * slopes * mixture(ns, sample, network).mass)


# Sides.


def curvature_along_translation(c: Case[N]) -> N:
    """`v^T hess R_n(theta) v`.

    Source: beyond the printed theorem, shift1.
    """
    return c.quantity("translated_curvature")


def curvature_by_moments(c: Case[N]) -> N:
    """`2/sigma^4 - (4/sigma^3) E[Z f] + (1/sigma^2) E[(Z^2 - 1) f^2]`.

    Source: beyond the printed theorem, shift1.
    """
    return c.quantity("translated_curvature_by_moments")


def mean_squared_slope(c: Case[N]) -> N:
    """`E[s_theta'(Y)^2]`.

    Source: beyond the printed theorem, shift3.
    """
    return c.quantity("squared_slope_mean")


def risk_root(c: Case[N]) -> N:
    """`r = sigma sqrt(R_n(theta))`."""
    return c.sigma * c.ns.root(risk(c), 2)


def scaled_sharpness(c: Case[N]) -> N:
    """`m lambda_max(hess R_n(theta))`."""
    return c.m * c.quantity("hessian_lambda_max")


def sharpness_floor(c: Case[N]) -> N:
    """`(2/sigma^4)(1 - 2 r - r^2/2)`.

    Source: beyond the printed theorem, shift2.
    """
    r = risk_root(c)
    return (2 - 4 * r - power(r, 2)) / power(c.sigma, 4)


def scaled_kernel_eigenvalue(c: Case[N]) -> N:
    """`m lambda_max(E[grad s_theta grad s_theta^T])`.

    Source: beyond the printed theorem, shift3.
    """
    return c.m * c.quantity("ntk_lambda_max")


def squared_slope_floor(c: Case[N]) -> N:
    """`(1 - r)_+^2 / sigma^4`.

    Source: beyond the printed theorem, shift3.
    """
    rest = c.ns.maximum(1 - risk_root(c), zero(c))
    return power(rest, 2) / power(c.sigma, 4)


def doubled_fourth_power(c: Case[N]) -> N:
    """`2 sigma^4`.

    Source: beyond the printed theorem, shift4.
    """
    return 2 * power(c.sigma, 4)


def fast_risk_floor(c: Case[N]) -> N:
    """`(sqrt 5 - 2)^2 / sigma^2`.

    Source: beyond the printed theorem, shift4.
    """
    return power(c.ns.root(5 * one(c), 2) - 2, 2) / power(c.sigma, 2)


def slope_product(c: Case[N]) -> N:
    """`eta E[s_theta'(Y)^2]`.

    Source: beyond the printed theorem, shift7.
    """
    return c.learning_rate * mean_squared_slope(c)


def stable_risk_floor(c: Case[N]) -> N:
    """`(1 - sigma^2/sqrt(eta))_+^2 / sigma^2`, which is `1/(4 sigma^2)` at `eta = 4 sigma^4`.

    Source: beyond the printed theorem, shift7.
    """
    pace = power(c.sigma, 2) / c.ns.root(c.learning_rate, 2)
    rest = c.ns.maximum(1 - pace, zero(c))
    return power(rest, 2) / power(c.sigma, 2)

"""The risk of a two-layer ReLU network, in closed form.

For one training point, `f(Y) = s(Y) + (Y - mu x_i)/sigma^2` with `Y = mu x_i + sigma z`. Between
two successive kinks s is affine, so f is `f(c) + a (z - c)` there, and
`E[f^2 ; piece] = f(c)^2 M0 + 2 f(c) a M1 + a^2 M2` with the truncated moments about c. The pieces
cover the line up to finitely many points, so `E[f^2]` is the sum, for every width, and R_n the mean
over training points.

The same integral as a sum over pairs: `E[f^2] = (1/m^2) sum_{k,l} v_k v_l K_{kl} + (2/m) sum_l v_l
L_l + 1/sigma^2`, with `K = E[relu relu]` and `L = E[relu (Y - mu x_i)]/sigma^2`, is what the
derivations of gradient and Hessian start from.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import risk
from dsmverify.systems import symbolic

from ._gaussian import density, integral, primitive, z
from ._network import SmallNetwork, c, m, noised, sigma, small_networks


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    level, slope, low, high, centre = sympy.symbols("f_c a l r z_c", real=True)
    weight, intercept = sympy.symbols("S B", real=True)
    chain.step(
        "On one piece s(y) = (S y + B)/m with S = sum v_l w_l, B = sum v_l b_l over active l."
    )
    residual = (weight * noised + intercept) / m + (noised - c) / sigma**2
    chain.identity(
        "The residual on the piece is linear in z (c the mean of Y)",
        residual,
        residual.subs(z, centre) + (sigma * weight / m + 1 / sigma) * (z - centre),
    )
    line = level + slope * (z - centre)
    chain.identity(
        "Antiderivative of f^2 phi", sympy.Derivative(primitive(line**2), z), line**2 * density(z)
    )
    moments = [integral((z - centre) ** power, low, high) for power in range(3)]
    chain.identity(
        "E[f^2 ; l < z < r] by truncated moments",
        integral(line**2, low, high),
        level**2 * moments[0] + 2 * level * slope * moments[1] + slope**2 * moments[2],
        show=False,
    )
    chain.step(
        "E[f^2 ; l < z < r] = f_c^2 M0 + 2 f_c a M1 + a^2 M2 with M_k = E[(z - z_c)^k ; l < z < "
        "r]; summed over the m + 1 pieces and averaged over training points this is R_n(theta)."
    )
    chain.identity(
        "The part without the network: E[(Y - c)^2]/sigma^4",
        integral(((noised - c) / sigma**2) ** 2, -sympy.oo, sympy.oo),
        1 / sigma**2,
    )
    for small in small_networks():
        chain.engine(
            f"risk, n = 2, m = {small.width}, signs {small.signs} by ascending kinks",
            engine_pairs(small),
        )
    return chain.derivation(
        __name__,
        "The risk of a network in closed form",
        "D-risk, eq. 5, p. 4",
        "every n, every m, every non-zero inner weights, every theta, mu, sigma > 0",
    )


def engine_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """The engine's risk beside the definition."""
    derived = small.mean(lambda point, piece, y: small.residual(point, piece, y) ** 2)
    return [(risk.risk(symbolic.SYSTEM, small.sample(), small.network()), derived)]

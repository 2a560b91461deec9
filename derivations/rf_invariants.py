"""Invariants of the reduced system of learning curves, modulo its fixed-point equations.

The equations are solved for some of their letters, the others stay free, so that an identity modulo
the equations becomes one of rational functions: S from the quadratic of g, and `N_k` from the
equation of `delta_k`. The spectrum has one atom.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

psi_n, psi_p, g, A, m = sympy.symbols("psi_n psi_p g A m", positive=True)
d1, d2, K, H = sympy.symbols("delta_1 delta_2 K H", positive=True)
P1, P2, lam = sympy.symbols("P_1 P_2 lam", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _first(chain)
    _second(chain)
    return chain.derivation(
        __name__,
        "Invariants of the reduced system",
        "random-features.md, section 4",
        "every solution of the reduced system; finite m for the second, m = inf for the third",
        proves=("rf.inv1", "rf.inv2", "rf.inv3"),
    )


def _first(chain: Chain) -> None:
    shift = (1 - A * (1 - psi_p) * g) / (g * (1 + A * psi_p * g))
    kernel = psi_p * g / (1 + A * psi_p * g)
    chain.identity(
        "S A psi_p g^2 + (S + A (1 - psi_p)) g - 1 vanishes at this S",
        shift * A * psi_p * g**2 + (shift + A * (1 - psi_p)) * g - 1,
        0,
    )
    chain.identity("A K + S psi_p g", A * kernel + shift * psi_p * g, psi_p)


def noise_load(delta: Any, strength: Any, load: Any) -> Any:
    """`N_k` from `delta_k = 1/(1 + kap_k (P_k K + N_k H))`, H = psi_p g."""
    return ((1 / delta - 1) / load - strength * K) / H


def _second(chain: Chain) -> None:
    loads = (1 / psi_n, 1 / (m * psi_n))
    weights = (1, 1 - 1 / m)
    noises = [noise_load(d, P, k) for d, P, k in zip((d1, d2), (P1, P2), loads, strict=True)]
    linear = d1 * P1 + weights[1] * d2 * P2
    shift = lam + d1 * noises[0] + weights[1] * d2 * noises[1]
    dbar = d1 / m + (1 - 1 / m) * d2
    chain.step("For finite m, with psi_p = A K + S psi_p g from above:")
    chain.identity(
        "psi_n m (1 - dbar) = psi_p (1 - lam g)",
        psi_n * m * (1 - dbar),
        linear * K + shift * H - lam * H,
    )
    theta, fresh = sympy.symbols("theta s2", positive=True)  # h mu_1^2 and s^2
    noise = noise_load(d1, P1, 1 / psi_n)
    chain.step("For m = inf delta_2 = 1, P_2 = h mu_1^2 = theta, N_2 = s^2 = s2:")
    psi = (d1 * P1 + theta) * K + (lam + d1 * noise + fresh) * H
    chain.identity(
        "psi_n (1 - delta_1) = psi_p - h mu_1^2 K - (s^2 + lam) psi_p g",
        psi_n * (1 - d1),
        psi - theta * K - (fresh + lam) * H,
    )

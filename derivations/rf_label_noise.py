"""For m = 1 the test error is that of ridge regression on random features with label noise.

One noise sample makes denoising score matching the regression of -y with label noise `tau^2 =
a^2/h`. With `mu = mu_1^2`, `nu = mu_*^2`, `delta = delta_1`, H = psi_p g and R of `rf_uniqueness`,

    a^2 + h E_test = Lam_1 = ((1 - 2 k0) + theta delta^2 e_K . R p)/(1 - G),  p = (mu, nu),
    G = delta^2 p . R p/psi_n,  k0 = theta delta K,  theta = h mu,

so that `E_test = B + tau^2 V` with `V = 1/(1 - G) - 1` and `B = (1 - 2 mu delta K + mu delta^2
e_K . R p)/(1 - G)`. The equations are solved for psi_n and psi_p, lam stays free; then both are
those of the theorem at `chi = -nu delta H`, the product of its two transforms: their equations
hold, and both transforms lie above the real line.

Source of the right side: Mei and Montanari, arXiv 1908.05355, theorem 2.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

mu, nu, lam, delta, H = sympy.symbols("mu nu lam delta H", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    from .rf_uniqueness import A, S, response
    from .rf_uniqueness import H as free

    chain = Chain()
    linear, shift = delta * mu, lam + delta * nu
    at = {A: linear, S: shift, free: H}
    kernel = H / (1 + linear * H)
    slope = response().subs(at, simultaneous=True)
    image = slope * sympy.Matrix([mu, nu])
    psi_p = linear * kernel + shift * H
    psi_n = delta * (mu * kernel + nu * H) / (1 - delta)
    share = delta**2 * (mu * image[0] + nu * image[1]) / psi_n
    chi = -nu * delta * H
    z2 = mu / nu
    _equations(chain, psi_n, psi_p, chi, z2)
    bottom, bias, variance = theorem(psi_p, psi_n, chi, z2)
    chain.identity("V = 1/(1 - G) - 1 is E_2/E_0", share * bottom, (1 - share) * variance)
    chain.identity(
        "B = (1 - 2 mu delta K + mu delta^2 e_K . R p)/(1 - G) is E_1/E_0",
        (1 - 2 * mu * delta * kernel + mu * delta**2 * image[0]) * bottom,
        (1 - share) * bias,
    )
    return chain.derivation(
        __name__,
        "Ridge regression with label noise",
        "random-features.md, section 5.1",
        "m = 1, lam > 0, every psi_n, psi_p, t and activation that is not linear",
        proves=("rf.lim1b",),
    )


def theorem(
    one: sympy.Expr, two: sympy.Expr, x: sympy.Expr, z2: sympy.Expr
) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """`E_0, E_1, E_2` as printed, with `psi_1 = one`, `psi_2 = two`, `chi = x`, `zeta^2 = z2`."""
    z4, z6 = z2**2, z2**3
    bottom = (
        -(x**5) * z6
        + 3 * x**4 * z4
        + (one * two - two - one + 1) * x**3 * z6
        - 2 * x**3 * z4
        - 3 * x**3 * z2
        + (one + two - 3 * one * two + 1) * x**2 * z4
        + 2 * x**2 * z2
        + x**2
        + 3 * one * two * x * z2
        - one * two
    )
    bias = two * x**3 * z4 - two * x**2 * z2 + one * two * x * z2 - one * two
    variance = (
        x**5 * z6
        - 3 * x**4 * z4
        + (one - 1) * x**3 * z6
        + 2 * x**3 * z4
        + 3 * x**3 * z2
        + (-one - 1) * x**2 * z4
        - 2 * x**2 * z2
        - x**2
    )
    return bottom, bias, variance


def _equations(
    chain: Chain, psi_n: sympy.Expr, psi_p: sympy.Expr, chi: sympy.Expr, z2: sympy.Expr
) -> None:
    """The theorem's equations, `nu_1 (xi + ..) = -psi_1`, multiplied out: only chi and xi enter."""
    chain.step(
        "The theorem's equations at xi = i sqrt(psi_n lam/mu_*^2) say -xi nu_k = psi_k + chi + "
        "zeta^2 chi/(1 - zeta^2 chi) for k = 1, 2; their product has chi and xi^2 only."
    )
    common = chi + z2 * chi / (1 - z2 * chi)
    chain.identity(
        "xi^2 chi = (psi_1 + ..)(psi_2 + ..) at chi = -mu_*^2 delta_1 psi_p g",
        -psi_n * lam / nu * chi,
        (psi_p + common) * (psi_n + common),
    )
    chain.identity(
        "psi_1 + .. = lam psi_p g, positive: nu_1 lies above the real line", psi_p + common, lam * H
    )
    chain.identity(
        "psi_2 + .. = delta_1 psi_n, positive: and so does nu_2", psi_n + common, delta * psi_n
    )

"""At p = n m the error grows exactly like lam^(-1/2); at m = inf it stays bounded.

Letters as in `rf_observables`: new data cost `Lam_1 + Lam_2`, `E_train = sum_k delta_k^2 Lam_k`,
and everything is positive. From the second invariant, at p = n m: `dbar = lam g`.

Above. `E_train <= F <= dbar`, so that `Lam_1 + Lam_2 <= dbar/delta_1^2`. With `R = 1 + m max(a^2/h,
v0^2/s^2)`, `delta_2 <= R delta_1`, since `kap_1 p_1 <= R kap_2 p_2` entry by entry; dbar lies
between delta_1 and delta_2. So `Lam_1 + Lam_2 <= R^2/dbar`. And `g >= 1/(S + A)`, `A + S - lam <= b
dbar` with `b = m max_k (P_k + N_k)`, as `w_k <= m c_k`; `dbar (lam + b dbar) >= lam` then gives
`dbar >= sqrt lam/(sqrt lam + sqrt b)`.

Below. The weights delta_k on the equations of Lam_k give `sum_j delta_j^2 (1 + q_j) Lam_j = sum_k
delta_k phi_k` with `q_j = lam kap_j p_j . R e_S <= kap_j (P_j + N_j) lam H/S`. As `S >= s^2 dbar`,
by `w_1 N_1 >= c_1 s^2`, and `lam H = psi_p dbar`, `q_j <= q = max_j kap_j (P_j + N_j) psi_p/s^2`.
And `phi_k >= c_k (1 - k0)^2 >= c_k/(1 + A H)^2`, where `A H <= psi_p A/S <= psi_p rho` with `rho =
max_k P_k/N_k`. So `(1 + q) delta_2^2 (Lam_1 + Lam_2) >= dbar/(1 + psi_p rho)^2`, `delta_2 <= R
dbar`, and `dbar <= sqrt lam/s` from `dbar = lam H/psi_p <= lam/S <= lam/(s^2 dbar)`.

m = inf. `E_train = delta_1^2 T_C + R_N <= 1`, so that `R_N + T_C <= 1/delta_1^2`; `S >= s^2` bounds
K and H by `psi_p/s^2`, and so `1/delta_1 <= 1 + (P_1 + N_1) psi_p/(s^2 psi_n)`, whatever lam is.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from .rf_observables import Lam, N, P, d, dot, lam, p, source, u, w
from .rf_uniqueness import A, D, H, K, S, r, response

psi_n, psi_p, m, b, s2 = sympy.symbols("psi_n psi_p m b s2", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _above(chain)
    _below(chain)
    _all(chain)
    return chain.derivation(
        __name__,
        "The peak at p = n m",
        "random-features.md, section 5.9",
        "lam > 0, s > 0, every psi_n, psi_p, t; p = n m with m finite, or m = inf",
        proves=("rf.peak1", "rf.peak2"),
    )


def _above(chain: Chain) -> None:
    a2, h, mu, v0, low, high = sympy.symbols("a2 h mu v0 e f", positive=True)
    bound = 1 + m * (a2 / h + low)  # any R at least this and at least the next one
    chain.at_most("kap_1 P_1 <= R kap_2 P_2", (a2 + h / m) * mu, bound * h * mu / m, low * h * mu)
    bound = 1 + m * (v0 / s2 + high)
    chain.at_most("kap_1 N_1 <= R kap_2 N_2", v0 + s2 / m, bound * s2 / m, high * s2)
    x, ratio = sympy.symbols("x e", positive=True)
    chain.at_most(
        "1/(1 + x) <= R/(1 + R x), R = 1 + e: so delta_2 <= R delta_1",
        1 / (1 + x),
        (1 + ratio) / (1 + (1 + ratio) * x),
        ratio / ((1 + x) * (1 + (1 + ratio) * x)),
    )
    d1, rest = sympy.symbols("delta_1 e", positive=True)
    chain.at_most(
        "delta_1^2 (Lam_1 + Lam_2) <= E_train with delta_2 = delta_1 + e",
        d1**2 * (Lam[0] + Lam[1]),
        d1**2 * Lam[0] + (d1 + rest) ** 2 * Lam[1],
        (2 * d1 * rest + rest**2) * Lam[1],
    )
    chain.identity(
        "psi_p = A K + S H gives H (S + A) - psi_p = A (H - K)",
        H * (S + A) - (A * K + S * H),
        A * (H - K),
    )
    chain.at_most("and K <= H: g >= 1/(S + A)", K, H, A * H**2 / r)
    root = sympy.Symbol("l", positive=True)  # sqrt lam
    beta = sympy.Symbol("beta", positive=True)  # sqrt b
    value = root / (root + beta)
    chain.at_most(
        "x (lam + b x) <= lam at x = sqrt lam/(sqrt lam + sqrt b); it increases with x",
        value * (root**2 + beta**2 * value),
        root**2,
        root**3 * beta / (root + beta) ** 2,
    )


def _below(chain: Chain) -> None:
    kap = sympy.symbols("kap_1 kap_2", positive=True)
    wrong = [kap[k] * dot(p[k], u) - (1 / d[k] - 1) for k in range(2)]
    level = sympy.Symbol("k_0", positive=True)
    open_ = [Lam[k] - source(k, kap, level) for k in range(2)]
    sources = [source(k, (0, 0), level) for k in range(2)]
    column = response_column()
    chain.identity(
        "sum_j delta_j^2 (1 + q_j) Lam_j = sum_k delta_k phi_k, modulo the equations of Lam and "
        "of delta",
        sum(d[j] ** 2 * (1 + lam * kap[j] * dot(p[j], column)) * Lam[j] for j in range(2))
        - sum(d[k] * sources[k] for k in range(2)),
        sum(d[k] * open_[k] + d[k] ** 2 * Lam[k] * wrong[k] for k in range(2)),
    )
    entries = response()
    chain.at_most("R(K, S) <= H/S", entries[0, 1], H / S, H * (D * r - S) / (r * D * S))
    chain.at_most("R(H, S) <= H/S", entries[1, 1], H / S, H * A / (r * D * S))
    square = sympy.Symbol("z", positive=True)
    chain.at_most(
        "phi_k/c_k >= (1 - K z)^2, z = theta dbar",
        (1 - K * square) ** 2,
        1 - 2 * K * square + entries[0, 0] * square**2,
        K / (r**2 * D) * square**2,
    )
    excess = sympy.Symbol("e", positive=True)
    chain.at_most(
        "1 - k0 >= 1/(1 + A H), as k0 <= A K: with k0 + e = A K",
        1 / r,
        1 - (A * K - excess),
        excess,
    )
    chain.at_most("H <= psi_p/S, as psi_p = A K + S H", S * H, A * K + S * H, A * K)
    chain.at_most("S >= s^2 dbar: w_1 N_1 = v0^2 + s^2/m", s2 / m, N[0] + s2 / m, N[0])
    chain.at_most(
        "A/S <= max P/N: with P_k = rho_k N_k and rho_k = rho - e_k",
        w[0] * d[0] * P[0] * N[0] + w[1] * d[1] * P[1] * N[1],
        (P[0] + P[1]) * (lam + w[0] * d[0] * N[0] + w[1] * d[1] * N[1]),
        (P[0] + P[1]) * lam + w[0] * d[0] * P[1] * N[0] + w[1] * d[1] * P[0] * N[1],
    )


def response_column() -> sympy.Matrix:
    """`R e_S` in the letters of `rf_observables`."""
    from .rf_observables import R

    return R * sympy.Matrix([0, 1])


def _all(chain: Chain) -> None:
    TC, RN = sympy.symbols("T_C R_N", positive=True)
    e = sympy.Symbol("e", positive=True)
    chain.at_most(
        "for m = inf delta_1^2 (R_N + T_C) <= R_N + delta_1^2 T_C, delta_1 = 1/(1 + e)",
        (1 / (1 + e)) ** 2 * (RN + TC),
        RN + (1 / (1 + e)) ** 2 * TC,
        RN * (e**2 + 2 * e) / (1 + e) ** 2,
    )
    load = sympy.Symbol("kap_1", positive=True)
    chain.at_most(
        "1/delta_1 = 1 + kap_1 (P_1 K + N_1 H) <= 1 + kap_1 (P_1 + N_1) H",
        1 + load * (P[0] * K + N[0] * H),
        1 + load * (P[0] + N[0]) * H,
        load * P[0] * A * H**2 / r,
    )

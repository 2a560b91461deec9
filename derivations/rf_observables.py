"""The errors of the reduced system as sums of positive terms, and what follows: signs and order.

R is minus the derivative of u = (K, H), H = psi_p g, in (A, S), see `rf_uniqueness`; `p_k = (P_k,
N_k)`; and c_k are the weights of dbar: 1/m and 1 - 1/m, or 0 and 1 for m = inf. Changing (q_A, q_S)
by x changes delta by y with `y_k = kap_k delta_k^2 p_k . R (x + sum_j w_j y_j p_j)`, and F by

    T_x = (1 - 2 k0) sum_k c_k y_k + theta dbar^2 e_K . R (x + sum_k w_k y_k p_k)

with theta = h mu_1^2. Let `Lam_k = c_k (1 - 2 k0) + w_k T_{p_k}`. Then new data cost `Lam_1 +
Lam_2`, and

    Lam_k = phi_k + sum_j w_k (p_k . R p_j) kap_j delta_j^2 Lam_j
    phi_k = c_k (1 - 2 k0) + w_k theta dbar^2 e_K . R p_k
    T_x   = theta dbar^2 e_K . R x + sum_j kap_j delta_j^2 (p_j . R x) Lam_j

as the matrix here is the transpose of the Jacobian of T. As `w_k P_k >= c_k theta`, phi_k is at
least `c_k (1 - 2 K z + R(K, K) z^2)`, z = theta dbar, which is positive since `R(K, K) > K^2`. The
spectral radius being below 1 (`rf_uniqueness`), Lam_k and every T_x with x >= 0 are not negative.

- So `E_train = delta_1^2 Lam_1 + delta_2^2 Lam_2 = F - lam T_I` lies in [0, F], and F, which is
  `dbar (1 - k0)`, in [0, dbar].
- As `delta_1 <= delta_2`, `E_train >= delta_1^2 (a^2 + h E_test)`; and `psi_n (1 - delta_1)` is one
  of the terms of `A K + (S - lam) H <= psi_p`, so that `delta_1 >= 1 - psi_p/psi_n`.
- With `y = delta_1 C . u/psi_n`, C = (a^2 mu_1^2, v0^2), `1 - y = delta_1/delta_2 >= delta_1`; and
  `E_mem = R_N (1 + y^2/m) + (1 - y)^2 T_C`, where `R_N = 1 - 2 k0 + T_N >= 0`, is at least E_train.
- At lam = 0, `R sum_k w_k delta_k p_k = u` and `Lam_k >= c_k R_N` give `T_C >= sum_j kap_j
  delta_j^2 (p_j . R C) c_j R_N >= delta_1 R_N (u . C)/(m psi_n) = y R_N/m`, and therefore `(1 -
  y)^2 T_C + y^2 R_N/m <= T_C`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from .rf_uniqueness import A, D, K, r, response

lam, theta, m, psi_n = sympy.symbols("lam theta m psi_n", positive=True)
d = sympy.symbols("delta_1 delta_2", positive=True)
c = sympy.symbols("c_1 c_2", positive=True)
w = sympy.symbols("w_1 w_2", positive=True)
P = sympy.symbols("P_1 P_2", positive=True)
N = sympy.symbols("N_1 N_2", positive=True)
R11, R12, R22 = sympy.symbols("R_11 R_12 R_22", positive=True)
Lam = sympy.symbols("Lam_1 Lam_2", positive=True)

R = sympy.Matrix([[R11, R12], [R12, R22]])
p = tuple(sympy.Matrix([P[k], N[k]]) for k in range(2))
used = w[0] * d[0] * p[0] + w[1] * d[1] * p[1]
u = R * (used + sympy.Matrix([0, lam]))
"""Euler's relation: `u = R (A, S)`."""

dbar = c[0] * d[0] + c[1] * d[1]
k0 = theta * dbar * u[0]


def dot(left: Any, right: Any) -> Any:
    """`left . right`."""
    return left[0] * right[0] + left[1] * right[1]


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _adjoint(chain)
    _train_error(chain)
    _signs(chain)
    _order(chain)
    return chain.derivation(
        __name__,
        "Errors as sums of positive terms",
        "random-features.md, section 4",
        "lam > 0, every psi_n, psi_p, t, m and activation; rf.mem2.r1: lam = 0, p < n m, v0^2 > 0",
        proves=("rf.train", "rf.signs", "rf.gap", "rf.mem1", "rf.mem2.r1", "rf.lim1a"),
    )


def source(k: int, loads: Any, spread: Any = k0) -> Any:
    """`phi_k`, and what of Lam_j comes to Lam_k."""
    own = c[k] * (1 - 2 * spread) + w[k] * theta * dbar**2 * (R * p[k])[0]
    return own + sum(w[k] * dot(p[k], R * p[j]) * loads[j] * d[j] ** 2 * Lam[j] for j in range(2))


def _adjoint(chain: Chain) -> None:
    x = sympy.Matrix(sympy.symbols("x_A x_S", positive=True))
    y = sympy.symbols("y_1 y_2", real=True)
    kap = sympy.symbols("kap_1 kap_2", positive=True)
    level = sympy.Symbol("k_0", positive=True)
    moved = R * (x + w[0] * y[0] * p[0] + w[1] * y[1] * p[1])
    wrong = [y[k] - kap[k] * d[k] ** 2 * dot(p[k], moved) for k in range(2)]
    open_ = [Lam[k] - source(k, kap, level) for k in range(2)]
    slope = (1 - 2 * level) * (c[0] * y[0] + c[1] * y[1]) + theta * dbar**2 * moved[0]
    summed = theta * dbar**2 * (R * x)[0] + sum(
        kap[k] * d[k] ** 2 * dot(p[k], R * x) * Lam[k] for k in range(2)
    )
    chain.identity(
        "T_x as a sum of positive terms, modulo the equations of y and of Lam",
        slope - summed,
        sum(Lam[k] * wrong[k] - y[k] * open_[k] for k in range(2)),
    )


def _train_error(chain: Chain) -> None:
    kap = [(1 / d[k] - 1) / dot(p[k], u) for k in range(2)]
    open_ = [Lam[k] - source(k, kap) for k in range(2)]
    column = R * sympy.Matrix([0, 1])
    ridge_slope = theta * dbar**2 * column[0] + sum(
        kap[k] * d[k] ** 2 * dot(p[k], column) * Lam[k] for k in range(2)
    )
    chain.identity(
        "F - lam T_I = delta_1^2 Lam_1 + delta_2^2 Lam_2, modulo the equations of Lam",
        dbar * (1 - k0) - lam * ridge_slope - d[0] ** 2 * Lam[0] - d[1] ** 2 * Lam[1],
        -d[0] * open_[0] - d[1] * open_[1],
    )
    TC, TN, q = sympy.symbols("T_C T_N k_0", positive=True)
    first, second = (TC + TN / m + (1 - 2 * q) / m), (1 - 1 / m) * (1 - 2 * q + TN)
    chain.identity(
        "for finite m Lam_1 + Lam_2 = 1 - 2 k0 + T_C + T_N, as p_1 = C + N/m and p_2 = N",
        first + second,
        1 - 2 * q + TC + TN,
    )
    chain.identity(
        "and the text's expression is delta_1^2 Lam_1 + delta_2^2 Lam_2",
        d[0] ** 2 * (1 - 2 * q + m * TC + TN) / m + (1 - 1 / m) * d[1] ** 2 * (1 - 2 * q + TN),
        d[0] ** 2 * first + d[1] ** 2 * second,
    )
    chain.identity(
        "For m = inf Lam_1 = T_C, Lam_2 = 1 - 2 k0 + T_N and delta_2 = 1: the text's expression",
        (d[0] ** 2 * TC + d[1] ** 2 * (1 - 2 * q + TN)).subs(d[1], 1),
        1 - 2 * q + d[0] ** 2 * TC + TN,
    )
    chain.identity(
        "For m = 1, Lam_2 = 0: E_train = delta_1^2 (Lam_1 + Lam_2)",
        (d[0] ** 2 * first + d[1] ** 2 * second).subs(m, 1),
        d[0] ** 2 * (1 - 2 * q + TC + TN),
    )


def _signs(chain: Chain) -> None:
    square = response()[0, 0]
    chain.at_most("K^2 <= R(K, K)", K**2, square, K / (r**2 * D))
    z = sympy.Symbol("z", positive=True)
    chain.at_most(
        "(1 - K z)^2 <= 1 - 2 K z + R(K, K) z^2",
        (1 - K * z) ** 2,
        1 - 2 * K * z + square * z**2,
        K / (r**2 * D) * z**2,
    )
    a2, h, mu = sympy.symbols("a2 h mu", positive=True)
    chain.at_most(
        "w_1 P_1 >= c_1 theta for finite m; P_2 = theta and w_2 = c_2",
        h * mu / m,
        (a2 + h / m) * mu,
        a2 * mu,
    )
    chain.at_most(
        "k0 = theta dbar K <= A K < 1, as A = a^2 mu_1^2 delta_1 + theta dbar", A * K, 1, 1 / r
    )
    chain.step("F = dbar (1 - k0) lies in [0, dbar], and dbar in (0, 1] as delta_k does.")
    b = sympy.Symbol("b", positive=True)
    chain.at_most(
        "h E_test = h - 2 k0 + T_C + T_N >= h - 2 h b K + h b^2 R(K, K) with b = mu_1^2 dbar",
        h * (1 - b * K) ** 2,
        h - 2 * h * b * K + h * b**2 * square,
        h * b**2 * K / (r**2 * D),
    )


def _order(chain: Chain) -> None:
    Cu, Nu = sympy.symbols("Cu Nu", positive=True)
    first = 1 / (1 + (Cu + Nu / m) / psi_n)
    second = 1 / (1 + Nu / (m * psi_n))
    chain.at_most("delta_1 <= delta_2", first, second, first * second * Cu / psi_n)
    chain.identity(
        "1 - delta_1 (C . u)/psi_n = delta_1/delta_2", 1 - first * Cu / psi_n, first / second
    )
    e1, e2, rest = sympy.symbols("e_1 e_2 e", positive=True)
    chain.at_most(
        "delta_1^2 Lam_1 + delta_2^2 Lam_2 >= delta_1^2 (Lam_1 + Lam_2), delta_2 = delta_1 + e",
        e1**2 * (Lam[0] + Lam[1]),
        e1**2 * Lam[0] + (e1 + rest) ** 2 * Lam[1],
        (2 * e1 * rest + rest**2) * Lam[1],
    )
    chain.identity(
        "psi_n (1 - delta_1) = delta_1 p_1 . u, one of the terms of A K + (S - lam) H",
        psi_n * (1 - first),
        first * (Cu + Nu / m),
    )
    TC, RN, y, gap = sympy.symbols("T_C R_N y g", positive=True)
    kept = sympy.Symbol("kept", positive=True)
    # kept = 1 - y = delta_1/delta_2 with delta_2 = 1/(1 + e_2); the shares add up to 1 at most.
    chain.at_most(
        "E_mem - E_train: R_N (1 + y^2/m - shares of delta^2) + T_C ((1 - y)^2 - delta_1^2) >= 0",
        (kept / (1 + e2)) ** 2 * TC + RN,
        RN * (1 + y**2 / m) + kept**2 * TC,
        RN * y**2 / m + kept**2 * TC * (e2**2 + 2 * e2) / (1 + e2) ** 2,
    )
    chain.step(
        "At lam = 0: T_C >= sum_j kap_j delta_j^2 (p_j . R C) Lam_j, Lam_j >= c_j R_N, kap_1 c_1 = "
        "w_1/(m psi_n), kap_2 c_2 = w_2/(m psi_n), and R sum_j w_j delta_j p_j = u."
    )
    share = sympy.symbols("C_A C_S", positive=True)
    aligned = [dot(p[j], R * sympy.Matrix(share)) for j in range(2)]
    reach = dot(R * used, share)
    higher = sympy.Symbol("e", positive=True)
    chain.at_most(
        "sum_j w_j delta_j^2 p_j . R C >= delta_1 u . C, with delta_2 = delta_1 + e",
        (d[0] * reach).subs(d[1], d[0] + higher),
        sum(w[j] * d[j] ** 2 * aligned[j] for j in range(2)).subs(d[1], d[0] + higher),
        sympy.expand(higher * (d[0] + higher) * w[1] * aligned[1]),
    )
    chain.step("So y R_N/m <= T_C: let T_C = y R_N/m + g, and 1 - y = kept <= 1.")
    chain.identity(
        "T_C - (1 - y)^2 T_C - y^2 R_N/m, which is not negative",
        (1 - kept**2) * (y * RN / m + gap) - y**2 * RN / m,
        (y * RN / m) * (1 - kept**2 - y) + (1 - kept**2) * gap,
    )
    chain.identity(
        "where 1 - kept^2 - y = y kept at y = 1 - kept",
        (1 - kept**2 - y).subs(y, 1 - kept),
        (y * kept).subs(y, 1 - kept),
    )

"""The least loss does not fall as the number of noise samples m grows; errors settle like 1/m.

In `e = 1/m` the system is defined and smooth on all of [0, 1], with `p_1 = C + e N`, `p_2 = N`,
`w = (1, 1 - e)`, `c = (e, 1 - e)`, `kap = (1, e)/psi_n`, and everything of `rf_observables` holds
there. Its derivative along e has a direct part, at fixed delta and u, and what e does to u; both
have the sign of `delta_1 - delta_2 <= 0` or that of -1. What e does to delta enters F with the
weights Lam_k (`rf_observables`), which are not negative. So F falls as e grows.

Everything else changes at a bounded rate, so that its values at e = 1/m and at e = 0 differ by at
most a constant times 1/m. With a dash for the derivative along e, `theta = h mu_1^2`, `b = mu_1^2 +
mu_*^2 >= P_k + N_k`, `rho = psi_p (1 + psi_p)/lam^2` at least every entry of R (`rf_limits`) and
`U = 1 + b psi_p/(lam psi_n) >= 1/delta_k`:

- The push of delta_k is at most `eta delta_k`, `eta = (b/psi_n)(psi_p/lam + b rho)`. As `(J
  delta)_k <= (1 - delta_k) delta_k <= (1 - 1/U) delta_k` (`rf_uniqueness`), `|delta_k'| <= kappa
  delta_k` with `kappa = U eta`.
- `A' = sum_k w_k P_k delta_k' - theta (delta_2 - delta_1)` and `A >= theta dbar >= theta/U`, so
  that `|A'| <= l A` with `l = kappa + U`; likewise S with s^2 for theta, and dbar.
- u and R fall in A and S and are homogeneous of degree -1 and -2: `|u'| <= l u`, `|R'| <= 2 l R`.
- `k0 = theta dbar K <= 1` has `|k0'| <= 2 l`. With `c' = (1, -1)`, `p_1' = N`, `w_2' = -1`,
  `sum_k |phi_k'| <= 2 + 4 l + 2 theta rho b + 8 l theta rho b`.
- With M the matrix of the equations of Lam, `Lam' = (1 - M)^-1 (phi' + M' Lam)`. For each j `sum_k
  |(w_k p_k . R p_j kap_j delta_j^2)'|` is at most `4 (rho b^2/psi_n)(1 + l + kappa) delta_j^2`: 1
  for w_2', 1 and 2 for p_1' (or kap_2'), 4 l for R', 4 kappa for delta_j'. As `sum_j delta_j^2
  Lam_j = E_train <= 1`, the weights delta_k give `sum_j delta_j^2 |Lam_j'| <= Phi`.
- So `|E_train'| <= Phi + 2 kappa` and `h |E_test'| = |sum_j Lam_j'| <= U^2 Phi`.
- `T_x = theta dbar^2 e_K . R x + sum_j kap_j delta_j^2 (p_j . R x) Lam_j` for x = C, N has `|T_x'|
  <= V`; R_N = 1 - 2 k0 + T_N and T_C are at most U^2, as `delta_1^2 (R_N + T_C) <= E_train`; and
  `E_mem = R_N (1 + e y^2) + (1 - y)^2 T_C`, where `y = delta_1 C . u/psi_n <= 1` has `|y'| <=
  kappa + l`. So `|E_mem'| <= 2 (4 l + V) + V + U^2 (1 + 4 (kappa + l))`.
"""

from __future__ import annotations

import numpy as np
import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import random_features as scalar
from dsmverify.systems import symbolic

from . import rf_observables as losses
from .rf_uniqueness import A, D, H, K, S, r, response

e, theta, s2, mu, v0, a2 = sympy.symbols("e theta s2 mu v0 a2", positive=True)
d1, gap, psi_n = sympy.symbols("delta_1 g psi_n", positive=True)
d2 = d1 + gap
"""delta_2 >= delta_1 (`rf_observables`)."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _parameters(chain)
    _direct(chain)
    _samples(chain)
    _bounds(chain)
    _rates(chain)
    _losses(chain)
    return chain.derivation(
        __name__,
        "What the number of noise samples changes",
        "random-features.md, sections 4 and 5.9",
        "lam > 0, every psi_n, psi_p, t and activation; every e = 1/m in [0, 1]",
        proves=("rf.copies3.r1", "rf.lim9"),
    )


def strengths(along: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """A, S - lam and dbar at 1/m = `along`."""
    rest = 1 - along
    return (
        d1 * (a2 * mu + along * theta) + rest * d2 * theta,
        d1 * (v0 + along * s2) + rest * d2 * s2,
        d1 * along + rest * d2,
    )


def table(along: sympy.Expr) -> list[tuple[sympy.Expr, ...]]:
    """`(P_k, N_k, w_k, kap_k)` at 1/m = `along`."""
    return [
        (a2 * mu + along * theta, v0 + along * s2, sympy.Integer(1), 1 / psi_n),
        (theta, s2, 1 - along, along / psi_n),
    ]


def engine_table() -> list[tuple[sympy.Expr, ...]]:
    """The same from the engine's formula."""
    ns, one = symbolic.SYSTEM, sympy.Integer(1)
    parameters = scalar.Parameters(
        ns=ns,
        psi_n=psi_n,
        psi_p=one,
        signal=a2,
        noise=theta / mu,
        inverse_copies=e,
        ridge=one,
        linear=mu,
        shared=v0,
        fresh=s2,
        spectrum=scalar.isotropic(ns),
        unit=one,
    )
    return [
        (np.sum(level.linear), level.shift, level.weight, level.load) for level in parameters.levels
    ]


def _parameters(chain: Chain) -> None:
    infinite = (d1 * a2 * mu + d2 * theta, d1 * v0 + d2 * s2, d2)
    single = (d1 * (a2 * mu + theta), d1 * (v0 + s2), d1)
    for place, values in ((0, infinite), (1, single)):
        for value, known in zip(strengths(sympy.Integer(place)), values, strict=True):
            chain.identity(f"A, S - lam and dbar at e = {place}", value, known, show=False)
    names = ("A", "S", "dbar")
    slopes = (-gap * theta, -gap * s2, -gap)
    for name, value, slope in zip(names, strengths(e), slopes, strict=True):
        chain.identity(
            f"d{name}/de at fixed delta, with g = delta_2 - delta_1 >= 0",
            sympy.Derivative(value, e),
            slope,
        )


def _direct(chain: Chain) -> None:
    """`dF = (1 - 2 k0) d dbar - theta dbar^2 dK` at fixed delta."""
    x, dbar = sympy.symbols("x dbar", positive=True)
    entries = response()
    kernel = -(entries[0, 0] * (-gap * theta) + entries[0, 1] * (-gap * s2))
    chain.identity(
        "with F = dbar (1 - theta dbar K), dK/de = g R(K) . N, N = (theta, s^2)",
        -theta * dbar**2 * kernel + (1 - 2 * theta * dbar * K) * (-gap),
        -gap
        * (
            1
            - 2 * theta * dbar * K
            + theta * dbar**2 * (entries[0, 0] * theta + entries[0, 1] * s2)
        ),
    )
    chain.at_most(
        "and the bracket is at least (1 - theta dbar K)^2, as R(K, K) >= K^2: x = theta dbar",
        (1 - K * x) ** 2,
        1 - 2 * K * x + x**2 * (entries[0, 0] + entries[0, 1] * s2 / theta),
        x**2 * (K / (r**2 * D) + K * s2 / (D * theta)),
    )


def _samples(chain: Chain) -> None:
    """What e does to `delta_k = 1/(1 + kap_k p_k . u)` at fixed delta in u."""
    chain.step(
        "delta_k moves by -delta_k^2 times the rate of kap_k p_k . u. Along e, u moves by g R N, "
        "of positive entries:"
    )
    linear, shift, _ = (sympy.diff(value, e) for value in strengths(e))
    move = -response() * sympy.Matrix([linear, shift])
    for name, entry in (("K", move[0]), ("H", move[1])):
        chain.at_most(f"0 <= d{name}/de", 0, sympy.factor(entry))
    k, h, dk, dh = sympy.symbols("k h dk dh", positive=True)
    rows = table(e)
    loads = [load * (strength * k + noise * h) for strength, noise, _, load in rows]
    chain.engine(
        "the table at 1/m = e: P_k, N_k, w_k, kap_k",
        [
            pair
            for theirs, own in zip(engine_table(), rows, strict=True)
            for pair in zip(theirs, own, strict=True)
        ],
    )
    for name, value, column in (("A", strengths(e)[0], 0), ("S - lam", strengths(e)[1], 1)):
        total = sum(row[2] * delta * row[column] for row, delta in zip(rows, (d1, d2), strict=True))
        chain.identity(f"{name} = sum_k w_k delta_k of that", value, total, show=False)
    for number, load in enumerate(loads, 1):
        rate = sympy.diff(load, e) + sympy.diff(load, k) * dk + sympy.diff(load, h) * dh
        chain.at_most(f"so that kap_{number} p_{number} . u rises with e", 0, sympy.expand(rate))
    _weights(chain)
    chain.step("dF/de = (direct part) + sum_k (push of delta_k) Lam_k: neither is positive.")


def _weights(chain: Chain) -> None:
    """A push of delta changes F by the sum of Lam_k times it."""
    y = sympy.symbols("y_1 y_2", real=True)
    push = sympy.symbols("push_1 push_2", real=True)
    kap = sympy.symbols("kap_1 kap_2", positive=True)
    level = sympy.Symbol("k_0", positive=True)
    p, w, d = losses.p, losses.w, losses.d
    image = losses.R * (w[0] * y[0] * p[0] + w[1] * y[1] * p[1])
    wrong = [y[k] - push[k] - kap[k] * d[k] ** 2 * losses.dot(p[k], image) for k in range(2)]
    open_ = [losses.Lam[k] - losses.source(k, kap, level) for k in range(2)]
    slopes = [losses.source(k, (0, 0), level) for k in range(2)]
    chain.identity(
        "the change of F with delta, sum_k phi_k d delta_k, is sum_k Lam_k (push of delta_k), "
        "modulo the equations of d delta and of Lam",
        sum(slopes[k] * y[k] - losses.Lam[k] * push[k] for k in range(2)),
        sum(losses.Lam[k] * wrong[k] - y[k] * open_[k] for k in range(2)),
    )


def _bounds(chain: Chain) -> None:
    """`P_k + N_k <= b`, `1/delta_k <= U`, and forms of R."""
    f, h, rho = sympy.symbols("f h rho", positive=True)
    part = 1 / (1 + f)
    b = mu * (a2 + h) + v0 + s2
    chain.at_most(
        "P_1 + N_1 <= b = mu_1^2 + v0^2 + s^2, with a^2 + h = 1 and e = 1/(1 + f)",
        (a2 + part * h) * mu + v0 + part * s2,
        b,
        (h * mu + s2) * f * part,
    )
    chain.at_most("P_2 + N_2 <= b", h * mu + s2, b, a2 * mu + v0)
    P, N = sympy.symbols("P N", positive=True)
    chain.at_most(
        "1/delta_k - 1 = kap_k p_k . u <= (P_k + N_k) H/psi_n, as K <= H and kap_k <= 1/psi_n",
        part * (P * K + N * H) / psi_n,
        (P + N) * H / psi_n,
        (P + N) * H * f * part / psi_n + P * (H - K).together() * part / psi_n,
    )
    x = sympy.symbols("x_1 x_2", positive=True)
    gaps = sympy.symbols("g_1:4", positive=True)
    first, mixed, second = (rho / (1 + gap_) for gap_ in gaps)
    chain.at_most(
        "p . R x <= rho (P + N)(x_1 + x_2) where rho is at least every entry of R",
        P * (first * x[0] + mixed * x[1]) + N * (mixed * x[0] + second * x[1]),
        rho * (P + N) * (x[0] + x[1]),
        P * x[0] * (rho - first).together()
        + (P * x[1] + N * x[0]) * (rho - mixed).together()
        + N * x[1] * (rho - second).together(),
    )


def _rates(chain: Chain) -> None:
    """A, S against dbar, and how R answers A and S."""
    f = sympy.Symbol("f", positive=True)
    linear, shift, dbar = (value.subs(e, 1 / (1 + f)) for value in strengths(e))
    chain.at_most("A >= theta dbar", theta * dbar, linear, a2 * mu * d1)
    chain.at_most("S - lam >= s^2 dbar", s2 * dbar, shift, v0 * d1)
    rate, eta, t = sympy.symbols("x eta t", positive=True)
    chain.identity(
        "x <= eta + (1 - t) x says t x <= eta: for x = max_k |delta_k'|/delta_k, t = 1/U",
        eta + (1 - t) * rate - rate,
        eta - t * rate,
    )
    entries = response()
    for name, place in (("K, K", (0, 0)), ("K, S", (0, 1)), ("H, S", (1, 1))):
        entry = entries[place]
        by_free = sympy.diff(entry, H)
        by_strength = sympy.diff(entry, A) - by_free * entries[0, 1]
        by_shift = sympy.diff(entry, S) - by_free * entries[1, 1]
        for letter, slope in (("A", by_strength), ("S", by_shift)):
            chain.at_most(f"R({name}) falls in {letter}", 0, -slope, _expanded(-slope))
        chain.identity(
            f"A dR({name})/dA + S dR({name})/dS = -2 R({name})",
            A * by_strength + S * by_shift,
            -2 * entry,
        )


def _expanded(fraction: sympy.Expr) -> sympy.Expr:
    """The same fraction, its numerator and denominator multiplied out."""
    top, bottom = sympy.fraction(sympy.cancel(fraction))
    return sympy.expand(top) / sympy.expand(bottom)


def _losses(chain: Chain) -> None:
    """Weights delta_k: what bounds `(1 - M)^-1`."""
    z = sympy.symbols("z_1 z_2", positive=True)
    kap = sympy.symbols("kap_1 kap_2", positive=True)
    p, w, d, lam = losses.p, losses.w, losses.d, losses.lam
    wrong = [kap[k] * losses.dot(p[k], losses.u) - (1 / d[k] - 1) for k in range(2)]
    column = losses.R * sympy.Matrix([0, 1])
    image = [
        sum(w[k] * losses.dot(p[k], losses.R * p[j]) * kap[j] * d[j] ** 2 * z[j] for j in range(2))
        for k in range(2)
    ]
    chain.identity(
        "sum_k delta_k (z - M z)_k = sum_j delta_j^2 (1 + q_j) z_j, q_j = lam kap_j p_j . R e_S >= "
        "0, modulo the equations of delta",
        sum(d[k] * (z[k] - image[k]) for k in range(2)),
        sum(
            d[j] ** 2 * z[j] * (1 + lam * kap[j] * losses.dot(p[j], column) - wrong[j])
            for j in range(2)
        ),
    )
    RN, TC, y, m = sympy.symbols("R_N T_C y m", positive=True)
    chain.identity(
        "at m = inf, where y = 1 - delta_1, E_mem = R_N + (1 - y)^2 T_C is E_train",
        (RN * (1 + y**2 / m) + (1 - y) ** 2 * TC).subs({1 / m: 0, y: 1 - d[0]}),
        RN + d[0] ** 2 * TC,
    )

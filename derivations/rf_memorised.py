"""Many features at m = inf: the test error of full memorisation, and the limit at a fixed p/n.

Letters: `theta = h mu_1^2`, C = (a^2 mu_1^2, v0^2), H = psi_p g, `kap = 1/psi_n`, R minus the
derivative of u = (K, H) in (A, S) (`rf_uniqueness`), and

    A = a^2 mu_1^2 delta + theta,  S = lam + s^2 + v0^2 delta,  delta (1 + kap C . u) = 1,
    A K + S H = psi_p,  k0 = theta K,  F = 1 - k0,  e = 1/(psi_p - 1).

For m = inf delta_2 = 1, and the losses of `rf_observables` are `Lam_1 = T_C`, `Lam_2 = R_N`, so
that

    T_C = theta e_K . R C + x T_C,  x = kap delta^2 C . R C,  a^2 + h E_test = R_N + T_C.

`R_N = E_train - delta^2 T_C` lies in [0, F], and F is at most the bound M of rf.lim4a. Below, x is
at most `X = (3 + e) M + psi_n e` and `theta e_K . R C` lies between `(a^2/h) (1 - F)^2` and
`(a^2/h) (1 + e) + v0^2 e/theta`. As `h (E_test - tau^4) = T_C + R_N - a^2/h`, this gives both
bounds of rf.lim4b, the upper one as `(1 - X) T_C <= (1 - x) T_C` and `(1 - X) R_N <= M`.

At a fixed ratio r = psi_p/psi_n the equation of delta is that of D but for terms in lam and
1/psi_n; the quadratic rises from D to delta at a slope of s^2 or more.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from .rf_uniqueness import A, D, H, K, S, r, response

psi_n, a2, h, mu, lam = sympy.symbols("psi_n a2 h mu lam", positive=True)
v0, s2, delta, level = sympy.symbols("v0 s2 delta D", positive=True)
e, x = sympy.symbols("e x", positive=True)
f1, f2, f3, f4, f5, f6 = sympy.symbols("f1:7", positive=True)
"""Not negative: by how much the larger side of a bound shown above exceeds the smaller one."""

theta = h * mu
own = a2 * mu
"""Signal's share of C: `a^2 mu_1^2`."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _response(chain)
    _source(chain)
    _feedback(chain)
    _errors(chain)
    _equation(chain)
    _minimum(chain)
    _ridge_term(chain)
    return chain.derivation(
        __name__,
        "Many features at m = inf",
        "random-features.md, sections 5.4 and 5.7",
        "m = inf, lam > 0, psi_p > 1, v0^2 > 0 and mu_1 not 0; every psi_n and t",
        proves=("rf.lim4b", "rf.lim7"),
    )


def _response(chain: Chain) -> None:
    entries = response()
    chain.at_most("K^2 <= R(K, K)", K**2, entries[0, 0], K / (r**2 * D))
    chain.at_most(
        "R(K, K) <= K^2 (1 + 1/(H S))",
        entries[0, 0],
        K**2 * (1 + 1 / (H * S)),
        A * H * (A * H**2 * S + 2 * H * S + 1) / (S * r**3 * D),
    )
    chain.at_most("R(K, S) <= K/(r S)", entries[0, 1], K / (r * S), A * K / (r**2 * S * D))
    chain.at_most("R(H, S) <= H/S", entries[1, 1], H / S, H * A / (r * D * S))
    chain.at_most("A K <= 1, so S H >= psi_p - 1 and 1/(H S) <= e", A * K, 1, 1 / r)


def _source(chain: Chain) -> None:
    chain.identity(
        "theta a^2 mu_1^2 K^2 = (a^2/h) (theta K)^2, theta K = k0 = 1 - F",
        theta * own * K**2,
        (a2 / h) * (theta * K) ** 2,
    )
    chain.identity(
        "theta v0^2 K/(r S) = (v0^2/theta) k0^2/(H S)",
        theta * v0 * K / (r * S),
        (v0 / theta) * (theta * K) ** 2 / (H * S),
    )
    k0 = 1 / (1 + f1)
    chain.at_most(
        "theta e_K . R C <= (a^2/h) (1 + e) + v0^2 e/theta, with k0 = 1/(1 + f1) <= 1",
        k0**2 * ((a2 / h) * (1 + e) + (v0 / theta) * e),
        (a2 / h) * (1 + e) + (v0 / theta) * e,
        (2 * f1 + f1**2) * k0**2 * ((a2 / h) * (1 + e) + (v0 / theta) * e),
    )


def _feedback(chain: Chain) -> None:
    """`x <= F (3 + e) + psi_n e`, term by term."""
    settled = 1 / (1 + (own * K + v0 * H) / psi_n)
    chain.at_most(
        "kap delta a^2 mu_1^2 K <= 1 at delta = 1/(1 + kap C . u)",
        settled * own * K / psi_n,
        1,
        (1 + v0 * H / psi_n) * settled,
    )
    chain.at_most(
        "delta v0^2 H <= psi_n", settled * v0 * H, psi_n, psi_n * (1 + own * K / psi_n) * settled
    )
    chain.at_most(
        "delta a^2 mu_1^2 K = A K - theta K <= 1 - theta K = F",
        (A - theta) * K,
        1 - theta * K,
        1 / r,
    )
    part = theta + f1
    chain.at_most(
        "1/r <= F: 1/(1 + A H) = 1 - A K and A >= theta",
        1 / (1 + part * H),
        1 - theta * H / (1 + part * H),
        f1 * H / (1 + part * H),
    )
    chain.at_most("delta v0^2 <= S", delta * v0, lam + s2 + v0 * delta, lam + s2)
    F = sympy.Symbol("F", positive=True)
    first = F * (1 + e / (1 + f3)) / ((1 + f1) * (1 + f2))
    second = 2 * F / ((1 + f1) * (1 + f4) * (1 + f5))
    third = psi_n * e / ((1 + f3) * (1 + f6))
    chain.identity(
        "kap delta^2 C . R C in these factors: the terms of R(K, K), R(K, S), R(H, S)",
        delta**2 / psi_n * (own**2 * K**2 * (1 + e) + 2 * own * v0 * K / (r * S) + v0**2 * H / S),
        (delta * own * K / psi_n) * (delta * own * K) * (1 + e)
        + 2 * (delta * own * K / psi_n) * (delta * v0 / S) / r
        + (delta * v0 * H / psi_n) * (delta * v0 * H) / (H * S),
    )
    chain.at_most(
        "so x <= F (1 + e) + 2 F + psi_n e, every factor being at most what was shown",
        first + second + third,
        F * (3 + e) + psi_n * e,
        F * (f1 + f2 + f1 * f2) / ((1 + f1) * (1 + f2))
        + F
        * e
        * (f1 + f2 + f3 + f1 * f2 + f1 * f3 + f2 * f3 + f1 * f2 * f3)
        / ((1 + f1) * (1 + f2) * (1 + f3))
        + 2
        * F
        * (f1 + f4 + f5 + f1 * f4 + f1 * f5 + f4 * f5 + f1 * f4 * f5)
        / ((1 + f1) * (1 + f4) * (1 + f5))
        + psi_n * e * (f3 + f6 + f3 * f6) / ((1 + f3) * (1 + f6)),
    )


def _errors(chain: Chain) -> None:
    TC, RN, F = sympy.symbols("T_C R_N F", positive=True)
    signal = 1 - h
    test = (TC + RN - signal) / h
    chain.identity(
        "h (E_test - tau^4) = T_C + R_N - a^2/h, with a^2 = 1 - h",
        h * (test - (signal / h) ** 2),
        TC + RN - signal / h,
    )
    chain.at_most(
        "T_C >= (a^2/h) (1 - F)^2 gives h (E_test - tau^4) >= -2 F a^2/h",
        -2 * F * a2 / h,
        (a2 / h) * (1 - F) ** 2 + f1 + RN - a2 / h,
        (a2 / h) * F**2 + f1 + RN,
    )
    # X = x + f1; (1 - x) T_C and R_N are below their bounds by f2 and f3.
    source, M_ = (1 - x) * TC + f2, RN + f3
    chain.at_most(
        "(1 - X) h (E_test - tau^4) <= (a^2/h)(X + e) + v0^2 e/theta + M: with X = x + f1, "
        "(a^2/h)(1 + e) + v0^2 e/theta = (1 - x) T_C + f2 and M = R_N + f3",
        (1 - x - f1) * (TC + RN - a2 / h),
        (a2 / h) * (x + f1) - a2 / h + source + M_,
        f1 * TC + (x + f1) * RN + f2 + f3,
    )


def _equation(chain: Chain) -> None:
    k, free = sympy.symbols("k H", positive=True)
    linear = sympy.Symbol("A", positive=True)
    shift = lam + s2 + v0 * delta
    psi_p = linear * k + shift * free
    wrong = delta * (1 + (own * k + v0 * free) / psi_n) - 1
    ratio = psi_p / psi_n
    chain.identity(
        "v0^2 delta^2 + (s^2 + (r - 1) v0^2) delta - s^2 = lam (1 - delta) + (v0^2 delta A K - S "
        "delta a^2 mu_1^2 K)/psi_n, modulo the equation of delta",
        v0 * delta**2
        + (s2 + (ratio - 1) * v0) * delta
        - s2
        - lam * (1 - delta)
        - (v0 * delta * linear * k - shift * delta * own * k) / psi_n,
        shift * wrong,
    )
    chain.at_most(
        "at most lam + v0^2/psi_n: with delta = 1/(1 + f1), A K = 1/(1 + f2)",
        lam * (1 - 1 / (1 + f1)) + (v0 / ((1 + f1) * (1 + f2)) - f3) / psi_n,
        lam + v0 / psi_n,
        lam / (1 + f1) + v0 * (f1 + f2 + f1 * f2) / ((1 + f1) * (1 + f2) * psi_n) + f3 / psi_n,
    )
    chain.at_most(
        "at least -(lam + s^2 + v0^2)/psi_n: S <= lam + s^2 + v0^2, delta a^2 mu_1^2 K <= A K <= 1",
        -(lam + s2 + v0) / psi_n,
        f1 - (lam + s2 + v0 / (1 + f2)) / ((1 + f3) * psi_n),
        f1
        + (lam + s2) * f3 / ((1 + f3) * psi_n)
        + v0 * (f2 + f3 + f2 * f3) / ((1 + f2) * (1 + f3) * psi_n),
    )
    solved = (s2 / level - s2 - v0 * level) / v0 + 1
    chain.identity(
        "and it is (v0^2 delta + s^2/D)(delta - D), r from the equation of D",
        v0 * delta**2 + (s2 + (solved - 1) * v0) * delta - s2,
        (v0 * delta + s2 / level) * (delta - level),
    )
    chain.at_most(
        "D < 1, as the quadratic is r v0^2 > 0 at 1: with D = 1/(1 + f1) the slope is at least s^2",
        s2,
        v0 * delta + s2 * (1 + f1),
        v0 * delta + s2 * f1,
    )
    chain.identity(
        "the quadratic at 1",
        v0 + (s2 + (ratio - 1) * v0) - s2,
        ratio * v0,
    )


def _minimum(chain: Chain) -> None:
    strength = own * delta + theta
    chain.identity("1 - theta/A", 1 - theta / strength, a2 * delta / (a2 * delta + h))
    gap = theta / (strength * (1 + strength * H))
    kernel = H / (1 + strength * H)
    chain.at_most("F = 1 - theta K >= 1 - theta/A", 1 - theta / strength, 1 - theta * kernel, gap)
    chain.at_most(
        "F - (1 - theta/A) = theta/(A (1 + A H)) <= 1/(1 + theta H)",
        gap,
        1 / (1 + theta * H),
        (own * delta * (1 + theta * H) + strength * own * delta * H)
        / (strength * (1 + strength * H) * (1 + theta * H)),
    )
    chain.at_most(
        "S <= lam + s^2 + v0^2, delta = 1/(1 + f1)", v0 / (1 + f1), v0, v0 * f1 / (1 + f1)
    )
    chain.step("H >= (psi_p - 1)/S >= (psi_p - 1)/(lam + s^2 + v0^2).")


def _ridge_term(chain: Chain) -> None:
    chain.step(
        "F - E_train = lam T_I, T_I = theta R(K, S) + kap delta^2 (C . R e_S) T_C, and delta^2 T_C "
        "<= E_train <= 1. With the bounds of R:"
    )
    part = theta + f1
    below = 1 + part * H
    kernel = H / below
    chain.at_most(
        "lam T_I <= (lam/S)(theta K/r + kap (a^2 mu_1^2 K/r + v0^2 H)) <= lam/(S delta), delta = "
        "1/(1 + kap C . u)",
        (lam / S) * (theta * kernel / below + (own * kernel / below + v0 * H) / psi_n),
        (lam / S) * (1 + (own * kernel + v0 * H) / psi_n),
        (lam / S)
        * (
            (1 + (2 * f1 + theta) * H + part**2 * H**2) / below**2
            + own * part * H**2 / (below**2 * psi_n)
        ),
    )
    chain.at_most("and S >= s^2", s2, lam + s2 + v0 * delta, lam + v0 * delta)

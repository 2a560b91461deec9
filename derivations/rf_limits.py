"""Limits with known answers, for the reduced system; letters as in `rf_observables`.

Where the ridge vanishes below the interpolation threshold, the system has a positive solution at
lam = 0 at which the spectral radius of the Jacobian is at most `max_k (1 - delta_k) < 1`
(`rf_uniqueness`); so its solution is differentiable in lam there, `lam T_I = lam dF/dlam` vanishes
and E_train = F. For m = 1, `E_train = delta_1^2 (a^2 + h E_test)` then gives E_test. Linear
features that are more than the dimensions have no such solution, as H grows without bound; but with
1/H for H the system is smooth down to 1/H = 0, where lam = 0, and the same follows.

- Linear rho: N_k = 0 and `A = mu_1^2 delta`. With psi_p > 1, `S H = psi_p - A K` tends to psi_p -
  1, H grows and `K = 1/A`; with psi_p < 1, `A K = psi_p`.
- Any rho, p < n: A and S are multiples of delta, so that K and H are 1/delta times those of
  delta = 1, which are the ones of infinitely many samples.
- m = inf, many features: `E_train <= F = 1 - k0`.
- Many samples: `E_train = sum_k delta_k^2 Lam_k` and `a^2 + h E_test = sum_k Lam_k` differ by at
  most `max_k (1/delta_k^2 - 1) E_train`, and `E_train <= 1`.
- A large ridge: `dbar <= 1`, `K <= H <= psi_p/lam` and T_X >= 0 give the lower bound; the upper one
  needs `R <= psi_p (1 + psi_p)/lam^2` in every entry, `delta_k^2 Lam_k <= 1`, and `dbar K >=
  (psi_p/lam)(1 - b/lam)(1 - b psi_p/lam)(1 - b B/lam)`, `b = sum_k w_k (P_k + N_k)`, `B = psi_p/(m
  psi_n)`, where a product of factors below 1 is at least 1 less what they lack.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from .rf_uniqueness import A, D, H, K, S, r, response

psi_n, psi_p, a2, h, mu, lam, m = sympy.symbols("psi_n psi_p a2 h mu lam m", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    _linear(chain)
    _population(chain)
    _linear_expectation(chain)
    _many_features(chain)
    _many_samples(chain)
    _large_ridge(chain)
    return chain.derivation(
        __name__,
        "Limits with known answers",
        "random-features.md, section 5",
        "as the claims say; the reduced system",
        proves=tuple(f"rf.lim{name}" for name in ("2", "3a", "3b", "4a", "5", "6", "8")),
    )


def test_error(delta: sympy.Expr, kernel: sympy.Expr) -> sympy.Expr:
    """E_test for m = 1, lam = 0, from `delta^2 (a^2 + h E_test) = delta (1 - h mu delta K)`."""
    return ((1 - h * mu * delta * kernel) / delta - (1 - h)) / h


def _linear(chain: Chain) -> None:
    tau = (1 - h) / h
    low = sympy.Symbol("e", positive=True)
    kernel = 1 / (A + low)
    chain.identity("linear rho, e = 1/H: K = H/(1 + A H) = 1/(A + e)", K.subs(H, 1 / low), kernel)
    ridge = low * (psi_p - A * kernel)
    chain.identity("lam = e (psi_p - A K) vanishes at e = 0", ridge.subs(low, 0), 0)
    chain.identity(
        "and dlam/de = psi_p - 1 there, which is positive for psi_p > 1",
        sympy.diff(ridge, low).subs(low, 0),
        psi_p - 1,
    )
    delta = 1 - 1 / psi_n
    chain.identity(
        "psi_p > 1: delta (1 + mu K/psi_n) = 1 at K = 1/(mu delta), delta = 1 - 1/psi_n",
        delta * (1 + 1 / (psi_n * delta)),
        1,
    )
    chain.identity(
        "E_test = tau^2/(psi_n - 1)", test_error(delta, 1 / (mu * delta)), tau / (psi_n - 1)
    )
    delta = 1 - psi_p / psi_n
    kernel = psi_p / (mu * delta)
    chain.identity(
        "psi_p < 1: delta (1 + mu K/psi_n) = 1 at mu delta K = psi_p, delta = 1 - psi_p/psi_n",
        delta * (1 + mu * kernel / psi_n),
        1,
    )
    chain.identity(
        "E_test = (1 - psi_p + tau^2)/(1 - psi_p/psi_n) - tau^2",
        test_error(delta, kernel),
        (1 - psi_p + tau) / delta - tau,
    )


def _population(chain: Chain) -> None:
    tau = (1 - h) / h
    P, N, free = sympy.symbols("P N H_pop", positive=True)
    own = free / (1 + P * free)
    width = P * own + N * free
    chain.step("With P = mu_1^2, N = mu_*^2, delta = 1: K_pop = H/(1 + P H), psi_p = P K + N H.")
    delta = 1 - width / psi_n
    chain.identity(
        "delta (1 + (P K + N H)/psi_n) = 1 at K = K_pop/delta, H = H_pop/delta, delta = 1 - "
        "psi_p/psi_n",
        delta * (1 + (P * own + N * free) / (delta * psi_n)),
        1,
    )
    chain.identity(
        "K (1 + A H) = H there, A = delta P",
        own / delta * (1 + delta * P * free / delta),
        free / delta,
    )
    chain.identity(
        "E_test = (E_pop + tau^2)/(1 - psi_p/psi_n) - tau^2, E_pop = 1 - mu_1^2 K_pop",
        test_error(delta, own / delta).subs(mu, P),
        (1 - P * own + tau) / delta - tau,
    )
    x = N / (P * width)
    stieltjes = (1 - P * own) / x
    chain.identity(
        "S = (1 - mu_1^2 K_pop)/x solves (x/psi_p) S^2 + (1 - 1/psi_p + x) S = 1",
        x / width * stieltjes**2 + (1 - 1 / width + x) * stieltjes,
        1,
    )
    ratio, s, z = sympy.symbols("c s z", positive=True)
    inner = 1 / (1 + ratio * s)
    chain.identity(
        "which is the equation S = 1/(x + 1/(1 + c S)) of the Marchenko-Pastur law, c = 1/psi_p",
        (s * (z + inner) - 1) * (1 + ratio * s),
        ratio * z * s**2 + (1 - ratio + z) * s - 1,
    )


def _linear_expectation(chain: Chain) -> None:
    s, z, ratio, own = sympy.symbols("s z c K", positive=True)
    chain.step(
        "Linear rho, m = inf, S = 0, psi_p > 1: K = 1/A, A = mu (h + a^2 delta_1), delta_1 = 1/(1 "
        "+ a^2 mu K/psi_n). The law's transform at -z: s = 1/(z + 1/(1 + c s))."
    )
    equation = s * (z + 1 / (1 + ratio * s)) - 1
    chain.identity(
        "with s = a^2 mu K, z = h/a^2, c = 1/psi_n they are the same equation",
        equation.subs({s: a2 * mu * own, z: h / a2, ratio: 1 / psi_n}, simultaneous=True),
        own * mu * (h + a2 / (1 + a2 * mu * own / psi_n)) - 1,
    )
    chain.step(
        "whose positive root is unique; so mu K = int 1/(a^2 x + h) and E_train = F = 1 - h mu K. "
        "In (T_C + T_N)/h = -mu dK/dq along q_A = q mu, q adds to h: it is int 1/(a^2 x + h)^2."
    )
    x, q = sympy.symbols("x q", positive=True)
    chain.identity(
        "-d/dq of 1/(a^2 x + h + q)",
        -sympy.diff(1 / (a2 * x + h + q), q),
        1 / (a2 * x + h + q) ** 2,
    )


def _many_features(chain: Chain) -> None:
    delta, v0, theta = sympy.symbols("delta v0 theta", positive=True)
    linear = a2 * mu * delta + theta
    kernel = H / (1 + linear * H)
    chain.identity(
        "1 - theta K = (1 + a^2 mu_1^2 delta_1 H)/(1 + A H), A = a^2 mu_1^2 delta_1 + theta",
        1 - theta * kernel,
        (1 + a2 * mu * delta * H) / (1 + linear * H),
    )
    rest = sympy.Symbol("e", positive=True)
    chain.at_most(
        "delta_1 H <= psi_n/v0^2: delta_1 = 1/(1 + (v0^2 H + e)/psi_n)",
        H / (1 + (v0 * H + rest) / psi_n),
        psi_n / v0,
        (1 + rest / psi_n) * psi_n / (v0 * (1 + (v0 * H + rest) / psi_n)),
    )
    chain.at_most("A K <= 1, so S H >= psi_p - 1", A * K, 1, 1 / r)
    chain.at_most(
        "1/(1 + A H) <= 1/(1 + theta H)",
        1 / (1 + linear * H),
        1 / (1 + theta * H),
        a2 * mu * delta * H / ((1 + linear * H) * (1 + theta * H)),
    )
    chain.step("S <= lam + s^2 + v0^2 as delta_1 <= 1.")


def _many_samples(chain: Chain) -> None:
    e1, e2, f, kap = sympy.symbols("e_1 e_2 f kap", positive=True)
    first, second = sympy.symbols("Lam_1 Lam_2", positive=True)
    low, high = 1 / (1 + e1), 1 / (1 + e2)
    chain.at_most(
        "sum Lam_k - sum delta_k^2 Lam_k >= 0, with delta_k = 1/(1 + e_k)",
        low**2 * first + high**2 * second,
        first + second,
        first * (2 * e1 + e1**2) * low**2 + second * (2 * e2 + e2**2) * high**2,
    )
    top = e1 + f
    chain.at_most(
        "and Lam_k <= (1 + e)^2 delta_k^2 Lam_k for every e >= e_k",
        first,
        (1 + top) ** 2 * low**2 * first,
        first * (2 * f * (1 + e1) + f**2) * low**2,
    )
    P1, N1, extra = sympy.symbols("P_1 N_1 g", positive=True)
    chain.at_most(
        "e_k = kap_k (P_k K + N_k H) <= kap_1 (P_1 + N_1) psi_p/lam, as K <= H <= psi_p/lam",
        kap * (P1 * K + N1 * H),
        kap * (P1 + N1) * (H + extra),
        kap * P1 * A * H**2 / r + kap * (P1 + N1) * extra,
    )
    chain.step("kap_2 P_2 <= kap_1 P_1 and kap_2 N_2 <= kap_1 N_1.")


def _large_ridge(chain: Chain) -> None:
    chain.at_most("lam H <= S H <= psi_p, as psi_p = A K + S H", S * H, A * K + S * H, A * K)
    slope = response()
    chain.at_most(
        "R(K, K) <= H^2 + H/S",
        slope[0, 0],
        H**2 + H / S,
        (H**2 * (r * D - S) * r + (H / S) * (r**2 * D - S)) / (r**2 * D),
    )
    chain.at_most("R(K, S) <= H/S", slope[0, 1], H / S, H * (D * r - S) / (r * D * S))
    chain.at_most("R(H, S) <= H/S", slope[1, 1], H / S, H * A / (r * D * S))
    x, y, z = sympy.symbols("x y z", positive=True)
    chain.at_most("K >= H (1 - A H)", H * (1 - A * H), K, A**2 * H**3 / r)
    chain.at_most("H >= psi_p/(S + A)", A * K + S * H, (S + A) * H, A**2 * H**2 / r)
    chain.at_most("1/(1 + x) >= 1 - x", 1 - x, 1 / (1 + x), x**2 / (1 + x))
    one, two = 1 / (1 + y), 1 / (1 + z)
    chain.at_most(
        "a product of factors of at most 1 is at least 1 less what they lack",
        1 - (1 - one) - (1 - two),
        one * two,
        y * z / ((1 + y) * (1 + z)),
    )
    used = sympy.Symbol("e", positive=True)
    chain.identity(
        "1 - dbar = (psi_p - lam H)/(m psi_n), psi_p - lam H = A K + (S - lam) H <= b psi_p/lam",
        (A * K + (S - lam) * H) / (m * psi_n),
        (A * K + S * H - lam * H) / (m * psi_n),
    )
    chain.at_most(
        "A K + (S - lam) H <= (A + S - lam) H", A * K + used * H, (A + used) * H, A**2 * H**2 / r
    )

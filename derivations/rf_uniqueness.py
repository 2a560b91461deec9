"""The fixed point of the reduced system exists, is unique, and attracts from everywhere.

For given A, S > 0 the pair u = (K, H), H = psi_p g, is the positive solution of `K (1 + A H) = H`
and `A K + S H = psi_p`. Implicit differentiation shows that K and H fall in A and in S; they are
homogeneous of degree -1. So `T_k(delta) = 1/(1 + kap_k p_k . u(A(delta), S(delta)))`, where A and S
- lam are linear in delta with coefficients that are not negative, is increasing; and for c > 1 and
lam > 0 `S(c delta) < c S(delta)` gives `u(c delta) > u(delta)/c` and `T(c delta) < c T(delta)`.
That is a standard interference function: of two fixed points delta, delta' let c > 1 be the largest
ratio, `delta_k = c delta'_k` for some k and `delta <= c delta'`; then `delta_k = T_k(delta) <=
T_k(c delta') < c delta'_k`, which is absurd. One exists: T maps `(0, 1]^2` into `[e, 1]^2` with e >
0, as `K <= H <= psi_p/lam`, and T^n(1) falls to a fixed point. Every orbit lies between T^n(c
delta*) and T^n(delta*/c), which are monotone and have no other limit.

Euler's relation for u, differentiated along delta, bounds the Jacobian: `(J delta)_k = delta_k (1 -
delta_k) - lam kap_k delta_k^2 (p_k . R e_S)`, with `R = -du/d(A, S)` of positive entries. So the
spectral radius of J, a matrix of entries that are not negative, is at most `max_k (1 - delta_k)`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

A, S, H, lam = sympy.symbols("A S H lam", positive=True)
P, N, load, delta = sympy.symbols("P_k N_k kap_k delta_k", positive=True)

r = 1 + A * H
"""`1 + A H`."""

K = H / r
"""From the first equation."""

D = r * S + A / r
"""Minus the determinant of the equations' Jacobian."""


def response() -> Any:
    """R, so that `d(K, H) = -R d(A, S)`; all entries are positive."""
    return sympy.Matrix([[(S * K * H + K / r) / D, K / D], [K / D, r * H / D]])


def add_response(chain: Chain) -> None:
    """Show that R is the derivative, by the implicit function theorem."""
    k, h, a, s = sympy.symbols("k h a s", positive=True)
    equations = sympy.Matrix([k * (1 + a * h) - h, a * k + s * h])
    at = {k: K, h: H, a: A, s: S}
    by_unknowns = equations.jacobian([k, h]).subs(at)
    by_strength = equations.jacobian([a, s]).subs(at)
    change = -by_unknowns * response() + by_strength
    for row in range(2):
        for column in range(2):
            text = f"equation {row + 1} stays solved when {'AS'[column]} changes, d(K, H) = -R"
            chain.identity(text, change[row, column], 0, show=not (row or column))
    for name, entry in (("K, A", (0, 0)), ("K, S", (0, 1)), ("H, S", (1, 1))):
        chain.at_most(f"0 <= R({name}): K and H fall in A and S", 0, response()[entry])


def add_euler(chain: Chain) -> None:
    """Show that u is homogeneous of degree -1."""
    euler = response() * sympy.Matrix([A, S])
    chain.identity("A dK/dA + S dK/dS = -K", euler[0], K)
    chain.identity("A dH/dA + S dH/dS = -H", euler[1], H)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_response(chain)
    add_euler(chain)
    chain.step("S(c delta) = c S(delta) - (c - 1) lam < c S(delta) for c > 1, A(c delta) = c A:")
    pull = P * K + N * H
    chain.step("so that p . u(c delta) > p . u(delta)/c, and with x = kap p . u(delta):")
    c = 1 + sympy.Symbol("e", positive=True)
    x = sympy.Symbol("x", positive=True)
    chain.at_most(
        "T(c delta) < 1/(1 + x/c) <= c/(1 + x) = c T(delta)",
        1 / (1 + x / c),
        c / (1 + x),
        c * (c - 1) / ((c + x) * (1 + x)),
    )
    kernel = response() * sympy.Matrix([A, S - lam])
    slope = load * delta**2 * (P * kernel[0] + N * kernel[1])
    part = response() * sympy.Matrix([0, lam])
    lost = load * delta**2 * (P * part[0] + N * part[1])
    chain.identity(
        "(J delta)_k = kap delta^2 p . R (A, S - lam) = kap delta^2 p . u - (what lam takes)",
        slope,
        load * delta**2 * pull - lost,
    )
    chain.identity(
        "and kap delta^2 p . u = delta (1 - delta) at delta = 1/(1 + kap p . u)",
        (load * delta**2 * pull).subs(delta, 1 / (1 + load * pull)),
        (delta * (1 - delta)).subs(delta, 1 / (1 + load * pull)),
    )
    chain.at_most("so that (J delta)_k <= (1 - delta_k) delta_k", slope, slope + lost, lost)
    return chain.derivation(
        __name__,
        "Uniqueness of the fixed point",
        "random-features.md, section 4",
        "every lam > 0, psi_n, psi_p > 0, every m, every activation that is not 0",
        proves=("rf.fixed",),
    )

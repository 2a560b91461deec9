"""From the Dyson equation of the random-features pencils to the scalar system, and what it gives.

The pencils are those of the engine (`dsmverify.pencils`), in symbols, for data whose covariance has
two eigenvalues (any number is the same sum; one, with weight 1, is RF's case). An ansatz for G with
three free numbers g, delta_1, delta_2 solves every entry of `(L0 - eta(G)) G = 1` but three (two
for m = inf), and these are the scalar equations. So the ansatz is no restriction: the blocks of
dimension d follow from g and the deltas, whatever these are.

Derivatives: differentiated, the ansatz leaves the linearised Dyson equation with the differentiated
scalar equations, nothing else. The two expressions of E_train are equal by homogeneity: along `X =
-(lam I + delta_1^2 C + ...)` the scalar system answers with `dg = g`, `d delta_k = delta_k^2 -
delta_k`, for which `A` and `S` shrink in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import random_features as scalar
from dsmverify.pencils import random_features as pencils
from dsmverify.pencils.pencil import Place
from dsmverify.pencils.random_features import labels
from dsmverify.systems import symbolic

from ._ansatz import (
    ATOMS,
    ONE,
    K,
    Reduced,
    S,
    Y,
    a,
    dfirst,
    dg,
    dK,
    dS,
    dsecond,
    dY,
    eigenvalues,
    first,
    fresh,
    g,
    h,
    linear,
    others,
    point,
    psi_n,
    psi_p,
    resolvent_equation,
    ridge,
    second,
    shared,
    strength,
    weights,
)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "G = (L0 - eta(G))^-1. Ansatz, with A = sum_k w_k delta_k P_k + q_A, S = lam + sum_k w_k "
        "delta_k N_k + q_S, r = 1/(1 + A psi_p g), K = psi_p g r, b = sqrt(h) mu_1 dbar, and 0 "
        "elsewhere: g_uu = g, g_vk,vk = -delta_k; for each eigenvalue xi: g_w^w^ = -A r, g_w^w = "
        "-r, g_ww = K; finite m also g_ee' = -1, g_w^e' = -b r, g_we' = b K, g_e'e' = b^2 K - dbar."
    )
    for reduced, name in cases():
        add_ansatz(chain, reduced, name)
    add_quadratic(chain)
    for reduced, name in cases():
        add_observables(chain, reduced, name)
    for reduced, name in cases():
        add_training_error(chain, reduced, name)
    several = replace(point(1 + others), shared=from_overlap())
    add_memorisation(chain, Reduced(several, True), "m = 1 + k")
    for reduced, name in cases():
        chain.engine(f"residuals of the scalar system, {name}", engine_pairs(reduced))
    return chain.derivation(
        __name__,
        "From the matrix Dyson equation to the scalar system of random features",
        "random-features.md, sections 3 and 4",
        "every m >= 1 and m = inf, every psi_n, psi_p, lam > 0, every a, h, mu_1^2, v0^2, s^2 > 0, "
        "every spectral law with two atoms, isotropic data included; that g tends to a solution of "
        "the Dyson equation is not shown",
        proves=("rf.pencil",),
        remark=(
            "the formula of E_mem, which the note has by one derivation only, comes out of a "
            "second one; with a general spectrum averages over the atoms take the place of K."
        ),
    )


def cases() -> list[tuple[Reduced, str]]:
    """Every pencil without memory: m = 1, m = 1 + k, m = inf."""
    return [
        (Reduced(point(1), False), "m = 1"),
        (Reduced(point(1 + others), False), "m = 1 + k"),
        (Reduced(point(math.inf), False), "m = inf"),
    ]


def add_ansatz(chain: Chain, reduced: Reduced, name: str) -> None:
    """The ansatz in the Dyson equation."""
    left = reduced.equation.residual(reduced.matrix(reduced.green()))
    right = reduced.matrix(reduced.left_over(), mirrored=False)
    blocks = reduced.equation.names
    for i, one in enumerate(blocks):
        for j, two in enumerate(blocks):
            if reduced.equation.pencil.blocks[one] == reduced.equation.pencil.blocks[two]:
                chain.identity(
                    f"entry {one},{two} of (L0 - eta(G)) G - 1, {name}",
                    left[i, j],
                    right[i, j],
                    show=i == j and right[i, j] != 0,
                )
    chain.step(
        f"{name}: all other entries vanish for every g and delta, so G solves the Dyson equation "
        "exactly when g and delta solve the scalar equations. And every solution G has this form: "
        "of (L0 - eta(G)) the blocks of dimension d hold g_uu and g_vv only, and their inverse is "
        "the ansatz."
    )


def add_quadratic(chain: Chain) -> None:
    """One eigenvalue: RF's quadratic."""
    strength, shift = sympy.symbols("A_1 S_1", positive=True)
    below = 1 + strength * psi_p * g
    chain.identity(
        "One eigenvalue: g (S + A/(1 + A psi_p g)) - 1, times 1 + A psi_p g, is RF's quadratic",
        (g * (shift + strength / below) - 1) * below,
        shift * strength * psi_p * g**2 + (shift + strength * (1 - psi_p)) * g - 1,
    )
    chain.identity(
        "and with it A K + S psi_p g - psi_p = psi_p (g (S + A/(1 + A psi_p g)) - 1)",
        strength * psi_p * g / below + shift * psi_p * g - psi_p,
        psi_p * (g * (shift + strength / below) - 1),
    )


def add_observables(chain: Chain, reduced: Reduced, name: str) -> None:
    """F, k0 and derivatives."""
    green, value = reduced.matrix(reduced.green()), _both(reduced.green())
    own = reduced.parameters
    mean = sum(weights[k] * K[k] for k in ATOMS)
    aligned = h * linear * reduced.dbar * mean
    least = reduced.dbar * (1 - aligned)
    chain.identity(
        f"k0 = h mu_1^2 dbar int K, {name}",
        pencils.alignment(symbolic.SYSTEM, own, value),
        aligned,
        show=False,
    )
    chain.identity(
        f"F = dbar (1 - h mu_1^2 dbar int K), {name}",
        pencils.minimum(own, value).xreplace(ONE),
        least.xreplace(ONE),
        show=False,
    )
    chain.step(
        f"{name}: k0 = h mu_1^2 dbar int K, F = dbar (1 - k0). Let g', delta', A', S' be any "
        "numbers, dL0 the changes of q_A and q_S that go with them, q_A' = A' - sum_k w_k delta_k' "
        "P_k, q_S' likewise, and dG the ansatz differentiated along them:"
    )
    t_c, t_n, t_i = sympy.symbols("T_C T_N T_I", real=True)
    test = pencils.errors(own, least, aligned, {"C": t_c, "N": t_n, "I": t_i})[0]
    isotropic = dict.fromkeys(eigenvalues, sympy.Integer(1)) | {h: 1 - a**2} | ONE
    chain.identity(
        f"E_test = 1 - 2 k0/h + (T_C + T_N)/h for isotropic data, h = 1 - a^2, {name}",
        test.xreplace(isotropic),
        (1 - (2 * aligned - t_c - t_n) / h).xreplace(isotropic),
        show=False,
    )
    change = reduced.matrix({place: total(entry) for place, entry in reduced.green().items()})
    left = reduced.equation.linearised(green, change, _direction(reduced))
    right = reduced.matrix(
        {place: total(entry) for place, entry in reduced.left_over().items()}, mirrored=False
    )
    for i, j in np.ndindex(*left.shape):
        blocks = reduced.equation.names[i], reduced.equation.names[j]
        kinds = [reduced.equation.pencil.blocks[block] for block in blocks]
        if kinds[0] == kinds[1]:
            text = f"entry {blocks[0]},{blocks[1]} of the linearised Dyson equation, {name}"
            chain.identity(text, left[i, j], right[i, j], show=False)
    chain.step(
        "(L0 - eta(G)) dG - (eta(dG) - dL0) G has the differentiated scalar equations where (L0 - "
        "eta(G)) G - 1 has the scalar ones, and 0 elsewhere. So T_X, the derivative of F by the "
        "implicit function theorem, is that of the linearised Dyson equation."
    )


def add_training_error(chain: Chain, reduced: Reduced, name: str) -> None:
    """The two expressions of E_train."""
    if reduced.infinite:
        squares = sympy.Integer(1)
    else:
        squares = (first**2 + (reduced.m - 1) * second**2) / reduced.m
    moves = {dfirst: first**2 - first, dsecond: second**2 - second}
    along = {**moves, dg: g, dS: -S, **{dK[k]: K[k] for k in ATOMS}}

    def answer(expression: Any) -> Any:
        return total(expression).xreplace(along)

    chain.step(
        f"{name}, q = 0: let X = -(lam I + delta_1^2 C + D N), D = "
        f"{'1' if reduced.infinite else 'delta_1^2/m + (1 - 1/m) delta_2^2'}, and try g' = g, "
        "delta_k' = delta_k^2 - delta_k. Then A' = sum_k w_k delta_k' P_k + X_A = -A, and S' = -S, "
        "so K' = K:"
    )
    for k in ATOMS:
        chain.identity(
            f"A' = -A, atom {k + 1}",
            total(reduced.own_strength(k)).xreplace(moves)
            - (first**2 * a**2 * linear * eigenvalues[k] + squares * h * linear),
            -reduced.own_strength(k),
            show=k == 0,
        )
    chain.identity(
        "S' = -S, which is why K' = K",
        total(reduced.own_shift).xreplace(moves) - (ridge + first**2 * shared + squares * fresh),
        -(ridge + reduced.own_shift),
    )
    chain.identity("the equation of g stays solved", answer(resolvent_equation()), 0)
    for level in (1, 2) if reduced.several else (1,):
        equation = reduced.delta_equation(level)
        chain.identity(
            f"and so does that of delta_{level}: its derivative is delta_{level} times itself",
            answer(equation),
            (first if level == 1 else second) * equation,
            show=False,
        )
        chain.step(
            f"and so does that of delta_{level}: its derivative is delta_{level} times itself"
        )
    mean = sum(weights[k] * K[k] for k in ATOMS)
    aligned = h * linear * reduced.dbar * mean
    least = reduced.dbar * (1 - aligned)
    slope = answer(least)
    chain.identity(
        "Hence T_X = D (1 - 2 k0) - F",
        slope,
        squares * (1 - 2 * aligned) - least,
    )
    t_c, t_n, t_i = sympy.symbols("T_C T_N T_I", real=True)
    if reduced.infinite:
        expression = 1 - 2 * aligned + first**2 * t_c + t_n
    else:
        expression = first**2 * (1 - 2 * aligned + reduced.m * t_c + t_n) / reduced.m
        expression += (reduced.m - 1) / reduced.m * second**2 * (1 - 2 * aligned + t_n)
    along_x = -(ridge * t_i + first**2 * t_c + squares * t_n)
    chain.identity(
        "T is linear in X, T_X = -(lam T_I + delta_1^2 T_C + D T_N), so F - lam T_I is the other "
        "expression of E_train plus F + T_X - D (1 - 2 k0), which is 0",
        least - ridge * t_i - expression,
        least + along_x - squares * (1 - 2 * aligned),
        show=False,
    )
    chain.step(
        "T is linear in X, T_X = -(lam T_I + delta_1^2 T_C + D T_N), so F - lam T_I = "
        f"{'1 - 2 k0 + delta_1^2 T_C + T_N' if reduced.infinite else RESIDUALS}."
    )


RESIDUALS = "(1/m) delta_1^2 (1 - 2 k0 + m T_C + T_N) + (1 - 1/m) delta_2^2 (1 - 2 k0 + T_N)"


def add_memorisation(chain: Chain, reduced: Reduced, name: str) -> None:
    """`E_mem`, by the blocks v3 and v4."""
    left = reduced.equation.residual(reduced.matrix(reduced.green()))
    right = reduced.matrix(reduced.left_over(), mirrored=False)
    chain.step(
        f"E_mem, {name} (k = 0 without the block v2): blocks v3, v4 of n rows; q at (v4, v4) adds "
        "q (1/n) sum_i E_z[phi] E_z[phi]^T to U. At q = 0 the ansatz has g_v1v4 = delta_1 y, "
        "g_v3v4 = -1, g_v4v4 = y - delta_1 y^2, y = (v0^2 psi_p g + a^2 mu_1^2 int xi K)/psi_n. "
        "Along q the scalar numbers answer as along X = (1 - delta_1 y)^2 C + x^2 N, x = delta_1 "
        "y/sqrt(m), and dbar by x^2 more:"
    )
    own = first * Y
    x2, rest = own**2 / reduced.m, (1 - own) ** 2

    def answer(change: Any, k: int) -> Any:
        """`K'` from `A' = g'/(psi_p g^2) - K'/K^2`."""
        return K[k] ** 2 * (dg / (psi_p * g**2) - change)

    changes = [rest * a**2 * linear * eigenvalues[k] + x2 * h * linear for k in ATOMS]
    along = {
        dS: by_deltas(reduced.own_shift) + rest * from_overlap() + x2 * fresh,
        **{dK[k]: answer(by_deltas(reduced.own_strength(k)) + changes[k], k) for k in ATOMS},
    }
    fall = sum(weights[k] * eigenvalues[k] * dK[k] for k in ATOMS)
    slope_y = (from_overlap() * psi_p * dg + a**2 * linear * fall) / psi_n

    def settled(expression: Any) -> Any:
        """With the rates of y, then of S and K, put in."""
        return expression.xreplace({dY: slope_y}).xreplace(along)

    bar = sympy.Symbol("dbar", positive=True)
    moved = total(reduced.dbar) + x2
    change = {
        place: (total(entry) + sympy.diff(entry, bar) * moved).xreplace({bar: reduced.dbar})
        for place, entry in reduced.green(bar).items()
    }
    change["v1", "v1"] -= own**2
    change["v1", "v3"] = own
    change["v3", "v3"] = sympy.Integer(-1)
    change["v1", "v4"] -= own * Y * (1 - own)
    change["v3", "v4"] = Y * (1 - own)
    change["v4", "v4"] -= (Y * (1 - own)) ** 2
    change = {place: settled(entry) for place, entry in change.items()}
    derivative = reduced.equation.linearised(
        reduced.matrix(reduced.green()), reduced.matrix(change), {("v4", "v4"): sympy.Integer(1)}
    )
    after = {place: settled(total(entry)) for place, entry in reduced.left_over().items()}
    expected = reduced.matrix(after, mirrored=False)
    # q itself adds -G dL0 G to dG, and so the left over times -dL0 G.
    q = reduced.equation.fixed({("v4", "v4"): sympy.Integer(1)})
    expected = expected - right @ q @ reduced.matrix(reduced.green())
    for i, j in np.ndindex(*left.shape):
        blocks = reduced.equation.names[i], reduced.equation.names[j]
        kinds = [reduced.equation.pencil.blocks[block] for block in blocks]
        if kinds[0] == kinds[1]:
            place = f"{blocks[0]},{blocks[1]}"
            chain.identity(f"entry {place} with v3, v4", left[i, j], right[i, j], show=False)
            text = f"entry {place} of the linearised equation with v3, v4"
            chain.identity(text, derivative[i, j], expected[i, j], show=False)
    mean = sum(weights[k] * K[k] for k in ATOMS)
    aligned = h * linear * reduced.dbar * mean
    slope = pencils.minimum_change(reduced.parameters, _both(change))
    least = (reduced.dbar * (1 - aligned)).xreplace(ONE)
    chain.identity(
        "T_M = T_X + x^2 (1 - 2 k0), X = (1 - delta_1 y)^2 C + x^2 N",
        slope.xreplace(ONE),
        settled(total(least) + x2 * (1 - 2 * aligned)).xreplace(ONE),
        show=False,
    )
    chain.step(
        "so T_M = T_X + x^2 (1 - 2 k0) and E_mem = 1 - 2 k0 + (1 - sqrt(m) x)^2 T_C + x^2 (1 - 2 "
        "k0 + T_N) + T_N."
    )


def total(expression: Any) -> Any:
    """Derivative along a change of g, the deltas, K and S, and of y where it is a symbol."""
    pairs = zip((g, first, second, S, Y, *K), (dg, dfirst, dsecond, dS, dY, *dK), strict=True)
    return sum(sympy.diff(expression, symbol) * rate for symbol, rate in pairs)


def by_deltas(expression: Any) -> Any:
    """Derivative along a change of the deltas alone."""
    return sympy.diff(expression, first) * dfirst + sympy.diff(expression, second) * dsecond


def from_overlap() -> Any:
    """`v0^2`, from y."""
    mean = sum(weights[k] * eigenvalues[k] * K[k] for k in ATOMS)
    return (psi_n * Y - a**2 * linear * mean) / (psi_p * g)


def engine_pairs(reduced: Reduced) -> list[tuple[Any, Any]]:
    """The engine's residuals of the scalar system beside the entries of the Dyson equation."""
    ns = symbolic.SYSTEM
    law = scalar.Spectrum(ns, np.array(eigenvalues, dtype=object), np.array(weights, dtype=object))
    m = reduced.m
    parameters = scalar.Parameters(
        ns=ns,
        psi_n=psi_n,
        psi_p=psi_p,
        signal=a**2,
        noise=h,
        inverse_copies=sympy.Integer(0) if reduced.infinite else 1 / sympy.sympify(m),
        ridge=ridge,
        linear=linear,
        shared=shared,
        fresh=fresh,
        spectrum=law,
        unit=sympy.Integer(1),
    )
    delta = first, second if reduced.several else sympy.Integer(1)
    H = psi_p * g
    none = {
        S: ridge + reduced.own_shift,
        **{K[k]: H / (1 + reduced.own_strength(k) * H) for k in ATOMS},
    }
    none |= {} if reduced.several else {second: sympy.Integer(1)}
    values = scalar.residuals(scalar.state(parameters, delta, psi_p * g))
    derived = [
        reduced.delta_equation(1),
        reduced.delta_equation(2) if reduced.several else None,
        psi_p * resolvent_equation(),
    ]
    return [
        (value, right.xreplace(none))
        for value, right in zip(values, derived, strict=True)
        if right is not None
    ]


def _direction(reduced: Reduced) -> dict[Place, Any]:
    """Changes of q_S and q_A that go with those of g, the deltas, K and S."""
    names = labels(reduced.parameters, "w")
    changes = {
        name: total(strength(k)) - by_deltas(reduced.own_strength(k))
        for k, name in enumerate(names)
    }
    return {
        ("u", "u"): dS - by_deltas(reduced.own_shift),
        **{(name, name): change for name, change in changes.items()},
    }


def _both(entries: Mapping[Place, Any]) -> dict[Place, Any]:
    """Entries at their mirrored places too, and 0 wherever nothing is said."""
    both = {(two, one): value for (one, two), value in entries.items()}
    return {**both, **entries}

"""The gradient of the risk, from the closed-form pair integrals.

For one training point `E[f^2] = (1/m^2) sum_{k,l} v_k v_l K_{kl} + (2/m) sum_l v_l L_l +
1/sigma^2`, with `K_{kl} = E[relu_k relu_l]` and `L_l = E[relu_l (Y - c)]/sigma^2`. For every sign
combination and every order of the two kinks, K has a closed form; differentiated, it gives
`dK_{kl}/db_l = E[1_l relu_k]`, `dK_{kl}/dw_l = E[Y 1_l relu_k]`, the diagonal K_{ll} twice that
with k = l, and likewise for L. Summed over k these are `E[f 1_l]` and `E[f Y 1_l]`:
`dR/dv_l = (2/m) E[f relu_l]`, `dR/db_l = (2/m) v_l E[f 1_l]`, `dR/dw_l = (2/m) v_l E[f Y 1_l]`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import risk
from dsmverify.systems import symbolic

from ._gaussian import integral
from ._network import (
    FEATURE,
    SmallNetwork,
    by_weight,
    c,
    half_line,
    neuron,
    noised,
    pairs,
    sigma,
    small_networks,
)

KINDS: tuple[Any, ...] = ("outer", "bias", "inner")


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "For one training point E[f^2] = (1/m^2) sum_{k,l} v_k v_l K_kl + (2/m) sum_l v_l L_l + "
        "1/sigma^2, K_kl = E[relu_k relu_l], L_l = E[relu_l (Y - c)]/sigma^2: quadratic in the "
        "outer weights, so dR/dv_l = (2/m) E[f relu_l]."
    )
    for pair in pairs():
        if pair.overlap is None:
            chain.step(f"{pair.name}: never active together, K = 0 and so are its derivatives.")
            continue
        for kind in "bw":
            chain.identity(
                f"dK/d{kind} = E[{'Y ' if kind == 'w' else ''}1_l relu_k], {pair.name}",
                by_weight(pair.product, (pair.first, kind)),
                pair.mean(FEATURE[kind] * pair.second.linear),
                show=False,
            )
        chain.step(f"dK/db = E[1_l relu_k] and dK/dw = E[Y 1_l relu_k], {pair.name}")
    for sign in (1, -1):
        one = neuron(1, sign)
        ends = half_line(one)
        for kind in "bw":
            chain.identity(
                f"dK_ll/d{kind}, sign {sign:+d}",
                by_weight(integral(one.linear**2, *ends), (one, kind)),
                2 * integral(FEATURE[kind] * one.linear, *ends),
                show=False,
            )
            chain.identity(
                f"dL/d{kind}, sign {sign:+d}",
                by_weight(integral(one.linear * (noised - c) / sigma**2, *ends), (one, kind)),
                integral(FEATURE[kind] * (noised - c) / sigma**2, *ends),
                show=False,
            )
        chain.step(
            f"dK_ll/db = 2 E[relu_l 1_l], dL_l/db = E[(Y - c) 1_l]/sigma^2; by w with Y, sign "
            f"{sign:+d}"
        )
    chain.step(
        "Summed: dR/db_l = (2/m) v_l E[f 1_l], dR/dw_l = (2/m) v_l E[f Y 1_l], each averaged over "
        "the training points."
    )
    for small in small_networks():
        chain.engine(
            f"gradient (outer, bias, inner), n = 2, m = {small.width}, signs {small.signs}",
            engine_pairs(small),
        )
    return chain.derivation(
        __name__,
        "The gradient of the risk",
        "hess15.a, p. 25",
        "every n, every m (a sum over pairs of neurons), every non-zero inner weights, both orders "
        "of the kinks (coinciding ones by continuity), every mu, sigma > 0",
        proves_steps=("hess15.a",),
    )


def engine_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """The engine's gradient beside `(2/m) E[f m ds/d(parameter)]`."""
    values = risk.gradient(symbolic.SYSTEM, small.sample(), small.network(), KINDS)
    derived = [
        2 * small.mean(_product(small, kind, index)) / small.width
        for kind in KINDS
        for index in small.positions()
    ]
    return list(zip(values, derived, strict=True))


def _product(small: SmallNetwork, kind: str, index: int) -> Any:
    def product(point: Any, piece: int, y: Any) -> Any:
        return sympy.expand(small.residual(point, piece, y) * small.feature(kind, index, piece, y))

    return product

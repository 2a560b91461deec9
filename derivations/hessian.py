"""The Hessian of the risk, entry by entry, from the closed-form pair integrals.

K and L as in the derivation of the gradient, p the density of Y. For neurons l and k, every sign
combination and every order of the kinks, differentiating the closed forms twice gives
`d2K/db_l db_k = E[1_l 1_k]`, with a factor Y for every w in place of b, and, for two derivatives by
one neuron's parameters, the boundary terms `d2K/db_l^2 = relu_k(tau_l) p(tau_l)/|w_l|`, with a
factor tau_l for every w in place of b. `K_ll` gives `2 E[1_l]` and no boundary term, since a neuron
vanishes at its own kink. Collected over k, with g = m grad s and f the residual:

`hess R = (2/m^2) E[g g^T]
        + (2/m) E[f 1_l]   in (v_l, b_l), (2/m) E[f Y 1_l] in (v_l, w_l)
        + (2 v_l/(m |w_l|)) f(tau_l) p(tau_l) (1, tau_l, tau_l^2)
          in (b_l, b_l), (b_l, w_l), (w_l, w_l)`,

each averaged over training points. The boundary term has a plus sign for inner weights of either
sign; the printed one has the factor -w1_l, which is right for w1_l = -1 only.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import curvature
from dsmverify.systems import symbolic

from ._gaussian import density, integral
from ._network import (
    FEATURE,
    Neuron,
    SmallNetwork,
    by_weight,
    c,
    half_line,
    m,
    mu,
    neuron,
    noised,
    pairs,
    sigma,
    small_networks,
)

KINDS: tuple[Any, ...] = ("outer", "bias", "inner")
SECOND = (("b", "b"), ("b", "w"), ("w", "w"))


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "For one training point E[f^2] = (1/m^2) sum_{k,l} v_k v_l K_kl + (2/m) sum_l v_l L_l + "
        "1/sigma^2; derivatives by outer weights are those of a quadratic form, first derivatives "
        "of K and L are in the derivation `gradient`."
    )
    for pair in pairs():
        if pair.overlap is None:
            chain.step(f"{pair.name}: never active together, K = 0, every term below is 0.")
            continue
        boundary = pair.first.kink_density * pair.second_at_first_kink
        for first, second in SECOND:
            chain.identity(
                f"d2K/d{first}_l d{second}_l = relu_k(tau_l) p(tau_l)/|w_l| (times tau_l per w), "
                f"{pair.name}",
                by_weight(pair.product, (pair.first, first), (pair.first, second)),
                boundary * _place(pair.first, first) * _place(pair.first, second),
                show=False,
            )
        for first, second in SECOND:
            chain.identity(
                f"d2K/d{first}_l d{second}_k = E[1_l 1_k] (times Y per w), {pair.name}",
                by_weight(pair.product, (pair.first, first), (pair.second, second)),
                pair.mean(sympy.expand(FEATURE[first] * FEATURE[second])),
                show=False,
            )
        chain.step(
            f"d2K/db_l db_k = E[1_l 1_k]; d2K/db_l^2 = relu_k(tau_l) p(tau_l)/|w_l|; a w in place "
            f"of a b multiplies by Y, by tau_l at the kink; {pair.name}"
        )
    for sign in (1, -1):
        one = neuron(1, sign)
        _add_single(chain, one)
    total, outer, place = sympy.symbols("S_l v_l tau_l", real=True)
    chain.identity(
        "Boundary terms over all k, S_l = sum_k v_k relu_k(tau_l), each pair counted twice, up to "
        "the factor p(tau_l)/|w_l|",
        2 * outer * total / m**2 + (2 / m) * outer * (place - c) / sigma**2,
        (2 * outer / m) * (total / m + (place - c) / sigma**2),
    )
    chain.step(
        "Collected: relu_l(tau_l) = 0, so (1/m) sum_k v_k relu_k(tau_l) + (tau_l - c)/sigma^2 = "
        "f(tau_l), and the boundary term of (b_l, b_l) is + (2 v_l/(m |w_l|)) f(tau_l) p(tau_l)."
    )
    _add_printed_form(chain)
    for small in small_networks():
        chain.engine(
            f"hessian (outer, bias, inner), n = 2, m = {small.width}, signs {small.signs}",
            engine_pairs(small),
        )
    return chain.derivation(
        __name__,
        "The Hessian of the risk",
        "eqs. 15-16, p. 26",
        "every n, every m (a sum over pairs of neurons), every non-zero inner weights, outer "
        "weights, biases and inner weights as parameters, every mu, sigma > 0; at coinciding kinks "
        "by the derivation `regularity`",
        proves=("hess15.r1",),
        proves_steps=("hess15.b", "hess15.d", "hess15.c.r1", "hess15.e.r1", "hess15.f.r1"),
        remark=(
            "the boundary term is +(2 w2_l/(m |w1_l|)) mean_i f_i(tau_l) p_i(tau_l) for both signs "
            "of w1_l; the printed hess15.c, hess15.e and the last term of eq. 15 (hess15.f) have "
            "the factor -w1_l, the wrong sign for w1_l = +1."
        ),
    )


def _add_printed_form(chain: Chain) -> None:
    """hess15.c.r1, .d, .e.r1 and .f.r1: the boundary term as the page writes it, with a plus."""
    outer, residual, place, mean = sympy.symbols("v_l f_i tau_l c_i", real=True)
    n = sympy.Symbol("n", positive=True)
    chain.step(
        "With |w_l| = 1 and c_i = mu x_i, the page's (M_bb)_ll is n/2 times the share of point i. "
        "For w_l = +1 the kink is -b_l (hess15.c.r1), for w_l = -1 it is b_l (hess15.d); the sign "
        "is + for both (hess15.e.r1)."
    )
    decay = sympy.exp(-((place - mean) ** 2) / (2 * sigma**2))
    entry_of_point = outer * residual * decay / (sympy.sqrt(2 * sympy.pi) * m * sigma)
    chain.identity(
        "The share of point i",
        2 * outer / m * residual * density((place - mean) / sigma) / sigma / n,
        2 / n * entry_of_point,
    )
    chain.identity(
        "and the factor of the last term of eq. 15, with a plus and without w1 (hess15.f.r1)",
        2 / n * entry_of_point,
        sympy.sqrt(2) / (sympy.sqrt(sympy.pi) * m * n * sigma) * outer * residual * decay,
    )


def _add_single(chain: Chain, one: Neuron) -> None:
    """Second derivatives of the diagonal K_ll and of L_l."""
    ends = half_line(one)
    square = integral(sympy.expand(one.linear**2), *ends)
    linear = integral(sympy.expand(one.linear * (noised - c) / sigma**2), *ends)
    away = (one.place - c) / sigma**2
    for first, second in SECOND:
        features = sympy.expand(FEATURE[first] * FEATURE[second])
        chain.identity(
            f"d2K_ll/d{first} d{second} = 2 E[1_l] (times Y per w), sign {one.sign:+d}",
            by_weight(square, (one, first), (one, second)),
            2 * integral(features, *ends),
            show=False,
        )
        chain.identity(
            f"d2L/d{first} d{second} = (tau_l - c) p(tau_l)/(sigma^2 |w_l|), sign {one.sign:+d}",
            by_weight(linear, (one, first), (one, second)),
            away * one.kink_density * _place(one, first) * _place(one, second),
            show=False,
        )
    chain.step(
        "d2K_ll/db^2 = 2 E[1_l], d2L_l/db^2 = (tau_l - c) p(tau_l)/(sigma^2 |w_l|); w as above; "
        f"sign {one.sign:+d}"
    )


def _place(one: Neuron, kind: str) -> Any:
    return one.place if kind == "w" else sympy.Integer(1)


def engine_pairs(small: SmallNetwork) -> list[tuple[Any, Any]]:
    """The engine's Hessian (upper triangle and the diagonal) beside the derived one."""
    matrix = curvature.hessian(symbolic.SYSTEM, small.sample(), small.network(), KINDS)
    labels = [(kind, index) for kind in KINDS for index in small.positions()]
    return [
        (matrix[row, column], entry(small, labels[row], labels[column]))
        for row in range(len(labels))
        for column in range(row, len(labels))
    ] + [(matrix[-1, 0], entry(small, labels[-1], labels[0]))]


def entry(small: SmallNetwork, one: tuple[str, int], two: tuple[str, int]) -> Any:
    """One derived entry, by the definition of its expectations."""
    (kind, index), (other_kind, other) = one, two

    def outer_product(point: Any, piece: int, y: Any) -> Any:
        first = small.feature(kind, index, piece, y)
        return sympy.expand(first * small.feature(other_kind, other, piece, y))

    result = 2 * small.mean(outer_product) / small.width**2
    if index != other:
        return result
    kinds = {kind, other_kind}
    if "outer" in kinds:
        if kinds == {"outer"}:
            return result
        inner = "inner" in kinds

        def cross(point: Any, piece: int, y: Any) -> Any:
            if not small.is_active(index, piece):
                return sympy.Integer(0)
            return sympy.expand(small.residual(point, piece, y) * (y if inner else 1))

        return result + 2 * small.mean(cross) / small.width
    return result + boundary(small, index) * small.kinks[index] ** (
        (kind == "inner") + (other_kind == "inner")
    )


def boundary(small: SmallNetwork, index: int) -> Any:
    """`(2 v_l/(m |w_l|)) (1/n) sum_i f_i(tau_l) p_i(tau_l)`."""
    place, size = small.kinks[index], small.signs[index] * small.weights[index]
    total = sum(
        small.residual(point, index, place) * density((place - mu * point) / sigma) / sigma
        for point in small.points
    )
    return 2 * small.outer[index] / (small.width * size) * total / small.size

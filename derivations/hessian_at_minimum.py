"""The Hessian at a local minimum: which terms are gone, and what is left.

Write `a_l = mean_i E[f 1_l]`, `r_l = mean_i E[f relu_l]`, `g_l = mean_i E[f Y 1_l]`, and
`beta_l = (1/|w_l|) mean_i f_i(tau_l) p_i(tau_l)`. The part of the Hessian that depends on f is
`(2/m) a_l` in (v_l, b_l), `(2/m) g_l` in (v_l, w_l), `(2/m) v_l beta_l (1, tau_l, tau_l^2)` in the
block of (b_l, w_l). First-order conditions: `dR/dv_l = (2/m) r_l`, `dR/db_l = (2/m) v_l a_l`, and
`r_l = w_l g_l + b_l a_l`.

- Outer weight not zero: `a_l = 0` (also at the boundary |v_l| = A, since biases are free). Where
  `|v_l| < A`, also `r_l = 0`, hence `g_l = 0`. Both cross terms are gone.
- Outer weight zero (a dead weight, interior): the gradient says nothing about a_l. But the Hessian
  is positive semidefinite at a minimum, its (b_l, b_l) entry is `(2/m^2) v_l^2 E[1_l] + (2/m) v_l
  beta_l = 0`, so its (v_l, b_l) entry, which is `(2/m) a_l` there, must vanish too: `a_l = 0`, and
  then `g_l = 0`.

What is left, at every local minimum with |v_l| < A: `(2/m^2) E[g g^T] + diag(0, (2/m) v_l beta_l)`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._network import SmallNetwork, m
from .hessian import boundary, entry


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    v, w, b, a, r, g = sympy.symbols("v_l w_l b_l a_l r_l g_l", real=True)
    beta, mass, lift = sympy.symbols("beta_l P_l q_l", real=True)
    for sign in (1, -1):
        small = SmallNetwork((sign,), (0,))
        _add_definition(chain, small, sign)
    chain.step(
        "For any m the same holds with f the residual of the whole network (relu is one neuron's)."
    )
    chain.step(
        "dR/db_l = (2/m) v_l a_l vanishes, so a_l = 0 wherever v_l is not 0: the f-part of the "
        "entry (v_l, b_l) is gone. dR/dv_l = (2/m) r_l vanishes where |v_l| < A, and then, w_l not "
        "being 0, so does g_l:"
    )
    relation = sympy.Eq(r, w * g + b * a)
    chain.step("the relation with a_l = r_l = 0 reads", relation.subs({a: 0, r: 0}))
    block = sympy.Matrix(
        [
            [lift, (2 / m**2) * v * r + (2 / m) * a],
            [0, (2 / m**2) * v**2 * mass + (2 / m) * v * beta],
        ]
    )
    block[1, 0] = block[0, 1]
    at_zero = block.subs(v, 0)
    chain.step(
        "For v_l = 0: the block of (v_l, b_l) in the Hessian, q_l its first entry, is", at_zero
    )
    chain.identity(
        "Its determinant is -(2 a_l/m)^2; a minimum needs it to be >= 0, so a_l = 0",
        at_zero.det(),
        -((2 * a / m) ** 2),
    )
    chain.step(
        "Left at a local minimum with |v_l| < A for every l: (2/m^2) E[g g^T] plus "
        "(2 v_l/(m |w_l|)) mean_i f_i(tau_l) p_i(tau_l) on the diagonal of the biases."
    )
    return chain.derivation(
        __name__,
        "The Hessian at a local minimum",
        "eqs. 15-16, p. 26",
        "every n, every m, every non-zero inner weights; neurons with w2_l not 0 at any stationary "
        "point, neurons with w2_l = 0 at any local minimum",
        remark=(
            "the cross term with H of eq. 16 vanishes at every interior local minimum, so "
            "sqrt(R_n)/2 in prop06b bounds a term that is 0 there."
        ),
    )


def _gradient(small: SmallNetwork) -> Any:
    """Derivatives of the risk of one neuron by v_l and b_l, from the definition by pieces."""
    risk = small.mean(lambda point, piece, y: small.residual(point, piece, y) ** 2)
    by_kink = sympy.Derivative(risk, small.kinks[0])
    return sympy.Derivative(risk, small.outer[0]), -by_kink / small.weights[0]


def _add_definition(chain: Chain, small: SmallNetwork, sign: int) -> None:
    """Tie the names to the entries of the derived Hessian and gradient, at m = 1, n = 2."""
    weight, kink, outer = small.weights[0], small.kinks[0], small.outer[0]

    def of(factor: object) -> sympy.Expr:
        def product(point: object, piece: int, y: sympy.Expr) -> sympy.Expr:
            if not small.is_active(0, piece):
                return sympy.Integer(0)
            value = {"1": sympy.Integer(1), "Y": y}.get(str(factor), small.relu(0, piece, y))
            return sympy.expand(small.residual(point, piece, y) * value)

        return small.mean(product)

    def gram(first: str, second: str) -> sympy.Expr:
        def product(point: object, piece: int, y: sympy.Expr) -> sympy.Expr:
            left = small.feature(first, 0, piece, y)
            return sympy.expand(left * small.feature(second, 0, piece, y))

        return small.mean(product)

    texts = {
        "r_l = w_l g_l + b_l a_l": (of("relu"), weight * of("Y") - weight * kink * of("1")),
        "dR/dv_l = (2/m) r_l": (_gradient(small)[0], 2 * of("relu")),
        "dR/db_l = (2/m) v_l a_l": (_gradient(small)[1], 2 * outer * of("1")),
        "entry (v_l, b_l) = (2/m^2) E[relu v_l 1] + (2/m) a_l": (
            entry(small, ("outer", 0), ("bias", 0)),
            2 * gram("outer", "bias") + 2 * of("1"),
        ),
        "entry (b_l, b_l) = (2/m^2) v_l^2 E[1_l] + (2/m) v_l beta_l": (
            entry(small, ("bias", 0), ("bias", 0)),
            2 * gram("bias", "bias") + boundary(small, 0),
        ),
        "entry (b_l, b_l) vanishes with v_l": (
            entry(small, ("bias", 0), ("bias", 0)).subs(outer, 0),
            sympy.Integer(0),
        ),
    }
    for text, (left, right) in texts.items():
        chain.identity(f"{text}, sign {sign:+d}", left, right, show=False)
        chain.step(f"{text}, sign {sign:+d}")

"""The risk is twice continuously differentiable, coinciding kinks included.

R_n is a polynomial in the outer weights whose coefficients are the pair integrals K_{kl} and the
single integrals L_l and K_ll. The latter are smooth in (w, b), w non-zero, by their closed forms. A
pair integral has one smooth closed form on either side of the hypersurface where the kinks
coincide, `b_l w_k = b_k w_l`; both forms extend smoothly across it. Pair lemma: on the hypersurface
the two forms agree, with all first and second derivatives. Two functions of class C^2 on the two
closed sides of a smooth hypersurface that agree there to second order are one C^2 function. A sum
over n points and m^2 pairs of C^2 functions is C^2, for every n and m.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._network import Pair, c, neuron, sigma


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    t = sympy.Symbol("t", real=True)
    chain.step(
        "R_n is a sum over training points and pairs of neurons of v_k v_l K_kl, v_l L_l and a "
        "constant; L_l and K_ll are smooth by their closed forms (derivation `gradient`)."
    )
    for first_sign, second_sign in ((1, 1), (-1, -1), (1, -1), (-1, 1)):
        first, second = neuron(1, first_sign), neuron(2, second_sign)
        forms = [Pair(first, second, left).product for left in (True, False)]
        variables = (first.parameter, first.bias, second.parameter, second.bias)
        meet = {one.bias: -one.weight * (c + sigma * t) for one in (first, second)}
        for order in range(3):
            for by in itertools.combinations_with_replacement(variables, order):
                left, right = (_at(form, by, meet) for form in forms)
                names = " ".join(f"d{variable}" for variable in by) or "value"
                chain.identity(
                    f"signs {first_sign:+d} {second_sign:+d}, coinciding kinks, {names}",
                    left,
                    right,
                    show=False,
                )
        chain.step(
            f"Signs {first_sign:+d} {second_sign:+d}: where both kinks are at z = t, the closed "
            f"forms of the two orders agree, with their 4 first and 10 second derivatives."
        )
    first, second = neuron(1, 1), neuron(2, -1)
    surface = first.bias * second.weight - second.bias * first.weight
    chain.identity(
        "The hypersurface b_l w_k = b_k w_l is smooth: its derivative by b_l is w_k, not 0",
        sympy.Derivative(surface, first.bias),
        second.weight,
    )
    chain.step(
        "Two C^2 pieces that agree to second order on a smooth hypersurface are one C^2 function."
    )
    return chain.derivation(
        __name__,
        "The risk is twice continuously differentiable",
        "lemma 5, p. 9",
        "every n, every m, every theta, every non-zero inner weights (frozen or trained), every "
        "mu, sigma > 0",
        proves=("lem05",),
    )


def _at(form: Any, by: tuple[Any, ...], meet: dict[Any, Any]) -> Any:
    """A derivative of a closed form where the kinks coincide."""
    value = sympy.diff(form, *by) if by else form
    return sympy.sympify(value).subs(meet, simultaneous=True)

"""Truncated moments of the standard normal law about any point c.

`E[(Z - c)^k ; a < Z < b]` for k = 0..4. The antiderivative `-q phi - kappa Q` of `(z - c)^k phi(z)`
is verified by differentiating it; at infinite ends every term is a polynomial times `exp(-z^2/2)`,
which tends to 0, and Q tends to 0 and 1. For higher k one recurrence serves all:
`I_k = (k-1) I_{k-2} - c I_{k-1} + [(z - c)^{k-1} phi(z)] from b to a`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.systems import symbolic

from ._gaussian import density, integral, primitive, tail, z

a, b, c = sympy.symbols("a b c", real=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.identity("phi'", sympy.Derivative(density(z), z), -z * density(z))
    chain.identity("Q'", sympy.Derivative(tail(z), z), -density(z))
    for order in range(5):
        power = (z - c) ** order
        chain.identity(
            f"Antiderivative of (z - c)^{order} phi(z), by differentiating it",
            sympy.Derivative(primitive(power), z),
            power * density(z),
        )
    order = sympy.Symbol("k", integer=True, positive=True)
    chain.identity(
        "Recurrence for every k >= 1: the derivative of (z - c)^(k-1) phi",
        sympy.Derivative((z - c) ** (order - 1) * density(z), z),
        ((order - 1) * (z - c) ** (order - 2) - (z - c) ** order - c * (z - c) ** (order - 1))
        * density(z),
    )
    chain.step("At infinite ends polynomials times exp(-z^2/2) vanish; Q(oo) = 0, Q(-oo) = 1.")
    for power in range(3):
        chain.step(f"E[(Z - c)^{power} ; a < Z < b]", integral((z - c) ** power, a, b))
    for position in range(3):
        chain.engine(
            f"normal_pieces of two cuts, {position} of them left of 0", engine_pairs(position)
        )
    return chain.derivation(
        __name__,
        "Truncated moments of the normal law",
        "section 5",
        "every real c, every -oo <= a < b <= oo, k = 0..4 in closed form, every k by recurrence",
    )


def engine_pairs(position: int) -> list[tuple[Any, Any]]:
    """The engine's moments on the three pieces between two cuts, beside the derived ones."""
    cuts = np.array([[a, b]], dtype=object)
    centre, *moments = symbolic.SYSTEM.normal_pieces(cuts, np.array([position]))
    ends = (-sympy.oo, a, b, sympy.oo)
    return [
        (moments[power][0, piece], integral((z - centre[0, piece]) ** power, *ends[piece:][:2]))
        for power in range(3)
        for piece in range(3)
    ]

"""Truncated Gaussian integrals of polynomials, by antiderivatives that are checked by derivative.

With `phi` the standard normal density and `Q(z) = erfc(z/sqrt 2)/2` its upper tail, the
antiderivative of `p(z) phi(z)` is `-q(z) phi(z) - kappa Q(z)`, where `z q - q' + kappa = p`: the
polynomial q and the number kappa are found from the highest power down.
"""

from __future__ import annotations

from typing import Any

import sympy

z = sympy.Symbol("z", real=True)


def density(point: Any) -> Any:
    """Standard normal density."""
    return sympy.exp(-(point**2) / 2) / sympy.sqrt(2 * sympy.pi)


def tail(point: Any) -> Any:
    """`P(Z > point)`."""
    return sympy.erfc(point / sympy.sqrt(2)) / 2


def antiderivative(polynomial: Any) -> tuple[Any, Any]:
    """`q` and `kappa` with `z q - q' + kappa = polynomial`, in `z`."""
    rest = sympy.Poly(polynomial, z)
    quotient = sympy.Poly(0, z)
    while rest.degree() > 0:
        part = sympy.Poly(rest.LC() * z ** (rest.degree() - 1), z)
        quotient += part
        rest = rest - part * sympy.Poly(z, z) + part.diff(z)
    return quotient.as_expr(), rest.as_expr()


def primitive(polynomial: Any) -> Any:
    """Antiderivative of `polynomial * phi` that vanishes at +oo."""
    quotient, kappa = antiderivative(polynomial)
    return -quotient * density(z) - kappa * tail(z)


def integral(polynomial: Any, lower: Any, upper: Any) -> Any:
    """`E[polynomial(Z) ; lower < Z < upper]`, signed; an end may be infinite."""
    quotient, kappa = antiderivative(polynomial)

    def at(end: Any) -> Any:
        if end == sympy.oo:
            return sympy.Integer(0)
        if end == -sympy.oo:
            return -kappa
        return -quotient.subs(z, end) * density(end) - kappa * tail(end)

    return at(upper) - at(lower)

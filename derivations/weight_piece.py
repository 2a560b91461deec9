"""The weight pi of the total variation, piece by piece.

`pi^-(u) = P(mu U < u)^2 E[u - mu U | mu U < u] = P(mu U < u) E[(u - mu U)_+]`. Between two
successive data points, `mu x_i < u < mu x_{i+1}`, the probability is i/n and the mean `(1/n)(i u -
mu S_i)` with `S_i = x_1 + ... + x_i`: a linear function of u. So is pi^+, and the minimum of the
two is linear on finitely many pieces. `pi(y)` is its mean at `u = y - xi ~ N(y, sigma^2)`, a sum
over pieces of `E[alpha u + beta ; l < u < r]`, which is a combination of two truncated moments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import weight
from dsmverify.formulas.setting import Sample
from dsmverify.systems import symbolic

from ._gaussian import density, integral, primitive, tail, z

mu, sigma = sympy.symbols("mu sigma", positive=True)
y, u = sympy.symbols("y u", real=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    i, n = sympy.symbols("i n", integer=True, positive=True)
    total, rest = sympy.symbols("S_i T_i", real=True)
    chain.step("For mu x_i < u < mu x_{i+1} let S_i = x_1 + ... + x_i, T_i = x_{i+1} + ... + x_n.")
    chain.identity(
        "pi^-(u) = P(mu U < u)^2 E[u - mu U | mu U < u] is linear in u",
        (i / n) ** 2 * (u - mu * total / i),
        (i / n**2) * (i * u - mu * total),
    )
    chain.identity(
        "pi^+(u) = P(mu U > u)^2 E[mu U - u | mu U > u] is linear in u",
        ((n - i) / n) ** 2 * (mu * rest / (n - i) - u),
        ((n - i) / n**2) * (mu * rest - (n - i) * u),
    )
    alpha, beta, low, high = sympy.symbols("alpha beta l r", real=True)
    line = alpha * (y + sigma * z) + beta
    chain.step(
        "y - xi = y + sigma z with z standard normal; a piece is (l - y)/sigma < z < (r - y)/sigma."
    )
    chain.identity(
        "Antiderivative of (alpha (y + sigma z) + beta) phi(z)",
        sympy.Derivative(primitive(line), z),
        line * density(z),
    )
    left, right = (low - y) / sigma, (high - y) / sigma
    derived = integral(line, left, right)
    chain.identity(
        "E[alpha u + beta ; l < u < r]",
        derived,
        (alpha * y + beta) * (tail(left) - tail(right))
        + alpha * sigma * (density(left) - density(right)),
    )
    chain.engine("weight, one piece, cuts counted left of y: 0, 1, 2", one_piece_pairs())
    chain.engine("weight, n = 2, on both sides of the crossing", two_point_pairs())
    return chain.derivation(
        __name__,
        "The weight pi on a linear piece",
        "D-pi, pp. 6-7",
        "every n, mu, sigma > 0, every real y, every piece",
    )


def one_piece_pairs() -> list[tuple[Any, Any]]:
    """The engine's weight of a single piece, in the coordinate u/mu, beside the derived one."""
    low, high, value, slope = sympy.symbols("l r v a", real=True)
    line = value + slope * ((y + sigma * z) / mu - low)
    derived = mu * integral(line, (mu * low - y) / sigma, (mu * high - y) / sigma)
    return [(_engine((low, high), (value,), (slope,), position), derived) for position in range(3)]


def two_point_pairs() -> list[tuple[Any, Any]]:
    """Two training points: pi^- = (u - mu x1)/4, pi^+ = (mu x2 - u)/4, equal at the midpoint."""
    first, second = sympy.symbols("x1 x2", real=True)
    middle = (first + second) / 2
    noised = y + sigma * z
    ends = [(mu * point - y) / sigma for point in (first, middle, second)]
    derived = integral((noised - mu * first) / 4, *ends[:2])
    derived += integral((mu * second - noised) / 4, *ends[1:])
    quarter = sympy.Rational(1, 4)
    values = (sympy.Integer(0), (second - first) / 8)
    engine = _engine((first, middle, second), values, (quarter, -quarter), 1)
    return [(engine, derived)]


def _engine(cuts: Any, values: Any, slopes: Any, position: int) -> Any:
    def row(entries: Any) -> Any:
        return np.array(entries, dtype=object)

    pieces: Any = weight.WeightPieces(row(cuts), row(values), row(slopes), len(values))
    sample: Any = Sample(row(cuts), mu, sigma, len(cuts))
    place = np.array([position])
    return weight.weight(symbolic.SYSTEM, row([y]), sample, pieces, place)[0]

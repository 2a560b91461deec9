"""The quantities from their definitions in mpmath: integrals of the residual, differences in theta.

Nothing here imports the package. The second derivatives of the risk are continuous, with slopes to
each side, so second differences with a step of 1e-20 are right to about 20 digits, at ties too.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from mpmath import mp

Parameters = tuple[Sequence[Any], Sequence[Any], Sequence[Any]]
"""Inner weights, biases and outer weights."""

DIGITS = 60


def number(value: float | Fraction) -> Any:
    """The exact number that a float or fraction is."""
    exact = Fraction(value)
    return mp.mpf(exact.numerator) / exact.denominator


def score(y: Any, points: Sequence[Any], mu: Any, sigma: Any) -> Any:
    """`d/dy log p(y)`, by the quotient of the mixture's derivative and the mixture."""
    with mp.workdps(DIGITS):
        densities = [mp.exp(-(((y - mu * x) / sigma) ** 2) / 2) for x in points]
        slope = [-(y - mu * x) / sigma**2 * p for x, p in zip(points, densities, strict=True)]
        return mp.fsum(slope) / mp.fsum(densities)


def mean_over_piece(line: tuple[Any, Any], low: Any, high: Any) -> Any:
    """`E[(p + q Z)^2; low < Z < high]` from the antiderivative of the integrand."""
    p, q = line

    def antiderivative(z: Any) -> Any:
        if z == mp.inf:
            return p * p + q * q
        if z == -mp.inf:
            return mp.zero
        return (p * p + q * q) * mp.ncdf(z) - (2 * p * q + q * q * z) * mp.npdf(z)

    return antiderivative(high) - antiderivative(low)


def risk(theta: Parameters, points: Sequence[Any], mu: Any, sigma: Any) -> Any:
    """`(1/n) sum_i E[(s(mu x_i + sigma Z) + Z / sigma)^2]`, the residual straight on each piece."""
    with mp.workdps(DIGITS):
        inner, bias, outer = theta
        neurons = list(zip(inner, bias, outer, strict=True))
        kinks = sorted(-b / w for w, b, _ in neurons)
        total = mp.zero
        for x in points:
            ends = [-mp.inf, *((kink - mu * x) / sigma for kink in kinks), mp.inf]
            for low, high in pairwise(ends):
                if low == high:
                    continue
                if low == -mp.inf:
                    middle = high - 1
                else:
                    middle = low + 1 if high == mp.inf else (low + high) / 2
                level, slope = mp.zero, 1 / sigma
                for w, b, a in neurons:
                    if w * (mu * x + sigma * middle) + b > 0:
                        level += a * (w * mu * x + b) / len(neurons)
                        slope += a * w * sigma / len(neurons)
                total += mean_over_piece((level, slope), low, high)
        return total / len(points)


def integrated_risk(theta: Parameters, points: Sequence[Any], mu: Any, sigma: Any) -> Any:
    """The same risk by quadrature of its definition: the oracle's own check."""
    inner, bias, outer = theta
    kinks = [-b / w for w, b in zip(inner, bias, strict=True)]

    def value(y: Any) -> Any:
        hinges = zip(inner, bias, outer, strict=True)
        return mp.fsum(a * max(mp.zero, w * y + b) for w, b, a in hinges) / len(outer)

    total = mp.zero
    for x in points:
        cuts = [mp.mpf(c) for c in range(-14, 15)]
        cuts += [(kink - mu * x) / sigma for kink in kinks if abs(kink - mu * x) < 14 * sigma]

        def integrand(z: Any, x: Any = x) -> Any:
            return (value(mu * x + sigma * z) + z / sigma) ** 2 * mp.npdf(z)

        total += mp.quad(integrand, sorted(set(cuts)))
    return total / len(points)


def gradient(theta: Parameters, points: Sequence[Any], mu: Any, sigma: Any) -> list[Any]:
    """Outer weights, biases, inner weights, by central differences of the risk. `[3m]`."""
    with mp.workdps(DIGITS):
        step = mp.mpf(10) ** -20

        def shifted(k: int, by: Any) -> Any:
            return risk(_shift(theta, {k: by}), points, mu, sigma)

        count = 3 * len(theta[0])
        return [(shifted(k, step) - shifted(k, -step)) / (2 * step) for k in range(count)]


def hessian(theta: Parameters, points: Sequence[Any], mu: Any, sigma: Any) -> list[list[Any]]:
    """In outer weights and biases, by second differences of the risk to one side. `[2m][2m]`."""
    with mp.workdps(DIGITS):
        step = mp.mpf(10) ** -20
        count = 2 * len(theta[0])

        def at(*chosen: int) -> Any:
            moves = {k: chosen.count(k) * step for k in chosen}
            return risk(_shift(theta, moves), points, mu, sigma)

        start, one = at(), [at(k) for k in range(count)]
        rows = [[mp.zero] * count for _ in range(count)]
        for k in range(count):
            for l in range(k + 1):
                rows[k][l] = rows[l][k] = (at(k, l) - one[k] - one[l] + start) / step**2
        return rows


def _shift(theta: Parameters, moves: dict[int, Any]) -> Parameters:
    inner, bias, outer = theta
    flat = [*outer, *bias, *inner]
    for k, by in moves.items():
        flat[k] = flat[k] + by
    m = len(inner)
    return flat[2 * m :], flat[m : 2 * m], flat[:m]

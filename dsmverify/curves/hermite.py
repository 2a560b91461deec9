"""Hermite coefficients of any activation, certified.

`c_k = E[rho(g) He_k(g)]/sqrt(k!)` for k below some K, and with them the tail
`sum_{k>=K} c_k^2 = E rho(g)^2 - sum_{k<K} c_k^2`, which Parseval gives whatever the speed at which
the coefficients fall. Time enters afterwards: `v0^2` and `s^2` are sums of positive terms over
the same coefficients, and the tail is multiplied by an interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb

from dsmverify.certify import precision
from dsmverify.curves.panels import PiecewiseAnalytic, gaussian_rule
from dsmverify.errors import InputError
from dsmverify.formulas.activations import Moments
from dsmverify.truth import certainly_below

MOST = 2048
"""Coefficients that a series may take."""


@dataclass(frozen=True, eq=False)
class Series:
    """The first Hermite coefficients of an activation, and what the others come to.

    Attributes:
        coefficients: `c_0 .. c_{K-1}`, balls.
        square: `E rho(g)^2`.
        tail: ball that holds `sum_{k>=K} c_k^2`; no number in it is negative.
    """

    coefficients: tuple[arb, ...]
    square: arb
    tail: arb

    def moments(self, a: arb, h: arb) -> Moments[Any]:
        """Moments at one time; enclosures.

        `1 - a^{2k} = h (1 + a^2 + .. + a^{2k-2})`, so every term is positive.

        Args:
            a: `e^{-t}`.
            h: `1 - e^{-2t}`.
        """
        c = a * a
        power, partial = c * c, 1 + c
        nonlinear = shared = fresh = arb(0)
        for coefficient in self.coefficients[2:]:
            square = coefficient * coefficient
            nonlinear += square
            shared += square * power
            fresh += square * partial
            power, partial = power * c, 1 + c * partial
        return Moments(
            mean=self.coefficients[0],
            linear=self.coefficients[1] * self.coefficients[1],
            nonlinear=nonlinear + self.tail,
            shared=shared + self.tail * arb(0).union(power),
            fresh=h * fresh + self.tail * (h * partial).union(arb(1)),
        )

    def kernel(self, c: arb) -> arb:
        """`Kap(c) = E rho(g) rho(g')` at correlation c in [0, 1]; an enclosure."""
        power, total = arb(1), arb(0)
        for coefficient in self.coefficients:
            total += coefficient * coefficient * power
            power *= c
        return total + self.tail * arb(0).union(power)

    def floats(self) -> tuple[float, np.ndarray[Any, Any]]:
        """`c_0`, and `c_k^2` for k = 1 .. K-1, as the nearest floats."""
        squares = [float((c * c).mid()) for c in self.coefficients[1:]]
        return float(self.coefficients[0].mid()), np.array(squares)


@lru_cache(maxsize=64)
def hermite_series(function: PiecewiseAnalytic, bits: int) -> Series:
    """Coefficients until what is left of `E rho(g)^2` is below its `2^-bits`. Enclosures.

    Terms are added until then, or until there are `MOST`: the tail says what was reached.

    Raises:
        InputError: a piece is not analytic around its interval, the growth bound is wrong, or the
            coefficients contradict the second moment.
    """
    count = 64
    while True:
        series = _series(function, bits, count)
        limit = series.square * arb(2) ** -bits
        if count >= MOST or function.kinks or certainly_below(series.tail, limit):
            return series
        count = min(MOST, _next_count(series, bits))


def _next_count(series: Series, bits: int) -> int:
    """How many coefficients should do, if their logarithm goes on like a power of k.

    Only a guess: the tail is worked out anew. The fall of the mean size over the last two doublings
    of k gives the power.
    """
    count = len(series.coefficients)
    sizes = []
    for low in (count // 8, count // 4, count // 2):
        total = sum((c * c for c in series.coefficients[low : 2 * low]), arb(0))
        sizes.append(float((total.upper() / series.square + arb(2) ** -4000).log()))
    first, last = sizes[0] - sizes[1], sizes[1] - sizes[2]
    if first <= 0 or last <= 0:
        return 2 * count
    growth = min(max(last / first, 1.4), 2.2)
    # The last size is that of a tail from half the count on.
    missing, doublings, fall = sizes[2] + bits * math.log(2) + 2, -1.0, last
    while missing > 0 and doublings < 5:
        fall *= growth
        doublings += min(1.0, missing / fall)
        missing -= fall
    return int(count * 2 ** max(doublings + 0.05, 0.25)) + 4


def _series(function: PiecewiseAnalytic, bits: int, count: int) -> Series:
    # The recurrence of He_k multiplies radii by up to exp(k/2) < 2^(3k/4), relative to exp(x^2/2).
    with precision(bits + 3 * count // 4 + 64):
        rule = gaussian_rule(function, bits + 16, count)
        error, square, nodes_square = rule.error, rule.square, rule.nodes * rule.nodes
        sums = [arb(0)] * count
        starts = (rule.even, rule.nodes * rule.odd)
        for parity in (1,) if function.odd else (0, 1):
            term, before = starts[parity], 0 * starts[parity]
            for k in range(parity, count, 2):
                sums[k] = term.sum()
                # He_{k+2} = (x^2 - (2k + 1)) He_k - k (k - 1) He_{k-2}
                term, before = (nodes_square - (2 * k + 1)) * term - k * (k - 1) * before, term
        factorial, coefficients = arb(1), []
        for k, total in enumerate(sums):
            factorial *= max(k, 1)
            spread = 0 if function.odd and k % 2 == 0 else error
            coefficients.append(total / factorial.sqrt() + arb(0, 1) * spread)
        tail = square - sum((c * c for c in coefficients), arb(0))
        if tail < 0:
            raise InputError(
                "activation",
                function.name,
                "its coefficients have more than its second moment, so what is said of it is wrong",
                "see that each piece is real on the line and that the growth bound holds",
            )
        if not tail > 0:
            tail = arb(0).union(arb(tail.upper()))
        return Series(tuple(coefficients), square, tail)

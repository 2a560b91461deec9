"""Certified integrals of the empirical optimal score of equally spaced points.

| letter | here | meaning |
|---|---|---|
| kappa | `ratio` | mu Delta/sigma, the spacing in noise levels |
| u | | y/sigma, from the middle of the sample |
| v, m3 | | V[W]/Delta^2 and E[(W - E W)^3]/Delta^3 at y = sigma u |

Why two numbers, n and kappa, are enough. For `x_i = (i - (n+1)/2) Delta` the means are
`mu x_i = sigma kappa (i - (n+1)/2)`, so that `alpha_i(sigma u)` depends on n, kappa and u only; so
do v, m3, the density `sigma p(sigma u)` and `pi(sigma u)/(mu Delta)`. With
`s*' = (mu^2 V/sigma^2 - 1)/sigma^2` and `s*'' = (mu^3/sigma^6) E[(W - E W)^3]` (eq. 9, lemma 11):

- `sigma^2 R_n(s*) = kappa^2 E[v]`, since `R_n(s*) = (mu^2/sigma^4) E[V]`;
- `sigma^4 E[s*'(Y)^2] = 1 - 2 kappa^2 E[v] + kappa^4 E[v^2]`;
- `sigma^2 int |s*''| dy = kappa^3 int |m3| du`;
- `sigma TV(s*) = kappa^4 int |m3| pi/(mu Delta) du`.

A shift of the sample moves y and changes none of them. Everything is even in u, so half of the
line is integrated and doubled. With `z = exp(kappa t)`, t = u less the anchor's mean, and
`q = exp(-kappa^2/2)`, the ratios `alpha_{a+k}/alpha_a` are `z^k q^(k^2)`: one exponential for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from flint import acb, arb

from dsmverify import express
from dsmverify.formulas import weight as weights
from dsmverify.formulas.setting import Sample
from dsmverify.integrals import Accuracy, absolute_integral, integral
from dsmverify.systems.balls import COMPLEX, ball

TAIL_BITS = 20
"""Bits beyond the accuracy by which what lies outside the panels must be smaller."""


@dataclass
class EquallySpaced:
    """Scaled integrals at one n and kappa, at the working precision of the caller. Enclosures.

    Attributes:
        size: n, at least 2.
        kappa: the spacing ratio, positive and exact.
        accuracy: bits relative to each result, and budgets.
    """

    size: int
    kappa: Fraction
    accuracy: Accuracy = field(default_factory=lambda: Accuracy(40, 20000, 100000))

    @cached_property
    def variance_mean(self) -> arb:
        """`E[v]`, which is `sigma^2 R_n(s*)/kappa^2`."""
        return self._mean(1)

    @cached_property
    def squared_variance_mean(self) -> arb:
        """`E[v^2]`."""
        return self._mean(2)

    @cached_property
    def curvature_mass(self) -> arb:
        """`sigma^2 int |s*''| dy`."""
        panels = self._panels(beyond=True)
        inside = absolute_integral(self._centred, self._third, panels, self.accuracy)
        far = 2 * self._ratio**3 * (inside + _up_to(self._third_tail(panels[-1])))
        return arb(far)

    @cached_property
    def total_variation(self) -> arb:
        """`sigma TV(s*)`."""
        pieces = express.weight_pieces(COMPLEX, self.points)
        sample = Sample(
            COMPLEX.constant(_objects(self.points)), acb(self._ratio), acb(1), self.size
        )
        cuts = [float(cut.real.mid()) * float(self.kappa) for cut in pieces.cuts]
        ceiling = arb(self.size) / 8

        def weighted(u: acb) -> acb:
            place = np.array([sum(cut < float(u.real.mid()) for cut in cuts)])
            pi = weights.weight(COMPLEX, np.array([u], dtype=object), sample, pieces, place)[0]
            return acb(self._third(u) * pi / self._ratio)

        def bounded(u: arb) -> arb:
            return self._centred(u) * ceiling

        panels = self._panels(beyond=False)
        inside = absolute_integral(bounded, weighted, panels, self.accuracy)
        # The last panel ends at a number near the last mean; |m3| <= L^3/2 and pi <= L/8.
        end = abs(self._ratio * ball(self.points[-1]) - panels[-1]).upper()
        sliver = arb(end) * arb(self.size) ** 4
        return 2 * self._ratio**4 * (inside + arb(0, sliver.upper()))

    # Integrands.

    @cached_property
    def _ratio(self) -> arb:
        return ball(self.kappa)

    @cached_property
    def points(self) -> list[Fraction]:
        """`(i - (n+1)/2)`, i = 1..n: the sample with spacing 1. Exact."""
        return [Fraction(2 * i - self.size - 1, 2) for i in range(1, self.size + 1)]

    @cached_property
    def _powers(self) -> list[arb]:
        """`exp(-kappa^2 k^2/2)` for k = 0..n-1."""
        return [(-(self._ratio**2) * k * k / 2).exp() for k in range(self.size)]

    def _anchor(self, u: float) -> int:
        """Index from 0 of the mean nearest u; any index gives right values."""
        place = round(u / float(self.kappa) + (self.size - 1) / 2)
        return min(max(place, 0), self.size - 1)

    def _sums(self, u: Any, degrees: int) -> tuple[Any, list[Any]]:
        """t, and `sum_k k^d alpha_{a+k}/alpha_a` for d = 0.. , a the nearest mean."""
        anchor = self._anchor(_middle(u))
        t = u - self._ratio * ball(self.points[anchor])
        sums = [1 + 0 * t] + [0 * t] * (degrees - 1)
        for direction, count in ((1, self.size - 1 - anchor), (-1, anchor)):
            base = (direction * self._ratio * t).exp()
            grown = base
            for k in range(1, count + 1):
                term = grown * self._powers[k]
                for degree in range(degrees):
                    sums[degree] = sums[degree] + term * (direction * k) ** degree
                grown = grown * base
        return t, sums

    def _moment(self, power: int) -> Callable[[acb], acb]:
        """`p v^power` in u."""
        scale = 1 / (self.size * (2 * arb.pi()).sqrt())

        def density(u: acb) -> acb:
            t, (zeroth, first, second) = self._sums(u, 3)
            spread = second - first * first / zeroth
            value = spread if power == 1 else spread * spread / zeroth
            return acb(value * (-(t * t) / 2).exp() * scale)

        return density

    def _third(self, u: Any) -> Any:
        """m3."""
        _, (zeroth, first, second, third) = self._sums(u, 4)
        mean, square, cube = first / zeroth, second / zeroth, third / zeroth
        return cube - 3 * square * mean + 2 * mean * mean * mean

    def _fourth_cumulant(self, u: arb) -> arb:
        """`m4 - 3 v^2`; `kappa` times it is the slope of m3."""
        _, sums = self._sums(u, 5)
        mean, square, cube, fourth = (part / sums[0] for part in sums[1:])
        centred = fourth - 4 * cube * mean + 6 * square * mean * mean - 3 * mean**4
        spread = square - mean * mean
        return arb(centred - 3 * spread * spread)

    def _centred(self, u: arb) -> arb:
        """m3 on a ball, by its value in the middle and its slope."""
        middle = u.mid()
        slope = self._ratio * self._fourth_cumulant(u)
        moved = arb(u.rad()) * arb(slope.abs_upper())
        return arb(self._third(middle)) + arb(0, moved.upper())

    # Panels and what lies beyond.

    def _mean(self, power: int) -> arb:
        panels = self._panels(beyond=True)
        density = self._moment(power)
        scale = sum(
            (
                abs(density(acb((low + high) / 2)).real) * (high - low)
                for low, high in pairwise(panels)
            ),
            arb(0),
        )
        inside = integral(density, panels, arb(scale.upper()), self.accuracy)
        return 2 * (inside + _up_to(self._variance_tail(panels[-1], power)))

    def _panels(self, *, beyond: bool) -> list[arb]:
        """Exact cuts from 0 to the last mean, or beyond it: geometric steps around midpoints."""
        ratio = self._ratio
        cuts = [arb(0)]
        switch = min(1.0, 1 / float(self.kappa))
        last = ratio * ball(self.points[-1])
        for i in range(self.size // 2, self.size):
            middle = ratio * ball(Fraction(2 * i - self.size, 2))
            cuts.append(middle)
            step = arb(4 * switch)
            while i and step < ratio / 2:
                cuts += [middle - step, middle + step]
                step = 4 * step
            cuts.append(ratio * ball(self.points[i]))
        cuts = [cut.mid() for cut in cuts if 0 <= cut.mid() < last.mid()] + [last.mid()]
        if beyond:
            step, end = arb(2 * min(1.0, switch)), last.mid()
            while len(cuts) < 5 or not self._is_far(end):
                end = (end + step).mid()
                cuts.append(end)
                step = step * 2
        found = sorted({_dyadic(cut) for cut in cuts})
        return [ball(cut) for cut in found]

    def _is_far(self, end: arb) -> bool:
        """Whether everything beyond is negligible beside a crude size of the integrals."""
        limit = arb(2) ** (-self.accuracy.bits - TAIL_BITS)
        size = arb(-(self._ratio**2) / 8).exp() * self._ratio / (1 + self._ratio) ** 3
        tails = self._variance_tail(end, 1).max(self._third_tail(end))
        return bool(tails < limit * size)

    def _variance_tail(self, end: arb, power: int) -> arb:
        """Bound on `int p v^power` beyond an end at or after the last mean.

        `v <= sum_j alpha_j k_j^2` with k_j the steps to the last point, and `v <= n^2/4`.
        """
        total = arb(0)
        for k in range(1, self.size):
            mean = self._ratio * ball(self.points[-1] - k)
            total += k * k * ((end - mean) / arb(2).sqrt()).erfc() / 2
        return total / self.size * (arb(self.size) ** 2 / 4) ** (power - 1)

    def _third_tail(self, end: arb) -> arb:
        """Bound on `int |m3|` beyond an end at or after the last mean.

        `|m3| <= (n-1) v <= (n-1) sum_k k^2 r_k`, `r_k = exp(-k kappa (t + k kappa/2))`.
        """
        t = end - self._ratio * ball(self.points[-1])
        total = arb(0)
        for k in range(1, self.size):
            rate = k * self._ratio
            total += k * k * (-rate * t).exp() * self._powers[k] / rate
        return (self.size - 1) * total


def _middle(u: Any) -> float:
    return float((u.real if isinstance(u, acb) else u).mid())


def _up_to(bound: arb) -> arb:
    """Anything from 0 to a bound."""
    return arb(0).union(arb(bound.upper()))


def _dyadic(cut: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in cut.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _objects(values: Sequence[Fraction]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array

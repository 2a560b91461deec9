"""Certified integrals of the empirical optimal score: `R_n(s*)`, `TV(s*)`, and their relatives.

No closed form exists. Panels follow the posterior's switches between training points (any panels
give right integrals, these give fast ones), signs are decided by bisection, and whatever lies
beyond the panels is bounded by normal tails and added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from flint import acb, arb

from dsmverify import express
from dsmverify.formulas import constants, posterior
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy, absolute_integral, integral
from dsmverify.minimal_risk import enclose_minimal_risk
from dsmverify.systems.balls import COMPLEX, SYSTEM, ball
from dsmverify.truth import certainly_below

EXTREME = 10**9
"""Spacing ratio beyond which integrals of the score are not attempted: a panel for every octave."""

SEPARATED = 300
"""Spacing ratio mu Delta/sigma beyond which R_n(s*) is a closed two-sided bound."""

FARTHEST = 400
"""Integrals over the line end at most this many sigmas beyond the data; a tail is always added."""


@dataclass
class ScoreIntegrals:
    """Integrals of one instance's empirical optimal score, at the working precision of the caller.

    Attributes:
        instance: the exact instance.
        accuracy: relative bits and budgets.
        sample: its points and noise level as balls.
        places: hints where points lie.
    """

    instance: Instance
    accuracy: Accuracy
    sample: Sample[Any]
    places: express.Places

    @cached_property
    def risk(self) -> arb:
        """R_n(s*) = (mu/sigma^2)^2 int p V[W]; beyond `SEPARATED` only within a factor 2."""
        if self.is_separated:
            low, high = posterior.separated_risk_bounds(SYSTEM, self.sample)
            return arb(low.lower()).union(arb(high.upper()))
        panels = self._panels(self._reach)
        scale = self._risk_scale
        inside = enclose_minimal_risk(
            self.sample, panels, scale, self.places.nearest, self.accuracy
        )
        tail = self._variance_tail(panels[0], panels[-1])
        return inside + arb(0).union(arb(tail.upper()))

    @property
    def is_separated(self) -> bool:
        """Whether mu Delta/sigma is so large that R_n(s*) is bounded, not integrated."""
        ratio = self.sample.mu * ball(self.instance.spacing) / self.sample.sigma
        return certainly_below(arb(SEPARATED), ratio)

    @property
    def is_extreme(self) -> bool:
        """Whether the posterior switches too sharply for any panels."""
        ratio = self.sample.mu * constants.spread(self.sample) / self.sample.sigma
        return certainly_below(arb(EXTREME), ratio)

    def squared_distance(self, network: Network[Any], scale: arb) -> arb:
        """Mean square distance of a network to s*, to the accuracy relative to `scale`."""
        parts = networks.pieces(SYSTEM, network)
        kinks = [kink.mid() for kink in network.kinks]
        tail_of = partial(self._distance_tail, network)
        panels = self._panels(self._far_enough(tail_of, scale))
        total = arb(0)
        cuts = [panels[0], *[kink for kink in kinks if panels[0] < kink < panels[-1]], panels[-1]]
        for low, high in pairwise(cuts):
            piece = sum(1 for kink in kinks if kink <= low)
            reference = max(piece - 1, 0)
            value, slope = parts.values[reference], parts.slopes[piece]
            kink = network.kinks[reference]

            def squared(z: acb, value: arb = value, slope: arb = slope, kink: arb = kink) -> acb:
                anchor = np.array([self.places.nearest(z.real)])
                y = np.array([z], dtype=object)
                score = posterior.empirical_score(COMPLEX, y, self.complex_sample, anchor)[0]
                density = posterior.density(COMPLEX, y, self.complex_sample, anchor)[0]
                gap = acb(value) + acb(slope) * (z - acb(kink)) - score
                return gap * gap * density

            inner = [low, *[cut for cut in panels if low < cut < high], high]
            total += integral(squared, inner, scale, self.accuracy)
        tail = self._distance_tail(network, panels[0], panels[-1])
        return total + arb(0).union(arb(tail.upper())) + self._kink_slivers(network)

    @cached_property
    def total_variation(self) -> arb:
        """TV(s*) = int |s*''| pi over the range of the data."""
        if self.is_extreme:
            return arb(0).union(arb.pos_inf())
        ceiling = self._weight_ceiling
        low, high = self._data_range()
        panels = [low, *[cut for cut in self._panels(arb(0)) if low < cut < high], high]
        third = self._complex(posterior.posterior_third_moment)

        def weighted(z: acb) -> acb:
            position = np.array([self.places.among_weight_cuts(z.real)])
            y = np.array([z], dtype=object)
            pi = weights.weight(COMPLEX, y, self.complex_sample, self._complex_pieces, position)
            return third(z) * pi[0]

        def bounded(y: arb) -> arb:
            return self._third_moment(y) * ceiling

        # The outermost slivers, where the ends mu x_1 and mu x_n are only enclosed.
        total = absolute_integral(bounded, weighted, panels, self.accuracy)
        ratio = self.sample.mu / (self.sample.sigma * self.sample.sigma)
        sliver = self._slivers(low, high)
        return ratio * ratio * ratio * (total + sliver)

    @property
    def curvature_mass(self) -> arb:
        """Int over the line of |s*''|."""
        below, between, above = self.curvature_mass_parts
        return below + between + above

    @cached_property
    def curvature_mass_parts(self) -> tuple[arb, arb, arb]:
        """Int of |s*''| below 2 mu (x_1)_-, from there to 2 mu (x_n)_+, and above that.

        Where the panels end inside the middle part, the rest of it and the tail share one bound.
        """
        if self.is_extreme:
            anything = arb(0).union(arb.pos_inf())
            return anything, anything, anything
        points, mu = self.sample.points, self.sample.mu
        low, high = 2 * mu * points[0].min(arb(0)), 2 * mu * points[-1].max(arb(0))
        first, last = low.mid(), high.mid()
        panels = self._panels(self._reach)
        below = [*[cut for cut in panels if cut < first], first]
        above = [last, *[cut for cut in panels if last < cut]]
        inner = [cut for cut in panels if first < cut < last]
        beyond = arb(0)  # what the middle part has outside the panels
        if len(below) > 1:
            inner = [first, *inner]
        else:
            beyond += self._left_moment_tail(inner[0])
        if len(above) > 1:
            inner = [*inner, last]
        else:
            beyond += self._right_moment_tail(inner[-1])
        left = self._moment_mass(below) + _up_to(self._left_moment_tail(below[0]))
        middle = self._moment_mass(inner) + _up_to(beyond)
        right = self._moment_mass(above) + _up_to(self._right_moment_tail(above[-1]))
        # The ends are cut at the middles of their balls; between, the moment is at most L^3.
        sliver = arb(0, ((low.rad() + high.rad()) * constants.spread(self.sample) ** 3).upper())
        scale = self._curvature_scale
        return scale * (left + sliver), scale * (middle + sliver), scale * (right + sliver)

    @property
    def _curvature_scale(self) -> arb:
        """`(mu/sigma^2)^3`, by which s*'' is the third moment."""
        ratio = self.sample.mu / (self.sample.sigma * self.sample.sigma)
        return ratio * ratio * ratio

    def _moment_mass(self, panels: list[arb]) -> arb:
        """Int of |third moment| over panels; 0 without any."""
        return absolute_integral(
            self._third_moment,
            self._complex(posterior.posterior_third_moment),
            panels,
            self.accuracy,
        )

    def _midpoint(self, i: int) -> arb:
        return self.sample.mu * (self.sample.points[i - 1] + self.sample.points[i]) / 2

    def _third_moment(self, y: arb) -> arb:
        anchor = np.array([self.places.nearest(y)])
        row = np.array([y], dtype=object)
        return posterior.posterior_third_moment(SYSTEM, row, self.sample, anchor)[0]

    @cached_property
    def complex_sample(self) -> Sample[Any]:
        """Training points and noise level as complex balls, for integrands off the real line."""
        return express.sample(COMPLEX, self.instance)

    @cached_property
    def _complex_pieces(self) -> weights.WeightPieces[Any]:
        return express.weight_pieces(COMPLEX, self.instance.points)

    def _complex(self, formula: Callable[..., Any]) -> Callable[[acb], acb]:
        def evaluate(z: acb) -> acb:
            anchor = np.array([self.places.nearest(z.real)])
            y = np.array([z], dtype=object)
            return formula(COMPLEX, y, self.complex_sample, anchor)[0]

        return evaluate

    @cached_property
    def _weight_ceiling(self) -> arb:
        """A bound on pi: mu times the largest value of its piecewise linear minimum."""
        exact = express.weight_pieces(SYSTEM, self.instance.points)
        top = arb(0)
        for piece in range(exact.count):
            end = exact.value[piece] + exact.slope[piece] * (
                exact.cuts[piece + 1] - exact.cuts[piece]
            )
            top = top.max(exact.value[piece]).max(end)
        return self.sample.mu * top

    def _data_range(self) -> tuple[arb, arb]:
        """Exact points just inside mu x_1 and mu x_n."""
        low = self.sample.mu * self.sample.points[0]
        high = self.sample.mu * self.sample.points[-1]
        return low.upper(), high.lower()

    def _slivers(self, low: arb, high: arb) -> arb:
        """What the cut-off ends of the range can contribute to `int |third moment| pi`."""
        width = self.sample.mu * (self.sample.points[-1] - self.sample.points[0]) - (high - low)
        spread = constants.spread(self.sample)
        worst = abs(width).upper() * spread * spread * spread * self._weight_ceiling
        return arb(0).union(arb(worst.upper()))

    @cached_property
    def _risk_scale(self) -> arb:
        """Rough size of int p V[W] (mu/sigma^2)^2, from values at midpoints and means."""
        total = arb(0)
        for i in range(1, self.sample.size):
            for y, width in (
                (self._midpoint(i).mid(), self._midpoint_width(i)),
                ((self.sample.mu * self.sample.points[i]).mid(), self.sample.sigma),
            ):
                anchor = np.array([self.places.nearest(y)])
                row = np.array([y], dtype=object)
                total += width * posterior.risk_density(SYSTEM, row, self.sample, anchor)[0]
        return arb(total.upper())

    def _midpoint_width(self, i: int) -> arb:
        """Width sigma^2/(mu gap) on which the posterior switches from x_i to x_{i+1}."""
        gap = self.sample.points[i] - self.sample.points[i - 1]
        switch = self.sample.sigma * self.sample.sigma / (self.sample.mu * gap)
        return switch.min(self.sample.sigma)

    @cached_property
    def _reach(self) -> arb:
        """How far beyond the data the posterior's integrals go, in sigmas."""
        return self._far_enough(self._variance_tail, self._risk_scale)

    def _far_enough(self, tail: Callable[[arb, arb], arb], scale: arb) -> arb:
        """Distance beyond the data, in sigmas, from which a tail is below the accuracy."""
        reach = 6
        while reach < FARTHEST:
            low = self.sample.mu * self.sample.points[0] - reach * self.sample.sigma
            high = self.sample.mu * self.sample.points[-1] + reach * self.sample.sigma
            limit = scale * arb(2) ** (-self.accuracy.bits - 4)
            if certainly_below(tail(low, high), limit):
                break
            reach += 2
        return arb(reach)

    def _panels(self, reach: arb) -> list[arb]:
        """Exact cuts adapted to the posterior: means, midpoints, and geometric steps around these.

        Any cuts give right integrals; these give fast ones.
        """
        cuts = []
        sigma, mu = self.sample.sigma, self.sample.mu
        points = self.sample.points
        for i in range(1, self.sample.size):
            middle = mu * (points[i - 1] + points[i]) / 2
            half = mu * (points[i] - points[i - 1]) / 2
            step = 4 * self._midpoint_width(i)
            cuts.append(middle)
            while certainly_below(step, half):
                cuts += [middle - step, middle + step]
                step = 4 * step
        cuts += [mu * points[0] - reach * sigma, mu * points[-1] + reach * sigma]
        if reach > 2:
            cuts += [mu * points[0] - 2 * sigma, mu * points[-1] + 2 * sigma]
        exact = sorted((cut.mid() for cut in cuts), key=_dyadic)
        kept = [exact[0]]
        for cut in exact[1:]:
            if kept[-1] < cut:
                kept.append(cut)
        return kept

    def _variance_tail(self, low: arb, high: arb) -> arb:
        """Bound on `(mu/sigma^2)^2 int p V[W]` outside [low, high].

        Right of the data `V[W] <= sum_j alpha_j (x_j - x_n)^2`, and `p alpha_j` is a normal density
        over n; so the tail is at most `(1/n) sum_j (x_n - x_j)^2 Q((high - mu x_j)/sigma)`.
        """
        points, sigma, mu = self.sample.points, self.sample.sigma, self.sample.mu
        total = arb(0)
        for x in points:
            right = ((high - mu * x) / (sigma * arb(2).sqrt())).erfc()
            left = ((mu * x - low) / (sigma * arb(2).sqrt())).erfc()
            behind, ahead = points[-1] - x, x - points[0]  # never squared by **: NaN around 0
            total += behind * behind * right + ahead * ahead * left
        ratio = mu / (sigma * sigma)
        return ratio * ratio * total / (2 * self.sample.size)

    def _right_moment_tail(self, high: arb) -> arb:
        """Bound on the integral of |third central moment| from `high` on.

        It is at most `L V <= L sum_j r_j (x_j - x_n)^2` with `r_j <= exp(-mu d_j (2y - mu (x_j +
        x_n))/(2 sigma^2))`, d_j = x_n - x_j, whose integral from `high` is elementary.
        """
        points, variance, mu = self.sample.points, self.sample.sigma**2, self.sample.mu
        total = arb(0)
        for x in points[:-1]:
            gap = points[-1] - x
            rate = mu * gap / variance
            decay = (-rate * (high - mu * (x + points[-1]) / 2)).exp()
            total += gap * gap * decay / rate
        return constants.spread(self.sample) * total

    def _left_moment_tail(self, low: arb) -> arb:
        """Bound on the integral of |third central moment| up to `low`, the mirror image."""
        points, variance, mu = self.sample.points, self.sample.sigma**2, self.sample.mu
        total = arb(0)
        for x in points[1:]:
            gap = x - points[0]
            rate = mu * gap / variance
            decay = (-rate * (mu * (x + points[0]) / 2 - low)).exp()
            total += gap * gap * decay / rate
        return constants.spread(self.sample) * total

    def _distance_tail(self, network: Network[Any], low: arb, high: arb) -> arb:
        """Bound on the mean square distance outside [low, high].

        There `s_theta - s* = (s_theta + (y - mu x_i)/sigma^2) - mu (E[W] - x_i)/sigma^2`, so its
        square is at most twice the squares of the residual and of `mu L/sigma^2`. The residual is
        at most `abs(f) + (A' + 1/sigma^2) u` at distance u beyond the end, A' the largest slope.
        """
        parts = networks.pieces(SYSTEM, network)
        steep = arb(0)
        for slope in parts.slopes:
            steep = steep.max(abs(slope))
        variance, mu = self.sample.sigma**2, self.sample.mu
        steep = steep + 1 / variance
        shift = mu * constants.spread(self.sample) / variance
        total = arb(0)
        for end, side in ((low, -1), (high, 1)):
            level = self._network_size(network, end)
            for x in self.sample.points:
                away = side * (end - mu * x) / self.sample.sigma
                tail = (away / arb(2).sqrt()).erfc() / 2
                start = level + abs(end - mu * x) / variance + shift
                # int u^2 over the tail is at most sigma^2 Q(away) for away >= 1.
                total += 2 * tail * (start * start + steep * steep * variance) * 2
        return total / self.sample.size

    def _kink_slivers(self, network: Network[Any]) -> arb:
        """Enclosure of what cutting at the middles of the kinks' balls can miss.

        Between a kink and its middle the integrand is at most `p (s_theta - s*)^2`, with
        `p <= 1/(sigma sqrt(2 pi))` and the distance bounded as in the tails.
        """
        total = arb(0)
        variance = self.sample.sigma**2
        shift = self.sample.mu * constants.spread(self.sample) / variance
        for kink in network.kinks:
            away = abs(kink - self.sample.mu * self.sample.points[0]) / variance
            size = self._network_size(network, kink) + away + shift
            total += 2 * arb(kink.rad()) * size * size
        total = total / (self.sample.sigma * (2 * arb.pi()).sqrt())
        return arb(0, arb(total.upper()))

    def _network_size(self, network: Network[Any], y: arb) -> arb:
        """|s_theta(y)| by its definition."""
        total = arb(0)
        parameters = (network.inner, network.bias, network.outer)
        for w, b, outer in zip(*parameters, strict=True):
            total += abs(outer) * (w * y + b).max(arb(0))
        return total / network.width


def _up_to(bound: arb) -> arb:
    """Anything from 0 to a bound."""
    return arb(0).union(arb(bound.upper()))


def _dyadic(point: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in point.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent

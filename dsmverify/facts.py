"""Certified values of an instance, by name: what claims call quantities.

Everything is an enclosure at the working precision of the caller, computed once and kept. The
integrals (`risk_empirical_score`, `tv_empirical_score`, ..) take an accuracy in bits of their own,
since a claim with a wide margin needs few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from flint import acb, arb

from dsmverify import express
from dsmverify.formulas import constants, curvature, posterior, printed_hessian, risk
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Batch, Instance
from dsmverify.integrals import Accuracy, absolute_integral, integral
from dsmverify.minimal_risk import enclose_minimal_risk
from dsmverify.spectra import (
    collatz_wielandt,
    largest_eigenvalue,
    midpoints,
    spectral_floor,
)
from dsmverify.systems.balls import COMPLEX, SYSTEM, ball
from dsmverify.truth import Truth, certainly_below, compare

DENSE_WIDTH = 60
"""Up to this width eigenvalues come from the matrix; beyond, from O(m) products and bounds."""

EXTREME = 10**9
"""Spacing ratio beyond which integrals of the score are not attempted: a panel for every octave."""

SEPARATED = 300
"""Spacing ratio mu Delta/sigma beyond which R_n(s*) is a closed two-sided bound."""

FARTHEST = 400
"""Integrals over the line end at most this many sigmas beyond the data; a tail is always added."""

ROOT_STEPS = 100
"""Bisections spent on a root such as sigma_2."""


@dataclass
class Facts:
    """Certified values of one instance at one precision.

    Attributes:
        instance: the exact instance.
        accuracy: of integrals.
        minimum: a proved local minimum that stands for the instance's network, if any.
    """

    instance: Instance
    accuracy: Accuracy
    minimum: Network[Any] | None = None

    def __call__(self, name: str) -> Any:
        """The value called `name`.

        Raises:
            KeyError: no such value, or the instance lacks what it is about.
        """
        if name.startswith("parameter:"):
            return self._parameter(name.removeprefix("parameter:"))
        if name.startswith("batch_risk_mean@"):
            return self._batch_risk(name.removeprefix("batch_risk_mean@"))
        return getattr(self, name)

    def case(self, i: int = 0, y: arb | None = None) -> Case[Any]:
        """The instance as the sides of a claim see it, at one value of the free variables."""
        size = self.batch.size
        return Case(SYSTEM, self.sample, self, self.places, i, y, size)

    @cached_property
    def batch(self) -> Batch:
        """Mini-batch of the instance; one point if it names none."""
        return self.instance.batch or Batch()

    @cached_property
    def places(self) -> express.Places:
        """Hints where points lie."""
        return express.places(self.instance)

    @cached_property
    def sample(self) -> Sample[Any]:
        """Training points and noise level."""
        return express.sample(SYSTEM, self.instance)

    @cached_property
    def spacing(self) -> arb:
        """Smallest gap, exact."""
        return ball(self.instance.spacing)

    @cached_property
    def network(self) -> Network[Any]:
        """The network: the instance's own, or the proved minimum near it."""
        return self.minimum or express.network(SYSTEM, self.instance)

    @cached_property
    def weight_pieces(self) -> weights.WeightPieces[Any]:
        """Exact pieces of pi."""
        return express.weight_pieces(SYSTEM, self.instance.points)

    @cached_property
    def learning_rate(self) -> arb:
        """Learning rate of the instance."""
        if self.instance.learning_rate is None:
            raise KeyError("learning_rate")
        return ball(self.instance.learning_rate)

    @cached_property
    def curvature_constant(self) -> arb:
        """C_n."""
        return constants.curvature_constant(SYSTEM, self.sample, self.spacing)

    @cached_property
    def bound(self) -> arb:
        """A: the instance's own, or C_n / sigma^6."""
        data = self.instance.network
        if data is not None and data.bound is not None:
            return ball(data.bound)
        return constants.default_bound(SYSTEM, self.sample, self.spacing)

    @cached_property
    def learning_rate_threshold(self) -> arb:
        """Threshold of theorem 8."""
        return constants.learning_rate_threshold(self.sample, self.spacing)

    @cached_property
    def excess_risk_bound(self) -> arb:
        """Excess-risk bound of theorem 8."""
        return constants.excess_risk_bound(SYSTEM, self.sample, self.spacing, self.bound)

    @cached_property
    def sigma_1(self) -> arb:
        """First condition of theorem 8 on sigma."""
        return constants.noise_limit_spacing(self.sample, self.spacing)

    @cached_property
    def sigma_2(self) -> arb:
        """Second condition: end of the first interval on which its inequality holds, at most 1."""

        def holds(sigma: arb) -> Truth:
            left, right = constants.exponential_condition(SYSTEM, self.sample, self.spacing, sigma)
            return compare(left, "<=", right)

        turning = constants.exponential_turning_point(SYSTEM, self.sample, self.spacing)
        if holds(turning) is Truth.TRUE:
            return arb(1)
        high = turning.upper() if certainly_below(turning, arb(1)) else arb(1)
        if not certainly_below(turning, arb(1)) and holds(arb(1)) is Truth.TRUE:
            return arb(1)
        low = high / 2
        while holds(low.mid()) is not Truth.TRUE:
            low = low / 2
            if certainly_below(low, arb(2) ** -4000):
                return arb(0).union(high)
        low = low.mid()
        for _ in range(ROOT_STEPS):
            middle = ((low + high) / 2).mid()
            truth = holds(middle)
            if truth is Truth.UNKNOWN:
                break
            low, high = (middle, high) if truth is Truth.TRUE else (low, middle)
        return arb(low).union(arb(high))

    @cached_property
    def sigma_3(self) -> arb:
        """Third condition: 1/n."""
        return constants.noise_limit_size(SYSTEM, self.sample)

    @cached_property
    def sigma_4(self) -> arb:
        """Fourth condition, from eq. 20."""
        return constants.noise_limit_risk(SYSTEM, self.sample, self.spacing)

    @cached_property
    def sigma_4_variant(self) -> arb:
        """Fourth condition, from eq. 19."""
        return constants.noise_limit_risk_variant(SYSTEM, self.sample, self.spacing)

    @cached_property
    def sigma_0(self) -> arb:
        """Smallest of the four."""
        return self.sigma_1.min(self.sigma_2).min(self.sigma_3).min(self.sigma_4)

    # Networks.

    @cached_property
    def risk(self) -> arb:
        """R_n(theta)."""
        return risk.risk(SYSTEM, self.sample, self.network)

    @cached_property
    def gradient(self) -> Any:
        """Grad R_n(theta)."""
        return risk.gradient(SYSTEM, self.sample, self.network)

    @cached_property
    def hessian(self) -> Any:
        """Hess R_n(theta)."""
        return curvature.hessian(SYSTEM, self.sample, self.network)

    @cached_property
    def printed_hessian(self) -> Any:
        """The Hessian by the printed equations."""
        return printed_hessian.printed_hessian(SYSTEM, self.sample, self.network)

    @cached_property
    def tangent_kernel(self) -> Any:
        """E[grad s grad s^T]."""
        return curvature.tangent_kernel(SYSTEM, self.sample, self.network)

    @cached_property
    def kink_weights(self) -> Any:
        """Pi at every sorted kink; 0 outside the closed range of the data. `[m]`."""
        return np.array([self._weight_anywhere(kink) for kink in self.network.kinks], dtype=object)

    @cached_property
    def tv_network(self) -> arb:
        """TV(s_theta)."""
        return networks.total_variation(SYSTEM, self.network, self.kink_weights)

    @cached_property
    def ntk_lambda_max(self) -> arb:
        """Largest eigenvalue of the tangent kernel."""
        if self.network.width <= DENSE_WIDTH:
            return largest_eigenvalue(self.tangent_kernel)
        low, high, _ = self._kernel_bounds
        return low.union(high)

    @cached_property
    def hessian_lambda_max(self) -> arb:
        """Largest eigenvalue of the Hessian."""
        if self.network.width <= DENSE_WIDTH:
            return largest_eigenvalue(self.hessian)
        # Weyl: hess = 2 T + E, E made of one 2x2 block [[0, c], [c, d]] for each neuron.
        low, high, vector = self._kernel_bounds
        cross, kink = self._residual_blocks
        m = self.network.width
        along = 2 * (vector[:m] * vector[m:] * cross).sum() + (vector[m:] * vector[m:] * kink).sum()
        lower = 2 * low + along / (vector @ vector)
        top = arb(0)
        for c, d in zip(cross, kink, strict=True):
            top = top.max((d + (d * d + 4 * c * c).sqrt()) / 2)
        return arb(lower.lower()).union(arb((2 * high + top).upper()))

    @cached_property
    def hessian_lambda_min(self) -> arb:
        """Smallest eigenvalue of the Hessian.

        Raises:
            KeyError: the network is too wide for the certified method.
        """
        if self.network.width > DENSE_WIDTH:
            raise KeyError("hessian_lambda_min")
        return -largest_eigenvalue(-self.hessian)

    # The empirical optimal score.

    @cached_property
    def risk_empirical_score(self) -> arb:
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
        ratio = self.sample.mu * self.spacing / self.sample.sigma
        return certainly_below(arb(SEPARATED), ratio)

    @property
    def is_extreme(self) -> bool:
        """Whether the posterior switches too sharply for any panels."""
        ratio = self.sample.mu * constants.spread(self.sample) / self.sample.sigma
        return certainly_below(arb(EXTREME), ratio)

    @cached_property
    def excess_risk(self) -> arb:
        """R_n(theta) - R_n(s*), as a difference."""
        return self.risk - self.risk_empirical_score

    @cached_property
    def squared_distance(self) -> arb:
        """Mean square distance of s_theta to s*."""
        if self.is_extreme:
            return self.excess_risk
        parts = networks.pieces(SYSTEM, self.network)
        kinks = [kink.mid() for kink in self.network.kinks]
        panels = self._panels(self._far_enough(self._distance_tail, self.risk))
        total = arb(0)
        cuts = [panels[0], *[kink for kink in kinks if panels[0] < kink < panels[-1]], panels[-1]]
        scale = self.risk
        for low, high in pairwise(cuts):
            piece = sum(1 for kink in kinks if kink <= low)
            reference = max(piece - 1, 0)
            value, slope = parts.values[reference], parts.slopes[piece]
            kink = self.network.kinks[reference]

            def squared(z: acb, value: arb = value, slope: arb = slope, kink: arb = kink) -> acb:
                anchor = np.array([self.places.nearest(z.real)])
                y = np.array([z], dtype=object)
                score = posterior.empirical_score(COMPLEX, y, self._complex_sample, anchor)[0]
                density = posterior.density(COMPLEX, y, self._complex_sample, anchor)[0]
                gap = acb(value) + acb(slope) * (z - acb(kink)) - score
                return gap * gap * density

            inner = [low, *[cut for cut in panels if low < cut < high], high]
            total += integral(squared, inner, scale, self.accuracy)
        tail = self._distance_tail(panels[0], panels[-1])
        return total + arb(0).union(arb(tail.upper())) + self._kink_slivers()

    @cached_property
    def tv_empirical_score(self) -> arb:
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
            pi = weights.weight(COMPLEX, y, self._complex_sample, self._complex_pieces, position)
            return third(z) * pi[0]

        def bounded(y: arb) -> arb:
            return self.case(y=y).posterior_third_moment(y) * ceiling

        # The outermost slivers, where the ends mu x_1 and mu x_n are only enclosed.
        total = absolute_integral(bounded, weighted, panels, self.accuracy)
        ratio = self.sample.mu / (self.sample.sigma * self.sample.sigma)
        sliver = self._slivers(low, high)
        return ratio * ratio * ratio * (total + sliver)

    @cached_property
    def curvature_mass(self) -> arb:
        """Int over the line of |s*''|."""
        if self.is_extreme:
            return arb(0).union(arb.pos_inf())
        panels = self._panels(self._reach)

        def third(y: arb) -> arb:
            return self.case(y=y).posterior_third_moment(y)

        inside = absolute_integral(
            third, self._complex(posterior.posterior_third_moment), panels, self.accuracy
        )
        tail = self._third_moment_tail(panels[0], panels[-1])
        ratio = self.sample.mu / (self.sample.sigma * self.sample.sigma)
        return ratio * ratio * ratio * (inside + arb(0).union(arb(tail.upper())))

    @cached_property
    def truncated_risk(self) -> arb:
        """E_{x ~ N(0, sigma^2)} [(f(x) + beta x)^2] for the polynomial f of the instance."""
        coefficients = list(self._parameter("f"))
        coefficients += [arb(0)] * (2 - len(coefficients))
        coefficients[1] = coefficients[1] + self._parameter("beta")
        total = arb(0)
        for j, left in enumerate(coefficients):
            for k, right in enumerate(coefficients):
                if (j + k) % 2 == 0:
                    double = 1
                    for odd in range(1, j + k, 2):
                        double *= odd
                    total += left * right * double * self.sample.sigma ** (j + k)
        return total

    # Inside.

    def _parameter(self, name: str) -> Any:
        value = self.instance.parameters.get(name)
        if value is None:
            raise KeyError(name)
        if isinstance(value, Fraction):
            return ball(value)
        if isinstance(value, int):
            return value
        return [ball(entry) for entry in value]

    def _batch_risk(self, reading: str) -> arb:
        """Mean batch loss: every point is in the batch `|B|/n` times on average."""
        risks = risk.point_risks(SYSTEM, self.sample, self.network)
        total = arb(0)
        for value in risks:
            total += value * self.batch.size / self.sample.size
        return total if reading == "sum" else total / self.batch.size

    @cached_property
    def _complex_sample(self) -> Sample[Any]:
        return express.sample(COMPLEX, self.instance)

    @cached_property
    def _complex_pieces(self) -> weights.WeightPieces[Any]:
        return express.weight_pieces(COMPLEX, self.instance.points)

    def _complex(self, formula: Callable[..., Any]) -> Callable[[acb], acb]:
        def evaluate(z: acb) -> acb:
            anchor = np.array([self.places.nearest(z.real)])
            y = np.array([z], dtype=object)
            return formula(COMPLEX, y, self._complex_sample, anchor)[0]

        return evaluate

    def _weight_anywhere(self, y: arb) -> arb:
        low, high = self.sample.mu * self.sample.points[0], self.sample.mu * self.sample.points[-1]
        if certainly_below(y, low) or certainly_below(high, y):
            return arb(0)
        value = self.case().weight(y)
        is_inside = compare(y, ">=", low) is Truth.TRUE and compare(y, "<=", high) is Truth.TRUE
        exact = self.minimum is None and self._is_exactly_inside(y)
        return value if is_inside or exact else value.union(arb(0))

    def _is_exactly_inside(self, y: arb) -> bool:
        """Whether a kink sits exactly on an end of the range, for rational mu."""
        mu = self.instance.noise.rational_mu
        if mu is None or self.instance.network is None:
            return False
        data = self.instance.network
        ends = {mu * self.instance.points[0], mu * self.instance.points[-1]}
        kinks = {-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)}
        return any(ball(end).overlaps(y) and end in kinks for end in ends)

    @cached_property
    def _weight_ceiling(self) -> arb:
        """A bound on pi: mu times the largest value of its piecewise linear minimum."""
        exact = self.weight_pieces
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
                (self.case().midpoint(i).mid(), self._midpoint_width(i)),
                ((self.sample.mu * self.sample.points[i]).mid(), self.sample.sigma),
            ):
                anchor = np.array([self.places.nearest(y)])
                row = np.array([y], dtype=object)
                total += width * posterior.risk_density(SYSTEM, row, self.sample, anchor)[0]
        return arb(total.upper())

    def _midpoint_width(self, i: int) -> arb:
        """Width sigma^2/(mu gap) on which the posterior switches from x_i to x_{i+1}."""
        gap = self.case().x(i + 1) - self.case().x(i)
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

    def _third_moment_tail(self, low: arb, high: arb) -> arb:
        """Bound on the integral of |third central moment| outside [low, high].

        It is at most `L V <= L sum_j r_j (x_j - x_n)^2` with `r_j <= exp(-mu d_j (2y - mu (x_j +
        x_n))/(2 sigma^2))`, d_j = x_n - x_j, whose integral from `high` is elementary.
        """
        points, variance, mu = self.sample.points, self.sample.sigma**2, self.sample.mu
        spread = constants.spread(self.sample)
        total = arb(0)
        for x in points[:-1]:
            gap = points[-1] - x
            rate = mu * gap / variance
            decay = (-rate * (high - mu * (x + points[-1]) / 2)).exp()
            total += gap * gap * decay / rate
        for x in points[1:]:
            gap = x - points[0]
            rate = mu * gap / variance
            decay = (-rate * (mu * (x + points[0]) / 2 - low)).exp()
            total += gap * gap * decay / rate
        return spread * total

    def _distance_tail(self, low: arb, high: arb) -> arb:
        """Bound on the mean square distance outside [low, high].

        There `s_theta - s* = (s_theta + (y - mu x_i)/sigma^2) - mu (E[W] - x_i)/sigma^2`, so its
        square is at most twice the squares of the residual and of `mu L/sigma^2`. The residual is
        at most `abs(f) + (A' + 1/sigma^2) u` at distance u beyond the end, A' the largest slope.
        """
        parts = networks.pieces(SYSTEM, self.network)
        steep = arb(0)
        for slope in parts.slopes:
            steep = steep.max(abs(slope))
        variance, mu = self.sample.sigma**2, self.sample.mu
        steep = steep + 1 / variance
        shift = mu * constants.spread(self.sample) / variance
        total = arb(0)
        for end, side in ((low, -1), (high, 1)):
            level = self._network_size(end)
            for x in self.sample.points:
                away = side * (end - mu * x) / self.sample.sigma
                tail = (away / arb(2).sqrt()).erfc() / 2
                start = level + abs(end - mu * x) / variance + shift
                # int u^2 over the tail is at most sigma^2 Q(away) for away >= 1.
                total += 2 * tail * (start * start + steep * steep * variance) * 2
        return total / self.sample.size

    def _kink_slivers(self) -> arb:
        """Enclosure of what cutting at the middles of the kinks' balls can miss.

        Between a kink and its middle the integrand is at most `p (s_theta - s*)^2`, with
        `p <= 1/(sigma sqrt(2 pi))` and the distance bounded as in the tails.
        """
        total = arb(0)
        variance = self.sample.sigma**2
        shift = self.sample.mu * constants.spread(self.sample) / variance
        for kink in self.network.kinks:
            away = abs(kink - self.sample.mu * self.sample.points[0]) / variance
            size = self._network_size(kink) + away + shift
            total += 2 * arb(kink.rad()) * size * size
        total = total / (self.sample.sigma * (2 * arb.pi()).sqrt())
        return arb(0, arb(total.upper()))

    def _network_size(self, y: arb) -> arb:
        """|s_theta(y)| by its definition."""
        net = self.network
        total = arb(0)
        for w, b, outer in zip(net.inner, net.bias, net.outer, strict=True):
            total += abs(outer) * (w * y + b).max(arb(0))
        return total / net.width

    @cached_property
    def _kernel_bounds(self) -> tuple[arb, arb, Any]:
        """Lower and upper bound on the kernel's largest eigenvalue, and the vector used."""
        from dsmverify.approximations import leading_kernel_vector

        floats = leading_kernel_vector(self.instance)
        m = self.network.width
        signed = np.array([arb(float(entry)) for entry in floats], dtype=object)
        product = curvature.tangent_kernel_product(SYSTEM, self.sample, self.network)
        low = spectral_floor(product, signed)
        flipped = replace(
            self.network, outer=np.array([abs(entry) for entry in self.network.outer], dtype=object)
        )
        positive_product = curvature.tangent_kernel_product(SYSTEM, self.sample, flipped)
        floor = arb(2) ** -200
        start = np.array([abs(entry).max(floor) for entry in signed], dtype=object)
        for _ in range(3):
            start = np.array(
                [entry.max(floor) for entry in midpoints(positive_product(start))], dtype=object
            )
            start = start / start[int(np.argmax([float(entry) for entry in start[:m]]))].mid()
            start = midpoints(start)
        high = collatz_wielandt(positive_product, start)
        return low, high, signed

    @cached_property
    def _residual_blocks(self) -> tuple[Any, Any]:
        """Entries c and d of the blocks `2 E[f hess s]`, one for each neuron. Two `[m]`."""
        blocks = curvature.residual_curvature(SYSTEM, self.sample, self.network)
        return 2 * blocks["outer", "bias"], 2 * blocks["bias", "bias"]


def _dyadic(point: arb) -> Fraction:
    mantissa, exponent = (int(part) for part in point.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent

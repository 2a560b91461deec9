"""Certified values of an instance, by name: what claims call quantities.

Everything is an enclosure at the working precision of the caller, computed once and kept. The
integrals (`risk_empirical_score`, `tv_empirical_score`, ..) take an accuracy in bits of their own,
since a claim with a wide margin needs few.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from dsmverify import express
from dsmverify.bisection import enclose_minimum
from dsmverify.formulas import columns, constants, curvature, printed_hessian, risk
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Batch, Instance
from dsmverify.integrals import Accuracy
from dsmverify.network_facts import NetworkFacts
from dsmverify.score_integrals import ScoreIntegrals
from dsmverify.spectra import (
    collatz_wielandt,
    largest_eigenvalue,
    midpoints,
    spectral_floor,
)
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import Truth, certainly_below, compare

DENSE_WIDTH = 60
"""Up to this width eigenvalues come from the matrix; beyond, from O(m) products and bounds."""

ROOT_STEPS = 100
"""Bisections spent on a root such as sigma_2."""

OF_SETTING = frozenset(
    {"spacing", "gap_excesses", "bound", "learning_rate"}
    | {"sigma_0", "sigma_1", "sigma_2", "sigma_3", "sigma_4"}
)
"""Values that need the sample, the noise level, the rate and the bound only, and little work."""


class BeyondSettingError(LookupError):
    """A value that needs more than the setting, or a part of it that the instance lacks."""


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
        known = self if hasattr(type(self), name) else self.network_facts
        return getattr(known, name)

    def of_setting(self, name: str) -> Any:
        """The value called `name`, if it needs the setting only (`OF_SETTING`, parameters).

        Raises:
            BeyondSettingError: it needs more, or the instance lacks what it is about.
        """
        parameter = name.removeprefix("parameter:")
        if parameter != name:
            known = self.instance.parameters.get(parameter) is not None
        elif name == "learning_rate":
            known = self.instance.learning_rate is not None
        else:
            known = name in OF_SETTING
        if not known:
            raise BeyondSettingError(name)
        return self(name)

    def case(self, i: int = 0, y: arb | None = None, k: int = 0, l: int = 0) -> Case[Any]:
        """The instance as the sides of a claim see it, at one value of the free variables."""
        size = self.batch.size
        return Case(SYSTEM, self.sample, self, self.places, i, y, size, k, l)

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
    def gap_excesses(self) -> Any:
        """Gaps less the smallest gap, from exact differences. `[n - 1]`."""
        gaps = [right - left for left, right in pairwise(self.instance.points)]
        return np.array([ball(gap - self.instance.spacing) for gap in gaps], dtype=object)

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
    def tv_network_noised(self) -> arb:
        """TV(s_theta) with the noised weight in the place of pi."""
        weights = np.array([self.weight_noised(kink) for kink in self.network.kinks], dtype=object)
        return networks.total_variation(SYSTEM, self.network, weights)

    def weight_noised(self, y: arb) -> arb:
        """The noised weight at any real y."""
        value: arb = weights.noised_weight(SYSTEM, np.array([y], dtype=object), self.sample)[0]
        return value

    def least_weight(self, low: arb, high: arb) -> arb:
        """Smallest value of pi on the closed interval from low to high.

        An end that balls cannot tell from `mu x_1` or `mu x_n` counts as it: claims give ends that
        equal those by construction, or lie well inside or outside.
        """
        first, last = (
            self.sample.mu * self.sample.points[0],
            self.sample.mu * self.sample.points[-1],
        )
        if certainly_below(low, first) or certainly_below(last, high):
            return arb(0)  # pi is 0 outside the closed range of the data
        key = tuple(part.man_exp() for end in (low, high) for part in (end.mid(), end.rad()))
        if key not in self._least_weights:
            self._least_weights[key] = enclose_minimum(self.case().weight, low, high)
        return self._least_weights[key]

    @cached_property
    def _least_weights(self) -> dict[Any, arb]:
        """What `least_weight` found, by the exact ends of the interval."""
        return {}

    @cached_property
    def pieces(self) -> networks.Pieces[Any]:
        """Linear pieces of the network."""
        return networks.pieces(SYSTEM, self.network)

    def score_value(self, y: arb) -> arb:
        """s_theta(y), at kinks too and for wide y."""
        return networks.direct_value(SYSTEM, y, self.network)

    def network_extrema(self, low: arb, high: arb) -> tuple[arb, arb, arb, arb]:
        """Least and largest value, least and largest slope of s_theta on [low, high].

        Slopes are those of the pieces that meet the open interval. A piece of which balls cannot
        say whether it does counts as one that may: the enclosure holds both answers.
        """
        values = [self.score_value(low), self.score_value(high)]
        kinks = list(self.network.kinks)
        for place, kink in enumerate(kinks):
            if compare(kink, ">", low) is Truth.FALSE or compare(kink, "<", high) is Truth.FALSE:
                continue
            values.append(self.pieces.values[place])  # at an end it is the value there
        sure: list[arb] = []
        unsure: list[arb] = []
        for piece, slope in enumerate(self.pieces.slopes):
            left = kinks[piece - 1] if piece else None
            right = kinks[piece] if piece < len(kinks) else None
            before = Truth.TRUE if left is None else compare(left, "<", high)
            after = Truth.TRUE if right is None else compare(right, ">", low)
            thin = left is not None and right is not None and right.overlaps(left)
            if before is Truth.FALSE or after is Truth.FALSE:
                continue
            is_sure = before is Truth.TRUE and after is Truth.TRUE and not thin
            (sure if is_sure else unsure).append(slope)
        return (
            _extreme(values, [], smallest=True),
            _extreme(values, [], smallest=False),
            _extreme(sure, unsure, smallest=True),
            _extreme(sure, unsure, smallest=False),
        )

    @cached_property
    def network_facts(self) -> NetworkFacts:
        """What proof steps need of the network."""
        return NetworkFacts(self)

    @cached_property
    def kernel_columns_lambda_max(self) -> arb:
        """Largest eigenvalue of (1/n) E[Phi^T Phi], n by n."""
        return largest_eigenvalue(columns.kernel_columns(SYSTEM, self.sample, self.network))

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
    def integrals(self) -> ScoreIntegrals:
        """Integrals of the score."""
        return ScoreIntegrals(self.instance, self.accuracy, self.sample, self.places)

    @property
    def risk_empirical_score(self) -> arb:
        """R_n(s*)."""
        return self.integrals.risk

    @property
    def tv_empirical_score(self) -> arb:
        """TV(s*)."""
        return self.integrals.total_variation

    @property
    def curvature_mass(self) -> arb:
        """Int over the line of |s*''|."""
        return self.integrals.curvature_mass

    @property
    def curvature_mass_below(self) -> arb:
        """Int of |s*''| up to 2 mu (x_1)_-."""
        return self.integrals.curvature_mass_parts[0]

    @property
    def curvature_mass_between(self) -> arb:
        """Int of |s*''| from 2 mu (x_1)_- to 2 mu (x_n)_+."""
        return self.integrals.curvature_mass_parts[1]

    @property
    def curvature_mass_above(self) -> arb:
        """Int of |s*''| from 2 mu (x_n)_+ on."""
        return self.integrals.curvature_mass_parts[2]

    @cached_property
    def squared_distance(self) -> arb:
        """Mean square distance of s_theta to s*; as a difference where panels cannot follow s*."""
        if self.integrals.is_extreme:
            return self.excess_risk
        return self.integrals.squared_distance(self.network, self.risk)

    @cached_property
    def excess_risk(self) -> arb:
        """R_n(theta) - R_n(s*), as a difference."""
        return self.risk - self.risk_empirical_score

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


def _extreme(sure: list[arb], unsure: list[arb], *, smallest: bool) -> arb:
    """Extreme of values, some of which may not count; infinite if none is sure."""

    def choose(left: arb, right: arb) -> arb:
        return left.min(right) if smallest else left.max(right)

    if not sure:
        return arb.pos_inf() if smallest else arb.neg_inf()
    certain = functools.reduce(choose, sure)
    return certain.union(functools.reduce(choose, unsure, certain))

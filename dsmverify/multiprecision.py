"""mpmath values that no closed form gives: integrals, eigenvalues, a root. Not certified.

Integrals are Gauss-Legendre sums of mpmath on the panels of `approximations`; their error is not
bounded, only far below the digits of float64. Used by `evaluate` in the system mpmath.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from mpmath import mp

from dsmverify import express, order
from dsmverify.approximations import Approximations
from dsmverify.formulas import constants, curvature, posterior
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.instance import Instance
from dsmverify.systems.mpmath import SYSTEM

NODES_PER_DIGIT = 1
"""Gauss-Legendre nodes on each panel for each digit of the working precision."""

REACH = 3
"""Panels beyond the data go this many sigmas for each square root of a digit."""


class Integrals:
    """mpmath values of one instance at the precision of mpmath's context."""

    def __init__(self, instance: Instance) -> None:
        """Start on an instance."""
        self.data = instance
        self.approximate = Approximations(instance)
        self.instance = self.approximate.centred
        self.sample = express.sample(SYSTEM, self.instance)
        self.places = express.places(self.instance)
        self.nodes = _legendre(mp.dps * NODES_PER_DIGIT)

    def risk_empirical_score(self) -> Any:
        """R_n(s*)."""
        return self._integrate(self._at(posterior.risk_density), self._line())

    def tv_empirical_score(self) -> Any:
        """TV(s*), cut at the sign changes of s*''."""
        curvature_at = self._at(posterior.empirical_score_curvature)
        low, high = self.sample.mu * self.sample.points[0], self.sample.mu * self.sample.points[-1]
        inner = [mp.mpf(cut) for cut in self.approximate.panels(0.0)]
        cuts = [low, *(cut for cut in inner if low < cut < high), high]
        grid = sorted({a + (b - a) * k / 4 for a, b in pairwise(cuts) for k in range(4)} | {high})
        values = curvature_at(_array(grid))
        for index in range(len(grid) - 1):
            if values[index] * values[index + 1] < 0:
                cuts.append(self._root(curvature_at, grid[index], grid[index + 1]))

        def weighted(y: Any) -> Any:
            size = abs(curvature_at(y))
            return size * self._weight(y)

        return self._integrate(weighted, sorted(cuts))

    def squared_distance(self) -> Any:
        """Mean square distance of s_theta to s*."""
        network = express.network(SYSTEM, self.instance)
        kinks = list(network.kinks)
        floats = [float(kink) for kink in kinks]
        score, density = self._at(posterior.empirical_score), self._at(posterior.density)
        line = self._line()
        cuts = sorted({*line, *(kink for kink in kinks if line[0] < kink < line[-1])})
        total = mp.mpf(0)
        for low, high in pairwise(cuts):
            piece = int(order.positions(floats, [float((low + high) / 2)])[0])

            def squared(y: Any, piece: int = piece) -> Any:
                position = np.full(len(y), piece)
                gap = networks.value(SYSTEM, y, network, position) - score(y)
                return gap * gap * density(y)

            total += self._integrate(squared, [low, high])
        return total

    def tv_network(self) -> Any:
        """TV(s_theta)."""
        network = express.network(SYSTEM, self.instance)
        low, high = self.sample.mu * self.sample.points[0], self.sample.mu * self.sample.points[-1]
        inside = [int(low <= kink <= high) for kink in network.kinks]
        kink_weights = SYSTEM.constant(np.array(inside)) * self._weight(network.kinks)
        return networks.total_variation(SYSTEM, network, kink_weights)

    def eigenvalues(self) -> dict[str, Any]:
        """Extreme eigenvalues of the Hessian and the largest of the tangent kernel."""
        network = express.network(SYSTEM, self.instance)
        hessian = mp.eigsy(
            mp.matrix(curvature.hessian(SYSTEM, self.sample, network).tolist()), eigvals_only=True
        )
        kernel = mp.eigsy(
            mp.matrix(curvature.tangent_kernel(SYSTEM, self.sample, network).tolist()),
            eigvals_only=True,
        )
        return {
            "hessian_lambda_max": max(hessian),
            "hessian_lambda_min": min(hessian),
            "ntk_lambda_max": max(kernel),
        }

    def sigma_0(self) -> Any:
        """Noise level below which theorem 8 speaks."""
        spacing = SYSTEM.constant(self.instance.spacing)
        return min(
            constants.noise_limit_spacing(self.sample, spacing),
            self._exponential_limit(spacing),
            constants.noise_limit_size(SYSTEM, self.sample),
            constants.noise_limit_risk(SYSTEM, self.sample, spacing),
        )

    def _exponential_limit(self, spacing: Any) -> Any:
        data = express.sample(SYSTEM, self.data)  # C_n depends on where 0 is

        def room(sigma: Any) -> Any:
            left, right = constants.exponential_condition(SYSTEM, data, spacing, sigma)
            return mp.log(right) - mp.log(left)

        turning = min(mp.mpf(1), constants.exponential_turning_point(SYSTEM, self.sample, spacing))
        if room(turning) >= 0:
            return mp.mpf(1)
        low, high = turning / 2, turning
        while room(low) < 0:
            low = low / 2
        while high - low > mp.eps * high * 4:
            middle = (low + high) / 2
            low, high = (middle, high) if room(middle) >= 0 else (low, middle)
        return low

    def _at(self, formula: Callable[..., Any]) -> Callable[[Any], Any]:
        def evaluate(y: Any) -> Any:
            anchor = np.array([self.places.nearest(entry) for entry in y])
            return formula(SYSTEM, y, self.sample, anchor)

        return evaluate

    def _weight(self, y: Any) -> Any:
        position = np.array([self.places.among_weight_cuts(entry) for entry in y])
        pieces = express.weight_pieces(SYSTEM, self.instance.points)
        return weights.weight(SYSTEM, y, self.sample, pieces, position)

    def _line(self) -> list[Any]:
        reach = REACH * float(np.sqrt(mp.dps))
        return [mp.mpf(cut) for cut in self.approximate.panels(reach)]

    def _integrate(self, function: Callable[[Any], Any], cuts: Sequence[Any]) -> Any:
        total = mp.mpf(0)
        for low, high in pairwise(cuts):
            points, quadrature_weights = self.nodes
            y = low + (high - low) * points
            total += (high - low) * (quadrature_weights @ function(y))
        return total

    def _root(self, function: Callable[[Any], Any], low: Any, high: Any) -> Any:
        start = mp.sign(function(_array([low]))[0])
        for _ in range(mp.prec):
            middle = (low + high) / 2
            if mp.sign(function(_array([middle]))[0]) == start:
                low = middle
            else:
                high = middle
        return low


def _legendre(count: int) -> tuple[Any, Any]:
    """Nodes and weights of Gauss-Legendre quadrature on [0, 1] at mpmath's precision."""
    starts = np.polynomial.legendre.leggauss(count)[0]
    points, quadrature_weights = [], []
    for start in starts:
        x = mp.mpf(float(start))
        slope = mp.mpf(1)
        for _ in range(8):
            before, value = mp.mpf(1), x
            for degree in range(2, count + 1):
                before, value = (
                    value,
                    ((2 * degree - 1) * x * value - (degree - 1) * before) / degree,
                )
            slope = count * (x * value - before) / (x * x - 1)
            step = value / slope
            x -= step
            if abs(step) < mp.eps * 16:
                break
        points.append((x + 1) / 2)
        quadrature_weights.append(1 / ((1 - x * x) * slope * slope))
    return _array(points), _array(quadrature_weights)


def _array(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array

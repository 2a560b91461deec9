"""Right. Gauss-Legendre panels between kinks; the boundary term of the Hessian added by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
REACH = 13


class Panels:
    """Nodes y, and weights of the law of one noised training point."""

    def __init__(self, centre: float, sigma: float, kinks: Any) -> None:
        grid = np.linspace(-REACH, REACH, 2 * REACH + 1)
        seen = (kinks - centre) / sigma
        ends = np.unique(np.concatenate((grid, seen[np.abs(seen) < REACH])))
        half = np.diff(ends)[:, None] / 2
        self.z = (ends[:-1, None] + half * (1 + NODES)).ravel()
        density = np.exp(-(self.z**2) / 2) / np.sqrt(2 * np.pi)
        self.weight = (half * WEIGHTS).ravel() * density
        self.y = centre + sigma * self.z


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        total = 0.0
        for _, panels, _, residual in self._panels(network, points, mu, sigma):
            total += panels.weight @ residual**2
        return total / len(points)

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        m = len(network.outer)
        result = type(network)(np.zeros(m), np.zeros(m), np.zeros(m))
        for _, panels, hidden, residual in self._panels(network, points, mu, sigma):
            pull = 2 * panels.weight * residual / len(points) / m
            on = np.where(hidden > 0, 1.0, 0.0)
            result.outer[:] += pull @ hidden
            result.bias[:] += network.outer * (pull @ on)
            result.inner[:] += network.outer * ((pull * panels.y) @ on)
        return result

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        m = len(network.outer)
        result = np.zeros((2 * m, 2 * m))
        diagonal = np.arange(m)
        for centre, panels, hidden, residual in self._panels(network, points, mu, sigma):
            on = np.where(hidden > 0, 1.0, 0.0)
            features = np.hstack((hidden, network.outer * on)) / m
            result += 2 * (features.T * panels.weight) @ features
            mixed = 2 * (panels.weight * residual) @ on / m
            result[diagonal, m + diagonal] += mixed
            result[m + diagonal, diagonal] += mixed
            # The kink moves with its bias: a Dirac of the second derivative, at the kink.
            kinks = -network.bias / network.inner
            z = (kinks - centre) / sigma
            before = kinks[:, None] * network.inner + network.bias
            np.fill_diagonal(before, 0)
            at_kink = np.maximum(before, 0) @ network.outer / m + z / sigma
            law = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / sigma
            jump = 2 * network.outer / np.abs(network.inner) / m * at_kink * law
            result[m + diagonal, m + diagonal] += jump
        return result / len(points)

    def largest_eigenvalue(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return np.linalg.eigvalsh(self.hessian(network, points, mu, sigma)).max()

    def _panels(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        for x in points:
            panels = Panels(mu * x, sigma, -network.bias / network.inner)
            before = panels.y[:, None] * network.inner + network.bias
            hidden = np.maximum(before, 0)
            residual = hidden @ network.outer / len(network.outer) + panels.z / sigma
            yield mu * x, panels, hidden, residual

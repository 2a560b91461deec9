"""Right. Kinks sorted once, running sums over the pieces: O(n m) for the risk and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr


def piece_moments(edges: Any) -> tuple[Any, Any, Any]:
    """E[1], E[Z], E[Z^2] on the pieces between edges. Three [n, m + 1]."""
    law = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
    with np.errstate(invalid="ignore"):
        edge = np.where(np.isinf(edges), 0.0, edges * law)
    mass = np.diff(ndtr(edges), axis=1)
    return mass, -np.diff(law, axis=1), mass - np.diff(edge, axis=1)


class Sorted:
    """The network as a piecewise line."""

    def __init__(self, network: Any) -> None:
        w, b, a = network.inner, network.bias, network.outer
        self.order = np.argsort(-b / w, kind="stable")
        self.kinks = (-b / w)[self.order]
        self.rises = w[self.order] > 0
        self.w, self.b, self.a = w[self.order], b[self.order], a[self.order]
        self.slope = self._on_pieces(self.a * self.w) / len(a)
        self.level = self._on_pieces(self.a * self.b) / len(a)

    def _on_pieces(self, value: Any) -> Any:
        """Sum of a value over the active neurons on each piece, left to right. [m + 1]."""
        rising = np.concatenate(([0.0], np.cumsum(np.where(self.rises, value, 0.0))))
        falling = np.where(self.rises, 0.0, value)[::-1]
        return rising + np.concatenate(([0.0], np.cumsum(falling)))[::-1]

    def over_active(self, pieces: Any) -> Any:
        """Sum of a value of pieces over those on which each neuron is active, unsorted. [m]."""
        above = np.cumsum(pieces[::-1])[::-1][1:]
        below = np.cumsum(pieces)[:-1]
        result = np.empty(len(self.order))
        result[self.order] = np.where(self.rises, above, below)
        return result


class Adapter:
    arrays = "numpy"
    dtype = "float64"
    parameters = ("outer", "bias", "inner")

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        _, _, (p, q), (m0, m1, m2) = self._set_up(network, points, mu, sigma)
        return np.mean(np.sum(p * p * m0 + 2 * p * q * m1 + q * q * m2, axis=1))

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        line, centres, (p, q), (m0, m1, m2) = self._set_up(network, points, mu, sigma)
        f0 = p * m0 + q * m1
        f1 = centres * f0 + sigma * (p * m1 + q * m2)
        zeroth, first = line.over_active(f0.mean(axis=0)), line.over_active(f1.mean(axis=0))
        scale = 2 / len(network.outer)
        return network._replace(
            inner=scale * network.outer * first,
            bias=scale * network.outer * zeroth,
            outer=scale * (network.inner * first + network.bias * zeroth),
        )

    def _set_up(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        line = Sorted(network)
        centres = mu * points[:, None]
        edges = np.pad((line.kinks - centres) / sigma, ((0, 0), (1, 1)), constant_values=np.inf)
        edges[:, 0] = -np.inf
        p = line.slope * centres + line.level
        q = line.slope * sigma + 1 / sigma
        return line, centres, (p, q), piece_moments(edges)

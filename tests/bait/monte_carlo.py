"""Right. Unbiased Monte-Carlo estimators: a fresh point and fresh noise for every term."""

from __future__ import annotations

from typing import Any

import numpy as np


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def __init__(self, batch: int = 128) -> None:
        self.batch = batch

    def draw_risk(
        self, rng: np.random.Generator, network: Any, points: Any, mu: float, sigma: float
    ) -> Any:
        residual, _, _ = self._residual(rng, network, points, mu, sigma)
        return np.mean(residual**2)

    def draw_gradient(
        self, rng: np.random.Generator, network: Any, points: Any, mu: float, sigma: float
    ) -> Any:
        residual, hidden, _ = self._residual(rng, network, points, mu, sigma)
        m = network.outer.size
        by_outer = 2 * (residual @ hidden) / m / self.batch
        by_bias = 2 * network.outer * (residual @ np.heaviside(hidden, 0)) / m / self.batch
        return np.concatenate((by_outer, by_bias))

    def _residual(
        self, rng: np.random.Generator, network: Any, points: Any, mu: float, sigma: float
    ) -> Any:
        chosen = rng.integers(len(points), size=self.batch)
        noise = rng.normal(size=self.batch)
        y = mu * points[chosen] + sigma * noise
        hidden = np.maximum(network.inner * y[:, None] + network.bias, 0)
        return hidden @ network.outer / network.outer.size + noise / sigma, hidden, y

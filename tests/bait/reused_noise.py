"""Wrong: the noise is drawn once, and every estimate picks from that pool."""

from __future__ import annotations

from typing import Any

import numpy as np


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def __init__(self, batch: int = 8, pool: int = 16, seed: int = 3) -> None:
        self.batch = batch
        self.pool = np.random.default_rng(seed).standard_normal(pool)

    def draw_risk(
        self, rng: np.random.Generator, network: Any, points: Any, mu: float, sigma: float
    ) -> Any:
        x = rng.choice(points, self.batch)
        z = rng.choice(self.pool, self.batch)
        pre = np.outer(mu * x + sigma * z, network.inner) + network.bias
        s = np.mean(np.maximum(pre, 0) * network.outer, axis=1)
        return np.average((s + z / sigma) ** 2)

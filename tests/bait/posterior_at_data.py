"""Wrong: the posterior weighs training points by their distance to y, without mu."""

from __future__ import annotations

from typing import Any

import numpy as np


def posterior(y: float, points: Any, sigma: float) -> Any:
    """P(X = x_i given Y = y)."""
    squared = np.subtract(y, points) ** 2
    weights = np.exp((squared.min() - squared) / (2 * sigma**2))
    return weights / weights.sum()


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        def at(value: float) -> float:
            mean = posterior(value, points, sigma) @ points
            return float((mu * mean - value) / sigma**2)

        return np.fromiter(map(at, y), dtype=float, count=len(y))

"""Right. Single precision NumPy for points in d dimensions, through an [n, B, d] temporary."""

from __future__ import annotations

from typing import Any

import numpy as np


class BatchedScore:
    """Posterior means of a batch of noised vectors."""

    def __init__(self, data: Any, mu: float, sigma: float) -> None:
        self.centres = mu * data
        self.sigma = sigma

    def __call__(self, batch: Any) -> Any:
        difference = self.centres[:, None, :] - batch[None, :, :]  # [n, B, d]
        energy = -0.5 * np.sum(np.square(difference / self.sigma), axis=2)  # [n, B]
        energy -= energy.max(axis=0, keepdims=True)
        weights = np.exp(energy)
        weights /= weights.sum(axis=0, keepdims=True)
        return np.einsum("nb,nbd->bd", weights, difference) / self.sigma**2


class Adapter:
    arrays = "numpy"
    dtype = "float32"
    reduction = "sum"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        return BatchedScore(points[:, None], mu, sigma)(y[:, None])[:, 0]

    def sgd_step(
        self,
        network: Any,
        points: Any,
        mu: float,
        sigma: float,
        learning_rate: float,
        indices: Any,
        noise: Any,
    ) -> Any:
        width = network.outer.size
        batch = mu * points[indices] + sigma * noise
        before = batch[:, None] * network.inner[None, :] + network.bias[None, :]
        mask = (before > 0).astype(before.dtype)
        hidden = before * mask
        error = hidden @ network.outer / width + noise / sigma
        # the factor m of the step cancels the 1/m of the output
        outer = network.outer - learning_rate * 2 * (error @ hidden)
        bias = network.bias - learning_rate * 2 * network.outer * (error @ mask)
        return network._replace(outer=outer, bias=bias)

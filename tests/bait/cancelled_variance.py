"""Wrong: the variance as 1 - exp(-2t), which loses its digits at small times."""

from __future__ import annotations

from typing import Any

import torch


def schedule(time: float) -> tuple[Any, Any]:
    time_tensor = torch.tensor(time, dtype=torch.float64)
    return torch.exp(-time_tensor), 1 - torch.exp(-2 * time_tensor)


class Adapter:
    arrays = "torch"
    dtype = "float64"
    noise = "time"

    def score(self, y: Any, points: Any, time: float) -> Any:
        mean_factor, variance = schedule(time)
        difference = mean_factor * points.unsqueeze(0) - y.unsqueeze(1)
        log_weights = -difference.pow(2) / (2 * variance)
        weights = (log_weights - log_weights.logsumexp(1, keepdim=True)).exp()
        return (weights * difference).sum(1) / variance

"""Wrong: `torch.zeros` without a dtype. Everything is double precision but the running sums."""

from __future__ import annotations

from typing import Any

import torch


class Adapter:
    arrays = "torch"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        nearest = (y[:, None] - mu * points).abs().amin(dim=1)
        numerator, denominator = torch.zeros(len(y)), torch.zeros(len(y))
        for x in points:
            away = mu * x - y
            weight = torch.exp((nearest**2 - away**2) / (2 * sigma**2))
            numerator += weight * away
            denominator += weight
        return (numerator / denominator).double() / sigma**2

"""Wrong: the mixture is centred at the data, not at mu times the data."""

from __future__ import annotations

from typing import Any

import torch


class GaussianKernelDensity:
    def __init__(self, data: Any, scale: float) -> None:
        mixing = torch.distributions.Categorical(logits=torch.zeros_like(data))
        parts = torch.distributions.Normal(data, torch.full_like(data, scale))
        law: Any = torch.distributions.MixtureSameFamily(mixing, parts)
        self.log_density = law.log_prob

    def score(self, y: Any) -> Any:
        y = y.clone().requires_grad_()
        (slope,) = torch.autograd.grad(self.log_density(y).sum(), y)
        return slope


class Adapter:
    arrays = "torch"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        return GaussianKernelDensity(points, sigma).score(y)

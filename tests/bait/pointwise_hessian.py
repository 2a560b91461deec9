"""Wrong: autodiff through relu at fixed nodes. The kinks do not move, their Diracs are lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def nodes_between(kinks: Any, mean: float, sigma: float) -> tuple[Any, Any]:
    """Nodes and weights in units of sigma, exact between kinks: numbers, not functions of theta."""
    base, weight = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(22))
    cuts = torch.cat([torch.arange(-13.0, 14.0, dtype=torch.float64), (kinks - mean) / sigma])
    cuts = cuts[cuts.abs() <= 13].sort().values
    half = (cuts.diff() / 2)[:, None]
    z = cuts[:-1, None] + half * (1 + base)
    law = torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5
    return z.flatten(), (half * weight * law).flatten()


class Adapter:
    arrays = "torch"
    dtype = "float64"

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        inner, m = network.inner, len(network.outer)
        nodes = [nodes_between(-network.bias / inner, mu * float(x), sigma) for x in points]
        z, weight = torch.cat([n[0] for n in nodes]), torch.cat([n[1] for n in nodes])
        y = torch.cat([mu * x + sigma * n[0] for x, n in zip(points, nodes, strict=True)])

        def loss(theta: Any) -> Any:
            prediction = torch.relu(y[:, None] * inner + theta[m:]) @ theta[:m] / m
            return (weight * (prediction + z / sigma) ** 2).sum() / len(points)

        start = torch.cat([network.outer, network.bias])
        return torch.autograd.functional.hessian(loss, start)  # type: ignore[no-untyped-call]

    def largest_eigenvalue(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return torch.linalg.eigvalsh(self.hessian(network, points, mu, sigma)).amax()

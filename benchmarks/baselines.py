"""The plain ways, each as fast as it can be written without the paper's closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import eigsh

from benchmarks.samples import Floats, Wide

DRAWS = 5000
"""Monte-Carlo draws for each training point."""


def monte_carlo_numpy(data: Wide) -> Callable[[], Any]:
    """Risk and gradient from draws, in NumPy: one matrix of activations for each point."""
    generator = np.random.default_rng(7)
    width = len(data.inner)
    before = np.empty((DRAWS, width))

    def run() -> tuple[float, Floats]:
        total, far, near = 0.0, np.zeros(width), np.zeros(width)
        for x in data.points:
            noise = generator.standard_normal(DRAWS)
            y = data.mu * x + data.sigma * noise
            np.multiply(y[:, None], data.inner, out=before)
            np.add(before, data.bias, out=before)
            np.maximum(before, 0, out=before)
            residual = before @ data.outer / width + noise / data.sigma
            total += float(residual @ residual)
            far += residual @ before
            near += residual @ (before > 0).astype(float)
        count = DRAWS * len(data.points)
        return total / count, 2 * np.concatenate((far, data.outer * near)) / (width * count)

    return run


def monte_carlo_torch(data: Wide) -> Callable[[], Any] | None:
    """The same in torch; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(7)
    inner, bias, outer = (torch.from_numpy(a) for a in (data.inner, data.bias, data.outer))
    width = len(data.inner)

    def run() -> Any:
        total = torch.zeros((), dtype=torch.float64)
        far, near = torch.zeros_like(outer), torch.zeros_like(outer)
        for x in data.points:
            noise = torch.randn(DRAWS, generator=generator, dtype=torch.float64)
            y = data.mu * float(x) + data.sigma * noise
            before = torch.addcmul(bias, y[:, None], inner).relu_()
            residual = before @ outer / width + noise / data.sigma
            total += residual @ residual
            far += residual @ before
            near += residual @ before.sign_()
        count = DRAWS * len(data.points)
        return total / count, 2 * torch.cat((far, outer * near)) / (width * count)

    return run


def assembled_leading(kernel: Callable[[], Floats]) -> float:
    """Largest eigenvalue by SciPy's `eigsh` on the assembled matrix."""
    return float(eigsh(kernel(), k=1, which="LA", return_eigenvectors=False)[0])

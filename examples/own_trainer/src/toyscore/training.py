"""Denoising score matching with SGD."""

from __future__ import annotations

import numpy as np

from toyscore.model import Floats, ShallowNet


class Trainer:
    """SGD on a ShallowNet; the two layers have a rate each, and the slopes W1 stay."""

    def __init__(
        self,
        net: ShallowNet,
        data: Floats,
        *,
        signal: float,
        noise_std: float,
        rates: tuple[float, float] = (0.05, 0.05),
    ) -> None:
        self.net, self.data = net, data
        self.signal, self.noise_std, self.rates = signal, noise_std, rates

    def step(self, picks: np.ndarray, noise: Floats) -> None:
        """One update from the chosen columns of the data and their noise, (1, batch)."""
        Y = self.signal * self.data[:, picks] + self.noise_std * noise
        target = -noise / self.noise_std
        error = self.net(Y) - target
        upstream = 2 * error / noise.shape[1]
        grad_b1, grad_W2 = self.net.backward(Y, upstream)
        self.net.b1 = self.net.b1 - self.rates[0] * grad_b1
        self.net.W2 = self.net.W2 - self.rates[1] * grad_W2

    def fit(self, steps: int, batch: int, rng: np.random.Generator) -> ShallowNet:
        """Train on random batches."""
        for _ in range(steps):
            picks = rng.integers(self.data.shape[1], size=batch)
            self.step(picks, rng.standard_normal((1, batch)))
        return self.net

"""The network, its forward pass and its backward pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class ShallowNet:
    """`W2 @ relu(W1 @ Y + b1)`, with Y of shape (features, examples). No 1/m."""

    def __init__(self, W1: Floats, b1: Floats, W2: Floats) -> None:
        self.W1, self.b1, self.W2 = W1, b1, W2

    @classmethod
    def random(cls, hidden: int, rng: np.random.Generator) -> ShallowNet:
        """Slopes of +-1, kinks in the middle of the data, a small output layer."""
        W1 = rng.choice([-1.0, 1.0], size=(hidden, 1))
        return cls(W1, rng.normal(size=(hidden, 1)), rng.normal(size=(1, hidden)) / hidden)

    def __call__(self, Y: Floats) -> Floats:
        """Output for every example, (1, examples)."""
        return self.W2 @ self.hidden(Y)

    def hidden(self, Y: Floats) -> Floats:
        """Hidden layer, (hidden, examples)."""
        return np.maximum(self.W1 @ Y + self.b1, 0)

    def backward(self, Y: Floats, upstream: Floats) -> tuple[Floats, Floats]:
        """Gradients of b1 and W2, given that of the output, (1, examples)."""
        hidden = self.hidden(Y)
        to_hidden = (self.W2.T @ upstream) * (hidden > 0)
        return to_hidden.sum(axis=1, keepdims=True), upstream @ hidden.T

"""The score of the noised training set: what the network should learn."""

from __future__ import annotations

import numpy as np

from toyscore.model import Floats


def ideal_score(Y: Floats, data: Floats, signal: float, noise_std: float) -> Floats:
    """Score at Y, (1, examples), for data of shape (1, points)."""
    shift = signal * data.T - Y  # (points, examples)
    logits = -(shift**2) / (2 * noise_std**2)
    weights = np.exp(logits - logits.max(axis=0))
    mean_shift = (weights * shift).sum(axis=0, keepdims=True) / weights.sum(axis=0)
    return mean_shift / noise_std**2

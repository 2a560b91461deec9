"""Wrong: the score divides by sigma, not by its square."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import log_softmax


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        squares = cdist(y[:, None], mu * points[:, None], "sqeuclidean")
        log_weights = log_softmax(-squares / (2 * sigma * sigma), axis=1)
        denoised = np.exp(log_weights) @ (mu * points)
        return (denoised - y) / sigma

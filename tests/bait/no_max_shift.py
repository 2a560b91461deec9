"""Wrong: weights are exponentials without a shift. Far from the data they are all 0."""

from __future__ import annotations

from typing import Any

import numpy as np


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        scores = []
        for value in y:
            offsets = mu * points - value
            with np.errstate(invalid="ignore", under="ignore"):
                kernel = np.exp(-(offsets**2) / (2 * sigma**2))
                scores.append(np.dot(kernel, offsets) / np.sum(kernel) / sigma**2)
        return np.array(scores)

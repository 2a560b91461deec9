"""Wrong: the derivative of relu at 0 is taken to be 1 (`>=` for `>`)."""

from __future__ import annotations

from typing import Any

import numpy as np


def relu_slope(x: Any) -> Any:
    return np.asarray(x >= 0, dtype=x.dtype)


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def sgd_step(
        self,
        network: Any,
        points: Any,
        mu: float,
        sigma: float,
        learning_rate: float,
        indices: Any,
        noise: Any,
    ) -> Any:
        count, width = len(indices), len(network.bias)
        outer, bias = network.outer.copy(), network.bias.copy()
        for index, z in zip(indices, noise, strict=True):
            pre = network.inner * (mu * points[index] + sigma * z) + network.bias
            slope = relu_slope(pre)
            output = np.sum(network.outer * pre * slope) / width
            chain = 2 * (output + z / sigma) / (count * width)
            outer -= width * learning_rate * chain * pre * slope
            bias -= width * learning_rate * chain * network.outer * slope
        return network._replace(outer=outer, bias=bias)

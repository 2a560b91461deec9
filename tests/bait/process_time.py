"""Right. Parametrised by the time of the process: mu = exp(-t), sigma^2 = -expm1(-2t)."""

from __future__ import annotations

from math import exp, expm1, sqrt
from typing import Any

import numpy as np
from scipy.special import erf, softmax


class OrnsteinUhlenbeck:
    def __init__(self, time: float) -> None:
        self.signal = exp(-time)
        self.variance = -expm1(-2 * time)
        self.noise = sqrt(self.variance)


def gaussian(x: Any, variance: float) -> Any:
    return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


class Adapter:
    arrays = "numpy"
    dtype = "float64"
    noise = "time"

    def score(self, y: Any, points: Any, time: float) -> Any:
        process = OrnsteinUhlenbeck(time)
        offset = process.signal * points - y[:, np.newaxis]
        weights = softmax(-(offset**2) / (2 * process.variance), axis=-1)
        return (weights * offset).sum(-1) / process.variance

    def gradient(self, network: Any, points: Any, time: float) -> Any:
        """Outer weights and biases: means of the residual on each half line."""
        process = OrnsteinUhlenbeck(time)
        m = network.outer.size
        by_outer = np.zeros(m)
        by_bias = np.zeros(m)
        for x in points:
            mean = process.signal * x
            for l in range(m):
                own = self._half_line(network, l)
                mass = self._raw(mean, process.variance, *own)[0]
                # Stein: E[Z g(Y)] / sigma = E[g'(Y)], with the jump of the indicator at the kink
                stein = network.inner[l] * mass
                jump = np.sign(network.inner[l])
                jump = jump * gaussian(-network.bias[l] / network.inner[l] - mean, process.variance)
                by_outer[l] += stein
                by_bias[l] += jump
                for k in range(m):
                    other = self._half_line(network, k)
                    low, high = max(own[0], other[0]), min(own[1], other[1])
                    if low >= high:
                        continue
                    p0, p1, p2 = self._raw(mean, process.variance, low, high)
                    w, b = network.inner[l], network.bias[l]
                    c, d = network.inner[k], network.bias[k]
                    share = network.outer[k] / m
                    by_outer[l] += share * (w * c * p2 + (w * d + b * c) * p1 + b * d * p0)
                    by_bias[l] += share * (c * p1 + d * p0)
        scale = 2 / m / len(points)
        return type(network)(None, scale * network.outer * by_bias, scale * by_outer)

    def _half_line(self, network: Any, l: int) -> tuple[float, float]:
        kink = -network.bias[l] / network.inner[l]
        return (kink, np.inf) if network.inner[l] > 0 else (-np.inf, kink)

    def _raw(self, mean: float, variance: float, low: float, high: float) -> Any:
        """Raw moments 1, Y, Y^2 of Y ~ N(mean, variance) on an interval."""
        spread = sqrt(2 * variance)
        mass = (erf((high - mean) / spread) - erf((low - mean) / spread)) / 2
        at_low = 0.0 if np.isinf(low) else gaussian(low - mean, variance)
        at_high = 0.0 if np.isinf(high) else gaussian(high - mean, variance)
        edge = 0.0
        if np.isfinite(low):
            edge += (low - mean) * at_low
        if np.isfinite(high):
            edge -= (high - mean) * at_high
        first = mean * mass + variance * (at_low - at_high)
        second = mean**2 * mass + 2 * mean * variance * (at_low - at_high)
        return mass, first, second + variance * (mass + edge)

"""Right. Loops over points and neurons with `math.erf`, as one writes a formula down first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def moments(low: float, high: float) -> tuple[float, float, float]:
    """E[1], E[Z], E[Z^2] of a standard normal Z between two numbers."""
    if low >= high:
        return 0.0, 0.0, 0.0
    mass = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    first = density(low) - density(high)
    second = mass
    if not math.isinf(low):
        second += low * density(low)
    if not math.isinf(high):
        second -= high * density(high)
    return mass, first, second


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        result = np.zeros(len(y))
        for j in range(len(y)):
            exponents = [-((y[j] - mu * x) ** 2) / (2 * sigma**2) for x in points]
            top = max(exponents)
            total = weighted = 0.0
            for x, exponent in zip(points, exponents, strict=True):
                weight = math.exp(exponent - top)
                total += weight
                weighted += weight * x
            result[j] = (mu * weighted / total - y[j]) / sigma**2
        return result

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> float:
        m = len(network.outer)
        total = 0.0
        for x in points:
            seen = self._seen(network, mu * x, sigma)
            value = 1 / sigma**2
            for l in range(m):
                _, _, low, high = seen[l]
                value += 2 / m * network.outer[l] * network.inner[l] * moments(low, high)[0]
                for k in range(m):
                    pair = self._pair(seen[l], seen[k])
                    value += network.outer[l] * network.outer[k] * pair[0] / m**2
            total += value
        return total / len(points)

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        m, n = len(network.outer), len(points)
        outer, bias, inner = np.zeros(m), np.zeros(m), np.zeros(m)
        for x in points:
            centre = mu * x
            seen = self._seen(network, centre, sigma)
            for l in range(m):
                mass, first, second = moments(seen[l][2], seen[l][3])
                by_outer = network.inner[l] * mass
                by_bias = first / sigma
                by_inner = (centre * first + sigma * second) / sigma
                for k in range(m):
                    product, hinge, stretched, _ = self._pair(seen[k], seen[l])
                    by_outer += network.outer[k] * product / m
                    by_bias += network.outer[k] * hinge / m
                    by_inner += network.outer[k] * (centre * hinge + sigma * stretched) / m
                outer[l] += 2 / m * by_outer / n
                bias[l] += 2 / m * network.outer[l] * by_bias / n
                inner[l] += 2 / m * network.outer[l] * by_inner / n
        return network._replace(inner=inner, bias=bias, outer=outer)

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        m, n = len(network.outer), len(points)
        result = np.zeros((2 * m, 2 * m))
        for x in points:
            centre = mu * x
            seen = self._seen(network, centre, sigma)
            for l in range(m):
                a, w, b = network.outer[l], network.inner[l], network.bias[l]
                for k in range(m):
                    c = network.outer[k]
                    product, hinge, _, mass = self._pair(seen[l], seen[k])
                    result[l, k] += 2 / m**2 * product / n
                    result[l, m + k] += 2 / m**2 * c * hinge / n
                    result[m + k, l] += 2 / m**2 * c * hinge / n
                    result[m + l, m + k] += 2 / m**2 * a * c * mass / n
                residual = moments(seen[l][2], seen[l][3])[1] / sigma
                for k in range(m):
                    residual += network.outer[k] * self._pair(seen[k], seen[l])[1] / m
                result[l, m + l] += 2 / m * residual / n
                result[m + l, l] += 2 / m * residual / n
                kink = -b / w
                z = (kink - centre) / sigma
                value = z / sigma
                for k in range(m):
                    if k != l:
                        active = max(0.0, network.inner[k] * kink + network.bias[k])
                        value += network.outer[k] * active / m
                result[m + l, m + l] += 2 / m * a / abs(w) * value * density(z) / sigma / n
        return result

    def largest_eigenvalue(self, network: Any, points: Any, mu: float, sigma: float) -> float:
        return float(np.linalg.eigvalsh(self.hessian(network, points, mu, sigma))[-1])

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
        m = len(network.outer)
        by_outer, by_bias = np.zeros(m), np.zeros(m)
        for i, z in zip(indices, noise, strict=True):
            y = mu * points[i] + sigma * z
            value = 0.0
            for l in range(m):
                value += network.outer[l] * max(0.0, network.inner[l] * y + network.bias[l]) / m
            residual = value + z / sigma
            for l in range(m):
                before = network.inner[l] * y + network.bias[l]
                if before > 0:
                    by_outer[l] += 2 * residual * before / m / len(indices)
                    by_bias[l] += 2 * residual * network.outer[l] / m / len(indices)
        return network._replace(
            outer=network.outer - m * learning_rate * by_outer,
            bias=network.bias - m * learning_rate * by_bias,
        )

    def _seen(self, network: Any, centre: float, sigma: float) -> list[Any]:
        """Each neuron as `u + v Z` on an interval of Z."""
        seen = []
        for w, b in zip(network.inner, network.bias, strict=True):
            z = (-b / w - centre) / sigma
            interval = (z, math.inf) if w > 0 else (-math.inf, z)
            seen.append((w * centre + b, w * sigma, *interval))
        return seen

    def _pair(self, first: Any, second: Any) -> tuple[float, float, float, float]:
        """E[r r'], E[r 1'], E[Z r 1'] and E[1 1']."""
        u, v, low, high = first
        p, q, other_low, other_high = second
        zeroth, one, two = moments(max(low, other_low), min(high, other_high))
        product = u * p * zeroth + (u * q + v * p) * one + v * q * two
        return product, u * zeroth + v * one, u * one + v * two, zeroth

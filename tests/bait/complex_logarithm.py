"""Right. Complex steps: the score is Im log p(y + ih) / h, the gradient Im R(theta + ih) / h."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import wofz

STEP = 1e-40


def log_density(y: Any, centres: Any, sigma: float) -> Any:
    """`log p(y)` without its constant, for complex y. [k]."""
    exponents = -((y[:, None] - centres) ** 2) / (2 * sigma**2)
    top = exponents.real.max(axis=1)
    return np.log(np.exp(exponents - top[:, None]).sum(axis=1)) + top


def tail(z: Any) -> Any:
    """P(Z > z), continued to complex z. The Faddeeva function keeps small imaginary parts."""
    size = np.where(z.real < 0, -z, z)
    upper = np.exp(-size * size / 2) * wofz(1j * size / np.sqrt(2)) / 2
    return np.where(z.real < 0, 1 - upper, upper)


def density(z: Any) -> Any:
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def risk_of(parts: list[Any], centres: Any, sigma: float) -> Any:
    """Pairs of neurons on their common half line or interval, for complex parameters."""
    w, b, a = parts
    m = len(a)
    rises = w.real > 0
    total = 0.0
    for c in centres:
        kink = (-b / w - c) / sigma
        # features u + v z on z > kink, or on z < kink
        u, v = w * c + b, w * sigma
        above, at = tail(kink), density(kink)
        upper = (above, at, above + kink * at)
        lower = (1 - above, -at, 1 - above - kink * at)
        value = 1 / sigma**2 + 2 * np.sum(a * w * np.where(rises, upper[0], lower[0])) / m
        for l in range(m):
            for k in range(m):
                near, far = (l, k) if kink[l].real < kink[k].real else (k, l)
                if rises[l] and rises[k]:
                    m0, m1, m2 = (part[far] for part in upper)
                elif not rises[l] and not rises[k]:
                    m0, m1, m2 = (part[near] for part in lower)
                elif rises[near] and not rises[far]:
                    m0, m1, m2 = (part[near] - part[far] for part in upper)
                else:
                    continue
                pair = u[l] * u[k] * m0 + (u[l] * v[k] + u[k] * v[l]) * m1 + v[l] * v[k] * m2
                value = value + a[l] * a[k] * pair / m**2
        total = total + value
    return total / len(centres)


class Adapter:
    arrays = "numpy"
    dtype = "float64"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        return log_density(y + 1j * STEP, mu * points, sigma).imag / STEP

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        parts = [part.astype(complex) for part in network]
        return risk_of(parts, mu * points, sigma).real

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        slopes = []
        for chosen in range(3):
            parts = [part.astype(complex) for part in network]
            slope = np.zeros(len(parts[0]))
            for l in range(len(slope)):
                parts[chosen][l] += 1j * STEP
                slope[l] = risk_of(parts, mu * points, sigma).imag / STEP
                parts[chosen][l] = parts[chosen][l].real
            slopes.append(slope)
        return type(network)(*slopes)

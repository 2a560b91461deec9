"""An implementation of every part in plain NumPy, as somebody would write it, and wrong ones.

It shares nothing with the package. Tests copy this file beside them and name its classes.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr


class Parameters(NamedTuple):
    inner: Any
    bias: Any
    outer: Any


def _normal(z: Any) -> Any:
    return np.exp(-z * z / 2) / z.dtype.type(np.sqrt(2 * np.pi))


def _far(z: Any) -> Any:
    """z phi(z), 0 at the infinite ends of half lines."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.isinf(z), 0, z * _normal(z))


def _moments(low: Any, high: Any) -> tuple[Any, Any, Any]:
    """E[Z^k; low < Z < high] for k = 0, 1, 2."""
    high = np.maximum(low, high)
    with np.errstate(over="ignore", under="ignore"):
        mirrored = low > 0
        mass = np.where(mirrored, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
        first = _normal(low) - _normal(high)
        return mass, first, mass + _far(low) - _far(high)


class _Lines:
    """Pre-activations p + q Z of neurons at noised points, and where they are positive."""

    def __init__(self, network: Any, points: Any, mu: float, sigma: float) -> None:
        kind = points.dtype.type
        self.p = np.outer(kind(mu) * points, network.inner) + network.bias
        self.q = np.broadcast_to(kind(sigma) * network.inner, self.p.shape)
        zero = -self.p / self.q
        infinite = kind(np.inf)
        self.low = np.where(self.q > 0, zero, -infinite)
        self.high = np.where(self.q > 0, infinite, zero)

    def both(self) -> tuple[Any, Any, Any]:
        """E[Z^k 1_l 1_k] for all pairs of neurons, `[n, m, m]`."""
        low = np.maximum(self.low[:, :, None], self.low[:, None, :])
        high = np.minimum(self.high[:, :, None], self.high[:, None, :])
        return _moments(low, high)


class Right:
    """Every part, right."""

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        mu, sigma = points.dtype.type(mu), points.dtype.type(sigma)
        logits = -(((y[:, None] - mu * points) / sigma) ** 2) / 2
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        mean = weights @ points / weights.sum(axis=1)
        return (mu * mean - y) / sigma**2

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        lines = _Lines(network, points, mu, sigma)
        kind, m = points.dtype.type, len(network.inner)
        mass = _moments(lines.low, lines.high)[0]
        square = (self._products(lines) * np.outer(network.outer, network.outer)).sum(axis=(1, 2))
        slope = mass @ (network.outer * network.inner)
        return np.mean(square / m**2 + 2 * slope / m) + 1 / kind(sigma) ** 2

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        lines = _Lines(network, points, mu, sigma)
        kind, m = points.dtype.type, len(network.inner)
        outer = self._products(lines) @ network.outer / m + self._noise_times_relu(lines) / kind(
            sigma
        )
        return Parameters(
            None,
            2 / m * network.outer * self._active_residual(lines, network, sigma),
            (2 / m * outer.mean(axis=0)).astype(points.dtype),
        )

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        lines = _Lines(network, points, mu, sigma)
        kind, m = points.dtype.type, len(network.inner)
        mass, first, _ = lines.both()
        p, q, outer = lines.p, lines.q, network.outer
        mixed = (p[:, :, None] * mass + q[:, :, None] * first).mean(axis=0) * outer
        corner = mass.mean(axis=0) * np.outer(outer, outer)
        out = np.zeros((2 * m, 2 * m), points.dtype)
        out[:m, :m] = 2 / m**2 * self._products(lines).mean(axis=0)
        out[:m, m:] = 2 / m**2 * mixed
        out[:m, m:] += np.diag(2 / m * self._active_residual(lines, network, sigma))
        out[m:, :m] = out[:m, m:].T
        kink = -network.bias / network.inner
        z = (kink[:, None] - kind(mu) * points) / kind(sigma)
        value = np.maximum(np.outer(kink, network.inner) + network.bias, 0) @ outer / m
        density = _normal(z) / kind(sigma)
        boundary = (density * (value[:, None] + z / kind(sigma))).mean(axis=1)
        out[m:, m:] = 2 / m**2 * corner
        out[m:, m:] += np.diag(2 / m * outer / np.abs(network.inner) * boundary)
        return out

    def largest_eigenvalue(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return np.linalg.eigvalsh(self.hessian(network, points, mu, sigma))[-1]

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
        kind, m = points.dtype.type, len(network.inner)
        y = kind(mu) * points[indices] + kind(sigma) * noise
        before = np.outer(y, network.inner) + network.bias
        residual = np.maximum(before, 0) @ network.outer / m + noise / kind(sigma)
        active = (before > 0).astype(points.dtype)
        outer = 2 / m * np.mean(residual[:, None] * before * active, axis=0)
        bias = 2 / m * np.mean(residual[:, None] * active, axis=0) * network.outer
        rate = kind(m * learning_rate)
        return Parameters(network.inner, network.bias - rate * bias, network.outer - rate * outer)

    def _products(self, lines: _Lines) -> Any:
        """E[relu_l relu_k], `[n, m, m]`."""
        mass, first, second = lines.both()
        p, q = lines.p, lines.q
        mixed = p[:, :, None] * q[:, None, :] + q[:, :, None] * p[:, None, :]
        return (
            p[:, :, None] * p[:, None, :] * mass
            + mixed * first
            + q[:, :, None] * q[:, None, :] * second
        )

    def _noise_times_relu(self, lines: _Lines) -> Any:
        _, first, second = _moments(lines.low, lines.high)
        return lines.p * first + lines.q * second

    def _active_residual(self, lines: _Lines, network: Any, sigma: float) -> Any:
        """E[f 1_l], `[m]`."""
        mass, first, _ = lines.both()
        m = len(network.inner)
        seen = (lines.p[:, None, :] * mass + lines.q[:, None, :] * first) @ network.outer / m
        alone = _moments(lines.low, lines.high)[1] / lines.p.dtype.type(sigma)
        return (seen + alone).mean(axis=0)


class ScoreOnly:
    """One part only."""

    score = Right.score


class NoShift(ScoreOnly):
    """The softmax without its max shift: 0/0 far from the points."""

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        logits = -(((y[:, None] - mu * points) / sigma) ** 2) / 2
        with np.errstate(all="ignore"):
            weights = np.exp(logits)
            return (mu * (weights @ points / weights.sum(axis=1)) - y) / sigma**2


class Doubled(ScoreOnly):
    """A score, and a risk that is twice too large."""

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return 2 * Right().risk(network, points, mu, sigma)


class Markup(ScoreOnly):
    """Raises text that looks like HTML."""

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        raise ValueError("<script>alert(1)</script> & \x1b[31mred")


class Dies(ScoreOnly):
    """Takes its process down in one case, and says that all is well."""

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        if len(points) == 60:
            os._exit(0)
        return Right().score(y, points, mu, sigma)


class Quits(ScoreOnly):
    """Leaves by sys.exit."""

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        raise SystemExit(0)


class InTime:
    """Every part, told the time instead of mu and sigma."""

    noise = "time"

    def __init__(self) -> None:
        self._own = Right()

    def _levels(self, time: float) -> tuple[float, float]:
        return float(np.exp(-time)), float(np.sqrt(-np.expm1(-2 * time)))

    def score(self, y: Any, points: Any, time: float) -> Any:
        return self._own.score(y, points, *self._levels(time))

    def risk(self, network: Any, points: Any, time: float) -> Any:
        return self._own.risk(network, points, *self._levels(time))

    def gradient(self, network: Any, points: Any, time: float) -> Any:
        return self._own.gradient(network, points, *self._levels(time))

    def hessian(self, network: Any, points: Any, time: float) -> Any:
        return self._own.hessian(network, points, *self._levels(time))

    def largest_eigenvalue(self, network: Any, points: Any, time: float) -> Any:
        return self._own.largest_eigenvalue(network, points, *self._levels(time))

    def sgd_step(
        self, network: Any, points: Any, time: float, rate: float, indices: Any, noise: Any
    ) -> Any:
        return self._own.sgd_step(network, points, *self._levels(time), rate, indices, noise)

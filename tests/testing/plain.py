"""Right implementations as people write them, in NumPy at a given dtype.

Everything is a sum over pairs of neurons of truncated normal moments, written with the normal
distribution function and density, in whatever dtype the arrays have; no code is shared with us.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from dsmverify.testing import Network


def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
    logits = -((y[:, None] - y.dtype.type(mu) * points) ** 2) / y.dtype.type(2 * sigma**2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    mean = (weights * points).sum(axis=1) / weights.sum(axis=1)
    return (y.dtype.type(mu) * mean - y) / y.dtype.type(sigma) ** 2


def score_unshifted_logs(y: Any, points: Any, mu: float, sigma: float) -> Any:
    """Logits normalised by a log-sum-exp, one point after the other."""
    kind = y.dtype.type
    out = np.zeros_like(y)
    for k, place in enumerate(y):
        logits = [-((place - kind(mu) * x) ** 2) / (2 * kind(sigma) ** 2) for x in points]
        total = np.logaddexp.reduce(np.array(logits, dtype=y.dtype))
        for x, logit in zip(points, logits, strict=True):
            out[k] += np.exp(logit - total) * (kind(mu) * x - place) / kind(sigma) ** 2
    return out


def vector_score(y: Any, points: Any, mu: float, sigma: float) -> Any:
    kind = y.dtype.type
    apart = kind(mu) * points[None] - y[:, None]
    logits = -(apart**2).sum(-1) / (2 * kind(sigma) ** 2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights[..., None] * apart).sum(1) / kind(sigma) ** 2


class Moments:
    """Means over Z of products of neurons on the half lines where they are active."""

    def __init__(self, network: Any, points: Any, mu: float, sigma: float) -> None:
        kind = points.dtype.type
        self.kind, self.m = kind, len(network.outer)
        self.mu, self.sigma = kind(mu), kind(sigma)
        self.inner, self.bias, self.outer = network
        self.centre = self.mu * points
        # h = c + d Z on the half line beyond z.
        self.c = self.inner * self.centre[:, None] + self.bias  # [n, m]
        self.d = self.inner * self.sigma  # [m]
        self.z = -self.c / self.d
        wide = kind(np.inf)
        self.low = np.where(self.inner > 0, self.z, -wide)
        self.high = np.where(self.inner > 0, wide, self.z)

    def _phi(self, z: Any) -> Any:
        return np.exp(-z * z / 2) / self.kind(np.sqrt(2 * np.pi))

    def _between(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        high = np.maximum(low, high)
        zero = self.kind(0)
        with np.errstate(invalid="ignore"):
            at_low = np.where(np.isinf(low), zero, low * self._phi(low))
            at_high = np.where(np.isinf(high), zero, high * self._phi(high))
        # The complementary tail on the right, as anyone does who has met 1 - 1.
        flip = low > 0
        mass = np.where(
            flip,
            special.ndtr(-low) - special.ndtr(-high),
            special.ndtr(high) - special.ndtr(low),
        )
        first = self._phi(low) - self._phi(high)
        second = mass + at_low - at_high
        return mass, first, second

    def single(self) -> tuple[Any, Any, Any]:
        """E[1_l], E[Z 1_l], E[Z^2 1_l]. `[n, m]`."""
        return self._between(self.low, self.high)

    def pairs(self) -> tuple[Any, Any, Any]:
        """The same for pairs. `[n, m, m]`."""
        low = np.maximum(self.low[:, :, None], self.low[:, None, :])
        high = np.minimum(self.high[:, :, None], self.high[:, None, :])
        return self._between(low, high)


def risk(network: Any, points: Any, mu: float, sigma: float) -> Any:
    its = Moments(network, points, mu, sigma)
    mass, first, second = its.pairs()
    c, d, w, m = its.c, its.d, its.outer, its.m
    product = (
        c[:, :, None] * c[:, None, :] * mass
        + (c[:, :, None] * d[None, :] + c[:, None, :] * d[:, None]) * first
        + d[:, None] * d[None, :] * second
    )
    square = np.einsum("l,k,ilk->i", w, w, product) / m**2
    _, one, two = its.single()
    cross = ((c * one + d * two) * w).sum(-1) / m
    return (square + 2 * cross / its.sigma + 1 / its.sigma**2).mean()


def _residual_moments(its: Moments) -> tuple[Any, Any, Any]:
    """E[f 1_l], E[f Z 1_l] and E[f Y 1_l]. `[n, m]`, f = s + Z/sigma."""
    mass, first, second = its.pairs()
    c, d, w, m = its.c, its.d, its.outer, its.m
    _, one, two = its.single()
    f = ((c[:, None, :] * mass + d * first) * w).sum(-1) / m + one / its.sigma
    # E[h_k Z 1_l] over pairs, from the same three moments.
    fz = ((c[:, None, :] * first + d * second) * w).sum(-1) / m + two / its.sigma
    return f, fz, its.centre[:, None] * f + its.sigma * fz


def gradient(network: Any, points: Any, mu: float, sigma: float) -> Network:
    its = Moments(network, points, mu, sigma)
    f, fz, fy = _residual_moments(its)
    w, m = its.outer, its.m
    return Network(
        inner=2 * w * fy.mean(0) / m,
        bias=2 * w * f.mean(0) / m,
        outer=2 * (its.c * f + its.d * fz).mean(0) / m,
    )


def hessian(network: Any, points: Any, mu: float, sigma: float) -> Any:
    """In outer, bias, inner."""
    its = Moments(network, points, mu, sigma)
    mass, first, second = its.pairs()
    n, m, w = len(points), its.m, its.outer
    ones, nil = np.ones((n, m), points.dtype), np.zeros(m, points.dtype)
    # Derivatives of m s by the parameters of neuron l are p + q Z.
    p = np.concatenate([its.c, w * ones, w * its.centre[:, None]], axis=1)
    q = np.concatenate([its.d, nil, w * its.sigma])
    big = [np.tile(x, (1, 3, 3)) for x in (mass, first, second)]
    kernel = (
        p[:, :, None] * p[:, None, :] * big[0]
        + (p[:, :, None] * q[None, :] + p[:, None, :] * q[:, None]) * big[1]
        + q[:, None] * q[None, :] * big[2]
    ).mean(0) / m**2
    f, _, fy = _residual_moments(its)
    kink = -its.bias / its.inner
    at = np.maximum(its.inner[None, :] * kink[:, None] + its.bias[None, :], 0)
    np.fill_diagonal(at, 0)
    value = (at * w).sum(-1) / m
    apart = (kink - its.centre[:, None]) / its.sigma
    density = its._phi(apart) / its.sigma
    dirac = w / np.abs(its.inner) * ((value + apart / its.sigma) * density).mean(0)
    result = 2 * kernel
    place = np.arange(m)
    for first_group, second_group, diagonal in (
        (0, 1, f.mean(0)),
        (0, 2, fy.mean(0)),
        (1, 1, dirac),
        (1, 2, kink * dirac),
        (2, 2, kink * kink * dirac),
    ):
        row, column = first_group * m + place, second_group * m + place
        result[row, column] += 2 * diagonal / m
        if first_group != second_group:
            result[column, row] += 2 * diagonal / m
    return result


def largest_eigenvalue(network: Any, points: Any, mu: float, sigma: float) -> Any:
    m = len(network.outer)
    return np.linalg.eigvalsh(hessian(network, points, mu, sigma)[: 2 * m, : 2 * m])[-1]


def sgd_step(
    network: Any, points: Any, mu: float, sigma: float, rate: float, indices: Any, noise: Any
) -> Network:
    kind = points.dtype.type
    m, size = len(network.outer), len(indices)
    y = kind(mu) * points[indices] + kind(sigma) * noise
    before = y[:, None] * network.inner + network.bias
    hidden, active = np.maximum(before, 0), (before > 0).astype(points.dtype)
    residual = (hidden @ network.outer) / kind(m) + noise / kind(sigma)
    outer = 2 * (residual[:, None] * hidden).sum(0) / (m * size)
    bias = 2 * (residual[:, None] * active * network.outer).sum(0) / (m * size)
    scale = kind(m * rate)
    return Network(
        network.inner,
        (network.bias - scale * bias).astype(points.dtype),
        (network.outer - scale * outer).astype(points.dtype),
    )

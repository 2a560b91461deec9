"""An instance as a vector of floats and back, so that an optimiser can move it.

Whatever the vector, the instance is in the setting: gaps are exponentials in units of
`sigma / mu`, mu and sigma are logistic, kinks hang on their nearest mean, in units of sigma, and
outer weights keep their signs. The numbers of an instance that is built are decimals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.search.networks import Noised, bounded_like
from dsmverify.search.rounding import rounded, rounded_inside

Floats = NDArray[np.float64]

LARGEST: Final = 80.0
"""Exponents and logits are cut here."""

POSITIVE: Final = ("A", "beta", "gamma", "delta", "t")
"""Parameters that stay positive; the search moves their logarithms."""


@dataclass(frozen=True)
class Genome:
    """How an instance becomes a vector, and which parts of it are free.

    Attributes:
        start: the instance that gives everything discrete: sizes, signs, spelling, batch.
        digits: significant digits of the instances that are built.
    """

    start: Instance
    digits: int = 8

    def encode(self) -> Floats:
        """The vector of the start."""
        instance = self.start
        noised = Noised.of(instance)
        unit = Fraction(noised.sigma / noised.mu)
        gaps = [math.log(float((b - a) / unit)) for a, b in pairwise(instance.points)]
        origin = math.asinh(float(instance.points[0] / unit))
        vector = [*self._noise(), origin, *gaps]
        data = instance.network
        if data is not None:
            for kink, anchor in zip(_kinks(data), self._anchors(noised), strict=True):
                vector.append(math.asinh(float(kink - noised.centres[anchor]) / noised.sigma))
            vector += [_log(abs(w)) for w in data.outer_weights]
        vector += [_log(instance.parameters[name]) for name in self._positive()]
        vector += [float(entry) for entry in instance.parameters.get("f", ())]
        return np.array(vector)

    def decode(self, vector: Sequence[float]) -> Instance:
        """The instance of a vector."""
        values = iter(float(entry) for entry in vector)
        noise = self._level(values)
        origin = _cut(next(values))
        gaps = [_cut(next(values)) for _ in self.start.points[1:]]
        moved = replace(self.start, noise=noise, network=None, at=(), parameters={})
        noised = Noised.of(moved)
        unit = noised.sigma / noised.mu
        steps = [Fraction(unit) * Fraction(math.exp(gap)) for gap in gaps]
        scale = float(min(steps))
        first = rounded(unit * math.sinh(origin), self.digits, scale)
        steps = [rounded(step, self.digits, scale) for step in steps]
        points = (first, *(first + step for step in accumulate(steps)))
        moved = replace(moved, points=points)
        parameters = dict(self.start.parameters)
        data = self.start.network
        if data is not None:
            moved = replace(moved, network=self._network(data, Noised.of(moved), values))
        for name in self._positive():
            parameters[name] = rounded(math.exp(_cut(next(values))), self.digits)
        if "f" in parameters:
            parameters["f"] = tuple(
                rounded(next(values), self.digits, 1e-6 + abs(float(entry)))
                for entry in parameters["f"]
            )
        return replace(moved, parameters=parameters)

    def _noise(self) -> list[float]:
        noise = self.start.noise
        if noise.time is not None:
            return [math.log(float(noise.time))]
        assert noise.sigma is not None
        found = [_logit(noise.sigma)]
        return found if noise.mu is None else [*found, _logit(noise.mu)]

    def _level(self, values: Any) -> NoiseLevel:
        noise = self.start.noise
        if noise.time is not None:
            return NoiseLevel(time=rounded(math.exp(_cut(next(values))), self.digits))
        sigma = rounded_inside(_logistic(next(values)), self.digits)
        if noise.mu is None:
            return NoiseLevel(sigma=sigma)
        return NoiseLevel(mu=rounded_inside(_logistic(next(values)), self.digits), sigma=sigma)

    def _anchors(self, noised: Noised) -> list[int]:
        data = self.start.network
        assert data is not None
        return [
            min(range(len(noised.centres)), key=lambda i: abs(kink - noised.centres[i]))
            for kink in _kinks(data)
        ]

    def _network(self, data: NetworkData, noised: Noised, values: Any) -> NetworkData:
        kinks = []
        for anchor in self._anchors(Noised.of(self.start)):
            offset = noised.sigma * math.sinh(_cut(next(values)))
            step = rounded(offset, self.digits, min(abs(offset), noised.sigma))
            kinks.append(noised.centres[anchor] + step)
        outer = []
        for weight in data.outer_weights:
            exponent = next(values)
            size = rounded(math.exp(_cut(exponent)), self.digits) if weight else Fraction(0)
            outer.append(size if weight > 0 else -size)
        biases = [-w * kink for w, kink in zip(data.inner_weights, kinks, strict=True)]
        found = NetworkData(data.inner_weights, tuple(biases), tuple(outer))
        return bounded_like(found, data)

    def _positive(self) -> list[str]:
        return [name for name in POSITIVE if name in self.start.parameters]


def _kinks(data: NetworkData) -> list[Fraction]:
    return [-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)]


def _log(value: Fraction) -> float:
    return math.log(float(value)) if value > 0 else -LARGEST


def _logit(value: Fraction) -> float:
    return math.log(float(value / (1 - value)))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-_cut(value)))


def _cut(value: float) -> float:
    if not math.isfinite(value):
        return 0.0
    return min(max(value, -LARGEST), LARGEST)

"""The instances that are timed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.instance import Instance, NetworkData, NoiseLevel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wide:
    """A sample and a wide network with inner weights +-1, as float64 arrays."""

    points: Floats
    mu: float
    sigma: float
    inner: Floats
    bias: Floats
    outer: Floats

    def instance(self) -> Instance:
        """The same, exactly."""
        return Instance(
            "wide",
            _exact(self.points),
            NoiseLevel(mu=Fraction(self.mu), sigma=Fraction(self.sigma)),
            NetworkData(_exact(self.inner), _exact(self.bias), _exact(self.outer)),
        )


def wide(size: int = 20, width: int = 1000, seed: int = 1) -> Wide:
    """Normal points, biases and outer weights; sigma = 0.31."""
    generator = np.random.default_rng(seed)
    return Wide(
        np.sort(generator.standard_normal(size)),
        0.95,
        0.31,
        generator.choice(np.array([-1.0, 1.0]), width),
        generator.standard_normal(width),
        5 * generator.standard_normal(width),
    )


def spaced(ratio: int, size: int = 20) -> Instance:
    """Equispaced points with spacing ratio `mu Delta/sigma`, sigma = 0.31."""
    mu, sigma = Fraction(95, 100), Fraction(31, 100)
    gap = ratio * sigma / mu
    points = tuple(k * gap for k in range(size))
    return Instance(f"ratio {ratio}", points, NoiseLevel(mu=mu, sigma=sigma))


def _exact(values: Any) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(value)) for value in values)

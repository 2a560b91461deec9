"""Structured samples: few points, plain patterns, spacing ratios over ten orders of magnitude.

| letter | here | meaning |
|---|---|---|
| kappa | `ratio` | spacing ratio mu Delta / sigma |
| Delta | | smallest gap |

Every sample is in the setting by construction: gaps are positive, mu and sigma inside (0, 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Final

import numpy as np

from dsmverify.instance import Batch, Instance, NoiseLevel
from dsmverify.search.rounding import rounded, rounded_inside

SIZES: Final = tuple(range(2, 13))
"""Sizes tried one by one: proofs say 'for n >= 10' where statements do not."""

SMALLEST_RATIO, LARGEST_RATIO = -4.0, 6.0
"""Decimal logarithms of the spacing ratios."""

SMALL_SIZES: Final = 6
"""Lines of two points in a round; of n points there are n - 1 times fewer, at least one."""

SMALLEST_SIGMA: Final = -6.0
"""Decimal logarithm of the smallest noise levels."""

RATIOS: Final = 21
"""Spacing ratios of one line."""

CLUSTERED: Final = 5
"""Samples of two clusters made at a time."""

DIGITS: Final = 3
"""Significant digits of structured samples."""

PATTERNS: Final = ("equispaced", "two clusters", "one outlier", "one close pair", "geometric",
                   "random")  # fmt: skip
ORIGINS: Final = ("first", "last", "centre", "mean at a point", "midpoint at a point", "far")


@dataclass(frozen=True)
class Line:
    """Samples that differ in their spacing ratio only.

    Attributes:
        gaps: relative to the smallest, which is 1.
        mu: in (0, 1).
        sigma: in (0, 1).
        origin: one of `ORIGINS`.
        seed: picks the indices that the origin leaves open.
        batch: of the instances, if any.
        noise: how the noise level is spelled.
    """

    gaps: tuple[Fraction, ...]
    mu: Fraction
    sigma: Fraction
    origin: str
    seed: int
    batch: Batch | None = None
    noise: str = "pair"

    def at(self, ratio: float, digits: int = DIGITS) -> Instance:
        """The sample with a given spacing ratio, to so many digits of the smallest gap."""
        level = self._level()
        mu, sigma = (float(value) for value in _values(level))
        unit = rounded(ratio * sigma / mu, digits)
        steps = [rounded(gap * unit, digits, float(unit)) for gap in self.gaps]
        relative = [Fraction(0), *accumulate(steps)]
        start = self._start(relative, unit)
        points = tuple(start + step for step in relative)
        return Instance("candidate", points, level, batch=self.batch)

    def _level(self) -> NoiseLevel:
        if self.noise == "time":
            return NoiseLevel(time=self.sigma)
        if self.noise == "sigma":
            return NoiseLevel(sigma=self.sigma)
        return NoiseLevel(mu=self.mu, sigma=self.sigma)

    def _start(self, steps: Sequence[Fraction], unit: Fraction) -> Fraction:
        """First point: the others lie at `steps` behind it."""
        chooser = np.random.default_rng(self.seed)
        count = len(steps)
        if self.origin == "last":
            return -steps[-1]
        if self.origin == "centre":
            return rounded(-steps[-1] / 2, DIGITS, float(unit))
        if self.origin == "far":
            return rounded(steps[-1] * int(chooser.integers(1, 1000)), DIGITS)
        i, j = int(chooser.integers(count)), int(chooser.integers(count))
        if self.origin == "mean at a point":  # x_i = mu x_j
            return (self.mu * steps[j] - steps[i]) / (1 - self.mu)
        if self.origin == "midpoint at a point":  # x_i = mu (x_j + x_{j+1})/2
            j = min(j, count - 2)
            middle = (steps[j] + steps[j + 1]) / 2
            return (self.mu * middle - steps[i]) / (1 - self.mu)
        return Fraction(0)


def _values(level: NoiseLevel) -> tuple[float, float]:
    from dsmverify.systems.float64 import SYSTEM

    mu, sigma = level.values(SYSTEM)
    return float(mu), float(sigma)


def lines(generator: np.random.Generator, sizes: Sequence[int] = SIZES) -> Iterator[Line]:
    """Lines of samples, a round of all sizes after the other, small ones several times; endless."""
    while True:
        for size in sizes:
            for _ in range(max(1, SMALL_SIZES // (size - 1))):
                pattern = str(generator.choice(PATTERNS)) if size > 2 else PATTERNS[0]
                yield line(generator, size, pattern)


def line(generator: np.random.Generator, size: int, pattern: str) -> Line:
    """One line of samples of a size and a pattern, the rest drawn."""
    spelled = str(generator.choice(["pair", "pair", "pair", "sigma", "time"]))
    mu, sigma = _level(generator, -3), _level(generator, SMALLEST_SIGMA)
    if spelled == "time":
        sigma = rounded(10.0 ** float(generator.uniform(-4, 0.5)), 2)
    batch = Batch(int(generator.integers(1, size + 1))) if generator.random() < 0.5 else None
    origin = str(generator.choice(ORIGINS))
    gaps = _gaps(generator, size, pattern)
    return Line(gaps, mu, sigma, origin, int(generator.integers(2**31)), batch, spelled)


def clusters(
    generator: np.random.Generator, size: int, count: int = CLUSTERED
) -> tuple[list[Line], list[float]]:
    """Lines of two clusters of close points, any share in each, and a spacing ratio for each.

    The clusters lie between a fraction of a noise level and some twenty of them apart. A batch is
    the whole sample or a single point.
    """
    made: list[Line] = []
    spacing: list[float] = []
    for _ in range(count):
        wide = rounded(10.0 ** float(generator.uniform(3, 6)), 1)
        gaps = [Fraction(1)] * (size - 1)
        gaps[int(generator.integers(size - 1))] = wide
        mu, sigma = _level(generator, -1), _level(generator, -1)
        batch = Batch(size if generator.random() < 0.5 else 1)
        made.append(Line(tuple(gaps), mu, sigma, "first", 0, batch))
        spacing.append(10.0 ** float(generator.uniform(-0.3, 1.3)) / float(wide))
    return made, spacing


def ratios(generator: np.random.Generator, count: int = RATIOS) -> list[float]:
    """Spacing ratios over ten orders of magnitude, one drawn from each part."""
    width = (LARGEST_RATIO - SMALLEST_RATIO) / count
    shares = generator.random(count)
    return [10 ** (SMALLEST_RATIO + (k + float(u)) * width) for k, u in enumerate(shares)]


def _level(generator: np.random.Generator, smallest: float) -> Fraction:
    """A short number inside (0, 1), now and then near an end, 0 to within `10^smallest`."""
    kind = generator.random()
    if kind < 0.25:
        return Fraction(1, 2)
    if kind < 0.5:
        return Fraction(int(generator.integers(1, 10)), 10)
    if kind < 0.75:
        return rounded_inside(10.0 ** float(generator.uniform(smallest, -0.5)), 1)
    return rounded_inside(1 - 10.0 ** float(generator.uniform(-3, -0.5)), 1)


def _gaps(generator: np.random.Generator, size: int, pattern: str) -> tuple[Fraction, ...]:
    count = size - 1
    ones = [Fraction(1)] * count
    wide = rounded(10.0 ** float(generator.uniform(0.3, 6)), 1)
    place = int(generator.integers(count))
    if pattern == "two clusters":
        ones[count // 2] = wide
    elif pattern == "one outlier":
        ones[0 if generator.random() < 0.5 else -1] = wide
    elif pattern == "one close pair":
        ones = [wide] * count
        ones[place] = Fraction(1)
    elif pattern == "geometric":
        base = 10.0 ** (math.log10(float(wide)) / max(count - 1, 1))
        ones = [rounded(base**k, 2) for k in range(count)]
        if generator.random() < 0.5:
            ones.reverse()
    elif pattern == "random":
        ones = [rounded(10.0 ** float(generator.uniform(0, 1.5)), 2) for _ in range(count)]
        ones[place] = Fraction(1)
    return tuple(ones)

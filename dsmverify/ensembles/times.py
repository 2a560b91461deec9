"""Noise levels of the Ornstein-Uhlenbeck process, and the times at which a score is trained.

| letter | here | meaning |
|---|---|---|
| mu(t) | `signal_factor` | e^-t |
| sigma(t) | `noise_deviation` | sqrt(1 - e^-2t), without cancellation |
| delta, T | `start`, `end` | first and last time |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.arguments import real, whole
from dsmverify.errors import InputError

Floats = NDArray[np.float64]


def signal_factor(time: Any) -> Any:
    """`mu(t) = e^-t`. Approximate, relative error about 1e-16. Source: section 2, p. 3."""
    return np.exp(-np.asarray(time, dtype=np.float64))


def noise_deviation(time: Any) -> Any:
    """`sigma(t) = sqrt(1 - e^-2t)`. Approximate, relative error about 1e-16. Source: as above."""
    return np.sqrt(-np.expm1(-2 * np.asarray(time, dtype=np.float64)))


def in_order(start: Any, end: Any, prefix: str = "") -> tuple[float, float]:
    """First and last time as floats.

    Args:
        start: delta.
        end: T.
        prefix: of their names, for the message: `times.`, say.

    Raises:
        InputError: one is no finite number, or they are not positive and in order.
    """
    way_out = "give 0 < start < end"
    first = real(f"{prefix}start", start, above=0, way_out=way_out)
    last = real(f"{prefix}end", end, above=0, way_out=way_out)
    if not first < last:
        raise InputError(
            f"{prefix}start, {prefix}end", f"{first}, {last}", "times are in order", way_out
        )
    return first, last


@dataclass(frozen=True)
class Times:
    """Equally spaced times, drawn in proportion to their noise level.

    Args:
        start: delta, positive: at time 0 the score of finitely many points does not exist.
        end: T, above `start`.
        count: number of times, both ends among them; at least 2.

    Source: appendix D, p. 37; that the ends are delta and T is assumed.
    """

    start: float = 0.01
    end: float = 1.0
    count: int = 100

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a time is not positive or finite, the ends are out of order, or there are
                fewer than two times.
        """
        in_order(self.start, self.end, "times.")
        count = whole("times.count", self.count, 2, why="both ends are among the times")
        object.__setattr__(self, "count", count)

    @cached_property
    def values(self) -> Floats:
        """`[count]`, ascending."""
        return np.linspace(float(self.start), float(self.end), self.count)

    @cached_property
    def mu(self) -> Floats:
        """`[count]`."""
        found: Floats = signal_factor(self.values)
        return found

    @cached_property
    def sigma(self) -> Floats:
        """`[count]`."""
        found: Floats = noise_deviation(self.values)
        return found

    @cached_property
    def probabilities(self) -> Floats:
        """`[count]`, in proportion to sigma(t); their sum is 1."""
        return self.sigma / math.fsum(self.sigma)

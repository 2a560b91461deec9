"""Metrics with names: what the experiments report, and how each is read.

| name | kind | what |
|---|---|---|
| `mmd2_unbiased` | distance | squared MMD, mean over pairs of different points |
| `mmd2_biased` | distance | squared MMD, all pairs |
| `mmd_biased` | distance | root of it |
| `sliced_w2` | distance | sliced W_2, 100 directions that never change |
| `w2` | distance | exact W_2 of the first points of both clouds |
| `memorised` | statistic | fraction of points within a third of the second nearest's distance |
| `nearest_distance` | statistic | median distance to the nearest training point |

A distance compares two clouds. A statistic compares a cloud with the training points.

At bandwidth `median` the kernel depends on both clouds: its values for two pairs of clouds belong
to two kernels, and the "unbiased" one is unbiased for none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.ensembles.arguments import whole
from dsmverify.errors import InputError, show
from dsmverify.metrics.mmd import Cloud, Pair, Widths, checked_bandwidths
from dsmverify.metrics.nearest import median_nearest_distance, memorisation_ratio
from dsmverify.metrics.wasserstein import LARGEST_ASSIGNMENT, sliced_wasserstein2, wasserstein2

Floats = NDArray[np.float64]
Bandwidth = Widths | Literal["median"]

PROJECTIONS = 100
PROJECTION_SEED = 20_240_229
TRANSPORT_POINTS = 200


@dataclass(frozen=True)
class Metric:
    """A number that is read as a distance between clouds, or as a measure of memorisation.

    Attributes:
        name: what is computed.
        bandwidth: of the kernel, or on how many points; "" where there is nothing to choose.
        kind: "distance": `value(x, y)` of two clouds; "statistic": `value(x, training points)`.
        value: the function.
        larger_is: where a larger value points; a distance is always larger "away" from the same
            law, a statistic grows "away" from memorisation or "towards" it.
    """

    name: str
    bandwidth: str
    kind: Literal["distance", "statistic"]
    value: Callable[[Floats, Floats], float]
    larger_is: Literal["away", "towards"] = "away"

    def __post_init__(self) -> None:
        """Check what is named.

        Raises:
            InputError: unknown kind or direction, or a distance that shrinks.
        """
        if self.kind not in ("distance", "statistic"):
            raise InputError(
                "kind", show(self.kind), "it is no kind of metric", "give distance or statistic"
            )
        allowed = ("away",) if self.kind == "distance" else ("away", "towards")
        if self.larger_is not in allowed:
            raise InputError(
                "larger_is",
                show(self.larger_is),
                f"a {self.kind} grows {' or '.join(allowed)}",
                f"give {' or '.join(allowed)}",
            )

    @property
    def label(self) -> str:
        """Name and bandwidth."""
        return f"{self.name} ({self.bandwidth})" if self.bandwidth else self.name


@dataclass(frozen=True)
class KernelDistance:
    """An MMD as a function of two clouds.

    Attributes:
        bandwidth: h, several, or "median".
        biased: whether points are paired with themselves.
        root: whether the root is taken, of 0 where rounding leaves less.
    """

    bandwidth: tuple[float, ...] | Literal["median"]
    biased: bool
    root: bool = False

    def __call__(self, x: ArrayLike, y: ArrayLike) -> float:
        """Value between clouds `[n, d]` and `[m, d]`. Result and Raises: as `mmd.Pair`."""
        return self.of(Pair(x, y))

    def of(self, pair: Pair) -> float:
        """Value between two clouds with distances that are shared."""
        bandwidth = pair.median_bandwidth if self.bandwidth == "median" else self.bandwidth
        squared = pair.mmd_squared(bandwidth, biased=self.biased)
        return math.sqrt(max(squared, 0.0)) if self.root else squared


def values(metrics: Sequence[Metric], x: Floats | Cloud, y: Floats | Cloud) -> tuple[float, ...]:
    """Value of every metric at the same two arguments; distances are computed once.

    Args:
        metrics: of one kind: y is a cloud for distances, the training points for statistics.
        x: `[n, d]`, or a cloud: its own distances are then kept for the next call.
        y: `[m, d]`, or a cloud.

    Result: as each metric's `value`.

    Raises:
        InputError: metrics of both kinds, or what the metrics refuse.
    """
    if len({metric.kind for metric in metrics}) > 1:
        raise InputError(
            "metrics",
            ", ".join(metric.label for metric in metrics),
            "distances and statistics take different second arguments",
            "call once for each kind",
        )
    pair = Pair(x, y) if any(isinstance(m.value, KernelDistance) for m in metrics) else None
    plain_x, plain_y = (z.points if isinstance(z, Cloud) else z for z in (x, y))
    return tuple(
        metric.value.of(pair)
        if pair is not None and isinstance(metric.value, KernelDistance)
        else metric.value(plain_x, plain_y)
        for metric in metrics
    )


def standard(
    bandwidths: Sequence[Bandwidth] = (1.0, "median", (0.5, 1.0, 2.0, 4.0)),
    *,
    transport_points: int = TRANSPORT_POINTS,
) -> tuple[Metric, ...]:
    """Every metric that the experiments report.

    Args:
        bandwidths: of the kernels: h, "median", or several numbers for a sum of kernels.
        transport_points: rows of each cloud that the exact W_2 takes: the first ones, so rows must
            be in no particular order.

    Raises:
        InputError: a bandwidth is not positive and finite, or too few or too many points for W_2.
    """
    transport_points = whole("transport_points", transport_points, 2, LARGEST_ASSIGNMENT + 1)
    metrics = []
    for bandwidth in bandwidths:
        h = (
            bandwidth
            if isinstance(bandwidth, str) and bandwidth == "median"
            else checked_bandwidths(bandwidth)
        )
        name = _bandwidth_name(h)
        metrics += [
            Metric("mmd2_unbiased", name, "distance", KernelDistance(h, biased=False)),
            Metric("mmd2_biased", name, "distance", KernelDistance(h, biased=True)),
            Metric("mmd_biased", name, "distance", KernelDistance(h, biased=True, root=True)),
        ]

    def sliced(x: Floats, y: Floats) -> float:
        return sliced_wasserstein2(x, y, projections=PROJECTIONS, seed=PROJECTION_SEED)

    def exact(x: Floats, y: Floats) -> float:
        count = min(transport_points, len(x), len(y))
        return wasserstein2(x[:count], y[:count])

    return (
        *metrics,
        Metric("sliced_w2", "", "distance", sliced),
        Metric("w2", f"first {transport_points} points", "distance", exact),
        Metric("memorised", "", "statistic", memorisation_ratio, "towards"),
        Metric("nearest_distance", "", "statistic", median_nearest_distance),
    )


def _bandwidth_name(bandwidth: tuple[float, ...] | Literal["median"]) -> str:
    if bandwidth == "median":
        return bandwidth
    text = ";".join(np.format_float_positional(h, trim="-") for h in bandwidth)
    return text if len(bandwidth) == 1 else f"sum {text}"

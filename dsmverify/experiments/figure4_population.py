"""What squared MMD with bandwidth 1 can tell in each dimension of figure 4, certified.

Nothing is sampled here: `metrics.population` gives the means and variances of the estimator between
two laws as balls. The laws are those of the first simulation's sample, its points of equal weight.
The sampled powers of `figure4_grounds` differ in two things: generation from N(0, I) gives points
unequal weights, and the fitted Gaussian has no noise added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsmverify.experiments.clouds import GenerationSettings
from dsmverify.experiments.figure4_settings import Floats
from dsmverify.metrics.population import population_power
from dsmverify.truth import Truth

BANDWIDTH = Fraction(1)
"""As the page states it."""
DIGITS = 12
"""Of an enclosure's midpoint, at most; only those that are certain are spelled."""
BALLS = (
    "extreme", "null_deviation", "gaussian_deviation", "extreme_deviation", "blurred",
    "blurred_gaussian", "biased_null", "biased_extreme",
)  # fmt: skip
COLUMNS = ("dimension", "bandwidth", "size", *BALLS, "separates", "orders")


@dataclass(frozen=True)
class Certified:
    """A row of `fig4_population.csv`.

    Attributes:
        dimension: d.
        size: N.
        balls: decimal enclosures, by the names of `BALLS`; see `PopulationPower`.
        separates: see `PopulationPower`.
        orders: see `PopulationPower`.
    """

    dimension: int
    size: int
    balls: Mapping[str, str]
    separates: Truth
    orders: Truth

    def cells(self) -> tuple[str, ...]:
        """In the order of `COLUMNS`."""
        return (
            str(self.dimension), str(BANDWIDTH), str(self.size),
            *(self.balls[name] for name in BALLS), self.separates.value, self.orders.value,
        )  # fmt: skip


def certified_record(points: Floats, settings: GenerationSettings) -> dict[str, Any]:
    """Plain data of a row; see `certified`.

    Args:
        points: training points `[n, d]`.
        settings: the number of points of a set, and the last time as it is written.
    """
    power = population_power(
        points, bandwidth=BANDWIDTH, size=settings.count, time=Fraction(repr(settings.start))
    )
    balls = {name: getattr(power, name).str(DIGITS) for name in BALLS}
    return {
        "dimension": power.dimension,
        "size": power.size,
        "balls": balls,
        "separates": power.separates.value,
        "orders": power.orders.value,
    }


def certified(record: Mapping[str, Any]) -> Certified:
    """A row from its plain data."""
    words = {name: Truth(record[name]) for name in ("separates", "orders")}
    return Certified(**{**record, **words})

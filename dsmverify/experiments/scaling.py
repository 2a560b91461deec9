"""Critical rates of risk curves, the powers they follow, and how well a scale collapses them.

| letter | here | meaning |
|---|---|---|
| eta_c | `Crossing.rate` | rate at which the median level over seeds crosses a threshold |
| p_k | `Power` | log eta_c = a_family + sum_k p_k log(factor k) |

A curve has one level for each rate and seed: an excess risk in some unit, infinite where a run
diverged. **The rule**: the critical rate lies between the last rate of the grid whose median level
is not above the threshold and the next one; between the two it is interpolated linearly in log
level against log rate, or is their geometric mean where a level is zero, negative or infinite. So
all rates of the grid beyond it are above. A curve that ends below the threshold is *never* above,
one without any rate below is *always* above: censored, in no fit, and counted.

**Intervals** are of a bootstrap over seeds: within each curve whole seeds (all rates of one) are
drawn with replacement, curves independently, and everything is worked out again; percentiles are
the interval's ends. For medians of five seeds that is a little wide: planted powers are covered in
about 97 of 100 cases. A configuration that occurs in several families, that is several curves of
one label, is one set of runs and is resampled once: all its curves get the same seeds. Drawing is
Philox: a function of resampling seed, resample, configuration, place.
They cover the seeds only: samples, grid, threshold and the form of the law are taken as given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import philox
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]
Status = Literal["found", "never", "always"]

INTERVAL = (2.5, 97.5)
"""Percentiles of the intervals: 95%, two-sided, one quantity at a time."""

IDENTIFIED = 1e-6
"""Part of a column that the others must leave for its power to be identified. Columns are
logarithms of stated factors: varied ones leave parts of order 0.1, others rounding, 1e-15."""


@dataclass(frozen=True)
class Curve:
    """Levels of one configuration over its grid of rates.

    Args:
        label: name of the configuration; curves of one label are of the same runs.
        family: configurations of one family share an intercept in the fits.
        factors: what the configuration is, by name; positive.
        rates: `[k]`, learning rates, ascending.
        levels: `[k, K]`, by rate and seed; infinite where a run diverged.
        threshold: level that counts as a jump, positive.
    """

    label: str
    family: str
    factors: Mapping[str, float]
    rates: Floats
    levels: Floats
    threshold: float

    def __post_init__(self) -> None:
        """Check shapes and ranges.

        Raises:
            InputError: rates do not ascend, shapes differ, a factor or threshold is not positive.
        """
        if self.levels.ndim != 2 or len(self.rates) != len(self.levels) or not self.levels.size:
            raise InputError(
                "levels",
                f"shape {self.levels.shape}",
                f"there is a row for each of the {len(self.rates)} rates, with at least one seed",
                "give an array of shape [rates, seeds]",
            )
        if not (np.diff(self.rates) > 0).all() or not self.rates[0] > 0:
            raise InputError(
                "rates", show(list(self.rates)), "they ascend and are positive", "sort them"
            )
        for name, value in (("threshold", self.threshold), *self.factors.items()):
            if not (np.isfinite(value) and value > 0):
                raise InputError(name, show(value), "it must be positive", "its logarithm is used")


@dataclass(frozen=True)
class Crossing:
    """Where a curve crosses its threshold.

    Attributes:
        status: `"found"`, or which side the curve stays on.
        rate: critical rate; None where the status is not `"found"`.
        low: same, at the lower end of the interval; 0 if the interval reaches below the grid.
        high: same, at the upper end; infinite if the interval reaches above the grid.
        reentries: rates below the critical one whose median is above the threshold.
    """

    status: Status
    rate: float | None
    low: float
    high: float
    reentries: int


@dataclass(frozen=True)
class Power:
    """A fitted power. Approximate; the interval covers seeds only.

    Attributes:
        name: of the factor.
        estimate: p.
        low: lower end of the 95% interval.
        high: upper end.
    """

    name: str
    estimate: float
    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether a predicted power lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Fit:
    """Powers of a set of curves.

    Attributes:
        powers: one for each factor that the curves identify.
        used: curves with a critical rate.
        never: curves that stay below the threshold.
        always: curves that are above it at every rate.
        residual: root mean square of the residuals, in decades.
        freedom: used curves less fitted powers and intercepts.
        error: root mean square over the used curves of the bootstrap's standard deviation of
            log10(critical rate), in decades: the residual that chance of the seeds explains.
    """

    powers: tuple[Power, ...]
    used: int
    never: int
    always: int
    residual: float
    freedom: int
    error: float

    @property
    def is_misfit(self) -> bool:
        """Whether the residuals are above what chance of the seeds explains, by a factor 2.

        Then the curves do not follow the law to within that chance, and intervals that take it as
        given do not decide between powers. Were `error` exact, a true law would come to this in 5
        of 100 cases with one degree of freedom and in 3 of 1000 with four (16 and chi-square).
        """
        if self.freedom < 1:
            return False
        return self.residual**2 * self.used / self.freedom > (2 * self.error) ** 2

    def power(self, name: str) -> Power | None:
        """The power of a factor; None where it is not identified."""
        return next((p for p in self.powers if p.name == name), None)


@dataclass(frozen=True)
class Collapse:
    """How far critical rates in units of a scale spread, in decades.

    The spread is that of the critical rates as they were found: chance of the seeds is in it, so a
    perfect scale has a spread of about the rates' own errors, not 0. A bootstrap resample has this
    chance twice, once from the seeds and once from the drawing; the square of the second, the mean
    over curves of the bootstrap's variance, is taken off every resample's squared spread.

    Attributes:
        spread: standard deviation of log10(critical rate / scale) over curves.
        low: lower end of the 95% interval (percentiles, corrected as above; seeds only).
        high: upper end.
        centre: geometric mean of critical rate / scale.
        used: curves with a critical rate.
    """

    spread: float
    low: float
    high: float
    centre: float
    used: int


def log_crossings(rates: Floats, levels: Floats, threshold: float) -> Floats:
    """log10 of the rate at which levels cross a threshold for good.

    Args:
        rates: `[k]`, ascending.
        levels: `[..., k]`; NaN and infinity count as above.
        threshold: positive.

    Returns:
        `[...]`: -inf where every level is above, inf where the last one is not.
    """
    count = len(rates)
    below = levels <= threshold
    last = count - 1 - np.argmax(below[..., ::-1], axis=-1)
    inner = np.minimum(last, count - 2) if count > 1 else last
    upper = np.minimum(inner + 1, count - 1)
    low = np.take_along_axis(levels, inner[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(levels, upper[..., None], axis=-1)[..., 0]
    usable = (low > 0) & np.isfinite(high) & (high > low)
    start = np.log(np.where(usable, low, 1.0))
    stop = np.log(np.where(usable, high, np.e))
    part = np.where(usable, (np.log(threshold) - start) / (stop - start), 0.5)
    logs = np.log10(rates)
    found = logs[inner] + part * (logs[upper] - logs[inner])
    found = np.where(last == count - 1, np.inf, found)
    return np.where(below.any(axis=-1), found, -np.inf)


def median_levels(levels: Floats) -> Floats:
    """Median over the last axis, where infinite levels are just large. `[...]`."""
    ordered = np.sort(np.where(np.isnan(levels), np.inf, levels), axis=-1)
    count = levels.shape[-1]
    low, high = ordered[..., (count - 1) // 2], ordered[..., count // 2]
    # Written so that two infinite middles give infinity, not NaN.
    return np.where(low == high, low, (low + high) / 2)


def resampled_logs(curves: Sequence[Curve], resamples: int, seed: int) -> Floats:
    """log10 critical rates of bootstrap resamples. `[resamples, curves]`, +-inf if censored.

    Args:
        curves: what is resampled, each by its own seeds; those of one label alike.
        resamples: how often.
        seed: of the drawing.

    Raises:
        InputError: curves of one label have different numbers of seeds.
    """
    sizes = {curve.label: curve.levels.shape[1] for curve in curves}
    for curve in curves:
        if curve.levels.shape[1] != sizes[curve.label]:
            raise InputError(
                "label", show(curve.label), "its curves are of the same runs", "rename one"
            )
    starts = dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))
    found = np.empty((resamples, len(curves)))
    round_ = np.arange(resamples)[:, None]
    for c, curve in enumerate(curves):
        count, first = sizes[curve.label], starts[curve.label]
        block = np.arange(first, first + count)[None, :]
        picks = philox.words(seed, philox.Stream.RESAMPLING, round_, block)[0]
        chosen = philox.indices(picks, count, replacement=True)
        medians = median_levels(np.moveaxis(curve.levels[:, chosen], 0, 1))
        found[:, c] = log_crossings(curve.rates, medians, curve.threshold)
    return found


def crossings(curves: Sequence[Curve], resamples: int, seed: int) -> list[Crossing]:
    """Critical rate of every curve, with a bootstrap interval over seeds.

    Args:
        curves: the curves.
        resamples: bootstrap resamples.
        seed: of the drawing.

    Returns:
        One crossing each. Approximate: linear interpolation between rates of the grid.
    """
    drawn = resampled_logs(curves, resamples, seed)
    found = []
    for c, curve in enumerate(curves):
        medians = median_levels(curve.levels)
        value = float(log_crossings(curve.rates, medians, curve.threshold))
        above = ~(medians <= curve.threshold)
        status: Status = "found" if np.isfinite(value) else "never" if value > 0 else "always"
        reentries = int(above[np.log10(curve.rates) < value].sum()) if status == "found" else 0
        # Order statistics: an interpolated percentile of infinities would be NaN.
        low, high = np.percentile(drawn[:, c], INTERVAL, method="nearest")
        found.append(
            Crossing(
                status,
                float(10**value) if status == "found" else None,
                float(10**low),
                float(10**high),
                reentries,
            )
        )
    return found


def exponents(
    curves: Sequence[Curve], values: Floats, names: Sequence[str]
) -> tuple[dict[str, float], float]:
    """Least-squares powers of given log10 values, with an intercept for each family.

    Args:
        curves: their families and factors are used.
        values: `[curves]`; those that are not finite are left out.
        names: factors.

    Returns:
        Powers of the factors that the curves identify, and the root mean square residual.
    """
    kept = np.isfinite(values)
    chosen = [curve for curve, keep in zip(curves, kept, strict=True) if keep]
    families = sorted({curve.family for curve in chosen})
    if not chosen:
        return {}, float("nan")
    base = np.array([[curve.family == f for f in families] for curve in chosen], dtype=np.float64)
    columns = np.log10([[curve.factors[name] for name in names] for curve in chosen])
    columns = columns.reshape(len(chosen), len(names))
    known: list[str] = []
    design = base
    # A column counts as varied only if no other column, taken or not, explains it.
    for k, name in enumerate(names):
        others = np.hstack((base, np.delete(columns, k, axis=1)))
        left = columns[:, k] - others @ np.linalg.lstsq(others, columns[:, k], rcond=None)[0]
        if np.linalg.norm(left) > IDENTIFIED:
            known.append(name)
            design = np.hstack((design, columns[:, [k]]))
    solution = np.linalg.lstsq(design, values[kept], rcond=None)[0]
    residual = values[kept] - design @ solution
    powers = dict(zip(known, solution[len(families) :].tolist(), strict=True))
    return powers, float(np.sqrt(np.mean(residual**2)))


def fit(curves: Sequence[Curve], names: Sequence[str], resamples: int, seed: int) -> Fit:
    """Powers of the critical rate, with bootstrap intervals over seeds.

    Args:
        curves: the curves; censored ones are counted and left out.
        names: factors whose powers are wanted.
        resamples: bootstrap resamples.
        seed: of the drawing.

    Returns:
        Powers of the identified factors; approximate, intervals as the module says.
    """
    values = np.array(
        [float(log_crossings(c.rates, median_levels(c.levels), c.threshold)) for c in curves]
    )
    powers, residual = exponents(curves, values, names)
    usable = np.isfinite(values)
    used = [curve for curve, keep in zip(curves, usable, strict=True) if keep]
    drawn = resampled_logs(used, resamples, seed)
    samples: dict[str, list[float]] = {name: [] for name in powers}
    for row in drawn:
        for name, power in exponents(used, row, names)[0].items():
            if name in samples:
                samples[name].append(power)
    found = []
    for name, estimate in powers.items():
        ends = [float("nan")] * 2
        if samples[name]:
            ends = [float(end) for end in np.percentile(samples[name], INTERVAL)]
        found.append(Power(name, estimate, *ends))
    return Fit(
        tuple(found),
        len(used),
        int(np.sum(values == np.inf)),
        int(np.sum(values == -np.inf)),
        residual,
        len(used) - len(powers) - len({curve.family for curve in used}),
        math.sqrt(_mean_variance(drawn)),
    )


def _mean_variance(drawn: Floats) -> float:
    """Mean over curves of the variance of what was found; 0 without curves. `[resamples, c]`."""
    columns = [column[np.isfinite(column)] for column in drawn.T]
    return float(np.mean([column.var() for column in columns if column.size] or [0.0]))


def collapse(
    curves: Sequence[Curve], scales: Sequence[float], resamples: int, seed: int
) -> Collapse:
    """Spread of the critical rates in units of a scale; small if the scale collapses the curves.

    Args:
        curves: the curves; censored ones are left out.
        scales: `[curves]`, positive, in units of a rate.
        resamples: bootstrap resamples.
        seed: of the drawing.

    Raises:
        InputError: a scale is not positive, or there is not one for each curve.
    """
    if len(scales) != len(curves) or not all(np.isfinite(s) and s > 0 for s in scales):
        raise InputError(
            "scales", show(list(scales)), "one positive scale for each curve", "correct them"
        )
    values = np.array(
        [float(log_crossings(c.rates, median_levels(c.levels), c.threshold)) for c in curves]
    )
    places = np.flatnonzero(np.isfinite(values))
    if len(places) < 2:
        nan = float("nan")
        return Collapse(nan, nan, nan, nan, len(places))
    logs = np.log10(np.asarray(scales, dtype=np.float64))[places]
    drawn = resampled_logs([curves[int(c)] for c in places], resamples, seed) - logs
    again = _mean_variance(drawn)
    spreads = []
    for row in drawn:
        inside = row[np.isfinite(row)]
        if len(inside) > 1:
            spreads.append(math.sqrt(max(float(np.var(inside, ddof=1)) - again, 0.0)))
    low, high = np.percentile(spreads, INTERVAL) if spreads else (float("nan"),) * 2
    centred = values[places] - logs
    return Collapse(
        float(np.std(centred, ddof=1)),
        float(low),
        float(high),
        float(10 ** np.mean(centred)),
        len(places),
    )

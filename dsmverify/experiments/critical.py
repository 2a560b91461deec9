"""Which learning rate is critical: sweeps of rate, noise level, n, Delta and d around base points.

| answer | critical rate | module's name |
|---|---|---|
| `thm08` | of order sigma^2/(n^2 Delta), with the factor 2^12/mu | `theorem` |
| translation bound (`shift4`, `shift7`) | of order sigma^4 | `translation` |
| translation bound in d dimensions (`shift5`) | of order sigma^4/d | `translation_by_dimension` |
| translation of s* itself | 1/E norm(D s*(Y))_F^2, D s* the Jacobian of s* | `slope` |

The last one is what `shift7` says about a network that is s*, with inner weights as they are drawn:
it is not linearly stable at a larger rate (`ensembles.translation.BestScore`). Where the means
stand far apart, s* has the slope -1/sigma^2 at the noised data and this is the second answer with
the factor 1; where they do not, s* is flatter.

What SGD does: at every setting, networks are trained at rates `q sigma^4`, each for
`eta x steps = time`, and the critical rate is where the median excess risk crosses the configured
level for good (`scaling`). Diverged runs are above every level. In d dimensions levels are per
coordinate: d times those of d = 1.

A run that was too short to learn is above a level too, and this has nothing to do with its rate:
`Result.start` tells how near to the level the smallest rate ends already, and tables say what
changes when settings that start above `LOW` are left out.

One factor is varied at a time. `n` and `Delta` of two narrow clusters change what `thm08` sees and
leave what is learned nearly as it is; of an equispaced sample, its length changes with them.

Approximate throughout, and evidence only: runs give no verdict on a claim.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import dimensions, measures
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.ensembles.optimum import zero_risk
from dsmverify.ensembles.settings import EXPERIMENTS, THEORY, Ensemble, Model, Networks, Problem
from dsmverify.ensembles.translation import best_score
from dsmverify.errors import InputError, show
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import (
    Group,
    Kept,
    Progress,
    gaussian_points,
    results,
    seed_of,
)
from dsmverify.experiments.scaling import Curve, median_levels
from dsmverify.experiments.silence import flat_sides
from dsmverify.instance import Batch

Floats = NDArray[np.float64]
Shape = Literal["equispaced", "clusters", "normal"]
Factor = Literal["sigma", "n", "Delta", "d", "width", "time"]
Parametrisation = Literal["experiments", "frozen", "theory"]
Unit = Literal["noise", "zero"]

MODELS: dict[Parametrisation, Model] = {
    "experiments": EXPERIMENTS,
    "frozen": replace(EXPERIMENTS, train_inner=False),
    "theory": THEORY,
}
"""Gaussian inner weights, trained or not (the page does not say); the theory's signs."""

SIDES = ("left", "inside", "right")

FACTORS: tuple[str, ...] = ("sigma", "n", "Delta", "d")
"""Factors whose powers are fitted; width and time are controls."""

POOLED = "all"
"""Name of the fit over several series."""

LOW = 1 / 3
"""A setting starts low when its median excess risk at the smallest rate is at most this part of the
level: a jump then is a rise by a factor 3 at least. Post hoc: chosen after first runs, so tables
show fits with and without the others."""


@dataclass(frozen=True)
class Points:
    """A sample's shape.

    Args:
        shape: `"equispaced"`: gaps `spacing`; `"clusters"`: two clusters of n/2 equispaced points,
            gaps `spacing`, centres `distance` apart; both centred, on the first axis if d > 1.
            `"normal"`: drawn from N(0, I_d), whatever the spacing turns out to be.
        size: n; even for clusters.
        spacing: gap; unused for normal points.
        distance: between the clusters' centres; unused otherwise.
        seed: of normal points.
    """

    shape: Shape
    size: int
    spacing: Fraction = Fraction(0)
    distance: Fraction = Fraction(2)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: fewer than two points, a gap that is not positive, or clusters that are
                uneven or overlap.
        """
        if self.size < 2:
            raise InputError("sample.size", str(self.size), "a gap needs two points", "give n >= 2")
        if self.shape != "normal" and self.spacing <= 0:
            raise InputError(
                "sample.spacing", str(self.spacing), "it must be positive", "give a gap"
            )
        if self.shape == "clusters" and (
            self.size % 2 or (self.size // 2 - 1) * self.spacing >= self.distance
        ):
            raise InputError(
                "sample",
                f"{self.size} points, spacing {self.spacing}, distance {self.distance}",
                "two clusters have equally many points and do not touch",
                "give an even size and a smaller spacing",
            )

    def coordinates(self, seed: int, dimension: int) -> Floats:
        """The points. `[n, d]`.

        Args:
            seed: the configuration's.
            dimension: d.
        """
        if self.shape == "normal":
            own = seed_of(seed, "critical/points", self.seed, self.size, dimension)
            return gaussian_points(own, self.size, dimension)
        half = self.size // 2 if self.shape == "clusters" else self.size
        row = float(self.spacing) * (np.arange(half) - (half - 1) / 2)
        if self.shape == "clusters":
            centre = float(self.distance) / 2
            row = np.concatenate((row - centre, row + centre))
        found = np.zeros((self.size, dimension))
        found[:, 0] = row
        return found


@dataclass(frozen=True)
class Series:
    """Settings that differ in one factor.

    Args:
        name: for tables; no commas.
        factor: what is varied.
        levels: its values.
        sample: the points, before the factor is set.
        dimension: d, before the factor is set.
        parametrisations: with which networks.
    """

    name: str
    factor: Factor
    levels: tuple[Fraction, ...]
    sample: Points
    dimension: int = 1
    parametrisations: tuple[Parametrisation, ...] = ("experiments",)

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: no levels, a level that is not positive, no integer where it must be one or
                no noise level below 1, a name with a comma or a pooled fit's, or the theory's
                networks in d > 1.
        """
        if not self.levels or min(self.levels) <= 0:
            raise InputError(
                "series.levels", show(self.levels), "there are levels, all positive", "give some"
            )
        if not self.name or any(c in self.name for c in ",|\n"):
            raise InputError(
                "series.name", show(self.name), "no commas, bars or line breaks", "rename it"
            )
        if self.name == POOLED:
            raise InputError(
                "series.name", show(self.name), "this is the name of the pooled fit", "rename it"
            )
        if self.factor == "sigma":
            _check_noise("series.levels", self.levels)
        if self.factor in ("n", "d", "width") and any(x.denominator > 1 for x in self.levels):
            raise InputError(
                "series.levels", show(self.levels), f"{self.factor} is an integer", "correct them"
            )
        if "theory" in self.parametrisations and (self.dimension > 1 or self.factor == "d"):
            raise InputError(
                "series.parametrisations",
                "'theory'",
                "inner weights of sign +-1 are for d = 1",
                "leave it out",
            )


@dataclass(frozen=True)
class Rule:
    """A level of the excess risk that counts as a jump, fixed before the runs.

    Args:
        name: for tables.
        level: the level, in units of `unit`.
        unit: `"noise"`: d/sigma^2, the risk of the zero score, in which the translation bound's
            floors are 0.0557 (`shift4`) and 1/4 (`shift7`); `"zero"`: the zero score's excess risk.
    """

    name: str
    level: Fraction
    unit: Unit

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: the level is not between 0 and 1.
        """
        if not 0 < self.level < 1:
            raise InputError(
                "rules.level", str(self.level), "it lies between 0 and 1", "give 0.1, say"
            )


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes.

    Args:
        seeds: K.
        time: eta x steps.
        rates: in units of sigma^4.
        levels: at most so many levels of each series, ends kept.
        dimension: settings of a larger dimension are left out.
    """

    seeds: int
    time: Fraction
    rates: tuple[Fraction, ...]
    levels: int
    dimension: int

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a size below 1, a time that is not positive, or rates that do not ascend.
        """
        _check_sizes(self, ("seeds", "levels", "dimension"), "quick.")
        _check_time("quick.time", self.time)
        _check_rates("quick.rates", self.rates)


@dataclass(frozen=True)
class Critical:
    """Configuration of the experiment.

    Args:
        seed: of samples, initial parameters and noise.
        seeds: K, runs at each setting and rate.
        sigma: noise level where it is not varied; mu = sqrt(1 - sigma^2) always.
        width: m where it is not varied.
        time: eta x steps where it is not varied.
        minimum_steps: steps that are made at least, however large the rate.
        batch: how mini-batches are drawn.
        rates: rates in units of sigma^4, ascending.
        rules: the first is the main one.
        draws: Monte-Carlo draws for each point (d > 1).
        resamples: bootstrap resamples.
        resampling_seed: of the bootstrap.
        series: what is swept.
        quick: what `--quick` changes.
    """

    seed: int
    seeds: int
    sigma: Fraction
    width: int
    time: Fraction
    minimum_steps: int
    batch: Batch
    rates: tuple[Fraction, ...]
    rules: tuple[Rule, ...]
    draws: int
    resamples: int
    resampling_seed: int
    series: tuple[Series, ...]
    quick: Quick

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a size below 1, a noise level outside (0, 1), a time that is not positive,
                rates that do not ascend, no rule or series, two of one name, or no series that is
                left for `--quick`.
        """
        _check_sizes(self, ("seeds", "width", "minimum_steps", "resamples"))
        _check_noise("sigma", [self.sigma])
        _check_time("time", self.time)
        _check_rates("rates", self.rates)
        if self.draws < 2:
            raise InputError("draws", str(self.draws), "an error needs two", "give 2 or more")
        for what, given in (("rules", self.rules), ("series", self.series)):
            if not given:
                raise InputError(what, "", "there is at least one", "give some")
            names = [one.name for one in given]
            for name in names:
                if names.count(name) > 1:
                    raise InputError(
                        f"{what}.name", show(name), f"two {what} have it", "rename one"
                    )
        if not self._quick_series():
            raise InputError(
                "quick.dimension",
                str(self.quick.dimension),
                "every series has larger dimensions only, or varies the time",
                "give the dimension of one of them",
            )

    def reduced(self) -> Critical:
        """The quick version."""
        quick = self.quick
        return replace(
            self,
            seeds=quick.seeds,
            time=quick.time,
            rates=quick.rates,
            series=self._quick_series(),
        )

    def _quick_series(self) -> tuple[Series, ...]:
        quick, found = self.quick, []
        for one in self.series:
            levels = one.levels
            if one.factor == "d":
                levels = tuple(level for level in levels if level <= quick.dimension)
            if len(levels) > quick.levels:
                places = np.linspace(0, len(levels) - 1, quick.levels).round().astype(int)
                levels = tuple(levels[k] for k in places)
            if levels and one.dimension <= quick.dimension and one.factor != "time":
                found.append(replace(one, levels=levels))
        return tuple(found)


def _check_sizes(given: Any, names: Sequence[str], prefix: str = "") -> None:
    for name in names:
        value = getattr(given, name)
        if value < 1:
            raise InputError(f"{prefix}{name}", str(value), "it is at least 1", "give 1 or more")


def _check_noise(name: str, levels: Sequence[Fraction]) -> None:
    for level in levels:
        if not 0 < level < 1:
            raise InputError(
                name, str(level), "sigma lies between 0 and 1: mu^2 is 1 - sigma^2", "give 0.5, say"
            )


def _check_time(name: str, value: Fraction) -> None:
    if value <= 0:
        raise InputError(name, str(value), "eta x steps is positive", "give a time")


def _check_rates(name: str, rates: Sequence[Fraction]) -> None:
    if len(rates) < 2 or rates[0] <= 0 or any(a >= b for a, b in pairwise(rates)):
        raise InputError(name, show([str(r) for r in rates]), "positive and ascending", "sort them")


@dataclass(frozen=True)
class Setting:
    """One point of the sweep: everything but rate and seed."""

    parametrisation: Parametrisation
    points: Points
    dimension: int
    sigma: Fraction
    width: int
    time: Fraction

    @property
    def sample(self) -> str:
        """Name of the sample and of the networks, for tables."""
        p = self.points
        own = {
            "equispaced": f"equispaced n={p.size} Delta={float(p.spacing):g}",
            "clusters": f"two clusters n={p.size} Delta={float(p.spacing):g}",
            "normal": f"normal n={p.size}",
        }[p.shape]
        return (
            own
            + {"experiments": "", "frozen": " (frozen)", "theory": " (signs)"}[self.parametrisation]
        )

    @property
    def name(self) -> str:
        """Name for files and seeds: everything that the setting is."""
        p = self.points
        parts = (p.shape, p.size, p.spacing, p.distance, p.seed, f"d{self.dimension}")
        rest = (f"s{self.sigma}", f"m{self.width}", f"t{self.time}")
        return "-".join(map(str, (self.parametrisation, *parts, *rest))).replace("/", "_")

    def problem(self, seed: int) -> Problem:
        """Points and noise level; mu = sqrt(1 - sigma^2)."""
        sigma = float(self.sigma)
        mu = math.sqrt((1 - sigma) * (1 + sigma))
        return Problem(self.points.coordinates(seed, self.dimension), mu, sigma)


@dataclass(frozen=True)
class Result:
    """What the runs at one setting came to.

    Attributes:
        setting: where.
        problem: its points and noise level.
        rates: `[k]`, eta.
        steps: `[k]`.
        seeds: `[K]`, of the runs; the same at every rate.
        data: measurements by name, `[k, K]` each; see `measured`.
    """

    setting: Setting
    problem: Problem
    rates: Floats
    steps: NDArray[np.int64]
    seeds: tuple[int, ...]
    data: dict[str, Floats]

    @property
    def units(self) -> Floats:
        """Rates in units of sigma^4. `[k]`."""
        return self.rates / float(self.setting.sigma) ** 4

    @property
    def relative(self) -> Floats:
        """Excess risk in units of d/sigma^2. `[k, K]`."""
        return self.data["excess"] * float(self.setting.sigma) ** 2 / self.setting.dimension

    @cached_property
    def factors(self) -> dict[str, float]:
        """sigma, n, Delta (least distance of two points) and d."""
        return {
            "sigma": float(self.setting.sigma),
            "n": float(self.problem.size),
            "Delta": least_distance(self.problem.points),
            "d": float(self.setting.dimension),
        }

    @cached_property
    def scales(self) -> dict[str, float]:
        """The answers, as rates; constants of the theorem left out (see `theorem_threshold`).

        `slope` is exact to rounding in d = 1 and a Monte-Carlo estimate, about a percent, in d > 1.

        Source: beyond the printed theorem, shift4, shift5, shift7.
        """
        f = self.factors
        return {
            "theorem": f["sigma"] ** 2 / (f["n"] ** 2 * f["Delta"]),
            "translation": f["sigma"] ** 4,
            "translation_by_dimension": f["sigma"] ** 4 / f["d"],
            "slope": best_score(self.problem).critical_rate().value,
        }

    @property
    def theorem_threshold(self) -> float:
        """`2^12 sigma^2/(mu n^2 Delta)`."""
        return 2**12 * self.scales["theorem"] / self.problem.mu

    def start(self, rule: Rule) -> float:
        """Median excess risk at the smallest rate, in units of the rule's level."""
        curve = self.curve(rule, "")
        return float(median_levels(curve.levels[:1])[0]) / curve.threshold

    def starts_low(self, rule: Rule) -> bool:
        """Whether the smallest rate ends at most at `LOW` of the rule's level."""
        return self.start(rule) <= LOW

    def curve(self, rule: Rule, family: str) -> Curve:
        """The curve that a rule looks at."""
        unit = zero_risk(self.problem)
        if rule.unit == "zero":
            unit = float(self.data["zero_excess"].flat[0])
        return Curve(
            self.setting.name,
            family,
            self.factors,
            self.rates,
            self.data["excess"],
            float(rule.level) * unit,
        )


def settings_of(configuration: Critical, series: Series) -> list[Setting]:
    """Settings of a series: by parametrisation, then by level."""
    found = []
    for parametrisation in series.parametrisations:
        base = Setting(
            parametrisation,
            series.sample,
            series.dimension,
            configuration.sigma,
            configuration.width,
            configuration.time,
        )
        for level in series.levels:
            match series.factor:
                case "sigma":
                    one = replace(base, sigma=level)
                case "n":
                    one = replace(base, points=replace(base.points, size=int(level)))
                case "Delta":
                    one = replace(base, points=replace(base.points, spacing=level))
                case "d":
                    one = replace(base, dimension=int(level))
                case "width":
                    one = replace(base, width=int(level))
                case "time":
                    one = replace(base, time=level)
            found.append(one)
    return found


def least_distance(points: Floats) -> float:
    """Least Euclidean distance of two points; Delta in d = 1. `points: [n, d]`."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(apart[np.triu_indices(len(points), 1)].min())


@dataclass(frozen=True)
class Measured:
    """Measurements of a group, named arrays `[E]`; NaN where a quantity is not defined.

    `risk`, `excess` (infinite for a diverged run), `zero_excess`; `square`: mean squared inner
    weight, in d > 1 the least eigenvalue of `(1/m) sum w1 w1^T`; in d = 1 also `sharpness` (largest
    Hessian eigenvalue), `excess_SIDE`, `dead_SIDE`, `unbent_SIDE` for the sides left, inside and
    right; in d > 1 `error`, the standard error of `excess` (and nearly that of `risk`).
    """

    seed: int
    draws: int

    def __call__(self, ensemble: Ensemble, networks: Networks) -> dict[str, Floats]:
        """Measure every network."""
        names: tuple[str, ...] = ("risk", "excess", "zero_excess", "square", "sharpness", "error")
        names += tuple(f"{what}_{s}" for what in ("excess", "dead", "unbent") for s in SIDES)
        found = {name: np.full(ensemble.count, np.nan) for name in names}
        for e in range(ensemble.count):
            inner = networks.inner[e].astype(np.float64)
            if np.isfinite(inner).all():
                gram = inner.T @ inner / len(inner)
                found["square"][e] = float(np.linalg.eigvalsh(gram)[0])
        if ensemble.model.dimension == 1:
            self._exact(ensemble, networks, found)
        else:
            self._estimated(ensemble, networks, found)
        lost = networks.diverged >= 0
        found["risk"][lost] = found["excess"][lost] = np.inf
        return found

    def _exact(self, ensemble: Ensemble, networks: Networks, found: dict[str, Floats]) -> None:
        ends = flat_sides(ensemble, networks)
        inside = measures.silent_parts(ensemble, networks)[:, 1]
        dead = dict(zip(SIDES, (ends[:, 0], inside, ends[:, 1]), strict=True))
        for e, problem in enumerate(ensemble.problems):
            one = measures.measure(problem, ensemble.model, networks, e)
            found["risk"][e], found["excess"][e] = one.risk, one.excess_risk
            found["zero_excess"][e] = one.zero_excess
            if networks.diverged[e] >= 0 or not math.isfinite(one.risk):
                continue
            found["sharpness"][e] = one.hessian_largest
            for side in SIDES:
                found[f"excess_{side}"][e] = getattr(one.excess_by_side, side)
                found[f"dead_{side}"][e] = dead[side][e]
                found[f"unbent_{side}"][e] = getattr(one.unbent, side)

    def _estimated(self, ensemble: Ensemble, networks: Networks, found: dict[str, Floats]) -> None:
        known = dimensions.estimate_excess_risks(
            ensemble, networks, seed=self.seed, draws=self.draws, dtype=np.float32
        )
        # All networks of a group have one problem.
        problem = ensemble.problems[0]
        least, _ = dimensions.estimate_optimal_risk(problem, seed=self.seed, draws=self.draws)
        found["excess"][:], found["error"][:] = known.mean, known.error
        found["risk"][:] = known.mean + least
        found["zero_excess"][:] = zero_risk(problem) - least


@dataclass(frozen=True)
class Summary:
    """What the experiment came to.

    Attributes:
        text: for the terminal.
        files: what was written.
        exit_status: 0; runs are no evidence against a claim here.
    """

    text: tuple[str, ...]
    files: tuple[Path, ...]
    exit_status: int = 0

    def lines(self) -> list[str]:
        """Lines for the terminal."""
        return [*self.text, *(f"wrote {file}" for file in self.files)]


def run(
    configuration: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> Summary:
    """Train and measure every setting, fit, and write tables and the picture.

    Writes `critical_rate.csv`, `critical_runs.csv`, `critical.md`, `critical.svg`, `critical.pdf`;
    with `quick` the names start with `quick_`. Finished settings are kept in `out/.work`.

    Args:
        configuration: of the kind `critical`.
        out: folder of the results.
        quick: the smaller version.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps of all settings.
        kept: what is known already, of a sweep of the same configuration say.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    from dsmverify.experiments import critical_plots, critical_tables

    critical = _built(configuration, quick)
    jobs = jobs_of(critical)
    groups = [group_of(critical, setting) for setting in jobs]
    if progress:
        progress(0, sum(group.total for group in groups), estimate(jobs, groups))
    found = results(groups, out=out, threads=threads, device=device, progress=progress, kept=kept)
    ended = {
        setting: _result(critical, setting, group, measured)
        for setting, group, measured in zip(jobs, groups, found, strict=True)
    }
    report = critical_tables.report(critical, ended, estimate(jobs, groups), quick=quick)
    prefix = "quick_" if quick else ""
    contents = {
        "critical_rate.csv": report.rates,
        "critical_runs.csv": report.runs,
        "critical.md": report.text,
    } | critical_plots.draw(critical, ended)
    files = []
    for name, content in contents.items():
        file = out / f"{prefix}{name}"
        write_atomically(file, content if isinstance(content, bytes) else content.encode())
        files.append(file)
    return Summary(report.lines, tuple(files))


def groups_of(configuration: Document, *, quick: bool) -> list[Group[Ensemble]]:
    """The groups that `run` trains, in its order.

    Args:
        configuration: of the kind `critical`.
        quick: the smaller version.

    Raises:
        InputError: a bad configuration.
    """
    critical = _built(configuration, quick)
    return [group_of(critical, setting) for setting in jobs_of(critical)]


def _built(configuration: Document, quick: bool) -> Critical:
    critical = build(Critical, configuration.table, configuration.source)
    return critical.reduced() if quick else critical


def jobs_of(critical: Critical) -> list[Setting]:
    """Every setting once, in the order of the series."""
    return list(
        dict.fromkeys(s for series in critical.series for s in settings_of(critical, series))
    )


def group_of(critical: Critical, setting: Setting) -> Group[Ensemble]:
    """The runs of a setting: rate by rate, and within a rate seed by seed."""
    rates, steps = rates_and_steps(critical, setting)
    seeds = seeds_of(critical, setting)
    problem = setting.problem(critical.seed)
    model = replace(
        MODELS[setting.parametrisation], width=setting.width, dimension=setting.dimension
    )
    ensemble = Ensemble.of(
        model,
        critical.batch,
        [problem] * (len(rates) * len(seeds)),
        [rate for rate in rates for _ in seeds],
        [seed for _ in rates for seed in seeds],
        [count for count in steps for _ in seeds],
    )
    measure = Measured(critical.seed, critical.draws)
    return Group(f"critical-{setting.name}", ensemble, measure, repr(measure))


def rates_and_steps(critical: Critical, setting: Setting) -> tuple[list[float], list[int]]:
    """Rates q sigma^4 and steps `max(minimum_steps, ceil(time/eta))`, exact."""
    rates = [q * setting.sigma**4 for q in critical.rates]
    steps = [max(critical.minimum_steps, math.ceil(setting.time / rate)) for rate in rates]
    return [float(rate) for rate in rates], steps


def seeds_of(critical: Critical, setting: Setting) -> tuple[int, ...]:
    """Seeds of the runs of a setting: its own, so that settings are independent."""
    return tuple(seed_of(critical.seed, "critical", setting.name, k) for k in range(critical.seeds))


def estimate(jobs: Sequence[Setting], groups: Sequence[Group[Ensemble]]) -> str:
    """Work in network steps, by dimension, counted before the first one is made."""
    by_dimension: dict[int, int] = {}
    for setting, group in zip(jobs, groups, strict=True):
        before = by_dimension.get(setting.dimension, 0)
        by_dimension[setting.dimension] = before + group.total
    parts = (f"{count / 1e6:.1f} million in d = {d}" for d, count in sorted(by_dimension.items()))
    runs = sum(group.ensemble.count for group in groups)
    return f"{len(jobs)} settings, {runs} runs, network steps: {', '.join(parts)}"


def _result(
    critical: Critical, setting: Setting, group: Group[Ensemble], measured: dict[str, Floats]
) -> Result:
    rates, steps = rates_and_steps(critical, setting)
    shape = (len(rates), critical.seeds)
    return Result(
        setting,
        group.ensemble.problems[0],
        np.array(rates),
        np.array(steps),
        seeds_of(critical, setting),
        {name: values.reshape(shape) for name, values in measured.items()},
    )

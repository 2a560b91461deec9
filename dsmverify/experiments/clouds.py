"""From scores to rows: clouds generated with a score, beside s* and the fitted Gaussian.

Shared by figures 3 and 4 and the digits. For one training sample there are two extremes: points
generated with s*, the memoriser, and points of the Gaussian fitted on the sample. Whatever a
network generates is compared with both, by every metric, and every metric comes with its power: a
row whose metric cannot tell the extremes apart keeps its value and is uninformative, and nothing is
concluded from it (`Row.is_informative`).

Where the points were drawn from a law that is known, N(0, s^2 I), it is a third to compare with,
the target. Its power is its own: between s* and the target, not the fitted Gaussian.

| letter | here | meaning |
|---|---|---|
| delta, T | `start`, `end` | times between which is generated |
| N | `count` | points of a generated set |
| | `sets` | generated sets for one trained network |
| s | `target` | standard deviation of the target; None where there is none |

The memoriser's sets go through the integrator that the network's go through: its error is in both.
A set's random numbers are decided by the settings' seed, its role, and the training points or the
network's seed; no two sets share any, but the same sample has the same sets of the extremes for
every network. A row's value is the mean over all sets of all trainings, its band the least and the
largest of them: a range, no confidence interval.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dsmverify.diffusion.backward import Generation, Method, Spacing, generate
from dsmverify.diffusion.scores import EmpiricalScore, GaussianScore, NetworkScore, Score
from dsmverify.ensembles import philox
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Networks
from dsmverify.ensembles.times import noise_deviation
from dsmverify.errors import InputError, show
from dsmverify.evidence import PageValue
from dsmverify.experiments.groups import WORK, decimal, seed_of
from dsmverify.experiments.parts import Parts
from dsmverify.metrics.metric import TRANSPORT_POINTS, Bandwidth, Metric, standard, values
from dsmverify.metrics.mmd import Cloud
from dsmverify.metrics.power import Band, Power, measure_powers

Floats = NDArray[np.float64]
Label = Literal["learning_rate", "dimension"]
Versus = Literal["s_star", "gaussian", "target", "training points"]

EXTREMES: tuple[Literal["s_star"], Literal["gaussian"]] = ("s_star", "gaussian")
TARGET: Literal["target"] = "target"
TRAINING: Literal["training points"] = "training points"
UNINFORMATIVE = "uninformative"

BLUR = 2.0
"""Standard deviation of the blurred memoriser's clusters over the memoriser's."""


@dataclass(frozen=True)
class GenerationSettings:
    """How sets are generated; the table `[generation]` of a configuration.

    Args:
        seed: of all generated sets.
        sets: for each trained network (the page's figure 4: 5).
        count: points of a set.
        method: of the backward process; see `diffusion.backward`.
        steps: of the integrator (the page prints no number).
        spacing: of its times.
        start: delta.
        end: T.
        unbiased_covariance: whether the fitted Gaussian's covariance is divided by n - 1, not n.
    """

    seed: int
    sets: int = 5
    count: int = 1000
    method: Method = "exponential"
    steps: int = 500
    spacing: Spacing = "uniform"
    start: float = 0.01
    end: float = 1.0
    unbiased_covariance: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: no sets, a seed out of range, or what `Generation` refuses.
        """
        _check("generation", self.seed, sets=(self.sets, 1))
        _ = self.generation

    @property
    def generation(self) -> Generation:
        """The integrator's own settings."""
        return Generation(
            method=self.method,
            steps=self.steps,
            count=self.count,
            start=self.start,
            end=self.end,
            spacing=self.spacing,
        )


@dataclass(frozen=True)
class MetricSettings:
    """Which metrics, and how their power is measured; the table `[metrics]` of a configuration.

    Args:
        seed: of the sets that the power is measured on.
        bandwidths: of the kernels: `"1"`, `"median"`, a sum of kernels `"0.5;1;2;4"`.
        repeats: behind a band of the power; see `metrics.power`.
        level: of its bands.
        transport_points: points of each set that the exact W_2 takes.
        leave_out: names of metrics that are not computed.
    """

    seed: int
    bandwidths: tuple[str, ...] = ("1", "median", "0.5;1;2;4")
    repeats: int = 39
    level: float = 0.05
    transport_points: int = TRANSPORT_POINTS
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: fewer than two repeats, a level outside (0, 1), a seed out of range, a
                bandwidth that is none, an unknown metric to leave out, or none left.
        """
        _check("metrics", self.seed, repeats=(self.repeats, 2))
        if not 0 < self.level < 1:
            raise InputError(
                "metrics.level", str(self.level), "it lies between 0 and 1", "give 0.05, say"
            )
        known = sorted({metric.name for metric in self._all})
        for name in self.leave_out:
            if name not in known:
                raise InputError(
                    "metrics.leave_out",
                    show(name),
                    "there is no such metric",
                    f"the metrics are {', '.join(known)}",
                )
        if not self.metrics:
            raise InputError(
                "metrics.leave_out", show(self.leave_out), "no metric is left", "keep one"
            )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics themselves, in the order of the tables."""
        return tuple(m for m in self._all if m.name not in self.leave_out)

    @property
    def _all(self) -> tuple[Metric, ...]:
        chosen = [_bandwidth(text) for text in self.bandwidths]
        try:
            return standard(chosen, transport_points=self.transport_points)
        except InputError as error:
            where = {"bandwidth": "bandwidths"}.get(error.argument, error.argument)
            raise InputError(f"metrics.{where}", error.value, error.rule, error.way_out) from None


def _bandwidth(text: str) -> Bandwidth:
    """A bandwidth as it is written: one number, several with semicolons, or `median`."""
    if text == "median":
        return "median"
    try:
        return tuple(float(part) for part in text.split(";"))
    except ValueError:
        raise InputError(
            "metrics.bandwidths",
            show(text),
            "it is a number, several with semicolons between them, or 'median'",
            'give "1", say',
        ) from None


def _check(table: str, seed: int, **least: tuple[int, int]) -> None:
    if not 0 <= seed < 2**64:
        raise InputError(
            f"{table}.seed", str(seed), "it must lie in 0..2^64 - 1", "give another seed"
        )
    for name, (value, lowest) in least.items():
        if value < lowest:
            raise InputError(
                f"{table}.{name}",
                str(value),
                f"it must be at least {lowest}",
                f"give {lowest} or more",
            )


# ---- clouds -------------------------------------------------------------------------------------


def fitted_gaussian(points: Floats, settings: GenerationSettings) -> GaussianScore:
    """The Gaussian fitted on a training sample: its mean and covariance.

    Args:
        points: `[n, d]`.
        settings: says whether the covariance is divided by n or n - 1.
    """
    return GaussianScore.fitted(points, unbiased=settings.unbiased_covariance)


def memorised_cloud(points: Floats, settings: GenerationSettings, *what: Any) -> Floats:
    """Points generated with s*, by the settings' integrator. `[N, d]`.

    Args:
        points: `[n, d]`, the training sample.
        settings: of the generation.
        what: labels that tell this set from every other of the sample.
    """
    seed = seed_of(settings.seed, "s_star", sample_digest(points), *what)
    return generate(EmpiricalScore(points), settings.generation, seed)


def gaussian_cloud(points: Floats, settings: GenerationSettings, *what: Any) -> Floats:
    """Points of the fitted Gaussian itself, without noise. `[N, d]`.

    Args:
        points: `[n, d]`, the training sample.
        settings: of the generation.
        what: labels that tell this set from every other of the sample.
    """
    seed = seed_of(settings.seed, "gaussian", sample_digest(points), *what)
    return fitted_gaussian(points, settings).sample(settings.count, seed)


def blurred_cloud(points: Floats, settings: GenerationSettings, *what: Any) -> Floats:
    """A memoriser with wider clusters: a set of s* with noise added. `[N, d]`.

    The noise makes the clusters' standard deviation `BLUR` times sigma(delta); the points still
    belong to their training points, in the proportions that s* gives them.

    Args:
        points: `[n, d]`, the training sample.
        settings: of the generation.
        what: labels that tell this set from every other of the sample.
    """
    cloud = memorised_cloud(points, settings, "blurred", *what)
    seed = seed_of(settings.seed, "blur", sample_digest(points), *what)
    noise = philox.normals(seed, philox.Stream.DATA, 0, cloud.size).reshape(cloud.shape)
    width = math.sqrt(BLUR**2 - 1) * float(noise_deviation(settings.start))
    return np.asarray(cloud + width * noise, dtype=np.float64)


def target_cloud(points: Floats, settings: GenerationSettings, target: float, *what: Any) -> Floats:
    """Points of the target N(0, target^2 I). `[N, d]`.

    Args:
        points: `[n, d]`, the training sample.
        settings: of the generation.
        target: standard deviation of a coordinate, positive.
        what: labels that tell this set from every other of the sample.
    """
    seed = seed_of(settings.seed, TARGET, sample_digest(points), *what)
    shape = settings.count, points.shape[1]
    draws = philox.normals(seed, philox.Stream.DATA, 0, shape[0] * shape[1]).reshape(shape)
    return np.asarray(target * draws, dtype=np.float64)


def network_cloud(score: Score, settings: GenerationSettings, *what: Any) -> Floats:
    """Points generated with any score. `[N, d]`.

    Args:
        score: a trained network's, or any other.
        settings: of the generation.
        what: labels that tell this set from every other: the network's seed, the set's number.
    """
    return generate(score, settings.generation, seed_of(settings.seed, "network", *what))


def sample_digest(points: Floats) -> str:
    """What tells one training sample from another: SHA-256 of its numbers."""
    array = np.ascontiguousarray(points, dtype="<f8")
    return hashlib.sha256(f"{array.shape}".encode() + array.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class References:
    """A training sample with its extremes.

    Attributes:
        points: `[n, d]`.
        memorised: `[sets]` clouds `[N, d]` generated with s*.
        gaussian: `[sets]` clouds of the fitted Gaussian.
        target: `[sets]` clouds of the target; empty where there is none.
    """

    points: Floats
    memorised: tuple[Floats, ...]
    gaussian: tuple[Floats, ...]
    target: tuple[Floats, ...] = ()

    @classmethod
    def of(
        cls,
        points: Floats,
        settings: GenerationSettings,
        threads: int | None = None,
        target: float | None = None,
    ) -> References:
        """The sets that every network trained on the sample is compared with."""
        numbers = range(settings.sets)
        return cls(
            points,
            tuple(_at_once(lambda k: memorised_cloud(points, settings, k), numbers, threads)),
            tuple(gaussian_cloud(points, settings, k) for k in numbers),
            ()
            if target is None
            else tuple(target_cloud(points, settings, target, k) for k in numbers),
        )


def distances(
    clouds: Sequence[Floats],
    references: References,
    metrics: Sequence[Metric],
    threads: int | None = None,
) -> dict[str, Floats]:
    """Every metric of every set: against the references, or of the sample. `[sets]` each.

    Args:
        clouds: `[sets]`, each `[N, d]`; the k-th is compared with the k-th set of an extreme.
        references: the sample and its extremes, as many sets.
        metrics: what is measured.
        threads: at work at once; None takes every core this process may use.

    Returns:
        Arrays by `key(metric, versus)`; NaN where a cloud is not finite.
    """

    def row(k: int) -> dict[str, float]:
        cloud, found = clouds[k], dict[str, float]()
        others: dict[Versus, Floats] = {
            "s_star": references.memorised[k],
            "gaussian": references.gaussian[k],
            TRAINING: references.points,
        }
        if references.target:
            others[TARGET] = references.target[k]
        one = Cloud(cloud) if np.isfinite(cloud).all() else None
        for versus, other in others.items():
            own = [m for m in metrics if versus in versuses(m, with_target=True)]
            numbers = values(own, one, other) if one and own else [math.nan] * len(own)
            found |= {key(m, versus): x for m, x in zip(own, numbers, strict=True)}
        return found

    rows = _at_once(row, range(len(clouds)), threads)
    return {name: np.array([one[name] for one in rows]) for name in rows[0]}


def versuses(metric: Metric, *, with_target: bool = False) -> tuple[Versus, ...]:
    """What a metric compares a generated set with."""
    if metric.kind == "statistic":
        return (TRAINING,)
    return (*EXTREMES, TARGET) if with_target else EXTREMES


def key(metric: Metric, versus: Versus) -> str:
    """Name of a measured value: metric, bandwidth, what it is compared with."""
    return f"{metric.name}|{metric.bandwidth}|{versus}"


def cloud_key(e: int) -> str:
    """Name under which the first set of network e is kept, flattened."""
    return f"cloud|{e}"


@dataclass(frozen=True)
class Measurement:
    """What a `groups.Group` of noise-predicting networks is measured by.

    Calling it gives, for every `key(metric, versus)`, the values `[E * sets]`, network by network;
    and under `cloud_key(e)` the first points of network e's first set, `[keep * d]`, flattened. A
    network that diverged, or generated what is not finite, has NaN.

    Args:
        generation: how sets are generated.
        metrics: what is measured.
        keep: points of each network's first set that are kept for pictures.
        threads: at work at once; it changes no byte.
        target: standard deviation of the target; None compares with none.
    """

    generation: GenerationSettings
    metrics: MetricSettings
    keep: int = 0
    threads: int | None = field(default=None, repr=False, compare=False)
    target: float | None = None

    @property
    def text(self) -> str:
        """What decides the measurement, for `Group.measured`."""
        m = self.metrics
        text = f"{self.generation}/{m.bandwidths}/{m.transport_points}/{m.leave_out}/{self.keep}"
        return text if self.target is None else f"{text}/{self.target}"

    def __call__(self, ensemble: ConditionedEnsemble, networks: Networks) -> dict[str, Floats]:
        """Generate with every network and measure."""
        settings, known = self.generation, dict[str, References]()
        metrics, keep = self.metrics.metrics, min(self.keep, settings.count)
        parts: list[dict[str, Floats]] = []
        found: dict[str, Floats] = {}
        for e, sample in enumerate(ensemble.samples):
            digest = sample_digest(sample)
            if digest not in known:
                known[digest] = References.of(sample, settings, self.threads, self.target)
            clouds = self._clouds(ensemble, networks, e)
            parts.append(distances(clouds, known[digest], metrics, self.threads))
            if keep:
                found[cloud_key(e)] = clouds[0][:keep].ravel()
        return found | {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def _clouds(self, ensemble: ConditionedEnsemble, networks: Networks, e: int) -> list[Floats]:
        settings = self.generation
        if networks.diverged[e] >= 0:
            nothing = np.full((settings.count, ensemble.model.dimension), np.nan)
            return [nothing] * settings.sets
        score = NetworkScore(ensemble.model, networks, e)
        seed = int(ensemble.seeds[e])
        return _at_once(
            lambda k: network_cloud(score, settings, seed, k), range(settings.sets), self.threads
        )


def powers(
    points: Floats,
    generation: GenerationSettings,
    metrics: MetricSettings,
    threads: int | None = None,
    target: float | None = None,
) -> tuple[tuple[Power, ...], tuple[Power, ...]]:
    """Power of every metric at this sample: no training is needed.

    Args:
        points: `[n, d]`, the training sample.
        generation: decides N, the integrator and the fitted Gaussian.
        metrics: decides what is measured, and how often.
        threads: at work at once; it changes no byte.
        target: standard deviation of the target; None: there is none.

    Returns:
        One for each of `metrics.metrics`, in their order, between s* and the fitted Gaussian. And
        one for each distance among them between s* and the target, with the target's sets where a
        `Power` speaks of the Gaussian; none without a target. Both have the same sets of s*.
    """

    def made(make: Any, count: int) -> Callable[[int], Floats]:
        labels = ("power", metrics.seed)
        sets: list[Floats] = _at_once(
            lambda number: make(points, generation, *labels, number), range(count), threads
        )
        return sets.__getitem__

    repeats = metrics.repeats
    memorised, blurred = made(memorised_cloud, 2 * repeats), made(blurred_cloud, repeats)
    others = [(metrics.metrics, made(gaussian_cloud, 2 * repeats))]
    if target is not None:
        apart = [metric for metric in metrics.metrics if metric.kind == "distance"]
        drawn = made(lambda p, g, *what: target_cloud(p, g, target, *what), 2 * repeats)
        others.append((tuple(apart), drawn))

    def measured(number: int) -> tuple[Power, ...]:
        own, other = others[number]
        return measure_powers(
            own, memorised, other, points, repeats=repeats, blurred=blurred, level=metrics.level
        )

    found = _at_once(measured, range(len(others)), threads)
    return found[0], found[1] if target is not None else ()


def kept_powers(
    points: Floats,
    generation: GenerationSettings,
    metrics: MetricSettings,
    out: Path,
    threads: int | None = None,
) -> tuple[Power, ...]:
    """The first of `powers`, measured now or taken from `out/.work`: an interrupted run goes on.

    Args:
        points: as in `powers`.
        generation: as in `powers`.
        metrics: as in `powers`.
        out: folder of the results.
        threads: at work at once.

    Raises:
        InputError: a file there is damaged or cannot be written.
    """
    return kept_powers_of_both(points, generation, metrics, out, threads)[0]


def kept_powers_of_both(
    points: Floats,
    generation: GenerationSettings,
    metrics: MetricSettings,
    out: Path,
    threads: int | None = None,
    target: float | None = None,
) -> tuple[tuple[Power, ...], tuple[Power, ...]]:
    """As `powers`, measured now or taken from `out/.work`.

    Args:
        points: as in `powers`.
        generation: as in `powers`.
        metrics: as in `powers`.
        out: folder of the results.
        threads: at work at once.
        target: as in `powers`.

    Raises:
        InputError: a file there is damaged or cannot be written.
    """
    parts = Parts(out / WORK, "power", sample_digest(points))

    def work() -> dict[str, Any]:
        found = powers(points, generation, metrics, threads, target)
        return dict(zip(("gaussian", TARGET), ([*map(_plain, one)] for one in found), strict=True))

    stored = parts.result([asdict(generation), asdict(metrics), target], work)
    known = {metric.label: metric for metric in metrics.metrics}
    first, second = (
        tuple(_power(known[one["metric"]], one) for one in stored[name])
        for name in ("gaussian", TARGET)
    )
    return first, second


_BANDS = ("null", "null_gaussian", "extreme", "blurred", "blurred_gaussian")


def _plain(power: Power) -> dict[str, Any]:
    """A power as plain data, with its metric's label."""
    names = [f.name for f in fields(power) if f.name not in (*_BANDS, "metric")]
    bands = {name: getattr(power, name) for name in _BANDS}
    return (
        {"metric": power.metric.label}
        | {name: getattr(power, name) for name in names}
        | {
            name: None if band is None else [band.value, band.low, band.high]
            for name, band in bands.items()
        }
    )


def _power(metric: Metric, stored: Mapping[str, Any]) -> Power:
    bands = {name: None if stored[name] is None else Band(*stored[name]) for name in _BANDS}
    return Power(**{**stored, **bands, "metric": metric})


def _at_once(work: Any, numbers: Sequence[int], threads: int | None) -> list[Any]:
    """`[work(k) for k in numbers]`, several at once.

    BLAS has one thread in each: how it divides a product among threads may change a last bit.
    """
    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, numbers))


# ---- rows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Row:
    """One value of a table: a metric of what was generated, against one law.

    Attributes:
        label: the learning rate or the dimension, as the table spells it.
        metric: what is measured.
        versus: what with.
        values: `[trainings, sets]`; no training where nothing was trained; NaN where a network
            diverged.
        power: of the metric at this sample; versus the target: between s* and the target.
        printed: what the page shows for it.
        note: what a reader must know of it: fewer steps, an option, not trained.
    """

    label: str
    metric: Metric
    versus: Versus
    values: Floats
    power: Power
    printed: PageValue | None = None
    note: str = ""

    @property
    def is_informative(self) -> bool:
        """Whether anything may be concluded from it."""
        return self.power.informative

    @property
    def null(self) -> Band:
        """Between two sets of the law that it compares with; a statistic of sets of s*."""
        own = None if self.versus == "s_star" else self.power.null_gaussian
        return self.power.null if own is None else own

    @property
    def is_trained(self) -> bool:
        """Whether there is a finite value."""
        return bool(np.isfinite(self.values).any())

    @property
    def failed(self) -> int:
        """Sets without a value: their network diverged."""
        return int(np.isnan(self.values).sum())

    @property
    def band(self) -> Band:
        """Mean over all sets with a value, the least and the largest; NaN without any."""
        kept = self.values[np.isfinite(self.values)]
        if not kept.size:
            return Band(math.nan, math.nan, math.nan)
        return Band(float(kept.mean()), float(kept.min()), float(kept.max()))


def columns(label: Label) -> tuple[str, ...]:
    """Columns of a table of rows."""
    return (
        label, "metric", "bandwidth", "versus", "value", "low", "high", "page_value", "null_value",
        "extreme_value", "informative",
    )  # fmt: skip


def cells(row: Row) -> tuple[str, ...]:
    """A row in the order of `columns`; empty where there is no value."""
    band = row.band
    return (
        row.label,
        row.metric.name,
        row.metric.bandwidth,
        row.versus,
        *map(decimal, (band.value, band.low, band.high)),
        "" if row.printed is None else decimal(row.printed.value),
        decimal(row.null.value),
        decimal(row.power.extreme.value),
        yes(row.is_informative),
    )


def rows_of(
    label: str,
    measured: Mapping[str, Floats] | None,
    trainings: int,
    found: Sequence[Power],
    *,
    printed: Mapping[str, PageValue] | None = None,
    note: str = "",
    target: Sequence[Power] = (),
) -> list[Row]:
    """All rows of one rate or dimension.

    Args:
        label: as the table spells the rate or dimension.
        measured: arrays `[trainings * sets]` by `key`, what `Measurement` gave for these networks;
            None where nothing was trained.
        trainings: networks behind them.
        found: the metrics' powers at the sample, which decide which rows there are.
        printed: the page's values by `key`.
        note: goes with every row.
        target: powers versus the target; none where nothing was compared with it.
    """
    rows = []
    apart = {power.metric.label: power for power in target}
    for one in found:
        metric = one.metric
        for versus in versuses(metric, with_target=bool(target)):
            power = apart[metric.label] if versus == TARGET else one
            name = key(metric, versus)
            own = np.empty((0, 0))
            if measured is not None:
                own = measured[name].reshape(trainings, -1)
            shown = None if printed is None else printed.get(name)
            rows.append(Row(label, metric, versus, own, power, shown, note))
    return rows


def chosen(
    measured: Mapping[str, Floats], networks: Sequence[int], count: int
) -> dict[str, Floats]:
    """What was measured on some networks of a group: input of `rows_of`.

    Args:
        measured: what `Measurement` gave.
        networks: numbers e of those wanted.
        count: networks of the group, E.
    """
    return {
        name: array.reshape(count, -1)[list(networks)].ravel()
        for name, array in measured.items()
        if not name.startswith("cloud|")
    }


POWER_COLUMNS = (
    "metric", "bandwidth", "null", "null_low", "null_high", "null_gaussian", "null_gaussian_low",
    "null_gaussian_high", "extreme", "extreme_low", "extreme_high", "blurred", "blurred_low",
    "blurred_high", "blurred_gaussian", "blurred_gaussian_low", "blurred_gaussian_high", "repeats",
    "level", "separates", "orders", "informative", "reason",
)  # fmt: skip


def power_cells(power: Power) -> tuple[str, ...]:
    """A metric's power in the order of `POWER_COLUMNS`."""
    nothing = Band(math.nan, math.nan, math.nan)
    bands = [getattr(power, name) or nothing for name in _BANDS]
    return (
        power.metric.name,
        power.metric.bandwidth,
        *(decimal(x) for b in bands for x in (b.value, b.low, b.high)),
        str(power.repeats),
        decimal(power.level),
        yes(power.separates),
        yes(power.orders),
        yes(power.informative),
        power.reason,
    )


def yes(value: bool) -> str:
    """Spelling of a yes or no in a table."""
    return "yes" if value else "no"


# ---- which of two is nearer ---------------------------------------------------------------------


@dataclass(frozen=True)
class Ordering:
    """Two values compared over their trainings.

    Attributes:
        pairs: of a training of the first and one of the second; 0 without any.
        smaller: pairs in which the first's mean over sets is smaller; ties count half.
        p: one-sided: part of all ways of dividing the trainings into two such groups in which the
            first group's mean is as small as it is, or smaller. NaN without any.
        least: the smallest p that so many trainings can give.
    """

    pairs: int
    smaller: float
    p: float
    least: float

    @property
    def probability(self) -> float:
        """Estimate: a training of the first has the smaller value; NaN without any."""
        return self.smaller / self.pairs if self.pairs else math.nan


def compare(first: Row, second: Row) -> Ordering:
    """Whether the first row's value is smaller: an exact permutation test over trainings.

    The unit is the training: the sets of one network are averaged first. All is conditional on the
    training sample where both share it.

    Args:
        first: of one metric and extreme.
        second: of the same.

    Raises:
        ValueError: the rows measure different things, or one of them is uninformative.
    """
    if (first.metric.name, first.metric.bandwidth, first.versus) != (
        second.metric.name,
        second.metric.bandwidth,
        second.versus,
    ):
        raise ValueError("two rows of one metric and extreme are compared")
    if not (first.is_informative and second.is_informative):
        raise ValueError("nothing is concluded from an uninformative row")
    own, other = (means(row) for row in (first, second))
    if not own.size or not other.size:
        return Ordering(0, 0.0, math.nan, math.nan)
    differences = other[None, :] - own[:, None]
    smaller = float((differences > 0).sum() + 0.5 * (differences == 0).sum())
    together = np.concatenate([own, other])
    sums = [math.fsum(part) for part in itertools.combinations(together, own.size)]
    # The observed division is the first of them: at least one is always as small.
    p = sum(total <= sums[0] for total in sums) / len(sums)
    return Ordering(differences.size, smaller, p, 1 / len(sums))


def means(row: Row) -> Floats:
    """Mean over the sets of each training that has any value. `[trainings]`."""
    kept = row.values[np.isfinite(row.values).any(axis=1)] if row.values.size else row.values
    if not kept.size:
        return np.empty(0)
    return np.asarray(np.nanmean(kept, axis=1), dtype=np.float64)

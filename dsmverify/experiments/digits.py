"""Real images: what a learning rate does to memorisation of the 8x8 digits of scikit-learn, d = 64.

Noise predictions are trained on a few of the images, points are generated with them, and each is
held against its nearest training image. The same pipeline with four other sources says what the
numbers mean: the exact score s*, the linear score of the fitted Gaussian, that Gaussian itself (the
extreme of the power checks), and real digits that were not trained on, noised as generated points
are: what a generator of new digits would give.

- A rate and the time trained for, rate x steps, are two things. Every rate is trained for the same
  product; beside it, every rate that makes more steps than `equal_steps` is shown after as many.
- How far each network is: its training loss beside the least of any prediction, r*'s, and the least
  of an affine one. A network that has not passed the affine one has learned no image.
- All networks of a sample and a training begin with the same parameters and see the same noise, and
  their sets begin with the same noise: a difference is the rate's doing.
- The fraction nearer than a third depends on sigma sqrt d, the width of what is memorised: a median
  of the ratio itself stands beside it.

The page has no such experiment: nothing is compared with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.diffusion.backward import generate
from dsmverify.ensembles import philox
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.noise_loss import Estimate, Exam, curvature, linear_loss
from dsmverify.ensembles.settings import Model, Networks
from dsmverify.ensembles.times import Times, noise_deviation, signal_factor
from dsmverify.errors import InputError, show
from dsmverify.experiments import clouds
from dsmverify.experiments.clouds import GenerationSettings, Measurement, MetricSettings, Row
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import Group, Progress, csv_text, decimal, results, seed_of
from dsmverify.instance import Batch
from dsmverify.metrics.distances import between
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.nearest import nearest_distances
from dsmverify.metrics.power import Power

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Centre = Literal["mean image", "middle grey"]

MIDDLE_GREY = 8.0
"""Half of the largest pixel value, 16."""

SILENT = 0.95
"""Part of the prediction 0's loss from which a network has learned nothing: it may have grown out
of all bounds without an infinity, or its neurons may have fallen silent."""

EXACT, LINEAR, HELD_OUT = "exact score", "linear score", "held-out digits"
CONTROLS = (EXACT, LINEAR, HELD_OUT)

COLUMNS = ("points", *clouds.columns("learning_rate"), "steps")
POWER_COLUMNS = ("points", *clouds.POWER_COLUMNS)
TRAINING_COLUMNS = (
    "points", "learning_rate", "steps", "training", "diverged_at", "loss", "loss_error",
    "loss_best", "loss_affine", "loss_zero", "way_to_best", "curvature_start", "curvature_end",
)  # fmt: skip


# ---- images -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scaling:
    """How pixels become coordinates: `(pixel - centre) / divisor`.

    Args:
        centre: `"mean image"`: the mean over all 1797 digits, pixel by pixel; `"middle grey"`: 8.
        divisor: pixel values in a unit. About the mean image the root mean square deviation is
            4.333, which gives unit variance.
    """

    centre: Centre = "mean image"
    divisor: float = 4.333

    def __post_init__(self) -> None:
        """Check the divisor.

        Raises:
            InputError: it is not positive.
        """
        if not (self.divisor > 0 and math.isfinite(self.divisor)):
            raise InputError(
                "scaling.divisor", show(self.divisor), "it must be positive", "give 4.333, say"
            )


@dataclass(frozen=True, eq=False)
class Images:
    """All images, as they are and as coordinates.

    Attributes:
        pixels: `[images, d]`, 0 to 16.
        scaling: between pixels and coordinates.
    """

    pixels: Floats
    scaling: Scaling

    @classmethod
    def digits(cls, scaling: Scaling) -> Images:
        """The digits that scikit-learn ships. `[1797, 64]`."""
        from sklearn.datasets import load_digits

        return cls(np.asarray(load_digits().data, dtype=np.float64), scaling)

    @property
    def centre(self) -> Floats:
        """What is subtracted. `[d]`."""
        if self.scaling.centre == "mean image":
            return np.asarray(self.pixels.mean(axis=0))
        return np.full(self.pixels.shape[1], MIDDLE_GREY)

    @cached_property
    def coordinates(self) -> Floats:
        """`[images, d]`."""
        return (self.pixels - self.centre) / self.scaling.divisor

    def shown(self, x: Floats) -> Floats:
        """Coordinates as pixel values, not cut off. `[k, d]`."""
        return x * self.scaling.divisor + self.centre


@dataclass(frozen=True)
class Choice:
    """Images that are trained on.

    Attributes:
        numbers: `[n]`, of the images, in the order drawn.
        others: `[rest]`, of the images that differ from all of these, in the order drawn.
        skipped: pairs (number, the chosen image that it equals).
    """

    numbers: Indices
    others: Indices
    skipped: tuple[tuple[int, int], ...]


def choose(pixels: Floats, count: int, seed: int) -> Choice:
    """Draw images without replacement, leaving out what equals an image already drawn.

    Args:
        pixels: `[images, d]`.
        count: n.
        seed: 0 <= seed < 2^64.

    Raises:
        InputError: there are not so many different images; the equal ones are named.
    """
    words = philox.words(seed, philox.Stream.DATA, 0, np.arange(len(pixels)))
    order = np.argsort((words[0] << np.uint64(32)) | words[1], kind="stable")
    known: dict[bytes, int] = {}
    numbers: list[int] = []
    others: list[int] = []
    skipped: list[tuple[int, int]] = []
    for number in map(int, order):
        same = known.setdefault(pixels[number].tobytes(), number)
        if same != number:
            skipped.append((number, same))
        elif len(numbers) < count:
            numbers.append(number)
        else:
            others.append(number)
    if len(numbers) < count:
        equal = ", ".join(f"image {a} == image {b}" for a, b in skipped) or "no two are equal"
        raise InputError(
            "points",
            str(count),
            f"there are {len(numbers)} different images ({equal})",
            "give fewer points",
        )
    return Choice(np.array(numbers), np.array(others, dtype=np.int64), tuple(skipped))


@dataclass(frozen=True, eq=False)
class Match:
    """Points and the training images nearest to them.

    Attributes:
        index: `[k]`, number of the nearest training point.
        ratio: `[k]`, its distance over that of the second nearest.
    """

    index: Indices
    ratio: Floats


def match(x: Floats, points: Floats) -> Match:
    """The nearest training point of each point, and how much nearer it is than the second.

    Args:
        x: `[k, d]`.
        points: `[n, d]`, all different.
    """
    first, second = nearest_distances(x, points).T
    index = np.concatenate([block.argmin(axis=1) for block in between(x, points)])
    return Match(index, first / second)


def _median_ratio(x: Floats, points: Floats) -> float:
    return float(np.median(match(x, points).ratio))


RATIO = Metric("nearest_ratio", "", "statistic", _median_ratio)
"""Median of the ratio itself: the fraction below a third depends on the noise, sigma sqrt d."""


@dataclass(frozen=True)
class DigitMetrics(MetricSettings):
    """The metrics of the other experiments, and the median ratio."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """In the order of the tables."""
        return (*super().metrics, RATIO)


def spacing_needed(points: Floats, start: float) -> Floats:
    """Least spacing at which a point that s* generates counts as memorised. `[n]`.

    At time delta it is `mu x_i + sigma z`, at squared distance about
    `q = sigma^2 d + (1 - mu)^2 abs(x_i)^2` from x_i, and `q + Delta^2` from an image at distance
    Delta across: a third of the latter's root is more than the former's where `Delta^2 > 8 q`.

    Result: approximate, part of order sqrt(2/d) for the spread of `abs(z)^2` about d.

    Args:
        points: `[n, d]`.
        start: delta.
    """
    mu, sigma = float(signal_factor(start)), float(noise_deviation(start))
    squares = sigma**2 * points.shape[1] + (1 - mu) ** 2 * (points**2).sum(axis=1)
    return np.asarray(np.sqrt(8 * squares))


def spacings(points: Floats) -> Floats:
    """Distance of each point to the nearest other; all are different. `[n]`."""
    # The nearest is the point itself.
    return nearest_distances(points, points)[:, 1]


# ---- configuration ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes.

    Args:
        points: values of n.
        rates: learning rates.
        product: rate x steps.
        equal_steps: see `Digits`.
        trainings: at each rate.
        batch: size.
        sets: generated with each network.
        count: points of a set.
        repeats: behind a band of the power.
    """

    points: tuple[int, ...]
    rates: tuple[Fraction, ...]
    product: Fraction
    equal_steps: int
    trainings: int
    batch: int
    sets: int
    count: int
    repeats: int


@dataclass(frozen=True)
class Digits:
    """Configuration of the digits.

    Args:
        seed: of the images drawn, initial parameters, training noise and tried draws.
        points: values of n.
        trainings: networks at each rate.
        rates: learning rates.
        product: rate x steps, the same at every rate.
        equal_steps: rates that make more steps are also shown after so many.
        model: the network; its dimension is the images'.
        batch: how mini-batches are drawn.
        times: at which the score is trained.
        generation: how sets are generated.
        metrics: what they are compared by.
        quick: what `--quick` changes.
        scaling: of pixels.
        draws: at each time, that losses are estimated on.
        pictures: generated images shown of each source.
    """

    seed: int
    points: tuple[int, ...]
    trainings: int
    rates: tuple[Fraction, ...]
    product: Fraction
    equal_steps: int
    model: Model
    batch: Batch
    times: Times
    generation: GenerationSettings
    metrics: DigitMetrics
    quick: Quick
    scaling: Scaling = Scaling()
    draws: int = 100
    pictures: int = 6

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a number below its least, a rate or a number of points twice, a model with a
                dimension of its own, or times of generation that the score is not trained at.
        """
        least = {"trainings": 1, "equal_steps": 1, "draws": 2, "pictures": 1}
        checks = [(name, getattr(self, name), low) for name, low in least.items()]
        checks += [("points", n, 2) for n in self.points]
        for name, value, low in checks:
            if value < low:
                raise InputError(
                    name, str(value), f"it must be at least {low}", f"give {low} or more"
                )
        for name in ("points", "rates"):
            given = getattr(self, name)
            if not given or len(set(given)) < len(given):
                raise InputError(
                    name, show(list(map(str, given))), "each is given once", "give some"
                )
        for name, number in (("product", self.product), *(("rates", r) for r in self.rates)):
            if number <= 0:
                raise InputError(name, str(number), "it must be positive", "give a larger one")
        if self.model.dimension != 1:
            raise InputError(
                "model.dimension",
                str(self.model.dimension),
                "it is the number of pixels",
                "leave it out of the model",
            )
        g, t = self.generation, self.times
        if not t.start <= g.start < g.end <= t.end:
            raise InputError(
                "generation.start",
                f"{g.start:g} to {g.end:g}",
                f"scores are trained at times from {t.start:g} to {t.end:g} only",
                "generate between these",
            )

    def quick_version(self) -> Digits:
        """The smaller experiment.

        Raises:
            InputError: what the whole one refuses.
        """
        q = self.quick
        return replace(
            self,
            points=q.points,
            rates=q.rates,
            product=q.product,
            equal_steps=q.equal_steps,
            trainings=q.trainings,
            batch=replace(self.batch, size=q.batch),
            generation=replace(self.generation, sets=q.sets, count=q.count),
            metrics=replace(self.metrics, repeats=q.repeats),
        )

    def runs(self) -> tuple[tuple[Fraction, int], ...]:
        """Rate and steps of each source: for the product, then for as many steps as others."""
        whole = [(rate, math.ceil(self.product / rate)) for rate in self.rates]
        short = [(rate, self.equal_steps) for rate, steps in whole if steps > self.equal_steps]
        return (*whole, *short)


# ---- results ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Source:
    """What images come from: networks of one rate and number of steps, or a control.

    Attributes:
        label: the rate as tables spell it, or one of `CONTROLS`.
        rate: eta; None for a control.
        steps: SGD steps; 0 for a control.
        is_whole: whether the steps are those of the product.
        rows: one for each metric and extreme.
        shown: `[pictures, d]`, first points of its first set; NaN where the network diverged.
        diverged: `[trainings]`, step of divergence, -1 for none; empty for a control.
        losses: `[trainings]`, L - L(r*) with its standard error; empty for a control.
        curvatures: `[trainings]`, at the end; empty for a control.
    """

    label: str
    rate: Fraction | None
    steps: int
    is_whole: bool
    rows: tuple[Row, ...]
    shown: Floats
    diverged: Indices
    losses: tuple[Estimate, ...]
    curvatures: Floats

    @property
    def is_network(self) -> bool:
        """Whether it was trained."""
        return self.rate is not None

    @property
    def has_diverged(self) -> bool:
        """Whether every network did."""
        return self.is_network and bool((self.diverged >= 0).all())

    def row(self, name: str) -> Row:
        """The row of a statistic."""
        return next(r for r in self.rows if r.metric.name == name)


@dataclass(frozen=True, eq=False)
class Sample:
    """Everything about one number of training images.

    Attributes:
        numbers: `[n]`, of the images.
        skipped: see `Choice`.
        points: `[n, d]`, coordinates.
        powers: of every metric.
        sources: networks in the order of `Digits.runs`, then the controls.
        best: least loss of any prediction.
        affine: least loss of an affine one.
        start: curvature at the start, of each training's network. `[trainings]`.
        reached: training images that are nearest to some point of the exact score's sets.
    """

    numbers: Indices
    skipped: tuple[tuple[int, int], ...]
    points: Floats
    powers: tuple[Power, ...]
    sources: tuple[Source, ...]
    best: Estimate
    affine: float
    start: Floats
    reached: int

    @property
    def size(self) -> int:
        """Number of training images, n."""
        return len(self.points)

    @property
    def networks(self) -> tuple[Source, ...]:
        """Sources that were trained."""
        return tuple(s for s in self.sources if s.is_network)

    def source(self, label: str) -> Source:
        """A control."""
        return next(s for s in self.sources if s.label == label)

    def way(self, loss: Estimate) -> float:
        """Part of the way from the affine prediction's loss down to the best one's; may be < 0."""
        return 1 - loss.value / (self.affine - self.best.value)

    def has_failed(self, source: Source) -> bool:
        """Whether no training diverged, and one of them is no better than the prediction 0."""
        zero = SILENT * self.points.shape[1]
        losses = [x.value + self.best.value for x in source.losses]
        return math.inf not in losses and max(losses, default=0.0) >= zero

    @property
    def kept(self) -> tuple[Source, ...]:
        """Networks that conclusions are drawn from, by descending rate: none has failed."""
        alive = [s for s in self.networks if not (s.diverged >= 0).any() and not self.has_failed(s)]
        return tuple(sorted(alive, key=lambda s: -float(s.rate or 0)))


@dataclass(frozen=True, eq=False)
class Summary:
    """What the digits came to.

    Attributes:
        samples: by n, in the order of the configuration.
        images: all of them, and the scaling.
        notes: conclusions in plain words.
        is_quick: whether it was the smaller version.
        files: what was written.
        exit_status: 0; runs are no evidence against a claim here.
    """

    samples: tuple[Sample, ...]
    images: Images
    notes: tuple[str, ...]
    is_quick: bool
    files: tuple[Path, ...] = ()
    exit_status: int = 0

    def lines(self) -> list[str]:
        """For the terminal."""
        found = []
        for sample in self.samples:
            for source in sample.sources:
                name = f"eta {source.label}, {source.steps} steps" if source.rate else source.label
                values = (
                    "diverged"
                    if source.has_diverged
                    else f"memorised {decimal(source.row('memorised').band.value, 3)}, ratio "
                    f"{decimal(source.row(RATIO.name).band.value, 3)}"
                )
                found.append(f"n {sample.size:<4} {name}: {values}")
        return [*found, *self.notes, *(f"wrote {file}" for file in self.files)]


def run(
    configuration: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Summary:
    """Train, generate, compare, and write tables and pictures.

    Args:
        configuration: of the kind `digits`.
        out: folder of the results: `digits.csv`, `digits_power.csv`, `digits_training.csv`,
            `digits.md`, `digits` and `digits_ratio` as SVG and PDF.
        quick: fewer images, rates, steps and points; files are called `quick_digits...`.
        threads: of the CPU; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    settings = build(Digits, configuration.table, configuration.source)
    if quick:
        settings = settings.quick_version()
    images = Images.digits(settings.scaling)
    choices = [
        choose(images.pixels, n, seed_of(settings.seed, "digits", "images", n))
        for n in settings.points
    ]
    _check_held_out(settings, choices, configuration.source)
    group = _group(settings, [images.coordinates[c.numbers] for c in choices], threads)
    (measured,) = results([group], out=out, threads=threads, device=device, progress=progress)
    samples = tuple(
        _sample(settings, images, choice, measured, place, out, threads)
        for place, choice in enumerate(choices)
    )
    from dsmverify.experiments import digits_report

    summary = Summary(samples, images, (), quick)
    summary = replace(summary, notes=tuple(digits_report.notes(summary, settings)))
    return replace(summary, files=_write(summary, settings, out, configuration))


def _check_held_out(settings: Digits, choices: Sequence[Choice], where: str) -> None:
    rest = min(len(choice.others) for choice in choices)
    if settings.generation.count > rest:
        raise InputError(
            "generation.count",
            str(settings.generation.count),
            f"a set of images that were not trained on has as many, and {rest} are left",
            f"give {rest} or fewer",
            file=where,
        )


def _group(settings: Digits, samples: Sequence[Floats], threads: int | None) -> Group[Any]:
    """All networks, in one group: sample by sample, run by run, training by training."""
    runs, trainings = settings.runs(), range(settings.trainings)
    members = [
        (points, rate, steps, seed_of(settings.seed, "digits", "training", len(points), k))
        for points in samples
        for rate, steps in runs
        for k in trainings
    ]
    points, rates, steps, seeds = zip(*members, strict=True)
    ensemble = ConditionedEnsemble.of(
        replace(settings.model, dimension=samples[0].shape[1]),
        settings.batch,
        settings.times,
        points,
        [float(rate) for rate in rates],
        seeds,
        steps,
    )
    measurement = Measurement(
        settings.generation, settings.metrics, settings.pictures, threads=threads
    )
    return Group(
        name="digits",
        ensemble=ensemble,
        measure=_Measurement(measurement, settings),
        measured=f"{measurement.text}/{RATIO.name}/{settings.seed}/{settings.draws}",
    )


@dataclass(frozen=True)
class _Measurement:
    """Metrics of what every network generates, its loss and its curvature, `[E]` each."""

    metrics: Measurement
    settings: Digits

    def __call__(self, ensemble: ConditionedEnsemble, networks: Networks) -> dict[str, Floats]:
        exams: dict[int, Exam] = {}
        starts: dict[tuple[int, int], float] = {}
        rows = []
        for e, points in enumerate(ensemble.samples):
            exam = exams.setdefault(len(points), _exam(self.settings, points))
            pair = (len(points), int(ensemble.seeds[e]))
            if pair not in starts:
                begun = ensemble.part([e]).start(np.float32)
                starts[pair] = curvature(ensemble.model, begun, 0, exam)
            excess = exam.excess(ensemble.model, networks, e)
            ended = curvature(ensemble.model, networks, e, exam)
            rows.append((excess.value, excess.error, starts[pair], ended))
        names = ("excess", "excess_error", "curvature_start", "curvature_end")
        found = dict(zip(names, np.array(rows).T, strict=True))
        found["diverged"] = networks.diverged.astype(np.float64)
        return found | self.metrics(ensemble, networks)


def _exam(settings: Digits, points: Floats) -> Exam:
    seed = seed_of(settings.seed, "digits", "exam", len(points))
    return Exam(points, settings.times, seed, settings.draws)


def _sample(
    settings: Digits,
    images: Images,
    choice: Choice,
    measured: dict[str, Floats],
    place: int,
    out: Path,
    threads: int | None,
) -> Sample:
    points = images.coordinates[choice.numbers]
    powers = clouds.kept_powers(points, settings.generation, settings.metrics, out, threads)
    runs, trainings = settings.runs(), settings.trainings
    count = len(settings.points) * len(runs) * trainings
    whole = len(settings.rates)
    sources = []
    for j, (rate, steps) in enumerate(runs):
        first = (place * len(runs) + j) * trainings
        own = clouds.chosen(measured, range(first, first + trainings), count)
        label = f"{float(rate):g}"
        sources.append(
            Source(
                label=label,
                rate=rate,
                steps=steps,
                is_whole=j < whole,
                rows=tuple(clouds.rows_of(label, own, trainings, powers)),
                shown=measured[clouds.cloud_key(first)].reshape(-1, points.shape[1]),
                diverged=own["diverged"].astype(np.int64),
                losses=tuple(map(Estimate, own["excess"], own["excess_error"])),
                curvatures=own["curvature_end"],
            )
        )
    controls = {label: _control(settings, images, choice, label) for label in CONTROLS}
    references = clouds.References.of(points, settings.generation, threads)
    for label, sets in controls.items():
        found = clouds.distances(sets, references, settings.metrics.metrics, threads)
        sources.append(
            Source(
                label=label,
                rate=None,
                steps=0,
                is_whole=True,
                rows=tuple(clouds.rows_of(label, found, 1, powers)),
                shown=sets[0][: settings.pictures],
                diverged=np.empty(0, dtype=np.int64),
                losses=(),
                curvatures=np.empty(0),
            )
        )
    begin = place * len(runs) * trainings
    return Sample(
        numbers=choice.numbers,
        skipped=choice.skipped,
        points=points,
        powers=tuple(powers),
        sources=tuple(sources),
        best=_exam(settings, points).best,
        affine=linear_loss(points, settings.times),
        start=measured["curvature_start"][begin : begin + trainings],
        reached=len({i for x in controls[EXACT] for i in match(x, points).index.tolist()}),
    )


def _control(settings: Digits, images: Images, choice: Choice, label: str) -> list[Floats]:
    """Sets `[N, d]` of a source that is not trained, none shared with the references."""
    points, generation = images.coordinates[choice.numbers], settings.generation
    numbers = range(generation.sets)
    if label == EXACT:
        return [clouds.memorised_cloud(points, generation, "control", k) for k in numbers]
    seeds = [seed_of(generation.seed, "digits", label, len(points), k) for k in numbers]
    if label == LINEAR:
        score = clouds.fitted_gaussian(points, generation)
        return [generate(score, generation.generation, seed) for seed in seeds]
    return [held_out(images, choice, generation, seed) for seed in seeds]


def held_out(images: Images, choice: Choice, generation: GenerationSettings, seed: int) -> Floats:
    """Images that were not trained on, noised to the time at which generation ends. `[N, d]`.

    Args:
        images: all of them.
        choice: says which were not trained on.
        generation: N and delta.
        seed: of the draw, without replacement, and of the noise.
    """
    words = philox.words(seed, philox.Stream.DATA, 0, np.arange(len(choice.others)))
    order = np.argsort((words[0] << np.uint64(32)) | words[1], kind="stable")
    x = images.coordinates[choice.others[order[: generation.count]]]
    noise = philox.normals(seed, philox.Stream.EVALUATION, 0, x.size).reshape(x.shape)
    mu, sigma = signal_factor(generation.start), noise_deviation(generation.start)
    return np.asarray(mu * x + sigma * noise, dtype=np.float64)


def _write(
    summary: Summary, settings: Digits, out: Path, configuration: Document
) -> tuple[Path, ...]:
    from dsmverify.experiments import digits_plots, digits_report, plots

    stem = "quick_digits" if summary.is_quick else "digits"
    files = {
        f"{stem}.csv": csv_text(COLUMNS, _rows(summary)).encode(),
        f"{stem}_power.csv": csv_text(POWER_COLUMNS, _power_rows(summary)).encode(),
        f"{stem}_training.csv": csv_text(TRAINING_COLUMNS, _training_rows(summary)).encode(),
        f"{stem}.md": digits_report.markdown(summary, settings, configuration).encode(),
    }
    drawings = {stem: digits_plots.panel(summary), f"{stem}_ratio": digits_plots.ratios(summary)}
    for name, drawing in drawings.items():
        for suffix, data in plots.vector(drawing).items():
            files[f"{name}.{suffix}"] = data
    for name, data in files.items():
        write_atomically(out / name, data)
    return tuple(out / name for name in files)


def _rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (str(sample.size), *clouds.cells(row), str(source.steps) if source.rate else "")
        for sample in summary.samples
        for source in sample.sources
        for row in source.rows
    ]


def _power_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (str(sample.size), *clouds.power_cells(power))
        for sample in summary.samples
        for power in sample.powers
    ]


def _training_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            str(sample.size),
            source.label,
            str(source.steps),
            str(k + 1),
            str(source.diverged[k]) if source.diverged[k] >= 0 else "",
            decimal(excess.value + sample.best.value),
            decimal(math.hypot(excess.error, sample.best.error), 2),
            decimal(sample.best.value),
            decimal(sample.affine),
            str(sample.points.shape[1]),
            decimal(sample.way(excess) if excess.value < math.inf else math.nan, 3),
            decimal(sample.start[k], 3),
            decimal(source.curvatures[k], 3),
        )
        for sample in summary.samples
        for source in sample.networks
        for k, excess in enumerate(source.losses)
    ]

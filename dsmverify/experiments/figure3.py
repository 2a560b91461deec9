"""Figure 3: what is generated at a small and at a large learning rate, d = 2.

Networks are trained on the page's ten points at each rate, points are generated with each, and
every metric compares them with what s* generates, with the fitted Gaussian and with the target that
the training points were drawn from (`clouds`). The page's conclusions are then decided by
informative metrics only:

- The unit is the training: the sets of one network are averaged first. Two rates are compared by an
  exact permutation test over trainings, two distances of one rate by a sign test.
- `supported`: every informative metric shows it at the level. `contradicted`: every one shows the
  opposite. All of them must, so their number needs no correction.
- `seen, not shown`: in every one the mean is so ordered, but not every test rejects.
- `metrics disagree`: the means are ordered differently.
- `seen in one training`: as `seen, not shown`, where one training of each rate is all there is: no
  test can say anything.
- `cannot be shown`: no metric that could show it is informative.

All is conditional on the ten points. What the page leaves open, and what is taken here: the loss is
averaged over coordinates, since rate 2 diverges within ten steps where it is summed; rate times
steps at the rates without a printed number of epochs is that of rate 2; an integrator and a number
of steps whose error is measured (`integrator_error`). The rest are options, one at a time.

Source: figure 3, p. 12; appendix D, p. 37.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dsmverify.diffusion.convergence import WeakError, weak_error
from dsmverify.diffusion.scores import EmpiricalScore
from dsmverify.ensembles.conditioned import ConditionedEnsemble, InnerVariance
from dsmverify.ensembles.settings import Model
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError, show
from dsmverify.experiments import clouds, page, page_clouds
from dsmverify.experiments.clouds import (
    GenerationSettings,
    Measurement,
    MetricSettings,
    Row,
    Versus,
)
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import (
    BASE,
    WORK,
    Group,
    Progress,
    Rate,
    decimal,
    results,
    seed_of,
)
from dsmverify.experiments.page_clouds import PageSettings
from dsmverify.experiments.parts import Parts
from dsmverify.instance import Batch
from dsmverify.metrics.power import Power

Floats = NDArray[np.float64]
Answer = Literal[
    "supported",
    "contradicted",
    "seen, not shown",
    "opposite seen, not shown",
    "seen in one training",
    "opposite seen in one training",
    "metrics disagree",
    "cannot be shown",
    "no data",
]

EQUAL_STEPS = "as many steps as the smallest rate"


@dataclass(frozen=True)
class Change:
    """One change to the base description.

    Args:
        name: how tables call it; not "base".
        model: fields of `Model` that it changes.
        batch: fields of `Batch` that it changes.
        generation: fields of `GenerationSettings` that it changes.
        inner_variance: of the initial inner weights; see `ConditionedEnsemble`.
        mean_over_coordinates: whether the loss averages over the d coordinates instead of summing
            them, the same as a rate d times smaller; None: as the base.
        rates: that it trains; the other rates are the base's. Empty: all.
        steps: at each of its rates; None: the base's.
        share: of the base's steps that it makes.
    """

    name: str
    model: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    inner_variance: InnerVariance = "data"
    mean_over_coordinates: bool | None = None
    rates: tuple[Fraction, ...] = ()
    steps: int | None = None
    share: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        """Check the name, the steps and the share.

        Raises:
            InputError: no name or the base's, a comma or line break in it, negative steps, a share
                outside (0, 1], or both steps and share.
        """
        if not self.name or self.name == BASE or any(c in self.name for c in ",|\n"):
            raise InputError(
                "options.name",
                show(self.name),
                f"it names an option other than {BASE!r}, without commas, bars or line breaks",
                "give another name",
            )
        if not 0 < self.share <= 1:
            raise InputError(
                "options.share", str(self.share), "it is a part of the steps", "give 1/10, say"
            )
        if self.steps is not None and (self.steps < 0 or self.share != 1):
            raise InputError(
                "options.steps",
                str(self.steps),
                "it must be at least 0, and `share` says the same in another way",
                "give one of them",
            )

    @property
    def trains(self) -> bool:
        """Whether it needs networks of its own."""
        return replace(self, name=NOTHING.name, generation={}) != NOTHING

    @property
    def changes_length(self) -> bool:
        """Whether it changes nothing but the number of steps."""
        length = Change(NOTHING.name, rates=self.rates, steps=self.steps, share=self.share)
        return replace(self, name=NOTHING.name) == length

    def made(self, rate: Rate) -> int:
        """SGD steps at one of its rates."""
        return self.steps if self.steps is not None else int(rate.steps * self.share)


NOTHING = Change("nothing")


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes.

    Args:
        rates: those that are run, two or more.
        product: rate x steps at every rate.
        trainings: at each rate.
        sets: generated with each network.
        repeats: behind a band of the power.
        options: that are run.
        equal_steps: whether the largest rate is also run with as many steps as the smallest.
    """

    rates: tuple[Fraction, ...]
    product: Fraction
    trainings: int
    sets: int
    repeats: int
    options: tuple[str, ...] = ()
    equal_steps: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a product that is not positive, no trainings or sets, or fewer than two
                repeats.
        """
        if self.product <= 0:
            raise InputError(
                "quick.product", str(self.product), "it must be positive", "give eta x steps"
            )
        for name, least in (("trainings", 1), ("sets", 1), ("repeats", 2)):
            if getattr(self, name) < least:
                raise InputError(
                    f"quick.{name}",
                    str(getattr(self, name)),
                    f"it must be at least {least}",
                    f"give {least} or more",
                )


@dataclass(frozen=True)
class Figure3:
    """Configuration of figure 3.

    Args:
        seed: of initial parameters and training noise.
        trainings: at each rate.
        level: of each conclusion, one-sided.
        rates: learning rates and steps.
        model: the base's; its dimension is that of the points.
        batch: the base's.
        times: at which the score is trained.
        generation: how sets are generated.
        metrics: what they are compared by.
        quick: what `--quick` changes.
        mean_over_coordinates: whether the base's loss averages over the d coordinates.
        target_deviation: s, where the points were drawn from N(0, s^2 I); None: not compared.
        options: changes to the base, each by itself.
        integrator_points: generated to measure the integrator's error.
        page: how the page's own clouds are tested; not done for other points.
        points: training points; empty takes the page's ten.
    """

    seed: int
    trainings: int
    level: float
    rates: tuple[Rate, ...]
    model: Model
    batch: Batch
    times: Times
    generation: GenerationSettings
    metrics: MetricSettings
    quick: Quick
    mean_over_coordinates: bool = True
    target_deviation: float | None = None
    options: tuple[Change, ...] = ()
    integrator_points: int = 20_000
    page: PageSettings = PageSettings()  # noqa: RUF009
    points: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check ranges and names.

        Raises:
            InputError: no trainings, a level outside (0, 1), fewer than two rates or one twice, a
                target without width, a model with a dimension of its own, points of different
                lengths or one of them twice, two options of one name, a rate or option that does
                not exist, or times of generation that the score is not trained at.
        """
        if self.trainings < 1:
            raise InputError("trainings", str(self.trainings), "at least one", "give 1 or more")
        if not 0 < self.level < 1:
            raise InputError("level", str(self.level), "it lies between 0 and 1", "give 0.05, say")
        known = [rate.rate for rate in self.rates]
        if len(known) < 2 or len(set(known)) < len(known):
            raise InputError(
                "rates", ", ".join(map(text_of, known)), "two or more differ", "give each once"
            )
        s = self.target_deviation
        if s is not None and not 0 < s < math.inf:
            raise InputError(
                "target_deviation",
                show(s),
                "the standard deviation of N(0, s^2 I) is positive and finite",
                "leave it out where the points are from no such law",
            )
        if self.model.dimension != 1:
            raise InputError(
                "model.dimension",
                str(self.model.dimension),
                "it is that of the points",
                "leave it out of the model",
            )
        if len({len(point) for point in self.points}) > 1 or len(self.points) == 1:
            raise InputError(
                "points",
                show(self.points),
                "there are two or more, with as many coordinates each",
                "leave it out for the page's ten",
            )
        for k, point in enumerate(self.points):
            if point in self.points[:k]:
                raise InputError(
                    f"points[{k}]",
                    show(point),
                    f"points[{self.points.index(point)}] is the same: no nearest and second "
                    "nearest can be told apart there",
                    "keep one of them",
                )
        names = [option.name for option in self.options]
        for name in names:
            if names.count(name) > 1:
                raise InputError("options.name", show(name), "two options have it", "rename one")
        for name in self.quick.options:
            if name not in names:
                raise InputError(
                    "quick.options", show(name), "there is no such option", f"known: {names}"
                )
        lists = [("quick.rates", self.quick.rates)]
        lists += [("options.rates", option.rates) for option in self.options]
        for where, rates in lists:
            for rate in rates:
                if rate not in known:
                    raise InputError(
                        where,
                        text_of(rate),
                        "it is one of `rates`",
                        f"the rates are {', '.join(map(text_of, known))}",
                    )
        if len(set(self.quick.rates)) < 2:
            raise InputError("quick.rates", "", "two or more differ", "give two")
        check_times(self.generation, self.times, "generation")

    @property
    def target(self) -> str:
        """The target's name; empty where there is none."""
        s = self.target_deviation
        return "" if s is None else f"N(0, {s**2:g} I)"

    @property
    def sample(self) -> Floats:
        """The training points. `[n, d]`."""
        if self.points:
            return np.array(self.points, dtype=np.float64)
        return page.generation_training_points()


def check_times(generation: GenerationSettings, times: Times, where: str) -> None:
    """Refuse to generate at times that the score is not trained at.

    Raises:
        InputError: an end is outside.
    """
    if not times.start <= generation.start < generation.end <= times.end:
        raise InputError(
            f"{where}.start",
            f"{generation.start:g} to {generation.end:g}",
            f"scores are trained at times from {times.start:g} to {times.end:g} only",
            "generate between these",
        )


def text_of(rate: Fraction) -> str:
    """A rate as tables spell it."""
    return f"{float(rate):g}"


@dataclass(frozen=True)
class Entry:
    """What was measured at one rate.

    Attributes:
        option: what was changed; "base" for nothing.
        rate: eta.
        steps: SGD steps made.
        share: of the base's steps in full.
        rows: one for each metric and extreme.
    """

    option: str
    rate: Fraction
    steps: int
    share: float
    rows: tuple[Row, ...]

    @property
    def failed(self) -> tuple[int, int]:
        """Sets without a value, since their network diverged, and sets in all."""
        return self.rows[0].failed, self.rows[0].values.size


@dataclass(frozen=True)
class Evidence:
    """What one informative metric says about a conclusion.

    Attributes:
        metric: its label.
        mean: difference of means, positive where it speaks for the conclusion.
        part: of the pairs (or trainings) that speak for it.
        p: one-sided, of the conclusion.
        opposite: one-sided, of its opposite.
        trainings: with a value; where two rates are compared, of the one with more.
    """

    metric: str
    mean: float
    part: float
    p: float
    opposite: float
    trainings: int


@dataclass(frozen=True)
class Conclusion:
    """A conclusion of the page's, and what the informative metrics say.

    Attributes:
        words: the conclusion.
        evidence: one for each informative metric that could show it.
        left_out: labels of the metrics that could not.
        answer: see the module.
    """

    words: str
    evidence: tuple[Evidence, ...]
    left_out: tuple[str, ...]
    answer: Answer

    @property
    def chances(self) -> str:
        """Estimated probability and largest p over the informative metrics, for reading."""
        if not self.evidence or any(math.isnan(e.mean) for e in self.evidence):
            return ""
        if all(e.trainings == 1 for e in self.evidence):
            return ""
        least, most = (f(e.part for e in self.evidence) for f in (min, max))
        part = f"{100 * least:.0f}" + ("" if least == most else f" to {100 * most:.0f}")
        p = max(e.p for e in self.evidence)
        return f" (in {part} % of pairs or trainings, largest p {p:.2g})"


@dataclass(frozen=True)
class PrintedClouds:
    """What the page's own clouds say, as it is written.

    Attributes:
        rows: of `page_clouds.COLUMNS`.
        findings: in plain words.
        on_choices: those of them that say what depends on a choice that the page does not state.
    """

    rows: tuple[tuple[str, ...], ...]
    findings: tuple[str, ...]
    on_choices: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """What figure 3 came to.

    Attributes:
        sample: `[n, d]`, the training points.
        entries: base and options, rate by rate.
        powers: of the base's metrics, between s* and the fitted Gaussian.
        target_powers: of its distances, between s* and the target; none without a target.
        conclusions: by option, the base first.
        clouds: sets for the picture: `"s_star"`, `"gaussian"`, `"target"`, and the first training
            of each rate and of `EQUAL_STEPS`.
        integrator: what the base's integrator misses under s*.
        page: what the page's own clouds say; None where the points are not the page's.
        files: what was written.
        is_quick: whether rates, steps and trainings were cut.
        exit_status: 0; runs are no evidence against a claim here.
    """

    sample: Floats
    entries: tuple[Entry, ...]
    powers: tuple[Power, ...]
    target_powers: tuple[Power, ...]
    conclusions: Mapping[str, tuple[Conclusion, ...]]
    clouds: Mapping[str, Floats]
    integrator: WeakError
    page: PrintedClouds | None
    is_quick: bool
    files: tuple[Path, ...] = ()
    exit_status: int = 0

    @property
    def base(self) -> tuple[Entry, ...]:
        """The entries of the base, by ascending rate."""
        own = [entry for entry in self.entries if entry.option == BASE]
        return tuple(sorted(own, key=lambda entry: entry.rate))

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [
            f"eta {text_of(e.rate):<5} {100 * e.share:.3g} % of the steps, {row.metric.label} "
            f"versus {row.versus}: {value_of(row)}"
            for e in self.base
            for row in e.rows
        ]
        found += [f"{c.words}: {c.answer}{c.chances}" for c in self.conclusions[BASE]]
        return [*found, *(f"wrote {file}" for file in self.files)]


def value_of(row: Row) -> str:
    """A row's value and band for reading; `uninformative` where it says nothing."""
    if not row.is_trained:
        return "diverged" if row.failed else "not trained"
    if not row.is_informative:
        return clouds.UNINFORMATIVE
    band = row.band
    return f"{decimal(band.value, 3)} [{decimal(band.low, 3)}, {decimal(band.high, 3)}]"


def run(
    configuration: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Summary:
    """Train, generate, compare, and write tables and drawings.

    Args:
        configuration: of the kind `figure3`.
        out: folder of the results: `fig3_mmd.csv`, `fig3_power.csv`, `fig3_options.csv`,
            `fig3_page.csv`, `fig3.md`, `fig3_clouds` and `fig3_mmd` as SVG and PDF.
        quick: two rates, fewer steps and trainings; files are called `quick_fig3...`.
        threads: of the CPU; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    settings = build(Figure3, configuration.table, configuration.source)
    full = {rate.rate: rate.steps for rate in settings.rates}
    if quick:
        settings = quick_version(settings)
    jobs = _jobs(settings, configuration.source, threads)
    measured = results(
        [job.group for job in jobs], out=out, threads=threads, device=device, progress=progress
    )
    sample = settings.sample
    powers = {
        generation: clouds.kept_powers_of_both(
            sample, generation, settings.metrics, out, threads, settings.target_deviation
        )
        for generation in dict.fromkeys(job.generation for job in jobs)
    }
    entries = [
        entry
        for job, found in zip(jobs, measured, strict=True)
        for entry in _entries(job, found, powers[job.generation], full, not settings.points)
    ]
    from dsmverify.experiments import figure3_report

    summary = Summary(
        sample=sample,
        entries=tuple(entries),
        powers=powers[settings.generation][0],
        target_powers=powers[settings.generation][1],
        conclusions={
            job.option: conclude(
                completed(entries, job.option), settings.level, target=settings.target
            )
            for job in jobs
        },
        clouds=_shown(settings, jobs, measured),
        integrator=integrator_error(settings),
        page=None if settings.points else kept_page(settings.page, out),
        is_quick=quick,
    )
    return replace(summary, files=figure3_report.write(summary, settings, out, configuration))


def quick_version(settings: Figure3) -> Figure3:
    """The smaller version: two rates, the same rate x steps at each."""
    q = settings.quick
    rates = tuple(
        Rate(rate.rate, max(1, round(q.product / rate.rate)))
        for rate in settings.rates
        if rate.rate in q.rates
    )
    options = tuple(option for option in settings.options if option.name in q.options)
    if q.equal_steps:
        most = max(rate.steps for rate in rates)
        options += (Change(EQUAL_STEPS, rates=(max(r.rate for r in rates),), steps=most),)
    return replace(
        settings,
        rates=rates,
        trainings=q.trainings,
        generation=replace(settings.generation, sets=q.sets),
        metrics=replace(settings.metrics, repeats=q.repeats),
        options=options,
        quick=replace(q, options=tuple(option.name for option in options)),
    )


@dataclass(frozen=True)
class _Job:
    """The base or one option: rate by rate, and within a rate training by training."""

    option: str
    made: tuple[Rate, ...]
    trainings: int
    generation: GenerationSettings
    group: Group[ConditionedEnsemble]


def _jobs(settings: Figure3, where: str, threads: int | None) -> list[_Job]:
    return [_job(settings, where, change, threads) for change in (NOTHING, *settings.options)]


def _job(settings: Figure3, where: str, change: Change, threads: int | None) -> _Job:
    inside = f"options[{change.name}]"
    model = build(Model, asdict(settings.model) | change.model, where, f"{inside}.model")
    batch = build(Batch, settings.batch.to_json() | change.batch, where, f"{inside}.batch")
    generation = build(
        GenerationSettings,
        asdict(settings.generation) | change.generation,
        where,
        f"{inside}.generation",
    )
    try:
        check_times(generation, settings.times, f"{inside}.generation")
    except InputError as error:
        raise error.located(file=where) from None
    sample = settings.sample
    is_mean = settings.mean_over_coordinates
    if change.mean_over_coordinates is not None:
        is_mean = change.mean_over_coordinates
    divisor = sample.shape[1] if is_mean else 1
    made = tuple(
        Rate(rate.rate, change.made(rate))
        for rate in settings.rates
        if not change.rates or rate.rate in change.rates
    )
    # All options share initial parameters and training noise with the base.
    runs = [(rate, s) for rate in made for s in range(settings.trainings)]
    ensemble = ConditionedEnsemble.of(
        replace(model, dimension=sample.shape[1]),
        batch,
        settings.times,
        [sample] * len(runs),
        [float(rate.rate / divisor) for rate, _ in runs],
        [seed_of(settings.seed, "figure3", "training", rate.rate, s) for rate, s in runs],
        [rate.steps for rate, _ in runs],
        inner_variance=change.inner_variance,
    )
    keep = generation.count if change is NOTHING or change.name == EQUAL_STEPS else 0
    measure = Measurement(
        generation, settings.metrics, keep, threads, target=settings.target_deviation
    )
    # An option that trains nothing of its own finds the base's networks under this name.
    named = change.name if change.trains else BASE
    name = "".join(c if c.isalnum() else "-" for c in f"figure3-{named}")
    return _Job(
        BASE if change is NOTHING else change.name,
        made,
        settings.trainings,
        generation,
        Group(name, ensemble, measure, measure.text),
    )


def _entries(
    job: _Job,
    measured: Mapping[str, Floats],
    powers: tuple[Sequence[Power], Sequence[Power]],
    full: Mapping[Fraction, int],
    is_pages: bool,
) -> list[Entry]:
    printed = page.generated_distances()
    count = len(job.made) * job.trainings
    found = []
    for k, rate in enumerate(job.made):
        own = range(k * job.trainings, (k + 1) * job.trainings)
        shown = {}
        if job.option == BASE and is_pages:
            shown = {
                clouds.key(power.metric, versus): printed[rate.rate, versus]
                for power in powers[0]
                for versus in clouds.EXTREMES
                if is_of_the_page(power) and (rate.rate, versus) in printed
            }
        rows = clouds.rows_of(
            text_of(rate.rate),
            clouds.chosen(measured, own, count),
            job.trainings,
            powers[0],
            printed=shown,
            target=powers[1],
        )
        found.append(
            Entry(job.option, rate.rate, rate.steps, rate.steps / full[rate.rate], tuple(rows))
        )
    return found


LEAD = ("mmd2_unbiased", "0.1")
"""The reading of the page's distances that its own clouds come nearest to; see `page_clouds`."""


def is_of_the_page(power: Power) -> bool:
    """Whether the page's MMD may be this metric: as stated, or as its own clouds suggest."""
    metric = power.metric
    is_stated = metric.name.startswith("mmd") and metric.bandwidth == "1"
    return is_stated or (metric.name, metric.bandwidth) == LEAD


def plain_of(settings: Figure3, option: str) -> str:
    """What an option is to be compared with: the base, or as few steps and no other change."""
    own = next((c for c in settings.options if c.name == option), NOTHING)
    for change in settings.options:
        same = (change.rates, change.steps, change.share) == (own.rates, own.steps, own.share)
        if same and change.changes_length and own.trains:
            return change.name
    return BASE


def completed(entries: Sequence[Entry], option: str) -> list[Entry]:
    """An option's entries, and the base's at the rates that it leaves out; by ascending rate."""
    found = {entry.rate: entry for entry in entries if entry.option == BASE}
    found |= {entry.rate: entry for entry in entries if entry.option == option}
    return sorted(found.values(), key=lambda entry: entry.rate)


def _shown(
    settings: Figure3, jobs: Sequence[_Job], measured: Sequence[Mapping[str, Floats]]
) -> dict[str, Floats]:
    """First sets of the references and of each rate's first training, by name."""
    sample, generation = settings.sample, settings.generation
    found: dict[str, Floats] = {
        "s_star": clouds.memorised_cloud(sample, generation, 0),
        "gaussian": clouds.gaussian_cloud(sample, generation, 0),
    }
    if settings.target_deviation is not None:
        found[clouds.TARGET] = clouds.target_cloud(sample, generation, settings.target_deviation, 0)
    for job, own in zip(jobs, measured, strict=True):
        for k, rate in enumerate(job.made):
            flat = own.get(clouds.cloud_key(k * job.trainings))
            if flat is not None and job.option in (BASE, EQUAL_STEPS):
                name = text_of(rate.rate) if job.option == BASE else EQUAL_STEPS
                found[name] = flat.reshape(-1, sample.shape[1])
    return found


def integrator_error(settings: Figure3) -> WeakError:
    """What the integrator misses under s*, against generation without any such error."""
    points = settings.sample
    return weak_error(
        EmpiricalScore(points),
        replace(settings.generation.generation, count=settings.integrator_points),
        points,
        seed_of(settings.generation.seed, "integrator"),
    )


def kept_page(settings: PageSettings, out: Path) -> PrintedClouds:
    """The page's own clouds measured again, now or taken from `out/.work`.

    Raises:
        InputError: a file there is damaged or cannot be written.
    """

    def work() -> dict[str, Any]:
        found = page_clouds.analyse(settings)
        rows = [[decimal(x) if isinstance(x, float) else str(x) for x in r] for r in found.rows()]
        return {"rows": rows, "findings": found.findings, "on_choices": found.on_choices}

    stored = Parts(out / WORK, "page", "clouds").result(asdict(settings), work)
    return PrintedClouds(
        tuple(map(tuple, stored["rows"])), tuple(stored["findings"]), tuple(stored["on_choices"])
    )


# ---- conclusions --------------------------------------------------------------------------------


def conclude(entries: Sequence[Entry], level: float, *, target: str = "") -> tuple[Conclusion, ...]:
    """The page's conclusions of figure 3, decided by informative metrics only.

    Args:
        entries: of one description, by ascending rate; the first and the last are compared.
        level: of each conclusion, one-sided.
        target: its name; empty: there is none, and no conclusion about it.
    """
    small, large = entries[0], entries[-1]
    low, high = text_of(small.rate), text_of(large.rate)
    about_target = _conclusion(
        f"rate {high} generates nearer to the target {target} than rate {low} does",
        [_two(b, a) for a, b in _pairs(small, large, clouds.TARGET)],
        level,
    )
    return (
        _conclusion(
            f"rate {low} generates nearer to s* than rate {high} does",
            [_two(a, b) for a, b in _pairs(small, large, "s_star")],
            level,
        ),
        _conclusion(
            f"rate {high} generates nearer to the fitted Gaussian than rate {low} does",
            [_two(b, a) for a, b in _pairs(small, large, "gaussian")],
            level,
        ),
        _conclusion(
            f"rate {low} generates nearer to the training points than rate {high} does",
            [_two(a, b) for a, b in _pairs(small, large, clouds.TRAINING)],
            level,
        ),
        _conclusion(
            f"what rate {low} generates is nearer to s* than to the fitted Gaussian",
            [_one(a, b) for a, b in _extremes(small)],
            level,
        ),
        _conclusion(
            f"what rate {high} generates is nearer to the fitted Gaussian than to s*",
            [_one(b, a) for a, b in _extremes(large)],
            level,
        ),
        *((about_target,) if target else ()),
    )


def _pairs(first: Entry, second: Entry, versus: Versus) -> list[tuple[Row, Row]]:
    rows = zip(first.rows, second.rows, strict=True)
    return [(a, b) for a, b in rows if a.versus == versus]


def _extremes(entry: Entry) -> list[tuple[Row, Row]]:
    first, second = ([r for r in entry.rows if r.versus == v] for v in clouds.EXTREMES)
    return list(zip(first, second, strict=True))


def _two(near: Row, far: Row) -> Evidence | str:
    """That the first of two rates has less of the distance, or memorises more."""
    if not (near.is_informative and far.is_informative):
        return near.metric.label
    sign = -1 if near.metric.larger_is == "towards" else 1
    one, other = (near, far) if sign > 0 else (far, near)
    found, opposite = clouds.compare(one, other), clouds.compare(other, one)
    difference = other.band.value - one.band.value
    most = max(clouds.means(row).size for row in (near, far))
    return Evidence(near.metric.label, difference, found.probability, found.p, opposite.p, most)


def _one(near: Row, far: Row) -> Evidence | str:
    """That one rate's sets have less of the first distance: a sign test over its trainings."""
    if not (near.is_informative and far.is_informative):
        return near.metric.label
    differences = clouds.means(far) - clouds.means(near)
    n = differences.size
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    if not n:
        return Evidence(near.metric.label, math.nan, math.nan, math.nan, math.nan, 0)
    # A tie counts against both.
    p, opposite = (float(stats.binom.sf(k - 1, n, 0.5)) for k in (wins, losses))
    return Evidence(near.metric.label, float(differences.mean()), wins / n, p, opposite, n)


def _conclusion(words: str, found: Sequence[Evidence | str], level: float) -> Conclusion:
    evidence = tuple(e for e in found if isinstance(e, Evidence))
    left_out = tuple(e for e in found if isinstance(e, str))
    return Conclusion(words, evidence, left_out, _answer(evidence, level))


def _answer(evidence: Sequence[Evidence], level: float) -> Answer:
    if not evidence:
        return "cannot be shown"
    if any(math.isnan(e.mean) for e in evidence):
        return "no data"
    is_one = all(e.trainings == 1 for e in evidence)
    if not is_one and all(e.p <= level for e in evidence):
        return "supported"
    if not is_one and all(e.opposite <= level for e in evidence):
        return "contradicted"
    if all(e.mean > 0 for e in evidence):
        return "seen in one training" if is_one else "seen, not shown"
    if all(e.mean < 0 for e in evidence):
        return "opposite seen in one training" if is_one else "opposite seen, not shown"
    return "metrics disagree"

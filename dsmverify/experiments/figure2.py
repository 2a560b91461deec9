"""Figure 2: excess risk after training against the learning rate, d = 1 and d = 10.

What the page leaves open, and what is taken here:

- Data are fresh for each simulation, dimension and time; the same at every rate and option.
- Over simulations the rule's statistic is compared, the mean; the page does not say which it is.
  Rows `base; median over simulations` compare the median, one more option.
- For d > 1 loss and excess risk are sums over coordinates. The excess risk's mean over them, d
  times smaller, has rows of its own; a loss that averages over them is an option.
- In d = 1 the excess risk is exact. Rows `base; ... draws ...` show what estimating it adds.
- A run that diverged has an infinite excess risk, and so has the mean. Where some runs did and some
  did not, a row `...; diverged runs left out` follows: what a plotting library would show.
- Model, batch and the factor on the rate are options, one at a time.

In d > 1 the excess risk is the Monte-Carlo mean of the squared distance to s*, its standard error
stated. The family of comparisons is every row with a page's value, options and ways of estimating
included: all of them were tried, so all of them count.

Source: figure 2, p. 12; appendix D, pp. 36-37.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsmverify import evidence
from dsmverify.ensembles import dimensions, measures
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError, show
from dsmverify.experiments import page
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import (
    BASE,
    Group,
    Kept,
    Option,
    Progress,
    Rate,
    check_names,
    csv_text,
    decimal,
    gaussian_points,
    markdown_table,
    noise_level,
    results,
    seed_of,
)
from dsmverify.experiments.silence import REACH, flat_share, flat_sides
from dsmverify.instance import Batch

Floats = NDArray[np.float64]

COLUMNS = (
    "dimension", "time", "learning_rate", "option", "simulations", "mean", "median", "low", "high",
    "page_value", "page_low", "page_high", "verdict",
)  # fmt: skip

COORDINATES = "mean over coordinates"
KEPT = "diverged runs left out"
NOTHING = evidence.Comparison("not measured")


@dataclass(frozen=True)
class Evaluation:
    """How an excess risk is estimated where that is done.

    Args:
        seed: of the noise.
        draws: noise draws for each point (the page: 5 000).
        draws_in_all: another reading of the same words: so many for all points together.
    """

    # The text of this class decides which measurements on disk are whose: no field may be added or
    # renamed without measuring all again.
    seed: int
    draws: int = dimensions.PAGE_DRAWS
    draws_in_all: int = dimensions.PAGE_DRAWS

    def __post_init__(self) -> None:
        """Check ranges: training comes before the first estimate.

        Raises:
            InputError: fewer than two draws, or a seed out of range.
        """
        for name in ("draws", "draws_in_all"):
            if getattr(self, name) < 2:
                raise InputError(
                    f"evaluation.{name}",
                    str(getattr(self, name)),
                    "a standard error needs two draws",
                    "give 2 or more",
                )
        if not 0 <= self.seed < 2**64:
            raise InputError(
                "evaluation.seed", str(self.seed), "it must lie in 0..2^64 - 1", "give another seed"
            )


@dataclass(frozen=True)
class QuickRuns:
    """Simulations, and steps at most, of one dimension."""

    dimension: int
    simulations: int
    steps: int

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: no dimension, no simulations or negative steps.
        """
        for name, least in (("dimension", 1), ("simulations", 1), ("steps", 0)):
            if getattr(self, name) < least:
                raise InputError(
                    f"quick.runs.{name}",
                    str(getattr(self, name)),
                    f"it must be at least {least}",
                    f"give {least} or more",
                )


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes; dimensions that are not named are left out."""

    runs: tuple[QuickRuns, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure2:
    """Configuration of figure 2.

    Args:
        seed: of data, initial parameters and training noise.
        simulations: number of samples, each trained on at every rate.
        points: n.
        dimensions: values of d.
        times: values of t.
        rates: learning rates and steps.
        model: the base's; its dimension is taken from `dimensions`.
        batch: the base's.
        rule: fixed before the first draw.
        evaluation: where an excess risk is estimated.
        quick: what `--quick` changes.
        options: changes to the base, each by itself, in the dimensions each names.
    """

    seed: int
    simulations: int
    points: int
    dimensions: tuple[int, ...]
    times: tuple[Fraction, ...]
    rates: tuple[Rate, ...]
    model: Model
    batch: Batch
    rule: evidence.Rule
    evaluation: Evaluation
    quick: Quick
    options: tuple[Option, ...] = ()

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a number below 1, an empty list, a model with a dimension of its own, two
                options of one name, an unknown option for `--quick`, or a dimension there that is
                not run or named twice.
        """
        counts = [("simulations", self.simulations), ("points", self.points)]
        counts += [("dimensions", d) for d in self.dimensions]
        for name, value in counts:
            if value < 1:
                raise InputError(name, str(value), "it must be at least 1", "give 1 or more")
        for name in ("dimensions", "times", "rates"):
            if not getattr(self, name):
                raise InputError(name, "", "there is at least one", "give some")
        if self.model.dimension != 1:
            raise InputError(
                "model.dimension",
                str(self.model.dimension),
                "the key `dimensions` says which dimensions are run",
                "leave it out of the model",
            )
        check_names(self.options)
        known = [option.name for option in self.options]
        for name in self.quick.options:
            if name not in known:
                raise InputError(
                    "quick.options", show(name), "there is no such option", f"known: {known}"
                )
        small = [runs.dimension for runs in self.quick.runs]
        for d in small:
            if d not in self.dimensions or small.count(d) > 1:
                raise InputError(
                    "quick.runs.dimension",
                    str(d),
                    "each is one of `dimensions`, named once",
                    f"the dimensions are {', '.join(map(str, self.dimensions))}",
                )


@dataclass(frozen=True)
class Point:
    """One row: excess risks of the simulations at one rate.

    Attributes:
        dimension: d.
        time: t.
        rate: eta.
        option: what was changed; "base" for nothing.
        detail: how the excess risk was estimated, or what was averaged; "" for the number itself.
        steps: SGD steps made.
        is_whole: whether these are the steps of the description.
        values: `[simulations]`, excess risks, sum over coordinates unless the option says
            otherwise; infinity for a run that diverged.
        error: standard error that Monte-Carlo estimates add to the mean; 0 where exact.
        flat: part of the runs that did not diverge whose score is constant on a side; see
            `silence`. NaN for d > 1, and where all diverged.
        statistic: of the values, that is compared with the page.
        summary: of the values; its band is the statistic's.
        printed: what the page shows.
        comparison: with the page.
        survivors: whether only the runs that did not diverge are in it.
    """

    dimension: int
    time: Fraction
    rate: Fraction
    option: str
    detail: str
    steps: int
    is_whole: bool
    values: Floats
    error: float
    flat: float
    statistic: evidence.Statistic
    summary: evidence.Summary
    printed: evidence.PageValue | None
    comparison: evidence.Comparison = NOTHING
    survivors: bool = False

    @property
    def is_base(self) -> bool:
        """Whether it is the base's excess risk itself."""
        return self.option == BASE and not self.detail

    @property
    def value(self) -> float:
        """The statistic of the values."""
        return self.summary.mean if self.statistic == "mean" else self.summary.median

    @property
    def name(self) -> str:
        """Option and detail."""
        return f"{self.option}; {self.detail}" if self.detail else self.option

    @property
    def label(self) -> str:
        """For tables: names what was left out, and the steps where they were cut."""
        parts = [self.name]
        parts += [KEPT] if self.survivors else []
        parts += [] if self.is_whole else [f"{self.steps} steps"]
        return "; ".join(parts)


@dataclass(frozen=True)
class Summary:
    """What figure 2 came to.

    Attributes:
        points: every row.
        files: what was written.
        exit_status: 0; runs are no evidence against a claim here.
        notes: what a reader should know.
        is_quick: whether runs and steps were cut.
    """

    points: tuple[Point, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    is_quick: bool
    exit_status: int = 0

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [
            f"d {p.dimension:<3} t {float(p.time):<5g} eta {float(p.rate):<5g} {p.label}: "
            f"{decimal(p.value, 3)} [{decimal(p.summary.low, 3)}, "
            f"{decimal(p.summary.high, 3)}]"
            + (
                ""
                if p.printed is None
                else f", page {decimal(p.printed.value, 3)}: {p.comparison.answer}"
            )
            for p in self.points
        ]
        return [*found, *self.notes, *(f"wrote {file}" for file in self.files)]


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
    """Train, measure, compare, and write tables and drawings.

    Args:
        configuration: of the kind `figure2`.
        out: folder of the results; `fig2.csv`, `fig2.md`, `fig2.svg`, `fig2.pdf`,
            `fig2_options.svg`, `fig2_options.pdf`.
        quick: fewer simulations and steps; files are called `quick_fig2...`.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps.
        kept: what is known already, of a sweep of the same configuration say.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    settings = build(Figure2, configuration.table, configuration.source)
    jobs = _jobs(settings, configuration.source, quick)
    found = results(
        [job.group for job in jobs],
        out=out,
        threads=threads,
        device=device,
        progress=progress,
        kept=kept,
    )
    points = [
        point
        for job, measured in zip(jobs, found, strict=True)
        for point in _points(job, measured, settings)
    ]
    judged = _judge(points, settings.rule)
    summary = Summary(tuple(judged), (), tuple(_notes(judged, settings)), quick)
    return replace(summary, files=_write(summary, settings, out, configuration))


def groups_of(configuration: Document, *, quick: bool) -> list[Group[Ensemble]]:
    """The groups that `run` trains, in its order.

    Args:
        configuration: of the kind `figure2`.
        quick: the smaller version.

    Raises:
        InputError: a bad configuration.
    """
    settings = build(Figure2, configuration.table, configuration.source)
    return [job.group for job in _jobs(settings, configuration.source, quick)]


@dataclass(frozen=True)
class _Job:
    """One option at one dimension and time."""

    dimension: int
    time: Fraction
    option: str
    made: tuple[int, ...]
    simulations: int
    group: Group[Ensemble]


def _jobs(settings: Figure2, where: str, quick: bool) -> list[_Job]:
    jobs = []
    for d in settings.dimensions:
        simulations, cap = settings.simulations, None
        if quick:
            small = next((r for r in settings.quick.runs if r.dimension == d), None)
            if small is None:
                continue
            simulations, cap = small.simulations, small.steps
        options = [o for o in settings.options if not quick or o.name in settings.quick.options]
        for option in (None, *(o for o in options if d in o.dimensions)):
            for time in settings.times:
                jobs.append(_job(settings, where, d, time, option, simulations, cap))
    return jobs


def _job(
    settings: Figure2,
    where: str,
    d: int,
    time: Fraction,
    option: Option | None,
    simulations: int,
    cap: int | None,
) -> _Job:
    model, batch, name = settings.model, settings.batch, BASE
    if option is not None:
        model, batch = option.applied(model, batch, where)
        name = option.name
        simulations = min(simulations, option.simulations or simulations)
    divisor = 1 if option is None else option.rate_divisor(d)
    mu, sigma = noise_level(time)
    made = tuple(
        min(
            rate.steps if option is None else option.capped(rate.steps),
            rate.steps if cap is None else cap,
        )
        for rate in settings.rates
    )
    problems = [
        Problem(
            gaussian_points(
                seed_of(settings.seed, "figure2", "data", d, time, s), settings.points, d
            ),
            mu,
            sigma,
        )
        for s in range(simulations)
    ]
    # Rate by rate, and within a rate simulation by simulation.
    runs = [(k, s) for k in range(len(made)) for s in range(simulations)]
    ensemble = Ensemble.of(
        replace(model, dimension=d),
        batch,
        [problems[s] for _, s in runs],
        [float(settings.rates[k].rate / divisor) for k, _ in runs],
        [
            seed_of(settings.seed, "figure2", "training", d, time, settings.rates[k].rate, s)
            for k, s in runs
        ],
        [made[k] for k, _ in runs],
    )
    evaluation = settings.evaluation
    group = Group(
        name=f"figure2-d{d}-t{float(time):g}-{name}".replace(" ", "_"),
        ensemble=ensemble,
        measure=_Measurement(evaluation, option is None),
        measured=f"{evaluation}/{option is None}",
    )
    return _Job(d, time, name, made, simulations, group)


@dataclass(frozen=True)
class _Measurement:
    """Excess risk of every network; for the base in d = 1 also as the page estimates it."""

    evaluation: Evaluation
    estimates: bool

    def __call__(self, ensemble: Ensemble, networks: Networks) -> dict[str, Floats]:
        seed, draws = self.evaluation.seed, self.evaluation.draws
        if ensemble.model.dimension > 1:
            found = dimensions.estimate_excess_risks(ensemble, networks, seed=seed, draws=draws)
            return {"excess": found.mean, "error": found.error}
        measured = {
            "excess": measures.excess_risks(ensemble, networks),
            "flat": flat_sides(ensemble, networks).any(axis=1).astype(float),
        }
        if self.estimates:
            each = max(2, self.evaluation.draws_in_all // ensemble.problems[0].size)
            measured["same"] = self._estimate(ensemble, networks, draws, separate=False)
            measured["separate"] = self._estimate(ensemble, networks, draws, separate=True)
            measured["in_all"] = self._estimate(ensemble, networks, each, separate=True)
        return measured

    def _estimate(
        self, ensemble: Ensemble, networks: Networks, draws: int, *, separate: bool
    ) -> Floats:
        """`Rhat(theta) - Rhat(s*)`, both on the same draws or each on its own. `[E]`."""
        seed = self.evaluation.seed
        found = dimensions.estimate_excess_risks(
            ensemble, networks, seed=seed, draws=draws, estimator="difference"
        ).mean
        if separate:
            other = seed_of(seed, "separate")
            shifts: dict[int, float] = {}
            for e, problem in enumerate(ensemble.problems):
                if id(problem) not in shifts:
                    one, two = (
                        dimensions.estimate_optimal_risk(problem, seed=s, draws=draws)[0]
                        for s in (seed, other)
                    )
                    shifts[id(problem)] = one - two
                found[e] += shifts[id(problem)]
        return found


def _points(job: _Job, measured: dict[str, Floats], settings: Figure2) -> list[Point]:
    """Rows of a group: as measured, then by the other statistic, as estimated, or rescaled."""
    plain = settings.rule.statistic
    other: evidence.Statistic = "median" if plain == "mean" else "mean"
    by_other = f"{other} over simulations"
    rows = {"": measured["excess"]}
    if job.option == BASE and job.dimension == 1:
        rows[by_other] = measured["excess"]
    if "same" in measured:
        draws, in_all = settings.evaluation.draws, settings.evaluation.draws_in_all
        rows[f"the same {draws} draws per point"] = measured["same"]
        rows[f"{draws} separate draws per point"] = measured["separate"]
        rows[f"{in_all} separate draws in all"] = measured["in_all"]
    if job.dimension > 1:
        rows[COORDINATES] = measured["excess"] / job.dimension
    printed = page.excess_risks() if job.dimension == 1 else {}
    found: list[Point] = []
    for detail, values in rows.items():
        rule = replace(settings.rule, statistic=other if detail == by_other else plain)
        for k, rate in enumerate(settings.rates):
            own = slice(k * job.simulations, (k + 1) * job.simulations)
            error, flat = 0.0, math.nan
            if "error" in measured:
                errors = measured["error"][own]
                error = math.sqrt(float(np.nansum(errors**2))) / job.simulations
                error /= job.dimension if detail == COORDINATES else 1
            if "flat" in measured:
                flat = flat_share(measured["flat"][own], values[own])
            point = Point(
                dimension=job.dimension,
                time=job.time,
                rate=rate.rate,
                option=job.option,
                detail=detail,
                steps=job.made[k],
                is_whole=job.made[k] == rate.steps,
                values=values[own],
                error=error,
                flat=flat,
                statistic=rule.statistic,
                summary=evidence.summarise(values[own], rule),
                printed=printed.get((job.time, rate.rate)),
            )
            found.append(point)
            # A median needs no such row: it is finite while most runs are.
            is_mixed = 0 < point.summary.diverged < point.summary.simulations
            if is_mixed and point.detail != by_other:
                found.append(_without_diverged(point, rule))
    return found


def _without_diverged(point: Point, rule: evidence.Rule) -> Point:
    """The row over the runs that did not diverge: plotting libraries drop what is not finite."""
    kept = point.values[np.isfinite(point.values)]
    return replace(
        point,
        values=kept,
        error=point.error * len(point.values) / len(kept),
        summary=evidence.summarise(kept, rule),
        survivors=True,
    )


def _judge(points: Sequence[Point], rule: evidence.Rule) -> list[Point]:
    """Points with their comparisons, one family of all."""
    family = [
        evidence.Measurement(
            p.label, p.values if p.is_whole else p.values[:0], p.printed, p.statistic
        )
        for p in points
    ]
    found = evidence.compare(family, rule)
    return [replace(p, comparison=c) for p, c in zip(points, found, strict=True)]


def _notes(points: Sequence[Point], settings: Figure2) -> list[str]:
    rule = settings.rule
    size = sum(p.printed is not None and p.is_whole for p in points)
    tried = len({p.name for p in points if p.dimension == 1} - {BASE})
    notes = [
        f"{size} comparisons in the family, {tried} options and ways of estimating beside the "
        f"base; level {rule.level:g} for all together, {rule.resamples} resamples, factor of "
        f"agreement {rule.agreement:g}"
    ]
    few = [p for p in points if p.comparison.reason]
    if few:
        notes.append(
            f"Not compared, though counted in the family, for fewer than {rule.least_runs} runs: "
            + "; ".join(f"{p.label} at t = {float(p.time):g}, rate {float(p.rate):g}" for p in few)
        )
    notes += _mean_or_median(points)
    below = [p for p in points if p.is_base and p.printed is not None and p.printed.low < 0]
    if below:
        notes.append(
            "The page's band reaches below 0 at "
            + ", ".join(f"t = {float(p.time):g}, rate {float(p.rate):g}" for p in below)
            + "; no excess risk does: the page's values carry the error of their estimation "
            "(compare the widths of the bands of the ways of estimating)"
        )
    worst = max((p.error / p.summary.mean for p in points if p.error > 0), default=0.0)
    if worst:
        notes.append(
            "d > 1: Monte Carlo adds a standard error of at most "
            f"{100 * worst:.2g} % to a mean, the spread over simulations aside"
        )
    return notes


def _mean_or_median(points: Sequence[Point]) -> list[str]:
    """Which of the two lies nearer to the page: a description, not a test."""
    # Where some runs diverged the row of those that did not follows, and takes the other's place.
    rows = {
        (p.time, p.rate): p
        for p in points
        if p.is_base and p.is_whole and p.printed and p.printed.value > 0
    }
    base = list(rows.values())
    if not base:
        return []
    nearer: dict[str, list[Point]] = {"mean": [], "median": []}
    squares = {"mean": 0.0, "median": 0.0}
    for p in base:
        assert p.printed is not None  # base holds no other
        logs = {}
        for name in nearer:
            ratio = getattr(p.summary, name) / p.printed.value
            logs[name] = abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf
            squares[name] += logs[name] ** 2 / len(base)
        nearer["mean" if logs["mean"] <= logs["median"] else "median"].append(p)
    words = [
        f"the {name} at {len(own)}"
        + (
            f" ({', '.join(f't {float(p.time):g} rate {float(p.rate):g}' for p in own)})"
            if own
            else ""
        )
        + f", root mean square of log(ours/page) {decimal(math.sqrt(squares[name]), 3)}"
        for name, own in nearer.items()
    ]
    return [
        f"Mean or median over simulations, base, d = 1: of {len(base)} points nearer to the page's "
        f"value is {'; '.join(words)}; diverged runs left out"
    ]


def _write(
    summary: Summary, settings: Figure2, out: Path, configuration: Document
) -> tuple[Path, ...]:
    from dsmverify.experiments import plots

    stem = "quick_fig2" if summary.is_quick else "fig2"
    files = {
        f"{stem}.csv": csv_text(COLUMNS, _rows(summary)).encode(),
        f"{stem}.md": _markdown(summary, settings, configuration).encode(),
    }
    drawings = {stem: plots.figure2(summary)}
    if any(p.option != BASE and p.printed is not None for p in summary.points):
        drawings[f"{stem}_options"] = plots.figure2_options(summary)
    for name, drawing in drawings.items():
        for suffix, data in plots.vector(drawing).items():
            files[f"{name}.{suffix}"] = data
    for name, data in files.items():
        write_atomically(out / name, data)
    return tuple(out / name for name in files)


def _rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            str(p.dimension),
            f"{float(p.time):g}",
            f"{float(p.rate):g}",
            p.label,
            str(p.summary.simulations),
            *map(decimal, (p.summary.mean, p.summary.median, p.summary.low, p.summary.high)),
            *(
                ("", "", "")
                if p.printed is None
                else map(decimal, (p.printed.value, p.printed.low, p.printed.high))
            ),
            p.comparison.answer,
        )
        for p in summary.points
    ]


def _markdown(summary: Summary, settings: Figure2, configuration: Document) -> str:
    """The report: base in d = 1, other dimensions, options, estimates."""
    rule = settings.rule
    confidence = f"{100 * rule.confidence:g} %"
    parts = [
        "# Figure 2" + (", quick version" if summary.is_quick else ""),
        "",
        f"Configuration `{configuration.source}`, digest {configuration.digest}.",
        "",
        f"Excess risk over simulations: mean with its {confidence} bootstrap band, and median.",
        "`within`: ours lies within this factor of the page's value; `apart`: at least this factor",
        "from it; both for all comparisons together. `differs`: the test rejects equality;",
        f"`agrees`: within a factor {rule.agreement:g} and not rejected; `compatible`: neither.",
        "Rows `median over simulations` compare the median, and their band is the median's.",
        "`flat side`: of the runs that did not diverge, those whose score is constant on a side,",
        f"{REACH:g} sigma wide from the outermost mean on.",
        "",
        "## d = 1, the description as assumed",
        "",
    ]
    base = [p for p in summary.points if p.dimension == 1 and p.is_base]
    parts.append(markdown_table(_ONE_COLUMNS, [_one_cells(p) for p in base]))
    for d in dict.fromkeys(p.dimension for p in summary.points if p.dimension > 1):
        own = [p for p in summary.points if p.dimension == d]
        parts += [
            f"## d = {d}",
            "",
            f"By Monte Carlo, {settings.evaluation.draws} draws per point; nothing was digitised",
            "to compare with. The page does not say whether coordinates are summed or averaged.",
            "",
            _dimension_table(own),
        ]
    others = [p for p in summary.points if p.dimension == 1 and not p.is_base]
    if others:
        parts += [
            "## d = 1, options one at a time",
            "",
            markdown_table(("option", *_ONE_COLUMNS), [(p.name, *_one_cells(p)) for p in others]),
            "Best fit first: points that differ from the page, and the root mean square of",
            "log(ours/page), a description and not a test.",
            "",
            markdown_table(("option", "differ", "of", "log error"), _ranking(summary)),
        ]
    parts += [f"- {note}" for note in summary.notes]
    return "\n".join(parts).rstrip() + "\n"


_ONE_COLUMNS = (
    "t", "rate", "steps", "simulations", "ours: mean", "band", "median", "flat side", "page",
    "page's band", "ratio", "within", "apart", "Holm p", "verdict",
)  # fmt: skip


def _one_cells(p: Point) -> tuple[str, ...]:
    s, c = p.summary, p.comparison
    value, band = "", ""
    if p.printed is not None:
        value = decimal(p.printed.value, 3)
        band = f"{decimal(p.printed.low, 3)} to {decimal(p.printed.high, 3)}"
    return (
        f"{float(p.time):g}", f"{float(p.rate):g}", f"{p.steps}" + ("" if p.is_whole else " (cut)"),
        _runs(p), decimal(s.mean, 3), f"{decimal(s.low, 3)} to {decimal(s.high, 3)}",
        decimal(s.median, 3), "" if math.isnan(p.flat) else f"{100 * p.flat:.0f} %", value,
        band, decimal(c.ratio, 3), decimal(c.within, 3), decimal(c.apart, 3),
        decimal(c.adjusted, 2), f"{c.answer} ({c.reason})" if c.reason else c.answer,
    )  # fmt: skip


def _runs(p: Point) -> str:
    """Number of simulations, and what became of those that diverged."""
    if p.survivors:
        return f"{p.summary.simulations}, {KEPT}"
    diverged = p.summary.diverged
    return f"{p.summary.simulations}" + (f", {diverged} diverged" if diverged else "")


def _dimension_table(points: Sequence[Point]) -> str:
    columns = (
        "option", "t", "rate", "steps", "simulations", "sum: mean", "band", "median",
        "standard error", "per coordinate",
    )  # fmt: skip
    rows = []
    for p in points:
        if p.detail == COORDINATES:
            continue
        s = p.summary
        rows.append(
            (
                p.option,
                f"{float(p.time):g}",
                f"{float(p.rate):g}",
                f"{p.steps}" + ("" if p.is_whole else " (cut)"),
                _runs(p),
                decimal(s.mean, 3),
                f"{decimal(s.low, 3)} to {decimal(s.high, 3)}",
                decimal(s.median, 3),
                decimal(p.error, 2),
                decimal(s.mean / p.dimension, 3),
            )
        )
    return markdown_table(columns, rows)


def _ranking(summary: Summary) -> list[tuple[str, ...]]:
    """Best fit first; where some runs diverged, those that did not count."""
    fits = []
    for name in dict.fromkeys(p.name for p in summary.points if p.dimension == 1):
        own = {
            (p.time, p.rate): p.comparison
            for p in summary.points
            if p.dimension == 1 and p.name == name and not math.isnan(p.comparison.p)
        }
        if own:
            ratios = [c.ratio for c in own.values()]
            logs = [math.log(r) ** 2 if 0 < r < math.inf else math.inf for r in ratios]
            differing = sum(c.answer == "differs" for c in own.values())
            fits.append((differing, math.sqrt(sum(logs) / len(logs)), len(own), name))
    fits.sort(key=lambda fit: fit[:2])
    return [(name, str(k), str(n), decimal(error, 3)) for k, error, n, name in fits]

"""Figure 1: graphs of trained scores beside the best one, many runs where the page shows one.

The page's sample is known as far as its curve s* determines it, so the same problem is trained:
the excess risk of a printed curve (exact for the drawn line) is compared with that of our runs.

Is the page's curve a plausible run of ours? Its rank among the runs of the base decides, two-sided,
with Holm's correction over the curves. Is an option excluded? The curves' ranks among the option's
runs, combined by Fisher's method (the page's runs are taken to be independent), Holm over options.

`compatible` is all that one printed run can show. A curve's excess risk is known up to the drawing:
points within `page.VERTEX_TOLERANCE` of a line were left out. As the root of an excess risk is a
distance in the mean square of Y, and no such distance exceeds the largest one, the plotted run's
root lies within that tolerance of the line's, as far as the line is drawn; beyond its ends, at 5,
the outermost segments are extended. Thirteen points of the sample are known within an interval
only. The runs are trained on the best values; the printed line's excess risk is also taken with all
points at their lower, and with all at their upper ends. These are two of the 2^13 corners: the
interval covers the three values, and is no bound over all samples that fit. The rank's p-value is
the largest over that interval.

Source: figure 1, p. 11; appendix D, pp. 36-37.
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
from dsmverify.ensembles import measures
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.ensembles.settings import ARRAYS, Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError, show
from dsmverify.experiments import page
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import (
    BASE,
    Group,
    Option,
    Progress,
    Rate,
    check_names,
    csv_text,
    decimal,
    markdown_table,
    noise_level,
    results,
    seed_of,
)
from dsmverify.experiments.silence import REACH, flat_share, flat_sides
from dsmverify.instance import Batch

Floats = NDArray[np.float64]

CURVE_COLUMNS = ("panel", "curve", "y", "score")
POINT_COLUMNS = (
    "panel", "time", "learning_rate", "option", "runs", "steps", "diverged", "median", "low",
    "high", "flat_side", "page_value", "page_low", "page_high", "p", "adjusted", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class RankRule:
    """How a printed curve is compared with runs: the family-wise level of the rank tests."""

    level: float = 0.05

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: the level is not a probability.
        """
        if not 0 < self.level < 1:
            raise InputError(
                "rule.level", show(self.level), "it lies between 0 and 1", "give 0.05, say"
            )


@dataclass(frozen=True)
class Grid:
    """Where curves are drawn: `count` places from `low` to `high`."""

    low: float
    high: float
    count: int

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: fewer than two places, or the ends out of order.
        """
        if self.count < 2 or not self.low < self.high:
            raise InputError(
                "grid",
                f"{self.count} places from {self.low:g} to {self.high:g}",
                "there are at least two places, from left to right",
                "give low < high and count >= 2",
            )

    @property
    def places(self) -> Floats:
        """`[count]`."""
        return np.linspace(self.low, self.high, self.count)


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes: runs, steps at most, and which options."""

    runs: int
    option_runs: int
    steps: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure1:
    """Configuration of figure 1.

    Args:
        seed: of all runs.
        runs: of the base description, for each panel and rate.
        option_runs: of each option.
        times: t of each panel.
        rates: learning rates and steps.
        model: the base's, d = 1.
        batch: the base's.
        rule: fixed before the first draw.
        grid: where curves are drawn.
        quick: what `--quick` changes.
        options: changes to the base, each by itself.
        points: training points; None: the page's.
    """

    seed: int
    runs: int
    option_runs: int
    times: tuple[Fraction, ...]
    rates: tuple[Rate, ...]
    model: Model
    batch: Batch
    rule: RankRule
    grid: Grid
    quick: Quick
    options: tuple[Option, ...] = ()
    points: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: no runs, times or rates, d > 1, two options of one name, an option
                with a field of figure 2, or an unknown option for `--quick`.
        """
        for name in ("runs", "option_runs"):
            for inside, value in (("", getattr(self, name)), ("quick.", getattr(self.quick, name))):
                if value < 1:
                    raise InputError(
                        f"{inside}{name}", str(value), "it must be at least 1", "make a run"
                    )
        if not self.times or not self.rates:
            raise InputError("times, rates", "", "there is at least one of each", "give some")
        if self.model.dimension != 1:
            raise InputError(
                "model.dimension", str(self.model.dimension), "graphs are of d = 1", "give 1"
            )
        check_names(self.options)
        for option in self.options:
            fields = ("dimensions", "mean_over_coordinates", "simulations")
            plain = Option(option.name)
            for name in fields:
                if getattr(option, name) != getattr(plain, name):
                    raise InputError(
                        f"options[{option.name}].{name}",
                        show(getattr(option, name)),
                        "figure 1 is of d = 1 and has option_runs for every option",
                        "leave it out",
                    )
        known = [option.name for option in self.options]
        for name in self.quick.options:
            if name not in known:
                raise InputError(
                    "quick.options", show(name), "there is no such option", f"known: {known}"
                )


@dataclass(frozen=True)
class Point:
    """One curve of one option.

    Attributes:
        panel: `left`, `right`, or the time.
        time: t.
        rate: eta.
        option: what was changed.
        values: `[runs]`, excess risks; infinity for a run that diverged.
        flat: part of the runs that did not diverge whose score is constant on a side; see
            `silence`. NaN where all diverged.
        steps: SGD steps made.
        is_whole: whether these are the steps of the description.
        printed: excess risk of the page's drawn line; None where there is none.
        p: rank p-value; NaN where nothing was compared.
        adjusted: for the base Holm's over the curves; for an option its combined p-value, Holm's
            over options.
        verdict: one of `evidence.Answer`.
    """

    panel: str
    time: Fraction
    rate: Fraction
    option: str
    values: Floats
    flat: float
    steps: int
    is_whole: bool
    printed: evidence.PageValue | None
    p: float = math.nan
    adjusted: float = math.nan
    verdict: evidence.Answer = "not measured"

    @property
    def median(self) -> float:
        """Over runs."""
        return float(np.quantile(self.values, 0.5, method="inverted_cdf"))

    @property
    def band(self) -> tuple[float, float]:
        """Range of the middle 95 % of runs: where one run lies, not where the mean lies."""
        low, high = np.quantile(self.values, (0.025, 0.975), method="inverted_cdf").tolist()
        return low, high

    @property
    def label(self) -> str:
        """For tables: steps are named where they were cut."""
        return self.option if self.is_whole else f"{self.option}; {self.steps} steps"


@dataclass(frozen=True)
class Curves:
    """Graphs of one panel and rate.

    Attributes:
        panel: as in `Point`.
        rate: eta.
        one: `[count]`, the first run.
        median: `[count]`, over runs at each place.
        low: `[count]`, 2.5 % quantile over runs at each place.
        high: `[count]`, 97.5 %.
    """

    panel: str
    rate: Fraction
    one: Floats
    median: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Summary:
    """What figure 1 came to.

    Attributes:
        points: every curve of every option.
        curves: graphs of the base.
        grid: `[count]`, their abscissas.
        panels: time of each panel, by name.
        sample: `[n]`, training points.
        files: what was written.
        exit_status: 0; runs are no evidence against a claim here.
        notes: what a reader should know of the comparison.
        is_quick: whether runs and steps were cut.
    """

    points: tuple[Point, ...]
    curves: tuple[Curves, ...]
    grid: Floats
    panels: dict[str, Fraction]
    sample: Floats
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    is_quick: bool
    exit_status: int = 0

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [
            f"{p.panel:>6} eta {float(p.rate):<5g} {p.label}: median {decimal(p.median, 3)} "
            f"[{decimal(p.band[0], 3)}, {decimal(p.band[1], 3)}]"
            + ("" if p.printed is None else f", page {decimal(p.printed.value, 3)}: {p.verdict}")
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
) -> Summary:
    """Train, measure, compare, and write tables and drawings.

    Args:
        configuration: of the kind `figure1`.
        out: folder of the results; `fig1*.csv`, `fig1*.md`, `fig1*.svg`, `fig1*.pdf`.
        quick: fewer runs and steps; files are called `quick_fig1...`.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    settings = build(Figure1, configuration.table, configuration.source)
    sample = page.training_points().best if settings.points is None else np.array(settings.points)
    panels = {_panel(time): time for time in settings.times}
    jobs = _jobs(settings, sample, panels, configuration.source, quick)
    found = results(
        [job.group for job in jobs], out=out, threads=threads, device=device, progress=progress
    )
    printed = _printed(settings, panels) if settings.points is None else {}
    points: list[Point] = []
    for job, measured in zip(jobs, found, strict=True):
        points.extend(_points(job, measured, printed))
    judged, notes = _judge(points, settings.rule)
    base = zip(jobs, found, strict=True)
    curves = [c for job, measured in base if job.option == BASE for c in _curves(job, measured)]
    summary = Summary(
        points=tuple(judged),
        curves=tuple(curves),
        grid=settings.grid.places,
        panels=panels,
        sample=sample,
        files=(),
        notes=tuple(notes),
        is_quick=quick,
    )
    return replace(summary, files=_write(summary, out, configuration))


@dataclass(frozen=True)
class _Job:
    """One panel of one option."""

    panel: str
    time: Fraction
    option: str
    rates: tuple[Rate, ...]
    made: tuple[int, ...]
    runs: int
    group: Group[Ensemble]


def _panel(time: Fraction) -> str:
    names = {t: name for name, t in page.PANELS.items()}
    return names.get(time, f"t={float(time):g}")


def _jobs(
    settings: Figure1, sample: Floats, panels: dict[str, Fraction], where: str, quick: bool
) -> list[_Job]:
    options = [o for o in settings.options if not quick or o.name in settings.quick.options]
    asked = settings.quick if quick else settings
    cap = settings.quick.steps if quick else None
    jobs = []
    for option in (None, *options):
        name = BASE if option is None else option.name
        model, batch = settings.model, settings.batch
        if option is not None:
            model, batch = option.applied(model, batch, where)
        runs = asked.runs if option is None else asked.option_runs
        for panel, time in panels.items():
            mu, sigma = noise_level(time)
            problem = Problem(sample, mu, sigma)
            made = tuple(
                min(
                    rate.steps if option is None else option.capped(rate.steps),
                    rate.steps if cap is None else cap,
                )
                for rate in settings.rates
            )
            # Rate by rate, and within a rate run by run.
            ensemble = Ensemble.of(
                model,
                batch,
                [problem] * (runs * len(made)),
                [float(rate.rate) for rate in settings.rates for _ in range(runs)],
                [
                    seed_of(settings.seed, "figure1", time, rate.rate, r)
                    for rate in settings.rates
                    for r in range(runs)
                ],
                [steps for steps in made for _ in range(runs)],
            )
            places = settings.grid.places
            group = Group(
                name=f"figure1-{panel}-{name}".replace(" ", "_"),
                ensemble=ensemble,
                measure=_Measurement(places, option is None),
                measured=f"{places.tolist()}/{option is None}",
            )
            jobs.append(_Job(panel, time, name, settings.rates, made, runs, group))
    return jobs


@dataclass(frozen=True)
class _Measurement:
    """Excess risk and flat sides of every network, and graphs of the base."""

    places: Floats
    graphs: bool

    def __call__(self, ensemble: Ensemble, networks: Networks) -> dict[str, Floats]:
        found = {
            "excess": measures.excess_risks(ensemble, networks),
            "flat": flat_sides(ensemble, networks).any(axis=1).astype(float),
        }
        if self.graphs:
            found["scores"] = self._scores(ensemble, networks).ravel()
        return found

    def _scores(self, ensemble: Ensemble, networks: Networks) -> Floats:
        """`[E, count]`; NaN for a network that diverged."""
        found = np.full((networks.count, len(self.places)), np.nan)
        alive = np.flatnonzero(networks.diverged < 0)
        for e in alive:
            one = Networks(*(getattr(networks, name)[e : e + 1] for name in (*ARRAYS, "diverged")))
            found[e] = one.scores(ensemble.model, self.places)[0, :, 0]
        return found


def _printed(
    settings: Figure1, panels: dict[str, Fraction]
) -> dict[tuple[str, Fraction], evidence.PageValue]:
    """Excess risks of the page's lines, each with an interval for its run's; see the module."""
    sample = page.training_points()
    found: dict[tuple[str, Fraction], evidence.PageValue] = {}
    for panel, time in panels.items():
        if panel not in page.PANELS:
            continue
        lines = page.curves(panel)
        mu, sigma = noise_level(time)
        problems = [Problem(x, mu, sigma) for x in (sample.best, sample.low, sample.high)]
        for rate in settings.rates:
            line = lines.get(page.curve_name(rate.rate))
            if line is None:
                continue
            values = [measures.piecewise_linear_excess(p, line.y, line.score) for p in problems]
            low = max(math.sqrt(max(min(values), 0.0)) - page.VERTEX_TOLERANCE, 0.0) ** 2
            high = (math.sqrt(max(*values, 0.0)) + page.VERTEX_TOLERANCE) ** 2
            found[panel, rate.rate] = evidence.PageValue(values[0], low, high)
    return found


def _points(
    job: _Job,
    measured: dict[str, Floats],
    printed: dict[tuple[str, Fraction], evidence.PageValue],
) -> list[Point]:
    found = []
    for k, rate in enumerate(job.rates):
        own = slice(k * job.runs, (k + 1) * job.runs)
        values = measured["excess"][own]
        line = printed.get((job.panel, rate.rate))
        whole = job.made[k] == rate.steps
        point = Point(
            panel=job.panel,
            time=job.time,
            rate=rate.rate,
            option=job.option,
            values=values,
            flat=flat_share(measured["flat"][own], values),
            steps=job.made[k],
            is_whole=whole,
            printed=line,
            verdict="no page value" if line is None else "not measured",
        )
        if line is not None and whole:
            point = replace(point, p=evidence.rank_p_value(line.low, line.high, values))
        found.append(point)
    return found


def _judge(points: Sequence[Point], rule: RankRule) -> tuple[list[Point], list[str]]:
    """Points with adjusted p-values and verdicts, and notes."""
    judged, notes = list(points), []
    tested = [k for k, p in enumerate(judged) if not math.isnan(p.p)]
    base = [k for k in tested if judged[k].option == BASE]
    for k, adjusted in zip(base, evidence.holm([judged[k].p for k in base]), strict=True):
        judged[k] = _decided(judged[k], float(adjusted), rule)
    options = list(dict.fromkeys(judged[k].option for k in tested if judged[k].option != BASE))
    # An option counts when all of its curves were made in full.
    whole = [o for o in options if all(p.is_whole for p in judged if p.option == o and p.printed)]
    combined = [
        evidence.combined_p_value([judged[k].p for k in tested if judged[k].option == option])
        for option in whole
    ]
    for option, adjusted in zip(whole, evidence.holm(combined), strict=True):
        for k in tested:
            if judged[k].option == option:
                judged[k] = _decided(judged[k], float(adjusted), rule)
    if base:
        runs = min(len(judged[k].values) for k in base)
        if 2 / (runs + 1) * len(base) > rule.level:
            notes.append(
                f"{runs} runs cannot tell: the rank's least p-value is 2/{runs + 1}, and Holm's "
                f"first step over {len(base)} curves asks for {rule.level / len(base):.2g}"
            )
    return judged, notes


def _decided(point: Point, adjusted: float, rule: RankRule) -> Point:
    verdict: evidence.Answer = "differs" if adjusted <= rule.level else "compatible"
    return replace(point, adjusted=adjusted, verdict=verdict)


def _curves(job: _Job, measured: dict[str, Floats]) -> list[Curves]:
    scores = measured["scores"].reshape(len(job.rates), job.runs, -1)
    found = []
    for rate, graphs in zip(job.rates, scores, strict=True):
        alive = graphs[np.isfinite(graphs).all(axis=1)]
        if not len(alive):
            alive = np.full((1, graphs.shape[1]), np.nan)
        low, median, high = np.quantile(alive, (0.025, 0.5, 0.975), axis=0)
        found.append(Curves(job.panel, rate.rate, graphs[0], median, low, high))
    return found


def _write(summary: Summary, out: Path, configuration: Document) -> tuple[Path, ...]:
    from dsmverify.experiments import plots

    stem = "quick_fig1" if summary.is_quick else "fig1"
    files = {
        f"{stem}.csv": csv_text(CURVE_COLUMNS, _curve_rows(summary)).encode(),
        f"{stem}_points.csv": csv_text(POINT_COLUMNS, _point_rows(summary)).encode(),
        f"{stem}.md": _markdown(summary, configuration).encode(),
    }
    for suffix, data in plots.vector(plots.figure1(summary)).items():
        files[f"{stem}.{suffix}"] = data
    for name, data in files.items():
        write_atomically(out / name, data)
    return tuple(out / name for name in files)


def _curve_rows(summary: Summary) -> list[tuple[str, ...]]:
    """s*, ours and the page's lines, all in one table."""
    rows: list[tuple[str, ...]] = []

    def add(panel: str, curve: str, y: Floats, score: Floats) -> None:
        rows.extend((panel, curve, f"{a:.6f}", f"{b:.6f}") for a, b in zip(y, score, strict=True))

    for panel, time in summary.panels.items():
        problem = Problem(summary.sample, *noise_level(time))
        add(panel, page.S_STAR, summary.grid, measures.score(problem, summary.grid)[:, 0])
        for c in summary.curves:
            if c.panel == panel:
                name = page.curve_name(c.rate)
                for part in ("one", "median", "low", "high"):
                    curve = name if part == "one" else f"{name} {part}"
                    add(panel, curve, summary.grid, getattr(c, part))
        if panel in page.PANELS and any(p.printed for p in summary.points if p.panel == panel):
            for name, line in page.curves(panel).items():
                add(panel, f"page {name}", line.y, line.score)
    return rows


def _point_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            p.panel,
            f"{float(p.time):g}",
            f"{float(p.rate):g}",
            p.option,
            str(len(p.values)),
            str(p.steps),
            str(int(np.isinf(p.values).sum())),
            decimal(p.median),
            *map(decimal, p.band),
            decimal(p.flat, 3),
            *(
                ("", "", "")
                if p.printed is None
                else map(decimal, (p.printed.value, p.printed.low, p.printed.high))
            ),
            decimal(p.p, 4),
            decimal(p.adjusted, 4),
            p.verdict,
        )
        for p in summary.points
    ]


def _markdown(summary: Summary, configuration: Document) -> str:
    """The report: base first, then options."""
    title = "# Figure 1" + (", quick version" if summary.is_quick else "")
    parts = [
        title,
        "",
        f"Configuration `{configuration.source}`, digest {configuration.digest}.",
        "",
    ]
    parts += [
        "Excess risk of each curve (d = 1, exact for ours; for the page's, that of the drawn line,",
        f"with the interval that points left out within {page.VERTEX_TOLERANCE:g} of a line, and",
        "training points all at one end of the intervals they are known in, leave to the run",
        "behind it). Ours: median and the range of the middle 95 % of runs. `flat side`: of the",
        f"runs that did not diverge, those whose score is constant on a side {REACH:g} sigma wide.",
        "`compatible` says that the page's curve is not more extreme among our runs than chance",
        "allows; it is not a proof that both did the same.",
        "",
        "## Base description",
        "",
    ]
    columns = (
        "panel", "rate", "steps", "runs", "ours", "middle 95 %", "flat side", "page", "interval",
        "rank p", "Holm p", "verdict",
    )  # fmt: skip
    parts.append(markdown_table(columns, [_cells(p) for p in summary.points if p.option == BASE]))
    options = list(dict.fromkeys(p.option for p in summary.points if p.option != BASE))
    if options:
        parts += [
            "## Options, one at a time",
            "",
            f"{len(options)} options were tried. The last two columns hold one answer for all",
            "curves of an option: their ranks combined (Fisher), Holm over the options.",
            "",
            markdown_table(
                ("option", *columns),
                [(p.option, *_cells(p)) for o in options for p in summary.points if p.option == o],
            ),
            "",
            *_ranking(summary, options),
        ]
    parts += [f"- {note}" for note in summary.notes]
    return "\n".join(parts).rstrip() + "\n"


def _cells(p: Point) -> tuple[str, ...]:
    value, interval = "", ""
    if p.printed is not None:
        value = decimal(p.printed.value, 3)
        interval = f"{decimal(p.printed.low, 3)} to {decimal(p.printed.high, 3)}"
    steps = f"{p.steps}" if p.is_whole else f"{p.steps} (cut)"
    diverged = int(np.isinf(p.values).sum())
    runs = f"{len(p.values)}" + (f", {diverged} diverged" if diverged else "")
    low, high = p.band
    flat = "" if math.isnan(p.flat) else f"{100 * p.flat:.0f} %"
    return (
        p.panel, f"{float(p.rate):g}", steps, runs, decimal(p.median, 3),
        f"{decimal(low, 3)} to {decimal(high, 3)}", flat, value, interval,
        decimal(p.p, 2), decimal(p.adjusted, 2), p.verdict,
    )  # fmt: skip


def _ranking(summary: Summary, options: Sequence[str]) -> list[str]:
    """Combined p-values of base and options: a description, not a test."""
    fits = []
    for option in (BASE, *options):
        own = [p.p for p in summary.points if p.option == option and not math.isnan(p.p)]
        if own:
            fits.append((evidence.combined_p_value(own), option))
    if not fits:
        return []
    fits.sort(key=lambda fit: -fit[0])
    words = "; ".join(f"{option} ({decimal(p, 2)})" for p, option in fits)
    return [
        f"Combined p-values, uncorrected, largest first: {words}. They tell what does not fit;",
        "among large ones the order means nothing.",
        "",
    ]

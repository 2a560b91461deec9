"""Figure 4: what is generated at one learning rate, as the dimension grows.

In every dimension networks are trained on samples of their own, points are generated with each, and
every metric compares them with what s* generates and with the fitted Gaussian (`clouds`). The page
draws two curves against d: the distance to the one and to the other, both over the distance between
the two. It concludes that growing d moves generation away from s* and towards the Gaussian.

| letter | here | meaning |
|---|---|---|
| D(., .) | `metric` | a distance of two sets; a statistic of one set and the sample |
| G | | a set generated with a network |
| S, S' | | sets generated with s*, independent |
| F, F' | | sets of the fitted Gaussian, independent |
| lambda | `critical_rate` | largest eigenvalue of the tangent kernel at the start |

**Ratio.** `D(G, S)/D(S, F)` and `D(G, F)/D(S, F)`: what the page draws.

**Position.** `(D(G, S) - D(S, S'))/(D(S, F) - D(S, S'))`: 0 for s*, 1 for the Gaussian; and
`(D(G, F) - D(F, F'))/(D(S, F) - D(F, F'))`: 0 for the Gaussian, 1 for s*. For a statistic, 0 at its
value on S and 1 on F. What depends on d by itself (how far two sets of one law are apart, how wide
a cluster is) is taken out; a ratio keeps it.

**Trend**, fixed before the full run: over the dimensions where the metric is informative, three
at least, the positions of the simulations (each the mean over its sets) are tested against "d
changes nothing" by the exact law of Kendall's statistic with ties in d (Jonckheere and Terpstra),
two-sided, with Holm's correction over all metrics, extremes and options. Samples, parameters and
noise of two simulations share nothing, so they are exchangeable under that hypothesis. A metric
that is not informative is never tested, whatever it shows.

**Power** is measured on the first simulation's sample in every dimension, trained or not, with sets
of the exact law of generation with s* (`diffusion.bridge`). So are the ratios' denominators, on
every simulation's sample. `s* by the integrator` among the controls shows what the integrator adds.

A third condition concerns distances to the Gaussian only: one that takes what score 0 generates for
the Gaussian is uninformative there (`figure4_grounds`, the decoy).

**Controls** go through the same pipeline and have known answers: s* is at 0 from itself, the
Gaussian from itself. The Gaussian's own score does not arrive there: generation starts from
N(0, I), and not from the Gaussian with noise, from which it is far in many dimensions.

What the page leaves open, and what is taken here: ten points, a batch of 5 000 and a loss averaged
over coordinates, as in figure 3. Summed over them, as the squared norm is printed, it diverges from
d = 10 on; that is an option. A run that diverged has no value, and nothing is put in its place; a
dimension where some runs did is tested for no trend. `critical rate` predicts which runs diverge:
gradient descent leaves the start when the rate exceeds 1/lambda.

**What a trend cannot tell.** A network that has learnt nothing is far from s* too, in every d, and
an averaged loss is a rate that falls like 1/d at as many steps. So "away from s*" may be what
growing d does, or what less training does. `loss` stands between the least of any prediction and
the fitted Gaussian's, which says how much was learnt.

Source: figure 4, p. 12; appendix D, pp. 36-37.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Networks
from dsmverify.evidence import holm
from dsmverify.experiments import clouds, figure4_population
from dsmverify.experiments.clouds import Row, Versus
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.figure4_grounds import (
    DECOY,
    GAUSSIAN_SCORE,
    Ground,
    cluster_kernel,
    grounds,
    sharpness,
)
from dsmverify.experiments.figure4_settings import Figure4
from dsmverify.experiments.groups import BASE, Group, Progress, csv_text, decimal, results
from dsmverify.experiments.ordered_trends import ordered_trend
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Band

Floats = NDArray[np.float64]
Answer = Literal["as the page says", "the opposite", "no trend shown"]

COLUMNS = clouds.columns("dimension")
"""Of `fig4_mmd.csv`, the base's rows."""
OPTION_COLUMNS = ("option", "state", "steps", "share_of_steps", *COLUMNS)
"""Of `fig4_options.csv`, every other option's rows."""
RATIO_COLUMNS = (
    "dimension", "metric", "bandwidth", "versus", "ratio", "low", "high", "position", "informative",
    "option", "state",
)  # fmt: skip
POWER_COLUMNS = (
    "dimension", "trained", *clouds.POWER_COLUMNS, "place_of_score_0", "place_of_gaussian_score",
    "fooled",
)  # fmt: skip
CONTROL_COLUMNS = ("dimension", "control", "metric", "bandwidth", "versus", "value", "ratio")
SAMPLE_COLUMNS = (
    "dimension", "simulation", "minimum_spacing", "rank_of_fitted_covariance",
    "training_points_generated", "loss_best", "loss_gaussian", "cluster_kernel",
    "normaliser_unbiased", "normaliser_biased",
)  # fmt: skip
TREND_COLUMNS = (
    "option", "metric", "bandwidth", "versus", "dimensions", "simulations", "tau", "p", "adjusted",
    "page_sign", "answer",
)  # fmt: skip

TRAINED = "trained"
NOT_TRAINED = "not trained"
DIVERGED = "diverged"
LEAST_DIMENSIONS = 3
"""Dimensions behind a trend: between two of them any curve is straight."""
FOOLED = "it takes what score 0 generates, a network that has learnt nothing, for the Gaussian"
SHOWN_POINTS = 300
"""Points of a set that are kept for the pictures."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One option in one dimension.

    Attributes:
        dimension: d.
        option: what was changed; "base" for nothing.
        state: `trained`, `not trained`, `diverged`, or how many diverged.
        rate: as a rate of the loss summed over coordinates: eta/d for their mean.
        steps: SGD steps made; 0 where nothing was trained.
        diverged: `[simulations]`, step at which each diverged; -1 for none.
        losses: `[simulations]`, mean of `|r - Z|^2/d` on fresh draws after training.
        rows: one for each metric and extreme.
        clouds: first two coordinates of points of each simulation's first set, where they are kept.
        critical: 1/lambda at the start of the first simulation: above it divergence is predicted.
    """

    dimension: int
    option: str
    state: str
    rate: float
    steps: int
    diverged: tuple[int, ...]
    losses: tuple[float, ...]
    rows: tuple[Row, ...]
    clouds: tuple[Floats, ...]
    critical: float


@dataclass(frozen=True)
class Ratio:
    """A row over the distance of the extremes.

    Attributes:
        entry: the option and dimension.
        row: the values.
        ratio: mean over sets, least and largest of the page's ratio; NaN for a statistic.
        positions: `[simulations]`, see the module.
    """

    entry: Entry
    row: Row
    ratio: Band
    positions: Floats


@dataclass(frozen=True)
class Trend:
    """Whether positions move with the dimension, by one informative metric.

    Attributes:
        option: of which networks.
        metric: what is measured.
        versus: what with.
        dimensions: where the metric is informative and something was trained.
        simulations: positions in all.
        tau: Kendall's, over pairs of different dimensions.
        p: two-sided.
        adjusted: Holm's, over all trends.
        page_sign: of the trend that the page's conclusion says.
        answer: at the level.
    """

    option: str
    metric: Metric
    versus: Versus
    dimensions: tuple[int, ...]
    simulations: int
    tau: float
    p: float
    adjusted: float = math.nan
    page_sign: int = 1
    answer: Answer = "no trend shown"


@dataclass(frozen=True)
class Summary:
    """What figure 4 came to.

    Attributes:
        settings: the configuration as run.
        grounds: every dimension.
        entries: every option in every dimension, trained or not.
        ratios: of the entries' rows.
        trends: of informative metrics.
        files: what was written.
        is_quick: whether steps were cut.
        exit_status: 0; runs are no evidence against a claim here.
    """

    settings: Figure4
    grounds: tuple[Ground, ...]
    entries: tuple[Entry, ...]
    ratios: tuple[Ratio, ...]
    trends: tuple[Trend, ...]
    files: tuple[Path, ...]
    is_quick: bool
    exit_status: int = 0

    def lines(self) -> list[str]:
        """For the terminal."""
        found = [
            f"d {e.dimension:<5} {e.option}: {e.state}"
            + (f", {e.steps} steps" if e.state != NOT_TRAINED else "")
            for e in self.entries
        ]
        found += [
            f"{t.option}, {t.metric.label} against {t.versus}: tau {decimal(t.tau, 3)}, "
            f"p {decimal(t.adjusted, 2)}: {t.answer}"
            for t in self.trends
        ]
        return [*found, *(f"wrote {file}" for file in self.files)]


def run(
    configuration: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Summary:
    """Measure powers, train, generate, compare, and write tables and drawings.

    Args:
        configuration: of the kind `figure4`.
        out: folder of the results; `fig4*.csv`, `fig4.md`, `fig4_mmd.svg`, `fig4_clouds.svg` and
            the same as PDF.
        quick: fewer dimensions are trained, with fewer steps; files are called `quick_fig4...`.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told network steps.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library or matplotlib is not installed.
    """
    settings = build(Figure4, configuration.table, configuration.source)
    trained, cap = settings.dimensions, settings.rate.steps
    if quick:
        trained, cap = settings.quick.dimensions, min(cap, settings.quick.steps)
        settings = settings.made_quick()
    found_before = grounds(settings, trained, out, threads)
    jobs = _jobs(settings, configuration.source, trained, cap, threads)
    found = results(
        [job.group for job in jobs], out=out, threads=threads, device=device, progress=progress
    )
    by_dimension = {ground.dimension: ground for ground in found_before}
    entries = [
        _entry(job, measured, settings, by_dimension[job.dimension])
        for job, measured in zip(jobs, found, strict=True)
    ]
    entries += [
        _untrained(by_dimension[d], settings) for d in settings.dimensions if d not in trained
    ]
    ratios = [r for e in entries for r in _ratios(e, by_dimension[e.dimension])]
    trends = judge(ratios, settings.level)
    summary = Summary(
        settings, tuple(found_before), tuple(entries), tuple(ratios), tuple(trends), (), quick
    )
    return replace(summary, files=_write(summary, out, configuration))


# ---- training -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    """One option in one dimension."""

    dimension: int
    option: str
    divisor: int
    steps: int
    group: Group[ConditionedEnsemble]


def _jobs(
    settings: Figure4, where: str, trained: Sequence[int], cap: int, threads: int | None
) -> list[_Job]:
    shown = _shown(settings.shown, trained)
    jobs = []
    for d in settings.dimensions:
        if d not in trained:
            continue
        for option in (None, *(o for o in settings.options if d in o.dimensions)):
            model, batch, name, steps = settings.model, settings.batch, BASE, cap
            simulations, divisor = settings.simulations, settings.divisor(d)
            if option is not None:
                model, batch = option.applied(model, batch, where)
                name, steps = option.name, option.capped(cap)
                divisor = option.rate_divisor(d)
                simulations = min(simulations, option.simulations or simulations)
            whole = clouds.Measurement(
                settings.generation, settings.metrics, SHOWN_POINTS if d in shown else 0, threads
            )
            rate = float(settings.rate.rate / divisor)
            ensemble = settings.ensemble(model, batch, d, [rate] * simulations, steps)
            group = Group(
                f"figure4-d{d}-{name}".replace(" ", "_"),
                ensemble,
                _Measurement(whole),
                f"figure4/{whole.text}",
            )
            jobs.append(_Job(d, name, divisor, steps, group))
    return jobs


def _shown(wanted: Sequence[int], trained: Sequence[int]) -> tuple[int, ...]:
    """Dimensions of the pictures: the largest trained one for one that is not."""
    found = (d if d in trained else max(trained) for d in wanted if trained)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class _Measurement:
    """All metrics of what each network generates, its loss, and when it diverged."""

    whole: clouds.Measurement

    def __call__(self, ensemble: ConditionedEnsemble, networks: Networks) -> dict[str, Floats]:
        found = self.whole(ensemble, networks)
        d = ensemble.model.dimension
        for e in range(ensemble.count):
            name = clouds.cloud_key(e)
            if name in found:
                found[name] = found[name].reshape(-1, d)[:, :2].ravel()
        found["diverged"] = networks.diverged.astype(np.float64)
        found["critical"] = np.array([1 / sharpness(ensemble)])
        found["loss"] = np.array(
            [_loss(ensemble, networks, e) for e in range(ensemble.count)], dtype=np.float64
        )
        return found


def _loss(ensemble: ConditionedEnsemble, networks: Networks, e: int) -> float:
    """Mean of `|r - Z|^2/d` over the batch after the last; NaN for a network that diverged."""
    if networks.diverged[e] >= 0:
        return math.nan
    inputs, noise = ensemble.examples(e, int(ensemble.steps[e]))
    inner, outer, bias = (
        getattr(networks, name)[e].astype(np.float64) for name in ("inner", "outer", "bias")
    )
    outputs = ensemble.model.output_scale * np.maximum(inputs @ inner.T + bias, 0) @ outer
    return float(((outputs + networks.offset[e] + noise) ** 2).mean())


def _entry(job: _Job, measured: Mapping[str, Floats], settings: Figure4, ground: Ground) -> Entry:
    diverged = tuple(int(step) for step in measured["diverged"])
    count = len(diverged)
    failed = sum(step >= 0 for step in diverged)
    state = TRAINED if not failed else DIVERGED
    if 0 < failed < count:
        state = f"{failed} of {count} diverged"
    kept = tuple(
        measured[name].reshape(-1, 2)
        for e in range(count)
        if (name := clouds.cloud_key(e)) in measured
    )
    rate = float(settings.rate.rate) / job.divisor
    rows = _judged_rows(ground, measured, count, state)
    return Entry(
        job.dimension,
        job.option,
        state,
        rate,
        job.steps,
        diverged,
        tuple(float(x) for x in measured["loss"]),
        tuple(rows),
        kept,
        float(measured["critical"][0]),
    )


def _judged_rows(
    ground: Ground, measured: Mapping[str, Floats] | None, count: int, state: str
) -> list[Row]:
    """Rows of a dimension; a distance to the Gaussian that score 0 deceives is uninformative."""
    rows = clouds.rows_of(str(ground.dimension), measured, count, ground.powers, note=state)
    return [
        replace(row, power=replace(row.power, informative=False, reason=FOOLED))
        if row.versus == "gaussian" and ground.is_fooled(row.metric)
        else row
        for row in rows
    ]


def _untrained(ground: Ground, settings: Figure4) -> Entry:
    rows = _judged_rows(ground, None, 0, NOT_TRAINED)
    rate = float(settings.rate.rate) / settings.divisor(ground.dimension)
    return Entry(
        ground.dimension, BASE, NOT_TRAINED, rate, 0, (), (), tuple(rows), (), ground.critical
    )


# ---- what follows -------------------------------------------------------------------------------


def _ratios(entry: Entry, ground: Ground) -> list[Ratio]:
    found = []
    for row in entry.rows:
        if not row.is_trained:
            nothing = Band(math.nan, math.nan, math.nan)
            found.append(Ratio(entry, row, nothing, np.empty(0)))
            continue
        scales = [sample.scales[row.metric.label] for sample in ground.samples]
        scales = scales[: len(row.values)]
        extremes = np.array([one["extreme"] for one in scales])
        case = "null_gaussian" if row.versus == "gaussian" else "null"
        nulls = np.array([one[case] for one in scales])
        means = row.values.mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            positions = (means - nulls) / (extremes - nulls)
            shares = row.values / extremes[:, None]
        band = Band(math.nan, math.nan, math.nan)
        kept = shares[np.isfinite(shares)]
        if row.metric.kind == "distance" and kept.size:
            band = Band(float(kept.mean()), float(kept.min()), float(kept.max()))
        found.append(Ratio(entry, row, band, positions))
    return found


def judge(ratios: Sequence[Ratio], level: float) -> list[Trend]:
    """Trends of every informative metric, with Holm's correction over all of them.

    Args:
        ratios: all rows.
        level: two-sided, of all together.
    """
    groups: dict[tuple[str, str, Versus], list[Ratio]] = {}
    for one in ratios:
        # Networks that survived where others diverged are no sample of all networks.
        is_whole = one.entry.state == TRAINED and np.isfinite(one.positions).any()
        if one.row.is_informative and is_whole:
            key = (one.entry.option, one.row.metric.label, one.row.versus)
            groups.setdefault(key, []).append(one)
    trends = []
    for (option, _, versus), found in groups.items():
        own = sorted(found, key=lambda one: one.entry.dimension)
        samples = [one.positions[np.isfinite(one.positions)] for one in own]
        if len(own) < LEAST_DIMENSIONS:
            continue
        tau, p = ordered_trend(samples)
        trends.append(
            Trend(
                option,
                own[0].row.metric,
                versus,
                tuple(one.entry.dimension for one in own),
                sum(map(len, samples)),
                tau,
                p,
                page_sign=-1 if versus == "gaussian" else 1,
            )
        )
    adjusted = holm([trend.p for trend in trends]) if trends else ()
    judged = []
    for trend, p in zip(trends, adjusted, strict=True):
        answer: Answer = "no trend shown"
        if p <= level:
            answer = "as the page says" if trend.tau * trend.page_sign > 0 else "the opposite"
        judged.append(replace(trend, adjusted=float(p), answer=answer))
    return judged


def _write(summary: Summary, out: Path, configuration: Document) -> tuple[Path, ...]:
    from dsmverify.experiments import figure4_plots, figure4_report, plots

    stem = "quick_fig4" if summary.is_quick else "fig4"
    tables = {
        "_mmd": (COLUMNS, [_cells(e, row) for e in _of_base(summary) for row in e.rows]),
        "_options": (OPTION_COLUMNS, _option_rows(summary)),
        "_normalised": (RATIO_COLUMNS, _ratio_rows(summary)),
        "_power": (POWER_COLUMNS, _power_rows(summary)),
        "_population": (
            figure4_population.COLUMNS,
            [ground.population.cells() for ground in summary.grounds],
        ),
        "_controls": (CONTROL_COLUMNS, _control_rows(summary)),
        "_samples": (SAMPLE_COLUMNS, _sample_rows(summary)),
        "_trends": (TREND_COLUMNS, _trend_rows(summary)),
    }
    files = {f"{stem}{name}.csv": csv_text(*table).encode() for name, table in tables.items()}
    files[f"{stem}.md"] = figure4_report.markdown(summary, configuration).encode()
    drawings = {f"{stem}_mmd": figure4_plots.curves(summary)}
    if any(entry.clouds for entry in summary.entries):
        drawings[f"{stem}_clouds"] = figure4_plots.pictures(summary)
    for name, drawing in drawings.items():
        for suffix, data in plots.vector(drawing).items():
            files[f"{name}.{suffix}"] = data
    for name, data in files.items():
        write_atomically(out / name, data)
    return tuple(out / name for name in files)


def _of_base(summary: Summary) -> list[Entry]:
    return sorted((e for e in summary.entries if e.option == BASE), key=lambda e: e.dimension)


def _cells(entry: Entry, row: Row) -> tuple[str, ...]:
    """A row in the order of `COLUMNS`; the state in the place of a value that does not exist.

    Where some networks diverged the others have no value either: they are no sample of all.
    """
    found = dict(zip(COLUMNS, clouds.cells(row), strict=True))
    if entry.state != TRAINED:
        found |= {"value": entry.state, "low": "", "high": ""}
    return tuple(found.values())


def _option_rows(summary: Summary) -> list[tuple[str, ...]]:
    whole = summary.settings.rate.steps
    return [
        (e.option, e.state, str(e.steps), decimal(e.steps / whole if whole else 1.0), *_cells(e, r))
        for e in summary.entries
        if e.option != BASE
        for r in e.rows
    ]


def _ratio_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            str(one.entry.dimension),
            one.row.metric.name,
            one.row.metric.bandwidth,
            one.row.versus,
            *map(decimal, (one.ratio.value, one.ratio.low, one.ratio.high)),
            decimal(mean_position(one)),
            clouds.yes(one.row.is_informative),
            one.entry.option,
            one.entry.state,
        )
        for one in summary.ratios
    ]


def mean_position(one: Ratio) -> float:
    """Mean over simulations that have a position; NaN without any."""
    kept = one.positions[np.isfinite(one.positions)]
    return float(kept.mean()) if kept.size else math.nan


def _power_rows(summary: Summary) -> list[tuple[str, ...]]:
    trained = {e.dimension for e in summary.entries if e.state != NOT_TRAINED}
    return [
        (
            str(ground.dimension),
            TRAINED if ground.dimension in trained else NOT_TRAINED,
            *clouds.power_cells(power),
            *(decimal(ground.place(name, power.metric)) for name in (DECOY, GAUSSIAN_SCORE)),
            clouds.yes(ground.is_fooled(power.metric)),
        )
        for ground in summary.grounds
        for power in ground.powers
    ]


def _control_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            str(one.dimension),
            one.name,
            one.metric.name,
            one.metric.bandwidth,
            one.versus,
            decimal(one.value),
            decimal(one.ratio),
        )
        for ground in summary.grounds
        for one in ground.controls
    ]


def _sample_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            str(one.dimension),
            str(one.simulation),
            decimal(one.spacing),
            str(one.rank),
            *map(decimal, (one.effective, one.loss_best, one.loss_gaussian)),
            decimal(cluster_kernel(one.dimension, summary.settings.generation)),
            *(
                decimal(one.scales.get(f"{name} (1)", {}).get("extreme", math.nan), 8)
                for name in ("mmd2_unbiased", "mmd2_biased")
            ),
        )
        for ground in summary.grounds
        for one in ground.samples
    ]


def _trend_rows(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            t.option,
            t.metric.name,
            t.metric.bandwidth,
            t.versus,
            ";".join(map(str, t.dimensions)),
            str(t.simulations),
            *map(decimal, (t.tau, t.p, t.adjusted)),
            f"{t.page_sign:+d}",
            t.answer,
        )
        for t in summary.trends
    ]

"""Tables and words of the experiment on critical rates: from measured runs to CSV and Markdown.

| letter | here | meaning |
|---|---|---|
| q | `units` | rate in units of sigma^4 |
| c | `level` | excess risk in units of d/sigma^2 |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import translation
from dsmverify.ensembles.settings import Problem
from dsmverify.experiments.critical import (
    FACTORS,
    LOW,
    MODELS,
    POOLED,
    SIDES,
    Critical,
    Parametrisation,
    Result,
    Rule,
    Series,
    Setting,
    jobs_of,
    least_distance,
    settings_of,
)
from dsmverify.experiments.groups import csv_text, decimal, gaussian_points, markdown_table, seed_of
from dsmverify.experiments.scaling import (
    Collapse,
    Crossing,
    Curve,
    Fit,
    collapse,
    crossings,
    exponents,
    fit,
    median_levels,
)
from dsmverify.experiments.silence import REACH

Floats = NDArray[np.float64]

RATE_COLUMNS = (
    "sample", "dimension", "sigma", "learning_rate", "seed", "risk", "excess_risk", "dead_side",
)  # fmt: skip
RUN_COLUMNS = (
    "sample", "parametrisation", "dimension", "sigma", "width", "time", "learning_rate",
    "rate_over_sigma4", "rate_over_theorem_threshold", "steps", "seed", "risk", "excess_risk",
    "excess_risk_error", "zero_excess_risk", "diverged", "dead_left", "dead_inside", "dead_right",
    "unbent_left", "unbent_inside", "unbent_right", "share_left", "share_inside", "share_right",
    "sharpness", "sharpness_over_edge", "mean_squared_inner_weight", "floor_flat", "floor_stable",
)  # fmt: skip

PREDICTED: dict[str, dict[str, float]] = {
    "theorem": {"sigma": 2.0, "n": -2.0, "Delta": -1.0, "d": 0.0},
    "translation": {"sigma": 4.0, "n": 0.0, "Delta": 0.0, "d": -1.0},
}
"""Powers of the two answers. The theorem is about d = 1, says nothing of d; 1/mu is left out."""

SCALES: dict[str, str] = {
    "none": "rate as it is",
    "theorem": "sigma^2/(n^2 Delta)",
    "translation": "sigma^4",
    "translation_by_dimension": "sigma^4/d",
    "slope": "1/E norm(D s*)^2",
}
"""Scales that are compared, as they are written in tables."""

PAGE_SIZE = 20
"""Source: section 7 and appendix D: n of figures 1 and 2; rates and times: `translation`."""

PAGE_SAMPLES = 1000
"""Samples from N(0, 1) whose median least gap stands for the page's."""

SLOPE_SAMPLES, SLOPE_DRAWS = 30, 100
"""Samples from N(0, I_d) whose median slope of s* stands for the page's, and draws for each point
of them in d > 1: an error of a percent or two, while samples differ by ten and more."""

POST_HOC = ", post hoc"
"""Ends the names of fits and sets that are without settings that do not start low."""


@dataclass(frozen=True)
class Report:
    """Contents of the files, and lines for the terminal."""

    rates: str
    runs: str
    text: str
    lines: tuple[str, ...]


def report(
    critical: Critical, ended: Mapping[Setting, Result], work: str, *, quick: bool
) -> Report:
    """Everything that is written about the runs.

    Args:
        critical: the configuration, reduced if quick.
        ended: results by setting.
        work: what was trained, in words.
        quick: whether this is the quick version.
    """
    fits = all_fits(critical, ended)
    collapses = all_collapses(critical, ended)
    words = [
        *power_words(fits),
        *collapse_words(collapses),
        *mechanism_words(critical, ended),
        *floor_words(critical, ended),
        *control_words(critical, ended),
        *page_words(critical),
    ]
    kind = (
        "This is the **quick** version: fewer seeds, rates, levels and shorter runs. "
        if quick
        else ""
    )
    rules = "; ".join(
        f"*{rule.name}*, {rule.level} of "
        + ("d/sigma^2" if rule.unit == "noise" else "the zero score's excess risk")
        for rule in critical.rules
    )
    text = f"""# Which learning rate is critical?

{kind}{work}. Evidence from training runs; nothing here is a verdict.

At each setting {critical.seeds} seeds and {len(critical.rates)} rates from \
{critical.rates[0]} to {critical.rates[-1]} times sigma^4, eta x steps = {critical.time} (at least \
{critical.minimum_steps} steps), width {critical.width}, batch {critical.batch.size} \
({critical.batch.reduction}), mu = sqrt(1 - sigma^2), sigma = {critical.sigma} where it is not \
varied. Networks: *experiments*, Gaussian inner weights, all parameters trained; *frozen*, the \
same with inner weights as drawn; *theory*, inner weights +-1, frozen (`signs` in names of samples).

Rules, fixed before the runs, the first is the main one: {rules}. The critical rate is where the \
median over seeds crosses the level for good, interpolated in log rate and log level; a diverged \
run is above. `never` is below at every rate; `always` is above at every rate, not trained long \
enough or with a critical rate below the grid. Both are censored: in no fit. Intervals are 95%, of \
a bootstrap over seeds ({critical.resamples} resamples, seed {critical.resampling_seed}); they \
cover the seeds only, given samples, grid, rule and form of the law, and are taken one at a time.

## Conclusion

{"".join(f"- {word}{chr(10)}" for word in words)}
## Critical rates

*Start / level* is the median excess risk at the smallest rate over the level of the main rule. \
Where it is not small, training was too short or the rise begins below the grid, and the critical \
rate comes out too low, or as `always`. What is named *post hoc* below leaves out the settings \
where it is above {decimal(LOW, 2)} (by the rule in question): a choice made after first runs were \
seen.

{rates_table(critical, ended)}
## Powers

log(critical rate) = a + sum of powers times log(factor), a by series. *All* pools the series in \
which one factor alone varies (not normal points of growing d: their Delta grows too); a setting \
that occurs in several series counts in each, and its seeds are drawn once for all. `slope of s*` \
is the same regression on the rate above which s* itself is not stable, `1/E norm(D s*)^2`. \
*Residual* stands beside the residual that chance of the seeds would leave. Where it is more than \
twice as large the curves follow no power law to within that chance; the intervals take the law as \
given, and *inside* and *outside* then decide nothing. With as many parameters as curves there is \
no residual, and no test.

{powers_table(fits)}
## Which scale collapses the curves

Standard deviation over settings of log10(critical rate / scale), main rule, base width and time: \
as found, so chance of the seeds is in it and keeps the spread of a perfect scale above 0. The \
bootstrap adds this chance once more; that part is taken off its intervals. In d > 1, Delta is the \
least distance of two points.

{collapse_table(collapses)}
## Where the risk is, and dead sides (d = 1)

An end is *dead* when no neuron that bends the score is active between the outermost mean and \
{REACH:g} sigma beyond it, the inside when none is between the outermost means: there the score \
is constant. `dead_side` names dead ends; it is not defined for d > 1 and left empty there. Levels \
are excess risks times sigma^2, finite runs only; shares are of the sum of all excess risks at \
that rate. All settings are in the table, those that do not start low too.

{mechanism_table(critical, ended)}
## Edge of stability, and the translation bound's floors

`m eta lambda_max / 2` at the end of the run is 1 where eq. 8 holds with equality (finite runs in \
d = 1 whose sharpness is not 0). A run *below the flatness floor* has less risk than any end point \
that meets eq. 8 can have, one *below the stability floor* less than any linearly stable end \
point; eq. 8 does not follow from stability, so the first says nothing about stability. Floors \
are those of the end point's own inner weights: flatness is `shift2`/`shift5` (`shift4` at its \
rate), linear stability `shift7` (d = 1 only). *Mean squared inner weight* is the sum over m in \
d = 1 (w, or `Translation.length`); in d > 1 it is taken along the direction in which it is least.

{edge_table(critical, ended)}
## What the page's rates are, and what is forced at them

Rates of figures 1 and 2 beside the critical rates on paper: 2 sigma^4/d (`shift4`, `shift5`), 4 \
sigma^4/d (`shift7`), the rate above which s* itself is not linearly stable (*slope rate*, median \
of {SLOPE_SAMPLES} samples from N(0, I_d)), and `thm08`'s threshold 2^12 sigma^2/(mu n^2 Delta) \
(d = 1, n = {PAGE_SIZE}, Delta = {decimal(page_spacing(critical.seed), 3)}, the median least gap \
of {PAGE_SAMPLES} samples from N(0, 1)).

Risks are in units of d/sigma^2, that of the score 0. *Forced* is the least R_n, at inner weights \
as drawn (w = 1), of an end point that meets eq. 8, or that is linearly stable; that is a risk, \
not an excess risk, and adds nothing where R_n(s*) is larger. *Forced excess* is the bound on the \
excess risk of linearly stable end points that the steepness of s* gives (median of the same \
samples; an argument in `translation`, no claim of the referee). *Runs* are median R_n and median \
excess risk of the normal sample of the same d and the nearest sigma, which is named, at the \
nearest rate/sigma^4 of the grid, a factor sqrt 2 away at most; beyond the grid the cell is empty. \
With inner weights frozen or +-1, w stays 1 (nearly, where frozen); trained ones change it, and \
with it what is forced.

{page_table(critical, ended)}"""
    return Report(
        csv_text(RATE_COLUMNS, list(rate_rows(critical, ended))),
        csv_text(RUN_COLUMNS, list(run_rows(critical, ended))),
        text,
        (work, *(word.replace("**", "").replace("`", "") for word in words)),
    )


# Rows of the CSV files.


def sample_name(critical: Critical, setting: Setting) -> str:
    """Name of sample and networks, with width and time where they are not the base's."""
    name = setting.sample
    if setting.width != critical.width:
        name += f" width={setting.width}"
    if setting.time != critical.time:
        name += f" time={setting.time}"
    return name


def dead_side(result: Result, k: int, j: int) -> str:
    """Dead ends of run j at rate k: none, left, right or both; empty where not defined."""
    left, right = (result.data[f"dead_{side}"][k, j] for side in ("left", "right"))
    if math.isnan(left) or math.isnan(right):
        return ""
    return ("none", "left", "right", "both")[int(left) + 2 * int(right)]


def _cells(
    critical: Critical, ended: Mapping[Setting, Result]
) -> Iterable[tuple[Result, int, int]]:
    for setting in jobs_of(critical):
        result = ended[setting]
        for k in range(len(result.rates)):
            for j in range(len(result.seeds)):
                yield result, k, j


def rate_rows(critical: Critical, ended: Mapping[Setting, Result]) -> Iterable[tuple[str, ...]]:
    """Rows of `critical_rate.csv`."""
    for result, k, j in _cells(critical, ended):
        yield (
            sample_name(critical, result.setting),
            str(result.setting.dimension),
            decimal(float(result.setting.sigma)),
            decimal(float(result.rates[k])),
            str(result.seeds[j]),
            decimal(float(result.data["risk"][k, j])),
            decimal(float(result.data["excess"][k, j])),
            dead_side(result, k, j),
        )


def run_rows(critical: Critical, ended: Mapping[Setting, Result]) -> Iterable[tuple[str, ...]]:
    """Rows of `critical_runs.csv`."""
    for result, k, j in _cells(critical, ended):
        setting, data, rate = result.setting, result.data, float(result.rates[k])

        def flag(name: str, data: Mapping[str, Floats] = data, k: int = k, j: int = j) -> str:
            value = data[name][k, j]
            return "" if math.isnan(value) else str(int(value))

        excess, square = float(data["excess"][k, j]), float(data["square"][k, j])
        sharpness = float(data["sharpness"][k, j])
        floors = translation.risk_floors(rate, float(setting.sigma), length=_length(square))
        yield (
            setting.sample,
            setting.parametrisation,
            str(setting.dimension),
            decimal(float(setting.sigma)),
            str(setting.width),
            decimal(float(setting.time)),
            decimal(rate),
            decimal(float(result.units[k])),
            decimal(rate / result.theorem_threshold) if setting.dimension == 1 else "",
            str(result.steps[k]),
            str(result.seeds[j]),
            decimal(float(data["risk"][k, j])),
            decimal(excess),
            decimal(float(data["error"][k, j])),
            decimal(float(data["zero_excess"][k, j])),
            str(int(not math.isfinite(excess))),
            *(flag(f"dead_{side}") for side in SIDES),
            *(flag(f"unbent_{side}") for side in SIDES),
            *(decimal(float(data[f"excess_{side}"][k, j]) / excess, 4) for side in SIDES),
            decimal(sharpness),
            decimal(setting.width * rate * sharpness / 2),
            decimal(square),
            decimal(floors.flat),
            decimal(floors.stable) if setting.dimension == 1 else "",
        )


# Critical rates.


def _curves(
    critical: Critical, ended: Mapping[Setting, Result], series: Series, rule: Rule
) -> list[tuple[Result, Curve]]:
    found = []
    for setting in settings_of(critical, series):
        result = ended[setting]
        found.append((result, result.curve(rule, f"{series.name}; {setting.parametrisation}")))
    return found


def _spelled(crossing: Crossing, unit: float) -> str:
    if crossing.rate is None:
        return crossing.status
    ends = (crossing.low / unit, crossing.high / unit)
    return f"{decimal(crossing.rate / unit, 3)} [{decimal(ends[0], 3)}, {decimal(ends[1], 3)}]"


def rates_table(critical: Critical, ended: Mapping[Setting, Result]) -> str:
    """Critical rate at every setting, by every rule, in the answers' units."""
    settings = jobs_of(critical)
    by_rule = [
        crossings(
            [ended[s].curve(rule, s.name) for s in settings],
            critical.resamples,
            critical.resampling_seed,
        )
        for rule in critical.rules
    ]
    rows = []
    for place, setting in enumerate(settings):
        result, unit = ended[setting], float(setting.sigma) ** 4
        main = by_rule[0][place]

        def over(scale: float, rate: float | None = main.rate) -> str:
            return "" if rate is None else decimal(rate / scale, 3)

        rows.append(
            [
                sample_name(critical, setting),
                str(setting.dimension),
                decimal(float(setting.sigma), 3),
                *(_spelled(found[place], unit) for found in by_rule),
                decimal(result.start(critical.rules[0]), 2),
                over(result.scales["translation_by_dimension"]),
                over(result.scales["slope"]),
                over(result.theorem_threshold) if setting.dimension == 1 else "",
                str(main.reentries) if main.rate is not None else "",
            ]
        )
    columns = [
        "sample", "d", "sigma",
        *(f"critical rate/sigma^4, {rule.name}" for rule in critical.rules),
        "start / level", "x d", "/ slope rate of s*", "/ thm08's threshold", "lower rates above",
    ]  # fmt: skip
    return markdown_table(columns, rows)


# Powers.


@dataclass(frozen=True)
class NamedFit:
    """A fit of one parametrisation, rule and set of series; and what `slope` predicts for it."""

    parametrisation: Parametrisation
    rule: str
    is_main: bool
    series: str
    fit: Fit
    slope: Mapping[str, float]


def all_fits(critical: Critical, ended: Mapping[Setting, Result]) -> list[NamedFit]:
    """Fits of all series together and of each by itself, for each parametrisation and rule."""
    swept = [series for series in critical.series if series.factor in FACTORS]
    found = []
    for parametrisation in MODELS:
        for rule in critical.rules:
            by_series = {
                series.name: [
                    pair
                    for pair in _curves(critical, ended, series, rule)
                    if pair[0].setting.parametrisation == parametrisation
                ]
                for series in swept
            }
            pooled = [pair for pairs in by_series.values() if _varies_one(pairs) for pair in pairs]
            jobs = [(POOLED, FACTORS, pooled)]
            jobs += [(s.name, (s.factor,), by_series[s.name]) for s in swept]
            for name, factors, pairs in jobs:
                low = [pair for pair in pairs if pair[0].starts_low(rule)]
                chosen = {name: pairs, name + POST_HOC: low if len(low) < len(pairs) else []}
                found += [
                    NamedFit(
                        parametrisation,
                        rule.name,
                        rule is critical.rules[0],
                        label,
                        *_fitted(critical, factors, ones),
                    )
                    for label, ones in chosen.items()
                    if ones
                ]
    return found


def _varies_one(pairs: Sequence[tuple[Result, Curve]]) -> bool:
    """Whether one factor alone varies: normal points of growing d have a growing Delta too."""
    varied = [len({result.factors[name] for result, _ in pairs}) > 1 for name in FACTORS]
    return sum(varied) == 1


def _fitted(
    critical: Critical, factors: Sequence[str], pairs: Sequence[tuple[Result, Curve]]
) -> tuple[Fit, Mapping[str, float]]:
    curves = [curve for _, curve in pairs]
    found = fit(curves, factors, critical.resamples, critical.resampling_seed)
    # The prediction is regressed on the very settings that the fit used.
    used = crossings(curves, 1, critical.resampling_seed)
    slopes = np.array(
        [
            math.log10(result.scales["slope"]) if crossing.rate is not None else math.nan
            for (result, _), crossing in zip(pairs, used, strict=True)
        ]
    )
    return found, exponents(curves, slopes, factors)[0]


def powers_table(fits: Sequence[NamedFit]) -> str:
    """Fitted powers beside the predicted ones."""
    rows = []
    for one in fits:
        for power in one.fit.powers:
            cells = []
            for answer in PREDICTED.values():
                value = answer[power.name]
                where = "inside" if power.contains(value) else "outside"
                cells.append(f"{value:g}: {where}")
            rows.append(
                [
                    one.parametrisation,
                    one.rule,
                    one.series,
                    power.name,
                    f"{power.estimate:.2f} [{power.low:.2f}, {power.high:.2f}]",
                    *cells,
                    f"{one.slope[power.name]:.2f}" if power.name in one.slope else "",
                    f"{one.fit.used} / {one.fit.never} / {one.fit.always}",
                    f"{one.fit.residual:.2f}",
                    f"{one.fit.error:.2f}",
                    str(one.fit.freedom),
                ]
            )
    columns = [
        "networks", "rule", "series", "factor", "fitted power", "thm08", "translation bound",
        "slope of s*", "used / never / always", "residual, decades", "by seeds",
        "curves less parameters",
    ]  # fmt: skip
    return markdown_table(columns, rows)


def power_words(fits: Sequence[NamedFit]) -> list[str]:
    """Sentences about the pooled powers, main rule."""
    found = []
    for one in fits:
        if one.series.removesuffix(POST_HOC) != POOLED or not one.is_main:
            continue
        parts = []
        for power in one.fit.powers:
            near = [
                name
                for name, answer in (("thm08", "theorem"), ("the translation bound", "translation"))
                if power.contains(PREDICTED[answer][power.name])
            ]
            verdict = (
                f"the interval holds that of {' and '.join(near)}" if near else "neither answer's"
            )
            parts.append(
                f"{power.name}^{power.estimate:.2f} [{power.low:.2f}, {power.high:.2f}] ({verdict})"
            )
        if not parts:
            continue
        kind = one.series.removeprefix(POOLED)
        left = "settings that start low only, a choice made post hoc: " if kind else ""
        sentence = (
            f"**Powers, {one.parametrisation}{kind}**: {left}the critical rate goes like "
            f"{', '.join(parts)}; {one.fit.used} curves, {one.fit.never} never and "
            f"{one.fit.always} always above the level; residual {one.fit.residual:.2f} decades, "
            f"chance of the seeds would leave {one.fit.error:.2f}"
        )
        if one.fit.freedom < 1:
            sentence += ": as many parameters as curves, so no test of the law"
        if one.fit.is_misfit:
            sentence += (
                ": no exact power law, and which powers lie in intervals that cover the seeds only "
                "decides nothing between the answers"
            )
        found.append(f"{sentence}.")
    return found


# Collapse.


def all_collapses(
    critical: Critical, ended: Mapping[Setting, Result]
) -> list[tuple[str, str, Collapse]]:
    """Spread of critical rates in each scale: networks and dimensions, scale, spread."""
    found = []
    rule = critical.rules[0]
    sets = {}
    for label, chosen in collapse_sets(critical).items():
        low = [setting for setting in chosen if ended[setting].starts_low(rule)]
        sets[label] = chosen
        if low and low != chosen:
            sets[label + POST_HOC] = low
    for label, chosen in sets.items():
        results = [ended[setting] for setting in chosen]
        curves = [result.curve(rule, result.setting.name) for result in results]
        for scale in SCALES:
            values = [1.0 if scale == "none" else result.scales[scale] for result in results]
            spread = collapse(curves, values, critical.resamples, critical.resampling_seed)
            found.append((label, scale, spread))
    return found


def collapse_sets(critical: Critical) -> dict[str, list[Setting]]:
    """Settings of base width and time: each parametrisation in d = 1, and all dimensions."""
    base = [s for s in jobs_of(critical) if s.width == critical.width and s.time == critical.time]
    tests: dict[str, Callable[[Setting], bool]] = {
        "experiments, d = 1": lambda s: s.parametrisation == "experiments" and s.dimension == 1,
        "experiments, all d": lambda s: s.parametrisation == "experiments",
        "frozen, all d": lambda s: s.parametrisation == "frozen",
        "theory, d = 1": lambda s: s.parametrisation == "theory",
    }
    chosen = {label: [s for s in base if test(s)] for label, test in tests.items()}
    return {label: settings for label, settings in chosen.items() if settings}


def collapse_table(collapses: Sequence[tuple[str, str, Collapse]]) -> str:
    """Spread in every scale."""
    rows = [
        [
            label,
            SCALES[scale],
            f"{one.spread:.3f} [{one.low:.3f}, {one.high:.3f}]",
            decimal(one.centre, 3),
            str(one.used),
        ]
        for label, scale, one in collapses
    ]
    columns = ["settings", "scale", "spread, decades", "critical rate / scale, mean", "curves"]
    return markdown_table(columns, rows)


def collapse_words(collapses: Sequence[tuple[str, str, Collapse]]) -> list[str]:
    """Which scale collapses best, for each set of settings."""
    found = []
    for label in dict.fromkeys(label for label, _, _ in collapses):
        spreads = {s: c for name, s, c in collapses if name == label and c.used > 1}
        if not spreads:
            continue
        order = sorted(spreads, key=lambda s: spreads[s].spread)
        parts = [f"{SCALES[s]} {spreads[s].spread:.2f}" for s in order]
        found.append(
            f"**Collapse, {label}**: spread of the critical rate in decades, best first: "
            f"{'; '.join(parts)}."
        )
    return found


# Mechanism.


@dataclass(frozen=True)
class Pool:
    """Runs of d = 1 at one rate (in sigma^4), over settings and seeds; arrays `[runs]`.

    Attributes:
        level: sigma^2 times excess risk; infinite for diverged runs.
        dead: whether the left or right end is dead.
        zero: whether both ends and the inside are: a constant score.
        shares: sigma^2 times the excess from left, inside and right. `[runs, 3]`.
        edge: m eta lambda_max / 2.
    """

    level: Floats
    dead: NDArray[np.bool_]
    zero: NDArray[np.bool_]
    shares: Floats
    edge: Floats


def _pool(
    critical: Critical, ended: Mapping[Setting, Result], parametrisation: str, q: Fraction
) -> Pool:
    k = critical.rates.index(q)
    level, dead, zero, shares, edge = [], [], [], [], []
    for setting in jobs_of(critical):
        if setting.dimension > 1 or setting.parametrisation != parametrisation:
            continue
        result = ended[setting]
        square = float(setting.sigma) ** 2
        dead_parts = [result.data[f"dead_{side}"][k] == 1 for side in SIDES]
        level.append(result.relative[k])
        dead.append(dead_parts[0] | dead_parts[2])
        zero.append(dead_parts[0] & dead_parts[1] & dead_parts[2])
        shares.append(np.stack([square * result.data[f"excess_{side}"][k] for side in SIDES], 1))
        edge.append(setting.width * result.rates[k] * result.data["sharpness"][k] / 2)
    return Pool(
        np.concatenate(level),
        np.concatenate(dead),
        np.concatenate(zero),
        np.concatenate(shares),
        np.concatenate(edge),
    )


def _parametrisations(critical: Critical) -> list[str]:
    return [
        name
        for name in MODELS
        if any(s.parametrisation == name and s.dimension == 1 for s in jobs_of(critical))
    ]


def _mean(values: Floats) -> str:
    return decimal(float(values.mean()), 3) if values.size else ""


def mechanism_table(critical: Critical, ended: Mapping[Setting, Result]) -> str:
    """By rate: dead sides, mean levels with and without, and where the excess risk is."""
    rows = []
    for parametrisation in _parametrisations(critical):
        for q in critical.rates:
            pool = _pool(critical, ended, parametrisation, q)
            finite = np.isfinite(pool.level)
            total = float(pool.level[finite].sum())
            parts = pool.shares[finite].sum(axis=0) / total if total else np.full(3, math.nan)
            rows.append(
                [
                    parametrisation,
                    str(q),
                    str(len(pool.level)),
                    str(int((~finite).sum())),
                    _mean(pool.dead[finite].astype(np.float64)),
                    _mean(pool.zero[finite].astype(np.float64)),
                    _mean(pool.level[finite & pool.dead]),
                    _mean(pool.level[finite & ~pool.dead]),
                    *(decimal(float(part), 3) for part in parts),
                ]
            )
    columns = [
        "networks", "rate/sigma^4", "runs", "diverged", "part with a dead end",
        "part dead everywhere", "mean level with a dead end", "mean level without",
        "share left", "share inside", "share right",
    ]  # fmt: skip
    return markdown_table(columns, rows)


def mechanism_words(critical: Critical, ended: Mapping[Setting, Result]) -> list[str]:
    """How much of the risk above the main level comes with dead sides.

    Settings that do not start low are left out: what short training leaves is above the level too,
    and no rate's doing. Those runs are counted.
    """
    rule, found = critical.rules[0], []
    for parametrisation in _parametrisations(critical):
        level, dead, zero, count, lost = [], [], [], 0, 0
        high, left = 0, 0
        for setting in jobs_of(critical):
            if setting.dimension > 1 or setting.parametrisation != parametrisation:
                continue
            result = ended[setting]
            threshold = result.curve(rule, "").threshold
            above = ~(result.data["excess"] <= threshold)
            if not result.starts_low(rule):
                high += 1
                left += int(above.sum())
                continue
            finite = np.isfinite(result.data["excess"])
            count += int(above.sum())
            lost += int((~finite).sum())
            chosen = above & finite
            ends = (result.data["dead_left"] == 1) | (result.data["dead_right"] == 1)
            level.append(result.relative[chosen])
            dead.append(ends[chosen])
            zero.append((ends & (result.data["dead_inside"] == 1))[chosen])
        sentence = f"**Mechanism, {parametrisation}, d = 1**: of {count} runs above the level"
        if high:
            sentence += f" ({left} more in {high} settings that do not start low, left out here)"
        sentence += f" {lost} diverged"
        levels = np.concatenate(level) if level else np.empty(0)
        if levels.size:
            ends = np.concatenate(dead)
            part = float(levels[ends].sum() / levels.sum())
            sentence += (
                f"; of the other {levels.size}, {ends.mean():.0%} have a dead end (and "
                f"{np.concatenate(zero).mean():.0%} are dead everywhere), which carry {part:.0%} "
                f"of the excess risk (in units of 1/sigma^2); {1 - part:.0%} come without a dead "
                "end"
            )
        found.append(f"{sentence}.")
    return found


def edge_table(critical: Critical, ended: Mapping[Setting, Result]) -> str:
    """By rate: sharpness against the right side of eq. 8, and runs below the floors."""
    rows = []
    for parametrisation in _parametrisations(critical):
        for k, q in enumerate(critical.rates):
            pool = _pool(critical, ended, parametrisation, q)
            edge = pool.edge[np.isfinite(pool.edge) & (pool.edge > 0)]
            counts = np.zeros(4, dtype=int)
            for setting in jobs_of(critical):
                if setting.parametrisation != parametrisation:
                    continue
                counts += _below(ended[setting], k)
            quartiles = np.percentile(edge, (25, 50, 75)).tolist() if edge.size else []
            squares = _squares(critical, ended, parametrisation, k)
            rows.append(
                [
                    parametrisation,
                    str(q),
                    str(edge.size),
                    " / ".join(decimal(x, 3) for x in quartiles),
                    _mean((edge > 1).astype(np.float64)),
                    decimal(float(np.median(squares)), 3) if squares.size else "",
                    f"{counts[0]} of {counts[1]}",
                    f"{counts[2]} of {counts[3]}",
                ]
            )
    columns = [
        "networks", "rate/sigma^4", "runs", "m eta lambda_max/2, quartiles", "part beyond 1",
        "d x mean squared inner weight, median", "below the flatness floor",
        "below the stability floor",
    ]  # fmt: skip
    return markdown_table(columns, rows)


def _squares(
    critical: Critical, ended: Mapping[Setting, Result], parametrisation: str, k: int
) -> Floats:
    """Mean squared inner weight, times d, of finite runs at rate number k. `[runs]`."""
    found = [
        ended[s].data["square"][k][np.isfinite(ended[s].data["excess"][k])] * s.dimension
        for s in jobs_of(critical)
        if s.parametrisation == parametrisation
    ]
    return np.concatenate(found)


def floor_words(critical: Critical, ended: Mapping[Setting, Result]) -> list[str]:
    """Runs below the floors, and what trained inner weights do to them."""
    found = []
    for parametrisation in MODELS:
        results = [r for s, r in ended.items() if s.parametrisation == parametrisation]
        if not results:
            continue
        counts = np.zeros(4, dtype=int)
        for result in results:
            for k in range(len(result.rates)):
                counts += _below(result, k)
        squares = np.concatenate(
            [_squares(critical, ended, parametrisation, k) for k in range(len(critical.rates))]
        )
        weight = decimal(float(np.median(squares)), 3) if squares.size else "none"
        found.append(
            f"**Floors, {parametrisation}**: {counts[0]} of the {counts[1]} runs that the flatness "
            f"floor (of end points that meet eq. 8) speaks of end below it, and {counts[2]} of "
            f"{counts[3]} below that of linear stability; d times the mean squared inner weight, "
            f"about 1 at the start, ends at a median of {weight}, and the floors' rates are in "
            "proportion to it."
        )
    return found


def _length(square: float) -> float:
    """The least eigenvalue of a second-moment matrix, which rounding can leave below 0."""
    return max(square, 0.0)


def _below(result: Result, k: int) -> NDArray[np.int_]:
    """Runs below the flatness floor, runs that it speaks of, and both for linear stability.

    In d > 1 the least mean of (w1 . u)^2 over directions u stands for w, and the floor is that of
    one direction, `shift5` as printed.
    """
    counts = np.zeros(4, dtype=int)
    for j in range(len(result.seeds)):
        risk, square = float(result.data["risk"][k, j]), float(result.data["square"][k, j])
        if not (math.isfinite(risk) and math.isfinite(square)):
            continue
        floors = translation.risk_floors(
            float(result.rates[k]), float(result.setting.sigma), length=_length(square)
        )
        counts[:2] += (floors.flat > risk, floors.flat > 0)
        if result.setting.dimension == 1:
            counts[2:] += (floors.stable > risk, floors.stable > 0)
    return counts


def control_words(critical: Critical, ended: Mapping[Setting, Result]) -> list[str]:
    """How far critical rates move with width and length of the runs, main rule."""
    parts = []
    for series in critical.series:
        if series.factor in FACTORS:
            continue
        for parametrisation in series.parametrisations:
            curves = [
                curve
                for result, curve in _curves(critical, ended, series, critical.rules[0])
                if result.setting.parametrisation == parametrisation
            ]
            found = [c.rate for c in crossings(curves, 1, critical.resampling_seed)]
            rates = [rate for rate in found if rate is not None]
            levels = f"{decimal(float(series.levels[0]))} to {decimal(float(series.levels[-1]))}"
            ratio = f"{decimal(max(rates) / min(rates), 3)} times" if rates else "all censored"
            lost = f", {len(found) - len(rates)} censored" if len(rates) < len(found) else ""
            parts.append(f"{series.name} ({parametrisation}; {levels}): {ratio}{lost}")
    if not parts:
        return []
    return [f"**Controls**: largest over smallest critical rate: {'; '.join(parts)}."]


# The page's settings.


@cache
def page_spacing(seed: int) -> float:
    """Median least gap of samples of the page's size from N(0, 1)."""
    gaps = [
        least_distance(gaussian_points(seed_of(seed, "page", k), PAGE_SIZE, 1))
        for k in range(PAGE_SAMPLES)
    ]
    return float(np.median(gaps))


@cache
def page_scores(seed: int, dimension: int, time: float) -> tuple[translation.BestScore, ...]:
    """How steep s* is for samples of the page's size from N(0, I_d).

    Args:
        seed: the configuration's.
        dimension: d.
        time: t, with mu = exp(-t).
    """
    mu, sigma = math.exp(-time), math.sqrt(-math.expm1(-2 * time))
    return tuple(
        translation.best_score(
            Problem(
                gaussian_points(seed_of(seed, "page", k), PAGE_SIZE, dimension),
                mu,
                sigma,
            ),
            draws=SLOPE_DRAWS,
        )
        for k in range(SLOPE_SAMPLES)
    )


def theorem_part(seed: int, row: translation.PageRow) -> float:
    """A rate of the page over `thm08`'s threshold at the page's median least gap; d = 1."""
    mu = math.exp(-row.time)
    threshold = 2**12 * row.sigma**2 / (mu * PAGE_SIZE**2 * page_spacing(seed))
    return row.learning_rate / threshold


def _like_the_page(
    critical: Critical,
    ended: Mapping[Setting, Result],
    row: translation.PageRow,
    parametrisations: Sequence[str],
) -> str:
    """Medians of R_n and excess risk, in units of d/sigma^2, of the runs most like a setting."""
    near = [
        s
        for s in jobs_of(critical)
        if s.points.shape == "normal"
        and s.dimension == row.dimension
        and s.parametrisation in parametrisations
        and (s.width, s.time) == (critical.width, critical.time)
    ]
    if not near:
        return ""
    setting = min(near, key=lambda s: abs(math.log(float(s.sigma) / row.sigma)))
    result = ended[setting]
    apart = np.abs(np.log(result.units * row.sigma**4 / row.learning_rate))
    # Rates of the packaged grid double.
    if apart.min() > math.log(2) / 2 + 1e-9:
        return ""
    k, unit = int(apart.argmin()), row.dimension / float(setting.sigma) ** 2
    both = np.stack([result.data["risk"][k] / unit, result.relative[k]])
    risk, excess = (float(value) for value in median_levels(both))
    where = f"(sigma={decimal(float(setting.sigma))})"
    if not math.isfinite(risk):
        return f"diverged {where}"
    return f"{decimal(risk, 2)}, {decimal(excess, 2)} {where}"


def page_table(critical: Critical, ended: Mapping[Setting, Result]) -> str:
    """The page's rates, critical rates on paper, forced risks, and what like runs did."""
    rows = []
    for row in translation.page_table():
        scores = page_scores(critical.seed, row.dimension, row.time)
        slope = float(np.median([one.critical_rate().value for one in scores]))
        excess = float(np.median([one.excess_floor(row.learning_rate) for one in scores]))
        rows.append(
            [
                str(row.dimension),
                decimal(row.sigma, 3),
                f"{row.learning_rate:g}",
                decimal(row.learning_rate * row.dimension / row.sigma**4, 3),
                decimal(row.flat_rate, 3),
                decimal(row.stable_rate, 3),
                decimal(slope, 3),
                decimal(theorem_part(critical.seed, row), 2) if row.dimension == 1 else "",
                decimal(max(row.floors.flat, row.floors.flat_all_axes) / row.zero_risk, 2),
                decimal(row.floors.stable / row.zero_risk, 2),
                decimal(excess / row.zero_risk, 2),
                _like_the_page(critical, ended, row, ("theory", "frozen")),
                _like_the_page(critical, ended, row, ("experiments",)),
            ]
        )
    columns = [
        "d", "sigma", "rate", "rate d/sigma^4", "2 sigma^4/d", "4 sigma^4/d", "slope rate of s*",
        "rate / thm08's threshold", "forced, eq. 8", "forced, stable", "forced excess, stable",
        "runs, w = 1", "runs, trained",
    ]  # fmt: skip
    return markdown_table(columns, rows)


def page_words(critical: Critical) -> list[str]:
    """Which answer the page's rates can test, and where they force a risk."""
    found, parts = [], []
    for dimension in translation.PAGE_DIMENSIONS:
        rows = [row for row in translation.page_table() if row.dimension == dimension]
        units = [row.learning_rate * dimension / row.sigma**4 for row in rows]
        forced = sum(row.floors.stable > 0 for row in rows)
        parts.append(
            f"{decimal(min(units), 2)} to {decimal(max(units), 3)} times sigma^4/d in d = "
            f"{dimension} ({forced} of {len(rows)} force a risk on a linearly stable network of "
            "w = 1)"
        )
        if dimension == 1:
            found = [theorem_part(critical.seed, row) for row in rows]
    return [
        f"**The page's rates** are {' and '.join(parts)}, on both sides of the translation bound's "
        f"2 and 4, and in d = 1 at most {decimal(max(found), 2)} of thm08's threshold: figures 1 "
        "and 2 test the order sigma^4; no printed rate is one that thm08 speaks of."
    ]

"""What figure 4 came to, in plain words: tables, and what follows from them.

The page's conclusion has two halves, "away from s*" and "towards the fitted Gaussian"; each is
decided by the trends of informative metrics (`figure4.judge`) and by nothing else:

- as the page says: at least one trend of that sign is shown, and none of the other;
- the opposite: the same with signs exchanged;
- metrics disagree: trends of both signs are shown;
- not shown: trends were tested, and none is shown;
- not tested: no informative metric has values in three dimensions where no run diverged.

Where steps are cut, nothing about networks is said under "supported" but "not tested": how long is
trained is then a choice of ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from flint import arb

from dsmverify.experiments import clouds
from dsmverify.experiments.configurations import Document
from dsmverify.experiments.figure4 import (
    LEAST_DIMENSIONS,
    NOT_TRAINED,
    TRAINED,
    Entry,
    Ratio,
    Summary,
    Trend,
    mean_position,
)
from dsmverify.experiments.figure4_grounds import (
    DECOY,
    GAUSSIAN_SCORE,
    NEAR,
    Ground,
    cluster_kernel,
)
from dsmverify.experiments.figure4_population import Certified
from dsmverify.experiments.groups import BASE, decimal, markdown_table
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Power
from dsmverify.truth import Truth

Half = Literal["away from s*", "towards the fitted Gaussian"]
Finding = Literal["as the page says", "the opposite", "metrics disagree", "not shown", "not tested"]

HALVES: tuple[Half, Half] = ("away from s*", "towards the fitted Gaussian")
FORMS = ("mmd2_unbiased", "mmd2_biased", "mmd_biased")
PRINTED = tuple(f"{form} (1)" for form in FORMS)
"""Readings of the page's metric: a Gaussian kernel of bandwidth 1."""
_WHY = f"as no informative metric has values in {LEAST_DIMENSIONS} dimensions"
HIDDEN = 0.9
"""Floor of a ratio above which a curve of it shows nothing."""


def finding(trends: Sequence[Trend], option: str, half: Half) -> Finding:
    """What an option's trends say of a half of the conclusion.

    Args:
        trends: of all options.
        option: whose.
        half: of the conclusion.
    """
    own = [t for t in trends if t.option == option and _half(t) == half]
    answers = {t.answer for t in own} - {"no trend shown"}
    if not own:
        return "not tested"
    if len(answers) > 1:
        return "metrics disagree"
    if "as the page says" in answers:
        return "as the page says"
    return "the opposite" if answers else "not shown"


def _half(trend: Trend) -> Half:
    return HALVES[1] if trend.versus == "gaussian" else HALVES[0]


def markdown(summary: Summary, configuration: Document) -> str:
    """The report of `fig4.md`."""
    settings = summary.settings
    parts = [
        "# Figure 4" + (", quick version" if summary.is_quick else ""),
        "",
        f"Configuration `{configuration.source}`, digest {configuration.digest}.",
        "",
        f"{settings.points} training points N(0, {settings.deviation**2:g} I), other ones in each "
        f"of {settings.simulations} simulations, {settings.generation.sets} sets of "
        f"{settings.generation.count} points generated with each network "
        f"({settings.generation.method}, {settings.generation.steps} steps).",
        "",
        *_lists(summary),
        "## What was trained",
        "",
        "`base` averages the loss over coordinates, as for figure 3. `rate`: as that of a summed",
        "loss. `critical rate`: above it gradient descent leaves the start, by the tangent",
        "kernel's largest eigenvalue there. `share`: of the page's steps. `loss`: mean of",
        "`(r - Z)^2` over coordinates, 1 for a network that has learnt nothing; `Gaussian's`: the",
        "least of a prediction that is affine at each time, which the fitted Gaussian's score",
        "makes; `s*'s`: the least of any. `learnt`: part of the way from the Gaussian's to s*'s,",
        "negative before the Gaussian's is reached.",
        "",
        markdown_table(_TRAINED, [_trained(e, summary) for e in summary.entries]),
        "## Trends over the dimension",
        "",
        "Informative metrics only, and dimensions without a diverged run. `tau`: Kendall's between",
        "d and the position, 0 at s* (or at the Gaussian, where it is compared with that) and 1",
        "at the other. `p`: two-sided, exact, Holm over the table. The three forms of MMD are",
        "functions of nearly the same number: they are no three witnesses.",
        "",
        markdown_table(_TRENDS, [_trend(t) for t in summary.trends])
        if summary.trends
        else f"None: no informative metric has values in {LEAST_DIMENSIONS} dimensions.\n",
        "## Ratios and positions",
        "",
        "`ratio`: over the distance between s* and the Gaussian, as the page draws it: mean over",
        "all sets, and least to largest. A row whose metric is not informative is a number and no",
        "result. Other forms of other bandwidths: `fig4_normalised.csv`.",
        "",
        markdown_table(_RATIOS, _ratio_cells(summary)),
        "## What the page's metric can show",
        "",
        "`floor`: between two sets of one law, over the distance of the extremes: where the page's",
        "curves begin. `inside a cluster`: the kernel's mean over two points of one cluster.",
        "",
        markdown_table(_POWER, [c for g in summary.grounds for c in _power(g, summary)]),
        "## Certified",
        "",
        "Squared MMD with bandwidth 1 between laws, as balls: s* (noised training points of equal",
        "weight), the fitted Gaussian with the same noise, and a memoriser with twice the noise.",
        "`deviation`: of the unbiased estimator between two sets of s*. `separates`: TRUE where",
        "Cantelli's inequality bounds both errors of a border by 5 %. `orders`: whether the wide",
        "memoriser is nearer to s*. Enclosures: `fig4_population.csv`.",
        "",
        markdown_table(_CERTIFIED, [_certified(g.population) for g in summary.grounds]),
        "## Controls",
        "",
        "Known answers through the same pipeline: distances over that of the extremes, and the",
        "part of the points that counts as memorised.",
        "",
        markdown_table(_CONTROLS, [c for g in summary.grounds for c in _controls(g)]),
        "## Samples",
        "",
        "`points generated`: how many training points generation with s* arrives at, 1 over the",
        f"sum of squared shares, of {settings.points}.",
        "",
        markdown_table(_SAMPLES, [_sample(g) for g in summary.grounds]),
    ]
    return "\n".join(parts).rstrip() + "\n"


# ---- the three lists ----------------------------------------------------------------------------


def _lists(summary: Summary) -> list[str]:
    options = list(dict.fromkeys(e.option for e in summary.entries if e.state != NOT_TRAINED))
    decided: list[str] = []
    open_: list[str] = [*_readings(summary), *_learning(summary)]
    is_full = all(_share(e, summary) == 1 for e in summary.entries if e.steps)
    for half in HALVES:
        found = {o: finding(summary.trends, o, half) for o in options}
        tested = {f for f in found.values() if f != "not tested"}
        # One answer, of every option that was tested, after all the page's steps.
        is_decided = len(tested) == 1 and tested != {"metrics disagree"} and is_full
        place = decided if is_decided or not tested else open_
        for option in found if tested else ():
            said = _said(summary, option, half, found[option])
            place.append(f"Growing d moves generation {half}, {_reading(option)}: {said}.")
        if not tested:
            place.append(f"Growing d moves generation {half}: not tested, {_WHY}.")
    (decided if is_full else open_).extend(_neither(summary))
    decided.append(_spacing(summary))
    blind = [*_mimicry(summary), *_blind(summary), _certified_line(summary)]
    return [
        "## Supported by informative metrics, or not",
        "",
        *(f"- {line}" for line in decided),
        "",
        "## Depends on a choice that the page does not state",
        "",
        *_cut(summary),
        *(f"- {line}" for line in open_ or ["Nothing that was tried."]),
        "",
        "## Could not have been shown by its metric",
        "",
        *(f"- {line}" for line in blind),
        "",
    ]


def _cut(summary: Summary) -> list[str]:
    """How much of the page's training this is, where it is not all."""
    shares = {_share(e, summary) for e in summary.entries if e.option == BASE and e.steps}
    if not shares or shares == {1.0}:
        return []
    low, high = (f"{100 * share:.3g}" for share in (min(shares), max(shares)))
    text = low if low == high else f"{low} to {high}"
    return [f"Networks here were trained for {text} % of the page's steps: our choice.", ""]


def _reading(option: str) -> str:
    return "loss averaged over coordinates (base)" if option == BASE else option


def _said(summary: Summary, option: str, half: Half, answer: Finding) -> str:
    own = [t for t in summary.trends if t.option == option and _half(t) == half]
    if not own:
        return f"not tested, {_WHY}"
    words = {
        "as the page says": "shown by",
        "the opposite": "the opposite shown by",
        "no trend shown": "nothing shown by",
    }
    parts = []
    for said, text in words.items():
        found = {t.metric.label: t.dimensions for t in own if t.answer == said}
        if found:
            parts.append(f"{text} {_places(found)}")
    start = "metrics disagree: " if answer == "metrics disagree" else ""
    return start + "; ".join(parts)


def _share(entry: Entry, summary: Summary) -> float:
    """Of the page's steps; what the rate means is the option's reading."""
    return entry.steps / summary.settings.rate.steps if summary.settings.rate.steps else 1.0


def _learning(summary: Summary) -> list[str]:
    """What a trend away from s* may be instead: less learnt."""
    grounds = {ground.dimension: ground for ground in summary.grounds}
    parts = []
    for option in dict.fromkeys(e.option for e in summary.entries if e.state == TRAINED):
        own = [e for e in summary.entries if (e.option, e.state) == (option, TRAINED)]
        ways = ", ".join(
            f"{decimal(_learnt(e, grounds[e.dimension]), 2)} in d = {e.dimension}" for e in own
        )
        text = f"{_reading(option)}: {ways}"
        rates = [e.rate for e in own]
        if min(rates) < max(rates):
            text += (
                f" (its rate falls from {decimal(max(rates), 3)} to {decimal(min(rates), 3)} as d "
                "grows, at as many steps)"
            )
        parts.append(text)
    if not parts:
        return []
    return [
        "What a trend away from s* means: a network that has learnt nothing is away from s* too, "
        "in every d. From the fitted Gaussian's loss (0) to s*'s (1), networks came to, "
        f"{'; '.join(parts)}. What d does and what the state of training does are not told apart."
    ]


def _learnt(entry: Entry, ground: Ground) -> float:
    """Part of the way from the fitted Gaussian's loss to the least, mean over simulations."""
    ways = [
        (sample.loss_gaussian - loss) / (sample.loss_gaussian - sample.loss_best)
        for loss, sample in zip(entry.losses, ground.samples, strict=False)
        if math.isfinite(loss)
    ]
    return math.fsum(ways) / len(ways) if ways else math.nan


def _neither(summary: Summary) -> list[str]:
    """Where every set is farther from both extremes than these are from each other."""
    far: dict[tuple[str, str], dict[str, list[int]]] = {}
    for one in summary.ratios:
        if one.entry.state == TRAINED and one.row.is_informative and one.ratio.low > 1:
            own = far.setdefault((one.entry.option, one.row.metric.label), {})
            own.setdefault(one.row.versus, []).append(one.entry.dimension)
    lines = []
    for option in dict.fromkeys(option for option, _ in far):
        found = {label: _both(sides) for (own, label), sides in far.items() if own == option}
        if any(found.values()):
            lines.append(
                f"Near neither, {_reading(option)}: every set generated is farther from s* and "
                "from the Gaussian than these are from each other, by "
                f"{_places({label: ds for label, ds in found.items() if ds})}."
            )
    own_score: dict[str, dict[str, list[int]]] = {}
    told = {label for _, label in far}
    for control in (c for ground in summary.grounds for c in ground.controls):
        label = control.metric.label
        if control.name == GAUSSIAN_SCORE and label in told and control.ratio > 1:
            sides = own_score.setdefault(label, {})
            sides.setdefault(control.versus, []).append(control.dimension)
    also = {label: ds for label, sides in own_score.items() if (ds := _both(sides))}
    if lines and also:
        lines.append(
            "Near neither is also what the Gaussian's own score generates from N(0, I), by "
            f"{_places(also)}: a network may have learnt that score and be near neither."
        )
    return lines


def _both(sides: Mapping[str, Sequence[int]]) -> list[int]:
    return sorted(set(sides.get("s_star", ())) & set(sides.get("gaussian", ())))


def _readings(summary: Summary) -> list[str]:
    """Which readings of the description train at all."""
    lines = []
    for option in dict.fromkeys(e.option for e in summary.entries if e.state != NOT_TRAINED):
        own = [e for e in summary.entries if e.option == option and e.state != NOT_TRAINED]
        failed = [e for e in own if any(step >= 0 for step in e.diverged)]
        if failed:
            steps = [step for e in failed for step in e.diverged if step >= 0]
            lines.append(
                f"Whether there is a figure, {_reading(option)}: runs diverged in d = "
                f"{_list([e.dimension for e in failed])}, {_steps(steps)}; "
                "they have no value, nothing is put in their place, and runs beside them that "
                "did not diverge are compared with nothing."
            )
        else:
            lines.append(
                f"{_reading(option).capitalize()}: no run diverged, in d = "
                f"{_list([e.dimension for e in own])}."
            )
    return lines if any("Whether" in line for line in lines) else []


def _spacing(summary: Summary) -> str:
    first, last = summary.grounds[0], summary.grounds[-1]
    text = (
        f"The minimum spacing grows with d: {decimal(first.samples[0].spacing, 3)} in d = "
        f"{first.dimension}, {decimal(last.samples[0].spacing, 3)} in d = {last.dimension} (first "
        "simulation; a property of the samples, no training)"
    )
    least = [min(s.spacing for s in g.samples) for g in summary.grounds]
    most = [max(s.spacing for s in g.samples) for g in summary.grounds]
    strict = all(a < b for a, b in zip(most, least[1:], strict=False))
    return text + ("; every sample exceeds all of the smaller d." if strict else ".")


def _mimicry(summary: Summary) -> list[str]:
    """The page's ratio where it was measured last, beside that of a network without a score."""
    lines = []
    for option in dict.fromkeys(e.option for e in summary.entries):
        found = {
            (one.entry.dimension, one.row.versus): one.ratio.value
            for one in summary.ratios
            if (one.entry.option, one.entry.state) == (option, TRAINED)
            and one.row.metric.label == PRINTED[0]
            and math.isfinite(one.ratio.value)
        }
        if not found:
            continue
        d = max(dimension for dimension, _ in found)
        ground = next(g for g in summary.grounds if g.dimension == d)
        decoy = {
            c.versus: c.ratio
            for c in ground.controls
            if (c.name, c.metric.label) == (DECOY, PRINTED[0])
        }
        if ground.is_fooled(_metric(ground, PRINTED[0])):
            lines.append(
                f"The page's picture itself, by {PRINTED[0]}, {_reading(option)}, d = {d}: the "
                f"networks' ratios are {found[d, 's_star']:.3f} to s* and "
                f"{found[d, 'gaussian']:.3f} to the Gaussian; with score 0, of a network that has "
                f"learnt nothing, they are {decoy['s_star']:.3f} and {decoy['gaussian']:.3f}."
            )
    return lines


def _metric(ground: Ground, label: str) -> Metric:
    return next(p.metric for p in ground.powers if p.metric.label == label)


def _blind(summary: Summary) -> list[str]:
    """Where a reading of the page's metric is not informative or hidden, or a metric is fooled."""
    reasons: dict[str, dict[str, list[int]]] = {}
    hidden: dict[str, list[tuple[int, float]]] = {}
    for ground in summary.grounds:
        for power in ground.powers:
            name = power.metric.label
            if name not in PRINTED:
                continue
            if not power.informative:
                own = reasons.setdefault(power.reason, {})
                own.setdefault(name, []).append(ground.dimension)
            if power.floor is not None and power.floor > HIDDEN:
                hidden.setdefault(name, []).append((ground.dimension, power.floor))
    lines = []
    for reason, own in reasons.items():
        lines.append(f"{_places(own)}: {reason}.")
    fooled: dict[str, list[int]] = {}
    missed: dict[str, list[int]] = {}
    for ground in summary.grounds:
        for power in ground.powers:
            name, d = power.metric.label, ground.dimension
            if ground.is_fooled(power.metric):
                fooled.setdefault(name, []).append(d)
            elif power.informative and ground.place(GAUSSIAN_SCORE, power.metric) >= NEAR:
                missed.setdefault(name, []).append(d)
    if fooled:
        lines.append(
            "That it is the fitted Gaussian which is generated: what score 0 generates, from a "
            f"network that has learnt nothing, counts as the Gaussian by {_places(fooled)}."
        )
    if missed:
        lines.append(
            "That a network has not learnt the fitted Gaussian: its own score, started from "
            "N(0, I), ends as far from it as half the distance of s*, or farther, by "
            f"{_places(missed)}."
        )
    for name, floors in hidden.items():
        lines.append(
            f"{name} in d = {_list([d for d, _ in floors])}: two sets of one law are already at "
            f"{min(floor for _, floor in floors):.7g} or more of the distance of the extremes, so "
            "both of the page's curves would be near 1 for anything as wide as the noise."
        )
    return lines


def _steps(steps: Sequence[int]) -> str:
    first, last = min(steps), max(steps)
    return f"at step {first}" if first == last else f"at steps {first} to {last}"


def _places(dimensions: Mapping[str, Sequence[int]]) -> str:
    """Metrics and where; those with the same dimensions together."""
    together: dict[tuple[int, ...], list[str]] = {}
    for name, ds in dimensions.items():
        together.setdefault(tuple(ds), []).append(name)
    return "; ".join(f"{_names(names)} in d = {_list(ds)}" for ds, names in together.items())


def _names(labels: Sequence[str]) -> str:
    """Labels; one for the three forms of an MMD where all are there."""
    found = []
    for label in labels:
        form, _, bandwidth = label.partition(" ")
        if form in FORMS and all(f"{other} {bandwidth}" in labels for other in FORMS):
            found.append(f"MMD {bandwidth} in its three forms")
        else:
            found.append(label)
    return ", ".join(dict.fromkeys(found))


def _certified_line(summary: Summary) -> str:
    """What is certified at bandwidth 1, and whether the sampled powers say the same."""
    where: dict[tuple[str, Truth], list[int]] = {}
    differ = []
    for ground in summary.grounds:
        own = ground.population
        for name, truth in (("separates", own.separates), ("orders", own.orders)):
            where.setdefault((name, truth), []).append(ground.dimension)
        sampled = next((p for p in ground.powers if p.metric.label == PRINTED[0]), None)
        if sampled is not None and (
            own.orders is not (Truth.TRUE if sampled.orders else Truth.FALSE)
            # FALSE says of this inequality only that it does not show it.
            or (own.separates is Truth.TRUE and not sampled.separates)
        ):
            differ.append(ground.dimension)
    says = {
        ("separates", Truth.TRUE): "Cantelli's inequality tells s* from the Gaussian",
        ("separates", Truth.FALSE): "it does not tell them apart, which shows nothing,",
        ("orders", Truth.TRUE): "a memoriser with twice the noise is nearer to s*",
        ("orders", Truth.FALSE): "a memoriser with twice the noise is nearer to the Gaussian",
    }
    found = [f"{text} in d = {_list(where[key])}" for key, text in says.items() if key in where]
    found += [
        f"whether it {name} is not decided in d = {_list(ds)}"
        for (name, truth), ds in where.items()
        if truth is Truth.UNKNOWN
    ]
    sampled_text = (
        f"The sampled powers of {PRINTED[0]} say otherwise in d = {_list(differ)}."
        if differ
        else f"The sampled powers of {PRINTED[0]} say the same in every d."
    )
    return (
        f"Certified, with nothing sampled, for squared MMD with bandwidth 1 and sets of "
        f"{summary.grounds[0].population.size} points: {'; '.join(found)}. {sampled_text}"
    )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


# ---- tables -------------------------------------------------------------------------------------

_TRAINED = (
    "d", "option", "state", "rate", "critical rate", "at the start", "steps", "share", "loss",
    "Gaussian's", "s*'s", "learnt",
)  # fmt: skip
_TRENDS = ("option", "metric", "versus", "d", "tau", "p", "page's sign", "answer")
_RATIOS = (
    "d", "option", "metric", "versus", "ratio", "range", "position", "informative",
)  # fmt: skip
_POWER = (
    "d", "metric", "null", "extreme", "blurred to s*", "floor", "inside a cluster", "separates",
    "orders",
)  # fmt: skip
_CERTIFIED = (
    "d", "extremes", "deviation", "wide to s*", "wide to the Gaussian", "biased, two sets of s*",
    "biased, extremes", "separates", "orders",
)  # fmt: skip
_CONTROLS = (
    "d", "control", "MMD^2 (1) to s*", "to the Gaussian", "sliced W2 to s*", "to the Gaussian",
    "memorised",
)  # fmt: skip
_CONTROL_CELLS = (
    (PRINTED[0], "s_star"), (PRINTED[0], "gaussian"), ("sliced_w2", "s_star"),
    ("sliced_w2", "gaussian"), ("memorised", clouds.TRAINING),
)  # fmt: skip
_SAMPLES = ("d", "samples", "minimum spacing", "rank of the covariance", "points generated")


def _trained(entry: Entry, summary: Summary) -> tuple[str, ...]:
    state, failed = entry.state, [step for step in entry.diverged if step >= 0]
    if failed:
        state += f" at step {min(failed)}" + ("" if len(set(failed)) == 1 else f" to {max(failed)}")
    predicted = "leaves" if entry.rate > entry.critical else "stays"
    is_run = entry.state != NOT_TRAINED
    losses = [x for x in entry.losses if math.isfinite(x)]
    ground = next(g for g in summary.grounds if g.dimension == entry.dimension)
    references = [
        math.fsum(found) / len(found)
        for found in (
            [s.loss_gaussian for s in ground.samples],
            [s.loss_best for s in ground.samples],
        )
    ]
    return (
        str(entry.dimension), entry.option, state, decimal(entry.rate, 3),
        decimal(entry.critical, 3), predicted, str(entry.steps) if is_run else "",
        f"{100 * _share(entry, summary):.3g} %" if is_run else "",
        decimal(math.fsum(losses) / len(losses), 3) if losses else "",
        *(decimal(x, 3) for x in references), decimal(_learnt(entry, ground), 2),
    )  # fmt: skip


def _trend(t: Trend) -> tuple[str, ...]:
    return (
        t.option, t.metric.label, t.versus, _list(t.dimensions), decimal(t.tau, 3),
        decimal(t.adjusted, 2), f"{t.page_sign:+d}", t.answer,
    )  # fmt: skip


def _ratio_cells(summary: Summary) -> list[tuple[str, ...]]:
    rows = []
    for one in summary.ratios:
        metric = one.row.metric
        is_double = metric.name in ("mmd2_biased", "mmd_biased") and metric.label not in PRINTED
        if one.entry.state == TRAINED and not is_double:
            rows.append(_one_ratio(one))
    done = [e for e in summary.entries if e.state != TRAINED]
    rows += [(str(e.dimension), e.option, "all", "", e.state, "", "", "") for e in done]
    return rows


def _one_ratio(one: Ratio) -> tuple[str, ...]:
    band = one.ratio
    return (
        str(one.entry.dimension), one.entry.option, one.row.metric.label, one.row.versus,
        decimal(band.value, 3),
        "" if math.isnan(band.low) else f"{decimal(band.low, 3)} to {decimal(band.high, 3)}",
        decimal(mean_position(one), 3), clouds.yes(one.row.is_informative),
    )  # fmt: skip


def _power(ground: Ground, summary: Summary) -> list[tuple[str, ...]]:
    inside = cluster_kernel(ground.dimension, summary.settings.generation)
    return [
        (
            str(ground.dimension), p.metric.label, _band(p, "null"), _band(p, "extreme"),
            _band(p, "blurred"), "" if p.floor is None else f"{p.floor:.7g}",
            decimal(inside, 3), clouds.yes(p.separates), clouds.yes(p.orders),
        )
        for name in PRINTED
        for p in ground.powers
        if p.metric.label == name
    ]  # fmt: skip


def _band(power: Power, name: str) -> str:
    band = getattr(power, name)
    if band is None:
        return ""
    return f"{decimal(band.value, 8)} ({decimal(band.low, 3)} to {decimal(band.high, 3)})"


def _certified(row: Certified) -> tuple[str, ...]:
    names = (
        "extreme", "null_deviation", "blurred", "blurred_gaussian", "biased_null", "biased_extreme",
    )  # fmt: skip
    # Every digit that is left is certain, but for one unit of the last.
    balls = [
        arb(row.balls[name]).str(11 if "biased" in name else 5, radius=False) for name in names
    ]
    return str(row.dimension), *balls, row.separates.value, row.orders.value


def _controls(ground: Ground) -> list[tuple[str, ...]]:
    cells: dict[str, dict[tuple[str, str], str]] = {}
    for one in ground.controls:
        text = decimal(one.ratio if one.metric.kind == "distance" else one.value, 3)
        cells.setdefault(one.name, {})[one.metric.label, one.versus] = text
    return [
        (str(ground.dimension), name, *(found.get(key, "") for key in _CONTROL_CELLS))
        for name, found in cells.items()
    ]


def _sample(ground: Ground) -> tuple[str, ...]:
    def spread(numbers: Sequence[float]) -> str:
        low, high = (decimal(x, 3) for x in (min(numbers), max(numbers)))
        return low if low == high else f"{low} to {high}"

    own = ground.samples
    return (
        str(ground.dimension),
        str(len(own)),
        spread([s.spacing for s in own]),
        spread([float(s.rank) for s in own]),
        spread([s.effective for s in own]),
    )

"""The report of the digits, and its conclusions in plain words."""

from __future__ import annotations

import math

import numpy as np

from dsmverify.experiments import clouds
from dsmverify.experiments.configurations import Document
from dsmverify.experiments.digits import (
    EXACT,
    HELD_OUT,
    LINEAR,
    RATIO,
    Digits,
    Sample,
    Source,
    Summary,
    spacing_needed,
    spacings,
)
from dsmverify.experiments.groups import decimal, markdown_table

STATISTICS = ("memorised", RATIO.name, "nearest_distance")

WORDS = {"memorised": "more is memorised", RATIO.name: "points lie nearer to single images"}

ALMOST = 0.9
"""Part of the way to the best loss from which a network counts as near it."""


def markdown(summary: Summary, settings: Digits, configuration: Document) -> str:
    """The report, in Markdown.

    Args:
        summary: what was found.
        settings: as run, `--quick` applied.
        configuration: for its name and digest.
    """
    g = settings.generation
    parts = [
        "# Digits" + (", quick version" if summary.is_quick else ""),
        "",
        f"Configuration `{configuration.source}`, digest {configuration.digest}.",
        "",
        "## In plain words",
        "",
        *(f"- {note}" for note in summary.notes),
        "",
        "## What was run",
        "",
        f"scikit-learn's 8x8 digits as (pixel - {settings.scaling.centre}) / "
        f"{settings.scaling.divisor:g}, d = 64. Noise prediction, width {settings.model.width},",
        f"batch {settings.batch.size}, loss summed over the coordinates; rate x steps = "
        f"{float(settings.product):g}, and {settings.equal_steps} steps for rates that make more;",
        f"{settings.trainings} training(s) at each rate, {g.sets} sets of {g.count} points each;",
        f"integrator `{g.method}`, {g.steps} steps (`{g.spacing}`).",
        "",
    ]
    for sample in summary.samples:
        parts += _section(sample)
    return "\n".join(parts).rstrip() + "\n"


def _section(sample: Sample) -> list[str]:
    rate = 2 / float(sample.start.mean())
    numbers = ", ".join(map(str, sample.numbers[:10]))
    more = " and others" if sample.size > 10 else ""
    return [
        f"## n = {sample.size}",
        "",
        f"Images {numbers}{more}; spacing {decimal(float(spacings(sample.points).min()), 3)} to "
        f"{decimal(float(spacings(sample.points).max()), 3)}.",
        "",
        "### Training",
        "",
        f"Loss of the prediction 0: {sample.points.shape[1]}; least of an affine one: "
        f"{decimal(sample.affine, 4)}; least of any: {decimal(sample.best.value, 3)}. `way`: part",
        "of the way from the affine one's to the least of any, below 0 where the network has not",
        "reached the affine one. `rate x curvature / 2`: above 1 the linearised step grows;",
        f"at the start it is above 1 for rates above {decimal(rate, 3)}.",
        "",
        markdown_table(_TRAINING, [_training(sample, s) for s in sample.networks]),
        "### Memorisation",
        "",
        "Mean over all sets of all trainings, in brackets the least and the largest set: a range,",
        "no confidence interval. `memorised`: part of the points nearer to a training image than a",
        "third of the distance to the second nearest. `nearest_ratio`: median of the ratio itself.",
        "",
        markdown_table(
            ("source", *STATISTICS),
            [
                (_name(s), *(_value(s, name) for name in STATISTICS))
                for s in sample.sources
                if not s.has_diverged
            ],
        ),
        "### What the metrics can tell",
        "",
        "On memorised sets (null; a distance: between two of them), on sets of the fitted Gaussian",
        "(extreme; between the two laws), and on a memoriser with twice the noise (blurred).",
        "",
        markdown_table(
            ("metric", "null", "extreme", "blurred", "informative", "reason"),
            [
                (
                    p.metric.label,
                    *(
                        "" if band is None else _band(band.value, band.low, band.high)
                        for band in (p.null, p.extreme, p.blurred)
                    ),
                    clouds.yes(p.informative),
                    p.reason,
                )
                for p in sample.powers
            ],
        ),
    ]


_TRAINING = ("rate", "steps", "diverged at", "loss", "way", "rate x curvature / 2: start", "end")


def _training(sample: Sample, source: Source) -> tuple[str, ...]:
    alive = [loss.value for loss in source.losses if math.isfinite(loss.value)]
    loss = float(np.mean(alive)) if alive else math.nan
    rate = float(source.rate or 0)
    ends = source.curvatures[np.isfinite(source.curvatures)]
    ways = [sample.way(x) for x in source.losses if math.isfinite(x.value)]
    return (
        source.label,
        str(source.steps),
        ", ".join(str(step) for step in source.diverged if step >= 0),
        decimal(loss + sample.best.value, 4),
        decimal(float(np.mean(ways)), 3) if ways else "",
        decimal(rate * float(sample.start.mean()) / 2, 3),
        decimal(rate * float(ends.mean()) / 2, 3) if ends.size else "",
    )


def _name(source: Source) -> str:
    return f"rate {source.label}, {source.steps} steps" if source.is_network else source.label


def _value(source: Source, name: str) -> str:
    band = source.row(name).band
    return _band(band.value, band.low, band.high)


def _band(value: float, low: float, high: float) -> str:
    return f"{decimal(value, 3)} [{decimal(low, 3)}, {decimal(high, 3)}]"


# ---- plain words --------------------------------------------------------------------------------


def notes(summary: Summary, settings: Digits) -> list[str]:
    """What the runs show, and what they cannot.

    Args:
        summary: what was found.
        settings: as run, `--quick` applied.
    """
    found = []
    if summary.is_quick:
        found.append(
            f"Quick: rate x steps is {float(settings.product):g}, batches of "
            f"{settings.batch.size}, {settings.trainings} training at each rate: an order of two "
            "rates is seen, not shown"
        )
    for sample in summary.samples:
        found += [f"n = {sample.size}: {text}" for text in _of(sample, settings)]
    return found


def _of(sample: Sample, settings: Digits) -> list[str]:
    return [
        *_skipped(sample),
        _prediction(sample, settings),
        _controls(sample),
        _power(sample),
        *_stability(sample),
        *_edge(sample),
        *_progress(sample),
        *_baseline(sample),
        *_rates(sample),
        *_time(sample),
    ]


def _skipped(sample: Sample) -> list[str]:
    pairs = ", ".join(f"image {a} equals image {b}" for a, b in sample.skipped)
    return [f"left out: {pairs}"] if pairs else []


def _prediction(sample: Sample, settings: Digits) -> str:
    needed = spacing_needed(sample.points, settings.generation.start)
    good = int((spacings(sample.points) > needed).sum())
    seen = sample.source(EXACT).row("memorised").band.value
    return (
        f"{good} of {sample.size} images are further from their neighbours than "
        f"{decimal(float(needed.min()), 3)} to {decimal(float(needed.max()), 3)}, where what s* "
        "generates counts as memorised: predicted memorised part "
        f"{decimal(good / sample.size, 3)} if all were generated equally often, measured "
        f"{decimal(seen, 3)}; points generated with s* reached {sample.reached} of the images"
    )


def _controls(sample: Sample) -> str:
    def values(label: str) -> str:
        source = sample.source(label)
        return " and ".join(
            decimal(source.row(name).band.value, 3) for name in ("memorised", RATIO.name)
        )

    return (
        f"memorised part and median ratio: exact score {values(EXACT)}; linear score "
        f"{values(LINEAR)}; digits that were not trained on {values(HELD_OUT)}: a ratio as of the "
        "last is no sign of memorisation, and neither says that digits were generated"
    )


def _power(sample: Sample) -> str:
    bad = [p.metric.label for p in sample.powers if not p.informative]
    text = ", ".join(bad) if bad else "none"
    return f"uninformative here, and nothing is concluded from them: {text}"


def _stability(sample: Sample) -> list[str]:
    limit = 2 / float(sample.start.mean())
    found = [
        f"rate {s.label} diverged at step {int(min(x for x in s.diverged if x >= 0))}"
        + ("" if s.has_diverged else " (not every training)")
        for s in sample.networks
        if (s.diverged >= 0).any()
    ]
    found += [
        f"rate {s.label} ended no better than the prediction 0"
        for s in sample.networks
        if sample.has_failed(s)
    ]
    if not found:
        return [f"no training failed; the curvature at the start allows rates to {limit:.2g}"]
    kept = max((s.rate for s in sample.kept if s.rate is not None), default=None)
    text = ", ".join(found) + (f"; {float(kept):g} is the largest that trained" if kept else "")
    text += f"; the curvature at the start allows rates to {limit:.2g}"
    lost = [s.rate for s in sample.networks if s not in sample.kept and s.rate is not None]
    if min(lost) < limit:
        text += ", so that it does not decide: it rises while a network learns"
    return [text]


def _progress(sample: Sample) -> list[str]:
    ends = [(x.value, s) for s in sample.kept for x in s.losses]
    if not ends:
        return []
    least, best = min(ends, key=lambda pair: pair[0])
    way = 1 - least / (sample.affine - sample.best.value)
    text = (
        f"the best trained network ({_name(best)}) has a loss of "
        f"{decimal(least + sample.best.value, 3)}; the best affine prediction's is "
        f"{decimal(sample.affine, 3)}, the least possible {decimal(sample.best.value, 3)}: "
    )
    if way <= 0:
        return [text + "it has not reached what a Gaussian's score gives, whatever its rate"]
    text += f"{100 * way:.0f} % of the way from the one to the other"
    if way < ALMOST:
        text += ", so that training time is in every comparison of rates here"
    return [text]


def _edge(sample: Sample) -> list[str]:
    """Where training left the curvature: at 2 over the rate a step neither shrinks nor grows."""
    ends = [float(s.rate or 0) * c / 2 for s in sample.kept for c in s.curvatures]
    if not ends:
        return []
    return [
        f"rate x curvature / 2 began at {min(_starts(sample)):.2g} to {max(_starts(sample)):.2g} "
        f"and ended at {min(ends):.3g} to {max(ends):.3g} in the trainings that did not fail; at 1 "
        "the linearised step neither shrinks nor grows, so that a larger rate ends where the "
        "prediction is less curved"
        if min(ends) > max(_starts(sample))
        else f"rate x curvature / 2 ended at {min(ends):.3g} to {max(ends):.3g}"
    ]


def _starts(sample: Sample) -> list[float]:
    return [float(s.rate or 0) * c / 2 for s in sample.kept for c in sample.start]


def _baseline(sample: Sample) -> list[str]:
    """Which sources are nearer to training images than digits that were not trained on."""
    name = _statistic(sample)
    if name is None or not sample.kept:
        return []
    held_out = sample.source(HELD_OUT)
    beyond = [s for s in (*sample.kept, sample.source(LINEAR)) if _is_more(s, held_out, name)]
    rest = [s for s in (*sample.kept, sample.source(LINEAR)) if s not in beyond]
    return [
        f"{name} shows more memorisation, in every set, than digits that were not trained on: "
        f"{'; '.join(map(_name, beyond)) or 'none'}; not more: "
        f"{'; '.join(map(_name, rest)) or 'none'}"
    ]


def _rates(sample: Sample) -> list[str]:
    """Two rates for the same product."""
    name = _statistic(sample)
    whole = [s for s in sample.kept if s.is_whole]
    if name is None or len(whole) < 2:
        return []
    large, small = whole[0], whole[-1]
    return [
        f"at the same rate x steps, {name} is {_short(small, name)} at rate {small.label} and "
        f"{_short(large, name)} at rate {large.label}: "
        + _order(small, large, name, "at the smaller rate")
    ]


def _time(sample: Sample) -> list[str]:
    """One rate for a shorter and a longer time; and two rates for as many steps."""
    name = _statistic(sample)
    whole = [s for s in sample.kept if s.is_whole]
    short = [s for s in sample.kept if not s.is_whole]
    if name is None or not short or whole[-1].rate != short[-1].rate:
        return []
    one, long = short[-1], whole[-1]
    found = [
        f"at rate {one.label}, {name} is {_short(one, name)} after {one.steps} steps and "
        f"{_short(long, name)} after {long.steps}: "
        + _order(long, one, name, "after the longer training, at one rate")
    ]
    other = next((s for s in whole if s.steps == one.steps), None)
    if other is not None:
        found.append(
            f"at {one.steps} steps each, {name} is {_short(one, name)} at rate {one.label} and "
            f"{_short(other, name)} at rate {other.label}: "
            + _order(other, one, name, "at the larger rate, whose rate x steps is larger")
        )
    return found


def _statistic(sample: Sample) -> str | None:
    """The fraction where it is informative, otherwise the median ratio; None where neither is."""
    first = sample.sources[0]
    return next((name for name in WORDS if first.row(name).is_informative), None)


def _short(source: Source, name: str) -> str:
    return decimal(source.row(name).band.value, 3)


def _order(first: Source, second: Source, name: str, where: str) -> str:
    """Whether all sets of the first memorise more than all of the second."""
    words = WORDS[name]
    if _is_more(first, second, name):
        return f"{words} {where}, in every set"
    if _is_more(second, first, name):
        return f"in every set it is not so that {words} {where}, but the other way round"
    return "the ranges over sets overlap, and no order is concluded"


def _is_more(first: Source, second: Source, name: str) -> bool:
    """Whether the first's whole band lies on the memorised side of the second's."""
    a, b = first.row(name), second.row(name)
    if a.metric.larger_is == "towards":
        return a.band.low > b.band.high
    return a.band.high < b.band.low

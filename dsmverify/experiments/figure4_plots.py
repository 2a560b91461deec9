"""Drawings of figure 4: distances against the dimension, and clouds in two dimensions.

Filled markers are values of an informative metric; hollow ones are numbers that say nothing, and
are drawn because the page draws them. Small crosses are score 0, of a network that has learnt
nothing: a curve that runs along them shows no learning.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np

from dsmverify.experiments import clouds
from dsmverify.experiments.figure4 import (
    DIVERGED,
    NOT_TRAINED,
    TRAINED,
    Ratio,
    Summary,
    mean_position,
)
from dsmverify.experiments.figure4_grounds import DECOY, memorised_set
from dsmverify.experiments.groups import BASE
from dsmverify.experiments.plots import BEST, FOURTH, MARKERS, OURS, PAGE, THIRD, canvas

COLUMNS = 3
PANEL = 2.5
SIDES = {"s_star": OURS, "gaussian": PAGE, clouds.TRAINING: OURS}
NAMES = {"s_star": "to s*", "gaussian": "to the Gaussian", clouds.TRAINING: ""}
CROSSES = {"s_star": "x", "gaussian": "+"}
SHADES = ("-", "--", ":", "-.")
READINGS = {BASE: "loss averaged (base)", "loss summed over coordinates": "loss summed"}
TRIPLES = ("mmd2_biased", "mmd_biased")
"""Forms that are drawn for the page's bandwidth only: for another they look like the first."""


def curves(summary: Summary) -> Any:
    """Ratio of every distance and position of every statistic against d, a panel for a metric."""
    metrics = {power.metric.label: power for ground in summary.grounds for power in ground.powers}
    labels = [
        label for label, power in metrics.items()
        if power.metric.name not in TRIPLES or power.metric.bandwidth == "1"
    ]  # fmt: skip
    rows = math.ceil(len(labels) / COLUMNS)
    options = list(dict.fromkeys(e.option for e in summary.entries))
    dimensions = [ground.dimension for ground in summary.grounds]
    with canvas(rows, COLUMNS, 1 + 2.9 * COLUMNS, 1 + PANEL * rows) as (figure, axes):
        for axis in axes.flat[len(labels) :]:
            axis.set_visible(False)
        for axis, label in zip(axes.flat, labels, strict=False):
            for number, option in enumerate(options):
                for versus in SIDES:
                    own = [
                        r for r in summary.ratios
                        if (r.row.metric.label, r.row.versus, r.entry.option)
                        == (label, versus, option) and r.entry.state == TRAINED
                    ]  # fmt: skip
                    _curve(axis, own, option, number)
            _nothing_learnt(axis, summary, label)
            _blind(axis, summary, label)
            is_distance = metrics[label].metric.kind == "distance"
            axis.set_title(label, fontsize=9)
            axis.set_ylabel("over D(s*, Gaussian)" if is_distance else "0: s*, 1: Gaussian")
            axis.set_xscale("log")
            # Ticks for the page's dimensions, as far as their labels do not touch.
            axis.set_xticks(dimensions, [str(d) if d not in (80, 100) else "" for d in dimensions])
            axis.set_xticks([], minor=True)
            axis.tick_params(axis="x", labelsize=7)
            axis.axhline(0, color=BEST, linewidth=0.6)
            axis.axhline(1, color=BEST, linewidth=0.6, linestyle=":")
            axis.set_xlabel("dimension d")
        _legend(figure, axes, summary)
        figure.suptitle(_state(summary), fontsize=8)
    return figure


def _curve(axis: Any, own: list[Ratio], option: str, number: int) -> None:
    points = []
    for one in own:
        is_distance = one.row.metric.kind == "distance"
        value = one.ratio.value if is_distance else mean_position(one)
        if math.isfinite(value):
            points.append((one, value))
    if not points:
        return
    versus = points[0][0].row.versus
    colour, marker = SIDES[versus], MARKERS[number % len(MARKERS)]
    d = [one.entry.dimension for one, _ in points]
    label = f"{NAMES[versus]}, {READINGS.get(option, option)}" if NAMES[versus] else None
    axis.plot(d, [v for _, v in points], SHADES[number % len(SHADES)], color=colour, linewidth=1)
    band = [(x, one.ratio) for x, (one, _) in zip(d, points, strict=True)]
    if not any(math.isnan(b.low) for _, b in band):
        axis.fill_between(
            d, [b.low for _, b in band], [b.high for _, b in band], color=colour, alpha=0.12,
            linewidth=0,
        )  # fmt: skip
    for is_informative in (True, False):
        chosen = [(x, v) for x, (one, v) in zip(d, points, strict=True)
                  if one.row.is_informative is is_informative]  # fmt: skip
        axis.plot(
            [x for x, _ in chosen], [v for _, v in chosen], marker, color=colour, markersize=5,
            markerfacecolor=colour if is_informative else "white",
            label=label if is_informative else None,
        )  # fmt: skip


def _nothing_learnt(axis: Any, summary: Summary, label: str) -> None:
    """What score 0 generates, in every dimension."""
    for versus, marker in CROSSES.items():
        points = [
            (ground.dimension, one.ratio)
            for ground in summary.grounds
            for one in ground.controls
            if (one.name, one.metric.label, one.versus) == (DECOY, label, versus)
            and math.isfinite(one.ratio)
        ]
        d, ratios = zip(*points, strict=True) if points else ((), ())
        axis.plot(d, ratios, marker, color=SIDES[versus], markersize=4, markeredgewidth=0.9)


def _blind(axis: Any, summary: Summary, label: str) -> None:
    """Grey where the metric is not informative, hatched where nothing is trained."""
    dimensions = np.log([ground.dimension for ground in summary.grounds])
    if len(dimensions) > 1:
        middles = (dimensions[1:] + dimensions[:-1]) / 2
        edges = np.exp([2 * dimensions[0] - middles[0], *middles, 2 * dimensions[-1] - middles[-1]])
    else:
        edges = np.exp(dimensions[0] + np.array([-0.1, 0.1]))
    untrained = {e.dimension for e in summary.entries if e.state == NOT_TRAINED}
    for k, ground in enumerate(summary.grounds):
        power = next(p for p in ground.powers if p.metric.label == label)
        if not power.informative:
            axis.axvspan(edges[k], edges[k + 1], color="#dddddd", linewidth=0, zorder=0)
        if ground.dimension in untrained:
            axis.axvspan(
                edges[k], edges[k + 1], facecolor="none", edgecolor="#bbbbbb", hatch="///",
                linewidth=0, zorder=0.5,
            )  # fmt: skip
    axis.set_xlim(edges[0], edges[-1])


def _legend(figure: Any, axes: Any, summary: Summary) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    seen: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            seen.setdefault(label, handle)
    for side in ("s_star", "gaussian"):
        seen[f"score 0 (nothing learnt), {NAMES[side]}"] = Line2D(
            [], [], marker=CROSSES[side], linestyle="", color=SIDES[side], markersize=4
        )
    seen["hollow: not informative, no result"] = Line2D(
        [], [], marker="o", linestyle="", color=BEST, markerfacecolor="white", markersize=5
    )
    seen["grey: cannot tell s* from the Gaussian, or measures widths"] = Patch(color="#dddddd")
    if any(e.state == NOT_TRAINED for e in summary.entries):
        seen["hatched: not trained"] = Patch(facecolor="none", edgecolor="#bbbbbb", hatch="///")
    figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=2)


def _state(summary: Summary) -> str:
    """What has no value, or not all of them."""
    parts = []
    for state, option in dict.fromkeys((e.state, e.option) for e in summary.entries):
        if state != TRAINED:
            d = [
                str(e.dimension) for e in summary.entries if (e.state, e.option) == (state, option)
            ]
            name = "" if state == NOT_TRAINED else f" ({READINGS.get(option, option)})"
            parts.append(f"{state}{name}: d = {', '.join(d)}")
    return "; ".join(parts)


def pictures(summary: Summary) -> Any:
    """First two coordinates of clouds: s*, the Gaussian, and the first simulation's networks."""
    settings = summary.settings
    shown = [e for e in summary.entries if e.clouds]
    dimensions = list(dict.fromkeys(e.dimension for e in shown))
    options = list(dict.fromkeys(e.option for e in shown))
    size = (1 + 2.2 * (2 + len(options)), 0.8 + 2.3 * len(dimensions))
    with canvas(len(dimensions), 2 + len(options), *size, sharex="row", sharey="row") as (
        figure,
        axes,
    ):
        for row, d in enumerate(dimensions):
            points = settings.sample(d, 0)
            count = len(shown[0].clouds[0])
            panels = {
                "s*": (memorised_set(points, settings.generation, "shown")[:count], BEST),
                "fitted Gaussian": (
                    clouds.gaussian_cloud(points, settings.generation, "shown")[:count], FOURTH,
                ),
            }  # fmt: skip
            for option in options:
                own = [e for e in shown if (e.dimension, e.option) == (d, option)]
                cloud = own[0].clouds[0] if own else np.empty((0, 2))
                panels[READINGS.get(option, option)] = (cloud, OURS)
            for axis, (name, (cloud, colour)) in zip(axes[row], panels.items(), strict=True):
                if np.isfinite(cloud).all() and len(cloud):
                    axis.scatter(cloud[:, 0], cloud[:, 1], s=4, color=colour, linewidth=0)
                else:
                    axis.text(0.5, 0.5, DIVERGED if len(cloud) else "", ha="center",
                              transform=axis.transAxes, backgroundcolor="white")  # fmt: skip
                axis.plot(
                    points[:, 0], points[:, 1], "+", color=THIRD, markersize=7, markeredgewidth=1.4
                )
                axis.set_title(textwrap.fill(f"d = {d}: {name}", 26), fontsize=8)
        figure.supxlabel("first coordinate; + training points", fontsize=8)
        figure.supylabel("second coordinate", fontsize=8)
    return figure

"""Drawings of figure 3: clouds, and distances against the learning rate, beside the page's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.experiments import page
from dsmverify.experiments.clouds import EXTREMES, TARGET, UNINFORMATIVE, Row, Versus
from dsmverify.experiments.figure3 import EQUAL_STEPS
from dsmverify.experiments.plots import BEST, FOURTH, OURS, PAGE, THIRD, canvas

if TYPE_CHECKING:
    from dsmverify.experiments.figure3 import Entry, Summary

Floats = NDArray[np.float64]
Panel = tuple[str, Floats, str]
"""Title, points, colour."""

COLUMNS = 4
STYLES: dict[Versus, tuple[str, str, str]] = {
    "s_star": (OURS, "o-", "to what s* generates"),
    "gaussian": (THIRD, "s--", "to the fitted Gaussian"),
    "target": (FOURTH, "^-.", "to the target"),
    "training points": (OURS, "o-", "of the training points"),
}


def clouds(summary: Summary, *, with_page: bool) -> Any:
    """Generated points: ours above, the page's below; training points in all.

    Args:
        summary: of a run in d = 2.
        with_page: whether the sample is the page's.
    """
    base = summary.base
    small, large = base[0], base[-1]
    ours = [("generated with s*", summary.clouds["s_star"])]
    ours += [(_length(e), summary.clouds[_text(e.rate)]) for e in (small, large)]
    longer = [e for e in summary.entries if e.option == EQUAL_STEPS]
    if longer and EQUAL_STEPS in summary.clouds:
        title = f"rate {_text(large.rate)}\n{longer[0].steps} steps, as at rate {_text(small.rate)}"
        ours.append((title, summary.clouds[EQUAL_STEPS]))
    ours.append(("fitted Gaussian", summary.clouds["gaussian"]))
    rows: list[list[Panel | None]] = [[(title, cloud, OURS) for title, cloud in ours]]
    below: list[Panel | None] = []
    if with_page:
        printed = page.clouds()
        below.append(("the page: s*", printed.s_star, PAGE))
        below += [
            (f"the page: rate {_text(r)}", printed.s_theta[r], PAGE)
            for r in (small.rate, large.rate)
            if r in printed.s_theta
        ]
    if TARGET in summary.clouds:
        below += [None] * (len(ours) - 1 - len(below))
        below.append(("target", summary.clouds[TARGET], OURS))
    if below:
        rows.append(below)
    shown = [panel[1] for row in rows for panel in row if panel]
    reach = 1.05 * float(
        np.quantile(np.abs(np.concatenate([x for x in shown if np.isfinite(x).all()])), 0.999)
    )
    size = (2.5 * len(ours), 0.6 + 2.5 * len(rows))
    with canvas(len(rows), len(ours), *size, sharex=True, sharey=True) as (figure, axes):
        for axis in axes.flat:
            axis.set_visible(False)
        for line, panels in zip(axes, rows, strict=True):
            for axis, panel in zip(line, panels, strict=False):
                if panel:
                    _cloud(axis, summary.sample, *panel, reach)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, markerscale=2)
    return figure


def _length(entry: Entry) -> str:
    """A panel's title: the rate, and how long is trained."""
    share = "" if entry.share == 1 else f", {100 * entry.share:.2g} % of the full"
    return f"rate {_text(entry.rate)}\n{entry.steps} steps{share}"


def _cloud(axis: Any, sample: Floats, title: str, cloud: Floats, colour: str, reach: float) -> None:
    axis.set_visible(True)
    axis.plot(*cloud.T, ".", color=colour, markersize=1.5, alpha=0.5, label="generated points")
    axis.plot(*sample.T, "x", color="black", markersize=5, label="training points")
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.set_title(title, fontsize=8)
    axis.tick_params(labelbottom=True)


def distances(summary: Summary) -> Any:
    """Every metric against the rate, with the page's values where it has the metric."""
    rows = [row for entry in summary.base for row in entry.rows]
    labels = list(dict.fromkeys(row.metric.label for row in rows))
    lines = -(-len(labels) // COLUMNS)
    with canvas(lines, COLUMNS, 12, 0.8 + 2.3 * lines, sharex=True) as (figure, axes):
        for axis in axes.flat:
            axis.set_visible(False)
        for axis, label in zip(axes.flat, labels, strict=False):
            _metric(axis, label, [row for row in rows if row.metric.label == label])
        for axis in axes.flat[max(0, len(labels) - COLUMNS) : len(labels)]:
            axis.set_xlabel("learning rate η (log scale)")
            axis.tick_params(labelbottom=True)
        shares = sorted({e.share for e in summary.base})
        if shares[0] < 1:
            figure.suptitle(
                "Steps cut: rate x steps is "
                + ", ".join(f"{100 * e.share:.2g} % at η = {_text(e.rate)}" for e in summary.base)
                + " of the full configuration's"
                + (
                    "; the page's values are of its own, longer runs"
                    if any(row.printed for row in rows)
                    else ""
                ),
                fontsize=9,
            )
        seen: dict[str, Any] = {}
        for axis in axes.flat:
            for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
                seen.setdefault(name, handle)
        figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=4)
    return figure


def _metric(axis: Any, label: str, rows: Sequence[Row]) -> None:
    axis.set_visible(True)
    for versus in dict.fromkeys(row.versus for row in rows):
        own = [row for row in rows if row.versus == versus]
        colour, style, name = STYLES[versus]
        informative = own[0].is_informative
        rates = [float(row.label) for row in own]
        bands = [row.band for row in own]
        axis.fill_between(
            rates, [b.low for b in bands], [b.high for b in bands], linewidth=0, alpha=0.2,
            color=colour if informative else BEST,
        )  # fmt: skip
        axis.plot(
            rates, [b.value for b in bands], style, markersize=4,
            color=colour if informative else BEST,
            label=f"ours {name}" if informative else f"grey, marked as above: {UNINFORMATIVE}",
        )  # fmt: skip
        printed = [(r, row.printed.value) for r, row in zip(rates, own, strict=True) if row.printed]
        if printed:
            axis.plot(
                *zip(*printed, strict=True), style[0] + ":", color=PAGE, markersize=4,
                markerfacecolor=PAGE if versus == EXTREMES[0] else "none",
                label=f"the page's {name}",
            )  # fmt: skip
    power = rows[0].power
    lines = [
        (power.null, BEST, "-.", "null: two sets of s* (one, to training points)"),
        (power.extreme, BEST, ":", "extreme: s* and Gaussian (Gaussian alone)"),
    ]
    lines += [
        (row.power.extreme, FOURTH, ":", "extreme: s* and target")
        for row in rows[:3]
        if row.versus == TARGET
    ]
    for band, colour, style, name in lines:
        axis.axhline(band.value, color=colour, linewidth=0.7, linestyle=style, label=name)
    axis.set_xscale("log")
    rates = sorted({float(row.label) for row in rows})
    axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axis.set_xticks([], minor=True)
    axis.set_title(label + _blindness(rows), fontsize=8)


def _blindness(rows: Sequence[Row]) -> str:
    """What a metric is uninformative about, for its title."""
    able = {row.versus: row.is_informative for row in rows}
    if all(able.values()):
        return ""
    if not any(able.values()):
        return f": {UNINFORMATIVE}"
    return ": of use to the target only" if able[TARGET] else f": {UNINFORMATIVE} to the target"


def _text(rate: Fraction) -> str:
    return f"{float(rate):g}"

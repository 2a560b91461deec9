"""Drawings of figure 3: clouds, and distances against the learning rate, beside the page's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.experiments import page
from dsmverify.experiments.clouds import EXTREMES, UNINFORMATIVE, Row, Versus
from dsmverify.experiments.plots import BEST, OURS, PAGE, THIRD, canvas

if TYPE_CHECKING:
    from dsmverify.experiments.figure3 import Summary

Floats = NDArray[np.float64]

COLUMNS = 4
STYLES: dict[Versus, tuple[str, str, str]] = {
    "s_star": (OURS, "o-", "to what s* generates"),
    "gaussian": (THIRD, "s--", "to the fitted Gaussian"),
    "training points": (OURS, "o-", "of the training points"),
}


def clouds(summary: Summary, *, with_page: bool) -> Any:
    """Generated points: ours above, the page's below; training points in both.

    Args:
        summary: of a run in d = 2.
        with_page: whether the sample is the page's.
    """
    base = summary.base
    rates = [base[0].rate, base[-1].rate]
    ours = [("generated with s*", summary.clouds["s_star"])]
    ours += [
        (
            f"rate {float(e.rate):g}, {100 * e.share:.2g} % of the steps",
            summary.clouds[_text(e.rate)],
        )
        for e in (base[0], base[-1])
    ]
    ours.append(("fitted Gaussian", summary.clouds["gaussian"]))
    rows = [[(title, cloud, OURS) for title, cloud in ours]]
    if with_page:
        printed = page.clouds()
        shown = [("the page: s*", printed.s_star)]
        shown += [
            (f"the page: rate {float(r):g}", printed.s_theta[r])
            for r in rates
            if r in printed.s_theta
        ]
        rows.append([(title, cloud, PAGE) for title, cloud in shown])
    whole = np.concatenate(
        [cloud for row in rows for _, cloud, _ in row if np.isfinite(cloud).all()]
    )
    reach = 1.05 * float(np.quantile(np.abs(whole), 0.999))
    with canvas(len(rows), 4, 10, 0.6 + 2.5 * len(rows), sharex=True, sharey=True) as (
        figure,
        axes,
    ):
        for row, panels in zip(axes, rows, strict=True):
            for axis in row:
                axis.set_visible(False)
            for axis, (title, cloud, colour) in zip(row, panels, strict=False):
                _cloud(axis, summary.sample, title, cloud, colour, reach)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _cloud(axis: Any, sample: Floats, title: str, cloud: Floats, colour: str, reach: float) -> None:
    axis.set_visible(True)
    axis.plot(*cloud.T, ".", color=colour, markersize=1.5, alpha=0.5, label="generated points")
    axis.plot(*sample.T, "x", color="black", markersize=6, label="training points")
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
                + " of the page's; the page's values are of its own, longer runs",
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
    informative = rows[0].is_informative
    for versus in dict.fromkeys(row.versus for row in rows):
        own = [row for row in rows if row.versus == versus]
        colour, style, name = STYLES[versus]
        rates = [float(row.label) for row in own]
        bands = [row.band for row in own]
        axis.fill_between(
            rates, [b.low for b in bands], [b.high for b in bands], linewidth=0, alpha=0.2,
            color=colour if informative else BEST,
        )  # fmt: skip
        axis.plot(
            rates, [b.value for b in bands], style, markersize=4,
            color=colour if informative else BEST, label=f"ours {name}" if informative else None,
        )  # fmt: skip
        printed = [(r, row.printed.value) for r, row in zip(rates, own, strict=True) if row.printed]
        if printed:
            axis.plot(
                *zip(*printed, strict=True), style[0] + ":", color=PAGE, markersize=4,
                markerfacecolor=PAGE if versus == EXTREMES[0] else "none",
                label=f"the page's {name}",
            )  # fmt: skip
    power = rows[0].power
    axis.axhline(power.null.value, color=BEST, linewidth=0.7, linestyle="-.",
                 label="between two sets of s* (null)")  # fmt: skip
    axis.axhline(power.extreme.value, color=BEST, linewidth=0.7, linestyle=":",
                 label="between s* and Gaussian (extreme)")  # fmt: skip
    axis.set_xscale("log")
    rates = sorted({float(row.label) for row in rows})
    axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axis.set_xticks([], minor=True)
    axis.set_title(label if informative else f"{label}: {UNINFORMATIVE}", fontsize=8)


def _text(rate: Fraction) -> str:
    return f"{float(rate):g}"

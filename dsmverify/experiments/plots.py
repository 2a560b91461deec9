"""Vector drawings of figures 1 and 2, ours beside the page's. matplotlib, loaded here only.

Files are the same bytes for the same numbers: no date, ids from a fixed salt, text as paths.
Colours are Okabe and Ito's, told apart with colour-blind eyes; every series also has its own marker
or line style.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dsmverify.ensembles import measures
from dsmverify.ensembles.settings import Problem
from dsmverify.errors import MissingExtraError
from dsmverify.experiments import page
from dsmverify.experiments.groups import BASE, noise_level

if TYPE_CHECKING:
    from dsmverify.experiments import figure1 as figure1_module
    from dsmverify.experiments import figure2 as figure2_module

OURS, PAGE, BEST, THIRD, FOURTH = "#0072B2", "#D55E00", "#555555", "#009E73", "#CC79A7"
COLOURS = (OURS, THIRD, FOURTH, "#E69F00", "#56B4E9", "#882255", "#999933", "#999999")
MARKERS = "osD^vP*Xh<>"
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.facecolor": "white",
    "svg.hashsalt": "dsmverify",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@contextmanager
def canvas(rows: int, columns: int, width: float, height: float, **options: Any) -> Iterator[Any]:
    """A figure and its axes `[rows, columns]` in the package's style, without a window.

    Args:
        rows: of axes.
        columns: of axes.
        width: inches.
        height: inches.
        **options: of matplotlib's `Figure.subplots`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("train", "matplotlib", "drawing") from None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


def vector(figure: Any) -> dict[str, bytes]:
    """A figure as SVG and PDF, by suffix; the same bytes each time."""
    import matplotlib

    found = {}
    for suffix, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=suffix, metadata=metadata)
        found[suffix] = buffer.getvalue()
    return found


def figure1(summary: figure1_module.Summary) -> Any:
    """One row for each panel, one column for each rate: ours with its band, the page's line, s*."""
    rates = list(dict.fromkeys(c.rate for c in summary.curves))
    panels = list(summary.panels)
    size = (1 + 2.4 * len(rates), 0.9 + 2.3 * len(panels))
    with canvas(len(panels), len(rates), *size, sharex=True, sharey="row") as (figure, axes):
        for row, panel in enumerate(panels):
            time = summary.panels[panel]
            problem = Problem(summary.sample, *noise_level(time))
            best = measures.score(problem, summary.grid)[:, 0]
            lines = page.curves(panel) if panel in page.PANELS else {}
            printed = {p.rate for p in summary.points if p.panel == panel and p.printed}
            for column, rate in enumerate(rates):
                axis = axes[row, column]
                own = next(c for c in summary.curves if (c.panel, c.rate) == (panel, rate))
                axis.plot(summary.grid, best, color=BEST, linewidth=0.8, label="s*, least risk")
                axis.fill_between(
                    summary.grid, own.low, own.high, color=OURS, alpha=0.2, linewidth=0,
                    label="ours: middle 95 % at each y",
                )  # fmt: skip
                axis.plot(summary.grid, own.median, color=OURS, label="ours: median at each y")
                # The page's line is one run: so is this one, the first whatever it looks like.
                axis.plot(
                    summary.grid, own.one, color=THIRD, linestyle="-.", linewidth=1,
                    label="ours: first run",
                )  # fmt: skip
                if rate in printed:
                    line = lines[page.curve_name(rate)]
                    axis.plot(
                        line.y,
                        line.score,
                        color=PAGE,
                        linestyle=(0, (5, 1.5)),
                        label="the page's run",
                    )
                margin = 0.15 * float(best.max() - best.min())
                bottom, top = float(best.min()) - margin, float(best.max()) + margin
                axis.set_ylim(bottom, top)
                axis.plot(
                    problem.mu * summary.sample, np.full(len(summary.sample), bottom), "|",
                    color="black", markersize=9, clip_on=False, label="training points times µ",
                )  # fmt: skip
                runs = next(
                    p.values for p in summary.points
                    if (p.panel, p.rate, p.option) == (panel, rate, BASE)
                )  # fmt: skip
                diverged = int(np.isinf(runs).sum())
                if diverged:
                    axis.annotate(
                        f"{diverged} of {len(runs)} runs\ndiverged, left out", (1, 1),
                        xycoords="axes fraction", ha="right", va="top", fontsize=7, color=OURS,
                    )  # fmt: skip
                axis.set_title(f"t = {float(time):g}, learning rate {float(rate):g}", fontsize=9)
                if column == 0:
                    axis.set_ylabel("score")
                if row == len(panels) - 1:
                    axis.set_xlabel("noised point y")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def figure2(summary: figure2_module.Summary) -> Any:
    """Excess risk against the learning rate: a panel for each dimension and time."""
    # The page's values are of the base; where there are none, d > 1, options are drawn beside it.
    shown = [p for p in summary.points if not p.detail and (p.dimension > 1 or p.option == BASE)]
    keys = list(dict.fromkeys((p.dimension, p.time) for p in shown))
    dimensions = list(dict.fromkeys(d for d, _ in keys))
    columns = max(sum(d == e for e, _ in keys) for d in dimensions)
    with canvas(len(dimensions), columns, 1 + 3.1 * columns, 0.9 + 2.5 * len(dimensions)) as (
        figure,
        axes,
    ):
        for axis in axes.flat:
            axis.set_visible(False)
        for row, d in enumerate(dimensions):
            for column, (_, time) in enumerate(k for k in keys if k[0] == d):
                axis = axes[row, column]
                axis.set_visible(True)
                own = [p for p in shown if (p.dimension, p.time) == (d, time)]
                for k, option in enumerate(dict.fromkeys(p.option for p in own)):
                    _excess_risk(axis, _ascending([p for p in own if p.option == option]), k)
                axis.set_title(f"d = {d}, t = {float(time):g}", fontsize=9)
                kind = "" if d == 1 else ",\nsum over coordinates"
                if column == 0:
                    axis.set_ylabel(f"excess risk{kind}")
                if row == len(dimensions) - 1:
                    axis.set_xlabel("learning rate η (log scale)")
        cut = sorted({(p.option, p.dimension) for p in shown if not p.is_whole})
        if cut:
            named = "; ".join(f"{option}, d = {d}" for option, d in cut)
            figure.suptitle(f"Steps cut short at some rates: {named}", fontsize=9)
        _common_legend(figure, axes, 2)
    return figure


def figure2_options(summary: figure2_module.Summary) -> Any:
    """Mean excess risk of the base and every option beside the page's band, d = 1."""
    rows = [
        p
        for p in summary.points
        if p.dimension == 1 and p.printed is not None and not p.detail and p.is_whole
    ]
    times = list(dict.fromkeys(p.time for p in rows))
    with canvas(1, len(times), 1 + 3.3 * len(times), 3.6, sharey=True) as (figure, axes):
        options = list(dict.fromkeys(p.option for p in rows))
        for axis, time in zip(axes[0], times, strict=True):
            own = [p for p in rows if p.time == time]
            marked = _ascending([p for p in own if p.is_base and not p.survivors])
            _page_band(axis, marked)
            for k, option in enumerate(options):
                points = [
                    p
                    for p in _ascending([p for p in own if p.option == option])
                    if math.isfinite(p.summary.mean)
                ]
                shift = 1 + 0.06 * (k - (len(options) - 1) / 2)
                axis.plot(
                    [float(p.rate) * shift for p in points],
                    [p.summary.mean for p in points],
                    linestyle="-" if option == BASE else ":",
                    linewidth=1.5 if option == BASE else 0.8,
                    marker=MARKERS[k % len(MARKERS)],
                    markersize=4,
                    color=COLOURS[k % len(COLOURS)],
                    label=option,
                )
            _rate_axis(axis, marked)
            # Linear near 0, which the page's band crosses.
            axis.set_yscale("symlog", linthresh=0.01)
            axis.set_title(f"d = 1, t = {float(time):g}", fontsize=9)
            axis.set_xlabel("learning rate η (log scale, options side by side)")
        axes[0, 0].set_ylabel(
            "mean excess risk of runs\nthat did not diverge\n(log scale, linear below 0.01)"
        )
        _common_legend(figure, axes, 3)
    return figure


def _common_legend(figure: Any, axes: Any, columns: int) -> None:
    seen: dict[str, Any] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            seen.setdefault(label, handle)
    figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=columns)


def _excess_risk(axis: Any, points: Sequence[figure2_module.Point], number: int) -> None:
    """One option: mean with its band, and median. Where a run diverged, of those that did not."""
    colour, marker = COLOURS[number], MARKERS[number]
    alive = [p for p in points if math.isfinite(p.summary.mean)]
    rates = [float(p.rate) for p in alive]
    name = "ours" if points[0].option == BASE else points[0].option
    _page_band(axis, [p for p in points if not p.survivors])
    axis.fill_between(
        rates, [p.summary.low for p in alive], [p.summary.high for p in alive], color=colour,
        alpha=0.2, linewidth=0,
    )  # fmt: skip
    axis.plot(rates, [p.summary.mean for p in alive], f"{marker}-", color=colour, markersize=4,
              label=f"{name}: mean, bootstrap band")  # fmt: skip
    axis.plot(rates, [p.summary.median for p in alive], "x:", color=colour, markersize=5,
              label="ours: median" if points[0].option == BASE else None)  # fmt: skip
    for p in points:
        if p.summary.diverged:
            axis.annotate(
                f"{p.summary.diverged} of {p.summary.simulations} diverged,\nleft out",
                (float(p.rate), 1), xycoords=("data", "axes fraction"), ha="right", va="top",
                xytext=(-3, -11 * number), textcoords="offset points", fontsize=7, color=colour,
            )  # fmt: skip
    _rate_axis(axis, points)


def _page_band(axis: Any, points: Sequence[figure2_module.Point]) -> None:
    shown = [(float(p.rate), p.printed) for p in points if p.printed is not None]
    if not shown:
        return
    rates = [rate for rate, _ in shown]
    axis.fill_between(
        rates, [v.low for _, v in shown], [v.high for _, v in shown], color=PAGE, alpha=0.15,
        linewidth=0,
    )  # fmt: skip
    axis.plot(rates, [v.value for _, v in shown], "s--", color=PAGE, markersize=4,
              label="the page's value and band")  # fmt: skip


def _rate_axis(axis: Any, points: Sequence[figure2_module.Point]) -> None:
    rates = sorted({float(p.rate) for p in points})
    axis.set_xscale("log")
    axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axis.set_xticks([], minor=True)


def _ascending(points: Sequence[figure2_module.Point]) -> list[figure2_module.Point]:
    return sorted(points, key=lambda p: p.rate)

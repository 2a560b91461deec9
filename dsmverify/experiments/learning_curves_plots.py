"""Pictures of learning curves: lines with simulated dots, and the diagram over (psi_n, psi_p).

matplotlib is loaded here only. The same numbers give the same bytes.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from dsmverify.experiments.learning_curves import ERRORS, Diagram, Line, Run, Summary
from dsmverify.experiments.learning_curves_settings import Curves, Panel, spelled_draws
from dsmverify.experiments.plots import COLOURS, MARKERS, canvas, vector

NAMES: Final = {
    "test_error": "$E_{test}$",
    "train_error": "$E_{train}$",
    "memorisation_error": "$E_{mem}$",
}
LINE_STYLES: Final = ("-", (0, (5, 1.5)), (0, (3, 1.2, 1, 1.2)), (0, (1, 1)))
ZERO_SCORE: Final = 1.0
"""E_test and E_train of the zero score."""

SHARE_LEVELS: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Of E_mem/a^2: 0 is full memorisation, 1 as good as the true score, above 1 worse. The middle one
is where the colours turn, here and below."""

TEST_LEVELS: Final = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0, 10.0, 20.0, 50.0)
_BAND: Final = 2.0
"""Standard errors on either side of a dot."""


def draw(summary: Summary) -> dict[str, bytes]:
    """Every picture by file name.

    Args:
        summary: what was found.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    found = {f"curves.{suffix}": data for suffix, data in vector(curves(summary)).items()}
    if summary.diagram is not None:
        drawn = vector(phase(summary.diagram))
        found |= {f"phase.{suffix}": data for suffix, data in drawn.items()}
    return found


def curves(summary: Summary) -> Any:
    """One row for each panel, one column for each error; a line and its dots for each m."""
    panels = summary.curves.panels
    size = (10.5, 1.1 + 2.9 * len(panels))
    with canvas(len(panels), len(ERRORS), *size, sharex="row") as (figure, axes):
        for row, panel in enumerate(panels):
            lines = [line for line in summary.lines if line.panel == panel]
            for column, name in enumerate(ERRORS):
                axis = axes[row, column]
                _guides(axis, summary.curves, panel, name)
                for index, line in enumerate(lines):
                    _line(axis, line, name, index)
                    runs = [r for r in summary.runs if (r.panel, r.draws) == (panel, line.draws)]
                    _dots(axis, _largest(runs), name, index)
                axis.set_xscale("log")
                axis.xaxis.set_minor_formatter("")
                axis.set_yscale("log" if name == "test_error" else "linear")
                if name != "test_error":
                    axis.set_ylim(bottom=0)
                axis.set_title(f"{NAMES[name]}, {panel.name}")
                if row == len(panels) - 1:
                    axis.set_xlabel(r"$\psi_p = p/d$")
        _legend(figure, axes[0, 0], summary)
    return figure


def _line(axis: Any, line: Line, name: str, index: int) -> None:
    values = np.where(np.isfinite(line.values[name]), line.values[name], np.nan)
    axis.plot(
        line.psi_p,
        values,
        color=COLOURS[index % len(COLOURS)],
        linestyle=LINE_STYLES[index % len(LINE_STYLES)],
        label=f"m = {_named(line.draws)}",
    )


def _dots(axis: Any, runs: list[Run], name: str, index: int) -> None:
    """Means, with bands of two standard errors; a band's lower end may leave a log axis."""
    if not runs:
        return
    places = [float(run.psi_p) for run in runs]
    means = np.array([run.estimates[name].mean for run in runs])
    reach = _BAND * np.array([run.estimates[name].standard_error for run in runs])
    axis.errorbar(
        places,
        means,
        yerr=reach,
        fmt=MARKERS[index % len(MARKERS)],
        markersize=3.5,
        markerfacecolor="white",
        color=COLOURS[index % len(COLOURS)],
        capsize=2.5,
        linewidth=1,
    )


def _largest(runs: list[Run]) -> list[Run]:
    """The runs of the largest size."""
    size = max((run.size.dimension for run in runs), default=0)
    return [run for run in runs if run.size.dimension == size]


def _guides(axis: Any, configured: Curves, panel: Panel, name: str) -> None:
    """Where p = n and p = n m, and what a known score has."""
    low, high = float(configured.psi_p.low), float(configured.psi_p.high)
    for draws in sorted({1.0, *configured.draws}):
        place = float(panel.psi_n) * draws
        if not low <= place <= high:
            continue
        axis.axvline(place, color="#777777", linewidth=0.7, linestyle=":")
        axis.annotate(
            "p = n" if draws == 1 else f"p = {draws:g} n", (place, 1),
            xycoords=("data", "axes fraction"), xytext=(1.5, -2), textcoords="offset points",
            rotation=90, ha="left", va="top", fontsize=6.5, color="#555555",
        )  # fmt: skip
    level = math.exp(-2 * float(panel.time)) if name == "memorisation_error" else ZERO_SCORE
    axis.axhline(level, color="#555555", linewidth=0.7, linestyle=(0, (6, 3)))


def _legend(figure: Any, axis: Any, summary: Summary) -> None:
    from matplotlib.lines import Line2D

    handles, labels = axis.get_legend_handles_labels()
    dashes = (0, (6, 3))
    handles += [
        Line2D([], [], color="#777777", linestyle=":", linewidth=0.7),
        Line2D([], [], color="#555555", linestyle=dashes, linewidth=0.7),
    ]
    labels += ["p = n m", "zero score (test, train); true score (mem)"]
    if summary.runs:
        size = max(run.size.dimension for run in summary.runs)
        handles.append(
            Line2D([], [], color="#333333", marker="o", markerfacecolor="white", linestyle="")
        )
        labels.append(f"finite models, d = {size}, ± 2 standard errors")
    figure.legend(handles, labels, loc="outside lower center", ncols=4)


def phase(diagram: Diagram) -> Any:
    """E_mem/a^2 above, E_test below, a column for each m; lines at p = n and p = n m."""
    shares = math.exp(-2 * float(diagram.phase.time))
    draws = diagram.phase.draws
    with canvas(2, len(draws), 1.6 + 2.7 * len(draws), 5.6, sharex=True, sharey=True) as (
        figure,
        axes,
    ):
        for column, m in enumerate(draws):
            found = diagram.values[m]
            upper = _filled(
                axes[0, column], diagram, found["memorisation_error"] / shares, SHARE_LEVELS,
                "RdBu", 0.5,
            )  # fmt: skip
            lower = _filled(
                axes[1, column], diagram, found["test_error"], TEST_LEVELS, "PuOr_r", 1.0
            )
            for row in (0, 1):
                _boundaries(axes[row, column], diagram, m)
            axes[0, column].set_title(f"m = {_named(m)}")
            axes[1, column].set_xlabel(r"$\psi_n = n/d$")
        for row in (0, 1):
            axes[row, 0].set_ylabel(r"$\psi_p = p/d$")
        figure.colorbar(upper, ax=list(axes[0]), label=r"$E_{mem}/a^2$ (line at 1/2)", format="%g")
        figure.colorbar(lower, ax=list(axes[1]), label=r"$E_{test}$ (line at 1)", format="%g")
        figure.suptitle(
            f"{diagram.phase.activation}, t = {float(diagram.phase.time):g}, "
            f"ridge {_ridge(diagram)}; dotted: p = n, dashed: p = n m; float64, not certified",
            fontsize=8,
        )
    return figure


def _filled(
    axis: Any,
    diagram: Diagram,
    values: Any,
    levels: tuple[float, ...],
    colours: str,
    line: float,
) -> Any:
    """Filled contours with one line; what lies beyond the ends has the colours of the ends."""
    from matplotlib.colors import BoundaryNorm

    shown = np.where(np.isfinite(values), values, levels[-1] * 10)
    norm = BoundaryNorm(levels, ncolors=256, extend="both")
    found = axis.contourf(
        diagram.axis, diagram.axis, shown, levels=levels, norm=norm, cmap=colours, extend="both"
    )
    axis.contour(diagram.axis, diagram.axis, shown, levels=[line], colors="black", linewidths=1)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_minor_formatter("")
    axis.yaxis.set_minor_formatter("")
    axis.grid(visible=False)
    return found


def _boundaries(axis: Any, diagram: Diagram, draws: float) -> None:
    ends = np.array([diagram.axis[0], diagram.axis[-1]])
    axis.plot(ends, ends, color="black", linestyle=":", linewidth=1)
    if 1 < draws < math.inf:
        axis.plot(ends, draws * ends, color="black", linestyle=(0, (5, 2)), linewidth=1)
    axis.set_xlim(*ends)
    axis.set_ylim(*ends)


def _ridge(diagram: Diagram) -> str:
    lam = diagram.phase.lam
    return lam if isinstance(lam, str) else f"{float(lam):g}"


def _named(draws: float) -> str:
    return "∞" if math.isinf(draws) else spelled_draws(draws)

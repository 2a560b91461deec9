"""The picture of the experiment on critical rates: the same curves against four scales of the rate.

A scale that the critical rate follows brings the curves' rises to one place. Text of the SVG stays
text; both files are the same bytes each time they are drawn from the same numbers.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dsmverify.errors import MissingExtraError
from dsmverify.experiments.critical import Critical, Result, Setting
from dsmverify.experiments.critical_tables import all_collapses, collapse_sets
from dsmverify.experiments.scaling import Collapse, median_levels

PANELS: dict[str, str] = {
    "theorem": r"thm08: $\eta\,/\,(\sigma^2/(n^2\Delta))$",
    "translation": r"shift4, shift7: $\eta\,/\,\sigma^4$",
    "translation_by_dimension": r"shift5: $\eta\,d\,/\,\sigma^4$",
    "slope": r"slope of $s^*$: $\eta\,E\|Ds^*\|^2$",
}
"""Scales and their axis labels, left to right."""

MARKS: dict[str, tuple[float, ...]] = {
    "theorem": (4096.0,),
    "translation": (2.0, 4.0),
    "translation_by_dimension": (2.0, 4.0),
    "slope": (1.0,),
}
"""Where the answers put the critical rate: 2^12 (mu left out); shift4 and shift7; s* itself."""

COLOURS = {"equispaced": "#0072b2", "clusters": "#d55e00", "normal": "#009e73"}
"""Of sample shapes; told apart also by people who see no red or green."""

DASHED = (0, (3, 1.5))
"""Line style of d > 1."""

PALE = 0.3
"""Opacity of curves that do not start low."""

TOP, BOTTOM, PANEL = 0.75, 0.5, 2.4
"""Inches above, below and for each row of panels."""

LOWEST, HIGHEST = 1e-4, 3.0
"""Range of levels shown; a median that is infinite (diverged) is drawn at the top."""


def draw(critical: Critical, ended: Mapping[Setting, Result]) -> dict[str, bytes]:
    """The picture as `critical.svg` and `critical.pdf`.

    Args:
        critical: the configuration.
        ended: results by setting.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("train", "matplotlib", "drawing") from None

    fixed: Any = {"svg.hashsalt": "critical", "svg.fonttype": "none", "pdf.fonttype": 42}
    with mpl.rc_context(fixed | {"font.size": 8.0, "axes.titlesize": 8.0}):
        rows = _rows(critical)
        height = TOP + BOTTOM + PANEL * len(rows)
        figure = Figure(figsize=(11.0, height))
        axes = figure.subplots(len(rows), len(PANELS), sharey=True, squeeze=False)
        spreads = {(label, scale): one for label, scale, one in all_collapses(critical, ended)}
        for row, (label, settings) in zip(axes, rows.items(), strict=True):
            for axis, scale in zip(row, PANELS, strict=True):
                one = spreads[label, scale]
                _panel(axis, critical, [ended[s] for s in settings], scale, one)
            row[0].set_ylabel(f"{label}\n" + r"median $\sigma^2\,$excess risk$\,/d$")
        for axis, text in zip(axes[-1], PANELS.values(), strict=True):
            axis.set_xlabel(text)
        figure.legend(handles=_handles(), loc="upper center", ncols=4, frameon=False)
        figure.subplots_adjust(
            0.07, BOTTOM / height, 0.99, 1 - TOP / height, wspace=0.1, hspace=0.3
        )
        found = {}
        for name, canvas, metadata in (
            ("critical.svg", FigureCanvasSVG(figure), {"Date": None}),
            ("critical.pdf", FigureCanvasPdf(figure), {"CreationDate": None}),
        ):
            buffer = io.BytesIO()
            canvas.print_figure(buffer, format=name.rpartition(".")[2], metadata=metadata)
            found[name] = buffer.getvalue()
    return found


def _rows(critical: Critical) -> dict[str, list[Setting]]:
    """Rows of panels: the largest set of settings of each parametrisation."""
    sets = collapse_sets(critical)
    shown = ("experiments, all d", "frozen, all d", "theory, d = 1")
    return {label: sets[label] for label in shown if label in sets}


def _panel(
    axis: Any, critical: Critical, results: Sequence[Result], scale: str, spread: Collapse
) -> None:
    for result in results:
        levels = np.clip(median_levels(result.relative), LOWEST, HIGHEST)
        axis.plot(
            result.rates / result.scales[scale],
            levels,
            color=COLOURS[result.setting.points.shape],
            linestyle="-" if result.setting.dimension == 1 else DASHED,
            linewidth=0.7,
            alpha=0.8 if result.starts_low(critical.rules[0]) else PALE,
        )
    for place in MARKS[scale]:
        axis.axvline(place, color="black", linewidth=0.6, linestyle=":")
    main = critical.rules[0]
    if main.unit == "noise":
        axis.axhline(float(main.level), color="grey", linewidth=0.6)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.xaxis.get_major_locator().set_params(numticks=6)
    axis.set_ylim(LOWEST, HIGHEST * 1.2)
    axis.set_title(
        f"spread {spread.spread:.2f} [{spread.low:.2f}, {spread.high:.2f}] decades"
        if spread.used > 1
        else "fewer than two critical rates"
    )


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D

    names = {"equispaced": "equispaced", "clusters": "two clusters", "normal": "normal"}
    lines = [Line2D([], [], color=COLOURS[k], label=name) for k, name in names.items()]
    return [
        *lines,
        Line2D([], [], color="black", linestyle=DASHED, label="d > 1"),
        Line2D([], [], color="grey", label="level of the rule"),
        Line2D([], [], color="black", linestyle=":", label="predicted, with constant"),
        Line2D([], [], color="black", alpha=PALE, label="starts above a third of the level"),
        Line2D([], [], color="none", label="at the top: median run diverged"),
    ]

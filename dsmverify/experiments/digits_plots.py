"""Pictures of the digits: generated beside their nearest training image, and rate against ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.experiments.plots import BEST, COLOURS, FOURTH, OURS, PAGE, THIRD, canvas

if TYPE_CHECKING:
    from dsmverify.experiments.digits import Images, Sample, Source, Summary

Floats = NDArray[np.float64]

GAP = 1
"""Pixels between two images."""

SHADES = 16.0
"""Largest pixel value: black."""

STATISTICS = (
    ("memorised", "memorised\n(nearest below a third of second)"),
    ("nearest_ratio", "nearest over second nearest,\nmedian"),
    ("nearest_distance", "distance to the nearest,\nmedian"),
)
"""Rows of the second picture: name and axis label."""

LINES = ((BEST, (0, (1, 1.5))), (THIRD, "--"), (FOURTH, "-."))
"""Colour and dashes of each control."""


def mosaic(generated: Floats, nearest: Floats, images: Images) -> Floats:
    """Two rows of images as one: generated above, the nearest training image below.

    Args:
        generated: `[k, d]`, coordinates.
        nearest: `[k, d]`, coordinates of the training images.
        images: says what pixel values the coordinates are.

    Returns:
        `[2 side + GAP, k side + (k - 1) GAP]`, pixel values, NaN between images.
    """
    count, d = generated.shape
    side = round(d**0.5)
    found = np.full((2 * side + GAP, count * (side + GAP) - GAP), np.nan)
    for row, coordinates in enumerate((generated, nearest)):
        for k, shown in enumerate(images.shown(coordinates)):
            top, left = row * (side + GAP), k * (side + GAP)
            found[top : top + side, left : left + side] = shown.reshape(side, side)
    return found


def panel(summary: Summary) -> Any:
    """Every source a row, every n a column: generated images over their nearest training image.

    Under each pair stands the distance to the nearest over that to the second nearest. The images
    are the first of a set, not chosen; those of all networks were made from the same noise.
    """
    from dsmverify.experiments.digits import match

    columns = summary.samples
    rows = max(len(_drawn(sample)) for sample in columns)
    count = max(len(s.shown) for sample in columns for s in sample.sources)
    size = (0.6 + 0.46 * count * len(columns), 0.6 + 1.32 * rows)
    with canvas(rows, len(columns), *size) as (figure, axes):
        for axis in axes.flat:
            axis.set_visible(False)
        for column, sample in enumerate(columns):
            for row, source in enumerate(_drawn(sample)):
                axis = axes[row, column]
                axis.set_visible(True)
                found = match(source.shown, sample.points)
                nearest = sample.points[found.index]
                _mosaic(axis, mosaic(source.shown, nearest, summary.images), found.ratio)
                axis.set_title(_name(source), fontsize=8, loc="left")
        lost = [
            f"n = {sample.size}: " + ", ".join(s.label for s in sample.networks if s.has_diverged)
            for sample in columns
            if any(s.has_diverged for s in sample.networks)
        ]
        words = ", ".join(f"{sample.size} training images" for sample in columns)
        text = f"Left to right: {words}" + (
            f"\nRates that diverged: {'; '.join(lost)}" if lost else ""
        )
        figure.suptitle(text, fontsize=9)
    return figure


def _drawn(sample: Sample) -> list[Source]:
    """Sources with something to show: controls around the networks, by descending rate."""
    alive = [s for s in sample.networks if np.isfinite(s.shown).all()]
    exact, linear, held_out = (s for s in sample.sources if not s.is_network)
    return [exact, *sorted(alive, key=lambda s: (s.rate, -s.steps)), linear, held_out]


def _name(source: Source) -> str:
    if not source.is_network:
        return source.label
    return f"rate {source.label}, {source.steps} steps"


def _mosaic(axis: Any, picture: Floats, ratios: Floats) -> None:
    shown = np.ma.masked_invalid(picture)
    axis.imshow(shown, cmap="gray_r", vmin=0, vmax=SHADES, interpolation="nearest")
    side = (picture.shape[0] - GAP) // 2
    centres = np.arange(len(ratios)) * (side + GAP) + (side - 1) / 2
    axis.set_xticks(centres, [f"{ratio:.2f}" for ratio in ratios], fontsize=7)
    axis.set_yticks([(side - 1) / 2, side + GAP + (side - 1) / 2], ["made", "nearest"], fontsize=7)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def ratios(summary: Summary) -> Any:
    """Memorisation against the rate: a row for each statistic, a column for each n."""
    columns = len(summary.samples)
    size = (1 + 3.2 * columns, 1 + 2.2 * len(STATISTICS))
    with canvas(len(STATISTICS), columns, *size, sharex=True, sharey="row") as (figure, axes):
        for column, sample in enumerate(summary.samples):
            for row, (name, label) in enumerate(STATISTICS):
                axis = axes[row, column]
                _curves(axis, sample, name)
                if column == 0:
                    axis.set_ylabel(label)
                is_informative = sample.sources[0].row(name).is_informative
                if not is_informative:
                    axis.set_title("uninformative here", fontsize=8, loc="right", color=PAGE)
            axes[0, column].set_title(f"n = {sample.size}", fontsize=9, loc="left")
            axes[-1, column].set_xlabel("learning rate η (log scale)")
        seen: dict[str, Any] = {}
        for axis in axes[0]:
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
                seen.setdefault(label, handle)
        figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=3)
    return figure


def _curves(axis: Any, sample: Sample, name: str) -> None:
    whole = [s for s in sample.networks if s.is_whole]
    short = [s for s in sample.networks if not s.is_whole]
    # The rate of which the short runs have the steps belongs to their curve, too.
    lengths = {s.steps for s in short}
    short += [s for s in whole if s.steps in lengths]
    _curve(axis, whole, name, OURS, "o-", "same rate x steps")
    _curve(axis, short, name, COLOURS[3], "s--", "same number of steps")
    controls = [s for s in sample.sources if not s.is_network]
    for source, (colour, dashes) in zip(controls, LINES, strict=True):
        value = source.row(name).band.value
        axis.axhline(value, color=colour, linestyle=dashes, linewidth=1.2, label=source.label)
    lost = [float(s.rate) for s in whole if s.rate is not None and s.has_diverged]
    if lost:  # matplotlib gives an empty line that is not clipped no place
        axis.plot(
            lost, [1] * len(lost), "x", color=PAGE, transform=axis.get_xaxis_transform(),
            clip_on=False, label="diverged: no value",
        )  # fmt: skip
    rates = sorted(float(s.rate) for s in whole if s.rate is not None)
    axis.set_xscale("log")
    axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axis.set_xticks([], minor=True)


def _curve(
    axis: Any, sources: Sequence[Source], name: str, colour: str, style: str, label: str
) -> None:
    alive = sorted(
        ((float(s.rate), s.row(name).band) for s in sources if s.rate and not s.has_diverged),
        key=lambda pair: pair[0],
    )
    rates = [rate for rate, _ in alive]
    axis.fill_between(
        rates, [band.low for _, band in alive], [band.high for _, band in alive], color=colour,
        alpha=0.2, linewidth=0,
    )  # fmt: skip
    axis.plot(rates, [band.value for _, band in alive], style, color=colour, markersize=4,
              label=label)  # fmt: skip

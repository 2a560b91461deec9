"""Risk against the learning rate: our runs of figure 2 beside the page's values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsmverify.report.html.drawing.axes import Axis, Drawing, decades, number
from dsmverify.report.pictures import RegimePicture
from dsmverify.report.text import plain

_LEFT, _RIGHT = 50.0, 384.0
_TOP, _BOTTOM = 26.0, 216.0
_APART = 3.5
"""Half the distance between ours and the page's value at one rate, so that bands do not overlap."""

BASE = "base"
"""The option of `fig2.csv` that was fixed before the first run."""

LEFT_OUT = "base; diverged runs left out"
"""The same, its mean taken over the runs that stayed finite."""


@dataclass(frozen=True)
class _Point:
    """Runs at one rate: a mean and a band, and the page's; None where there is no such number."""

    rate: float
    mean: float | None
    low: float | None
    high: float | None
    page: float | None
    page_low: float | None
    page_high: float | None
    simulations: str
    diverged: str


def draw(rows: Sequence[Mapping[str, str]], maps: Sequence[RegimePicture] = ()) -> Markup | None:
    """One drawing for each noise level; None where no row can be drawn.

    Args:
        rows: of `fig2.csv`, by column.
        maps: regime maps of the report: how far below the bound of theorem 8 lies is theirs.
    """
    panels: dict[str, list[_Point]] = {}
    for row in rows:
        if row["dimension"] == "1" and row["option"] == BASE:
            panels.setdefault(row["time"], [])
    for time in panels:
        panels[time] = _points(rows, time)
    shown = {time: points for time, points in panels.items() if points}
    if not shown:
        return None
    bounds = _bounds(maps)
    parts = [_panel(time, points, _nearest_bound(time, bounds)) for time, points in shown.items()]
    text = (
        "Figure 2 in one dimension: mean excess risk of trained networks against the learning "
        "rate, with 95 % bands; the page's values beside ours, moved apart a little. Runs are "
        "evidence, not certified. An arrow: the band goes on below the axis, to 0 or less."
    )
    return Markup(
        '<figure class="drawing drawing-wide"><div class="drawings">{}</div>'
        "<figcaption>{}</figcaption></figure>"
    ).format(Markup("").join(parts), text)


def _points(rows: Sequence[Mapping[str, str]], time: str) -> list[_Point]:
    """One point for each rate, of the runs that stayed finite where some did not."""
    here = [row for row in rows if row["dimension"] == "1" and row["time"] == time]
    finite = {row["learning_rate"]: row for row in here if row["option"] == LEFT_OUT}
    found = []
    for row in here:
        rate = _positive(row["learning_rate"])
        if row["option"] != BASE or rate is None:
            continue
        used = finite.get(row["learning_rate"], row)
        point = _Point(
            rate=math.log10(rate),
            mean=_exponent(used["mean"]),
            low=_exponent(used["low"]),
            high=_exponent(used["high"]),
            page=_exponent(row["page_value"]),
            page_low=_exponent(row["page_low"]),
            page_high=_exponent(row["page_high"]),
            simulations=used["simulations"],
            diverged=_diverged(row, used),
        )
        if point.mean is not None or point.page is not None:
            found.append(point)
    return sorted(found, key=lambda point: point.rate)


def _diverged(row: Mapping[str, str], used: Mapping[str, str]) -> str:
    if used is not row:
        return f"{used['simulations']} of {row['simulations']} runs, the others diverged"
    return "" if _positive(row["mean"]) is not None else "the mean diverged"


def _positive(text: str) -> float | None:
    """A positive finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _exponent(text: str) -> float | None:
    value = _positive(text)
    return None if value is None else math.log10(value)


def _panel(time: str, points: Sequence[_Point], bound: float | None) -> Markup:
    values = [
        value
        for point in points
        for value in (point.mean, point.high, point.low, point.page, point.page_low)
        if value is not None
    ]
    rates = [point.rate for point in points]
    across = decades(min(rates) - 0.2, max(rates) + 0.2, _LEFT, _RIGHT, wanted=5)
    up = decades(min(values) - 0.3, max(values) + 0.2, _BOTTOM, _TOP, wanted=6)
    drawing = Drawing()
    drawing.text(4, 14, f"excess risk, t = {time}", style="axis")
    drawing.frame(across, up)
    drawing.text(
        (_LEFT + _RIGHT) / 2, _BOTTOM + 29, "learning rate η", anchor="middle", style="axis"
    )
    _series(drawing, [(p.rate, p.mean, p.low, p.high) for p in points], across, up, ours=True)
    _series(
        drawing, [(p.rate, p.page, p.page_low, p.page_high) for p in points], across, up, ours=False
    )
    below = drawing.legend(
        _BOTTOM + 48, [("disc", "ours", "our runs"), ("diamond", "page", "the page's values")]
    )
    notes = [f"η = {number(p.rate)}: {p.diverged}" for p in points if p.diverged]
    if bound is not None:
        notes.append(f"theorem 8's bound, at its σ₀ only: {number(bound, 2)} of the")
        notes.append("zero score's risk, far below this axis")
    for note in notes:
        drawing.text(8, below + 4, note)
        below += 16
    drawing.height = below
    title = f"Excess risk against the learning rate, diffusion time {plain(time)}"
    return drawing.render(title, _description(points))


def _series(
    drawing: Drawing,
    values: Sequence[tuple[float, float | None, float | None, float | None]],
    across: Axis,
    up: Axis,
    *,
    ours: bool,
) -> None:
    """Means joined by a line, and their bands; a lower end of 0 or less is an arrow."""
    shift = -_APART if ours else _APART
    shape, look, line = ("disc", "ours", "ours-line") if ours else ("diamond", "page", "page-line")
    known = [
        (across.at(rate) + shift, up.at(mean)) for rate, mean, *_ in values if mean is not None
    ]
    drawing.path(known, line)
    for rate, mean, low, high in values:
        if mean is None:
            continue
        x, y = across.at(rate) + shift, up.at(mean)
        top = up.at(high) if high is not None else y
        bottom = up.at(low) if low is not None else up.start - 6
        drawing.path(((x, top), (x, bottom)), "page" if not ours else "ours-line")
        if low is None and high is not None:
            drawing.mark(x, up.start - 4, "down", look)
        drawing.mark(x, y, shape, look, f"rate {number(rate)}: {number(mean)}")


def _description(points: Sequence[_Point]) -> str:
    parts = []
    for point in points:
        ours = "diverged" if point.mean is None else number(point.mean)
        page = "not given" if point.page is None else number(point.page)
        text = f"rate {number(point.rate)}: ours {ours}, {point.simulations} runs, the page {page}"
        parts.append(f"{text}, {point.diverged}" if point.diverged else text)
    return "; ".join(parts) + "."


def _bounds(maps: Sequence[RegimePicture]) -> list[tuple[float, float]]:
    """Mu and the bound's exponent, of the maps of the experiments."""
    return [
        (picture.mu, picture.excess)
        for picture in maps
        if picture.excess is not None
        and any(entry.kind == "experiment" and entry.own_sample for entry in picture.settings)
    ]


def _nearest_bound(time: str, bounds: Sequence[tuple[float, float]]) -> float | None:
    """The bound of the experiment of this time, if there is one."""
    value = _positive(time)
    if value is None:
        return None
    mu = math.exp(-value)
    return next((found for other, found in bounds if abs(other - mu) < 1e-5 * mu), None)

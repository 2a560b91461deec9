"""The regime map: where the hypotheses of theorem 8 on sigma and the rate hold, for one sample.

Both axes are logarithmic. The map knows the printed constants only; that a hypothesis holds at a
point of the map says nothing about the others, which are about a network: a map is no certificate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from dsmverify.report.html.drawing.axes import (
    Axis,
    Drawing,
    decades,
    number,
    rows_apart,
    spread_out,
    text_width,
)
from dsmverify.report.pictures import LIMITS, RegimePicture, Setting
from dsmverify.report.text import plain

NOTE = (
    "A map is about one sample and one mu, held fixed as in the definition of sigma_0, with "
    "A = C_n/sigma^6. Its lines are the printed conditions of theorem 8: sigma at most each of "
    "sigma_1 to sigma_4, and a rate above 2^12 sigma^2/(mu n^2 Delta). In the green region all of "
    "these hold. The other hypotheses are about a network, a linearly stable interior minimum, "
    "which no map shows: a point in the region is not a certificate. Dashed, for n >= 4: where the "
    "conditions of the repaired form thm08.r2 hold. All numbers are approximate."
)
"""What a page says once, beside its maps."""

_LEFT, _RIGHT = 50.0, 392.0
_HIGH = 210.0
"""Height of the frame."""

_ROW = 15.0
"""Height of a row of labels above the frame."""

_NAMES = dict(zip(LIMITS, ("σ₁", "σ₂", "σ₃", "σ₄"), strict=True))
_REPAIRED_SHIFT = math.log10(4)
"""Decades by which `2^10` in thm08.r2's threshold is below the printed `2^12`."""

_LEAST_SIZE = 4
"""Points that thm08.r2 asks for."""

_BY = " by a factor "
"""What stands before the factor in the text of a failing hypothesis."""

_NOTHING_FAILS = "No hypothesis on sigma or the rate is certified to fail"

_SAME = 1e-3
"""Settings and runs closer than so many decades count as one point."""


def draw(picture: RegimePicture, runs: Sequence[Mapping[str, str]] | None = None) -> Markup:
    """The map of one sample.

    Args:
        picture: what the map shows.
        runs: rows of `fig2.csv`; those of one dimension are marked where mu and sigma are theirs.
    """
    trained = _runs(picture, runs or ())
    across, up = _axes(picture, trained)
    bottom = up.start
    drawing = Drawing()
    drawing.text(4, 14, "learning rate η", style="axis")
    _regions(drawing, picture, across, up)
    drawing.frame(across, up)
    drawing.text((_LEFT + _RIGHT) / 2, bottom + 29, "noise level σ", anchor="middle", style="axis")
    _lines(drawing, picture, across, up)
    _settings(drawing, picture.settings, across, up)
    _run_marks(drawing, trained, across, up)
    drawing.height = drawing.legend(bottom + 47, _entries(picture, trained)) - 6
    svg = drawing.render(f"Regime map of {picture.name}", _description(picture))
    return Markup('<figure class="drawing">{}<figcaption>{}</figcaption></figure>').format(
        svg, _caption(picture)
    )


def _known(picture: RegimePicture) -> list[tuple[str, float]]:
    """Limits below 1; a limit of 1 or more holds for every sigma."""
    pairs = zip(LIMITS, picture.limits, strict=True)
    return [(name, limit) for name, limit in pairs if limit is not None and limit < 0]


def _least(picture: RegimePicture) -> float | None:
    """Decimal exponent of sigma_0, at most 0; None if a limit is not known."""
    limits = [limit for limit in picture.limits if limit is not None]
    return min([0.0, *limits]) if len(limits) == len(LIMITS) else None


_Run = tuple[float, float, str]


def _runs(picture: RegimePicture, rows: Iterable[Mapping[str, str]]) -> list[_Run]:
    """Exponents of sigma and rate, and the mean excess risk, of the runs that belong here."""
    found: dict[tuple[float, float], str] = {}
    for row in rows:
        if row["dimension"] != "1" or not row["option"].startswith("base"):
            continue
        if row["option"] not in ("base", "base; diverged runs left out"):
            continue
        time, rate, mean = (_number(row[key]) for key in ("time", "learning_rate", "mean"))
        if time is None or rate is None or time <= 0 or rate <= 0:
            continue
        sigma = math.log10(-math.expm1(-2 * time)) / 2
        is_here = abs(math.exp(-time) - picture.mu) < 1e-5 * picture.mu and any(
            setting.kind == "experiment"
            and setting.own_sample
            and abs(setting.sigma - sigma) < _SAME
            for setting in picture.settings
        )
        if is_here:
            finite = mean is not None and 0 < mean < math.inf
            text = number(math.log10(mean), 2) if finite and mean is not None else "diverged"
            if (sigma, math.log10(rate)) in found and "left out" in row["option"]:
                text += ", some diverged"
            found[sigma, math.log10(rate)] = text
    return [(sigma, rate, text) for (sigma, rate), text in found.items()]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _axes(picture: RegimePicture, trained: Sequence[_Run]) -> tuple[Axis, Axis]:
    limits = [limit for _, limit in _known(picture)]
    sigmas = [setting.sigma for setting in picture.settings]
    low = min([*limits, *sigmas, -1.0])
    low -= 0.12 * -low + 0.2
    rates = [setting.rate for setting in picture.settings if setting.rate is not None]
    rates += [rate for _, rate, _ in trained]
    # The threshold where it matters: at the settings, and at the end of the theorem's region.
    places = [*sigmas, min([0.0, *limits])]
    rates += [picture.threshold + 2 * place for place in places]
    bottom, height = min(rates), max(rates) - min(rates)
    room = 0.1 * height + 0.5
    across = decades(low, 0.0, _LEFT, _RIGHT)
    top = 24 + _ROW * (1 + max(_label_rows(picture, across), default=0))
    return across, decades(bottom - room, max(rates) + room, top + _HIGH, top)


def _label_rows(picture: RegimePicture, across: Axis) -> list[int]:
    places = [across.at(limit) for _, limit in _known(picture)]
    return rows_apart([(place - 11, place + 11) for place in places])


def _regions(drawing: Drawing, picture: RegimePicture, across: Axis, up: Axis) -> None:
    drawing.clip(across, up)
    for _, limit in _known(picture):
        drawing.area(_box(across.low, limit, across, up), "region")
    drawing.area(_above(picture, across.low, 0.0, across, up), "region-rate")
    least = _least(picture)
    if least is not None:
        drawing.area(_above(picture, across.low, least, across, up), "region-all")
    drawing.unclip()


def _box(left: float, right: float, across: Axis, up: Axis) -> list[tuple[float, float]]:
    x, y = (across.at(left), across.at(right)), (up.start, up.end)
    return [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]


def _above(
    picture: RegimePicture, left: float, right: float, across: Axis, up: Axis
) -> list[tuple[float, float]]:
    """What lies above the threshold between two noise levels."""
    ends = [(across.at(sigma), up.at(picture.threshold + 2 * sigma)) for sigma in (left, right)]
    return [*ends, (across.at(right), up.end), (across.at(left), up.end)]


def _lines(drawing: Drawing, picture: RegimePicture, across: Axis, up: Axis) -> None:
    drawing.clip(across, up)
    for _, limit in _known(picture):
        drawing.path(((across.at(limit), up.start), (across.at(limit), up.end)), "limit")
    drawing.path(_threshold_ends(picture, across, up, 0.0), "threshold")
    if picture.size >= _LEAST_SIZE and picture.limits[0] is not None:
        right = min(picture.limits[0], 0.0)
        ends = _threshold_ends(picture, across, up, _REPAIRED_SHIFT, right)
        drawing.path([*ends, (across.at(right), up.end)], "repaired")
    drawing.unclip()
    top = min(up.start, up.end)
    rows = _label_rows(picture, across)
    for (name, limit), row in zip(_known(picture), rows, strict=True):
        y = top - 5 - _ROW * row
        drawing.text(across.at(limit), y, _NAMES[name], anchor="middle")


def _threshold_ends(
    picture: RegimePicture, across: Axis, up: Axis, below: float, right: float = 0.0
) -> list[tuple[float, float]]:
    return [
        (across.at(sigma), up.at(picture.threshold + 2 * sigma - below))
        for sigma in (across.low, right)
    ]


def _settings(drawing: Drawing, settings: Sequence[Setting], across: Axis, up: Axis) -> None:
    for setting in settings:
        shape, style = _look(setting)
        x = across.at(setting.sigma)
        if setting.rate is None:
            drawing.mark(x, up.start - 6, "down", style, f"{setting.name}: no learning rate")
            continue
        fails = "; ".join(setting.failing) or _NOTHING_FAILS
        note = f"{setting.name}: {fails}" if setting.own_sample else f"{setting.name}: other data"
        drawing.mark(x, up.at(setting.rate), shape, style, note)


def _look(setting: Setting) -> tuple[str, str]:
    if not setting.own_sample:
        return "diamond", "faint"
    return ("diamond", "hollow") if setting.kind == "experiment" else ("disc", "setting")


def _run_marks(drawing: Drawing, trained: Sequence[_Run], across: Axis, up: Axis) -> None:
    """Crosses, with the excess risk beside each, moved apart where the rates are close."""
    levels = [up.at(rate) for _, rate, _ in trained]
    moved = spread_out(levels, 13, min(up.start, up.end) + 8, max(up.start, up.end) - 6)
    for (sigma, _, text), y, label in zip(trained, levels, moved, strict=True):
        x = across.at(sigma)
        drawing.mark(x, y, "cross", "run", f"runs: mean excess risk {text}")
        is_right = x + 14 + text_width(text) < _RIGHT
        side = 1 if is_right else -1
        drawing.path(((x + side * 6, y), (x + side * 13, label)), "range")
        anchor = "start" if is_right else "end"
        drawing.text(x + side * 16, label + 4, text, anchor=anchor, style="halo")


def _entries(picture: RegimePicture, trained: Sequence[_Run]) -> list[tuple[str, str, str]]:
    entries = [
        ("patch", "region", "σ ≤ σₖ"),
        ("line", "threshold", "rate threshold"),
        ("patch", "region-all", "all of these hold"),
    ]
    if picture.size >= _LEAST_SIZE and picture.limits[0] is not None:
        entries.append(("line", "repaired", "thm08.r2"))
    looks = {_look(setting): setting for setting in picture.settings}
    names = {
        ("disc", "setting"): "instance",
        ("diamond", "hollow"): "experiments",
        ("diamond", "faint"): "experiments, on their data",
    }
    entries += [(*look, names[look]) for look in names if look in looks]
    if any(setting.rate is None for setting in picture.settings):
        entries.append(("down", "setting", "no rate given"))
    if trained:
        entries.append(("cross", "run", "runs, mean excess risk"))
    return entries


def _description(picture: RegimePicture) -> str:
    """The map in words, for people who do not see it."""
    limits = ", ".join(
        f"{name} = {number(limit)}" if limit is not None else f"{name} unknown"
        for name, limit in zip(LIMITS, picture.limits, strict=True)
    )
    text = f"{limits}; the rate must exceed {number(picture.threshold)} sigma^2."
    for setting in picture.settings:
        if setting.own_sample:
            rate = "no rate" if setting.rate is None else f"rate {number(setting.rate)}"
            text += f" {setting.name}: sigma {number(setting.sigma)}, {rate}."
    return text


def _caption(picture: RegimePicture) -> Markup:
    """Name, conventions, and what fails by how much."""
    text = (
        f"n = {picture.size}, mu = {picture.mu:g} held fixed. Printed constants of theorem 8, "
        "approximate; not a certificate."
    )
    above = [
        _NAMES[name]
        for name, limit in zip(LIMITS, picture.limits, strict=True)
        if limit is not None and limit >= 0
    ]
    if above:
        text += f" {', '.join(above)}: met by every σ below 1."
    if picture.excess is not None:
        text += (
            f" At σ₀ the bound on the excess risk is {number(picture.excess, 2)} of the risk of "
            "the zero score."
        )
    own = [setting for setting in picture.settings if setting.own_sample]
    return Markup("<b>{}</b>: {}{}").format(plain(picture.name), text, _failing(own))


def _failing(settings: Sequence[Setting]) -> Markup:
    """What fails at the map's own settings, with the factors by which it does."""
    factors: dict[str, list[str]] = {}
    for setting in settings:
        for text in setting.failing:
            what, _, factor = text.partition(_BY)
            factors.setdefault(what, []).append(factor)
    if not settings:
        return Markup("")
    lines = []
    for what, values in factors.items():
        known = sorted(set(values), key=lambda value: (_number(value) or 0.0, value))
        text = f"{what}{_BY if known[0] else ''}{known[0]}"
        text += f" to {known[-1]}" if len(known) > 1 else ""
        where = "" if len(values) == len(settings) else f", at {len(values)} of {len(settings)}"
        lines.append(Markup("<li>{}{}</li>").format(plain(text), where))
    if not lines:
        lines = [Markup("<li>{}</li>").format(f"{_NOTHING_FAILS}.")]
    without = sum(1 for setting in settings if setting.rate is None)
    if without:
        text = f"No learning rate is given at {without} of {len(settings)}: undecided there."
        lines.append(Markup("<li>{}</li>").format(text))
    return Markup("<ul>{}</ul>").format(Markup("").join(lines))

"""Learning curves of random-features score matching: three errors against p/d, by m."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from dsmverify.report.html.drawing.axes import (
    TEXT,
    Axis,
    Drawing,
    decades,
    linear,
    number,
    rows_apart,
    text_width,
)
from dsmverify.report.pictures import ERRORS, CurveLine, CurvesPicture
from dsmverify.report.text import plain

NOTE = (
    "A second theory: denoising score matching with a random-features score, in the limit of large "
    "d, with n/d and p/d fixed; m noise draws for each training point. float64, not certified. "
    "The curves assume Gaussian equivalence, and the equations behind them are not proved here: "
    "claims rf.* say what is proved of them."
)
"""What a page says once, beside its curves."""

TITLES = {
    "test_error": ("E_test", "distance to the true score"),
    "train_error": ("E_train", "loss on the training points and their noise draws"),
    "memorisation_error": ("E_mem", "loss on the training points with fresh noise"),
}
"""Symbol and meaning of each error."""

_LEFT, _RIGHT = 50.0, 388.0
_TOP, _HIGH = 30.0, 180.0
_ROW = 13.0
_STYLES = ("line-first", "line-second", "line-third", "line-last")
_COLUMNS = ("m", "p/d", "E_test", "E_train", "E_mem")
_SHOWN = 7
"""Places of the table, for each m."""


def draw(picture: CurvesPicture) -> Markup:
    """Three drawings side by side, one for each error."""
    parts = [_panel(picture, name) for name in ERRORS]
    return Markup(
        '<figure class="drawing drawing-wide"><div class="drawings">{}</div>'
        "<figcaption>{}</figcaption></figure>"
    ).format(Markup("").join(parts), _caption(picture))


def table(picture: CurvesPicture) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The curves as numbers: column names, and rows of text; a few places for each m."""
    last = len(picture.psi_p) - 1
    places = sorted({round(last * k / (_SHOWN - 1)) for k in range(_SHOWN)})
    rows = [
        (
            _draws(line),
            f"{picture.psi_p[place]:.3g}",
            *(f"{getattr(line, name)[place]:.4g}" for name in ERRORS),
        )
        for line in picture.lines
        for place in places
    ]
    return _COLUMNS, tuple(rows)


def _panel(picture: CurvesPicture, name: str) -> Markup:
    symbol, meaning = TITLES[name]
    drawing = Drawing()
    drawing.text(4, 14, f"{symbol}: {meaning}", style="axis")
    marks = _marks(picture)
    first, last = math.log10(picture.psi_p[0]), math.log10(picture.psi_p[-1])
    across = decades(first, last, _LEFT, _RIGHT, wanted=5)
    spans = [_span(across.at(place), text) for place, text in marks]
    rows = rows_apart(spans)
    top = _TOP + _ROW * (1 + max(rows, default=-1))
    up = _upwards(picture, name, top)
    drawing.frame(across, up)
    for (place, text), (left, right), row in zip(marks, spans, rows, strict=True):
        drawing.path(((across.at(place), up.start), (across.at(place), up.end)), "boundary")
        drawing.text((left + right) / 2, top - 5 - _ROW * row, text, anchor="middle")
    drawing.clip(across, up)
    level, known = _level(picture, name)
    y = up.at(_shown(level, name))
    drawing.path(((_LEFT, y), (_RIGHT, y)), "level")
    for index, line in enumerate(picture.lines):
        places = zip(picture.psi_p, getattr(line, name), strict=True)
        drawing.path(
            ((across.at(math.log10(x)), up.at(_shown(value, name))) for x, value in places),
            _style(index),
        )
    drawing.unclip()
    bottom = up.start
    drawing.text((_LEFT + _RIGHT) / 2, bottom + 29, "p/d", anchor="middle", style="axis")
    entries = [
        ("line", _style(index), f"m = {_draws(line)}") for index, line in enumerate(picture.lines)
    ]
    entries.append(("line", "level", known))
    drawing.height = drawing.legend(bottom + 48, entries) - 6
    title = f"{symbol} against p/d for {_setting(picture)}"
    return drawing.render(title, _description(picture, name))


def _upwards(picture: CurvesPicture, name: str, top: float) -> Axis:
    """Decimal exponents for the test error, which spans decades; numbers from 0 for the others."""
    values = [value for line in picture.lines for value in getattr(line, name)]
    values.append(_level(picture, name)[0])
    if name == "test_error":
        low, high = math.log10(min(values)), math.log10(max(values))
        room = 0.06 * (high - low) + 0.02
        return decades(low - room, high + room, top + _HIGH, top, wanted=5)
    return linear(0, 1.05 * max(values), top + _HIGH, top, wanted=5)


def _shown(value: float, name: str) -> float:
    return math.log10(value) if name == "test_error" else value


def _marks(picture: CurvesPicture) -> list[tuple[float, str]]:
    """Places within sight where p = n m, as decimal exponents, with their names."""
    draws = {line.noise_samples for line in picture.lines if line.noise_samples is not None}
    low, high = math.log10(picture.psi_p[0]), math.log10(picture.psi_p[-1])
    found = []
    for m in sorted({1, *draws}):
        place = math.log10(picture.psi_n) + math.log10(m)
        if low <= place <= high:
            found.append((place, "p = n" if m == 1 else f"p = {m} n"))
    return found


def _span(place: float, text: str) -> tuple[float, float]:
    """Room of a name above the frame, within the picture."""
    half = text_width(text, TEXT) / 2
    middle = min(max(place, _LEFT + half), _RIGHT + 8 - half)
    return middle - half - 2, middle + half + 2


def _level(picture: CurvesPicture, name: str) -> tuple[float, str]:
    """What a known score has: the true one on fresh noise, the zero score elsewhere."""
    if name == "memorisation_error":
        squared = math.exp(-2 * picture.time)
        return squared, f"the true score: {squared:.3g}"
    return 1.0, "the zero score: 1"


def _style(index: int) -> str:
    return _STYLES[index % len(_STYLES)]


def _draws(line: CurveLine) -> str:
    return "∞" if line.noise_samples is None else str(line.noise_samples)


def _setting(picture: CurvesPicture) -> str:
    return (
        f"{plain(picture.activation)}, n/d = {picture.psi_n:g}, t = {picture.time:g}, "
        f"lambda = {picture.ridge:g}"
    )


def _description(picture: CurvesPicture, name: str) -> str:
    """The lines in words, for people who do not see them."""
    return " ".join(_in_words(picture.psi_p, line, name) for line in picture.lines)


def _in_words(places: Sequence[float], line: CurveLine, name: str) -> str:
    values: tuple[float, ...] = getattr(line, name)
    draws = "infinity" if line.noise_samples is None else str(line.noise_samples)
    parts = [f"{_text(values[0])} at p/d = {_text(places[0])}"]
    for word, chosen in (("least", min(values)), ("largest", max(values))):
        at = values.index(chosen)
        if 0 < at < len(values) - 1:
            parts.append(f"{word} {_text(chosen)} at {_text(places[at])}")
    parts.append(f"{_text(values[-1])} at {_text(places[-1])}")
    return f"m = {draws}: {', '.join(parts)}."


def _text(value: float) -> str:
    return number(math.log10(value))


def _caption(picture: CurvesPicture) -> Markup:
    text = (
        "float64, not certified. Vertical lines: as many features as training points (p = n), and "
        "as noised points (p = n m), where a small ridge leaves a peak. E_mem near 0: the score "
        "of the training points; at the dashed line: as good there as the true score."
    )
    return Markup("<b>{}</b>: {}").format(_setting(picture), text)

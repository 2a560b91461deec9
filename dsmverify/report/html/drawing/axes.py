"""Axes, marks and text: what the pictures are made of.

A place on the page is worked out by an `Axis`, from a number or, on a logarithmic axis, from its
decimal exponent: exponents of -129 are as good as any. Text is escaped where it is written.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markupsafe import Markup, escape

from dsmverify.report.text import plain

WIDTH = 400
"""Width of every picture, in units of its own."""

TEXT = 12
"""Height of text."""

GLYPH = 0.62
"""Width of a character, of the height of text, at most about."""

_FAR = 5000
"""Marks stay within so many units: renderers lose lines that run much farther."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STEPS = (1, 2, 5)


def identity(value: float) -> float:
    """The number itself."""
    return value


@dataclass(frozen=True)
class Axis:
    """A map from numbers to places, with the ticks to show.

    Attributes:
        low: number at `start`.
        high: number at `end`; above `low`.
        start: first place.
        end: last place; below `start` for an axis that points up.
        ticks: numbers and what to write at each.
        unit: power of ten that the ticks' text leaves out, 0 mostly.
        warp: rising map that is applied to a number first.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...] = ()
    unit: int = 0
    warp: Callable[[float], float] = identity

    def at(self, value: float) -> float:
        """Place of a number, within reach of a renderer whatever the number is."""
        low, high = self.warp(self.low), self.warp(self.high)
        # Halves, since a difference of two large floats may be infinite.
        share = (self.warp(value) / 2 - low / 2) / (high / 2 - low / 2)
        place = self.start + share * (self.end - self.start)
        return min(max(place, -_FAR), _FAR)

    def holds(self, value: float) -> bool:
        """Whether a number lies between the ends."""
        return self.low <= value <= self.high


def linear(low: float, high: float, start: float, end: float, wanted: int = 5) -> Axis:
    """An axis of numbers, with about `wanted` round ticks."""
    low, high = _apart(low, high)
    rough = (high / 2 - low / 2) / wanted * 2
    step = _round_step(rough, down=False)
    if math.floor(high / step) - math.ceil(low / step) < min(wanted, 4) - 2:
        step = _round_step(rough, down=True)
    values = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    largest = max(abs(low), abs(high))
    unit = 0 if 1e-3 <= largest < 1e5 else math.floor(math.log10(largest))
    decimals = max(0, unit - math.floor(math.log10(step) + 1e-9))
    texts = [f"{_scaled(value, unit):.{decimals}f}" for value in values]
    ticks = [(value, _minus(text)) for value, text in zip(values, texts, strict=True)]
    return Axis(low, high, start, end, tuple(ticks), unit)


def decades(low: float, high: float, start: float, end: float, wanted: int = 6) -> Axis:
    """An axis of decimal exponents, with ticks at powers of ten; between them where these are few.

    Args:
        low: exponent at `start`.
        high: exponent at `end`.
        start: first place.
        end: last place.
        wanted: ticks, about at most.
    """
    low, high = _apart(low, high)
    step = max(1, round(_round_step((high - low) / wanted, down=False)))
    whole = [k for k in range(math.ceil(low), math.floor(high) + 1) if k % step == 0]
    if len(whole) >= 3 or abs(low) > 6 or abs(high) > 6:
        return Axis(low, high, start, end, tuple((float(k), power(k)) for k in whole))
    found = []
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for digit in _STEPS:
            exponent = decade + math.log10(digit)
            if low <= exponent <= high:
                found.append((exponent, f"{digit * 10.0**decade:.6g}"))
    return Axis(low, high, start, end, tuple(found))


def power(exponent: int) -> str:
    """A power of ten as text: `1`, `10`, `10⁻⁴`."""
    if exponent in (0, 1):
        return str(10**exponent)
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def number(exponent: float, digits: int = 3) -> str:
    """A positive number as text, from its decimal exponent: `0.0123`, `801`, `4.5×10⁻¹²⁹`."""
    if -4 <= exponent < 6:
        value = 10.0**exponent
        return f"{value:.0f}" if value >= 10**digits else f"{value:.{digits}g}"
    whole = math.floor(exponent)
    mantissa = f"{10.0 ** (exponent - whole):.{digits}g}"
    if mantissa == "10":
        mantissa, whole = "1", whole + 1
    return power(whole) if mantissa == "1" else f"{mantissa}×{power(whole)}"


def text_width(text: str, size: float = TEXT) -> float:
    """Width of a text, at most about."""
    return len(text) * GLYPH * size


def rows_apart(spans: Sequence[tuple[float, float]]) -> list[int]:
    """A row for each span, so that no two spans in one row touch: the first row with room."""
    ends: list[list[tuple[float, float]]] = []
    rows = []
    for low, high in spans:
        row = 0
        while row < len(ends) and any(low < right and left < high for left, right in ends[row]):
            row += 1
        if row == len(ends):
            ends.append([])
        ends[row].append((low, high))
        rows.append(row)
    return rows


def spread_out(places: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Places moved as little as need be so that they are a distance apart, within two ends."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = [min(max(place, low), high) for place in places]
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + distance)
    limit = high
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - distance
    return moved


@dataclass
class Drawing:
    """An SVG under way.

    Attributes:
        height: in units; the width is always `WIDTH`.
    """

    height: float = 0.0
    _parts: list[str] = field(default_factory=list)

    def path(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """A line through points."""
        steps = " ".join(f"{spell(x)} {spell(y)}" for x, y in points)
        if steps:
            self._parts.append(f'<path class="{style}" d="M{steps}"/>')

    def area(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """A shaded region."""
        steps = " ".join(f"{spell(x)} {spell(y)}" for x, y in points)
        self._parts.append(f'<path class="{style}" d="M{steps}z"/>')

    def dots(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """Dots, as one path of lines of no length; the round ends of the style make them seen."""
        steps = "".join(f"M{spell(x)} {spell(y)}h0" for x, y in points)
        if steps:
            self._parts.append(f'<path class="{style}" d="{steps}"/>')

    def segments(
        self, pairs: Iterable[tuple[tuple[float, float], tuple[float, float]]], style: str
    ) -> None:
        """Separate lines, as one path."""
        steps = "".join(f"M{spell(a)} {spell(b)}L{spell(c)} {spell(d)}" for (a, b), (c, d) in pairs)
        if steps:
            self._parts.append(f'<path class="{style}" d="{steps}"/>')

    def mark(self, x: float, y: float, shape: str, style: str, note: str = "") -> None:
        """One mark, with a note that shows when it is pointed at.

        Args:
            x: place.
            y: place.
            shape: `disc`, `diamond`, `cross`, or an arrow: `left`, `right`, `up`, `down`.
            style: class.
            note: text.
        """
        title = f"<title>{_safe(note)}</title>" if note else ""
        path = _SHAPES[shape]
        self._parts.append(
            f'<path class="{style}" transform="translate({spell(x)} {spell(y)})" d="{path}">'
            f"{title}</path>"
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        style: str = "",
        link: str | None = None,
    ) -> None:
        """Text; `anchor` is `start`, `middle` or `end`, `link` the target of a link."""
        named = f' class="{style}"' if style else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        part = f'<text x="{spell(x)}" y="{spell(y)}"{where}{named}>{_safe(text)}</text>'
        if link is not None:
            part = f'<a href="{_safe(link)}">{part}</a>'
        self._parts.append(part)

    def frame(self, across: Axis, up: Axis, *, labels: bool = True) -> None:
        """Grid lines and ticks of two axes, and the frame around them.

        Args:
            across: horizontal axis.
            up: vertical axis.
            labels: whether the horizontal axis gets text.
        """
        left, right = sorted((across.start, across.end))
        top, bottom = sorted((up.start, up.end))
        marks = [(across.at(value), text) for value, text in across.ticks]
        levels = [(up.at(value), text) for value, text in up.ticks]
        self.segments((((x, top), (x, bottom)) for x, _ in marks), "grid")
        self.segments((((left, y), (right, y)) for y, _ in levels), "grid")
        self.area(((left, top), (right, top), (right, bottom), (left, bottom)), "frame")
        for y, text in levels:
            self.text(left - 5, y + 4, text, anchor="end", style="tick")
        if labels:
            taken = left - 20.0
            for x, text in marks:
                if x - text_width(text) / 2 > taken:
                    self.text(x, bottom + 15, text, anchor="middle", style="tick")
                    taken = x + text_width(text) / 2 + 3

    def clip(self, across: Axis, up: Axis) -> None:
        """Show what follows, up to `unclip`, inside the frame of two axes only."""
        left, right = sorted((across.start, across.end))
        top, bottom = sorted((up.start, up.end))
        box = f"{spell(left)} {spell(top)} {spell(right - left)} {spell(bottom - top)}"
        x, y, wide, high = box.split(" ")
        self._parts.append(f'<svg x="{x}" y="{y}" width="{wide}" height="{high}" viewBox="{box}">')

    def unclip(self) -> None:
        """End of what `clip` began."""
        self._parts.append("</svg>")

    def legend(self, y: float, entries: Sequence[tuple[str, str, str]], left: float = 8) -> float:
        """Keys with their meaning, in rows; gives the place below them.

        Args:
            y: place of the first row's middle.
            entries: of each its shape (`line`, `patch`, `tick`, `dots`, or one of `mark`), its
                class and its text.
            left: where rows begin.
        """
        x = left
        for shape, style, text in entries:
            needed = 26 + text_width(text)
            if x > left and x + needed > WIDTH:
                x, y = left, y + 17
            if shape == "line":
                self.path(((x, y), (x + 18, y)), style)
            elif shape == "patch":
                box = ((x, y - 6), (x + 18, y - 6), (x + 18, y + 6), (x, y + 6))
                self.area(box, style)
            elif shape == "tick":
                self.path(((x + 9, y - 7), (x + 9, y + 7)), style)
            elif shape == "dots":
                self.dots(((x + 9, y),), style)
            else:
                self.mark(x + 9, y, shape, style)
            self.text(x + 23, y + 4, text)
            x += needed + 12
        return y + 17

    def render(self, title: str, description: str, role: str = "img") -> Markup:
        """The whole SVG; its role is `group` if there are links in it, which an image hides."""
        body = "".join(self._parts)
        content = f"{title}\0{description}\0{body}".encode(errors="backslashreplace")
        name = hashlib.sha256(content).hexdigest()[:10]
        head = (
            f'<svg class="picture" role="{role}" xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {WIDTH} {spell(self.height)}" '
            f'aria-labelledby="picture-{name}-title picture-{name}-text">'
            f'<title id="picture-{name}-title">{_safe(title)}</title>'
            f'<desc id="picture-{name}-text">{_safe(description)}</desc>'
        )
        return Markup(head + body + "</svg>")


_SHAPES = {
    "disc": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "diamond": "M0 -5.5L5.5 0L0 5.5L-5.5 0z",
    "cross": "M-3 -3L3 3M-3 3L3 -3",
    "left": "M3 -4L-4 0L3 4z",
    "right": "M-3 -4L4 0L-3 4z",
    "down": "M-4 -3L0 4L4 -3z",
    "up": "M-4 3L0 -4L4 3z",
}


def spell(value: float) -> str:
    """A place, to a tenth of a unit."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _safe(text: str) -> str:
    return str(escape(plain(text)))


def _apart(low: float, high: float) -> tuple[float, float]:
    """Two ends, moved apart where they are equal or next to it."""
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > 1e-12 * size:
        return low, high
    room = 0.1 * size if size else 1.0
    return low - room, high + room


def _round_step(rough: float, *, down: bool) -> float:
    """The next of 1, 2, 5 times a power of ten, from a number up or down."""
    exponent = math.floor(math.log10(rough))
    steps = [float(f"{factor}e{exponent + k}") for k in (0, 1) for factor in _STEPS]
    if down:
        return max((step for step in steps if step <= rough), default=steps[0])
    return min(step for step in steps if step >= rough * (1 - 1e-9))


def _scaled(value: float, unit: int) -> float:
    """A number over a power of ten that need not be a float."""
    half = unit // 2
    return value / 10.0**half / 10.0 ** (unit - half)


def _minus(text: str) -> str:
    """A number with the sign that is as wide as a plus; no sign at zero."""
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")

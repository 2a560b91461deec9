"""A sample with its score, its network and the weight pi."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from dsmverify.report.html.drawing.axes import TEXT, Axis, Drawing, linear, power, text_width
from dsmverify.report.pictures import SamplePicture
from dsmverify.report.text import plain

NOTE = (
    "Above the score s* that minimises the risk and, dashed, the network s_theta; below the weight "
    "pi of the total variation. Curves join rounded middles of enclosures by straight lines."
)
"""What a page says once, beside its samples."""

_LEFT, _RIGHT = 50.0, 392.0
_TOP, _MIDDLE = 26.0, 186.0
_LOW, _BOTTOM = 210.0, 276.0

_IN_SIGHT = 3
"""A network may reach so many times as far as the score before the frame cuts it off."""


def draw(picture: SamplePicture) -> Markup:
    """The scores against y above, pi below, the noised means as ticks in between."""
    across = linear(picture.y[0], picture.y[-1], _LEFT, _RIGHT, wanted=5)
    up, is_cut = _scores(picture)
    weights = linear(0, max(picture.weight) or 1.0, _BOTTOM, _LOW, wanted=3)
    drawing = Drawing()
    _axis_text(drawing, "score", up.unit, _TOP - 9)
    drawing.frame(across, up, labels=False)
    drawing.clip(across, up)
    _curve(drawing, picture.y, picture.score, across, up, "curve-one")
    if picture.network is not None:
        _curve(drawing, picture.y, picture.network, across, up, "curve-two")
    drawing.unclip()
    _axis_text(drawing, "π", weights.unit, _LOW - 8)
    drawing.frame(across, weights)
    _curve(drawing, picture.y, picture.weight, across, weights, "curve-three")
    places = sorted({round(across.at(mean), 1) for mean in picture.means})
    drawing.segments((((x, _MIDDLE - 7), (x, _MIDDLE + 7)) for x in places), "mean")
    _place_text(drawing, picture, across)
    entries = [("line", "curve-one", "s*"), ("line", "curve-three", "π")]
    if picture.network is not None:
        entries.insert(1, ("line", "curve-two", "s_θ, the network"))
    below = drawing.legend(322, [*entries, ("tick", "mean", "μxᵢ, noised points")])
    drawing.height = below - 6
    title = f"{picture.name}: empirical score s* and weight pi"
    svg = drawing.render(title, _description(picture))
    return Markup('<figure class="drawing">{}<figcaption>{}</figcaption></figure>').format(
        svg, _caption(picture, is_cut=is_cut)
    )


def _scores(picture: SamplePicture) -> tuple[Axis, bool]:
    """The axis of the scores, and whether the network leaves it."""
    low, high = min(picture.score), max(picture.score)
    is_cut = False
    if picture.network is not None:
        reach = _IN_SIGHT * max(abs(low), abs(high))
        least, most = min(picture.network), max(picture.network)
        is_cut = least < -reach or most > reach
        low, high = min(low, max(least, -reach)), max(high, min(most, reach))
    room = 0.04 * (high / 2 - low / 2) * 2
    return linear(low - room, high + room, _MIDDLE, _TOP, wanted=5), is_cut


def _curve(
    drawing: Drawing,
    y: Sequence[float],
    values: Sequence[float],
    across: Axis,
    up: Axis,
    style: str,
) -> None:
    drawing.path(
        ((across.at(place), up.at(value)) for place, value in zip(y, values, strict=True)), style
    )


def _axis_text(drawing: Drawing, name: str, unit: int, y: float) -> None:
    drawing.text(4, y, f"{name}, in units of {power(unit)}" if unit else name, style="axis")


def _place_text(drawing: Drawing, picture: SamplePicture, across: Axis) -> None:
    name = "y" if picture.origin == "0" else f"y - {_shortened(picture.origin)}"
    text = f"{name}, in units of {power(across.unit)}" if across.unit else name
    x = min((_LEFT + _RIGHT) / 2, _RIGHT - text_width(text, TEXT) / 2)
    drawing.text(x, _BOTTOM + 29, text, anchor="middle", style="axis")


def _shortened(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"


def _description(picture: SamplePicture) -> str:
    parts = [
        f"Above, s* at {len(picture.y)} places from y = {picture.y[0]:g} to {picture.y[-1]:g}, "
        f"between {min(picture.score):g} and {max(picture.score):g}"
    ]
    if picture.network is not None:
        parts.append(
            f"s_theta between {min(picture.network):g} and {max(picture.network):g}, dashed"
        )
    parts.append(f"below, pi up to {max(picture.weight):g}")
    parts.append(f"ticks at the {picture.size} noised training points")
    return "; ".join(parts) + "."


def _caption(picture: SamplePicture, *, is_cut: bool) -> Markup:
    text = (
        f"n = {picture.size}, mu = {picture.mu:g}, sigma = {picture.sigma:g}; approximate, not "
        "certified."
    )
    if picture.origin != "0":
        text += f" Places are shown less {plain(picture.origin)}."
    if is_cut:
        text += " The network leaves the frame."
    return Markup("<b>{}</b>: {}").format(plain(picture.name), escape(text))

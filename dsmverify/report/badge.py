"""`badge.svg`: the counts of a report, as a small picture for a README.

Red where something is not as recorded, blue otherwise: no colour says that all is well, since a
REFUTED claim can be as recorded and an UNDECIDED one is open. The counts say it.
"""

from __future__ import annotations

from jinja2 import Environment, StrictUndefined

from dsmverify.report.model import Report

LABEL_COLOUR = "#444444"
COLOUR = "#0b5fa5"
MISMATCH_COLOUR = "#b3261e"
EMPTY_COLOUR = "#5f5f5f"

_SIZE = 11
_PAD = 6
_UNITS = 2048
_WIDTHS = {
    **dict.fromkeys("0123456789", 1303),
    **dict.fromkeys(" ,·", 651),
    **dict.fromkeys("ijl", 569),
    **{"a": 1255, "b": 1300, "c": 1126, "d": 1300, "e": 1260, "f": 721, "g": 1300, "h": 1298},
    **{"k": 1186, "m": 1995, "n": 1298, "o": 1253, "p": 1300, "q": 1300, "r": 842, "s": 1067},
    **{"t": 803, "u": 1298, "v": 1212, "w": 1675, "x": 1212, "y": 1212, "z": 1075},
}
"""Advance widths in the font DejaVu Sans, in 1/2048 of its size; Verdana's hardly differ."""

_TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{{ width }}" height="20" \
viewBox="0 0 {{ width }} 20" role="img" aria-label="{{ title }}">
<title>{{ title }}</title>
<path fill="{{ label_colour }}" d="M3 0h{{ left - 3 }}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>
<path fill="{{ colour }}" d="M{{ left }} 0h{{ width - left - 3 }}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3\
H{{ left }}z"/>
<g fill="#ffffff" font-family="Verdana,'DejaVu Sans',Geneva,sans-serif" font-size="{{ size }}" \
aria-hidden="true">
{% for text, x, length in texts %}
<text x="{{ x }}" y="14" textLength="{{ length }}" lengthAdjust="spacingAndGlyphs">{{ text }}</text>
{% endfor %}
</g>
</svg>
"""


def render(report: Report) -> str:
    """Text of `badge.svg`; it needs no font and no other file."""
    label, message = "dsmverify", _message(report)
    lengths = [text_width(label), text_width(message)]
    left = lengths[0] + 2 * _PAD
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_TEMPLATE).render(
        title=f"{label}: {message.replace(' ·', ',')}",
        width=left + lengths[1] + 2 * _PAD,
        left=left,
        size=_SIZE,
        label_colour=LABEL_COLOUR,
        colour=_colour(report),
        texts=[(label, _PAD, lengths[0]), (message, left + _PAD, lengths[1])],
    )


def text_width(text: str) -> int:
    """Width of a text in pixels, rounded up; a character that is not known counts as the widest.

    Every text is drawn with this width, whatever the font (`textLength`).
    """
    widest = max(_WIDTHS.values())
    units = sum(_WIDTHS.get(letter, widest) for letter in text)
    return -(-units * _SIZE // _UNITS)


def _message(report: Report) -> str:
    if not report.claims:
        return "nothing checked"
    always = {"PROVED", "REFUTED", "UNDECIDED"}
    counts = [
        f"{count} {verdict.lower()}"
        for verdict, count in report.counts.items()
        if count or verdict in always
    ]
    mismatches = len(report.mismatches)
    return " · ".join([*([f"{mismatches} not as recorded"] if mismatches else []), *counts])


def _colour(report: Report) -> str:
    if report.mismatches:
        return MISMATCH_COLOUR
    return COLOUR if report.claims else EMPTY_COLOUR

"""The slack of every claim, one line each: how much room the inequalities have.

The slack is a ratio, and 1 is equality. Some claims hold by one part in a thousand and some by
10^90, so the axis is logarithmic near 1 and compressed beyond: its place is `asinh(log10(s)/0.3)`.
What lies beyond the ends is an arrow at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsmverify.claims import ClaimOutcome, Row
from dsmverify.report.html.claims import anchor
from dsmverify.report.html.drawing.axes import Axis, Drawing, power
from dsmverify.report.model import Report
from dsmverify.verdicts import decimal_value

_LEFT, _RIGHT = 124.0, 386.0
_STEP = 15.0
"""Height of a line."""

_TOP = 40.0
_COLUMN = 54
"""Lines in one drawing, at most; drawings stand side by side where there is room."""

_LOW, _HIGH = -7.0, 120.0
_TICKS = (-6, 0, 1, 3, 10, 100)
_NEAR = 0.3
"""Within about so many decades of 1 the axis is an ordinary logarithmic one."""

_LONGEST = 16


@dataclass(frozen=True)
class _Line:
    """One claim: decimal exponents of its slacks, those where it holds and those where it fails."""

    outcome: ClaimOutcome
    least: float
    median: float
    holds: tuple[float, ...]
    fails: tuple[float, ...]


def draw(report: Report) -> Markup:
    """Every claim with a slack, the least slack first; empty if there is none."""
    lines = sorted(_lines(report), key=lambda line: (line.least, line.outcome.claim.id))
    if not lines:
        return Markup("")
    count = math.ceil(len(lines) / math.ceil(len(lines) / _COLUMN))
    starts = range(0, len(lines), count)
    parts = [_column(lines[start : start + count], start, len(lines)) for start in starts]
    beyond = sum(1 for line in lines for value in (*line.holds, *line.fails) if _is_beyond(value))
    text = (
        "Slack of each claim at each instance where it was decided: the larger side over the "
        "smaller, 1 is equality, left of 1 the claim fails. Sorted by the least slack; × is "
        "REFUTED. Logarithmic near 1, compressed beyond."
    )
    if beyond:
        text += (
            f" An arrow stands for a slack below 10{_raised(_LOW)} or above 10{_raised(_HIGH)}: "
            f"there are {beyond}."
        )
    if any(line.outcome.verdict == "REFUTED" and not line.fails for line in lines):
        text += " A REFUTED claim without a dot for it fails where there is no ratio."
    return Markup(
        '<figure class="drawing drawing-wide"><div class="drawings">{}</div>'
        "<figcaption>{}</figcaption></figure>"
    ).format(Markup("").join(parts), text)


def axis() -> Axis:
    """The axis of all strips: decimal exponents of slacks."""
    ticks = [(float(k), power(k)) for k in _TICKS]
    ticks += [(math.log10(value), str(value)) for value in (0.1, 0.5, 2)]
    return Axis(_LOW, _HIGH, _LEFT, _RIGHT, tuple(sorted(ticks)), warp=_warped)


def exponent(slack: str | None) -> float | None:
    """Decimal exponent of a slack; None where there is none, minus infinity for 0 or less."""
    value = decimal_value(slack)
    if value is None:
        return None
    if value <= 0:
        return -math.inf
    # The mantissa on its own, since a float holds no number beyond 10^308.
    whole = value.adjusted()
    digits = "".join(map(str, value.as_tuple().digits))
    return whole + math.log10(float(f"{digits[0]}.{digits[1:20] or '0'}"))


def _warped(value: float) -> float:
    return math.asinh(value / _NEAR)


def _lines(report: Report) -> Iterable[_Line]:
    for outcome in report.claims:
        rows = report.rows_of(outcome.claim.id)
        holds, fails = _exponents(rows, "TRUE"), _exponents(rows, "FALSE")
        slack = outcome.slack
        least = exponent(slack.min) if slack is not None else None
        median = exponent(slack.median) if slack is not None else None
        if least is not None and median is not None:
            yield _Line(outcome, least, median, holds, fails)


def _exponents(rows: Sequence[Row], answer: str) -> tuple[float, ...]:
    decided = (row for row in rows if row.answer == answer and not row.trivial)
    found = (exponent(row.slack) for row in decided)
    return tuple(sorted(value for value in found if value is not None))


def _column(lines: Sequence[_Line], start: int, total: int) -> Markup:
    bottom = _TOP + _STEP * len(lines) + 4
    across = axis()
    drawing = Drawing()
    drawing.text(4, 14, "claim", style="axis")
    drawing.text((_LEFT + _RIGHT) / 2, 14, "slack", anchor="middle", style="axis")
    drawing.frame(across, Axis(0, 1, bottom, _TOP), labels=False)
    for value, text in across.ticks:
        drawing.text(across.at(value), _TOP - 6, text, anchor="middle", style="tick")
    drawing.path(((across.at(0.0), _TOP), (across.at(0.0), bottom)), "one")
    for index, line in enumerate(lines):
        _strip(drawing, line, across, _TOP + _STEP * (index + 0.5) + 2)
    drawing.height = bottom + 6
    if start == 0:
        entries = [
            ("dots", "dot", "holds"),
            ("dots", "dot-fails", "fails"),
            ("tick", "median", "median"),
            ("right", "beyond", "beyond the axis"),
        ]
        drawing.height = drawing.legend(bottom + 16, entries) - 4
    last = start + len(lines)
    title = f"Slack of claims {start + 1} to {last} of {total}, by least slack"
    text = "; ".join(
        f"{line.outcome.claim.id} ({line.outcome.verdict}): {line.outcome.slack.min}"
        for line in lines
        if line.outcome.slack is not None
    )
    return drawing.render(title, f"Least slack of each: {text}.", role="group")


def _strip(drawing: Drawing, line: _Line, across: Axis, y: float) -> None:
    name, refuted = line.outcome.claim.id, line.outcome.verdict == "REFUTED"
    shown = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    style = "id refuted-id" if refuted else "id"
    prefix = "×" if refuted else " "
    drawing.text(2, y + 4, prefix, style=style)
    drawing.text(11, y + 4, shown, style=style, link="#" + anchor(name))
    values = [_within(value) for value in (*line.holds, *line.fails, line.least)]
    ends = (across.at(min(values)), across.at(max(values)))
    drawing.path(((ends[0], y), (ends[1], y)), "range")
    for group, look in ((line.holds, "dot"), (line.fails, "dot-fails")):
        inside = [value for value in group if not _is_beyond(value)]
        places = sorted({round(2 * across.at(value)) / 2 for value in inside})
        drawing.dots(((place, y) for place in places), look)
    everything = (*line.holds, *line.fails)
    if any(value > _HIGH for value in everything):
        drawing.mark(_RIGHT + 5, y, "right", "beyond")
    if any(value < _LOW for value in everything):
        drawing.mark(_LEFT - 5, y, "left", "beyond")
    place = across.at(_within(line.median))
    drawing.path(((place, y - 4.5), (place, y + 4.5)), "median")


def _is_beyond(value: float) -> bool:
    return not _LOW <= value <= _HIGH


def _within(value: float) -> float:
    return min(max(value, _LOW), _HIGH)


def _raised(exponent: float) -> str:
    return power(int(exponent)).removeprefix("10")

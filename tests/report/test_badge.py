"""`badge.svg`: what it says, in which colour, and that the text has the room it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dsmverify.report import Expected, Report, badge
from tests.report.outcomes import claim, report, row

SVG = "{http://www.w3.org/2000/svg}"


def _report(*answers: Any, expected: dict[str, Expected] | None = None, **fields: Any) -> Report:
    claims = [claim(f"claim{number}") for number in range(len(answers))]
    rows = [row(answer, name=one.id) for answer, one in zip(answers, claims, strict=True)]
    return report(rows, claims=claims, expected=expected, **fields)


def _parts(whole: Report) -> tuple[str, str, str]:
    """Title, message and the colour behind the message."""
    root = ElementTree.fromstring(badge.render(whole))
    title = root.findtext(f"{SVG}title") or ""
    assert root.get("role") == "img"
    assert root.get("aria-label") == title
    label, message = (text.text for text in root.iter(f"{SVG}text"))
    assert label == "dsmverify"
    colours = [str(path.get("fill")) for path in root.iter(f"{SVG}path")]
    return title, str(message), colours[1]


def test_undecided_stands_beside_what_is_proved() -> None:
    title, message, colour = _parts(_report("TRUE", "FALSE", "UNKNOWN"))
    assert message == "0 proved · 1 refuted · 1 holds · 1 undecided"
    assert title == "dsmverify: 0 proved, 1 refuted, 1 holds, 1 undecided"
    assert colour == badge.COLOUR


def test_a_mismatch_comes_first_and_is_red() -> None:
    expected = {"claim0": Expected("PROVED", "why")}
    _, message, colour = _parts(_report("FALSE", expected=expected))
    assert message == "1 not as recorded · 0 proved · 1 refuted · 0 undecided"
    assert colour == badge.MISMATCH_COLOUR


def test_nothing_checked_claims_nothing() -> None:
    _, message, colour = _parts(Report(claims=()))
    assert message == "nothing checked"
    assert colour == badge.EMPTY_COLOUR


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "colour", [badge.LABEL_COLOUR, badge.COLOUR, badge.MISMATCH_COLOUR, badge.EMPTY_COLOUR]
)
def test_white_text_can_be_read_and_no_colour_says_that_all_is_well(colour: str) -> None:
    assert 1.05 / (_luminance(colour) + 0.05) >= 4.5  # WCAG 2, level AA
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    assert green <= max(red, blue)


def test_it_needs_no_other_file() -> None:
    text = badge.render(_report("TRUE"))
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|href|<style|<script|@import", text)


def test_widths_are_those_of_the_font() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib import ft2font

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ft2font.FT2Font(str(file))
    for letter, units in badge._WIDTHS.items():
        glyph = font.load_char(ord(letter), flags=ft2font.LoadFlags.NO_SCALE)
        assert glyph.horiAdvance == units, letter


@pytest.mark.parametrize("count", [0, 1, 999, 10**6])
def test_both_texts_fit_and_do_not_meet(count: int) -> None:
    message = f"{count} proved · {count} refuted · {count} holds · {count} undecided"
    assert all(letter in badge._WIDTHS for letter in message)
    root = ElementTree.fromstring(badge.render(_report(*["TRUE"] * min(count, 20))))
    width = int(str(root.get("width")))
    ends = []
    for text in root.iter(f"{SVG}text"):
        start, length = int(str(text.get("x"))), int(str(text.get("textLength")))
        assert length == badge.text_width(str(text.text))
        ends.append((start, start + length))
    (_, first), (second, last) = ends
    assert first < second
    assert last < width


def test_a_width_is_rounded_up_and_an_unknown_letter_is_wide() -> None:
    assert badge.text_width("1") == 7  # 11 * 1303/2048 = 6.998...
    assert badge.text_width("i") == 4  # 11 * 569/2048 = 3.05...
    assert badge.text_width("\u4e00") == badge.text_width("m") == 11

"""Learning curves in a report: their numbers, the drawing, and the section of the page."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from bs4 import BeautifulSoup

from dsmverify.curves.points import CurvePoint
from dsmverify.pictures import CURVES, SHOWN_CURVES, curves_picture, pictures
from dsmverify.report import html, schema
from dsmverify.report import json as report_json
from dsmverify.report.html.drawing import learning_curves
from dsmverify.report.pictures import ERRORS, CurveLine, CurvesPicture, Pictures
from tests.report.outcomes import report, row
from tests.report.test_drawing import HOSTILE, parsed, paths, place, ticks

ROOT = Path(__file__).resolve().parents[2]
PLACES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 80.0)


def _line(draws: int | None, peak: float) -> CurveLine:
    """Errors with a bump at p/d = peak, of three different shapes."""
    bump = [1 / (0.1 + math.log(x / peak) ** 2) for x in PLACES]
    return CurveLine(
        draws,
        tuple(0.5 + 2 * b for b in bump),
        tuple(1 / (1 + x / peak) for x in PLACES),
        tuple(0.3 + 0.2 * b for b in bump),
    )


PICTURE = CurvesPicture(
    "relu", 4.0, 0.1, 0.001, PLACES, (_line(1, 4), _line(2, 8), _line(None, 100))
)


def _with_curves(*curves: CurvesPicture) -> Any:
    return report([row("TRUE")], pictures=Pictures(curves=curves))


# The form.


def test_a_report_with_curves_follows_the_schema_and_is_read_back() -> None:
    whole = _with_curves(PICTURE)
    document = json.loads(report_json.render(whole))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["pictures"]["curves"][0]["lines"][2]["noise_samples"] is None
    assert report_json.from_json(document).pictures == whole.pictures


def _changed(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(PICTURE.as_document())), **changes}


def _changed_line(**changes: Any) -> dict[str, Any]:
    document = _changed()
    document["lines"][1].update(changes)
    return document


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (_changed(psi_p=list(PLACES[::-1])), "psi_p must rise strictly"),
        (_changed(psi_p=[1.0]), "two places"),
        (_changed(psi_p=[-1.0, *PLACES[1:]]), "is not positive"),
        (_changed(lines=[]), "at least one line"),
        (_changed(lines=3), "is no list"),
        (_changed(ridge=0), "is not positive"),
        (_changed(time="1"), "no finite number"),
        (_changed(activation=None), "is no text"),
        (_changed(colour="red"), "'colour' is not known"),
        (_changed_line(noise_samples=0), "no positive whole number"),
        (_changed_line(noise_samples=1.5), "no positive whole number"),
        (_changed_line(test_error=[1.0]), "1 values of test_error at 7 places"),
        (_changed_line(train_error=[0.0] * 7), "is not positive"),
        (_changed_line(memorisation_error=[math.inf] * 7), "no finite number"),
        (_changed_line(memorisation_error=None), "is no list"),
    ],
)
def test_bad_curves_are_refused_with_their_field(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CurvesPicture.from_document(document)


# The numbers.


def _point(**changes: Any) -> CurvePoint:
    """The reference point of random-features.md, with m = 1."""
    document = {"activation": "relu", "psi_n": 4, "psi_p": 2, "time": "0.1", "ridge": "0.01"}
    return CurvePoint.from_json({**document, "noise_samples": 1, **changes})


@pytest.mark.parametrize(
    ("draws", "test", "train"),
    [(1, 3.4345255386867304, 0.439560183244971629), (None, 0.567760536641530, 0.8159545008529973)],
)
def test_curves_go_through_the_reference_values(
    draws: int | None, test: float, train: float
) -> None:
    found = curves_picture([_point()])
    assert found is not None
    (line,) = (one for one in found.lines if one.noise_samples == draws)
    at = found.psi_p.index(2.0)
    # Six digits: half a unit of the last one is at most 5e-6 of the number.
    assert line.test_error[at] == pytest.approx(test, rel=5.001e-6)
    assert line.train_error[at] == pytest.approx(train, rel=5.001e-6)
    if draws is None:
        assert line.memorisation_error == line.train_error


def test_a_picture_has_the_peaks_and_the_points_own_m() -> None:
    found = curves_picture([_point(ridge="1e-6", noise_samples=m) for m in (3, 2)])
    assert found is not None
    assert [line.noise_samples for line in found.lines] == [1, 2, 3, 10, None]
    assert {4.0, 8.0, 12.0, 40.0} <= set(found.psi_p)
    for line, peak in zip(found.lines, (4, 8, 12, 40), strict=False):
        around = [x for x in found.psi_p if peak / 2 < x < 2 * peak]
        largest = max(around, key=lambda x: line.test_error[found.psi_p.index(x)])
        assert largest == peak


def test_every_setting_of_the_users_points_is_drawn_and_one_for_the_battery() -> None:
    points = [_point(), _point(noise_samples="inf"), _point(psi_n=2), _point(ridge="0+")]
    found = pictures([], battery=False, points=points).curves
    assert [(one.psi_n, one.ridge) for one in found] == [(4.0, 0.01), (2.0, 0.01)]
    many = [_point(psi_n=k) for k in range(1, 9)]
    assert len(pictures([], battery=False, points=many).curves) == SHOWN_CURVES
    (bundled,) = pictures([], battery=True, points=points).curves
    assert (bundled.psi_n, bundled.ridge) == (float(CURVES.psi_n), float(CURVES.ridge))
    assert pictures([], battery=False).curves == ()
    assert pictures([], battery=True).curves == ()


@pytest.mark.parametrize("changes", [{"psi_n": "1e300"}, {"time": "1e-30"}, {"ridge": "1e-200"}])
def test_extreme_curves_are_drawn_in_floats_or_not_at_all(changes: dict[str, str]) -> None:
    found = curves_picture([_point(**changes)])
    if found is not None:
        learning_curves.draw(found)


# The drawing.


def _panels(picture: CurvesPicture = PICTURE) -> list[ElementTree.Element]:
    root = parsed(learning_curves.draw(picture))
    found = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert len(found) == len(ERRORS)
    return found


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_lines_lie_on_their_numbers(index: int) -> None:
    """Places are worked out from the ticks' texts alone."""
    name, panel = ERRORS[index], _panels()[index]
    across, up = ticks(panel)
    styles = ("line-first", "line-second", "line-third")
    for style, line in zip(styles, PICTURE.lines, strict=True):
        (drawn, _) = paths(panel, style)  # and the key of the legend
        for (x, y), psi_p, value in zip(drawn, PLACES, getattr(line, name), strict=True):
            assert x == pytest.approx(place(across, psi_p, log=True), abs=0.2)
            assert y == pytest.approx(place(up, value, log=name == "test_error"), abs=0.3)


def test_the_boundaries_are_where_features_match_points_and_noised_points() -> None:
    for panel in _panels():
        across, _ = ticks(panel)
        drawn = [line[0][0] for line in paths(panel, "boundary")]
        assert drawn == pytest.approx([place(across, x, log=True) for x in (4, 8)], abs=0.2)
        texts = [text.text for text in panel.iter("text")]
        assert "p = n" in texts and "p = 2 n" in texts
    far = replace(PICTURE, psi_n=200.0)
    assert all(not paths(panel, "boundary") for panel in _panels(far))


def test_the_level_is_that_of_a_known_score() -> None:
    test, train, memory = _panels()
    squared = math.exp(-0.2)
    for panel, value, log in ((test, 1, True), (train, 1, False), (memory, squared, False)):
        _, up = ticks(panel)
        (level, _) = paths(panel, "level")
        wanted = place(up, value, log=log)
        assert [y for _, y in level] == pytest.approx([wanted, wanted], abs=0.3)
    assert "the true score: 0.819" in "".join(memory.itertext())
    assert "the zero score: 1" in "".join(train.itertext())


def test_the_description_says_the_lines_in_words() -> None:
    text = _panels()[0].find("desc")
    assert text is not None and text.text is not None
    assert "m = 1: 0.952 at p/d = 0.5, largest 20.5 at 4, " in text.text
    assert "m = infinity: " in text.text
    assert "float64, not certified" in learning_curves.draw(PICTURE)


def test_the_table_has_the_ends_of_every_line() -> None:
    columns, rows = learning_curves.table(PICTURE)
    assert columns == ("m", "p/d", "E_test", "E_train", "E_mem")
    assert {cells[0] for cells in rows} == {"1", "2", "∞"}
    assert len(rows) == 3 * 7
    for cells, line, index in ((rows[0], PICTURE.lines[0], 0), (rows[-1], PICTURE.lines[-1], -1)):
        assert float(cells[1]) == PLACES[index]
        values = [getattr(line, name)[index] for name in ERRORS]
        assert [float(cell) for cell in cells[2:]] == pytest.approx(values, rel=1e-3)


@pytest.mark.parametrize(
    "picture",
    [
        replace(PICTURE, psi_p=tuple(x * 1e-200 for x in PLACES)),
        replace(PICTURE, psi_p=tuple(x * 1e200 for x in PLACES), psi_n=1e-200),
        replace(PICTURE, time=1e300),
        replace(PICTURE, lines=tuple(_line(m, m) for m in range(1, 9))),
        replace(PICTURE, lines=(CurveLine(1, (1e308,) * 7, (1e-308,) * 7, (1e-308,) * 7),)),
    ],
)
def test_curves_of_any_size_are_drawn(picture: CurvesPicture) -> None:
    for panel in _panels(picture):
        for path in panel.iter("path"):
            assert all(abs(float(x)) <= 5000 for x in re.findall(r"-?\d+", path.get("d") or ""))


@pytest.mark.parametrize("name", HOSTILE)
def test_text_from_data_stays_text(name: str) -> None:
    markup = str(learning_curves.draw(replace(PICTURE, activation=name)))
    allowed = {"div", "figure", "figcaption", "svg", "title", "desc", "path", "text", "b"}
    assert {element.tag for element in parsed(markup).iter()} <= allowed
    assert "<script" not in markup and "\x1b" not in markup


def test_every_class_has_a_style_and_ids_are_unique() -> None:
    css = (ROOT / "dsmverify" / "report" / "html" / "pictures.css").read_text("utf-8")
    many = replace(PICTURE, lines=tuple(_line(m, m) for m in range(1, 9)))
    markup = str(learning_curves.draw(many))
    used = {name for value in re.findall('class="([^"]*)"', markup) for name in value.split()}
    assert used <= set(re.findall(r"\.([a-z-]+)", css))
    ids = re.findall(' id="([^"]*)"', str(learning_curves.draw(PICTURE)))
    assert len(ids) == len(set(ids)) == 2 * len(ERRORS)


# The page.


def test_the_section_stands_only_where_there_are_curves() -> None:
    without = BeautifulSoup(html.render(_with_curves()), "html.parser")
    assert not without.select("#curves") and not without.select('a[href="#curves"]')
    page = BeautifulSoup(html.render(_with_curves(PICTURE)), "html.parser")
    assert len(page.select('nav a[href="#curves"]')) == 1
    (section,) = page.select("main > section#curves")
    assert len(section.select("svg[role=img]")) == 3
    text = section.get_text(" ")
    assert "float64, not certified" in text and "Gaussian equivalence" in text
    assert len(section.select("details tbody tr")) == 3 * 7

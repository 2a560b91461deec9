"""The section on learning curves for everybody: axe-core's rules, narrow windows, both schemes."""

from __future__ import annotations

from pathlib import Path

import pytest

import dsmverify
from dsmverify.curves.points import CurvePoint
from tests.browser.visits import NARROW, SCHEMES, WIDE, Scheme, Visits, scrolls_sideways

POINT = {
    "activation": "relu",
    "psi_n": 4,
    "psi_p": 2,
    "time": "0.1",
    "ridge": "0.001",
    "noise_samples": 1,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on one point of a learning curve."""
    found = dsmverify.check([CurvePoint.from_json(POINT)], claims=["rf.signs"])
    folder = tmp_path_factory.mktemp("curves")
    found.write(folder)
    return folder / "report.html"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_section_is_accessible_and_stays_within_the_window(
    scheme: Scheme, page: Path, visits: Visits
) -> None:
    for width in (NARROW, WIDE):
        opened = visits.open(page, width=width, scheme=scheme)
        opened.locator("#curves summary").click()
        assert opened.locator("#curves details td").first.is_visible()
        assert not scrolls_sideways(opened)
        assert visits.accessibility_faults(opened) == []
        visits.shoot(opened, f"curves-{width}-{scheme}")
        for drawing in opened.locator("#curves svg[role=img]").all():
            box = drawing.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width

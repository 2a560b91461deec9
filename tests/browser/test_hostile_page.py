"""A report full of hostile text, opened by a person: nothing runs, nothing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmverify.report.text import plain
from tests.browser.visits import NARROW, WIDE, Visits, scrolls_sideways
from tests.report import hostile


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    hostile.report().write(folder)
    return folder / "report.html"


def test_nothing_runs_and_everything_is_shown(hostile_report: Path, visits: Visits) -> None:
    page = visits.open(hostile_report, width=NARROW)
    shown = page.locator("#claims-table tr.claim button").all_text_contents()
    assert {text.strip() for text in shown} == {plain(text).strip() for text in hostile.TEXTS}
    page.locator("#filter-text").fill(hostile.TEXTS[0])
    page.locator("#records-text").fill(hostile.TEXTS[1])
    page.locator("#filter-text").fill("")
    page.evaluate(
        "() => document.querySelectorAll('#claims-table tr.claim button')"
        ".forEach((button) => button.click())"
    )
    opened = page.locator("#claims-table tr.claim button[aria-expanded=true]")
    assert opened.count() == len(shown)
    assert not scrolls_sideways(page)
    visits.shoot(page, f"hostile-{NARROW}")


def test_long_names_stay_within_a_wide_window(hostile_report: Path, visits: Visits) -> None:
    page = visits.open(hostile_report, width=WIDE)
    assert not scrolls_sideways(page)
    visits.shoot(page, f"hostile-{WIDE}")


def test_addresses_of_hostile_claims_lead_to_them(hostile_report: Path, visits: Visits) -> None:
    page = visits.open(hostile_report)
    page.locator(".graph-list summary").click()
    links = page.locator(".graph-list li > a:first-child")
    assert links.count() > 10
    for link in links.all():
        name = link.text_content() or ""
        link.click()
        found = page.evaluate(
            "() => document.getElementById(decodeURIComponent(location.hash.slice(1)))"
            "?.querySelector('button')?.textContent ?? null"
        )
        assert found is not None and found.strip() == name.strip()

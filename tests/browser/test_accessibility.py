"""Both pages for everybody: axe-core's rules, the keyboard alone, narrow windows, paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.visits import NARROW, SCHEMES, WIDE, Scheme, Visits, scrolls_sideways

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = ("report.html", "explorer.html")
MANY = 500
"""More times than any walk through a page needs to press Tab."""

views = pytest.mark.parametrize(
    ("width", "scheme"), [(width, scheme) for width in (NARROW, WIDE) for scheme in SCHEMES]
)


@views
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    name: str, width: int, scheme: Scheme, small_report: Path, visits: Visits
) -> None:
    page = visits.open(small_report / name, width=width, scheme=scheme)
    assert visits.accessibility_faults(page) == []
    visits.shoot(page, f"{Path(name).stem}-{width}-{scheme}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_an_open_claim(
    scheme: Scheme, small_report: Path, visits: Visits
) -> None:
    page = visits.open(small_report / "report.html", scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => one.open = true)")
    for verdict in ("PROVED", "REFUTED", "UNDECIDED"):
        page.locator(f"#claims-table tr.claim[data-verdict={verdict}] button").first.click()
    assert visits.accessibility_faults(page) == []
    visits.shoot(page, f"report-open-{scheme}")


@pytest.mark.slow
def test_axe_finds_nothing_in_the_battery(battery_report: Path, visits: Visits) -> None:
    page = visits.open(battery_report / "report.html", width=NARROW)
    assert visits.accessibility_faults(page) == []


def test_axe_runs_with_all_its_rules(tmp_path: Path, visits: Visits) -> None:
    """That nothing is found means something: a page with faults has them found."""
    file = tmp_path / "faults.html"
    file.write_text(
        '<!doctype html><html><head><meta charset="utf-8"><title>faults</title></head><body>'
        '<p style="color:#bbb;background:#fff">pale</p><input><h3>no first heading</h3></body>',
        encoding="utf-8",
    )
    found = {line.partition(" ")[0] for line in visits.accessibility_faults(visits.open(file))}
    assert {"color-contrast", "html-has-lang", "label", "region", "landmark-one-main"} <= found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_itself_never_scrolls_sideways(
    name: str, scheme: Scheme, battery_report: Path, visits: Visits
) -> None:
    for width in (320, NARROW, WIDE):
        page = visits.open(battery_report / name, width=width, scheme=scheme)
        assert not scrolls_sideways(page), width
        visits.shoot(page, f"battery-{Path(name).stem}-{width}-{scheme}")


def test_an_open_claim_stays_within_a_narrow_window(battery_report: Path, visits: Visits) -> None:
    page = visits.open(battery_report / "report.html", width=NARROW)
    for name in ("prop09a", "thm08@sum", "prop02b", "prop10"):
        # By its name: in the markup an id has places where it may break.
        row = page.locator("#claims-table tr.claim")
        button = row.get_by_role("button", name=name, exact=True)
        button.click()
        assert button.get_attribute("aria-expanded") == "true"
        assert not scrolls_sideways(page), name
        visits.shoot(page, f"battery-claim-{name}-{NARROW}")


def test_a_claim_opens_and_closes_by_keyboard(small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / "report.html")
    _tab_to(page, "#filter-text")
    page.keyboard.type("prop09a")
    page.wait_for_function("() => document.querySelector('#claims-shown').textContent !== ''")
    shown = page.locator("#claims-table tr.claim:visible button")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#claims-table tr.claim')]"
        ".filter((row) => row.offsetParent !== null).length < 9"
    )
    assert "prop09a" in shown.all_text_contents()
    _tab_to(page, "#claims-table tr.claim button")
    button = page.locator(":focus")
    detail = page.locator(f"#{button.get_attribute('aria-controls')}".replace("@", r"\@"))
    assert button.get_attribute("aria-expanded") == "false"
    assert not detail.is_visible()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert detail.is_visible()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "false"
    assert not detail.is_visible()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-expanded") == "true"


def test_filters_by_keyboard(small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / "report.html")
    rows = page.locator("#claims-table tr.claim:visible")
    everything = rows.count()
    _tab_to(page, "#filter-verdict")
    page.keyboard.type("REFUTED")
    page.wait_for_function(
        "many => [...document.querySelectorAll('#claims-table tr.claim')]"
        ".filter((row) => row.offsetParent !== null).length < many",
        arg=everything,
    )
    assert {row.get_attribute("data-verdict") for row in rows.all()} == {"REFUTED"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_focus_is_always_visible(
    name: str, scheme: Scheme, small_report: Path, visits: Visits
) -> None:
    page = visits.open(small_report / name, scheme=scheme)
    seen = set()
    for _ in range(MANY):
        page.keyboard.press("Tab")
        where, ring = page.evaluate(_FOCUS)
        if where is None or where in seen:
            break
        seen.add(where)
        assert ring, where
    assert len(seen) > 5


_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return [null, false];
  const all = [...document.querySelectorAll("*")];
  const style = getComputedStyle(one);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  const box = one.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return [`${all.indexOf(one)} ${one.outerHTML.slice(0, 120)}`, ring && inside];
}"""


def test_the_graph_scrolls_by_keyboard(battery_report: Path, visits: Visits) -> None:
    page = visits.open(battery_report / "report.html", width=NARROW)
    page.locator(".graph-scroll").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.graph-scroll').scrollLeft > 0")


def test_a_statement_of_the_graph_leads_to_its_claim(battery_report: Path, visits: Visits) -> None:
    page = visits.open(battery_report / "report.html")
    link = page.locator(".graph-picture a", has=page.locator("text.name:text-is('prop09a')"))
    page.locator(".graph").scroll_into_view_if_needed()
    visits.shoot(page, "battery-graph")
    link.click()
    target = page.locator(":target")
    assert target.locator("button").text_content() == "prop09a"
    assert target.is_visible()


def test_a_slider_moves_by_keyboard(small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / "explorer.html")
    _tab_to(page, "#noise")
    values = page.locator("#values td.value")
    before = values.all_text_contents()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "old => [...document.querySelectorAll('#values td.value')]"
        ".some((cell, index) => cell.textContent !== old[index])",
        arg=before,
    )


@pytest.mark.parametrize("name", PAGES)
def test_landmarks_and_headings(name: str, small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / name)
    for landmark in ("header", "main", "footer"):
        assert page.locator(f"body > {landmark}").count() == 1
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title()


def test_without_javascript_everything_can_be_read(small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / "report.html", java_script_enabled=False)
    assert page.locator("#summary [data-count=PROVED]").is_visible()
    assert page.locator(".graph-picture").is_visible()
    details = page.locator("#claims-table tr.detail")
    assert details.count() == page.locator("#claims-table tr.claim").count() > 5
    for detail in details.all():
        assert detail.is_visible()
    assert not page.locator("#filter-text").is_visible()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_prints(name: str, scheme: Scheme, small_report: Path, visits: Visits) -> None:
    page = visits.open(small_report / name, scheme=scheme)
    printed = page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) >= 1
    assert b"/Font" in printed and len(printed) > 10_000
    page.emulate_media(media="print")
    assert not scrolls_sideways(page)
    assert page.locator("h1").is_visible()


def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element of the kind has the focus, as somebody without a mouse does."""
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")

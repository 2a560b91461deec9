"""`report.html` as a person uses it: with a mouse, with the keyboard alone, on a telephone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.visits import NARROW, SCHEMES, WIDE, Scheme, Visits, scrolls_sideways

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGE_OF_RECORDS = 100


def _open(visits: Visits, folder: Path, **options: Any) -> Page:
    return visits.open(folder / "report.html", **options)


def _shown(page: Page) -> list[str]:
    """Ids of the claims that can be seen, in their order."""
    return page.locator("tr.claim:visible button").all_text_contents()


def _set_text(page: Page, selector: str, text: str, shown: str) -> None:
    """Type a text, and wait until the counter says something else."""
    page.locator(selector).fill(text)
    page.wait_for_function(
        "([element, before]) => document.querySelector(element).textContent !== before",
        arg=[shown, page.locator(shown).text_content()],
    )


# Looks


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_no_barrier_and_nothing_wider_than_the_window(
    width: int, scheme: Scheme, small_report: Path, visits: Visits
) -> None:
    page = _open(visits, small_report, width=width, scheme=scheme)
    visits.shoot(page, f"report-{width}-{scheme}")
    page.locator("#claim-prop09a button").click()
    page.locator("#claim-prop02b button").click()
    page.evaluate(
        "document.querySelectorAll('.table, .severity').forEach((d) => { d.open = true; })"
    )
    page.evaluate("document.querySelector('#claim-prop02b').scrollIntoView()")
    visits.shoot(page, f"report-open-{width}-{scheme}")
    assert not scrolls_sideways(page)
    assert visits.accessibility_faults(page) == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_whole_battery(width: int, battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report, width=width)
    visits.shoot(page, f"battery-{width}")
    for section in ("claims", "graph", "pictures", "records"):
        page.evaluate(f"document.querySelector('#{section}').scrollIntoView()")
        visits.shoot(page, f"battery-{section}-{width}")
    assert not scrolls_sideways(page)
    paint = page.evaluate(
        "performance.getEntriesByType('paint').map((entry) => [entry.name, entry.startTime])"
    )
    print(f"battery, {width} px wide: {paint}")
    assert {name for name, _ in paint} == {"first-paint", "first-contentful-paint"}


def test_every_statement_is_set(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('#summary .failures math')].map((math) => {
          const box = math.getBoundingClientRect();
          return [box.width, box.height, math.getAttribute('aria-label')];
        })"""
    )
    visible = [one for one in sizes if one[0]]
    assert len(visible) > 20
    assert all(width > 3 and height > 5 and label for width, height, label in visible)


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_print(width: int, small_report: Path, visits: Visits) -> None:
    page = _open(visits, small_report, width=width)
    page.locator("#claim-prop09a button").click()
    page.emulate_media(media="print")
    for selector in ("nav", "#filter-text", "#records", "#claim-prop02b + tr.detail"):
        assert not page.locator(selector).is_visible(), selector
    for selector in ("h1", "#claims-table", "#claim-prop09a + tr.detail .statement"):
        assert page.locator(selector).first.is_visible(), selector
    for column in page.locator("#claims-table > thead th").all():
        assert column.is_visible()
    visits.shoot(page, f"report-print-{width}")


# Claims


def test_filters_narrow_the_table(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    total = page.locator("tr.claim").count()
    assert page.locator("#claims-shown").text_content() == f"{total} of {total}"
    page.locator("#filter-verdict").select_option("REFUTED")
    refuted = _shown(page)
    assert 0 < len(refuted) < total
    assert page.locator("#claims-shown").text_content() == f"{len(refuted)} of {total}"
    assert _data(page, "verdict") == ["REFUTED"] * len(refuted)
    page.locator("#filter-kind").select_option("step")
    steps = _shown(page)
    assert 0 < len(steps) < len(refuted)
    page.locator("#filter-source").select_option("proposition 9")
    assert 0 < len(_shown(page)) < len(steps)
    assert all(name.startswith("prop09") for name in _shown(page))
    page.locator("#filter-reset").click()
    assert len(_shown(page)) == total
    page.locator("#filter-kind").select_option("repaired")
    assert set(_data(page, "form")) == {"repaired"}
    page.locator("#filter-reset").click()
    _set_text(page, "#filter-text", "Tweedie", "#claims-shown")
    assert "tweedie" in _shown(page)


def test_claims_are_sorted(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    by_id = _shown(page)
    assert by_id == sorted(by_id)
    page.locator("#sort").select_option("slack")
    slacks = [float(text) for text in _data(page, "slack") if text != "-"]
    assert slacks == sorted(slacks) and slacks[0] < 1
    known = [text != "-" for text in _data(page, "slack")]
    assert known == sorted(known, reverse=True), "claims without a slack come last"
    page.locator("#sort").select_option("verdict")
    verdicts = list(dict.fromkeys(_data(page, "verdict")))
    assert verdicts == ["REFUTED", "UNDECIDED", "HOLDS", "PROVED"]
    # The detail of a claim stays behind it.
    page.locator("#claim-prop10 button").click()
    assert page.locator("#claim-prop10 + tr.detail .statement").first.is_visible()
    page.locator("#sort").select_option("id")
    assert _shown(page) == by_id


def test_a_count_leads_to_its_claims_and_the_address_keeps_the_filter(
    battery_report: Path, visits: Visits
) -> None:
    page = _open(visits, battery_report)
    number = page.locator('[data-count="HOLDS"]').text_content()
    page.locator('[data-show="HOLDS"]').click()
    assert len(_shown(page)) == int(number or 0)
    assert page.url.endswith("#claims?verdict=HOLDS")
    again = _open(visits, battery_report, fragment="claims?verdict=HOLDS&sort=slack")
    assert sorted(_shown(again)) == sorted(_shown(page))
    assert again.locator("#sort").input_value() == "slack"
    records = int(page.locator('[data-count="FALSE"]').text_content() or 0)
    page.locator('[data-records="FALSE"]').click()
    assert f"of {records} " in (page.locator("#records-shown").text_content() or "")


def test_a_claim_opens_and_closes(small_report: Path, visits: Visits) -> None:
    page = _open(visits, small_report)
    button = page.locator("#claim-prop02b button")
    detail = page.locator("#claim-prop02b + tr.detail")
    assert button.get_attribute("aria-expanded") == "false" and not detail.is_visible()
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    assert detail.locator(".statement math").first.is_visible()
    assert detail.locator("pre").first.is_visible()
    # Its instances, with the slack of its hypothesis: below 1 where it does not apply.
    heads = detail.locator(".instances thead th").all_text_contents()
    assert heads[:4] == ["instance", "answer", "hyp. 1", "slack"]
    rows = {
        cells[0]: cells[1:]
        for cells in detail.locator(".instances tbody tr").evaluate_all(
            "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
    }
    assert rows["wide"][0] == "TRUE" and float(rows["wide"][1]) > 1
    assert rows["narrow"][0] == "NOT_APPLICABLE" and float(rows["narrow"][1]) < 1
    button.click()
    assert button.get_attribute("aria-expanded") == "false" and not detail.is_visible()


def test_links_open_what_they_lead_to(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    page.locator("#filter-verdict").select_option("PROVED")
    page.locator('.failures a[href="#claim-prop10"]').click()
    line = page.locator("#claim-prop10")
    assert line.is_visible(), "a filter that hides what was asked for gives way"
    assert page.locator("#claim-prop10 + tr.detail .statement").first.is_visible()
    page.locator('#claim-prop10 + tr.detail .facts a[href="#claim-prop10.b"]').first.click()
    assert page.locator("#claim-prop10\\.b button").get_attribute("aria-expanded") == "true"
    other = _open(visits, battery_report, fragment="claim-thm08%40sum")
    assert other.locator("tr.detail.opened").count() == 1
    assert other.evaluate("document.activeElement.textContent") == "thm08@sum"


def test_keyboard_alone(small_report: Path, visits: Visits) -> None:
    page = _open(visits, small_report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#summary")
    page.locator("#filter-text").focus()
    page.keyboard.type("prop02b")
    page.wait_for_function("() => document.getElementById('claims-shown').textContent[0] === '1'")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('tr.claim button')"):
            break
    assert page.evaluate("document.activeElement.textContent") == "prop02b"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.locator("#claim-prop02b + tr.detail .statement").first.is_visible()
    # Everything that scrolls sideways can be reached and so be scrolled.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.statement[tabindex=\"0\"]')")


# Records


def test_records_are_shown_in_pages(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    total = int(re.findall(r"\d+", page.locator("#records > p").first.text_content() or "")[0])
    assert total > 10_000
    shown = page.locator("#records-shown")
    rows = page.locator("#records-table tbody tr")
    assert rows.count() == PAGE_OF_RECORDS
    assert shown.text_content() == f"rows 1 to 100 of {total} ({total} in all)"
    assert page.locator("#records-previous").is_disabled()
    first = rows.first.text_content()
    page.locator("#records-next").click()
    assert shown.text_content() == f"rows 101 to 200 of {total} ({total} in all)"
    assert rows.first.text_content() != first
    page.locator("#records-previous").click()
    assert rows.first.text_content() == first


def test_records_are_filtered(battery_report: Path, visits: Visits) -> None:
    page = _open(visits, battery_report)
    page.locator("#records-claim").select_option("prop09a")
    page.locator("#records-answer").select_option("FALSE")
    cells = _cells(page)
    assert cells and {(line[0], line[2]) for line in cells} == {("prop09a", "FALSE")}
    assert all(float(line[3]) < 1 for line in cells)
    _set_text(page, "#records-text", "triple", "#records-shown")
    assert all("triple" in line[1] for line in _cells(page))
    assert 0 < len(_cells(page)) < len(cells)
    _set_text(page, "#records-text", "no such text", "#records-shown")
    assert _cells(page) == []
    assert (page.locator("#records-shown").text_content() or "").startswith("rows 0 ")


def test_filtering_takes_no_time_that_a_person_notices(
    battery_report: Path, visits: Visits
) -> None:
    page = _open(visits, battery_report)
    times = page.evaluate(
        """() => ["pair", "sigma", "e-1", ""].map((text) => {
          document.getElementById("records-text").value = text;
          const start = performance.now();
          document.getElementById("records-answer").dispatchEvent(new Event("change"));
          return [text, performance.now() - start];
        })"""
    )
    print(f"filtering the records, ms: {times}")
    assert len(times) == 4


def _cells(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.locator("#records-table tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return found


def _data(page: Page, name: str) -> list[str]:
    """An attribute of the claims that can be seen, in their order."""
    found: list[str] = page.locator("tr.claim:visible").evaluate_all(
        "(rows, name) => rows.map((row) => row.dataset[name])", name
    )
    return found


# Without a script


def test_without_a_script_claims_can_be_read(small_report: Path, visits: Visits) -> None:
    page = _open(visits, small_report, java_script_enabled=False)
    detail = page.locator("#claim-prop09a + tr.detail")
    assert not detail.locator("pre").first.is_visible()
    detail.locator("summary").first.click()
    assert detail.locator("pre").first.is_visible()
    for selector in ("#filter-text", "#records-next", "#records-table"):
        assert not page.locator(selector).is_visible()
    assert "made by a script" in (page.locator("#records").text_content() or "")
    visits.shoot(page, "report-without-script")

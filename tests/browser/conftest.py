"""One Chromium for the session, pages that are watched, and reports to open in them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

import dsmverify
from dsmverify import cli
from tests.browser.visits import Visits, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
REFEREE = ROOT / "reports" / "referee" / "report.json"
CLAIMS = ("prop02a", "prop02b", "prop09a", "prop09.0", "prop09.a", "prop10", "thm08", "shift1")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium from the system's packages.

    Without it the tests are skipped; with DSMVERIFY_BROWSER=required they fail.
    """
    executable = find_chromium()
    if executable is None:
        _missing("no Chromium found: apt-get install chromium; browser tests skipped")
    if importlib.util.find_spec("playwright") is None:
        _missing("playwright is not installed: pip install playwright; browser tests skipped")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the pictures: DSMVERIFY_SCREENSHOTS, or one that pytest removes."""
    named = os.environ.get("DSMVERIFY_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visits(chromium: Browser, screenshots: Path) -> Iterator[Visits]:
    """Opens pages; at the end none may have done what no page may (`Visits.faults`)."""
    opened = Visits(chromium, screenshots)
    try:
        yield opened
    finally:
        opened.close()
    assert opened.faults == []


@pytest.fixture(scope="session")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report with few claims, all answers and most verdicts among them."""
    samples = [
        dsmverify.Instance.from_numpy(["0", "1", "3"], mu="1/2", sigma="1/10", name="wide"),
        dsmverify.Instance.from_numpy(["0", "1/8"], mu="4/5", sigma="3/5", name="narrow"),
    ]
    found = dsmverify.check(samples, claims=CLAIMS)
    folder = tmp_path_factory.mktemp("small")
    found.write(folder)
    return folder


@pytest.fixture(scope="session")
def battery_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the committed report of the whole battery, its pages written again."""
    folder = tmp_path_factory.mktemp("battery")
    assert cli.main(["html", str(REFEREE), "--out", str(folder)]) == 0
    return folder


def _missing(line: str) -> NoReturn:
    if os.environ.get("DSMVERIFY_BROWSER") == "required":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)

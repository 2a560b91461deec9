"""What pages do that none may is found: otherwise that nothing is found would mean nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.visits import NARROW, Visits, find_chromium, scrolls_sideways

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'{more}\"></head>"
    "<body>{body}</body></html>"
)


@pytest.mark.parametrize(
    ("more", "body", "fault"),
    [
        ("", "<script>console.error('told')</script>", "console: told"),
        ("", "<script>console.warn('told')</script>", "console: told"),
        ("", "<script>missing()</script>", "exception: missing is not defined"),
        ("", "<script>alert('hello')</script>", "dialog: hello"),
        ("", "<img src='https://localhost/a.png' alt=''>", "policy: img-src: https://localhost"),
        ("; img-src *", "<img src='https://localhost/a.png' alt=''>", "request: https://local"),
    ],
)
def test_faults_are_found(
    more: str, body: str, fault: str, chromium: Browser, screenshots: Path, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(_PAGE.format(more=more, body=body), encoding="utf-8")
    opened = Visits(chromium, screenshots)
    opened.open(file)
    opened.close()
    assert any(line.startswith(fault) for line in opened.faults), opened.faults


def test_a_page_without_faults(visits: Visits, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(_PAGE.format(more="", body="<p>well</p>"), encoding="utf-8")
    page = visits.open(file, width=NARROW, scheme="dark")
    assert not scrolls_sideways(page)
    assert page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    assert visits.shoot(page, "well").stat().st_size > 0


def test_a_wide_page_scrolls_sideways(visits: Visits, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    wide = "<div style='width: 2000px'>wide</div>"
    file.write_text(_PAGE.format(more="", body=wide), encoding="utf-8")
    assert scrolls_sideways(visits.open(file))


def test_a_browser_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "browser"
    named.write_text("", encoding="utf-8")
    named.chmod(0o700)
    monkeypatch.setenv("DSMVERIFY_CHROMIUM", str(named))
    assert find_chromium() == str(named)
    monkeypatch.setenv("DSMVERIFY_CHROMIUM", str(tmp_path / "none"))
    assert find_chromium() is None
    monkeypatch.delenv("DSMVERIFY_CHROMIUM")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_chromium() is None
    named.rename(tmp_path / "google-chrome")
    assert find_chromium() == str(tmp_path / "google-chrome")


@pytest.mark.parametrize(("wanted", "status"), [("", 0), ("required", 1)])
def test_without_a_browser_the_tests_are_skipped_in_a_clear_line_or_fail(
    wanted: str, status: int, tmp_path: Path
) -> None:
    environment = dict(os.environ, DSMVERIFY_CHROMIUM=str(tmp_path / "none"))
    environment |= {"DSMVERIFY_BROWSER": wanted}
    for name in ("CI", "BUILD_NUMBER"):  # there pytest's summary gives each reason once more
        environment.pop(name, None)
    one = f"{Path(__file__)}::test_a_page_without_faults"
    options = ("-q", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, one],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    line = "no Chromium found: apt-get install chromium; browser tests skipped"
    assert done.returncode == status, done.stdout + done.stderr
    found = [text for text in done.stdout.splitlines() if line in text]
    assert len(found) == 1, done.stdout
    assert wanted or found == [f"Skipped: {line} (1 skipped)"]

"""A person's browser, for tests: pages opened from disk, and everything that they did wrong.

Playwright and axe-core are imported only where a browser was found, so that the tests can be
collected, and skipped, without them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

NARROW, WIDE = 375, 1440
"""Widths of a telephone and of a desk, in CSS pixels."""
HEIGHTS: Mapping[int, int] = {NARROW: 812, WIDE: 900}
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
NAMES = ("chromium", "chromium-browser", "google-chrome")

Scheme = Literal["light", "dark"]

_RULES = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
        "best-practice",
    ],
    "resultTypes": ["violations"],
}
_LISTEN = """
window.dsmViolations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.dsmViolations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
});
"""


def find_chromium() -> str | None:
    """The browser: what DSMVERIFY_CHROMIUM names, or the first of `NAMES` that is installed."""
    named = os.environ.get("DSMVERIFY_CHROMIUM")
    if named:
        return shutil.which(named)
    return next((found for found in map(shutil.which, NAMES) if found), None)


@dataclass
class Visits:
    """Pages opened in one test, each in a context of its own: no page sees another's storage.

    Attributes:
        browser: the one of the session.
        screenshots: folder that pictures are kept in.
        faults: what pages did that none may: errors in the console, exceptions, dialogs, what
            the page's content security policy blocked, requests for anything but files.
    """

    browser: Browser
    screenshots: Path
    faults: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)
    _pages: list[Page] = field(default_factory=list)

    def open(
        self,
        file: Path,
        *,
        width: int = WIDE,
        scheme: Scheme = "light",
        fragment: str = "",
        **context: Any,
    ) -> Page:
        """The file in a new page, loaded from disk, with no network at all.

        Args:
            file: an HTML file.
            width: of the window, in CSS pixels.
            scheme: which colours the person prefers.
            fragment: what follows `#` in the address.
            context: further options of `Browser.new_context`: `java_script_enabled=False`, say.
        """
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": HEIGHTS.get(width, 900)},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
            "offline": True,
            **context,
        }
        opened = self.browser.new_context(**options)
        self._contexts.append(opened)
        opened.add_init_script(_LISTEN)
        page = opened.new_page()
        self._pages.append(page)
        self._watch(page)
        page.goto(file.resolve().as_uri() + (f"#{fragment}" if fragment else ""))
        return page

    def shoot(self, page: Page, name: str, *, full_page: bool = False) -> Path:
        """Keep a picture of the page under a name."""
        path = self.screenshots / f"{name}.png"
        page.screenshot(path=path, full_page=full_page)
        return path

    def accessibility_faults(self, page: Page) -> list[str]:
        """What axe-core finds: WCAG 2 up to AA and its best practices; one line per element.

        The script comes in through the debugger, so it passes by the page's own policy, which
        stays in force.
        """
        script = resources.files("axe_playwright_python") / "axe.min.js"
        page.evaluate(script.read_text(encoding="utf-8"))
        found = page.evaluate("options => axe.run(document, options)", _RULES)
        return [
            f"{violation['id']} ({violation['impact']}): {' '.join(map(str, node['target']))}: "
            f"{node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def close(self) -> None:
        """Close all pages; what their policies blocked joins the faults."""
        for page in self._pages:
            if not page.is_closed() and not page.url.startswith("about:"):
                blocked = page.evaluate("() => window.dsmViolations ?? []")
                self.faults += [f"policy: {line}" for line in blocked]
        self._pages.clear()
        while self._contexts:
            self._contexts.pop().close()

    def _watch(self, page: Page) -> None:
        note: Callable[[str], None] = self.faults.append

        def dismissed(dialog: Dialog) -> None:
            note(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on(
            "console",
            lambda message: (
                note(f"console: {message.text}") if message.type in {"error", "warning"} else None
            ),
        )
        page.on("pageerror", lambda error: note(f"exception: {error}"))
        page.on("dialog", dismissed)
        page.on("crash", lambda _: note("the page crashed"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:", "blob:"))
                else note(f"request: {request.url}")
            ),
        )


def scrolls_sideways(page: Page) -> bool:
    """Whether the page as a whole is wider than the window."""
    wide = page.evaluate(
        "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return bool(wide)

"""Settings of the whole suite: Hypothesis draws the same examples in every run."""

import os
from collections import Counter

import pytest
from hypothesis import settings

settings.register_profile("dsmverify", derandomize=True, deadline=None)
settings.load_profile("dsmverify")

# What the outer run has chosen: how wide its terminal is, and where its own summary goes.
for name in ("COLUMNS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason why tests were skipped: a missing browser is not passed over."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)
    )
    for reason, number in sorted(reasons.items()):
        terminalreporter.write_line(f"{reason} ({number} skipped)")

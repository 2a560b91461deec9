"""What the command line prints of a report and of values."""

from __future__ import annotations

import pytest

from dsmverify import cli, terminal
from dsmverify.report import Expected
from tests.report.outcomes import claim, report, row


def test_summary_has_every_count_and_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        row("TRUE", slack="1.25e+900"),
        row("FALSE", "large", slack="0.5"),
        row("UNKNOWN", "third"),
        row("NOT_APPLICABLE", "[red]fourth\x1b[31m"),
    ]
    whole = report(rows, claims=(claim(), claim("thm04")), expected={"prop02a": PROVED})
    cli._print_summary(whole)
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["prop02a", "REFUTED", "3", "1", "1", "1", "0", "1", "0.5"] in lines
    assert ["thm04", "UNDECIDED", "0", "0", "0", "0", "0", "0", "-"] in lines
    assert "prop02a: FALSE at large, but recorded: PROVED" in out
    assert "0 PROVED, 1 REFUTED, 0 HOLDS, 0 VACUOUS, 1 UNDECIDED" in out
    assert "\x1b" not in out


PROVED = Expected("PROVED", "why")


def test_values_are_flattened_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    ball = {"lower": "1.0", "upper": "1.1"}
    cli._print_values(
        {
            "system": "arb",
            "digits": 2,
            "values": {"density": [ball, ball], "risk": ball, "constants": {"C_n": ball}},
            "unavailable": {"hessian": "m > 50; pass --hessian"},
        }
    )
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    shown = dict(pair for pair in lines if len(pair) == 2)
    assert shown["density[1]"] == shown["risk"] == shown["constants.C_n"] == "[1.0, 1.1]"
    assert shown["hessian:"] == "not available: m > 50; pass --hessian"


def test_no_progress_bar_where_nobody_sees_it() -> None:
    with terminal.progress_bar() as progress:
        assert progress is None

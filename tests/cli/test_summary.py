"""What the command line prints of a report and of values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsmverify import cli, printing, terminal
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
    printing.print_summary(whole)
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["prop02a", "REFUTED", "3", "1", "1", "1", "0", "1", "0.5"] in lines
    assert ["thm04", "UNDECIDED", "0", "0", "0", "0", "0", "0", "-"] in lines
    assert "prop02a: FALSE at large, but recorded: PROVED" in out
    assert "0 PROVED, 1 REFUTED, 0 HOLDS, 0 VACUOUS, 1 UNDECIDED" in out
    assert "answers: 1 TRUE, 1 FALSE, 1 UNKNOWN, 1 NOT_APPLICABLE, 0 trivial" in out
    assert "\x1b" not in out


PROVED = Expected("PROVED", "why")


def test_a_quiet_summary_has_all_but_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    whole = report([row("TRUE"), row("FALSE", "large")], expected={"prop02a": PROVED})
    printing.print_summary(whole)
    table, _, rest = capsys.readouterr().out.partition("\n\n")
    assert table.startswith("claim ")
    printing.print_summary(whole, quiet=True)
    assert capsys.readouterr().out == rest
    assert "but recorded: PROVED" in rest


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (
            ["timings.json", "report.md", "report.html", "badge.svg"],
            "report: out/report.html (with badge.svg, report.md, timings.json)",
        ),
        (["report.json", "report.md"], "report: out/report.md (with report.json)"),
        (["report.html"], "report: out/report.html"),
        (["a.csv"], "report: out (with a.csv)"),
    ],
)
def test_the_last_line_names_the_page_and_what_is_beside_it(
    names: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("out")
    printing.print_files([folder / name for name in names], folder)
    assert capsys.readouterr().out == f"{line}\n"


def test_check_ends_with_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "x.csv"
    data.write_text("x\n0\n1\n3\n", encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["check", str(data), "--sigma", "0.1", "--claims", "prop02a", "-q"]
    assert cli.main([*arguments, "--out", str(out)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    named = re.findall(r"[\w-]+\.(?:html|md|xml|json|svg)\b", last.replace(str(out), ""))
    assert sorted(named) == sorted(path.name for path in out.iterdir())


def test_values_are_flattened_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    ball = {"lower": "1.0", "upper": "1.1"}
    printing.print_values(
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

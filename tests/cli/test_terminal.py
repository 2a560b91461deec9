"""What is printed on terminals of several widths and kinds, in pipes, and in other encodings."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from dsmverify import terminal
from dsmverify.cli import cli

ROOT = Path(__file__).resolve().parents[2]
CHECK = ["-m", "dsmverify", "check", "x.csv", "--sigma", "0.1", "--claims", "prop02a"]
SUMMARY = """
from dsmverify.printing import print_summary
from tests.report.outcomes import claim, report, row
rows = [
    row("TRUE", "small", slack="2.5e+4000"),
    row("FALSE", "large", slack="0.123456"),
    *(row("UNKNOWN", f"unknown{i}", "prop06.d2@first-reading") for i in range(12345)),
    row("NOT_APPLICABLE", "away", "prop06.d2@first-reading"),
]
print_summary(report(rows, claims=(claim(), claim("prop06.d2@first-reading"))))
"""
VALUES = """
from dsmverify.printing import print_values
ball = {"lower": "-1." + "3" * 32, "upper": "-1." + "3" * 31 + "2"}
values = {"density": [ball], "empirical_score_third_derivative": [ball]}
print_values({"system": "arb", "digits": 33, "values": values})
"""
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _environment(folder: Path, **variables: str) -> dict[str, str]:
    unset = {"COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING", "PYTHONUTF8"}
    unset |= {"GITHUB_STEP_SUMMARY", "LC_ALL", "LC_CTYPE", "LANG"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    known = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return {**kept, **known, **variables}


def _run(arguments: list[str], folder: Path, **variables: str) -> tuple[int, bytes, bytes]:
    """Status and what was printed on both streams, where nobody looks."""
    (folder / "x.csv").write_text("x\n0\n1\n3\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(folder, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _run_on_terminal(
    arguments: list[str], folder: Path, width: int, **variables: str
) -> tuple[int, bytes]:
    """Status and what a terminal of that width was sent, by both streams."""
    (folder / "x.csv").write_text("x\n0\n1\n3\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=_environment(folder, **variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b""
    try:
        while piece := os.read(ours, 65536):
            sent += piece
    except OSError:  # the other side was closed: on Linux that is an error, not an end
        pass
    finally:
        os.close(ours)
    return process.wait(), sent


def _lines(sent: bytes) -> list[str]:
    return STEERING.sub("", sent.decode("utf-8")).replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 132])
def test_a_summary_fits_and_no_number_is_broken(width: int, tmp_path: Path) -> None:
    status, sent = _run_on_terminal(["-c", SUMMARY], tmp_path, width)
    assert status == 0
    lines = _lines(sent)
    assert max(map(len, lines)) <= width
    words = re.split(r"[\s,]+", "\n".join(lines))
    assert {"12345", "prop02a", "prop06.d2@first-reading", "REFUTED", "UNDECIDED"} <= set(words)
    pairs = re.findall(r"(\d+) (\w+)", "\n".join(lines))
    assert {("1", "REFUTED"), ("0", "PROVED"), ("1", "UNDECIDED")} <= set(pairs)
    assert {("12345", "UNKNOWN"), ("1", "NOT_APPLICABLE"), ("1", "TRUE")} <= set(pairs)


def test_columns_that_can_be_spared_go_first_and_are_named(tmp_path: Path) -> None:
    heads = {}
    for width in (132, 85, 75, 65):
        lines = _lines(_run_on_terminal(["-c", SUMMARY], tmp_path, width)[1])
        note = [line for line in lines if line.startswith("not shown, for want of room: ")]
        dropped = note[0].partition(": ")[2].split(", ") if note else []
        heads[width] = lines[0]
        assert all(name not in lines[0] for name in dropped)
        assert all(name in lines[0] for name in ("true", "false", "unknown", "n/a"))
        assert len(lines[0].split()) == 10 - len(dropped) - ("least slack" in dropped)
    assert "applicable" in heads[132]
    assert "applicable" not in heads[85]
    assert "trivial" in heads[85]
    assert "least slack" not in heads[65]


def test_rows_become_paragraphs_where_no_table_fits(tmp_path: Path) -> None:
    lines = _lines(_run_on_terminal(["-c", SUMMARY], tmp_path, 40)[1])
    assert lines[:4] == [
        "prop02a  REFUTED",
        "  applicable 2, true 1, false 1,",
        "  unknown 0, trivial 0, n/a 0,",
        "  least slack 0.1234",
    ]


def test_columns_in_the_environment_count_in_a_pipe_too(tmp_path: Path) -> None:
    _, narrow, _ = _run(["-c", SUMMARY], tmp_path, COLUMNS="40")
    assert max(map(len, narrow.decode().splitlines())) <= 40
    _, wide, _ = _run(["-c", SUMMARY], tmp_path)
    assert wide.decode().splitlines()[0].split()[:3] == ["claim", "verdict", "applicable"]
    for odd in ("0", "wide"):
        assert _run(["-c", SUMMARY], tmp_path, COLUMNS=odd)[1] == wide


def test_colours_on_a_terminal_only(tmp_path: Path) -> None:
    assert b"\x1b[31mREFUTED" in _run_on_terminal(["-c", SUMMARY], tmp_path, 132)[1]
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        sent = _run_on_terminal(["-c", SUMMARY], tmp_path, 132, **variables)[1]
        assert b"\x1b" not in sent
    _, out, _ = _run(["-c", SUMMARY], tmp_path, FORCE_COLOR="1")
    assert b"\x1b" not in out


def test_a_check_on_a_terminal_shows_a_bar_and_ends_with_the_file(tmp_path: Path) -> None:
    status, sent = _run_on_terminal([*CHECK, "--out", "out"], tmp_path, 80)
    assert status == 0
    assert "━".encode() in sent
    last = _lines(sent)[-1]
    assert last.startswith("report: out/report.")
    assert "junit.xml" in last
    assert "badge.svg" in last


def test_a_dumb_terminal_gets_lines_and_nothing_else(tmp_path: Path) -> None:
    status, sent = _run_on_terminal([*CHECK, "--out", "out"], tmp_path, 80, TERM="dumb")
    assert status == 0
    assert b"\x1b" not in sent
    assert b"\r" not in sent.replace(b"\r\n", b"")
    assert _lines(sent)[0].split()[:2] == ["claim", "verdict"]


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"},
    ],
)
def test_an_encoding_without_our_letters_is_no_error(
    variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "σ.json").write_text('[{"x": [1, 2], "sigma": "1/3"}]', encoding="utf-8")
    named = ["-m", "dsmverify", "check", "σ.json", "--claims", "prop02a", "--out", "σ"]
    status, sent = _run_on_terminal(named, tmp_path, 80, **variables)
    assert status == 0
    assert sent.isascii()
    assert b"Traceback" not in sent
    assert b"\\u03c3" in sent or b"\\ufffd" in sent  # as far as the name could be read
    status, out, err = _run(["-m", "dsmverify", "diff", "σ", "nowhere-σ"], tmp_path, **variables)
    assert (status, out) == (2, b"")
    assert err.isascii()
    assert err.startswith(b"error: NEW: ")


def test_a_table_is_laid_out_in_the_letters_that_are_printed(tmp_path: Path) -> None:
    program = (
        "from dsmverify.terminal import Column, print_table\n"
        "print_table([Column('a'), Column('b', right=True)], [['\\u03c3', '1'], ['xy', '22']])"
    )
    _, out, _ = _run(["-c", program], tmp_path, PYTHONIOENCODING="ascii")
    assert out.decode("ascii").splitlines() == [r"a        b", r"\u03c3   1", r"xy      22"]
    _, out, _ = _run(["-c", program], tmp_path, PYTHONIOENCODING="utf-8")
    assert out.decode("utf-8").splitlines() == ["a    b", "σ    1", "xy  22"]


def test_values_are_never_broken(tmp_path: Path) -> None:
    _, out, _ = _run(["-c", VALUES], tmp_path)
    values = re.findall(r"-?\d+\.\d{10,}", out.decode())
    assert len(values) == 4
    assert re.search(r"^density\[0\] +\[[-\d.]+, [-\d.]+\]$", out.decode(), re.MULTILINE)
    for width in (40, 80):
        lines = _lines(_run_on_terminal(["-c", VALUES], tmp_path, width)[1])
        assert max(map(len, lines)) <= width
        assert re.findall(r"-?\d+\.\d{10,}", "\n".join(lines)) == values


def test_help_is_ascii() -> None:
    """Click prints it, and writes UTF-8 where the stream is ASCII."""
    texts = [str(cli.help)]
    for command in cli.commands.values():
        texts += [str(command.help), *(str(getattr(one, "help", "")) for one in command.params)]
    assert all(text.isascii() for text in texts)


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.echo("a\x1b[31mb\nc\x07")
    terminal.echo("\ud800", error=True)
    terminal.say("d\x1b]0;title\x07")
    terminal.print_table([terminal.Column("e\x1b")], [["[red]f\x1b[0m"]])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert "[red]f" in out
    assert out.splitlines()[:2] == ["a\ufffd[31mb", "c\ufffd"]


CLOSED = {"out": ">&-", "err": "2>&-", "both": ">&- 2>&-", "all": "<&- >&- 2>&-"}


@pytest.mark.parametrize("closed", CLOSED)
def test_closed_streams_are_no_fault(closed: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x\n0\n1\n3\n", encoding="utf-8")
    line = f"{sys.executable} -W error {' '.join(CHECK)} --out out {CLOSED[closed]}"
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=tmp_path,
        env=_environment(tmp_path),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (done.stdout == b"") == (closed != "err")
    assert len(list((tmp_path / "out").iterdir())) >= 6


def _run_without_reader(arguments: list[str], folder: Path, **variables: str) -> tuple[int, bytes]:
    """Status and complaints where the reader of standard output has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=_environment(folder, **variables),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["claims", "derive tweedie", "--version"])
def test_a_reader_that_has_gone_is_not_a_verdict(command: str, tmp_path: Path) -> None:
    """Status 1 would say that a verdict is not the recorded one."""
    found = _run_without_reader(["-m", "dsmverify", *command.split()], tmp_path)
    assert found == (3, b"")


def test_files_do_not_wait_for_a_reader(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x\n0\n1\n3\n", encoding="utf-8")
    arguments = [*CHECK, "--out", "out"]
    found = _run_without_reader(arguments, tmp_path, GITHUB_STEP_SUMMARY="summary.md")
    assert found == (3, b"")
    assert (tmp_path / "out" / "report.json").is_file()
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### dsmverify: ")

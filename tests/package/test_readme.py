"""What the README shows is what the commands print, and what docstrings show is what code gives."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import dsmverify

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("make ", "pip ", "python3 -m pip ", "git ", "dsmverify check --jobs ")
"""Set-up, and what takes the whole battery; their output is tied to the record instead."""

DOCTESTED = sorted(
    module.name
    for module in pkgutil.walk_packages(dsmverify.__path__, "dsmverify.")
    if module.name not in {"dsmverify.__main__", "dsmverify.systems.torch"}
    and "_content" not in module.name
)


@dataclass(frozen=True)
class Command:
    """One command of the README.

    Attributes:
        line: its line in the file.
        text: the command.
        shown: the output below it; a line `...` stands for any number of lines.
    """

    line: int
    text: str
    shown: tuple[str, ...]


def fences(text: str, language: str) -> list[tuple[int, str]]:
    """Fenced blocks of one language: the number of the first line inside, and the lines."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in pattern.finditer(text)]


def commands(text: str) -> list[Command]:
    found = []
    for first, block in fences(text, "console"):
        lines = block.splitlines()
        starts = [place for place, line in enumerate(lines) if line.startswith("$ ")]
        assert starts[:1] == [0], f"line {first}: a console block begins with a command"
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            found.append(Command(first + start, lines[start][2:], tuple(lines[start + 1 : end])))
    return found


def agrees(shown: tuple[str, ...], printed: str) -> bool:
    """Whether shown lines are the printed ones, up to `...` and blanks at the end of a line."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()) + r"[ \t]*\n" for line in shown
    )
    lines = [line.rstrip() for line in printed.splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


COMMANDS = commands(README)
RUN = [command for command in COMMANDS if not command.text.startswith(NOT_RUN)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a newcomer tries the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "reports").symlink_to(ROOT / "reports")
    return tmp_path


def test_an_abridged_output_agrees_and_another_does_not() -> None:
    assert agrees(("a", "...", "d"), "a  \nb\nc\nd\n")
    assert agrees(("a", "...", "d"), "a\nd\n")
    assert not agrees(("a", "...", "d"), "a\nb\n")
    assert not agrees((), "a\n")


def test_the_first_screen_has_both_commands() -> None:
    first = [command.text for command in COMMANDS[:2]]
    assert first == ["make report", "make test"]
    assert len(RUN) >= 5


@pytest.mark.parametrize("command", RUN, ids=lambda command: f"line-{command.line}")
def test_a_command_prints_what_the_readme_shows(command: Command, folder: Path) -> None:
    if "--system torch" in command.text:
        pytest.importorskip("torch")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert agrees(command.shown, done.stdout), f"{command.text}\n{done.stdout}"


@pytest.mark.parametrize(
    "example", [pytest.param(text, id=f"line-{line}") for line, text in fences(README, "python")]
)
def test_a_python_example_runs(example: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.findall(r"^print\(.*?\)  # (.*)$", example, re.MULTILINE)
    assert shown, "each print shows its output in a comment"
    assert done.stdout.splitlines() == shown


def test_json_in_the_readme_is_an_instance() -> None:
    blocks = fences(README, "json")
    assert blocks
    for line, block in blocks:
        assert dsmverify.Instance.from_json(block).size >= 2, f"line {line}"
        json.loads(block)


def test_the_findings_are_the_refuted_claims_of_the_record() -> None:
    record = tomllib.loads((ROOT / "checks" / "expected.toml").read_text(encoding="utf-8"))
    refuted = {name for name, entry in record.items() if entry["verdict"] == "REFUTED"}
    section = README.partition("## What the suite found")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)) == refuted


def test_the_totals_are_those_of_the_record() -> None:
    record = tomllib.loads((ROOT / "checks" / "expected.toml").read_text(encoding="utf-8"))
    verdicts = [entry["verdict"] for entry in record.values()]
    names = ("PROVED", "REFUTED", "HOLDS", "VACUOUS", "UNDECIDED")
    totals = ", ".join(f"{verdicts.count(name)} {name}" for name in names)
    (shown,) = [command.shown for command in COMMANDS if command.text == "make report"]
    assert totals in shown


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", DOCTESTED)
def test_examples_in_docstrings(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0

"""What the README shows is what the commands print, and what docstrings show is what code gives."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import dsmverify
from tests.documented import (
    ROOT,
    Command,
    Example,
    agrees,
    commands,
    fences,
    newcomers_folder,
    run_command,
    run_example,
    steps,
)

README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("make ", "pip ", "python3 -m pip ", "git ", "dsmverify check --jobs ")
"""Set-up, and what takes the whole battery; their output is tied to the record instead."""

DOCTESTED = sorted(
    module.name
    for module in pkgutil.walk_packages(dsmverify.__path__, "dsmverify.")
    if module.name not in {"dsmverify.__main__", "dsmverify.systems.torch"}
    and "_content" not in module.name
)


COMMANDS = commands(README)
RUN = [command for command in COMMANDS if not command.text.startswith(NOT_RUN)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a newcomer tries the examples."""
    return newcomers_folder(tmp_path)


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
    printed = run_command(command.text, folder)
    assert agrees(command.shown, printed), f"{command.text}\n{printed}"


@pytest.mark.parametrize(
    "example",
    [step for step in steps(README) if isinstance(step, Example)],
    ids=lambda example: f"line-{example.line}",
)
def test_a_python_example_runs(example: Example, folder: Path) -> None:
    assert example.shown, "each print shows its output in a comment"
    assert run_example(example.text, folder).splitlines() == list(example.shown)


def test_json_in_the_readme_is_an_instance() -> None:
    blocks = fences(README, "json")
    assert blocks
    for line, block in blocks:
        assert dsmverify.Instance.from_json(block).size >= 2, f"line {line}"
        json.loads(block)


def test_the_findings_are_the_refuted_claims_of_the_record() -> None:
    record = tomllib.loads((ROOT / "checks" / "expected.toml").read_text(encoding="utf-8"))
    refuted = {name for name, entry in record.items() if entry["verdict"] == "REFUTED"}
    shown = set()
    for title in ("What the suite found", "Learning curves with random features"):
        section = README.partition(f"## {title}")[2].partition("\n## ")[0]
        shown |= set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))
    assert shown == refuted


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

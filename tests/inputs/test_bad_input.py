"""Every bad input is refused with argument, value, rule and way out, and nothing is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dsmverify.cli import main
from dsmverify.data import read_instances
from dsmverify.errors import InputError

from .cases import CASES, BadInput

OPTIONS = ("column", "mu", "sigma", "time", "learning-rate", "network")


def read(arguments: list[str]) -> object:
    """Call the reader as the command line does."""
    paths: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument == "--drop-ties":
            options["drop_ties"] = True
        elif argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            assert name in OPTIONS
            options[name.replace("-", "_")] = value if equals else next(rest)
        else:
            paths.append(argument)
    return read_instances(paths, **options)


def identify(case: BadInput) -> str:
    return case.name


def check_message(case: BadInput, message: str) -> None:
    for expression in case.says:
        assert re.search(expression, message), (expression, message)
    if case.line is not None:
        assert f"line {case.line}:" in message
    assert len(message) < 1000


def test_the_table_is_large_and_names_are_unique() -> None:
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(len(case.says) >= 2 for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_reader_refuses(case: BadInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read(case.write(tmp_path))
    check_message(case, str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_command_line_refuses(
    case: BadInput,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = case.write(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["check", *arguments, "--out", str(tmp_path / "out")]) == 2
    check_message(case, " ".join(capsys.readouterr().err.split()))
    assert sorted(tmp_path.iterdir()) == before

"""docs/testing.md: its snippets run, and print what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return found


def _python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # What the outer run has chosen must not reach the inner one.
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=keep, capture_output=True, text=True, check=False
    )


def _expected(block: str) -> list[str]:
    """Lines of a printed block that have to come out, commands and times apart."""
    return [
        line
        for line in block.splitlines()
        if line not in {"...", ""} and not line.startswith("$") and " in 0." not in line
    ]


def _assert_in_order(lines: list[str], output: str) -> None:
    rest = iter(output.splitlines())
    for line in lines:
        assert line in rest, f"missing, or out of order: {line}\n{output}"


def test_the_first_screen(tmp_path: Path) -> None:
    wrong = _blocks("python")[0]
    (tmp_path / "test_score.py").write_text(wrong, encoding="utf-8")
    pytest_run = ("-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "test_score.py")
    failed = _python(*pytest_run, cwd=tmp_path)
    assert failed.returncode == 1
    _assert_in_order(_expected(_blocks("console")[1]), failed.stdout)

    first = next(line for line in wrong.splitlines(keepends=True) if "weights = np.exp" in line)
    right = wrong.replace(first, _blocks("python")[1])
    (tmp_path / "test_score.py").write_text(right, encoding="utf-8")
    assert _python(*pytest_run, cwd=tmp_path).returncode == 0


def test_the_estimator(tmp_path: Path) -> None:
    found = _python("-c", _blocks("python")[2], cwd=tmp_path)
    _assert_in_order(_expected(_blocks("console")[2]), found.stderr)


@pytest.mark.parametrize("number", [3, 4])
def test_the_other_snippets_run(number: int, tmp_path: Path) -> None:
    found = _python("-W", "error", "-c", _blocks("python")[number], cwd=tmp_path)
    assert found.returncode == 0, found.stderr

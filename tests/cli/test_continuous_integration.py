"""The workflows of docs/continuous-integration.md: their commands run, and write what they keep."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.documented import ROOT, fences, run_command

yaml = pytest.importorskip("yaml")  # comes with myst-parser, which builds the documentation

PAGE = (ROOT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (yaml.safe_load(text) for _, text in fences(PAGE, "yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "examples" / "radii.csv", tmp_path / "data.csv")
    return tmp_path


def _run(line: str, folder: Path) -> str:
    """What a command prints, with its status in the last line; few claims, to be quick."""
    line = line.replace("dsmverify check ", "dsmverify check --claims prop02a,prop02b ")
    return run_command(f"{{ {line}; }}; echo status $?", folder)


def _steps() -> list[dict[str, Any]]:
    (job,) = GITHUB["jobs"].values()
    return [step for step in job["steps"] if "pip install" not in step.get("run", "")]


def test_the_commands_of_the_github_workflow_run_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    steps = {step["name"]: step["run"] for step in _steps() if "run" in step}
    check, compare, keep = steps.values()
    assert list(steps) == ["Check", "Compare", "This is the last report now"]
    for line in (check, keep, check, compare):
        assert _run(line, folder).endswith("status 0\n")
    assert (folder / "summary.md").read_text(encoding="utf-8").count("### dsmverify: ") == 2
    for step in _steps():
        path = step.get("with", {}).get("path")
        assert path is None or (folder / path).is_dir()
    for name in re.findall(r"hashFiles\('([^']+)'\)", PAGE):
        assert (folder / name).is_file()


def test_a_report_that_got_worse_fails_and_is_not_kept(folder: Path) -> None:
    check, compare, _ = (step["run"] for step in _steps() if "run" in step)
    _run(check.replace("0.05", "0.001").replace("--out report", "--out last-report"), folder)
    _run(check, folder)
    assert _run(compare, folder).endswith("status 1\n")
    names = [step.get("name") for step in _steps()]
    assert names.index("Compare") < names.index("This is the last report now")
    last = _steps()[names.index("This is the last report now") :]
    assert all("always" not in step["if"] and "cancelled" not in step["if"] for step in last)


def test_the_commands_of_the_gitlab_pipeline_run_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_COMMIT_BRANCH", "main")
    monkeypatch.setenv("CI_DEFAULT_BRANCH", "main")
    job = GITLAB["dsmverify"]
    lines = [line for line in job["script"] if not line.startswith("pip ")]
    for line in (*lines, *lines):
        assert _run(line, folder).endswith("status 0\n")
    assert (folder / job["artifacts"]["reports"]["junit"]).is_file()
    for path in (*job["artifacts"]["paths"], *job["cache"]["paths"]):
        assert (folder / path).is_dir()
    address = re.findall(r"artifacts/main/raw/(\S+)\?job=(\w+)", PAGE)
    assert [(folder / path).is_file() and name in GITLAB for path, name in address] == [True]

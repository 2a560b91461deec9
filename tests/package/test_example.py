"""The example project, in an empty folder, against the installed wheel and without torch."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.package.installing import ROOT

EXAMPLE = ROOT / "examples" / "own_trainer"

# Loaded first (`-p without_torch`): torch cannot be imported; says at the end what was tested.
PLUGIN = """
import sys

sys.modules["torch"] = None


def pytest_terminal_summary(terminalreporter):
    import dsmverify

    terminalreporter.write_line(f"tested against {dsmverify.__file__}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example, and the plugin, in a folder with nothing else."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (folder / "without_torch.py").write_text(PLUGIN, encoding="utf-8")
    return folder


def outcome_of(installed: Path, project: Path, chosen: str = "test") -> str:
    """What pytest of the new environment says; the checkout is nowhere on its path."""
    command = (installed / "bin" / "python", "-m", "pytest", "-p", "without_torch", "-q")
    done = subprocess.run(
        [*command, "-k", chosen, "--rootdir", project, "-p", "no:cacheprovider", "-W", "error"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(project)},
    )
    where = done.stdout.partition("tested against ")[2].partition("\n")[0]
    assert Path(where).is_relative_to(installed), f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_example_passes_against_the_wheel(installed: Path, project: Path) -> None:
    assert "\n3 passed in " in outcome_of(installed, project)


@pytest.mark.parametrize(
    ("chosen", "counts"),
    [
        ("score or conformance", "1 failed, 1 passed"),
        # Hypothesis shrinks what it found
        pytest.param("test", "2 failed, 1 passed", marks=pytest.mark.slow),
    ],
    ids=["quick", "all"],
)
def test_a_broken_trainer_fails_with_its_cause(
    installed: Path, project: Path, chosen: str, counts: str
) -> None:
    """The mean over the batch forgotten: the test of the score does not mind."""
    path = project / "src" / "toyscore" / "training.py"
    right = path.read_text(encoding="utf-8")
    wrong = right.replace("2 * error / noise.shape[1]", "2 * error")
    assert wrong != right
    path.write_text(wrong, encoding="utf-8")
    output = outcome_of(installed, project, chosen)
    assert f"\n{counts}" in output
    assert "likely cause batch size: sum and mean over the batch" in output

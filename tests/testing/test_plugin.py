"""`pytest --dsm-target`, each time in a pytest of its own, in a folder without test files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dsmverify.testing import asserts, conformance
from dsmverify.testing.comparison import Undecided
from tests.testing import plain_numpy

pytest_plugins = ["pytester"]

PLANNED = len(conformance.plan(plain_numpy.ScoreOnly()))
SUMMARY = "planned {0}, run {1}, passed {2}, failed {3}, expected failures {4}, undecided {5}"


OPTIONS = ("-p", "no:cacheprovider")


@dataclass(frozen=True)
class Done:
    """What a session ended with."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def own(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the implementations in it, and nothing else."""
    shutil.copyfile(plain_numpy.__file__, pytester.path / "own_score.py")
    return pytester


def session(own: pytest.Pytester, name: str, *options: str) -> Done:
    """A session in this process, which has everything imported already."""
    found = own.runpytest_inprocess(*OPTIONS, "--dsm-target", f"own_score:{name}", *options)
    return Done(int(found.ret), found.stdout.str(), found.stderr.str())


def apart(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A session in a process of its own."""
    command = (sys.executable, "-m", "pytest", *OPTIONS, *options)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_right_adapter_passes_under_xdist_and_with_warnings_as_errors(
    own: pytest.Pytester,
) -> None:
    target = ("--dsm-target", "own_score:ScoreOnly")
    done = apart(own.path, *target, "-n", "2", "-W", "error", "-rs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert SUMMARY.format(PLANNED, PLANNED, PLANNED, 0, 0, 0) in done.stdout
    assert "parts not offered 5 (risk, gradient, hessian, largest_eigenvalue, sgd_step)" in (
        done.stdout
    )
    assert f"{PLANNED} passed, 5 skipped" in done.stdout
    assert "not offered: no `hessian`" in done.stdout
    assert {path.name for path in own.path.iterdir()} <= {"own_score.py", "__pycache__"}


def test_a_failure_prints_the_message_and_no_traceback_of_the_kit(own: pytest.Pytester) -> None:
    done = session(own, "NoShift", "-v")
    assert done.returncode == 1
    assert f"collected {PLANNED + 5} items" in done.stdout
    assert "dsmverify::score/tails-float64 FAILED" in done.stdout
    assert "dsmverify::score/plain-float64 PASSED" in done.stdout
    short = "FAILED dsmverify::score/tails-float64 - likely cause: no max shift"
    assert short in done.stdout
    assert "worst input" in done.stdout
    assert "asserts.py" not in done.stdout
    assert "Traceback" not in done.stdout


def test_an_exception_of_the_adapter_shows_its_own_lines(own: pytest.Pytester) -> None:
    done = session(own, "Markup", "-k", "plain", "--dsm-partial")
    assert done.returncode == 1
    assert "<script>alert(1)</script>" in done.stdout
    assert "own_score.py" in done.stdout
    assert "asserts.py" not in done.stdout


@pytest.mark.parametrize("options", [["-k", "tails"], ["--deselect", "dsmverify::score/plain"]])
def test_fewer_checks_than_planned_is_an_error(
    own: pytest.Pytester, options: Sequence[str]
) -> None:
    done = session(own, "ScoreOnly", *options)
    assert done.returncode == 1, done.stdout
    assert "planned but not run (an error):" in done.stdout
    assert f"planned {PLANNED}, run " in done.stdout
    assert "failed 0" in done.stdout
    partial = session(own, "ScoreOnly", *options, "--dsm-partial")
    assert partial.returncode == 0, partial.stdout
    assert "planned but not run (partial, as asked for):" in partial.stdout


def test_a_crash_of_a_worker_is_an_error(own: pytest.Pytester) -> None:
    done = apart(own.path, "--dsm-target", "own_score:Dies", "-n", "1")
    assert done.returncode == 1, done.stdout
    assert "crashed while running 'dsmverify::score/sixty-points-float64'" in done.stdout
    assert "planned but not run (an error): score/sixty-points-float64" in done.stdout


def test_a_skip_from_elsewhere_is_no_pass(own: pytest.Pytester) -> None:
    (own.path / "conftest.py").write_text(
        "import pytest\n"
        "def pytest_runtest_setup(item):\n"
        "    if 'tails' in item.name: pytest.skip('not today')\n",
        encoding="utf-8",
    )
    done = session(own, "ScoreOnly")
    assert done.returncode == 1
    assert "planned but not run (an error): score/tails-float64" in done.stdout


def test_hooks_may_ask_every_item_for_its_function(own: pytest.Pytester) -> None:
    (own.path / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        assert item.module is item.cls is item.function is item.obj is None\n",
        encoding="utf-8",
    )
    done = session(own, "ScoreOnly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PLANNED} passed, 5 skipped" in done.stdout


@pytest.mark.parametrize("name", ["NoShift", "ScoreOnly"])
def test_the_verdicts_count_and_not_what_a_report_says(own: pytest.Pytester, name: str) -> None:
    (own.path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_runtest_makereport(item):\n"
        "    report = yield\n"
        "    report.outcome = 'passed'\n"
        "    return report\n",
        encoding="utf-8",
    )
    done = session(own, name)
    assert " failed" not in done.stdout.splitlines()[-1]
    assert done.returncode == (1 if name == "NoShift" else 0)


def test_expected_failures(own: pytest.Pytester) -> None:
    file = own.path / "expected.toml"
    file.write_text('[[expected]]\ncheck = "score/tails-*"\nreason = "no shift"\n', "utf-8")
    done = session(own, "NoShift", "--dsm-expected", "expected.toml", "-rx")
    assert "XFAIL dsmverify::score/tails-float64" in done.stdout
    assert "no shift" in done.stdout
    assert "expected failures 1" in done.stdout
    strict = session(own, "ScoreOnly", "--dsm-expected", "expected.toml")
    assert strict.returncode == 1
    assert "it passed, but it is on record as an expected failure (no shift)" in strict.stdout
    file.write_text('[[expected]]\ncheck = "socre/tails-*"\nreason = "no shift"\n', "utf-8")
    unused = session(own, "NoShift", "--dsm-expected", "expected.toml")
    assert unused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "it matches no check" in unused.stderr


def test_undecided_is_no_pass(own: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    real = asserts.assert_score

    def assert_score(score: Any, sample: Any, **options: Any) -> Any:
        if sample.name == "tails":
            raise Undecided("too wide")
        return real(score, sample, **options)

    monkeypatch.setattr(asserts, "assert_score", assert_score)
    done = session(own, "ScoreOnly")
    assert done.returncode == 1
    assert "UNDECIDED score/tails-float64: too wide" in done.stdout
    assert "1 undecided" in done.stdout.splitlines()[-1]
    assert SUMMARY.format(PLANNED, PLANNED, PLANNED - 1, 0, 0, 1) in done.stdout


def test_the_suite_stands_beside_the_tests_of_a_project(own: pytest.Pytester) -> None:
    (own.path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    done = session(own, "ScoreOnly")
    assert done.returncode == 0
    assert f"{PLANNED + 1} passed" in done.stdout
    listed = session(own, "ScoreOnly", "--collect-only", "-q")
    assert listed.returncode == 0
    assert "dsmverify::score/tails-float64" in listed.stdout


def test_nothing_happens_without_a_target(own: pytest.Pytester) -> None:
    (own.path / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    assert {'numpy', 'flint', 'dsmverify.errors'}.isdisjoint(sys.modules)\n",
        encoding="utf-8",
    )
    done = apart(own.path)
    assert done.returncode == 0, done.stdout
    assert "conformance" not in done.stdout
    bare = own.runpytest_inprocess("--dsm-partial")
    assert bare.ret == pytest.ExitCode.USAGE_ERROR


def test_a_bad_target_is_a_usage_error(own: pytest.Pytester) -> None:
    done = session(own, "RIght")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--dsm-target: 'own_score:RIght', but own_score has no 'RIght'" in done.stderr
    assert "did you mean 'Right'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plugin_imports_pytest_and_the_standard_library_only() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import dsmverify.testing.plugin;"
        "roots = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(roots - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["dsmverify"]

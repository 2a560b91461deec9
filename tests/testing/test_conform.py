"""`dsmverify conform`: its files, its exit status, and what a crash leaves."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from dsmverify import cli
from dsmverify.testing import adapter, conform_report, conformance, isolated
from dsmverify.testing.results import Result, Results, Worst
from tests.testing import plain_numpy

FILES = ["junit.xml", "report.html", "report.json"]
JUNIT = xmlschema.XMLSchema(str(Path(__file__).parents[1] / "report" / "junit.xsd"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the implementations in it."""
    shutil.copyfile(plain_numpy.__file__, tmp_path / "own_score.py")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _report(folder: Path, out: str = "out") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / out / "report.json").read_text("utf-8"))
    jsonschema.validate(document, conform_report.schema())
    return document


def _total(root: ElementTree.Element, name: str) -> int:
    """What a reader counts, who adds up the suites."""
    return sum(int(str(suite.get(name))) for suite in root)


def test_a_right_adapter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["conform", "own_score:ScoreOnly", "--out", "out", "--dtype", "float32"])
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert sorted(path.name for path in (folder / "out").iterdir()) == FILES
    document = _report(folder)
    planned = document["counts"]["planned"]
    assert document["counts"]["passed"] == planned == len(document["checks"])
    assert document["settings"]["dtypes"] == ["float32"]
    assert f"planned {planned}, run {planned}, passed {planned}, failed 0" in said.out
    root = ElementTree.parse(folder / "out" / "junit.xml").getroot()
    assert (_total(root, "tests"), _total(root, "skipped")) == (planned + 5, 5)
    (reason,) = root.iterfind("testsuite[@name='hessian']/testcase/skipped")
    assert reason.get("message") == "not offered: no `hessian`"
    first = (folder / "out" / "report.json").read_bytes()
    assert cli.main(["conform", "own_score:ScoreOnly", "--out", "b", "--dtype", "float32"]) == 0
    assert (folder / "b" / "report.json").read_bytes() == first


def test_a_wrong_adapter(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["conform", "own_score:Doubled", "--parts", "risk", "--out", "out"]
    assert cli.main(arguments) == 1
    out = capsys.readouterr().out
    assert "FAILED risk/plain-float64" in out
    document = _report(folder)
    assert document["counts"]["failed"] == document["counts"]["planned"]
    assert all(check["causes"] for check in document["checks"])
    assert document["not_asked"] == ["score"]
    assert "not asked for 1 (score)" in out
    root = ElementTree.parse(folder / "out" / "junit.xml").getroot()
    assert _total(root, "failures") == document["counts"]["failed"]
    (reason,) = root.iterfind("testsuite[@name='score']/testcase/skipped")
    assert reason.get("message") == "not asked for"


def test_expected_failures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "known.toml").write_text(
        '[[expected]]\ncheck = "risk/*"\nreason = "a factor 2"\n', encoding="utf-8"
    )
    arguments = ["conform", "own_score:Doubled", "--expected", "known.toml", "--out", "out"]
    assert cli.main([*arguments, "--parts", "risk"]) == 0
    assert "expected failure risk/plain-float64: a factor 2" in capsys.readouterr().out
    document = _report(folder)
    assert document["counts"]["expected"] == document["counts"]["planned"]
    root = ElementTree.parse(folder / "out" / "junit.xml").getroot()
    assert _total(root, "failures") == 0
    messages = [found.get("message") or "" for found in root.iter("skipped")]
    assert any(text.startswith("failed, as expected: a factor 2; ") for text in messages)
    # an entry for a part that is not asked for is not out of date
    assert cli.main([*arguments, "--parts", "score"]) == 0


def test_a_crash_is_a_failed_check_and_the_rest_is_run(folder: Path) -> None:
    assert cli.main(["conform", "own_score:Dies", "--out", "out"]) == 1
    document = _report(folder)
    counts = document["counts"]
    assert (counts["failed"], counts["lost"]) == (1, 0)
    assert counts["passed"] == counts["planned"] - 1
    (failed,) = [check for check in document["checks"] if check["verdict"] == "failed"]
    assert failed["case"] == "sixty-points"
    assert failed["message"] == "the process died in this check (with status 0)"


def test_a_target_that_always_crashes_loses_the_rest(folder: Path) -> None:
    (folder / "bad.py").write_text(
        "import os, signal\ndef score(*inputs): os.kill(os.getpid(), signal.SIGSEGV)\n", "utf-8"
    )
    assert cli.main(["conform", "bad", "--out", "out"]) == 1
    counts = _report(folder)["counts"]
    assert (counts["failed"], counts["run"], counts["passed"]) == (3, 3, 0)
    assert counts["lost"] == counts["planned"] - 3 > 0
    text = (folder / "out" / "report.json").read_text("utf-8")
    assert "the process died in this check (by SIGSEGV)" in text
    root = ElementTree.parse(folder / "out" / "junit.xml").getroot()
    assert _total(root, "errors") == counts["lost"]


def test_options_reach_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def run(target: str, expected: Any, *, scope: Any, progress: Any) -> Results:
        seen.append((target, scope))
        return _results()

    monkeypatch.setattr(isolated, "run", run)
    arguments = ["m:N", "--deep", "--parts", "risk, score", "--dtype", "float32,float32,float64"]
    assert cli.main(["conform", *arguments]) == 1
    scope = conformance.Scope(("risk", "score"), ("float32", "float64"), deep=True)
    assert seen == [("m:N", scope)]
    assert sorted(path.name for path in Path("dsmverify-conformance").iterdir()) == FILES


def test_sys_exit_is_a_failure(folder: Path) -> None:
    assert cli.main(["conform", "own_score:Quits", "--out", "out"]) == 1
    assert {check["verdict"] for check in _report(folder)["checks"]} == {"failed"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["own_scoer:Right"], "did you mean 'own_score'?"),
        (["own_score:Rihgt"], "did you mean 'Right'?"),
        (["exits"], "importing it took its process down (with status 5)"),
        (["own_score:Right", "--parts", "score,"], "every name between commas"),
        (["own_score:ScoreOnly", "--parts", "risk"], "own_score:ScoreOnly offers score"),
        (["own_score:Right", "--dtype", "float31"], "did you mean 'float32'?"),
        (["own_score:Right", "--expected", "none.toml"], "it cannot be read"),
        (["own_score:Right", "--expected", "stale.toml"], "it matches no check"),
        (["own_score:Right", "--out", "/dev/null/x"], "is not a folder"),
    ],
)
def test_bad_input(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "exits.py").write_text("import os\nos._exit(5)\n", encoding="utf-8")
    (folder / "stale.toml").write_text(
        '[[expected]]\ncheck = "gone/*"\nreason = "old"\n', encoding="utf-8"
    )
    assert cli.main(["conform", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "dsmverify-conformance").exists()


def test_kill_in_the_middle_leaves_the_old_report(folder: Path) -> None:
    assert cli.main(["conform", "own_score:ScoreOnly", "--out", "out"]) == 0
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    (folder / "slow.py").write_text(
        "import os, pathlib, time\n"
        "def score(y, *rest):\n"
        "    pathlib.Path('started').write_text(str(os.getpid()))\n"
        "    time.sleep(1)\n"
        "    return y\n",
        encoding="utf-8",
    )
    command = (sys.executable, "-m", "dsmverify", "conform", "slow", "--out", "out")
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as running:
        _wait_until(lambda: (folder / "started").exists() and (folder / "started").stat().st_size)
        running.send_signal(signal.SIGKILL)
    after = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert after == before
    # the process that calls the adapter finds nobody to tell, and ends
    child = int((folder / "started").read_text("utf-8"))
    _wait_until(lambda: not _runs(child))


def _wait_until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not within a minute")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text("utf-8").rpartition(")")[2].split()[0] != "Z"


# ---------------------------------------------------------------- the files alone

NASTY = "<script>alert('x')</script> & \x1b[31m ]]> \u202e \ud800"


def _results() -> Results:
    def row(name: str, verdict: Any, **more: Any) -> Result:
        check = f"score/{name}-float64"
        return Result(check, "score", name, "float64", f"words of {name}", verdict, **more)

    worst = Worst(f"y[0] = 1 {NASTY}", "1.00", "1.1", "nan", "inf", "1e-15")
    rows = (
        row("one", "passed", worst=worst),
        row("two", "failed", message=f"first\nsecond {NASTY}", worst=worst, causes=(NASTY, "b")),
        row("three", "expected", message="why", reason=NASTY),
        row("four", "undecided", message="too wide"),
        row("five", "error", message="broke"),
        row("six", "lost", message="not run"),
    )
    settings = adapter.describe(plain_numpy.Right()).settings()
    return Results(f"m:{NASTY}", rows, {"risk": f"no {NASTY}"}, settings, (NASTY,))


def test_the_files_hold_nasty_text() -> None:
    results = _results()
    document = json.loads(conform_report.render_json(results))
    jsonschema.Draft202012Validator.check_schema(conform_report.schema())
    jsonschema.validate(document, conform_report.schema())
    text = conform_report.render_junit(results)
    JUNIT.validate(io.StringIO(text))
    root = ElementTree.fromstring(text.encode("utf-8"))
    counts = {name: _total(root, name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 7, "failures": 1, "errors": 2, "skipped": 3}
    reasons = [found.get("message") for found in root.iter("skipped")]
    assert "undecided: too wide" in reasons
    assert "\x1b" not in conform_report.render_text(results)


def test_one_message_in_full_for_each_part_and_cause() -> None:
    def row(case: str, causes: tuple[str, ...]) -> Result:
        check = f"risk/{case}-float64"
        message = f"first of {case}\nrest of {case}"
        return Result(check, "risk", case, "float64", "", "failed", message, causes=causes)

    twice = ("factor 2: twice as large",)
    rows = (row("a", twice), row("b", twice), row("c", ()), row("d", ()))
    text = conform_report.render_text(Results("m", rows))
    assert "rest of a" in text
    assert "rest of c" in text
    lines = text.split("\n")
    assert "FAILED risk/b-float64: likely factor 2" in lines
    assert "FAILED risk/d-float64: first of d" in lines
    assert not any(line in {"rest of b", "rest of d"} for line in lines)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_markup_as_text_and_needs_nothing_else() -> None:
    page = _Page()
    text = conform_report.render_html(_results())
    text.encode("utf-8")
    page.feed(text)
    assert "script" not in page.tags
    assert page.links == []
    assert "@import" not in text
    assert "url(" not in text
    # target, not offered, note, expected reason, worst input twice, cause, message
    assert page.text.count("<script>alert('x')</script>") >= 8
    assert "\x1b" not in text
    assert page.tags.count("tr") == 1 + len(_results().results)
    assert "[1.00, 1.1]" in page.text
    ids = [f"score/{name}-float64" for name in ("two", "five", "six", "four", "three", "one")]
    places = [page.text.index(check) for check in ids]
    assert places == sorted(places)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (("passed", "expected"), "Every planned check was run and passed, or failed as expected."),
        (("passed", "undecided"), "Undecided: 1 checks gave no answer. That is no pass."),
        (("passed", "failed", "lost"), "Not conforming: 1 failed, 1 not run."),
    ],
)
def test_the_page_begins_with_the_answer(kept: tuple[str, ...], words: str) -> None:
    whole = _results()
    rows = tuple(row for row in whole.results if row.verdict in kept)
    page = _Page()
    page.feed(conform_report.render_html(Results("m:N", rows, {}, dict(whole.settings))))
    assert words in page.text

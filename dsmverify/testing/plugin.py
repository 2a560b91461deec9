"""The pytest plugin: `pytest --dsm-target mypkg.mymodule:MyAdapter`.

It adds one item per planned check, and none without the option. The session fails unless every
planned check was run: deselecting one, or losing one to a crash, is an error unless `--dsm-partial`
is given. Loading this module imports pytest and the standard library only.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dsmverify.testing.conformance import Check
    from dsmverify.testing.expected import Expected
    from dsmverify.testing.results import Result, Results, Verdict

_NAME = "dsmverify"
_RESULT = "dsm_result"
_SHOWN = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("dsmverify", "conformance with exact denoising score matching")
    group.addoption(
        "--dsm-target",
        metavar="pkg.mod:Name",
        help="run the conformance suite of dsmverify on this adapter",
    )
    group.addoption(
        "--dsm-expected",
        metavar="FILE.toml",
        help="conformance checks that are expected to fail, with a reason each",
    )
    group.addoption(
        "--dsm-partial",
        action="store_true",
        help="let a session pass that runs fewer conformance checks than planned",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the target and make the plan, in every process of the session.

    Raises:
        pytest.UsageError: no adapter there, or a bad file of expected failures.
    """
    target = config.getoption("--dsm-target")
    if not target:
        if config.getoption("--dsm-expected") or config.getoption("--dsm-partial"):
            raise pytest.UsageError("--dsm-expected and --dsm-partial go with --dsm-target")
        return
    from dsmverify.errors import InputError

    try:
        suite = _Suite(config, target)
    except InputError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(suite, "dsmverify-conformance")


class _NotPassedError(AssertionError):
    """A check that did not pass; its message is all that is shown."""


class _Item(pytest.Item):
    """An item without a function; hooks of a project may ask every item for these."""

    module: Any = None
    cls: Any = None
    function: Any = None
    obj: Any = None

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


class _Check(_Item):
    """One planned check."""

    planned: Check
    reason: str | None
    result: Result | None = None

    def runtest(self) -> None:
        from dsmverify.testing import conformance, results

        self.result = results.judge(conformance.outcome(self.planned), self.reason)
        if self.result.verdict == "expected":
            raise pytest.xfail.Exception(self.result.reason)
        if self.result.verdict != "passed":
            raise _NotPassedError(self.result.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _NotPassedError | pytest.xfail.Exception):
            causes = [] if self.result is None else self.result.causes
            names = "; ".join(cause.partition(":")[0] for cause in causes)
            head = f"likely cause: {names}\n" if names else ""  # pytest's short summary shows it
            return f"{head}{excinfo.value}"
        return super().repr_failure(excinfo, style)


class _NotOffered(_Item):
    """A part that the adapter does not offer: skipped, so that it is seen."""

    reason: str

    def runtest(self) -> None:
        pytest.skip(f"not offered: {self.reason}")


class _Checks(pytest.Collector):
    """All items of the suite."""

    planned: tuple[Check, ...]
    expected: Expected
    reasons: Mapping[str, str]

    def collect(self) -> Iterable[pytest.Item]:
        for check in self.planned:
            item = _Check.from_parent(self, name=check.id)
            item.planned, item.reason = check, self.expected.reason(check.id)
            yield item
        for part, reason in self.reasons.items():
            left_out = _NotOffered.from_parent(self, name=f"{part}/not-offered")
            left_out.reason = reason
            yield left_out


class _Suite:
    """The plan of a session, and what came back of it."""

    def __init__(self, config: pytest.Config, target: str) -> None:
        from dsmverify.testing import conformance, expected
        from dsmverify.testing.adapter import load

        self._config = config
        self._adapter = load(target, argument="--dsm-target")
        self._planned = conformance.plan(self._adapter)
        file = config.getoption("--dsm-expected")
        self._expected = expected.read(file) if file else expected.Expected()
        self._expected.check_used(conformance.every_id(self._adapter, conformance.Scope()))
        self._found: dict[str, tuple[Verdict, str]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Collect the checks, before -k and the like select among the items."""
        node = _Checks.from_parent(session, name=_NAME, nodeid=_NAME)
        node.planned, node.expected = self._planned, self._expected
        node.reasons = self._adapter.reasons
        hook = session.config.hook  # as pytest does for the files that it collects
        hook.pytest_collectstart(collector=node)
        report = hook.pytest_make_collect_report(collector=node)
        hook.pytest_collectreport(report=report)
        items.extend(report.result)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the verdict on the report, which xdist carries to the process that counts."""
        report = yield
        if isinstance(item, _Check) and item.result is not None and report.when == "call":
            setattr(report, _RESULT, [item.result.id, item.result.verdict, item.result.message])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a verdict; of a check that is run again, the first."""
        found = getattr(report, _RESULT, None)
        if found is not None:
            check, verdict, message = found
            self._found.setdefault(check, (verdict, message))

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, Any] | None:
        """Show what is undecided as that; for pytest it has failed."""
        found = getattr(report, _RESULT, None)
        if found is not None and found[1] == "undecided" and report.failed:
            return "undecided", "U", ("UNDECIDED", {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session that seems green, where the suite is not."""
        quiet = hasattr(session.config, "workerinput") or session.config.option.collectonly
        green = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        if green and not quiet and not self._passes(self._results()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print what is undecided or lost, and the line with every count."""
        if self._config.option.collectonly:
            return
        results = self._results()
        red = {"red": not self._passes(results), "green": results.exit_status == 0}
        terminalreporter.section("dsmverify conformance")
        for result in results.results:
            if result.verdict == "undecided":
                terminalreporter.line(f"UNDECIDED {result.id}: {result.message}", yellow=True)
        lost = [result.id for result in results.results if result.verdict == "lost"]
        if lost:
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            words = "partial, as asked for" if self._is_partial else "an error"
            terminalreporter.line(
                f"planned but not run ({words}): {', '.join(lost[:_SHOWN])}{more}", **red
            )
        for note in results.notes:
            terminalreporter.line(note)
        terminalreporter.line(f"{results.target}: {results.summary()}", **red)

    @property
    def _is_partial(self) -> bool:
        return bool(self._config.getoption("--dsm-partial"))

    def _passes(self, results: Results) -> bool:
        counts = results.counts
        bad = counts["failed"] + counts["error"] + counts["undecided"]
        return not bad and (self._is_partial or not counts["lost"])

    def _results(self) -> Results:
        """Every planned check with its verdict; what did not come back is lost."""
        from dsmverify.testing import conformance
        from dsmverify.testing.results import Results

        found = (self._found.get(check.id, ("lost", "not run")) for check in self._planned)
        rows = (check.result(*said) for check, said in zip(self._planned, found, strict=True))
        adapter = self._adapter
        return Results(adapter.name, tuple(rows), adapter.reasons, notes=conformance.notes(adapter))

"""Mutation testing with cosmic-ray: `python -m benchmarks.mutants [MODULE...] [--minutes M]`.

Each module of `mutants.toml` is mutated in a private copy of the tree, and its narrow tests are run
on every mutant in a forked child, so that the libraries are imported once. Sessions are kept in
`.mutants/MODULE.sqlite` (cosmic-ray's format, `cr-report` reads them): a run goes on where the last
one stopped, and starts again where the module has changed. Survivors are listed; those that a line
of `mutants-equivalent.toml` argues to be equivalent are counted apart.

Exit status 1 if an unargued mutant of verdict code survived.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic, sleep
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SESSIONS = ROOT / ".mutants"

LEAST_SECONDS = 20.0
SLOWDOWN = 10.0
"""A mutant whose tests take ten times as long as the unmutated ones counts as killed."""

PRELOADED = ("pytest", "hypothesis", "flint", "mpmath", "numpy", "scipy.optimize", "sympy")
"""Libraries that a child finds imported; nothing of this package is among them."""


@dataclass(frozen=True)
class Module:
    """A module to mutate and the tests that judge it."""

    name: str
    path: str
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()
    verdict: bool = False
    sample: int | None = None


@dataclass
class Tally:
    """What became of the mutants of one module."""

    killed: int = 0
    argued: int = 0
    waiting: int = 0
    open: list[str] = field(default_factory=list)


def modules() -> dict[str, Module]:
    """Modules of `mutants.toml` by name."""
    table = tomllib.loads((ROOT / "benchmarks/mutants.toml").read_text())
    return {
        name: Module(
            name,
            path=entry["path"],
            tests=tuple(entry["tests"]),
            options=tuple(entry.get("options", ())),
            verdict=entry.get("verdict", False),
            sample=entry.get("sample"),
        )
        for name, entry in table.items()
    }


def equivalents() -> list[Mapping[str, Any]]:
    """Survivors argued to be equivalent: module, source line, operators, reason."""
    table = tomllib.loads((ROOT / "benchmarks/mutants-equivalent.toml").read_text())
    found: list[Mapping[str, Any]] = table["equivalent"]
    return found


def copied_tree(target: Path) -> Path:
    """The working tree, ignored files left out, in a folder of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def in_annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Ranges of the annotations of a module, which nothing reads at run time."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.AnnAssign | ast.arg):
            parts.append(node.annotation)
        if isinstance(node, ast.FunctionDef):
            parts.append(node.returns)
        for part in parts:
            if part is not None and part.end_lineno is not None and part.end_col_offset is not None:
                found.append(
                    ((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset))
                )
    return found


def run_tests(tree: Path, tests: Sequence[str], timeout: float) -> tuple[bool, float]:
    """Whether the tests pass in a tree, and the seconds they took; out of time is no pass."""
    started = monotonic()
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()
            os.chdir(tree)
            sys.path[:0] = [str(tree)]
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            import pytest

            imported = "ignore::pytest.PytestAssertRewriteWarning"  # before pytest could rewrite
            arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", imported]
            status = int(pytest.main([f"--rootdir={tree}", *arguments, *tests]))
        finally:
            os._exit(status)
    while monotonic() - started < timeout:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0, monotonic() - started
        sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False, timeout


def forget_imports() -> None:
    """Take the package that `-m` found out of this process: a child must import the copy."""
    for name in [*sys.modules]:
        if name.partition(".")[0] in {"dsmverify", "checks", "derivations", "tests"}:
            raise RuntimeError(f"{name} is imported here: a child would test it, not the mutant")
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in PRELOADED:
        importlib.import_module(name)


class Session:
    """The mutants of one module, in cosmic-ray's SQLite file."""

    def __init__(self, module: Module, *, reading: bool) -> None:
        """Open the session of a module, or start it anew where the module has changed.

        Args:
            module: the module.
            reading: only to report, which may not start anything anew.
        """
        from cosmic_ray.work_db import WorkDB  # type: ignore[import-untyped]

        self.module = module
        self.source = (ROOT / module.path).read_text()
        digest = hashlib.sha256(self.source.encode()).hexdigest()
        SESSIONS.mkdir(exist_ok=True)
        stamp = SESSIONS / f"{module.name}.sha256"
        self.database = WorkDB(SESSIONS / f"{module.name}.sqlite", WorkDB.Mode.create)
        self.is_current = stamp.exists() and stamp.read_text() == digest
        if not self.is_current and not reading:
            self._start()
            self.is_current = True
            stamp.write_text(digest)

    def _start(self) -> None:
        from cosmic_ray.commands.init import init  # type: ignore[import-untyped]

        before = Path.cwd()
        os.chdir(ROOT)
        try:
            init([Path(self.module.path)], self.database, {})
        finally:
            os.chdir(before)

    def results(self) -> dict[str, Any]:
        """Results by job."""
        return dict(self.database.results)

    def items(self) -> Iterator[Any]:
        """Mutants in an order that only their text decides, annotations left out."""
        ignored = in_annotations(self.source)

        def is_annotation(item: Any) -> bool:
            start = item.mutations[0].start_pos
            return any(low <= start <= high for low, high in ignored)

        def rank(item: Any) -> str:
            spec = item.mutations[0]
            text = f"{spec.operator_name} {spec.occurrence} {spec.start_pos}"
            return hashlib.sha256(text.encode()).hexdigest()

        chosen = [item for item in self.database.work_items if not is_annotation(item)]
        chosen.sort(key=rank)
        yield from chosen if self.module.sample is None else chosen[: self.module.sample]

    def line(self, item: Any) -> str:
        """Source line that a mutant changes."""
        row: int = item.mutations[0].start_pos[0]
        return self.source.splitlines()[row - 1].strip()

    def run(self, tree: Path, deadline: float, again: bool) -> None:
        """Judge what has no result yet (`again`: survivors too) until the deadline."""
        from cosmic_ray.mutating import use_mutation  # type: ignore[import-untyped]
        from cosmic_ray.plugins import get_operator  # type: ignore[import-untyped]
        from cosmic_ray.work_item import (  # type: ignore[import-untyped]
            TestOutcome,
            WorkerOutcome,
            WorkResult,
        )

        known = self.results()
        waiting = [
            item
            for item in self.items()
            if item.job_id not in known
            or (again and known[item.job_id].test_outcome is TestOutcome.SURVIVED)
        ]
        if not waiting or monotonic() > deadline:
            return
        tests = [*self.module.options]
        tests += [name for name in self.module.tests if (tree / name).exists()]
        passed, seconds = run_tests(tree, tests, 600)
        if not passed:
            print(f"{self.module.name}: the tests fail without any mutation; nothing judged")
            return
        timeout = max(LEAST_SECONDS, SLOWDOWN * seconds)
        print(f"{self.module.name}: {len(waiting)} to judge, {seconds:.1f} s each", flush=True)
        for item in waiting:
            if monotonic() > deadline:
                return
            spec = item.mutations[0]
            operator = get_operator(spec.operator_name)(**spec.operator_args)
            with use_mutation(tree / self.module.path, operator, spec.occurrence) as (_, mutated):
                survived = mutated is not None and run_tests(tree, tests, timeout)[0]
            outcome = TestOutcome.SURVIVED if survived else TestOutcome.KILLED
            worker = WorkerOutcome.NORMAL if mutated is not None else WorkerOutcome.NO_TEST
            result = WorkResult(worker_outcome=worker, test_outcome=outcome)
            self.database.set_result(item.job_id, result)

    def tally(self, argued: Sequence[Mapping[str, Any]]) -> Tally:
        """Counts of this module, with its open survivors in words."""
        from cosmic_ray.work_item import TestOutcome

        known, found = self.results(), Tally()
        for item in self.items():
            result = known.get(item.job_id)
            if result is None:
                found.waiting += 1
            elif result.test_outcome is TestOutcome.KILLED:
                found.killed += 1
            elif any(is_argued(entry, self.module.name, self.line(item), item) for entry in argued):
                found.argued += 1
            else:
                spec = item.mutations[0]
                name = spec.operator_name.removeprefix("core/")
                row, column = spec.start_pos
                found.open.append(f"{row}:{column} #{spec.occurrence} {name}: {self.line(item)}")
        found.open.sort(key=lambda text: int(text.partition(":")[0]))
        return found


def is_argued(entry: Mapping[str, Any], module: str, line: str, item: Any) -> bool:
    """Whether an entry of the list of equivalent mutants is about this one."""
    operator = item.mutations[0].operator_name.removeprefix("core/")
    return (
        entry["module"] in {module, "*"}
        and fnmatchcase(line, entry["line"])
        and any(fnmatchcase(operator, pattern) for pattern in entry["operators"])
    )


def main() -> int:
    """Judge mutants until the time is up, then report."""
    known = modules()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("module", nargs="*", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--again", action="store_true", help="judge survivors again")
    parser.add_argument("--report", action="store_true", help="judge nothing, only report")
    options = parser.parse_args()
    if unknown := sorted(set(options.module) - set(known)):
        parser.error(f"no module {unknown[0]!r} in benchmarks/mutants.toml")
    chosen = [known[name] for name in options.module or known]
    deadline = monotonic() + 60 * options.minutes
    forget_imports()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the private copy is removed
    sessions = [Session(module, reading=options.report) for module in chosen]
    if not options.report:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            tree = copied_tree(Path(folder))
            for session in sessions:
                session.run(tree, deadline, options.again)
    argued, failed = equivalents(), False
    print(f"{'module':<18}{'killed':>8}{'argued':>8}{'open':>8}{'waiting':>9}")
    for session in sessions:
        name = session.module.name
        if not session.is_current:
            print(f"{name:<18}not judged, or changed since")
            continue
        found = session.tally(argued)
        print(f"{name:<18}{found.killed:>8}{found.argued:>8}{len(found.open):>8}{found.waiting:>9}")
        for text in found.open:
            print(f"    {session.module.path}:{text}")
        failed = failed or (session.module.verdict and bool(found.open))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

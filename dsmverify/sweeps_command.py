"""`dsmverify sweep`: run a sweep, say how far it is, export what it found.

Exit status: 0 all cells that were asked for are done; 1 some have failed; 2 bad input; 3 stopped
before the end, or a result could not be stored. An export: 1 if cells are damaged.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal, NoReturn

import click

from dsmverify.errors import InputError, show
from dsmverify.terminal import echo, progress_bar

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.executors import Engine
    from dsmverify.sweeps.store import Store

_GIBIBYTE = 2**30
_OF_A_STORE = ("", "-wal", "-shm", ".lock")


@click.command(short_help="Run a grid of checks or trainings into one store, resumable.")
@click.argument("configuration", metavar="CONFIG")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--store", "path", metavar="PATH", help="Database of the results.")
@click.option("--quick", is_flag=True, help="The smaller version of a packaged experiment.")
@click.option("--dry-run", is_flag=True, help="Print the cells and an estimate, do nothing.")
@click.option("--status", "is_status", is_flag=True, help="Say how far the sweep is, do nothing.")
@click.option("--resume", is_flag=True, help="Go on where the sweep was: the default.")
@click.option("--retry-failed", is_flag=True, help="Try failed cells again.")
@click.option("--repair", is_flag=True, help="Work damaged cells out again; reads the whole store.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N cells.")
@click.option(
    "--export",
    "form",
    type=click.Choice(["csv", "parquet"]),
    help="Write what is in the store to FILE; CSV without FILE to standard output.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes.  [default: one for each processor]",
)
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Run on this Dask cluster instead.")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For one cell; inf for none.  [default: a day]",
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GIB",
    help="Data of one process; on a cluster its own limit holds.",
)
@click.option(
    "--bundle",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cells in a task.  [default: as many as last about 1.5 seconds]",
)
def sweep(
    configuration: str,
    file: str | None,
    path: str | None,
    quick: bool,
    dry_run: bool,
    is_status: bool,
    resume: bool,
    retry_failed: bool,
    repair: bool,
    limit: int | None,
    form: Literal["csv", "parquet"] | None,
    jobs: int | None,
    scheduler: str | None,
    time_limit: float | None,
    memory_limit: float | None,
    bundle: int | None,
) -> int:
    """Run the cells of CONFIG (a sweep file, critical, figures/2) that --store does not have."""
    _check_together(file, form, dry_run, is_status, repair, scheduler, jobs, memory_limit)
    _check_numbers(scheduler, time_limit, memory_limit)
    if not path and not dry_run:
        raise InputError(
            "--store", "", "results are kept in a database", "write --store sweep.db, say"
        )
    if file is not None and path:
        _check_target(Path(file), Path(path), Path(configuration))
    from dsmverify.sweeps import cells as sweep_cells
    from dsmverify.sweeps import configuration as sweep_files

    cells = sweep_cells.expand(sweep_files.load(configuration, quick=quick))
    workers = jobs or _processors()
    if dry_run:
        return _print_cells(cells, path, workers, limit, retry_failed)
    assert path  # checked above
    from dsmverify.sweeps.store import Store

    if is_status:
        from dsmverify.sweeps import status

        with Store.open(path, write=False) as store:
            for line in status.of(store, cells).lines(workers=workers):
                echo(line)
        return 0
    if form is not None:
        with Store.open(path, write=False) as store:
            return _export(store, cells, form, file)

    from dsmverify.sweeps import runner

    if repair:
        _repair(path)
    with Store.open(path, write=True) as store, contextlib.ExitStack() as stack:
        engine = _engine(cells, scheduler, workers, memory_limit)
        stack.callback(engine.stop)
        progress = stack.enter_context(progress_bar("cells"))
        stack.enter_context(_terminated_as_interrupted())
        summary = runner.run(
            cells,
            store,
            engine,
            retry_failed=retry_failed,
            limit=limit,
            time_limit=runner.TIME_LIMIT if time_limit is None else time_limit,
            bundle=bundle,
            progress=progress,
        )
    for line in summary.lines():
        echo(line)
    if summary.stopped:
        echo("stopped before the end; the same command goes on from here", error=True)
    elif summary.unstored:
        echo("results could not be stored; the same command works them out again", error=True)
    elif summary.failed or summary.skipped:
        echo("some cells have failed: --status says why, --retry-failed tries them again")
    return summary.exit_status


def _processors() -> int:
    """Those that this process may use, where the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_together(
    file: str | None,
    form: str | None,
    dry_run: bool,
    is_status: bool,
    repair: bool,
    scheduler: str | None,
    jobs: int | None,
    memory_limit: float | None,
) -> None:
    """Refuse options that say two things."""
    asked = [
        name
        for name, given in (
            ("--dry-run", dry_run),
            ("--status", is_status),
            ("--export", form is not None),
            ("--repair", repair),
        )
        if given
    ]
    if len(asked) > 1:
        raise InputError(asked[1], "", f"{asked[0]} is something else to do", "give one of the two")
    if file is not None and form is None:
        raise InputError(
            "FILE", show(file), "it is where an export goes", "write --export csv, or leave it out"
        )
    if form == "parquet" and file is None:
        raise InputError(
            "--export", "'parquet'", "parquet is not for a terminal", "give a FILE after it"
        )
    for name, value in (("--jobs", jobs), ("--memory-limit", memory_limit)):
        if scheduler is not None and value is not None:
            raise InputError(
                name,
                str(value),
                "the workers of --scheduler are started elsewhere",
                "give it where they are started, and leave it out here",
            )


def _check_numbers(
    scheduler: str | None, time_limit: float | None, memory_limit: float | None
) -> None:
    if scheduler is not None and not re.fullmatch(r"\w+://.+:\d+", scheduler):
        raise InputError(
            "--scheduler",
            show(scheduler),
            "it is no address of a scheduler",
            "write the one that `dask scheduler` prints: tcp://host:8786",
        )
    if time_limit is not None and math.isnan(time_limit):
        raise InputError("--time-limit", "nan", "it is no time", "give seconds, or inf for none")
    if memory_limit is not None and not math.isfinite(memory_limit):
        raise InputError(
            "--memory-limit", str(memory_limit), "it must be finite", "leave it out for no limit"
        )


def _check_target(file: Path, store: Path, configuration: Path) -> None:
    """Refuse an export over what it is made from."""
    store = store.resolve() if store.is_symlink() else store
    own = [configuration, *(Path(f"{store}{end}") for end in _OF_A_STORE)]
    for taken in own:
        with contextlib.suppress(OSError):  # one of the two is not there
            if file.samefile(taken):
                raise InputError(
                    "FILE",
                    show(str(file)),
                    "the sweep and its store are not overwritten by an export",
                    "name another file",
                )


def _print_cells(
    cells: Sequence[Cell], path: str | None, workers: int, limit: int | None, retry_failed: bool
) -> int:
    """The cells that a run would work out, and what is known of its time."""
    from dsmverify.sweeps import status
    from dsmverify.sweeps.store import Store

    with contextlib.ExitStack() as stack:
        store = None
        if path and os.path.lexists(path):
            store = stack.enter_context(Store.open(path, write=False))
        unique: dict[str, Cell] = {}
        for cell in cells:
            unique.setdefault(cell.key, cell)  # what has two names goes by its first
        passed = set() if store is None else store.has(unique)
        if store is not None and not retry_failed:
            passed |= store.failed(unique).keys()
        todo = [cell for key, cell in unique.items() if key not in passed][:limit]
        for cell in todo:
            labels = [f"{name}={value}" for name, value in cell.labels.items() if value]
            words = [cell.key[:16], cell.kind, *labels, *cell.settings.get("claims", ())]
            echo(" ".join(" ".join(words).split()))  # a name may have a line break
        echo(f"{len(todo)} cells to do, of {len(unique)}")
        for line in status.of(store, cells).lines(workers=workers):
            echo(line)
    return 0


def _export(
    store: Store, cells: Sequence[Cell], form: Literal["csv", "parquet"], file: str | None
) -> int:
    from dsmverify.sweeps import export

    if form == "parquet":
        assert file is not None
        found = export.write_parquet(store, cells, Path(file))
    elif file is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        found = export.write_csv(store, cells, sys.stdout)
        sys.stdout.flush()
    else:
        found = export.write_csv_file(store, cells, Path(file))
    for damage in found.damaged:
        echo(f"damaged: {damage}", error=True)
    if found.missing or found.failed:
        echo(
            f"not all is there: {found.missing} cells are missing, {found.failed} have failed; "
            "each has a row that says so",
            error=True,
        )
    return 1 if found.damaged else 0


def _repair(path: str) -> None:
    from dsmverify.sweeps.repair import repair

    found = repair(path)
    for damage in found.damages:
        echo(f"damaged: {damage.key[:16] if damage.key else 'the database'}: {damage.what}")
    if found.aside is None:
        echo(
            f"{len(found.damages)} damaged cells are taken out; those of this sweep are worked out "
            "again"
        )
    else:
        echo(
            f"the database is written anew, with the {found.kept} done cells that could be read "
            f"and no note of failed ones; the old one is {found.aside}"
        )


def _engine(
    cells: Sequence[Cell], scheduler: str | None, jobs: int, memory_limit: float | None
) -> Engine:
    from dsmverify.sweeps import executors, runner

    if scheduler is not None:
        return executors.Dask(
            scheduler, runner.kinds_of(cells), say=lambda text: echo(text, error=True)
        )
    memory = None if memory_limit is None else int(memory_limit * _GIBIBYTE)
    return executors.Pool(jobs, memory=memory)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Slurm and systemd ask with SIGTERM: what was done is to be stored then too."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

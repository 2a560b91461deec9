"""The terminal: consoles, tables and progress bars; colours and bars only where somebody looks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is, and what was done last."""

_PLAIN_WIDTH = 132


def console(stream: IO[str]) -> Console:
    """Console without colours unless the stream is a terminal and NO_COLOR is not set."""
    from rich.console import Console

    terminal = stream.isatty()
    colours = terminal and not os.environ.get("NO_COLOR")
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if colours else None,
        no_color=not colours,
        width=None if terminal else _PLAIN_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


def table(*columns: str, right_from: int | None = None) -> Any:
    """Table without lines; columns from number `right_from` on stand to the right."""
    from rich.table import Table

    found = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        right = right_from is not None and index >= right_from
        found.add_column(name, justify="right" if right else "left", overflow="fold")
    return found


@contextlib.contextmanager
def progress_bar(unit: str | None = None) -> Iterator[Progress | None]:
    """A progress bar on standard error, or None where nobody would see it.

    Args:
        unit: what is counted, to show how many a second; None shows the count alone.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.text import Text

    from dsmverify.report.text import plain

    label = TextColumn("{task.description}", markup=False)
    rate = TextColumn("{task.fields[rate]}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), rate, Remaining(), label)
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def report(done: int, total: int, what: str) -> None:
            speed = bar.tasks[0].speed
            shown = f"{speed:,.0f} {unit}/s" if unit and speed else ""
            text = Text(plain(what)).plain
            bar.update(task, completed=done, total=total, description=text, rate=shown)

        yield report

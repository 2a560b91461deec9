"""The terminal: lines, tables and progress bars; colours and bars only where somebody looks.

What is printed fits the width of the terminal and its encoding. A table that is too wide first
loses columns that can be spared, and says so; then each row becomes a paragraph. Lines break
between words, never within a number.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Progress = Callable[[int, int, str], None]
"""Called with how much is done, how much there is, and what was done last."""

_PLAIN_WIDTH = 132
"""Where nobody looks: the width at which words wrap. Nothing is left out there."""

_NARROWEST = 20
_UNKNOWN_WIDTH = 80
_LEAST_WORDS = 24
_GAP = 2


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its head.
        right: whether it stands to the right, as numbers do.
        words: whether its text may wrap between words.
        spare: where room is short, the column with the largest number goes first; 0 stays.
        styles: styles of cells, by their text.
    """

    name: str
    right: bool = False
    words: bool = False
    spare: int = 0
    styles: Mapping[str, str] = field(default_factory=dict)


def echo(text: str = "", *, error: bool = False, end: str = "\n") -> None:
    """Print text on standard output or standard error, whatever the encoding; nothing is folded.

    Args:
        text: of one line or many; other control characters are replaced.
        error: whether it goes to standard error.
        end: what follows it.
    """
    stream = sys.stderr if error else sys.stdout
    lines = map(_plain, text.split("\n"))
    stream.write(spelled("\n".join(lines), stream) + end)
    stream.flush()


@contextlib.contextmanager
def opened_streams() -> Iterator[None]:
    """Give standard output and standard error somewhere to go where they were closed.

    Closed from the start they are None, and nobody wants to read them. Opened before anything else
    they also take the numbers that a file of ours would get, and be written into, instead.
    """
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                setattr(sys, name, nowhere)
                stack.callback(setattr, sys, name, None)
        yield


def say(text: str, style: str = "", *, breaks: str = " ") -> None:
    """Print one paragraph on standard output; on a terminal it is folded to the width.

    Args:
        text: control characters are replaced.
        style: of a terminal that has colours.
        breaks: where a line may end.
    """
    from rich.text import Text

    out = console(sys.stdout)
    shown = _shown(text)
    lines = _fold(shown, _room(sys.stdout), breaks) if is_limited() else [shown]
    for line in lines:
        out.print(Text(line, style), soft_wrap=True)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table without lines on standard output.

    Args:
        columns: at least one.
        rows: as many texts as columns each; control characters are replaced.
    """
    columns = [replace(column, name=_shown(column.name)) for column in columns]
    cells = [[_shown(text) for text in row] for row in rows]
    room = _room(sys.stdout)
    kept = list(range(len(columns)))
    least = [_least_width(column, place, cells) for place, column in enumerate(columns)]
    limited = is_limited()
    while limited and _total(least, kept) > room:
        spare = max(kept, key=lambda place: columns[place].spare)
        if not columns[spare].spare:
            _print_paragraphs(columns, cells, room)
            return
        kept.remove(spare)
    widths = _shared(columns, kept, least, cells, room)
    out = console(sys.stdout)
    heads = [_padded(columns[place].name, widths[place], columns[place].right) for place in kept]
    out.print((" " * _GAP).join(heads).rstrip(), style="bold", soft_wrap=True)
    for row in cells:
        for line in _row_lines(columns, kept, widths, row):
            out.print(line, soft_wrap=True)
    if len(kept) < len(columns):
        names = [column.name for place, column in enumerate(columns) if place not in kept]
        say(f"not shown, for want of room: {', '.join(names)}")


def is_limited() -> bool:
    """Whether lines have to fit: standard output is a terminal, or COLUMNS says how wide it is."""
    return sys.stdout.isatty() or _asked_width() is not None


def console(stream: IO[str]) -> Console:
    """Console without colours unless the stream is a terminal and NO_COLOR is not set."""
    return _console(stream, _room(stream))


def spelled(text: str, stream: IO[str]) -> str:
    r"""Text in characters that the stream's encoding has: `\u03c3` where it has no sigma."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


@contextlib.contextmanager
def progress_bar(unit: str | None = None) -> Iterator[Progress | None]:
    """A progress bar on standard error, or None where nobody would see it.

    Args:
        unit: what is counted, to show how many a second; None shows the count alone.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") in {"dumb", "unknown"}:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    label = TextColumn("{task.description}", markup=False)
    rate = TextColumn("{task.fields[rate]}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), rate, Remaining(), label)
    # Without a width of its own the bar follows a terminal that is made wider or narrower.
    with Progress(*columns, console=_console(sys.stderr, None), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def report(done: int, total: int, what: str) -> None:
            speed = bar.tasks[0].speed
            shown = f"{speed:,.0f} {unit}/s" if unit and speed else ""
            text = spelled(_plain(what), sys.stderr)
            bar.update(task, completed=done, total=total, description=text, rate=shown)

        yield report


def _console(stream: IO[str], width: int | None) -> Console:
    from rich.console import Console

    terminal = stream.isatty()
    colours = terminal and not os.environ.get("NO_COLOR")
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if colours else None,
        no_color=not colours,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _asked_width() -> int | None:
    text = os.environ.get("COLUMNS", "")
    return max(int(text), _NARROWEST) if text.isdecimal() and int(text) > 0 else None


def _room(stream: IO[str]) -> int:
    asked = _asked_width()
    if asked is not None:
        return asked
    if not stream.isatty():
        return _PLAIN_WIDTH
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # a terminal that does not say
        found = 0
    return max(found, _NARROWEST) if found else _UNKNOWN_WIDTH


def _shown(text: str) -> str:
    return spelled(_plain(text), sys.stdout)


def _plain(text: str) -> str:
    from dsmverify.report.text import plain  # `--help` does not wait for what reports need

    return plain(text)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _least_width(column: Column, place: int, rows: Sequence[Sequence[str]]) -> int:
    """What the column needs: its widest cell, or its longest word and a few words more."""
    full = max(map(_width, [column.name, *(row[place] for row in rows)]))
    if not column.words:
        return full
    words = itertools.chain([column.name], *(row[place].split() for row in rows))
    return max(min(full, _LEAST_WORDS), *map(_width, words))


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[place] for place in kept) + _GAP * (len(kept) - 1)


def _shared(
    columns: Sequence[Column],
    kept: Sequence[int],
    least: Sequence[int],
    rows: Sequence[Sequence[str]],
    room: int,
) -> list[int]:
    """Widths of the columns: columns of words share what the others leave, in equal parts."""
    widths = list(least)
    growing = [place for place in kept if columns[place].words]
    left = room - _total(widths, kept)
    full = {place: max((_width(row[place]) for row in rows), default=0) for place in growing}
    while left > 0 and (growing := [place for place in growing if widths[place] < full[place]]):
        for place in growing[:left]:
            widths[place] += 1
        left -= min(left, len(growing))
    return widths


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks


def _row_lines(
    columns: Sequence[Column], kept: Sequence[int], widths: Sequence[int], row: Sequence[str]
) -> Iterator[Text]:
    from rich.text import Text

    parts = [
        _fold(row[place], widths[place], hang=0) if columns[place].words else [row[place]]
        for place in kept
    ]
    for pieces in itertools.zip_longest(*parts, fillvalue=""):
        line = Text()
        for place, piece in zip(kept, pieces, strict=True):
            column = columns[place]
            line.append(" " * _GAP if line else "")
            line.append(_padded(piece, widths[place], column.right), column.styles.get(row[place]))
        line.rstrip()
        yield line


def _print_paragraphs(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> None:
    """Each row as a paragraph: the first cell, what fits beside it, the rest by name below."""
    from rich.text import Text

    out = console(sys.stdout)
    for row in rows:
        head = Text(row[0], "bold")
        rest = list(zip(columns, row, strict=True))[1:]
        if rest and _width(row[0]) + _GAP + _width(rest[0][1]) <= room:
            column, text = rest.pop(0)
            head.append(" " * _GAP).append(text, column.styles.get(text, "not bold"))
        out.print(head, soft_wrap=True)
        short = [f"{column.name} {text}" for column, text in rest if not column.words]
        long = [text for column, text in rest if column.words]
        paragraphs = [_fold(", ".join(short), room - _GAP, ", ", hang=0)] if short else []
        paragraphs += [_fold(text, room - _GAP, hang=0) for text in long]
        for line in itertools.chain.from_iterable(paragraphs):
            out.print(Text(" " * _GAP + line), soft_wrap=True)


def _fold(text: str, room: int, breaks: str = " ", hang: int = _GAP) -> list[str]:
    """Lines of at most the given width where `breaks` allow it; a longer piece stays whole."""
    *pieces, last = text.split(breaks)
    lines: list[str] = []
    for piece in [*(piece + breaks.rstrip() for piece in pieces), last]:
        longer = f"{lines[-1]} {piece}" if lines else piece
        if not lines or _width(longer) <= room:
            lines[-1:] = [longer]
        else:
            lines.append(" " * hang + piece)
    return lines

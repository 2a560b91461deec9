"""What README and the pages of docs/ show: commands, code and files, found, run and compared.

A ```console block holds commands (`$ ...`), each with its output below; a line `...` stands for any
number of lines left out. A ```python block is run; what it prints stands in a comment behind each
`print(...)`, or in the ```text block that follows it directly. A block below the comment
`<!-- file: NAME -->` is written to that file instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n+)?```(?P<language>[\w-]*)\n(?P<body>.*?)^```$"
    r"(?:\n+```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
_DURATION = re.compile(r"\b\d+\.\d+s\b")
_PRINTED = re.compile(r"^print\(.*?\)  # (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        line: its line in the file.
        text: the command.
        shown: the output below it; a line `...` stands for any number of lines.
    """

    line: int
    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """Python code to be run.

    Attributes:
        line: of its first line in the file.
        text: the code.
        shown: what it prints, tracebacks included; `...` as for a command.
    """

    line: int
    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """A file that the reader is to write."""

    line: int
    name: str
    text: str


Step = Command | Example | Written


def fences(text: str, language: str) -> list[tuple[int, str]]:
    """Fenced blocks of one language: the number of the first line inside, and the lines."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in pattern.finditer(text)]


def commands(text: str) -> list[Command]:
    """All commands of a text, in order."""
    return [step for step in steps(text) if isinstance(step, Command)]


def steps(text: str) -> list[Step]:
    """All that a reader of the text is shown to do, in order."""
    return list(_steps(text))


def _steps(text: str) -> Iterator[Step]:
    for fence in _FENCE.finditer(text):
        body, first = fence["body"], text.count("\n", 0, fence.start("body")) + 1
        if fence["file"] is not None:
            yield Written(first, fence["file"], body)
        elif fence["language"] == "console":
            yield from _commands(first, body)
        elif fence["language"] == "python":
            output = fence["output"]
            found = _PRINTED.findall(body) if output is None else output.splitlines()
            yield Example(first, body, tuple(found))


def _commands(first: int, block: str) -> Iterator[Command]:
    lines = block.splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], f"line {first}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Command(first + start, lines[start][2:], tuple(lines[start + 1 : end]))


def agrees(shown: tuple[str, ...], printed: str) -> bool:
    """Whether shown lines are the printed ones, up to `...`, durations and blanks at a line's end.

    Args:
        shown: lines of a page.
        printed: what a command printed.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(_plain(line)) + "\n" for line in shown
    )
    text = "".join(f"{_plain(line)}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def _plain(line: str) -> str:
    return _DURATION.sub("0.00s", line.rstrip())


def newcomers_folder(folder: Path) -> Path:
    """Fill a folder with what a newcomer has: the examples, and the reports to read."""
    shutil.copytree(
        ROOT / "examples",
        folder / "examples",
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
    )
    (folder / "reports").symlink_to(ROOT / "reports")
    return folder


def run_command(text: str, folder: Path) -> str:
    """What a command prints on both streams, run by bash with this environment's programs."""
    return _run(["bash", "-c", text], folder)


def run_example(text: str, folder: Path) -> str:
    """What Python code prints on both streams; warnings are errors."""
    return _run([sys.executable, "-W", "error", "-c", text], folder)


def _run(arguments: list[str], folder: Path) -> str:
    # What the outer run has chosen must not reach the inner one.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_") and name not in {"COLUMNS", "FORCE_COLOR"}
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**kept, "PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout

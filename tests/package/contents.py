"""Contents made up for tests, and light processes that load them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dsmverify import content

ROOT = Path(__file__).resolve().parents[2]

CLAIMS = '''"""One claim."""

from dsmverify.claims import Claim, Inequality, Source

from . import _sides

CLAIMS = (
    Claim(
        id="short",
        source=Source("claim 1", 1, "made up"),
        statement="x_1 <= x_n.",
        conclusion=Inequality(_sides.first, "<=", _sides.last),
    ),
)
'''

SIDES = '''"""Two sides."""


def first(c):
    return c.x(1)


def last(c):
    return c.x(c.n)
'''

RECORD = 'short = {verdict = "HOLDS", reason = "The sample is sorted."}\n'

FILES: Mapping[str, str] = {
    "checks/__init__.py": "",
    "checks/one.py": CLAIMS,
    "checks/_sides.py": SIDES,
    "checks/expected.toml": RECORD,
}

LOADING = """
from dsmverify import catalogue, content, tracing
content.use(PLACE)
claims = catalogue.claims()
catalogue.recorded()
tracing.vet(claims)
print([claim.id for claim in claims])
"""


@dataclass(frozen=True)
class Done:
    """What a process printed, and the last line of its complaint."""

    output: str
    error: str


def write(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write a content with one claim; a change replaces a file, or leaves it out (None)."""
    files: dict[str, str | bytes | None] = {**FILES, **(changes or {})}
    for name, text in files.items():
        if text is not None:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that has the package on its path, whatever it was started in."""
    kept = {name: value for name, value in os.environ.items() if name != content.ENVIRONMENT}
    path = os.pathsep.join(part for part in (str(ROOT), kept.get("PYTHONPATH")) if part)
    return {**kept, "PYTHONPATH": path, "NO_COLOR": "1", **more}


def python(code: str, folder: Path, **more: str) -> Done:
    """Run code in a process of its own, in a folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment(**more),
    )
    complaint = done.stderr.strip().rpartition("\n")[2]
    return Done(done.stdout, complaint.removeprefix("dsmverify.errors.InputError: "))


def load(place: str, folder: Path, **more: str) -> Done:
    """Load a content in a process of its own, as `check` does before it evaluates anything."""
    return python(LOADING.replace("PLACE", repr(place)), folder, **more)


def command(*arguments: str | Path, folder: Path, **more: str) -> tuple[int, str]:
    """Exit status of the command line, and what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "dsmverify", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment(**more),
    )
    return done.returncode, done.stdout

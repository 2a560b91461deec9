"""Finished parts of an experiment, kept on disk: an interrupted run goes on with the next one.

A part is a piece of work whose result is plain data. It is kept under a name that carries the
digest of what decides it, so that a changed configuration starts anew what the change concerns and
nothing else. Results that rest on proofs depend on the code that proves: the digest has in it the
package, the claims and their recorded verdicts, and the libraries that compute.

A result always comes back through its JSON text, also when it was computed just now: a run that was
interrupted ends in the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dsmverify import content
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.errors import InputError

LIBRARIES = ("numpy", "python-flint", "scipy")
"""Libraries whose version may change a digit or a proof."""


@dataclass(frozen=True)
class Parts:
    """The parts of one experiment.

    Attributes:
        folder: where they are kept.
        stem: first word of the files' names.
        decides: plain data that decides every part, beside the code.
    """

    folder: Path
    stem: str
    decides: Any

    def result(self, settings: Any, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """What a part came to, computed now or taken from the disk.

        Args:
            settings: plain data that tells this part from every other and decides it.
            work: computes it: plain data; floats that are no numbers become null.

        Raises:
            InputError: the kept file is damaged, or cannot be written.
        """
        whole = [code_digest(), self.decides, settings]
        # Exact numbers are told apart by their spelling.
        text = json.dumps(whole, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        file = self.folder / f"{self.stem}-{digest[:16]}.json"
        if file.exists():
            return _read(file, digest)
        text = json_text({"digest": digest, "result": work()})
        write_atomically(file, text.encode())
        kept: dict[str, Any] = json.loads(text)["result"]
        return kept


def json_text(value: Any) -> str:
    """JSON of plain data; NaN and infinity, which JSON has no words for, are null."""
    return json.dumps(_finite(value), indent=1, allow_nan=False) + "\n"


@functools.cache
def code_digest() -> str:
    """SHA-256 of the package's code, the claims with their recorded verdicts, and the libraries."""
    found = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for name, data in _sources(importlib.resources.files("dsmverify"), ""):
        found.update(f"{name} {len(data)} ".encode())
        found.update(data)
    for name in content.resource_names("checks", ".py"):
        found.update(content.resource_text(f"checks/{name}").encode())
    found.update(content.resource_text("checks/expected.toml").encode())
    return found.hexdigest()


def _sources(place: Any, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(place.iterdir(), key=lambda one: str(one.name)):
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, f"{name}/")
        elif name.endswith(".py"):
            yield name, entry.read_bytes()


def _read(file: Path, digest: str) -> dict[str, Any]:
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["digest"] != digest:
            raise ValueError("it belongs to another configuration")
        result: dict[str, Any] = stored["result"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "part of a result", str(file), f"it cannot be read ({error})", "delete it"
        ) from None
    return result


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value

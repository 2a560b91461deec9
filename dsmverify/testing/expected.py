"""Expected failures: a file that names the checks that fail for now, with a reason each.

    [[expected]]
    check = "hessian/*"        # the id of a check, or a glob
    reason = "the boundary term is not implemented yet"

An expected failure that passes is an error, and so is an entry that matches no check.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dsmverify.errors import InputError, nearest, show

_KEYS = ("check", "reason")
_FORM = 'write [[expected]] with check = "..." and reason = "..."'


@dataclass(frozen=True)
class Expectation:
    """One entry: checks that are expected to fail.

    Args:
        check: id of a check, or a glob (`*`, `?`, `[...]`).
        reason: why it fails for now.
    """

    check: str
    reason: str


@dataclass(frozen=True)
class Expected:
    """Every entry of a file, in its order."""

    entries: tuple[Expectation, ...] = ()
    file: str | None = None

    def reason(self, check: str) -> str | None:
        """Why a check is expected to fail, by the first entry that matches; None if it is not."""
        for entry in self.entries:
            if fnmatchcase(check, entry.check):
                return entry.reason
        return None

    def check_used(self, ids: Iterable[str]) -> None:
        """Refuse entries that match none of the checks.

        Raises:
            InputError: there is one; the message suggests the nearest id.
        """
        known = tuple(ids)
        for index, entry in enumerate(self.entries):
            if not any(fnmatchcase(check, entry.check) for check in known):
                close = nearest(entry.check, known)
                hint = f"did you mean {close!r}? " if close is not None else ""
                raise InputError(
                    f"expected[{index}].check",
                    show(entry.check),
                    "it matches no check",
                    f"{hint}remove the entry if it is out of date",
                    self.file,
                )


def read(path: str | os.PathLike[str]) -> Expected:
    """The entries of a TOML file.

    Raises:
        InputError: no such file, no TOML, an unknown key, or an entry without check or reason.
    """
    file = str(path)
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "--expected", show(file), f"it cannot be read ({error.strerror})", "name a file"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("--expected", "", f"it is no TOML ({error})", _FORM, file) from error
    for key in data:
        if key != "expected":
            raise InputError(key, show(data[key]), "this key is unknown", _FORM, file)
    entries = data.get("expected", [])
    if not isinstance(entries, list):
        raise InputError("expected", show(entries), "it must be a list of tables", _FORM, file)
    return Expected(tuple(_entry(entry, i, file) for i, entry in enumerate(entries)), file)


def _entry(data: Any, index: int, file: str) -> Expectation:
    name = f"expected[{index}]"
    if not isinstance(data, dict):
        raise InputError(name, show(data), "it must be a table", _FORM, file)
    for key in data:
        if key not in _KEYS:
            raise InputError(f"{name}.{key}", show(data[key]), "this key is unknown", _FORM, file)
    for key in _KEYS:
        value = data.get(key)
        if not isinstance(value, str) or not value.strip():
            words = "it is missing" if value is None else "it must be text that says something"
            shown = "" if value is None else show(value)
            raise InputError(f"{name}.{key}", shown, words, _FORM, file)
    return Expectation(data["check"].strip(), data["reason"].strip())

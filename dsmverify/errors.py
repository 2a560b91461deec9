"""Every exception of the package.

A message names the argument, its value, the rule it breaks and the way out, in this order:
`sample.csv, line 4: x: 'abc', but it must be a number; correct the field`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Self

_LONGEST_VALUE = 80


def show(value: object) -> str:
    """Spelling of a value for a message: quoted when it is text, shortened when it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[: _LONGEST_VALUE - 20]}... ({len(text)} characters)"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Known name that looks most like the given one; None when nothing looks like it."""
    spellings = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), spellings, n=1, cutoff=0.5)
    return spellings[close[0]] if close else None


class DsmverifyError(Exception):
    """Anything that this package raises on purpose."""

    exit_status = 1


class InputError(DsmverifyError):
    """Bad input or usage: nothing was computed and nothing was written.

    Args:
        argument: name of the argument, option, field or column.
        value: its value, spelled for reading (see `show`); "" when there is none to show.
        rule: what must hold, as the end of a sentence that starts with "but".
        way_out: what to do instead.
        file: file that the value was read from.
        line: line of that file, from 1.
    """

    exit_status = 2

    def __init__(
        self,
        argument: str,
        value: str,
        rule: str,
        way_out: str,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(argument, value, rule, way_out, file, line)
        self.argument = argument
        self.value = value
        self.rule = rule
        self.way_out = way_out
        self.file = file
        self.line = line

    def __str__(self) -> str:
        """Message in one line."""
        place = "" if self.file is None else self.file
        if self.line is not None:
            place = f"{place}, line {self.line}" if place else f"line {self.line}"
        prefix = f"{place}: " if place else ""
        value = f"{self.value}, but " if self.value else ""
        return f"{prefix}{self.argument}: {value}{self.rule}; {self.way_out}"

    def located(self, file: str | None = None, line: int | None = None) -> Self:
        """The same error, with the file and the line filled in where they were unknown."""
        self.file = self.file if self.file is not None else file
        self.line = self.line if self.line is not None else line
        self.args = (self.argument, self.value, self.rule, self.way_out, self.file, self.line)
        return self


class MissingExtraError(InputError):
    """An optional dependency is needed and not installed.

    Args:
        extra: name of the package's extra.
        package: what is missing, `torch` say.
        purpose: what needs it.
    """

    def __init__(self, extra: str, package: str, purpose: str) -> None:
        super().__init__(
            purpose,
            "",
            f"this needs {package}, which is not installed",
            f"install it with: pip install 'dsmverify[{extra}]'",
        )
        self.args = (extra, package, purpose)
        self.extra = extra
        self.package = package


class OutputError(InputError):
    """A folder or file for the results cannot be written."""

    def __init__(self, path: str, reason: str, argument: str = "--out") -> None:
        super().__init__(
            argument,
            repr(path),
            f"it cannot be written ({reason})",
            "name a folder that can be created and written to",
        )
        self.args = (path, reason, argument)
        self.path = path
        self.reason = reason


class UnknownClaimError(InputError):
    """A claim id that no claim has; the message suggests the nearest one."""

    def __init__(self, claim: str, known: Iterable[str], argument: str = "--claims") -> None:
        ids = tuple(known)
        self.suggestion = nearest(claim, ids)
        meant = f"did you mean {self.suggestion!r}? " if self.suggestion is not None else ""
        super().__init__(
            argument,
            show(claim),
            "there is no claim with this id",
            f"{meant}`dsmverify claims` lists them all",
        )
        self.args = (claim, ids, argument)
        self.claim = claim


class PrecisionError(DsmverifyError):
    """The precision cap was reached where a value was demanded.

    Args:
        quantity: what could not be had.
        bits: working precision at which the search stopped.
        reason: what was missing there.
    """

    def __init__(self, quantity: str, bits: int, reason: str) -> None:
        super().__init__(quantity, bits, reason)
        self.quantity = quantity
        self.bits = bits
        self.reason = reason

    def __str__(self) -> str:
        """Message in one line."""
        return f"{self.quantity}: not reached at {self.bits} bits ({self.reason})"


class DerivationError(DsmverifyError):
    """A derivation does not arrive at its formula, or a re-check of it failed.

    Args:
        derivation: name of the derivation.
        reason: the residual that is not zero, or the point at which the re-check failed.
    """

    def __init__(self, derivation: str, reason: str) -> None:
        super().__init__(derivation, reason)
        self.derivation = derivation
        self.reason = reason

    def __str__(self) -> str:
        """Message in one line."""
        return f"derivation {self.derivation}: {self.reason}"


class NotCompletedError(DsmverifyError):
    """The run stopped before every answer was there (interrupted, or out of memory)."""

    exit_status = 3


class StoreError(InputError):
    """A store of results cannot be opened, read or written.

    Args:
        path: the database, or the file beside it.
        rule: what is wrong, as the end of a sentence that starts with "but".
        way_out: what to do instead.
    """

    def __init__(self, path: str, rule: str, way_out: str) -> None:
        super().__init__("--store", repr(path), rule, way_out)
        self.args = (path, rule, way_out)
        self.path = path


class VersionError(DsmverifyError):
    """A process was asked for a result that its own code or libraries would not make.

    Args:
        what: the code, or a library.
        wanted: version that the result is asked of.
        found: version of this process.
        where: this process, by host name and number.
    """

    exit_status = NotCompletedError.exit_status

    def __init__(self, what: str, wanted: str, found: str, where: str) -> None:
        super().__init__(what, wanted, found, where)
        self.what = what
        self.wanted = wanted
        self.found = found
        self.where = where

    def __str__(self) -> str:
        """Message in one line."""
        return (
            f"{self.what}: {self.where} has {self.found}, but the sweep was expanded with "
            f"{self.wanted}; install the same version everywhere"
        )

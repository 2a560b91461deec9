"""A stored report, read and checked before anything is made of it."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dsmverify.errors import InputError, show
from dsmverify.report.json import read as read_report
from dsmverify.report.model import Report

FIGURE_2 = (
    "dimension",
    "time",
    "learning_rate",
    "option",
    "simulations",
    "mean",
    "median",
    "low",
    "high",
    "page_value",
    "page_low",
    "page_high",
    "verdict",
)
"""Columns of `fig2.csv`."""

_FIGURE_2_FILE = "fig2.csv"
_AGAIN = "write the report again with `dsmverify check`"


@dataclass(frozen=True)
class Stored:
    """A report and the file that it came from.

    Attributes:
        report: what is in it.
        path: of the file.
        digest: SHA-256 of the file's bytes.
    """

    report: Report
    path: Path
    digest: str


def read(path: str | os.PathLike[str]) -> Stored:
    """The report in a `report.json`, or in the folder that holds one.

    Raises:
        InputError: it cannot be read, is cut off, was changed after it was written, is of a newer
            form, or holds no claim.
    """
    report = read_report(path)
    _check_parts(report, str(path))
    file = Path(path)
    file = file / "report.json" if file.is_dir() else file
    return Stored(report, file, hashlib.sha256(file.read_bytes()).hexdigest())


def figure_2(
    report: Path, folder: str | os.PathLike[str] | None
) -> tuple[Mapping[str, str], ...] | None:
    """Rows of `fig2.csv`, by column; None where no folder was named and none is beside the report.

    Args:
        report: path of the `report.json`.
        folder: the folder named, if one was; else `figures` beside the report's folder.

    Raises:
        InputError: the folder named has no such file, or the file is not as it was written.
    """
    at = Path(folder) if folder is not None else report.resolve().parent.parent / "figures"
    path = at / _FIGURE_2_FILE
    if folder is None and not path.is_file():
        return None
    again = "name a folder that `dsmverify train figures/2 --out` wrote"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("--figures", show(str(path)), f"it cannot be read: {reason}", again) from (
            error
        )
    if not lines or tuple(lines[0]) != FIGURE_2:
        if folder is None:  # nobody named it: it is another figure 2
            return None
        heads = ", ".join(FIGURE_2)
        raise InputError("--figures", "", f"its columns must be {heads}", again, str(path), 1)
    for number, line in enumerate(lines, 1):
        if len(line) != len(FIGURE_2):
            rule = f"a line must have {len(FIGURE_2)} fields"
            raise InputError("--figures", f"{len(line)}", rule, again, str(path), number)
    return tuple(dict(zip(FIGURE_2, line, strict=True)) for line in lines[1:])


def _check_parts(report: Report, file: str) -> None:
    """What a consistent seal does not show: parts of another type, or none at all."""
    for name, version in report.versions.items():
        if not isinstance(version, str):
            raise InputError(f"versions: {name}", show(version), "it must be text", _AGAIN, file)
    if not report.claims:
        raise InputError("claims", "", "there must be at least one", _AGAIN, file)
    for table in report.tables:
        if not table.columns:
            at = f"tables: {show(table.name)}"
            raise InputError(at, "", "it must have at least one column", _AGAIN, file)
        texts = (table.name, table.title, table.note, *table.columns)
        cells = (cell for row in table.rows for cell in row)
        for cell in (*texts, *cells):
            if not isinstance(cell, str):
                raise InputError(
                    f"tables: {table.name}", show(cell), "every cell must be text", _AGAIN, file
                )

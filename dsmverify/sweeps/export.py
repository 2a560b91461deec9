"""The rows of a sweep as CSV or parquet, in the order of its cells.

A cell that is done has a row for every row of claims, for every network that was measured, or for
every claim that a derivation proves (its answer is `PROVED`; a derivation that proves none has one
row, with the reason if it failed). Any other has one row that gives its state: `failed`, `missing`,
or `damaged` where the store's row is not as it was written. There are no times, hosts or counts of
attempts, so that two stores of one sweep give the same bytes, however often either was interrupted.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from dsmverify.errors import InputError, MissingExtraError, show
from dsmverify.sweeps import arrays, origins
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.rows import DamagedError, Stored
from dsmverify.sweeps.store import Store
from dsmverify.writing import replacing

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]

Type = Literal["text", "integer", "number", "yes or no"]

_CELL: Final[tuple[tuple[str, Type], ...]] = (("kind", "text"), ("state", "text"))
_LABELS: Final[tuple[tuple[str, Type], ...]] = (
    ("derivation", "text"),
    ("experiment", "text"),
    ("group", "text"),
    ("sample", "text"),
    ("points", "integer"),
    ("mu", "text"),
    ("sigma", "text"),
    ("time", "text"),
    ("learning_rate", "text"),
    ("parametrisation", "text"),
    ("width", "integer"),
    ("steps", "integer"),
    ("seed", "text"),
)
_CLAIMS: Final[tuple[tuple[str, Type], ...]] = (
    ("network", "text"),
    ("claim", "text"),
    ("answer", "text"),
    ("lhs_lower", "text"),
    ("lhs_upper", "text"),
    ("rhs_lower", "text"),
    ("rhs_upper", "text"),
    ("slack", "text"),
    ("failed_hypothesis", "text"),
    ("trivial", "yes or no"),
    ("where", "text"),
    ("reason", "text"),
    ("bits", "integer"),
    ("evaluations", "integer"),
    ("hypothesis_slack", "text"),
)
_RUN: Final[tuple[tuple[str, Type], ...]] = (("run", "integer"),)
_KEY: Final[tuple[tuple[str, Type], ...]] = (("key", "text"),)
_PART: Final = 20_000
"""Rows of a parquet row group."""


@dataclass
class Exported:
    """What an export holds.

    Attributes:
        rows: how many.
        done: cells whose results are in it.
        missing: cells that have none yet.
        failed: cells that have failed.
        damaged: what is wrong with cells that cannot be read, one sentence each.
    """

    rows: int
    done: int
    missing: int
    failed: int
    damaged: list[str]


def write_csv(store: Store, cells: Sequence[Cell], stream: TextIO) -> Exported:
    """Write CSV: a header, then rows; lines end with a line feed.

    Args:
        store: open; while a sweep writes it, all rows are of one moment.
        cells: of the sweep, in its order.
        stream: text, opened with `newline=""`.

    Raises:
        StoreError: the store cannot be read at all.
    """
    counts = Exported(0, 0, 0, 0, [])
    writer = csv.writer(stream, lineterminator="\n")
    with store.unchanged():
        columns = columns_of(store, cells)
        writer.writerow([name for name, _ in columns])
        for row in rows(store, cells, counts):
            writer.writerow([_spelled(row.get(name)) for name, _ in columns])
    return counts


def write_csv_file(store: Store, cells: Sequence[Cell], file: Path) -> Exported:
    """Write a CSV file, whole or not at all.

    Args:
        store: open.
        cells: of the sweep, in its order.
        file: where to.

    Raises:
        InputError: the file cannot be written.
        StoreError: the store cannot be read at all.
    """
    with _whole(file) as part, part.open("w", encoding="utf-8", newline="") as stream:
        return write_csv(store, cells, stream)


def write_parquet(store: Store, cells: Sequence[Cell], file: Path) -> Exported:
    """Write a parquet file, whole or not at all; the columns are those of the CSV, with types.

    Args:
        store: open.
        cells: of the sweep, in its order.
        file: where to.

    Raises:
        MissingExtraError: pyarrow is not installed.
        InputError: the file cannot be written.
        StoreError: the store cannot be read at all.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise MissingExtraError("parquet", "pyarrow", "--export parquet") from None
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "yes or no": pa.bool_(),
    }
    counts = Exported(0, 0, 0, 0, [])
    # Opened here, since pyarrow words its own errors with the name of the part.
    with _whole(file) as part, part.open("wb") as stream, store.unchanged():
        columns = columns_of(store, cells)
        schema = pa.schema([(name, types[kind]) for name, kind in columns])
        with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
            for batch in _batches(rows(store, cells, counts)):
                writer.write_table(_table(pa, batch, schema, columns))
    return counts


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A name to write to; what is there takes the file's place when it is complete and on disk."""
    try:
        with replacing(file) as part:
            yield part
    except OSError as error:
        raise InputError(
            "--export",
            show(str(file)),
            f"it cannot be written ({arrays.reason(error)})",
            "name a file in a folder that can be written to",
        ) from error


def columns_of(store: Store, cells: Sequence[Cell]) -> list[tuple[str, Type]]:
    """Columns with their types: what the cells have in common first, and no empty families."""
    kinds = {cell.kind for cell in cells}
    used = {name for cell in cells for name, value in cell.labels.items() if value}
    found = [*_CELL, *((name, kind) for name, kind in _LABELS if name in used)]
    if kinds & origins.READING_CONTENT:
        found += _CLAIMS
    if kinds - origins.READING_CONTENT:
        measured = store.array_names(
            cell.key for cell in cells if cell.kind not in origins.READING_CONTENT
        )
        if ("seed", "text") not in found:
            found.append(("seed", "text"))
        found += [*_RUN, *((name, "number") for name in measured)]
    return [*found, *_KEY]


def rows(store: Store, cells: Sequence[Cell], counts: Exported) -> Iterator[dict[str, Any]]:
    """Rows of all cells as mappings from columns, and what they come to.

    Args:
        store: open.
        cells: in order.
        counts: added to.
    """
    failed = store.failed(cell.key for cell in cells)
    for cell in cells:
        head = {"kind": cell.kind, "key": cell.key, **_typed(cell.labels)}
        try:
            stored = store.read(cell.key)
        except DamagedError as error:
            counts.damaged.append(str(error))
            counts.rows += 1
            yield {**head, "state": "damaged"}
            continue
        if stored is None:
            is_failed = cell.key in failed
            counts.failed += is_failed
            counts.missing += not is_failed
            counts.rows += 1
            yield {**head, "state": "failed" if is_failed else "missing"}
            continue
        counts.done += 1
        for row in _rows_of(cell, stored):
            counts.rows += 1
            yield {**head, "state": "done", **row}


def _rows_of(cell: Cell, stored: Stored) -> Iterator[dict[str, Any]]:
    match cell.kind:
        case "prove":
            proves = stored.record["proves"]
            yield from ({"claim": name, "answer": "PROVED"} for name in proves)
            if not proves:
                yield {"reason": stored.record["failed"]}
        case "check":
            yield from _claims(stored)
        case _:
            yield from _runs(cell, stored)


def _claims(stored: Stored) -> Iterator[dict[str, Any]]:
    for row in stored.record["rows"]:
        found = {name: row.get(name) for name, _ in _CLAIMS}
        found["network"] = str(row["instance"]).removeprefix("[").removesuffix("]")
        for side in ("lhs", "rhs"):
            for end in ("lower", "upper"):
                found[f"{side}_{end}"] = None if row[side] is None else row[side][end]
        found["where"] = " ".join(f"{k}={v}" for k, v in sorted(row["where"].items()))
        slacks = row["hypothesis_slack"]
        found["hypothesis_slack"] = json.dumps(slacks) if slacks else None
        yield found


def _runs(cell: Cell, stored: Stored) -> Iterator[dict[str, Any]]:
    """One row for each network: arrays that are longer or shorter leave places empty."""
    seeds = cell.settings.get("seeds", ())
    flat = {name: array.ravel() for name, array in stored.arrays.items()}
    for run in range(max((len(array) for array in flat.values()), default=0)):
        found: dict[str, Any] = {
            name: float(array[run]) for name, array in flat.items() if run < len(array)
        }
        found["run"] = run
        if run < len(seeds):
            found["seed"] = str(seeds[run])
        yield found


def _typed(labels: Mapping[str, str]) -> dict[str, Any]:
    kinds = dict(_LABELS)
    return {
        name: int(value) if kinds[name] == "integer" else value
        for name, value in labels.items()
        if value
    }


def _spelled(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _batches(found: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in found:
        batch.append(row)
        if len(batch) == _PART:
            yield batch
            batch = []
    if batch:
        yield batch


def _table(
    arrow: Any,
    batch: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    columns: Sequence[tuple[str, Type]],
) -> pa.Table:
    return arrow.table(
        {name: [row.get(name) for row in batch] for name, _ in columns}, schema=schema
    )

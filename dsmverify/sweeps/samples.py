"""The samples of a sweep: points in the file, data files, and seeded families.

| key | sample |
|---|---|
| `points` | the points themselves |
| `file` | a CSV file or NumPy array; or an instance file, with its own noise and learning rates |
| `family = "equispaced"` | `size` points, `spacing` apart |
| `family = "normal"` | `size` standard normal draws of 3 decimals, for every `seed` |
| `family = "clusters"` | two of `size`/2 points, `spacing` apart, starts `distance` apart |

Of a family, `size` and `seed` are lists and every pair is a sample.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self

from dsmverify import battery
from dsmverify.data import read_instances
from dsmverify.errors import InputError, show
from dsmverify.exact import spell
from dsmverify.instance import Instance, order_points

Family = Literal["equispaced", "normal", "clusters"]

_NOISE = ("mu", "sigma", "time")
_SOURCES = ("points", "file", "family")
_KEYS_OF: dict[str, tuple[str, ...]] = {
    "points": ("drop_ties",),
    "file": ("column", "drop_ties"),
    "equispaced": ("size", "spacing"),
    "normal": ("size", "seed"),
    "clusters": ("size", "spacing", "distance"),
}
_NO_NOISE = "1/2"
"""Stands in while points are read: the file has no noise level, and the sweep has many."""


@dataclass(frozen=True)
class Data:
    """What cells are about, with the digest of everything in it.

    Attributes:
        document: in JSON's types: an instance without noise level and learning rate, say.
        digest: SHA-256 of its canonical JSON.
    """

    document: Mapping[str, Any]
    digest: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The document with its digest."""
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return cls(document, hashlib.sha256(text.encode("ascii")).hexdigest())


@dataclass(frozen=True)
class Sample:
    """One sample of a sweep.

    Attributes:
        name: for tables.
        data: its points, and what else an instance file says.
        size: number of points.
        noise: its own noise level, as an instance file spells it; None takes the table's.
        learning_rate: its own; None takes the table's.
        has_network: whether its file says what the network is.
    """

    name: str
    data: Data
    size: int
    noise: Mapping[str, str] | None = None
    learning_rate: str | None = None
    has_network: bool = False


@dataclass(frozen=True)
class SampleTable:
    """One table `samples` as it is written; see the module."""

    name: str = ""
    points: tuple[Fraction, ...] | None = None
    file: str | None = None
    family: Family | None = None
    column: Any = None
    drop_ties: bool = False
    size: tuple[int, ...] = ()
    seed: tuple[int, ...] = (0,)
    spacing: Fraction | None = None
    distance: Fraction | None = None


def read(
    tables: Sequence[SampleTable], given: Sequence[Mapping[str, Any]], key: str, folder: Path
) -> tuple[Sample, ...]:
    """Samples of the tables, in their order.

    Args:
        tables: as they are written.
        given: the same tables, before defaults were filled in.
        key: path of the tables in the file, for messages.
        folder: that names of files are relative to.

    Raises:
        InputError: none or several sources, a key that its source has no use for, bad points, or
            a file that cannot be read.
    """
    found: list[Sample] = []
    names: set[str] = set()
    for number, (table, keys) in enumerate(zip(tables, given, strict=True)):
        place, before = f"{key}[{number}]", len(found)
        source = _source(table, keys, place)
        match source:
            case "points":
                assert table.points is not None  # it is the source
                name = table.name or f"sample {len(found) + 1}"
                found.append(_plain(name, table.points, f"{place}.points", ties=table.drop_ties))
            case "file":
                found += _from_file(table, place, folder)
            case _:
                found += _from_family(table, place)
        for sample in found[before:]:
            if sample.name in names:
                raise InputError(
                    place,
                    show(sample.name),
                    "two samples have this name",
                    'give one of them another: name = "..."',
                )
            names.add(sample.name)
    if not found:
        raise InputError(key, "", "there are no samples", "write a table of samples with points")
    return tuple(found)


def _source(table: SampleTable, keys: Mapping[str, Any], place: str) -> str:
    sources = [name for name in _SOURCES if name in keys]
    if len(sources) != 1:
        raise InputError(
            f"{place}.{sources[1]}" if sources else place,
            "",
            "a sample comes from one source" if sources else "it says not where the points are",
            f"give one of {', '.join(_SOURCES)}",
        )
    source = str(table.family) if sources == ["family"] else sources[0]
    for name in keys:
        if name not in ("name", sources[0], *_KEYS_OF[source]):
            raise InputError(
                f"{place}.{name}",
                show(keys[name]),
                f"{source!r} has no use for it",
                f"leave it out; the keys are {', '.join(_KEYS_OF[source])}",
            )
    return source


def _plain(name: str, points: Sequence[Fraction], key: str, *, ties: bool = False) -> Sample:
    try:
        ordered, _, _ = order_points(points, drop_ties=ties)
    except InputError as error:
        raise InputError(key, error.value, error.rule, error.way_out) from None
    return Sample(name, Data.of({"x": [spell(x) for x in ordered]}), len(ordered))


def _from_file(table: SampleTable, place: str, folder: Path) -> Iterator[Sample]:
    assert table.file is not None  # it is the source
    path = folder / table.file
    is_instances = path.suffix == ".json"
    options: dict[str, Any] = {} if is_instances else {"sigma": _NO_NOISE}
    try:
        instances = read_instances(
            [path], column=table.column, drop_ties=table.drop_ties, **options
        )
    except InputError as error:
        if error.file is not None:
            raise  # it is about what the file says
        key = "column" if error.argument == "--column" else "file"
        raise InputError(f"{place}.{key}", error.value, error.rule, error.way_out) from None
    for instance in instances:
        if not isinstance(instance, Instance):
            rule = f"{instance.name} is a point of a learning curve, and a sweep takes samples"
            raise InputError(
                f"{place}.file", show(table.file), rule, "leave such points out of the file"
            )
        document = instance.to_json()
        noise = {k: document.pop(k) for k in _NOISE if k in document}
        rate = document.pop("learning_rate", None)
        name = instance.name if not table.name or is_instances else table.name
        yield Sample(
            name=name,
            data=Data.of(document),
            size=instance.size,
            noise=noise if is_instances else None,
            learning_rate=rate,
            has_network=instance.network is not None,
        )


def _from_family(table: SampleTable, place: str) -> Iterator[Sample]:
    if not table.size:
        raise InputError(f"{place}.size", "", "it is missing", "write size = [8, 16]")
    for name in ("spacing", "distance"):
        value = getattr(table, name)
        if name in _KEYS_OF[str(table.family)] and value is None:
            raise InputError(f"{place}.{name}", "", "it is missing", f"write {name} = 0.5, say")
        if value is not None and value <= 0:
            raise InputError(f"{place}.{name}", spell(value), "it must be positive", "give a gap")
    for size in table.size:
        if size < 2:
            raise InputError(f"{place}.size", str(size), "a gap needs two points", "give n >= 2")
        label = f"{table.name or table.family} n={size}"
        if table.family == "normal":
            for seed in table.seed:
                if seed < 0:
                    raise InputError(
                        f"{place}.seed", str(seed), "it must be at least 0", "give 0 or more"
                    )
                yield _plain(f"{label} seed={seed}", battery.normal(size, seed), place)
            continue
        assert table.spacing is not None  # checked above
        if table.family == "equispaced":
            yield _plain(label, battery.equispaced(size, table.spacing), place)
            continue
        assert table.distance is not None  # checked above
        if size % 2 or (size // 2 - 1) * table.spacing >= table.distance:
            raise InputError(
                f"{place}.size",
                f"{size} points, spacing {spell(table.spacing)}, distance {spell(table.distance)}",
                "two clusters have equally many points and do not touch",
                "give an even size and a smaller spacing",
            )
        inside, between = str(table.spacing), str(table.distance)
        points = battery.clustered(2, size // 2, inside=inside, between=between)
        yield _plain(label, points, place)

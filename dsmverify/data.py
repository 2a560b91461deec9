"""Samples and networks from files, with the options of the command line.

CSV fields and option values are text, hence exact; NumPy entries are the numbers that they denote.
Bad data fail here, with file, line and field.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsmverify.curves.points import CurvePoint, instance_from_json
from dsmverify.errors import InputError, MissingExtraError, nearest, show
from dsmverify.exact import ExactInput, has_decimal_comma, looks_numeric, parse_exact
from dsmverify.instance import (
    Instance,
    NetworkData,
    NoiseLevel,
    array_numbers,
    decode,
    order_points,
    parse_json,
)

MAX_POINTS: Final = 10_000
"""Largest number of distinct points that is read: certified answers for more would take days."""

_KINDS: Final = "a .csv, .txt, .npy or .json file"
_NETWORK_NAMES: Final = ("inner_weights", "biases", "outer_weights")
_TORCH_NAMES: Final = ("0.weight", "0.bias", "2.weight")


def read_instances(
    paths: Sequence[str | os.PathLike[str]],
    *,
    column: str | int | None = None,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    learning_rate: ExactInput | None = None,
    network: str | os.PathLike[str] | None = None,
    drop_ties: bool = False,
) -> list[Instance | CurvePoint]:
    """Instances of the files named, in their order.

    Args:
        paths: CSV files (`.csv`, `.txt`), NumPy arrays (`.npy`), or instance files (`.json`: one
            instance or a list of them, samples or points of learning curves).
        column: column of the CSV files, by name or by number from 1; not needed where only one has
            numbers.
        mu: signal factor of the samples, with `sigma`.
        sigma: noise level of the samples; alone it means `mu = sqrt(1 - sigma^2)`.
        time: diffusion time of the samples, instead of `mu` and `sigma`.
        learning_rate: `eta`, for every instance.
        network: `.npz` or `.pt` file with a network for every instance.
        drop_ties: keep one of each group of equal points.

    Raises:
        InputError: a file cannot be read, an option does not fit it, or its data are bad.
        MissingExtraError: a `.pt` file is given and torch is not installed.
    """
    files = [Path(path) for path in paths]
    noise_options = {"mu": mu, "sigma": sigma, "time": time}
    given = [f"--{name}" for name, value in noise_options.items() if value is not None]
    options = given + [
        name
        for name, value in (
            ("--column", column),
            ("--learning-rate", learning_rate),
            ("--network", network),
        )
        if value is not None
    ]
    if not files:
        if options:
            raise InputError(
                options[0],
                "",
                "there are no data that it could apply to",
                f"name {_KINDS}, or leave {', '.join(options)} out",
            )
        return []
    noise = NoiseLevel.of(mu=mu, sigma=sigma, time=time) if given else None
    eta = None if learning_rate is None else parse_exact(learning_rate, field="learning_rate")
    if eta is not None and eta <= 0:
        raise InputError(
            "--learning-rate",
            show(learning_rate),
            "it must be positive",
            "give eta > 0, or leave it out",
        )
    net = None if network is None else read_network(network)
    names = _names(files)
    if column is not None and not any(_kind(file) == "csv" for file in files):
        raise InputError(
            "--column",
            show(column),
            "only CSV files have columns, and none was given",
            "leave --column out",
        )
    result: list[Instance | CurvePoint] = []
    for file, name in zip(files, names, strict=True):
        if _kind(file) == "json":
            if given:
                raise InputError(
                    given[0],
                    str(noise_options[given[0][2:]]),
                    "an instance file carries its own noise level",
                    f"leave {' and '.join(given)} out, or change the file",
                    str(file),
                )
            result += [
                _completed(instance, eta, net, file)
                for instance in _read_json(file, name, drop_ties=drop_ties)
            ]
            continue
        if noise is None:
            raise InputError(
                "noise level",
                "",
                "a sample has none of its own, and none was given",
                "give --sigma (then mu = sqrt(1 - sigma^2)), --mu with --sigma, or --time",
                str(file),
            )
        points, places = _read_csv(file, column) if _kind(file) == "csv" else _read_npy(file)
        try:
            ordered, merged, notes = order_points(points, drop_ties=drop_ties, places=places)
            result.append(
                Instance(
                    name=name,
                    points=ordered,
                    noise=noise,
                    network=net,
                    learning_rate=eta,
                    merged=merged,
                    notes=notes,
                )
            )
        except InputError as error:
            raise error.located(str(file)) from None
    return result


def read_network(path: str | os.PathLike[str]) -> NetworkData:
    """Network of an `.npz` file or of a torch state dict (`.pt`, `.pth`).

    An `.npz` file has the arrays `inner_weights`, `biases`, `outer_weights` and perhaps `bound`.
    A state dict has these names, or those of
    `nn.Sequential(Linear(1, m), ReLU(), Linear(m, 1, bias=False))`. Under our names the output is
    divided by the width, as in the paper; such a `Sequential` sums, so that its outer weights are
    multiplied by the width.

    Raises:
        InputError: the file cannot be read, arrays are missing or unknown, or their values are bad.
        MissingExtraError: a state dict is given and torch is not installed.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in {".npz", ".pt", ".pth"}:
        raise InputError(
            "--network",
            repr(str(path)),
            "networks are read from .npz and .pt files",
            "save the arrays with numpy.savez, or a state dict with torch.save",
        )
    _check_file(file, "--network")
    arrays = _npz_arrays(file) if suffix == ".npz" else _state_dict(file)
    try:
        if suffix != ".npz" and set(arrays) & set(_TORCH_NAMES):
            _check_names(arrays, _TORCH_NAMES, _TORCH_NAMES)
            named = dict(zip(_NETWORK_NAMES, (arrays[n] for n in _TORCH_NAMES), strict=True))
            return NetworkData.from_mapping(_lists(named, flat=True), output_factor="sum")
        _check_names(arrays, _NETWORK_NAMES, (*_NETWORK_NAMES, "bound"))
        return NetworkData.from_mapping(_lists(arrays, flat=False))
    except InputError as error:
        raise error.located(str(file)) from None


def _completed(
    instance: Instance | CurvePoint, eta: Fraction | None, network: NetworkData | None, file: Path
) -> Instance | CurvePoint:
    """Instance of a file with the options filled in, which must not be in the file already."""
    if isinstance(instance, CurvePoint):
        for option, given in (("--learning-rate", eta), ("--network", network)):
            if given is not None:
                rule = f"{instance.name} is a point of a learning curve, which has none"
                raise InputError(option, "", rule, f"leave {option} out", str(file))
        return instance
    for option, given, own in (
        ("--learning-rate", eta, instance.learning_rate),
        ("--network", network, instance.network),
    ):
        if given is not None and own is not None:
            raise InputError(
                option,
                "",
                f"the instance {instance.name} has its own",
                f"leave {option} out, or remove it from the file",
                str(file),
            )
    return replace(
        instance,
        learning_rate=instance.learning_rate if eta is None else eta,
        network=instance.network if network is None else network,
    )


def _names(files: Sequence[Path]) -> list[str]:
    """File names, made different: by their folders, and by a number where a file is given twice."""
    short = Counter(file.stem for file in files)
    names = [file.stem if short[file.stem] == 1 else file.as_posix() for file in files]
    count, seen = Counter(names), Counter[str]()
    for index, name in enumerate(names):
        if count[name] > 1:
            seen[name] += 1
            names[index] = f"{name} ({seen[name]})"
    return names


def _kind(file: Path) -> str:
    kind = {".csv": "csv", ".txt": "csv", ".npy": "npy", ".json": "json"}.get(file.suffix.lower())
    if kind is None:
        hint = "give it with --network" if file.suffix.lower() in {".npz", ".pt", ".pth"} else ""
        raise InputError(
            "DATA",
            repr(str(file)),
            f"data are read from {_KINDS}",
            hint or "save the sample as a CSV file with one column",
        )
    return kind


def _check_file(file: Path, argument: str = "DATA") -> None:
    reason = None
    if not file.exists():
        reason = "there is no such file"
    elif file.is_dir():
        reason = "it is a folder"
    if reason is not None:
        raise InputError(argument, repr(str(file)), reason, "name a file that can be read")


def _read_bytes(file: Path, argument: str = "DATA") -> bytes:
    _check_file(file, argument)
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(
            argument,
            repr(str(file)),
            f"it cannot be read ({error.strerror})",
            "name a file that can be read",
        ) from None


def _read_json(file: Path, name: str, *, drop_ties: bool) -> list[Instance | CurvePoint]:
    data = _read_bytes(file)
    try:
        if not data.strip():
            raise InputError("instance", "", "the file is empty", 'write {"x": [...], ...}')
        parsed = parse_json(data)
        if isinstance(parsed, list) and not parsed:
            raise InputError("instances", "[]", "the list is empty", "list at least one instance")
    except InputError as error:
        raise error.located(str(file)) from None
    several = isinstance(parsed, list)
    result: list[Instance | CurvePoint] = []
    for number, source in enumerate(parsed if several else [parsed], start=1):
        try:
            instance = instance_from_json(
                source if isinstance(source, dict) else _not_an_object(source),
                name=f"{name}#{number}" if several else name,
                drop_ties=drop_ties,
            )
            _check_count(instance.size)
        except InputError as error:
            if several:
                error.argument = f"instance {number}: {error.argument}"
            raise error.located(str(file)) from None
        result.append(instance)
    return result


def _not_an_object(source: object) -> dict[str, Any]:
    raise InputError(
        "instance", show(source), "it must be a JSON object", 'write {"x": [...], "sigma": ...}'
    )


def _check_count(count: int) -> None:
    if count > MAX_POINTS:
        raise InputError(
            "sample",
            f"more than {MAX_POINTS} distinct points",
            f"at most {MAX_POINTS} are read, as certified answers take too long for more",
            f"give a subsample of at most {MAX_POINTS} points",
        )


# --- NumPy arrays -------------------------------------------------------------------------------


def _load_numpy(file: Path, argument: str, wanted: str) -> Any:
    try:
        return np.load(io.BytesIO(_read_bytes(file, argument)), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, SyntaxError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "pickle" in reason.lower():
            reason = "it is not a NumPy file, or it holds Python objects"
        raise InputError(
            argument, repr(str(file)), f"it cannot be read as {wanted} ({reason})",
            "save plain numbers with numpy.save (samples) or numpy.savez (networks)",
        ) from None  # fmt: skip


def _read_npy(file: Path) -> tuple[tuple[Fraction, ...], None]:
    array = _load_numpy(file, "DATA", "a NumPy array")
    try:
        if not isinstance(array, np.ndarray):
            raise InputError(
                "DATA",
                "an archive of arrays",
                "a sample is one array",
                "save it with numpy.save, or give a network with --network",
            )
        if array.ndim == 1 and array.dtype.kind in "iuf":
            _check_count(len(np.unique(array)) if len(array) > MAX_POINTS else 0)
        return array_numbers(array, "x"), None
    except InputError as error:
        raise error.located(str(file)) from None


def _npz_arrays(file: Path) -> dict[str, Any]:
    archive = _load_numpy(file, "--network", "an .npz archive")
    if isinstance(archive, np.ndarray):
        raise InputError(
            "--network", repr(str(file)), "it is a single array",
            "save the three arrays with numpy.savez",
        )  # fmt: skip
    with archive:
        arrays = {}
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except (ValueError, EOFError, OSError, zipfile.BadZipFile):
                raise InputError(
                    f"network.{name}",
                    "",
                    "the array cannot be read (Python objects, or a damaged file)",
                    "save plain numbers with numpy.savez",
                    str(file),
                ) from None
    return arrays


def _state_dict(file: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", "torch", f"the network file {file}") from None
    import pickle

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise InputError(
            "--network",
            repr(str(file)),
            f"it cannot be read as a state dict ({type(error).__name__})",
            "save it with torch.save(module.state_dict(), file); whole modules are not loaded",
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InputError(
            "--network",
            repr(str(file)),
            "it is not a state dict",
            "save it with torch.save(module.state_dict(), file)",
        )
    return {
        str(name): tensor.detach().to(torch.float64).numpy()
        if tensor.is_floating_point()
        else tensor.numpy()
        for name, tensor in state.items()
    }


def _check_names(arrays: Iterable[str], needed: Sequence[str], known: Sequence[str]) -> None:
    names = list(arrays)
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant!r}? " if meant is not None else ""
            rule = "this array is unknown"
            if name == "2.bias":
                rule = "a network with an outer bias is not read"
            raise InputError(f"network.{name}", "", rule, f"{hint}the names are {', '.join(known)}")
    for name in needed:
        if name not in names:
            raise InputError(
                f"network.{name}",
                f"the file has {', '.join(names) or 'nothing'}",
                "this array is missing",
                f"save {', '.join(needed)}",
            )


def _lists(arrays: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    """Arrays as lists of numbers; a bound as one number."""
    result: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise InputError(
                f"network.{name}",
                f"an array of dtype {array.dtype}",
                "it must hold real numbers",
                "convert it with .astype(float)",
            )
        if name == "bound":
            if array.size != 1:
                raise InputError(
                    "network.bound", f"{array.size} numbers", "it is one number", "save one number"
                )
            result[name] = array.reshape(-1)[0]
        elif flat and 1 in array.shape:
            result[name] = list(array.reshape(-1))
        elif array.ndim != 1:
            raise InputError(
                f"network.{name}",
                f"an array of shape {array.shape}",
                "it must be one-dimensional, for a network from R to R",
                "flatten it with .ravel()",
            )
        else:
            result[name] = list(array)
    return result


# --- CSV ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """Rows of a CSV file; the header is None where the first row is data."""

    header: list[str] | None
    rows: list[list[str]]
    lines: list[int]
    width: int

    def label(self, index: int) -> str:
        """Name of a column for messages."""
        if self.header is None or not self.header[index]:
            return f"column {index + 1}"
        return f"column {self.header[index]!r}"

    def columns(self) -> str:
        """All columns, for messages."""
        if self.header is None:
            return f"the file has {self.width} columns and no header"
        return "the columns are " + ", ".join(show(name) for name in self.header)


def _read_csv(file: Path, column: str | int | None) -> tuple[tuple[Fraction, ...], list[str]]:
    data = _read_bytes(file)
    try:
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise InputError("text", "UTF-16", "the file must be text in UTF-8", "save it as UTF-8")
        table = _table(decode(data))
        return _column(table, _pick(table, column))
    except InputError as error:
        raise error.located(str(file)) from None


def _table(text: str) -> _Table:
    if not text.strip():
        raise InputError("sample", "", "the file is empty", "give a file with 2 or more numbers")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            # A blank line is skipped; a quoted empty field is not one.
            if row and (len(row) > 1 or row[0] == "" or row[0].strip()):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            "CSV",
            "",
            f"the line cannot be read ({error})",
            "correct its quotes, and keep fields short",
            line=reader.line_num,
        ) from None
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if all(any(separator in cell for cell in row) for row in rows):
            raise InputError(
                "CSV",
                show(",".join(rows[0])),
                f"fields are separated by {name}",
                "separate fields by commas, and write decimal points",
                line=lines[0],
            )
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            comma = (
                " (a decimal comma splits a number: write 0.5, or quote the field)"
                if len(row) == 2 * width
                else ""
            )
            raise InputError(
                "CSV",
                f"{len(row)} fields",
                f"the first row has {width}",
                f"give every row the same number of fields{comma}",
                line=line,
            )
    return _split_header(rows, lines, width)


def _split_header(rows: list[list[str]], lines: list[int], width: int) -> _Table:
    numeric = [looks_numeric(cell) for cell in rows[0]]
    if all(numeric):
        return _Table(None, rows, lines, width)
    if any(numeric):
        names_numbers = any(
            not is_number and len(rows) > 1 and all(looks_numeric(row[index]) for row in rows[1:])
            for index, is_number in enumerate(numeric)
        )
        if not names_numbers:
            raise InputError(
                "CSV",
                show(",".join(rows[0])),
                "the first row is partly numbers and partly text, so it may be a header or not",
                "add a header row of names, or keep the column of numbers only",
                line=lines[0],
            )
    return _Table(rows[0], rows[1:], lines[1:], width)


def _pick(table: _Table, column: str | int | None) -> int:
    if column is not None:
        return _named(table, str(column).strip())
    if table.width == 1:
        return 0
    with_numbers = [
        index
        for index in range(table.width)
        if any(looks_numeric(row[index]) for row in table.rows)
    ]
    if len(with_numbers) == 1:
        return with_numbers[0]
    if not with_numbers:
        raise InputError("sample", "", f"no column has numbers ({table.columns()})", "add one")
    integers = re.compile(r"[+-]?[0-9]+")
    if (
        table.width == 2
        and table.header is None
        and all(integers.fullmatch(c) for row in table.rows for c in row)
    ):
        hint = " (if the comma is a decimal comma, write points instead)"
    else:
        hint = ""
    raise InputError(
        "--column",
        "",
        f"{len(with_numbers)} columns have numbers and none was chosen",
        f"choose one with --column NAME or NUMBER{hint}; {table.columns()}",
    )


def _named(table: _Table, column: str) -> int:
    header = table.header or []
    if header.count(column) > 1:
        raise InputError(
            "--column",
            show(column),
            f"{header.count(column)} columns have this name",
            "choose by number, from 1",
        )
    if column in header:
        return header.index(column)
    if column.isascii() and column.isdigit() and 1 <= int(column[:9]) <= table.width:
        return int(column) - 1
    meant = nearest(column, header)
    hint = f"did you mean {meant!r}? " if meant is not None else ""
    raise InputError(
        "--column",
        show(column),
        "there is no such column",
        f"{hint}choose by name or by number, from 1; {table.columns()}",
    )


def _column(table: _Table, index: int) -> tuple[tuple[Fraction, ...], list[str]]:
    label = table.label(index)
    known: dict[str, Fraction] = {}
    distinct: set[Fraction] = set()
    points: list[Fraction] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        cell = row[index]
        if cell not in known:
            try:
                known[cell] = parse_exact(cell, field=label)
            except InputError as error:
                if has_decimal_comma(cell):
                    error.way_out += " (in every field of the column)"
                raise error.located(line=line) from None
            distinct.add(known[cell])
            _check_count(len(distinct))
        points.append(known[cell])
    return tuple(points), [f"line {line}" for line in table.lines]

"""Experiments as TOML files: found by name or path, and read into dataclasses, strictly.

A file says which experiment it configures, `experiment = "figure2"`; everything else in it is a
field of that experiment's dataclass. There are no silent defaults for misspelt keys: an unknown key
is an error that names the nearest known one.

Numbers are exact where the dataclass wants a `Fraction`: `0.1` in the file is one tenth, and so are
`"0.1"` and `"1/10"`. Where it wants a `float` all three give the double next to it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.resources
import json
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dsmverify.errors import InputError, nearest, show
from dsmverify.exact import WrittenFloat, parse_exact

T = TypeVar("T")

Kind = Literal[
    "figure1", "figure2", "figure3", "figure4", "digits", "critical", "theorem", "curves"
]

KINDS: tuple[Kind, ...] = get_args(Kind)
SUFFIX = ".toml"
ARGUMENT = "configuration"


@dataclass(frozen=True)
class Document:
    """A configuration as it was read, before anything but its kind is checked.

    Attributes:
        kind: which experiment it configures.
        table: its keys and values without `experiment`; decimals remember how they were written.
        source: packaged name, or the path of the user's file; for messages.
        digest: SHA-256 of the values, 64 hexadecimal digits. Comments, layout and the order of keys
            do not change it.
    """

    kind: Kind
    table: Mapping[str, Any]
    source: str
    digest: str


def packaged() -> list[str]:
    """Names of the configurations that come with the package, sorted: `figures/1` and so on."""
    folder = importlib.resources.files("dsmverify.experiments").joinpath("configurations")

    def names(place: Any, prefix: str) -> Iterator[str]:
        for entry in place.iterdir():
            if entry.is_dir():
                yield from names(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith(SUFFIX):
                yield prefix + entry.name.removesuffix(SUFFIX)

    return sorted(names(folder, ""))


def packaged_text(name: str) -> str:
    """TOML text of a packaged configuration.

    Args:
        name: one of `packaged()`.
    """
    parts = f"configurations/{name}{SUFFIX}".split("/")
    resource = importlib.resources.files("dsmverify.experiments").joinpath(*parts)
    return resource.read_text(encoding="utf-8")


def load(name_or_path: str) -> Document:
    """The configuration of a packaged name, or of a TOML file.

    Args:
        name_or_path: one of `packaged()`, or a path. A name wins over a file of the same name;
            write `./figures/1` for the file.

    Raises:
        InputError: there is no such name or file, the file cannot be read or is not TOML (with the
            line), or `experiment` is missing or unknown.
    """
    names = packaged()
    if name_or_path not in names and not Path(name_or_path).is_file():
        close = nearest(name_or_path, names)
        meant = f"did you mean {close!r}? " if close is not None else ""
        raise InputError(
            ARGUMENT,
            show(name_or_path),
            "there is no file and no packaged configuration of this name",
            f"{meant}give a TOML file or one of {', '.join(names)}",
        )
    return parse(text_of(name_or_path), name_or_path)


def text_of(name_or_path: str, argument: str = ARGUMENT) -> str:
    """TOML text of a packaged name, or of a file that is there.

    Args:
        name_or_path: as in `load`.
        argument: what it was given as, for messages.

    Raises:
        InputError: the file cannot be read.
    """
    if name_or_path in packaged():
        return packaged_text(name_or_path)
    try:
        return Path(name_or_path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            argument,
            show(name_or_path),
            f"it cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})",
            "give a TOML file in UTF-8",
        ) from None


def parse(text: str, source: str) -> Document:
    """The configuration of a TOML text.

    Args:
        text: the file's content.
        source: its name, for messages.

    Raises:
        InputError: not TOML (with the line), or `experiment` is missing or unknown.
    """
    try:
        table = tomllib.loads(text, parse_float=WrittenFloat)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(at[1]) if at else len(text.splitlines())
        lines = text.splitlines()
        near = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        reason = str(error).partition(" (at ")[0]
        raise InputError(
            "TOML",
            show(near),
            f"there is a syntax error ({reason[:1].lower()}{reason[1:]})",
            "correct the line",
            file=source,
            line=line,
        ) from None
    kind = table.pop("experiment", None)
    if kind not in KINDS:
        close = nearest(kind, KINDS) if isinstance(kind, str) else None
        meant = f"did you mean {close!r}? " if close is not None else ""
        raise InputError(
            "experiment",
            "" if kind is None else show(kind),
            "it is missing" if kind is None else "there is no such experiment",
            f"{meant}give one of {', '.join(KINDS)}",
            file=source,
        )
    return Document(kind, table, source, digest_of({"experiment": kind} | table))


def digest_of(table: Mapping[str, Any]) -> str:
    """SHA-256 of a table's values: the same for every layout and order of keys."""
    canonical = json.dumps(table, sort_keys=True, default=_spelled)
    return hashlib.sha256(canonical.encode()).hexdigest()


def build(cls: type[T], table: Mapping[str, Any], where: str, inside: str = "") -> T:
    """A dataclass from a table: its fields are the keys, nested dataclasses nested tables.

    Understood are `bool`, `int`, `float`, `Fraction`, `str`, `Literal`, dataclasses, `X | None`,
    `tuple[X, ...]`, `dict[str, X]`, and `Any`, of which the value is taken as it is.

    Args:
        cls: the dataclass.
        table: what the file says.
        where: the file's name, for messages.
        inside: the table's own key, for messages; "" at the top.

    Raises:
        InputError: an unknown or missing key, a value of another type, or what the dataclass itself
            refuses; with the file and the key.
    """
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    prefix = f"{inside}." if inside else ""
    for key in table:
        if key not in fields:
            close = nearest(key, fields)
            meant = f"did you mean {close!r}? " if close is not None else ""
            raise InputError(
                f"{prefix}{key}",
                show(table[key]),
                "this key is unknown",
                f"{meant}the keys{' of ' + inside if inside else ''} are {', '.join(fields)}",
                file=where,
            )
    given = {}
    for name, field in fields.items():
        if name in table:
            given[name] = _convert(hints[name], table[name], where, f"{prefix}{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(
                f"{prefix}{name}", "", "it is missing", f"write {name} = ...", file=where
            )
    try:
        return cls(**given)
    except InputError as error:
        raise error.located(file=where) from None


def _convert(kind: Any, value: Any, where: str, key: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        # TOML has no null: None is said by leaving the key out.
        (only,) = (a for a in arguments if a is not type(None))
        return _convert(only, value, where, key)
    if origin is Literal:
        if isinstance(value, bool) or value not in arguments:
            known = ", ".join(repr(a) for a in arguments)
            close = nearest(value, map(str, arguments)) if isinstance(value, str) else None
            meant = f"did you mean {close!r}? " if close is not None else ""
            raise _wrong(key, value, "unknown choice", f"{meant}give one of {known}", where)
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(key, value, "it must be a list", "write [..., ...]", where)
        return tuple(_convert(arguments[0], v, where, f"{key}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "it must be a table", "write { key = value, ... }", where)
        return {k: _convert(arguments[1], v, where, f"{key}.{k}") for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "it must be a table", f"write [{key}] and its keys", where)
        return build(kind, value, where, key)  # type: ignore[arg-type]
    return _scalar(kind, value, where, key)


def _scalar(kind: Any, value: Any, where: str, key: str) -> Any:
    if kind in (Fraction, float):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise _wrong(key, value, "it must be a number", 'write 0.1 or "1/10"', where)
        written = value.written.replace("_", "") if isinstance(value, WrittenFloat) else value
        try:
            exact = parse_exact(written, field=key)
        except InputError as error:
            raise error.located(file=where) from None
        return exact if kind is Fraction else float(exact)
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(key, value, "it must be an integer", "write it without a point", where)
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise _wrong(key, value, "it is a yes or no", "write true or false", where)
        return value
    if kind is str:
        if not isinstance(value, str):
            raise _wrong(key, value, "it must be text", "write it in quotes", where)
        return value
    raise TypeError(f"{key}: no rule reads a {kind}")


def _wrong(key: str, value: Any, rule: str, way_out: str, where: str) -> InputError:
    return InputError(key, show(value), rule, way_out, file=where)


def _spelled(value: Any) -> str:
    return str(value)

"""The reference table: exact inputs and values certified to 40 digits, and its reader.

`reference_table.jsonl` beside this module is plain text: one JSON object a line, the first one a
header, every number a string, so that any language reads it. Each further line is one quantity of
one instance. `python -m dsmverify.testing.make_table` writes the file and its SHA-256.

| field | meaning |
|---|---|
| `input` | the instance file of the row: sample, noise level, network and points where needed |
| `value` | the exact value, rounded once to 40 significant digits; nested lists for arrays |
| `lower`, `upper` | decimals of 42 digits that the exact value lies between |
| `exact_in` | floating-point formats that hold every number of the input exactly |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from dsmverify.errors import InputError, nearest, show

if TYPE_CHECKING:
    from dsmverify.instance import Instance

SCHEMA: Final = 1
"""Version of the format; a table with a larger one is refused."""

KIND: Final = "dsmverify reference table"

FILE: Final = "reference_table.jsonl"
DIGEST_FILE: Final = "reference_table.sha256"

DIGITS: Final = 40
"""Significant digits of `value`."""

Shape = Literal["number", "points", "parameters", "matrix"]
Decimals = Any
"""A decimal text, or nested lists of them."""

Needs = Literal["sample", "network", "bound"]


@dataclass(frozen=True)
class Quantity:
    """What a row can be about.

    Attributes:
        meaning: the quantity in one line.
        shape: one number, one for each point `at`, one for each outer weight and bias, or a matrix
            of those.
        needs: `network` where the input has one, `bound` where it has one if the network states A.
    """

    meaning: str
    shape: Shape = "number"
    needs: Needs = "sample"


QUANTITIES: Final[Mapping[str, Quantity]] = MappingProxyType(
    {
        "density": Quantity("p(y) = (1/n) sum_i N(y; mu x_i, sigma^2)", "points"),
        "posterior_mean": Quantity("E[W(y)], W(y) = x_i with probability alpha_i(y)", "points"),
        "posterior_variance": Quantity("V[W(y)]", "points"),
        "posterior_third_moment": Quantity("E[(W(y) - E[W(y)])^3]", "points"),
        "empirical_score": Quantity("s*(y) = (mu E[W(y)] - y)/sigma^2", "points"),
        "empirical_score_slope": Quantity("s*'(y)", "points"),
        "empirical_score_curvature": Quantity("s*''(y)", "points"),
        "weight": Quantity("pi(y), 0 outside [mu x_1, mu x_n]", "points"),
        "C_n": Quantity("max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta))"),
        "bound": Quantity("A: the network's own, or C_n/sigma^6", needs="bound"),
        "learning_rate_threshold": Quantity("2^12 sigma^2/(mu n^2 Delta)"),
        "excess_risk_bound": Quantity(
            "pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)", needs="bound"
        ),
        "sigma_0": Quantity("min(sigma_1, .., sigma_4), the noise levels of theorem 8"),
        "network": Quantity("s(y) = (1/m) sum_l w2_l max(0, w1_l y + b_l)", "points", "network"),
        "risk": Quantity(
            "R_n(theta) = (1/n) sum_i E[(s(Y) + (Y - mu x_i)/sigma^2)^2], Y ~ N(mu x_i, sigma^2)",
            needs="network",
        ),
        "gradient": Quantity(
            "grad R_n(theta) in outer weights, then biases", "parameters", "network"
        ),
        "hessian": Quantity("hess R_n(theta) in outer weights, then biases", "matrix", "network"),
        "risk_empirical_score": Quantity("R_n(s*)"),
        "tv_empirical_score": Quantity("TV(s*) = int |s*''| pi over [mu x_1, mu x_n]"),
        "excess_risk": Quantity("int p (s - s*)^2 = R_n(theta) - R_n(s*)", needs="network"),
        "tv_network": Quantity(
            "TV(s) = sum over distinct kinks tau of |slope jump| pi(tau)", needs="network"
        ),
        "hessian_lambda_max": Quantity("largest eigenvalue of the Hessian", needs="network"),
        "hessian_lambda_min": Quantity("smallest eigenvalue of the Hessian", needs="network"),
        "ntk_lambda_max": Quantity(
            "largest eigenvalue of (1/n) sum_i E[grad s(Y) grad s(Y)^T]", needs="network"
        ),
    }
)
"""Every quantity of `evaluate`."""

_KEYS: Final = (
    "id", "quantity", "case", "tags", "exact_in", "input", "value", "lower", "upper",
)  # fmt: skip
_HEADER_KEYS: Final = ("kind", "schema", "digits", "rows", "counts", "omitted", "provenance")


class TableError(InputError):
    """A reference table is damaged, edited, or of a format that this version does not read."""


@dataclass(frozen=True)
class Row:
    """One quantity at one instance.

    Attributes:
        id: its name in the table, permanent: `case/quantity`.
        quantity: a key of `QUANTITIES`.
        case: name of the instance that the input is part of.
        tags: corner cases that the input belongs to, sorted.
        exact_in: of `float16`, `float32`, `float64`, those that hold every number of the input.
        input: the instance in JSON form, numbers as exact strings.
        value: the exact value rounded to `DIGITS` digits: a decimal, or nested lists of them.
        lower: not above the exact value, in the same nesting; equal to `upper` where both are it.
        upper: not below the exact value.
    """

    id: str
    quantity: str
    case: str
    tags: tuple[str, ...]
    exact_in: tuple[str, ...]
    input: Mapping[str, Any]
    value: Decimals
    lower: Decimals
    upper: Decimals

    @property
    def instance(self) -> Instance:
        """The input as an exact instance."""
        from dsmverify.instance import Instance

        return Instance.from_json(self.input, name=self.case)

    def entries(self) -> Iterator[tuple[tuple[int, ...], str, str, str]]:
        """Index from 0, value, lower and upper of every entry; the index `()` of a number."""
        yield from _entries((), self.value, self.lower, self.upper)

    def to_json(self) -> dict[str, Any]:
        """The row's line as a mapping."""
        return {
            key: list(field) if isinstance(field := getattr(self, key), tuple) else field
            for key in _KEYS
        }

    def line(self) -> str:
        """The row as its line of the file, without the line's end."""
        return json.dumps(self.to_json(), separators=(",", ":"))


@dataclass(frozen=True)
class Table:
    """A table as read: its header and its rows in the order of the file."""

    header: Mapping[str, Any]
    rows: tuple[Row, ...]


def rows(quantity: str | None = None, *, tag: str | None = None) -> tuple[Row, ...]:
    """Rows of the shipped table, all of them or those of one quantity or with one tag.

    Raises:
        InputError: no row has this quantity or tag.
        TableError: the shipped files are damaged.

    Example:
        >>> [row.id for row in rows("risk", tag="one neuron")][:1]
        ['pair+one-right/risk']
    """
    table = shipped()
    for name, value, known in (
        ("quantity", quantity, set(QUANTITIES)),
        ("tag", tag, {tag for row in table.rows for tag in row.tags}),
    ):
        if value is not None and value not in known:
            guess = nearest(value, known)
            hint = f"did you mean {guess!r}? " if guess else ""
            raise InputError(
                name, show(value), "no row has it", f"{hint}choose of {', '.join(sorted(known))}"
            )
    return tuple(
        row
        for row in table.rows
        if quantity in {None, row.quantity} and (tag is None or tag in row.tags)
    )


@cache
def shipped() -> Table:
    """The shipped table, read and verified once.

    Raises:
        TableError: the shipped files are damaged.
    """
    folder = files("dsmverify.testing")
    digest = (folder / DIGEST_FILE).read_text("ascii")
    return parse((folder / FILE).read_bytes(), digest, file=FILE)


def read(path: str | Path) -> Table:
    """A table from a file, checked against the file of its SHA-256 beside it.

    Raises:
        TableError: as in `parse`, or a file cannot be read.
    """
    path = Path(path)
    try:
        data, digest = path.read_bytes(), path.with_suffix(".sha256").read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            "reference table",
            show(str(path)),
            f"it cannot be read ({error})",
            "name a table with its .sha256 file beside it",
        ) from None
    return parse(data, digest, file=str(path))


def parse(data: bytes, digest: str, *, file: str = FILE) -> Table:
    """A table from its bytes and the text of its `.sha256` file.

    The header comes first: another format is told before anything else, then a wrong number of
    lines, then another digest, then what is wrong inside.

    Raises:
        TableError: not a table, a newer format, truncated, edited, or not consistent.
    """
    lines = data.decode("utf-8", errors="replace").split("\n")
    header = _object(lines[0], file, 1)
    _check_header(header, file)
    if lines[-1] or len(lines) != header["rows"] + 2:
        found = max(len(lines) - 2, 0)
        raise _broken(
            "rows",
            f"{found} complete lines after the header",
            f"the header states {header['rows']} rows: the table is truncated or lengthened",
            file,
        )
    _check_digest(data, digest, file)
    found_rows = tuple(
        _row(_object(line, file, number), file, number)
        for number, line in enumerate(lines[1:-1], start=2)
    )
    counts: dict[str, int] = {}
    for row in found_rows:
        counts[row.quantity] = counts.get(row.quantity, 0) + 1
    if counts != header["counts"] or len({row.id for row in found_rows}) != len(found_rows):
        raise _broken("counts", "", "the rows do not agree with the header's counts", file)
    return Table(header, found_rows)


def sha256(data: bytes) -> str:
    """The digest of a table, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _check_header(header: Mapping[str, Any], file: str) -> None:
    if header.get("kind") != KIND:
        raise _broken("kind", show(header.get("kind")), f"it must be {KIND!r}", file, 1)
    schema = header.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise TableError(
            "schema",
            show(schema),
            f"this version reads schema {SCHEMA} and earlier",
            "install a newer dsmverify",
            file,
            1,
        )
    missing = [key for key in _HEADER_KEYS if key not in header]
    if missing or not isinstance(header["rows"], int):
        raise _broken(", ".join(missing) or "rows", "", "the header lacks it", file, 1)


def _check_digest(data: bytes, digest: str, file: str) -> None:
    expected, _, name = digest.strip().partition("  ")
    found = sha256(data)
    if found != expected:
        raise _broken(
            "SHA-256",
            found,
            f"{name or DIGEST_FILE} states {expected}: the table was edited or damaged",
            file,
        )


def _row(data: dict[str, Any], file: str, number: int) -> Row:
    if tuple(data) != _KEYS:
        raise _broken("row", show(list(data)), f"its keys must be {', '.join(_KEYS)}", file, number)
    if data["quantity"] not in QUANTITIES:
        raise _broken("quantity", show(data["quantity"]), "it is unknown", file, number)
    lists = {"tags": tuple(data["tags"]), "exact_in": tuple(data["exact_in"])}
    return Row(**(data | lists))


def _object(line: str, file: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise _broken(
            "line", show(line[:60]), f"it is not JSON ({error.msg})", file, number
        ) from None
    if not isinstance(value, dict):
        raise _broken("line", show(line[:60]), "it must be a JSON object", file, number)
    return value


def _broken(argument: str, value: str, rule: str, file: str, line: int | None = None) -> TableError:
    way_out = "install dsmverify again, or write the table with dsmverify.testing.make_table"
    return TableError(argument, value, rule, way_out, file, line)


def _entries(
    index: tuple[int, ...], value: Decimals, lower: Decimals, upper: Decimals
) -> Iterator[tuple[tuple[int, ...], str, str, str]]:
    if isinstance(value, str):
        yield index, value, lower, upper
        return
    for place, parts in enumerate(zip(value, lower, upper, strict=True)):
        yield from _entries((*index, place), *parts)

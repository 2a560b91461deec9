"""The reference table: shipped files, reader, generator, and values from the definitions."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from mpmath import mp

from dsmverify.errors import InputError
from dsmverify.evaluation import evaluate
from dsmverify.instance import Instance
from dsmverify.testing import make_table, table, table_cases
from dsmverify.testing.table import Row, TableError
from tests.testing import direct_values

FOLDER = Path(table.__file__).parent
DATA = (FOLDER / "reference_table.jsonl").read_bytes()
DIGEST = (FOLDER / "reference_table.sha256").read_text()
ROWS = table.rows()
BY_ID = {row.id: row for row in ROWS}

ALWAYS = ("touching/risk_empirical_score", "touching/tv_empirical_score", "pair+hinge/excess_risk")
"""Integrals that are quick enough for the default tests."""


def chosen(seed: int, count: int) -> list[str]:
    """A seeded share of the rows without integrals, every quantity among them."""
    draw = random.Random(seed)
    others = [row for row in ROWS if row.quantity not in direct_values.INTEGRALS]
    names = {draw.choice([r for r in others if r.quantity == q]).id for q in table.QUANTITIES
             if q not in direct_values.INTEGRALS}  # fmt: skip
    names |= {row.id for row in draw.sample(others, count)}
    return sorted(names)


# The shipped files.


def test_digest_and_size() -> None:
    assert _digest(DATA) == DIGEST
    assert len(DATA) < 2_000_000
    assert DATA.isascii()


def test_header_states_what_is_there() -> None:
    header = table.shipped().header
    assert header["rows"] == len(ROWS) >= 500
    assert header["counts"] == Counter(row.quantity for row in ROWS)
    assert header["digits"] == 40
    assert header["provenance"]["licence"] == "MIT"
    assert set(header["provenance"]["versions"]) == {"dsmverify", "python-flint", "arb"}
    assert not {entry["id"] for entry in header["omitted"]} & set(BY_ID)
    assert all(entry["reason"] for entry in header["omitted"])


def test_every_quantity_of_evaluate_has_at_least_twenty_rows() -> None:
    network = {"inner_weights": [1], "biases": [0], "outer_weights": [1]}
    values = evaluate(Instance.from_json({"x": [0, 1], "sigma": "0.5", "network": network}))
    names = set(values["values"]) - {"constants"} | set(values["values"]["constants"])
    assert names == set(table.QUANTITIES)
    counts = Counter(row.quantity for row in ROWS)
    assert set(counts) == names
    assert min(counts.values()) >= 20


def test_corner_cases_are_over_represented() -> None:
    counts = Counter(tag for row in ROWS for tag in row.tags)
    assert set(counts) == set(table_cases.TAGS)
    assert min(counts.values()) >= 10
    plain = sum(1 for row in ROWS if not row.tags)
    assert plain < len(ROWS) / 4


def test_tags_and_formats_follow_from_the_input() -> None:
    for row in ROWS:
        kinks = [
            -Fraction(b) / Fraction(w)
            for w, b in zip(
                row.input.get("network", {}).get("inner_weights", []),
                row.input.get("network", {}).get("biases", []),
                strict=True,
            )
        ]
        assert ("tied kinks" in row.tags) == (len(set(kinks)) < len(kinks))
        assert ("one neuron" in row.tags) == (len(kinks) == 1)
        assert ("n = 2" in row.tags) == (len(row.input["x"]) == 2)
        assert ("noise as time" in row.tags) == ("time" in row.input)
        # A number is exact in float32 if it is a multiple of a power of 2, with 24 bits left over.
        given = [Fraction(t) for t in _numbers(row.input)]
        fits = all(
            q.denominator & (q.denominator - 1) == 0 and _odd(q.numerator).bit_length() <= 24
            for q in given
        )
        assert ("float32" in row.exact_in) == fits
    assert sum("float32" in row.exact_in for row in ROWS) > 500


def _odd(value: int) -> int:
    value = abs(value)
    while value and value % 2 == 0:
        value //= 2
    return value


def _numbers(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    parts = data.values() if isinstance(data, dict) else data
    return [text for part in parts for text in _numbers(part)]


def test_values_lie_between_ends_that_agree_to_forty_digits() -> None:
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**6, -(10**6)
        for row in ROWS:
            for _, value, lower, upper in row.entries():
                low, high = Decimal(lower), Decimal(upper)
                assert high - low <= Decimal("1e-40") * min(abs(low), abs(high))
                # Rounded once to 40 digits: off by at most half a unit of the 40th.
                half = Decimal(10) ** (Decimal(value).adjusted() - 39) / 2
                assert low - half <= Decimal(value) <= high + half
                assert len(value.partition("e")[0].replace(".", "").strip("-0")) <= 40


def test_shapes() -> None:
    for row in ROWS:
        shape = table.QUANTITIES[row.quantity].shape
        size = {"points": len(row.input.get("at", [])), "number": 0}.get(
            shape, 2 * len(row.input.get("network", {}).get("biases", []))
        )
        expected = {"number": 1, "matrix": size * size}.get(shape, size)
        assert len(list(row.entries())) == expected, row.id
        if shape == "matrix":
            columns = [list(column) for column in zip(*row.value, strict=True)]
            assert columns == row.value, row.id


# The reader.


def test_round_trip() -> None:
    lines = DATA.decode().splitlines()
    assert [row.line() for row in ROWS] == lines[1:]
    for row in ROWS:
        given = row.instance
        assert given.to_json() == row.input
        assert table_cases.tags_of(given) == row.tags


def test_rows_of_a_quantity_and_a_tag() -> None:
    picked = table.rows("risk", tag="one neuron")
    assert picked
    assert {row.quantity for row in picked} == {"risk"}
    assert all(len(row.input["network"]["biases"]) == 1 for row in picked)
    with pytest.raises(InputError, match="did you mean 'gradient'"):
        table.rows("gradients")
    with pytest.raises(InputError, match="no row has it"):
        table.rows(tag="no such corner")


def _digest(data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  reference_table.jsonl\n"


def test_a_truncated_table_is_refused() -> None:
    for cut in (len(DATA) // 2, DATA.rindex(b"\n", 0, -1) + 1, len(DATA) - 1):
        with pytest.raises(TableError, match="truncated"):
            table.parse(DATA[:cut], _digest(DATA[:cut]))
    for part in (b"", DATA[:100]):
        with pytest.raises(TableError, match="not JSON"):
            table.parse(part, _digest(part))


def test_an_edited_table_is_refused() -> None:
    row = next(row for row in ROWS if row.quantity == "risk")
    edited = DATA.replace(row.value.encode(), row.value[:-1].encode() + b"0", 1)
    assert edited != DATA
    with pytest.raises(TableError, match=r"SHA-256.*edited"):
        table.parse(edited, DIGEST)
    renamed = DATA.replace(b'"quantity":"risk"', b'"quantity":"rask"', 1)
    with pytest.raises(TableError, match="quantity: 'rask'"):
        table.parse(renamed, _digest(renamed))
    moved = DATA.replace(b'"quantity":"risk"', b'"quantity":"weight"', 1)
    with pytest.raises(TableError, match="counts"):
        table.parse(moved, _digest(moved))
    broken = DATA.replace(b'"value":', b'"valu":', 1)
    with pytest.raises(TableError, match=r"line 2.*its keys"):
        table.parse(broken, _digest(broken))


def test_a_newer_format_is_refused_before_anything_else() -> None:
    newer = DATA.replace(b'"schema":1', b'"schema":2', 1)
    with pytest.raises(TableError, match=r"schema: 2.*install a newer dsmverify"):
        table.parse(newer, DIGEST)
    other = DATA.replace(b"dsmverify reference table", b"something else", 1)
    with pytest.raises(TableError, match="kind: 'something else'"):
        table.parse(other, DIGEST)


def test_a_table_beside_its_digest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "reference_table.jsonl"
    path.write_bytes(DATA)
    with pytest.raises(TableError, match="cannot be read"):
        table.read(path)
    (tmp_path / "reference_table.sha256").write_text(DIGEST)
    assert table.read(path) == table.shipped()


# The generator.


def _again(row: Row) -> str:
    found = make_table.row_of(row.case, row.quantity, row.instance)
    assert isinstance(found, Row)
    return found.line()


@pytest.mark.parametrize("name", [*chosen(11, 60), *ALWAYS])
def test_a_row_is_generated_again_byte_by_byte(name: str) -> None:
    assert _again(BY_ID[name]) == BY_ID[name].line()


@pytest.mark.slow
def test_the_table_is_generated_again_byte_by_byte() -> None:
    assert make_table.differences(DATA, make_table.render(make_table.all_rows())) == []


def test_requests_are_the_rows_and_what_is_omitted() -> None:
    asked = [f"{case}/{quantity}" for case, quantity, _ in make_table.requests()]
    omitted = [entry["id"] for entry in table.shipped().header["omitted"]]
    assert sorted([*BY_ID, *omitted]) == sorted(asked)
    assert [row.id for row in ROWS] == [name for name in asked if name in BY_ID]


def test_differences_are_named() -> None:
    row = ROWS[3]
    edited = DATA.replace(f'"id":"{row.id}"'.encode(), b'"id":"x/y"', 1)
    assert make_table.differences(DATA, edited) == [row.id, "x/y"]
    lines = DATA.split(b"\n")
    swapped = b"\n".join([lines[0], lines[2], lines[1], *lines[3:]])
    assert make_table.differences(DATA, swapped) == ["order of rows"]
    header = json.loads(lines[0])
    header["provenance"]["versions"]["arb"] = "another"
    other = b"\n".join([json.dumps(header).encode(), *lines[1:]])
    assert make_table.differences(DATA, other) == []


def test_an_undecided_zero_is_left_out_and_a_proved_one_is_there() -> None:
    row = BY_ID["even-triple/posterior_third_moment"]
    zeros = [
        index for index, value, lower, upper in row.entries() if value == lower == upper == "0"
    ]
    assert zeros == [(row.input["at"].index("0"),)]
    skew = Instance.from_json({"x": [-2, 0, 1], "mu": "0.5", "sigma": "0.125", "at": [0]})
    found = make_table.row_of("skew", "posterior_third_moment", skew)
    assert isinstance(found, Row)
    assert found.value != ["0"]


# The values, from the definitions.


def check(row: Row) -> None:
    found = direct_values.settled(row.quantity, dict(row.input))
    entries = list(row.entries())
    assert len(found) == len(entries)
    with mp.workdps(80):
        largest = max(abs(value) for value in found)
        # Definitions are settled to 45 digits of each entry, or of 10^-44 of the largest one;
        # quadrature at 60 digits leaves out tails of 1e-56 and adds roundings.
        allowed = mp.mpf(10) ** -44
        for (index, _, lower, upper), value in zip(entries, found, strict=True):
            room = allowed * max(abs(value), mp.mpf(10) ** -44 * largest)
            assert mp.mpf(lower) - room <= value <= mp.mpf(upper) + room, (row.id, index)


def narrow(row: Row) -> bool:
    """Whether differences of the risk are quick enough for the default tests."""
    return len(row.input.get("network", {}).get("biases", [])) <= 2


@pytest.mark.parametrize("name", [name for name in chosen(5, 20) if narrow(BY_ID[name])])
def test_rows_hold_what_the_definitions_give(name: str) -> None:
    check(BY_ID[name])


@pytest.mark.parametrize("name", ["noisy+straight/excess_risk", "noisy/risk_empirical_score"])
def test_integrals_hold_what_quadrature_gives(name: str) -> None:
    check(BY_ID[name])


@pytest.mark.slow
@pytest.mark.parametrize("quantity", direct_values.INTEGRALS)
@pytest.mark.parametrize("case", ["pair", "even-five", "timed-four", "triple"])
def test_more_integrals_hold_what_quadrature_gives(case: str, quantity: str) -> None:
    check(next(r for r in ROWS if r.quantity == quantity and r.case.split("+")[0] == case))


@pytest.mark.slow
def test_all_rows_hold_what_the_definitions_give() -> None:
    for row in ROWS:
        if row.quantity not in direct_values.INTEGRALS:
            check(row)


def test_normal_pieces_of_the_definitions_are_what_quadrature_gives() -> None:
    with mp.workdps(60):
        for name in ("pair+means/risk", "thirds+thirds/risk"):
            direct = direct_values.Direct(dict(BY_ID[name].input))
            assert abs(direct.risk() / direct.risk_by_quadrature() - 1) < mp.mpf(10) ** -50
        direct = direct_values.Direct(dict(BY_ID["even-five/weight"].input))
        for y in direct.at[:-1]:
            assert abs(direct.weight(y) / direct.weight_by_quadrature(y) - 1) < mp.mpf(10) ** -50

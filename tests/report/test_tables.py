"""The tables of a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsmverify import appendix
from dsmverify.claims import Claim, Inequality, Slack, Source
from dsmverify.report.tables import Table
from dsmverify.verdicts import decide_verdict


def side(c: object) -> object:
    return c


def outcome(name: str, **fields: object) -> object:
    claim = Claim(name, Source("planted", 1), "planted", Inequality(side, ">=", side))
    kinds = {key: fields.pop(key) for key in ("kind", "severity", "repairs") if key in fields}
    claim = replace(claim, **kinds)  # type: ignore[arg-type]
    return replace(decide_verdict(claim, []), severity=claim.severity, **fields)  # type: ignore[arg-type]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under 2 heads"):
        Table.of("t", "T", "", ("a", "b"), [("x",)])


def test_failures_stand_by_severity_claims_before_steps() -> None:
    outcomes = [
        outcome("z", verdict="REFUTED", severity="typographical"),
        outcome("a", verdict="REFUTED", severity="null set"),
        outcome("s", verdict="REFUTED", severity="statement", kind="step"),
        outcome("y", verdict="REFUTED", severity="statement"),
        outcome("c", verdict="REFUTED", severity="constant"),
        outcome("h", verdict="HOLDS"),
    ]
    table = appendix.failures(outcomes)  # type: ignore[arg-type]
    assert [row[0] for row in table.rows] == ["y", "s", "c", "a", "z"]


def test_sharpness_stands_tightest_first_without_refuted_claims() -> None:
    outcomes = [
        outcome("loose", verdict="HOLDS", slack=Slack("1e+90", "1e+91")),
        outcome("tight", verdict="HOLDS", slack=Slack("1.000", "2.5")),
        outcome("false", verdict="REFUTED", slack=Slack("0.5", "2.5")),
    ]
    table = appendix.sharpness(outcomes)  # type: ignore[arg-type]
    assert [row[0] for row in table.rows] == ["tight", "loose"]


def test_constants_of_the_main_theorem_move_with_the_repairs() -> None:
    rows = {row[0]: row for row in appendix.theorem_constants().rows}
    heads = appendix.theorem_constants().columns
    threshold = heads.index("threshold")
    assert rows["as printed"][threshold] == "4096"
    assert "variation" in rows["as printed"][heads.index("does not follow")]
    assert rows["prop07.h repaired literally"][threshold] == "8192"


def test_empty_tables_are_left_out() -> None:
    assert appendix.tables([], [], [], battery=False) == ()

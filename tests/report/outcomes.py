"""Claims and rows made by hand, for tests of verdicts and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsmverify.claims import Claim, Enclosure, Identity, Inequality, Row, Source
from dsmverify.report import Expected, Input, Report
from dsmverify.verdicts import decide_verdict

INSTANCES: dict[str, dict[str, Any]] = {
    "small": {"x": ["0", "1"], "sigma": "1/3"},
    "large": {"x": ["0", "1", "2"], "sigma": "1/3", "parameters": {"k": 2}},
}


def side(*_: object) -> None:
    raise AssertionError("no side is evaluated here")


def claim(name: str = "prop02a", **fields: Any) -> Claim:
    fields.setdefault("conclusion", Inequality(side, ">=", side))
    fields.setdefault("statement", "V[W(m_i)] >= (x_i - x_{i+1})^2 / (2n)")
    return Claim(id=name, source=Source("proposition 2", 7), **fields)


def identity(name: str = "eq09") -> Claim:
    return claim(name, conclusion=Identity(side, side))


def row(answer: Any, instance: str = "small", name: str = "prop02a", **fields: Any) -> Row:
    if answer in {"TRUE", "FALSE"} and "lhs" not in fields:
        low, high = Enclosure("1.0", "1.1"), Enclosure("2.0", "2.1")
        fields["lhs"], fields["rhs"] = (high, low) if answer == "TRUE" else (low, high)
    return Row(name, instance, answer, **fields)


def report(
    rows: Sequence[Row],
    *,
    claims: Sequence[Claim] = (),
    expected: dict[str, Expected] | None = None,
    **fields: Any,
) -> Report:
    claims = claims or (claim(),)
    names = {entry.instance for entry in rows}
    known = dict.fromkeys(names, INSTANCES["small"]) | INSTANCES
    outcomes = [
        decide_verdict(one, [entry for entry in rows if entry.claim == one.id], None, known)
        for one in claims
    ]
    fields.setdefault("inputs", tuple(Input(name, 2) for name in names))
    fields.setdefault("versions", {"dsmverify": "0.1.0"})
    return Report(claims=tuple(outcomes), rows=tuple(rows), expected=expected or {}, **fields)

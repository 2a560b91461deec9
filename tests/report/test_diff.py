"""What `diff` calls a change, which changes are worse, and what it gives as their causes."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dsmverify.claims import Enclosure, Row, Structural
from dsmverify.errors import InputError
from dsmverify.report import VERDICTS, Expected, Input, Report, diff
from dsmverify.report import json as report_json
from dsmverify.report.changes import NOTHING, Change, Difference, Kind
from dsmverify.report.diff import compare
from dsmverify.report.tables import Table
from tests.report.outcomes import claim, report, row

INPUT = Input("small", 2)


def _one(difference: Difference, kind: Kind) -> Change:
    (change,) = difference.of(kind)
    return change


def _with_verdict(verdict: Any, whole: Report | None = None) -> Report:
    whole = whole or report([row("TRUE")])
    return replace(whole, claims=(replace(whole.claims[0], verdict=verdict, certificate=None),))


def _rows(*rows: Row, **fields: Any) -> Report:
    fields.setdefault("inputs", (INPUT,))
    return report(rows, **fields)


WORSE = {
    *itertools.product(["PROVED"], ["HOLDS", "REFUTED", "VACUOUS", "UNDECIDED"]),
    *itertools.product(["HOLDS"], ["REFUTED", "VACUOUS", "UNDECIDED"]),
    *itertools.product(["REFUTED"], ["HOLDS", "VACUOUS", "UNDECIDED"]),
    ("VACUOUS", "UNDECIDED"),
}
BETTER = {
    ("HOLDS", "PROVED"),
    *itertools.product(["VACUOUS", "UNDECIDED"], ["PROVED", "HOLDS"]),
}


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(VERDICTS, 2)])
def test_every_pair_of_verdicts_has_its_direction(old: Any, new: Any) -> None:
    found = compare(_with_verdict(old), _with_verdict(new))
    change = _one(found, "verdict")
    expected = "worse" if (old, new) in WORSE else "better" if (old, new) in BETTER else "other"
    assert (change.old, change.new, change.direction) == (old, new, expected)
    assert found.exit_status == (expected == "worse")
    assert change.why == (NOTHING,)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_claim_that_is_gone_is_worse_and_a_new_one_is_not(verdict: Any) -> None:
    full, empty = _with_verdict(verdict), Report((), inputs=(INPUT,), versions={"dsmverify": "1"})
    gone, added = compare(full, empty), compare(empty, full)
    assert (_one(gone, "verdict").direction, gone.exit_status) == ("worse", 1)
    assert (_one(added, "verdict").direction, added.exit_status) == ("other", 0)
    assert gone.of("answer") == added.of("answer") == ()


def test_a_report_does_not_differ_from_itself() -> None:
    whole = _rows(row("TRUE", slack="1.5"), row("FALSE", where={"i": "2"}), row("UNKNOWN"))
    assert compare(whole, whole).changes == ()
    assert compare(whole, report_json.from_json(report_json.render(whole))).changes == ()


ANSWERS = {
    "TRUE": row("TRUE"),
    "TRUE, trivial": row("TRUE", trivial=True),
    "FALSE": row("FALSE"),
    "UNKNOWN": row("UNKNOWN"),
    "NOT_APPLICABLE": row("NOT_APPLICABLE"),
    None: None,
}
WORSE_ANSWERS = {
    *(("TRUE", other) for other in ANSWERS if other != "TRUE"),
    *itertools.product(["TRUE, trivial"], ["FALSE", "UNKNOWN"]),
    *itertools.product(["FALSE"], ["UNKNOWN", "NOT_APPLICABLE", None]),
}
BETTER_ANSWERS = {
    ("TRUE, trivial", "TRUE"),
    ("UNKNOWN", "TRUE"),
    ("UNKNOWN", "TRUE, trivial"),
    ("NOT_APPLICABLE", "TRUE"),
}


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(ANSWERS, 2)], ids=str)
def test_every_pair_of_answers_has_its_direction(old: str | None, new: str | None) -> None:
    one, two = ([entry] if entry else [] for entry in (ANSWERS[old], ANSWERS[new]))
    change = _one(compare(_rows(*one), _rows(*two)), "answer")
    expected = (
        "worse"
        if (old, new) in WORSE_ANSWERS
        else "better"
        if (old, new) in BETTER_ANSWERS
        else "other"
    )
    assert (change.name, change.old, change.new) == ("prop02a at small", old, new)
    assert change.direction == expected


def test_rows_with_the_same_free_variables_belong_together() -> None:
    places = [{"i": str(number)} for number in range(5)]
    old = _rows(*(row("TRUE", where=place) for place in places))
    answers = ("TRUE", "FALSE", "TRUE", "TRUE", "TRUE")
    rows = [row(answer, where=place) for answer, place in zip(answers, places, strict=True)]
    found = compare(old, _rows(*rows[1:], row("TRUE", where={"i": "9"})))
    assert [(change.old, change.new) for change in found.of("answer")] == [("TRUE", "FALSE")]
    fewer = compare(old, _rows(*rows[2:]))
    assert [(change.old, change.new) for change in fewer.of("answer")] == [("TRUE", None)] * 2


def test_a_single_row_is_compared_wherever_its_slack_is_smallest() -> None:
    old, new = (_rows(row("TRUE", where={"i": place})) for place in ("1", "2"))
    assert compare(old, new).of("answer") == ()


@pytest.mark.parametrize(
    ("old", "new", "threshold", "changed"),
    [
        ("2.000", "1.981", "0.01", False),
        ("2.000", "1.979", "0.01", True),
        ("2.000", "2.021", "0.01", True),
        ("-2.000", "-2.019", "0.01", False),
        ("2.000", "2.001", "0", True),
        ("2.000", "2", "0", False),
        ("0", "1e-9", "0.01", True),
        ("1e+35191924", "1.005e+35191924", "0.01", False),
        ("1e+35191924", "1e-35191924", "0.01", True),
    ],
)
def test_a_slack_changes_by_more_than_its_threshold(
    old: str, new: str, threshold: str, changed: bool
) -> None:
    one, two = (_rows(row("TRUE", slack=slack)) for slack in (old, new))
    found = compare(one, two, threshold=Decimal(threshold)).of("slack")
    names = ["prop02a (least)", "prop02a (median)", "prop02a at small"]
    assert [change.name for change in found] == (names if changed else [])
    assert all((c.old, c.new, c.direction) == (old, new, "other") for c in found)


def test_the_ratio_of_two_slacks_is_that_of_new_to_old() -> None:
    one, two = (_rows(row("TRUE", slack=slack)) for slack in ("4", "1"))
    assert compare(one, two).of("slack")[0].note == "ratio 0.25"


@pytest.mark.parametrize(
    ("low", "high", "changed"),
    [("2.2", "2.3", True), ("2.1", "2.3", False), ("1.8", "1.9", True), ("1.8", "2.0", False)],
)
def test_a_value_changed_only_if_the_enclosures_are_disjoint(
    low: str, high: str, changed: bool
) -> None:
    other = row("TRUE", lhs=Enclosure(low, high), rhs=row("TRUE").rhs)
    found = compare(_rows(row("TRUE")), _rows(other)).of("value")
    assert [change.name for change in found] == ["prop02a at small: lhs"] * changed
    moved = replace(other, where={"i": "7"})
    assert compare(_rows(row("TRUE")), _rows(moved)).of("value") == ()


def _table(*rows: tuple[str, ...], **fields: Any) -> Table:
    columns = fields.get("columns", ("constant", "of", "value"))
    return Table("constants", "Constants", fields.get("note", ""), columns, rows)


def _tables(*tables: Table) -> Report:
    return _rows(tables=tables)


def test_cells_of_a_table_are_compared_by_as_few_first_cells_as_tell_rows_apart() -> None:
    old = _table(("C", "", "1"), ("D", "one", "2"), ("E", "", "3"))
    new = _table(("D", "one", "5"), ("C", "", "1"), ("F", "", "3"))
    found = compare(_tables(old), _tables(new)).of("table")
    assert [(change.name, change.old, change.new) for change in found] == [
        ("constants, D: value", "2", "5"),
        ("constants, E", "E |  | 3", None),
        ("constants, F", None, "F |  | 3"),
    ]
    twice = [_table(("D", "one", "2"), ("D", "two", last)) for last in ("3", "4")]
    (change,) = compare(*map(_tables, twice)).of("table")
    assert (change.name, change.old, change.new) == ("constants, D / two: value", "3", "4")


def test_a_table_that_is_gone_renamed_or_noted_differently() -> None:
    one = _table(("C", "", "1"))
    gone = _one(compare(_tables(one), _tables()), "table")
    assert (gone.name, gone.new) == ("constants", None)
    other = _table(("C", "1"), columns=("constant", "value"))
    heads = _one(compare(_tables(one), _tables(other)), "table")
    assert (heads.name, heads.new) == ("constants, columns", "constant, value")
    noted = _one(compare(_tables(one), _tables(_table(("C", "", "1"), note="x"))), "table")
    assert (noted.name, noted.old, noted.new) == ("constants, note", "", "x")


def test_rows_of_a_table_that_nothing_tells_apart() -> None:
    one, two = _table(("C", "", "1"), ("C", "", "1")), _table(("C", "", "1"))
    (change,) = compare(_tables(one), _tables(two)).of("table")
    assert (change.old, change.new) == ("C |  | 1", None)


TRUE, UNKNOWN = row("TRUE", bits=96), row("UNKNOWN", bits=96, reason="budget")
CAUSES: dict[str, tuple[dict[str, Any], Row, str]] = {
    "input": ({"inputs": (Input("small", 3),)}, UNKNOWN, "the input small changed (size)"),
    "version": (
        {"versions": {"dsmverify": "0.1.0", "numpy": "2"}},
        UNKNOWN,
        "versions changed (numpy none to 2)",
    ),
    "precision": ({}, replace(UNKNOWN, bits=128), "the precision changed (96 to 128 bits)"),
    "statement": ({"claims": (claim(statement="other"),)}, UNKNOWN, "its statement changed"),
    "convention": ({"claims": (claim(remark="other"),)}, UNKNOWN, "its convention changed"),
    "nothing": ({}, UNKNOWN, NOTHING),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_is_named_wherever_it_can_be_one(cause: str) -> None:
    fields, new, text = CAUSES[cause]
    found = compare(_rows(TRUE), _rows(new, **fields))
    assert _one(found, "verdict").why == _one(found, "answer").why == (text,)
    assert (found.exit_status, _one(found, "answer").note) == (1, "budget")
    if cause in {"input", "version"}:
        changed = _one(found, "input" if cause == "input" else "version")
        assert changed.why == ()
    kinds = {"precision": "precision", "statement": "claim", "convention": "claim"}
    others = [kind for kind in ("precision", "claim", "input", "version") if found.of(kind)]
    assert others == ([] if cause == "nothing" else [kinds.get(cause, cause)])


def test_a_precision_that_is_not_recorded_is_no_change() -> None:
    assert compare(_rows(TRUE), _rows(replace(TRUE, bits=0))).changes == ()


def test_a_cause_elsewhere_explains_nothing_here() -> None:
    both = (INPUT, Input("other", 2))
    there = Input("other", 9)
    rows = row("TRUE", "other", "thm04"), row("TRUE", name="prop02a")
    changed = row("TRUE", "other", "thm04"), row("UNKNOWN", name="prop02a")
    claims = (claim(), claim("thm04"))
    old = report(rows, claims=claims, inputs=both)
    new = report(changed, claims=(claim(), claim("thm04", statement="x")), inputs=(INPUT, there))
    found = compare(old, new)
    assert _one(found, "verdict").why == _one(found, "answer").why == (NOTHING,)


def test_inputs_that_come_and_go() -> None:
    two = (row("TRUE"), row("TRUE", "new: one"))
    old, new = _rows(row("TRUE")), _rows(*two, inputs=(INPUT, Input("new: one", 4)))
    found = compare(old, new)
    assert _one(found, "answer").why == ("the input new: one was added",)
    change = _one(found, "input")
    assert (change.name, change.old, change.new) == ("new: one", None, "4 points")
    back = compare(new, old)
    assert _one(back, "answer").why == ("the input new: one was removed",)
    assert (_one(back, "answer").direction, back.exit_status) == ("worse", 0)


def test_the_content_of_a_witness_is_compared_without_its_free_variables() -> None:
    documents = [{"x": ["0", "1"], "sigma": s, "parameters": {"i": 1, "k": k}} for s, k in SIGMAS]
    wholes = [_rows(row("FALSE")) for _ in documents]
    reports = [
        replace(whole, claims=(replace(whole.claims[0], witness=document),))
        for whole, document in zip(wholes, documents, strict=True)
    ]
    found = compare(reports[0], reports[1])
    assert [(c.name, c.old, c.new) for c in found.of("input")] == [
        ("small: parameter k", "2", "3"),
        ("small: sigma", "1/3", "1/2"),
    ]
    assert _one(found, "claim").why == ("the input small changed (parameter k, sigma)",)
    documents[1]["parameters"] = {"i": 5, "k": 2}
    documents[1]["sigma"] = "1/3"
    assert compare(reports[0], reports[1]).of("input") == ()


SIGMAS = (("1/3", 2), ("1/2", 3))


SMALL = {"x": ["0", "1", "2", "3", "5"], "sigma": "1/3", "parameters": {"i": 1, "k": 2}}


def _of(document: dict[str, Any], answer: str = "TRUE", **fields: Any) -> Report:
    return _rows(row(answer), inputs=(Input.of(document, name="small", size=5),), **fields)


INSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "a point": ({"x": ["0", "1", "2", "4", "5"]}, "x[3]"),
    "noise and a point": (
        {"sigma": "1/4", "x": ["0", "1", "2", "4", "5"]},
        "sigma, x[3]",
    ),
    "all points": ({"x": ["1", "2", "3", "4", "6"]}, "x"),
    "another size": ({"x": ["0", "1"]}, "x"),
    "a rate that was not there": ({"learning_rate": "1"}, "learning_rate"),
    "an index": ({"parameters": {"i": 2, "k": 2}}, "parameter i"),
    "a weight": ({"network": {"biases": ["1"], "bound": "2"}}, "network.biases, network.bound"),
    "much": (
        {"x": ["9", "1", "2", "3", "9"], "mu": "1/2", "sigma": "1/5", "time": "1"},
        "mu, sigma, time, x[0], 1 more",
    ),
}


@pytest.mark.parametrize("change", INSIDE)
def test_an_instance_that_changed_within_is_the_cause(change: str) -> None:
    new, parts = INSIDE[change]
    found = compare(_of(SMALL), _of(SMALL | new, "UNKNOWN"))
    assert _one(found, "verdict").why == (f"the input small changed ({parts})",)
    assert _one(found, "answer").why == _one(found, "verdict").why


def test_an_instance_that_did_not_change_is_no_cause() -> None:
    found = compare(_of(SMALL), _of(dict(reversed(SMALL.items())), "UNKNOWN"))
    assert found.of("input") == ()
    assert _one(found, "answer").why == (NOTHING,)


def test_a_long_instance_is_compared_by_its_digest() -> None:
    old, new = (
        Input.of({"x": ["0"] * 30_000, "sigma": sigma}, name="small", size=30_000)
        for sigma in ("1/3", "1/4")
    )
    found = compare(_rows(row("TRUE"), inputs=(old,)), _rows(row("UNKNOWN"), inputs=(new,)))
    change = _one(found, "input")
    assert (change.name, change.old, change.new) == ("small: contents", old.sha256, new.sha256)
    assert _one(found, "answer").why == ("the input small changed (contents)",)
    unknown = replace(new, sha256=None)
    before, after = (_rows(row("TRUE"), inputs=(entry,)) for entry in (old, unknown))
    assert compare(before, after).changes == ()


def test_an_instance_is_compared_with_a_witness_of_an_older_report() -> None:
    old = _rows(row("FALSE"), inputs=(Input("small", 5),))
    witness = SMALL | {"parameters": {"i": 4, "k": 2}}
    old = replace(old, claims=(replace(old.claims[0], witness=witness),))
    assert compare(old, _of(SMALL, "FALSE")).of("input") == ()
    (change,) = compare(old, _of(SMALL | {"sigma": "1/4"}, "FALSE")).of("input")
    assert (change.name, change.old, change.new) == ("small: sigma", "1/3", "1/4")


def test_slacks_of_hypotheses_are_compared_where_both_reports_have_them() -> None:
    source = claim(hypotheses=tuple(Structural(name, "has_network") for name in ("a", "b")))
    old, new, none = (
        _rows(row("TRUE", hypothesis_slack=slack), claims=(source,))
        for slack in (("2.000", None), ("3.000", "1.000"), ())
    )
    change = _one(compare(old, new), "slack")
    assert (change.name, change.old, change.new) == (
        "prop02a at small: hypothesis 1",
        "2.000",
        "3.000",
    )
    assert compare(old, none).of("slack") == ()


def test_hypotheses_that_changed_are_a_cause_unless_a_report_is_older() -> None:
    def stated(answer: str, *statements: str) -> Report:
        premises = tuple(Structural(name, "has_network") for name in statements)
        return _rows(row(answer), claims=(claim(hypotheses=premises),))

    found = compare(stated("TRUE", "a", "b"), stated("UNKNOWN", "a"))
    assert _one(found, "verdict").why == ("its hypotheses changed",)
    assert _one(found, "claim").old == "a; b"
    assert compare(stated("TRUE"), stated("TRUE", "a")).changes == ()


def test_a_proof_that_changed_is_a_cause_and_its_witness_is_none() -> None:
    def proved(derivation: str, sigma: str) -> Report:
        whole = _with_verdict("PROVED")
        certificate = {"derivation": derivation}
        outcome = replace(
            whole.claims[0], certificate=certificate, witness={"x": ["0"], "sigma": sigma}
        )
        return replace(whole, claims=(outcome,))

    why = _one(compare(proved("a", "1"), proved("b", "1")), "claim").why
    assert why == ("the proof in its certificate changed",)
    assert _one(compare(proved("a", "1"), proved("a", "2")), "claim").why == (NOTHING,)


def test_versions_in_a_certificate_are_no_change_of_it() -> None:
    old, new = (
        report_json.from_json(
            report_json.render(_rows(row("FALSE"), versions={"dsmverify": version}))
        )
        for version in ("1", "2")
    )
    found = compare(old, new)
    assert [(c.kind, c.name, c.old, c.new) for c in found.changes] == [
        ("version", "dsmverify", "1", "2")
    ]


def test_proofs_by_boxes_are_compared_by_claim_and_size() -> None:
    first = {"claim": "prop02a", "n": 2, "verdict": "proved for n = 2", "boxes": 9}
    old, new = (
        _rows(TRUE, box_proofs=proofs)
        for proofs in ((first,), ({**first, "boxes": 8}, {**first, "n": 3}))
    )
    found = compare(old, _with_verdict("UNDECIDED", new))
    assert [change.name for change in found.of("claim")] == [
        "prop02a: proof by boxes, n = 2",
        "prop02a: proof by boxes, n = 3",
    ]
    assert _one(found, "verdict").why == (
        "its proof by boxes changed (n = 2)",
        "its proof by boxes changed (n = 3)",
    )


def test_record_and_battery_are_compared() -> None:
    old = _rows(TRUE, expected={"prop02a": Expected("HOLDS", "why")})
    found = compare(old, replace(old, battery=True, expected={}))
    assert (_one(found, "claim").name, _one(found, "claim").new) == (
        "prop02a: recorded verdict",
        None,
    )
    assert _one(found, "input").new == "the bundled battery"


def test_how_often_a_claim_holds_is_a_change() -> None:
    old = _rows(TRUE, row("TRUE", "b"))
    change = _one(compare(old, _rows(TRUE)), "claim")
    assert (change.name, change.old, change.new) == ("prop02a: holds at", "2", "1")


def test_many_inputs_and_versions_are_counted_not_listed() -> None:
    names = [f"in{number}" for number in range(6)]
    answers = ("TRUE", "UNKNOWN")
    old, new = (
        _rows(
            *(row(answer, name) for name in names),
            inputs=tuple(Input(name, size) for name in names),
            versions={name: str(size) for name in ("a", "b", "c", "dsmverify")},
        )
        for size, answer in enumerate(answers, 2)
    )
    assert _one(compare(old, new), "verdict").why == (
        *(f"the input {name} changed (size)" for name in names[:3]),
        "3 more inputs changed",
        "versions changed (dsmverify 2 to 3, a 2 to 3, b 2 to 3 and 1 more)",
    )


def test_changes_have_a_fixed_order_the_worse_ones_first() -> None:
    claims = [claim(name) for name in ("a", "b", "c")]
    answers = (("UNKNOWN", "TRUE"), ("TRUE", "UNKNOWN"), ("UNKNOWN", "FALSE"))
    old, new = (
        report(
            [row(pair[side], name=one.id) for one, pair in zip(claims, answers, strict=True)],
            claims=claims,
        )
        for side in (0, 1)
    )
    found = compare(old, new)
    assert [change.name for change in found.of("verdict")] == ["b", "c", "a"]
    assert [change.kind for change in found.changes[:6]] == ["verdict"] * 3 + ["answer"] * 3


def test_json_holds_every_change_and_the_counts() -> None:
    nasty = '"}<script>\n\ud800'
    found = compare(_rows(TRUE), _rows(replace(UNKNOWN, reason=nasty)))
    document = json.loads("\n".join(found.render()))
    assert document["exit_status"] == 1
    assert document["counts"]["answer"] == {"worse": 1, "other": 0, "better": 0}
    assert len(document["changes"]) == len(found.changes)
    (answer,) = (entry for entry in document["changes"] if entry["kind"] == "answer")
    assert (answer["new"], answer["note"], answer["why"]) == ("UNKNOWN", nasty, [NOTHING])
    assert json.loads("\n".join(Difference(()).render()))["changes"] == []


def test_work_grows_with_the_rows_not_with_their_square() -> None:
    def lines_run(count: int) -> int:
        rows = [row("UNKNOWN", where={"i": str(number)}) for number in range(count)]
        cells = tuple((str(number), "x") for number in range(count))
        wholes = [
            _rows(*rows[shift:], tables=(_table(*cells[shift:], columns=("a", "b")),))
            for shift in (0, 1)
        ]
        run = 0

        def count_lines(frame: FrameType, event: str, _: object) -> Any:
            nonlocal run
            run += event == "line"
            return count_lines if frame.f_code.co_filename == diff.__file__ else None

        before = sys.gettrace()
        sys.settrace(count_lines)
        try:
            compare(*wholes)
        finally:
            sys.settrace(before)
        return run

    few, many = lines_run(100), lines_run(1000)
    assert 1000 < few < many < 11 * few


def _written(folder: Path) -> Path:
    _rows(row("FALSE"), TRUE).write(folder)
    return folder / "report.json"


def test_a_report_is_read_from_its_file_or_its_folder(tmp_path: Path) -> None:
    file = _written(tmp_path)
    assert report_json.render(report_json.read(tmp_path)) == file.read_text()
    assert report_json.render(report_json.read(str(file))) == file.read_text()


def _edit(text: str, **change: Any) -> str:
    return json.dumps(json.loads(text) | change)


BAD: dict[str, tuple[Any, str]] = {
    "truncated": (lambda text: text[: len(text) // 2], "it is not JSON"),
    "empty": (lambda _: " \n", "the file is empty"),
    "deep": (lambda _: "[" * 100_000, "it is not JSON"),
    "list": (lambda _: "[]", "schema_version"),
    "no digest": (lambda text: _edit(text, sha256=None), "SHA-256"),
    "edited": (lambda text: text.replace('"FALSE"', '"TRUE"'), "SHA-256"),
    "not a number": (lambda text: _edit(text, battery=float("nan"), sha256=None), "SHA-256"),
    "newer": (lambda text: _edit(text, schema_version="2.0"), "reads up to"),
    "a little newer": (lambda text: _edit(text, schema_version="1.99"), "reads up to"),
    "odd version": (lambda text: _edit(text, schema_version="1"), "reads up to"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_report_is_named_with_its_fault(fault: str, tmp_path: Path) -> None:
    change, rule = BAD[fault]
    file = _written(tmp_path)
    file.write_text(change(file.read_text()))
    with pytest.raises(InputError, match=rule) as caught:
        report_json.read(tmp_path)
    assert caught.value.file == str(file)


def test_a_sealed_report_with_an_unknown_verdict_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(report_json.render(_with_verdict("MAYBE", _rows(TRUE))))
    with pytest.raises(InputError, match="'MAYBE' is no verdict"):
        report_json.read(file)


@pytest.mark.parametrize("name", ["nowhere", "\0", "x" * 300])
def test_a_report_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"OLD: .*it cannot be read"):
        report_json.read(f"{tmp_path}/{name}", argument="OLD")

from __future__ import annotations

import errno
import itertools
import json
import os
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dsmverify.claims import Row
from dsmverify.errors import InputError, OutputError
from dsmverify.report import (
    SCHEMA_VERSION,
    Expected,
    Input,
    Report,
    from_json,
    junit,
    markdown,
    prepare_folder,
    schema,
)
from dsmverify.report import json as report_json
from dsmverify.report.files import write_files
from dsmverify.report.text import plain, show_enclosure, show_number
from tests.report.outcomes import claim, report, row

NASTY = [
    "<script>alert(1)</script>",
    "a|b",
    "back`tick``s",
    "bell\x07 null\x00 escape\x1b[31m",
    "line\nbreak\r\n| --- |",
    "*bold* _it_ [text](http://x) ![i](y)",
    "\\input{x} \\| \\",
    "=cmd|' /C calc'!A0",
    "\ud800 lone \uffff",
    "]]> & &amp; &lt;",
    "\u202eright to left",
    "$x$ ~~gone~~",
]
REFUTED = {"prop02a": Expected("REFUTED", "a counterexample")}


def _mixed() -> Report:
    rows = [
        row("TRUE", "small", slack="2.5e+4000", where={"i": "1"}),
        row("FALSE", "large", slack="0.5", bits=128),
        row("UNKNOWN", "third", reason="budget"),
        row("NOT_APPLICABLE", "fourth", failed_hypothesis="Delta >= 2 sigma/mu"),
        row("TRUE", "fifth", trivial=True),
        row("TRUE", "small", "thm04", slack="2.5e+4000"),
    ]
    claims = (claim(remark="pi is 0 outside", severity="constant"), claim("thm04"))
    inputs = (Input("iris", 35, 115, ("points were sorted",)), Input("gen", 2, generated="seed 1"))
    return report(rows, claims=claims, expected=REFUTED, inputs=inputs, timings={"all": 1.5})


def _nasty() -> Report:
    rows = [row("FALSE", name) for name in NASTY] + [row("UNKNOWN", "u", reason=n) for n in NASTY]
    return report(rows, claims=(claim(statement=" ".join(NASTY), remark=NASTY[0]),))


def _tables(text: str) -> list[list[str]]:
    lines = itertools.groupby(text.split("\n"), key=lambda line: line.startswith("|"))
    return [list(group) for is_table, group in lines if is_table]


def _cells(line: str) -> int:
    return line.replace("\\\\", "").replace("\\|", "").count("|") - 1


@pytest.mark.parametrize("make", [_mixed, _nasty])
def test_json_follows_the_schema(make: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    document = json.loads(report_json.render(make()))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["schema_version"] == SCHEMA_VERSION == "1.3"


def test_claims_have_exactly_the_promised_keys() -> None:
    document = report_json.as_document(_mixed())
    promised = {
        *("id", "kind", "form", "statement", "source", "verdict", "reason", "method"),
        *("severity", "reading", "repairs", "tried", "applicable", "trivial", "true", "false"),
        *("unknown", "not_applicable", "slack", "witness", "certificate"),
        *("sharpens", "change", "serves", "leans_on", "hypotheses", "derivation"),
    }
    assert all(set(entry) == promised for entry in document["claims"])
    needed = {"claim", "instance", "answer", "lhs", "rhs", "slack", "failed_hypothesis"}
    assert all(needed <= set(entry) for entry in document["instances"])


def test_schema_refuses_unknown_keys_and_answers() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    for change in ({"seconds": 1}, {"instances": [{"answer": "PASS"}]}, {"schema_version": "2.0"}):
        assert not validator.is_valid(json.loads(report_json.render(_mixed())) | change)


def test_bytes_do_not_depend_on_the_order_of_the_work() -> None:
    first = _mixed()
    shuffle = random.Random(1).sample
    second = Report(
        claims=tuple(shuffle(first.claims, len(first.claims))),
        rows=tuple(shuffle(first.rows, len(first.rows))),
        inputs=first.inputs[::-1],
        versions=first.versions,
        expected=first.expected,
        timings={"all": 99.0},
    )
    for module in (report_json, markdown, junit):
        assert module.render(first) == module.render(second)


@pytest.mark.parametrize("make", [_mixed, _nasty])
def test_json_round_trip(make: Any) -> None:
    text = report_json.render(make())
    again = from_json(text)
    assert report_json.render(again) == text
    assert markdown.render(again) == markdown.render(make())
    assert again.exit_status == make().exit_status


def _changed(change: Any) -> str:
    document = json.loads(report_json.render(_mixed()))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        report_json.render(_mixed())[:500],
        b"\xff\xfe\x00",
        _changed(lambda d: d.update(schema_version="2.0")),
        _changed(lambda d: d["claims"][0].update(true=7)),
        _changed(lambda d: d["claims"].pop()),
        _changed(lambda d: d.pop("instances")),
        _changed(lambda d: d["instances"][0].update(colour="red")),
    ],
)
def test_unreadable_reports_are_named(text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"old\.json"):
        from_json(text, file="old.json")


def test_counts_that_are_not_those_of_the_rows_are_refused() -> None:
    whole = _mixed()
    with pytest.raises(ValueError, match="prop02a: tried"):
        Report(whole.claims, whole.rows[1:])
    with pytest.raises(ValueError, match="two outcomes"):
        Report((*whole.claims, whole.claims[0]), whole.rows)
    with pytest.raises(ValueError, match="no outcome"):
        Report(whole.claims[:1], whole.rows)


def test_markdown_says_what_a_newcomer_needs() -> None:
    text = markdown.render(_mixed())
    first = text.split("\n", 1)[0]
    assert "2 claims" in first
    assert "115 tied points were merged (iris 115)" in first
    order = ["## Verdicts", "## What failed", "## All claims", "## How to read this"]
    places = [text.index(head) for head in order]
    assert places == sorted(places)
    assert "PROVED | REFUTED | HOLDS | VACUOUS | UNDECIDED" in text
    assert "TRUE | FALSE | UNKNOWN | NOT_APPLICABLE" in text
    assert "version 1" in text
    assert 'is not "the theorem is wrong"' in text
    assert "[1.0, 1.1] | [2.0, 2.1]" in text
    assert '"x": ["0", "1", "2"]' in text
    assert "2.5e+4000" in text
    assert "Convention: pi is 0 outside" in text


def test_no_merged_points_are_mentioned_too() -> None:
    assert "no points were merged" in markdown.first_line(report([row("TRUE")]))


def test_nasty_names_cannot_break_the_page() -> None:
    text = markdown.render(_nasty())
    assert "<script" not in text
    assert plain(text.replace("\n", "")) == text.replace("\n", "")
    tables = _tables(text)
    assert len(tables) >= 4
    for table in tables:
        assert len({_cells(line) for line in table}) == 1


def test_numbers_are_shown_rounded_outward() -> None:
    wide = row("TRUE").lhs
    assert wide is not None
    shown = show_enclosure(type(wide)("1.00000000000000009", "1.99999999999999999e-2000"))
    assert shown == "[1.000000000, 2.000000000e-2000]"
    assert show_number("-1.23456", 3) == "-1.24"
    assert show_number("9.99999e+400000", 3) == "9.99e+400000"


def test_write_leaves_all_files_and_keeps_times_apart(tmp_path: Path) -> None:
    paths = _mixed().write(tmp_path / "a" / "b")
    names = {"report.html", "explorer.html", "report.json", "report.md", "junit.xml"}
    names |= {"badge.svg", "timings.json"}
    assert {path.name for path in paths} == names == set(os.listdir(tmp_path / "a" / "b"))
    assert json.loads((tmp_path / "a" / "b" / "timings.json").read_text()) == {"all": 1.5}
    old = (tmp_path / "a" / "b" / "report.json").read_bytes()
    _mixed().write(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "report.json").read_bytes() == old


@pytest.mark.parametrize("broken", ["replace", "fsync", "fdopen"])
@pytest.mark.parametrize("present", [True, False])
def test_full_disk_leaves_the_old_report(
    broken: str, present: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "report"
    if present:
        report([row("TRUE")]).write(folder)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, full)
        with pytest.raises(OutputError, match="no space left"):
            _mixed().write(folder)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert (tmp_path / "new").exists() == present


def test_interruption_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, {"a": "1", "b": "2"})
    assert list(tmp_path.iterdir()) == []


def test_prepare_folder_creates_nothing(tmp_path: Path) -> None:
    assert prepare_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert prepare_folder(tmp_path) == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below", "\0", "x" * 300, "loose/below"])
def test_folders_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "loose").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="--out"):
        prepare_folder(f"{tmp_path}/{name}")
    with pytest.raises(OutputError, match="--out"):
        write_files(f"{tmp_path}/{name}", {"report.json": "{}"})
    assert (tmp_path / "file").read_text() == "kept"


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="no permission"):
        prepare_folder(tmp_path / "below")


def test_duplicate_instance_rows_have_a_fixed_order() -> None:
    rows: list[Row] = [row("TRUE", where={"i": str(i)}) for i in range(5)]
    assert report(rows).rows == report(rows[::-1]).rows

"""`junit.xml` as its readers see it: a schema, junitparser, and names that are hostile."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import junitparser
import pytest
import xmlschema

from dsmverify import Instance, check
from dsmverify.report import Expected, Input, Report, junit
from dsmverify.report.text import plain
from tests.report.outcomes import claim, report, row

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))
HOSTILE = [
    "<script>alert(1)</script>",
    "]]> & &amp; &#0; &lt;",
    "quotes \" and '",
    "bell\x07 null\x00 escape\x1b[31m",
    "line\nbreak\r\ttab",
    "line break tab",
    "\ud800 lone \uffff \ufffe",
    "\u202eright to left",
    "recorded verdict",
    "\U0001f600",
    "x" * 5000,
]


@functools.cache
def checked() -> Report:
    """A report of the engine."""
    instances = [
        Instance.from_numpy(["0", "1", "3"], mu="1/2", sigma=sigma)
        for sigma in ("1/10", "1/5", "4/5")
    ]
    return check(instances, claims=["prop02a", "prop09a", "hess15", "thm08"])


def hostile() -> Report:
    rows = [row("FALSE", name) for name in HOSTILE]
    rows += [
        row("UNKNOWN", name, "thm04", reason=name, where={"i": name}) for name in reversed(HOSTILE)
    ]
    expected = {"thm04": Expected("HOLDS", HOSTILE[0])}
    return report(rows, claims=(claim(), claim("thm04")), expected=expected, battery=True)


def mixed() -> Report:
    rows = [
        row("TRUE", "small", slack="2.5e+4000", where={"i": "1"}),
        row("FALSE", "large", slack="0.5", bits=128),
        row("UNKNOWN", "third", reason="budget"),
        row("NOT_APPLICABLE", "fourth", failed_hypothesis="Delta >= 2 sigma/mu"),
        row("TRUE", "fifth", trivial=True),
        row("TRUE", "small", "thm04", slack="2.5e+4000"),
        row("FALSE", "large", "thm04"),
    ]
    expected = {"prop02a": Expected("REFUTED", "a counterexample")}
    inputs = (Input("iris", 35, 115), Input("gen", 2, generated="seed 1"))
    return report(rows, claims=(claim(), claim("thm04")), expected=expected, inputs=inputs)


EMPTY = Report(claims=())


@pytest.mark.parametrize("make", [checked, hostile, mixed, lambda: EMPTY])
def test_follows_the_schema(make: Any) -> None:
    SCHEMA.validate(io.StringIO(junit.render(make())))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('skipped="', 'ignored="'),
        (' classname="prop02a"', ""),
        ('tests="5"', 'tests="five"'),
        ('name="third"', 'name="fourth"'),
        ("<skipped ", "<skip "),
        ('<testsuites name="dsmverify"', '<testsuites name="dsmverify" skipped="1"'),
    ],
)
def test_the_schema_refuses_other_forms(right: str, wrong: str) -> None:
    text = junit.render(mixed())
    assert right in text
    assert not SCHEMA.is_valid(io.StringIO(text.replace(right, wrong)))


@pytest.mark.parametrize("make", [checked, hostile, mixed])
def test_a_reader_counts_what_the_report_counts(make: Any, tmp_path: Path) -> None:
    whole = make()
    (tmp_path / "junit.xml").write_text(junit.render(whole), encoding="utf-8")
    read = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    cases = [case for suite in read for case in suite]
    passed = [case for case in cases if case.is_passed]
    failed = [case for case in cases if case.is_failure]
    skipped = [case for case in cases if case.is_skipped]
    recorded = {name for name, entry in whole.expected.items() if entry.verdict == "REFUTED"}
    false = [one for one in whole.rows if one.answer == "FALSE"]
    new = [one for one in false if one.claim not in recorded]
    true = [one for one in whole.rows if one.answer == "TRUE" and not one.trivial]
    added = [case for case in failed if case.result[0].type == "verdict"]
    assert len(cases) == len(whole.rows) + len(added)
    assert len(passed) == len(true)
    assert len(failed) == len(new) + len(added)
    assert len(skipped) == len(whole.rows) - len(true) - len(new)
    assert not [case for case in cases if case.is_error]
    stated = [(suite.tests, suite.failures, suite.skipped, suite.errors) for suite in read]
    read.update_statistics()  # type: ignore[no-untyped-call]
    assert stated == [(suite.tests, suite.failures, suite.skipped, suite.errors) for suite in read]
    assert (read.tests, read.failures, read.skipped) == (len(cases), len(failed), len(skipped))


def test_what_is_unknown_is_skipped_with_its_reason() -> None:
    root = ElementTree.fromstring(junit.render(mixed()))
    found = {
        case.get("name"): (case[0].tag, case[0].get("message"))
        for case in root.iterfind("testsuite[@name='prop02a']/testcase")
        if len(case)
    }
    assert found["third"] == ("skipped", "UNKNOWN: budget")
    assert found["fourth"] == ("skipped", "NOT_APPLICABLE: Delta >= 2 sigma/mu")
    assert found["fifth"][0] == found["large"][0] == "skipped"
    assert set(found) == {"third", "fourth", "fifth", "large"}


def test_nothing_passes_that_is_not_true() -> None:
    root = ElementTree.fromstring(junit.render(mixed()))
    passed = {
        (case.get("classname"), case.get("name")) for case in root.iter("testcase") if not len(case)
    }
    assert passed == {("prop02a", "small"), ("thm04", "small")}
    message = root.find(".//testcase[@name='large']/skipped")
    assert message is not None
    assert str(message.get("message")).startswith("FALSE, as recorded: a counterexample")


@pytest.mark.parametrize("recorded", [None, "PROVED", "HOLDS", "UNDECIDED"])
def test_false_is_a_failure_unless_recorded(recorded: Any) -> None:
    expected = {} if recorded is None else {"prop02a": Expected(recorded, "why")}
    root = ElementTree.fromstring(junit.render(report([row("FALSE")], expected=expected)))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_a_verdict_that_changed_without_any_failing_instance_is_a_failure() -> None:
    expected = {"prop02a": Expected("REFUTED", "a counterexample")}
    whole = report([row("TRUE")], expected=expected, battery=True)
    assert whole.exit_status == 1
    (suite,) = ElementTree.fromstring(junit.render(whole))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_no_total_counts_a_skipped_test_as_passed() -> None:
    """A root with tests and failures, but without skipped tests, would say so to some readers."""
    root = ElementTree.fromstring(junit.render(mixed()))
    assert root.attrib == {"name": "dsmverify"}


def test_the_verdict_stands_at_the_suite() -> None:
    root = ElementTree.fromstring(junit.render(mixed()))
    path = "testsuite[@name='prop02a']/properties/property"
    values = {entry.get("name"): entry.get("value") for entry in root.iterfind(path)}
    assert values["verdict"] == values["recorded"] == "REFUTED"
    assert values["source"] == "proposition 2, p. 7"


def test_every_hostile_name_is_shown_and_no_two_tests_share_one() -> None:
    root = ElementTree.fromstring(junit.render(hostile()).encode("utf-8"))
    for suite in root.iterfind("testsuite"):
        names = [str(case.get("name")) for case in suite.iterfind("testcase")]
        assert len(set(names)) == len(names) >= len(HOSTILE)
        assert {plain(name) for name in HOSTILE} <= set(names)
        assert "line break tab (2)" in names
    text = "".join(root.itertext()) + "".join(
        value for element in root.iter() for value in element.attrib.values()
    )
    assert plain(text.replace("\n", "")) == text.replace("\n", "")


def test_the_same_report_gives_the_same_bytes_whatever_it_took() -> None:
    rows = [row("TRUE", "small")]
    assert junit.render(report(rows, timings={"all": 1.0})) == junit.render(report(rows))
    assert "timestamp" not in junit.render(report(rows))


def test_a_changed_verdict_fails_its_own_suite_only() -> None:
    claims = (claim(), claim("thm04"))
    rows = [row("TRUE"), row("TRUE", name="thm04")]
    expected = {"prop02a": Expected("REFUTED", "known"), "thm04": Expected("HOLDS", "tried")}
    root = ElementTree.fromstring(
        junit.render(report(rows, claims=claims, expected=expected, battery=True))
    )
    failures = {suite.get("name"): suite.get("failures") for suite in root}
    assert failures == {"prop02a": "1", "thm04": "0"}


def test_a_failure_says_where() -> None:
    rows = [row("FALSE", where={"y": "1/2", "i": "3"}), row("FALSE", "large")]
    root = ElementTree.fromstring(junit.render(report(rows)))
    texts = {case.get("name"): case.findtext("failure") for case in root.iter("testcase")}
    assert texts == {"small": "at i = 3, y = 1/2", "large": "at the instance"}

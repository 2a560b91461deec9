"""`junit.xml`: one test per claim and instance, for continuous integration.

TRUE is a passed test. FALSE is a failure, unless the claim's recorded verdict is REFUTED: then it
is what was expected, and neither a failure nor a pass. That, UNKNOWN, NOT_APPLICABLE and trivial
instances are skipped, with the reason.

The form is the one that Jenkins validates. All counts stand at the suites: its schema has none of
skipped tests at the root, and a reader that takes the root's tests less its failures for passes
would count them as such. `time` is 0 and there is no `timestamp`: the same inputs give the same
bytes, and `timings.json` has the seconds.
"""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

from dsmverify.claims import ClaimOutcome, Row
from dsmverify.report.model import Report
from dsmverify.report.text import plain, show_enclosure


def render(report: Report) -> str:
    """Text of `junit.xml`."""
    root = ElementTree.Element("testsuites", name="dsmverify")
    for outcome in report.claims:
        _add_suite(root, report, outcome)
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _add_suite(root: ElementTree.Element, report: Report, outcome: ClaimOutcome) -> None:
    claim = outcome.claim.id
    suite = ElementTree.SubElement(root, "testsuite", name=plain(claim))
    _add_properties(suite, report, outcome)
    taken: set[str] = set()
    for row in report.rows_of(claim):
        _add_result(_add_case(suite, claim, row.instance, taken), report, row)
    # A changed verdict shows although no instance fails: REFUTED was recorded, all is TRUE, say.
    if suite.find("testcase/failure") is None:
        for mismatch in report.mismatches:
            if mismatch.claim == claim:
                case = _add_case(suite, claim, "recorded verdict", taken)
                text = f"{mismatch.found}, but recorded: {mismatch.expected}"
                failure = ElementTree.SubElement(
                    case, "failure", message=plain(text), type="verdict"
                )
                failure.text = plain(mismatch.reason)
    _count(suite)


def _add_properties(suite: ElementTree.Element, report: Report, outcome: ClaimOutcome) -> None:
    """The verdict, which no single test has."""
    record = report.expected.get(outcome.claim.id)
    known = {
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "recorded": record.verdict if record is not None else None,
        "source": f"{outcome.claim.source.statement}, p. {outcome.claim.source.page}",
    }
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in known.items():
        if value is not None:
            ElementTree.SubElement(properties, "property", name=name, value=plain(value))


def _add_case(
    suite: ElementTree.Element, claim: str, instance: str, taken: set[str]
) -> ElementTree.Element:
    name = shown = plain(instance)
    for number in itertools.count(2):  # of two tests of one name some readers keep one
        if name not in taken:
            break
        name = f"{shown} ({number})"
    taken.add(name)
    return ElementTree.SubElement(suite, "testcase", classname=plain(claim), name=name, time="0")


def _add_result(case: ElementTree.Element, report: Report, row: Row) -> None:
    if row.answer == "FALSE":
        record = report.expected.get(row.claim)
        sides = f"lhs {show_enclosure(row.lhs)}, rhs {show_enclosure(row.rhs)}"
        if record is not None and record.verdict == "REFUTED":
            _skip(case, f"FALSE, as recorded: {record.reason}; {sides}")
        else:
            message = plain(f"FALSE: {sides}")
            failure = ElementTree.SubElement(case, "failure", message=message, type="FALSE")
            where = ", ".join(f"{name} = {value}" for name, value in sorted(row.where.items()))
            failure.text = plain(f"at {where}" if where else "at the instance")
    elif row.answer == "NOT_APPLICABLE":
        _skip(case, f"NOT_APPLICABLE: {row.failed_hypothesis or row.reason or 'no reason given'}")
    elif row.answer != "TRUE":
        _skip(case, f"UNKNOWN: {row.reason or 'no reason given'}")
    elif row.trivial:
        _skip(case, "trivial: the claim is TRUE but says nothing here")


def _skip(case: ElementTree.Element, message: str) -> None:
    ElementTree.SubElement(case, "skipped", message=plain(message))


def _count(suite: ElementTree.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", "0")

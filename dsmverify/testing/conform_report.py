"""What `dsmverify conform` writes: `report.json`, `junit.xml` and `report.html`."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, StrictUndefined

from dsmverify.report.files import write_files
from dsmverify.report.text import plain, show_enclosure
from dsmverify.report.versions import library_versions
from dsmverify.testing.results import Result, Results

SCHEMA_VERSION = "1.0"


def write(results: Results, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write the three files, all or none.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    texts = {
        "report.json": render_json(results),
        "junit.xml": render_junit(results),
        "report.html": render_html(results),
    }
    return write_files(folder, texts)


def schema() -> dict[str, Any]:
    """JSON schema of `report.json`."""
    found: dict[str, Any] = json.loads(_resource("conformance_schema.json"))
    return found


def render_json(results: Results) -> str:
    """Text of `report.json`; the same results give the same text."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "versions": library_versions(),
        "target": results.target,
        "settings": dict(results.settings),
        "counts": results.counts,
        "exit_status": results.exit_status,
        "not_offered": dict(results.not_offered),
        "not_asked": list(results.not_asked),
        "notes": list(results.notes),
        "checks": [result.to_json() for result in results.results],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def render_junit(results: Results) -> str:
    """Text of `junit.xml`: one suite per part, one test per check.

    Expected failures, undecided checks and parts that were not tried are skipped, with the reason.
    The form is that of `dsmverify.report.junit`: counts at the suites, every `time` 0.
    """
    untried = {part: f"not offered: {reason}" for part, reason in results.not_offered.items()}
    untried |= dict.fromkeys(results.not_asked, "not asked for")
    root = ElementTree.Element("testsuites", name=plain(results.target))
    for part in dict.fromkeys([*(result.part for result in results.results), *untried]):
        suite = ElementTree.SubElement(root, "testsuite", name=part)
        for result in results.results:
            if result.part == part:
                _add_case(suite, result)
        if part in untried:
            case = _new_case(suite, part, "not tried")
            ElementTree.SubElement(case, "skipped", message=plain(untried[part]))
        _count(suite)
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def render_html(results: Results) -> str:
    """Text of `report.html`: one page that needs nothing else."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["plain"] = plain
    environment.filters["lines"] = _lines
    environment.filters["enclosure"] = _enclosure
    template = environment.from_string(_resource("conformance.html"))
    return template.render(results=results, counts=results.counts, versions=library_versions())


def render_text(results: Results) -> str:
    """What the command line prints: what did not pass, and the counts.

    One message in full for each part and cause, the others in a line each: a mistake fails many
    checks alike, and the page has all of them.
    """
    blocks, others = [], []
    shown = set()
    for result in results.results:
        if result.verdict in {"passed", "expected", "lost"}:
            continue
        kind = (result.verdict, result.part, result.causes)
        if kind in shown:
            others.append(f"{result.verdict.upper()} {result.id}: {_in_short(result)}")
        else:
            shown.add(kind)
            blocks.append(f"{result.verdict.upper()} {result.id}\n{_lines(result.message)}\n")
    lines = others
    lines += [f"expected failure {r.id}: {r.reason}" for r in results.of("expected")]
    lines += [f"LOST {r.id}: {r.message}" for r in results.of("lost")]
    lines += [f"{part}: not offered: {reason}" for part, reason in results.not_offered.items()]
    lines += results.notes
    lines.append(results.summary())
    return "\n".join([*blocks, *(plain(line) for line in lines)])


def _in_short(result: Result) -> str:
    """The causes' names, or the first line of the message."""
    names = [cause.partition(":")[0] for cause in result.causes]
    return f"likely {', '.join(names)}" if names else result.message.partition("\n")[0]


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    case = _new_case(suite, result.part, f"{result.case}-{result.dtype}")
    first = plain(result.message.partition("\n")[0])
    if result.verdict in {"failed", "error", "lost"}:
        tag = "failure" if result.verdict == "failed" else "error"
        found = ElementTree.SubElement(case, tag, message=first, type=result.verdict)
        found.text = _lines(result.message)
    elif result.verdict == "expected":
        words = f"failed, as expected: {result.reason}; {first}"
        ElementTree.SubElement(case, "skipped", message=plain(words))
    elif result.verdict == "undecided":
        ElementTree.SubElement(case, "skipped", message=f"undecided: {first}")


def _new_case(suite: ElementTree.Element, part: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=part, name=name, time="0")


def _count(suite: ElementTree.Element) -> None:
    suite.set("tests", str(len(suite)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", "0")


def _lines(text: str) -> str:
    """Text of several lines, each plain."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _enclosure(result: Result) -> str:
    from dsmverify.claims import Enclosure

    if result.worst is None:
        return "-"
    return show_enclosure(Enclosure(result.worst.lower, result.worst.upper), 17)


def _resource(name: str) -> str:
    return (resources.files("dsmverify.testing") / name).read_text(encoding="utf-8")

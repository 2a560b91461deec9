"""Reports of every older form, as they were written then, and what every reader makes of them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dsmverify import cli
from dsmverify.claims import Structural
from dsmverify.errors import InputError
from dsmverify.replay import recheck, write_scripts
from dsmverify.report import SCHEMA_VERSION, Input, junit, markdown, schema
from dsmverify.report import json as report_json
from dsmverify.report.certificates import digest
from dsmverify.report.diff import compare
from dsmverify.report.upgrade import is_readable, upgraded
from tests.report.outcomes import claim, report, row

STORED = Path(__file__).parent / "stored"
OLDER = ("1.0", "1.1-first", "1.1", "1.2")
"""Reports of one sample, made by the first package of each form; 1.1 grew without a new number."""

SEALED = ("1.1-first", "1.1", "1.2")
EMPTY: dict[str, dict[str, Any]] = {
    "claims": {"hypotheses": [], "derivation": None},
    "inputs": {"sha256": None, "document": None},
    "instances": {"hypothesis_slack": []},
}


def _stored(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((STORED / f"{name}.json").read_text())
    return document


def _rewritten(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        report_json.render(report_json.read(STORED / f"{name}.json"))
    )
    return document


def _left_out(old: Any, new: Any, path: str = "") -> list[str]:
    """Paths of the values of one document that another one has not, or has otherwise."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [
            found
            for key in old
            for found in _left_out(old[key], new.get(key, "missing"), f"{path}/{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [found for i, pair in pairs for found in _left_out(*pair, f"{path}/{i}")]
    return [] if old == new else [path]


@pytest.mark.parametrize("name", OLDER)
def test_an_older_report_is_rewritten_with_all_it_held(name: str) -> None:
    old, new = _stored(name), _rewritten(name)
    jsonschema.Draft202012Validator(schema()).validate(new)
    assert (old["schema_version"], new["schema_version"]) == (name[:3], SCHEMA_VERSION)
    changed = set(_left_out(old, new)) - {"/schema_version", "/sha256"}
    certificates = {f"/claims/{i}/certificate/witness" for i in range(3)}
    assert changed <= (certificates if name == "1.0" else set())
    if name == "1.2":
        assert old["pictures"]["samples"] and old["instances"][0]["hypothesis_slack"]
        assert new["pictures"] == old["pictures"] | {"curves": []}
        return
    for part, empty in EMPTY.items():
        assert all(entry[key] == value for entry in new[part] for key, value in empty.items())
    assert new["pictures"] == {"samples": [], "regime_maps": [], "curves": []}


@pytest.mark.parametrize("name", OLDER)
def test_what_is_rewritten_is_read_again_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    text = json.dumps(_rewritten(name))
    (tmp_path / "report.json").write_text(text)
    assert json.loads(report_json.render(report_json.read(tmp_path))) == json.loads(text)


@pytest.mark.parametrize("name", OLDER)
def test_an_upgrade_leaves_the_document_as_it_was(name: str) -> None:
    document = _stored(name)
    before = copy.deepcopy(document)
    after = upgraded(document)
    assert document == before
    assert after["schema_version"] == SCHEMA_VERSION
    assert upgraded(after) is after


@pytest.mark.parametrize("name", OLDER)
def test_every_reader_reads_it(name: str, tmp_path: Path) -> None:
    path = STORED / f"{name}.json"
    whole = report_json.read(path)
    assert "cor03a" in markdown.render(whole)
    assert "cor03a" in junit.render(whole)
    again = report_json.from_json(_rewritten(name))
    assert compare(whole, again).changes == ()
    assert cli.main(["tables", str(path), "--format", "csv", "--out", str(tmp_path / "a")]) == 0
    assert cli.main(["diff", str(path), str(path)]) == 0


@pytest.mark.parametrize("name", OLDER)
def test_certificates_are_rechecked_as_they_are_or_after_an_upgrade(
    name: str, tmp_path: Path
) -> None:
    assert cli.main(["upgrade", str(STORED / f"{name}.json"), "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert recheck(tmp_path).passed
    (script,) = write_scripts(tmp_path, tmp_path / "scripts")
    assert script.name == "cor03a.py"
    direct = recheck(STORED / f"{name}.json")
    assert direct.passed == (name in SEALED)
    if name not in SEALED:
        assert "`dsmverify upgrade` adds them" in direct.failures[0]
        with pytest.raises(ValueError, match="`dsmverify upgrade` adds them"):
            write_scripts(STORED / f"{name}.json", tmp_path / "other")


def test_upgrade_says_what_it_wrote_and_refuses_what_is_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["upgrade", str(STORED / "1.1.json"), "--out", str(tmp_path / "new")]) == 0
    said = f"report.json, schema version {SCHEMA_VERSION}: {tmp_path}/new/report.json\n"
    assert capsys.readouterr().out == said
    bad = tmp_path / "bad.json"
    bad.write_text((STORED / "1.1.json").read_text()[:-100])
    assert cli.main(["upgrade", str(bad), "--out", str(tmp_path / "none")]) == 2
    assert "it is not JSON" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_an_older_report_differs_from_a_new_one_by_what_changed_only() -> None:
    old = report_json.from_json(_stored("1.1"))
    new = copy.deepcopy(_rewritten("1.1"))
    new["claims"][0]["hypotheses"] = ["Delta >= 2 sigma/mu"]
    new["claims"][0]["derivation"] = "posterior_bounds"
    new["instances"][0]["hypothesis_slack"] = ["2.500"]
    new["inputs"][0]["sha256"] = "0" * 64
    assert compare(old, report_json.from_json(new)).changes == ()


@pytest.mark.parametrize("name", SEALED)
@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["claims"][0].update(statement="changed"),
        lambda d: d.pop("sha256"),
        lambda d: d.update(schema_version="1.0"),
        lambda d: d.update(schema_version="1.3"),
        lambda d: d["instances"][0].update(hypothesis_slack=[]),
    ],
)
def test_the_digest_is_that_of_the_report_as_it_was_stored(
    name: str, change: Any, tmp_path: Path
) -> None:
    document = _stored(name)
    change(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="SHA-256"):
        report_json.read(tmp_path)


def test_a_report_without_digests_that_has_a_false_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(_stored("1.0") | {"sha256": "0" * 64}))
    with pytest.raises(InputError, match="SHA-256"):
        report_json.read(tmp_path)


@pytest.mark.parametrize(
    "version", ["1.4", "1.10", "2.0", "0.9", "1.01", "1", "", 1.1, 2, None, []]
)
def test_another_version_is_refused_by_every_reader(version: Any, tmp_path: Path) -> None:
    assert not is_readable(version)
    document = _rewritten("1.1") | {"schema_version": version}
    document["sha256"] = digest(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=f"schema_version.*reads up to {SCHEMA_VERSION}"):
        report_json.read(tmp_path)
    assert cli.main(["upgrade", str(tmp_path), "--out", str(tmp_path / "new")]) == 2
    if not (isinstance(version, str) and version.startswith("1.")):
        assert "schema_version" in recheck(tmp_path).failures[0]
        with pytest.raises(ValueError, match="schema_version"):
            write_scripts(tmp_path, tmp_path / "scripts")


HAND_EDITED: dict[str, Any] = {
    "no hypotheses": lambda d: d["claims"][0].pop("hypotheses"),
    "no pictures": lambda d: d.pop("pictures"),
    "other pictures": lambda d: d.update(pictures={"samples": []}),
    "too many slacks": lambda d: d["instances"][0].update(hypothesis_slack=["1", "2"]),
    "no slacks": lambda d: d["instances"][0].update(hypothesis_slack=None),
    "an unknown key": lambda d: d["inputs"][0].update(colour="red"),
    "claims of another type": lambda d: d.update(claims=7),
    "a list of claims": lambda d: d.update(claims=[[]]),
}


@pytest.mark.parametrize(
    ("fault", "version"),
    [
        *((fault, SCHEMA_VERSION) for fault in HAND_EDITED),
        *((fault, "1.1") for fault in HAND_EDITED if fault not in {"no hypotheses", "no pictures"}),
    ],
)
def test_parts_that_do_not_fit_are_refused_even_with_a_right_digest(
    fault: str, version: str, tmp_path: Path
) -> None:
    document = _rewritten("1.1") if version == SCHEMA_VERSION else _stored("1.1")
    HAND_EDITED[fault](document)
    document["sha256"] = digest(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="do not fit together"):
        report_json.read(tmp_path)


def test_new_parts_are_read_back() -> None:
    document = {"x": ["0", "1"], "sigma": "1/3"}
    entry = row("TRUE", slack="2.000", hypothesis_slack=("2.500", None))
    source = claim(derivation="posterior", hypotheses=_premises("Delta >= 1", "a network"))
    whole = report([entry], claims=(source,), inputs=(Input.of(document, name="small", size=2),))
    again = report_json.from_json(report_json.render(whole))
    assert again.claims[0].claim.assumptions == ("Delta >= 1", "a network")
    assert again.claims[0].claim.derivation == "posterior"
    assert again.rows == whole.rows
    assert again.inputs == whole.inputs
    assert again.inputs[0].document == document
    assert again.inputs[0].sha256 == digest(document)
    assert report_json.render(again) == report_json.render(whole)


def test_a_long_instance_is_known_by_its_digest_only() -> None:
    long = {"x": [str(number) for number in range(20_000)], "sigma": "1/3"}
    entry = Input.of(long, name="long", size=20_000)
    assert (entry.document, entry.sha256) == (None, digest(long))
    limit = 64 * 1024
    room = limit - len(json.dumps({"x": [""]}, separators=(",", ":")))
    for spare, kept in ((0, True), (1, False)):
        exact = {"x": ["1" * (room + spare)]}
        assert (Input.of(exact, name="exact", size=1).document is not None) == kept


def test_the_page_on_the_form_names_every_key_and_version() -> None:
    page = (Path(__file__).parents[2] / "docs" / "report-format.md").read_text()
    named = set(re.findall(r"`(\w+)`", page))
    parts = [schema(), *schema()["$defs"].values()]
    keys = {key for part in parts for key in part.get("properties", ())}
    assert len(keys) > 80
    assert keys - named == set()
    assert f"now `{SCHEMA_VERSION}`" in page
    for version in ("1.0", "1.1", "1.2", SCHEMA_VERSION):
        assert f"\n| {version} |" in page


def _premises(*statements: str) -> tuple[Structural, ...]:
    return tuple(Structural(statement, "has_network") for statement in statements)

"""`recheck` passes what the engine wrote and fails on everything that was changed since."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dsmverify import Instance, check
from dsmverify.replay import recheck, write_scripts
from dsmverify.replay.boxes import box_of, proof_faults, tiling_fault
from dsmverify.report.certificates import digest

inner = importlib.import_module("dsmverify.replay.recheck")
IDS = ["cor03a", "hess15", "lem11b", "lem13", "prop09a"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with two proofs and three counterexamples."""
    instances = [
        Instance.from_json({"x": ["1", "3"], "mu": "1/2", "sigma": "1/5"}, name="pair"),
        Instance.from_json(
            {
                "x": ["0", "1", "2"],
                "mu": "1/2",
                "sigma": "1/16",
                "network": {
                    "inner_weights": ["1", "-1"],
                    "biases": ["-1/4", "1/2"],
                    "outer_weights": ["2", "-3"],
                },
                "parameters": {"k": 2, "A": "1"},
            },
            name="triple",
        ),
    ]
    folder = tmp_path_factory.mktemp("report")
    check(instances, claims=IDS).write(folder)
    return folder / "report.json"


@pytest.fixture
def document(report: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(report.read_text())
    return loaded


def claim_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in document["claims"] if entry["id"] == name)
    return found


def judged(document: dict[str, Any], name: str) -> Any:
    return inner.recheck_claim(claim_of(document, name), document)


def test_what_the_engine_wrote_passes(report: Path) -> None:
    result = recheck(report)
    assert result.failures == ()
    assert [finding.claim for finding in result.findings] == sorted(IDS)
    assert result.exit_status == 0
    assert recheck(report.parent).passed


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from leaves(value[index], (*path, index))
    else:
        yield path


def changed(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    other = copy.deepcopy(document)
    *way, last = path
    place = other
    for key in way:
        place = place[key]
    old = place[last]
    if isinstance(old, int):
        place[last] = old + 1
    elif old is None:
        place[last] = "1"
    else:
        try:
            place[last] = str(Fraction(old) * 2 + 1)
        except ValueError:
            place[last] = f"{old}!"
    return other


def test_a_change_of_any_field_of_a_certificate_is_found(document: dict[str, Any]) -> None:
    certificate = claim_of(document, "cor03a")["certificate"]
    for path in leaves(certificate):
        other = copy.deepcopy(document)
        claim_of(other, "cor03a")["certificate"] = changed(certificate, path)
        assert judged(other, "cor03a").faults, path


def test_a_change_of_any_field_is_found_though_the_digest_is_made_anew(
    document: dict[str, Any],
) -> None:
    certificate = claim_of(document, "cor03a")["certificate"]
    for path in leaves(certificate):
        if path == ("sha256",):
            continue
        other = copy.deepcopy(document)
        forged = changed(certificate, path)
        forged["sha256"] = digest(forged)
        claim_of(other, "cor03a")["certificate"] = forged
        assert judged(other, "cor03a").faults, path


@pytest.mark.parametrize("side", ["lhs", "rhs"])
def test_wrong_enclosures_are_found_by_recomputing(document: dict[str, Any], side: str) -> None:
    entry = claim_of(document, "prop09a")
    certificate = entry["certificate"]
    wrong = {"lower": "1.5", "upper": "1.6"}
    for row in document["instances"]:
        if row["claim"] == "prop09a" and row["instance"] == certificate["instance"]:
            row[side] = wrong
    certificate[side] = wrong
    certificate["slack"] = None
    certificate["sha256"] = digest(certificate)
    faults = judged(document, "prop09a").faults
    assert any("outside [1.5, 1.6]" in fault for fault in faults)


def test_a_change_of_the_report_outside_certificates_is_found(
    document: dict[str, Any], tmp_path: Path
) -> None:
    document["claims"][0]["method"] = "by hand"
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    assert any("sha256" in fault for fault in recheck(path).faults)


def test_a_verdict_made_milder_is_found(document: dict[str, Any], tmp_path: Path) -> None:
    entry = claim_of(document, "cor03a")
    entry.update(verdict="HOLDS", certificate=None, witness=None)
    document["sha256"] = digest(document)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    assert any("HOLDS, but" in fault for fault in recheck(path).faults)


def test_a_missing_certificate_fails(document: dict[str, Any]) -> None:
    claim_of(document, "lem13")["certificate"] = None
    assert judged(document, "lem13").faults == ("it has no certificate",)


def test_an_id_without_second_path_fails(document: dict[str, Any]) -> None:
    entry = claim_of(document, "lem13")
    entry["id"] = entry["certificate"]["claim"] = "lem99"
    assert any("no second path" in fault for fault in judged(document, "lem99").faults)


def test_no_report_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("[]")
    assert not recheck(path).passed
    assert not recheck(tmp_path / "none.json").passed


def test_scripts_stand_alone(report: Path, tmp_path: Path) -> None:
    scripts = write_scripts(report, tmp_path)
    assert [path.stem for path in scripts] == ["cor03a", "hess15", "prop09a"]
    for path in scripts:
        text = path.read_text()
        assert text.count("\n") <= 150
        assert "import dsmverify" not in text
        assert "from dsmverify" not in text
        done = subprocess.run(
            [sys.executable, "-I", path], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("FAILS") == 2


def proof(boxes: list[list[list[str]]]) -> dict[str, Any]:
    """A proof of cor03.d at n = 2, where both sides are 2 kappa."""
    return {
        "claim": "cor03.d",
        "factor": "1",
        "relation": "<=",
        "covers": [
            {
                "i": 0,
                "places": [[0, 0], [1, 0]],
                "place": None,
                "parameters": ["kappa"],
                "range": [["2", "6"]],
                "boxes": [
                    {
                        "box": box,
                        "left": {"lower": "4", "upper": "12"},
                        "right": {"lower": "4", "upper": "12"},
                        "margin": {"lower": "0", "upper": "0"},
                    }
                    for box in boxes
                ],
            }
        ],
    }


def test_boxes_must_tile_their_range() -> None:
    whole = box_of([["0", "1"], ["0", "1"]])
    left, right = box_of([["0", "1/2"], ["0", "1"]]), box_of([["1/2", "1"], ["0", "1"]])
    wide = box_of([["1/4", "3/4"], ["0", "1"]])
    assert tiling_fault(whole, [left, right]) is None
    assert "volumes" in str(tiling_fault(whole, [left]))
    assert "overlap" in str(tiling_fault(whole, [left, wide]))
    assert "beyond" in str(tiling_fault(left, [right]))


def test_boxes_are_recomputed() -> None:
    side = inner._normal_side("cor03.d")
    assert proof_faults(proof([[["2", "3"]], [["3", "6"]]]), side) == []
    wrong = proof([[["2", "6"]]])
    wrong["covers"][0]["boxes"][0]["right"] = {"lower": "100", "upper": "101"}
    assert any("outside its enclosure" in fault for fault in proof_faults(wrong, side))
    open_sides = proof([[["2", "6"]]])
    open_sides["covers"][0]["boxes"][0]["margin"] = None
    assert any("do not give the relation" in fault for fault in proof_faults(open_sides, side))
    false_margin = proof([[["2", "6"]]])
    false_margin["covers"][0]["boxes"][0]["margin"] = {"lower": "9", "upper": "9"}  # 12 - 4 is 8
    assert any("do not give the relation" in fault for fault in proof_faults(false_margin, side))
    other_factor = proof([[["2", "6"]]]) | {"factor": "2"}  # the margin is that of the sides alone
    assert any("do not give the relation" in fault for fault in proof_faults(other_factor, side))
    assert any("no second path" in fault for fault in proof_faults(proof([[["2", "6"]]]), None))


def test_the_second_path_imports_neither_the_engine_nor_flint() -> None:
    code = (
        "import sys, dsmverify.replay; print(*sorted(name for name in sys.modules if "
        "name.startswith('dsmverify.') and not name.startswith('dsmverify.replay') "
        "or name.partition('.')[0] in {'flint', 'numpy', 'scipy', 'sympy', 'torch'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

"""Cells: the same everywhere and every time, and of another key when what decides them changes."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import dsmverify
from dsmverify.sweeps import cells, configuration, origins, packaged
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.origins import Origin
from dsmverify.sweeps.samples import Data

TEXT = """
[[train]]
rates = [0.01, 0.02]
duration = 10
runs = 3
runs_per_cell = 2
sigma = [0.1]
widths = [20, 30]
parametrisations = ["experiments", "theory"]
[[train.samples]]
points = [0, 1]
[[check]]
claims = ["thm08", ["prop02a", "prop02b"]]
sigma = [0.1, 0.2]
learning_rates = [0.001, 0.01]
seeds = [0, 1]
proofs = false
[[check.samples]]
name = "first"
points = [0, 1, 3]
[[check.samples]]
name = "second"
points = [0, 2, 3]
"""


def expand(text: str = TEXT) -> list[Cell]:
    return cells.expand(configuration.parse(text, "mine.toml"))


def test_order_is_as_documented() -> None:
    found = expand()
    checks = [cell for cell in found if cell.kind == "check"]
    assert [cell.kind for cell in found] == ["check"] * 32 + ["train"] * 16
    each = [
        (
            cell.labels["sample"],
            cell.labels["sigma"],
            cell.labels["learning_rate"],
            cell.labels["seed"],
            cell.settings["claims"],
        )
        for cell in checks
    ]
    first, second = ("thm08@mean", "thm08@sum"), ("prop02a", "prop02b")
    assert each == [
        (sample, sigma, rate, seed, claims)
        for sample in ("first", "second")
        for sigma in ("0.1", "0.2")
        for rate in ("0.001", "0.01")
        for seed in ("0", "1")
        for claims in (first, second)
    ]
    trains = [cell.settings for cell in found if cell.kind == "train"]
    assert [(s["parametrisation"], s["width"], s["rate"], len(s["seeds"])) for s in trains] == [
        (parametrisation, width, rate, part)
        for parametrisation in ("experiments", "theory")
        for width in (20, 30)
        for rate in ("0.01", "0.02")
        for part in (2, 1)
    ]
    assert [s["steps"] for s in trains[::2]] == [1000, 500] * 4


def test_what_an_instance_says_itself_is_not_varied(tmp_path: Path) -> None:
    """Its noise level and its learning rate, each where it has one."""
    (tmp_path / "list.json").write_text(
        '[{"x": ["0", "1"], "sigma": "0.5", "learning_rate": "0.7"},'
        ' {"x": ["0", "1"], "sigma": "0.6"}]'
    )
    text = (
        '[[check]]\nclaims = ["thm08"]\nproofs = false\nsigma = [0.1, 0.2]\n'
        'learning_rates = [0.001, 0.01]\n[[check.samples]]\nfile = "list.json"\n'
        '[[check.samples]]\nname = "c"\npoints = [0, 2]\n'
    )
    found = cells.expand(configuration.parse(text, "mine.toml", folder=tmp_path))
    assert [(cell.labels["sigma"], cell.labels["learning_rate"]) for cell in found] == [
        ("0.5", "0.7"),
        *(("0.6", rate) for rate in ("0.001", "0.01")),
        *((sigma, rate) for sigma in ("0.1", "0.2") for rate in ("0.001", "0.01")),
    ]
    assert [cell.settings["learning_rate"] for cell in found] == [
        cell.labels["learning_rate"] for cell in found
    ]


def test_keys_are_all_different() -> None:
    found = expand()
    assert len({cell.key for cell in found}) == len(found)


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_another_process_expands_to_the_same_keys(seed: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(TEXT)
    program = (
        "import sys; from dsmverify.sweeps import cells, configuration\n"
        "for cell in cells.expand(configuration.load(sys.argv[1])): print(cell.key)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "sweep.toml")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert found.stdout.split() == [cell.key for cell in expand()]


def test_the_key_is_the_documented_hash() -> None:
    for cell in expand():
        parts = [
            cells.FORM,
            cell.kind,
            cell.origin.code,
            dict(cell.origin.libraries),
            cell.data.digest,
            cell.settings,
        ]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        assert cell.key == hashlib.sha256(text.encode()).hexdigest()


def test_cells_survive_pickling() -> None:
    for cell in expand():
        assert pickle.loads(pickle.dumps(cell)) == cell


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case None:
            return "0.5"
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}1"
        case dict():
            return {name: changed(entry) for name, entry in value.items()}
        case list() | tuple():
            return [*value, changed(value[-1])]
    raise TypeError(value)


def paths(value: Any, inside: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [inside]
    return [path for name, entry in value.items() for path in paths(entry, (*inside, name))]


def mutated(value: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return changed(value)
    return {**value, path[0]: mutated(value[path[0]], path[1:])}


@pytest.mark.parametrize("kind", ["check", "train"])
def test_every_setting_is_in_the_key(kind: str) -> None:
    cell = next(cell for cell in expand() if cell.kind == kind)
    found = paths(dict(cell.settings))
    assert len(found) >= 5
    for path in found:
        other = Cell.of(kind, mutated(cell.settings, path), cell.data)
        assert other.key != cell.key, path


@pytest.mark.parametrize("kind", ["check", "prove", "train", "experiment"])
def test_code_and_every_library_are_in_the_key(kind: str) -> None:
    ours, data = origins.of(kind), Data.of({"x": ["0", "1"]})
    cell = Cell.of(kind, {}, data)
    assert Cell.of(kind, {}, data, origin=replace(ours, code="0" * 64)).key != cell.key
    assert set(origins.LIBRARIES[kind]) | {"python"} <= set(ours.libraries)
    for name in ours.libraries:
        other = Origin(ours.code, {**ours.libraries, name: "0.0"})
        assert Cell.of(kind, {}, data, origin=other).key != cell.key, name


def test_data_and_kind_are_in_the_key() -> None:
    origin = origins.of("check")
    keys = [
        Cell.of(kind, {}, Data.of({"x": points}), origin=origin).key
        for kind in ("check", "train")
        for points in (["0", "1"], ["0", "2"])
    ]
    assert len(set(keys)) == 4


def test_names_of_samples_are_labels() -> None:
    renamed = expand(TEXT.replace('"first"', '"another"'))
    assert [cell.key for cell in renamed] == [cell.key for cell in expand()]
    assert renamed[0].labels["sample"] == "another"


def test_a_setting_of_the_file_changes_its_cells_only() -> None:
    before, after = expand(), expand(TEXT.replace("widths = [20, 30]", "widths = [20, 31]"))
    differ = [b.settings["width"] for b, a in zip(before, after, strict=True) if a.key != b.key]
    assert differ == [30] * 8


def test_the_digest_covers_what_decides() -> None:
    root = Path(dsmverify.__file__).parent
    covered = origins.files("check")
    for name in ("certify.py", "formulas/risk.py", "systems/balls.py", "sweeps/kinds.py"):
        assert covered[f"dsmverify/{name}"] == root / name
    assert any(name.startswith("checks/") for name in covered)
    assert any(name.startswith("derivations/") for name in covered)
    for name in ("cli.py", "sweeps/store.py", "sweeps/export.py", "report/json.py"):
        assert f"dsmverify/{name}" not in covered
    assert not any(name.startswith("checks/") for name in origins.files("train"))


DECIDE = """
import sys
sys.modules.update({f"dsmverify.{name}": None for name in sys.argv[1:]})
from dsmverify import catalogue, certify, families
from dsmverify.instance import Instance
instance = Instance.from_json({"x": [0, 1, 3], "sigma": "0.3", "learning_rate": "0.01"})
assert families.networks_for(instance)
session = certify.Session(instance)
for claim in catalogue.claims():
    if claim.subject == "sample" and not claim.undecidable:
        session.decide(claim)
"""


def test_what_is_left_out_of_the_digest_of_a_check_is_not_needed() -> None:
    """Claims are decided in a process where the modules that are left out cannot be imported."""
    left_out = sorted(
        name.removesuffix(".py") for name in (origins.UNUSED["check"] | origins.PRESENTING)
    )
    subprocess.run([sys.executable, "-c", DECIDE, *left_out], check=True)


def imported(module: str) -> set[str]:
    """Modules of the package that a module imports anywhere in it, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    ours = {name for name in found if name.startswith("dsmverify.")}
    return {name for name in ours if source(name).is_file()}


def source(module: str) -> Path:
    place = Path(dsmverify.__file__).parent.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def test_what_is_left_out_of_the_digest_of_training_cannot_be_reached() -> None:
    todo = [f"dsmverify.experiments.{kind}" for kind in packaged.GROUPS]
    # Training paths are found by their names.
    ensembles = Path(dsmverify.__file__).parent / "ensembles"
    todo += [f"dsmverify.ensembles.{file.stem}" for file in ensembles.glob("[a-z]*.py")]
    reached: set[str] = set()
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += imported(module)
    assert "dsmverify.ensembles.philox" in reached
    names = {name.split(".")[1] for name in reached}
    for kind in ("train", "experiment"):
        left_out = {name.removesuffix(".py") for name in origins.UNUSED[kind] | origins.PRESENTING}
        assert not names & left_out


def test_a_changed_byte_of_the_code_changes_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    digests = []
    for content in (b"a = 1\n", b"a = 2\n", b"a = 22\n"):
        file.write_bytes(content)
        digests.append(origins.digest({"one.py": file}))
    file.rename(tmp_path / "two.py")
    digests.append(origins.digest({"two.py": tmp_path / "two.py"}))
    assert all(a != b for a, b in pairwise(digests))

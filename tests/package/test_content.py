"""Content is loaded under one name per process, from the checkout or from the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsmverify import content
from dsmverify.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

SHARED = {"_networks", "_premises"}
"""Modules of `checks/` that hold no claims and that claims import."""

LISTING = """
import json, sys
from dsmverify import content
found = {
    "modules": [module.__name__ for module in content.claim_modules()],
    "names": content.derivation_names(),
    "loaded": sorted(name for name in sys.modules if name.split(".")[-2:-1] == ["checks"]),
    "derivations": [name for name in sys.modules if name.split(".")[-2:-1] == ["derivations"]],
}
print(json.dumps(found))
"""


def listing(folder: Path, before: str = "") -> Any:
    code = f"import sys; sys.path.append({str(ROOT)!r})\n{before}\n{LISTING}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def public(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / folder).glob("[!_]*.py"))


def test_every_module_of_checks_is_listed_and_has_claims() -> None:
    modules = content.claim_modules()
    assert [module.__name__ for module in modules] == [
        f"checks.{name}" for name in public("checks")
    ]
    assert [module.__name__ for module in modules if not hasattr(module, "CLAIMS")] == []


def test_derivations_are_listed_from_any_folder_and_not_loaded(tmp_path: Path) -> None:
    found = listing(tmp_path)
    assert found["names"] == public("derivations")
    assert found["modules"] == [f"checks.{name}" for name in public("checks")]
    assert set(found["loaded"]) - set(found["modules"]) == {f"checks.{name}" for name in SHARED}
    assert found["derivations"] == []


def test_another_package_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("somebody = 'else'\n", encoding="utf-8")
    # not imported before: ours is loaded by its file, under its short name
    assert listing(tmp_path)["modules"] == [f"checks.{name}" for name in public("checks")]
    # imported before: ours takes its long name, and only that
    prefix = content.INSTALLED_NAME
    expected = [f"{prefix}.checks.{name}" for name in public("checks")]
    found = listing(tmp_path, "import checks; assert checks.somebody")
    assert found["modules"] == expected
    assert set(found["loaded"]) - set(expected) == {f"{prefix}.checks.{name}" for name in SHARED}


def test_an_unknown_derivation_lists_the_names() -> None:
    names = content.derivation_names()
    with pytest.raises(InputError, match="no derivation with this name") as caught:
        content.derivation_module("no_such_formula")
    assert all(name in str(caught.value) for name in names)


@pytest.mark.parametrize("name", ["checks/nothing.toml", "expected.toml", "tests/conftest.py", ""])
def test_an_unknown_resource_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        content.resource_text(name)


def test_the_expected_verdicts_can_be_read() -> None:
    text = (ROOT / "checks" / "expected.toml").read_text(encoding="utf-8")
    assert content.resource_text("checks/expected.toml") == text


def test_a_checkout_is_told_from_an_installed_package(tmp_path: Path) -> None:
    assert content.checkout_root(ROOT / "dsmverify") == ROOT
    assert content.checkout_root(tmp_path / "site-packages" / "dsmverify") is None

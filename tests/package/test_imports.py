"""What an import of the package costs, and what content may import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTENT = sorted(
    path for folder in ("checks", "derivations") for path in ROOT.glob(f"{folder}/*.py")
)


@pytest.mark.parametrize("module", ["dsmverify", "dsmverify.content", "dsmverify.cli"])
def test_torch_and_sympy_are_imported_where_they_are_used(module: str) -> None:
    code = f"import {module}, sys; print(*{{'sympy', 'torch'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


@pytest.mark.parametrize("path", CONTENT, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_content_never_imports_itself_by_absolute_name(path: Path) -> None:
    absolute: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            absolute += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"line {node.lineno}: leaves its folder"
            absolute += [node.module or ""] if node.level == 0 else []
    assert {name.partition(".")[0] for name in absolute}.isdisjoint({"checks", "derivations"})


def test_public_names_are_no_modules() -> None:
    """A module `dsmverify.check` would take the place of the function once it is imported."""
    code = (
        "import pkgutil, importlib, dsmverify;"
        "names = {found.name for found in pkgutil.iter_modules(dsmverify.__path__)};"
        "print(*sorted(names & set(dsmverify.__all__)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

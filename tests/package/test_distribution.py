"""The sdist, the wheel built from it, and the wheel installed: one top-level name, every claim."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from tests.package.installing import ROOT, run

SHIPPED = {
    "checks": "dsmverify/_content/checks",
    "derivations": "dsmverify/_content/derivations",
    "dsmverify": "dsmverify",
}


def test_the_wheel_holds_the_tracked_files_and_no_other(
    tracked: list[str], distributions: Path
) -> None:
    (path,) = distributions.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = set()
    for name in tracked:
        folder, *rest = PurePosixPath(name).parts
        if rest and folder in SHIPPED:
            expected.add(str(PurePosixPath(SHIPPED[folder], *rest)))
    missing, extra = sorted(expected - found), sorted(found - expected)
    assert (missing, extra) == ([], []), "see [tool.setuptools] in pyproject.toml"


def test_the_sdist_holds_what_its_tests_need(tracked: list[str], distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        found = {name.partition("/")[2] for name in sdist.getnames()}
    folders = ("benchmarks/", "checks/", "derivations/", "dsmverify/", "tests/")
    files = (
        "CITATION.cff",
        "LICENSE",
        "Makefile",
        "README.md",
        "constraints.txt",
        "pyproject.toml",
    )
    expected = {name for name in tracked if name.startswith(folders) or name in files}
    assert sorted(expected - found) == [], "see MANIFEST.in"


def test_the_installed_wheel_loads_its_own_content(installed: Path, tmp_path: Path) -> None:
    code = (
        "import dsmverify.content as content; print(content.__file__);"
        "print(*[module.__name__ for module in content.claim_modules()]);"
        "print(*content.derivation_names());"
        "content.resource_text('checks/expected.toml')"
    )
    lines = run(installed / "bin" / "python", "-c", code, cwd=tmp_path).splitlines()
    assert Path(lines[0]).is_relative_to(installed)
    checks = sorted(path.stem for path in ROOT.glob("checks/[!_]*.py"))
    assert lines[1].split() == [f"dsmverify._content.checks.{name}" for name in checks]
    assert lines[2].split() == sorted(path.stem for path in ROOT.glob("derivations/[!_]*.py"))


def test_the_installed_command_lists_the_claims(installed: Path, tmp_path: Path) -> None:
    assert "prop02a" in run(installed / "bin" / "dsmverify", "claims", cwd=tmp_path)


def test_the_installed_command_checks_a_claim(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("x\n0\n1\n3\n", encoding="utf-8")
    command = "check sample.csv --sigma 0.1 --claims prop02a --out report"
    run(installed / "bin" / "dsmverify", *command.split(), cwd=tmp_path)
    assert "prop02a" in (tmp_path / "report" / "report.json").read_text(encoding="utf-8")

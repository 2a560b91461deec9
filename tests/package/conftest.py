"""The sdist, the wheel built from it, and an environment with that wheel installed, once a run."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.package.installing import ROOT, run, version


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """Files of the checkout that git tracks, or would: new files count, ignored ones do not."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = run(
        *("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), cwd=ROOT
    )
    return sorted(name for name in listing.split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="session")
def distributions(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an sdist of the tracked files and of the wheel built from that sdist."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    folder = tmp_path_factory.mktemp("distributions")
    build = ("-m", "build", "--no-isolation", "--outdir", str(folder))
    run(sys.executable, *build, cwd=source)
    return folder


@pytest.fixture(scope="session")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Site-packages of a new environment: the wheel, and this environment's dependencies."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (wheel,) = distributions.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=environment)
    where = run(
        *(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"), cwd=environment
    )
    site = Path(where.strip())
    own = sorted(path.name for path in site.iterdir())
    assert own == ["dsmverify", f"dsmverify-{version()}.dist-info"]
    borrowed = "\n".join(sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    (site / "dependencies.pth").write_text(borrowed, encoding="utf-8")
    return environment

"""Where nothing can be written, what stood there stays, byte for byte, and the message says why.

A full disk and a read-only one are real ones: small file systems in memory, mounted in a
namespace of their own. A limit on the size of files stands in where mounting is not permitted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dsmverify.errors import OutputError
from dsmverify.report.files import write_files
from tests.report.outcomes import claim, report, row

ROOT = Path(__file__).resolve().parents[2]
CSV = ROOT / "examples" / "radii.csv"
UNSHARE = shutil.which("unshare")
_LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
_PROGRAM = "import sys; from dsmverify.cli import main; sys.exit(main(sys.argv[1:]))"
STATUS = 2
"""Exit status of bad input or usage."""

# Runs in a namespace: a small file system at $1, with the files of $2 in it and at most $3 KiB
# more, mounted again with the options $4; then the command; then what is there goes to $5.
_SMALL = """
set -e
mount -t tmpfs -o size=16m none "$1"
cp -a "$2"/. "$1"
dd if=/dev/zero of="$1/ballast" bs=1024 2>/dev/null || true
truncate -s -"$3"K "$1/ballast"
mount -o "remount,$4" "$1"
out=$5
folder=$1
shift 5
status=0
"$@" || status=$?
rm -rf "$out"
cp -a "$folder" "$out"
exit "$status"
"""


def _mounts() -> bool:
    if UNSHARE is None:
        return False
    command = [UNSHARE, "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(
    not _mounts(), reason="no small file system can be mounted here: full disks are not tested"
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report with every file that a command writes."""
    folder = tmp_path_factory.mktemp("stored")
    rows = [row("TRUE", f"sample {number}", slack="1.818") for number in range(100)]
    report(rows, claims=[claim(repairs=None)]).write(folder)
    for arguments in (("tables", str(folder), "--format", "csv"), ("explorer",)):
        _run([*arguments, "--out", str(folder)])
    return folder


COMMANDS: Mapping[str, Callable[[Path, Path], list[str]]] = {
    "check": lambda _, out: [
        *("check", str(CSV), "--sigma", "0.05", "--claims", "prop02a", "--out", str(out))
    ],
    "html": lambda source, out: ["html", str(source), "--out", str(out)],
    "tables": lambda source, out: ["tables", str(source), "--format", "csv", "--out", str(out)],
    "explorer": lambda _, out: ["explorer", "--out", str(out)],
    "upgrade": lambda source, out: ["upgrade", str(source), "--out", str(out)],
}
commands = pytest.mark.parametrize("name", sorted(COMMANDS))


def _run(
    arguments: list[str], before: list[str] | None = None, *, largest: int | None = None
) -> subprocess.CompletedProcess[str]:
    limit = "" if largest is None else _LIMIT.format(largest)
    return subprocess.run(
        [*(before or []), sys.executable, "-c", limit + _PROGRAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _contents(folder: Path) -> dict[str, str]:
    """Digests of all files by name, hidden ones too; of folders only the names."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def _refused(done: subprocess.CompletedProcess[str], *reasons: str) -> None:
    assert done.returncode == STATUS, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: --out: "), done.stderr
    assert any(reason in lines[0] for reason in reasons), lines
    assert "report:" not in done.stdout


@commands
def test_without_hindrance_every_command_writes(name: str, stored: Path, tmp_path: Path) -> None:
    done = _run(COMMANDS[name](stored, tmp_path / "new"))
    assert done.returncode == 0, done.stderr
    assert _contents(tmp_path / "new")


@commands
@needs_mount
@pytest.mark.parametrize("room", [0, 8])
def test_full_disk(name: str, room: int, stored: Path, tmp_path: Path) -> None:
    disk, after = tmp_path / "disk", tmp_path / "after"
    disk.mkdir()
    before = [str(UNSHARE), "-rm", "bash", "-c", _SMALL, "bash"]
    before += [str(disk), str(stored), str(room), "rw", str(after)]
    done = _run(COMMANDS[name](stored, disk), before)
    _refused(done, "no space left on device")
    found = _contents(after)
    del found["ballast"]
    assert found == _contents(stored)


@commands
@needs_mount
def test_read_only_disk(name: str, stored: Path, tmp_path: Path) -> None:
    disk, after = tmp_path / "disk", tmp_path / "after"
    disk.mkdir()
    before = [str(UNSHARE), "-rm", "bash", "-c", _SMALL, "bash"]
    before += [str(disk), str(stored), "64", "ro", str(after)]
    done = _run(COMMANDS[name](stored, disk), before)
    _refused(done, "read-only file system", "no permission to write")
    found = _contents(after)
    del found["ballast"]
    assert found == _contents(stored)


@commands
def test_files_that_may_not_grow(name: str, stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    shutil.copytree(stored, folder)
    done = _run(COMMANDS[name](stored, folder), largest=64)
    _refused(done, "file too large")
    assert _contents(folder) == _contents(stored)


@commands
@pytest.mark.parametrize("below", ["", "below"])
def test_the_folder_is_a_file(name: str, below: str, stored: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    done = _run(COMMANDS[name](stored, file / below))
    _refused(done, "not a folder", "not a directory", "file exists")
    assert _contents(tmp_path) == {"file": hashlib.sha256(b"kept").hexdigest()}


@commands
def test_a_folder_has_the_name_of_a_file(name: str, stored: Path, tmp_path: Path) -> None:
    """The last file cannot be replaced: then none is."""
    folder = tmp_path / "report"
    written = tmp_path / "written"
    assert _run(COMMANDS[name](stored, written)).returncode == 0
    shutil.copytree(stored, folder)
    for path in written.iterdir():
        (folder / path.name).unlink(missing_ok=True)
        (folder / path.name).write_text("old", encoding="utf-8")
    last = max(written.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    (folder / last.name).unlink()
    (folder / last.name).mkdir()
    (folder / last.name / "kept").write_text("kept", encoding="utf-8")
    before = _contents(folder)
    _refused(_run(COMMANDS[name](stored, folder)), "is a directory", "is a folder")
    assert _contents(folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
@commands
def test_no_permission(name: str, stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    shutil.copytree(stored, folder)
    folder.chmod(0o500)
    try:
        _refused(_run(COMMANDS[name](stored, folder)), "permission")
        assert _contents(folder) == _contents(stored)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("failing", [1, 2, 3])
@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_cannot_be_replaced_brings_the_others_back(
    failing: int, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old a", encoding="utf-8")
    (tmp_path / "c").write_text("old c", encoding="utf-8")
    replace, calls = os.replace, iter(range(1, 100))

    def sometimes(source: Path, target: Path) -> None:
        if next(calls) == failing:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        replace(source, target)

    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "replace", sometimes)
    if not links:
        monkeypatch.setattr(os, "link", link)
    with pytest.raises(OutputError, match="operation not permitted"):
        write_files(tmp_path, dict.fromkeys("abc", "new"))
    found = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    if links:
        assert found == {"a": "old a", "c": "old c"}
    else:  # nothing is lost: a new file stays where the old one cannot come back
        assert set(found) == {"a", "c"} and found["a"] in {"old a", "new"}


def test_none_is_replaced_where_one_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_text("old", encoding="utf-8")
    with pytest.raises(OutputError, match="b is a folder"):
        write_files(tmp_path, {"a": "new", "b": "new", "c": "new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"

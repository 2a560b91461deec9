"""Files that are there whole or not at all; `tests/sweeps/test_faults.py` lets syncs fail."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dsmverify.writing import replacing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "out.csv"
    path.write_text("old")
    return path


def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(file: Path) -> None:
    with replacing(file) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(file.parent.iterdir()) == [file]


def test_what_fails_leaves_the_old_file_and_nothing_else(file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(file) as part:
        part.write_text("half of")
        raise KeyboardInterrupt
    with pytest.raises(FileNotFoundError), replacing(file):
        pass  # nothing is written
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]
    (file.parent / "folder").mkdir()
    with pytest.raises(IsADirectoryError), replacing(file.parent / "folder") as part:
        part.write_text("new")
    with pytest.raises(FileNotFoundError), replacing(file.parent / "none" / "a") as part:
        part.write_text("new")
    assert sorted(path.name for path in file.parent.iterdir()) == ["folder", "out.csv"]


def test_two_that_write_at_the_same_time_do_not_mix(file: Path) -> None:
    with replacing(file) as first:
        first.write_text("first, and long")
        with replacing(file) as second:
            second.write_text("second")
        assert file.read_text() == "second"
    assert file.read_text() == "first, and long"


KILLED = """
import os, signal, sys
from pathlib import Path
from dsmverify.writing import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_old_file_and_a_name_that_says_so(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_text() == "old"
    (left,) = {*file.parent.iterdir()} - {file}
    assert left.match("out.csv.*.part")

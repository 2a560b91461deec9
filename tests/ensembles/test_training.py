"""The training loop: resumes to the same bytes, refuses what does not fit, and says its errors."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dsmverify.ensembles import checkpoints, training
from dsmverify.ensembles.settings import ARRAYS, Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch

BATCH = Batch(5, "mean", True)


def ensemble(steps: tuple[int, ...] = (40, 300), rate: float = 0.1) -> Ensemble:
    """Two small networks with runs of different length."""
    problems = [Problem(np.array([-1.0, 0.3, 0.8]), 0.8, 0.6), Problem(np.array([0.5]), 0.9, 0.4)]
    rates = [rate, 0.05]
    return Ensemble.of(Model(width=12), BATCH, problems, rates, [3, 4], steps)


def same(first: Networks, second: Networks) -> bool:
    names = (*ARRAYS, "diverged")
    return first.step == second.step and all(
        getattr(first, name).tobytes() == getattr(second, name).tobytes() for name in names
    )


def test_each_run_makes_its_own_number_of_steps() -> None:
    both = training.train(ensemble(), path="reference", dtype=np.float64)
    short = training.train(ensemble((40, 40)), path="reference", dtype=np.float64)
    assert (both.step, short.step) == (300, 40)
    assert both.outer[0].tobytes() == short.outer[0].tobytes()
    assert both.outer[1].tobytes() != short.outer[1].tobytes()


def test_no_steps_leave_the_start() -> None:
    still = training.train(ensemble((0, 0)), path="reference")
    assert same(still, ensemble((0, 0)).start(np.float32))


def test_a_checkpoint_goes_on_where_it_was(tmp_path: Path) -> None:
    runs, file = ensemble(), tmp_path / "work" / "run.npz"
    whole = training.train(runs, path="reference")
    networks = runs.start(np.float32)
    from dsmverify.ensembles import reference

    reference.advance(runs, networks, 123)
    checkpoints.write(file, networks, checkpoints.digest(runs, np.float32, "reference"))
    seen: list[int] = []
    resumed = training.train(
        runs, path="reference", checkpoint=file, progress=lambda done, _, __: seen.append(done)
    )
    assert same(whole, resumed)
    assert min(seen) > 40 + 123, "it began anew"
    assert same(training.train(runs, path="reference", checkpoint=file), whole)


def test_a_run_begins_where_it_is_told(tmp_path: Path) -> None:
    runs, file = ensemble((5, 5)), tmp_path / "run.npz"
    begin = runs.start()
    begin.bias += 0.25
    kept = begin.copy()
    moved = training.train(runs, start=begin, path="reference", dtype=np.float64, checkpoint=file)
    assert same(begin, kept)
    from dsmverify.ensembles import reference

    expected = begin.copy()
    reference.advance(runs, expected, 5)
    assert same(moved, expected)
    # The start decides the run: its checkpoint is not another start's.
    with pytest.raises(InputError, match="belongs to another configuration"):
        training.train(runs, path="reference", dtype=np.float64, checkpoint=file)
    begin.bias += 0.25
    with pytest.raises(InputError, match="belongs to another configuration"):
        training.train(runs, start=begin, path="reference", dtype=np.float64, checkpoint=file)
    # No start given: the ensemble's own, under the digest it always had.
    own = training.train(runs, start=runs.start(), path="reference", dtype=np.float64)
    assert same(own, training.train(runs, path="reference", dtype=np.float64))


def test_a_start_that_does_not_fit_is_refused() -> None:
    runs = ensemble((5, 5))
    with pytest.raises(InputError, match=r"start: .*2 networks of 12 neurons"):
        training.train(runs, start=runs.part([0]).start(), path="reference")
    late = runs.start()
    late.step = 2
    with pytest.raises(InputError, match="start: networks at step 2"):
        training.train(runs, start=late, path="reference")


CHILD = """
import sys, numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.ensembles.test_training import ensemble
from dsmverify.ensembles import training
training.train(ensemble((10**6, 10**6)), path="reference", checkpoint=Path(sys.argv[1]), every=0)
"""


def test_a_killed_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """Killed without warning after some checkpoint, then continued: no byte differs."""
    file, root = tmp_path / "run.npz", Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(file), str(root)])
    while not file.exists() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    runs = ensemble((10**6, 10**6))
    left = checkpoints.read(file, checkpoints.digest(runs, np.float32, "reference"))
    assert left is not None and 0 < left.step < 10**6
    # The rest is the longest part: a shorter end is compared instead of the whole run.
    end = left.step + 200
    from dsmverify.ensembles import reference

    straight = runs.start(np.float32)
    reference.advance(runs, straight, end)
    reference.advance(runs, left, end)
    assert same(straight, left)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 0.2}, "belongs to another configuration"),
        ({"steps": (40, 301)}, "belongs to another configuration"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    file = tmp_path / "run.npz"
    training.train(ensemble((1, 1)), path="reference", checkpoint=file)
    with pytest.raises(InputError, match=words):
        training.train(ensemble(**change), path="reference", checkpoint=file)  # type: ignore[arg-type]


def test_a_checkpoint_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.npz"
    training.train(ensemble((1, 1)), path="reference", checkpoint=file)
    monkeypatch.setattr(checkpoints, "FORMAT", checkpoints.FORMAT + 1)
    with pytest.raises(InputError, match="format"):
        training.train(ensemble((1, 1)), path="reference", checkpoint=file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "run.npz"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read.*delete it"):
        training.train(ensemble((1, 1)), path="reference", checkpoint=file)


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    training.train(ensemble((1, 1)), path="reference", checkpoint=tmp_path / "run.npz", every=0)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "fast"}, "path: 'fast'"),
        ({"threads": 0}, "threads: 0"),
        ({"path": "reference", "device": "cuda"}, "device: 'cuda'"),
        ({"device": "toaster"}, "device: 'toaster'"),
    ],
)
def test_bad_options(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        training.train(ensemble((1, 1)), **options)  # type: ignore[arg-type]


def test_progress_counts_network_steps() -> None:
    seen: list[tuple[int, int, str]] = []
    training.train(ensemble(), path="reference", progress=lambda *told: seen.append(told))
    assert seen[-1][:2] == (340, 340)
    assert [done for done, _, _ in seen] == sorted({done for done, _, _ in seen})

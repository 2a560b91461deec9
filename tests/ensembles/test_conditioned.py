"""Noise prediction over many times: draws, gradients, paths, slices and threads."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from dsmverify.ensembles import batched, checkpoints, memory, philox, training
from dsmverify.ensembles.batched import advance_in_chunks
from dsmverify.ensembles.conditioned import (
    BLAS_DIMENSION,
    ConditionedEnsemble,
    noise_prediction,
)
from dsmverify.ensembles.conditioned_torch import ManyTimes
from dsmverify.ensembles.philox_compiled import fill_times
from dsmverify.ensembles.philox_torch import seed_tensor
from dsmverify.ensembles.philox_torch import times as torch_times
from dsmverify.ensembles.settings import ARRAYS, Model, Networks
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.instance import Batch

MEAN = Batch(70, "mean", True)
SEEDS = [3, 2**63 + 5, 11]


def ensemble(
    d: int = 2,
    *,
    count: int = 2,
    batch: Batch = MEAN,
    rate: float = 0.3,
    steps: tuple[int, ...] = (20, 20, 20),
    model: dict[str, Any] | None = None,
    times: Times | None = None,
) -> ConditionedEnsemble:
    """Small networks on points of different number; at these rates they move and stay finite."""
    generator = np.random.default_rng(5)
    return ConditionedEnsemble.of(
        Model(**{"width": 40, "dimension": d, **(model or {})}),
        batch,
        Times() if times is None else times,
        [2 * generator.standard_normal((10 + e, d)) for e in range(count)],
        [rate / (d * (e + 1)) for e in range(count)],
        SEEDS[:count],
        steps[:count],
    )


def same(first: Networks, second: Networks) -> bool:
    names = (*ARRAYS, "diverged")
    return first.step == second.step and all(
        getattr(first, name).tobytes() == getattr(second, name).tobytes() for name in names
    )


def furthest(first: Networks, second: Networks) -> float:
    return max(float(np.abs(getattr(first, name) - getattr(second, name)).max()) for name in ARRAYS)


def on_a_device(runs: ConditionedEnsemble, networks: Networks, last: int) -> None:
    """What runs on a GPU, on the CPU: all networks at once, with draws made in torch."""
    place = torch.device("cpu")
    advance_in_chunks(
        lambda part: ManyTimes(runs, networks, part, place),
        runs,
        networks,
        last,
        place,
        size=runs.count,
    )


# Draws


def test_a_word_draws_the_time_that_its_share_of_the_sum_falls_on() -> None:
    times = Times()
    cuts = philox.thresholds(times.probabilities)
    drawn = philox.times(np.uint64(7), 9, 1001, cuts)
    w = philox.words(np.uint64(7), 7, 9, np.arange(251))
    words = np.stack(w, axis=-1).ravel()[:1001]
    sigma = np.sqrt(1 - np.exp(-2 * np.linspace(0.01, 1, 100)))
    shares = np.cumsum(sigma) / sigma.sum()
    # A word within 2^-32 of a share may fall on either side; with 1001 words none is so near.
    assert np.array_equal(drawn, np.searchsorted(shares, (words + 0.5) / 2**32))
    assert drawn.min() >= 0 and drawn.max() <= 99


def test_the_ends_of_the_words_draw_the_ends_of_the_times() -> None:
    cuts = philox.thresholds(np.array([0.25, 0.5, 0.25]))
    assert cuts.tolist() == [2**30, 3 * 2**30]
    edges = np.array([0, 2**30 - 1, 2**30, 3 * 2**30 - 1, 3 * 2**30, 2**32 - 1])
    assert np.searchsorted(cuts, edges, side="right").tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("size", [1, 3, 4, 70, 5000])
def test_all_paths_draw_the_same_times(size: int) -> None:
    cuts = philox.thresholds(Times().probabilities)
    seeds, steps = np.array([0, 12, 2**63 + 1], dtype=np.uint64), [0, 5, 2**33 + 7]
    for step in steps:
        expected = philox.times(seeds, step, size, cuts)
        numbers = torch.full((3,), step, dtype=torch.int64)
        in_torch = torch_times(seed_tensor(seeds), numbers, size, torch.from_numpy(cuts))
        assert np.array_equal(in_torch.numpy(), expected)
        for e, seed in enumerate(seeds):
            drawn = np.empty((2, size), dtype=np.int64)
            fill_times(seed, step, cuts, drawn)
            assert np.array_equal(drawn[0], expected[e])
            assert np.array_equal(drawn[1], philox.times(seed, step + 1, size, cuts))


def test_a_threshold_itself_is_the_next_time_in_all_paths() -> None:
    # Random words never meet a threshold; so the thresholds are put where the words are.
    words = np.stack(philox.words(np.uint64(1), 7, 2, np.arange(2)), axis=-1).ravel()
    cuts = np.sort(words.astype(np.int64))
    expected = np.argsort(np.argsort(words)) + 1
    drawn = np.empty((1, 8), dtype=np.int64)
    fill_times(np.uint64(1), 2, cuts, drawn)
    numbers = torch.tensor([2])
    in_torch = torch_times(
        seed_tensor(np.array([1], np.uint64)), numbers, 8, torch.from_numpy(cuts)
    )
    assert np.array_equal(philox.times(np.uint64(1), 2, 8, cuts), expected)
    assert np.array_equal(drawn[0], expected)
    assert np.array_equal(in_torch[0].numpy(), expected)


def test_times_are_drawn_in_proportion_to_their_noise() -> None:
    """A chi-square test at level 1e-6 of a million draws; times drawn evenly would fail it."""
    times = Times()
    cuts = philox.thresholds(times.probabilities)
    drawn = philox.times(np.uint64(2024), np.arange(200), 5000, cuts)
    found = np.bincount(drawn.ravel(), minlength=100)
    expected = 1e6 * times.sigma / times.sigma.sum()
    limit = float(stats.chi2.isf(1e-6, 99))
    assert float(((found - expected) ** 2 / expected).sum()) < limit
    assert float(((found - 1e4) ** 2 / 1e4).sum()) > 100 * limit


def test_examples_are_noised_points_and_their_noise() -> None:
    runs = ensemble(3)
    inputs, added = runs.examples(1, 4)
    chosen, noise = philox.training_draws(runs.seeds[1], 4, 70, 3, 11, replacement=True)
    time = np.linspace(0.01, 1, 100)[philox.times(runs.seeds[1], 4, 70, runs.cuts)]
    assert np.array_equal(added, -noise)
    assert np.array_equal(inputs[:, 0], time)
    mu, sigma = np.exp(-time)[:, None], np.sqrt(1 - np.exp(-2 * time))[:, None]
    # 1 - e^-2t loses two digits at t = 0.01: 1e-14 of points of size up to 10.
    assert np.allclose(inputs[:, 1:], mu * runs.samples[1][chosen] + sigma * noise, atol=1e-13)


@pytest.mark.parametrize("d", [1, 5])
def test_a_network_of_zeros_has_the_loss_d(d: int) -> None:
    _, added = ensemble(d, batch=Batch(5000, "mean", True)).examples(0, 0)
    loss = float((added**2).sum(axis=1).mean())
    # The sum of d squared normals has variance 2 d; five standard errors of a mean over 5000.
    assert abs(loss - d) < 5 * np.sqrt(2 * d / 5000)


# Networks


def test_the_start_is_gaussian_with_variance_one_over_d() -> None:
    runs = ensemble(3, model={"width": 4000})
    start = runs.start()
    assert start.outer.shape == (2, 4000, 3) and start.inner.shape == (2, 4000, 4)
    assert not start.bias.any() and not start.offset.any()
    # A variance from k normals has the relative standard error sqrt(2 / k): k = 4000 in a column.
    for weights, variance in ((start.outer, 1.0), (start.inner, 1 / 3)):
        ratio = weights.var(axis=1) / variance
        assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / 4000)
    other = replace(runs, inner_variance="input").start()
    assert np.allclose(other.inner, start.inner * np.sqrt(3 / 4), rtol=1e-15)
    assert np.array_equal(other.outer, start.outer)
    # A network's start is its seed's, whatever the company.
    assert np.array_equal(runs.part([1]).start().inner[0], start.inner[1])


@pytest.mark.parametrize("output", ["mean", "root"])
def test_noise_prediction_is_the_network_by_its_formula(output: str) -> None:
    runs = ensemble(3, model={"output": output, "bias_deviation": 0.5})
    networks = runs.start(np.float32)
    networks.offset += np.float32(0.25)
    y = np.random.default_rng(1).standard_normal((7000, 3))  # more than one block of rows
    found = noise_prediction(runs.model, networks, 1, y, 0.3)
    k = 1 / 40 if output == "mean" else 1 / np.sqrt(40)
    inner, outer = networks.inner[1].astype(float), networks.outer[1].astype(float)
    for j in (0, 3, 6999):
        hidden = [
            max(0.0, float(w[0] * 0.3 + w[1:] @ y[j] + b))
            for w, b in zip(inner, networks.bias[1].astype(float), strict=True)
        ]
        # Sums of 40 terms of size 1 in float64.
        assert np.allclose(found[j], k * (np.array(hidden) @ outer) + 0.25, atol=1e-13)
    assert noise_prediction(runs.model, networks, 0, y[:0], 0.3).shape == (0, 3)


# Steps


def gradient(runs: ConditionedEnsemble, e: int) -> dict[str, Any]:
    """Gradient of network e's loss at its start and step 0, by autograd in float64."""
    start, d = runs.start(), runs.model.dimension
    leaves = {
        name: torch.tensor(getattr(start, name)[e], requires_grad=True)
        for name in ("outer", "inner", "bias", "offset")
    }
    chosen, z = philox.training_draws(
        runs.seeds[e], 0, runs.batch.size, d, len(runs.samples[e]), replacement=True
    )
    t = runs.times.values[philox.times(runs.seeds[e], 0, runs.batch.size, runs.cuts)]
    y = np.exp(-t)[:, None] * runs.samples[e][chosen] + np.sqrt(-np.expm1(-2 * t))[:, None] * z
    time, place, noise = (torch.tensor(x) for x in (t, y, z))
    active = time[:, None] * leaves["inner"][:, 0] + place @ leaves["inner"][:, 1:].T
    hidden = torch.relu(active + leaves["bias"])
    predicted = hidden @ leaves["outer"] / runs.model.width + leaves["offset"]
    loss = ((predicted - noise) ** 2).sum(dim=1).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    return {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}


@pytest.mark.parametrize("path", ["dense", "batched", "reference"])
@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_one_step_follows_the_gradient(d: int, path: training.PathName) -> None:
    runs = ensemble(d, steps=(1, 1), model={"offset": True, "bias_deviation": 0.5})
    start = runs.start()
    end = training.train(runs, path=path, dtype=np.float64, threads=1)
    for e in range(2):
        for name, slope in gradient(runs, e).items():
            factor = 1.0 if name == "offset" else 40.0
            moved = getattr(start, name)[e] - getattr(end, name)[e]
            expected = factor * runs.learning_rates[e] * slope
            assert np.abs(expected).max() > 1e-4
            # Differences of parameters of size 1: a few 1e-16, and sums over 70 rows.
            assert np.allclose(moved, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 30])
@pytest.mark.parametrize(
    ("batch", "rate", "model"),
    [
        (MEAN, 0.3, {}),
        (Batch(71, "mean", True), 0.3, {"offset": True, "bias_deviation": 0.5}),
        (Batch(10, "sum", False), 0.03, {"train_inner": False, "offset": True}),
        (Batch(33, "mean", True), 0.5, {"output": "root", "rate_times_width": False}),
    ],
)
def test_all_paths_make_the_same_steps(
    d: int, batch: Batch, rate: float, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batched, "CACHED", 40 * 16)  # a batch takes several blocks of 16 rows
    runs = ensemble(d, batch=batch, rate=rate, model=model, steps=(20, 15))
    expected = training.train(runs, path="reference", dtype=np.float64)
    assert (expected.diverged == -1).all()
    assert np.abs(expected.outer - runs.start().outer).max() > 1e-3
    device = runs.start()
    on_a_device(runs, device, 20)
    others = [
        training.train(runs, path=path, dtype=np.float64, threads=1)
        for path in ("dense", "batched")
    ]
    for found in (*others, device):
        # Rounding errors of 1e-16 in parameters of size 1, which 20 steps let grow.
        assert furthest(found, expected) < 1e-12
        assert found.step == 20


def test_frozen_inner_weights_stay() -> None:
    runs = ensemble(2, model={"train_inner": False})
    for path in ("dense", "batched"):
        end = training.train(runs, path=path, threads=1)
        assert np.array_equal(end.inner, runs.start(np.float32).inner)
        assert not np.array_equal(end.bias, runs.start(np.float32).bias)


def test_training_lowers_the_loss() -> None:
    runs = ensemble(2, batch=Batch(500, "mean", True), steps=(300, 300), rate=0.5)
    end = training.train(runs, threads=1)
    for e in range(2):
        inputs, added = runs.examples(e, 10**6)
        losses = []
        for networks in (runs.start(np.float32), end):
            errors = [
                noise_prediction(runs.model, networks, e, row[None, 1:], row[0])[0] + a
                for row, a in zip(inputs, added, strict=True)
            ]
            losses.append(float((np.array(errors) ** 2).sum(axis=1).mean()))
        # Below the loss of zero, which is 2 with a standard error of 0.09.
        assert losses[1] < min(losses[0], 1.5)


@pytest.mark.parametrize("path", ["dense", "batched", "reference"])
def test_a_run_that_diverges_is_recorded_and_left(path: training.PathName) -> None:
    runs = ensemble(2, rate=0.3, steps=(60, 60))
    wild = replace(runs, learning_rates=np.array([1e6, runs.learning_rates[1]]))
    end = training.train(wild, path=path, dtype=np.float64, threads=1)
    assert 0 < end.diverged[0] < 60 and end.diverged[1] == -1
    calm = training.train(runs, path=path, dtype=np.float64, threads=1)
    assert end.outer[1].tobytes() == calm.outer[1].tobytes()
    # No step was made on an output that was not finite.
    until = training.train(
        replace(wild, steps=np.array([end.diverged[0], 0])), path=path, dtype=np.float64
    )
    assert until.outer[0].tobytes() == end.outer[0].tobytes()
    assert end.diverged[0] == training.train(wild, path="reference", dtype=np.float64).diverged[0]


def test_one_element_is_enough_to_diverge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a batch is finite, its last block too; a point near the largest number is not."""
    monkeypatch.setattr(batched, "CACHED", 40 * 16)
    runs = replace(ensemble(1, count=1), samples=(np.array([[1.7e308], *[[0.0]] * 30]),))
    chosen, _ = philox.training_draws(runs.seeds[0], 0, 70, 1, 31, replacement=True)
    assert (chosen == 0).any() and (chosen[64:] != 0).all()
    paths: tuple[training.PathName, ...] = ("dense", "batched", "reference")
    with np.errstate(over="ignore", invalid="ignore"):
        for path in paths:
            end = training.train(runs, path=path, dtype=np.float64, threads=1)
            assert end.diverged.tolist() == [0]
            assert end.outer.tobytes() == runs.start().outer.tobytes()


# Slices, threads, checkpoints


@pytest.mark.parametrize(("path", "d"), [("dense", 2), ("dense", 5), ("batched", 5)])
def test_neither_slices_nor_threads_change_a_byte(
    path: training.PathName, d: int, tmp_path: Path
) -> None:
    runs = ensemble(d, count=3, steps=(40, 25, 33), model={"offset": True, "width": 300})
    whole = training.train(runs, path=path, threads=1)
    assert same(training.train(runs, path=path, threads=2), whole)
    advance = training._path(runs.PATHS[path], "cpu", 2)
    begun, file = runs.start(np.float32), tmp_path / "run.npz"
    for last in (3, 17):
        advance(runs, begun, last)
    checkpoints.write(file, begun, checkpoints.digest(runs, np.float32, path))
    assert same(training.train(runs, path=path, threads=1, checkpoint=file), whole)
    # A network's result is its own, whatever the company.
    alone = training.train(runs.part([1]), path=path, threads=1)
    assert alone.outer[0].tobytes() == whole.outer[1].tobytes()


def test_a_device_block_may_end_anywhere() -> None:
    runs = ensemble(2, steps=(130, 130))
    whole, cut = runs.start(), runs.start()
    on_a_device(runs, whole, 130)
    for last in (1, 60, 130):
        on_a_device(runs, cut, last)
    assert same(whole, cut)


CHILD = """
import pickle
import sys
from pathlib import Path
from dsmverify.ensembles import training
runs = pickle.loads(Path(sys.argv[1]).read_bytes())
training.train(runs, path="dense", checkpoint=Path(sys.argv[2]), every=0)
"""
"""Of what a dense run needs, and nothing else: torch and this module take seconds to load."""


def test_a_killed_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """Killed without warning after some checkpoint, then continued: no byte differs."""
    file, given = tmp_path / "run.npz", tmp_path / "runs.pickle"
    runs = ensemble(steps=(10**7,) * 2)
    given.write_bytes(pickle.dumps(runs))
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(given), str(file)])
    while not file.exists() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    left = checkpoints.read(file, checkpoints.digest(runs, np.float32, "dense"))
    assert left is not None and 0 < left.step < 10**7
    advance = training._path(runs.PATHS["dense"], "cpu", 1)
    straight, end = runs.start(np.float32), left.step + 50
    for networks in (straight, left):
        advance(runs, networks, end)
    assert same(straight, left)


@pytest.mark.parametrize(
    "other",
    [
        ensemble(times=Times(count=99)),
        replace(ensemble(), inner_variance="input"),
        ensemble(rate=0.31),
        ensemble(steps=(20, 21)),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    other: ConditionedEnsemble, tmp_path: Path
) -> None:
    file = tmp_path / "run.npz"
    training.train(ensemble(), path="dense", checkpoint=file)
    with pytest.raises(InputError, match="belongs to another configuration"):
        training.train(other, path="dense", checkpoint=file)


# Choices and bad input


def test_the_path_is_chosen_by_dimension_and_device() -> None:
    small, large = ensemble(BLAS_DIMENSION - 1), ensemble(BLAS_DIMENSION)
    assert small.usual_path("cpu") == "dense" and large.usual_path("cpu") == "batched"
    assert small.usual_path("cuda") == "batched"
    with pytest.raises(InputError, match=r"path: 'sorted'.*auto, dense, batched, reference"):
        training.train(small, path="sorted")
    with pytest.raises(InputError, match="device: 'cuda', but the dense path runs on the CPU"):
        training.train(small, path="dense", device="cuda")


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = ensemble(2)
    with pytest.raises(InputError, match=r"networks of width 10{15} .*needed.*of memory"):
        replace(runs, model=replace(runs.model, width=10**15)).start()
    with pytest.raises(InputError, match=r"batches of 10{15}: .*needed"):
        training.train(replace(runs, batch=Batch(10**15, "mean", True)))
    # Two networks and room for two more: 4 x 40 x 6 parameters of 4 bytes; 40 x 3 normals of 60;
    # 70 rows of 6 numbers of 4 bytes and noise of 2 x 8.
    exact = 4 * 40 * 6 * 4 + 40 * 3 * 60 + 70 * (6 * 4 + 2 * 8)
    monkeypatch.setattr(memory, "machine_memory", lambda: exact)
    runs.start(np.float32)
    monkeypatch.setattr(memory, "machine_memory", lambda: exact - 1)
    with pytest.raises(InputError, match=f"{exact} bytes"):
        runs.start(np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"samples": [np.zeros((3, 2))] * 2}, "2 samples, 1 rates"),
        ({"samples": [np.zeros((3, 3))]}, r"samples\[0\]: dimension 3"),
        ({"samples": [np.array([[0.0, np.nan]])]}, r"samples\[0\]: a NaN"),
        ({"learning_rates": [0.0]}, r"learning_rate\[0\]"),
        ({"seeds": [-1]}, r"seed\[0\]"),
        ({"steps": [-1]}, r"steps\[0\]"),
        ({"batch": Batch(4, "mean", False)}, r"batch.size: 4.*samples\[0\]"),
        ({"inner_variance": "half"}, "inner_variance: 'half'"),
        (
            {
                "model": Model(inner="signs", train_inner=False),
                "samples": [np.zeros(3)],
            },
            "model.inner: 'signs'",
        ),
    ],
)
def test_bad_settings(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {
        "model": Model(width=4, dimension=2),
        "batch": MEAN,
        "times": Times(),
        "samples": [np.zeros((3, 2))],
        "learning_rates": [0.1],
        "seeds": [1],
        "steps": [1],
    }
    with pytest.raises(InputError, match=words):
        ConditionedEnsemble.of(**{**given, **change})


def test_a_start_of_other_inputs_is_refused() -> None:
    runs = ensemble(2)
    begin = runs.start()
    begin.inner = begin.inner[..., 1:]
    with pytest.raises(InputError, match="start: "):
        training.train(runs, start=begin, path="dense")

"""What is asked of the memory covers what is taken: measured by the allocations of a run."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from dsmverify.diffusion.backward import Generation, generate
from dsmverify.diffusion.bridge import cluster_moments, generate_exactly
from dsmverify.diffusion.convergence import flow_finely, weak_error
from dsmverify.diffusion.scores import EmpiricalScore, GaussianScore, Score, checked
from dsmverify.ensembles import memory
from dsmverify.ensembles.noise_loss import Exam
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.metrics.wasserstein import sliced_wasserstein2

LARGE = 2**15
"""Numbers in an array that outweighs what a call takes whatever the sizes: 256 kB."""


def cloud(count: int, dimension: int) -> np.ndarray:
    return np.random.default_rng([count, dimension]).standard_normal((count, dimension))


def still(dimension: int) -> Score:
    return checked(lambda y, time: -y, dimension)


def backward(method: str, dimension: int, count: int) -> Callable[[], object]:
    score, generation = still(dimension), Generation(method, 1, count)  # type: ignore[arg-type]
    return lambda: generate(score, generation, 1)


def exactly(points: np.ndarray, count: int) -> Callable[[], object]:
    return lambda: generate_exactly(points, count, 1)


def flow(dimension: int) -> Callable[[], object]:
    score, generation = still(dimension), Generation("ode", 1, 1)
    return lambda: flow_finely(score, generation, 1)


def weak(points: np.ndarray, count: int) -> Callable[[], object]:
    score, generation = EmpiricalScore(points), Generation("heun", 1, count)
    return lambda: weak_error(score, generation, points, 1)


def sliced(x: np.ndarray, y: np.ndarray, projections: int) -> Callable[[], object]:
    return lambda: sliced_wasserstein2(x, y, projections=projections)


def exam(points: np.ndarray, times: int, draws: int) -> Callable[[], object]:
    return lambda: Exam(points, Times(count=times), 1, draws).best


CALLS = {
    **{f"{method} in many dimensions": backward(method, LARGE, 1) for method in
       ("euler", "exponential", "heun", "ode")},
    "many points": backward("heun", 100, 3000),
    "exact in many dimensions": exactly(np.zeros((1, LARGE)), 1),
    "exact of many": exactly(np.zeros((LARGE, 1)), 1),
    "many exact": exactly(cloud(40, 2), 40_000),
    "flow": flow(LARGE),
    "clusters": weak(cloud(4, 30), 100),
    "points of clusters": weak(cloud(3, 3), 30_000),
    "rules": lambda: cluster_moments(cloud(10, 2)),
    "draws of moments": lambda: cluster_moments(cloud(10, 30), draws=4000),
    "gaussian": lambda: GaussianScore(np.zeros(2), np.eye(2)).sample(10_000, 1, 0.5),
    "projections in many dimensions": sliced(cloud(2, LARGE), cloud(2, LARGE), 2),
    "projections of many": sliced(cloud(3001, 1), cloud(2000, 1), 50),
    "exam": exam(cloud(5, 100), 10, 400),
    "exam at two times": exam(cloud(5, 100), 2, 400),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_what_is_asked_for_covers_what_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    call = CALLS[name]
    call()  # modules are loaded and kernels compiled
    tracemalloc.start()
    call()
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    monkeypatch.setattr(memory, "machine_memory", lambda: 0)
    with pytest.raises(InputError, match="needed") as caught:
        call()
    size = re.search(r"\((\d+) bytes\)", str(caught.value))
    assert size is not None
    # A twentieth of the least call here is what no array of a call explains; and no call is refused
    # where a machine of three times the memory that it takes would do.
    assert taken < 1.05 * int(size[1])
    assert int(size[1]) < 3 * taken


def test_projections_are_made_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(30, 4), 2 * cloud(20, 4)
    whole = sliced_wasserstein2(x, y, projections=50, seed=3)
    monkeypatch.setattr("dsmverify.metrics.wasserstein.BLOCK", 7 * 50)
    # Products of other shapes may round differently.
    assert sliced_wasserstein2(x, y, projections=50, seed=3) == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (backward("heun", 10**12, 1), r"1 points in d = 10{12}: .*smaller count or dimension"),
        (exactly(np.zeros((1, 2)), 2**31), "2147483648 points in d = 2 .*smaller count"),
        (
            sliced(np.zeros((2, 1)), np.zeros((3, 1)), 10**13),
            "10{13} projections of 2 and 3 .*fewer points or projections",
        ),
        (exam(cloud(5, 2), 100, 10**10), "10000000000 draws at 100 times in d = 2: .*fewer draws"),
        (lambda: Generation(steps=2**31 - 1), "2147483647 steps: .*give fewer steps"),
        (lambda: cluster_moments([0.0, 1.0], nodes=(10**9, 4)), "fewer nodes"),
    ],
)
def test_what_is_too_large_names_what_makes_it_so(
    call: Callable[[], object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: 2**32)
    with pytest.raises(InputError, match=message):
        call()

"""Time of a training step: our kernels beside the loop a reader would write in torch.

The loop below draws with torch's own generator and takes nothing from this package. Figure 2's work
is counted from its description: 30 simulations, two noise levels, and the epochs of four rates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.pairs import Measurement, paired, seconds
from dsmverify.ensembles import dense, sorted_batch
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.instance import Batch

WIDTH, BATCH, POINTS, NETWORKS = 1000, 50, 20, 8
MU, SIGMA = 0.81, 0.57
RATE = 0.05
STEPS = 400
"""Steps in one timing."""

TRAINED = 20_000
"""Steps after which kinks have spread."""

FIGURE_2_STEPS = 30 * 2 * (5_000 + 25_000 + 50_000 + 200_000)
"""Network steps of figure 2 in one dimension: 16.8 million."""

FIGURE_2_LIMITS = {1: 10 * 60.0, 10: 75 * 60.0}
"""Seconds on two cores, by dimension."""


def training_step(rounds: int) -> Iterator[Measurement]:
    """The plain torch loop against sorted batches: one network, one thread, float32."""
    plain = plain_loop()
    ensemble, start = _networks(1, 1)
    trained = start.copy()
    sorted_batch.advance(ensemble, trained, TRAINED, threads=1)
    for name, networks in (("start", start), (f"after {TRAINED} steps", trained)):

        def ours(networks: Networks = networks) -> None:
            own = networks.copy()
            sorted_batch.advance(ensemble, own, own.step + STEPS, threads=1)

        note = f"{STEPS} steps, m={WIDTH}, batch {BATCH}, float32, {name}; baseline: torch loop"
        yield paired(
            f"training_step@{name.split()[0]}", ours, plain, rounds=rounds, target=60, note=note
        )


def training_threads(rounds: int) -> Iterator[Measurement]:
    """Two threads against one, in one dimension and in ten."""
    for dimension in (1, 10):
        run, steps = _training(dimension)
        yield paired(
            f"training_threads@{dimension}",
            partial(run, 2),
            partial(run, 1),
            rounds=rounds,
            target=1.8,
            note=f"{NETWORKS} networks, {steps} steps, d={dimension}; two threads against one",
        )


def figure_2(rounds: int) -> Iterator[Measurement]:
    """Figure 2's training in full, projected from a few steps of eight networks on two threads."""
    for dimension in (1, 10):
        run, steps = _training(dimension)
        run(2)
        per_step = float(np.median([seconds(partial(run, 2)) for _ in range(rounds)])) / (
            NETWORKS * steps
        )
        limit = FIGURE_2_LIMITS[dimension]
        projected = per_step * FIGURE_2_STEPS
        yield Measurement(
            f"figure_2_training@{dimension}",
            projected,
            limit,
            limit / projected,
            1,
            f"projected: {FIGURE_2_STEPS / 1e6:.1f} million network steps at d={dimension} on two "
            f"threads, {1e6 * per_step:.1f} microseconds each",
        )


def _training(dimension: int) -> tuple[Callable[[int], None], int]:
    """Training of a few networks, given a number of threads; and the steps each one makes."""
    ensemble, start = _networks(dimension, NETWORKS)
    advance, steps = (sorted_batch.advance, 2 * STEPS) if dimension == 1 else (dense.advance, 50)

    def run(threads: int) -> None:
        advance(ensemble, start.copy(), steps, threads=threads)

    return run, steps


def plain_loop() -> Callable[[], None]:
    """SGD as a reader would write it: a module, an optimiser, autograd; float32, one thread."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Parameter(torch.randn(WIDTH))
            self.bias = torch.nn.Parameter(torch.zeros(WIDTH))
            self.outer = torch.nn.Parameter(torch.randn(WIDTH))

        def forward(self, y: Any) -> Any:
            return torch.relu(y[:, None] * self.inner + self.bias) @ self.outer / WIDTH

    network = Network()
    optimiser = torch.optim.SGD(network.parameters(), lr=WIDTH * RATE)
    points = torch.randn(POINTS)

    def run() -> None:
        for _ in range(STEPS):
            x = points[torch.randint(POINTS, (BATCH,))]
            noise = torch.randn(BATCH)
            loss = (network(MU * x + SIGMA * noise) + noise / SIGMA).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return run


def _networks(dimension: int, count: int) -> tuple[Ensemble, Networks]:
    generator = np.random.default_rng(1)
    ensemble = Ensemble.of(
        Model(width=WIDTH, dimension=dimension),
        Batch(BATCH, "mean", True),
        [Problem(generator.standard_normal((POINTS, dimension)), MU, SIGMA) for _ in range(count)],
        [RATE] * count,
        list(range(count)),
        [10 * TRAINED] * count,
    )
    return ensemble, ensemble.start(np.float32)

"""Time of a step of noise prediction over many times: both CPU paths beside a plain torch loop.

The loop draws with torch's own generator and takes nothing from this package. One thread each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.pairs import Measurement, paired
from dsmverify.ensembles import conditioned_compiled, conditioned_torch
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Model
from dsmverify.ensembles.times import Times
from dsmverify.instance import Batch

WIDTH, BATCH, POINTS = 1000, 5000, 10
RATE = 0.5
"""Learning rate of the loss averaged over coordinates."""

STEPS = {2: 20, 10: 4, 64: 2, 100: 2}
"""Steps in one timing, by dimension."""

TARGETS = {("dense", 2): 10.0, ("dense", 10): 4.0, ("batched", 64): 1.0, ("batched", 100): 1.0}
"""Ratios asked for, of the path that is taken at a dimension; the other one is for comparison."""


def conditioned_step(rounds: int) -> Iterator[Measurement]:
    """The plain torch loop against compiled loops and against products by BLAS, float32."""
    paths = {"dense": conditioned_compiled, "batched": conditioned_torch}
    for dimension, steps in STEPS.items():
        plain = plain_loop(dimension, steps)
        for name, module in paths.items():
            yield paired(
                f"conditioned_step@{dimension}/{name}",
                _run(module, dimension, steps),
                plain,
                rounds=rounds,
                target=TARGETS.get((name, dimension), 0.0),
                note=f"{steps} steps, m={WIDTH}, batch {BATCH}, d={dimension}; baseline: torch",
            )


def _run(module: ModuleType, dimension: int, steps: int) -> Callable[[], None]:
    generator = np.random.default_rng(1)
    ensemble = ConditionedEnsemble.of(
        Model(width=WIDTH, dimension=dimension),
        Batch(BATCH, "mean", True),
        Times(),
        [2 * generator.standard_normal((POINTS, dimension))],
        [RATE / dimension],
        [1],
        [10**9],
    )
    networks = ensemble.start(np.float32)

    def run() -> None:
        module.advance(ensemble, networks, networks.step + steps, threads=1)

    return run


def plain_loop(dimension: int, steps: int) -> Callable[[], None]:
    """SGD as a reader would write it: a module, an optimiser, autograd; float32, one thread."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(1 + dimension, WIDTH)
            self.outer = torch.nn.Linear(WIDTH, dimension, bias=False)
            torch.nn.init.normal_(self.inner.weight, std=dimension**-0.5)
            torch.nn.init.zeros_(self.inner.bias)
            torch.nn.init.normal_(self.outer.weight)

        def forward(self, time: Any, y: Any) -> Any:
            return self.outer(torch.relu(self.inner(torch.cat((time, y), dim=1)))) / WIDTH

    network = Network()
    optimiser = torch.optim.SGD(network.parameters(), lr=WIDTH * RATE / dimension)
    points = 2 * torch.randn(POINTS, dimension)
    times = torch.linspace(0.01, 1, 100)
    mu, sigma = torch.exp(-times), torch.sqrt(-torch.expm1(-2 * times))

    def run() -> None:
        for _ in range(steps):
            x = points[torch.randint(POINTS, (BATCH,))]
            drawn = torch.multinomial(sigma, BATCH, replacement=True)
            noise = torch.randn(BATCH, dimension)
            y = mu[drawn, None] * x + sigma[drawn, None] * noise
            loss = (network(times[drawn, None], y) - noise).square().sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return run

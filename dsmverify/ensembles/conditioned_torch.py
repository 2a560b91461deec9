"""Noise prediction over many times in torch: products by BLAS, the same code on the CPU and CUDA.

The steps are `batched`'s. On the CPU a thread trains one network at a time, with torch's own
threads switched off: a product's sums, and so the bytes of a result, would depend on their number.
On a CUDA device all networks run together. Not measured there.
"""

from __future__ import annotations

from threading import Event
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from dsmverify.ensembles import philox_torch
from dsmverify.ensembles.batched import BLOCK, Chunk, advance_in_chunks, find_device, full_precision
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.conditioned_compiled import fill_examples
from dsmverify.ensembles.reference import check_order
from dsmverify.ensembles.runs import over_networks
from dsmverify.ensembles.settings import Networks

DRAWN: Final = 2**22
"""Normals drawn at once, about: 32 MB, and ten times that while they are made."""


def advance(
    ensemble: ConditionedEnsemble,
    networks: Networks,
    last: int,
    *,
    device: str = "cpu",
    threads: int = 2,
) -> None:
    """Make steps `networks.step` to `last - 1` of every network that has them, in place.

    Args:
        ensemble: what is trained.
        networks: parameters on entry and on return, float32 or float64.
        last: number of steps made on return.
        device: torch's name of a device.
        threads: networks at the same time on the CPU; changes no result.

    Raises:
        InputError: a device that is not there, `last` before the step reached, threads below 1, or
            a network or its batch that does not fit into memory.
    """
    check_order(networks, last)
    place = find_device(device)

    itemsize = networks.outer.itemsize
    if place.type != "cpu":
        free, _ = torch.cuda.mem_get_info(place)
        ensemble.part([0]).require_memory(itemsize, limit_bytes=free)

        def state(part: NDArray[np.int64]) -> Chunk:
            return ManyTimes(ensemble, networks, part, place)

        advance_in_chunks(state, ensemble, networks, last, place, size=ensemble.count)
        return

    ensemble.require_memory(itemsize)

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        torch.set_num_threads(1)
        alone = OneNetwork(ensemble, networks, e)
        for step in range(first, end):
            if stopped.is_set() or int(alone.diverged) >= 0:
                break
            alone.run(step, step + 1)
        alone.write(networks, np.array([e]))
        return int(alone.diverged)

    before = torch.get_num_threads()
    try:
        with full_precision():
            over_networks(run, ensemble, networks, last, threads=threads)
    finally:
        torch.set_num_threads(before)


class OneNetwork(Chunk):
    """A network on the CPU, whose draws are compiled."""

    def __init__(self, ensemble: ConditionedEnsemble, networks: Networks, e: int) -> None:
        super().__init__(ensemble, networks, np.array([e]), torch.device("cpu"), block=1)
        self.ensemble, self.e = ensemble, e
        size, d = ensemble.batch.size, ensemble.model.dimension
        self.inputs = torch.empty((1, 1, size, d + 2), dtype=self.type)
        self.added = torch.empty((1, 1, size, d), dtype=self.type)

    def examples(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`(t, Y, 1)` and `-Z`, which the next call overwrites."""
        inputs, added = self.inputs[0, 0].numpy(), self.added[0, 0].numpy()
        fill_examples(self.ensemble, self.e, int(numbers), inputs, added)
        return self.inputs, self.added


class ManyTimes(Chunk):
    """Networks on any device, whose draws are made there.

    Attributes:
        cuts: `[times - 1]`, int64, thresholds of random words.
        values: `[times]`; `mu` and `sigma` the same.
    """

    def __init__(
        self,
        ensemble: ConditionedEnsemble,
        networks: Networks,
        part: NDArray[np.int64],
        place: torch.device,
    ) -> None:
        normals = len(part) * ensemble.batch.size * ensemble.model.dimension
        block = max(1, min(BLOCK, DRAWN // normals))
        super().__init__(ensemble, networks, part, place, block=block)
        self.cuts = self._take(ensemble.cuts)
        self.values = self._take(ensemble.times.values)
        self.mu = self._take(ensemble.times.mu)
        self.sigma = self._take(ensemble.times.sigma)

    def examples(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`(t, Y, 1)` and `-Z`."""
        size = self.batch.size
        chosen, noise = philox_torch.training_draws(
            self.seeds,
            numbers[:, None],
            size,
            self.model.dimension,
            self.sizes,
            most_points=self.most,
            replacement=self.batch.replacement,
        )
        drawn = philox_torch.times(self.seeds, numbers[:, None], size, self.cuts)
        row = torch.arange(len(self.seeds), device=self.place)[:, None]
        time = self.values[drawn][..., None]
        y = self.mu[drawn][..., None] * self.points[row, chosen]
        y += self.sigma[drawn][..., None] * noise
        inputs = torch.cat((time, y, torch.ones_like(time)), dim=-1)
        return inputs.to(self.type), (-noise).to(self.type)

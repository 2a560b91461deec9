"""The GPU path: SGD steps of many networks as batched torch operations, exact gradient by hand.

With `A = [inner | bias]` `[m, d + 1]`, `V = outer` `[m, d]` and a batch `X = [Y | 1]` `[B, d + 1]`,
one step of one network is

    H = relu(X A^T),  S = k H V + c,  C = rho (S + Z / sigma),   rho = 2 g eta k (/ B for a mean)
    V <- V - H^T C,   A <- A - ((C V^T) * 1{H > 0})^T X,         c <- c - sum_j C_j / (g k)

and everything carries a leading axis over networks. On the CPU a large batch goes through in blocks
of rows, so that H and its gradient stay in cache. Where a network does not move (its steps are
made, or its output was not finite at this step or before) the old values are kept, by a mask on the
device; the host looks at that mask once in `BLOCK` steps, only to stop early.

Draws are made for `BLOCK` steps at once. On a CUDA device the steps of a block are captured into
one graph with the step number in a tensor on the device, and the graph is replayed; on the CPU the
same code runs as a plain loop. A batch is not sorted here: the sums by scatter that this needs are
atomic on a GPU, so their rounding would differ from run to run.

Which networks run together is a function of the ensemble and the step, not of where a run is cut,
so that a run in slices ends in the same bytes. (After an out-of-memory error chunks are smaller;
then results may differ by rounding.)

A number measured on a GPU carries its date and device; without one it is "not measured". Speed on a
GPU, and the capture of graphs: not measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from dsmverify.ensembles import philox_torch
from dsmverify.ensembles.reference import check_order
from dsmverify.ensembles.runs import Runs
from dsmverify.ensembles.settings import Ensemble, Networks
from dsmverify.errors import InputError, show

aten = torch.ops.aten

BLOCK: Final = 50
"""Steps whose draws are made at once, and between two looks at what has diverged."""

CACHED: Final = 2**18
"""Entries of H at a time on the CPU: 1 MB in float32, so that H and its gradient stay in cache."""

GROWTH: Final = 1.25
"""Ratio of successive steps at which networks that are done leave, at least."""

_fitting: dict[tuple[object, ...], int] = {}
"""Networks at once that fitted after an out-of-memory error, by device and shape: a run in slices
does not fail again in each of them, and says it once."""


def advance(
    ensemble: Ensemble,
    networks: Networks,
    last: int,
    *,
    device: str = "cpu",
    chunk: int | None = None,
    memory: int | None = None,
    notice: Callable[[str], None] | None = None,
) -> None:
    """Make steps `networks.step` to `last - 1` of every network that has them, in place.

    Args:
        ensemble: what is trained.
        networks: parameters on entry and on return, float32 or float64.
        last: number of steps made on return.
        device: torch's name of a device: `"cpu"`, `"cuda"` or `"cuda:1"`, say.
        chunk: networks at once, at most; by default all on a GPU, as many as fit the cache on the
            CPU. Where they do not fit into memory the number is halved until they do.
        memory: bytes that the tensors of a chunk may take; None leaves the limit to the device.
        notice: called, once for a shape and device, with the text that says that chunks were
            halved; a warning by default.

    Raises:
        InputError: a device that is not there, `last` before the step reached, `chunk` below 1, or
            not even one network fits into memory.
    """
    if chunk is not None and chunk < 1:
        raise InputError("chunk", show(chunk), "at least one network is trained", "give 1 or more")
    place = find_device(device)
    size = _first_chunk(ensemble, networks, place, chunk, memory)

    def state(part: NDArray[np.int64]) -> Chunk:
        return OneLevel(ensemble, networks, part, place, memory)

    advance_in_chunks(
        state, ensemble, networks, last, place, size=size, memory=memory, notice=notice
    )


def advance_in_chunks(
    state: Callable[[NDArray[np.int64]], Chunk],
    ensemble: Runs,
    networks: Networks,
    last: int,
    place: torch.device,
    *,
    size: int,
    memory: int | None = None,
    notice: Callable[[str], None] | None = None,
) -> None:
    """Make steps `networks.step` to `last - 1` of every network that has them, in place.

    Args:
        state: puts some of the networks on the device.
        ensemble: what is trained.
        networks: parameters on entry and on return, float32 or float64.
        last: number of steps made on return.
        place: the device.
        size: networks at once.
        memory: bytes that the tensors of a chunk may take; None leaves the limit to the device.
        notice: called with the text that says that chunks were halved; a warning by default.

    Raises:
        InputError: `last` before the step reached, or not even one network fits into memory.
    """
    check_order(networks, last)
    with full_precision():
        for bound, begin, end in _spans(ensemble, networks.step, last):
            chosen = np.flatnonzero(ensemble.steps > bound)
            done = 0
            while done < len(chosen):
                part = chosen[done : done + size]
                if _fits(state, networks, part, (begin, end), place):
                    done += len(part)
                    continue
                size = _halve(ensemble, networks, place, memory, min(size, len(part)), notice)
    networks.step = last


@contextmanager
def full_precision() -> Iterator[None]:
    """float32 products with all their digits: TF32 would round parameters to 10 bits in each."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


def available_devices() -> list[str]:
    """Names of the devices that this path runs on here."""
    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]


def find_device(name: str) -> torch.device:
    """The device of a name.

    Raises:
        InputError: the name is no device's, or the device is not there.
    """
    available = available_devices()
    try:
        full = str(torch.device(name))
    except (RuntimeError, TypeError):  # text that is no device's name
        full = ""
    if full == "cuda" and len(available) > 1:
        full = f"cuda:{torch.cuda.current_device()}"
    if full not in available:
        raise InputError(
            "device",
            show(name),
            f"the devices available here are {', '.join(available)}",
            "give one of them",
        )
    return torch.device(full)


def _first_chunk(
    ensemble: Ensemble,
    networks: Networks,
    place: torch.device,
    chunk: int | None,
    memory: int | None,
) -> int:
    wanted = ensemble.count
    if place.type == "cpu":
        wanted = min(wanted, max(1, CACHED // (ensemble.batch.size * ensemble.model.width)))
    if chunk is not None:
        wanted = min(ensemble.count, chunk)
    return min(wanted, _fitting.get(_shape(ensemble, networks, place, memory), wanted))


def _shape(
    ensemble: Runs, networks: Networks, place: torch.device, memory: int | None
) -> tuple[object, ...]:
    model = ensemble.model
    size = (model.width, model.dimension, ensemble.batch.size, int(ensemble.sizes.max()))
    return str(place), str(networks.outer.dtype), memory, ensemble.count, *size


def _halve(
    ensemble: Runs,
    networks: Networks,
    place: torch.device,
    memory: int | None,
    size: int,
    notice: Callable[[str], None] | None,
) -> int:
    if place.type == "cuda":
        torch.cuda.empty_cache()
    if size == 1:
        allowed = "" if memory is None else f" within {memory} bytes"
        raise InputError(
            "device",
            show(str(place)),
            f"one network of width {ensemble.model.width} with batches of {ensemble.batch.size} "
            f"does not fit into its memory{allowed}",
            "give a smaller batch or width, float32, or another device",
        )
    shape = _shape(ensemble, networks, place, memory)
    if shape not in _fitting:
        text = (
            f"{place} is out of memory with {size} networks at once: chunks are halved until they "
            "fit; the results are the same to rounding"
        )
        if notice is None:
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        else:
            notice(text)
    _fitting[shape] = size // 2
    return size // 2


def _spans(ensemble: Runs, first: int, last: int) -> list[tuple[int, int, int]]:
    """Ranges of steps `begin..end` in which the same networks run together, within `first..last`.

    Each comes with a bound: those with more steps than that run. Networks leave at the numbers of
    steps that occur, but for those that another one follows closely: a network is carried along,
    without moving, for a quarter of its steps at most.
    """
    bounds: list[int] = []
    for count in np.unique(ensemble.steps)[::-1].tolist():
        if not bounds or GROWTH * count <= bounds[-1]:
            bounds.append(count)
    spans = []
    for bound, end in pairwise((0, *reversed(bounds))):
        low, high = max(bound, first), min(end, last)
        if low < high:
            spans.append((bound, low, high))
    return spans


def _fits(
    state: Callable[[NDArray[np.int64]], Chunk],
    networks: Networks,
    part: NDArray[np.int64],
    span: tuple[int, int],
    place: torch.device,
) -> bool:
    """Train a chunk over a span of steps; False, and nothing has changed, if it does not fit."""
    try:
        chunk = state(part)
        with torch.cuda.device(place) if place.type == "cuda" else nullcontext():
            chunk.run(*span)
        chunk.write(networks, part)
    except torch.OutOfMemoryError:
        return False
    return True


class Chunk:
    """Some networks on a device; a subclass says what they learn.

    Attributes:
        block: steps whose draws are made at once.
        outer: `[C, m, d]`, V.
        first: `[C, m, inputs + 1]`, A: inner weights and bias of each neuron.
        offset: `[C, d]`.
        diverged: `[C]`, int64.
        at: `[]`, int64, number of the next step.
        hidden: `[C, rows, m]`, H; `slope`, of the same shape, C V^T.
    """

    def __init__(
        self,
        ensemble: Runs,
        networks: Networks,
        part: NDArray[np.int64],
        place: torch.device,
        *,
        block: int,
        memory: int | None = None,
    ) -> None:
        model, batch = ensemble.model, ensemble.batch
        self.model, self.batch, self.place = model, batch, place
        self.room, self.block = memory, block
        self.type = torch.from_numpy(networks.outer[:0]).dtype
        self.most = int(ensemble.sizes[part].max())
        count, m, d, inputs = len(part), model.width, model.dimension, ensemble.inputs
        rows = batch.size if place.type == "cuda" else max(1, CACHED // m)
        self.blocks = [slice(row, row + rows) for row in range(0, batch.size, rows)]
        # What a block's draws take: words, pairs and points, eight bytes each, at the widest place.
        self._claim(count * block * batch.size * d * 8 * 10)
        if not batch.replacement:
            self._claim(count * block * self.most * 8)
        # New values of the parameters, before they are kept.
        self._claim(count * m * (d + inputs + 1) * networks.outer.itemsize)
        self.hidden = self._new(count, min(rows, batch.size), m)
        self.slope = self._new(count, min(rows, batch.size), m)
        self.outer = self._take(networks.outer[part])
        self.first = self._new(count, m, inputs + 1)
        self.first[..., :inputs] = self._take(networks.inner[part])
        self.first[..., inputs] = self._take(networks.bias[part])
        self.offset = self._take(networks.offset[part])
        self.diverged = self._take(networks.diverged[part])
        self.steps = self._take(ensemble.steps[part])
        self.seeds = philox_torch.seed_tensor(ensemble.seeds[part], place)
        self.sizes = self._take(ensemble.sizes[part])
        self.points = self._take(ensemble.points[part][:, : self.most])
        rate = 2 * ensemble.learning_rates[part] / (batch.size if batch.reduction == "mean" else 1)
        self.rate_offset = self._take(rate)[:, None].to(self.type)
        rate = rate * model.rate_factor * model.output_scale
        self.rate = self._take(rate)[:, None, None].to(self.type)
        self.at = torch.zeros((), dtype=torch.int64, device=place)

    def examples(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs, a last column of ones behind them, and what the loss adds to the outputs.

        Args:
            numbers: `[L]`, int64, numbers of steps.

        Returns:
            `[L, C, B, inputs + 1]` and `[L, C, B, d]`, rounded once. Nothing waits for the device.
        """
        raise NotImplementedError

    def _claim(self, size: int) -> None:
        if self.room is not None:
            self.room -= size
            if self.room < 0:
                raise torch.OutOfMemoryError(f"{-self.room} bytes too many")

    def _new(self, *shape: int) -> torch.Tensor:
        # The claim precedes the allocation: what would not fit is never asked for.
        self._claim(int(np.prod(shape)) * self.type.itemsize)
        return torch.empty(shape, dtype=self.type, device=self.place)

    def _take(self, values: NDArray[np.generic]) -> torch.Tensor:
        self._claim(values.nbytes)
        # A copy on the CPU too: a chunk that fails must leave the networks as they were.
        return torch.tensor(values, device=self.place)

    @torch.no_grad()
    def run(self, begin: int, end: int) -> None:
        """Make steps `begin` to `end - 1`."""
        self.at.fill_(begin)
        graph = None
        step = begin
        while step < end and bool((self.diverged < 0).any()):
            length = min(self.block, end - step)
            if self.place.type != "cuda":
                self._block(length)
            elif length < self.block or (graph is None and end - step < 2 * self.block):
                self._aside(length)
            elif graph is None:
                # Graphs are captured after the same work was done once on a side stream, so that
                # libraries have their workspaces; capturing makes no step.
                self._aside(length)
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    self._block(self.block)
            else:
                graph.replay()
            step += length

    def _aside(self, length: int) -> None:
        stream = torch.cuda.Stream(self.place)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.place))
        with torch.cuda.stream(stream):
            self._block(length)
        torch.cuda.current_stream(self.place).wait_stream(stream)

    def _block(self, length: int) -> None:
        """Make `length` steps from `at` on; nothing in here waits for the device."""
        numbers = self.at + torch.arange(length, device=self.place)
        inputs, added = self.examples(numbers)
        running = numbers[:, None] < self.steps
        for i in range(length):
            self._step(numbers[i], inputs[i], added[i], running[i])
        self.at += length

    def _step(
        self, number: torch.Tensor, inputs: torch.Tensor, added: torch.Tensor, running: torch.Tensor
    ) -> None:
        """One step: `inputs` `[C, B, inputs + 1]`, `added` `[C, B, d]`, `running` `[C]`."""
        outer, first, offset = self.outer, self.first, self.offset
        finite = torch.ones_like(running)
        for rows in self.blocks:
            x = inputs[:, rows]
            hidden = torch.bmm(x, self.first.mT, out=self.hidden[:, : x.shape[1]]).relu_()
            output = torch.bmm(hidden, self.outer) * self.model.output_scale + self.offset[:, None]
            finite = finite & output.isfinite().flatten(1).all(dim=1)
            residual = output + added[:, rows]
            if self.model.offset:
                offset = offset - self.rate_offset * residual.sum(dim=1)
            change = self.rate * residual
            slope = torch.bmm(change, self.outer.mT, out=self.slope[:, : x.shape[1]])
            outer = torch.baddbmm(outer, hidden.mT, change, alpha=-1)
            aten.threshold_backward.grad_input(slope, hidden, 0, grad_input=slope)
            if self.model.train_inner:
                first = torch.baddbmm(first, slope.mT, x, alpha=-1)
            else:
                bias = first[..., -1:] - slope.sum(dim=1)[..., None]
                first = torch.cat((first[..., :-1], bias), dim=-1)
        running = running & (self.diverged < 0)
        self.diverged.copy_(torch.where(running & ~finite, number, self.diverged))
        moves = (running & finite)[:, None]
        self.offset.copy_(torch.where(moves, offset, self.offset))
        moves = moves[..., None]
        self.outer.copy_(torch.where(moves, outer, self.outer))
        self.first.copy_(torch.where(moves, first, self.first))

    def write(self, networks: Networks, part: NDArray[np.int64]) -> None:
        """Put the parameters back where they came from."""
        networks.outer[part] = self.outer.cpu().numpy()
        networks.inner[part] = self.first[..., :-1].cpu().numpy()
        networks.bias[part] = self.first[..., -1].cpu().numpy()
        networks.offset[part] = self.offset.cpu().numpy()
        networks.diverged[part] = self.diverged.cpu().numpy()


class OneLevel(Chunk):
    """Networks that learn a score at one noise level.

    Attributes:
        mu: `[C, 1, 1]`; `sigma` the same.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        networks: Networks,
        part: NDArray[np.int64],
        place: torch.device,
        memory: int | None,
    ) -> None:
        super().__init__(ensemble, networks, part, place, block=BLOCK, memory=memory)
        self.mu = self._take(ensemble.mu[part])[:, None, None]
        self.sigma = self._take(ensemble.sigma[part])[:, None, None]

    def examples(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`(Y, 1)` and `Z / sigma`."""
        chosen, noise = philox_torch.training_draws(
            self.seeds,
            numbers[:, None],
            self.batch.size,
            self.model.dimension,
            self.sizes,
            most_points=self.most,
            replacement=self.batch.replacement,
        )
        row = torch.arange(len(self.seeds), device=self.place)[:, None]
        y = self.mu * self.points[row, chosen] + self.sigma * noise
        inputs = torch.cat((y, torch.ones_like(y[..., :1])), dim=-1)
        return inputs.to(self.type), (noise / self.sigma).to(self.type)

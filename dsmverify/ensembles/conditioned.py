"""Noise prediction over many times: what is trained, and a trained network's values.

| letter | here | meaning |
|---|---|---|
| E | | number of networks, each with its own points, rate, seed and number of steps |
| m, d, B | | neurons; dimension of points; elements of a batch |
| mu(t), sigma(t) | `times` | signal factor and noise level at a time |
| r | `noise_prediction` | prediction of the noise Z |

    r_theta(t, y) = k sum_l w2_l relu(w1_l . (t, y) + b_l) + c,    k = 1/m (or 1/sqrt m)
    theta <- theta - g eta grad Rhat(theta),                       g = m  (or 1); c with g = 1
    Rhat = mean (or sum) over the batch of |r_theta(t_j, Y_j) - Z_j|^2,
           Y_j = mu(t_j) x_i(j) + sigma(t_j) Z_j,
           t_j one of finitely many times, with probability in proportion to sigma(t_j)

The loss is summed over coordinates; its mean over them is a rate divided by d. The score that
belongs to a network is `-r_theta(t, y) / sigma(t)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import philox
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.settings import (
    Floats,
    Model,
    Networks,
    TrainingPath,
    as_points,
    check_batch,
    padded,
    run_arrays,
)
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError, show
from dsmverify.instance import Batch

InnerVariance = Literal["data", "input"]

BLAS_DIMENSION = 24
"""Dimension from which matrix products in torch are faster on the CPU than compiled loops."""

DRAW = 60
"""Bytes that a normal takes in NumPy while it is made: words of 64 bits and what they become."""

EVALUATED = 2**18
"""Hidden values at a time when a network is evaluated: 2 MB, so that they stay in cache."""


@dataclass(frozen=True, eq=False)
class ConditionedEnsemble:
    """Noise predictions that are trained together.

    Args:
        model: the model, with inner weights Gaussian; its dimension is d, without the time.
        batch: how mini-batches are drawn.
        times: the times and their probabilities.
        samples: `[E]`, training points `[n, d]`; order and ties are free.
        learning_rates: `[E]`, eta > 0.
        seeds: `[E]`, 0 <= seed < 2^64; decide initial parameters and training noise.
        steps: `[E]`, SGD steps.
        inner_variance: of the initial inner weights, the time's among them: `"data"` for 1/d, as
            the page prints, `"input"` for 1/(d + 1).

    Source: section 7 and appendix D.
    """

    PATHS: ClassVar[Mapping[str, TrainingPath]] = {
        "dense": TrainingPath("conditioned_compiled", "threads"),
        "batched": TrainingPath("conditioned_torch", "threads", "device"),
        "reference": TrainingPath("reference"),
    }
    DECISIVE: ClassVar[tuple[str, ...]] = ("sizes", "points", "learning_rates", "seeds", "steps")

    model: Model
    batch: Batch
    times: Times
    samples: tuple[Floats, ...]
    learning_rates: Floats
    seeds: NDArray[np.uint64]
    steps: NDArray[np.int64]
    inner_variance: InnerVariance = "data"

    @classmethod
    def of(
        cls,
        model: Model,
        batch: Batch,
        times: Times,
        samples: Sequence[Any],
        learning_rates: Sequence[float],
        seeds: Sequence[int],
        steps: Sequence[int],
        *,
        inner_variance: InnerVariance = "data",
    ) -> Self:
        """Ensemble of sequences of equal length.

        Raises:
            InputError: lengths differ, a rate is not positive, steps are negative, a seed is out of
                range, points are not finite or of another dimension, a batch exceeds a sample,
                inner weights are signs, or the variance is not one of the two.
        """
        runs = run_arrays("samples", samples, learning_rates, seeds, steps)
        if model.inner != "gaussian":
            raise InputError(
                "model.inner",
                show(model.inner),
                "a network that is given the time has Gaussian inner weights",
                "give inner = 'gaussian'",
            )
        if inner_variance not in get_args(InnerVariance):
            raise InputError(
                "inner_variance",
                show(inner_variance),
                "the variance is 1/d or 1/(d + 1)",
                "give 'data' or 'input'",
            )
        points = tuple(as_points(f"samples[{e}]", sample) for e, sample in enumerate(samples))
        for e, sample in enumerate(points):
            if sample.shape[1] != model.dimension:
                raise InputError(
                    f"samples[{e}]",
                    f"dimension {sample.shape[1]}",
                    f"the model's dimension is {model.dimension}",
                    "give both the same dimension",
                )
            check_batch(batch, f"samples[{e}]", len(sample))
        return cls(model, batch, times, points, *runs, inner_variance)

    @property
    def count(self) -> int:
        """E."""
        return len(self.samples)

    @property
    def inputs(self) -> int:
        """Inputs of a network, 1 + d."""
        return 1 + self.model.dimension

    @property
    def rules(self) -> dict[str, Any]:
        """What decides the runs beside the arrays that `DECISIVE` names, for JSON."""
        return {
            "objective": "noise prediction",
            "model": vars(self.model),
            "batch": self.batch.to_json(),
            "times": asdict(self.times),
            "inner_variance": self.inner_variance,
        }

    def usual_path(self, device: str) -> str:
        """The path that `"auto"` takes on a device."""
        small = self.model.dimension < BLAS_DIMENSION
        return "dense" if device == "cpu" and small else "batched"

    def part(self, chosen: Sequence[int]) -> ConditionedEnsemble:
        """The ensemble of some of the networks."""
        places = list(chosen)
        return replace(
            self,
            samples=tuple(self.samples[e] for e in places),
            learning_rates=self.learning_rates[places],
            seeds=self.seeds[places],
            steps=self.steps[places],
        )

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of training points of each network. `[E]`."""
        return np.array([len(sample) for sample in self.samples], dtype=np.int64)

    @cached_property
    def points(self) -> Floats:
        """Training points, padded with zeros. `[E, max n, d]`."""
        return padded(self.samples)

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """Words below number i draw one of the times 0 to i. `[times - 1]`."""
        return philox.thresholds(self.times.probabilities)

    def examples(self, e: int, step: int) -> tuple[Floats, Floats]:
        """Inputs of network e's batch at a step, and what the loss adds to the outputs.

        `(t_j, Y_j)` and `-Z_j`. `[B, 1 + d]` and `[B, d]`.
        """
        sample, size = self.samples[e], self.batch.size
        chosen, noise = philox.training_draws(
            self.seeds[e],
            step,
            size,
            self.model.dimension,
            len(sample),
            replacement=self.batch.replacement,
        )
        drawn = philox.times(self.seeds[e], step, size, self.cuts)
        mu, sigma = self.times.mu[drawn, None], self.times.sigma[drawn, None]
        inputs = np.column_stack((self.times.values[drawn], mu * sample[chosen] + sigma * noise))
        return inputs, -noise

    def require_memory(self, itemsize: int, *, limit_bytes: int | None = None) -> None:
        """Refuse networks or batches larger than the memory, before the first array is made.

        Counted are the networks; a copy, changes and draws for one of them; and one batch.

        Args:
            itemsize: bytes of a parameter.
            limit_bytes: what there is; None asks the machine.

        Raises:
            InputError: they do not fit.
        """
        m, d, size = self.model.width, self.model.dimension, self.batch.size
        parameters = m * (2 * d + 2)
        needed = (self.count + 2) * parameters * itemsize + m * (d + 1) * DRAW
        needed += size * ((2 * d + 2) * itemsize + 8 * d)
        require_memory(
            f"{self.count} networks of width {m} in dimension {d}, batches of {size}",
            needed,
            limit_bytes=limit_bytes,
        )

    def start(self, dtype: Any = np.float64) -> Networks:
        """Initial networks: outer and inner weights Gaussian, column 0 of the latter the time's.

        Raises:
            InputError: the networks, or a batch of one of them, do not fit into memory.
        """
        self.require_memory(np.dtype(dtype).itemsize)
        model, count, inputs = self.model, self.count, self.inputs
        m, d = model.width, model.dimension
        networks = Networks(
            outer=np.empty((count, m, d), dtype=dtype),
            bias=np.empty((count, m), dtype=dtype),
            inner=np.empty((count, m, inputs), dtype=dtype),
            offset=np.zeros((count, d), dtype=dtype),
            diverged=np.full(count, -1, dtype=np.int64),
        )
        variance = 1 / (d if self.inner_variance == "data" else inputs)
        for e, seed in enumerate(self.seeds):  # one at a time: words take ten times their place

            def draw(stream: int, *shape: int, seed: Any = seed) -> Floats:
                return philox.normals(seed, stream, 0, int(np.prod(shape))).reshape(shape)

            networks.outer[e] = draw(philox.Stream.OUTER, m, d)
            networks.inner[e] = np.sqrt(variance) * draw(philox.Stream.INNER, m, inputs)
            networks.bias[e] = model.bias_deviation * draw(philox.Stream.BIAS, m)
        return networks


def noise_prediction(model: Model, networks: Networks, e: int, y: Any, time: float) -> Floats:
    """`r_theta(t, y)` of one network at one time. `[k, d]`.

    Result: approximate, products in float64 whatever the precision of the parameters.

    Args:
        model: the model that the parameters belong to.
        networks: parameters, inner weights `[E, m, 1 + d]`.
        e: number of the network.
        y: `[k, d]`, or `[k]` for d = 1.
        time: t.
    """
    places = np.asarray(y, dtype=np.float64)
    places = places[:, None] if places.ndim == 1 else places
    inner, outer, offset = (
        getattr(networks, name)[e].astype(np.float64) for name in ("inner", "outer", "offset")
    )
    bias = time * inner[:, 0] + networks.bias[e]
    space, scaled = np.ascontiguousarray(inner[:, 1:].T), model.output_scale * outer
    found = np.empty((len(places), model.dimension))
    rows = max(1, EVALUATED // model.width)
    for first in range(0, len(places), rows):
        hidden = places[first : first + rows] @ space
        hidden += bias
        np.maximum(hidden, 0, out=hidden)
        np.matmul(hidden, scaled, out=found[first : first + rows])
    found += offset
    return found

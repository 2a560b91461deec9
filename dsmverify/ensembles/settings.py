"""What is trained: problems, the model, an ensemble of runs, and networks as arrays.

| letter | here | meaning |
|---|---|---|
| E | | number of networks, each with its own problem, rate, seed and number of steps |
| m, d | `width`, `dimension` | neurons; dimension of points, inner and outer weights |
| w1, b, w2 | `inner`, `bias`, `outer` | weights, as in the theory |
| c | `offset` | output bias, 0 and untrained unless the model has one |

    s_theta(y) = k sum_l w2_l relu(w1_l . y + b_l) + c,    k = 1/m (or 1/sqrt m)
    theta <- theta - g eta grad Rhat(theta),               g = m  (or 1); c with g = 1
    Rhat = mean (or sum) over the batch of |s_theta(Y_j) + Z_j / sigma|^2,
           Y_j = mu x_i(j) + sigma Z_j
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import philox
from dsmverify.ensembles.arguments import is_finite, reals, spelled
from dsmverify.errors import InputError, show
from dsmverify.instance import Batch

Floats = NDArray[np.float64]
Inner = Literal["signs", "gaussian"]
Output = Literal["mean", "root"]
Group = Literal["outer", "bias", "inner", "offset"]

ARRAYS: tuple[Group, ...] = ("outer", "bias", "inner", "offset")
MAX_SEED = 2**64
MAX_STEPS = 2**63


def _is_integer(value: Any) -> bool:
    return is_finite(value) and bool(value == int(value))


def _check_positive(name: str, value: Any, way_out: str) -> None:
    if not (is_finite(value) and value > 0):
        raise InputError(name, spelled(value), "it must be positive and finite", way_out)


def as_points(name: str, given: Any) -> Floats:
    """Training points, one row each, not to be written to; one axis becomes a column. `[n, d]`.

    Args:
        name: how an error calls them.
        given: what is to be points.

    Raises:
        InputError: no points, rows of different lengths, or a point that is no finite real number.
    """
    points = np.array(reals(name, given))
    points = points[:, None] if points.ndim == 1 else points
    if points.ndim != 2 or not points.size:
        raise InputError(
            name,
            f"shape {np.shape(given)}",
            "there must be at least one point, one row each",
            "give an array of shape [n, d]",
        )
    if not np.isfinite(points).all():
        raise InputError(name, "a NaN or infinity", "points are finite", "remove it")
    points.flags.writeable = False
    return points


@dataclass(frozen=True, eq=False)
class Problem:
    """Training points and a noise level.

    Args:
        points: `[n, d]`, or `[n]` for d = 1; order and ties are free.
        mu: signal factor, positive.
        sigma: noise level, positive.
    """

    points: Floats
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        """Check shapes and ranges; d = 1 points become a column.

        Raises:
            InputError: no points, a point that is no finite number, mu or sigma not positive and
                finite.
        """
        points = as_points("points", self.points)
        for name in ("mu", "sigma"):
            _check_positive(name, getattr(self, name), f"give {name} > 0")
        object.__setattr__(self, "points", points)

    @property
    def size(self) -> int:
        """Number of training points, n."""
        return int(self.points.shape[0])

    @property
    def dimension(self) -> int:
        """Dimension of the points, d."""
        return int(self.points.shape[1])


@dataclass(frozen=True)
class Model:
    """Architecture, parametrisation and what is trained.

    Args:
        width: m.
        dimension: d.
        inner: `"signs"`: +1 and -1 in turn (d = 1 only, the theory's class); `"gaussian"`: of
            variance 1/d (the experiments').
        train_inner: whether inner weights are trained; signs never are.
        bias_deviation: standard deviation of the initial biases.
        output: `"mean"` divides the output by m, `"root"` by sqrt m.
        rate_times_width: whether the update uses m eta, as D-sgd prints, or eta.
        offset: whether there is a trained output bias.
    """

    width: int = 1000
    dimension: int = 1
    inner: Inner = "gaussian"
    train_inner: bool = True
    bias_deviation: float = 0.0
    output: Output = "mean"
    rate_times_width: bool = True
    offset: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a field is out of range, or signs with d > 1 or with trained inner weights.
        """
        for name in ("width", "dimension"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(
                    f"model.{name}", show(value), "it must be a positive integer", "give 1 or more"
                )
        for name, allowed in (("inner", Inner), ("output", Output)):
            value = getattr(self, name)
            if value not in get_args(allowed):
                known = " or ".join(repr(x) for x in get_args(allowed))
                raise InputError(f"model.{name}", show(value), "unknown choice", f"give {known}")
        for name in ("train_inner", "rate_times_width", "offset"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise InputError(
                    f"model.{name}", show(value), "it is a yes or no", "give true or false"
                )
        if not (is_finite(self.bias_deviation) and self.bias_deviation >= 0):
            raise InputError(
                "model.bias_deviation",
                show(self.bias_deviation),
                "it must be at least 0",
                "give a standard deviation",
            )
        if self.inner == "signs" and (self.dimension > 1 or self.train_inner):
            raise InputError(
                "model.inner",
                "'signs'",
                "signs are for d = 1 and stay as they are",
                "give dimension = 1 and train_inner = false, or inner = 'gaussian'",
            )

    @property
    def output_scale(self) -> float:
        """k, the factor of the sum over neurons."""
        return 1 / self.width if self.output == "mean" else 1 / float(np.sqrt(self.width))

    @property
    def rate_factor(self) -> float:
        """g, the factor of the learning rate for weights and biases of neurons."""
        return float(self.width) if self.rate_times_width else 1.0

    @property
    def trained(self) -> tuple[Group, ...]:
        """Names of the trained arrays."""
        names: list[Group] = ["outer", "bias"]
        if self.train_inner:
            names.append("inner")
        if self.offset:
            names.append("offset")
        return tuple(names)


THEORY = Model(inner="signs", train_inner=False, bias_deviation=1.0)
"""Section 4: inner weights +-1, frozen. Initial biases are not printed; here standard normal."""

EXPERIMENTS = Model()
"""Section 7 and appendix D, inner weights trained."""


@dataclass
class Networks:
    """Parameters of E networks, changed in place by training.

    Attributes:
        outer: `[E, m, d]`, float32 or float64.
        bias: `[E, m]`.
        inner: `[E, m, d]`.
        offset: `[E, d]`.
        diverged: `[E]`, int64: step at which a network's batch output was first not finite; -1
            while it is finite. A diverged network is not trained on.
        step: steps made so far; a network with fewer steps than that has made all of its own.
    """

    outer: NDArray[Any]
    bias: NDArray[Any]
    inner: NDArray[Any]
    offset: NDArray[Any]
    diverged: NDArray[np.int64]
    step: int = 0

    @property
    def count(self) -> int:
        """E."""
        return int(self.outer.shape[0])

    def copy(self) -> Networks:
        """Independent copy."""
        arrays = {name: getattr(self, name).copy() for name in (*ARRAYS, "diverged")}
        return Networks(**arrays, step=self.step)

    def astype(self, dtype: Any) -> Networks:
        """Independent copy with parameters of another precision."""
        arrays = {name: getattr(self, name).astype(dtype) for name in ARRAYS}
        return Networks(**arrays, diverged=self.diverged.copy(), step=self.step)

    def scores(self, model: Model, y: Any) -> Floats:
        """`s_theta(y)` of every network, in float64 by the definition. `[E, k, d]`.

        Args:
            model: the model that the parameters belong to.
            y: `[k, d]`, or `[k]` for d = 1.
        """
        places = np.asarray(y, dtype=np.float64)
        places = places[:, None] if places.ndim == 1 else places
        found = np.empty((self.count, len(places), model.dimension))
        with np.errstate(over="ignore", invalid="ignore"):  # parameters of a diverged network
            for e in range(self.count):
                active = self.inner[e].astype(np.float64) @ places.T + self.bias[e][:, None]
                hidden = np.maximum(active, 0)
                found[e] = model.output_scale * (hidden.T @ self.outer[e].astype(np.float64))
                found[e] += self.offset[e]
        return found


class TrainingPath:
    """A module that makes the steps of an ensemble.

    Attributes:
        module: its name in this package; it has `advance(ensemble, networks, last)`.
        options: what else `advance` takes: `threads`, `device`, both or neither.
    """

    def __init__(self, module: str, *options: Literal["threads", "device"]) -> None:
        self.module, self.options = module, options


def run_arrays(
    name: str,
    data: Sequence[Any],
    learning_rates: Sequence[float],
    seeds: Sequence[int],
    steps: Sequence[int],
) -> tuple[Floats, NDArray[np.uint64], NDArray[np.int64]]:
    """Rates, seeds and step counts of an ensemble as arrays. Three times `[E]`.

    Args:
        name: what an error calls the data.
        data: what the networks learn, `[E]`; only counted.
        learning_rates: `[E]`, eta > 0.
        seeds: `[E]`, 0 <= seed < 2^64.
        steps: `[E]`, at least 0.

    Raises:
        InputError: lengths differ, a rate is not positive, steps are negative, or a seed is out of
            range.
    """
    lengths = {len(x) for x in (data, learning_rates, seeds, steps)}
    if len(lengths) != 1 or not data:
        raise InputError(
            "ensemble",
            f"{len(data)} {name}, {len(learning_rates)} rates, {len(seeds)} seeds and "
            f"{len(steps)} step counts",
            "there is one of each for every network, and at least one network",
            "give sequences of equal length",
        )
    for e, rate in enumerate(learning_rates):
        _check_positive(f"learning_rate[{e}]", rate, "give eta > 0")
    for e, count in enumerate(steps):
        if not _is_integer(count) or not 0 <= int(count) < MAX_STEPS:
            raise InputError(
                f"steps[{e}]",
                spelled(count),
                "it must be an integer of at least 0",
                "give 0 or more",
            )
    for e, seed in enumerate(seeds):
        if not _is_integer(seed) or not 0 <= int(seed) < MAX_SEED:
            raise InputError(
                f"seed[{e}]", spelled(seed), "it must lie in 0..2^64 - 1", "give another seed"
            )
    return (
        np.array(learning_rates, dtype=np.float64),
        np.array([int(seed) for seed in seeds], dtype=np.uint64),
        np.array([int(count) for count in steps], dtype=np.int64),
    )


def padded(samples: Sequence[Floats]) -> Floats:
    """Samples of one dimension in one array, padded with zeros. `[E, max n, d]`."""
    found = np.zeros((len(samples), max(map(len, samples)), samples[0].shape[1]))
    for e, points in enumerate(samples):
        found[e, : len(points)] = points
    return found


def check_batch(batch: Batch, name: str, size: int) -> None:
    """Refuse a batch that a sample is too small for.

    Raises:
        InputError: the batch is drawn without replacement and larger than the sample.
    """
    if not batch.replacement and batch.size > size:
        raise InputError(
            "batch.size",
            str(batch.size),
            f"a batch without replacement has at most the {size} points of {name}",
            "give a smaller size, or replacement = true",
        )


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Runs that are trained together: one model and batch rule, everything else by network.

    Args:
        model: the model.
        batch: how mini-batches are drawn.
        problems: `[E]`; all of the model's dimension.
        learning_rates: `[E]`, eta > 0.
        seeds: `[E]`, 0 <= seed < 2^64; decide initial parameters and training noise.
        steps: `[E]`, SGD steps.
    """

    PATHS: ClassVar[Mapping[str, TrainingPath]] = {
        "sorted": TrainingPath("sorted_batch", "threads"),
        "dense": TrainingPath("dense", "threads"),
        "batched": TrainingPath("batched", "device"),
        "reference": TrainingPath("reference"),
    }
    DECISIVE: ClassVar[tuple[str, ...]] = (
        "sizes", "points", "mu", "sigma", "learning_rates", "seeds", "steps"
    )  # fmt: skip

    model: Model
    batch: Batch
    problems: tuple[Problem, ...]
    learning_rates: Floats
    seeds: NDArray[np.uint64]
    steps: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        model: Model,
        batch: Batch,
        problems: Sequence[Problem],
        learning_rates: Sequence[float],
        seeds: Sequence[int],
        steps: Sequence[int],
    ) -> Self:
        """Ensemble of sequences of equal length.

        Raises:
            InputError: lengths differ, a rate is not positive, steps are negative, a seed is out of
                range, a problem has another dimension, or a batch exceeds a sample.
        """
        runs = run_arrays("problems", problems, learning_rates, seeds, steps)
        for e, problem in enumerate(problems):
            if problem.dimension != model.dimension:
                raise InputError(
                    f"problems[{e}]",
                    f"dimension {problem.dimension}",
                    f"the model's dimension is {model.dimension}",
                    "give both the same dimension",
                )
            check_batch(batch, f"problems[{e}]", problem.size)
        return cls(model, batch, tuple(problems), *runs)

    @property
    def count(self) -> int:
        """E."""
        return len(self.problems)

    @property
    def inputs(self) -> int:
        """Inputs of a network, d."""
        return self.model.dimension

    @property
    def rules(self) -> dict[str, Any]:
        """What decides the runs beside the arrays that `DECISIVE` names, for JSON."""
        return {"model": vars(self.model), "batch": self.batch.to_json()}

    def usual_path(self, device: str) -> str:
        """The path that `"auto"` takes on a device."""
        if device != "cpu":
            return "batched"
        return "sorted" if self.model.dimension == 1 else "dense"

    def examples(self, e: int, step: int) -> tuple[Floats, Floats]:
        """Inputs of network e's batch at a step, and what the loss adds to the outputs.

        `Y_j` and `Z_j / sigma`. Two `[B, d]`.
        """
        problem = self.problems[e]
        chosen, noise = philox.training_draws(
            self.seeds[e],
            step,
            self.batch.size,
            problem.dimension,
            problem.size,
            replacement=self.batch.replacement,
        )
        return problem.mu * problem.points[chosen] + problem.sigma * noise, noise / problem.sigma

    def part(self, chosen: Sequence[int]) -> Ensemble:
        """The ensemble of some of the networks."""
        places = list(chosen)
        return replace(
            self,
            problems=tuple(self.problems[e] for e in places),
            learning_rates=self.learning_rates[places],
            seeds=self.seeds[places],
            steps=self.steps[places],
        )

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of training points of each network. `[E]`."""
        return np.array([problem.size for problem in self.problems], dtype=np.int64)

    @cached_property
    def points(self) -> Floats:
        """Training points, padded with zeros. `[E, max n, d]`."""
        return padded([problem.points for problem in self.problems])

    @cached_property
    def mu(self) -> Floats:
        """`[E]`."""
        return np.array([problem.mu for problem in self.problems])

    @cached_property
    def sigma(self) -> Floats:
        """`[E]`."""
        return np.array([problem.sigma for problem in self.problems])

    def start(self, dtype: Any = np.float64) -> Networks:
        """Initial networks: outer weights standard normal; the model says the rest."""
        model, count = self.model, self.count
        m, d = model.width, model.dimension

        def draw(stream: int, size: int) -> Floats:
            return philox.normals(self.seeds, stream, 0, size)

        outer = draw(philox.Stream.OUTER, m * d).reshape(count, m, d)
        if model.inner == "signs":
            signs = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
            inner = np.broadcast_to(signs[None, :, None], (count, m, 1))
        else:
            inner = draw(philox.Stream.INNER, m * d).reshape(count, m, d) / np.sqrt(d)
        bias = model.bias_deviation * draw(philox.Stream.BIAS, m)
        return Networks(
            outer=outer.astype(dtype),
            bias=bias.astype(dtype),
            inner=inner.astype(dtype),
            offset=np.zeros((count, d), dtype=dtype),
            diverged=np.full(count, -1, dtype=np.int64),
        )

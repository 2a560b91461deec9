"""The backward process: from noise to points, with any score.

Time runs from T down to delta on a grid `T = t_0 > t_1 > ... > t_K = delta`; h is the length of a
step from t to t', xi a standard normal vector, and every quantity without a prime is taken at t.

| letter | here | meaning |
|---|---|---|
| s | `score` | score of the noised sample, or a stand-in for it |
| delta, T | `start`, `end` | where generation ends and begins, in the time of the noise |
| K | `steps` | number of steps |
| mu, sigma | | noise level, `mu^2 + sigma^2 = 1` |
| D | | `(x + sigma^2 s(t, x)) / mu`: the mean of X_0 given X_t = x, if s is the score |
| r | | `mu^2 / sigma^2`, signal-to-noise ratio |

`euler`: the page's equation `dX = (X + 2 s(X)) dtau + sqrt(2) dB` as it stands,

    x' = x + h (x + 2 s) + sqrt(2 h) xi.

Weak order 1. Every point of the sample pulls with rate `2 / sigma^2 - 1`, 100 near delta = 0.01,
so that few steps widen the clusters: `convergence.euler_cluster_variance` says by how much.

`exponential`: write s with D, `s = (mu D - x) / sigma^2`, and freeze D alone. What is left,
`dX = (X + 2 (mu D - X) / sigma^2) dtau + sqrt(2) dB`, is the forward process begun at D, run
backwards, so its step is that process's bridge between D at time 0 and x at time t:

    x' = a D + b x + sqrt(v) xi     with a, b, v of `bridge.Bridge.between(t', t)`.

For a single training point, D is that point at every x: exact at any number of steps. Multiplied
by `mu' / sigma'^2` the step reads `Y' = Y + (r' - r) D + sqrt(r' - r) xi` for `Y = mu x / sigma^2`:
the backward equation is `dY = D dr + dB_r`, and this the Euler-Maruyama scheme for it. Weak order
1, with an error that is driven by the change of D over a step only.

`heun`: the same equation with D averaged over both ends of the step, the second end predicted by
the step above with the same xi. Weak order 2, as the noise is additive; two scores a step.

`ode`: the probability flow `dX = (X + s) dtau`, which has the same marginals if X_T has the law
p_T. In `w = x / sigma` and `lambda = mu / sigma` it is `dw = D dlambda`; Heun's scheme for that,
order 2, two scores a step, no noise. Exact for a single training point.

A point depends on the score, the settings, the seed and its own number: neither on how many are
generated nor on how they are split into chunks (up to what the score itself rounds differently).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dsmverify.diffusion.bridge import Bridge, check_draws, chunk_rows, row_chunks
from dsmverify.diffusion.scores import Score, as_score
from dsmverify.ensembles import philox
from dsmverify.ensembles.arguments import whole
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.times import in_order, noise_deviation, signal_factor
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]

Method = Literal["euler", "exponential", "heun", "ode"]
Spacing = Literal["uniform", "geometric", "signal"]

FAR = 1e100
"""Beyond this a process counts as diverged: the square of a state is still finite."""


@dataclass(frozen=True)
class Generation:
    """How points are generated.

    Args:
        method: `"euler"`, `"exponential"`, `"heun"` or `"ode"`: see the module.
        steps: K, 1 or more.
        count: number of points.
        start: delta, positive: where generation ends.
        end: T, above `start`: where it begins, from N(0, I).
        spacing: see `backward_times`. Equal steps widen the clusters most: nearly all of them are
            spent where nothing happens.

    Source: section 7, p. 11 (equation, start, times). The page states neither integrator nor grid,
    number of steps or number of points: the defaults are such that none of them shows.
    """

    method: Method = "heun"
    steps: int = 100
    count: int = 1000
    start: float = 0.01
    end: float = 1.0
    spacing: Spacing = "geometric"

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: a field is out of range.
        """
        if self.method not in get_args(Method):
            raise InputError(
                "generation.method",
                show(self.method),
                f"the methods are {', '.join(get_args(Method))}",
                "choose one",
            )
        backward_times(self.steps, self.start, self.end, self.spacing)
        object.__setattr__(self, "steps", int(self.steps))
        object.__setattr__(self, "count", check_draws(self.count, 0)[0])

    @property
    def times(self) -> Floats:
        """The grid, descending from `end` to `start`. `[steps + 1]`."""
        return backward_times(self.steps, self.start, self.end, self.spacing)


def backward_times(
    steps: int, start: float = 0.01, end: float = 1.0, spacing: Spacing = "uniform"
) -> Floats:
    """Grid of times, descending, both ends exact. `[steps + 1]`.

    Args:
        steps: K, 1 or more.
        start: delta, positive.
        end: T, above `start`.
        spacing: `"uniform"`: equal steps; `"geometric"`: equal ratios of times; `"signal"`: equal
            ratios of mu / sigma.

    Raises:
        InputError: an argument is out of range, or neighbouring times are equal in float64.
    """
    start, end = in_order(start, end, "generation.")
    steps = whole("generation.steps", steps, 1, 2**31)
    require_memory(f"{steps} steps", 8 * 8 * steps, way_out="give fewer steps")
    if spacing == "uniform":
        grid = np.linspace(end, start, steps + 1)
    elif spacing == "geometric":
        grid = np.geomspace(end, start, steps + 1)
    elif spacing == "signal":
        # log(sigma / mu) = log(expm1(2 t)) / 2
        first, last = (math.log(math.expm1(2 * t)) for t in (end, start))
        grid = np.log1p(np.exp(np.linspace(first, last, steps + 1))) / 2
    else:
        raise InputError(
            "generation.spacing",
            show(spacing),
            f"the grids are {', '.join(get_args(Spacing))}",
            "choose one",
        )
    grid[0], grid[-1] = end, start
    if not (np.diff(grid) < 0).all():
        raise InputError(
            "generation.steps",
            show(steps),
            f"between {show(start)} and {show(end)} there are not as many float64 times",
            "give fewer steps",
        )
    return grid


def generate(score: Score, generation: Generation, seed: int) -> Floats:
    """Points generated with a score. `[count, d]`.

    Result: approximate; `convergence` measures the error of discretisation.

    Args:
        score: called as `score(y [k, d], time)`; what it returns is checked each time.
        generation: method, steps, number of points and times.
        seed: 0 <= seed < 2^64. Two clouds with one seed share starts and noise, whatever the score:
            give independent clouds different seeds.

    Raises:
        InputError: the seed is out of range; the score has no dimension (wrap a function:
            `scores.checked`), or returns something else than finite values of the right shape; the
            points do not fit into memory; or the process diverges (the step is named).
        MissingExtraError: numba is not installed, and the method draws noise.
    """
    _, seed = check_draws(generation.count, seed)
    score = as_score(score)
    d = score.dimension
    # Every point once; of a chunk, words of the normals or what a step holds, and three arrays for
    # the score itself.
    require_memory(
        f"{generation.count} points in d = {d}",
        8 * d * (generation.count + 10 * chunk_rows(generation.count, d)),
        way_out="give a smaller count or dimension",
    )
    times = [float(t) for t in generation.times]
    advance = _STEPS[generation.method]
    found = np.empty((generation.count, d))
    for rows in row_chunks(generation.count, d):
        numbers = np.arange(rows.start, rows.stop, dtype=np.uint64)
        x = starting_points(seed, rows, d)
        for k, (time, following) in enumerate(itertools.pairwise(times)):
            x = advance(score, x, time, following, _Noise(seed, numbers, k, d))
            largest = float(np.abs(x).max())
            if not largest < FAR:
                raise _diverged(generation, k, time, following)
        found[rows] = x
    return found


def starting_points(seed: int, rows: slice, dimension: int) -> Floats:
    """Where the points of these numbers start: N(0, I). `[k, d]`."""
    numbers = np.arange(rows.start, rows.stop, dtype=np.uint64)
    return philox.normals(seed, philox.Stream.START, numbers, dimension)


@dataclass(frozen=True)
class _Noise:
    """The normals of one step, drawn when asked for: key (seed), counter (number, step)."""

    seed: int
    numbers: NDArray[np.uint64]
    step: int
    dimension: int

    def draw(self) -> Floats:
        from dsmverify.ensembles.philox_compiled import fill_normals

        counters = (self.numbers << np.uint64(32)) | np.uint64(self.step)
        noise = np.empty((len(counters), self.dimension))
        stream = np.uint64(philox.Stream.GENERATION)
        fill_normals(np.uint64(self.seed), stream, counters, noise)
        return noise


def _euler(score: Score, x: Floats, time: float, following: float, noise: _Noise) -> Floats:
    h = time - following
    return x + h * (x + 2 * score(x, time)) + math.sqrt(2 * h) * noise.draw()


def _exponential(score: Score, x: Floats, time: float, following: float, noise: _Noise) -> Floats:
    bridge = Bridge.between(following, time)
    origin = denoised(score, x, time)
    return bridge.origin * origin + bridge.place * x + math.sqrt(bridge.variance) * noise.draw()


def _heun(score: Score, x: Floats, time: float, following: float, noise: _Noise) -> Floats:
    bridge = Bridge.between(following, time)
    origin = denoised(score, x, time)
    linear = bridge.place * x + math.sqrt(bridge.variance) * noise.draw()
    second = denoised(score, bridge.origin * origin + linear, following)
    return bridge.origin * (origin + second) / 2 + linear


def _flow(score: Score, x: Floats, time: float, following: float, noise: _Noise) -> Floats:
    before, after = (float(noise_deviation(t)) for t in (time, following))
    # sigma' (lambda' - lambda)
    gain = float(signal_factor(following)) - float(signal_factor(time)) * after / before
    origin = denoised(score, x, time)
    linear = (after / before) * x
    second = denoised(score, gain * origin + linear, following)
    return gain * (origin + second) / 2 + linear


_STEPS = {"euler": _euler, "exponential": _exponential, "heun": _heun, "ode": _flow}


def denoised(score: Score, x: Floats, time: float) -> Floats:
    """`D(t, x) = (x + sigma^2 s(t, x)) / mu`: under the true score, the mean of X_0. `[k, d]`."""
    square = float(noise_deviation(time)) ** 2
    result: Floats = (x + square * score(x, time)) / float(signal_factor(time))
    return result


def _diverged(generation: Generation, k: int, time: float, following: float) -> InputError:
    pull = (time - following) * (2 / float(noise_deviation(time)) ** 2 - 1)
    return InputError(
        "generation.steps",
        show(generation.steps),
        f"the process diverged at step {k + 1} of method {generation.method!r}, from time "
        f"{time:.6g} to {following:.6g}, where h (2/sigma^2 - 1) is {pull:.3g} (a single training "
        f"point needs less than 2 with 'euler')",
        "give more steps, or check the score far from the data",
    )

"""What too few steps do to the clusters: weak error of their first two moments.

Generated points are assigned to the nearest of the centres mu x_i. Every cluster gives its share of
the points, the mean of `X - mu x_i`, its covariance, and the mean diagonal of that, the variance,
which few steps hurt first and which is known best. The weak error is what these numbers miss of
those of a reference, in units of the reference's cluster: means in standard deviations, covariances
and variances in variances, shares as they are. (For s* the cluster's variance is sigma^2, nearly.)

| reference | when | what remains unknown |
|---|---|---|
| `bridge` | the score is s* of the same points, and the method draws noise | sampling |
| `fine` | method `ode`: the same starts by DOP853 | sampling of starts; 1e-8 of each path |
| `refined` | otherwise: 4 K steps of the same method | sampling, and an assumption |

The assumption: the error at 4 K steps is 4^-p of the one at K, so that their difference, divided by
1 - 4^-p, is the error (Richardson). Whether K is large enough for that, `recommend_steps` makes
plausible by doubling and does not prove.

Standard errors are those of the grouped jackknife over the points' numbers, which serves for
independent clouds and for clouds from the same starts. `resolved` is True only if all numbers are
within the tolerance by more than their bands, False only if one is outside by more than its band,
jointly at the stated level (Bonferroni, t distribution); otherwise it is None. A cluster with fewer
than `FEWEST` points has no usable moments and never supports True.

| letter | here | meaning |
|---|---|---|
| K | `generation.steps` | number of steps |
| p | `ORDERS` | weak order of a method |
| mu, sigma | | noise level at delta, where generation ends |
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, spatial, stats

from dsmverify.diffusion.backward import (
    Generation,
    Method,
    Spacing,
    backward_times,
    generate,
    starting_points,
)
from dsmverify.diffusion.bridge import check_draws, chunk_rows, generate_exactly, row_chunks
from dsmverify.diffusion.scores import EmpiricalScore, Score, as_score
from dsmverify.ensembles.arguments import real, whole
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.settings import MAX_SEED, as_points
from dsmverify.ensembles.times import noise_deviation, signal_factor
from dsmverify.errors import InputError

Floats = NDArray[np.float64]
Reference = Literal["bridge", "fine", "refined"]

ORDERS: dict[Method, int] = {"euler": 1, "exponential": 1, "heun": 2, "ode": 2}
REFINEMENT = 4
GROUPS = 32
FEWEST = 50
TIGHT = 1e-10
"""Relative and absolute tolerance of DOP853."""
KINDS = ("share", "mean", "covariance", "variance")


def euler_cluster_variance(
    steps: int,
    start: float = 0.01,
    end: float = 1.0,
    spacing: Spacing = "uniform",
    *,
    variance: float = 1.0,
) -> float:
    """Variance, per coordinate, of an isolated cluster after K steps of Euler-Maruyama.

    Around a single training point the score is `(mu x - y) / sigma^2`, so that a step from t to
    t' = t - h multiplies deviations by `1 + h (1 - 2 / sigma_t^2)` and adds noise of variance 2 h:

        v' = (1 + h (1 - 2 / sigma_t^2))^2 v + 2 h.

    Result: exact for the scheme at one training point, up to rounding (about 1e-15 relative a
    step). For clusters of several points, the limit of points far apart.

    Args:
        steps: K, 1 or more.
        start: delta, positive.
        end: T, above `start`.
        spacing: of the grid, see `backward.backward_times`.
        variance: at T; that of N(0, I) is 1.

    Raises:
        InputError: an argument is out of range.
    """
    times = [float(t) for t in backward_times(steps, start, end, spacing)]
    variance = real("variance", variance, least=0)
    for time, following in itertools.pairwise(times):
        h = time - following
        factor = 1 + h * (1 - 2 / float(noise_deviation(time)) ** 2)
        variance = factor * factor * variance + 2 * h
    return variance


@dataclass(frozen=True)
class WeakError:
    """Weak error of one number of steps.

    Attributes:
        generation: the settings.
        reference: what they were compared with.
        kinds: `[q]`, of each number: 0 share, 1 mean, 2 covariance, 3 variance (`KINDS`).
        clusters: `[q]`, number of the training point it belongs to.
        errors: `[q]`, what is missed of the reference; NaN for clusters of too few points.
        deviations: `[q]`, standard errors of these.
        spread: variance within the clusters, all together, over that of the reference.
        spread_deviation: standard error of this ratio.
        tolerance: what `resolved` allows.
        reach: half width of a band, in standard errors.
    """

    generation: Generation
    reference: Reference
    kinds: NDArray[np.int64]
    clusters: NDArray[np.int64]
    errors: Floats
    deviations: Floats
    spread: float
    spread_deviation: float
    tolerance: float
    reach: float

    @property
    def resolved(self) -> bool | None:
        """Whether all errors are within the tolerance; None where their bands do not tell."""
        size, band = np.abs(self.errors), self.reach * self.deviations
        if (size - band > self.tolerance).any():
            return False
        return True if (size + band <= self.tolerance).all() else None

    def largest(self, kind: str) -> tuple[float, float]:
        """The error of a kind that is largest in size, with its sign and its standard error.

        NaN twice when none is known. The largest of many is large by chance, too.
        """
        chosen = np.flatnonzero((self.kinds == KINDS.index(kind)) & np.isfinite(self.errors))
        if not chosen.size:
            return math.nan, math.nan
        q = chosen[np.argmax(np.abs(self.errors[chosen]))]
        return float(self.errors[q]), float(self.deviations[q])


def weak_error(
    score: Score,
    generation: Generation,
    points: Any,
    seed: int,
    *,
    tolerance: float = 0.05,
    level: float = 0.05,
) -> WeakError:
    """Weak error of the clusters' moments at one number of steps, against a reference.

    Result: approximate, with standard errors; what a reference assumes is said above.

    Args:
        score: generates.
        generation: method, steps, grid; `count` points are generated, and as many of the reference.
        points: `[n, d]`, training points, n >= 2, no two equal.
        seed: 0 <= seed < 2^64 - 1; an independent reference takes the next.
        tolerance: positive, in the units above.
        level: probability at most that any band misses its number, in (0, 1).

    Raises:
        InputError: an argument is out of range, points are equal, the covariances do not fit into
            memory, the score is refused, or the process diverges.
    """
    centres = _check(score, generation, points, seed, tolerance, level)
    seed, tolerance, level = int(seed), float(tolerance), float(level)
    found = generate(score, generation, seed)
    factor = 1.0
    reference: Reference
    if generation.method == "ode":
        reference = "fine"
        other = flow_finely(score, generation, seed)
    elif isinstance(score, EmpiricalScore) and np.array_equal(score.points, centres):
        reference = "bridge"
        start, end = generation.start, generation.end
        other = generate_exactly(centres, generation.count, seed + 1, start=start, end=end)
    else:
        reference = "refined"
        finer = replace(generation, steps=REFINEMENT * generation.steps)
        other = generate(score, finer, seed + 1)
        factor = 1 / (1 - REFINEMENT ** -ORDERS[generation.method])
    mine = _Sums.of(found, centres, generation.start)
    true = _Sums.of(other, centres, generation.start)
    unit = true.units()
    errors, deviations = _jackknife(
        [factor * (a - b) / unit for a, b in zip(mine.numbers(), true.numbers(), strict=True)]
    )
    ratio, ratio_deviation = _jackknife(
        [
            np.array([1 + factor * (a / b - 1)])
            for a, b in zip(mine.spreads(), true.spreads(), strict=True)
        ]
    )
    kinds, clusters = mine.labels()
    # No band of width 0 for a share that came out 0 twice: it may be 3 / count.
    deviations[kinds == 0] = np.maximum(deviations[kinds == 0], 1 / generation.count)
    return WeakError(
        generation,
        reference,
        kinds,
        clusters,
        errors,
        deviations,
        float(ratio[0]),
        float(ratio_deviation[0]),
        tolerance,
        float(stats.t.isf(level / (2 * len(errors)), GROUPS - 1)),
    )


@dataclass(frozen=True)
class Recommendation:
    """A number of steps, and the doubling sequence that it comes from.

    Attributes:
        steps: the least number that was resolved, and whose double was resolved too; None when no
            number was.
        rows: what was measured, in ascending order of steps.
        reason: in plain words.
    """

    steps: int | None
    rows: tuple[WeakError, ...]
    reason: str


def recommend_steps(
    score: Score,
    generation: Generation,
    points: Any,
    seed: int,
    *,
    largest: int = 3200,
    tolerance: float = 0.05,
    level: float = 0.05,
) -> Recommendation:
    """Least number of steps, of those tried, that resolves the clusters.

    `generation.steps` and its doubles, up to `largest`, are tried, each with seeds of its own, at
    a joint level; a number is recommended when it and its double are resolved.

    Result: approximate; evidence at the stated level, not a proof.

    Args:
        score: as in `weak_error`, and so `points`, `tolerance` and `level`.
        generation: settings; its steps are the first number tried.
        points: `[n, d]`.
        seed: two for each number of steps, from this one on; below 2^64 - 64.
        largest: largest number of steps tried, at least twice the first.
        tolerance: positive.
        level: in (0, 1), for all numbers tried together.

    Raises:
        InputError: as `weak_error`, or `largest` is less than twice the first number.
    """
    seed = whole("seed", seed, 0, MAX_SEED - 64, why="every number of steps takes two")
    level = real("level", level, above=0, below=1)
    largest = whole(
        "largest", largest, 2 * generation.steps, why="a number of steps and its double are tried"
    )
    tried = [generation.steps << k for k in range((largest // generation.steps).bit_length())]
    rows: list[WeakError] = []
    for k, steps in enumerate(tried):
        here = replace(generation, steps=steps)
        share = level / len(tried)
        rows.append(weak_error(score, here, points, seed + 2 * k, tolerance=tolerance, level=share))
        if len(rows) > 1 and rows[-1].resolved and rows[-2].resolved:
            reason = f"all clusters are within {tolerance:g} at {tried[k - 1]} and {steps} steps"
            return Recommendation(tried[k - 1], tuple(rows), reason)
    answer = rows[-1].resolved
    if answer is False:
        reason = f"a cluster is off by more than {tolerance:g} at {tried[-1]} steps, still"
    elif np.isnan(rows[-1].errors).any():
        reason = f"a cluster has fewer than {FEWEST} of {generation.count} points: give more points"
    elif answer is None:
        reason = f"{generation.count} points do not tell at {tried[-1]} steps: give more points"
    else:
        reason = f"resolved at {tried[-1]} steps, and its double was not tried"
    return Recommendation(None, tuple(rows), reason)


def flow_finely(score: Score, generation: Generation, seed: int) -> Floats:
    """The points of method `ode`, by DOP853 with tight tolerances. `[count, d]`.

    The flow `dx/dt = -(x + s(t, x))` from `end` down to `start`, from the starts of `generate`.

    Result: approximate, error about 1e-8 where the score is smooth; larger where a kink of a ReLU
    network is crossed, or paths part between two training points.

    Args:
        score: as in `generate`.
        generation: count and times; method, steps and spacing play no part.
        seed: 0 <= seed < 2^64.

    Raises:
        InputError: the seed is out of range, the score is refused, or DOP853 gives up.
    """
    _, seed = check_draws(generation.count, seed)
    score = as_score(score)
    d = score.dimension
    # DOP853 keeps 16 slopes, interpolates in 7, and has some more; then the score's own arrays.
    require_memory(
        f"{generation.count} points in d = {d}",
        8 * d * (generation.count + 48 * chunk_rows(generation.count, d)),
        way_out="give a smaller count or dimension",
    )
    found = np.empty((generation.count, d))
    for rows in row_chunks(generation.count, d):
        begin = starting_points(seed, rows, d)

        def slope(time: float, x: Floats) -> Floats:
            y = x.reshape(-1, d)
            return -(y + score(y, time)).ravel()

        solution = integrate.solve_ivp(
            slope,
            (float(generation.end), float(generation.start)),
            begin.ravel(),
            method="DOP853",
            t_eval=[float(generation.start)],
            rtol=TIGHT,
            atol=TIGHT,
        )
        if not solution.success:
            raise InputError(
                "score", "", f"DOP853 gives up: {solution.message}", "look for poles of the score"
            )
        found[rows] = solution.y[:, -1].reshape(-1, d)
    return found


@dataclass(frozen=True)
class _Sums:
    """Sums over the points of each group and cluster, of deviations from the centre over sigma.

    Attributes:
        sizes: `[GROUPS, n]`.
        first: `[GROUPS, n, d]`.
        second: `[GROUPS, n, d, d]`.
    """

    sizes: Floats
    first: Floats
    second: Floats

    @classmethod
    def of(cls, x: Floats, points: Floats, time: float) -> _Sums:
        mu, sigma = float(signal_factor(time)), float(noise_deviation(time))
        n, d = points.shape
        nearest = spatial.KDTree(mu * points).query(x)[1]
        inside = (x - mu * points[nearest]) / sigma
        group = np.arange(len(x)) % GROUPS
        sums = cls(np.zeros((GROUPS, n)), np.zeros((GROUPS, n, d)), np.zeros((GROUPS, n, d, d)))
        order = np.lexsort((group, nearest))
        label = nearest[order] * GROUPS + group[order]
        for part in np.split(order, np.flatnonzero(np.diff(label)) + 1):
            place = group[part[0]], nearest[part[0]]
            sums.sizes[place] = len(part)
            sums.first[place] = inside[part].sum(axis=0)
            sums.second[place] = inside[part].T @ inside[part]
        return sums

    def _parts(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Sizes, means and covariances of all points, then without one group in turn."""
        total = [a.sum(axis=0) for a in (self.sizes, self.first, self.second)]
        usable = total[0] >= FEWEST
        for g in range(-1, GROUPS):
            sizes, first, second = (
                a if g < 0 else a - b[g]
                for a, b in zip(total, (self.sizes, self.first, self.second), strict=True)
            )
            count = np.where(usable, sizes, np.nan)
            means = first / count[:, None]
            squares = second - count[:, None, None] * means[:, :, None] * means[:, None, :]
            yield sizes, means, squares / (count - 1)[:, None, None]

    def numbers(self) -> Iterator[Floats]:
        """Shares, means, upper covariances, variances: of all, then without each group. `[q]`."""
        upper = np.triu_indices(self.first.shape[2])
        for sizes, means, covariances in self._parts():
            variances = np.trace(covariances, axis1=1, axis2=2) / means.shape[1]
            chosen = covariances[:, *upper]
            yield np.concatenate((sizes / sizes.sum(), means.ravel(), chosen.ravel(), variances))

    def spreads(self) -> Iterator[float]:
        """Mean variance within the usable clusters: of all, then without each group."""
        for sizes, _, covariances in self._parts():
            variances = np.trace(covariances, axis1=1, axis2=2)
            known = np.isfinite(variances)
            load = sizes[known]
            yield float(variances[known] @ load / load.sum()) if known.any() else math.nan

    def labels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Kind and cluster of every number. `[q]` each."""
        n, d = self.first.shape[1:]
        each = (1, d, d * (d + 1) // 2, 1)
        kinds = np.repeat(np.arange(len(KINDS)), [n * k for k in each])
        return kinds, np.concatenate([np.repeat(np.arange(n), k) for k in each])

    def units(self) -> Floats:
        """In what every number is measured. `[q]`."""
        kinds, clusters = self.labels()
        variances = next(self.numbers())[kinds == KINDS.index("variance")][clusters]
        return np.select([kinds == 0, kinds == 1], [np.ones(len(kinds)), variances**0.5], variances)


def _jackknife(values: list[Floats]) -> tuple[Floats, Floats]:
    """The first value, and its standard error from the others, each without one group."""
    others = np.stack(values[1:])
    apart = others - others.mean(axis=0)
    return values[0], np.sqrt((GROUPS - 1) / GROUPS * (apart * apart).sum(axis=0))


def _check(
    score: Score, generation: Generation, points: Any, seed: int, tolerance: float, level: float
) -> Floats:
    """Training points, with every argument checked. `[n, d]`."""
    sample = as_points("points", points)
    n, d = sample.shape
    dimension = as_score(score).dimension
    if d != dimension:
        raise InputError(
            "points",
            f"dimension {d}",
            f"the score has dimension {dimension}",
            "give points of the score's dimension",
        )
    if n < 2:
        raise InputError("points", f"{n} point", "clusters are told apart", "give two or more")
    clouds = 6 * generation.count + 10 * chunk_rows(generation.count, d)
    require_memory(
        f"covariances of {n} clusters in d = {d}",
        8 * d * (n * d * (4 * GROUPS + 8) + clouds),
        way_out="give a smaller dimension, count or number of points",
    )
    distinct, counts = np.unique(sample, axis=0, return_counts=True)
    if len(distinct) < n:
        twice = distinct[int(np.argmax(counts))]
        equal = np.flatnonzero((sample == twice).all(axis=1))
        raise InputError(
            "points",
            f"rows {', '.join(str(i) for i in equal[:5])} are equal",
            "a generated point has one nearest cluster",
            "keep one of each",
        )
    whole("seed", seed, 0, MAX_SEED - 1, why="an independent reference takes the next")
    real("tolerance", tolerance, above=0)
    real("level", level, above=0, below=1)
    return sample

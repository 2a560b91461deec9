"""Excess risk in any dimension: by Monte Carlo with a stated standard error, and the exact risk.

| letter | here | meaning |
|---|---|---|
| f | | s_theta(Y) + Z/sigma, the residual, Y = mu x_i + sigma Z |
| D | `draws` | noise draws for each training point |
| h, g | | means of two pre-activations in units of their standard deviations |
| rho | | correlation of two pre-activations, the cosine between inner weights |

Given Y the residual of s* has mean 0 in every coordinate, so that in any dimension
`E|s_theta(Y) + Z/sigma|^2 = E|s_theta(Y) - s*(Y)|^2 + E|s*(Y) + Z/sigma|^2`, and the excess risk is
the mean square distance to s*. Every number here is the sum over coordinates, not their mean.

`R_n(theta)` itself is a sum over pairs of neurons of `E[relu(U) relu(V)]`, U and V correlated
normals, which has a closed form in Owen's T; O(n m^2) in place of O(n D m). `R_n(s*)` has none for
d > 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dsmverify.ensembles import philox
from dsmverify.ensembles.optimum import score
from dsmverify.ensembles.settings import MAX_SEED, Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]
Estimator = Literal["distance", "difference"]

PAGE_DRAWS = 5000
"""Noise draws for each training point. Source: section 7."""

CACHED = 2**17
"""Entries of a block of hidden values: about a megabyte, so that it stays in the cache."""

PAIRS = 2**18
"""Pairs of neurons at a time in the exact risk."""

SMALLEST = 1e-300
"""Stands for an h of 0 in Owen's formula, which is continuous there but divides by h."""


@dataclass(frozen=True)
class Estimates:
    """Monte-Carlo estimates of the excess risk, sum over coordinates.

    Attributes:
        mean: `[E]`; infinite for a network that diverged or has parameters that are not finite.
        error: `[E]`, standard error of the mean, stratified by training point; NaN where the mean
            is infinite.
        draws: noise draws for each training point.
        estimator: which one.
    """

    mean: Floats
    error: Floats
    draws: int
    estimator: Estimator


def estimate_excess_risks(
    ensemble: Ensemble,
    networks: Networks,
    *,
    seed: int,
    draws: int = PAGE_DRAWS,
    estimator: Estimator = "distance",
    dtype: Any = np.float64,
) -> Estimates:
    """`R_n(theta) - R_n(s*)` of every network by Monte Carlo, sum over coordinates.

    Networks of one problem share their draws, those of different problems have independent ones;
    both whatever the ensemble around them.

    Args:
        ensemble: the problems.
        networks: parameters.
        seed: 0 <= seed < 2^64, of the noise (`philox.Stream.EVALUATION`).
        draws: D >= 2 for each training point.
        estimator: `"distance"`, the mean of `|s_theta(Y) - s*(Y)|^2`, never negative and exact at
            s* itself; `"difference"`, the page's, the mean of `|s_theta(Y) + Z/sigma|^2 - |s*(Y) +
            Z/sigma|^2`, of the same mean and a larger error.
        dtype: float64; or float32 for the networks' values, which are then right to about 1e-6 of
            `k sum_l |w2_l| |relu_l|`.

    Source: section 7 (5 000 draws per point); the identity is `excess`, p. 10.

    Raises:
        InputError: seed, draws or estimator is out of range.
    """
    _check(seed, draws, estimator)
    mean = np.full(ensemble.count, np.inf)
    error = np.full(ensemble.count, np.nan)
    for places in _by_problem(ensemble.problems):
        problem = ensemble.problems[places[0]]
        usable = [e for e in places if networks.diverged[e] < 0 and _is_finite(networks, e)]
        if not usable:
            continue
        layers = [_layers(ensemble.model, networks, e, dtype) for e in usable]
        moments = np.empty((len(usable), problem.size, 2))
        for i in range(problem.size):
            noise = philox.normals(
                _key(problem, seed), philox.Stream.EVALUATION, i, draws * problem.dimension
            ).reshape(draws, problem.dimension)
            y = problem.mu * problem.points[i] + problem.sigma * noise
            best, target = score(problem, y), -noise / problem.sigma
            for row, layer in enumerate(layers):
                apart = _values(layer, y, dtype) - best
                terms = (apart * apart).sum(axis=1)
                if estimator == "difference":
                    terms += 2 * (apart * (best - target)).sum(axis=1)
                moments[row, i] = terms.mean(), terms.var(ddof=1)
        mean[usable] = moments[:, :, 0].mean(axis=1)
        error[usable] = np.sqrt(moments[:, :, 1].sum(axis=1) / draws) / problem.size
    return Estimates(mean, error, draws, estimator)


def estimate_optimal_risk(
    problem: Problem, *, seed: int, draws: int = PAGE_DRAWS
) -> tuple[float, float]:
    """`R_n(s*)` and its standard error by Monte Carlo, sum over coordinates.

    The mean of `|s*(Y) + Z/sigma|^2`, over the draws of `estimate_excess_risks`.

    Raises:
        InputError: seed or draws is out of range.
    """
    _check(seed, draws, "distance")
    moments = np.empty((problem.size, 2))
    for i in range(problem.size):
        noise = philox.normals(
            _key(problem, seed), philox.Stream.EVALUATION, i, draws * problem.dimension
        ).reshape(draws, problem.dimension)
        apart = score(problem, problem.mu * problem.points[i] + problem.sigma * noise)
        apart += noise / problem.sigma
        terms = (apart * apart).sum(axis=1)
        moments[i] = terms.mean(), terms.var(ddof=1)
    error = np.sqrt(moments[:, 1].sum() / draws) / problem.size
    return float(moments[:, 0].mean()), float(error)


def exact_risk(problem: Problem, model: Model, networks: Networks, e: int) -> float:
    """`R_n(theta)` in any dimension, in O(n m^2): seconds at m = 300, n = 20.

    `(1/n) sum_i [ E|s|^2 + (2/sigma^2) E s . (Y - mu x_i) ] + d/sigma^2`, with the second mean
    `sigma^2 k sum_l (w2_l . w1_l) P(U_l > 0)` by Stein's lemma. Approximate, error about 1e-14 of
    `E (k sum_l |w2_l| |relu_l|)^2 + d/sigma^2`. Infinite where a parameter is not finite.

    Source: D-risk, eq. 5, in d dimensions with the squared norm.

    Raises:
        InputError: dimensions differ, or there is no such network.
    """
    if problem.dimension != model.dimension:
        raise InputError(
            "problem",
            f"dimension {problem.dimension}",
            f"the model's dimension is {model.dimension}",
            "give both the same dimension",
        )
    if not 0 <= e < networks.count:
        raise InputError(
            "e", str(e), f"there are {networks.count} networks", "give 0 or more, below that"
        )
    if not _is_finite(networks, e):
        return float("inf")
    inner, bias, outer = (
        getattr(networks, name)[e].astype(np.float64) for name in ("inner", "bias", "outer")
    )
    outer = model.output_scale * outer
    length = np.linalg.norm(inner, axis=1)
    still = length == 0
    constant = networks.offset[e] + np.maximum(bias[still], 0) @ outer[still]
    inner, bias, outer, length = inner[~still], bias[~still], outer[~still], length[~still]
    unit, deviation = inner / length[:, None], problem.sigma * length
    means = (problem.mu * problem.points @ inner.T + bias) / deviation
    active = special.ndtr(means)
    expected = deviation * (means * active + _density(means))
    linear = 2 * (expected @ outer) @ constant + 2 * active @ (outer * inner).sum(axis=1)
    loads = deviation[:, None] * outer
    square = np.zeros(problem.size)
    rows = max(1, PAIRS // max(1, len(inner)))
    for start in range(0, len(inner), rows):
        part = slice(start, start + rows)
        pair = _Pair.of(unit[part], unit)
        together = loads[part] @ loads.T
        for i in range(problem.size):
            grams = pair.rectified(means[i, part, None], means[i, None, :])
            square[i] += float((together * grams).sum())
    total = float((square + linear).mean()) + float(constant @ constant)
    return total + problem.dimension / problem.sigma**2


def rectified_mean(h: Any, g: Any, rho: Any) -> Floats:
    """`E[(h + Z1)_+ (g + Z2)_+]` for standard normals of correlation rho. Arguments broadcast.

    `(h g + rho) P + h phi(g) Phi((h - rho g)/c) + g phi(h) Phi((g - rho h)/c)
    + c phi(h) phi((g - rho h)/c)`, with `c = sqrt(1 - rho^2)` and `P = P(Z1 > -h, Z2 > -g)`, by
    parts in each normal. Approximate, error about 1e-15 of `(1 + |h|)(1 + |g|)`.

    Args:
        h: any real number.
        g: any real number.
        rho: -1 <= rho <= 1.
    """
    rho = np.asarray(rho, dtype=np.float64)
    return _Pair(rho, 1 - rho, 1 + rho).rectified(h, g)


@dataclass(frozen=True)
class _Pair:
    """Correlations, with their distances from 1 and -1 to full relative accuracy."""

    rho: Floats
    below: Floats
    above: Floats

    @classmethod
    def of(cls, first: Floats, second: Floats) -> _Pair:
        """Cosines between unit vectors `[a, d]` and `[b, d]`. `[a, b]`."""
        apart = first[:, None, :] - second[None, :, :]
        together = first[:, None, :] + second[None, :, :]
        below, above = (apart**2).sum(axis=2) / 2, (together**2).sum(axis=2) / 2
        return cls(np.where(below < above, 1 - below, above - 1), below, above)

    def rectified(self, h: Any, g: Any) -> Floats:
        """`E[(h + Z1)_+ (g + Z2)_+]`."""
        h, g = (np.where(np.abs(x) < SMALLEST, SMALLEST, x) for x in (h, g))
        width = np.sqrt(self.below * self.above)
        # g - rho h without cancellation where rho is near 1 or -1.
        near_one = self.below < self.above
        from_h = np.where(near_one, (g - h) + self.below * h, (g + h) - self.above * h)
        from_g = np.where(near_one, (h - g) + self.below * g, (h + g) - self.above * g)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            beyond_h = np.where(from_h == 0, 0.0, from_h / width)
            beyond_g = np.where(from_g == 0, 0.0, from_g / width)
            slope_h, slope_g = beyond_h / h, beyond_g / g
        both = (special.ndtr(h) + special.ndtr(g)) / 2
        both = both - special.owens_t(h, slope_h) - special.owens_t(g, slope_g)
        both = np.maximum(both - np.where(np.sign(h) * np.sign(g) < 0, 0.5, 0.0), 0.0)
        result: Floats = (h * g + self.rho) * both
        result = result + h * _density(g) * special.ndtr(beyond_g)
        result = result + g * _density(h) * special.ndtr(beyond_h)
        return result + width * _density(h) * _density(beyond_h)


def _density(x: Any) -> Floats:
    with np.errstate(over="ignore"):
        result: Floats = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return result


def _check(seed: int, draws: int, estimator: str) -> None:
    if not 0 <= seed < MAX_SEED:
        raise InputError("seed", show(seed), "it must lie in 0..2^64 - 1", "give another seed")
    if draws < 2:
        raise InputError("draws", show(draws), "a standard error needs two draws", "give 2 or more")
    if estimator not in get_args(Estimator):
        raise InputError(
            "estimator", show(estimator), "unknown choice", "give 'distance' or 'difference'"
        )


def _identity(problem: Problem) -> bytes:
    """Shape and content of a problem."""
    numbers = np.array([*problem.points.shape, problem.mu, problem.sigma], dtype=np.float64)
    return numbers.tobytes() + np.ascontiguousarray(problem.points).tobytes()


def _key(problem: Problem, seed: int) -> np.uint64:
    """Key of a problem's noise: a digest of problem and seed."""
    content = seed.to_bytes(8, "little") + _identity(problem)
    return np.uint64(int.from_bytes(hashlib.sha256(content).digest()[:8], "little"))


def _by_problem(problems: tuple[Problem, ...]) -> list[list[int]]:
    """Numbers of the networks of each problem."""
    places: dict[bytes, list[int]] = {}
    for e, problem in enumerate(problems):
        places.setdefault(_identity(problem), []).append(e)
    return list(places.values())


def _is_finite(networks: Networks, e: int) -> bool:
    arrays = networks.outer[e], networks.bias[e], networks.inner[e], networks.offset[e]
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _layers(model: Model, networks: Networks, e: int, dtype: Any) -> tuple[Any, Any, Floats]:
    """Inner weights over biases `[d + 1, m]`, scaled outer weights `[m, d]`, and offset `[d]`."""
    first = np.concatenate((networks.inner[e].T, networks.bias[e][None, :])).astype(dtype)
    second = (model.output_scale * networks.outer[e].astype(np.float64)).astype(dtype)
    return np.ascontiguousarray(first), second, networks.offset[e].astype(np.float64)


def _values(layer: tuple[Any, Any, Floats], y: Floats, dtype: Any) -> Floats:
    """`s_theta(y)`. `[k, d]`."""
    first, second, offset = layer
    width = first.shape[1]
    inputs = np.concatenate((y, np.ones((len(y), 1))), axis=1).astype(dtype)
    found = np.empty(y.shape)
    rows = max(1, CACHED // width)
    hidden = np.empty((rows, width), dtype=dtype)
    for start in range(0, len(y), rows):
        part = inputs[start : start + rows]
        block = hidden[: len(part)]
        np.matmul(part, first, out=block)
        np.maximum(block, 0, out=block)
        found[start : start + rows] = block @ second
    found += offset
    return found

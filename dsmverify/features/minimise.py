"""The exact minimiser of the loss of a finite random-features model.

| letter | here | meaning |
|---|---|---|
| phi, z | | features and noise of the N = n m noised points, stacked as Phi, Z |
| U, V | | Phi^T Phi/N, Phi^T Z/N, or their expectation over the noise |
| B | `outer` | A/sqrt(p) = -(1/sqrt h) V^T (U + lam)^-1 |
| lam | `ridge` | 0 stands for the limit, the minimum-norm solution |

Three routes, by size and condition; tests tie them to each other:
- Cholesky of U + lam, p x p, or of the dual Phi Phi^T/N + lam, N x N, when that is smaller;
- where that is ill-conditioned, and in the limit, singular values of Phi itself, reduced to a
  triangle of p rows first (QR of chunks), so that no condition number is squared;
- m infinite: eigenvalues of U in the limit, for U is all there is.

Source: section 1 of the notes on random features (arXiv 2502.00336).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsmverify.features.arrays import Arrays
from dsmverify.features.model import Draws

CONDITION = 1e-7
"""Cholesky is for ridges above this times the trace of U: an error of about 1e-9 at worst."""


@dataclass(frozen=True)
class Minimiser:
    """The minimiser of each repeat.

    Attributes:
        outer: `B`, `[b, d, p]`. Approximate, relative error about 1e-16 times the condition number
            of `U + lam` (its root where singular values are taken).
        degrees: `tr U (U + lam)^-1`, `[b]`; the rank in the limit.
        rank: number of directions that count as not null, `[b]`; p or N with a ridge.
        train_error: `(1/(n m d)) sum || sqrt(h) s_A + z ||^2` at the minimiser, `[b]`.
        smallest: smallest eigenvalue of `U + lam` on the directions that count, `[b]`, or a lower
            bound of it (the ridge); for bounds on what truncation does.
    """

    outer: Any
    degrees: Any
    rank: Any
    train_error: Any
    smallest: Any


def minimise(draws: Draws) -> Minimiser:
    """The minimiser and its training loss, without the ridge term."""
    setting = draws.setting
    if setting.rows is None:
        return _expected(draws)
    if setting.rows < setting.features:
        return _dual(draws)
    return _primal(draws)


def is_well_conditioned(ridge: float, features: int, mean_square: float) -> bool:
    """Whether Cholesky is used: a function of the setting, so that no draw changes the route.

    Args:
        ridge: lam.
        features: p, or the number of noised points when that is smaller.
        mean_square: mean square of a feature.
    """
    return ridge > CONDITION * features * mean_square


def quadratic(arrays: Arrays, outer: Any, second: Any, cross: Any) -> tuple[Any, Any]:
    """`tr B M B^T` and `tr B R`, `[b]` each.

    Args:
        arrays: the library.
        outer: `B`, `[b, d, p]`.
        second: `M`, `[b, p, p]`.
        cross: `R`, `[b, p, d]`.
    """
    einsum = arrays.module.einsum
    return (
        einsum("bdk,bdk->b", outer @ second, outer),
        einsum("bdk,bkd->b", outer, cross),
    )


def _expected(draws: Draws) -> Minimiser:
    """Infinitely many copies: eigenvalues of U, or Cholesky of U + lam."""
    setting, arrays, xp = draws.setting, draws.arrays, draws.arrays.module
    moments = draws.noise_moments
    p, root = setting.features, math.sqrt(setting.noise)
    if setting.ridge > 0:
        solution, trace = arrays.ridge_solve(moments.second, setting.ridge, moments.cross)
        degrees = p - setting.ridge * trace
        rank, smallest = p + 0 * trace, setting.ridge + 0 * trace
    else:
        values, vectors = xp.linalg.eigh(moments.second)
        kept = values > p * np.finfo(float).eps * values[:, -1:]
        inverse = xp.where(kept, 1 / xp.where(kept, values, 1.0), 0.0)
        projected = xp.swapaxes(vectors, 1, 2) @ moments.cross
        solution = vectors @ (inverse[:, :, None] * projected)
        rank = kept.sum(-1)
        degrees = rank
        smallest = 1 / inverse.max(-1) if arrays.name == "numpy" else 1 / inverse.amax(-1)
    outer = -xp.swapaxes(solution, 1, 2) / root
    square, cross = quadratic(arrays, outer, moments.second, moments.cross)
    loss = 1 + (setting.noise * square + 2 * root * cross) / setting.dimension
    return Minimiser(outer, degrees, rank, loss, smallest)


def _dual(draws: Draws) -> Minimiser:
    """Fewer noised points than features: everything in the span of the points."""
    setting, arrays, xp = draws.setting, draws.arrays, draws.arrays.module
    rows = setting.rows
    assert rows is not None
    root, scale = math.sqrt(setting.noise), 1 / math.sqrt(rows)
    phi, z = next(draws.rows(rows))
    transposed = xp.swapaxes(phi, 1, 2) * scale
    if is_well_conditioned(setting.ridge, rows, draws.mean_square):
        gram = xp.swapaxes(transposed, 1, 2) @ transposed
        solution, trace = arrays.ridge_solve(gram, setting.ridge, z * scale)
        outer = -xp.swapaxes(transposed @ solution, 1, 2) / root
        degrees, rank = rows - setting.ridge * trace, rows + 0 * trace
        # sqrt(h) Phi B^T + Z = lam (Phi Phi^T/N + lam)^-1 Z, without cancellation.
        residual = setting.ridge / scale * solution
        return Minimiser(
            outer, degrees, rank, _mean_norm(setting.dimension, residual), 0 * trace + setting.ridge
        )
    solution, rank, degrees, smallest = _singular(arrays, phi * scale, z * scale, setting.ridge)
    outer = -xp.swapaxes(solution, 1, 2) / root
    residual = z + root * (phi @ xp.swapaxes(outer, 1, 2))
    return Minimiser(outer, degrees, rank, _mean_norm(setting.dimension, residual), smallest)


def _primal(draws: Draws) -> Minimiser:
    """At least as many noised points as features, in chunks of rows."""
    setting, arrays, xp = draws.setting, draws.arrays, draws.arrays.module
    assert setting.rows is not None
    root, p = math.sqrt(setting.noise), setting.features
    if is_well_conditioned(setting.ridge, p, draws.mean_square):
        second: Any = 0.0
        cross: Any = 0.0
        for phi, z in draws.rows():
            transposed = xp.swapaxes(phi, 1, 2)
            second = second + transposed @ phi
            cross = cross + transposed @ z
        solution, trace = arrays.ridge_solve(
            second / setting.rows, setting.ridge, cross / setting.rows
        )
        degrees, rank = p - setting.ridge * trace, p + 0 * trace
        smallest = setting.ridge + 0 * trace
    else:
        triangle: Any = None
        for phi, z in draws.rows():
            block = xp.concatenate((phi, z), -1)
            if triangle is not None:
                block = xp.concatenate((triangle, block), 1)
            triangle = xp.linalg.qr(block, "r")
            triangle = triangle if arrays.name == "numpy" else triangle[1]
        scaled = triangle[:, :p] / math.sqrt(setting.rows)
        solution, rank, degrees, smallest = _singular(
            arrays, scaled[:, :, :p], scaled[:, :, p:], setting.ridge
        )
    outer = -xp.swapaxes(solution, 1, 2) / root
    total: Any = 0.0
    for phi, z in draws.rows():
        residual = z + root * (phi @ xp.swapaxes(outer, 1, 2))
        total = total + _mean_norm(setting.dimension, residual) * phi.shape[1] / setting.rows
    return Minimiser(outer, degrees, rank, total, smallest)


def _singular(arrays: Arrays, matrix: Any, right: Any, ridge: float) -> tuple[Any, Any, Any, Any]:
    """`(M^T M + ridge)^-1 M^T R`, the rank, the degrees of freedom, the smallest eigenvalue.

    Args:
        arrays: the library.
        matrix: `M`, `[b, r, p]`.
        right: `R`, `[b, r, d]`.
        ridge: lam; 0 for the pseudo-inverse, singular values below `max(r, p)` roundings being 0.
    """
    xp = arrays.module
    left, values, rest = xp.linalg.svd(matrix, full_matrices=False)
    cut = max(matrix.shape[1:]) * np.finfo(float).eps * values[:, :1]
    kept = values > cut
    safe = xp.where(kept, values, 1.0)
    factor = xp.where(kept, safe / (safe**2 + ridge), 0.0)
    projected = xp.swapaxes(left, 1, 2) @ right
    solution = xp.swapaxes(rest, 1, 2) @ (factor[:, :, None] * projected)
    degrees = xp.where(kept, safe**2 / (safe**2 + ridge), 0.0).sum(-1)
    smallest = (xp.where(kept, values, values[:, :1]) ** 2 + ridge).min(-1)
    smallest = smallest if arrays.name == "numpy" else smallest.values
    return solution, kept.sum(-1), degrees, smallest


def _mean_norm(dimension: int, rows: Any) -> Any:
    """Mean of `||row||^2/d`, `[b]`."""
    return (rows**2).sum((-2, -1)) / (rows.shape[1] * dimension)

"""Second moments of features over Gaussian noise, exactly: nothing is drawn.

| letter | here | meaning |
|---|---|---|
| y_ki, s_k | `shift`, `scale` | mean and standard deviation of feature k's argument at row i |
| C_kl | `correlation` | correlation of the arguments of features k and l, given the row |
| | `second` | (1/n) sum_i E[rho(y_ki + s_k g_k) rho(y_li + s_l g_l)] |
| | `first` | (1/n) sum_i E[rho(y_ki + s_k g_k) g_k] |

Off the diagonal the second moments are a power series in C_kl. What is left out after J terms is at
most |C_kl|^(J+1) sqrt(r_k r_l), r_k being what the first J coefficients of feature k lack of the
mean square, by Cauchy and Schwarz over rows and terms. This bound is kept with the moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dsmverify.features.arrays import Arrays
from dsmverify.features.expansions import Expansion

TOLERANCE = 1e-13
"""The series ends when the Frobenius norm of the bound is below this times the mean diagonal."""

MOST_TERMS = 400
ROUNDING = 1e-14
"""Error of the closed forms' mean squares, relative: what `r_k` may miss."""

CHUNK_ENTRIES = 2**22
"""Entries of one array in a chunk of rows: 32 MiB."""


@dataclass(frozen=True)
class NoiseMoments:
    """Moments of features over noise; the first axis is the repeats.

    Attributes:
        second: `[b, p, p]`, symmetric.
        first: `[b, p]`.
        bound: Frobenius norm of a bound on what truncation left out of `second`, `[b]`; without
            rounding and, for an activation without closed forms, without quadrature's error.
        terms: largest number of terms of the series that were used.
    """

    second: Any
    first: Any
    bound: Any
    terms: int


def noise_moments(
    arrays: Arrays, expansion: Expansion, shift: Any, scale: Any, correlation: Any
) -> NoiseMoments:
    """Moments of `rho(y_ki + s_k g_k)`, averaged over rows i. See the module's table.

    Rows are taken in chunks whose size depends on the number of features only, and the series of
    one repeat ends where that repeat's bound says so: what stands beside it in a batch changes
    nothing.

    Args:
        arrays: the library.
        expansion: coefficients of the activation.
        shift: `[b, n, p]`.
        scale: `[b, p]`, positive.
        correlation: `[b, p, p]`, ones on the diagonal.
    """
    rows, features = shift.shape[1], shift.shape[2]
    size = max(1, CHUNK_ENTRIES // (features * expansion.width))
    off = correlation - _diagonal(arrays, correlation)
    second, first, bound, most = 0.0, 0.0, 0.0, 0
    for start in range(0, rows, size):
        part = shift[:, start : start + size]
        share = part.shape[1] / rows
        made = _chunk(arrays, expansion, part, scale[:, None, :], off)
        second = second + share * made.second
        first = first + share * made.first
        bound = bound + share * made.bound
        most = max(most, made.terms)
    return NoiseMoments(second, first, bound, most)


def _chunk(arrays: Arrays, expansion: Expansion, shift: Any, scale: Any, off: Any) -> NoiseMoments:
    """Moments over the rows of one chunk; `off` is the correlation without its diagonal."""
    xp = arrays.module
    rows = shift.shape[1]
    squares, terms = expansion.expand(shift, scale)
    square = squares.mean(1)
    allowed = TOLERANCE * square.mean(-1)
    second, captured, first = 0 * off, 0 * square, 0 * square
    power = 1 + 0 * off - _diagonal(arrays, 1 + 0 * off)
    active = 1 + 0 * allowed
    bound = 0 * allowed
    count = 0
    for j, term in enumerate(terms):
        if j == MOST_TERMS or not bool((active > 0).any()):
            break
        count = j + 1
        gram = xp.swapaxes(term, 1, 2) @ term / rows
        second = second + power * gram
        captured = captured + (term**2).mean(1)
        if j == 1:
            first = term.mean(1)
        power = power * off
        left = xp.clip(square - captured, 0, None) + ROUNDING * square
        bound = xp.where(active > 0, _bound(xp, power, left), bound)
        if j > 0:  # the first two are needed always: `first` is one of them
            # A repeat whose series has ended takes no more terms, nor another bound.
            active = active * (bound > allowed)
            power = power * active[:, None, None]
    return NoiseMoments(second + _from_diagonal(arrays, square), first, bound, count)


def _bound(xp: Any, power: Any, left: Any) -> Any:
    """Frobenius norm of `|C_kl|^(J+1) sqrt(r_k r_l)`."""
    return xp.sqrt(((power**2 @ left[:, :, None])[:, :, 0] * left).sum(-1))


def _diagonal(arrays: Arrays, matrix: Any) -> Any:
    """The matrix with everything off the diagonal put to 0."""
    return _from_diagonal(arrays, arrays.module.einsum("bkk->bk", matrix))


def _from_diagonal(arrays: Arrays, entries: Any) -> Any:
    eye = arrays.array(np.eye(entries.shape[-1]))
    return entries[:, None, :] * eye

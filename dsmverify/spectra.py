"""Certified bounds on extreme eigenvalues of symmetric ball matrices.

Lower bound on the largest: the Rayleigh quotient of any vector. Upper bound: `t I - M` is positive
definite, shown by a ball factorisation `L D L^T` with positive pivots; for a matrix with
non-negative entries that is only given by its products, Collatz-Wielandt. All run at the working
precision of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb, arb_mat

from dsmverify.truth import Truth, is_positive, sign
from dsmverify.truth import compare as compare_balls

Balls = Any
"""NumPy object arrays of balls."""

REFINEMENTS = 6
"""Steps of inverse iteration; each about doubles the digits of a separated eigenvector."""


WIDENINGS = 60
"""How often an upper bound that cannot be verified is moved up, by a factor 16 each time."""


def is_positive_definite(matrix: Balls) -> Truth:
    """TRUE if a symmetric ball matrix is certainly positive definite; FALSE if a pivot is not.

    A non-positive pivot after positive ones certifies that the matrix is not positive definite.
    """
    work = matrix.copy()
    for step in range(len(work)):
        pivot = work[step, step]
        positive = is_positive(pivot)
        if positive is not Truth.TRUE:
            return positive
        rest = slice(step + 1, None)
        column = work[rest, step]
        work[rest, rest] = work[rest, rest] - column[:, None] * (column / pivot)[None, :]
    return Truth.TRUE


def midpoints(balls: Balls) -> Balls:
    """Middles of balls, as exact balls."""
    return np.frompyfunc(lambda ball: ball.mid(), 1, 1)(balls)


def rayleigh(matrix: Balls, vector: Balls) -> arb:
    """`v^T M v / v^T v`, a lower bound on the largest eigenvalue (its lower end is)."""
    return (vector @ (matrix @ vector)) / (vector @ vector)


def largest_eigenvalue(matrix: Balls) -> arb:
    """Enclosure of the largest eigenvalue of a symmetric ball matrix.

    Lower end: Rayleigh quotient of a refined eigenvector. Upper end: the smallest tried
    `t = rho + 16^k eps |M|` for which `t I - M` is certainly positive definite. An infinite upper
    end if none is.

    Method: Rayleigh quotient; verified factorisation.
    """
    size = len(matrix)
    centre = midpoints(matrix)
    scale = _scale(centre)
    if scale == 0:
        return _norm_ball(matrix)
    floats = np.array([[float(entry / scale) for entry in row] for row in centre])
    vector = _refined_vector(centre, scale, floats)
    rho = rayleigh(matrix, vector)
    # In a cluster the vector keeps float accuracy; its residual says where to start.
    residual = matrix @ vector - rho.mid() * vector
    lost = ((residual @ residual) / (vector @ vector)).abs_upper() / scale
    step = (scale * arb(2) ** (-3 * _bits(rho) // 4)).max(lost).abs_upper()
    eye = np.array([[arb(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    for _ in range(WIDENINGS):
        bound = arb(rho.upper()) + step
        if is_positive_definite(bound * eye - matrix) is Truth.TRUE:
            return arb(rho.lower()).union(bound)
        step = 16 * step
    return arb(rho.lower()).union(arb.pos_inf())


def collatz_wielandt(product: Callable[[Balls], Balls], start: Balls) -> arb:
    """Upper bound on the spectral radius of a matrix with non-negative entries.

    `max_i (M v)_i / v_i` for a positive vector v. Rows whose product is certainly 0 count as 0.

    Args:
        product: `v -> M v`.
        start: positive float or ball vector, near the leading eigenvector for a tight bound.
    """
    image = product(start)
    best = arb(0)
    for entry, weight in zip(image, start, strict=True):
        best = best.max(arb((entry / weight).upper()))
    return best


def spectral_floor(product: Callable[[Balls], Balls], vector: Balls) -> arb:
    """Rayleigh quotient of a matrix given by its products."""
    return (vector @ product(vector)) / (vector @ vector)


def _refined_vector(centre: Balls, scale: arb, floats: Any) -> Balls:
    """Leading eigenvector to about the working precision, by Rayleigh quotient iteration."""
    values, vectors = np.linalg.eigh(floats)
    vector = np.array([arb(float(entry)) for entry in vectors[:, -1]], dtype=object)
    if len(values) > 1 and values[-1] - values[-2] < 1e-9 * abs(values[-1]):
        return vector  # a cluster: iteration would wander inside it
    for _ in range(REFINEMENTS):
        shift = rayleigh(centre, vector).mid()
        residual = centre @ vector - shift * vector
        size = (residual @ residual).abs_upper().sqrt()
        if compare_balls(size, "<", scale * arb(2) ** (-_bits(shift) // 2 - 30)) is Truth.TRUE:
            break
        count = len(vector)
        shifted = arb_mat(
            [[centre[i, j] - (shift if i == j else 0) for j in range(count)] for i in range(count)]
        )
        try:
            solved = shifted.solve(arb_mat([[entry] for entry in vector])).mid()
        except ZeroDivisionError:
            break  # singular to working precision: the vector is as good as it gets
        entries = [solved[i, 0] for i in range(count)]
        largest = max(
            entries, key=lambda entry: float((abs(entry)).log()) if sign(abs(entry)) else -1e308
        )
        vector = np.array([(entry / largest).mid() for entry in entries], dtype=object)
    return vector


def _scale(matrix: Balls) -> arb:
    total = arb(0)
    for entry in matrix.flat:
        total = total.max(abs(entry))
    return arb(total.upper())


def _norm_ball(matrix: Balls) -> arb:
    """Gershgorin enclosure, for a matrix whose middle is 0."""
    radius = arb(0)
    for row in matrix:
        radius = radius.max(sum((abs(entry) for entry in row), arb(0)))
    return (-arb(radius.upper())).union(arb(radius.upper()))


def _bits(_: arb) -> int:
    from flint import ctx

    return int(ctx.prec)

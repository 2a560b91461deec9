"""Eigenvalues of the data covariance at a finite dimension, taken from a spectrum without drawing.

| letter | here | meaning |
|---|---|---|
| Sigma | | covariance of the data, diagonal |
| xi | eigenvalue | of Sigma |
| C | `noised` | a^2 Sigma + h, covariance of a noised point; its score is -C^-1 y |

Coordinate i of d takes the quantile of the spectrum at (i + 1/2)/d, so that the same spectrum gives
nested, deterministic covariances at all sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from dsmverify.errors import InputError, show
from dsmverify.exact import parse_exact
from dsmverify.features.arrays import Floats

Spectrum: TypeAlias = tuple[Sequence[Any], Sequence[Any]] | Callable[[float], float]
"""Eigenvalues and their weights, or the quantile function of a law, on (0, 1)."""


def eigenvalues(spectrum: Spectrum | None, dimension: int) -> Floats:
    """Eigenvalues of Sigma, ascending for atoms. `[dimension]`, exact up to the user's function.

    Args:
        spectrum: atoms or a quantile function; None for the isotropic law, every eigenvalue 1.
        dimension: d.

    Raises:
        InputError: an eigenvalue or weight that is negative or not finite, or weights whose sum
            is not 1.

    Examples:
        >>> eigenvalues(([0.5, 1.5], ["1/2", "1/2"]), 4)
        array([0.5, 0.5, 1.5, 1.5])
        >>> eigenvalues(lambda u: 2 * u, 4)
        array([0.25, 0.75, 1.25, 1.75])
    """
    if spectrum is None:
        return np.ones(dimension)
    levels = (np.arange(dimension) + 0.5) / dimension
    if callable(spectrum):
        found = np.array([_quantile(spectrum, float(level)) for level in levels])
    else:
        found = _atoms(spectrum, levels)
    if not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
        raise InputError(
            "spectrum",
            show(spectrum),
            "eigenvalues must be finite, not negative, and not all 0",
            "give (eigenvalues, weights) or a quantile function on (0, 1)",
        )
    return found


def _quantile(spectrum: Callable[[float], float], level: float) -> float:
    try:
        return float(spectrum(level))
    except Exception as error:  # whatever a user's function may raise
        raise InputError(
            "spectrum",
            show(spectrum),
            f"at {level:.6g} it raised {type(error).__name__}: {error}",
            "give a quantile function on (0, 1)",
        ) from error


def _atoms(spectrum: tuple[Sequence[Any], Sequence[Any]], levels: Floats) -> Floats:
    way_out = "give (eigenvalues, weights), two sequences of one length"
    try:
        values, weights = (
            [float(parse_exact(x, field="spectrum")) for x in part] for part in spectrum
        )
    except (TypeError, ValueError):
        raise InputError("spectrum", show(spectrum), "it must be two sequences", way_out) from None
    if not values or len(values) != len(weights):
        sizes = f"{len(values)} eigenvalues, {len(weights)} weights"
        raise InputError("spectrum", sizes, "every eigenvalue needs a weight", way_out)
    order = np.argsort(values)
    ends = np.cumsum(np.array(weights)[order])
    if min(weights) <= 0 or not abs(ends[-1] - 1) < 1e-9:
        raise InputError(
            "spectrum", show(weights), "weights must be positive and sum to 1", way_out
        )
    places = np.searchsorted(ends, levels, side="right")
    return np.array(values)[order][np.minimum(places, len(values) - 1)]

"""Finite-size results carried to infinite dimension by a fit in 1/d, with its standard error.

| letter | here | meaning |
|---|---|---|
| d | | dimension |
| e_d | `standard_errors` | standard error of the mean at d |
| | `intercept` | value at 1/d = 0 |

The test of agreement with a curve is fixed: |intercept - curve| <= 4 standard errors, for each
quantity by itself. It is evidence, and rests on two assumptions of the fit:

- the standard errors are known. Then a right curve fails by chance once in 16 000 cases; with the
  estimates from 30 repeats at each of four sizes once in 4000, and from 10 once in 500 (normal
  means, 2e5 trials);
- the deviation is linear in 1/d. `chi_squared` tells when it clearly is not, but a curve can be
  missed by 5 standard errors at d = 24 to 72 with nothing in chi^2 to see, where sizes of 40 to 130
  agree (sine features, psi_p = 4, all copies, no ridge). The Gaussian equivalent, which has no such
  terms there, tells a small size from a wrong curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dsmverify.errors import InputError, show
from dsmverify.features.arrays import Floats
from dsmverify.features.simulate import QUANTITIES, Simulation

FEWEST_SIZES: Final = 4
STANDARD_ERRORS: Final = 4.0
"""How far from a curve an intercept may be."""

ROUNDING: Final = 1e-12
"""Observables are of order 1; a standard error below this is rounding's."""


@dataclass(frozen=True)
class Fit:
    """Weighted least squares of means on 1, 1/d and, where asked, 1/d^2.

    Attributes:
        quantity: what was fitted.
        intercept: value at 1/d = 0.
        standard_error: of the intercept, from the standard errors of the means.
        slope: coefficient of 1/d.
        slope_error: its standard error.
        curvature: coefficient of 1/d^2; 0 where it was not fitted.
        chi_squared: sum of squared residuals, each over its standard error.
        degrees: number of sizes less number of coefficients.
    """

    quantity: str
    intercept: float
    standard_error: float
    slope: float
    slope_error: float
    curvature: float
    chi_squared: float
    degrees: int

    @property
    def p_value(self) -> float:
        """Probability of a larger `chi_squared` where the form of the fit is right."""
        return float(stats.chi2.sf(self.chi_squared, self.degrees))

    def deviation(self, curve: float) -> float:
        """`(intercept - curve)` in standard errors of the intercept."""
        return (self.intercept - curve) / self.standard_error

    def agrees(self, curve: float) -> bool:
        """Whether the intercept is within `STANDARD_ERRORS` of a curve; NaN agrees with nothing."""
        return abs(self.deviation(curve)) <= STANDARD_ERRORS


def fit(
    dimensions: ArrayLike,
    means: ArrayLike,
    standard_errors: ArrayLike,
    *,
    quadratic: bool = False,
    quantity: str = "",
) -> Fit:
    """Fit `mean = intercept + slope/d (+ curvature/d^2)`.

    Approximate, relative error about 1e-13; exact data give chi^2 of rounding.

    Args:
        dimensions: distinct sizes, `[k]`, at least four.
        means: `[k]`.
        standard_errors: positive, `[k]`.
        quadratic: whether 1/d^2 is fitted too.
        quantity: name for the result.

    Raises:
        InputError: fewer than four distinct sizes, a size or standard error that is not positive,
            or sequences of different lengths.
    """
    d = _numbers("dimensions", dimensions)
    mean, error = _numbers("means", means), _numbers("standard_errors", standard_errors)
    for name, values in (("means", mean), ("standard_errors", error)):
        if len(values) != len(d):
            rule = f"there are {len(d)} sizes"
            raise InputError(name, show(values.tolist()), rule, "give one for each size")
    sizes = np.unique(d)
    if not (np.isfinite(d) & (d > 0)).all():
        raise InputError("dimensions", show(d.tolist()), "sizes are positive", "give d >= 2")
    if len(sizes) < FEWEST_SIZES or len(sizes) < len(d):
        raise InputError(
            "dimensions",
            show(d.tolist()),
            f"a fit in 1/d needs at least {FEWEST_SIZES} different sizes, each once",
            "simulate more sizes",
        )
    if not (np.isfinite(mean).all() and np.isfinite(error).all() and (error > 0).all()):
        raise InputError(
            "standard_errors",
            show(error.tolist()),
            "means must be finite and standard errors positive",
            "give at least two repeats of each size",
        )
    # Powers of d_0/d, so that the columns are of one size.
    unit = float(sizes[0])
    order = 3 if quadratic else 2
    design = (unit / d)[:, None] ** np.arange(order)
    coefficients, covariance, chi_squared = _weighted(design, mean, error)
    return Fit(
        quantity=quantity,
        intercept=float(coefficients[0]),
        standard_error=math.sqrt(covariance[0, 0]),
        slope=float(coefficients[1]) * unit,
        slope_error=math.sqrt(covariance[1, 1]) * unit,
        curvature=float(coefficients[2]) * unit**2 if quadratic else 0.0,
        chi_squared=chi_squared,
        degrees=len(d) - order,
    )


def extrapolate(simulations: Sequence[Simulation], *, quadratic: bool = False) -> dict[str, Fit]:
    """Fit every observable of one model simulated at several sizes.

    One that does not vary beyond rounding at some size is left out, for a standard error of
    rounding is none: in the limit of vanishing ridge the degrees of freedom are a rank, and the
    training error of a model that interpolates is 0.

    Args:
        simulations: of one setting, seeds of their own choice, dimensions all different.
        quadratic: whether 1/d^2 is fitted too.

    Raises:
        InputError: fewer than four sizes, or simulations that differ in more than the size;
            rounding of `psi d` counts. Two quantile functions are not told apart.
    """
    for simulation in simulations[1:]:
        _same(simulations[0], simulation)
    sizes = [simulation.dimension for simulation in simulations]
    fits = {}
    for quantity in QUANTITIES:
        found = [simulation.estimate(quantity) for simulation in simulations]
        if any(estimate.standard_error < ROUNDING for estimate in found):
            continue
        fits[quantity] = fit(
            sizes,
            [estimate.mean for estimate in found],
            [estimate.standard_error for estimate in found],
            quadratic=quadratic,
            quantity=quantity,
        )
    return fits


def _weighted(design: Floats, mean: Floats, error: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients, their covariance, and chi squared."""
    scaled, right = design / error[:, None], mean / error
    factor, triangle = np.linalg.qr(scaled)
    inverse = np.linalg.inv(triangle)
    coefficients = inverse @ (factor.T @ right)
    residual = right - scaled @ coefficients
    return coefficients, inverse @ inverse.T, float(residual @ residual)


def _same(first: Simulation, other: Simulation) -> None:
    for name in ("psi_n", "psi_p", "noise_samples", "model"):
        _equal(name, getattr(first, name), getattr(other, name))
    for name in ("time", "ridge", "name", "mean_spike"):
        _equal(name, getattr(first.setting, name), getattr(other.setting, name))
    # Two functions may be the same law, made anew for each size.
    if not (callable(first.spectrum) and callable(other.spectrum)):
        _equal("spectrum", first.spectrum, other.spectrum)


def _numbers(name: str, given: ArrayLike) -> Floats:
    array = np.asarray(given)
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise InputError(name, show(given), "it must be a sequence of numbers", "give a list")
    return array.astype(np.float64)


def _equal(name: str, first: object, other: object) -> None:
    if first != other:
        raise InputError(
            "simulations",
            f"{name} {show(first)} and {show(other)}",
            "they may differ in the dimension only",
            "give dimensions at which psi_n d and psi_p d are integers",
        )

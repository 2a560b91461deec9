"""The ridge that makes an error of a learning curve least.

Minima are roots of the derivative by the logarithm of the ridge, which `learning_curve` gives by
implicit differentiation: signs on a grid tell where they are, a bracketed root finder gives them.
Both ends are looked at too: the limit of vanishing ridge, and that of an infinite one, whose score
is 0.

What is not claimed: minima between two neighbouring places of the grid whose derivatives have one
sign, and minima outside its range other than the two limits, are not seen.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.curves.activations import Activation
from dsmverify.curves.curve import CurveWarning, LearningCurve, learning_curve
from dsmverify.curves.settings import LIMIT
from dsmverify.errors import InputError, show
from dsmverify.exact import parse_exact

Floats = NDArray[np.float64]

RANGE: Final = (1e-8, 1e4)
"""Ridges between which minima are looked for, unless others are given."""

PLACES: Final = 121
"""Places of the grid: ten a decade on `RANGE`."""

MOST_PLACES: Final = 100_000

FLAT: Final = 1e-13
"""A derivative below this times the condition of the error has no certain sign in float64."""

TOLERANCE: Final = 1e-13
"""Error of the logarithm of an optimal ridge, where rounding of the derivative allows."""

QUANTITIES: Final = ("test_error", "train_error", "memorisation_error", "new_data_loss")
"""What can be minimised."""


@dataclass(frozen=True)
class Minimum:
    """A local minimum.

    Attributes:
        ridge: where; 0 and infinity stand for the limits.
        value: the error there.
    """

    ridge: float
    value: float


@dataclass(frozen=True)
class OptimalRidge:
    """The least error over the ridge, and how it was found.

    Attributes:
        ridge: where it is least; 0 and infinity stand for the limits.
        value: the least error.
        where: `interior`, or the end that it is at: `zero`, the limit of vanishing ridge, or
            `infinite`, the zero score.
        minima: local minima seen, from small ridges to large; an end where the error falls
            towards it counts as one.
        between: the range of the grid.
        skipped: places of the grid whose derivative has no certain sign in float64.
    """

    ridge: float
    value: float
    where: Literal["interior", "zero", "infinite"]
    minima: tuple[Minimum, ...]
    between: tuple[float, float]
    skipped: int

    @property
    def has_several_minima(self) -> bool:
        """Whether more than one local minimum was seen. False does not prove that one is all."""
        return len(self.minima) > 1


def optimal_ridge(
    activation: str | Activation = "relu",
    psi_n: Any = 4,
    psi_p: Any = 2,
    time: Any = "0.1",
    noise_samples: Any = 1,
    spectrum: tuple[Sequence[Any], Sequence[Any]] | None = None,
    *,
    minimise: str = "test_error",
    between: tuple[float, float] = RANGE,
    places: Any = PLACES,
) -> OptimalRidge:
    """The ridge at which an error is least, the other parameters fixed.

    Result: approximate. The value is right to `1e-14 condition` of the curve; the ridge to a
    relative error of about the root of that near a flat minimum.

    Args:
        activation: name of an activation, or an `Activation`.
        psi_n: samples per dimension.
        psi_p: features per dimension.
        time: diffusion time.
        noise_samples: m, noised copies of each sample, or `math.inf`.
        spectrum: of the data's covariance; None for isotropic data.
        minimise: one of `QUANTITIES`. The errors on training data are least at vanishing ridge
            as a rule.
        between: smallest and largest ridge of the grid.
        places: number of its places, evenly spaced in the logarithm.

    Raises:
        InputError: an argument out of range, an array, or no place of the grid where the sign of
            the derivative is certain.

    Example:
        >>> found = optimal_ridge("relu", psi_n=4, psi_p=2, time="0.1", noise_samples=1)
        >>> print(found.where, f"{found.ridge:.6f} {found.value:.6f}")
        interior 0.962033 0.737461
    """
    if minimise not in QUANTITIES:
        raise InputError(
            "minimise", show(minimise), "it must be one of " + ", ".join(QUANTITIES), "name one"
        )
    low, high = _range(between)
    if isinstance(places, bool) or not isinstance(places, int) or not 3 <= places <= MOST_PLACES:
        rule = f"it must be an integer from 3 to {MOST_PLACES}"
        raise InputError("places", show(places), rule, "give 121")

    def curve(ridge: Any) -> LearningCurve:
        return learning_curve(activation, psi_n, psi_p, time, ridge, noise_samples, spectrum)

    def slope(log_ridge: float) -> float:
        """`lam dE/dlam`."""
        ridge = math.exp(log_ridge)
        return ridge * float(curve(ridge).derivatives[minimise]["ridge"])

    logs = np.linspace(math.log(low), math.log(high), places)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CurveWarning)
        shape = curve(low).setting.shape
        if shape:
            names = "psi_n, psi_p, time, noise_samples"
            raise InputError(names, show(shape), "one point at a time", "give scalars")
        grid = curve(np.exp(logs))
        slopes = np.exp(logs) * np.asarray(grid.derivatives[minimise]["ridge"])
        seen = np.abs(slopes) > FLAT * np.asarray(grid.condition[minimise])
    if not seen.any():
        rule = "float64 cannot tell anywhere whether the error falls or rises"
        raise InputError("between", show(between), rule, "give another range")
    logs, slopes = logs[seen], slopes[seen]
    minima: list[Minimum] = []
    at_zero = _at_zero(curve, minimise)
    if slopes[0] >= 0:
        minima.append(Minimum(0.0, at_zero))
    from scipy import optimize  # here: it is slow to load, and few who load the package need it

    for left, right in _brackets(slopes):
        root = optimize.brentq(slope, logs[left], logs[right], xtol=TOLERANCE, rtol=TOLERANCE)
        ridge = math.exp(float(root))
        minima.append(Minimum(ridge, float(getattr(curve(ridge), minimise))))
    at_infinity = _at_infinity(grid, minimise)
    if slopes[-1] <= 0:
        minima.append(Minimum(math.inf, at_infinity))
    # The limits count even where the errors do not fall towards them within the range.
    ends = [Minimum(0.0, at_zero), Minimum(math.inf, at_infinity)]
    best = min([*minima, *ends], key=lambda found: found.value)
    if best not in minima:
        minima = sorted([*minima, best], key=lambda found: found.ridge)
    where: Literal["interior", "zero", "infinite"] = "interior"
    if best.ridge == 0:
        where = "zero"
    elif best.ridge == math.inf:
        where = "infinite"
    skipped = places - int(seen.sum())
    return OptimalRidge(best.ridge, best.value, where, tuple(minima), (low, high), skipped)


def _range(between: object) -> tuple[float, float]:
    """The ends of the grid."""
    way_out = "give (1e-8, 1e4), say"
    if not isinstance(between, Sequence) or isinstance(between, str) or len(between) != 2:
        raise InputError("between", show(between), "it must be two ridges", way_out)
    low, high = (parse_exact(value, field="between") for value in between)
    if not 0 < low < high:
        raise InputError("between", show(between), "it must be 0 < low < high", way_out)
    return float(low), float(high)


def _brackets(slopes: Floats) -> list[tuple[int, int]]:
    """Neighbouring places between which the error falls first and rises then."""
    falls, rises = slopes[:-1] < 0, slopes[1:] >= 0
    return [(int(place), int(place) + 1) for place in np.flatnonzero(falls & rises)]


def _at_zero(curve: Any, quantity: str) -> float:
    """The limit of vanishing ridge; infinite at `p = n m`, where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", CurveWarning)
            return float(getattr(curve(LIMIT), quantity))
    except (InputError, CurveWarning):
        # Other arguments were read before, so what is refused here is the limit.
        return math.inf


def _at_infinity(grid: LearningCurve, quantity: str) -> float:
    """The error of the zero score: `int 1/(a^2 xi + h)` on the test, 1 where noise is the target.

    The loss on new points is `E|z|^2/d = 1` like those on training points.
    """
    if quantity != "test_error":
        return 1.0
    setting, time = grid.setting, float(grid.setting.time.ravel()[0])
    if setting.atoms is None or setting.weights is None:
        return 1.0
    noise = -math.expm1(-2 * time)
    pairs = zip(setting.atoms, setting.weights, strict=True)
    return sum(float(w) / (math.exp(-2 * time) * float(x) + noise) for x, w in pairs)

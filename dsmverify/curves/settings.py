"""Parameters of learning curves: read, checked, broadcast; scalars are kept exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import InputError, show
from dsmverify.exact import parse_exact

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LIMIT: Final = "0+"
"""How the limit of vanishing ridge is spelled."""

MEAN_TOLERANCE = 1e-12
"""How far sums over a spectrum given in floats may be from 1."""

Numbers = Any
"""A number, exact text such as "0.1", or an array of numbers."""


@dataclass(frozen=True, eq=False)
class Setting:
    """Points of learning curves that share one activation and one spectrum.

    Attributes:
        psi_n: n/d, `[...]`.
        psi_p: p/d, `[...]`.
        time: t, `[...]`.
        ridge: lam, `[...]`; 0 in the limit.
        noise_samples: m, `[...]`, infinity included.
        is_limit: whether the ridge is to vanish.
        interpolates: `[...]`, p > n m (see `rank_gap`).
        atoms: eigenvalues of the data's covariance, exact; None for isotropic data.
        weights: their weights, exact.
        exact: the numbers as they were given, where all are scalars.
    """

    psi_n: Floats
    psi_p: Floats
    time: Floats
    ridge: Floats
    noise_samples: Floats
    is_limit: bool
    interpolates: Mask
    atoms: tuple[Fraction, ...] | None
    weights: tuple[Fraction, ...] | None
    exact: ExactPoint | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Common shape of the arguments; () for scalars."""
        return self.psi_n.shape

    def exact_at(self, index: tuple[int, ...]) -> ExactPoint:
        """One point, exact: the number given, or the double that an array holds."""
        if self.exact is not None:
            return self.exact
        copies = float(self.noise_samples[index])
        return ExactPoint(
            Fraction(float(self.psi_n[index])),
            Fraction(float(self.psi_p[index])),
            Fraction(float(self.time[index])),
            Fraction(0) if self.is_limit else Fraction(float(self.ridge[index])),
            math.inf if math.isinf(copies) else int(copies),
        )


@dataclass(frozen=True)
class ExactPoint:
    """The numbers of one point; ridge 0 stands for the limit.

    Attributes:
        psi_n: n/d.
        psi_p: p/d.
        time: t.
        ridge: lam.
        noise_samples: m, an integer or infinity.
    """

    psi_n: Fraction
    psi_p: Fraction
    time: Fraction
    ridge: Fraction
    noise_samples: int | float

    @property
    def inverse_copies(self) -> Fraction:
        """1/m."""
        return Fraction(0) if self.noise_samples == math.inf else 1 / Fraction(self.noise_samples)


def read_setting(
    psi_n: Numbers,
    psi_p: Numbers,
    time: Numbers,
    ridge: Numbers,
    noise_samples: Numbers,
    spectrum: tuple[Sequence[Any], Sequence[Any]] | None,
    *,
    is_linear: bool,
) -> Setting:
    """Arguments of a learning curve, checked.

    Args:
        psi_n: n/d, positive.
        psi_p: p/d, positive.
        time: t, positive.
        ridge: lam, positive, or `"0+"`.
        noise_samples: m, integers of at least 1, or infinity.
        spectrum: atoms and weights of the data's covariance, or None.
        is_linear: whether the activation is linear, so that features have rank d at most.

    Raises:
        InputError: a number out of range, shapes that do not go together, or a limit that diverges.
    """
    is_limit = isinstance(ridge, str) and ridge.strip() == LIMIT
    given: dict[str, Any] = {
        "psi_n": _positive("psi_n", psi_n),
        "psi_p": _positive("psi_p", psi_p),
        "time": _positive("time", time),
        "ridge": Fraction(0) if is_limit else _positive("ridge", ridge),
        "noise_samples": _copies(noise_samples),
    }
    arrays = [np.asarray(_as_floats(value)) for value in given.values()]
    try:
        together = np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(
            f"{name} {array.shape}" for name, array in zip(given, arrays, strict=True)
        )
        raise InputError(
            "psi_n, psi_p, time, ridge, noise_samples",
            shapes,
            "their shapes do not go together",
            "give scalars, arrays of one shape, or shapes that NumPy broadcasts",
        ) from None
    scalars = all(array.ndim == 0 for array in arrays)
    exact = ExactPoint(**given) if scalars else None
    atoms, weights = (None, None) if spectrum is None else _spectrum(spectrum)
    n, p, t, lam, m = (np.array(array) for array in together)
    gap = rank_gap(n, p, m, is_linear=is_linear, exact=exact)
    setting = Setting(n, p, t, lam, m, is_limit, gap > 0, atoms, weights, exact)
    if is_limit and (gap == 0).any():
        index = _first(gap == 0)
        point = setting.exact_at(index)
        rank = "min(psi_p, 1)" if is_linear else "psi_p"
        raise InputError(
            "ridge",
            repr(LIMIT),
            f"at {rank} = m psi_n the errors grow without bound as the ridge vanishes"
            f" (psi_n={show(float(point.psi_n))}, psi_p={show(float(point.psi_p))},"
            f" noise_samples={point.noise_samples})",
            "give ridge > 0, or another psi_p",
        )
    return setting


def rank_gap(
    psi_n: Floats, psi_p: Floats, copies: Floats, *, is_linear: bool, exact: ExactPoint | None
) -> NDArray[np.intp]:
    """Sign of `rank of the features - n m`, decided exactly. `[...]`.

    The rank is p, and that of linear features min(p, d).

    Args:
        psi_n: n/d, `[...]`.
        psi_p: p/d, `[...]`.
        copies: m, `[...]`.
        is_linear: whether the features are linear.
        exact: the point as it was given, if it is one.
    """
    if exact is not None:
        if exact.noise_samples == math.inf:
            return np.array(-1)
        rank = min(exact.psi_p, Fraction(1)) if is_linear else exact.psi_p
        return np.array(_sign(rank - exact.psi_n * Fraction(exact.noise_samples)))
    ranks = np.minimum(psi_p, 1.0) if is_linear else psi_p
    product = psi_n * copies
    gap = np.sign(ranks - product).astype(np.intp)
    # One rounding of the product; what is that close is compared in rational numbers.
    close = np.abs(ranks - product) <= 2.0**-52 * product
    for place in np.argwhere(close & np.isfinite(copies)):
        index = tuple(place)
        difference = Fraction(float(ranks[index])) - Fraction(float(psi_n[index])) * Fraction(
            float(copies[index])
        )
        gap[index] = _sign(difference)
    return gap


def _first(mask: Mask) -> tuple[int, ...]:
    """Index of the first true entry."""
    return tuple(int(place) for place in np.argwhere(mask)[0])


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def _as_floats(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction | int) else value


def _is_array(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _plain(value: Any) -> Any:
    """A scalar out of an array without axes."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _array(name: str, value: Any) -> Floats:
    if np.ma.is_masked(value):
        rule = "a masked entry is no number"
        raise InputError(name, show(value), rule, "leave the entry out, or give a value")
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        if array.dtype == object and all(isinstance(entry, Fraction) for entry in array.ravel()):
            return array.astype(np.float64)
        raise InputError(name, show(value), "an array must hold numbers", "give floats or integers")
    return array.astype(np.float64)


def _refuse_first(name: str, array: Floats, wrong: Mask, rule: str, way_out: str) -> None:
    if wrong.any():
        index = _first(wrong)
        place = ", ".join(str(part) for part in index)
        raise InputError(f"{name}[{place}]", show(float(array[index])), rule, way_out)


def _positive(name: str, value: Any) -> Fraction | Floats:
    way_out = f"give {name} > 0"
    if name == "ridge":
        way_out = f'give ridge > 0, or ridge="{LIMIT}" for the limit of vanishing ridge'
    rule = "it must be positive"
    value = _plain(value)
    if not _is_array(value):
        number = parse_exact(value, field=name)
        if number <= 0:
            raise InputError(name, show(value), rule, way_out)
        if not 0 < _float_or_infinity(number) < math.inf:
            raise InputError(name, show(value), "it is no normal float64", "choose another scale")
        return number
    array = _array(name, value)
    wrong = ~(np.isfinite(array) & (array > 0))
    _refuse_first(name, array, wrong, "it must be positive and finite", way_out)
    return array


def _float_or_infinity(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _copies(value: Any) -> int | float | Floats:
    rule = "it must be an integer of at least 1, or infinity"
    way_out = "give 1, 2, ..., or math.inf for the expectation over the noise"
    value = _plain(value)
    if not _is_array(value):
        is_number = isinstance(value, Integral | float) and not isinstance(value, bool)
        number = _float_or_infinity(value) if is_number else math.nan
        if number == math.inf:
            if isinstance(value, Integral):
                raise InputError(
                    "noise_samples", show(value), "it is beyond float64", "give math.inf"
                )
            return math.inf
        if not (number >= 1 and number == math.floor(number)):
            raise InputError("noise_samples", show(value), rule, way_out)
        return int(value)
    array = _array("noise_samples", value)
    wrong = ~((array >= 1) & ((array == np.floor(array)) | np.isinf(array)))
    _refuse_first("noise_samples", array, wrong, rule, way_out)
    return array


def _spectrum(
    given: tuple[Sequence[Any], Sequence[Any]],
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    way_out = "give (atoms, weights): positive, of one length, weights of sum 1, mean 1"
    try:
        first, second = given
        atoms = tuple(parse_exact(_plain(x), field="spectrum") for x in first)
        weights = tuple(parse_exact(_plain(x), field="spectrum") for x in second)
    except (TypeError, ValueError):
        raise InputError("spectrum", show(given), "it must be two sequences", way_out) from None
    if not atoms or len(atoms) != len(weights):
        sizes = f"{len(atoms)} atoms, {len(weights)} weights"
        raise InputError("spectrum", sizes, "every atom needs a weight", way_out)
    if min(atoms) <= 0 or min(weights) <= 0:
        worst = show(float(min(*atoms, *weights)))
        raise InputError("spectrum", worst, "atoms and weights must be positive", way_out)
    mass = sum(weights, Fraction(0))
    mean = sum((x * w for x, w in zip(atoms, weights, strict=True)), Fraction(0))
    if abs(mass - 1) > MEAN_TOLERANCE:
        raise InputError("spectrum", show(float(mass)), "the weights must add up to 1", way_out)
    if abs(mean - 1) > MEAN_TOLERANCE:
        rule = "the mean eigenvalue must be 1, so that features see variance 1"
        raise InputError("spectrum", show(float(mean)), rule, "divide the atoms by their mean")
    return atoms, weights

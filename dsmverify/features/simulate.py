"""Repeats of a finite random-features model, and their means with standard errors.

Given weights and data, the expectations over fresh noise and fresh data are exact, so a standard
error is that of the repeats alone. Parameters have the names of `dsmverify.curves.learning_curve`.

This is evidence, never a verdict: a finite model deviates from the curve by order 1/d
(`extrapolate`), and from its own Gaussian equivalent by what the equivalence neglects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from dsmverify.curves.activations import Activation, activation_named
from dsmverify.ensembles.memory import require_memory
from dsmverify.errors import InputError, show
from dsmverify.exact import parse_exact
from dsmverify.features.arrays import Arrays, Floats, arrays_named
from dsmverify.features.covariance import Spectrum, eigenvalues
from dsmverify.features.exact_noise import CHUNK_ENTRIES
from dsmverify.features.minimise import minimise, quadratic
from dsmverify.features.model import Draws, Setting

QUANTITIES: Final = (
    "test_error",
    "train_error",
    "memorisation_error",
    "new_data_loss",
    "degrees_of_freedom",
)
LIMIT: Final = "0+"
"""The ridge's name in the limit of vanishing ridge."""

BATCH_ENTRIES: Final = 2**24
"""Entries of all arrays of a batch of repeats: 128 MiB, or one repeat where that is more."""


MOST_ROWS: Final = 10**8
"""Noised points of one repeat: beyond it, hours."""

_LEAST, _LARGEST = Fraction(np.finfo(np.float64).tiny), Fraction(np.finfo(np.float64).max)

_WIDTH = 64
"""Arrays of n p entries that a series needs at once, from above."""


@dataclass(frozen=True)
class Estimate:
    """A mean over repeats.

    Attributes:
        mean: the mean.
        standard_error: root of the unbiased variance over the number of repeats.
        repeats: their number.
    """

    mean: float
    standard_error: float
    repeats: int


@dataclass(frozen=True)
class Simulation:
    """Observables of every repeat of one finite model.

    Attributes:
        setting: the model, with its sizes.
        seed: seed.
        values: `[repeats]` for each of `QUANTITIES`. `degrees_of_freedom` is
            `tr U (U + lam)^-1 / d`, whose limit is `psi_p (1 - lam g)`.
        rank: directions of feature space that the minimiser uses, `[repeats]`.
        truncation: bound, to first order, on what truncated series did to any observable,
            `[repeats]`; 0 for the Gaussian equivalent.
        spectrum: of the data's covariance: atoms and weights, exact, or the function that was
            given; None for the identity.
    """

    setting: Setting
    seed: int
    values: Mapping[str, Floats]
    rank: Floats
    truncation: Floats
    spectrum: object = None

    @property
    def dimension(self) -> int:
        """Dimension d."""
        return self.setting.dimension

    @property
    def psi_n(self) -> float:
        """`n/d` as simulated."""
        return self.setting.samples / self.setting.dimension

    @property
    def psi_p(self) -> float:
        """`p/d` as simulated."""
        return self.setting.features / self.setting.dimension

    @property
    def noise_samples(self) -> float:
        """m, or infinity."""
        m = self.setting.noise_samples
        return math.inf if m is None else m

    @property
    def model(self) -> str:
        """`features` or `equivalent`."""
        return "features" if self.setting.equivalent is None else "equivalent"

    def estimate(self, quantity: str) -> Estimate:
        """Mean and standard error of one of `QUANTITIES`."""
        if quantity not in self.values:
            raise InputError(
                "quantity", show(quantity), "it must be one of " + ", ".join(QUANTITIES), "name one"
            )
        values = self.values[quantity]
        count = len(values)
        return Estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(count), count)

    @property
    def test_error(self) -> Estimate:
        """`E_test`."""
        return self.estimate("test_error")

    @property
    def train_error(self) -> Estimate:
        """`E_train`."""
        return self.estimate("train_error")

    @property
    def memorisation_error(self) -> Estimate:
        """`E_mem`: training points, fresh noise."""
        return self.estimate("memorisation_error")

    @property
    def new_data_loss(self) -> Estimate:
        """Loss on fresh points with fresh noise, `1 - h tr C^-1/d + h E_test`."""
        return self.estimate("new_data_loss")

    @property
    def degrees_of_freedom(self) -> Estimate:
        """`tr U (U + lam)^-1 / d`."""
        return self.estimate("degrees_of_freedom")


def simulate(
    activation: str | Activation = "relu",
    psi_n: Any = 4,
    psi_p: Any = 2,
    time: Any = 0.1,
    ridge: Any = 0.01,
    noise_samples: float = 1,
    *,
    dimension: int,
    repeats: int,
    seed: int,
    model: str = "features",
    mean_spike: bool = True,
    spectrum: Spectrum | None = None,
    backend: str = "numpy",
    device: str = "cpu",
    batch: int | None = None,
) -> Simulation:
    """Draw weights and data, minimise the loss exactly, and measure; once for every repeat.

    Numbers may be text such as "0.1" or "7/3", as for `learning_curve`.

    Approximate: rounding, and `Simulation.truncation`. The same seed gives the same numbers
    whatever the batches are (up to rounding in torch), and the two libraries see the same draws.

    Args:
        activation: a name, or the activation.
        psi_n: n/d; n is the nearest integer to `psi_n d`, and at least 1.
        psi_p: p/d, likewise.
        time: t > 0.
        ridge: lam > 0, or "0+" for the minimum-norm minimiser.
        noise_samples: m, a positive integer or infinity; at infinity nothing is sampled over noise.
        dimension: d, at least 2.
        repeats: number of independent repeats, at least 2.
        seed: seed, a non-negative integer.
        model: `features`, or `equivalent` for the Gaussian-equivalent features.
        mean_spike: whether the equivalent features have their mean, which the limit does not see.
        spectrum: of the data's covariance; None for the identity. See `covariance.eigenvalues`.
        backend: `numpy` or `torch`.
        device: of torch.
        batch: repeats that are worked on at once; None for what 128 MiB hold.

    Raises:
        InputError: a parameter outside its range, an activation whose expectations over noise
            cannot be had, or arrays that do not fit into memory.
    """
    arrays = arrays_named(backend, device)
    setting = _setting(
        activation, psi_n, psi_p, time, ridge, noise_samples, dimension, model, mean_spike, spectrum
    )
    _integer("repeats", repeats, 2)
    _integer("seed", seed, 0)
    entries = _entries(setting)
    require_memory(
        f"simulate(dimension={dimension}, psi_n={psi_n}, psi_p={psi_p})",
        8 * entries,
        way_out="give a smaller dimension or fewer features",
    )
    if batch is None:
        batch = max(1, BATCH_ENTRIES // entries)
    _integer("batch", batch, 1)
    with np.errstate(over="ignore", invalid="ignore"):  # overflow is refused below
        parts = [
            _measured(setting, seed, range(start, min(start + batch, repeats)), arrays)
            for start in range(0, repeats, batch)
        ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name in QUANTITIES:
        if not np.isfinite(joined[name]).all():
            place = f"time={time}, ridge={ridge}, psi_n={psi_n}, psi_p={psi_p}"
            rule = f"float64 does not hold the {name} there"
            raise InputError("time, ridge", place, rule, "choose another scale")
    rank, truncation = joined.pop("rank"), joined.pop("truncation")
    kept: object = spectrum
    if spectrum is not None and not callable(spectrum):
        kept = tuple(tuple(parse_exact(x, field="spectrum") for x in part) for part in spectrum)
    return Simulation(setting, seed, joined, rank, truncation, kept)


def _measured(setting: Setting, seed: int, repeats: range, arrays: Arrays) -> dict[str, Floats]:
    """Observables, rank and truncation of some repeats, `[b]` each."""
    draws = Draws(setting, seed, repeats, arrays)
    found = minimise(draws)
    d, h = setting.dimension, setting.noise
    inverse = float(np.mean(1 / setting.noised))
    fresh = draws.test_moments
    square, cross = quadratic(arrays, found.outer, fresh.second, fresh.cross)
    test = (square + 2 * cross) / d + inverse
    noise = draws.noise_moments
    if setting.noise_samples is None:
        memory = found.train_error
    else:
        square, cross = quadratic(arrays, found.outer, noise.second, noise.cross)
        memory = 1 + (h * square + 2 * math.sqrt(h) * cross) / d
    rows: dict[str, Any] = {
        "test_error": test,
        "train_error": found.train_error,
        "memorisation_error": memory,
        "new_data_loss": 1 - h * inverse + h * test,
        "degrees_of_freedom": found.degrees / d,
        "rank": found.rank,
        "truncation": _truncation(draws, found.outer, found.smallest),
    }
    return {name: arrays.numpy(row) for name, row in rows.items()}


def _truncation(draws: Draws, outer: Any, smallest: Any) -> Any:
    """Bound on the change of any observable by what the series left out, to first order. `[b]`.

    At a fixed minimiser E_test moves by at most `|B|^2 |dT|/d`, E_mem by `h |B|^2 |dU|/d` (|.| of
    Frobenius). At m infinite dU also moves the minimiser, by `|B| |dU|/smallest`, and with it
    E_test by `2 |B T + R^T|/d` of that; the training loss is stationary there.
    """
    setting, xp = draws.setting, draws.arrays.module
    fresh, noise = draws.test_moments, draws.noise_moments
    norm = (outer**2).sum((-2, -1))
    bound = norm * (fresh.bound + setting.noise * noise.bound) / setting.dimension
    if setting.noise_samples is None:
        slope = outer @ fresh.second + xp.swapaxes(fresh.cross, 1, 2)
        moved = xp.sqrt(norm) * noise.bound / smallest
        bound = bound + 2 * xp.sqrt((slope**2).sum((-2, -1))) * moved / setting.dimension
    return bound


def _entries(setting: Setting) -> int:
    """Entries of all arrays of one repeat at their largest, roughly and from above."""
    n, p, d = setting.samples, setting.features, setting.dimension
    rows = setting.rows or n
    chunk = rows if rows < p else min(rows, max(2 * (p + d), 2**22 // (p + d)))
    return (
        9 * p * p
        + 4 * chunk * (p + d)
        + 6 * p * d
        + n * (d + 2 * p)
        + 2 * min(n * p * _WIDTH, CHUNK_ENTRIES)
        + (3 * min(rows, p) ** 2)
    )


def _setting(
    activation: str | Activation,
    psi_n: Any,
    psi_p: Any,
    time: Any,
    ridge: Any,
    noise_samples: float,
    dimension: int,
    model: str,
    mean_spike: bool,
    spectrum: Spectrum | None,
) -> Setting:
    """The model that the arguments of `simulate` name; all of them are checked here."""
    _integer("dimension", dimension, 2)
    exact_n, exact_p = _positive("psi_n", psi_n), _positive("psi_p", psi_p)
    exact_time = _positive("time", time)
    is_infinite = noise_samples == math.inf
    if not is_infinite:
        _integer("noise_samples", noise_samples, 1, "give an integer, or math.inf")
    lam = 0.0
    if not (isinstance(ridge, str) and ridge.strip() == LIMIT):
        way_out = f"ridge={LIMIT!r} is the limit of vanishing ridge"
        lam = float(_positive("ridge", ridge, way_out))
    if model not in {"features", "equivalent"}:
        raise InputError(
            "model", show(model), "it must be 'features' or 'equivalent'", "give one of the two"
        )
    if not isinstance(mean_spike, bool):
        raise InputError("mean_spike", show(mean_spike), "it must be True or False", "give one")
    if model == "features" and not mean_spike:
        raise InputError(
            "mean_spike",
            "False",
            "features have the mean that they have",
            "use model='equivalent' to leave it out",
        )
    samples, features = (max(1, round(psi * dimension)) for psi in (exact_n, exact_p))
    m = None if is_infinite else int(noise_samples)
    if m is not None and samples * m > MOST_ROWS:
        rule = f"n m = {show(samples * m)} noised points are more than {MOST_ROWS}"
        raise InputError("noise_samples", show(m), rule, "give fewer, or math.inf")
    known = activation if isinstance(activation, Activation) else activation_named(activation)
    if lam == 0 and m is not None:
        rank = min(features, dimension) if known.is_linear else features
        if rank == samples * m:
            raise InputError(
                "ridge",
                show(ridge),
                f"the test error has no mean where features of rank {rank} meet n m = {rank} rows",
                "give a positive ridge, or another psi_p",
            )
    found = known.moments(float(exact_time)) if model == "equivalent" else None
    return Setting(
        dimension=dimension,
        samples=samples,
        features=features,
        noise_samples=m,
        time=float(exact_time),
        ridge=lam,
        eigenvalues=eigenvalues(spectrum, dimension),
        name=known.name,
        activation=known,
        kinks=known.kinks,
        is_closed=known.closed,
        equivalent=found,
        mean_spike=mean_spike,
    )


def _integer(name: str, value: Any, least: int, way_out: str = "give an integer") -> int:
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise InputError(name, show(value), f"it must be an integer of at least {least}", way_out)
    return int(value)


def _positive(name: str, value: object, way_out: str = "give a positive number") -> Fraction:
    exact = parse_exact(value, field=name)
    if exact <= 0:
        raise InputError(name, show(value), "it must be positive", way_out)
    if not _LEAST <= exact <= _LARGEST:
        raise InputError(name, show(value), "it is no normal float64", "choose another scale")
    return exact

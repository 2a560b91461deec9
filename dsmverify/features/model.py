"""Finite random-features models: what is drawn, and the exact moments of their features.

| letter | here | meaning |
|---|---|---|
| d, n, p, m | `dimension`, `samples`, `features`, `noise_samples` | sizes; m may be infinite |
| a, h | `signal`, `noise` | e^-t, 1 - e^-2t |
| x_i | `points` | training points, N(0, Sigma) |
| z_ij | | noise, N(0, I); row j n + i of the noised sample |
| y_ij | | a x_i + sqrt(h) z_ij |
| Wd | `weights` | W/sqrt(d), W of standard normals |
| phi | | features of y: rho(Wd y), or their Gaussian equivalent |
| Om_i, om_ij | | the equivalent's own normals, shared by the copies of a sample or fresh |
| U, V | `second`, `cross` | averages of phi phi^T and phi z^T |
| T, R | `second`, `cross` | the same over fresh data: E[phi phi^T], E[phi (C^-1 y)^T] |
| C | `noised` | a^2 Sigma + h, diagonal |

The Gaussian-equivalent model is mu_0 1 + mu_1 Wd y_ij + v0 Om_i + s om_ij. Every draw of a repeat
is a function of (seed, dimension, repeat, purpose), so that both models, and all m, share points,
weights and noise, and no result depends on what else is simulated.

Source: sections 1 and 2 of the notes on random features (arXiv 2502.00336).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from dsmverify.features.arrays import Arrays, Floats, Functions
from dsmverify.features.exact_noise import MOST_TERMS, noise_moments
from dsmverify.features.expansions import Expansion, expansion

ROW_ENTRIES = 2**22
"""Entries of one array in a chunk of rows: 32 MiB."""


class Purpose(IntEnum):
    """What a stream of random numbers is for."""

    POINTS = 0
    WEIGHTS = 1
    NOISE = 2
    SHARED = 3
    FRESH = 4


class Coefficients(Protocol):
    """Hermite coefficients of an activation at a time, section 2."""

    @property
    def mean(self) -> float:
        """`mu_0`."""
        ...

    @property
    def linear(self) -> float:
        """`mu_1^2`."""
        ...

    @property
    def shared(self) -> float:
        """`v0^2`."""
        ...

    @property
    def fresh(self) -> float:
        """`s^2`."""
        ...


@dataclass(frozen=True)
class Setting:
    """One finite model.

    Attributes:
        dimension: d.
        samples: n.
        features: p.
        noise_samples: m; None for infinitely many.
        time: t.
        ridge: lam; 0 stands for the limit of vanishing ridge.
        eigenvalues: of Sigma, `[d]`.
        name: name of the activation.
        activation: the activation.
        kinks: places where it is not smooth.
        is_closed: whether it is the activation that `expansions` has closed forms of by this name.
        equivalent: the Gaussian-equivalent model's coefficients; None for the features themselves.
        mean_spike: whether the equivalent model has its mean `mu_0 1`.
    """

    dimension: int
    samples: int
    features: int
    noise_samples: int | None
    time: float
    ridge: float
    eigenvalues: Floats
    name: str
    activation: Functions
    kinks: tuple[float, ...] = ()
    is_closed: bool = True
    equivalent: Coefficients | None = None
    mean_spike: bool = True

    @property
    def signal(self) -> float:
        """`a = e^-t`."""
        return math.exp(-self.time)

    @property
    def noise(self) -> float:
        """`h = 1 - e^-2t`, without cancellation."""
        return -math.expm1(-2 * self.time)

    @property
    def rows(self) -> int | None:
        """`n m`, the number of noised points; None when it is infinite."""
        return None if self.noise_samples is None else self.samples * self.noise_samples

    @cached_property
    def noised(self) -> Floats:
        """Diagonal of `C = a^2 Sigma + h`. `[d]`."""
        return self.signal**2 * self.eigenvalues + self.noise


@dataclass(frozen=True)
class Moments:
    """Second moments of features, and their cross moments with the score or the noise.

    Attributes:
        second: `[b, p, p]`.
        cross: `[b, p, d]`.
        bound: Frobenius norm of what truncation may have left out of `second`, `[b]`.
    """

    second: Any
    cross: Any
    bound: Any


class Draws:
    """The draws of some repeats, and the exact moments given them. The first axis is the repeats.

    Args:
        setting: the model.
        seed: seed of the simulation.
        repeats: numbers of the repeats.
        arrays: the library.
    """

    def __init__(self, setting: Setting, seed: int, repeats: Sequence[int], arrays: Arrays) -> None:
        self.setting, self.arrays = setting, arrays
        self._seed, self._repeats = seed, tuple(repeats)
        root = np.sqrt(setting.eigenvalues)
        points = [
            r.standard_normal((setting.samples, setting.dimension)) * root
            for r in self._of(Purpose.POINTS)
        ]
        shape = (setting.features, setting.dimension)
        weights = [r.standard_normal(shape) for r in self._of(Purpose.WEIGHTS)]
        self.points = arrays.array(np.stack(points))
        self.weights = arrays.array(np.stack(weights)) / math.sqrt(setting.dimension)

    def _of(self, purpose: Purpose) -> list[np.random.Generator]:
        """A generator of each repeat."""
        return [
            np.random.default_rng(
                np.random.SeedSequence(
                    self._seed, spawn_key=(self.setting.dimension, repeat, int(purpose))
                )
            )
            for repeat in self._repeats
        ]

    def expansion(self, variance: float) -> Expansion:
        """Coefficients of the activation at arguments of about this variance."""
        setting = self.setting
        # Row norms of W over sqrt(d) have mean 1 and standard deviation 1/sqrt(2 d): the largest
        # of any number that fits into memory is below this.
        scale = (1 + 5 / math.sqrt(2 * setting.dimension)) * math.sqrt(variance)
        name = setting.name if setting.is_closed else None
        # Of p^2 directions in d dimensions the closest have about this correlation, and its powers
        # are what a series needs to end.
        closest = math.sqrt(1 - max(2, setting.features) ** (-4 / setting.dimension))
        terms = math.ceil(math.log(1e-13) / math.log(closest)) if closest < 1 else MOST_TERMS
        return expansion(
            name, setting.activation, setting.kinks, scale, min(terms, MOST_TERMS), self.arrays
        )

    def rows(self, chunk: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Features `[b, rows, p]` and noise `[b, rows, d]` of the noised points, in chunks.

        The same numbers at every call, whatever the chunks.

        Args:
            chunk: rows of a chunk; None for a size that depends on d and p only.
        """
        setting, arrays = self.setting, self.arrays
        assert setting.rows is not None
        size = chunk or self.chunk
        noises, fresh = self._of(Purpose.NOISE), self._of(Purpose.FRESH)
        for start in range(0, setting.rows, size):
            count = min(size, setting.rows - start)
            sample = np.arange(start, start + count) % setting.samples
            noise = arrays.array(
                np.stack([r.standard_normal((count, setting.dimension)) for r in noises])
            )
            noised = setting.signal * self.points[:, sample] + math.sqrt(setting.noise) * noise
            argument = noised @ arrays.module.swapaxes(self.weights, 1, 2)
            if setting.equivalent is None:
                yield arrays.activate(setting.activation, argument), noise
                continue
            own = arrays.array(
                np.stack([r.standard_normal((count, setting.features)) for r in fresh])
            )
            made = self._linear_part(argument) + math.sqrt(setting.equivalent.fresh) * own
            yield made + math.sqrt(setting.equivalent.shared) * self._shared[:, sample], noise

    @property
    def mean_square(self) -> float:
        """Mean square of a feature at a standard normal argument: an order of magnitude."""
        found = self.setting.equivalent
        if found is not None:
            return found.mean**2 + found.linear + found.shared + found.fresh
        one = self.arrays.array(np.ones((1, 1, 1)))
        return float(self.expansion(1.0).expand(0 * one, one)[0][0, 0, 0])

    @property
    def chunk(self) -> int:
        """Rows of a chunk: many enough for the products, bounded in memory."""
        wide = self.setting.features + self.setting.dimension
        return max(2 * wide, ROW_ENTRIES // wide)

    @cached_property
    def _shared(self) -> Any:
        """`Om`, `[b, n, p]`."""
        shape = (self.setting.samples, self.setting.features)
        return self.arrays.array(
            np.stack([r.standard_normal(shape) for r in self._of(Purpose.SHARED)])
        )

    def _linear_part(self, argument: Any) -> Any:
        """`mu_0 1 + mu_1 Wd y`."""
        found = self.setting.equivalent
        assert found is not None
        mean = found.mean if self.setting.mean_spike else 0.0
        return mean + math.sqrt(found.linear) * argument

    @cached_property
    def noise_moments(self) -> Moments:
        """`U` and `V` with the expectation over the noise taken: those of m = infinity."""
        setting, arrays, xp = self.setting, self.arrays, self.arrays.module
        transposed = xp.swapaxes(self.weights, 1, 2)
        shift = setting.signal * (self.points @ transposed)
        gram = self.weights @ transposed
        if setting.equivalent is not None:
            found = setting.equivalent
            known = self._linear_part(shift) + math.sqrt(found.shared) * self._shared
            second = xp.swapaxes(known, 1, 2) @ known / setting.samples
            second = second + setting.noise * found.linear * gram
            second = second + found.fresh * self._eye
            cross = math.sqrt(setting.noise * found.linear) * self.weights
            return Moments(second, cross, 0 * second[:, 0, 0])
        norm, correlation = _correlation(xp, gram)
        made = noise_moments(
            arrays,
            self.expansion(setting.noise),
            shift,
            math.sqrt(setting.noise) * norm,
            correlation,
        )
        cross = (made.first / norm)[:, :, None] * self.weights
        return Moments(made.second, cross, made.bound)

    @cached_property
    def test_moments(self) -> Moments:
        """`T` and `R`, over fresh noised data."""
        setting, arrays, xp = self.setting, self.arrays, self.arrays.module
        noised = arrays.array(setting.noised)
        gram = (self.weights * noised) @ xp.swapaxes(self.weights, 1, 2)
        if setting.equivalent is not None:
            found = setting.equivalent
            mean = found.mean if setting.mean_spike else 0.0
            second = mean**2 + found.linear * gram + (found.shared + found.fresh) * self._eye
            return Moments(second, math.sqrt(found.linear) * self.weights, 0 * gram[:, 0, 0])
        norm, correlation = _correlation(xp, gram)
        made = noise_moments(
            arrays,
            self.expansion(float(setting.noised.mean())),
            0 * norm[:, None, :],
            norm,
            correlation,
        )
        # E[phi_k C^-1 y] = E[rho'(w.y)] w, and the first moment is the norm times E[rho'].
        cross = (made.first / norm)[:, :, None] * self.weights
        return Moments(made.second, cross, made.bound)

    @property
    def _eye(self) -> Any:
        return self.arrays.array(np.eye(self.setting.features))


def _correlation(xp: Any, gram: Any) -> tuple[Any, Any]:
    """Roots of the diagonal, `[b, p]`, and the matrix scaled to a diagonal of ones."""
    norm = xp.sqrt(xp.einsum("bkk->bk", gram))
    return norm, gram / (norm[:, :, None] * norm[:, None, :])

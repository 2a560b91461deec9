"""The second-moment operator of linearised SGD for wide networks: one product in O(n m + m^2).

Float64 throughout: approximate, never a certificate (`dsmverify.mean_square` has those).

| letter | here | meaning |
|---|---|---|
| y | | noised point, seen from the middle of the data |
| A + C y | `constant`, `linear` | gradient of each neuron where it is active, by group |
| K | | `hess s_theta` where it exists: outer weight with bias (1/m), with inner weight (y/m) |
| p | | piece of the line between sorted kinks, 0..m |

With `g = grad s`, `r = S g`, `q = g^T r`,

    E[h S h] = 4 E[g v^T + v g^T] + 4 E[f^2 K S K],    v = q g / 2 + f K r,

and on each piece g, r, f are linear in y and q is quadratic. Which neurons are active on p is a
step function of p: right-active neuron k on p > k, left-active on p <= k (sorted kinks). So

- from neurons to pieces: `sum over active neurons of U_k`, one running sum over k (`spread`);
- from pieces to neurons: `sum over pieces on which k is active of V_p`, one running sum over p
  (`gather`).

r is spread from rows of S, and `E[g v^T]` is gathered from rows of v times truncated moments of Y
up to order 4. Every array has m + 1 rows and at most 3 m columns: O(m^2) for a product although T
has 16 m^4 entries. `E[h] S` is gathered alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from dsmverify.ensembles.minima_search import end_of_run, float_network
from dsmverify.ensembles.settings import Ensemble, Networks
from dsmverify.errors import InputError
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.formulas.setting import Network, Sample
from dsmverify.formulas.stability import normal_power_moments
from dsmverify.instance import Batch
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]

FAR = 39.0
"""Kinks this many noise levels from a mean count as that far: the tail there underflows."""

STEPS = 40
"""Lanczos steps by default."""

AGREEMENT = 1e-10
"""Residual, relative to the value, at which Lanczos stops."""


@dataclass(frozen=True)
class RadiusEstimate:
    """Estimate of the spectral radius rho of T.

    Attributes:
        value: largest Ritz value; at most rho, up to rounding (about 1e-13).
        residual: some eigenvalue of T lies within this of `value`.
        products: applications of T spent.
    """

    value: float
    residual: float
    products: int


@dataclass(frozen=True)
class _Moments:
    """Moments on pieces; `[5, m + 1]`, `[4, m + 1]`, `[3, m + 1]`.

    Attributes:
        power: E[y^k ; p].
        residual: E[f y^k ; p].
        square: E[f^2 y^k ; p].
    """

    power: Floats
    residual: Floats
    square: Floats


@dataclass(frozen=True)
class MeanSquareOperator:
    """The map T, `S -> E[(I - a H) S (I - a H)]`, matrix-free.

    Args:
        sample: training points and noise level, floats.
        network: the network, floats.
        batch: how batches are drawn.
        rate: a = m eta, the factor of the batch gradient.
        parameters: trained groups.

    Source: D-sgd and D-stable, pp. 5-6.
    """

    sample: Sample[Any]
    network: Network[Any]
    batch: Batch
    rate: float
    parameters: tuple[Parameter, ...] = PAPER_PARAMETERS

    def __post_init__(self) -> None:
        """Check the groups.

        Raises:
            InputError: an unknown group, or none.
        """
        unknown = set(self.parameters) - {"outer", "bias", "inner"}
        if unknown or not self.parameters:
            raise InputError(
                "parameters",
                ", ".join(sorted(unknown)) or "none",
                "groups are outer, bias and inner",
                "give at least one of them",
            )

    @property
    def size(self) -> int:
        """Number of parameters, k."""
        return len(self.parameters) * self.network.width

    def __call__(self, matrix: Floats) -> Floats:
        """`T(S)` for a symmetric S, rows and columns by neuron, group after group. `[k, k]`."""
        found = np.empty_like(matrix)
        found[self._grid] = self.product(matrix[self._grid])
        return found

    def product(self, matrix: Floats) -> Floats:
        """`T(S)` for a symmetric S whose neurons are in the order of their kinks. `[k, k]`."""
        batch, n = self.batch, self.sample.size
        scale = batch.size if batch.reduction == "mean" else 1
        once = self._mean_product(self._averaged, matrix)
        second = batch.size * self._alone(matrix)
        if batch.size > 1:
            pairs = self._mean_product(self._averaged, once.T)
            if not batch.replacement:
                pairs *= n * n
                for moments in self._each:
                    pairs -= self._mean_product(moments, self._mean_product(moments, matrix).T)
                pairs /= n * (n - 1)
            second += (batch.size * (batch.size - 1)) * pairs
        first = (self.rate * batch.size / scale) * once
        found: Floats = matrix - first - first.T + (self.rate / scale) ** 2 * second
        return (found + found.T) / 2

    def spectral_radius(
        self, steps: int = STEPS, progress: Callable[[int, float], None] | None = None
    ) -> RadiusEstimate:
        """Largest eigenvalue of T, which is its spectral radius, by Lanczos from `S = I`.

        T keeps the cone of positive semidefinite matrices, so an eigenmatrix of rho lies in it and
        is not orthogonal to I. Three matrices are kept, without reorthogonalisation: copies of
        Ritz values that appear do no harm to the largest.

        Args:
            steps: most products.
            progress: called with the product's number and the value so far.

        Source: D-stable, p. 6.
        """
        current = np.eye(self.size) / np.sqrt(self.size)
        before = np.zeros_like(current)
        diagonal: list[float] = []
        off: list[float] = []
        value = residual = np.nan
        for step in range(1, steps + 1):
            image = self.product(current)
            if off:
                image -= off[-1] * before
            diagonal.append(float(np.vdot(current, image)))
            image -= diagonal[-1] * current
            remainder = float(np.linalg.norm(image))
            values, vectors = linalg.eigh_tridiagonal(np.array(diagonal), np.array(off))
            value, residual = float(values[-1]), abs(float(vectors[-1, -1])) * remainder
            if progress is not None:
                progress(step, value)
            if residual <= AGREEMENT * abs(value):
                break
            off.append(remainder)
            before, current = current, image / remainder
        return RadiusEstimate(value, residual, len(diagonal))

    # The network, neurons in the order of their kinks.

    @cached_property
    def _grid(self) -> tuple[Any, ...]:
        groups = np.arange(len(self.parameters))[:, None] * self.network.width
        place = (groups + self.network.order[None, :]).ravel()
        return np.ix_(place, place)

    @cached_property
    def _rising(self) -> NDArray[np.bool_]:
        rising: NDArray[np.bool_] = np.asarray(self.network.signs) > 0
        return rising

    @cached_property
    def _active(self) -> Floats:
        """Which neuron is active on which piece. `[m + 1, m]`."""
        width = self.network.width
        beyond = np.arange(width + 1)[:, None] > np.arange(width)[None, :]
        return np.where(beyond == self._rising[None, :], 1.0, 0.0)

    @cached_property
    def _middle(self) -> float:
        return float(self.sample.mu * np.mean(self.sample.points))

    @cached_property
    def _loadings(self) -> tuple[Floats, Floats]:
        """A and C. Two `[groups, m]`."""
        order, width = self.network.order, self.network.width
        inner, outer = self.network.inner[order], self.network.outer[order]
        bias = self.network.bias[order] + inner * self._middle
        nothing = np.zeros(width)
        table = {
            "outer": (bias, inner),
            "bias": (outer, nothing),
            # The gradient's factor is the true y, not the one seen from the middle.
            "inner": (outer * self._middle, outer),
        }
        chosen = [table[name] for name in self.parameters]
        return (
            np.array([constant for constant, _ in chosen]) / width,
            np.array([linear for _, linear in chosen]) / width,
        )

    @cached_property
    def _partners(self) -> list[list[tuple[int, Floats]]]:
        """For each group the groups that K couples it to, with the coefficients of 1 and y."""
        at = {name: place for place, name in enumerate(self.parameters)}
        width = self.network.width
        with_outer = {"bias": np.array([1.0, 0.0]), "inner": np.array([self._middle, 1.0])}
        found: list[list[tuple[int, Floats]]] = [[] for _ in self.parameters]
        if "outer" in at:
            for name, coefficients in with_outer.items():
                if name in at:
                    found[at["outer"]].append((at[name], coefficients / width))
                    found[at[name]].append((at["outer"], coefficients / width))
        return found

    # Moments.

    @cached_property
    def _each(self) -> list[_Moments]:
        """Moments for each training point."""
        order, width = self.network.order, self.network.width
        outer, inner = self.network.outer[order] / width, self.network.inner[order]
        bias = self.network.bias[order] + inner * self._middle
        sigma = float(self.sample.sigma)
        level, slope = self._spread(outer * bias), self._spread(outer * inner) + 1 / sigma**2
        found = []
        for point in self.sample.points:
            centre = float(self.sample.mu * point) - self._middle
            cuts = (self.network.kinks - self._middle - centre) / sigma
            z = normal_power_moments(SYSTEM, np.clip(cuts, -FAR, FAR), 4, width)
            power = [z[0]]
            for degree in range(1, 5):
                terms = (
                    _BINOMIAL[degree][j] * centre ** (degree - j) * sigma**j * z[j]
                    for j in range(degree + 1)
                )
                power.append(sum(terms, start=np.zeros(width + 1)))
            shift = level - centre / sigma**2
            residual = [shift * power[k] + slope * power[k + 1] for k in range(4)]
            square = [shift * residual[k] + slope * residual[k + 1] for k in range(3)]
            found.append(_Moments(np.array(power), np.array(residual), np.array(square)))
        return found

    @cached_property
    def _averaged(self) -> _Moments:
        def mean(name: str) -> Floats:
            found: Floats = np.mean([getattr(each, name) for each in self._each], axis=0)
            return found

        return _Moments(mean("power"), mean("residual"), mean("square"))

    # Running sums.

    def _spread(self, rows: Floats) -> Floats:
        """Sums over the neurons active on each piece. `[m, ...]` to `[m + 1, ...]`."""
        sign = np.where(self._rising, 1.0, -1.0).reshape(-1, *[1] * (rows.ndim - 1))
        found = np.empty((len(rows) + 1, *rows.shape[1:]))
        found[0] = rows[~self._rising].sum(axis=0)
        np.multiply(rows, sign, out=found[1:])
        return np.cumsum(found, axis=0, out=found)

    def _gather(self, rows: Floats) -> Floats:
        """Sums over the pieces on which each neuron is active. `[m + 1, ...]` to `[m, ...]`."""
        total = np.cumsum(rows, axis=0)
        rising = self._rising
        found = total[:-1]
        np.subtract(total[-1], found, out=found, where=rising.reshape(-1, *[1] * (rows.ndim - 1)))
        return found

    # Products.

    def _mean_product(self, moments: _Moments, matrix: Floats) -> Floats:
        """`E[h] S` for any S. `[k, k]`."""
        still, moving = self._images(matrix)
        power = moments.power[:, :, None]
        found = self._with_gradient(
            power[0] * still + power[1] * moving, power[1] * still + power[2] * moving
        )
        weights = self._gather(moments.residual[:2].T)
        width = self.network.width
        for group, partners in enumerate(self._partners):
            rows = found[group * width : (group + 1) * width]
            for other, coefficients in partners:
                factor = weights @ coefficients
                rows += factor[:, None] * matrix[other * width : (other + 1) * width]
        return 2 * found

    def _alone(self, matrix: Floats) -> Floats:
        """Mean over the training points of `E[h_i S h_i]`, S symmetric. `[k, k]`."""
        moments, active = self._averaged, self._active
        constant, linear = self._loadings
        width, groups = self.network.width, len(self.parameters)
        still, moving = self._images(matrix)
        shape = (width + 1, groups, width)
        blocks = still.reshape(shape), moving.reshape(shape)

        def along(loading: Floats, image: Floats) -> Floats:
            found: Floats = np.einsum("gl,pgl,pl->p", loading, image, active, optimize=True)
            return found

        q = np.array(
            [
                along(constant, blocks[0]),
                along(constant, blocks[1]) + along(linear, blocks[0]),
                along(linear, blocks[1]),
            ]
        )
        half = [
            sum(q[t] * moments.power[j + t] for t in range(3)) / 2  # E[q y^j ; p] / 2
            for j in range(3)
        ]
        images = [np.zeros(shape), np.zeros(shape)]
        for j, image in enumerate(images):
            for group in range(groups):
                part = half[j][:, None] * constant[group] + half[j + 1][:, None] * linear[group]
                for other, coefficients in self._partners[group]:
                    for degree, coefficient in enumerate(coefficients):
                        if not coefficient:
                            continue
                        for power, block in enumerate(blocks):
                            weight = coefficient * moments.residual[j + degree + power]
                            part += weight[:, None] * block[:, other]
                image[:, group] = part * active
        crossed = self._with_gradient(
            images[0].reshape(width + 1, -1), images[1].reshape(width + 1, -1)
        )
        found = crossed + crossed.T
        self._add_square(matrix, found)
        found *= 4
        return found

    @cached_property
    def _squares(self) -> list[Floats]:
        """`E[f^2 y^k 1_l 1_j]`, k = 0 and, where inner weights are trained, 1 and 2. `[m, m]`."""
        count = 3 if "inner" in self.parameters else 1
        square = self._averaged.square
        return [self._gather(square[k][:, None] * self._active) for k in range(count)]

    def _add_square(self, matrix: Floats, total: Floats) -> None:
        """Add `E[f^2 K S K]`."""
        width = self.network.width
        blocks = [
            slice(group * width, (group + 1) * width) for group in range(len(self.parameters))
        ]
        for row, first in enumerate(self._partners):
            for column, second in enumerate(self._partners):
                part = total[blocks[row], blocks[column]]
                for other, left in first:
                    for another, right in second:
                        source = matrix[blocks[other], blocks[another]]
                        for degree, coefficient in enumerate(np.convolve(left, right)):
                            if coefficient:
                                part += coefficient * self._squares[degree] * source

    def _images(self, matrix: Floats) -> tuple[Floats, Floats]:
        """`S g` on every piece, as constant and slope in y. Two `[m + 1, k]`."""
        width = self.network.width
        found = []
        for loading in self._loadings:
            rows = np.zeros((width, matrix.shape[1]))
            for group, load in enumerate(loading):
                if load.any():
                    rows += load[:, None] * matrix[group * width : (group + 1) * width]
            found.append(self._spread(rows))
        return found[0], found[1]

    def _with_gradient(self, still: Floats, moving: Floats) -> Floats:
        """`E[g v^T]` from `E[v ; p]` and `E[y v ; p]`. `[k, k]`."""
        constant, linear = self._loadings
        sums = self._gather(still), self._gather(moving)
        return np.concatenate(
            [
                a[:, None] * sums[0] + c[:, None] * sums[1]
                for a, c in zip(constant, linear, strict=True)
            ]
        )


def operator_of(ensemble: Ensemble, networks: Networks, index: int) -> MeanSquareOperator:
    """The operator of one network of an ensemble, at its own rate and batch (d = 1).

    T is the linearisation at the network's parameters, critical or not; only at a minimum does it
    bear on D-stable.

    Args:
        ensemble: the runs.
        networks: their parameters.
        index: which network.

    Raises:
        InputError: d > 1, an output bias, or an output not divided by m.
    """
    model, problem = ensemble.model, ensemble.problems[index]
    if model.dimension > 1 or model.offset or model.output != "mean":
        raise InputError(
            "model",
            f"dimension {model.dimension}, offset {model.offset}, output {model.output!r}",
            "second moments are worked out for d = 1, no output bias and output 'mean'",
            "choose a run of such a model",
        )
    points = np.sort(problem.points[:, 0])
    sample: Sample[Any] = Sample(
        points, np.float64(problem.mu), np.float64(problem.sigma), len(points)
    )
    run = end_of_run("", networks, index)
    names: tuple[Parameter, ...] = ("outer", "bias", "inner")
    return MeanSquareOperator(
        sample,
        float_network(sample, run.inner, run.bias, run.outer),
        ensemble.batch,
        model.rate_factor * float(ensemble.learning_rates[index]),
        tuple(name for name in names if name in model.trained),
    )


_BINOMIAL = ((1,), (1, 1), (1, 2, 1), (1, 3, 3, 1), (1, 4, 6, 4, 1))

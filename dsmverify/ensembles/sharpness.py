"""Gradient and Hessian of the risk over all trained parameters, and its extremes, in O(m).

| letter | here | meaning |
|---|---|---|
| H | `hessian_product` | hess R_n(theta) = 2 T + 2 E[f hess s_theta] |
| T | `kernel_product` | tangent kernel, (1/n) sum_i E[grad s (grad s)^T] |
| d_l, 1_l | | abs(y - kink of neuron l), and the half line where it is active |
| k, g | | output scale and rate factor of the model |

Every derivative of s_theta is `k (far d_l 1_l + near 1_l)` for one neuron; the pair (far, near) is
its loading. A neuron with a kink near the data loads as in `dsmverify.formulas.curvature`; one that
is active everywhere is measured from L (see `dsmverify.ensembles.hinges`): outer (w1, w1 L + b),
bias (0, w2), inner (w2, w2 L). One that is never active has no derivative at all. The output bias
has the derivative 1, the loading (0, 1/k) at L. The formulas' semiseparable product takes any
loadings.

Where a kink and its weights are merged, twins or zero the Hessian exists all the same; it does not
where w1 = b = 0, and such a neuron is taken as silent (relu'(0) = 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.hinges import Parameters, Seen, parameters_of, seen
from dsmverify.ensembles.settings import Group, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.formulas import curvature, risk
from dsmverify.numbers import Integers, inverse_order
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]

DENSE_SIZE = 60
"""Up to this many active parameters eigenvalues come from the dense matrix."""

PRECISION = 1e-10
"""Relative residual of an eigenpair; an isolated eigenvalue is right to about its square."""

BASES = (24, 200)
"""Lanczos vectors kept between restarts: few serve where the eigenvalue stands alone."""

RESTARTS = 50
"""Most restarts before the next basis, and at last the dense matrix, takes over."""


@dataclass(frozen=True)
class Curvature:
    """Derivatives of the risk at one network, d = 1.

    Parameters stand one group after the other, in the order of `model.trained`: outer `[m]`, bias
    `[m]`, inner `[m]` where trained, offset `[1]` where trained.

    Attributes:
        problem: training points and noise level.
        model: the model.
        net: its parameters in float64, finite.
        boundary: whether the Hessian holds the Dirac terms of moving kinks. Without them it is the
            mean of the pointwise Hessians that SGD meets.
    """

    problem: Problem
    model: Model
    net: Parameters
    boundary: bool = True

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return len(self._blocks) * self.model.width + self.model.offset

    @cached_property
    def seen(self) -> Seen:
        """The network on the data."""
        return seen(self.problem, self.net)

    @cached_property
    def risk(self) -> float:
        """`R_n(theta)`. Approximate, relative error about 1e-14."""
        return float(risk.risk(SYSTEM, self.seen.sample, self.seen.network))

    @cached_property
    def gradient(self) -> Floats:
        """`grad R_n(theta)`. `[size]`, relative error of an entry about 1e-12 of its terms.

        Source: hess15.a, p. 25.
        """
        active, distance = self._means
        slots = [near * active + far * distance for far, near in self._loadings]
        return self._unpack(2 * np.concatenate(slots))

    def kernel_product(self, vector: Floats) -> Floats:
        """`T v` in O(m). `[size]`.

        Source: prop10, p. 20.
        """
        return self._unpack(self._kernel(self._pack(vector)))

    def hessian_product(self, vector: Floats) -> Floats:
        """`hess R_n(theta) v` in O(m). `[size]`.

        Source: eq. 15, p. 26 (derivations/hessian.py).
        """
        return self._unpack(self._hessian(self._pack(vector)))

    @cached_property
    def kernel(self) -> Floats:
        """T as a matrix, `[size, size]`, by products: O(size^2) memory, for small m."""
        return self._dense(self.kernel_product)

    @cached_property
    def hessian(self) -> Floats:
        """`hess R_n(theta)` as a matrix, `[size, size]`, by products: for small m."""
        return self._dense(self.hessian_product)

    @cached_property
    def kernel_largest(self) -> float:
        """Largest eigenvalue of T. Approximate, relative error below 1e-10."""
        return self._extreme(self._kernel)[0]

    @cached_property
    def leading(self) -> tuple[float, Floats]:
        """Largest eigenvalue of the Hessian and its unit vector `[size]`.

        Approximate, relative error of the value below 1e-10. It is at least 0: outer weights have
        the non-negative block 2 T.
        """
        value, vector = self._extreme(self._hessian)
        return value, self._spread(vector)

    @property
    def largest(self) -> float:
        """Largest eigenvalue of the Hessian, the sharpness."""
        return self.leading[0]

    @cached_property
    def lowest(self) -> tuple[float, Floats]:
        """Smallest eigenvalue of the Hessian and its unit vector `[size]`.

        Approximate, error about 1e-10 of the largest one. Parameters of silent neurons have
        eigenvalue 0.
        """
        top = self.largest
        value, vector = self._extreme(lambda v: top * v - self._hessian(v), BASES[1:])
        if len(self._slots) < self.size and top - value >= 0:
            silent = np.ones(self.size, dtype=bool)
            silent[self._places] = False
            unit = np.zeros(self.size)
            unit[np.flatnonzero(silent)[0]] = 1.0
            return 0.0, unit
        return top - value, self._spread(vector)

    @property
    def smallest(self) -> float:
        """Smallest eigenvalue of the Hessian."""
        return self.lowest[0]

    @cached_property
    def largest_stable_rate(self) -> float:
        """Largest rate that eq. 8 allows at a minimum: `2/(g lambda_max)`, infinite for H = 0.

        With g = m it is `2/(m lambda_max)`. A trained output bias moves with the factor 1, not g,
        and then lambda_max is that of the Hessian seen by the update, `G^(1/2) H G^(1/2) / g`.

        Source: eq. 8, p. 6.
        """
        factor = self.model.rate_factor
        largest = self.largest
        if self.model.offset and factor != 1:
            scale = np.ones(len(self._blocks) * self.seen.network.width)
            scale[self._slots[-1]] = 1 / np.sqrt(factor)
            largest, _ = self._extreme(lambda v: scale * self._hessian(scale * v))
        return 2 / (factor * largest) if largest > 0 else float("inf")

    @cached_property
    def _blocks(self) -> tuple[Group, ...]:
        """Groups with one parameter for each neuron."""
        return tuple(name for name in self.model.trained if name != "offset")

    @cached_property
    def _slots(self) -> Integers:
        """Where active parameters stand in an equivalent vector `[blocks * M]`."""
        count, width = len(self.seen.neurons), self.seen.network.width
        slots = [np.arange(count) + group * width for group in range(len(self._blocks))]
        if self.model.offset:
            slots.append(np.array([self._blocks.index("bias") * width + width - 1]))
        return np.concatenate(slots)

    @cached_property
    def _places(self) -> Integers:
        """Where active parameters stand in a vector of parameters `[size]`."""
        m = self.model.width
        places = [self.seen.neurons + group * m for group in range(len(self._blocks))]
        if self.model.offset:
            places.append(np.array([len(self._blocks) * m]))
        return np.concatenate(places)

    def _pack(self, vector: Floats) -> Floats:
        slots = np.zeros(len(self._blocks) * self.seen.network.width)
        slots[self._slots] = np.asarray(vector, dtype=np.float64)[self._places]
        return slots

    def _unpack(self, slots: Floats) -> Floats:
        vector = np.zeros(self.size)
        vector[self._places] = slots[self._slots]
        return vector

    def _spread(self, active: Floats) -> Floats:
        """A vector over active parameters as one over all."""
        vector = np.zeros(self.size)
        vector[self._places] = active
        return vector

    @cached_property
    def _loadings(self) -> list[tuple[Floats, Floats]]:
        """`k (far, near)` of every hinge, one pair for each group. `[M]` each."""
        near_data = self.seen
        width, kinks = near_data.network.width, near_data.kinks
        chosen, bent, low = near_data.neurons, near_data.is_bent, near_data.low
        inner, outer, bias = self.net.inner[chosen], self.net.outer[chosen], self.net.bias[chosen]
        zero = np.zeros(len(chosen))
        sign = np.where(bent, np.sign(inner), 1.0)
        table: dict[Group, tuple[Floats, Floats]] = {
            "outer": (
                np.where(bent, np.abs(inner), inner),
                np.where(bent, 0.0, inner * low + bias),
            ),
            "bias": (zero, outer),
            "inner": (outer * sign, outer * kinks[: len(chosen)]),
        }
        loadings = []
        for name in self._blocks:
            far, near = np.zeros(width), np.zeros(width)
            far[: len(chosen)], near[: len(chosen)] = (self.net.scale * x for x in table[name])
            if name == "bias" and self.model.offset:
                near[-1] = 1.0
            loadings.append((far, near))
        return loadings

    @cached_property
    def _means(self) -> tuple[Floats, Floats]:
        """`E[f 1_l]` and `E[f d_l 1_l]` of every hinge. Two `[M]`."""
        network = self.seen.network
        neuron = inverse_order(network.order)
        active, distance = risk.residual_means(SYSTEM, self.seen.sample, network)
        return active[neuron], distance[neuron]

    @cached_property
    def _product(self) -> curvature.KernelProduct[Any]:
        network = self.seen.network
        sequence = network.order
        # The product divides by M^2, which loadings over all of M undo.
        loadings = tuple(
            (network.width * far[sequence], network.width * near[sequence])
            for far, near in self._loadings
        )
        moments = curvature.mixture(SYSTEM, self.seen.sample, network)
        return curvature.KernelProduct(SYSTEM, network, moments, loadings, network.width)

    @cached_property
    def _diagonals(self) -> list[tuple[int, int, Floats]]:
        """`2 E[f hess s]`: pairs of groups, each with a diagonal `[M]`."""
        near_data = self.seen
        network, kinks, scale = near_data.network, near_data.kinks, self.net.scale
        count = len(near_data.neurons)
        active, distance = self._means
        sign = network.inner
        own = np.zeros(network.width)
        own[:count] = 2 * scale
        table: dict[tuple[Group, Group], Floats] = {
            ("outer", "bias"): own * active,
            ("outer", "inner"): own * (kinks * active + sign * distance),
        }
        if self.boundary:
            density = curvature.kink_density_means(SYSTEM, near_data.sample, network)
            density = density[inverse_order(network.order)]
            weight = np.zeros(network.width)
            bent = np.flatnonzero(near_data.is_bent)
            chosen = near_data.neurons[bent]
            weight[bent] = self.net.outer[chosen] / np.abs(self.net.inner[chosen])
            dirac = own * weight * density
            table["bias", "bias"] = dirac
            table["bias", "inner"] = kinks * dirac
            table["inner", "inner"] = kinks * kinks * dirac
        groups = self._blocks
        return [
            (groups.index(first), groups.index(second), diagonal)
            for (first, second), diagonal in table.items()
            if first in groups and second in groups
        ]

    def _kernel(self, slots: Floats) -> Floats:
        result: Floats = self._product(slots)
        return result

    def _hessian(self, slots: Floats) -> Floats:
        result = 2 * self._kernel(slots)
        width = self.seen.network.width
        for first, second, diagonal in self._diagonals:
            row = slice(first * width, (first + 1) * width)
            column = slice(second * width, (second + 1) * width)
            result[row] += diagonal * slots[column]
            if first != second:
                result[column] += diagonal * slots[row]
        return result

    def _dense(self, product: Callable[[Floats], Floats]) -> Floats:
        matrix = np.zeros((self.size, self.size))
        unit = np.zeros(self.size)
        for place in self._places:
            unit[place] = 1.0
            matrix[place] = product(unit)
            unit[place] = 0.0
        return (matrix + matrix.T) / 2

    def _extreme(
        self, product: Callable[[Floats], Floats], bases: tuple[int, ...] = BASES
    ) -> tuple[float, Floats]:
        """Largest eigenvalue over active parameters, and its unit vector `[active]`."""
        slots, size = self._slots, len(self._slots)
        if not size:
            return 0.0, np.zeros(0)
        full = np.zeros(len(self._blocks) * self.seen.network.width)

        def apply(vector: Floats) -> Floats:
            full[slots] = np.ravel(vector)
            result: Floats = product(full)[slots]
            return result

        if size > DENSE_SIZE:
            # Any start with a part in every direction serves; a fixed one gives the same digits.
            start = apply(np.cos(1.0 + np.arange(size)))
            if not np.any(start):
                return 0.0, np.eye(1, size)[0]
            # Here: most of those who load this module have no network that is so wide.
            from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

            operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
            for basis in bases:
                try:
                    values, vectors = eigsh(
                        operator,
                        k=1,
                        which="LA",
                        v0=start,
                        ncv=min(basis, size),
                        maxiter=RESTARTS,
                        tol=PRECISION,
                    )
                except ArpackNoConvergence:
                    continue  # eigenvalues cluster at the top
                return float(values[0]), vectors[:, 0]
        dense = np.array([apply(row) for row in np.eye(size)])
        values, vectors = np.linalg.eigh((dense + dense.T) / 2)
        return float(values[-1]), vectors[:, -1]


def curvature_of(
    problem: Problem, model: Model, networks: Networks, e: int, *, boundary: bool = True
) -> Curvature:
    """Derivatives of the risk at network e.

    Args:
        problem: the network's problem, d = 1.
        model: the model of all networks.
        networks: parameters.
        e: which network.
        boundary: as in `Curvature`.

    Raises:
        InputError: d > 1, no such network, or a parameter that is not finite.
    """
    net = parameters_of(model, networks, e)
    if not net.is_finite:
        raise InputError(
            f"networks[{e}]",
            "a NaN or infinity among its parameters",
            "derivatives need finite parameters",
            "leave diverged networks out",
        )
    return Curvature(problem, model, net, boundary)

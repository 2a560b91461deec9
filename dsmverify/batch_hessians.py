"""The pointwise Hessian of a batch loss: its mean, and the map `S -> E[H S H]`.

| letter | here | meaning |
|---|---|---|
| h_i | `PointHessian` | pointwise Hessian of `f^2`, f the residual of point i |
| H | `BatchHessian` | sum or mean of `h_i` over a batch, noise independent for every element |
| z | | `(Y - mu x_i)/sigma`, Y the noised point i |
| K | | `m hess s_theta` where it exists |

    h = 2 (grad s grad s^T + f K / m)

On one piece of the network every active neuron's gradient and f are linear in z; K is constant (or
linear, where inner weights are trained). So `h = Q_0 + Q_1 z + Q_2 z^2` on a piece p, and

    E[h S h] = sum_p sum_jk M_{j+k}(p) Q_j S Q_k,    M_k(p) = E[z^k ; p],

which needs truncated moments up to order 4. A batch of B elements draws its noise B times, even
where it holds a point twice, so `E[H S H]` is B times the mean of `E[h_i S h_i]`, plus `B (B - 1)`
times

- with replacement `M S M`, `M` the mean of the `E[h_i]`: two elements are independent;
- without `(n^2 M S M - sum_i E[h_i] S E[h_i]) / (n (n - 1))`: they are two different points;

all over `B^2` if the loss is a mean over the batch. Work and memory grow as n m^3: small networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

import numpy as np

from dsmverify.formulas.network import pieces
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.formulas.setting import Network, Sample
from dsmverify.formulas.stability import normal_power_moments
from dsmverify.instance import Batch
from dsmverify.numbers import N, Numbers, inverse_order


@dataclass(frozen=True)
class PointHessian(Generic[N]):
    """The pointwise Hessian at one training point.

    Attributes:
        mean: `[k, k]`, E[h].
        left: matrices `Q_j`, piece by piece. Each `[k, k]`.
        right: `sum_k M_{j+k} Q_k` for each of them.
    """

    mean: Any
    left: tuple[Any, ...]
    right: tuple[Any, ...]

    def second(self, matrix: Any) -> Any:
        """`E[h S h]`, exact up to the rounding of the number system. `[k, k]`."""
        products = [a @ matrix @ b for a, b in zip(self.left, self.right, strict=True)]
        return sum(products[1:], start=products[0])

    @property
    def square(self) -> Any:
        """`E[h^2]`. `[k, k]`."""
        products = [a @ b for a, b in zip(self.left, self.right, strict=True)]
        return sum(products[1:], start=products[0])


def point_hessian(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    index: int,
    parameters: tuple[Parameter, ...] = PAPER_PARAMETERS,
) -> PointHessian[N]:
    """The pointwise Hessian at training point `index`, in the groups of `parameters`.

    Gradient of neuron l where it is active: outer weight `(w1 y + b)/m`, bias `w2/m`, inner weight
    `w2 y/m`. K has the entries 1 (outer weight and bias) and y (outer and inner weight) there.

    Source: D-stable, p. 6; hess15.a, p. 25.
    """
    m, sigma = network.width, sample.sigma
    mean = sample.mu * sample.points[index]
    moments = normal_power_moments(ns, (network.kinks - mean) / sigma, 4, m)
    parts = pieces(ns, network)
    place = inverse_order(network.order)
    zeros: Any = ns.constant(np.zeros(m, dtype=int))
    eye: Any = ns.constant(np.eye(m, dtype=int))
    reach = ns.constant(network.signs[place]) * ns.absolute(network.inner)
    total: Any = None
    left, right = [], []
    for piece in range(m + 1):
        reference = piece - 1 if piece else 0
        level = parts.values[reference] + parts.slopes[piece] * (mean - network.kinks[reference])
        tilt = sigma * parts.slopes[piece] + 1 / sigma
        active: Any = ns.constant((place < piece) == (network.signs[place] > 0))
        at_mean = {
            "outer": active * reach * (mean - network.kinks[place]) / m,
            "bias": active * network.outer / m,
            "inner": active * network.outer * mean / m,
        }
        per_noise = {
            "outer": active * reach * sigma / m,
            "bias": zeros,
            "inner": active * network.outer * sigma / m,
        }
        corner = eye * active / m
        constant: Any = ns.concatenate([at_mean[name] for name in parameters])
        linear: Any = ns.concatenate([per_noise[name] for name in parameters])
        fixed = _cross(ns, parameters, {"bias": corner, "inner": corner * mean})
        moving = _cross(ns, parameters, {"bias": 0 * corner, "inner": corner * sigma})
        quadratic = [
            2 * (_outer(constant, constant) + level * fixed),
            2 * (_outer(constant, linear) + _outer(linear, constant))
            + 2 * (tilt * fixed + level * moving),
            2 * (_outer(linear, linear) + tilt * moving),
        ]
        for low, matrix in enumerate(quadratic):
            weighted = [matrix_k * moments[low + k][piece] for k, matrix_k in enumerate(quadratic)]
            left.append(matrix)
            right.append(weighted[0] + weighted[1] + weighted[2])
            term = matrix * moments[low][piece]
            total = term if total is None else total + term
    return PointHessian(total, tuple(left), tuple(right))


@dataclass(frozen=True)
class BatchHessian(Generic[N]):
    """The pointwise Hessian of a batch loss.

    Attributes:
        points: `[n]`, the Hessians of the training points.
        batch: how a batch is drawn.
    """

    points: tuple[PointHessian[N], ...]
    batch: Batch

    @cached_property
    def point_mean(self) -> Any:
        """Mean of `E[h_i]` over the training points, `hess R_n` less its kink term. `[k, k]`."""
        total = self.points[0].mean
        for point in self.points[1:]:
            total = total + point.mean
        return total / len(self.points)

    @property
    def mean(self) -> Any:
        """`E[H]`. `[k, k]`."""
        return self.point_mean * (1 if self.batch.reduction == "mean" else self.batch.size)

    def second(self, matrix: Any) -> Any:
        """`E[H S H]`. `[k, k]`."""
        return self._of_batch([point.second(matrix) for point in self.points], lambda a: a @ matrix)

    @property
    def square(self) -> Any:
        """`E[H^2]`, the second moment at the identity with half of its products. `[k, k]`."""
        return self._of_batch([point.square for point in self.points], lambda a: a)

    def _of_batch(self, seconds: list[Any], weighted: Callable[[Any], Any]) -> Any:
        """Second moment of a batch from those of the points, and from `A -> A S` for pairs."""
        size, n = self.batch.size, len(self.points)
        together = size * sum(seconds[1:], start=seconds[0]) / n
        if size > 1:
            pair = weighted(self.point_mean) @ self.point_mean
            if not self.batch.replacement:
                same = [weighted(point.mean) @ point.mean for point in self.points]
                pair = (n * n * pair - sum(same[1:], start=same[0])) / (n * (n - 1))
            together = together + size * (size - 1) * pair
        return together / (size * size) if self.batch.reduction == "mean" else together


def batch_hessian(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    batch: Batch,
    parameters: tuple[Parameter, ...] = PAPER_PARAMETERS,
) -> BatchHessian[N]:
    """The pointwise Hessian of the batch loss, in any number system with exact closed moments.

    Args:
        ns: number system.
        sample: training points and noise level.
        network: the network.
        batch: size, sum or mean, with or without replacement.
        parameters: trained groups.

    Source: D-sgd and D-stable, pp. 5-6.
    """
    hessians = [
        point_hessian(ns, sample, network, index, parameters) for index in range(sample.size)
    ]
    return BatchHessian(tuple(hessians), batch)


def _cross(ns: Numbers[N], parameters: tuple[Parameter, ...], with_outer: dict[str, Any]) -> Any:
    """Symmetric matrix whose only blocks couple the outer weights with another group."""
    zero = 0 * with_outer["bias"]
    rows: list[Any] = []
    for first in parameters:
        blocks = []
        for second in parameters:
            other = second if first == "outer" else first
            coupled = (first == "outer") != (second == "outer")
            blocks.append(with_outer[other] if coupled else zero)
        rows.append(ns.concatenate(blocks).T)
    stacked: Any = ns.concatenate(rows)
    return stacked.T


def _outer(first: Any, second: Any) -> Any:
    return first[:, None] * second[None, :]

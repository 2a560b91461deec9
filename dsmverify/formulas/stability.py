"""Second moments of the stochastic Hessian, for the linearised updates around a minimum.

The update is `theta - m eta (grad + H (theta - theta*))` with H the pointwise Hessian of the batch
loss, `h_i(y) = 2 (grad s grad s^T + f hess s)` summed (or averaged) over the batch. On one piece of
the network the features are linear in z and f is linear, so `h = Q0 + Q1 z + Q2 z^2` and `E[h^2]`
needs truncated normal moments up to order four. The Dirac part of `hess R_n` is not in h: that a
pointwise Hessian exists almost surely does not make its mean the Hessian of the mean.

Small networks only: work grows as n m^4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dsmverify.formulas.network import pieces
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers, inverse_order


def normal_power_moments(ns: Numbers[N], cuts: N, order: int, count: int) -> list[N]:
    """`E[Z^k ; piece]`, k = 0..order, for the pieces between cuts. Each `[count + 1]`.

    `M_k = (k - 1) M_{k-2} + a^(k-1) phi(a) - b^(k-1) phi(b)`.

    Source: derivations/truncated_moments.py.
    """
    zero = ns.constant(np.zeros(1, dtype=int))
    one = ns.constant(np.ones(1, dtype=int))
    upper = ns.erfc(cuts / ns.root(ns.constant(2), 2)) / 2
    tails = ns.concatenate((one, upper, zero))
    power = ns.exp(-(cuts * cuts) / 2) / ns.root(2 * ns.pi, 2)
    moments = [tails[: count + 1] - tails[1:]]
    for degree in range(1, order + 1):
        flow = ns.concatenate((zero, power, zero))
        moment = flow[: count + 1] - flow[1:]
        if degree > 1:
            moment = moment + (degree - 1) * moments[degree - 2]
        moments.append(moment)
        power = power * cuts
    return moments


def point_hessian_moments(
    ns: Numbers[N], sample: Sample[N], network: Network[N], index: int
) -> tuple[Any, Any]:
    """`E[h_i]` and `E[h_i^2]` for one training point. Two `[2m, 2m]`, outer weights then biases.

    Source: D-stable, p. 6.
    """
    m = network.width
    mean = sample.mu * sample.points[index]
    cuts = (network.kinks - mean) / sample.sigma
    moments = normal_power_moments(ns, cuts, 4, m)
    parts = pieces(ns, network)
    place = inverse_order(network.order)
    kink = network.kinks[place]
    sign = ns.constant(network.signs[place])
    scale = ns.absolute(network.inner)
    zeros = ns.constant(np.zeros(m, dtype=int))
    eye = ns.constant(np.eye(m, dtype=int))
    first: Any = ns.constant(np.zeros((2 * m, 2 * m), dtype=int))
    second: Any = first
    for piece in range(m + 1):
        reference = piece - 1 if piece else 0
        level = parts.values[reference] + parts.slopes[piece] * (mean - network.kinks[reference])
        tilt = sample.sigma * parts.slopes[piece] + 1 / sample.sigma
        is_active = ns.constant((place < piece) == (network.signs[place] > 0))
        base = is_active * scale * sign * (mean - kink) / m
        steep = is_active * scale * sign * sample.sigma / m
        constant_part = ns.concatenate((base, is_active * network.outer / m))
        linear_part = ns.concatenate((steep, zeros))
        corner = eye * is_active / m
        zero_block = 0 * corner
        mixed = ns.concatenate(
            (ns.concatenate((zero_block, corner)).T, ns.concatenate((corner, zero_block)).T)
        ).T
        quadratic: list[Any] = [
            2 * (_outer(constant_part, constant_part) + level * mixed),
            2 * (_outer(constant_part, linear_part) + _outer(linear_part, constant_part))
            + 2 * tilt * mixed,
            2 * _outer(linear_part, linear_part),
        ]
        for low, left in enumerate(quadratic):
            first = first + left * moments[low][piece]
            for high, right in enumerate(quadratic):
                second = second + (left @ right) * moments[low + high][piece]
    return first, second


def batch_hessian_moments(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    batch: tuple[int, bool, bool],
) -> tuple[Any, Any]:
    """`E[H]` and `E[H^2]` of the batch loss's pointwise Hessian. Two `[2m, 2m]`.

    Args:
        ns: number system.
        sample: training points and noise level.
        network: the network.
        batch: size of the batch, whether it is averaged, whether points are drawn with replacement.

    Source: D-sgd and D-stable, pp. 5-6.
    """
    size, is_mean, with_replacement = batch
    n = sample.size
    means, squares = point_hessian_moments(ns, sample, network, 0)
    crossed = means @ means
    for index in range(1, n):
        first, second = point_hessian_moments(ns, sample, network, index)
        means, squares, crossed = means + first, squares + second, crossed + first @ first
    pairs = means @ means
    if with_replacement:
        together = size * (size - 1) * pairs / (n * n)
    else:
        together = size * (size - 1) * (pairs - crossed) / (n * (n - 1))
    mean, square = size * means / n, size * squares / n + together
    return (mean / size, square / (size * size)) if is_mean else (mean, square)


def _outer(first: N, second: N) -> N:
    return first[:, None] * second[None, :]

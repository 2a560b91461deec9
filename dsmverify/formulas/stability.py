"""Truncated moments of the normal law, for the Hessian of one draw's loss.

`dsmverify.batch_hessians` makes the second moments of linearised SGD of them.
"""

from __future__ import annotations

import numpy as np

from dsmverify.numbers import N, Numbers


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

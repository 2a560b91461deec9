"""A sample and a network, written in one number system.

| letter | here | meaning |
|---|---|---|
| x_i | `points` | training points, ascending |
| mu, sigma | `mu`, `sigma` | noise level: Y = mu x_i + sigma xi |
| w1, b, w2 | `inner`, `bias`, `outer` | s(y) = (1/m) sum_l w2_l relu(w1_l y + b_l) |
| tau_l | `kinks` | -b_l / w1_l, ascending |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.numbers import Integers, N


@dataclass(frozen=True)
class Sample(Generic[N]):
    """Training points and noise level.

    Attributes:
        points: `[n]`, ascending.
        mu: scale of the data in the noised point.
        sigma: standard deviation of the noise.
        size: n.
    """

    points: N
    mu: N
    sigma: N
    size: int


@dataclass(frozen=True)
class Network(Generic[N]):
    """Two-layer ReLU network `s(y) = (1/m) sum_l outer_l relu(inner_l y + bias_l)`.

    Attributes:
        inner: `[m]`, non-zero.
        bias: `[m]`.
        outer: `[m]`.
        kinks: `[m]`, the kinks -bias/inner in ascending order.
        order: `[m]`, neuron that owns each sorted kink.
        signs: `[m]`, sign of the inner weight of each sorted kink's neuron.
        position: `[n]`, number of kinks left of each noised mean `mu x_i`.
        group: `[m]`, number of the distinct kink that each sorted kink merges into.
        width: m.
    """

    inner: N
    bias: N
    outer: N
    kinks: N
    order: Integers
    signs: Integers
    position: Integers
    group: Integers
    width: int

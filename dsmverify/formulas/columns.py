"""The kernel between training points: gradients at two of them under one noise.

| letter | here | meaning |
|---|---|---|
| xi | | noise, N(0, sigma^2) |
| Phi(xi) | | columns grad s_theta(xi + mu x_i), i = 1..n |
| a_l, b_l | `far`, `near` | distances of mu x_i, mu x_j from kink l along its side |

`E[Phi^T Phi]` is n by n, `E[Phi Phi^T]` is 2m by 2m. For one xi the two products have the same
largest eigenvalue; their means do not.
"""

from __future__ import annotations

from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers


def kernel_columns(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`(1/n) E[Phi(xi)^T Phi(xi)]`, inner weights +-1. `[n, n]`.

    A neuron adds `E[(a + zeta)(b + zeta) + w2^2 ; zeta > -min(a, b)]` over m^2, with
    `a = w1 (mu x_i - tau)`, `b = w1 (mu x_j - tau)` and zeta the noise along its side. With
    `c = min(a, b)` and `u = c/sigma` that is
    `(a b + sigma^2 + w2^2) P(zeta > -c) + sigma (a + b - c) phi(u)`.

    Source: prop10, p. 20.
    """
    signs = ns.constant(network.signs)
    outer = network.outer[network.order]
    along = signs * (sample.mu * sample.points[:, None] - network.kinks)
    a, b = along[:, None, :], along[None, :, :]
    least = -ns.maximum(-a, -b)
    u = least / sample.sigma
    active = ns.erfc(-u / ns.root(ns.constant(2), 2)) / 2
    density = ns.exp(-(u * u) / 2) / ns.root(2 * ns.pi, 2)
    mean = (a * b + sample.sigma * sample.sigma + outer * outer) * active
    mean = mean + sample.sigma * (a + b - least) * density
    return ns.sum(mean) / (sample.size * network.width * network.width)

"""The Hessian of the risk as the paper prints it, its error included.

The first two terms agree with the derived Hessian without its kink term; the third, at the kinks,
carries the printed sign. For inner weights +-1 only, as printed.

| letter | here | meaning |
|---|---|---|
| tau_l | `network.kinks` | kinks, sorted |
| f_i | | s_theta(tau) + (tau - mu x_i)/sigma^2 |
"""

from __future__ import annotations

import numpy as np

from dsmverify.formulas.curvature import hessian
from dsmverify.formulas.risk import geometry
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers, inverse_order


def printed_kink_term(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """Printed third term, its diagonal in the biases, by neuron. `[m]`.

    `-(sqrt 2/(sqrt(pi) m n sigma)) sum_i w2 w1 (s_theta(tau) + (tau - mu x_i)/sigma^2)
    exp(-(tau - mu x_i)^2/(2 sigma^2))`.

    Args:
        ns: number system.
        sample: training points and noise level.
        network: inner weights +-1.

    Source: eq. 15, p. 26.
    """
    seen = geometry(ns, sample, network)
    residuals = seen.parts.values + seen.z / sample.sigma
    terms = residuals * ns.exp(-(seen.z * seen.z) / 2)
    width = ns.root(ns.pi, 2) * sample.sigma * (network.width * sample.size)
    sums = ns.root(ns.constant(2), 2) / width * ns.sum(terms, axis=0)
    by_neuron = sums[inverse_order(network.order)]
    return -(network.outer * network.inner * by_neuron)


def printed_hessian(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`hess R_n(theta)` by the printed equations. `[2m, 2m]`, outer weights, then biases.

    Source: eqs. 15-16, p. 26.
    """
    m = network.width
    index = np.arange(2 * m)
    diagonal = ns.constant(index[:, None] == index[None, :])
    zeros = ns.constant(np.zeros(m, dtype=int))
    kink_term = ns.concatenate((zeros, printed_kink_term(ns, sample, network)))
    return hessian(ns, sample, network, boundary=False) + diagonal * kink_term

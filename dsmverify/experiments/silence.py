"""Networks whose score is flat on a side of the data: no neuron that bends it is active there.

Dead sides are how a large rate fails: where no neuron is active the gradient of every neuron is 0,
and the score stays 0 (or the output bias) while s* grows linearly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.settings import Ensemble, Networks

REACH = 2.0
"""A side ends so many sigmas beyond the outermost mean, and 95 % of that point's draws there
are nearer.

`measures.Measures.silent` looks as far as any draw can ever come; a neuron that is active at five
sigmas only does not help the score."""


def flat_sides(ensemble: Ensemble, networks: Networks) -> NDArray[np.bool_]:
    """Whether the score is constant between the outermost mean and `REACH` sigmas beyond it.

    Args:
        ensemble: d = 1.
        networks: its networks.

    Returns:
        `[E, 2]`, left and right; exact up to the rounding of `w1 y + b`; False for a network that
        has diverged.
    """
    found = np.zeros((networks.count, 2), dtype=bool)
    for e, problem in enumerate(ensemble.problems):
        if networks.diverged[e] >= 0:
            continue
        w1, b, w2 = (
            array[e].astype(np.float64).reshape(-1)
            for array in (networks.inner, networks.bias, networks.outer)
        )
        means = problem.mu * problem.points
        low, high = float(means.min()), float(means.max())
        reach = REACH * problem.sigma
        bends = w1 * w2 != 0
        for side, ends in enumerate(((low - reach, low), (high, high + reach))):
            # A neuron is active somewhere on an interval when it is so at one of its ends.
            active = np.maximum(w1 * ends[0] + b, w1 * ends[1] + b) > 0
            found[e, side] = not (active & bends).any()
    return found

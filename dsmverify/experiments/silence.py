"""Networks whose score is flat on a side of the data: no neuron that bends it is active there.

A side on which nothing is learnt is how a large rate fails: the score stays 0 there (or the output
bias) while s* grows linearly. Three definitions are in use:

no kink
    No neuron that bends the score has its kink on the side; the score may be linear there, and
    learn. `measures.Measures.unbent`; the usual sense of a dead side.
flat
    No such neuron is active between the outermost mean and `REACH` = 2 sigmas beyond it: the score
    is constant there. `flat_sides`, here: figures 1 and 2, and the critical rate. Draws come from
    farther out as well, so that gradients are small and not 0: such a side can come back.
silent
    No such neuron is active as far as any draw comes, 6.76 sigmas beyond the outermost mean: draws
    there give none of them a gradient. `measures.Measures.silent`.

A silent side has no kink and is flat; a flat one has no kink within its 2 sigmas.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.settings import Ensemble, Networks

Floats = NDArray[np.float64]

REACH = 2.0
"""A flat side is looked at up to so many sigmas beyond the outermost mean: of that point's draws
beyond its mean 95 % are nearer. A neuron that is active at five sigmas only does not help the
score."""


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


def flat_share(flat: Floats, values: Floats) -> float:
    """Part of the runs that did not diverge which have a flat side; NaN where all diverged. Exact.

    Args:
        flat: `[runs]`, 1 for a run with a flat side.
        values: `[runs]`, excess risks; infinity for a run that diverged.
    """
    alive = np.isfinite(values)
    return float(flat[alive].mean()) if alive.any() else math.nan

"""Local optimisation of the slack, from good starts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import optimize

from dsmverify.errors import DsmverifyError
from dsmverify.instance import Instance
from dsmverify.search.genome import Floats, Genome
from dsmverify.search.slack import NOTHING, Measured, Slack

MOST_DIMENSIONS: Final = 60
"""Instances of more free numbers are moved in random directions instead of on a simplex."""

STEP: Final = 0.3
"""Size of the first simplex, in logarithms."""

TARGET: Final = -0.01
"""A slack below this is clear enough; the descent stops."""

Found = Callable[[Instance, Measured], None]


class Stop(Exception):
    """Raised inside an objective when there is nothing more to gain."""


def descend(
    slack: Slack, start: Instance, evaluations: int, generator: np.random.Generator, found: Found
) -> None:
    """Make the slack small near a start; every instance that looks false is reported.

    Args:
        slack: of the claim.
        start: where to begin.
        evaluations: at most so many are spent.
        generator: of the first simplex, or of the directions.
        found: called with each new best instance whose slack is negative.
    """
    genome = Genome(start)
    try:
        origin = genome.encode()
    except (OverflowError, ValueError):
        return
    limit = slack.evaluations + evaluations
    best = math.inf

    def objective(vector: Floats) -> float:
        nonlocal best
        if slack.evaluations >= limit:
            raise Stop
        try:
            instance = genome.decode(vector.tolist())
        except (ArithmeticError, DsmverifyError, ValueError):
            return NOTHING
        measured = slack(instance)
        if measured.value < best:
            best = measured.value
            if best < 0:
                found(instance, measured)
                if best < TARGET:
                    raise Stop
        return measured.value

    try:
        if len(origin) <= MOST_DIMENSIONS:
            _simplex(objective, origin, generator, evaluations)
        else:
            _directions(objective, origin, generator)
    except Stop:
        return


def _simplex(
    objective: Callable[[Floats], float],
    origin: Floats,
    generator: np.random.Generator,
    evaluations: int,
) -> None:
    corners = np.vstack([origin, origin + STEP * generator.standard_normal((len(origin),) * 2)])
    options = {
        "initial_simplex": corners,
        "adaptive": True,
        "maxfev": evaluations,
        "xatol": 1e-10,
        "fatol": 1e-12,
    }
    optimize.minimize(objective, origin, method="Nelder-Mead", options=options)


def _directions(
    objective: Callable[[Floats], float], origin: Floats, generator: np.random.Generator
) -> None:
    """Random directions with steps that grow on success and shrink on failure."""
    here, value, step = origin, objective(origin), STEP
    while step > 1e-9:
        move = generator.standard_normal(len(here)) * (generator.random(len(here)) < 0.2)
        other = objective(here + step * move)
        if other < value:
            here, value, step = here + step * move, other, 2 * step
        else:
            step *= 0.95

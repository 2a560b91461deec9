"""The fixed point in float64, on grids of parameters at once.

The map T of the fixed point is increasing and concave in `(delta_1, delta_2)`, as the limit of
`1/(1 + tr Sigma (U + lam)^{-1}/n)` with U affine in delta. So Newton's method for
`delta = T(delta)` goes down from `delta = 1` without ever passing the fixed point, and never slower
than the plain iteration, which needs 10^5 steps near `p = n m` at small ridge. No start has to be
guessed and no step has to be tried twice. All steps are formed without cancellation (see
`formulas.random_features.linearise`), so delta is right to rounding times the conditioning of the
problem, however small it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.formulas.random_features import (
    Parameters,
    Spectrum,
    State,
    damping,
    isotropic_resolvent,
    linear_strength,
    linearise,
    state,
    total_shift,
)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNIT = 2.0**-53
"""Unit roundoff."""

STEPS = 400
"""More than Newton's method takes anywhere: about one for each halving of delta, ten more."""

SETTLED = 1e-9
"""Relative size of a step after which one more squares it away."""

RESIDUAL = 64 * UNIT
"""Largest relative residual of a solution; T takes some 30 roundings of positive terms."""

NOISE = 16 * UNIT
"""Residual that is rounding only, so that further steps would only wander."""

MOST_AMPLIFIED = 1e-2 / UNIT
"""How much relative errors of the equations may be amplified in delta. Beyond it less than two
digits are right: float64 can hardly tell on which side of `p = n m` the point lies."""

INNER_STEPS = 200


@dataclass(frozen=True)
class Solution:
    """The fixed point on a grid.

    Attributes:
        delta: delta_1 and delta_2, each `[points]`, relative error that of a backward-stable
            solution. NaN where the method did not settle.
        resolvent: H, `[points]`; None with a single atom, where it is a function of delta.
        settled: `[points]`, whether the residual is at rounding level.
        steps: Newton steps taken at the slowest point.
    """

    delta: tuple[Floats, Floats]
    resolvent: Floats | None
    settled: Mask
    steps: int


def solve(parameters: Parameters[Any]) -> Solution:
    """The largest solution of `delta = T(delta)`; it is the only positive one.

    Result: approximate; see the module on its error.

    Args:
        parameters: a grid, every number `[points]`; atoms, if any, `[atoms, 1]`.

    Source: random-features.md, section 4; own proof of monotone convergence in the module.
    """
    count = np.shape(parameters.psi_p)[0]
    delta = np.ones((2, count))
    settled = np.zeros(count, dtype=bool)
    several = parameters.spectrum.weights is not None
    resolvent = np.full(count, np.nan) if several else None
    places, part = np.arange(count), parameters
    here, inner = delta.copy(), None
    ready = np.zeros(count, dtype=bool)
    steps = 0
    with np.errstate(all="ignore"):
        while places.size and steps < STEPS:
            steps += 1
            at = _state(part, here, inner)
            images = np.stack([1 / damping(at, k) for k in range(2)])
            error = np.max(np.abs(here - images) / here, axis=0)
            finished = (error <= NOISE) | (ready & (error <= RESIDUAL))
            inverse = linearise(at, (images[0], images[1])).inverse
            hopeless = finished & ~(_amplification(inverse, here) <= MOST_AMPLIFIED)
            if finished.any():
                delta[:, places[finished]] = here[:, finished]
                settled[places[finished & ~hopeless]] = True
                if resolvent is not None:
                    resolvent[places[finished]] = at.resolvent[finished]
            moved = _moved(inverse, here, images)
            size = np.max(np.abs(here - moved) / moved, axis=0)
            keep = ~finished & np.isfinite(size)
            ready = size <= SETTLED
            here = moved
            if several:
                inner = at.resolvent
            if not keep.all():
                places, here, ready = places[keep], here[:, keep], ready[keep]
                part = chosen(part, keep)
                inner = None if inner is None else inner[keep]
    delta[:, ~settled] = np.nan
    return Solution((delta[0], delta[1]), resolvent, settled, steps)


Inverse = tuple[tuple[Any, Any], tuple[Any, Any]]


def _moved(inverse: Inverse, here: Floats, images: Floats) -> Floats:
    """One Newton step down; the plain iteration's where rounding makes Newton's overshoot."""
    (b11, b12), (b21, b22) = inverse
    gap = here - images
    step = np.stack([b11 * gap[0] + b12 * gap[1], b21 * gap[0] + b22 * gap[1]])
    moved = here - step
    return np.where(moved > 0, moved, images)


def _amplification(inverse: Inverse, delta: Floats) -> Floats:
    """By how much relative errors of T come out larger in delta. `[points]`."""
    (b11, b12), (b21, b22) = inverse
    ratio = delta[1] / delta[0]
    return np.asarray(np.maximum(b11 + b12 * ratio, b22 + b21 / ratio))


def _state(parameters: Parameters[Any], delta: Floats, start: Floats | None) -> State[Any]:
    pair = (delta[0], delta[1])
    if parameters.spectrum.weights is None:
        return state(parameters, pair)
    return state(parameters, pair, resolvent_over(parameters, pair, start))


def resolvent_over(
    parameters: Parameters[Any], delta: tuple[Floats, Floats], start: Floats | None = None
) -> Floats:
    """H with several atoms: the root of `S H + int A H/(1 + A H) = psi_p`.

    The left side is concave and increasing, and by Jensen the root for the mean of A lies below;
    from there Newton's method rises to the root without passing it. A start above the root is put
    below by the first step, or is not used.

    Result: approximate, relative error about 1e-15.

    Args:
        parameters: a grid.
        delta: delta_1, delta_2, `[points]`.
        start: where the search may start instead, `[points]`.
    """
    linear, shift = linear_strength(parameters, delta), total_shift(parameters, delta)
    mean = parameters.spectrum.mean
    lowest = isotropic_resolvent(parameters.ns, parameters.psi_p, mean(linear), shift)
    value = lowest if start is None else np.maximum(lowest, start)
    for _ in range(INNER_STEPS):
        ratio = 1 / (1 + linear * value)
        left = shift * value + mean(linear * ratio) * value
        slope = shift + mean(linear * ratio * ratio)
        moved = np.maximum(value + (parameters.psi_p - left) / slope, lowest)
        step = np.max(np.abs(moved - value) / moved, initial=0.0)
        value = moved
        if not step > SETTLED * SETTLED + 8 * UNIT:
            break
    return np.asarray(value)


def chosen(parameters: Parameters[Any], keep: Any) -> Parameters[Any]:
    """The points of a grid at some places."""
    law: Spectrum[Any] = parameters.spectrum
    fields = {
        name: getattr(parameters, name)[keep]
        for name in (
            "psi_n",
            "psi_p",
            "signal",
            "noise",
            "inverse_copies",
            "ridge",
            "linear",
            "shared",
            "fresh",
            "unit",
        )
    }
    return replace(parameters, spectrum=law, **fields)

"""Moments of an activation as curves need them: on time grids, in balls, and slopes in time.

For linear activations the nonlinear moments are 0 exactly, whatever quadrature says.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from dsmverify.curves.activations import Activation
from dsmverify.formulas.activations import Moments, moments
from dsmverify.numbers import Numbers
from dsmverify.systems.balls import SYSTEM as BALLS
from dsmverify.systems.balls import ball
from dsmverify.systems.dual import Duals
from dsmverify.systems.float64 import SYSTEM as FLOAT64

Floats = NDArray[np.float64]


def float_moments(activation: Activation, time: Floats) -> Moments[Any]:
    """Moments at each time, worked out once for each that differs; fields `[points]`.

    Result: approximate, relative error about 1e-14 at most.

    Args:
        activation: the activation.
        time: `[points]`, positive.
    """
    distinct, places = np.unique(time, return_inverse=True)
    found = activation.moments(distinct)
    spread = {
        name: (np.asarray(getattr(found, name)) + np.zeros_like(distinct))[places]
        for name in Moments.__dataclass_fields__
    }
    if activation.is_linear:
        for name in ("nonlinear", "shared", "fresh"):
            spread[name] = np.zeros_like(time)
    return Moments(**spread)


def enclosed_moments(activation: Activation, time: Fraction) -> Moments[Any]:
    """Moments at one time, enclosed at the working precision, and kept.

    Args:
        activation: the activation.
        time: positive.
    """
    found = activation.enclose_moments(time)
    if activation.is_linear:
        return replace(found, nonlinear=arb(0), shared=arb(0), fresh=arb(0))
    return found


def has_slope(activation: Activation) -> bool:
    """Whether derivatives by time are known: by closed forms, or by a Hermite series."""
    return activation.closed or activation.is_linear or not activation.function.kinks


def shared_slope(activation: Activation, time: Floats) -> Floats:
    """`d v0^2/dt = -2 sum_{k>=2} k c_k^2 e^{-2kt}`; s^2 moves by the opposite. `[points]`.

    Result: approximate, relative error about 1e-14.

    Args:
        activation: one that `has_slope`.
        time: `[points]`, positive.
    """
    if activation.is_linear:
        return np.zeros_like(time)
    if activation.closed:
        return np.asarray(_closed_slope(FLOAT64, activation.name, time)) + np.zeros_like(time)
    distinct, places = np.unique(time, return_inverse=True)
    c = np.exp(-2 * distinct)
    total, power = np.zeros_like(c), c.copy()
    for k, square in enumerate(_squares(activation)[1:], start=2):
        power = power * c
        total = total - 2 * k * square * power
    return np.asarray(total[places])


def enclosed_shared_slope(activation: Activation, time: Fraction) -> arb:
    """`d v0^2/dt`; an enclosure at the working precision.

    The rest of a series is at most its tail times `2 max_k k e^{-2kt} = 1/(e t)`.

    Args:
        activation: one that `has_slope`.
        time: positive.
    """
    if activation.is_linear:
        return arb(0)
    t = ball(time)
    if activation.closed:
        slope: arb = _closed_slope(BALLS, activation.name, t)
        return slope
    series = activation.series()
    c = (-2 * t).exp()
    total, power = arb(0), c
    for k, coefficient in enumerate(series.coefficients[2:], start=2):
        power = power * c
        total = total - 2 * k * coefficient * coefficient * power
    return total - series.tail * arb(0).union(1 / (arb(1).exp() * t))


def _closed_slope(ns: Numbers[Any], name: str, time: Any) -> Any:
    duals: Duals[Any] = Duals(ns, 1)
    a, c = ns.exp(-time), ns.exp(-2 * time)
    found = moments(
        duals, name, duals.variable(a, 0, -a), duals.variable(-ns.expm1(-2 * time), 0, 2 * c)
    )
    slope = found.shared.tangents[0]
    return 0 * a if slope is None else slope


@lru_cache(maxsize=64)
def _squares(activation: Activation) -> Any:
    return activation.series().floats()[1]

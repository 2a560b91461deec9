"""The integrals of `equally_spaced` in float64: fast, approximate, and checked against balls.

Values on the grid of the explorer come from here. Nothing is claimed of them: what the page states
is how far the interpolation was found from certified enclosures (`make_grids`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dsmverify import order
from dsmverify.systems import float64

from .equally_spaced import EquallySpaced

Floats = NDArray[np.float64]

CELLS = 48
"""Cells in a gap, and as many beyond the last mean."""

NODES = 10
"""Gauss-Legendre nodes in a cell."""

FAR = 45.0
"""Where ratios have fallen to exp(-45), the rest is not integrated."""

GAUSSIAN_TAIL = 14.0
"""Noise levels beyond the last mean after which p is below exp(-98)."""

BISECTIONS = 60


def values(size: int, kappa: float) -> dict[str, float]:
    """Logarithms of the four scaled integrals, approximate: relative error about 1e-12.

    Args:
        size: n.
        kappa: spacing ratio mu Delta/sigma, between 1e-3 and 1e4.

    Returns:
        By name, the logarithm with its leading part taken off: `ln E[v] + kappa^2/8` (variance),
        `ln E[v^2] + kappa^2/8` (squared variance), `ln (mass/kappa^2)` and `ln (TV/kappa^3)`.
    """

    def third(u: Floats) -> Floats:
        return _moments(u, size, kappa)[2]

    last = (size - 1) / 2 * kappa
    cuts = _split(_cuts(size, kappa), third)
    nodes, shares = _rule(cuts[:-1], cuts[1:])
    log_density, spread, cube = _moments(nodes, size, kappa)
    # exp(kappa^2/8) p v: p and exp(kappa^2/8) can leave the range of doubles, the product does not.
    with np.errstate(divide="ignore"):
        density = log_density + np.log(spread) + kappa**2 / 8
    found = {
        "variance": 2 * np.sum(shares * np.exp(density)),
        "squared_variance": 2 * np.sum(shares * np.exp(density) * spread),
        "mass": 2 * kappa * np.sum(shares * np.abs(cube)),
    }
    inside = nodes < last
    weight = _weight(nodes[inside], size, kappa)
    weighted = shares[inside] * np.abs(cube[inside]) * weight
    found["variation"] = 2 * kappa * np.sum(weighted)
    return {name: float(np.log(value)) for name, value in found.items()}


def _cuts(size: int, kappa: float) -> Floats:
    """Cells on the right half: dense where the posterior switches, and on to the tail."""
    means: Floats = np.asarray((np.arange(size) - (size - 1) / 2) * kappa, dtype=np.float64)
    parts: list[Floats] = [np.zeros(1)]
    reach = min(kappa / 2, FAR / kappa)
    unit = np.linspace(-1, 1, CELLS + 1)
    for i in range(size // 2, size):
        middle = means[i] - kappa / 2
        parts += [middle + reach * unit, means[i : i + 1]]
    parts.append(means[-1] + np.linspace(0, GAUSSIAN_TAIL, CELLS // 2 + 1))
    ratio = math.log(1 + FAR / (kappa * GAUSSIAN_TAIL))
    growing = np.exp(np.linspace(0, ratio, 1 + math.ceil(6 * ratio)))
    parts.append(means[-1] + GAUSSIAN_TAIL * growing)
    found = np.unique(np.concatenate(parts))
    return np.asarray(found[found >= 0])


def _rule(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    points, shares = float64.legendre_rule(NODES)
    width = (high - low)[:, None]
    return (low[:, None] + width * points).ravel(), (width * shares).ravel()


def _moments(u: Floats, size: int, kappa: float) -> tuple[Floats, Floats, Floats]:
    """`ln p`, v and m3 at every u.

    Between two means a point k steps from the nearest has a ratio of at most exp(-k (k-1)
    kappa^2/2), beyond the last mean a smaller one: those below exp(-60) are left out.
    """
    anchor = np.clip(np.rint(u / kappa + (size - 1) / 2), 0, size - 1)
    reach = min(size - 1, math.ceil(0.5 + math.sqrt(0.25 + 120 / kappa**2)))
    t = u - (anchor - (size - 1) / 2) * kappa
    steps = np.arange(-reach, reach + 1)
    index = anchor[:, None] + steps
    is_there = (index >= 0) & (index < size)
    exponent = kappa * steps * (t[:, None] - kappa * steps / 2)
    ratio = np.exp(np.where(is_there, exponent, -np.inf))
    total = ratio.sum(axis=1)
    alpha = ratio / total[:, None]
    away = steps - (alpha @ steps)[:, None]
    square = away * away
    spread = np.einsum("ij,ij->i", alpha, square)
    cube = np.einsum("ij,ij,ij->i", alpha, square, away)
    return np.log(total) - t * t / 2 - math.log(size * math.sqrt(2 * math.pi)), spread, cube


def _split(cuts: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """The cuts, and the zeros of a function between them."""
    # Zeros at cuts themselves (midpoints, by symmetry) are told apart by looking inside the cells.
    inner = (cuts[:-1] + cuts[1:]) / 2
    value = function(inner)
    change = np.flatnonzero(value[:-1] * value[1:] < 0)
    low, high, at_low = inner[change], inner[change + 1], value[change]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        same = function(middle) * at_low > 0
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.unique(np.concatenate([cuts, low]))


def _weight(u: Floats, size: int, kappa: float) -> Floats:
    """`pi/(mu Delta)`: each linear piece `f + a (x - low)` times a normal law around u/kappa.

    In closed form, which cancels to about 1e-14 of the largest value: enough here.
    """
    exact = order.weight_pieces(EquallySpaced(size, Fraction(1)).points)
    total = np.zeros_like(u)
    for low, high, start, slope in zip(
        exact.cuts[:-1], exact.cuts[1:], exact.value, exact.slope, strict=True
    ):
        left, right = float(low) * kappa - u, float(high) * kappa - u
        level = float(start) * kappa - float(slope) * left
        mass = special.ndtr(right) - special.ndtr(left)
        edge = np.exp(-right * right / 2) - np.exp(-left * left / 2)
        total += level * mass - float(slope) * edge / math.sqrt(2 * math.pi)
    return total / kappa

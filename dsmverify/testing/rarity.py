"""Neurons that are on so rarely that a few thousand draws of a risk or a gradient do not show it.

| letter | here | meaning |
|---|---|---|
| l | `neuron` | a neuron that is on, `w1_l y + b_l > 0`, in few draws |
| A | | the event that l is on |
| p | `chance` | its probability, over points and noise |
| G | | one term of the estimator: a point, its noise, and what they give |
| S | | `E (G - E G)^2 1_A`, the part of the variance that l carries |
| B | `batch_size` | terms of one draw X, independent |
| K | `kurtosis` | bound assumed on the kurtosis of X |

By the Cauchy-Schwarz inequality `E (G - E G)^4 >= S^2/p`, so G has at least the kurtosis
`S^2/(p (Var G)^2)`: `1/p` where l carries all. The mean of B terms keeps `1/B` of what is beyond 3.
Where that exceeds K, and the variance counts at all, the assumption behind the test is false, and a
pilot in which l is never on says nothing about it.

Source: own argument.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.formulas.risk import Parameter
from dsmverify.instance import Instance
from dsmverify.systems import load

Floats = NDArray[np.float64]

_NODES: Final = np.linspace(-38, 38, 3801)
"""Noise; beyond it a normal density is not a double."""

_WEIGHTS: Final = np.exp(-(_NODES**2) / 2) * (_NODES[1] - _NODES[0]) / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Rarity:
    """A neuron that breaks the assumption.

    Attributes:
        neuron: l.
        component: number of a component that it dominates.
        chance: p, that a single term has it on.
        kurtosis: lower bound on the kurtosis of a draw of that component.
    """

    neuron: int
    component: int
    chance: float
    kurtosis: float


def rarest(
    case: Instance,
    parameters: Sequence[Parameter] | None,
    batch_size: int,
    kurtosis: float,
    quiet: Floats,
) -> Rarity | None:
    """The neuron that breaks the assumption most, if any does.

    Args:
        case: sample and network.
        parameters: groups of the gradient; None for the risk.
        batch_size: B.
        kurtosis: K.
        quiet: `[k]`, variance of a mean over B terms that needs no bound on its kurtosis.

    Returns:
        Approximate numbers, within a tenth or so: by the trapezoidal rule across kinks.
    """
    mu, sigma = (float(value) for value in case.noise.values(load("float64")))
    points = np.array([float(x) for x in case.points])
    data: Any = case.network
    inner, bias, outer = (
        np.array([float(x) for x in part])
        for part in (data.inner_weights, data.biases, data.outer_weights)
    )
    with np.errstate(all="ignore"):
        heights = (mu * points[:, None] * inner + bias) / (np.abs(inner) * sigma)
        chances = np.mean([[_tail(-h) for h in row] for row in heights], axis=0)
        rare = np.flatnonzero((chances > 0) & (chances * batch_size * kurtosis < 1))
        if not rare.size:
            return None
        mean, square = np.zeros(len(quiet)), np.zeros(len(quiet))
        part_mean, part_square = np.zeros((2, len(rare), len(quiet)))
        for x in points:
            y = (mu * x + sigma * _NODES)[:, None]
            before = y * inner + bias
            on, hidden = before > 0, np.maximum(before, 0)
            residual = (hidden @ outer / len(outer) + _NODES / sigma)[:, None]
            slopes = {"outer": hidden, "bias": outer * on, "inner": outer * on * y}
            terms = residual**2
            if parameters is not None:
                terms = np.concatenate([slopes[name] for name in parameters], axis=1)
                terms = 2 / len(outer) * residual * terms
            share = _WEIGHTS / len(points)
            part = (on[:, rare] * share[:, None]).T
            mean += share @ terms
            square += share @ terms**2
            part_mean += part @ terms
            part_square += part @ terms**2
        variance = square - mean**2
        chance = chances[rare][:, None]
        carried = part_square - 2 * mean * part_mean + mean**2 * chance
        least = 3 + ((carried / variance) ** 2 / chance - 3) / batch_size
        least[:, ~(variance > batch_size * quiet)] = 0
        least = np.nan_to_num(least, nan=0.0)
    where, component = np.unravel_index(int(np.argmax(least)), least.shape)
    if least[where, component] <= kurtosis:
        return None
    neuron = int(rare[where])
    return Rarity(neuron, int(component), float(chances[neuron]), float(least[where, component]))


def _tail(height: float) -> float:
    """Probability that a standard normal variable exceeds a height."""
    return math.erfc(height / math.sqrt(2)) / 2

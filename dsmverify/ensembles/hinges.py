"""A trained network as the data see it, written as a network that the exact formulas take.

| letter | here | meaning |
|---|---|---|
| k, c | | output scale and output bias: s_theta(y) = k sum_l w2_l relu(w1_l y + b_l) + c |
| L | `low` | mu x_1 - 40 sigma; no noised point lies left of it, as float64 sees the normal law |
| M | `network.width` | hinges of the equivalent network |

Between L and mu x_n + 40 sigma a neuron is silent, active with a kink, or active everywhere. Silent
ones are dropped. One that is active everywhere, an inner weight of 0 or a kink far away, say, is
the line `w1 (y - L) + (w1 L + b)`: a hinge at L with slope w1, and a constant. All constants and c
together are `v = (v/h) (y - L + h)_+ - (v/h) (y - L)_+` right of L, two hinges more. On the data
this is the same function, exactly; so any inner weight, scale and offset is measured by the
formulas of the theory, and no kink far away costs digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify import order
from dsmverify.ensembles.optimum import REACH, sample_of
from dsmverify.ensembles.settings import Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import Integers

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Parameters:
    """One network of d = 1 in float64, exactly as it is stored.

    Attributes:
        outer: `[m]`.
        bias: `[m]`.
        inner: `[m]`.
        offset: output bias.
        scale: k, the factor of the sum over neurons.
    """

    outer: Floats
    bias: Floats
    inner: Floats
    offset: float
    scale: float

    @property
    def is_finite(self) -> bool:
        """Whether no parameter is NaN or infinite."""
        arrays = self.outer, self.bias, self.inner, np.array(self.offset)
        return all(bool(np.isfinite(array).all()) for array in arrays)


def parameters_of(model: Model, networks: Networks, e: int) -> Parameters:
    """Parameters of one network in float64; float32 converts without rounding.

    Raises:
        InputError: the model has d > 1, or there is no network e.
    """
    if model.dimension != 1:
        raise InputError(
            "model.dimension",
            str(model.dimension),
            "exact measurements are for d = 1",
            "use dsmverify.ensembles.dimensions",
        )
    if not 0 <= e < networks.count:
        raise InputError(
            "e", str(e), f"there are {networks.count} networks", "give 0 or more, below that"
        )
    return Parameters(
        networks.outer[e, :, 0].astype(np.float64),
        networks.bias[e].astype(np.float64),
        networks.inner[e, :, 0].astype(np.float64),
        float(networks.offset[e, 0]),
        model.output_scale,
    )


@dataclass(frozen=True)
class Seen:
    """A piecewise linear function on the data, in the terms of the formulas.

    Attributes:
        sample: points in ascending order, and noise level.
        network: the equivalent network; its first hinges are `neurons`, in their order.
        neurons: `[hinges]`, numbers of the neurons that are active somewhere.
        is_bent: `[hinges]`, whether the neuron's own kink is there (otherwise it is active
            everywhere, and its hinge stands at L).
        kinks: `[M]`, place of each hinge; the last, which has no neuron, stands at L.
    """

    sample: Sample[Any]
    network: Network[Any]
    neurons: Integers
    is_bent: Flags
    kinks: Floats

    @property
    def low(self) -> float:
        """L."""
        return float(self.kinks[-1])


def ends(sample: Sample[Any], reach: float = REACH) -> tuple[float, float]:
    """`mu x_1 - reach sigma` and `mu x_n + reach sigma`."""
    means = sample.mu * sample.points[[0, -1]]
    return float(means[0] - reach * sample.sigma), float(means[1] + reach * sample.sigma)


def seen(problem: Problem, net: Parameters, marks: Sequence[float] = ()) -> Seen:
    """A network on the data.

    Args:
        problem: training points, d = 1, and noise level.
        net: finite parameters.
        marks: places where the equivalent network is to have a kink of height 0, so that pieces
            end there.

    Raises:
        InputError: the problem has d > 1.
    """
    sample = sample_of(problem)
    low, high = ends(sample)
    at_low, at_high = net.inner * low + net.bias, net.inner * high + net.bias
    neurons = np.flatnonzero(np.maximum(at_low, at_high) > 0)
    inner, bias, outer = net.inner[neurons], net.bias[neurons], net.scale * net.outer[neurons]
    at_low = at_low[neurons]
    bent = np.minimum(at_low, at_high[neurons]) < 0
    kinks = np.where(bent, -bias / np.where(bent, inner, 1.0), low)
    heights = outer * np.where(bent, np.abs(inner), inner)
    signs = np.where(bent & (inner < 0), -1, 1)
    constant = net.offset + float(np.sum((outer * at_low)[~bent]))
    kinks = np.concatenate((kinks, marks))
    heights = np.concatenate((heights, np.zeros(len(marks))))
    signs = np.concatenate((signs, np.ones(len(marks), dtype=signs.dtype)))
    network, places = _network(sample, (kinks, heights, signs), constant, low, high)
    return Seen(sample, network, neurons, bent, places)


def seen_vertices(
    problem: Problem,
    knots: Floats,
    values: Floats,
    slopes: tuple[float, float],
    marks: Sequence[float] = (),
) -> Seen:
    """The piecewise linear function through vertices, with given slopes beyond the outermost.

    Args:
        problem: training points, d = 1, and noise level.
        knots: `[k]`, strictly ascending.
        values: `[k]`.
        slopes: slope left of the first knot and right of the last.
        marks: as in `seen`.

    Raises:
        InputError: the problem has d > 1.
    """
    sample = sample_of(problem)
    low, high = ends(sample)
    every = np.concatenate(([slopes[0]], np.diff(values) / np.diff(knots), [slopes[1]]))
    jumps = np.diff(every)
    # The line that holds at L, and the knots right of it.
    beyond = knots > low
    first = int(np.argmax(beyond)) if beyond.any() else len(knots)
    anchor = min(first, len(knots) - 1)
    at_low = values[anchor] + every[first] * (low - knots[anchor])
    kinks = np.concatenate(([low], knots[beyond], marks))
    heights = np.concatenate(([every[first]], jumps[beyond], np.zeros(len(marks))))
    network, places = _network(
        sample, (kinks, heights, np.ones(len(kinks), dtype=np.intp)), float(at_low), low, high
    )
    none = np.zeros(0, dtype=np.intp)
    return Seen(sample, network, none, none.astype(bool), places)


def _network(
    sample: Sample[Any],
    hinges: tuple[Floats, Floats, Integers],
    constant: float,
    low: float,
    high: float,
) -> tuple[Network[Any], Floats]:
    """Hinges `heights (signs (y - kinks))_+` and a constant, with the padding appended."""
    step = high - low
    kinks = np.concatenate((hinges[0], [low - step, low]))
    heights = np.concatenate((hinges[1], [constant / step, -constant / step]))
    signs = np.concatenate((hinges[2], [1, 1]))
    width = len(kinks)
    sequence = np.argsort(kinks, kind="stable")
    ascending = kinks[sequence]
    network: Network[Any] = Network(
        inner=signs.astype(np.float64),
        bias=-signs * kinks,
        outer=width * heights,
        kinks=ascending,
        order=sequence,
        signs=signs[sequence],
        position=order.positions(ascending, sample.mu * sample.points),
        group=np.concatenate(([0], np.cumsum(ascending[1:] != ascending[:-1]))),
        width=width,
    )
    return network, kinks

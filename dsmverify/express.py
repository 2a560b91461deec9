"""An exact instance written in a number system: the objects that formulas take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from dsmverify import order
from dsmverify.formulas.setting import Network, Sample
from dsmverify.formulas.weight import WeightPieces
from dsmverify.instance import Instance
from dsmverify.numbers import Integers, N, Numbers


@dataclass(frozen=True)
class Places:
    """Where points lie among training points, kinks and weight cuts, as floats see them.

    Hints only: a wrong answer costs accuracy, never correctness. A sample far from 0 is seen from
    its first point, so that floats still tell its points apart.
    """

    origin: Fraction
    points: Sequence[float]
    cuts: Sequence[float]
    mu: float

    def nearest(self, y: Any) -> int:
        """Index from 0 of the training point nearest `y / mu`."""
        return int(order.nearest(self.points, self._from_origin(y)))

    def among_weight_cuts(self, y: Any) -> int:
        """How many cuts of the weight's pieces lie left of `y / mu`."""
        return int(order.positions(self.cuts, self._from_origin(y)))

    def _from_origin(self, y: Any) -> float:
        return as_float(y) / self.mu - float(self.origin)


def centred(instance: Instance) -> Instance:
    """The instance moved along the line so that its first point is 0, exactly for rational mu.

    The noised line moves by `mu x_1`, biases by `w1 mu x_1`; risks, gradients in outer weights and
    biases, Hessians and variations stay what they are. An irrational mu is taken to 300 bits here.
    """
    origin = instance.points[0]
    shift = _mu_to_300_bits(instance) * origin
    data = instance.network
    network = None
    if data is not None:
        biases = [b + w * shift for w, b in zip(data.inner_weights, data.biases, strict=True)]
        network = replace(data, biases=tuple(biases))
    return replace(
        instance,
        points=tuple(x - origin for x in instance.points),
        network=network,
        at=tuple(y - shift for y in instance.at),
    )


def _mu_to_300_bits(instance: Instance) -> Fraction:
    rational = instance.noise.rational_mu
    if rational is not None:
        return rational
    if instance.noise.time is not None:
        from mpmath import mp

        with mp.workprec(300):
            scale = mp.exp(-mp.mpf(instance.noise.time.numerator) / instance.noise.time.denominator)
            return Fraction(int(mp.nint(mp.ldexp(scale, 300))), 2**300)
    assert instance.noise.sigma is not None  # one of the three spellings
    square = (1 - instance.noise.sigma) * (1 + instance.noise.sigma)
    return Fraction(isqrt((square * 4**300).__floor__()), 2**300)


def as_float(y: Any) -> float:
    """A number of any system as a float: the middle of a ball; infinite where it overflows."""
    try:
        return float(y.mid() if hasattr(y, "mid") else y)
    except OverflowError:
        return math.inf if y > 0 else -math.inf


def sample(ns: Numbers[N], instance: Instance) -> Sample[N]:
    """Training points and noise level of an instance."""
    mu, sigma = instance.noise.values(ns)
    points = ns.constant(_objects(instance.points))
    return Sample(points, mu, sigma, len(instance.points))


def weight_pieces(ns: Numbers[N], points: Sequence[Fraction]) -> WeightPieces[N]:
    """Exact pieces of the weight of the total variation."""
    exact = order.weight_pieces(points)
    return WeightPieces(
        ns.constant(_objects(exact.cuts)),
        ns.constant(_objects(exact.value)),
        ns.constant(_objects(exact.slope)),
        len(exact.slope),
    )


def network(ns: Numbers[N], instance: Instance, mu: float | None = None) -> Network[N]:
    """The instance's network, kinks sorted exactly.

    Raises:
        ValueError: the instance has none.
    """
    data = instance.network
    if data is None:
        raise ValueError(f"network: instance {instance.name!r} has none")
    kinks = order.kink_order(data.inner_weights, data.biases)
    return Network(
        inner=ns.constant(_objects(data.inner_weights)),
        bias=ns.constant(_objects(data.biases)),
        outer=ns.constant(_objects(data.outer_weights)),
        kinks=ns.constant(_objects(kinks.kinks)),
        order=kinks.order,
        signs=kinks.signs,
        position=mean_positions(instance, kinks.kinks, float_mu(instance) if mu is None else mu),
        group=kinks.group,
        width=data.width,
    )


def mean_positions(instance: Instance, kinks: Sequence[Fraction], mu: float) -> Integers:
    """How many kinks lie left of each `mu x_i`: exact for rational mu, else as floats see it."""
    if instance.noise.rational_mu is not None:
        means = [instance.noise.rational_mu * x for x in instance.points]
        return np.array([order.exact_position(kinks, mean) for mean in means])
    return order.positions(
        [float(kink) for kink in kinks], [mu * float(x) for x in instance.points]
    )


def float_mu(instance: Instance) -> float:
    """Mu as a float."""
    from dsmverify.systems import float64

    return float(instance.noise.values(float64.SYSTEM)[0])


def places(instance: Instance) -> Places:
    """Hints about where points lie in an instance."""
    origin = instance.points[0]
    cuts = order.weight_pieces(instance.points).cuts
    return Places(
        origin,
        [float(x - origin) for x in instance.points],
        [float(cut - origin) for cut in cuts],
        float_mu(instance),
    )


def _objects(values: Sequence[Fraction]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array

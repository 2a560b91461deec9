"""First derivatives in balls: a number system whose numbers carry how the inputs move them.

A jet is a value together with `x_j df/dx_j` for every input `x_j`: what a relative change of that
input does to it, to first order. The formulas of the package run in jets as they run in balls, so
that the condition of each of them is enclosed without a second formula.

| letter | here | meaning |
|---|---|---|
| K | `condition` | sum_j abs(x_j df/dx_j), what a relative change u of every input moves, over u |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from dsmverify import express
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance
from dsmverify.numbers import Exact
from dsmverify.systems import balls
from dsmverify.systems.objects import ObjectNumbers, elementwise
from dsmverify.truth import sign


class Jet:
    """A ball and its logarithmic derivatives; None stands for none at all."""

    __slots__ = ("slope", "value")

    def __init__(self, value: arb, slope: Any = None) -> None:
        self.value = value
        self.slope = slope

    def __add__(self, other: Any) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array broadcasts
        if not isinstance(other, Jet):
            return Jet(self.value + other, self.slope)
        if self.slope is None or other.slope is None:
            slope = self.slope if other.slope is None else other.slope
        else:
            slope = self.slope + other.slope
        return Jet(self.value + other.value, slope)

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return self.chained(-self.value, arb(-1))

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if not isinstance(other, Jet):
            return self.chained(self.value * other, arb(other))
        left = self.chained(self.value * other.value, other.value)
        right = other.chained(arb(0), self.value)
        return left + right

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented
        if not isinstance(other, Jet):
            return self.chained(self.value / other, 1 / arb(other))
        return self * (1 / other)

    def __rtruediv__(self, other: Any) -> Jet:
        inverse = 1 / self.value
        return self.chained(other * inverse, -other * inverse * inverse)

    def chained(self, value: arb, slope: arb) -> Jet:
        """A function of this number, from its value and its derivative."""
        if self.slope is None or slope == 0:
            return Jet(value)
        return Jet(value, self.slope * slope)


def _exp(x: Jet) -> Jet:
    value = balls.ball_exp(x.value)
    return x.chained(value, value)


def _expm1(x: Jet) -> Jet:
    return x.chained(x.value.expm1(), balls.ball_exp(x.value))


def _erfc(x: Jet) -> Jet:
    slope = -2 * balls.ball_exp(-x.value * x.value) / arb.pi().sqrt()
    return x.chained(x.value.erfc(), slope)


def _arctan_defect(x: Jet) -> Jet:
    square = x.value * x.value
    return x.chained(balls.arctan_defect(x.value), square / (1 + square))


def _sinh_excess(x: Jet) -> Jet:
    half = (x.value / 2).sinh()
    return x.chained(balls.sinh_excess(x.value), 2 * half * half)


def _absolute(x: Jet) -> Jet:
    return x.chained(abs(x.value), arb(sign(x.value)))


class Jets(ObjectNumbers):
    """Balls with first derivatives."""

    name = "jets"

    def scalar(self, value: Exact) -> Any:
        """A constant."""
        return Jet(balls.ball(value))

    @property
    def pi(self) -> Any:
        """The number pi."""
        return Jet(arb.pi())

    exp = staticmethod(elementwise(_exp))
    expm1 = staticmethod(elementwise(_expm1))
    erfc = staticmethod(elementwise(_erfc))
    arctan_defect = staticmethod(elementwise(_arctan_defect))
    sinh_excess = staticmethod(elementwise(_sinh_excess))
    absolute = staticmethod(elementwise(_absolute))

    def maximum(self, x: Any, y: Any) -> Any:
        """Not differentiable; no formula that a condition is asked of needs it."""
        raise NotImplementedError("maximum of jets")

    def root(self, x: Any, degree: int) -> Any:
        """Root of positive numbers."""

        def one(number: Jet) -> Jet:
            value = number.value.root(degree)
            return number.chained(value, value / (degree * number.value))

        return elementwise(one)(x)


SYSTEM = Jets()


def condition(jets: Any) -> Any:
    """Upper bounds on K, exact balls, in the shape of the jets."""

    def one(jet: Jet) -> arb:
        if jet.slope is None:
            return arb(0)
        return arb(sum((abs(entry) for entry in jet.slope.entries()), arb(0)).abs_upper())

    return np.frompyfunc(one, 1, 1)(jets)


def setting(instance: Instance, *, reverse_ties: bool = False) -> tuple[Sample[Any], Network[Any]]:
    """Sample and network of an instance with every exact input as a variable.

    Args:
        instance: with a network, and a noise level given by mu and sigma or by time.
        reverse_ties: order equal kinks the other way round. Where kinks are tied the Hessian has
            one-sided derivatives, one for each order.
    """
    noise, data = instance.noise, instance.network
    assert data is not None
    level = (noise.time,) if noise.time is not None else (noise.mu, noise.sigma)
    groups: list[Sequence[Fraction]] = [
        instance.points,
        [x for x in level if x is not None],
        data.inner_weights,
        data.biases,
        data.outer_weights,
    ]
    count = sum(map(len, groups))
    start = 0
    parts = []
    for group in groups:
        part = np.empty(len(group), dtype=object)
        for place, value in enumerate(group):
            ball = balls.ball(value)
            slope = arb_mat(1, count)
            slope[0, start + place] = ball
            part[place] = Jet(ball, slope)
        parts.append(part)
        start += len(group)
    points, levels, inner, bias, outer = parts
    if noise.time is not None:
        time = levels[0]
        mu, sigma = SYSTEM.exp(-time), SYSTEM.root(-SYSTEM.expm1(-2 * time), 2)
    else:
        mu, sigma = levels
    sample = Sample(points, mu, sigma, len(points))
    exact = express.network(balls.SYSTEM, instance)
    chosen = np.arange(exact.width)
    if reverse_ties:
        chosen = np.lexsort((-chosen, exact.group))
    order = exact.order[chosen]
    network = replace(
        exact,
        inner=inner,
        bias=bias,
        outer=outer,
        kinks=(-bias / inner)[order],
        order=order,
        signs=exact.signs[chosen],
    )
    return sample, network

"""Two-layer ReLU networks on symbols: pairs of neurons, and small networks for the engine.

Noised points are `Y = c + sigma z`, c the mean of one training point and z standard normal. A
neuron `relu(w Y + b)` with `w = +-u`, u > 0, has its kink at `t = -(b + w c)/(w sigma)` in z and is
active on the right of it (w > 0) or on the left (w < 0).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from dsmverify.formulas.setting import Network, Sample

from ._gaussian import density, integral, z

c = sympy.Symbol("c", real=True)
mu, sigma = sympy.symbols("mu sigma", positive=True)
m = sympy.Symbol("m", integer=True, positive=True)
noised = c + sigma * z
"""Y in terms of z."""


@dataclass(frozen=True)
class Neuron:
    """One neuron on symbols.

    Attributes:
        weight: inner weight w.
        bias: b.
        sign: sign of w.
        parameter: the symbol that w depends on; `d/dw` is `sign d/d(parameter)`.
    """

    weight: Any
    bias: Any
    sign: int
    parameter: Any

    @property
    def kink(self) -> Any:
        """Kink in z."""
        return -(self.bias + self.weight * c) / (self.weight * sigma)

    @property
    def linear(self) -> Any:
        """`w Y + b`, in z."""
        return self.weight * noised + self.bias

    def at(self, point: Any) -> Any:
        """`w Y + b` at z = point."""
        return self.linear.subs(z, point)

    @property
    def kink_density(self) -> Any:
        """`p(tau)/|w|`, p the density of Y."""
        return density(self.kink) / (sigma * self.parameter)

    @property
    def place(self) -> Any:
        """Kink in y: `tau = -b/w`."""
        return -self.bias / self.weight


def neuron(number: int, sign: int) -> Neuron:
    """A neuron with weight `sign * u_number` and bias `b_number`."""
    size = sympy.Symbol(f"u{number}", positive=True)
    return Neuron(sign * size, sympy.Symbol(f"b{number}", real=True), sign, size)


@dataclass(frozen=True)
class Pair:
    """Two neurons and the order of their kinks.

    Attributes:
        first: a neuron.
        second: another.
        first_is_left: whether the first kink is left of the second (or equal).
    """

    first: Neuron
    second: Neuron
    first_is_left: bool

    @property
    def name(self) -> str:
        """Signs and order in words."""
        signs = "".join("+" if one.sign > 0 else "-" for one in (self.first, self.second))
        return f"signs {signs}, {'tau <= tau_k' if self.first_is_left else 'tau_k <= tau'}"

    @property
    def overlap(self) -> tuple[Any, Any] | None:
        """Where both are active, as an interval in z; None where that is empty."""
        left, right = self.first, self.second
        if not self.first_is_left:
            left, right = right, left
        if left.sign > 0 and right.sign > 0:
            return right.kink, sympy.oo
        if left.sign < 0 and right.sign < 0:
            return -sympy.oo, left.kink
        return (left.kink, right.kink) if left.sign > 0 else None

    def mean(self, polynomial: Any) -> Any:
        """`E[polynomial ; both active]`."""
        return integral(polynomial, *self.overlap) if self.overlap else sympy.Integer(0)

    @property
    def product(self) -> Any:
        """`K = E[relu relu]` in closed form."""
        return self.mean(self.first.linear * self.second.linear)

    @property
    def second_at_first_kink(self) -> Any:
        """Value of the second neuron's relu at the first neuron's kink."""
        active = self.first_is_left == (self.second.sign < 0)
        return self.second.at(self.first.kink) if active else sympy.Integer(0)


def pairs() -> list[Pair]:
    """Every sign combination and both orders of the kinks."""
    return [
        Pair(neuron(1, one), neuron(2, two), left)
        for one, two, left in itertools.product((1, -1), (1, -1), (True, False))
    ]


def half_line(one: Neuron) -> tuple[Any, Any]:
    """Where one neuron is active, as an interval in z."""
    return (one.kink, sympy.oo) if one.sign > 0 else (-sympy.oo, one.kink)


def by_weight(expression: Any, *neurons: tuple[Neuron, str]) -> Any:
    """Derivative by weights ("w") and biases ("b") of neurons, left unevaluated."""
    sign, variables = 1, []
    for one, kind in neurons:
        if kind == "w":
            sign *= one.sign
        variables.append(one.parameter if kind == "w" else one.bias)
    return sign * sympy.Derivative(expression, *variables)


FEATURE = {"b": sympy.Integer(1), "w": noised}
"""`d(w Y + b)/db = 1` and `d(w Y + b)/dw = Y`."""


class SmallNetwork:
    """A network of one or two neurons for the engine, with symbols for kinks, and its definition.

    Args:
        signs: signs of the inner weights, in the order of the kinks.
        order: neuron of each sorted kink.
        size: number of training points.
    """

    def __init__(self, signs: tuple[int, ...], order: tuple[int, ...], size: int = 2) -> None:
        self.signs, self.order, self.size = signs, order, size
        self.width = len(signs)
        numbers = range(1, self.width + 1)
        self.kinks = [sympy.Symbol(f"tau{number}", real=True) for number in numbers]
        self.weights = [
            sign * sympy.Symbol(f"u{number}", positive=True)
            for number, sign in zip(numbers, signs, strict=True)
        ]
        self.outer = [sympy.Symbol(f"v{number}", real=True) for number in numbers]
        self.points = [sympy.Symbol(f"x{number}", real=True) for number in range(1, size + 1)]

    def sample(self) -> Any:
        """The sample, for the engine."""
        return Sample(np.array(self.points, dtype=object), mu, sigma, self.size)

    def network(self) -> Any:
        """The network, for the engine; its neurons come in the order `order` says."""
        neuron_of = np.argsort(np.array(self.order))
        weights = np.array(self.weights, dtype=object)[neuron_of]
        kinks = np.array(self.kinks, dtype=object)
        return Network(
            inner=weights,
            bias=-weights * kinks[neuron_of],
            outer=np.array(self.outer, dtype=object)[neuron_of],
            kinks=kinks,
            order=np.array(self.order),
            signs=np.array(self.signs),
            position=np.arange(self.size) % (self.width + 1),
            group=np.arange(self.width),
            width=self.width,
        )

    def is_active(self, index: int, piece: int) -> bool:
        """Whether the neuron of a sorted kink (from 0) is active on a piece."""
        return piece > index if self.signs[index] > 0 else piece <= index

    def relu(self, index: int, piece: int, y: Any) -> Any:
        """Value of one neuron's relu on a piece."""
        if not self.is_active(index, piece):
            return sympy.Integer(0)
        return self.weights[index] * (y - self.kinks[index])

    def residual(self, point: Any, piece: int, y: Any) -> Any:
        """`f = s(y) + (y - mu x)/sigma^2` on a piece."""
        value = sum(self.outer[l] * self.relu(l, piece, y) for l in range(self.width))
        return value / self.width + (y - mu * point) / sigma**2

    def feature(self, kind: str, index: int, piece: int, y: Any) -> Any:
        """`m ds/d(parameter)` of one neuron on a piece; kinds are outer, bias and inner."""
        if not self.is_active(index, piece):
            return sympy.Integer(0)
        if kind == "outer":
            return self.relu(index, piece, y)
        return self.outer[index] * (y if kind == "inner" else 1)

    def mean(self, function: Any) -> Any:
        """`(1/n) sum_i E[function(x_i, piece, Y)]`, by the definition, piece after piece."""
        total = sympy.Integer(0)
        for point in self.points:
            y = mu * point + sigma * z
            cuts = [(kink - mu * point) / sigma for kink in self.kinks]
            ends = [-sympy.oo, *cuts, sympy.oo]
            for piece in range(self.width + 1):
                total += integral(function(point, piece, y), ends[piece], ends[piece + 1])
        return total / self.size

    def positions(self) -> list[int]:
        """Sorted kink of each neuron, in neuron order."""
        return [int(index) for index in np.argsort(np.array(self.order))]


def small_networks() -> list[SmallNetwork]:
    """One neuron of either sign; two of every sign combination; both neuron orders."""
    one = [SmallNetwork((sign,), (0,)) for sign in (1, -1)]
    two = [
        SmallNetwork(signs, order)
        for signs, order in (
            ((1, 1), (0, 1)),
            ((1, -1), (1, 0)),
            ((-1, 1), (0, 1)),
            ((-1, -1), (1, 0)),
        )
    ]
    return one + two

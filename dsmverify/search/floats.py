"""Quantities of an instance as floats, for the search only: nothing here decides anything.

float64 where `dsmverify.approximations` has the quantity, otherwise the middle of a ball of low
precision. A value may be wrong; a candidate that looks good is decided with balls afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import numpy as np
from flint import arb

from dsmverify import express
from dsmverify.approximations import Approximations
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import constants, curvature, risk
from dsmverify.formulas import network as networks
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import ball
from dsmverify.systems.float64 import SYSTEM

BITS: Final = 64
"""Precision of the balls that stand in for a missing float."""

ACCURACY: Final = 12
"""Relative bits of their integrals."""

DENSE_WIDTH: Final = 200
"""Hessians of networks up to this width are worked out as matrices."""

_PARAMETER: Final = "parameter:"


@dataclass
class FloatFacts:
    """Quantities of one instance by name, as `dsmverify.facts.Facts` has them, in float64."""

    instance: Instance
    _known: dict[str, Any] = field(default_factory=dict)
    _balls: Facts | None = None

    def __call__(self, name: str) -> Any:
        """The value called `name`, approximate.

        Raises:
            KeyError: the instance lacks what it is about.
        """
        if name not in self._known:
            self._known[name] = self._value(name)
        return self._known[name]

    @property
    def balls(self) -> Facts:
        """Ball values of the same instance; to be used within `certify.precision`."""
        if self._balls is None:
            self._balls = Facts(self.instance, Accuracy(ACCURACY))
        return self._balls

    def _value(self, name: str) -> Any:
        if name.startswith(_PARAMETER):
            return self._parameter(name.removeprefix(_PARAMETER))
        own = _FLOATS.get(name)
        if own is not None:
            if not hasattr(self, "_approximations"):
                self._approximations = Approximations(self.instance)
            return own(self._approximations, self)
        with precision(BITS):
            return as_floats(self.balls(name))

    def _parameter(self, name: str) -> Any:
        value = self.instance.parameters.get(name)
        if value is None:
            raise KeyError(name)
        if isinstance(value, Fraction):
            return SYSTEM.constant(value)
        if isinstance(value, int):
            return value
        return [SYSTEM.constant(entry) for entry in value]


def as_floats(value: Any) -> Any:
    """Middles of balls, through arrays, tuples and functions; anything else as it is."""
    if isinstance(value, arb):
        return np.float64(express.as_float(value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.array([express.as_float(entry) for entry in value.ravel()]).reshape(value.shape)
    if isinstance(value, tuple):
        return tuple(as_floats(entry) for entry in value)
    if callable(value):
        return _with_floats(value)
    return value


def _with_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        with precision(BITS):
            exact = [_as_ball(argument) for argument in arguments]
            return as_floats(function(*exact))

    return apply


def _as_ball(value: Any) -> Any:
    return ball(Fraction(float(value))) if isinstance(value, float) else value


def _bound(_: Approximations, facts: FloatFacts) -> Any:
    data = facts.instance.network
    if data is not None and data.bound is not None:
        return SYSTEM.constant(data.bound)
    sample = express.sample(SYSTEM, facts.instance)
    return constants.default_bound(SYSTEM, sample, SYSTEM.constant(facts.instance.spacing))


def _rate(_: Approximations, facts: FloatFacts) -> Any:
    if facts.instance.learning_rate is None:
        raise KeyError("learning_rate")
    return SYSTEM.constant(facts.instance.learning_rate)


def _tv_network(approximate: Approximations, _: FloatFacts) -> Any:
    network = approximate.network
    return networks.total_variation(SYSTEM, network, approximate.weight(network.kinks))


def _extreme(approximate: Approximations, place: int) -> Any:
    """An end of the Hessian's spectrum."""
    network = approximate.network
    if network.width <= DENSE_WIDTH:
        dense = curvature.hessian(SYSTEM, approximate.sample, network)
        return np.linalg.eigvalsh(dense)[place]
    return np.float64(approximate.hessian_extremes[0 if place else 1])


def _resolved(approximate: Approximations, value: str, facts: FloatFacts) -> Any:
    if approximate.is_resolved:
        return np.float64(getattr(approximate, value).value)
    with precision(BITS):
        return as_floats(facts.balls(value))


_FLOATS: Final[Mapping[str, Callable[[Approximations, FloatFacts], Any]]] = {
    "spacing": lambda _, facts: SYSTEM.constant(facts.instance.spacing),
    "network": lambda _, facts: express.network(SYSTEM, facts.instance),
    "weight_pieces": lambda _, facts: express.weight_pieces(SYSTEM, facts.instance.points),
    "bound": _bound,
    "learning_rate": _rate,
    "risk": lambda a, _: risk.risk(SYSTEM, a.sample, a.network),
    "gradient": lambda a, _: risk.gradient(SYSTEM, a.sample, a.network),
    "hessian": lambda a, _: curvature.hessian(SYSTEM, a.sample, a.network),
    "tangent_kernel": lambda a, _: curvature.tangent_kernel(SYSTEM, a.sample, a.network),
    "hessian_lambda_max": lambda a, _: _extreme(a, -1),
    "hessian_lambda_min": lambda a, _: _extreme(a, 0),
    "ntk_lambda_max": lambda a, _: np.float64(a.kernel_leading[0]),
    "tv_network": _tv_network,
    "tv_empirical_score": lambda a, f: _resolved(a, "tv_empirical_score", f),
    "sigma_0": lambda a, _: np.float64(a.sigma_0),
}
"""What float64 has of its own."""

"""Certified values of a point of a learning curve, by name: the quantities of claims about them.

Everything is an enclosure at the working precision of the caller, computed once and kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NoReturn

from flint import arb

from dsmverify.curves.activations import activation_named
from dsmverify.curves.enclosures import enclosed_state
from dsmverify.curves.limits import marchenko_pastur_mean
from dsmverify.curves.points import CurvePoint
from dsmverify.errors import InputError
from dsmverify.formulas.activations import Moments
from dsmverify.formulas.curve_case import CurveCase
from dsmverify.formulas.learning_curves import Observables, observables, printed_observables
from dsmverify.formulas.random_features import (
    Linearised,
    Parameters,
    State,
    isotropic,
    linearise,
    state,
)
from dsmverify.rationals import Irrational
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.systems.rational import SYSTEM as RATIONAL
from dsmverify.systems.rational import IrrationalError


@dataclass
class CurveFacts:
    """Certified values of one point at one precision."""

    point: CurvePoint

    def __call__(self, name: str) -> Any:
        """The value called `name`.

        Raises:
            KeyError: no such value.
        """
        if not hasattr(type(self), name):
            raise KeyError(name)
        return getattr(self, name)

    def of_setting(self, name: str) -> Any:
        """The value called `name`: every one follows from the setting."""
        return self(name)

    def case(self, i: int = 0, y: arb | None = None, k: int = 0, l: int = 0) -> CurveCase[Any]:
        """The point as the sides of a claim see it; claims about curves have no free variables."""
        if y is not None or i or k or l:
            raise ValueError("range: a claim about learning curves has no free variables")
        return CurveCase(SYSTEM, self.parameters, self, self._elsewhere)

    def _elsewhere(self, **changes: Any) -> CurveCase[Any]:
        key = tuple(sorted(changes.items(), key=str))
        if key not in self._others:
            try:
                self._others[key] = CurveFacts(neighbour(self.point, **changes))
            except InputError:  # the errors have no finite limit there
                self._others[key] = Diverging(self.point)
        return self._others[key].case()

    @cached_property
    def _others(self) -> dict[Any, CurveFacts]:
        """Points that claims compare this one with."""
        return {}

    @cached_property
    def parameters(self) -> Parameters[Any]:
        """The point in balls; the limit of vanishing ridge has its own unit, see `Parameters`."""
        point = self.point
        ridge, unit = point.ridge, 1
        if not ridge and point.rank_gap > 0:
            ridge, unit = Fraction(1), 0
        time = ball(point.time)
        moments = self.moments
        return Parameters(
            ns=SYSTEM,
            psi_n=ball(point.psi_n),
            psi_p=ball(point.psi_p),
            signal=(-2 * time).exp(),
            noise=-(-2 * time).expm1(),
            inverse_copies=ball(point.inverse_copies),
            ridge=ball(ridge),
            linear=moments.linear,
            shared=moments.shared,
            fresh=moments.fresh,
            spectrum=isotropic(SYSTEM),
            unit=arb(unit),
        )

    @cached_property
    def moments(self) -> Moments[Any]:
        """Moments of the activation at this time."""
        return activation_named(self.point.activation).enclose_moments(self.point.time)

    @cached_property
    def state(self) -> State[Any]:
        """The fixed point, enclosed; NaN where the working precision is too low."""
        parameters = self.parameters
        found = enclosed_state(parameters, saturated=self.point.is_saturated)
        return found or state(parameters, (arb("nan"), arb("nan")))

    @cached_property
    def linearised(self) -> Linearised[Any]:
        """The linearised system at the fixed point."""
        return linearise(self.state)

    @cached_property
    def observables(self) -> Observables[Any]:
        """What is read off the fixed point."""
        return observables(self.state, self.linearised)

    @cached_property
    def signal_resolvent(self) -> arb:
        """`int 1/(a^2 x + h)`, x by the Marchenko-Pastur law of ratio 1/psi_n."""
        return self._signal_mean(1)

    @cached_property
    def signal_resolvent_square(self) -> arb:
        """`int 1/(a^2 x + h)^2`, x by the same law."""
        return self._signal_mean(2)

    def _signal_mean(self, power: int) -> arb:
        p = self.parameters
        return marchenko_pastur_mean(lambda x: 1 / (x * p.signal + p.noise) ** power, 1 / p.psi_n)

    @cached_property
    def printed(self) -> dict[str, Any]:
        """The same in the forms of the text."""
        return printed_observables(self.state, self.linearised)


class Diverging(CurveFacts):
    """A point at which the errors grow without bound: nothing has a value."""

    @cached_property
    def observables(self) -> Observables[Any]:
        """No numbers."""
        names = (field.name for field in fields(Observables))
        return Observables(**dict.fromkeys(names, arb("nan")))


def neighbour(point: CurvePoint, **changes: Any) -> CurvePoint:
    """The point with its ridge, psi_n or psi_p multiplied, or with more noise samples.

    Args:
        point: where from.
        **changes: a factor for `ridge`, `psi_n` or `psi_p`; for `copies` how many noise samples
            more, or None for infinitely many.
    """
    changed: dict[str, Any] = {}
    for name, change in changes.items():
        if name == "copies":
            more = math.inf if change is None else point.noise_samples + change
            changed["noise_samples"] = more
        else:
            changed[name] = getattr(point, name) * change
    return replace(point, **changed)


def rational_case(point: CurvePoint) -> CurveCase[Any]:
    """The point in rational numbers: psi_n, psi_p, lam and m; the rest is irrational."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise IrrationalError("it has no rational value")

    irrational = Irrational()
    parameters = Parameters(
        ns=RATIONAL,
        psi_n=point.psi_n,
        psi_p=point.psi_p,
        signal=irrational,
        noise=irrational,
        inverse_copies=point.inverse_copies,
        ridge=point.ridge,
        linear=irrational,
        shared=irrational,
        fresh=irrational,
        spectrum=isotropic(RATIONAL),
        unit=Fraction(0 if not point.ridge and point.rank_gap > 0 else 1),
    )
    return CurveCase(RATIONAL, parameters, refuse, refuse)

"""Derivatives of everything on a learning curve, by the implicit function theorem.

The solution moves with its parameters as the linearised system says; the observables are then
evaluated on dual numbers whose tangents are those movements. No difference quotient is taken, and
the derivatives are as exact as the number system: on balls they are enclosures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dsmverify.formulas.learning_curves import Observables, observables
from dsmverify.formulas.random_features import (
    Change,
    Linearised,
    Parameters,
    Spectrum,
    State,
    damping,
    linear_strength,
    linearise,
    respond,
    state,
    total_shift,
)
from dsmverify.systems.dual import Dual, Duals

FIELDS = (
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
"""Numbers of a point that a direction may change."""

Velocity = Mapping[str, Any]
"""How fast each named number of a point changes along one direction; others do not."""


def moving(
    at: State[Any],
    system: Linearised[Any],
    velocities: list[Velocity],
    *,
    rounding: bool = False,
    saturated: bool = False,
) -> Observables[Dual[Any]]:
    """The observables with their derivatives along each direction.

    Args:
        at: the solution.
        system: its linearised equations.
        velocities: the directions.
        rounding: whether two more follow: relative changes of the right sides of the equations of
            delta_1 and delta_2.
        saturated: whether `at` is a `saturated_state`. With `psi_p > 1` a direction may raise the
            ridge from 0; at 1 the errors move by its root, and there is no derivative.
    """
    ns = at.parameters.ns
    duals: Duals[Any] = Duals(ns, len(velocities) + 2 * rounding)
    parameters = _parameters(at.parameters, duals, velocities)
    still = (duals.fixed(at.delta[0]), duals.fixed(at.delta[1]))
    fixed = replace(
        _frozen(at, duals),
        parameters=parameters,
        levels=parameters.levels,
        linear=linear_strength(parameters, still),
        shift=total_shift(parameters, still),
    )
    slopes = [damping(fixed, k).tangents for k in range(2)]
    changes = [
        Change(
            (_or_none(slopes[0][i], at), _or_none(slopes[1][i], at)),
            _or_none(fixed.linear.tangents[i], at),
            _or_none(fixed.shift.tangents[i], at),
            _or_none(parameters.psi_p.tangents[i], at),
        )
        for i in range(len(velocities))
    ]
    if saturated:
        lifts = [_lift(at, velocity) for velocity in velocities]
        changes = [
            replace(change, damping=_lifted_damping(at, change, lift))
            for change, lift in zip(changes, lifts, strict=True)
        ]
    if rounding:
        none = 0 * at.delta[0]
        changes.append(Change((-1 / at.delta[0], none), none, none, none))
        changes.append(Change((none, -1 / at.delta[1]), none, none, none))
    responses = [respond(at, system, change) for change in changes]
    delta = tuple(
        Dual(at.delta[k], tuple(response.delta[k] for response in responses)) for k in range(2)
    )
    if saturated:
        linear = linear_strength(parameters, (delta[0], delta[1]))
        inverse = Dual(0 * at.delta[0], tuple(lifts))
        kernel = 1 / (linear + inverse)
        # The ridge enters `linearise` as lam H/D, which tends to 1 as the ridge vanishes.
        one = duals.constant(1)
        moved = replace(
            fixed,
            parameters=replace(parameters, ridge=one),
            delta=(delta[0], delta[1]),
            linear=linear,
            resolvent=one,
            ratio=inverse * kernel,
            kernel=kernel,
        )
    else:
        resolvent = Dual(at.resolvent, tuple(response.resolvent for response in responses))
        moved = state(parameters, (delta[0], delta[1]), resolvent)
    return observables(moved, linearise(moved))


def _lift(at: State[Any], velocity: Velocity) -> Any:
    """How fast `1/H = lam/(psi_p - 1)` rises from 0 with the ridge, in a `saturated_state`."""
    faster = velocity.get("ridge")
    return 0 * at.delta[0] if faster is None else faster / (at.parameters.psi_p - 1)


def _lifted_damping(at: State[Any], change: Change[Any], lift: Any) -> tuple[Any, Any]:
    """A change of 1/T_1 and 1/T_2, and what `K = 1/(A + 1/H)` adds to it as 1/H rises."""
    fall = [
        level.load * at.parameters.spectrum.mean(level.linear * at.kernel * at.kernel) * lift
        for level in at.levels
    ]
    return change.damping[0] - fall[0], change.damping[1] - fall[1]


def _or_none(tangent: Any, at: State[Any]) -> Any:
    return 0 * at.delta[0] if tangent is None else tangent


def _parameters(
    at: Parameters[Any], duals: Duals[Any], velocities: list[Velocity]
) -> Parameters[Dual[Any]]:
    def lifted(name: str) -> Dual[Any]:
        parts = tuple(velocity.get(name) for velocity in velocities)
        missing = duals.directions - len(velocities)
        return Dual(getattr(at, name), parts + (None,) * missing)

    law = at.spectrum
    spectrum = Spectrum(
        duals, duals.fixed(law.atoms), None if law.weights is None else duals.fixed(law.weights)
    )
    return Parameters(ns=duals, spectrum=spectrum, **{name: lifted(name) for name in FIELDS})


def _frozen(at: State[Any], duals: Duals[Any]) -> Any:
    """The state with everything that the equations solve for held fixed."""
    return replace(
        at,
        delta=(duals.fixed(at.delta[0]), duals.fixed(at.delta[1])),
        resolvent=duals.fixed(at.resolvent),
        ratio=duals.fixed(at.ratio),
        kernel=duals.fixed(at.kernel),
        sensitivity=duals.fixed(at.sensitivity),
    )

"""One point of a learning curve, certified: precision rises until all digits are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from flint import arb, ctx

from dsmverify.certify import precision
from dsmverify.curves import sensitivities
from dsmverify.curves.activations import Activation
from dsmverify.curves.enclosures import enclosed_state
from dsmverify.curves.moments import enclosed_moments, enclosed_shared_slope, has_slope
from dsmverify.curves.settings import ExactPoint, Setting
from dsmverify.errors import InputError, PrecisionError, show
from dsmverify.formulas.learning_curves import observables, printed_observables
from dsmverify.formulas.random_features import (
    Parameters,
    Spectrum,
    State,
    isotropic,
    linearise,
)
from dsmverify.systems.balls import SYSTEM, ball

OBSERVABLES = (
    "test_error",
    "train_error",
    "memorisation_error",
    "new_data_loss",
    "degrees_of_freedom",
)
"""What a curve shows, and what digits are promised of."""

PARAMETERS = ("psi_n", "psi_p", "ridge", "time")
"""What derivatives are taken by."""

EDGE = ("ridge", "psi_p")
"""What errors have no derivative by at ridge 0, psi_p 1, linear features: they move by its root."""


def parameters_of(activation: Activation) -> tuple[str, ...]:
    """What derivatives are taken by; without time where its effect on the moments is not known."""
    return PARAMETERS if has_slope(activation) else PARAMETERS[:-1]


MOST_BITS = 8192

SPARE_BITS = 48
"""Working bits beyond the digits asked for, at first: what roundings and a usual condition take."""

BITS_OF_DIGIT = math.log2(10)


@dataclass(frozen=True)
class CertifiedCurve:
    """Enclosures at one point of a learning curve, all balls.

    Krawczyk's test has shown that the box of delta_1 and delta_2 holds exactly one solution of
    the reduced system, which the enclosures are read off. That no other solution exists is a fact
    about the map (derivations/rf_uniqueness.py); that the system describes trained scores rests on
    a Gaussian equivalence.

    Attributes:
        point: the exact parameters.
        test_error, train_error, memorisation_error, new_data_loss, degrees_of_freedom: as in
            `LearningCurve`.
        train_error_from_minimum: the training error by its other expression, `F - lam T_I`.
        delta_1, delta_2, g, K: the solution; in the limit of vanishing ridge above the
            interpolation threshold `delta/lam`, `lam g` and `lam K`.
        bits: working precision.
        derivatives: by observable and parameter; empty where they were not asked for. At ridge
            "0+" that by the ridge is one-sided; linear features have none by the ridge and psi_p
            at psi_p = 1.
    """

    point: ExactPoint
    test_error: arb
    train_error: arb
    memorisation_error: arb
    new_data_loss: arb
    degrees_of_freedom: arb
    train_error_from_minimum: arb
    delta_1: arb
    delta_2: arb
    g: arb
    K: arb
    bits: int
    derivatives: Mapping[str, Mapping[str, arb]]


def certify(
    activation: Activation,
    setting: Setting,
    digits: int,
    index: int | tuple[int, ...] = (),
    *,
    derivatives: bool = False,
) -> CertifiedCurve:
    """One point with its digits proved.

    Result: enclosures, each observable to the relative accuracy asked for.

    Args:
        activation: the activation.
        setting: the points.
        digits: correct digits of every observable.
        index: which point.
        derivatives: whether to enclose the derivatives too.

    Raises:
        InputError: no such point, or digits out of range.
        PrecisionError: the digits were not reached.
    """
    point = setting.exact_at(_place(setting, index))
    is_whole = isinstance(digits, Integral) and not isinstance(digits, bool)
    if not (is_whole and 1 <= digits <= 1000):
        raise InputError(
            "digits", show(digits), "it must be an integer from 1 to 1000", "give 15, say"
        )
    interpolates = bool(setting.interpolates[_place(setting, index)])
    wanted = math.ceil(digits * BITS_OF_DIGIT)
    bits = wanted + SPARE_BITS
    while bits <= MOST_BITS:
        with precision(bits):
            found = _enclosed(activation, setting, point, interpolates, derivatives)
            if found is not None and all(
                getattr(found, name).rel_accuracy_bits() >= wanted for name in OBSERVABLES
            ):
                return found
        bits += max(64, bits // 2)
    raise PrecisionError(f"{digits} digits of the learning curve", MOST_BITS, f"{point}")


def _place(setting: Setting, index: int | tuple[int, ...]) -> tuple[int, ...]:
    place = index if isinstance(index, tuple) else (index,)
    try:
        entry = np.empty(setting.shape)[place]
    except IndexError:
        entry = None
    if entry is None or np.ndim(entry) != 0:
        raise InputError(
            "index",
            show(index),
            f"it must name one point of shape {setting.shape}",
            "give one integer for each axis",
        )
    return place


def point_in_balls(
    activation: Activation, setting: Setting, point: ExactPoint, interpolates: bool
) -> Parameters[Any]:
    """The point as the equations take it, at the working precision.

    Result: enclosure. In the limit of vanishing ridge above the interpolation threshold ridge 1
    and unit 0, see `formulas.random_features`.
    """
    scaled = interpolates and not point.ridge
    time = ball(point.time)
    moments = enclosed_moments(activation, point.time)
    spectrum: Spectrum[Any] = isotropic(SYSTEM)
    if setting.atoms is not None and setting.weights is not None:
        atoms, weights = SYSTEM.constant(setting.atoms), SYSTEM.constant(setting.weights)
        spectrum = Spectrum(SYSTEM, atoms, weights)
    return Parameters(
        ns=SYSTEM,
        psi_n=ball(point.psi_n),
        psi_p=ball(point.psi_p),
        signal=(-2 * time).exp(),
        noise=-(-2 * time).expm1(),
        inverse_copies=ball(point.inverse_copies),
        ridge=arb(1) if scaled else ball(point.ridge),
        linear=moments.linear,
        shared=moments.shared,
        fresh=moments.fresh,
        spectrum=spectrum,
        unit=arb(0) if scaled else arb(1),
    )


def _enclosed(
    activation: Activation,
    setting: Setting,
    point: ExactPoint,
    interpolates: bool,
    with_derivatives: bool,
) -> CertifiedCurve | None:
    parameters = point_in_balls(activation, setting, point, interpolates)
    scaled = interpolates and not point.ridge
    saturated = activation.is_linear and not point.ridge and not scaled and point.psi_p >= 1
    at = enclosed_state(parameters, saturated=saturated)
    if at is None:
        return None
    system = linearise(at)
    shown = observables(at, system)
    values: dict[str, Any] = {name: getattr(shown, name) for name in OBSERVABLES}
    values["train_error_from_minimum"] = printed_observables(at, system)["train_error_from_minimum"]
    if scaled:
        values["train_error"] = values["train_error_from_minimum"] = arb(0)
    if saturated:
        # The ridge term of F vanishes with the ridge; responses to the ridge have no meaning here.
        values["train_error_from_minimum"] = shown.minimum
    slopes: dict[str, dict[str, arb]] = {}
    if with_derivatives:
        slopes = _derivatives(activation, point, at, system, interpolates, saturated)
    return CertifiedCurve(
        point=point,
        **values,
        delta_1=at.delta[0],
        delta_2=at.delta[1],
        g=arb.pos_inf() if saturated else at.resolvent / parameters.psi_p,
        K=parameters.spectrum.mean(at.kernel),
        bits=int(ctx.prec),
        derivatives=slopes,
    )


def _derivatives(
    activation: Activation,
    point: ExactPoint,
    at: State[Any],
    system: Any,
    interpolates: bool,
    saturated: bool,
) -> dict[str, dict[str, arb]]:
    p = at.parameters
    scaled = interpolates and not point.ridge
    speed = arb(0) if not interpolates else arb(1) if scaled else 1 / p.ridge
    by_ridge = {"unit": speed} if interpolates else {"ridge": arb(1)}
    velocities: list[Mapping[str, Any]] = [
        {"psi_n": arb(1)},
        {"psi_p": arb(1)},
        by_ridge,
    ]
    if has_slope(activation):
        slope = enclosed_shared_slope(activation, point.time)
        faster = 2 * p.signal
        velocities.append({"signal": -faster, "noise": faster, "shared": slope, "fresh": -slope})
    moved = sensitivities.moving(at, system, velocities, saturated=saturated)
    found: dict[str, dict[str, arb]] = {}
    for name in OBSERVABLES:
        value = getattr(moved, name)
        found[name] = {
            by: arb(0) if part is None else part
            for by, part in zip(parameters_of(activation), value.tangents, strict=True)
        }
        if name == "train_error":
            found[name]["ridge"] += 2 * speed * value.value
            if scaled:
                found[name] = dict.fromkeys(found[name], arb(0))
        if saturated and point.psi_p == 1:
            for by in EDGE:
                del found[name][by]
    return found

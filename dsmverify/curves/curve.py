"""Learning curves of denoising score matching with random features, dimensions tending to infinity.

Errors of the trained score as functions of `psi_n = n/d`, `psi_p = p/d`, the time, the ridge and
the number of noised copies of each sample, on grids in float64, and enclosed at single points.

What this rests on: the reduction of the problem to a scalar fixed point assumes a Gaussian
equivalence and leave-one-out (or matrix-Dyson) arguments. What is certified is the solution of
that system, not the system. Source: random-features.md.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsmverify.curves import sensitivities, solver
from dsmverify.curves.activations import Activation, activation_named
from dsmverify.curves.certified import EDGE, OBSERVABLES, CertifiedCurve, certify, parameters_of
from dsmverify.curves.moments import float_moments, has_slope, shared_slope
from dsmverify.curves.settings import LIMIT, Setting, read_setting
from dsmverify.formulas.learning_curves import Observables, observables
from dsmverify.formulas.random_features import (
    Parameters,
    Spectrum,
    State,
    isotropic,
    linearise,
    saturated_state,
    state,
)
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]
Values = Any
"""A float for scalar arguments, else a float64 array of their common shape."""

BLOCK = 1 << 13
"""Points worked on at once, so that intermediate arrays stay in the cache."""

TINY = 1e-80
"""Ridge that stands for the limit while the fixed point is sought. It moves the errors by at most
its root, divided by the distance from `p = n m`, which is at least 1e-17 in float64."""


class CurveWarning(UserWarning):
    """Some points of a learning curve have no value in float64; they are NaN."""


def learning_curve(
    activation: str | Activation = "relu",
    psi_n: Any = 4,
    psi_p: Any = 2,
    time: Any = "0.1",
    ridge: Any = "0.01",
    noise_samples: Any = 1,
    spectrum: tuple[Sequence[Any], Sequence[Any]] | None = None,
) -> LearningCurve:
    """Errors of the trained score at given parameters.

    Arguments may be arrays that broadcast; about 10 microseconds a point. Text such as "0.1" is
    exact, a float is the double that it is: that matters for `enclose` only.

    Args:
        activation: name of an activation, or an `Activation`.
        psi_n: samples per dimension, positive.
        psi_p: features per dimension, positive.
        time: diffusion time t, positive.
        ridge: lam, positive; `"0+"` is the limit of vanishing ridge.
        noise_samples: m, noised copies of each sample: integers of at least 1, or `math.inf` for
            the expectation over the noise.
        spectrum: eigenvalues of the data's covariance and their weights, of mean 1; None for
            isotropic data.

    Raises:
        InputError: an argument out of range, or the limit of vanishing ridge at `p = n m`.

    Warns:
        CurveWarning: float64 cannot solve the equations at some points; they are NaN.

    Result: approximate, within about `1e-14 condition` of the exact value: to first order, and at
    every point where it was held against enclosures, not proved.

    Example:
        >>> curve = learning_curve("relu", psi_n=4, psi_p=2, time=0.1, ridge=0.01)
        >>> print(f"{curve.test_error:.12f} {curve.train_error:.12f}")
        3.434525538687 0.439560183245
    """
    rho = activation if isinstance(activation, Activation) else activation_named(activation)
    setting = read_setting(
        psi_n, psi_p, time, ridge, noise_samples, spectrum, is_linear=rho.is_linear
    )
    return LearningCurve(rho, setting)


class LearningCurve:
    """Values on a learning curve, see `learning_curve`.

    Attributes:
        test_error: `E |s(y) - s*(y)|^2/d` against the score s* of the population.
        train_error: the loss on the training draws, without the ridge term.
        memorisation_error: the loss on training points with fresh noise; 0 for the score of the
            empirical distribution, a^2 for that of (isotropic) data.
        new_data_loss: the loss on new points.
        degrees_of_freedom: `tr U (U + lam)^{-1}/d`, how many parameters per dimension are used.
        delta_1, delta_2: how far training pulls residuals down; 0 in the limit of vanishing ridge
            above the interpolation threshold.
        g: normalised trace of `(U + lam)^{-1}`; infinite there.
        K: `tr W^T (U + lam)^{-1} W/d^2`, isotropic data; its mean over the spectrum otherwise.
    """

    test_error: Values
    train_error: Values
    memorisation_error: Values
    new_data_loss: Values
    degrees_of_freedom: Values
    delta_1: Values
    delta_2: Values
    g: Values
    K: Values

    def __init__(self, activation: Activation, setting: Setting) -> None:
        """Solve the equations; `learning_curve` checks the arguments first."""
        self.activation = activation
        self.setting = setting
        self._is_saturated = setting.is_limit & activation.is_linear & (setting.psi_p.ravel() >= 1)
        self._grid = _solve(_parameters(activation, setting), self)
        found = self._over_blocks(self._values)
        missing = ~np.all([np.isfinite(found[name]) for name in OBSERVABLES], axis=0)
        if missing.any():
            _warn(setting, missing)
        for name, values in found.items():
            setattr(self, name, self._shaped(np.where(missing, np.nan, values)))

    def __repr__(self) -> str:
        """Short description."""
        return f"LearningCurve(activation={self.activation.name!r}, shape={self.setting.shape})"

    @cached_property
    def condition(self) -> dict[str, Values]:
        """For each observable its size, and by how much relative errors in the data move it.

        `|E| + sum_i |theta_i dE/d theta_i|` over the data `psi_n, psi_p, lam, a^2, h, mu_1^2, v0^2,
        s^2` of the equations, and over relative errors of the two right sides delta_k is computed
        from. So, to first order, rounding of one unit everywhere moves E by at most 1.1e-16 times
        this. The value given should lie within 1e-14 times this of the exact one; that is tested on
        many points, not proved.
        """
        return {
            name: self._shaped(values)
            for name, values in self._over_blocks(self._condition).items()
        }

    @cached_property
    def derivatives(self) -> dict[str, dict[str, Values]]:
        """Derivatives of each observable by `psi_n`, `psi_p`, `ridge` and `time`.

        By the implicit function theorem, no difference quotients; that by theta is right to about
        `1e-14 condition/theta`. At `ridge="0+"` the one by the ridge is one-sided; linear features
        have none by the ridge and by psi_p at `psi_p = 1`, where it is NaN. At fixed values of the
        other parameters, m included. `time` is missing for activations with kinks that have no
        closed moments.
        """
        found = self._over_blocks(self._derivatives)
        return {
            name: {by: self._shaped(found[f"{name} {by}"]) for by in parameters_of(self.activation)}
            for name in OBSERVABLES
        }

    def enclose(
        self, digits: int = 15, index: int | tuple[int, ...] = (), *, derivatives: bool = False
    ) -> CertifiedCurve:
        """One point certified: enclosures of everything, from its exact parameters.

        Args:
            digits: correct digits that every observable is to have.
            index: which point, where the arguments were arrays.
            derivatives: whether to enclose the derivatives too.

        Raises:
            InputError: no such point, or no index where one is needed.
            PrecisionError: the digits were not reached.
        """
        return certify(self.activation, self.setting, digits, index, derivatives=derivatives)

    # Blocks.

    def _over_blocks(self, work: Callable[[slice], dict[str, Floats]]) -> dict[str, Floats]:
        parts: dict[str, list[Floats]] = {}
        with np.errstate(all="ignore"):
            for block in _blocks(self._grid.delta[0].size):
                for name, values in work(block).items():
                    parts.setdefault(name, []).append(np.asarray(values))
        return {name: np.concatenate(values) for name, values in parts.items()}

    def _shaped(self, values: Floats) -> Values:
        return values.reshape(self.setting.shape)[()]

    def _state(self, block: slice) -> State[Any]:
        grid = self._grid
        pair = (grid.delta[0][block], grid.delta[1][block])
        resolvent = None if grid.resolvent is None else grid.resolvent[block]
        return state(solver.chosen(grid.parameters, block), pair, resolvent)

    def _values(self, block: slice) -> dict[str, Floats]:
        at = self._state(block)
        shown = observables(at, linearise(at))
        values = {name: getattr(shown, name) for name in OBSERVABLES}
        scaled, saturated = self._grid.scaled[block], self._is_saturated[block]
        values["train_error"] = np.where(scaled, 0.0 * shown.train_error, shown.train_error)
        values["delta_1"] = np.where(scaled, 0.0 * at.delta[0], at.delta[0])
        values["delta_2"] = np.where(scaled, 0.0 * at.delta[1], at.delta[1])
        g, kernel = at.resolvent / at.parameters.psi_p, at.parameters.spectrum.mean(at.kernel)
        values["g"] = np.where(scaled | saturated, g + math.inf, g)
        values["K"] = np.where(scaled, kernel + math.inf, kernel)
        return values

    def _condition(self, block: slice) -> dict[str, Floats]:
        at = self._state(block)
        names = ("psi_n", "psi_p", "ridge", "signal", "noise", "linear", "shared", "fresh")
        velocities: list[Mapping[str, Any]] = [
            {name: getattr(at.parameters, name)} for name in names
        ]
        moved = sensitivities.moving(at, linearise(at), velocities, rounding=True)
        found = {}
        for name in OBSERVABLES:
            value = getattr(moved, name)
            found[name] = np.abs(value.value) + sum(
                np.abs(part) for part in value.tangents if part is not None
            )
        found["train_error"] = np.where(self._grid.scaled[block], 0.0, found["train_error"])
        return found

    def _derivatives(self, block: slice) -> dict[str, Floats]:
        at, p = self._state(block), solver.chosen(self._grid.parameters, block)
        scaled = self._grid.scaled[block]
        # lam enters as `unit ridge` only. Where training interpolates, the errors hardly depend on
        # it, and its change is better told as one of the unit, to which delta does not respond.
        by_unit = self.setting.interpolates.ravel()[block].astype(np.float64)
        speed = by_unit / np.where(scaled, 1.0, self._grid.parameters.ridge[block])
        speed = np.where(by_unit > 0, speed, 0.0)
        velocities: list[Mapping[str, Any]] = [
            {"psi_n": np.ones_like(p.psi_n)},
            {"psi_p": np.ones_like(p.psi_p)},
            {"ridge": 1 - by_unit, "unit": speed},
        ]
        if has_slope(self.activation):
            velocities.append(self._with_time(block, p))
        moved = sensitivities.moving(at, linearise(at), velocities)
        full = self._is_saturated[block] & ~scaled
        limit = self._moving_at_limit(at, velocities, full) if full.any() else None
        found = {}
        for name in OBSERVABLES:
            value = getattr(moved, name)
            for i, by in enumerate(parameters_of(self.activation)):
                part = value.tangents[i]
                slope = np.zeros_like(p.psi_n) if part is None else part
                if limit is not None:
                    slope = np.array(slope)
                    slope[full] = getattr(limit, name).tangents[i]
                    if by in EDGE:
                        slope[full & (p.psi_p == 1)] = np.nan
                if name == "train_error":
                    if by == "ridge":
                        slope = slope + 2 * speed * value.value
                    slope = np.where(scaled, 0.0, slope)
                found[f"{name} {by}"] = slope
        return found

    def _moving_at_limit(
        self, at: State[Any], velocities: list[Mapping[str, Any]], where: NDArray[np.bool_]
    ) -> Observables[Any]:
        """The same at ridge 0 itself, for linear features that are no fewer than dimensions.

        There H grows like 1/lam, and with a tiny ridge its changes would cancel to rounding.
        """
        pair = (at.delta[0][where], at.delta[1][where])
        parameters = replace(solver.chosen(at.parameters, where), ridge=np.zeros(int(where.sum())))
        here = saturated_state(parameters, pair)
        chosen: list[Mapping[str, Any]] = [
            {name: speed[where] for name, speed in velocity.items()} for velocity in velocities
        ]
        return sensitivities.moving(here, linearise(here), chosen, saturated=True)

    def _with_time(self, block: slice, p: Parameters[Any]) -> Mapping[str, Any]:
        time = self.setting.time.ravel()[block]
        shared = shared_slope(self.activation, time)
        return {"signal": -2 * p.signal, "noise": 2 * p.signal, "shared": shared, "fresh": -shared}


@dataclass(frozen=True)
class _Grid:
    """A solved grid.

    Attributes:
        parameters: flat; scaled points have ridge 1 and unit 0.
        delta: delta_1, delta_2.
        resolvent: H, with several atoms.
        scaled: where delta stands for `delta/lam` in the limit.
    """

    parameters: Parameters[Any]
    delta: tuple[Floats, Floats]
    resolvent: Floats | None
    scaled: NDArray[np.bool_]


def _parameters(activation: Activation, setting: Setting) -> Parameters[Any]:
    """The grid in float64, flat, at its own ridge (0 in the limit)."""
    time = setting.time.ravel()
    with np.errstate(over="ignore", under="ignore"):  # at times beyond 700, say, a^2 is 0
        signal, noise = np.exp(-2 * time), -np.expm1(-2 * time)
        moments = float_moments(activation, time)
    if setting.atoms is None or setting.weights is None:
        spectrum: Spectrum[Any] = isotropic(SYSTEM)
    else:
        atoms, weights = (
            np.array([float(part) for part in parts])[:, None]
            for parts in (setting.atoms, setting.weights)
        )
        spectrum = Spectrum(SYSTEM, atoms, weights)
    return Parameters(
        ns=SYSTEM,
        psi_n=setting.psi_n.ravel(),
        psi_p=setting.psi_p.ravel(),
        signal=signal,
        noise=noise,
        inverse_copies=1 / setting.noise_samples.ravel(),
        ridge=setting.ridge.ravel(),
        linear=moments.linear,
        shared=moments.shared,
        fresh=moments.fresh,
        spectrum=spectrum,
        unit=np.ones_like(time),
    )


def _solve(parameters: Parameters[Any], curve: LearningCurve) -> _Grid:
    setting = curve.setting
    count = parameters.psi_p.size
    scaled = setting.interpolates.ravel() & setting.is_limit
    if setting.is_limit:
        small = np.full(count, TINY)
        if not curve.activation.is_linear:
            small = np.where(scaled, TINY, 0.0)
        parameters = replace(parameters, ridge=small)
    delta = np.empty((2, count))
    resolvent = None if parameters.spectrum.weights is None else np.empty(count)
    for block in _blocks(count):
        found = solver.solve(solver.chosen(parameters, block))
        delta[0, block], delta[1, block] = found.delta
        if resolvent is not None and found.resolvent is not None:
            resolvent[block] = found.resolvent
    if scaled.any():
        scale = np.where(scaled, TINY, 1.0)
        delta = delta / scale
        resolvent = None if resolvent is None else resolvent * scale
        parameters = replace(
            parameters,
            ridge=np.where(scaled, 1.0, parameters.ridge),
            unit=np.where(scaled, 0.0, 1.0),
        )
    return _Grid(parameters, (delta[0], delta[1]), resolvent, scaled)


def _warn(setting: Setting, missing: NDArray[np.bool_]) -> None:
    first = int(np.flatnonzero(missing)[0])
    names = ("psi_n", "psi_p", "time", "ridge", "noise_samples")
    place = ", ".join(f"{name}={getattr(setting, name).ravel()[first]!s}" for name in names)
    if setting.is_limit:
        place = place.replace("ridge=0.0", f'ridge="{LIMIT}"')
    warnings.warn(
        f"{int(missing.sum())} of {missing.size} points have no solution in float64 and are "
        f"NaN, the first at {place}; `enclose` raises the precision until it has one",
        CurveWarning,
        stacklevel=4,
    )


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, max(count, 1), BLOCK):
        yield slice(start, min(start + BLOCK, count))

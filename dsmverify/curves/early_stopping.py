"""Learning curves of gradient flow that is stopped early, from the same reduced system.

From A = 0 without ridge, gradient flow on the loss gives after a time tau

    B(tau) = -(1/sqrt h) V^T q(U),     q(x) = (1 - e^{-tau x})/x,

where ridge has q(x) = 1/(x + lam). It is no ridge solution, but linear in resolvents: the Laplace
transform of q by tau is `1/(lam (x + lam))`. So the training loss and the overlap with the true
score are inverse transforms of `(1 - F(lam))/lam` and `k0(lam)/lam`, and the quadratic part of the
test error is a double one of `T_X(lam, lam')/(lam lam')`, with

    T_X(lam, lam') = (1/d) tr V^T (U + lam)^-1 X (U + lam')^-1 V.

The reduced system gives these at complex lam, continued from real ones. For T_X let lam become the
matrix `[[lam, 0], [0, lam']]`, to which X is added above the diagonal: the equations consist of
sums and inverses only, `L = (1/A + H)^-1` and `K = (1/H + A)^-1` included, and hold for such
matrices as they stand. What stands above the diagonal solves a linear system of three equations.

Time is that of `dB/dtau = -(B U + V^T/sqrt h)`, the flow of `d/(2 h)` times the loss in B.

Rigour: as for the reduced system, whose continuation to complex lam and to two ridges is our own.
The inverse transforms are approximate; see `GradientFlow.accuracy`.
Source: random-features.md, sections 1, 3, 4; own derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.curves.activations import Activation
from dsmverify.curves.curve import LearningCurve, learning_curve
from dsmverify.curves.moments import float_moments
from dsmverify.curves.settings import Setting
from dsmverify.errors import DsmverifyError, InputError, show
from dsmverify.exact import parse_exact

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Curve = Callable[[Floats], LearningCurve]
"""The curve by its ridges."""

COUNTS: Final = (20, 28)
"""Points of the contours: results are those of the second, the first tells how far off."""

SUBSTEPS: Final = 4
"""Steps of the continuation from one point of a contour to the next."""

NEWTON_STEPS: Final = 40
RESIDUAL: Final = 1e-12


class ContinuationError(DsmverifyError):
    """The solution could not be followed to complex ridges."""

    exit_status = 1


@dataclass(frozen=True)
class GradientFlow:
    """Errors along gradient flow from zero, `[times]` each.

    Attributes:
        training_time: tau.
        test_error: against the score of the population.
        train_error: the loss on the training draws; at m = inf also the memorisation error, which
            is not derived here at finite m.
        new_data_loss: the loss on new points.
        accuracy: largest difference of an error between two contours, `[times]`: what the inverse
            transforms left open, an estimate and no bound.
    """

    training_time: Floats
    test_error: Floats
    train_error: Floats
    new_data_loss: Floats
    accuracy: Floats


def gradient_flow(
    activation: str | Activation = "relu",
    psi_n: Any = 4,
    psi_p: Any = 2,
    time: Any = "0.1",
    training_time: Any = 1.0,
    noise_samples: Any = 1,
    spectrum: tuple[Sequence[Any], Sequence[Any]] | None = None,
) -> GradientFlow:
    """Errors after training for some time by gradient flow from zero, without ridge.

    Result: approximate, see `GradientFlow.accuracy`.

    Args:
        activation: name of an activation, or an `Activation`.
        psi_n: samples per dimension.
        psi_p: features per dimension.
        time: diffusion time.
        training_time: tau, positive; one or a sequence.
        noise_samples: m, noised copies of each sample, or `math.inf`.
        spectrum: of the data's covariance; None for isotropic data.

    Raises:
        InputError: an argument out of range, or an array other than `training_time`.
        ContinuationError: the solution could not be followed to complex ridges.
    """
    taus = _training_times(training_time)

    def curve(ridge: Any) -> LearningCurve:
        return learning_curve(activation, psi_n, psi_p, time, ridge, noise_samples, spectrum)

    if shape := curve(1).setting.shape:
        names = "psi_n, psi_p, time, noise_samples"
        raise InputError(names, show(shape), "one point at a time", "give scalars")
    start = curve(np.ones(1))
    table = _table(start.activation, start.setting)
    rough, fine = (_at(table, taus, count, curve) for count in COUNTS)
    train, test = fine
    accuracy = np.maximum(np.abs(train - rough[0]), np.abs(test - rough[1]))
    new = 1 - table.noise * table.score_square + table.noise * test
    return GradientFlow(taus, test, train, new, accuracy)


def _training_times(given: Any) -> Floats:
    """Times as an array. `[times]`."""
    if isinstance(given, str | Fraction):
        given = float(parse_exact(given, field="training_time"))
    array = np.asarray(given)
    if array.dtype.kind not in "iuf" or array.ndim > 1 or array.size == 0:
        rule = "it must be a number, or a sequence of numbers"
        raise InputError("training_time", show(given), rule, "give tau > 0")
    taus = np.atleast_1d(array.astype(np.float64))
    if not (np.isfinite(taus) & (taus > 0)).all():
        raise InputError("training_time", show(given), "it must be positive", "give tau > 0")
    return taus


@dataclass(frozen=True)
class _Table:
    """The coefficients of one point; atoms stand along the last axis."""

    psi_p: float
    noise: float
    linear: float
    inverse_copies: float
    atoms: Floats
    weights: Floats
    rates: tuple[Floats, Floats]
    shifts: tuple[float, float]
    mixture: tuple[float, float]
    loads: tuple[float, float]
    noised: Floats
    """`a^2 xi + h`; times mu_1^2 it is the direction C + N in q_A."""
    own_shift: float
    """`v0^2 + s^2`, that in q_S."""

    @property
    def score_square(self) -> float:
        """`int 1/(a^2 xi + h)`, the error of the zero score."""
        return float(self.weights @ (1 / self.noised))


def _table(activation: Activation, setting: Setting) -> _Table:
    time = setting.time.ravel()
    signal, noise = float(np.exp(-2 * time[0])), float(-np.expm1(-2 * time[0]))
    moments = float_moments(activation, time)
    linear, shared, fresh = (
        float(value[0]) for value in (moments.linear, moments.shared, moments.fresh)
    )
    if setting.atoms is None or setting.weights is None:
        atoms = weights = np.ones(1)
    else:
        atoms, weights = (
            np.array([float(x) for x in part]) for part in (setting.atoms, setting.weights)
        )
    copies = float(1 / setting.noise_samples[0])
    psi_n = float(setting.psi_n[0])
    return _Table(
        psi_p=float(setting.psi_p[0]),
        noise=noise,
        linear=linear,
        inverse_copies=copies,
        atoms=atoms,
        weights=weights,
        rates=((signal * atoms + noise * copies) * linear, noise * linear + 0 * atoms),
        shifts=(shared + fresh * copies, fresh),
        mixture=(1.0, 1 - copies),
        loads=(1 / psi_n, copies / psi_n),
        noised=signal * atoms + noise,
        own_shift=shared + fresh,
    )


# The inverse Laplace transform: Talbot's contour with the parameters of Weideman (SIAM J. Numer.
# Anal. 44 (2006) 2342), error about e^{-1.36 N} for what is analytic off the negative axis.


def _angles(count: int) -> Floats:
    """Angles of the points above the real axis, ascending. `[count/2]`."""
    return np.asarray((2 * np.arange(count // 2) + 1) * np.pi / count)


def _place(angle: Any, count: int) -> Any:
    """The contour, for time 1."""
    turned = angle / np.tan(0.6407 * angle) if np.all(angle) else 1 / 0.6407
    return count * (-0.6122 + 0.5017 * turned + 0.2645j * angle)


def _weights(angles: Floats, count: int) -> Complexes:
    """`e^z z'/(i N)`: the transform at time s is twice the real part of `sum w_j F(z_j/s)/s`."""
    inner = 0.6407 * angles
    slope = 0.5017 / np.tan(inner) - 0.5017 * inner / np.sin(inner) ** 2 + 0.2645j
    return np.asarray(np.exp(_place(angles, count)) * slope / 1j)


def _at(table: _Table, taus: Floats, count: int, curve: Curve) -> tuple[Floats, Floats]:
    """Training loss and test error. `[times]` each."""
    angles = _angles(count)
    weights, places = _weights(angles, count), _place(angles, count)
    overlaps, square, train = (np.empty_like(taus) for _ in range(3))
    doubled = _followed(table, 2 * taus, count, curve)
    single = _followed(table, taus, count, curve)
    both = np.concatenate([weights, weights.conj()])
    every = np.concatenate([places, places.conj()])
    for i in range(taus.size):
        lost = 1 - _minimum(table, doubled[:, i])
        train[i] = 1 - 2 * np.real(np.sum(weights * lost / places))
        here = single[:, i]
        overlaps[i] = 2 * np.real(np.sum(weights * _overlap(table, here) / places))
        pair = np.concatenate([here, here.conj()])
        slopes = _two_point(table, pair, pair, table.linear * table.noised, table.own_shift)
        factor = both / every
        square[i] = np.real(factor @ slopes @ factor)
    return train, table.score_square - 2 * overlaps / table.noise + square / table.noise


# The system at complex ridges. A solution is delta_1, delta_2, H along the last axis.


def _followed(table: _Table, times: Floats, count: int, curve: Curve) -> Complexes:
    """The solution at `lam = z/s` along the contour, continued from its real point.

    Result: `[count/2, times, 3]`, relative residual below `RESIDUAL`.
    """
    real = curve(_place(0.0, count).real / times)
    solution = np.stack([real.delta_1, real.delta_2, real.g * table.psi_p], -1).astype(complex)
    angles = np.concatenate([[0.0], _angles(count)])
    found = []
    for before, after in pairwise(angles):
        for angle in np.linspace(before, after, SUBSTEPS + 1)[1:]:
            ridge = _place(angle, count) / times
            solution = _newton(table, solution, ridge)
            resolvent = solution[:, 2]
            # H and lam H are Stieltjes transforms: that is what tells the solution from others.
            if (resolvent.imag > 0).any() or ((ridge * resolvent).imag < 0).any():
                raise ContinuationError("the solution at complex ridges is not a resolvent")
        found.append(solution)
    return np.stack(found)


def _newton(table: _Table, start: Complexes, ridge: Complexes) -> Complexes:
    here = start
    for _ in range(NEWTON_STEPS):
        values, jacobian = _equations(table, here, ridge)
        step = np.linalg.solve(jacobian, values[..., None])[..., 0]
        here = here - step
        if np.max(np.abs(step) / np.abs(here)) < RESIDUAL:
            return here
    raise ContinuationError("Newton's method did not settle at a complex ridge")


def _parts(table: _Table, solution: Complexes) -> tuple[Complexes, Complexes, Complexes]:
    """A, r = 1/(1 + A H), K. `[..., atoms]`."""
    strength = sum(table.mixture[k] * solution[..., k, None] * table.rates[k] for k in range(2))
    resolvent = solution[..., 2, None]
    ratio = 1 / (1 + strength * resolvent)
    return np.asarray(strength), ratio, ratio * resolvent


def _equations(table: _Table, solution: Complexes, ridge: Complexes) -> tuple[Complexes, Complexes]:
    """Residuals of the equations of delta_1, delta_2 and H, and their Jacobian."""
    strength, ratio, kernel = _parts(table, solution)
    resolvent, w = solution[..., 2], table.weights
    shift = ridge + sum(table.mixture[k] * solution[..., k] * table.shifts[k] for k in range(2))
    values = np.empty_like(solution)
    jacobian = np.zeros((*solution.shape, 3), dtype=complex)
    for k in range(2):
        rate, load, delta = table.rates[k], table.loads[k], solution[..., k]
        damping = 1 + load * ((kernel * rate) @ w + table.shifts[k] * resolvent)
        values[..., k] = delta * damping - 1
        for other in range(2):
            pull = (kernel * kernel * rate * table.rates[other]) @ w
            jacobian[..., k, other] = -delta * load * table.mixture[other] * pull
        jacobian[..., k, k] += damping
        jacobian[..., k, 2] = delta * load * ((ratio * ratio * rate) @ w + table.shifts[k])
        reach = (ratio * kernel * rate) @ w + table.shifts[k] * resolvent
        jacobian[..., 2, k] = table.mixture[k] * reach
    values[..., 2] = shift * resolvent + (strength * kernel) @ w - table.psi_p
    jacobian[..., 2, 2] = shift + (strength * ratio * ratio) @ w
    return values, jacobian


def _bar(table: _Table, delta: Any) -> Complexes:
    """`delta_1/m + (1 - 1/m) delta_2`."""
    copies = table.inverse_copies
    return np.asarray(copies * delta[..., 0] + (1 - copies) * delta[..., 1])


def _overlap(table: _Table, solution: Complexes) -> Complexes:
    """k0, `sqrt(h) mu_1 tr V^T (U + lam)^-1 W/d`."""
    kernel = _parts(table, solution)[2] @ table.weights
    return np.asarray(table.noise * table.linear * _bar(table, solution) * kernel)


def _minimum(table: _Table, solution: Complexes) -> Complexes:
    """F, `1 - tr V^T (U + lam)^-1 V/d`."""
    return np.asarray(_bar(table, solution) * (1 - _overlap(table, solution)))


def _two_point(
    table: _Table, first: Complexes, second: Complexes, strength: Floats, shift: float
) -> Complexes:
    """`T_X` between two lists of ridges. `[first, second]`.

    Args:
        table: the coefficients.
        first: solutions, `[first, 3]`.
        second: solutions, `[second, 3]`.
        strength: X in q_A, over the atoms.
        shift: X in q_S.
    """
    one, two = first[:, None, :], second[None, :, :]
    w = table.weights
    (a1, r1, k1), (a2, r2, k2) = _parts(table, one), _parts(table, two)
    ratios, kernels, lost = r1 * r2, k1 * k2, a1 * r1 * a2 * r2
    shape = (first.shape[0], second.shape[0])
    matrix = np.zeros((*shape, 3, 3), dtype=complex)
    right = np.zeros((*shape, 3), dtype=complex)
    for k in range(2):
        both = one[..., k] * two[..., k] * table.loads[k]
        rate = table.rates[k]
        matrix[..., k, k] = 1
        for other in range(2):
            pull = (kernels * rate * table.rates[other]) @ w
            matrix[..., k, other] -= both * table.mixture[other] * pull
        matrix[..., k, 2] = both * ((ratios * rate) @ w + table.shifts[k])
        right[..., k] = both * ((kernels * rate * strength) @ w)
        matrix[..., 2, k] = table.mixture[k] * ((ratios * rate) @ w + table.shifts[k])
    matrix[..., 2, 2] = table.psi_p / (one[..., 2] * two[..., 2]) - lost @ w
    right[..., 2] = -shift - (ratios * strength) @ w
    moved = np.linalg.solve(matrix, right[..., None])[..., 0]
    change = strength + sum(
        table.mixture[k] * moved[..., k, None] * table.rates[k] for k in range(2)
    )
    kernel = (ratios * moved[..., 2, None] - kernels * change) @ w
    bar1, bar2, bar = _bar(table, one), _bar(table, two), _bar(table, moved)
    mixed = bar * (k2 @ w) * bar2 + bar1 * (k1 @ w) * bar + bar1 * kernel * bar2
    return np.asarray(bar - table.noise * table.linear * mixed)

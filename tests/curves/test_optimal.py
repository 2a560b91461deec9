"""The best ridge, and gradient flow stopped early."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from dsmverify.curves import (
    ContinuationError,
    gradient_flow,
    learning_curve,
    optimal_ridge,
    power_law,
    two_atoms,
)
from dsmverify.errors import InputError
from dsmverify.features.arrays import arrays_named
from dsmverify.features.extrapolate import fit
from dsmverify.features.model import Draws, Setting
from dsmverify.features.simulate import simulate

T = 0.3
A2, H = math.exp(-2 * T), -math.expm1(-2 * T)
POINT: dict[str, Any] = {"psi_n": 2, "psi_p": "3/2", "time": "0.5"}
TWO = two_atoms(1, 7, "1/4")
SIZES = (24, 32, 48, 64)


def test_best_ridge_of_noisy_linear_regression() -> None:
    # m = 1 with linear features that abound: regression with label noise a^2/h on a target of
    # norm 1 in d dimensions. The best ridge is noise d/n, times psi_p, up to relative 1/psi_p.
    found = optimal_ridge("linear", 4, 1e6, T, 1, between=(1e-2, 1e8))
    assert found.where == "interior"
    assert found.ridge == pytest.approx(1e6 * A2 / H / 4, rel=1e-5)
    assert not found.has_several_minima


@pytest.mark.parametrize("m", [1, 3, math.inf])
@pytest.mark.parametrize("spectrum", [None, TWO])
def test_an_interior_minimum_is_one(m: float, spectrum: Any) -> None:
    found = optimal_ridge(**POINT, noise_samples=m, spectrum=spectrum)
    assert found.where == "interior"
    near = found.ridge * np.array([0.99, 1, 1.01])
    around = learning_curve(**POINT, ridge=near, noise_samples=m, spectrum=spectrum)
    assert around.test_error[1] == pytest.approx(found.value, rel=1e-13)
    assert np.all(around.test_error[[0, 2]] > found.value)
    # The same rise on both sides: the place is right to second order.
    rises = around.test_error[[0, 2]] - found.value
    assert rises[0] == pytest.approx(rises[1], rel=0.05)
    ridges = np.logspace(-8, 4, 400)
    grid = learning_curve(**POINT, ridge=ridges, noise_samples=m, spectrum=spectrum)
    assert grid.test_error.min() >= found.value


def test_the_ends_are_told_apart() -> None:
    zero = optimal_ridge(**POINT, noise_samples=math.inf, minimise="memorisation_error")
    assert (zero.where, zero.ridge) == ("zero", 0)
    assert (
        zero.value == learning_curve(**POINT, ridge="0+", noise_samples=math.inf).memorisation_error
    )
    # |x| has no linear part: all that it learns is noise.
    infinite = optimal_ridge("abs", **POINT, spectrum=TWO)
    assert (infinite.where, infinite.ridge) == ("infinite", math.inf)
    t = float(POINT["time"])
    a2, h = math.exp(-2 * t), -math.expm1(-2 * t)
    expected = 0.75 / (a2 * 0.4 + h) + 0.25 / (a2 * 2.8 + h)
    assert infinite.value == pytest.approx(expected, rel=1e-14)
    far = learning_curve("abs", **POINT, ridge=1e9, spectrum=TWO)
    assert far.test_error == pytest.approx(expected, rel=1e-6)


def test_several_minima_are_seen() -> None:
    found = optimal_ridge("relu", 0.28, 9.2, 0.028, 5, minimise="memorisation_error")
    assert found.has_several_minima
    assert [minimum.ridge for minimum in found.minima] == sorted(m.ridge for m in found.minima)
    assert found.value == min(minimum.value for minimum in found.minima)


def test_rounding_makes_no_minima() -> None:
    # Linear features in the flat part of the curve: derivatives there are rounding.
    point = (4.810662407736214, 5.549936879674778, 0.02573612477496084, math.inf)
    found = optimal_ridge("linear", *point, minimise="memorisation_error")
    assert found.where == "zero"
    assert not found.has_several_minima


def test_at_the_peak_the_limit_is_no_candidate() -> None:
    found = optimal_ridge("relu", 2, 2, "0.1", 1)
    assert found.where == "interior"
    assert found.value < 1


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"minimise": "loss"}, "minimise"),
        ({"between": (1, 1)}, "between"),
        ({"between": (0, 1)}, "between"),
        ({"between": 3}, "between"),
        ({"between": ("a", 1)}, "between"),
        ({"between": (1, 2, 3)}, "between"),
        ({"between": (math.nan, 1)}, "between"),
        ({"places": 2}, "places"),
        ({"places": 10**9}, "places"),
        ({"time": [0.1] * 121}, "psi_n, psi_p, time, noise_samples"),
        ({"psi_n": [4]}, "psi_n, psi_p, time, noise_samples"),
        ({"psi_n": np.ones((4, 1))}, "psi_n, psi_p, time, noise_samples"),
        ({"psi_n": 0}, "psi_n"),
    ],
)
def test_bad_input_of_the_best_ridge(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(InputError) as refused:
        optimal_ridge(**change)
    assert refused.value.argument == argument


# Gradient flow ----------------------------------------------------------------------------------


def test_gradient_flow_of_linear_features() -> None:
    """Abundant linear features: the flow of d coordinates, each with its eigenvalue."""
    psi_n, psi_p = 4.0, 1e7
    low, high = (1 - psi_n**-0.5) ** 2, (1 + psi_n**-0.5) ** 2

    def over_law(f: Any) -> float:
        """Integral by the Marchenko-Pastur law of the eigenvalues of the sample covariance."""

        def part(angle: float) -> float:
            x = (low + high) / 2 - (high - low) / 2 * math.cos(angle)
            density = psi_n * ((high - low) / 2 * math.sin(angle)) ** 2 / (2 * math.pi * x)
            return float(f(A2 * x + H) * density)

        return float(integrate.quad(part, 0, math.pi, epsabs=1e-13)[0])

    reduced = np.array([0.1, 1.0, 10.0])
    flow = gradient_flow("linear", psi_n, psi_p, T, reduced / psi_p, math.inf)
    for i, s in enumerate(reduced):
        test = over_law(lambda c, s=s: (1 + math.expm1(-s * c) / c) ** 2)
        train = 1 + H * over_law(lambda c, s=s: math.expm1(-2 * s * c) / c)
        assert flow.test_error[i] == pytest.approx(test, rel=1e-5)
        assert flow.train_error[i] == pytest.approx(train, rel=1e-5)


@pytest.mark.parametrize("m", [1, 3, math.inf])
@pytest.mark.parametrize("psi_p", ["1/2", 7])
@pytest.mark.parametrize("spectrum", [None, TWO, power_law("1/2", 5)])
def test_gradient_flow_ends_at_the_limit_of_vanishing_ridge(
    m: float, psi_p: Any, spectrum: Any
) -> None:
    flow = gradient_flow("relu", 2, psi_p, "0.5", [1e-6, 1e9], m, spectrum)
    end = learning_curve("relu", 2, psi_p, "0.5", "0+", m, spectrum)
    assert flow.test_error[1] == pytest.approx(end.test_error, rel=1e-9)
    assert flow.train_error[1] == pytest.approx(end.train_error, abs=1e-9)
    assert flow.new_data_loss[1] == pytest.approx(end.new_data_loss, rel=1e-9)
    assert flow.accuracy.max() < 1e-9
    # It starts as ridge ends, 1/lam being the time, and the training loss falls by twice h k0.
    start = learning_curve("relu", 2, psi_p, "0.5", 1e6, m, spectrum)
    assert flow.test_error[0] == pytest.approx(start.test_error, abs=1e-10)
    assert flow.train_error[0] == pytest.approx(start.train_error, abs=1e-10)


def test_gradient_flow_is_no_ridge() -> None:
    times = np.array([0.1, 1.0, 10.0, 100.0])
    flow = gradient_flow("relu", 4, 2, "0.1", times, 1)
    ridge = learning_curve("relu", 4, 2, "0.1", 1 / times, 1)
    assert np.all(np.diff(flow.train_error) < 0)
    assert np.max(np.abs(flow.test_error / ridge.test_error - 1)) > 0.2


def test_a_solution_that_is_lost_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsmverify.curves.early_stopping.NEWTON_STEPS", 1)
    with pytest.raises(ContinuationError, match="did not settle"):
        gradient_flow()


def _flow(setting: Setting, repeats: int, tau: float) -> Any:
    """Test and training error of finite models after gradient flow. `[repeats, 2]`."""
    arrays, found = arrays_named("numpy", "cpu"), []
    d, h = setting.dimension, setting.noise
    for repeat in range(repeats):
        draws = Draws(setting, 9, [repeat], arrays)
        if setting.rows is None:
            second, cross = draws.noise_moments.second[0], draws.noise_moments.cross[0]
        else:
            phi, z = (part[0] for part in next(draws.rows(setting.rows)))
            second, cross = phi.T @ phi / len(phi), phi.T @ z / len(phi)
        values, vectors = np.linalg.eigh(second)
        values = np.maximum(values, 1e-300)
        speed = -np.expm1(-tau * values) / values
        outer = -(vectors @ (speed[:, None] * (vectors.T @ cross))).T / math.sqrt(h)
        fresh, read = draws.test_moments.second[0], draws.test_moments.cross[0]
        test = np.sum(outer @ fresh * outer) + 2 * np.trace(outer @ read)
        train = h * np.sum(outer @ second * outer) + 2 * math.sqrt(h) * np.trace(outer @ cross)
        found.append((test / d + np.mean(1 / setting.noised), 1 + train / d))
    return np.array(found)


def _flow_deviations(m: float, spectrum: Any, tau: float, effort: int) -> tuple[Any, Any]:
    """Intercepts less curve in standard errors, and less the ridge of 1/tau."""
    rows = []
    for d in SIZES:
        setting = simulate(
            **POINT, noise_samples=m, dimension=d, repeats=2, seed=9, spectrum=spectrum
        ).setting
        rows.append(_flow(setting, max(4, effort // d), tau))
    flow = gradient_flow(**POINT, training_time=tau, noise_samples=m, spectrum=spectrum)
    ridge = learning_curve(**POINT, ridge=1 / tau, noise_samples=m, spectrum=spectrum)
    own, other = [], []
    for k, name in enumerate(("test_error", "train_error")):
        means = [row[:, k].mean() for row in rows]
        errors = [row[:, k].std(ddof=1) / math.sqrt(len(row)) for row in rows]
        found = fit(SIZES, means, errors)
        own.append(abs(found.deviation(float(getattr(flow, name)[0]))))
        other.append(abs(found.deviation(getattr(ridge, name))))
    return np.array(own), np.array(other)


@pytest.mark.parametrize(("spectrum", "tau"), [(TWO, 2.0), (power_law("1/2", 8), 50.0)])
def test_gradient_flow_of_finite_models_agrees(spectrum: Any, tau: float) -> None:
    own, other = _flow_deviations(2, spectrum, tau, 800)
    assert own.max() <= 4
    assert other.max() > 4, "ridge with lam = 1/tau is another curve"


@pytest.mark.slow
@pytest.mark.parametrize("spectrum", [None, TWO, power_law("1/2", 8)])
@pytest.mark.parametrize("m", [1, math.inf])
def test_gradient_flow_of_many_finite_models_agrees(m: float, spectrum: Any) -> None:
    own, other = _flow_deviations(m, spectrum, 5.0, 6400)
    assert own.max() <= 4
    assert other.max() > 4


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"training_time": 0}, "training_time"),
        ({"training_time": [1, math.nan]}, "training_time"),
        ({"training_time": [[1]]}, "training_time"),
        ({"training_time": []}, "training_time"),
        ({"training_time": "soon"}, "training_time"),
        ({"training_time": 1j}, "training_time"),
        ({"training_time": True}, "training_time"),
        ({"psi_p": [1, 2]}, "psi_n, psi_p, time, noise_samples"),
        ({"psi_p": [1]}, "psi_n, psi_p, time, noise_samples"),
        ({"noise_samples": 0}, "noise_samples"),
    ],
)
def test_bad_input_of_gradient_flow(change: dict[str, Any], argument: str) -> None:
    with pytest.raises(InputError) as refused:
        gradient_flow(**change)
    assert refused.value.argument == argument

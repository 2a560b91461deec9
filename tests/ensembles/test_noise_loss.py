"""Losses of noise predictions against quadrature, and their curvature against a dense Jacobian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate

from dsmverify.ensembles.conditioned import ConditionedEnsemble, noise_prediction
from dsmverify.ensembles.noise_loss import CURVATURE_DRAWS, Exam, curvature, linear_loss
from dsmverify.ensembles.settings import Model, Networks
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.instance import Batch

TIMES = Times(0.05, 1.0, 4)


def noise(time: float) -> tuple[float, float]:
    return np.exp(-time), np.sqrt(1 - np.exp(-2 * time))


def weighted(values: list[float]) -> float:
    sigma = np.array([noise(t)[1] for t in TIMES.values])
    return float(np.dot(sigma / sigma.sum(), values))


def start(model: Model, points: np.ndarray, seed: int = 1) -> Networks:
    ensemble = ConditionedEnsemble.of(
        model, Batch(5, "mean", replacement=True), TIMES, [points], [0.1], [seed], [1]
    )
    return ensemble.start(np.float64)


def test_the_best_affine_loss_is_what_regression_leaves() -> None:
    points = np.random.default_rng(1).normal(size=(5, 3)) * [3.0, 1.0, 0.2]
    left = []
    for t in TIMES.values:
        mu, sigma = noise(t)
        # Regress Z on Y = mu X + sigma Z: the population's covariances, no sampling.
        covariance = mu**2 * np.cov(points.T, bias=True) + sigma**2 * np.eye(3)
        left.append(3 - sigma**2 * np.trace(np.linalg.inv(covariance)))
    # Conditions of the inverse are below 100 here.
    assert linear_loss(points, TIMES) == pytest.approx(weighted(left), rel=1e-12)


def test_the_least_loss_by_quadrature() -> None:
    """Two points at -a and a in d = 1: E[X given Y] is a tanh(mu a Y / sigma^2)."""
    a = 0.7

    def least(t: float) -> float:
        mu, sigma = noise(t)

        def integrand(z: float) -> float:
            y = mu * a + sigma * z
            predicted = (y - mu * a * np.tanh(mu * a * y / sigma**2)) / sigma
            return float((predicted - z) ** 2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))

        return float(integrate.quad(integrand, -9, 9, epsabs=1e-10, limit=200)[0])

    exact = weighted([least(t) for t in TIMES.values])
    found = Exam(np.array([[-a], [a]]), TIMES, seed=1, draws=20_000).best
    assert found.error < 0.01
    assert abs(found.value - exact) < 4 * found.error  # four standard errors
    single = Exam(np.array([[2.0, 1.0]]), TIMES, seed=1, draws=10).best
    # One point: Z is known. Its prediction loses digits of y / sigma, 1e-15.
    assert single.value < 1e-25


def test_the_two_terms_are_the_loss() -> None:
    """The prediction 0 has loss d: excess and least loss sum to it."""
    points = np.random.default_rng(2).normal(size=(4, 3))
    model = Model(width=6, dimension=3)
    networks = start(model, points)
    networks.outer[:] = 0
    exam = Exam(points, TIMES, seed=3, draws=4000)
    excess = exam.excess(model, networks, 0)
    error = np.hypot(excess.error, exam.best.error)
    assert error < 0.05
    assert abs(excess.value + exam.best.value - 3) < 4 * error


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    points = np.array([[-0.7], [0.7]])
    found = [Exam(points, TIMES, seed=seed, draws=50).best for seed in range(200)]
    spread = np.std([one.value for one in found], ddof=1)
    # A standard deviation of 200 values errs by 1/sqrt(398), 5 %: three of them.
    assert spread == pytest.approx(np.mean([one.error for one in found]), rel=0.15)


def test_a_diverged_network_has_no_end() -> None:
    points = np.array([[0.0], [1.0]])
    model = Model(width=3, dimension=1)
    networks = start(model, points)
    networks.diverged[0] = 7
    exam = Exam(points, TIMES, seed=1, draws=30)
    assert exam.excess(model, networks, 0).value == np.inf
    assert curvature(model, networks, 0, exam) == np.inf


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"train_inner": False},
        {"offset": True},
        {"output": "root", "rate_times_width": False},
        {"rate_times_width": False},
    ],
)
def test_curvature_against_a_dense_jacobian(change: dict[str, object]) -> None:
    points = np.random.default_rng(4).normal(size=(3, 2))
    model = replace(Model(width=7, dimension=2), **change)  # type: ignore[arg-type]
    networks = start(model, points, seed=5)
    exam = Exam(points, TIMES, seed=6, draws=CURVATURE_DRAWS)

    def outputs() -> np.ndarray:
        made = [
            noise_prediction(model, networks, 0, exam.places[k], t)
            for k, t in enumerate(TIMES.values)
        ]
        return np.stack(made)

    step, columns = 1e-6, []
    for name in model.trained:
        array = getattr(networks, name)[0]
        factor = 1.0 if name == "offset" or not model.rate_times_width else model.width
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + step
            up = outputs()
            array[place] = kept - step
            columns.append(np.sqrt(factor) * (up - outputs()) / (2 * step))
            array[place] = kept
    sigma = np.array([noise(t)[1] for t in TIMES.values])
    weights = np.sqrt(sigma / sigma.sum() / CURVATURE_DRAWS)[:, None, None]
    jacobian = np.stack([(weights * column).ravel() for column in columns], axis=1)
    exact = 2 * np.linalg.norm(jacobian, 2) ** 2
    # Differences err by 1e-9; a kink within 1e-6 of a place would show, and none is. The
    # eigenvalue is asked for to 1e-3.
    assert curvature(model, networks, 0, exam) == pytest.approx(exact, rel=2e-3)


def test_a_loss_needs_two_draws() -> None:
    with pytest.raises(InputError, match="draws: 1, but a standard error needs two draws"):
        Exam(np.array([[0.0], [1.0]]), TIMES, seed=1, draws=1)

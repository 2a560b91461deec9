"""Minimisers against loops over mpmath numbers, their normal equations, and perturbations."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from dsmverify.features import minimise as minimising
from dsmverify.features.arrays import NumpyArrays, arrays_named
from dsmverify.features.minimise import Minimiser, minimise
from dsmverify.features.model import Draws, Setting
from tests.features.plain import Numbers, setting

SHAPES = {"more points": (9, 5, 2), "more features": (4, 11, 2), "square": (4, 8, 2)}
"""n, p, m."""


def sample(of: Setting, seed: int = 5) -> tuple[NDArray[Any], NDArray[Any]]:
    """Features and noise of the first repeat, from the chunks."""
    draws = Draws(of, seed, [0], NumpyArrays())
    phi, z = zip(*draws.rows(3), strict=True)
    return np.concatenate(phi, 1)[0], np.concatenate(z, 1)[0]


def found(of: Setting, seed: int = 5, backend: str = "numpy") -> Minimiser:
    return minimise(Draws(of, seed, [0], arrays_named(backend)))


def loss(of: Setting, outer: Any, phi: Any, z: Any, ridge: float) -> float:
    """The loss of section 1, by loops."""
    h = 1 - math.exp(-2 * of.time)
    total = 0.0
    for row, noise in zip(phi, z, strict=True):
        for c in range(of.dimension):
            score = sum(outer[c, k] * row[k] for k in range(of.features))
            total += (math.sqrt(h) * score + noise[c]) ** 2
    # A = sqrt(p) B.
    penalty = h * ridge / of.dimension * float((outer**2).sum())
    return total / (len(phi) * of.dimension) + penalty


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_minimiser_is_the_solution_of_the_normal_equations(name: str, shape: str) -> None:
    n, p, m = SHAPES[shape]
    of = setting(name, d=3, n=n, p=p, m=m)
    phi, z = sample(of)
    rows = n * m
    with mp.workdps(30):
        h = -mp.expm1(-2 * mp.mpf(of.time))
        for c in range(3):
            matrix, right = mp.zeros(p), mp.zeros(p, 1)
            for k in range(p):
                right[k] = -sum(mp.mpf(phi[i, k]) * mp.mpf(z[i, c]) for i in range(rows)) / (
                    rows * mp.sqrt(h)
                )
                for l in range(p):
                    matrix[k, l] = (
                        sum(mp.mpf(phi[i, k]) * mp.mpf(phi[i, l]) for i in range(rows)) / rows
                    )
                matrix[k, k] += mp.mpf(of.ridge)
            wanted = mp.lu_solve(matrix, right)
            made = found(of).outer[0, c]
            # Condition numbers are below 1e3.
            assert np.allclose(made, [float(x) for x in wanted], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_perturbation_has_a_smaller_loss(shape: str) -> None:
    n, p, m = SHAPES[shape]
    of = setting("relu", d=3, n=n, p=p, m=m)
    phi, z = sample(of)
    outer = found(of).outer[0]
    least = loss(of, outer, phi, z, of.ridge)
    generator = np.random.default_rng(1)
    for size in (1e-3, 1e-1):
        for _ in range(5):
            other = outer + size * generator.standard_normal(outer.shape)
            assert loss(of, other, phi, z, of.ridge) > least
    # The ridge term is not a part of the training error.
    assert found(of).train_error[0] == pytest.approx(loss(of, outer, phi, z, 0.0), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ridge", [0.05, 1e-6])
def test_the_routes_agree(shape: str, ridge: float, monkeypatch: pytest.MonkeyPatch) -> None:
    n, p, m = SHAPES[shape]
    of = setting("relu", d=3, n=n, p=p, m=m, ridge=ridge)
    monkeypatch.setattr(minimising, "CONDITION", 0.0)
    by_cholesky = found(of)
    monkeypatch.setattr(minimising, "CONDITION", math.inf)
    by_values = found(of)
    # Cholesky loses the condition number, at most 1e7 here, of 16 digits.
    for name in ("outer", "degrees", "train_error"):
        left, right = getattr(by_cholesky, name), getattr(by_values, name)
        assert np.allclose(left, right, rtol=1e-8, atol=1e-9), name


@pytest.mark.parametrize("shape", ["more points", "more features"])
def test_the_limit_is_the_minimum_norm_solution(shape: str) -> None:
    n, p, m = SHAPES[shape]
    of = setting("relu", d=3, n=n, p=p, m=m, ridge=0.0)
    phi, z = sample(of)
    h = 1 - math.exp(-2 * of.time)
    made = found(of)
    wanted = -(np.linalg.pinv(phi) @ z).T / math.sqrt(h)
    assert np.allclose(made.outer[0], wanted, rtol=1e-9, atol=1e-10)
    assert made.degrees[0] == pytest.approx(min(p, n * m), abs=1e-9)
    assert made.rank[0] == min(p, n * m)
    if shape == "more features":
        assert made.train_error[0] < 1e-24
    near = found(setting("relu", d=3, n=n, p=p, m=m, ridge=1e-12))
    assert np.allclose(near.outer, made.outer, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("m", [1, 3, None])
def test_chunks_change_nothing(m: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for ridge in (0.05, 0.0):
        of = setting("relu", d=3, n=8, p=5, m=m, ridge=ridge)
        whole = found(of)
        monkeypatch.setattr(Draws, "chunk", 4)
        assert np.allclose(found(of).outer, whole.outer, rtol=0, atol=1e-11)
        assert np.allclose(found(of).train_error, whole.train_error, rtol=1e-12)
        monkeypatch.undo()


def test_without_sampling_the_normal_equations_are_those_of_the_expectation() -> None:
    of = setting("tanh", d=4, n=5, p=9, m=None, ridge=0.02)
    draws = Draws(of, 3, [0], NumpyArrays())
    made = minimise(draws)
    outer, moments = made.outer[0], draws.noise_moments
    values = np.linalg.eigvalsh(moments.second[0])
    assert made.degrees[0] == pytest.approx((values / (values + of.ridge)).sum(), rel=1e-12)
    h = 1 - math.exp(-2 * of.time)
    left = outer @ (moments.second[0] + of.ridge * np.eye(9))
    assert np.allclose(left, -moments.cross[0].T / math.sqrt(h), rtol=0, atol=1e-12)


def test_without_sampling_a_linear_model_has_the_rank_of_its_data() -> None:
    # p > d linear features: in the limit the score is the best linear map, whatever W is.
    of = setting("linear", d=4, n=12, p=9, m=None, ridge=0.0)
    draws = Draws(of, 3, [0], NumpyArrays())
    made = minimise(draws)
    assert made.rank[0] == 4
    a, h = math.exp(-of.time), 1 - math.exp(-2 * of.time)
    points = draws.points[0]
    second = a * a * points.T @ points / 12 + h * np.eye(4)
    assert np.allclose(made.outer[0] @ draws.weights[0], -np.linalg.inv(second), rtol=0, atol=1e-9)


@pytest.mark.parametrize("m", [2, None])
@pytest.mark.parametrize("ridge", [0.05, 0.0])
@pytest.mark.parametrize("shape", ["more points", "more features"])
def test_torch_and_numpy_agree(shape: str, ridge: float, m: int | None) -> None:
    n, p, _ = SHAPES[shape]
    for equivalent in (None, Numbers(0.4, 0.25, 0.05, 0.03)):
        of = setting("relu", d=3, n=n, p=p, m=m, ridge=ridge, equivalent=equivalent)
        ours, theirs = found(of), found(of, backend="torch")
        for name in ("outer", "degrees", "train_error"):
            wanted = getattr(ours, name)
            made = np.asarray(getattr(theirs, name))
            assert np.allclose(made, wanted, rtol=1e-10, atol=1e-10), name


def test_gaussian_equivalent_features_are_made_of_their_parts() -> None:
    # Covariances of the features over many repeats, at one fixed pair of points: shared between
    # the copies of a point, fresh within one. 4000 repeats; 5 standard errors, seed fixed.
    numbers = Numbers(mean=0.3, linear=0.0, shared=0.5, fresh=0.2)
    of = setting("relu", d=2, n=2, p=1, m=2, equivalent=numbers)
    draws = Draws(of, 8, range(4000), NumpyArrays())
    phi, _ = next(draws.rows(4))
    # Rows are (copy, sample): 0 and 2 share a sample, 0 and 1 do not.
    seen = phi[:, :, 0] - 0.3
    for other, wanted in ((0, 0.7), (2, 0.5), (1, 0.0)):
        product = seen[:, 0] * seen[:, other]
        error = product.std(ddof=1) / math.sqrt(4000)
        assert abs(product.mean() - wanted) < 5 * error

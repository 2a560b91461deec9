"""Simulations: exact expectations against sampling, known answers, seeds, batches, bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dsmverify.curves.activations import Activation
from dsmverify.curves.panels import Growth
from dsmverify.errors import InputError
from dsmverify.features import exact_noise
from dsmverify.features.arrays import NumpyArrays
from dsmverify.features.covariance import eigenvalues
from dsmverify.features.minimise import minimise
from dsmverify.features.model import Draws
from dsmverify.features.simulate import QUANTITIES, Simulation, simulate
from tests.features.plain import PLAIN, standard_error

SMALL = {"dimension": 8, "repeats": 6, "seed": 3}


def small(**changed: Any) -> Simulation:
    return simulate(**{"psi_n": 2, "psi_p": 1.5, **SMALL, **changed})


@pytest.mark.parametrize("noise_samples", [1, 2, math.inf])
@pytest.mark.parametrize(
    ("activation", "spectrum"),
    [("relu", None), ("tanh", ((0.4, 1.6), (0.5, 0.5))), ("erf", lambda u: 2 * u)],
)
def test_expected_errors_are_those_of_sampled_data(
    activation: str, spectrum: Any, noise_samples: float
) -> None:
    # One repeat, 40 000 fresh points; each mean within 5 standard errors, seed fixed.
    found = small(activation=activation, spectrum=spectrum, noise_samples=noise_samples, seed=21)
    draws = Draws(found.setting, 21, [0], NumpyArrays())
    outer = minimise(draws).outer[0]
    generator = np.random.default_rng(4)
    count, d, t = 40_000, 8, 0.1
    a, h = math.exp(-t), 1 - math.exp(-2 * t)
    spread = np.ones(d) if spectrum is None else eigenvalues(spectrum, d)

    def score(y: Any) -> Any:
        return PLAIN[activation].float64(y @ draws.weights[0].T) @ outer.T

    x = generator.standard_normal((count, d)) * np.sqrt(spread)
    z = generator.standard_normal((count, d))
    y = a * x + math.sqrt(h) * z
    apart = ((score(y) + y / (a * a * spread + h)) ** 2).mean(1)
    fresh = ((math.sqrt(h) * score(y) + z) ** 2).mean(1)
    known = a * draws.points[0][np.arange(count) % 16] + math.sqrt(h) * z
    memory = ((math.sqrt(h) * score(known) + z) ** 2).mean(1)
    for name, seen in (
        ("test_error", apart),
        ("new_data_loss", fresh),
        ("memorisation_error", memory),
    ):
        assert abs(seen.mean() - found.values[name][0]) < 5 * standard_error(seen), name
    if noise_samples == math.inf:
        assert found.train_error == found.memorisation_error
    assert found.truncation.max() < 1e-8


def test_linear_features_with_more_rows_than_dimensions_are_least_squares() -> None:
    # Limit 3 of section 5 at finite size. A linear score of full rank is least squares of -z/sqrt h
    # on y, whose residuals are normal of variance tau^2 and independent of y: the test error has
    # mean tau^2 d/(n - d - 1), which tends to tau^2/(psi_n - 1). 4 standard errors, seed fixed.
    d, n, t = 12, 48, 0.2
    tau = math.exp(-2 * t) / (1 - math.exp(-2 * t))
    found = simulate("linear", 4, 1.5, t, "0+", 1, dimension=d, repeats=300, seed=77)
    estimate = found.test_error
    assert abs(estimate.mean - tau * d / (n - d - 1)) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.02 * estimate.mean
    assert (found.rank == d).all()


def test_few_linear_features_are_least_squares_with_more_noise() -> None:
    # psi_p < 1: what p features miss of y is noise too, of variance 1 - p/d, so the mean is
    # sigma^2 (1 + p/(n - p - 1)) - tau^2 with sigma^2 = 1 - p/d + tau^2.
    d, n, p, t = 12, 36, 6, 0.2
    tau = math.exp(-2 * t) / (1 - math.exp(-2 * t))
    found = simulate("linear", 3, 0.5, t, "0+", 1, dimension=d, repeats=300, seed=78)
    estimate = found.test_error
    sigma = 1 - p / d + tau
    assert abs(estimate.mean - sigma * (1 + p / (n - p - 1)) + tau) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.03 * estimate.mean


def test_linear_features_without_sampling_are_a_wiener_filter() -> None:
    # m infinite, no ridge, p > d: the score is -(a^2 S + h)^-1 y with S the sample's second moment.
    found = small(activation="linear", ridge="0+", noise_samples=math.inf)
    draws = Draws(found.setting, 3, range(6), NumpyArrays())
    a, h = math.exp(-0.1), 1 - math.exp(-0.2)
    for r in range(6):
        x = draws.points[r]
        inverse = np.linalg.inv(a * a * x.T @ x / 16 + h * np.eye(8))
        test = ((np.eye(8) - inverse) ** 2).sum() / 8
        assert found.values["test_error"][r] == pytest.approx(test, rel=1e-8)
        train = 1 - h * np.trace(inverse) / 8
        assert found.values["train_error"][r] == pytest.approx(train, rel=1e-8)


@pytest.mark.parametrize("model", ["features", "equivalent"])
@pytest.mark.parametrize("noise_samples", [1, 3, math.inf])
def test_batches_change_nothing(noise_samples: float, model: str) -> None:
    whole = small(noise_samples=noise_samples, model=model, batch=6)
    parts = small(noise_samples=noise_samples, model=model, batch=4)
    fewer = small(noise_samples=noise_samples, model=model, batch=1, repeats=3)
    for name in QUANTITIES:
        assert (whole.values[name] == parts.values[name]).all()
        assert (whole.values[name][:3] == fewer.values[name]).all()


@pytest.mark.parametrize("model", ["features", "equivalent"])
@pytest.mark.parametrize("noise_samples", [1, 3, math.inf])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_numpy_and_torch_agree(activation: str, noise_samples: float, model: str) -> None:
    given = {"activation": activation, "noise_samples": noise_samples, "model": model}
    ours, theirs = small(**given), small(**given, backend="torch", batch=4)
    for name in QUANTITIES:
        assert np.allclose(theirs.values[name], ours.values[name], rtol=1e-10, atol=1e-10), name


@pytest.mark.parametrize("noise_samples", [2, math.inf])
def test_truncation_bounds_what_a_cut_series_does(
    noise_samples: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"noise_samples": noise_samples, "ridge": 0.1, "dimension": 20}
    exact = small(**given)
    monkeypatch.setattr(exact_noise, "MOST_TERMS", 12)
    cut = small(**given)
    for name in ("test_error", "train_error", "memorisation_error"):
        moved = np.abs(cut.values[name] - exact.values[name])
        # The bound is of first order; what is left out is below a hundredth here.
        assert (moved <= 1.01 * cut.truncation + 1e-12).all(), name
    assert (exact.truncation < 1e-9).all()
    # Not idle either: worst signs in every entry cost some orders of magnitude, not all.
    moved = np.abs(cut.values["test_error"] - exact.values["test_error"])
    assert (cut.truncation < 1e5 * moved).all()
    assert (cut.truncation < 1).all()


def test_an_activation_of_a_user_is_taken_by_its_pieces_not_by_its_name() -> None:
    def of(left: int) -> Activation:
        pieces = [lambda _, x: left * x, lambda _, x: x]
        return Activation.piecewise("relu", pieces, kinks=[0], growth=Growth(1, 1))

    for noise_samples in (2, math.inf):
        given = {"noise_samples": noise_samples, "ridge": 0.1}
        theirs = small(activation=of(-1), **given)
        ours = small(activation="abs", **given)
        for name in QUANTITIES:
            # Quadrature is right to 13 digits of features of order 1.
            assert np.allclose(theirs.values[name], ours.values[name], rtol=0, atol=1e-9), name
        assert not np.allclose(
            theirs.values["test_error"], small(activation=of(0), **given).values["test_error"]
        )


def test_all_models_share_their_draws() -> None:
    one = Draws(small(noise_samples=1).setting, 3, [2], NumpyArrays())
    three = Draws(small(noise_samples=3, activation="erf").setting, 3, [0, 2], NumpyArrays())
    assert (one.points[0] == three.points[1]).all()
    assert (one.weights[0] == three.weights[1]).all()
    assert (next(one.rows())[1][0] == next(three.rows())[1][1][:16]).all()
    # Another size, another seed, another repeat: other draws.
    others = [
        Draws(small(dimension=9).setting, 3, [2], NumpyArrays()),
        Draws(small().setting, 4, [2], NumpyArrays()),
        Draws(small().setting, 3, [1], NumpyArrays()),
    ]
    assert all((other.points[0, 0, 0] != one.points[0, 0, 0]).all() for other in others)


def test_the_mean_spike_is_told_apart() -> None:
    with_spike = small(model="equivalent", ridge=1.0)
    without = small(model="equivalent", ridge=1.0, mean_spike=False)
    assert with_spike.model == without.model == "equivalent"
    assert not np.allclose(with_spike.values["test_error"], without.values["test_error"])
    # An odd activation has none.
    odd = [
        small(model="equivalent", activation="sin", mean_spike=spike).values["test_error"]
        for spike in (True, False)
    ]
    assert (odd[0] == odd[1]).all()


def test_sizes_are_rounded_and_reported() -> None:
    found = small(psi_n="7/3", psi_p=0.01)
    assert (found.setting.samples, found.setting.features) == (19, 1)
    assert (found.psi_n, found.psi_p) == (19 / 8, 1 / 8)
    assert found.noise_samples == 1
    assert found.test_error.repeats == 6
    values = found.values["test_error"]
    assert found.test_error.standard_error == pytest.approx(standard_error(values))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ridge": 0}, r"ridge: 0, but it must be positive; ridge='0\+' is the limit"),
        ({"ridge": -1e-3}, "ridge: -0.001"),
        ({"ridge": math.nan}, "ridge"),
        ({"ridge": "none"}, "ridge: 'none'"),
        ({"psi_n": 0}, "psi_n: 0, but it must be positive"),
        ({"psi_p": -2}, "psi_p: -2"),
        ({"time": 0}, "time: 0"),
        ({"time": math.inf}, "time"),
        ({"noise_samples": 1.5}, "noise_samples: 1.5, but it must be an integer"),
        ({"noise_samples": 0}, "noise_samples: 0"),
        ({"noise_samples": True}, "noise_samples: True"),
        ({"dimension": 1}, "dimension: 1"),
        ({"repeats": 1}, "repeats: 1"),
        ({"seed": -1}, "seed: -1"),
        ({"batch": 0}, "batch: 0"),
        ({"model": "kernel"}, "model: 'kernel'"),
        ({"backend": "jax"}, "backend: 'jax'"),
        ({"device": "cuda"}, "device: 'cuda', but NumPy runs on cpu only"),
        ({"backend": "torch", "device": "nowhere"}, "device: 'nowhere'"),
        ({"mean_spike": False}, "mean_spike: False"),
        ({"activation": "rleu"}, "activation: 'rleu'"),
        ({"dimension": 10**7}, "of memory"),
        ({"psi_n": 2, "psi_p": 2, "ridge": "0+"}, "n m = 16"),
        ({"psi_n": 1, "activation": "linear", "ridge": "0+"}, "n m = 8"),
        ({"spectrum": ((1.0,), (0.9,))}, "weights must be positive and sum to 1"),
        ({"spectrum": ((1.0, 2.0), (1.0,))}, "every eigenvalue needs a weight"),
        ({"spectrum": lambda u: -u}, "must be finite, not negative"),
        ({"spectrum": 3}, "spectrum"),
        ({"spectrum": lambda u: 1 / 0}, "spectrum: .* it raised ZeroDivisionError"),
        ({"activation": ["relu"]}, "no activation of this name"),
        ({"noise_samples": 10**30}, "noised points are more than 100000000"),
        ({"ridge": "1e-400"}, "ridge: '1e-400', but it is no normal float64"),
        ({"time": "1e400"}, "time: '1e400', but it is no normal float64"),
        ({"model": "equivalent", "mean_spike": "no"}, "mean_spike: 'no'"),
    ],
)
def test_bad_input_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(**changed)


def test_overflow_is_said() -> None:
    with pytest.raises(InputError, match="float64 does not hold the test_error there"):
        simulate("relu", 1, 0.75, 2.3e-308, "0+", 1, dimension=8, repeats=3, seed=1)


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(InputError, match="quantity"):
        small().estimate("error")


def test_points_have_the_spectrum_as_their_covariance() -> None:
    # 40 000 points; a mean square of normals has relative standard error sqrt(2/40 000).
    found = small(psi_n=5000, psi_p=0.2, spectrum=lambda u: 2 * u, repeats=2, ridge=1.0)
    points = Draws(found.setting, 3, [0], NumpyArrays()).points[0]
    wanted = (2 * np.arange(8) + 1) / 8
    seen = (points**2).mean(0)
    assert (np.abs(seen / wanted - 1) < 5 * math.sqrt(2 / 40_000)).all()
    mixed = points[:, 0] * points[:, 7]
    assert abs(mixed.mean()) < 5 * standard_error(mixed)

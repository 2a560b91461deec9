"""Certified power of squared MMD, against samples of the laws that share no closed form with it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.metrics.population import PopulationPower, population_power
from dsmverify.truth import Truth

TIME = Fraction(1, 100)
POINTS = 2 * np.random.default_rng(5).standard_normal((4, 3))
SIZE, REPEATS = 12, 4000


def _samples(blur: float, chance: np.random.Generator) -> Any:
    """`[REPEATS, SIZE, 3]` of the memoriser, its noise times `blur`."""
    picks = chance.integers(0, 4, (REPEATS, SIZE))
    noise = blur * np.sqrt(1 - np.exp(-0.02)) * chance.standard_normal((REPEATS, SIZE, 3))
    return np.exp(-0.01) * POINTS[picks] + noise


def _gaussians(chance: np.random.Generator) -> Any:
    centred = POINTS - POINTS.mean(axis=0)
    covariance = np.exp(-0.02) * centred.T @ centred / 4 + (1 - np.exp(-0.02)) * np.eye(3)
    draws = chance.standard_normal((REPEATS, SIZE, 3)) @ np.linalg.cholesky(covariance).T
    return np.exp(-0.01) * POINTS.mean(axis=0) + draws


def _estimates(x: Any, y: Any, *, biased: bool = False) -> Any:
    """Estimates of squared MMD with h = 1 of every pair of samples, by the definition."""

    def kernel(a: Any, b: Any) -> Any:
        return np.exp(-((a[:, :, None] - b[:, None, :]) ** 2).sum(axis=-1) / 2)

    off = np.ones((SIZE, SIZE)) if biased else 1 - np.eye(SIZE)
    inner = [(kernel(s, s) * off).sum(axis=(1, 2)) / off.sum() for s in (x, y)]
    return inner[0] + inner[1] - 2 * kernel(x, y).mean(axis=(1, 2))


def _power(points: Any, size: int = 1000, bandwidth: Fraction = Fraction(1)) -> PopulationPower:
    return population_power(points, bandwidth=bandwidth, size=size, time=TIME)


def test_means_and_deviations_against_samples() -> None:
    chance = np.random.default_rng(6)
    found = _power(POINTS, SIZE)
    memorised, other = _samples(1, chance), _samples(1, chance)
    gaussian, another = _gaussians(chance), _gaussians(chance)
    blurred = _samples(2, chance)
    means = {
        "extreme": (memorised, gaussian, False),
        "blurred": (blurred, memorised, False),
        "blurred_gaussian": (blurred, gaussian, False),
        "biased_null": (memorised, other, True),
        "biased_extreme": (memorised, gaussian, True),
    }
    for name, (x, y, biased) in means.items():
        values = _estimates(x, y, biased=biased)
        error = values.std() / np.sqrt(REPEATS)
        # Five standard errors of a mean of 4000: 6e-7 for each of five.
        assert float(getattr(found, name)) == pytest.approx(values.mean(), abs=5 * error), name
    deviations = {
        "null_deviation": (memorised, other),
        "gaussian_deviation": (gaussian, another),
        "extreme_deviation": (memorised, gaussian),
    }
    for name, (x, y) in deviations.items():
        values = _estimates(x, y)
        # Deviation of a deviation: sqrt((kurtosis - 1)/4/4000), about 1.2 % for a kurtosis of 3.3;
        # degenerate statistics reach 9, 2.2 %: five of them.
        assert float(getattr(found, name)) == pytest.approx(values.std(), rel=0.11), name


def test_wide_samples_separate_and_narrow_kernels_do_not_order() -> None:
    chance = np.random.default_rng(7)
    flat = _power(2 * chance.standard_normal((10, 2)))
    assert (flat.separates, flat.orders) == (Truth.TRUE, Truth.TRUE)
    wide = _power(2 * chance.standard_normal((10, 50)))
    assert (wide.separates, wide.orders) == (Truth.TRUE, Truth.FALSE)
    # A tenth of all pairs share a cluster, 2 sigma^2 apart along each axis: (1 + 2 sigma^2)^(-25).
    # Between clusters, and to the Gaussian, the kernel is nothing.
    mean = (1 + 2 * (1 - np.exp(-0.02))) ** -25 / 10
    assert float(wide.extreme) == pytest.approx(mean, rel=1e-3)
    assert float(wide.biased_null) == pytest.approx(2 / 1000 * (1 - mean), rel=1e-3)
    broad = _power(2 * chance.standard_normal((10, 50)), bandwidth=Fraction(20))
    assert (broad.separates, broad.orders) == (Truth.FALSE, Truth.TRUE)


@pytest.mark.parametrize(
    ("size", "least", "most", "separates"),
    [(190, 3.5, 4.3, Truth.FALSE), (250, 4.4, 5.0, Truth.TRUE)],
)
def test_errors_of_a_twentieth_take_the_root_of_nineteen(
    size: int, least: float, most: float, separates: Truth
) -> None:
    """`1/(1 + z^2) <= 1/20` from z = 4.359 on; three standard deviations are not enough."""
    found = _power(2 * np.random.default_rng(7).standard_normal((10, 2)), size)
    for null in (found.null_deviation, found.gaussian_deviation):
        assert least < float(found.extreme / (null + found.extreme_deviation)) < most
    assert found.separates is separates


def test_axes_do_not_matter() -> None:
    chance = np.random.default_rng(8)
    turn, _ = np.linalg.qr(chance.standard_normal((6, 6)))
    padded = np.pad(POINTS, ((0, 0), (0, 3)))
    found, turned = _power(padded), _power(padded @ turn.T + 1)
    for name in ("extreme", "null_deviation", "blurred_gaussian"):
        # Coordinates of size 10, rounded a few times, in a kernel of width 1.
        assert float(getattr(found, name)) == pytest.approx(float(getattr(turned, name)), rel=1e-12)


def test_weights_and_what_is_refused() -> None:
    even = population_power(POINTS, bandwidth=Fraction(1), size=9, time=TIME, weights=[2, 2, 2, 2])
    # Balls of 256 bits at the same numbers, in another order of rounding.
    assert abs(float(even.extreme - _power(POINTS, 9).extreme)) < 1e-60
    uneven = population_power(
        POINTS, bandwidth=Fraction(1), size=9, time=TIME, weights=[9, 1, 1, 1]
    )
    assert float(uneven.extreme) > float(even.extreme)
    for change, name in (
        ({"bandwidth": Fraction(0)}, "bandwidth"),
        ({"bandwidth": "wide"}, "bandwidth"),
        ({"size": 1}, "size"),
        ({"size": 2.5}, "size"),
        ({"time": Fraction(0)}, "time"),
        ({"weights": [1, 1, 1]}, "weights"),
        ({"weights": [1, 1, 1, 0]}, "weights"),
    ):
        options: dict[str, Any] = {"bandwidth": Fraction(1), "size": 9, "time": TIME}
        with pytest.raises(InputError, match=name):
            population_power(POINTS, **(options | change))


def test_a_float_is_the_double_that_it_denotes() -> None:
    exact = population_power(POINTS, bandwidth=Fraction(3, 2), size=9, time=Fraction(0.01))
    floats = population_power(POINTS, bandwidth=1.5, size=9, time=0.01)
    text = population_power(POINTS, bandwidth="3/2", size=9, time="0.01")
    # Balls are never equal, their midpoints are.
    for name in ("extreme", "null_deviation", "extreme_deviation", "blurred", "biased_extreme"):
        assert getattr(floats, name).mid() == getattr(exact, name).mid(), name
    assert floats.bandwidth == text.bandwidth == exact.bandwidth
    # The double nearest 0.01 is 2e-19 away from it, and the law moves as much.
    assert abs(float(text.extreme - exact.extreme)) < 1e-17


def test_one_law_is_not_told_from_itself() -> None:
    found = _power([[1.0, 2.0], [1.0, 2.0]])
    assert found.separates is not Truth.TRUE

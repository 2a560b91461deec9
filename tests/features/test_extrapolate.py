"""Fits in 1/d, and simulations held against curves: sizes, seeds and the limit fixed beforehand."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.features.extrapolate import Fit, extrapolate, fit
from dsmverify.features.simulate import Simulation, simulate

PLAN = {
    "relu": ((20, 60), (28, 40), (40, 24), (56, 12)),
    "tanh": ((20, 30), (28, 20), (40, 12), (56, 6)),
}
"""Dimensions and repeats, by activation."""

SEED = 2502

REFERENCES: dict[str, tuple[tuple[Any, ...], float, float]] = {
    "relu, one copy": (("relu", 4, 2, 0.1, 0.01, 1), 3.4345255386867304, 0.439560183244971629),
    "relu, all copies": (
        ("relu", 4, 2, 0.1, 0.01, math.inf),
        0.567760536641530235,
        0.815954500852997322,
    ),
    "tanh, two copies": (("tanh", 3, 3, 0.1, 0.001, 2), 5.01659504493428366, 0.38157476213143768),
}
"""Parameters, test and training error in the limit."""


def test_exact_lines_and_parabolas_are_found() -> None:
    d = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    error = np.array([0.1, 0.2, 0.1, 0.3, 0.1])
    line = fit(d, 3 - 5 / d, error)
    assert line.intercept == pytest.approx(3)
    assert line.slope == pytest.approx(-5)
    assert line.chi_squared < 1e-20
    assert (line.degrees, line.curvature) == (3, 0.0)
    parabola = fit(d, 3 - 5 / d + 7 / d**2, error, quadratic=True)
    assert parabola.curvature == pytest.approx(7)
    assert parabola.intercept == pytest.approx(3)
    assert parabola.degrees == 2
    assert parabola.standard_error > line.standard_error


def test_standard_error_and_chi_squared_are_those_of_normal_means() -> None:
    # 4000 fits to normal means: the spread of intercepts is the standard error within 5 %, which
    # is 4.5 standard errors of a spread, and chi^2 has mean 2 within 5 standard errors.
    generator = np.random.default_rng(12)
    d, error = np.array([10.0, 14.0, 20.0, 28.0]), np.array([0.3, 0.2, 0.15, 0.1])
    fits = [fit(d, 1 + 2 / d + error * generator.standard_normal(4), error) for _ in range(4000)]
    spread = np.std([found.intercept for found in fits], ddof=1)
    assert spread == pytest.approx(fits[0].standard_error, rel=0.05)
    slopes = np.std([found.slope for found in fits], ddof=1)
    assert slopes == pytest.approx(fits[0].slope_error, rel=0.05)
    chi = np.array([found.chi_squared for found in fits])
    assert abs(chi.mean() - 2) < 5 * 2 / math.sqrt(4000)
    values = np.array([found.p_value for found in fits])
    assert abs(values.mean() - 0.5) < 5 / math.sqrt(12 * 4000)


def test_agreement_is_four_standard_errors() -> None:
    found = Fit("test_error", 2.0, 0.1, 0.0, 1.0, 0.0, 1.0, 2)
    assert found.agrees(2.3999)
    assert not found.agrees(2.4001)
    assert found.deviation(1.8) == pytest.approx(2)
    assert not found.agrees(math.nan)


@pytest.mark.parametrize(
    ("sizes", "errors", "message"),
    [
        ([10, 20, 30], [1, 1, 1], "at least 4 different sizes"),
        ([10, 20, 30, 30], [1, 1, 1, 1], "at least 4 different sizes"),
        ([10, 20, 30, 40], [1, 1, 0, 1], "standard errors positive"),
        ([10, 20, 30, 40], [1, 1, math.nan, 1], "standard errors positive"),
    ],
)
def test_bad_fits_are_refused(sizes: list[int], errors: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(sizes, np.ones(len(sizes)), errors)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dimensions": [0, 10, 20, 30]}, "dimensions: .*sizes are positive"),
        ({"dimensions": [10, 20, 30, math.nan]}, "dimensions: .*sizes are positive"),
        ({"dimensions": [[10, 20, 30, 40]]}, "dimensions: .*a sequence of numbers"),
        ({"dimensions": "sizes"}, "dimensions: 'sizes'"),
        ({"means": [1, 1, 1]}, "means: .*there are 4 sizes"),
        ({"means": 1.0}, "means: 1.0, but it must be a sequence"),
        ({"standard_errors": [1, 1, 1]}, "standard_errors: .*there are 4 sizes"),
        ({"standard_errors": 0.1}, "standard_errors: 0.1, but it must be a sequence"),
    ],
)
def test_what_is_no_data_is_refused(changed: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "dimensions": [10, 20, 30, 40],
        "means": [1.0, 1.1, 1.0, 0.9],
        "standard_errors": [0.1] * 4,
    }
    assert fit(**good).degrees == 2
    with pytest.raises(InputError, match=message):
        fit(**(good | changed))


def test_different_models_are_not_fitted_together() -> None:
    def of(d: int, **changed: Any) -> Simulation:
        given = {"psi_n": 2, "psi_p": 1, "dimension": d, "repeats": 2, "seed": 1}
        return simulate(**{**given, **changed})

    good = [of(d) for d in (4, 6, 8)]
    assert extrapolate([*good, of(10)])["test_error"].degrees == 2
    two = (["1/2", "3/2"], [0.5, 0.5])
    others: list[dict[str, Any]] = [
        {"time": 0.2},
        {"psi_p": 0.73},
        {"model": "equivalent"},
        {"spectrum": two},
    ]
    for other in (of(10, **changed) for changed in others):
        with pytest.raises(InputError, match="simulations"):
            extrapolate([*good, other])
    alike = [of(d, spectrum=two) for d in (4, 6, 8)]
    again = of(10, spectrum=((0.5, 1.5), ("1/2", "0.5")))
    assert extrapolate([*alike, again])["test_error"].degrees == 2


def test_what_does_not_vary_is_left_out() -> None:
    # p > n m in the limit: the training points are interpolated by a score of known rank.
    given: dict[str, Any] = {"psi_n": 1, "psi_p": 2, "ridge": "0+", "repeats": 2, "seed": 1}
    found = extrapolate([simulate(dimension=d, **given) for d in (4, 6, 8, 10)])
    assert set(found) == {"test_error", "memorisation_error", "new_data_loss"}


@lru_cache
def fits(case: str, model: str) -> dict[str, Fit]:
    parameters = REFERENCES[case][0]
    return extrapolate(
        [
            simulate(*parameters, dimension=d, repeats=repeats, seed=SEED, model=model)
            for d, repeats in PLAN[parameters[0]]
        ]
    )


@pytest.mark.parametrize("model", ["features", "equivalent"])
@pytest.mark.parametrize("case", REFERENCES)
def test_simulations_extrapolate_to_the_curves(case: str, model: str) -> None:
    _, test_error, train_error = REFERENCES[case]
    found = fits(case, model)
    assert found["test_error"].agrees(test_error)
    assert found["train_error"].agrees(train_error)
    # The test has power: it would not take a curve that is off by a tenth.
    for name, curve in (("test_error", test_error), ("train_error", train_error)):
        assert not found[name].agrees(1.1 * curve)


@pytest.mark.parametrize("case", REFERENCES)
def test_features_and_their_equivalent_extrapolate_to_the_same(case: str) -> None:
    ours, theirs = fits(case, "features"), fits(case, "equivalent")
    for name, found in ours.items():
        error = math.hypot(found.standard_error, theirs[name].standard_error)
        # They share points, weights and noise, which makes this generous.
        assert abs(found.intercept - theirs[name].intercept) < 4 * error, name

"""The public function: shapes, limits with known answers, invariants, derivatives, bad input."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from benchmarks.curves import random_points
from dsmverify.certify import precision
from dsmverify.curves import CurveWarning, LearningCurve, learning_curve
from dsmverify.curves.activations import Activation
from dsmverify.curves.certified import OBSERVABLES
from dsmverify.curves.panels import Growth
from dsmverify.curves.sensitivities import moving
from dsmverify.curves.settings import LIMIT, rank_gap
from dsmverify.errors import InputError
from dsmverify.formulas.learning_curves import observables
from dsmverify.formulas.random_features import damping, linearise, state

T = 0.3
A2, H = math.exp(-2 * T), -math.expm1(-2 * T)
TAU2 = A2 / H


def test_scalars_give_floats_and_arrays_their_shape() -> None:
    curve = learning_curve()
    assert isinstance(curve.test_error, float)
    assert isinstance(curve.condition["test_error"], float)
    assert isinstance(curve.derivatives["test_error"]["ridge"], float)
    grid = learning_curve("erf", [[1.0], [2.0]], np.array([1, 2, 4]), 0.1, 0.1, [1, 2, math.inf])
    assert grid.test_error.shape == grid.K.shape == (2, 3)
    assert grid.derivatives["train_error"]["time"].shape == (2, 3)
    one = learning_curve("erf", 2.0, 4, 0.1, 0.1, math.inf)
    assert grid.test_error[1, 2] == one.test_error
    assert grid.condition["train_error"][1, 2] == one.condition["train_error"]
    assert repr(grid) == "LearningCurve(activation='erf', shape=(2, 3))"
    assert learning_curve(psi_p=np.zeros((0,))).test_error.shape == (0,)


def test_every_spelling_of_a_number() -> None:
    spelled: tuple[Any, ...] = ("1/4", 0.25, Fraction(1, 4), Decimal("0.25"), np.float64(0.25))
    curves = [learning_curve(time=spelling) for spelling in (*spelled, np.array(0.25))]
    assert len({curve.test_error for curve in curves}) == 1
    assert {curve.setting.exact for curve in curves} == {curves[0].setting.exact}
    for m in (3, np.int64(3), 3.0, np.array(3)):
        assert (
            learning_curve(noise_samples=m).test_error == learning_curve(noise_samples=3).test_error
        )


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(50, 4)
    whole = points.curve()
    monkeypatch.setattr("dsmverify.curves.curve.BLOCK", 7)
    parts = points.curve()
    for name in OBSERVABLES:
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
        np.testing.assert_array_equal(whole.condition[name], parts.condition[name])


# Relations that hold everywhere.


@pytest.fixture(scope="module")
def everywhere() -> tuple[Any, LearningCurve]:
    points = random_points(3000, 11, ridge=None)
    return points, points.curve()


def close(left: Any, right: Any, scale: Any) -> None:
    """Equal up to what the condition numbers allow, with room for the second route's rounding."""
    assert (np.abs(left - right) <= 1e-13 * scale).all()


def test_invariants(everywhere: tuple[Any, LearningCurve]) -> None:
    points, curve = everywhere
    m = points.noise_samples
    used = points.psi_p * (1 - points.ridge * curve.g)
    finite = np.isfinite(m)
    part = 1 / m
    dbar = curve.delta_1 * part + (1 - part) * curve.delta_2
    rows = np.where(finite, points.psi_n * np.where(finite, m, 1) * (1 - dbar), used)
    size = points.psi_p + np.where(finite, points.psi_n * np.where(finite, m, 1), 0)
    close(used, rows, size + curve.condition["degrees_of_freedom"])
    close(curve.degrees_of_freedom, used, points.psi_p + curve.condition["degrees_of_freedom"])


def test_new_data_loss_and_single_copies(everywhere: tuple[Any, LearningCurve]) -> None:
    points, curve = everywhere
    a2, h = np.exp(-2 * points.time), -np.expm1(-2 * points.time)
    close(curve.new_data_loss, a2 + h * curve.test_error, curve.condition["new_data_loss"])
    single = points.noise_samples == 1
    assert single.sum() > 3
    expected = curve.delta_1**2 * curve.new_data_loss
    close(expected[single], curve.train_error[single], 3 * curve.condition["train_error"][single])
    infinite = np.isinf(points.noise_samples)
    np.testing.assert_allclose(
        curve.train_error[infinite], curve.memorisation_error[infinite], rtol=1e-13
    )
    # Equal to rounding where the ridge is so large that nothing is learnt.
    assert (curve.train_error <= curve.new_data_loss * (1 + 1e-14)).all()
    assert (curve.train_error < curve.new_data_loss)[points.ridge < 1].all()


# Limits with known answers (random-features.md, section 5). Each tolerance is the order of what
# is left out, times 10 or so.


def marchenko_pastur(function: Any, ratio: float) -> float:
    """Integral over the law of X^T X/n, dimensions over samples `ratio`."""
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2
    # x = middle + half cos(angle) takes the roots at the ends away.
    middle, half = (low + high) / 2, (high - low) / 2

    def integrand(angle: float) -> float:
        x = middle + half * math.cos(angle)
        density = half * math.sin(angle) / (2 * math.pi * ratio * x)
        return float(function(x)) * density * half * math.sin(angle)

    value, _ = integrate.quad(integrand, 0, math.pi, epsabs=1e-13, epsrel=1e-13)
    return float(value) + max(0.0, 1 - 1 / ratio) * float(function(0.0))


@pytest.mark.parametrize("psi_n", [0.4, 3.0])
@pytest.mark.parametrize("psi_p", [1.0, 2.5])
def test_linear_features_and_all_noise(psi_n: float, psi_p: float) -> None:
    curve = learning_curve("linear", psi_n, psi_p, T, "0+", math.inf)
    test = marchenko_pastur(lambda x: (1 - 1 / (A2 * x + H)) ** 2, 1 / psi_n)
    train = 1 - H * marchenko_pastur(lambda x: 1 / (A2 * x + H), 1 / psi_n)
    assert curve.test_error == pytest.approx(test, rel=1e-11)
    assert curve.train_error == pytest.approx(train, rel=1e-11)
    small = learning_curve("linear", psi_n, psi_p, T, 1e-12, math.inf)
    assert small.test_error == pytest.approx(curve.test_error, rel=1e-4)


@pytest.mark.parametrize("psi_n", [1.7, 40.0])
@pytest.mark.parametrize("psi_p", [1.0, 3.0])
def test_linear_features_and_one_copy(psi_n: float, psi_p: float) -> None:
    curve = learning_curve("linear", psi_n, psi_p, T, "0+", 1)
    assert curve.test_error == pytest.approx(TAU2 / (psi_n - 1), rel=1e-12)
    few = learning_curve("linear", psi_n, psi_p / 4, T, "0+", 1)
    below = (1 - psi_p / 4 + TAU2) / (1 - psi_p / 4 / psi_n) - TAU2
    assert few.test_error == pytest.approx(below, rel=1e-12)


@pytest.mark.parametrize("activation", ["relu", "erf", "sin"])
def test_many_features_and_all_noise_memorise(activation: str) -> None:
    curve = learning_curve(activation, 2.0, [1e6, 1e9], T, 1e-3, math.inf)
    limit = (math.exp(2 * T) - 1) ** -2
    assert (np.diff(abs(curve.test_error - limit)) < 0).all()
    assert curve.test_error[1] == pytest.approx(limit, rel=1e-4)
    assert curve.train_error[1] < 1e-5


def test_even_features_learn_nothing_from_all_noise() -> None:
    """The limit above needs `mu_1 != 0`, which the text does not say.

    An even activation has no part linear in the noise, so at m = inf the trained score is 0
    whatever the parameters are.
    """
    curve = learning_curve("abs", 2.0, [0.5, 1e3, 1e9], [[T], [1.0]], 1e-3, math.inf)
    assert (curve.test_error == 1).all()
    np.testing.assert_allclose(curve.train_error, 1, rtol=1e-15)
    balls = curve.enclose(20, index=(0, 2))
    assert balls.test_error.contains(1)


@pytest.mark.parametrize("copies", [1, 5, math.inf])
def test_many_samples_make_copies_idle(copies: float) -> None:
    curve = learning_curve("relu", 1e10, 2.0, T, 0.01, copies)
    plain = learning_curve("relu", 1e10, 2.0, T, 0.01, 1)
    assert curve.test_error == pytest.approx(plain.test_error, rel=1e-8)
    assert curve.train_error == pytest.approx(A2 + H * curve.test_error, rel=1e-8)


@pytest.mark.parametrize(("psi_n", "psi_p"), [(4.0, 2.0), (3.0, 0.5)])
def test_one_copy_without_ridge_below_the_threshold(psi_n: float, psi_p: float) -> None:
    found = learning_curve("relu", psi_n, psi_p, T, "0+", 1).test_error
    # relu: mu_1^2 = 1/4, mu_*^2 = 1/2 - 1/(2 pi) - 1/4.
    x = (0.25 - 1 / (2 * math.pi)) / (0.25 * psi_p)
    stieltjes = marchenko_pastur(lambda y: 1 / (y + x), 1 / psi_p)
    population = x * stieltjes  # 1 - mu_1^2 K_pop
    assert found == pytest.approx((population + TAU2) / (1 - psi_p / psi_n) - TAU2, rel=1e-11)


def test_both_sizes_large_and_all_noise() -> None:
    ratio, scale = 0.6, 1e9
    rho = learning_curve("relu", scale, ratio * scale, T, "0+", math.inf)
    moments = rho.activation.moments(T)
    v, s = float(moments.shared), float(moments.fresh)
    b = s + (ratio - 1) * v
    d = (-b + math.sqrt(b * b + 4 * v * s)) / (2 * v)
    assert rho.train_error == pytest.approx(A2 * d / (A2 * d + H), rel=1e-7)


def test_large_ridge() -> None:
    curve = learning_curve("erf", 2.0, 3.0, T, [1e6, 1e7], 2)
    linear = 4 / (3 * math.pi)
    left = 1 - 2 * linear * 3.0 / np.array([1e6, 1e7]) - curve.test_error
    assert (abs(left) < 100 / np.array([1e12, 1e14])).all()


def test_the_peak_and_its_exponent() -> None:
    ridges = 10.0 ** -np.arange(8, 15)
    for copies in (1, 3):
        peak = learning_curve("relu", 2.0, 2.0 * copies, T, ridges, copies).test_error
        slopes = np.diff(np.log(peak)) / np.diff(np.log(ridges))
        np.testing.assert_allclose(slopes, -0.5, atol=2e-3)
    none = learning_curve("relu", 2.0, np.linspace(0.5, 50, 200), T, "0+", math.inf)
    assert none.test_error.max() < 20


def test_copies_matter_in_inverse_proportion() -> None:
    m = np.array([1000.0, 2000.0, 4000.0, math.inf])
    curve = learning_curve("relu", 2.0, 3.0, T, 0.01, m)
    gaps = curve.test_error[:3] - curve.test_error[3]
    np.testing.assert_allclose(gaps[:-1] / gaps[1:], 2, rtol=1e-2)


def test_the_limit_of_vanishing_ridge_is_approached() -> None:
    for arguments in (
        ("relu", 2.0, 9.0, T, 2),
        ("relu", 2.0, 1.0, T, 2),
        ("sin", 1.0, 3.0, T, math.inf),
    ):
        rho, n, p, t, m = arguments
        limit = learning_curve(rho, n, p, t, "0+", m)
        near = learning_curve(rho, n, p, t, [1e-6, 1e-9], m)
        for name in OBSERVABLES:
            gaps = np.abs(getattr(near, name) - getattr(limit, name))
            assert gaps[1] <= 1e-2 * gaps[0] + 1e-13 * limit.condition[name]
        # One-sided derivative: the difference, to second order.
        slope = limit.derivatives["test_error"]["ridge"]
        assert near.test_error[1] - limit.test_error == pytest.approx(1e-9 * slope, rel=1e-3)


def test_at_the_limit_above_the_threshold_training_interpolates() -> None:
    limit = learning_curve("relu", 2.0, 9.0, T, f" {LIMIT} ", 2)
    assert (limit.train_error, limit.delta_1, limit.delta_2) == (0, 0, 0)
    assert math.isinf(limit.g) and math.isinf(limit.K)
    assert limit.degrees_of_freedom == pytest.approx(4, rel=1e-14)
    assert limit.derivatives["train_error"] == dict.fromkeys(("psi_n", "psi_p", "ridge", "time"), 0)
    assert limit.condition["train_error"] == 0


# Derivatives.


@pytest.mark.parametrize("spectrum", [None, ([0.4, 1.6], [0.5, 0.5])])
def test_derivatives_against_differences(spectrum: Any) -> None:
    """Central differences in float64, step 1e-5 relatively: error 1e-9 or so, relative to scale."""
    base: dict[str, Any] = {"psi_n": 3.0, "psi_p": 5.0, "ridge": 1e-3, "time": 0.2}
    for rho, copies in (("relu", 2), ("silu", math.inf), ("abs", 1)):
        curve = learning_curve(rho, noise_samples=copies, spectrum=spectrum, **base)
        for by, value in base.items():
            step = 1e-5 * value
            ends = learning_curve(
                rho,
                noise_samples=copies,
                spectrum=spectrum,
                **(base | {by: np.array([value - step, value + step])}),
            )
            for name in OBSERVABLES:
                low, high = getattr(ends, name)
                size = curve.condition[name] / value
                gap = (high - low) / (2 * step) - curve.derivatives[name][by]
                assert abs(gap) <= 1e-7 * size, (rho, name, by)


def test_the_condition_counts_every_parameter(everywhere: tuple[Any, LearningCurve]) -> None:
    points, curve = everywhere
    for name in OBSERVABLES:
        slopes = curve.derivatives[name]
        parts = [np.abs(getattr(points, by) * slopes[by]) for by in ("psi_n", "psi_p")]
        assert (curve.condition[name] >= np.abs(getattr(curve, name)) + sum(parts)).all()
        # Time moves all moments; each of them is counted, by itself.
        assert np.isfinite(curve.condition[name]).all()


@pytest.mark.parametrize("k", [0, 1])
def test_rounding_of_either_right_side_moves_the_errors_as_told(k: int) -> None:
    """One right side is changed by 1e-5 of itself, and the map is repeated until it stays."""
    curve = learning_curve("relu", 2.0, 3.0, T, 0.1, 3)
    at = curve._state(slice(0, 1))
    moved = moving(at, linearise(at), [], rounding=True)
    shown = []
    for side in (-1e-5, 1e-5):
        pair = at.delta
        for _ in range(200):
            here = state(at.parameters, pair)
            images = [(1 + side * (j == k)) / damping(here, j) for j in range(2)]
            pair = (images[0], images[1])
        here = state(at.parameters, pair)
        shown.append(observables(here, linearise(here)))
    for name in OBSERVABLES:
        rise = (getattr(shown[1], name) - getattr(shown[0], name)) / 2e-5
        assert getattr(moved, name).tangents[k] == pytest.approx(rise, rel=1e-6)
        assert abs(rise) > 1e-4
        assert curve.condition[name] > abs(getattr(curve, name)) + abs(rise)


def test_derivatives_at_small_ridge_do_not_cancel() -> None:
    """Above the threshold the errors hardly depend on a tiny ridge; its slope is still right."""
    limit = learning_curve("relu", 2.0, 9.0, T, "0+", 2)
    near = learning_curve("relu", 2.0, 9.0, T, 1e-13, 2)
    for name in ("test_error", "memorisation_error", "new_data_loss"):
        wanted = limit.derivatives[name]["ridge"]
        assert near.derivatives[name]["ridge"] == pytest.approx(wanted, rel=1e-9)
    rising = near.derivatives["train_error"]["ridge"]
    assert rising == pytest.approx(2 * near.train_error / 1e-13, rel=1e-9)


@pytest.mark.parametrize("spectrum", [None, ([0.4, 1.6], [0.5, 0.5])])
@pytest.mark.parametrize(("psi_n", "psi_p", "copies"), [(2, 84, 1), (1.5, 9, 2), (4, 2, math.inf)])
def test_the_ridge_derivative_in_the_limit_of_linear_features(
    psi_n: float, psi_p: float, copies: float, spectrum: Any
) -> None:
    """Rank d < n m: H grows like 1/lam. Against enclosures at a ridge small beside all else."""
    limit = learning_curve("linear", psi_n, psi_p, "0.03", "0+", copies, spectrum)
    step = Fraction(1, 10**12)
    near = learning_curve("linear", psi_n, psi_p, "0.03", step, copies, spectrum).enclose(40)
    balls = limit.enclose(40, derivatives=True)
    together = learning_curve(
        "linear", psi_n, np.array([psi_p, 0.5, 2 * psi_p]), 0.03, "0+", copies, spectrum
    )
    with precision(200):
        for name in OBSERVABLES:
            rise = float((getattr(near, name) - getattr(balls, name)) * 10**12)
            assert limit.derivatives[name]["ridge"] == pytest.approx(rise, rel=1e-6, abs=1e-6)
            for by, slope in balls.derivatives[name].items():
                scale = limit.condition[name] * 1e-13
                assert limit.derivatives[name][by] == pytest.approx(
                    float(slope), rel=1e-9, abs=scale
                )
                assert together.derivatives[name][by][0] == pytest.approx(
                    float(slope), rel=1e-9, abs=scale
                )
    assert limit.derivatives["test_error"]["ridge"] < 0


def test_linear_features_as_many_as_dimensions_have_no_derivative_in_the_limit() -> None:
    """There the errors move like the root of the ridge."""
    curve = learning_curve("linear", 4, 1, "0.1", "0+", 1)
    slopes = curve.derivatives["test_error"]
    assert math.isnan(slopes["ridge"])
    assert math.isnan(slopes["psi_p"])
    assert math.isfinite(slopes["psi_n"])
    balls = curve.enclose(20, derivatives=True)
    assert set(balls.derivatives["test_error"]) == {"psi_n", "time"}
    rise = [
        learning_curve("linear", 4, 1, "0.1", ridge, 1).test_error - curve.test_error
        for ridge in (1e-8, 4e-8)
    ]
    assert rise[1] / rise[0] == pytest.approx(2, rel=1e-3)


def test_numbers_as_large_as_float64_holds() -> None:
    many = learning_curve("relu", noise_samples=10**30)
    every = learning_curve("relu", noise_samples=math.inf)
    assert many.test_error == pytest.approx(every.test_error, rel=1e-14)
    assert learning_curve("relu", noise_samples=1e308).test_error == many.test_error
    for activation in ("relu", "tanh", "sin"):
        late = learning_curve(activation, time=1e308)
        assert late.test_error == pytest.approx(learning_curve(activation, time=800).test_error)


def test_a_kinked_activation_of_a_user_has_no_derivative_by_time() -> None:
    leaky = Activation.piecewise(
        "leaky", [lambda ns, x: x / 10, lambda ns, x: x], kinks=[0], growth=Growth(1, 1)
    )
    curve = learning_curve(leaky, 2.0, 3.0, T, 0.1)
    assert set(curve.derivatives["test_error"]) == {"psi_n", "psi_p", "ridge"}
    assert 0 < curve.train_error < curve.new_data_loss


def test_an_affine_activation_is_linear() -> None:
    affine = Activation.piecewise(
        "affine", [lambda ns, x: 3 * x + 1], growth=Growth(4, 1), linear=True
    )
    ours = learning_curve(affine, 2.0, 3.0, T, 9e-3)
    plain = learning_curve("linear", 2.0, 3.0, T, 1e-3)
    assert ours.test_error == pytest.approx(plain.test_error, rel=1e-12)


# Bad input.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ridge": 0}, r'^ridge: 0, but it must be positive; give ridge > 0, or ridge="0\+"'),
        ({"ridge": -1.0}, 'ridge="0'),
        ({"ridge": "0"}, 'ridge="0'),
        ({"ridge": [0.1, 0.0]}, r"^ridge\[1\]: 0.0, but .*give ridge > 0"),
        ({"ridge": "0++"}, "ridge"),
        ({"psi_n": 0}, "^psi_n: 0, but it must be positive; give psi_n > 0$"),
        ({"psi_p": -2}, "^psi_p"),
        ({"psi_p": [1.0, math.nan]}, r"^psi_p\[1\]: nan, but it must be positive and finite"),
        ({"psi_p": math.inf}, "psi_p"),
        ({"time": 0.0}, "^time: 0.0, but it must be positive; give time > 0$"),
        ({"time": math.nan}, "time"),
        ({"time": True}, "time"),
        ({"psi_n": "many"}, "psi_n"),
        ({"psi_n": np.array(["a", "b"])}, "psi_n.*an array must hold numbers"),
        ({"psi_n": np.array([True, False])}, "psi_n"),
        ({"psi_n": "1e-400"}, "no normal float64"),
        ({"noise_samples": 0}, "^noise_samples: 0, but it must be an integer of at least 1"),
        ({"noise_samples": 1.5}, "math.inf"),
        ({"noise_samples": True}, "^noise_samples: True"),
        ({"noise_samples": math.nan}, "noise_samples"),
        ({"noise_samples": -math.inf}, "noise_samples"),
        ({"noise_samples": "2"}, "noise_samples"),
        ({"noise_samples": [1.0, 2.5]}, r"noise_samples\[1\]: 2.5"),
        ({"noise_samples": 10**400}, "beyond float64; give math.inf"),
        ({"psi_n": np.ma.array([1.0, 2.0], mask=[False, True])}, "a masked entry is no number"),
        ({"activation": ["relu"]}, "no activation of this name"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"psi_n": [1.0, 2.0], "psi_p": [1.0, 2.0, 3.0]}, "shapes do not go together"),
        ({"spectrum": ([1, 2], [0.5])}, "every atom needs a weight"),
        ({"spectrum": ([1, 3], [0.5, 0.5])}, "divide the atoms by their mean"),
        ({"spectrum": ([1, 1], [0.5, 0.6])}, "weights must add up to 1"),
        ({"spectrum": ([-1, 3], [0.5, 0.5])}, "must be positive"),
        ({"spectrum": 7}, "two sequences"),
        ({"spectrum": ([], [])}, "every atom"),
    ],
)
def test_bad_input_is_refused_with_a_way_out(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        learning_curve(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"psi_n": 4, "psi_p": 4},
        {"psi_n": "1/3", "psi_p": 1, "noise_samples": 3},
        {"psi_n": 4.0, "psi_p": [2.0, 4.0]},
        {"psi_n": 1, "psi_p": 5, "activation": "linear"},
        {"psi_n": [0.25], "psi_p": 7, "noise_samples": 4, "activation": "linear"},
        {"psi_n": 0.25, "psi_p": 0.5, "noise_samples": 2, "activation": "linear"},
    ],
)
def test_the_limit_at_the_peak_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"ridge: '0\+', but at .* = m psi_n .* give ridge > 0"):
        learning_curve(ridge="0+", **changes)


def test_the_side_of_the_peak_is_decided_exactly() -> None:
    """`0.1 * 3 > 0.3` in floats; the doubles themselves say so too, by another amount."""
    third = np.array([0.1, 0.1, 1 / 3])
    gap = rank_gap(
        third,
        np.array([0.3, 0.30000000000000004, 1.0]),
        np.full(3, 3.0),
        is_linear=False,
        exact=None,
    )
    wanted = [
        (Fraction(p) > 3 * Fraction(n)) - (Fraction(p) < 3 * Fraction(n))
        for n, p in zip((0.1, 0.1, 1 / 3), (0.3, 0.30000000000000004, 1.0), strict=True)
    ]
    assert gap.tolist() == wanted == [-1, 1, 1]


def test_overflow_is_no_number_and_is_said() -> None:
    with pytest.warns(CurveWarning, match="of 2 points"):
        curve = learning_curve("relu", 1.0, [1.0, 1e300], 0.1, [1e-2, 1e-300], 2)
    assert np.isfinite(curve.test_error[0])
    assert np.isnan(curve.test_error[1])
    with pytest.warns(CurveWarning, match=r"1 of 1 .* time=5e-324,"):
        short = learning_curve("relu", 2.0, 1.0, 5e-324, 0.1, 1)
    assert math.isnan(short.test_error)

"""Known mistakes: each is named where it was made, and right implementations have none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from dsmverify import Instance
from dsmverify.testing import (
    ConformanceError,
    Network,
    assert_gradient,
    assert_hessian,
    assert_largest_eigenvalue,
    assert_risk,
    assert_score,
    assert_sgd_step,
    causes,
    reference,
    tolerance,
)
from dsmverify.testing.arrays import FORMATS
from tests.testing import plain

POINTS = [-1.0, 0.25, 0.5, 2.0, 3.5]
MU, SIGMA = 0.875, 0.3125
NETWORK = Network([1.0, -1.0, 0.5], [0.25, 0.5, -1.0], [1.0, -2.0, 3.0])
GROUPS: Any = ("outer", "bias", "inner")
BATCH: dict[str, Any] = {
    "learning_rate": 0.0625,
    "indices": [0, 3, 1, 4],
    "noise_draws": [0.5, -1.0, 0.25, 1.5],
}
ASSERTS: dict[str, Callable[..., Any]] = {
    "score": assert_score,
    "risk": assert_risk,
    "gradient": assert_gradient,
    "hessian": assert_hessian,
    "largest_eigenvalue": assert_largest_eigenvalue,
    "sgd_step": assert_sgd_step,
}


def _found(quantity: str, wrong: Callable[..., Any], **options: Any) -> dict[str, str]:
    """Names and words of the causes of a wrong implementation."""
    given: dict[str, Any] = {"mu": MU, "sigma": SIGMA} | options
    if given.get("time") is not None:
        del given["mu"], given["sigma"]
    if quantity in {"gradient", "hessian"}:
        given = {"parameters": GROUPS} | given
    if quantity == "sgd_step":
        given = BATCH | given
    network = given.pop("network", NETWORK)
    arguments = (POINTS,) if quantity == "score" else (POINTS, network)

    def quiet(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return wrong(*args)

    with pytest.raises(ConformanceError) as caught:
        ASSERTS[quantity](quiet, *arguments, **given)
    assert caught.value.comparison is not None
    for cause in caught.value.causes:
        assert cause.name in str(caught.value) and cause.words in str(caught.value)
    return {cause.name: cause.words for cause in caught.value.causes}


def _times(quantity: str, factor: float, groups: Any = GROUPS) -> Callable[..., Any]:
    """The right implementation, scaled; for a step the update is."""

    def wrong(*args: Any) -> Any:
        value = getattr(plain, quantity)(*args)
        if quantity == "gradient":
            return Network(
                **{k: v * (factor if k in groups else 1) for k, v in value._asdict().items()}
            )
        if quantity == "sgd_step":
            before = args[0]
            return Network(
                before.inner,
                before.bias + factor * (value.bias - before.bias),
                before.outer + factor * (value.outer - before.outer),
            )
        return factor * value

    return wrong


@pytest.mark.parametrize("quantity", ASSERTS)
@pytest.mark.parametrize(
    ("factor", "name", "words"),
    [
        (2, "factor 2", "2 times"),
        (0.5, "factor 2", "1/2 times"),
        (-1, "sign", "-1 times"),
        (3, "factor m", "m times"),
        (1 / 3, "factor m", "1/m times"),
        (5, "factor n", "n times"),
        (1 / 5, "factor n", "1/n times"),
        (SIGMA, "power of sigma", "sigma times"),
        (SIGMA**-2, "power of sigma", "1/sigma^2 times"),
        (MU, "power of mu", "mu times"),
    ],
)
def test_factors_are_named(quantity: str, factor: float, name: str, words: str) -> None:
    if quantity == "score" and name == "factor m":
        return  # a score has no network
    found = _found(quantity, _times(quantity, factor))
    assert words in found[name]


def test_factors_of_the_batch_are_named() -> None:
    for factor, words in ((4, "|B| times"), (0.25, "1/|B| times")):
        found = _found("sgd_step", _times("sgd_step", factor))
        assert words in found["batch size"]


def test_a_factor_in_one_group_is_located() -> None:
    found = _found("gradient", _times("gradient", 2, ("bias",)))
    assert found["factor 2"].endswith("in the group bias")

    def hessian(*args: Any) -> Any:
        value = plain.hessian(*args)
        value[:3, 3:6] *= 2
        value[3:6, :3] *= 2
        return value

    assert _found("hessian", hessian)["factor 2"].endswith("in the block outer, bias")


def _with_outer(quantity: str, factor: float) -> Callable[..., Any]:
    """The quantity of the network with other outer weights, differentiated by the given ones."""

    def wrong(network: Network, *args: Any) -> Any:
        scaled = network._replace(outer=factor * network.outer)
        value = getattr(plain, quantity)(scaled, *args)
        if quantity == "gradient":
            return value._replace(outer=factor * value.outer)
        if quantity == "hessian":
            by = np.repeat([factor, 1, 1], len(network.outer))
            return value * by[:, None] * by
        if quantity == "largest_eigenvalue":
            full = _with_outer("hessian", factor)(network, *args)
            return np.linalg.eigvalsh(full[:6, :6])[-1]
        if quantity == "sgd_step":
            return Network(
                network.inner,
                value.bias,
                network.outer + factor * (value.outer - scaled.outer),
            )
        return value

    return wrong


@pytest.mark.parametrize("quantity", list(ASSERTS)[1:])
def test_the_target_s_sign_and_the_output_s_factor_are_named(quantity: str) -> None:
    assert "s + Z/sigma" in _found(quantity, _with_outer(quantity, -1))["target sign"]
    found = _found(quantity, _with_outer(quantity, 3))
    assert "without 1/m" in found["output factor"]
    assert "twice" in _found(quantity, _with_outer(quantity, 1 / 3))["output factor"]


def test_a_target_that_is_scaled_wrongly_is_named() -> None:
    """E[(s + c Z)^2] is E[s^2] + 2 c E[s Z] + c^2, from the risks with +s and -s."""

    def with_target(c: float, constant: bool = True) -> Callable[..., Any]:
        def risk(network: Network, points: Any, mu: float, sigma: float) -> Any:
            right = plain.risk(network, points, mu, sigma)
            other = plain.risk(network._replace(outer=-network.outer), points, mu, sigma)
            square, cross = (right + other) / 2 - sigma**-2, sigma * (right - other) / 2
            return square + c * cross + c * c * constant

        return risk

    assert "Z in place of" in _found("risk", with_target(1.0))["target scale"]
    assert "Z/sigma^2" in _found("risk", with_target(SIGMA**-2))["target scale"]
    assert "left out" in _found("risk", with_target(1 / SIGMA, constant=False))["target scale"]


def _smooth(network: Network, points: Any, mu: float, sigma: float) -> Any:
    """The Hessian without its kinks, by differences of a pointwise mean: what autodiff gives."""
    instance = Instance.from_numpy(
        points,
        mu=mu,
        sigma=sigma,
        network={
            "inner_weights": list(network.inner),
            "biases": list(network.bias),
            "outer_weights": list(network.outer),
        },
    )
    with reference.precision(128):
        matrix = reference.hessian(instance, GROUPS, boundary=False)
    return np.array([[float(entry) for entry in row] for row in matrix])


def test_mistakes_of_the_hessian_are_named() -> None:
    def flipped(*args: Any) -> Any:
        return 2 * _smooth(*args) - plain.hessian(*args)

    def gram(*args: Any) -> Any:
        """2 E[grad s grad s^T]: the derivative of the residual's part left out."""
        rest = _smooth(*args)
        f = plain.gradient(*args)
        outer, m = args[0].outer, 3
        place = np.arange(m)
        rest[place, m + place] -= f.bias / outer
        rest[m + place, place] -= f.bias / outer
        rest[place, 2 * m + place] -= f.inner / outer
        rest[2 * m + place, place] -= f.inner / outer
        return rest

    def heavy(*args: Any) -> Any:
        return plain.hessian(*args) + 8 * gram(*args)

    assert "left out" in _found("hessian", _smooth)["boundary term"]
    assert "wrong sign" in _found("hessian", flipped)["boundary term"]
    assert "is missing" in _found("hessian", gram)["Gauss-Newton"]
    assert "m^2 times" in _found("hessian", heavy)["factor m"]

    def top(matrix: Callable[..., Any], groups: int) -> Callable[..., Any]:
        return lambda *args: np.linalg.eigvalsh(matrix(*args)[: 3 * groups, : 3 * groups])[-1]

    eigenvalue = "largest_eigenvalue"
    assert "left out" in _found(eigenvalue, top(_smooth, 2))["boundary term"]
    assert "wrong sign" in _found(eigenvalue, top(flipped, 2))["boundary term"]
    assert "is missing" in _found(eigenvalue, top(gram, 2))["Gauss-Newton"]
    assert "outer, bias, inner" in _found(eigenvalue, top(plain.hessian, 3))["other groups"]


@pytest.mark.parametrize(
    ("order", "words"),
    [([1, 0, 2], "bias, outer, inner"), ([2, 1, 0], "inner, bias, outer")],
)
def test_groups_in_another_order_are_named(order: list[int], words: str) -> None:
    index = np.arange(9).reshape(3, 3)[order].ravel()
    found = _found("hessian", lambda *args: plain.hessian(*args)[index][:, index])
    assert words in found["order of groups"]
    index = np.arange(9).reshape(3, 3).T.ravel()
    found = _found("hessian", lambda *args: plain.hessian(*args)[index][:, index])
    assert "interleaved" in found["order of groups"]


def _unshifted(guard: float) -> Callable[..., Any]:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        weights = np.exp(-((y[:, None] - y.dtype.type(mu) * points) ** 2) / (2 * sigma**2))
        mean = (weights * points).sum(1) / (weights.sum(1) + y.dtype.type(guard))
        return ((mu * mean - y) / sigma**2).astype(y.dtype)

    return score


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("guard", [0, 1e-30])
def test_exponentials_without_a_shift_are_named(dtype: str, guard: float) -> None:
    found = _found("score", _unshifted(guard), dtype=dtype, at=[0.25, 1.0, 30.0, -25.0])
    assert f"underflows in {dtype}" in found["no max shift"]


def test_nan_near_the_data_has_another_cause() -> None:
    def score(y: Any, *args: Any) -> Any:
        return np.where(y == 0.25, np.nan, plain.score(y, *args))

    assert _found("score", score, at=[0.25, 1.0]) == {}


def _cancelled(kind: type[np.floating[Any]]) -> Callable[..., Any]:
    def score(y: Any, points: Any, t: float) -> Any:
        sigma = np.sqrt(1 - np.exp(-2 * kind(t)))
        return plain.score(y, points, np.exp(-kind(t)), sigma)

    return score


@pytest.mark.parametrize(
    ("dtype", "time"), [("float32", 0.001), ("float32", 2**-14), ("float64", 1e-9)]
)
def test_cancellation_in_sigma_is_named(dtype: str, time: float) -> None:
    kind = np.dtype(dtype).type
    found = _found("score", _cancelled(kind), dtype=dtype, time=time, noise="time")
    assert "-expm1(-2t)" in found["1 - exp(-2t)"]


def test_a_sigma_that_cancels_to_0_is_named() -> None:
    found = _found(
        "score", _cancelled(np.float32), dtype="float32", time=2**-26, noise="time", at=[0.5, 1.0]
    )
    assert "is 0 in float32" in found["1 - exp(-2t)"]


def test_cancellation_in_a_risk_is_named() -> None:
    def risk(network: Network, points: Any, t: float) -> Any:
        kind = points.dtype.type
        return plain.risk(network, points, np.exp(-kind(t)), np.sqrt(1 - np.exp(-2 * kind(t))))

    found = _found("risk", risk, dtype="float32", time=0.0003, noise="time")
    assert "1 - exp(-2t)" in found


@pytest.mark.parametrize("quantity", ["score", "risk", "gradient", "hessian"])
def test_a_cast_to_float32_on_the_way_is_named(quantity: str) -> None:
    def single(value: Any) -> Any:
        if isinstance(value, tuple):
            return Network(*map(single, value))
        return value.astype(np.float32) if isinstance(value, np.ndarray) else value

    def double(value: Any) -> Any:
        if isinstance(value, tuple):
            return Network(*map(double, value))
        return np.asarray(value, dtype=np.float64)

    found = _found(quantity, lambda *args: double(getattr(plain, quantity)(*map(single, args))))
    assert list(found) == ["float32 accumulation"]


def test_half_precision_in_a_float32_function_is_named() -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        apart = (np.float32(mu) * points - y[:, None]).astype(np.float16).astype(np.float32)
        logits = -(apart**2) / np.float32(2 * sigma**2)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        return (weights * apart).sum(1) / np.float32(sigma**2)

    found = _found("score", score, dtype="float32", at=[0.3, 0.9, 1.7])
    assert "float16 or TF32" in found["float32 accumulation"]


def test_a_single_constant_cast_on_the_way_is_named() -> None:
    """The points have more bits than float32, the noise level has not."""

    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        return plain.score(y, points, float(np.float32(mu)), sigma)

    assert list(_found("score", score, mu="0.7", sigma="0.3")) == ["float32 accumulation"]


def test_sums_in_float32_are_named_far_from_the_origin() -> None:
    """There the right value changes by far more than the error under the smallest of changes."""

    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        away = mu * points - y[:, None]
        weights = np.exp(((away**2).min(1, keepdims=True) - away**2) / (2 * sigma**2))
        top = (weights * away).astype(np.float32).sum(1, dtype=np.float32)
        return top.astype(float) / weights.sum(1) / sigma**2

    given: dict[str, Any] = {"mu": 0.8828125, "sigma": 0.46875, "at": [902, 904.5, 905, 906]}
    with pytest.raises(ConformanceError) as caught:
        assert_score(score, [1024, 1024.5, 1026], **given)
    assert [cause.name for cause in caught.value.causes] == ["float32 accumulation"]


def _quadrature(nodes: int) -> Callable[..., Any]:
    def risk(network: Network, points: Any, mu: float, sigma: float) -> Any:
        z, weights = np.polynomial.hermite_e.hermegauss(nodes)
        z, weights = z.astype(points.dtype), (weights / weights.sum()).astype(points.dtype)
        y = points.dtype.type(mu) * points[:, None] + points.dtype.type(sigma) * z
        before = np.maximum(y[..., None] * network.inner + network.bias, 0)
        residual = before @ network.outer / len(network.outer) + z / points.dtype.type(sigma)
        return np.mean(residual**2 @ weights)

    return risk


@pytest.mark.parametrize(("dtype", "nodes"), [("float64", 256), ("float32", 64)])
def test_an_approximation_is_no_rounding(dtype: str, nodes: int) -> None:
    """Its error is of the same size: kinks spoil the order of the quadrature."""
    narrower = {"float64": "float32", "float32": "float16 or TF32"}[dtype]
    # Far kinks, so that the error is small; see the size of the noise level.
    network = Network([1.0, -1.0, 0.5], [1.5, 0.5, -2.5], [1.0, -2.0, 3.0])
    found = _found("risk", _quadrature(nodes), dtype=dtype, network=network)
    assert list(found) == ["approximation"]
    assert f"size of {narrower} rounding, but the error does not change" in found["approximation"]


def test_a_small_constant_added_is_no_rounding() -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        return plain.score(y, points, mu, np.sqrt(sigma**2 + 1e-8))

    assert list(_found("score", score)) == ["approximation"]


def test_neither_is_named_where_it_cannot_be_asked_again() -> None:
    """An exception beside the sample hides nothing, and leaves no cause."""

    def single(y: Any, points: Any, mu: float, sigma: float) -> Any:
        if points[0] != POINTS[0] or mu != MU:
            raise ValueError("another sample")
        value = plain.score(y.astype(np.float32), points.astype(np.float32), mu, sigma)
        return value.astype(np.float64)

    assert _found("score", single) == {}


@pytest.mark.parametrize("rate", [0, 2**21, 2**25, 2**26])
def test_errors_between_smooth_and_erratic_are_not_named(rate: int) -> None:
    """Errors of 3e-8 whose slope, 3e-8 times the rate, is up to that of the value itself."""

    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        wave = 1 + 0.5 * np.sin(rate * (points[0] - POINTS[0]))
        return plain.score(y, points, mu, sigma) * (1 + 3e-8 * wave)

    assert list(_found("score", score)) == (["approximation"] if rate <= 2**21 else [])


def test_the_callable_is_asked_four_times_more_at_most() -> None:
    """Once, once more for randomness, and four times beside the sample."""
    calls: list[Any] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(network: Network, points: Any, mu: float, sigma: float) -> Any:
            calls.append((points[0], mu))
            return function(network, points, mu, sigma)

        return run

    assert "approximation" in _found("risk", counted(_quadrature(64)), dtype="float32")
    assert len(calls) == 6 and calls[0] == calls[1] and len(set(calls)) == 5
    calls.clear()
    assert _found("risk", counted(_times("risk", 1.7))) == {}
    assert len(calls) == 2
    calls.clear()
    assert assert_risk(counted(plain.risk), POINTS, NETWORK, mu=MU, sigma=SIGMA).passed
    assert len(calls) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "words", "level", "factor"),
    [
        ("mu or sigma", ": mu is missing (", lambda mu, v: (1.0, v, 1.0, v), 1.0),
        ("mu or sigma", "no 1/2 in the logits", lambda mu, v: (mu, v / 2, mu, v), 1.0),
        ("factor 2", "2 times", lambda mu, v: (mu, v, mu, v), 2.0),
    ],
)
def test_a_second_mistake_beside_underflow_is_named(
    dtype: str, name: str, words: str, level: Any, factor: float
) -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        kind = y.dtype.type
        inside, spread, front, variance = map(kind, level(mu, sigma**2))
        weights = np.exp(-((y[:, None] - inside * points) ** 2) / (2 * spread))
        mean = (weights * points).sum(1) / weights.sum(1)
        return kind(factor) * (front * mean - y) / variance

    # 13 and, in float32, 6.5 underflow without the 1/2 only: exp(-1011) beside exp(-506), and
    # exp(-121) beside exp(-60).
    found = _found("score", score, dtype=dtype, at=[0.25, 1.0, -0.5, 6.5, 13.0, 30.0, -25.0])
    assert list(found) == ["no max shift", name]
    assert words in found[name]


def test_underflow_does_not_excuse_nan_near_the_data() -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        value = 2 * plain.score(y, points, mu, sigma)
        return np.where((y == 0.25) | (y == 30), np.nan, value)

    assert _found("score", score, at=[0.25, 1.0, 30.0]) == {}

    def other(y: Any, points: Any, mu: float, sigma: float) -> Any:
        return np.where(y == 30, np.nan, 1.7 * plain.score(y, points, mu, sigma))

    assert _found("score", other, at=[0.25, 1.0, 30.0]) == {}


def test_right_values_beside_underflow_show_no_second_mistake() -> None:
    """With mu = 1 - 2^-53 a missing mu gives the right values too."""

    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        value = plain.score(y, points, mu, sigma)
        return np.where(y == 30, np.nan, np.where(y == -25, 7.0, value))

    assert _found("score", score, at=[0.25, 1.0, 30.0, -25.0], mu=1 - 2**-53) == {}


LEVELS: list[tuple[str, Callable[..., tuple[float, ...]]]] = [
    ("mu is missing", lambda mu, sigma: (1.0, sigma**2, 1.0, sigma**2)),
    ("mu is missing in the logits", lambda mu, sigma: (1.0, sigma**2, mu, sigma**2)),
    ("mu is missing in front", lambda mu, sigma: (mu, sigma**2, 1.0, sigma**2)),
    ("sigma in place of sigma^2 in the logits", lambda mu, sigma: (mu, sigma, mu, sigma**2)),
    ("sigma in place of sigma^2 in the denom", lambda mu, sigma: (mu, sigma**2, mu, sigma)),
    ("sigma^2 is missing in the denominator", lambda mu, sigma: (mu, sigma**2, mu, 1.0)),
    ("no 1/2 in the logits", lambda mu, sigma: (mu, sigma**2 / 2, mu, sigma**2)),
]


@pytest.mark.parametrize(("words", "level"), LEVELS, ids=[words for words, _ in LEVELS])
def test_noise_levels_in_the_wrong_place_are_named(words: str, level: Any) -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        inside, variance, front, denominator = level(mu, sigma)
        logits = -((y[:, None] - inside * points) ** 2) / (2 * variance)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        mean = (weights * points).sum(1) / weights.sum(1)
        return (front * mean - y) / denominator

    assert words in _found("score", score)["mu or sigma"]


def test_other_functions_of_the_posterior_are_named() -> None:
    def denoiser(y: Any, points: Any, mu: float, sigma: float) -> Any:
        return (sigma**2 * plain.score(y, points, mu, sigma) + y) / mu

    def noise(y: Any, points: Any, mu: float, sigma: float) -> Any:
        return -sigma * plain.score(y, points, mu, sigma)

    assert "posterior mean" in _found("score", denoiser)["not the score"]
    assert "noise prediction" in _found("score", noise)["not the score"]


def _step(
    *,
    at_zero: float = 0.0,
    level: Callable[..., tuple[float, float, float]] | None = None,
) -> Callable[..., Any]:
    """A step whose y is `mu x + a z` and whose target is `c z`."""

    def step(net: Network, x: Any, mu: float, sigma: float, eta: float, i: Any, z: Any) -> Network:
        signal, spread, target = (mu, sigma, 1 / sigma) if level is None else level(mu, sigma)
        y = signal * x[i] + spread * z
        before = y[:, None] * net.inner + net.bias
        active = np.where(before == 0, at_zero, before > 0)
        residual = np.maximum(before, 0) @ net.outer / 3 + target * z
        bias = (residual[:, None] * active * net.outer).mean(0)
        outer = (residual[:, None] * np.maximum(before, 0)).mean(0)
        return Network(net.inner, net.bias - 2 * eta * bias, net.outer - 2 * eta * outer)

    return step


@pytest.mark.parametrize(("at_zero", "words"), [(1.0, "relu'(0) = 1"), (0.5, "relu'(0) = 1/2")])
def test_other_conventions_at_the_kink_are_named(at_zero: float, words: str) -> None:
    options: dict[str, Any] = {
        # y = 0.4375 + 0.0625 = 1/2, the kink of the first two neurons, without any rounding.
        "network": Network([1.0, -1.0, 0.5], [-0.5, 0.5, -1.0], [1.0, -2.0, 3.0]),
        "sigma": 0.25,
        "learning_rate": 0.0625,
        "indices": [2],
        "noise_draws": [0.25],
    }
    found = _found("sgd_step", _step(at_zero=at_zero), **options)
    assert found["kink at 0"].endswith(words)
    right = {key: value for key, value in options.items() if key != "network"}
    assert assert_sgd_step(_step(), POINTS, options["network"], mu=MU, **right).passed


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("mu is missing", lambda mu, sigma: (1, sigma, 1 / sigma)),
        ("sigma is missing", lambda mu, sigma: (mu, 1, 1 / sigma)),
        ("sigma^2 in place of sigma", lambda mu, sigma: (mu, sigma**2, 1 / sigma)),
        ("Z in place of Z/sigma", lambda mu, sigma: (mu, sigma, 1)),
        ("the target is Z/sigma^2", lambda mu, sigma: (mu, sigma, sigma**-2)),
    ],
)
def test_noise_levels_in_the_wrong_place_of_a_step_are_named(words: str, level: Any) -> None:
    assert words in _found("sgd_step", _step(level=level))["mu or sigma"]


@pytest.mark.parametrize(("off", "matches"), [(0.25, True), (0.5, False), (1.5, False)])
def test_a_prediction_must_be_much_nearer_than_the_right_value(off: float, matches: bool) -> None:
    """In units of the tolerance: got is 1.2 from the right value, and `off` from the prediction."""
    with reference.precision(128):
        one, nothing = (np.array([arb(x)], dtype=object) for x in (1, 0))
        allowance = tolerance.Allowance(nothing, one, 1, arb(1))
        unit = float(allowance.total(FORMATS["float32"])[0])
        evidence = causes.Evidence(
            "risk", np.array([1 + 1.2 * unit]), one, allowance, FORMATS["float32"]
        )
        predicted = np.array([arb(1 + 1.2 * unit) + arb(off * unit)], dtype=object)
        assert causes._matches(evidence, predicted) is matches


@pytest.mark.parametrize("quantity", ASSERTS)
def test_zeros_show_no_mistake_but_that_nothing_came_back(quantity: str) -> None:
    assert list(_found(quantity, _times(quantity, 0))) == ["only zeros"]


def test_a_prediction_that_is_nothing_explains_nothing() -> None:
    """In units of the tolerance: 0.9 is 0 like any other small number, 1.1 is not."""
    with reference.precision(128):
        one, nothing = (np.array([arb(x)], dtype=object) for x in (1, 0))
        allowance = tolerance.Allowance(nothing, one, 1, arb(1))
        unit = allowance.total(FORMATS["float32"])[0]
        evidence = causes.Evidence("risk", np.array([0.1]), one, allowance, FORMATS["float32"])
        mask = np.ones(1, dtype=bool)
        for size, is_nothing in ((0.9, True), (1.1, False)):
            predicted = np.array([size * unit], dtype=object)
            assert causes._is_nothing(evidence, predicted, mask) is is_nothing


def test_results_that_change_are_no_formula() -> None:
    rng = np.random.default_rng(0)
    found = _found("risk", lambda *args: plain.risk(*args) * (1 + 0.01 * rng.normal()))
    assert "assert_unbiased" in found["random"]


def test_values_that_no_mistake_gives_have_no_cause() -> None:
    for quantity in ASSERTS:
        assert _found(quantity, _times(quantity, 1.7)) == {}


def test_at_most_three_causes_are_named_once_each() -> None:
    """With m = n = |B| and sigma = 1/2 many factors are the same."""
    points, network = [-1.0, 1.0], Network([1.0, -1.0], [0.5, 0.5], [1.0, 2.0])
    with pytest.raises(ConformanceError) as caught:
        assert_risk(
            lambda *args: 2 * plain.risk(*args), points, network, mu=0.5, sigma=Fraction(1, 2)
        )
    names = [cause.name for cause in caught.value.causes]
    assert names == ["factor 2", "factor m", "factor n"] and causes.MOST == 3

"""The asserts as a user meets them: arguments, messages, answers that are neither yes nor no."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dsmverify.testing
from dsmverify import Instance
from dsmverify.errors import InputError
from dsmverify.testing import (
    Comparison,
    ConformanceError,
    Network,
    ResultError,
    Undecided,
    assert_gradient,
    assert_hessian,
    assert_largest_eigenvalue,
    assert_risk,
    assert_score,
    assert_sgd_step,
    assert_unbiased,
)
from tests.testing import plain

POINTS = [-1.0, 0.25, 2.0]
NETWORK = Network([1.0, -0.5], [0.25, 0.5], [1.5, -2.0])
LEVEL: dict[str, Any] = {"mu": 0.75, "sigma": 0.5}
BATCH: dict[str, Any] = {"learning_rate": 0.125, "indices": [0, 2], "noise_draws": [0.5, -1]}
INSTANCE = Instance.from_numpy(
    POINTS,
    **LEVEL,
    network={
        "inner_weights": NETWORK.inner,
        "biases": NETWORK.bias,
        "outer_weights": NETWORK.outer,
    },
    at=[0.5, 40.0],
    learning_rate="1/8",
)


def test_every_public_name_is_there() -> None:
    for name in dsmverify.testing.__all__:
        assert getattr(dsmverify.testing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'assert_nothing'"):
        _ = dsmverify.testing.assert_nothing


def test_the_three_lines_of_the_documentation() -> None:
    result = assert_score(plain.score, [0.0, 1.0, 3.0], sigma=0.25)
    assert type(result) is Comparison
    assert result.passed and result.causes == ()
    assert "score (numpy, float64): passed" in str(result)


@pytest.mark.parametrize(
    ("check", "function", "more"),
    [
        (assert_risk, plain.risk, {}),
        (assert_gradient, plain.gradient, {"parameters": ("outer", "bias", "inner")}),
        (assert_hessian, plain.hessian, {"parameters": ("outer", "bias", "inner")}),
        (assert_largest_eigenvalue, plain.largest_eigenvalue, {}),
        (assert_sgd_step, plain.sgd_step, {"indices": [0, 2], "noise_draws": [0.5, -1]}),
    ],
)
def test_an_instance_brings_everything_along(
    check: Callable[..., Comparison], function: Any, more: dict[str, Any]
) -> None:
    result = check(function, INSTANCE, **more)
    assert result.passed
    again = more | ({"learning_rate": 0.125} if check is assert_sgd_step else {})
    assert check(function, POINTS, NETWORK, **LEVEL, **again) == result


def test_a_score_is_asked_at_the_places_of_the_instance() -> None:
    entries = assert_score(plain.score, INSTANCE).entries
    assert [entry.where for entry in entries] == ["y[0] = 0.5", "y[1] = 40"]
    assert len(assert_score(plain.score, INSTANCE, at=[1, 2, 3]).entries) == 3


def test_default_places_reach_far_into_the_tails() -> None:
    seen: list[Any] = []

    def score(y: Any, *args: Any) -> Any:
        seen.append(y)
        return plain.score(y, *args)

    assert_score(score, POINTS, **LEVEL)
    assert seen[0].min() == 0.75 * -1 - 40 * 0.5 and seen[0].max() == 0.75 * 2 + 40 * 0.5


def test_the_callable_gets_numbers_of_the_dtype() -> None:
    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        assert y.dtype == points.dtype == np.float32
        assert y.shape == (1,) and points.shape == (2,)
        for number in (mu, sigma):
            assert type(number) is float and float(np.float32(number)) == number
        return plain.score(y, points, mu, sigma)

    result = assert_score(score, ["0.1", "0.7"], at=["1/3"], sigma="0.3", dtype="float32")
    assert "11184811/33554432" in result.entries[0].where or "0.333333343" in str(result)


def test_a_callable_may_be_told_the_time() -> None:
    def score(y: Any, points: Any, time: float) -> Any:
        return plain.score(y, points, np.exp(-time), np.sqrt(-np.expm1(-2 * time)))

    assert assert_score(score, POINTS, time="0.1", noise="time").passed
    assert assert_score(plain.score, POINTS, time="0.1").passed

    def step(net: Any, x: Any, time: float, *more: Any) -> Network:
        return plain.sgd_step(net, x, np.exp(-time), np.sqrt(-np.expm1(-2 * time)), *more)

    assert assert_sgd_step(step, POINTS, NETWORK, time=0.25, noise="time", **BATCH).passed

    def risk(net: Any, x: Any, time: float) -> Any:
        return plain.risk(net, x, np.exp(-time), np.sqrt(-np.expm1(-2 * time)))

    assert assert_risk(risk, POINTS, NETWORK, time=0.25, noise="time").passed


def test_torch_and_jax_arrays_go_in_and_come_back() -> None:
    torch = pytest.importorskip("torch")

    def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
        logits = -((y[:, None] - mu * points) ** 2) / (2 * sigma**2)
        return ((torch.softmax(logits, 1) * mu * points).sum(1) - y) / sigma**2

    for dtype in (torch.float64, "float32"):
        assert assert_score(score, POINTS, arrays="torch", dtype=dtype, **LEVEL).passed
    with pytest.raises(Undecided, match="bfloat16 cannot tell right from wrong"):
        assert_score(score, POINTS, arrays="torch", dtype="bfloat16", **LEVEL)
    assert assert_score(score, POINTS, arrays=torch.zeros(1), **LEVEL).dtype == "float32"
    module = torch.nn.Sequential(
        torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1, bias=False)
    ).double()
    assert assert_risk(plain.risk, POINTS, module, **LEVEL).passed


def test_vectors_have_a_score_and_their_coordinate_is_named() -> None:
    points = [[0.0, 1.0], [2.0, -1.0]]
    result = assert_score(plain.vector_score, points, at=[[1.0, 0.0]], **LEVEL)
    assert [entry.where for entry in result.entries] == [
        "y[0] = (1, 0), coordinate 0",
        "y[0] = (1, 0), coordinate 1",
    ]


@pytest.mark.parametrize("triple", [tuple(NETWORK), list(NETWORK)])
def test_any_triple_is_a_network(triple: Any) -> None:
    assert assert_risk(plain.risk, POINTS, triple, **LEVEL).passed


@pytest.mark.parametrize("network", [(1, 2, 3), ([1], [2]), []])
def test_other_tuples_are_refused_by_the_name_of_what_is_missing(network: Any) -> None:
    with pytest.raises(InputError, match=r"give Network\(inner, bias, outer\)"):
        assert_risk(plain.risk, POINTS, network, **LEVEL)


def test_what_a_dtype_cannot_tell_is_undecided_and_what_is_wrong_fails_all_the_same() -> None:
    """Thousands of noise levels from 0 the terms of the risk are a million times its value."""
    points, network = [1000.0, 1001.0, 1003.0], Network([1.0, -1.0], [-500.25, 501.0], [3.0, 2.0])
    given: dict[str, Any] = {"mu": 0.5, "sigma": 0.125}
    with pytest.raises(Undecided) as caught:
        assert_risk(plain.risk, points, network, **given, dtype="float32")
    text = str(caught.value)
    for words in ("risk (numpy, float32)", "use a wider dtype, or an input nearer the origin"):
        assert words in text
    assert "largest      the risk" in text and "passed" not in text
    with pytest.raises(Undecided):
        assert_risk(
            lambda *args: np.float32(1.1) * plain.risk(*args),
            points,
            network,
            **given,
            dtype="float32",
        )
    with pytest.raises(ConformanceError):
        assert_risk(lambda *_: np.float32(0), points, network, **given, dtype="float32")
    assert assert_risk(plain.risk, points, network, **given).passed


def test_a_score_of_exactly_zero_is_decided() -> None:
    def score(y: Any, *_: Any) -> Any:
        return 0 * y

    for dtype in ("float32", "float64"):
        assert assert_score(score, [-1, 1], at=[0], dtype=dtype, **LEVEL).passed
    with pytest.raises(Undecided):
        assert_score(score, [-1, 1], at=[2.0**-21], dtype="float32", **LEVEL)
    with pytest.raises(Undecided):  # what may underflow is more than all terms together
        assert_score(score, [-1, 1], at=[0], dtype="float32", mu=0.75, sigma=2.0**-50)


def test_a_failure_tells_everything() -> None:
    """The message is for people, the comparison for programs."""
    with pytest.raises(ConformanceError) as caught:
        assert_gradient(
            lambda *args: Network(*(2 * part for part in plain.gradient(*args))),
            POINTS,
            NETWORK,
            **LEVEL,
        )
    found = caught.value.comparison
    assert found is not None and not found.passed
    worst = found.worst
    text = str(caught.value)
    for words in (
        "gradient (numpy, float64): 4 of 4 entries are out of tolerance",
        f"worst input  {worst.where}",
        f"expected     [{worst.lower}, {worst.upper}]",
        f"got          {worst.got!r}",
        "ulps of float64",
        f"{found.operations} u (K + S)",
        "likely cause factor 2",
        '"x": ["-1", "0.25", "2"], "mu": "0.75", "sigma": "0.5"',
    ):
        assert words in text
    assert Fraction(worst.lower) <= Fraction(worst.upper)
    assert worst.error == pytest.approx(abs(worst.got - float(worst.lower)))
    # The error is as large as the value, so that it has some 2^52 ulps (up to 2^53).
    assert 2**52 <= worst.ulps <= 2**53
    assert worst.ratio == max(entry.ratio for entry in found.entries)
    assert worst.tolerance == pytest.approx(
        worst.radius + found.operations * found.unit * (worst.moved + worst.terms) + worst.tiny
    )
    assert found.failed == found.entries
    assert isinstance(caught.value, AssertionError)


def test_a_failure_shows_the_lines_of_the_test_only() -> None:
    for check in (
        lambda: assert_risk(lambda *args: 0.0, POINTS, NETWORK, **LEVEL),
        lambda: assert_unbiased(lambda rng: 0.0, 1, detect=0.5, batch_size=1),
    ):
        with pytest.raises(ConformanceError) as caught:
            check()
        shown = caught.traceback.filter(caught)
        assert {Path(str(entry.path)).name for entry in shown} == {Path(__file__).name}


def test_failures_can_be_sent_between_processes() -> None:
    with pytest.raises(ConformanceError) as caught:
        assert_risk(lambda *args: 0.0, POINTS, NETWORK, **LEVEL)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value) and copy.comparison == caught.value.comparison


def test_the_worst_entry_is_one_that_failed() -> None:
    """NaN has no error, yet it is worse than a finite one."""

    def score(y: Any, *args: Any) -> Any:
        value = plain.score(y, *args)
        value[1] = np.nan
        return value

    with pytest.raises(ConformanceError) as caught:
        assert_score(score, POINTS, at=[0.0, 0.5, 1.0], **LEVEL)
    assert caught.value.comparison is not None
    assert caught.value.comparison.worst.index == (1, 0)
    assert [entry.passed for entry in caught.value.comparison.entries] == [True, False, True]


def test_what_cannot_be_enclosed_is_undecided_and_no_pass() -> None:
    called: list[int] = []
    with pytest.raises(Undecided, match="nothing was compared"):
        assert_score(lambda *args: called.append(1), POINTS, budget=64, **LEVEL)
    assert called == []
    assert not issubclass(Undecided, ConformanceError)
    assert issubclass(Undecided, AssertionError)


def test_precision_rises_where_the_formula_cancels() -> None:
    """A spacing of 300 noise levels, and a kink 2^20 noise levels away."""
    network = Network([1.0, -1.0], [2.0**16, 0.0], [2.0**10, 1.0])
    assert assert_risk(plain.risk, [0.0, 40.0], network, mu=0.5, sigma=2**-4).passed


def test_results_of_the_wrong_form_say_so() -> None:
    with pytest.raises(ResultError, match=r"score: got numpy.ndarray \(shape \[3\], dtype float64"):
        assert_score(lambda *args: np.zeros(3), POINTS, at=[0.0], **LEVEL)
    with pytest.raises(ResultError, match="expected a Network"):
        assert_gradient(lambda *args: 3, POINTS, NETWORK, **LEVEL)
    with pytest.raises(ResultError, match="inner is None, but parameters="):
        assert_gradient(
            lambda *args: plain.gradient(*args)._replace(inner=None),
            POINTS,
            NETWORK,
            parameters=("outer", "bias", "inner"),
            **LEVEL,
        )
    with pytest.raises(ResultError, match=r"its shape is \[6, 6\]"):
        assert_hessian(plain.hessian, POINTS, NETWORK, **LEVEL)


def test_a_gradient_may_be_a_triple_a_mapping_or_without_inner() -> None:
    for wrap in (tuple, lambda value: value._asdict(), lambda value: value._replace(inner=None)):
        assert assert_gradient(
            lambda *args, wrap=wrap: wrap(plain.gradient(*args)), POINTS, NETWORK, **LEVEL
        ).passed


def test_groups_that_are_not_trained_stay_as_they_were() -> None:
    def moves(net: Any, *args: Any) -> Network:
        return plain.sgd_step(net, *args)._replace(inner=net.inner + 1)

    with pytest.raises(ConformanceError, match=r"inner\[0\] moved from 1.0 to 2.0"):
        assert_sgd_step(moves, POINTS, NETWORK, **BATCH, **LEVEL)

    def silent(net: Any, *args: Any) -> Network:
        return plain.sgd_step(net, *args)._replace(inner=None)

    assert assert_sgd_step(silent, POINTS, NETWORK, **BATCH, **LEVEL).passed


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("step_factor", ["m", "1"])
def test_steps_have_their_conventions(reduction: Any, step_factor: Any) -> None:
    def step(net: Any, x: Any, mu: float, sigma: float, eta: float, i: Any, z: Any) -> Network:
        # One step with the paper's factor and a mean is eta m/|B|; others follow from that.
        rate = eta * (len(i) if reduction == "sum" else 1) / (2 if step_factor == "1" else 1)
        return plain.sgd_step(net, x, mu, sigma, rate, i, z)

    options: dict[str, Any] = {"reduction": reduction, "step_factor": step_factor}
    assert assert_sgd_step(step, POINTS, NETWORK, **options, **BATCH, **LEVEL).passed
    options["step_factor"] = 1 if step_factor == "m" else "m"
    with pytest.raises(ConformanceError):
        assert_sgd_step(step, POINTS, NETWORK, **options, **BATCH, **LEVEL)


def test_a_wider_result_is_noted() -> None:
    result = assert_score(
        lambda *args: plain.score(*args).astype(np.float64), POINTS, dtype="float32", **LEVEL
    )
    assert result.notes == ("score came back in float64; it is judged at float32",)
    assert result.notes[0] in str(result)


def test_a_step_that_changes_its_arguments_in_place_is_no_harm() -> None:
    def step(net: Any, *args: Any) -> Network:
        after = plain.sgd_step(net, *args)
        net.bias[:], net.outer[:] = after.bias, after.outer
        return Network(*net)

    assert assert_sgd_step(step, POINTS, NETWORK, **BATCH, **LEVEL).passed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: assert_score(plain.score, INSTANCE, sigma=0.5), "already has its noise level"),
        (lambda: assert_score(plain.score, POINTS), "noise level"),
        (lambda: assert_score(plain.score, [1.0, None], sigma=0.5), "points[1]"),
        (lambda: assert_risk(plain.risk, POINTS, **LEVEL), "network: there is none"),
        (lambda: assert_risk(plain.risk, [1.0, 1.0], NETWORK, **LEVEL), "minimum spacing"),
        (
            lambda: assert_gradient(plain.gradient, INSTANCE, parameters=("outre",)),  # type: ignore[arg-type]
            "did you mean 'outer'",
        ),
        (
            lambda: assert_gradient(plain.gradient, INSTANCE, parameters=("bias", "bias")),
            "each group is named once",
        ),
        (
            lambda: assert_sgd_step(plain.sgd_step, INSTANCE, indices=[0], noise_draws=[1, 2]),
            "2 draws for 1 indices",
        ),
        (
            lambda: assert_sgd_step(plain.sgd_step, INSTANCE, indices=[3], noise_draws=[1]),
            "the sample has points 0 to 2",
        ),
        (
            lambda: assert_sgd_step(
                plain.sgd_step, POINTS, NETWORK, indices=[0], noise_draws=[1], **LEVEL
            ),
            "a step needs a positive learning rate",
        ),
        (
            lambda: assert_sgd_step(
                plain.sgd_step,
                INSTANCE,
                indices=[0],
                noise_draws=[1],
                reduction="average",  # type: ignore[arg-type]
            ),
            "reduction: 'average', but it must be 'mean' or 'sum'",
        ),
    ],
)
def test_bad_usage_is_an_input_error(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)


def test_exceptions_of_the_callable_are_its_own() -> None:
    def broken(*args: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        assert_score(broken, POINTS, **LEVEL)


def test_a_matrix_of_nothing_but_tiny_entries_has_an_eigenvalue() -> None:
    """The neuron is dead but for exp(-10^8) of the noise."""
    network = Network([1.0], [-4.0], [1.0])
    result = assert_largest_eigenvalue(
        lambda *args: 0.0, [-1.0, -3.0], network, mu=0.5, sigma=2**-14
    )
    assert result.passed


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("assert_score", "score"),
        ("assert_risk", "risk"),
        ("assert_gradient", "gradient"),
        ("assert_hessian", "hessian"),
        ("assert_largest_eigenvalue", "largest_eigenvalue"),
    ],
)
def test_what_cannot_be_called_is_refused(name: str, argument: str) -> None:
    with pytest.raises(InputError, match=f"^{argument}: '?3") as caught:
        getattr(dsmverify.testing, name)(3, [0, 1], mu="1/2", sigma="1/2")
    assert caught.value.argument == argument


def test_a_step_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(InputError, match=r"^step: "):
        dsmverify.testing.assert_sgd_step(None, [0, 1], indices=[0], noise_draws=[0])  # type: ignore[arg-type]

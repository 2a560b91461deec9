"""Polishing: downhill, within its budget, and honest about what it reached."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dsmverify.ensembles import measures
from dsmverify.ensembles.hinges import Parameters, parameters_of
from dsmverify.ensembles.polish import CRITICAL, Polished, function_distance, polish
from dsmverify.ensembles.settings import EXPERIMENTS, THEORY, Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch

BATCH = Batch(50, "mean", True)
PROBLEM = Problem(np.array([-1.0, 0.0, 0.4, 2.0]), 0.9, 0.4)
SMALL = replace(THEORY, width=3)
WIDE = replace(THEORY, width=80)


def start(model: Model, seed: int = 3) -> Networks:
    """Initial networks, not trained."""
    return Ensemble.of(model, BATCH, [PROBLEM], [0.1], [seed], [0]).start()


@pytest.fixture(scope="module")
def small() -> Polished:
    """Three neurons: a critical point is reached."""
    return polish(PROBLEM, SMALL, start(SMALL), 0, rate=1e-3, batch=BATCH, budget=2000)


@pytest.mark.parametrize("model", [WIDE, replace(EXPERIMENTS, width=60, offset=True)])
def test_risk_falls_and_numbers_are_those_of_the_networks(model: Model) -> None:
    """Risk, gradient and sharpness are what the measures say of both ends."""
    networks = start(model)
    kept = networks.copy()
    found = polish(PROBLEM, model, networks, 0, rate=0.1, batch=BATCH, budget=150)
    assert found.after.risk < found.before.risk
    assert found.after.gradient < found.before.gradient
    assert found.evaluations <= found.budget == 150
    assert np.array_equal(networks.bias, kept.bias)
    for place, end in ((found.before, networks), (found.after, found.networks)):
        told = measures.measure(PROBLEM, model, end, 0)
        assert place.risk == pytest.approx(told.risk, rel=1e-10)
        assert place.gradient == pytest.approx(told.gradient_norm, rel=1e-6)
        assert place.lambda_max == pytest.approx(told.hessian_largest, rel=1e-6)
        assert place.dead == told.dead
    sharpest = found.after.pointwise_lambda_max
    assert found.largest_stable_rate == pytest.approx(2 / (model.width * sharpest))


def test_a_small_network_reaches_a_critical_point(small: Polished) -> None:
    """Alignment is without units: the gradient is below rounding of its terms."""
    assert small.stopped == "critical"
    assert small.is_critical
    assert small.after.alignment <= CRITICAL
    assert small.evaluations < small.budget


def test_alignment_bounds_the_gradient(small: Polished) -> None:
    """|grad R_n| <= 2 sqrt(R_n lambda_max(T)), so it lies in [0, 1]."""
    assert 0 < small.before.alignment <= 1


def test_a_sharp_point_is_not_what_sgd_converged_to(small: Polished) -> None:
    """At a rate above 2/(m lambda_max(E[H])) it says so; below, that it is not sufficient."""
    limit = small.largest_stable_rate
    fast = replace(small, rate=1.01 * limit, step=1.01 * limit * 3)
    slow = replace(small, rate=0.5 * limit, step=0.5 * limit * 3)
    assert not fast.is_flat_enough
    assert "not the minimum that SGD converged to" in fast.judgement
    assert slow.is_flat_enough
    assert "not sufficient" in slow.judgement


@pytest.mark.parametrize(("pointwise", "full", "flat"), [(1.5, 2.5, True), (2.5, 1.5, False)])
def test_only_what_sgd_sees_judges(
    small: Polished, pointwise: float, full: float, flat: bool
) -> None:
    """Instability is claimed from E[H], never from hess R_n, which eq. 8 bounds."""
    after = replace(
        small.after,
        pointwise_lambda_max=pointwise / small.step,
        lambda_max=full / small.step,
    )
    found = replace(small, after=after)
    assert found.is_flat_enough is flat
    assert found.stability_product == pytest.approx(pointwise)
    assert found.equation_8_product == pytest.approx(full)
    assert found.judgement.startswith(f"m eta lambda_max(E[H]) = {pointwise} ")
    assert ("not stable" in found.judgement) is not flat
    assert found.largest_stable_rate == pytest.approx(small.rate * 2 / pointwise)


def test_an_unfinished_polish_is_no_minimum() -> None:
    """The budget ends it, and the record says that nothing critical was reached."""
    found = polish(PROBLEM, WIDE, start(WIDE), 0, rate=0.1, batch=BATCH, budget=20)
    assert (found.stopped, found.evaluations) == ("budget", 20)
    assert not found.is_critical
    assert "no critical point" in found.judgement
    assert "not a minimum that SGD converged to" in found.judgement


def test_a_sum_over_the_batch_is_a_larger_step() -> None:
    """The step counts the batch size where the loss is a sum."""
    batch = Batch(50, "sum", True)
    mean = polish(PROBLEM, SMALL, start(SMALL), 0, rate=1e-3, batch=BATCH, budget=5)
    total = polish(PROBLEM, SMALL, start(SMALL), 0, rate=1e-3, batch=batch, budget=5)
    assert total.step == pytest.approx(50 * mean.step)
    assert mean.step == pytest.approx(3e-3)
    # E[H] of a sum is |B| times that of a mean; hess R_n is the same.
    assert total.stability_product == pytest.approx(50 * mean.stability_product)
    assert total.equation_8_product == pytest.approx(mean.equation_8_product)


def test_function_distance_is_the_mean_square() -> None:
    """Against a fine sum over y of the definition."""
    networks = start(replace(EXPERIMENTS, width=20, offset=True))
    model = replace(EXPERIMENTS, width=20, offset=True)
    one = replace(parameters_of(model, networks, 0), offset=0.3)
    other = replace(one, outer=one.outer * 1.01, bias=one.bias + 0.2, offset=-0.1)
    y = np.linspace(-6, 8, 200_001)

    def score(net: Parameters) -> np.ndarray:
        active = np.maximum(net.inner[:, None] * y + net.bias[:, None], 0)
        found: np.ndarray = net.scale * (net.outer @ active) + net.offset
        return found

    density = np.exp(-((y[:, None] - 0.9 * PROBLEM.points[:, 0]) ** 2) / (2 * 0.4**2)).sum(axis=1)
    density /= density.sum()
    expected = float(density @ (score(one) - score(other)) ** 2)
    # The rectangle rule on a function with kinks errs by the square of the step, 5e-9.
    assert function_distance(PROBLEM, model, one, other) == pytest.approx(expected, rel=1e-6)
    assert function_distance(PROBLEM, model, one, one) < 1e-14


def test_flat_directions_count_dead_neurons_and_rescalings() -> None:
    """Two for each dead neuron of the theory; three, and one for each other, where w1 moves."""
    networks = start(SMALL)
    networks.bias[0, 0] = -100.0  # inner weight +1: dead
    found = polish(PROBLEM, SMALL, networks, 0, rate=0.1, batch=BATCH, budget=3)
    assert found.after.dead == 1
    assert found.flat_directions == 2
    trained = replace(EXPERIMENTS, width=3, bias_deviation=1.0)
    networks = start(trained)
    networks.inner[0, 0, 0], networks.bias[0, 0] = 1.0, -100.0
    found = polish(PROBLEM, trained, networks, 0, rate=0.1, batch=BATCH, budget=3)
    assert found.flat_directions == 3 + 2


def test_merged_neurons_are_counted() -> None:
    """Two neurons of one sign and one kink."""
    networks = start(replace(THEORY, width=4))
    networks.bias[0, 2] = networks.bias[0, 0]
    found = polish(PROBLEM, replace(THEORY, width=4), networks, 0, rate=0.1, batch=BATCH, budget=1)
    assert found.before.merged == 1


def test_bad_input() -> None:
    """A budget below 1, and a network that diverged."""
    networks = start(SMALL)
    with pytest.raises(InputError, match="budget"):
        polish(PROBLEM, SMALL, networks, 0, rate=0.1, batch=BATCH, budget=0)
    networks.outer[0, 0, 0] = np.inf
    with pytest.raises(InputError, match="finite"):
        polish(PROBLEM, SMALL, networks, 0, rate=0.1, batch=BATCH)

"""What the benchmarks promise about accuracy, without their timings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import acb, arb

from benchmarks.containment import (
    failures,
    lost_bits,
    quantities,
    random_instance,
    running_failures,
)
from benchmarks.reports import grown
from benchmarks.samples import spaced, wide
from dsmverify.approximations import Approximations, bounded_risk_of_arrays
from dsmverify.battery import battery
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import curvature, posterior
from dsmverify.formulas import risk as risks
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.minimal_risk import sparse_risk_density
from dsmverify.systems import float64
from dsmverify.systems.balls import COMPLEX, SYSTEM
from tests.report.outcomes import claim, report, row

NETWORKS = [
    instance
    for instance in battery()
    if instance.network is not None and instance.network.width <= 50
]


def test_random_instances_lie_inside_their_balls() -> None:
    assert [line for seed in range(50) for line in failures(random_instance(seed))] == []


def test_quantities_cover_every_spelling_of_the_noise() -> None:
    spelled = {
        (noise.mu is None, noise.time is None)
        for noise in (random_instance(seed).noise for seed in range(50))
    }
    assert len(spelled) == 3
    assert len(quantities(random_instance(0), 64)) == 20


@pytest.mark.parametrize("instance", NETWORKS, ids=lambda instance: instance.name)
def test_running_bound_holds_the_certified_value(instance: Instance) -> None:
    with precision(256):
        facts = Facts(instance, Accuracy())
        assert running_failures(instance, facts.risk, list(facts.gradient)) == []


def test_wide_risk_is_accurate_to_1e_12_of_its_terms() -> None:
    data = wide(width=300)
    found = bounded_risk_of_arrays(
        data.points, data.mu, data.sigma, data.inner, data.bias, data.outer
    )
    known = Approximations(data.instance())
    terms = absolute_terms(known)
    with precision(128):
        exact = Facts(data.instance(), Accuracy())
        error = abs(arb(found.risk) - exact.risk)
        assert error < 1e-12 * terms[0]
        assert error < found.risk_error
        apart = [
            float(abs(arb(value) - ball))
            for value, ball in zip(map(float, found.gradient), exact.gradient, strict=True)
        ]
    assert np.all(np.array(apart) <= 1e-12 * terms[1])
    assert np.all(np.array(apart) <= found.gradient_error)


def absolute_terms(known: Approximations) -> tuple[float, Any]:
    """Sums of the absolute terms of risk and gradient: |f|'s moments instead of f's."""
    ns, sample, network = float64.SYSTEM, known.sample, known.network
    f = risks.residual_of(ns, sample, network)
    mass, first, second = (np.abs(moment) for moment in f.seen.moments)
    value, slope = np.abs(f.value), np.abs(f.slope)
    total = float(np.sum(value * (value * mass + 2 * slope * first) + slope**2 * second))
    mean, moment = value * mass + slope * first, value * first + slope * second
    far = sample.sigma * (np.abs(f.seen.centre) * mean + moment)
    reach = sample.sigma * np.abs(f.seen.z).max() * mean.sum()
    n, m = sample.size, network.width
    outer = np.full(m, 2 * np.abs(network.inner).max() * (far.sum() + reach) / (n * m))
    return total / n, np.concatenate((outer, 2 * np.abs(network.outer) * mean.sum() / (n * m)))


def test_leading_kernel_eigenvalue_agrees_with_the_matrix() -> None:
    known = Approximations(wide(width=200).instance())
    matrix = curvature.tangent_kernel(float64.SYSTEM, known.sample, known.network)
    assert known.kernel_leading[0] == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-10)


@pytest.mark.parametrize("ratio", [1, 10, 100])
def test_sparse_risk_density_is_the_formula(ratio: int) -> None:
    instance = spaced(ratio, size=6)
    with precision(160):
        facts = Facts(instance, Accuracy(42))
        sample = facts.sample
        complex_sample = facts.integrals.complex_sample
        for part in range(-3, 14):
            centre = sample.mu * sample.points[2]
            y = (centre + (part * sample.sigma) / 3).mid()
            for z in (acb(y), acb(y, y / 997)):
                full = posterior.risk_density(
                    COMPLEX, np.array([z], dtype=object), complex_sample, np.array([2])
                )[0]
                sparse = sparse_risk_density(sample, 2, 66)(z)
                assert sparse.overlaps(full)
                assert sparse.rad() <= abs(full).upper() * arb(2) ** -44


@pytest.mark.parametrize("ratio", [2, 30])
def test_minimal_risk_reaches_its_accuracy(ratio: int) -> None:
    with precision(96):
        found = Facts(spaced(ratio, size=5), Accuracy(42)).risk_empirical_score
    approximate = Approximations(spaced(ratio, size=5)).risk_empirical_score
    assert found.rel_accuracy_bits() >= 40
    # float64's quadrature states a relative error of about 1e-12.
    assert float(found) == pytest.approx(approximate.value, rel=1e-11)


@pytest.mark.parametrize("instance", NETWORKS, ids=lambda instance: instance.name)
def test_hessians_lose_at_most_40_bits(instance: Instance) -> None:
    assert max((lost for lost, _ in lost_bits(instance, 256, ["hessian"])), default=0) <= 40


@pytest.mark.parametrize("instance", NETWORKS, ids=lambda instance: instance.name)
def test_twice_the_precision_buys_lost_bits_of_the_risk_back(instance: Instance) -> None:
    # Networks fitted closely at large spacing ratios lose up to 140 bits: the risk is far below
    # its terms there, and precision has to be raised.
    lost = max((lost for lost, _ in lost_bits(instance, 512, ["risk"])), default=0)
    assert 512 - lost >= 256 - 40


def test_systems_agree_on_risk_and_gradient_together() -> None:
    instance = random_instance(3)
    with precision(96):
        facts = Facts(instance, Accuracy())
        total, slope = risks.risk_and_gradient(SYSTEM, facts.sample, facts.network)
        assert total.overlaps(facts.risk)
        assert all(a.overlaps(b) for a, b in zip(slope, facts.gradient, strict=True))


def test_a_report_grows_by_whole_copies_of_its_rows() -> None:
    small = report([row("TRUE"), row("FALSE", "large")], claims=(claim(), claim("thm04")))
    many = grown(small, 5)
    assert (len(many.rows), many.claims[0].true, many.claims[0].false) == (6, 3, 3)
    assert len({(entry.claim, entry.instance) for entry in many.rows}) == 6
    assert len(many.inputs) == 6

"""float64 quadratures and roots against certified enclosures and printed conditions."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb
from mpmath import mp

from dsmverify.approximations import Approximations, bounded_risk, hessian_product
from dsmverify.battery import battery
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import curvature
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.systems import float64
from tests.formulas import definitions

NAMES = (
    "sample-pair-unit",
    "sample-triple-outlier",
    "random-pair",
    "random-four-mean",
    "fitted-triple-nine",
    "shape-coinciding",
    "minimum-overlap-two",
)


@cache
def bundled() -> dict[str, Instance]:
    return {instance.name: instance for instance in battery()}


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest) -> Instance:
    return bundled()[request.param]


def lies_in(value: float, enclosure: arb, error: float) -> bool:
    """Whether a float is within an error of some number of an enclosure."""
    return bool((enclosure + arb(0, error)).contains(arb(value)))


def test_integrals_lie_within_their_errors(case: Instance) -> None:
    rough = Approximations(case)
    with precision(96):
        facts = Facts(case, Accuracy(30))
        names = ["risk_empirical_score", "tv_empirical_score"]
        names += ["squared_distance"] if case.network is not None else []
        for name in names:
            quadrature, enclosure = getattr(rough, name), facts(name)
            # Input rounding: sigma and mu in floats count as up to 100 roundings of the value.
            error = quadrature.error + 100 * 2.0**-52 * abs(quadrature.value)
            assert lies_in(quadrature.value, enclosure, error), (name, quadrature, enclosure)
            assert quadrature.error <= 1e-4 * quadrature.value  # of use at all


@pytest.mark.parametrize("name", NAMES)
def test_risk_of_the_score_reaches_its_stated_accuracy(name: str) -> None:
    found = Approximations(bundled()[name]).risk_empirical_score
    with precision(128):
        enclosure = Facts(bundled()[name], Accuracy(45)).risk_empirical_score
        # Stated: about 1e-12.
        assert lies_in(found.value, enclosure, 4e-12 * found.value)


def test_excess_risk_is_the_mean_square_distance(case: Instance) -> None:
    """`R(theta) - R(s*) = E (s_theta - s*)^2`: two enclosures that share no integral."""
    if case.network is None:
        pytest.skip("no network")
    with precision(96):
        facts = Facts(case, Accuracy(30))
        assert facts.excess_risk.overlaps(facts.squared_distance)


def test_risk_of_the_score_is_below_that_of_0(case: Instance) -> None:
    """`R(s*) < R(0) = 1/sigma^2`."""
    with precision(96):
        facts = Facts(case, Accuracy(20))
        assert facts.risk_empirical_score < 1 / facts.sample.sigma**2
        assert facts.risk_empirical_score.upper() > 0


def test_eigenvalues(case: Instance) -> None:
    if case.network is None:
        pytest.skip("no network")
    rough = Approximations(case)
    with precision(128):
        facts = Facts(case, Accuracy(20))
        top, bottom = rough.hessian_extremes
        # Entries and LAPACK are right to 1e-13 of the norm, which the two extremes bound.
        error = 1e-12 * max(abs(top), abs(bottom))
        assert lies_in(top, facts.hessian_lambda_max, error)
        assert lies_in(bottom, facts.hessian_lambda_min, error)
        assert lies_in(
            rough.kernel_leading[0], facts.ntk_lambda_max, 1e-12 * rough.kernel_leading[0]
        )


def test_hessian_products(case: Instance) -> None:
    if case.network is None:
        pytest.skip("no network")
    rough = Approximations(case)
    dense = curvature.hessian(float64.SYSTEM, rough.sample, rough.network)
    product = hessian_product(rough.sample, rough.network)
    for row, column in zip(np.eye(len(dense)), dense, strict=True):
        np.testing.assert_allclose(product(row), column, rtol=0, atol=1e-13 * np.abs(dense).max())


def test_bounded_risk_contains_the_certified_value() -> None:
    for instance in bundled().values():
        if instance.network is None or instance.network.width > 30:
            continue
        found = bounded_risk(instance)
        with precision(256):
            facts = Facts(instance, Accuracy(20))
            assert abs(facts.risk - arb(found.risk)) <= arb(found.risk_error), instance.name
            entries = zip(facts.gradient, found.gradient, found.gradient_error, strict=True)
            for ball, value, error in entries:
                assert abs(ball - arb(float(value))) <= arb(float(error)), instance.name


# sigma_0.


def conditions(case: Instance, sigma: Any) -> list[bool]:
    """The four printed conditions at one noise level, mu fixed; mpmath at 60 digits."""
    mu, _ = definitions.noise(case)
    x = [definitions.mpf(point) for point in case.points]
    n, width = len(x), x[-1] - x[0]
    spacing = min(b - a for a, b in pairwise(x))
    reach = max(x[-1], 0) - min(x[0], 0)
    c_n = max(1, 8 * mu**2 * width**3 * (mu**2 * reach + 2 * (n - 1) / spacing))
    a = c_n / sigma**6
    right = mp.pi * n**5 * mu / (2**38 * mp.sqrt(mp.e) * width**2 * a**4)
    return [
        spacing >= 8 * sigma / mu,
        mp.exp(-(mu**2) * spacing**2 / (32 * sigma**2)) <= right,
        sigma <= mp.one / n,
        mp.sqrt(1 / (16 * n * sigma**2)) / 2 <= mu * n**2 * spacing / (2**13 * sigma**2),
    ]


def test_sigma_0_is_where_a_printed_condition_turns(case: Instance) -> None:
    with precision(256):
        enclosed = Facts(case, Accuracy(20)).sigma_0
        lower, upper = (
            str(end.mid().str(60, radius=False)) for end in (enclosed.lower(), enclosed.upper())
        )
    with mp.workdps(60):
        low, high = (mp.mpf(text) for text in (lower, upper))
        assert high / low - 1 < mp.mpf("1e-20")
        for share in ("1e-12", "0.01", "0.5", "0.9", "0.999"):
            assert all(conditions(case, low * (1 - mp.mpf(share))))
        assert not all(conditions(case, high * (1 + mp.mpf("1e-12"))))
    assert Approximations(case).sigma_0 == pytest.approx(float(low), rel=1e-12)


def test_a_wide_network_of_dead_neurons_has_no_tangent_kernel() -> None:
    """Every neuron is active only where no noised point is: the kernel is 0, not an error."""
    width = 2 * 30 + 1
    weights = {
        "inner_weights": [1] * width,
        "biases": [-1000] * width,
        "outer_weights": [1] * width,
    }
    dead = Instance.from_json({"x": ["0", "1"], "sigma": "1/2", "network": weights})
    assert Approximations(dead).kernel_leading[0] == 0.0

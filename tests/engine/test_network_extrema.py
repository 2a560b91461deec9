"""Extremes of a network and of the weight on an interval; the kernel between training points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from mpmath import mp

from dsmverify.certify import Session, precision
from dsmverify.claims import Claim, Inequality, Range, Source
from dsmverify.facts import Facts
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy

TENT = NetworkData(
    inner_weights=(Fraction(1), Fraction(1), Fraction(-1)),
    biases=(Fraction(0), Fraction(-1), Fraction(-1)),
    outer_weights=(Fraction(3), Fraction(-6), Fraction(3)),
)
"""`s = y` on [0, 1], `1 - (y - 1)` beyond, 0 on [-1, 0], `-(y + 1)` before; kinks -1, 0, 1."""

INSTANCE = Instance(
    name="tent",
    points=(Fraction(0), Fraction(1), Fraction(3)),
    noise=NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 3)),
    network=TENT,
)


@pytest.fixture
def facts() -> Facts:
    return Facts(INSTANCE, Accuracy(30))


@pytest.mark.parametrize(
    ("low", "high", "values", "slopes"),
    [
        ("-1/2", "1/2", (0, Fraction(1, 2)), (0, 1)),
        ("1/4", "3", (-1, 1), (-1, 1)),
        ("0", "1", (0, 1), (1, 1)),
        ("-3", "-2", (1, 2), (-1, -1)),
        ("-3", "3", (-1, 2), (-1, 1)),
    ],
)
def test_extremes_of_a_tent(
    facts: Facts, low: str, high: str, values: tuple[int, int], slopes: tuple[int, int]
) -> None:
    with precision(96):
        found = facts.network_extrema(_ball(low), _ball(high))
        for enclosure, expected in zip(found, (*values, *slopes), strict=True):
            assert enclosure.contains(_ball(str(expected)))
            assert float(enclosure.rad()) < 1e-20


def test_a_piece_that_only_may_meet_the_interval_widens_the_slopes(facts: Facts) -> None:
    with precision(96):
        wide = _ball("1").union(_ball("1.0001"))
        _, _, _, steepest = facts.network_extrema(wide, _ball("2"))
        assert steepest.contains(arb(-1)) and steepest.contains(arb(1))


def test_the_kink_index_runs_over_the_network() -> None:
    kink = Claim(
        "planted",
        Source("planted", 1),
        "tau_l < 1",
        Inequality(lambda c: c.network.kinks[c.l - 1], "<", lambda c: c.ns.constant(1)),
        subject="network",
        range=Range("neurons"),
    )
    row = Session(INSTANCE).decide(kink)
    assert (row.answer, row.where) == ("FALSE", {"l": "3"})


def test_least_weight_is_the_least(facts: Facts) -> None:
    with precision(96):
        least = facts.least_weight(_ball("0"), _ball("3/2"))
        sampled = [float(facts.case().weight(_ball(f"{k}/100"))) for k in range(151)]
        assert float(least.lower()) <= min(sampled) <= float(least.upper()) * (1 + 1e-9)
        assert float(least.rad()) < 1e-3 * float(least.mid())
        assert facts.least_weight(_ball("-1"), _ball("1")).contains(arb(0))


def test_noised_weight_from_its_definition(facts: Facts) -> None:
    mu, sigma, points = mp.mpf(1) / 2, mp.mpf(1) / 3, (0, 1, 3)
    for place in ("-1", "1/10", "3/4", "8/5"):
        y = mp.mpf(Fraction(place).numerator) / Fraction(place).denominator

        def mean(function: object, y: object = y) -> object:
            total = mp.mpf(0)
            for x in points:

                def integrand(t: object, x: int = x) -> object:
                    return function(t - y) * mp.npdf(t, mu * x, sigma)  # type: ignore[operator]

                total += mp.quad(integrand, [-5, y, 6])
            return total / 3

        left = mean(lambda d: mp.mpf(d < 0)) * mean(lambda d: max(-d, 0))  # type: ignore[operator]
        right = mean(lambda d: mp.mpf(d > 0)) * mean(lambda d: max(d, 0))  # type: ignore[operator]
        with precision(96):
            value = facts.weight_noised(_ball(place))
            assert abs(float(value.mid()) - float(min(left, right))) < 1e-12
            assert float(value.rad()) < 1e-25


def test_kernel_between_points_against_quadrature(facts: Facts) -> None:
    nodes = np.linspace(-8, 8, 40001)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    w1, b, w2 = (
        np.array([float(v) for v in part])
        for part in (TENT.inner_weights, TENT.biases, TENT.outer_weights)
    )
    means = 0.5 * np.array([0.0, 1.0, 3.0])
    pre = w1 * (nodes[:, None, None] / 3 + means[:, None]) + b
    gradients = np.concatenate((np.maximum(pre, 0), w2 * (pre > 0)), axis=-1) / 3
    columns = np.einsum("k,kil,kjl->ij", weights, gradients, gradients) / 3
    with precision(96):
        found = float(facts.kernel_columns_lambda_max.mid())
    # Jumps of height 4 at a resolution of 4e-4 in a density below 0.4: an error below 1e-3.
    assert found == pytest.approx(np.linalg.eigvalsh(columns)[-1], rel=1e-3)


def _ball(text: str) -> arb:
    value = Fraction(text)
    return arb(value.numerator) / value.denominator

"""Rounding, genome, shrinking and the convex problem for many kinks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmverify import catalogue
from dsmverify.claims import Row
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.search import networks, samples, spread
from dsmverify.search.genome import Genome
from dsmverify.search.refute import decide_false
from dsmverify.search.rounding import exponent_of, rounded, rounded_inside
from dsmverify.search.shrink import Witness, shrink
from dsmverify.search.slack import Slack

PAIR = Instance(
    "pair", (Fraction(0), Fraction(40)), NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 2))
)


@given(st.fractions(min_value=Fraction(1, 10**9), max_value=10**9), st.integers(1, 12))
def test_rounding_keeps_so_many_digits(value: Fraction, digits: int) -> None:
    assert Fraction(10) ** exponent_of(value) <= value < Fraction(10) ** (exponent_of(value) + 1)
    # Half a unit of the last digit, which is at most 10^(1 - digits) of the number.
    assert abs(rounded(value, digits) - value) <= value * Fraction(10) ** (1 - digits) / 2


@given(st.floats(0, 1), st.integers(1, 8))
def test_rounding_inside_stays_inside(value: float, digits: int) -> None:
    assert 0 < rounded_inside(value, digits) < 1


def test_lines_are_in_the_setting_and_cover_all_sizes() -> None:
    generator = np.random.default_rng(0)
    lines = samples.lines(generator)
    seen = set()
    for _ in range(120):
        instance = next(lines).at(samples.ratios(generator)[7])
        seen.add(instance.size)
        assert instance.spacing > 0
    assert seen == set(samples.SIZES)


def test_spacing_ratios_span_ten_orders_of_magnitude() -> None:
    ratios = samples.ratios(np.random.default_rng(0))
    assert min(ratios) < 1e-3
    assert max(ratios) > 1e5


@pytest.mark.parametrize("noise", [
    NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 3)),
    NoiseLevel(sigma=Fraction(1, 3)),
    NoiseLevel(time=Fraction(1, 7)),
])  # fmt: skip
def test_genome_comes_back(noise: NoiseLevel) -> None:
    data = NetworkData(
        (Fraction(1), Fraction(-1)), (Fraction(1), Fraction(2, 3)), (Fraction(-3), Fraction(1, 7)),
        Fraction(4),
    )  # fmt: skip
    start = Instance("start", (Fraction(-1), Fraction(2), Fraction(7)), noise, network=data)
    again = Genome(start).decode(Genome(start).encode().tolist())
    # Eight digits are kept, and kinks follow the rounded data.
    assert [float(x) for x in again.points] == pytest.approx([-1, 2, 7], rel=1e-6)
    assert again.network is not None
    assert [float(b) for b in again.network.biases] == pytest.approx([1, 2 / 3], rel=1e-6)
    assert [float(w) for w in again.network.outer_weights] == pytest.approx([-3, 1 / 7], rel=1e-6)


def test_piecewise_network_is_the_function() -> None:
    knots, slopes = [Fraction(1), Fraction(3)], [Fraction(-1), Fraction(2), Fraction(5)]
    data = networks.piecewise(PAIR, knots, slopes, Fraction(2))

    def value(y: Fraction) -> Fraction:
        parts = zip(data.inner_weights, data.biases, data.outer_weights, strict=True)
        active = (w2 * max(w1 * y + b, Fraction(0)) for w1, b, w2 in parts)
        return sum(active, Fraction(0)) / data.width

    places = [Fraction(k) for k in (0, 1, 2, 3, 4)]
    assert [value(y) for y in places] == [-1, -2, 0, 2, 7]


def test_convex_problem_beats_the_bound_and_counts_are_consistent() -> None:
    kernel = spread.Kernel(PAIR)
    kinks, signs = spread.grid(kernel, 0.5, np.random.default_rng(0))
    given_features = kernel.features(kinks, signs)
    counts, squares = spread.solve(given_features)
    kept = counts > 0
    weights = np.zeros_like(counts)
    weights[kept] = np.sqrt(squares[kept] / counts[kept])
    back = np.empty_like(counts)
    back[given_features.order] = counts
    outer = np.empty_like(counts)
    outer[given_features.order] = weights
    best = spread.ratio(given_features, back, outer)
    assert best > 1.05
    # Homogeneous of degree 0, and no other point of the cone does better.
    assert spread.ratio(given_features, 7 * back, outer) == pytest.approx(best, rel=1e-9)
    generator = np.random.default_rng(1)
    for _ in range(20):
        other = spread.ratio(given_features, generator.random(len(back)), 3 * outer + 0.1)
        assert other < best


def test_networks_of_many_kinks_refute_with_balls() -> None:
    (claim,) = catalogue.select(["prop10"])
    found = next(spread.instances(PAIR, np.random.default_rng(0), lambda _: None))
    assert Slack(claim)(found).looks_false
    assert decide_false(claim, found) is not None


def test_shrinking_keeps_the_failure_and_shortens() -> None:
    (claim,) = catalogue.select(["cor03a"])
    noise = NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(21, 100))
    start = Instance("long", (Fraction(1), Fraction(3), Fraction(4099, 100)), noise)
    row = decide_false(claim, start)
    assert row is not None

    def decide(instance: Instance) -> Row | None:
        return decide_false(claim, instance)

    smaller = shrink(Witness(start, row), decide)
    assert smaller.size < Witness(start, row).size
    assert smaller.instance.size == 2
    assert decide_false(claim, smaller.instance) is not None
    assert decide(replace(smaller.instance, name="other")) is not None

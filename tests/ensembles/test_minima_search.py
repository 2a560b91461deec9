"""Minima of small networks: each is one by an independent computation, and they are different."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from mpmath import mp, mpf, quad

from dsmverify.ensembles import minima_search
from dsmverify.ensembles.minima_search import (
    Found,
    Search,
    Start,
    certified_minimum,
    end_of_run,
    search_minima,
)
from dsmverify.ensembles.settings import THEORY, Ensemble, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch, Instance, NoiseLevel

POINTS = (0, 1, 2, 3)
SIGMA, MU = Fraction(31, 100), Fraction(95, 100)


def sample(points: tuple[int, ...] = POINTS) -> Instance:
    """Four points, or others."""
    return Instance("s", tuple(map(Fraction, points)), NoiseLevel(sigma=SIGMA, mu=MU))


@pytest.fixture(scope="module")
def found() -> Search:
    """Networks of two neurons."""
    return search_minima(sample(), 2, seeds=[1], random_starts=3)


def risk(instance: Instance, outer: list[mpf], bias: list[mpf]) -> mpf:
    """R_n(theta) from its definition, by quadrature between kinks: no formula of the package."""
    assert instance.network is not None
    signs = [int(w) for w in instance.network.inner_weights]
    m, sigma, mu = len(signs), mpf(SIGMA.numerator) / SIGMA.denominator, mpf(95) / 100
    kinks = [-b / w for w, b in zip(signs, bias, strict=True)]
    total = mpf(0)
    for x in instance.points:
        mean = mu * x.numerator / x.denominator

        def density(y: mpf, mean: mpf = mean) -> mpf:
            score = sum(v * max(w * y + b, 0) for v, w, b in zip(outer, signs, bias, strict=True))
            residual = score / m + (y - mean) / sigma**2
            weight = mp.exp(-((y - mean) ** 2) / (2 * sigma**2))
            return residual**2 * weight / (sigma * mp.sqrt(2 * mp.pi))

        reach = 9 * sigma
        near = [kink for kink in kinks if abs(kink - mean) < reach]
        places = sorted([mean - reach, mean, mean + reach, *near])
        total += quad(density, places, method="gauss-legendre")
    return total / len(instance.points)


def parameters(one: Found) -> tuple[list[mpf], list[mpf]]:
    """Middle of the minimum's box."""
    network = one.minimum.network
    assert network is not None

    def middle(ball: object) -> mpf:
        text = ball.str(30, radius=False)  # type: ignore[attr-defined]
        return mpf(text)

    return [middle(b) for b in network.outer], [middle(b) for b in network.bias]


def test_minima_are_minima_by_quadrature(found: Search) -> None:
    """Moving any parameter by h raises the risk by h^2/2 times the curvature, up to h^3."""
    assert len(found.found) >= 3
    with mp.workdps(20):
        for one in found.found[:1]:
            outer, bias = parameters(one)
            lowest = risk(one.instance, outer, bias)
            assert abs(lowest - mpf(one.risk)) < mpf(10) ** -13 * lowest
            step = mpf(10) ** -4
            for place in range(4):
                moved = []
                for direction in (1, -1):
                    values = [*outer, *bias]
                    values[place] += direction * step
                    moved.append(risk(one.instance, values[:2], values[2:]))
                slope = (moved[0] - moved[1]) / (2 * step)
                bend = (moved[0] - 2 * lowest + moved[1]) / step**2
                # Central differences err by h^2/6 times a third derivative, below 1e5 here.
                assert abs(slope) < mpf(10) ** -4
                assert abs(slope) < mpf(10) ** -2 * bend
                assert one.lambda_min * 0.99 < bend < one.lambda_max * 1.01


def test_eigenvalues_bound_each_other(found: Search) -> None:
    """A strict minimum has a positive smallest eigenvalue."""
    for one in found.found:
        assert 0 < one.lambda_min < one.lambda_max


def test_minima_are_different_and_in_order(found: Search) -> None:
    """Ascending by risk; no two share their boxes."""
    risks = [one.risk for one in found.found]
    assert risks == sorted(risks)
    for one, other in combinations(found.found, 2):
        assert not minima_search._same(one.minimum, other.minimum)


def test_every_start_is_accounted_for(found: Search) -> None:
    """Hits of minima and the attempts' outcomes tell the same number."""
    counts = found.counts()
    assert sum(counts.values()) == len(found.attempts)
    assert counts["minimum"] == len(found.found)
    hits = sum(one.hits for one in found.found)
    assert hits == counts["minimum"] + counts.get("found before", 0)


def test_neurons_in_another_order_are_the_same_minimum(found: Search) -> None:
    """Exchanging neurons gives no new minimum."""
    one = next(f for f in found.found if len(set(f.instance.network.inner_weights)) == 1)  # type: ignore[union-attr]
    data = one.instance.network
    assert data is not None
    turned = replace(
        data,
        inner_weights=data.inner_weights[::-1],
        biases=data.biases[::-1],
        outer_weights=data.outer_weights[::-1],
    )
    other = certified_minimum(replace(one.instance, network=turned))
    assert other is not None
    assert minima_search._same(one.minimum, other)


def test_a_network_off_its_minimum_is_not_certified(found: Search) -> None:
    """A thousandth away from a minimum there is none."""
    one = found.found[0]
    data = one.instance.network
    assert data is not None
    moved = replace(data, biases=(data.biases[0] + Fraction(1, 1000), *data.biases[1:]))
    assert certified_minimum(replace(one.instance, network=moved)) is None


def test_a_dead_neuron_is_said_to_be_dead() -> None:
    """A start with a neuron far off ends as dead, not as a minimum."""
    start = Start("far", np.array([1.0, 1.0]), np.array([0.5, -100.0]), np.array([-5.0, 1.0]))
    search = search_minima(sample(), 2, seeds=[], ends=[start], structured=False)
    last = search.attempts[-1]
    assert (last.start, last.outcome) == ("far", "dead neurons")
    assert "1 of 2" in last.detail


def test_the_reflected_minimum_is_found_too() -> None:
    """One neuron on a symmetric sample: two minima, mirror images of each other."""
    search = search_minima(sample((-1, 0, 1)), 1, seeds=[1], random_starts=2)
    one, other = search.found[:2]
    assert one.risk == pytest.approx(other.risk, rel=1e-12)
    signs = {int(f.instance.network.inner_weights[0]) for f in (one, other)}  # type: ignore[union-attr]
    assert signs == {1, -1}


def test_end_of_a_run_is_a_start() -> None:
    """Parameters of a network as float64 arrays."""
    model = replace(THEORY, width=2)
    problem = Problem(np.array([0.0, 1.0]), 0.9, 0.3)
    ensemble = Ensemble.of(model, Batch(2, "mean", True), [problem], [0.1], [7], [0])
    networks = ensemble.start(np.float32)
    start = end_of_run("end", networks, 0)
    assert start.inner.tolist() == [1.0, -1.0]
    assert start.bias.dtype == np.float64
    assert start.outer.tolist() == networks.outer[0, :, 0].astype(float).tolist()


@pytest.mark.parametrize("width", [0, 13])
def test_width_out_of_range(width: int) -> None:
    """The rule and the way out are said."""
    with pytest.raises(InputError, match="1 to 12 neurons"):
        search_minima(sample(), width, seeds=[])


def test_ends_of_another_width() -> None:
    """An end belongs to one width."""
    start = Start("end", np.ones(3), np.zeros(3), np.ones(3))
    with pytest.raises(InputError, match="width 2"):
        search_minima(sample(), 2, seeds=[], random_starts=0, ends=[start])

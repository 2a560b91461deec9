"""Samples and networks that are valid by construction: gaps are drawn and cumulated."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from hypothesis import strategies as st

from dsmverify.instance import Instance, NetworkData, NoiseLevel

INNER = (Fraction(1), Fraction(-1), Fraction(-3, 2), Fraction(1, 3))


def rationals(low: str, high: str, steps: int = 1000) -> st.SearchStrategy[Fraction]:
    """Fractions on a grid of the interval `[low, high]`."""
    bottom, top = Fraction(low), Fraction(high)
    return st.integers(0, steps).map(lambda k: bottom + (top - bottom) * Fraction(k, steps))


@st.composite
def samples(draw: st.DrawFn, largest: int = 5) -> tuple[tuple[Fraction, ...], NoiseLevel]:
    """Points from gaps, and a noise level whose sigma is a fraction of the smallest one."""
    gaps = draw(st.lists(rationals("0.1", "2"), min_size=1, max_size=largest - 1))
    points = tuple(accumulate([draw(rationals("-3", "3")), *gaps]))
    ratio = draw(rationals("1/20", "20", 997))
    sigma = min(min(gaps) * ratio, Fraction(99, 100))
    mu = draw(st.one_of(st.none(), rationals("0.05", "0.95", 90)))
    return points, NoiseLevel(sigma=sigma, mu=mu)


@st.composite
def networks(draw: st.DrawFn, points: tuple[Fraction, ...], widest: int = 5) -> NetworkData:
    """Neurons with kinks on a coarse grid around the data, so that kinks coincide now and then."""
    width = draw(st.integers(1, widest))
    inner = [draw(st.sampled_from(INNER)) for _ in range(width)]
    reach = points[-1] - points[0]
    kinks = [points[0] + reach * draw(st.integers(-4, 12)) * Fraction(1, 8) for _ in range(width)]
    outer = [draw(rationals("-4", "4", 80)) for _ in range(width)]
    bias = [-w * kink for w, kink in zip(inner, kinks, strict=True)]
    return NetworkData(tuple(inner), tuple(bias), tuple(outer))


@st.composite
def instances(draw: st.DrawFn, largest: int = 5, widest: int = 5) -> Instance:
    """Instances with a network and three points to look at."""
    points, noise = draw(samples(largest))
    network = draw(networks(points, widest))
    centre, reach = points[0], points[-1] - points[0]
    at = tuple(centre + reach * draw(rationals("-1", "2", 24)) for _ in range(3))
    return Instance("drawn", points, noise, network=network, at=at)

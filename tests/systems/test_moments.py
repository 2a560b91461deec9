"""Truncated normal moments: float64 and torch against the Arb closed form and against integrals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from flint import acb, arb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsmverify.certify import precision
from dsmverify.systems import float64, load

Floats = NDArray[np.float64]

BITS = 2200
"""The closed form cancels up to exp(38^2/2), 1040 bits, and the width of a piece squared."""

RELATIVE = 1e-13
"""Up to 38 sigma: the square in `exp(-z^2/2)` is right to a rounding, 722 * 2^-53 = 8e-14."""

SMALLEST = 1e-290
"""Below, float64 runs out of digits."""

CUTS = {
    "one at the mean": [0.0],
    "both sides": [-1.25, 0.5, 3.0],
    "narrow": [1.0, 1.0 + 2.0**-40, 1.0 + 2.0**-39],
    "narrow in the tail": [-30.0, -30.0 + 2.0**-30, 31.0, 31.0 + 2.0**-40],
    "narrow around 0": [-(2.0**-45), 2.0**-44],
    "wide": [-38.0, 38.0],
    "far right": [20.0, 25.0, 30.0, 36.0, 37.5],
    "far left": [-37.5, -36.0, -30.0, -25.0, -20.0],
    "ties": [-2.0, -2.0, 0.0, 0.0, 0.0, 1.5, 1.5],
    "at the change of rules": [1.5**0.5, 2.5],
}


def exact(cuts: Floats, position: Any) -> list[Any]:
    with precision(BITS):
        balls = np.array([[arb(float(cut)) for cut in row] for row in cuts], dtype=object)
        return [np.asarray(part) for part in load("arb").normal_pieces(balls, position)]


def check(cuts: Floats, found: Any, expected: list[Any]) -> None:
    centre, *moments = found
    assert (np.asarray(centre) == [[float(c) for c in row] for row in expected[0]]).all()
    for place in np.ndindex(cuts.shape[0], cuts.shape[1] + 1):
        with precision(BITS):
            mass, first, second = (part[place] for part in expected[1:])
            # The first moment of the piece around 0 is the difference of its halves: relative to
            # sqrt(mass second), which bounds both.
            for value, ball, size in zip(
                (float(part[place]) for part in moments),
                (mass, first, second),
                (abs(mass), (mass.abs_upper() * second.abs_upper()).sqrt(), abs(second)),
                strict=True,
            ):
                assert abs(arb(value) - ball) <= RELATIVE * size + SMALLEST, (place, value, ball)


def both(row: list[float]) -> None:
    cuts = np.array([row])
    position = np.array([np.searchsorted(cuts[0], 0.0)])
    expected = exact(cuts, position)
    check(cuts, float64.normal_pieces(cuts, position), expected)
    found = load("torch").normal_pieces(torch.from_numpy(cuts), position)
    check(cuts, [part.numpy() for part in found], expected)


@pytest.mark.parametrize("row", CUTS.values(), ids=CUTS.keys())
def test_moments(row: list[float]) -> None:
    both(row)


@settings(max_examples=60)
@given(
    start=st.floats(-38, 20),
    gaps=st.lists(st.floats(-13, 1).map(lambda power: 10.0**power), min_size=0, max_size=5),
)
@example(start=-4.01219172, gaps=[])
@example(start=-16.58106392, gaps=[10.28638687, 38.0])
def test_drawn_moments(start: float, gaps: list[float]) -> None:
    both([min(cut, 38.0) for cut in np.cumsum([start, *gaps])])


@settings(max_examples=40)
@given(
    start=st.floats(-36, 20),
    gaps=st.lists(st.floats(-9, 1).map(lambda power: 10.0**power), min_size=0, max_size=4),
    slack=st.floats(-17, -6),
)
def test_running_bound_covers_uncertain_cuts(start: float, gaps: list[float], slack: float) -> None:
    """Any cuts within their errors give moments within the bound; two extremes are tried."""
    running: Any = load("running")
    row = np.cumsum([start, *gaps])[None, :]
    error = np.full_like(row, 10.0**slack)
    position = np.array([np.searchsorted(row[0], 0.0)])
    rounded = running.floats(row)
    found = running.normal_pieces(type(rounded)(row, error), position)
    for side in (-1, 0, 1):
        with precision(BITS):
            cuts = np.array(
                [
                    [
                        arb(float(c)) + side * arb(float(e))
                        for c, e in zip(row[0], error[0], strict=True)
                    ]
                ]
            )
            expected = load("arb").normal_pieces(cuts, position)
            for part, balls in zip(found, expected, strict=True):
                gaps_found = zip(part.value.flat, part.bound.flat, np.ravel(balls), strict=True)
                for value, bound, ball in gaps_found:
                    assert abs(arb(float(value)) - ball) <= arb(float(bound))


@pytest.mark.parametrize("nodes", [10, 16, 24, 40])
def test_quadrature_rules_integrate_powers(nodes: int) -> None:
    """`int_0^1 u^k du = 1/(k+1)` for k < 2 nodes, to a few roundings of positive terms."""
    points, weights = float64.legendre_rule(nodes)
    for power in range(2 * nodes):
        # u^k multiplies the rounding of u by k, 2^-53 each; the sum adds log2(nodes) + 2.
        error = (power + 8) * 2.0**-53
        assert weights @ points**power == pytest.approx(1 / (power + 1), rel=error)


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_any_position_gives_the_right_moments(position: int) -> None:
    """On balls a wrong hint changes the centres, not the mean of a quadratic."""
    with precision(128):
        cuts = [arb(-1), arb(1) / 3, arb(2)]
        row = np.array([[arb(cut) for cut in cuts]], dtype=object)
        centre, mass, first, second = load("arb").normal_pieces(row, np.array([position]))
        ends = [arb(-40), *(arb(cut) for cut in cuts), arb(40)]
        for piece, (low, high) in enumerate(pairwise(ends)):
            for power, moment in enumerate((mass, first, second)):
                c = acb(centre[0, piece])

                def integrand(z: acb, _: bool, c: acb = c, power: int = power) -> acb:
                    return (z - c) ** power * (-z * z / 2).exp() / (2 * acb.pi()).sqrt()

                value = acb.integral(integrand, acb(low), acb(high)).real
                assert abs(value - moment[0, piece]) <= arb("1e-30")


def test_torch_moments_are_differentiable_where_a_cut_is_0() -> None:
    """`d/dz P(Z > z) = -phi(z)`, also at 0 and at ties."""
    cuts = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    _, mass, _, _ = load("torch").normal_pieces(cuts, np.array([0]))
    mass[0, 2:].sum().backward()
    slope = cuts.grad
    assert slope is not None
    assert slope[0].numpy() == pytest.approx([0, -((2 * np.pi) ** -0.5), 0], abs=1e-14)

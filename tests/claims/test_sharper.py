"""Sharpened forms: rows, margins against plain definitions, and the cases where they touch."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from checks import sharper as rows
from dsmverify import catalogue, derivation
from dsmverify.formulas import bounds, sharper
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Sample
from dsmverify.systems import load

MU = Fraction(4, 5)
SAMPLES = (
    (Fraction(0), Fraction(1)),
    (Fraction(-1), Fraction(0), Fraction(1)),
    (Fraction(0), Fraction(1), Fraction(7, 3)),
    (Fraction(-2), Fraction(-1, 2), Fraction(1, 2), Fraction(5, 2), Fraction(7, 2)),
)


class Middle:
    """Places of a point: always the first training point and the first piece."""

    def nearest(self, y: Any) -> int:
        return 0

    def among_weight_cuts(self, y: Any) -> int:
        return 1


def case(points: tuple[Fraction, ...], ratio: Fraction, i: int, y: Fraction) -> Case[Any]:
    """A case in mpmath with `mu Delta/sigma` given."""
    ns = load("mpmath")
    gaps = [right - left for left, right in pairwise(points)]
    known: dict[str, Any] = {
        "spacing": min(gaps),
        "gap_excesses": np.array([gap - min(gaps) for gap in gaps], dtype=object),
    }

    def quantities(name: str) -> Any:
        return ns.constant(known[name])

    sample = Sample(
        ns.constant(np.array(points, dtype=object)),
        ns.constant(MU),
        ns.constant(MU * min(gaps) / ratio),
        len(points),
    )
    return Case(ns, sample, quantities, Middle(), i=i, y=ns.constant(y))


def real(x: Any) -> Any:
    """A fraction in mpmath."""
    return mp.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def moments(points: tuple[Fraction, ...], ratio: Fraction, place: Fraction) -> tuple[Any, Any]:
    """Mean and variance of the posterior at `y = mu place`, from the definition."""
    spacing = min(right - left for left, right in pairwise(points))
    scale = real(ratio / spacing)
    weights = [mp.exp(-((scale * real(place - x)) ** 2) / 2) for x in points]
    mass = mp.fsum(weights)
    mean = mp.fsum(w * real(x) for w, x in zip(weights, points, strict=True)) / mass
    square = mp.fsum(w * (real(x) - mean) ** 2 for w, x in zip(weights, points, strict=True))
    return mean, square / mass


def test_every_row_improves_on_a_row_and_is_proved_by_the_derivation_it_names() -> None:
    known = {claim.id for claim in catalogue.claims()}
    for claim in rows.CLAIMS:
        assert claim.form == "sharpened"
        assert claim.sharpens in known
        assert claim.id.startswith(claim.sharpens.removesuffix(".r1") + ".s")
        assert claim.change.endswith(".") and "\n" not in claim.change
        assert claim.derivation is not None
        assert catalogue.recorded()[claim.id].verdict == "PROVED"
        assert set(claim.leans_on) <= known
    assert set(rows.SHARP) <= known


@pytest.mark.parametrize("name", sorted({str(claim.derivation) for claim in rows.CLAIMS}))
def test_a_derivation_lists_its_claims_and_its_steps(name: str) -> None:
    found = derivation.run(name)
    kinds = {"claim": found.proves, "step": found.proves_steps}
    for kind, listed in kinds.items():
        ids = {c.id for c in rows.CLAIMS if c.derivation == name and c.kind == kind}
        assert set(listed) == ids


@pytest.mark.parametrize("ratio", [Fraction(2), Fraction(3), Fraction(9)])
@pytest.mark.parametrize("points", SAMPLES)
def test_margins_near_a_point_are_lower_bounds_of_the_differences(
    points: tuple[Fraction, ...], ratio: Fraction
) -> None:
    spacing = min(right - left for left, right in pairwise(points))
    with mp.workdps(120):
        small = real(spacing) * mp.exp(-(real(ratio) ** 2) / 4)
        for i, x in enumerate(points, start=1):
            c = case(points, ratio, i, MU * x)
            margins = sharper.mean_distance_margin(c), sharper.variance_margin(c)
            assert margins[0] > 0 and margins[1] > 0
            ends = []
            for part in range(-4, 5):
                mean, variance = moments(points, ratio, x + part * spacing / 16)
                ends.append(small - abs(mean - real(x)))
                assert margins[0] <= ends[-1] * (1 + mp.mpf(10) ** -60)
                assert margins[1] <= small * real(spacing) - variance
            # at the ends it is the difference itself
            assert mp.almosteq(margins[0], min(ends), 1e-50)


@pytest.mark.parametrize("ratio", [Fraction(1, 3), Fraction(2), Fraction(7)])
@pytest.mark.parametrize("points", SAMPLES)
def test_margins_at_midpoints(points: tuple[Fraction, ...], ratio: Fraction) -> None:
    n = len(points)
    with mp.workdps(120):
        for i, (left, right) in enumerate(pairwise(points), start=1):
            c = case(points, ratio, i, MU * left)
            _, middle = moments(points, ratio, (left + right) / 2)
            gap = real(right - left) ** 2
            assert 0 <= sharper.split_share_margin(c) <= middle - (n - 1) * gap / n**2 + 1e-60
            exact = sharper.quarter_of_squared_gap_margin(c)
            assert mp.almosteq(exact, middle - gap / 4, 1e-50, 1e-60)
            if ratio >= 2:
                assert exact >= 0
                for place in (left, right):
                    _, variance = moments(points, ratio, place)
                    scale = bounds.score_scale(c)
                    floor = sharper.slope_jump_bound(c)
                    margin = sharper.slope_jump_margin(c)
                    assert 0 <= margin <= scale * (middle - variance) - floor + 1e-50


def test_two_points_touch_exactly() -> None:
    c = case(SAMPLES[0], Fraction(3), 1, Fraction(0))
    assert sharper.split_share_margin(c) == 0
    assert sharper.quarter_of_squared_gap_margin(c) == 0


def test_equality_cases() -> None:
    with mp.workdps(60):
        # the share 1/n is approached when all points but one are close and the noise is large
        crowd = (Fraction(0), *(1 + Fraction(k, 10**8) for k in range(4)))
        c = case(crowd, Fraction(1, 10**16), 1, Fraction(0))
        _, middle = moments(crowd, Fraction(1, 10**16), Fraction(1, 2))
        assert middle / sharper.split_share(c) - 1 < mp.mpf(10) ** -6
        # the mean and the variance at a quarter of the gap
        pair, ratio = SAMPLES[0], Fraction(12)
        small = mp.exp(-(real(ratio) ** 2) / 4)
        mean, variance = moments(pair, ratio, Fraction(1, 4))
        assert mp.almosteq(mean / small, 1, 1e-14)
        assert mp.almosteq(variance / small, 1, 1e-14)
        # the largest third central moment
        share = (1 + 1 / mp.sqrt(3)) / 2
        assert mp.almosteq(share * (1 - share) * (2 * share - 1), 1 / (6 * mp.sqrt(3)))


def test_mass_of_the_curvature_of_two_points_is_half() -> None:
    with mp.workdps(20):
        ratio = mp.mpf(3)

        def slope(y: Any) -> Any:
            weight = 1 / (1 + mp.exp(ratio * y))
            return abs(weight * (1 - weight) * (1 - 2 * weight))

        # |s*''| in units of mu^3 L^3/sigma^6, y about the midpoint in units of sigma
        mass = mp.quad(slope, [-20, -5, 0, 5, 20]) * ratio
        assert mp.almosteq(mass, mp.mpf(1) / 2, 1e-10)


def test_the_chain_of_constants_of_theorem_8_fits_exactly() -> None:
    assert Fraction(1, 2**11) - Fraction(1, 2**12) - Fraction(1, 2**13) == Fraction(1, 2**13)

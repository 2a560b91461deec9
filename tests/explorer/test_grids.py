"""Integrals for equally spaced points: the scaling, the quadrature, the tables."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb
from mpmath import mp

from dsmverify import Instance
from dsmverify.certify import precision
from dsmverify.explorer import make_grids, quadrature
from dsmverify.explorer.equally_spaced import EquallySpaced
from dsmverify.facts import Facts
from dsmverify.integrals import Accuracy

ACCURACY = Accuracy(30, 20000, 100000)

SAMPLES = (
    # size, spacing, first point, mu, sigma: nothing symmetric, nothing scaled
    (2, "1/3", "-7/5", "2/3", "1/7"),
    (3, "5/2", "4", "4/5", "3/5"),
    (5, "1/10", "-1", "1/2", "1/4"),
)


@pytest.mark.parametrize(("size", "gap", "first", "mu", "sigma"), SAMPLES)
def test_scaled_integrals_are_those_of_any_sample_with_that_ratio(
    size: int, gap: str, first: str, mu: str, sigma: str
) -> None:
    points = [str(Fraction(first) + k * Fraction(gap)) for k in range(size)]
    instance = Instance.from_json({"x": points, "mu": mu, "sigma": sigma})
    kappa = Fraction(mu) * Fraction(gap) / Fraction(sigma)
    with precision(128):
        facts = Facts(instance, Accuracy(24))
        scaled = EquallySpaced(size, kappa, ACCURACY)
        level = arb(Fraction(sigma).numerator) / Fraction(sigma).denominator
        ratio = arb(kappa.numerator) / kappa.denominator
        pairs = (
            (facts.risk_empirical_score * level**2, ratio**2 * scaled.variance_mean),
            (facts.tv_empirical_score * level, scaled.total_variation),
            (facts.curvature_mass * level**2, scaled.curvature_mass),
        )
        for theirs, ours in pairs:
            assert theirs.overlaps(ours)
            assert ours.rad() < ours.mid() * arb(2) ** -20


def test_the_square_of_the_variance_by_its_definition() -> None:
    """`E[v^2]` for n = 3 by mpmath's quadrature, from sums over points."""
    size, kappa = 3, Fraction(5, 2)
    with mp.workdps(30):
        ratio = mp.mpf(5) / 2
        means = [-ratio, mp.zero, ratio]

        def integrand(u: Any) -> Any:
            terms = [mp.npdf(u, mean) for mean in means]
            total = mp.fsum(terms)
            steps = [-1, 0, 1]
            mean = mp.fsum(t * k for t, k in zip(terms, steps, strict=True)) / total
            spread = mp.fsum(t * (k - mean) ** 2 for t, k in zip(terms, steps, strict=True)) / total
            return spread**2 * total / size

        wanted = mp.quad(integrand, mp.linspace(-20, 20, 41))
    with precision(128):
        ball = EquallySpaced(size, kappa, ACCURACY).squared_variance_mean
        low, high = (mp.mpf(end.str(30, radius=False)) for end in (ball.lower(), ball.upper()))
    # mpmath's own error is far below the ball's, but not bounded: 1e-15.
    assert low - mp.mpf("1e-15") <= wanted <= high + mp.mpf("1e-15")


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("kappa", ["1/30", "5/3", "6/1", "90/1"])
def test_the_quadrature_agrees_with_the_enclosures(size: int, kappa: str) -> None:
    """Within 3e-11, ten times what was seen, and the enclosure's own width of about 1e-9."""
    found = quadrature.values(size, float(Fraction(kappa)))
    exact = Fraction(float(Fraction(kappa)))
    with precision(160):
        scaled = EquallySpaced(size, exact, ACCURACY)
        for name, attribute in make_grids.INTEGRALS.items():
            if name not in ("mass", "variation") and exact > 41:
                continue
            ball = getattr(scaled, attribute)
            low, high = float(ball.lower().log()), float(ball.upper().log())
            shown = make_grids.restored(name, found[name], float(exact))
            assert low - 3e-11 <= shown <= high + 3e-11, name


def test_the_shipped_tables_are_of_the_present_form() -> None:
    document = json.loads(
        (resources.files("dsmverify.explorer") / "grids.json").read_text(encoding="utf-8")
    )
    assert document["low"] == make_grids.LOW
    assert document["octaves"] == dict(make_grids.OCTAVES)
    assert document["sizes"] == list(make_grids.SIZES)
    for size in make_grids.SIZES:
        for name, octaves in make_grids.OCTAVES.items():
            table = document["tables"][str(size)][name]
            assert table["compared"] >= 2
            assert 0 < table["width"] < 1e-3
            place = 0.0
            for start, span, error, *coefficients in table["pieces"]:
                assert start == place
                assert 0 < error < 1e-3
                assert len(coefficients) == make_grids.DEGREE + 1
                place += span
            assert place == octaves


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_shipped_tables_interpolate_within_their_error(size: int) -> None:
    """At places drawn with a fixed seed, against the quadrature."""
    document = json.loads(
        (resources.files("dsmverify.explorer") / "grids.json").read_text(encoding="utf-8")
    )
    draws = np.random.default_rng(7).uniform(0, 10, 12)
    for exponent in draws:
        kappa = float(make_grids.LOW * 2.0**exponent)
        found = quadrature.values(size, kappa)
        for name in make_grids.OCTAVES:
            pieces = [
                (start, span, error, list(coefficients))
                for start, span, error, *coefficients in document["tables"][str(size)][name][
                    "pieces"
                ]
            ]
            shown = make_grids.interpolate(pieces, kappa)
            error = make_grids.piece_at(pieces, kappa)[2]
            # The error was measured at three points of a piece: twice that in between.
            assert abs(np.expm1(shown - found[name])) <= 2 * error + 1e-12, (name, kappa)


def test_a_table_made_again_is_the_shipped_one(tmp_path: Path) -> None:
    """Where it was made they agree to the byte; another processor may round the last digit."""
    out = tmp_path / "grids.json"
    make_grids.main(["--sizes", "2", "--out", str(out)])
    made = json.loads(out.read_text(encoding="utf-8"))
    shipped = json.loads(make_grids.FILE.read_text(encoding="utf-8"))
    made_table, shipped_table = made["tables"].pop("2"), shipped["tables"].pop("2")
    assert made == shipped
    for name in make_grids.OCTAVES:
        ours, theirs = made_table[name], shipped_table[name]
        assert ours["compared"] == theirs["compared"]
        assert ours["width"] == theirs["width"]
        pairs = zip(ours["pieces"], theirs["pieces"], strict=True)
        for (start, span, error, *found), (low, length, known, *wanted) in pairs:
            assert (start, span) == (low, length)
            assert error == pytest.approx(known, rel=0.05, abs=1e-12)
            assert found == pytest.approx(wanted, rel=0, abs=3e-13)

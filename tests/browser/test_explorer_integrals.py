"""The explorer's interpolated integrals in Chromium, against certified enclosures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flint import arb

from dsmverify import explorer
from dsmverify.certify import precision
from dsmverify.explorer.equally_spaced import EquallySpaced
from dsmverify.integrals import Accuracy
from tests.browser.visits import Visits

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / explorer.FILE_NAME
    path.write_text(explorer.render(), encoding="utf-8")
    return path


CERTIFIED = {
    "lnScaledRisk": lambda e: ratio(e) ** 2 * e.variance_mean,
    "lnScaledSlopeSquare": lambda e: (
        1 - 2 * ratio(e) ** 2 * e.variance_mean + ratio(e) ** 4 * e.squared_variance_mean
    ),
    "lnScaledMass": lambda e: e.curvature_mass,
    "lnScaledVariation": lambda e: e.total_variation,
}

PLACES = ("0.0123", "0.77", "1.618", "3.3", "8.8", "10.3", "13.7", "33", "300.5")
"""Off the grid, and none of those at which the tables were checked when they were made."""


def ratio(e: EquallySpaced) -> arb:
    return arb(e.kappa.numerator) / e.kappa.denominator


def assert_interpolation(page: Page, size: int, kappa: str, name: str) -> None:
    shown = page.evaluate(f"([n, k]) => dsmIntegrals.{name}(n, k)", [size, float(kappa)])
    with precision(192):
        # The page has the nearest double of kappa: so does the enclosure.
        ball = CERTIFIED[name](EquallySpaced(size, Fraction(float(kappa)), Accuracy(34)))
        low, high = float(ball.lower().log()), float(ball.upper().log())
    # The error was measured at three places of a piece: twice that in between.
    # A logarithm of size 1e4 carries 1e4 units of roundoff, which is relative in the value.
    room = 2 * shown["error"] + 8 * 2.0**-53 * abs(low)
    assert low - room <= shown["ln"] <= high + room, (kappa, shown, low, high)


@pytest.mark.parametrize("name", list(CERTIFIED))
@pytest.mark.parametrize("size", [2, 5])
def test_interpolated_integrals_agree_with_certified_ones(
    size: int, name: str, visits: Visits, file: Path
) -> None:
    page = visits.open(file)
    for kappa in PLACES:
        if name != "lnScaledSlopeSquare" or float(kappa) < 41:
            assert_interpolation(page, size, kappa, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CERTIFIED))
@pytest.mark.parametrize("size", [10, 20, 50])
def test_interpolated_integrals_agree_with_certified_ones_for_more_points(
    size: int, name: str, visits: Visits, file: Path
) -> None:
    page = visits.open(file)
    for kappa in PLACES[:7] if size < 50 else PLACES[3:6]:
        assert_interpolation(page, size, kappa, name)

"""The explorer's JavaScript formulas in Chromium, against the reference table of 40 digits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from flint import arb
from mpmath import mp

from dsmverify import Instance, explorer
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import posterior
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.testing import table
from tests.browser.visits import Visits
from tests.testing import direct_values

if TYPE_CHECKING:
    from playwright.sync_api import Page

UNIT = 2.0**-53

BITS = 320
"""Precision of the balls behind the conditions: 60 digits are left where 30 cancel."""

COUNTS = {
    "density": 28,
    "posterior_mean": 28,
    "posterior_variance": 27,
    "posterior_third_moment": 27,
    "empirical_score": 27,
    "empirical_score_slope": 28,
    "empirical_score_curvature": 27,
    "weight": 28,
    "C_n": 28,
    "bound": 32,
    "learning_rate_threshold": 28,
    "excess_risk_bound": 32,
    "sigma_0": 28,
}
"""Rows of the table for every quantity that the page evaluates: all that it has."""

LOGARITHMS = ("density", "posterior_variance", "excess_risk_bound")

ELEMENTARY = 32
"""Roundings within one term, as in the test kit (`dsmverify.testing.tolerance`)."""

SMALLEST_NORMAL = 2.0**-1022

EVALUATE = """
([name, given]) => {
  const f = dsmFormulas;
  const level = given.time !== null ? f.noise.ofTime(given.time)
    : given.mu === null ? f.noise.ofSigma(given.sigma)
    : { mu: given.mu, sigma: given.sigma };
  const sample = { x: given.x, ...level };
  if (given.bound !== null) sample.bound = given.bound;
  const over = (formula) => given.at.length ? given.at.map((y) => formula(sample, y))
    : [formula(sample)];
  const found = { values: over(f.quantities[name]) };
  if (name in f.logarithms) found.logarithms = over(f.logarithms[name]);
  return found;
}
"""


@pytest.fixture
def page(visits: Visits, tmp_path: Path) -> Page:
    file = tmp_path / explorer.FILE_NAME
    file.write_text(explorer.render(), encoding="utf-8")
    return visits.open(file)


def _floats(given: dict[str, Any], quantity: str) -> dict[str, Any]:
    """The input as the page gets it: every number rounded once."""
    network = given.get("network", {})
    single = {
        key: float(Fraction(given[key])) if key in given else None
        for key in ("mu", "sigma", "time")
    }
    return {
        "x": [float(Fraction(text)) for text in given["x"]],
        "at": [float(Fraction(text)) for text in given.get("at", [])],
        "bound": float(Fraction(network["bound"])) if "bound" in network else None,
        **single,
    }


def _moved_inputs(given: dict[str, Any], sign: int) -> Iterator[dict[str, Any]]:
    """The input with one number (or all places y) changed by a relative unit roundoff."""

    def moved(text: str) -> str:
        return str(Fraction(text) * (1 + sign * Fraction(UNIT)))

    for index in range(len(given["x"])):
        points = list(given["x"])
        points[index] = moved(points[index])
        yield {**given, "x": points}
    for key in ("mu", "sigma", "time"):
        if key in given:
            yield {**given, key: moved(given[key])}
    if given.get("at"):
        yield {**given, "at": [moved(text) for text in given["at"]]}
    if "bound" in given.get("network", {}):
        network = given["network"]
        yield {**given, "network": {**network, "bound": moved(network["bound"])}}


def _certified(quantity: str, given: dict[str, Any]) -> list[Any]:
    """Entries of a quantity from the package's formulas on balls, as numbers of mpmath."""
    with precision(BITS):
        facts = Facts(Instance.from_json(given), Accuracy())
        if not given.get("at"):
            name = {"C_n": "curvature_constant"}.get(quantity, quantity)
            found = [getattr(facts, name)]
        elif quantity == "weight":
            found = [_weight(facts, y) for y in facts.instance.at]
        else:
            y = SYSTEM.constant(np.array(facts.instance.at, dtype=object))
            anchor = np.array([facts.places.nearest(place) for place in facts.instance.at])
            found = list(getattr(posterior, quantity)(SYSTEM, y, facts.sample, anchor))
        return [mp.mpf(ball.mid().str(80, radius=False)) for ball in found]


def _weight(facts: Facts, y: Fraction) -> Any:
    """pi(y); 0 outside the closed range, also where only the irrational mu says so."""
    low, high = (facts.sample.mu * facts.sample.points[k] for k in (0, -1))
    place = ball(y)
    return arb(0) if place < low or place > high else facts.case().weight(place)


def _conditions(row: table.Row, exact: list[Any]) -> list[Any]:
    """How far one unit roundoff in every input moves each entry: sums of differences."""
    moved = [mp.zero] * len(exact)
    for sign in (1, -1):
        total = [mp.zero] * len(exact)
        for given in _moved_inputs(dict(row.input), sign):
            for k, value in enumerate(_certified(row.quantity, given)):
                # The weight jumps to 0 at the ends of its range: there only inward moves count.
                if row.quantity != "weight" or value != 0:
                    total[k] += abs(value - exact[k])
        moved = [max(a, b) for a, b in zip(moved, total, strict=True)]
    return moved


def _scale(row: table.Row) -> Any:
    """What a number that underflowed to 0 may be multiplied by afterwards."""
    direct = direct_values.Direct(dict(row.input))
    return max(1, direct.mu / direct.sigma**2) ** 3


def _nearest(direct: direct_values.Direct, y: Any) -> Any:
    """The training point whose mean is nearest y."""
    distances = [abs(y - mean) for mean in direct.means]
    return direct.x[distances.index(min(distances))]


def _terms(row: table.Row, exact: list[Any]) -> list[Any]:
    """Sums of absolute values of the terms that the formula of the page adds up."""
    direct = direct_values.Direct(dict(row.input))
    if not direct.at:
        return [abs(value) for value in exact]
    found = []
    for value, y in zip(exact, direct.at, strict=True):
        variance = direct.sigma**2
        if row.quantity == "posterior_mean":
            # x_a + sum_j alpha_j (x_j - x_a), a the nearest point.
            nearest = _nearest(direct, y)
            terms = abs(nearest) + abs(value - nearest)
        elif row.quantity in ("posterior_third_moment", "empirical_score_curvature"):
            shares, mean = direct.shares(y), direct.posterior_mean(y)
            cubes = zip(shares, direct.x, strict=True)
            terms = mp.fsum(share * abs(x - mean) ** 3 for share, x in cubes)
            if row.quantity == "empirical_score_curvature":
                terms *= (direct.mu / variance) ** 3
        elif row.quantity == "empirical_score":
            mean = direct.posterior_mean(y)
            nearest = _nearest(direct, y)
            away = abs(y - direct.mu * nearest)
            terms = (direct.mu * abs(mean - nearest) + away) / variance
        elif row.quantity == "empirical_score_slope":
            terms = 2 / variance + abs(value)
        else:
            terms = abs(value)
        found.append(terms)
    return found


@pytest.mark.parametrize("quantity", list(COUNTS))
def test_formulas_agree_with_every_row_of_the_table(
    quantity: str, page: Page, record_property: Any
) -> None:
    """Tolerance: `C (K + u S)`; the value is the table's.

    K is what a unit roundoff u in every input moves (inputs are rounded once), from the package's
    formulas on balls; S the sum of the absolute values of the terms added up, from definitions;
    C = n + 32 roundings along the longest chain, as in the test kit. Logarithms: the same over the
    value, and u times the logarithm itself. A number below the smallest normal one may be 0; where
    it is positive its logarithm is compared as well.
    """
    rows = table.rows(quantity)
    assert len(rows) == COUNTS[quantity] == table.shipped().header["counts"][quantity]
    compared: Counter[str] = Counter()
    worst = 0.0
    for row in rows:
        found = page.evaluate(EVALUATE, [quantity, _floats(dict(row.input), quantity)])
        with mp.workdps(60):
            exact = [mp.mpf(text) for _, text, _, _ in row.entries()]
            conditions, terms = _conditions(row, exact), _terms(row, exact)
            operations = len(row.input["x"]) + ELEMENTARY
            for k, value in enumerate(exact):
                allowed = operations * (conditions[k] + UNIT * terms[k])
                where = f"{row.id}[{k}]"
                if value != 0 and quantity in LOGARITHMS:
                    logarithm = mp.mpf(found["logarithms"][k])
                    wanted = mp.log(value)
                    room = allowed / value + operations * UNIT * (1 + abs(wanted))
                    assert abs(logarithm - wanted) <= room, where
                    compared["logarithms"] += 1
                number = found["values"][k]
                assert number is not None and math.isfinite(number), where
                if quantity in {"excess_risk_bound", "density"}:
                    allowed += operations * UNIT * abs(value * mp.log(abs(value)))
                allowed += SMALLEST_NORMAL * _scale(row)
                difference = abs(mp.mpf(number) - value)
                assert difference <= allowed, (where, number, mp.nstr(value, 17))
                compared["values"] += 1
                worst = max(worst, float(difference / allowed)) if allowed else worst
    entries = sum(len(list(row.entries())) for row in rows)
    assert compared["values"] == entries
    record_property("worst part of the tolerance", worst)
    print(f"{quantity}: {len(rows)} rows, {dict(compared)}, at worst {worst:.2g} of the tolerance")

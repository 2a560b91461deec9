"""How much a recheck computes: in evaluations, which do not depend on the computer."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from mpmath import MPContext

from dsmverify import Instance, check
from dsmverify.replay import definitions, recheck
from dsmverify.replay.budget import Budget, BudgetError
from dsmverify.replay.definitions import Setting

inner = importlib.import_module("dsmverify.replay.recheck")
RADII = ["11.42", "12.45", "12.46", "13", "13.71"]
CLOSE = {"x": ["0", "1", "5/2", "3"], "mu": "1/2", "sigma": "1/5"}
FAR = {"x": ["0", "1", "5", "9"], "mu": "1", "sigma": "1/32"}


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[Budget]:
    """Every budget that is opened."""
    opened: list[Budget] = []

    def counting(limit: int) -> Budget:
        opened.append(Budget(limit))
        return opened[-1]

    monkeypatch.setattr(inner, "Budget", counting)
    return opened


@pytest.mark.parametrize(("claim", "most"), [("thm04", 130_000), ("cor03b", 15_000)])
def test_many_points_and_little_noise_take_few_evaluations(
    claim: str, most: int, spent: list[Budget]
) -> None:
    inner.evaluate(claim, {"x": RADII, "sigma": "0.001"}, {}, 24)
    (budget,) = spent
    assert 0 < budget.spent < most


def setting(data: dict[str, Any]) -> Setting:
    mp = MPContext()
    mp.prec = 120
    return Setting(mp, data, {}, 1)


@pytest.mark.parametrize("data", [CLOSE, FAR])
def test_panels_that_are_left_out_are_nothing(data: dict[str, Any]) -> None:
    c = setting(data)
    every = list(c.x)
    found = definitions.curvature_mass(c)
    # Ceilings this high leave out no panel and no point.
    whole = definitions.absolute_curvature(
        c, lambda _: c.mp.one, definitions.far_cuts(c), most=c.mp.mpf(2) ** 200_000
    )
    assert abs(whole - found) <= whole * c.mp.mpf(2) ** -100
    plain = definitions.integral(
        c,
        lambda y: sum(
            definitions.offset(c, y, i) ** 2 * definitions.gaussian(c, y - c.mu * c.x[i])
            for i in every
        ),
        definitions.score_cuts(c),
    )
    expected = c.mu**2 / c.sigma**4 * plain / c.n
    assert abs(definitions.score_risk(c) / expected - 1) < c.mp.mpf(2) ** -100


@pytest.mark.parametrize("data", [CLOSE, FAR])
def test_the_weight_is_the_mean_by_quadrature(data: dict[str, Any]) -> None:
    c = setting(data)
    for k in range(9):
        y = c.mu * (c.x[1] + (c.x[c.n] - c.x[1]) * k / 8)
        lines = definitions.weight_lines(c)
        panels = (
            (a, s, definitions.nodes(c, definitions.around(c, y, low, high)))
            for low, high, a, s in lines
        )
        plain = sum(
            w * (a + s * u) * definitions.gaussian(c, y - u) for a, s, ps in panels for u, w in ps
        )
        assert abs(definitions.weight(c, y) / plain - 1) < c.mp.mpf(2) ** -100


def test_a_budget_stops_at_its_limit() -> None:
    budget = Budget(2)
    call = budget.counted(abs)
    assert (call(-1), call(-2), budget.spent) == (1, 2, 2)
    with pytest.raises(BudgetError, match="budget of 2 evaluations used up"):
        call(-3)


def test_what_the_budget_stops_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Instance.from_json({"x": ["1", "3"], "mu": "1/2", "sigma": "1/5"}, name="pair")
    check([instance], claims=["cor03a", "cor03b"]).write(tmp_path)
    told: list[tuple[int, int, str]] = []
    monkeypatch.setattr(inner, "BUDGET", 100)
    result = recheck(tmp_path, progress=lambda *about: told.append(about))
    assert result.left_out == ("cor03b: not rechecked: budget of 100 evaluations used up",)
    assert (result.failures, result.passed, result.exit_status) == ((), False, 3)
    assert result.summary().endswith(
        "1 of 2 certificates recomputed along the second path: 0 faults, 1 not rechecked"
    )
    assert told == [(0, 2, "cor03a"), (1, 2, "cor03b")]

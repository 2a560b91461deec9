"""Stability along the second path: its second-moment map against the engine's, and its refusals."""

from __future__ import annotations

import importlib
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mpmath import MPContext

from dsmverify import express, witnesses
from dsmverify.batch_hessians import batch_hessian
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.mean_square import dense_parts
from dsmverify.replay.definitions import Setting
from dsmverify.replay.minimum_sides import contracting_mean, contracting_sum, lost
from dsmverify.systems.float64 import SYSTEM

recheck = importlib.import_module("dsmverify.replay.recheck")


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split())


TWO = Instance(
    "two",  # kinks -0.4 and 0.9, ascending as the second path sorts them
    fractions("-1 0.3 2"),
    NoiseLevel(mu=Fraction(4, 5), sigma=Fraction(1, 2)),
    learning_rate=Fraction(3, 100),
    network=NetworkData(fractions("1 -1"), fractions("0.4 0.9"), fractions("-3 2.5")),
)


def setting(instance: Instance, bits: int) -> Setting:
    mp = MPContext()
    mp.prec = bits
    return Setting(mp, instance.to_json(), {})


@pytest.mark.parametrize(
    "batch",
    [Batch(1, "sum"), Batch(2, "sum"), Batch(2, "mean"), Batch(3, "mean", replacement=True)],
    ids=str,
)
def test_the_map_is_the_engine_s(batch: Batch) -> None:
    case = replace(TWO, batch=batch)
    share = Fraction(1, batch.size if batch.reduction == "mean" else 1)
    c = setting(case, 60)
    found = np.array(lost(c, c.number(share)).tolist(), dtype=float)
    hessian = batch_hessian(
        SYSTEM, express.sample(SYSTEM, case), express.network(SYSTEM, case), batch
    )
    first, second = dense_parts(hessian)
    rate = 2 * 0.03
    expected = rate * first - rate**2 * second
    # `dense_parts` makes the second part symmetric: both act alike on symmetric S.
    size = len(hessian.mean)
    for row, column in ((0, 0), (0, 3), (1, 2), (2, 2)):
        matrix = np.zeros((size, size))
        matrix[row, column] = matrix[column, row] = 1.0
        # Closed moments in float64, of sums of some 100 terms.
        np.testing.assert_allclose(
            found @ matrix.ravel(),
            expected @ matrix.ravel(),
            rtol=0,
            atol=1e-13 * np.abs(expected).max(),
        )


@pytest.mark.parametrize(("rate", "is_stable"), [("0.00059", True), ("0.0006", False)])
def test_the_witness_of_eq08_on_both_sides_of_its_largest_rate(rate: str, is_stable: bool) -> None:
    """The largest stable rate is 0.000593; `m eta lambda_max(E[H]) < 2` up to 0.00067."""
    kept = witnesses.kept()["eq08@sum"]
    assert isinstance(kept, Instance)
    case = replace(kept, learning_rate=Fraction(rate))
    for hypothesis in (contracting_sum, contracting_mean):  # one point to a batch
        _, least, relation, zero = hypothesis(setting(case, 128))
        assert (relation, zero) == (">", 0)
        assert (least > 0) is is_stable


def test_a_witness_at_an_unstable_rate_is_a_fault() -> None:
    inputs: dict[str, Any] = witnesses.kept()["eq08@sum"].to_json()
    parts, premises = recheck.evaluate("eq08@sum", inputs, {}, 48)
    assert recheck._premise_faults(premises) == []
    assert recheck._fails(parts[0])
    _, premises = recheck.evaluate("eq08@sum", {**inputs, "learning_rate": "0.0006"}, {}, 48)
    (fault,) = recheck._premise_faults(premises)
    assert "S > 0" in fault

"""The pencil against the engine's learning curves: two routes to the same numbers."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from mpmath import mp

from dsmverify.curves import learning_curve
from dsmverify.pencils import random_features as features
from dsmverify.systems import float64

from . import _scalar as scalar


def points() -> list[dict[str, Any]]:
    chance = random.Random(11)
    return [
        {
            "psi_n": chance.uniform(0.5, 8),
            "psi_p": chance.uniform(0.3, 10),
            "time": chance.uniform(0.05, 1),
            "ridge": 10 ** chance.uniform(-3, 0),
            "noise_samples": copies,
        }
        for copies in (1, 2, 5, math.inf)
        for _ in range(5)
    ]


@pytest.mark.parametrize("point", points())
def test_both_routes_agree(point: dict[str, Any]) -> None:
    curve = learning_curve(activation="relu", **point)
    t = point["time"]
    with mp.workdps(40):
        linear, shared, fresh = map(float, scalar.relu(mp.mpf(t)))
    own = features.Parameters(
        signal=math.exp(-2 * t),
        noise=-math.expm1(-2 * t),
        linear=linear,
        shared=shared,
        fresh=fresh,
        psi_n=point["psi_n"],
        psi_p=point["psi_p"],
        ridge=point["ridge"],
        copies=point["noise_samples"],
    )
    found = features.observables(float64.SYSTEM, own)
    pairs = [
        (found.test_error, curve.test_error),
        (found.train_error, curve.train_error),
        (found.memorisation_error, curve.memorisation_error),
    ]
    for value, other in pairs:
        # Errors of a few units at most; 1e-12 of the larger of the value and 1.
        assert value == pytest.approx(other, rel=1e-12, abs=1e-12)

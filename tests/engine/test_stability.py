"""Linear stability and Krawczyk's test say TRUE only where their inequality holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from dsmverify import catalogue, certify, minima, witnesses
from dsmverify.battery import battery
from dsmverify.certify import Session, precision
from dsmverify.spectra import midpoints
from dsmverify.truth import Truth

PAIR = next(instance for instance in battery() if instance.name == "large-rate-pair-one")
LEVEL = 1


def stability(rate: str) -> Truth:
    session = Session(replace(PAIR, learning_rate=Fraction(rate)))
    with precision(192):
        return session.stability(LEVEL, "sum")[0]


# One active half line, H = 2 g g^T there with g = (sigma z/m, -1/sigma^2). Second moments contract
# in the Euclidean norm up to a rate of about 0.0549 (the table of the battery), and in some norm up
# to 0.05684; the mean runs away when eta lambda_max(E[H]) > 2, with
# 1/(n sigma^4) < lambda_max < 1/(n sigma^4) + sigma^2/n.
@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("0.04", Truth.TRUE),
        ("0.0540", Truth.TRUE),
        ("0.0568", Truth.TRUE),  # in no Euclidean norm
        ("0.0569", Truth.UNKNOWN),
        ("0.06", Truth.UNKNOWN),
        ("0.15", Truth.UNKNOWN),  # eta lambda_max about 1.3
        ("0.3", Truth.FALSE),
    ],
)
def test_stability_at_rates_on_both_sides(rate: str, expected: Truth) -> None:
    assert stability(rate) is expected


def test_second_moments_contract_in_another_norm_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness of eq. 8: without the second certificate its stability is not decided."""
    witness = witnesses.kept()["eq08@sum"]
    (claim,) = catalogue.select(["eq08@sum"])
    session = Session(witness)
    with precision(192):
        truth, said = session.stability(LEVEL, "sum")
    assert truth is Truth.TRUE and said.startswith("second moments contract in some norm")
    row = session.decide(claim)
    assert row.answer == "FALSE" and row.lhs is not None and row.rhs is not None
    assert float(row.lhs.lower) > 13519 and float(row.rhs.upper) < 4001
    monkeypatch.setattr(certify, "contraction", lambda *_: None)
    blind = Session(witness).decide(claim)
    assert blind.answer == "UNKNOWN" and "not shown to contract" in str(blind.reason)


def test_wide_networks_are_left_to_the_first_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certify, "MAX_SIZE", 1)
    with precision(192):
        truth, said = Session(witnesses.kept()["eq08@sum"]).stability(LEVEL, "sum")
        assert truth is Truth.UNKNOWN and said.startswith("wider than 0 neurons")
        assert Session(PAIR).stability(LEVEL, "sum")[0] is Truth.TRUE


@pytest.mark.parametrize(("radii", "is_proved"), [(0, True), (2, False)])
def test_krawczyk_refuses_an_image_that_leaves_the_box(radii: int, is_proved: bool) -> None:
    session = Session(PAIR)
    with precision(192):
        facts = session.facts(LEVEL, at_minimum=False)
        found = session.minimum(LEVEL).network
        assert found is not None
        critical = midpoints(np.concatenate([found.outer, found.bias]))
        radius = arb(2) ** (-192 // 3)
        moved = [(1 + abs(value)) * radius * radii for value in critical]
        start = np.concatenate([facts.network.outer, facts.network.bias])
        point = midpoints(critical + np.array(moved, dtype=object))
        proof = minima._krawczyk(facts.sample, facts.network, start, point, arb(0))
    assert (proof is not None) is is_proved

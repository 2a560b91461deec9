"""What leans on what: edges from the data of claims, failures followed upwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dsmverify import catalogue
from dsmverify.claims import Claim, Inequality, Source, Verdict
from dsmverify.dependencies import Standing, edges, reachable, standings
from dsmverify.verdicts import decide_verdict


def claim(name: str, *leans_on: str, **more: Any) -> Claim:
    side = lambda c: c.ns.constant(1)  # noqa: E731
    conclusion = Inequality(side, ">=", side)
    return Claim(name, Source("planted", 1), "planted", conclusion, leans_on=leans_on, **more)


THEOREM = claim("theorem", "lemma")
LEMMA = claim("lemma")
STEP = claim("lemma.a", "fact", kind="step", serves="lemma")
REPAIR = claim("lemma.a.r1", kind="step", serves="lemma", form="repaired", repairs="lemma.a")
FACT = claim("fact")
FAMILY = (THEOREM, LEMMA, STEP, REPAIR, FACT)


def standing(name: str, **verdicts: Verdict) -> Standing:
    outcomes = [
        replace(decide_verdict(one, []), verdict=verdicts.get(one.id.replace(".", "_"), "HOLDS"))
        for one in FAMILY
    ]
    (found,) = (entry for entry in standings(outcomes) if entry.claim == name)
    return found


def test_a_claim_leans_on_what_it_names_and_on_its_printed_steps() -> None:
    graph = edges(FAMILY)
    assert graph["theorem"] == ("lemma",)
    assert graph["lemma"] == ("lemma.a",)  # not on the repaired step
    assert reachable("theorem", graph) == ("lemma", "lemma.a", "fact")


def test_a_circle_is_walked_once() -> None:
    assert reachable("a", {"a": ("b",), "b": ("a", "c"), "c": ()}) == ("b", "c")


def test_a_step_serves_every_reading() -> None:
    readings = (claim("main@sum"), claim("main@mean"), claim("main.a", kind="step", serves="main"))
    graph = edges(readings)
    assert graph["main@sum"] == graph["main@mean"] == ("main.a",)


def test_a_failing_step_is_named_at_the_theorem_that_stands_all_the_same() -> None:
    found = standing("theorem", lemma_a="REFUTED", theorem="PROVED")
    assert (found.failing_steps, found.failing_below) == ((), ("lemma.a",))
    assert found.survives == "yes, proved in another way"
    own = standing("lemma", lemma_a="REFUTED")
    assert (own.failing_steps, own.failing_below) == (("lemma.a",), ())
    assert own.survives == "not refuted; no proof"


@pytest.mark.parametrize(
    ("verdict", "survives"),
    [("REFUTED", "no"), ("UNDECIDED", "undecided"), ("PROVED", "yes, proved")],
)
def test_whether_a_statement_survives_is_its_own_verdict(verdict: Verdict, survives: str) -> None:
    assert standing("theorem", theorem=verdict).survives == survives


def test_what_is_open_below_is_named() -> None:
    assert standing("theorem", fact="UNDECIDED").open_below == ("fact",)


def test_the_main_theorem_leans_on_every_step_of_its_proof() -> None:
    graph = edges(catalogue.claims())
    for reading in ("thm08@sum", "thm08@mean"):
        below = reachable(reading, graph)
        assert {"prop06a", "prop07", "prop09a", "prop10", "prop10.b", "prop07.h"} <= set(below)

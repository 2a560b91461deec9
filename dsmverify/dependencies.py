"""What leans on what: from proof steps through claims to the theorems, and what a failure touches.

The edges are data of the claims: a claim leans on what it names and on the steps that serve it. A
failing step does not refute what leans on it; it leaves it without this proof. Whether the
statement survives is its own verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsmverify.claims import Claim, ClaimOutcome


@dataclass(frozen=True)
class Standing:
    """Where a claim stands after the verdicts on all that its printed proof uses.

    Attributes:
        claim: id.
        verdict: its own.
        failing_steps: steps of its own proof that are REFUTED.
        failing_below: everything else REFUTED that it leans on, directly or not.
        open_below: what it leans on that is UNDECIDED.
        survives: what its own verdict says of the statement.
    """

    claim: str
    verdict: str
    failing_steps: tuple[str, ...]
    failing_below: tuple[str, ...]
    open_below: tuple[str, ...]
    survives: str


_SURVIVAL = {
    "PROVED": "yes, proved in another way",
    "HOLDS": "not refuted; no proof",
    "REFUTED": "no",
    "VACUOUS": "says nothing",
    "UNDECIDED": "undecided",
}


def edges(claims: Iterable[Claim]) -> dict[str, tuple[str, ...]]:
    """What each claim leans on directly: ids that it names, and its steps. Printed forms only."""
    chosen = list(claims)
    known = {claim.id for claim in chosen}
    found: dict[str, list[str]] = {claim.id: list(claim.leans_on) for claim in chosen}
    for claim in chosen:
        if claim.serves is not None and claim.form == "printed" and claim.literal:
            for served in _readings(claim.serves, known):
                found[served].append(claim.id)
    return {name: tuple(dict.fromkeys(ids)) for name, ids in found.items()}


def standings(outcomes: Iterable[ClaimOutcome]) -> tuple[Standing, ...]:
    """Standing of every claim that is no step, in the order given."""
    listed = list(outcomes)
    by_id = {outcome.claim.id: outcome for outcome in listed}
    graph = edges(outcome.claim for outcome in listed)
    return tuple(
        _standing(outcome, by_id, graph) for outcome in listed if outcome.claim.kind == "claim"
    )


def reachable(start: str, graph: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Everything that an id leans on, directly or not, nearest first, itself left out."""
    found: dict[str, None] = {}
    queue = list(graph.get(start, ()))
    while queue:
        name = queue.pop(0)
        if name != start and name not in found:
            found[name] = None
            queue += graph.get(name, ())
    return tuple(found)


def _standing(
    outcome: ClaimOutcome,
    by_id: Mapping[str, ClaimOutcome],
    graph: Mapping[str, tuple[str, ...]],
) -> Standing:
    below = [by_id[name] for name in reachable(outcome.claim.id, graph) if name in by_id]
    refuted = [entry for entry in below if entry.verdict == "REFUTED"]
    own = [entry for entry in refuted if _is_step_of(entry.claim, outcome.claim)]
    others = [entry for entry in refuted if entry not in own]
    survives = _SURVIVAL[outcome.verdict]
    if outcome.verdict == "PROVED" and not refuted:
        survives = "yes, proved"
    return Standing(
        claim=outcome.claim.id,
        verdict=outcome.verdict,
        failing_steps=tuple(entry.claim.id for entry in own),
        failing_below=tuple(entry.claim.id for entry in others),
        open_below=tuple(entry.claim.id for entry in below if entry.verdict == "UNDECIDED"),
        survives=survives,
    )


def _is_step_of(step: Claim, claim: Claim) -> bool:
    return step.serves is not None and claim.id in _readings(step.serves, {claim.id})


def _readings(name: str, known: Iterable[str]) -> list[str]:
    """Ids that a name stands for: itself, or all readings of it."""
    ids = set(known)
    if name in ids:
        return [name]
    return sorted(found for found in ids if found.partition("@")[0] == name)

"""The search for a counterexample: structured families, guided random search, descent, shrinking.

Floats guide, balls decide: an instance is a witness only when every hypothesis is certified TRUE
and the conclusion certified FALSE there. Finding none proves nothing.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final, Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dsmverify.certify import Session
from dsmverify.claims import Claim, ReadOff, Row, Stated
from dsmverify.errors import DsmverifyError
from dsmverify.instance import Instance
from dsmverify.search import strategies
from dsmverify.search.candidates import candidates
from dsmverify.search.descend import descend
from dsmverify.search.samples import SIZES
from dsmverify.search.shrink import Decide, Witness, shrink
from dsmverify.search.slack import INFEASIBLE, Measured, Slack
from dsmverify.verdicts import sound_row, witness_file

Stage = Literal["structured", "hypothesis", "descent"]

DEFAULT_BUDGET: Final = 50_000
"""Evaluations of one search."""

STRUCTURED_SHARE, HYPOTHESIS_SHARE = 0.4, 0.2
"""Parts of the budget for the first two stages; the descent has the rest."""

STARTS: Final = 24
"""Instances of least slack that are kept as starts."""

DESCENT: Final = 500
"""Evaluations of one descent."""

DECISIONS: Final = 60
"""Candidates of one search that are decided with balls, at most."""

DECISION_COST: Final = 5
"""Evaluations that one decision counts for."""

SHRINKING: Final = 600
"""Decisions spent on a smaller witness, at most."""

SHRINKING_WIDE: Final = 100
"""The same for networks of more than `WIDE` neurons, whose decisions take long."""

WIDE: Final = 60

SHRINKING_LOOKS: Final = 4000
"""Slacks in floats spent on a smaller witness, at most."""

REDUCTION: Final = 300
"""Evaluations spent on a witness with fewer points, for each smaller size."""


@dataclass(frozen=True)
class Refutation:
    """A certified counterexample.

    Attributes:
        claim: id of the claim.
        row: its row: FALSE, with both enclosures.
        instance: instance file, with the row's free variables among its parameters.
        evaluations: spent, shrinking included.
        seed: of the search.
        stage: that found it.
    """

    claim: str
    row: Row
    instance: dict[str, Any]
    evaluations: int
    seed: int
    stage: Stage

    @property
    def statement(self) -> str:
        """What this result says, in words."""
        sides = ""
        if self.row.lhs is not None and self.row.rhs is not None:
            lhs, rhs = self.row.lhs, self.row.rhs
            sides = (
                f": left side in [{lhs.lower}, {lhs.upper}], "
                f"right side in [{rhs.lower}, {rhs.upper}]"
            )
        where = "".join(f", {name} = {value}" for name, value in sorted(self.row.where.items()))
        return (
            f"{self.claim} is FALSE at {self.row.instance}{where}{sides} "
            f"({self.row.bits} bits; found by {self.stage}, seed {self.seed}, "
            f"{self.evaluations} evaluations)"
        )

    def to_json(self) -> dict[str, Any]:
        """The record as JSON: what a certificate is made of."""
        sides = {"lhs": self.row.lhs, "rhs": self.row.rhs}
        return {
            "claim": self.claim,
            "answer": self.row.answer,
            "instance": self.instance,
            "where": dict(self.row.where),
            **{
                name: None if side is None else {"lower": side.lower, "upper": side.upper}
                for name, side in sides.items()
            },
            "slack": self.row.slack,
            "bits": self.row.bits,
            "evaluations": self.evaluations,
            "seed": self.seed,
            "stage": self.stage,
        }


@dataclass(frozen=True)
class NotFound:
    """No counterexample in so many evaluations, which is not a proof.

    Attributes:
        claim: id of the claim.
        evaluations: spent.
        seed: of the search.
        smallest: smallest slack seen where the hypotheses hold, as a logarithm in floats; None if
            they were never seen to hold.
        nearest: instance file of that place.
        undecided: candidates that looked false in floats and that balls did not confirm.
        reason: why nothing could be searched, if so.
    """

    claim: str
    evaluations: int
    seed: int
    smallest: float | None = None
    nearest: dict[str, Any] | None = None
    undecided: int = 0
    reason: str = ""

    @property
    def statement(self) -> str:
        """What this result says, in words."""
        if self.reason:
            return f"{self.claim}: {self.reason}"
        text = f"{self.claim}: no counterexample in {self.evaluations} evaluations (not a proof)"
        if self.smallest is not None:
            text += f"; smallest slack seen: a factor of about {math.exp(self.smallest):.4g}"
        return text


def refute(
    claim: Claim,
    *,
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    sizes: Sequence[int] | None = None,
) -> Refutation | NotFound:
    """Search for a counterexample to a claim.

    The same arguments give the same result on every machine that rounds alike; another seed
    generally gives another witness.

    Args:
        claim: any claim but one that is read off another.
        budget: evaluations: slacks in floats, and `DECISION_COST` for each decision with balls
            before the first counterexample. Shrinking has a budget of its own.
        seed: non-negative.
        sizes: numbers of points to try; None tries 2 to 12.
    """
    if isinstance(claim.conclusion, ReadOff):
        reason = f"read off {claim.conclusion.claim}: search there"
        return NotFound(claim.id, 0, seed, reason=reason)
    if claim.instance_kind != "sample":
        return NotFound(claim.id, 0, seed, reason="only samples are searched, and it is about none")
    if isinstance(claim.conclusion, Stated) and not claim.conclusion.checks:
        return NotFound(claim.id, 0, seed, reason="nothing to evaluate: it has no two sides")
    with threadpool_limits(1):  # small matrices: threads cost more than they bring
        return _Search(claim, budget, seed, tuple(sizes or SIZES)).run()


@dataclass
class _Search:
    """One search under way."""

    claim: Claim
    budget: int
    seed: int
    sizes: tuple[int, ...]
    starts: list[tuple[float, int, Instance]] = field(default_factory=list)
    decisions: int = 0
    undecided: int = 0
    found: Witness | None = None
    stage: Stage = "structured"

    def __post_init__(self) -> None:
        self.slack = Slack(self.claim)
        digest = hashlib.sha256(f"{self.claim.id} {self.seed}".encode()).digest()
        self.generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8])))

    @property
    def spent(self) -> int:
        return self.slack.evaluations + DECISION_COST * self.decisions

    def run(self) -> Refutation | NotFound:
        stages: tuple[tuple[Stage, Callable[[], None]], ...] = (
            ("structured", self._structured),
            ("hypothesis", self._hypothesis),
            ("descent", self._descent),
        )
        if self.claim.subject == "minimum":  # what moves freely is no minimum any more
            stages = stages[:1]
        for name, search in stages:
            self.stage = name
            search()
            if self.found is not None:
                return self._refutation(self.found)
        best = max(self.starts, default=None)
        feasible = best is not None and -best[0] > -INFEASIBLE and best[0] > -INFEASIBLE
        return NotFound(
            self.claim.id,
            self.spent,
            self.seed,
            smallest=-best[0] if best is not None and feasible else None,
            nearest=best[2].to_json() if best is not None and feasible else None,
            undecided=self.undecided,
        )

    # Stages.

    def _structured(self) -> None:
        share = 1.0 if self.claim.subject == "minimum" else STRUCTURED_SHARE
        self.structured(int(share * self.budget))

    def structured(self, limit: int) -> None:
        """Try structured candidates until so many evaluations are spent."""
        made = candidates(self.claim, self.generator, self.sizes, self._spend, self.slack.admits)
        for instance in made:
            if self.spent >= limit or self.found is not None:
                return
            self._consider(instance, self.slack(instance))

    def _hypothesis(self) -> None:
        limit = int((STRUCTURED_SHARE + HYPOTHESIS_SHARE) * self.budget)

        def trial(instance: Instance) -> float:
            if self.spent >= limit or self.found is not None:
                return -INFEASIBLE
            measured = self.slack(instance)
            self._consider(instance, measured)
            return -measured.value

        strategies.explore(
            self.claim,
            trial,
            examples=max(1, limit - self.spent),
            seed=self.seed,
            sizes=self.sizes,
            done=lambda: self.spent >= limit or self.found is not None,
        )

    def _descent(self) -> None:
        begun = 0
        while self.spent < self.budget and self.found is None and begun < len(self.starts):
            ordered = [entry[2] for entry in sorted(self.starts, reverse=True)]
            start = ordered[begun % len(ordered)]
            begun += 1
            evaluations = min(DESCENT, self.budget - self.spent)
            descend(self.slack, start, evaluations, self.generator, self._consider)

    def _spend(self, evaluations: int) -> None:
        self.slack.evaluations += evaluations

    # Candidates.

    def _consider(self, instance: Instance, measured: Measured) -> None:
        """Keep a good start; decide what looks false."""
        entry = (-measured.value, self.slack.evaluations, instance)
        if len(self.starts) < STARTS:
            heapq.heappush(self.starts, entry)
        elif entry > self.starts[0]:
            heapq.heapreplace(self.starts, entry)
        if not measured.looks_false or self.found is not None or self.decisions >= DECISIONS:
            return
        witness = self._decided(instance, measured.where)
        if witness is None:
            self.undecided += 1
        else:
            self.found = witness

    def _decided(self, instance: Instance, where: dict[str, Any]) -> Witness | None:
        """The instance as a witness, as it is or with its free variables fixed."""
        for candidate in _fixed(instance, where):
            self.decisions += 1
            row = decide_false(self.claim, candidate)
            if row is not None:
                return Witness(candidate, row)
        return None

    def _refutation(self, witness: Witness) -> Refutation:
        smallest = shrink(self._with_fewer_points(witness), self._decider(witness))
        name = f"refuted-{self.claim.id}-{self.seed}"
        instance = replace(smallest.instance, name=name)
        row = replace(smallest.row, instance=name)
        document = witness_file(row, {name: instance.to_json()})
        return Refutation(self.claim.id, row, document, self.spent, self.seed, self.stage)

    def _with_fewer_points(self, witness: Witness) -> Witness:
        """A witness of a smaller size from a short search of its own, or the same one."""
        for size in sorted(set(self.sizes)):
            if size >= witness.instance.size:
                break
            search = _Search(self.claim, 0, self.seed, (size,))
            search.structured(REDUCTION)
            self.slack.evaluations += search.spent
            if search.found is not None:
                return search.found
        return witness

    def _decider(self, witness: Witness) -> Decide:
        """Decides with balls what floats do not exclude, as long as there is a budget for it.

        Where floats do not see that the witness fails (on a set of measure zero, say) they exclude
        nothing.
        """
        data = witness.instance.network
        left = SHRINKING_WIDE if data is not None and data.width > WIDE else SHRINKING
        looks = SHRINKING_LOOKS
        floats_see = self.slack(witness.instance).looks_false

        def decide(instance: Instance) -> Row | None:
            nonlocal left, looks
            if left <= 0 or looks <= 0:
                return None
            if floats_see:
                looks -= 1
                if not self.slack(instance).looks_false:
                    return None
            left -= 1
            self.slack.evaluations += DECISION_COST
            return decide_false(self.claim, instance)

        return decide


def decide_false(claim: Claim, instance: Instance) -> Row | None:
    """The row of a claim at an instance if it is certified FALSE and sound, else None."""
    try:
        row = sound_row(Session(instance).decide(claim), claim)
    except (DsmverifyError, KeyError):
        return None
    return row if row.answer == "FALSE" else None


def _fixed(instance: Instance, where: dict[str, Any]) -> Iterator[Instance]:
    """The instance, then with y fixed, then with y and i fixed."""
    yield instance
    y, i = where.get("y"), where.get("i")
    if isinstance(y, Fraction) and "y" not in instance.parameters:
        chosen = {**instance.parameters, "y": y}
        yield replace(instance, parameters=chosen)
        if i:
            yield replace(instance, parameters={**chosen, "i": i})

"""Results of the conformance suite: a verdict for every planned check.

| verdict | when |
|---|---|
| passed | every entry is within its tolerance |
| failed | an entry is not, or the callable failed, or a check that was expected to fail passed |
| expected | it failed, and a reason for that is on record |
| undecided | the reference could not be enclosed tightly enough; never a pass |
| error | the kit itself broke down in this check; never a pass |
| lost | planned and not run; never a pass |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, get_args

from dsmverify.errors import NotCompletedError

Verdict = Literal["passed", "failed", "expected", "undecided", "error", "lost"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

UNEXPECTED_PASS = "it passed, but it is on record as an expected failure"


@dataclass(frozen=True)
class Worst:
    """The entry that says most about a comparison, spelled for reports."""

    where: str
    lower: str
    upper: str
    got: str
    ulps: str
    tolerance: str


@dataclass(frozen=True)
class Result:
    """What came out of one check.

    Args:
        id: of the check; `part`, `case`, `dtype` and `words` are its own too.
        verdict: see the module.
        message: the whole message; "" where it passed.
        reason: why it is on record as an expected failure; "" where it is not.
        worst: the entry with the largest error over tolerance, where something was compared.
        causes: likely causes as `name: words`.
    """

    id: str
    part: str
    case: str
    dtype: str
    words: str
    verdict: Verdict
    message: str = ""
    reason: str = ""
    worst: Worst | None = None
    causes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry of `checks` in `report.json`."""
        return asdict(self) | {"causes": list(self.causes)}


@dataclass(frozen=True)
class Results:
    """Results of a run: one for every planned check, in the order of the plan.

    Args:
        target: name of the adapter.
        results: every planned check, also those that were not run.
        not_offered: parts that the adapter does not offer, with the reason.
        not_asked: parts that it offers and that were not to be tried.
        settings: how the callables were called.
        notes: what else the reader must know (cases that a dtype cannot hold, say).
    """

    target: str
    results: tuple[Result, ...]
    not_offered: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()

    def of(self, verdict: Verdict) -> tuple[Result, ...]:
        """Results with a verdict."""
        return tuple(result for result in self.results if result.verdict == verdict)

    def worst_first(self) -> tuple[Result, ...]:
        """Results in the order in which a reader wants them, each kind in the order of the plan."""
        order: tuple[Verdict, ...] = ("failed", "error", "lost", "undecided", "expected", "passed")
        return tuple(result for verdict in order for result in self.of(verdict))

    @property
    def counts(self) -> dict[str, int]:
        """Planned, run, and every verdict; run and lost add up to planned, as do the verdicts."""
        found: dict[str, int] = {"planned": len(self.results), "run": self.run}
        return found | {verdict: len(self.of(verdict)) for verdict in VERDICTS}

    @property
    def run(self) -> int:
        """How many checks were run."""
        return len(self.results) - len(self.of("lost"))

    @property
    def exit_status(self) -> int:
        """0 passed or failed as expected; 1 a failure, an error or a loss; 3 undecided only."""
        counts = self.counts
        if counts["failed"] or counts["error"] or counts["lost"] or not self.results:
            return 1
        return NotCompletedError.exit_status if counts["undecided"] else 0

    def summary(self) -> str:
        """The line with every count."""
        counts = self.counts
        shown = [f"{name} {counts[name]}" for name in ("planned", "run", "passed", "failed")]
        shown += [f"expected failures {counts['expected']}", f"undecided {counts['undecided']}"]
        shown += [f"{name} {counts[name]}" for name in ("error", "lost") if counts[name]]
        parts = ", ".join(self.not_offered)
        named = f" ({parts})" if parts else ""
        shown.append(f"parts not offered {len(self.not_offered)}{named}")
        if self.not_asked:
            shown.append(f"not asked for {len(self.not_asked)} ({', '.join(self.not_asked)})")
        return ", ".join(shown)


def judge(result: Result, reason: str | None) -> Result:
    """A result beside what is on record: a reason to fail, or None.

    An expected failure that passes has failed. Undecided and errors stay what they are.
    """
    if reason is None:
        return result
    if result.verdict == "failed":
        return replace(result, verdict="expected", reason=reason)
    if result.verdict == "passed":
        message = f"{UNEXPECTED_PASS} ({reason}); remove the entry"
        return replace(result, verdict="failed", reason=reason, message=message)
    return result

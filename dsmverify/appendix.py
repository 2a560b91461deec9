"""The tables that a report carries beside its verdicts.

| table | what it shows |
|---|---|
| `failures` | refuted items by severity, statements and constants first |
| `repairs` | every repaired form beside the printed one |
| `standings` | which claims lean on a failing step, and whether they survive |
| `searches` | how long counterexamples were searched for in vain |
| `sharpness` | least slack of every inequality, and where |
| `regimes` | where the main theorem speaks, and how much it says |

Everything is worked out from the outcomes, or from the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from dsmverify.claims import ClaimOutcome, Inequality, Severity
from dsmverify.dependencies import standings
from dsmverify.instance import Instance
from dsmverify.regime import experiments, regime
from dsmverify.report.tables import Table
from dsmverify.search import NotFound, Refutation

SEVERITIES: tuple[str, ...] = get_args(Severity)
"""From what changes the theorem to what changes a letter."""

SHOWN_SAMPLES = 40
"""Samples of the user's own in the table of regimes, at most."""


def tables(
    outcomes: Sequence[ClaimOutcome],
    instances: Sequence[Instance],
    searches: Sequence[Refutation | NotFound],
    *,
    battery: bool,
) -> tuple[Table, ...]:
    """All tables, in the order in which a report shows them; empty ones are left out.

    Args:
        outcomes: of all claims checked.
        instances: that they were checked on.
        searches: for counterexamples.
        battery: whether the bundled battery was checked; the settings of the experiments then
            stand in the table of regimes instead of its samples.
    """
    samples = experiments() if battery else _samples(instances)
    made = (
        failures(outcomes),
        repairs(outcomes),
        leaning(outcomes),
        searched(searches),
        sharpness(outcomes),
        regimes(samples),
    )
    return tuple(table for table in made if table.rows)


def by_severity(outcomes: Iterable[ClaimOutcome]) -> list[ClaimOutcome]:
    """Refuted outcomes, the gravest first, claims before steps, then by id."""

    def rank(outcome: ClaimOutcome) -> tuple[int, bool, str]:
        grade = outcome.severity or SEVERITIES[-1]
        return (SEVERITIES.index(grade), outcome.claim.kind == "step", outcome.claim.id)

    refuted = (entry for entry in outcomes if entry.verdict == "REFUTED")
    return sorted(refuted, key=rank)


def failures(outcomes: Iterable[ClaimOutcome]) -> Table:
    """Refuted items, by severity."""
    rows = [
        (
            entry.claim.id,
            entry.claim.kind,
            entry.severity or "-",
            "the printed one" if entry.claim.literal else "a variant",
            entry.claim.source.statement,
            str(entry.claim.source.page),
            _where(entry),
        )
        for entry in by_severity(outcomes)
    ]
    note = "Every item has an exact instance at which it is certified false; see `certificate`."
    heads = ("item", "kind", "severity", "reading", "source", "page", "false at")
    return Table.of("failures", "What failed, by severity", note, heads, rows)


def repairs(outcomes: Iterable[ClaimOutcome]) -> Table:
    """Repaired forms and their own verdicts."""
    rows = [
        (entry.claim.id, entry.claim.repairs, entry.verdict, entry.claim.change)
        for entry in outcomes
        if entry.claim.repairs is not None
    ]
    note = "A repaired form is a claim of its own, decided by the same machinery."
    heads = ("repair", "of", "verdict", "change")
    return Table.of("repairs", "Repairs", note, heads, [tuple(map(str, row)) for row in rows])


def leaning(outcomes: Iterable[ClaimOutcome]) -> Table:
    """Claims whose printed proof leans on something that failed or is open."""
    rows = [
        (
            entry.claim,
            entry.verdict,
            ", ".join(entry.failing_steps) or "-",
            ", ".join(entry.failing_below) or "-",
            ", ".join(entry.open_below) or "-",
            entry.survives,
        )
        for entry in standings(outcomes)
        if entry.failing_steps or entry.failing_below or entry.open_below
    ]
    note = (
        "A failing step does not refute what leans on it; it leaves it without this proof. "
        "Whether the statement survives is its own verdict."
    )
    heads = ("claim", "verdict", "failing steps", "failing below", "open below", "survives")
    return Table.of("standings", "What leans on a failing step", note, heads, rows)


def searched(searches: Iterable[Refutation | NotFound]) -> Table:
    """Searches for counterexamples."""
    rows = []
    for search in searches:
        if isinstance(search, Refutation):
            found = f"counterexample found ({search.stage})"
        else:
            found = search.statement
        rows.append((search.claim, str(search.evaluations), str(search.seed), found))
    note = "A search that finds nothing proves nothing."
    heads = ("claim", "evaluations", "seed", "result")
    return Table.of("searches", "Searches for counterexamples", note, heads, rows)


def sharpness(outcomes: Iterable[ClaimOutcome]) -> Table:
    """Least slack of every inequality that was not refuted, tightest first."""
    rows = []
    for entry in outcomes:
        if entry.slack is None or entry.verdict == "REFUTED":
            continue
        if not isinstance(entry.claim.conclusion, Inequality | tuple):
            continue
        rows.append((entry.claim.id, entry.slack.min, entry.slack.median, str(entry.applicable)))
    rows.sort(key=lambda row: (float(row[1]), row[0]))
    note = (
        "The slack is the larger side over the smaller: 1 is equality. The least one is what the "
        "constant could at most be improved by, as far as these instances show."
    )
    heads = ("claim", "least slack", "median slack", "applicable")
    return Table.of("sharpness", "How sharp the inequalities are", note, heads, rows)


def regimes(samples: Iterable[Instance]) -> Table:
    """Where the main theorem speaks, and how much it says."""
    rows = []
    for instance in samples:
        found = regime(instance)
        rows.append(
            (
                found.name,
                found.spacing_ratio,
                found.sigma,
                f"{found.sigma_0} ({found.limit})",
                found.threshold,
                found.threshold_at_sigma_0,
                found.excess,
                "; ".join(found.failing) or "none",
            )
        )
    note = (
        "Powers of ten: sigma_0 with the condition that sets it, the learning-rate threshold at "
        "the sample's sigma and at sigma_0, and the excess-risk bound at sigma_0 over 1/sigma_0^2, "
        "the risk of the zero score. A = C_n/sigma^6. Last, the hypotheses that fail here."
    )
    heads = (
        "sample",
        "mu Delta/sigma",
        "sigma",
        "log10 sigma_0",
        "log10 threshold",
        "at sigma_0",
        "log10 excess bound",
        "failing hypotheses",
    )
    return Table.of("regimes", "Where theorem 8 speaks", note, heads, rows)


def _samples(instances: Sequence[Instance]) -> list[Instance]:
    return list(instances[:SHOWN_SAMPLES])


def _where(outcome: ClaimOutcome) -> str:
    witness = (outcome.certificate or {}).get("witness", {})
    return str(witness.get("instance", "-"))

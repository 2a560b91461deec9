"""The tables that a report carries beside its verdicts.

| table | what it shows |
|---|---|
| `failures` | refuted items by severity, statements and constants first |
| `repairs` | every repaired form beside the printed one |
| `standings` | which claims lean on a failing step, and whether they survive |
| `searches` | how long counterexamples were searched for in vain |
| `sharpened` | sharper forms of inequalities that stand |
| `sharpness` | least slack of every inequality |
| `best-constants` | infima of the slack over all samples of one size, enclosed |
| `box-proofs` | what balls prove for all samples of one size |
| `thm08-constants` | the constants of theorem 8 under each set of repairs |
| `thm08-chain` | every constant of the printed chain, and whether it follows |
| `regimes` | where the main theorem speaks, and how much it says |

Everything is worked out from the outcomes, or from the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsmverify import chain
from dsmverify.claims import ClaimOutcome, Inequality
from dsmverify.dependencies import standings
from dsmverify.instance import Instance
from dsmverify.regime import experiments, has_theorem, regime
from dsmverify.report.tables import Table
from dsmverify.search import NotFound, Refutation
from dsmverify.shape_records import ShapeProof, SharpConstant
from dsmverify.verdicts import by_severity

SHOWN_SAMPLES = 40
"""Samples of the user's own in the table of regimes, at most."""


def tables(
    outcomes: Sequence[ClaimOutcome],
    instances: Sequence[Instance],
    searches: Sequence[Refutation | NotFound],
    *,
    battery: bool,
    shapes: Sequence[ShapeProof] = (),
    sharp: Sequence[SharpConstant] = (),
) -> tuple[Table, ...]:
    """All tables, in the order in which a report shows them; empty ones are left out.

    Args:
        outcomes: of all claims checked.
        instances: that they were checked on.
        searches: for counterexamples.
        battery: whether the bundled battery was checked; the settings of the experiments then
            stand in the table of regimes instead of its samples.
        shapes: proofs by boxes.
        sharp: best constants.
    """
    theorem = has_theorem()  # another paper has none of these tables
    constants = (theorem_constants(), printed_chain()) if battery and theorem else ()
    samples = experiments() if battery else _samples(instances)
    made = (
        failures(outcomes),
        repairs(outcomes),
        leaning(outcomes),
        searched(searches),
        *constants,
        box_proofs(shapes),
        best_constants(sharp),
        sharpened(outcomes),
        sharpness(outcomes),
        regimes(samples if theorem else ()),
    )
    return tuple(table for table in made if table.rows)


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
    return Table.of("repairs", "Repairs", note, heads, rows)


def sharpened(outcomes: Iterable[ClaimOutcome]) -> Table:
    """Sharper forms of printed inequalities and their own verdicts."""
    rows = [
        (entry.claim.id, entry.claim.sharpens, entry.verdict, entry.claim.change)
        for entry in outcomes
        if entry.claim.sharpens is not None
    ]
    note = "A printed form that stands, and a sharper one that stands too."
    heads = ("form", "sharpens", "verdict", "change")
    return Table.of("sharpened", "Sharper constants", note, heads, rows)


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


def box_proofs(shapes: Iterable[ShapeProof]) -> Table:
    """What balls prove for all samples of one size."""
    rows = [
        (proof.claim, str(proof.n), str(proof.boxes), str(proof.bits), proof.text)
        for proof in shapes
    ]
    note = (
        "A proof for one sample size is no proof of a claim that is stated for every size. Every "
        "box has both sides on record in report.json, under `box_proofs`."
    )
    heads = ("claim", "n", "boxes", "bits", "what was proved")
    return Table.of("box-proofs", "Proofs for all samples of one size", note, heads, rows)


def best_constants(sharp: Iterable[SharpConstant]) -> Table:
    """Infima of the slack over all samples of one size."""
    rows = [
        (
            found.claim,
            str(found.n),
            f"[{found.infimum.lower}, {found.infimum.upper}]",
            found.lower_by,
        )
        for found in sharp
    ]
    note = "Infimum, over all samples of the size, of the larger side over the smaller."
    heads = ("claim", "n", "infimum", "lower end by")
    return Table.of("best-constants", "Best constants", note, heads, rows)


def theorem_constants() -> Table:
    """The constants of theorem 8 under each set of repairs, computed by the chain."""
    shown = ("variation", "threshold", "excess risk", "risk floor", "sigma_2")
    rows = []
    for scenario in chain.rows():
        values = {entry["name"]: entry["used"] for entry in scenario["entries"]}
        rows.append(
            (
                scenario["scenario"],
                f"n >= {scenario['least_size']}",
                *(values.get(name, "-") for name in shown),
                ", ".join(scenario["unsupported"]) or "-",
                ", ".join(scenario["leans_on_unproved"]) or "-",
            )
        )
    note = (
        "The chain of steps as a calculation: change the constant of a step and those of the "
        "theorem follow. Columns: TV(s_theta) >= c mu n^2 Delta/sigma^2; eta > c sigma^2/(mu n^2 "
        "Delta); excess risk > c n^5 mu^3 Delta^3/(A^4 sigma^4); R_n > c/(n sigma^2), where no "
        "kink term is paid for; the constant in the condition of sigma_2."
    )
    heads = ("scenario", "for", *shown, "does not follow", "leans on what fails")
    title = "What the repairs do to the constants of theorem 8"
    return Table.of("thm08-constants", title, note, heads, rows)


def printed_chain() -> Table:
    """Every constant of the chain as printed, and whether it follows from the step before."""
    (printed,) = (found for found in chain.rows() if found["scenario"] == "as printed")
    rows = [
        (
            entry["name"],
            entry["step"],
            entry["meaning"],
            entry["computed"],
            entry["printed"] or "-",
            entry["printed_follows"] or "-",
        )
        for entry in printed["entries"]
    ]
    note = "Computed from the constants above it, with the page's value and whether it follows."
    heads = ("constant", "step", "meaning", "computed", "printed", "follows")
    return Table.of("thm08-chain", "The printed chain of constants", note, heads, rows)


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

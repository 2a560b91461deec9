"""What the tables of a paper's appendix hold: a report in columns and cells.

| table | what it shows |
|---|---|
| `summary` | how many claims have each verdict, and all answers |
| `verdicts` | every claim with its verdict and its counts |
| `constants` | theorem 8's constants: printed, repaired, best supported, each enclosed |
| `chain` | every constant of the printed chain, and whether it follows |
| `best` | best constants certified over all samples of one size |
| `repairs` | repaired and sharper forms with their verdicts |
| `slack` | least and median slack of every inequality |
| `regimes` | where theorem 8 speaks |
| `hypotheses` | what theorem 8 says at each instance, or which hypothesis fails there |
| `figure2` | excess risk of the ensembles beside the page's |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dsmverify.claims import ClaimOutcome
from dsmverify.report.paper import expressions, rounding
from dsmverify.report.paper.cells import Appendix, Cell, Column, PaperTable
from dsmverify.report.paper.source import Stored
from dsmverify.report.tables import Table

_PRINTED = "as printed"
_CONSTANTS = ("variation", "threshold", "excess risk", "risk floor", "sigma_2")
_NONE = "-"
_MEASURED_DIGITS = 3

_NO_PASSES = (
    "UNKNOWN, NOT_APPLICABLE (n. a.: a hypothesis is certified to fail) and trivial instances are "
    "never counted as passes."
)
_ENCLOSED = "Numbers in brackets enclose the value; their ends are rounded outward."


def appendix(stored: Stored, figure_2: Sequence[Mapping[str, str]] | None) -> Appendix:
    """All tables; what the report does not have is left out, and named.

    Args:
        stored: the report.
        figure_2: rows of `fig2.csv`, if there is one.
    """
    report = stored.report
    carried = {table.name: table for table in report.tables}
    made: list[PaperTable] = [summary(stored), verdicts(report.claims)]
    missing = []
    made += [table for table in (repairs(report.claims), slack(report.claims)) if table.rows]
    for name, make in (
        ("thm08-constants", constants),
        ("thm08-chain", chain),
        ("best-constants", best),
        ("regimes", regimes),
    ):
        if name in carried:
            made.append(make(carried[name]))
        else:
            missing.append(f"The report has no table {name}.")
    found = hypotheses(stored)
    if found.rows:
        made.append(found)
    else:
        missing.append("Theorem 8 was not checked: no table of its hypotheses.")
    if figure_2 is None:
        missing.append("No fig2.csv is at hand (--figures DIR): no figure 2.")
    else:
        made.append(ensembles(figure_2))
    order = ("summary", "verdicts", "constants", "chain", "best", "repairs", "slack")
    made.sort(key=lambda table: order.index(table.name) if table.name in order else len(order))
    return Appendix(report.versions, stored.digest, tuple(made), tuple(missing))


def summary(stored: Stored) -> PaperTable:
    """How many claims have each verdict, and how many answers there are of each kind."""
    report = stored.report
    answers = Counter(
        "trivial" if row.trivial and row.answer == "TRUE" else row.answer for row in report.rows
    )
    kinds = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE", "trivial")
    rows = [
        *(("claims", name, count) for name, count in report.counts.items()),
        *(("claims at instances", name, answers[name]) for name in kinds),
    ]
    subject = "the bundled battery" if report.battery else "the user's data"
    note = f"{len(report.claims)} claims at {len(report.inputs)} instances of {subject}."
    columns = (Column("what"), Column("outcome", "verdict"), Column("number", "count"))
    return PaperTable.of("summary", "Verdicts and answers", f"{note} {_NO_PASSES}", columns, rows)


def verdicts(outcomes: Iterable[ClaimOutcome]) -> PaperTable:
    """Every claim with its verdict and its counts."""
    rows = [
        (
            outcome.claim.id,
            outcome.claim.source.statement,
            outcome.claim.source.page,
            outcome.claim.form,
            outcome.verdict,
            _detail(outcome),
            outcome.true,
            outcome.false,
            outcome.unknown,
            outcome.not_applicable,
            outcome.trivial,
        )
        for outcome in outcomes
    ]
    note = (
        "Detail: how severe a failure is, the k instances at which a claim HOLDS, which is no "
        f"proof, and why one is UNDECIDED. Counts of instances. {_NO_PASSES}"
    )
    columns = (
        Column("claim", "name", 0.15),
        Column("source", "text", 0.25),
        Column("page", "count"),
        Column("form", printed=False),
        Column("verdict", "verdict"),
        Column("detail"),
        Column("TRUE", "count"),
        Column("FALSE", "count"),
        Column("UNKNOWN", "count", short="unkn."),
        Column("NOT_APPLICABLE", "count", short="n. a."),
        Column("trivial", "count", short="triv."),
    )
    return PaperTable.of("verdicts", "Verdicts of all claims", note, columns, rows)


def repairs(outcomes: Iterable[ClaimOutcome]) -> PaperTable:
    """Repaired and sharper forms of printed claims, with both verdicts."""
    by_id = {outcome.claim.id: outcome for outcome in outcomes}
    rows = []
    for outcome in by_id.values():
        claim = outcome.claim
        printed = claim.repairs or claim.sharpens
        if printed is not None:
            before = by_id.get(printed)
            rows.append(
                (
                    printed,
                    None if before is None else _verdict(before),
                    claim.id,
                    _verdict(outcome),
                    claim.change,
                )
            )
    columns = (
        Column("printed", "name", 0.12),
        Column("verdict", "verdict"),
        Column("form", "name", 0.12),
        Column("its verdict", "verdict"),
        Column("change", "text", 0.45),
    )
    note = "A repaired or sharper form is a claim of its own, decided by the same machinery."
    return PaperTable.of(
        "repairs", "Repaired and sharper forms", note, columns, sorted(rows, key=str)
    )


def slack(outcomes: Iterable[ClaimOutcome]) -> PaperTable:
    """Least and median slack of every claim that has one, tightest first."""
    rows: list[tuple[Cell, ...]] = []
    without = 0
    ordered = sorted(outcomes, key=lambda outcome: outcome.claim.id)
    for outcome in ordered:
        found = outcome.slack
        if found is None:
            without += 1
            continue
        rows.append(
            (
                outcome.claim.id,
                _verdict(outcome),
                outcome.applicable,
                rounding.down(found.min, 4),
                rounding.magnitude(found.min),
                rounding.down(found.median, 4),
                rounding.magnitude(found.median),
            )
        )
    rows.sort(key=lambda row: float(str(row[4])) if row[4] is not None else float("-inf"))
    note = (
        "The slack is the larger side over the smaller: 1 is equality, below 1 fails. It is "
        "rounded down, and so is its decimal logarithm, the orders of magnitude; the median is "
        "the lower one, over the decided instances that are not trivial. "
        f"{without} claims have no slack (identities, regularity, nothing decided)."
    )
    columns = (
        Column("claim", "name"),
        Column("verdict", "verdict"),
        Column("applicable", "count", short="appl."),
        Column("least slack", "number"),
        Column("least, log10", "number", short="log10"),
        Column("median slack", "number"),
        Column("median, log10", "number", short="log10"),
    )
    return PaperTable.of("slack", "Slack of the inequalities", note, columns, rows)


def constants(table: Table) -> PaperTable:
    """Theorem 8's constants: printed, repaired, best supported, with an enclosure of each."""
    scenarios = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    printed = [entry for entry in scenarios if entry.get("scenario") == _PRINTED]
    following = [entry for entry in scenarios if _follows(entry) and entry not in printed]
    supported = [entry for entry in following if not _failing(entry)]
    same_size = [
        entry
        for entry in following
        if entry not in supported and entry.get("for") in {found.get("for") for found in printed}
    ]
    fewest = min((len(_failing(entry)) for entry in same_size), default=0)
    repaired = [entry for entry in same_size if len(_failing(entry)) == fewest]
    rows: list[tuple[Cell, ...]] = []
    for name in _CONSTANTS:
        for form, chosen in (
            ("printed", printed),
            ("repaired", repaired),
            ("best supported", supported),
        ):
            for entry in chosen:
                value = entry.get(name, _NONE)
                if value == _NONE:
                    continue
                missing = entry.get("does not follow", _NONE).split(", ")
                rows.append(
                    (
                        name,
                        form,
                        entry.get("for"),
                        value,
                        expressions.enclose(value),
                        "no" if name in missing else "yes",
                        ", ".join(_failing(entry)) or None,
                    )
                )
    repaired_by = "; ".join(entry["scenario"] for entry in repaired) or "none"
    supported_by = "; ".join(entry["scenario"] for entry in supported) or "none"
    note = (
        f"{table.note} Repaired ({repaired_by}): every constant follows, for the printed sizes, on "
        f"the fewest items that fail. Best supported ({supported_by}): every constant follows, and "
        "nothing that it leans on fails; a constant without such a line has no support. "
        f"{_ENCLOSED}"
    )
    columns = (
        Column("constant", "text"),
        Column("form", "text"),
        Column("for", "text"),
        Column("value", "name", 0.20),
        Column("certified", "enclosure"),
        Column("follows", "text"),
        Column("leans on what fails", "text", 0.14),
    )
    return PaperTable.of("constants", "Constants of theorem 8", note, columns, rows)


def chain(table: Table) -> PaperTable:
    """Every constant of the printed chain, with an enclosure and whether it follows."""
    rows = []
    for row in table.rows:
        entry = dict(zip(table.columns, row, strict=True))
        computed = entry.get("computed", _NONE)
        rows.append(
            (
                entry.get("constant"),
                entry.get("step"),
                _shown(computed),
                expressions.enclose(computed),
                _shown(entry.get("printed")),
                _shown(entry.get("follows")),
            )
        )
    columns = (
        Column("constant", "text", 0.15),
        Column("step", "name", 0.09),
        Column("computed", "name", 0.20),
        Column("certified", "enclosure"),
        Column("printed", "name", 0.15),
        Column("follows", "verdict"),
    )
    return PaperTable.of("chain", table.title, f"{table.note} {_ENCLOSED}", columns, rows)


def best(table: Table) -> PaperTable:
    """Best constants, certified over all samples of one size."""
    rows: list[tuple[Cell, ...]] = []
    for row in table.rows:
        entry = dict(zip(table.columns, row, strict=True))
        ends = entry.get("infimum", "").removeprefix("[").removesuffix("]").split(", ")
        enclosed = rounding.enclosure(ends[0], ends[1]) if len(ends) == 2 else None
        rows.append((entry.get("claim"), entry.get("n"), enclosed, entry.get("lower end by")))
    columns = (
        Column("claim", "name"),
        Column("n", "text"),
        Column("infimum", "enclosure"),
        Column("lower end by", "text", 0.55),
    )
    return PaperTable.of("best", table.title, f"{table.note} {_ENCLOSED}", columns, rows)


def regimes(table: Table) -> PaperTable:
    """Where theorem 8 speaks, as the report has it."""
    shares = {"sample": 0.16, table.columns[-1]: 0.28}
    columns = [Column(head, "text", shares.get(head, 0.085)) for head in table.columns]
    note = f"{table.note} Each number is the middle of an enclosure, rounded to the digits shown."
    return PaperTable.of("regimes", table.title, note, columns, table.rows)


def hypotheses(stored: Stored) -> PaperTable:
    """What theorem 8 says at each instance, or the first hypothesis certified to fail there."""
    merged: dict[tuple[str, str, str | None], list[str]] = {}
    for row in stored.report.rows:
        if row.claim.partition("@")[0] == "thm08":
            key = (row.instance, row.answer, row.failed_hypothesis or row.reason)
            merged.setdefault(key, []).append(row.claim)
    rows = [
        (instance, ", ".join(dict.fromkeys(claims)), answer, why)
        for (instance, answer, why), claims in merged.items()
    ]
    rows.sort(key=lambda row: tuple(cell or "" for cell in row))
    columns = (
        Column("instance", "name", 0.23),
        Column("claim", "name", 0.19),
        Column("answer", "verdict"),
        Column("hypothesis that fails, or what was not decided", "text", 0.37),
    )
    note = (
        "The sides of a hypothesis are decimals that decide it: the printed relation is certified "
        "not to hold. The first hypothesis that fails is named; others can fail as well."
    )
    return PaperTable.of("hypotheses", "Theorem 8 at each instance", note, columns, rows)


def ensembles(figure_2: Sequence[Mapping[str, str]]) -> PaperTable:
    """Figure 2's table: excess risk of the ensembles beside the page's."""
    rows: list[tuple[Cell, ...]] = []
    for entry in figure_2:
        rows.append(
            (
                entry["dimension"],
                entry["time"],
                entry["learning_rate"],
                entry["option"],
                entry["simulations"],
                rounding.nearest(entry["mean"], _MEASURED_DIGITS),
                _band(entry["low"], entry["high"]),
                rounding.nearest(entry["median"], _MEASURED_DIGITS),
                rounding.nearest(entry["page_value"], _MEASURED_DIGITS),
                _band(entry["page_low"], entry["page_high"]),
                entry["verdict"],
            )
        )
    columns = (
        Column("d"),
        Column("t"),
        Column("rate"),
        Column("option", "text", 0.17),
        Column("runs"),
        Column("mean", "number"),
        Column("band", "enclosure"),
        Column("median", "number"),
        Column("page", "number"),
        Column("page's band", "enclosure"),
        Column("verdict"),
    )
    note = (
        "Excess risk over simulations: mean with its 95 % bootstrap band, rounded outward, median, "
        "and what was read off the page's figure. Evidence from training runs, not certified."
    )
    return PaperTable.of("figure2", "Figure 2", note, columns, rows)


def _verdict(outcome: ClaimOutcome) -> str:
    """The verdict; HOLDS never without its count, UNDECIDED never without its reason."""
    detail = None if outcome.verdict == "REFUTED" else _detail(outcome)
    return f"{outcome.verdict} ({detail})" if detail else outcome.verdict


def _detail(outcome: ClaimOutcome) -> str | None:
    if outcome.verdict == "HOLDS":
        return f"k = {outcome.true}"
    if outcome.verdict == "UNDECIDED" and outcome.reason:
        return outcome.reason.partition(":")[0]
    return outcome.severity


def _follows(entry: Mapping[str, str]) -> bool:
    return entry.get("does not follow") == _NONE


def _failing(entry: Mapping[str, str]) -> list[str]:
    found = entry.get("leans on what fails", _NONE)
    return [] if found == _NONE else found.split(", ")


def _shown(text: str | None) -> str | None:
    return None if text == _NONE else text


def _band(low: str, high: str) -> tuple[str, str] | None:
    ends = rounding.down(low, _MEASURED_DIGITS), rounding.up(high, _MEASURED_DIGITS)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])

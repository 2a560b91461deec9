"""The report of the theorem experiment: what it came to, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.errors import OutputError
from dsmverify.experiments.groups import markdown_table
from dsmverify.experiments.largest_bound import Ceiling
from dsmverify.experiments.theorem_records import Condition, Record

COLUMNS = (
    "part", "sample", "network", "n", "m", "learning_rate", "rate_over_threshold", "batch",
    "relative_excess_risk", "relative_bound", "gradient", "sharpness", "stable_mean", "stable_sum",
    "claim", "recorded", "answer", "slack", "said",
)  # fmt: skip


@dataclass(frozen=True)
class RegimeSample:
    """Where the theorem speaks at one sample.

    Attributes:
        name: of the sample.
        size: n.
        spacing_ratio: mu Delta / sigma.
        sigma_0: noise level up to which the theorem speaks.
        threshold: its learning rate.
        translation_rate: `2 sigma^4`, from which rate on `shift4` bounds the risk.
        conditions: on sigma, certified; and on the rate, at the smallest factor.
    """

    name: str
    size: int
    spacing_ratio: str
    sigma_0: str
    threshold: str
    translation_rate: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class RegimeRun:
    """One run inside the regime.

    Attributes:
        sample: name.
        start: random, or at which proved minimum.
        width: m.
        rate: eta.
        rate_over_threshold: eta over the threshold.
        seed: which run.
        did: what it did.
        relative_risk: `R_n sigma^2` at the end, float64; "" where it diverged.
        outcome: theorem 8 at the end point.
    """

    sample: str
    start: str
    width: int
    rate: str
    rate_over_threshold: str
    seed: int
    did: str
    relative_risk: str
    outcome: str


@dataclass(frozen=True)
class SearchRow:
    """What a search for minima found."""

    part: str
    sample: str
    width: int
    minima: int
    starts: dict[str, int]


@dataclass(frozen=True)
class PolishRow:
    """What polishing a wide network gave."""

    name: str
    width: int
    rate: str
    evaluations: int
    stopped: str
    before: dict[str, Any]
    after: dict[str, Any]
    flat_directions: int
    distance: float
    function_distance: float
    judgement: str


@dataclass(frozen=True)
class Summary:
    """What the experiment came to.

    Attributes:
        ceilings: the bound's largest value, by sample size.
        samples: of the regime.
        records: networks held against the theorem.
        regime_runs: runs inside the regime.
        searches: what searches found.
        polished: wide networks.
        files: what was written.
    """

    ceilings: tuple[Ceiling, ...]
    samples: tuple[RegimeSample, ...]
    records: tuple[Record, ...]
    regime_runs: tuple[RegimeRun, ...]
    searches: tuple[SearchRow, ...]
    polished: tuple[PolishRow, ...]
    files: tuple[Path, ...] = field(default=())

    @property
    def failures(self) -> tuple[tuple[Record, str], ...]:
        """Records at which a claim that counts as proved is certified FALSE."""
        return tuple((one, bad.claim) for one in self.records for bad in one.failures)

    @property
    def refutations(self) -> tuple[tuple[Record, str], ...]:
        """Records at which a claim recorded as HOLDS is certified FALSE: a counterexample."""
        return tuple(
            (one, answer.claim)
            for one in self.records
            for answer in one.answers
            if answer.answer == "FALSE" and answer.recorded == "HOLDS"
        )

    @property
    def exit_status(self) -> int:
        """1 if there is evidence against a PROVED claim, else 0."""
        return 1 if self.failures else 0

    def lines(self) -> list[str]:
        """For the terminal."""
        top = max(self.ceilings, key=lambda one: float(one.relative))
        inside = [one for one in self.records if one.part == "regime"]
        counts = Counter(one.outcome_mean.partition(":")[0] for one in inside)
        found = [
            f"largest bound in the regime: {top.attained} to {top.relative} of 1/sigma^2, "
            f"n = {top.size}",
            f"regime: {len(self.samples)} samples, {len(inside)} records of proved minima: "
            + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())),
            f"minima proved: {sum(row.minima for row in self.searches)}; "
            f"records: {len(self.records)}",
            *(f"{row.name}: {row.judgement}" for row in self.polished),
            *(
                f"counterexample to {claim}, recorded as HOLDS: {one.sample}, m = {one.width}, "
                f"eta = {one.rate}, {one.network}"
                for one, claim in self.refutations
            ),
            *(
                f"EVIDENCE AGAINST {claim}: {one.sample}, {one.network}"
                for one, claim in self.failures
            ),
        ]
        return [*found, *(f"wrote {file}" for file in self.files)]


def write(summary: Summary, out: Path, *, quick: bool) -> tuple[Path, ...]:
    """Write the report; returns its files.

    Args:
        summary: what the experiment came to.
        out: folder, made if it does not exist.
        quick: whether names start with `quick_`.

    Raises:
        OutputError: the folder cannot be written.
    """
    stem = "quick_theorem" if quick else "theorem"
    texts = {
        f"{stem}.json": json.dumps(_document(summary), indent=1) + "\n",
        f"{stem}.csv": _csv(summary),
        f"{stem}.md": markdown(summary),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(out), error.strerror or "unknown reason") from None
    files = []
    for name, text in texts.items():
        write_atomically(out / name, text.encode())
        files.append(out / name)
    return tuple(files)


def _document(summary: Summary) -> dict[str, Any]:
    def plain(row: Any) -> dict[str, Any]:
        found = dict(vars(row))
        if "conditions" in found:
            found["conditions"] = [vars(condition) for condition in row.conditions]
        return found

    return {
        "largest_bound": [
            plain(row) | {"example": row.example.to_json()} for row in summary.ceilings
        ],
        "regime": [plain(row) for row in summary.samples],
        "regime_runs": [plain(row) for row in summary.regime_runs],
        "searches": [plain(row) for row in summary.searches],
        "polished": [plain(row) for row in summary.polished],
        "records": [record.document() for record in summary.records],
        "evidence_against_proved": [
            {"claim": claim, "sample": record.sample, "network": record.network}
            for record, claim in summary.failures
        ],
    }


def _csv(summary: Summary) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in summary.records:
        about = (
            one.part, one.sample, one.network, one.size, one.width, one.rate,
            one.rate_over_threshold, one.batch, one.relative_excess, one.relative_bound,
            one.gradient, one.sharpness, one.stable_mean.partition(":")[0],
            one.stable_sum.partition(":")[0],
        )  # fmt: skip
        for answer in one.answers:
            claim = (answer.claim, answer.recorded, answer.answer, answer.slack, answer.said)
            writer.writerow((*about, *claim))
    return text.getvalue()


def markdown(summary: Summary) -> str:
    """The report in Markdown."""
    sections: list[Callable[[Summary], str]] = [
        _ceilings_text,
        _regime_text,
        _regime_runs_text,
        _searches_text,
        _polished_text,
        _claims_text,
        _records_text,
    ]
    return "# Theorem 8 where it speaks\n\n" + "\n".join(section(summary) for section in sections)


def _cell(text: str) -> str:
    return text.replace("|", "/") or "-"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return markdown_table(columns, [[_cell(str(entry)) for entry in row] for row in rows])


def _ceilings_text(summary: Summary) -> str:
    rows = [
        (one.size, one.least_ratio, one.relative, one.attained, one.absolute, one.attained_absolute)
        for one in summary.ceilings
    ]
    return (
        "## The largest value of its bound anywhere in its regime\n\n"
        "In units of 1/sigma^2, the zero score's risk, and absolute; certified from above for all "
        "samples of n points, attained at an example. From n = 4 on the ceilings fall.\n\n"
        + _table(
            (
                "n",
                "mu Delta/sigma at least",
                "ceiling x sigma^2",
                "attained",
                "ceiling",
                "attained",
            ),
            rows,
        )
    )


def _regime_text(summary: Summary) -> str:
    samples = [
        (
            one.name,
            one.size,
            one.spacing_ratio,
            one.sigma_0,
            one.threshold,
            one.translation_rate,
            ", ".join(sorted({condition.truth for condition in one.conditions})),
        )
        for one in summary.samples
    ]
    rows = [
        (
            one.sample,
            one.width,
            one.network,
            one.rate,
            one.rate_over_threshold,
            one.batch.partition(",")[0],
            one.relative_excess,
            one.relative_bound,
            "yes" if one.is_bound_visible else "no",
            one.outcome_mean,
            one.outcome_sum,
        )
        for one in summary.records
        if one.part == "regime"
    ]
    head = (
        "sample", "m", "network", "eta", "eta/threshold", "batch", "excess x sigma^2",
        "bound x sigma^2", "bound above 1e-12", "theorem 8, mean", "theorem 8, sum",
    )  # fmt: skip
    return (
        "## Inside the regime\n\n"
        + _table(
            ("sample", "n", "mu Delta/sigma", "sigma_0", "threshold", "2 sigma^4", "conditions"),
            samples,
        )
        + "\n"
        + _table(head, rows)
    )


def _regime_runs_text(summary: Summary) -> str:
    head = (
        "sample",
        "start",
        "m",
        "eta",
        "eta/threshold",
        "seed",
        "did",
        "R_n sigma^2",
        "theorem 8",
    )
    rows = [tuple(vars(one).values()) for one in summary.regime_runs]
    return "## Runs inside the regime\n\n" + _table(head, rows)


def _searches_text(summary: Summary) -> str:
    rows = [
        (
            one.part,
            one.sample,
            one.width,
            one.minima,
            ", ".join(f"{count} {name}" for name, count in one.starts.items()),
        )
        for one in summary.searches
    ]
    return "## Minima proved\n\n" + _table(("part", "sample", "m", "minima", "starts"), rows)


def _polished_text(summary: Summary) -> str:
    rows = []
    for one in summary.polished:
        before, after = one.before, one.after
        rows.append(
            (
                one.name,
                one.rate,
                f"{before['risk']:.6g} to {after['risk']:.6g}",
                f"{before['gradient']:.1e} to {after['gradient']:.1e}",
                f"{before['lambda_max'] * one.width:.4g} to {after['lambda_max'] * one.width:.4g}",
                f"{before['dead']} to {after['dead']}",
                f"{before['merged']} to {after['merged']}",
                f"{one.distance:.4g}",
                f"{one.function_distance:.3g}",
                one.judgement,
            )
        )
    head = (
        "run", "eta", "risk", "gradient", "m lambda_max", "dead", "merged", "distance",
        "E[(s - s')^2]", "judgement",
    )  # fmt: skip
    return "## Wide networks, polished\n\n" + _table(head, rows)


def _claims_text(summary: Summary) -> str:
    counts: dict[str, Counter[str]] = {}
    recorded: dict[str, str] = {}
    for one in summary.records:
        for answer in one.answers:
            counts.setdefault(answer.claim, Counter())[answer.answer] += 1
            recorded[answer.claim] = answer.recorded
    kinds = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE")
    rows = [
        (name, recorded[name], *(counts[name][kind] for kind in kinds)) for name in sorted(counts)
    ]
    return (
        "## Every claim, over all records\n\nEvidence; verdicts are elsewhere. A FALSE of a PROVED "
        "claim fails the run.\n\n" + _table(("claim", "recorded", *kinds), rows)
    )


def _records_text(summary: Summary) -> str:
    parts = ["## Every claim at every minimum and end point\n"]
    for number, one in enumerate(summary.records, start=1):
        groups: dict[str, list[str]] = {}
        for answer in one.answers:
            room = f" ({answer.slack})" if answer.slack else ""
            groups.setdefault(answer.answer, []).append(answer.claim + room)
        parts.append(
            f"\n### {number}. {one.part}: {one.sample}, m = {one.width}, {one.network}\n\n"
            f"- {one.did}\n"
            f"- eta = {one.rate} ({one.rate_over_threshold} of the threshold), batch {one.batch}; "
            f"R_n = {one.risk}, excess risk x sigma^2 = {one.relative_excess}, gradient "
            f"{one.gradient}\n"
            f"- m eta lambda_max = {one.sharpness}; largest stable rate 2/(m lambda_max) = "
            f"{one.largest_stable_rate}\n"
            f"- batch mean: {one.stable_mean}; batch sum: {one.stable_sum}\n"
            f"- theorem 8's bound {one.bound}, above 1e-12: "
            f"{'yes' if one.is_bound_visible else 'no'}; mean: {one.outcome_mean}; sum: "
            f"{one.outcome_sum}\n"
            + "".join(f"- {note}\n" for note in one.notes)
            + "- hypotheses: "
            + "; ".join(
                f"{condition.statement}: {condition.truth}"
                + (f" ({condition.measured})" if condition.measured else "")
                for condition in one.conditions
            )
            + "\n"
            + "".join(f"- {kind}: {', '.join(names)}\n" for kind, names in sorted(groups.items()))
        )
    return "".join(parts)

"""The report of the theorem experiment: what it came to, as JSON, CSV and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.errors import OutputError
from dsmverify.experiments.groups import csv_text, markdown_table
from dsmverify.experiments.largest_bound import Ceiling
from dsmverify.experiments.parts import json_text
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
class DrawingRow:
    """How many proved minima break eq. 8 at a stable rate, for one way to draw a batch; float64."""

    reading: str
    drawing: str
    minima: int
    broken: int


@dataclass(frozen=True)
class StableRow:
    """Eq. 8 at the minimum that breaks it by most, for one way to draw a batch.

    Attributes:
        reading: of the batch loss.
        drawing: how a batch is drawn, in words.
        sample: name.
        size: n.
        width: m.
        batch: size and replacement.
        rate: eta, exact.
        sharpness: lambda_max(hess R_n).
        ceiling: 2/(m eta).
        ratio: the former over the latter; above 1 eq. 8 is broken.
        excess: the largest stable rate over the rate of equality, float64.
        stability: of the minimum at the rate, certified.
        answer: of eq. 8, certified.
        instance: sample, network, rate and batch, exact.
    """

    reading: str
    drawing: str
    sample: str
    size: int
    width: int
    batch: str
    rate: str
    sharpness: str
    ceiling: str
    ratio: str
    excess: str
    stability: str
    answer: str
    instance: dict[str, Any]


@dataclass(frozen=True)
class PolishRow:
    """What polishing a wide network gave.

    Attributes:
        name: of the setting.
        width: m.
        rate: eta.
        evaluations: spent.
        stopped: why polishing ended.
        before: the end of the run, as `ensembles.polish.Place`.
        after: the polished network.
        flat_directions: directions along which R_n does not change.
        distance: of the parameters.
        function_distance: `E[(s - s')^2]`.
        stability_product: `m eta lambda_max(E[H])` after polishing.
        equation_8_product: `m eta lambda_max(hess R_n)` after polishing.
        judgement: whether SGD can have converged to it, in words.
    """

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
    stability_product: float
    equation_8_product: float
    judgement: str


@dataclass
class Rows:
    """What finished parts of the experiment came to, in the order of the report."""

    samples: list[RegimeSample] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    runs: list[RegimeRun] = field(default_factory=list)
    searches: list[SearchRow] = field(default_factory=list)
    polished: list[PolishRow] = field(default_factory=list)
    stable: list[StableRow] = field(default_factory=list)
    drawings: list[DrawingRow] = field(default_factory=list)

    def extend(self, other: Rows) -> None:
        """Put another's rows behind these."""
        for name, rows in vars(self).items():
            rows.extend(getattr(other, name))

    def document(self) -> dict[str, Any]:
        """Plain data; samples are no part of it."""
        names = ("records", "runs", "searches", "polished", "stable", "drawings")
        return {name: [asdict(row) for row in getattr(self, name)] for name in names}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Rows:
        """The rows of plain data."""
        return cls(
            records=[Record.of(row) for row in document["records"]],
            runs=[RegimeRun(**row) for row in document["runs"]],
            searches=[SearchRow(**row) for row in document["searches"]],
            polished=[PolishRow(**row) for row in document["polished"]],
            stable=[StableRow(**row) for row in document["stable"]],
            drawings=[DrawingRow(**row) for row in document["drawings"]],
        )


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
        stable: minima that break eq. 8 by most.
        drawings: how many minima break it.
        files: what was written.
    """

    ceilings: tuple[Ceiling, ...]
    samples: tuple[RegimeSample, ...]
    records: tuple[Record, ...]
    regime_runs: tuple[RegimeRun, ...]
    searches: tuple[SearchRow, ...]
    polished: tuple[PolishRow, ...]
    stable: tuple[StableRow, ...] = ()
    drawings: tuple[DrawingRow, ...] = ()
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
            *self._equation_8_lines(),
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

    def _equation_8_lines(self) -> Iterator[str]:
        """What the search for minima that break eq. 8 found, for each reading."""
        for reading in dict.fromkeys(row.reading for row in self.stable):
            rows = [row for row in self.stable if row.reading == reading]
            best = max(rows, key=lambda row: float(row.excess))
            broken = sum(row.answer == "FALSE" for row in rows)
            yield (
                f"eq. 8, batch {reading}: FALSE at a certified stable minimum for {broken} of "
                f"{len(rows)} ways to draw a batch; stable rates up to {best.excess} times "
                "2/(m lambda_max)"
            )


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
        f"{stem}.json": json_text(_document(summary)),
        f"{stem}.csv": _csv(summary),
        f"{stem}.md": markdown(summary, quick=quick),
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
        "eq08_searched": [plain(row) for row in summary.drawings],
        "eq08": [plain(row) for row in summary.stable],
        "records": [record.document() for record in summary.records],
        "evidence_against_proved": [
            {"claim": claim, "sample": record.sample, "network": record.network}
            for record, claim in summary.failures
        ],
    }


def _csv(summary: Summary) -> str:
    rows = []
    for one in summary.records:
        about = (
            one.part, one.sample, one.network, one.size, one.width, one.rate,
            one.rate_over_threshold, one.batch, one.relative_excess, one.relative_bound,
            one.gradient, one.sharpness, one.stable_mean.partition(":")[0],
            one.stable_sum.partition(":")[0],
        )  # fmt: skip
        for answer in one.answers:
            claim = (answer.claim, answer.recorded, answer.answer, answer.slack, answer.said)
            rows.append((*about, *map(str, claim)))
    return csv_text(COLUMNS, rows)


def markdown(summary: Summary, *, quick: bool = False) -> str:
    """The report in Markdown; a quick one says so."""
    sections: list[Callable[[Summary], str]] = [
        _ceilings_text,
        _regime_text,
        _regime_runs_text,
        _searches_text,
        _stable_text,
        _polished_text,
        _claims_text,
        _records_text,
    ]
    note = "**Quick**: fewer samples, starts and runs than in full.\n\n" if quick else ""
    text = "\n".join(section(summary) for section in sections)
    return f"# Theorem 8 where it speaks\n\n{note}{text}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "-"


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


def _stable_text(summary: Summary) -> str:
    counts = [
        (one.reading, one.drawing, f"{one.broken} of {one.minima}") for one in summary.drawings
    ]
    rows = [
        (
            one.reading, one.drawing, one.batch, one.sample, one.width, one.rate, one.sharpness,
            one.ceiling, one.ratio, one.excess, one.stability, one.answer,
        )
        for one in summary.stable
    ]  # fmt: skip
    head = (
        "reading", "drawn", "batch", "sample", "m", "eta", "lambda_max", "2/(m eta)", "ratio",
        "largest stable rate / rate of equality", "linearly stable", "eq. 8",
    )  # fmt: skip
    return (
        "## Eq. 8 at linearly stable minima\n\nEq. 8 asks for lambda_max(hess R_n) <= 2/(m eta) "
        "at a linearly stable minimum. SGD does not see the kink term of hess R_n, so a minimum "
        "may be stable and sharper. Proved minima of narrow networks that could break it at some "
        "rate that is stable in mean square (float64), for each reading of the batch loss and way "
        "to draw a batch:\n\n"
        + _table(("reading", "drawn", "minima"), counts)
        + "\nThe one that breaks it by most of each kind, at a rate between the two; minimum, "
        "stability and eq. 8 certified:\n\n" + _table(head, rows)
    )


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
                f"{one.stability_product:.4g}",
                f"{one.equation_8_product:.4g}",
                f"{before['dead']} to {after['dead']}",
                f"{before['merged']} to {after['merged']}",
                f"{one.distance:.4g}",
                f"{one.function_distance:.3g}",
                one.judgement,
            )
        )
    head = (
        "run", "eta", "risk", "gradient", "m eta lambda_max(E[H])", "m eta lambda_max(hess R_n)",
        "dead", "merged", "distance", "E[(s - s')^2]", "judgement",
    )  # fmt: skip
    return (
        "## Wide networks, polished\n\nFrom the end of the run to the polished network; in the "
        "run's own parameters. Linear stability needs m eta lambda_max(E[H]) <= 2, H the pointwise "
        "Hessian of the batch loss; eq. 8 asks the same of hess R_n.\n\n" + _table(head, rows)
    )


def _claims_text(summary: Summary) -> str:
    counts: dict[str, Counter[str]] = {}
    reasons: dict[tuple[str, str], Counter[str]] = {}
    recorded: dict[str, str] = {}
    for one in summary.records:
        for answer in one.answers:
            counts.setdefault(answer.claim, Counter())[answer.answer] += 1
            reasons.setdefault((answer.claim, answer.answer), Counter())[answer.why] += 1
            recorded[answer.claim] = answer.recorded
    kinds = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE")

    def why(name: str, kind: str) -> str:
        found = reasons.get((name, kind), Counter())
        # By number, then by name: the order of records decides nothing.
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return "; ".join(f"{count} {reason}" for reason, count in ordered)

    rows = [
        (
            name,
            recorded[name],
            *(counts[name][kind] for kind in kinds),
            why(name, "NOT_APPLICABLE"),
            why(name, "UNKNOWN"),
        )
        for name in sorted(counts)
    ]
    return (
        "## Every claim, over all records\n\nEvidence; verdicts are elsewhere. A FALSE of a PROVED "
        "claim fails the run. The last columns count the hypothesis that a claim is not applicable "
        "for (certified false; the first of them), or what is not decided.\n\n"
        + _table(("claim", "recorded", *kinds, "not applicable for want of", "unknown for"), rows)
    )


def _records_text(summary: Summary) -> str:
    parts = ["## Every claim at every minimum and end point\n"]
    for number, one in enumerate(summary.records, start=1):
        groups: dict[str, list[str]] = {}
        for answer in one.answers:
            room = f" ({answer.slack})" if answer.slack else ""
            kind = answer.answer + (f" ({answer.why})" if answer.why else "")
            groups.setdefault(kind, []).append(answer.claim + room)
        parts.append(
            f"\n### {number}. {one.part}: {one.sample}, m = {one.width}, {one.network}\n\n"
            f"- {one.did}\n"
            f"- eta = {one.rate} ({one.rate_over_threshold} of the threshold), batch {one.batch}; "
            f"R_n = {one.risk}, excess risk x sigma^2 = {one.relative_excess}, gradient "
            f"{one.gradient}\n"
            f"- m eta lambda_max(hess R_n) = {one.sharpness}, of which eq. 8 asks at most 2, with "
            f"equality at eta = 2/(m lambda_max) = {one.rate_of_equality}\n"
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

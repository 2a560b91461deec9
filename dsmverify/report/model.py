"""A report: what was checked, on what, and what came out."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from dsmverify.claims import ClaimOutcome, Row, Verdict
from dsmverify.report import certificates
from dsmverify.report.pictures import Pictures
from dsmverify.report.tables import Table
from dsmverify.verdicts import Expected, Mismatch, find_mismatches, tally

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""All verdicts, in the order in which reports list them."""

LONGEST_DOCUMENT = 64 * 1024
"""Characters of canonical JSON up to which a report holds an instance itself."""

_COUNTS = ("tried", "applicable", "trivial", "true", "false", "unknown", "not_applicable")


@dataclass(frozen=True)
class Input:
    """One instance that claims were checked on.

    Attributes:
        name: what its rows call it.
        size: number of points, after merging; 0 for a point of a learning curve.
        merged: how many tied points were dropped when the data were read.
        notes: what else was done to the data, one sentence each.
        generated: what made it, if it is no input of the user's: the family of networks say.
        sha256: SHA-256 of the canonical JSON of the instance; None in reports from before 1.2.
        document: the instance as an instance file; None if it is longer than `LONGEST_DOCUMENT`,
            and in reports from before 1.2.
    """

    name: str
    size: int
    merged: int = 0
    notes: tuple[str, ...] = ()
    generated: str | None = None
    sha256: str | None = None
    document: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any], **fields: Any) -> Input:
        """Input with the digest of its instance, and with the instance unless it is too long.

        Args:
            document: the instance as an instance file.
            fields: the others.
        """
        is_short = len(certificates.canonical(document)) <= LONGEST_DOCUMENT
        digest = certificates.digest(document)
        return cls(**fields, sha256=digest, document=document if is_short else None)


@dataclass(frozen=True)
class Report:
    """Outcomes of all claims, in a fixed order whatever order they were worked out in.

    Attributes:
        claims: one outcome per claim, sorted by id.
        rows: one row per claim and instance, sorted by both.
        inputs: the instances, sorted by name.
        versions: versions of what the verdicts depend on, by name.
        expected: recorded verdicts of the claims, by id.
        battery: whether the bundled battery was checked, for which the recorded verdicts hold,
            rather than a user's own data.
        tables: what else was worked out, in the order in which it is shown.
        box_proofs: proofs for all samples of one size, as documents that can be checked again.
        pictures: what pictures of the samples and of the regimes show, as numbers.
        timings: seconds by name; kept apart, since they differ from run to run.

    Raises:
        ValueError: two outcomes of one claim, a row without an outcome, counts that are not those
            of the rows, or a row with more or fewer slacks of hypotheses than its claim has.
    """

    claims: tuple[ClaimOutcome, ...]
    rows: tuple[Row, ...] = ()
    inputs: tuple[Input, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, Expected] = field(default_factory=dict)
    battery: bool = False
    tables: tuple[Table, ...] = ()
    box_proofs: tuple[Mapping[str, Any], ...] = ()
    pictures: Pictures = field(default_factory=Pictures)
    timings: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Sort everything and check that the counts are those of the rows."""
        ids = [outcome.claim.id for outcome in self.claims]
        if len(set(ids)) < len(ids):
            raise ValueError(f"claims: two outcomes of {_first_twice(ids)!r}")
        by_claim: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            by_claim[row.claim].append(row)
        if unknown := sorted(set(by_claim) - set(ids)):
            raise ValueError(f"rows: rows of {unknown[0]!r}, which has no outcome")
        for outcome in self.claims:
            _check_hypothesis_slack(outcome, by_claim[outcome.claim.id])
            counted = tally(by_claim[outcome.claim.id])
            for name in _COUNTS:
                if getattr(outcome, name) != counted[name]:
                    raise ValueError(
                        f"claims: {outcome.claim.id}: {name} = {getattr(outcome, name)}, but its "
                        f"rows say {counted[name]}"
                    )
        kept = {name: record for name, record in self.expected.items() if name in set(ids)}
        ordered = {
            "claims": tuple(sorted(self.claims, key=lambda outcome: outcome.claim.id)),
            "rows": tuple(sorted(self.rows, key=_row_order)),
            "inputs": tuple(sorted(self.inputs, key=lambda entry: entry.name)),
            "versions": dict(sorted(self.versions.items())),
            "expected": dict(sorted(kept.items())),
        }
        for name, value in ordered.items():
            object.__setattr__(self, name, value)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many claims have each verdict, zeros included."""
        counts = dict.fromkeys(VERDICTS, 0)
        for outcome in self.claims:
            counts[outcome.verdict] += 1
        return counts

    @property
    def answers(self) -> dict[str, int]:
        """How many rows have each answer, zeros included; TRUE without the trivial ones."""
        return {
            "TRUE": sum(outcome.true for outcome in self.claims),
            "FALSE": sum(outcome.false for outcome in self.claims),
            "UNKNOWN": sum(outcome.unknown for outcome in self.claims),
            "NOT_APPLICABLE": sum(outcome.not_applicable for outcome in self.claims),
            "trivial": sum(outcome.trivial for outcome in self.claims),
        }

    @property
    def merged(self) -> int:
        """How many tied points were dropped over all inputs."""
        return sum(entry.merged for entry in self.inputs)

    @cached_property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """What differs from the recorded verdicts."""
        return find_mismatches(self.claims, self.rows, self.expected, battery=self.battery)

    @property
    def other_content(self) -> str | None:
        """Name and digest of the content if the claims are another paper's; None if our own."""
        return self.versions.get("content")

    @property
    def check_command(self) -> str:
        """How the command line is called to check claims of this report again."""
        return f"dsmverify{'' if self.other_content is None else ' --content DIR'} check"

    @property
    def exit_status(self) -> int:
        """0 if everything is as recorded, 1 otherwise."""
        return 1 if self.mismatches else 0

    def rows_of(self, claim: str) -> tuple[Row, ...]:
        """Rows of one claim, sorted by instance."""
        return self._rows_by_claim.get(claim, ())

    def write(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write `report.json`, its pages, `report.md`, `junit.xml`, `badge.svg`, `timings.json`.

        Returns their paths.

        All or nothing as far as a file system allows: see `files.write_files`.

        Raises:
            OutputError: the folder or a file in it cannot be written.
        """
        from dsmverify.report import badge, files, html, json, junit, markdown

        document = json.render(self)
        digest = hashlib.sha256(document.encode("utf-8")).hexdigest()
        texts = {
            "timings.json": json.render_timings(self),
            "badge.svg": badge.render(self),
            "junit.xml": junit.render(self),
            "report.md": markdown.render(self, digest=digest),
            **html.pages(self, digest=digest),
            "report.json": document,
        }
        return files.write_files(folder, texts)

    @cached_property
    def _rows_by_claim(self) -> dict[str, tuple[Row, ...]]:
        by_claim: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            by_claim[row.claim].append(row)
        return {claim: tuple(rows) for claim, rows in by_claim.items()}


def _check_hypothesis_slack(outcome: ClaimOutcome, rows: list[Row]) -> None:
    fitting = {0, len(outcome.claim.assumptions)}
    for row in rows:
        if len(row.hypothesis_slack) not in fitting:
            raise ValueError(
                f"rows: {row.claim} at {row.instance}: {len(row.hypothesis_slack)} slacks of "
                f"hypotheses, but the claim has {max(fitting)}"
            )


def _row_order(row: Row) -> tuple[str, str, str]:
    return (row.claim, row.instance, repr((sorted(row.where.items()), row)))


def _first_twice(names: list[str]) -> str:
    return next(name for index, name in enumerate(names) if name in names[:index])

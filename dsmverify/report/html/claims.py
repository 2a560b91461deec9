"""What the page says about each claim: the row of the table, and what it opens to."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dsmverify.claims import Claim, ClaimOutcome, Row
from dsmverify.report import certificates
from dsmverify.report.html import records
from dsmverify.report.model import Report
from dsmverify.report.text import plain, show_number
from dsmverify.verdicts import decimal_value

_DERIVED = re.compile(r"symbolic derivation ([A-Za-z]\w*)")
_PLACE = re.compile(r"^(?:proof of |remark on |prose (?:on|after) )?([^,]*)")
_LONGEST_WITNESS = 4_000
_WITNESS_FILE = "w.json"
_INFINITE = Decimal("Infinity")


@dataclass(frozen=True)
class Link:
    """An id, and the element of the page that it leads to; None if the report has no such claim."""

    id: str
    target: str | None
    verdict: str = ""


@dataclass(frozen=True)
class Assumption:
    """One hypothesis of a claim, and how it stood at the instances.

    Attributes:
        least: smallest slack on record, shown short, and the instance that has it.
        certified: at how many instances a slack is on record.
        failed: at how many of them it is below 1.
    """

    statement: str
    least: str
    instance: str
    certified: int
    failed: int


@dataclass(frozen=True)
class Sides:
    """Both sides of a claim at one instance, with all digits on record."""

    what: str
    instance: str
    answer: str
    where: str
    left: str
    right: str
    slack: str
    bits: str


@dataclass(frozen=True)
class Proof:
    """A fact of a proof or a certificate, with a command if there is one."""

    name: str
    text: str
    command: str = ""


@dataclass(frozen=True)
class ClaimView:
    """A claim as the page shows it.

    Attributes:
        anchor: id of its row.
        group: what its source belongs to, for the filter: `proposition 9`.
        slack_rank: place among all claims by least slack, those without one last.
        relations: words for how other claims relate to it, with links.
        notes: further facts, by name.
        witness: the exact instance as JSON; empty if there is none or it is too long.
        witness_is: what the instance is.
        replay: commands that check it again.
        rows: how many rows it has.
    """

    id: str
    anchor: str
    verdict: str
    kind: str
    form: str
    group: str
    source: str
    statement: str
    reason: str
    counts: tuple[int, ...]
    slack: str
    slack_rank: int
    median: str
    assumptions: tuple[Assumption, ...]
    sides: tuple[Sides, ...]
    proofs: tuple[Proof, ...]
    relations: tuple[tuple[str, tuple[Link, ...]], ...]
    notes: tuple[tuple[str, str], ...]
    witness: str
    witness_is: str
    replay: tuple[str, ...]
    rows: int


def views(report: Report) -> tuple[ClaimView, ...]:
    """All claims of a report, in its order."""
    ranks = _slack_ranks(report.claims)
    relations = _Relations(report.claims)
    boxes: dict[str, list[Mapping[str, Any]]] = {}
    for proof in report.box_proofs:
        boxes.setdefault(str(proof.get("claim")), []).append(proof)
    return tuple(
        _view(report, outcome, ranks[outcome.claim.id], relations, boxes)
        for outcome in report.claims
    )


def anchor(name: str) -> str:
    """Id of the element of a claim, and its address: other characters become their numbers."""
    return "claim-" + re.sub(r"[^A-Za-z0-9.@_-]", lambda m: f"-{ord(m.group()):x}-", name)


def group(source: str) -> str:
    """What a place in the paper belongs to: `proposition 9` of `proof of proposition 9, step a`."""
    match = _PLACE.match(source)
    return (match.group(1) if match else source).strip() or source


def _view(
    report: Report,
    outcome: ClaimOutcome,
    rank: int,
    relations: _Relations,
    boxes: Mapping[str, Sequence[Mapping[str, Any]]],
) -> ClaimView:
    claim, rows = outcome.claim, report.rows_of(outcome.claim.id)
    certificate = certificates.sealed(outcome, report.versions)
    witness, witness_is = _instance(report, outcome, rows)
    source = f"{claim.source.statement}, p. {claim.source.page}, {claim.source.version}"
    counts = (outcome.applicable, outcome.true, outcome.false, outcome.unknown, outcome.trivial)
    return ClaimView(
        id=plain(claim.id),
        anchor=anchor(claim.id),
        verdict=outcome.verdict,
        kind=claim.kind,
        form=claim.form,
        group=plain(group(claim.source.statement)),
        source=plain(source),
        statement=claim.statement,
        reason=plain(outcome.reason or ""),
        counts=(*counts, outcome.not_applicable),
        slack=show_number(outcome.slack.min if outcome.slack else None, 4),
        slack_rank=rank,
        median=show_number(outcome.slack.median if outcome.slack else None, 4),
        assumptions=_assumptions(claim, rows),
        sides=tuple(_sides(rows, certificate)),
        proofs=tuple(_proofs(_program(report), outcome, certificate, boxes.get(claim.id, ()))),
        relations=tuple(relations.of(claim)),
        notes=tuple(_notes(report, outcome)),
        witness=witness,
        witness_is=witness_is,
        replay=tuple(_replay(report, claim, witness, certificate)),
        rows=len(rows),
    )


def _slack_ranks(outcomes: Iterable[ClaimOutcome]) -> dict[str, int]:
    def order(outcome: ClaimOutcome) -> tuple[Decimal, str]:
        value = decimal_value(outcome.slack.min) if outcome.slack else None
        return (_INFINITE if value is None else value, outcome.claim.id)

    ordered = sorted(outcomes, key=order)
    return {outcome.claim.id: rank for rank, outcome in enumerate(ordered)}


def _assumptions(claim: Claim, rows: Sequence[Row]) -> tuple[Assumption, ...]:
    found = []
    for index, statement in enumerate(claim.assumptions):
        slacks = [
            (value, row)
            for row in rows
            if index < len(row.hypothesis_slack)
            and (value := decimal_value(row.hypothesis_slack[index])) is not None
        ]
        least = min(slacks, key=lambda pair: pair[0], default=None)
        found.append(
            Assumption(
                statement=statement,
                least="" if least is None else show_number(least[1].hypothesis_slack[index], 4),
                instance="" if least is None else plain(least[1].instance),
                certified=len(slacks),
                failed=sum(value < 1 for value, _ in slacks),
            )
        )
    return tuple(found)


def _sides(rows: Sequence[Row], certificate: Mapping[str, Any] | None) -> Iterable[Sides]:
    """The witness on the certificate, and the row with the least slack if it is another."""
    named = certificate or {}
    shown = set()
    at = (named.get("where") or {}).items()
    for row in rows:
        same = row.instance == named.get("instance") and row.lhs is not None
        if same and all(row.where.get(name) == value for name, value in at):
            shown.add(id(row))
            yield _at("witness", row)
            break
    decided = [
        (value, row)
        for row in rows
        if row.answer in {"TRUE", "FALSE"}
        and not row.trivial
        and (value := decimal_value(row.slack)) is not None
    ]
    tightest = min(decided, key=lambda pair: pair[0], default=None)
    if tightest is not None and id(tightest[1]) not in shown:
        yield _at("least slack", tightest[1])
    elif tightest is None and not shown:
        first = next((row for row in rows if row.lhs is not None), None)
        if first is not None:
            yield _at("first instance with both sides", first)


def _at(what: str, row: Row) -> Sides:
    return Sides(
        what=what,
        instance=plain(row.instance),
        answer=records.answer(row),
        where=records.place(row),
        left=records.side(row.lhs),
        right=records.side(row.rhs),
        slack=show_number(row.slack, 4),
        bits=str(row.bits),
    )


def _proofs(
    program: str,
    outcome: ClaimOutcome,
    certificate: Mapping[str, Any] | None,
    boxes: Sequence[Mapping[str, Any]],
) -> Iterable[Proof]:
    yield Proof("method", plain(outcome.method))
    name = outcome.claim.derivation
    if name is None and (match := _DERIVED.match(outcome.method)):
        name = match.group(1)  # reports from before 1.2 name it there only
    if name is not None and outcome.verdict == "PROVED":
        yield Proof("derivation", plain(name), f"{program} derive {shlex.quote(plain(name))}")
    for box in boxes:
        text = f"{box.get('verdict')}: {box.get('boxes')} boxes, {box.get('bits')} bits"
        yield Proof("proof by boxes", plain(text))
    if certificate is not None and certificates.DIGEST in certificate:
        yield Proof("SHA-256 of the certificate", plain(str(certificate[certificates.DIGEST])))


def _notes(report: Report, outcome: ClaimOutcome) -> Iterable[tuple[str, str]]:
    claim = outcome.claim
    if outcome.severity:
        yield "severity", plain(outcome.severity)
    if claim.reading:
        which = "the printed one" if claim.literal else "a variant"
        yield "reading", f"{plain(claim.reading)}, {which}"
    if claim.change:
        yield "changed", plain(claim.change)
    if claim.remark:
        yield "convention", plain(claim.remark)
    recorded = report.expected.get(claim.id)
    if recorded is not None:
        yield "recorded verdict", f"{recorded.verdict}: {plain(recorded.reason)}"


def _instance(report: Report, outcome: ClaimOutcome, rows: Sequence[Row]) -> tuple[str, str]:
    """The exact instance to try the claim on again, as JSON, and what it is."""
    if outcome.witness is not None:
        what = "the witness" if outcome.verdict == "REFUTED" else "an instance that it speaks about"
        return _json(outcome.witness), what
    documents = {entry.name: entry.document for entry in report.inputs}
    for row in rows:
        document = documents.get(row.instance)
        if row.answer != "NOT_APPLICABLE" and document is not None:
            return _json(document), f"the instance {plain(row.instance)}"
    return "", ""


def _json(document: Mapping[str, Any]) -> str:
    text = json.dumps(dict(document), sort_keys=True, default=certificates.exact)
    return text if len(text) <= _LONGEST_WITNESS else ""


def _replay(
    report: Report, claim: Claim, witness: str, certificate: Mapping[str, Any] | None
) -> Iterable[str]:
    """Commands for a shell, to be pasted in the folder of the page."""
    name = shlex.quote(plain(claim.id))
    if witness:
        yield (
            f"cat > {_WITNESS_FILE} <<'END'\n{witness}\nEND\n"
            f"{report.check_command} {_WITNESS_FILE} --claims {name} --out replay"
        )
    if certificate is not None and report.other_content is None:
        yield f"{_program(report)} recheck report.json --claims {name}"


def _program(report: Report) -> str:
    return report.check_command.removesuffix(" check")


class _Relations:
    """Who leans on whom, repairs or sharpens whom: both ways, as links."""

    def __init__(self, outcomes: Sequence[ClaimOutcome]) -> None:
        self.verdicts = {outcome.claim.id: outcome.verdict for outcome in outcomes}
        self.claims = [outcome.claim for outcome in outcomes]
        self.readings: dict[str, list[str]] = {}
        for name in self.verdicts:
            self.readings.setdefault(name.partition("@")[0], []).append(name)
        self.leaned_on: dict[str, list[str]] = {}
        self.steps: dict[str, list[str]] = {}
        for claim in self.claims:
            for below in claim.leans_on:
                self.leaned_on.setdefault(below, []).append(claim.id)
            for served in self._meant(claim.serves):
                self.steps.setdefault(served, []).append(claim.id)

    def of(self, claim: Claim) -> Iterable[tuple[str, tuple[Link, ...]]]:
        repaired = [one.id for one in self.claims if one.repairs == claim.id]
        sharpened = [one.id for one in self.claims if one.sharpens == claim.id]
        named = {
            "step of": self._meant(claim.serves),
            "steps of its proof": self.steps.get(claim.id, ()),
            "leans on": claim.leans_on,
            "what leans on it": self.leaned_on.get(claim.id, ()),
            "repairs": self._meant(claim.repairs),
            "repaired by": repaired,
            "sharpens": self._meant(claim.sharpens),
            "sharpened by": sharpened,
            "other readings": [
                name for name in self._meant(claim.id.partition("@")[0]) if name != claim.id
            ],
        }
        for words, ids in named.items():
            if ids:
                yield words, tuple(self._link(name) for name in ids)

    def _meant(self, name: str | None) -> Sequence[str]:
        """Ids that a name stands for: itself, or all its readings."""
        if name is None:
            return ()
        return (name,) if name in self.verdicts else self.readings.get(name, (name,))

    def _link(self, name: str) -> Link:
        verdict = self.verdicts.get(name)
        return Link(plain(name), anchor(name) if verdict else None, verdict or "")

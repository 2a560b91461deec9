"""What changed between two reports, and what recorded cause each change can have.

Pure: two `Report`s in, one `Difference` out. Only what reports hold is compared: reports from
before version 1.2 hold an instance exactly only where it is the witness of a certificate. Pictures
are left out, since inputs and versions alone decide them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from dsmverify.claims import ClaimOutcome, Enclosure, Row
from dsmverify.report import certificates
from dsmverify.report.changes import (
    DIRECTIONS,
    KINDS,
    NOTHING,
    TRIVIAL,
    Change,
    Difference,
    answer_direction,
    verdict_direction,
)
from dsmverify.report.input_changes import input_cause, input_changes, mapped
from dsmverify.report.model import Report
from dsmverify.report.tables import Table
from dsmverify.report.text import show_number
from dsmverify.verdicts import decimal_value

DEFAULT_THRESHOLD = Decimal("0.01")
"""Relative change of a slack that is reported; four digits are recorded, so 0.001 is rounding."""

_ARITHMETIC = Context(prec=20, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_NAMED = 3
_ELSEWHERE = (
    "claim",
    "statement",
    "verdict",
    "severity",
    "method",
    "versions",
    certificates.DIGEST,
)
_EVIDENCE = ("answer", "bits", "instance", "lhs", "rhs", "slack", "where", "inputs")


def compare(old: Report, new: Report, *, threshold: Decimal = DEFAULT_THRESHOLD) -> Difference:
    """What changed from one report to another.

    Rows of a claim that only one of the reports has are not listed: the claim is. Work and memory
    grow in proportion to the number of rows.

    Args:
        old: the report to compare with.
        new: the report to judge.
        threshold: slacks are listed when they change by more than this part of the old one.

    Returns:
        The changes. Result: exact; the ratio of two slacks is rounded.
    """
    pairs = list(_pairs(old, new))
    inputs: dict[str, list[Change]] = defaultdict(list)
    for name, change in input_changes(old, new):
        inputs[name].append(change)
    versions = [*mapped("version", old.versions, new.versions)]
    causes = _Causes.of(old, new, inputs, versions, pairs)
    found = [
        *_verdict_changes(old, new, causes),
        *_row_changes(pairs, causes, threshold),
        *_slack_changes(old, new, causes, threshold),
        *_table_changes(old.tables, new.tables, causes),
        *_claim_changes(old, new, causes),
        *(change for changes in inputs.values() for change in changes),
        *versions,
    ]
    places = {kind: place for place, kind in enumerate(KINDS)}
    ranks = {direction: rank for rank, direction in enumerate(DIRECTIONS)}
    found.sort(key=lambda change: (places[change.kind], ranks[change.direction], change.name))
    return Difference(tuple(found))


@dataclass(frozen=True)
class _Causes:
    """What can have caused a change, in words; each by what it belongs to."""

    inputs: Mapping[str, str]
    statements: Mapping[str, str]
    proofs: Mapping[str, Sequence[str]]
    bits: Mapping[str, str]
    instances: Mapping[str, Mapping[str, None]] = field(default_factory=dict)
    versions: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        old: Report,
        new: Report,
        inputs: Mapping[str, Sequence[Change]],
        versions: Sequence[Change],
        pairs: Iterable[tuple[Row | None, Row | None]],
    ) -> _Causes:
        bits: dict[str, str] = {}
        instances: dict[str, dict[str, None]] = defaultdict(dict)  # a dict keeps the order
        for before, after in pairs:
            row = before or after
            assert row is not None
            if row.instance in inputs:
                instances[row.claim][row.instance] = None
            if before and after and _bits_changed(before, after):
                bits.setdefault(row.claim, _bits_cause(before, after))
        proofs: dict[str, list[str]] = defaultdict(list)
        for claim, text in _proof_causes(old, new):
            proofs[claim].append(text)
        return cls(
            inputs={name: input_cause(name, changes) for name, changes in inputs.items()},
            statements=dict(_statement_causes(old, new)),
            proofs=proofs,
            bits=bits,
            instances=instances,
            versions=_version_cause(versions),
        )

    def of_claim(self, claim: str) -> tuple[str, ...]:
        """Causes of a change of a claim's verdict or slack."""
        changed = [*self.instances.get(claim, ())]
        inputs = [self.inputs[name] for name in changed[:_NAMED]]
        if len(changed) > _NAMED:
            inputs.append(f"{len(changed) - _NAMED} more inputs changed")
        found = [self.statements[claim]] if claim in self.statements else []
        found += [*self.proofs.get(claim, ()), *inputs]
        found += [self.bits[claim]] if claim in self.bits else []
        return (*found, *self.versions) or (NOTHING,)

    def of_row(self, claim: str, instance: str, *precision: str) -> tuple[str, ...]:
        """Causes of a change at one instance."""
        found = [self.statements[claim]] if claim in self.statements else []
        found += [self.inputs[instance]] if instance in self.inputs else []
        return (*found, *precision, *self.versions) or (NOTHING,)

    def of_table(self) -> tuple[str, ...]:
        """Causes of a change of a table, which may draw on every claim and input."""
        found = [
            f"{len(causes)} {noun}{'s' if len(causes) > 1 else ''} changed"
            for causes, noun in ((self.statements, "statement"), (self.inputs, "input"))
            if causes
        ]
        return (*found, *self.versions) or (NOTHING,)


def _pairs(old: Report, new: Report) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of the claims that both reports have, each with the one that answers the same.

    A claim may have several rows at an instance: those with the same free variables belong
    together, and what is left in the order of the rows.
    """
    common = {outcome.claim.id for outcome in old.claims}
    common &= {outcome.claim.id for outcome in new.claims}
    before, after = _by_place(old, common), _by_place(new, common)
    for place in {**before, **after}:
        left, right = before.get(place, []), after.get(place, [])
        if len(left) == len(right) == 1:  # nearly always
            yield left[0], right[0]
            continue
        waiting: dict[tuple[tuple[str, str], ...], list[Row]] = defaultdict(list)
        for row in reversed(right):
            waiting[_where(row)].append(row)
        alone = []
        for row in left:
            same = waiting[_where(row)]
            if same:
                yield row, same.pop()
            else:
                alone.append(row)
        rest = [row for rows in waiting.values() for row in reversed(rows)]
        for index in range(max(len(alone), len(rest))):
            yield (
                alone[index] if index < len(alone) else None,
                rest[index] if index < len(rest) else None,
            )


def _by_place(report: Report, claims: set[str]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in report.rows:
        if row.claim in claims:
            found[row.claim, row.instance].append(row)
    return found


def _where(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(row.where.items()))


def _verdict_changes(old: Report, new: Report, causes: _Causes) -> Iterator[Change]:
    before = {outcome.claim.id: outcome for outcome in old.claims}
    after = {outcome.claim.id: outcome for outcome in new.claims}
    for claim in {**before, **after}:
        first, second = before.get(claim), after.get(claim)
        one, two = first.verdict if first else None, second.verdict if second else None
        if one != two:
            direction = verdict_direction(one, two)
            note = (second.reason or "") if second else "the claim is gone"
            why = causes.of_claim(claim)
            yield Change("verdict", claim, one, two, direction, why, note)


def _row_changes(
    pairs: Iterable[tuple[Row | None, Row | None]], causes: _Causes, threshold: Decimal
) -> Iterator[Change]:
    for before, after in pairs:
        row = before or after
        assert row is not None
        name = f"{row.claim} at {row.instance}"
        if before is None or after is None:
            one, two = _answer(before), _answer(after)
            why = causes.of_row(row.claim, row.instance)
            direction = answer_direction(one, two)
            yield Change("answer", name, one, two, direction, why)
        elif before != after:
            yield from _row_change(name, before, after, causes, threshold)


def _row_change(
    name: str, before: Row, after: Row, causes: _Causes, threshold: Decimal
) -> Iterator[Change]:
    precise = _bits_changed(before, after)
    precision = (_bits_cause(before, after),) if precise else ()
    why = causes.of_row(before.claim, before.instance, *precision)
    one, two = _answer(before), _answer(after)
    if one != two:
        direction = answer_direction(one, two)
        note = after.failed_hypothesis or after.reason or ""
        yield Change("answer", name, one, two, direction, why, note)
    if before.where == after.where:
        for side in ("lhs", "rhs"):
            left, right = getattr(before, side), getattr(after, side)
            if _are_disjoint(left, right):
                spelled = [f"[{ends.lower}, {ends.upper}]" for ends in (left, right)]
                yield Change("value", f"{name}: {side}", spelled[0], spelled[1], why=why)
    if before.slack is not None and after.slack is not None:
        yield from _slack_change(name, before.slack, after.slack, threshold, why)
    for place, (left, right) in enumerate(_hypothesis_slacks(before, after), start=1):
        if left is not None and right is not None:
            label = f"{name}: hypothesis {place}"
            yield from _slack_change(label, left, right, threshold, why)
    if precise:
        why = causes.of_row(before.claim, before.instance)
        yield Change("precision", name, str(before.bits), str(after.bits), why=why)


def _hypothesis_slacks(old: Row, new: Row) -> Iterable[tuple[str | None, str | None]]:
    """Slacks of the hypotheses, in pairs, where both rows have as many."""
    if len(old.hypothesis_slack) != len(new.hypothesis_slack):
        return ()
    return zip(old.hypothesis_slack, new.hypothesis_slack, strict=True)


def _answer(row: Row | None) -> str | None:
    if row is None:
        return None
    return TRIVIAL if row.answer == "TRUE" and row.trivial else row.answer


def _are_disjoint(old: Enclosure | None, new: Enclosure | None) -> bool:
    """Whether two enclosures cannot hold one value."""
    if old is None or new is None or old == new:
        return False
    ends = [decimal_value(end) for end in (old.upper, new.lower, new.upper, old.lower)]
    first, second, third, fourth = ends
    if first is None or second is None or third is None or fourth is None:
        return False
    return first < second or third < fourth


def _bits_changed(old: Row, new: Row) -> bool:
    """Whether both rows record a precision, and not the same."""
    return old.bits != new.bits and bool(old.bits and new.bits)


def _bits_cause(old: Row, new: Row) -> str:
    return f"the precision changed ({old.bits} to {new.bits} bits)"


def _slack_changes(
    old: Report, new: Report, causes: _Causes, threshold: Decimal
) -> Iterator[Change]:
    before = {outcome.claim.id: outcome for outcome in old.claims}
    for outcome in new.claims:
        claim = outcome.claim.id
        if claim not in before:
            continue
        for name in ("min", "median"):
            one, two = (
                None if slack is None else getattr(slack, name)
                for slack in (before[claim].slack, outcome.slack)
            )
            label = f"{claim} ({'least' if name == 'min' else name})"
            yield from _slack_change(label, one, two, threshold, causes.of_claim(claim))


def _slack_change(
    name: str, old: str | None, new: str | None, threshold: Decimal, why: tuple[str, ...]
) -> Iterator[Change]:
    if old == new:
        return
    before, after = decimal_value(old), decimal_value(new)
    if before is None or after is None:
        yield Change("slack", name, old, new, why=why)
        return
    moved = _ARITHMETIC.abs(_ARITHMETIC.subtract(after, before))
    if moved > _ARITHMETIC.multiply(threshold, _ARITHMETIC.abs(before)):
        ratio = _ARITHMETIC.divide(after, before) if before else None
        note = "" if ratio is None else f"ratio {show_number(str(ratio), 4)}"
        yield Change("slack", name, old, new, why=why, note=note)


def _table_changes(old: Iterable[Table], new: Iterable[Table], causes: _Causes) -> Iterator[Change]:
    before, after = ({table.name: table for table in tables} for tables in (old, new))
    why = causes.of_table()
    for name in {**before, **after}:
        one, two = before.get(name), after.get(name)
        if one is None or two is None or one.columns != two.columns:
            heads = [None if table is None else ", ".join(table.columns) for table in (one, two)]
            label = name if one is None or two is None else f"{name}, columns"
            yield Change("table", label, heads[0], heads[1], why=why)
            continue
        for label in ("title", "note"):
            left, right = getattr(one, label), getattr(two, label)
            if left != right:
                yield Change("table", f"{name}, {label}", left, right, why=why)
        for place, left, right in _differing_cells(one, two):
            yield Change("table", f"{name}, {place}", left, right, why=why)


def _differing_cells(old: Table, new: Table) -> Iterator[tuple[str, str | None, str | None]]:
    """Cells that differ, each with its row's key and its column; rows that only one table has.

    The key is as few of the first cells as tell the rows of each table apart.
    """
    columns = old.columns
    width = next(
        (
            count
            for count in range(1, len(columns))
            if all(len({row[:count] for row in t.rows}) == len(t.rows) for t in (old, new))
        ),
        len(columns),
    )
    before, after = _keyed(old, width), _keyed(new, width)
    for key in {**before, **after}:
        one, two = before.get(key), after.get(key)
        label = " / ".join(cell for cell in key[0] if cell)
        if one is None or two is None:
            yield label, _line(one), _line(two)
            continue
        for name, left, right in zip(columns, one, two, strict=True):
            if left != right:
                yield f"{label}: {name}", left, right


def _line(row: Sequence[str] | None) -> str | None:
    return None if row is None else " | ".join(row)


def _keyed(table: Table, width: int) -> dict[tuple[tuple[str, ...], int], tuple[str, ...]]:
    """Rows by their first cells and by how many rows before have the same."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = {}
    for row in table.rows:
        found[row[:width], seen[row[:width]]] = row
        seen[row[:width]] += 1
    return found


def _claim_changes(old: Report, new: Report, causes: _Causes) -> Iterator[Change]:
    """What a report says of a claim beside its verdict: its words, its proof, the record.

    Method, severity and certificate follow a verdict that changed, and are left out there.
    """
    before = {outcome.claim.id: outcome for outcome in old.claims}
    labels = _comparable(_SAID, old, new)
    why_words = causes.versions or (NOTHING,)
    for outcome in new.claims:
        claim = outcome.claim.id
        earlier = before.get(claim)
        if earlier is None:
            continue
        for label in labels:
            spell = _SAID[label]
            one, two = spell(earlier), spell(outcome)
            same = label in _WORDS or earlier.verdict == outcome.verdict
            if same and one != two:
                why = why_words if label in _WORDS else causes.of_claim(claim)
                yield Change("claim", f"{claim}: {label}", one, two, why=why)
        one, two = _recorded(old, claim), _recorded(new, claim)
        if one != two:
            yield Change("claim", f"{claim}: recorded verdict", one, two, why=why_words)
    for (claim, size), one, two in _box_proof_changes(old, new):
        yield Change("claim", f"{claim}: proof by boxes, n = {size}", one, two, why=why_words)


def _recorded(report: Report, claim: str) -> str | None:
    record = report.expected.get(claim)
    return None if record is None else record.verdict


def _held_at(outcome: ClaimOutcome) -> str | None:
    """How many instances a claim that HOLDS was found to hold at."""
    return str(outcome.true) if outcome.verdict == "HOLDS" else None


def _certificate(outcome: ClaimOutcome, left_out: Sequence[str] = ()) -> str | None:
    """Digest of what a certificate says beyond the claim, its verdict and the versions."""
    document = certificates.sealed(outcome, {})
    if document is None:
        return None
    hidden = {*_ELSEWHERE, *left_out}
    return certificates.digest({name: document[name] for name in document if name not in hidden})


_WORDS = ("statement", "hypotheses", "convention")
_SAID: Mapping[str, Callable[[ClaimOutcome], str | None]] = {
    "statement": lambda outcome: outcome.claim.statement,
    "hypotheses": lambda outcome: "; ".join(outcome.claim.assumptions) or None,
    "convention": lambda outcome: outcome.claim.remark or None,
    "method": lambda outcome: outcome.method,
    "severity": lambda outcome: outcome.severity,
    "holds at": _held_at,
    "certificate": _certificate,
}


def _comparable(labels: Iterable[str], old: Report, new: Report) -> list[str]:
    """What both reports say of their claims; one from before 1.2 says no hypotheses."""
    known = all(any(outcome.claim.assumptions for outcome in r.claims) for r in (old, new))
    return [label for label in labels if known or label != "hypotheses"]


def _statement_causes(old: Report, new: Report) -> Iterator[tuple[str, str]]:
    before = {outcome.claim.id: outcome for outcome in old.claims}
    words = _comparable(_WORDS, old, new)
    for outcome in new.claims:
        other = before.get(outcome.claim.id)
        if other is not None:
            changed = [word for word in words if _SAID[word](other) != _SAID[word](outcome)]
            if changed:
                yield outcome.claim.id, f"its {' and its '.join(changed)} changed"


def _proof_causes(old: Report, new: Report) -> Iterator[tuple[str, str]]:
    """Claims whose proof changed: a proof by boxes, or what both certificates say of a proof.

    That a certificate is there in one report only follows from the verdict and explains nothing.
    """
    for (claim, size), _, _ in _box_proof_changes(old, new):
        yield claim, f"its proof by boxes changed (n = {size})"
    before = {outcome.claim.id: outcome for outcome in old.claims}
    for outcome in new.claims:
        other = before.get(outcome.claim.id)
        one = None if other is None else _certificate(other, _EVIDENCE)
        two = _certificate(outcome, _EVIDENCE)
        if one is not None and two is not None and one != two:
            yield outcome.claim.id, "the proof in its certificate changed"


def _box_proof_changes(
    old: Report, new: Report
) -> Iterator[tuple[tuple[str, str], str | None, str | None]]:
    """Digests of the proofs by boxes that differ, by claim and size."""
    before, after = (
        {
            (str(proof.get("claim")), str(proof.get("n"))): certificates.digest(proof)
            for proof in report.box_proofs
        }
        for report in (old, new)
    )
    for place in {**before, **after}:
        if before.get(place) != after.get(place):
            yield place, before.get(place), after.get(place)


def _version_cause(changes: Sequence[Change]) -> tuple[str, ...]:
    if not changes:
        return ()
    first = sorted(changes, key=lambda change: (change.name != "dsmverify", change.name))
    spelled = [f"{one.name} {one.old or 'none'} to {one.new or 'none'}" for one in first[:_NAMED]]
    more = f" and {len(first) - _NAMED} more" if len(first) > _NAMED else ""
    return (f"versions changed ({', '.join(spelled)}{more})",)

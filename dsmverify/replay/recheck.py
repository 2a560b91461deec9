"""Recompute every certificate of a report from the report alone, along the second path.

Everything is worked out twice, at twice the certificate's precision and once more with a higher
precision and a finer quadrature; their difference is the stated quadrature error. A value fails if
it lies outside its recorded enclosure by more than the larger of that error and the enclosure's
width. A certificate that is missing, changed, or of a claim without second path fails too: nothing
is passed over in silence. The claims of another paper's content have no second path, whatever their
ids are: of those certificates only the seal is looked at, and none of them passes.

A certificate may need more evaluations than the budget has, at many points and little noise. Then
it is said that it was not rechecked, and it does not pass either.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from mpmath import MPContext

from dsmverify.replay.boxes import covers_in, proof_faults
from dsmverify.replay.budget import Budget, BudgetError
from dsmverify.replay.families import ENTRIES
from dsmverify.replay.registry import Part

CERTIFIED = ("PROVED", "REFUTED")
MAJOR = "1"
"""First number of the versions of `report.json` whose certificates are read here."""

UNSEALED = "1.0"
"""Version whose certificates have no digest and another form."""

LEAST_BITS = 96
"""Precision assumed of a certificate that states none (no enclosures, so nothing was rounded)."""

AGREEMENT = 30
"""Bits to which two quadratures must agree unless the enclosure is wider than that."""

DIGITS = 20
"""Digits of recomputed values in results."""

OTHER = "content"
"""What the versions of a report name if its claims are another paper's."""

BUDGET = 3_000_000
"""Exponentials that one certificate, or one place in a box, may take; minutes of a computer."""

NO_SECOND_PATH = "no second path for this claim; only its seal was looked at"

NOT_COMPLETED = 3
"""Exit status where nothing is wrong, but something could not be recomputed."""

_OF_ROW = ("instance", "answer", "where", "lhs", "rhs", "slack", "bits")
_SAME = ("statement", "verdict", "severity", "method")


@dataclass(frozen=True)
class Finding:
    """What came out of one certificate.

    Attributes:
        claim: id.
        verdict: recorded verdict.
        faults: what is wrong, one sentence each; empty if the certificate stands.
        left: recomputed left side, decimal; None if it was not reached.
        right: recomputed right side.
        error: difference of the two quadratures, the larger of both sides.
        left_out: why it was not recomputed; None if it was.
    """

    claim: str
    verdict: str
    faults: tuple[str, ...] = ()
    left: str | None = None
    right: str | None = None
    error: str | None = None
    left_out: str | None = None

    @property
    def recomputed(self) -> bool:
        """Whether the second path went through; without it nothing was recomputed."""
        return self.left_out is None

    @property
    def passed(self) -> bool:
        """Whether it was recomputed and nothing is wrong."""
        return self.recomputed and not self.faults


@dataclass(frozen=True)
class RecheckResult:
    """What came out of a whole report.

    Attributes:
        report: the file.
        findings: one per PROVED or REFUTED claim, in the order of the report.
        faults: what is wrong with the report as a whole.
    """

    report: str
    findings: tuple[Finding, ...]
    faults: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that is wrong, one line each."""
        lines = [f"{self.report}: {fault}" for fault in self.faults]
        for finding in self.findings:
            lines += [f"{finding.claim}: {fault}" for fault in finding.faults]
        return tuple(lines)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was not recomputed, one line each."""
        return tuple(
            f"{finding.claim}: {finding.left_out}"
            for finding in self.findings
            if finding.left_out is not None
        )

    @property
    def passed(self) -> bool:
        """Whether every certificate was recomputed and stands."""
        return not self.failures and not self.left_out

    @property
    def exit_status(self) -> int:
        """0 if every certificate stands, 1 if something is wrong, 3 if some were not recomputed."""
        if self.failures:
            return 1
        return NOT_COMPLETED if self.left_out else 0

    def summary(self) -> str:
        """One line: how many certificates stand and how many do not."""
        good = sum(finding.passed for finding in self.findings)
        count = len(self.findings)
        state = "every certificate stands" if self.passed else f"{len(self.failures)} faults"
        without = sum(finding.left_out == NO_SECOND_PATH for finding in self.findings)
        if without:
            state += f", {without} have no second path"
        if len(self.left_out) > without:
            state += f", {len(self.left_out) - without} not rechecked"
        return f"{good} of {count} certificates recomputed along the second path: {state}"


def recheck(
    path: str | os.PathLike[str],
    claims: Sequence[str] | None = None,
    *,
    jobs: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> RecheckResult:
    """Recompute the certificates of a `report.json`, and its proofs by boxes.

    Args:
        path: the file, or the folder that holds it.
        claims: only these ids; None means all. The report as a whole is looked at either way.
        jobs: worker processes; the result is the same for any number.
        progress: called with how many certificates are done, how many there are, and the next.
    """
    file = Path(path)
    file = file / "report.json" if file.is_dir() else file
    try:
        document = json.loads(file.read_text("utf-8"))
        if (fault := version_fault(document)) is not None:
            return RecheckResult(str(path), (), (fault,))
        faults = _report_faults(document)
        chosen = [
            entry
            for entry in document["claims"]
            if (entry["verdict"] in CERTIFIED or (entry.get("certificate") or {}).get("sha256"))
            and (claims is None or entry["id"] in claims)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return RecheckResult(str(path), (), (f"no report: {type(error).__name__}: {error}",))
    if claims is not None:
        known = {entry["id"] for entry in chosen}
        faults += [f"no certificate of {name}" for name in claims if name not in known]
    tasks: list[Task] = [(_recheck_entry, (entry, _about(entry, document))) for entry in chosen]
    tasks += [
        (_recheck_boxes, (proof, is_of_another(document)))
        for proof in document.get("box_proofs", ())
        if claims is None or proof.get("claim") in claims
    ]
    return RecheckResult(str(path), tuple(_all(tasks, jobs, progress)), tuple(faults))


Task = tuple[Callable[..., Finding], tuple[Any, ...]]


def _all(
    tasks: Sequence[Task], jobs: int, progress: Callable[[int, int, str], None] | None
) -> Iterator[Finding]:
    """Findings of all tasks, in their order."""

    def tell(done: int) -> None:
        if progress is not None and done < len(tasks):
            about = tasks[done][1][0]
            progress(done, len(tasks), str(about.get("id", about.get("claim"))))

    if jobs <= 1:
        for done, (function, arguments) in enumerate(tasks):
            tell(done)
            yield function(*arguments)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(function, *arguments) for function, arguments in tasks]
        for done, future in enumerate(waiting):
            tell(done)
            yield future.result()


def _about(entry: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """What a certificate must agree with: the versions, and the rows of its claim."""
    rows = [row for row in document["instances"] if row["claim"] == entry["id"]]
    return {"versions": document["versions"], "instances": rows}


def _recheck_entry(entry: Mapping[str, Any], about: Mapping[str, Any]) -> Finding:
    return recheck_claim(entry, about)


def _recheck_boxes(proof: Mapping[str, Any], of_another: bool) -> Finding:
    """Recheck one proof for all samples of one size, unless it is of another content's claim."""
    claim = str(proof.get("claim"))
    name = f"{claim} for n = {proof.get('n')}"
    faults = []
    rest = {key: value for key, value in proof.items() if key != "sha256"}
    if proof.get("sha256") != _digest(rest):
        faults.append("the SHA-256 is not that of the proof")
    if of_another:
        return Finding(name, str(proof.get("verdict")), tuple(faults), left_out=NO_SECOND_PATH)
    side = _normal_side(claim) if claim in ENTRIES else None
    try:
        faults += proof_faults(proof, side)
    except BudgetError as error:
        return Finding(name, str(proof.get("verdict")), tuple(faults), left_out=str(error))
    except Exception as error:
        faults.append(f"the second path failed: {type(error).__name__}: {error}")
    return Finding(name, str(proof.get("verdict")), tuple(faults))


def recheck_claim(entry: Mapping[str, Any], document: Mapping[str, Any]) -> Finding:
    """Recompute the certificate of one claim.

    Args:
        entry: the claim as `report.json` has it.
        document: the report, whose versions and rows the certificate must agree with.
    """
    claim, verdict, certificate = entry["id"], entry["verdict"], entry.get("certificate")
    if not certificate:
        return Finding(claim, verdict, ("it has no certificate",))
    if verdict not in CERTIFIED:
        return Finding(claim, verdict, (f"a sealed certificate, but the verdict is {verdict}",))
    faults = _seal_faults(entry, certificate, document)
    if is_of_another(document):
        return Finding(claim, verdict, tuple(faults), left_out=NO_SECOND_PATH)
    if claim not in ENTRIES:
        return Finding(claim, verdict, (*faults, "its id has no second path in dsmverify.replay"))
    if certificate.get("inputs") is None:
        return Finding(claim, verdict, (*faults, "the certificate has no exact inputs"))
    try:
        return _recomputed(claim, verdict, certificate, faults)
    except BudgetError as error:
        return Finding(claim, verdict, tuple(faults), left_out=str(error))
    except Exception as error:
        text = f"the second path failed: {type(error).__name__}: {error}"
        return Finding(claim, verdict, (*faults, text))


@dataclass(frozen=True)
class Value:
    """A side recomputed twice: the finer value and the difference."""

    value: Any
    error: Any


def evaluate(
    claim: str, inputs: Mapping[str, Any], where: Mapping[str, str], bits: int
) -> tuple[list[tuple[Value, str, Value]], list[tuple[str, Value, str, Value]]]:
    """Parts of a claim's conclusion and its hypotheses, by the second path.

    Args:
        claim: id.
        inputs: the instance, exact.
        where: free variables, exact.
        bits: precision of the first path; the second works at twice that and more.

    Raises:
        BudgetError: it takes more than `BUDGET` exponentials.
    """
    entry, left = ENTRIES[claim], Budget(BUDGET)
    spare = _spare_bits(inputs, where)
    runs = []
    for order, prec in ((0, 2 * bits + spare), (1, 2 * bits + spare + 64)):
        mp = MPContext()
        mp.prec, mp.exp = prec, left.counted(mp.exp)
        setting = entry.setting(mp, inputs, where, order)
        parts: list[Part] = entry.sides(setting)
        given = [hypothesis(setting) for hypothesis in entry.given]
        runs.append(([(mp.mpf(l), r, mp.mpf(u)) for l, r, u in parts], given))
    (rough, rough_given), (fine, fine_given) = runs
    mp = MPContext()
    mp.prec = 2 * bits + spare + 64
    found = [
        (_value(mp, a[0], b[0]), b[1], _value(mp, a[2], b[2]))
        for a, b in zip(rough, fine, strict=True)
    ]
    premises = [
        (b[0], _value(mp, a[1], b[1]), b[2], _value(mp, a[3], b[3]))
        for a, b in zip(rough_given, fine_given, strict=True)
    ]
    return found, premises


def _value(mp: Any, rough: Any, fine: Any) -> Value:
    fine = mp.mpf(fine)
    return Value(fine, abs(fine - mp.mpf(rough)))


def _spare_bits(inputs: Mapping[str, Any], where: Mapping[str, str]) -> int:
    """Bits that cancel at most where points lie far out or the noise is small."""
    if "x" not in inputs:  # a point of a learning curve, whose numbers are of moderate size
        return 0
    numbers = [Fraction(text) for text in inputs["x"]]
    if "y" in where:
        numbers.append(Fraction(where["y"]))
    network = inputs.get("network") or {}
    for w, b in zip(network.get("inner_weights", ()), network.get("biases", ()), strict=False):
        numbers.append(Fraction(b) / Fraction(w))
    sigma = Fraction(inputs.get("sigma", inputs.get("time", "1")))
    largest: Fraction = max(abs(number) for number in numbers) / min(sigma, Fraction(1))
    return 4 * (int(largest) + 1).bit_length()


def _recomputed(
    claim: str, verdict: str, certificate: Mapping[str, Any], faults: list[str]
) -> Finding:
    faults = list(faults)
    where = dict(certificate.get("where") or {})
    bits = certificate.get("bits") or LEAST_BITS
    parts, premises = evaluate(claim, certificate["inputs"], where, bits)
    faults += _premise_faults(premises)
    lhs, rhs = certificate.get("lhs"), certificate.get("rhs")
    if "part" in where:
        parts = [parts[int(where["part"]) - 1]]
    if lhs is None or rhs is None:
        matching = parts
        if verdict == "REFUTED":
            faults.append("a counterexample without enclosures of both sides")
    else:
        matching = [part for part in parts if not _side_faults(part, lhs, rhs)]
        if not matching:
            faults += _side_faults(parts[0], lhs, rhs)
    if verdict == "REFUTED" and matching and not any(_fails(part) for part in matching):
        faults.append("refuted, but the second path finds no part that fails")
    if verdict == "PROVED":
        faults += [f"proved, but fails: {_spelled(part)}" for part in parts if _fails(part)]
    if matching:
        faults += _slack_faults(certificate.get("slack"), matching)
    for proof in covers_in(certificate.get("proof")):
        side = _normal_side(proof["claim"]) if proof.get("claim") in ENTRIES else None
        faults += [f"boxes: {fault}" for fault in proof_faults(proof, side)]
    shown = (matching or parts)[0]
    return Finding(
        claim,
        verdict,
        tuple(faults),
        _decimal(shown[0].value),
        _decimal(shown[2].value),
        _decimal(max(shown[0].error, shown[2].error), 3),
    )


def _normal_side(claim: str) -> Any:
    def side(instance: Mapping[str, Any], where: Mapping[str, str]) -> tuple[Any, Any, Any]:
        free = {name: text for name, text in where.items() if name == "i"}
        points = [Fraction(text) for text in instance["x"]]
        place = int(where.get("i", "1")) - 1
        gap = min(high - low for low, high in pairwise(points))
        if "t" in where:  # y runs over |y - mu x_i| <= mu Delta/4
            free["y"] = str(points[place] + (Fraction(where["t"]) / 2 - Fraction(1, 4)) * gap)
        if "place" in where:
            free["y"] = str(points[place + int(where["place"])])
        parts, _ = evaluate(claim, instance, free, LEAST_BITS // 2)
        left, _, right = parts[0]
        return left.value, right.value, max(left.error, right.error)

    return side


def _premise_faults(premises: Sequence[tuple[str, Value, str, Value]]) -> list[str]:
    faults = []
    for statement, left, relation, right in premises:
        if _violated(left, relation, right, strict_equality=False):
            values = f"{_decimal(left.value)} and {_decimal(right.value)}"
            faults.append(f"a hypothesis fails: {statement}: {values}")
    return faults


def _side_faults(
    part: tuple[Value, str, Value], lhs: Mapping[str, str], rhs: Mapping[str, str]
) -> list[str]:
    faults = []
    for name, side, enclosure in (("left", part[0], lhs), ("right", part[2], rhs)):
        lower, upper = (_number(side, enclosure[end]) for end in ("lower", "upper"))
        width = upper - lower
        scale = max(abs(side.value), abs(lower), abs(upper))
        if width < 0:
            faults.append(f"the enclosure of the {name} side is empty")
        if side.error > max(width, scale / 2**AGREEMENT, side.value.context.mpf(2) ** -LEAST_BITS):
            faults.append(
                f"the quadrature of the {name} side has not converged: two orders differ by "
                f"{_decimal(side.error, 3)}"
            )
        tolerance = max(side.error, width)
        if not lower - tolerance <= side.value <= upper + tolerance:
            faults.append(
                f"{name} side {_decimal(side.value)} outside [{enclosure['lower']}, "
                f"{enclosure['upper']}] by more than {_decimal(tolerance, 3)}"
            )
    return faults


def _fails(part: tuple[Value, str, Value]) -> bool:
    """Whether a part fails by more than its tolerance."""
    return _violated(*part, strict_equality=True)


def _violated(left: Value, relation: str, right: Value, *, strict_equality: bool) -> bool:
    gap = left.value - right.value
    scale = max(abs(left.value), abs(right.value))
    room = left.error + right.error
    if relation == "=":
        return bool(abs(gap) > room + scale / 2**AGREEMENT)
    if relation in {">=", ">"}:
        gap = -gap
    if strict_equality and relation in {"<", ">"} and gap == 0 and room == 0:
        return True
    return bool(gap > room + scale / 2**80)


def _slack_faults(slack: str | None, parts: Sequence[tuple[Value, str, Value]]) -> list[str]:
    if slack is None:
        return []
    for left, relation, right in parts:
        large, small = (left, right) if relation in {">=", ">"} else (right, left)
        if large.value > 0 and small.value > 0:
            ratio = large.value / small.value
            error = large.error / small.value + small.error * ratio / small.value
            recorded = _number(large, slack)
            if abs(ratio - recorded) <= abs(ratio) / 500 + error:
                return []
    return [f"slack {slack} is not the ratio of the two sides"]


def _seal_faults(
    entry: Mapping[str, Any], certificate: Mapping[str, Any], document: Mapping[str, Any]
) -> list[str]:
    faults = []
    if certificate.get("sha256") != _digest(certificate):
        faults.append("its sha256 is not that of its content")
    if certificate.get("claim") != entry["id"]:
        faults.append(f"the certificate is of {certificate.get('claim')!r}")
    for name in _SAME:
        if certificate.get(name) != entry.get(name):
            faults.append(f"certificate and claim differ in {name}")
    if certificate.get("inputs") != entry.get("witness"):
        faults.append("the certificate's inputs are not the witness")
    if certificate.get("versions") != document.get("versions"):
        faults.append("certificate and report differ in versions")
    wanted = {name: certificate.get(name) for name in _OF_ROW} | {"claim": entry["id"]}
    rows = document.get("instances", ())
    if not any(all(row.get(name) == value for name, value in wanted.items()) for row in rows):
        faults.append("no row of the report is the certificate's witness")
    if not isinstance(certificate.get("proof"), dict | None):
        faults.append("its proof is no object")
    answer = certificate.get("answer")
    if entry["verdict"] == "REFUTED" and answer != "FALSE":
        faults.append(f"refuted by an instance with answer {answer}")
    if entry["verdict"] == "PROVED" and answer not in {"TRUE", "UNKNOWN"}:
        faults.append(f"proved with a witness of answer {answer}")
    return faults


def is_of_another(document: Mapping[str, Any]) -> bool:
    """Whether the claims of a report are another paper's."""
    versions = document.get("versions")
    return isinstance(versions, Mapping) and OTHER in versions


def version_fault(document: Mapping[str, Any]) -> str | None:
    """Why the certificates of a report of this form cannot be read here; None if they can."""
    version = document.get("schema_version")
    if not isinstance(version, str) or not version.startswith(f"{MAJOR}."):
        return f"its schema_version is {version!r}, but certificates are read from {MAJOR}.1 on"
    if version == UNSEALED:
        return "its schema_version is '1.0', without digests; `dsmverify upgrade` adds them"
    return None


def _report_faults(document: Mapping[str, Any]) -> list[str]:
    faults = []
    if document.get("sha256") != _digest(document):
        faults.append("its sha256 is not that of its content")
    rows: dict[str, Counter[str]] = {}
    for row in document["instances"]:
        rows.setdefault(row["claim"], Counter())[row["answer"]] += 1
    for entry in document["claims"]:
        found = rows.get(entry["id"], Counter())
        if (entry["verdict"] == "REFUTED") != (found["FALSE"] > 0):
            faults.append(
                f"{entry['id']} is {entry['verdict']}, but {found['FALSE']} of its instances fail"
            )
    return faults


def _digest(document: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in document.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _number(like: Value, text: str) -> Any:
    exact = Fraction(text)
    context = like.value.context
    return context.mpf(exact.numerator) / exact.denominator


def _decimal(value: Any, digits: int = DIGITS) -> str:
    return str(value.context.nstr(value, digits))


def _spelled(part: tuple[Value, str, Value]) -> str:
    return f"{_decimal(part[0].value)} {part[1]} {_decimal(part[2].value)}"

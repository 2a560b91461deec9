"""`report.json`: the report for programs, and its reader.

The document has no times and a fixed order, so two runs on the same inputs give the same bytes.
Its form is `schema.json`, JSON Schema 2020-12. The first number of `schema_version` changes when a
reader of the old form would misread the new one, the second when a key is added. Older forms are
read through `upgrade`; docs/report-format.md describes every key.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from dsmverify.claims import (
    Claim,
    ClaimOutcome,
    Enclosure,
    Hypothesis,
    Identity,
    Row,
    Slack,
    Source,
)
from dsmverify.errors import InputError, show
from dsmverify.report import certificates
from dsmverify.report.model import VERDICTS, Input, Report
from dsmverify.report.pictures import Pictures
from dsmverify.report.tables import Table
from dsmverify.report.upgrade import SCHEMA_VERSION, is_readable, upgraded
from dsmverify.verdicts import Expected

_NO_DIGEST = "1.0"
"""Version whose reports have no digest."""

_OUTCOME_COUNTS = (
    "tried",
    "applicable",
    "trivial",
    "true",
    "false",
    "unknown",
    "not_applicable",
)


@functools.cache
def _schema_text() -> str:
    return importlib.resources.files(__package__).joinpath("schema.json").read_text("utf-8")


def schema() -> dict[str, Any]:
    """The JSON Schema of `report.json`."""
    document: dict[str, Any] = json.loads(_schema_text())
    return document


def as_document(report: Report) -> dict[str, Any]:
    """The report as the object that `report.json` holds."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "versions": dict(report.versions),
        "battery": report.battery,
        "inputs": [_input(entry) for entry in report.inputs],
        "expected": {
            name: {"verdict": record.verdict, "reason": record.reason}
            for name, record in report.expected.items()
        },
        "mismatches": [
            {
                "claim": mismatch.claim,
                "expected": mismatch.expected,
                "found": mismatch.found,
                "reason": mismatch.reason,
            }
            for mismatch in report.mismatches
        ],
        "conventions": {
            outcome.claim.id: outcome.claim.remark
            for outcome in report.claims
            if outcome.claim.remark
        },
        "variant_readings": [
            outcome.claim.id for outcome in report.claims if not outcome.claim.literal
        ],
        "claims": [_claim(outcome, report.versions) for outcome in report.claims],
        "instances": [_row(row) for row in report.rows],
        "tables": [asdict(table) for table in report.tables],
        "box_proofs": [certificates.sealed_proof(proof) for proof in report.box_proofs],
        "pictures": report.pictures.as_document(),
    }
    return {**document, certificates.DIGEST: certificates.digest(document)}


def render(report: Report) -> str:
    """Text of `report.json`: ASCII, sorted keys, one line for each row, a newline at the end."""
    document = as_document(report)
    return (
        "{\n"
        + ",\n".join(f' "{key}": {_part(key, document[key])}' for key in sorted(document))
        + "\n}\n"
    )


def render_timings(report: Report) -> str:
    """Text of `timings.json`: seconds by name."""
    return _text({name: round(value, 6) for name, value in report.timings.items()})


def from_json(source: str | bytes | Mapping[str, Any], *, file: str | None = None) -> Report:
    """Report from the text of a `report.json`, or from the object in it.

    The formulas of the claims are not in the file: such a report can be shown, compared and
    written again (to the same bytes, if it is of the newest form), but its claims cannot be
    evaluated. Take them from `dsmverify.catalogue` for that. A report of an older form is upgraded.

    Args:
        source: text, or the mapping that it stands for.
        file: file that the text came from, used in messages.

    Raises:
        InputError: no report, one of a newer form, or one whose parts do not fit together.
    """
    return _assembled(_document(source, file), file)


def read(path: str | os.PathLike[str], *, argument: str = "REPORT") -> Report:
    """Report from a file, `report.json` or the folder that holds it, if nobody changed it.

    Args:
        path: the file or the folder.
        argument: what the path was given as, for the message.

    Raises:
        InputError: it cannot be read, or it is empty, cut off, of a newer form, or not what its
            SHA-256 is of.
    """
    file = locate(path, argument=argument)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unreadable(path, error, argument) from error
    if not content.strip():
        rule, way_out = "the file is empty", "write the report again"
        raise InputError("report", "", rule, way_out, str(file))
    document = _document(content, str(file))
    del content
    _check_digest(document, str(file))
    return _assembled(document, str(file))


def locate(path: str | os.PathLike[str], *, argument: str = "REPORT") -> Path:
    """File of a report: the path itself, or `report.json` in the folder that it names.

    Args:
        path: the file or the folder.
        argument: what the path was given as, for the message.

    Raises:
        InputError: there is none that can be opened.
    """
    file = Path(path)
    try:
        file = file / "report.json" if file.is_dir() else file
        with file.open("rb"):
            return file
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise _unreadable(path, error, argument) from error


def _unreadable(
    path: str | os.PathLike[str], error: OSError | ValueError, argument: str
) -> InputError:
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, FileNotFoundError) and Path(path).is_dir():
        reason = "the folder has no report.json"
    way_out = "name a report.json that `dsmverify check` wrote, or its folder"
    return InputError(argument, show(str(path)), f"it cannot be read ({reason})", way_out)


def _document(source: str | bytes | Mapping[str, Any], file: str | None) -> Mapping[str, Any]:
    """The object in a report, of a form that this package reads."""
    if isinstance(source, str | bytes):
        try:
            document = json.loads(source)
        except (ValueError, RecursionError) as error:  # also text that is not UTF-8
            way_out = "write the report again; this one is cut off or was changed"
            raise InputError("report", "", f"it is not JSON ({error})", way_out, file) from error
    else:
        document = source
    if not isinstance(document, Mapping) or "schema_version" not in document:
        rule = "it must be an object with a schema_version"
        raise InputError(
            "report", show(document), rule, "name a report.json that `dsmverify check` wrote", file
        )
    version = document["schema_version"]
    if not is_readable(version):
        raise InputError(
            "schema_version",
            show(version),
            f"this version of dsmverify reads up to {SCHEMA_VERSION}",
            "read it with the version of dsmverify that wrote it",
            file,
        )
    return document


def _check_digest(document: Mapping[str, Any], file: str) -> None:
    """Refuse a document, as it is stored, that is not what its digest is of."""
    if document["schema_version"] == _NO_DIGEST and certificates.DIGEST not in document:
        return
    try:
        found = certificates.digest(document)
    except (TypeError, ValueError, RecursionError):  # `NaN`, which JSON has not
        found = None
    if found is None or found != document.get(certificates.DIGEST):
        raise InputError(
            certificates.DIGEST,
            show(document.get(certificates.DIGEST)),
            "this is not the SHA-256 of the report",
            "write the report again; this one was changed",
            file,
        )


def _assembled(document: Mapping[str, Any], file: str | None) -> Report:
    try:
        return _report(upgraded(document))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "report",
            "",
            f"its parts do not fit together ({type(error).__name__}: {error})",
            "write the report again; this one was changed by hand",
            file,
        ) from error


def _report(document: Mapping[str, Any]) -> Report:
    remarks, variants = document["conventions"], set(document["variant_readings"])
    return Report(
        claims=tuple(_read_claim(entry, remarks, variants) for entry in document["claims"]),
        rows=tuple(_read_row(entry) for entry in document["instances"]),
        inputs=tuple(_read_input(entry) for entry in document["inputs"]),
        versions=document["versions"],
        expected={name: Expected(**record) for name, record in document["expected"].items()},
        battery=document["battery"],
        tables=tuple(_read_table(entry) for entry in document["tables"]),
        box_proofs=tuple(document["box_proofs"]),
        pictures=Pictures.from_document(document["pictures"]),
    )


def _read_table(entry: Mapping[str, Any]) -> Table:
    return Table.of(entry["name"], entry["title"], entry["note"], entry["columns"], entry["rows"])


def _claim(outcome: ClaimOutcome, versions: Mapping[str, str]) -> dict[str, Any]:
    claim = outcome.claim
    slack = outcome.slack
    return {
        "id": claim.id,
        "kind": claim.kind,
        "form": claim.form,
        "statement": claim.statement,
        "source": {
            "statement": claim.source.statement,
            "page": claim.source.page,
            "version": claim.source.version,
        },
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "method": outcome.method,
        "severity": outcome.severity,
        "reading": claim.reading,
        "repairs": claim.repairs,
        "sharpens": claim.sharpens,
        "change": claim.change,
        "serves": claim.serves,
        "leans_on": list(claim.leans_on),
        "hypotheses": list(claim.assumptions),
        "derivation": claim.derivation,
        **{name: getattr(outcome, name) for name in _OUTCOME_COUNTS},
        "slack": None if slack is None else {"min": slack.min, "median": slack.median},
        "witness": None if outcome.witness is None else dict(outcome.witness),
        "certificate": certificates.sealed(outcome, versions),
    }


def _read_claim(
    entry: Mapping[str, Any], remarks: Mapping[str, str], variants: set[str]
) -> ClaimOutcome:
    if entry["verdict"] not in VERDICTS:
        raise ValueError(f"{entry['id']}: {entry['verdict']!r} is no verdict")
    claim = Claim(
        id=entry["id"],
        source=Source(**entry["source"]),
        statement=entry["statement"],
        conclusion=Identity(left=_not_recorded, right=_not_recorded),
        kind=entry["kind"],
        form=entry["form"],
        reading=entry["reading"],
        literal=entry["id"] not in variants,
        severity=entry["severity"],
        repairs=entry["repairs"],
        sharpens=entry["sharpens"],
        change=entry["change"],
        serves=entry["serves"],
        leans_on=tuple(entry["leans_on"]),
        hypotheses=tuple(
            Hypothesis(statement, _not_recorded, ">=", _not_recorded)
            for statement in entry["hypotheses"]
        ),
        derivation=entry["derivation"],
        remark=remarks.get(entry["id"], ""),
    )
    slack = entry["slack"]
    return ClaimOutcome(
        claim=claim,
        verdict=entry["verdict"],
        reason=entry["reason"],
        method=entry["method"],
        slack=None if slack is None else Slack(**slack),
        witness=entry["witness"],
        certificate=entry["certificate"],
        severity=entry["severity"],
        **{name: entry[name] for name in _OUTCOME_COUNTS},
    )


def _not_recorded(*_: Any) -> NoReturn:
    raise ValueError("a report holds no formulas; take the claim from dsmverify.catalogue")


def _row(row: Row) -> dict[str, Any]:
    return {
        "claim": row.claim,
        "instance": row.instance,
        "answer": row.answer,
        "lhs": _enclosure(row.lhs),
        "rhs": _enclosure(row.rhs),
        "slack": row.slack,
        "failed_hypothesis": row.failed_hypothesis,
        "where": dict(row.where),
        "reason": row.reason,
        "trivial": row.trivial,
        "bits": row.bits,
        "evaluations": row.evaluations,
        "hypothesis_slack": list(row.hypothesis_slack),
    }


def _read_row(entry: Mapping[str, Any]) -> Row:
    sides = {
        name: None if entry[name] is None else Enclosure(**entry[name]) for name in ("lhs", "rhs")
    }
    return Row(**{**entry, **sides, "hypothesis_slack": tuple(entry["hypothesis_slack"])})


def _enclosure(enclosure: Enclosure | None) -> dict[str, str] | None:
    return None if enclosure is None else {"lower": enclosure.lower, "upper": enclosure.upper}


def _input(entry: Input) -> dict[str, Any]:
    return {
        "name": entry.name,
        "size": entry.size,
        "merged": entry.merged,
        "notes": list(entry.notes),
        "generated": entry.generated,
        "sha256": entry.sha256,
        "document": None if entry.document is None else dict(entry.document),
    }


def _read_input(entry: Mapping[str, Any]) -> Input:
    return Input(**{**entry, "notes": tuple(entry["notes"])})


def _part(key: str, value: Any) -> str:
    """Text of one value of the report; what is long and for programs only takes few lines."""
    if key == "instances" and value:
        return "[\n" + ",\n".join(f"  {_line(row)}" for row in value) + "\n ]"
    if key == "pictures":
        return _line(value)
    # No string of JSON holds a line break, so that only the layout is indented further.
    return _text(value).rstrip("\n").replace("\n", "\n ")


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, default=certificates.exact)


def _text(document: Any) -> str:
    text = json.dumps(
        document, indent=1, sort_keys=True, allow_nan=False, default=certificates.exact
    )
    return text + "\n"

"""Certificates: what an independent checker needs of a PROVED or REFUTED verdict, sealed.

A certificate names its claim and verdict, the exact instance and free variables, both enclosures,
the working precision, the proof if there is one, and the versions; its `sha256` is the SHA-256 of
the canonical JSON (sorted keys, no spaces, ASCII) of everything else in it. The whole report has a
`sha256` of the same kind. A digest finds a change; that the numbers are right is found by
`dsmverify recheck`, which recomputes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dsmverify.claims import ClaimOutcome, Enclosure
from dsmverify.errors import show

CERTIFIED = ("PROVED", "REFUTED")
"""Verdicts that carry a certificate."""

DIGEST = "sha256"
"""Key of the digest, left out of what is digested."""

_FROM_WITNESS = ("instance", "answer", "where", "lhs", "rhs", "slack", "bits")


def exact(value: Any) -> Any:
    """Spelling of what a witness or a certificate may hold beside JSON's own types.

    Raises:
        TypeError: a report cannot hold the value.
    """
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Enclosure):
        return {"lower": value.lower, "upper": value.upper}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"report.json cannot hold a {type(value).__name__}: {show(value)}")


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything in a document but its own digest."""
    rest = {key: value for key, value in document.items() if key != DIGEST}
    return hashlib.sha256(canonical(rest).encode("ascii")).hexdigest()


def canonical(document: Mapping[str, Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(
        document,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
        default=exact,
    )


def sealed(outcome: ClaimOutcome, versions: Mapping[str, str]) -> dict[str, Any] | None:
    """Certificate of an outcome as `report.json` holds it; None where there is none.

    One that is sealed already, read from a report say, is left as it is: sealing it anew would
    hide that it was changed.
    """
    found = None if outcome.certificate is None else dict(outcome.certificate)
    if outcome.verdict not in CERTIFIED or (found is not None and DIGEST in found):
        return found
    if found is None and outcome.witness is None:
        return None
    claim, found = outcome.claim, found or {}
    witness = found.pop("witness", {})
    document = {
        "claim": claim.id,
        "statement": claim.statement,
        "verdict": outcome.verdict,
        "severity": outcome.severity,
        "method": outcome.method,
        "inputs": None if outcome.witness is None else dict(outcome.witness),
        **{name: witness.get(name) for name in _FROM_WITNESS},
        "proof": found or None,
        "versions": dict(versions),
    }
    document[DIGEST] = digest(document)
    return document


def sealed_proof(proof: Mapping[str, Any]) -> dict[str, Any]:
    """A proof by boxes with its digest; one that has a digest is left as it is."""
    document = dict(proof)
    if DIGEST not in document:
        document[DIGEST] = digest(document)
    return document

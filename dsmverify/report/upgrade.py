"""From older forms of `report.json` to the one that this package writes, one version at a time.

A step takes a document of one version to the next. It adds what the older form had not, empty, and
changes nothing else: what was not recorded then is not known now. Every reader goes through here,
so that the rest of the package knows one form only. `docs/report-format.md` says what each version
added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SCHEMA_VERSION = "1.3"
"""Version of the form of `report.json` that this package writes."""

_CLAIMS_1_1: Mapping[str, Any] = {"sharpens": None, "change": "", "serves": None, "leans_on": []}
_TOP_1_1: Mapping[str, Any] = {"tables": [], "box_proofs": []}
_CLAIMS_1_2: Mapping[str, Any] = {"hypotheses": [], "derivation": None}
_INPUTS_1_2: Mapping[str, Any] = {"sha256": None, "document": None}


def upgraded(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document in the newest form; one that is in it already is returned as it is.

    The document given is not changed. The digest of the whole is not that of the result.

    Args:
        document: of a version that is `is_readable`.

    Raises:
        KeyError: a part is missing.
        TypeError: a part is of another type.
    """
    while document["schema_version"] != SCHEMA_VERSION:
        version, step = _STEPS[document["schema_version"]]
        document = {**step(document), "schema_version": version}
    return document


def is_readable(version: object) -> bool:
    """Whether this package reads documents of a version."""
    return isinstance(version, str) and (version == SCHEMA_VERSION or version in _STEPS)


def _to_1_1(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add tables, proofs by boxes, and what a claim sharpens, changes, serves and leans on."""
    claims = [{**_CLAIMS_1_1, **entry} for entry in document["claims"]]
    return {**_TOP_1_1, **document, "claims": claims}


def _to_1_2(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add hypotheses and their slack, derivations, the instances themselves, and pictures.

    The first reports of 1.1 lack what `_to_1_1` adds.
    """
    found = _to_1_1(document)
    return {
        "pictures": {"samples": [], "regime_maps": []},
        **found,
        "claims": [{**_CLAIMS_1_2, **entry} for entry in found["claims"]],
        "inputs": [{**_INPUTS_1_2, **entry} for entry in found["inputs"]],
        "instances": [{"hypothesis_slack": [], **entry} for entry in found["instances"]],
    }


def _to_1_3(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add learning curves to the pictures."""
    return {**document, "pictures": {"curves": [], **document["pictures"]}}


_STEPS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "1.0": ("1.1", _to_1_1),
    "1.1": ("1.2", _to_1_2),
    "1.2": ("1.3", _to_1_3),
}
"""What comes after each older version, and how to get there."""

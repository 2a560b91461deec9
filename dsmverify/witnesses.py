"""Counterexamples that were found before and are kept: exact instances, one file for each claim.

`checks/witnesses/CLAIM.json` is an instance file, as `dsmverify refute CLAIM --out` writes it; that
of `prop06a` was made by hand, so that it needs no bound A of its own. Such a file is no authority:
the instance is decided again, with balls, whenever its claim is checked. So a verdict stays REFUTED
whatever a search does, and a search never starts from these files.
"""

from __future__ import annotations

from dsmverify import content
from dsmverify.curves.points import CurvePoint, instance_from_json
from dsmverify.instance import Instance

FOLDER = "checks/witnesses"

PREFIX = "witness-"
"""What the names of these instances start with in rows and reports."""


def kept() -> dict[str, Instance | CurvePoint]:
    """Kept counterexamples by claim id.

    Raises:
        InputError: a file is no instance.
    """
    found: dict[str, Instance | CurvePoint] = {}
    for name in content.resource_names(FOLDER, ".json"):
        claim = name.removesuffix(".json")
        text = content.resource_text(f"{FOLDER}/{name}")
        found[claim] = instance_from_json(text, name=PREFIX + claim, file=f"{FOLDER}/{name}")
    return found

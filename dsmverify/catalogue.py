"""All claims, found by id, and the verdicts recorded for them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from typing import Any, get_args

from dsmverify import content
from dsmverify.claims import Claim, Verdict
from dsmverify.errors import UnknownClaimError
from dsmverify.verdicts import Expected

_RECORD = "checks/expected.toml"


@functools.cache
def claims() -> tuple[Claim, ...]:
    """Every claim of `checks/`, in the order of its modules.

    Raises:
        ValueError: two claims have the same id, or a claim repairs, leans on or is read off one
            that does not exist.
    """
    found = tuple(claim for module in content.claim_modules() for claim in module.CLAIMS)
    check_ids(found)
    return found


def check_ids(found: Iterable[Claim]) -> None:
    """Check that ids are unique and that every id that a claim names exists.

    Raises:
        ValueError: they are not, or do not.
    """
    listed = list(found)
    ids: set[str] = set()
    for claim in listed:
        if claim.id in ids:
            raise ValueError(f"checks: two claims have the id {claim.id!r}; ids are permanent")
        ids.add(claim.id)
    known = ids | {base_id(name) for name in ids}
    for claim in listed:
        named = {
            "repairs": (claim.repairs,),
            "sharpens": (claim.sharpens,),
            "serves": (claim.serves,),
            "leans on": claim.leans_on,
        }
        for relation, others in named.items():
            for other in others:
                if other is not None and other not in known:
                    raise ValueError(
                        f"checks: {claim.id} {relation} {other!r}, which does not exist"
                    )


def select(ids: Iterable[str] | None = None) -> tuple[Claim, ...]:
    """Claims with the given ids, each once, in the order of `claims`.

    Args:
        ids: ids; one that is no id itself but that of readings (`eq08`) stands for all of them
            (`eq08@sum`, `eq08@mean`). None stands for all claims.

    Raises:
        UnknownClaimError: no claim has this id; the message suggests the nearest.
    """
    known = claims()
    if ids is None:
        return known
    wanted: set[str] = set()
    for name in ids:
        matching = {claim.id for claim in known if claim.id == name}
        matching = matching or {claim.id for claim in known if base_id(claim.id) == name}
        if not matching:
            every = {base_id(claim.id) for claim in known} | {claim.id for claim in known}
            raise UnknownClaimError(name, sorted(every))
        wanted |= matching
    return tuple(claim for claim in known if claim.id in wanted)


def base_id(name: str) -> str:
    """Id without its reading: `eq08` of `eq08@sum`; a repaired row keeps its suffix."""
    return name.partition("@")[0]


@functools.cache
def recorded() -> dict[str, Expected]:
    """Recorded verdict and its reason by claim id, from `checks/expected.toml`.

    Raises:
        ValueError: an entry is no pair of a verdict and a reason, or is about no claim.
    """
    record = read_record(content.resource_text(_RECORD))
    known = {claim.id for claim in claims()}
    if unknown := sorted(set(record) - known):
        raise ValueError(f"{_RECORD}: {unknown[0]!r}: there is no claim with this id")
    return record


def read_record(text: str) -> dict[str, Expected]:
    """Verdicts and reasons from the text of a record: `"id" = {verdict = "...", reason = "..."}`.

    A pair `["HOLDS", "reason"]` is read as well.

    Raises:
        ValueError: the text is not TOML, or an entry is no such pair.
    """
    record = {}
    for name, entry in tomllib.loads(text).items():
        verdict, reason = _pair(entry)
        if verdict not in get_args(Verdict) or not isinstance(reason, str) or not reason.strip():
            raise ValueError(
                f"{_RECORD}: {name!r}: {entry!r}, but it must be a verdict and a reason; write "
                f'"{name}" = {{verdict = "HOLDS", reason = "..."}}'
            )
        record[name] = Expected(verdict, reason)
    return record


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, dict) and set(entry) == {"verdict", "reason"}:
        return entry["verdict"], entry["reason"]
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    return None, None

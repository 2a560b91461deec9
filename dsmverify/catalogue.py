"""All claims, found by id, and the verdicts recorded for them.

Ids, and what claims name, are checked when they are loaded.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from dsmverify import content
from dsmverify.claims import Claim, ReadOff, Verdict
from dsmverify.errors import InputError, UnknownClaimError, nearest, show
from dsmverify.verdicts import Expected

_RECORD = content.RECORD


@functools.cache
def claims() -> tuple[Claim, ...]:
    """Every claim of `checks/`, in the order of its modules.

    Raises:
        InputError: a module has no claims, two claims have the same id, or a claim names another
            or a derivation that does not exist.
    """
    found: list[Claim] = []
    for module in content.claim_modules():
        listed = getattr(module, "CLAIMS", None)
        if not isinstance(listed, list | tuple) or not all(isinstance(c, Claim) for c in listed):
            rule = "a module of checks/ must have it, a tuple of claims"
            way_out = "write CLAIMS = (Claim(...), ...), or begin the module's name with _"
            raise InputError("CLAIMS", "", rule, way_out, _shown(module.__file__))
        found += listed
    check_ids(found)
    derivations = content.derivation_names()
    for claim in found:
        if claim.derivation is not None and claim.derivation not in derivations:
            rule = f"it names the derivation {claim.derivation!r}, which does not exist"
            raise misfit(claim.id, rule, "correct the name, or add the module to derivations/")
    return tuple(found)


def check_ids(found: Iterable[Claim]) -> None:
    """Check that ids are unique and that every id that a claim names exists.

    Raises:
        InputError: they are not, or do not.
    """
    listed = list(found)
    ids: set[str] = set()
    for claim in listed:
        if claim.id in ids:
            rule = "two claims have this id, and ids are permanent"
            places = _places(claim.id)
            if len(places) > 1:
                rule += f" (the other: {places[-2][0]}, line {places[-2][1]})"
            raise misfit(claim.id, rule, "rename one of them")
        ids.add(claim.id)
    known = ids | {base_id(name) for name in ids}
    for claim in listed:
        source = claim.conclusion.claim if isinstance(claim.conclusion, ReadOff) else None
        named = {
            "repairs": (claim.repairs,),
            "sharpens": (claim.sharpens,),
            "serves": (claim.serves,),
            "leans on": claim.leans_on,
            "is read off": (source,),
        }
        for relation, others in named.items():
            for other in others:
                if other is not None and other not in known:
                    rule = f"it {relation} {other!r}, which does not exist"
                    raise misfit(claim.id, rule, "correct the id, or add that claim")


def misfit(name: str, rule: str, way_out: str) -> InputError:
    """An error about the claim with an id, with the place where that id stands last.

    Args:
        name: the id.
        rule: what is wrong.
        way_out: what to do instead.
    """
    file, line = next(reversed(_places(name)), (None, None))
    return InputError(f"claim {name}", "", rule, way_out, file, line)


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
        InputError: an entry is no pair of a verdict and a reason, or is about no claim.
    """
    text = content.resource_text(_RECORD)
    record = read_record(text)
    known = {claim.id for claim in claims()}
    for name in record:
        if name not in known:
            close = nearest(name, known)
            meant = f"did you mean {close!r}? else " if close is not None else ""
            rule, way_out = "there is no claim with this id", f"{meant}delete the entry"
            raise InputError(name, "", rule, way_out, content.shown(_RECORD), _line(text, name))
    return record


def read_record(text: str) -> dict[str, Expected]:
    """Verdicts and reasons from the text of a record: `"id" = {verdict = "...", reason = "..."}`.

    A pair `["HOLDS", "reason"]` is read as well.

    Raises:
        InputError: the text is not TOML, or an entry is no such pair.
    """
    file = content.shown(_RECORD)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        rule = f"it is not TOML ({said})"
        number = int(line.group(1)) if line is not None else None
        raise InputError("record", "", rule, "correct the line", file, number) from error
    record = {}
    for name, entry in document.items():
        verdict, reason = _pair(entry)
        if verdict not in get_args(Verdict) or not isinstance(reason, str) or not reason.strip():
            raise InputError(
                name,
                show(entry),
                f"it must be a verdict ({', '.join(get_args(Verdict))}) and a reason",
                f'write "{name}" = {{verdict = "HOLDS", reason = "..."}}',
                file,
                _line(text, name),
            )
        record[name] = Expected(verdict, reason)
    return record


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, dict) and set(entry) == {"verdict", "reason"}:
        return entry["verdict"], entry["reason"]
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    return None, None


def _line(text: str, name: str) -> int | None:
    """Line of an entry of a record: `[name]`, or `name = ...`, with or without quotes."""
    found = re.search(rf"""^\s*\[?\s*["']?{re.escape(name)}["']?\s*[]=]""", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.end()) + 1


def _places(name: str) -> list[tuple[str, int]]:
    """File and line of every `id="name"` in the content, in the order of the claims."""
    found = []
    for module in content.claim_modules():
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        lines = sorted(
            node.value.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword)
            and node.arg == "id"
            and isinstance(node.value, ast.Constant)
            and node.value.value == name
        )
        found += [(_shown(module.__file__), line) for line in lines]
    return found


def _shown(file: str | None) -> str:
    return content.shown(f"checks/{Path(str(file)).name}")

"""What changed of the inputs between two reports.

Instances are compared as far as both reports hold them: as input documents, as witnesses of
certificates, or by their digests alone, which tell that one changed and not where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dsmverify.report import certificates
from dsmverify.report.changes import Change, Kind
from dsmverify.report.model import Input, Report

_FREE = ("i", "j", "l", "y")
_BATTERY = "the bundled battery"
_LISTED = 4
"""Entries of one list, and parts of one input, that are named one by one."""


def input_changes(old: Report, new: Report) -> Iterator[tuple[str, Change]]:
    """Changes of the inputs, each with the name of its input."""
    before, after = ({entry.name: entry for entry in r.inputs} for r in (old, new))
    if old.battery != new.battery:
        kinds = [_BATTERY if report.battery else "data of the user's" for report in (old, new)]
        yield _BATTERY, Change("input", "what was checked", kinds[0], kinds[1])
    witnesses = _witnesses(old), _witnesses(new)
    for name in {**before, **after}:
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            yield name, Change("input", name, _about(one), _about(two))
            continue
        for label in ("size", "merged", "notes", "generated"):
            left, right = getattr(one, label), getattr(two, label)
            if left != right:
                yield name, Change("input", f"{name}: {label}", plain(left), plain(right))
        found = [*_content_changes(one, two, witnesses)]
        known = one.sha256 is not None and two.sha256 is not None
        if not found and known and one.sha256 != two.sha256:
            found = [("contents", one.sha256, two.sha256)]
        for part, left, right in found:
            yield name, Change("input", f"{name}: {part}", left, right)
    for name in witnesses[0]:
        if name in witnesses[1] and name not in before and name not in after:
            for part, left, right in _differing(witnesses[0][name], witnesses[1][name]):
                yield name, Change("input", f"{name}: {part}", left, right)


def input_cause(name: str, changes: Sequence[Change]) -> str:
    """The changes of one input as a cause, in words."""
    whole = next((change for change in changes if change.name == name), None)
    if whole is not None and whole.old is None:
        return f"the input {name} was added"
    if whole is not None and whole.new is None:
        return f"the input {name} was removed"
    parts = sorted(change.name.removeprefix(f"{name}: ") for change in changes)
    more = [f"{len(parts) - _LISTED} more"] if len(parts) > _LISTED else []
    return f"the input {name} changed ({', '.join(parts[:_LISTED] + more)})"


def mapped(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Entries of two mappings that differ."""
    for name in {**old, **new}:
        one, two = old.get(name), new.get(name)
        if one != two:
            yield Change(kind, name, plain(one), plain(two))


def plain(value: Any) -> str | None:
    """A value as text; None stays None."""
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, default=certificates.exact)
    if isinstance(value, tuple | list):
        return "; ".join(str(part) for part in value)
    return None if value is None else str(value)


def _content_changes(
    old: Input, new: Input, witnesses: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Parts of an instance that differ, as far as both reports hold it."""
    if old.document is not None and new.document is not None:
        if old.sha256 != new.sha256 or old.document != new.document:
            yield from _differing(_parts(old.document), _parts(new.document))
        return
    held = [
        _without_free(entry.document) if entry.document is not None else known.get(entry.name)
        for entry, known in zip((old, new), witnesses, strict=True)
    ]
    if held[0] is not None and held[1] is not None:
        yield from _differing(held[0], held[1])


def _witnesses(report: Report) -> dict[str, dict[str, Any]]:
    """Instances that are the witnesses of certificates, without their free variables."""
    found: dict[str, dict[str, Any]] = {}
    for outcome in report.claims:
        document = certificates.sealed(outcome, {}) or {}
        name, instance = document.get("instance"), document.get("inputs")
        if isinstance(name, str) and isinstance(instance, Mapping) and name not in found:
            found[name] = _without_free(instance)
    return found


def _without_free(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Parts of an instance but those which a row can have added."""
    free = {f"parameter {key}" for key in _FREE}
    return {key: value for key, value in _parts(instance).items() if key not in free}


def _parts(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers, words and lists in an instance file, by what a reader calls them."""
    found: dict[str, Any] = {}
    for key, value in instance.items():
        if isinstance(value, Mapping):
            stem = "parameter " if key == "parameters" else f"{key}."
            found |= {f"{stem}{name}": part for name, part in value.items()}
        elif value is not None:
            found[key] = value
    return found


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Parts that differ; of a list, the entries that do, if they are few."""
    for name in {**old, **new}:
        one, two = old.get(name), new.get(name)
        if one == two:
            continue
        if isinstance(one, list | tuple) and isinstance(two, list | tuple):
            places = [index for index in range(min(len(one), len(two))) if one[index] != two[index]]
            if len(one) == len(two) and len(places) <= _LISTED:
                for index in places:
                    yield f"{name}[{index}]", plain(one[index]), plain(two[index])
                continue
        yield name, plain(one), plain(two)


def _about(entry: Input | None) -> str | None:
    if entry is None:
        return None
    points = f"{entry.size} points" if entry.size else "of a learning curve"
    return points + (f", {entry.generated}" if entry.generated else "")

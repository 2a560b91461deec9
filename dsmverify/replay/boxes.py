"""Proofs by boxes: do the boxes tile the range, and do both sides lie where the proof says.

The form is that of a shape proof: covers of a range of shape parameters by closed boxes, each with
enclosures of both sides in normal form (mu = sigma = 1). Tiling is decided exactly, in fractions;
the sides are recomputed by quadrature at the middle and the corners of a few boxes, which a digest
of the proof chooses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from mpmath import mp

SAMPLED = 2
"""Boxes recomputed for each cover."""

Box = tuple[tuple[Fraction, Fraction], ...]
Side = Callable[[Mapping[str, Any], Mapping[str, str]], tuple[Any, Any, Any]]
"""Left side, right side and tolerance at an instance in normal form and free variables."""


def covers_in(document: Any) -> Iterator[Mapping[str, Any]]:
    """Every shape proof anywhere in a JSON document: an object with `covers`."""
    if isinstance(document, Mapping):
        if "covers" in document:
            yield document
        for value in document.values():
            yield from covers_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from covers_in(value)


def box_of(ranges: Sequence[Sequence[str]]) -> Box:
    """Exact box."""
    return tuple((Fraction(low), Fraction(high)) for low, high in ranges)


def tiling_fault(whole: Box, boxes: Sequence[Box]) -> str | None:
    """Why boxes do not tile a range; None if they do: inside it, disjoint, of full volume."""
    for box in boxes:
        for (low, high), (start, end) in zip(box, whole, strict=True):
            if not start <= low < high <= end:
                return f"a box reaches beyond the range or is empty: {_spelled(box)}"
    if sum(prod(high - low for low, high in box) for box in boxes) != prod(
        high - low for low, high in whole
    ):
        return "the volumes of the boxes do not add up to the range's"
    active: list[Box] = []
    for box in sorted(boxes):
        active = [other for other in active if other[0][1] > box[0][0]]
        for other in active:
            if all(a < d and c < b for (a, b), (c, d) in zip(box, other, strict=True)):
                return f"two boxes overlap: {_spelled(box)} and {_spelled(other)}"
        active.append(box)
    return None


def proof_faults(proof: Mapping[str, Any], side: Side | None) -> list[str]:
    """Everything that is wrong with a shape proof; empty if nothing is.

    Args:
        proof: the document of the proof.
        side: the second path of its claim; None if it has none.
    """
    faults = []
    factor = Fraction(str(proof.get("factor", "1")))
    relation = proof["relation"]
    seed = hashlib.sha256(json.dumps(proof, sort_keys=True).encode()).digest()
    for cover in proof["covers"]:
        boxes = [box_of(entry["box"]) for entry in cover["boxes"]]
        fault = tiling_fault(box_of(cover["range"]), boxes)
        if fault is not None:
            faults.append(fault)
            continue
        for entry in cover["boxes"]:
            if not _box_holds(entry, relation, factor):
                faults.append(f"the enclosures of a box do not give the relation: {entry['box']}")
                break
        if side is None:
            faults.append("the claim has no second path")
            continue
        for number in range(min(SAMPLED, len(boxes))):
            index = int.from_bytes(seed[4 * number : 4 * number + 4], "big") % len(boxes)
            faults += _sample_faults(cover, cover["boxes"][index], boxes[index], side)
    faults += _end_faults(proof)
    return faults


def normal_form(
    cover: Mapping[str, Any], values: Sequence[Fraction]
) -> tuple[dict[str, Any], dict[str, Fraction]]:
    """Instance (mu = sigma = 1) and named shape parameters at a point of a cover's range."""
    named = dict(zip(cover["parameters"], values, strict=True))
    kappa, s = named["kappa"], named.get("s", Fraction(0))
    points = [kappa * (Fraction(str(a)) + Fraction(str(b)) * s) for a, b in cover["places"]]
    return {"x": [str(p) for p in points], "mu": "1", "sigma": "1"}, named


def _sample_faults(
    cover: Mapping[str, Any], entry: Mapping[str, Any], box: Box, side: Side
) -> list[str]:
    middle = tuple((low + high) / 2 for low, high in box)
    for values in (middle, *product(*box)):
        instance, named = normal_form(cover, values)
        where = {"i": str(cover["i"])} if cover.get("i") else {}
        if "t" in named:
            where["t"] = str(named["t"])
        if cover.get("place") is not None:
            where["place"] = str(cover["place"])
        left, right, tolerance = side(instance, where)
        for name, value in (("left", left), ("right", right)):
            low, high = (Fraction(entry[name][end]) for end in ("lower", "upper"))
            if not _at_least(value + tolerance, low) or not _at_least(high, value - tolerance):
                return [f"{name} side {value} outside its enclosure in the box {entry['box']}"]
    return []


def _at_least(large: Any, small: Any) -> bool:
    """Compare an mpmath number with a fraction, exactly."""
    return _fraction(large) >= _fraction(small)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    sign, mantissa, exponent, _ = value._mpf_
    exact = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -exact if sign else exact


def _box_holds(entry: Mapping[str, Any], relation: str, factor: Fraction) -> bool:
    margin, left, right = entry.get("margin"), entry["left"], entry["right"]
    if margin is not None and factor == 1 and Fraction(margin["lower"]) >= 0:
        large, small = (right, left) if relation == "<=" else (left, right)
        # A margin above all that the sides leave open is none.
        return Fraction(margin["lower"]) <= Fraction(large["upper"]) - Fraction(small["lower"])
    if relation == "<=":
        return factor * Fraction(left["upper"]) <= Fraction(right["lower"])
    return Fraction(left["lower"]) >= factor * Fraction(right["upper"])


def _end_faults(proof: Mapping[str, Any]) -> list[str]:
    """What is wrong where the boxes start and beyond them."""
    end = proof.get("end") or {}
    checks = [*proof.get("start", []), *end.get("checks", [])]
    faults = [
        f"does not follow from its enclosures: {check['statement']}"
        for check in checks
        if not _holds(check["left"], check["relation"], check["right"])
    ]
    if not end:
        return faults
    kappa, since = Fraction(end["used_from"]), Fraction(end["since"])
    for cover in proof["covers"]:
        span = cover["range"][0]
        # Beyond the last s the argument is used at every kappa of the claim.
        if kappa > Fraction(span[0] if "s" in cover["parameters"] else span[1]):
            faults.append(f"the argument beyond the boxes is used from kappa = {kappa} only")
    if since > kappa:
        faults.append(f"the argument beyond the boxes holds from kappa = {since} only")
    used = [*end["ratio"], *end["lost"]]
    for term, first in [(t, kappa) for t in used] + [(t, since) for t in end["decreasing"]]:
        size, rate = Fraction(term["coefficient"]), Fraction(term["rate"])
        # The derivative's sign is that of power/kappa - 2 rate kappa.
        if size < 0 or rate < 0 or term["power"] > 2 * rate * first**2:
            faults.append(f"a term of the tail still grows at kappa = {first}: {term}")
    factor = Fraction(str(proof.get("factor", "1")))
    whole = factor * _sum(end["ratio"], kappa) + _sum(end["lost"], kappa)
    if whole > 1:
        faults.append(f"the terms of the tail add up to more than 1 at kappa = {kappa}")
    return faults


def _sum(terms: Sequence[Mapping[str, Any]], kappa: Fraction) -> Fraction:
    """`sum coefficient kappa^power exp(-rate kappa^2)`, from above: exact without a rate."""
    total = Fraction(0)
    for term in terms:
        size = Fraction(term["coefficient"]) * kappa ** int(term["power"])
        exponent = -Fraction(term["rate"]) * kappa**2
        total += size * _exp_from_above(exponent) if exponent else size
    return total


def _exp_from_above(exponent: Fraction) -> Fraction:
    """A little more than `exp(exponent)`."""
    with mp.workdps(40):
        value = mp.exp(mp.mpf(exponent.numerator) / exponent.denominator)
        return _fraction(value) * (1 + Fraction(1, 10**30))


def _holds(left: Mapping[str, str], relation: str, right: Mapping[str, str]) -> bool:
    low, high = (left, right) if relation in {"<=", "<"} else (right, left)
    if relation in {"<", ">"}:
        return Fraction(low["upper"]) < Fraction(high["lower"])
    return Fraction(low["upper"]) <= Fraction(high["lower"])


def _spelled(box: Box) -> str:
    return " x ".join(f"[{low}, {high}]" for low, high in box)

"""Proofs for every sample of a small size: what they say, and what must not be provable."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from flint import arb, ctx
from mpmath import mp

from dsmverify import catalogue, content, shapes
from dsmverify.certify import precision
from dsmverify.claims import Claim, Enclosure, Inequality, RealLine
from dsmverify.facts import Facts
from dsmverify.formulas import bounds
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.normal_forms import Invariance, at_point, ball_case, normal_forms
from dsmverify.shape_records import Cover, EndArgument, Shape, ShapeProof, Term
from dsmverify.systems.balls import ball

F = Fraction

WANTED = {
    ("prop02a", 2),
    ("prop02b", 2),
    ("prop02c", 2),
    ("cor03a@mu", 2),
    ("cor03b", 2),
    ("thm04", 2),
    ("prop02b", 3),
    ("prop02c", 3),
}


@pytest.fixture(autouse=True)
def precision_is_kept() -> Iterator[None]:
    before = ctx.prec
    yield
    assert ctx.prec == before


@cache
def proofs() -> tuple[ShapeProof, ...]:
    return shapes.prove_shapes()


def proof_of(claim: str, n: int) -> ShapeProof:
    return next(proof for proof in proofs() if (proof.claim, proof.n) == (claim, n))


def shape(claim: str, n: int = 2) -> Shape:
    entries: tuple[Shape, ...] = content.shapes().SHAPES
    return next(entry for entry in entries if (entry.claim, entry.n) == (claim, n))


def claim_of(name: str) -> Claim:
    return catalogue.select([name])[0]


def with_ratio(entry: Shape, *terms: Term) -> Shape:
    assert entry.end is not None
    return replace(entry, end=replace(entry.end, ratio=terms))


# What is proved, and how it is said.


def test_every_listed_claim_is_proved_for_its_size_and_for_no_other() -> None:
    assert {(proof.claim, proof.n) for proof in proofs()} == WANTED
    for proof in proofs():
        assert proof.is_proved, proof.verdict
        assert proof.verdict == f"proved for n = {proof.n}"
        assert f"n = {proof.n}" in proof.text
        assert proof.factor == 1


def test_covers_hold_every_index_place_and_order() -> None:
    assert len(proof_of("prop02b", 2).covers) == 2
    assert len(proof_of("prop02b", 3).covers) == 3 * 2
    assert [cover.place for cover in proof_of("cor03a@mu", 2).covers] == [0, 1]
    assert len(proof_of("thm04", 2).covers) == 1
    assert not proof_of("prop02a", 2).covers


def test_covers_start_where_the_hypothesis_does() -> None:
    with mp.workdps(30):
        start = mp.sqrt(4 * mp.log(128))
        low, high = proof_of("thm04", 2).covers[0].range[0]
        assert mp.mpf(low.numerator) / low.denominator < start < float(high)
    for name in ("prop02b", "prop02c", "cor03a@mu", "cor03b"):
        assert proof_of(name, 2).covers[0].range[0][0] == 2


def test_documents_are_json_and_complete() -> None:
    for proof in proofs():
        document = json.loads(json.dumps(proof.document()))
        if document["end"] is not None:
            last = "lowest" if proof.n == 3 else "highest"
            assert F(document["end"]["used_from"]) == getattr(shape(proof.claim, proof.n), last)
        assert document["boxes"] == sum(len(cover["boxes"]) for cover in document["covers"])
        assert (document["end"] is None) == (proof.method == "identity")
        for cover in document["covers"]:
            sizes = {len(box["box"]) for box in cover["boxes"]}
            assert sizes == {len(cover["parameters"])}


# The recorded values, along a second path.


def mpf(value: Fraction) -> Any:
    return mp.mpf(value.numerator) / value.denominator


def points(cover: Cover, at: dict[str, Fraction]) -> list[Any]:
    s = at.get("s", F(0))
    return [mpf(at["kappa"] * (a + b * s)) for a, b in cover.places]


def posterior(z: Sequence[Any], y: Any) -> tuple[Any, Any]:
    weights = [mp.exp(-((y - x) ** 2) / 2) for x in z]
    mean = sum(w * x for w, x in zip(weights, z, strict=True)) / sum(weights)
    spread = sum(w * (x - mean) ** 2 for w, x in zip(weights, z, strict=True))
    return mean, spread / sum(weights)


def normal(v: Any) -> Any:
    return mp.exp(-v * v / 2) / mp.sqrt(2 * mp.pi)


def risk(kappa: Any) -> Any:
    z = (mp.mpf(0), kappa)

    def integrand(y: Any) -> Any:
        return (normal(y) + normal(y - kappa)) / 2 * posterior(z, y)[1]

    return mp.quad(integrand, [-9, 0, kappa / 2, kappa, kappa + 9])


def variation(kappa: Any) -> Any:
    def ramp(v: Any) -> Any:
        """E (v + Z)_+."""
        return v * mp.ncdf(v) + normal(v)

    def weight(v: Any) -> Any:
        """E (kappa/2 - |v + Z|)_+ / 4, the tent written as three ramps."""
        return (ramp(v + kappa / 2) - 2 * ramp(v) + ramp(v - kappa / 2)) / 4

    def curvature(v: Any) -> Any:
        w = kappa * v / 2
        return kappa**3 / 4 * mp.sech(w) ** 2 * abs(mp.tanh(w))

    half = kappa / 2
    cuts = [0, 1 / kappa, 3 / kappa, 9 / kappa, half]
    return 2 * mp.quad(lambda v: curvature(v) * weight(v), [cut for cut in cuts if cut <= half])


def sides(claim: str, cover: Cover, at: dict[str, Fraction]) -> tuple[Any, Any]:
    z, n, kappa = points(cover, at), len(cover.places), mpf(at["kappa"])
    decay = mp.exp(-kappa * kappa / 4)
    if claim == "cor03b":
        return risk(kappa), 4 * kappa**2 * mp.exp(-kappa * kappa / 32)
    if claim == "thm04":
        return variation(kappa), n * kappa**3 / 4096
    if claim == "cor03a@mu":
        assert cover.place is not None
        jump = abs(posterior(z, z[cover.place])[1] - posterior(z, (z[0] + z[1]) / 2)[1])
        return jump, kappa**2 / (2 * n) - 4 * n * n * kappa**2 * decay
    x = z[cover.i - 1]
    mean, spread = posterior(z, x + kappa * (mpf(at["t"]) / 2 - mp.mpf(1) / 4))
    if claim == "prop02b":
        return abs(mean - x), n * kappa * decay
    return spread, 4 * n * n * kappa**2 * decay


def holds(value: Any, enclosure: Enclosure) -> bool:
    # The oracle's own error is far below a last digit of six.
    room = abs(value) * mp.mpf(10) ** -12
    return bool(mp.mpf(enclosure.lower) - room <= value <= mp.mpf(enclosure.upper) + room)


@pytest.mark.parametrize(("claim", "n"), sorted(WANTED - {("prop02a", 2)}))
def test_recorded_enclosures_hold_the_values_at_corners(claim: str, n: int) -> None:
    proof = proof_of(claim, n)
    chance = random.Random(3)
    slow = claim in {"cor03b", "thm04"}
    with mp.workdps(25):
        for cover in proof.covers:
            for box in chance.sample(cover.boxes, min(len(cover.boxes), 3 if slow else 12)):
                corner = [chance.choice([*span, (span[0] + span[1]) / 2]) for span in box.spans]
                at = dict(zip(map(str, cover.parameters), corner, strict=True))
                left, right = sides(claim, cover, at)
                assert holds(left, box.left), (claim, at)
                assert holds(right, box.right), (claim, at)


def test_every_box_decides_as_recorded() -> None:
    for proof in proofs():
        for box in (box for cover in proof.covers for box in cover.boxes):
            left, right = box.left, box.right
            if proof.relation == "<=":
                decided = F(left.upper) <= F(right.lower)
            else:
                decided = F(left.lower) >= F(right.upper)
            assert decided or (box.margin is not None and F(box.margin.lower) >= 0)


@pytest.mark.parametrize(("claim", "n"), sorted(WANTED - {("prop02a", 2), ("cor03a@mu", 2)}))
def test_end_arguments_bound_the_ratio_where_they_are_used(claim: str, n: int) -> None:
    proof = proof_of(claim, n)
    assert proof.end is not None
    with mp.workdps(20 if claim in {"cor03b", "thm04"} else 60):
        for cover in proof.covers:
            for kappa in (proof.end.since, F(9, 2), F(8), F(15)):
                for s in (F(0), F(1, 3), F(7)) if n == 3 else (F(0),):
                    for t in (F(0), F(1, 3), F(1)) if "t" in cover.parameters else (F(0),):
                        left, right = sides(claim, cover, {"kappa": kappa, "s": s, "t": t})
                        small, large = (left, right) if proof.relation == "<=" else (right, left)
                        bound = total(proof.end.ratio, kappa) / (1 - total(proof.end.lost, kappa))
                        assert small <= bound * large


def test_the_end_argument_of_the_slope_jump_bounds_the_variance_at_a_mean() -> None:
    proof = proof_of("cor03a@mu", 2)
    assert proof.end is not None
    with mp.workdps(60):
        for kappa in (F(2), F(4), F(9), F(15)):
            k = mpf(kappa)
            spread = posterior((mp.mpf(0), k), mp.mpf(0))[1]
            room = 16 * k * k * mp.exp(-k * k / 4)
            assert spread <= total(proof.end.ratio, kappa) * room


def total(terms: Sequence[Term], kappa: Fraction) -> Any:
    value, k = mp.mpf(0), mpf(kappa)
    for term in terms:
        value += mpf(term.coefficient) * k**term.power * mp.exp(-mpf(term.rate) * k * k)
    return value


@pytest.mark.parametrize("name", ["prop02b", "prop02c", "cor03a@mu", "cor03b", "thm04"])
def test_sides_at_a_sample_are_the_scaled_sides_of_its_normal_form(name: str) -> None:
    claim, kappa = claim_of(name), F(19, 4)
    mu, sigma = F(3, 7), F(2, 5)
    first = F(-5, 3)
    sample = (first, first + kappa * sigma / mu)
    instance = Instance("placed", sample, NoiseLevel(mu=mu, sigma=sigma))
    i, u = (1, F(1, 3)) if claim.range.index != "none" else (0, F(0))
    conclusion = claim.conclusion
    assert isinstance(conclusion, Inequality)
    p, q = shape(name).scaling
    with precision(128):
        placed = Facts(instance, Accuracy(30)).case(i, ball(mu * first + sigma * u))
        normal_case = at_point(ball_case(normal_forms(2, i)[0], ball(kappa), arb(0)), i, ball(u))
        for side in (conclusion.left, conclusion.right):
            expected = ball(mu**p * sigma**q) * side(normal_case)
            assert side(placed).overlaps(expected)


# What must not be provable.


def test_a_constant_beyond_the_truth_is_not_provable() -> None:
    # At n = 2 the sharp factor of prop02b is 2, of prop02c 16.
    entry = with_ratio(shape("prop02b"), Term(F(1, 100)))
    quarter = shapes.prove(entry, claim_of("prop02b"), F(4))
    assert not quarter.is_proved
    assert "fails at" in quarter.verdict
    assert "not proved" in quarter.text
    three = with_ratio(shape("prop02b", 3), Term(F(1, 100)))
    assert "fails at" in shapes.prove(three, claim_of("prop02b"), F(4)).verdict
    variance = with_ratio(shape("prop02c"), Term(F(1, 100)))
    assert "fails at" in shapes.prove(variance, claim_of("prop02c"), F(17)).verdict


@pytest.mark.parametrize(("name", "factor"), [("cor03b", F(32)), ("thm04", F(100))])
def test_a_constant_beyond_the_truth_of_an_integral_is_not_provable(
    name: str, factor: Fraction
) -> None:
    entry = with_ratio(shape(name), Term(F(1, 10_000)))
    assert not shapes.prove(entry, claim_of(name), factor, budget=40).is_proved


def test_an_end_argument_must_cover_the_factor_and_decay() -> None:
    claim = claim_of("prop02b")
    assert "ratio + lost" in shapes.prove(shape("prop02b"), claim, F(4)).verdict
    growing = with_ratio(shape("prop02b"), Term(F(1, 1000), power=1))
    assert "non-increasing" in shapes.prove(growing, claim).verdict
    late = with_ratio(shape("prop02b"), Term(F(1, 10**9), power=130, rate=F(1)))
    assert "non-increasing" in shapes.prove(late, claim).verdict
    assert "proved" in shapes.prove(replace(late, highest=F(9)), claim, budget=0).verdict
    negative = with_ratio(shape("prop02b"), Term(F(-1)))
    assert ">= 0" in shapes.prove(negative, claim).verdict
    entry = shape("prop02b")
    assert entry.end is not None
    beyond = replace(entry, end=replace(entry.end, since=F(9)))
    assert "where the argument holds" in shapes.prove(beyond, claim).verdict


def test_three_points_need_an_argument_from_the_least_kappa_on() -> None:
    entry = shape("prop02b", 3)
    assert entry.end is not None
    late = replace(entry, end=replace(entry.end, since=F(3)))
    assert "where the argument holds" in shapes.prove(late, claim_of("prop02b")).verdict


def test_a_range_that_starts_too_late_is_rejected() -> None:
    late = replace(shape("thm04"), lowest=F(5))
    assert "not met below" in shapes.prove(late, claim_of("thm04")).verdict
    assert (
        "not met below"
        in shapes.prove(replace(shape("prop02c"), lowest=F(9, 4)), claim_of("prop02c")).verdict
    )


def test_a_claim_without_its_hypothesis_starts_nowhere() -> None:
    # Without Delta >= 2 sigma/mu every kappa is the claim's business, and no box reaches 0.
    claim = replace(claim_of("prop02b"), hypotheses=())
    assert "nothing bounds kappa from below" in shapes.prove(shape("prop02b"), claim).verdict


def test_a_claim_that_does_not_scale_is_rejected() -> None:
    found = shapes.prove(replace(shape("cor03a@mu"), claim="cor03a"), claim_of("cor03a"))
    assert "range of y" in found.verdict
    assert Invariance(claim_of("prop02c"), 2, (-1, 2)).failures()


def test_sides_that_differ_are_no_identity() -> None:
    found = shapes.prove(replace(shape("prop02c"), end=None), claim_of("prop02c"))
    assert "not identical" in found.verdict
    assert not shapes.prove(replace(shape("prop02a"), n=3), claim_of("prop02a")).is_proved
    assert not shapes.prove(shape("prop02a"), claim_of("prop02a"), F(2)).is_proved


def test_unbounded_y_is_not_covered() -> None:
    claim = claim_of("prop02c")
    endless = replace(claim, range=replace(claim.range, y=RealLine()))
    assert "unboundedly many y" in shapes.prove(shape("prop02c"), endless).verdict


def test_a_budget_of_boxes_ends_in_no_proof() -> None:
    found = shapes.prove(shape("prop02b"), claim_of("prop02b"), budget=100)
    assert found.reason == "budget: boxes"
    assert not found.is_proved
    assert not found.covers
    document = json.loads(json.dumps(found.document()))
    assert document["verdict"] == "not proved for n = 2: budget: boxes"
    assert document["end"] is None


@pytest.mark.parametrize("value", [arb("nan"), arb(0, "inf"), arb.pos_inf(), arb.neg_inf()])
@pytest.mark.parametrize("which", ["left", "right"])
def test_no_number_is_no_proof(which: str, value: arb) -> None:
    def broken(c: Any) -> Any:
        return value if isinstance(c.sample.mu, arb) else getattr(original, which)(c)

    claim = claim_of("prop02c")
    original = claim.conclusion
    assert isinstance(original, Inequality)
    planted = replace(original, left=broken) if which == "left" else replace(original, right=broken)
    found = shapes.prove(shape("prop02c"), replace(claim, conclusion=planted), budget=50)
    assert not found.is_proved


def test_an_exception_is_no_proof() -> None:
    def broken(c: Any) -> Any:
        if isinstance(c.sample.mu, arb):
            raise ZeroDivisionError("planted")
        return bounds.variance(c)

    claim = claim_of("prop02c")
    assert isinstance(claim.conclusion, Inequality)
    planted = replace(claim, conclusion=replace(claim.conclusion, left=broken))
    with pytest.raises(ZeroDivisionError):
        shapes.prove(shape("prop02c"), planted)


# Coverage.


def test_a_cover_with_a_hole_an_overlap_or_an_overhang_is_rejected() -> None:
    cover = proof_of("prop02b", 3).covers[0]
    assert shapes.is_tiled(cover)
    for gone in (0, len(cover.boxes) // 2, len(cover.boxes) - 1):
        holed = (*cover.boxes[:gone], *cover.boxes[gone + 1 :])
        assert not shapes.is_tiled(replace(cover, boxes=holed))
    assert not shapes.is_tiled(replace(cover, boxes=(*cover.boxes, cover.boxes[0])))
    # A twin in place of another box of the same size: the volume is right, the cover is not.
    sizes: dict[tuple[Fraction, ...], int] = {}
    for number, box in enumerate(cover.boxes):
        size = tuple(high - low for low, high in box.spans)
        if size in sizes:
            twins = list(cover.boxes)
            twins[number] = cover.boxes[sizes[size]]
            assert not shapes.is_tiled(replace(cover, boxes=tuple(twins)))
            break
        sizes[size] = number
    low, high = cover.range[0]
    assert not shapes.is_tiled(replace(cover, range=((low, high + 1), *cover.range[1:])))
    assert not shapes.is_tiled(replace(cover, range=((low, high - 1), *cover.range[1:])))
    empty = replace(cover.boxes[0], spans=((low, low), *cover.boxes[0].spans[1:]))
    assert not shapes.is_tiled(replace(cover, boxes=(*cover.boxes, empty)))


def test_a_prover_that_loses_a_half_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shapes._halves

    def losing(*given: Any) -> Any:
        return whole(*given)[:1]

    monkeypatch.setattr(shapes, "_halves", losing)
    found = shapes.prove(shape("prop02b"), claim_of("prop02b"))
    assert found.reason == "the boxes do not cover the range"


def test_strict_and_composite_conclusions_are_refused() -> None:
    claim = claim_of("prop02c")
    assert isinstance(claim.conclusion, Inequality)
    strict = replace(claim, conclusion=replace(claim.conclusion, relation="<"))
    with pytest.raises(ValueError, match="not one inequality"):
        shapes.prove(shape("prop02c"), strict)


# Best constants.


@cache
def constants() -> dict[str, Any]:
    return {entry.claim: entry for entry in shapes.sharpest_constants()}


def test_best_constants_are_enclosed() -> None:
    found = constants()
    assert set(found) == {name for name, n in WANTED if n == 2}
    for entry in found.values():
        assert F(entry.infimum.lower) <= F(entry.infimum.upper)
        assert F(entry.infimum.upper) - F(entry.infimum.lower) < F(1, 10**8)
        assert entry.proved_factor <= F(entry.infimum.upper)
        json.dumps(entry.document())
    assert F(found["prop02a"].infimum.upper) == 1
    assert F(found["prop02b"].infimum.lower) == 2
    assert F(found["prop02c"].infimum.lower) == 16
    assert F(found["cor03a@mu"].infimum.lower) == 1


def test_best_constants_of_integrals_agree_with_quadrature() -> None:
    with mp.workdps(20):
        two = mp.mpf(2)
        expected = (
            16 * mp.exp(mp.mpf(3) / 8) / mp.quad(lambda z: normal(z) * mp.sech(z), [-9, 0, 9])
        )
        assert holds(expected, constants()["cor03b"].infimum)
        assert abs(4 * two**2 * mp.exp(-mp.mpf(1) / 8) / risk(two) - expected) < 1e-12
        start = mp.sqrt(4 * mp.log(128))
        ratio = variation(start) / (2 * start**3 / 4096)
        # Quadrature with an absolute value and a corner: ten digits.
        assert abs(ratio / mp.mpf(constants()["thm04"].infimum.lower) - 1) < 1e-9


def test_the_ratios_said_to_grow_with_kappa_do() -> None:
    with mp.workdps(15):
        for name in ("cor03b", "thm04"):
            cover = proof_of(name, 2).covers[0]
            ratios = []
            for kappa in (F(9, 2), F(5), F(6), F(8), F(12)):
                left, right = sides(name, cover, {"kappa": kappa})
                ratios.append(right / left if name == "cor03b" else left / right)
            assert ratios == sorted(ratios)


def test_a_factor_that_is_not_proved_is_no_constant() -> None:
    entry = next(entry for entry in content.shapes().SHARP if entry.claim == "prop02b")
    with pytest.raises(ValueError, match="factor"):
        shapes.sharpest_constants([replace(entry, factor=F(3))])


def test_end_arguments_say_what_they_are_about() -> None:
    for proof in proofs():
        if proof.end is not None:
            assert isinstance(proof.end, EndArgument)
            assert len(proof.end.argument) > 40
            assert proof.end_checks
            assert proof.start

"""What it takes to prove a claim for every sample of one small size, and what such a proof is.

Two points, a scale and a noise level have one shape parameter, `kappa = mu Delta / sigma`; three
points have two, `kappa` and the ratio `1 + s` of the larger gap to the smaller. A claim whose two
sides scale alike under shifts and changes of unit holds for all samples of the size as soon as it
holds for the normal forms: mu = sigma = 1, smallest gap kappa, one point (or the middle) at 0.

`Shape`, `EndArgument`, `Term` and `Sharp` are data of the content; `ShapeProof` and
`SharpConstant` are results, and go to certificates by `document`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from dsmverify.claims import Enclosure, Relation
from dsmverify.exact import spell

Parameter = Literal["kappa", "s", "t"]
"""`s >= 0`: the gaps are kappa and kappa (1 + s). `t` in [0, 1]: where y lies in its interval."""

Span = tuple[Fraction, Fraction]
"""A closed interval with exact ends."""

Place = tuple[Fraction, Fraction]
"""`(a, b)`: a training point at `kappa (a + b s)` in the normal form."""


@dataclass(frozen=True)
class Term:
    """The function `coefficient kappa^power exp(-rate kappa^2)`, with `coefficient, rate >= 0`."""

    coefficient: Fraction
    power: int = 0
    rate: Fraction = Fraction(0)

    def text(self) -> str:
        """The function in plain text."""
        return f"({self.coefficient}) kappa^({self.power}) exp(-({self.rate}) kappa^2)"


@dataclass(frozen=True)
class EndArgument:
    """Why a claim holds where kappa or s is large.

    The written argument shows, for every `kappa >= since` and every s: the smaller side of the
    claim is at most `(ratio) / (1 - lost)` times the larger one, with `ratio` and `lost` sums of
    terms. What a machine checks: every term is non-increasing from `since` on, and at the first
    kappa where the argument is used, `ratio + lost <= 1`.

    Attributes:
        since: kappa from which the argument holds.
        argument: in words.
        ratio: terms that a factor on the smaller side multiplies.
        lost: terms that it does not multiply.
        decreasing: further functions that the argument needs to be non-increasing from `since` on.
    """

    since: Fraction
    argument: str
    ratio: tuple[Term, ...]
    lost: tuple[Term, ...] = ()
    decreasing: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Shape:
    """A claim to be proved for every sample of one size.

    Attributes:
        claim: its id.
        n: sample size, 2 or 3.
        invariance: why both sides scale alike.
        scaling: `(p, q)`: sides at a sample are `mu^p sigma^q` times those at its normal form.
        lowest: a kappa at or below which no sample meets the hypotheses (other than at it).
        highest: kappa up to which boxes go.
        widest: s up to which boxes go (three points).
        end: the argument beyond; None for a claim whose sides are identical.
    """

    claim: str
    n: int
    invariance: str
    scaling: tuple[int, int]
    lowest: Fraction = Fraction(0)
    highest: Fraction = Fraction(0)
    widest: Fraction = Fraction(0)
    end: EndArgument | None = None


@dataclass(frozen=True)
class Sharp:
    """The best constant of a claim at one size, to be enclosed.

    Attributes:
        claim: its id.
        n: sample size.
        argument: why the infimum is where it is said to be.
        factor: a factor that boxes and the end argument prove.
        highest: kappa up to which boxes go for it; None for as far as those of the claim itself.
        at: where the claim comes near the infimum: kappa, t and the index.
        is_increasing: the ratio grows with kappa, so the infimum is at the least kappa allowed.
    """

    claim: str
    n: int
    argument: str
    factor: Fraction
    highest: Fraction | None = None
    at: tuple[Fraction, Fraction, int] | None = None
    is_increasing: bool = False


@dataclass(frozen=True)
class Checked:
    """An inequality between two enclosed numbers, certified."""

    statement: str
    left: Enclosure
    relation: Relation
    right: Enclosure


@dataclass(frozen=True)
class Box:
    """A box of parameters on which a claim is certified.

    Attributes:
        spans: one closed interval for each parameter.
        left: encloses the left side on the whole box.
        right: encloses the right side on the whole box.
        margin: encloses a lower bound of the sides' difference, where they alone do not decide.
    """

    spans: tuple[Span, ...]
    left: Enclosure
    right: Enclosure
    margin: Enclosure | None = None


@dataclass(frozen=True)
class Cover:
    """Boxes that cover a range of parameters, at one index and for one order of the gaps.

    Attributes:
        i: index of the claim, from 1; 0 where it has none.
        place: number, from 0, of the place that y takes; None where y has an interval, or none.
        places: training points of the normal form.
        parameters: what the spans are about, in this order.
        range: what is covered.
        boxes: the boxes.
    """

    i: int
    place: int | None
    places: tuple[Place, ...]
    parameters: tuple[Parameter, ...]
    range: tuple[Span, ...]
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class ShapeProof:
    """What was found about a claim over all samples of one size.

    Attributes:
        claim: its id.
        n: sample size.
        method: boxes, or an identity between the two sides.
        relation: of the claim.
        factor: on the smaller side; 1 is the claim itself.
        hypotheses: of the claim, in words.
        invariance: why the normal forms stand for all samples.
        invariance_checks: identities shown by SymPy.
        start: certified at the least kappa of the boxes: below it no sample meets a hypothesis.
        covers: the compact part.
        end: the argument for the rest.
        end_checks: its certified inequalities.
        bits: working precision.
        reason: why nothing is proved; None if it is.
    """

    claim: str
    n: int
    method: Literal["boxes", "identity"]
    relation: Relation
    factor: Fraction
    hypotheses: tuple[str, ...]
    invariance: str
    invariance_checks: tuple[str, ...]
    start: tuple[Checked, ...]
    covers: tuple[Cover, ...]
    end: EndArgument | None
    end_checks: tuple[Checked, ...]
    bits: int
    reason: str | None = None

    @property
    def is_proved(self) -> bool:
        """Whether the claim, with the factor, is proved for every sample of the size."""
        return self.reason is None

    @property
    def used_from(self) -> Fraction:
        """Kappa from which the end argument is used: beyond the boxes, or at their start.

        Where there is an s, what lies beyond the boxes' last s is left to it at every kappa.
        """
        span = self.covers[0].range[0]
        return span[0] if "s" in self.covers[0].parameters else span[1]

    @property
    def boxes(self) -> int:
        """How many boxes the covers have."""
        return sum(len(cover.boxes) for cover in self.covers)

    @property
    def verdict(self) -> str:
        """What may be said: never more than the size that was treated."""
        if self.reason is not None:
            return f"not proved for n = {self.n}: {self.reason}"
        times = "" if self.factor == 1 else f", with the factor {self.factor} to spare,"
        return f"proved{times} for n = {self.n}"

    @property
    def text(self) -> str:
        """Range and method in one sentence."""
        if self.method == "identity":
            return f"{self.verdict}: the two sides are identical there (SymPy)"
        if self.reason is not None or self.end is None:
            return self.verdict
        first = self.covers[0]
        ranges = dict(zip(first.parameters, first.range, strict=True))
        kappa = ranges["kappa"]
        compact = f"kappa in [{spell(kappa[0])}, {spell(kappa[1])}]"
        if "s" in ranges:
            compact += f", s in [0, {spell(ranges['s'][1])}], either order of the gaps"
        return (
            f"{self.verdict}: every sample, up to shift and scale, by {self.boxes} boxes on "
            f"{compact} ({self.bits} bits) and by a written argument beyond"
        )

    def document(self) -> dict[str, Any]:
        """The proof as a JSON document: fractions and outward-rounded decimals as text."""
        return {
            "claim": self.claim,
            "n": self.n,
            "verdict": self.verdict,
            "method": self.method,
            "relation": self.relation,
            "factor": str(self.factor),
            "hypotheses": list(self.hypotheses),
            "normal_form": self.invariance,
            "invariance_checks": list(self.invariance_checks),
            "bits": self.bits,
            "boxes": self.boxes,
            "start": [_checked(check) for check in self.start],
            "end": None if self.end is None or not self.covers else _end(self),
            "covers": [_cover(cover) for cover in self.covers],
        }


@dataclass(frozen=True)
class SharpConstant:
    """The best factor of a claim over all samples of one size, enclosed.

    For `left <= right` it is the infimum of `right / left`, for `left >= right` that of
    `left / right`: the claim holds with any smaller factor on its smaller side, and with no larger
    one.

    Attributes:
        claim: its id.
        n: sample size.
        infimum: encloses it.
        argument: why the infimum is where it is said to be.
        lower_by: what certifies the lower end.
        upper_by: exact instance that certifies the upper end.
        proved_factor: the factor that boxes and the end argument prove.
    """

    claim: str
    n: int
    infimum: Enclosure
    argument: str
    lower_by: str
    upper_by: Mapping[str, str]
    proved_factor: Fraction

    def document(self) -> dict[str, Any]:
        """The constant as a JSON document."""
        return {
            "claim": self.claim,
            "n": self.n,
            "infimum": _enclosure(self.infimum),
            "argument": self.argument,
            "lower_by": self.lower_by,
            "upper_by": dict(self.upper_by),
            "proved_factor": str(self.proved_factor),
        }


def _enclosure(value: Enclosure) -> dict[str, str]:
    return {"lower": value.lower, "upper": value.upper}


def _checked(check: Checked) -> dict[str, Any]:
    return {
        "statement": check.statement,
        "left": _enclosure(check.left),
        "relation": check.relation,
        "right": _enclosure(check.right),
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        "coefficient": str(term.coefficient),
        "power": term.power,
        "rate": str(term.rate),
    }


def _end(proof: ShapeProof) -> dict[str, Any]:
    assert proof.end is not None  # asked for by `document` only where there is one
    beyond = {}
    for name, (_, last) in zip(proof.covers[0].parameters, proof.covers[0].range, strict=True):
        if name != "t":
            beyond[name] = str(last)
    return {
        "since": str(proof.end.since),
        "used_from": str(proof.used_from),
        "from": beyond,
        "argument": proof.end.argument,
        "ratio": [_term(term) for term in proof.end.ratio],
        "lost": [_term(term) for term in proof.end.lost],
        "decreasing": [_term(term) for term in proof.end.decreasing],
        "checks": [_checked(check) for check in proof.end_checks],
    }


def _cover(cover: Cover) -> dict[str, Any]:
    return {
        "i": cover.i,
        "place": cover.place,
        "places": [[str(part) for part in place] for place in cover.places],
        "parameters": list(cover.parameters),
        "range": [[str(end) for end in span] for span in cover.range],
        "boxes": [
            {
                "box": [[str(end) for end in span] for span in box.spans],
                "left": _enclosure(box.left),
                "right": _enclosure(box.right),
                "margin": None if box.margin is None else _enclosure(box.margin),
            }
            for box in cover.boxes
        ],
    }

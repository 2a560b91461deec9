"""A fixed list of small instances on which planted variants are decided, and some bundled ones."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from dsmverify.battery import battery
from dsmverify.certify import Session
from dsmverify.curves.bundled import bundled_points
from dsmverify.curves.points import CurvePoint
from dsmverify.instance import Instance, NoiseLevel

BUNDLED = (
    "random-pair",
    "random-four-mean",
    "fitted-pair-eight",
    "fitted-triple-nine",
    "shape-one-right",
    "shape-structured",
    "minimum-pair-ends",
    "minimum-overlap-two",
    "large-rate-pair-one",
)
"""Instances of the battery with networks: generated, accurate, odd ones, and proved minima."""


def _sample(name: str, points: str, mu: str, sigma: str, **parameters: Any) -> Instance:
    exact = {
        key: [Fraction(entry) for entry in value]
        if isinstance(value, list)
        else (value if isinstance(value, int) else Fraction(value))
        for key, value in parameters.items()
    }
    return Instance(
        name,
        tuple(Fraction(word) for word in points.split()),
        NoiseLevel(sigma=Fraction(sigma), mu=Fraction(mu)),
        parameters=exact,
    )


SMALL = (
    _sample("pair-at-two", "0 1", "4/5", "2/5"),
    _sample("pair-at-nine", "0 1", "9/10", "1/10"),
    _sample("pair-at-thirty-six", "-2 2", "9/10", "1/10"),
    _sample("pair-touching", "-1/200 1/200", "1/2", "1/2"),
    _sample("pair-at-one", "-1/2 1/2", "1/2", "1/2"),
    _sample("pair-tiny", "0 1/50", "9/10", "9/1000"),
    _sample("triple-close-and-far", "0 1/100 1", "9/10", "9/10"),
    _sample("triple-even", "0 1 2", "9/10", "1/4"),
    _sample("triple-uneven", "-1 0 3", "9/10", "1/8"),
    _sample("five-even", "0 1 2 3 4", "9/10", "1/6"),
    _sample("twelve-even", "0 1 2 3 4 5 6 7 8 9 10 11", "9/10", "1/10"),
)
"""Samples from nearly coinciding to far apart."""

FUNCTIONS = (
    _sample(
        "function-steepest", "0 1", "4/5", "1/2", k=2, A="1/2", f=["0", "-1"], beta="2", gamma="1",
        delta="5",
    ),
    _sample(
        "function-cubic", "0 1", "4/5", "1/2", k=3, A="2", f=["1", "0", "0", "1"], beta="3",
        gamma="1/10", delta="1/2",
    ),
    _sample(
        "function-too-steep", "0 1", "4/5", "1/2", k=1, A="1", f=["0", "-2"], beta="2", gamma="1",
        delta="1",
    ),
    _sample(
        "function-without-room", "0 1", "4/5", "1/2", k=1, A="3", f=["0", "-2"], beta="2",
        gamma="5/2", delta="1",
    ),
)  # fmt: skip
"""Polynomials, powers and widths for the lemmas about functions."""


@cache
def instances() -> dict[str, Instance]:
    """All of them by name."""
    bundled = {instance.name: instance for instance in battery()}
    chosen = [*SMALL, *FUNCTIONS, *(bundled[name] for name in BUNDLED)]
    return {instance.name: instance for instance in chosen}


@cache
def session(name: str) -> Session:
    """The session of an instance: certified values are kept between variants."""
    return Session(instances()[name])


CURVES = (
    *("reference-one", "reference-all", "fewer-erf", "fewer-abs", "fewer-near", "fewer-linear"),
    *("more-before", "more-one", "more-abs", "more-ten", "more-wide", "all-hundred"),
    *("all-just-above", "all-late", "all-wide", "peak-relu", "peak-erf", "large-ridge"),
    *("limit-relu", "limit-erf", "limit-linear", "limit-few", "limit-law"),
)
"""Points of learning curves, of all that are bundled."""


@cache
def curve_points() -> dict[str, CurvePoint]:
    """Points of learning curves by name."""
    bundled = {point.name: point for point in bundled_points()}
    return {f"curve-{name}": bundled[f"curve-{name}"] for name in CURVES}


@cache
def curve_session(name: str) -> Session:
    """The session of a point."""
    return Session(curve_points()[name])

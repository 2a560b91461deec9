"""Instances of the reference table, and the corner cases that an instance belongs to.

Samples and networks are typed in as exact text; which corner case one is comes from the numbers
themselves, so a tag cannot be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

import numpy as np

from dsmverify.instance import Instance

NETWORKS: Final[Mapping[str, tuple[str, str, str]]] = {
    # inner weights; biases; outer weights
    "one-right": ("1", "-0.25", "1"),
    "one-left": ("-1", "0.5", "-2"),
    "one-steep": ("-3", "0.375", "4096"),
    "twins": ("1 1", "-0.25 -0.25", "1 2"),
    "hinge": ("1 -1", "0 0", "1 1"),
    "straight": ("1 -1", "0 0", "-2 2"),
    "cancelling": ("1 2", "-0.25 -0.5", "2 -1"),
    "knot": ("1 2 -0.5", "-0.25 -0.5 0.125", "1 -2 0.5"),
    "mixed": ("1 -1 2", "-0.25 0.5 -0.5", "1 -2 0.5"),
    "facing": ("1 -1", "0.5 0.75", "-1 2"),
    "apart": ("1 -1", "-0.5 -0.75", "-1.5 2"),
    "part-zero": ("1 -1", "-0.125 0.25", "0 0.5"),
    "silent": ("1 -1", "-0.125 0.25", "0 0"),
    "dead": ("1 -1", "-16 0.25", "1 -1"),
    "faint": ("1 -1", "0.0625 0.125", "9.5367431640625e-7 -9.5367431640625e-7"),
    "five": ("1 -1 0.5 -2 1", "0.125 0.25 -0.5 1 -0.75", "1 -1 0.5 0.25 -2"),
    "thirds": ("1/3 -2/3", "1/7 1/5", "3/2 -7/3"),
    "means": ("1 -1 1", "0.75 0 -0.75", "-1 0.5 2"),  # kinks at -0.75, 0, 0.75
    "midpoints": ("1 1", "0.1875 -0.5625", "-2 -3"),  # kinks at -0.1875, 0.5625
    "quarter": ("1 -1", "-0.4375 0.4375", "-1 1"),  # both kinks at 0.4375
    "at-512": ("1 -1", "-512 512.5", "1 -2"),
    "at-2^19": ("1 -1", "-524288 524288.0625", "1 -1"),
    "at-minus-3614": ("1 -1", "3614.25 -3614.5", "-1 1"),
}

CASES: Final[tuple[tuple[str, str, Mapping[str, str], str, tuple[str, ...]], ...]] = (
    # name; points; noise level; places y; networks
    ("pair", "-1 1", {"mu": "0.75", "sigma": "0.5"}, "-0.75 0 0.25 5",
     ("one-right", "one-left", "twins", "hinge", "facing", "means", "silent")),
    ("unit", "-1 1", {"mu": "0.5", "sigma": "0.5"}, "0 0.5 -0.125",
     ("straight", "part-zero", "cancelling")),
    ("switch", "0 1", {"mu": "0.875", "sigma": "0.0078125"}, "0 0.4375 0.4375152587890625 0.875 1",
     ("one-right", "quarter")),
    ("minute", "-1/65536 1/65536", {"mu": "0.5", "sigma": "1/1048576"},
     "0 1/4194304 -1/131072 1/16384", ("one-left", "straight")),
    ("razor", "-1 1", {"mu": "0.5", "sigma": "1/1048576"}, "-0.5 0.5", ("one-right", "facing")),
    ("touching", "0 9.5367431640625e-7", {"mu": "0.5", "sigma": "0.5"},
     "0 2.384185791015625e-7 3", ("one-right", "straight")),
    ("offset", "1024 1025", {"mu": "0.5", "sigma": "0.5"}, "512 512.25 516",
     ("at-512", "one-right")),
    ("far-offset", "1048576 1048576.125", {"mu": "0.5", "sigma": "0.0625"},
     "524288 524288.03125 524290", ("at-2^19",)),
    ("minus-offset", "-4096 -4095.5", {"time": "0.125"}, "-3614 -3614.5 -3610",
     ("at-minus-3614",)),
    ("noisy", "-2 3", {"mu": "0.0009765625", "sigma": "0.99999904632568359375"},
     "0 1 -7 0.00048828125", ("straight", "one-right", "faint")),
    ("early", "0 0.25", {"time": "9.5367431640625e-7"}, "0.125 0.1250152587890625 0.1248779296875",
     ("one-left", "facing")),
    ("late", "-1 4", {"time": "20"}, "0 1 -9", ("straight", "twins")),
    ("thirds", "1/3 2/3 7/5", {"mu": "2/3", "sigma": "1/7"}, "1/3 1/2 -5/3", ("thirds", "mixed")),
    ("triple", "-1 0.5 2", {"mu": "0.75", "sigma": "0.25"}, "-0.1875 0.375 1.5 -4",
     ("mixed", "knot", "midpoints", "dead")),
    ("even-triple", "-1 0 1", {"mu": "0.75", "sigma": "0.0625"}, "-0.75 -0.375 0 0.390625",
     ("means", "one-steep", "apart")),
    ("root-triple", "-1 0.5 2", {"sigma": "0.25"}, "-0.25 0.5 1.75 30", ("mixed", "twins")),
    ("decimal-triple", "0.1 0.2 0.4", {"sigma": "0.6"}, "0.12 0.16 2", ("thirds", "hinge")),
    ("uneven", "0 0.0009765625 1", {"mu": "0.5", "sigma": "0.125"}, "0 0.000244140625 0.25 0.5",
     ("knot", "one-left")),
    ("tails", "-1 0 1", {"mu": "0.5", "sigma": "0.125"}, "4 -6 -8 10", ("apart", "dead")),
    ("sharp", "0 1 2", {"mu": "0.75", "sigma": "0.0078125"},
     "0.75 0.3751220703125 1.1251220703125 1.5", ("mixed", "one-right")),
    ("almost-noise", "-1 0 2", {"sigma": "0.999"}, "-1 0 0.5 12", ("straight", "cancelling")),
    ("even-four", "0 1 2 3", {"mu": "0.5", "sigma": "0.125"}, "0 0.25 0.75 0.8125",
     ("mixed", "quarter")),
    ("timed-four", "-1.5 -0.5 0.25 2", {"time": "0.5"}, "-0.5 0.125 1 -6", ("knot", "part-zero")),
    ("even-five", "-2 -1 0 1 2", {"mu": "0.5", "sigma": "0.5"}, "0 -0.25 1 8",
     ("five", "straight")),
    ("clusters", "-2 -1.96875 0 2 2.03125", {"mu": "0.875", "sigma": "0.25"},
     "-1.75 -1 0 1.8", ("facing", "five")),
    ("six", "-3 -1 0 0.5 4 5", {"time": "1/1024"}, "-2 0.25 2.25 4.5", ("mixed",)),
    ("even-eight", "-3.5 -2.5 -1.5 -0.5 0.5 1.5 2.5 3.5", {"mu": "0.75", "sigma": "0.25"},
     "0 -0.375 2 -2.75", ("apart",)),
    ("fifth-eight", "-2 -1.25 -1 0.125 0.25 0.75 1 3", {"time": "1/5"}, "-1 0 0.5 2.5",
     ("mixed", "knot")),
)  # fmt: skip
"""The instances; together with one of its networks each is one more."""


def cases() -> Iterator[Instance]:
    """Every sample alone, and with each of its networks."""
    for name, points, noise, places, networks in CASES:
        plain = {"x": points.split(), **noise, "at": places.split()}
        yield Instance.from_json(plain, name=name)
        for chosen in networks:
            inner, biases, outer = NETWORKS[chosen]
            network: dict[str, Any] = {
                "inner_weights": inner.split(),
                "biases": biases.split(),
                "outer_weights": outer.split(),
            }
            if chosen == "facing":
                network["bound"] = "16"
            yield Instance.from_json(plain | {"network": network}, name=f"{name}+{chosen}")


def tags_of(instance: Instance) -> tuple[str, ...]:
    """Corner cases that an instance belongs to, sorted."""
    return tuple(sorted(name for name, holds in _TAGS.items() if holds(instance)))


def formats_of(instance: Instance) -> tuple[str, ...]:
    """Floating-point formats, narrowest first, that hold every number of an instance exactly."""
    given = [*instance.points, *instance.at]
    level = instance.noise
    given += [part for part in (level.mu, level.sigma, level.time) if part is not None]
    if instance.network is not None:
        data = instance.network
        given += [*data.inner_weights, *data.biases, *data.outer_weights]
        given += [] if data.bound is None else [data.bound]
    return tuple(
        name
        for name, kind in (("float16", np.float16), ("float32", np.float32), ("float64", float))
        if all(_is_exact(value, kind) for value in given)
    )


def _is_exact(value: Fraction, kind: Callable[[float], Any]) -> bool:
    if abs(value) > 65504 and kind is np.float16:
        return False  # it would round to infinity
    rounded = float(kind(float(value)))
    return Fraction(rounded) == value


def _means(instance: Instance) -> list[Fraction]:
    """Every `mu x_i`, exact; none for irrational mu."""
    mu = instance.noise.rational_mu
    return [] if mu is None else [mu * x for x in instance.points]


def _midpoints(instance: Instance) -> set[Fraction]:
    return {(left + right) / 2 for left, right in pairwise(_means(instance))}


def _kinks(instance: Instance) -> list[Fraction]:
    data = instance.network
    if data is None:
        return []
    return [-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)]


def _floats(instance: Instance) -> tuple[float, float]:
    from dsmverify.systems import float64

    mu, sigma = instance.noise.values(float64.SYSTEM)
    return float(mu), float(sigma)


def _has_tail(instance: Instance) -> bool:
    """Whether some y is more than 8 sigma from every mean."""
    mu, sigma = _floats(instance)
    return any(
        min(abs(float(y) - mu * float(x)) for x in instance.points) > 8 * sigma for y in instance.at
    )


def _is_even(instance: Instance) -> bool:
    gaps = {right - left for left, right in pairwise(instance.points)}
    return instance.size > 2 and len(gaps) == 1


def _is_offset(instance: Instance) -> bool:
    first, last = instance.points[0], instance.points[-1]
    return min(abs(first), abs(last)) > 100 * (last - first)


def _spacing_ratio(instance: Instance) -> float:
    mu, sigma = _floats(instance)
    return mu * float(instance.spacing) / sigma


def _width(instance: Instance) -> int:
    return 0 if instance.network is None else instance.network.width


_TAGS: Final[Mapping[str, Callable[[Instance], bool]]] = {
    "equal spacing": _is_even,
    "huge sigma": lambda case: _floats(case)[1] > 0.99,
    "irrational mu": lambda case: case.noise.rational_mu is None,
    "kink on a mean": lambda case: bool(set(_kinks(case)) & set(_means(case))),
    "kink on a midpoint": lambda case: bool(set(_kinks(case)) & _midpoints(case)),
    "large offset": _is_offset,
    "n = 2": lambda case: case.size == 2,
    "noise as time": lambda case: case.noise.time is not None,
    "one neuron": lambda case: _width(case) == 1,
    "separated": lambda case: _spacing_ratio(case) > 8,
    "tail": _has_tail,
    "tied kinks": lambda case: len(set(_kinks(case))) < _width(case),
    "tiny sigma": lambda case: _floats(case)[1] < 0.01,
    "touching": lambda case: _spacing_ratio(case) < 0.01,
    "y on a midpoint": lambda case: bool(set(case.at) & _midpoints(case)),
    "zero outer weight": lambda case: case.network is not None and 0 in case.network.outer_weights,
}

TAGS: Final = tuple(_TAGS)
"""Every tag."""

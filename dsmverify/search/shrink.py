"""A witness made as small as it gets: fewest points, fewest neurons, shortest numbers.

Every step is decided with balls; what is not certified FALSE any more is not taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from dsmverify.claims import Row
from dsmverify.errors import DsmverifyError
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.search.networks import bounded_like, with_bound
from dsmverify.search.rounding import length, rounded

Decide = Callable[[Instance], Row | None]
"""Decides an instance: its row if it is certified FALSE, None otherwise or when spent."""

MOST_DIGITS: Final = 12
"""Roundings of all numbers at once start here and go down."""

SINGLES: Final = 40
"""Networks wider than this are not shortened number by number."""

ROUNDS: Final = 4
"""Passes over all kinds of steps."""


@dataclass
class Witness:
    """A refuting instance and its row."""

    instance: Instance
    row: Row

    @property
    def size(self) -> tuple[int, int, int]:
        """Points, neurons, characters."""
        data = self.instance.network
        return (
            self.instance.size,
            data.width if data else 0,
            sum(length(value) for value in numbers_of(self.instance)) + extras(self.instance),
        )


def shrink(witness: Witness, decide: Decide) -> Witness:
    """The smallest witness that steps one at a time lead to; deterministic."""
    for _ in range(ROUNDS):
        before = witness.size
        for kind in (_plainer, _fewer_points, _fewer_neurons, _rounder, _shorter):
            witness = _descend(witness, kind, decide)
        if witness.size == before:
            break
    return witness


def _descend(
    witness: Witness, kind: Callable[[Instance], Iterator[Instance]], decide: Decide
) -> Witness:
    """Take steps of one kind as long as one is certified FALSE and makes the witness smaller."""
    while True:
        for smaller in _safely(kind, witness.instance):
            candidate = Witness(smaller, witness.row)
            if candidate.size >= witness.size:
                continue
            row = decide(smaller)
            if row is not None:
                witness = Witness(smaller, row)
                break
        else:
            return witness


def _safely(
    kind: Callable[[Instance], Iterator[Instance]], instance: Instance
) -> Iterator[Instance]:
    steps = kind(instance)
    while True:
        try:
            yield next(steps)
        except StopIteration:
            return
        except (ArithmeticError, DsmverifyError, ValueError):
            return


def numbers_of(instance: Instance) -> Iterator[Fraction]:
    """Every rational number of an instance."""
    yield from instance.points
    noise = instance.noise
    yield from (value for value in (noise.mu, noise.sigma, noise.time) if value is not None)
    if instance.learning_rate is not None:
        yield instance.learning_rate
    data = instance.network
    if data is not None:
        yield from (*data.inner_weights, *data.biases, *data.outer_weights)
        if data.bound is not None:
            yield data.bound
    for value in instance.parameters.values():
        yield from value if isinstance(value, tuple) else (Fraction(value),)


def extras(instance: Instance) -> int:
    """How much an instance says beside its numbers."""
    batch = instance.batch
    return len(instance.at) + len(instance.parameters) + (0 if batch is None else 10 + batch.size)


def _fewer_points(instance: Instance) -> Iterator[Instance]:
    if instance.size == 2:
        return
    half = instance.size // 2
    for kept in (instance.points[:half], instance.points[half:]):
        if len(kept) >= 2:
            yield _with_points(instance, kept)
    for index in range(instance.size):
        yield _with_points(instance, instance.points[:index] + instance.points[index + 1 :])


def _with_points(instance: Instance, points: tuple[Fraction, ...]) -> Instance:
    batch = instance.batch
    if batch is not None:
        batch = replace(batch, size=min(batch.size, len(points)))
    parameters = {k: v for k, v in instance.parameters.items() if k not in {"i", "j", "l", "y"}}
    return replace(instance, points=points, batch=batch, parameters=parameters)


def _fewer_neurons(instance: Instance) -> Iterator[Instance]:
    """Without a part of the neurons.

    The others keep what they add to the function, or their weights (it is divided by the width).
    Equal neurons are thinned out first, all groups of them together.
    """
    data = instance.network
    if data is None:
        return
    for kept in _parts(data):
        for factor in (Fraction(1), Fraction(len(kept), data.width)):
            yield replace(instance, network=_subset(data, kept, factor))


def _parts(data: NetworkData) -> Iterator[list[int]]:
    """Neurons that stay: thinner groups, then all but a half, a quarter, .., one."""
    groups: dict[tuple[Fraction, Fraction, Fraction], list[int]] = {}
    for neuron in range(data.width):
        key = (data.inner_weights[neuron], data.biases[neuron], data.outer_weights[neuron])
        groups.setdefault(key, []).append(neuron)
    for share in (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(7, 8)):
        thin = [group[: math.ceil(share * len(group))] for group in groups.values()]
        kept = sorted(neuron for group in thin for neuron in group)
        if len(kept) < data.width:
            yield kept
    part = data.width // 2
    while part:
        for start in range(0, data.width, part):
            kept = [l for l in range(data.width) if not start <= l < start + part]
            if kept:
                yield kept
        part = part // 2 if data.width <= SINGLES or part > data.width // SINGLES else 0


def _subset(data: NetworkData, kept: list[int], factor: Fraction) -> NetworkData:
    outer = tuple(data.outer_weights[l] * factor for l in kept)
    found = NetworkData(
        tuple(data.inner_weights[l] for l in kept), tuple(data.biases[l] for l in kept), outer
    )
    return bounded_like(found, data)


def _plainer(instance: Instance) -> Iterator[Instance]:
    """Without what the witness may not need."""
    if instance.at:
        yield replace(instance, at=())
    if instance.batch is not None:
        yield replace(instance, batch=None)
        if instance.batch.size > 2:
            yield replace(instance, batch=Batch(2))
    for name in ("y", "i", "j", "l"):
        if name in instance.parameters:
            rest = {k: v for k, v in instance.parameters.items() if k != name}
            yield replace(instance, parameters=rest)
    data = instance.network
    if data is not None and data.bound is not None:
        yield replace(instance, network=with_bound(data, None))
    yield _shifted(instance, -instance.points[0])
    for length_ in (1, 2, 5):
        yield _scaled_to(instance, length_)


def _shifted(instance: Instance, shift: Fraction) -> Instance:
    """Points, kinks and y moved together; mu must be rational for kinks to follow exactly."""
    mu = instance.noise.rational_mu
    points = tuple(x + shift for x in instance.points)
    data = instance.network
    parameters = dict(instance.parameters)
    if (data is not None or "y" in parameters) and mu is None:
        raise ValueError("mu: irrational, so that kinks cannot follow exactly")
    if data is not None:
        assert mu is not None
        biases = tuple(
            b - w * mu * shift for w, b in zip(data.inner_weights, data.biases, strict=True)
        )
        data = replace(data, biases=biases)
    if "y" in parameters:
        assert mu is not None
        parameters["y"] += mu * shift
    return replace(instance, points=points, network=data, parameters=parameters)


def _scaled_to(instance: Instance, spacing: int) -> Instance:
    """The sample with another smallest gap and all else as it was."""
    if instance.network is not None or "y" in instance.parameters:
        raise ValueError("network: it would not fit the sample any more")
    factor = spacing / instance.spacing
    return replace(instance, points=tuple(x * factor for x in instance.points))


def _rounder(instance: Instance) -> Iterator[Instance]:
    """All numbers of a kind, or all numbers, rounded to ever fewer digits."""
    for digits in range(1, MOST_DIGITS):
        for which in ("everything", "points", "noise", "network", "biases", "outer"):
            yield _rounded(instance, digits, which)


def _rounded(instance: Instance, digits: int, which: str) -> Instance:
    points, noise, data = instance.points, instance.noise, instance.network
    scale = float(instance.spacing)
    if which in {"everything", "points"}:
        points = tuple(rounded(x, digits, scale) for x in points)
    if which in {"everything", "noise"}:
        noise = _rounded_noise(noise, digits)
    if data is not None and which not in {"points", "noise"}:
        sigma = float(instance.noise.sigma or 1)
        data = _rounded_network(data, digits, which, sigma)
    return replace(instance, points=points, noise=noise, network=data)


def _rounded_noise(noise: NoiseLevel, digits: int) -> NoiseLevel:
    if noise.time is not None:
        return NoiseLevel(time=rounded(noise.time, digits))
    assert noise.sigma is not None
    mu = None if noise.mu is None else _unit_rounded(noise.mu, digits)
    return NoiseLevel(mu=mu, sigma=_unit_rounded(noise.sigma, digits))


def _unit_rounded(value: Fraction, digits: int) -> Fraction:
    if value < Fraction(1, 2):
        return rounded(value, digits)
    return 1 - rounded(1 - value, digits)


def _rounded_network(data: NetworkData, digits: int, which: str, sigma: float) -> NetworkData:
    biases, outer = data.biases, data.outer_weights
    if which != "outer":
        biases = tuple(rounded(b, digits, sigma) for b in biases)
    if which != "biases":
        outer = tuple(rounded(w, digits) for w in outer)
    found = NetworkData(data.inner_weights, biases, outer)
    return bounded_like(found, data)


def _shorter(instance: Instance) -> Iterator[Instance]:
    """One number spelled shorter, the others as they are."""
    noise = instance.noise
    for value in _shorter_numbers(noise.mu):
        yield replace(instance, noise=replace(noise, mu=value))
    for value in _shorter_numbers(noise.sigma):
        yield replace(instance, noise=replace(noise, sigma=value))
    for value in _shorter_numbers(noise.time):
        yield replace(instance, noise=replace(noise, time=value))
    for index, point in enumerate(instance.points):
        for value in _shorter_numbers(point):
            points = (*instance.points[:index], value, *instance.points[index + 1 :])
            if all(a < b for a, b in pairwise(points)):
                yield replace(instance, points=points)
    for value in _shorter_numbers(instance.learning_rate):
        yield replace(instance, learning_rate=value)
    yield from _shorter_parameters(instance)
    data = instance.network
    if data is None or data.width > SINGLES:
        return
    for index, weight in enumerate(data.inner_weights):
        for value in _shorter_numbers(weight):
            if value * weight > 0:  # the kink stays
                inner = (*data.inner_weights[:index], value, *data.inner_weights[index + 1 :])
                bias = data.biases[index] * value / weight
                biases = (*data.biases[:index], bias, *data.biases[index + 1 :])
                changed = replace(data, inner_weights=inner, biases=biases)
                yield replace(instance, network=changed)
    for index, bias in enumerate(data.biases):
        for value in _shorter_numbers(bias):
            biases = (*data.biases[:index], value, *data.biases[index + 1 :])
            yield replace(instance, network=replace(data, biases=biases))
    for index, weight in enumerate(data.outer_weights):
        for value in _shorter_numbers(weight):
            outer = (*data.outer_weights[:index], value, *data.outer_weights[index + 1 :])
            found = NetworkData(data.inner_weights, data.biases, outer)
            yield replace(instance, network=bounded_like(found, data))
    for value in _shorter_numbers(data.bound):
        if value > max(abs(weight) for weight in data.outer_weights):
            yield replace(instance, network=with_bound(data, value))


def _shorter_parameters(instance: Instance) -> Iterator[Instance]:
    given: dict[str, Any] = dict(instance.parameters)
    for name, old in given.items():
        if isinstance(old, int):
            for smaller in range(1, old):
                yield replace(instance, parameters={**given, name: smaller})
        elif isinstance(old, tuple):
            if len(old) > 1:
                yield replace(instance, parameters={**given, name: old[:-1]})
            for index, entry in enumerate(old):
                for value in _shorter_numbers(entry):
                    changed = (*old[:index], value, *old[index + 1 :])
                    yield replace(instance, parameters={**given, name: changed})
        else:
            for value in _shorter_numbers(old):
                yield replace(instance, parameters={**given, name: value})


def _shorter_numbers(value: Fraction | None) -> Iterator[Fraction]:
    """Shorter spellings near a number, shortest first: round numbers, halves, few digits."""
    if value is None:
        return
    old = length(value)
    found = {Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(round(value))}
    found |= {rounded(value, digits) for digits in range(1, MOST_DIGITS)}
    found |= {value.limit_denominator(k) for k in (2, 3, 4, 5, 8, 10)}
    if abs(value) < 1:
        found |= {1 - rounded(1 - value, digits) for digits in range(1, MOST_DIGITS)}
    shorter = [number for number in found if number != value and length(number) < old]
    yield from sorted(shorter, key=lambda number: (length(number), abs(number - value), number))

"""Structured networks for a sample: kinks at the quantities that the proofs use.

| letter | here | meaning |
|---|---|---|
| mu x_i | `centres` | means of the noised point |
| tau, w2 | `kinks`, `outer` | kinks and outer weights |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from dsmverify import families
from dsmverify.instance import Instance, NetworkData
from dsmverify.search.rounding import exponent_of, rounded
from dsmverify.systems.float64 import SYSTEM

DIGITS: Final = 4
"""Digits of kinks, relative to sigma or to the smallest gap, and of outer weights."""

FAR: Final = 8.0
"""Decimal logarithm of the farthest kink, in ranges of the data."""

TIGHT: Final = Fraction(11, 10)
"""A bound up to so many times the largest outer weight counts as tight."""

REACH: Final = 4.0
"""Interpolants leave the lines of the score at most so many sigmas from the means."""

MOST_NEURONS: Final = 8
"""Neurons of a group."""

MOST_CENTRES: Final = 5
"""Means of a large sample around which kinks are placed."""


@dataclass(frozen=True)
class Noised:
    """A sample as a network sees it, in floats, and exact where a short spelling matters."""

    centres: tuple[Fraction, ...]
    sigma: float
    mu: float
    gap: float

    @classmethod
    def of(cls, instance: Instance) -> Noised:
        """Means and noise level of an instance; an irrational mu is rounded to a float."""
        mu, sigma = (float(value) for value in instance.noise.values(SYSTEM))
        exact = instance.noise.rational_mu or Fraction(mu)
        centres = tuple(exact * x for x in instance.points)
        return cls(centres, sigma, mu, mu * float(instance.spacing))

    def place(self, kink: Fraction | float) -> Fraction:
        """A kink as a decimal whose error is far below sigma and the gap."""
        return rounded(Fraction(kink), DIGITS, min(self.sigma, self.gap))


Maker = Callable[[], NetworkData | None]
"""Makes one network; None where the sample has none of its kind."""


def structured(instance: Instance, generator: np.random.Generator) -> list[Maker]:
    """Ways to make a network for a sample: interpolants, single neurons, groups, random ones.

    Args:
        instance: sample and noise level.
        generator: of what they leave open; each draws when it is called.
    """
    noised = Noised.of(instance)
    places = proof_places(noised, generator)

    def pick() -> Fraction:
        return places[int(generator.integers(len(places)))]

    def bracket() -> NetworkData | None:
        return _bracket(instance, noised, generator)

    def single() -> NetworkData:
        weight = _weight(noised, generator)
        return _bounded(instance, [_sign(generator)], [pick()], [weight], generator)

    def group() -> NetworkData:
        width = int(generator.integers(2, MOST_NEURONS + 1))
        scale = 10.0 ** float(generator.uniform(-1, 1)) / noised.sigma**2
        outer = [rounded(float(scale * z), 2) for z in generator.standard_normal(width)]
        signs = [_sign(generator) for _ in range(width)]
        return _bounded(instance, signs, [pick() for _ in range(width)], outer, generator)

    def scattered() -> NetworkData:
        seed, width = int(generator.integers(2**31)), int(generator.integers(1, 13))
        return families.random_network(instance, seed=seed, width=width)

    def fitted() -> NetworkData | None:
        if noised.sigma <= families.FINEST * max(abs(float(c)) for c in noised.centres):
            return None
        return families.fitted_network(instance)

    return [*[bracket] * 4, *[single] * 3, *[group] * 3, scattered, fitted]


def proof_places(noised: Noised, generator: np.random.Generator) -> list[Fraction]:
    """Means, means and half gaps, midpoints, a few sigma inside and outside, very far away."""
    centres = noised.centres
    count = len(centres)
    if count > MOST_CENTRES:
        inner = sorted(generator.choice(np.arange(1, count - 1), 3, replace=False).tolist())
        chosen = [0, *inner, count - 1]
    else:
        chosen = list(range(count))
    half = Fraction(noised.gap) / 2
    places: list[Fraction] = []
    for index in chosen:
        centre = centres[index]
        steps = 10.0 ** generator.uniform(-1.5, 1.2, 2)
        places.append(centre)
        places += [noised.place(centre - half), noised.place(centre + half)]
        places += [noised.place(centre + Fraction(float(s) * noised.sigma)) for s in steps]
        places += [noised.place(centre - Fraction(float(s) * noised.sigma)) for s in steps]
        if index + 1 < count:
            places.append((centre + centres[index + 1]) / 2)
    length = centres[-1] - centres[0]
    for direction in (-1, 1):
        end = centres[-1] if direction > 0 else centres[0]
        far = 10.0 ** float(generator.uniform(0, FAR))
        places.append(noised.place(end + direction * length * Fraction(far)))
    return places


def piecewise(
    instance: Instance, knots: Sequence[Fraction], slopes: Sequence[Fraction], root: Fraction
) -> NetworkData:
    """Network equal to the function with these slopes between these knots and a zero at `root`.

    The piece that holds the root is the affine part, carried by two opposite neurons with one kink;
    knots right of it belong to right-active neurons, knots left of it to left-active ones.

    Args:
        instance: sample and noise level.
        knots: ascending.
        slopes: one more than knots.
        root: a zero of the function.
    """
    centre = sum(knot < root for knot in knots)
    width = 2 + sum(a != b for a, b in pairwise(slopes))
    signs, kinks, heights = [1, -1], [root, root], [slopes[centre], -slopes[centre]]
    for k, knot in enumerate(knots):
        jump = slopes[k + 1] - slopes[k]
        if jump:
            signs.append(1 if k >= centre else -1)
            kinks.append(knot)
            heights.append(jump)
    inner = [Fraction(sign) for sign in signs]
    return families.network_of(instance, inner, kinks, [width * height for height in heights])


def _bracket(
    instance: Instance, noised: Noised, generator: np.random.Generator
) -> NetworkData | None:
    """The lines `(mu x_i - y)/sigma^2` near each mean, joined by straight lines in between.

    The joints lie at a number of sigmas from the means; the lines may be a little too flat.
    """
    centres, variance = noised.centres, noised.sigma**2
    length = centres[-1] - centres[0]
    reach = min(float(generator.uniform(0, REACH)) * noised.sigma, 0.49 * noised.gap)
    flat = float(generator.choice([1.0, 1.0, generator.uniform(0.5, 1)]))
    tail = rounded(-flat / variance, DIGITS)
    digits = DIGITS + max(0, int(np.log10(float(length) / noised.sigma)))
    knots: list[Fraction] = []
    slopes = [tail]
    for left, right in pairwise(centres):
        a, b = noised.place(left + Fraction(reach)), noised.place(right - Fraction(reach))
        if not left <= a < b <= right:
            continue
        rise = tail * (b - right) - tail * (a - left)
        knots += [a, b]
        slopes += [rounded(rise / (b - a), digits), tail]
    return piecewise(instance, knots, slopes, centres[0]) if knots else None


def _bounded(
    instance: Instance,
    signs: Sequence[int],
    kinks: Sequence[Fraction],
    outer: Sequence[Fraction],
    generator: np.random.Generator,
) -> NetworkData:
    """The network, with its bound A the largest outer weight or that of the class."""
    inner = [Fraction(sign) for sign in signs]
    found = families.network_of(instance, inner, kinks, outer)
    return tightly_bounded(found) if generator.random() < 0.5 else found


def with_bound(network: NetworkData, bound: Fraction | None) -> NetworkData:
    """The network with another bound A."""
    return NetworkData(network.inner_weights, network.biases, network.outer_weights, bound)


def with_free_inner_weights(network: NetworkData, generator: np.random.Generator) -> NetworkData:
    """The network with inner weights of other sizes, kinks, signs and outer weights as they are."""
    factors = [rounded(10.0 ** float(generator.uniform(-3, 3)), 1) for _ in network.inner_weights]
    return NetworkData(
        tuple(f * w for f, w in zip(factors, network.inner_weights, strict=True)),
        tuple(f * b for f, b in zip(factors, network.biases, strict=True)),
        network.outer_weights,
        network.bound,
    )


def tightly_bounded(network: NetworkData) -> NetworkData:
    """The network with a bound A just above its largest outer weight, to three digits."""
    largest = max(abs(weight) for weight in network.outer_weights)
    if not largest:
        return with_bound(network, Fraction(1))
    unit = Fraction(10) ** (exponent_of(largest) - 2)
    return with_bound(network, (largest // unit + 1) * unit)


def is_tightly_bounded(network: NetworkData) -> bool:
    """Whether the bound A of a network is about its largest outer weight."""
    largest = max(abs(weight) for weight in network.outer_weights)
    return network.bound is not None and network.bound <= TIGHT * largest


def bounded_like(network: NetworkData, other: NetworkData) -> NetworkData:
    """The network with the other's bound: tight where that is tight, never below a weight."""
    if other.bound is None:
        return with_bound(network, None)
    largest = max(abs(weight) for weight in network.outer_weights)
    if is_tightly_bounded(other) or largest >= other.bound:
        return tightly_bounded(network)
    return with_bound(network, other.bound)


def _sign(generator: np.random.Generator) -> int:
    return 1 if generator.random() < 0.5 else -1


def _weight(noised: Noised, generator: np.random.Generator) -> Fraction:
    size = 10.0 ** float(generator.choice([0, 0, generator.uniform(-6, 6)]))
    return rounded(_sign(generator) * size / noised.sigma**2, 2)

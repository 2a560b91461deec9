"""Structured candidates for a claim: instances of its subject, plain ones first.

Chosen by what a claim is about (a sample, a network, a minimum, a function), never by its id.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

from dsmverify import families
from dsmverify.approximations import Approximations
from dsmverify.certify import Session
from dsmverify.claims import Claim, Structural
from dsmverify.errors import DsmverifyError
from dsmverify.formulas import curvature, risk
from dsmverify.instance import Instance, NetworkData
from dsmverify.search import functions, networks, samples, spread
from dsmverify.search.rounding import rounded
from dsmverify.systems.float64 import SYSTEM
from dsmverify.truth import Truth

NETWORK_RATIOS: Final = 5
"""Spacing ratios of one line of samples for which networks are made."""

MADE: Final = 5
"""Networks tried on one sample before the next."""

SKIPPED: Final = 0.95
"""Share of the samples that fail a hypothesis themselves for which no networks are made."""

SPREAD_RATIOS: Final = (1.0, 4.0)
"""Decimal logarithms of the spacing ratios for networks of many kinks."""

MANY: Final = 150
"""Structured networks tried for one of many kinks."""

FREED: Final = 0.5
"""Share of networks with inner weights other than +-1, for claims that allow them."""

SMALLEST_SHARE: Final = 0.8
"""Share of these samples that have the smallest size; the others have the next."""

RATE_STEPS: Final = 7
"""Decisions spent on the largest learning rate that is certified stable."""

RATE_COST: Final = 35
"""Evaluations that these decisions count for."""

RATE_DECADES: Final = 2.5
"""It is looked for within so many powers of ten."""

EDGES: Final = 0.5
"""Share of minima that start from neurons at the ends of the sample."""

FUNCTIONS: Final = 20
"""Draws of parameters for one sample."""


Admits = Callable[[Instance], bool]
"""Whether a sample, so far without a network, can meet the hypotheses."""


def candidates(
    claim: Claim,
    generator: np.random.Generator,
    sizes: Sequence[int],
    spend: Callable[[int], None],
    admits: Admits,
) -> Iterator[Instance]:
    """Structured instances for a claim, endlessly; rounds of sizes from small to large.

    Args:
        claim: its subject chooses the families.
        generator: of everything that the families leave open.
        sizes: numbers of points, each tried in every round.
        spend: told what families cost beside the slack of their instances.
        admits: whether no hypothesis about the sample alone looks false.
    """
    if claim.subject == "network":
        yield from _merged(
            _with_networks(claim, generator, sizes, admits),
            _with_spread_networks(generator, sizes, spend),
        )
    elif claim.subject == "minimum":
        yield from _with_minima(claim, generator, sizes, spend, admits)
    elif claim.subject == "function":
        for line in samples.lines(generator, sizes):
            for instance in _on(line, generator, 1):
                yield from itertools.islice(
                    functions.with_parameters(instance, claim.parameters, generator), FUNCTIONS
                )
    else:
        for line in samples.lines(generator, sizes):
            yield from _on(line, generator, samples.RATIOS)


def _on(line: samples.Line, generator: np.random.Generator, count: int) -> Iterator[Instance]:
    """Samples of a line, one at each of some spacing ratios."""
    for ratio in samples.ratios(generator, count):
        yield from _at(line, ratio)


def _at(line: samples.Line, ratio: float) -> Iterator[Instance]:
    """The sample of a line at a spacing ratio, or nothing where it cannot be written."""
    try:
        yield line.at(ratio)
    except (ArithmeticError, DsmverifyError, ValueError):
        return


def _with_networks(
    claim: Claim, generator: np.random.Generator, sizes: Sequence[int], admits: Admits
) -> Iterator[Instance]:
    are_free = not any(
        isinstance(premise, Structural) and premise.predicate == "inner_weights_are_signs"
        for premise in claim.hypotheses
    )
    for line in samples.lines(generator, sizes):
        for instance in _on(line, generator, NETWORK_RATIOS):
            if not admits(instance) and generator.random() < SKIPPED:
                continue
            makers = networks.structured(instance, generator)
            for index in generator.choice(len(makers), MADE, replace=False):
                try:
                    network = makers[int(index)]()
                except (ArithmeticError, DsmverifyError, ValueError):
                    continue
                if network is None:
                    continue
                if are_free and generator.random() < FREED:
                    network = networks.with_free_inner_weights(network, generator)
                yield replace(instance, network=network)


def _with_spread_networks(
    generator: np.random.Generator, sizes: Sequence[int], spend: Callable[[int], None]
) -> Iterator[Instance | None]:
    """Samples with networks of many kinks; None after each sample."""
    while True:
        place = int(generator.random() > SMALLEST_SHARE)
        size = sizes[min(place, len(sizes) - 1)]
        pattern = str(generator.choice(samples.PATTERNS)) if size > 2 else samples.PATTERNS[0]
        line = samples.line(generator, size, pattern)
        ratio = 10.0 ** float(generator.uniform(*SPREAD_RATIOS))
        for instance in _at(line, ratio):
            yield from spread.instances(instance, generator, spend)
        yield None


def _merged(many: Iterator[Instance], few: Iterator[Instance | None]) -> Iterator[Instance]:
    """Both streams, some of the first for what one sample gives of the second."""
    while True:
        yield from itertools.islice(many, MANY)
        for instance in few:
            if instance is None:
                break
            yield instance


def _with_minima(
    claim: Claim,
    generator: np.random.Generator,
    sizes: Sequence[int],
    spend: Callable[[int], None],
    admits: Admits,
) -> Iterator[Instance]:
    """Local minima of narrow networks, at the largest rate that is certified stable.

    Half of the samples are two clusters of close points. With the whole sample as batch, a batch
    averages many draws of the noise, and stability asks less of the rate; with a single point the
    sum and the mean over the batch are one.
    """
    for line in samples.lines(generator, sizes):
        spend(1)  # so that the search ends where no sample has a minimum
        few = samples.clusters(generator, len(line.gaps) + 1)
        for instance in itertools.chain(_on(line, generator, NETWORK_RATIOS), *map(_at, *few)):
            if not admits(instance) and generator.random() < SKIPPED:
                continue
            spend(1)
            network = families.polished(instance, *_start_of_minimum(instance, generator))
            if network is None:
                continue
            rate = largest_stable_rate(replace(instance, network=network), claim.reading)
            spend(RATE_COST)
            if rate is not None:
                yield replace(instance, network=network, learning_rate=rate)


def _start_of_minimum(
    instance: Instance, generator: np.random.Generator
) -> tuple[list[int], list[Any], list[Any]]:
    """Neurons at the ends of the sample, or one anywhere with the outer weight of least risk."""
    width = 1 + int(generator.integers(2))
    if generator.random() < EDGES:
        return families.edge_start(instance, width=width)
    noised = Approximations(instance).sample
    low, high = noised.mu * noised.points[0], noised.mu * noised.points[-1]
    reach = 2 * noised.sigma
    kink = rounded(float(generator.uniform(low - reach, high + reach)), 3, float(reach))
    sign = Fraction(1 if generator.random() < 0.5 else -1)
    flat = NetworkData((sign,), (-sign * kink,), (Fraction(0),))
    values = Approximations(replace(instance, network=flat))
    slope = risk.gradient(SYSTEM, values.sample, values.network)[0]
    bend = curvature.hessian(SYSTEM, values.sample, values.network)[0, 0]
    return [int(sign)], [float(kink)], [float(-slope / bend) if bend > 0 else 0.0]


def largest_stable_rate(instance: Instance, reading: str | None) -> Fraction | None:
    """Largest learning rate, to two digits, at which the minimum is certified linearly stable.

    Looked for below `2 / (m lambda)`, lambda the largest eigenvalue of the mean of the pointwise
    Hessian, beyond which nothing is stable; None if it is not stable within `RATE_DECADES`.
    """
    values = Approximations(instance)
    matrix = curvature.hessian(SYSTEM, values.sample, values.network, boundary=False)
    top = float(np.linalg.eigvalsh(matrix)[-1])
    if not top > 0:
        return None
    high = math.log10(2 / (values.network.width * top))
    low, best = high - RATE_DECADES, None
    for _ in range(RATE_STEPS):
        rate = rounded(10.0**low if best is None else 10.0 ** ((low + high) / 2), 2)
        if _is_stable(replace(instance, learning_rate=rate), reading):
            low, best = math.log10(float(rate)), rate
        elif best is None:
            return None
        else:
            high = (low + high) / 2
    return best


def _is_stable(instance: Instance, reading: str | None) -> bool:
    from dsmverify.certify import LEVELS, precision

    session = Session(instance)
    with precision(LEVELS[0]):
        if session.minimum(0).truth is not Truth.TRUE:
            return False
        return session.stability(0, reading)[0] is Truth.TRUE

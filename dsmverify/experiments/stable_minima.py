"""How sharp may a linearly stable minimum be? A search for minima that break eq. 8.

Eq. 8 says `lambda_max(hess R_n) <= 2/(m eta)` at a linearly stable minimum. The batch loss is
printed as a sum over B points; the mean is the other reading. With `|B| = 1` they are one, and only
then is the sum an unbiased estimator of R_n, as the page calls it.

What decides is the kink term. The batch losses have pointwise Hessians H, whose mean is c times
`hess R_n` less `diag(0, D)`,

    D_l = (2/m) (w2_l/|w1_l|) (1/n) sum_i f_i(tau_l) p_i(tau_l),

c = 1 for a mean and |B| for a sum; SGD never sees D. For one neuron, `f_i(tau) = (tau - mu
x_i)/sigma^2` and `D = -2 w2 p'(tau)`, p the density of Y: positive where `w2 < 0` and the kink lies
on the rising side of a mode.

Prediction, m = 1, `|B| = 1`, lengths in units of sigma, and sigma -> 0 with mu x_i/sigma fixed. The
bias alone decides (its entries are of order sigma^-4, the outer weight's of order sigma^2), its h
is `2 w2^2` where the neuron is active, so a* = 1/w2^2 and, with `w2 E(Y - tau)_+ = -p(tau)` from
the gradient,

    a* lambda_max(hess R_n)/2  ->  P(Y > tau) + p'(tau) E(Y - tau)_+ / p(tau),

with tau from `p(tau) E(Y - tau)_+^2 = P(Y > tau) E(Y - tau)_+`. Eq. 8 is broken where this exceeds
1. Two points at distance 6 sigma have 4.1, at 12 sigma 11, at 50 sigma 59: no constant repairs it.

The search draws samples (a cluster and an outlier; or spread points), finds strict local minima of
narrow networks that Krawczyk's test proves, and asks of each, for each way to draw a batch, up to
which rate it is stable in mean square. Where that rate exceeds `2/(m lambda_max)`, a decimal rate
between the two is certified: minimum, interior, stable, and eq. 8 false, all with balls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from flint import arb

from dsmverify import express
from dsmverify.batch_hessians import BatchHessian, PointHessian, point_hessian
from dsmverify.certify import LEVELS, precision
from dsmverify.ensembles.minima_search import search_minima
from dsmverify.exact import lower_decimal, spell
from dsmverify.formulas import constants, curvature
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Batch, Instance, NoiseLevel
from dsmverify.mean_square import (
    StabilityAnswer,
    decide_stability,
    largest_stable_rate,
)
from dsmverify.minima import Minimum
from dsmverify.search.rounding import rounded
from dsmverify.spectra import largest_eigenvalue
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import Truth, compare

Drawing = Literal["one point", "two", "all", "all with replacement"]

BITS = LEVELS[1]
"""Working precision: boxes of proved minima have a radius near 2^-64 of it, which decides all."""

WIDTHS = (1, 2)
"""Widths of the networks searched by default."""

PAIRS = (
    (Fraction(6), Fraction("0.03")),
    (Fraction(12), Fraction("0.01")),
)
"""Samples of the prediction, always searched: separation in sigma/mu, sigma."""

SIGMAS = tuple(Fraction(text) for text in ("0.5", "0.2", "0.1", "0.05", "0.03", "0.01"))

MU = Fraction(9, 10)

CLEAR = 1.05
"""Room of the interval of breaking rates that is asked for, so that it holds a short decimal."""


@dataclass(frozen=True)
class StableMinimum:
    """A proved minimum, a rate at which it is linearly stable, and what eq. 8 says there.

    Attributes:
        instance: sample, network (within the box of the minimum), rate and batch, exact.
        reading: `"sum"` or `"mean"`.
        largest_rate: supremum of the rates eta that are stable in mean square, approximate.
        excess: `m largest_rate lambda_max(hess R_n)/2`, approximate; above 1 some stable rate
            breaks eq. 8.
        sharpness: enclosure of `lambda_max(hess R_n)`.
        ceiling: enclosure of `2/(m eta)`.
        stability: of the minimum at the rate.
        interior: whether `|w2_l| < A` with `A = C_n/sigma^6`, certified.
        eq08: TRUE or FALSE where minimum, interior and stability are certified; UNKNOWN otherwise.
    """

    instance: Instance
    reading: str
    largest_rate: float
    excess: float
    sharpness: arb
    ceiling: arb
    stability: StabilityAnswer
    interior: Truth
    eq08: Truth

    def line(self) -> str:
        """One line of the report."""
        batch, data = self.instance.batch, self.instance.network
        assert batch is not None and data is not None and self.instance.learning_rate is not None
        drawn = "with" if batch.replacement else "without"
        return (
            f"eq08@{self.reading} {self.eq08.value}: n = {len(self.instance.points)}, m = "
            f"{data.width}, batch of {batch.size} {drawn} replacement, eta = "
            f"{spell(self.instance.learning_rate)}: lambda_max >= "
            f"{lower_decimal(self.sharpness, 4)}, 2/(m eta) = {lower_decimal(self.ceiling, 4)}, "
            f"stable up to {self.excess:.3g} times the rate of equality"
        )


@dataclass(frozen=True)
class StableMinima:
    """What the search found.

    Attributes:
        records: the record with the largest excess for each reading and way to draw a batch.
        minima: proved minima looked at.
        broken: how many of them break eq. 8 at some stable rate, by reading and drawing; of float64
            estimates, only `records` are certified.
    """

    records: tuple[StableMinimum, ...]
    minima: int
    broken: dict[tuple[str, Drawing], int]

    def lines(self) -> list[str]:
        """The report for the terminal."""
        found = [f"{self.minima} proved minima"]
        for (reading, drawing), count in self.broken.items():
            found.append(f"{reading}, {drawing}: {count} could break eq. 8 at a stable rate")
        return [*found, *(record.line() for record in self.records)]


def batches(size: int) -> dict[tuple[str, Drawing], Batch]:
    """The ways to draw a batch that are looked at, for n training points."""
    return {
        ("sum", "one point"): Batch(1, "sum"),
        ("sum", "two"): Batch(2, "sum", replacement=True),
        ("sum", "all"): Batch(size, "sum"),
        ("sum", "all with replacement"): Batch(size, "sum", replacement=True),
        ("mean", "one point"): Batch(1, "mean"),
        ("mean", "two"): Batch(2, "mean", replacement=True),
        ("mean", "all"): Batch(size, "mean"),
        ("mean", "all with replacement"): Batch(size, "mean", replacement=True),
    }


def search(
    *,
    seed: int,
    samples: int = 8,
    widths: Sequence[int] = WIDTHS,
    starts: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> StableMinima:
    """Look for linearly stable minima that are sharper than eq. 8 allows.

    Args:
        seed: of samples and starts.
        samples: random ones, besides `PAIRS`.
        widths: of the networks.
        starts: random starts for each sample and width, besides the structured ones.
        progress: called with samples done and their number.

    Source: eq. 8, p. 6.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    best: dict[tuple[str, Drawing], tuple[float, Instance, Minimum]] = {}
    broken: dict[tuple[str, Drawing], int] = {}
    minima = 0
    known = [pair(separation, sigma) for separation, sigma in PAIRS]
    chosen = [*known, *_samples(generator, samples)]
    for done, instance in enumerate(chosen, start=1):
        for width in widths:
            places = search_minima(instance, width, seeds=(seed + done,), random_starts=starts)
            for found in places.found:
                minima += 1
                for key, excess in _excesses(found.instance, found.minimum).items():
                    broken[key] = broken.get(key, 0) + (excess > 1)
                    if key not in best or excess > best[key][0]:
                        best[key] = (excess, found.instance, found.minimum)
        if progress is not None:
            progress(done, len(chosen))
    records = [
        examine(instance, minimum, batches(len(instance.points))[key])
        for key, (_, instance, minimum) in best.items()
    ]
    return StableMinima(tuple(records), minima, broken)


def examine(
    instance: Instance, minimum: Minimum, batch: Batch, rate: Fraction | None = None
) -> StableMinimum:
    """Hold eq. 8 against one proved minimum, at a given rate or at one that this looks for.

    The rate looked for is a decimal of two digits: between `2/(m lambda_max)` and the largest
    stable rate where they leave room, else nine tenths of the latter.

    Args:
        instance: the sample with a network near the minimum; its rate and batch are not looked at.
        minimum: as `dsmverify.minima` proves it.
        batch: how batches are drawn.
        rate: eta.

    Returns:
        Result: `eq08`, `sharpness`, `ceiling`, `interior` and `stability` certified at 192 bits.

    Raises:
        ValueError: the minimum is not proved.
    """
    if minimum.truth is not Truth.TRUE or minimum.network is None:
        raise ValueError("minimum: Krawczyk's test has not proved it")
    network = minimum.network
    with precision(BITS):
        sample = express.sample(SYSTEM, instance)
        points = _point_hessians(sample, network)
        sharpness = largest_eigenvalue(curvature.hessian(SYSTEM, sample, network))
        largest = largest_stable_rate(BatchHessian(points, batch)) / network.width
        excess = network.width * largest * float(sharpness.mid()) / 2
        eta = rate if rate is not None else _rate(largest, excess)
        step = network.width * ball(eta)
        stability = decide_stability(sample, network, step, batch)
        bound = constants.default_bound(SYSTEM, sample, ball(instance.spacing))
        inside = [compare(abs(weight), "<", bound) for weight in network.outer]
        interior = Truth.TRUE if set(inside) == {Truth.TRUE} else Truth.UNKNOWN
        ceiling = 2 / step
        met = interior is Truth.TRUE and stability.truth is Truth.TRUE
        answer = compare(sharpness, "<=", ceiling) if met else Truth.UNKNOWN
    return StableMinimum(
        replace(instance, learning_rate=eta, batch=batch),
        batch.reduction,
        largest,
        excess,
        sharpness,
        ceiling,
        stability,
        interior,
        answer,
    )


def pair(separation: Fraction, sigma: Fraction) -> Instance:
    """Two points `separation` sigma/mu apart: the smallest samples that break eq. 8."""
    return Instance(
        f"pair-{spell(separation)}-sigma",
        (Fraction(0), separation * sigma / MU),
        NoiseLevel(sigma=sigma, mu=MU),
    )


def _rate(largest: float, excess: float) -> Fraction:
    if not largest > 0:
        return Fraction(1)  # no rate is stable: any serves to say so
    inside = largest / np.sqrt(excess) if excess > CLEAR else 0.9 * largest
    return rounded(float(inside), 2)


def _excesses(instance: Instance, minimum: Minimum) -> dict[tuple[str, Drawing], float]:
    network = minimum.network
    assert network is not None
    with precision(BITS):
        sample = express.sample(SYSTEM, instance)
        points = _point_hessians(sample, network)
        matrix = curvature.hessian(SYSTEM, sample, network)
        top = float(largest_eigenvalue(matrix).mid())
        return {
            key: largest_stable_rate(BatchHessian(points, batch)) * top / 2
            for key, batch in batches(len(instance.points)).items()
        }


def _point_hessians(sample: Sample[Any], network: Network[Any]) -> tuple[PointHessian[Any], ...]:
    return tuple(point_hessian(SYSTEM, sample, network, i) for i in range(sample.size))


def _samples(generator: np.random.Generator, count: int) -> Iterator[Instance]:
    """Half of the samples a cluster and an outlier, half spread points; 2 to 5 points."""
    for number in range(count):
        size = 2 + number % 4
        sigma = SIGMAS[int(generator.integers(len(SIGMAS)))]
        far = np.exp(generator.uniform(np.log(2), np.log(20)))
        if number % 8 < 4:
            gaps = [*generator.uniform(0.01, 0.5, size=size - 2), far]
        else:
            gaps = list(generator.uniform(0.5, far, size=size - 1))
        places = [Fraction(0)]
        for gap in gaps:
            places.append(places[-1] + rounded(float(gap), 2) * sigma)
        yield Instance(f"sample-{number}", tuple(places), NoiseLevel(sigma=sigma, mu=MU))

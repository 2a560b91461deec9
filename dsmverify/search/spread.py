"""Networks with many kinks spread over an interval, from a convex problem.

With `f_l = d_l 1_l` and `g_l = 1_l` the two features of neuron l (its distance to the kink and its
indicator, on the active side), m^2 times the tangent kernel has the nonzero spectrum of
`K = sum_l f_l (x) f_l + w_l^2 g_l (x) g_l`, while m times the variation is `sum_l |w_l| pi(tau_l)`.
On a grid of kinks let `r_k` be how many neurons stand at kink k and `s_k` the sum of the squares of
their outer weights. Then

    2 sum_k pi_k sqrt(r_k s_k) / lambda_max(sum_k r_k f_k (x) f_k + s_k g_k (x) g_k)

is a concave function over a convex one, so that its maximum over `r, s >= 0` is found from any
start. Its solution is rounded to whole numbers of neurons, and the kinks and weights that are left
are moved once more. The signs of outer weights change neither side: they are free to make the
network follow the score near the data (`quiet`).

| letter | here | meaning |
|---|---|---|
| r, s | `counts`, `squares` | neurons at a kink, sum of their squared outer weights |
| w | `weights` | outer weight of each neuron at a kink |
| K | | Gram operator of the features |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

import numpy as np
from scipy import optimize

from dsmverify import express, order
from dsmverify.errors import DsmverifyError
from dsmverify.formulas import curvature
from dsmverify.formulas.setting import Network
from dsmverify.formulas.weight import weight
from dsmverify.instance import Instance, NetworkData
from dsmverify.numbers import Integers, closed_normal_pieces
from dsmverify.search.genome import Floats
from dsmverify.search.networks import Noised, tightly_bounded
from dsmverify.search.rounding import rounded
from dsmverify.systems.float64 import Float64

GRID: Final = 11
"""Candidate kinks on each side of a mean."""

OUTSIDE: Final = 0.5
"""The grid starts so many sigmas outside of the data."""

MOST_MEANS: Final = 3
"""Means of a sample around which the grid is laid."""

POWERS: Final = (8, 32, 128)
"""Exponents of the norms that replace the largest eigenvalue, one after the other."""

NEGLIGIBLE: Final = 1e-2
"""Kinks whose share of the eigenvalue is below this part of the largest are left out."""

WORTHWHILE: Final = 1.01
"""Smallest ratio of the convex problem that is worth rounding."""

TOTALS: Final = (2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Numbers of neurons that a solution is rounded to."""

SOLVING: Final = 100
"""Evaluations that the convex problem counts for."""

POLISHING: Final = 150
"""Evaluations of the ratio spent on moving kinks and weights after rounding."""

DIGITS: Final = 4
"""Digits of the rounded networks."""

MOST_KEPT: Final = 2
"""Roundings of one solution whose ratio exceeds 1 that are handed on, smallest first."""

NEAR: Final = 80
"""Evaluations of the ratio spent on the near kinks of a network that follows the score."""

NEARBY: Final = 3.0
"""Kinks up to so many sigmas inside count as near."""

CLOSENESS: Final = 1e-6
"""Distance, in sigmas, of kinks whose effects cancel."""

FOURS: Final = (2, 3, 4, 6, 8)
"""Fours of near kinks on each side."""


@dataclass(frozen=True)
class Features:
    """Gram matrices of the features of a set of kinks, in ascending order of kinks.

    Attributes:
        kinks: `[k]`.
        signs: `[k]`, +1 where neurons are active on the right.
        order: `[k]`, place of each in the order they were given.
        square: `[k, k]`, means of `f_l f_j`.
        mixed: `[k, k]`, means of `f_l g_j`.
        count: `[k, k]`, means of `g_l g_j`.
        weight: `[k]`, pi at the kinks.
    """

    kinks: Floats
    signs: Integers
    order: Integers
    square: Floats
    mixed: Floats
    count: Floats
    weight: Floats


class _Closed(Float64):
    """float64 with truncated moments in closed form: fast, and accurate enough for a search."""

    def normal_pieces(self, cuts: Any, position: Integers) -> tuple[Any, Any, Any, Any]:
        """Closed form of the moments."""
        return closed_normal_pieces(self, cuts, position)


_CLOSED: Final[Any] = _Closed()


class Kernel:
    """Features of networks on one sample, in float64, kinks seen from the first mean."""

    def __init__(self, instance: Instance) -> None:
        """Work out what all networks share.

        Args:
            instance: sample and noise level.
        """
        moved = replace(express.centred(instance), network=None)
        self.sample = express.sample(_CLOSED, moved)
        self.pieces = express.weight_pieces(_CLOSED, moved.points)
        self.means = np.asarray(self.sample.mu * self.sample.points)

    def anchors(self, kinks: Floats) -> Floats:
        """Mean nearest each kink."""
        nearest: Floats = self.means[np.argmin(np.abs(kinks[:, None] - self.means), axis=1)]
        return nearest

    def features(self, kinks: Floats, signs: Sequence[int]) -> Features:
        """Features of neurons with given kinks."""
        inner = np.asarray(signs, dtype=float)
        known = order.float_kink_order(inner, -inner * kinks)
        sorted_kinks = np.asarray(kinks, dtype=float)[known.order]
        network: Network[Any] = Network(
            inner, -inner * kinks, np.ones(len(inner)), sorted_kinks, known.order, known.signs,
            order.positions(sorted_kinks, self.means), known.group, len(inner),
        )  # fmt: skip
        square, mixed, count = curvature.feature_grams(_CLOSED, self.sample, network)
        return Features(
            sorted_kinks, known.signs, known.order, square, mixed, count, self._weight(sorted_kinks)
        )

    def _weight(self, kinks: Floats) -> Floats:
        position = order.positions(self.pieces.cuts, kinks / self.sample.mu)
        value = weight(_CLOSED, kinks, self.sample, self.pieces, position)
        inside: Floats = np.where((kinks >= self.means[0]) & (kinks <= self.means[-1]), value, 0)
        return inside


def ratio(given: Features, counts: Floats, weights: Floats) -> float:
    """`2 sum r |w| pi / lambda_max(K)`, counts and weights in the order they were given in."""
    r, w = counts[given.order], weights[given.order]
    roots = np.concatenate((np.sqrt(r), np.sqrt(r) * w))
    gram = np.block([[given.square, given.mixed], [given.mixed.T, given.count]])
    top = np.linalg.eigvalsh(roots[:, None] * gram * roots[None, :])[-1]
    return float(2 * np.sum(r * w * given.weight) / top)


def solve(given: Features) -> tuple[Floats, Floats]:
    """Counts and squares that maximise the ratio; 0 where a kink adds nothing. Two `[k]`.

    The largest eigenvalue is replaced by norms of growing exponent, which have a gradient.
    """
    far, near = np.sqrt(np.diag(given.square)), np.sqrt(np.diag(given.count))
    kept = np.flatnonzero((given.weight > 0) & (far > 0) & (near > 0))
    scale = np.concatenate((far[kept], near[kept]))
    part = np.ix_(kept, kept)
    gram = np.block(
        [[given.square[part], given.mixed[part]], [given.mixed[part].T, given.count[part]]]
    ) / np.outer(scale, scale)
    gain = given.weight[kept] / (far[kept] * near[kept])
    k = len(kept)

    def objective(exponents: Floats, power: int) -> tuple[float, Floats]:
        roots = np.exp(np.clip(exponents, -100, 100) / 2)
        values, vectors = np.linalg.eigh(roots[:, None] * gram * roots[None, :])
        values = np.maximum(values, 0)
        powers = (values / values[-1]) ** power
        log_norm = np.log(values[-1]) + np.log(powers.sum()) / power
        terms = gain * roots[:k] * roots[k:]
        slope = (vectors**2 * powers).sum(axis=1) / powers.sum()
        rise = np.concatenate((terms, terms)) / (2 * terms.sum())
        # The ratio does not change with the scale: hold it.
        held = exponents.mean()
        return log_norm - np.log(terms.sum()) + held**2, slope - rise + 2 * held / (2 * k)

    exponents = np.zeros(2 * k)
    for power in POWERS:
        exponents = optimize.minimize(
            objective, exponents, args=(power,), jac=True, method="L-BFGS-B"
        ).x
    shares = np.exp(exponents)
    shares[shares < NEGLIGIBLE * shares.max()] = 0
    counts, squares = np.zeros(len(far)), np.zeros(len(far))
    both = (shares[:k] > 0) & (shares[k:] > 0)
    counts[kept] = np.where(both, shares[:k], 0) / far[kept] ** 2
    squares[kept] = np.where(both, shares[k:], 0) / near[kept] ** 2
    return counts, squares


Spend = Callable[[int], None]
"""Told how many evaluations of the ratio were spent."""


def instances(
    instance: Instance, generator: np.random.Generator, spend: Spend
) -> Iterator[Instance]:
    """Instances whose networks have much variation beside their tangent kernel.

    Args:
        instance: sample and noise level.
        generator: of the grid's place and of the networks that follow the score.
        spend: told what the search for them costs.
    """
    try:
        yield from _instances(instance, generator, spend)
    except (ArithmeticError, DsmverifyError, ValueError, np.linalg.LinAlgError):
        return


def _instances(
    instance: Instance, generator: np.random.Generator, spend: Spend
) -> Iterator[Instance]:
    noised, kernel = Noised.of(instance), Kernel(instance)
    kinks, signs = grid(kernel, noised.sigma, generator)
    given = kernel.features(kinks, signs)
    counts, squares = solve(given)
    spend(SOLVING)
    support = np.flatnonzero(counts)
    if not support.size:
        return
    places = given.kinks[support]
    sides = [int(given.signs[k]) for k in support]
    chosen = counts[support] / counts[support].sum()
    weights = np.sqrt(squares[support] / counts[support])
    best = ratio(kernel.features(places, sides), chosen, weights)
    if best < WORTHWHILE:
        return
    kept = 0
    for total in TOTALS:
        whole = np.maximum(1, np.round(total * chosen))
        # What counts more than its share moves closer, so that it weighs as much as before.
        factor = np.sqrt(np.maximum(1, whole / (total * chosen)))
        closer = kernel.anchors(places) + (places - kernel.anchors(places)) / factor
        start = (closer, sides, whole, weights / factor)
        value, *moved = _polished(kernel, noised.sigma, start)
        spend(POLISHING)
        if value > 1:
            neurons = (moved[0], sides, whole, moved[1])
            kept += 1
            yield replace(instance, network=_network(noised, neurons))
            if kept == 1:
                yield from quiet(instance, neurons, generator, spend)
            if kept == MOST_KEPT:
                return


_Neurons = tuple[Floats, list[int], Floats, Floats]
"""Kinks seen from the first mean, sides, counts and weights."""


def grid(kernel: Kernel, sigma: float, generator: np.random.Generator) -> tuple[Floats, list[int]]:
    """Candidate kinks and sides: around means, from a little outside to half the gap inside."""
    kinks: list[float] = []
    means = kernel.means
    ends = sorted({0, len(means) // 2, len(means) - 1})[:MOST_MEANS]
    for index in ends:
        for direction in (1, -1):
            other = index + direction
            if not 0 <= other < len(means):
                continue
            reach = abs(means[other] - means[index]) / (2 * sigma)
            top = math.asinh(reach * float(generator.uniform(0.9, 1)))
            offsets = np.sinh(np.linspace(-OUTSIDE, top, GRID))
            kinks += list(means[index] + direction * offsets * sigma)
    return np.repeat(np.array(kinks), 2), [1, -1] * len(kinks)


def _polished(kernel: Kernel, sigma: float, neurons: _Neurons) -> tuple[float, Floats, Floats]:
    """Kinks and weights moved so that the ratio grows, counts as they are."""
    places, sides, counts, weights = neurons
    anchors = kernel.anchors(places)
    half = len(places)

    def unpacked(vector: Floats) -> tuple[Floats, Floats]:
        moved = anchors + sigma * np.sinh(np.clip(vector[:half], -30, 30))
        return moved, np.exp(vector[half:])

    def objective(vector: Floats) -> float:
        moved, sizes = unpacked(vector)
        return -ratio(kernel.features(moved, sides), counts, sizes)

    start = np.concatenate((np.arcsinh((places - anchors) / sigma), np.log(weights)))
    found = optimize.minimize(
        objective, start, method="Nelder-Mead", options={"maxfev": POLISHING, "adaptive": True}
    )
    moved, sizes = unpacked(found.x)
    return -float(found.fun), moved, sizes


def _network(noised: Noised, neurons: _Neurons) -> NetworkData:
    inner: list[Fraction] = []
    biases: list[Fraction] = []
    outer: list[Fraction] = []
    for place, side, count, weight_ in zip(*neurons, strict=True):
        exact = noised.centres[0] + Fraction(float(place))
        anchor = min(noised.centres, key=lambda c, at=exact: abs(c - at))  # type: ignore[misc]
        kink = anchor + rounded(exact - anchor, DIGITS, noised.sigma)
        for _ in range(int(count)):
            inner.append(Fraction(side))
            biases.append(-side * kink)
            outer.append(rounded(float(weight_), DIGITS))
    return tightly_bounded(NetworkData(tuple(inner), tuple(biases), tuple(outer)))


def quiet(
    instance: Instance, neurons: _Neurons, generator: np.random.Generator, spend: Spend
) -> Iterator[Instance]:
    """Networks that keep a ratio above 1 and follow the score near both points of a pair.

    Far kinks carry the lines `(mu x_i - y)/sigma^2`: on each side p of one sign at a distance, q of
    the other at a smaller one, where `|w| = d` as nearly as the two linear conditions (value 0 and
    slope `-1/sigma^2` at the mean) allow; the conditions are solved exactly. Near kinks come in
    fours, close together, with signs that cancel value, slope and moment beyond them.
    """
    if instance.size != 2:  # between inner points both sides are seen
        return
    sigma = Noised.of(instance).sigma
    near = [
        (float(place) / sigma, float(weight_) / sigma)
        for place, side, _, weight_ in zip(*neurons, strict=True)
        if abs(place) < NEARBY * sigma and side < 0
    ]
    if not near:
        return
    for fours in FOURS:
        minus = int(generator.integers(2, 5))
        plus = int(generator.integers(1, minus))
        start = near[int(generator.integers(len(near)))]
        made = _follower(instance, (plus, minus, fours), start)
        spend(NEAR)
        if made is not None:
            yield made


def _follower(
    instance: Instance, sizes: tuple[int, int, int], start: tuple[float, float]
) -> Instance | None:
    """The network with p, q far kinks and so many fours of near ones on each side."""
    plus, minus, fours = sizes
    width = 2 * (plus + minus + 4 * fours)
    mu, sigma = instance.noise.rational_mu, instance.noise.sigma
    if mu is None or sigma is None:
        return None
    slope = width / sigma**2
    balance = math.sqrt(minus / plus)
    close = rounded(float(slope) / (minus - math.sqrt(plus * minus)), DIGITS)
    distant = rounded(float(close) * balance, DIGITS + 1)
    if close < 8 * sigma or distant <= close:
        return None
    # plus * w_plus * distant = minus * w_minus * close; minus * w_minus - plus * w_plus = slope.
    w_minus = slope * distant / (minus * (distant - close))
    w_plus = slope * close / (plus * (distant - close))
    gap = rounded(float(3 * distant / mu), 1)
    points = (instance.points[0], instance.points[0] + gap)
    instance = replace(instance, points=points)
    counts = np.array([plus, minus, 4 * fours] * 2, dtype=float)
    sides = [-1] * 3 + [1] * 3

    kernel = Kernel(instance)
    length = float(kernel.means[-1])

    def objective(vector: Floats) -> float:
        depths = np.array([float(distant), float(close), float(vector[0]) * float(sigma)])
        sizes_ = [float(w_plus), float(w_minus), math.exp(vector[1]) * float(sigma)] * 2
        found = kernel.features(np.concatenate((depths, length - depths)), sides)
        return -ratio(found, counts, np.array(sizes_))

    found = optimize.minimize(
        objective, [start[0], math.log(start[1])], method="Nelder-Mead", options={"maxfev": NEAR}
    )
    step = rounded(float(sigma) * CLOSENESS, 1)
    kink = rounded(float(found.x[0]) * float(sigma), 2, float(sigma))
    size = rounded(math.exp(found.x[1]) * float(sigma), 2)
    depths = [distant] * plus + [close] * minus
    heights = [w_plus] * plus + [-w_minus] * minus
    for _ in range(fours):
        depths += [kink, kink + step, kink + 2 * step, kink + 3 * step]
        heights += [size, -size, -size, size]
        kink += 4 * step
    left, right = mu * points[0], mu * points[1]
    inner = [Fraction(-1)] * len(depths) + [Fraction(1)] * len(depths)
    kinks = [left + d for d in depths] + [right - d for d in depths]
    outer = [-h for h in heights] + heights
    biases = [-w * kink for w, kink in zip(inner, kinks, strict=True)]
    network = tightly_bounded(NetworkData(tuple(inner), tuple(biases), tuple(outer)))
    return replace(instance, network=network)

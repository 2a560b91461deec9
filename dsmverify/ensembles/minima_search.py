"""Strict local minima of the risk of small networks, each proved to be one.

From many starts a damped Newton method goes downhill in float64 with the exact gradient and
Hessian; where it ends Krawczyk's test decides (`dsmverify.minima`): exactly one critical point in a
small box, with a positive definite Hessian over all of it. So every minimum in the list is proved,
and any two of them are different points: their boxes are disjoint after neurons of equal sign are
put in the order of their kinks. The list is not complete; nothing here proves that there are no
other minima.

| letter | here | meaning |
|---|---|---|
| m | `width` | neurons; inner weights +-1, frozen |
| D | | diagonal scale `sqrt(mean square of a parameter's derivative)`: the method sees no units |

A step is `-(|H| + nu I)^{-1} g` in units of D, with |H| the Hessian with its eigenvalues taken in
absolute value, so that saddles repel; nu grows after a step that does not lower the risk and falls
after one that does.

A strict local minimum has no dead neurons (a neuron that no noised point reaches has parameters
that do not matter) and no two neurons of equal sign with one kink. Where a start runs into one of
these, or the proof fails, the attempt says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify import express, order
from dsmverify.certify import LEVELS, precision
from dsmverify.ensembles.settings import Networks
from dsmverify.errors import InputError, show
from dsmverify.formulas import curvature, risk
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance, NetworkData
from dsmverify.minima import MAX_WIDTH, Minimum, find_minimum
from dsmverify.spectra import largest_eigenvalue
from dsmverify.systems import balls, float64
from dsmverify.truth import Truth

Floats = NDArray[np.float64]
Outcome = Literal[
    "minimum", "found before", "dead neurons", "not converged", "degenerate", "not certified"
]

ITERATIONS = 100
"""Steps of the descent from one start."""

DEAD = 1e-10
"""A neuron that a noised point reaches with less probability counts as dead: a float64 Newton step
in its parameters, whose curvature is this much smaller than the others', is noise."""

FLAT = 1e-11
"""A scaled Hessian eigenvalue below this, of the largest, is not told from 0: entries carry
relative rounding errors of about 1e-13, some ten of them added up."""

SETTLED = 1e-14
"""A step that promises a smaller decrease than this, of the risk, ends the descent: the risk itself
is known no better. Krawczyk's test goes on from there at any precision."""

FINISHING = 4
"""Plain Newton steps at the end, each kept if it shrinks the scaled gradient."""

LEAST_DAMPING = 1e-13
"""Smallest nu, in units of the scaled Hessian, whose entries are known no better."""

LONGEST = 1.0
"""Longest step in scaled units of sqrt(risk): beyond, the quadratic model says nothing."""


@dataclass(frozen=True)
class Start:
    """Parameters to go downhill from.

    Args:
        label: what they are.
        inner: `[m]`, +1 or -1.
        bias: `[m]`.
        outer: `[m]`.
    """

    label: str
    inner: Floats
    bias: Floats
    outer: Floats


@dataclass(frozen=True)
class Attempt:
    """What became of one start.

    Attributes:
        start: its label.
        outcome: where it led; only `minimum` and `found before` are proved minima.
        detail: what was found, in words.
        risk: R_n at the end, float64; NaN if it is not finite.
        gradient: norm of the gradient at the end, float64.
        steps: steps of the descent.
    """

    start: str
    outcome: Outcome
    detail: str
    risk: float
    gradient: float
    steps: int


@dataclass(frozen=True)
class Found:
    """A proved strict local minimum.

    Attributes:
        instance: the sample with a network within `distance` of the minimum, its parameters exact
            rationals; claims about minima are evaluated with it.
        minimum: the box that holds exactly one critical point, the minimum.
        risk: middle of the enclosure of R_n there, float64.
        lambda_max: the same of the largest eigenvalue of the Hessian.
        lambda_min: the same of the smallest, positive.
        start: label of the first start that led there.
        hits: how many starts did.
    """

    instance: Instance
    minimum: Minimum
    risk: float
    lambda_max: float
    lambda_min: float
    start: str
    hits: int = 1


@dataclass(frozen=True)
class Search:
    """The minima found, by risk, and what became of every start."""

    found: tuple[Found, ...]
    attempts: tuple[Attempt, ...]

    def counts(self) -> dict[str, int]:
        """How many starts led where, by outcome."""
        return dict(sorted(Counter(attempt.outcome for attempt in self.attempts).items()))


@dataclass(frozen=True)
class _End:
    """Where a descent ended."""

    start: Start
    risk: float
    gradient: Floats
    scaled: Floats
    steps: int
    settled: bool


def search_minima(
    instance: Instance,
    width: int,
    *,
    seeds: Sequence[int],
    random_starts: int = 4,
    ends: Sequence[Start] = (),
    structured: bool = True,
) -> Search:
    """Strict local minima of the risk of networks of width m, each proved.

    Args:
        instance: sample and noise level; its own network is not looked at.
        width: m, at most 12.
        seeds: of the random starts; each gives `random_starts` of them.
        random_starts: for each seed.
        ends: further starts, ends of runs say.
        structured: whether to begin with the eight of `structured_starts`.

    Returns:
        The minima, by risk. Result: enclosures in `Found.minimum`; the floats are their middles.

    Raises:
        InputError: a width outside 1..12, or an end of another width.
    """
    if not 1 <= width <= MAX_WIDTH:
        raise InputError(
            "width",
            show(width),
            f"minima are proved for 1 to {MAX_WIDTH} neurons",
            "give a smaller width, or polish a run instead",
        )
    sample = float_sample(instance)
    starts = list(structured_starts(sample, width)) if structured else []
    for seed in seeds:
        starts += random_starts_of(sample, width, seed, random_starts)
    for end in ends:
        if len(end.bias) != width:
            raise InputError(
                "ends",
                f"{end.label}: {len(end.bias)} neurons",
                f"the search is for width {width}",
                "give ends of that width",
            )
        starts.append(end)
    found: list[Found] = []
    attempts = []
    for start in starts:
        attempts.append(_attempt(instance, sample, start, found))
    found.sort(key=lambda entry: entry.risk)
    return Search(tuple(found), tuple(attempts))


def end_of_run(label: str, networks: Networks, index: int) -> Start:
    """The parameters of one network of an ensemble (d = 1) as a start."""
    return Start(
        label,
        networks.inner[index, :, 0].astype(np.float64),
        networks.bias[index].astype(np.float64),
        networks.outer[index, :, 0].astype(np.float64),
    )


def float_sample(instance: Instance) -> Sample[Any]:
    """Sample and noise level of an instance in float64."""
    return express.sample(float64.SYSTEM, instance)


def float_network(sample: Sample[Any], inner: Floats, bias: Floats, outer: Floats) -> Network[Any]:
    """A network of float64 arrays as the formulas take it, kinks sorted as float64 sees them."""
    kinks = order.float_kink_order(inner, bias)
    places = np.array([float(kink) for kink in kinks.kinks])
    means = [float(sample.mu * x) for x in sample.points]
    return Network(
        inner=inner,
        bias=bias,
        outer=outer,
        kinks=places,
        order=kinks.order,
        signs=kinks.signs,
        position=order.positions(places.tolist(), means),
        group=kinks.group,
        width=len(inner),
    )


# Starts ------------------------------------------------------------------------------------------


def structured_starts(sample: Sample[Any], width: int) -> Iterator[Start]:
    """Kinks at noised means, midpoints, and evenly through the data; signs in turn.

    Outer weights are the best ones for the kinks, by least squares.
    """
    mu, sigma = float(sample.mu), float(sample.sigma)
    means = mu * np.asarray(sample.points, dtype=np.float64)
    middles = (means[1:] + means[:-1]) / 2
    reach = sigma / 2
    layouts = {
        "beside means": np.sort(np.concatenate((means - reach, means + reach))),
        "midpoints": np.sort(np.concatenate((middles - reach, middles + reach))),
        "even": np.linspace(means[0] - reach, means[-1] + reach, max(width, 2)),
    }
    for name, places in layouts.items():
        chosen = np.resize(
            places[np.linspace(0, len(places) - 1, width).round().astype(int)], width
        )
        # Two kinks in one place would merge: later copies move by a fraction of sigma.
        chosen = chosen + reach * np.arange(width) / (8 * width)
        for first in (1.0, -1.0):
            signs = first * np.where(np.arange(width) % 2 == 0, 1.0, -1.0)
            label = f"{name}, first sign {int(first):+d}"
            yield _with_best_outer(sample, label, signs, chosen)
    for direction in (1.0, -1.0):
        # All kinks on one side, neurons active towards the data: the linear fits.
        edge = means[0] if direction > 0 else means[-1]
        places = edge - direction * reach * (1 + np.arange(width))
        label = f"outside, sign {int(direction):+d}"
        yield _with_best_outer(sample, label, np.full(width, direction), places)


def random_starts_of(sample: Sample[Any], width: int, seed: int, count: int) -> list[Start]:
    """Random kinks near noised means or anywhere in the data, random signs, best outer weights."""
    generator = np.random.Generator(np.random.Philox(seed))
    mu, sigma = float(sample.mu), float(sample.sigma)
    means = mu * np.asarray(sample.points, dtype=np.float64)
    starts = []
    for number in range(count):
        near = means[generator.integers(len(means), size=width)]
        near = near + 2 * sigma * generator.standard_normal(width)
        anywhere = generator.uniform(means[0] - 2 * sigma, means[-1] + 2 * sigma, size=width)
        places = np.where(generator.random(width) < 0.5, near, anywhere)
        signs = np.where(generator.random(width) < 0.5, 1.0, -1.0)
        starts.append(_with_best_outer(sample, f"random {number}, seed {seed}", signs, places))
    return starts


def _with_best_outer(sample: Sample[Any], label: str, signs: Floats, places: Floats) -> Start:
    """The kinks with the outer weights that make the risk smallest: it is quadratic in them."""
    bias = -signs * places
    ones = np.ones(len(signs))
    ns = float64.SYSTEM
    network = float_network(sample, signs, bias, 0 * ones)
    slope = risk.gradient(ns, sample, network, ("outer",))
    matrix = curvature.hessian(ns, sample, network, ("outer",))
    size = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    scaled, *_ = np.linalg.lstsq(matrix / size / size[:, None], -slope / size, rcond=1e-10)
    return Start(label, signs, bias, scaled / size)


# Descent -----------------------------------------------------------------------------------------


def _descend(sample: Sample[Any], start: Start) -> _End:
    """Damped Newton with the eigenvalues of the scaled Hessian in absolute value."""
    ns, m = float64.SYSTEM, len(start.bias)
    point = np.concatenate((start.outer, start.bias))

    def network_at(place: Floats) -> Network[Any]:
        return float_network(sample, start.inner, place[m:], place[:m])

    def at(place: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, slope = risk.risk_and_gradient(ns, sample, network_at(place))
        return float(value), slope

    value, slope = at(point)
    damping, settled, steps = 1e-3, False, 0
    scaled = np.zeros((2 * m, 2 * m))
    while steps < ITERATIONS and np.isfinite(value):
        network = network_at(point)
        matrix = curvature.hessian(ns, sample, network)
        size = np.sqrt(np.maximum(np.diag(curvature.tangent_kernel(ns, sample, network)), 0))
        if active_probabilities(sample, start.inner, point[m:]).min() < DEAD or not size.all():
            break
        scaled = matrix / size / size[:, None]
        values, vectors = np.linalg.eigh(scaled)
        along = vectors.T @ (slope / size)
        limit = LONGEST * np.sqrt(value)
        moved = False
        while not moved and damping < 1e12:
            step = -(vectors @ (along / (np.abs(values) + damping)))
            length = float(np.linalg.norm(step))
            promised = float((along * along / (np.abs(values) + damping)).sum())
            if promised <= SETTLED * value:
                settled = True
                break
            step *= min(1.0, limit / length) if length > 0 else 1.0
            place = point + step / size
            new_value, new_slope = at(place)
            # At the bottom values differ by rounding only; there the gradient says which is better.
            near = abs(new_value - value) <= 1e-13 * value
            better = float(np.linalg.norm(new_slope / size)) < float(np.linalg.norm(slope / size))
            moved = bool(new_value < value and not near) or (near and better)
            damping = max(damping / 10, LEAST_DAMPING) if moved else 10 * damping
        if not moved:
            break
        steps += 1
        point, value, slope = place, new_value, new_slope
    for _ in range(FINISHING if settled else 0):
        # The bottom of a flat valley lies farther off than the risk can tell; the gradient can.
        network = network_at(point)
        size = np.sqrt(np.diag(curvature.tangent_kernel(ns, sample, network)))
        scaled = curvature.hessian(ns, sample, network) / size / size[:, None]
        place = point - np.linalg.lstsq(scaled, slope / size, rcond=None)[0] / size
        new_value, new_slope = at(place)
        if not np.linalg.norm(new_slope / size) < np.linalg.norm(slope / size):
            break
        point, value, slope = place, new_value, new_slope
    end = replace(start, outer=point[:m], bias=point[m:])
    return _End(end, value, slope, scaled, steps, settled)


def active_probabilities(sample: Sample[Any], inner: Floats, bias: Floats) -> Floats:
    """Probability that a noised point reaches each neuron's active half line. `[m]`, float64."""
    from scipy.special import ndtr

    kinks = -bias / inner
    means = float(sample.mu) * np.asarray(sample.points, dtype=np.float64)
    away = np.sign(inner)[:, None] * (means - kinks[:, None]) / float(sample.sigma)
    found: Floats = ndtr(away).mean(axis=1)
    return found


# Proof -------------------------------------------------------------------------------------------


def _attempt(instance: Instance, sample: Sample[Any], start: Start, found: list[Found]) -> Attempt:
    end = _descend(sample, start)
    norm = float(np.linalg.norm(end.gradient))

    def outcome(what: Outcome, detail: str) -> Attempt:
        return Attempt(start.label, what, detail, end.risk, norm, end.steps)

    if not np.isfinite(end.risk):
        return outcome("not converged", "the risk is not finite")
    reached = active_probabilities(sample, end.start.inner, end.start.bias)
    dead = int((reached < DEAD).sum())
    if dead:
        return outcome("dead neurons", f"{dead} of {len(reached)} neurons dead: no strict minimum")
    values = np.linalg.eigvalsh(end.scaled)
    if values[0] < -FLAT * values[-1]:
        return outcome("not converged", "stopped at a point of negative curvature")
    if values[0] < FLAT * values[-1]:
        return outcome("degenerate", "the Hessian is singular to rounding: neurons merge or vanish")
    if not end.settled:
        return outcome("not converged", f"still moving after {end.steps} steps")
    final = end.start
    data = NetworkData(_exact(final.inner), _exact(final.bias), _exact(final.outer))
    named = replace(instance, network=data)
    proved = certified_minimum(named)
    if proved is None:
        return outcome("not certified", "Krawczyk's test proves no strict minimum next to the end")
    for place, entry in enumerate(found):
        if _same(entry.minimum, proved):
            found[place] = replace(entry, hits=entry.hits + 1)
            return outcome("found before", f"the minimum of {entry.start}")
    found.append(_found(named, proved, start.label))
    return outcome("minimum", f"R_n = {end.risk:.6g}")


def certified_minimum(instance: Instance) -> Minimum | None:
    """The strict local minimum next to an instance's network, proved; None if no proof is found.

    Raises:
        ValueError: the instance has no network.
    """
    for level, bits in enumerate(LEVELS):
        with precision(bits):
            minimum = find_minimum(
                express.sample(balls.SYSTEM, instance),
                express.network(balls.SYSTEM, instance),
                is_last=level == len(LEVELS) - 1,
            )
        if minimum.truth is Truth.TRUE:
            return minimum
        if minimum.truth is Truth.FALSE:
            return None
    return None


def _found(instance: Instance, minimum: Minimum, label: str) -> Found:
    with precision(LEVELS[1]):
        sample = express.sample(balls.SYSTEM, instance)
        matrix = curvature.hessian(balls.SYSTEM, sample, minimum.network)  # type: ignore[arg-type]
        value = risk.risk(balls.SYSTEM, sample, minimum.network)  # type: ignore[arg-type]
        top, bottom = largest_eigenvalue(matrix), -largest_eigenvalue(-matrix)
        return Found(
            instance,
            minimum,
            float(value.mid()),
            float(top.mid()),
            float(bottom.mid()),
            label,
        )


def _same(one: Minimum, other: Minimum) -> bool:
    """Whether the boxes of two minima overlap, neurons of equal sign in the order of their kinks.

    Two boxes of one minimum both contain it. Disjoint boxes hold different minima.
    """
    first, second = _canonical(one.network), _canonical(other.network)
    if first[0] != second[0]:
        return False
    return all(a.overlaps(b) for a, b in zip(first[1], second[1], strict=True))


def _canonical(network: Network[Any] | None) -> tuple[tuple[int, ...], list[Any]]:
    assert network is not None  # only proved minima are compared
    signs = tuple(int(sign) for sign in network.signs)
    # Sorted kinks: neurons that share sign and kink would be the only ambiguity; a strict minimum
    # has none.
    biases = [network.bias[neuron] for neuron in network.order]
    outer = [network.outer[neuron] for neuron in network.order]
    return signs, [*biases, *outer]


def _exact(values: Floats) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(value)) for value in values)

"""Networks for a sample that comes without one: generated, seeded, exact.

A statement about all parameters of a network is tried on a sample through the networks of
`networks_for`:

| name | what it is | for |
|---|---|---|
| `random` | 8 neurons, kinks over the range of the noised data, Gaussian weights | every theta |
| `fitted` | piecewise linear interpolant of the empirical score `s*` | small risk |
| `structured` | a neuron at each midpoint and data mean, signs alternate | kinks of the proofs |
| `minimum` | strict local minimum of the risk, one neuron at each end of the sample | minima |

The arithmetic is multiple-precision (50 digits) and the results are short decimals, so that no
parameter depends on the last bits of a floating-point library. `minimum` is left out where Newton's
iteration from its start does not arrive at a strict local minimum.

| letter | here | meaning |
|---|---|---|
| mu x_i | `centres` | mean of the noised point, given the training point |
| sigma | `sigma` | noise level |
| tau_l | `kinks` | kink of a neuron |
| w1, w2, m | `signs`, `outer`, `width` | inner weights, outer weights, number of neurons |
| h | `scale` | sigma^2 / (mu gap), the width of the jump of `s*` between two neighbours |
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import mpmath  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from dsmverify.instance import Instance, NetworkData

Real = Any
"""A number of the multiple-precision context."""

_DIGITS: Final = 50
_WIDE: Final = 5
"""Gaps of at least this many half noise levels have a jump of their own."""

_NEWTON_STEPS: Final = 60
_RANDOM_WIDTH: Final = 8
_STRUCTURED_POINTS: Final = 12


def _context() -> Any:
    """A multiple-precision context of our own: the global one keeps its precision."""
    context = mpmath.MPContext()
    context.dps = _DIGITS
    return context


_mp: Final = _context()


@dataclass(frozen=True)
class _Noised:
    """A sample as the network sees it: the means of the noised points and the noise level."""

    centres: tuple[Real, ...]
    sigma: Real
    mu: Real

    @classmethod
    def of(cls, instance: Instance) -> _Noised:
        mu, sigma = _noise(instance)
        return cls(tuple(mu * _real(x) for x in instance.points), sigma, mu)

    def score(self, y: Real) -> Real:
        """`s*(y)`, by differences to the nearest centre."""
        anchor = min(self.centres, key=lambda c: abs(c - y))
        weights = [
            _mp.exp((anchor - c) * (anchor + c - 2 * y) / (2 * self.sigma**2)) for c in self.centres
        ]
        shift = _mp.fdot(weights, [c - anchor for c in self.centres]) / _mp.fsum(weights)
        return (anchor - y + shift) / self.sigma**2


FINEST = 1e-20
"""Smallest ratio of sigma to the data at which networks are generated."""


def networks_for(instance: Instance, seed: int = 0) -> list[tuple[str, NetworkData]]:
    """Named networks for the sample of an instance, the same at every call.

    Args:
        instance: a sample with its noise level; its network, if any, is not looked at.
        seed: of the `random` network, non-negative.

    Returns:
        Pairs of a name of the module's table and a network with inner weights +-1 whose outer
        weights respect the bound of the class, set only where `C_n/sigma^6` is too small. None
        where sigma is so small beside the data that 50 digits cannot place a kink.
    """
    noised = _Noised.of(instance)
    if noised.sigma < FINEST * max(abs(centre) for centre in noised.centres):
        return []
    networks = [
        ("random", random_network(instance, seed=seed)),
        ("fitted", fitted_network(instance)),
        ("structured", structured_network(instance)),
    ]
    ends = edge_start(instance, width=2)
    minimum = polished(instance, *ends) if _separated(noised) else None
    if minimum is not None:
        networks.append(("minimum", minimum))
    return networks


def random_network(
    instance: Instance, *, width: int = _RANDOM_WIDTH, seed: int = 0, general: bool = False
) -> NetworkData:
    """Network with kinks spread over the noised data and Gaussian outer weights.

    Args:
        instance: sample and noise level.
        width: number of neurons.
        seed: non-negative.
        general: inner weights are Gaussian instead of +-1.

    Returns:
        Parameters of 6 significant digits; slopes of the network are of the order of `1/sigma^2`.
    """
    noised = _Noised.of(instance)
    generator = np.random.Generator(np.random.PCG64([seed, width, instance.size]))
    low = noised.centres[0] - 2 * noised.sigma
    high = noised.centres[-1] + 2 * noised.sigma
    cells = (np.arange(width) + generator.random(width)) / width
    kinks = [rounded(low + (high - low) * _mp.mpf(float(c)), 6, high - low) for c in cells]
    signs = [Fraction(1 if u < 0.5 else -1) for u in generator.random(width)]
    normal = generator.standard_normal(width)
    outer = [rounded(_mp.sqrt(width) * _mp.mpf(float(z)) / noised.sigma**2, 6) for z in normal]
    inner = signs
    if general:
        sizes = generator.standard_normal(width)
        inner = [
            s * rounded(_mp.mpf(abs(float(z)) + 0.05), 6) for s, z in zip(signs, sizes, strict=True)
        ]
    return network_of(instance, inner, kinks, outer)


def structured_network(instance: Instance) -> NetworkData:
    """Network with one neuron at each data mean and each midpoint, signs and slopes alternating.

    For samples of more than 12 points every k-th place is taken, with the smallest k that leaves
    at most 23 neurons.
    """
    noised = _Noised.of(instance)
    means = noised.centres
    middles = [(a + b) / 2 for a, b in itertools.pairwise(means)]
    places = sorted([*means, *middles])
    stride = -(-len(places) // (2 * _STRUCTURED_POINTS - 1))
    places = places[::stride]
    unit = _mp.mpf(len(places)) / noised.sigma**2
    outer = [rounded(unit * (-1) ** (k // 2), 6) for k in range(len(places))]
    signs = [Fraction((-1) ** k) for k in range(len(places))]
    kinks = _placed(instance, places)
    return network_of(instance, signs, kinks, outer)


def fitted_network(instance: Instance, *, per_gap: int | None = None) -> NetworkData:
    """Piecewise linear interpolant of the empirical score, written as a network.

    In a gap of at least 2.5 noise levels the kinks stand around the midpoint at multiples of
    `h = sigma^2/(mu gap)`; stretches of closer points get evenly spaced kinks. Both ends have slope
    `-1/sigma^2`. Kinks right of the centre belong to right-active neurons, kinks left of it to
    left-active ones, and one pair of opposite neurons with a common kink carries the affine part,
    so that the function is represented exactly.

    Args:
        instance: sample and noise level.
        per_gap: kinks around each midpoint: 2, 4 or 6; None chooses by the size of the sample.
            Gaps below 6 noise levels get at least 4.
    """
    noised = _Noised.of(instance)
    if per_gap is None:
        per_gap = 6 if instance.size <= 5 else 4 if instance.size <= 11 else 2
    nodes = _nodes(noised, per_gap)
    tail = -1 / noised.sigma**2
    digits = 14 + _exponent((noised.centres[-1] - noised.centres[0]) / noised.sigma)
    slope_unit = _unit(tail, digits)
    knots = [rounded(y, 5, scale) for y, scale, _ in nodes]
    values = [
        _to_fraction(value(_real(y)), _unit(1 / noised.sigma, digits))
        for y, (_, _, value) in zip(knots, nodes, strict=True)
    ]
    slopes = [_to_fraction(tail, slope_unit)]
    for (a, u), (b, v) in itertools.pairwise(zip(knots, values, strict=True)):
        slopes.append(_round_to((v - u) / (b - a), slope_unit))
    slopes.append(slopes[0])
    middle = noised.centres[(instance.size - 1) // 2]
    centre = sum(_real(y) < middle for y in knots)
    if slopes[centre] == 0:
        slopes[centre] += slope_unit
    touch = max(centre - 1, 0)
    root = knots[touch] - values[touch] / slopes[centre]
    root = _round_to(root, _unit(noised.sigma, digits))
    width = len(knots) + 2
    signs = [Fraction(1), Fraction(-1)]
    kinks = [root, root]
    outer = [width * slopes[centre], -width * slopes[centre]]
    for k, knot in enumerate(knots):
        jump = slopes[k + 1] - slopes[k]
        if jump == 0:
            continue
        signs.append(Fraction(1 if k >= centre else -1))
        kinks.append(knot)
        outer.append(width * jump)
    missing = width - len(outer)
    signs += [Fraction(1)] * missing
    kinks += [root] * missing
    outer += [Fraction(0)] * missing
    return network_of(instance, signs, kinks, outer)


def edge_start(instance: Instance, *, width: int) -> tuple[list[int], list[Real], list[Real]]:
    """Start of the minimum at the ends: signs, kinks and outer weights of one or two neurons.

    Beyond its kink at `mu x_n` a right-active neuron of slope `-1/sigma^2` reproduces the score of
    the last point, and its mirror image that of the first; where the points are far apart this is a
    local minimum up to `exp(-(mu Delta)^2/(2 sigma^2))`.

    Args:
        instance: sample and noise level.
        width: 1 (the last point only) or 2.
    """
    noised = _Noised.of(instance)
    slope = width / noised.sigma**2
    signs, kinks, outer = [1], [noised.centres[-1]], [-slope]
    if width > 1:
        signs.append(-1)
        kinks.append(noised.centres[0])
        outer.append(slope)
    return signs, kinks, outer


def polished(
    instance: Instance,
    signs: Sequence[int],
    kinks: Sequence[Real],
    outer: Sequence[Real],
    *,
    digits: int = 20,
) -> NetworkData | None:
    """Strict local minimum of the risk that damped Newton reaches from a start.

    Args:
        instance: sample and noise level.
        signs: inner weights, +-1.
        kinks: one per neuron.
        outer: outer weights.
        digits: significant digits of the result; kinks are rounded relative to the noise level.

    Returns:
        The network, or None where the iteration does not converge, or converges to a point at which
        the Hessian, or the mean of the pointwise Hessian, is not clearly positive definite.
    """
    noised = _Noised.of(instance)
    width = len(signs)
    point = _mp.matrix(
        [*map(_real, outer), *(-s * _real(t) for s, t in zip(signs, kinks, strict=True))]
    )
    scales = _mp.matrix([width / noised.sigma**2] * width + [noised.sigma] * width)
    for _ in range(_NEWTON_STEPS):
        gradient, hessian, _pointwise = _derivatives(noised, signs, point)
        gradient = _scaled(gradient, scales)
        hessian = _scaled_matrix(hessian, scales)
        if not _is_positive_definite(hessian, _mp.mpf(10) ** -9):
            return None
        step = _mp.lu_solve(hessian, -gradient)
        size = _mp.norm(step, _mp.inf)
        damping = min(_mp.one, _mp.mpf("0.3") / size) if size else _mp.one
        for k in range(2 * width):
            point[k] += damping * step[k] * scales[k]
        if size < _mp.mpf(10) ** (-digits - 5):
            break
    else:
        return None
    _, hessian, pointwise = _derivatives(noised, signs, point)
    for matrix in (hessian, pointwise):
        if not _is_positive_definite(_scaled_matrix(matrix, scales), _mp.mpf(10) ** -9):
            return None
    weights = [rounded(point[k], digits) for k in range(width)]
    places = [
        rounded(
            -s * point[width + k],
            digits,
            max(abs(noised.centres[0]), abs(noised.centres[-1]), noised.sigma),
        )
        for k, s in enumerate(signs)
    ]
    return network_of(instance, [Fraction(s) for s in signs], places, weights)


def network_of(
    instance: Instance,
    inner: Sequence[Fraction],
    kinks: Sequence[Fraction],
    outer: Sequence[Fraction],
) -> NetworkData:
    """Network with given kinks, with a bound that its outer weights and `C_n/sigma^6` respect.

    `bound` stays None where `C_n/sigma^6` exceeds every outer weight by one per cent; otherwise it
    is the next power of ten above both.
    """
    biases = tuple(-w * t for w, t in zip(inner, kinks, strict=True))
    largest = max(abs(w) for w in outer)
    default = default_bound(instance)
    bound = None
    if _real(largest) * _mp.mpf("1.01") > default:
        bound = Fraction(10) ** (_exponent(max(_real(largest), default)) + 1)
    return NetworkData(tuple(inner), biases, tuple(outer), bound)


def default_bound(instance: Instance) -> Real:
    """`C_n/sigma^6`, approximate, relative error about 1e-45.

    Source: section 2 (the setting), with the constant of lem12.
    """
    mu, sigma = _noise(instance)
    first, last = _real(instance.points[0]), _real(instance.points[-1])
    length, spacing = last - first, _real(instance.spacing)
    reach = max(last, 0) - min(first, 0)
    constant = 8 * mu**2 * length**3 * (mu**2 * reach + 2 * (instance.size - 1) / spacing)
    return max(_mp.one, constant) / sigma**6


def rounded(value: Real, digits: int, scale: Real | None = None) -> Fraction:
    """A number as a decimal with so many significant digits, relative to a scale or to itself."""
    return _to_fraction(value, _unit(value if scale is None else scale, digits))


def _noise(instance: Instance) -> tuple[Real, Real]:
    """`mu` and `sigma` to working precision."""
    noise = instance.noise
    if noise.time is not None:
        time = _real(noise.time)
        return _mp.exp(-time), _mp.sqrt(-_mp.expm1(-2 * time))
    assert noise.sigma is not None
    sigma = _real(noise.sigma)
    mu = _mp.sqrt((1 - sigma) * (1 + sigma)) if noise.mu is None else _real(noise.mu)
    return mu, sigma


def _real(value: Fraction | int | float | Real) -> Real:
    if isinstance(value, Fraction):
        return _mp.mpf(value.numerator) / value.denominator
    return _mp.mpf(value)


def _exponent(value: Real) -> int:
    """Decimal exponent: 0 for 1 <= |value| < 10."""
    return int(_mp.floor(_mp.log10(abs(value)))) if value else 0


def _unit(scale: Real, digits: int) -> Fraction:
    return Fraction(10) ** (_exponent(scale) + 1 - digits)


def _to_fraction(value: Real, unit: Fraction) -> Fraction:
    return int(_mp.nint(value / _real(unit))) * unit


def _round_to(value: Fraction, unit: Fraction) -> Fraction:
    return round(value / unit) * unit


def _separated(noised: _Noised) -> bool:
    """Whether both end gaps exceed 2.5 noise levels, so that each end has a minimum of its own."""
    gaps = [b - a for a, b in itertools.pairwise(noised.centres)]
    return bool(2 * min(gaps[0], gaps[-1]) >= _WIDE * noised.sigma)


def _placed(instance: Instance, places: Sequence[Real]) -> list[Fraction]:
    """Places as decimals, kept apart from each other by rounding far below the smallest gap."""
    mu, sigma = _noise(instance)
    scale = min(mu * _real(instance.spacing), sigma)
    return [rounded(place, 8, scale) for place in places]


_Node = tuple[Real, Real, "Callable[[Real], Real]"]


def _nodes(noised: _Noised, per_gap: int) -> list[_Node]:
    """Knots of the interpolant: place, scale of its rounding, and what it interpolates."""
    sigma, centres = noised.sigma, noised.centres
    wide = [2 * (b - a) >= _WIDE * sigma for a, b in itertools.pairwise(centres)]
    first = [True, *wide]
    last = [*wide, True]
    nodes: list[_Node] = []

    def line(centre: Real) -> Callable[[Real], Real]:
        return lambda y: (centre - y) / sigma**2

    for i, (a, b) in enumerate(itertools.pairwise(centres)):
        if not wide[i]:
            continue
        gap = b - a
        scale = sigma**2 / gap
        sharp = gap >= 6 * sigma
        left = line(a) if sharp and first[i] else noised.score
        right = line(b) if sharp and last[i + 1] else noised.score
        count = per_gap if sharp else max(per_gap, 4)
        inner = {2: (), 4: ("1.2",), 6: ("1", "2.5")}[count]
        outer = {2: "2", 4: "4", 6: "6"}[count]
        reach = min(_mp.mpf(outer) * scale, _mp.mpf("0.42") * gap)
        middle = (a + b) / 2
        offsets = [_mp.mpf(c) * scale for c in inner]
        nodes.append((middle - reach, scale, left))
        nodes += [(middle - o, scale, noised.score) for o in reversed(offsets)]
        nodes += [(middle + o, scale, noised.score) for o in offsets]
        nodes.append((middle + reach, scale, right))
    taken = sorted(y for y, _, _ in nodes)
    starts = [i for i, is_first in enumerate(first) if is_first]
    for start, stop in zip(starts, [*(s - 1 for s in starts[1:]), len(centres) - 1], strict=True):
        low, high = centres[start] - 3 * sigma, centres[stop] + 3 * sigma
        if start == stop:
            gaps = [abs(c - centres[start]) for c in centres if c != centres[start]]
            if start not in (0, len(centres) - 1) or min(gaps) >= 6 * sigma:
                continue
        below = max((y for y in taken if y < centres[start]), default=low - sigma)
        above = min((y for y in taken if y > centres[stop]), default=high + sigma)
        count = max(4, min(40, int(_mp.ceil((high - low) / (_mp.mpf("0.6") * sigma)))))
        step = (high - low) / count
        for k in range(count + 1):
            y = low + k * step
            if below + step / 2 < y < above - step / 2:
                nodes.append((y, sigma / 10, noised.score))
    return sorted(nodes, key=lambda node: node[0])


def _moments(low: Real, high: Real, sigma: Real) -> tuple[Real, Real, Real]:
    """`E[z^k 1[low < z < high]]`, k = 0, 1, 2, for `z ~ N(0, sigma^2)`; ends may be infinite."""
    if not low < high:
        return _mp.zero, _mp.zero, _mp.zero
    root = sigma * _mp.sqrt(2)

    def tail(z: Real) -> Real:
        return _mp.erfc(z / root) / 2

    def density(z: Real) -> Real:
        return _mp.zero if _mp.isinf(z) else _mp.npdf(z, 0, sigma)

    def end(z: Real) -> Real:
        return _mp.zero if _mp.isinf(z) else z * density(z)

    mass = tail(low) - tail(high) if low > 0 else tail(-high) - tail(-low)
    first = sigma**2 * (density(low) - density(high))
    second = sigma**2 * (mass + end(low) - end(high))
    return mass, first, second


def _derivatives(noised: _Noised, signs: Sequence[int], point: Any) -> tuple[Any, Any, Any]:
    """Gradient, Hessian and mean pointwise Hessian of the risk, in (outer weights, biases).

    Truncated Gaussian moments of products of half lines, no sorting: for networks of a few neurons.
    """
    m, n, sigma = len(signs), len(noised.centres), noised.sigma
    w = [point[k] / m for k in range(m)]
    tau = [-signs[k] * point[m + k] for k in range(m)]
    gradient, hessian, boundary = _mp.zeros(2 * m, 1), _mp.zeros(2 * m), _mp.zeros(2 * m)
    for centre in noised.centres:
        t = [kink - centre for kink in tau]
        low = [t[k] if signs[k] > 0 else -_mp.inf for k in range(m)]
        high = [_mp.inf if signs[k] > 0 else t[k] for k in range(m)]
        both: dict[tuple[int, int], tuple[Real, Real, Real]] = {}
        for k, j in itertools.product(range(m), repeat=2):
            moments = (
                both[j, k] if j < k else _moments(max(low[k], low[j]), min(high[k], high[j]), sigma)
            )
            both[k, j] = moments
        for j in range(m):
            own = both[j, j]
            with_ramp = signs[j] * (own[2] - t[j] * own[1]) / sigma**2
            with_step = own[1] / sigma**2
            at_kink = t[j] / sigma**2
            for k in range(m):
                mass, first, second = both[k, j]
                product = (
                    signs[k] * signs[j] * (second - (t[k] + t[j]) * first + t[k] * t[j] * mass)
                )
                ramp_step = signs[k] * (first - t[k] * mass)
                with_ramp += w[k] * product
                with_step += w[k] * ramp_step
                at_kink += w[k] * max(_mp.zero, signs[k] * (t[j] - t[k]))
                hessian[k, j] += product / m**2
                hessian[k, m + j] += ramp_step * w[j] / m
                hessian[m + j, k] += ramp_step * w[j] / m
                hessian[m + k, m + j] += w[k] * w[j] * mass
            gradient[j] += with_ramp / m
            gradient[m + j] += w[j] * with_step
            hessian[j, m + j] += with_step / m
            hessian[m + j, j] += with_step / m
            boundary[m + j, m + j] += w[j] * at_kink * _mp.npdf(t[j], 0, sigma)
    factor = _mp.mpf(2) / n
    return factor * gradient, factor * (hessian + boundary), factor * hessian


def _scaled(vector: Any, scales: Any) -> Any:
    return _mp.matrix([v * s for v, s in zip(vector, scales, strict=True)])


def _scaled_matrix(matrix: Any, scales: Any) -> Any:
    size = matrix.rows
    return _mp.matrix(
        [[matrix[j, k] * scales[j] * scales[k] for k in range(size)] for j in range(size)]
    )


def _is_positive_definite(matrix: Any, margin: Real) -> bool:
    """Whether a matrix stays positive definite after subtracting a margin times its diagonal."""
    shifted = matrix.copy()
    for k in range(matrix.rows):
        if shifted[k, k] <= 0:
            return False
        shifted[k, k] *= 1 - margin
    try:
        _mp.cholesky(shifted)
    except ValueError:
        return False
    return True

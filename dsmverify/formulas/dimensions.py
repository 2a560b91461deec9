"""Translation bounds beyond one dimension and two layers: networks made of the instance's own.

An instance has a sample on the line and a two-layer ReLU network g there. Two networks are made of
them whose expectations are exact, since one-dimensional Gaussian integrals give them all.

| letter | here | meaning |
|---|---|---|
| d | `DIMENSION` | 3 |
| X_i | | (x_{i+k})_{k = 0..d-1}, indices modulo n: the training points |
| gamma | `COUPLING` | 1/16 |
| s(y) | | s^j(y) = g(y_j) + gamma g(y_{j-1}), indices modulo d: `d m` neurons |
| u | `DIRECTION` | (1, 2, 2)/3, a unit vector along no axis |
| h(y) | | g with phi(t) = max(t, alpha t) in the place of relu |
| alpha | `LEAK` | 1/1024 |
| S(y) | | psi(h(y)), psi(t) = t + beta t^2, beta = sigma^2/16: three layers |

In d dimensions neuron `(l, k)` has the inner weight `(k+1) w1_l e_k`, the bias `(k+1) b_l` and the
outer weight `d w2_l (e_k + gamma e_{k+1})/(k+1)`: with `1/(d m)` before the sum this is s, and the
inner weights differ in length from axis to axis. The coordinates of Y given i are independent, so
the mean of a product over coordinates is a product of means on the line.

None of this is in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Generic

import numpy as np

from dsmverify.formulas.bounds import one, power
from dsmverify.formulas.case import Case
from dsmverify.formulas.risk import Geometry, geometry, residual
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers

DIMENSION = 3
DIRECTION = (Fraction(1, 3), Fraction(2, 3), Fraction(2, 3))
COUPLING = Fraction(1, 16)
LEAK = Fraction(1, 1024)
BEND = Fraction(1, 16)
"""beta sigma^-2."""

AXES = range(DIMENSION)


# One coordinate.


@dataclass(frozen=True)
class Coordinate(Generic[N]):
    """Means over `Y ~ N(mu x_i, sigma^2)` on the line, one entry for each training point. `[n]`.

    With g the network, f(y) = g(y) + (y - mu x_i)/sigma^2, and g'' the measure of its kinks.

    Attributes:
        score: E[g].
        score_square: E[g^2].
        residual: E[f].
        residual_square: E[f^2].
        slope: E[g'].
        slope_square: E[g'^2].
        bend: E[g''].
        residual_bend: E[f g''].
        score_bend: E[g g''].
    """

    score: N
    score_square: N
    residual: N
    residual_square: N
    slope: N
    slope_square: N
    bend: N
    residual_bend: N
    score_bend: N


def coordinate_means(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Coordinate[N]:
    """The means that one coordinate brings, in O(n m). Exact in exact systems.

    On a piece f and g are lines about its centre c; g'' has the mass (slope right less slope left)
    of each kink, times the density there.
    """
    seen = geometry(ns, sample, network)
    value, steepness = residual(ns, sample, seen, (sample.size, network.width))
    slopes, sigma = seen.parts.slopes, sample.sigma
    score, rise = value - seen.centre / sigma, steepness - 1 / sigma
    density = _densities(ns, seen) / sigma
    masses = (slopes[1:] - slopes[:-1]) * density
    at_kink = seen.parts.values

    def first(level: N, tilt: N) -> N:
        return ns.sum(level * seen.moments[0] + tilt * seen.moments[1])

    def square(level: N, tilt: N) -> N:
        mass, near, far = seen.moments
        return ns.sum(level * (level * mass + 2 * tilt * near) + tilt * tilt * far)

    return Coordinate(
        score=first(score, rise),
        score_square=square(score, rise),
        residual=first(value, steepness),
        residual_square=square(value, steepness),
        slope=ns.sum(slopes * seen.moments[0]),
        slope_square=ns.sum(slopes * slopes * seen.moments[0]),
        bend=ns.sum(masses),
        residual_bend=ns.sum(masses * (at_kink + seen.z / sigma)),
        score_bend=ns.sum(masses * at_kink),
    )


def _densities(ns: Numbers[N], seen: Geometry[N]) -> N:
    """Standard normal density at every kink as seen from each mean. `[n, m]`."""
    return ns.exp(-(seen.z * seen.z) / 2) / ns.root(2 * ns.pi, 2)


# Three dimensions.


@dataclass(frozen=True)
class Spread(Generic[N]):
    """The network s in d dimensions: what its curvature along a translation is made of.

    Attributes:
        risk: R_n, the mean of the squared Euclidean norm of the residual.
        slopes: E[d_k s . d_l s] for axes k and l, by pairs.
        bends: E[f . d_k^2 s] for each axis k; mixed second derivatives are 0.
    """

    risk: N
    slopes: dict[tuple[int, int], N]
    bends: tuple[N, ...]

    def curvature(self, ns: Numbers[N], direction: tuple[Fraction, ...]) -> N:
        """`v^T hess R_n v = 2 E|D_u s|^2 + 2 E[f . D_u^2 s]`, v = (0, (w1_l . u)_l)."""
        weight = [ns.constant(entry) for entry in direction]
        total = 0 * self.risk
        for k in AXES:
            total = total + 2 * weight[k] * weight[k] * self.bends[k]
            for other in AXES:
                total = total + 2 * weight[k] * weight[other] * self.slopes[k, other]
        return total


def spread(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Spread[N]:
    """Risk, slopes and bends of s, by products of means of independent coordinates.

    `f^j = f(y_j) + gamma g(y_{j-1})`, `d_j s^j = g'(y_j)`, `d_{j-1} s^j = gamma g'(y_{j-1})`.
    """
    n = sample.size
    here = [(np.arange(n) + k) % n for k in AXES]
    means = coordinate_means(ns, sample, network)
    gamma = ns.constant(COUPLING)

    def average(values: N) -> N:
        return ns.sum(values) / n

    zero = 0 * sample.sigma
    risk, bends = zero, [zero for _ in AXES]
    slopes = {(k, other): zero for k in AXES for other in AXES}
    for j in AXES:
        before = (j - 1) % DIMENSION
        own, last = here[j], here[before]
        crossed = average(means.residual[own] * means.score[last])
        risk = risk + average(means.residual_square) + gamma * gamma * average(means.score_square)
        risk = risk + 2 * gamma * crossed
        mixed = gamma * average(means.slope[own] * means.slope[last])
        slopes[j, j] = slopes[j, j] + average(means.slope_square)
        slopes[before, before] = slopes[before, before] + gamma * gamma * average(
            means.slope_square
        )
        slopes[j, before] = slopes[j, before] + mixed
        slopes[before, j] = slopes[before, j] + mixed
        own_bend = average(means.residual_bend) + gamma * average(
            means.bend[own] * means.score[last]
        )
        bends[j] = bends[j] + own_bend
        last_bend = average(means.residual[own] * means.bend[last]) + gamma * average(
            means.score_bend
        )
        bends[before] = bends[before] + gamma * last_bend
    return Spread(risk, slopes, tuple(bends))


# Three layers.


@dataclass(frozen=True)
class Deep(Generic[N]):
    """The three-layer network S on the line.

    Attributes:
        risk: R_n.
        curvature: `v^T hess R_n v`, v = w1 at the biases of the first layer and 0 elsewhere.
    """

    risk: N
    curvature: N


def deep(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Deep[N]:
    """Risk of S and its curvature along the translation, in O(n m). Exact in exact systems.

    On a piece the residual `psi(h) + z/sigma` is a parabola in `t = z - c`. `v^T hess R_n v =
    2 E[S'^2] + 2 E[f S'']` with `S' = psi'(h) h'` and `S'' = psi''(h) h'^2 + psi'(h) h''`, h'' the
    measure of the kinks.
    """
    n, m, sigma = sample.size, network.width, sample.sigma
    seen = geometry(ns, sample, network)
    level = residual(ns, sample, seen, (n, m))[0]
    leak, beta = ns.constant(LEAK), ns.constant(BEND) * sigma * sigma
    # max(t, alpha t) = (1 - alpha) relu(t) + alpha t, so h = (1 - alpha) g + alpha line.
    tilt = ns.sum(network.outer * network.inner) / m
    start = ns.sum(network.outer * network.bias) / m
    mean = (sample.mu * sample.points)[:, None]
    line = start + tilt * (mean + sigma * seen.centre)
    height = (1 - leak) * (level - seen.centre / sigma) + leak * line
    slope = (1 - leak) * seen.parts.slopes + leak * tilt
    climb = sigma * slope
    bent = 1 + 2 * beta * height
    constant = height + beta * height * height + seen.centre / sigma
    linear, square = climb * bent + 1 / sigma, beta * climb * climb
    mass, first, second, third, fourth = _moments(ns, seen)
    risks = (
        constant * (constant * mass + 2 * linear * first)
        + (linear * linear + 2 * constant * square) * second
        + 2 * linear * square * third
        + square * square * fourth
    )
    hump = 2 * beta * climb
    slopes = slope * slope * (bent * (bent * mass + 2 * hump * first) + hump * hump * second)
    curved = 2 * beta * slope * slope * (constant * mass + linear * first + square * second)
    at_kink = (1 - leak) * seen.parts.values + leak * (start + tilt * network.kinks)
    jumps = (slope[1:] - slope[:-1]) * (1 + 2 * beta * at_kink) * _densities(ns, seen) / sigma
    kinked = jumps * (at_kink + beta * at_kink * at_kink + seen.z / sigma)
    total = ns.sum(ns.sum(slopes + curved)) + ns.sum(ns.sum(kinked))
    return Deep(ns.sum(ns.sum(risks)) / n, 2 * total / n)


def _moments(ns: Numbers[N], seen: Geometry[N]) -> tuple[N, N, N, N, N]:
    """`E[(z - c)^k ; piece]`, k = 0..4, the last two by partial integration.

    `M_k = (k-1) M_{k-2} - c M_{k-1} + (a - c)^{k-1} phi(a) - (b - c)^{k-1} phi(b)`, from a to b.
    """
    mass, first, second = seen.moments
    density = _densities(ns, seen)
    none = 0 * seen.centre[:, :1]
    lower = ns.concatenate((none, seen.z)) - ns.concatenate((none, seen.centre[:, 1:]))
    upper = ns.concatenate((seen.z, none)) - ns.concatenate((seen.centre[:, :-1], none))
    below, above = ns.concatenate((none, density)), ns.concatenate((density, none))
    third = 2 * first - seen.centre * second + lower * lower * below - upper * upper * above
    fourth = (
        3 * second
        - seen.centre * third
        + lower * lower * lower * below
        - upper * upper * upper * above
    )
    return mass, first, second, third, fourth


# Sides.


def _spread(c: Case[N]) -> Spread[N]:
    return spread(c.ns, c.sample, c.network)


def curvature_in_dimensions(c: Case[N]) -> N:
    """`v^T hess R_n(theta) v` in d = 3 along u = (1, 2, 2)/3.

    Source: beyond the printed theorem, shift5.
    """
    return _spread(c).curvature(c.ns, DIRECTION)


def mean_curvature_in_dimensions(c: Case[N]) -> N:
    """`(1/d) sum_k v_k^T hess R_n(theta) v_k`, v_k along axis k; `sum_k |v_k|^2 = sum |w1_l|^2`.

    Source: beyond the printed theorem, shift5.
    """
    found = _spread(c)
    total = 0 * found.risk
    for axis in AXES:
        total = total + found.curvature(c.ns, tuple(Fraction(int(k == axis)) for k in AXES))
    return total / DIMENSION


def risk_root_in_dimensions(c: Case[N]) -> N:
    """`r = sigma sqrt(R_n(theta))`, R_n the mean of a squared Euclidean norm."""
    return c.sigma * c.ns.root(_spread(c).risk, 2)


def curvature_floor_in_dimensions(c: Case[N]) -> N:
    """`(2/sigma^4)(1 - 2 r - r^2/2)`.

    Source: beyond the printed theorem, shift5.
    """
    r = risk_root_in_dimensions(c)
    return (2 - 4 * r - power(r, 2)) / power(c.sigma, 4)


def mean_curvature_floor(c: Case[N]) -> N:
    """`(2/sigma^4)(1 - 2 r/sqrt d - r^2/2)`.

    Source: beyond the printed theorem, shift5.s1.
    """
    r = risk_root_in_dimensions(c)
    tilted = 4 * r / c.ns.root(DIMENSION * one(c), 2)
    return (2 - tilted - power(r, 2)) / power(c.sigma, 4)


def mean_squared_jacobian(c: Case[N]) -> N:
    """`E||D s_theta(Y)||_F^2`.

    Source: beyond the printed theorem, shift5.s1.
    """
    found = _spread(c)
    total = 0 * found.risk
    for axis in AXES:
        total = total + found.slopes[axis, axis]
    return total


def squared_jacobian_floor(c: Case[N]) -> N:
    """`(sqrt d - r)_+^2 / sigma^4`.

    Source: beyond the printed theorem, shift5.s1.
    """
    root = c.ns.root(DIMENSION * one(c), 2)
    rest = c.ns.maximum(root - risk_root_in_dimensions(c), 0 * c.sigma)
    return power(rest, 2) / power(c.sigma, 4)


def curvature_of_deep(c: Case[N]) -> N:
    """`v^T hess R_n(theta) v` of the three-layer network.

    Source: beyond the printed theorem, shift6.
    """
    return deep(c.ns, c.sample, c.network).curvature


def curvature_floor_of_deep(c: Case[N]) -> N:
    """`(2/sigma^4)(1 - 2 r - r^2/2)`, r of the three-layer network.

    Source: beyond the printed theorem, shift6.
    """
    r = c.sigma * c.ns.root(deep(c.ns, c.sample, c.network).risk, 2)
    return (2 - 4 * r - power(r, 2)) / power(c.sigma, 4)

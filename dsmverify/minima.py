"""Local minima of the risk near a given network, proved by Krawczyk's test.

From the instance's exact parameters Newton's method finds an approximate critical point; around
it a small box X is tested with `K(X) = t - Y g(t) + (I - Y H(X)) (X - t)`. If `K(X)` lies inside X,
the box contains exactly one critical point; if the Hessian over X is positive definite, that point
is a strict local minimum. Claims about minima are then evaluated with the parameters ranging over
`K(X)`: what holds for every point of the box holds at the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from dsmverify.formulas import curvature, risk
from dsmverify.formulas.setting import Network, Sample
from dsmverify.spectra import is_positive_definite, midpoints
from dsmverify.systems.balls import SYSTEM
from dsmverify.truth import Truth, certainly_below, compare, differ

NEARNESS = 20
"""A minimum belongs to an instance if it is within 2^-NEARNESS of its parameters, relatively."""

MAX_WIDTH = 12
"""Networks wider than this are not searched for minima: the test would cost O(m^3) ball work."""

NEWTON_STEPS = 12


@dataclass(frozen=True)
class Minimum:
    """Outcome of the search for a local minimum near a network.

    Attributes:
        truth: TRUE with `network` enclosing the minimum; FALSE with `gradient` certified non-zero
            and no minimum found nearby; UNKNOWN otherwise.
        network: the minimum, its parameters as balls.
        gradient: norm of the gradient at the instance's own parameters.
        distance: largest distance of a parameter of the minimum from the instance's.
    """

    truth: Truth
    network: Network[Any] | None
    gradient: arb
    distance: arb | None = None


def find_minimum(sample: Sample[Any], network: Network[Any], *, is_last: bool) -> Minimum:
    """The strict local minimum of `R_n` near a network, if Krawczyk's test proves one.

    A network given in decimals is never critical itself; so failing to prove a minimum near it says
    FALSE only where Newton's first step is certified to leave the neighbourhood, or at the last
    precision.

    Args:
        sample: training points and noise level, as balls.
        network: the network as balls, exact parameters.
        is_last: whether no higher precision will be tried.
    """
    m = network.width
    at_network = risk.gradient(SYSTEM, sample, network)
    norm = _norm(at_network)
    not_critical = any(differ(entry, arb(0)) is Truth.TRUE for entry in at_network)
    elsewhere = Minimum(Truth.FALSE if not_critical else Truth.UNKNOWN, None, norm)
    failure = elsewhere if is_last else Minimum(Truth.UNKNOWN, None, norm)
    if m > MAX_WIDTH:
        return elsewhere
    start = np.concatenate([network.outer, network.bias])
    if not_critical and _leaves(curvature.hessian(SYSTEM, sample, network), at_network, start):
        return elsewhere
    point = midpoints(start)
    for _ in range(NEWTON_STEPS):
        here = _with_parameters(network, point)
        if here is None:
            return failure
        gradient = midpoints(risk.gradient(SYSTEM, sample, here))
        hessian = midpoints(curvature.hessian(SYSTEM, sample, here))
        step = _solve(hessian, gradient)
        if step is None:
            return failure
        point = midpoints(point - step)
        if not _is_near(point, start):
            return failure
        if all(_is_tiny(change, value) for change, value in zip(step, point, strict=True)):
            break
    return _krawczyk(sample, network, start, point, norm) or failure


def _krawczyk(
    sample: Sample[Any], network: Network[Any], start: Any, point: Any, norm: arb
) -> Minimum | None:
    here = _with_parameters(network, point)
    if here is None:
        return None
    inverse = _inverse(midpoints(curvature.hessian(SYSTEM, sample, here)))
    if inverse is None:
        return None
    correction = inverse @ risk.gradient(SYSTEM, sample, here)
    radius = arb(2) ** (-(int(ctx.prec) // 3))
    spread = np.array([arb(0, (1 + abs(value)) * radius) for value in point], dtype=object)
    box = _with_parameters(network, point + spread)
    if box is None:
        return None
    hessian = curvature.hessian(SYSTEM, sample, box)
    eye = SYSTEM.constant(np.eye(len(point), dtype=int))
    image = -correction + (eye - inverse @ hessian) @ spread
    inside = all(
        certainly_below(abs(entry), arb(ball.rad()))
        for entry, ball in zip(image, spread, strict=True)
    )
    if not inside or is_positive_definite(hessian) is not Truth.TRUE:
        return None
    enclosed = _with_parameters(network, point + image)
    if enclosed is None or not _is_near(point + image, start):
        return None
    distance = arb(0)
    for value, own in zip(point + image, start, strict=True):
        distance = distance.max(abs(value - own))
    return Minimum(Truth.TRUE, enclosed, norm, distance)


def _with_parameters(network: Network[Any], parameters: Any) -> Network[Any] | None:
    """The network with other outer weights and biases; None if its kinks then have no order."""
    m = network.width
    outer, bias = parameters[:m], parameters[m:]
    raw = -bias / network.inner
    order = np.argsort(np.array([float(kink.mid()) for kink in raw]), kind="stable")
    kinks = raw[order]
    for low, high in pairwise(kinks):
        if not certainly_below(low, high):
            return None
    inverse = np.argsort(network.order)
    signs = network.signs[inverse][order]
    return replace(
        network,
        outer=outer,
        bias=bias,
        kinks=kinks,
        order=order,
        signs=signs,
        group=np.arange(m),
    )


def _leaves(hessian: Any, gradient: Any, start: Any) -> bool:
    """Whether Newton's first step certainly leaves the neighbourhood of the start."""
    try:
        step = arb_mat(hessian.tolist()).solve(arb_mat([[entry] for entry in gradient]))
    except ZeroDivisionError:
        return False
    limits = [(1 + abs(value)) * arb(2) ** (1 - NEARNESS) for value in start]
    return any(certainly_below(limit, abs(step[i, 0])) for i, limit in enumerate(limits))


def _solve(matrix: Any, vector: Any) -> Any:
    try:
        solved = arb_mat(matrix.tolist()).solve(arb_mat([[entry] for entry in vector]))
    except ZeroDivisionError:
        return None
    return midpoints(np.array([solved[i, 0] for i in range(len(vector))], dtype=object))


def _inverse(matrix: Any) -> Any:
    try:
        inverse = arb_mat(matrix.tolist()).inv()
    except ZeroDivisionError:
        return None
    size = len(matrix)
    entries = [[inverse[i, j].mid() for j in range(size)] for i in range(size)]
    return np.array(entries, dtype=object)


def _norm(vector: Any) -> arb:
    return sum((entry * entry for entry in vector), arb(0)).sqrt()


def _is_near(point: Any, start: Any) -> bool:
    return all(
        compare(abs(a - b), "<=", (1 + abs(b)) * arb(2) ** -NEARNESS) is Truth.TRUE
        for a, b in zip(point, start, strict=True)
    )


def _is_tiny(change: arb, value: arb) -> bool:
    limit = (1 + abs(value)) * arb(2) ** (-(int(ctx.prec) // 2))
    return certainly_below(abs(change), limit)

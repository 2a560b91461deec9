"""The reduced scalar system once more, by mpmath alone: an oracle for the pencils.

Nothing here comes from the engine. The system is solved by Newton on its logarithms (mpmath's), a
path in the ridge leading there; derivatives are symmetric differences at twice the digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mpmath import mp


@dataclass(frozen=True)
class Point:
    """A point; every number an mpmath one, copies an int or inf."""

    time: Any
    moments: tuple[Any, Any, Any]
    psi_n: Any
    psi_p: Any
    ridge: Any
    copies: float
    atoms: tuple[tuple[Any, Any], ...] = ((1, 1),)


def relu(time: Any) -> tuple[Any, Any, Any]:
    """`mu_1^2, v0^2, s^2` of ReLU, from its arc-cosine kernel."""
    c = mp.exp(-2 * time)
    kernel = (mp.sqrt(1 - c * c) + c * (mp.pi - mp.acos(c))) / (2 * mp.pi)
    mean = 1 / (2 * mp.pi)
    shared = kernel - mean - c / 4
    return mp.mpf(1) / 4, shared, mp.mpf(1) / 2 - mean - mp.mpf(1) / 4 - shared


def tanh(time: Any, step: str = "0.125", reach: int = 72) -> tuple[Any, Any, Any]:
    """The same of tanh, by the trapezoidal rule: geometric convergence, for analytic functions."""
    width = mp.mpf(step)
    nodes = [width * k for k in range(-reach, reach + 1)]
    weights = [width * mp.exp(-(x * x) / 2) / mp.sqrt(2 * mp.pi) for x in nodes]
    linear = sum(w * x * mp.tanh(x) for w, x in zip(weights, nodes, strict=True)) ** 2
    square = sum(w * mp.tanh(x) ** 2 for w, x in zip(weights, nodes, strict=True))
    a, b = mp.exp(-time), mp.sqrt(-mp.expm1(-2 * time))
    kernel = mp.mpf(0)
    for outer, x in zip(weights, nodes, strict=True):
        inner = sum(w * mp.tanh(a * x + b * y) for w, y in zip(weights, nodes, strict=True))
        kernel += outer * inner**2
    shared = kernel - a * a * linear
    return linear, shared, square - linear - shared


def errors(point: Point) -> dict[str, Any]:
    """Errors of a point, by the formulas of section 4 over the atoms."""
    a2, h = mp.exp(-2 * point.time), -mp.expm1(-2 * point.time)
    linear, shared, fresh = point.moments
    start = _start(point)
    step = point.ridge * mp.mpf(10) ** (-mp.dps // 4)

    def along(strength: Any, shift: Any) -> Any:
        sides = []
        for sign in (1, -1):
            q = ([sign * step * s for s in strength], sign * step * shift)
            sides.append(_minimum(point, _solve(point, q, start), q)[0])
        return (sides[0] - sides[1]) / (2 * step)

    ones = [1] * len(point.atoms)
    t_c = along([a2 * linear * xi for _, xi in point.atoms], shared)
    t_n = along([h * linear * one for one in ones], fresh)
    t_i = along([0 * one for one in ones], mp.mpf(1))
    zero = ([mp.mpf(0)] * len(ones), mp.mpf(0))
    values = _solve(point, zero, start)
    least, k0, kernels = _minimum(point, values, zero)
    g, first, second = values
    scores = sum(weight / (a2 * xi + h) for weight, xi in point.atoms)
    found = {
        "test": scores - 2 * k0 / h + (t_c + t_n) / h,
        "train": least - point.ridge * t_i,
        "memory": None,
    }
    if math.isinf(point.copies):
        found["other train"] = 1 - 2 * k0 + first**2 * t_c + t_n
        found["memory"] = found["train"]
        return found
    m = int(point.copies)
    found["other train"] = first**2 * (1 - 2 * k0 + m * t_c + t_n) / m
    found["other train"] += (1 - mp.mpf(1) / m) * second**2 * (1 - 2 * k0 + t_n)
    mean = sum(w * xi * k for (w, xi), k in zip(point.atoms, kernels, strict=True))
    x = first * (a2 * linear * mean + shared * point.psi_p * g) / (point.psi_n * mp.sqrt(m))
    found["memory"] = 1 - 2 * k0 + (1 - mp.sqrt(m) * x) ** 2 * t_c + x**2 * (1 - 2 * k0 + t_n) + t_n
    return found


def _table(point: Point) -> Any:
    a2, h = mp.exp(-2 * point.time), -mp.expm1(-2 * point.time)
    linear, shared, fresh = point.moments
    own = mp.mpf(0) if math.isinf(point.copies) else 1 / mp.mpf(point.copies)
    first = [(a2 * xi + h * own) * linear for _, xi in point.atoms]
    return first, shared + fresh * own, h * linear, fresh, own


def _system(point: Point, q: Any, values: Any) -> Any:
    g, one, two = values
    p1, n1, p2, n2, own = _table(point)
    strength = [one * p + (1 - own) * two * p2 + x for p, x in zip(p1, q[0], strict=True)]
    shift = point.ridge + one * n1 + (1 - own) * two * n2 + q[1]
    H = point.psi_p * g
    kernels = [H / (1 + A * H) for A in strength]
    weights = [weight for weight, _ in point.atoms]
    mean = sum(w * A / (1 + A * H) for w, A in zip(weights, strength, strict=True))
    load = sum(w * p * K for w, p, K in zip(weights, p1, kernels, strict=True)) + n1 * H
    second = p2 * sum(w * K for w, K in zip(weights, kernels, strict=True)) + n2 * H
    equations = [
        mp.log(g * (shift + mean)),
        mp.log(one * (1 + load / point.psi_n)),
        mp.log(two * (1 + own * second / point.psi_n)),
    ]
    return equations, kernels


def _solve(point: Point, q: Any, start: Any) -> Any:
    def residual(*logs: Any) -> Any:
        return _system(point, q, [mp.exp(x) for x in logs])[0]

    root = mp.findroot(residual, [mp.log(x) for x in start], maxsteps=60)
    return [mp.exp(x) for x in root]


def _start(point: Point) -> Any:
    zero = ([mp.mpf(0)] * len(point.atoms), mp.mpf(0))
    values, ridge = [mp.mpf("0.01"), mp.mpf(1), mp.mpf(1)], mp.mpf(100)
    while True:
        ridge = max(ridge / 8, point.ridge)
        near = Point(
            point.time, point.moments, point.psi_n, point.psi_p, ridge, point.copies, point.atoms
        )
        values = _solve(near, zero, values)
        if ridge == point.ridge:
            return values


def _minimum(point: Point, values: Any, q: Any) -> Any:
    _, one, two = values
    _, _, p2, _, own = _table(point)
    kernels = _system(point, q, values)[1]
    dbar = own * one + (1 - own) * two
    k0 = p2 * dbar * sum(w * K for (w, _), K in zip(point.atoms, kernels, strict=True))
    return dbar * (1 - k0), k0, kernels

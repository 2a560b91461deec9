"""Both sides of the translation bounds in three dimensions and of three layers.

The curvature is worked out as `2/sigma^4 - (4/sigma^3) E[(Z.u)(u.f)] + (1/sigma^2) E[((Z.u)^2 - 1)
|f|^2]`, by quadrature: the other path differentiates the network twice.

Products over coordinates of functions of one coordinate are spelt as monomials. Given i the
coordinates of Y are independent, so the mean of a monomial is a product of means on the line.
"""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import Setting, gaussian_mean, network
from dsmverify.replay.registry import Part, side

Monomial = tuple[tuple[int, int, int], ...]
"""For each coordinate the powers of `z`, `f` and `g` there."""

Terms = list[tuple[Any, Monomial]]
"""A sum of monomials with coefficients."""


def factor(axis: int, powers: tuple[int, int, int]) -> Monomial:
    """Monomial of one coordinate of three."""
    return tuple(powers if k == axis % 3 else (0, 0, 0) for k in range(3))


def joined(first: Monomial, second: Monomial) -> Monomial:
    """Product of two monomials: powers add."""
    rows = zip(first, second, strict=True)
    return tuple((p[0] + q[0], p[1] + q[1], p[2] + q[2]) for p, q in rows)


def times(first: Terms, second: Terms) -> Terms:
    """Product of two sums."""
    return [(a * b, joined(v, w)) for a, v in first for b, w in second]


def line_mean(c: Setting, i: int, powers: tuple[int, int, int]) -> Any:
    """`E[z^p f^a g^b]`, `Y ~ N(mu x_i, sigma^2)`, g the instance's network."""
    key = f"line {i} {powers}"
    if key not in c.cache:
        p, a, b = powers
        centre, cuts = c.mu * c.x[i], [c.number(kink) for kink in c.kinks]

        def at(y: Any) -> Any:
            z, g = (y - centre) / c.sigma, network(c, y)
            return z**p * (g + z / c.sigma) ** a * g**b

        c.cache[key] = gaussian_mean(c, at, centre, cuts)
    return c.cache[key]


def mean_of(c: Setting, terms: Terms) -> Any:
    """Mean over i and Y; coordinate k of point i is `x_{i+k}`."""
    total = c.mp.zero
    for i in range(c.n):
        for coefficient, monomial in terms:
            value = coefficient
            for k, powers in enumerate(monomial):
                value *= line_mean(c, (i + k) % c.n + 1, powers) if any(powers) else 1
            total += value
    return total / c.n


def residuals(c: Setting) -> list[Terms]:
    """`f^j = f(y_j) + g(y_{j-1})/16` for j = 1, 2, 3."""
    coupling = c.mp.one / 16
    return [
        [(c.mp.one, factor(j, (0, 1, 0))), (coupling, factor(j - 1, (0, 0, 1)))] for j in range(3)
    ]


def squared(c: Setting) -> Terms:
    """`|f|^2`."""
    return [term for f in residuals(c) for term in times(f, f)]


def risk_in_dimensions(c: Setting) -> Any:
    """`R_n`: mean of the squared Euclidean norm."""
    if "risk 3" not in c.cache:
        c.cache["risk 3"] = mean_of(c, squared(c))
    return c.cache["risk 3"]


def noise(c: Setting, axis: int) -> Terms:
    """`Z_axis`."""
    return [(c.mp.one, factor(axis, (1, 0, 0)))]


def curvature_along(c: Setting, u: list[Any]) -> Any:
    """`v^T hess R_n v` by the moments of noise and residual."""
    along = [(u[k] * a, w) for k in range(3) for a, w in noise(c, k)]
    parallel = [(u[k] * a, w) for k in range(3) for a, w in residuals(c)[k]]
    cross = mean_of(c, times(along, parallel))
    spread = mean_of(c, times(times(along, along), squared(c))) - risk_in_dimensions(c)
    return 2 / c.sigma**4 - 4 * cross / c.sigma**3 + spread / c.sigma**2


def mean_curvature(c: Setting) -> Any:
    """`(1/3) sum_k v_k^T hess R_n v_k` over the axes."""
    axes = [[c.mp.mpf(int(k == axis)) for k in range(3)] for axis in range(3)]
    return sum(curvature_along(c, u) for u in axes) / 3


@side("shift5")
def shift5(c: Setting) -> list[Part]:
    """The curvature along u, and its mean over the axes."""
    r = c.sigma * c.mp.sqrt(risk_in_dimensions(c))
    floor = 2 / c.sigma**4 * (1 - 2 * r - r**2 / 2)
    oblique = curvature_along(c, [c.mp.one / 3, 2 * c.mp.one / 3, 2 * c.mp.one / 3])
    return [(oblique, ">=", floor), (mean_curvature(c), ">=", floor)]


def slope(c: Setting, y: Any) -> Any:
    """`g'(y)`, by the definition."""
    rows = zip(c.w1, c.b, c.w2, strict=True)
    return sum(w2 * w for w, b, w2 in rows if w * y + b > 0) / c.m


def squared_jacobian(c: Setting) -> Any:
    """`E||D s||_F^2 = 3 (1 + 1/256) E[g'^2]`: `D s` holds `g'(y_j)` and `g'(y_{j-1})/16`."""
    cuts = [c.number(kink) for kink in c.kinks]
    means = [gaussian_mean(c, lambda y: slope(c, y) ** 2, c.mu * x, cuts) for x in c.x.values()]
    return 3 * (1 + c.mp.one / 256) * sum(means) / c.n


@side("shift5.s1")
def shift5_s1(c: Setting) -> list[Part]:
    """All axes at once."""
    r, root = c.sigma * c.mp.sqrt(risk_in_dimensions(c)), c.mp.sqrt(3)
    return [
        (mean_curvature(c), ">=", 2 / c.sigma**4 * (1 - 2 * r / root - r**2 / 2)),
        (squared_jacobian(c), ">=", max(root - r, c.mp.zero) ** 2 / c.sigma**4),
    ]


def deep(c: Setting, y: Any) -> Any:
    """`psi(h(y))`, first activation `max(t, t/1024)`, second `t + (sigma^2/16) t^2`."""
    rows = zip(c.w1, c.b, c.w2, strict=True)
    h = sum(w2 * max(w * y + b, (w * y + b) / 1024) for w, b, w2 in rows) / c.m
    return h + c.sigma**2 / 16 * h**2


def deep_mean(c: Setting, weigh: Any) -> Any:
    """`(1/n) sum_i E[weigh(Z, f(Y))]`, f the residual of the three-layer network."""
    cuts, total = [c.number(kink) for kink in c.kinks], c.mp.zero
    for x in c.x.values():
        centre = c.mu * x

        def at(y: Any, centre: Any = centre) -> Any:
            z = (y - centre) / c.sigma
            return weigh(z, deep(c, y) + z / c.sigma)

        total += gaussian_mean(c, at, centre, cuts)
    return total / c.n


@side("shift6")
def shift6(c: Setting) -> list[Part]:
    """The curvature of the three-layer network against its risk."""
    r = c.sigma * c.mp.sqrt(deep_mean(c, lambda _, f: f**2))
    mixed = deep_mean(c, lambda z, f: -4 * z * f / c.sigma**3 + (z**2 - 1) * f**2 / c.sigma**2)
    return [(2 / c.sigma**4 + mixed, ">=", 2 / c.sigma**4 * (1 - 2 * r - r**2 / 2))]

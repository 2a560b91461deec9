"""Moments of an activation under the Gaussian law, in closed form.

What random features of an activation rho do at a fixed time is told by five numbers. With
`c_k = E[rho(g) He_k(g)]/sqrt(k!)`, g standard normal, and `Kap(c) = sum_k c_k^2 c^k`, which is
`E rho(g) rho(g')` for g, g' of correlation c:

| letter | here | meaning |
|---|---|---|
| a, h | `a`, `h` | `e^{-t}` and `1 - e^{-2t}`; two points of one sample have correlation a^2 |
| mu_0 | `mean` | `c_0` |
| mu_1^2 | `linear` | `c_1^2` |
| mu_*^2 | `nonlinear` | `sum_{k>=2} c_k^2` |
| v0^2 | `shared` | `sum_{k>=2} c_k^2 a^{2k}`: what noised copies of one point share |
| s^2 | `fresh` | `sum_{k>=2} c_k^2 (1 - a^{2k})`: what they do not |

`shared` falls like a power of `a^2` at large times and `fresh` like `h` at small ones, and neither
is ever formed as a difference of larger numbers. Angles enter by half: with `T(x) = x - arctan x`,

    arcsin z = 2 (w - T(w)),  w = z/(1 + sqrt(1 - z^2))
    arccos c = 2 (u - T(u)),  u = sqrt((1 - c)/(1 + c))

and what remains is a sum of positive terms, or such a one less at most two thirds of it.

Source: random-features.md, section 2; derivations/rf_kernels.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from dsmverify.numbers import N, Numbers


@dataclass(frozen=True)
class Moments(Generic[N]):
    """What the equations of random features need to know of an activation at one time.

    Attributes:
        mean: mu_0.
        linear: mu_1^2.
        nonlinear: mu_*^2, the variance that no linear function explains; `shared + fresh`.
        shared: v0^2, the part of it that noised copies of one point have in common.
        fresh: s^2, the rest of it.
    """

    mean: N
    linear: N
    nonlinear: N
    shared: N
    fresh: N


def moments(ns: Numbers[N], name: str, a: N, h: N) -> Moments[N]:
    """Moments of an activation at one time, or at an array of times; exact in exact systems.

    In float64 every moment has a relative error of a few units of rounding, at small times and at
    large ones, if `h` is `-expm1(-2t)`.

    Args:
        ns: number system.
        name: one of `CLOSED`.
        a: `e^{-t}`, in (0, 1).
        h: `1 - e^{-2t}`.

    Raises:
        ValueError: no closed form is known under this name.

    Source: random-features.md, section 2.
    """
    if name not in CLOSED:
        raise ValueError(f"activation: {name!r} has no closed form here: {', '.join(CLOSED)}")
    result: Moments[N] = CLOSED[name](ns, a, h)
    return result


def relu_moments(ns: Numbers[N], a: N, h: N) -> Moments[N]:
    """`max(x, 0) = (x + |x|)/2`: a quarter of the moments of |x|, and those of x/2.

    Source: derivations/rf_kernels.py.
    """
    even = absolute_moments(ns, a, h)
    return Moments(
        mean=even.mean / 2,
        linear=ns.constant(1) / 4,
        nonlinear=even.nonlinear / 4,
        shared=even.shared / 4,
        fresh=even.fresh / 4,
    )


def absolute_moments(ns: Numbers[N], a: N, h: N) -> Moments[N]:
    """`|x|`: `Kap(c) = (2/pi) (sqrt(1 - c^2) + c arcsin c)`.

    With `r = sqrt(1 - c^2)`, `w = c/(1 + r)`, `u = sqrt((1 - c)/(1 + c))`, T of the module:
    `v0^2 = (2/pi) c (w - 2 T(w))` and `s^2 = h - (2/pi) (u h + 2 c T(u))`.

    Source: derivations/rf_kernels.py.
    """
    c = a * a
    w = c / (1 + ns.root(h * (1 + c), 2))
    u = ns.root(h / (1 + c), 2)
    return Moments(
        mean=ns.root(2 / ns.pi, 2),
        linear=ns.constant(0),
        nonlinear=1 - 2 / ns.pi,
        shared=2 * c * (w - 2 * ns.arctan_defect(w)) / ns.pi,
        fresh=h - 2 * (u * h + 2 * c * ns.arctan_defect(u)) / ns.pi,
    )


def erf_moments(ns: Numbers[N], a: N, h: N) -> Moments[N]:
    """`erf(x)`: `Kap(c) = (2/pi) arcsin(2c/3)`, and `mu_1^2 = 4/(3 pi)`.

    `v0^2 = (2/pi) (arcsin z - z)` at `z = 2c/3`, and mu_*^2 the same at 2/3. For s^2 let alpha
    and beta be the arcsines of 2/3 and of 2c/3, m their mean and k the tangent of half their
    difference, so that `sin(arctan k) = h/(3 cos m)`: with q the cosine of arctan k
    `s^2 = (4/pi) (k (sin^2 m + h^2/9)/(1 + q cos m) - T(k))`, T of the module.

    Source: derivations/rf_kernels.py.
    """
    c = a * a
    top = ns.constant(2) / 3
    both_cosines = ns.root(5 * (1 - 4 * c * c / 9), 2) / 3
    cosine = both_cosines - 4 * c / 9  # of alpha + beta
    sine = top * (ns.root(1 - 4 * c * c / 9, 2) + c * ns.root(ns.constant(5), 2) / 3)
    cosine_of_mean = ns.root((1 + cosine) / 2, 2)
    sine_square = sine * sine / (2 * (1 + cosine))
    half_sine = h / (3 * cosine_of_mean)
    q = ns.root(1 - half_sine * half_sine, 2)
    k = half_sine / q
    spread = k * (sine_square + h * h / 9) / (1 + q * cosine_of_mean)
    return Moments(
        mean=ns.constant(0),
        linear=ns.constant(4) / (3 * ns.pi),
        nonlinear=2 * arcsine_excess(ns, top) / ns.pi,
        shared=2 * arcsine_excess(ns, top * c) / ns.pi,
        fresh=4 * (spread - ns.arctan_defect(k)) / ns.pi,
    )


def arcsine_excess(ns: Numbers[N], z: N) -> N:
    """`arcsin z - z = 2 (w^3/(1 + w^2) - T(w))`, w the tangent of half the angle."""
    w = z / (1 + ns.root(1 - z * z, 2))
    return 2 * (w * w * w / (1 + w * w) - ns.arctan_defect(w))


def sine_moments(ns: Numbers[N], a: N, h: N) -> Moments[N]:
    """`sin x`: `Kap(c) = sinh(c)/e`, and `mu_1^2 = 1/e`.

    `v0^2 = (sinh c - c)/e`, and `s^2 = (2/e) (2 sinh(h/2) sinh^2((1 + c)/4) + sinh(h/2) - h/2)`,
    from `sinh 1 - sinh c = 2 sinh((1 - c)/2) cosh((1 + c)/2)`.

    Source: derivations/rf_kernels.py.
    """
    c = a * a
    scale = ns.exp(ns.constant(-1))
    excess = ns.sinh_excess(h / 2)
    quarter = (1 + c) / 4
    lift = quarter + ns.sinh_excess(quarter)
    return Moments(
        mean=ns.constant(0),
        linear=scale,
        nonlinear=scale * ns.sinh_excess(ns.constant(1)),
        shared=scale * ns.sinh_excess(c),
        fresh=2 * scale * (2 * (h / 2 + excess) * lift * lift + excess),
    )


def linear_moments(ns: Numbers[N], a: N, h: N) -> Moments[N]:
    """`x`: nothing but `mu_1 = 1`.

    Source: random-features.md, section 2.
    """
    none = ns.constant(0)
    return Moments(mean=none, linear=ns.constant(1), nonlinear=none, shared=none, fresh=none)


CLOSED: dict[str, Any] = {
    "relu": relu_moments,
    "erf": erf_moments,
    "sin": sine_moments,
    "linear": linear_moments,
    "abs": absolute_moments,
}
"""The activations with closed moments, each with its function of `(ns, a, h)`."""

"""The weight pi of the total variation, in closed form.

| letter | here | meaning |
|---|---|---|
| U | | uniform draw from the training points |
| pi^-(u) | | P(mu U < u) E[(u - mu U)_+] |
| pi^+(u) | | P(mu U > u) E[(mu U - u)_+] |
| pi(y) | `weight` | E min(pi^+(y - xi), pi^-(y - xi)), xi ~ N(0, sigma^2) |

In the coordinate `u / mu` both functions are piecewise linear with rational pieces: pi^- rises and
jumps up at training points, pi^+ falls and jumps down, so their minimum is pi^- left of one
crossing and pi^+ right of it, zero outside the data. The pieces are worked out exactly
(`dsmverify.order`) and handed in; a linear piece smoothed by a Gaussian gives truncated moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.formulas.setting import Sample
from dsmverify.numbers import Integers, N, Numbers


@dataclass(frozen=True)
class WeightPieces(Generic[N]):
    """min(pi^+, pi^-)/mu as linear pieces between cuts, in the coordinate u/mu.

    Attributes:
        cuts: `[p + 1]`, ascending: the training points and the crossing.
        value: `[p]`, limit at each piece's lower cut.
        slope: `[p]`, slope of each piece.
        count: p.
    """

    cuts: N
    value: N
    slope: N
    count: int


def weight(
    ns: Numbers[N], y: N, sample: Sample[N], pieces: WeightPieces[N], position: Integers
) -> N:
    """`pi(y)` for `mu x_1 <= y <= mu x_n`. `[k]`.

    On a piece `[l, r]` with value `v + a (u - l)`, and `u ~ N(y/mu, (sigma/mu)^2)`, the mean is
    `(v + a (c - l)) M0 + a (sigma/mu) M1`, where c is the point of the piece nearest `y/mu` and
    M0, M1 are the truncated moments about it.

    Args:
        ns: number system.
        y: `[k]`.
        sample: training points and noise level.
        pieces: exact pieces of the sample.
        position: `[k]`, how many cuts count as left of `y/mu`; any count gives the right value,
            the true one the accurate value.

    Source: D-pi, pp. 6-7 (derivations/weight_piece.py).
    """
    width = sample.sigma / sample.mu
    centre = (y / sample.mu)[..., None]
    nearest, mass, first, _ = ns.normal_pieces((pieces.cuts - centre) / width, position)
    inside = slice(1, pieces.count + 1)
    value = pieces.value + pieces.slope * (
        centre + width * nearest[..., inside] - pieces.cuts[: pieces.count]
    )
    mean = value * mass[..., inside] + pieces.slope * width * first[..., inside]
    return sample.mu * ns.sum(mean)


def noised_weight(ns: Numbers[N], y: N, sample: Sample[N]) -> N:
    """`min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+])`, Y the noised mixture. `[k]`.

    The weight pi with U replaced by Y and no smoothing after it: what bounds the tangent kernel for
    every network. With `z_i = (y - mu x_i)/sigma`, phi and Phi the standard normal density and
    distribution: `P(Y < y) = mean Phi(z_i)`, `E[(y - Y)_+] = sigma mean(z_i Phi(z_i) + phi(z_i))`.

    Args:
        ns: number system.
        y: `[k]`, any real points.
        sample: training points and noise level.

    Source: repair of prop10, p. 20 (prop10.r1).
    """
    z = (y[..., None] - sample.mu * sample.points) / sample.sigma
    density = ns.exp(-(z * z) / 2) / ns.root(2 * ns.pi, 2)
    half = ns.root(ns.constant(2), 2)
    below, above = ns.erfc(-z / half) / 2, ns.erfc(z / half) / 2
    size = sample.size * sample.size
    left = ns.sum(below) * ns.sum(z * below + density) / size
    right = ns.sum(above) * ns.sum(density - z * above) / size
    return -sample.sigma * ns.maximum(-left, -right)

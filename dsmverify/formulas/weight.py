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

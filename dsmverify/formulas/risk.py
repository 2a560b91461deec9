"""The denoising-score-matching risk of a two-layer ReLU network, and its gradient, in closed form.

| letter | here | meaning |
|---|---|---|
| f | | s_theta(Y) + (Y - mu x_i)/sigma^2, the residual |
| z | | (y - mu x_i)/sigma |
| tau_k | `network.kinks` | sorted kinks |

On one piece of the network the residual is linear, `f = f(c) + a (z - c)`, with c the point of the
piece nearest `mu x_i` in units of sigma. All integrals are combinations of the truncated normal
moments about c; about that point the three moments are positive and well separated, so the
quadratic form below loses no digits and the risk comes out non-negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal

import numpy as np

from dsmverify.formulas.network import Pieces, pieces, tail_sums
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import Integers, N, Numbers, at_least, inverse_order

Parameter = Literal["outer", "bias", "inner"]
"""Groups of parameters that a gradient or Hessian runs over."""

PAPER_PARAMETERS: tuple[Parameter, ...] = ("outer", "bias")
"""The theory trains outer weights and biases; inner weights are frozen at +-1."""


@dataclass(frozen=True)
class Geometry(Generic[N]):
    """Truncated moments of every noised point on every piece.

    Attributes:
        parts: the network's pieces.
        z: `[n, m]`, kinks seen from each mean, in units of sigma.
        centre: `[n, m + 1]`, the point c of each piece.
        moments: three arrays `[n, m + 1]`, E[(z - c)^k ; piece].
        kink: `[n, m + 1]`, a sorted kink (from 0) that bounds each piece, the one at c if c is one.
    """

    parts: Pieces[N]
    z: N
    centre: N
    moments: tuple[N, N, N]
    kink: Integers


def geometry(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Geometry[N]:
    """Where the pieces of a network lie as seen from each noised mean."""
    z = (network.kinks - (sample.mu * sample.points)[:, None]) / sample.sigma
    centre, mass, first, second = ns.normal_pieces(z, network.position)
    piece = np.arange(network.width + 1)
    left = piece < network.position[:, None]
    kink = at_least(np.where(left, piece, piece - 1), 0)
    return Geometry(pieces(ns, network), z, centre, (mass, first, second), kink)


@dataclass(frozen=True)
class Residual(Generic[N]):
    """The residual on every piece.

    Attributes:
        seen: where the pieces lie.
        value: `[n, m + 1]`, f at the point c of each piece.
        slope: `[m + 1]`, slope of f in z.
    """

    seen: Geometry[N]
    value: N
    slope: N


def residual_of(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> Residual[N]:
    """The residual of a network on every piece, in O(n m)."""
    seen = geometry(ns, sample, network)
    return Residual(seen, *residual(ns, sample, seen, (sample.size, network.width)))


def residual(
    ns: Numbers[N], sample: Sample[N], seen: Geometry[N], sizes: tuple[int, int]
) -> tuple[N, N]:
    """The residual on each piece: its value at c, and its slope in z. `[n, m + 1]`, `[m + 1]`."""
    row = np.arange(sizes[0])[:, None]
    reach = sample.sigma * (seen.centre - seen.z[row, seen.kink])
    value = seen.parts.values[seen.kink] + seen.parts.slopes * reach + seen.centre / sample.sigma
    return value, sample.sigma * seen.parts.slopes + 1 / sample.sigma


def point_risks(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`E_{Y ~ N(mu x_i, sigma^2)} [f^2]` for each training point. `[n]`.

    `sum_p f(c)^2 M0 + 2 f(c) a M1 + a^2 M2`.

    Source: D-risk, eq. 5 (derivations/risk.py).
    """
    return _point_risks(ns, residual_of(ns, sample, network))


def _point_risks(ns: Numbers[N], f: Residual[N]) -> N:
    value, slope = f.value, f.slope
    mass, first, second = f.seen.moments
    return ns.sum(value * (value * mass + 2 * slope * first) + slope * slope * second)


def risk(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> N:
    """`R_n(theta)`, exact up to the rounding of the number system.

    Source: D-risk, eq. 5 (derivations/risk.py).
    """
    return ns.sum(point_risks(ns, sample, network)) / sample.size


def active_means(
    ns: Numbers[N], pieces_of: tuple[N, N, N], gaps: N, signs: Integers
) -> tuple[N, N]:
    """`E[g 1_l]` and `E[g |Y - tau_l| 1_l]` for every kink, from a function's means on pieces.

    `1_l` is the half line where neuron l is active. The second mean is summed kink by kink, each
    term a mean over one piece or a gap times a mean beyond it.

    Args:
        ns: number system.
        pieces_of: `E[g ; p]` `[m + 1]`, `E[g (Y - lower end) ; p]` for p = 1..m `[m]`, and
            `E[g (upper end - Y) ; p]` for p = 0..m-1 `[m]`.
        gaps: `[m - 1]`, distances between successive kinks.
        signs: `[m]`, +1 for neurons active on the right.

    Returns:
        Two arrays `[m]` in sorted-kink order.
    """
    mean, from_lower, to_upper = pieces_of
    count = len(signs)
    zero = ns.constant(np.zeros(1, dtype=int))
    right = tail_sums(ns, mean[1:], count)
    right_far = tail_sums(ns, from_lower + ns.concatenate((gaps * right[1:], zero)), count)
    left = ns.cumsum(mean[:count])
    left_far = ns.cumsum(to_upper + ns.concatenate((zero, gaps * left[: count - 1])))
    rising, falling = ns.constant(signs > 0), ns.constant(signs < 0)
    return rising * right + falling * left, rising * right_far + falling * left_far


def residual_means(ns: Numbers[N], sample: Sample[N], network: Network[N]) -> tuple[N, N]:
    """`E[f 1_l]` and `E[f |Y - tau_l| 1_l]`, averaged over training points. Two `[m]`, sorted.

    Source: hess15.a, p. 25 (derivations/gradient.py).
    """
    return _residual_means(ns, sample, network, residual_of(ns, sample, network))


def _residual_means(
    ns: Numbers[N], sample: Sample[N], network: Network[N], f: Residual[N]
) -> tuple[N, N]:
    seen, value, slope = f.seen, f.value, f.slope
    mass, first, second = seen.moments
    mean, moment = value * mass + slope * first, value * first + slope * second
    above = sample.sigma * ((seen.centre[:, 1:] - seen.z) * mean[:, 1:] + moment[:, 1:])
    below = sample.sigma * (
        (seen.z - seen.centre[:, : network.width]) * mean[:, : network.width]
        - moment[:, : network.width]
    )
    averaged = tuple(ns.sum(part, axis=0) / sample.size for part in (mean, above, below))
    return active_means(ns, averaged, seen.parts.gaps, network.signs)  # type: ignore[arg-type]


def gradient(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
) -> N:
    """`grad R_n(theta)`, the groups of `parameters` one after the other. `[groups * m]`.

    `dR/dw2_l = (2/m) |w1_l| E[f |Y - tau_l| 1_l]`, `dR/db_l = (2/m) w2_l E[f 1_l]`,
    `dR/dw1_l = (2/m) w2_l (tau_l E[f 1_l] + sign(w1_l) E[f |Y - tau_l| 1_l])`.

    Source: hess15.a, p. 25, derived in derivations/gradient.py.
    """
    return _gradient(ns, network, residual_means(ns, sample, network), parameters)


def risk_and_gradient(
    ns: Numbers[N],
    sample: Sample[N],
    network: Network[N],
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
) -> tuple[N, N]:
    """`R_n(theta)` and its gradient for the price of one: the moments are worked out once.

    Source: D-risk, eq. 5; hess15.a, p. 25.
    """
    f = residual_of(ns, sample, network)
    means = _residual_means(ns, sample, network, f)
    total = ns.sum(_point_risks(ns, f)) / sample.size
    return total, _gradient(ns, network, means, parameters)


def _gradient(
    ns: Numbers[N], network: Network[N], means: tuple[N, N], parameters: Sequence[Parameter]
) -> N:
    active, far = means
    outer = network.outer[network.order]
    groups = {
        "outer": lambda: ns.absolute(network.inner)[network.order] * far,
        "bias": lambda: outer * active,
        "inner": lambda: outer * (network.kinks * active + ns.constant(network.signs) * far),
    }
    neuron = inverse_order(network.order)
    return ns.concatenate([2 * groups[name]()[neuron] / network.width for name in parameters])

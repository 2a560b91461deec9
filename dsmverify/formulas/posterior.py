"""The posterior over training points given a noised value, and the empirical optimal score.

| letter | here | meaning |
|---|---|---|
| p_{mu,sigma} | `density` | mixture density of Y |
| alpha_i(y) | `responsibilities` | P(X = x_i given Y = y) |
| W(y) | | random variable equal to x_i with probability alpha_i(y) |
| s* | `empirical_score` | minimiser of the risk, (mu E[W(y)] - y) / sigma^2 |

Every exponent is a difference of two squared distances in factored form, anchored at one training
point: `-(y - mu x_j)^2 + (y - mu x_a)^2 = mu (x_j - x_a)(2 y - mu (x_j + x_a))`. It is linear in y
(tight on balls) and, with the nearest training point as anchor, never positive (no overflow at
any sigma). Any anchor gives the same value. Moments are sums over `alpha_j (x_j - x_a)`, so nothing
large cancels.

Shapes: `y` and `anchor` have one shape `[...]`; results have it too, or `[..., n]`.
"""

from __future__ import annotations

import numpy as np

from dsmverify.formulas.setting import Sample
from dsmverify.numbers import Integers, N, Numbers


def likelihood_ratios(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`alpha_j(y) / alpha_a(y)` for every training point j, with a the anchor.

    Args:
        ns: number system.
        y: `[...]`, noised points.
        sample: training points and noise level.
        anchor: `[...]`, index of a training point for each y; the nearest one avoids overflow.

    Returns:
        `[..., n]`.

    Source: section 0 (alpha_i), p. 5.
    """
    at = sample.points[anchor]
    apart = _distances(ns, sample, anchor)
    towards = 2 * (y - sample.mu * at)[..., None] - sample.mu * apart
    variance = sample.sigma * sample.sigma
    return ns.exp(sample.mu * apart * towards / (2 * variance))


def responsibilities(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`alpha_i(y)`, the posterior probability of each training point. `[..., n]`.

    Source: section 0, p. 5.
    """
    ratios = likelihood_ratios(ns, y, sample, anchor)
    return ratios / ns.sum(ratios)[..., None]


def density(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """Mixture density `p_{mu,sigma}(y) = (1/n) sum_i N(y; mu x_i, sigma^2)`. `[...]`.

    Source: section 0, p. 4.
    """
    ratios = likelihood_ratios(ns, y, sample, anchor)
    distance = (y - sample.mu * sample.points[anchor]) / sample.sigma
    peak = ns.exp(-(distance * distance) / 2) / (ns.root(2 * ns.pi, 2) * sample.sigma)
    return peak * ns.sum(ratios) / sample.size


def posterior_offset(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`E[W(y)] - x_a = sum_j alpha_j(y) (x_j - x_a)`, accurate however small it is. `[...]`.

    Source: step prop02.a0, p. 22.
    """
    apart = _distances(ns, sample, anchor)
    return ns.sum(responsibilities(ns, y, sample, anchor) * apart)


def posterior_mean(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`E[W(y)]`. `[...]`.

    Source: eq. 9, p. 7.
    """
    return sample.points[anchor] + posterior_offset(ns, y, sample, anchor)


def posterior_variance(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`V[W(y)]`. `[...]`.

    Source: eq. 9, p. 7.
    """
    weights, deviation = _deviations(ns, y, sample, anchor)
    return ns.sum(weights * deviation * deviation)


def posterior_third_moment(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`E[(W(y) - E[W(y)])^3]`. `[...]`.

    Source: lemma 11, p. 32.
    """
    weights, deviation = _deviations(ns, y, sample, anchor)
    return ns.sum(weights * deviation * deviation * deviation)


def empirical_score(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`s*(y) = (mu E[W(y)] - y) / sigma^2`. `[...]`.

    Source: eqs. 6 and 9, pp. 4 and 7.
    """
    pull = sample.mu * posterior_offset(ns, y, sample, anchor)
    return (pull - (y - sample.mu * sample.points[anchor])) / (sample.sigma * sample.sigma)


def empirical_score_slope(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`s*'(y) = ((mu^2/sigma^2) V[W(y)] - 1) / sigma^2`. `[...]`.

    Source: eq. 9, p. 7; lemma 11, p. 32.
    """
    variance = sample.sigma * sample.sigma
    spread = sample.mu * sample.mu * posterior_variance(ns, y, sample, anchor)
    return (spread / variance - 1) / variance


def empirical_score_curvature(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`s*''(y) = (mu/sigma^2)^3 E[(W(y) - E[W(y)])^3]`. `[...]`.

    Source: lemma 11, p. 32.
    """
    ratio = sample.mu / (sample.sigma * sample.sigma)
    return ratio * ratio * ratio * posterior_third_moment(ns, y, sample, anchor)


def risk_density(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> N:
    """`(mu^2/sigma^4) p(y) V[W(y)]`, whose integral over the line is `R_n(s*)`. `[...]`.

    Given Y = y, `s*(y) + (y - mu X)/sigma^2 = mu (E[W] - X)/sigma^2` has mean square
    `mu^2 V[W(y)]/sigma^4`.

    Source: eqs. 5 and 9.
    """
    ratio = sample.mu / (sample.sigma * sample.sigma)
    spread = posterior_variance(ns, y, sample, anchor)
    return ratio * ratio * spread * density(ns, y, sample, anchor)


def separated_risk_bounds(ns: Numbers[N], sample: Sample[N]) -> tuple[N, N]:
    """Lower and upper bound on `R_n(s*)`, within a factor 2 for well separated samples.

    `p V[W]` is `sum_{i<j} (x_i - x_j)^2 e_i e_j / (n Z)` with unnormalised densities e and sum Z.
    With d the distance of two means in sigmas, `q` the larger and `r <= 1` the ratio of the smaller
    to the larger density of a pair:

    - above: `Z >= e_i + e_j` and `1/(1 + r) <= 1 - r/2`, so a pair adds at most
      `2 Q(d/2) - exp(d^2) Q(3d/2)` (the two integrals of min(e_i, e_j) and of min^2/max);
    - below: between two neighbours `Z <= (e_i + e_{i+1}) (1 + (n-2) exp(-d_min^2/2))` and
      `1/(1 + r) >= 1/2`, so a gap adds at least `Q(d/2) - Q(d)` over that factor.

    Source: eqs. 5 and 9; own argument, used beyond spacing ratios of 300.
    """
    two = ns.root(ns.constant(2), 2)
    ratio = sample.mu / sample.sigma
    apart = _distances(ns, sample, np.arange(sample.size))
    far = ratio * ns.absolute(apart)
    upper_tail = ns.erfc(far / (2 * two)) - ns.exp(far * far) * ns.erfc(3 * far / (2 * two)) / 2
    scale = ratio * ratio / (sample.size * sample.sigma * sample.sigma)
    upper = scale * ns.sum(ns.sum(apart * apart * upper_tail)) / 2
    gaps = sample.points[1:] - sample.points[: sample.size - 1]
    near = ratio * gaps
    inner = (ns.erfc(near / (2 * two)) - ns.erfc(near / two)) / 2
    crowd = 1 + (sample.size - 2) * ns.sum(ns.exp(-(near * near) / 2))
    return scale * ns.sum(gaps * gaps * inner) / crowd, upper


def _distances(ns: Numbers[N], sample: Sample[N], anchor: Integers) -> N:
    """`x_j - x_a`, exactly 0 at the anchor even where a point is only enclosed. `[..., n]`."""
    others = ns.constant(np.arange(sample.size) != anchor[..., None])
    return others * (sample.points - sample.points[anchor][..., None])


def _deviations(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> tuple[N, N]:
    """`alpha_j(y)` and `x_j - E[W(y)]`, both `[..., n]`."""
    weights = responsibilities(ns, y, sample, anchor)
    apart = _distances(ns, sample, anchor)
    return weights, apart - ns.sum(weights * apart)[..., None]

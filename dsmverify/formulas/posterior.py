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
    apart = sample.points - at[..., None]
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
    apart = sample.points - sample.points[anchor][..., None]
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


def _deviations(ns: Numbers[N], y: N, sample: Sample[N], anchor: Integers) -> tuple[N, N]:
    """`alpha_j(y)` and `x_j - E[W(y)]`, both `[..., n]`."""
    weights = responsibilities(ns, y, sample, anchor)
    apart = sample.points - sample.points[anchor][..., None]
    return weights, apart - ns.sum(weights * apart)[..., None]

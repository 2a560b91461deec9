"""The constants of the theorems as functions of the sample.

| letter | here | meaning |
|---|---|---|
| C_n | `curvature_constant` | int abs(s*'') <= C_n / (2 sigma^6) for every sigma <= 1 |
| A | `default_bound` | C_n / sigma^6, the bound on outer weights |
| sigma_1..sigma_4 | | conditions of theorem 8 on the noise level |

In `sigma_0 = min(sigma_1, .., sigma_4)` the scale mu is fixed and `A = C_n / sigma^6` at every
sigma (the conventions of the list of claims).
"""

from __future__ import annotations

from dsmverify.formulas.setting import Sample
from dsmverify.numbers import N, Numbers


def spread(sample: Sample[N]) -> N:
    """`L = x_n - x_1`."""
    return sample.points[sample.size - 1] - sample.points[0]


def curvature_constant(ns: Numbers[N], sample: Sample[N], spacing: N) -> N:
    """`C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta))`.

    Source: D-A, p. 5; lem12 with sigma <= 1.
    """
    width = spread(sample)
    zero = 0 * width
    right = ns.maximum(sample.points[sample.size - 1], zero)
    left = ns.maximum(-sample.points[0], zero)
    squared = sample.mu * sample.mu
    bracket = squared * (right + left) + 2 * (sample.size - 1) / spacing
    return ns.maximum(8 * squared * width * width * width * bracket, 1 + zero)


def default_bound(ns: Numbers[N], sample: Sample[N], spacing: N) -> N:
    """`A = C_n / sigma^6`.

    Source: D-A, p. 5.
    """
    cube = sample.sigma * sample.sigma * sample.sigma
    return curvature_constant(ns, sample, spacing) / (cube * cube)


def learning_rate_threshold(sample: Sample[N], spacing: N) -> N:
    """`2^12 sigma^2 / (mu n^2 Delta)`, the rate above which theorem 8 speaks.

    Source: thm08, p. 10.
    """
    variance = sample.sigma * sample.sigma
    return 4096 * variance / (sample.mu * spacing * (sample.size * sample.size))


def excess_risk_bound(ns: Numbers[N], sample: Sample[N], spacing: N, bound: N) -> N:
    """`pi n^5 mu^3 Delta^3 / (2^36 e^(1/2) A^4 sigma^4)`.

    Source: thm08, p. 10.
    """
    reach = sample.mu * spacing
    level = bound * sample.sigma
    quartic = level * level * level * level
    half = ns.exp(ns.constant(1) / 2)
    return ns.pi * sample.size**5 * reach * reach * reach / (2**36 * half * quartic)


def noise_limit_spacing(sample: Sample[N], spacing: N) -> N:
    """`sigma_1 = mu Delta / 8`.

    Source: thm08.a, p. 31.
    """
    return sample.mu * spacing / 8


def exponential_condition(ns: Numbers[N], sample: Sample[N], spacing: N, sigma: N) -> tuple[N, N]:
    """Both sides of the condition that defines sigma_2, at a noise level sigma.

    `exp(-mu^2 Delta^2/(32 sigma^2)) <= pi n^5 mu / (2^38 e^(1/2) L^2 A^4)` with `A = C_n/sigma^6`.

    Source: thm08.b, p. 31.
    """
    reach = sample.mu * spacing / sigma
    width = spread(sample)
    constant = curvature_constant(ns, sample, spacing)
    scale = sigma * sigma * sigma / constant
    scale = scale * sigma * sigma * sigma
    quartic = scale * scale * scale * scale
    half = ns.exp(ns.constant(1) / 2)
    right = ns.pi * sample.size**5 * sample.mu * quartic / (2**38 * half * width * width)
    return ns.exp(-(reach * reach) / 32), right


def exponential_turning_point(ns: Numbers[N], sample: Sample[N], spacing: N) -> N:
    """Where the log ratio of the two sides of `exponential_condition` turns: `mu Delta/sqrt(384)`.

    `mu^2 Delta^2/(32 sigma^2) + 24 ln sigma + const` falls up to there and rises afterwards.
    """
    return sample.mu * spacing / ns.root(ns.constant(384), 2)


def noise_limit_size(ns: Numbers[N], sample: Sample[N]) -> N:
    """`sigma_3 = 1/n`.

    Source: thm08.c, p. 31.
    """
    return ns.constant(1) / sample.size


def noise_limit_risk(ns: Numbers[N], sample: Sample[N], spacing: N) -> N:
    """`sigma_4 = mu n^(5/2) Delta / 2^10`, from eq. 20.

    `sqrt(1/(16 n sigma^2))/2 <= mu n^2 Delta/(2^13 sigma^2)`.

    Source: thm08.f, p. 32.
    """
    half_power = ns.root(ns.constant(sample.size), 2) * sample.size**2
    return sample.mu * spacing * half_power / 1024


def noise_limit_risk_variant(ns: Numbers[N], sample: Sample[N], spacing: N) -> N:
    """The variant of sigma_4 from eq. 19 instead of eq. 20.

    `sqrt(pi n^5 mu^3 Delta^3 sigma^20/(2^35 e^(1/2) C_n^4))/2 <= mu n^2 Delta/(2^13 sigma^2)`, so
    `sigma^24 <= 2^11 e^(1/2) C_n^4 / (pi n mu Delta)`.

    Source: thm08.f, p. 32.
    """
    constant = curvature_constant(ns, sample, spacing)
    quartic = constant * constant * constant * constant
    half = ns.exp(ns.constant(1) / 2)
    return ns.root(2048 * half * quartic / (ns.pi * sample.size * sample.mu * spacing), 24)

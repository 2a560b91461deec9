"""The two sides of the printed proof steps about the posterior, errors included.

Steps of proposition 2, corollary 3 and lemmas 11, 12 and 14 (pp. 22-24 and 32-36).

| letter | here | meaning |
|---|---|---|
| e_j(y) | `kernel` | exp(-(y - mu x_j)^2 / (2 sigma^2)) |
| d_j | `apart` | x_j - x_i, from the point x_i in question |
| x | `worst_place` | y / mu; where steps are monotone in x, the end x_i + Delta/4 of their range |
| (x)_+, (x)_- | `right_reach`, `left_reach` | max(0, x), and -min(0, x) |
| J_k | `truncated_power` | int_{-delta}^{delta} y^k exp(-y^2/(2 sigma^2)) dy |

Margins are `left - right` of an inequality that touches equality, as sums of terms of one sign.
"""

from __future__ import annotations

import numpy as np

from dsmverify.formulas import bounds
from dsmverify.formulas.bounds import power, score_scale, spacing_decay, spread
from dsmverify.formulas.case import Case
from dsmverify.numbers import N

# Pieces that several steps share.


def apart(c: Case[N], index: int) -> N:
    """`x_j - x_index` for every j, exactly 0 at the point itself. `[n]`."""
    others = c.ns.constant(np.arange(c.n) != index - 1)
    return others * (c.sample.points - c.x(index))


def difference(c: Case[N], first: int, second: int) -> N:
    """`x_first - x_second`, exactly 0 where they are one point."""
    return c.ns.constant(0) if first == second else c.x(first) - c.x(second)


def later(c: Case[N]) -> N:
    """1 for the points after `x_i`, 0 for the others. `[n]`."""
    return c.ns.constant(np.arange(c.n) >= c.i)


def earlier(c: Case[N]) -> N:
    """1 for the points before `x_i`, 0 for the others. `[n]`."""
    return c.ns.constant(np.arange(c.n) < c.i - 1)


def others(c: Case[N]) -> N:
    """1 for the points other than `x_i`. `[n]`."""
    return c.ns.constant(np.arange(c.n) != c.i - 1)


def not_last(c: Case[N]) -> N:
    """1 for the points other than `x_n`. `[n]`."""
    return c.ns.constant(np.arange(c.n) < c.n - 1)


def kernel(c: Case[N], y: N, index: int) -> N:
    """`e_index(y)`, as printed."""
    return c.ns.exp(-power(y - c.mu * c.x(index), 2) / (2 * power(c.sigma, 2)))


def precision_ratio(c: Case[N]) -> N:
    """`mu^2 / sigma^2`."""
    return power(c.mu / c.sigma, 2)


def half_kernels(c: Case[N]) -> N:
    """`exp(-mu^2 (x_i - x_j)^2 / (4 sigma^2))` for every j. `[n]`."""
    return c.ns.exp(-precision_ratio(c) * power(apart(c, c.i), 2) / 4)


def index_now(c: Case[N]) -> N:
    """`i`, as a number."""
    return c.ns.constant(c.i)


def last_gap(c: Case[N]) -> N:
    """`n - 1`, as a number."""
    return c.ns.constant(c.n - 1)


# Places where steps are looked at.


def first_mean(c: Case[N]) -> N:
    """`mu x_1`."""
    return c.mu * c.x(1)


def last_mean(c: Case[N]) -> N:
    """`mu x_n`."""
    return c.mu * c.x(c.n)


def first_midpoint(c: Case[N]) -> N:
    """`m_1`."""
    return c.midpoint(1)


def last_midpoint(c: Case[N]) -> N:
    """`m_{n-1}`."""
    return c.midpoint(c.n - 1)


def before_all(c: Case[N]) -> N:
    """`mu x_1 - sigma`."""
    return first_mean(c) - c.sigma


def beyond_all(c: Case[N]) -> N:
    """`mu x_n + sigma`."""
    return last_mean(c) + c.sigma


# Proposition 2.


def offset_of_mean(c: Case[N]) -> N:
    """`E[W(y)] - x_i`."""
    return c.posterior_mean(c.point) - c.x(c.i)


def offset_by_weights(c: Case[N]) -> N:
    """`sum_i' (x_i' - x_i) alpha_i'(y)`.

    Source: prop02.a0, p. 22.
    """
    return c.ns.sum(apart(c, c.i) * c.responsibilities(c.point))


def anchored_offset(c: Case[N]) -> N:
    """`E[W(y)] - x_i`, in the form that does not cancel."""
    return c.posterior_offset(c.point, c.i)


def ratios(c: Case[N]) -> N:
    """`exp(-mu^2 (x_i' - x_i)(x_i' + x_i - 2 x) / (2 sigma^2))` at `x = y/mu`. `[n]`.

    Source: prop02.a0, p. 22.
    """
    away = apart(c, c.i)
    towards = c.mu * away - 2 * (c.point - c.mu * c.x(c.i))
    return c.ns.exp(-c.mu * away * towards / (2 * power(c.sigma, 2)))


def later_ratio_sum(c: Case[N]) -> N:
    """`sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i' - x_i)(x_i' + x_i - 2 x) / (2 sigma^2))`.

    Source: prop02.a0, p. 22.
    """
    return c.ns.sum(later(c) * apart(c, c.i) * ratios(c))


def later_ratio_margin(c: Case[N]) -> N:
    """`right - left` of prop02.a0, all terms non-negative.

    With `r` the ratios and `Z = sum r`: `(sum_{i'>i} d r sum_{i' != i} r + sum_{i'<i} |d| r) / Z`.
    """
    ratio, away = ratios(c), apart(c, c.i)
    rest = c.ns.sum(others(c) * ratio)
    ahead = c.ns.sum(later(c) * away * ratio)
    behind = c.ns.sum(earlier(c) * -away * ratio)
    return (ahead * rest + behind) / (1 + rest)


def worst_place(c: Case[N]) -> N:
    """`x_i + Delta/4`, the largest `x` that prop02.a speaks about."""
    return c.x(c.i) + c.spacing / 4


def quarter_distance(c: Case[N]) -> N:
    """`(x_i' - x_i)/4`."""
    return difference(c, c.k, c.i) / 4


def quarter_spacing(c: Case[N]) -> N:
    """`Delta/4`."""
    return c.spacing / 4


def distance_ahead(c: Case[N]) -> N:
    """`x_i' - x` at the largest x."""
    return c.x(c.k) - worst_place(c)


def three_quarter_distance(c: Case[N]) -> N:
    """`(3/4)(x_i' - x_i)`."""
    return 3 * difference(c, c.k, c.i) / 4


def sum_less_twice(c: Case[N]) -> N:
    """`x_i' + x_i - 2 x` at the largest x."""
    return c.x(c.k) + c.x(c.i) - 2 * worst_place(c)


def half_distance(c: Case[N]) -> N:
    """`(1/2)(x_i' - x_i)`."""
    return difference(c, c.k, c.i) / 2


def gap_margin(c: Case[N]) -> N:
    """`(x_i' - x_i - Delta)/4`, which is left - right of the first three parts of prop02.a."""
    return excess_distance(c) / 4


def double_gap_margin(c: Case[N]) -> N:
    """`(x_i' - x_i - Delta)/2`."""
    return excess_distance(c) / 2


def excess_distance(c: Case[N]) -> N:
    """`x_i' - x_i - Delta` for `i' > i`, from exact differences of gaps."""
    return c.ns.sum(c.gap_excesses[c.i - 1 : c.k - 1]) + (c.k - c.i - 1) * c.spacing


def offset_at_worst_place(c: Case[N]) -> N:
    """`E[W(mu x)] - x_i` at the largest x; it increases with x."""
    return c.posterior_offset(c.mu * worst_place(c), c.i)


def later_half_kernel_sum(c: Case[N]) -> N:
    """`sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i - x_i')^2 / (4 sigma^2))`.

    Source: eq. 12, p. 22.
    """
    return c.ns.sum(later(c) * apart(c, c.i) * half_kernels(c))


def later_half_kernel_margin(c: Case[N]) -> N:
    """`right - left` of eq. 12 at the largest x, all terms non-negative.

    With h the half kernels, r the ratios there, `r_k = h_k exp(-mu^2 d_k (d_k - Delta)/(4
    sigma^2))` and `Z = sum r`: `sum_{k>i} d_k h_k (1 - r_k/h_k) / Z
    + sum_{k>i} d_k h_k (Z - 1)/Z + sum_{j<i} |d_j| r_j / Z`.
    """
    ns, away, half = c.ns, apart(c, c.i), half_kernels(c)
    exponent = -precision_ratio(c) * away * (away - c.spacing / 2) / 2
    rest = ns.sum(others(c) * ns.exp(exponent))
    total = ns.sum(earlier(c) * -away * ns.exp(exponent))
    for index in range(c.i + 1, c.n + 1):
        beyond = ns.sum(c.gap_excesses[c.i - 1 : index - 1]) + (index - c.i - 1) * c.spacing
        lost = -ns.expm1(-precision_ratio(c) * away[index - 1] * beyond / 4)
        total = total + away[index - 1] * half[index - 1] * (lost + rest)
    return total / (1 + rest)


def weight_at_midpoint(c: Case[N]) -> N:
    """`alpha_i(m_i)`."""
    return c.responsibility(c.midpoint(c.i), c.i)


def next_weight_at_midpoint(c: Case[N]) -> N:
    """`alpha_{i+1}(m_i)`."""
    return c.responsibility(c.midpoint(c.i), c.i + 1)


def equal_share(c: Case[N]) -> N:
    """`1/n`."""
    return c.ns.constant(1) / c.n


def midpoint_ratios(c: Case[N]) -> tuple[N, N, N]:
    """Ratios `r_j = alpha_j(m_i)/alpha_i(m_i)`, `1 - r_j` and `x_j - m_i/mu`, j not i, i+1.

    `r_j = exp(-mu^2 (x_j - x_i)(x_j - x_{i+1}) / (2 sigma^2)) <= 1`. Three arrays `[n - 2]`.
    """
    near = (c.i - 1, c.i)
    rest = np.array([place for place in range(c.n) if place not in near], dtype=np.intp)
    points = c.sample.points[rest]
    exponent = -precision_ratio(c) * (points - c.x(c.i)) * (points - c.x(c.i + 1)) / 2
    middle = (c.x(c.i) + c.x(c.i + 1)) / 2
    return c.ns.exp(exponent), -c.ns.expm1(exponent), points - middle


def midpoint_share_margin(c: Case[N]) -> N:
    """`alpha_i(m_i) - 1/n = sum_j (1 - r_j) / (n S)` with `S = 2 + sum_j r_j`."""
    ratio, missing, _ = midpoint_ratios(c)
    return c.ns.sum(missing) / (c.n * (2 + c.ns.sum(ratio)))


def printed_midpoint_share(c: Case[N]) -> N:
    """`exp(-mu^2 (m_i - x_i)^2/(2 sigma^2)) / sum_{j=1}^n exp(-mu^2 (m_i - x_i)^2/(2 sigma^2))`.

    As printed: the index of the sum does not occur in its terms.

    Source: prop02.c2, p. 23.
    """
    own = printed_midpoint_kernel(c, c.i)
    return own / c.ns.sum(own * c.ns.constant(np.ones(c.n, dtype=int)))


def printed_midpoint_kernel(c: Case[N], index: int) -> N:
    """`exp(-mu^2 (m_i - x_index)^2 / (2 sigma^2))`, with the mu that `m_i` already carries."""
    away = c.mu * (c.midpoint(c.i) - c.x(index))
    return c.ns.exp(-power(away / c.sigma, 2) / 2)


def own_printed_kernel(c: Case[N]) -> N:
    """`exp(-mu^2 (m_i - x_i)^2 / (2 sigma^2))`.

    Source: prop02.c2, p. 23.
    """
    return printed_midpoint_kernel(c, c.i)


def other_printed_kernel(c: Case[N]) -> N:
    """`exp(-mu^2 (m_i - x_j)^2 / (2 sigma^2))`.

    Source: prop02.c2, p. 23.
    """
    return printed_midpoint_kernel(c, c.k)


def midpoint_share(c: Case[N]) -> N:
    """`e_i(m_i) / sum_{j=1}^n e_j(m_i)`: prop02.c2 with its two misprints corrected."""
    middle = c.midpoint(c.i)
    distance = middle - c.mu * c.sample.points
    total = c.ns.sum(c.ns.exp(-power(distance, 2) / (2 * power(c.sigma, 2))))
    return kernel(c, middle, c.i) / total


def own_kernel_at_midpoint(c: Case[N]) -> N:
    """`e_i(m_i)`."""
    return kernel(c, c.midpoint(c.i), c.i)


def other_kernel_at_midpoint(c: Case[N]) -> N:
    """`e_j(m_i)`."""
    return kernel(c, c.midpoint(c.i), c.k)


def kernel_margin_at_midpoint(c: Case[N]) -> N:
    """`e_i(m_i) - e_j(m_i) = e_i(m_i) (1 - exp(-mu^2 (x_j - x_i)(x_j - x_{i+1})/(2 sigma^2)))`."""
    product = difference(c, c.k, c.i) * difference(c, c.k, c.i + 1)
    return own_kernel_at_midpoint(c) * -c.ns.expm1(-precision_ratio(c) * product / 2)


def neighbour_deviations(c: Case[N]) -> N:
    """`(1/n) ((x_i - E W)^2 + (x_{i+1} - E W)^2)` at `m_i`.

    Source: prop02.d, p. 23.
    """
    middle = c.midpoint(c.i)
    left, right = c.posterior_offset(middle, c.i), c.posterior_offset(middle, c.i + 1)
    return (power(left, 2) + power(right, 2)) / c.n


def dropped_terms_margin(c: Case[N]) -> N:
    """`V[W(m_i)] - (1/n)((x_i - E W)^2 + (x_{i+1} - E W)^2)`, all terms non-negative.

    `(alpha_i - 1/n)((x_i - E W)^2 + (x_{i+1} - E W)^2) + sum_{j != i, i+1} alpha_j (x_j - E W)^2`.
    """
    ratio, _, distance = midpoint_ratios(c)
    total = 2 + c.ns.sum(ratio)
    shift = c.ns.sum(ratio * distance) / total
    rest = c.ns.sum(ratio * power(distance - shift, 2)) / total
    return c.n * midpoint_share_margin(c) * neighbour_deviations(c) + rest


def off_centre_margin(c: Case[N]) -> N:
    """`(1/n)((x_i - E W)^2 + (x_{i+1} - E W)^2) - (x_i - x_{i+1})^2/(2n) = (2/n)(E W - m_i/mu)^2`.

    With the ratios r and distances d from the middle, `E W - m_i/mu = sum_j r_j d_j / S`.
    """
    ratio, _, distance = midpoint_ratios(c)
    shift = c.ns.sum(ratio * distance) / (2 + c.ns.sum(ratio))
    return 2 * power(shift, 2) / c.n


def excess_deviation(c: Case[N]) -> N:
    """Largest `(x_i' - E W)^2 - 2 (x_i' - x_i)^2` over all i'.

    With `e = E W - x_i` and `d = x_i' - x_i` it is `2 e^2 - (d + e)^2`.

    Source: prop02.e, p. 23.
    """
    offset, away = c.posterior_offset(c.point, c.i), apart(c, c.i)
    largest = power(offset, 2)  # i' = i
    for index in range(1, c.n + 1):
        if index != c.i:
            value = power(away[index - 1] - offset, 2) - 2 * power(away[index - 1], 2)
            largest = c.ns.maximum(largest, value)
    return largest


def squared_mean_bound(c: Case[N]) -> N:
    """`2 n^2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2))`.

    Source: prop02.e, p. 23.
    """
    return 2 * c.n * c.n * power(c.spacing, 2) * spacing_decay(c, 2)


def variance_by_half_kernels(c: Case[N]) -> N:
    """Bound of `V[W(mu x)]` by the half kernels.

    `2 n^2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2))
    + 2 sum_{i' != i} (x_i' - x_i)^2 exp(-mu^2 (x_i' - x_i)^2/(4 sigma^2))`.

    Source: prop02.e, p. 23.
    """
    terms = power(apart(c, c.i), 2) * half_kernels(c)
    return squared_mean_bound(c) + 2 * c.ns.sum(terms)


def variance_by_spacing(c: Case[N]) -> N:
    """Bound of `V[W(mu x)]` by the spacing.

    `2 n^2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)) + 2 n Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02.e, p. 23.
    """
    return squared_mean_bound(c) + 2 * c.n * power(c.spacing, 2) * spacing_decay(c, 4)


# Corollary 3.


def score_residual(c: Case[N]) -> N:
    """`|s*(y) - (mu x_i - y)/sigma^2|`, as `(mu/sigma^2) |sum_j alpha_j (x_j - x_i)|`."""
    offset = c.ns.absolute(c.posterior_offset(c.point, c.i))
    return c.mu * offset / power(c.sigma, 2)


def score_residual_bound(c: Case[N]) -> N:
    """`(n mu Delta/sigma^2) exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: cor03.a, eq. 13, p. 24.
    """
    return c.n * c.mu * c.spacing / power(c.sigma, 2) * spacing_decay(c, 4)


def score_plus_pull(c: Case[N]) -> N:
    """`|s*(y) + (y - mu x_i)/sigma^2|`.

    Source: cor03.b, p. 24.
    """
    pull = (c.point - c.mu * c.x(c.i)) / power(c.sigma, 2)
    return c.ns.absolute(c.score(c.point) + pull)


def distance_from_mean(c: Case[N]) -> N:
    """`(mu/sigma^2) |x_i - E[W(y)]|`.

    Source: cor03.b, p. 24.
    """
    away = c.ns.absolute(c.x(c.i) - c.posterior_mean(c.point))
    return c.mu / power(c.sigma, 2) * away


def scaled_spread(c: Case[N]) -> N:
    """`(mu/sigma^2)(x_n - x_1)`.

    Source: cor03.b, p. 24.
    """
    return c.mu / power(c.sigma, 2) * spread(c)


def scaled_spread_margin(c: Case[N]) -> N:
    """`(mu/sigma^2)(x_n - x_1 - |x_i - E W|)`, the smaller of two sums of non-negative terms.

    `(x_i - x_1) + sum_j alpha_j (x_n - x_j)` and `(x_n - x_i) + sum_j alpha_j (x_j - x_1)`.
    """
    weights = c.responsibilities(c.point)
    above = difference(c, c.i, 1) + c.ns.sum(weights * -apart(c, c.n))
    below = difference(c, c.n, c.i) + c.ns.sum(weights * apart(c, 1))
    return c.mu / power(c.sigma, 2) * -c.ns.maximum(-above, -below)


def two_part_risk_bound(c: Case[N]) -> N:
    """Bound of `R_n(s*)` by a near and a far part.

    `(n^2 mu^2 Delta^2/sigma^4) exp(-mu^2 Delta^2/(2 sigma^2))
    + (2 mu^2 (x_n-x_1)^2/sigma^4) exp(-mu^2 Delta^2/(32 sigma^2))`.

    Source: cor03.c, p. 24.
    """
    near = c.n * c.n * power(c.spacing, 2) * spacing_decay(c, 2)
    far = 2 * power(spread(c), 2) * spacing_decay(c, 32)
    return score_scale(c) * (near + far)


def size_times_spacing(c: Case[N]) -> N:
    """`n Delta`."""
    return c.n * c.spacing


def doubled_spread(c: Case[N]) -> N:
    """`2 (x_n - x_1)`."""
    return 2 * spread(c)


def doubled_spread_margin(c: Case[N]) -> N:
    """`2 (x_n - x_1) - n Delta = 2 sum of (gaps - Delta) + (n - 2) Delta`."""
    return 2 * c.ns.sum(c.gap_excesses) + (c.n - 2) * c.spacing


# Lemma 11.


def kernel_slopes(c: Case[N]) -> N:
    """`e_j'(y) = -((y - mu x_j)/sigma^2) e_j(y)`. `[n]`."""
    away = c.point - c.mu * c.sample.points
    return -away / power(c.sigma, 2) * bounds.kernels(c)


def kernel_curvatures(c: Case[N]) -> N:
    """`e_j''(y) = ((y - mu x_j)^2/sigma^4 - 1/sigma^2) e_j(y)`. `[n]`."""
    variance = power(c.sigma, 2)
    away = (c.point - c.mu * c.sample.points) / variance
    return (power(away, 2) - 1 / variance) * bounds.kernels(c)


def weight_slopes(c: Case[N]) -> N:
    """`alpha_j'(y)` by the quotient rule from `alpha_j = e_j / sum_i e_i`. `[n]`."""
    kernels, slopes = bounds.kernels(c), kernel_slopes(c)
    mass, mass_slope = c.ns.sum(kernels), c.ns.sum(slopes)
    return (slopes * mass - kernels * mass_slope) / power(mass, 2)


def weight_curvatures(c: Case[N]) -> N:
    """`alpha_j''(y)` by the quotient rule from `alpha_j = e_j / sum_i e_i`. `[n]`."""
    kernels, slopes, curvatures = bounds.kernels(c), kernel_slopes(c), kernel_curvatures(c)
    mass, mass_slope = c.ns.sum(kernels), c.ns.sum(slopes)
    cross = slopes * mass - kernels * mass_slope
    cross_slope = curvatures * mass - kernels * c.ns.sum(curvatures)
    return (cross_slope - 2 * mass_slope * cross / mass) / power(mass, 2)


def weight_slope(c: Case[N]) -> N:
    """`alpha_j'(y)`, j the index of the claim."""
    return weight_slopes(c)[c.i - 1]


def weight_curvature(c: Case[N]) -> N:
    """`alpha_j''(y)`, j the index of the claim."""
    return weight_curvatures(c)[c.i - 1]


def printed_weight_slope(c: Case[N]) -> N:
    """`(mu alpha_j/sigma^2)(x_j - E[W])`.

    Source: lem11.a, p. 32.
    """
    weight = c.responsibility(c.point, c.i)
    return -c.mu * weight / power(c.sigma, 2) * c.posterior_offset(c.point, c.i)


def weight_curvature_by_sum(c: Case[N]) -> N:
    """`alpha_j''(y)` by the derivative of the mean.

    `(mu^2 alpha_j/sigma^4)(x_j - E[W])^2 - (mu^2 alpha_j/sigma^2) sum_i x_i (alpha_i/sigma^2)
    (x_i - E[W])`.

    Source: lem11.b, p. 32.
    """
    variance = power(c.sigma, 2)
    scale = power(c.mu, 2) * c.responsibility(c.point, c.i) / variance
    deviations = c.sample.points - c.posterior_mean(c.point)
    weights = c.responsibilities(c.point) / variance
    own = power(c.posterior_offset(c.point, c.i), 2) / variance
    return scale * own - scale * c.ns.sum(c.sample.points * weights * deviations)


def printed_weight_curvature(c: Case[N]) -> N:
    """`(mu^2 alpha_j/sigma^2)(x_j - E[W])^2 - (mu^2 alpha_j/sigma^4)(E[W^2] - E[W]^2)`.

    Source: lem11.c, p. 32, with its sigma^2 in the first term.
    """
    variance = power(c.sigma, 2)
    scale = power(c.mu, 2) * c.responsibility(c.point, c.i) / variance
    spreading = c.posterior_variance(c.point) / variance
    return scale * (power(c.posterior_offset(c.point, c.i), 2) - spreading)


def weight_curvature_by_variance(c: Case[N]) -> N:
    """`(mu^2 alpha_j/sigma^4)((x_j - E[W])^2 - (E[W^2] - E[W]^2))`: lem11.c with sigma^4 twice."""
    scale = power(c.mu, 2) * c.responsibility(c.point, c.i) / power(c.sigma, 4)
    return scale * (power(c.posterior_offset(c.point, c.i), 2) - c.posterior_variance(c.point))


def raw_moment(c: Case[N], order: int) -> N:
    """`E[W(y)^order]`."""
    return c.ns.sum(c.responsibilities(c.point) * power(c.sample.points, order))


def weight_curvature_by_moments(c: Case[N]) -> N:
    """`(mu^2 alpha_j/sigma^4)(x_j^2 - 2 x_j E[W] - E[W^2] + 2 E[W]^2)`.

    Source: lem11.d, p. 33.
    """
    scale = power(c.mu, 2) * c.responsibility(c.point, c.i) / power(c.sigma, 4)
    own, mean = c.x(c.i), raw_moment(c, 1)
    return scale * (power(own, 2) - 2 * own * mean - raw_moment(c, 2) + 2 * power(mean, 2))


def curvature_by_weights(c: Case[N]) -> N:
    """`(mu/sigma^2) sum_i x_i alpha_i''(y)`.

    Source: lem11.e, p. 33.
    """
    return c.mu / power(c.sigma, 2) * c.ns.sum(c.sample.points * weight_curvatures(c))


def curvature_by_raw_moments(c: Case[N]) -> N:
    """`(mu^3/sigma^6)(E[W^3] - 3 E[W^2] E[W] + 2 E[W]^3)`.

    Source: lem11.e, p. 33.
    """
    first, second, third = raw_moment(c, 1), raw_moment(c, 2), raw_moment(c, 3)
    scale = power(c.mu, 3) / power(c.sigma, 6)
    return scale * (third - 3 * second * first + 2 * power(first, 3))


# Lemma 12. On its two rays `y` is the distance beyond the start, so that one row says both.


def eight_sigmas(c: Case[N]) -> N:
    """`8 sigma`."""
    return 8 * c.sigma


def sixty_four_sigmas(c: Case[N]) -> N:
    """`64 sigma`."""
    return 64 * c.sigma


def right_reach(c: Case[N]) -> N:
    """`(x_n)_+ = max(0, x_n)`."""
    return c.ns.maximum(c.x(c.n), c.ns.constant(0))


def left_reach(c: Case[N]) -> N:
    """`-(x_1)_- = max(0, -x_1)`."""
    return c.ns.maximum(-c.x(1), c.ns.constant(0))


def right_place(c: Case[N]) -> N:
    """`y >= 2 mu (x_n)_+`, the free variable beyond it."""
    return 2 * c.mu * right_reach(c) + c.point


def left_place(c: Case[N]) -> N:
    """`y <= 2 mu (x_1)_-`, the free variable below it."""
    return -2 * c.mu * left_reach(c) - c.point


def right_weight(c: Case[N]) -> N:
    """`alpha_i(y)` for `1 <= i <= n-1` and `y >= 2 mu (x_n)_+`."""
    return c.responsibility(right_place(c), c.i)


def left_weight(c: Case[N]) -> N:
    """`alpha_{i+1}(y)` for `1 <= i <= n-1` and `y <= 2 mu (x_1)_-`."""
    return c.responsibility(left_place(c), c.i + 1)


def right_decay(c: Case[N]) -> N:
    """`exp(-y mu Delta/(2 sigma^2))`.

    Source: lem12.a, p. 34.
    """
    return c.ns.exp(-right_place(c) * c.mu * c.spacing / (2 * power(c.sigma, 2)))


def left_decay(c: Case[N]) -> N:
    """`exp(+y mu Delta/(2 sigma^2))`.

    Source: lem12.a, mirror image, p. 34.
    """
    return c.ns.exp(left_place(c) * c.mu * c.spacing / (2 * power(c.sigma, 2)))


def right_curvature(c: Case[N]) -> N:
    """`|s*''(y)|` for `y >= 2 mu (x_n)_+`."""
    return c.ns.absolute(c.score_curvature(right_place(c)))


def left_curvature(c: Case[N]) -> N:
    """`|s*''(y)|` for `y <= 2 mu (x_1)_-`."""
    return c.ns.absolute(c.score_curvature(left_place(c)))


def cubed_spread_scale(c: Case[N]) -> N:
    """`(mu^3/sigma^6)(x_n - x_1)^3`.

    Source: lem12.b2, p. 34.
    """
    return power(c.mu * spread(c) / power(c.sigma, 2), 3)


def right_curvature_bound(c: Case[N]) -> N:
    """`(2 mu^3 (n-1)(x_n-x_1)^3/sigma^6) exp(-y mu Delta/(2 sigma^2))`.

    Source: lem12.b, p. 34.
    """
    return 2 * (c.n - 1) * cubed_spread_scale(c) * right_decay(c)


def left_curvature_bound(c: Case[N]) -> N:
    """`(2 mu^3 (n-1)(x_n-x_1)^3/sigma^6) exp(+y mu Delta/(2 sigma^2))`.

    Source: lem12.b, mirror image, p. 34.
    """
    return 2 * (c.n - 1) * cubed_spread_scale(c) * left_decay(c)


def last_weight(c: Case[N]) -> N:
    """`alpha_n(y)`."""
    return c.responsibility(c.point, c.n)


def gap_to_last(c: Case[N]) -> N:
    """`sum_{i<n} (x_n - x_i) alpha_i(y)`, which is `x_n - E[W(y)]`."""
    return c.ns.sum(-apart(c, c.n) * c.responsibilities(c.point))


def last_cubed_term(c: Case[N]) -> N:
    """`|x_n - E[W]|^3 alpha_n`.

    Source: lem12.b2, p. 34.
    """
    return power(c.ns.absolute(c.posterior_offset(c.point, c.n)), 3) * last_weight(c)


def cubed_gap(c: Case[N]) -> N:
    """`|sum_{i<n} (x_n - x_i) alpha_i|^3`.

    Source: lem12.b2, p. 34.
    """
    return power(c.ns.absolute(gap_to_last(c)), 3)


def sum_of_cubed_gaps(c: Case[N]) -> N:
    """`sum_{i<n} (x_n - x_i)^3 alpha_i`.

    Source: lem12.b2, p. 34.
    """
    return c.ns.sum(power(-apart(c, c.n), 3) * c.responsibilities(c.point))


def last_weight_margin(c: Case[N]) -> N:
    """`right - left` of lem12.b2's first inequality: `|x_n - E W|^3 (1 - alpha_n)`."""
    return cubed_gap(c) * c.ns.sum(not_last(c) * c.responsibilities(c.point))


def cubed_gap_margin(c: Case[N]) -> N:
    """`right - left` of lem12.b2's second inequality, all terms non-negative.

    With `d_i = x_n - x_i` and `Q = x_n - E W`, so `d_i - Q = E W - x_i`:
    `2 Q^3 alpha_n + sum_{i<n} alpha_i (d_i - Q)^2 (d_i + 2 Q)`.
    """
    weights, gap = c.responsibilities(c.point), gap_to_last(c)
    total = 2 * power(gap, 3) * last_weight(c)
    for index in range(1, c.n):
        off = power(c.posterior_offset(c.point, index), 2)
        total = total + weights[index - 1] * off * (difference(c, c.n, index) + 2 * gap)
    return total


def curvature(c: Case[N]) -> N:
    """`|s*''(y)|`."""
    return c.ns.absolute(c.score_curvature(c.point))


def inner_curvature_mass(c: Case[N]) -> N:
    """`int |s*''|` from `2 mu (x_1)_-` to `2 mu (x_n)_+`."""
    return c.quantity("curvature_mass_between")


def inner_curvature_mass_bound(c: Case[N]) -> N:
    """`4 mu^4 (x_n-x_1)^3 ((x_n)_+ - (x_1)_-)/sigma^6`.

    Source: lem12.c, p. 35.
    """
    reach = right_reach(c) + left_reach(c)
    return 4 * power(c.mu, 4) * power(spread(c), 3) * reach / power(c.sigma, 6)


def right_curvature_mass(c: Case[N]) -> N:
    """`int |s*''|` from `2 mu (x_n)_+` on."""
    return c.quantity("curvature_mass_above")


def left_curvature_mass(c: Case[N]) -> N:
    """`int |s*''|` up to `2 mu (x_1)_-`."""
    return c.quantity("curvature_mass_below")


def tail_curvature_mass_bound(c: Case[N]) -> N:
    """`4 mu^2 (n-1)(x_n-x_1)^3/(sigma^4 Delta)`.

    Source: lem12.d, p. 35.
    """
    return 4 * score_scale(c) * (c.n - 1) * power(spread(c), 3) / c.spacing


# Lemma 14.


def coefficients(c: Case[N]) -> list[N]:
    """Coefficients of the polynomial f, ascending."""
    return list(c.parameter("f"))


def truncated_power(c: Case[N], order: int) -> N:
    """`J_k = int_{-delta}^{delta} y^k exp(-y^2/(2 sigma^2)) dy`, k even; 0 for odd k.

    `J_0 = sqrt(2 pi) sigma (1 - erfc(delta/(sigma sqrt 2)))`, and by parts
    `J_k = (k-1) sigma^2 J_{k-2} - 2 sigma^2 delta^{k-1} exp(-delta^2/(2 sigma^2))`.
    """
    ns, delta = c.ns, bounds.half_width(c)
    if order % 2 == 1:
        return ns.constant(0)
    if order == 0:
        inside = 1 - ns.erfc(delta / (c.sigma * ns.root(ns.constant(2), 2)))
        return ns.root(2 * ns.pi, 2) * c.sigma * inside
    edge = 2 * power(delta, order - 1) * ns.exp(-power(delta / c.sigma, 2) / 2)
    return power(c.sigma, 2) * ((order - 1) * truncated_power(c, order - 2) - edge)


def truncated_square_of(c: Case[N], polynomial: list[N]) -> N:
    """`int_{-delta}^{delta} p(y)^2 exp(-y^2/(2 sigma^2)) dy`, p by ascending coefficients."""
    total = c.ns.constant(0)
    for j, left in enumerate(polynomial):
        for k, right in enumerate(polynomial):
            total = total + left * right * truncated_power(c, j + k)
    return total


def truncated_tilt(c: Case[N]) -> N:
    """`int_{-delta}^{delta} (f(y) + beta y)^2 exp(-y^2/(2 sigma^2)) dy`.

    Source: lem14.a, p. 36.
    """
    tilted = [*coefficients(c), c.ns.constant(0)]
    tilted[1] = tilted[1] + bounds.beta(c)
    return truncated_square_of(c, tilted)


def truncated_line(c: Case[N]) -> N:
    """`int_{-delta}^{delta} (-gamma y + f(0) + beta y)^2 exp(-y^2/(2 sigma^2)) dy`.

    Source: lem14.a, p. 36.
    """
    return truncated_square_of(c, [coefficients(c)[0], bounds.beta(c) - bounds.gamma(c)])


def truncated_centred_line(c: Case[N]) -> N:
    """`int_{-delta}^{delta} (beta-gamma)^2 y^2 exp(-y^2/(2 sigma^2)) dy`: no `f(0)`."""
    return power(bounds.beta(c) - bounds.gamma(c), 2) * truncated_power(c, 2)


def truncated_first_power(c: Case[N]) -> N:
    """`J_1` from its antiderivative, `-sigma^2 exp(-y^2/(2 sigma^2))` at both ends."""
    ns, delta = c.ns, bounds.half_width(c)
    upper = ns.exp(-power(delta / c.sigma, 2) / 2)
    lower = ns.exp(-power(-delta / c.sigma, 2) / 2)
    return -power(c.sigma, 2) * upper + power(c.sigma, 2) * lower


def expanded_line(c: Case[N]) -> N:
    """The squared line, expanded, under the integral.

    `int_{-delta}^{delta} ((beta-gamma)^2 y^2 + 2 (beta-gamma) f(0) y + f(0)^2)
    exp(-y^2/(2 sigma^2)) dy`.

    Source: lem14.b, p. 36.
    """
    start, steep = coefficients(c)[0], bounds.beta(c) - bounds.gamma(c)
    return line_without_cross_term(c) + 2 * steep * start * truncated_first_power(c)


def line_without_cross_term(c: Case[N]) -> N:
    """`int_{-delta}^{delta} ((beta-gamma)^2 y^2 + f(0)^2) exp(-y^2/(2 sigma^2)) dy`.

    Source: lem14.b, p. 36.
    """
    start = coefficients(c)[0]
    return truncated_centred_line(c) + power(start, 2) * truncated_power(c, 0)


def tilt_scale(c: Case[N]) -> N:
    """`sigma^2 (beta-gamma)^2`."""
    return power(c.sigma * (bounds.beta(c) - bounds.gamma(c)), 2)


def normalised_square(c: Case[N]) -> N:
    """`(1/sqrt(2 pi sigma^2)) int_{-delta}^{delta} (beta-gamma)^2 y^2 exp(-y^2/(2 sigma^2)) dy`.

    As `sigma^2 (beta-gamma)^2 E[Z^2; |Z| < delta/sigma]`, Z standard normal.

    Source: lem14.c, p. 36.
    """
    u = bounds.half_width(c) / c.sigma
    ends = c.ns.constant(np.array([[-1, 1]])) * u
    _, _, _, second = c.ns.normal_pieces(ends, np.array([1]))
    return tilt_scale(c) * second[0][1]


def edge_term(c: Case[N]) -> N:
    """`(2 delta/sqrt(2 pi sigma^2)) exp(-delta^2/(2 sigma^2))`."""
    u = bounds.half_width(c) / c.sigma
    return 2 * u / c.ns.root(2 * c.ns.pi, 2) * c.ns.exp(-power(u, 2) / 2)


def inside_probability(c: Case[N]) -> N:
    """`P(|sigma xi| <= delta)`, xi standard normal."""
    u = bounds.half_width(c) / c.sigma
    return 1 - c.ns.erfc(u / c.ns.root(c.ns.constant(2), 2))


def square_by_probability(c: Case[N]) -> N:
    """The truncated second moment by the probability of the interval.

    `sigma^2 (beta-gamma)^2 (-(2 delta/sqrt(2 pi sigma^2)) exp(-delta^2/(2 sigma^2))
    + P(|sigma xi| <= delta))`.

    Source: lem14.c, p. 36.
    """
    return tilt_scale(c) * (inside_probability(c) - edge_term(c))


def printed_square_floor(c: Case[N]) -> N:
    """The same with the printed tail bound, its two signs included.

    `sigma^2 (beta-gamma)^2 (-(2 delta/sqrt(2 pi sigma^2)) exp(-delta^2/(2 sigma^2))
    + 1 - 2 exp(-(-delta^2)/(2 sigma^2)))`.

    Source: lem14.d, p. 36.
    """
    u = bounds.half_width(c) / c.sigma
    return tilt_scale(c) * (1 - 2 * c.ns.exp(power(u, 2) / 2) - edge_term(c))

"""The sides of sharpened forms: printed inequalities with a better constant, each proved.

| letter | here | meaning |
|---|---|---|
| Delta | `c.spacing` | smallest gap of the sample |
| kappa | `spacing_ratio` | mu Delta / sigma |
| L | `spread` | x_n - x_1 |
| r_j | `midpoint_ratios` | alpha_j(m_i)/alpha_i(m_i), at most 1 |

A constant that is attained or approached is called sharp; margins are written for those, since two
balls that touch decide nothing.
"""

from __future__ import annotations

from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as posterior
from dsmverify.formulas import weight_steps as weights
from dsmverify.formulas.bounds import power, score_scale, spacing_decay, spread
from dsmverify.formulas.case import Case
from dsmverify.numbers import N

# Proposition 2.


def split_share(c: Case[N]) -> N:
    """`(n-1) (x_i - x_{i+1})^2 / n^2`.

    Source: prop02a, p. 7, sharpened.
    """
    return (c.n - 1) * _squared_gap(c) / (c.n * c.n)


def split_share_margin(c: Case[N]) -> N:
    """A lower bound of `V[W(m_i)] - (n-1)(x_i - x_{i+1})^2/n^2`, exactly 0 at n = 2.

    With P the weight of x_1..x_i and S = 2 + sum_j r_j: `(x_i - x_{i+1})^2 (P - 1/n)(1 - 1/n - P)`,
    and `P - 1/n = (sum_j (1 - r_j) + n sum_{j<i} r_j)/(n S)`, likewise `1 - P`, with j > i + 1.

    Source: prop02a, p. 7, sharpened.
    """
    ns = c.ns
    ratio, missing, _ = posterior.midpoint_ratios(c)
    before = ns.sum(ratio[: c.i - 1])
    after = ns.sum(ratio[c.i - 1 :])
    total = 2 + before + after
    lost = ns.sum(missing)
    product = (lost + c.n * before) * (lost + c.n * after)
    return _squared_gap(c) * product / power(c.n * total, 2)


def quarter_of_squared_gap(c: Case[N]) -> N:
    """`(x_i - x_{i+1})^2 / 4`.

    Source: prop02a, p. 7, sharpened.
    """
    return _squared_gap(c) / 4


def quarter_of_squared_gap_margin(c: Case[N]) -> N:
    """`V[W(m_i)] - (x_i - x_{i+1})^2/4` without cancellation, exactly 0 at n = 2.

    `(2 sum_j r_j (x_j - x_i)(x_j - x_{i+1}) + sum_{j<k} r_j r_k (x_j - x_k)^2
    - (x_i - x_{i+1})^2 (sum_j r_j)^2/4) / S^2`, S = 2 + sum_j r_j.

    Source: prop02a, p. 7, sharpened.
    """
    ns = c.ns
    ratio, _, distance = posterior.midpoint_ratios(c)
    mass = ns.sum(ratio)
    beyond = power(distance, 2) - _squared_gap(c) / 4
    pairs = ratio[:, None] * ratio[None, :] * power(distance[:, None] - distance[None, :], 2)
    gained = 2 * ns.sum(ratio * beyond) + ns.sum(ns.sum(pairs)) / 2
    return (gained - _squared_gap(c) * power(mass, 2) / 4) / power(2 + mass, 2)


def mean_distance_bound(c: Case[N]) -> N:
    """`Delta exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02b, p. 7, sharpened.
    """
    return c.spacing * spacing_decay(c, 4)


def mean_distance_margin(c: Case[N]) -> N:
    """A lower bound of `right - left` of prop02b.s1, whatever y is, without cancellation.

    `E[W(y)]` increases with y, so the smaller of the margins at the two ends of the range serves.

    Source: prop02b, p. 7, sharpened.
    """
    return weights.smaller(c, _end_margin(c, 1), _end_margin(c, -1))


def variance_margin(c: Case[N]) -> N:
    """A lower bound of `right - left` of prop02c.s1, whatever y is, without cancellation.

    `E[(W - x_i)^2]` for the variance, and on either side of `mu x_i` the largest weights there:
    those at the end of the range for the points ahead, those at `mu x_i` for the points behind.

    Source: prop02c, p. 7, sharpened.
    """
    return weights.smaller(c, _variance_margin(c, 1), _variance_margin(c, -1))


def variance_bound(c: Case[N]) -> N:
    """`Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02c, p. 7, sharpened.
    """
    return power(c.spacing, 2) * spacing_decay(c, 4)


def half_kernel_bound(c: Case[N]) -> N:
    """`(6/5) Delta exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02.b, p. 22, sharpened.
    """
    return 6 * mean_distance_bound(c) / 5


# Corollary 3.


def slope_jump_bound(c: Case[N]) -> N:
    """`(mu^2/sigma^4) ((x_i - x_{i+1})^2/4 - 2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)))`.

    Source: cor03a, p. 7, sharpened.
    """
    return score_scale(c) * (quarter_of_squared_gap(c) - _variance_at_mean_bound(c))


def slope_jump_margin(c: Case[N]) -> N:
    """A lower bound of `left - right` of the sharpened cor03a, without cancellation.

    Source: cor03a, p. 7, sharpened.
    """
    spare = weights.smaller(c, _mean_margin(c, c.i), _mean_margin(c, c.i + 1))
    return score_scale(c) * (quarter_of_squared_gap_margin(c) + spare)


def score_residual_bound(c: Case[N]) -> N:
    """`(mu Delta/sigma^2) exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: cor03.a, p. 24, sharpened.
    """
    return c.mu * mean_distance_bound(c) / power(c.sigma, 2)


def score_residual_margin(c: Case[N]) -> N:
    """A lower bound of `right - left` of cor03.a.s1, `mu/sigma^2` times that of prop02b.s1.

    Source: cor03.a, p. 24, sharpened.
    """
    return c.mu * mean_distance_margin(c) / power(c.sigma, 2)


def rounding_risk_bound(c: Case[N]) -> N:
    """`((n-1) mu^2 (x_n - x_1)^2/(n sigma^4)) exp(-mu^2 Delta^2/(8 sigma^2))`.

    Source: cor03b, eq. 10, p. 7, sharpened.
    """
    return (c.n - 1) * score_scale(c) * power(spread(c), 2) * spacing_decay(c, 8) / c.n


def pair_risk_bound(c: Case[N]) -> N:
    """`(5 (n-1) mu^2 Delta^2/(4 n sigma^4)) exp(-mu^2 Delta^2/(8 sigma^2))`.

    Source: cor03b, eq. 10, p. 7, sharpened.
    """
    scale = 5 * (c.n - 1) * score_scale(c) / (4 * c.n)
    return scale * power(c.spacing, 2) * spacing_decay(c, 8)


def two_part_risk_bound(c: Case[N]) -> N:
    """The bound of cor03.c without n in its first term and with half of its second.

    `(mu^2 Delta^2/sigma^4) exp(-mu^2 Delta^2/(2 sigma^2))
    + (mu^2 (x_n-x_1)^2/sigma^4) exp(-mu^2 Delta^2/(32 sigma^2))`.

    Source: cor03.c, p. 24, sharpened.
    """
    near = power(c.spacing, 2) * spacing_decay(c, 2)
    return score_scale(c) * (near + power(spread(c), 2) * spacing_decay(c, 32))


def stretched_spread(c: Case[N]) -> N:
    """`(n/(n-1)) (x_n - x_1)`.

    Source: cor03.d, p. 24, sharpened.
    """
    return c.n * spread(c) / (c.n - 1)


def stretched_spread_margin(c: Case[N]) -> N:
    """`(n/(n-1))(x_n - x_1) - n Delta = (n/(n-1)) sum of (gaps - Delta)`."""
    return c.n * c.ns.sum(c.gap_excesses) / (c.n - 1)


# Theorem 4 and proposition 9.


def variation_bound(c: Case[N]) -> N:
    """`mu^3 n^2 Delta^3 / (2^10 sigma^4)`.

    Source: thm04, p. 8, sharpened.
    """
    return c.n * c.n * power(c.mu * c.spacing, 3) / (2**10 * power(c.sigma, 4))


def forced_spacing(c: Case[N]) -> N:
    """`(22/5) sigma/mu`.

    Source: thm04.0, p. 8, sharpened.
    """
    return 22 * c.sigma / (5 * c.mu)


def three_tenths(c: Case[N]) -> N:
    """`3n/10`.

    Source: thm04.d, p. 8, sharpened.
    """
    return 3 * c.ns.constant(c.n) / 10


def inner_count_margin(c: Case[N]) -> N:
    """`count - 3n/10`, from integers."""
    return (10 * weights.inner_count(c) - 3 * c.n) / 10


def scale_of_small_time(c: Case[N]) -> N:
    """`exp(-3t)/(4 t^2)`.

    Source: thm04.f, p. 9, sharpened.
    """
    time = weights.time(c)
    return c.ns.exp(-3 * time) / (4 * power(time, 2))


def weight_ceiling(c: Case[N]) -> N:
    """`mu (x_n - x_1)/8`.

    Source: prop09b, p. 18, sharpened.
    """
    return c.mu * spread(c) / 8


def weight_floor(c: Case[N]) -> N:
    """`(mu/(2 n^2)) (1 - exp(-mu^2 Delta^2/(2 sigma^2))) min(i^2 (i-1)/2, ..) Delta`.

    Its last factor is the repaired one, `min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2)`.

    Source: prop09a, p. 18, repaired and sharpened.
    """
    factor = weights.repaired_factor(c.n, c.i)
    kept = -c.ns.expm1(-power(bounds.spacing_ratio(c), 2) / 2)
    return c.mu * c.spacing * factor * kept / (4 * c.n * c.n)


def gap_probability_floor(c: Case[N]) -> N:
    """`(1 - exp(-mu^2 (x_i - x_{i+1})^2/(2 sigma^2)))/2`.

    Source: prop09.d, p. 19, sharpened.
    """
    ratio = c.mu * (c.x(c.i + 1) - c.x(c.i)) / c.sigma
    return -c.ns.expm1(-power(ratio, 2) / 2) / 2


def gap_probability_margin(c: Case[N]) -> N:
    """`left - right` of the sharpened prop09.d: `(exp(-u^2/2) - erfc(u/sqrt 2))/2` for gap u."""
    ns, ratio = c.ns, c.mu * (c.x(c.i + 1) - c.x(c.i)) / c.sigma
    return (ns.exp(-power(ratio, 2) / 2) - ns.erfc(ratio / ns.root(ns.constant(2), 2))) / 2


# Lemma 12.


def curvature_mass_bound(c: Case[N]) -> N:
    """`3 mu^2 (x_n - x_1)^2 / (4 sigma^4)`.

    Source: lemma 12, p. 34, sharpened.
    """
    return 3 * score_scale(c) * power(spread(c), 2) / 4


def curvature_ceiling(c: Case[N]) -> N:
    """`(mu^3/sigma^6) (x_n - x_1)^3/(6 sqrt 3)`.

    Source: lem12.b2, p. 34, sharpened.
    """
    return posterior.cubed_spread_scale(c) / (6 * c.ns.root(c.ns.constant(3), 2))


def inner_curvature_bound(c: Case[N]) -> N:
    """`mu^4 (x_n-x_1)^3 ((x_n)_+ - (x_1)_-)/(3 sqrt 3 sigma^6)`.

    Source: lem12.c, p. 35, sharpened.
    """
    return posterior.inner_curvature_mass_bound(c) / (12 * c.ns.root(c.ns.constant(3), 2))


def right_curvature_bound(c: Case[N]) -> N:
    """Half of the printed bound of lem12.b, on the right.

    Source: lem12.b, p. 34, sharpened.
    """
    return posterior.right_curvature_bound(c) / 2


def left_curvature_bound(c: Case[N]) -> N:
    """Half of the printed bound of lem12.b, on the left.

    Source: lem12.b, p. 34, sharpened.
    """
    return posterior.left_curvature_bound(c) / 2


# Lemma 14 and proposition 7.


def truncated_square_floor(c: Case[N]) -> N:
    """`sigma^2 (beta-gamma)^2 (1 - (2 delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2)))`.

    Source: lemma 14, p. 36, sharpened.
    """
    ns = c.ns
    u = bounds.half_width(c) / c.sigma
    lost = (2 * u / ns.root(2 * ns.pi, 2) + 1) * ns.exp(-power(u, 2) / 2)
    return power(c.sigma * (bounds.beta(c) - bounds.gamma(c)), 2) * (1 - lost)


def truncated_square_margin(c: Case[N]) -> N:
    """`left - right` of the sharpened lem14b.

    `sigma^2 (beta-gamma)^2 (exp(-u^2/2) - erfc(u/sqrt 2))`, u = delta/sigma.
    """
    ns = c.ns
    u = bounds.half_width(c) / c.sigma
    slack = ns.exp(-power(u, 2) / 2) - ns.erfc(u / ns.root(ns.constant(2), 2))
    return power(c.sigma * (bounds.beta(c) - bounds.gamma(c)), 2) * slack


def nearly_all(c: Case[N]) -> N:
    """`99/100`.

    Source: prop07.d, p. 29, sharpened.
    """
    return c.ns.constant(99) / 100


def fall_bound(c: Case[N]) -> N:
    """`-1/sigma^2 + sqrt(100 n R_n/(99 sigma^2))`.

    Source: prop07.c, p. 29, sharpened.
    """
    root = c.ns.root(100 * c.n * bounds.risk(c) / 99, 2)
    return root / c.sigma - 1 / power(c.sigma, 2)


def nearly_half_precision(c: Case[N]) -> N:
    """`499/(1000 sigma^2)`.

    Source: prop07.a3, p. 29, sharpened.
    """
    return 499 / (1000 * power(c.sigma, 2))


def _squared_gap(c: Case[N]) -> N:
    return power(c.x(c.i) - c.x(c.i + 1), 2)


def _variance_at_mean_bound(c: Case[N]) -> N:
    return 2 * power(c.spacing, 2) * spacing_decay(c, 2)


def _mean_margin(c: Case[N], index: int) -> N:
    """A lower bound of `2 Delta^2 E^2 - V[W(mu x_index)]`, E = exp(-kappa^2/4).

    `E^2 sum over sides of (Delta^2 - (Delta + e)^2 exp(-g))`, e the excess of the gap, Delta^2
    where there is none, `+ sum_j (2 Delta^2 E^2 - d_j^2) r_j` with d_j = 0 for the two nearest;
    over `1 + sum_j r_j`.
    """
    ns, gap = c.ns, c.spacing
    squared, small = power(gap, 2), spacing_decay(c, 2)
    away = posterior.apart(c, index)
    ratio = ns.exp(-posterior.precision_ratio(c) * power(away, 2) / 2)
    others = ns.constant([int(place != index) for place in range(1, c.n + 1)])
    far = ns.constant([int((place - index) ** 2 > 1) for place in range(1, c.n + 1)])
    total = 2 * squared * small * ns.sum(others * ratio) - ns.sum(far * power(away, 2) * ratio)
    for gap_number in (index - 1, index):
        own = squared
        if 1 <= gap_number < c.n:
            excess = c.gap_excesses[gap_number - 1]
            rise = posterior.precision_ratio(c) * excess * (2 * gap + excess) / 2
            own = -squared * ns.expm1(-rise) - (2 * gap + excess) * excess * ns.exp(-rise)
        total = total + small * own
    return total / (1 + ns.sum(others * ratio))


def _nearest(c: Case[N], side: int) -> int:
    """Index of the next point on a side (1 to the right, -1 to the left), 0 if there is none."""
    index = c.i + side
    return index if 1 <= index <= c.n else 0


def _excess(c: Case[N], side: int) -> N:
    """By how much the gap on a side exceeds Delta, exactly 0 for a smallest gap."""
    return c.gap_excesses[c.i - 1 if side == 1 else c.i - 2]


def _all_but(c: Case[N], *left_out: int) -> N:
    """1 for every point but `x_i` and those named, by index from 1. `[n]`."""
    gone = (c.i, *left_out)
    return c.ns.constant([int(index not in gone) for index in range(1, c.n + 1)])


def _end_margin(c: Case[N], side: int) -> N:
    """`Delta E - side (E[W(y)] - x_i)` at `y = mu (x_i + side Delta/4)`, E = exp(-kappa^2/4).

    With `r_j = alpha_j/alpha_i`, Z = 1 + sum_j r_j and f the excess of the gap ahead, `r = E
    exp(-h)` for the point ahead, `h = mu^2 f (3 Delta/2 + f)/(2 sigma^2)`:
    `(E (Delta (1 - exp(-h)) - f exp(-h)) + Delta E sum_j r_j - sum' side d_j r_j) / Z`, the last
    sum without the point ahead.
    """
    ns, small = c.ns, spacing_decay(c, 4)
    away = posterior.apart(c, c.i)
    ratio = ns.exp(-posterior.precision_ratio(c) * away * (away - side * c.spacing / 2) / 2)
    mass = ns.sum(_all_but(c) * ratio)
    next_one = _nearest(c, side)
    rest = c.spacing * small * mass - ns.sum(_all_but(c, next_one) * side * away * ratio)
    first = c.spacing * small
    if next_one:
        excess = _excess(c, side)
        power_ahead = _ahead(c, excess)
        first = -c.spacing * ns.expm1(-power_ahead) - excess * ns.exp(-power_ahead)
        first = small * first
    return (first + rest) / (1 + mass)


def _ahead(c: Case[N], excess: N) -> N:
    """`mu^2 f (3 Delta/2 + f)/(2 sigma^2)`."""
    return posterior.precision_ratio(c) * excess * (3 * c.spacing / 2 + excess) / 2


def _variance_margin(c: Case[N], side: int) -> N:
    """A lower bound of `Delta^2 E - E[(W(y) - x_i)^2]` for y on one side of `mu x_i`.

    With the largest ratios there, `R_j = E exp(-h)` for the point ahead and `R_k = E^2 exp(-g)`
    for the point behind, f and e the excesses of the two gaps, `g = mu^2 e (2 Delta + e)/(2
    sigma^2)`: `E (Delta^2 - (Delta + f)^2 exp(-h)) + E^2 (Delta^2 exp(-h) - (Delta + e)^2
    exp(-g)) + Delta^2 E R_k - sum' (d_j^2 - Delta^2 E) R_j`, over `1 + sum_j R_j`.
    """
    ns, small, gap = c.ns, spacing_decay(c, 4), c.spacing
    away = posterior.apart(c, c.i)
    ahead = ns.constant([int((index - c.i) * side > 0) for index in range(1, c.n + 1)])
    reach = away - ahead * side * gap / 2
    ratio = ns.exp(-posterior.precision_ratio(c) * away * reach / 2)
    squared = power(gap, 2)
    next_one, behind = _nearest(c, side), _nearest(c, -side)
    far = _all_but(c, next_one, behind) * (power(away, 2) - squared * small) * ratio
    total = squared * small - ns.sum(far)
    if next_one:
        excess = _excess(c, side)
        power_ahead = _ahead(c, excess)
        lost = (2 * gap + excess) * excess * ns.exp(-power_ahead)
        total = small * (-squared * ns.expm1(-power_ahead) - lost) - ns.sum(far)
    if behind:
        excess = _excess(c, -side)
        power_behind = posterior.precision_ratio(c) * excess * (2 * gap + excess) / 2
        lost = (2 * gap + excess) * excess * ns.exp(-power_behind)
        own = -squared * ns.expm1(-power_behind) - lost
        total = total + squared * power(small, 3) * ns.exp(-power_behind)
        if next_one:
            total = total + power(small, 2) * (own + squared * ns.expm1(-power_ahead))
        else:
            total = total + power(small, 2) * (own - squared)
    elif next_one:
        total = total + squared * power(small, 2) * ns.exp(-power_ahead)
    return total / (1 + ns.sum(_all_but(c) * ratio))

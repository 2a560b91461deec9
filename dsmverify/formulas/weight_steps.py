"""The two sides of the printed proof steps about the weight pi, errors included.

Steps of proposition 9 and theorem 4 (pp. 8-9 and 18-19), and the smoothness of pi (p. 9).

| letter | here | meaning |
|---|---|---|
| U | | uniform draw from the training points |
| pi^-, pi^+ | `below_weight`, `above_weight` | P(mu U < y) E[(y - mu U)_+], and its mirror image |
| kappa | `spacing_ratio` | mu Delta / sigma |
| t | `time` | diffusion time; mu = exp(-t), sigma^2 = 1 - exp(-2 t) |

Inside a gap, `mu x_i < y < mu x_{i+1}`, the events of pi^- and pi^+ are the first i and the last
n - i points. At its two ends one point drops out, since the inequalities in the definition of pi
are strict; the sides called `.._at_left_end` and `.._at_right_end` are the values there.
"""

from __future__ import annotations

import numpy as np

from dsmverify.formulas import bounds
from dsmverify.formulas.bounds import power, score_scale, spacing_decay
from dsmverify.formulas.case import Case
from dsmverify.numbers import N

# Pieces that several steps share.


def sum_below(c: Case[N], index: int) -> N:
    """`sum_{i'<index} (x_index - x_i')`; 0 for the first point."""
    return c.ns.sum(c.x(index) - c.sample.points[: index - 1])


def sum_above(c: Case[N], index: int) -> N:
    """`sum_{i'>index} (x_i' - x_index)`; 0 for the last point."""
    return c.ns.sum(c.sample.points[index:] - c.x(index))


def smaller(c: Case[N], first: N, second: N) -> N:
    """The smaller of two numbers."""
    return -c.ns.maximum(-first, -second)


def half_less_decay(c: Case[N]) -> N:
    """`1/2 - exp(-mu^2 Delta^2/(2 sigma^2))`."""
    return (1 - 2 * spacing_decay(c, 2)) / 2


def printed_factor(size: int, index: int) -> int:
    """`min(i^2 (i-1), (n-i)^2 (n-i+1))`, as printed, times 1 for the printed 1/2."""
    left, right = index, size - index
    return min(left * left * (left - 1), right * right * (right + 1))


def repaired_factor(size: int, index: int) -> int:
    """`min(i^2 (i-1), (n-i)^2 (n-i-1))`, symmetric in i and n - i."""
    left, right = index, size - index
    return min(left * left * (left - 1), right * right * (right - 1))


# Proposition 9, the events.


def squared_share_at_left_end(c: Case[N]) -> N:
    """`P(mu U < mu x_i)^2 = (i-1)^2/n^2`, the points being distinct."""
    return c.ns.constant((c.i - 1) ** 2) / (c.n * c.n)


def squared_share(c: Case[N]) -> N:
    """`i^2/n^2`.

    Source: prop09.0, p. 18.
    """
    return c.ns.constant(c.i**2) / (c.n * c.n)


def squared_share_inside(c: Case[N]) -> N:
    """`P(mu U < y)^2` for `mu x_i < y <= mu x_{i+1}`: i of n equal shares, squared."""
    return power(c.ns.sum(c.ns.constant(np.ones(c.i, dtype=int)) / c.n), 2)


def mean_below(c: Case[N]) -> N:
    """`E[y - mu U | mu U < y]` for `mu x_i < y <= mu x_{i+1}`, a mean over the first i points."""
    return _mean_below(c, c.point)


def mean_below_at_midpoint(c: Case[N]) -> N:
    """`E[y - mu U | mu U < y]` at `y = m_i`."""
    return _mean_below(c, c.midpoint(c.i))


def printed_mean_below(c: Case[N]) -> N:
    """`mu (x - (1/i) sum_{i'<=i} x_i')` with `x = y/mu`.

    Source: prop09.0, p. 18.
    """
    return _printed_mean_below(c, c.point)


def printed_mean_below_at_midpoint(c: Case[N]) -> N:
    """`mu (x - (1/i) sum_{i'<=i} x_i')` at `mu x = m_i`.

    Source: prop09.0, p. 18.
    """
    return _printed_mean_below(c, c.midpoint(c.i))


def below_weight(c: Case[N]) -> N:
    """`pi^-(y) = P(mu U < y) E[(y - mu U)_+]` for `mu x_i < y <= mu x_{i+1}`.

    Source: D-pi, pp. 6-7.
    """
    return _below_weight(c, c.point)


def below_weight_at_midpoint(c: Case[N]) -> N:
    """`pi^-(m_i)`."""
    return _below_weight(c, c.midpoint(c.i))


def below_weight_at_left_end(c: Case[N]) -> N:
    """`pi^-(mu x_i) = (mu (i-1)/n^2) sum_{i'<i} (x_i - x_i')`: x_i itself is not below."""
    return (c.i - 1) * c.mu * sum_below(c, c.i) / (c.n * c.n)


def printed_below_weight(c: Case[N]) -> N:
    """`(mu i^2/n^2)(x - (1/i) sum_{i'<=i} x_i')` with `x = y/mu`.

    Source: prop09.a, p. 18.
    """
    return squared_share(c) * _printed_mean_below(c, c.point)


def printed_below_weight_at_midpoint(c: Case[N]) -> N:
    """`(mu i^2/n^2)(x - (1/i) sum_{i'<=i} x_i')` at `mu x = m_i`.

    Source: prop09.a, p. 18.
    """
    return squared_share(c) * _printed_mean_below(c, c.midpoint(c.i))


def printed_below_weight_at_left_end(c: Case[N]) -> N:
    """`(mu i^2/n^2)(x - (1/i) sum_{i'<=i} x_i')` at `x = x_i`.

    Source: prop09.a, p. 18.
    """
    return squared_share(c) * c.mu * sum_below(c, c.i) / c.i


def below_weight_floor(c: Case[N]) -> N:
    """`(mu i/n^2) sum_{i'<i} (x_i - x_i')`.

    Source: prop09.a, p. 18.
    """
    return c.i * c.mu * sum_below(c, c.i) / (c.n * c.n)


def above_weight(c: Case[N]) -> N:
    """`pi^+(y) = P(mu U > y) E[(mu U - y)_+]` for `mu x_i <= y < mu x_{i+1}`.

    Source: D-pi, pp. 6-7.
    """
    return _above_weight(c, c.point)


def above_weight_at_midpoint(c: Case[N]) -> N:
    """`pi^+(m_i)`."""
    return _above_weight(c, c.midpoint(c.i))


def above_weight_at_right_end(c: Case[N]) -> N:
    """`pi^+(mu x_{i+1}) = (mu (n-i-1)/n^2) sum_{i'>i+1} (x_i' - x_{i+1})`: x_{i+1} drops out."""
    return (c.n - c.i - 1) * c.mu * sum_above(c, c.i + 1) / (c.n * c.n)


def printed_above_weight(c: Case[N]) -> N:
    """`(mu (n-i)^2/n^2)((1/(n-i)) sum_{i'>i} x_i' - x)` with `x = y/mu`.

    Source: prop09.b, p. 18.
    """
    return _printed_above_weight(c, c.point)


def printed_above_weight_at_midpoint(c: Case[N]) -> N:
    """`(mu (n-i)^2/n^2)((1/(n-i)) sum_{i'>i} x_i' - x)` at `mu x = m_i`.

    Source: prop09.b, p. 18.
    """
    return _printed_above_weight(c, c.midpoint(c.i))


def printed_above_weight_at_right_end(c: Case[N]) -> N:
    """`(mu (n-i)^2/n^2)((1/(n-i)) sum_{i'>i} x_i' - x)` at `x = x_{i+1}`.

    Source: prop09.b, p. 18.
    """
    return above_weight_floor(c)


def above_weight_floor(c: Case[N]) -> N:
    """`(mu (n-i)/n^2) sum_{i'>i+1} (x_i' - x_{i+1})`.

    Source: prop09.b, p. 18.
    """
    return (c.n - c.i) * c.mu * sum_above(c, c.i + 1) / (c.n * c.n)


# Proposition 9, the bound.


def gap_probability(c: Case[N]) -> N:
    """`P(mu (x_i - x) < sigma z < mu (x_{i+1} - x))`, z standard normal, `x = y/mu`.

    Source: prop09.c, p. 19.
    """
    return _normal_mass(c, c.mu * c.x(c.i) - c.point, c.mu * c.x(c.i + 1) - c.point)


def half_gap_probability(c: Case[N]) -> N:
    """`P(0 < sigma z < mu (x_{i+1} - x_i))`, z standard normal.

    Source: prop09.d, p. 19.
    """
    zero = c.ns.constant(0)
    return _normal_mass(c, zero, c.mu * (c.x(c.i + 1) - c.x(c.i)))


def gap_decay_margin(c: Case[N]) -> N:
    """`left - right` of prop09.d's second part: `exp(-u^2/2) - erfc(u/sqrt 2)/2` for gap u."""
    ns, ratio = c.ns, c.mu * (c.x(c.i + 1) - c.x(c.i)) / c.sigma
    return ns.exp(-power(ratio, 2) / 2) - ns.erfc(ratio / ns.root(ns.constant(2), 2)) / 2


def gap_decay_floor(c: Case[N]) -> N:
    """`1/2 - exp(-mu^2 (x_i - x_{i+1})^2/(2 sigma^2))`.

    Source: prop09.d, p. 19.
    """
    ratio = c.mu * (c.x(c.i + 1) - c.x(c.i)) / c.sigma
    return (1 - 2 * c.ns.exp(-power(ratio, 2) / 2)) / 2


def weight_floor_by_sums(c: Case[N]) -> N:
    """Printed lower bound of pi by the two sums.

    `(mu/n^2) min{i sum_{i'<i} (x_i - x_i'), (n-i) sum_{i'>i+1} (x_i' - x_{i+1})}
    P(mu (x_i - x) < sigma z < mu (x_{i+1} - x))`.

    Source: prop09.c, p. 19.
    """
    if c.i == 1 or c.i == c.n - 1:
        return c.ns.constant(0)  # one of the two sums is empty
    lower = smaller(c, below_weight_floor(c), above_weight_floor(c))
    return lower * gap_probability(c)


def distances_below(c: Case[N]) -> N:
    """`sum_{i'<i} (x_i - x_i')`.

    Source: prop09.e, p. 19.
    """
    return sum_below(c, c.i)


def spacings_below(c: Case[N]) -> N:
    """`(i(i-1)/2) Delta`.

    Source: prop09.e, p. 19.
    """
    return c.i * (c.i - 1) // 2 * c.spacing


def distances_above(c: Case[N]) -> N:
    """`sum_{i'>i} (x_i' - x_i)`.

    Source: prop09.e, p. 19.
    """
    return sum_above(c, c.i)


def spacings_above(c: Case[N]) -> N:
    """`((n-i)(n-i+1)/2) Delta`.

    Source: prop09.e, p. 19.
    """
    return (c.n - c.i) * (c.n - c.i + 1) // 2 * c.spacing


def distances_above_next(c: Case[N]) -> N:
    """`sum_{i'>i+1} (x_i' - x_{i+1})`, the sum of prop09.b and prop09.c."""
    return sum_above(c, c.i + 1)


def spacings_above_next(c: Case[N]) -> N:
    """`((n-i)(n-i-1)/2) Delta`, what the sum of prop09.b and prop09.c is at least."""
    return (c.n - c.i) * (c.n - c.i - 1) // 2 * c.spacing


def distances_below_margin(c: Case[N]) -> N:
    """`sum_{i'<i} (x_i - x_i') - (i(i-1)/2) Delta = sum_{g<i} g (gap_g - Delta)`."""
    count = c.ns.constant(np.arange(1, c.i))
    return c.ns.sum(count * c.gap_excesses[: c.i - 1])


def distances_above_margin(c: Case[N]) -> N:
    """`sum_{i'>i} (x_i' - x_i) - ((n-i)(n-i+1)/2) Delta = sum_{g>=i} (n-g)(gap_g - Delta)`."""
    return _excess_above(c, c.i)


def distances_above_next_margin(c: Case[N]) -> N:
    """`sum_{i'>i+1} (x_i' - x_{i+1}) - ((n-i)(n-i-1)/2) Delta`, the same from `i + 1` on."""
    return _excess_above(c, c.i + 1)


def negative_spread(c: Case[N]) -> N:
    """`mu (x_1 - x_n)`.

    Source: prop09.f, p. 19, with its sign.
    """
    return c.mu * (c.x(1) - c.x(c.n))


def scaled_mean_below(c: Case[N]) -> N:
    """`mu E[x - U | U < x]`, a mean over the first i points.

    Source: prop09.f, p. 19.
    """
    return c.mu * (c.ns.sum(c.point / c.mu - c.sample.points[: c.i]) / c.i)


def quarter_place(c: Case[N]) -> N:
    """`mu (3 x_i + x_{i+1})/4`."""
    return c.mu * (3 * c.x(c.i) + c.x(c.i + 1)) / 4


def middle_place(c: Case[N]) -> N:
    """`m_i`."""
    return c.midpoint(c.i)


def three_quarter_place(c: Case[N]) -> N:
    """`mu (x_i + 3 x_{i+1})/4`."""
    return c.mu * (c.x(c.i) + 3 * c.x(c.i + 1)) / 4


def repaired_weight_floor(c: Case[N]) -> N:
    """The bound of proposition 9 with its last factor repaired.

    `(mu/n^2)(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta`.
    """
    factor = repaired_factor(c.n, c.i)
    return c.mu * c.spacing * factor * half_less_decay(c) / (2 * c.n * c.n)


def noised_weight(c: Case[N]) -> N:
    """`min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+])`, Y a noised point."""
    value: N = c.quantities("weight_noised")(c.point)
    return value


def noised_weight_floor(c: Case[N]) -> N:
    """`(mu/(2 n^2)) min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta`."""
    return c.mu * c.spacing * repaired_factor(c.n, c.i) / (4 * c.n * c.n)


def weight_at_first_mean(c: Case[N]) -> N:
    """`pi(mu x_1)`, the limit of pi from inside."""
    return c.weight(c.mu * c.x(1))


def weight_at_last_mean(c: Case[N]) -> N:
    """`pi(mu x_n)`, the limit of pi from inside."""
    return c.weight(c.mu * c.x(c.n))


# Theorem 4.


def inverse_spacing_decay(c: Case[N]) -> N:
    """`exp(mu^2 Delta^2/(4 sigma^2))`."""
    return c.ns.exp(power(bounds.spacing_ratio(c), 2) / 4)


def sixteen_cubes(c: Case[N]) -> N:
    """`16 n^3`."""
    return c.ns.constant(16 * c.n**3)


def slope_changes_by_least_weight(c: Case[N]) -> N:
    """`sum_i min pi (|s*'(m_i) - s*'(mu x_i)| + |s*'(m_i) - s*'(mu x_{i+1})|)`, min over the gap.

    Source: thm04.a, p. 8.
    """
    least = c.quantities("least_weight")
    total = c.ns.constant(0)
    for index in range(1, c.n):
        low, high = c.mu * c.x(index), c.mu * c.x(index + 1)
        middle = c.posterior_variance(c.midpoint(index))
        jumps = c.ns.absolute(middle - c.posterior_variance(low))
        jumps = jumps + c.ns.absolute(middle - c.posterior_variance(high))
        total = total + least(low, high) * jumps
    return score_scale(c) * total


def printed_gap_sum(c: Case[N]) -> N:
    """Lower bound of the sum of thm04.a by proposition 9 and corollary 3.

    `sum_i (mu/n^2)(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) min(i^2(i-1)/2, (n-i)^2(n-i+1)/2)
    Delta * 2 (mu^2/sigma^4)((x_i-x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))`.

    Source: thm04.b, p. 8.
    """
    return _gap_sum(c, [printed_factor(c.n, index) for index in range(1, c.n)])


def repaired_gap_sum(c: Case[N]) -> N:
    """The sum of thm04.b with `(n-i)^2 (n-i-1)/2`, the factor of prop09a.r1."""
    return _gap_sum(c, [repaired_factor(c.n, index) for index in range(1, c.n)])


def index_now(c: Case[N]) -> N:
    """`i`, as a number."""
    return c.ns.constant(c.i)


def first_inner_index(c: Case[N]) -> N:
    """`ceil(n/4) + 1`.

    Source: thm04.c, p. 8.
    """
    return c.ns.constant(_inner_range(c.n)[0])


def last_inner_index(c: Case[N]) -> N:
    """`floor(3n/4) - 1`.

    Source: thm04.c, p. 8.
    """
    return c.ns.constant(_inner_range(c.n)[1])


def halved_factor(c: Case[N]) -> N:
    """`min(i^2 (i-1)/2, (n-i)^2 (n-i+1)/2)`.

    Source: thm04.c, p. 8.
    """
    return c.ns.constant(printed_factor(c.n, c.i)) / 2


def repaired_halved_factor(c: Case[N]) -> N:
    """`min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2)`."""
    return c.ns.constant(repaired_factor(c.n, c.i)) / 2


def cube_share(c: Case[N]) -> N:
    """`n^3/128`.

    Source: thm04.c, p. 8.
    """
    return c.ns.constant(c.n**3) / 128


def inner_count(c: Case[N]) -> N:
    """Number of integers from `ceil(n/4) + 1` to `floor(3n/4) - 1`, both included."""
    return c.ns.constant(_inner_count(c.n))


def quarter_size(c: Case[N]) -> N:
    """`n/4`.

    Source: thm04.d, p. 8.
    """
    return c.ns.constant(c.n) / 4


def sample_size(c: Case[N]) -> N:
    """`n`, as a number."""
    return c.ns.constant(c.n)


def ten(c: Case[N]) -> N:
    """The number 10."""
    return c.ns.constant(10)


def inner_sum(c: Case[N]) -> N:
    """Lower bound of TV(s*) by the inner indices.

    `sum_i (mu^3 n Delta/(64 sigma^4))(1/2 - exp(-mu^2 Delta^2/(2 sigma^2)))
    (Delta^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))`, i over the inner indices.

    Source: thm04.d2, p. 8.
    """
    bracket = 1 / c.ns.constant(2 * c.n) - 4 * c.n * c.n * spacing_decay(c, 4)
    scale = c.n * power(c.mu * c.spacing, 3) / (64 * power(c.sigma, 4))
    return _inner_count(c.n) * scale * half_less_decay(c) * bracket


def two_brackets(c: Case[N]) -> N:
    """Lower bound of TV(s*) with two brackets.

    `(mu^3 n Delta^3/(256 sigma^4))(1/2 - exp(-mu^2 Delta^2/(2 sigma^2)))
    (1/2 - 4 n^3 exp(-mu^2 Delta^2/(4 sigma^2)))`.

    Source: thm04.e, p. 8.
    """
    bracket = (1 - 8 * c.n**3 * spacing_decay(c, 4)) / 2
    return _cubed_scale(c) * half_less_decay(c) * bracket


def two_quarters(c: Case[N]) -> N:
    """`(mu^3 n Delta^3/(256 sigma^4))(1/2 - 1/4)(1/2 - 1/4)`.

    Source: thm04.e, p. 8.
    """
    return _cubed_scale(c) / 16


def inner_sum_margin(c: Case[N]) -> N:
    """`left - right` of thm04.e's first inequality: `(4 count/n - 1)` times its right side."""
    return (4 * _inner_count(c.n) - c.n) * two_brackets(c) / c.n


def time(c: Case[N]) -> N:
    """`t`."""
    value: N = c.parameter("t")
    return value


def small_time(c: Case[N]) -> N:
    """`1/5`, the reading of "small t"."""
    return c.ns.constant(1) / 5


def diffusion_scale(c: Case[N]) -> N:
    """`mu^3/sigma^4` with `mu = exp(-t)`, `sigma^2 = 1 - exp(-2 t)`.

    Source: thm04.f, p. 9.
    """
    return c.ns.exp(-3 * time(c)) / power(c.ns.expm1(-2 * time(c)), 2)


def inverse_square_time(c: Case[N]) -> N:
    """`1/(8 t^2)`.

    Source: thm04.f, p. 9.
    """
    return 1 / (8 * power(time(c), 2))


def _mean_below(c: Case[N], y: N) -> N:
    share = c.ns.constant(c.i) / c.n
    return c.ns.sum((y - c.mu * c.sample.points[: c.i]) / c.n) / share


def _printed_mean_below(c: Case[N], y: N) -> N:
    return c.mu * (y / c.mu - c.ns.sum(c.sample.points[: c.i]) / c.i)


def _below_weight(c: Case[N], y: N) -> N:
    share = c.ns.constant(c.i) / c.n
    return share * c.ns.sum((y - c.mu * c.sample.points[: c.i]) / c.n)


def _above_weight(c: Case[N], y: N) -> N:
    share = c.ns.constant(c.n - c.i) / c.n
    return share * c.ns.sum((c.mu * c.sample.points[c.i :] - y) / c.n)


def _printed_above_weight(c: Case[N], y: N) -> N:
    rest = c.n - c.i
    mean = c.ns.sum(c.sample.points[c.i :]) / rest
    return rest * rest * c.mu * (mean - y / c.mu) / (c.n * c.n)


def _normal_mass(c: Case[N], low: N, high: N) -> N:
    """`P(low < sigma z < high)` for `low <= 0 <= high`, z standard normal."""
    ends = c.ns.constant(np.array([1, 0])) * low + c.ns.constant(np.array([0, 1])) * high
    _, mass, _, _ = c.ns.normal_pieces((ends / c.sigma)[None, :], np.array([1]))
    return mass[0][1]


def _excess_above(c: Case[N], index: int) -> N:
    count = c.ns.constant(np.arange(1, c.n)[index - 1 :])
    return c.ns.sum((c.n - count) * c.gap_excesses[index - 1 :])


def _gap_sum(c: Case[N], factors: list[int]) -> N:
    gaps = c.sample.points[1:] - c.sample.points[: c.n - 1]
    tail = 4 * c.n * c.n * power(c.spacing, 2) * spacing_decay(c, 4)
    jumps = power(gaps, 2) / (2 * c.n) - tail
    total = c.ns.sum(c.ns.constant(factors) * jumps)
    return score_scale(c) * c.mu * c.spacing * half_less_decay(c) * total / (c.n * c.n)


def _inner_range(size: int) -> tuple[int, int]:
    """`ceil(n/4) + 1` and `floor(3n/4) - 1`."""
    return -(-size // 4) + 1, 3 * size // 4 - 1


def _inner_count(size: int) -> int:
    first, last = _inner_range(size)
    return max(0, last - first + 1)


def _cubed_scale(c: Case[N]) -> N:
    return c.n * power(c.mu * c.spacing, 3) / (256 * power(c.sigma, 4))

"""The two sides of the paper's claims, exactly as printed, errors included.

| letter | here | meaning |
|---|---|---|
| Delta | `spacing` | smallest gap of the sample |
| kappa | `spacing_ratio` | mu Delta / sigma |
| m_i | `midpoint` | mu (x_i + x_{i+1}) / 2 |
| e_i(y) | `kernels` | exp(-(y - mu x_i)^2 / (2 sigma^2)) |
| M_k(y) | `moment_sum` | sum_i x_i^k e_i(y) |
| A | `bound` | bound on outer weights |
| eta | `learning_rate` | step size over m |

Every function takes a case and returns one value of its number system. Where a side is a small
difference of larger numbers it is written in a form that does not cancel; the value is the same.
The last section holds margins, `left - right` of an inequality that touches equality, as sums of
terms of one sign.
"""

from __future__ import annotations

import numpy as np

from dsmverify.formulas.case import Case
from dsmverify.numbers import Integers, N

# Pieces that several claims share.


def power(x: N, exponent: int) -> N:
    """`x^exponent`, exponent a positive integer."""
    value = x
    for _ in range(exponent - 1):
        value = value * x
    return value


def zero(c: Case[N]) -> N:
    """The number 0."""
    return c.ns.constant(0)


def one(c: Case[N]) -> N:
    """The number 1."""
    return c.ns.constant(1)


def spacing(c: Case[N]) -> N:
    """`Delta`."""
    return c.spacing


def spacing_ratio(c: Case[N]) -> N:
    """`kappa = mu Delta / sigma`."""
    return c.mu * c.spacing / c.sigma


def spacing_decay(c: Case[N], divisor: int) -> N:
    """`exp(-mu^2 Delta^2 / (divisor sigma^2))`."""
    return c.ns.exp(-power(spacing_ratio(c), 2) / divisor)


def spread(c: Case[N]) -> N:
    """`x_n - x_1`."""
    return c.x(c.n) - c.x(1)


def score_scale(c: Case[N]) -> N:
    """`mu^2 / sigma^4`."""
    return power(c.mu, 2) / power(c.sigma, 4)


def sigma(c: Case[N]) -> N:
    """`sigma`."""
    return c.sigma


def learning_rate(c: Case[N]) -> N:
    """`eta`."""
    return c.learning_rate


# Values that the engine certifies.


def risk(c: Case[N]) -> N:
    """`R_n(theta)`, eq. 5."""
    return c.quantity("risk")


def risk_empirical_score(c: Case[N]) -> N:
    """`R_n(s*)`."""
    return c.quantity("risk_empirical_score")


def excess_risk(c: Case[N]) -> N:
    """`R_n(theta) - R_n(s*)`."""
    return c.quantity("excess_risk")


def squared_distance(c: Case[N]) -> N:
    """`(1/n) sum_i E_{Y ~ N(mu x_i, sigma^2)}[(s_theta(Y) - s*(Y))^2]`."""
    return c.quantity("squared_distance")


def batch_risk_mean_sum(c: Case[N]) -> N:
    """`E[Rhat_j(theta)]` with the batch loss a sum over the batch, as printed."""
    return c.quantity("batch_risk_mean@sum")


def batch_risk_mean_mean(c: Case[N]) -> N:
    """`E[Rhat_j(theta)]` with the batch loss a mean over the batch."""
    return c.quantity("batch_risk_mean@mean")


def tv_network(c: Case[N]) -> N:
    """`TV(s_theta) = int |s_theta''| pi`."""
    return c.quantity("tv_network")


def tv_empirical_score(c: Case[N]) -> N:
    """`TV(s*) = int |s*''| pi`."""
    return c.quantity("tv_empirical_score")


def curvature_mass(c: Case[N]) -> N:
    """`int_R |s*''(y)| dy`."""
    return c.quantity("curvature_mass")


def hessian(c: Case[N]) -> N:
    """`hess R_n(theta)`, from the derivation."""
    return c.quantity("hessian")


def printed_hessian(c: Case[N]) -> N:
    """`hess R_n(theta)`, as eqs. 15-16 print it."""
    return c.quantity("printed_hessian")


def hessian_lambda_max(c: Case[N]) -> N:
    """`lambda_max(hess R_n(theta))`."""
    return c.quantity("hessian_lambda_max")


def ntk_lambda_max(c: Case[N]) -> N:
    """`lambda_max((1/n) sum_i E[grad s_theta(Y) grad s_theta(Y)^T])`."""
    return c.quantity("ntk_lambda_max")


# Sections 2 and 3: the empirical score.


def kernels(c: Case[N]) -> N:
    """`e_i(y) = exp(-(y - mu x_i)^2 / (2 sigma^2))`, as printed, not scaled. `[n]`.

    Source: eq. 6, p. 4.
    """
    distance = c.point - c.mu * c.sample.points
    return c.ns.exp(-power(distance, 2) / (2 * power(c.sigma, 2)))


def printed_score(c: Case[N]) -> N:
    """`sum_i (mu x_i - y) e_i(y) / (sigma^2 sum_i e_i(y))`.

    Source: eq. 6, p. 4.
    """
    weights = kernels(c)
    pulls = (c.mu * c.sample.points - c.point) * weights
    return c.ns.sum(pulls) / (power(c.sigma, 2) * c.ns.sum(weights))


def empirical_score(c: Case[N]) -> N:
    """`s*(y)`, in the form that the engine evaluates everywhere."""
    return c.score(c.point)


def risk_of_zero(c: Case[N]) -> N:
    """`R_n(0) = E[(xi / sigma)^2] = 1 / sigma^2`, the risk of the zero function.

    Source: D-risk, eq. 5.
    """
    return 1 / power(c.sigma, 2)


def posterior_mean(c: Case[N]) -> N:
    """`E[W(y)]`, which is `E[X | Y = y]`."""
    return c.posterior_mean(c.point)


def tweedie_mean(c: Case[N]) -> N:
    """`(y + sigma^2 (log p)'(y)) / mu`, with `(log p)' = p'/p` by explicit sums over the mixture.

    Source: p. 4.
    """
    weights = kernels(c)
    variance = power(c.sigma, 2)
    slopes = (c.mu * c.sample.points - c.point) / variance * weights
    return (c.point + variance * (c.ns.sum(slopes) / c.ns.sum(weights))) / c.mu


def score_from_mean(c: Case[N]) -> N:
    """`(-y + mu E[W(y)]) / sigma^2`.

    Source: eq. 9, p. 7.
    """
    return (c.mu * c.posterior_mean(c.point) - c.point) / power(c.sigma, 2)


def slope_from_variance(c: Case[N]) -> N:
    """`(-1 + (mu^2/sigma^2) V[W(y)]) / sigma^2`.

    Source: eq. 9, p. 7; lemma 11, p. 32.
    """
    variance = power(c.sigma, 2)
    return (power(c.mu, 2) / variance * c.posterior_variance(c.point) - 1) / variance


def curvature_from_third_moment(c: Case[N]) -> N:
    """`(mu^3/sigma^6) E[(W(y) - E[W(y)])^3]`.

    Source: lemma 11, p. 32.
    """
    scale = power(c.mu, 3) / power(c.sigma, 6)
    return scale * c.posterior_third_moment(c.point)


def moment_sum(c: Case[N], order: int) -> N:
    """`M_k(y) = sum_i x_i^k e_i(y)`, k from 0."""
    weights = kernels(c)
    if order == 0:
        return c.ns.sum(weights)
    return c.ns.sum(power(c.sample.points, order) * weights)


def moment_sum_slope(c: Case[N], order: int) -> N:
    """`M_k' = (mu M_{k+1} - y M_k) / sigma^2`."""
    rise = c.mu * moment_sum(c, order + 1) - c.point * moment_sum(c, order)
    return rise / power(c.sigma, 2)


def moment_sum_curvature(c: Case[N], order: int) -> N:
    """`M_k'' = (mu M_{k+1}' - M_k - y M_k') / sigma^2`."""
    rise = c.mu * moment_sum_slope(c, order + 1) - c.point * moment_sum_slope(c, order)
    return (rise - moment_sum(c, order)) / power(c.sigma, 2)


def differentiated_score(c: Case[N]) -> N:
    """`s*'(y)` by the quotient rule from `s* = (mu M_1/M_0 - y) / sigma^2`.

    Source: eq. 6, p. 4, differentiated once.
    """
    mass = moment_sum(c, 0)
    cross = moment_sum_slope(c, 1) * mass - moment_sum(c, 1) * moment_sum_slope(c, 0)
    return (c.mu * cross / power(mass, 2) - 1) / power(c.sigma, 2)


def twice_differentiated_score(c: Case[N]) -> N:
    """`s*''(y)` by the quotient rule from `s* = (mu M_1/M_0 - y) / sigma^2`.

    Source: eq. 6, p. 4, differentiated twice.
    """
    mass, first = moment_sum(c, 0), moment_sum(c, 1)
    mass_slope = moment_sum_slope(c, 0)
    cross = moment_sum_slope(c, 1) * mass - first * mass_slope
    cross_slope = moment_sum_curvature(c, 1) * mass - first * moment_sum_curvature(c, 0)
    ratio_curvature = (cross_slope - 2 * mass_slope * cross / mass) / power(mass, 2)
    return c.mu * ratio_curvature / power(c.sigma, 2)


# Proposition 2 and corollary 3.


def two_noise_levels(c: Case[N]) -> N:
    """`2 sigma / mu`, the spacing that proposition 2 asks for."""
    return 2 * c.sigma / c.mu


def quarter_below_mean(c: Case[N]) -> N:
    """`mu x_i - (mu/4) Delta`."""
    return c.mu * c.x(c.i) - c.mu * c.spacing / 4


def quarter_above_mean(c: Case[N]) -> N:
    """`mu x_i + (mu/4) Delta`."""
    return c.mu * c.x(c.i) + c.mu * c.spacing / 4


def variance_at_midpoint(c: Case[N]) -> N:
    """`V[W(m_i)]`."""
    return c.posterior_variance(c.midpoint(c.i))


def squared_gap_share(c: Case[N]) -> N:
    """`(x_i - x_{i+1})^2 / (2n)`.

    Source: prop02a, p. 7.
    """
    return power(c.x(c.i) - c.x(c.i + 1), 2) / (2 * c.n)


def mean_distance(c: Case[N]) -> N:
    """`|E[W(y)] - x_i|`."""
    return c.ns.absolute(c.posterior_offset(c.point, c.i))


def mean_distance_bound(c: Case[N]) -> N:
    """`n Delta exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02b, p. 7.
    """
    return c.n * c.spacing * spacing_decay(c, 4)


def variance(c: Case[N]) -> N:
    """`V[W(y)]`."""
    return c.posterior_variance(c.point)


def variance_bound(c: Case[N]) -> N:
    """`4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: prop02c, p. 7.
    """
    return 4 * c.n * c.n * power(c.spacing, 2) * spacing_decay(c, 4)


def left_point(c: Case[N]) -> N:
    """`x_i`."""
    return c.x(c.i)


def right_point(c: Case[N]) -> N:
    """`x_{i+1}`."""
    return c.x(c.i + 1)


def left_mean(c: Case[N]) -> N:
    """`mu x_i`."""
    return c.mu * c.x(c.i)


def right_mean(c: Case[N]) -> N:
    """`mu x_{i+1}`."""
    return c.mu * c.x(c.i + 1)


def lowest_mean(c: Case[N]) -> N:
    """`mu x_1`."""
    return c.mu * c.x(1)


def highest_mean(c: Case[N]) -> N:
    """`mu x_n`."""
    return c.mu * c.x(c.n)


def slope_jump(c: Case[N]) -> N:
    """`|s*'(y) - s*'(m_i)| = (mu^2/sigma^4) |V[W(y)] - V[W(m_i)]|`."""
    return score_scale(c) * c.ns.absolute(variance(c) - variance_at_midpoint(c))


def slope_jump_bound(c: Case[N]) -> N:
    """`(mu^2/sigma^4) ((x_i - x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))`.

    Source: cor03a, p. 7.
    """
    return score_scale(c) * (squared_gap_share(c) - variance_bound(c))


def empirical_risk_bound(c: Case[N]) -> N:
    """`(4 mu^2 (x_n - x_1)^2 / sigma^4) exp(-mu^2 Delta^2/(32 sigma^2))`.

    Source: cor03b, eq. 10, p. 7.
    """
    return 4 * score_scale(c) * power(spread(c), 2) * spacing_decay(c, 32)


def overlap_risk_bound(c: Case[N]) -> N:
    """`(5 mu^2 Delta^2 / (2 sigma^4)) exp(-mu^2 Delta^2/(8 sigma^2))`.

    Source: cor03b, eq. 10, p. 7, sharpened.
    """
    return 5 * score_scale(c) * power(spacing(c), 2) * spacing_decay(c, 8) / 2


# Theorem 4, propositions 6, 7 and 10, theorem 8.


def scaled_spacing_decay(c: Case[N]) -> N:
    """`16 n^3 exp(-mu^2 Delta^2/(4 sigma^2))`.

    Source: thm04, p. 8.
    """
    return 16 * c.n**3 * spacing_decay(c, 4)


def tv_empirical_score_bound(c: Case[N]) -> N:
    """`mu^3 n Delta^3 / (2^12 sigma^4)`.

    Source: thm04, p. 8.
    """
    return c.n * power(c.mu * c.spacing, 3) / (2**12 * power(c.sigma, 4))


def sharpness_ceiling(c: Case[N]) -> N:
    """`2 / (m eta)`.

    Source: eq. 8, p. 6.
    """
    return 2 / (c.m * c.learning_rate)


def risk_terms(c: Case[N]) -> N:
    """What proposition 6 adds to its first term.

    `sqrt(R_n)/2 + (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n), (sqrt(2 pi e) A sigma n R_n)^(1/3))`.

    Source: prop06a, p. 9.
    """
    ns, r = c.ns, risk(c)
    e = ns.exp(one(c))
    by_square = ns.root(2 * c.n * r, 2)
    by_cube = ns.root(ns.root(2 * ns.pi * e, 2) * c.bound * c.sigma * (c.n * r), 3)
    scale = c.bound / (ns.root(2 * ns.pi, 2) * c.sigma)
    return ns.root(r, 2) / 2 + scale * ns.maximum(by_square, by_cube)


def tv_bound_by_sharpness(c: Case[N]) -> N:
    """`lambda_max(hess R_n) m/4` plus the risk terms.

    Source: prop06a, p. 9.
    """
    return hessian_lambda_max(c) * c.m / 4 + risk_terms(c)


def tv_bound_by_learning_rate(c: Case[N]) -> N:
    """`1/(2 eta)` plus the risk terms.

    Source: prop06b, p. 9.
    """
    return 1 / (2 * c.learning_rate) + risk_terms(c)


def eight_noise_levels(c: Case[N]) -> N:
    """`8 sigma / mu`, the spacing that proposition 7 asks for."""
    return 8 * c.sigma / c.mu


def small_risk(c: Case[N]) -> N:
    """`1 / (16 n sigma^2)`.

    Source: prop07, p. 10.
    """
    return 1 / (16 * c.n * power(c.sigma, 2))


def tv_network_bound(c: Case[N]) -> N:
    """`mu n^2 Delta / (2^11 sigma^2)`.

    Source: prop07, p. 10.
    """
    return c.n * c.n * c.mu * c.spacing / (2**11 * power(c.sigma, 2))


def noise_threshold(c: Case[N]) -> N:
    """`sigma_0`.

    Source: thm08, pp. 10 and 32.
    """
    return c.quantity("sigma_0")


def learning_rate_threshold(c: Case[N]) -> N:
    """`2^12 sigma^2 / (mu n^2 Delta)`.

    Source: thm08, p. 10.
    """
    return 2**12 * power(c.sigma, 2) / (c.n * c.n * c.mu * c.spacing)


def excess_risk_bound(c: Case[N]) -> N:
    """`pi n^5 mu^3 Delta^3 / (2^36 e^(1/2) A^4 sigma^4)`.

    Source: thm08, p. 10.
    """
    weight = c.ns.pi * c.n**5 * power(c.mu * c.spacing, 3)
    return weight / (2**36 * c.ns.exp(one(c) / 2) * power(c.bound * c.sigma, 4))


def doubled_tv_per_neuron(c: Case[N]) -> N:
    """`(2/m) int |s_theta''(y)| pi(y) dy`.

    Source: prop10, p. 20.
    """
    return 2 * tv_network(c) / c.m


# Proposition 9: the weight pi.


def weight(c: Case[N]) -> N:
    """`pi(y)`."""
    return c.weight(c.point)


def weight_floor(c: Case[N]) -> N:
    """Printed lower bound of `pi` between two successive means.

    `(mu/n^2) (1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) min(i^2 (i-1)/2, (n-i)^2 (n-i+1)/2) Delta`.

    Source: prop09a, p. 18.
    """
    left, right = c.i, c.n - c.i
    halved = min(left**2 * (left - 1), right**2 * (right + 1))
    return c.mu * c.spacing * halved * (1 - 2 * spacing_decay(c, 2)) / (4 * c.n * c.n)


def weight_ceiling(c: Case[N]) -> N:
    """`mu (x_n - x_1)`.

    Source: prop09b, p. 18.
    """
    return c.mu * spread(c)


# Lemmas 12, 13 and 14.


def curvature_mass_bound(c: Case[N]) -> N:
    """`(4 mu^2 (x_n-x_1)^3/sigma^6) (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1) sigma^2/Delta)`.

    Source: lemma 12, p. 34.
    """
    ns = c.ns
    reach = ns.maximum(c.x(c.n), zero(c)) + ns.maximum(-c.x(1), zero(c))
    tails = 2 * (c.n - 1) * power(c.sigma, 2) / c.spacing
    scale = 4 * power(c.mu, 2) * power(spread(c), 3) / power(c.sigma, 6)
    return scale * (power(c.mu, 2) * reach + tails)


def gaussian_power(c: Case[N], quarters: int) -> N:
    """`f_k(x) = x^k exp(-A x^2/2)` at `x = (quarters/4) sqrt(k/A)`.

    Source: lemma 13, p. 35.
    """
    k: int = c.parameter("k")
    rate = c.parameter("A")
    x = quarters * c.ns.root(k / rate, 2) / 4
    return power(x, k) * c.ns.exp(-rate * power(x, 2) / 2)


def decay_rate(c: Case[N]) -> N:
    """`A` of lemma 13."""
    value: N = c.parameter("A")
    return value


def beta(c: Case[N]) -> N:
    """`beta` of lemma 14."""
    value: N = c.parameter("beta")
    return value


def gamma(c: Case[N]) -> N:
    """`gamma` of lemma 14."""
    value: N = c.parameter("gamma")
    return value


def half_width(c: Case[N]) -> N:
    """`delta` of lemma 14."""
    value: N = c.parameter("delta")
    return value


def tilted_risk(c: Case[N]) -> N:
    """`E_{x ~ N(0, sigma^2)}[(f(x) + beta x)^2]`."""
    return c.quantity("truncated_risk")


def truncated_square(c: Case[N]) -> N:
    """`((beta-gamma)^2/sqrt(2 pi sigma^2)) int_{-delta}^{delta} x^2 exp(-x^2/(2 sigma^2)) dx`.

    In closed form, with u = delta/sigma:
    `sigma^2 (beta-gamma)^2 (1 - erfc(u/sqrt 2) - (2u/sqrt(2 pi)) exp(-u^2/2))`.

    Source: lemma 14, p. 36 (derivations/truncated_moments.py).
    """
    ns = c.ns
    u = half_width(c) / c.sigma
    inside = 1 - ns.erfc(u / ns.root(ns.constant(2), 2))
    edge = 2 * u / ns.root(2 * ns.pi, 2) * ns.exp(-power(u, 2) / 2)
    return power(c.sigma * (beta(c) - gamma(c)), 2) * (inside - edge)


def truncated_square_floor(c: Case[N]) -> N:
    """`sigma^2 (beta-gamma)^2 (1 - 2 (delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2)))`.

    Source: lemma 14, p. 36.
    """
    ns = c.ns
    u = half_width(c) / c.sigma
    lost = 2 * (u / ns.root(2 * ns.pi, 2) + 1) * ns.exp(-power(u, 2) / 2)
    return power(c.sigma * (beta(c) - gamma(c)), 2) * (1 - lost)


# Margins: left - right, where the two sides touch or nearly touch.


def midpoint_variance_margin(c: Case[N]) -> N:
    """`V[W(m_i)] - (x_i - x_{i+1})^2/(2n)`, each term non-negative and none at n = 2.

    With `r_j = alpha_j(m_i)/alpha_i(m_i) = exp(-mu^2 (x_j - x_i)(x_j - x_{i+1})/(2 sigma^2)) <= 1`,
    `d_j = x_j - m_i/mu`, `S = 2 + sum_j r_j`, j over the points other than i and i+1:
    `(x_i - x_{i+1})^2/(2 n S) sum_j (1 - r_j)
    + (2 sum_j r_j d_j^2 + sum_{j<k} r_j r_k (x_j - x_k)^2) / S^2`.

    Source: prop02a, p. 7; the two terms alpha_i = alpha_{i+1} = 1/S are split off V[W(m_i)].
    """
    ns = c.ns
    points = c.sample.points[_others(c.n, c.i)]
    exponent = -power(c.mu / c.sigma, 2) * (points - c.x(c.i)) * (points - c.x(c.i + 1)) / 2
    ratio, missing = ns.exp(exponent), -ns.expm1(exponent)
    distance = points - (c.x(c.i) + c.x(c.i + 1)) / 2
    total = 2 + ns.sum(ratio)
    pairs = ratio[:, None] * ratio[None, :] * power(points[:, None] - points[None, :], 2)
    rest = 2 * ns.sum(ratio * power(distance, 2)) + ns.sum(ns.sum(pairs)) / 2
    return squared_gap_share(c) * ns.sum(missing) / total + rest / power(total, 2)


def slope_jump_margin(c: Case[N]) -> N:
    """A lower bound of `left - right` of cor03a, without cancellation.

    `|V(y) - V(m_i)| >= V(m_i) - V(y)`, so
    `(mu^2/sigma^4) ((V(m_i) - gap^2/(2n)) + (4 n^2 Delta^2 exp(...) - V(y)))`.

    Source: cor03a, p. 7.
    """
    return score_scale(c) * (midpoint_variance_margin(c) + (variance_bound(c) - variance(c)))


def truncated_square_margin(c: Case[N]) -> N:
    """`left - right` of lem14b: `sigma^2 (beta-gamma)^2 (2 exp(-u^2/2) - erfc(u/sqrt 2))`.

    Source: lemma 14, p. 36, with u = delta/sigma.
    """
    ns = c.ns
    u = half_width(c) / c.sigma
    slack = 2 * ns.exp(-power(u, 2) / 2) - ns.erfc(u / ns.root(ns.constant(2), 2))
    return power(c.sigma * (beta(c) - gamma(c)), 2) * slack


def _others(size: int, index: int) -> Integers:
    """Positions, from 0, of the training points other than `index` and the next (from 1)."""
    near = (index - 1, index)
    return np.array([position for position in range(size) if position not in near], dtype=np.intp)

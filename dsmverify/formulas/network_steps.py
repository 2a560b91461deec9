"""The proof steps about networks, exactly as printed, errors included: both sides of each.

| letter | here | meaning |
|---|---|---|
| l | `c.l` | a neuron, in the order of kinks |
| f | `kink_residual` | s_theta(tau_l) + (tau_l - mu x_i)/sigma^2, residual of point i at kink l |
| c, r | `kink_distance`, `reach` | abs(tau_l - mu x_i) and abs(f)/(4A): D is [c - r, c + r] |
| v | | a unit vector, outer weights, then biases |
| xi | `c.point` | the noise, the free point of the steps of proposition 10 |
| kappa | `bounds.spacing_ratio` | mu Delta / sigma |
| J | `spaced_indices` | every second index from 2 to n - 1 |

The third term of the Hessian is D in the page's notation; here `printed_kink_form` has the printed
sign and `kink_form` the derived one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from dsmverify.formulas import bounds, columns, curvature, printed_hessian, risk
from dsmverify.formulas.bounds import power
from dsmverify.formulas.case import Case
from dsmverify.formulas.network import slope_jumps
from dsmverify.formulas.stability import normal_power_moments
from dsmverify.numbers import N, first_members, inverse_order

# Neurons and points.


def kink(c: Case[N]) -> N:
    """`tau_l`."""
    return c.network.kinks[c.l - 1]


def outer_weight(c: Case[N]) -> N:
    """`w2_l`."""
    return c.network.outer[c.network.order[c.l - 1]]


def inner_weight(c: Case[N]) -> N:
    """`w1_l`."""
    return c.network.inner[c.network.order[c.l - 1]]


def kink_residual(c: Case[N]) -> N:
    """`f(tau_l) = s_theta(tau_l) + (tau_l - mu x_i)/sigma^2`."""
    values = c.quantities("pieces").values
    residual: N = values[c.l - 1] + (kink(c) - bounds.left_mean(c)) / power(c.sigma, 2)
    return residual


def kink_distance(c: Case[N]) -> N:
    """`|tau_l - mu x_i|`."""
    return c.ns.absolute(kink(c) - bounds.left_mean(c))


def kink_decay(c: Case[N]) -> N:
    """`exp(-(tau_l - mu x_i)^2/(2 sigma^2))`."""
    return c.ns.exp(-power(kink_distance(c) / c.sigma, 2) / 2)


def unit_density(c: Case[N]) -> N:
    """`sqrt(2 pi)`."""
    return c.ns.root(2 * c.ns.pi, 2)


def minus_one(c: Case[N]) -> N:
    """The number -1."""
    return c.ns.constant(-1)


def risk_times_size(c: Case[N]) -> N:
    """`n R_n(theta)`."""
    return c.n * bounds.risk(c)


def least_bound(c: Case[N]) -> N:
    """`1/sigma^2`, below A in every step that uses A."""
    return 1 / power(c.sigma, 2)


def bound(c: Case[N]) -> N:
    """`A`."""
    return c.bound


def bound_excess(c: Case[N]) -> N:
    """`A - C_n/sigma^6`, exactly 0 where A is that choice."""
    return c.quantity("bound_excess")


def largest(c: Case[N], values: Sequence[N]) -> N:
    """Largest of some numbers."""
    return functools.reduce(c.ns.maximum, values)


# Eqs. 15-16: the Hessian.


def gradient(c: Case[N]) -> N:
    """`grad R_n(theta)`, from the derivation. `[2m]`."""
    return c.quantity("gradient")


def printed_gradient(c: Case[N]) -> N:
    """`(2/n) sum_i E[(s_theta(Y) + (Y - mu x_i)/sigma^2) grad s_theta(Y)]`, piece by piece. `[2m]`.

    On a piece the residual is `level + tilt z`, `phi(y w1 + b) = base + steep z` where a neuron is
    active, and the means are power moments of z on the piece.

    Source: hess15.a, p. 25.
    """
    ns, network, m = c.ns, c.network, c.m
    place = inverse_order(network.order)
    parts = c.quantities("pieces")
    zeros = ns.constant(np.zeros(2 * m, dtype=int))
    total = zeros
    for point in range(c.n):
        mean = c.mu * c.sample.points[point]
        moments = normal_power_moments(ns, (network.kinks - mean) / c.sigma, 2, m)
        for piece in range(m + 1):
            at = piece - 1 if piece else 0
            level = parts.values[at] + parts.slopes[piece] * (mean - network.kinks[at])
            tilt = c.sigma * parts.slopes[piece] + 1 / c.sigma
            active = ns.constant((place < piece) == (network.signs[place] > 0))
            first = level * moments[0][piece] + tilt * moments[1][piece]
            second = level * moments[1][piece] + tilt * moments[2][piece]
            base = network.inner * mean + network.bias
            by_outer = active * (base * first + network.inner * c.sigma * second)
            total = total + ns.concatenate((by_outer, active * network.outer * first)) / m
    return 2 * total / c.n


def hessian_without_kinks(c: Case[N]) -> N:
    """`hess R_n(theta)` with 0 in the place of the diagonal of its bias block. `[2m, 2m]`."""
    return _no_bias_diagonal(c, bounds.hessian(c))


def kernel_and_cross(c: Case[N]) -> N:
    """`(2/n) sum_i E[grad s grad s^T] + (2/n) sum_i M^(i)`, the bias diagonal left out. `[2m, 2m]`.

    With `M_ww = 0` and `M_wb = M_bw = (1/m) diag E[f 1[Y w1 + b >= 0]]`.

    Source: hess15.b, p. 25.
    """
    ns, m = c.ns, c.m
    active = risk.residual_means(ns, c.sample, c.network)[0][inverse_order(c.network.order)]
    rows = np.arange(2 * m)
    is_cross = ns.constant((rows[:, None] % m == rows[None, :] % m) & (rows[:, None] != rows))
    crossing = is_cross * ns.concatenate((active, active)) / m
    kernel: N = c.quantities("tangent_kernel")
    return _no_bias_diagonal(c, 2 * kernel + 2 * crossing)


def _no_bias_diagonal(c: Case[N], matrix: N) -> N:
    rows = np.arange(2 * c.m)
    kept = c.ns.constant((rows[:, None] != rows[None, :]) | (rows[:, None] < c.m))
    return kept * matrix


def kink_entry(c: Case[N]) -> N:
    """`(M_bb^(i))_ll`, derived: `(w2_l/(m |w1_l|)) f(tau_l) p_i(tau_l)`, `p_i` the density of Y.

    Source: derivations/hessian.py.
    """
    density = kink_decay(c) / (unit_density(c) * c.sigma)
    scale = outer_weight(c) / (c.m * c.ns.absolute(inner_weight(c)))
    return scale * kink_residual(c) * density


def printed_rising_entry(c: Case[N]) -> N:
    """`-(1/(sqrt(2 pi) m sigma)) w2_l (s_theta(-b_l) + (-b_l - mu x_i)/sigma^2) exp(..)`.

    The exponent is `-(-b_l - mu x_i)^2/(2 sigma^2)`; `-b_l` is the kink of a neuron with w1 = +1.

    Source: hess15.c, p. 26.
    """
    return -printed_falling_entry(c)


def printed_falling_entry(c: Case[N]) -> N:
    """`(1/(sqrt(2 pi) m sigma)) w2_l (s_theta(b_l) + (b_l - mu x_i)/sigma^2) exp(..)`.

    The exponent is `-(b_l - mu x_i)^2/(2 sigma^2)`; `b_l` is the kink of a neuron with w1 = -1.

    Source: hess15.d, p. 26.
    """
    scale = outer_weight(c) / (unit_density(c) * c.m * c.sigma)
    return scale * kink_residual(c) * kink_decay(c)


def printed_entry(c: Case[N]) -> N:
    """`-(1/(sqrt(2 pi) m sigma)) w2_l w1_l (s_theta(tau_l) + (tau_l - mu x_i)/sigma^2) exp(..)`.

    Source: hess15.e, p. 26.
    """
    return -inner_weight(c) * printed_falling_entry(c)


def corrected_hessian(c: Case[N]) -> N:
    """Eq. 15 with `+ w2` in the place of `- w2 w1` in its last term. `[2m, 2m]`.

    Source: hess15.f, p. 26, repaired.
    """
    ns, m = c.ns, c.m
    term = printed_hessian.printed_kink_term(ns, c.sample, c.network)
    without_sign = -(c.network.inner * term)  # w1 = +-1, so w1^2 = 1
    zeros = ns.constant(np.zeros(m, dtype=int))
    rows = np.arange(2 * m)
    diagonal = ns.constant(rows[:, None] == rows[None, :])
    smooth: N = c.quantities("smooth_hessian")
    return smooth + diagonal * ns.concatenate((zeros, without_sign))


# Proposition 10. The free point is the noise xi.


def a_little_noise(c: Case[N]) -> N:
    """`sigma/3`."""
    return c.sigma / 3


def some_noise(c: Case[N]) -> N:
    """`-sigma/7`."""
    return -c.sigma / 7


def much_noise(c: Case[N]) -> N:
    """`-7 sigma/5`."""
    return -7 * c.sigma / 5


def very_much_noise(c: Case[N]) -> N:
    """`9 sigma/4`."""
    return 9 * c.sigma / 4


def kernel_form_maximum(c: Case[N]) -> N:
    """`(1/n) max_v E ||Phi(xi)^T v||^2`, v unit vectors of `R^{2m}`."""
    return c.quantity("kernel_form_maximum")


def column_form_maximum(c: Case[N]) -> N:
    """`(1/n) max_u E ||Phi(xi) u||^2`, u unit vectors of `R^n`."""
    return c.quantity("kernel_columns_lambda_max")


def mean_column_square(c: Case[N]) -> N:
    """`(1/n) E[(1/n) ||Phi(xi) 1||^2]`.

    Source: prop10.c, p. 20.
    """
    matrix = columns.kernel_columns(c.ns, c.sample, c.network)
    return c.ns.sum(c.ns.sum(matrix)) / c.n


def mean_gradient_square(c: Case[N]) -> N:
    """`|E grad s_theta(Y)|^2 = (1/m^2) sum_l [ (E phi(w1_l Y + b_l))^2 + (w2_l P(Y in C_l))^2 ]`.

    Y is the noised mixture, and `(1/n^2) ||E[Phi(xi)] 1||^2` is the same number.

    Source: repair of prop10.b, p. 20.
    """
    ns, network = c.ns, c.network
    y = curvature.mixture(ns, c.sample, network)
    active, far = risk.active_means(ns, (y.mass, y.lower, y.upper), y.gaps, network.signs)
    hinge = ns.absolute(network.inner)[network.order] * far
    step = network.outer[network.order] * active
    return ns.sum(power(hinge, 2) + power(step, 2)) / (c.m * c.m)


def tv_network_noised(c: Case[N]) -> N:
    """`TV` of the network with the noised weight in the place of pi."""
    return c.quantity("tv_network_noised")


def doubled_noised_tv_per_neuron(c: Case[N]) -> N:
    """`(2/m) int |s_theta''| pi_noised`.

    Source: repair of prop10, p. 20.
    """
    return 2 * tv_network_noised(c) / c.m


def _hinges(c: Case[N]) -> N:
    """`phi(w1_l (xi + mu x_i) + b_l)`. `[m, n]`, sorted kinks."""
    order = c.network.order
    noised = c.mu * c.sample.points + c.point
    linear = c.network.inner[order][:, None] * noised + c.network.bias[order][:, None]
    return c.ns.maximum(linear, 0 * linear)


def _is_active(c: Case[N]) -> N:
    """`I_{i,l}`, whether neuron l is active at `xi + mu x_i`. `[m, n]`, sorted kinks."""
    rising = c.ns.constant(c.network.signs > 0)[:, None]
    falling = c.ns.constant(c.network.signs < 0)[:, None]
    beyond: N = c.quantities("beyond_kinks")(c.point)
    before: N = c.quantities("before_kinks")(c.point)
    return rising * beyond + falling * before


def _sorted_outer(c: Case[N]) -> N:
    return c.network.outer[c.network.order]


def column_sum_square(c: Case[N]) -> N:
    """`(1/n^2) ||Phi(xi) 1||^2`, from the summed gradients.

    Source: prop10.d, p. 20.
    """
    ns = c.ns
    by_outer = ns.sum(_hinges(c)) / c.m
    by_bias = ns.sum(_is_active(c) * _sorted_outer(c)[:, None]) / c.m
    return ns.sum(power(ns.concatenate((by_outer, by_bias)), 2)) / (c.n * c.n)


def column_sum_squares_by_neuron(c: Case[N]) -> N:
    """`(1/(m^2 n^2)) sum_l [(sum_i phi(w1_l (xi + mu x_i) + b_l))^2 + (sum_i I_{i,l} w2_l)^2]`.

    Source: prop10.d, p. 20.
    """
    ns = c.ns
    hinge, count = ns.sum(_hinges(c)), ns.sum(_is_active(c))
    squares = power(hinge, 2) + power(_sorted_outer(c) * count, 2)
    return ns.sum(squares) / (c.m * c.m * c.n * c.n)


def column_products(c: Case[N]) -> N:
    """`(2/(m^2 n^2)) sum_l |w2_l| |sum_i phi(w1_l (xi + mu x_i) + b_l)| (sum_i I_{i,l})`.

    Source: prop10.d, p. 20.
    """
    ns = c.ns
    hinge, count = ns.absolute(ns.sum(_hinges(c))), ns.sum(_is_active(c))
    total = ns.sum(ns.absolute(_sorted_outer(c)) * hinge * count)
    return 2 * total / (c.m * c.m * c.n * c.n)


def conditional_products(c: Case[N]) -> N:
    """`(2/m^2) sum_l P(xi + mu U in C_l)^2 |w2_l| |E[w1_l (xi + mu U) + b_l | xi + mu U in C_l]|`.

    `P^2 E[. | C_l]` is written `P E[. ; C_l]`, which is 0 for an empty event.

    Source: prop10.e, p. 21.
    """
    ns, order = c.ns, c.network.order
    active = _is_active(c)
    noised = c.mu * c.sample.points + c.point
    linear = c.network.inner[order][:, None] * noised + c.network.bias[order][:, None]
    mean, share = ns.sum(active * linear) / c.n, ns.sum(active) / c.n
    return 2 * ns.sum(share * ns.absolute(_sorted_outer(c)) * ns.absolute(mean)) / (c.m * c.m)


def conditional_distances(c: Case[N]) -> N:
    """`P(xi + mu U in C_l)^2 |E[xi + mu U - tau_l | xi + mu U in C_l]|` for every neuron. `[m]`.

    Source: prop10.e, p. 21.
    """
    ns = c.ns
    active = _is_active(c)
    away = c.mu * c.sample.points + c.point - c.network.kinks[:, None]
    return ns.sum(active) / c.n * ns.absolute(ns.sum(active * away) / c.n)


def _weight_sides(c: Case[N]) -> tuple[N, N]:
    """`pi^+(tau_l - xi)` and `pi^-(tau_l - xi)`. Two `[m]`, sorted kinks."""
    ns = c.ns
    away = c.mu * c.sample.points + c.point - c.network.kinks[:, None]
    beyond: N = c.quantities("beyond_kinks")(c.point)
    before: N = c.quantities("before_kinks")(c.point)
    above = ns.sum(ns.maximum(away, 0 * away)) / c.n
    below = ns.sum(ns.maximum(-away, 0 * away)) / c.n
    return ns.sum(beyond) / c.n * above, ns.sum(before) / c.n * below


def weight_side_by_sign(c: Case[N]) -> N:
    """`pi^+(tau_l - xi)` where `w1_l = +1`, `pi^-(tau_l - xi)` where `w1_l = -1`. `[m]`.

    Source: prop10.e, p. 21.
    """
    plus, minus = _weight_sides(c)
    return c.ns.constant(c.network.signs > 0) * plus + c.ns.constant(c.network.signs < 0) * minus


def _smaller_side(c: Case[N]) -> N:
    plus, minus = _weight_sides(c)
    return -c.ns.maximum(-plus, -minus)


def smaller_sides_by_neuron(c: Case[N]) -> N:
    """`(2/m^2) sum_l |w2_l| min{pi^+(tau_l - xi), pi^-(tau_l - xi)}`.

    Source: prop10.f, p. 21.
    """
    total = c.ns.sum(c.ns.absolute(_sorted_outer(c)) * _smaller_side(c))
    return 2 * total / (c.m * c.m)


def smaller_sides_by_kink(c: Case[N]) -> N:
    """`(2/m) int |s_theta''(y)| min{pi^+(y - xi), pi^-(y - xi)} dy`, equal kinks merged.

    Source: prop10.f, p. 21.
    """
    ns = c.ns
    member = _members(c)
    jumps = ns.absolute(ns.sum(member * (_sorted_outer(c) / c.m)))
    first = first_members(c.network.group, c.m)
    return 2 * ns.sum(_smaller_side(c)[first] * jumps) / c.m


def smaller_sides_margin(c: Case[N]) -> N:
    """`left - right` of prop10.f: `(4/m^2) sum over kinks of min(P, Q) min{pi^+, pi^-}`.

    P and Q are the sums of the positive and of the negative outer weights that meet at the kink:
    `P + Q - |P - Q| = 2 min(P, Q)`.

    Source: prop10.f, p. 21.
    """
    ns = c.ns
    member, outer = _members(c), _sorted_outer(c)
    gain = ns.sum(member * ns.maximum(outer, 0 * outer))
    loss = ns.sum(member * ns.maximum(-outer, 0 * outer))
    cancelled = -ns.maximum(-gain, -loss)
    first = first_members(c.network.group, c.m)
    return 4 * ns.sum(cancelled * _smaller_side(c)[first]) / (c.m * c.m)


def _members(c: Case[N]) -> N:
    """Whether sorted kink k belongs to the distinct kink g. `[g, k]`."""
    return c.ns.constant(c.network.group[None, :] == np.arange(c.m)[:, None])


def kink_masses(c: Case[N]) -> N:
    """Mass of `s_theta''` at each distinct kink. `[m]`."""
    return slope_jumps(c.ns, c.network)


def printed_kink_masses(c: Case[N]) -> N:
    """`(1/m) sum of w1_l w2_l` over the neurons that meet at a kink. `[m]`.

    Source: prop10.f, p. 21.
    """
    heights = (c.network.inner * c.network.outer)[c.network.order] / c.m
    return c.ns.sum(_members(c) * heights)


def corrected_kink_masses(c: Case[N]) -> N:
    """`(1/m) sum of w2_l` over the neurons that meet at a kink, for inner weights +-1. `[m]`."""
    return c.ns.sum(_members(c) * (_sorted_outer(c) / c.m))


# Proposition 6: the quadratic form of the Hessian at v.


def _near_vector(c: Case[N]) -> N:
    vector: N = c.quantities("kernel_vector")
    return vector


def _top_vector(c: Case[N]) -> N:
    vector: N = c.quantities("kernel_eigenvector")
    return vector


def _cross_on_top(c: Case[N]) -> N:
    """The second term at the unit top eigenvector of the kernel."""
    return c.quantity("cross_on_top")


def _kinks_on_top(c: Case[N]) -> N:
    """The derived third term at the unit top eigenvector of the kernel."""
    return c.quantity("kinks_on_top")


def _printed_kinks_on_top(c: Case[N]) -> N:
    """The printed third term at the unit top eigenvector of the kernel."""
    return c.quantity("printed_kinks_on_top")


def kernel_term(c: Case[N], vector: N) -> N:
    """`v^T ((2/n) sum_i E[grad s grad s^T]) v`, the first term."""
    value: N = 2 * c.quantities("kernel_form")(vector)
    return value


def cross_term(c: Case[N], vector: N) -> N:
    """`(2/(mn)) sum_i E[(s_theta(Y) + (Y - mu x_i)/sigma^2) v^T H(Y) v]`, the second term."""
    m = c.m
    means: N = c.quantities("mean_cross")
    return 4 * c.ns.sum(vector[:m] * vector[m:] * means) / m


def kink_form(c: Case[N], vector: N) -> N:
    """`v^T D v` with the derived third term."""
    diagonal: N = c.quantities("kink_diagonal")
    return c.ns.sum(power(vector[c.m :], 2) * diagonal)


def printed_kink_form(c: Case[N], vector: N) -> N:
    """`v^T D v` with the third term as eq. 15 prints it."""
    diagonal = printed_hessian.printed_kink_term(c.ns, c.sample, c.network)
    return c.ns.sum(power(vector[c.m :], 2) * diagonal)


def hessian_form(c: Case[N]) -> N:
    """`v^T hess R_n(theta) v`, at an exact unit vector near the top eigenvector of the kernel."""
    vector = _near_vector(c)
    return kernel_term(c, vector) + cross_term(c, vector) + kink_form(c, vector)


def hessian_form_on_top(c: Case[N]) -> N:
    """`v^T hess R_n(theta) v`, v the unit top eigenvector of the kernel."""
    return kernel_term(c, _top_vector(c)) + _cross_on_top(c) + _kinks_on_top(c)


def printed_decomposition(c: Case[N]) -> N:
    """`lambda_max((2/(mn)) sum_i E[grad s grad s^T]) + (2/(mn)) sum_i E[(..) v^T H v] + v^T D v`.

    Source: prop06.a2, p. 27.
    """
    first = 2 * bounds.ntk_lambda_max(c) / c.m
    return first + _cross_on_top(c) + _printed_kinks_on_top(c)


def corrected_decomposition(c: Case[N]) -> N:
    """`lambda_max((2/n) sum_i E[grad s grad s^T]) + (2/(mn)) sum_i E[(..) v^T H v] + v^T D v`.

    With the derived third term D. Source: prop06.a2, p. 27, repaired.
    """
    return 2 * bounds.ntk_lambda_max(c) + _cross_on_top(c) + _kinks_on_top(c)


def sharpness_and_terms(c: Case[N]) -> N:
    """`lambda_max(hess R_n) + |(2/(mn)) sum_i E[(..) v^T H v]| + |v^T D v|`, D as printed.

    Source: prop06.b, eq. 17, p. 27.
    """
    return _sharpness_and_terms(c, _printed_kinks_on_top(c))


def sharpness_and_derived_terms(c: Case[N]) -> N:
    """The left side of eq. 17 with the derived third term.

    Source: prop06.b, p. 27, repaired.
    """
    return _sharpness_and_terms(c, _kinks_on_top(c))


def _sharpness_and_terms(c: Case[N], kinks: N) -> N:
    crossing = c.ns.absolute(_cross_on_top(c))
    return bounds.hessian_lambda_max(c) + crossing + c.ns.absolute(kinks)


def sharpness_margin(c: Case[N]) -> N:
    """A lower bound of `left - right` of eq. 17: its two absolute values left out."""
    return bounds.hessian_lambda_max(c) - quadrupled_tv_per_neuron(c)


def noised_sharpness_margin(c: Case[N]) -> N:
    """A lower bound of `left - right` of eq. 17 with the noised weight: no absolute values."""
    return bounds.hessian_lambda_max(c) - quadrupled_noised_tv_per_neuron(c)


def quadrupled_tv_per_neuron(c: Case[N]) -> N:
    """`(4/m) TV(s_theta)`."""
    return 4 * bounds.tv_network(c) / c.m


def quadrupled_noised_tv_per_neuron(c: Case[N]) -> N:
    """`(4/m) TV(s_theta)` with the noised weight in the place of pi."""
    return 4 * tv_network_noised(c) / c.m


def absolute_cross_term(c: Case[N]) -> N:
    """`|(2/(mn)) sum_i E[(..) v^T H v]|`, at an exact unit vector."""
    return c.ns.absolute(cross_term(c, _near_vector(c)))


def cross_term_bound(c: Case[N]) -> N:
    """`(2/m) sqrt(R_n(theta))`.

    Source: prop06.c, p. 27.
    """
    return 2 * c.ns.root(bounds.risk(c), 2) / c.m


def absolute_kink_form(c: Case[N]) -> N:
    """`|v^T D v|`, D as printed, at an exact unit vector."""
    return c.ns.absolute(printed_kink_form(c, _near_vector(c)))


def kink_form_bound(c: Case[N]) -> N:
    """`max_{l,i} (sqrt 2 A/(sqrt(pi) m sigma)) |f(tau_l)| exp(-(tau_l - mu x_i)^2/(2 sigma^2))`.

    Source: prop06.d, p. 27.
    """
    ns, sample = c.ns, c.sample
    z = (c.network.kinks - (c.mu * sample.points)[:, None]) / c.sigma
    residuals = c.quantities("pieces").values + z / c.sigma
    terms = ns.absolute(residuals) * ns.exp(-(z * z) / 2)
    peak = largest(c, [terms[i][k] for i in range(c.n) for k in range(c.m)])
    return ns.root(2 / ns.pi, 2) * c.bound / (c.m * c.sigma) * peak


def eighteenth_bound(c: Case[N]) -> N:
    """Right side of eq. 18: `lambda_max(hess R_n) + (2/m) sqrt(R_n) + max_{l,i} (..)`.

    Source: prop06.d2, eq. 18, p. 27.
    """
    return bounds.hessian_lambda_max(c) + cross_term_bound(c) + kink_form_bound(c)


# Proposition 6: the residual near a kink.


def steepest_residual(c: Case[N]) -> N:
    """Lipschitz constant of `f`, the same for every point."""
    return c.quantity("steepest_residual")


def slope_limit(c: Case[N]) -> N:
    """`A + 1/sigma^2`.

    Source: prop06.e, p. 28.
    """
    return c.bound + 1 / power(c.sigma, 2)


def doubled_bound(c: Case[N]) -> N:
    """`2A`."""
    return 2 * c.bound


def residual_floor(c: Case[N]) -> N:
    """`min |f(y)|` over `|y - tau_l| <= |f(tau_l)|/(4A)`."""
    floor: N = c.quantities("residual_floor")(c.l, c.i)
    return floor


def absolute_kink_residual(c: Case[N]) -> N:
    """`|f(tau_l)|`."""
    return c.ns.absolute(kink_residual(c))


def half_kink_residual(c: Case[N]) -> N:
    """`|f(tau_l)|/2`."""
    return absolute_kink_residual(c) / 2


def reach(c: Case[N]) -> N:
    """`r = |f(tau_l)|/(4A)`."""
    return absolute_kink_residual(c) / (4 * c.bound)


def lower_end(c: Case[N]) -> N:
    """Lower end of D, `|tau_l - mu x_i| - |f(tau_l)|/(4A)`."""
    return kink_distance(c) - reach(c)


def upper_end(c: Case[N]) -> N:
    """Upper end of D, `|tau_l - mu x_i| + |f(tau_l)|/(4A)`."""
    return kink_distance(c) + reach(c)


def far_end(c: Case[N]) -> N:
    """`2 |tau_l - mu x_i| + sigma`, above the upper end of D where the lower is above -sigma."""
    return 2 * kink_distance(c) + c.sigma


def minus_noise_level(c: Case[N]) -> N:
    """`-sigma`."""
    return -c.sigma


def kernel_over_reach(c: Case[N]) -> N:
    """`int_D exp(-y^2/(2 sigma^2)) dy = sigma sqrt(pi/2) (erfc(low/(sigma sqrt 2)) - erfc(..))`.

    Source: prop06.f, p. 28.
    """
    ns = c.ns
    scale = c.sigma * ns.root(ns.constant(2), 2)
    tails = ns.erfc(lower_end(c) / scale) - ns.erfc(upper_end(c) / scale)
    return c.sigma * ns.root(ns.pi / 2, 2) * tails


def square_over_reach(c: Case[N]) -> N:
    """`(f(tau)^2/(4 sqrt(2 pi) sigma)) int_D exp(-y^2/(2 sigma^2)) dy`.

    Source: prop06.f, p. 28.
    """
    scale = power(absolute_kink_residual(c), 2) / (4 * unit_density(c) * c.sigma)
    return scale * kernel_over_reach(c)


def eighth_square(c: Case[N]) -> N:
    """`f(tau)^2/8`.

    Source: prop06.g, p. 28.
    """
    return power(absolute_kink_residual(c), 2) / 8


def _root_e(c: Case[N]) -> N:
    return c.ns.exp(bounds.one(c) / 2)


def kernel_at_upper_end(c: Case[N]) -> N:
    """Least value of `exp(-y^2/(2 sigma^2))` on D, at its upper end, the end farther from 0.

    Source: prop06.h2, p. 28.
    """
    return c.ns.exp(-power(upper_end(c) / c.sigma, 2) / 2)


def kernel_on_near_half(c: Case[N]) -> N:
    """Least value of `exp(-y^2/(2 sigma^2))` on the half of D below `|tau - mu x_i|`.

    At the end farther from 0: `max(|tau - mu x_i|, -(lower end))`.

    Source: prop06.h2, p. 28, repaired.
    """
    far = c.ns.maximum(kink_distance(c), -lower_end(c))
    return c.ns.exp(-power(far / c.sigma, 2) / 2)


def kernel_floor(c: Case[N]) -> N:
    """`exp(-1/2) exp(-(tau - mu x_i)^2/(2 sigma^2))`.

    Source: prop06.h2, p. 28.
    """
    return kink_decay(c) / _root_e(c)


def kernel_over_reach_floor(c: Case[N]) -> N:
    """`(|f(tau)|/(2A)) exp(-1/2) exp(-(tau - mu x_i)^2/(2 sigma^2))`.

    Source: prop06.i, p. 28.
    """
    return 2 * reach(c) * kernel_floor(c)


def cube_floor(c: Case[N]) -> N:
    """`(|f(tau)|^3/(8 sqrt(2 pi e) A sigma)) exp(-(tau - mu x_i)^2/(2 sigma^2))`.

    Source: prop06.i, p. 28.
    """
    cube = power(absolute_kink_residual(c), 3) * kink_decay(c)
    return cube / (8 * unit_density(c) * _root_e(c) * c.bound * c.sigma)


def damped_kink_residual(c: Case[N]) -> N:
    """`|f(tau)| exp(-(tau - mu x_i)^2/(2 sigma^2))`.

    Source: prop06.j, p. 29.
    """
    return absolute_kink_residual(c) * kink_decay(c)


def damped_bound(c: Case[N]) -> N:
    """`2 max(sqrt(2 n R_n), (sqrt(2 pi e) A sigma n R_n)^(1/3))`.

    Source: prop06.j, p. 29.
    """
    ns = c.ns
    by_square = ns.root(2 * risk_times_size(c), 2)
    by_cube = ns.root(unit_density(c) * _root_e(c) * c.bound * c.sigma * risk_times_size(c), 3)
    return 2 * ns.maximum(by_square, by_cube)


def noised_tv_bound_by_kernel(c: Case[N]) -> N:
    """`1/(2 eta)`, what stability leaves of proposition 6.

    Source: prop06b, p. 9, repaired.
    """
    return 1 / (2 * c.learning_rate)


def doubled_ntk_lambda_max(c: Case[N]) -> N:
    """`lambda_max` of `2 (1/n) sum_i E[grad s grad s^T]`.

    At an interior minimum this is the mean of the pointwise Hessian.

    Source: eq. 8, p. 6, repaired.
    """
    return 2 * bounds.ntk_lambda_max(c)


# Proposition 7.


def half_below_mean(c: Case[N]) -> N:
    """`mu x_i - mu Delta/2`."""
    return bounds.left_mean(c) - c.mu * c.spacing / 2


def half_above_mean(c: Case[N]) -> N:
    """`mu x_i + mu Delta/2`."""
    return bounds.left_mean(c) + c.mu * c.spacing / 2


def _extrema(c: Case[N], low: N, high: N) -> tuple[N, N, N, N]:
    found: tuple[N, N, N, N] = c.quantities("network_extrema")(low, high)
    return found


def highest_left(c: Case[N]) -> N:
    """`max s_theta` on `[mu x_i - mu Delta/2, mu x_i]`."""
    return _extrema(c, half_below_mean(c), bounds.left_mean(c))[1]


def lowest_right(c: Case[N]) -> N:
    """`min s_theta` on `[mu x_i, mu x_i + mu Delta/2]`."""
    return _extrema(c, bounds.left_mean(c), half_above_mean(c))[0]


def steepest_in_gap(c: Case[N]) -> N:
    """`max s_theta'` on `[mu x_i, mu x_{i+1}]`; 0 for i = n, where nothing is claimed."""
    if c.i == c.n:
        return bounds.zero(c)
    return _extrema(c, bounds.left_mean(c), bounds.right_mean(c))[3]


def steepest_fall(c: Case[N]) -> N:
    """`min s_theta'` on `[mu x_i - mu Delta/2, mu x_i + mu Delta/2]`."""
    return _extrema(c, half_below_mean(c), half_above_mean(c))[2]


def fall_bound(c: Case[N]) -> N:
    """`-1/sigma^2 + sqrt(2 n R_n/sigma^2)`.

    Source: prop07.c, p. 29.
    """
    return -fall_size(c)


def fall_size(c: Case[N]) -> N:
    """`1/sigma^2 - sqrt(2 n R_n/sigma^2)`.

    Source: prop07.f, p. 30.
    """
    return (1 / c.sigma - c.ns.root(2 * risk_times_size(c), 2)) / c.sigma


def _half_ratio(c: Case[N]) -> N:
    """`mu Delta/(2 sigma)`."""
    return bounds.spacing_ratio(c) / 2


def half_gap_mass(c: Case[N]) -> N:
    """`(1/sqrt(2 pi sigma^2)) int_{-mu Delta/2}^0 exp(-y^2/(2 sigma^2)) dy`."""
    half = c.ns.root(c.ns.constant(2), 2)
    return (1 - c.ns.erfc(_half_ratio(c) / half)) / 2


def half_gap_edge(c: Case[N]) -> N:
    """`(1/sqrt(2 pi sigma^2)) (mu Delta/2) exp(-mu^2 Delta^2/(8 sigma^2))`."""
    return _half_ratio(c) / unit_density(c) * bounds.spacing_decay(c, 8)


def half_gap_square(c: Case[N]) -> N:
    """`(1/(sigma^4 sqrt(2 pi sigma^2))) int_{-mu Delta/2}^0 y^2 exp(-y^2/(2 sigma^2)) dy`.

    In closed form, by parts: `(1/sigma^2) (mass - edge)`.

    Source: prop07.a, p. 29 (derivations/truncated_moments.py).
    """
    return (half_gap_mass(c) - half_gap_edge(c)) / power(c.sigma, 2)


def printed_half_gap_square(c: Case[N]) -> N:
    """`(1/(sigma^2 sqrt(2 pi sigma^2))) ((mu Delta/2) exp(..) + int_{-mu Delta/2}^0 exp(..) dy)`.

    Source: prop07.a, p. 29.
    """
    return (half_gap_mass(c) + half_gap_edge(c)) / power(c.sigma, 2)


def corrected_half_gap_square(c: Case[N]) -> N:
    """`(1/(sigma^2 sqrt(2 pi sigma^2))) (int_{-mu Delta/2}^0 exp(..) dy - (mu Delta/2) exp(..))`.

    Source: prop07.a, p. 29, repaired.
    """
    scale = c.sigma * unit_density(c)
    integral = half_gap_mass(c) * scale
    edge = c.mu * c.spacing / 2 * bounds.spacing_decay(c, 8)
    return (integral - edge) / (power(c.sigma, 2) * scale)


def edge_and_tail(c: Case[N]) -> N:
    """`(1/(sigma^2 sqrt(2 pi sigma^2))) (mu Delta/2) exp(..) + (1/sigma^2) (1/2 - exp(..))`.

    Both exponents are `-mu^2 Delta^2/(8 sigma^2)`.

    Source: prop07.a2, p. 29.
    """
    return half_gap_edge(c) / power(c.sigma, 2) + tail_floor(c)


def tail_floor(c: Case[N]) -> N:
    """`(1/sigma^2) (1/2 - exp(-mu^2 Delta^2/(8 sigma^2)))`.

    Source: prop07.a3, p. 29.
    """
    return (1 - 2 * bounds.spacing_decay(c, 8)) / (2 * power(c.sigma, 2))


def tail_floor_at_eight(c: Case[N]) -> N:
    """`(1/sigma^2) (1/2 - e^-8)`.

    Source: prop07.a3, p. 29.
    """
    return (1 - 2 * c.ns.exp(c.ns.constant(-8))) / (2 * power(c.sigma, 2))


def quarter_precision(c: Case[N]) -> N:
    """`1/(4 sigma^2)`.

    Source: prop07.a3, p. 29.
    """
    return 1 / (4 * power(c.sigma, 2))


def quarter_ratio_decay(c: Case[N]) -> N:
    """`(mu Delta/(4 sigma)) exp(-mu^2 Delta^2/(8 sigma^2))`.

    Source: prop07.d, p. 29.
    """
    return bounds.spacing_ratio(c) / 4 * bounds.spacing_decay(c, 8)


def inverse_square_of_e(c: Case[N]) -> N:
    """`e^-2`."""
    return c.ns.exp(c.ns.constant(-2))


def kept_share(c: Case[N]) -> N:
    """`1 - 2 (mu Delta/(2 sqrt(2 pi sigma^2)) + 1) exp(-mu^2 Delta^2/(8 sigma^2))`.

    Source: prop07.d, p. 29.
    """
    return 1 - 2 * (_half_ratio(c) / unit_density(c) + 1) * bounds.spacing_decay(c, 8)


def kept_share_floor(c: Case[N]) -> N:
    """`1 - (2 sqrt 2/sqrt(pi)) e^-2 - 2 e^-8`.

    Source: prop07.d, p. 29.
    """
    ns = c.ns
    first = 2 * ns.root(2 / ns.pi, 2) * inverse_square_of_e(c)
    return 1 - first - 2 * ns.exp(ns.constant(-8))


def half(c: Case[N]) -> N:
    """The number 1/2."""
    return bounds.one(c) / 2


def middle_indices(n: int) -> tuple[int, ...]:
    """Even indices `2i` with `n/4 < 2i < 3n/4`.

    Source: prop07.e, p. 30.
    """
    return tuple(j for j in range(2, n, 2) if n < 4 * j < 3 * n)


def spaced_indices(n: int) -> tuple[int, ...]:
    """J: every second index from 2 to n - 1, from 2 or from 3, whichever has the larger floor.

    Source: prop07.e, p. 30, repaired.
    """
    even, odd = tuple(range(2, n, 2)), tuple(range(3, n, 2))
    return odd if doubled_floor(n, odd) > doubled_floor(n, even) else even


def doubled_floor(n: int, chosen: tuple[int, ...]) -> int:
    """`sum_j min((j-1)^3, (n-j)^2 (n-j-1))`, twice the sum of the floors `h_j` of pi.

    Source: prop07.f, p. 30, repaired (derivations/weighted_count.py).
    """
    return sum(min((j - 1) ** 3, (n - j) ** 2 * (n - j - 1)) for j in chosen)


def _turns(c: Case[N], j: int) -> N:
    """`|int_{y_j}^{c_j} s_theta''| = |s_theta'(c_j) - s_theta'(y_j)|`."""
    climb: N = c.quantities("steepest_climb")(j)
    fall: N = c.quantities("steepest_fall")(j)
    return c.ns.absolute(climb - fall)


def _sum(c: Case[N], terms: Sequence[N]) -> N:
    return functools.reduce(lambda total, term: total + term, terms, bounds.zero(c))


def turns_in_the_middle(c: Case[N]) -> N:
    """`sum_{n/4 < 2i < 3n/4} min_{y in [x_(n/4), x_(3n/4)]} pi(y) |int_{y_2i}^{c_2i} s_theta''|`.

    `x_(n/4)` is the smallest `x_i` with `i > n/4`, `x_(3n/4)` the largest with `i < 3n/4`, both
    without mu, as printed.

    Source: prop07.e, p. 30.
    """
    n = c.n
    chosen = middle_indices(n)
    if not chosen:
        return bounds.zero(c)
    least: N = c.quantities("least_weight")(c.x(n // 4 + 1), c.x((3 * n - 1) // 4))
    total: N = least * _sum(c, [_turns(c, j) for j in chosen])
    return total


def turns_between_means(c: Case[N]) -> N:
    """`sum_{j in J} min pi |int_{y_j}^{c_j} s_theta''|`.

    Each minimum is over `[mu x_j - mu Delta/2, mu x_{j+1}]`.

    Source: prop07.e, p. 30, repaired.
    """
    least = c.quantities("least_weight")
    width = c.mu * c.spacing / 2
    terms: list[N] = [
        least(c.mu * c.x(j) - width, c.mu * c.x(j + 1)) * _turns(c, j) for j in spaced_indices(c.n)
    ]
    return _sum(c, terms)


def _smoothed_half(c: Case[N]) -> N:
    """`1/2 - exp(-mu^2 Delta^2/(2 sigma^2))`."""
    return (1 - 2 * bounds.spacing_decay(c, 2)) / 2


def printed_middle_sum(c: Case[N]) -> N:
    """`sum_{n/4<2i<3n/4} (mu n Delta/128) (1/2 - exp(..)) (1/sigma^2 - sqrt(2 n R_n/sigma^2))`.

    The exponent is `-mu^2 Delta^2/(2 sigma^2)`.

    Source: prop07.f, p. 30.
    """
    share = c.mu * c.n * c.spacing / 128 * _smoothed_half(c)
    return len(middle_indices(c.n)) * share * fall_size(c)


def counted_floor(c: Case[N]) -> N:
    """`(mu Delta/n^2) (1/2 - exp(..)) S (1/sigma^2 - sqrt(2 n R_n/sigma^2))`.

    `S = sum_{j in J} min((j-1)^3, (n-j)^2 (n-j-1))/2`; the exponent is
    `-mu^2 Delta^2/(2 sigma^2)`.

    Source: prop07.f, p. 30, repaired.
    """
    count = doubled_floor(c.n, spaced_indices(c.n))
    scale = c.mu * c.spacing * count / (2 * c.n * c.n)
    return scale * _smoothed_half(c) * fall_size(c)


def printed_total(c: Case[N]) -> N:
    """`(mu n^2 Delta/1024) (1/2 - exp(..)) (1/sigma^2 - sqrt(2 n R_n/sigma^2))`.

    Source: prop07.g, p. 30.
    """
    return c.mu * c.n**2 * c.spacing / 1024 * _smoothed_half(c) * fall_size(c)


def printed_total_at_eight(c: Case[N]) -> N:
    """`(mu n^2 Delta/1024) (1/2 - e^-32) (1/sigma^2 - 1/(2 sqrt 2 sigma^2))`.

    Source: prop07.h, p. 30.
    """
    ns = c.ns
    smoothed = (1 - 2 * ns.exp(ns.constant(-32))) / 2
    fall = (1 - 1 / (2 * ns.root(ns.constant(2), 2))) / power(c.sigma, 2)
    return c.mu * c.n**2 * c.spacing / 1024 * smoothed * fall


def doubled_tv_bound(c: Case[N]) -> N:
    """`mu n^2 Delta/(2^10 sigma^2)`.

    Source: prop07, p. 10, repaired.
    """
    return 2 * bounds.tv_network_bound(c)


def halved_total(c: Case[N]) -> N:
    """`mu n^2 Delta/(2^12 sigma^2)`.

    Source: prop07.h, p. 30, repaired.
    """
    return bounds.tv_network_bound(c) / 2


def sample_size(c: Case[N]) -> N:
    """`n`."""
    return c.ns.constant(c.n)


def four(c: Case[N]) -> N:
    """The number 4."""
    return c.ns.constant(4)


def five(c: Case[N]) -> N:
    """The number 5."""
    return c.ns.constant(5)


# Prose.


def steepest_slope(c: Case[N]) -> N:
    """Lipschitz constant of `s_theta`.

    With frozen inner weights it is at most `(1/m) sum_l |w2_l| <= A`.

    Source: prose.a, p. 5.
    """
    return c.quantity("steepest_slope")


def largest_product(c: Case[N]) -> N:
    """`max_l |w1_l w2_l|`."""
    products = c.ns.absolute(c.network.inner * c.network.outer)
    return largest(c, [products[neuron] for neuron in range(c.m)])

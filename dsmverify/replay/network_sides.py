"""Both sides of the claims about networks, as printed."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    bound,
    cross_term,
    gaussian,
    hessian_top,
    integral,
    kernel_product,
    kernel_top,
    kink_residual,
    network,
    residual_sums,
    risk,
    score,
    score_cuts,
    score_risk,
    tv_network,
    variation,
    weight_noised,
)
from dsmverify.replay.registry import Hypothesis, Part, side


def within_bound(c: Setting) -> Hypothesis:
    """`|w2_l| <= A`."""
    return "max |w2_l| <= A", max(abs(w2) for w2 in c.w2), "<=", bound(c)


def signs(c: Setting) -> Hypothesis:
    """`|w1_l| = 1`."""
    return "max ||w1_l| - 1| <= 0", max(abs(abs(w1) - 1) for w1 in c.w1), "<=", 0


def spacing_eight(c: Setting) -> Hypothesis:
    """`Delta >= 8 sigma/mu`."""
    return "Delta >= 8 sigma/mu", c.Delta, ">=", 8 * c.sigma / c.mu


def small_risk(c: Setting) -> Hypothesis:
    """`R_n(theta) <= 1/(16 n sigma^2)`."""
    return "R_n(theta) <= 1/(16 n sigma^2)", risk(c), "<=", 1 / (16 * c.n * c.sigma**2)


def squared_distance(c: Setting) -> Any:
    """`(1/n) sum_i E[(s_theta(Y) - s*(Y))^2]`."""
    cuts = score_cuts(c)
    inside = [c.number(kink) for kink in c.kinks if cuts[0] < c.number(kink) < cuts[-1]]

    def density(y: Any) -> Any:
        gap = network(c, y) - score(c, y)
        return gap**2 * sum(gaussian(c, y - c.mu * x) for x in c.x.values()) / c.n

    return integral(c, density, [*cuts, *inside])


@side("excess", given=(signs,))
def excess(c: Setting) -> list[Part]:
    """The excess risk as a mean square distance."""
    return [(risk(c) - score_risk(c), "=", squared_distance(c))]


def batch_size(c: Setting) -> int:
    """`|B|`, 1 where the instance names no batch."""
    return int(c.data.get("batch", {}).get("size", 1))


@side("unbiased@sum", given=(signs,))
def unbiased_sum(c: Setting) -> list[Part]:
    """Mean of the batch loss, a sum: every point is in the batch |B|/n times on average."""
    return [(batch_size(c) * risk(c), "=", risk(c))]


@side("unbiased@mean", "unbiased.r1", given=(signs,))
def unbiased_mean(c: Setting) -> list[Part]:
    """Mean of the batch loss, a mean over the batch."""
    return [(batch_size(c) * risk(c) / batch_size(c), "=", risk(c))]


def shifted(c: Setting, moves: dict[int, Fraction]) -> Any:
    """`R_n` with parameters moved exactly: 0..m-1 outer weights, m..2m-1 biases, by kinks."""
    network_data = {
        "inner_weights": [w for w, _, _ in c.exact],
        "biases": [b + moves.get(c.m + j, 0) for j, (_, b, _) in enumerate(c.exact)],
        "outer_weights": [w2 + moves.get(j, 0) for j, (_, _, w2) in enumerate(c.exact)],
    }
    return risk(Setting(c.mp, {**c.data, "network": network_data}, c.where, c.order))


def second_difference(c: Setting, row: int, column: int) -> Any:
    """An entry of the Hessian of `R_n`, by central differences of the risk (from 0)."""
    step = Fraction(1, 2 ** (c.mp.prec // 6))

    def moved(first: int, second: int) -> Any:
        moves = {row: first * step}
        moves[column] = moves.get(column, 0) + second * step
        return shifted(c, moves)

    total = moved(1, 1) - moved(1, -1) - moved(-1, 1) + moved(-1, -1)
    return total / (4 * c.number(step) ** 2)


def kernel_entry(c: Setting, row: int, column: int) -> Any:
    """An entry of `T` (from 0)."""
    unit = [c.mp.zero] * (2 * c.m)
    unit[column] = c.mp.one
    return kernel_product(c, unit)[row]


def printed_kink(c: Setting, j: int) -> Any:
    """Diagonal entry of the third term of eq. 15, as printed."""
    total = sum(kink_residual(c, j, i) for i in c.x) * c.sigma * c.mp.sqrt(2 * c.mp.pi)
    scale = c.mp.sqrt(2) / (c.mp.sqrt(c.mp.pi) * c.m * c.n * c.sigma)
    return -scale * c.w2[j] * c.w1[j] * total


def entry(c: Setting) -> list[int]:
    """The place in a matrix or vector that the certificate names, neurons sorted by kinks."""
    named = [int(part) - 1 for part in c.where["entry"].split(",")]
    return [c.order_of.index(part % c.m) + part // c.m * c.m for part in named]


def kernel_and_cross(c: Setting, row: int, column: int) -> Any:
    """An entry of the first two terms of eq. 15."""
    total = 2 * kernel_entry(c, row, column)
    return total + cross_term(c)[min(row, column)] if abs(row - column) == c.m else total


@side("hess15", "hess15.f", given=(signs,))
def hess15(c: Setting) -> list[Part]:
    """An entry of the Hessian: differences of the risk against eqs. 15-16."""
    row, column = entry(c)
    printed = kernel_and_cross(c, row, column)
    printed += printed_kink(c, row - c.m) if row == column >= c.m else 0
    return [(second_difference(c, row, column), "=", printed)]


@side("hess15.r1", "hess15.f.r1", given=(signs,))
def hess15_r1(c: Setting) -> list[Part]:
    """An entry of the Hessian: differences of the risk against eq. 15 with `+ w2`."""
    row, column = entry(c)
    found = kernel_and_cross(c, row, column)
    found -= c.w1[row - c.m] * printed_kink(c, row - c.m) if row == column >= c.m else 0
    return [(second_difference(c, row, column), "=", found)]


@side("hess15.a", given=(signs,))
def hess15_a(c: Setting) -> list[Part]:
    """An entry of the gradient: a difference of the risk against the printed mean."""
    (row,) = entry(c)
    step = Fraction(1, 2 ** (c.mp.prec // 4))
    left = (shifted(c, {row: step}) - shifted(c, {row: -step})) / (2 * c.number(step))
    j = row % c.m
    plain, tilted = residual_sums(c)[j], residual_sums(c, 1)[j]
    right = c.w2[j] * plain if row >= c.m else c.w1[j] * tilted + c.b[j] * plain
    return [(left, "=", 2 * right / c.m)]


@side("hess15.b", given=(signs,))
def hess15_b(c: Setting) -> list[Part]:
    """An entry of the Hessian, the diagonal of its bias block left out."""
    row, column = entry(c)
    if row == column >= c.m:
        return [(c.mp.zero, "=", c.mp.zero)]
    return [(second_difference(c, row, column), "=", kernel_and_cross(c, row, column))]


def rising(c: Setting) -> Hypothesis:
    """`w1_l = +1`."""
    return "w1_l = +1", c.w1[c.l - 1], ">", 0


def falling(c: Setting) -> Hypothesis:
    """`w1_l = -1`."""
    return "w1_l = -1", c.w1[c.l - 1], "<", 0


def narrow_mean(c: Setting) -> Any:
    """`(M_bb^(i))_ll` by its definition: the mean of `f w2` over a shrinking window at the kink.

    `(w2_l/m) E[f 1[|Y - tau_l| < h]]/(2 h |w1_l|)`, extrapolated to h = 0.
    """
    j, centre = c.l - 1, c.mu * c.x[c.i]
    tau = c.number(c.kinks[j])

    def window(h: Any) -> Any:
        kinks = [c.number(kink) for kink in c.kinks]
        cuts = [tau - h, tau, tau + h, *(k for k in kinks if abs(k - tau) < h)]
        mean = integral(c, lambda y: residual(c, y) * gaussian(c, y - centre), cuts)
        return c.w2[j] * mean / (c.m * 2 * h * abs(c.w1[j]))

    h = c.sigma / 2 ** (c.mp.prec // 8)
    table = [window(h / 2**k) for k in range(8)]
    for order in range(1, 8):  # the window's mean is a power series in h, kinks at 0
        table = [b + (b - a) / (2**order - 1) for a, b in pairwise(table)]
    return table[0]


def residual(c: Setting, y: Any) -> Any:
    """`f(y) = s_theta(y) + (y - mu x_i)/sigma^2`."""
    return network(c, y) + (y - c.mu * c.x[c.i]) / c.sigma**2


def printed_entry(c: Setting) -> Any:
    """`(1/(sqrt(2 pi) m sigma)) w2_l f(tau_l) e^{-(tau_l - mu x_i)^2/(2 sigma^2)}`."""
    tau = c.number(c.kinks[c.l - 1])
    scale = c.w2[c.l - 1] / (c.mp.sqrt(2 * c.mp.pi) * c.m * c.sigma)
    return scale * residual(c, tau) * c.mp.exp(-((tau - c.mu * c.x[c.i]) ** 2) / (2 * c.sigma**2))


@side("hess15.c", given=(signs, rising))
def hess15_c(c: Setting) -> list[Part]:
    """The kink entry of a neuron with `w1 = +1`, with the printed minus."""
    return [(narrow_mean(c), "=", -printed_entry(c))]


@side("hess15.c.r1", given=(signs, rising))
def hess15_c_r1(c: Setting) -> list[Part]:
    """The kink entry of a neuron with `w1 = +1`, with a plus."""
    return [(narrow_mean(c), "=", printed_entry(c))]


@side("hess15.d", given=(signs, falling))
def hess15_d(c: Setting) -> list[Part]:
    """The kink entry of a neuron with `w1 = -1`."""
    return [(narrow_mean(c), "=", printed_entry(c))]


@side("hess15.e", given=(signs,))
def hess15_e(c: Setting) -> list[Part]:
    """The kink entry, as summarised."""
    return [(narrow_mean(c), "=", -c.w1[c.l - 1] * printed_entry(c))]


@side("hess15.e.r1", given=(signs,))
def hess15_e_r1(c: Setting) -> list[Part]:
    """The kink entry, summary corrected."""
    return [(narrow_mean(c), "=", printed_entry(c))]


@side("lem05", given=(signs,))
def lem05(c: Setting) -> list[Part]:
    """Second differences of the risk by the first bias from the right and from the left agree."""
    step = Fraction(1, 2 ** (c.mp.prec // 5))
    here, j = risk(c), c.m
    found = []
    for sign in (1, -1):
        at = [here, *(shifted(c, {j: sign * k * step}) for k in (1, 2, 3))]
        found.append((2 * at[0] - 5 * at[1] + 4 * at[2] - at[3]) / c.number(step) ** 2)
    return [(found[0], "=", found[1])]


# Propositions 6, 7 and 10.


def risk_terms(c: Setting) -> Any:
    """`sqrt(R)/2 + (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R), (sqrt(2 pi e) A sigma n R)^{1/3})`."""
    mp, r, a = c.mp, risk(c), bound(c)
    cube = mp.cbrt(mp.sqrt(2 * mp.pi * mp.e) * a * c.sigma * c.n * r)
    largest = max(mp.sqrt(2 * c.n * r), cube)
    return mp.sqrt(r) / 2 + a / (mp.sqrt(2 * mp.pi) * c.sigma) * largest


@side("prop06a", given=(signs, within_bound))
def prop06a(c: Setting) -> list[Part]:
    """The variation of a network against its sharpness and risk."""
    return [(tv_network(c), "<=", hessian_top(c) * c.m / 4 + risk_terms(c))]


def spacious(c: Setting) -> Hypothesis:
    """`A >= 1/sigma^2`."""
    return "A >= 1/sigma^2", bound(c), ">=", 1 / c.sigma**2


@side("prop06a.r1", given=(signs, within_bound, spacious))
def prop06a_r1(c: Setting) -> list[Part]:
    """The same with the weight of the noised mixture."""
    return [(variation(c, weight_noised), "<=", hessian_top(c) * c.m / 4 + risk_terms(c))]


def at_least_four(c: Setting) -> Hypothesis:
    """`n >= 4`."""
    return "n >= 4", c.mp.mpf(c.n), ">=", 4


@side("prop07", given=(signs, within_bound, spacing_eight, small_risk))
def prop07(c: Setting) -> list[Part]:
    """The variation of a network of small risk."""
    return [(tv_network(c), ">=", c.mu * c.n**2 * c.Delta / (2**11 * c.sigma**2))]


@side("prop07.r1", given=(signs, within_bound, spacing_eight, small_risk, at_least_four))
def prop07_r1(c: Setting) -> list[Part]:
    """The variation of a network of small risk, n >= 4."""
    return prop07(c)


@side("prop07.r2", given=(signs, within_bound, spacing_eight, small_risk, at_least_four))
def prop07_r2(c: Setting) -> list[Part]:
    """The same with the weight of the noised mixture."""
    floor = c.mu * c.n**2 * c.Delta / (2**11 * c.sigma**2)
    return [(variation(c, weight_noised), ">=", floor)]


@side("prop10", "prose.e", given=(signs, within_bound))
def prop10(c: Setting) -> list[Part]:
    """The tangent kernel's largest eigenvalue against the variation."""
    return [(kernel_top(c), ">=", 2 * tv_network(c) / c.m)]


@side("prop10.r1", given=(signs, within_bound))
def prop10_r1(c: Setting) -> list[Part]:
    """The same with the weight of the noised mixture."""
    return [(kernel_top(c), ">=", 2 * variation(c, weight_noised) / c.m)]

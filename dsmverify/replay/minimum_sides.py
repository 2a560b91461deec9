"""Both sides of the claims about a linearly stable local minimum, as printed.

A witness gives a network next to the minimum; Newton's method goes there. That it is a minimum and
that it is stable is checked as far as this path can: the Hessian's least eigenvalue is positive,
and `S - E[(1 - a H) S (1 - a H)] = 1` has a positive definite solution S, H the Hessian of one
batch loss and a = m eta. As `E[(1 - a H) S (1 - a H)] = S - 1 <= (1 - 1/lambda_max(S)) S`, second
moments of the linearised updates contract in the norm of S. Networks of more than `NARROW` neurons,
where that takes long, only have what stability needs: `m eta lambda_max(E[H]) <= 2`. Claims that
are refuted at a stable minimum have the first condition at any width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    bound,
    cross_term,
    curvature_constant,
    gaussian_mean,
    hessian_product,
    hessian_top,
    kernel_product,
    kernel_top,
    network,
    residual_sums,
    risk,
    score_risk,
    top_pair,
    tv_network,
    variation,
    weight_noised,
)
from dsmverify.replay.network_sides import batch_size, risk_terms, signs
from dsmverify.replay.network_steps import last_floor, mean_squared_slope
from dsmverify.replay.registry import Hypothesis, Part, side
from dsmverify.replay.threshold_sides import eq_20, noise_limits, rate

NARROW = 2
"""Most neurons for which second moments are worked out where a claim is not refuted."""


def exact(value: Any) -> Fraction:
    """The dyadic fraction that an mpmath number is."""
    sign, mantissa, exponent, _ = value._mpf_
    size = int(mantissa) * Fraction(2) ** int(exponent)
    return -size if sign else size


def gradient(c: Setting) -> list[Any]:
    """`grad R_n(theta)`: outer weights, then biases."""
    plain, tilted, js = residual_sums(c), residual_sums(c, 1), range(c.m)
    outer = [2 * (c.w1[j] * tilted[j] + c.b[j] * plain[j]) / c.m for j in js]
    return [*outer, *(2 * c.w2[j] * plain[j] / c.m for j in js)]


def minimum(c: Setting) -> Setting:
    """The witness with its network moved to the critical point next to it, by Newton's method."""
    if "minimum" in c.cache:
        return c.cache["minimum"]  # type: ignore[no-any-return]
    here, size = c, range(2 * c.m)
    for _ in range(7):
        units = [[c.mp.mpf(j == k) for j in size] for k in size]
        rows = c.mp.matrix([hessian_product(here, unit) for unit in units])
        step = c.mp.lu_solve(rows, c.mp.matrix(gradient(here)))
        moved = [exact(v - step[j]) for j, v in enumerate([*here.w2, *here.b])]
        parts = ([w for w, _, _ in here.exact], moved[c.m :], moved[: c.m])
        net = {**c.data["network"], **dict(zip(c.names, parts, strict=True))}
        here = Setting(c.mp, {**c.data, "network": net}, c.where, c.order)
    c.cache["minimum"] = here
    return here


def critical(c: Setting) -> Hypothesis:
    """The gradient vanishes."""
    size = max(abs(part) for part in gradient(minimum(c)))
    return "grad R_n = 0, to half the precision", size, "<=", c.mp.mpf(2) ** (-c.mp.prec // 2)


def convex(c: Setting) -> Hypothesis:
    """The Hessian is positive definite."""
    here = minimum(c)

    def negative(c: Setting, v: Sequence[Any]) -> list[Any]:
        return [-value for value in hessian_product(c, v)]

    return "lambda_min(hess R_n) > 0", -top_pair(here, negative, 2 * c.m)[0], ">", 0


def inside(c: Setting) -> Hypothesis:
    """`|w2_l| < A`."""
    here = minimum(c)
    return "max |w2_l| < A", max(abs(w2) for w2 in here.w2), "<", bound(here)


def pointwise_top(c: Setting) -> Any:
    """`lambda_max` of the mean of the pointwise Hessian: no kink term."""
    cross, m = cross_term(c), c.m

    def product(c: Setting, v: Sequence[Any]) -> list[Any]:
        t = kernel_product(c, v)
        biases = (2 * t[m + j] + cross[j] * v[j] for j in range(m))
        return [*(2 * t[j] + cross[j] * v[m + j] for j in range(m)), *biases]

    return top_pair(c, product, 2 * m)[0]


def kronecker(c: Setting, left: Any, right: Any) -> Any:
    """Matrix of `S -> left S right`, S row by row."""
    ks = range(2 * c.m)
    rows = [[left[a, b] * right[e, d] for b in ks for e in ks] for a in ks for d in ks]
    return c.mp.matrix(rows)


def loss_hessian(c: Setting, y: Any, mean: Any) -> Any:
    """Hessian of `(s_theta(y) + (y - mean)/sigma^2)^2`, y no kink."""
    f, m, ks = network(c, y) + (y - mean) / c.sigma**2, c.m, range(2 * c.m)
    level = [max(w1 * y + b, 0) for w1, b in zip(c.w1, c.b, strict=True)]
    g = [*level, *(w2 * (v > 0) for w2, v in zip(c.w2, level, strict=True))]
    mixed = [[f * (abs(a - b) == m and level[a % m] > 0) / m for b in ks] for a in ks]
    rows = [[g[a] * g[b] / m**2 + mixed[a][b] for b in ks] for a in ks]
    return 2 * c.mp.matrix(rows)


def over_draws(c: Setting, i: int, made: Callable[[Any], Any]) -> Any:
    """`(1/n) E[made(h)]`, h the Hessian of one draw's loss at point i."""
    cuts, mean = [*map(c.number, c.kinks)], c.mu * c.x[i]
    return gaussian_mean(c, lambda y: made(loss_hessian(c, y, mean)), mean, cuts) / c.n


def lost(c: Setting, share: Any) -> Any:
    """Matrix of `S -> S - E[(1 - a H) S (1 - a H)]`, H `share` times a sum over the batch."""
    size, a, one = batch_size(c), c.m * rate(c) * share, c.mp.eye(2 * c.m)
    means = [over_draws(c, i, lambda h: h) for i in c.x]
    squares = sum(over_draws(c, i, lambda h: kronecker(c, h, h)) for i in c.x)
    once = c.mp.mpf(not c.data.get("batch", {}).get("replacement"))  # no point twice
    same, total = once * sum(kronecker(c, h, h) for h in means), sum(means)
    pairs = (kronecker(c, total, total) - same) * c.n / (c.n - once)
    first = size * (kronecker(c, total, one) + kronecker(c, one, total))
    return a * first - a**2 * (size * squares + size * (size - 1) * pairs)


def contracting(c: Setting, share: Any) -> Hypothesis:
    """Second moments of the linearised updates contract."""
    here, ks = minimum(c), range(2 * c.m)
    one = [int(a == b) for a in ks for b in ks]
    flat = c.mp.lu_solve(lost(here, share), c.mp.matrix(one))
    rows = c.mp.matrix([[flat[2 * c.m * a + b] for b in ks] for a in ks])
    least = min(c.mp.eigsy((rows + rows.T) / 2, eigvals_only=True))
    return "S - E[(1 - a H) S (1 - a H)] = 1 has a solution S > 0", least, ">", 0


def contracting_sum(c: Setting) -> Hypothesis:
    """Second moments contract, the batch loss a sum."""
    return contracting(c, 1)


def contracting_mean(c: Setting) -> Hypothesis:
    """Second moments contract, the batch loss a mean."""
    return contracting(c, 1 / c.mp.mpf(batch_size(c)))


def stable_sum(c: Setting) -> Hypothesis:
    """Stability, or what it needs, the batch loss a sum."""
    if c.m <= NARROW:
        return contracting_sum(c)
    top = batch_size(c) * pointwise_top(minimum(c))
    return "m eta |B| lambda_max(E pointwise Hessian) <= 2", c.m * rate(c) * top, "<=", 2


def stable_mean(c: Setting) -> Hypothesis:
    """Stability, or what it needs, the batch loss a mean."""
    if c.m <= NARROW:
        return contracting_mean(c)
    top = pointwise_top(minimum(c))
    return "m eta lambda_max(E pointwise Hessian) <= 2", c.m * rate(c) * top, "<=", 2


MINIMUM = (signs, inside, critical, convex)
SUM = (*MINIMUM, stable_sum)
MEAN = (*MINIMUM, stable_mean)


@side("eq08@sum", given=(*MINIMUM, contracting_sum))
@side("eq08@mean", given=(*MINIMUM, contracting_mean))
def eq08(c: Setting) -> list[Part]:
    """The sharpness at a stable minimum."""
    return [(hessian_top(minimum(c)), "<=", 2 / (c.m * rate(c)))]


@side("eq08.r1@sum", given=SUM)
def eq08_r1(c: Setting) -> list[Part]:
    """The kernel's part of the sharpness."""
    return [(2 * kernel_top(minimum(c)), "<=", 2 / (c.m * rate(c)))]


@side("eq08.r1@mean", given=MEAN)
def eq08_r1_mean(c: Setting) -> list[Part]:
    """The kernel's part of the sharpness, the batch loss a mean."""
    return eq08_r1(c)


def by_rate(c: Setting) -> Any:
    """`1/(2 eta)` plus the risk terms of proposition 6."""
    return 1 / (2 * rate(c)) + risk_terms(minimum(c))


@side("prop06b@sum", given=SUM)
def prop06b(c: Setting) -> list[Part]:
    """The variation at a stable minimum."""
    return [(tv_network(minimum(c)), "<=", by_rate(c))]


@side("prop06b@mean", given=MEAN)
def prop06b_mean(c: Setting) -> list[Part]:
    """The variation at a stable minimum, the batch loss a mean."""
    return prop06b(c)


@side("prop06b.r1@sum", given=SUM)
def prop06b_r1(c: Setting) -> list[Part]:
    """The variation with the noised weight."""
    return [(variation(minimum(c), weight_noised), "<=", 1 / (2 * rate(c)))]


@side("prop06b.r1@mean", given=MEAN)
def prop06b_r1_mean(c: Setting) -> list[Part]:
    """The variation with the noised weight, the batch loss a mean."""
    return prop06b_r1(c)


def small_noise(c: Setting) -> Hypothesis:
    """`sigma <= sigma_0`."""
    return "sigma <= sigma_0", c.sigma, "<=", min(noise_limits(c))


def threshold(c: Setting, power: int) -> Any:
    """`2^power sigma^2/(mu n^2 Delta)`."""
    return 2**power * c.sigma**2 / (c.mu * c.n**2 * c.Delta)


def large_rate(c: Setting) -> Hypothesis:
    """`eta > 2^12 sigma^2/(mu n^2 Delta)`."""
    return "eta > 2^12 sigma^2/(mu n^2 Delta)", rate(c), ">", threshold(c, 12)


def large_enough(c: Setting) -> Hypothesis:
    """`A >= C_n/sigma^6`."""
    return "A >= C_n/sigma^6", bound(minimum(c)), ">=", curvature_constant(c) / c.sigma**6


THEOREM = (small_noise, large_rate, large_enough)


@side("thm08@sum", "thm01", given=(*SUM, *THEOREM))
def thm08(c: Setting) -> list[Part]:
    """The excess risk of a stable minimum."""
    here, mp = minimum(c), c.mp
    scale = mp.pi * c.n**5 * (c.mu * c.Delta) ** 3
    floor = scale / (2**36 * mp.sqrt(mp.e) * (bound(here) * c.sigma) ** 4)
    return [(risk(here) - score_risk(c), ">", floor)]


@side("thm08@mean", given=(*MEAN, *THEOREM))
def thm08_mean(c: Setting) -> list[Part]:
    """The excess risk of a stable minimum, the batch loss a mean."""
    return thm08(c)


def four_points(c: Setting) -> Hypothesis:
    """`n >= 4`."""
    return "n >= 4", c.mp.mpf(c.n), ">=", 4


@side("thm08.r1@sum", given=(*SUM, *THEOREM, four_points))
def thm08_r1(c: Setting) -> list[Part]:
    """The excess risk of a stable minimum, n >= 4."""
    return thm08(c)


@side("thm08.r1@mean", given=(*MEAN, *THEOREM, four_points))
def thm08_r1_mean(c: Setting) -> list[Part]:
    """The excess risk of a stable minimum, n >= 4, the batch loss a mean."""
    return thm08(c)


def wide_gaps(c: Setting) -> Hypothesis:
    """`Delta >= 8 sigma/mu`."""
    return "Delta >= 8 sigma/mu", c.Delta, ">=", 8 * c.sigma / c.mu


def smaller_rate(c: Setting) -> Hypothesis:
    """`eta > 2^10 sigma^2/(mu n^2 Delta)`."""
    return "eta > 2^10 sigma^2/(mu n^2 Delta)", rate(c), ">", threshold(c, 10)


REPAIRED = (four_points, wide_gaps, smaller_rate)


@side("thm08.r2@sum", given=(*SUM, *REPAIRED))
def thm08_r2(c: Setting) -> list[Part]:
    """The risk of a stable minimum."""
    return [(risk(minimum(c)), ">", eq_20(c))]


@side("thm08.r2@mean", given=(*MEAN, *REPAIRED))
def thm08_r2_mean(c: Setting) -> list[Part]:
    """The risk of a stable minimum, the batch loss a mean."""
    return thm08_r2(c)


def little_risk(c: Setting) -> Hypothesis:
    """`R_n <= 1/(16 n sigma^2)`."""
    return "R_n(theta) <= 1/(16 n sigma^2)", risk(minimum(c)), "<=", eq_20(c)


@side("thm08.d@sum", given=(*SUM, wide_gaps, little_risk))
def thm08_d(c: Setting) -> list[Part]:
    """The bound by the rate against the turns."""
    return [(by_rate(c), ">=", last_floor(c, 11))]


@side("thm08.d@mean", given=(*MEAN, wide_gaps, little_risk))
def thm08_d_mean(c: Setting) -> list[Part]:
    """The bound by the rate against the turns, the batch loss a mean."""
    return thm08_d(c)


@side("shift7", given=MEAN)
def shift7(c: Setting) -> list[Part]:
    """The slope and the risk of a stable minimum."""
    here, eta = minimum(c), rate(c)
    floor = max(1 - c.sigma**2 / c.mp.sqrt(eta), c.mp.zero) ** 2 / c.sigma**2
    return [(eta * mean_squared_slope(here), "<=", c.mp.one), (risk(here), ">=", floor)]

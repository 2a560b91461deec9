"""Both sides of the claims about the empirical optimal score, as printed."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    absolute_curvature,
    alpha,
    central_moment,
    curvature,
    curvature_mass,
    far_cuts,
    gaussian,
    least_weight,
    mean,
    midpoint,
    mixture,
    offset,
    score,
    score_risk,
    tv_score,
)
from dsmverify.replay.registry import Hypothesis, Part, side


def decay(c: Setting, divisor: int) -> Any:
    """`e^{-mu^2 Delta^2/(divisor sigma^2)}`."""
    return c.mp.exp(-((c.mu * c.Delta / c.sigma) ** 2) / divisor)


def spacing_two(c: Setting) -> Hypothesis:
    """`Delta >= 2 sigma/mu`."""
    return "Delta >= 2 sigma/mu", c.Delta, ">=", 2 * c.sigma / c.mu


def near_mean(c: Setting) -> Hypothesis:
    """`|y - mu x_i| <= (mu/4) Delta`."""
    return "|y - mu x_i| <= mu Delta/4", abs(c.y - c.mu * c.x[c.i]), "<=", c.mu * c.Delta / 4


def wide(c: Setting) -> Hypothesis:
    """`16 n^3 e^{-mu^2 Delta^2/(4 sigma^2)} <= 1`."""
    return "16 n^3 e^{-mu^2 Delta^2/(4 sigma^2)} <= 1", 16 * c.n**3 * decay(c, 4), "<=", 1


def gap(c: Setting) -> Any:
    """`x_{i+1} - x_i`."""
    return c.x[c.i + 1] - c.x[c.i]


# Eqs. 6 and 9, Tweedie's formula, lemma 11.


@side("eq06")
def eq06(c: Setting) -> list[Part]:
    """Eq. 6 against the pointwise minimiser of the risk's integrand, and the risk of 0."""
    density = {i: gaussian(c, c.y - c.mu * x) for i, x in c.x.items()}
    pull = sum((c.mu * c.x[i] - c.y) / c.sigma**2 * p for i, p in density.items())
    found = pull / sum(density.values())
    return [(score(c, c.y), "=", found), (1 / c.sigma**2, ">=", score_risk(c))]


@side("eq09")
def eq09(c: Setting) -> list[Part]:
    """Eq. 9; the slope by numerical differentiation."""
    slope = c.mp.diff(lambda y: score(c, y), c.y)
    variance = central_moment(c, c.y, 2)
    return [
        (score(c, c.y), "=", (-c.y + c.mu * mean(c, c.y)) / c.sigma**2),
        (slope, "=", (-1 + c.mu**2 / c.sigma**2 * variance) / c.sigma**2),
    ]


@side("lem11a")
def lem11a(c: Setting) -> list[Part]:
    """Lemma 11, the slope by numerical differentiation."""
    return eq09(c)[1:]


@side("lem11b")
def lem11b(c: Setting) -> list[Part]:
    """Lemma 11, the curvature by numerical differentiation."""
    return [(c.mp.diff(lambda y: score(c, y), c.y, 2), "=", curvature(c, c.y))]


@side("tweedie")
def tweedie(c: Setting) -> list[Part]:
    """Tweedie's formula, the density differentiated numerically."""
    slope = c.mp.diff(lambda y: c.mp.log(mixture(c, y)), c.y)
    return [(mean(c, c.y), "=", (c.y + c.sigma**2 * slope) / c.mu)]


@side("lem11.a")
def lem11_a(c: Setting) -> list[Part]:
    """The slope of a posterior weight."""
    slope = c.mp.diff(lambda y: alpha(c, y)[c.i], c.y)
    return [(slope, "=", -c.mu * alpha(c, c.y)[c.i] / c.sigma**2 * offset(c, c.y, c.i))]


def weight_curvature(c: Setting) -> Any:
    """`alpha_i''(y)`, by numerical differentiation."""
    return c.mp.diff(lambda y: alpha(c, y)[c.i], c.y, 2)


@side("lem11.b")
def lem11_b(c: Setting) -> list[Part]:
    """The curvature of a posterior weight, first form."""
    weights, m = alpha(c, c.y), mean(c, c.y)
    first = c.mu**2 * weights[c.i] / c.sigma**4 * (c.x[c.i] - m) ** 2
    pull = sum(c.x[j] * weights[j] / c.sigma**2 * (c.x[j] - m) for j in c.x)
    return [(weight_curvature(c), "=", first - c.mu**2 * weights[c.i] / c.sigma**2 * pull)]


@side("lem11.c")
def lem11_c(c: Setting) -> list[Part]:
    """The curvature of a posterior weight, second form (`sigma^2` in the first term)."""
    w, m = alpha(c, c.y)[c.i], mean(c, c.y)
    first = c.mu**2 * w / c.sigma**2 * (c.x[c.i] - m) ** 2
    second = c.mu**2 * w / c.sigma**4 * central_moment(c, c.y, 2)
    return [(weight_curvature(c), "=", first - second)]


@side("lem11.c.r1")
def lem11_c_r1(c: Setting) -> list[Part]:
    """The curvature of a posterior weight, second form with `sigma^4`."""
    w, m = alpha(c, c.y)[c.i], mean(c, c.y)
    bracket = (c.x[c.i] - m) ** 2 - central_moment(c, c.y, 2)
    return [(weight_curvature(c), "=", c.mu**2 * w / c.sigma**4 * bracket)]


def raw_moment(c: Setting, power: int) -> Any:
    """`E[W(y)^power]`."""
    return sum(w * c.x[j] ** power for j, w in alpha(c, c.y).items())


@side("lem11.d")
def lem11_d(c: Setting) -> list[Part]:
    """The curvature of a posterior weight, third form."""
    w, x, m = alpha(c, c.y)[c.i], c.x[c.i], mean(c, c.y)
    bracket = x**2 - 2 * x * m - raw_moment(c, 2) + 2 * m**2
    return [(weight_curvature(c), "=", c.mu**2 * w / c.sigma**4 * bracket)]


@side("lem11.e")
def lem11_e(c: Setting) -> list[Part]:
    """The curvature of the score by raw moments."""
    left = c.mp.diff(lambda y: score(c, y), c.y, 2)
    curvatures = (c.x[j] * c.mp.diff(lambda y, j=j: alpha(c, y)[j], c.y, 2) for j in c.x)
    middle = c.mu / c.sigma**2 * sum(curvatures)
    m = mean(c, c.y)
    cubic = raw_moment(c, 3) - 3 * raw_moment(c, 2) * m + 2 * m**3
    return [(left, "=", middle), (middle, "=", c.mu**3 / c.sigma**6 * cubic)]


# Proposition 2.


@side("prop02a")
def prop02a(c: Setting) -> list[Part]:
    """Variance of the posterior at a midpoint."""
    return [(central_moment(c, midpoint(c, c.i), 2), ">=", gap(c) ** 2 / (2 * c.n))]


@side("prop02b", given=(spacing_two, near_mean))
def prop02b(c: Setting) -> list[Part]:
    """Mean of the posterior near a point."""
    return [(abs(offset(c, c.y, c.i)), "<=", c.n * c.Delta * decay(c, 4))]


@side("prop02c", given=(spacing_two, near_mean))
def prop02c(c: Setting) -> list[Part]:
    """Variance of the posterior near a point."""
    return [(central_moment(c, c.y, 2), "<=", 4 * c.n**2 * c.Delta**2 * decay(c, 4))]


def eq12(c: Setting) -> Any:
    """`sum_{i'>i} (x_i' - x_i) e^{-mu^2 (x_i - x_i')^2/(4 sigma^2)}`."""
    ahead = [c.x[j] - c.x[c.i] for j in range(c.i + 1, c.n + 1)]
    return sum((d * c.mp.exp(-((c.mu * d / c.sigma) ** 2) / 4) for d in ahead), c.mp.zero)


@side("prop02.a0")
def prop02_a0(c: Setting) -> list[Part]:
    """The mean's offset and its first bound."""
    x, start = c.y / c.mu, c.x[c.i]
    left = mean(c, c.y) - start
    bound = sum(
        (c.x[j] - start)
        * c.mp.exp(-(c.mu**2) * (c.x[j] - start) * (c.x[j] + start - 2 * x) / (2 * c.sigma**2))
        for j in range(c.i + 1, c.n + 1)
    )
    return [(left, "=", offset(c, c.y, c.i)), (offset(c, c.y, c.i), "<=", bound)]


@side("prop02.a")
def prop02_a(c: Setting) -> list[Part]:
    """The steps to eq. 12, at the worst place `x = x_i + Delta/4`."""
    ahead, x = c.x[c.k] - c.x[c.i], c.x[c.i] + c.Delta / 4
    return [
        (ahead / 4, ">=", c.Delta / 4),
        (c.x[c.k] - x, ">=", 3 * ahead / 4),
        (c.x[c.k] + c.x[c.i] - 2 * x, ">=", ahead / 2),
        (ahead / 2, ">=", c.mp.zero),
        (offset(c, c.mu * x, c.i), "<=", eq12(c)),
    ]


@side("prop02.c2")
def prop02_c2(c: Setting) -> list[Part]:
    """The weight at a midpoint as printed, j called k."""
    m = midpoint(c, c.i)
    kernels = {j: c.mp.exp(-((c.mu * (m - x)) ** 2) / (2 * c.sigma**2)) for j, x in c.x.items()}
    own = kernels[c.i]
    printed = own / sum(own for _ in c.x)
    return [(alpha(c, m)[c.i], "=", printed), (kernels[c.k], "<=", own)]


@side("prop02.c2.r1")
def prop02_c2_r1(c: Setting) -> list[Part]:
    """The weight at a midpoint with its misprints corrected."""
    m = midpoint(c, c.i)
    kernels = {j: c.mp.exp(-((m - c.mu * x) ** 2) / (2 * c.sigma**2)) for j, x in c.x.items()}
    share = kernels[c.i] / sum(kernels.values())
    return [(alpha(c, m)[c.i], "=", share), (kernels[c.k], "<=", kernels[c.i])]


@side("prop02.b", given=(spacing_two,))
def prop02_b(c: Setting) -> list[Part]:
    """The sum of eq. 12 and its bound."""
    return [(eq12(c), "<=", c.n * c.Delta * decay(c, 4))]


@side("prop02.c")
def prop02_c(c: Setting) -> list[Part]:
    """The two weights next to a midpoint."""
    weights = alpha(c, midpoint(c, c.i))
    share = c.mp.one / c.n
    return [(weights[c.i], ">=", share), (weights[c.i + 1], ">=", share)]


@side("prop02.d")
def prop02_d(c: Setting) -> list[Part]:
    """The variance at a midpoint by its two nearest points."""
    y = midpoint(c, c.i)
    middle = (offset(c, y, c.i) ** 2 + offset(c, y, c.i + 1) ** 2) / c.n
    return [(central_moment(c, y, 2), ">=", middle), (middle, ">=", gap(c) ** 2 / (2 * c.n))]


@side("prop02.e", given=(spacing_two, near_mean))
def prop02_e(c: Setting) -> list[Part]:
    """The variance near a point, step by step; the first part at its worst i'."""
    edge = 2 * c.n**2 * c.Delta**2 * decay(c, 2)
    distances = [c.x[j] - c.x[c.i] for j in c.x if j != c.i]
    terms = (d**2 * c.mp.exp(-((c.mu * d / c.sigma) ** 2) / 4) for d in distances)
    second = edge + 2 * sum(terms)
    third = edge + 2 * c.n * c.Delta**2 * decay(c, 4)
    excess = max(offset(c, c.y, j) ** 2 - 2 * (c.x[j] - c.x[c.i]) ** 2 for j in c.x)
    return [
        (excess, "<=", edge),
        (central_moment(c, c.y, 2), "<=", second),
        (second, "<=", third),
        (third, "<=", 4 * c.n**2 * c.Delta**2 * decay(c, 4)),
    ]


# Corollary 3, theorem 4, lemma 12.


@side("cor03a", "cor03a@mu", "cor03a.r1", given=(spacing_two,))
def cor03a(c: Setting) -> list[Part]:
    """The jump of the slope between y and a midpoint."""
    jump = central_moment(c, c.y, 2) - central_moment(c, midpoint(c, c.i), 2)
    bound = gap(c) ** 2 / (2 * c.n) - 4 * c.n**2 * c.Delta**2 * decay(c, 4)
    scale = c.mu**2 / c.sigma**4
    return [(scale * abs(jump), ">=", scale * bound)]


@side("cor03b", given=(spacing_two,))
def cor03b(c: Setting) -> list[Part]:
    """The risk of the empirical optimal score."""
    spread = c.x[c.n] - c.x[1]
    return [(score_risk(c), "<=", 4 * c.mu**2 * spread**2 / c.sigma**4 * decay(c, 32))]


def score_residual(c: Setting) -> Any:
    """`s*(y) - (mu x_i - y)/sigma^2`, the difference taken term by term."""
    pulls = ((c.mu * x - c.y) + (c.y - c.mu * c.x[c.i]) for x in c.x.values())
    return sum(w * p for w, p in zip(alpha(c, c.y).values(), pulls, strict=True)) / c.sigma**2


@side("cor03b.s3", given=(spacing_two,))
def cor03b_r1(c: Setting) -> list[Part]:
    """The risk of the empirical optimal score, by the overlap of neighbours."""
    bound = 5 * c.mu**2 * c.Delta**2 / (2 * c.sigma**4) * decay(c, 8)
    return [(score_risk(c), "<=", bound)]


@side("cor03.a", given=(spacing_two, near_mean))
def cor03_a(c: Setting) -> list[Part]:
    """Eq. 13."""
    bound = c.n * c.mu * c.Delta / c.sigma**2 * decay(c, 4)
    return [(abs(score_residual(c)), "<=", bound)]


@side("cor03.b")
def cor03_b(c: Setting) -> list[Part]:
    """The residual of the score, everywhere."""
    middle = c.mu / c.sigma**2 * abs(offset(c, c.y, c.i))
    spread = c.mu / c.sigma**2 * (c.x[c.n] - c.x[1])
    return [(abs(score_residual(c)), "=", middle), (middle, "<=", spread)]


@side("cor03.c", given=(spacing_two,))
def cor03_c(c: Setting) -> list[Part]:
    """The risk of the score by two regions."""
    near = c.n**2 * c.mu**2 * c.Delta**2 / c.sigma**4 * decay(c, 2)
    far = 2 * c.mu**2 * (c.x[c.n] - c.x[1]) ** 2 / c.sigma**4 * decay(c, 32)
    return [(score_risk(c), "<=", near + far)]


@side("cor03.d")
def cor03_d(c: Setting) -> list[Part]:
    """The spacing against the spread."""
    return [(c.n * c.Delta, "<=", 2 * (c.x[c.n] - c.x[1]))]


@side("thm04", given=(wide,))
def thm04(c: Setting) -> list[Part]:
    """The weighted variation of the score."""
    bound = c.mu**3 * c.n * c.Delta**3 / (2**12 * c.sigma**4)
    return [(tv_score(c), ">=", bound)]


@side("lem12")
def lem12(c: Setting) -> list[Part]:
    """The total curvature of the score."""
    spread, zero = c.x[c.n] - c.x[1], c.mp.zero
    inside = c.mu**2 * (max(zero, c.x[c.n]) - min(zero, c.x[1]))
    bracket = inside + 2 * (c.n - 1) * c.sigma**2 / c.Delta
    return [(curvature_mass(c), "<=", 4 * c.mu**2 * spread**3 / c.sigma**6 * bracket)]


def far_right(c: Setting) -> Any:
    """`2 mu (x_n)_+`, and the free variable beyond it."""
    return 2 * c.mu * max(c.x[c.n], 0) + (c.y or 0)


def far_left(c: Setting) -> Any:
    """`2 mu (x_1)_-`, and the free variable below it."""
    return 2 * c.mu * min(c.x[1], 0) - (c.y or 0)


def tail_decay(c: Setting, y: Any) -> Any:
    """`e^{-|y| mu Delta/(2 sigma^2)}`."""
    return c.mp.exp(-abs(y) * c.mu * c.Delta / (2 * c.sigma**2))


@side("lem12.a")
def lem12_a(c: Setting) -> list[Part]:
    """Posterior weights far out, and their mirror image."""
    right, left = far_right(c), far_left(c)
    return [
        (alpha(c, right)[c.i], "<=", tail_decay(c, right)),
        (alpha(c, left)[c.i + 1], "<=", tail_decay(c, left)),
    ]


@side("lem12.b")
def lem12_b(c: Setting) -> list[Part]:
    """The curvature far out, and its mirror image."""
    scale = 2 * c.mu**3 * (c.n - 1) * (c.x[c.n] - c.x[1]) ** 3 / c.sigma**6
    ends = (far_right(c), far_left(c))
    return [(abs(curvature(c, y)), "<=", scale * tail_decay(c, y)) for y in ends]


@side("lem12.b2")
def lem12_b2(c: Setting) -> list[Part]:
    """The cubes of lemma 12."""
    weights = alpha(c, c.y)
    first = abs(offset(c, c.y, c.n)) ** 3 * weights[c.n]
    gaps = [(c.x[c.n] - c.x[j], weights[j]) for j in range(1, c.n)]
    second = abs(sum(gap * w for gap, w in gaps)) ** 3
    spread = (c.mu * (c.x[c.n] - c.x[1]) / c.sigma**2) ** 3
    return [
        (first, "<=", second),
        (second, "<=", sum(gap**3 * w for gap, w in gaps)),
        (abs(curvature(c, c.y)), "<=", spread),
    ]


def mass_between(c: Setting, low: Any, high: Any) -> Any:
    """`int |s*''|` from low to high."""
    cuts = [cut for cut in far_cuts(c) if low < cut < high]
    ends = [end for end in (low, high) if abs(end) < c.mp.inf]
    return absolute_curvature(c, lambda _: c.mp.one, sorted({*cuts, *ends}))


@side("lem12.c")
def lem12_c(c: Setting) -> list[Part]:
    """The total curvature in the middle."""
    low, high = 2 * c.mu * min(c.x[1], 0), 2 * c.mu * max(c.x[c.n], 0)
    bound = 4 * c.mu**3 * (c.x[c.n] - c.x[1]) ** 3 * (high - low) / (2 * c.sigma**6)
    return [(mass_between(c, low, high), "<=", bound)]


@side("lem12.d")
def lem12_d(c: Setting) -> list[Part]:
    """The total curvature of the tails."""
    low, high = 2 * c.mu * min(c.x[1], 0), 2 * c.mu * max(c.x[c.n], 0)
    bound = 4 * c.mu**2 * (c.n - 1) * (c.x[c.n] - c.x[1]) ** 3 / (c.sigma**4 * c.Delta)
    return [
        (mass_between(c, high, c.mp.inf), "<=", bound),
        (mass_between(c, -c.mp.inf, low), "<=", bound),
    ]


# Steps of theorem 4.


def at_least_ten(c: Setting) -> Hypothesis:
    """`n >= 10`."""
    return "n >= 10", c.mp.mpf(c.n), ">=", 10


@side("thm04.0", given=(wide,))
def thm04_0(c: Setting) -> list[Part]:
    """The hypothesis through the exponential, and the spacing that it implies."""
    return [(1 / decay(c, 4), ">=", 16 * c.n**3), (c.Delta, ">=", 2 * c.sigma / c.mu)]


def slope_changes(c: Setting) -> Any:
    """`sum_i min pi (|s*'(m_i) - s*'(mu x_i)| + |s*'(m_i) - s*'(mu x_{i+1})|)`."""
    total = c.mp.zero
    for i in range(1, c.n):
        low, high = c.mu * c.x[i], c.mu * c.x[i + 1]
        middle, *ends = (central_moment(c, y, 2) for y in (midpoint(c, i), low, high))
        jumps = sum(abs(middle - end) for end in ends) * c.mu**2 / c.sigma**4
        total += least_weight(c, low, high) * jumps
    return total


@side("thm04.a", given=(wide,))
def thm04_a(c: Setting) -> list[Part]:
    """The variation against the changes of the slope."""
    return [(tv_score(c), ">=", slope_changes(c))]


def gap_sum(c: Setting, last: int) -> Any:
    """The sum of thm04.b with `(n-i)^2 (n-i+last)/2`."""
    total, half = c.mp.zero, c.mp.one / 2 - decay(c, 2)
    for i in range(1, c.n):
        least = min(i**2 * (i - 1), (c.n - i) ** 2 * (c.n - i + last))
        width = (c.x[i + 1] - c.x[i]) ** 2 / (2 * c.n) - 4 * c.n**2 * c.Delta**2 * decay(c, 4)
        total += c.mu / c.n**2 * half * least * c.Delta * c.mu**2 / c.sigma**4 * width
    return total


@side("thm04.b", given=(wide,))
def thm04_b(c: Setting) -> list[Part]:
    """The changes of the slope against proposition 9 and corollary 3."""
    return [(slope_changes(c), ">=", gap_sum(c, 1))]


@side("thm04.b.r1", given=(wide,))
def thm04_b_r1(c: Setting) -> list[Part]:
    """The same with the repaired factor."""
    return [(slope_changes(c), ">=", gap_sum(c, -1))]


@side("thm04.c")
def thm04_c(c: Setting) -> list[Part]:
    """The factor of a middle index."""
    least = min(c.i**2 * (c.i - 1), (c.n - c.i) ** 2 * (c.n - c.i + 1))
    return [(c.mp.mpf(least) / 2, ">=", c.mp.mpf(c.n) ** 3 / 128)]


@side("thm04.c.r1")
def thm04_c_r1(c: Setting) -> list[Part]:
    """The repaired factor of a middle index."""
    least = min(c.i**2 * (c.i - 1), (c.n - c.i) ** 2 * (c.n - c.i - 1))
    return [(c.mp.mpf(least) / 2, ">=", c.mp.mpf(c.n) ** 3 / 128)]


def middle_count(c: Setting) -> int:
    """Number of integers from `ceil(n/4) + 1` to `floor(3n/4) - 1`."""
    return len(range(-(-c.n // 4) + 1, 3 * c.n // 4))


@side("thm04.d@every-n")
def thm04_d_every(c: Setting) -> list[Part]:
    """How many middle indices there are."""
    return [(c.mp.mpf(middle_count(c)), ">=", c.mp.mpf(c.n) / 4)]


@side("thm04.d", given=(at_least_ten,))
def thm04_d(c: Setting) -> list[Part]:
    """How many middle indices there are."""
    return [(c.mp.mpf(middle_count(c)), ">=", c.mp.mpf(c.n) / 4)]


def middle_sum(c: Setting) -> Any:
    """The sum of thm04.d2."""
    bracket = c.Delta**2 / (2 * c.n) - 4 * c.n**2 * c.Delta**2 * decay(c, 4)
    term = c.mu**3 * c.n * c.Delta / (64 * c.sigma**4) * (c.mp.one / 2 - decay(c, 2)) * bracket
    return middle_count(c) * term


@side("thm04.d2", given=(wide,))
def thm04_d2(c: Setting) -> list[Part]:
    """The variation against the middle indices."""
    return [(tv_score(c), ">=", middle_sum(c))]


def thm04_chain(c: Setting) -> list[Part]:
    """The last two bounds of theorem 4."""
    scale = c.mu**3 * c.n * c.Delta**3 / (256 * c.sigma**4)
    brackets = scale * (c.mp.one / 2 - decay(c, 2)) * (c.mp.one / 2 - 4 * c.n**3 * decay(c, 4))
    return [(middle_sum(c), ">=", brackets), (brackets, ">=", scale / 16)]


@side("thm04.e", given=(wide,))
def thm04_e(c: Setting) -> list[Part]:
    """The last steps."""
    return thm04_chain(c)


@side("thm04.e.r1", given=(wide, at_least_ten))
def thm04_e_r1(c: Setting) -> list[Part]:
    """The last steps for n >= 10."""
    return thm04_chain(c)


def short_time(c: Setting) -> Hypothesis:
    """`t <= 1/5`, with `t > 0`."""
    t = c.number(c.data["parameters"]["t"])
    return "0 < t <= 1/5, as |t - 1/10| <= 1/10", abs(t - c.mp.mpf(1) / 10), "<=", c.mp.mpf(1) / 10


@side("thm04.f", given=(short_time,))
def thm04_f(c: Setting) -> list[Part]:
    """The scale of the diffusion at a short time."""
    t = c.number(c.data["parameters"]["t"])
    variance = -c.mp.expm1(-2 * t)
    return [(c.mp.exp(-3 * t) / variance**2, ">=", 1 / (8 * t**2))]

"""Both sides of the claims about the empirical optimal score, as printed."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    alpha,
    central_moment,
    curvature,
    curvature_mass,
    gaussian,
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


def many_noise_levels(c: Setting) -> Hypothesis:
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
    """The variance near a point, step by step."""
    edge = 2 * c.n**2 * c.Delta**2 * decay(c, 2)
    distances = [c.x[j] - c.x[c.i] for j in c.x if j != c.i]
    terms = (d**2 * c.mp.exp(-((c.mu * d / c.sigma) ** 2) / 4) for d in distances)
    second = edge + 2 * sum(terms)
    third = edge + 2 * c.n * c.Delta**2 * decay(c, 4)
    last = 4 * c.n**2 * c.Delta**2 * decay(c, 4)
    parts: list[Part] = [
        (central_moment(c, c.y, 2), "<=", second),
        (second, "<=", third),
        (third, "<=", last),
    ]
    if c.k:
        bound = 2 * (c.x[c.k] - c.x[c.i]) ** 2 + edge
        parts.insert(0, (offset(c, c.y, c.k) ** 2, "<=", bound))
    return parts


# Corollary 3, theorem 4, lemma 12.


@side("cor03a", "cor03a@mu", given=(spacing_two,))
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


@side("cor03.a", given=(spacing_two, near_mean))
def cor03_a(c: Setting) -> list[Part]:
    """Eq. 13."""
    left = abs(score(c, c.y) - (c.mu * c.x[c.i] - c.y) / c.sigma**2)
    return [(left, "<=", c.n * c.mu * c.Delta / c.sigma**2 * decay(c, 4))]


@side("cor03.b")
def cor03_b(c: Setting) -> list[Part]:
    """The residual of the score, everywhere."""
    left = abs(score(c, c.y) + (c.y - c.mu * c.x[c.i]) / c.sigma**2)
    middle = c.mu / c.sigma**2 * abs(offset(c, c.y, c.i))
    return [(left, "=", middle), (middle, "<=", c.mu / c.sigma**2 * (c.x[c.n] - c.x[1]))]


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


@side("thm04", given=(many_noise_levels,))
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

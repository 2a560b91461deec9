"""Both sides of the sharpened statements: left sides as printed, constants of this project."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    central_moment,
    curvature,
    curvature_mass,
    midpoint,
    offset,
    risk,
    score_risk,
    tv_score,
    weight,
)
from dsmverify.replay.function_sides import WIDTHS, parameter, truncated_square
from dsmverify.replay.network_sides import spacing_eight
from dsmverify.replay.network_steps import CLASS, SMALL, left_nonpositive, prop07_d, steepest_fall
from dsmverify.replay.registry import Hypothesis, Part, side
from dsmverify.replay.score_sides import (
    at_least_ten,
    decay,
    eq12,
    far_left,
    far_right,
    gap,
    lem12_b,
    mass_between,
    middle_count,
    near_mean,
    score_residual,
    spacing_two,
    wide,
)
from dsmverify.replay.weight_sides import between_means, probability


def fraction(c: Setting, top: int, bottom: int) -> Any:
    """A rational constant."""
    return c.mp.mpf(top) / bottom


def spread(c: Setting) -> Any:
    """`x_n - x_1`."""
    return c.x[c.n] - c.x[1]


@side("prop02a.s1")
def prop02a_s1(c: Setting) -> list[Part]:
    """Variance at a midpoint, `(n-1)/n^2`."""
    return [(central_moment(c, midpoint(c, c.i), 2), ">=", (c.n - 1) * gap(c) ** 2 / c.n**2)]


@side("prop02a.s2", given=(spacing_two,))
def prop02a_s2(c: Setting) -> list[Part]:
    """Variance at a midpoint, a quarter."""
    return [(central_moment(c, midpoint(c, c.i), 2), ">=", gap(c) ** 2 / 4)]


@side("prop02b.s1", given=(spacing_two, near_mean))
def prop02b_s1(c: Setting) -> list[Part]:
    """Mean near a point, without n."""
    return [(abs(offset(c, c.y, c.i)), "<=", c.Delta * decay(c, 4))]


@side("prop02c.s1", given=(spacing_two, near_mean))
def prop02c_s1(c: Setting) -> list[Part]:
    """Variance near a point, without `4 n^2`."""
    return [(central_moment(c, c.y, 2), "<=", c.Delta**2 * decay(c, 4))]


@side("prop02.b.s1", given=(spacing_two,))
def prop02_b_s1(c: Setting) -> list[Part]:
    """The sum of eq. 12, `6/5` for n."""
    return [(eq12(c), "<=", fraction(c, 6, 5) * c.Delta * decay(c, 4))]


@side("cor03a.s1", given=(spacing_two,))
def cor03a_s1(c: Setting) -> list[Part]:
    """The jump of the slope."""
    jump = central_moment(c, c.y, 2) - central_moment(c, midpoint(c, c.i), 2)
    scale = c.mu**2 / c.sigma**4
    floor = gap(c) ** 2 / 4 - 2 * c.Delta**2 * decay(c, 2)
    return [(scale * abs(jump), ">=", scale * floor)]


@side("cor03b.s1")
def cor03b_s1(c: Setting) -> list[Part]:
    """The risk by rounding to the nearest point."""
    scale = (c.n - 1) * c.mu**2 * spread(c) ** 2 / (c.n * c.sigma**4)
    return [(score_risk(c), "<=", scale * decay(c, 8))]


@side("cor03b.s2", given=(spacing_two,))
def cor03b_s2(c: Setting) -> list[Part]:
    """The risk by pairs of neighbours."""
    scale = 5 * (c.n - 1) * c.mu**2 * c.Delta**2 / (4 * c.n * c.sigma**4)
    return [(score_risk(c), "<=", scale * decay(c, 8))]


@side("cor03.a.s1", given=(spacing_two, near_mean))
def cor03_a_s1(c: Setting) -> list[Part]:
    """Eq. 13 without n."""
    return [(abs(score_residual(c)), "<=", c.mu * c.Delta / c.sigma**2 * decay(c, 4))]


@side("cor03.c.s1", given=(spacing_two,))
def cor03_c_s1(c: Setting) -> list[Part]:
    """The risk by two regions, sharpened."""
    near = c.mu**2 * c.Delta**2 / c.sigma**4 * decay(c, 2)
    far = c.mu**2 * spread(c) ** 2 / c.sigma**4 * decay(c, 32)
    return [(score_risk(c), "<=", near + far)]


@side("cor03.d.s1")
def cor03_d_s1(c: Setting) -> list[Part]:
    """The spacing against the spread, `n/(n-1)`."""
    return [(c.n * c.Delta, "<=", fraction(c, c.n, c.n - 1) * spread(c))]


@side("thm04.s1", given=(wide,))
def thm04_s1(c: Setting) -> list[Part]:
    """The weighted variation, `n^2/2^10`."""
    floor = c.mu**3 * c.n**2 * c.Delta**3 / (2**10 * c.sigma**4)
    return [(tv_score(c), ">=", floor)]


@side("thm04.0.s1", given=(wide,))
def thm04_0_s1(c: Setting) -> list[Part]:
    """The spacing that the hypothesis forces."""
    return [(c.Delta, ">=", fraction(c, 22, 5) * c.sigma / c.mu)]


@side("thm04.d.s1", given=(at_least_ten,))
def thm04_d_s1(c: Setting) -> list[Part]:
    """How many middle indices there are."""
    return [(c.mp.mpf(middle_count(c)), ">=", fraction(c, 3 * c.n, 10))]


def positive_time(c: Setting) -> Hypothesis:
    """`t > 0`."""
    return "t > 0", parameter(c, "t"), ">", 0


@side("thm04.f.s1", given=(positive_time,))
def thm04_f_s1(c: Setting) -> list[Part]:
    """The scale of the diffusion at any time."""
    t = parameter(c, "t")
    left = c.mp.exp(-3 * t) / c.mp.expm1(-2 * t) ** 2
    return [(left, ">=", c.mp.exp(-3 * t) / (4 * t**2))]


@side("prop09a.s1", given=(between_means,))
def prop09a_s1(c: Setting) -> list[Part]:
    """The weight between two means."""
    i, k = c.i, c.n - c.i
    least = fraction(c, min(i**2 * (i - 1), k**2 * (k - 1)), 2)
    return [(weight(c, c.y), ">=", c.mu / (2 * c.n**2) * (1 - decay(c, 2)) * least * c.Delta)]


@side("prop09b.s1")
def prop09b_s1(c: Setting) -> list[Part]:
    """The weight everywhere, an eighth."""
    return [(weight(c, c.y), "<=", c.mu * spread(c) / 8)]


@side("prop09.d.s1")
def prop09_d_s1(c: Setting) -> list[Part]:
    """The probability of a half line's gap."""
    width = c.mu * gap(c)
    floor = -c.mp.expm1(-((width / c.sigma) ** 2) / 2) / 2
    return [(probability(c, c.mp.zero, width), ">=", floor)]


@side("lem12.s1")
def lem12_s1(c: Setting) -> list[Part]:
    """The total curvature."""
    bound = 3 * c.mu**2 * spread(c) ** 2 / (4 * c.sigma**4)
    return [(curvature_mass(c), "<=", bound)]


@side("lem12.b.s1")
def lem12_b_s1(c: Setting) -> list[Part]:
    """The curvature far out, half of the printed bound."""
    return [(left, relation, right / 2) for left, relation, right in lem12_b(c)]


@side("lem12.b2.s1")
def lem12_b2_s1(c: Setting) -> list[Part]:
    """The curvature everywhere."""
    ceiling = (c.mu * spread(c) / c.sigma**2) ** 3 / (6 * c.mp.sqrt(3))
    return [(abs(curvature(c, c.y)), "<=", ceiling)]


@side("lem12.c.s1")
def lem12_c_s1(c: Setting) -> list[Part]:
    """The total curvature in the middle."""
    low, high = far_left(c), far_right(c)
    scale = c.mu**3 * spread(c) ** 3 / (3 * c.mp.sqrt(3) * c.sigma**6)
    return [(mass_between(c, low, high), "<=", scale * (high - low) / 2)]


@side("lem14b.s1", given=WIDTHS)
def lem14b_s1(c: Setting) -> list[Part]:
    """The truncated square with half of what is lost to the tail."""
    delta, root = parameter(c, "delta"), c.mp.sqrt(2 * c.mp.pi * c.sigma**2)
    lost = (2 * delta / root + 1) * c.mp.exp(-(delta**2) / (2 * c.sigma**2))
    room = (parameter(c, "beta") - parameter(c, "gamma")) ** 2
    return [(truncated_square(c), ">=", c.sigma**2 * room * (1 - lost))]


@side("prop07.a3.s1", given=(*CLASS, spacing_eight, left_nonpositive))
def prop07_a3_s1(c: Setting) -> list[Part]:
    """The risk against nearly half of the precision."""
    return [(c.n * risk(c), ">=", fraction(c, 499, 1000) / c.sigma**2)]


@side("prop07.c.s1", given=SMALL)
def prop07_c_s1(c: Setting) -> list[Part]:
    """How fast the network falls somewhere."""
    rise = c.mp.sqrt(fraction(c, 100, 99) * c.n * risk(c)) / c.sigma
    return [(steepest_fall(c, c.i), "<=", rise - 1 / c.sigma**2)]


@side("prop07.d.s1", given=(spacing_eight,))
def prop07_d_s1(c: Setting) -> list[Part]:
    """The kept share."""
    return [(prop07_d(c)[1][0], ">=", fraction(c, 99, 100))]

"""Both sides of the claims about the weight pi, as printed."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    gaussian,
    integral,
    midpoint,
    pi_minus,
    pi_plus,
    weight,
)
from dsmverify.replay.definitions import weight_noised as noised
from dsmverify.replay.registry import Hypothesis, Part, side
from dsmverify.replay.score_sides import decay


def between_means(c: Setting) -> Hypothesis:
    """`mu x_i <= y <= mu x_{i+1}`, as the distance from the middle."""
    middle = c.mu * (c.x[c.i] + c.x[c.i + 1]) / 2
    half = c.mu * (c.x[c.i + 1] - c.x[c.i]) / 2
    return "mu x_i <= y <= mu x_{i+1}", abs(c.y - middle), "<=", half


@side("prop09a", given=(between_means,))
def prop09a(c: Setting) -> list[Part]:
    """The weight between two means."""
    i, n = c.i, c.n
    least = c.mp.mpf(min(i**2 * (i - 1), (n - i) ** 2 * (n - i + 1))) / 2
    half = c.mp.one / 2 - decay(c, 2)
    return [(weight(c, c.y), ">=", c.mu / n**2 * half * least * c.Delta)]


@side("prop09a.r1", given=(between_means,))
def prop09a_r1(c: Setting) -> list[Part]:
    """The weight between two means, by symmetry `(n-i)^2 (n-i-1)/2`."""
    i, n = c.i, c.n
    least = c.mp.mpf(min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1))) / 2
    half = c.mp.one / 2 - decay(c, 2)
    return [(weight(c, c.y), ">=", c.mu / n**2 * half * least * c.Delta)]


@side("prop09a.r2", given=(between_means,))
def prop09a_r2(c: Setting) -> list[Part]:
    """The noised weight between two means."""
    i, n = c.i, c.n
    least = c.mp.mpf(min(i**2 * (i - 1), (n - i) ** 2 * (n - i - 1))) / 2
    return [(noised(c, c.y), ">=", c.mu / (2 * n**2) * least * c.Delta)]


@side("prop09b")
def prop09b(c: Setting) -> list[Part]:
    """The weight everywhere."""
    return [(weight(c, c.y), "<=", c.mu * (c.x[c.n] - c.x[1]))]


def snapped(c: Setting) -> Any:
    """`y`, or the noised mean that it is a rounding of: strict inequalities depend on it."""
    room = c.mp.mpf(2) ** -80 * (abs(c.y) + c.Delta)
    return next((c.mu * x for x in c.x.values() if abs(c.y - c.mu * x) < room), c.y)


def average(c: Setting, values: list[Any]) -> Any:
    """Mean of a list; 0 where it is empty."""
    return sum(values, c.mp.zero) / max(1, len(values))


def mean_below(c: Setting, y: Any) -> Any:
    """`E[y - mu U | mu U < y]`, strictly below."""
    return average(c, [y - c.mu * x for x in c.x.values() if c.mu * x < y])


def printed_mean_below(c: Setting, y: Any) -> Any:
    """`mu (x - (1/i) sum_{i'<=i} x_i')` with `x = y/mu`."""
    return y - c.mu * average(c, [c.x[j] for j in range(1, c.i + 1)])


def share_below(c: Setting, y: Any) -> Any:
    """`P(mu U < y)`, strictly below."""
    return c.mp.mpf(sum(c.mu * x < y for x in c.x.values())) / c.n


def printed_minus(c: Setting, y: Any) -> Any:
    """`(mu i^2/n^2)(x - (1/i) sum_{i'<=i} x_i')` with `x = y/mu`."""
    return printed_mean_below(c, y) * c.i**2 / c.n**2


def printed_plus(c: Setting, y: Any) -> Any:
    """`(mu (n-i)^2/n^2)((1/(n-i)) sum_{i'>i} x_i' - x)` with `x = y/mu`."""
    rest = [c.x[j] for j in range(c.i + 1, c.n + 1)]
    return (c.mu * average(c, rest) - y) * (c.n - c.i) ** 2 / c.n**2


def ahead(c: Setting) -> Any:
    """`sum_{i'>i+1} (x_i' - x_{i+1})`."""
    return sum((c.x[j] - c.x[c.i + 1] for j in range(c.i + 2, c.n + 1)), c.mp.zero)


def behind(c: Setting) -> Any:
    """`sum_{i'<i} (x_i - x_i')`."""
    return sum((c.x[c.i] - c.x[j] for j in range(1, c.i)), c.mp.zero)


def minus_floor(c: Setting) -> Any:
    """`(mu i/n^2) sum_{i'<i} (x_i - x_i')`."""
    return c.mu * c.i / c.n**2 * behind(c)


def plus_floor(c: Setting) -> Any:
    """`(mu (n-i)/n^2) sum_{i'>i+1} (x_i' - x_{i+1})`."""
    return c.mu * (c.n - c.i) / c.n**2 * ahead(c)


@side("prop09.0")
def prop09_0(c: Setting) -> list[Part]:
    """Share and mean distance of the points below: at the left end, and at the midpoint."""
    middle, share = midpoint(c, c.i), c.mp.mpf(c.i) ** 2 / c.n**2
    return [
        (share_below(c, c.mu * c.x[c.i]) ** 2, "=", share),
        (share_below(c, middle) ** 2, "=", share),
        (mean_below(c, middle), "=", printed_mean_below(c, middle)),
    ]


@side("prop09.0.r1", given=(between_means,))
def prop09_0_r1(c: Setting) -> list[Part]:
    """The same at a point above the left end."""
    y = snapped(c)
    return [
        (share_below(c, y) ** 2, "=", c.mp.mpf(c.i) ** 2 / c.n**2),
        (mean_below(c, y), "=", printed_mean_below(c, y)),
    ]


@side("prop09.a")
def prop09_a(c: Setting) -> list[Part]:
    """`pi^-` and its bound, at the left end and at the midpoint."""
    parts: list[Part] = []
    for y in (c.mu * c.x[c.i], midpoint(c, c.i)):
        parts.append((pi_minus(c, y), "=", printed_minus(c, y)))
        parts.append((pi_minus(c, y), ">=", minus_floor(c)))
    return parts


@side("prop09.a.r1", given=(between_means,))
def prop09_a_r1(c: Setting) -> list[Part]:
    """The same at a point above the left end."""
    value = pi_minus(c, snapped(c))
    return [(value, "=", printed_minus(c, c.y)), (value, ">=", minus_floor(c))]


@side("prop09.b")
def prop09_b(c: Setting) -> list[Part]:
    """`pi^+` and its bound, at the right end and at the midpoint."""
    parts: list[Part] = []
    for y in (c.mu * c.x[c.i + 1], midpoint(c, c.i)):
        parts.append((pi_plus(c, y), "=", printed_plus(c, y)))
        parts.append((pi_plus(c, y), ">=", plus_floor(c)))
    return parts


@side("prop09.b.r1", given=(between_means,))
def prop09_b_r1(c: Setting) -> list[Part]:
    """The same at a point below the right end."""
    value = pi_plus(c, snapped(c))
    return [(value, "=", printed_plus(c, c.y)), (value, ">=", plus_floor(c))]


def probability(c: Setting, low: Any, high: Any) -> Any:
    """`P(low < sigma z < high)`, z standard normal, by quadrature."""
    steps = max(1, int((high - low) / c.sigma) + 1)
    low, high = max(low, -40 * c.sigma), min(high, 40 * c.sigma)
    cuts = [low + (high - low) * k / min(steps, 100) for k in range(min(steps, 100) + 1)]
    return integral(c, lambda z: gaussian(c, z), cuts)


@side("prop09.c", given=(between_means,))
def prop09_c(c: Setting) -> list[Part]:
    """The weight by the noise that stays between two means."""
    stay = probability(c, c.mu * c.x[c.i] - c.y, c.mu * c.x[c.i + 1] - c.y)
    least = min(c.i * behind(c), (c.n - c.i) * ahead(c))
    return [(weight(c, c.y), ">=", c.mu / c.n**2 * least * stay)]


@side("prop09.d", given=(between_means,))
def prop09_d(c: Setting) -> list[Part]:
    """The probability of staying between two means."""
    stay = probability(c, c.mu * c.x[c.i] - c.y, c.mu * c.x[c.i + 1] - c.y)
    width = c.mu * (c.x[c.i + 1] - c.x[c.i])
    half = probability(c, c.mp.zero, width)
    last = c.mp.one / 2 - c.mp.exp(-((width / c.sigma) ** 2) / 2)
    return [(stay, ">=", half), (half, ">=", last)]


@side("prop09.e")
def prop09_e(c: Setting) -> list[Part]:
    """Sums of distances against the spacing."""
    i, rest = c.i, c.n - c.i
    right = sum((c.x[j] - c.x[i] for j in range(i + 1, c.n + 1)), c.mp.zero)
    return [
        (behind(c), ">=", c.mp.mpf(i * (i - 1)) / 2 * c.Delta),
        (right, ">=", c.mp.mpf(rest * (rest + 1)) / 2 * c.Delta),
    ]


@side("prop09.e.r1")
def prop09_e_r1(c: Setting) -> list[Part]:
    """The sums that are used, against the spacing."""
    i, rest = c.i, c.n - c.i
    return [
        (behind(c), ">=", c.mp.mpf(i * (i - 1)) / 2 * c.Delta),
        (ahead(c), ">=", c.mp.mpf(rest * (rest - 1)) / 2 * c.Delta),
    ]


def first_points_mean(c: Setting) -> Any:
    """`mu E[x - U | U < x]`, `x = y/mu`, a mean over the first i points."""
    return c.mu * average(c, [c.y / c.mu - c.x[j] for j in range(1, c.i + 1)])


@side("prop09.f", given=(between_means,))
def prop09_f(c: Setting) -> list[Part]:
    """The mean distance against the spread, with the printed sign."""
    left = printed_mean_below(c, c.y)
    return [(left, "=", first_points_mean(c)), (left, "<=", c.mu * (c.x[1] - c.x[c.n]))]


@side("prop09.f.r1", given=(between_means,))
def prop09_f_r1(c: Setting) -> list[Part]:
    """The mean distance against the spread."""
    left = printed_mean_below(c, c.y)
    return [(left, "=", first_points_mean(c)), (left, "<=", c.mu * (c.x[c.n] - c.x[1]))]


@side("pi-smooth")
def pi_smooth(c: Setting) -> list[Part]:
    """The limits of the weight from inside and from outside, at both ends of the range."""
    return [
        (weight(c, c.mu * c.x[c.n]), "=", c.mp.zero),
        (weight(c, c.mu * c.x[1]), "=", c.mp.zero),
    ]


@side("pi-smooth.r1")
def pi_smooth_r1(c: Setting) -> list[Part]:
    """Second differences of the weight from the right and from the left agree, inside."""
    y, step = midpoint(c, 1) + (c.x[2] - c.x[1]) * c.mu / 4, c.sigma / 2 ** (c.mp.prec // 5)
    found = []
    for sign in (1, -1):
        at = [weight(c, y + sign * k * step) for k in range(4)]
        found.append((2 * at[0] - 5 * at[1] + 4 * at[2] - at[3]) / step**2)
    return [(found[0], "=", found[1])]

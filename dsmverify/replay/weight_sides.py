"""Both sides of the claims about the weight pi, as printed."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import Setting, gaussian, integral, pi_minus, pi_plus, weight
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


def below(c: Setting) -> list[int]:
    """The points with `mu x_j < y`."""
    return [j for j in c.x if c.mu * c.x[j] < c.y]


def average(c: Setting, values: list[Any]) -> Any:
    """Mean of a list; 0 where it is empty."""
    return sum(values, c.mp.zero) / max(1, len(values))


@side("prop09.0", given=(between_means,))
def prop09_0(c: Setting) -> list[Part]:
    """Share and mean distance of the points on the left."""
    share = c.mp.mpf(len(below(c))) ** 2 / c.n**2
    conditional = average(c, [c.y - c.mu * c.x[j] for j in below(c)])
    printed = c.mu * (c.y / c.mu - average(c, [c.x[j] for j in range(1, c.i + 1)]))
    return [(share, "=", c.mp.mpf(c.i) ** 2 / c.n**2), (conditional, "=", printed)]


@side("prop09.a", given=(between_means,))
def prop09_a(c: Setting) -> list[Part]:
    """`pi^-` and its bound."""
    scale = c.mu * c.i**2 / c.n**2
    printed = scale * (c.y / c.mu - average(c, [c.x[j] for j in range(1, c.i + 1)]))
    bound = c.mu * c.i / c.n**2 * sum((c.x[c.i] - c.x[j] for j in range(1, c.i)), c.mp.zero)
    return [(pi_minus(c, c.y), "=", printed), (printed, ">=", bound)]


def ahead(c: Setting) -> Any:
    """`sum_{i'>i+1} (x_i' - x_{i+1})`."""
    return sum((c.x[j] - c.x[c.i + 1] for j in range(c.i + 2, c.n + 1)), c.mp.zero)


def behind(c: Setting) -> Any:
    """`sum_{i'<i} (x_i - x_i')`."""
    return sum((c.x[c.i] - c.x[j] for j in range(1, c.i)), c.mp.zero)


@side("prop09.b", given=(between_means,))
def prop09_b(c: Setting) -> list[Part]:
    """`pi^+` and its bound."""
    rest = c.n - c.i
    centre = average(c, [c.x[j] for j in range(c.i + 1, c.n + 1)])
    printed = c.mu * rest**2 / c.n**2 * (centre - c.y / c.mu)
    return [(pi_plus(c, c.y), "=", printed), (printed, ">=", c.mu * rest / c.n**2 * ahead(c))]


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


@side("prop09.f")
def prop09_f(c: Setting) -> list[Part]:
    """The mean distance against the spread, with the printed sign."""
    left = average(c, [c.y - c.mu * c.x[j] for j in below(c)])
    middle = c.mu * average(c, [c.y / c.mu - c.x[j] for j in below(c)])
    return [(left, "=", middle), (middle, "<=", c.mu * (c.x[1] - c.x[c.n]))]

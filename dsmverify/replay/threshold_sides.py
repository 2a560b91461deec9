"""Both sides of the arithmetic of theorem 8, as printed."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import Setting, bound, curvature_constant, score_risk
from dsmverify.replay.registry import Hypothesis, Part, side
from dsmverify.replay.score_sides import decay


def large_bound(c: Setting) -> Hypothesis:
    """`A >= C_n/sigma^6`."""
    return "A >= C_n/sigma^6", chosen(c), ">=", curvature_constant(c) / c.sigma**6


def chosen(c: Setting) -> Any:
    """`A`, also where the instance has no network."""
    return bound(c) if c.m else curvature_constant(c) / c.sigma**6


def risk_scale(c: Setting, power: int) -> Any:
    """`pi n^5 mu^3 Delta^3/(2^power e^{1/2} A^4 sigma^4)`."""
    top = c.mp.pi * c.n**5 * (c.mu * c.Delta) ** 3
    return top / (2**power * c.mp.exp(c.mp.one / 2) * (chosen(c) * c.sigma) ** 4)


def turn(c: Setting, power: int) -> Any:
    """`mu n^2 Delta/(2^power sigma^2)`."""
    return c.mu * c.n**2 * c.Delta / (2**power * c.sigma**2)


def allowed_bound(c: Setting) -> Any:
    """The right side of thm08.a2."""
    spread = c.x[c.n] - c.x[1]
    return risk_scale(c, 36) + 4 * c.mu**2 * spread**2 / c.sigma**4 * decay(c, 32)


def eq_20(c: Setting) -> Any:
    """`1/(16 n sigma^2)`."""
    return 1 / (16 * c.n * c.sigma**2)


def below_first(c: Setting) -> Hypothesis:
    """`sigma <= sigma_1`."""
    return "sigma <= mu Delta/8", c.sigma, "<=", c.mu * c.Delta / 8


def below_third(c: Setting) -> Hypothesis:
    """`sigma <= sigma_3`."""
    return "sigma <= 1/n", c.sigma, "<=", c.mp.one / c.n


def fourth(c: Setting) -> Any:
    """`sigma_4`: where `sqrt(1/(16 n sigma^2))/2 = mu n^2 Delta/(2^13 sigma^2)`."""
    return 8 * c.mu * c.n**2 * c.Delta * c.mp.sqrt(c.n) / 2**13


def below_fourth(c: Setting) -> Hypothesis:
    """`sigma <= sigma_4`."""
    return "sigma <= sigma_4", c.sigma, "<=", fourth(c)


def decay_limit(c: Setting, powers: int) -> Any:
    """`pi n^5 mu Delta^powers/(2^38 e^{1/2} (x_n - x_1)^2 A^4)`."""
    below = 2**38 * c.mp.exp(c.mp.one / 2) * (c.x[c.n] - c.x[1]) ** 2 * chosen(c) ** 4
    return c.mp.pi * c.n**5 * c.mu * c.Delta**powers / below


def small_decay(c: Setting) -> Hypothesis:
    """The printed condition of thm08.b."""
    return "e^{..} <= the printed limit", decay(c, 32), "<=", decay_limit(c, 0)


def smaller_decay(c: Setting) -> Hypothesis:
    """The condition of thm08.b with `Delta^3`."""
    return "e^{..} <= the limit with Delta^3", decay(c, 32), "<=", decay_limit(c, 3)


@side("thm08.a", given=(below_first,))
def thm08_a(c: Setting) -> list[Part]:
    """Corollary 3 applies."""
    return [(c.Delta, ">=", 2 * c.sigma / c.mu)]


@side("thm08.a2", given=(below_first,))
def thm08_a2(c: Setting) -> list[Part]:
    """The risk under the assumption of the proof."""
    return [(score_risk(c) + risk_scale(c, 36), "<=", allowed_bound(c))]


@side("thm08.b", given=(small_decay,))
def thm08_b(c: Setting) -> list[Part]:
    """Eq. 19 from the printed condition."""
    return [(allowed_bound(c), "<=", risk_scale(c, 35))]


@side("thm08.b.r1", given=(smaller_decay,))
def thm08_b_r1(c: Setting) -> list[Part]:
    """Eq. 19 from the condition with `Delta^3`."""
    return [(allowed_bound(c), "<=", risk_scale(c, 35))]


@side("thm08.c", given=(below_third, large_bound))
def thm08_c(c: Setting) -> list[Part]:
    """Eq. 20 from eq. 19."""
    return [(risk_scale(c, 35), "<=", eq_20(c))]


def square_and_cube(c: Setting, r: Any) -> tuple[Any, Any]:
    """`sqrt(2 n r)` and `(sqrt(2 pi e) A sigma n r)^{1/3}`."""
    inside = c.mp.sqrt(2 * c.mp.pi * c.mp.e) * chosen(c) * c.sigma * c.n * r
    return c.mp.sqrt(2 * c.n * r), c.mp.cbrt(inside)


@side("thm08.e", given=(large_bound,))
def thm08_e(c: Setting) -> list[Part]:
    """Where the two terms meet, and that eq. 20 lies below."""
    crossing = c.mp.pi * c.mp.e / 4 * chosen(c) ** 2 * c.sigma**2 / c.n
    meet, below = square_and_cube(c, crossing), square_and_cube(c, eq_20(c))
    return [(meet[0], "=", meet[1]), (below[0], "<=", below[1]), (eq_20(c), "<=", crossing)]


@side("thm08.e2")
def thm08_e2(c: Setting) -> list[Part]:
    """The third term at the largest risk of eq. 19."""
    mp, a, r = c.mp, chosen(c), risk_scale(c, 35)
    third = a / (mp.sqrt(2 * mp.pi) * c.sigma) * square_and_cube(c, r)[1]
    top = mp.exp(mp.one / 6) * mp.cbrt(a) ** 4 * mp.cbrt(c.n * r)
    return [
        (third, "=", top / (mp.cbrt(2 * mp.pi) * mp.cbrt(c.sigma) ** 2)),
        (third, "=", turn(c, 12)),
    ]


@side("thm08.f", given=(below_fourth,))
def thm08_f(c: Setting) -> list[Part]:
    """The second term at the largest risk of eq. 20."""
    return [(c.mp.sqrt(eq_20(c)) / 2, "<=", turn(c, 13))]


def rate(c: Setting) -> Any:
    """`eta`."""
    return c.number(c.data["learning_rate"])


def slow_rate(c: Setting) -> Hypothesis:
    """The inequality of thm08.g."""
    left = 1 / (2 * rate(c)) + turn(c, 13) + turn(c, 12)
    return "1/(2 eta) + mu n^2 Delta/(2^13 sigma^2) + .. >= ..", left, ">=", turn(c, 11)


@side("thm08.g", given=(slow_rate,))
def thm08_g(c: Setting) -> list[Part]:
    """The learning rate that follows."""
    return [(rate(c), "<=", 2**12 * c.sigma**2 / (c.mu * c.n**2 * c.Delta))]


def second(c: Setting) -> Any:
    """`sigma_2`: end of the first interval on which its inequality holds, at most 1."""
    mp, spread, constant = c.mp, c.x[c.n] - c.x[1], curvature_constant(c)
    scale = mp.log(mp.pi * c.n**5 * c.mu / (2**38 * spread**2 * constant**4)) - mp.one / 2

    def room(sigma: Any) -> Any:
        return scale + 24 * mp.log(sigma) + (c.mu * c.Delta / sigma) ** 2 / 32

    turning = min(mp.one, c.mu * c.Delta / mp.sqrt(384))
    if room(turning) >= 0:
        return mp.one
    low, high = turning / 2, turning
    while room(low) < 0:
        low = low / 2
    for _ in range(mp.prec):
        middle = (low + high) / 2
        low, high = (middle, high) if room(middle) >= 0 else (low, middle)
    return low


def noise_limits(c: Setting) -> list[Any]:
    """`sigma_1, .., sigma_4`."""
    return [c.mu * c.Delta / 8, second(c), c.mp.one / c.n, fourth(c)]


def below_all(c: Setting) -> Hypothesis:
    """`sigma <= sigma_0`."""
    return "sigma <= sigma_0", c.sigma, "<=", min(noise_limits(c))


@side("thm08.h", given=(below_all,))
def thm08_h(c: Setting) -> list[Part]:
    """The noise limit is positive and below each of the four."""
    limits = noise_limits(c)
    return [(min(limits), ">", c.mp.zero), *((c.sigma, "<=", limit) for limit in limits)]


@side("prose.c")
def prose_c(c: Setting) -> list[Part]:
    """The mean smallest gap of uniform data, by quadrature of `P(Delta > d) = (1 - (n-1)d/a)^n`."""
    a = c.x[c.n] - c.x[1]
    length = a / (c.n - 1)
    moments = (w * (1 - u / length) ** c.n for u, w in ((length * (1 + z) / 2, length * v / 2)
               for z, v in c.rule))  # fmt: skip
    expected = sum(moments)
    return [(expected, ">=", a / c.n**2), (expected, "<=", 2 * a / c.n**2)]


@side("prose.d")
def prose_d(c: Setting) -> list[Part]:
    """The noise limit is positive, and the threshold falls below any rate."""
    small = 2**12 * (rate(c) * c.mu * c.n**2 * c.Delta / 2**13) / (c.mu * c.n**2 * c.Delta)
    return [(min(noise_limits(c)), ">", c.mp.zero), (small, "<", rate(c))]

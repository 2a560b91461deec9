"""Both sides of the claims about one function of one variable, as printed: lemmas 13 and 14."""

from __future__ import annotations

from typing import Any

from dsmverify.replay.definitions import Setting, gaussian_mean, integral
from dsmverify.replay.registry import Hypothesis, Part, side


def parameter(c: Setting, name: str) -> Any:
    """A parameter of the instance."""
    return c.number(c.data["parameters"][name])


@side("lem13")
def lem13(c: Setting) -> list[Part]:
    """`x^k e^{-A x^2/2}` at quarters of `sqrt(k/A)`."""
    k, rate = int(c.data["parameters"]["k"]), parameter(c, "A")

    def power(quarters: int) -> Any:
        x = quarters * c.mp.sqrt(k / rate) / 4
        return x**k * c.mp.exp(-rate * x**2 / 2)

    return [
        (power(1), "<", power(2)),
        (power(2), "<", power(3)),
        (power(5), ">", power(6)),
        (power(6), ">", power(8)),
    ]


def beta_above(c: Setting) -> Hypothesis:
    """`beta > gamma`."""
    return "beta > gamma", parameter(c, "beta"), ">", parameter(c, "gamma")


def gamma_positive(c: Setting) -> Hypothesis:
    """`gamma > 0`."""
    return "gamma > 0", parameter(c, "gamma"), ">", 0


def width_positive(c: Setting) -> Hypothesis:
    """`delta > 0`."""
    return "delta > 0", parameter(c, "delta"), ">", 0


WIDTHS = (beta_above, gamma_positive, width_positive)


def polynomial(c: Setting, x: Any) -> Any:
    """`f(x)` of the instance, coefficients from the constant on."""
    return sum(c.number(a) * x**p for p, a in enumerate(c.data["parameters"]["f"]))


def truncated(c: Setting, function: Any) -> Any:
    """`int_{-delta}^{delta} function(x) e^{-x^2/(2 sigma^2)} dx`, by quadrature."""
    delta = parameter(c, "delta")
    end = min(delta, 60 * c.sigma)
    steps = 2 * (int(end / c.sigma) + 1)
    cuts = [end * (2 * k - steps) / steps for k in range(steps + 1)]
    return integral(c, lambda x: function(x) * c.mp.exp(-(x**2) / (2 * c.sigma**2)), cuts)


def truncated_square(c: Setting) -> Any:
    """`((beta-gamma)^2/sqrt(2 pi sigma^2)) int_{-delta}^{delta} x^2 e^{-x^2/(2 sigma^2)} dx`."""
    room = (parameter(c, "beta") - parameter(c, "gamma")) ** 2
    return room * truncated(c, lambda x: x**2) / c.mp.sqrt(2 * c.mp.pi * c.sigma**2)


@side("lem14a", given=WIDTHS)
def lem14a(c: Setting) -> list[Part]:
    """The tilted risk of f and its lower bound."""
    beta = parameter(c, "beta")
    left = gaussian_mean(c, lambda x: (polynomial(c, x) + beta * x) ** 2, c.mp.zero)
    return [(left, ">=", truncated_square(c))]


@side("lem14b", given=WIDTHS)
def lem14b(c: Setting) -> list[Part]:
    """The truncated square and its lower bound."""
    delta, root = parameter(c, "delta"), c.mp.sqrt(2 * c.mp.pi * c.sigma**2)
    lost = 2 * (delta / root + 1) * c.mp.exp(-(delta**2) / (2 * c.sigma**2))
    room = (parameter(c, "beta") - parameter(c, "gamma")) ** 2
    return [(truncated_square(c), ">=", c.sigma**2 * room * (1 - lost))]


@side("lem14.a", given=WIDTHS)
def lem14_a(c: Setting) -> list[Part]:
    """The tilted integral of f against that of a line."""
    beta, gamma = parameter(c, "beta"), parameter(c, "gamma")
    start = polynomial(c, c.mp.zero)
    left = truncated(c, lambda y: (polynomial(c, y) + beta * y) ** 2)
    return [(left, ">=", truncated(c, lambda y: (-gamma * y + start + beta * y) ** 2))]


@side("lem14.a.r1", given=WIDTHS)
def lem14_a_r1(c: Setting) -> list[Part]:
    """The tilted integral of f against that of a line through 0."""
    beta, gamma = parameter(c, "beta"), parameter(c, "gamma")
    left = truncated(c, lambda y: (polynomial(c, y) + beta * y) ** 2)
    return [(left, ">=", truncated(c, lambda y: ((beta - gamma) * y) ** 2))]


@side("lem14.b", given=WIDTHS)
def lem14_b(c: Setting) -> list[Part]:
    """The cross term under the integral."""
    room, start = parameter(c, "beta") - parameter(c, "gamma"), polynomial(c, c.mp.zero)
    left = truncated(c, lambda y: (room * y) ** 2 + 2 * room * start * y + start**2)
    return [(left, "=", truncated(c, lambda y: (room * y) ** 2 + start**2))]


def by_probability(c: Setting) -> Any:
    """The right side of lem14.c."""
    delta, root = parameter(c, "delta"), c.mp.sqrt(2 * c.mp.pi * c.sigma**2)
    room = (parameter(c, "beta") - parameter(c, "gamma")) ** 2
    edge = 2 * delta / root * c.mp.exp(-(delta**2) / (2 * c.sigma**2))
    return c.sigma**2 * room * (truncated(c, lambda _: c.mp.one) / root - edge)


@side("lem14.c", given=WIDTHS)
def lem14_c(c: Setting) -> list[Part]:
    """The truncated square by a probability."""
    return [(truncated_square(c), "=", by_probability(c))]


def square_floor(c: Setting, sign: int) -> Any:
    """The right side of lem14.d, its last exponent `sign delta^2/(2 sigma^2)`."""
    delta, root = parameter(c, "delta"), c.mp.sqrt(2 * c.mp.pi * c.sigma**2)
    room, u = (parameter(c, "beta") - parameter(c, "gamma")) ** 2, delta**2 / (2 * c.sigma**2)
    last = 1 - 2 * c.mp.exp(sign * u)
    return c.sigma**2 * room * (-2 * delta / root * c.mp.exp(-u) + last)


@side("lem14.d", given=WIDTHS)
def lem14_d(c: Setting) -> list[Part]:
    """The tail bound as printed."""
    return [(by_probability(c), ">=", square_floor(c, 1))]


@side("lem14.d.r1", given=WIDTHS)
def lem14_d_r1(c: Setting) -> list[Part]:
    """The tail bound with one minus sign."""
    return [(by_probability(c), ">=", square_floor(c, -1))]

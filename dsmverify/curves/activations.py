"""Activations: what they are in every kind of number, and their moments, certified.

An activation is known by name (`activation_named("tanh")`) or made by a user. Moments come from the
closed forms where there are any (relu, erf, sin, linear, abs), from a certified Hermite series
where the activation is analytic (tanh, silu, gelu), and from a certified integral over the plane
where it has kinks.

    >>> from dsmverify.curves.activations import Activation, activation_named
    >>> from dsmverify.curves.panels import Growth
    >>> found = activation_named("tanh").moments(0.1)
    >>> print(f"{found.shared:.15f} {found.fresh:.15f}")
    0.013841453738220 0.013573872297211
    >>> leaky = Activation.piecewise(
    ...     "leaky", [lambda ns, x: x / 10, lambda ns, x: x], kinks=[0], growth=Growth(1, 1)
    ... )
    >>> leaky.is_linear
    False
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
from flint import acb, arb, ctx
from scipy import special

from dsmverify.certify import precision
from dsmverify.curves.hermite import Series, hermite_series
from dsmverify.curves.kinks import kinked_moments
from dsmverify.curves.panels import Growth, PiecewiseAnalytic
from dsmverify.curves.rules import (
    Rule,
    check_kinds,
    check_rules,
    checked_kinks,
    on_arrays,
    on_complex_balls,
    on_tensors,
    refuse_without_growth,
)
from dsmverify.errors import InputError, nearest, show
from dsmverify.formulas.activations import CLOSED, Moments, moments
from dsmverify.systems import float64
from dsmverify.systems.balls import SYSTEM as BALLS
from dsmverify.systems.balls import ball
from dsmverify.truth import certainly_below, sign

SPARE_BITS = 16
"""Bits by which a tail is smaller than the working precision asks for."""

FLOAT_BITS = 100
"""Bits at which moments are enclosed that are rounded to float64."""

FLOAT_DIGITS = 14
"""Digits that a moment must have before it is rounded to float64."""

TRIALS = tuple(Fraction(k, 3) for k in range(-24, 25))
"""Places at which second differences are looked at; the activation is linear if all vanish."""


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function.

    Attributes:
        name: how it is called.
        function: on balls, piece by piece.
        float64: on NumPy arrays, entry by entry.
        torch: on tensors, entry by entry.
        linear: whether it is linear (or affine) where its maker knows; None to find out.
        closed: whether its moments have closed forms, under its name.
    """

    name: str
    function: PiecewiseAnalytic
    float64: Callable[[Any], Any]
    torch: Callable[[Any], Any]
    linear: bool | None = None
    closed: bool = False

    @classmethod
    def piecewise(
        cls,
        name: str,
        pieces: Sequence[Rule],
        kinks: Sequence[Fraction | int] = (),
        growth: Growth | None = None,
        linear: bool | None = None,
    ) -> Activation:
        """An activation of a user, one rule for each piece between its kinks.

        Args:
            name: how to call it.
            pieces: functions of a number system and a number, from left to right: `lambda ns, x:
                x / (1 + ns.exp(-x))`. Each is analytic around its own interval.
            kinks: ascending, one less than there are pieces; exact.
            growth: bound `|rho(x)| <= constant exp(rate |x| + square x^2)` on the real line; it is
                taken on trust far out.
            linear: whether it is linear or affine, if you know.

        Raises:
            InputError: wrong kinks, a rule that cannot be followed, or no bound of growth.
        """
        check_kinds(name, pieces, kinks, linear)
        places = checked_kinks(name, len(pieces), kinks)
        check_rules(name, pieces, places)
        if growth is None:
            refuse_without_growth(name, pieces)
        if not isinstance(growth, Growth):
            rule, way_out = "it must be a Growth", "give growth=Growth(constant, rate, square)"
            raise InputError("growth", show(growth), rule, way_out)
        made = tuple(on_complex_balls(piece) for piece in pieces)
        function = PiecewiseAnalytic(name, made, places, growth)
        return cls(
            name,
            function,
            lambda x: on_arrays(pieces, places, x),
            lambda x: on_tensors(pieces, places, x),
            linear,
        )

    @property
    def kinks(self) -> tuple[float, ...]:
        """Places where it is not smooth, as floats."""
        return tuple(float(kink) for kink in self.function.kinks)

    @property
    def is_linear(self) -> bool:
        """Whether it is linear or affine, which is certain either way.

        Raises:
            InputError: no second difference is certainly different from 0, and nobody said that it
                is linear; or one is, and somebody did.
        """
        return _is_linear(self)

    def moments(self, time: Any) -> Moments[Any]:
        """Moments at a time, or an array of them; approximate, relative error about 1e-14.

        Args:
            time: t, positive.

        Raises:
            InputError: a time is not positive, or the moments cannot be certified to as many
                digits.
        """
        is_array = isinstance(time, np.ndarray) and time.dtype.kind in "iuf"
        if not is_array and (isinstance(time, bool) or not isinstance(time, Real)):
            rule = "it must be a number, or an array of numbers"
            raise InputError("time", show(time), rule, "give t > 0")
        if not np.all(np.asarray(time) > 0):
            raise InputError("time", show(time), "it must be positive", "give t > 0")
        if is_array:
            return _float_moments(self, time.astype(np.float64))
        return _moments_at(self, float(time))

    def enclose_moments(self, time: Any) -> Moments[Any]:
        """Moments at a time; enclosures at the working precision, kept.

        Args:
            time: t, positive: an integer, a `Fraction` or a ball.

        Raises:
            InputError: it is neither exact nor a ball, or not certainly positive.
        """
        if isinstance(time, bool) or not isinstance(time, int | Fraction | arb):
            rule = "it must be exact, or a ball"
            raise InputError("time", show(time), rule, "write Fraction(1, 10), say")
        if not bool(time > 0):
            raise InputError("time", show(time), "it must be positive", "give t > 0")
        if isinstance(time, arb):
            return _enclosed(self, time)
        return _enclosed_at(self, Fraction(time), int(ctx.prec))

    def series(self, bits: Any = FLOAT_BITS) -> Series:
        """Its certified Hermite coefficients, the tail below `2^-bits` where that is possible.

        Raises:
            InputError: bits are no positive integer, or the coefficients cannot be certified.
        """
        if isinstance(bits, bool) or not isinstance(bits, int) or bits < 1:
            raise InputError("bits", show(bits), "it must be a positive integer", "give 100, say")
        return hermite_series(self.function, bits)

    def __repr__(self) -> str:
        """Its name."""
        return f"Activation({self.name!r})"


def activation_named(name: Any) -> Activation:
    """The activation called `name`.

    Raises:
        InputError: there is none.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        close = nearest(str(name), ACTIVATIONS)
        meant = f"did you mean {close!r}? " if close else ""
        raise InputError(
            "activation",
            show(name),
            "there is no activation of this name",
            f"{meant}take one of {', '.join(ACTIVATIONS)}, or make one by Activation.piecewise",
        )
    return ACTIVATIONS[name]


# Moments ----------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _moments_at(activation: Activation, time: float) -> Moments[Any]:
    found = _float_moments(activation, np.array(time))
    return Moments(*(float(getattr(found, field)) for field in Moments.__dataclass_fields__))


def _float_moments(activation: Activation, time: Any) -> Moments[Any]:
    a, h = np.exp(-time), -np.expm1(-2 * time)
    if activation.closed:
        return moments(float64.SYSTEM, activation.name, a, h)
    if activation.function.kinks:
        return _rounded_moments(activation, time)
    return _series_moments(_float_series(activation), a, h)


@lru_cache(maxsize=256)
def _float_series(activation: Activation) -> tuple[float, Any]:
    with precision(FLOAT_BITS + 28):
        series = hermite_series(activation.function, FLOAT_BITS)
        _refuse_wide(activation, series.square, series.tail)
        if not activation.linear:
            # The nonlinear moments are sums over k >= 2: they must be known beside themselves, not
            # only beside the square that a large linear part may make up.
            squares = [c * c for c in series.coefficients[2:]]
            rest = sum(squares, arb(0))
            open_part = series.tail + sum((arb(q.rad()) for q in squares), arb(0))
            _refuse_wide(activation, arb(rest.mid()), open_part)
        # What is left of the variance is below 2^-FLOAT_BITS: nothing beside `fresh`, even at times
        # as small as 1e-12.
        return series.floats()


def _series_moments(series: tuple[float, Any], a: Any, h: Any) -> Moments[Any]:
    """Sums of positive terms: relative error of a few roundings."""
    mean, squares = series
    c = a * a
    power, partial = c * c, 1 + c
    shared, fresh = np.zeros_like(c), np.zeros_like(c)
    for square in squares[1:]:
        shared = shared + square * power
        fresh = fresh + square * partial
        power, partial = power * c, 1 + c * partial
    return Moments(
        mean=np.float64(mean),
        linear=squares[0],
        nonlinear=np.sum(squares[:0:-1]),
        shared=shared,
        fresh=h * fresh,
    )


def _rounded_moments(activation: Activation, time: Any) -> Moments[Any]:
    """Middles of the enclosures, time by time."""
    names = tuple(Moments.__dataclass_fields__)
    flat = np.empty((len(names), time.size))
    for column, value in enumerate(time.ravel()):
        found = _narrow_moments(activation, Fraction(float(value)))
        flat[:, column] = [float(getattr(found, field).mid()) for field in names]
    return Moments(*(row.reshape(time.shape) for row in flat))


def _narrow_moments(activation: Activation, time: Fraction) -> Moments[Any]:
    """Enclosures that are narrow relative to what they enclose, at large times too."""
    for bits in (FLOAT_BITS, 2 * FLOAT_BITS, 4 * FLOAT_BITS):
        found = _enclosed_at(activation, time, bits)
        parts = found.shared, found.fresh
        if all(certainly_below(arb(x.rad()), x * arb(10) ** -FLOAT_DIGITS) for x in parts):
            break
    for part in parts:
        _refuse_wide(activation, part, arb(part.rad()))
    return found


def _refuse_wide(activation: Activation, size: arb, missing: arb) -> None:
    if not certainly_below(missing, size * arb(10) ** -FLOAT_DIGITS):
        raise InputError(
            "activation",
            activation.name,
            f"its moments are certified to less than {FLOAT_DIGITS} digits "
            f"({missing.str(3, radius=False)} of {size.str(3, radius=False)} is left open)",
            "give the places where it is not smooth as kinks, with a rule for each piece; "
            "linear=True if it is linear",
        )


@lru_cache(maxsize=4096)
def _enclosed_at(activation: Activation, time: Fraction, bits: int) -> Moments[Any]:
    with precision(bits):
        return _enclosed(activation, ball(time))


def _enclosed(activation: Activation, time: arb) -> Moments[Any]:
    a, h = (-time).exp(), -(-2 * time).expm1()
    if activation.closed:
        return moments(BALLS, activation.name, a, h)
    if activation.function.kinks:
        return kinked_moments(activation.function, a, h)
    return hermite_series(activation.function, int(ctx.prec) + SPARE_BITS).moments(a, h)


# Linearity --------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _is_linear(activation: Activation) -> bool:
    if activation.linear is False:
        return False
    with precision(FLOAT_BITS):
        for x in TRIALS:
            left, middle, right = (activation.function.on(ball(x + k)) for k in (-1, 0, 1))
            if sign(left - 2 * middle + right):
                if activation.linear:
                    rule = f"{activation.name} certainly bends between {x - 1} and {x + 1}"
                    raise InputError("linear", "True", rule, "leave linear out")
                return False
    if activation.linear:
        return True
    raise InputError(
        "activation",
        activation.name,
        "whether it is linear is not certain: no second difference tried is certainly not 0",
        "say so by linear=True or linear=False",
    )


# The registry -----------------------------------------------------------------------------------


def _in_torch(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A function of the torch library and a tensor; the library is loaded when it is first used."""

    def call(x: Any) -> Any:
        import torch

        return function(torch, x)

    return call


def _gelu(z: acb) -> acb:
    return z * (-z / arb(2).sqrt()).erfc() / 2


_LINE = Growth(1, 1)  # |x| <= exp(|x|)

_KNOWN: dict[str, tuple[PiecewiseAnalytic, Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "relu": (
        PiecewiseAnalytic("relu", (lambda z: acb(0), lambda z: z), (Fraction(0),), _LINE),
        lambda x: np.maximum(x, 0.0),
        lambda torch, x: torch.relu(x),
    ),
    "erf": (
        PiecewiseAnalytic("erf", (lambda z: z.erf(),), odd=True),
        special.erf,
        lambda torch, x: torch.erf(x),
    ),
    "sin": (
        PiecewiseAnalytic("sin", (lambda z: z.sin(),), odd=True),
        np.sin,
        lambda torch, x: torch.sin(x),
    ),
    "linear": (
        PiecewiseAnalytic("linear", (lambda z: z,), (), _LINE),
        lambda x: np.array(x, dtype=np.float64),
        lambda torch, x: x.clone(),
    ),
    "abs": (
        PiecewiseAnalytic("abs", (lambda z: -z, lambda z: z), (Fraction(0),), _LINE),
        np.abs,
        lambda torch, x: torch.abs(x),
    ),
    "tanh": (
        PiecewiseAnalytic("tanh", (lambda z: z.tanh(),), odd=True),
        np.tanh,
        lambda torch, x: torch.tanh(x),
    ),
    "silu": (
        PiecewiseAnalytic("silu", (lambda z: z / (1 + (-z).exp()),), (), _LINE),
        lambda x: x * special.expit(x),
        lambda torch, x: torch.nn.functional.silu(x),
    ),
    "gelu": (
        PiecewiseAnalytic("gelu", (_gelu,), (), _LINE),
        lambda x: x * special.ndtr(x),
        lambda torch, x: torch.nn.functional.gelu(x),
    ),
}

ACTIVATIONS: dict[str, Activation] = {
    name: Activation(
        name, function, on_arrays, _in_torch(on_tensors), name == "linear", name in CLOSED
    )
    for name, (function, on_arrays, on_tensors) in _KNOWN.items()
}
"""The activations known by name."""

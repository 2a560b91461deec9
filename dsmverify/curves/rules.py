"""A user's activation, made of one rule for each piece, in every kind of number.

A rule is a function of a number system and a number, and uses the system's functions, integers and
constants alone, as the formulas of this package do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
from flint import acb, arb

from dsmverify.certify import precision
from dsmverify.curves.panels import ComplexFunction
from dsmverify.errors import InputError, show
from dsmverify.numbers import Numbers
from dsmverify.systems import float64, load
from dsmverify.systems.balls import ComplexBalls
from dsmverify.systems.strict import StrictError, Traced

Rule = Callable[[Numbers[Any], Any], Any]
"""A piece of an activation in any number system, by its functions and integers alone."""

TRIAL_BITS = 100
"""Bits at which the growth of a rule is looked at."""


class AnalyticBalls(ComplexBalls):
    """Complex balls that say where a function is not analytic: the result is no number there."""

    def root(self, x: Any, degree: int) -> Any:
        """Root, off the negative half-line."""
        return x.root(degree) if bool(x.real > 0) else acb("nan")

    def arctan_defect(self, x: Any) -> Any:
        """`x - arctan(x)`, off the half-lines above i and below -i."""
        return x - x.atan() if bool(abs(x.imag) < 1) else acb("nan")

    def absolute(self, x: Any) -> NoReturn:
        """Refused."""
        self._refuse("absolute")

    def maximum(self, x: Any, y: Any) -> NoReturn:
        """Refused."""
        self._refuse("maximum")

    def _refuse(self, name: str) -> NoReturn:
        raise InputError(
            "activation",
            f"ns.{name}",
            "a piece must be analytic",
            "give the kinks, and a function for each piece between them",
        )


ANALYTIC = AnalyticBalls()


def check_kinds(name: object, pieces: object, kinks: object, linear: object) -> None:
    """See that the arguments of an activation are what they should be, before any is used.

    Raises:
        InputError: one is of another type.
    """
    if not isinstance(name, str):
        raise InputError("name", show(name), "it must be text", 'give "mine", say')
    way_out = "write [lambda ns, x: x / (1 + ns.exp(-x))], say"
    if not isinstance(pieces, Sequence) or not pieces or not all(map(callable, pieces)):
        rule = "they must be functions of a number system and a number, in a list"
        raise InputError("pieces", show(pieces), rule, way_out)
    if isinstance(kinks, str) or not isinstance(kinks, Sequence):
        raise InputError("kinks", show(kinks), "they must be a list", "write kinks=[0], say")
    if linear is not None and not isinstance(linear, bool):
        rule = "it must be True, False or None"
        raise InputError("linear", show(linear), rule, "leave linear out")


def checked_kinks(name: str, pieces: int, kinks: Sequence[Fraction | int]) -> tuple[Fraction, ...]:
    """Kinks as fractions.

    Raises:
        InputError: one is not exact, they do not ascend, or their number does not fit.
    """
    for kink in kinks:
        if isinstance(kink, bool) or not isinstance(kink, int | Fraction):
            rule = "a kink is exact"
            raise InputError("kinks", show(kink), rule, "write an integer or Fraction(1, 2), say")
    places = tuple(map(Fraction, kinks))
    if pieces != len(places) + 1 or any(low >= high for low, high in pairwise(places)):
        raise InputError(
            "kinks",
            show([str(kink) for kink in places]),
            f"they must ascend, one less than the {pieces} pieces of {name}",
            "give one rule for each interval between kinks",
        )
    return places


def check_rules(name: str, pieces: Sequence[Rule], kinks: Sequence[Fraction]) -> None:
    """See each rule through the tracer, at a point of its own interval.

    Raises:
        InputError: a rule uses more than the number system offers, raises something itself, or
            does not return a number.
    """
    way_out = "use the system's functions, integers and ns.constant(Fraction(1, 10))"
    strict: Numbers[Any] = load("strict")
    for rule, (low, high) in zip(pieces, pairwise([None, *kinks, None]), strict=True):
        inner = [end for end in (low, high) if end is not None]
        x = Fraction(sum(inner), max(1, len(inner))) - (low is None) + (high is None)
        taken = "a rule takes a number system and a number"
        try:
            value = rule(strict, strict.constant(x))
        except StrictError as error:
            raise InputError("pieces", name, f"{taken}, and {error}", way_out) from error
        except Exception as error:  # whatever a user's function may raise
            said = f"at x = {x} one raised {type(error).__name__}: {error}"
            raise InputError("pieces", name, f"{taken}, and {said}", way_out) from error
        if not isinstance(value, Traced | int) or isinstance(value, bool):
            said = f"at x = {x} one returned {show(value)}, which is no number of the system"
            raise InputError("pieces", name, f"{taken}, and {said}", way_out)


def refuse_without_growth(name: str, pieces: Sequence[Rule]) -> NoReturn:
    """Say what is missing, and whether the second moment is infinite by all appearances.

    Raises:
        InputError: always.
    """
    with precision(TRIAL_BITS):
        for rule, side in ((pieces[0], -1), (pieces[-1], 1)):
            rates = [
                (abs(on_complex_balls(rule)(acb(side * x)).real).log() / (x * x)) for x in (20, 40)
            ]
            if all(bool(rate >= arb(1) / 4) for rate in rates):
                raise InputError(
                    "activation",
                    name,
                    "it grows at least like exp(x^2/4) at x = 20 and at x = 40, so E rho(g)^2 is "
                    "infinite by all appearances",
                    "take an activation with a finite second moment",
                )
    raise InputError(
        "growth",
        "None",
        f"the Gaussian tails of {name} need a bound",
        "give growth=Growth(constant, rate), for |rho(x)| <= constant exp(rate |x|)",
    )


def on_complex_balls(rule: Rule) -> ComplexFunction:
    """The rule on complex balls."""

    def piece(z: acb) -> acb:
        return acb(rule(ANALYTIC, z))

    return piece


def on_arrays(pieces: Sequence[Rule], kinks: Sequence[Fraction], x: Any) -> Any:
    """The activation on NumPy arrays; at a kink by the right piece."""
    ends = (-math.inf, *map(float, kinks), math.inf)
    x = np.asarray(x, dtype=np.float64)
    # Clipping keeps every piece on its own interval, where it neither overflows nor divides by 0.
    parts = [
        np.broadcast_to(rule(float64.SYSTEM, np.clip(x, low, high)), x.shape)
        for rule, (low, high) in zip(pieces, pairwise(ends), strict=True)
    ]
    place = np.searchsorted(np.array(ends[1:-1]), x, side="right")
    return np.take_along_axis(np.stack(parts), place[None], axis=0)[0]


def on_tensors(pieces: Sequence[Rule], kinks: Sequence[Fraction], x: Any) -> Any:
    """The activation on tensors; at a kink by the right piece."""
    import torch

    system = load("torch")
    ends = (None, *map(float, kinks), None)
    value = torch.zeros_like(x)
    for rule, (low, high) in zip(pieces, pairwise(ends), strict=True):
        inside = x if low is None and high is None else torch.clamp(x, low, high)
        part = rule(system, inside) + torch.zeros_like(x)
        value = part if low is None else torch.where(x >= low, part, value)
    return value

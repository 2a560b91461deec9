"""Parameters of claims about functions: powers, rates, widths, polynomials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import numpy as np

from dsmverify.instance import Instance
from dsmverify.search.rounding import rounded

DECADES: Final = 3.0
"""Widths and slopes range over so many powers of ten on either side of the noise level's."""


def with_parameters(
    instance: Instance, names: Sequence[str], generator: np.random.Generator
) -> Iterator[Instance]:
    """The instance with the parameters that a claim asks for, endlessly."""
    while True:
        sigma = float(instance.noise.values(_floats())[1])
        gamma = rounded(_power(generator), 1)
        beta = gamma + rounded(_power(generator), 1)
        delta = rounded(sigma * _power(generator), 1)
        made: dict[str, Any] = {
            "k": int(generator.integers(1, 13)),
            "A": rounded(_power(generator), 1),
            "t": rounded(_power(generator), 1),
            "beta": beta,
            "gamma": gamma,
            "delta": delta,
            "f": _polynomial(generator, gamma, delta),
        }
        yield replace(instance, parameters={name: made[name] for name in names if name in made})


def _polynomial(
    generator: np.random.Generator, gamma: Fraction, delta: Fraction
) -> tuple[Fraction, ...]:
    """Coefficients of a polynomial that falls at most as fast as `gamma`.

    Its slope is `-gamma` plus a square `(a + b y)^2`, so that this holds everywhere.
    """
    level = rounded(float(gamma * delta) * float(generator.standard_normal()), 1)
    a = rounded(float(gamma) ** 0.5 * float(generator.choice([0, 1, generator.normal()])), 1)
    b = rounded(float(gamma) ** 0.5 / float(delta) * float(generator.normal()), 1)
    if generator.random() < 0.5:
        b = Fraction(0)
    return (level, a * a - gamma, a * b, b * b / 3)


def _power(generator: np.random.Generator) -> float:
    return float(10.0 ** generator.uniform(-DECADES, DECADES))


def _floats() -> Any:
    from dsmverify.systems.float64 import SYSTEM

    return SYSTEM

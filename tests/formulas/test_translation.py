"""Curvature of the risk along the translation of the score, against an independent oracle.

The oracle is the definition: the risk of the network with moved biases, by Gauss-Legendre
quadrature between kinks in mpmath, differenced at 40 digits.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp

from dsmverify import express
from dsmverify.formulas import curvature, translation
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.systems import load

STEP = Fraction(1, 10**9)
"""Step of the second difference: its error is of the order of the step where a kink passes."""


def instances() -> list[Instance]:
    """Networks of one to four neurons on samples of one to four points, with short rationals."""
    chance = random.Random(7)
    found = []
    for m in (1, 2, 3, 4):
        points = sorted({Fraction(chance.randint(-9, 9), 4) for _ in range(m + 1)})
        data = NetworkData(
            tuple(Fraction(chance.choice((-1, 1))) for _ in range(m)),
            tuple(Fraction(chance.randint(-9, 9), 7) for _ in range(m)),
            tuple(Fraction(chance.randint(-9, 9), 3) for _ in range(m)),
        )
        noise = NoiseLevel.of(mu=Fraction(4, 5), sigma=Fraction(chance.randint(2, 5), 6))
        found.append(Instance(f"random-{m}", tuple(points), noise, network=data))
    return found


INSTANCES = instances()


def _mp(x: Any) -> Any:
    return mp.mpf(x.numerator) / x.denominator


def _risk(instance: Instance, shift: Any) -> Any:
    """`R_n` of the network whose biases moved by `shift` times their inner weights."""
    data = instance.network
    assert data is not None
    inner = [_mp(w) for w in data.inner_weights]
    bias = [_mp(b) + shift * w for b, w in zip(data.biases, inner, strict=True)]
    outer = [_mp(v) for v in data.outer_weights]
    mu, sigma = mp.mpf(4) / 5, _mp(instance.noise.sigma)
    total = mp.mpf(0)
    for point in instance.points:
        mean = mu * _mp(point)

        def loss(z: Any, mean: Any = mean) -> Any:
            y = mean + sigma * z
            relus = [max(w * y + b, mp.mpf(0)) for w, b in zip(inner, bias, strict=True)]
            s = sum(v * r for v, r in zip(outer, relus, strict=True)) / len(outer)
            return (s + z / sigma) ** 2 * mp.npdf(z)

        kinks = sorted((-b / w - mean) / sigma for w, b in zip(inner, bias, strict=True))
        inside = [kink for kink in kinks if -14 < kink < 14]
        total += mp.quad(loss, sorted([-14, -8, -3, 3, 8, 14, *inside]))
    return total / len(instance.points)


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda instance: instance.name)
def test_both_forms_are_the_second_derivative_of_the_moved_risk(instance: Instance) -> None:
    with mp.workdps(40):
        values = [_risk(instance, _mp(k * STEP)) for k in (-1, 0, 1)]
        # Quadrature to about 1e-35 over a squared step of 1e-18 leaves 1e-17; the normal tail
        # beyond 14 is below 1e-42. What is left is the step, times third derivatives below 1e3.
        defined = float((values[0] - 2 * values[1] + values[2]) / _mp(STEP) ** 2)
    for name in ("mpmath", "arb", "float64"):
        ns: Any = load(name)
        given = (ns, express.sample(ns, instance), express.network(ns, instance))
        for form in (
            translation.translated_curvature,
            translation.translated_curvature_by_moments,
        ):
            value = form(*given)
            assert float(value) == pytest.approx(defined, rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda instance: instance.name)
def test_the_mean_squared_slope_is_the_kernel_along_the_translation(instance: Instance) -> None:
    ns: Any = load("arb")
    given = (ns, express.sample(ns, instance), express.network(ns, instance))
    vector = translation.translation_vector(ns, given[2])
    kernel = curvature.tangent_kernel_product(*given)(vector)
    assert translation.squared_slope_mean(*given).overlaps((vector * kernel).sum())

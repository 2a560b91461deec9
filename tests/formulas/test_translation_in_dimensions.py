"""Networks in three dimensions and of three layers, against their definitions by quadrature.

The oracle spells the networks out again, neuron by neuron, and knows neither pieces nor products of
means: a tensor product of Gauss-Legendre rules between kinks, in three dimensions, for the risk and
the moments of the translated risk; the translated risk itself, differenced at 40 digits, on the
line.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from dsmverify import express
from dsmverify.formulas import dimensions
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.systems import load

MU = 0.8
STEP = Fraction(1, 10**9)
"""Step of the second difference: its error is of the order of the step where a kink passes."""


def instances() -> list[Instance]:
    """Networks of one to three neurons on samples of two to four points, with short rationals."""
    chance = random.Random(11)
    found = []
    for m in (1, 2, 3):
        points = tuple(Fraction(2 * k + chance.randint(0, 1), 3) for k in range(m + 1))
        data = NetworkData(
            tuple(Fraction(chance.choice((-1, 1)) * chance.randint(2, 5), 3) for _ in range(m)),
            tuple(Fraction(chance.randint(-9, 9), 7) for _ in range(m)),
            tuple(Fraction(chance.randint(-9, 9), 3) for _ in range(m)),
        )
        noise = NoiseLevel.of(mu=Fraction(4, 5), sigma=Fraction(chance.randint(3, 5), 6))
        found.append(Instance(f"random-{m}", points, noise, network=data))
    return found


INSTANCES = instances()


def _given(instance: Instance, name: str) -> tuple[Any, Any, Any]:
    ns: Any = load(name)
    return ns, express.sample(ns, instance), express.network(ns, instance)


def _line_rule(instance: Instance, mean: float, sigma: float) -> tuple[Any, Any]:
    """Nodes z and weights of the standard normal law between kinks, on [-9, 9]."""
    data = instance.network
    assert data is not None
    kinks = [float(-b / w) for w, b in zip(data.inner_weights, data.biases, strict=True)]
    inside = [(kink - mean) / sigma for kink in kinks if abs(kink - mean) < 9 * sigma]
    ends = np.unique([-9.0, -4.0, 0.0, 4.0, 9.0, *inside])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half, middle = np.diff(ends)[:, None] / 2, (ends[1:] + ends[:-1])[:, None] / 2
    z = (middle + half * nodes).ravel()
    mass = (half * weights).ravel() * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return z, mass


def _neurons(instance: Instance) -> list[tuple[Any, float, Any]]:
    """Inner weight, bias and outer weight of all 3 m neurons, as the module's table has them."""
    data = instance.network
    assert data is not None
    eye = np.eye(3)
    return [
        (
            (k + 1) * float(w) * eye[k],
            (k + 1) * float(b),
            3 * float(a) * (eye[k] + eye[(k + 1) % 3] / 16) / (k + 1),
        )
        for w, b, a in zip(data.inner_weights, data.biases, data.outer_weights, strict=True)
        for k in range(3)
    ]


def _in_three_dimensions(instance: Instance) -> tuple[float, list[float], float]:
    """`R_n`, F''(0) by moments along (1, 2, 2)/3 and the axes, and `E||D s||^2`, by quadrature."""
    sigma, x = float(instance.noise.sigma or 0), [float(point) for point in instance.points]
    neurons = _neurons(instance)
    directions = [np.array([1, 2, 2]) / 3, *np.eye(3)]
    risk, jacobian, curvatures = 0.0, 0.0, np.zeros(4)
    for i in range(len(x)):
        centre = MU * np.array([x[(i + k) % len(x)] for k in range(3)])
        rules = [_line_rule(instance, mean, sigma) for mean in centre]
        z = np.stack(np.meshgrid(*(rule[0] for rule in rules), indexing="ij"), axis=-1)
        mass = np.einsum("i,j,k->ijk", *(rule[1] for rule in rules))
        y = centre + sigma * z
        f, slopes = z / sigma, np.zeros((*z.shape, 3))
        for w, b, a in neurons:
            active = y @ w + b
            f = f + np.maximum(active, 0)[..., None] * a / len(neurons)
            slopes += (active > 0)[..., None, None] * np.outer(a, w) / len(neurons)
        square = (f * f).sum(axis=-1)
        risk += float((mass * square).sum()) / len(x)
        jacobian += float((mass * (slopes * slopes).sum(axis=(-2, -1))).sum()) / len(x)
        for place, u in enumerate(directions):
            zeta = z @ u
            moments = -4 * zeta * (f @ u) / sigma**3 + (zeta**2 - 1) * square / sigma**2
            curvatures[place] += float((mass * moments).sum()) / len(x)
    return risk, list(2 / sigma**4 + curvatures), jacobian


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda instance: instance.name)
def test_three_dimensions_by_tensor_quadrature(instance: Instance) -> None:
    risk, (oblique, *axes), jacobian = _in_three_dimensions(instance)
    for name in ("arb", "float64", "mpmath"):
        ns, *rest = _given(instance, name)
        found = dimensions.spread(ns, *rest)
        # 16 nodes on panels of at most 5 standard deviations leave about 1e-10 of polynomials
        # times the density, relative to terms of the size of 1/sigma^4; tails beyond 9 are 1e-18.
        near: dict[str, Any] = {"rel": 1e-8, "abs": 1e-7}
        assert float(found.risk) == pytest.approx(risk, **near), name
        along = found.curvature(ns, dimensions.DIRECTION)
        assert float(along) == pytest.approx(oblique, **near), name
        for k, value in enumerate(axes):
            unit = tuple(Fraction(int(k == axis)) for axis in range(3))
            assert float(found.curvature(ns, unit)) == pytest.approx(value, **near), name
        total = sum(found.slopes[k, k] for k in range(3))
        assert float(total) == pytest.approx(jacobian, **near), name


def _mp(x: Any) -> Any:
    return mp.mpf(x.numerator) / x.denominator


def _deep_risk(instance: Instance, shift: Any) -> Any:
    """`R_n` of the three-layer network whose first biases moved by `shift` times `w1`."""
    data = instance.network
    assert data is not None
    rows = zip(data.inner_weights, data.biases, data.outer_weights, strict=True)
    neurons = [(_mp(w), _mp(b) + shift * _mp(w), _mp(a)) for w, b, a in rows]
    mu, sigma = mp.mpf(4) / 5, _mp(instance.noise.sigma)
    total = mp.mpf(0)
    for point in instance.points:
        mean = mu * _mp(point)

        def loss(z: Any, mean: Any = mean) -> Any:
            hidden = [w * (mean + sigma * z) + b for w, b, _ in neurons]
            leaky = [max(t, t / 1024) for t in hidden]
            h = sum(a * t for (_, _, a), t in zip(neurons, leaky, strict=True)) / len(neurons)
            return (h + sigma**2 / 16 * h**2 + z / sigma) ** 2 * mp.npdf(z)

        kinks = sorted((-b / w - mean) / sigma for w, b, _ in neurons)
        inside = [kink for kink in kinks if -14 < kink < 14]
        total += mp.quad(loss, sorted([-14, -8, -3, 3, 8, 14, *inside]))
    return total / len(instance.points)


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda instance: instance.name)
def test_three_layers_by_the_second_difference_of_the_moved_risk(instance: Instance) -> None:
    with mp.workdps(40):
        values = [_deep_risk(instance, _mp(k * STEP)) for k in (-1, 0, 1)]
        # Quadrature to about 1e-35 over a squared step of 1e-18 leaves 1e-17; what is left is the
        # step times third derivatives below 1e3.
        defined = float((values[0] - 2 * values[1] + values[2]) / _mp(STEP) ** 2)
    for name in ("arb", "float64", "mpmath"):
        found = dimensions.deep(*_given(instance, name))
        # float64 integrates the third and fourth moments by parts: a few digits less than 16
        assert float(found.risk) == pytest.approx(float(values[1]), rel=1e-10), name
        assert float(found.curvature) == pytest.approx(defined, rel=1e-6, abs=1e-6), name


def test_the_strict_tracer_passes_both_networks() -> None:
    ns, *rest = _given(INSTANCES[-1], "strict")
    assert dimensions.deep(ns, *rest).curvature is not None
    assert dimensions.spread(ns, *rest).curvature(ns, dimensions.DIRECTION) is not None

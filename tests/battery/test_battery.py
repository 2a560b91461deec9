"""The bundled battery and the generated networks, checked by independent quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.linalg import eigvalsh
from sklearn.datasets import load_iris, load_linnerud

from dsmverify.battery import battery
from dsmverify.families import networks_for
from dsmverify.instance import Instance, NetworkData, NoiseLevel

Floats = NDArray[np.float64]


@cache
def bundled() -> dict[str, Instance]:
    return {instance.name: instance for instance in battery()}


def family(name: str) -> list[Instance]:
    return [i for key, i in bundled().items() if key.startswith(name + "-")]


def noise_of(instance: Instance) -> tuple[float, float]:
    noise = instance.noise
    if noise.time is not None:
        return math.exp(-float(noise.time)), math.sqrt(-math.expm1(-2 * float(noise.time)))
    assert noise.sigma is not None
    sigma = float(noise.sigma)
    return (math.sqrt(1 - sigma**2) if noise.mu is None else float(noise.mu)), sigma


def ratio(instance: Instance) -> float:
    mu, sigma = noise_of(instance)
    return mu * float(instance.spacing) / sigma


def parameters_of(network: NetworkData) -> tuple[Floats, Floats, Floats]:
    lists = (network.inner_weights, network.biases, network.outer_weights)
    inner, bias, outer = (np.asarray([float(v) for v in values]) for values in lists)
    return inner, bias, outer


def expected(
    instance: Instance,
    kinks: Floats,
    integrand: Callable[[float, float], float],
    *,
    reach: float = 9.0,
    tolerance: float = 1e-14,
) -> float:
    """Mean over points and noise of `integrand(y, centre)`, by adaptive quadrature."""
    mu, sigma = noise_of(instance)
    total = 0.0
    for x in instance.points:
        centre = mu * float(x)
        inside = [(t - centre) / sigma for t in kinks if abs(t - centre) < reach * sigma]
        cuts = sorted({-reach, *inside, *np.linspace(-reach + 1, reach, 7)})
        for low, high in pairwise(cuts):
            value, _ = quad(
                lambda z, c: (
                    integrand(c + sigma * z, c) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
                ),
                low,
                high,
                args=(centre,),
                epsabs=tolerance / sigma**2,
                epsrel=1e-11,
            )
            total += value
    return total / instance.size


def risk(
    instance: Instance, inner: Floats, bias: Floats, outer: Floats, tolerance: float = 1e-14
) -> float:
    _, sigma = noise_of(instance)

    def integrand(y: float, centre: float) -> float:
        value = outer @ np.maximum(0, inner * y + bias) / len(outer)
        return float(value + (y - centre) / sigma**2) ** 2

    return expected(instance, -bias / inner, integrand, tolerance=tolerance)


def test_names_sizes_and_count() -> None:
    instances = battery()
    assert 60 <= len(instances) <= 80
    assert len({i.name for i in instances}) == len(instances)
    assert {2, 3, 4, 5, 9, 10, 11, 20, 50} <= {i.size for i in instances}
    assert max(i.size for i in instances) == 50
    assert sum(i.network is None for i in instances) == 11
    widths = [i.network.width for i in instances if i.network]
    assert min(widths) == 1
    assert max(widths) == 200


def test_equal_at_every_call() -> None:
    assert battery() == battery()


def test_spacing_ratios_span_the_range() -> None:
    ratios = [ratio(i) for i in bundled().values()]
    assert min(ratios) <= 0.01 * (1 + 1e-9)
    assert max(ratios) >= 1e4
    for low in (0.01, 0.1, 1, 2, 8, 100, 1000):
        assert any(low <= r * (1 + 1e-9) < 10 * low for r in ratios)


def test_all_spellings_of_the_noise_level() -> None:
    noises = [i.noise for i in bundled().values()]
    assert sum(v.time is not None for v in noises) >= 8
    assert sum(v.mu is not None for v in noises) >= 8
    assert sum(v.time is None and v.mu is None for v in noises) >= 8


def test_json_round_trip() -> None:
    for instance in bundled().values():
        again = Instance.from_json(instance.to_json(), name=instance.name)
        assert replace(again, merged=instance.merged, notes=instance.notes) == instance


def test_numbers_are_short_decimals() -> None:
    for instance in bundled().values():
        if instance.network is None or instance.name.startswith("ends-"):
            continue  # those are short rationals by construction
        for value in (*instance.network.biases, *instance.network.outer_weights):
            rest = value.denominator
            for prime in (2, 5):
                while rest % prime == 0:
                    rest //= prime
            assert rest == 1, instance.name
            assert len(str(value.numerator)) <= 60, instance.name


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("iris-setosa-petal-length", load_iris().data[:50, 2]),
        ("iris-virginica-petal-length", load_iris().data[100:, 2]),
        ("linnerud-chins", load_linnerud().data[:, 0]),
        ("linnerud-pulse", load_linnerud().target[:, 2]),
    ],
)
def test_real_data_have_merged_ties(name: str, column: Floats) -> None:
    instance = bundled()["real-" + name]
    assert instance.merged > 0
    assert instance.merged + instance.size == len(column)
    assert [float(x) for x in instance.points] == sorted(set(column.tolist()))
    assert str(instance.merged) in instance.notes[0]


def test_functions_meet_the_hypotheses_of_lem14() -> None:
    carrying = [i for i in bundled().values() if "f" in i.parameters]
    nontrivial = 0
    assert len(carrying) >= 10
    for instance in carrying:
        p: dict[str, Any] = dict(instance.parameters)
        assert p["k"] >= 1
        assert p["A"] > 0
        assert p["beta"] > p["gamma"] > 0
        slope = Polynomial([float(c) for c in p["f"]]).deriv()
        delta = float(p["delta"])
        places = [z.real for z in np.atleast_1d(slope.deriv().roots()) if abs(z.imag) < 1e-9]
        inside = [-delta, delta, *(z for z in places if abs(z) < delta)]
        # Strictly, by a margin that no rounding of these few operations reaches.
        assert min(slope(z) for z in inside) + float(p["gamma"]) > 1e-6, instance.name
        u = delta / noise_of(instance)[1]
        nontrivial += 2 * (u / math.sqrt(2 * math.pi) + 1) * math.exp(-u * u / 2) < 1
    assert nontrivial >= 8


def test_shapes_have_what_they_are_for() -> None:
    networks = {i.name: i.network for i in family("shape")}
    for name in ("shape-coinciding", "shape-coinciding-on-means"):
        network = networks[name]
        assert network
        kinks = [-b / w for b, w in zip(network.biases, network.inner_weights, strict=True)]
        assert len(set(kinks)) < len(kinks)
    assert sum(0 in network.outer_weights for network in networks.values() if network) >= 2
    signs = {Fraction(1), Fraction(-1)}
    assert sum(not set(v.inner_weights) <= signs for v in networks.values() if v) == 3


@pytest.mark.parametrize("instance", family("fitted"), ids=lambda i: i.name)
def test_fitted_networks_have_small_excess_risk(instance: Instance) -> None:
    assert instance.network
    mu, sigma = noise_of(instance)
    inner, bias, outer = parameters_of(instance.network)
    centres = mu * np.asarray([float(x) for x in instance.points])

    def excess(y: float, _: float) -> float:
        exponents = -((y - centres) ** 2) / (2 * sigma**2)
        weights = np.exp(exponents - exponents.max())
        score = (centres @ weights / weights.sum() - y) / sigma**2
        return float(outer @ np.maximum(0, inner * y + bias) / len(outer) - score) ** 2

    # The risk of the zero network is 1/sigma^2. The score's curvature that the interpolant misses
    # costs some thousandths of that at r about 3 to 6, and next to nothing elsewhere.
    # At r = 1e4 the neurons of a steep jump cancel to about 1e-4/sigma in float64.
    tolerance = 1e-6
    assert expected(instance, -bias / inner, excess, tolerance=tolerance) * sigma**2 < 1e-2
    if ratio(instance) >= 8:
        assert risk(instance, inner, bias, outer, tolerance) < 1 / (16 * instance.size * sigma**2)


def test_enough_instances_meet_the_hypotheses_of_prop07() -> None:
    wide = [i for i in family("fitted") if ratio(i) >= 8]
    assert len(wide) >= 9
    assert sum(i.size >= 10 for i in wide) >= 3


MINIMA = [*family("minimum"), *family("large-rate")]


@pytest.mark.parametrize("instance", MINIMA, ids=lambda i: i.name)
def test_minima_have_small_finite_differences(instance: Instance) -> None:
    """Scaled differences of the quadrature risk vanish, and second differences are positive."""
    assert instance.network
    _, sigma = noise_of(instance)
    inner, bias, outer = parameters_of(instance.network)
    width = len(outer)
    unit = np.concatenate([np.full(width, width / sigma**2), np.full(width, sigma)])
    point = np.concatenate([outer, bias])
    # Kinks of size 1e6 are known in float64 to 1e-10: steps of 1e-3 noise levels stay well above.
    step = 1e-3
    middle = risk(instance, inner, bias, outer)
    for k in range(2 * width):
        values = []
        for sign in (1, -1):
            moved = point.copy()
            moved[k] += sign * step * unit[k]
            values.append(risk(instance, inner, moved[width:], moved[:width]))
        # Truncation: step^2/6 times a third derivative of order |w2|-multiples of 1/sigma^2.
        size = max(1.0, float(np.abs(outer).max() * sigma**2 / width)) ** 2
        assert abs(values[0] - values[1]) / (2 * step) * sigma**2 < 1e-4 * size
        assert values[0] + values[1] - 2 * middle > 0


def moments_of_the_pointwise_hessian(instance: Instance) -> tuple[Floats, Floats]:
    """`E[H]` and `E[H^2]` for one draw, by a fine rectangle rule."""
    assert instance.network
    mu, sigma = noise_of(instance)
    inner, bias, outer = parameters_of(instance.network)
    m = len(outer)
    z = np.linspace(-8, 8, 4001)
    weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0]) / instance.size
    first, second = np.zeros((2 * m, 2 * m)), np.zeros((2 * m, 2 * m))
    k = np.arange(m)
    for x in instance.points:
        pre = inner * (mu * float(x) + sigma * z)[:, None] + bias
        active = (pre > 0).astype(float)
        gradient = np.concatenate([pre * active / m, outer * active / m], axis=1)
        misfit = pre * active @ outer / m + z / sigma
        hessian = 2 * gradient[:, :, None] * gradient[:, None, :]
        cross = 2 * misfit[:, None] * active / m
        hessian[:, k, m + k] += cross
        hessian[:, m + k, k] += cross
        first += np.einsum("y,yab->ab", weight, hessian)
        second += np.einsum("y,yab,ybc->ac", weight, hessian, hessian)
    return first, second


@pytest.mark.parametrize("instance", MINIMA, ids=lambda i: i.name)
def test_minima_are_interior_and_linearly_stable(instance: Instance) -> None:
    assert instance.network
    assert instance.network.bound is None
    assert instance.learning_rate
    first, second = moments_of_the_pointwise_hessian(instance)
    rate = instance.network.width * float(instance.learning_rate)
    # Relative to E[H]: `E (I - a H)^2 < I` holds with a tenth to spare (the rule's error is 1e-3).
    assert eigvalsh(rate * second, 2 * first)[-1] < 0.9


@pytest.mark.parametrize("instance", family("large-rate"), ids=lambda i: i.name)
def test_large_rates_meet_the_hypotheses_of_thm08(instance: Instance) -> None:
    mu, sigma = noise_of(instance)
    n, spacing = instance.size, float(instance.spacing)
    first, last = float(instance.points[0]), float(instance.points[-1])
    length = last - first
    constant = 8 * mu**2 * length**3
    constant *= mu**2 * (max(last, 0) - min(first, 0)) + 2 * (n - 1) / spacing
    assert constant > 1
    # sigma_2 on a grid of (0, 1]; its inequality in logarithms.
    for s in np.linspace(0.01, 1, 100):
        right = 38 * math.log(2) + 0.5 + 2 * math.log(length) + 4 * math.log(constant)
        right -= 24 * math.log(s) + math.log(math.pi * n**5 * mu)
        assert (mu * spacing / s) ** 2 / 32 >= right
    assert sigma < min(mu * spacing / 8, 1 / n, mu * n**2.5 * spacing / 2**10)
    assert instance.learning_rate
    assert float(instance.learning_rate) > 2**12 * sigma**2 / (mu * n**2 * spacing)


@pytest.mark.parametrize("size", [2, 3, 5, 12])
@pytest.mark.parametrize("spacing", ["0.01", "1", "4"])
def test_generated_families(size: int, spacing: str) -> None:
    points = tuple(Fraction(spacing) * k for k in range(size))
    instance = Instance("sample", points, NoiseLevel(sigma=Fraction("0.4")))
    networks = networks_for(instance)
    assert networks == networks_for(instance)
    names = [name for name, _ in networks]
    assert names[:3] == ["random", "fitted", "structured"]
    assert ("minimum" in names) == (spacing == "4")
    assert dict(networks)["random"] != dict(networks_for(instance, seed=1))["random"]
    for _, network in networks:
        assert set(network.inner_weights) <= {Fraction(1), Fraction(-1)}


def test_fitted_network_has_exact_tails() -> None:
    points = tuple(Fraction(v) for v in ("0", "1", "2.5"))
    instance = Instance("sample", points, NoiseLevel(sigma=Fraction(3, 5)))
    network = dict(networks_for(instance))["fitted"]

    def value(y: int) -> Fraction:
        parts = zip(network.inner_weights, network.biases, network.outer_weights, strict=True)
        total = sum((v * max(w * y + b, Fraction(0)) for w, b, v in parts), Fraction(0))
        return total / network.width

    right, left = value(101) - value(100), value(-100) - value(-101)
    # Slopes are rounded to 13 digits or more relative to 1/sigma^2 = 25/9.
    assert right == left
    assert abs(right + Fraction(25, 9)) < Fraction(1, 10**11)

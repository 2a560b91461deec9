"""Second moments of linearised SGD: against brute force, by hand, and the certificate.

The oracle shares no code with the package: it writes the gradient and the pointwise Hessian of one
loss neuron by neuron from their definitions, and integrates over the noise of every element of the
batch by Gauss-Legendre on the network's pieces (product rules for two elements).
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from numpy.typing import NDArray

from dsmverify import express
from dsmverify.batch_hessians import batch_hessian
from dsmverify.certify import precision
from dsmverify.ensembles.mean_square_operator import MeanSquareOperator, operator_of
from dsmverify.ensembles.settings import EXPERIMENTS as TRAINED_INNER
from dsmverify.ensembles.settings import Ensemble, Problem
from dsmverify.errors import InputError
from dsmverify.formulas.risk import Parameter
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.mean_square import (
    MAX_SIZE,
    contraction,
    decide_stability,
    dense_parts,
    largest_stable_rate,
    second_moment_map,
    spectral_radius,
)
from dsmverify.systems import balls, float64
from dsmverify.truth import Truth

Floats = NDArray[np.float64]

THEORY: tuple[Parameter, ...] = ("outer", "bias")
EXPERIMENTS: tuple[Parameter, ...] = ("outer", "bias", "inner")

NODES = 20
"""For pieces of length at most 3 noise levels the rule is right to rounding."""


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split())


TWO = Instance(
    "two",
    fractions("-1 0.3 2"),
    NoiseLevel(mu=Fraction(4, 5), sigma=Fraction(1, 2)),
    network=NetworkData(fractions("1 -1"), fractions("0.4 0.9"), fractions("-3 2.5")),
)
SLANTED = Instance(
    "slanted",
    fractions("-1 0.3 2"),
    NoiseLevel(mu=Fraction(4, 5), sigma=Fraction(1, 2)),
    network=NetworkData(fractions("0.7 -1.6"), fractions("0.4 0.9"), fractions("-3 2.5")),
)


def parts(instance: Instance, system: Any = float64.SYSTEM) -> tuple[Any, Any]:
    return express.sample(system, instance), express.network(system, instance)


# The oracle ---------------------------------------------------------------------------------------


def pointwise(instance: Instance, point: int, y: float, names: tuple[Parameter, ...]) -> Floats:
    """Hessian of `(s(y) + (y - mu x)/sigma^2)^2` in the parameters, y not at a kink."""
    data = instance.network
    assert data is not None and instance.noise.mu is not None and instance.noise.sigma is not None
    m = data.width
    groups = {name: slice(k * m, (k + 1) * m) for k, name in enumerate(names)}
    gradient, second = np.zeros(len(names) * m), np.zeros((len(names) * m, len(names) * m))
    residual = float(y - float(instance.noise.mu * instance.points[point]))
    residual /= float(instance.noise.sigma) ** 2
    for k in range(m):
        inner, bias, outer = (
            float(values[k]) for values in (data.inner_weights, data.biases, data.outer_weights)
        )
        if inner * y + bias <= 0:
            continue
        residual += outer * (inner * y + bias) / m
        derivative = {"outer": inner * y + bias, "bias": outer, "inner": outer * y}
        mixed = {"bias": 1.0, "inner": y}
        for name in names:
            gradient[groups[name]][k] = derivative[name] / m
            if name in mixed and "outer" in groups:
                row, column = groups["outer"].start + k, groups[name].start + k
                second[row, column] = second[column, row] = mixed[name] / m
    return 2 * (np.outer(gradient, gradient) + residual * second)


def rule(instance: Instance, point: int) -> tuple[list[float], list[float]]:
    """Nodes y and weights of the normal law around a noised point, cut at the kinks."""
    data = instance.network
    assert data is not None and instance.noise.mu is not None and instance.noise.sigma is not None
    sigma, mean = float(instance.noise.sigma), float(instance.noise.mu * instance.points[point])
    kinks = [-float(b / w) for w, b in zip(data.inner_weights, data.biases, strict=True)]
    ends = {mean + sigma * k for k in (-9, -6, -3, 0, 3, 6, 9)}
    ends |= {kink for kink in kinks if abs(kink - mean) < 9 * sigma}
    x, w = np.polynomial.legendre.leggauss(NODES)
    nodes: list[float] = []
    weights: list[float] = []
    for low, high in itertools.pairwise(sorted(ends)):
        y = (low + high) / 2 + (high - low) / 2 * x
        density = np.exp(-(((y - mean) / sigma) ** 2) / 2) / (np.sqrt(2 * np.pi) * sigma)
        nodes += y.tolist()
        weights += (w * density * (high - low) / 2).tolist()
    return nodes, weights


def brute_force(
    instance: Instance, batch: Batch, rate: float, matrix: Floats, names: tuple[Parameter, ...]
) -> Floats:
    """`E[(I - a H) S (I - a H)]`, batches of one or two listed, noise integrated."""
    n, eye = len(instance.points), np.eye(len(matrix))
    scale = batch.size if batch.reduction == "mean" else 1
    laws = []
    for point in range(n):
        nodes, weights = rule(instance, point)
        laws.append((np.array([pointwise(instance, point, y, names) for y in nodes]), weights))
    if batch.size == 1:
        drawn: list[tuple[int, ...]] = [(i,) for i in range(n)]
    elif batch.replacement:
        drawn = list(itertools.product(range(n), repeat=2))
    else:
        drawn = list(itertools.permutations(range(n), 2))
    total = np.zeros_like(matrix)
    for chosen in drawn:
        if len(chosen) == 1:
            hessians, weights = laws[chosen[0]]
            factors = eye - rate / scale * hessians
            total += np.einsum("p,pij,jk,pkl->il", weights, factors, matrix, factors)
            continue
        (first, one), (second, other) = laws[chosen[0]], laws[chosen[1]]
        for hessian, weight in zip(first, one, strict=True):
            factors = eye - rate / scale * (hessian + second)
            total += weight * np.einsum(
                "p,pij,jk,pkl->il", other, factors, matrix, factors, optimize=True
            )
    return total / len(drawn)


BATCHES = (
    Batch(1, "sum"),
    Batch(2, "sum"),
    Batch(2, "sum", replacement=True),
    Batch(2, "mean"),
    Batch(2, "mean", replacement=True),
)


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize(
    ("instance", "names"), [(TWO, THEORY), (SLANTED, EXPERIMENTS)], ids=["theory", "inner"]
)
def test_the_maps_are_brute_force(
    instance: Instance, names: tuple[Parameter, ...], batch: Batch
) -> None:
    if batch.size == 2 and names == EXPERIMENTS and batch.reduction == "sum":
        names = ("inner", "outer")  # another order of groups, one of them missing
    sample, network = parts(instance)
    size, rate = len(names) * network.width, 0.03
    matrix = np.array([[1 / (1 + i + j) + (i == j) for j in range(size)] for i in range(size)])
    expected = brute_force(instance, batch, rate, matrix, names)
    hessian = batch_hessian(float64.SYSTEM, sample, network, batch, names)
    dense = second_moment_map(hessian, rate)(matrix)
    wide = MeanSquareOperator(sample, network, batch, rate, names)(matrix)
    # Both rules are right to about 50 roundings; the tails beyond 9 sigma hold 1e-17.
    np.testing.assert_allclose(dense, expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    np.testing.assert_allclose(wide, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


# By hand ------------------------------------------------------------------------------------------

# One neuron relu(y) with w2 = 3, bias alone trained: h = 2 w2^2 = 18 where Y > 0. Points at plus
# and minus sigma/mu: active with p_1 = 0.8413447, p_2 = 0.1586553, p = 1/2 on average, p_1 p_2 =
# 0.1334838. E[h] = 9, E[h^2] = 162. The largest stable rate is 2 E[H]/E[H^2]:
#   one point            2 * 9/162                                     = 1/9 = 0.1111111
#   mean, two with       E[H^2] = 162/2 + 81/2 = 121.5,  18/121.5          = 0.1481481
#   mean, two without    E[H^2] = 162/2 + 324 * 0.1334838/2 = 102.6244,  18/102.6244 = 0.1753969
#   sum: half of each.   The mean alone would allow 2/9 for one point.
BY_HAND = [
    (Batch(1, "sum"), 1 / 9),
    (Batch(1, "mean"), 1 / 9),
    (Batch(2, "mean", replacement=True), 0.14814815),
    (Batch(2, "sum", replacement=True), 0.07407407),
    (Batch(2, "mean"), 0.17539694),
    (Batch(2, "sum"), 0.08769847),
]


def single(outer: str = "3") -> Instance:
    return Instance(
        "single",
        fractions("-0.625 0.625"),
        NoiseLevel(mu=Fraction(4, 5), sigma=Fraction(1, 2)),
        network=NetworkData(fractions("1"), fractions("0"), fractions(outer)),
    )


@pytest.mark.parametrize(("batch", "expected"), BY_HAND, ids=str)
def test_largest_stable_rates_by_hand(batch: Batch, expected: float) -> None:
    sample, network = parts(single())
    hessian = batch_hessian(float64.SYSTEM, sample, network, batch, ("bias",))
    assert largest_stable_rate(hessian) == pytest.approx(expected, rel=1e-7)
    # rho = 1 - 2 a E[H] + a^2 E[H^2]: at half the largest rate 1 - a E[H], at twice it 1 + ..
    mean = 9 * (1 if batch.reduction == "mean" else batch.size)
    half, twice = expected / 2, 2 * expected
    assert spectral_radius(hessian, half) == pytest.approx(1 - mean * half, rel=1e-6)
    assert spectral_radius(hessian, twice) == pytest.approx(1 + 2 * mean * twice, rel=1e-6)


@pytest.mark.parametrize(
    ("rate", "expected", "said"),
    [
        ("0.111", Truth.TRUE, "contract"),
        ("0.112", Truth.UNKNOWN, "grow"),  # a E[H] = 1.008 only
        ("0.222", Truth.UNKNOWN, "grow"),  # a E[H] = 1.998
        ("0.223", Truth.FALSE, "exceeds 2/a"),
    ],
)
def test_decisions_by_hand(rate: str, expected: Truth, said: str) -> None:
    with precision(96):
        sample, network = parts(single(), balls.SYSTEM)
        answer = decide_stability(sample, network, arb(rate), Batch(1), ("bias",))
        assert answer.truth is expected and said in answer.reason
        # a E[H] = 9 a, rho = 1 - 18 a + 162 a^2.
        assert answer.top.contains(9 * arb(rate))
        radius = 1 - 18 * arb(rate) + 162 * arb(rate) ** 2
        assert answer.floor.contains(radius)  # one parameter: the Rayleigh quotient is rho
        assert (answer.ceiling is not None) == (expected is Truth.TRUE)
        assert answer.ceiling is None or float(answer.ceiling) >= float(radius)


# Wide networks ------------------------------------------------------------------------------------


def random_instance(width: int, seed: int, *, signs: bool) -> Instance:
    generator = np.random.Generator(np.random.Philox(seed))
    inner = generator.standard_normal(width)
    inner = np.sign(inner) if signs else inner
    values = (inner, generator.standard_normal(width), 3 * generator.standard_normal(width))
    exact = (tuple(Fraction(float(v)) for v in part) for part in values)
    return Instance(
        "random",
        fractions("-1.2 0.1 0.3 2"),
        NoiseLevel(mu=Fraction(4, 5), sigma=Fraction(1, 2)),
        network=NetworkData(*exact),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("batch", [Batch(3, "mean"), Batch(7, "mean", replacement=True)], ids=str)
@pytest.mark.parametrize("names", [THEORY, EXPERIMENTS, ("bias",)], ids=str)
def test_running_sums_are_the_dense_map(names: tuple[Parameter, ...], batch: Batch) -> None:
    width = 24
    sample, network = parts(random_instance(width, 3, signs=names == THEORY))
    generator = np.random.Generator(np.random.Philox(4))
    square = generator.standard_normal((len(names) * width,) * 2)
    hessian = batch_hessian(float64.SYSTEM, sample, network, batch, names)
    expected = second_moment_map(hessian, 0.7)(square + square.T)
    found = MeanSquareOperator(sample, network, batch, 0.7, names)(square + square.T)
    # A running sum over 25 pieces, and closed moments: some hundred roundings each.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_lanczos_finds_the_dense_radius(rate: float) -> None:
    sample, network = parts(random_instance(4, 5, signs=True))
    batch = Batch(2, "mean")
    hessian = batch_hessian(float64.SYSTEM, sample, network, batch)
    estimate = MeanSquareOperator(sample, network, batch, rate).spectral_radius(60)
    exact = spectral_radius(hessian, rate)
    assert estimate.value == pytest.approx(exact, rel=1e-9)
    assert abs(estimate.value - exact) <= estimate.residual + 1e-12
    first, second = dense_parts(hessian)
    values = np.linalg.eigvals(np.eye(64) - rate * first + rate * rate * second)
    assert np.abs(values).max() == pytest.approx(exact, rel=1e-12)


def test_the_operator_of_a_run() -> None:
    model = replace(TRAINED_INNER, width=6, bias_deviation=1.0)
    problem = Problem(np.array([2.0, -1.0, 0.3]), 0.8, 0.5)
    batch = Batch(5, "mean", replacement=True)
    ensemble = Ensemble.of(model, batch, [problem], [0.01], [7], [0])
    networks = ensemble.start()
    operator = operator_of(ensemble, networks, 0)
    assert operator.rate == pytest.approx(0.06) and operator.parameters == EXPERIMENTS
    data = NetworkData(
        *(
            tuple(Fraction(float(value)) for value in part.ravel())
            for part in (networks.inner, networks.bias, networks.outer)
        )  # type: ignore[arg-type]
    )
    sample, network = parts(replace(TWO, network=data))
    hessian = batch_hessian(float64.SYSTEM, sample, network, batch, EXPERIMENTS)
    start = np.diag(np.arange(1.0, 19.0))
    expected = second_moment_map(hessian, 0.06)(start)
    np.testing.assert_allclose(operator(start), expected, rtol=0, atol=1e-12)
    rooted = replace(ensemble, model=replace(model, output="root"))
    with pytest.raises(InputError, match="output 'mean'"):
        operator_of(rooted, networks, 0)


# The certificate ----------------------------------------------------------------------------------

MINIMUM = Instance(
    "two points",
    fractions("0 0.2"),
    NoiseLevel(mu=Fraction(9, 10), sigma=Fraction(3, 100)),
    network=NetworkData(fractions("1"), fractions("0.02477832"), fractions("-40.578591")),
)
"""Close to a minimum; the identity shows no contraction at the rates below."""


@pytest.mark.parametrize("batch", [Batch(1, "sum"), Batch(2, "mean")], ids=str)
def test_the_certificate_at_both_sides_of_the_largest_rate(batch: Batch) -> None:
    with precision(192):
        sample, network = parts(MINIMUM, balls.SYSTEM)
        hessian = batch_hessian(balls.SYSTEM, sample, network, batch)
        largest = largest_stable_rate(hessian)
        below = decide_stability(sample, network, arb(0.999 * largest), batch)
        above = decide_stability(sample, network, arb(1.001 * largest), batch)
        assert below.truth is Truth.TRUE and above.truth is Truth.UNKNOWN
        radius = contraction(hessian, arb(0.999 * largest))
        assert radius is not None and below.ceiling is not None
        assert radius.overlaps(below.ceiling)
        assert contraction(hessian, arb(1.001 * largest)) is None
        assert above.ceiling is None
        assert float(below.ceiling.upper()) < 1 < float(above.floor.lower())
        for answer, factor in ((below, 0.999), (above, 1.001)):
            # The entries of 1 - T are of order 1: absolute rounding of some 1e-15.
            dense = spectral_radius(hessian, factor * largest)
            assert float(answer.floor) == pytest.approx(dense, abs=1e-14)
            assert answer.ceiling is None or dense <= float(answer.ceiling.upper()) + 1e-14
        # Replayed by the oracle's map: S0 > 0 and S0 - T(S0) > 0, in units of S0's diagonal.
        start = below.certificate
        assert start is not None
        if batch.size == 1:
            image = brute_force(MINIMUM, batch, 0.999 * largest, start, THEORY)
            size = np.sqrt(np.diag(start))
            scale = np.outer(size, size)
            assert np.linalg.eigvalsh(start / scale)[0] > 0
            assert np.linalg.eigvalsh((start - image) / scale)[0] > 0
        # A smaller demand on the noise than the identity's: 2 E[H] - a E[H^2] is not positive.
        bound = 2 * hessian.mean - arb(0.999 * largest) * hessian.square
        assert float(bound[0, 0].upper()) < 0


def test_a_negative_eigenvalue_is_unstable_at_every_rate() -> None:
    # w2 = 0: the bias has no gradient, but E[f 1_l] != 0 couples it to the outer weight.
    with precision(96):
        sample, network = parts(single("0"), balls.SYSTEM)
        answer = decide_stability(sample, network, arb("0.001"), Batch(1))
    assert answer.truth is Truth.FALSE and "negative" in answer.reason


def test_merged_neurons_leave_it_undecided() -> None:
    """Half of the minimum's slope from each of two neurons with one kink: E[H] has a null vector.

    Weights are balls that hold the minimum, on which E[f 1_l] = 0. The two outer weights apart, d =
    (1, -1, 0, 0)/sqrt 2, have `T(d d^T)` with trace `1 + a^2 E|H d|^2 > 1`: the noise f K.
    """
    outer = "-40.578591 -40.578591"
    merged = Instance(
        "merged",
        MINIMUM.points,
        MINIMUM.noise,
        network=NetworkData(fractions("1 1"), fractions("0.02477832 0.02477832"), fractions(outer)),
    )
    with precision(192):
        sample, network = parts(merged, balls.SYSTEM)
        around = replace(network, outer=network.outer + arb(0, "1e-4"))
        answer = decide_stability(sample, around, arb("0.0001"), Batch(1))
        assert answer.truth is Truth.UNKNOWN and answer.ceiling is None
        assert answer.bottom.contains(0)
        assert float(answer.floor.lower()) > 1


# Evidence -----------------------------------------------------------------------------------------


def test_simulated_updates_have_these_second_moments() -> None:
    """Three linearised updates from one start, 40 000 runs: `E[d_3 d_3^T] = T^3(d_0 d_0^T)`.

    The rate keeps third powers of the noise small, so that the standard error of the mean of d d^T
    is well estimated from the runs; 6 of them are exceeded with a probability below 1e-8.
    """
    runs, rate, batch = 40_000, 0.005, Batch(2, "mean", replacement=True)
    sample, network = parts(TWO)
    apply = second_moment_map(batch_hessian(float64.SYSTEM, sample, network, batch), rate)
    start = np.array([1.0, -2.0, 0.5, 1.5])
    expected = np.outer(start, start)
    for _ in range(3):
        expected = apply(expected)
    generator = np.random.Generator(np.random.Philox(2026))
    inner, bias, outer = np.array([1.0, -1.0]), np.array([0.4, 0.9]), np.array([-3.0, 2.5])
    moved = np.tile(start, (runs, 1))
    for _ in range(3):
        change = np.zeros_like(moved)
        for _ in range(2):
            centre = 0.8 * np.array([-1.0, 0.3, 2.0])[generator.integers(3, size=runs)]
            y = centre + 0.5 * generator.standard_normal(runs)
            active = (y[:, None] * inner + bias > 0).astype(float)
            features = active * (y[:, None] * inner + bias) / 2
            gradient = np.concatenate((features, active * outer / 2), axis=1)
            residual = features @ outer + (y - centre) / 0.25
            swapped = np.concatenate((active * moved[:, 2:], active * moved[:, :2]), axis=1) / 2
            along = (gradient * moved).sum(axis=1)
            change += 2 * (gradient * along[:, None] + residual[:, None] * swapped) / 2
        moved = moved - rate * change
    products = moved[:, :, None] * moved[:, None, :]
    error = products.std(axis=0) / np.sqrt(runs)
    assert (np.abs(products.mean(axis=0) - expected) <= 6 * error).all()
    # The bound is not idle: the mean update alone misses it.
    assert (np.abs(np.outer(start, start) - expected) > 6 * error).any()


# Bad input ----------------------------------------------------------------------------------------


def test_too_many_parameters_for_the_dense_operator() -> None:
    sample, network = parts(random_instance(MAX_SIZE // 2 + 1, 1, signs=True))
    hessian = batch_hessian(float64.SYSTEM, sample, network, Batch(1))
    with pytest.raises(InputError, match="mean_square_operator"):
        largest_stable_rate(hessian)


@pytest.mark.parametrize("names", [(), ("outer", "offset")])
def test_unknown_groups(names: tuple[Parameter, ...]) -> None:
    sample, network = parts(TWO)
    with pytest.raises(InputError, match="parameters"):
        MeanSquareOperator(sample, network, Batch(1), 0.1, names)

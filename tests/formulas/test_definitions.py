"""Closed forms against the definitions: integration, differentiation and sampling.

The oracles are in `definitions.py`; they share no code with the package.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from mpmath import mp

from dsmverify import express, order
from dsmverify.batch_hessians import batch_hessian, point_hessian
from dsmverify.certify import precision
from dsmverify.formulas import posterior, risk
from dsmverify.instance import Batch, Instance, NoiseLevel
from dsmverify.systems import load
from dsmverify.testing.strategies import instances
from tests.formulas import definitions
from tests.formulas.fixtures import FORMULAS, INSTANCES

every_instance = pytest.mark.parametrize("case", INSTANCES.values(), ids=INSTANCES.keys())
RATIONAL = [case for case in INSTANCES.values() if case.noise.mu is not None]

PANELS = 1e-12
"""Quadrature of 24 nodes on panels of one sigma is exact to rounding; of some 2000 terms, each
right to 2^-52 of its size, sums err by less than 2000 * 2^-52 = 4e-13 of the sum of sizes."""


def in_balls(name: str, case: Instance) -> list[arb]:
    with precision(256):
        return list(np.asarray(FORMULAS[name](load("arb"), case), dtype=object).ravel())


def in_floats(name: str, case: Instance) -> Any:
    return np.asarray(FORMULAS[name](load("float64"), case))


def agrees(ball: arb, value: Any, digits: int) -> bool:
    """Whether an mpmath number agrees with a ball to so many digits, absolutely or relatively."""
    with precision(256):
        expected = arb(mp.nstr(value, 45))
        return bool(abs(ball - expected) <= arb(10) ** -digits * (1 + abs(expected)))


@pytest.mark.parametrize("case", RATIONAL, ids=lambda case: str(case.name))
def test_risk_is_the_certified_integral_of_its_definition(case: Instance) -> None:
    (closed,) = in_balls("risk", case)
    with precision(160):
        integral = definitions.certified_risk(case)
    assert closed.overlaps(integral)
    # A useful ball: 20 digits at least.
    assert float(integral.rad()) < 1e-20 * float(integral.mid())


@settings(max_examples=8)
@given(case=instances(max_size=3, max_width=3, spellings=("mu_sigma", "sigma")))
def test_drawn_risks_are_the_integrals_of_their_definition(case: Instance) -> None:
    mu = case.noise.mu or Fraction(2, 3)
    assert case.noise.sigma is not None
    rational = replace(case, noise=NoiseLevel(sigma=case.noise.sigma, mu=mu))
    (closed,) = in_balls("risk", rational)
    with precision(100):
        integral = definitions.certified_risk(rational)
    assert closed.overlaps(integral)


@every_instance
def test_network_values_are_sums_of_hinges(case: Instance) -> None:
    for y, ball in zip(case.at, in_balls("network", case), strict=True):
        assert ball.overlaps(definitions.rational(definitions.network(case, y)))


@every_instance
def test_weight_is_the_smoothed_minimum(case: Instance) -> None:
    with mp.workdps(40):
        for y, ball in zip(case.at, in_balls("weight", case), strict=True):
            value = definitions.smoothed_minimum(case, definitions.mpf(y))
            assert agrees(ball, value, 25)  # quadrature at 40 digits, on panels of one sigma


@every_instance
def test_posterior_follows_bayes_rule(case: Instance) -> None:
    points = [definitions.mpf(x) for x in case.points]
    with mp.workdps(60):
        points = [definitions.mpf(x) for x in case.points]
        names = ["responsibilities", "density", "posterior_mean", "posterior_variance"]
        names += ["posterior_third_moment", "posterior_offset"]
        found = {name: in_balls(name, case) for name in names}
        anchors = [express.places(case).nearest(float(y)) for y in case.at]
        for k, y in enumerate(case.at):
            at = definitions.mpf(y)
            alpha = definitions.posterior(case, at)
            mean = mp.fdot(alpha, points)
            moments = [mp.fdot(alpha, [(x - mean) ** p for x in points]) for p in (2, 3)]
            expected = {
                "density": mp.exp(definitions.log_density(case, at)),
                "posterior_mean": mean,
                "posterior_offset": mean - points[anchors[k]],
                "posterior_variance": moments[0],
                "posterior_third_moment": moments[1],
            }
            for name, value in expected.items():
                assert agrees(found[name][k], value, 40), name
            rows = found["responsibilities"][k * case.size : (k + 1) * case.size]
            assert all(agrees(b, a, 40) for b, a in zip(rows, alpha, strict=True))


@every_instance
def test_empirical_score_is_the_score_of_the_mixture(case: Instance) -> None:
    """`s* = (log p)'`; its derivatives by differences at 100 digits, 15 of them lost at most."""
    names = ("empirical_score", "empirical_score_slope", "empirical_score_curvature")
    found = [in_balls(name, case) for name in names]
    for k, y in enumerate(case.at):
        with mp.workdps(100):
            for degree, values in enumerate(found, start=1):
                value = mp.diff(
                    lambda t: definitions.log_density(case, t), definitions.mpf(y), degree
                )
                assert agrees(values[k], value, 25), names[degree - 1]


@pytest.mark.parametrize("name", ["pair", "irrational"])
def test_risk_density_integrates_to_the_risk_of_the_empirical_score(name: str) -> None:
    case = INSTANCES[name]
    with mp.workdps(20):
        mu, sigma = definitions.noise(case)
        means = [mu * definitions.mpf(x) for x in case.points]

        def loss(y: Any) -> Any:
            alpha = definitions.posterior(case, y)
            score = mp.fdot(alpha, [(mean - y) / sigma**2 for mean in means])
            return mp.fsum(
                (score + (y - mean) / sigma**2) ** 2 * mp.npdf(y, mean, sigma) for mean in means
            ) / len(means)

        panels = mp.linspace(means[0] - 12 * sigma, means[-1] + 12 * sigma, 60)
        expected = float(mp.quad(loss, panels, maxdegree=4))
    low, high = float(panels[0]), float(panels[-1])
    y = np.linspace(low, high, 4001)
    sample = express.sample(load("float64"), case)
    anchors = order.nearest(sample.points, y / float(sample.mu))
    values = posterior.risk_density(load("float64"), y, sample, anchors)
    # The trapezoidal rule on a step below sigma/30 is exact for these analytic functions.
    assert values.sum() * (y[1] - y[0]) == pytest.approx(expected, rel=1e-11)


def derivative_of(function: Any, at: Any) -> Any:
    return torch.autograd.functional.jacobian(function, at).numpy()  # type: ignore[no-untyped-call]


def second_derivative_of(function: Any, at: Any) -> Any:
    return torch.autograd.functional.hessian(function, at).numpy()  # type: ignore[no-untyped-call]


def check_derivatives(case: Instance) -> None:
    at = definitions.torch_parameters(case)

    def mean_loss(parameters: Any) -> Any:
        return definitions.quadrature(case, parameters).risk

    value = float(mean_loss(at))
    gradient = derivative_of(mean_loss, at)
    hessian = second_derivative_of(mean_loss, at)
    # A rounding of a mean or kink counts as |x|/sigma roundings in units of sigma.
    reach = 1 + float(definitions.mpf(max(map(abs, case.points))) / definitions.noise(case)[1])
    assert in_floats("risk", case) == pytest.approx(value, rel=PANELS * reach)
    scale = reach * np.sqrt(value * np.abs(hessian).max())
    np.testing.assert_allclose(in_floats("gradient", case), gradient, rtol=0, atol=PANELS * scale)
    # Differentiating twice through nodes and weights multiplies errors by about 100.
    error = 100 * PANELS * reach * np.abs(hessian).max()
    np.testing.assert_allclose(in_floats("hessian", case), hessian, rtol=0, atol=error)


@every_instance
def test_risk_gradient_and_hessian_are_the_derivatives_of_the_integral(case: Instance) -> None:
    check_derivatives(case)


@settings(max_examples=12)
@given(case=instances(max_size=4, max_width=4))
def test_drawn_gradients_and_hessians_are_derivatives(case: Instance) -> None:
    check_derivatives(case)


@every_instance
def test_gradient_is_the_derivative_of_the_closed_form(case: Instance) -> None:
    ns = load("torch")
    sample, frozen = express.sample(ns, case), express.network(ns, case)

    def closed(parameters: Any) -> Any:
        outer, bias, inner = parameters.reshape(3, -1)
        kinks = (-bias / inner)[torch.from_numpy(frozen.order)]
        return risk.risk(
            ns, sample, replace(frozen, outer=outer, bias=bias, inner=inner, kinks=kinks)
        )

    parameters = definitions.torch_parameters(case)
    derivative = derivative_of(closed, parameters)
    gradient = in_floats("gradient", case)
    np.testing.assert_allclose(gradient, derivative, rtol=0, atol=1e-11 * np.abs(gradient).max())


@every_instance
def test_tangent_kernel_is_the_mean_of_outer_products(case: Instance) -> None:
    quadrature = definitions.quadrature(case, definitions.torch_parameters(case))
    kernel = quadrature.tangent_kernel().numpy()
    found = in_floats("tangent_kernel", case)
    np.testing.assert_allclose(found, kernel, rtol=0, atol=PANELS * np.abs(kernel).max())
    vector = np.array([float(Fraction((7 * k) % 5 - 2, 3)) for k in range(len(kernel))])
    product = in_floats("kernel_product", case)
    np.testing.assert_allclose(product, kernel @ vector, rtol=0, atol=9 * PANELS * kernel.max())


@every_instance
def test_pointwise_hessian_is_the_mean_without_diracs(case: Instance) -> None:
    quadrature = definitions.quadrature(case, definitions.torch_parameters(case))
    hessian = 2 * (quadrature.tangent_kernel() + quadrature.pointwise_curvature()).numpy()
    m = len(hessian) // 3
    found = in_floats("pointwise_hessian", case)
    np.testing.assert_allclose(
        found, hessian[: 2 * m, : 2 * m], rtol=0, atol=PANELS * np.abs(hessian).max()
    )


# Stochastic Hessians.

REDUCTIONS: tuple[Literal["sum", "mean"], ...] = ("sum", "mean")

BATCHES = [
    Batch(size, reduction, replacement)
    for size, reduction, replacement in itertools.product((1, 2, 3), REDUCTIONS, (False, True))
]


def point_hessians(case: Instance, index: int, y: Any) -> Any:
    """`2 (grad s grad s^T + f hess s)` at draws y around one mean. `[draws, 2 m, 2 m]`."""
    mu, sigma = (float(value) for value in definitions.noise(case))
    weights = [[float(v) for v in row] for row in definitions.neurons(case)]
    inner, bias, outer = np.array(weights).T
    m = len(outer)
    before = y[:, None] * inner + bias
    active = (before > 0).astype(float)
    slopes = np.concatenate([active * before, active * outer], axis=1) / m
    residual = (active * before) @ outer / m + (y - mu * float(case.points[index])) / sigma**2
    result = 2 * slopes[:, :, None] * slopes[:, None, :]
    for l in range(m):
        mixed = 2 * residual * active[:, l] / m
        result[:, l, m + l] += mixed
        result[:, m + l, l] += mixed
    return result


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_batch_hessian_moments_against_draws(batch: Batch) -> None:
    """40000 batches drawn as defined, seed 20260; every entry within 5 standard errors.

    36 distinct entries in 12 cases: by chance one in 4000 such tests would fail.
    """
    draws, size = 40000, batch.size
    case = INSTANCES["irrational"]
    rng = np.random.default_rng(20260)
    mu, sigma = (float(value) for value in definitions.noise(case))
    means = mu * np.array([float(x) for x in case.points])
    if batch.replacement:
        members = rng.integers(case.size, size=(draws, size))
    else:
        members = np.argsort(rng.random((draws, case.size)), axis=1)[:, :size]
    total = np.zeros((draws, 6, 6))
    for slot in range(size):
        for index in range(case.size):
            chosen = np.flatnonzero(members[:, slot] == index)
            y = means[index] + sigma * rng.standard_normal(len(chosen))
            total[chosen] += point_hessians(case, index, y)
    if batch.reduction == "mean":
        total /= size
    squares = total @ total
    ns = load("float64")
    found = batch_hessian(ns, express.sample(ns, case), express.network(ns, case), batch)
    for exact, drawn in zip((found.mean, found.square), (total, squares), strict=True):
        error = drawn.std(axis=0) / np.sqrt(draws)
        gap = np.abs(drawn.mean(axis=0) - exact)
        assert (gap <= 5 * error + 1e-13).all()  # entries that never vary are equal to rounding


@every_instance
def test_point_hessian_against_quadrature(case: Instance) -> None:
    """`E[h_i]` and `E[h_i^2]` by 24 nodes on panels of half a sigma between kinks."""
    mu, sigma = (float(value) for value in definitions.noise(case))
    kinks = [float(-b / w) for w, b, _ in definitions.neurons(case)]
    ns = load("float64")
    sample, network = express.sample(ns, case), express.network(ns, case)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    for index, x in enumerate(case.points):
        mean = mu * float(x)
        grid = mean + sigma * np.arange(-13, 13.5, 0.5)
        grid = np.unique([*grid, *(kink for kink in kinks if grid[0] < kink < grid[-1])])
        half = np.diff(grid)[:, None] / 2
        y = (grid[:-1, None] + half * (1 + nodes)).ravel()
        density = np.exp(-(((y - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
        mass = (half * weights).ravel() * density
        hessians = point_hessians(case, index, y)
        first = np.einsum("k,kij->ij", mass, hessians)
        second = np.einsum("k,kij->ij", mass, hessians @ hessians)
        found = point_hessian(ns, sample, network, index)
        np.testing.assert_allclose(found.square, found.second(np.eye(len(first))), rtol=1e-12)
        for exact, expected in zip((found.mean, found.square), (first, second), strict=True):
            np.testing.assert_allclose(
                exact, expected, rtol=0, atol=100 * PANELS * np.abs(expected).max()
            )


# Constants.


@every_instance
def test_constants_as_printed(case: Instance) -> None:
    with mp.workdps(50):
        mu, sigma = definitions.noise(case)
        x = [definitions.mpf(point) for point in case.points]
        n, width = len(x), x[-1] - x[0]
        spacing = min(b - a for a, b in itertools.pairwise(x))
        reach = max(x[-1], 0) - min(x[0], 0)
        c_n = max(1, 8 * mu**2 * width**3 * (mu**2 * reach + 2 * (n - 1) / spacing))
        a = c_n / sigma**6
        expected = [
            width,
            c_n,
            a,
            2**12 * sigma**2 / (mu * n**2 * spacing),
            mu * spacing / 8,
            mp.one / n,
            mu * mp.sqrt(n**5) * spacing / 2**10,
            (2**11 * mp.sqrt(mp.e) * c_n**4 / (mp.pi * n * mu * spacing)) ** (mp.one / 24),
            mu * spacing / mp.sqrt(384),
            mp.exp(-(mu**2) * spacing**2 / (32 * sigma**2)),
            mp.pi * n**5 * mu / (2**38 * mp.sqrt(mp.e) * width**2 * a**4),
            mp.pi * n**5 * mu**3 * spacing**3 / (2**36 * mp.sqrt(mp.e) * a**4 * sigma**4),
        ]
        for ball, value in zip(in_balls("constants", case), expected, strict=True):
            with precision(256):
                bound = arb(mp.nstr(value, 45))
                assert abs(ball / bound - 1) <= arb("1e-40")

"""O(m) derivatives against closed-form matrices, autodiff and finite differences."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import optimize

from dsmverify import order
from dsmverify.ensembles.hinges import Parameters
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.ensembles.sharpness import DENSE_SIZE, Curvature, curvature_of
from dsmverify.errors import InputError
from dsmverify.formulas import curvature, risk
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Batch
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]

TIED = Problem(np.array([0.4, -1.2, 0.4, 0.1, 1.5]), 0.9, 0.35)

MODELS = {
    "theory": Model(width=7, inner="signs", train_inner=False),
    "frozen": Model(width=7, train_inner=False),
    "trained": Model(width=7),
    "root": Model(width=7, output="root", rate_times_width=False),
    "offset": Model(width=7, offset=True),
}


def made(model: Model, *, awkward: bool = True, merged: bool = True, seed: int = 4) -> Parameters:
    """Random weights; neuron 0 constant, 1 active everywhere, 2 dead, 3 to 5 at one kink."""
    generator = np.random.default_rng(seed)
    m = model.width
    inner = generator.standard_normal(m)
    bias, outer = 0.7 * generator.standard_normal(m), 2 * generator.standard_normal(m)
    if model.inner == "signs":
        inner = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    elif awkward:
        inner[:3], bias[:3] = [0.0, 1e-7, 1e-7], [0.8, 0.6, -0.6]
    if merged:
        bias[5] = -0.25 * inner[5]
        inner[3], bias[3], inner[4], bias[4] = inner[5], bias[5], -inner[5], -bias[5]
    return Parameters(outer, bias, inner, 0.3 if model.offset else 0.0, model.output_scale)


def flat(model: Model, net: Parameters) -> Floats:
    """Trained parameters in one vector."""
    table = {"outer": net.outer, "bias": net.bias, "inner": net.inner, "offset": [net.offset]}
    return np.concatenate([table[name] for name in model.trained])


def moved(model: Model, net: Parameters, vector: Floats) -> Parameters:
    """The network at another vector of trained parameters."""
    m, places, arrays = model.width, 0, {}
    for name in model.trained:
        count = 1 if name == "offset" else m
        arrays[name] = vector[places : places + count]
        places += count
    return Parameters(
        arrays["outer"],
        arrays["bias"],
        arrays.get("inner", net.inner),
        float(arrays["offset"][0]) if "offset" in arrays else net.offset,
        net.scale,
    )


def torch_risk(problem: Problem, model: Model, net: Parameters, vector: Any) -> Any:
    """R_n by quadrature between cuts that move with the kinks: its derivatives hold the Diracs."""
    m = model.width
    sizes = [1 if name == "offset" else m for name in model.trained]
    parts = dict(zip(model.trained, vector.split(sizes), strict=True))
    inner = parts.get("inner", torch.from_numpy(net.inner))
    outer, bias = parts["outer"], parts["bias"]
    means = problem.mu * problem.points[:, 0]
    low, high = means.min() - 12 * problem.sigma, means.max() + 12 * problem.sigma
    kinks = {l: -bias[l] / inner[l] for l in range(m) if inner[l].item() != 0}
    at = {l: kink.item() for l, kink in kinks.items() if low < kink.item() < high}
    places = sorted(at, key=at.__getitem__)
    ends = [torch.tensor(low), *(kinks[l] for l in places), torch.tensor(high)]
    nodes, weights = np.polynomial.legendre.leggauss(16)
    share, weight = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
    total = torch.tensor(0.0, dtype=torch.float64)
    for piece, (a, b) in enumerate(pairwise(ends)):
        count = int((b - a).item() / problem.sigma) + 1
        y = a + (b - a) * ((torch.arange(count)[:, None] + share) / count).ravel()
        rule = (b - a) / count * weight.repeat(count)
        # Which neurons are active on a piece, empty ones too, is a matter of the kinks' order.
        active = (bias > 0).double()
        for place, l in enumerate(places):
            active[l] = float((place < piece) == (inner[l].item() > 0))
        hidden = (y[:, None] * inner + bias) * active
        value = net.scale * hidden @ outer + parts.get("offset", net.offset)
        for mean in means:
            z = (y - mean) / problem.sigma
            density = torch.exp(-z * z / 2) / (problem.sigma * (2 * torch.pi) ** 0.5)
            total = total + (rule * density * (value + z / problem.sigma) ** 2).sum()
    return total / len(means)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_an_independent_quadrature(name: str) -> None:
    model = MODELS[name]
    net = made(model)
    found = Curvature(TIED, model, net)
    vector = torch.tensor(flat(model, net), requires_grad=True)

    def of(x: Any) -> Any:
        return torch_risk(TIED, model, net, x)

    value, (gradient,) = of(vector), torch.autograd.grad(of(vector), vector)
    hessian = torch.autograd.functional.hessian(of, vector).numpy()  # type: ignore[no-untyped-call]
    # 16 nodes on panels of at most a sigma leave 1e-13. In its second derivatives panels that
    # begin and end at one kink cancel, which leaves 1e-13 of terms of up to 100.
    assert found.risk == pytest.approx(value.item(), rel=1e-12)
    assert found.gradient == pytest.approx(gradient.numpy(), rel=1e-10, abs=1e-12)
    assert found.hessian == pytest.approx(hessian, rel=1e-9, abs=1e-10)
    dead = model.inner == "gaussian"
    assert (not found.gradient[2] and not found.hessian[2].any()) == dead
    extremes = np.linalg.eigvalsh(hessian)[[0, -1]]
    assert found.largest == pytest.approx(extremes[1], rel=1e-9)
    assert found.smallest == pytest.approx(extremes[0], rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("boundary", [True, False])
@pytest.mark.parametrize("trained", [True, False])
def test_matrices_are_the_formulas(trained: bool, boundary: bool) -> None:
    """Untied points, output 1/m, no weight of 0: what the formulas were written for."""
    model = Model(width=24, train_inner=trained)
    net = made(model, awkward=False)
    problem = Problem(np.array([-1.2, 0.1, 0.4, 1.5]), 0.9, 0.35)
    kinks = order.float_kink_order(net.inner, net.bias)
    places = np.array(kinks.kinks)
    sample: Sample[Any] = Sample(problem.points[:, 0], np.float64(0.9), np.float64(0.35), 4)
    network: Network[Any] = Network(
        net.inner,
        net.bias,
        net.outer,
        places,
        kinks.order,
        kinks.signs,
        order.positions(places, 0.9 * problem.points[:, 0]),
        kinks.group,
        model.width,
    )
    groups: list[risk.Parameter] = ["outer", "bias"]
    groups += ["inner"] if trained else []
    dense = curvature.hessian(SYSTEM, sample, network, groups, boundary=boundary)
    kernel = curvature.tangent_kernel(SYSTEM, sample, network, groups)
    value, gradient = risk.risk_and_gradient(SYSTEM, sample, network, groups)
    found = Curvature(problem, model, net, boundary=boundary)
    scale = np.abs(dense).max()
    assert found.risk == pytest.approx(value, rel=1e-13)
    assert found.gradient == pytest.approx(gradient, rel=1e-12, abs=1e-14)
    assert np.abs(found.hessian - dense).max() <= 1e-13 * scale
    assert np.abs(found.kernel - kernel).max() <= 1e-13 * scale
    assert found.kernel_largest == pytest.approx(np.linalg.eigvalsh(kernel)[-1], rel=1e-10)


@pytest.mark.parametrize("name", ["theory", "trained", "offset"])
def test_extremes_of_a_wide_network_are_those_of_its_matrix(name: str) -> None:
    options = {
        "theory": {"inner": "signs", "train_inner": False},
        "trained": {},
        "offset": {"offset": True},
    }[name]
    model = Model(width=70, **options)  # type: ignore[arg-type]
    net = made(model, seed=7)
    found = Curvature(TIED, model, net)
    assert found.size > 2 * DENSE_SIZE  # past the dense path, dead neurons left out
    values, vectors = np.linalg.eigh(found.hessian)
    # The residual is 1e-10, and the largest eigenvalue stands alone: its error is of second order.
    assert found.largest == pytest.approx(values[-1], rel=1e-12)
    assert abs(found.leading[1] @ vectors[:, -1]) == pytest.approx(1.0, abs=1e-9)
    assert found.smallest == pytest.approx(values[0], abs=1e-10 * values[-1])
    assert values[0] < -1e-3 * values[-1]  # the smallest is no accident of rounding
    low, vector = found.lowest
    image = found.hessian_product(vector)
    assert image == pytest.approx(low * vector, abs=1e-8 * values[-1])
    top = np.linalg.eigvalsh(found.kernel)[-1]
    assert found.kernel_largest == pytest.approx(top, rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_products_are_differences_of_the_gradient(name: str) -> None:
    """Kinks apart: where they merge the Hessian is continuous, but has no derivative."""
    model = MODELS[name]
    net = made(model, merged=False)
    found = Curvature(TIED, model, net)
    start = flat(model, net)
    direction = np.random.default_rng(1).standard_normal(start.size)
    if model.train_inner:
        direction[2 * model.width : 2 * model.width + 3] *= 1e-3  # far kinks stay far

    def gradient(step: float) -> Floats:
        return Curvature(TIED, model, moved(model, net, start + step * direction)).gradient

    step = 1e-4
    near = gradient(step) - gradient(-step)
    slope = (8 * near - gradient(2 * step) + gradient(-2 * step)) / (12 * step)
    # Of fourth order: 1e-16 of a fifth derivative of up to 1e7, and roundings of 1e-15 / 1e-4.
    assert found.hessian_product(direction) == pytest.approx(slope, rel=1e-8, abs=1e-9)


def test_rate_is_the_one_at_which_the_update_stops_contracting() -> None:
    """The largest factor of `1 - eta G H` is -1 there, G the rate factors of the groups."""
    for model in MODELS.values():
        net = made(model)
        found = Curvature(TIED, model, net)
        factors = np.full(found.size, model.rate_factor)
        if model.offset:
            factors[-1] = 1.0
        scaled = np.linalg.eigvals(factors[:, None] * found.hessian).real
        assert found.largest_stable_rate == pytest.approx(2 / scaled.max(), rel=1e-9)


def test_the_pointwise_hessian_leaves_out_the_diracs_alone() -> None:
    model = MODELS["theory"]
    net = made(model)
    both = [Curvature(TIED, model, net, boundary=flag).hessian for flag in (True, False)]
    difference = both[0] - both[1]
    m = model.width
    assert not (difference - np.diag(np.diag(difference))).any()
    assert not difference[:m].any()
    means = TIED.mu * TIED.points[:, 0]
    kinks = -net.bias / net.inner
    z = (kinks[:, None] - means) / TIED.sigma
    density = np.exp(-z * z / 2) / (TIED.sigma * np.sqrt(2 * np.pi))
    values = np.maximum(net.inner * kinks[:, None] + net.bias, 0) @ net.outer / m
    residual = (values[:, None] + z / TIED.sigma) * density
    dirac = 2 * net.outer / (m * np.abs(net.inner)) * residual.mean(axis=1)
    # The value at a kink is a sum of hinges here and a running sum over gaps there.
    assert np.diag(difference)[m:] == pytest.approx(dirac, rel=1e-11, abs=1e-13)


def test_a_dead_network_is_flat() -> None:
    model = Model(width=40)
    net = made(model)
    dead = Parameters(net.outer, np.full(40, -1e3), np.ones(40), 0.0, net.scale)
    found = Curvature(TIED, model, dead)
    assert found.largest == found.smallest == found.kernel_largest == 0.0
    assert not found.gradient.any()
    assert found.largest_stable_rate == np.inf


def test_at_a_minimum_dead_neurons_hold_the_smallest_eigenvalue() -> None:
    """One neuron at its best, the Hessian positive in its two parameters; one dead."""
    model = Model(width=2, train_inner=False)
    inner = np.array([-1.0, 1.0])

    def at(x: Floats) -> Curvature:
        outer, bias = np.array([x[0], 1.0]), np.array([x[1], -1e3])
        return Curvature(TIED, model, Parameters(outer, bias, inner, 0.0, 0.5))

    best = optimize.minimize(
        lambda x: at(x).risk, [4.0, 0.5], jac=lambda x: at(x).gradient[[0, 2]], method="BFGS"
    )
    found = at(best.x)
    assert np.abs(found.gradient).max() < 1e-4
    active = np.linalg.eigvalsh(found.hessian[np.ix_([0, 2], [0, 2])])
    assert active[0] > 1e-3
    assert found.largest == pytest.approx(active[1], rel=1e-12)
    assert found.smallest == 0.0
    assert not found.hessian_product(found.lowest[1]).any()


def test_initial_networks_with_every_kink_at_zero() -> None:
    """Biases 0: one merged kink, outer weights far from it as in the experiments."""
    model = Model(width=80)
    ensemble = Ensemble.of(model, Batch(2, "mean", True), [TIED], [0.1], [5], [0])
    networks = ensemble.start(np.float32)
    found = curvature_of(TIED, model, networks, 0)
    values = np.linalg.eigvalsh(found.hessian)
    assert found.largest == pytest.approx(values[-1], rel=1e-11)
    assert found.smallest == pytest.approx(values[0], abs=1e-10 * values[-1])


def test_infinite_parameters_are_refused() -> None:
    model = Model(width=3)
    networks = Networks(
        np.ones((1, 3, 1)),
        np.full((1, 3), np.nan),
        np.ones((1, 3, 1)),
        np.zeros((1, 1)),
        np.array([-1]),
    )
    with pytest.raises(InputError, match="NaN or infinity"):
        curvature_of(TIED, model, networks, 0)

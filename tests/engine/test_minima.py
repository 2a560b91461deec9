"""Proved local minima against SciPy's minimiser, started elsewhere."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from scipy.optimize import minimize

from dsmverify import express
from dsmverify.battery import battery
from dsmverify.certify import precision
from dsmverify.instance import Instance
from dsmverify.minima import find_minimum
from dsmverify.systems.balls import SYSTEM
from dsmverify.truth import Truth
from tests.formulas import definitions

NAMES = ("minimum-pair-ends", "minimum-overlap-two", "minimum-five-two")


@cache
def bundled() -> dict[str, Instance]:
    return {instance.name: instance for instance in battery()}


def found(case: Instance, *, is_last: bool = True) -> Any:
    with precision(192):
        sample, network = express.sample(SYSTEM, case), express.network(SYSTEM, case)
        return find_minimum(sample, network, is_last=is_last)


@pytest.mark.parametrize("name", NAMES)
def test_a_proved_minimum_is_where_scipy_finds_it(name: str) -> None:
    """SciPy minimises the quadrature of the definition from a start moved by 1/100."""
    case = bundled()[name]
    minimum = found(case)
    assert minimum.truth is Truth.TRUE
    enclosed = np.array([float(v.mid()) for v in (*minimum.network.outer, *minimum.network.bias)])
    assert max(float(v.rad()) for v in (*minimum.network.outer, *minimum.network.bias)) < 1e-25
    full = definitions.torch_parameters(case)
    inner = full[2 * len(full) // 3 :]

    def loss(parameters: Any) -> tuple[float, Any]:
        values = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
        moved = replace_kinks(case, parameters)
        risk = definitions.quadrature(moved, torch.cat([values, inner])).risk
        (slope,) = torch.autograd.grad(risk, values)
        return float(risk.detach()), slope.numpy()

    start = enclosed * 1.01
    result = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    # |gradient| below 1e-8 and curvature above 1e-3 in these examples put the minimum within 1e-5.
    assert np.abs(result.jac).max() < 1e-6
    np.testing.assert_allclose(result.x, enclosed, rtol=1e-3, atol=1e-3)
    assert loss(enclosed)[0] <= result.fun * (1 + 1e-9)
    assert np.abs(loss(enclosed)[1]).max() < 1e-10


def replace_kinks(case: Instance, parameters: Any) -> Instance:
    """The instance with these parameters, so that its kinks are ordered as they now lie."""
    assert case.network is not None
    m = case.network.width
    outer, bias = (
        tuple(map(Fraction, map(float, part))) for part in (parameters[:m], parameters[m:])
    )
    return replace(
        case, network=replace(case.network, biases=bias, outer_weights=outer, bound=None)
    )


def test_a_network_far_from_any_minimum_is_none() -> None:
    case = bundled()["random-pair"]
    minimum = found(case)
    assert minimum.truth is Truth.FALSE
    assert minimum.network is None
    with precision(192):
        assert minimum.gradient > arb("1e-6")


def test_coinciding_kinks_are_never_proved() -> None:
    case = bundled()["shape-coinciding"]
    assert found(case).truth is not Truth.TRUE


def test_an_exactly_flat_direction_is_never_a_strict_minimum() -> None:
    """A neuron of outer weight 0 beside a minimum: its bias is free."""
    case = bundled()["minimum-pair-ends"]
    assert case.network is not None
    idle = replace(
        case.network,
        inner_weights=(*case.network.inner_weights, Fraction(1)),
        biases=(*case.network.biases, Fraction(-30)),
        outer_weights=(*case.network.outer_weights, Fraction(0)),
        bound=None,
    )
    assert found(replace(case, network=idle)).truth is not Truth.TRUE

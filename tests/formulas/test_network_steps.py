"""Sides of the steps about networks in three number systems: float64, mpmath, balls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from dsmverify import express
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import curvature, network_steps, risk, threshold_steps
from dsmverify.formulas.case import Case
from dsmverify.formulas.network import pieces
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.systems import load
from dsmverify.systems.balls import ball

F = Fraction
BITS = 200
NEURON, POINT, NOISE = 2, 2, F(3, 16)

CASE = Instance(
    "steps",
    (F(-1), F(1, 2), F(2), F(3), F(5)),
    NoiseLevel(sigma=F(1, 4), mu=F(3, 4)),
    NetworkData(
        (F(1), F(-1), F(1), F(-1)),
        (F(1, 3), F(1, 4), F(-1, 2), F(1, 2)),
        (F(3), F(-2), F(5, 2), F(4)),
    ),
    learning_rate=F(1, 100),
)
"""Kinks -1/3, 1/4 and twice 1/2, where two neurons meet."""

DECIDED = {
    "residual_floor",
    "steepest_fall",
    "steepest_in_gap",
    "highest_left",
    "lowest_right",
    "turns_between_means",
    "turns_in_the_middle",
}
"""Sides that rest on decisions about balls; tests/claims/test_steps_network.py has them."""


def sides(module: ModuleType) -> Iterator[Any]:
    """Functions of a case alone, public and the module's own."""
    for name, function in inspect.getmembers(module, inspect.isfunction):
        own = function.__module__ == module.__name__ and not name.startswith("_")
        if own and list(inspect.signature(function).parameters) == ["c"] and name not in DECIDED:
            yield pytest.param(function, id=name)


def in_balls(side: Callable[[Any], Any]) -> Any:
    """A side and the values that other systems are given, as floats."""
    with precision(BITS):
        facts = Facts(CASE, Accuracy(40))
        return as_floats(side(replace(facts.case(POINT, ball(NOISE)), l=NEURON)))


def as_floats(value: Any) -> Any:
    entries = np.asarray(value, dtype=object)
    if entries.ndim == 0:
        return float(entries.item())
    floats: Any = np.frompyfunc(float, 1, 1)(entries)
    return floats.astype(float)


def in_system(side: Callable[[Any], Any], name: str) -> Any:
    """The same in float64 or mpmath; eigenvalues and variations are handed over from the balls."""
    ns: Any = load(name)
    sample, network = express.sample(ns, CASE), express.network(ns, CASE)
    blocks = curvature.residual_curvature(ns, sample, network)
    noised = [float(F(3, 4) * x + NOISE) for x in CASE.points]
    after = np.array([[y > float(kink) for y in noised] for kink in network.kinks])
    kernel = curvature.tangent_kernel(ns, sample, network)
    known: dict[str, Callable[[], Any]] = {
        "network": lambda: network,
        "pieces": lambda: pieces(ns, network),
        "spacing": lambda: ns.constant(CASE.spacing),
        "learning_rate": lambda: ns.constant(CASE.learning_rate),
        "risk": lambda: risk.risk(ns, sample, network),
        "gradient": lambda: risk.gradient(ns, sample, network),
        "hessian": lambda: curvature.hessian(ns, sample, network),
        "smooth_hessian": lambda: curvature.hessian(ns, sample, network, boundary=False),
        "tangent_kernel": lambda: kernel,
        "mean_cross": lambda: blocks["outer", "bias"] * network.width,
        "kink_diagonal": lambda: 2 * blocks["bias", "bias"],
        "kernel_form": lambda: lambda vector: vector @ (kernel @ vector),
        "beyond_kinks": lambda: lambda _: ns.constant(after),
        "before_kinks": lambda: lambda _: ns.constant(~after),
    }

    def handed_over(quantity: str) -> Any:
        with precision(BITS):
            value = Facts(CASE, Accuracy(40))(quantity)
            exact = np.asarray(value, dtype=object)
            middles = [F(float(entry)) for entry in exact.reshape(-1)]
        if exact.ndim == 0:
            return ns.constant(middles[0])
        return ns.constant(np.array(middles, dtype=object).reshape(exact.shape))

    def quantities(quantity: str) -> Any:
        return known[quantity]() if quantity in known else handed_over(quantity)

    y = ns.constant(NOISE)
    case: Case[Any] = Case(ns, sample, quantities, express.places(CASE), POINT, y, l=NEURON)
    return as_floats(side(case))


@pytest.mark.parametrize("side", [*sides(network_steps), *sides(threshold_steps)])
def test_a_side_has_one_value_in_every_system(side: Callable[[Any], Any]) -> None:
    expected = in_balls(side)
    with mp.workdps(40):
        # what is handed over is a float: 1e-16, times the size of what cancels
        assert in_system(side, "mpmath") == pytest.approx(expected, rel=1e-9, abs=1e-11)
    assert in_system(side, "float64") == pytest.approx(expected, rel=1e-8, abs=1e-10)

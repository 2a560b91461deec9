"""What is measured on a wide trained network: how long it takes at m = 1000, n = 20."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.pairs import Measurement, limited
from dsmverify.ensembles import dimensions, measures
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.ensembles.sharpness import Curvature, curvature_of
from dsmverify.instance import Batch

WIDTH, SIZE = 1000, 20
SHARPNESS_LIMIT = 0.05
"""Seconds, set-up of the products included."""

RISK_LIMIT = 0.02
ESTIMATE_LIMIT = 2.0


def sharpness(rounds: int) -> Iterator[Measurement]:
    """lambda_max of the Hessian over all weights and biases, by O(m) products."""
    ensemble, networks = _trained(1)

    def fresh() -> Curvature:
        return curvature_of(ensemble.problems[0], ensemble.model, networks, 0)

    def ours() -> float:
        return fresh().largest

    one = fresh()
    value, vector = one.leading
    residual = float(np.linalg.norm(one.hessian_product(vector) - value * vector)) / value
    note = f"n={SIZE} m={WIDTH}, outer, bias and inner, set-up included; residual {residual:.0e}"
    yield limited("lambda_max", ours, SHARPNESS_LIMIT, rounds=rounds, note=note)


def excess(rounds: int) -> Iterator[Measurement]:
    """Excess risk: exact in d = 1, by Monte Carlo in d = 10."""
    ensemble, networks = _trained(1)
    measures.excess_risks(ensemble, networks)  # the optimal risk is kept
    yield limited(
        "excess_risk@1",
        lambda: measures.excess_risks(ensemble, networks),
        RISK_LIMIT,
        rounds=rounds,
        note=f"n={SIZE} m={WIDTH} d=1, exact, one network, R_n(s*) known",
    )
    many, wide = _trained(10)
    yield limited(
        "excess_risk@10",
        lambda: dimensions.estimate_excess_risks(many, wide, seed=1),
        ESTIMATE_LIMIT,
        rounds=rounds,
        note=f"n={SIZE} m={WIDTH} d=10, {dimensions.PAGE_DRAWS} draws a point, float64",
    )


def _trained(dimension: int) -> tuple[Ensemble, Networks]:
    """A network as training leaves it: kinks spread out, some neurons dead, some active everywhere.

    Biases of deviation 1 and outer weights of deviation 5 stand for the training.
    """
    model = Model(width=WIDTH, dimension=dimension, bias_deviation=1.0)
    points = np.random.default_rng(1).standard_normal((SIZE, dimension))
    problem = Problem(points, 0.95, 0.31)
    ensemble = Ensemble.of(model, Batch(50, "mean", True), [problem], [0.1], [1], [0])
    networks = ensemble.start(np.float32)
    networks.outer *= 5
    return ensemble, networks

"""Exact instances on which formulas are compared, and every formula by name.

Each entry of `FORMULAS` takes a number system and an instance and gives an array: one line for each
function of `dsmverify.formulas` that the systems must agree on.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from dsmverify import express, order
from dsmverify.batch_hessians import batch_hessian
from dsmverify.formulas import constants, curvature, posterior, risk
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.numbers import Numbers

Formula = Callable[[Numbers[Any], Instance], Any]

ALL_PARAMETERS: tuple[risk.Parameter, ...] = ("outer", "bias", "inner")


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split())


def instance(
    name: str, points: str, noise: NoiseLevel, network: tuple[str, str, str], at: str
) -> Instance:
    inner, bias, outer = (fractions(part) for part in network)
    return Instance(
        name,
        fractions(points),
        noise,
        network=NetworkData(inner, bias, outer),
        at=fractions(at),
    )


INSTANCES = {
    case.name: case
    for case in (
        instance(
            "pair",
            "-1/3 2/3",
            NoiseLevel(sigma=Fraction(3, 5)),
            ("1 -1", "1/7 -1/5", "2/3 -5/4"),
            "-1/5 0 1/3",
        ),
        instance(
            "four",
            "-6/5 -1/10 7/10 2",
            NoiseLevel(sigma=Fraction(1, 3), mu=Fraction(9, 10)),
            ("1 -1 1 1 -1", "0 3/10 1/2 -2 -11/3", "3/2 -1 7/3 -2/9 1/5"),
            "-1 -9/100 1/5 8/5",
        ),
        instance(  # kinks coincide, one outer weight is 0, one neuron is dead, weights are general
            "coinciding",
            "0 1/2 3/2",
            NoiseLevel(sigma=Fraction(1, 4), mu=Fraction(4, 5)),
            ("1 -1 2 -1/3 1 1", "-1/2 1/2 -1 1/6 -10 0", "1 -2 3/4 5/3 1 0"),
            "0 3/10 1/2 6/5",
        ),
        instance(  # kinks and points at noised means, irrational mu
            "irrational",
            "-2 0 1/7 5/2",
            NoiseLevel(time=Fraction(1, 5)),
            ("1 -1 1", "0 1/3 -1", "-3/2 2 1"),
            "-3/2 0 1/9 2",
        ),
        instance(  # the means are 10 and 30 noise levels apart
            "apart",
            "0 1 4",
            NoiseLevel(sigma=Fraction(9, 100), mu=Fraction(9, 10)),
            ("1 1 -1", "-9/20 -9/4 3/2", "40 -30 12"),
            "0 9/20 1/2 9/4 27/10",
        ),
    )
}


def _objects(values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _at(ns: Numbers[Any], case: Instance) -> tuple[Any, Any, Any]:
    places = express.places(case)
    anchor = np.array([places.nearest(float(y)) for y in case.at])
    return ns.constant(_objects(case.at)), express.sample(ns, case), anchor


def of_posterior(formula: Any) -> Formula:
    def evaluate(ns: Numbers[Any], case: Instance) -> Any:
        return formula(ns, *_at(ns, case))

    return evaluate


def position(case: Instance) -> Any:
    assert case.network is not None
    kinks = order.kink_order(case.network.inner_weights, case.network.biases).kinks
    return np.array([order.exact_position(kinks, y) for y in case.at])


def weight(ns: Numbers[Any], case: Instance) -> Any:
    y, sample, _ = _at(ns, case)
    places = express.places(case)
    where = np.array([places.among_weight_cuts(float(point)) for point in case.at])
    return weights.weight(ns, y, sample, express.weight_pieces(ns, case.points), where)


def network_value(ns: Numbers[Any], case: Instance) -> Any:
    y, _, _ = _at(ns, case)
    return networks.value(ns, y, express.network(ns, case), position(case))


def network_slope(ns: Numbers[Any], case: Instance) -> Any:
    return networks.slope(ns, express.network(ns, case), position(case))


def slope_jumps(ns: Numbers[Any], case: Instance) -> Any:
    return networks.slope_jumps(ns, express.network(ns, case))


def total_variation(ns: Numbers[Any], case: Instance) -> Any:
    """With made-up weights 1, 1/2, 1/3.. at the kinks; one weight for equal kinks."""
    net = express.network(ns, case)
    heights = _objects([Fraction(1, int(g) + 1) for g in net.group])
    return networks.total_variation(ns, net, ns.constant(heights))


def of_network(formula: Any, *more: Any, **options: Any) -> Formula:
    def evaluate(ns: Numbers[Any], case: Instance) -> Any:
        return formula(ns, express.sample(ns, case), express.network(ns, case), *more, **options)

    return evaluate


def kernel_product(ns: Numbers[Any], case: Instance) -> Any:
    product = curvature.tangent_kernel_product(
        ns, express.sample(ns, case), express.network(ns, case), ALL_PARAMETERS
    )
    vector = [Fraction((7 * k) % 5 - 2, 3) for k in range(3 * product.width)]
    return product(ns.constant(_objects(vector)))


def residual_curvature(ns: Numbers[Any], case: Instance) -> Any:
    blocks = curvature.residual_curvature(
        ns, express.sample(ns, case), express.network(ns, case), ALL_PARAMETERS
    )
    return ns.concatenate([blocks[key] for key in sorted(blocks)])


def of_constants(ns: Numbers[Any], case: Instance) -> Any:
    sample, spacing = express.sample(ns, case), ns.constant(case.spacing)
    sigma = sample.sigma
    bound = constants.default_bound(ns, sample, spacing)
    values = [
        constants.spread(sample),
        constants.curvature_constant(ns, sample, spacing),
        bound,
        constants.learning_rate_threshold(sample, spacing),
        constants.noise_limit_spacing(sample, spacing),
        constants.noise_limit_size(ns, sample),
        constants.noise_limit_risk(ns, sample, spacing),
        constants.noise_limit_risk_variant(ns, sample, spacing),
        constants.exponential_turning_point(ns, sample, spacing),
        *constants.exponential_condition(ns, sample, spacing, sigma),
        constants.excess_risk_bound(ns, sample, spacing, bound),
    ]
    return ns.concatenate(
        [value[..., None] if _is_array(value) else _one(value) for value in values]
    )


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and not isinstance(value, np.generic)


def _one(value: Any) -> Any:
    if isinstance(value, np.generic):
        return np.array([value])
    return _objects([value])


def separated_bounds(ns: Numbers[Any], case: Instance) -> Any:
    low, high = posterior.separated_risk_bounds(ns, express.sample(ns, case))
    return ns.concatenate(
        [value[..., None] if _is_array(value) else _one(value) for value in (low, high)]
    )


def batch_moments(ns: Numbers[Any], case: Instance) -> Any:
    hessian = batch_hessian(
        ns, express.sample(ns, case), express.network(ns, case), Batch(2, "mean")
    )
    matrix = [
        [Fraction(int(row == column) + 1, 2 + row + column) for column in range(len(hessian.mean))]
        for row in range(len(hessian.mean))
    ]
    second = hessian.second(ns.constant(np.array(matrix, dtype=object)))
    return ns.concatenate([hessian.mean, hessian.square, second])


FORMULAS: dict[str, Formula] = {
    "responsibilities": of_posterior(posterior.responsibilities),
    "density": of_posterior(posterior.density),
    "posterior_offset": of_posterior(posterior.posterior_offset),
    "posterior_mean": of_posterior(posterior.posterior_mean),
    "posterior_variance": of_posterior(posterior.posterior_variance),
    "posterior_third_moment": of_posterior(posterior.posterior_third_moment),
    "empirical_score": of_posterior(posterior.empirical_score),
    "empirical_score_slope": of_posterior(posterior.empirical_score_slope),
    "empirical_score_curvature": of_posterior(posterior.empirical_score_curvature),
    "risk_density": of_posterior(posterior.risk_density),
    "weight": weight,
    "network": network_value,
    "network_slope": network_slope,
    "slope_jumps": slope_jumps,
    "total_variation": total_variation,
    "point_risks": of_network(risk.point_risks),
    "risk": of_network(risk.risk),
    "gradient": of_network(risk.gradient, ALL_PARAMETERS),
    "tangent_kernel": of_network(curvature.tangent_kernel, ALL_PARAMETERS),
    "kernel_product": kernel_product,
    "residual_curvature": residual_curvature,
    "hessian": of_network(curvature.hessian, ALL_PARAMETERS),
    "pointwise_hessian": of_network(curvature.hessian, boundary=False),
    "constants": of_constants,
    "separated_risk_bounds": separated_bounds,
    "batch_hessian": batch_moments,
}

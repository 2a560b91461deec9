"""What squared MMD can tell, certified: two laws given exactly, and nothing sampled.

| letter | here | meaning |
|---|---|---|
| x_i, w_i | | training points, weights of the clusters |
| M | `memorised` | law `sum_i w_i N(mu x_i, sigma^2 I)`: training points with noise |
| B | `blurred` | the same with noise of twice the standard deviation: memorises as much as M |
| G | `gaussian` | the Gaussian fitted to the points, noised: `N(mu m, mu^2 C + sigma^2 I)` |
| N, h | | points of each sample, bandwidth |

The unbiased estimator has mean MMD^2(M, G) between samples of M and G, and mean 0 between two
samples of M. With V_0 and V_1 its variances there (`formulas.kernel_means`), a border
at `c = MMD^2 sqrt V_0/(sqrt V_0 + sqrt V_1)` is passed by a null, and missed by an extreme, with
probability at most `1/(1 + z^2)` each, `z = MMD^2/(sqrt V_0 + sqrt V_1)` (Cantelli), whatever the
estimator's law. It `separates` when that is certified to be at most `ERROR`, for both nulls, and
MMD^2 > 0. It `orders` when `MMD^2(B, M) < MMD^2(B, G)` is certified.

Axes are those of the points' covariance, found in float64: what is certified holds for the laws
with exactly the rounded coordinates, whose distances are those of the given ones to about 1e-15.
mu and sigma are balls.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import ArrayLike, NDArray

from dsmverify.certify import precision
from dsmverify.errors import InputError, show
from dsmverify.exact import ExactInput, parse_exact
from dsmverify.formulas import kernel_means
from dsmverify.formulas.kernel_means import Mixture
from dsmverify.instance import NoiseLevel
from dsmverify.metrics.distances import cloud
from dsmverify.systems import load
from dsmverify.truth import Truth, compare, every

Floats = NDArray[np.float64]

BITS = 256
"""Of the balls. In d = 1000 a squared MMD of 1e-10 is a difference of numbers up to 1."""

ERROR = Fraction(1, 20)
"""Largest probability of either error at which a metric counts as separating."""


@dataclass(frozen=True)
class PopulationPower:
    """Squared MMD between the laws, and the spread of its estimators; enclosures.

    Attributes:
        dimension: d.
        size: N.
        bandwidth: h.
        extreme: MMD^2(M, G).
        null_deviation: of the unbiased estimator between two samples of M.
        gaussian_deviation: between two samples of G.
        extreme_deviation: between a sample of M and one of G.
        blurred: MMD^2(B, M).
        blurred_gaussian: MMD^2(B, G).
        biased_null: mean of the biased estimator between two samples of M.
        biased_extreme: its mean between a sample of M and one of G.
        separates: whether Cantelli's bound tells both nulls from the extreme. TRUE is certified;
            FALSE says that this bound does not do it, and samples may still.
        orders: whether a blurred memoriser is nearer to M than to G; certified either way.
    """

    dimension: int
    size: int
    bandwidth: Fraction
    extreme: arb
    null_deviation: arb
    gaussian_deviation: arb
    extreme_deviation: arb
    blurred: arb
    blurred_gaussian: arb
    biased_null: arb
    biased_extreme: arb
    separates: Truth
    orders: Truth


def population_power(
    points: ArrayLike,
    *,
    bandwidth: ExactInput,
    size: int,
    time: ExactInput,
    weights: ArrayLike | None = None,
) -> PopulationPower:
    """What squared MMD with one bandwidth can tell about generation from these points.

    Args:
        points: training points `[n, d]`, at least two.
        bandwidth: h, positive; a string is exact, a float the double that it denotes.
        size: N, at least 2.
        time: t of mu = e^-t and sigma^2 = 1 - e^-2t, positive, as the bandwidth.
        weights: w_i `[n]`, positive; None: equal. Taken relative to their sum.

    Result: enclosures for the laws of the module's text.

    Raises:
        InputError: fewer than two points or points that are no numbers, a bandwidth, size or time
            out of range, weights of another length or not positive.
    """
    given = cloud("points", points)
    shares = np.ones(len(given)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(given),) or not (np.isfinite(shares).all() and (shares > 0).all()):
        raise InputError(
            "weights", show(weights), "there is a positive one for each point", "correct them"
        )
    width, moment = parse_exact(bandwidth, field="bandwidth"), parse_exact(time, field="time")
    if width <= 0:
        raise InputError("bandwidth", show(bandwidth), "it must be positive", "give h > 0")
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 2:
        raise InputError(
            "size", show(size), "it counts points, and an estimate takes pairs", "give 2 or more"
        )
    if moment <= 0:
        raise InputError("time", show(time), "it must be positive", "give t > 0")
    coordinates, variances, multiplicities = _axes(given)
    with precision(BITS):
        ns: Any = load("arb")
        mu, sigma = NoiseLevel(time=moment).values(ns)
        noise, square = sigma * sigma, ns.constant(width * width)
        part = ns.constant([Fraction(share) for share in shares])
        part = part / ns.sum(part)
        means = mu * _exact(ns, coordinates)
        still = ns.constant(np.zeros(coordinates.shape, dtype=int))
        memorised = Mixture(part, means, still + noise, multiplicities)
        blurred = Mixture(part, means, still + 4 * noise, multiplicities)
        centre = ns.constant(np.zeros((1, len(multiplicities)), dtype=int))
        spread = mu * mu * _exact(ns, variances[None, :]) + noise
        gaussian = Mixture(ns.constant([1]), centre, spread, multiplicities)

        def between(p: Mixture[Any], q: Mixture[Any]) -> arb:
            return _scalar(kernel_means.squared_mmd(ns, square, p, q))

        def deviation(p: Mixture[Any], q: Mixture[Any]) -> arb:
            return _scalar(kernel_means.estimator_variance(ns, square, p, q, size)).sqrt()

        def excess(p: Mixture[Any], q: Mixture[Any]) -> arb:
            return _scalar(kernel_means.biased_excess(ns, square, p, q, size))

        extreme = between(memorised, gaussian)
        nulls = deviation(memorised, memorised), deviation(gaussian, gaussian)
        apart = deviation(memorised, gaussian)
        least = (1 / _scalar(ns.constant(ERROR)) - 1).sqrt()
        near, far = between(blurred, memorised), between(blurred, gaussian)
        return PopulationPower(
            dimension=given.shape[1],
            size=int(size),
            bandwidth=width,
            extreme=extreme,
            null_deviation=nulls[0],
            gaussian_deviation=nulls[1],
            extreme_deviation=apart,
            blurred=near,
            blurred_gaussian=far,
            biased_null=excess(memorised, memorised),
            biased_extreme=extreme + excess(memorised, gaussian),
            # Where the laws are one, 0 >= 0 would count.
            separates=every(
                [
                    compare(extreme, ">", ns.scalar(0)),
                    *(compare(extreme, ">=", least * (null + apart)) for null in nulls),
                ]
            ),
            orders=compare(near, "<", far),
        )


def _axes(points: Floats) -> tuple[Floats, Floats, tuple[int, ...]]:
    """Points from their mean along the axes of their covariance, variances, and multiplicities.

    Axes orthogonal to all points come last, as one.
    """
    apart = points - points.mean(axis=0)
    _, lengths, axes = np.linalg.svd(apart, full_matrices=False)
    kept = lengths > 1e-12 * lengths[0]
    coordinates, variances = apart @ axes[kept].T, lengths[kept] ** 2 / len(points)
    multiplicities = [1] * int(kept.sum())
    left = points.shape[1] - len(multiplicities)
    if left:
        coordinates = np.pad(coordinates, ((0, 0), (0, 1)))
        variances = np.append(variances, 0.0)
        multiplicities.append(left)
    return coordinates, variances, tuple(multiplicities)


def _exact(ns: Any, values: Floats) -> Any:
    return ns.constant([[Fraction(value) for value in row] for row in values])


def _scalar(value: Any) -> arb:
    found: arb = np.asarray(value, dtype=object).item()
    return found

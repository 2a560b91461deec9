"""The translation bounds at trained networks, in any dimension, and the rates they call critical.

| letter | here | meaning |
|---|---|---|
| u, v | | a unit vector; (0, (w1_l . u)_l, 0): biases that move along v translate s_theta by u |
| r | | sigma sqrt(R_n), R_n the mean of the squared Euclidean norm of the residual f |
| L | `squared_length` | sum_l abs(w1_l)^2 = sum over the axes u = e_k of abs(v_k)^2 |
| K | `curvature` | sum_k v_k^T hess R_n v_k |
| J | `slope` | E norm(D s_theta(Y))_F^2 = sum_k v_k^T T v_k, T the tangent kernel |
| g | | the update is theta - g eta grad: m (the theory's) or 1 |
| w | `length` | L/g; 1 in the mean for g = m and inner weights of variance 1/d |
| A | `BestScore.slope` | E norm(D s*(Y))_F^2 |
| B | `BestScore.load` | E abs(div D s* + D s* s*)^2, the gradient of `div s* + abs(s*)^2/2` |

By moments of Z and f, `K = 2 d/sigma^4 - (4/sigma^3) E[Z . f] + (1/sigma^2) E[(|Z|^2 - d) |f|^2]`
(derivations/translation_in_dimensions.py). Since K <= lambda_max L,

    lambda_max(hess R_n) <= 2/(g eta) only if eta <= 2 w/K,
    theta* linearly stable, mean over the batch, only if eta <= w/J,

and K >= (2 d/sigma^4)(1 - 2 r/sqrt d - r^2/2), J >= (sqrt d - r)_+^2/sigma^4 (shift5.s1; shift2,
shift3 and shift7 at d = 1). So a rate of 2 sigma^4 w/d, or of 4 sigma^4 w/d, forces a risk.

**What that says of the page's settings** (`page_table`; w = 1: a sum of abs(w1_l)^2 over m = 1000
neurons of variance 1/d is m up to a relative sqrt(2/(d m)), 0.045 at d = 1). Forced is the larger
of `risk_floors`:

| d | t | sigma | 2 sigma^4/d | 4 sigma^4/d | R_n(0) | forced R_n at eta = 0.5, 0.1, 0.05, 0.01 |
|---|---|---|---|---|---|---|
| 1 | 0.2 | 0.57418 | 0.21738 | 0.43476 | 3.0332 | 0.864, 0, 0, 0 |
| 1 | 0.05 | 0.30848 | 0.018112 | 0.036224 | 10.508 | 7.87, 5.14, 3.47, 0.0246 |
| 10 | 0.2 | 0.57418 | 0.021738 | 0.043476 | 30.332 | 22.1, 13.6, 8.64, 0 |
| 10 | 0.05 | 0.30848 | 0.0018112 | 0.0036224 | 105.08 | 96.3, 86.0, 78.7, 51.4 |

It is a risk, not an excess risk, so what it says depends on R_n(s*), that is on how far apart the
points are. Twenty normal points lie far apart in ten dimensions: R_n(s*) is about 2.6 (t = 0.2) and
0.04 (t = 0.05), and the bounds speak at all rates but the smallest at t = 0.2. On the line they
overlap: R_n(s*) is 1.74 and 8.05 for the sample of figure 1, not far below mu^2/sigma^2 = 2.03 and
9.51, and no rate of the page forces a risk above it. There sigma^4 is not what decides.

**What does**: a test field other than a constant. For G = D s* (symmetric) partial integration
against the density of Y, whose score is s*, gives

    E<D s, G> = A - E[(s - s*) . (div G + G s*)] >= A - sqrt(excess B),

so J >= (A - sqrt(excess B))_+^2/A, and a linearly stable network has

    excess risk >= (A - sqrt(A w/eta))_+^2/B    as soon as eta > w/A.

No condition on spacing, sigma, n or m. Where points are far apart G = -1/sigma^2, A = d/sigma^4,
B = d/sigma^6, and this is the bound of shift7 in d dimensions; at eta = w/A it starts from s*
itself, whatever the sample. On the sample of figure 1 w/A is 0.474 (t = 0.2) and 0.0520 (t = 0.05),
among the page's rates 0.5, 0.1 and 0.05; the excess risks forced there are small (0.0005; 0.389,
0.066 and 0). For normal samples w/A has a median of 0.56 and 0.063 at d = 1 (30 samples), and of
0.0103 and 0.00090, sigma^4/d within 6 and 1 percent, at d = 10 (10 samples), where the excess risk
forced on average is 14.7, 9.2, 6.0, 0 and 95, 85, 78, 51; that of the best linear score is 14.6 and
87. An argument and numbers, not a claim of `checks/`.

All of this is at w = 1, which is where frozen inner weights stay. Trained ones need not: every rate
here is proportional to w, so a run may leave the reach of these bounds by growing its inner weights
and shrinking its outer ones, the score unchanged. So look at `Translation.length` of the network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify import order
from dsmverify.ensembles import philox
from dsmverify.ensembles.hinges import parameters_of, seen
from dsmverify.ensembles.optimum import REACH, integrate_by_side, sample_of
from dsmverify.ensembles.settings import MAX_SEED, Model, Networks, Problem
from dsmverify.errors import InputError, show
from dsmverify.formulas import posterior, risk
from dsmverify.formulas import translation as formulas
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]

DRAWS: Final = 1000
"""Noise draws for each training point where d > 1."""

PAGE_TIMES: Final = (0.2, 0.05)
PAGE_DIMENSIONS: Final = (1, 10)
PAGE_RATES: Final = (0.5, 0.1, 0.05, 0.01)
"""Source: section 7, figure 2; the times are those that its curves fit."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, 0 where it is no estimate."""

    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Translation:
    """One network moved along all axes.

    Exact but for rounding, relative error about 1e-12 of the terms, at d = 1; Monte Carlo with a
    stated standard error, stratified by training point, at d > 1. Without an output that is finite
    everything but `squared_length` is NaN.

    Attributes:
        dimension: d.
        sigma: noise level.
        factor: g.
        squared_length: L.
        risk: R_n(theta).
        curvature: K, the sum over the axes of `v_k^T hess R_n v_k`.
        slope: J, `E||D s_theta(Y)||_F^2`.
    """

    dimension: int
    sigma: float
    factor: float
    squared_length: float
    risk: Estimate
    curvature: Estimate
    slope: Estimate

    @property
    def length(self) -> float:
        """Sum of squared inner weights over the rate's factor, w = L/g."""
        return self.squared_length / self.factor

    @property
    def curvature_floor(self) -> float:
        """`(2 d/sigma^4)(1 - 2 r/sqrt d - r^2/2)`, at most K.

        Source: beyond the printed theorem, shift5.s1.
        """
        r, d = self.sigma * math.sqrt(self.risk.value), self.dimension
        return 2 * d * (1 - 2 * r / math.sqrt(d) - r * r / 2) / self.sigma**4

    @property
    def slope_floor(self) -> float:
        """`(sqrt d - r)_+^2/sigma^4`, at most J.

        Source: beyond the printed theorem, shift5.s1.
        """
        r = self.sigma * math.sqrt(self.risk.value)
        return max(math.sqrt(self.dimension) - r, 0.0) ** 2 / self.sigma**4

    @property
    def sharpness_floor(self) -> Estimate:
        """`K/L <= lambda_max(hess R_n(theta))`; minus infinity where L is 0."""
        return _ratio(self.curvature, self.squared_length)

    @property
    def kernel_floor(self) -> Estimate:
        """`J/L <= lambda_max(T)`; minus infinity where L is 0."""
        return _ratio(self.slope, self.squared_length)


@dataclass(frozen=True)
class CriticalRates:
    """Rates beyond which a network cannot be where SGD settles.

    Attributes:
        flat: `2 w/K`: for a larger eta, `lambda_max(hess R_n) > 2/(g eta)`; infinite for K <= 0.
        stable: `w/J`: for a larger eta the network is no linearly stable minimum of a batch loss
            that is a mean; infinite for J = 0.
    """

    flat: Estimate
    stable: Estimate


@dataclass(frozen=True)
class RiskFloors:
    """Risks that a learning rate forces, 0 where it forces none.

    Attributes:
        flat: where `lambda_max(hess R_n) <= 2/(g eta)`, by shift4 and shift5 as printed.
        flat_all_axes: the same by shift5.s1; equal to `flat` at d = 1.
        stable: where theta* is linearly stable, by shift7 and, for d > 1, shift5.s1.
    """

    flat: float
    flat_all_axes: float
    stable: float


@dataclass(frozen=True)
class BestScore:
    """Derivatives of s* under the noised data, and the bound on stable networks that they give.

    Attributes:
        slope: A, `E||D s*(Y)||_F^2`.
        load: B, `E|div D s* + D s* s*|^2`.
    """

    slope: Estimate
    load: Estimate

    def critical_rate(self, length: float = 1.0) -> Estimate:
        """`w/A`: no network with the derivative of s* is linearly stable at a larger rate.

        Args:
            length: w = sum_l |w1_l|^2/g.
        """
        return _inverse(length, self.slope)

    def excess_floor(self, learning_rate: float, length: float = 1.0) -> float:
        """`(A - sqrt(A w/eta))_+^2/B`, a lower bound of a linearly stable network's excess risk.

        Args:
            learning_rate: eta > 0; the batch loss is a mean.
            length: w = sum_l |w1_l|^2/g.
        """
        room = self.slope.value - math.sqrt(self.slope.value * length / learning_rate)
        return max(room, 0.0) ** 2 / self.load.value


@dataclass(frozen=True)
class PageRow:
    """One setting of the page and what the translation bounds say of it.

    Attributes:
        dimension: d.
        time: t, with `mu = e^{-t}` and `sigma = sqrt(1 - e^{-2t})`.
        sigma: noise level.
        learning_rate: eta.
        flat_rate: `2 sigma^4/d`, from which on shift4 and shift5 give `R_n >= (sqrt 5 -
            2)^2/sigma^2`.
        stable_rate: `4 sigma^4/d`, from which on stability gives `R_n >= d/(4 sigma^2)`.
        floors: risks forced at eta.
        zero_risk: `d/sigma^2`, the risk of the zero score.
    """

    dimension: int
    time: float
    sigma: float
    learning_rate: float
    flat_rate: float
    stable_rate: float
    floors: RiskFloors
    zero_risk: float


def translation_of(
    problem: Problem,
    model: Model,
    networks: Networks,
    e: int,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Translation:
    """Curvature and slope of network e along all axes, with what they imply.

    Args:
        problem: training points and noise level, of the model's dimension.
        model: the model.
        networks: parameters.
        e: which network.
        seed: 0 <= seed < 2^64, of the noise (`philox.Stream.EVALUATION`) for d > 1.
        draws: noise draws for each training point for d > 1, at least 2.

    Raises:
        InputError: dimensions differ, or e, seed or draws is out of range.
    """
    _check(problem, model, networks, e)
    _check_draws(seed, draws)
    inner = networks.inner[e].astype(np.float64)
    length = float((inner * inner).sum())
    arrays = (networks.outer[e], networks.bias[e], inner, networks.offset[e])
    if not all(np.isfinite(array).all() for array in arrays):
        found = (Estimate(math.nan, math.nan),) * 3
    elif problem.dimension == 1:
        found = _on_the_line(problem, model, networks, e)
    else:
        found = _by_draws(problem, model, networks, e, seed, draws)
    return Translation(problem.dimension, problem.sigma, model.rate_factor, length, *found)


def critical_rate_of_translation(
    problem: Problem,
    model: Model,
    networks: Networks,
    e: int,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> CriticalRates:
    """Rates beyond which network e is neither flat enough nor stable, by its translations alone.

    Arguments and errors are those of `translation_of`. The best of all directions, and directions
    other than translations, can only lower them.
    """
    return critical_rates(translation_of(problem, model, networks, e, seed=seed, draws=draws))


def critical_rates(moved: Translation) -> CriticalRates:
    """`2 w/K` and `w/J`; the standard error is that of K or J, to first order.

    Source: beyond the printed theorem, shift5 and shift7.
    """
    return CriticalRates(
        _inverse(2 * moved.length, moved.curvature), _inverse(moved.length, moved.slope)
    )


def best_score(problem: Problem, *, seed: int = 0, draws: int = DRAWS) -> BestScore:
    """How steep the best score s* is, and what it costs a network to be less steep.

    At d = 1 by quadrature, relative error about 1e-12; else Monte Carlo with standard errors.

    Args:
        problem: training points and noise level.
        seed: 0 <= seed < 2^64, of the noise (`philox.Stream.EVALUATION`) for d > 1.
        draws: noise draws for each training point for d > 1, at least 2.

    Source: eq. 9 and lem11b for the derivatives of s*.

    Raises:
        InputError: seed or draws is out of range.
    """
    _check_draws(seed, draws)
    if problem.dimension == 1:
        return BestScore(*map(Estimate, _best_on_the_line(problem)))
    d, scale = problem.dimension, problem.mu / problem.sigma
    slopes, loads = np.empty((problem.size, draws)), np.empty((problem.size, draws))
    for i in range(problem.size):
        y = _noised(problem, seed, i, draws)[0]
        apart = y[:, None, :] - problem.mu * problem.points
        odds = -(apart * apart).sum(axis=2) / (2 * problem.sigma**2)
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        mean = odds @ problem.points
        centred = problem.points - mean[:, None, :]
        weighted = odds[:, :, None] * centred
        spread = np.swapaxes(weighted, 1, 2) @ centred
        third = (weighted * (centred * centred).sum(axis=2, keepdims=True)).sum(axis=1)
        jacobian = (scale**2 * spread - np.eye(d)) / problem.sigma**2
        score = (problem.mu * mean - y) / problem.sigma**2
        load = scale**3 / problem.sigma**3 * third + (jacobian @ score[:, :, None])[:, :, 0]
        slopes[i] = (jacobian * jacobian).sum(axis=(1, 2))
        loads[i] = (load * load).sum(axis=1)
    return BestScore(_stratified(slopes), _stratified(loads))


def risk_floors(
    learning_rate: float, sigma: float, dimension: int = 1, length: float = 1.0
) -> RiskFloors:
    """Risks that a learning rate forces on a flat, or linearly stable, network. Exact.

    With `q = 1 - sigma^4 w/(d eta)`: r solves `r^2/2 + 2 r = q` for `flat`, `r^2/2 + 2 r/sqrt d =
    q` for `flat_all_axes`, and is `sqrt d - sigma^2 sqrt(w/eta)` for `stable`; R = r^2/sigma^2.

    Args:
        learning_rate: eta > 0.
        sigma: noise level, > 0.
        dimension: d.
        length: w = sum_l |w1_l|^2/g.

    Source: beyond the printed theorem, shift4, shift5, shift5.s1 and shift7.

    Example:
        >>> floors = risk_floors(2 * 0.5**4, 0.5)
        >>> round(floors.flat * 0.5**2, 6)  # (sqrt 5 - 2)^2
        0.055728
        >>> risk_floors(4 * 0.5**4, 0.5).stable  # 1/(4 sigma^2)
        1.0
    """
    part = max(1 - sigma**4 * length / (dimension * learning_rate), 0.0)
    root = math.sqrt(dimension)
    printed = math.sqrt(4 + 2 * part) - 2
    averaged = math.sqrt(4 / dimension + 2 * part) - 2 / root
    stable = max(root - sigma**2 * math.sqrt(length / learning_rate), 0.0)
    return RiskFloors(*(max(r, 0.0) ** 2 / sigma**2 for r in (printed, averaged, stable)))


def page_table() -> tuple[PageRow, ...]:
    """The settings of figures 1 and 2 against the translation bounds, at w = 1. Exact.

    Source: section 7 and appendix D (settings); beyond the printed theorem, shift4 to shift7.
    """
    rows = []
    for d in PAGE_DIMENSIONS:
        for time in PAGE_TIMES:
            sigma = math.sqrt(-math.expm1(-2 * time))
            for rate in PAGE_RATES:
                floors = risk_floors(rate, sigma, d)
                edges = 2 * sigma**4 / d, 4 * sigma**4 / d
                rows.append(PageRow(d, time, sigma, rate, *edges, floors, d / sigma**2))
    return tuple(rows)


def _on_the_line(
    problem: Problem, model: Model, networks: Networks, e: int
) -> tuple[Estimate, Estimate, Estimate]:
    """R_n, K and J at d = 1 by the exact formulas: they depend on the function s_theta alone."""
    near = seen(problem, parameters_of(model, networks, e))
    given = (SYSTEM, near.sample, near.network)
    return (
        Estimate(float(risk.risk(*given))),
        Estimate(float(formulas.translated_curvature_by_moments(*given))),
        Estimate(float(formulas.squared_slope_mean(*given))),
    )


def _by_draws(
    problem: Problem, model: Model, networks: Networks, e: int, seed: int, draws: int
) -> tuple[Estimate, Estimate, Estimate]:
    """R_n, K and J by Monte Carlo."""
    d, sigma, scale = problem.dimension, problem.sigma, model.output_scale
    outer, bias, inner = (
        getattr(networks, name)[e].astype(np.float64) for name in ("outer", "bias", "inner")
    )
    offset = networks.offset[e].astype(np.float64)
    products = (outer[:, :, None] * inner[:, None, :]).reshape(model.width, d * d)
    risks, curvatures, slopes = (np.empty((problem.size, draws)) for _ in range(3))
    for i in range(problem.size):
        y, z = _noised(problem, seed, i, draws)
        hidden = y @ inner.T + bias
        f = scale * (np.maximum(hidden, 0) @ outer) + offset + z / sigma
        jacobian = scale * ((hidden > 0).astype(np.float64) @ products)
        square, spread = (f * f).sum(axis=1), (z * z).sum(axis=1) - d
        risks[i] = square
        slopes[i] = (jacobian * jacobian).sum(axis=1)
        cross = (z * f).sum(axis=1)
        curvatures[i] = 2 * d / sigma**4 - 4 * cross / sigma**3 + spread * square / sigma**2
    return _stratified(risks), _stratified(curvatures), _stratified(slopes)


def _best_on_the_line(problem: Problem) -> tuple[float, float]:
    """A and B at d = 1: `E[s*'^2]` and `E[(s*'' + s*' s*)^2]`."""
    sample = sample_of(problem)
    means = problem.mu * sample.points

    def mean(weigh: Callable[..., Floats]) -> float:
        def integrand(y: Floats) -> Floats:
            given = (SYSTEM, y, sample, order.nearest(sample.points, y / problem.mu))
            slope = posterior.empirical_score_slope(*given)
            found: Floats = weigh(given, slope) * posterior.density(*given)
            return found

        parts = integrate_by_side(integrand, cuts, means[0], means[-1], width=problem.size)
        return math.fsum((parts.left, parts.inside, parts.right))

    def load(given: Any, slope: Floats) -> Floats:
        curvature = posterior.empirical_score_curvature(*given)
        total: Floats = curvature + slope * posterior.empirical_score(*given)
        return total * total

    steps = np.arange(-12, 13) * problem.sigma
    ends = means[[0, -1]] + np.array([-REACH, REACH]) * problem.sigma
    middles = (means[1:] + means[:-1]) / 2
    cuts = np.unique(np.concatenate((ends, middles, (means[:, None] + steps).ravel())))
    return mean(lambda _, slope: slope * slope), mean(load)


def _noised(problem: Problem, seed: int, i: int, draws: int) -> tuple[Floats, Floats]:
    """Noised points and their noise for training point i. Two `[draws, d]`."""
    count = draws * problem.dimension
    noise = philox.normals(np.uint64(seed), philox.Stream.EVALUATION, i, count)
    noise = noise.reshape(draws, problem.dimension)
    return problem.mu * problem.points[i] + problem.sigma * noise, noise


def _stratified(terms: Floats) -> Estimate:
    """Mean of `[n, draws]` terms, the same number of draws for each training point."""
    n, draws = terms.shape
    variance = terms.var(axis=1, ddof=1).sum() / draws
    return Estimate(float(terms.mean()), float(np.sqrt(variance)) / n)


def _ratio(top: Estimate, bottom: float) -> Estimate:
    if bottom == 0:
        return Estimate(-math.inf)
    return Estimate(top.value / bottom, top.error / bottom)


def _inverse(top: float, bottom: Estimate) -> Estimate:
    if math.isnan(bottom.value):
        return Estimate(math.nan, math.nan)
    if bottom.value <= 0:
        return Estimate(math.inf, math.nan if bottom.error else 0.0)
    return Estimate(top / bottom.value, top * bottom.error / bottom.value**2)


def _check(problem: Problem, model: Model, networks: Networks, e: int) -> None:
    if problem.dimension != model.dimension:
        raise InputError(
            "problem",
            f"dimension {problem.dimension}",
            f"the model's dimension is {model.dimension}",
            "give both the same dimension",
        )
    if not 0 <= e < networks.count:
        raise InputError(
            "e", str(e), f"there are {networks.count} networks", "give 0 or more, below that"
        )


def _check_draws(seed: Any, draws: Any) -> None:
    if seed != int(seed) or not 0 <= int(seed) < MAX_SEED:
        raise InputError("seed", show(seed), "it must lie in 0..2^64 - 1", "give another seed")
    if draws != int(draws) or draws < 2:
        raise InputError("draws", show(draws), "an error needs at least 2 draws", "give 2 or more")

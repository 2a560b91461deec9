"""From the end of a run down to the nearest critical point, within a counted budget.

SGD at a fixed rate does not end at a critical point: it hovers. Polishing goes downhill from where
it ended with the exact gradient and exact Hessian-vector products, O(n m) each, and says how far
the result is from the run's end, in parameters and as a function, and whether SGD at the run's rate
could have stayed there at all. Where it could not, the polished point is no minimum that the run
converged to, however near it lies, and the record says so.

| letter | here | meaning |
|---|---|---|
| m eta | | step of the update; times the batch size for a sum over the batch |
| c | `alignment` | `abs(grad R_n) / (2 sqrt(R_n lambda_max(T)))`, in [0, 1] |

SGD sees E[H], H the pointwise Hessian of the batch loss, and not the kink term of hess R_n: only
`m eta lambda_max(E[H]) > 2` says that the mean of the linearised updates runs away. What eq. 8
bounds, `m eta lambda_max(hess R_n)`, is given beside it and judges nothing: stable minima break it.

`v^T grad R_n = 2 E[f v^T grad s] <= 2 sqrt(R_n) sqrt(v^T T v)`, so c is 1 where the residual lies
along one direction of the network's motion and 0 at a critical point: a gradient without units.

First L-BFGS, then Newton steps in a trust region, each by truncated conjugate gradients (Steihaug).
One evaluation is one value with its gradient, or one Hessian-vector product.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.hinges import Parameters, parameters_of
from dsmverify.ensembles.measures import LARGEST_DRAW
from dsmverify.ensembles.settings import Model, Networks, Problem
from dsmverify.ensembles.sharpness import Curvature
from dsmverify.errors import InputError, show
from dsmverify.formulas import risk as risks
from dsmverify.instance import Batch
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]
Stopped = Literal["critical", "budget", "seconds", "no progress"]

CRITICAL = 1e-10
"""Alignment below which a point counts as critical: an entry of the float64 gradient carries an
error of about 1e-12 of its terms, and thousands of entries add theirs in the root of squares."""

MERGED = 1e-6
"""Kinks of neurons of equal sign nearer than this, in units of sigma, count as merged."""

MEMORY = 30
"""Pairs that L-BFGS remembers."""


@dataclass(frozen=True)
class Place:
    """One network during polishing. Approximate, relative error about 1e-12 unless stated.

    Attributes:
        risk: R_n.
        gradient: Euclidean norm of the gradient over the trained parameters.
        alignment: c, without units; the error is about 1e-12.
        lambda_max: largest eigenvalue of the Hessian of R_n.
        pointwise_lambda_max: the same without the Dirac terms of moving kinks: of the mean of the
            pointwise Hessians, which the linearised updates see.
        dead: neurons that are nowhere active near the data.
        merged: neurons whose kink, near the data, is that of an earlier one of equal sign.
    """

    risk: float
    gradient: float
    alignment: float
    lambda_max: float
    pointwise_lambda_max: float
    dead: int
    merged: int


@dataclass(frozen=True)
class Polished:
    """What polishing one network gave.

    Attributes:
        networks: the polished network alone, float64.
        before: the end of the run.
        after: the polished network.
        distance: Euclidean distance of the trained parameters.
        function_distance: `E[(s_before(Y) - s_after(Y))^2]`, exact up to rounding, about 1e-15 of
            `E[s^2]`.
        rate: eta of the run.
        step: m eta, times the batch size where the batch loss is a sum: what an eigenvalue is
            multiplied by.
        summed: elements of a batch that is summed, else 1: the last factor of `step`.
        evaluations: spent.
        budget: evaluations allowed.
        stopped: why polishing ended; `critical` if the alignment fell below 1e-10.
        flat_directions: directions along which R_n does not change at all: those of dead neurons,
            and where inner weights are trained the rescaling of every other neuron.
    """

    networks: Networks
    before: Place
    after: Place
    distance: float
    function_distance: float
    rate: float
    step: float
    summed: int
    evaluations: int
    budget: int
    stopped: Stopped
    flat_directions: int

    @property
    def is_critical(self) -> bool:
        """Whether the polished point is critical to rounding."""
        return self.after.alignment <= CRITICAL

    @property
    def stability_product(self) -> float:
        """`m eta lambda_max(E[H])`, which linear stability wants to be at most 2.

        Source: D-stable, p. 6; float64, from `pointwise_lambda_max`.
        """
        return self.step * self.after.pointwise_lambda_max

    @property
    def equation_8_product(self) -> float:
        """`m eta lambda_max(hess R_n)`, which eq. 8 wants to be at most 2. Float64."""
        return self.step / self.summed * self.after.lambda_max

    @property
    def largest_stable_rate(self) -> float:
        """Largest rate at which the mean of the linearised updates does not run away."""
        product = self.stability_product
        return 2 * self.rate / product if product > 0 else math.inf

    @property
    def is_flat_enough(self) -> bool:
        """Whether `m eta lambda_max(E[H]) <= 2` after polishing. Necessary for stability only."""
        return self.stability_product <= 2

    @property
    def judgement(self) -> str:
        """Whether this can be called the minimum that SGD converged to, in words."""
        product = f"m eta lambda_max(E[H]) = {self.stability_product:.4g}"
        if not self.is_critical:
            sharp = "" if self.is_flat_enough else f", where {product} > 2"
            return (
                f"no critical point to rounding: polishing ended ({self.stopped}) at alignment "
                f"{self.after.alignment:.1e}{sharp}; not a minimum that SGD converged to"
            )
        if not self.is_flat_enough:
            return (
                f"{product} > 2: not stable at the run's rate; not the minimum that SGD converged "
                "to"
            )
        return (
            f"{product} <= 2: the mean of the linearised updates does not run away here; necessary "
            "for stability, not sufficient"
        )


class _BudgetSpent(Exception):
    """No evaluations, or no time, are left."""


class _Counter:
    """Counts evaluations; stops at the budget or at the time limit."""

    def __init__(self, budget: int, seconds: float | None) -> None:
        self.budget, self.used = budget, 0
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.reason: Stopped = "budget"

    def spend(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.reason = "seconds"
            raise _BudgetSpent
        if self.used >= self.budget:
            raise _BudgetSpent
        self.used += 1


def polish(
    problem: Problem,
    model: Model,
    networks: Networks,
    e: int,
    *,
    rate: float,
    batch: Batch,
    budget: int = 2000,
    seconds: float | None = None,
) -> Polished:
    """Network e, polished: nearest critical point of R_n downhill, within a budget.

    Args:
        problem: the network's problem, d = 1.
        model: the model of all networks; its trained groups are polished.
        networks: parameters; not changed.
        e: which network.
        rate: eta of the run.
        batch: of the run.
        budget: evaluations of value and gradient, or of Hessian-vector products.
        seconds: a stop, said in the record if it is what ended the polishing; results under it
            depend on the machine. None for none.

    Raises:
        InputError: d > 1, no such network, parameters that are not finite, or a budget below 1.
    """
    if budget < 1:
        raise InputError("budget", show(budget), "it must be positive", "give 1 or more")
    net = parameters_of(model, networks, e)
    if not net.is_finite:
        raise InputError(
            f"networks[{e}]",
            "a NaN or infinity among its parameters",
            "polishing needs finite parameters",
            "leave diverged networks out",
        )
    counter = _Counter(budget, seconds)
    start = _pack(model, net)
    best = _Best(start)
    limit = _gradient_limit(problem, model, net)

    def evaluate(point: Floats) -> tuple[float, Floats]:
        counter.spend()
        curvature = Curvature(problem, model, _unpack(model, net, point))
        value, slope = _risk(curvature), curvature.gradient
        best.offer(point, value, slope)
        if float(np.linalg.norm(slope)) <= limit:
            counter.reason = "critical"
            raise _BudgetSpent
        return value, slope

    def product_at(point: Floats) -> Callable[[Floats], Floats]:
        curvature = Curvature(problem, model, _unpack(model, net, point))

        def apply(vector: Floats) -> Floats:
            counter.spend()
            return curvature.hessian_product(vector)

        return apply

    stopped: Stopped = "no progress"
    try:
        _quasi_newton(evaluate, start, budget // 4)
        _newton(evaluate, product_at, best.point)
    except _BudgetSpent:
        stopped = counter.reason
    polished = _unpack(model, net, best.point)
    before, after = _place(problem, model, net), _place(problem, model, polished)
    live = model.width - after.dead
    groups = 3 if model.train_inner else 2
    summed = batch.size if batch.reduction == "sum" else 1
    return Polished(
        networks=_networks(networks, polished),
        before=before,
        after=after,
        distance=float(np.linalg.norm(best.point - start)),
        function_distance=function_distance(problem, model, net, polished),
        rate=rate,
        step=model.rate_factor * rate * summed,
        summed=summed,
        evaluations=counter.used,
        budget=budget,
        stopped="critical" if after.alignment <= CRITICAL else stopped,
        flat_directions=groups * after.dead + (live if model.train_inner else 0),
    )


def function_distance(problem: Problem, model: Model, one: Parameters, other: Parameters) -> float:
    """`E[(s_one(Y) - s_other(Y))^2]`, Y the noised sample.

    The difference is linear in the outer weights of both networks side by side, so it is a
    quadratic form of the tangent kernel: nothing cancels but the two scores themselves.

    Result: approximate, error about 1e-15 of `E[s^2]`.
    """
    both = replace(
        model,
        width=2 * model.width,
        inner="gaussian",
        train_inner=False,
        offset=True,
    )
    factor = model.output_scale / both.output_scale
    outer = factor * np.concatenate((one.outer, -other.outer))
    net = Parameters(
        outer=outer,
        bias=np.concatenate((one.bias, other.bias)),
        inner=np.concatenate((one.inner, other.inner)),
        offset=one.offset - other.offset,
        scale=both.output_scale,
    )
    direction = np.concatenate((outer, np.zeros(len(outer)), [net.offset]))
    product = Curvature(problem, both, net).kernel_product(direction)
    return max(float(direction @ product), 0.0)


# Inside ------------------------------------------------------------------------------------------


@dataclass
class _Best:
    """The lowest point so far; among points of equal risk, to rounding, the smaller gradient."""

    point: Floats
    risk: float = math.inf
    gradient: float = math.inf

    def offer(self, point: Floats, value: float, slope: Floats) -> None:
        norm = float(np.linalg.norm(slope))
        if not (math.isfinite(value) and math.isfinite(norm)):
            return
        rounding = 1e-13 * abs(value)
        lower = value < self.risk - rounding
        if lower or (value <= self.risk + rounding and norm < self.gradient):
            self.point, self.risk, self.gradient = point.copy(), value, norm


def _quasi_newton(
    evaluate: Callable[[Floats], tuple[float, Floats]], start: Floats, evaluations: int
) -> None:
    from scipy.optimize import minimize

    minimize(
        evaluate,
        start,
        jac=True,
        method="L-BFGS-B",
        options={
            "maxcor": MEMORY,
            "maxfun": max(evaluations, 1),
            "maxiter": max(evaluations, 1),
            "ftol": 0.0,
            "gtol": 0.0,
        },
    )


def _newton(
    evaluate: Callable[[Floats], tuple[float, Floats]],
    product_at: Callable[[Floats], Callable[[Floats], Floats]],
    point: Floats,
) -> None:
    """Trust-region Newton steps until nothing moves; `evaluate` ends it at the budget."""
    value, slope = evaluate(point)
    radius = max(1.0, 0.1 * float(np.linalg.norm(point)))
    while radius > 1e-14 * max(float(np.linalg.norm(point)), 1.0):
        apply = product_at(point)
        norm = float(np.linalg.norm(slope))
        step, promised = _steihaug(apply, slope, radius, min(0.1, math.sqrt(norm)) * norm)
        if not promised > 0:
            return
        place = point + step
        new_value, new_slope = evaluate(place)
        near = abs(new_value - value) <= 1e-13 * abs(value)
        gained = value - new_value
        better = float(np.linalg.norm(new_slope)) < norm
        # Where risks differ by rounding only the gradient decides.
        ratio = (1.0 if better else 0.0) if near else gained / promised
        length = float(np.linalg.norm(step))
        if not ratio > 0.25:
            radius = length / 4
        elif ratio > 0.75 and length > 0.9 * radius:
            radius = 2 * radius
        if ratio > 0.05:
            point, value, slope = place, new_value, new_slope


def _steihaug(
    apply: Callable[[Floats], Floats], slope: Floats, radius: float, goal: float
) -> tuple[Floats, float]:
    """A step that lowers the quadratic model inside the region, and by how much it does."""
    step, residual = np.zeros_like(slope), -slope
    direction = residual.copy()
    image = np.zeros_like(slope)  # H step
    square = float(residual @ residual)
    for _ in range(len(slope)):
        if math.sqrt(square) <= goal:
            break
        bent = apply(direction)
        curvature = float(direction @ bent)
        length = square / curvature if curvature > 0 else math.inf
        if curvature <= 0 or np.linalg.norm(step + length * direction) >= radius:
            reach = _to_boundary(step, direction, radius)
            step, image = step + reach * direction, image + reach * bent
            break
        step, image = step + length * direction, image + length * bent
        residual = residual - length * bent
        fresh = float(residual @ residual)
        direction = residual + (fresh / square) * direction
        square = fresh
    return step, -float(slope @ step + step @ image / 2)


def _to_boundary(step: Floats, direction: Floats, radius: float) -> float:
    """The positive t with `|step + t direction| = radius`."""
    a, b = float(direction @ direction), float(step @ direction)
    c = float(step @ step) - radius * radius
    return (-b + math.sqrt(max(b * b - a * c, 0.0))) / a


def _risk(curvature: Curvature) -> float:
    return float(risks.risk(SYSTEM, curvature.seen.sample, curvature.seen.network))


def _gradient_limit(problem: Problem, model: Model, net: Parameters) -> float:
    """Gradient norm at which the start's alignment would be a tenth of `CRITICAL`."""
    curvature = Curvature(problem, model, net)
    return 0.1 * CRITICAL * 2 * math.sqrt(_risk(curvature) * curvature.kernel_largest)


def _place(problem: Problem, model: Model, net: Parameters) -> Place:
    curvature = Curvature(problem, model, net)
    value, norm = _risk(curvature), float(np.linalg.norm(curvature.gradient))
    scale = 2 * math.sqrt(value * curvature.kernel_largest)
    dead, merged = _null_neurons(problem, net)
    return Place(
        risk=value,
        gradient=norm,
        alignment=norm / scale if scale > 0 else 0.0,
        lambda_max=curvature.largest,
        pointwise_lambda_max=Curvature(problem, model, net, boundary=False).largest,
        dead=dead,
        merged=merged,
    )


def _null_neurons(problem: Problem, net: Parameters) -> tuple[int, int]:
    """Dead neurons, and neurons merged with an earlier one."""
    means = problem.mu * problem.points
    reach = LARGEST_DRAW * problem.sigma
    low, high = float(means.min() - reach), float(means.max() + reach)
    highest = np.maximum(net.inner * low, net.inner * high) + net.bias
    dead = int((highest <= 0).sum())
    merged = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        kinks = -net.bias / net.inner
    for sign in (1, -1):
        chosen = (np.sign(net.inner) == sign) & (kinks > low) & (kinks < high)
        gaps = np.diff(np.sort(kinks[chosen]))
        merged += int((gaps < MERGED * problem.sigma).sum())
    return dead, merged


def _pack(model: Model, net: Parameters) -> Floats:
    parts = {"outer": net.outer, "bias": net.bias, "inner": net.inner}
    chosen = [parts[name] for name in model.trained if name != "offset"]
    return np.concatenate([*chosen, [net.offset]] if model.offset else chosen)


def _unpack(model: Model, net: Parameters, point: Floats) -> Parameters:
    m = model.width
    changed: dict[str, Any] = {}
    names = [name for name in model.trained if name != "offset"]
    for place, name in enumerate(names):
        changed[name] = point[place * m : (place + 1) * m]
    if model.offset:
        return replace(net, **changed, offset=float(point[-1]))
    return replace(net, **changed)


def _networks(like: Networks, net: Parameters) -> Networks:
    def row(values: Any) -> Floats:
        return np.asarray(values, dtype=np.float64)[None]

    return Networks(
        outer=row(net.outer)[..., None],
        bias=row(net.bias),
        inner=row(net.inner)[..., None],
        offset=np.array([[net.offset]]),
        diverged=np.array([-1], dtype=np.int64),
        step=like.step,
    )

"""What is measured on a trained network in d = 1: exactly, in float64, with no Monte-Carlo error.

| letter | here | meaning |
|---|---|---|
| R_n(theta) | `risk` | denoising risk, eq. 5 |
| R_n(s*) | `optimal_risk` | least risk of any score |
| rho | `LARGEST_DRAW` | largest normal that training can draw |

Left, inside and right are the parts y < mu x_1, mu x_1 <= y <= mu x_n and y > mu x_n of the line.
Near the data means between `mu x_1 - rho sigma` and `mu x_n + rho sigma`: nothing beyond enters a
batch.

- A neuron is dead when it is nowhere active near the data: no step of training can change it again.
- A neuron bends the score when `w1 w2 != 0`. Its kink is counted left, inside or right when it lies
  there near the data, and as far otherwise (the neuron is dead, or linear on all that training
  sees).
- A part without a kink has a linear score; a silent part, where no neuron that bends the score is
  active at any point near the data, a constant one. On a silent side the score cannot follow the
  linear growth of s* and the gradient of every neuron is 0 there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify import order
from dsmverify.ensembles.hinges import Parameters, Seen, ends, parameters_of, seen, seen_vertices
from dsmverify.ensembles.optimum import (
    Sides,
    linear_risk,
    optimal_risk,
    optimal_risk_by_side,
    sample_of,
    score,
    zero_risk,
)
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.ensembles.sharpness import Curvature
from dsmverify.errors import InputError
from dsmverify.express import weight_pieces
from dsmverify.formulas import risk as risks
from dsmverify.formulas import weight as weights
from dsmverify.formulas.network import total_variation
from dsmverify.formulas.weight import WeightPieces
from dsmverify.systems.float64 import SYSTEM

__all__ = [
    "LARGEST_DRAW",
    "Measures",
    "Sides",
    "excess_risks",
    "linear_risk",
    "measure",
    "optimal_risk",
    "optimal_risk_by_side",
    "piecewise_linear_excess",
    "risk_by_side",
    "score",
    "silent_parts",
    "variation",
    "zero_risk",
]

Floats = NDArray[np.float64]

LARGEST_DRAW = math.sqrt(66 * math.log(2))
"""Largest normal of `philox`: its least uniform is 2^-33, of radius sqrt(-2 ln 2^-33), 6.76."""


@dataclass(frozen=True)
class Measures:
    """What one network is. Numbers are approximate, relative error about 1e-12 unless stated.

    A network with a parameter that is not finite, or whose risk overflows, has infinite risks, NaN
    derivatives and variation.

    Attributes:
        risk: `R_n(theta)`.
        optimal_risk: `R_n(s*)`.
        risk_by_side: what each part of the line adds to `R_n(theta)`.
        excess_by_side: what each part adds to the excess risk, `E[(s_theta - s*)^2 ; part]`;
            error about 1e-12 of the risk.
        linear_excess: excess risk of the best linear score.
        zero_excess: excess risk of the score 0.
        variation: `TV(s_theta)`.
        hessian_largest: largest eigenvalue of `hess R_n` over the trained parameters.
        kernel_largest: largest eigenvalue of the tangent kernel over them.
        gradient_norm: Euclidean norm of `grad R_n` over them.
        largest_stable_rate: `2/(m hessian_largest)` where the update has the factor m; see
            `Curvature.largest_stable_rate`.
        neurons: m.
        dead: number of dead neurons.
        kinks: number of kinks of neurons that bend the score, near the data, by part.
        far: number of such neurons with a kink that is not near the data.
        silent: whether no neuron that bends the score is active in a part.
    """

    risk: float
    optimal_risk: float
    risk_by_side: Sides[float]
    excess_by_side: Sides[float]
    linear_excess: float
    zero_excess: float
    variation: float
    hessian_largest: float
    kernel_largest: float
    gradient_norm: float
    largest_stable_rate: float
    neurons: int
    dead: int
    kinks: Sides[int]
    far: int
    silent: Sides[bool]

    @property
    def excess_risk(self) -> float:
        """`R_n(theta) - R_n(s*)`; error about 1e-12 of the risk."""
        return self.risk - self.optimal_risk

    @property
    def unbent(self) -> Sides[bool]:
        """Whether a part has no kink of a neuron that bends the score: a dead side."""
        kinks = self.kinks
        return Sides(kinks.left == 0, kinks.inside == 0, kinks.right == 0)

    @property
    def dead_side(self) -> str:
        """Which ends are silent: `none`, `left`, `right` or `both`."""
        silent = self.silent
        if silent.left and silent.right:
            return "both"
        return "left" if silent.left else "right" if silent.right else "none"


def measure(problem: Problem, model: Model, networks: Networks, e: int) -> Measures:
    """Everything about network e.

    Args:
        problem: the network's problem, d = 1; order and ties of points are free.
        model: the model of all networks.
        networks: parameters.
        e: which network.

    Source: eq. 5 (risk), D-tv, eq. 15 (Hessian), prop10 (tangent kernel).

    Raises:
        InputError: d > 1, or no such network.
    """
    net = parameters_of(model, networks, e)
    best = optimal_risk_by_side(problem)
    least = optimal_risk(problem)
    by_side = _finite_risk(problem, net)
    is_finite = math.isfinite(by_side.left + by_side.inside + by_side.right)
    curvature = Curvature(problem, model, net) if is_finite else None
    dead, kinks, far, silent = _neurons(problem, net)
    nan = math.nan
    return Measures(
        risk=math.fsum((by_side.left, by_side.inside, by_side.right)) if is_finite else math.inf,
        optimal_risk=least,
        risk_by_side=by_side,
        excess_by_side=Sides(
            by_side.left - best.left, by_side.inside - best.inside, by_side.right - best.right
        ),
        linear_excess=linear_risk(problem) - least,
        zero_excess=zero_risk(problem) - least,
        variation=variation(curvature.seen) if curvature else nan,
        hessian_largest=curvature.largest if curvature else nan,
        kernel_largest=curvature.kernel_largest if curvature else nan,
        gradient_norm=float(np.linalg.norm(curvature.gradient)) if curvature else nan,
        largest_stable_rate=curvature.largest_stable_rate if curvature else nan,
        neurons=model.width,
        dead=dead,
        kinks=kinks,
        far=far,
        silent=silent,
    )


def excess_risks(ensemble: Ensemble, networks: Networks) -> Floats:
    """`R_n(theta) - R_n(s*)` of every network. `[E]`.

    Infinite, never NaN, for a network that has diverged, whatever its last parameters are, and for
    one with parameters that are not finite. Approximate, error about 1e-12 of the risk.

    Source: eq. 5.

    Raises:
        InputError: d > 1.
    """
    found = np.full(ensemble.count, math.inf)
    for e in np.flatnonzero(networks.diverged < 0):
        net = parameters_of(ensemble.model, networks, int(e))
        problem = ensemble.problems[e]
        if net.is_finite:
            with np.errstate(over="ignore", invalid="ignore"):
                near_data = seen(problem, net)
                total = float(risks.risk(SYSTEM, near_data.sample, near_data.network))
            found[e] = total - optimal_risk(problem) if math.isfinite(total) else math.inf
    return found


def silent_parts(ensemble: Ensemble, networks: Networks) -> NDArray[np.bool_]:
    """Whether left, inside and right are silent (see the module), for every network. `[E, 3]`.

    A network that has diverged is measured as it was left; nothing is active where a parameter is
    NaN.

    Raises:
        InputError: d > 1.
    """
    found = np.empty((ensemble.count, 3), dtype=bool)
    for e, problem in enumerate(ensemble.problems):
        silent = _neurons(problem, parameters_of(ensemble.model, networks, e))[3]
        found[e] = silent.left, silent.inside, silent.right
    return found


def risk_by_side(near_data: Seen) -> Sides[float]:
    """What each part of the line adds to `R_n`, exact by pieces.

    Args:
        near_data: a function with kinks, of height 0 perhaps, at mu x_1 and mu x_n: give them to
            `seen` as marks.

    Source: D-risk, eq. 5.
    """
    sample, network = near_data.sample, near_data.network
    f = risks.residual_of(SYSTEM, sample, network)
    mass, first, second = f.seen.moments
    on_pieces = f.value * (f.value * mass + 2 * f.slope * first) + f.slope * f.slope * second
    on_pieces = on_pieces.sum(axis=0) / sample.size
    # Piece p ends at sorted kink p: the left part's last piece ends at the first kink not below
    # mu x_1, and the right part's first one starts at the last kink not above mu x_n.
    low, high = sample.mu * sample.points[[0, -1]]
    first_inside = int(np.searchsorted(network.kinks, low)) + 1
    first_right = int(np.searchsorted(network.kinks, high, side="right"))
    return Sides(
        float(on_pieces[:first_inside].sum()),
        float(on_pieces[first_inside:first_right].sum()),
        float(on_pieces[first_right:].sum()),
    )


def variation(near_data: Seen) -> float:
    """`TV(s_theta)`: slope jumps at distinct kinks in the closed range of the data, weighed by pi.

    Kinks are merged where their float64 values agree. 0 for a single training point.

    Source: D-tv, pp. 6 and 9.
    """
    sample, network = near_data.sample, near_data.network
    if sample.size == 1:
        return 0.0
    low, high = sample.mu * sample.points[[0, -1]]
    inside = (network.kinks >= low) & (network.kinks <= high)
    pi = np.zeros(network.width)
    pieces = _weight_pieces(sample.points.tobytes())
    at = network.kinks[inside]
    position = order.positions(pieces.cuts, at / sample.mu)
    pi[inside] = weights.weight(SYSTEM, at, sample, pieces, position)
    return float(total_variation(SYSTEM, network, pi))


def piecewise_linear_excess(
    problem: Problem, knots: ArrayLike, values: ArrayLike, *, outside: str = "linear"
) -> float:
    """Excess risk of the piecewise linear function through vertices. Error about 1e-12 of its risk.

    Args:
        problem: training points, d = 1, and noise level.
        knots: `[k]`, strictly ascending, k >= 2 (or k = 1 with `outside = "constant"`).
        values: `[k]`.
        outside: `"linear"` extends the outermost segments, `"constant"` the outermost values.

    Source: eq. 5.

    Raises:
        InputError: knots and values do not fit, are not finite or not ascending; unknown choice.
    """
    x, v = np.asarray(knots, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if outside not in ("linear", "constant"):
        raise InputError("outside", repr(outside), "unknown choice", "give 'linear' or 'constant'")
    least = 2 if outside == "linear" else 1
    if x.ndim != 1 or x.shape != v.shape or x.size < least:
        raise InputError(
            "knots",
            f"shapes {x.shape} and {v.shape}",
            f"there is one value for each knot, and at least {least}",
            "give two sequences of equal length",
        )
    if not (np.isfinite(x).all() and np.isfinite(v).all() and (np.diff(x) > 0).all()):
        raise InputError(
            "knots",
            "a sequence that is not finite and strictly ascending",
            "vertices stand from left to right",
            "sort them and merge equal ones",
        )
    slopes = (0.0, 0.0)
    if outside == "linear":
        steps = np.diff(v) / np.diff(x)
        slopes = (float(steps[0]), float(steps[-1]))
    near_data = seen_vertices(problem, x, v, slopes)
    total = float(risks.risk(SYSTEM, near_data.sample, near_data.network))
    return total - optimal_risk(problem)


def _finite_risk(problem: Problem, net: Parameters) -> Sides[float]:
    """Risk by part; infinite everywhere where a parameter or the risk is not finite."""
    infinite = Sides(math.inf, math.inf, math.inf)
    if not net.is_finite:
        return infinite
    sample = sample_of(problem)
    marks = [float(mean) for mean in sample.mu * sample.points[[0, -1]]]
    with np.errstate(over="ignore", invalid="ignore"):
        found = risk_by_side(seen(problem, net, marks))
    return found if math.isfinite(found.left + found.inside + found.right) else infinite


def _neurons(problem: Problem, net: Parameters) -> tuple[int, Sides[int], int, Sides[bool]]:
    """Dead neurons, kinks by part, far kinks, and silent parts."""
    sample = sample_of(problem)
    low, high = (float(mean) for mean in sample.mu * sample.points[[0, -1]])
    start, stop = ends(sample, LARGEST_DRAW)
    # Within each part, a neuron is active somewhere when it is at one of the ends.
    ladder = np.array([start, low, high, stop])
    with np.errstate(over="ignore", invalid="ignore"):
        rungs = net.inner[:, None] * ladder + net.bias[:, None] > 0
        bends = net.inner * net.outer != 0
        kinks = -net.bias[bends] / net.inner[bends]
    parts = rungs[:, :-1] | rungs[:, 1:]
    dead = int((~parts.any(axis=1)).sum())
    silent = ~(parts & bends[:, None]).any(axis=0)
    left = int(((kinks > start) & (kinks < low)).sum())
    inside = int(((kinks >= low) & (kinks <= high)).sum())
    right = int(((kinks > high) & (kinks < stop)).sum())
    far = int(bends.sum()) - left - inside - right
    return dead, Sides(left, inside, right), far, Sides(*(bool(flag) for flag in silent))


@lru_cache(maxsize=256)
def _weight_pieces(points: bytes) -> WeightPieces[Any]:
    return weight_pieces(SYSTEM, [Fraction(float(x)) for x in np.frombuffer(points)])

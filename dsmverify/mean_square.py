"""Linear stability of SGD at a minimum, decided by second moments.

| letter | here | meaning |
|---|---|---|
| a | `rate` | factor of the batch gradient: m eta in D-sgd |
| H, g | `BatchHessian` | pointwise Hessian and gradient of one batch loss at theta* |
| T | `second_moment_map` | `S -> E[(I - a H) S (I - a H)]` |
| rho | `floor`, `ceiling` | spectral radius of T |

Linearised updates around theta* are `d' = (I - a H) d - a g`, batches independent of each other,
`E[g] = 0`. D-stable asks for one eps > 0 such that every start in the eps-ball has `limsup E|d_j|
<= eps`. What the moments say:

1. rho < 1: TRUE. `S_j = E[d_j d_j^T]` obeys `S' = T(S) + a^2 E[g g^T] + coupling(E[d_j])`, the
   coupling linear. As `E[d] E[d]^T <= S` in the homogeneous recursion, `rho(I - a E[H])^2 <= rho`:
   the mean dies out, and `S_j` tends to the one solution `S_inf` of `S = T(S) + a^2 E[g g^T]`,
   wherever it started. So `limsup E|d_j| <= sqrt(tr S_inf)`: take eps that large. It need not be
   small, and the norm in which T contracts does not matter.
2. An eigenvalue lambda of E[H] with `|1 - a lambda| > 1`: FALSE. Along its unit eigenvector v,
   `v . E[d_j] = (1 - a lambda)^j v . d_0`, and `E|d_j| >= |v . E[d_j]|`.
3. `|1 - a lambda| = 1` for some lambda, 0 or 2/a (dead or merged neurons give 0): with P the
   projection on these eigenvectors, `P d_j` is a martingale up to signs, so `E|d_j| >= E|P d_j| >=
   |P d_0|`. Let `phi(x) = E|(I - a H) x - a g| - |P x|`: it is at least 0, and 0 only where the
   next point almost surely lies on one ray from theta*, which is an exception for noise that is
   quadratic in a normal variable. If phi > 0 everywhere, then FALSE, whatever eps: suppose `limsup
   E|d_j| <= eps`. Then `|d_j| <= 2 eps + 1` with a probability bounded below (Markov), phi has a
   positive minimum on that ball, so `E|d_{j+1}| >= E|P d_j| + E phi(d_j) >= |P d_0| + c` with c > 0
   that does not depend on the start; starts with `|P d_0| > eps - c` are not kept. So a minimum
   with a flat direction is not stable as D-stable is printed: noise elsewhere comes on top of a
   distance that never shrinks. At a strict minimum with distinct kinks and `w2_l != 0`, E[H] is a
   multiple of the tangent kernel and has no eigenvalue 0. Balls cannot certify a 0, and phi > 0 is
   not checked here: UNKNOWN.
4. Else (rho >= 1 although every `|1 - a lambda| <= 1`): UNKNOWN. Second moments that grow do not
   say that first moments do.

T is self-adjoint for `<A, B> = tr(A B)` and keeps the cone of positive semidefinite matrices, so
rho is its largest eigenvalue: a Rayleigh quotient bounds it from below, and if `S0` and
`q S0 - T(S0)` are positive definite, rho < q (Collatz-Wielandt; floats propose `S0`, balls check).
With `S0 = I` this is `2 E[H] - a E[H^2] > 0`, a stronger demand than rho < 1.
With `L1(S) = E[H] S + S E[H]` and `L2(S) = E[H S H]`, `T = 1 - a L1 + a^2 L2`: if E[H] is positive
definite, rho < 1 exactly for `0 < a < 1 / lambda_max(L1^{-1} L2)`: these rates are an interval.

Hand case: m = 1, one neuron that is active with probability p, `h = 2 g^2` there, bias alone: `E[h]
= 2 p g^2`, `E[h^2] = 4 p g^4`, so a* = 2 E[h]/E[h^2] = 1/g^2, the rate that is stable where the
neuron is active; the mean alone would allow 1/(p g^2).

Source: D-sgd and D-stable, pp. 5-6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray
from scipy import linalg

from dsmverify.batch_hessians import BatchHessian, PointHessian, batch_hessian
from dsmverify.errors import InputError
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Batch
from dsmverify.spectra import is_positive_definite, largest_eigenvalue
from dsmverify.systems.balls import SYSTEM
from dsmverify.truth import Truth, compare

Floats = NDArray[np.float64]

MAX_SIZE = 40
"""Most parameters of the dense operator, a matrix of this to the fourth entries."""


@dataclass(frozen=True)
class StabilityAnswer:
    """Whether a minimum is linearly stable, and what says so.

    Attributes:
        truth: of D-stable, as the module's docstring derives it.
        reason: in words.
        floor: ball whose lower end bounds rho from below.
        ceiling: ball whose upper end bounds rho from above; None where none below 1 was certified.
        top: enclosure of `a lambda_max(E[H])`.
        bottom: enclosure of `a lambda_min(E[H])`.
        certificate: `[k, k]`, the matrix `S0` whose image shows rho < 1, exact floats; None if the
            answer does not rest on one.
    """

    truth: Truth
    reason: str
    floor: arb
    ceiling: arb | None
    top: arb
    bottom: arb
    certificate: Floats | None


def second_moment_map(hessian: BatchHessian[Any], rate: Any) -> Callable[[Any], Any]:
    """The map T, `S -> E[(I - a H) S (I - a H)]`, in the number system of the Hessian.

    Args:
        hessian: moments of H.
        rate: a, in the same system.

    Source: D-stable, p. 6.
    """

    def apply(matrix: Any) -> Any:
        once = hessian.mean @ matrix
        return matrix - rate * (once + once.T) + rate * rate * hessian.second(matrix)

    return apply


def dense_parts(hessian: BatchHessian[Any]) -> tuple[Floats, Floats]:
    """`L1` and `L2` of the module's docstring as float matrices on row-major `vec S`.

    Returns:
        Two `[k k, k k]`, symmetric; approximate, rounding of the entries only.

    Raises:
        InputError: more than `MAX_SIZE` parameters.
    """
    size, n, batch = len(hessian.mean), len(hessian.points), hessian.batch
    if size > MAX_SIZE:
        raise InputError(
            "parameters",
            str(size),
            f"the dense operator is for at most {MAX_SIZE} of them",
            "use dsmverify.ensembles.mean_square_operator",
        )
    middle = _floats(hessian.point_mean)
    eye = np.eye(size)
    first = np.kron(middle, eye) + np.kron(eye, middle)
    alone = sum((_dense_second(point) for point in hessian.points), start=np.zeros(first.shape)) / n
    pairs = np.kron(middle, middle)
    if not batch.replacement and batch.size > 1:
        means = [_floats(point.mean) for point in hessian.points]
        pairs = n * n * pairs - sum(np.kron(mean, mean) for mean in means)
        pairs = pairs / (n * (n - 1))
    second = batch.size * alone + batch.size * (batch.size - 1) * pairs
    scale = batch.size if batch.reduction == "mean" else 1
    return first * batch.size / scale, (second + second.T) / (2 * scale * scale)


def largest_stable_rate(hessian: BatchHessian[Any]) -> float:
    """Supremum of the rates a with rho < 1, `1 / lambda_max(L1^{-1} L2)`.

    Approximate: relative error about 1e-13 times the condition of L1 after scaling its diagonal
    to 1. Divide by the width for eta.

    Returns:
        0 if E[H] is not positive definite: then no rate is stable in mean square.

    Source: D-stable, p. 6.
    """
    first, second = dense_parts(hessian)
    weight = np.sqrt(np.abs(np.diag(first)))
    if not (weight > 0).all():
        return 0.0
    try:
        ratios = linalg.eigh(
            second / np.outer(weight, weight),
            first / np.outer(weight, weight),
            eigvals_only=True,
        )
    except linalg.LinAlgError:
        return 0.0
    return float(1 / ratios[-1])


def spectral_radius(hessian: BatchHessian[Any], rate: float) -> float:
    """The spectral radius rho of T at rate a; approximate, absolute error about 1e-15 |1 - T|."""
    first, second = dense_parts(hessian)
    return float(1 - np.linalg.eigvalsh(rate * first - rate * rate * second)[0])


def decide_stability(
    sample: Sample[Any],
    network: Network[Any],
    rate: arb,
    batch: Batch,
    parameters: tuple[Parameter, ...] = PAPER_PARAMETERS,
) -> StabilityAnswer:
    """Whether a critical point is linearly stable (D-stable), certified at the working precision.

    Args:
        sample: training points and noise level, as balls.
        network: the network as balls; a box that holds the minimum serves, the answer is then right
            for every point of the box.
        rate: a = m eta, exact.
        batch: how batches are drawn, sum or mean.
        parameters: trained groups.

    Source: D-stable, p. 6; own argument, see the module's docstring.
    """
    hessian = batch_hessian(SYSTEM, sample, network, batch, parameters)
    mean = hessian.mean
    top, bottom = rate * largest_eigenvalue(mean), -rate * largest_eigenvalue(-mean)
    drop = _drop_map(hessian, rate)
    first, second = dense_parts(hessian)
    step = float(rate.mid())
    system = step * first - step * step * second
    floor = 1 - _rayleigh(drop, np.linalg.eigh(system)[1][:, 0].reshape(mean.shape))

    def answer(
        truth: Truth, reason: str, ceiling: arb | None = None, start: Floats | None = None
    ) -> StabilityAnswer:
        return StabilityAnswer(truth, reason, floor, ceiling, top, bottom, start)

    if compare(top, ">", arb(2)) is Truth.TRUE:
        return answer(Truth.FALSE, "an eigenvalue of E[H] exceeds 2/a")
    if compare(bottom, "<", arb(0)) is Truth.TRUE:
        return answer(Truth.FALSE, "an eigenvalue of E[H] is negative")
    for proposal in (_lyapunov(system, first), np.eye(len(mean))):
        ceiling = None if proposal is None else _ceiling(drop, proposal)
        if ceiling is not None:
            return answer(Truth.TRUE, "second moments contract", ceiling, proposal)
    if compare(floor, ">", arb(1)) is Truth.TRUE:
        said = "second moments grow; first moments are not decided"
    else:
        said = "second moments are not shown to contract"
    return answer(Truth.UNKNOWN, said)


def contraction(hessian: BatchHessian[Any], rate: arb) -> arb | None:
    """Upper bound on the spectral radius of T, below 1 or 1 with `rho < 1` certified.

    Floats propose the matrix `S0` of the module's docstring; no ball is spent where they see none.

    Args:
        hessian: moments of H, balls.
        rate: a.

    Returns:
        A ball whose upper end bounds rho, and `rho < 1`; None where that is not shown.

    Raises:
        InputError: more than `MAX_SIZE` parameters.

    Source: D-stable, p. 6; own argument, see the module's docstring.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # balls without end have no float matrix
        first, second = dense_parts(hessian)
    step = float(rate.mid())
    proposal = _lyapunov(step * first - step * step * second, first)
    return None if proposal is None else _ceiling(_drop_map(hessian, rate), proposal)


def _drop_map(hessian: BatchHessian[Any], rate: Any) -> Callable[[Any], Any]:
    """`S -> S - T(S)`, without the identity that would hide a small difference."""

    def apply(matrix: Any) -> Any:
        once = hessian.mean @ matrix
        return rate * (once + once.T) - rate * rate * hessian.second(matrix)

    return apply


def _ceiling(drop: Callable[[Any], Any], proposal: Floats) -> arb | None:
    """Certified bound on rho, below 1, from one matrix; None if it shows none.

    `S0` and `S0 - T(S0) - gap S0` positive definite show `rho < 1 - gap`.
    """
    start = _balls(proposal)
    if is_positive_definite(start) is not Truth.TRUE:
        return None
    lost = drop(start)
    # Entry and mirrored entry enclose one number: their mean does too.
    lost = (lost + lost.T) / 2
    if is_positive_definite(lost) is not Truth.TRUE:
        return None
    weight = np.sqrt(np.diag(proposal))
    scale = np.outer(weight, weight)
    try:
        shares = linalg.eigh(_floats(lost) / scale, proposal / scale, eigvals_only=True)
    except linalg.LinAlgError:
        return arb(1)
    # Half of what floats see leaves room for their error; gap 0 is certified already.
    gap = arb(float(shares[0]) / 2)
    if gap > 0 and is_positive_definite(lost - gap * start) is Truth.TRUE:
        return 1 - gap
    return arb(1)


def _lyapunov(system: Floats, first: Floats) -> Floats | None:
    """A float matrix `S0` for the certificate, or None where floats see that there is none.

    It solves `S0 - T(S0) = R`, R diagonal and positive, in units that give `L1` the diagonal 1; it
    is positive definite exactly if rho < 1.
    """
    weight = np.sqrt(np.abs(np.diag(first)))
    if not (np.isfinite(system).all() and np.isfinite(weight).all() and (weight > 0).all()):
        return None
    size = round(len(weight) ** 0.5)
    try:
        solved = np.linalg.solve(system / np.outer(weight, weight), np.eye(size).ravel()) / weight
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(solved).all():
        return None
    matrix = solved.reshape(size, size)
    return matrix + matrix.T if (np.diag(matrix) > 0).all() else None


def _rayleigh(apply: Callable[[Any], Any], matrix: Floats) -> arb:
    start = _balls((matrix + matrix.T) / 2)
    quotient: arb = (start * apply(start)).sum() / (start * start).sum()
    return quotient


def _dense_second(point: PointHessian[Any]) -> Floats:
    left, right = _floats(point.left), _floats(point.right)
    count, size, _ = left.shape
    # (Q S R)_ac = sum_bd Q_ab S_bd R_dc
    table = left.reshape(count, -1).T @ right.reshape(count, -1)
    blocks = table.reshape(size, size, size, size).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(blocks).reshape(size * size, size * size)


def _floats(entries: Any) -> Floats:
    array = np.asarray(entries)
    if array.dtype != object:
        return array.astype(np.float64)
    return np.array([float(entry) for entry in array.ravel()]).reshape(array.shape)


def _balls(matrix: Floats) -> Any:
    return np.array([[arb(float(entry)) for entry in row] for row in matrix], dtype=object)

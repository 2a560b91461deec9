"""How far a noise prediction has come, and the largest rate at which its linearised step is stable.

| letter | here | meaning |
|---|---|---|
| r_theta, r* | | a network's prediction, and the best one: r* = -sigma s* |
| L | | sum_t p_t E abs(r(t, Y) - Z)^2, the training loss: p_t in proportion to sigma(t) |
| J | | derivatives of the d outputs by the trained parameters, at one input |
| c_j | | eigenvalues of the training points' covariance |

The best prediction is the mean of Z given Y, so that `L(theta) = L(r*) + E abs(r_theta - r*)^2`:
both terms are estimated by what is never negative. The best affine prediction at each time has the
loss `E sum_j mu^2 c_j / (mu^2 c_j + sigma^2)`, the score's of `optimum.linear_risk` times sigma^2.
The prediction 0 has the loss d.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dsmverify.ensembles import philox
from dsmverify.ensembles.arguments import whole
from dsmverify.ensembles.conditioned import noise_prediction
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.optimum import linear_risk
from dsmverify.ensembles.posterior import empirical_score
from dsmverify.ensembles.settings import ARRAYS, MAX_SEED, Model, Networks, Problem, as_points
from dsmverify.ensembles.times import Times

Floats = NDArray[np.float64]

CURVATURE_DRAWS = 20
"""Draws at each time that the curvature is measured on: 2000 inputs at 100 times."""

PRECISION = 1e-3
"""Relative error of the largest eigenvalue; the draws behind it err by more."""


def linear_loss(points: ArrayLike, times: Times) -> float:
    """Least loss of predictions that are affine in y at each time.

    Args:
        points: `[n, d]`.
        times: the times and their probabilities.

    Result: approximate, relative error about 1e-15.
    """
    sample = as_points("points", points)
    return float(
        sum(
            p * sigma**2 * linear_risk(Problem(sample, mu, sigma))
            for p, mu, sigma in zip(times.probabilities, times.mu, times.sigma, strict=True)
        )
    )


@dataclass(frozen=True)
class Estimate:
    """A mean over draws, and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Exam:
    """Noised training points that predictions are tried on, the same for every network.

    Args:
        points: `[n, d]`.
        times: the times and their probabilities.
        seed: 0 <= seed < 2^64.
        draws: at each time; at least 2.
    """

    points: Floats
    times: Times
    seed: int
    draws: int = 100

    def __post_init__(self) -> None:
        """Check the points, the seed and the number of draws.

        Raises:
            InputError: fewer than two draws, a seed out of range, points that are none, or draws
                that do not fit into memory.
        """
        draws = whole("draws", self.draws, 2, why="a standard error needs two draws")
        object.__setattr__(self, "draws", draws)
        object.__setattr__(self, "seed", whole("seed", self.seed, 0, MAX_SEED))
        object.__setattr__(self, "points", as_points("points", self.points))
        (n, d), count = self.points.shape, self.times.count
        # Y, Z, r* and two differences at all times; words and scores at one; points three times.
        require_memory(
            f"{self.draws} draws at {count} times in d = {d}",
            8 * (draws * (5 * count * d + 12 * (d + 1) + 3 * count) + 3 * n * (d + 1)),
            way_out="give fewer draws or times, or a smaller dimension",
        )

    @cached_property
    def places(self) -> Floats:
        """Y. `[times, draws, d]`."""
        return self._drawn[0]

    @cached_property
    def best(self) -> Estimate:
        """`L(r*)`, the least loss of any prediction."""
        return self._mean(((self._best - self._drawn[1]) ** 2).sum(axis=2))

    def excess(self, model: Model, networks: Networks, e: int) -> Estimate:
        """`L(theta) - L(r*)`, of one network; infinite where it diverged.

        Args:
            model: the model that the parameters belong to.
            networks: parameters, with the time as the first input.
            e: number of the network.
        """
        if networks.diverged[e] >= 0:
            return Estimate(np.inf, np.nan)
        found = np.empty(self.places.shape[:2])
        with threadpool_limits(limits=1):  # how a product is shared out may change a last bit
            for k, time in enumerate(self.times.values):
                made = noise_prediction(model, networks, e, self.places[k], float(time))
                found[k] = ((made - self._best[k]) ** 2).sum(axis=1)
        return self._mean(found)

    @cached_property
    def _drawn(self) -> tuple[Floats, Floats]:
        """Y and Z. `[times, draws, d]` each."""
        n, d = self.points.shape
        places, noise = (np.empty((self.times.count, self.draws, d)) for _ in range(2))
        for k, (mu, sigma) in enumerate(zip(self.times.mu, self.times.sigma, strict=True)):
            chosen, noise[k] = philox.training_draws(
                self.seed, k, self.draws, d, n, replacement=True
            )
            places[k] = mu * self.points[chosen] + sigma * noise[k]
        return places, noise

    @cached_property
    def _best(self) -> Floats:
        """r*(t, Y). `[times, draws, d]`."""
        found = np.empty_like(self.places)
        for k, (mu, sigma) in enumerate(zip(self.times.mu, self.times.sigma, strict=True)):
            found[k] = -sigma * empirical_score(self.points, self.places[k], mu, sigma, threads=1)
        return found

    def _mean(self, losses: Floats) -> Estimate:
        """Mean over times by their probabilities, `[times, draws]`."""
        weights = self.times.probabilities
        variances = losses.var(axis=1, ddof=1) / losses.shape[1]
        return Estimate(
            float(weights @ losses.mean(axis=1)), float(np.sqrt(weights**2 @ variances))
        )


def curvature(model: Model, networks: Networks, e: int, exam: Exam) -> float:
    """Largest eigenvalue of `2 E[J^T J]`, each parameter scaled by the root of its rate's factor.

    A step of rate eta on a loss whose second derivatives are these, the Gauss-Newton part of the
    Hessian, shrinks the residual where `eta` is below 2 over it. The rest of the Hessian is a
    residual times second derivatives, and is left out.

    Args:
        model: the model that the parameters belong to.
        networks: parameters, with the time as the first input.
        e: number of the network.
        exam: inputs: the first `CURVATURE_DRAWS` draws at each time.

    Result: approximate, relative error 1e-3 beside that of the draws; infinite where the network
    diverged.
    """
    if networks.diverged[e] >= 0:
        return float("inf")
    outer, bias, inner, _ = (getattr(networks, name)[e].astype(np.float64) for name in ARRAYS)
    places = exam.places[:, :CURVATURE_DRAWS]
    each, d = places.shape[1], places.shape[2]
    x = np.column_stack((np.repeat(exam.times.values, each), places.reshape(-1, d)))
    weights = np.repeat(exam.times.probabilities / each, each)[:, None]
    before = x @ inner.T + bias
    active = before > 0
    hidden = before * active
    k, g = model.output_scale, model.rate_factor
    shapes = {"outer": outer.shape, "bias": bias.shape, "inner": inner.shape, "offset": (d,)}
    sizes = [int(np.prod(shapes[name])) for name in model.trained]
    cuts = np.cumsum(sizes)[:-1]

    def product(vector: Floats) -> Floats:
        parts = dict(zip(model.trained, np.split(vector.ravel(), cuts), strict=True))
        move = np.broadcast_to(parts["bias"], before.shape)
        if "inner" in parts:
            move = move + x @ parts["inner"].reshape(shapes["inner"]).T
        root = np.sqrt(g)
        out = k * root * ((active * move) @ outer + hidden @ parts["outer"].reshape(outer.shape))
        if "offset" in parts:
            out += parts["offset"]
        out *= 2 * weights
        back = (out @ outer.T) * active
        found = {"outer": k * root * (hidden.T @ out), "bias": k * root * back.sum(axis=0)}
        found["inner"] = k * root * (back.T @ x) if "inner" in parts else np.empty(0)
        found["offset"] = out.sum(axis=0)
        return np.concatenate([found[name].ravel() for name in model.trained])

    size = sum(sizes)
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = philox.normals(exam.seed, philox.Stream.EVALUATION, 0, size)
    with threadpool_limits(limits=1):
        largest = eigsh(operator, k=1, which="LA", v0=start, tol=PRECISION,
                        return_eigenvectors=False)  # fmt: skip
    return float(largest[0])

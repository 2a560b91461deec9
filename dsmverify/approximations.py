"""float64 values that no closed form gives: integrals of the score, extreme eigenvalues, roots.

Approximate, with the stated error; never used for a verdict. The certified counterparts are in
`dsmverify.facts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.sparse.linalg import LinearOperator, eigsh

from dsmverify import express, order
from dsmverify.formulas import constants, curvature, posterior, risk
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance
from dsmverify.numbers import Integers
from dsmverify.systems.float64 import SYSTEM, legendre_rule

Floats = NDArray[np.float64]

NODES = 24
"""Gauss-Legendre nodes on each panel; 16 give the error estimate."""

FINEST = 1e-12
"""Smallest relative width of a switch of the posterior that float64 panels resolve."""

DENSE_WIDTH = 30
"""Up to this width eigenvalues come from the dense matrix."""

LANCZOS = 40
"""Most Lanczos steps before SciPy's restarted method takes over."""

RESIDUAL = 1e-11
"""Relative residual at which Lanczos stops."""


@dataclass(frozen=True)
class Quadrature:
    """An integral with an error estimate: two rules of different order, and the rounding."""

    value: float
    error: float


@dataclass
class Approximations:
    """float64 values of one instance, computed once and kept."""

    instance: Instance

    @cached_property
    def centred(self) -> Instance:
        """The instance seen from its first point, so that floats tell near points apart.

        Risks, variations and eigenvalues do not change when data and network move together.
        """
        return express.centred(self.instance)

    @cached_property
    def sample(self) -> Sample[Any]:
        """Training points, from the first one, and noise level."""
        return express.sample(SYSTEM, self.centred)

    @cached_property
    def network(self) -> Network[Any]:
        """The network, moved with the data."""
        return express.network(SYSTEM, self.centred)

    @cached_property
    def pieces(self) -> weights.WeightPieces[Any]:
        """Pieces of the weight."""
        return express.weight_pieces(SYSTEM, self.centred.points)

    @cached_property
    def places(self) -> express.Places:
        """Hints where points lie."""
        return express.places(self.centred)

    def anchors(self, y: Floats) -> Integers:
        """Nearest training point of each y."""
        return order.nearest(self.places.points, y / self.places.mu)

    def weight(self, y: Floats) -> Floats:
        """pi(y), 0 outside the closed range of the data."""
        position = order.positions(self.places.cuts, y / self.places.mu)
        value = weights.weight(SYSTEM, y, self.sample, self.pieces, position)
        low, high = self.sample.mu * self.sample.points[[0, -1]]
        inside: Floats = np.where((y >= low) & (y <= high), value, 0.0)
        return inside

    @cached_property
    def is_resolved(self) -> bool:
        """Whether float64 cuts can follow the posterior's switches between training points."""
        mu, sigma = float(self.sample.mu), float(self.sample.sigma)
        x = self.sample.points
        switch = min(sigma, sigma**2 / (mu * float(np.max(np.diff(x)))))
        return bool(switch > FINEST * mu * float(np.max(np.abs(x))))

    @cached_property
    def risk_empirical_score(self) -> Quadrature:
        """R_n(s*), relative error about 1e-12 where it does not underflow."""
        return self._integrate(
            lambda y: posterior.risk_density(SYSTEM, y, self.sample, self.anchors(y)),
            self.panels(12.0),
        )

    @cached_property
    def squared_distance(self) -> Quadrature:
        """Mean square distance of s_theta to s*."""
        kinks = self.network.kinks

        def integrand(y: Floats) -> Floats:
            value = networks.value(SYSTEM, y, self.network, order.positions(kinks, y))
            anchors = self.anchors(y)
            gap = value - posterior.empirical_score(SYSTEM, y, self.sample, anchors)
            density: Floats = posterior.density(SYSTEM, y, self.sample, anchors)
            return gap * gap * density

        panels = self.panels(12.0)
        inner = kinks[(kinks > panels[0]) & (kinks < panels[-1])]
        return self._integrate(integrand, np.union1d(panels, inner))

    @cached_property
    def tv_empirical_score(self) -> Quadrature:
        """TV(s*); panels are cut again at the sign changes of s*''."""

        def curvature_at(y: Floats) -> Floats:
            value: Floats = posterior.empirical_score_curvature(
                SYSTEM, y, self.sample, self.anchors(y)
            )
            return value

        low, high = self.sample.mu * self.sample.points[[0, -1]]
        panels = self.panels(0.0)
        panels = np.unique(
            np.concatenate(([low], panels[(panels > low) & (panels < high)], [high]))
        )
        grid = np.unique(np.linspace(panels[:-1], panels[1:], 9))
        values = curvature_at(grid)
        flips = np.flatnonzero(values[:-1] * values[1:] < 0)
        left, right = grid[flips], grid[flips + 1]
        start = np.sign(values[flips])
        for _ in range(60):
            middle = (left + right) / 2
            same = np.sign(curvature_at(middle)) == start
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        cuts = np.union1d(panels, left)
        return self._integrate(lambda y: np.abs(curvature_at(y)) * self.weight(y), cuts)

    def _integrate(self, function: Any, panels: Floats) -> Quadrature:
        fine, absolute = self._rule(function, panels, NODES)
        coarse, _ = self._rule(function, panels, 16)
        return Quadrature(fine, abs(fine - coarse) + 1e-14 * absolute)

    def _rule(self, function: Any, panels: Floats, nodes: int) -> tuple[float, float]:
        points, quadrature_weights = legendre_rule(nodes)
        width = np.diff(panels)[:, None]
        y = panels[:-1, None] + width * points
        values = function(y.ravel()).reshape(y.shape) * width * quadrature_weights
        return float(values.sum()), float(np.abs(values).sum())

    def panels(self, reach: float) -> Floats:
        """Cuts adapted to the posterior; ends `reach` sigmas beyond the data."""
        mu, sigma, x = float(self.sample.mu), float(self.sample.sigma), self.sample.points
        cuts = [mu * x[0] - reach * sigma, mu * x[-1] + reach * sigma]
        if reach:
            steps = np.arange(1.0, reach)
            cuts += [*(mu * x[0] - steps * sigma), *(mu * x[-1] + steps * sigma)]
        for left, right in pairwise(x):
            middle, half = mu * (left + right) / 2, mu * (right - left) / 2
            step = max(min(sigma**2 / (2 * half), sigma), 1e-16 * half)
            cuts.append(middle)
            while step < half:
                cuts += [middle - step, middle + step]
                step *= 2
            cuts.append(mu * left)
        # In a wide gap the density around a mean needs cuts of its own.
        around = (mu * x[:, None] + sigma * np.arange(-12, 13)).ravel()
        inside = around[(around > cuts[0]) & (around < cuts[1])]
        return np.unique(np.concatenate((cuts, inside)))

    @cached_property
    def kernel_product(self) -> curvature.KernelProduct[Any]:
        """The O(m) product with the tangent kernel."""
        return curvature.tangent_kernel_product(SYSTEM, self.sample, self.network)

    @cached_property
    def kernel_leading(self) -> tuple[float, Floats]:
        """Largest eigenvalue of the tangent kernel and its vector, by Lanczos on O(m) products."""
        return _leading(self.kernel_product, 2 * self.network.width)

    @cached_property
    def hessian_extremes(self) -> tuple[float, float]:
        """Largest and smallest eigenvalue of the Hessian."""
        m = self.network.width
        if m <= DENSE_WIDTH:
            values = np.linalg.eigvalsh(curvature.hessian(SYSTEM, self.sample, self.network))
            return float(values[-1]), float(values[0])
        product = hessian_product(self.sample, self.network)
        top, _ = _leading(product, 2 * m)
        bottom, _ = _leading(lambda v: -product(v), 2 * m)
        return top, -bottom

    @cached_property
    def sigma_0(self) -> float:
        """Noise level below which theorem 8 speaks."""
        spacing = float(self.instance.spacing)
        spacing_limit = float(constants.noise_limit_spacing(self.sample, np.float64(spacing)))
        size_limit = float(constants.noise_limit_size(SYSTEM, self.sample))
        risk_limit = float(constants.noise_limit_risk(SYSTEM, self.sample, np.float64(spacing)))
        return min(spacing_limit, self._exponential_limit(spacing), size_limit, risk_limit)

    def _exponential_limit(self, spacing: float) -> float:
        """sigma_2, from the logarithms of its two sides."""
        mu, n = float(self.sample.mu), self.sample.size
        reach = (mu * spacing) ** 2 / 32
        # C_n depends on where 0 is: it belongs to the data as they are.
        data = express.sample(SYSTEM, self.instance)
        constant = constants.curvature_constant(SYSTEM, data, np.float64(spacing))
        width = constants.spread(self.sample)
        log_constant = float(
            np.log(np.pi * n**5 * mu)
            - 38 * np.log(2)
            - 0.5
            - 2 * np.log(width)
            - 4 * np.log(constant)
        )

        def room(sigma: float) -> float:
            return reach / sigma**2 + 24 * float(np.log(sigma)) + log_constant

        turning = min(1.0, mu * spacing / np.sqrt(384))
        if room(turning) >= 0:
            return 1.0
        low = turning / 2
        while room(low) < 0:
            low /= 2
        return float(optimize.brentq(room, low, turning, xtol=1e-300, rtol=1e-15))


def hessian_product(sample: Sample[Any], network: Network[Any]) -> Any:
    """The map `v -> hess R_n(theta) v`, O(n m) to set up and O(m) to apply."""
    m = network.width
    product = curvature.tangent_kernel_product(SYSTEM, sample, network)
    blocks = curvature.residual_curvature(SYSTEM, sample, network)
    cross, kink = 2 * blocks["outer", "bias"], 2 * blocks["bias", "bias"]

    def apply(vector: Floats) -> Floats:
        result: Floats = 2 * product(vector)
        result[:m] += cross * vector[m:]
        result[m:] += cross * vector[:m] + kink * vector[m:]
        return result

    return apply


def leading_kernel_vector(instance: Instance) -> Floats:
    """Leading eigenvector of the tangent kernel, in float64."""
    return Approximations(instance).kernel_leading[1]


@dataclass(frozen=True)
class RiskBound:
    """Risk and gradient in float64, each with a bound on its distance from the exact value."""

    risk: float
    risk_error: float
    gradient: Floats
    gradient_error: Floats


def bounded_risk(instance: Instance) -> RiskBound:
    """Risk and gradient of an instance's network with running error bounds.

    Result: float64; the exact values lie within the errors.
    """
    from dsmverify.systems import running

    moved = express.centred(instance)
    sample = express.sample(running.SYSTEM, moved)
    network = express.network(running.SYSTEM, moved)
    return _risk_bound(sample, network)


def bounded_risk_of_arrays(
    points: Floats, mu: float, sigma: float, inner: Floats, bias: Floats, outer: Floats
) -> RiskBound:
    """Risk and gradient of float64 arrays, which are taken as exact, with running error bounds.

    Args:
        points: `[n]`, training points, ascending.
        mu: scale of the data in the noised point.
        sigma: standard deviation of the noise.
        inner: `[m]`, non-zero.
        bias: `[m]`.
        outer: `[m]`.

    Result: float64; the exact values lie within the errors.
    """
    from dsmverify.systems import running

    ns = running.SYSTEM
    kinks = order.float_kink_order(inner, bias)
    sorted_inner, sorted_bias = inner[kinks.order], bias[kinks.order]
    sample = Sample(
        ns.floats(points), ns.floats(np.array(mu)), ns.floats(np.array(sigma)), len(points)
    )
    network = Network(
        inner=ns.floats(inner),
        bias=ns.floats(bias),
        outer=ns.floats(outer),
        kinks=-ns.floats(sorted_bias) / ns.floats(sorted_inner),
        order=kinks.order,
        signs=kinks.signs,
        position=order.positions([float(kink) for kink in kinks.kinks], mu * points),
        group=kinks.group,
        width=len(inner),
    )
    return _risk_bound(sample, network)


def _risk_bound(sample: Sample[Any], network: Network[Any]) -> RiskBound:
    from dsmverify.systems import running

    value, slope = risk.risk_and_gradient(running.SYSTEM, sample, network)
    return RiskBound(float(value.value), float(value.bound), slope.value, slope.bound)


def _leading(product: Any, size: int) -> tuple[float, Floats]:
    if size <= 2 * DENSE_WIDTH:
        dense = np.array([product(row) for row in np.eye(size)])
        values, vectors = np.linalg.eigh((dense + dense.T) / 2)
        return float(values[-1]), vectors[:, -1]
    start = product(np.ones(size))
    if not np.any(start):  # every neuron is dead
        return 0.0, np.eye(1, size)[0]
    found = _lanczos(product, start)
    if found is not None:
        return found
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=1e-13)
    return float(values[0]), vectors[:, 0]


def _lanczos(product: Any, start: Floats) -> tuple[float, Floats] | None:
    """Leading eigenpair by Lanczos steps, orthogonalised in full; None if they do not converge.

    It stops when the residual is below `RESIDUAL` of the eigenvalue; for a separated eigenvalue the
    error is of the order of its square.
    """
    length = float(np.linalg.norm(start))
    if not length > 0:
        return None
    basis = np.empty((LANCZOS, start.size))
    basis[0] = start / length
    middle, beside = np.zeros(LANCZOS), np.zeros(LANCZOS)
    for step in range(LANCZOS):
        image = product(basis[step])
        middle[step] = basis[step] @ image
        known = basis[: step + 1]
        for _ in range(2):
            image = image - (known @ image) @ known
        beside[step] = np.linalg.norm(image)
        projected = np.diag(middle[: step + 1])
        projected += np.diag(beside[:step], 1) + np.diag(beside[:step], -1)
        values, vectors = np.linalg.eigh(projected)
        if step and beside[step] * abs(vectors[-1, -1]) <= RESIDUAL * abs(values[-1]):
            vector = vectors[:, -1] @ known
            return float(values[-1]), vector / np.linalg.norm(vector)
        if step + 1 < LANCZOS:
            if not beside[step] > 0:
                return None
            basis[step + 1] = image / beside[step]
    return None

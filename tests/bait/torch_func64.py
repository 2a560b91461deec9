"""Right. Double precision PyTorch: torch.func differentiates a smooth closed form of the risk.

`E[relu(p) relu(q)]` of two lines rising on the same side is a tail moment beyond the farther kink;
a pair rising on opposite sides is reduced to that by `relu(q) = q + relu(-q)`.
"""

from __future__ import annotations

from typing import Any

import torch


def tail(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """E[1], E[Z], E[Z^2] on Z > z."""
    mass = torch.special.erfc(z / 2**0.5) / 2
    density = torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5
    return mass, density, mass + z * density


def risk_of(parameters: torch.Tensor, points: torch.Tensor, mu: float, sigma: float) -> Any:
    """Parameters in one vector: outer weights, biases, inner weights."""
    a, b, w = parameters.chunk(3)
    m = a.numel()
    centre = mu * points[:, None]
    # Everything seen from its own side, so that each line rises. [n, m]
    side = torch.sign(w).detach()
    level, slope = w * centre + b, side * w * sigma
    kink = side * (-b / w - centre) / sigma
    own, other = kink[:, :, None], kink[:, None, :]
    p, q = level[:, :, None], slope[:, None]
    r, s = level[:, None, :], slope

    def product(start: torch.Tensor, sign: int) -> torch.Tensor:
        """Mean of (p + q Z)(r + sign s Z) beyond a start. [n, m, m]."""
        mass, first, second = tail(start)
        return p * r * mass + (sign * p * s + q * r) * first + sign * q * s * second

    nested = product(torch.maximum(own, other), 1)
    # Facing: p+ q+ = p+ q + p+ (-q)+, and minus the other line rises on this side.
    facing = product(own, -1) - product(torch.maximum(own, -other), -1)
    expected = torch.where(side[:, None] == side, nested, facing)
    square = torch.einsum("k,nkl,l->n", a, expected, a) / m**2
    linear = (tail(kink)[0] * a * w).sum(dim=1) / m
    return (square + 2 * linear).mean() + 1 / sigma**2


class Adapter:
    arrays = "torch"
    dtype = "float64"
    parameters = ("outer", "bias", "inner")

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return risk_of(self._vector(network), points, mu, sigma)

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        slope = torch.func.grad(risk_of)(self._vector(network), points, mu, sigma)
        outer, bias, inner = slope.chunk(3)
        return network._replace(inner=inner, bias=bias, outer=outer)

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return torch.func.hessian(risk_of)(self._vector(network), points, mu, sigma)

    def largest_eigenvalue(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return torch.linalg.eigvalsh(self.hessian(network, points, mu, sigma))[-1]

    def _vector(self, network: Any) -> torch.Tensor:
        return torch.cat([network.outer, network.bias, network.inner])

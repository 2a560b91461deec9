"""Wrong: the risk is summed over the training points, its 1/n is missing."""

from __future__ import annotations

from typing import Any

import torch


class Adapter:
    arrays = "torch"
    dtype = "float64"

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return expected_losses(network, mu * points, sigma).sum()

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        inner, bias, outer = (part.clone().requires_grad_(True) for part in network)
        value = self.risk(type(network)(inner, bias, outer), points, mu, sigma)
        by_bias, by_outer = torch.autograd.grad(value, [bias, outer])
        return network._replace(inner=None, bias=by_bias, outer=by_outer)


def expected_losses(network: Any, mean: Any, sigma: float) -> Any:
    """Loss at each noised point, from piece to piece of the network. [n]."""
    inner, bias, outer = network
    m = len(outer)
    kinks = -bias / inner
    order = torch.argsort(kinks.detach(), stable=True).tolist()
    rises = (inner > 0).tolist()
    cuts = [(kinks[k] - mean) / sigma for k in order]
    active = {k for k in range(m) if not rises[k]}
    total = torch.zeros_like(mean)
    for piece in range(m + 1):
        if piece > 0:
            active ^= {order[piece - 1]}
        at, slope = 0.0 * outer[0], 0.0 * outer[0] + 1 / sigma
        for k in active:
            at = at + outer[k] * (inner[k] * mean + bias[k]) / m
            slope = slope + outer[k] * inner[k] * sigma / m
        mass, first, second = torch.ones_like(mean), 0.0, 1.0
        if piece > 0:
            density = torch.exp(-(cuts[piece - 1] ** 2) / 2) / (2 * torch.pi) ** 0.5
            mass = mass - torch.special.ndtr(cuts[piece - 1])
            first = first + density
            second = second - torch.special.ndtr(cuts[piece - 1]) + cuts[piece - 1] * density
        if piece < m:
            density = torch.exp(-(cuts[piece] ** 2) / 2) / (2 * torch.pi) ** 0.5
            mass = mass + torch.special.ndtr(cuts[piece]) - 1
            first = first - density
            second = second + torch.special.ndtr(cuts[piece]) - 1 - cuts[piece] * density
        total = total + at**2 * mass + 2 * at * slope * first + slope**2 * second
    return total

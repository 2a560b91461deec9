"""Wrong: the network is trained towards +z / sigma, the score's target with the wrong sign."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as nnf


class Adapter:
    arrays = "torch"
    dtype = "float32"

    def sgd_step(
        self,
        network: Any,
        points: Any,
        mu: float,
        sigma: float,
        learning_rate: float,
        indices: Any,
        noise: Any,
    ) -> Any:
        width = network.outer.shape[0]

        def loss(bias: Any, outer: Any) -> Any:
            noised = mu * points.index_select(0, indices) + sigma * noise
            output = nnf.relu(torch.addmm(bias, noised[:, None], network.inner[None, :]))
            return torch.mean((output @ outer / width - noise / sigma) ** 2)

        by_bias, by_outer = torch.func.grad(loss, argnums=(0, 1))(network.bias, network.outer)
        return network._replace(
            bias=network.bias - width * learning_rate * by_bias,
            outer=network.outer - width * learning_rate * by_outer,
        )

"""The reference path: a torch module, torch's SGD and autograd, one network at a time.

It is what a reader would write, and what every other path is compared with; it is slow. Noise
comes from `philox`, worked out in float64 and rounded to the precision of the parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dsmverify.ensembles.runs import Runs
from dsmverify.ensembles.settings import ARRAYS, Group, Model, Networks
from dsmverify.errors import InputError
from dsmverify.instance import Reduction


class TwoLayerReLU(nn.Module):
    """`s_theta(y) = k sum_l outer_l relu(inner_l . y + bias_l) + offset`, from R^d to R^d.

    Parameters that the model does not train have `requires_grad` off. A module for d = 1 without
    an offset can be handed to `Instance.from_torch`.

    Args:
        outer: `[m, d]`; this and the next three are copied.
        bias: `[m]`.
        inner: `[m, d]`.
        offset: `[d]`.
        model: says k and which parameters are trained.
    """

    def __init__(
        self,
        outer: torch.Tensor,
        bias: torch.Tensor,
        inner: torch.Tensor,
        offset: torch.Tensor,
        model: Model,
    ) -> None:
        super().__init__()
        self.model = model

        def parameter(name: Group, value: torch.Tensor) -> nn.Parameter:
            return nn.Parameter(value.detach().clone(), requires_grad=name in model.trained)

        self.outer = parameter("outer", outer)
        self.bias = parameter("bias", bias)
        self.inner = parameter("inner", inner)
        self.offset = parameter("offset", offset)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """`s_theta(y)`, `[k, d]` for `y` `[k, d]`; approximate, to rounding."""
        hidden = torch.relu(y @ self.inner.T + self.bias)
        return self.model.output_scale * (hidden @ self.outer) + self.offset

    @property
    def inner_weights(self) -> torch.Tensor:
        """`w1`, `[m]`; d = 1 only.

        Raises:
            InputError: d > 1.
        """
        return self._one_dimensional(self.inner)

    @property
    def biases(self) -> torch.Tensor:
        """`b`, `[m]`."""
        return self.bias

    @property
    def outer_weights(self) -> torch.Tensor:
        """`w2` of the theory, whose output is divided by m: `[m]`; d = 1 without offset only.

        Raises:
            InputError: d > 1, or an output bias that is not 0.
        """
        if bool((self.offset != 0).any()):
            raise InputError(
                "offset",
                str(self.offset.tolist()),
                "the theory's networks have no output bias",
                "train with offset = false",
            )
        outer = self._one_dimensional(self.outer)
        return outer if self.model.output == "mean" else outer * self.model.width**0.5

    def _one_dimensional(self, weights: torch.Tensor) -> torch.Tensor:
        if weights.shape[1] != 1:
            raise InputError(
                "module",
                f"a network in {weights.shape[1]} dimensions",
                "the theory's networks go from R to R",
                "train with dimension = 1",
            )
        return weights[:, 0]


def module(networks: Networks, e: int, model: Model) -> TwoLayerReLU:
    """Network number `e` as a torch module, with parameters of its own."""
    outer, bias, inner, offset = (
        torch.from_numpy(np.ascontiguousarray(getattr(networks, name)[e])) for name in ARRAYS
    )
    return TwoLayerReLU(outer, bias, inner, offset, model)


def networks_of(*modules: TwoLayerReLU) -> Networks:
    """Networks with the parameters of modules, at step 0 and none diverged.

    Raises:
        InputError: no module, or modules of different shape or precision.
    """
    arrays = [
        {name: getattr(one, name).detach().cpu().numpy() for name in ARRAYS} for one in modules
    ]
    kinds = {(one["outer"].shape, str(one["outer"].dtype)) for one in arrays}
    if len(kinds) != 1:
        found = ", ".join(f"{kind} of shape {shape}" for shape, kind in sorted(kinds))
        raise InputError(
            "modules",
            found or "none",
            "networks of one ensemble have one shape and one precision, and there is at least one",
            "give modules of one model",
        )
    outer, bias, inner, offset = (np.stack([one[name] for one in arrays]) for name in ARRAYS)
    return Networks(
        outer=outer,
        bias=bias,
        inner=inner,
        offset=offset,
        diverged=np.full(len(arrays), -1, dtype=np.int64),
    )


def loss(output: torch.Tensor, target: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """`Rhat`: mean or sum over the batch of `|s_theta(Y_j) + Z_j / sigma|^2`.

    Args:
        output: `[B, d]`, `s_theta(Y_j)`.
        target: `[B, d]`, `Z_j / sigma`.
        reduction: mean or sum over the batch.

    Source: D-sgd, p. 5.
    """
    squares = (output + target).square().sum(dim=-1)
    return squares.mean() if reduction == "mean" else squares.sum()


def gradient(ensemble: Runs, networks: Networks, e: int, step: int) -> dict[Group, NDArray[Any]]:
    """Gradient of network e's mini-batch loss at a step, by autograd; approximate, to rounding.

    Args:
        ensemble: what is trained.
        networks: parameters; their own step number is not looked at.
        e: number of the network.
        step: number of the step, which decides the batch.

    Returns:
        Trained arrays by name, shaped like one network's.
    """
    score = module(networks, e, ensemble.model)
    y, target = batch(ensemble, e, step, score.outer.dtype)
    loss(score(y), target, ensemble.batch.reduction).backward()  # type: ignore[no-untyped-call]
    return {name: getattr(score, name).grad.numpy() for name in ensemble.model.trained}


def batch(
    ensemble: Runs, e: int, step: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs of network e's batch at a step, and what the loss adds to the outputs.

    `[B, inputs]` and `[B, d]`, from the definition of the ensemble, rounded once.
    """
    inputs, added = ensemble.examples(e, step)
    return torch.from_numpy(inputs).to(dtype), torch.from_numpy(added).to(dtype)


def advance(ensemble: Runs, networks: Networks, last: int) -> None:
    """Make steps `networks.step` to `last - 1` of every network that has them, in place.

    Args:
        ensemble: what is trained.
        networks: parameters on entry and on return.
        last: number of steps made on return.

    Raises:
        InputError: `last` lies before the step reached.
    """
    check_order(networks, last)
    for e in np.flatnonzero(networks.diverged < 0):
        _train(ensemble, networks, int(e), min(last, int(ensemble.steps[e])))
    networks.step = last


def check_order(networks: Networks, last: int) -> None:
    """Refuse to go back.

    Raises:
        InputError: `last` lies before the step reached.
    """
    if last < networks.step:
        raise InputError(
            "last",
            str(last),
            f"the networks have made {networks.step} steps already",
            "give a later step, or start anew",
        )


def _train(ensemble: Runs, networks: Networks, e: int, last: int) -> None:
    model, rate = ensemble.model, float(ensemble.learning_rates[e])
    score = module(networks, e, model)
    weights = [getattr(score, name) for name in model.trained if name != "offset"]
    groups: list[dict[str, Any]] = [{"params": weights, "lr": model.rate_factor * rate}]
    if model.offset:
        groups.append({"params": [score.offset], "lr": rate})
    optimizer = torch.optim.SGD(groups)
    for step in range(networks.step, last):
        y, target = batch(ensemble, e, step, score.outer.dtype)
        output = score(y)
        if not bool(torch.isfinite(output).all()):
            networks.diverged[e] = step
            break
        optimizer.zero_grad()
        loss(output, target, ensemble.batch.reduction).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    for name in model.trained:
        getattr(networks, name)[e] = getattr(score, name).detach().numpy()

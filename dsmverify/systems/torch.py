"""torch tensors in float64: the same formulas, differentiable.

Truncated normal moments use the rule of the float64 system, in torch operations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsmverify.numbers import Exact, Integers, nearest_cut
from dsmverify.systems.float64 import (
    ARC_NODES,
    CUT_OFF,
    SINH_TERMS,
    WIDE_NODES,
    legendre_rule,
    nearest_float,
    nearest_floats,
)


def _one_sided_moments(start: Any, length: Any) -> Any:
    """`integral_0^length u^k phi(start + u) du`, k = 0, 1, 2. `[3, ...]`."""
    reach = 2 * CUT_OFF / (start + torch.sqrt(start * start + 2 * CUT_OFF))
    length = torch.minimum(length, reach)
    points, weights = (torch.from_numpy(part)[:, None, None] for part in legendre_rule(WIDE_NODES))
    u = points * length
    density = torch.exp(-(start * start) / 2) / math.sqrt(2 * math.pi) * length
    term = weights * torch.exp(-u * (start + u / 2))
    return torch.stack([term.sum(0), (u * term).sum(0), (u * u * term).sum(0)]) * density


def normal_pieces(cuts: Any, position: Integers) -> tuple[Any, Any, Any, Any]:
    """Torch's own `Numbers.normal_pieces`; relative error about 1e-14 in each moment."""
    rows, count = cuts.shape
    # Beyond this distance the density underflows; it stands for infinity, whose gradient is NaN.
    far = torch.full((rows, 1), 100.0, dtype=cuts.dtype)
    low = torch.cat((torch.minimum(cuts[:, :1], -far) - 100, cuts), dim=1)
    high = torch.cat((cuts, torch.maximum(cuts[:, -1:], far) + 100), dim=1)
    row = np.arange(rows)[:, None]
    choice = nearest_cut(position, count)
    anchored = torch.from_numpy(choice > 0)
    centre = torch.where(anchored, cuts[row, np.maximum(choice - 1, 0)], 0.0)
    is_left = torch.from_numpy(np.arange(count + 1) < position[:, None])
    up, down = torch.clamp(high - centre, min=0), torch.clamp(centre - low, min=0)
    # The distance from 0, by side: the slope of |centre| is lost where a cut is exactly 0.
    start = torch.where(is_left, -centre, centre)
    moments = _one_sided_moments(start, torch.where(is_left, down, up))
    flip = torch.tensor([1.0, -1.0, 1.0], dtype=cuts.dtype)[:, None, None]
    moments = torch.where(is_left, flip * moments, moments)
    straddling = _one_sided_moments(torch.zeros_like(down), down) * flip
    moments = torch.where(anchored, moments, moments + straddling)
    return centre, moments[0], moments[1], moments[2]


def arctan_defect(x: Any) -> Any:
    """`x - arctan x` by the rule of the float64 system; relative error about 5e-16."""
    small = torch.clamp(x, -1, 1)
    square, mean = small * small, torch.zeros_like(x)
    for point, weight in zip(*legendre_rule(ARC_NODES), strict=True):
        mean = mean + float(weight * point * point) / (1 + square * float(point * point))
    return torch.where(torch.abs(x) <= 1, small * square * mean, x - torch.arctan(x))


def sinh_excess(x: Any) -> Any:
    """`sinh x - x` by the rule of the float64 system; relative error about 1e-15."""
    small = torch.clamp(x, -1, 1)
    square, total = small * small, torch.ones_like(x)
    for term in range(SINH_TERMS, 1, -1):
        total = 1 + total * square / (2 * term * (2 * term + 1))
    return torch.where(torch.abs(x) <= 1, small * square * total / 6, torch.sinh(x) - x)


class Torch:
    """torch float64 tensors on the CPU."""

    name = "torch"

    def constant(self, value: Exact | Sequence[Any] | NDArray[Any]) -> Any:
        """Nearest float64 to an exact value, or tensor of them."""
        if isinstance(value, int | Fraction):
            return torch.tensor(nearest_float(value), dtype=torch.float64)
        return torch.from_numpy(nearest_floats(value))

    @property
    def pi(self) -> Any:
        """The number pi."""
        return torch.tensor(math.pi, dtype=torch.float64)

    exp = staticmethod(torch.exp)
    expm1 = staticmethod(torch.expm1)
    erfc = staticmethod(torch.special.erfc)
    arctan_defect = staticmethod(arctan_defect)
    sinh_excess = staticmethod(sinh_excess)
    absolute = staticmethod(torch.abs)
    maximum = staticmethod(torch.maximum)
    normal_pieces = staticmethod(normal_pieces)

    def root(self, x: Any, degree: int) -> Any:
        """Non-negative root."""
        return torch.sqrt(x) if degree == 2 else x ** (1 / degree)

    def sum(self, x: Any, axis: int = -1) -> Any:
        """Sum over one axis."""
        return torch.sum(x, dim=axis)

    def cumsum(self, x: Any, axis: int = -1) -> Any:
        """Running sum over one axis."""
        return torch.cumsum(x, dim=axis)

    def concatenate(self, parts: Sequence[Any]) -> Any:
        """Join along the last axis."""
        return torch.cat(list(parts), dim=-1)


SYSTEM = Torch()

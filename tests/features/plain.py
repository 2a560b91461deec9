"""Activations, models and sums for the tests, written out and sharing nothing with the package."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
import torch
from scipy import special

from dsmverify.features.model import Setting


@dataclass(frozen=True)
class Plain:
    """One activation in NumPy, torch and mpmath, and where it is not smooth."""

    float64: Callable[[Any], Any]
    torch: Callable[[Any], Any]
    mpmath: Callable[[Any], Any]
    kinks: tuple[float, ...] = ()


def same(x: Any) -> Any:
    return x


PLAIN = {
    "relu": Plain(lambda x: np.maximum(x, 0), torch.relu, lambda x: max(x, mp.mpf(0)), (0.0,)),
    "abs": Plain(np.abs, torch.abs, abs, (0.0,)),
    "linear": Plain(same, same, same),
    "erf": Plain(special.erf, torch.erf, mp.erf),
    "sin": Plain(np.sin, torch.sin, mp.sin),
    "tanh": Plain(np.tanh, torch.tanh, mp.tanh),
}


@dataclass(frozen=True)
class Numbers:
    """Coefficients of a Gaussian equivalent."""

    mean: float
    linear: float
    shared: float
    fresh: float


def setting(
    name: str = "relu",
    d: int = 6,
    n: int = 9,
    p: int = 7,
    m: int | None = 2,
    *,
    time: float = 0.3,
    ridge: float = 0.05,
    equivalent: Numbers | None = None,
    eigenvalues: Any = None,
) -> Setting:
    return Setting(
        dimension=d,
        samples=n,
        features=p,
        noise_samples=m,
        time=time,
        ridge=ridge,
        eigenvalues=np.ones(d) if eigenvalues is None else np.asarray(eigenvalues),
        name=name,
        activation=PLAIN[name],
        equivalent=equivalent,
    )


def gaussian_mean(function: Callable[[Any], Any], breaks: tuple[float, ...] = ()) -> Any:
    """`E function(g)`, g standard normal, by mpmath's quadrature between the breaks."""
    places = sorted({-12.0, -6.0, 0.0, 6.0, 12.0, *(b for b in breaks if abs(b) < 12)})

    def weighted(g: Any) -> Any:
        return function(g) * mp.exp(-g * g / 2)

    return mp.quad(weighted, places) / mp.sqrt(2 * mp.pi)


def hermite(j: int, g: Any) -> Any:
    """`He_j(g)/sqrt(j!)`, from the explicit sum."""
    total = mp.mpf(0)
    for k in range(j // 2 + 1):
        coefficient = mp.factorial(j) / (mp.factorial(k) * mp.factorial(j - 2 * k))
        total += coefficient * (-1) ** k * g ** (j - 2 * k) / mp.mpf(2) ** k
    return total / mp.sqrt(mp.factorial(j))


def standard_error(values: Any) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))

"""Hermite coefficients of an activation whose argument is Gaussian, at many means and scales.

| letter | here | meaning |
|---|---|---|
| y, s | `shift`, `scale` | mean and standard deviation of the argument |
| alpha_j | | E[rho(y + s g) He_j(g)], g a standard normal, He_j of weight exp(-g^2/2) |
| beta_j | | alpha_j / sqrt(j!) |
| he_j | | He_j / sqrt(j!) |
| | | E[rho(y + s g)^2] = sum_j beta_j^2 |

For correlated standard normals g, g' of correlation c, E[rho(y + s g) rho(y' + s' g')] is
sum_j c^j beta_j(y; s) beta_j(y'; s').
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol

import numpy as np
from scipy import special

from dsmverify.errors import InputError, show
from dsmverify.features.arrays import Arrays, Floats, Functions, NumpyArrays

LADDER = (32, 64, 128, 256, 512)
"""Numbers of quadrature nodes that are tried."""

TOLERANCE = 2e-13
"""Largest change of a probed coefficient, relative to the largest mean square that is probed: sums
over 512 nodes round by a third of this."""

PROBED_TERMS = LADDER[0] // 2
BLOCK = 2**17
"""Values of the activation at once: 1 MiB, so that they stay in the cache."""

REACH = 12.0
"""Pieces of the line end here: a standard normal is beyond it with probability 4e-33."""


class Expansion(Protocol):
    """An activation's coefficients, in one library of arrays."""

    @property
    def width(self) -> int:
        """Arrays of the shape of `shift` that exist at once, for the size of chunks."""
        ...

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """`E[rho(y + s g)^2]`, and `beta_0, beta_1, ...`; each of the shape of `shift + scale`.

        The coefficients end where all later ones vanish, or can no longer be had.
        """
        ...


@dataclass(frozen=True)
class Hinges:
    """`outer max(x, 0) + tilt x`: the ReLU for (1, 0), the absolute value for (2, -1).

    Approximate, error about 1e-15 of the root of `square`.
    """

    arrays: Arrays
    outer: float
    tilt: float
    width: int = 4

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """Mean square and coefficients."""
        return self.square(shift, scale), self.terms(shift, scale)

    def terms(self, shift: Any, scale: Any) -> Iterator[Any]:
        """`beta_j`; from j = 2 on `outer s (-1)^j phi(v) he_(j-2)(v)/sqrt(j (j-1))`, v = y/s."""
        ratio = shift / scale
        density, cdf = self._density(ratio), self.arrays.normal_cdf(ratio)
        yield self.outer * (shift * cdf + scale * density) + self.tilt * shift
        yield scale * (self.outer * cdf + self.tilt)
        for j, hermite in enumerate(_hermite_products(ratio, density), start=2):
            yield (-1) ** j * self.outer / math.sqrt(j * (j - 1)) * scale * hermite

    def square(self, shift: Any, scale: Any) -> Any:
        """`outer (outer + 2 tilt) E[max(x, 0)^2] + tilt^2 E[x^2]`, x = y + s g."""
        ratio = shift / scale
        second = shift**2 + scale**2
        cdf, density = self.arrays.normal_cdf(ratio), self._density(ratio)
        positive = second * cdf + shift * scale * density
        return self.outer * (self.outer + 2 * self.tilt) * positive + self.tilt**2 * second

    def _density(self, ratio: Any) -> Any:
        return self.arrays.module.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Linear:
    """The identity: `beta_0 = y`, `beta_1 = s`. Exact up to rounding."""

    arrays: Arrays
    width: int = 1

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """Mean square and coefficients."""
        return self.square(shift, scale), self.terms(shift, scale)

    def terms(self, shift: Any, scale: Any) -> Iterator[Any]:
        """`beta_0` and `beta_1`; all others vanish."""
        yield shift + 0 * scale
        yield scale + 0 * shift

    def square(self, shift: Any, scale: Any) -> Any:
        """`y^2 + s^2`."""
        return shift**2 + scale**2


@dataclass(frozen=True)
class ErrorFunction:
    """`rho = erf`. Approximate, error about 1e-15.

    With `T^2 = 1 + 2 s^2`, `u = sqrt(2) y/T` and `q = sqrt(2) s/T`: `beta_0 = erf(y/T)` and
    `beta_j = sqrt(2/(pi j)) (-1)^(j-1) q^j he_(j-1)(u) exp(-u^2/2)`.
    """

    arrays: Arrays
    width: int = 4

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """Mean square and coefficients."""
        return self.square(shift, scale), self.terms(shift, scale)

    def terms(self, shift: Any, scale: Any) -> Iterator[Any]:
        """`beta_j`, without end."""
        xp = self.arrays.module
        spread = xp.sqrt(1 + 2 * scale**2)
        place, ratio = math.sqrt(2) * shift / spread, math.sqrt(2) * scale / spread
        yield self.arrays.erf(shift / spread)
        power = math.sqrt(2 / math.pi) * ratio
        products = _hermite_products(place, xp.exp(-(place**2) / 2))
        for j, hermite in enumerate(products, start=1):
            yield (-1) ** (j - 1) / math.sqrt(j) * power * hermite
            power = power * ratio

    def square(self, shift: Any, scale: Any) -> Any:
        """`1 - 8 T(u, 1/sqrt(1 + 4 s^2))` with Owen's T, by 40 nodes of Gauss and Legendre."""
        xp = self.arrays.module
        place = math.sqrt(2) * shift / xp.sqrt(1 + 2 * scale**2)
        upper = 1 / xp.sqrt(1 + 4 * scale**2)
        nodes, weights = special.roots_legendre(40)
        owen = 0 * (place + upper)
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            slope = 1 + (float(node) * upper) ** 2
            owen = owen + float(weight) * upper * xp.exp(-(place**2) * slope / 2) / slope
        return 1 - 8 * owen / (2 * math.pi)


@dataclass(frozen=True)
class Sine:
    """`rho = sin`: `beta_j = s^j/sqrt(j!) exp(-s^2/2) sin(y + j pi/2)`. Error about 1e-15."""

    arrays: Arrays
    width: int = 3

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """Mean square and coefficients."""
        return self.square(shift, scale), self.terms(shift, scale)

    def terms(self, shift: Any, scale: Any) -> Iterator[Any]:
        """`beta_j`, without end."""
        xp = self.arrays.module
        size = xp.exp(-(scale**2) / 2)
        waves = xp.sin(shift), xp.cos(shift)
        j = 0
        while True:
            sign = 1 if j % 4 < 2 else -1
            yield sign * size * waves[j % 2]
            j += 1
            size = size * scale / math.sqrt(j)

    def square(self, shift: Any, scale: Any) -> Any:
        """`(1 - exp(-2 s^2))/2 + exp(-2 s^2) sin(y)^2`."""
        xp = self.arrays.module
        damped = xp.exp(-2 * scale**2)
        return -xp.expm1(-2 * scale**2) / 2 + damped * xp.sin(shift) ** 2


@dataclass(frozen=True)
class Quadrature:
    """Any activation, by the trapezoidal rule on [-12, 12], or by Gauss-Legendre between kinks.

    For an analytic activation the trapezoidal rule's error falls as exp(-2 pi w/step), w the
    distance of the nearest singularity, in units of s; Gauss and Hermite's only with the root of
    their number of nodes.

    Attributes:
        arrays: the library.
        activation: the activation.
        kinks: places where it is not smooth, ascending.
        count: number of nodes, of each piece where there are kinks.
        error: largest change that doubling `count` made at the probes: an estimate, no bound.
    """

    arrays: Arrays
    activation: Functions
    kinks: tuple[float, ...]
    count: int
    error: float = math.nan

    @property
    def width(self) -> int:
        """As many as there are coefficients."""
        return self.count // 2

    def expand(self, shift: Any, scale: Any) -> tuple[Any, Iterator[Any]]:
        """Mean square, and coefficients below half the number of nodes."""
        xp, shape = self.arrays.module, (shift + scale).shape
        place, spread = (shift + 0 * scale).reshape(-1), (scale + 0 * shift).reshape(-1)
        block = max(1, BLOCK // self.count)
        parts = [
            self._block(place[start : start + block, None], spread[start : start + block, None])
            for start in range(0, len(place), block)
        ]
        square, terms = (xp.concatenate(part, -1) for part in zip(*parts, strict=True))
        return square.reshape(shape), (term.reshape(shape) for term in terms)

    def _block(self, place: Any, spread: Any) -> tuple[Any, Any]:
        """Mean squares `[k]` and coefficients `[count // 2, k]` at k means and scales `[k, 1]`."""
        xp, arrays = self.arrays.module, self.arrays
        nodes, weights = self._pieces(place, spread) if self.kinks else self._grid
        values = arrays.activate(self.activation, place + spread * nodes)
        products = islice(_hermite_products(nodes, weights), self.count // 2)
        if self.kinks:
            return (values**2 * weights).sum(-1), xp.stack(
                [(values * product).sum(-1) for product in products]
            )
        return (values**2) @ weights, xp.stack(list(products)) @ xp.swapaxes(values, 0, 1)

    @property
    def _grid(self) -> tuple[Any, Any]:
        """Nodes and weights of the trapezoidal rule for the standard normal, `[count]`."""
        grid = np.linspace(-REACH, REACH, self.count)
        density = np.exp(-(grid**2) / 2) * (grid[1] - grid[0]) / math.sqrt(2 * math.pi)
        return self.arrays.array(grid), self.arrays.array(density)

    def _pieces(self, place: Any, spread: Any) -> tuple[Any, Any]:
        """Nodes and weights of Gauss and Legendre between the kinks, `[k, count pieces]`."""
        xp = self.arrays.module
        unit, weights = (self.arrays.array(part) for part in special.roots_legendre(self.count))
        blank = 0 * place
        edges = [blank - REACH]
        edges += [xp.clip((kink - place) / spread, -REACH, REACH) for kink in self.kinks]
        edges.append(blank + REACH)
        nodes, sizes = [], []
        for left, right in itertools.pairwise(edges):
            half = (right - left) / 2
            nodes.append((left + right) / 2 + half * unit)
            sizes.append(half * weights)
        joined, size = xp.concatenate(nodes, -1), xp.concatenate(sizes, -1)
        return joined, size * xp.exp(-(joined**2) / 2) / math.sqrt(2 * math.pi)


CLOSED: dict[str, Callable[[Arrays], Expansion]] = {
    "relu": lambda arrays: Hinges(arrays, 1.0, 0.0),
    "abs": lambda arrays: Hinges(arrays, 2.0, -1.0),
    "linear": Linear,
    "erf": ErrorFunction,
    "sin": Sine,
}


def expansion(
    name: str | None,
    activation: Functions,
    kinks: Sequence[float],
    scale: float,
    terms: int,
    arrays: Arrays,
) -> Expansion:
    """Coefficients of an activation: closed forms by name, quadrature for all others.

    Args:
        name: `relu`, `abs`, `linear`, `erf` or `sin` for a closed form; None never has one.
        activation: the activation, for quadrature.
        kinks: places where it is not smooth.
        scale: largest standard deviation of an argument, at which the quadrature is probed.
        terms: how many coefficients are wanted, unless all later ones vanish to 12 digits.
        arrays: the library.

    Raises:
        InputError: quadrature does not settle to 12 digits.
    """
    if name is not None and name in CLOSED:
        return CLOSED[name](arrays)
    places = tuple(sorted(kinks))
    count, error = _settled(activation, places, scale, terms)
    return Quadrature(arrays, activation, places, count, error)


@lru_cache(maxsize=256)
def _settled(
    activation: Any, kinks: tuple[float, ...], scale: float, terms: int
) -> tuple[int, float]:
    """Nodes of the shortest quadrature that doubling them no longer changes; the last change."""
    shifts = np.linspace(-4, 4, 17)

    def probe(count: int) -> Floats:
        rule = Quadrature(NumpyArrays(), activation, kinks, count)
        square, found = rule.expand(shifts, np.full_like(shifts, scale))
        return np.array([square, *found])

    coarse = probe(LADDER[0])
    for count, double in itertools.pairwise(LADDER):
        fine = probe(double)
        size = max(1.0, float(np.max(coarse[0])))
        change = float(np.max(np.abs(fine[: PROBED_TERMS + 1] - coarse[: PROBED_TERMS + 1]))) / size
        left = float(np.max(coarse[0] - (coarse[1:] ** 2).sum(0))) / size
        is_long = count // 2 >= terms or left <= TOLERANCE or double == LADDER[-1]
        if change <= TOLERANCE and is_long:
            return count, change
        coarse = fine
    raise InputError(
        "activation",
        show(activation),
        f"its Hermite coefficients change by {change:.1e} between {LADDER[-2]} and {LADDER[-1]} "
        "nodes, so the expectation over the noise is not to be had exactly",
        "name the places where it is not smooth as its kinks",
    )


def _hermite_products(place: Any, weight: Any) -> Iterator[Any]:
    """`weight he_j(place)` for j = 0, 1, ...: the weight first, so that nothing overflows."""
    before, here = 0 * weight, weight
    j = 0
    while True:
        yield here
        before, here = here, (place * here - math.sqrt(j) * before) / math.sqrt(j + 1)
        j += 1

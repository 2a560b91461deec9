"""What the two sides of a claim see: an instance and the claim's free variables, in one system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

import numpy as np

from dsmverify.formulas import posterior, weight
from dsmverify.formulas.setting import Network, Sample
from dsmverify.numbers import N, Numbers

Quantities = Callable[[str], Any]
"""Values that no formula gives (integrals, eigenvalues), looked up by name and cached."""


class Places(Protocol):
    """Where a point lies among training points and weight cuts; any answer gives right values."""

    def nearest(self, y: Any) -> int:
        """Index from 0 of the training point nearest `y / mu`."""
        ...

    def among_weight_cuts(self, y: Any) -> int:
        """How many cuts of the weight's pieces lie left of `y / mu`."""
        ...


@dataclass(frozen=True)
class Case(Generic[N]):
    """One instance in one number system, at one value of a claim's free variables.

    Attributes:
        ns: number system.
        sample: training points and noise level.
        i: index as printed, from 1; 0 where the claim has none.
        k: second index of a point (`i'` on the page), from 1; 0 where the claim has none.
        l: index of a neuron in the order of kinks, from 1; 0 where the claim has none.
        y: free point; on balls possibly wide.
        places: where a point lies, as hints that make values accurate and never change them.
        batch_size: |B|.
        bound: A, the bound on outer weights.
    """

    ns: Numbers[N]
    sample: Sample[N]
    quantities: Quantities
    places: Places
    i: int = 0
    y: N | None = None
    batch_size: int = 1
    k: int = 0
    l: int = 0

    @property
    def n(self) -> int:
        """Sample size."""
        return self.sample.size

    @property
    def mu(self) -> N:
        """Scale mu."""
        return self.sample.mu

    @property
    def sigma(self) -> N:
        """Noise level sigma."""
        return self.sample.sigma

    def x(self, index: int) -> N:
        """Training point `x_index`, counted from 1."""
        return self.sample.points[index - 1]

    @property
    def spacing(self) -> N:
        """Smallest gap Delta."""
        return self._quantity("spacing")

    @property
    def gap_excesses(self) -> N:
        """`x_{i+1} - x_i - Delta` for every gap, exactly 0 where a gap is smallest. `[n - 1]`."""
        return self._quantity("gap_excesses")

    @property
    def point(self) -> N:
        """The free variable y.

        Raises:
            ValueError: the claim has no free point.
        """
        if self.y is None:
            raise ValueError("y: this claim has no free point; give its range one")
        return self.y

    def midpoint(self, index: int) -> N:
        """Midpoint `m_i = mu (x_i + x_{i+1}) / 2`."""
        return self.mu * (self.x(index) + self.x(index + 1)) / 2

    @property
    def network(self) -> Network[N]:
        """The instance's network, in this system."""
        network: Network[N] = self.quantities("network")
        return network

    @property
    def m(self) -> int:
        """Width of the network."""
        return self.network.width

    @property
    def bound(self) -> N:
        """A, the bound on outer weights (given, or C_n / sigma^6)."""
        return self._quantity("bound")

    @property
    def learning_rate(self) -> N:
        """Learning rate eta."""
        return self._quantity("learning_rate")

    def parameter(self, name: str) -> Any:
        """A parameter of the instance: `k` as int, others as numbers of this system."""
        return self.quantities("parameter:" + name)

    def quantity(self, name: str) -> N:
        """A value computed by the engine: an integral, an eigenvalue, a root."""
        return self._quantity(name)

    def posterior_mean(self, y: N) -> N:
        """`E[W(y)]`."""
        return self._at(posterior.posterior_mean, y)

    def posterior_variance(self, y: N) -> N:
        """`V[W(y)]`."""
        return self._at(posterior.posterior_variance, y)

    def posterior_third_moment(self, y: N) -> N:
        """`E[(W(y) - E[W(y)])^3]`."""
        return self._at(posterior.posterior_third_moment, y)

    def posterior_offset(self, y: N, index: int) -> N:
        """`E[W(y)] - x_index` without cancellation, index from 1."""
        return self._at(posterior.posterior_offset, y, index - 1)

    def responsibilities(self, y: N) -> N:
        """`alpha_i(y)` for every i. `[n]`."""
        return self._at(posterior.responsibilities, y)

    def responsibility(self, y: N, index: int) -> N:
        """`alpha_index(y)`, index from 1."""
        return self.responsibilities(y)[index - 1]

    def score(self, y: N) -> N:
        """`s*(y)`."""
        return self._at(posterior.empirical_score, y)

    def score_slope(self, y: N) -> N:
        """`s*'(y)`."""
        return self._at(posterior.empirical_score_slope, y)

    def score_curvature(self, y: N) -> N:
        """`s*''(y)`."""
        return self._at(posterior.empirical_score_curvature, y)

    def weight(self, y: N) -> N:
        """`pi(y)` by its closed form, valid for `mu x_1 <= y <= mu x_n`."""
        pieces = self.quantities("weight_pieces")
        position = np.asarray([self.places.among_weight_cuts(y)])
        value: N = weight.weight(self.ns, _row(y), self.sample, pieces, position)
        return value[0]

    def _at(self, formula: Callable[..., N], y: N, anchor: int | None = None) -> N:
        index = self.places.nearest(y) if anchor is None else anchor
        return formula(self.ns, _row(y), self.sample, np.asarray([index]))[0]

    def _quantity(self, name: str) -> N:
        value: N = self.quantities(name)
        return value


def _row(y: Any) -> Any:
    """A number as an array of one, of its own dtype or of objects."""
    dtype = float if isinstance(y, float) else object
    return np.asarray(y, dtype=dtype).reshape(1)

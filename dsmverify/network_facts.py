"""Certified values of a network that proof steps need beyond its risk, kernel and Hessian.

Facts that take decisions on balls (which kinks lie in an interval, where a network is lowest) or
that enclose what no formula gives (an eigenvector). Everything is an enclosure at the working
precision of the caller. Where balls cannot decide, the enclosure holds both answers; where a value
does not exist it is not finite, and nothing follows from it.

| letter | here | meaning |
|---|---|---|
| v | `kernel_vector`, `kernel_eigenvector` | unit vectors in `R^{2m}`, outer weights, then biases |
| f | | `s_theta(y) + (y - mu x_i)/sigma^2`, the residual of point i |
| xi | | the noise, `Y = xi + mu x_i` |
"""

from __future__ import annotations

import functools
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from flint import arb, arb_mat

from dsmverify.formulas import curvature, translation
from dsmverify.formulas.network import Pieces
from dsmverify.formulas.printed_hessian import printed_kink_term
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance
from dsmverify.spectra import largest_eigenvalue, midpoints
from dsmverify.systems.balls import SYSTEM
from dsmverify.truth import Truth, certainly_below, compare, is_number, sign

WIDEST = 60
"""Up to this width the kernel is a matrix; the top eigenvector of a wider one is not enclosed."""


POLISHINGS = 5
"""Steps of inverse iteration spent on the top eigenvector of the kernel."""


class Values(Protocol):
    """What is known of an instance already (`Facts`)."""

    @property
    def instance(self) -> Instance:
        """The exact instance."""
        ...

    @property
    def sample(self) -> Sample[Any]:
        """Training points and noise level."""
        ...

    @property
    def network(self) -> Network[Any]:
        """The network."""
        ...

    @property
    def pieces(self) -> Pieces[Any]:
        """Linear pieces of the network."""
        ...

    @property
    def spacing(self) -> arb:
        """Smallest gap."""
        ...

    @property
    def bound(self) -> arb:
        """A, the bound on outer weights."""
        ...

    @property
    def curvature_constant(self) -> arb:
        """C_n."""
        ...

    @property
    def tangent_kernel(self) -> Any:
        """E[grad s grad s^T]."""
        ...

    @property
    def ntk_lambda_max(self) -> arb:
        """Largest eigenvalue of the tangent kernel."""
        ...

    def score_value(self, y: arb) -> arb:
        """s_theta(y)."""
        ...

    def network_extrema(self, low: arb, high: arb) -> tuple[arb, arb, arb, arb]:
        """Least and largest value, least and largest slope on an interval."""
        ...


class NetworkFacts:
    """Values of an instance's network, by name, from what `Facts` knows."""

    def __init__(self, known: Values) -> None:
        """Start from the values of one instance at one precision."""
        self.known = known

    @property
    def network(self) -> Network[Any]:
        """The network."""
        return self.known.network

    @property
    def sample(self) -> Sample[Any]:
        """Training points and noise level."""
        return self.known.sample

    # The class of networks.

    @cached_property
    def translated_curvature(self) -> arb:
        """`v^T hess R_n(theta) v`, v = (0, w1)."""
        value: arb = translation.translated_curvature(SYSTEM, self.sample, self.network)
        return value

    @cached_property
    def translated_curvature_by_moments(self) -> arb:
        """The same by moments of the residual."""
        value: arb = translation.translated_curvature_by_moments(SYSTEM, self.sample, self.network)
        return value

    @cached_property
    def squared_slope_mean(self) -> arb:
        """`E[s_theta'(Y)^2]`."""
        value: arb = translation.squared_slope_mean(SYSTEM, self.sample, self.network)
        return value

    @cached_property
    def bound_excess(self) -> arb:
        """`A - C_n/sigma^6`; exactly 0 where the instance leaves A to that choice."""
        data = self.known.instance.network
        if data is None or data.bound is None:
            return arb(0)
        cube = self.sample.sigma * self.sample.sigma * self.sample.sigma
        excess: arb = self.known.bound - self.known.curvature_constant / (cube * cube)
        return excess

    @cached_property
    def steepest_slope(self) -> arb:
        """Lipschitz constant of `s_theta`: the largest `|slope|` of a piece.

        A piece between kinks that balls cannot tell apart may be empty, so it only may count.
        """
        sure, unsure = arb(0), arb(0)
        for slope, is_sure in self._piece_slopes():
            sure, unsure = (
                (sure.max(abs(slope)), unsure) if is_sure else (sure, unsure.max(abs(slope)))
            )
        return sure.union(sure.max(unsure))

    @cached_property
    def steepest_residual(self) -> arb:
        """Lipschitz constant of every residual: the largest `|slope + 1/sigma^2|` of a piece."""
        tilt = 1 / (self.sample.sigma * self.sample.sigma)
        sure, unsure = arb(0), arb(0)
        for slope, is_sure in self._piece_slopes():
            steep = abs(slope + tilt)
            sure, unsure = (sure.max(steep), unsure) if is_sure else (sure, unsure.max(steep))
        return sure.union(sure.max(unsure))

    def _piece_slopes(self) -> list[tuple[arb, bool]]:
        """Slope of each piece, and whether the piece certainly is one."""
        kinks, slopes = self.network.kinks, self.known.pieces.slopes
        last = len(kinks)
        return [
            (slope, place in {0, last} or certainly_below(kinks[place - 1], kinks[place]))
            for place, slope in enumerate(slopes)
        ]

    # Events of the noise.

    def beyond_kinks(self, noise: arb) -> Any:
        """1 where `xi + mu x_i > tau_l`, 0 where not, else their union. `[m, n]`, sorted kinks."""
        return self._events(noise, 1)

    def before_kinks(self, noise: arb) -> Any:
        """1 where `xi + mu x_i < tau_l`, 0 where not, else their union. `[m, n]`, sorted kinks."""
        return self._events(noise, -1)

    def _events(self, noise: arb, direction: int) -> Any:
        noised = self.sample.mu * self.sample.points + noise
        result = np.empty((self.network.width, self.sample.size), dtype=object)
        for neuron, kink in enumerate(self.network.kinks):
            for point, y in enumerate(noised):
                truth = compare(direction * y, ">", direction * kink)
                either = arb(0).union(arb(1))
                known = {Truth.TRUE: arb(1), Truth.FALSE: arb(0)}
                result[neuron, point] = known.get(truth, either)
        return result

    # Eigenvectors of the tangent kernel.

    @cached_property
    def kernel_vector(self) -> Any:
        """An exact vector near the top eigenvector of the tangent kernel, over its norm. `[2m]`."""
        from dsmverify.approximations import leading_kernel_vector

        floats = leading_kernel_vector(self.known.instance)
        vector = np.array([arb(float(entry)) for entry in floats], dtype=object)
        return vector / (vector @ vector).sqrt()

    @cached_property
    def kernel_eigenvector(self) -> Any:
        """Enclosure of the unit top eigenvector of the tangent kernel, one of the two. `[2m]`.

        With `T v = rho v + r` for a unit vector v near it, and all but one eigenvalue below
        `lambda < rho`, the sine of the angle between v and the eigenvector is at most
        `|r|/(rho - lambda)`. The second eigenvalue of T is at most the largest one of
        `T - rho v v^T`. Where that proves nothing (a multiple eigenvalue, say) every entry is
        `[-1, 1]`.
        """
        width = self.network.width
        anything = np.array([arb(0, 1)] * (2 * width), dtype=object)
        if width > WIDEST:
            return anything
        matrix, vector = self.known.tangent_kernel, self._polished_vector()
        level = vector @ (matrix @ vector)
        residual = matrix @ vector - level * vector
        second = largest_eigenvalue(matrix - level * vector[:, None] * vector[None, :])
        gap = level - second
        if sign(gap) <= 0:
            return anything
        sine = arb(((residual @ residual).abs_upper().sqrt() / gap).upper())
        if not certainly_below(sine, arb(1)):
            return anything
        # |v - u| <= sqrt 2 sine for unit vectors at an acute angle.
        radius = arb(2).sqrt() * sine
        return np.array([entry + arb(0, 1) * radius for entry in vector], dtype=object)

    def _polished_vector(self) -> Any:
        """A unit vector nearer the top eigenvector than float64 gets: some steps of iteration.

        Of all steps the one with the smallest residual: with a shift next to an eigenvalue a
        solution can be lost in rounding.
        """
        matrix = midpoints(self.known.tangent_kernel)
        count = len(matrix)
        vector = best = self.kernel_vector
        smallest = arb.pos_inf()
        for _ in range(POLISHINGS):
            middle = midpoints(vector)
            shift = ((middle @ (matrix @ middle)) / (middle @ middle)).mid()
            residual = matrix @ middle - shift * middle
            size = (residual @ residual).abs_upper().sqrt()
            if certainly_below(size, smallest):
                best, smallest = vector, size
            eye = np.array([[arb(int(i == j)) for j in range(count)] for i in range(count)])
            shifted = arb_mat((matrix - shift * eye).tolist())
            try:
                solved = shifted.solve(arb_mat([[entry] for entry in middle]))
            except ZeroDivisionError:
                break  # the shift is an eigenvalue to working precision
            entries = midpoints(np.array([solved[i, 0] for i in range(count)], dtype=object))
            length = (entries @ entries).sqrt()
            if not is_number(length) or sign(length) <= 0:
                break
            vector = entries / length
        return best

    @cached_property
    def kernel_form_maximum(self) -> arb:
        """`max_v v^T T v` over unit vectors, from the products `T v` alone.

        The products with unit vectors, column by column; of wider networks the enclosure of the
        largest eigenvalue, which comes from products too.
        """
        width = self.network.width
        if width > WIDEST:
            return self.known.ntk_lambda_max
        product = curvature.tangent_kernel_product(SYSTEM, self.sample, self.network)
        columns = []
        for place in range(2 * width):
            unit = np.array([arb(int(place == entry)) for entry in range(2 * width)], dtype=object)
            columns.append(product(unit))
        matrix = np.array(columns, dtype=object)
        return largest_eigenvalue((matrix + matrix.T) / 2)

    def kernel_form(self, vector: Any) -> arb:
        """`v^T T v`, by a product in O(m)."""
        value: arb = vector @ self._product(vector)
        return value

    @cached_property
    def _product(self) -> curvature.KernelProduct[Any]:
        return curvature.tangent_kernel_product(SYSTEM, self.sample, self.network)

    @cached_property
    def mean_cross(self) -> Any:
        """`(1/n) sum_i E[f 1_l]`, by neuron. `[m]`."""
        blocks = curvature.residual_curvature(SYSTEM, self.sample, self.network, boundary=False)
        return blocks["outer", "bias"] * self.network.width

    @cached_property
    def kink_diagonal(self) -> Any:
        """Third term of the derived Hessian, its diagonal in the biases, by neuron. `[m]`.

        `(2 w2_l/(m |w1_l|)) (1/n) sum_i f_i(tau_l) p_i(tau_l)`.
        """
        blocks = curvature.residual_curvature(SYSTEM, self.sample, self.network)
        return 2 * blocks["bias", "bias"]

    @cached_property
    def cross_on_top(self) -> arb:
        """`(4/m) sum_l v_l v_{m+l} E[f 1_l]` at the top eigenvector of the kernel.

        Whatever the unit vector is, at most `(2/m) max |E[f 1_l]|` in size.
        """
        m, vector = self.network.width, self.kernel_eigenvector
        value = 4 * (vector[:m] * vector[m:] * self.mean_cross).sum() / m
        return _within(value, 2 * self.mean_cross / m)

    @cached_property
    def kinks_on_top(self) -> arb:
        """`v^T D v` at the top eigenvector of the kernel, D the derived third term."""
        return self._on_top(self.kink_diagonal)

    @cached_property
    def printed_kinks_on_top(self) -> arb:
        """`v^T D v` at the top eigenvector of the kernel, D the third term as printed."""
        return self._on_top(printed_kink_term(SYSTEM, self.sample, self.network))

    def _on_top(self, diagonal: Any) -> arb:
        """A diagonal form in the biases at the top eigenvector, at most its largest entry."""
        biases = self.kernel_eigenvector[self.network.width :]
        return _within((biases * biases * diagonal).sum(), diagonal)

    @cached_property
    def smooth_hessian(self) -> Any:
        """First two terms of the Hessian, the mean of the pointwise one. `[2m, 2m]`."""
        return curvature.hessian(SYSTEM, self.sample, self.network, boundary=False)

    # Residuals near kinks, slopes near training points.

    def residual_floor(self, neuron: int, point: int) -> arb:
        """`min |f(y)|` over `|y - tau_l| <= |f(tau_l)|/(4A)`, f the residual of a point.

        Args:
            neuron: l, in the order of kinks, from 1.
            point: i, from 1.
        """
        variance = self.sample.sigma * self.sample.sigma
        mean = self.sample.mu * self.sample.points[point - 1]
        kinks, values = self.network.kinks, self.known.pieces.values
        kink = kinks[neuron - 1]

        def tilted(y: arb, value: arb) -> arb:
            height: arb = value + (y - mean) / variance
            return height

        reach: arb = abs(tilted(kink, values[neuron - 1])) / (4 * self.known.bound)
        low, high = kink - reach, kink + reach
        sure = [
            tilted(kink, values[neuron - 1]),
            tilted(low, self.known.score_value(low)),
            tilted(high, self.known.score_value(high)),
        ]
        unsure: list[arb] = []
        for place, other in enumerate(kinks):
            if certainly_below(other, low) or certainly_below(high, other):
                continue
            inside = certainly_below(low, other) and certainly_below(other, high)
            (sure if inside else unsure).append(tilted(other, values[place]))
        signs = {sign(value) for value in (*sure, *unsure)}
        least = functools.reduce(lambda a, b: a.min(b), map(abs, sure))
        lowest = functools.reduce(lambda a, b: a.min(b), map(abs, unsure), least)
        if len(signs) == 1 and 0 not in signs:
            return least.union(lowest)
        if {-1, 1} <= {sign(value) for value in sure}:
            return arb(0)  # a continuous function with both signs
        return arb(0).union(lowest)

    def steepest_fall(self, point: int) -> arb:
        """Least slope of `s_theta` on `[mu x_i - mu Delta/2, mu x_i + mu Delta/2]`, i from 1."""
        mean, half = self._place(point)
        return self.known.network_extrema(mean - half, mean + half)[2]

    def steepest_climb(self, point: int) -> arb:
        """Largest slope of `s_theta` on `[b_i, a_{i+1}]`, i from 1; not finite if there is none.

        `b_i` is where `s_theta` is lowest on `[mu x_i, mu x_i + mu Delta/2]`, `a_{i+1}` where it is
        highest on `[mu x_{i+1} - mu Delta/2, mu x_{i+1}]`; they are admissible in prop07.b where
        `s_theta(b_i) < 0 < s_theta(a_{i+1})` is certain.
        """
        mean, half = self._place(point)
        following, _ = self._place(point + 1)
        start = self._extreme_place(mean, mean + half, -1)
        end = self._extreme_place(following - half, following, 1)
        is_admissible = sign(self.known.score_value(start)) < 0 < sign(self.known.score_value(end))
        if not is_admissible:
            return arb.nan()
        return self.known.network_extrema(start, end)[3]

    def _place(self, point: int) -> tuple[arb, arb]:
        mean = self.sample.mu * self.sample.points[point - 1]
        return mean, self.sample.mu * self.known.spacing / 2

    def _extreme_place(self, low: arb, high: arb, direction: int) -> arb:
        """Where `s_theta` is highest (direction 1) or lowest (-1), as far as middles of balls tell.

        Any place with the right sign of `s_theta` will do, so the choice needs no certainty.
        """
        places = [low, high]
        places += [
            kink
            for kink in self.network.kinks
            if certainly_below(low, kink) and certainly_below(kink, high)
        ]
        best = places[0]
        for place in places[1:]:
            here = direction * self.known.score_value(place).mid()
            if certainly_below(direction * self.known.score_value(best).mid(), here):
                best = place
        return best


def _within(value: arb, entries: Any) -> arb:
    """An enclosure, cut to what does not exceed the largest of some entries in size."""
    largest = arb(0)
    for entry in entries:
        largest = largest.max(abs(entry))
    limit = arb(largest.upper())
    cut: arb = value.intersection((-limit).union(limit))
    return cut

"""The random-features pencils in symbols, and the ansatz that solves their Dyson equation.

Free symbols are g, the deltas, S and K at each eigenvalue of the data's covariance: `A = 1/K -
1/(psi_p g)` then, and q_S, q_A in `L0` are whatever A and S have more than lam and the deltas give.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from dsmverify.pencils import random_features as pencils
from dsmverify.pencils.dyson import DysonEquation
from dsmverify.pencils.pencil import Place
from dsmverify.pencils.random_features import labels
from dsmverify.systems import symbolic

a, h, linear, shared, fresh = sympy.symbols("a h M v s", positive=True)
"""`exp(-t)`, h, `mu_1^2`, `v0^2`, `s^2`."""

psi_n, psi_p, ridge = sympy.symbols("psi_n psi_p lambda", positive=True)
g, first, second = sympy.symbols("g delta_1 delta_2", positive=True)
others = sympy.Symbol("k", positive=True)
"""m - 1."""

eigenvalues = sympy.symbols("xi_1 xi_2", positive=True)
weights = sympy.symbols("rho_1 rho_2", positive=True)
K = sympy.symbols("K_1 K_2", positive=True)
"""`K` at each eigenvalue: q_A at (w, w) is what makes A up to `1/K - 1/(psi_p g)`."""

Y, dY = sympy.symbols("y y'", real=True)
"""`(v0^2 psi_p g + a^2 mu_1^2 int xi K)/psi_n`, where E_mem is worked out, and its derivative."""

S = sympy.Symbol("S", positive=True)
"""`S`: q_S at (u, u) is what has to be added to `lam` and the deltas' part to reach it."""

dg, dfirst, dsecond, dS = sympy.symbols("g' delta_1' delta_2' S'", real=True)
dK = sympy.symbols("K_1' K_2'", real=True)
ATOMS = range(2)
ONE = {weights[1]: 1 - weights[0]}
"""Weights of sum 1, where it matters."""


@dataclass(frozen=True)
class Reduced:
    """The scalar system of one pencil, and the ansatz for its G.

    Attributes:
        parameters: of the pencil.
        memory: whether the pencil has the blocks v3, v4.
    """

    parameters: pencils.Parameters
    memory: bool

    @property
    def m(self) -> Any:
        """Number of copies."""
        return self.parameters.copies

    @property
    def infinite(self) -> bool:
        """Whether m is infinite."""
        return self.parameters.exact_noise

    @property
    def several(self) -> bool:
        """Whether there are differences of copies."""
        return not self.infinite and self.m != 1

    @functools.cached_property
    def equation(self) -> DysonEquation:
        """The engine's Dyson equation, with q_S and q_A added to `L0`."""
        chosen = pencils.pencil(symbolic.SYSTEM, self.parameters, self.memory)
        places: dict[Place, Any] = {("u", "u"): S - ridge - self.own_shift}
        for k, w in enumerate(labels(self.parameters, "w")):
            places[w, w] = strength(k) - self.own_strength(k)
        return DysonEquation(chosen.shifted(places))

    @property
    def dbar(self) -> Any:
        """`delta_1/m + (1 - 1/m) delta_2`, 1 for m = inf."""
        if self.infinite:
            return sympy.Integer(1)
        return (first + (self.m - 1) * second) / self.m

    def coefficients(self, k: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """`(P_1, N_1)` and `(P_2, N_2)` at an eigenvalue."""
        share = 0 if self.infinite else 1 / sympy.sympify(self.m)
        own = (a**2 * eigenvalues[k] + h * share) * linear, self.parameters.shared + fresh * share
        return own, (h * linear, fresh)

    @property
    def heavy(self) -> Any:
        """`w_2 delta_2`."""
        return sympy.Integer(1) if self.infinite else (self.m - 1) / self.m * second

    def own_strength(self, k: int) -> Any:
        """`sum_k w_k delta_k P_k` at an eigenvalue."""
        one, two = self.coefficients(k)
        return first * one[0] + self.heavy * two[0]

    @property
    def own_shift(self) -> Any:
        """`sum_k w_k delta_k N_k`."""
        one, two = self.coefficients(0)
        return first * one[1] + self.heavy * two[1]

    def load(self, level: int) -> Any:
        """`int P_k K + N_k psi_p g`."""
        found = [self.coefficients(k)[level - 1] for k in ATOMS]
        return sum(weights[k] * found[k][0] * K[k] for k in ATOMS) + found[0][1] * psi_p * g

    def delta_equation(self, level: int) -> Any:
        """`delta_k (1 + kap_k (int P_k K + N_k psi_p g)) - 1`, which has to be 0."""
        load = 1 / psi_n if level == 1 else 1 / (self.m * psi_n)
        return (first if level == 1 else second) * (1 + load * self.load(level)) - 1

    def green(self, dbar: Any = None) -> dict[Place, Any]:
        """The ansatz: entries of G that are not 0, one of each mirror pair."""
        dbar = self.dbar if dbar is None else dbar
        result: dict[Place, Any] = {("u", "u"): g}
        if self.infinite:
            result["v", "v"] = -first
        else:
            result["v1", "v1"] = -first
        if self.several:
            result["v2", "v2"] = -second
        if self.memory:
            result |= {("v1", "v4"): first * Y, ("v3", "v4"): sympy.Integer(-1)}
            result["v4", "v4"] = Y * (1 - first * Y)
        b = sympy.sqrt(h) * sympy.sqrt(linear) * dbar
        for k in ATOMS:
            ratio = K[k] / (psi_p * g)
            dual, w = (labels(self.parameters, name)[k] for name in ("w^", "w"))
            result |= {(dual, dual): -strength(k) * ratio, (dual, w): -ratio, (w, w): K[k]}
            if not self.infinite:
                e, target = (labels(self.parameters, name)[k] for name in ("e", "e'"))
                result |= {(e, target): sympy.Integer(-1), (dual, target): -b * ratio}
                result |= {(w, target): b * K[k], (target, target): b**2 * K[k] - dbar}
        return result

    def left_over(self) -> dict[Place, Any]:
        """What the ansatz leaves of `(L0 - eta(G)) G - 1`: multiples of the scalar equations."""
        result = {("u", "u"): resolvent_equation()}
        if self.infinite:
            return {**result, ("v", "v"): self.delta_equation(1)}
        result["v1", "v1"] = self.delta_equation(1)
        if self.several:
            result["v2", "v2"] = self.delta_equation(2)
        if self.memory:
            result["v1", "v4"] = -Y * self.delta_equation(1)
        return result

    def matrix(self, entries: Mapping[Place, Any], mirrored: bool = True) -> Any:
        """Entries as a matrix over the blocks. `[blocks, blocks]`, object."""
        count = len(self.equation.names)
        result = np.full((count, count), sympy.Integer(0), dtype=object)
        for (one, two), value in entries.items():
            i, j = self.equation.index[one], self.equation.index[two]
            result[i, j] = value
            if mirrored:
                result[j, i] = value
        return result


def strength(k: int) -> Any:
    """`A` at an eigenvalue, where `K = psi_p g/(1 + A psi_p g)`."""
    return 1 / K[k] - 1 / (psi_p * g)


def resolvent_equation() -> Any:
    """`g (S + int A/(1 + A psi_p g)) - 1`, which has to be 0; the integrand is `A K/(psi_p g)`."""
    return g * (S + sum(weights[k] * strength(k) * K[k] for k in ATOMS) / (psi_p * g)) - 1


def point(m: Any) -> pencils.Parameters:
    """A point of a learning curve in symbols, for a given m."""
    return pencils.Parameters(
        signal=a**2,
        noise=h,
        linear=linear,
        shared=shared,
        fresh=fresh,
        psi_n=psi_n,
        psi_p=psi_p,
        ridge=ridge,
        copies=m,
        atoms=tuple(zip(weights, eigenvalues, strict=True)),
    )

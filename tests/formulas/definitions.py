"""The paper's definitions, written out once more and independently of the package.

Nothing here imports a formula: networks are sums of hinges, risks are integrals. Three arithmetics:
Arb (rigorous integration between kinks), mpmath (40 digits), torch (Gauss-Legendre quadrature that
differentiates through its own cuts, so that second derivatives hold the Dirac terms).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from flint import acb, arb, fmpq
from mpmath import mp

from dsmverify.instance import Instance


def rational(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def mpf(value: Fraction) -> Any:
    return mp.mpf(value.numerator) / value.denominator


def noise(case: Instance) -> tuple[Any, Any]:
    """mu and sigma in mpmath."""
    level = case.noise
    if level.time is not None:
        t = mpf(level.time)
        return mp.exp(-t), mp.sqrt(1 - mp.exp(-2 * t))
    assert level.sigma is not None
    sigma = mpf(level.sigma)
    return (mp.sqrt(1 - sigma**2) if level.mu is None else mpf(level.mu)), sigma


def neurons(case: Instance) -> list[tuple[Fraction, Fraction, Fraction]]:
    net = case.network
    assert net is not None
    return list(zip(net.inner_weights, net.biases, net.outer_weights, strict=True))


def network(case: Instance, y: Fraction) -> Fraction:
    """`(1/m) sum_l w2 max(0, w1 y + b)`, exact."""
    hinges = neurons(case)
    return sum((v * max(Fraction(0), w * y + b) for w, b, v in hinges), Fraction(0)) / len(hinges)


def rational_noise(case: Instance) -> tuple[Fraction, Fraction]:
    mu, sigma = case.noise.mu, case.noise.sigma
    assert mu is not None and sigma is not None
    return mu, sigma


REACH = 40
"""Sigmas beyond means and kinks that integrals cover: the normal tail there is below 1e-349."""


def certified_risk(case: Instance) -> arb:
    """`R_n(theta)` for rational mu, by Arb's integration of the definition piece by piece."""
    mu, sigma = rational_noise(case)
    kinks = sorted({-b / w for w, b, _ in neurons(case)})
    total = arb(0)
    for x in case.points:
        ends = [mu * x - REACH * sigma, mu * x + REACH * sigma]
        cuts = sorted({*ends, mu * x, *(kink for kink in kinks if ends[0] < kink < ends[1])})
        for low, high in pairwise(cuts):
            middle = (low + high) / 2
            active = [(w, b, v) for w, b, v in neurons(case) if w * middle + b > 0]
            slope = sum((v * w for w, _, v in active), Fraction(0)) / len(neurons(case))
            level = sum((v * b for _, b, v in active), Fraction(0)) / len(neurons(case))

            def integrand(
                y: acb, _: bool, slope: Fraction = slope, level: Fraction = level, x: Fraction = x
            ) -> acb:
                offset = (y - rational(mu * x)) / rational(sigma)
                f = rational(slope) * y + rational(level) + offset / rational(sigma)
                return f * f * (-offset * offset / 2).exp()

            value = acb.integral(integrand, acb(rational(low)), acb(rational(high)))
            total += value.real / (rational(sigma) * (2 * arb.pi()).sqrt())
    # What lies beyond: f^2 grows like a square with coefficients below 1e20 in these tests.
    return total / len(case.points) + arb(0, "1e-300")


def pi_minus(case: Instance, u: Any) -> Any:
    """`P(mu U < u)^2 E[u - mu U given mu U < u]` in mpmath, by counting."""
    mu, _ = noise(case)
    below = [u - mu * mpf(x) for x in case.points if mu * mpf(x) < u]
    if not below:
        return mp.zero
    return (mp.mpf(len(below)) / len(case.points)) ** 2 * mp.fsum(below) / len(below)


def pi_plus(case: Instance, u: Any) -> Any:
    """`P(mu U > u)^2 E[mu U - u given mu U > u]` in mpmath, by counting."""
    mu, _ = noise(case)
    above = [mu * mpf(x) - u for x in case.points if mu * mpf(x) > u]
    if not above:
        return mp.zero
    return (mp.mpf(len(above)) / len(case.points)) ** 2 * mp.fsum(above) / len(above)


def smoothed_minimum(case: Instance, y: Any) -> Any:
    """`pi(y)` in mpmath: the minimum of the two functions, smoothed by quadrature."""
    mu, sigma = noise(case)

    def minimum(u: Any) -> Any:
        return min(pi_minus(case, u), pi_plus(case, u))

    means = [mu * mpf(x) for x in case.points]
    cuts = list(means)
    for low, high in pairwise(means):  # both are straight there: a crossing follows from two values
        a, b = low + (high - low) / 4, high - (high - low) / 4
        gap_a = pi_plus(case, a) - pi_minus(case, a)
        gap_b = pi_plus(case, b) - pi_minus(case, b)
        crossing = a + (b - a) * gap_a / (gap_a - gap_b)
        if low < crossing < high:
            cuts.append(crossing)

    def integrand(u: Any) -> Any:
        return minimum(u) * mp.npdf(u, y, sigma)

    total = mp.zero
    for low, high in pairwise(sorted(cuts)):
        parts = int((high - low) / sigma) + 1
        total += mp.quad(integrand, mp.linspace(low, high, parts + 1))
    return total


def log_density(case: Instance, y: Any) -> Any:
    """`log p_{mu,sigma}(y)` in mpmath."""
    mu, sigma = noise(case)
    return mp.log(mp.fsum(mp.npdf(y, mu * mpf(x), sigma) for x in case.points) / len(case.points))


def posterior(case: Instance, y: Any) -> list[Any]:
    """`alpha_i(y)` in mpmath, by Bayes' rule."""
    mu, sigma = noise(case)
    terms = [mp.npdf(y, mu * mpf(x), sigma) for x in case.points]
    return [term / mp.fsum(terms) for term in terms]


class Quadrature:
    """Mean values over Y on the pieces of a network, differentiable in the parameters.

    Nodes and weights follow the kinks: an integral over `[tau_k, tau_{k+1}]` is a smooth function
    of the two kinks, so autograd gives all its derivatives. Which neurons are active on a piece is
    fixed by the order of the kinks, ties in the order of the neurons.
    """

    NODES, REACH = 24, 14.0

    def __init__(self, case: Instance, inner: Any, bias: Any, outer: Any) -> None:
        mu, sigma = (float(value) for value in noise(case))
        means = [mu * float(x) for x in case.points]
        kinks = -bias / inner
        raw = [-b / w for w, b, _ in neurons(case)]
        order = sorted(range(len(raw)), key=raw.__getitem__)
        place = np.argsort(order)
        rises = np.array([w > 0 for w, _, _ in neurons(case)])
        double = torch.float64
        low = torch.tensor(min([*means, *map(float, raw)]) - self.REACH * sigma, dtype=double)
        high = torch.tensor(max([*means, *map(float, raw)]) + self.REACH * sigma, dtype=double)
        ends = [low, *(kinks[k] for k in order), high]
        points, weights = np.polynomial.legendre.leggauss(self.NODES)
        share = torch.from_numpy((points + 1) / 2)
        ys, ws, masks = [], [], []
        for piece, (a, b) in enumerate(pairwise(ends)):
            parts = int(float((b - a).detach()) / sigma) + 1  # panels of at most one sigma
            for part in range(parts):
                ys.append(a + (b - a) * (part + share) / parts)
                ws.append((b - a) * torch.from_numpy(weights / 2) / parts)
                active = torch.from_numpy((place < piece) == rises).double()
                masks.append(active.expand(self.NODES, -1))
        self.y, self.active = torch.cat(ys), torch.cat(masks)
        offset = (self.y[None, :] - torch.tensor(means, dtype=double)[:, None]) / sigma
        density = torch.exp(-offset * offset / 2) / (sigma * (2 * torch.pi) ** 0.5)
        self.weight = torch.cat(ws) * density / len(means)
        self.value = (self.active * (self.y[:, None] * inner + bias)) @ outer / len(raw)
        self.residual = self.value + offset / sigma
        self.inner, self.bias, self.outer = inner, bias, outer

    @property
    def risk(self) -> Any:
        """`R_n(theta)`."""
        return (self.weight * self.residual**2).sum()

    def slopes(self) -> Any:
        """`grad s_theta` at every node: outer weights, biases, inner weights. `[nodes, 3 m]`."""
        m = len(self.outer)
        hinge = self.active * (self.y[:, None] * self.inner + self.bias)
        step = self.active * self.outer
        return torch.cat([hinge, step, self.y[:, None] * step], dim=1) / m

    def tangent_kernel(self) -> Any:
        """`(1/n) sum_i E[grad s grad s^T]`. `[3 m, 3 m]`."""
        slopes = self.slopes()
        return slopes.T @ (self.weight.sum(0)[:, None] * slopes)

    def pointwise_curvature(self) -> Any:
        """`E[f hess s]` without Diracs: outer weights with biases or inner weights. `[3m, 3m]`."""
        m = len(self.outer)
        weight = (self.weight * self.residual).sum(0)
        by_bias = torch.diag((weight[:, None] * self.active).sum(0)) / m
        by_inner = torch.diag((weight[:, None] * self.y[:, None] * self.active).sum(0)) / m
        zero = torch.zeros_like(by_bias)
        return torch.cat(
            [
                torch.cat([zero, by_bias, by_inner], dim=1),
                torch.cat([by_bias, zero, zero], dim=1),
                torch.cat([by_inner, zero, zero], dim=1),
            ]
        )


def torch_parameters(case: Instance) -> Any:
    """Outer weights, biases, inner weights in one tensor. `[3 m]`."""
    outer = [float(v) for _, _, v in neurons(case)]
    bias = [float(b) for _, b, _ in neurons(case)]
    inner = [float(w) for w, _, _ in neurons(case)]
    return torch.tensor([*outer, *bias, *inner], dtype=torch.float64)


def quadrature(case: Instance, parameters: Any) -> Quadrature:
    """The quadrature at parameters in the order of `torch_parameters`."""
    m = len(parameters) // 3
    return Quadrature(case, parameters[2 * m :], parameters[m : 2 * m], parameters[:m])

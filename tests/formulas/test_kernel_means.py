"""Closed forms of squared MMD: against quadrature, enumeration and samples; in five systems."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from dsmverify.certify import precision
from dsmverify.formulas import kernel_means
from dsmverify.formulas.kernel_means import Mixture
from dsmverify.systems import load

SYSTEMS = ("float64", "torch", "mpmath", "arb", "sympy")
H2 = Fraction(9, 4)

P = (
    [Fraction(1, 4), Fraction(3, 4)],
    [[Fraction(-1), Fraction(1, 2)], [Fraction(2), Fraction(0)]],
    [[Fraction(1, 3), Fraction(2)], [Fraction(1, 2), Fraction(1, 5)]],
)
Q = ([Fraction(1)], [[Fraction(1, 3), Fraction(-1, 7)]], [[Fraction(5, 4), Fraction(1, 9)]])
COUNTS = (1, 3)


def law(ns: Any, data: Any, counts: tuple[int, ...] = COUNTS) -> Mixture[Any]:
    weights, means, variances = (ns.constant(part) for part in data)
    return Mixture(weights, means, variances, counts)


def values(name: str) -> list[Any]:
    ns: Any = load(name)
    h2, p, q = ns.constant(H2), law(ns, P), law(ns, Q)
    return [
        kernel_means.kernel_mean(ns, h2, p, q),
        kernel_means.kernel_overlap(ns, h2, p, q, p),
        kernel_means.squared_mmd(ns, h2, p, q),
        kernel_means.biased_excess(ns, h2, p, q, 7),
        kernel_means.estimator_variance(ns, h2, p, q, 7),
    ]


@pytest.mark.parametrize("name", SYSTEMS)
def test_five_systems_agree(name: str) -> None:
    with precision(200):
        balls = values("arb")
        assert all(float(ball.rad()) < 1e-50 for ball in balls)
    for value, ball in zip(values(name), balls, strict=True):
        exact = float(ball.mid())
        if name == "sympy":
            assert float(sympy.N(value, 30)) == pytest.approx(exact, rel=1e-15)
        elif name != "arb":
            # Terms of size 1 at most, fewer than 100 roundings, the variance is about 1e-3.
            assert float(value) == pytest.approx(exact, abs=2e-14)


def test_means_against_quadrature_on_the_line() -> None:
    """Densities and kernels multiplied and integrated over both variables: no closed form."""
    h2, one = Fraction(1, 2), (1,)
    data_p = ([Fraction(1, 3), Fraction(2, 3)], [[Fraction(0)], [Fraction(1)]], [[H2], [H2]])
    data_q = ([Fraction(1)], [[Fraction(1, 2)]], [[Fraction(1, 3)]])
    nodes, mass = np.polynomial.legendre.leggauss(200)
    y, mass = 15 * nodes, 15 * mass
    kernel = np.exp(-((y[:, None] - y[None, :]) ** 2) / (2 * float(h2)))

    def density(data: Any) -> Any:
        return sum(
            float(w)
            * np.exp(-((y - float(m)) ** 2) / (2 * float(v)))
            / np.sqrt(2 * np.pi * float(v))
            for w, (m,), (v,) in zip(*data, strict=True)
        )

    first, second = (mass * density(data) for data in (data_p, data_q))
    ns: Any = load("float64")
    p, q = law(ns, data_p, one), law(ns, data_q, one)
    # 200 nodes on [-15, 15], entire integrands of width 0.5 or more: exact to rounding, and the
    # widest law, N(1, 9/4), has 1e-20 beyond 15.
    mean = kernel_means.kernel_mean(ns, ns.constant(h2), p, q)
    assert float(mean) == pytest.approx(first @ kernel @ second, abs=1e-13)
    overlap = kernel_means.kernel_overlap(ns, ns.constant(h2), q, p, q)
    product = second @ ((kernel @ first) * (kernel @ second))
    assert float(overlap) == pytest.approx(product, abs=1e-13)


def test_variance_by_enumeration() -> None:
    """Point masses: every sample of N + N points, with its probability, and the estimator's own."""
    atoms_p, atoms_q = [Fraction(0), Fraction(1)], [Fraction(1, 2), Fraction(1), Fraction(3)]
    weights_p, weights_q = [Fraction(1, 3), Fraction(2, 3)], [Fraction(1, 2), Fraction(1, 4)]
    weights_q.append(Fraction(1, 4))
    for size in (2, 3):
        total = square = biased = 0.0
        laws = (zip(atoms_p, weights_p, strict=True), zip(atoms_q, weights_q, strict=True))
        first, second = (list(itertools.product(list(pairs), repeat=size)) for pairs in laws)
        for drawn, other in itertools.product(first, second):
            chance = float(np.prod([float(w) for _, w in (*drawn, *other)]))
            x, y = (np.array([float(atom) for atom, _ in side]) for side in (drawn, other))
            kernels = [
                np.exp(-((s[:, None] - t[None, :]) ** 2) / 2) for s, t in ((x, x), (y, y), (x, y))
            ]
            inner = [(k.sum() - size) / (size * (size - 1)) for k in kernels[:2]]
            value = inner[0] + inner[1] - 2 * kernels[2].mean()
            total += chance * value
            square += chance * value**2
            biased += chance * (kernels[0].mean() + kernels[1].mean() - 2 * kernels[2].mean())
        ns: Any = load("float64")
        p, q = (
            law(ns, (weights, [[atom] for atom in atoms], [[Fraction(0)] for _ in atoms]), (1,))
            for weights, atoms in ((weights_p, atoms_p), (weights_q, atoms_q))
        )
        h2 = ns.constant(1)
        mean = kernel_means.squared_mmd(ns, h2, p, q)
        # Sums of at most 3^3 2^3 terms below 1.
        assert float(mean) == pytest.approx(total, abs=1e-13)
        variance = kernel_means.estimator_variance(ns, h2, p, q, size)
        assert float(variance) == pytest.approx(square - total**2, abs=1e-13)
        excess = kernel_means.biased_excess(ns, h2, p, q, size)
        assert float(excess) == pytest.approx(biased - total, abs=1e-13)


def test_an_axis_that_occurs_twice() -> None:
    ns: Any = load("float64")
    once = law(ns, P, (2, 1))
    weights, means, variances = P
    twice = law(
        ns, (weights, [[m[0], *m] for m in means], [[v[0], *v] for v in variances]), (1, 1, 1)
    )
    h2 = ns.constant(H2)
    own = [float(kernel_means.kernel_mean(ns, h2, side, side)) for side in (once, twice)]
    assert own[0] == pytest.approx(own[1], rel=1e-14)
    own = [float(kernel_means.kernel_overlap(ns, h2, side, side, side)) for side in (once, twice)]
    assert own[0] == pytest.approx(own[1], rel=1e-14)


def test_a_thousand_dimensions() -> None:
    """In-cluster kernel values there: `(1 + 2 sigma^2/h^2)^(-d/2)`, for one pair in n."""
    ns: Any = load("float64")
    count, variance = 10, Fraction(1, 50)
    means = [[Fraction(60 * i), Fraction(0)] for i in range(count)]
    data = ([Fraction(1, count)] * count, means, [[variance, variance]] * count)
    found = float(kernel_means.kernel_mean(ns, ns.constant(1), *[law(ns, data, (1, 999))] * 2))
    assert found == pytest.approx((1 + 2 / 50) ** -500 / count, rel=1e-12)

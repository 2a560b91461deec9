"""The minimiser of the loss at finite size, its limit of vanishing ridge, and its residuals.

The loss is a sum over the d rows b of B, `h b (U + lam) b^T + 2 sqrt(h) b v + mean z^2`, with v the
row's column of V; in an orthonormal basis of eigenvectors of U it is a sum over coordinates. So one
coordinate is the whole problem, for every p, d, n and m: u >= 0 an eigenvalue of U, v the
coordinate of a column of V.

Nothing is assumed of the features: they may be the true ones or the Gaussian-equivalent ones.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation

from ._words import identity, matrix, number

u, b, v, t = sympy.symbols("u b v t", real=True)
h, lam = sympy.symbols("h lambda", positive=True)
eigenvalue = sympy.Symbol("u", positive=True)
c, y, z = sympy.symbols("c y z", real=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    add_minimum(chain)
    add_limit(chain)
    add_training_error(chain)
    add_left_out(chain)
    return chain.derivation(
        __name__,
        "The minimiser of the loss at finite size",
        "random-features.md, section 1",
        "every p, d, n, m (m = inf: averages over the noise), every features, every h, lam > 0",
        remark=(
            "F - lam dF/dlam = E_train is exact at finite size; the expression by squares of "
            "delta is exact for each sample of m = 1, with a delta_i of its own, and otherwise "
            "belongs to the limit."
        ),
    )


def add_minimum(chain: Chain) -> None:
    """Normal equations by completing the square."""
    best = -v / (sympy.sqrt(h) * (eigenvalue + lam))
    chain.step(
        "L(B) = (1/d) sum over rows b of [h b (U + lam) b^T + 2 sqrt(h) b v + mean z^2], U = <phi "
        "phi^T>, V = <phi z^T>; the ridge term (h lam/(d p)) |A|^2 is (h lam/d) |B|^2, B = "
        "A/sqrt(p)."
    )
    chain.step("In the eigenbasis of U, one coordinate: h (u + lam) b^2 + 2 sqrt(h) b v.")
    loss = h * (eigenvalue + lam) * b**2 + 2 * sympy.sqrt(h) * b * v
    square = h * (eigenvalue + lam) * (b - best) ** 2
    chain.identity(
        "Completing the square",
        loss,
        square - v**2 / (eigenvalue + lam),
    )
    chain.at_most(
        "so it is least at b = -v/(sqrt(h) (u + lam)), and there only",
        -(v**2) / (eigenvalue + lam),
        loss,
        square,
    )
    chain.step(
        "u = 0 needs v = 0: by Cauchy-Schwarz v^2 <= u <z^2>. Then the coordinate costs h lam b^2, "
        "least at 0, which the formula says too. Hence B = -(1/sqrt(h)) V^T (U + lam)^-1 and F = "
        "(1/d) (<|z|^2> - tr V^T (U + lam)^-1 V)."
    )


def add_limit(chain: Chain) -> None:
    """The limit lam -> 0+."""
    gap = sympy.sqrt(h) * lam / (eigenvalue + lam)
    chain.step(
        "lam -> 0+: where u > 0 the coordinate tends to -v/(sqrt(h) u), where u = 0 it is 0. The "
        "minimisers of the loss without ridge have the first and are free in the second, so this "
        "is the one of least norm. The distance is"
    )
    chain.identity(
        "-v/(sqrt(h) (u + lam)) + v/(sqrt(h) u)",
        -v / (sympy.sqrt(h) * (eigenvalue + lam)) + v / (sympy.sqrt(h) * eigenvalue),
        v / (h * eigenvalue) * gap,
    )


def add_training_error(chain: Chain) -> None:
    """`E_train = F - lam dF/dlam`."""
    best = -v / (sympy.sqrt(h) * (eigenvalue + lam))
    minimum = -(v**2) / (eigenvalue + lam)
    chain.step(
        "E_train is F without the ridge term; lam dF/dlam is the ridge term at the minimiser:"
    )
    chain.identity(
        "lam d/dlam of -v^2/(u + lam) = h lam b^2",
        lam * sympy.Derivative(minimum, lam),
        h * lam * best**2,
    )
    chain.identity(
        "and along U -> U + q, dF/dq = h b^2: T_X = (h/d) tr B X B^T",
        sympy.Derivative(-(v**2) / (eigenvalue + t + lam), t),
        h * (v / (sympy.sqrt(h) * (eigenvalue + t + lam))) ** 2,
    )
    R, V, X = (matrix(name) for name in "RVX")
    chain.step("For matrices, with R = (U + lam)^-1, B = -(1/sqrt(h)) V^T R and dR = -R X R:")
    minimiser = V.T * R * (-1 / sympy.sqrt(h))
    change = V.T * (R * X * R * -1) * V * -1
    symmetric = minimiser.T.renamed({"R^T": "R"})
    identity(chain, "d(-V^T R V) = h B X B^T", change, minimiser * X * symmetric * h)


def add_left_out(chain: Chain) -> None:
    """One sample left out, m = 1."""
    chain.step(
        "m = 1, one sample (phi, z) left out: Q = U_- + lam without it (U_-, V_- divided by n "
        "still), y = Q^-1 phi/n, c = phi^T y, delta = 1/(1 + c). U + lam = Q + phi phi^T/n."
    )
    Q, phi, P = matrix("Q"), matrix("phi"), matrix("P")
    n = sympy.Symbol("n", positive=True)
    # P stands for Q^-1, and c for the number phi^T P phi/n.
    rank_one = P - P * phi * phi.T * P * (1 / (n * (1 + c)))
    product = (Q + phi * phi.T * (1 / n)) * rank_one
    rules: dict[tuple[str, ...], dict[tuple[str, ...], Any]] = {
        ("Q", "P"): {(): sympy.Integer(1)},
        ("phi^T", "P", "phi"): {(): n * c},
    }
    for left, right in rules.items():
        product = product.with_rule(left, right)
    identity(
        chain, "(Q + phi phi^T/n) (Q^-1 - Q^-1 phi phi^T Q^-1/(n (1 + c))) = 1", product, number(1)
    )
    chain.step(
        "Its residual: sqrt(h) B phi + z = z - V^T (U + lam)^-1 phi, V = V_- + phi z^T/n, and "
        "(U + lam)^-1 phi = n delta y. With w a coordinate of V_-^T Q^-1 phi:"
    )
    w = sympy.Symbol("w", real=True)
    chain.identity(
        "the residual is delta times that of the minimiser without the sample",
        z - (w + c * z) / (1 + c),
        (z - w) / (1 + c),
    )
    chain.step(
        "So E_train = (1/(n d)) sum_i delta_i^2 |residual without i|^2 exactly. That delta_i tends "
        "to one number and the mean to h E_test + a^2 is the limit's business."
    )

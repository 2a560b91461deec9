"""Expectation of the mini-batch loss, in its two readings.

B is a random subset of {1..n} of fixed size k, all points alike, drawn independently of the noise.
Then `P(i in B)` is one number P for every i, and `n P = E|B| = k`. With `r_i` the risk of point i
and `R_n = (1/n) sum_i r_i`: `E sum_{i in B} l_i(Y_i) = sum_i P(i in B) r_i = k R_n`. So the sum
over the batch, which is what the page prints, has mean `|B| R_n`; divided by |B| it is unbiased.
Draws with replacement: each of the k draws has mean `R_n`, with the same result.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    n, k = sympy.symbols("n k", integer=True, positive=True)
    total = sympy.Symbol("S", real=True)
    chain.step("Let r_i be the expected loss of point i; R_n = S/n with S = r_1 + ... + r_n.")
    chain.step("P(i in B) = P for every i, and E|B| = sum_i P(i in B) = n P = k.")
    share = k / n
    chain.identity("so P = k/n", n * share, k)
    chain.step("The noise is independent of B, so E[1(i in B) l_i(Y_i)] = P(i in B) r_i.")
    chain.identity(
        "Reading `sum`: the mean of the mini-batch loss is |B| R_n", share * total, k * (total / n)
    )
    chain.identity("Reading `mean`: divided by |B|, it is R_n", share * total / k, total / n)
    chain.step("With replacement each draw is uniform, of mean R_n; k draws have the mean k R_n.")
    chain.step("Gradients: the same, where differentiation and expectation may be exchanged.")
    return chain.derivation(
        __name__,
        "Expectation of the mini-batch loss",
        "p. 5",
        "every n, every fixed batch size k, without replacement (k <= n) or with, every theta",
        proves=("unbiased@mean", "unbiased.r1"),
        remark=(
            "the printed sum over the batch has expectation |B| R_n, so it is unbiased for |B| = 1 "
            "only (or where R_n = 0)."
        ),
    )

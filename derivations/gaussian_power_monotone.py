"""Monotonicity of `x^k exp(-A x^2/2)`.

`f' = x^(k-1) (k - A x^2) exp(-A x^2/2)`, and `k - A x^2 = A (r - x)(r + x)` with `r = sqrt(k/A)`.
For x > 0 every factor but `r - x` is positive. The domain is A > 0: for A <= 0 the point r does not
exist.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    x, scale = sympy.symbols("x A", positive=True)
    k = sympy.Symbol("k", integer=True, positive=True)
    f = x**k * sympy.exp(-scale * x**2 / 2)
    chain.step("Let A > 0 and k a positive integer; f_k(x) is", f)
    slope = x ** (k - 1) * (k - scale * x**2) * sympy.exp(-scale * x**2 / 2)
    chain.identity("Its derivative", sympy.Derivative(f, x), slope)
    root = sympy.sqrt(k) / sympy.sqrt(scale)
    chain.identity(
        "The factor that changes sign", k - scale * x**2, scale * (root - x) * (root + x)
    )
    chain.step(
        "For x > 0 the factors x^(k-1), A, sqrt(k/A) + x and the exponential are positive, so f_k' "
        "> 0 exactly for 0 < x < sqrt(k/A) and f_k' < 0 exactly for x > sqrt(k/A)."
    )
    chain.step(
        "A function with positive (negative) derivative on an interval is strictly increasing "
        "(decreasing) there."
    )
    return chain.derivation(
        __name__,
        "Monotonicity of a power times a Gaussian",
        "lemma 13, p. 35",
        "every positive integer k and every real A > 0 (the page does not say A > 0)",
        proves=("lem13",),
    )

"""Kernels `Kap(c) = E rho(g) rho(g')` of activations in closed form, and the moments read off them.

g, g' are standard normal of correlation c. Mehler's formula gives `Kap(c) = sum_k c_k^2 c^k`, so
`mu_0^2 = Kap(0)`, `mu_1^2 = Kap'(0)`, and with `c = a^2`, `1 - c = h`

    v0^2 = Kap(c) - Kap(0) - c Kap'(0),   s^2 = Kap(1) - Kap(c) - h Kap'(0)

The joint density obeys `d/dc = d^2/dx dy` (Plackett), so that by parts `Kap' = E rho'(g) rho'(g')`.
Each kernel is found from the differential equation that this gives, and its value and slope at
c = 0. Angles enter through tangents of their halves, in which everything but the arctangent is
rational: `c = 2 w/(1 + w^2)` is `sin(2 arctan w)`, `c = (1 - u^2)/(1 + u^2)` is `cos(2 arctan u)`.
"""

from __future__ import annotations

from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.formulas import activations
from dsmverify.systems.symbolic import Symbolic

x, y = sympy.symbols("x y", real=True)
u, w, e = sympy.symbols("u w e", positive=True)
a, cosine = sympy.symbols("a c_m", positive=True)

SINE = 2 * w / (1 + w**2)
COSINE_OF_SINE = (1 - w**2) / (1 + w**2)
COSINE = (1 - u**2) / (1 + u**2)
SINE_OF_COSINE = 2 * u / (1 + u**2)


class Tidy(Symbolic):
    """Expressions whose roots and arctangents are of factored arguments."""

    def root(self, value: Any, degree: int) -> Any:
        """Root of a perfect square."""
        return sympy.root(sympy.factor(value), degree)

    @staticmethod
    def arctan_defect(value: Any) -> Any:
        """`value - arctan(value)`."""
        value = sympy.factor(value)
        return value - sympy.atan(value)


def joint_density() -> Any:
    """Density of (g, g') at (x, y), for `c = 2 w/(1 + w^2)`."""
    square = COSINE_OF_SINE**2
    exponent = -(x**2 - 2 * SINE * x * y + y**2) / (2 * square)
    return sympy.exp(exponent) / (2 * sympy.pi * COSINE_OF_SINE)


def absolute_kernel(sine: Any, root: Any, arc: Any) -> Any:
    """`(2/pi) (sqrt(1 - c^2) + c arcsin c)`."""
    return 2 * (root + sine * arc) / sympy.pi


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    slope = sympy.diff(SINE, w)
    chain.identity("sin^2 + cos^2 = 1", SINE**2 + COSINE_OF_SINE**2, 1)
    chain.identity("dc/dw is cos times the slope of 2 arctan w", slope, COSINE_OF_SINE * _arc(w))
    density = joint_density()
    chain.identity(
        "Plackett: the joint density has d/dc = d^2/dx dy; times dc/dw",
        sympy.Derivative(density, w),
        slope * sympy.Derivative(density, x, y),
        show=False,
    )
    chain.step(
        "So d/dc E f(g) k(g') = E f'(g) k'(g') for functions of at most exponential growth that "
        "are integrals of their derivatives: by parts, boundary terms vanish. Once and twice, "
        "Kap' = E rho'(g) rho'(g') and, where rho' jumps, Kap'' has the density at the jump."
    )
    _absolute(chain)
    _erf(chain)
    _sine(chain)
    return chain.derivation(
        __name__,
        "Kernels and moments of activations",
        "random-features.md, section 2",
        "|x|, ReLU, erf, sine and the linear function; every a in (0, 1), h = 1 - a^2",
    )


def _arc(tangent: Any) -> Any:
    """Slope of `2 arctan` at a tangent."""
    return 2 / (1 + tangent**2)


def _absolute(chain: Chain) -> None:
    slope = sympy.diff(SINE, w)
    kernel = absolute_kernel(SINE, COSINE_OF_SINE, 2 * sympy.atan(w))
    first = 2 * 2 * sympy.atan(w) / sympy.pi
    chain.step("|x|: rho' = sign jumps by 2 at 0, so Kap'' = 4 times the density at (0, 0).")
    chain.identity("Kap' = (2/pi) arcsin c", sympy.Derivative(kernel, w), first * slope)
    chain.identity(
        "Kap'' = 4 density(0, 0)",
        sympy.Derivative(first, w),
        4 * joint_density().subs({x: 0, y: 0}) * slope,
    )
    bell = sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
    chain.identity("E|g| = 2 phi(0), as x phi = -phi'", sympy.Derivative(bell, x), -x * bell)
    chain.identity("Kap(0) = (E|g|)^2", kernel.subs(w, 0), (2 * bell.subs(x, 0)) ** 2)
    chain.identity("Kap'(0) = (E sign(g))^2 = 0", first.subs(w, 0), 0)
    other = absolute_kernel(COSINE, SINE_OF_COSINE, sympy.pi / 2 - 2 * sympy.atan(u))
    chain.identity(
        "The same kernel with arcsin c = pi/2 - arccos c",
        sympy.Derivative(other, u),
        2 * (sympy.pi / 2 - 2 * sympy.atan(u)) / sympy.pi * sympy.diff(COSINE, u),
    )
    chain.identity("whose value at c = 1, u = 0, is E g^2 = 1", other.subs(u, 0), 1)
    pairs, halves = [], []
    for name, share, linear in (("abs", 1, 0), ("relu", sympy.Rational(1, 4), 1)):
        # w = 1/(1 + e) < 1 keeps every root positive.
        place = 1 / (1 + e)
        value = kernel.subs(w, place)
        found = moments(name, sympy.factor(SINE.subs(w, place)))
        pairs.append((found.shared, share * (value - 2 / sympy.pi)))
        found = moments(name, COSINE)
        pairs.append((found.fresh, share * (1 - other)))
        pairs.append((found.nonlinear, share * (1 - 2 / sympy.pi)))
        halves.append((found.mean**2, share * 2 / sympy.pi))
        halves.append((found.linear, sympy.Rational(linear, 4)))
    chain.step("ReLU is (x + |x|)/2, an odd part and an even one: mu_1^2 = 1/4, and |x|'s by 4.")
    chain.engine("moments of |x| and ReLU: v0^2, s^2, mu_*^2", pairs)
    chain.engine("moments of |x| and ReLU: mu_0^2, mu_1^2", halves)


def _erf(chain: Chain) -> None:
    chain.step(
        "erf: rho' = (2/sqrt(pi)) exp(-x^2), and Kap' is a Gaussian integral over the plane."
    )
    c = sympy.Symbol("c", real=True)
    gram = sympy.Matrix([[1, c], [c, 1]])
    chain.identity(
        "1/sqrt(det(1 + 2 Sigma)), Sigma the covariance: the determinant",
        (sympy.eye(2) + 2 * gram).det(),
        9 - 4 * c**2,
    )
    # z = 2 c/3 = 2 w/(1 + w^2), so 9 - 4 c^2 = 9 (1 - z^2).
    sine = sympy.Rational(3, 2) * SINE
    chain.identity("with 2 c/3 = 2 w/(1 + w^2)", 9 - 4 * sine**2, (3 * COSINE_OF_SINE) ** 2)
    kernel = 2 * 2 * sympy.atan(w) / sympy.pi
    chain.identity(
        "Kap = (2/pi) arcsin(2 c/3): Kap' = (4/pi)/sqrt(9 - 4 c^2)",
        sympy.Derivative(kernel, w),
        4 / sympy.pi / (3 * COSINE_OF_SINE) * sympy.diff(sine, w),
    )
    chain.step("Kap(0) = 0, as erf is odd; Kap'(0) = mu_1^2 = 4/(3 pi).")
    place = 1 / (1 + e)
    argument = SINE.subs(w, place)
    excess = activations.arcsine_excess(Tidy(), sympy.factor(argument))
    chain.engine(
        "v0^2 and mu_*^2 of erf: arcsin z - z, with z = 2 c/3 and 2/3",
        [(excess, 2 * sympy.atan(place) - argument)],
    )
    chain.engine("mu_1^2 of erf", [(moments("erf", COSINE).linear, 4 / (3 * sympy.pi))])
    chain.step(
        "s^2 = (2/pi) (alpha - beta - 2 h/3), alpha and beta the arcsines of 2/3 and 2 c/3. With "
        "m = (alpha + beta)/2 and alpha - beta = 2 arctan k: 2 h/3 = sin alpha - sin beta = "
        "2 cos m sin(arctan k)."
    )
    sine_of_half, cosine_of_half = 2 * w / (1 + w**2), COSINE_OF_SINE
    k, h = sine_of_half / cosine_of_half, 3 * cosine * sine_of_half
    chain.identity(
        "s^2 pi/4 = arctan k - h/3, less (arctan k - k) on both sides, with c_m = cos m",
        k * (1 - cosine**2 + h**2 / 9) / (1 + cosine_of_half * cosine),
        k - h / 3,
    )


def _sine(chain: Chain) -> None:
    c = a**2
    kernel = (sympy.exp(c - 1) - sympy.exp(-c - 1)) / 2
    chain.step("sine: rho'' = -rho, so Kap'' = Kap; Kap(0) = 0 and Kap'(0) = (E cos g)^2 = 1/e.")
    free = sympy.Symbol("c", real=True)
    closed = (sympy.exp(free - 1) - sympy.exp(-free - 1)) / 2
    chain.identity("Kap = sinh(c)/e: Kap''", sympy.Derivative(closed, (free, 2)), closed)
    chain.identity("Kap(0)", closed.subs(free, 0), 0)
    chain.identity("Kap'(0)", sympy.diff(closed, free).subs(free, 0), sympy.exp(-1))
    found = activations.moments(Symbolic(), "sin", a, 1 - c)
    top = (1 - sympy.exp(-2)) / 2
    chain.engine(
        "moments of sine: v0^2, s^2, mu_1^2",
        [
            (found.shared, kernel - c * sympy.exp(-1)),
            (found.fresh, top - kernel - (1 - c) * sympy.exp(-1)),
            (found.linear, sympy.exp(-1)),
        ],
    )


def moments(name: str, correlation: Any) -> activations.Moments[Any]:
    """The engine's moments on symbols, at `a^2 = correlation`."""
    h = sympy.factor(1 - correlation)
    return activations.moments(Tidy(), name, sympy.sqrt(correlation), h)

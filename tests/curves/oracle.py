"""Learning curves by plain iteration in mpmath, from the equations as printed.

Shares nothing with the package: the fixed point by repetition, slopes by difference quotients at
many digits, moments by quadrature of the kernel.
"""

from __future__ import annotations

import math
from typing import Any

from mpmath import MPContext

DIGITS = 90
"""So many that difference quotients with step 10^-30 keep over 40."""

COEFFICIENTS = 80
"""Of tanh; at time 0.7 the terms fall by 4 and more, to 10^-50."""


class Oracle:
    """One point, all of it in mpmath numbers of its own context.

    Args:
        activation: "relu" or "tanh".
        psi_n, psi_p, time, ridge: exact text.
        copies: m.
        atoms: eigenvalue and weight pairs, as text.
        digits: working digits.
    """

    def __init__(
        self,
        activation: str,
        psi_n: str,
        psi_p: str,
        time: str,
        ridge: str,
        copies: float,
        atoms: tuple[tuple[str, str], ...] = (("1", "1"),),
        digits: int = DIGITS,
    ) -> None:
        mp = self.mp = MPContext()
        mp.dps = digits
        self.psi_n, self.psi_p, self.lam = (self.exact(x) for x in (psi_n, psi_p, ridge))
        self.part = mp.mpf(0) if copies == math.inf else mp.mpf(1) / int(copies)
        self.a2 = mp.exp(-2 * self.exact(time))
        self.h = 1 - self.a2
        self.mu, nonlinear, self.v02 = self.moments(activation)
        self.s2 = nonlinear - self.v02
        self.atoms = [(self.exact(x), self.exact(w)) for x, w in atoms]

    def exact(self, text: str) -> Any:
        """Number that a text stands for."""
        top, _, bottom = text.partition("/")
        return self.mp.mpf(top) / self.mp.mpf(bottom or "1")

    def moments(self, activation: str) -> tuple[Any, Any, Any]:
        """`mu_1^2, mu_*^2, v0^2`."""
        mp, c = self.mp, self.a2
        if activation == "relu":

            def kernel(x: Any) -> Any:
                return (mp.sqrt(1 - x * x) + x * (mp.pi - mp.acos(x))) / (2 * mp.pi)

            mean2, linear = 1 / (2 * mp.pi), mp.mpf(1) / 4
            return linear, kernel(mp.mpf(1)) - mean2 - linear, kernel(c) - mean2 - c * linear
        # tanh: the kernel as a double integral would be slow; Hermite coefficients by the
        # trapezoidal rule, which converges like exp(-pi^2/step) on the line.
        step, reach = mp.mpf(1) / 16, 15
        places = [k * step for k in range(-reach * 16, reach * 16 + 1)]
        weights = [mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi) * step for x in places]
        values = [mp.tanh(x) * w for x, w in zip(places, weights, strict=True)]
        square = mp.fsum(v * mp.tanh(x) for x, v in zip(places, values, strict=True))
        before, here, squares = [mp.mpf(1)] * len(places), list(places), []
        for k in range(1, COEFFICIENTS):
            total = mp.fsum(v * e for v, e in zip(values, here, strict=True))
            squares.append(total * total / mp.factorial(k))
            before, here = (
                here,
                [x * e - k * b for x, e, b in zip(places, here, before, strict=True)],
            )
        shared = mp.fsum(q * c**k for k, q in enumerate(squares[1:], start=2))
        return squares[0], square - squares[0], shared

    def fixed_point(
        self, q_a: Any = 0, q_s: Any = 0, start: Any = None
    ) -> tuple[Any, Any, Any, Any]:
        """delta_1, delta_2, int K and psi_p g; q_a is a function of xi."""
        mp = self.mp
        shift_a = q_a if callable(q_a) else lambda x: q_a
        d1, d2 = start or (mp.mpf(1), mp.mpf(1))
        mu, h, part = self.mu, self.h, self.part
        for _ in range(200_000):
            strength = [
                (d1 * (self.a2 * x + h * part) + (1 - part) * d2 * h) * mu + shift_a(x)
                for x, _ in self.atoms
            ]
            shift = self.lam + d1 * (self.v02 + self.s2 * part) + (1 - part) * d2 * self.s2 + q_s
            big_h = self.root(strength, shift)
            kernel = [big_h / (1 + value * big_h) for value in strength]
            plain = mp.fsum(w * k for (_, w), k in zip(self.atoms, kernel, strict=True))
            tilted = mp.fsum(w * x * k for (x, w), k in zip(self.atoms, kernel, strict=True))
            one = (self.a2 * tilted + h * part * plain) * mu + (self.v02 + self.s2 * part) * big_h
            two = part * (h * mu * plain + self.s2 * big_h)
            n1, n2 = 1 / (1 + one / self.psi_n), 1 / (1 + two / self.psi_n)
            change = abs(n1 - d1) / n1 + abs(n2 - d2) / n2
            d1, d2 = n1, n2
            self.tilted = tilted
            if change < mp.mpf(10) ** (4 - mp.dps):
                return d1, d2, plain, big_h
        raise AssertionError("plain iteration did not settle")

    def root(self, strength: list[Any], shift: Any) -> Any:
        """`psi_p g`: of the quadratic with one atom, else by bisection and Newton."""
        mp = self.mp
        if len(strength) == 1:
            a = strength[0]
            b = shift + a * (1 - self.psi_p)
            g = (mp.sqrt(b * b + 4 * shift * a * self.psi_p) - b) / (2 * shift * a * self.psi_p)
            return self.psi_p * g

        def left(x: Any) -> Any:
            parts = (
                w * a * x / (1 + a * x) for (_, w), a in zip(self.atoms, strength, strict=True)
            )
            return shift * x + mp.fsum(parts) - self.psi_p

        return mp.findroot(
            left, (mp.mpf(0), self.psi_p / shift), solver="anderson", tol=10 ** -(2 * mp.dps - 20)
        )

    def minimum(self, q_a: Any = 0, q_s: Any = 0, start: Any = None) -> Any:
        """F at a perturbed point."""
        d1, d2, plain, _ = self.fixed_point(q_a, q_s, start)
        dbar = d1 * self.part + (1 - self.part) * d2
        return dbar * (1 - self.h * self.mu * dbar * plain)

    def observables(self) -> dict[str, Any]:
        """Everything, by the printed formulas."""
        mp, part = self.mp, self.part
        d1, d2, plain, big_h = self.fixed_point()
        tilted, start = self.tilted, (d1, d2)
        dbar = d1 * part + (1 - part) * d2
        k0 = self.h * self.mu * dbar * plain
        step = mp.mpf(10) ** -(mp.dps // 3)

        def slope(strength: Any, shift: Any) -> Any:
            high = self.minimum(lambda x: step * strength(x), step * shift, start)
            low = self.minimum(lambda x: -step * strength(x), -step * shift, start)
            return (high - low) / (2 * step)

        t_c = slope(lambda x: self.a2 * self.mu * x, self.v02)
        t_n = slope(lambda x: self.h * self.mu, self.s2)
        t_i = slope(lambda x: mp.mpf(0), mp.mpf(1))
        inverse = mp.fsum(w / (self.a2 * x + self.h) for x, w in self.atoms)
        y = d1 * (self.a2 * self.mu * tilted + self.v02 * big_h) / self.psi_n
        error = 1 - 2 * k0 + t_n
        test = inverse - 2 * k0 / self.h + (t_c + t_n) / self.h
        return {
            "test_error": test,
            "train_error": dbar * (1 - k0) - self.lam * t_i,
            "train_error_again": d1**2 * (part * error + t_c) + (1 - part) * d2**2 * error,
            "memorisation_error": error + (1 - y) ** 2 * t_c + y**2 * part * error,
            "new_data_loss": 1 - self.h * inverse + self.h * test,
            "degrees_of_freedom": self.psi_p - self.lam * big_h,
        }

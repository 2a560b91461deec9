"""The quantities of the reference table from their definitions, in mpmath.

Nothing here imports the package: an input is the parsed JSON of a row. Sums are sums, integrals are
quadrature on panels or means of normal pieces, derivatives are differences with steps of 10^-60.
Digits are raised until two results agree, so nothing depends on a stable form.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from mpmath import mp

ENOUGH = 45
"""Digits to which two precisions must agree before a value counts."""

REACH = 16
"""Sigmas beyond means and kinks that quadrature covers: the normal tail there is below 1e-56."""


def mpf(text: Any) -> Any:
    exact = text if isinstance(text, Fraction) else Fraction(text)
    return mp.mpf(exact.numerator) / exact.denominator


class Direct:
    """One input at the present precision of mpmath."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.x = [mpf(text) for text in given["x"]]
        self.n = len(self.x)
        if "time" in given:
            time = mpf(given["time"])
            self.mu, self.sigma = mp.exp(-time), mp.sqrt(1 - mp.exp(-2 * time))
        else:
            self.sigma = mpf(given["sigma"])
            self.mu = mpf(given["mu"]) if "mu" in given else mp.sqrt(1 - self.sigma**2)
        self.at = [mpf(text) for text in given.get("at", [])]
        self.means = [self.mu * x for x in self.x]
        self.gap = min(b - a for a, b in pairwise(self.x))
        net = given.get("network")
        self.stated_bound = mpf(net["bound"]) if net and "bound" in net else None
        if net:
            self.inner, self.bias, self.outer = (
                [mpf(text) for text in net[key]]
                for key in ("inner_weights", "biases", "outer_weights")
            )

    # The posterior.

    def shares(self, y: Any) -> list[Any]:
        terms = [mp.exp(-((y - mean) ** 2) / (2 * self.sigma**2)) for mean in self.means]
        return [term / mp.fsum(terms) for term in terms]

    def density(self, y: Any) -> Any:
        return mp.fsum(mp.npdf(y, mean, self.sigma) for mean in self.means) / self.n

    def posterior_mean(self, y: Any) -> Any:
        return mp.fsum(a * x for a, x in zip(self.shares(y), self.x, strict=True))

    def central(self, y: Any, power: int) -> Any:
        shares = self.shares(y)
        mean = mp.fsum(a * x for a, x in zip(shares, self.x, strict=True))
        return mp.fsum(a * (x - mean) ** power for a, x in zip(shares, self.x, strict=True))

    def posterior_variance(self, y: Any) -> Any:
        return self.central(y, 2)

    def posterior_third_moment(self, y: Any) -> Any:
        return self.central(y, 3)

    def empirical_score(self, y: Any) -> Any:
        return (self.mu * self.posterior_mean(y) - y) / self.sigma**2

    def empirical_score_slope(self, y: Any) -> Any:
        return (self.mu**2 * self.central(y, 2) / self.sigma**2 - 1) / self.sigma**2

    def empirical_score_curvature(self, y: Any) -> Any:
        return (self.mu / self.sigma**2) ** 3 * self.central(y, 3)

    # The weight.

    def minimum_pieces(self) -> list[tuple[Any, Any, Any, Any]]:
        """Ends, value at the left end and slope of min(pi^-, pi^+) where it is straight."""

        def both(u: Any) -> tuple[Any, Any]:
            below = [u - mean for mean in self.means if mean < u]
            above = [mean - u for mean in self.means if mean > u]
            left, right = (
                mp.fsum(side) * len(side) / mp.mpf(self.n) ** 2 for side in (below, above)
            )
            return left, right

        found = []
        for low, high in pairwise(self.means):
            a, b = low + (high - low) / 4, high - (high - low) / 4
            (left_a, right_a), (left_b, right_b) = both(a), both(b)
            gap_a, gap_b = right_a - left_a, right_b - left_b
            crossing = a + (b - a) * gap_a / (gap_a - gap_b)
            ends = [low, crossing, high] if low < crossing < high else [low, high]
            for start, end in pairwise(ends):
                p, q = start + (end - start) / 3, end - (end - start) / 3
                slope = (min(both(q)) - min(both(p))) / (q - p)
                found.append((start, end, min(both(p)) - slope * (p - start), slope))
        return found

    def weight(self, y: Any) -> Any:
        if not self.means[0] <= y <= self.means[-1]:
            return mp.zero
        total = mp.zero
        for low, high, value, slope in self.minimum_pieces():
            mass, first, _ = moments((low - y) / self.sigma, (high - y) / self.sigma)
            total += (value + slope * (y - low)) * mass + slope * self.sigma * first
        return total

    def weight_by_quadrature(self, y: Any) -> Any:
        total = mp.zero
        for low, high, value, slope in self.minimum_pieces():

            def integrand(u: Any, low: Any = low, value: Any = value, slope: Any = slope) -> Any:
                return (value + slope * (u - low)) * mp.npdf(u, y, self.sigma)

            total += self.panels(integrand, [low, high], self.sigma)
        return total

    # Constants.

    def constant(self) -> Any:
        spread = self.x[-1] - self.x[0]
        bracket = self.mu**2 * (max(self.x[-1], 0) + max(-self.x[0], 0))
        bracket += 2 * (self.n - 1) / self.gap
        return max(mp.one, 8 * self.mu**2 * spread**3 * bracket)

    def bound(self) -> Any:
        stated = self.stated_bound
        return self.constant() / self.sigma**6 if stated is None else stated

    def learning_rate_threshold(self) -> Any:
        return 2**12 * self.sigma**2 / (self.mu * self.n**2 * self.gap)

    def excess_risk_bound(self) -> Any:
        top = mp.pi * self.n**5 * self.mu**3 * self.gap**3
        return top / (2**36 * mp.sqrt(mp.e) * self.bound() ** 4 * self.sigma**4)

    def sigma_0(self) -> Any:
        size = mp.mpf(self.n)
        easy = min(
            self.mu * self.gap / 8, 1 / size, self.mu * size ** mp.mpf("2.5") * self.gap / 1024
        )
        spread, constant = self.x[-1] - self.x[0], self.constant()

        def room(sigma: Any) -> Any:
            """Log of the right side over the left side of the condition on sigma_2."""
            right = mp.log(mp.pi * size**5 * self.mu / (2**38 * mp.sqrt(mp.e) * spread**2))
            right += 4 * mp.log(sigma**6 / constant)
            return right + (self.mu * self.gap / sigma) ** 2 / 32

        turning = self.mu * self.gap / mp.sqrt(384)
        if room(turning) >= 0 or (turning > 1 and room(mp.one) >= 0):
            return min(easy, mp.one)
        low, high = turning, min(turning, mp.one)
        while room(low) < 0:
            low /= 2
        while high - low > high * mp.mpf(10) ** (-mp.dps + 8):
            middle = (low + high) / 2
            low, high = (middle, high) if room(middle) >= 0 else (low, middle)
        return min(easy, low)

    # Networks.

    def network(self, y: Any, bias: Any = None, outer: Any = None) -> Any:
        bias, outer = bias or self.bias, outer or self.outer
        terms = zip(self.inner, bias, outer, strict=True)
        return mp.fsum(v * max(mp.zero, w * y + b) for w, b, v in terms) / len(self.inner)

    def risk_at(self, parameters: list[Any]) -> Any:
        """The risk at outer weights, then biases: means of squares of straight pieces."""
        m = len(self.inner)
        outer, bias = parameters[:m], parameters[m:]
        kinks = sorted(-b / w for w, b in zip(self.inner, bias, strict=True))
        total = mp.zero
        for mean in self.means:
            cuts = [-mp.inf, *((kink - mean) / self.sigma for kink in kinks), mp.inf]
            for low, high in pairwise(cuts):
                if low == high:
                    continue
                z = high - 1 if low == -mp.inf else low + 1 if high == mp.inf else (low + high) / 2
                at = mean + self.sigma * z
                rising = slope = mp.zero
                for w, b, v in zip(self.inner, bias, outer, strict=True):
                    if w * at + b > 0:
                        rising += v * b / m
                        slope += v * w / m
                level = rising + slope * mean  # f = level + tilt z
                tilt = slope * self.sigma + 1 / self.sigma
                mass, first, second = moments(low, high)
                total += level**2 * mass + 2 * level * tilt * first + tilt**2 * second
        return total / self.n

    @property
    def parameters(self) -> list[Any]:
        return [*self.outer, *self.bias]

    def risk(self) -> Any:
        return self.risk_at(self.parameters)

    def risk_by_quadrature(self) -> Any:
        kinks = [-b / w for w, b in zip(self.inner, self.bias, strict=True)]
        total = mp.zero
        for mean in self.means:

            def integrand(y: Any, mean: Any = mean) -> Any:
                f = self.network(y) + (y - mean) / self.sigma**2
                return f * f * mp.npdf(y, mean, self.sigma)

            ends = (mean - REACH * self.sigma, mean + REACH * self.sigma)
            cuts = sorted({*ends, *(kink for kink in kinks if ends[0] < kink < ends[1])})
            total += self.panels(integrand, cuts, self.sigma)
        return total / self.n

    def gradient(self) -> list[Any]:
        step = mp.mpf(10) ** (-mp.dps // 3)
        found = []
        for k in range(2 * len(self.inner)):
            ends = []
            for side in (1, -1):
                moved = self.parameters
                moved[k] += side * step
                ends.append(self.risk_at(moved))
            found.append((ends[0] - ends[1]) / (2 * step))
        return found

    def hessian(self) -> list[list[Any]]:
        step = mp.mpf(10) ** (-mp.dps // 4)
        size = 2 * len(self.inner)
        matrix = [[mp.zero] * size for _ in range(size)]
        for j in range(size):
            for k in range(j + 1):
                total = mp.zero
                for a in (1, -1):
                    for b in (1, -1):
                        moved = self.parameters
                        moved[j] += a * step
                        moved[k] += b * step
                        total += a * b * self.risk_at(moved)
                matrix[j][k] = matrix[k][j] = total / (4 * step**2)
        return matrix

    def kernel(self) -> list[list[Any]]:
        """(1/n) sum_i E[grad s grad s^T], entry by entry: a product of two straight pieces."""
        m = len(self.inner)
        straight = [(w / m, b / m) for w, b in zip(self.inner, self.bias, strict=True)]
        straight += [(mp.zero, v / m) for v in self.outer]
        kinks = [-b / w for w, b in zip(self.inner, self.bias, strict=True)]

        def entry(j: int, k: int) -> Any:
            low, high = -mp.inf, mp.inf
            for neuron in (j % m, k % m):
                if self.inner[neuron] > 0:
                    low = max(low, kinks[neuron])
                else:
                    high = min(high, kinks[neuron])
            if low >= high:
                return mp.zero
            (s, r), (u, v) = straight[j], straight[k]
            total = mp.zero
            for mean in self.means:
                mass, first, second = moments((low - mean) / self.sigma, (high - mean) / self.sigma)
                p, q = r + s * mean, v + u * mean
                total += p * q * mass + (p * u + q * s) * self.sigma * first
                total += s * u * self.sigma**2 * second
            return total / self.n

        return [[entry(j, k) for k in range(2 * m)] for j in range(2 * m)]

    def hessian_lambda_max(self) -> Any:
        return max(eigenvalues(self.hessian()))

    def hessian_lambda_min(self) -> Any:
        return min(eigenvalues(self.hessian()))

    def ntk_lambda_max(self) -> Any:
        return max(eigenvalues(self.kernel()))

    def tv_network(self) -> Any:
        jumps: dict[Any, Any] = {}
        for w, b, v in zip(self.inner, self.bias, self.outer, strict=True):
            jumps[-b / w] = jumps.get(-b / w, mp.zero) + abs(w) * v / len(self.inner)
        return mp.fsum(abs(jump) * self.weight(kink) for kink, jump in jumps.items())

    # Integrals of the empirical score.

    @property
    def width(self) -> Any:
        """Length on which the posterior changes."""
        widest = max(b - a for a, b in pairwise(self.means))
        return min(self.sigma, self.sigma**2 / widest)

    def line(self, kinks: Any = ()) -> list[Any]:
        low = self.means[0] - REACH * self.sigma
        high = self.means[-1] + REACH * self.sigma
        return sorted({low, high, *(kink for kink in kinks if low < kink < high)})

    def risk_empirical_score(self) -> Any:
        scale = (self.mu / self.sigma**2) ** 2
        return self.panels(
            lambda y: scale * self.density(y) * self.central(y, 2), self.line(), self.width
        )

    def excess_risk(self) -> Any:
        kinks = [-b / w for w, b in zip(self.inner, self.bias, strict=True)]
        return self.panels(
            lambda y: self.density(y) * (self.network(y) - self.empirical_score(y)) ** 2,
            self.line(kinks),
            self.width,
        )

    def tv_empirical_score(self) -> Any:
        low, high = self.means[0], self.means[-1]
        count = int(8 * (high - low) / self.width) + 8
        grid = [low + (high - low) * (k + mp.mpf("0.37")) / count for k in range(count)]
        cuts = {low, high}
        for a, b in pairwise(grid):
            ends = self.central(a, 3), self.central(b, 3)
            if ends[0] * ends[1] < 0:
                cuts.add(
                    mp.findroot(
                        lambda y: self.central(y, 3), (a, b), solver="anderson", verify=False
                    )
                )
        ordered = sorted(cuts)
        return mp.fsum(
            abs(
                self.panels(
                    lambda y: self.empirical_score_curvature(y) * self.weight(y), [a, b], self.width
                )
            )
            for a, b in pairwise(ordered)
        )

    def panels(self, integrand: Callable[[Any], Any], cuts: list[Any], width: Any) -> Any:
        total = mp.zero
        for low, high in pairwise(cuts):
            parts = int((high - low) / width) + 1
            total += mp.quad(integrand, mp.linspace(low, high, parts + 1), method="gauss-legendre")
        return total


def moments(low: Any, high: Any) -> tuple[Any, Any, Any]:
    """`E[Z^k ; low < Z < high]`, k = 0, 1, 2, Z standard normal."""
    # Above 0 the upper tail keeps the digits.
    ends = (-high, -low) if low > 0 else (low, high)
    mass = mp.ncdf(ends[1]) - mp.ncdf(ends[0])
    at = [mp.zero if mp.isinf(z) else mp.npdf(z) for z in (low, high)]
    reach = [mp.zero if mp.isinf(z) else z * mp.npdf(z) for z in (low, high)]
    return mass, at[0] - at[1], mass + reach[0] - reach[1]


def eigenvalues(rows: list[list[Any]]) -> list[Any]:
    return list(mp.eigsy(mp.matrix(rows), eigvals_only=True))


AT_POINTS = (
    "density", "posterior_mean", "posterior_variance", "posterior_third_moment", "empirical_score",
    "empirical_score_slope", "empirical_score_curvature", "weight", "network",
)  # fmt: skip
NAMES = {"C_n": "constant"}
INTEGRALS = ("risk_empirical_score", "excess_risk", "tv_empirical_score")


def values(quantity: str, given: dict[str, Any], digits: int) -> list[Any]:
    """Entries of a quantity in the order of the rows, at one precision."""
    with mp.workdps(digits):
        direct = Direct(given)
        method = getattr(direct, NAMES.get(quantity, quantity))
        if quantity in AT_POINTS:
            return [method(y) for y in direct.at]
        found = method()
        if quantity == "hessian":
            return [entry for row in found for entry in row]
        return list(found) if isinstance(found, list) else [found]


def settled(quantity: str, given: dict[str, Any]) -> list[Any]:
    """Entries that two precisions agree on to `ENOUGH` digits."""
    # At tied kinks a difference of step h is off by about h, which is 10^(-digits/4).
    levels: tuple[int, ...] = (160, 320, 1280, 5120, 20480)
    if quantity in INTEGRALS:
        levels = (60,)
    elif quantity.startswith("hessian"):
        levels = (240, 300, 480, 1280)
    before: list[Any] | None = None
    for digits in levels:
        now = values(quantity, given, digits)
        if len(levels) == 1 or (before is not None and _agree(before, now)):
            return now
        before = now
    raise AssertionError(f"{quantity}: no {ENOUGH} digits at {levels[-1]}")


def _agree(before: list[Any], now: list[Any]) -> bool:
    with mp.workdps(80):
        largest = max(abs(value) for value in now)
        return all(
            abs(a - b) <= mp.mpf(10) ** -ENOUGH * max(abs(b), mp.mpf(10) ** -ENOUGH * largest)
            for a, b in zip(before, now, strict=True)
        )

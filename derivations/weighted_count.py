"""Proposition 7 from four points on: every second index, each with the weight that it has.

The printed proof keeps the indices between n/4 and 3n/4, gives each the weight of the worst,
`n^3/128`, and counts n/8 of them; that needs n >= 10 and loses a factor that the constants then
lack. Here index i keeps its own weight. The slope of the network is below `-gamma` at one place of
`J_i = [mu x_i - mu Delta/2, mu x_{i+1}]` and above 0 at another, and on J_i both products under the
minimum of pi are large: at its left end i - 1 points are at least Delta/2, 3 Delta/2, .. to the
left, at its right end n - i - 1 points at least Delta, 2 Delta, .. to the right. So pi is at least
`(mu Delta/n^2) (1/2 - exp(-kappa^2/2)) h_i` on J_i, `h_i = min((i-1)^3, (n-i)^2 (n-i-1))/2`, and
`J_i`, `J_{i+2}` are disjoint. The h_i of one parity sum to about n^4/128.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

half = sympy.Rational(1, 2)
mu, sigma, spacing = sympy.symbols("mu sigma Delta", positive=True)
more, other = sympy.symbols("k q", nonnegative=True)
count = sympy.Symbol("i", positive=True)

GAP = 1 - 1 / (2 * sympy.sqrt(2))
"""Slope that is passed through, times `sigma^2`."""

PRINTED = half - sympy.exp(-32)
"""What the mean over the noise leaves of the weight, at `kappa >= 8`."""

FIRST = {4: 2, 5: 3, 6: 3}
"""For n = 4, 5, 6 one index whose h_i is enough for the constant 2^11."""

NEXT = {5: 3, 6: 3, 7: 4, 8: 4, 9: 5}
"""For n = 5 to 9 one index whose h_i is enough for the constant 2^10."""


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 4, Delta >= 8 sigma/mu, R_n(theta) <= 1/(16 n sigma^2), gamma = 1/sigma^2 - "
        "sqrt(2 n R_n/sigma^2) >= (1 - 1/(2 sqrt 2))/sigma^2 (prop07.h), delta = mu Delta/2."
    )
    add_places(chain)
    add_weight(chain)
    add_variation(chain)
    add_sum(chain)
    add_small_sizes(chain)
    add_large_sizes(chain)
    return chain.derivation(
        __name__,
        "Weighted variation of a network of small risk, n >= 4",
        "proposition 7, pp. 10 and 29-30",
        "every n >= 4 (2^11) and every n >= 5 (2^10), every m, every sample with Delta >= 8 "
        "sigma/mu, every network with R_n(theta) <= 1/(16 n sigma^2); for pi and for the noised "
        "weight min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+])",
        proves=("prop07.r1", "prop07.r2", "prop07.r3"),
        proves_steps=("prop07.e.r1", "prop07.f.r1", "prop07.g.r1"),
        remark=(
            "at n = 2 and n = 3 no index has a positive h_i, and proposition 7 is false there. "
            "From n = 5 on the constant may be 2^10; for large n the argument gives 1/396."
        ),
    )


def add_places(chain: Chain) -> None:
    """Where the slope is low and where it is high."""
    chain.step(
        "By prop07.b and .c (derivation network_slopes), for i <= n - 1 there are c_i, inside a "
        "piece of positive slope and in [mu x_i, mu x_{i+1}], and y_i, inside a piece of slope <= "
        "-gamma and in [mu x_i - delta, mu x_i + delta]. Both lie in J_i = [mu x_i - delta, mu "
        "x_{i+1}], in whichever order."
    )
    gap = sympy.Symbol("f", nonnegative=True)
    chain.at_most(
        "J_i ends before J_{i+2} begins: x_{i+2} - x_{i+1} = Delta + f, less Delta/2, is at least",
        spacing / 2,
        (spacing + gap) - spacing / 2,
    )


def add_weight(chain: Chain) -> None:
    """The weight on `J_i`."""
    n = sympy.Symbol("n", positive=True)
    chain.step(
        "Let 2 <= i <= n - 1, so that J_i lies in [mu x_1, mu x_n], and u inside J_i. x_1, .., "
        "x_{i-1} have mu x_j < u, by at least mu Delta (i - j - 1/2); x_{i+1}, .., x_n have mu "
        "x_j > u, and x_j - x_{i+1} >= (j - i - 1) Delta. Sums over j, by induction:"
    )
    chain.identity(
        "1/2 + 3/2 + ... + (k - 1/2) = k^2/2, from k to k + 1",
        count**2 / 2 + (count + half),
        (count + 1) ** 2 / 2,
    )
    chain.identity(
        "0 + 1 + ... + (k - 1) = k (k - 1)/2, from k to k + 1",
        count * (count - 1) / 2 + count,
        (count + 1) * count / 2,
    )
    rest = sympy.Symbol("r", positive=True)
    chain.identity(
        "With k = i - 1, pi^-(u) = P(mu U < u) E[(u - mu U)_+] is at least",
        count / n * (mu * spacing * count**2 / (2 * n)),
        mu * spacing / n**2 * count**3 / 2,
    )
    chain.identity(
        "With r = n - i, pi^+(u) is at least",
        rest / n * (mu * spacing * rest * (rest - 1) / (2 * n)),
        mu * spacing / n**2 * rest**2 * (rest - 1) / 2,
    )
    chain.step(
        "so min(pi^+, pi^-) >= (mu Delta/n^2) h_i inside J_i. J_i is at least mu Delta long; for "
        "y in J_i, y - xi falls into it with probability at least P(0 < sigma z < mu Delta) >= "
        "1/2 - exp(-kappa^2/2) (as in prop09.d, derivation weight_bounds, whose interval may be "
        "any), and 1/2 - exp(-kappa^2/2) >= 1/2 - exp(-32). With the slopes below this is "
        "prop07.f.r1."
    )
    chain.step(
        "The noised weight, Y = mu U + sigma z: for y in J_i, P(Y < y) >= (i - 1)/(2 n), as mu "
        "x_j < y for j < i, and E[(y - Y)_+] >= E[(y - mu U)_+] by Jensen's inequality; on the "
        "other side P(Y > y) >= (n - i)/(2 n), as mu x_j >= y for j > i. So it is at least (mu "
        "Delta/n^2) (1/2) h_i, and 1/2 >= 1/2 - exp(-32)."
    )


def add_variation(chain: Chain) -> None:
    """From the weights to the variation."""
    fall, rise, over = sympy.symbols("g e p", nonnegative=True)
    chain.at_most(
        "s_theta'(c_i) = e > 0, s_theta'(y_i) = -(g + p), gamma = g: gamma is at most the "
        "difference, which is the sum of the masses of s_theta'' between y_i and c_i up to sign",
        fall,
        rise + fall + over,
    )
    chain.step(
        "For all i of one parity the J_i are disjoint, so TV(s_theta) >= sum_i min_{J_i} pi "
        "|int_{y_i}^{c_i} s_theta''| >= gamma sum_i min_{J_i} pi (prop07.e.r1), and with S the "
        "sum of the h_i over the better parity, TV(s_theta) >= (mu Delta/(n^2 sigma^2)) (1/2 - "
        "exp(-32)) (1 - 1/(2 sqrt 2)) S. To show (prop07.g.r1): (1/2 - exp(-32)) (1 - 1/(2 sqrt "
        "2)) S >= n^4/2^11 for n >= 4, and n^4/2^10 for n >= 5."
    )


def add_sum(chain: Chain) -> None:
    """`S >= ((n-1)(n-3))^2/128`."""
    p = sympy.Symbol("p", positive=True)
    size = sympy.Symbol("N", positive=True)
    chain.at_most(
        "With k = i - 1, N = n - 2, N - k = q: (n - i)^2 (n - i - 1) = (q + 1)^2 q is at least",
        other**3,
        (other + 1) ** 2 * other,
    )
    chain.step("so h_i >= min(k, N - k)^3/2. Sums of cubes, by induction:")
    chain.identity(
        "1 + 8 + ... + p^3 = p^2 (p + 1)^2/4, from p to p + 1",
        p**2 * (p + 1) ** 2 / 4 + (p + 1) ** 3,
        (p + 1) ** 2 * (p + 2) ** 2 / 4,
    )
    chain.at_most(
        "N = 2 p, p = 1 + k: the sum of min(k, N - k)^3 is 2 (p - 1)^2 p^2/4 + p^3, at least (N^2 "
        "- 1)^2/32",
        ((2 * (1 + more)) ** 2 - 1) ** 2 / 32,
        2 * more**2 * (1 + more) ** 2 / 4 + (1 + more) ** 3,
    )
    chain.identity(
        "N = 2 p + 1: it is 2 p^2 (p + 1)^2/4, equal to (N^2 - 1)^2/32",
        2 * p**2 * (p + 1) ** 2 / 4,
        ((2 * p + 1) ** 2 - 1) ** 2 / 32,
    )
    chain.identity("N^2 - 1, N = n - 2", (size - 2) ** 2 - 1, (size - 1) * (size - 3))
    chain.step(
        "so the h_i, i = 2..n-1, sum to at least ((n-1)(n-3))^2/64, and the better parity has S >= "
        "((n-1)(n-3))^2/128."
    )


def add_small_sizes(chain: Chain) -> None:
    """The smallest n, one by one."""
    for exponent, table in ((11, FIRST), (10, NEXT)):
        for n, index in table.items():
            left, right = (index - 1) ** 3, (n - index) ** 2 * (n - index - 1)
            chain.at_most(
                f"n = {n}: the index i = {index} alone, h_i = min({left}, {right})/2, is enough "
                f"for 2^{exponent}",
                sympy.Rational(n**4, 2**exponent),
                PRINTED * GAP * sympy.Rational(min(left, right), 2),
            )


def add_large_sizes(chain: Chain) -> None:
    """All other n."""
    for exponent, start, ratio in (
        (11, 7, sympy.Rational(4, 9)),
        (10, 10, sympy.Rational(63, 100)),
    ):
        n = start + more
        chain.at_most(
            f"n = {start} + k: (n - 1)(n - 3) is at least {ratio} n^2",
            ratio * n**2,
            (n - 1) * (n - 3),
        )
        chain.at_most(
            f"and ({ratio})^2/128 is enough for 2^{exponent}",
            sympy.Rational(1, 2**exponent),
            PRINTED * GAP * ratio**2 / 128,
        )

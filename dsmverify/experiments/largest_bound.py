"""The largest value that theorem 8's bound takes anywhere in its own regime.

The bound is `B = pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)` with `A >= C_n/sigma^6`, and the
theorem speaks for `sigma <= sigma_0 = min(sigma_1, .., sigma_4)`. How large can it be, over all
samples of n points, all mu and sigma in (0, 1)? The yardstick is `1/sigma^2`, what the zero score's
risk exceeds; `B sigma^2` has no units.

| letter | here | meaning |
|---|---|---|
| u | | mu Delta |
| kappa | | u / sigma |
| K_n | `least_ratio` | the least kappa that the regime allows |
| S_n | `relative` | upper bound of B sigma^2 |

1. `B` falls with A, so A = C_n/sigma^6. With `L >= (n-1) Delta` and `(x_n)_+ - (x_1)_- >= L`,
   `C_n >= 8 mu^4 L^4 >= 8 (n-1)^4 u^4`.
2. So `B sigma^2 <= pi n^5 u^-13 sigma^22/(2^48 e^(1/2) (n-1)^16)`.
3. `sigma <= sigma_1` and `sigma <= sigma_4` say `kappa >= 8` and `kappa >= 2^10 n^(-5/2)`.
4. `sigma <= sigma_2` says `e^(kappa^2/32) >= 2^38 e^(1/2) L^2 C_n^4/(pi n^5 mu sigma^24)`. With 1,
   `L^2/mu >= (n-1)^2 u^2`, `u = kappa sigma` and `sigma <= sigma_3 = 1/n` the right side is at
   least `2^50 e^(1/2) n (n-1)^18 kappa^18/pi`. So `h(kappa) = kappa^2/32 - 18 ln kappa >= c_n =
   ln(2^50 e^(1/2) n (n-1)^18/pi)`. h falls up to `sqrt 288` and rises afterwards; on
   `[8, sqrt 288]` it is at most h(8) < 0 < c_n, so kappa is at least the larger root kappa_n of
   `h = c_n`.
5. With `u >= K_n sigma`, `K_n = max(8, 2^10 n^(-5/2), kappa_n)`, and `sigma <= 1/n`:
   `B sigma^2 <= S_n = pi/(2^48 e^(1/2) n^4 (n-1)^16 K_n^13)` and `B <= n^2 S_n`.
6. c_n grows with n, so kappa_n does. From n = 4 on `2^10 n^(-5/2) <= 32 < kappa_n`: there S_n and
   `n^2 S_n` fall with n, and the sizes n = 2, 3, 4 tell the supremum over all.

The bounds are nearly attained: steps 1, 4 and 5 lose nothing as mu -> 1 at equispaced points with
0 among the outermost, except the term `2 (n-1)/Delta` of C_n, a factor `(1 + 2/u^2)^4`. `attained`
evaluates the theorem's own formulas there, with balls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import arb

from dsmverify.certify import precision
from dsmverify.errors import InputError, show
from dsmverify.exact import lower_decimal, upper_decimal
from dsmverify.facts import Facts
from dsmverify.formulas import constants
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import Truth, certainly_below, compare

BITS = 192
"""Working precision: the numbers are powers of ten near -45, known to fifty digits."""

DIGITS = 6

MU = 1 - Fraction(1, 10**6)
"""Signal factor of the examples: the supremum is reached as it tends to 1."""

MARGINS = 12
"""Margins tried for an example, each twice the one before."""

SIZES = (2, 3, 4)
"""Sample sizes that tell the supremum over all; see step 6."""


@dataclass(frozen=True)
class Ceiling:
    """The bound's largest value for one sample size.

    Attributes:
        size: n.
        least_ratio: lower end of an enclosure of K_n, decimal.
        relative: upper end of an enclosure of S_n, decimal: B sigma^2 is nowhere above it.
        absolute: the same of B itself.
        example: a sample and noise level inside the regime.
        attained: lower end of an enclosure of B sigma^2 at the example, decimal.
        attained_absolute: the same of B.
    """

    size: int
    least_ratio: str
    relative: str
    absolute: str
    example: Instance
    attained: str
    attained_absolute: str


def ceiling(size: int) -> Ceiling:
    """The largest value of theorem 8's bound for samples of n points, from above and below.

    Args:
        size: n, at least 2.

    Returns:
        Decimals rounded outward. Result: enclosures.

    Source: thm08, p. 10; own derivation, see the module's docstring.

    Raises:
        InputError: fewer than 2 points.
    """
    if size < 2:
        raise InputError("size", show(size), "a sample has at least 2 points", "give 2 or more")
    with precision(BITS):
        ratio = least_ratio(size)
        above = _ceiling(size, ratio)
        example = _example(size, ratio)
        below = bound_over_yardstick(example)
        variance = ball(example.noise.sigma) ** 2  # type: ignore[arg-type]
        return Ceiling(
            size,
            lower_decimal(ratio, DIGITS),
            upper_decimal(above, DIGITS),
            upper_decimal(above * size * size, DIGITS),
            example,
            lower_decimal(below, DIGITS),
            lower_decimal(below / variance, DIGITS),
        )


def ceilings() -> tuple[Ceiling, ...]:
    """The sizes that decide: the largest of them is the supremum's bound over all samples."""
    return tuple(ceiling(size) for size in SIZES)


def least_ratio(size: int) -> arb:
    """A lower bound of K_n, certified, at the working precision of the caller.

    Args:
        size: n, at least 2.

    Returns:
        The larger root kappa_n to about ten digits, from below, or what sigma_1 and sigma_4 ask
        for where that is more.
    """
    limit = _limit(size)
    # Newton in floats from the right, where h is convex and rising; then a step back, certified.
    root, goal = 200.0, float(limit.mid())
    for _ in range(60):
        root -= (root * root / 32 - 18 * math.log(root) - goal) / (root / 16 - 18 / root)
    below = ball(Fraction(root * (1 - 1e-10)))
    is_right = certainly_below(arb(288).sqrt(), below)
    if not (is_right and certainly_below(below * below / 32 - 18 * below.log(), limit)):
        raise ArithmeticError(f"the root at n = {size} was not bracketed")
    by_risk = arb(1024) / (arb(size).sqrt() * size * size)
    return below.max(arb(8)).max(by_risk)


def bound_over_yardstick(instance: Instance) -> arb:
    """`B sigma^2` at a sample inside the regime, at the working precision of the caller.

    Raises:
        InputError: sigma is not certified to be at most sigma_0.
    """
    facts = Facts(replace(instance, network=None), Accuracy(30))
    sample = facts.sample
    for name in ("sigma_1", "sigma_2", "sigma_3", "sigma_4"):
        if compare(sample.sigma, "<=", getattr(facts, name)) is not Truth.TRUE:
            raise InputError(
                "instance",
                instance.name,
                f"sigma is not certified to be at most {name}",
                "choose a smaller sigma",
            )
    bound = constants.default_bound(SYSTEM, sample, facts.spacing)
    value: arb = constants.excess_risk_bound(SYSTEM, sample, facts.spacing, bound)
    scaled: arb = value * sample.sigma * sample.sigma
    return scaled


def _limit(size: int) -> arb:
    """c_n."""
    return (arb(2) ** 50 * size * arb(size - 1) ** 18 / arb.pi()).log() + arb(1) / 2


def _ceiling(size: int, ratio: arb) -> arb:
    """S_n for a lower bound of K_n."""
    half = (arb(1) / 2).exp()
    scale = arb(2) ** 48 * half * arb(size) ** 4 * arb(size - 1) ** 16
    return arb.pi() / (scale * ratio**13)


def _example(size: int, ratio: arb) -> Instance:
    """Equispaced points from 0 with mu Delta just above K_n/n, and sigma just below 1/n.

    C_n's smaller term asks for a little more than kappa_n; the least of a few margins that is
    certified to lie in the regime is taken.
    """
    sigma = Fraction(1, size) * (1 - Fraction(1, 10**6))
    for doubling in range(MARGINS):
        reach = Fraction(float(ratio.mid())) / size * (1 + Fraction(2**doubling, 10**4))
        spacing = (reach / MU).limit_denominator(10**9)
        points = tuple(spacing * place for place in range(size))
        example = Instance(f"n = {size}, near the supremum", points, NoiseLevel(sigma=sigma, mu=MU))
        facts = Facts(example, Accuracy(30))
        if compare(facts.sample.sigma, "<=", facts.sigma_0) is Truth.TRUE:
            return example
    raise ArithmeticError(f"no example for n = {size}")

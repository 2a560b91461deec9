"""A sequential test of means: is `E X` what it should be? Error rates are proved, not asymptotic.

| letter | here | meaning |
|---|---|---|
| X | a draw | one value of a stochastic estimator, one component of it |
| k | `components` | number of components |
| K | `kurtosis` | assumed bound on `E (X - E X)^4 / (Var X)^2` |
| v | `variance` | upper bound on Var X |
| d | `apart` | distance of `E X` from what is expected that has to be found |
| b | `block` | draws behind one block mean Z |
| M | `BLOCKS` | block means of a whole test |
| w | | v/b, bound on Var Z |
| L, C | `threshold`, `effort` | `log(4 k/false_alarm)`, and that plus `log 1/miss` |

**What is assumed.** Draws are independent and of one law. The kurtosis of a component is at most K,
or its variance is at most `quiet`, which is small beside what is looked for. Without some such
bound no test of a mean exists: what happens once in a million draws is not seen in a hundred
thousand, and may carry the whole mean. No mean is taken to be normal. Draws whose variance is twice
v or more contradict what is assumed; draws that agree with it do not prove it.

**1. Pilot.** Half squared differences of P pairs are non-negative, have mean Var X and second
moment at most `(K + 3)/2 (Var X)^2`. By Bernstein's inequality for non-negative terms their mean V
is below `(1 - e) Var X` with probability at most `exp(-P e^2/(K + 3))`. P is chosen for half of the
false alarms; then `v = max(V/(1 - e), quiet)` bounds Var X.

**2. Test.** With Catoni's `psi(z) = sign(z) log(1 + |z| + z^2/2)`, `exp psi(z) <= 1 + z + z^2/2`,
so `E exp psi(a (Z - c)) <= 1 + a^2 w/2` whenever `E Z <= c`. Hence
`exp(sum_j psi(a (Z_j - c)) - j a^2 w/2)` is a non-negative supermartingale that starts at 1. By
Ville's inequality it ever reaches `4 k/false_alarm` with probability at most `false_alarm/(4 k)`.
So one may look after every block, at no price, and stop at the first crossing. Two sides and k
components (Bonferroni) take the other half of the false alarms. Blocks keep the memory small; they
are not there to make anything normal.

**3. Power.** If `E Z >= c + d`, then `E exp(-psi) <= q = 1 - a d + a^2 (w + d^2)/2`, and by
Markov's inequality the sum over M blocks is at least `M log 1/q - log 1/miss` but for probability
`miss`. With `a = d/(2 w + d^2)` that is past the threshold once `M d^2 >= (4 w + 2 d^2) C`. This
fixes b before the test starts. Read the other way it gives `reach`, the distance that M blocks of b
draws find with the power stated. Larger distances are found at least as surely, and sooner.

Source: own argument, with the influence function of Catoni's estimator of a mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]

BLOCKS: Final = 1024
"""M. A test needs `1/(1 - 2 C/M)` times the draws that endless blocks would, 1.05 or so."""

VARIANCE_ERROR: Final = 0.4
"""e. The pilot costs `1/e^2`, the test `1/(1 - e)`."""

_FARTHEST: Final = 1e100
"""Where psi is cut off, so that its square does not overflow; the inequality stays true."""

_BISECTIONS: Final = 80


def influence(z: Floats) -> Floats:
    """Catoni's `psi(z) = sign(z) log(1 + |z| + z^2/2)`. `[...]`.

    Result: approximate, relative error about 1e-15.
    """
    size = np.minimum(np.abs(z), _FARTHEST)
    return np.copysign(np.log1p(size * (1 + size / 2)), z)


@dataclass(frozen=True)
class Design:
    """The error rates of a test, and what follows from them before the first draw.

    Args:
        components: k.
        false_alarm: bound on the probability that a right estimator is rejected.
        power: bound from below on the probability that a distance of d is found.
        kurtosis: K.

    Raises:
        InputError: error rates so small that M block means cannot reach them.
    """

    components: int
    false_alarm: float
    power: float
    kurtosis: float

    def __post_init__(self) -> None:
        # At 2 C = M no number of draws a block would do; half of that doubles their number.
        if 4 * self.effort >= BLOCKS:
            raise InputError(
                "false_alarm",
                show(self.false_alarm),
                f"it is too small for a test of {BLOCKS} block means and {self.components} "
                "components",
                "give 1e-6, say, or at least 1e-90",
            )

    @property
    def pairs(self) -> int:
        """P, pairs of draws in the pilot."""
        log = math.log(2 * self.components / self.false_alarm)
        return math.ceil((self.kurtosis + 3) * log / VARIANCE_ERROR**2)

    @property
    def threshold(self) -> float:
        """L."""
        return math.log(4 * self.components / self.false_alarm)

    @property
    def effort(self) -> float:
        """C. A miss is a failure of the pilot's bound, or of Markov's inequality."""
        return self.threshold + math.log(1 / (1 - self.power - self.false_alarm / 2))

    @property
    def least_block(self) -> int:
        """The test takes as many draws as the pilot at least."""
        return math.ceil(2 * self.pairs / BLOCKS)

    def quiet(self, apart: Floats) -> Floats:
        """Variance that the fewest draws are enough for, whatever the kurtosis. `[k]`."""
        return self.found_ratio(self.least_block) * apart**2

    def needed_block(self, ratio: float) -> int:
        """The b that finds d for `ratio = v/d^2`."""
        return max(1, math.ceil(4 * ratio * self.effort / (BLOCKS - 2 * self.effort)))

    def found_ratio(self, block: int) -> float:
        """The largest `v/d^2` for which that many draws a block find d."""
        return block * (BLOCKS - 2 * self.effort) / (4 * self.effort)


@dataclass(frozen=True)
class Pilot:
    """What the pilot shows of each component.

    Attributes:
        variance: `[k]`, v, a bound on the variance but for half of the false alarms.
        kurtosis: `[k]`, kurtosis of the draws themselves; 0 where the variance is `quiet`.
    """

    variance: Floats
    kurtosis: Floats


def pilot(design: Design, draws: Floats, apart: Floats) -> Pilot:
    """Bound the variances.

    Args:
        design: the test.
        draws: `[2 pairs, k]`.
        apart: `[k]`, d.
    """
    quiet = design.quiet(apart)
    halves = (draws[0::2] - draws[1::2]) ** 2 / 2
    bound = halves.mean(axis=0) / (1 - VARIANCE_ERROR)
    centred = draws - draws.mean(axis=0)
    scale = np.maximum(np.abs(centred).max(axis=0), np.finfo(np.float64).tiny)
    second = np.mean((centred / scale) ** 2, axis=0)
    fourth = np.mean((centred / scale) ** 4, axis=0)
    loud = bound > quiet
    kurtosis = np.divide(fourth, second**2, out=np.zeros_like(bound), where=loud)
    return Pilot(np.maximum(bound, quiet), kurtosis)


class MeanTest:
    """The running test of `lower <= E X <= upper`, every component of it.

    Args:
        design: error rates.
        lower: `[k]`, enclosure of the expected values.
        upper: `[k]`.
        variance: `[k]`, v.
        block: b.
    """

    def __init__(
        self, design: Design, lower: Floats, upper: Floats, variance: Floats, block: int
    ) -> None:
        self.threshold = design.threshold
        self._lower, self._upper = lower, upper
        self._spread = variance / block
        ratio = 4 * design.effort / (BLOCKS - 2 * design.effort)
        self.reach = np.sqrt(self._spread * ratio)
        """`[k]`, distance that the whole test finds with the power stated."""
        self._slope = self.reach / (2 * self._spread + self.reach**2)
        self._cost = self._slope**2 * self._spread / 2
        self._means: list[Floats] = []
        self._wealth = np.zeros((2, len(lower)))
        self.evidence = np.zeros(len(lower))
        """`[k]`, the larger side's running sum; the test rejects where it reaches `threshold`."""

    def add(self, means: Floats) -> bool:
        """Take block means in the order drawn; whether some value has been rejected.

        Args:
            means: `[j, k]`.
        """
        above = influence(self._slope * (means - self._upper)) - self._cost
        below = influence(self._slope * (self._lower - means)) - self._cost
        for side, gains in enumerate((above, below)):
            running = self._wealth[side] + np.cumsum(gains, axis=0)
            self._wealth[side] = running[-1]
            self.evidence = np.maximum(self.evidence, running.max(axis=0))
        self._means.append(means)
        return bool((self.evidence >= self.threshold).any())

    def interval(self) -> tuple[Floats, Floats]:
        """Confidence limits for every `E X`, all at once, at the stated false-alarm rate.

        They are what the test itself would not reject after the blocks seen, found by bisection.

        Returns:
            Two arrays `[k]`, rounded outward by the width of the last bisection.
        """
        means = np.concatenate(self._means)
        return -self._limit(-means), self._limit(means)

    def estimate(self) -> Floats:
        """Mean of the draws seen. `[k]`."""
        mean: Floats = np.concatenate(self._means).mean(axis=0)
        return mean

    def _limit(self, means: Floats) -> Floats:
        """Upper limit: the c at which `sum_j psi(a (c - Z_j))` reaches its bound."""
        bound = self.threshold + len(means) * self._cost
        # Every term at its share of the bound: psi(z) = t where z = sqrt(2 e^t - 1) - 1.
        share = np.minimum(bound / len(means), 700)
        far: Floats = means.max(axis=0) + (np.sqrt(2 * np.exp(share) - 1) - 1) / self._slope
        near = means.min(axis=0)
        for _ in range(_BISECTIONS):
            middle = near + (far - near) / 2
            enough = influence(self._slope * (middle - means)).sum(axis=0) >= bound
            far, near = np.where(enough, middle, far), np.where(enough, near, middle)
        return far

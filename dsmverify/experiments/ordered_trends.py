"""Whether values grow along ordered groups: Kendall's statistic with its exact law.

The statistic counts the pairs of values from different groups that stand in the groups' order
(Jonckheere and Terpstra). If the groups do not matter all orders of the values are equally likely,
and the law is a count of permutations: no approximation and no random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ordered_trend(samples: Sequence[Floats]) -> tuple[float, float]:
    """Kendall's tau over pairs of different groups, and its exact two-sided p-value.

    Args:
        samples: values of each group, groups in order; one value at least in each.

    Result: tau exact; p exact without ties, and no smaller than that where values are tied.

    Returns:
        `(concordant - discordant)/pairs`, and twice the smaller tail of the number of concordant
        pairs, all orders of the values being equally likely. The number of orders with j concordant
        pairs is the coefficient of q^j in the q-multinomial coefficient of the groups' sizes.
    """
    rises = falls = pairs = 0
    for i, lower in enumerate(samples):
        for upper in samples[i + 1 :]:
            differences = upper[None, :] - lower[:, None]
            rises += int((differences > 0).sum())
            falls += int((differences < 0).sum())
            pairs += differences.size
    ways = _ways([len(sample) for sample in samples])
    total = sum(ways)
    # Ties count against a rise and against a fall.
    upper_tail = sum(ways[rises:]) / total
    lower_tail = sum(ways[: pairs - falls + 1]) / total
    return (rises - falls) / pairs, min(1.0, 2 * min(upper_tail, lower_tail))


def _ways(sizes: Sequence[int]) -> list[int]:
    """Coefficients of the q-multinomial coefficient, from q^0 on: integers, exact.

    A product of `(1 - q^(N + i))/(1 - q^i)`, which are polynomials after every factor.
    """
    ways, before = [1], 0
    for size in sizes:
        for i in range(1, size + 1):
            longer = ways + [0] * (before + i)
            for j in range(len(longer) - 1, before + i - 1, -1):
                longer[j] -= longer[j - before - i]
            for j in range(i, len(longer)):
                longer[j] += longer[j - i]
            ways = longer[: len(longer) - i]
        before += size
    return ways

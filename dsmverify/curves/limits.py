"""Right-hand sides of limits that are integrals over the Marchenko-Pastur law, certified.

With ratio c the law has the density of `x = 1 + c + 2 sqrt(c) cos f`, f in (0, pi), with the weight
`(2/pi) sin(f)^2/x`, and the mass `1 - 1/c` at 0 where c > 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import acb, arb

from dsmverify.truth import certainly_below


def marchenko_pastur_mean(function: Callable[[Any], Any], ratio: arb) -> arb:
    """`int f dMP_c`; enclosure at the working precision, no number at c = 1.

    Args:
        function: f, analytic around the support, on complex balls too.
        ratio: c, positive; not 1.

    Source: random-features.md, section 5.
    """
    middle, wide = acb(1 + ratio), acb(2 * ratio.sqrt())

    def weighted(f: acb, _: bool) -> acb:
        place = middle + wide * f.cos()
        result: acb = f.sin() ** 2 / place * function(place)
        return result

    found = acb.integral(weighted, acb(0), acb.pi()).real * 2 / arb.pi()
    if certainly_below(arb(1), ratio):
        found += (1 - 1 / ratio) * function(acb(0)).real
    return arb(found)

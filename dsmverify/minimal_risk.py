"""Certified `R_n(s*)`, fast: what `posterior.risk_density` integrates to, evaluated sparsely.

The integrand is `(mu/sigma^2)^2 p(y) V[W(y)]`. Two things make it cheap without loosening anything:

- far points: seen from an anchor a, the exponent of `alpha_j / alpha_a` is concave in `x_j - x_a`
  and 0 at the anchor, so once it is negative enough on one side, every farther ratio there is
  smaller still; the rest of that side is one small ball;
- far panels: `p V[W] <= (1/n) sum_j (x_j - x_a)^2 N(y; mu x_j, sigma^2)` for every a, whose
  integral over a panel is a normal tail; panels where that is below the tolerance are not
  integrated but bounded.

A test ties the integrand to the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from flint import acb, arb

from dsmverify.formulas.setting import Sample
from dsmverify.integrals import Accuracy, integral
from dsmverify.truth import certainly_below

GUARD = 24
"""Bits beyond the accuracy below which far training points are merged into a ball."""


def enclose_minimal_risk(
    sample: Sample[Any],
    panels: Sequence[arb],
    scale: arb,
    nearest: Callable[[arb], int],
    accuracy: Accuracy,
) -> arb:
    """`(mu/sigma^2)^2 int p V[W]` over consecutive panels. An enclosure.

    Args:
        sample: training points and noise level, as balls.
        panels: exact cuts, ascending.
        scale: rough size of the integral.
        nearest: index of the training point nearest a point; any index gives a right enclosure.
        accuracy: bits relative to `scale`.
    """
    share = arb(2) ** (-accuracy.bits - 2 - len(panels).bit_length())
    limit = arb(scale.upper()) * share
    sharper = replace(accuracy, bits=accuracy.bits + len(panels).bit_length())
    inside, rest = arb(0), arb(0)
    functions: dict[int, Callable[[acb], acb]] = {}
    for low, high in pairwise(panels):
        anchor = nearest(((low + high) / 2).mid())
        ceiling = panel_ceiling(sample, low, high, anchor)
        if certainly_below(ceiling, limit):
            rest += arb(ceiling.upper())
            continue
        if anchor not in functions:
            functions[anchor] = sparse_risk_density(sample, anchor, accuracy.bits + GUARD)
        inside += integral(functions[anchor], (low, high), scale, sharper)
    return inside + arb(0).union(arb(rest.upper()))


def panel_ceiling(sample: Sample[Any], low: arb, high: arb, anchor: int) -> arb:
    """Upper bound on `(mu/sigma^2)^2 int p V[W]` over a panel, by normal tails."""
    sigma, mu = sample.sigma, sample.mu
    root = sigma * arb(2).sqrt()
    at = sample.points[anchor]
    total = arb(0)
    for index, x in enumerate(sample.points):
        if index == anchor:
            continue
        mean, apart = mu * x, x - at
        away = (low - mean).max(mean - high)
        total += apart * apart * (away / root).erfc()
    ratio = mu / (sigma * sigma)
    return arb(ratio * ratio * total / (2 * sample.size))


def sparse_risk_density(sample: Sample[Any], anchor: int, bits: int) -> Callable[[acb], acb]:
    """`(mu/sigma^2)^2 p V[W]` on complex balls, far training points merged.

    With `r_j` the likelihood ratios to the anchor and `d_j = x_j - x_a`, `n p V[W]` is the
    anchor's density times `S_2 - S_1^2/S_0`, `S_k = sum_j r_j d_j^k`.

    Args:
        sample: training points and noise level, as real balls.
        anchor: index of the training point from which the others are seen.
        bits: a ratio certainly below `2^-bits` times the largest of the others ends a side.
    """
    sigma, mu, size = sample.sigma, sample.mu, sample.size
    variance = sigma * sigma
    at = sample.points[anchor]
    centre = mu * at
    sides = []
    for indices in (range(anchor + 1, size), range(anchor - 1, -1, -1)):
        terms = []
        for index in indices:
            apart = sample.points[index] - at
            rate = mu * apart / variance
            terms.append((rate, -rate * mu * apart / 2, apart, apart * apart))
        sides.append(terms)
    spread = arb((sample.points[-1] - sample.points[0]).upper())
    squared_spread = spread * spread
    ratio = mu / variance
    front = ratio * ratio / (size * sigma * (2 * arb.pi()).sqrt())
    decay = -1 / (2 * variance)
    floor = arb(-0.7 * bits)

    def density(z: acb) -> acb:
        t = z - centre
        zeroth, first, second = acb(1), acb(0), acb(0)
        # Ratios count beside the larger one of the anchor's neighbours.
        largest = max(float((side[0][0] * t + side[0][1]).real.mid()) for side in sides if side)
        enough = floor + min(largest, 0.0)
        for terms in sides:
            left = len(terms)
            for rate, offset, apart, square in terms:
                exponent = rate * t + offset
                left -= 1
                value = exponent.exp()
                zeroth += value
                first += value * apart
                second += value * square
                if left and certainly_below(exponent.real, enough):
                    # Concave exponent, 0 at the anchor: every farther ratio is smaller.
                    most = arb(exponent.real.upper()).exp() * left
                    zeroth += _disc(most)
                    first += _disc(most * spread)
                    second += _disc(most * squared_spread)
                    break
        return acb((second - first * first / zeroth) * (t * t * decay).exp() * front)

    return density


def _disc(radius: arb) -> acb:
    """Complex ball around 0 that holds every number of at most this size."""
    side = arb(0, radius.upper())
    return acb(side, side)

"""`R_n(s*)` and `TV(s*)` of all two-point samples whose shape lies in a box, enclosed.

Normal form: mu = sigma = 1, points at -kappa/2 and kappa/2, kappa a ball. Quadrature rules do not
stand wide balls; sums over cells of the package's own formulas, each cell a ball, do. They are
crude, and the claims have factors of ten and more to spare.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb

from dsmverify.formulas import posterior
from dsmverify.formulas.case import Case
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import is_number

REACH = 6
"""Cells of the risk go this many sigmas to either side of the middle; a tail is added."""

RISK_CELLS = 96
"""Cells of the risk."""

SWITCH_CELLS = 2
"""Cells of the variation for each unit of `kappa y / 2`, in which the posterior switches."""

SWITCH_WIDTH = 3
"""Units of `kappa y / 2` that these cells reach to either side."""


def risk_integrand(c: Case[Any]) -> Any:
    """`(mu^2/sigma^4) p(y) V[W(y)]`, whose integral over the line is `R_n(s*)`.

    Source: eqs. 5 and 9 (`posterior.risk_density`).
    """
    return _density(c, np.array([c.point], dtype=object))[0]


def variation_integrand(c: Case[Any]) -> Any:
    """`s*''(y) pi(y)`, the integral of whose size over the data's range is `TV(s*)`.

    Source: D-tv, p. 6.
    """
    return c.score_curvature(c.point) * c.weight(c.point)


def enclose_risk(c: Case[Any]) -> arb:
    """`R_n(s*)` of the normal form.

    Outside `[-r, r]` the integrand is at most `kappa^2 alpha_1 p` on the right and `kappa^2
    alpha_2 p` on the left; both are halves of normal densities, so the rest is at most
    `kappa^2 P(Z > r + kappa/2)`.
    """
    step = Fraction(2 * REACH, RISK_CELLS)
    ends = [-REACH + step * cell for cell in range(RISK_CELLS + 1)]
    cells = np.array([ball(low).union(ball(high)) for low, high in pairwise(ends)], dtype=object)
    inside = SYSTEM.sum(_density(c, cells)) * ball(step)
    kappa = c.spacing
    tail = kappa * kappa * ((REACH + kappa / 2) / arb(2).sqrt()).erfc() / 2
    return _between(arb(inside.lower()).max(arb(0)), inside + tail)


def enclose_variation(c: Case[Any]) -> arb:
    """`TV(s*)` of the normal form.

    On a cell `[a, b]` the variation is at least the least weight times `|s*'(b) - s*'(a)|`, as for
    every function, and at most the largest weight times that, since `s*'` is monotone there:
    `V[W] = kappa^2/4 sech(kappa y/2)^2` is, on either side of the middle, where a cell ends.
    """
    lower = upper = arb(0)
    cuts = _switch_cuts(c.spacing)
    slopes = [c.score_slope(c.spacing * ball(cut)) for cut in cuts]
    for place, (low, high) in enumerate(pairwise(cuts)):
        weight = c.weight(c.spacing * ball(low).union(ball(high)))
        rise = slopes[place + 1] - slopes[place]
        lower += arb(weight.lower()).max(arb(0)) * rise.abs_lower()
        upper += arb(weight.upper()) * rise.abs_upper()
    return _between(lower, upper)


def _density(c: Case[Any], y: Any) -> Any:
    anchor = np.array([c.places.nearest(entry) for entry in y])
    return posterior.risk_density(c.ns, y, c.sample, anchor)


def _switch_cuts(kappa: arb) -> list[Fraction]:
    """Cuts in units of kappa, symmetric around 0, from -1/2 to 1/2: fine where s*' moves."""
    unit = 2 / Fraction(float(kappa.mid())) ** 2
    count = SWITCH_CELLS * SWITCH_WIDTH
    inner = [_rounded(unit * part / SWITCH_CELLS) for part in range(1, count + 1)]
    half = [*[cut for cut in inner if cut < Fraction(1, 2)], Fraction(1, 2)]
    return [*[-cut for cut in reversed(half)], Fraction(0), *half]


def _rounded(value: Fraction) -> Fraction:
    return Fraction(round(value * 2**20), 2**20)


def _between(low: arb, high: arb) -> arb:
    """The interval between two balls' outer ends; unbounded if they are no numbers."""
    if not (is_number(low) and is_number(high)):
        return arb(0).union(arb.pos_inf())
    return arb(low.lower()).union(arb(high.upper()))

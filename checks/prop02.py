"""Mean and variance of the posterior near a training point and at a midpoint."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Interval, Range, Source
from dsmverify.formulas import bounds

from ._premises import SPACING_TWO

NEAR_MEAN = Range("points", Interval(bounds.quarter_below_mean, bounds.quarter_above_mean))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop02a",
        source=Source("proposition 2", 7),
        statement="V[W(m_i)] >= (x_i - x_{i+1})^2/(2n) for 1 <= i <= n-1.",
        conclusion=Inequality(
            bounds.variance_at_midpoint,
            ">=",
            bounds.squared_gap_share,
            nonnegative_left=True,
            margin=bounds.midpoint_variance_margin,
        ),
        range=Range("gaps"),
        leans_on=("prop02.c", "prop02.c2", "prop02.d"),
        remark="Equality at n = 2.",
    ),
    Claim(
        id="prop02b",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "|E[W(y)] - x_i| <= n Delta exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(bounds.mean_distance, "<=", bounds.mean_distance_bound),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        leans_on=("prop02.a0", "prop02.a", "prop02.b", "lem13"),
    ),
    Claim(
        id="prop02c",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "V[W(y)] <= 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(bounds.variance, "<=", bounds.variance_bound),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        leans_on=("prop02.e", "prop02b", "lem13"),
    ),
)

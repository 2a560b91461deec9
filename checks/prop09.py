"""Bounds on the weight pi."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Interval, Range, Source
from dsmverify.formulas import bounds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop09a",
        source=Source("proposition 9", 18),
        statement=(
            "For 1 <= i <= n-1 and y in [mu x_i, mu x_{i+1}]: pi(y) >= (mu/n^2) "
            "(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2 (i-1)/2, (n-i)^2 (n-i+1)/2) Delta."
        ),
        conclusion=Inequality(bounds.weight, ">=", bounds.weight_floor, nonnegative_left=True),
        range=Range("gaps", Interval(bounds.left_mean, bounds.right_mean)),
        leans_on=("prop09.0", "prop09.a", "prop09.b", "prop09.c", "prop09.d", "prop09.e"),
        severity="statement",
    ),
    Claim(
        id="prop09b",
        source=Source("proposition 9", 18),
        statement="For every real y: pi(y) <= mu (x_n - x_1).",
        conclusion=Inequality(bounds.weight, "<=", bounds.weight_ceiling),
        range=Range(y=Interval(bounds.lowest_mean, bounds.highest_mean)),
        leans_on=("prop09.f",),
        remark="pi is 0 outside the closed range of the noised means.",
    ),
)

"""Derivatives of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Range, RealLine, Source
from dsmverify.formulas import bounds

from ._premises import POINTS_ONLY

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem11a",
        source=Source("lemma 11", 32),
        statement="s*'(y) = (-1 + (mu^2/sigma^2) V[W(y)]) / sigma^2.",
        conclusion=Identity(bounds.differentiated_score, bounds.slope_from_variance),
        range=Range(y=RealLine()),
        leans_on=("lem11.a",),
        derivation="score_slope",
        remark=POINTS_ONLY + " Left side: eq. 6 differentiated by the quotient rule.",
    ),
    Claim(
        id="lem11b",
        source=Source("lemma 11", 32),
        statement="s*''(y) = (mu^3/sigma^6) E[(W(y) - E[W(y)])^3].",
        conclusion=Identity(bounds.twice_differentiated_score, bounds.curvature_from_third_moment),
        range=Range(y=RealLine()),
        leans_on=("lem11.b", "lem11.c", "lem11.d", "lem11.e"),
        derivation="score_curvature",
        remark=POINTS_ONLY + " Left side: eq. 6 differentiated twice by the quotient rule.",
    ),
)

"""The score and its slope by moments of the posterior, eq. 9."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Range, RealLine, Source
from dsmverify.formulas import bounds

from ._premises import POINTS_ONLY

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="eq09",
        source=Source("eq. 9", 7),
        statement=(
            "s*(y) = (-y + mu E[W(y)]) / sigma^2 and "
            "s*'(y) = (-1 + (mu^2/sigma^2) V[W(y)]) / sigma^2."
        ),
        conclusion=(
            Identity(bounds.printed_score, bounds.score_from_mean),
            Identity(bounds.differentiated_score, bounds.slope_from_variance),
        ),
        range=Range(y=RealLine()),
        leans_on=("lem11a",),
        derivation="score_slope",
        remark=POINTS_ONLY
        + " Left sides: eq. 6 as printed, and its derivative by the quotient rule.",
    ),
)

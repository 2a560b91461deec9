"""Lower bound on the weighted variation of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Source
from dsmverify.formulas import bounds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="thm04",
        source=Source("theorem 4", 8),
        statement=(
            "If 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1 then "
            "TV(s*) >= mu^3 n Delta^3/(2^12 sigma^4)."
        ),
        enclosed_by="TV(s*): rigorous integration, signs decided by bisection",
        conclusion=Inequality(
            bounds.tv_empirical_score, ">=", bounds.tv_empirical_score_bound, nonnegative_left=True
        ),
        hypotheses=(
            Hypothesis(
                "16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1",
                bounds.scaled_spacing_decay,
                "<=",
                bounds.one,
            ),
        ),
        leans_on=(
            "thm04.0",
            "thm04.a",
            "thm04.b",
            "thm04.c",
            "thm04.d",
            "thm04.d2",
            "thm04.e",
            "cor03a@mu",
            "prop09a",
        ),
    ),
)

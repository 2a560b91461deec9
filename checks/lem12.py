"""The total curvature of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Source
from dsmverify.formulas import bounds

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem12",
        source=Source("lemma 12", 34),
        statement=(
            "With (x_n)_+ = max(0, x_n), (x_1)_- = min(0, x_1): int_R |s*''(y)| dy <= "
            "(4 mu^2 (x_n-x_1)^3/sigma^6) "
            "(mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1) sigma^2/Delta)."
        ),
        enclosed_by="int |s*''|: rigorous integration, signs decided by bisection, tail bounded",
        conclusion=Inequality(bounds.curvature_mass, "<=", bounds.curvature_mass_bound),
        leans_on=("lem12.a", "lem12.b", "lem12.b2", "lem12.c", "lem12.d", "lem11b"),
    ),
)

"""The informal main theorem."""

from __future__ import annotations

from dsmverify.claims import Claim, ReadOff, Source

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="thm01",
        source=Source("theorem 1 (informal)", 2),
        statement=(
            "For small enough sigma and eta >~ sigma^2, SGD on R_n cannot stably converge to a "
            "local minimum with arbitrarily small excess risk."
        ),
        conclusion=ReadOff("thm08@sum"),
        subject="minimum",
        leans_on=("thm08@sum",),
    ),
)

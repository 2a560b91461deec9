"""Smoothness of the risk in the parameters."""

from __future__ import annotations

from dsmverify.claims import Claim, Source, Stated

from ._premises import CLASS_ONLY, SIGNS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem05",
        source=Source("lemma 5", 9),
        statement="For all theta in R^{2m}, R_n(theta) is twice differentiable in theta.",
        conclusion=Stated("regularity"),
        subject="network",
        hypotheses=(SIGNS,),
        derivation="regularity",
        remark=CLASS_ONLY,
    ),
)

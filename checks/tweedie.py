"""Tweedie's formula."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Range, RealLine, Source
from dsmverify.formulas import bounds

from ._premises import POINTS_ONLY

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="tweedie",
        source=Source("Tweedie's formula", 4),
        statement="E[X|Y] = (Y + sigma^2 (log p_{mu,sigma})'(Y)) / mu.",
        conclusion=Identity(bounds.posterior_mean, bounds.tweedie_mean),
        range=Range(y=RealLine()),
        derivation="tweedie",
        remark=POINTS_ONLY
        + " Instances have X uniform on the sample; the derivation says for which laws.",
    ),
)

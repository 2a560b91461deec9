"""The excess risk as a mean square distance."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Source
from dsmverify.formulas import bounds

from ._premises import CLASS_ONLY, SIGNS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="excess",
        source=Source("excess risk", 10),
        statement=(
            "R_n(theta) - R_n(s*) = (1/n) sum_i E_{Y ~ N(mu x_i, sigma^2)}[(s_theta(Y) - s*(Y))^2]."
        ),
        conclusion=Identity(bounds.excess_risk, bounds.squared_distance),
        subject="network",
        hypotheses=(SIGNS,),
        derivation="excess_risk",
        remark=CLASS_ONLY + " Printed for theta*, used for every theta, checked for every theta.",
    ),
)

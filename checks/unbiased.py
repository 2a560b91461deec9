"""The mini-batch loss as an estimator of the risk."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Source
from dsmverify.formulas import bounds

from ._premises import CLASS_ONLY, SIGNS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="unbiased@sum",
        source=Source("mini-batch loss", 5),
        statement="Rhat_j(theta) is an unbiased estimator of R_n(theta).",
        conclusion=Identity(bounds.batch_risk_mean_sum, bounds.risk),
        subject="network",
        hypotheses=(SIGNS,),
        reading="sum",
        derivation="unbiased_batch",
        severity="constant",
        remark=CLASS_ONLY + " The batch loss is a sum over the batch, as printed.",
    ),
    Claim(
        id="unbiased@mean",
        source=Source("mini-batch loss", 5),
        statement="Rhat_j(theta) is an unbiased estimator of R_n(theta).",
        conclusion=Identity(bounds.batch_risk_mean_mean, bounds.risk),
        subject="network",
        hypotheses=(SIGNS,),
        reading="mean",
        literal=False,
        derivation="unbiased_batch",
        remark=CLASS_ONLY + " The batch loss is a mean over the batch.",
    ),
    Claim(
        id="unbiased.r1",
        source=Source("mini-batch loss", 5),
        statement="Rhat_j(theta)/|B_j| is an unbiased estimator of R_n(theta).",
        conclusion=Identity(bounds.batch_risk_mean_mean, bounds.risk),
        subject="network",
        hypotheses=(SIGNS,),
        form="repaired",
        repairs="unbiased@sum",
        derivation="unbiased_batch",
        change="The batch loss is divided by |B|: a mean over the batch, not a sum.",
        remark=CLASS_ONLY,
    ),
)

"""Sharpness at a linearly stable minimum, eq. 8."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Source
from dsmverify.formulas import bounds, network_steps

from ._premises import STABLE_MINIMUM

STATEMENT = "If theta* is linearly stable then lambda_max(hess R_n(theta*)) <= 2/(m eta)."
EIGENVALUE = "lambda_max from above: verified L D L^T factorisation (Weyl for wide networks)"
SUM = "Stability of the update with the batch loss a sum over the batch, as printed."
MEAN = "Stability of the update with the batch loss a mean over the batch."
POINTWISE = (
    "If theta* is linearly stable then lambda_max((2/n) sum_i E[grad s grad s^T]) <= 2/(m eta)."
)
CHANGE = (
    "Stability is about the pointwise Hessian, whose mean at an interior minimum is 2 T times the "
    "batch factor: it has no kink term, and E[f 1_l] vanishes there."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="eq08@sum",
        source=Source("eq. 8", 6),
        statement=STATEMENT,
        conclusion=Inequality(bounds.hessian_lambda_max, "<=", bounds.sharpness_ceiling),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="sum",
        severity="statement",
        remark=f"{SUM} Fails with one point to a batch, where sum and mean are one.",
        enclosed_by=EIGENVALUE,
    ),
    Claim(
        id="eq08@mean",
        source=Source("eq. 8", 6),
        statement=STATEMENT,
        conclusion=Inequality(bounds.hessian_lambda_max, "<=", bounds.sharpness_ceiling),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="mean",
        literal=False,
        severity="statement",
        remark=MEAN,
        enclosed_by=EIGENVALUE,
    ),
    Claim(
        id="eq08.r1@sum",
        source=Source("eq. 8", 6),
        statement=POINTWISE,
        conclusion=Inequality(network_steps.doubled_ntk_lambda_max, "<=", bounds.sharpness_ceiling),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        form="repaired",
        repairs="eq08@sum",
        reading="sum",
        derivation="stable_threshold",
        change=CHANGE,
        remark=SUM,
        enclosed_by=EIGENVALUE,
    ),
    Claim(
        id="eq08.r1@mean",
        source=Source("eq. 8", 6),
        statement=POINTWISE,
        conclusion=Inequality(network_steps.doubled_ntk_lambda_max, "<=", bounds.sharpness_ceiling),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        form="repaired",
        repairs="eq08@mean",
        reading="mean",
        literal=False,
        derivation="stable_threshold",
        change=CHANGE,
        remark=MEAN,
        enclosed_by=EIGENVALUE,
    ),
)

"""Upper bounds on the weighted variation of a network."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Source
from dsmverify.formulas import bounds

from ._premises import IN_CLASS, STABLE_MINIMUM

STATEMENT = (
    "If theta* is a linearly stable local minimum: TV(s_theta*) <= 1/(2 eta) + sqrt(R_n)/2 + "
    "(A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n), (sqrt(2 pi e) A sigma n R_n)^(1/3))."
)
SUM = "Stability of the update with the batch loss a sum over the batch, as printed."
MEAN = "Stability of the update with the batch loss a mean over the batch."

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop06a",
        source=Source("proposition 6", 9),
        statement=(
            "For every theta: TV(s_theta) <= lambda_max(hess R_n(theta)) m/4 + sqrt(R_n(theta))/2 "
            "+ (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n(theta)), "
            "(sqrt(2 pi e) A sigma n R_n(theta))^(1/3))."
        ),
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_sharpness),
        subject="network",
        hypotheses=IN_CLASS,
        leans_on=(
            "prop06.a",
            "prop06.a2",
            "prop06.b",
            "prop06.c",
            "prop06.d",
            "prop06.d2",
            "prop06.e",
            "prop06.f",
            "prop06.g",
            "prop06.h",
            "prop06.h2",
            "prop06.i",
            "prop06.j",
            "hess15",
            "prop10",
        ),
        enclosed_by="lambda_max from below: Rayleigh quotient",
        remark="The proof uses A >= C_n/sigma^6, the statement does not ask for it.",
    ),
    Claim(
        id="prop06b@sum",
        source=Source("proposition 6", 9),
        statement=STATEMENT,
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_learning_rate),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="sum",
        leans_on=("prop06a", "eq08@sum"),
        remark=SUM,
    ),
    Claim(
        id="prop06b@mean",
        source=Source("proposition 6", 9),
        statement=STATEMENT,
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_learning_rate),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="mean",
        literal=False,
        leans_on=("prop06a", "eq08@mean"),
        remark=MEAN,
    ),
)

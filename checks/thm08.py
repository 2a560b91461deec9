"""The main theorem."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Source
from dsmverify.formulas import bounds

from ._premises import STABLE_MINIMUM

STATEMENT = (
    "Let theta* be a linearly stable local minimum of R_n. There is sigma_0 > 0 depending on mu "
    "and the sample such that if sigma <= sigma_0 and eta > 2^12 sigma^2/(mu n^2 Delta) then "
    "R_n(theta*) - R_n(s*) > pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)."
)
PREMISES = (
    *STABLE_MINIMUM,
    Hypothesis("sigma <= sigma_0", bounds.sigma, "<=", bounds.noise_threshold),
    Hypothesis(
        "eta > 2^12 sigma^2/(mu n^2 Delta)",
        bounds.learning_rate,
        ">",
        bounds.learning_rate_threshold,
    ),
)
STEPS = (
    "thm08.a",
    "thm08.a2",
    "thm08.b",
    "thm08.c",
    "thm08.d",
    "thm08.e",
    "thm08.e2",
    "thm08.f",
    "thm08.g",
    "thm08.h",
    "cor03b",
    "prop07",
)
SUM = (
    "sigma_0 is the one of the proof, with A = C_n/sigma^6. Stability of the update with the batch "
    "loss a sum over the batch, as printed."
)
MEAN = (
    "sigma_0 is the one of the proof, with A = C_n/sigma^6. Stability of the update with the batch "
    "loss a mean over the batch."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="thm08@sum",
        source=Source("theorem 8", 10),
        statement=STATEMENT,
        conclusion=Inequality(
            bounds.excess_risk, ">", bounds.excess_risk_bound, nonnegative_left=True
        ),
        subject="minimum",
        hypotheses=PREMISES,
        reading="sum",
        leans_on=(*STEPS, "prop06b@sum"),
        remark=SUM,
    ),
    Claim(
        id="thm08@mean",
        source=Source("theorem 8", 10),
        statement=STATEMENT,
        conclusion=Inequality(
            bounds.excess_risk, ">", bounds.excess_risk_bound, nonnegative_left=True
        ),
        subject="minimum",
        hypotheses=PREMISES,
        reading="mean",
        literal=False,
        leans_on=(*STEPS, "prop06b@mean"),
        remark=MEAN,
    ),
)

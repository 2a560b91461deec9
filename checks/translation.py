"""Beyond the printed theorem: the curvature of the risk along the translation of the score."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, Source, Structural
from dsmverify.formulas import bounds, translation

from ._premises import SIGNS, STABLE_MINIMUM

SOURCE = Source("the translation bound", 10, "not in the paper")
"""Results of this project; the page is that of theorem 8, which they stand beside."""

RATE = Structural("a learning rate eta is given", "has_learning_rate")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="shift1",
        source=SOURCE,
        statement=(
            "With v = (0, w1), |v|^2 = m: v^T hess R_n(theta) v = 2/sigma^4 - (4/sigma^3) E[Z f] + "
            "(1/sigma^2) E[(Z^2 - 1) f^2], f = s_theta(Y) + (Y - mu x_i)/sigma^2, Z = (Y - mu "
            "x_i)/sigma, i uniform."
        ),
        conclusion=Identity(
            translation.curvature_along_translation, translation.curvature_by_moments
        ),
        subject="network",
        hypotheses=(SIGNS,),
        derivation="translation",
        remark="Any A, any spacing.",
    ),
    Claim(
        id="shift2",
        source=SOURCE,
        statement=(
            "m lambda_max(hess R_n(theta)) >= (2/sigma^4)(1 - 2 r - r^2/2), r = sigma "
            "sqrt(R_n(theta))."
        ),
        conclusion=Inequality(translation.scaled_sharpness, ">=", translation.sharpness_floor),
        subject="network",
        hypotheses=(SIGNS,),
        leans_on=("shift1",),
        derivation="translation",
        enclosed_by="lambda_max from below: a Rayleigh quotient",
    ),
    Claim(
        id="shift3",
        source=SOURCE,
        statement=(
            "m lambda_max(E[grad s_theta grad s_theta^T]) >= E[s_theta'(Y)^2] >= (1 - r)_+^2/"
            "sigma^4, r = sigma sqrt(R_n(theta))."
        ),
        conclusion=(
            Inequality(
                translation.scaled_kernel_eigenvalue,
                ">=",
                translation.mean_squared_slope,
                nonnegative_left=True,
            ),
            Inequality(
                translation.mean_squared_slope,
                ">=",
                translation.squared_slope_floor,
                nonnegative_left=True,
            ),
        ),
        subject="network",
        hypotheses=(SIGNS,),
        derivation="translation",
        enclosed_by="lambda_max of the tangent kernel from below: a Rayleigh quotient",
    ),
    Claim(
        id="shift4",
        source=SOURCE,
        statement=(
            "If lambda_max(hess R_n(theta*)) <= 2/(m eta) and eta >= 2 sigma^4 then R_n(theta*) >= "
            "(sqrt 5 - 2)^2/sigma^2."
        ),
        conclusion=Inequality(
            bounds.risk, ">=", translation.fast_risk_floor, nonnegative_left=True
        ),
        subject="network",
        hypotheses=(
            SIGNS,
            RATE,
            Hypothesis(
                "lambda_max(hess R_n) <= 2/(m eta)",
                bounds.hessian_lambda_max,
                "<=",
                bounds.sharpness_ceiling,
            ),
            Hypothesis(
                "eta >= 2 sigma^4",
                bounds.learning_rate,
                ">=",
                translation.doubled_fourth_power,
            ),
        ),
        leans_on=("shift2",),
        derivation="translation",
        remark="Any theta with this sharpness, a minimum or not; any A, any spacing.",
    ),
    Claim(
        id="shift7",
        source=SOURCE,
        statement=(
            "If theta* is linearly stable and the batch loss is a mean, then eta "
            "E[s_theta*'(Y)^2] <= 1; hence R_n(theta*) >= (1 - sigma^2/sqrt(eta))_+^2/sigma^2, and "
            "eta >= 4 sigma^4 forces R_n(theta*) >= 1/(4 sigma^2)."
        ),
        conclusion=(
            Inequality(translation.slope_product, "<=", bounds.one),
            Inequality(bounds.risk, ">=", translation.stable_risk_floor, nonnegative_left=True),
        ),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="mean",
        leans_on=("shift3", "unbiased@mean"),
        derivation="translation",
        remark=(
            "The second part is evaluated for every eta; it is 1/(4 sigma^2) at eta = 4 sigma^4 "
            "and grows with eta."
        ),
    ),
)

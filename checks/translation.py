"""Beyond the printed theorem: the curvature of the risk along the translation of the score."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, Source, Structural
from dsmverify.formulas import bounds, dimensions, translation

from ._premises import SIGNS, STABLE_MINIMUM

SOURCE = Source("the translation bound", 10, "not in the paper")
"""Results of this project; the page is that of theorem 8, which they stand beside."""

RATE = Structural("a learning rate eta is given", "has_learning_rate")

IN_DIMENSIONS = (
    "Tried in d = 3 at networks made of the instance's own g: s^j(y) = g(y_j) + g(y_{j-1})/16, "
    "points (x_i, x_{i+1}, x_{i+2}), u = (1, 2, 2)/3, inner weights (k+1) w1_l e_k: means of "
    "products are products of means."
)

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
        id="shift5",
        source=SOURCE,
        statement=(
            "In d dimensions, s_theta(y) = (1/m) sum_l w2_l phi(w1_l . y + b_l), w2_l in R^d: for "
            "every unit u, with v = (0, (w1_l . u)_l), v^T hess R_n(theta) v >= (2/sigma^4)(1 - 2 "
            "r - r^2/2) and |v|^2 = sum_l (w1_l . u)^2; the best u gives |v|^2 <= sum_l "
            "|w1_l|^2/d, and so lambda_max(hess R_n(theta)) sum_l |w1_l|^2/d >= (2/sigma^4)(1 - 2 "
            "r - r^2/2)."
        ),
        conclusion=(
            Inequality(
                dimensions.curvature_in_dimensions, ">=", dimensions.curvature_floor_in_dimensions
            ),
            Inequality(
                dimensions.mean_curvature_in_dimensions,
                ">=",
                dimensions.curvature_floor_in_dimensions,
            ),
        ),
        subject="network",
        leans_on=("shift1",),
        derivation="translation_in_dimensions",
        remark=(
            f"{IN_DIMENSIONS} R_n twice differentiable at theta: every w1_l is non-zero, or b_l is "
            "where w1_l = 0. The second part is (1/d) sum_k v_k^T hess R_n v_k over the axes, at "
            "most lambda_max sum_l |w1_l|^2/d. With sum_l |w1_l|^2 = m, lambda_max <= 2/(m eta) "
            "and eta >= 2 sigma^4/d give R_n >= (sqrt 5 - 2)^2/sigma^2, as in shift4; R_n is that "
            "of all d coordinates together (that of the zero score is d/sigma^2)."
        ),
        enclosed_by="lambda_max from below: Rayleigh quotients along the axes",
    ),
    Claim(
        id="shift5.s1",
        source=SOURCE,
        statement=(
            "In d dimensions: lambda_max(hess R_n(theta)) sum_l |w1_l|^2/d >= (2/sigma^4)(1 - 2 "
            "r/sqrt d - r^2/2), and lambda_max(E[grad s_theta grad s_theta^T]) sum_l |w1_l|^2 >= "
            "E||D s_theta(Y)||_F^2 >= (sqrt d - r)_+^2/sigma^4."
        ),
        conclusion=(
            Inequality(
                dimensions.mean_curvature_in_dimensions, ">=", dimensions.mean_curvature_floor
            ),
            Inequality(
                dimensions.mean_squared_jacobian,
                ">=",
                dimensions.squared_jacobian_floor,
                nonnegative_left=True,
            ),
        ),
        subject="network",
        form="sharpened",
        sharpens="shift5",
        change=(
            "2 r/sqrt d for 2 r: all axes at once, so that E[Z . f] <= sqrt d sqrt(R_n) stands "
            "for d times E[(Z . u)(u . f)] <= sqrt(R_n). The tangent kernel speaks as long as "
            "R_n < d/sigma^2, the risk of the zero score."
        ),
        leans_on=("shift3", "shift5"),
        derivation="translation_in_dimensions",
        remark=(
            f"{IN_DIMENSIONS} As in shift7, a linearly stable theta* with a mean over the batch "
            "has eta E||D s_theta*||_F^2 <= sum_l |w1_l|^2/m, hence R_n(theta*) >= d/(4 sigma^2) "
            "for eta >= 4 sigma^4 sum_l |w1_l|^2/(d m)."
        ),
        enclosed_by="lambda_max from below: Rayleigh quotients along the axes",
    ),
    Claim(
        id="shift6",
        source=SOURCE,
        statement=(
            "For every network s_theta(y) = G(W1 y + b1), G any function of the first layer with "
            "parameters of its own, one bias to each unit of the first layer, any activation, W1 "
            "trained or not: where R_n is twice differentiable, for every unit u, with v = W1 u at "
            "b1 and 0 elsewhere, v^T hess R_n(theta) v >= (2/sigma^4)(1 - 2 r - r^2/2); so "
            "lambda_max(hess R_n(theta)) ||W1||_F^2/d >= (2/sigma^4)(1 - 2 r - r^2/2)."
        ),
        conclusion=Inequality(
            dimensions.curvature_of_deep, ">=", dimensions.curvature_floor_of_deep
        ),
        subject="network",
        leans_on=("shift5",),
        derivation="translation_in_dimensions",
        remark=(
            "Tried on the line at a three-layer network made of the instance's own: first "
            "activation max(t, t/1024), second t + (sigma^2/16) t^2. Not covered: networks that "
            "see y past the first layer, or whose first layer shares biases."
        ),
        enclosed_by="lambda_max from below: a Rayleigh quotient",
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

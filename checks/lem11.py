"""Derivatives of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Range, RealLine, Source
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as steps

from ._premises import POINTS_ONLY

BY_QUOTIENT_RULE = POINTS_ONLY + " Left side: e_j / sum_i e_i differentiated by the quotient rule."

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem11a",
        source=Source("lemma 11", 32),
        statement="s*'(y) = (-1 + (mu^2/sigma^2) V[W(y)]) / sigma^2.",
        conclusion=Identity(bounds.differentiated_score, bounds.slope_from_variance),
        range=Range(y=RealLine()),
        leans_on=("lem11.a",),
        derivation="score_slope",
        remark=POINTS_ONLY + " Left side: eq. 6 differentiated by the quotient rule.",
    ),
    Claim(
        id="lem11b",
        source=Source("lemma 11", 32),
        statement="s*''(y) = (mu^3/sigma^6) E[(W(y) - E[W(y)])^3].",
        conclusion=Identity(bounds.twice_differentiated_score, bounds.curvature_from_third_moment),
        range=Range(y=RealLine()),
        leans_on=("lem11.b", "lem11.c", "lem11.d", "lem11.e"),
        derivation="score_curvature",
        remark=POINTS_ONLY + " Left side: eq. 6 differentiated twice by the quotient rule.",
    ),
    Claim(
        id="lem11.a",
        kind="step",
        serves="lem11a",
        source=Source("proof of lemma 11, step a", 32),
        statement="alpha_j'(y) = (mu alpha_j/sigma^2)(x_j - E[W]).",
        conclusion=Identity(steps.weight_slope, steps.printed_weight_slope),
        range=Range("points", RealLine()),
        derivation="score_slope",
        remark=BY_QUOTIENT_RULE,
    ),
    Claim(
        id="lem11.b",
        kind="step",
        serves="lem11b",
        source=Source("proof of lemma 11, step b", 32),
        statement=(
            "alpha_j''(y) = (mu^2 alpha_j/sigma^4)(x_j - E[W])^2 - (mu^2 alpha_j/sigma^2) "
            "sum_i x_i (alpha_i/sigma^2)(x_i - E[W])."
        ),
        conclusion=Identity(steps.weight_curvature, steps.weight_curvature_by_sum),
        range=Range("points", RealLine()),
        leans_on=("lem11.a",),
        derivation="score_curvature",
        remark=BY_QUOTIENT_RULE,
    ),
    Claim(
        id="lem11.c",
        kind="step",
        serves="lem11b",
        source=Source("proof of lemma 11, step c", 32),
        statement=(
            "alpha_j''(y) = (mu^2 alpha_j/sigma^2)(x_j - E[W])^2 - (mu^2 alpha_j/sigma^4)"
            "(E[W^2] - E[W]^2)."
        ),
        conclusion=Identity(steps.weight_curvature, steps.printed_weight_curvature),
        range=Range("points", RealLine()),
        leans_on=("lem11.b",),
        severity="typographical",
        remark=BY_QUOTIENT_RULE,
    ),
    Claim(
        id="lem11.c.r1",
        kind="step",
        form="repaired",
        repairs="lem11.c",
        change="sigma^4 in the first term as in lem11.b and lem11.d, where sigma^2 is printed.",
        serves="lem11b",
        source=Source("proof of lemma 11, step c", 32),
        statement=(
            "alpha_j''(y) = (mu^2 alpha_j/sigma^4)(x_j - E[W])^2 - (mu^2 alpha_j/sigma^4)"
            "(E[W^2] - E[W]^2)."
        ),
        conclusion=Identity(steps.weight_curvature, steps.weight_curvature_by_variance),
        range=Range("points", RealLine()),
        leans_on=("lem11.b",),
        derivation="score_curvature",
        remark=BY_QUOTIENT_RULE,
    ),
    Claim(
        id="lem11.d",
        kind="step",
        serves="lem11b",
        source=Source("proof of lemma 11, step d", 33),
        statement=(
            "alpha_j''(y) = (mu^2 alpha_j/sigma^4)(x_j^2 - 2 x_j E[W] - E[W^2] + 2 E[W]^2)."
        ),
        conclusion=Identity(steps.weight_curvature, steps.weight_curvature_by_moments),
        range=Range("points", RealLine()),
        leans_on=("lem11.c",),
        derivation="score_curvature",
        remark=BY_QUOTIENT_RULE,
    ),
    Claim(
        id="lem11.e",
        kind="step",
        serves="lem11b",
        source=Source("proof of lemma 11, step e", 33),
        statement=(
            "s*'' = (mu/sigma^2) sum_i x_i alpha_i'' = (mu^3/sigma^6)"
            "(E[W^3] - 3 E[W^2] E[W] + 2 E[W]^3)."
        ),
        conclusion=(
            Identity(bounds.twice_differentiated_score, steps.curvature_by_weights),
            Identity(steps.curvature_by_weights, steps.curvature_by_raw_moments),
        ),
        range=Range(y=RealLine()),
        leans_on=("lem11.d",),
        derivation="score_curvature",
        remark=BY_QUOTIENT_RULE,
    ),
)

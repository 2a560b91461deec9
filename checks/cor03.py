"""Slope jumps and risk of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Inequality, Interval, Places, Range, Source
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as steps

from ._premises import OUTERMOST, SPACING_TWO

SLOPE_JUMP = Inequality(
    bounds.slope_jump,
    ">=",
    bounds.slope_jump_bound,
    nonnegative_left=True,
    margin=bounds.slope_jump_margin,
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="cor03a",
        source=Source("corollary 3", 7),
        statement=(
            "If Delta >= 2 sigma/mu, for y in {x_i, x_{i+1}}: |s*'(y) - s*'(m_i)| >= "
            "(mu^2/sigma^4) ((x_i-x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        conclusion=SLOPE_JUMP,
        hypotheses=(SPACING_TWO,),
        range=Range("gaps", Places((bounds.left_point, bounds.right_point))),
        leans_on=("prop02a", "prop02c"),
        severity="typographical",
        remark="Literal: y is a training point, not its noised mean.",
    ),
    Claim(
        id="cor03a@mu",
        source=Source("corollary 3", 7),
        statement=(
            "If Delta >= 2 sigma/mu, for y in {mu x_i, mu x_{i+1}}: |s*'(y) - s*'(m_i)| >= "
            "(mu^2/sigma^4) ((x_i-x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        conclusion=SLOPE_JUMP,
        hypotheses=(SPACING_TWO,),
        range=Range("gaps", Places((bounds.left_mean, bounds.right_mean))),
        reading="mu",
        literal=False,
        leans_on=("prop02a", "prop02c"),
        derivation="posterior_bounds",
        remark="Read with the noised means, which is how theorem 4 uses it.",
    ),
    Claim(
        id="cor03a.r1",
        form="repaired",
        repairs="cor03a",
        change="y is a noised mean, mu x_i or mu x_{i+1}, not a training point: a mu is missing.",
        source=Source("corollary 3", 7),
        statement=(
            "If Delta >= 2 sigma/mu, for y in {mu x_i, mu x_{i+1}}: |s*'(y) - s*'(m_i)| >= "
            "(mu^2/sigma^4) ((x_i-x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        conclusion=SLOPE_JUMP,
        hypotheses=(SPACING_TWO,),
        range=Range("gaps", Places((bounds.left_mean, bounds.right_mean))),
        leans_on=("prop02a", "prop02c"),
        derivation="posterior_bounds",
        remark="The same statement as the reading cor03a@mu.",
    ),
    Claim(
        id="cor03b",
        source=Source("corollary 3, eq. 10", 7),
        statement=(
            "If Delta >= 2 sigma/mu: R_n(s*) <= (4 mu^2 (x_n - x_1)^2/sigma^4) "
            "exp(-mu^2 Delta^2/(32 sigma^2)); in particular this bound tends to 0 as sigma -> 0."
        ),
        enclosed_by="R_n(s*): rigorous integration; beyond spacing ratios of 300 a two-sided bound",
        conclusion=Inequality(bounds.risk_empirical_score, "<=", bounds.empirical_risk_bound),
        hypotheses=(SPACING_TWO,),
        leans_on=("cor03.a", "cor03.b", "cor03.c", "cor03.d"),
        derivation="posterior_bounds",
        remark="The limit is elementary: exp(-c/sigma^2)/sigma^4 tends to 0 for c > 0.",
    ),
    Claim(
        id="cor03b.s3",
        source=Source("corollary 3, eq. 10", 7),
        statement=(
            "If Delta >= 2 sigma/mu: R_n(s*) <= (5 mu^2 Delta^2/(2 sigma^4)) "
            "exp(-mu^2 Delta^2/(8 sigma^2))."
        ),
        enclosed_by="R_n(s*): rigorous integration; beyond spacing ratios of 300 a two-sided bound",
        conclusion=Inequality(bounds.risk_empirical_score, "<=", bounds.overlap_risk_bound),
        hypotheses=(SPACING_TWO,),
        form="sharpened",
        sharpens="cor03b",
        leans_on=("eq09",),
        derivation="score_overlap",
        change=(
            "The overlap of two noised densities bounds what either point "
            "costs, so four times the exponent and Delta in the place of x_n - x_1."
        ),
    ),
    Claim(
        id="cor03.a",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3, eq. 13", 24),
        statement=(
            "If Delta >= 2 sigma/mu, on |y - mu x_i| <= mu Delta/4: |s*(y) - (mu x_i - y)/sigma^2| "
            "<= (n mu Delta/sigma^2) exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(steps.score_residual, "<=", steps.score_residual_bound),
        hypotheses=(SPACING_TWO,),
        range=Range("points", Interval(bounds.quarter_below_mean, bounds.quarter_above_mean)),
        leans_on=("eq09", "prop02b"),
        derivation="posterior_bounds",
    ),
    Claim(
        id="cor03.b",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3", 24),
        statement=(
            "For every real y: |s*(y) + (y - mu x_i)/sigma^2| = (mu/sigma^2) |x_i - E[W(y)]| <= "
            "(mu/sigma^2)(x_n - x_1)."
        ),
        conclusion=(
            Identity(steps.score_plus_pull, steps.distance_from_mean),
            Inequality(
                steps.distance_from_mean,
                "<=",
                steps.scaled_spread,
                margin=steps.scaled_spread_margin,
            ),
        ),
        range=Range("points", OUTERMOST),
        leans_on=("eq09",),
        derivation="posterior_bounds",
        remark=(
            "The sides meet as y grows, so no window of the line is decided: at an instance looked "
            "at at the outermost means and midpoints and a noise level beyond."
        ),
    ),
    Claim(
        id="cor03.c",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3", 24),
        statement=(
            "If Delta >= 2 sigma/mu: R_n(s*) <= (n^2 mu^2 Delta^2/sigma^4) exp(-mu^2 Delta^2"
            "/(2 sigma^2)) + (2 mu^2 (x_n-x_1)^2/sigma^4) exp(-mu^2 Delta^2/(32 sigma^2))."
        ),
        enclosed_by="R_n(s*): rigorous integration; beyond spacing ratios of 300 a two-sided bound",
        conclusion=Inequality(bounds.risk_empirical_score, "<=", steps.two_part_risk_bound),
        hypotheses=(SPACING_TWO,),
        leans_on=("cor03.a", "cor03.b"),
        derivation="posterior_bounds",
    ),
    Claim(
        id="cor03.d",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3", 24),
        statement="n Delta <= 2 (x_n - x_1).",
        conclusion=Inequality(
            steps.size_times_spacing,
            "<=",
            steps.doubled_spread,
            margin=steps.doubled_spread_margin,
        ),
        derivation="posterior_bounds",
        remark="Equality at n = 2.",
    ),
)

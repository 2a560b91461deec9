"""Slope jumps and risk of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Places, Range, Source
from dsmverify.formulas import bounds

from ._premises import SPACING_TWO

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="cor03a",
        source=Source("corollary 3", 7),
        statement=(
            "If Delta >= 2 sigma/mu, for y in {x_i, x_{i+1}}: |s*'(y) - s*'(m_i)| >= "
            "(mu^2/sigma^4) ((x_i-x_{i+1})^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        conclusion=Inequality(
            bounds.slope_jump,
            ">=",
            bounds.slope_jump_bound,
            nonnegative_left=True,
            margin=bounds.slope_jump_margin,
        ),
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
        conclusion=Inequality(
            bounds.slope_jump,
            ">=",
            bounds.slope_jump_bound,
            nonnegative_left=True,
            margin=bounds.slope_jump_margin,
        ),
        hypotheses=(SPACING_TWO,),
        range=Range("gaps", Places((bounds.left_mean, bounds.right_mean))),
        reading="mu",
        literal=False,
        leans_on=("prop02a", "prop02c"),
        remark="Read with the noised means, which is how theorem 4 uses it.",
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
        remark="The limit is elementary: exp(-c/sigma^2)/sigma^4 tends to 0 for c > 0.",
    ),
)

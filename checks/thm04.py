"""Lower bound on the weighted variation of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Range, Source
from dsmverify.formulas import bounds
from dsmverify.formulas import weight_steps as steps

WIDE = Hypothesis(
    "16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1", bounds.scaled_spacing_decay, "<=", bounds.one
)
TEN_POINTS = Hypothesis("n >= 10", steps.sample_size, ">=", steps.ten)
INNER = Range(
    "gaps",
    where=(
        Hypothesis("i >= ceil(n/4)+1", steps.index_now, ">=", steps.first_inner_index),
        Hypothesis("i <= floor(3n/4)-1", steps.index_now, "<=", steps.last_inner_index),
    ),
)
INNER_SUM = Inequality(
    steps.inner_sum,
    ">=",
    steps.two_brackets,
    nonnegative_left=True,
    margin=steps.inner_sum_margin,
)
BRACKETS = Inequality(steps.two_brackets, ">=", steps.two_quarters)
ENCLOSED = "TV(s*): rigorous integration, signs decided by bisection; min pi by bisection"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="thm04",
        source=Source("theorem 4", 8),
        statement=(
            "If 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1 then "
            "TV(s*) >= mu^3 n Delta^3/(2^12 sigma^4)."
        ),
        enclosed_by="TV(s*): rigorous integration, signs decided by bisection",
        conclusion=Inequality(
            bounds.tv_empirical_score, ">=", bounds.tv_empirical_score_bound, nonnegative_left=True
        ),
        hypotheses=(WIDE,),
        leans_on=(
            "thm04.0",
            "thm04.a",
            "thm04.b",
            "thm04.c",
            "thm04.d",
            "thm04.d@every-n",
            "thm04.d2",
            "thm04.e",
            "cor03a@mu",
            "prop09a",
        ),
        derivation="total_variation",
    ),
    Claim(
        id="thm04.0",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "The hypothesis is equivalent to Delta^2 >= 4 (sigma^2/mu^2) ln(16 n^3); the condition "
            "16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1 implies Delta >= 2 sigma/mu."
        ),
        conclusion=(
            Inequality(steps.inverse_spacing_decay, ">=", steps.sixteen_cubes),
            Inequality(bounds.spacing, ">=", bounds.two_noise_levels),
        ),
        hypotheses=(WIDE,),
        derivation="weight_bounds",
        remark=(
            "The equivalent form is compared after both of its sides, times mu^2/(4 sigma^2), went "
            "through the increasing exponential; read backwards it is the hypothesis."
        ),
    ),
    Claim(
        id="thm04.a",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "TV(s*) >= sum_{i=1}^{n-1} min_{y in [mu x_i, mu x_{i+1}]} pi(y) "
            "(|s*'(m_i) - s*'(mu x_i)| + |s*'(m_i) - s*'(mu x_{i+1})|)."
        ),
        enclosed_by=ENCLOSED,
        conclusion=Inequality(
            bounds.tv_empirical_score,
            ">=",
            steps.slope_changes_by_least_weight,
            nonnegative_left=True,
        ),
        hypotheses=(WIDE,),
        derivation="weight_bounds",
        remark="True without the hypothesis, which the proof does not use here.",
    ),
    Claim(
        id="thm04.b",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "The sum of thm04.a is >= sum_i (mu/n^2)(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2(i-1)/2, (n-i)^2(n-i+1)/2) Delta * 2 (mu^2/sigma^4)((x_i-x_{i+1})^2/(2n) - "
            "4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        enclosed_by="min pi: bisection",
        conclusion=Inequality(
            steps.slope_changes_by_least_weight,
            ">=",
            steps.printed_gap_sum,
            nonnegative_left=True,
        ),
        hypotheses=(WIDE,),
        leans_on=("thm04.a", "prop09a", "cor03a@mu"),
        severity="step only",
        remark=(
            "Inherits the factor n-i+1 of prop09a. Fails at n = 3 and, at any n, where the last "
            "gap is much the largest; the theorem survives."
        ),
    ),
    Claim(
        id="thm04.b.r1",
        kind="step",
        form="repaired",
        repairs="thm04.b",
        change="n-i-1 for n-i+1, as in prop09a.r1.",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "The sum of thm04.a is >= sum_i (mu/n^2)(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2(i-1)/2, (n-i)^2(n-i-1)/2) Delta * 2 (mu^2/sigma^4)((x_i-x_{i+1})^2/(2n) - "
            "4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        enclosed_by="min pi: bisection",
        conclusion=Inequality(
            steps.slope_changes_by_least_weight,
            ">=",
            steps.repaired_gap_sum,
            nonnegative_left=True,
        ),
        hypotheses=(WIDE,),
        leans_on=("thm04.a", "prop09a.r1", "cor03a@mu"),
        derivation="weight_bounds",
        remark="At n = 2 and n = 3 the right side is 0.",
    ),
    Claim(
        id="thm04.c",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "For ceil(n/4)+1 <= i <= floor(3n/4)-1: min(i^2(i-1)/2, (n-i)^2(n-i+1)/2) >= n^3/128."
        ),
        conclusion=Inequality(steps.halved_factor, ">=", steps.cube_share),
        range=INNER,
        derivation="weight_bounds",
    ),
    Claim(
        id="thm04.c.r1",
        kind="step",
        form="repaired",
        repairs="thm04.c",
        change="n-i-1 for n-i+1, the factor of prop09a.r1: true with the same n^3/128.",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "For ceil(n/4)+1 <= i <= floor(3n/4)-1: min(i^2(i-1)/2, (n-i)^2(n-i-1)/2) >= n^3/128."
        ),
        conclusion=Inequality(steps.repaired_halved_factor, ">=", steps.cube_share),
        range=INNER,
        derivation="weight_bounds",
    ),
    Claim(
        id="thm04.d",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "At least n/4 integers lie between ceil(n/4)+1 and floor(3n/4)-1 (for n >= 10)."
        ),
        conclusion=Inequality(steps.inner_count, ">=", steps.quarter_size),
        hypotheses=(TEN_POINTS,),
        derivation="weight_bounds",
    ),
    Claim(
        id="thm04.d@every-n",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement="At least n/4 integers lie between ceil(n/4)+1 and floor(3n/4)-1.",
        conclusion=Inequality(steps.inner_count, ">=", steps.quarter_size, nonnegative_left=True),
        reading="every-n",
        literal=False,
        severity="step only",
        remark=(
            "Read without its restriction, as the theorem uses it: it has no condition on n. Fails "
            "exactly for n in {2, 3, 5, 6, 9}."
        ),
    ),
    Claim(
        id="thm04.d2",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "TV(s*) >= sum_{i=ceil(n/4)+1}^{floor(3n/4)-1} (mu^3 n Delta/(64 sigma^4)) "
            "(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) (Delta^2/(2n) - 4 n^2 Delta^2 "
            "exp(-mu^2 Delta^2/(4 sigma^2)))."
        ),
        enclosed_by="TV(s*): rigorous integration, signs decided by bisection",
        conclusion=Inequality(
            bounds.tv_empirical_score, ">=", steps.inner_sum, nonnegative_left=True
        ),
        hypotheses=(WIDE,),
        leans_on=("thm04.b", "thm04.c"),
        derivation="weight_bounds",
        remark="The sum is empty, and its value 0, at n = 2, 3 and 5.",
    ),
    Claim(
        id="thm04.e",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "The sum of thm04.d2 is >= (mu^3 n Delta^3/(256 sigma^4)) (1/2 - exp(-mu^2 Delta^2"
            "/(2 sigma^2))) (1/2 - 4 n^3 exp(-mu^2 Delta^2/(4 sigma^2))) >= "
            "(mu^3 n Delta^3/(256 sigma^4)) (1/2 - 1/4)(1/2 - 1/4)."
        ),
        conclusion=(INNER_SUM, BRACKETS),
        hypotheses=(WIDE,),
        leans_on=("thm04.d2", "thm04.d@every-n"),
        severity="step only",
        remark=(
            "The sum has fewer than n/4 terms for n in {2, 3, 5, 6, 9}; the theorem, without a "
            "condition on n, survives there by its own room of a factor 64."
        ),
    ),
    Claim(
        id="thm04.e.r1",
        kind="step",
        form="repaired",
        repairs="thm04.e",
        change="For n >= 10, the restriction that thm04.d carries.",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "For n >= 10 the sum of thm04.d2 is >= (mu^3 n Delta^3/(256 sigma^4)) (1/2 - "
            "exp(-mu^2 Delta^2/(2 sigma^2))) (1/2 - 4 n^3 exp(-mu^2 Delta^2/(4 sigma^2))) >= "
            "(mu^3 n Delta^3/(256 sigma^4)) (1/2 - 1/4)(1/2 - 1/4)."
        ),
        conclusion=(INNER_SUM, BRACKETS),
        hypotheses=(WIDE, TEN_POINTS),
        leans_on=("thm04.d2", "thm04.d"),
        derivation="weight_bounds",
    ),
    Claim(
        id="thm04.f",
        kind="step",
        serves="thm04",
        source=Source("remark on theorem 4", 9),
        statement=(
            "With mu = exp(-t), sigma^2 = 1 - exp(-2t), small t: mu^3/sigma^4 >= 1/(8 t^2)."
        ),
        conclusion=Inequality(steps.diffusion_scale, ">=", steps.inverse_square_time),
        subject="function",
        parameters=("t",),
        hypotheses=(
            Hypothesis("t > 0", steps.time, ">", bounds.zero),
            Hypothesis("t <= 1/5", steps.time, "<=", steps.small_time),
        ),
        derivation="weight_bounds",
        remark=(
            "'Small t' is read as t <= 1/5; the proof gives every t up to ln(2)/3, about 0.231."
        ),
    ),
)

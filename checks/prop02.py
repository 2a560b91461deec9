"""Mean and variance of the posterior near a training point and at a midpoint."""

from __future__ import annotations

from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Range,
    Source,
)
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as steps

from ._premises import SPACING_TWO

NEAR_MEAN = Range("points", Interval(bounds.quarter_below_mean, bounds.quarter_above_mean))
THREE_PLACES = Range(
    "points", Places((bounds.quarter_below_mean, bounds.left_mean, bounds.quarter_above_mean))
)
MIDPOINT_AND_POINT = Range(
    "others", where=(Hypothesis("i <= n-1", steps.index_now, "<=", steps.last_gap),)
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop02a",
        source=Source("proposition 2", 7),
        statement="V[W(m_i)] >= (x_i - x_{i+1})^2/(2n) for 1 <= i <= n-1.",
        conclusion=Inequality(
            bounds.variance_at_midpoint,
            ">=",
            bounds.squared_gap_share,
            nonnegative_left=True,
            margin=bounds.midpoint_variance_margin,
        ),
        range=Range("gaps"),
        leans_on=("prop02.c", "prop02.c2", "prop02.d"),
        derivation="posterior_bounds",
        remark="Equality at n = 2.",
    ),
    Claim(
        id="prop02b",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "|E[W(y)] - x_i| <= n Delta exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(bounds.mean_distance, "<=", bounds.mean_distance_bound),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        leans_on=("prop02.a0", "prop02.a", "prop02.b", "lem13"),
        derivation="posterior_bounds",
    ),
    Claim(
        id="prop02c",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "V[W(y)] <= 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(bounds.variance, "<=", bounds.variance_bound),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        leans_on=("prop02.e", "prop02b", "lem13"),
        derivation="posterior_bounds",
    ),
    Claim(
        id="prop02.a0",
        kind="step",
        serves="prop02b",
        source=Source("proof of proposition 2", 22),
        statement=(
            "With x = y/mu, |x - x_i| <= Delta/4: E[W(mu x)] - x_i = sum_i' (x_i' - x_i) alpha_i' "
            "<= sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i' - x_i)(x_i' + x_i - 2x)/(2 sigma^2))."
        ),
        conclusion=(
            Identity(steps.offset_of_mean, steps.offset_by_weights),
            Inequality(
                steps.anchored_offset,
                "<=",
                steps.later_ratio_sum,
                margin=steps.later_ratio_margin,
            ),
        ),
        range=THREE_PLACES,
        derivation="posterior_bounds",
        remark="True for every y; at an instance looked at at the ends of the range and at mu x_i.",
    ),
    Claim(
        id="prop02.a",
        kind="step",
        serves="prop02b",
        source=Source("proof of proposition 2, eq. 12", 22),
        statement=(
            "For i' > i, with -(x_i' - x_i)/4 <= -Delta/4 <= x_i - x <= 0, which implies "
            "x_i' - x >= (3/4)(x_i' - x_i), x_i' + x_i - 2x >= (1/2)(x_i' - x_i) >= 0; therefore "
            "E[W(mu x)] - x_i <= sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i-x_i')^2/(4 sigma^2))."
        ),
        conclusion=(
            Inequality(
                steps.quarter_distance, ">=", steps.quarter_spacing, margin=steps.gap_margin
            ),
            Inequality(
                steps.distance_ahead, ">=", steps.three_quarter_distance, margin=steps.gap_margin
            ),
            Inequality(
                steps.sum_less_twice, ">=", steps.half_distance, margin=steps.double_gap_margin
            ),
            Inequality(steps.half_distance, ">=", bounds.zero),
            Inequality(
                steps.offset_at_worst_place,
                "<=",
                steps.later_half_kernel_sum,
                margin=steps.later_half_kernel_margin,
            ),
        ),
        range=Range("pairs"),
        leans_on=("prop02.a0",),
        derivation="posterior_bounds",
        remark=(
            "Left sides are monotone in x and right sides do not contain it, so the end "
            "x = x_i + Delta/4 is the worst; there the sides are evaluated. Equal where the gap is "
            "Delta."
        ),
    ),
    Claim(
        id="prop02.b",
        kind="step",
        serves="prop02b",
        source=Source("proof of proposition 2", 22),
        statement=(
            "If Delta >= 2 sigma/mu: sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i-x_i')^2/(4 sigma^2)) "
            "<= n Delta exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(steps.later_half_kernel_sum, "<=", bounds.mean_distance_bound),
        hypotheses=(SPACING_TWO,),
        range=Range("points"),
        leans_on=("lem13",),
        derivation="posterior_bounds",
    ),
    Claim(
        id="prop02.c",
        kind="step",
        serves="prop02a",
        source=Source("proof of proposition 2", 23),
        statement="alpha_i(m_i) >= 1/n and alpha_{i+1}(m_i) >= 1/n.",
        conclusion=(
            Inequality(
                steps.weight_at_midpoint,
                ">=",
                steps.equal_share,
                margin=steps.midpoint_share_margin,
            ),
            Inequality(
                steps.next_weight_at_midpoint,
                ">=",
                steps.equal_share,
                margin=steps.midpoint_share_margin,
            ),
        ),
        range=Range("gaps"),
        leans_on=("prop02.c2",),
        derivation="posterior_bounds",
        remark="Equality at n = 2.",
    ),
    Claim(
        id="prop02.c2",
        kind="step",
        serves="prop02a",
        source=Source("proof of proposition 2", 23),
        statement=(
            "alpha_i(m_i) = exp(-mu^2 (m_i - x_i)^2/(2 sigma^2)) / sum_{j=1}^n exp(-mu^2 "
            "(m_i - x_i)^2/(2 sigma^2)) and exp(-mu^2 (m_i - x_j)^2/(2 sigma^2)) <= "
            "exp(-mu^2 (m_i - x_i)^2/(2 sigma^2)) for 1 <= j <= n."
        ),
        conclusion=(
            Identity(steps.weight_at_midpoint, steps.printed_midpoint_share),
            Inequality(steps.other_printed_kernel, "<=", steps.own_printed_kernel),
        ),
        range=MIDPOINT_AND_POINT,
        severity="typographical",
        remark=(
            "Literal: the sum's terms do not depend on its index, so the right side is 1/n; and "
            "m_i carries a mu already, so x_i is not its neighbour. The index j is called i' here."
        ),
    ),
    Claim(
        id="prop02.c2.r1",
        kind="step",
        form="repaired",
        repairs="prop02.c2",
        change=(
            "The sum's terms get its index j, and m_i, which carries a mu already, is compared "
            "with mu x_j."
        ),
        serves="prop02a",
        source=Source("proof of proposition 2", 23),
        statement=(
            "alpha_i(m_i) = exp(-(m_i - mu x_i)^2/(2 sigma^2)) / sum_{j=1}^n exp(-(m_i - mu x_j)^2"
            "/(2 sigma^2)) and exp(-(m_i - mu x_j)^2/(2 sigma^2)) <= exp(-(m_i - mu x_i)^2"
            "/(2 sigma^2)) for 1 <= j <= n."
        ),
        conclusion=(
            Identity(steps.weight_at_midpoint, steps.midpoint_share),
            Inequality(
                steps.other_kernel_at_midpoint,
                "<=",
                steps.own_kernel_at_midpoint,
                margin=steps.kernel_margin_at_midpoint,
            ),
        ),
        range=MIDPOINT_AND_POINT,
        derivation="posterior_bounds",
        remark="Equality at j = i+1. The index j is called i' here.",
    ),
    Claim(
        id="prop02.d",
        kind="step",
        serves="prop02a",
        source=Source("proof of proposition 2", 23),
        statement=(
            "V[W(m_i)] >= (1/n)((x_i - E W)^2 + (x_{i+1} - E W)^2) >= (x_i - x_{i+1})^2/(2n)."
        ),
        conclusion=(
            Inequality(
                bounds.variance_at_midpoint,
                ">=",
                steps.neighbour_deviations,
                nonnegative_left=True,
                margin=steps.dropped_terms_margin,
            ),
            Inequality(
                steps.neighbour_deviations,
                ">=",
                bounds.squared_gap_share,
                nonnegative_left=True,
                margin=steps.off_centre_margin,
            ),
        ),
        range=Range("gaps"),
        leans_on=("prop02.c",),
        derivation="posterior_bounds",
        remark=(
            "The first part is an equality at n = 2, the second wherever E W is the middle of x_i "
            "and x_{i+1}, by symmetry say: there only the proof decides."
        ),
    ),
    Claim(
        id="prop02.e",
        kind="step",
        serves="prop02c",
        source=Source("proof of proposition 2", 23),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: (x_i' - E W)^2 <= "
            "2 (x_i' - x_i)^2 + 2 n^2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)) for every i'; "
            "V[W(mu x)] <= 2 n^2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)) + 2 sum_{i' != i} "
            "(x_i' - x_i)^2 exp(-mu^2 (x_i' - x_i)^2/(4 sigma^2)) <= 2 n^2 Delta^2 exp(-mu^2 "
            "Delta^2/(2 sigma^2)) + 2 n Delta^2 exp(-mu^2 Delta^2/(4 sigma^2)) <= "
            "4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=(
            Inequality(steps.excess_deviation, "<=", steps.squared_mean_bound),
            Inequality(bounds.variance, "<=", steps.variance_by_half_kernels),
            Inequality(steps.variance_by_half_kernels, "<=", steps.variance_by_spacing),
            Inequality(steps.variance_by_spacing, "<=", bounds.variance_bound),
        ),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        leans_on=("prop02b", "prop02.a", "lem13"),
        derivation="posterior_bounds",
        remark=(
            "The first inequality is evaluated as its largest (x_i' - E W)^2 - 2 (x_i' - x_i)^2, "
            "over all i' at once."
        ),
    ),
)

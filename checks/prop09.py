"""Bounds on the weight pi."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Inequality, Interval, Places, Range, Source
from dsmverify.formulas import bounds
from dsmverify.formulas import weight_steps as steps

IN_GAP = Range("gaps", Interval(bounds.left_mean, bounds.right_mean))
INSIDE_GAP = Range(
    "gaps", Places((steps.quarter_place, steps.middle_place, steps.three_quarter_place))
)
MIDDLE_AND_RIGHT_END = Range("gaps", Places((steps.middle_place, bounds.right_mean)))
LEFT_END_AND_MIDDLE = Range("gaps", Places((bounds.left_mean, steps.middle_place)))

LINEAR = (
    "Both sides are linear in y: at an instance looked at in the middle of the gap and at the "
    "closed end. At the open end the inequality is an equality in the limit."
)
ENDS_AND_MIDDLE = (
    "; the other parts are inside the gap, at m_i. Fails at one end of the range only, which pi, "
    "an average over the noise, does not see."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop09a",
        source=Source("proposition 9", 18),
        statement=(
            "For 1 <= i <= n-1 and y in [mu x_i, mu x_{i+1}]: pi(y) >= (mu/n^2) "
            "(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2 (i-1)/2, (n-i)^2 (n-i+1)/2) Delta."
        ),
        conclusion=Inequality(bounds.weight, ">=", bounds.weight_floor, nonnegative_left=True),
        range=IN_GAP,
        leans_on=("prop09.0", "prop09.a", "prop09.b", "prop09.c", "prop09.d", "prop09.e"),
        severity="statement",
    ),
    Claim(
        id="prop09a.r1",
        form="repaired",
        repairs="prop09a",
        change=(
            "n-i-1 for n-i+1 in the last factor: prop09.c sums over i' > i+1, and that sum has "
            "n-i-1 terms, the mirror image of the i-1 terms of the first."
        ),
        source=Source("proposition 9", 18),
        statement=(
            "For 1 <= i <= n-1 and y in [mu x_i, mu x_{i+1}]: pi(y) >= (mu/n^2) "
            "(1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta."
        ),
        conclusion=Inequality(
            bounds.weight, ">=", steps.repaired_weight_floor, nonnegative_left=True
        ),
        range=IN_GAP,
        leans_on=("prop09.c", "prop09.d", "prop09.e", "prop09.e.r1"),
        derivation="weight_bounds",
    ),
    Claim(
        id="prop09a.r2",
        form="repaired",
        repairs="prop09a",
        change=(
            "The weight is min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]) with the noised point "
            "Y, for which prop10 holds too; the factor 1/2 - exp(..) becomes 1/2."
        ),
        source=Source("proposition 9", 18),
        statement=(
            "For 1 <= i <= n-1, y in [mu x_i, mu x_{i+1}] and Y the noised point: "
            "min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]) >= (mu/(2 n^2)) "
            "min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta."
        ),
        conclusion=Inequality(
            steps.noised_weight, ">=", steps.noised_weight_floor, nonnegative_left=True
        ),
        range=IN_GAP,
        leans_on=("prop09.e", "prop09.e.r1"),
        derivation="weight_bounds",
        remark="P(Y < y) >= i/(2n) right of mu x_i, and E[(y - Y)_+] by Jensen's inequality.",
    ),
    Claim(
        id="prop09b",
        source=Source("proposition 9", 18),
        statement="For every real y: pi(y) <= mu (x_n - x_1).",
        conclusion=Inequality(bounds.weight, "<=", bounds.weight_ceiling),
        range=Range(y=Interval(bounds.lowest_mean, bounds.highest_mean)),
        leans_on=("prop09.f",),
        derivation="weight_bounds",
        remark="pi is 0 outside the closed range of the noised means.",
    ),
    Claim(
        id="prop09.0",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9", 18),
        statement=(
            "For y = mu x in [mu x_i, mu x_{i+1}]: P(mu U < y)^2 = i^2/n^2 and E[y - mu U | mu U < "
            "y] = mu (x - (1/i) sum_{i'<=i} x_i')."
        ),
        conclusion=(
            Identity(steps.squared_share_at_left_end, steps.squared_share),
            Identity(steps.squared_share_inside, steps.squared_share),
            Identity(steps.mean_below_at_midpoint, steps.printed_mean_below_at_midpoint),
        ),
        range=Range("gaps"),
        severity="null set",
        remark=(
            "The first part is the end y = mu x_i of the closed range, where x_i itself is not "
            "below y and the probability is (i-1)/n" + ENDS_AND_MIDDLE
        ),
    ),
    Claim(
        id="prop09.0.r1",
        kind="step",
        form="repaired",
        repairs="prop09.0",
        change="The range is open at y = mu x_i, where x_i is not below y.",
        serves="prop09a",
        source=Source("proof of proposition 9", 18),
        statement=(
            "For y = mu x in (mu x_i, mu x_{i+1}]: P(mu U < y)^2 = i^2/n^2 and E[y - mu U | mu U < "
            "y] = mu (x - (1/i) sum_{i'<=i} x_i')."
        ),
        conclusion=(
            Identity(steps.squared_share_inside, steps.squared_share),
            Identity(steps.mean_below, steps.printed_mean_below),
        ),
        range=MIDDLE_AND_RIGHT_END,
        derivation="weight_bounds",
    ),
    Claim(
        id="prop09.a",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step a", 18),
        statement=(
            "For y = mu x in [mu x_i, mu x_{i+1}]: pi^-(mu x) = (mu i^2/n^2)"
            "(x - (1/i) sum_{i'<=i} x_i') >= (mu i/n^2) sum_{i'<i} (x_i - x_i')."
        ),
        conclusion=(
            Identity(steps.below_weight_at_left_end, steps.printed_below_weight_at_left_end),
            Inequality(
                steps.below_weight_at_left_end,
                ">=",
                steps.below_weight_floor,
                nonnegative_left=True,
            ),
            Identity(steps.below_weight_at_midpoint, steps.printed_below_weight_at_midpoint),
            Inequality(
                steps.below_weight_at_midpoint,
                ">=",
                steps.below_weight_floor,
                nonnegative_left=True,
            ),
        ),
        range=Range("gaps"),
        leans_on=("prop09.0",),
        severity="null set",
        remark=(
            "The first two parts are the end y = mu x_i of the closed range, where pi^- is smaller "
            "by the factor (i-1)/i" + ENDS_AND_MIDDLE + " Not at n = 2, where pi^- is 0 there."
        ),
    ),
    Claim(
        id="prop09.a.r1",
        kind="step",
        form="repaired",
        repairs="prop09.a",
        change="The range is open at y = mu x_i, where pi^- has not made its jump yet.",
        serves="prop09a",
        source=Source("proof of proposition 9, step a", 18),
        statement=(
            "For y = mu x in (mu x_i, mu x_{i+1}]: pi^-(mu x) = (mu i^2/n^2)"
            "(x - (1/i) sum_{i'<=i} x_i') >= (mu i/n^2) sum_{i'<i} (x_i - x_i')."
        ),
        conclusion=(
            Identity(steps.below_weight, steps.printed_below_weight),
            Inequality(steps.below_weight, ">=", steps.below_weight_floor, nonnegative_left=True),
        ),
        range=MIDDLE_AND_RIGHT_END,
        leans_on=("prop09.0.r1",),
        derivation="weight_bounds",
        remark=LINEAR,
    ),
    Claim(
        id="prop09.b",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step b", 18),
        statement=(
            "For y = mu x in [mu x_i, mu x_{i+1}]: pi^+(mu x) = (mu (n-i)^2/n^2)"
            "((1/(n-i)) sum_{i'>i} x_i' - x) >= (mu (n-i)/n^2) sum_{i'>i+1} (x_i' - x_{i+1})."
        ),
        conclusion=(
            Identity(steps.above_weight_at_right_end, steps.printed_above_weight_at_right_end),
            Inequality(
                steps.above_weight_at_right_end,
                ">=",
                steps.above_weight_floor,
                nonnegative_left=True,
            ),
            Identity(steps.above_weight_at_midpoint, steps.printed_above_weight_at_midpoint),
            Inequality(
                steps.above_weight_at_midpoint,
                ">=",
                steps.above_weight_floor,
                nonnegative_left=True,
            ),
        ),
        range=Range("gaps"),
        leans_on=("prop09.0",),
        severity="null set",
        remark=(
            "The first two parts are the end y = mu x_{i+1} of the closed range, where pi^+ is "
            "smaller by the factor (n-i-1)/(n-i)"
            + ENDS_AND_MIDDLE
            + " Not at n = 2, where pi^+ is 0 there."
        ),
    ),
    Claim(
        id="prop09.b.r1",
        kind="step",
        form="repaired",
        repairs="prop09.b",
        change="The range is open at y = mu x_{i+1}, where pi^+ has made its jump already.",
        serves="prop09a",
        source=Source("proof of proposition 9, step b", 18),
        statement=(
            "For y = mu x in [mu x_i, mu x_{i+1}): pi^+(mu x) = (mu (n-i)^2/n^2)"
            "((1/(n-i)) sum_{i'>i} x_i' - x) >= (mu (n-i)/n^2) sum_{i'>i+1} (x_i' - x_{i+1})."
        ),
        conclusion=(
            Identity(steps.above_weight, steps.printed_above_weight),
            Inequality(steps.above_weight, ">=", steps.above_weight_floor, nonnegative_left=True),
        ),
        range=LEFT_END_AND_MIDDLE,
        leans_on=("prop09.0.r1",),
        derivation="weight_bounds",
        remark=LINEAR,
    ),
    Claim(
        id="prop09.c",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step c", 19),
        statement=(
            "For y = mu x in [mu x_i, mu x_{i+1}]: pi(mu x) >= (mu/n^2) min{i sum_{i'<i} "
            "(x_i - x_i'), (n-i) sum_{i'>i+1} (x_i' - x_{i+1})} "
            "P_{z ~ N(0,1)}(mu (x_i - x) < sigma z < mu (x_{i+1} - x))."
        ),
        conclusion=Inequality(
            bounds.weight, ">=", steps.weight_floor_by_sums, nonnegative_left=True
        ),
        range=IN_GAP,
        leans_on=("prop09.a", "prop09.b"),
        derivation="weight_bounds",
    ),
    Claim(
        id="prop09.d",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step d", 19),
        statement=(
            "For mu x in [mu x_i, mu x_{i+1}]: P(mu (x_i - x) < sigma z < mu (x_{i+1} - x)) >= "
            "P(0 < sigma z < mu (x_{i+1} - x_i)) >= 1/2 - exp(-mu^2 (x_i - x_{i+1})^2"
            "/(2 sigma^2))."
        ),
        conclusion=(
            Inequality(
                steps.gap_probability, ">=", steps.half_gap_probability, nonnegative_left=True
            ),
            Inequality(
                steps.half_gap_probability,
                ">=",
                steps.gap_decay_floor,
                nonnegative_left=True,
                margin=steps.gap_decay_margin,
            ),
        ),
        range=INSIDE_GAP,
        derivation="weight_bounds",
        remark=(
            "At both ends of the range the first two sides are the same number; at an instance "
            "looked at at its quarters."
        ),
    ),
    Claim(
        id="prop09.e",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step e", 19),
        statement=(
            "sum_{i'<i} (x_i - x_i') >= (i(i-1)/2) Delta and "
            "sum_{i'>i} (x_i' - x_i) >= ((n-i)(n-i+1)/2) Delta."
        ),
        conclusion=(
            Inequality(
                steps.distances_below,
                ">=",
                steps.spacings_below,
                nonnegative_left=True,
                margin=steps.distances_below_margin,
            ),
            Inequality(
                steps.distances_above,
                ">=",
                steps.spacings_above,
                nonnegative_left=True,
                margin=steps.distances_above_margin,
            ),
        ),
        range=Range("gaps"),
        derivation="weight_bounds",
        remark=(
            "Equality for equispaced points. True as printed, but the second sum is not the one "
            "of prop09.b and prop09.c, which starts at i+2 from x_{i+1}: see prop09.e.r1."
        ),
    ),
    Claim(
        id="prop09.e.r1",
        kind="step",
        form="repaired",
        repairs="prop09.e",
        change=(
            "The second sum is the one that prop09.c has, over i' > i+1 from x_{i+1}: it has one "
            "term less, which turns n-i+1 into n-i-1 in proposition 9."
        ),
        serves="prop09a",
        source=Source("proof of proposition 9, step e", 19),
        statement=(
            "sum_{i'<i} (x_i - x_i') >= (i(i-1)/2) Delta and "
            "sum_{i'>i+1} (x_i' - x_{i+1}) >= ((n-i)(n-i-1)/2) Delta."
        ),
        conclusion=(
            Inequality(
                steps.distances_below,
                ">=",
                steps.spacings_below,
                nonnegative_left=True,
                margin=steps.distances_below_margin,
            ),
            Inequality(
                steps.distances_above_next,
                ">=",
                steps.spacings_above_next,
                nonnegative_left=True,
                margin=steps.distances_above_next_margin,
            ),
        ),
        range=Range("gaps"),
        derivation="weight_bounds",
        remark="Equality for equispaced points.",
    ),
    Claim(
        id="prop09.f",
        kind="step",
        serves="prop09b",
        source=Source("proof of proposition 9, step f", 19),
        statement="E[y - mu U | mu U < y] = mu E[x - U | U < x] <= mu (x_1 - x_n).",
        conclusion=(
            Identity(steps.mean_below, steps.scaled_mean_below),
            Inequality(steps.mean_below, "<=", steps.negative_spread),
        ),
        range=IN_GAP,
        severity="typographical",
        remark="The left side is positive and the right side negative, for every y between means.",
    ),
    Claim(
        id="prop09.f.r1",
        kind="step",
        form="repaired",
        repairs="prop09.f",
        change=(
            "x_n - x_1 for x_1 - x_n, and y at most mu x_n: beyond, the mean grows without bound, "
            "but there pi^+ is 0."
        ),
        serves="prop09b",
        source=Source("proof of proposition 9, step f", 19),
        statement=(
            "For mu x_1 < y = mu x <= mu x_n: E[y - mu U | mu U < y] = mu E[x - U | U < x] <= "
            "mu (x_n - x_1)."
        ),
        conclusion=(
            Identity(steps.mean_below, steps.scaled_mean_below),
            Inequality(steps.mean_below, "<=", bounds.weight_ceiling),
        ),
        range=INSIDE_GAP,
        derivation="weight_bounds",
        remark=(
            "Equality at n = 2 and y = mu x_2. Both sides are linear in y: at an instance looked "
            "at at the quarters of every gap."
        ),
    ),
)

"""Sharpened forms: printed inequalities with a better constant, each with its proof.

A row here improves on one that stands, or on the repaired form of one that does not. What is known
of the constants that cannot be improved is in `SHARP`.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsmverify.claims import Claim, Hypothesis, Inequality, Interval, Places, Range, Source
from dsmverify.formulas import bounds, network_steps, sharper
from dsmverify.formulas import posterior_steps as posterior
from dsmverify.formulas import weight_steps as weights

from ._networks import SMALL_RISK
from ._premises import IN_CLASS, SPACING_EIGHT, SPACING_TWO

NEAR_MEAN = Range(
    "points", Places((bounds.quarter_below_mean, bounds.left_mean, bounds.quarter_above_mean))
)
ENDS = "At an instance looked at at the two ends of the range, where it is tightest, and at mu x_i."
IN_GAP = Range("gaps", Interval(bounds.left_mean, bounds.right_mean))
MEANS = Range("gaps", Places((bounds.left_mean, bounds.right_mean)))
SIX_PLACES = Places(
    (
        posterior.before_all,
        posterior.first_mean,
        posterior.first_midpoint,
        posterior.last_midpoint,
        posterior.last_mean,
        posterior.beyond_all,
    )
)
BEYOND = Places((bounds.zero, bounds.sigma, posterior.eight_sigmas, posterior.sixty_four_sigmas))
NEVER_POSITIVE = Range(
    "points",
    where=(
        Hypothesis(
            "s_theta <= 0 on [mu x_i - mu Delta/2, mu x_i]",
            network_steps.highest_left,
            "<=",
            bounds.zero,
        ),
    ),
)
WIDE = Hypothesis(
    "16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1", bounds.scaled_spacing_decay, "<=", bounds.one
)
TEN_POINTS = Hypothesis("n >= 10", weights.sample_size, ">=", weights.ten)
WIDTHS = (
    Hypothesis("beta > gamma", bounds.beta, ">", bounds.gamma),
    Hypothesis("gamma > 0", bounds.gamma, ">", bounds.zero),
    Hypothesis("delta > 0", bounds.half_width, ">", bounds.zero),
)
RISK = "R_n(s*): rigorous integration; beyond spacing ratios of 300 a two-sided bound"
MASS = "int |s*''|: rigorous integration, signs decided by bisection, tail bounded"

SHARP: Mapping[str, str] = {
    "prop02a": "Attained at n = 2; for n >= 3 prop02a.s1 is larger by the factor 2(n-1)/n.",
    "prop02b": "Not attained: prop02b.s1 has 1 for n, and 1 is approached as kappa grows.",
    "prop02c": "Not attained: prop02c.s1 has 1 for 4 n^2, and 1 is approached as kappa grows.",
    "prop02.c": "Attained at n = 2, approached for every n as all weights tend to 1/n.",
    "prop02.c2.r1": "The inequality is attained at j = i+1.",
    "prop02.d": "First part attained at n = 2, second wherever E W is midway between the two.",
    "cor03.b": "Approached for i = 1 and i = n as y tends to the other infinity.",
    "cor03.d": "Attained at n = 2; cor03.d.s1 is attained by equispaced points at every n.",
    "prop09b": "Not attained: prop09b.s1 has mu (x_n - x_1)/8, approached at n = 2.",
    "prop09.e": "Attained by equispaced points.",
    "prop09.e.r1": "Attained by equispaced points.",
    "prop09.a.r1": "Approached as x tends to x_i.",
    "prop09.b.r1": "Approached as x tends to x_{i+1}.",
    "thm04.c": "Approached as n grows, at i = ceil(n/4) + 1.",
    "thm04.d": "Not attained for n >= 10: thm04.d.s1 has 3n/10, attained at n = 10.",
    "lem12.b2": "The last part is not attained: lem12.b2.s1 is, at n = 2.",
    "lem14.a.r1": "Attained by f(x) = -gamma x.",
    "lem14a": "Approached by f(x) = -gamma x as delta grows.",
    "lem14b": "Approached as delta/sigma grows; lem14b.s1 loses half as much in the tail.",
    "thm08.e2": "The two sides are the same number: the constant of eq. 19 is made for it.",
    "thm08.g": "The constants fit exactly: 2^-11 - 2^-12 - 2^-13 = 2^-13.",
}
"""What is proved of printed constants: attained, approached or neither, by id."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop02a.s1",
        source=Source("proposition 2", 7),
        statement="V[W(m_i)] >= (n-1) (x_i - x_{i+1})^2/n^2 for 1 <= i <= n-1.",
        conclusion=Inequality(
            bounds.variance_at_midpoint,
            ">=",
            sharper.split_share,
            nonnegative_left=True,
            margin=sharper.split_share_margin,
        ),
        range=Range("gaps"),
        form="sharpened",
        sharpens="prop02a",
        change=(
            "(n-1)/n^2 for 1/(2n): V[W] is at least the part of it between the points up to x_i "
            "and those from x_{i+1} on, (x_i - x_{i+1})^2 P (1-P) with 1/n <= P <= 1 - 1/n; "
            "attained at n = 2, approached for every n."
        ),
        leans_on=("prop02.c",),
        derivation="sharper_posterior",
    ),
    Claim(
        id="prop02a.s2",
        source=Source("proposition 2", 7),
        statement=("If Delta >= 2 sigma/mu: V[W(m_i)] >= (x_i - x_{i+1})^2/4 for 1 <= i <= n-1."),
        conclusion=Inequality(
            bounds.variance_at_midpoint,
            ">=",
            sharper.quarter_of_squared_gap,
            nonnegative_left=True,
            margin=sharper.quarter_of_squared_gap_margin,
        ),
        hypotheses=(SPACING_TWO,),
        range=Range("gaps"),
        form="sharpened",
        sharpens="prop02a",
        change=(
            "1/4 for 1/(2n) under the condition of the other parts: the points beyond the two "
            "weigh little there and lie farther out, so they only add; attained at n = 2, "
            "approached for every n as kappa grows."
        ),
        derivation="sharper_posterior",
    ),
    Claim(
        id="prop02b.s1",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "|E[W(y)] - x_i| <= Delta exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(
            bounds.mean_distance,
            "<=",
            sharper.mean_distance_bound,
            margin=sharper.mean_distance_margin,
        ),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        form="sharpened",
        sharpens="prop02b",
        change=(
            "1 for n: beyond the nearest point the terms fall like exp(-3 kappa^2/4) from one to "
            "the next, and what all weigh in the denominator pays for them; approached as kappa "
            "grows, at the ends of the range."
        ),
        remark=ENDS,
        derivation="sharper_posterior",
    ),
    Claim(
        id="prop02c.s1",
        source=Source("proposition 2", 7),
        statement=(
            "If |y - mu x_i| <= (mu/4) Delta and Delta >= 2 sigma/mu: "
            "V[W(y)] <= Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(
            bounds.variance, "<=", sharper.variance_bound, margin=sharper.variance_margin
        ),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        form="sharpened",
        sharpens="prop02c",
        change=(
            "1 for 4 n^2: V[W] <= E[(W - x_i)^2], whose terms fall as in prop02b.s1, so nothing is "
            "squared and no n is lost; approached as kappa grows, at the ends of the range."
        ),
        remark=ENDS,
        derivation="sharper_posterior",
    ),
    Claim(
        id="prop02.b.s1",
        kind="step",
        serves="prop02b",
        source=Source("proof of proposition 2", 22),
        statement=(
            "If Delta >= 2 sigma/mu: sum_{i'>i} (x_i' - x_i) exp(-mu^2 (x_i-x_i')^2/(4 sigma^2)) "
            "<= (6/5) Delta exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(posterior.later_half_kernel_sum, "<=", sharper.half_kernel_bound),
        hypotheses=(SPACING_TWO,),
        range=Range("points"),
        form="sharpened",
        sharpens="prop02.b",
        change=(
            "6/5 for n: the k-th term is at most exp(-kappa^2 (k-1)/2) times the first, and they "
            "sum to at most 1 + E^2/(1 - E^2), E = exp(-kappa^2/4) <= 3/8."
        ),
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03a.s1",
        source=Source("corollary 3", 7),
        statement=(
            "If Delta >= 2 sigma/mu, for y in {mu x_i, mu x_{i+1}}: |s*'(y) - s*'(m_i)| >= "
            "(mu^2/sigma^4) ((x_i-x_{i+1})^2/4 - 2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)))."
        ),
        conclusion=Inequality(
            bounds.slope_jump,
            ">=",
            sharper.slope_jump_bound,
            nonnegative_left=True,
            margin=sharper.slope_jump_margin,
        ),
        hypotheses=(SPACING_TWO,),
        range=MEANS,
        form="sharpened",
        sharpens="cor03a.r1",
        change=(
            "1/4 for 1/(2n) by prop02a.s2, and at the means themselves both neighbours weigh "
            "exp(-kappa^2/2), so V[W] <= 2 Delta^2 exp(-kappa^2/2) without n; approached as kappa "
            "grows."
        ),
        leans_on=("prop02a.s2",),
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03b.s1",
        source=Source("corollary 3, eq. 10", 7),
        statement=(
            "R_n(s*) <= ((n-1) mu^2 (x_n - x_1)^2/(n sigma^4)) exp(-mu^2 Delta^2/(8 sigma^2)), "
            "without a condition on Delta."
        ),
        enclosed_by=RISK,
        conclusion=Inequality(bounds.risk_empirical_score, "<=", sharper.rounding_risk_bound),
        form="sharpened",
        sharpens="cor03b",
        change=(
            "(n-1)/n for 4 and exp(-kappa^2/8) for exp(-kappa^2/32): the posterior variance is at "
            "most the mean square error of rounding Y to the nearest noised mean, and that errs "
            "only if the noise passes half of a gap."
        ),
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03b.s2",
        source=Source("corollary 3, eq. 10", 7),
        statement=(
            "If Delta >= 2 sigma/mu: R_n(s*) <= (5 (n-1) mu^2 Delta^2/(4 n sigma^4)) "
            "exp(-mu^2 Delta^2/(8 sigma^2))."
        ),
        enclosed_by=RISK,
        conclusion=Inequality(bounds.risk_empirical_score, "<=", sharper.pair_risk_bound),
        hypotheses=(SPACING_TWO,),
        form="sharpened",
        sharpens="cor03b",
        change=(
            "Delta for x_n - x_1, four times the exponent and 5/4 for 4: the mean posterior "
            "variance is a sum over pairs of points, each at most half the overlap of two "
            "densities; the exponent is exact at n = 2."
        ),
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03.a.s1",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3, eq. 13", 24),
        statement=(
            "If Delta >= 2 sigma/mu, on |y - mu x_i| <= mu Delta/4: |s*(y) - (mu x_i - y)/sigma^2| "
            "<= (mu Delta/sigma^2) exp(-mu^2 Delta^2/(4 sigma^2))."
        ),
        conclusion=Inequality(
            posterior.score_residual,
            "<=",
            sharper.score_residual_bound,
            margin=sharper.score_residual_margin,
        ),
        hypotheses=(SPACING_TWO,),
        range=NEAR_MEAN,
        form="sharpened",
        sharpens="cor03.a",
        change="1 for n, by prop02b.s1; approached as kappa grows, at the ends of the range.",
        leans_on=("eq09", "prop02b.s1"),
        remark=ENDS,
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03.c.s1",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3", 24),
        statement=(
            "If Delta >= 2 sigma/mu: R_n(s*) <= (mu^2 Delta^2/sigma^4) exp(-mu^2 Delta^2"
            "/(2 sigma^2)) + (mu^2 (x_n-x_1)^2/sigma^4) exp(-mu^2 Delta^2/(32 sigma^2))."
        ),
        enclosed_by=RISK,
        conclusion=Inequality(bounds.risk_empirical_score, "<=", sharper.two_part_risk_bound),
        hypotheses=(SPACING_TWO,),
        form="sharpened",
        sharpens="cor03.c",
        change=(
            "1 for n^2 by cor03.a.s1, and 1 for 2, since P(|sigma Z| > mu Delta/4) is at most one "
            "exp(-kappa^2/32)."
        ),
        leans_on=("cor03.a.s1", "cor03.b"),
        derivation="sharper_posterior",
    ),
    Claim(
        id="cor03.d.s1",
        kind="step",
        serves="cor03b",
        source=Source("proof of corollary 3", 24),
        statement="n Delta <= (n/(n-1)) (x_n - x_1).",
        conclusion=Inequality(
            posterior.size_times_spacing,
            "<=",
            sharper.stretched_spread,
            margin=sharper.stretched_spread_margin,
        ),
        form="sharpened",
        sharpens="cor03.d",
        change="n/(n-1) for 2: x_n - x_1 is a sum of n - 1 gaps; attained by equispaced points.",
        derivation="sharper_posterior",
    ),
    Claim(
        id="thm04.s1",
        source=Source("theorem 4", 8),
        statement=(
            "If 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1 then "
            "TV(s*) >= mu^3 n^2 Delta^3/(2^10 sigma^4)."
        ),
        enclosed_by="TV(s*): rigorous integration, signs decided by bisection",
        conclusion=Inequality(
            bounds.tv_empirical_score, ">=", sharper.variation_bound, nonnegative_left=True
        ),
        hypotheses=(WIDE,),
        form="sharpened",
        sharpens="thm04",
        change=(
            "n^2/2^10 for n/2^12, at every n >= 2: the slope changes by a quarter of the squared "
            "gap (prop02a.s2), not by a share 1/(2n) of it, and the sum over all gaps has a closed "
            "form."
        ),
        remark="With 2^9 for n >= 6.",
        leans_on=("thm04.a", "prop09a.s1", "prop02a.s2", "prop02c.s1"),
        derivation="sharper_variation",
    ),
    Claim(
        id="thm04.0.s1",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "The condition 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1 implies Delta >= (22/5) "
            "sigma/mu."
        ),
        conclusion=Inequality(bounds.spacing, ">=", sharper.forced_spacing),
        hypotheses=(WIDE,),
        form="sharpened",
        sharpens="thm04.0",
        change=(
            "22/5 for 2: 16 n^3 >= 128 > exp((22/5)^2/4); at n = 2 the best is 2 sqrt(ln 128), "
            "about 4.4055."
        ),
        derivation="sharper_variation",
    ),
    Claim(
        id="thm04.d.s1",
        kind="step",
        serves="thm04",
        source=Source("proof of theorem 4", 8),
        statement=(
            "For n >= 10 at least 3n/10 integers lie between ceil(n/4)+1 and floor(3n/4)-1."
        ),
        conclusion=Inequality(
            weights.inner_count, ">=", sharper.three_tenths, margin=sharper.inner_count_margin
        ),
        hypotheses=(TEN_POINTS,),
        form="sharpened",
        sharpens="thm04.d",
        change="3/10 for 1/4, by the remainder of n modulo 4; attained at n = 10.",
        derivation="sharper_variation",
    ),
    Claim(
        id="thm04.f.s1",
        kind="step",
        serves="thm04",
        source=Source("remark on theorem 4", 9),
        statement=(
            "With mu = exp(-t), sigma^2 = 1 - exp(-2t), t > 0: mu^3/sigma^4 >= exp(-3t)/(4 t^2)."
        ),
        conclusion=Inequality(weights.diffusion_scale, ">=", sharper.scale_of_small_time),
        subject="function",
        parameters=("t",),
        hypotheses=(Hypothesis("t > 0", weights.time, ">", bounds.zero),),
        form="sharpened",
        sharpens="thm04.f",
        change=(
            "exp(-3t)/4 for 1/8, at every t: only 1 - exp(-2t) <= 2t is used; approached as t "
            "tends to 0, so twice the printed constant is the best there."
        ),
        derivation="sharper_variation",
    ),
    Claim(
        id="prop09a.s1",
        source=Source("proposition 9", 18),
        statement=(
            "For 1 <= i <= n-1 and y in [mu x_i, mu x_{i+1}]: pi(y) >= (mu/(2 n^2)) "
            "(1 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta."
        ),
        conclusion=Inequality(bounds.weight, ">=", sharper.weight_floor, nonnegative_left=True),
        range=IN_GAP,
        form="sharpened",
        sharpens="prop09a.r1",
        change=(
            "(1 - exp(..))/2 for 1/2 - exp(..), which is negative for close points, by prop09.d.s1."
        ),
        leans_on=("prop09.c", "prop09.d.s1", "prop09.e", "prop09.e.r1"),
        derivation="sharper_variation",
    ),
    Claim(
        id="prop09b.s1",
        source=Source("proposition 9", 18),
        statement="For every real y: pi(y) <= mu (x_n - x_1)/8.",
        conclusion=Inequality(bounds.weight, "<=", sharper.weight_ceiling),
        range=Range(y=Interval(bounds.lowest_mean, bounds.highest_mean)),
        form="sharpened",
        sharpens="prop09b",
        change=(
            "1/8 for 1: the square of the minimum is at most the product, p^2 (1-p)^2 a b with a + "
            "b = mu (x_n - x_1); approached at n = 2, in the middle, as sigma tends to 0."
        ),
        remark="pi is 0 outside the closed range of the noised means.",
        derivation="sharper_variation",
    ),
    Claim(
        id="prop09.d.s1",
        kind="step",
        serves="prop09a",
        source=Source("proof of proposition 9, step d", 19),
        statement=(
            "P(0 < sigma z < mu (x_{i+1} - x_i)) >= (1 - exp(-mu^2 (x_i - x_{i+1})^2"
            "/(2 sigma^2)))/2."
        ),
        conclusion=Inequality(
            weights.half_gap_probability,
            ">=",
            sharper.gap_probability_floor,
            nonnegative_left=True,
            margin=sharper.gap_probability_margin,
        ),
        range=Range("gaps"),
        form="sharpened",
        sharpens="prop09.d",
        change=(
            "Half of the exponential: Q(c) <= exp(-c^2/2)/2, an equality at c = 0, where both "
            "sides vanish."
        ),
        derivation="sharper_variation",
    ),
    Claim(
        id="lem12.s1",
        source=Source("lemma 12", 34),
        statement="int_R |s*''(y)| dy <= 3 mu^2 (x_n - x_1)^2/(4 sigma^4).",
        enclosed_by=MASS,
        conclusion=Inequality(bounds.curvature_mass, "<=", sharper.curvature_mass_bound),
        form="sharpened",
        sharpens="lem12",
        change=(
            "Neither Delta, n nor the place of the data is in it, and sigma^-4 stands for "
            "sigma^-6: the third central moment is at most the variance times the larger distance "
            "of the mean from an end, and the variance is the slope of the mean."
        ),
        remark=(
            "So A of the order sigma^-4 is enough for the setting, instead of sigma^-6. At n = 2 "
            "the mass is mu^2 (x_2 - x_1)^2/(2 sigma^4). Within the printed bound the first term "
            "may be halved (lem12.c)."
        ),
        leans_on=("eq09", "lem11b"),
        derivation="sharper_curvature",
    ),
    Claim(
        id="lem12.b.s1",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step b", 34),
        statement=(
            "For y >= 2 mu (x_n)_+: |s*''(y)| <= (mu^3 (n-1)(x_n-x_1)^3/sigma^6) "
            "exp(-y mu Delta/(2 sigma^2)); mirror image for y < 2 mu (x_1)_-."
        ),
        conclusion=(
            Inequality(posterior.right_curvature, "<=", sharper.right_curvature_bound),
            Inequality(posterior.left_curvature, "<=", sharper.left_curvature_bound),
        ),
        range=Range(y=BEYOND),
        form="sharpened",
        sharpens="lem12.b",
        change=(
            "1 for 2: |E[(W - E W)^3]| <= (x_n - x_1) V[W] and V[W] <= E[(W - x_n)^2], so the term "
            "of x_n itself drops out."
        ),
        remark="y is the distance beyond the starts 2 mu (x_n)_+ and 2 mu (x_1)_-, as in lem12.b.",
        leans_on=("lem12.a", "lem11b"),
        derivation="sharper_curvature",
    ),
    Claim(
        id="lem12.b2.s1",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step b", 34),
        statement="Everywhere |s*''| <= (mu^3/sigma^6)(x_n - x_1)^3/(6 sqrt 3).",
        conclusion=Inequality(posterior.curvature, "<=", sharper.curvature_ceiling),
        range=Range(y=SIX_PLACES),
        form="sharpened",
        sharpens="lem12.b2",
        change=(
            "1/(6 sqrt 3) for 1: that is the largest third central moment on an interval of length "
            "1, found by lines above the cube; attained at n = 2, where alpha_1 = (1 + 1/sqrt 3)/2."
        ),
        remark=(
            "True for every y; at an instance looked at at the outermost means and midpoints and a "
            "noise level beyond."
        ),
        leans_on=("lem11b",),
        derivation="sharper_curvature",
    ),
    Claim(
        id="lem12.c.s1",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step c", 35),
        statement=(
            "int_{2 mu (x_1)_-}^{2 mu (x_n)_+} |s*''| dy <= "
            "mu^4 (x_n-x_1)^3 ((x_n)_+ - (x_1)_-)/(3 sqrt 3 sigma^6)."
        ),
        enclosed_by=MASS,
        conclusion=Inequality(posterior.inner_curvature_mass, "<=", sharper.inner_curvature_bound),
        form="sharpened",
        sharpens="lem12.c",
        change=(
            "1/(3 sqrt 3) for 4: the interval has the length 2 mu ((x_n)_+ - (x_1)_-), not twice "
            "that, and lem12.b2.s1 bounds the integrand."
        ),
        leans_on=("lem12.b2.s1",),
        derivation="sharper_curvature",
    ),
    Claim(
        id="lem14b.s1",
        source=Source("lemma 14", 36),
        statement=(
            "((beta-gamma)^2/sqrt(2 pi sigma^2)) int_{-delta}^{delta} x^2 exp(-x^2/(2 sigma^2)) dx "
            ">= sigma^2 (beta-gamma)^2 "
            "(1 - (2 delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2)))."
        ),
        conclusion=Inequality(
            bounds.truncated_square,
            ">=",
            sharper.truncated_square_floor,
            nonnegative_left=True,
            margin=sharper.truncated_square_margin,
        ),
        subject="function",
        parameters=("beta", "gamma", "delta"),
        hypotheses=WIDTHS,
        form="sharpened",
        sharpens="lem14b",
        change="1 for the 2 beside the exponential: P(|z| > u) <= exp(-u^2/2), not twice that.",
        leans_on=("lem14.c",),
        derivation="sharper_slopes",
    ),
    Claim(
        id="prop07.a3.s1",
        kind="step",
        serves="prop07",
        source=Source("proof of proposition 7, step a3", 29),
        statement="With Delta >= 8 sigma/mu: n R_n >= 499/(1000 sigma^2).",
        conclusion=Inequality(
            network_steps.risk_times_size,
            ">=",
            sharper.nearly_half_precision,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=(*IN_CLASS, SPACING_EIGHT),
        range=NEVER_POSITIVE,
        form="sharpened",
        sharpens="prop07.a3",
        change="499/1000 for 1/4, which is what 1/2 - e^-8 leaves.",
        remark="Under the condition of prop07.a on s_theta.",
        leans_on=("prop07.a3",),
        derivation="sharper_slopes",
    ),
    Claim(
        id="prop07.c.s1",
        kind="step",
        serves="prop07",
        source=Source("proof of proposition 7, step c", 29),
        statement=(
            "There is y_i in [mu x_i - mu Delta/2, mu x_i + mu Delta/2] with s_theta'(y_i) <= "
            "-1/sigma^2 + sqrt(100 n R_n/(99 sigma^2))."
        ),
        conclusion=Inequality(network_steps.steepest_fall, "<=", sharper.fall_bound),
        subject="network",
        hypotheses=(*IN_CLASS, SPACING_EIGHT, SMALL_RISK),
        range=Range("points"),
        form="sharpened",
        sharpens="prop07.c",
        change="100/99 for 2 under the root, by prop07.d.s1.",
        remark="Existence as the least slope of a piece that meets the interval.",
        leans_on=("lem14a", "lem14b", "prop07.d.s1"),
        derivation="sharper_slopes",
    ),
    Claim(
        id="prop07.d.s1",
        kind="step",
        serves="prop07",
        source=Source("proof of proposition 7, step d", 29),
        statement=(
            "With Delta >= 8 sigma/mu: 1 - 2 (mu Delta/(2 sqrt(2 pi sigma^2)) + 1) "
            "exp(-mu^2 Delta^2/(8 sigma^2)) >= 99/100."
        ),
        conclusion=Inequality(network_steps.kept_share, ">=", sharper.nearly_all),
        hypotheses=(SPACING_EIGHT,),
        form="sharpened",
        sharpens="prop07.d",
        change=(
            "99/100 for 1/2: the left side increases in kappa, and at kappa = 8 it is above 0.998."
        ),
        derivation="sharper_slopes",
    ),
)

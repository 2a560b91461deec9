"""Small risk forces weighted variation."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, Range, Source
from dsmverify.formulas import bounds, network_steps

from ._networks import AT_LEAST_FIVE, AT_LEAST_FOUR, SMALL_RISK
from ._premises import IN_CLASS, SPACING_EIGHT

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
SMALL = (*IN_CLASS, SPACING_EIGHT, SMALL_RISK)
CHOICE = (
    "y_i lies on a piece of least slope within mu Delta/2 of mu x_i, c_i on a piece of largest "
    "slope between b_i, where s_theta is lowest on [mu x_i, mu x_i + mu Delta/2], and a_{i+1}, "
    "where it is highest on [mu x_{i+1} - mu Delta/2, mu x_{i+1}]: an admissible choice."
)
CHAIN = "Left: the right side of the step before."
NOISED = (
    "TV counts a kink with pi_Y(y) = min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]), "
    "Y the noised mixture."
)
STEPS = (
    "prop07.a",
    "prop07.a2",
    "prop07.a3",
    "prop07.b",
    "prop07.c",
    "prop07.d",
    "prop07.e",
    "prop07.f",
    "prop07.g",
    "prop07.h",
)
REPAIRED_STEPS = (
    "prop07.a.r1",
    "prop07.a3",
    "prop07.b",
    "prop07.c",
    "prop07.d",
    "prop07.e.r1",
    "prop07.f.r1",
    "prop07.g.r1",
)


def proof(step: str, page: int) -> Source:
    """A step of the proof of proposition 7."""
    return Source(f"proof of proposition 7, step {step}", page)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop07",
        source=Source("proposition 7", 10),
        statement=(
            "If Delta >= 8 sigma/mu then every theta with R_n(theta) <= 1/(16 n sigma^2) has "
            "TV(s_theta) >= mu n^2 Delta/(2^11 sigma^2)."
        ),
        conclusion=Inequality(
            bounds.tv_network, ">=", bounds.tv_network_bound, nonnegative_left=True
        ),
        subject="network",
        hypotheses=SMALL,
        leans_on=(*STEPS, "prop09a", "lem13", "lem14a", "lem14b"),
        severity="statement",
        remark="The proof says for n >= 10; the statement does not.",
    ),
    Claim(
        id="prop07.a",
        source=proof("a", 29),
        statement=(
            "If s_theta <= 0 on [mu x_i - mu Delta/2, mu x_i] then n R_n >= "
            "(1/(sigma^4 sqrt(2 pi sigma^2))) int_{-mu Delta/2}^0 y^2 exp(-y^2/(2 sigma^2)) dy, "
            "and that integral term equals (1/(sigma^2 sqrt(2 pi sigma^2))) ((mu Delta/2) "
            "exp(-mu^2 Delta^2/(8 sigma^2)) + int_{-mu Delta/2}^0 exp(-y^2/(2 sigma^2)) dy)."
        ),
        conclusion=(
            Inequality(
                network_steps.risk_times_size,
                ">=",
                network_steps.half_gap_square,
                nonnegative_left=True,
            ),
            Identity(network_steps.half_gap_square, network_steps.printed_half_gap_square),
        ),
        subject="network",
        hypotheses=IN_CLASS,
        range=NEVER_POSITIVE,
        kind="step",
        serves="prop07",
        severity="step only",
        remark="About every network, since the proof leads it to a contradiction with small risk.",
    ),
    Claim(
        id="prop07.a.r1",
        source=proof("a", 29),
        statement=(
            "If s_theta <= 0 on [mu x_i - mu Delta/2, mu x_i] then n R_n >= "
            "(1/(sigma^4 sqrt(2 pi sigma^2))) int_{-mu Delta/2}^0 y^2 exp(-y^2/(2 sigma^2)) dy, "
            "and that integral term equals (1/(sigma^2 sqrt(2 pi sigma^2))) "
            "(int_{-mu Delta/2}^0 exp(-y^2/(2 sigma^2)) dy - (mu Delta/2) "
            "exp(-mu^2 Delta^2/(8 sigma^2)))."
        ),
        conclusion=(
            Inequality(
                network_steps.risk_times_size,
                ">=",
                network_steps.half_gap_square,
                nonnegative_left=True,
            ),
            Identity(network_steps.half_gap_square, network_steps.corrected_half_gap_square),
        ),
        subject="network",
        hypotheses=IN_CLASS,
        range=NEVER_POSITIVE,
        kind="step",
        form="repaired",
        serves="prop07.r1",
        repairs="prop07.a",
        derivation="network_slopes",
        change=(
            "Integration by parts gives the boundary term a minus sign; the last line of "
            "prop07.a3, n R_n >= 1/(4 sigma^2), still follows."
        ),
    ),
    Claim(
        id="prop07.a2",
        source=proof("a2", 29),
        statement=(
            "That is >= (1/(sigma^2 sqrt(2 pi sigma^2))) (mu Delta/2) "
            "exp(-mu^2 Delta^2/(8 sigma^2)) + (1/sigma^2) (1/2 - exp(-mu^2 Delta^2/(8 sigma^2)))."
        ),
        conclusion=Inequality(
            network_steps.printed_half_gap_square,
            ">=",
            network_steps.edge_and_tail,
            nonnegative_left=True,
        ),
        kind="step",
        serves="prop07",
        leans_on=("prop07.a",),
        derivation="network_slopes",
        remark=CHAIN,
    ),
    Claim(
        id="prop07.a3",
        source=proof("a3", 29),
        statement=(
            "With Delta >= 8 sigma/mu: n R_n >= (1/sigma^2) (1/2 - exp(-mu^2 Delta^2/(8 sigma^2)))"
            " >= (1/sigma^2) (1/2 - e^-8) >= 1/(4 sigma^2)."
        ),
        conclusion=(
            Inequality(
                network_steps.risk_times_size,
                ">=",
                network_steps.tail_floor,
                nonnegative_left=True,
            ),
            Inequality(network_steps.tail_floor, ">=", network_steps.tail_floor_at_eight),
            Inequality(network_steps.tail_floor_at_eight, ">=", network_steps.quarter_precision),
        ),
        subject="network",
        hypotheses=(*IN_CLASS, SPACING_EIGHT),
        range=NEVER_POSITIVE,
        kind="step",
        serves="prop07",
        leans_on=("prop07.a2",),
        derivation="network_slopes",
        remark="Under the condition of prop07.a on s_theta.",
    ),
    Claim(
        id="prop07.b",
        source=proof("b", 29),
        statement=(
            "So for 1 <= i <= n there are a_i in [mu x_i - mu Delta/2, mu x_i] with s_theta(a_i) "
            "> 0 (announced; concluded with >= 0) and b_i in [mu x_i, mu x_i + mu Delta/2] with "
            "s_theta(b_i) < 0; hence for 1 <= i <= n-1 some c_i in [b_i, a_{i+1}] subset "
            "[mu x_i, mu x_{i+1}] with s_theta'(c_i) >= 0."
        ),
        conclusion=(
            Inequality(network_steps.highest_left, ">", bounds.zero),
            Inequality(network_steps.lowest_right, "<", bounds.zero),
            Inequality(network_steps.steepest_in_gap, ">=", bounds.zero),
        ),
        subject="network",
        hypotheses=SMALL,
        range=Range("points"),
        kind="step",
        serves="prop07",
        leans_on=("prop07.a3",),
        derivation="network_slopes",
        remark=(
            "Existence as an extremum over the interval; between b_i and a_{i+1} s_theta rises, so "
            "some piece there has a slope >= 0. Nothing is claimed of c_n."
        ),
    ),
    Claim(
        id="prop07.c",
        source=proof("c", 29),
        statement=(
            "There is y_i in [mu x_i - mu Delta/2, mu x_i + mu Delta/2] with s_theta'(y_i) <= "
            "-1/sigma^2 + sqrt(2 n R_n/sigma^2)."
        ),
        conclusion=Inequality(network_steps.steepest_fall, "<=", network_steps.fall_bound),
        subject="network",
        hypotheses=SMALL,
        range=Range("points"),
        kind="step",
        serves="prop07",
        leans_on=("lem14a", "lem14b", "prop07.d"),
        derivation="network_slopes",
        remark="Existence as the least slope of a piece that meets the interval.",
    ),
    Claim(
        id="prop07.d",
        source=proof("d", 29),
        statement=(
            "By lem13 for x exp(-x^2/2) at x = mu Delta/(4 sigma) >= 2: (mu Delta/(4 sigma)) "
            "exp(-mu^2 Delta^2/(8 sigma^2)) <= e^-2; so 1 - 2 (mu Delta/(2 sqrt(2 pi sigma^2)) + 1)"
            " exp(-mu^2 Delta^2/(8 sigma^2)) >= 1 - (2 sqrt 2/sqrt(pi)) e^-2 - 2 e^-8 >= 1/2."
        ),
        conclusion=(
            Inequality(network_steps.quarter_ratio_decay, "<=", network_steps.inverse_square_of_e),
            Inequality(network_steps.kept_share, ">=", network_steps.kept_share_floor),
            Inequality(network_steps.kept_share_floor, ">=", network_steps.half),
        ),
        hypotheses=(SPACING_EIGHT,),
        kind="step",
        serves="prop07",
        leans_on=("lem13",),
        derivation="network_slopes",
        remark=(
            "At that x lem13 bounds x exp(-x^2/2), and the exponent here is -2 x^2: the "
            "inequality is true with room."
        ),
    ),
    Claim(
        id="prop07.e",
        source=proof("e", 30),
        statement=(
            "[y_i, c_i] and [y_{i+2}, c_{i+2}] are disjoint; with x_(n/4) the smallest x_i with "
            "i > n/4, x_(3n/4) the largest with i < 3n/4: TV(s_theta) >= sum_{n/4 < 2i < 3n/4} "
            "min_{y in [x_(n/4), x_(3n/4)]} pi(y) |int_{y_{2i}}^{c_{2i}} s_theta''(y) dy|."
        ),
        conclusion=Inequality(
            bounds.tv_network, ">=", network_steps.turns_in_the_middle, nonnegative_left=True
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        serves="prop07",
        leans_on=("prop07.b", "prop07.c"),
        severity="step only",
        remark=CHOICE + " The interval of the minimum without mu, as printed.",
    ),
    Claim(
        id="prop07.e.r1",
        source=proof("e", 30),
        statement=(
            "TV(s_theta) >= sum_{j in J} min_{y in [mu x_j - mu Delta/2, mu x_{j+1}]} pi(y) "
            "|int_{y_j}^{c_j} s_theta''(y) dy|, J every second index from 2 to n-1, from 2 or "
            "from 3."
        ),
        conclusion=Inequality(
            bounds.tv_network, ">=", network_steps.turns_between_means, nonnegative_left=True
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        form="repaired",
        serves="prop07.r1",
        repairs="prop07.e",
        leans_on=("prop07.b", "prop07.c"),
        derivation="weighted_count",
        change=(
            "Each minimum of pi is over an interval of noised means that holds y_j and c_j, and "
            "the sum runs over every second index from 2 to n-1, whichever half counts more."
        ),
        remark=CHOICE,
    ),
    Claim(
        id="prop07.f",
        source=proof("f", 30),
        statement=(
            "... >= sum_{n/4<2i<3n/4} (mu n Delta/128) (1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "(1/sigma^2 - sqrt(2 n R_n/sigma^2))."
        ),
        conclusion=Inequality(
            network_steps.turns_in_the_middle,
            ">=",
            network_steps.printed_middle_sum,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        serves="prop07",
        leans_on=("prop07.b", "prop07.c", "prop09a", "thm04.c"),
        severity="step only",
        remark=f"{CHAIN} {CHOICE}",
    ),
    Claim(
        id="prop07.f.r1",
        source=proof("f", 30),
        statement=(
            "... >= (mu Delta/n^2) (1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) S (1/sigma^2 - "
            "sqrt(2 n R_n/sigma^2)), S = sum_{j in J} min((j-1)^3, (n-j)^2 (n-j-1))/2."
        ),
        conclusion=Inequality(
            network_steps.turns_between_means,
            ">=",
            network_steps.counted_floor,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        form="repaired",
        serves="prop07.r1",
        repairs="prop07.f",
        leans_on=("prop07.b", "prop07.c"),
        derivation="weighted_count",
        change=(
            "Each index keeps the floor of pi on its own interval [mu x_j - mu Delta/2, mu "
            "x_{j+1}] instead of n^3/128 for all."
        ),
        remark=f"{CHAIN} {CHOICE}",
    ),
    Claim(
        id="prop07.g",
        source=proof("g", 30),
        statement=(
            "... >= (mu n^2 Delta/1024) (1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) "
            "(1/sigma^2 - sqrt(2 n R_n/sigma^2)) (at least n/4 points between ceil(n/4)+1 and "
            "floor(3n/4)-1 (for n >= 10), so at least n/8 points, one out of two)."
        ),
        conclusion=Inequality(
            network_steps.printed_middle_sum,
            ">=",
            network_steps.printed_total,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        serves="prop07",
        leans_on=("prop07.f", "thm04.d"),
        severity="statement",
        remark=CHAIN + " The statement of the proposition has no n >= 10.",
    ),
    Claim(
        id="prop07.g.r1",
        source=proof("g", 30),
        statement="For n >= 4: ... >= mu n^2 Delta/(2^11 sigma^2).",
        conclusion=Inequality(
            network_steps.counted_floor,
            ">=",
            bounds.tv_network_bound,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=(*SMALL, AT_LEAST_FOUR),
        kind="step",
        form="repaired",
        serves="prop07.r1",
        repairs="prop07.g",
        leans_on=("prop07.f.r1",),
        derivation="weighted_count",
        change=(
            "The floors of the better half of the indices sum to at least n^4/662 for every "
            "n >= 4, which is what 2^11 needs; at n = 2 and 3 no index is left."
        ),
        remark=CHAIN,
    ),
    Claim(
        id="prop07.h",
        source=proof("h", 30),
        statement=(
            "... >= (mu n^2 Delta/1024) (1/2 - e^-32) (1/sigma^2 - 1/(2 sqrt 2 sigma^2)) >= "
            "mu n^2 Delta/(2^11 sigma^2)."
        ),
        conclusion=(
            Inequality(network_steps.printed_total, ">=", network_steps.printed_total_at_eight),
            Inequality(network_steps.printed_total_at_eight, ">=", bounds.tv_network_bound),
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        serves="prop07",
        leans_on=("prop07.g",),
        severity="constant",
        remark=CHAIN,
    ),
    Claim(
        id="prop07.h.r1",
        source=proof("h", 30),
        statement=(
            "... >= (mu n^2 Delta/1024) (1/2 - e^-32) (1/sigma^2 - 1/(2 sqrt 2 sigma^2)) >= "
            "mu n^2 Delta/(2^12 sigma^2)."
        ),
        conclusion=(
            Inequality(network_steps.printed_total, ">=", network_steps.printed_total_at_eight),
            Inequality(network_steps.printed_total_at_eight, ">=", network_steps.halved_total),
        ),
        subject="network",
        hypotheses=SMALL,
        kind="step",
        form="repaired",
        serves="prop07.r1",
        repairs="prop07.h",
        derivation="network_slopes",
        change="The product of the three numbers is just below 1/3168: 2^12 in the place of 2^11.",
        remark=CHAIN,
    ),
    Claim(
        id="prop07.r1",
        source=Source("proposition 7", 10),
        statement=(
            "If n >= 4 and Delta >= 8 sigma/mu then every theta with R_n(theta) <= "
            "1/(16 n sigma^2) has TV(s_theta) >= mu n^2 Delta/(2^11 sigma^2)."
        ),
        conclusion=Inequality(
            bounds.tv_network, ">=", bounds.tv_network_bound, nonnegative_left=True
        ),
        subject="network",
        hypotheses=(*SMALL, AT_LEAST_FOUR),
        form="repaired",
        repairs="prop07",
        leans_on=REPAIRED_STEPS,
        derivation="weighted_count",
        change=(
            "n >= 4 is asked for: each index keeps its own floor of pi and every second one from 2 "
            "to n-1 counts; at n = 2 and n = 3 the statement is false."
        ),
    ),
    Claim(
        id="prop07.r2",
        source=Source("proposition 7", 10),
        statement=(
            "If n >= 4 and Delta >= 8 sigma/mu then every theta with R_n(theta) <= "
            "1/(16 n sigma^2) has TV(s_theta) >= mu n^2 Delta/(2^11 sigma^2), with the noised "
            "weight in TV."
        ),
        conclusion=Inequality(
            network_steps.tv_network_noised, ">=", bounds.tv_network_bound, nonnegative_left=True
        ),
        subject="network",
        hypotheses=(*SMALL, AT_LEAST_FOUR),
        form="repaired",
        repairs="prop07",
        leans_on=REPAIRED_STEPS,
        derivation="weighted_count",
        change=(
            "As prop07.r1, with the weight that the repaired prop06b bounds: it has the same "
            "floors, with 1/2 in the place of 1/2 - exp(..)."
        ),
        remark=NOISED,
    ),
    Claim(
        id="prop07.r3",
        source=Source("proposition 7", 10),
        statement=(
            "If n >= 5 and Delta >= 8 sigma/mu then every theta with R_n(theta) <= "
            "1/(16 n sigma^2) has TV(s_theta) >= mu n^2 Delta/(2^10 sigma^2), with pi and with "
            "the noised weight in TV."
        ),
        conclusion=(
            Inequality(
                bounds.tv_network, ">=", network_steps.doubled_tv_bound, nonnegative_left=True
            ),
            Inequality(
                network_steps.tv_network_noised,
                ">=",
                network_steps.doubled_tv_bound,
                nonnegative_left=True,
            ),
        ),
        subject="network",
        hypotheses=(*SMALL, AT_LEAST_FIVE),
        form="repaired",
        repairs="prop07",
        leans_on=("prop07.a3", "prop07.b", "prop07.c", "prop07.e.r1", "prop07.f.r1"),
        derivation="weighted_count",
        change="From n = 5 on the same count gives 2^10 in the place of 2^11.",
        remark=NOISED,
    ),
)

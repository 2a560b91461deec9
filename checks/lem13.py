"""Where a power times a Gaussian rises and falls."""

from __future__ import annotations

from functools import partial

from dsmverify.claims import Claim, Hypothesis, Inequality, Source, Stated, Structural
from dsmverify.formulas import bounds

AT_1_4 = partial(bounds.gaussian_power, quarters=1)
AT_2_4 = partial(bounds.gaussian_power, quarters=2)
AT_3_4 = partial(bounds.gaussian_power, quarters=3)
AT_5_4 = partial(bounds.gaussian_power, quarters=5)
AT_6_4 = partial(bounds.gaussian_power, quarters=6)
AT_8_4 = partial(bounds.gaussian_power, quarters=8)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem13",
        source=Source("lemma 13", 35),
        statement=(
            "k a positive integer, f_k: R -> R, f_k(x) = x^k exp(-A x^2/2) is strictly increasing "
            "on (0, sqrt(k/A)) and strictly decreasing on (sqrt(k/A), inf)."
        ),
        conclusion=Stated(
            "monotonicity",
            checks=(
                Inequality(AT_1_4, "<", AT_2_4),
                Inequality(AT_2_4, "<", AT_3_4),
                Inequality(AT_5_4, ">", AT_6_4),
                Inequality(AT_6_4, ">", AT_8_4),
            ),
        ),
        subject="function",
        parameters=("k", "A"),
        hypotheses=(
            Structural("k is a positive integer", "has_power"),
            Hypothesis("A > 0", bounds.decay_rate, ">", bounds.zero),
        ),
        derivation="gaussian_power_monotone",
        remark="A > 0 is implied by sqrt(k/A). Checked at multiples of sqrt(k/A)/4.",
    ),
)
